"""Groepsberichten: approved by a second person, sent, watched, stopped, gone on with, put right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House
from bot.messaging import approval
from bot.models.broadcasts import Broadcast
from bot.outreach import broadcasts as rules
from bot.outreach import preview as previews
from bot.outreach import responses, tasks, trials
from bot.outreach.broadcasts import Refused
from bot.outreach.figures import by_channel, figures, spoken
from bot.outreach.preview import OWN
from bot.told import tell
from bot.wording.languages import languages
from console import counting, words
from console.broadcast_preview import told, untold
from console.broadcasts import find
from console.desk import desk, house, looked, page
from console.reports import called_language, called_wijk, named
from console.texts import said

REPORTS: Mapping[str, frozenset[str]] = {
    # Which figures a channel can tell of; of the others it says nothing, which is not none.
    "whatsapp": frozenset({"delivered", "read"}),
    "sms": frozenset({"delivered"}),
    "telegram": frozenset(),
}


# ------------------------------------------------------------------ approved


@desk.get("/groepsberichten/<int:number>/akkoord")
def agree_broadcast(number: int) -> ResponseReturnValue:
    """Show exactly what a yes would be a yes to."""
    agreed = frozenset(request.args.getlist("taal")) & frozenset(languages())
    with house().database.reading() as database:
        found = find(database, number)
        if found.key not in house().catalogue.entries:
            return redirect(url_for("console.preview_broadcast", number=number), 303)
        seen = counting.seen(database, found, agreed)
        if seen is None:
            return page("broadcast_agree.html", **untold(found))
        unreviewed = [code for code, state in seen.states.items() if state == "unreviewed"]
        return page(
            "broadcast_agree.html",
            agreed=agreed,
            unreviewed=unreviewed,
            tested=trials.sent(database, found),
            mine=_is_author(found),
            holds=approval.holds(database, house(), found),
            **told(database, found, seen),
        )


@desk.post("/groepsberichten/<int:number>/akkoord")
def approve_broadcast(number: int) -> ResponseReturnValue:
    """Say yes to exactly what was seen; with ``start`` the first get it at once."""
    agreed = sorted(set(request.form.getlist("taal")) & set(languages()))
    start = request.form.get("dan") == "start"
    back = url_for("console.agree_broadcast", number=number, taal=agreed)
    try:
        with house().database.reading() as database:
            seen = previews.preview(database, house(), find(database, number), agreed)
        if request.form.get("gezien") != seen.seen:
            raise Refused(tell("Er is intussen iets veranderd. Kijk eerst opnieuw."))
        with house().database.session() as database:
            found = find(database, number)
            by = current_user.name
            count = _typed(request.form.get("aantal", ""))
            rules.approve(database, house(), found, seen, by=by, count=count)
            looked(database, "broadcast.approved", found.about, count=count)
            if start and found.started_at is None:
                rules.send(database, house(), found, by=by)
                looked(database, "broadcast.started", found.about)
            elif start:
                rules.resume(database, house(), found, by=by)
                looked(database, "broadcast.resumed", found.about)
    except Refused as error:
        flash(said(error), "error")
        return redirect(back, 303)
    current_app.extensions["wake"]()
    return redirect(url_for("console.broadcast", number=number), 303)


def _is_author(broadcast: Broadcast) -> bool:
    return bool(broadcast.written_by.casefold() == current_user.name.casefold())


def _typed(text: str) -> int:
    """Read a number as people type it: ``2.097``. Raises Refused."""
    plain = text.strip().replace(".", "").replace(" ", "")
    if not (plain.isascii() and plain.isdecimal()):
        raise Refused(tell("Typ het aantal mensen over, alleen cijfers."))
    return int(plain)


# ------------------------------------------------------------------ watched


@desk.get("/groepsberichten/<int:number>")
def broadcast(number: int) -> ResponseReturnValue:
    """Show how it stands, and the one button that stops it."""
    with house().database.reading() as database:
        found = find(database, number)
        if found.started_at is None:
            return redirect(_step(found), 303)
        return page("broadcast_live.html", **_stand(database, house(), found))


def _step(broadcast: Broadcast) -> str:
    """Return the page of one that has not begun."""
    endpoint = "agree" if broadcast.state == "approved" else "preview"
    return url_for(f"console.{endpoint}_broadcast", number=broadcast.id)


def _stand(database: Session, house: House, broadcast: Broadcast) -> dict[str, Any]:
    counted = figures(database, broadcast)
    still = broadcast.state in ("stopped", "paused")
    return {
        "broadcast": broadcast,
        "counted": counted,
        "gone": counted.total - counted.counts["planned"] - counted.counts["held"],
        "channels": by_channel(database, broadcast),
        "spoken": spoken(database, broadcast),
        "reports": REPORTS,
        "said": responses.responses(database, house, broadcast),
        "spelled": _spelled,
        "named": named,
        "called_wijk": called_wijk,
        "called_language": called_language,
        "now": moments.now(),
        "holds": approval.holds(database, house, broadcast),
        "left": previews.count_left(database, broadcast) if still else 0,
        "to_correct": sum(
            counted.counts[name]
            for name in ("under_way", "offered", "delivered", "read", "unknown", "no_receipt")
        ),
        "states": rules.STATES,
        "explain": tasks.explain,
        "history": [
            (datetime.fromisoformat(event["at"]), event["by"], said(event["what"]))
            for event in reversed(broadcast.history)
        ],
        "words": words,
    }


def _spelled(kinds: Iterable[str]) -> str:
    told = {
        responses.YES: gettext("Ja"),
        responses.NO: gettext("Nee"),
        responses.ELSE: gettext("Iets anders"),
        responses.NOTHING: gettext("Nog niets"),
    }
    return " / ".join(told[kind] for kind in kinds)


# ------------------------------------------------------------------ started, stopped, gone on with


@desk.post("/groepsberichten/<int:number>/start")
def start_broadcast(number: int) -> ResponseReturnValue:
    """Let one that was approved earlier go now."""
    return _done(number, "broadcast.started", _send)


def _send(database: Session, found: Broadcast) -> None:
    rules.send(database, house(), found, by=current_user.name)


@desk.post("/groepsberichten/<int:number>/stop")
def stop_broadcast(number: int) -> ResponseReturnValue:
    """Stop at once: no question is asked, and going on is always possible."""
    return _done(number, "broadcast.stopped", _stop)


def _stop(database: Session, found: Broadcast) -> None:
    rules.stop(database, found, by=current_user.name)


@desk.post("/groepsberichten/<int:number>/verder")
def resume_broadcast(number: int) -> ResponseReturnValue:
    """Go on with those who have nothing yet; their number is typed."""
    return _done(number, "broadcast.resumed", _resume)


def _resume(database: Session, found: Broadcast) -> None:
    left = previews.count_left(database, found)
    if _typed(request.form.get("aantal", "")) != left:
        raise Refused(tell("Het gaat verder naar %(n)s mensen. Typ dat aantal over.", n=left))
    rules.resume(database, house(), found, by=current_user.name)


@desk.post("/groepsberichten/<int:number>/correctie")
def correct_broadcast(number: int) -> ResponseReturnValue:
    """Write the correction, for exactly those who have it or may have it."""
    made: list[int] = []

    def correct(database: Session, found: Broadcast) -> None:
        settings: dict[str, Any] = {}
        if found.voortraject_id is None:
            dutch = gettext("Sorry, ons vorige bericht was fout. Schrijf hier wat wel klopt.")
            settings = {"key": OWN, "values": rules.own({"nl": dutch})}
        put = rules.correct(database, house(), found, by=current_user.name, **settings)
        made.append(put.id)

    answer = _done(number, "broadcast.corrected", correct)
    if made:
        return redirect(url_for("console.edit_broadcast", number=made[0]), 303)
    return answer


def _done(
    number: int, action: str, do: Callable[[Session, Broadcast], None]
) -> ResponseReturnValue:
    """Do something to a group message and write it down; say in Dutch why not, if not."""
    try:
        with house().database.session() as database:
            found = find(database, number)
            do(database, found)
            looked(database, action, found.about)
    except Refused as error:
        flash(said(error), "error")
    else:
        current_app.extensions["wake"]()
    return redirect(url_for("console.broadcast", number=number), 303)
