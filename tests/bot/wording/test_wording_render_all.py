"""Every text, language and channel, for people who differ: nothing of one reaches another.

The whole of it is `make renderings COUNT=1000000`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bot.wording.catalogue import catalogue
from bot.wording.render import spoken_date
from scripts.render_all import Case, Look, cases, people

ROOT = Path(__file__).parents[3]


def test_many_renderings_hold_nothing_of_anybody_else_and_fit_their_channel():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "render_all.py", "--count", "8000", "--seed", "7"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "seed 7: all is as it must be." in done.stdout


def test_one_turn_of_cases_is_every_text_in_every_language_on_every_channel():
    texts = catalogue()
    said = [key for key, each in texts.entries.items() if each.purpose not in ("page", "button")]
    whole = len(said) * 18 * 3
    turn = cases(1, texts)

    assert whole == len({next(turn) for _ in range(whole)})


def test_what_is_looked_for_is_seen():
    """A look that finds nothing in a bad text proves nothing."""
    texts, crowd = catalogue(), people(1)
    look, one, other = Look(texts), next(crowd), next(crowd)
    case = Case("afspraak.reminder", "ar", "sms")

    def seen(body: str, language: str = "ar") -> list[str]:
        return [*look._body(case, one, body, language)]

    day = f"\u200e{spoken_date(one.values['begins'])}\u200e"
    assert any("somebody else" in wrong for wrong in seen(f"{day} {other.mark}"))
    assert any("left open" in wrong for wrong in seen(f"{day} {{colleague_hours}}"))
    assert any("steers" in wrong for wrong in seen(f"{day} \u202e"))
    assert any("characters" in wrong for wrong in seen(f"{day}{'x' * 1600}"))
    assert any("loose" in wrong for wrong in seen(f"{day} {one.mark}"))
    assert any("no date" in wrong for wrong in seen("x"))
    assert any("do not close" in wrong for wrong in seen(f"{day} \u2066x"))
