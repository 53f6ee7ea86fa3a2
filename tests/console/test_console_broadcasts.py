"""Groepsberichten: written, approved by another as seen, stopped by one press, put right."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from desks import Browser, Desk
from group_house import be, voortraject
from group_house import person as known
from sqlalchemy import select

from bot import moments
from bot.models.broadcasts import Broadcast
from bot.models.messages import Message
from bot.models.people import Address, PersonAddress
from bot.models.staff import AuditEntry
from bot.models.voortrajecten import Deelname
from bot.outreach import broadcasts
from console.thread import in_dutch

TUESDAY = moments.from_local(datetime(2026, 12, 1, 10, 0))

FORM: dict[str, Any] = {
    "name": "Koffie in Noord",
    "soort": "catalogus",
    "key": "voortraject.invitation",
    "over": "V1",
    "wijk-wie": "alleen",
    "wijk": "Noord",
    "first": "2",
    "hold_minutes": "0",
}

OWN: dict[str, Any] = {
    "name": "Buurthuis dicht",
    "soort": "eigen",
    "until-dag": "05-12-2026",
    "until-tijd": "17:00",
    "tekst-nl": "Het buurthuis is zaterdag 5 december dicht.",
    "tekst-ar": "المركز مغلق يوم السبت.",
}


@pytest.fixture
def desk(make_desk) -> Desk:
    return furnished(make_desk())


def furnished(desk: Desk) -> Desk:
    """Let it be a Tuesday, with a voortraject and people who said yes to invitations."""
    be(TUESDAY)
    with desk.house.database.session() as session:
        voortraject(session, seats=40)
        for number in range(6):
            channel = ("sms", "telegram")[number % 2]
            known(session, f"N{number}", ("nl", "ar")[number % 2], wijk="Noord", channel=channel)
        known(session, "Z1", "nl", wijk="Zuid")
        known(session, "S1", "nl", wijk="Noord", stopped=True)
    return desk


def write(desk: Desk, form: dict[str, Any] = FORM) -> int:
    """Let communicatie write a group message; return its number."""
    answer = desk.as_("communicatie").post("/groepsberichten/nieuw", form)
    assert 303 == answer.status_code, answer.text
    return int(re.findall(r"\d+", answer.location)[0])


def approve(browser: Browser, number: int, *, count: str = "", **more: Any) -> Any:
    """Say yes to what the page shows, for as many people as it says."""
    page = browser.get(f"/groepsberichten/{number}/akkoord?taal=ar").text
    seen = re.search(r'name="gezien" value="([0-9a-f]+)"', page)
    said = re.search(r"Typ het aantal over: ([\d.]+)", page)
    given = {
        "gezien": seen.group(1) if seen else "",
        "taal": "ar",
        "aantal": count or (said.group(1) if said else "0"),
        "dan": "start",
        **more,
    }
    return browser.post(f"/groepsberichten/{number}/akkoord", given, follow_redirects=True)


def state(desk: Desk, number: int) -> str:
    with desk.house.database.reading() as session:
        return session.get_one(Broadcast, number).state


def tick(desk: Desk) -> int:
    with desk.house.database.session() as session:
        return broadcasts.tick(session, desk.house, 100)


def test_what_is_written_is_shown_as_its_readers_get_it_with_who_does_not_and_why(desk: Desk):
    number = write(desk)
    page = desk.as_("communicatie").get(f"/groepsberichten/{number}/voorbeeld").text

    assert '<p class="big">6</p>' in page
    assert "Stuurde STOP" in page
    assert 'dir="rtl"' in page
    assert "phone--sms" in page
    assert "phone--tg" in page
    assert "Buurthuis De Brug" in page
    assert "Nog door niemand nagekeken: Arabisch" in page


def test_a_second_person_approves_exactly_what_they_saw_and_the_first_get_it(desk: Desk):
    number = write(desk)
    page = approve(desk.as_("goedkeurder"), number).text

    assert "Wordt verstuurd" in page
    assert "Stop verzenden" in page
    assert 2 == tick(desk)
    with desk.house.database.reading() as session:
        said = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "broadcast:1"))
        assert ["broadcast.written", "broadcast.approved", "broadcast.started"] == list(said)


@pytest.mark.parametrize("count", ["5", "zes", "", "6.0.0"])
def test_a_count_that_was_typed_wrong_approves_nothing(desk: Desk, count: str):
    number = write(desk)
    approve(desk.as_("goedkeurder"), number, count=count or "-")

    assert "draft" == state(desk, number)


def test_who_wrote_it_cannot_approve_it_even_with_both_roles(desk: Desk):
    desk.hire("both", ["communicatie", "goedkeurder"])
    browser = desk.as_("both")
    answer = browser.post("/groepsberichten/nieuw", FORM)
    number = int(re.findall(r"\d+", answer.location)[0])
    page = browser.get(f"/groepsberichten/{number}/akkoord?taal=ar").text
    assert "Laat iemand anders" in page

    seen = desk.as_("goedkeurder").get(f"/groepsberichten/{number}/akkoord?taal=ar").text
    hash_ = re.search(r'name="gezien" value="([0-9a-f]+)"', seen)
    assert hash_
    given = {"gezien": hash_.group(1), "taal": "ar", "aantal": "6", "dan": "start"}
    answer = browser.post(f"/groepsberichten/{number}/akkoord", given, follow_redirects=True)

    assert "schreef dit groepsbericht zelf" in answer.text
    assert "draft" == state(desk, number)


def test_any_edit_voids_the_yes(desk: Desk):
    number = write(desk)
    approve(desk.as_("goedkeurder"), number, dan="")
    assert "approved" == state(desk, number)
    desk.as_("communicatie").post(
        f"/groepsberichten/{number}/schrijven", {**FORM, "name": "Anders"}
    )

    assert "draft" == state(desk, number)


def test_a_yes_to_what_has_changed_since_is_refused(desk: Desk):
    """Somebody joined the audience between the look and the press."""
    number = write(desk)
    with desk.house.database.session() as session:
        known(session, "N9", "nl", wijk="Noord")
    answer = approve(desk.as_("goedkeurder"), number, gezien="0" * 64)

    assert "intussen iets veranderd" in answer.text
    assert "draft" == state(desk, number)


def test_stop_is_one_press_and_going_on_asks_for_the_number(any_desk: Desk):
    desk = furnished(any_desk)
    number = write(desk)
    approve(desk.as_("goedkeurder"), number)
    tick(desk)
    coordinator = desk.as_("coordinator")
    stopped = coordinator.post(f"/groepsberichten/{number}/stop", follow_redirects=True).text

    assert "stopped" == state(desk, number)
    assert "Er gaat niets meer weg." in stopped
    assert "Ga verder met 6" in stopped
    assert 0 == tick(desk)
    wrong = coordinator.post(f"/groepsberichten/{number}/verder", {"aantal": "5"})
    assert (303, "stopped") == (wrong.status_code, state(desk, number))
    coordinator.post(f"/groepsberichten/{number}/verder", {"aantal": "6"})
    assert "sending" == state(desk, number)


def test_the_figures_are_written_out_and_add_up(desk: Desk):
    number = write(desk)
    approve(desk.as_("goedkeurder"), number)
    tick(desk)
    with desk.house.database.session() as session:
        for message, new in zip(
            session.scalars(select(Message).order_by(Message.id)).all(),
            ("delivered", "unknown"),
            strict=False,
        ):
            message.state = new
    page = desk.as_("communicatie").get(f"/groepsberichten/{number}").text

    summed = re.search(r'class="sumline">([\d.+ ]+)= <b>([\d.]+)</b>', page)
    assert summed, page
    assert int(summed.group(2)) == sum(map(int, summed.group(1).split("+"))) == 6
    assert "meldt dit niet" in page  # Telegram tells nobody what was read


def test_a_correction_goes_only_to_those_who_may_have_it(any_desk: Desk):
    desk = furnished(any_desk)
    number = write(desk)
    approve(desk.as_("goedkeurder"), number)
    tick(desk)
    with desk.house.database.session() as session:
        first = session.scalars(select(Message).order_by(Message.id)).first()
        assert first is not None
        first.state = "delivered"
        person = first.person_id
    writer = desk.as_("communicatie")
    writer.post(f"/groepsberichten/{number}/stop")
    answer = writer.post(f"/groepsberichten/{number}/correctie")
    put_right = int(re.findall(r"\d+", answer.location)[0])
    page = writer.get(f"/groepsberichten/{put_right}/voorbeeld").text

    assert '<p class="big">1</p>' in page
    approve(desk.as_("goedkeurder"), put_right)
    tick(desk)
    with desk.house.database.reading() as session:
        to = session.scalars(select(Message.person_id).where(Message.broadcast_id == put_right))
        assert [person] == list(to)


def test_an_own_text_goes_in_the_languages_it_was_written_in_and_says_stop(desk: Desk):
    number = write(desk, OWN)
    page = desk.as_("communicatie").get(f"/groepsberichten/{number}/voorbeeld").text

    assert "zaterdag 5 december dicht" in page
    assert "المركز مغلق" in page
    assert page.count("STOP") >= 2
    approve(desk.as_("goedkeurder"), number)
    tick(desk)
    with desk.house.database.reading() as session:
        sent = session.scalars(select(Message)).all()
        bodies = [each.body for each in sent]
        meant = [in_dutch(desk.house, each) or each.body for each in sent]
    assert bodies
    assert all("STOP" in body for body in bodies)
    assert all("zaterdag 5 december dicht" in each for each in meant)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"tekst-nl": "Kom op 31 november."}, "31 november"),
        ({"tekst-nl": ""}, "ook in het Nederlands"),
        ({"tekst-nl": "Hallo {first_name}."}, "accolades"),
        ({"tekst-nl": "Je krijgt een boete."}, "verboden woord"),
        ({"tekst-nl": "woord " * 60}, "een regel is"),
        ({"name": " "}, "een naam"),
        ({"until-dag": "gisteren"}, "Heeft zin tot"),
        ({"first": "veel"}, "is geen getal"),
    ],
)
def test_what_cannot_be_so_is_said_and_nothing_that_was_typed_is_lost(desk: Desk, changed, told):
    answer = desk.as_("communicatie").post("/groepsberichten/nieuw", {**OWN, **changed})

    assert 422 == answer.status_code
    assert told in answer.text
    assert "المركز مغلق" in answer.text
    with desk.house.database.reading() as session:
        assert [] == list(session.scalars(select(Broadcast)))


def test_a_rule_may_name_a_voortraject_and_whether_somebody_ever_wrote(desk: Desk):
    with desk.house.database.session() as session:
        invited = known(session, "I1", "nl", wijk="West")
        session.add(
            Deelname(
                voortraject_id=1,
                person_id=invited.id,
                state="invited",
                needs_childcare=False,
                at=moments.now(),
            )
        )
        invited.addresses[0].address.last_inbound_at = moments.now()
        known(session, "I2", "nl", wijk="West")
    rule = {"wijk-wie": "", "voortraject-wie": "alleen", "antwoord-wie": "alleen"}
    form = {**OWN, **rule, "antwoord": "ja"}
    form["voortraject"] = "V1"
    number = write(desk, form)

    with desk.house.database.reading() as session:
        assert "voortraject=V1 antwoord=ja" == session.get_one(Broadcast, number).audience
    page = desk.as_("communicatie").get(f"/groepsberichten/{number}/voorbeeld").text
    assert '<p class="big">1</p>' in page


# ------------------------------------------------------------------ groups that are kept


def test_a_choice_is_kept_under_a_name_and_chosen_again_without_losing_what_was_typed(desk: Desk):
    writer = desk.as_("communicatie")
    period = {"contact-wie": "niet", "contact-van": "1 dec 2026", "contact-tot": ""}
    kept = {**FORM, **period, "doe": "bewaar", "groepsnaam": " Noord,  stil "}
    page = writer.post("/groepsberichten/nieuw", kept)
    assert (200, True) == (page.status_code, "Koffie in Noord" in page.text)
    assert "Noord, stil: wijk=Noord niet contact=1-dec-2026.." in page.text

    typed = {"name": "Nieuw bericht", "soort": "eigen", "tekst-nl": "Al getypt.", "bewaard": "1"}
    page = writer.post("/groepsberichten/nieuw", {**typed, "doe": "gebruik"}).text
    assert "Al getypt." in page
    assert re.search(r'name="wijk" value="Noord" checked', page)
    assert 'name="contact-van" type="text" value="01-12-2026"' in page

    writer.post("/groepsberichten/nieuw", {**typed, "doe": "weg"})
    assert "Noord, stil" not in writer.get("/groepsberichten/nieuw").text
    with desk.house.database.reading() as session:
        assert [] == list(session.scalars(select(Broadcast)))
        done = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "group:1"))
        assert ["group.saved", "group.dropped"] == list(done)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"groepsnaam": " "}, "Geef de groep een naam"),
        ({"groepsnaam": "X", "wijk-wie": ""}, "Zonder keuze is het iedereen"),
        ({"groepsnaam": "X", "afspraak-wie": "alleen", "afspraak-van": "ooit"}, "De regel klopt"),
    ],
)
def test_a_group_that_means_nothing_is_not_kept(desk: Desk, given, told):
    page = desk.as_("coordinator").post(
        "/groepsberichten/nieuw", {**FORM, "doe": "bewaar", **given}
    )

    assert (422, True) == (page.status_code, told in page.text)


def test_what_it_invites_to_is_no_part_of_the_rule(desk: Desk):
    """The select of the voortraject and the boxes of the rule are two things."""
    with desk.house.database.session() as session:
        voortraject(session, kenmerk="V2")
    number = write(desk, {**FORM, "voortraject-wie": "niet", "voortraject": "V2"})

    with desk.house.database.reading() as session:
        assert "wijk=Noord niet voortraject=V2" == session.get_one(Broadcast, number).audience


# ------------------------------------------------------------------ an own text on WhatsApp


def test_an_own_text_goes_by_whatsapp_to_whom_the_window_is_open_and_else_by_another_address(
    desk: Desk,
):
    """No template can be made of it: it would wait for ever."""
    with desk.house.database.session() as session:
        for name in ("Open", "Shut", "Other"):
            one = known(session, name, "nl", wijk="West", channel="whatsapp")
            if name == "Open":
                one.addresses[0].address.last_inbound_at = moments.now()
            if name == "Other":
                sms = Address(
                    channel="sms", address="+31697000777", state="open", created_at=moments.now()
                )
                session.add(PersonAddress(person=one, address=sms, rank=1))
    number = write(desk, {**OWN, "wijk-wie": "alleen", "wijk": "West"})
    page = desk.as_("communicatie").get(f"/groepsberichten/{number}/voorbeeld").text

    assert '<p class="big">2</p>' in page
    assert "Wie ons de laatste 24 uur schreef, krijgt het op WhatsApp: 1." in page
    assert "Anderen krijgen het op hun volgende adres: Sms 1." in page
    assert "Wie geen ander adres heeft, krijgt niets: 1." in page
    approve(desk.as_("goedkeurder"), number)
    tick(desk)
    with desk.house.database.reading() as session:
        assert {"whatsapp", "sms"} == set(session.scalars(select(Message.channel)))


def test_an_own_text_for_tomorrow_counts_the_windows_of_tomorrow(desk: Desk):
    with desk.house.database.session() as session:
        one = known(session, "Open", "nl", wijk="West", channel="whatsapp")
        one.addresses[0].address.last_inbound_at = moments.now()
    tomorrow = {"from-dag": "03-12-2026", "from-tijd": "10:00"}
    number = write(desk, {**OWN, **tomorrow, "wijk-wie": "alleen", "wijk": "West"})
    page = desk.as_("communicatie").get(f"/groepsberichten/{number}/voorbeeld").text

    assert "Niemand krijgt dit bericht." in page
    assert "krijgt niets: 1." in page
