"""A groepsbericht on one's own phone first: tie a phone, send a test to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy.orm import Session

from bot.channels.base import SMS, TELEGRAM, WHATSAPP
from bot.models.broadcasts import Broadcast
from bot.outreach import trials
from bot.outreach.broadcasts import Refused
from bot.outreach.preview import Preview
from console.broadcasts import find
from console.desk import desk, house, looked
from console.texts import said

TICKED = 4
"""Tests that are ticked beforehand: those of the phones that are drawn first."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Something to try: a language on a channel, and whether it is ticked beforehand."""

    language: str
    channel: str
    ticked: bool


def told(database: Session, broadcast: Broadcast, seen: Preview) -> dict[str, Any]:
    """Return what the preview shows about trying it on one's own phone."""
    mine = trials.phones(database, house(), current_user.id)
    channels = {phone.channel for phone in mine}
    pairs = sorted(seen.texts, key=lambda pair: -seen.reach.counts[pair])
    possible = [pair for pair in pairs if pair[1] in channels]
    first = {code: (code, channel) for code, channel in reversed(possible)}
    ticked = sorted(first.values(), key=possible.index)[:TICKED]
    return {
        "own_phones": mine,
        "tests": [Trial(*pair, pair in ticked) for pair in possible],
        "untied": sorted({channel for _, channel in pairs} - channels),
        "tested": trials.sent(database, broadcast),
        "tie": trials.asked(database, current_user.id),
        "numbers": _numbers(),
    }


def _numbers() -> dict[str, str]:
    """Return where a code is sent, by channel, as far as that is set up."""
    settings = house().settings
    ours = {
        WHATSAPP: settings.twilio_whatsapp_from,
        SMS: settings.twilio_sms_from,
        TELEGRAM: settings.telegram_bot_name and f"@{settings.telegram_bot_name}",
    }
    return {name: number for name, number in ours.items() if number and name in house().channels}


@desk.post("/groepsberichten/<int:number>/test")
def test_broadcast(number: int) -> ResponseReturnValue:
    """Send it to the phones of whoever is logged in, and to nobody else."""
    told = [each.partition("|") for each in request.form.getlist("test")]
    wanted = {(code, channel) for code, _, channel in told}
    try:
        with house().database.session() as database:
            found = find(database, number)
            count = trials.send(database, house(), found, current_user.id, wanted)
            looked(database, trials.TESTED, found.about, count=count)
    except Refused as error:
        flash(said(error), "error")
    else:
        current_app.extensions["wake"]()
        flash(gettext("%(n)s tests gaan nu naar uw eigen telefoon.", n=count), "ok")
    return _back(number)


@desk.post("/groepsberichten/<int:number>/telefoon")
def tie_phone(number: int) -> ResponseReturnValue:
    """Show a code: the phone that sends it is theirs."""
    with house().database.session() as database:
        find(database, number)
        trials.ask(database, current_user.id)
        looked(database, "staff.phone_asked", f"staff:{current_user.id}")
    return _back(number)


@desk.post("/groepsberichten/<int:number>/telefoon/weg")
def untie_phone(number: int) -> ResponseReturnValue:
    """Let a phone be theirs no more."""
    with house().database.session() as database:
        phone = request.form.get("telefoon", "")
        if phone.isascii() and phone.isdecimal():
            trials.forget(database, current_user.id, int(phone))
            looked(database, "staff.phone_untied", f"staff:{current_user.id}")
    return _back(number)


def _back(number: int) -> ResponseReturnValue:
    return redirect(url_for("console.preview_broadcast", number=number, _anchor="test"), 303)
