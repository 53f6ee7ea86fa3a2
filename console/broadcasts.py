"""Groepsberichten: listed and written."""

from __future__ import annotations

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.messaging import outbox
from bot.models.broadcasts import Broadcast, SavedGroup
from bot.models.voortrajecten import Voortraject
from bot.outreach import broadcasts as rules
from bot.outreach import saved_groups
from bot.outreach.broadcasts import Refused
from bot.outreach.figures import figures
from bot.outreach.preview import OWN
from bot.wording.catalogue import SAMPLES
from bot.wording.languages import shipped
from bot.wording.render import render
from console import broadcast_form, words
from console.desk import desk, house, looked, page
from console.texts import said

A_PAGE = 10


# ------------------------------------------------------------------ the list


@desk.get("/groepsberichten")
def broadcasts() -> str:
    """List every group message, the newest first, and what may be done with it."""
    before = request.args.get("voor", type=int)
    with house().database.reading() as database:
        listed = select(Broadcast).order_by(Broadcast.id.desc()).limit(A_PAGE + 1)
        found = database.scalars(listed.where(Broadcast.id < before) if before else listed).all()
        return page(
            "broadcasts.html",
            rows=[(each, figures(database, each)) for each in found[:A_PAGE]],
            older=found[A_PAGE - 1].id if len(found) > A_PAGE else None,
            words=words,
        )


# ------------------------------------------------------------------ written


@desk.get("/groepsberichten/nieuw")
def new_broadcast() -> str:
    """Show the empty form."""
    with house().database.reading() as database:
        return _form(database, broadcast_form.empty(database, house()))


@desk.post("/groepsberichten/nieuw")
def write_broadcast() -> ResponseReturnValue:
    """Write it down as a draft, and show what it would do."""
    if request.form.get("doe"):
        return _saved_group(None)
    try:
        with house().database.session() as database:
            settings = broadcast_form.settings_from(database, house(), request.form)
            made = rules.draft(database, house(), by=current_user.name, **settings)
            looked(database, "broadcast.written", made.about)
            number = made.id
    except Refused as error:
        return _once_more(said(error))
    return redirect(url_for("console.preview_broadcast", number=number), 303)


@desk.get("/groepsberichten/<int:number>/schrijven")
def edit_broadcast(number: int) -> str:
    """Show the form as it stands."""
    with house().database.reading() as database:
        found = find(database, number)
        return _form(database, broadcast_form.shown(database, house(), found), found)


@desk.post("/groepsberichten/<int:number>/schrijven")
def change_broadcast(number: int) -> ResponseReturnValue:
    """Change it; whoever approved it must do so again."""
    if request.form.get("doe"):
        return _saved_group(number)
    try:
        with house().database.session() as database:
            found = find(database, number)
            settings = broadcast_form.settings_from(database, house(), request.form)
            if settings["key"] == rules.CORRECTION and found.corrects is not None:
                settings["voortraject_id"] = found.voortraject_id
            rules.change(database, house(), found, by=current_user.name, **settings)
            looked(database, "broadcast.changed", found.about)
    except Refused as error:
        return _once_more(said(error), number)
    return redirect(url_for("console.preview_broadcast", number=number), 303)


def _saved_group(number: int | None) -> ResponseReturnValue:
    """Keep the choice under a name, take one that was kept, or throw it away; then the form."""
    rule: str | None = None
    why, chosen = None, request.form.get("bewaard", type=int)
    try:
        with house().database.session() as database:
            match request.form["doe"]:
                case "bewaar":
                    name = request.form.get("groepsnaam", "")
                    told = broadcast_form.rule_from(request.form)
                    kept = saved_groups.save(database, name, told, by=current_user.name)
                    looked(database, "group.saved", f"group:{kept.id}")
                case "weg" if chosen is not None:
                    saved_groups.drop(database, chosen)
                    looked(database, "group.dropped", f"group:{chosen}")
                case "gebruik" if chosen is not None:
                    saved = database.get(SavedGroup, chosen)
                    rule = saved.rule if saved is not None else None
    except Refused as error:
        why = said(error)
    with house().database.reading() as database:
        filled = broadcast_form.again(database, house(), request.form)
        if rule is not None:
            filled.groups = broadcast_form.groups_of(database, house(), rule)
        found = find(database, number) if number is not None else None
        return _form(database, filled, found, why), 422 if why else 200


def _once_more(why: str, number: int | None = None) -> ResponseReturnValue:
    """Show what was typed again, with the reason that it cannot be so."""
    with house().database.reading() as database:
        filled = broadcast_form.again(database, house(), request.form)
        found = find(database, number) if number is not None else None
        return _form(database, filled, found, why), 422


def _form(
    database: Session,
    filled: broadcast_form.Filled,
    broadcast: Broadcast | None = None,
    why: str | None = None,
) -> str:
    texts = [
        (key, words.TEXTS.get(key, key), _example(key))
        for key in rules.for_many(house())
        if key != OWN and house().catalogue.entries[key].purpose == "invitation"
    ]
    groups = database.scalars(select(Voortraject).order_by(Voortraject.starts.desc())).all()
    return page(
        "broadcast_write.html",
        broadcast=broadcast,
        filled=filled,
        why=why,
        texts=texts,
        blanks=rules.BLANKS,
        fill={key: rules.to_fill(house(), key) for key, _, _ in texts},
        voortrajecten=groups,
        form=broadcast_form,
        saved=saved_groups.all_of_them(database),
        spoken_here=list(shipped().values()),
        states=rules.STATES,
        words=words,
    )


def _example(key: str) -> str:
    """Say the text *key* in Dutch with something in its blanks."""
    values = {**SAMPLES, **outbox.known(house())}
    return render(
        key, "nl", values, buttons_as_numbers=False, plain=True, catalogue=house().catalogue
    ).body


def find(database: Session, number: int) -> Broadcast:
    """Return a group message; 404 if there is none of that number."""
    found = database.get(Broadcast, number)
    if found is None:
        abort(404)
    return found
