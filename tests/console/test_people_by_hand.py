"""Somebody and their afspraken, written down by hand: what goes out is seen first."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from desks import Desk
from group_house import TUESDAY, be
from sqlalchemy import select, update

from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.people import Address, Inburgeraar
from bot.models.staff import AuditEntry
from bot.models.tasks import Task
from bot.outreach import afspraken, tasks
from bot.privacy import consent


@pytest.fixture
def desk(any_desk: Desk) -> Desk:
    be(TUESDAY)
    return any_desk


def person(desk: Desk, kenmerk: str) -> Inburgeraar | None:
    with desk.house.database.session() as session:
        return session.scalars(
            select(Inburgeraar).where(Inburgeraar.kenmerk == kenmerk)
        ).one_or_none()


def actions(desk: Desk) -> list[str]:
    with desk.house.database.reading() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


NEW = {"kenmerk": "N-1", "voornaam": "Amina", "taal": "ar", "telefoon": "06 97000061"}


def test_somebody_is_added_changed_and_each_is_written_down(desk: Desk):
    browser = desk.as_("frontlijn")
    assert 303 == browser.post("/mensen/nieuw", {**NEW, "wijk": "Noord"}).status_code
    added = person(desk, "N-1")
    assert added is not None
    assert ("Amina", "ar", "Noord") == (added.first_name, added.language, added.wijk)

    form = browser.get("/mensen/N-1/wijzig").text
    assert "97000061" not in form
    changed = {"voornaam": "Amira", "taal": "ar", "wijk": "", "klantmanager": "klantmanager"}
    assert 303 == browser.post("/mensen/N-1/wijzig", changed).status_code
    now = person(desk, "N-1")
    assert now is not None
    assert ("Amira", None, "klantmanager") == (now.first_name, now.wijk, now.klantmanager)
    assert {"person.added", "person.changed"} <= set(actions(desk))


def test_what_colleagues_changed_is_told_by_field_and_never_by_what_it_held(desk: Desk):
    browser = desk.as_("klantmanager")
    form = {"voornaam": "Selam", "taal": "ti", "korte naam": "S.", "huishouden": "H-7",
            "klantmanager": "klantmanager", "luistert": "ja"}  # fmt: skip
    assert 303 == browser.post("/mensen/P-1/wijzig", form).status_code
    now = person(desk, "P-1")
    assert now is not None
    assert ("S.", "H-7", True) == (now.short_name, now.household, now.listens)
    browser.post("/mensen/P-1/wijzig", form)

    page = browser.get("/mensen/P-1").text
    assert 1 == page.count("Gewijzigd")
    assert "luistert, korte naam, huishouden" in page
    with desk.house.database.reading() as session:
        details = [str(each.detail) for each in session.scalars(select(AuditEntry))]
    assert not any("H-7" in each for each in details)


def test_a_later_afspraak_than_the_next_is_moved_by_a_button_too(desk: Desk):
    browser = desk.as_("klantmanager")
    for day in ("10-12-2026", "17-12-2026"):
        shown_and_done(browser, "/mensen/P-1/afspraak/0", {**FORM, "datum": day})
    with desk.house.database.reading() as session:
        later = session.scalars(select(Afspraak.id).order_by(Afspraak.begins.desc())).first()
    page = browser.get("/mensen/P-1").text

    assert f'href="/console/mensen/P-1/afspraak/{later}"' in page
    assert "afspraak/" not in desk.as_("frontlijn").get("/mensen/P-1").text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"telefoon": "06-12"}, "nummer"),
        ({"voornaam": "1-2-2026"}, "dit lijkt een datum"),
        ({"taal": ""}, "vul het in"),
        ({"kenmerk": "P-1"}, "al van iemand"),
        ({"telefoon": "", "telegram": ""}, "geen telefoon"),
    ],
)
def test_what_cannot_be_so_is_said_at_its_field(make_desk, wrong, told):
    desk = make_desk()
    answer = desk.as_("frontlijn").post("/mensen/nieuw", {**NEW, **wrong})

    assert 422 == answer.status_code
    assert told.casefold() in answer.text.casefold()
    assert person(desk, "N-1") is None


def test_a_pause_is_lifted_by_staff_and_a_stop_of_their_own_is_not(desk: Desk):
    browser = desk.as_("klantmanager")

    def stopped() -> bool:
        with desk.house.database.reading() as session:
            place = select(Address).where(Address.address == "+31697000001")
            return session.scalars(place).one().stopped_at is not None

    browser.post("/mensen/P-1/pauze", {"doe": "pauze"})
    assert stopped()
    browser.post("/mensen/P-1/pauze", {"doe": "verder"})
    assert not stopped()

    with desk.house.database.session() as session:
        place = session.scalars(select(Address).where(Address.address == "+31697000001")).one()
        consent.stop(session, place, "reply 812")
    page = browser.post("/mensen/P-1/pauze", {"doe": "verder"}, follow_redirects=True).text
    assert stopped()
    assert "stuurde deze persoon zelf STOP" in page


def test_invitations_go_again_after_danger_when_staff_have_met_it_and_say_so(desk: Desk):
    browser = desk.as_("klantmanager")
    with desk.house.database.session() as session:
        place = session.scalars(select(Address).where(Address.address == "+31697000001")).one()
        place.bulk_locked_at = TUESDAY
        tasks.raise_task(
            session, tasks.EMERGENCY, about="address:1", address=place, note="Kijk nu.", person=None
        )
    path = f"/mensen/P-1/uitnodigingen/{place.id}"

    def locked() -> bool:
        with desk.house.database.reading() as session:
            return session.get_one(Address, place.id).bulk_locked_at is not None

    assert "na een bericht over gevaar" in browser.get("/mensen/P-1").text
    page = browser.post(path, follow_redirects=True).text
    assert locked()
    assert "Sluit die eerst" in page

    with desk.house.database.session() as session:
        session.execute(update(Task).values(done_at=TUESDAY))
    page = browser.post(path, follow_redirects=True).text
    assert not locked()
    assert "na een bericht over gevaar" not in page
    assert "address.unlocked" in actions(desk)
    assert 404 == browser.post("/mensen/P-1/uitnodigingen/999").status_code


def test_a_yes_that_somebody_told_a_colleague_is_written_down_with_who_heard_it(desk: Desk):
    browser = desk.as_("klantmanager")
    browser.post("/mensen/P-1/toestemming", {"zei": "ja"})

    with desk.house.database.reading() as session:
        one = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-1")).one()
        assert consent.may_invite(session, one, "sms")
    assert "consent.written" in actions(desk)


# ---------------------------------------------------------------------- afspraken

FORM = {
    "datum": "10-12-2026", "tijd": "14:30", "duur": "45", "plaats": "Wijkcentrum",
    "medewerker": "Jansen",
}  # fmt: skip


def the_afspraak(desk: Desk) -> Afspraak:
    with desk.house.database.session() as session:
        return session.scalars(select(Afspraak)).one()


def said(desk: Desk) -> list[str]:
    with desk.house.database.reading() as session:
        return list(session.scalars(select(Message.key).order_by(Message.id)))


def shown_and_done(browser, path: str, form: dict[str, str]) -> str:
    """Look first, then send what the page holds; return what was shown."""
    page = browser.post(path, form).text
    inner = page[page.index("Dit gaat er dan uit") :]
    inner = inner[: inner.index("</form>")]
    given = dict(re.findall(r'name="(\w+)" value="([^"]*)"', inner))
    assert 303 == browser.post(path, given).status_code
    return page


def test_the_message_of_a_move_or_a_cancellation_is_seen_before_it_goes(desk: Desk):
    """What is shown is what the change itself would queue, taken back again."""
    browser = desk.as_("klantmanager")
    shown_and_done(browser, "/mensen/P-1/afspraak/0", FORM)
    assert (1, "Wijkcentrum") == (the_afspraak(desk).version, the_afspraak(desk).place)
    assert [] == said(desk)
    path = f"/mensen/P-1/afspraak/{the_afspraak(desk).id}"

    looked = browser.post(path, {**FORM, "tijd": "16:00", "versie": "1"}).text
    assert "16:00" in looked
    assert "Er is nog niets veranderd" in looked
    assert "In het Nederlands" in looked, "a colleague who reads no Tigrinya sees what it says"
    assert (1, []) == (the_afspraak(desk).version, said(desk))

    shown_and_done(browser, path, {**FORM, "tijd": "16:00", "versie": "1"})
    assert (2, ["afspraak.changed"]) == (the_afspraak(desk).version, said(desk))
    with desk.house.database.session() as session:
        for message in session.scalars(select(Message)):
            message.state = "delivered"
    page = shown_and_done(browser, path, {**FORM, "status": "afgezegd", "versie": "2"})
    assert "Zeg de afspraak af" in page
    assert ["afspraak.changed", "afspraak.cancelled"] == said(desk)
    assert "afgezegd" == the_afspraak(desk).status


def test_what_a_colleague_changed_meanwhile_is_not_overwritten(desk: Desk):
    browser = desk.as_("klantmanager")
    shown_and_done(browser, "/mensen/P-1/afspraak/0", FORM)
    old = the_afspraak(desk)
    with desk.house.database.session() as session:
        one = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-1")).one()
        afspraken.record(
            session, desk.house, kenmerk=old.kenmerk, person=one,
            begins=old.begins.replace(day=11), minutes=45, soort=None, place="Wijkcentrum",
            address=None, staff="Jansen", status="gepland",
        )  # fmt: skip
    answer = browser.post(f"/mensen/P-1/afspraak/{old.id}", {**FORM, "versie": "1", "doe": "doen"})

    assert 422 == answer.status_code
    assert "Een collega veranderde" in answer.text
    assert datetime(2026, 12, 11).day == the_afspraak(desk).begins.day


def test_an_afspraak_of_somebody_else_is_not_under_this_person(desk: Desk):
    browser = desk.as_("klantmanager")
    shown_and_done(browser, "/mensen/P-1/afspraak/0", FORM)

    assert 404 == browser.get(f"/mensen/P-2/afspraak/{the_afspraak(desk).id}").status_code


def test_a_day_that_no_calendar_has_is_said_at_its_field(make_desk):
    desk = make_desk()
    answer = desk.as_("klantmanager").post(
        "/mensen/P-1/afspraak/0", {**FORM, "datum": "31-11-2026"}
    )

    assert 422 == answer.status_code
    assert "Dit gaat er dan uit" not in answer.text
