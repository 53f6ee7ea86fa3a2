"""Which database this is: a backup that was put back and a copy are known, and send nothing."""

from __future__ import annotations

import pytest
from post_office import Office

from bot.messaging import installation
from bot.messaging.installation import Evidence
from bot.messaging.spool import Spool
from bot.models.installation import Installation


@pytest.fixture
def office(make_office) -> Office:
    opened = make_office()
    beat(opened, Evidence())
    return opened


def beat(office: Office, seen: Evidence) -> tuple[Evidence, bool]:
    with office.database.session() as session:
        return installation.check_in(session, office.house, seen)


def row(office: Office, **values) -> None:
    with office.database.session() as session:
        found = session.get_one(Installation, 1)
        for name, value in values.items():
            setattr(found, name, value)


def may_send(office: Office, seen: Evidence) -> bool:
    return office.read(lambda s: installation.may_send(s, office.house, seen))


def why(office: Office) -> str | None:
    return office.read(lambda s: s.get_one(Installation, 1).held_why)


def test_two_workers_that_count_by_turns_see_nothing_amiss(office):
    one = two = Evidence()
    for _ in range(3):
        (one, first), (two, second) = beat(office, one), beat(office, two)
        assert (False, False) == (first, second)
        assert may_send(office, one)
        assert may_send(office, two)


def test_a_count_below_the_one_that_was_seen_is_a_backup(office):
    seen, _ = beat(office, Evidence())
    before = office.read(lambda s: s.get_one(Installation, 1).alive_at)
    row(office, beats=seen.beats - 1)
    assert not may_send(office, seen), "before the next beat too"
    office.pass_(hours=5)
    again, held = beat(office, seen)

    assert (True, "restored") == (held, why(office))
    assert before == office.read(lambda s: s.get_one(Installation, 1).missed_since)
    assert again.identity != seen.identity
    assert (seen.identity,) == again.former
    assert not may_send(office, again)


def test_one_restore_is_one_hold_for_all_workers(office):
    """The second worker was away while the first found out, and comes back after it was ended."""
    first, _ = beat(office, Evidence())
    second, _ = beat(office, Evidence())
    row(office, beats=0)
    first, _ = beat(office, first)
    with office.database.session() as session:
        installation.release(session, office.house)
    second, held = beat(office, second)

    assert (False, None) == (held, why(office))
    assert may_send(office, second)


def test_a_backup_from_before_an_earlier_restore_is_known_too(office):
    seen, _ = beat(office, Evidence())
    old = office.read(lambda s: s.get_one(Installation, 1).identity)
    row(office, beats=0)
    seen, _ = beat(office, seen)
    with office.database.session() as session:
        installation.release(session, office.house)
    row(office, identity=old, beats=9_999)

    assert (True, "restored") == (beat(office, seen)[1], why(office))


def test_what_was_seen_is_found_again_and_rubbish_is_not_believed(office):
    seen, _ = beat(office, Evidence())
    seen.keep(Spool(office.house.settings.spool))
    assert seen == Evidence.found(Spool(office.house.settings.spool))
    for rubbish in (b"", b"{}", b"[]", b'{"identity": 1', b"\xff"):
        (Spool(office.house.settings.spool).folder / installation.EVIDENCE).write_bytes(rubbish)
        assert Evidence() == Evidence.found(Spool(office.house.settings.spool))


@pytest.mark.parametrize(
    ("environment", "idle", "held"),
    [
        ("production", 16, "strange"),
        ("production", 14, None),
        ("practice", 60 * 24, None),
    ],
)
def test_in_production_a_disk_that_knows_nothing_is_careful(make_office, environment, idle, held):
    """A new machine and a database that nobody used for a while: perhaps a backup."""
    office = make_office(**ENVIRONMENTS[environment])
    beat(office, Evidence())
    office.pass_(minutes=idle)
    beat(office, Evidence())

    assert held == why(office)


ENVIRONMENTS: dict[str, dict[str, object]] = {
    "practice": {},
    "production": {
        "environment": "production",
        "secret_key": "k" * 32,
        "public_url": "https://stap.example",
        "telegram_webhook_secret": "s" * 32,
        "allowed_recipients": "",
    },
}


def test_a_disk_that_knows_it_may_have_been_off_for_days(make_office):
    office = make_office(**ENVIRONMENTS["production"])
    seen, _ = beat(office, Evidence())
    office.pass_(days=3)

    assert (False, None) == (beat(office, seen)[1], why(office))
