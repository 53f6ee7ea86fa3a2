"""The practice clock. Exists only where ENVIRONMENT is practice."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, current_app, jsonify, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import moments
from bot.house import House
from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.practice import PracticeClock

door = Blueprint("practice", __name__, url_prefix="/practice")

FURTHEST = 400 * 24 * 60
"""Minutes that one move may take practice time ahead."""


@door.get("/clock")
def read() -> Response:
    """Return what time it is in practice, and when something is next due."""
    house: House = current_app.extensions["house"]
    with house.database.reading() as session:
        _follow(session)
        return _told(session)


@door.post("/clock")
def move() -> Response:
    """Move practice time ahead: ``minutes=60``, or ``to=next`` for what is next due."""
    house: House = current_app.extensions["house"]
    with house.database.session() as session:
        _follow(session)
        now, coming = moments.now(), _next_due(session)
        if request.form.get("to") == "next":
            ahead = coming - now if coming is not None else timedelta()
        else:
            try:
                minutes = float(request.form.get("minutes", ""))
            except ValueError:
                minutes = -1
            if not 0 <= minutes <= FURTHEST:
                return Response(
                    f"minutes: een getal van 0 tot {FURTHEST}, of to=next\n",
                    status=400,
                    mimetype="text/plain",
                )
            ahead = timedelta(minutes=minutes)
        set_ahead(session, moments.practice_offset() + max(ahead, timedelta()))
        answer = _told(session)
    current_app.extensions["wake"]()
    return answer


def set_ahead(session: Session, ahead: timedelta) -> None:
    """Let practice time run *ahead* of the real clock, in every process of this house."""
    row = session.get(PracticeClock, 1)
    if row is None:
        row = PracticeClock(id=1, ahead_seconds=0)
        session.add(row)
    row.ahead_seconds = ahead.total_seconds()
    moments.set_practice_offset(ahead)


def _follow(session: Session) -> None:
    row = session.get(PracticeClock, 1)
    moments.set_practice_offset(timedelta(seconds=row.ahead_seconds if row else 0))


def _next_due(session: Session) -> datetime | None:
    """Return the first moment after now at which something goes out, or None."""
    now = moments.now()
    moments_due = [
        session.scalar(select(func.min(Afspraak.next_step_at)).where(Afspraak.next_step_at > now)),
        session.scalar(
            select(func.min(Message.not_before)).where(
                Message.state == "planned", Message.not_before > now
            )
        ),
    ]
    return min((moment for moment in moments_due if moment is not None), default=None)


def _told(session: Session) -> Response:
    coming = _next_due(session)
    return jsonify(
        now=moments.local(moments.now()).isoformat(),
        next=moments.local(coming).isoformat() if coming else None,
    )
