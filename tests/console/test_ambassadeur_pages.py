"""Ambassadeurs at a desk: their way, links that end, flags that a person looks at, the premie."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from desks import Browser, Desk
from sqlalchemy import select

from bot import moments
from bot.models.ambassadeurs import Aanmelding, Ambassadeur, AmbassadeurStap, Link, Premie
from bot.models.people import Inburgeraar
from bot.models.staff import AuditEntry
from bot.outreach import ambassadeurs, premie
from console.exports import as_csv, as_xlsx, inert

FORMULA = '=HYPERLINK("https://evil.example";"x")'


@pytest.fixture(scope="module")
def links(world: Desk) -> Desk:
    world.hire("tweede", ["coordinator"])
    return world


def ambassadeur(desk: Desk, kenmerk: str, name: str = "Yordanos", state: str = "actief") -> int:
    with desk.house.database.session() as session:
        one = Ambassadeur(
            kenmerk=kenmerk, first_name=name, phone="+31697002000", languages=["ti", "ar"],
            wijk="Noord", created_at=moments.now(), state=state,
        )  # fmt: skip
        session.add(one)
    return one.id


def brought(desk: Desk, number: int, kenmerk: str, flags: list[str], days_ago: int) -> int:
    """Let somebody have come in by the link of ambassadeur *number*."""
    with desk.house.database.session() as session:
        link = ambassadeurs.link_for(session, session.get_one(Ambassadeur, number))
        person = Inburgeraar(
            kenmerk=kenmerk, first_name=f"Via{kenmerk}", language="ti", created_at=moments.now()
        )
        session.add(person)
        session.flush()
        one = Aanmelding(
            link_id=link.id, person_id=person.id, counted=not flags, flags=flags,
            at=moments.now() - timedelta(days=days_ago),
        )  # fmt: skip
        session.add(one)
    return one.id


def last_month() -> tuple[str, int]:
    """Return a month that is over, and how many days ago its middle was."""
    first = premie.month_of(moments.now())
    middle = first - timedelta(days=10)
    return middle.replace(day=1).isoformat(), (moments.local(moments.now()).date() - middle).days


def actions(desk: Desk) -> list[str]:
    with desk.house.database.reading() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_the_page_shows_counts_languages_and_a_qr_code_to_print(links: Desk):
    number = ambassadeur(links, "M-1")
    brought(links, number, "A-1", [], 1)

    page = links.as_("coordinator").get("/ambassadeurs/M-1").text

    assert "ትግርኛ" in page
    assert "+316 •••• 00" in page
    assert "+31697002000" not in page
    assert '<svg class="qr"' in page or 'class="qr"' in page
    assert "/poster" in page
    assert 'formaction="/a/' in page
    assert "ViaA-1" not in page, "who came in without a flag is nobody's business here"
    assert "ambassadeur.looked" in actions(links)


def test_a_number_is_shown_when_asked_and_that_is_written_down(links: Desk):
    ambassadeur(links, "M-2")

    assert "+31697002000" in links.as_("coordinator").post("/ambassadeurs/M-2/nummer").text
    assert "ambassadeur.number_shown" in actions(links)


def test_languages_and_wijk_are_changed_on_the_page_for_the_reasons_of_a_file(links: Desk):
    number = ambassadeur(links, "AMB-W")
    browser = links.as_("coordinator")
    path = "/ambassadeurs/AMB-W"
    form = {"voornaam": "Yordanos", "talen": "Arabisch, nl", "wijk": "", "telefoon": ""}
    browser.post(f"{path}/wijzig", form)
    with links.house.database.reading() as session:
        now = session.get_one(Ambassadeur, number)
        assert (["ar", "nl"], None) == (now.languages, now.wijk)
    assert "ambassadeur.changed" in actions(links)

    told = browser.post(f"{path}/wijzig", {**form, "talen": "Klingon"}, follow_redirects=True).text
    assert "talen:" in told
    with links.house.database.reading() as session:
        assert ["ar", "nl"] == session.get_one(Ambassadeur, number).languages


def test_who_stops_has_no_link_that_works_and_gets_none(links: Desk):
    number = ambassadeur(links, "M-3")
    browser = links.as_("coordinator")
    browser.post("/ambassadeurs/M-3/link")
    with links.house.database.reading() as session:
        code = session.scalars(select(Link.code).where(Link.ambassadeur_id == number)).one()

    browser.post("/ambassadeurs/M-3/stand", {"stand": "gestopt"})
    refused = browser.post("/ambassadeurs/M-3/link", follow_redirects=True).text

    assert "Wie gestopt is, krijgt geen link" in refused
    with links.house.database.reading() as session:
        assert ambassadeurs.find(session, code) is None
        steps = session.scalars(
            select(AmbassadeurStap.state).where(AmbassadeurStap.ambassadeur_id == number)
        ).all()
    assert ["gestopt"] == steps

    browser.post("/ambassadeurs/M-3/stand", {"stand": "actief"})
    browser.post("/ambassadeurs/M-3/link")
    with links.house.database.reading() as session:
        codes = session.scalars(select(Link.code).where(Link.ambassadeur_id == number)).all()
        assert 2 == len(set(codes)), "a link that ended stays ended"


def test_a_link_that_was_ended_brings_nobody_in_and_can_be_replaced(links: Desk):
    number = ambassadeur(links, "M-4")
    browser = links.as_("coordinator")
    browser.post("/ambassadeurs/M-4/link")
    with links.house.database.session() as session:
        first = session.scalars(select(Link).where(Link.ambassadeur_id == number)).one()

    browser.post(f"/ambassadeurs/M-4/link/{first.id}/stop")
    with links.house.database.session() as session:
        assert ambassadeurs.find(session, first.code) is None
        again = ambassadeurs.link_for(session, session.get_one(Ambassadeur, number))
        assert again.code != first.code
    assert {"link.made", "link.ended"} <= set(actions(links))


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("/ambassadeurs/M-9/stand", {"stand": "held"}, 400),
        ("/ambassadeurs/M-404/stand", {"stand": "actief"}, 404),
        ("/ambassadeurs/M-9/link/999/stop", {}, 404),
        ("/ambassadeurs/M-9/aanmelding/999", {"telt": "ja", "waarom": "x"}, 404),
        ("/ambassadeurs/M-9/aanmelding/1", {"telt": "misschien"}, 400),
        ("/premie/opstellen", {"ambassadeur": "M-9", "maand": "gisteren"}, 400),
        ("/premie/999/akkoord", {}, 404),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_refused(links: Desk, path, data, status):
    with links.house.database.session() as session:
        if not session.scalars(select(Ambassadeur).where(Ambassadeur.kenmerk == "M-9")).first():
            session.add(
                Ambassadeur(
                    kenmerk="M-9", first_name="N", languages=["nl"], created_at=moments.now()
                )
            )

    assert status == links.as_("coordinator").post(path, data).status_code


def flash(browser: Browser, path: str, data: dict[str, str] | None = None) -> str:
    return browser.post(path, data, follow_redirects=True).text


def test_a_month_is_premie_after_a_look_at_its_flags_and_two_signatures(any_desk: Desk):
    """Nobody signs for their own work, and nothing changes between the two signatures."""
    desk = any_desk
    desk.hire("tweede", ["coordinator"])
    month, days = last_month()
    number = ambassadeur(desk, "M-5")
    brought(desk, number, "B-1", [], days)
    flagged = brought(desk, number, "B-2", ["own_number"], days)
    one, other = desk.as_("coordinator"), desk.as_("goedkeurder")
    drawing = {"ambassadeur": "M-5", "maand": month}
    decision = f"/ambassadeurs/M-5/aanmelding/{flagged}"

    assert "Er wachten nog 1 vlaggen" in flash(one, "/premie/opstellen", drawing)
    assert "Schrijf kort op waarom" in flash(one, decision, {"telt": "ja", "waarom": " "})
    assert "Uw besluit is vastgelegd" in flash(one, decision, {"telt": "ja", "waarom": "Zus"})
    assert "Opgesteld" in flash(one, "/premie/opstellen", drawing)
    with desk.house.database.session() as session:
        made = session.scalars(select(Premie)).one()
        assert (2, 5000, "coordinator") == (made.count, made.cents, made.drawn_by)
    assert "€ 50,00" in other.get("/premie").text
    sign = f"/premie/{made.id}/akkoord"
    assert "kan niet zelf goedkeuren" in flash(one, sign)

    flash(one, decision, {"telt": "nee", "waarom": "Toch niet"})
    assert "Er is iets veranderd" in flash(other, sign)
    assert "Opgesteld" in flash(one, "/premie/opstellen", drawing)
    assert "Goedgekeurd" in flash(other, sign)
    assert "keurde dit al goed" in flash(other, sign)
    assert "is al goedgekeurd" in flash(one, decision, {"telt": "ja", "waarom": "Toch wel"})
    assert "al goedgekeurd" in flash(one, "/premie/opstellen", drawing)
    with desk.house.database.reading() as session:
        made = session.scalars(select(Premie)).one()
        assert (1, "goedkeurder") == (made.count, made.approved_by)
    assert {"aanmelding.decided", "premie.drawn_up", "premie.approved"} <= set(actions(desk))


def test_a_month_that_runs_or_holds_nothing_is_not_drawn_up(links: Desk):
    number = ambassadeur(links, "M-6")
    brought(links, number, "C-1", [], 0)
    browser = links.as_("coordinator")
    now = premie.month_of(moments.now()).isoformat()

    running = flash(browser, "/premie/opstellen", {"ambassadeur": "M-6", "maand": now})
    empty = flash(browser, "/premie/opstellen", {"ambassadeur": "M-6", "maand": last_month()[0]})

    assert "nog niet voorbij" in running
    assert "telt geen aanmelding mee" in empty


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_register_goes_as_a_file_in_which_nothing_is_a_formula(links: Desk, kind: str):
    number = ambassadeur(links, f"M-7{kind}", FORMULA)
    brought(links, number, f"E-{kind}", [], 0)

    answer = links.as_("goedkeurder").get(f"/premie/premie.{kind}")

    assert "attachment" in answer.headers["Content-Disposition"]
    if kind == "csv":
        assert f'"\'{FORMULA.replace(chr(34), chr(34) * 2)}"' in answer.data.decode("utf-8-sig")
    else:
        with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
            strings = book.read("xl/sharedStrings.xml").decode()
        assert "<f>" not in sheet
        assert "HYPERLINK" in strings
    assert "premie.exported" in actions(links)


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝", "\ufeff="])
def test_no_cell_begins_as_a_formula_does(begin: str):
    assert str(inert(f"{begin}1+1")).startswith("'")
    told = as_csv("x", [("t", [["kop"], [f"{begin}1+1"]])]).get_data().decode("utf-8-sig")
    assert "'" in told


def test_a_number_stays_a_number():
    told = as_csv("x", [("t", [["kop", "n"], ["a", -3], [None, 2.5]])])
    assert "a;-3\r\n;2.5\r\n" in told.get_data().decode("utf-8-sig")
    assert as_xlsx("x", [("[a]:b*c?/\\" + "d" * 40, [["kop"], [-3], [None]])]).status_code == 200
