"""One message for many: seen, approved by another, tried on a few, stopped, put right."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from click.testing import CliRunner, Result

from bot import moments
from bot.__main__ import main
from bot.engine import work

HEADER = "kenmerk;thema;plaats;adres;dagen;begin;eind;start;weken;plekken;wachttijd"
GROUP = "V1;actief;{place};;ma, wo;09:00;11:30;14-12-2026;26;500;48"
CHANNELS = ("sms", "telegram", "whatsapp")
LANGUAGES = ("nl", "ar", "ti", "tr")


@pytest.fixture
def stap(world, monkeypatch):
    """The command line, on the same database; it does not tick."""
    monkeypatch.setenv("DATABASE_URL", world.house.settings.database_url)
    monkeypatch.setenv("ENVIRONMENT", "practice")

    def run(*words: str, by: str | None = None) -> Result:
        words = ("broadcast", *words) if words[0] != "intake" else words
        given = [*words, "--by", by] if by else list(words)
        return CliRunner().invoke(main, given, catch_exceptions=False)

    return run


@pytest.fixture
def group(stap, tmp_path):
    """Bring the voortraject, or put right where it is."""

    def bring(place: str = "Buurthuis De Brug") -> None:
        file = tmp_path / "voortrajecten.csv"
        file.write_text(f"{HEADER}\n{GROUP.format(place=place)}\n", encoding="utf-8")
        assert 0 == stap("intake", "voortrajecten", str(file)).exit_code

    return bring


def neighbours(world, count: int, channels=CHANNELS, languages=LANGUAGES) -> list:
    """Let so many people be known who said yes to invitations, on all channels in turn."""
    for number in range(count):
        channel = channels[number % len(channels)]
        world.person(
            f"B{number:03}",
            languages[number % len(languages)],
            channel,
            str(2000 + number) if channel == "telegram" else f"+3169700{1000 + number}",
            invitations=True,
        )
    return [world.phone(f"B{number:03}") for number in range(count)]


def draft(stap, count: int, *more: str) -> None:
    """Write broadcast 1 for V1 and have it approved by another."""
    made = stap("draft", "--voortraject", "V1", *more, by="An")
    assert (0, "") == (made.exit_code, made.stderr)
    approve(stap, "1", count)


def approve(stap, number: str, count: int, by: str = "Bo") -> None:
    done = stap("approve", number, "--count", str(count), "--unreviewed", "alle", by=by)
    assert (0, "") == (done.exit_code, done.stderr)


def show(stap, number: str = "1") -> dict:
    return json.loads(stap("show", number, "--json").stdout)


def asked(phones) -> list[int]:
    """Return how many invitations or corrections each phone received."""
    return [
        sum("14-12-2026" in bubble.text for bubble in phone.received if not bubble.mine)
        for phone in phones
    ]


CALLS = ("/Messages.json", "/sendMessage", "/sendPhoto")


def calls(world) -> list[datetime]:
    """Return when each provider was asked to send something."""
    return [
        exchange.at
        for exchange in world.ground.log
        if exchange.method == "POST" and exchange.path.endswith(CALLS)
    ]


def test_four_languages_on_three_channels_and_the_answers_are_understood(world, stap, group):
    """Everyone reads their own language, and a yes to a broadcast is a yes to the group."""
    world.templates()
    group()
    phones = neighbours(world, 12)

    seen = stap("preview", "1")
    assert (1, "Er is geen groepsbericht 1" in seen.stderr) == (seen.exit_code, True)
    draft(stap, 12, "--first", "12")
    seen = stap("preview", "1", "--unreviewed", "alle").stdout
    assert "Krijgen het: 12" in seen
    assert "sms-delen, ongeveer €" in seen
    assert "--- Tigrinya," in seen
    stap("send", "1", by="An")
    world.tick()

    assert [1] * 12 == asked(phones)
    assert "Doe je mee?" in phones[0].last.text
    assert "الاثنين والأربعاء" in phones[1].last.text or phones[1].last.buttons
    told = show(stap)
    assert ("sending", 12) == (told["state"], sum(told["figures"].values()))
    phones[0].say("1")
    phones[4].tap(phones[4].last.buttons[0].title)
    assert "Fijn, je doet mee." in phones[0].last.text
    assert "Fijn, je doet mee." in phones[4].last.text
    world.tick()
    assert "done" == show(stap)["state"]
    assert all(x.valid for x in world.ground.log), [x.complaint for x in world.ground.log]


def test_the_first_go_out_the_rest_waits_and_then_follows(world, stap, group):
    group()
    phones = neighbours(world, 30, ("telegram", "sms"))
    draft(stap, 30, "--first", "6", "--hold", "10")
    stap("send", "1", by="An")

    world.tick()
    world.tick()
    assert 6 == sum(asked(phones))
    assert "holding" == show(stap)["state"]
    world.pass_(minutes=9)
    assert 6 == sum(asked(phones))

    world.pass_(minutes=2)
    for _ in range(3):
        world.tick()
    assert [1] * 30 == asked(phones)
    told = show(stap)
    assert ("done", 30) == (told["state"], told["total"])
    assert {"delivered": 15, "offered": 15} == {k: n for k, n in told["figures"].items() if n}


@pytest.mark.parametrize(
    ("limit", "says"),
    [("10", "Van de eerste 6 mislukte er 1; meer dan 10%."), ("20", None)],
)
def test_it_pauses_itself_when_too_many_of_the_first_fail(world, stap, group, limit, says):
    """One of six is more than ten percent, and less than twenty."""
    group()
    phones = neighbours(world, 12, ("telegram",), ("nl",))
    world.ground.arm("403", phones[2].phone.id)
    draft(stap, 12, "--first", "6", "--max-failed", limit)
    stap("send", "1", by="An")

    world.tick()
    world.tick()
    world.tick()
    told = show(stap)
    assert ("paused" if says else "holding", says) == (told["state"], told["why"])
    assert (["groepsbericht staat stil"] if says else []) == world.tasks()
    world.pass_(minutes=11)
    world.tick()
    if says:
        assert 5 == sum(asked(phones))
        assert 0 == stap("resume", "1", by="Bo").exit_code
    for _ in range(3):
        world.tick()
    assert 11 == sum(asked(phones))
    assert [1] * 2 + [0] + [1] * 9 == asked(phones)
    assert ["groepsbericht niet bezorgd"] == world.tasks()


def test_who_answers_the_first_with_stop_makes_it_pause(world, stap, group):
    group()
    phones = neighbours(world, 12, ("telegram",), ("nl",))
    draft(stap, 12, "--first", "6")
    stap("send", "1", by="An")
    world.tick()
    world.tick()

    phones[3].say("STOP")
    world.tick()

    told = show(stap)
    assert "paused" == told["state"]
    assert "Van de eerste 6 antwoordde met STOP er 1; meer dan 3%." == told["why"]


def test_s21_a_typo_is_stopped_and_put_right_for_those_who_have_it(world, stap, group):
    """The place is wrong. Only who got it gets the correction; the others get it right at once."""
    group("Buurthuis De Burg")
    phones = neighbours(world, 40, ("telegram",), ("nl", "tr"))
    draft(stap, 40, "--first", "9", "--hold", "0")
    stap("send", "1", by="An")
    world.tick()
    world.tick()

    stopped = stap("stop", "1", by="Bo")
    assert "Van 40 mensen: 9 aangeboden, 31 tegengehouden." in stopped.stdout
    world.pass_(minutes=5)
    assert 9 == sum(asked(phones))
    reached = [n for n, count in enumerate(asked(phones)) if count]

    group("Buurthuis De Brug")
    refused = stap("resume", "1", by="An")
    assert (1, True) == (refused.exit_code, "veranderd sinds de goedkeuring" in refused.stderr)

    made = stap("correct", "1", by="An")
    assert "Groepsbericht 2 (Correctie van V1) is opgeschreven." in made.stdout
    assert "Krijgen het: 9" in stap("preview", "2", "--unreviewed", "alle").stdout
    approve(stap, "2", 9)
    stap("send", "2", by="An")
    for _ in range(2):
        world.tick()
    assert [2 if n in reached else 0 for n in range(40)] == asked(phones)
    assert "Sorry, ons vorige bericht was fout." in phones[reached[0]].last.text
    assert "Buurthuis De Brug" in phones[reached[0]].last.text

    approve(stap, "1", 31)
    assert 0 == stap("resume", "1", by="An").exit_code
    for _ in range(3):
        world.tick()
    assert [2 if n in reached else 1 for n in range(40)] == asked(phones)
    late = next(phone for n, phone in enumerate(phones) if n not in reached)
    assert "Buurthuis De Brug" in late.last.text
    phones[reached[0]].say("1")
    assert "Fijn, je doet mee." in phones[reached[0]].last.text
    who = [(event["by"], event["what"]) for event in show(stap)["history"]]
    assert [
        ("An", "geschreven"),
        ("Bo", "goedgekeurd: 40 mensen"),
        ("An", "gestart"),
        ("Bo", "gestopt"),
        ("Bo", "goedgekeurd: 31 mensen"),
        ("An", "hervat"),
        (None, "klaar"),
    ] == who


def test_stopped_people_are_held_and_nobody_is_asked_twice(world, stap, group):
    """A STOP after the approval holds; who was invited by hand meanwhile is passed over."""
    group()
    phones = neighbours(world, 6, ("telegram",), ("nl",))
    draft(stap, 6)
    phones[1].say("STOP")

    stap("send", "1", by="An")
    world.tick()
    world.tick()

    told = show(stap)
    assert [1, 0, 1, 1, 1, 1] == asked(phones)
    assert {"offered": 5, "held": 1} == {k: n for k, n in told["figures"].items() if n}
    assert {"stopped": 1} == told["causes"]


@pytest.mark.parametrize(
    ("words", "by", "says"),
    [
        (["approve", "1", "--count", "3"], " an ", "schreef dit groepsbericht zelf"),
        (["approve", "1", "--count", "4"], "Bo", "Je typte 4, maar het gaat naar 3 mensen"),
        (["send", "1"], "Bo", "nog niet goedgekeurd"),
        (["stop", "1"], "Bo", "nog niet gestart"),
        (["resume", "1"], "Bo", "staat niet stil"),
        (["correct", "1"], "Bo", "nog niet verstuurd"),
        (["show", "9"], None, "Er is geen groepsbericht 9"),
        (["draft", "--voortraject", "V9"], "An", "geen voortraject 'V9'"),
        (["draft", "--key", "afspraak.reminder"], "An", "geen tekst voor een groepsbericht"),
        (["draft", "--voortraject", "V1", "--audience", "wyk=x"], "An", "'wyk' kennen wij niet"),
        (["draft", "--voortraject", "V1", "--until", "31 november"], "An", "--until"),
        (
            ["draft", "--key", "afspraak.cancelled", "--until", "4-12-2026 17:00",
             "--value", "day=maandag 31 november"],
            "An",
            "31 november bestaat niet",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_in_dutch(world, stap, group, words, by, says):
    group()
    neighbours(world, 3, ("telegram",), ("nl",))
    stap("draft", "--voortraject", "V1", by="An")

    done = stap(*words, by=by)

    assert (1, "") == (done.exit_code, done.stdout)
    assert says in done.stderr
    world.tick()
    assert [] == world.messages()


def test_any_edit_voids_the_approval(world, stap, group):
    group()
    neighbours(world, 3, ("telegram",), ("nl",))
    draft(stap, 3)

    stap("change", "1", "--until", "4-12-2026 17:00", by="Cor")
    refused = stap("send", "1", by="An")
    assert (1, True) == (refused.exit_code, "nog niet goedgekeurd" in refused.stderr)
    again = stap("approve", "1", "--count", "3", by="Cor")
    assert "Cor schreef dit groepsbericht zelf" in again.stderr
    approve(stap, "1", 3, by="An")

    assert 0 == stap("send", "1", by="An").exit_code


def test_figures_are_what_the_providers_saw(world, stap, group):
    """What staff read adds up to everyone approved, and to the providers' own record."""
    group()
    phones = neighbours(world, 20, ("sms", "telegram"), ("nl", "ar"))
    draft(stap, 20, "--max-failed", "100", "--max-unknown", "100")
    phones[0].say("STOP")
    phones[1].phone.blocked = True  # and Telegram never told us
    world.ground.arm("lost", phones[3].phone.id)
    stap("send", "1", by="An")
    for _ in range(3):
        world.tick()

    told = show(stap)
    counts = {name: count for name, count in told["figures"].items() if count}
    assert {"delivered": 9, "offered": 8, "failed": 1, "unknown": 1, "held": 1} == counts
    assert 20 == sum(counts.values()) == told["total"]
    assert 19 == len(calls(world))
    assert 18 == sum(asked(phones)), "one failed, one was held; the unknown one did arrive"


@pytest.mark.parametrize("world", [{"pace_sms": 5}], indirect=True, ids=["slow"])
def test_nothing_starts_a_second_after_stop(world, stap, group):
    """Counted at the provider: what is called later than a second after the stop is too late."""
    group()
    phones = neighbours(world, 60, ("sms",), ("nl",))
    draft(stap, 60, "--first", "60")
    stap("send", "1", by="An")
    work.broadcast(world.house, 200)
    world.engine.wake_senders()
    world._until(lambda: sum(asked(phones)) >= 5)

    stap("stop", "1", by="Bo")
    at = moments.now()
    world.settle()

    begun = calls(world)
    assert [] == [call for call in begun if (call - at).total_seconds() > 1]
    assert 5 <= len(begun) < 60
    assert len(begun) == 60 - show(stap)["figures"]["held"]
    assert 0 == stap("resume", "1", by="Bo").exit_code
    for _ in range(3):
        world.tick()
    assert [1] * 60 == asked(phones)


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


def test_in_quiet_hours_nothing_is_queued(world, stap, group):
    group()
    phones = neighbours(world, 4, ("telegram",), ("nl",))
    draft(stap, 4)
    world.at(local(2026, 12, 1, 20, 5))

    stap("send", "1", by="An")
    world.tick()
    assert [] == world.messages()
    assert "Begint 02-12-2026 09:00" in stap("preview", "1").stdout

    world.at(local(2026, 12, 2, 9, 0))
    world.tick()
    assert [1] * 4 == asked(phones)


def test_what_is_not_sent_in_time_is_not_sent_at_all(world, stap, group):
    group()
    phones = neighbours(world, 12, ("telegram",), ("nl",))
    draft(stap, 12, "--first", "4", "--hold", "600", "--until", "1-12-2026 17:00")
    stap("send", "1", by="An")
    world.tick()

    world.at(local(2026, 12, 1, 17, 1))
    world.tick()

    told = show(stap)
    assert 4 == sum(asked(phones))
    assert "done" == told["state"]
    assert {"offered": 4, "held": 8} == {k: n for k, n in told["figures"].items() if n}
    assert ["groepsbericht niet bezorgd"] == world.tasks()
