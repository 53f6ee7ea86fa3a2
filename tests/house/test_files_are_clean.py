"""No file ties the house to one machine or one supplier; what is installed is what was locked."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]

TIES = {
    # Built from parts, so that this file does not name what it forbids.
    "an address to download from": "|".join(
        re.escape(host)
        for host in (
            "pypi" + ".org",
            "pythonhosted" + ".org",
            "npmjs" + ".com",
            "unpkg" + ".com",
            "jsdelivr" + ".net",
            "googleapis" + ".com",
            "gstatic" + ".com",
            "docker" + ".io",
            "ghcr" + ".io",
        )
    ),
    "a path of one machine": r"(?<![\w.])/(?:" + "|".join(("work", "home", "Users")) + r")/\w",
}

LOCKS = sorted(HOUSE.glob("requirements*.lock"))


def texts() -> list[Path]:
    """Every file of the repository that is text, whoever wrote it."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=HOUSE,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [
        HOUSE / name
        for name in listed.split("\0")
        if name and (HOUSE / name).is_file() and b"\0" not in (HOUSE / name).read_bytes()
    ]


@pytest.mark.skipif(not (HOUSE / ".git").exists(), reason="no repository: only git knows its files")
@pytest.mark.parametrize("what", TIES)
def test_no_file_names(what):
    """Whoever runs this brings their own machine and their own mirror."""
    tie = re.compile(TIES[what])
    named = [
        f"{path.relative_to(HOUSE)}: {found.group()}"
        for path in texts()
        if (found := tie.search(path.read_text(encoding="utf-8", errors="replace")))
    ]

    assert [] == named


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_requirement_is_locked_by_hash_and_names_no_address(lock):
    """A package that was swapped is refused, from whatever mirror it comes."""
    lines = lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    wanted = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    form = re.compile(
        r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[0-9][\w.+!-]*"  # name, extras, version
        r"( ; [^@]+?)?( +--hash=sha256:[0-9a-f]{64})+"  # for which Python, and hashes
    )

    assert [] == [line[:80] for line in wanted if not form.fullmatch(line.strip())]
    assert 20 < len(wanted)
