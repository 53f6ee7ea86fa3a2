"""Free times: held for who was asked, taken by one, given back when another is taken."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from post_office import AFSPRAAK, Office
from sqlalchemy import select

from bot import moments
from bot.models.afspraken import Afspraak, Slot
from bot.models.messages import Reply
from bot.models.people import Address
from bot.models.tasks import Task
from bot.outreach import afspraken, slots, tasks
from bot.outreach.intake.reading import parse
from bot.outreach.intake.storing import store

EVENTS = itertools.count()
HEADER = "kenmerk;wie;begin;einde;plek;status"


@pytest.fixture
def office(database_url) -> Iterator[Office]:
    made = Office(database_url)
    yield made
    made.close()


def bring(office, *rows: str):
    with office.database.session() as session:
        file = "\n".join([HEADER, *rows]).encode()
        return store(session, office.house, parse(file, "slots", "slots.csv"))


def days(*numbers: int, wie: str = "") -> list[str]:
    return [f"S{n};{wie};{n}-12-2026 10:00;10:45;Stadskantoor;" for n in numbers]


def offered(office, afspraak: int) -> list[str]:
    with office.database.session() as session:
        found = slots.offer(session, session.get_one(Afspraak, afspraak))
        return [slot.kenmerk for slot in found]


def said(session, event: int) -> Reply:
    address = session.scalars(select(Address).limit(1)).one()
    reply = Reply(
        event_id=event, address_id=address.id, channel="sms", text="1", media=[], at=moments.now()
    )
    session.add(reply)
    session.flush()
    return reply


def take(office, afspraak: int, kenmerk: str) -> bool:
    event = office.wrote(f"twilio:{next(EVENTS)}", state="done").id
    with office.database.session() as session:
        found = session.get_one(Afspraak, afspraak)
        wanted = session.scalars(select(Slot.id).where(Slot.kenmerk == kenmerk)).one()
        return slots.take(session, office.house, found, wanted, said(session, event))


def taken(office) -> dict[str, int | None]:
    with office.database.reading() as session:
        return {s.kenmerk: s.afspraak_id for s in session.scalars(select(Slot))}


def open_tasks(office) -> list[str]:
    with office.database.reading() as session:
        return list(session.scalars(select(Task.kind).where(Task.done_at.is_(None))))


def test_what_is_held_for_one_is_not_offered_to_another_until_it_lapses(office):
    bring(office, *days(7, 8, 9, 10, 11, 14))
    one, two = (office.afspraak(office.person(name)) for name in ("Priya", "Rania"))

    assert ["S7", "S8", "S9", "S10"] == offered(office, one)
    assert ["S11", "S14"] == offered(office, two)
    assert ["S7", "S8", "S9", "S10"] == offered(office, one), "asked again: the same"
    office.pass_(minutes=61)
    assert ["S7", "S8", "S9", "S10"] == offered(office, two)
    assert not take(office, one, "S8"), "held for somebody else by now"
    assert take(office, one, "S11")


def test_a_slot_taken_moves_the_afspraak_and_gives_the_former_back(office):
    bring(office, *days(7, 8))
    afspraak = office.afspraak(office.person())
    assert take(office, afspraak, "S8")

    with office.database.reading() as session:
        found = session.get_one(Afspraak, afspraak)
        moved = moments.local(found.begins), found.minutes, found.place, found.version
        assert (datetime(2026, 12, 8, 10, 0), 45, "Stadskantoor", 2) == (
            moved[0].replace(tzinfo=None),
            *moved[1:],
        )
        assert ("confirmed", "S8") == (
            found.answer,
            session.scalars(select(Slot.kenmerk).where(Slot.afspraak_id == afspraak)).one(),
        )
        [note] = session.scalars(select(Task.note))
    assert "08-12-2026 10:00" in note
    assert [tasks.CHOSE] == open_tasks(office)

    assert take(office, afspraak, "S7")
    assert {"S7": afspraak, "S8": None} == taken(office)
    with office.database.reading() as session:
        assert (
            AFSPRAAK["begins"]
            == session.scalars(select(Slot.instead_of).where(Slot.kenmerk == "S7")).one()
        ), "the agenda still shows the very first time"


def test_an_old_agenda_does_not_undo_what_the_person_chose(office):
    """The file of tonight still has the old time; once staff have seen to it, the file decides."""
    bring(office, *days(8))
    person = office.person()
    afspraak = office.afspraak(person)
    assert take(office, afspraak, "S8")

    def from_file(begins: datetime) -> str:
        with office.database.session() as session:
            known = session.get_one(Afspraak, afspraak)
            return afspraken.record(
                session,
                office.house,
                kenmerk=known.kenmerk,
                person=known.person,
                begins=begins,
                minutes=60,
                soort=None,
                place="Wijkcentrum",
                address=None,
                staff=None,
                status="gepland",
            )

    assert "kept" == from_file(AFSPRAAK["begins"])
    assert [tasks.CHOSE] == open_tasks(office)
    assert "changed" == from_file(AFSPRAAK["begins"] + timedelta(days=1)), "staff's own new time"
    assert [] == open_tasks(office)


def test_only_a_time_that_fits_is_offered(office):
    """With the same colleague or with anybody; not too soon; not while they are elsewhere."""
    bring(
        office,
        *days(7, wie="Jansen"),
        *days(8, wie="De Boer"),
        *days(9),
        "S1;;1-12-2026 11:00;11:30;;",
        "S10;;10-12-2026 14:00;15:00;;",
        "S11;;11-12-2026 10:00;10:30;;vervallen",
    )
    person = office.person()
    afspraak = office.afspraak(person)
    office.afspraak(person, AFSPRAAK["begins"] + timedelta(days=7))
    with office.database.session() as session:
        session.get_one(Afspraak, afspraak).staff = "jansen"

    assert ["S7", "S9"] == offered(office, afspraak)


def test_two_who_choose_the_same_at_once_do_not_both_get_it(office):
    bring(office, *days(7))
    both = [office.afspraak(office.person(name)) for name in ("Priya", "Rania")]
    go, got = threading.Barrier(2), []

    def choose(afspraak: int) -> None:
        go.wait()
        got.append(take(office, afspraak, "S7"))

    for _ in range(3):
        threads = [threading.Thread(target=choose, args=(each,)) for each in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    assert 1 == got.count(True)
    assert 5 == got.count(False)
    assert taken(office)["S7"] in both


def test_many_who_choose_at_once_get_each_one_and_none_twice(office):
    """Six people, four times: four move, and what is said to the other two is true."""
    bring(office, *days(7, 8, 9, 10))
    everyone = [office.afspraak(office.person(f"P{n}")) for n in range(6)]
    go, moved, faults = threading.Barrier(6), [], []

    def try_all(afspraak: int) -> None:
        go.wait()
        try:
            for kenmerk in ("S7", "S8", "S9", "S10"):
                offered(office, afspraak)
                if take(office, afspraak, kenmerk):
                    moved.append((kenmerk, afspraak))
                    return
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=try_all, args=(each,)) for each in everyone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [] == faults
    held = {k: a for k, a in taken(office).items() if a is not None}
    assert dict(moved) == held
    assert len(set(held.values())) == len(held)


def test_a_file_of_free_times_is_read_and_its_faults_are_said_in_dutch(office):
    report = bring(
        office,
        "S1;Jansen;7-12-2026 10:00;10:45;Wijkcentrum;",
        "S2;;7-12-2026 11:00;10:45;;",
        "S3;;31-11-2026 10:00;10:45;;",
        "S4;;7-12-2026 10:00;;;",
        "S5;;7-12-2026 10:00;7-12-2026 11:00;-;misschien",
        ";;7-12-2026 10:00;11:00;;",
    )
    assert (1, 5) == (report.counts["new"], len(report.refused))
    reasons = [remark.said for _, remarks in report.refused for remark in remarks]
    assert 5 == len(reasons), reasons
    assert "niet na het begin" in reasons[0]
    assert "kies vrij of vervallen" in reasons[3]
    assert 1 == bring(office, "S1;Jansen;7-12-2026 10:00;10:45;Wijkcentrum;").counts["unchanged"]
    assert 1 == bring(office, "S1;;;;;vervallen").counts["changed"]
    assert 1 == bring(office, "S1;;;;;vrij").counts["changed"]

    afspraak = office.afspraak(office.person())
    with office.database.session() as session:
        session.get_one(Afspraak, afspraak).staff = "Jansen"
    assert take(office, afspraak, "S1")
    refused = bring(office, "S1;;7-12-2026 15:00;15:45;;")
    assert "al gekozen" in refused.refused[0][1][0].said


@pytest.mark.parametrize(
    ("moment", "status"), [(AFSPRAAK["begins"], "afgezegd"), (datetime(2026, 12, 22, 9), "gepland")]
)
def test_a_time_that_staff_cancel_or_move_away_from_is_offered_to_others_again(
    office, moment, status
):
    """It stayed taken: nobody could choose it, and nobody came."""
    bring(office, *days(15, 16))
    mine, other = (office.afspraak(office.person(name, address=f"+3169700001{n}"))
                   for n, name in enumerate(("One", "Two")))  # fmt: skip
    offered(office, mine)
    assert take(office, mine, "S15")
    offered(office, mine)

    with office.database.session() as session:
        found = session.get_one(Afspraak, mine)
        for task in session.scalars(select(Task)):
            task.done_at = moments.now()  # it is in their agenda by now
        begins = found.begins if status == "afgezegd" else moments.from_local(moment)
        afspraken.record(
            session, office.house, kenmerk=found.kenmerk, person=found.person, begins=begins,
            minutes=45, soort=None, place=found.place, address=None, staff=None, status=status,
        )  # fmt: skip

    assert {"S15": None, "S16": None} == taken(office)
    assert ["S15", "S16"] == offered(office, other)
