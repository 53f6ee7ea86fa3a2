"""Whatever Excel writes is read; whatever it is not is refused, quickly and in plain words."""

import csv
import io
import os
import zipfile
from datetime import date, datetime, time

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from bot.outreach.intake import columns
from bot.outreach.intake.reading import parse, read
from bot.outreach.intake.sheet import MOST_ROWS, Unreadable

HEADER = "kenmerk;voornaam;taal\n"
SHEET = "xl/worksheets/sheet1.xml"

pytestmark = pytest.mark.usefixtures("now")


def cells(sheet):
    return [tuple(row.cells.values()) for row in sheet.rows]


def workbook(*rows, **sheets):
    """Return an .xlsx with *rows*, and with further sheets by name."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, "default_date_format": "d-m-yyyy"}) as book:
        for name, content in {"Blad1": rows, **sheets}.items():
            page = book.add_worksheet(name)
            for number, row in enumerate(content):
                page.write_row(number, 0, row)
    return data.getvalue()


def with_member(data, name, content):
    """Return the archive *data* with one member replaced or added."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
        new.writestr(name, content)
    return made.getvalue()


def sheet_xml(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(SHEET).decode()


# ------------------------------------------------------------------ CSV


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_csv_is_read_in_every_form_that_excel_writes(delimiter, ending, encoding):
    text = f"Kenmerk;Voornaam;Taal{ending}P-1;José;nl{ending}P-2;Zoë;tr{ending}"
    data = text.replace(";", delimiter).encode(encoding)

    assert cells(parse(data, "people", "p.csv")) == [("P-1", "José", "nl"), ("P-2", "Zoë", "tr")]


name = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="'=+-@＝＋－＠"), min_size=1
)


@given(
    st.lists(st.tuples(name, name), min_size=1, max_size=5),
    st.sampled_from(";,\t"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_is_written_is_what_is_read(rows, delimiter, encoding):
    """Names are of any script; a cell may hold any separator or quotation mark."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(
        [("kenmerk", "voornaam"), *((f"{n}{a}", b) for n, (a, b) in enumerate(rows))]
    )
    sheet = parse(text.getvalue().encode(encoding), "people", "p.csv")

    assert [row.raw for row in sheet.rows] == [(f"{n}{a}", b) for n, (a, b) in enumerate(rows)]


def test_a_line_that_names_the_separator_is_no_row():
    sheet = parse(b"sep=,\r\nkenmerk,voornaam\r\nP-1,Selam; de jonge\r\n", "people", "p.csv")

    assert [(2, {"kenmerk": "P-1", "voornaam": "Selam; de jonge"})] == [
        (row.number, row.cells) for row in sheet.rows
    ]


def test_rows_are_numbered_as_excel_shows_them():
    """An address over two lines and an empty row do not shift the number of the rows below."""
    data = b'kenmerk;voornaam\nP-1;"Selam\nTesfay"\n;\n\nP-2;Omar\n'

    assert [(2, "Selam Tesfay"), (5, "Omar")] == [
        (row.number, row.cells["voornaam"]) for row in parse(data, "people", "p.csv").rows
    ]


def test_marks_that_cannot_be_seen_do_not_come_along():
    data = "kenmerk;voornaam\n\u200eP-1\u202c ;\xa0Selam\u200b\xad  T. \n".encode()

    assert [("P-1", "Selam T.")] == cells(parse(data, "people", "p.csv"))


# ------------------------------------------------------------------ headers


@pytest.mark.parametrize(
    ("kind", "header", "found"),
    [
        ("people", "ID,Naam,Mobiel,TAAL", ["kenmerk", "voornaam", "taal", "telefoon"]),
        ("people", "Kenmerk,Tel.,Voorkeurs-taal", ["kenmerk", "taal", "telefoon"]),
        ("people", "kénmerk , Telefoonnummer", ["kenmerk", "telefoon"]),
        ("afspraken", "kenmerk,Klantnummer,datum,tijd,locatie", None),
        ("afspraken", "kenmerk,persoon,startdatum,begintijd", None),
        ("voortrajecten", "kenmerk,titel,begintijd,eindtijd,eerste les,aantal plaatsen", None),
        ("ambassadeurs", "kenmerk,roepnaam,gsm,taal,buurt", None),
    ],
)
def test_columns_are_found_by_any_name_in_any_order(kind, header, found):
    matched, notes = columns.match(kind, header.split(","))

    assert len(matched) == len(header.split(","))
    assert notes == []
    assert found is None or list(matched) == found


def test_our_own_name_goes_before_a_synonym():
    matched, notes = columns.match("people", ["naam", "kenmerk", "voornaam"])

    assert matched == {"kenmerk": 1, "voornaam": 2}
    assert notes == ["Niet gelezen, want onbekend: naam."]


def test_unknown_columns_are_mentioned_and_not_read():
    """A citizen service number (BSN) has no business here."""
    sheet = parse(b"kenmerk;voornaam;BSN\nP-1;Selam;x\n", "people", "p.csv")

    assert sheet.notes == ("Niet gelezen, want onbekend: BSN.",)
    assert "x" not in sheet.rows[0].cells.values()


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("kenmerk;Taal;taal", "twee keer"),
        ("kenmerk;mobiel;telefoonnummer", "mobiel en telefoonnummer"),
        ("voornaam;taal", "kenmerk ontbreekt"),
        ("<html><body>", "kenmerk ontbreekt"),
        (";".join(f"k{i}" for i in range(200)), "kolommen"),
    ],
)
def test_a_header_that_can_be_read_in_two_ways_is_refused(header, said):
    with pytest.raises(Unreadable, match=said):
        parse(f"{header}\nx;y;z\n".encode(), "people", "p.csv")


def test_a_kenmerk_twice_in_one_file_is_wrong_in_the_second_row():
    sheet = parse(f"{HEADER}P-1;A;nl\nP-1;B;nl\n".encode(), "people", "p.csv")

    assert [(), (("kenmerk", "staat ook in rij 2"),)] == [row.wrong for row in sheet.rows]


def test_a_row_with_more_cells_than_columns_is_wrong():
    """An unquoted separator in a name shifts everything behind it."""
    sheet = parse(f"{HEADER}P-1;A;nl;;\nP-2;B;C;nl\n".encode(), "people", "p.csv")

    assert [0, 1] == [len(row.wrong) for row in sheet.rows]


# ------------------------------------------------------------------ workbooks


def test_a_workbook_is_read_as_a_person_would_type_it():
    """Excel keeps numbers without their +, days without a time and times without a day."""
    sheet = parse(
        workbook(
            ("kenmerk", "persoon", "datum", "tijd", "duur", "begin", "status"),
            (1001, 31697000001.0, date(2026, 12, 3), time(14, 30), 60, "", True),
            ("A-2", "P-2", "", "", 1.5, datetime(2026, 12, 3, 14, 30), "gepland"),
        ),
        "afspraken",
        "a.xlsx",
    )
    rows = [row.cells for row in sheet.rows]

    assert ("1001", "31697000001", "03-12-2026", "60", "ja") == tuple(
        rows[0][column] for column in ("kenmerk", "persoon", "datum", "duur", "status")
    )
    assert ("14:30", "1.5") == (rows[0]["tijd"][:5], rows[1]["duur"])


def test_dates_and_times_of_a_workbook_arrive_as_dates_and_times():
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        page = book.add_worksheet()
        formats = [book.add_format({"num_format": f}) for f in ("d-m-yyyy", "hh:mm", "d-m-yy h:mm")]
        page.write_row(0, 0, ["kenmerk", "datum", "tijd", "begin"])
        page.write_string(1, 0, "A-1")
        page.write_datetime(1, 1, date(2026, 12, 3), formats[0])
        page.write_datetime(1, 2, time(9, 5), formats[1])
        page.write_datetime(1, 3, datetime(2026, 12, 3, 14, 30), formats[2])

    assert [("A-1", "03-12-2026 14:30", "03-12-2026", "09:05")] == cells(
        parse(data.getvalue(), "afspraken", "a.xlsx")
    )


def test_only_the_first_sheet_with_something_on_it_is_read_and_that_is_said():
    data = workbook(Leeg=[], Mensen=[("kenmerk", "voornaam"), ("P-1", "Selam")], Oud=[("x",)])
    sheet = parse(data, "people", "p.xlsx")

    assert cells(sheet) == [("P-1", "Selam")]
    assert sheet.notes == ("Alleen het blad Mensen is gelezen.",)


def test_rows_of_a_workbook_keep_their_number():
    data = workbook((), (), ("", "kenmerk", "voornaam"), ("", "P-1", "A"), (), ("", "P-2", "B"))

    assert [4, 6] == [row.number for row in parse(data, "people", "p.xlsx").rows]


# ------------------------------------------------------------------ hostile files


def bomb():
    """Return 300 kB that unpack to 300 MB."""
    plain = workbook(("kenmerk", "voornaam"))
    return with_member(
        plain, SHEET, sheet_xml(plain).replace("<sheetData", " " * 300_000_000 + "<sheetData")
    )


def lying_bomb():
    """Return the same, in an archive that says it unpacks to 5 kB."""
    data = bomb()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo(SHEET).file_size
    return data.replace(size.to_bytes(4, "little"), (5_000).to_bytes(4, "little"))


def far_cell():
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["kenmerk", "voornaam"])
        page.write(1_048_575, 16_383, "x")
    return data.getvalue()


def laughs():
    plain = workbook(("kenmerk", "voornaam"))
    entities = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
    xml = sheet_xml(plain).partition("?>")[2]
    joke = "<row r='9'><c r='A9' t='inlineStr'><is><t>&l9;</t></is></c></row></sheetData>"
    return with_member(
        plain,
        SHEET,
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{entities}]>'
        + xml.replace("</sheetData>", joke),
    )


def long_text_everywhere():
    """Return one text of 30 kB that 400,000 cells point at."""
    plain = workbook(("kenmerk", "voornaam"))
    rows = "".join(
        f'<row r="{r}">'
        + "".join(f'<c r="{c}{r}" t="s"><v>0</v></c>' for c in "ABCDEFGHIJ")
        + "</row>"
        for r in range(1, 40_000)
    )
    text = f"<si><t>{'k' * 30_000}</t></si>"
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    shared = with_member(plain, "xl/sharedStrings.xml", f'<sst xmlns="{space}">{text}</sst>')
    before = sheet_xml(plain).partition("<sheetData>")[0]
    return with_member(shared, SHEET, f"{before}<sheetData>{rows}</sheetData></worksheet>")


def many_members():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("xl/workbook.xml", "")
        for number in range(20_000):
            archive.writestr(f"../../x{number}", "")
    return data.getvalue()


def other_archive():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    return data.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        bomb,
        lying_bomb,
        far_cell,
        laughs,
        long_text_everywhere,
        many_members,
        other_archive,
        lambda: workbook(("kenmerk",))[:1500],
        lambda: with_member(workbook(("kenmerk",)), "xl/vbaProject.bin", b"x"),
        lambda: workbook(),
        lambda: b"PK\x03\x04" + b"\x00" * 100,
    ],
)
def test_a_workbook_that_asks_too_much_is_refused(make):
    """Reading happens in a process of its own, with 256 MB and 1.5 seconds of work."""
    with pytest.raises(Unreadable, match=r"Excel|leeg|macro"):
        parse(make(), "people", "p.xlsx")


def test_a_size_that_the_sheet_lies_about_is_not_believed():
    plain = workbook(("kenmerk", "voornaam"), ("P-1", "Selam"))
    lie = sheet_xml(plain).replace('ref="A1:B2"', 'ref="A1:XFD1048576"')
    assert lie != sheet_xml(plain)

    assert [("P-1", "Selam")] == cells(parse(with_member(plain, SHEET, lie), "people", "p.xlsx"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "leeg"),
        (b"\xef\xbb\xbf\r\n", "leeg"),
        (b"\n;;\n", "leeg"),
        (b"kenmerk;voornaam\nP-1;Se\x00lam\n", "geen tekstbestand"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "geen tekstbestand"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\x00", "geen tekstbestand"),
        (b"\xff\xfe\x00", "geen tekstbestand"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "wachtwoord"),
        (b"kenmerk;" + b"x" * 9_000_000, "100.000 tekens"),
        (b"x" * 10_485_761, "10 MB"),
        (b"kenmerk;voornaam\nP-1;A\n" + b'P-2;"B\nP-3;C\n' * 1, "Na rij 2 staat een aanhalings"),
        (b'kenmerk;voornaam\nP-1;"A" B\n', "aanhalingsteken"),
        (b'kenmerk;"' + b"a\n" * 4_000_000, "aanhalingsteken"),
        (b"kenmerk\n" + b"x\n" * (MOST_ROWS + 1), "50.000 rijen"),
        (b"kenmerk;v\n" + b"\n" * 9_000_000, "50.000 rijen"),
        (b"q;w;e\n" * 100_000, "twee keer|kenmerk ontbreekt"),
    ],
)
def test_a_file_of_no_use_is_refused_in_plain_words(data, said):
    with pytest.raises(Unreadable, match=said):
        parse(data, "people", "p.csv")


def test_a_cell_that_is_too_long_costs_its_own_row_only():
    sheet = parse(f"{HEADER}P-1;{'x' * 5000};nl\nP-2;B;nl\n".encode(), "people", "p.csv")

    assert [("voornaam",), ()] == [tuple(c for c, _ in row.wrong) for row in sheet.rows]


def test_what_is_no_file_is_refused(tmp_path):
    """A pipe would be read for ever, a device too."""
    os.mkfifo(tmp_path / "pipe.csv")

    for place in (tmp_path, tmp_path / "pipe.csv", tmp_path / "weg.csv"):
        with pytest.raises(Unreadable, match=r"geen bestand|niet te openen"):
            read(place, "people")


def test_the_end_of_the_name_of_a_file_is_not_believed(tmp_path):
    path = tmp_path / "mensen.csv"
    path.write_bytes(workbook(("kenmerk", "voornaam"), ("P-1", "Selam")))

    assert [("P-1", "Selam")] == cells(read(path, "people"))


def test_a_large_honest_workbook_is_read():
    rows = [(f"P-{i}", "Selam", "ti", f"+31697{i:06}", "sms") for i in range(MOST_ROWS)]
    sheet = parse(
        workbook(("kenmerk", "voornaam", "taal", "telefoon", "kanaal"), *rows), "people", "p.xlsx"
    )

    assert len(sheet.rows) == MOST_ROWS
