"""Rapporten: what a quarter came to, drawn and in figures, none about fewer than ten people."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from bot import moments
from bot.channels.base import ADVICE, Cause
from bot.models.reports import Report
from bot.outreach import reports as counted
from bot.wording.languages import languages
from console import exports, words
from console.charts import Bar, Series, bars, lines
from console.desk import desk, euro, house, looked, page
from console.texts import called, said

GROUPS = {
    "none": "Geen herinnering aangekomen",
    "silent": "Herinnering, geen “ik kom”",
    "yes": "Herinnering, antwoord “ik kom”",
}
FILLS = {"none": "none", "silent": "teal2", "yes": "teal"}

ANSWERED = {
    "confirmed": "Komt",
    "reschedule": "Andere dag",
    "declined": "Komt niet",
    "none": "Stil",
}
TONES = {"confirmed": "good", "reschedule": "info", "declined": "warn", "none": "none"}

WAYS = {"meer": "Meer dan één kanaal", "niet": "Niet bereikt"}


@desk.get("/rapporten")
def reports() -> str:
    """Show the report of a quarter."""
    first = _asked()
    made = _made(first)
    with house().database.session() as database:
        looked(database, "report.looked", f"report:{counted.spelled(first)}")
    return page("reports.html", **_told(first, made))


@desk.post("/rapporten/opnieuw")
def remake_report() -> ResponseReturnValue:
    """Make the report anew, as things stand now."""
    first = _asked()
    if not counted.lasts(house(), first):
        _make(first)
        with house().database.session() as database:
            looked(database, "report.made", f"report:{counted.spelled(first)}")
    return redirect(url_for("console.reports", kwartaal=counted.spelled(first)), 303)


@desk.get("/rapporten/rapport.<any(csv, xlsx):kind>")
def report_file(kind: str) -> Response:
    """Give the figures as a file; whoever takes it has just proved who they are."""
    first = _asked()
    made = _made(first)
    name = f"rapport-{counted.spelled(first)}"
    with house().database.session() as database:
        looked(database, "report.exported", f"report:{counted.spelled(first)}", kind=kind)
    sheets = [(told["title"], [told["heads"], *told["rows"]]) for told in _tables(made.figures)]
    return (exports.as_csv if kind == "csv" else exports.as_xlsx)(name, sheets)


def _asked() -> date:
    """Return the first day of the quarter that is asked for; this one unless told otherwise."""
    there = counted.quarters()
    asked = request.values.get("kwartaal") or counted.spelled(there[0])
    found = next((each for each in there if counted.spelled(each) == asked), None)
    if found is None:
        abort(404)
    return found


def _made(first: date) -> Report:
    with house().database.reading() as database:
        kept = counted.current(database, first)
        database.expunge_all()  # it is read when this transaction is over
    return kept if kept is not None else _make(first)


def _make(first: date) -> Report:
    with house().database.reading() as database:
        figures, seconds = counted.timed(database, house(), first)
    with house().database.session() as database:
        return counted.keep(database, first, figures, seconds)


# ------------------------------------------------------------------ what is said of it


def _told(first: date, made: Report) -> dict[str, Any]:
    figures = made.figures
    last = min(counted.next_quarter(first) - timedelta(days=1), moments.local(made.made_at).date())
    wijken, answers = figures["wijken"], figures["answers"]
    reached, missed = _sum(wijken, 0), _sum(wijken, 1)
    silent = _sum(answers["rows"], len(answers["columns"]) - 1) if answers["rows"] else 0
    asked = sum(sum(row[1]) for row in answers["rows"])
    return {
        "first": first,
        "last": last,
        "made": made,
        "lasts": counted.lasts(house(), first),
        "choices": [(counted.spelled(each), _quarter(each)) for each in counted.quarters()],
        "quarter": counted.spelled(first),
        "known": reached + missed,
        "reached": reached,
        "share": share(reached, reached + missed),
        "asked": asked,
        "answered": share(asked - silent, asked),
        "noshow": {name: missing for name, _, missing in figures["came"]},
        "cost": figures["cost"],
        "per_head": _euros(float(figures["cost"]["euros"]) / reached)
        if figures["cost"]["euros"] and reached
        else None,
        "euros": _euros(float(figures["cost"]["euros"])) if figures["cost"]["euros"] else None,
        "tables": {told["id"]: told for told in _tables(figures)},
        "came_chart": _came_chart(figures["came"]),
        "came_told": _came_told(figures["came"]),
        "wijk_rows": [(named(row[0], called_wijk), *row[1], share(row[1][0], sum(row[1])))
                      for row in wijken],
        "wijk_told": _reach_told(wijken, called_wijk, gettext("wijk")),
        "taal_rows": [(named(row[0], called_language), *row[1], share(row[1][0], sum(row[1])))
                      for row in figures["talen"]],
        "taal_told": _reach_told(figures["talen"], called_language, gettext("taal")),
        "answer_rows": [(named(row[0], called_language), row[1]) for row in answers["rows"]],
        "answer_heads": [_column(column) for column in answers["columns"]],
        "answer_tones": [TONES[column[0]] for column in answers["columns"]],
        "answer_told": _answer_told(answers),
        "week_chart": _week_chart(figures["weeks"]),
        "week_told": _week_told(figures["weeks"]),
        "ended_chart": _count_chart(figures["ended"], said),
        "ended_told": _most_told(figures["ended"], said, gettext("Het vaakst:")),
        "late_told": _late_told(figures["late"]),
        "causes_told": _most_told(
            figures["causes"], _cause, gettext("De vaakste oorzaak van mislukken:")
        ),
    }  # fmt: skip


def share(part: int, whole: int) -> int | None:
    """Return *part* in whole percents of *whole*; None where there is nothing."""
    return round(100 * part / whole) if whole else None


def _sum(rows: list[Any], at: int) -> int:
    return sum(row[1][at] for row in rows)


def _quarter(first: date) -> str:
    return str(gettext("%(n)se kwartaal %(year)s", n=(first.month + 2) // 3, year=first.year))


def _euros(amount: float) -> str:
    return euro(Decimal(str(amount)))


def named(names: list[str], called: Any) -> str:
    """Name a row; one that holds several says which."""
    told = [called(name) for name in names]
    return str(told[0] if len(told) == 1 else gettext("Samen: %(names)s", names=", ".join(told)))


def called_wijk(name: str) -> str:
    """Name a wijk, or that nobody knows it."""
    return name or str(gettext("wijk onbekend"))


def called_language(code: str) -> str:
    """Name a language in Dutch."""
    known = languages().get(code)
    if code == counted.UNKNOWN:
        return str(gettext("taal onbekend"))
    return called(known) if known else code


def _way(name: str) -> str:
    return words.CHANNELS.get(name) or said(WAYS.get(name, name))


def _cause(name: str) -> str:
    try:
        return said(ADVICE[Cause(name)].dutch)
    except (KeyError, ValueError):
        return name or str(gettext("geen oorzaak gemeld"))


def _column(answers: list[str]) -> str:
    told = [said(ANSWERED[each]) for each in answers]
    return f" {gettext('of')} ".join([told[0], *(each.lower() for each in told[1:])])


def _reach_told(rows: list[Any], called: Any, what: str) -> str:
    single = [row for row in rows if len(row[0]) == 1]
    if not rows:
        return str(gettext("Er zijn te weinig mensen om per %(what)s te tonen.", what=what))
    if len(single) < 2:
        return str(gettext("Wij bereikten %(n)s%% van de mensen die wij kennen.",
                           n=share(_sum(rows, 0), _sum(rows, 0) + _sum(rows, 1))))  # fmt: skip
    by = sorted(single, key=lambda row: row[1][0] / sum(row[1]))
    return str(gettext(
        "%(best)s: wij bereikten %(n)s%% van de mensen. %(worst)s: %(m)s%%.",
        best=called(by[-1][0][0]), n=share(by[-1][1][0], sum(by[-1][1])),
        worst=called(by[0][0][0]), m=share(by[0][1][0], sum(by[0][1])),
    ))  # fmt: skip


def _answer_told(answers: dict[str, Any]) -> str:
    rows = [row for row in answers["rows"] if len(row[0]) == 1]
    if not answers["rows"]:
        return str(gettext("Er zijn nog te weinig antwoorden om te tonen."))
    if len(rows) < 2:
        return str(gettext("Te weinig talen met genoeg mensen om te vergelijken."))
    by = sorted(rows, key=lambda row: row[1][-1] / sum(row[1]))
    return str(gettext("Wie %(first)s leest, antwoordt het vaakst; wie %(last)s leest, blijft "
                       "het vaakst stil.", first=called_language(by[0][0][0]),
                       last=called_language(by[-1][0][0])))  # fmt: skip


def _came_told(came: list[list[Any]]) -> str:
    missing = {name: part for name, _, part in came}
    if missing.get("yes") is not None and missing.get("none") is not None:
        return str(gettext("Van de mensen die “ik kom” antwoorden, blijft %(yes)s%% weg. Zonder "
                           "herinnering blijft %(none)s%% weg.", **missing))  # fmt: skip
    return str(gettext("Er is nog te weinig opgeschreven wie er kwam. Dat kan bij Afspraken."))


def _came_chart(came: list[list[Any]]) -> Any:
    shown = [
        Bar(str(gettext(GROUPS[name])), part, f"{part}%", FILLS[name])
        for name, _, part in came
        if part is not None
    ]
    return bars(shown, most=max([bar.value for bar in shown] + [25])) if shown else None


def _count_chart(rows: list[Any], called: Any) -> Any:
    shown = [Bar(named(row[0], called), row[1][0], f"{row[1][0]}") for row in rows]
    return bars(shown, most=max(bar.value for bar in shown)) if shown else None


def _week_name(start: str) -> str:
    return f"{gettext('wk')} {date.fromisoformat(start).isocalendar().week}"


def _week_chart(weeks: dict[str, Any]) -> Any:
    series = [
        Series(words.CHANNELS[name], tuple(values)) for name, values in weeks["people"].items()
    ]
    if not any(value for each in series for value in each.values):
        return None
    return lines(series, [_week_name(start) for start in weeks["starts"]])


def _week_told(weeks: dict[str, Any]) -> str:
    told = []
    for name, values in weeks["people"].items():
        known = [value for value in values if value is not None]
        if len(known) > 1 and any(known):
            told.append(gettext("%(name)s: van %(first)s naar %(last)s mensen per week.",
                                name=words.CHANNELS[name], first=known[0], last=known[-1],
                                ))  # fmt: skip
    return " ".join(told) or str(gettext("Er zijn nog te weinig weken om te vergelijken."))


def _late_told(rows: list[Any]) -> str:
    total, good = _sum(rows, 0), sum(row[1][0] for row in rows if row[0] == ["op tijd"])
    if not total:
        return str(gettext("Er ging nog te weinig uit om te tonen."))
    if not good:
        return str(gettext("Hoeveel berichten op tijd gingen, is hier niet apart te tonen."))
    return str(gettext("%(n)s%% van de berichten ging op tijd: binnen vijf minuten.",
                       n=share(good, total)))  # fmt: skip


def _most_told(rows: list[Any], called: Any, before: str) -> str:
    if not rows:
        return str(gettext("Er zijn te weinig berichten om te tonen."))
    most = max(rows, key=lambda row: row[1][0])
    return f"{before} {named(most[0], called)} ({share(most[1][0], _sum(rows, 0))}%)."


def _tables(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every table of the report, as the page and the files show it."""
    reach = [gettext("Mensen bereikt"), gettext("Niet bereikt")]
    answers, weeks = figures["answers"], figures["weeks"]

    def of(rows: list[Any], called: Any) -> list[list[Any]]:
        return [[named(row[0], called), *row[1]] for row in rows]

    messages = gettext("Berichten")
    wijken, talen = of(figures["wijken"], called_wijk), of(figures["talen"], called_language)
    told: list[tuple[str, str, list[str], list[list[Any]]]] = [
        ("wijk", gettext("Bereik per wijk"), [gettext("Wijk"), *reach], wijken),
        ("taal", gettext("Bereik per taal"), [gettext("Taal"), *reach], talen),
        ("kanaal", gettext("Bereik per kanaal"), [gettext("Kanaal"), gettext("Mensen")],
         of(figures["kanalen"], _way)),
        ("week", gettext("Bereikt per week"),
         [gettext("Week"), *(words.CHANNELS[name] for name in weeks["people"])],
         [[f"{_week_name(start)} ({start})", *(values[at] for values in weeks["people"].values())]
          for at, start in enumerate(weeks["starts"])]),
        ("antwoord", gettext("Antwoorden per taal"),
         [gettext("Taal"), *(_column(column) for column in answers["columns"])],
         of(answers["rows"], called_language)),
        ("gekomen", gettext("Niet gekomen"),
         [gettext("Groep"), gettext("Afspraken, op tien"), gettext("Niet gekomen, %%") % ()],
         [[gettext(GROUPS[name]), total, part] for name, total, part in figures["came"]]),
        ("laat", gettext("Op tijd verstuurd"), [gettext("Hoe laat"), messages],
         of(figures["late"], said)),
        ("einde", gettext("Wat ervan werd"), [gettext("Stand"), messages],
         of(figures["ended"], said)),
        ("oorzaak", gettext("Waarom berichten mislukten"), [gettext("Oorzaak"), messages],
         of(figures["causes"], _cause)),
        ("kosten", gettext("Kosten"), [gettext("Kanaal"), gettext("Delen"), gettext("Euro")],
         [["Sms", figures["cost"]["parts"],
           float(figures["cost"]["euros"]) if figures["cost"]["euros"] else None]]),
    ]  # fmt: skip
    return [{"id": each[0], "title": each[1], "heads": each[2], "rows": each[3]} for each in told]
