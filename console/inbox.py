"""Postvak: everything that needs a person, danger first; taken by one, given back, closed."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy import ColumnElement, and_, false, func, select, true
from sqlalchemy.orm import Session, joinedload

from bot import moments
from bot.models.messages import Message, Reply
from bot.models.people import Inburgeraar
from bot.models.tasks import Task
from bot.outreach import replies, tasks
from console import words
from console.desk import desk, house, looked, mine, page
from console.people import somebody
from console.texts import said
from console.thread import thread

A_PAGE = 100

LONGEST_TYPED = 2000
"""Characters of an answer that are read at all."""

REFUSALS = {
    "task.taken": "Iemand anders was u voor.",
    "task.given_back": "U had deze taak niet meer.",
    "task.closed": "Een collega heeft deze taak.",
    "task.snoozed": "Dit kan niet wachten, of een collega heeft deze taak.",
}
"""Why something could not be done to a task."""

TABS = ("alles", "mensen", "mijn", "niemand", "later")
SNOOZES = (1, 3, 7)
"""Days that a task may be put aside; it is back at nine."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The tasks of one tab, and how many each tab holds."""

    tab: str
    tasks: list[Task]
    counts: dict[str, int]
    longest: datetime | None
    """Since when the one who waits longest waits."""


@desk.get("/postvak")
def inbox() -> str:
    """List what waits for a person: danger first, then who waits longest."""
    with house().database.reading() as database:
        return page("inbox.html", listed=_listed(database), chosen=None, words=words)


@desk.get("/postvak/<int:task_id>")
def conversation(task_id: int) -> str:
    """Show one task with the conversation it came from."""
    return _shown(task_id)


def _shown(task_id: int, typed: str = "") -> str:
    with house().database.session() as database:
        task = _found(database, task_id)
        if task.person is not None and not mine(task.person):
            looked(database, "person.looked", f"person:{task.person.id}", task=task.id)
    with house().database.reading() as database:
        task = _found(database, task_id)
        lines, older = thread(database, house(), *_whose(task))
        place = replies.place_of(database, house(), task)
        return page(
            "inbox.html",
            place=place,
            sentences=_sentences(task, place),
            announcement=_announcement(task, place),
            kept_for=replies.IS_KEPT.days,
            cost=partial(replies.cost, house()),
            once=secrets.token_hex(8),
            words_typed=typed,
            listed=_listed(database),
            chosen=task,
            person=task.person,
            thread=lines,
            older=older,
            now=moments.now(),
            explain=tasks.explain,
            words=words,
        )


@desk.post("/postvak/<int:task_id>/neem")
def take(task_id: int) -> ResponseReturnValue:
    """Let whoever is logged in see to it."""
    return _changed(task_id, tasks.take, "task.taken")


@desk.post("/mensen/<kenmerk>/schrijf")
def write(kenmerk: str) -> ResponseReturnValue:
    """Begin a conversation with somebody who asked nothing."""
    with house().database.session() as database:
        task_id = tasks.write(database, somebody(database, kenmerk), current_user.name)
        looked(database, "task.taken", f"task:{task_id}")
    return redirect(url_for("console.conversation", task_id=task_id, _anchor="rp"), 303)


@desk.post("/postvak/<int:task_id>/geef-terug")
def give_back(task_id: int) -> ResponseReturnValue:
    """Let anybody see to it again."""
    return _changed(task_id, tasks.give_back, "task.given_back")


@desk.post("/postvak/<int:task_id>/sluit")
def close(task_id: int) -> ResponseReturnValue:
    """It was seen to."""
    return _changed(task_id, tasks.close, "task.closed")


@desk.post("/postvak/<int:task_id>/antwoord")
def say(task_id: int) -> ResponseReturnValue:
    """Say something to whoever the task is about, in the name of who is logged in."""
    words_ = request.form.get("tekst", "")[:LONGEST_TYPED]
    key = request.form.get("zin", "")
    try:
        with house().database.session() as database:
            task = _found(database, task_id)
            answer = replies.say(
                database,
                house(),
                task,
                by=current_user.name,
                key=key,
                words=words_,
                once=request.form.get("keer", "")[:32],
            )
            if answer is not None:
                looked(database, "reply.said", f"task:{task_id}", text=key)
    except replies.Refused as error:
        flash(said(error), "error")
        return _shown(task_id, words_ if key == replies.WORDS else ""), 422
    current_app.extensions["wake"]()
    return redirect(url_for("console.conversation", task_id=task_id, _anchor="rp"), 303)


@desk.post("/postvak/<int:task_id>/trek-in")
def withdraw(task_id: int) -> ResponseReturnValue:
    """Take back an answer that waits until its reader opens the chat."""
    number = request.form.get("bericht", 0, type=int)
    try:
        with house().database.session() as database:
            task = _found(database, task_id)
            replies.withdraw(database, task, number, by=current_user.name)
            looked(database, "reply.withdrawn", f"task:{task_id}", message=number)
    except replies.Refused as error:
        flash(said(error), "error")
    else:
        flash(gettext("Ingetrokken. Dit bericht gaat niet meer uit."), "info")
    return redirect(url_for("console.conversation", task_id=task_id), 303)


def _announcement(task: Task, place: replies.Place | None) -> str:
    """Return in Dutch what goes first where an answer waits until its reader opens the chat."""
    return replies.announced(house(), task.person) if place is not None and place.waits else ""


def _sentences(task: Task, place: replies.Place | None) -> list[replies.Sentence]:
    """Return what may be said, if it is the task of who is logged in."""
    if place is None or place.why_not or task.done_at or task.taken_by != current_user.name:
        return []
    return replies.sentences(house(), task, place, current_user.name)


@desk.post("/postvak/<int:task_id>/later")
def snooze(task_id: int) -> ResponseReturnValue:
    """Put a task aside for some days; what they write meanwhile brings it back."""
    days = request.form.get("dagen", type=int)
    days = days if days in SNOOZES else SNOOZES[0]
    back = moments.local(moments.now()).replace(tzinfo=None) + timedelta(days=days)
    until = moments.from_local(back.replace(hour=9, minute=0, second=0, microsecond=0))
    return _changed(task_id, partial(tasks.snooze, until=until), "task.snoozed")


def _changed(
    task_id: int, change: Callable[[Session, int, str], bool], action: str
) -> ResponseReturnValue:
    with house().database.session() as database:
        _found(database, task_id)
        done = change(database, task_id, current_user.name)
        if done:
            looked(database, action, f"task:{task_id}")
    if not done:
        flash(gettext(REFUSALS[action]), "error")
        return redirect(url_for("console.conversation", task_id=task_id), 303)
    if action == "task.snoozed":
        flash(gettext("Opzij gezet. Het staat tot die dag onder Later."), "info")
        return redirect(url_for("console.inbox"), 303)
    if action == "task.closed":
        flash(gettext("De taak is afgesloten."), "info")
        return redirect(url_for("console.inbox"), 303)
    return redirect(url_for("console.conversation", task_id=task_id), 303)


def _found(database: Session, task_id: int) -> Task:
    task = database.scalars(
        select(Task)
        .where(Task.id == task_id)
        .options(joinedload(Task.person), joinedload(Task.address))
    ).one_or_none()
    if task is None:
        abort(404)
    return task


def _whose(task: Task) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return whose conversation it is: the person's, or that of a number nobody is known by.

    On a shared phone that is one person's alone: nothing about one is shown under another.
    """
    if task.person_id is not None:
        return Message.person_id == task.person_id, Reply.person_id == task.person_id
    if task.address_id is not None:
        return (
            (Message.address_id == task.address_id) & Message.person_id.is_(None),
            (Reply.address_id == task.address_id) & Reply.person_id.is_(None),
        )
    return false(), false()


def _listed(database: Session) -> Listed:
    tab = request.args.get("wie", TABS[0])
    which: dict[str, Any] = {
        "alles": true(),
        "mensen": Task.person.has(Inburgeraar.klantmanager == current_user.name),
        "mijn": Task.taken_by == current_user.name,
        "niemand": Task.taken_by.is_(None),
        "later": true(),
    }
    tab = tab if tab in which else TABS[0]
    waits = tasks.waits(moments.now())
    later = and_(Task.done_at.is_(None), ~waits)
    counts = {
        name: database.scalar(
            select(func.count()).select_from(Task).where(later if name == "later" else waits, only)
        )
        or 0
        for name, only in which.items()
    }
    still_open = later if tab == "later" else waits
    found = database.scalars(
        select(Task)
        .options(joinedload(Task.person), joinedload(Task.address))
        .where(still_open, which[tab])
        .order_by(*(Task.kind != kind for kind in tasks.FIRST), Task.since)
        .limit(A_PAGE)
    ).all()
    longest = database.scalar(select(func.min(Task.since)).where(waits))
    return Listed(tab, list(found), counts, longest)
