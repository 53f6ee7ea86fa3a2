"""Two rows that are one person: offered with care, put together, taken apart the same day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from desks import Desk
from group_house import MONDAY, TUESDAY, be
from sqlalchemy import func, select

from bot import moments
from bot.engine import work
from bot.messaging import outbox
from bot.models.afspraken import Afspraak
from bot.models.broadcasts import Broadcast, Recipient
from bot.models.messages import Message
from bot.models.people import Address, Inburgeraar, Merged, Note, PersonAddress
from bot.models.staff import AuditEntry
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import merging
from bot.outreach.intake.reading import parse
from bot.outreach.intake.storing import store
from bot.privacy import consent

KEEP, GONE = "P-1", "D-2"


@pytest.fixture
def desk(any_desk: Desk) -> Desk:
    be(TUESDAY)
    return any_desk


def found(session: Any, kenmerk: str) -> Inburgeraar:
    return session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == kenmerk)).one()


def double(desk: Desk, name: str = "Selam", phone: str = "+31697000061") -> int:
    """Let the first person be there a second time, with another number."""
    return desk.person(GONE, name, klantmanager=None, phone=phone)


def press(desk: Desk, what: str = "samenvoegen") -> Any:
    return desk.as_("coordinator").post(f"/mensen/{KEEP}/{what}", {"met": GONE})


def offered(desk: Desk, kenmerk: str = KEEP) -> dict[str, str]:
    with desk.house.database.reading() as session:
        doubles = merging.doubles(session, found(session, kenmerk))
        return {each.person.kenmerk: str(each.why) for each in doubles}


def share(desk: Desk, kenmerk: str, phone: str) -> None:
    """Let somebody be reached at *phone* too."""
    with desk.house.database.session() as session:
        place = session.scalars(select(Address).where(Address.address == phone)).one()
        session.add(
            PersonAddress(person_id=found(session, kenmerk).id, address_id=place.id, rank=1)
        )


def test_two_people_on_one_phone_are_not_offered_as_doubles(desk: Desk):
    double(desk, "Dawit")
    share(desk, GONE, "+31697000001")
    assert {} == offered(desk)


@pytest.mark.parametrize("name", ["Selam", "SELAM", "Sélam"])
def test_the_same_name_at_the_same_number_is(desk: Desk, name: str):
    double(desk, name)
    assert {} == offered(desk), "a name alone is many people's"
    share(desk, GONE, "+31697000001")
    assert {GONE: "zelfde nummer en zelfde voornaam"} == offered(desk)


def rows(desk: Desk) -> None:
    """Let both have an afspraak, a place in one group, and a mass message under way."""
    now = moments.now()
    with desk.house.database.session() as session:
        both = [found(session, KEEP), found(session, GONE)]
        group = Voortraject(
            kenmerk="V1", theme="t", place="p", days="mo", begins="09:00", ends="11:00",
            starts=MONDAY, weeks=26, seats=2, taken=2,
        )  # fmt: skip
        mass = Broadcast(
            name="b", key="voortraject.invitation", values={}, audience="alle", first=20,
            window_from=now, window_until=now, hold_minutes=1, most_failed=1, most_stopped=1,
            most_unknown=1, state="sending", written_by="x", languages=[], unreviewed=[],
            expanded_to={}, history=[], created_at=now,
        )  # fmt: skip
        session.add_all([group, mass])
        session.flush()
        for person in both:
            place = person.addresses[0].address
            session.add_all([
                Afspraak(kenmerk=f"A-{person.kenmerk}", person_id=person.id, known_at=now,
                         begins=now + timedelta(days=2), place="Wijkcentrum"),
                Deelname(voortraject_id=group.id, person_id=person.id, state="accepted", at=now),
                Recipient(broadcast_id=mass.id, person_id=person.id, address_id=place.id,
                          channel="sms", language="ti"),
                Note(person_id=person.id, text="Na 12:00.", by="Jansen", at=now),
            ])  # fmt: skip
            message = outbox.queue(
                session, desk.house, occasion=f"broadcast:{mass.id}:person:{person.id}",
                key="afspraak.reminder", person=person, expires_at=now + timedelta(days=1),
                values={"begins": now, "place": "z", "address": "", "staff": "Jansen"},
            )  # fmt: skip
            assert message is not None
            message.broadcast_id = mass.id


def test_all_of_the_one_is_the_others_and_nothing_goes_twice(desk: Desk):
    number = double(desk)
    rows(desk)
    assert 303 == press(desk).status_code

    with desk.house.database.reading() as session:
        keep = found(session, KEEP)
        assert session.get(Inburgeraar, number) is None
        assert ["+31697000001", "+31697000061"] == [link.address.address for link in keep.addresses]
        for table, count in ((Afspraak, 2), (Note, 2), (Message, 2), (Recipient, 1), (Deelname, 1)):
            there = select(func.count()).select_from(table).where(table.person_id == keep.id)
            assert (table, count) == (table, session.scalar(there))
        assert ["cancelled", "planned"] == sorted(session.scalars(select(Message.state)))
        assert 1 == session.scalars(select(Voortraject.taken)).one()
        log = select(AuditEntry.detail).where(AuditEntry.action == "person.merged")
        assert {"other": number} == session.scalars(log).one()


def test_a_stop_of_either_holds_for_all_that_is_theirs_alone(desk: Desk):
    """Who said STOP on one number has not said yes on the other."""
    double(desk)
    share(desk, GONE, "+31697000006")
    with desk.house.database.session() as session:
        consent.stop(session, found(session, GONE).addresses[0].address, "reply 1")
        consent.record(session, found(session, KEEP), given=True, channel=None, evidence="x")
        consent.record(session, found(session, GONE), given=False, channel=None, evidence="y")
    press(desk)

    with desk.house.database.reading() as session:
        keep = found(session, KEEP)
        assert all(link.address.stopped_at for link in keep.addresses)
        assert consent.last_word(session, keep, None) is False
        other = found(session, "P-2").addresses[0].address
        assert other.stopped_at is None, "somebody else's phone goes on as it was"
        assert other.id not in {link.address_id for link in keep.addresses}


def test_what_it_comes_to_is_shown_first_and_changes_nothing(desk: Desk):
    number = double(desk)
    rows(desk)
    page = desk.as_("coordinator").get(f"/mensen/{KEEP}/samenvoegen?met={GONE}").text

    for part in ("Deze blijft", "Deze gaat erin op", "Zo wordt het", "Het gaat één keer",
                 "Twee afspraken op 03-12-2026 10:00", "Er gaat niets uit"):  # fmt: skip
        assert part in page
    with desk.house.database.reading() as session:
        assert session.get(Inburgeraar, number) is not None
        assert 0 == session.scalar(select(func.count()).select_from(Merged))
        assert {"planned"} == set(session.scalars(select(Message.state)))


def brings(desk: Desk, kind: str, text: str) -> Any:
    with desk.house.database.session() as session:
        return store(session, desk.house, parse(text.encode(), kind, "file.csv"))


def test_the_kenmerk_that_went_still_finds_them_in_files(desk: Desk):
    double(desk)
    press(desk)
    report = brings(
        desk, "people", f"kenmerk;voornaam;taal;telefoon\n{GONE};Other;ti;+31697000061\n"
    )
    assert ([], 1) == (report.refused, report.counts["unchanged"])
    brings(desk, "afspraken", f"kenmerk;persoon;begin;plaats\nA-9;{GONE};4-12-2026 14:30;Hier\n")

    with desk.house.database.reading() as session:
        keep = found(session, KEEP)
        assert "Selam" == keep.first_name
        assert keep.id == session.scalars(select(Afspraak.person_id)).one()
    form = {"kenmerk": GONE, "voornaam": "X", "taal": "ti", "telefoon": "+31697000062"}
    assert 422 == desk.as_("frontlijn").post("/mensen/nieuw", form).status_code


def test_the_same_day_it_is_taken_apart_and_a_stop_stays(desk: Desk):
    number = double(desk)
    rows(desk)
    with desk.house.database.session() as session:
        consent.stop(session, found(session, GONE).addresses[0].address, "reply 1")
    press(desk)
    assert "Draai het terug" in desk.as_("coordinator").get(f"/mensen/{KEEP}").text
    assert 303 == press(desk, "splitsen").status_code

    with desk.house.database.reading() as session:
        gone, keep = found(session, GONE), found(session, KEEP)
        assert (number, "Selam") == (gone.id, gone.first_name)
        assert ["+31697000061"] == [link.address.address for link in gone.addresses]
        assert ["+31697000001"] == [link.address.address for link in keep.addresses]
        assert 2 == session.scalars(select(Voortraject.taken)).one()
        for table in (Afspraak, Deelname, Recipient, Message):
            assert {gone.id, keep.id} == set(session.scalars(select(table.person_id)))
        assert keep.addresses[0].address.stopped_at is not None
        assert "planned" not in set(session.scalars(select(Message.state)))


def test_the_next_day_it_stays_and_what_undoing_needed_is_gone(desk: Desk):
    double(desk)
    press(desk)
    be(TUESDAY + timedelta(days=1))
    page = desk.as_("coordinator").post(
        f"/mensen/{KEEP}/splitsen", follow_redirects=True
    ).text  # fmt: skip
    assert "vandaag niets samengevoegd" in page

    work.erase(desk.house)
    with desk.house.database.reading() as session:
        assert [None] == list(session.scalars(select(Merged.before)))


def test_somebody_is_not_put_together_with_themselves(desk: Desk):
    page = desk.as_("coordinator").get(f"/mensen/{KEEP}/samenvoegen?met={KEEP}").text
    assert "Dit is dezelfde persoon" in page
