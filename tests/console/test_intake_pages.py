"""Inlezen: seen row by row, put right in place, and nothing is kept before the yes."""

from __future__ import annotations

import io
import re
from typing import Any
from zipfile import ZipFile

import pytest
from desks import Desk
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from bot.models.people import Inburgeraar
from bot.models.staff import AuditEntry
from bot.outreach.intake.sheet import KINDS

PEOPLE = """kenmerk;voornaam;taal;telefoon;wijk;toestemming
I-1;Amina;ar;06 97000051;Noord;ja
I-2;Yonas;tigrina;06-97;Noord;ja
I-2;Dubbel;nl;0697000053;Noord;ja
"""


def bring(browser, text: str | bytes, kind: str = "people", name: str = "people.csv") -> Any:
    data = text.encode() if isinstance(text, str) else text
    return browser.post("/inlezen", {"soort": kind, "bestand": (io.BytesIO(data), name)})


def form_of(page: str, action: str) -> dict[str, str]:
    """Return the fields of the form on *page* that goes to *action*, as a browser sends them."""
    forms = re.findall(r'<form method="post"[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.S)
    inner = next(body for at, body in forms if at.endswith(action) and 'name="inhoud"' in body)
    return dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*?value="([^"]*)"', inner))


def people(desk: Desk) -> set[str]:
    with desk.house.database.reading() as session:
        return set(session.scalars(select(Inburgeraar.kenmerk)))


def test_a_file_is_shown_with_its_faults_put_right_and_only_then_stored(any_desk: Desk):
    browser = any_desk.as_("frontlijn")
    shown = bring(browser, PEOPLE).text

    assert "er is nog niets opgeslagen" in shown
    assert "3 rijen gelezen: 1 nieuw" in shown
    assert "deze taal is onbekend" in shown
    assert "staat ook in rij 3" in shown
    assert {"P-1", "P-2", "P-3"} == people(any_desk)

    again = form_of(shown, "/inlezen")
    assert "tigrina" == again["cel-3-taal"]
    again |= {"cel-3-taal": "ti", "cel-3-telefoon": "0697000052", "cel-4-kenmerk": "I-3"}
    right = browser.post("/inlezen", again).text
    assert "3 rijen gelezen: 3 nieuw, 0 gewijzigd, 0 ongewijzigd, 0 geweigerd" in right
    assert {"P-1", "P-2", "P-3"} == people(any_desk)

    stored = browser.post("/inlezen/opslaan", form_of(right, "/inlezen/opslaan")).text
    assert "Opgeslagen" in stored
    assert {"P-1", "P-2", "P-3", "I-1", "I-2", "I-3"} == people(any_desk)
    with any_desk.house.database.reading() as session:
        assert "intake.stored" in session.scalars(select(AuditEntry.action)).all()


def test_the_good_rows_are_stored_and_the_wrong_ones_stay_on_the_page(desk: Desk):
    browser = desk.as_("coordinator")
    shown = bring(browser, PEOPLE).text
    stored = browser.post("/inlezen/opslaan", form_of(shown, "/inlezen/opslaan")).text

    assert {"P-1", "P-2", "P-3", "I-1"} == people(desk)
    assert "Rijen met een fout" in stored


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "Kies eerst een bestand"),
        (b"\x00\x01\x02 no text", "geen tekstbestand"),
        (b"voornaam;taal\nA;nl\n", "kolom kenmerk ontbreekt"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "oud Excel-bestand"),
        (b"kenmerk\n" + b"K\n" * 20_001, "Splits het"),
    ],
    ids=["nothing", "no text", "no kenmerk", "old Excel", "too long"],
)
def test_a_file_of_no_use_is_refused_with_the_reason(desk: Desk, data: bytes, told: str):
    answer = bring(desk.as_("frontlijn"), data)

    assert 422 == answer.status_code
    assert told in answer.text


@pytest.mark.parametrize("packed", ["", "nonsense!", "AAAA", "eJwDAAAAAAE="])
def test_what_is_no_file_between_two_pages_is_asked_for_again(desk: Desk, packed: str):
    answer = desk.as_("frontlijn").post(
        "/inlezen/opslaan", {"soort": "people", "inhoud": packed, "naam": "x"}
    )

    assert 422 == answer.status_code
    with desk.house.database.reading() as session:
        assert 3 == session.scalar(select(func.count()).select_from(Inburgeraar))


def test_what_stands_in_a_cell_never_runs(desk: Desk):
    hostile = '"><img src=x onerror=alert(1)>'
    rows = (
        f'kenmerk;voornaam;taal\n"{hostile.replace(chr(34), chr(34) * 2)}";A;zz\nK;{{{{7*7}}}};nl\n'
    )
    page = bring(desk.as_("frontlijn"), rows, name="<script>alert(1)</script>.csv").text

    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "{{7*7}}" in page


@pytest.mark.parametrize("kind", ["people", "afspraken", "voortrajecten", "ambassadeurs"])
def test_every_example_can_be_taken_along_and_read_again(desk: Desk, kind: str):
    browser = desk.as_("frontlijn")
    example = browser.get(f"/inlezen/voorbeeld/{kind}")

    assert "attachment" in example.headers["Content-Disposition"]
    assert "er is nog niets opgeslagen" in bring(browser, example.data, kind).text
    assert 404 == browser.get("/inlezen/voorbeeld/anders").status_code


def many(count: int) -> str:
    """A file of so many people, of whom the last has a number that nobody can have."""
    rows = [f"L-{n};Amina;ar;+3169{n:07};;ja" for n in range(count - 1)]
    return "\n".join(["kenmerk;voornaam;taal;telefoon;wijk;toestemming", *rows, "L-X;Bo;nl;06-1;;"])


def test_a_long_file_says_how_far_it_is_while_it_is_read(desk: Desk):
    """The page is sent while the file goes through, so that nobody presses the button again."""
    browser = desk.as_("frontlijn")
    data = {
        "csrf_token": browser.token(), "soort": "people",
        "bestand": (io.BytesIO(many(1200).encode()), "people.csv"),
    }  # fmt: skip
    answer = browser.client.post("/console/inlezen", data=data, buffered=False)
    sent: list[str] = []
    for part in answer.response:
        sent.append(part.decode() if isinstance(part, bytes) else part)
        if "500 van 1.200 rijen gelezen" in sent[-1] or "van 1.200" in "".join(sent[-8:]):
            break
    so_far = "".join(sent)
    assert "1200 rijen gelezen" not in so_far

    rest = "".join(part.decode() if isinstance(part, bytes) else part for part in answer.response)
    answer.close()
    assert "1.000 van 1.200 rijen gelezen" in rest
    assert "1200 rijen gelezen: 1199 nieuw" in rest
    assert {"P-1", "P-2", "P-3"} == people(desk)


def test_rows_with_a_fault_are_taken_away_as_a_workbook_with_the_reason(desk: Desk):
    """Nothing in it is a formula, and a number keeps its zero and its plus."""
    evil = PEOPLE + "I-4;=HYPERLINK(1);xx;+31697000054;-1+1;ja\n"
    browser = desk.as_("frontlijn")
    shown = bring(browser, evil).text
    taken = browser.post("/inlezen/geweigerd.xlsx", form_of(shown, "/inlezen/geweigerd.xlsx"))

    assert 'filename="geweigerd.xlsx"' in taken.headers["Content-Disposition"]
    rows = CalamineWorkbook.from_filelike(io.BytesIO(taken.data)).get_sheet_by_index(0).to_python()
    head, *refused = rows
    assert [
        "kenmerk",
        "voornaam",
        "taal",
        "telefoon",
        "wijk",
        "toestemming",
        "rij",
        "reden",
    ] == head
    assert ["I-2", "I-2", "I-4"] == [row[0] for row in refused]
    assert "+31697000054" == refused[2][3]
    assert "deze taal is onbekend" in refused[2][7]
    with ZipFile(io.BytesIO(taken.data)) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
    again = bring(browser, taken.data, name="geweigerd.xlsx").text
    assert "3 rijen gelezen" in again


def test_what_was_put_right_on_the_page_is_not_among_the_rows_with_a_fault(desk: Desk):
    browser = desk.as_("frontlijn")
    again = form_of(bring(browser, PEOPLE).text, "/inlezen")
    again |= {"cel-3-taal": "ti", "cel-3-telefoon": "0697000052"}
    right = browser.post("/inlezen", again).text
    taken = browser.post("/inlezen/geweigerd.xlsx", form_of(right, "/inlezen/geweigerd.xlsx"))

    rows = CalamineWorkbook.from_filelike(io.BytesIO(taken.data)).get_sheet_by_index(0).to_python()
    assert [4.0] == [float(row[6]) for row in rows[1:]]


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_to_fill_in_is_text_in_every_cell_and_can_be_brought_as_it_is(desk, kind):
    browser = desk.as_("frontlijn")
    book = browser.get(f"/inlezen/voorbeeld/{kind}?als=xlsx").data

    with ZipFile(io.BytesIO(book)) as parts:
        assert b'numFmtId="49"' in parts.read("xl/styles.xml")
        assert b"<col min" in parts.read("xl/worksheets/sheet1.xml")
    assert 200 == bring(browser, book, kind, f"{kind}.xlsx").status_code
