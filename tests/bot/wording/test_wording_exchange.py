"""Texts go to a translator as a workbook and come back, row by row."""

import io
import zipfile

import pytest
from click.testing import CliRunner
from python_calamine import CalamineWorkbook

from bot.commands import wording
from bot.wording import exchange
from bot.wording.catalogue import catalogue
from bot.wording.extract import refreshed
from bot.wording.workbook import workbook

TEXTS = """
afspraak.reminder:
  purpose: public task
  note: One day before.
  buttons: ["yes", "no"]
  text: |
    Hallo {first_name}.
    Kom je?
"""
DUTCH = "Hallo {first_name}.\nKom je?"
REVIEWED = "# reviewed: Aylin Demir, 2026-11-20"


def sheet(shelf, *, language="tr", **cells):
    """Return what goes out, with the row of the reminder changed by hand."""
    rows = [list(row) for row in exchange.rows(shelf.open(), [language])]
    at = next(n for n, row in enumerate(rows) if row[1] == "afspraak.reminder")
    for name, value in cells.items():
        rows[at][exchange.HEADER.index(name.replace("_", " "))] = value
    return list(enumerate([list(exchange.HEADER), *rows], start=1))


def afresh(shelf):
    """Open the texts as a house that starts now would."""
    return catalogue.__wrapped__(shelf.content)


def told(shelf, **cells):
    return exchange.returned(shelf.open(), sheet(shelf, **cells))


@pytest.fixture
def turkish(shelf):
    shelf.dutch(TEXTS)
    for key, dutch, text in (
        ("button.yes", "Ja", "Evet"),
        ("button.no", "Nee", "Hayır"),
        ("fallback.note", "Dit is in het Nederlands.", "Bu Felemenkçe."),
    ):
        shelf.translation("tr", key, dutch, text)
    shelf.translation(
        "tr", "afspraak.reminder", DUTCH, "Merhaba {first_name}.\nGeliyor musunuz?", REVIEWED
    )
    return shelf


def test_a_row_shows_the_text_where_it_stands_and_how_it_looks(turkish):
    row = dict(zip(exchange.HEADER, sheet(turkish)[1][1], strict=True))

    assert ("tr", "afspraak.reminder") == (row["Taal"], row["Sleutel"])
    assert "Hallo Selam.\nKom je?\n[ Ja ]\n[ Nee ]" == row["Zo ziet het eruit"]
    assert "Bericht van ons, groep afspraak" == row["Waar staat het"]
    assert ("nagelezen", "Aylin Demir", "20-11-2026") == tuple(
        row[name] for name in ("Staat", "Nagelezen door", "Nagelezen op")
    )
    button = next(cells for _, cells in sheet(turkish) if cells[1] == "button.yes")
    assert ("Knop onder afspraak.reminder", "20") == (button[2], button[6])


def test_what_comes_back_as_it_went_changes_nothing(turkish):
    brought = told(turkish)

    assert ({}, [], 4) == (brought.changes, brought.refused, brought.same)


def test_who_read_the_old_text_has_not_read_the_new_one(turkish):
    brought = told(turkish, Vertaling="Merhaba {first_name}.\r\nGelir misiniz? ")

    change = brought.changes["tr"]["afspraak.reminder"]
    assert ("Merhaba {first_name}.\nGelir misiniz?", None) == (change.text, change.review)


def test_a_reader_signs_with_name_and_day(turkish):
    brought = told(turkish, Nagelezen_door="Leyla  Kaya", Nagelezen_op="21-11-2026 00:00")

    change = brought.changes["tr"]["afspraak.reminder"]
    assert "reviewed: Leyla Kaya, 2026-11-21" == change.review


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Vertaling": "Merhaba.\nGeliyor musunuz?"}, "mist {first_name}"),
        ({"Vertaling": "Merhaba {first_name}, {day}"}, "heeft {day}"),
        ({"Vertaling": "Merhaba {first_name"}, "losse accolade"),
        ({"Vertaling": "Merhaba {first_name}. Ceza var."}, "verboden woord"),
        ({"Vertaling": "a" * 1001}, "langer dan 1000"),
        ({"Nederlands": "Hallo {first_name}."}, "het Nederlands is intussen veranderd"),
        ({"Taal": "xx"}, "de taal 'xx' kennen wij niet"),
        ({"Taal": "nl"}, "de taal 'nl' kennen wij niet"),
        ({"Sleutel": "afspraak.gone"}, "deze sleutel is er niet"),
        ({"Nagelezen_door": "Leyla Kaya", "Nagelezen_op": ""}, "vul allebei in"),
        ({"Nagelezen_door": "Leyla Kaya", "Nagelezen_op": "31-02-2026"}, "geen datum"),
        ({"Nagelezen_door": "12345", "Nagelezen_op": "21-11-2026"}, "geen naam"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_by_its_number(turkish, cells, reason):
    brought = told(turkish, **cells)

    assert {} == brought.changes
    [refused] = brought.refused
    assert str(refused).startswith("rij 2 (")
    assert reason in refused.reason


def test_an_over_long_button_is_refused_and_the_row_beside_it_is_taken(turkish):
    lines = sheet(turkish, Vertaling="Merhaba {first_name}.\nGelir misiniz?")
    button = next(cells for _, cells in lines if cells[1] == "button.yes")
    button[exchange.HEADER.index("Vertaling")] = "Evet, kesinlikle geliyorum"

    brought = exchange.returned(turkish.open(), lines)

    assert ["afspraak.reminder"] == list(brought.changes["tr"])
    assert ["button.yes"] == [refused.key for refused in brought.refused]
    assert "hoogstens 20" in brought.refused[0].reason


def test_a_stale_text_comes_back_fresh_once_it_was_looked_at(turkish):
    """The Dutch changed: what was made from it before counts only once somebody says so."""
    turkish.dutch(TEXTS.replace("Kom je?", "Kom je zeker?"))
    texts = afresh(turkish)
    rows = [list(row) for row in exchange.rows(texts, ["tr"])]
    at = next(n for n, row in enumerate(rows) if row[1] == "afspraak.reminder")
    assert "verouderd" == rows[at][8]
    assert ["", ""] == rows[at][9:], "who read it read something else"

    rows[at][9:] = ["Leyla Kaya", "2026-11-21"]
    brought = exchange.returned(texts, list(enumerate([exchange.HEADER, *rows], start=1)))
    path = turkish.po_file("tr")
    path.write_bytes(refreshed(turkish.content, path, "tr", brought.changes["tr"]))

    assert "reviewed" == afresh(turkish).text("afspraak.reminder", "tr").state


def test_the_same_text_twice_is_taken_once(turkish):
    lines = sheet(turkish, Vertaling="Merhaba {first_name}.\nGelir misiniz?")
    lines.append((9, lines[1][1]))

    brought = exchange.returned(turkish.open(), lines)

    assert "rij 9 (afspraak.reminder): staat ook in rij 2" == str(brought.refused[0])


def test_no_cell_is_ever_a_formula():
    """A text that begins with = or @ runs in somebody's Excel otherwise."""
    rows = [["=1+1", "@SUM(A1)", "-2", "gewoon", "<b>&\x07"]]
    data = workbook("Teksten", list("abcde"), rows, [9] * 5)

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        written = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in written
    assert 3 == written.count('s="2" t="inlineStr"')
    read = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name("Teksten").to_python()
    assert [list("abcde"), ["=1+1", "@SUM(A1)", "-2", "gewoon", "<b>&"]] == read


def test_the_command_brings_texts_out_and_back(turkish, monkeypatch, tmp_path):
    """The good row is stored, the bad one is named, and exit code 1 says that one was refused."""
    monkeypatch.setattr(wording, "catalogue", lambda: afresh(turkish))
    file = tmp_path / "uit.xlsx"
    done = CliRunner().invoke(wording.languages_, ["--export", str(file), "--language", "Turks"])
    assert (0, "uit.xlsx: 4 teksten in 1 talen.\n") == (done.exit_code, done.stdout)

    book = CalamineWorkbook.from_path(file).get_sheet_by_name("Teksten").to_python()
    for row in book:
        if row[1] == "afspraak.reminder":
            row[7:] = ["Merhaba {first_name}.\nGelir misiniz?", "", "Leyla Kaya", "21-11-2026"]
        if row[1] == "button.no":
            row[7] = "Hayır, maalesef gelemiyorum"
    file.write_bytes(workbook("Teksten", book[0], book[1:], exchange.WIDTHS))
    done = CliRunner().invoke(wording.languages_, ["--import", str(file)])

    assert 1 == done.exit_code
    assert "Turks: 1 teksten opgeslagen, 1 daarvan nagelezen." in done.stdout
    assert "niet opgeslagen: rij 3 (button.no): is 27 tekens lang" in done.stdout.replace(
        "rij 4", "rij 3"
    )
    after = afresh(turkish)
    assert "Merhaba {first_name}.\nGelir misiniz?" == after.text("afspraak.reminder", "tr").body
    assert "reviewed" == after.text("afspraak.reminder", "tr").state
    assert "Hayır" == after.text("button.no", "tr").body


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"geen workbook", "geen Excel-bestand"), (b"PK\x03\x04kapot", "Excel")],
)
def test_a_file_that_is_no_workbook_is_refused_in_dutch(data, reason, tmp_path):
    file = tmp_path / "kapot.xlsx"
    file.write_bytes(data)

    done = CliRunner().invoke(wording.languages_, ["--import", str(file)])

    assert 1 == done.exit_code
    assert "kapot.xlsx" in done.output
    assert reason in done.output or "beschadigd" in done.output


def test_a_text_stands_no_better_than_its_buttons_and_what_is_said_within_it(shelf):
    """An invitation with a reviewed text and an unread phrase in it is not reviewed."""
    shelf.dutch(
        'voortraject.invitation: {purpose: invitation, buttons: ["yes"], '
        'text: "Wat je leert: {yields}. Doe je mee?"}\n'
        "voortraject.yields: {purpose: answer, text: buren leren kennen}\n"
    )
    shelf.translation(
        "tr",
        "voortraject.invitation",
        "Wat je leert: {yields}. Doe je mee?",
        "{yields}. Var?",
        REVIEWED,
    )
    shelf.translation("tr", "button.yes", "Ja", "Evet", REVIEWED)
    assert "missing" == afresh(shelf).standing("voortraject.invitation", "tr")

    shelf.translation("tr", "voortraject.yields", "buren leren kennen", "komşular")
    texts = afresh(shelf)
    assert "reviewed" == texts.text("voortraject.invitation", "tr").state
    assert "unreviewed" == texts.standing("voortraject.invitation", "tr")
    assert "source" == texts.standing("voortraject.invitation", "nl")
