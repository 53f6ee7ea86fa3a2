"""An afspraak is made, moved, cancelled, answered: who hears of it, and what an answer is worth."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from post_office import Office
from sqlalchemy import select, update

from bot import moments
from bot.models.afspraken import Afspraak
from bot.models.messages import Message, Reply
from bot.models.people import Address, Inburgeraar
from bot.outreach import afspraken, tasks

THURSDAY = moments.from_local(datetime(2026, 12, 3, 14, 30))
FRIDAY = moments.from_local(datetime(2026, 12, 4, 10, 0))


@pytest.fixture
def office(database_url):
    office = Office(database_url)
    yield office
    office.close()


@pytest.fixture
def priya(office) -> int:
    return office.person("Priya", address="+31697000004")


def record(office, person, begins=THURSDAY, *, status="gepland", **more):
    given = {
        "minutes": 60,
        "soort": None,
        "place": "Wijkcentrum",
        "address": "Voorbeeldstraat 12",
        "staff": "Jansen",
        "sequence": None,
        **more,
    }
    with office.database.session() as session:
        return afspraken.record(
            session,
            office.house,
            kenmerk="A1",
            person=session.get_one(Inburgeraar, person),
            begins=begins,
            status=status,
            **given,
        )


def stands(office, *columns):
    return office.read(
        lambda s: tuple(s.execute(select(*[getattr(Afspraak, name) for name in columns])).one())
    )


def told(office):
    """Key, person and state of every message, in order."""
    return office.read(
        lambda s: [
            tuple(row)
            for row in s.execute(
                select(Message.key, Message.person_id, Message.state).order_by(Message.id)
            )
        ]
    )


def reminded(office, person):
    """Let the person have had a reminder of the afspraak as it is."""
    about, version = office.read(
        lambda s: (s.scalars(select(Afspraak)).one().about, s.scalar(select(Afspraak.version)))
    )
    office.queue(person, f"{about}:v{version}:1d", about=about, version=version)
    office.settle(office.hand_over())


def answer(office, said, event="1"):
    wrote = office.wrote(f"twilio:{event}")
    with office.database.session() as session:
        reply = Reply(
            event_id=wrote.id,
            address_id=session.scalars(select(Address.id)).first(),
            channel="sms",
            text="1",
            media=[],
            at=moments.now(),
        )
        session.add(reply)
        session.flush()
        afspraken.answer(session, session.scalars(select(Afspraak)).one(), said, reply)


def test_the_same_file_twice_changes_nothing(office, priya):
    outcomes = [record(office, priya) for _ in range(2)]

    assert ["new", "unchanged"] == outcomes
    assert [] == told(office)
    assert (1, "none") == stands(office, "version", "answer")


@pytest.mark.parametrize(
    "change", [{"begins": FRIDAY}, {"place": "Buurthuis De Brug"}], ids=["time", "place"]
)
def test_another_time_or_place_is_a_new_version_and_voids_the_answer(office, priya, change):
    record(office, priya)
    answer(office, "confirmed")

    assert "changed" == record(office, priya, **change)
    assert (2, "none", None) == stands(office, "version", "answer", "answered_at")
    assert [("afspraak.changed", priya, "planned")] == told(office)


@pytest.mark.parametrize(
    "change",
    [{"staff": "Bakker"}, {"minutes": 30}, {"soort": "telefonisch"}, {"address": "Elders 1"}],
    ids=str,
)
def test_a_detail_is_no_new_version(office, priya, change):
    """They said yes to the time and the place; another colleague does not undo that."""
    record(office, priya)
    answer(office, "confirmed")

    assert "changed" == record(office, priya, **change)
    assert (1, "confirmed") == stands(office, "version", "answer")
    assert [] == told(office)


def test_moved_twice_before_anything_left_only_the_last_time_is_told(office, priya):
    record(office, priya)
    record(office, priya, FRIDAY)
    record(office, priya, FRIDAY + timedelta(hours=1))
    for _ in range(2):
        [(message, epoch)] = office.claim()
        office.prepare(message, epoch)

    assert [("afspraak.changed", priya, "cancelled"), ("afspraak.changed", priya, "sending")] == (
        told(office)
    )


def test_an_older_calendar_event_does_not_undo_a_newer_one(office, priya):
    record(office, priya, FRIDAY, sequence=2)

    assert "unchanged" == record(office, priya, THURSDAY, sequence=1)
    assert (FRIDAY, 2) == stands(office, "begins", "sequence")


def test_a_cancellation_is_told_to_who_heard_of_it(office, priya):
    record(office, priya)
    reminded(office, priya)

    assert "cancelled" == record(office, priya, FRIDAY, status="afgezegd")
    assert ("afspraak.cancelled", priya, "planned") == told(office)[-1]
    body = office.read(lambda s: s.scalars(select(Message.body).order_by(Message.id)).all())[-1]
    assert "03-12-2026" in body, "the time that they know, not one they never heard of"
    assert stands(office, "next_step_at") == (None,)


def test_a_cancellation_of_what_nobody_heard_of_is_silent(office, priya):
    """A message that something is off, about something they never knew, only frightens."""
    record(office, priya)

    assert "cancelled" == record(office, priya, status="afgezegd")
    assert [] == told(office)


def test_a_cancellation_is_told_once(office, priya):
    record(office, priya)
    reminded(office, priya)
    for _ in range(3):
        record(office, priya, status="afgezegd")

    assert 1 == sum(key == "afspraak.cancelled" for key, _, _ in told(office))


def test_what_may_have_been_sent_counts_as_heard(office, priya):
    """Not knowing whether the reminder arrived, they may stand at the door."""
    record(office, priya)
    office.queue(priya, "x", about="afspraak:1", version=1)
    with office.database.session() as session:
        about = session.scalars(select(Afspraak)).one().about
        session.execute(update(Message).values(state="unknown", about=about))
    record(office, priya, status="afgezegd")

    assert "afspraak.cancelled" == told(office)[-1][0]


def test_an_afspraak_that_goes_on_after_all_is_told(office, priya):
    record(office, priya)
    reminded(office, priya)
    record(office, priya, status="afgezegd")

    assert "changed" == record(office, priya)
    assert ("afspraak.changed", priya, "planned") == told(office)[-1]
    assert stands(office, "next_step_at") != (None,)


def test_an_afspraak_that_was_somebody_elses_all_along_is_taken_back(office, priya):
    """Staff chose the wrong person: the one who heard of it hears that it is off."""
    other = office.person("Mehmet", address="+31697000008")
    record(office, priya)
    reminded(office, priya)

    assert "changed" == record(office, other, FRIDAY)
    assert [("afspraak.cancelled", priya, "planned"), ("afspraak.changed", other, "planned")] == (
        told(office)[1:]
    )
    bodies = office.read(lambda s: s.scalars(select(Message.body).order_by(Message.id)).all())
    assert "03-12-2026" in bodies[1]
    assert "04-12-2026" not in bodies[1], "when somebody else comes is nobody's business"


def test_nothing_is_told_about_the_past(office, priya):
    """A clerk puts last week in order."""
    record(office, priya, moments.now() - timedelta(days=7))
    assert "changed" == record(office, priya, moments.now() - timedelta(days=6))

    assert [] == told(office)
    assert (None,) == stands(office, "next_step_at")


def test_a_change_that_has_nowhere_to_go_is_a_task(office, priya):
    record(office, priya)
    office.stop()
    record(office, priya, FRIDAY)

    assert [("afspraak.changed", priya, "blocked")] == told(office)
    assert [tasks.CALL_OR_WRITE] == office.tasks()


@pytest.mark.parametrize(
    ("said", "left"),
    [("declined", [tasks.DECLINED]), ("reschedule", [tasks.OTHER_DAY]), ("confirmed", [])],
)
def test_an_answer_leaves_the_task_that_belongs_to_it(office, priya, said, left):
    record(office, priya)
    answer(office, said)

    assert (said,) == stands(office, "answer")
    assert left == office.tasks()


def test_a_later_answer_takes_the_place_of_an_earlier_one(office, priya):
    record(office, priya)
    for event, said in enumerate(("declined", "reschedule", "declined", "confirmed")):
        answer(office, said, str(event))

    assert ("confirmed",) == stands(office, "answer")
    assert [] == office.tasks()


@pytest.mark.postgres
def test_an_import_does_not_carry_an_answer_over_to_a_new_time(postgres_url):
    """The file was being read when they said yes; the yes was to the time that it moves."""
    office = Office(postgres_url)
    try:
        priya = office.person("Priya", address="+31697000004")
        record(office, priya)
        with office.database.session() as importing:
            known = importing.scalars(select(Afspraak)).all()
            assert ["none"] == [afspraak.answer for afspraak in known]
            answer(office, "confirmed")
            afspraken.record(
                importing,
                office.house,
                kenmerk="A1",
                person=importing.get_one(Inburgeraar, priya),
                begins=FRIDAY,
                minutes=60,
                soort=None,
                place="Wijkcentrum",
                address=None,
                staff=None,
                status="gepland",
            )

        assert (2, "none") == stands(office, "version", "answer")
    finally:
        office.close()
