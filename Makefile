# Two commands do everything on a machine with only python3 (3.11 or newer), pip and make:
#   make run    the practice ground        make test    every check
PYTHON ?= python3
UV = .tools/bin/uv
BIN = .venv/bin
PORT ?= 8000
export UV_PYTHON = $(PYTHON)
export UV_PYTHON_DOWNLOADS = never

.DEFAULT_GOAL := help

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

.PHONY: run
run: .venv/stap ## Start the practice ground: http://127.0.0.1:8000 and the phones on :8001
	$(BIN)/stap run --practice --port $(PORT)

.PHONY: setup
setup: .venv/stap ## Only set up; after it .venv/bin/stap is there

.PHONY: test
test: .venv/dev ## Lint, types and every test
	$(MAKE) lint types
	@# The browser's tests say theirs too when others fail.
	$(BIN)/python -m pytest -n 2 -m "not browser"; others=$$?; \
	  $(BIN)/python -m pytest -m browser && exit $$others

COUNT ?= 20000
.PHONY: fuzz
fuzz: .venv/dev ## Knock at the doors with bad webhooks; COUNT=200000 is the whole of it
	$(BIN)/python scripts/fuzz_doors.py --count $(COUNT)

MINUTES ?= 60
.PHONY: campaign
campaign: .venv/dev ## Kill, stop and cheat real processes for MINUTES=60; the counts are kept
	PYTHONPATH=.:tests $(BIN)/python -m proof.campaign --minutes $(MINUTES)

.PHONY: mutants
mutants: .venv/dev ## Change the send protocol here and there for MINUTES=60, and tell what no test notices
	PYTHONPATH=.:tests $(BIN)/python -m proof.mutants --minutes $(MINUTES)

.PHONY: renderings
renderings: .venv/dev ## Say every text to people who differ and look at it; COUNT=1000000 is the whole
	PYTHONPATH=. $(BIN)/python scripts/render_all.py --count $(COUNT)

.PHONY: lint
lint: .venv/dev ## ruff, and the content itself
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/stap content | tail -n 1

.PHONY: types
types: .venv/dev ## mypy, strict
	$(BIN)/mypy

.PHONY: format
format: .venv/dev ## Let ruff put the code in order
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

.PHONY: locales
locales: .venv/dev ## Bring the translators' files up to the Dutch texts
	$(BIN)/python scripts/locales.py

.PHONY: picture
picture: .venv/dev ## Draw the picture in the README again (needs chromium)
	$(BIN)/python scripts/picture.py

.PHONY: assets
assets: ## Build the console's page styles and icons again (needs node; the result is committed)
	cd scripts/assets && npm install --no-package-lock --silent && node build.mjs

.PHONY: lock
lock: $(UV) ## Resolve the requirements anew; the lock files name no address
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -o requirements-dev.lock

# uv installs in seconds. Where it cannot be had, pip does the same from the same lock.
$(UV):
	-$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools uv==0.13.8

define install
	@if [ -x $(UV) ]; then \
	  [ -x $(BIN)/python ] || $(UV) venv --quiet .venv; \
	  $(UV) pip sync --quiet --python $(BIN)/python $(1); \
	else \
	  [ -x $(BIN)/python ] || $(PYTHON) -m venv --without-pip .venv; \
	  $(PYTHON) -m pip --python $(BIN)/python install --quiet --require-hashes -r $(1); \
	fi
	@scripts/link.sh
endef

.venv/stap: requirements.lock | $(UV)
	$(call install,requirements$(if $(wildcard .venv/dev),-dev).lock)
	@touch $@

.venv/dev: requirements-dev.lock | $(UV)
	$(call install,requirements-dev.lock)
	@touch .venv/stap $@
