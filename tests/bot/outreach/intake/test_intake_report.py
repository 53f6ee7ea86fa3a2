"""What a clerk gets back: a summary, reasons by row and column, and a file to mend."""

import csv

from hypothesis import given
from hypothesis import strategies as st
from intake_desk import PEOPLE

from bot.outreach.intake.reading import parse
from bot.outreach.intake.report import SHOWN, Remark, Report, shortened
from bot.outreach.intake.sheet import Row


def written(tmp_path, header, *rows):
    """Write *rows* as refused, and return the cells that a spreadsheet would see."""
    report = Report(header=tuple(header))
    report.refused = [
        (Row(number, {}, tuple(row)), [Remark(f"rij {number}", "taal", "", "onbekend")])
        for number, row in enumerate(rows, start=2)
    ]
    path = tmp_path / "geweigerd.csv"
    report.write_refused(path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=";"))


def test_a_report_reads_as_a_sentence_and_then_a_line_a_remark(desk):
    lines = list(desk.bring("people", PEOPLE + "P-3;Ali;Klingon;0697000003;sms\n").lines())

    assert lines[0] == "3 rijen gelezen: 2 nieuw, 0 gewijzigd, 0 ongewijzigd, 1 geweigerd."
    assert lines[1] == "Geweigerd:"
    assert lines[2].startswith('  rij 4, taal "Klingon": deze taal is onbekend.')


def test_no_line_of_a_report_holds_a_whole_telephone_number(desk):
    """A report ends up in mails and on screens."""
    report = desk.bring(
        "people",
        "kenmerk;voornaam;taal;telefoon\nP-1;Selam;0697000001;069700000123456789\n"
        "+31 6 97 00 00 02;0697000003;nl;0697000004\n",
    )
    told = "\n".join(report.lines())

    assert "geweigerd" in told
    assert not any(number in told.replace(" ", "") for number in ("97000001", "9700000", "70000"))


def test_only_the_first_hundred_remarks_are_printed(desk):
    rows = "".join(f"P-{i};Selam;Klingon;+31697000001\n" for i in range(SHOWN + 5))
    report = desk.bring("people", f"kenmerk;voornaam;taal;telefoon\n{rows}")
    lines = list(report.lines())

    assert len([line for line in lines if "Klingon" in line]) == SHOWN
    assert "  … en nog 5." in lines
    assert len(report.refused) == SHOWN + 5


def test_refused_rows_come_back_with_their_columns_first_and_the_reason(tmp_path):
    assert written(tmp_path, ["kenmerk", "Taal"], ["P-1", "Klingon"]) == [
        ["kenmerk", "Taal", "rij", "reden"],
        ["P-1", "Klingon", "2", "taal: onbekend"],
    ]


def test_a_mended_file_can_be_brought_again(desk, tmp_path):
    report = desk.bring("people", PEOPLE + "P-3;Ali;Klingon;+31697000003;sms;;;;;\n")
    path = tmp_path / "geweigerd.csv"
    report.write_refused(path)
    again = desk.bring("people", path.read_bytes().replace(b"Klingon", b"Turks"))

    assert again.summary() == "1 rij gelezen: 1 nieuw, 0 gewijzigd, 0 ongewijzigd, 0 geweigerd."
    assert again.notes == []
    assert desk.reached_at("P-3") == [("sms", "+31697000003")]


def test_what_a_spreadsheet_would_run_is_text_and_a_number_keeps_its_plus(tmp_path):
    """A name of =HYPERLINK(...) runs when the file is opened; +31... must stay a number."""
    cells = ["=1+1", "+31 6 97000001", "+cmd|x", "-2", "@sum", "\tx", "＝1", "＋1", "O'Neil"]
    [_, row] = written(tmp_path, cells, cells)

    assert row[: len(cells)] == [
        *("'=1+1", "+31 6 97000001", "'+cmd|x", "'-2", "'@sum", "'\tx", "'＝1", "'＋1", "O'Neil")
    ]


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1))
def test_no_cell_of_a_refused_row_can_be_a_formula_and_all_of_them_come_back(
    tmp_path_factory, cell
):
    rows = written(tmp_path_factory.mktemp("r"), ["kenmerk", "voornaam"], ["P-1", cell])

    assert rows[1][1][0] not in "=-@＝＋－＠"
    text = "\n".join(";".join(f'"{c.replace(chr(34), chr(34) * 2)}"' for c in row) for row in rows)
    back = parse(text.encode(), "people", "p.csv").rows[0].cells["voornaam"]
    plain = parse(
        f'kenmerk;voornaam\nP;"{cell.replace(chr(34), chr(34) * 2)}"'.encode(), "people", "p"
    )
    assert back == plain.rows[0].cells["voornaam"]


@given(st.text(max_size=400))
def test_a_shown_value_is_short(value):
    assert all(len(shortened(column, value)) <= 30 for column in ("telefoon", "begin", "taal"))
