"""The preview offers a test on one's own phone, and what is pressed there is written down."""

from __future__ import annotations

import re

from desks import Desk
from sqlalchemy import select
from test_console_broadcasts import furnished, write

from bot.models.staff import AuditEntry, StaffPhone


def test_a_code_is_shown_once_it_is_asked_for_and_where_to_send_it(make_desk):
    desk: Desk = furnished(make_desk(twilio_account_sid="AC" + "0" * 32, twilio_auth_token="t",
                                     twilio_sms_from="+3197000000000"))  # fmt: skip
    number = write(desk)
    browser = desk.as_("goedkeurder")
    page = browser.get(f"/groepsberichten/{number}/voorbeeld").text
    assert "Koppel een telefoon" in page
    assert not re.search(r"TEST [2-9A-Z]{8}", page)

    page = browser.post(f"/groepsberichten/{number}/telefoon", follow_redirects=True).text

    assert re.search(r"TEST [2-9A-Z]{8}", page)
    assert "+3197000000000" in page
    other = desk.as_("communicatie").get(f"/groepsberichten/{number}/voorbeeld").text
    assert not re.search(r"TEST [2-9A-Z]{8}", other), "a code is for who asked"
    with desk.house.database.reading() as session:
        assert "staff.phone_asked" in session.scalars(select(AuditEntry.action)).all()


def test_nobody_unties_the_phone_of_another(desk: Desk):
    furnished(desk)
    number = write(desk)
    desk.as_("goedkeurder").post(f"/groepsberichten/{number}/telefoon")
    for who in ("communicatie", "goedkeurder"):
        desk.as_(who).post(f"/groepsberichten/{number}/telefoon/weg", {"telefoon": "1"})
        with desk.house.database.reading() as session:
            assert (who == "communicatie") == bool(session.scalars(select(StaffPhone.id)).all())


def test_without_a_phone_a_test_is_refused_in_dutch(desk: Desk):
    furnished(desk)
    number = write(desk)
    answer = desk.as_("communicatie").post(
        f"/groepsberichten/{number}/test", {"test": "nl|sms"}, follow_redirects=True
    )

    assert "Koppel eerst een eigen telefoon" in answer.text
