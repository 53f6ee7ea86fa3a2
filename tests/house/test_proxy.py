"""The proxy that is shipped as an example is what NCSC-NL's guidelines ask, and nginx takes it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CONF = Path(__file__).resolve().parents[2] / "docs" / "proxy" / "nginx.conf"

GOOD = {
    # TLS 1.2 with these alone is "goed"; whatever is not here is less. NCSC-NL, TLS v2.1, table 6.
    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256",
}  # fmt: skip

Block = list[tuple[list[str], "Block | None"]]


def parsed(text: str) -> Block:
    """Read nginx's grammar: words up to ``;``, or up to a block between braces."""
    words = re.findall(r'"[^"]*"|[{};]|[^\s{};"]+', re.sub(r"(?m)^\s*#.*$|\s#.*$", "", text))
    stack: list[Block] = [[]]
    now: list[str] = []
    for word in words:
        if word == ";":
            stack[-1].append((now, None))
            now = []
        elif word == "{":
            inner: Block = []
            stack[-1].append((now, inner))
            stack.append(inner)
            now = []
        elif word == "}":
            assert now == [], f"no ; after {now}"
            stack.pop()
        else:
            now.append(word.strip('"'))
    assert len(stack) == 1, "a brace is left open"
    assert now == []
    return stack[0]


def site() -> Block:
    """Return the server that hands requests on."""
    servers = [inner for words, inner in parsed(CONF.read_text()) if words == ["server"]]
    [found] = [inner for inner in servers if inner and get(inner, "ssl_certificate")]
    return found


def get(block: Block, name: str) -> list[list[str]]:
    return [words[1:] for words, _ in block if words[0] == name]


def place(path: str) -> Block:
    [found] = [inner for words, inner in site() if words[0] == "location" and words[-1] == path]
    assert found is not None
    return found


def test_tls_is_what_the_guidelines_call_good():
    server = site()

    assert [["TLSv1.2", "TLSv1.3"]] == get(server, "ssl_protocols")
    [[suites]] = get(server, "ssl_ciphers")
    assert set(suites.split(":")) <= GOOD
    assert suites.index("ECDHE-ECDSA") < suites.index("ECDHE-RSA")
    assert [["off"]] == get(server, "ssl_session_tickets") == get(server, "ssl_early_data")
    [[curves]] = get(server, "ssl_ecdh_curve")
    assert set(curves.split(":")) <= {"X25519", "secp384r1", "prime256v1", "X448", "secp521r1"}


def test_the_server_for_no_name_speaks_the_same_tls():
    """nginx chooses the version before it knows the name: an older default would keep 1.3 away."""
    servers = [inner or [] for words, inner in parsed(CONF.read_text()) if words == ["server"]]
    [nameless] = [inner for inner in servers if get(inner, "ssl_reject_handshake")]
    for name in (
        "ssl_protocols", "ssl_ciphers", "ssl_conf_command", "ssl_ecdh_curve",
        "ssl_session_tickets", "ssl_early_data", "ssl_prefer_server_ciphers",
    ):  # fmt: skip
        assert get(site(), name) == get(nameless, name) != []


def test_a_browser_is_told_to_come_back_over_tls_and_who_comes_without_is_sent_there():
    [[name, value, always]] = get(site(), "add_header")
    assert ("Strict-Transport-Security", "always") == (name, always)
    assert int(value.partition("=")[2]) >= 31536000
    plain = next(inner for words, inner in parsed(CONF.read_text()) if words == ["server"])
    assert [["301", "https://$host$request_uri"]] == get(plain or [], "return")


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/practice/"])
def test_what_is_nothing_for_the_world_is_not_handed_on(path):
    assert [["404"]] == get(place(path), "return")
    assert [] == get(place(path), "proxy_pass")


def test_the_console_is_for_named_networks():
    console = place("/console/")
    assert [["all"]] == get(console, "deny")
    assert get(console, "allow")
    assert [["12m"]] == get(console, "client_max_body_size")


def test_a_body_is_small_and_a_slow_client_is_cut():
    server = site()
    assert [["64k"]] == get(server, "client_max_body_size")
    for name in ("client_header_timeout", "client_body_timeout", "send_timeout"):
        assert int(get(server, name)[0][0].removesuffix("s")) <= 30


def test_what_comes_from_outside_about_where_from_is_not_believed():
    """`front` counts from the end of X-Forwarded-For, so it must hold what this proxy saw."""
    told = {words[0]: words[1] for words in get(site(), "proxy_set_header")}
    assert ("$remote_addr", "", "$host") == (
        told["X-Forwarded-For"], told["Forwarded"], told["Host"],
    )  # fmt: skip
    assert [["off"]] == get(site(), "proxy_next_upstream")


def test_nginx_takes_it(tmp_path):
    """Where nginx is there; elsewhere the tests above have read it."""
    nginx, openssl = shutil.which("nginx"), shutil.which("openssl")
    if not (nginx and openssl):
        assert not os.environ.get("CI"), "what checks everything brings nginx and openssl"
        pytest.skip("NO NGINX HERE: only the directives of the example were read")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", "/CN=stap.voorbeeld.nl", "-days", "1", "-keyout", key, "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    conf = (
        CONF.read_text()
        .replace("/etc/ssl/stap/fullchain.pem", str(certificate))
        .replace("/etc/ssl/stap/privkey.pem", str(key))
        .replace("/var/log/nginx/stap.error.log", str(tmp_path / "error.log"))
    )
    (tmp_path / "stap.conf").write_text(conf)
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/b;\n"
        f"proxy_temp_path {tmp_path}/p;\n"
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u;\n"
        f"scgi_temp_path {tmp_path}/s; include {tmp_path}/stap.conf; }}\n"
    )
    told = subprocess.run(
        [nginx, "-t", "-q", "-c", whole, "-p", tmp_path, "-e", tmp_path / "e.log"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert (0, "") == (told.returncode, told.stderr)
