"""The fuzzer itself, a little of it: the whole is `make fuzz COUNT=200000`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_fifteen_hundred_bad_webhooks_break_nothing():
    """Whatever knocks: no 5xx, no lost row, no fault of ours, nobody quoted, the worker lives."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "fuzz_doors.py", "--count", "1500", "--seed", "20"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "All is as it must be." in done.stdout
