"""Rapporten at a desk: the figures with their drawing, their sentence and their files."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime, timedelta

import pytest
from desks import Desk
from sqlalchemy import select

from bot import moments
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.models.reports import Report
from bot.models.staff import AuditEntry
from bot.outreach import reports


@pytest.fixture(scope="module")
def town(world: Desk) -> Desk:
    """Thirty people were reached, in a wijk with a name that is no formula."""
    now = moments.now()
    with world.house.database.session() as session:
        for number in range(30):
            person = Inburgeraar(
                kenmerk=f"R-{number}", first_name="N", language="ti", wijk="=1+1|cmd",
                created_at=now,
            )  # fmt: skip
            session.add(person)
            session.flush()
            session.add(
                Message(
                    occasion=f"r:{number}", person_id=person.id, channel="whatsapp",
                    purpose="public task", key="afspraak.reminder", language="ti", values={},
                    body="", buttons=[], priority=1, state="delivered", attempts=1,
                    not_before=now - timedelta(minutes=1), expires_at=now, created_at=now,
                    changed_at=now,
                )
            )  # fmt: skip
    return world


def quarter() -> str:
    return reports.spelled(reports.quarter_of(moments.local(moments.now()).date()))


def test_every_part_has_a_heading_a_sentence_and_a_table_or_says_why_not(town: Desk):
    page = town.as_("klantmanager").get("/rapporten").text

    for heading in ("Bereik per wijk", "Bereik per taal", "Bereikt per week", "Kosten"):
        assert heading in page
    assert "30" in page
    assert "Hier zijn het er te weinig" in page
    assert "Er is nog te weinig opgeschreven wie er kwam" in page
    assert "<script>" not in page
    assert ' style="' not in page


def test_a_quarter_is_chosen_from_those_that_are_kept(town: Desk):
    browser = town.as_("communicatie")

    assert 404 == browser.get("/rapporten?kwartaal=1999-1").status_code
    assert 404 == browser.get("/rapporten?kwartaal=x").status_code
    assert 200 == browser.get(f"/rapporten?kwartaal={quarter()}").status_code


def test_it_is_made_anew_when_asked(town: Desk):
    answer = town.as_("beheerder").post(f"/rapporten/opnieuw?kwartaal={quarter()}")

    assert 303 == answer.status_code
    with town.house.database.reading() as session:
        assert "report.made" in session.scalars(select(AuditEntry.action)).all()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_files_hold_the_same_figures_and_no_formula(town: Desk, kind: str):
    answer = town.as_("coordinator").get(f"/rapporten/rapport.{kind}?kwartaal={quarter()}")

    assert f'filename="rapport-{quarter()}.{kind}"' in answer.headers["Content-Disposition"]
    if kind == "csv":
        told = answer.data.decode("utf-8-sig")
        assert "'=1+1|cmd" in told or "=1+1|cmd" not in told
        assert not [line for line in told.split("\r\n") if line.startswith("=")]
    else:
        with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
            sheets = [name for name in book.namelist() if "worksheets/" in name]
            assert all("<f>" not in book.read(name).decode() for name in sheets)
    with town.house.database.reading() as session:
        assert "report.exported" in session.scalars(select(AuditEntry.action)).all()


def test_a_quarter_whose_rows_are_erased_is_not_made_anew(town: Desk):
    """The report that was made of it is all that is left."""
    old, browser = reports.spelled(reports.quarters()[-1]), town.as_("goedkeurder")

    page = browser.get(f"/rapporten?kwartaal={old}").text
    assert "Maak opnieuw" not in page
    assert "blijft zo" in page
    assert "Maak opnieuw" in browser.get("/rapporten").text
    kept = made(town)
    assert 303 == browser.post(f"/rapporten/opnieuw?kwartaal={old}").status_code
    assert kept == made(town)


def made(town: Desk) -> list[datetime]:
    with town.house.database.reading() as session:
        return list(session.scalars(select(Report.made_at).order_by(Report.quarter)))
