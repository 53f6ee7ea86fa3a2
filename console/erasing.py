"""Wissen (AVG): what would go and what stays, the pressing itself, and the proof on paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy.orm import Session

from bot import moments
from bot.channels import numbers
from bot.messaging import forgetting
from bot.models.erasures import Erasure
from bot.models.staff import StaffMember
from bot.privacy import erasure
from bot.told import tell
from console.desk import desk, house, looked, may, page, page_by_parts
from console.people import CHECKS, somebody
from console.texts import said

LISTED = 200


class Searching:
    """A search for what may be left of somebody: to be walked over once, and then to be shown.

    Each place is a transaction of its own. *names* are looked for too, in rows: others may be
    called the same, or use the word.
    """

    def __init__(self, number: int, sure: Sequence[str], names: Sequence[str] = ()) -> None:
        self.number, self.sure, self.names = number, sure, names
        self.places = forgetting.places(house())
        self.found: Counter[str] = Counter()
        self.named = 0

    def __iter__(self) -> Iterator[int]:
        """Look through everything; say after each place how many were looked through.

        Bytes that no row holds any more go when the file of the database is written anew. What was
        found is written down at the end: a search that was broken off proves nothing.
        """
        for done, place in enumerate(self.places, 1):
            self.found += self._look(place)
            yield done
        if any(where.startswith("bestand") for where in self.found):
            house().database.scrub(whole=True)
            self.named = 0
            self.found = sum(map(self._look, self.places), Counter())
        self.at = moments.now()
        with house().database.session() as database:
            erasure.searched(database, self.number, self.found)

    def _look(self, place: forgetting.Place) -> Counter[str]:
        with house().database.reading() as database:
            if not isinstance(place, Path):
                self.named += forgetting.search(database, place, self.names).total()
            return forgetting.search(database, place, self.sure)


@desk.get("/mensen/<kenmerk>/wissen")
def ask_erase(kenmerk: str) -> str:
    """Show what would go, what stays and why, and what is still under way."""
    return _ask(kenmerk)


@desk.post("/mensen/<kenmerk>/wissen")
def erase(kenmerk: str) -> ResponseReturnValue:
    """Erase somebody: who asked is known, the kenmerk was typed, and the second step is fresh."""
    how = request.form.get("hoe", "")
    why = _why_not(kenmerk, how)
    if why:
        return _ask(kenmerk, why, how), 422
    try:
        with house().database.session() as database:
            person = somebody(database, kenmerk)
            key = house().settings.signing_key
            done = erasure.erase(database, key, person, by=current_user.id, how=how)
            looked(database, "person.erased", f"erasure:{done.erasure.id}", check=how)
    except erasure.NotNow as error:
        return _ask(kenmerk, said(error), how), 409
    forgetting.follow(house(), done)
    return _searched(Searching(done.erasure.id, done.sure, done.names))


@desk.get("/gewist")
def erasures() -> str:
    """List who was erased: when and by whom, and nobody's name."""
    with house().database.reading() as database:
        found = erasure.receipts(database, LISTED)
        return page("erasures.html", erasures=found, staff=_colleagues(database))


@desk.get("/gewist/<int:number>")
def erased(number: int) -> str:
    """Show the receipt of one erasure, to print or keep."""
    return page("erased.html", **_told(number))


@desk.post("/gewist/<int:number>/zoek")
def search_erased(number: int) -> ResponseReturnValue:
    """Look through everything once more, for a number that somebody brings; it is not kept."""
    with house().database.reading() as database:
        _receipt(database, number)
    sure = [_canonical(request.form.get(name, "")) for name in ("nummer", "kenmerk")]
    if not any(sure):
        flash(gettext("Vul een nummer of een kenmerk in."), "error")
        return redirect(url_for("console.erased", number=number), 303)
    with house().database.session() as database:
        looked(database, "erasure.searched", f"erasure:{number}")
    return _searched(Searching(number, [each for each in sure if each]))


# ------------------------------------------------------------------ what they share


def _ask(kenmerk: str, why: str = "", how: str = "") -> str:
    with house().database.session() as database:
        found = somebody(database, kenmerk)
        looked(database, "person.erase_looked", f"person:{found.id}")
    with house().database.reading() as database:
        found = somebody(database, kenmerk)
        return page(
            "erase.html",
            person=found,
            plan=erasure.plan(database, found),
            checks=CHECKS,
            why=why,
            how=how,
            needs_code=bool(current_user.tf_totp_secret),
            may_erase=may("console.erase"),
        )


def _why_not(kenmerk: str, how: str) -> str:
    """Say in Dutch why somebody is not erased yet; empty if nothing is in the way."""
    if how not in CHECKS:
        return str(gettext("Zeg eerst hoe u weet dat het deze persoon is."))
    if request.form.get("kenmerk", "").strip() != kenmerk:
        return str(gettext("Typ het kenmerk precies over. Zo wist u nooit de verkeerde."))
    if current_user.tf_totp_secret and not _right_code(request.form.get("code", "")):
        return str(gettext("De code klopt niet, of is al gebruikt. Wacht op de volgende."))
    return ""


def _right_code(code: str) -> bool:
    """Say whether *code* is what the member's own app shows now; a wrong one counts as a try."""
    totp = current_app.extensions["security"].totp_factory
    window = current_app.config["SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY"]
    secret = current_user.tf_totp_secret
    if totp.verify_totp(token=code.strip(), totp_secret=secret, user=current_user, window=window):
        return True
    current_user.track_failed_authn("code", True)
    return False


def _searched(searching: Searching) -> ResponseReturnValue:
    """Show the receipt, on a page that is sent while everything is looked through."""
    return page_by_parts("erased.html", **_told(searching.number), searching=searching)


def _told(number: int) -> dict[str, Any]:
    """Return what the receipt of an erasure shows."""
    with house().database.reading() as database:
        found = _receipt(database, number)
        told = {
            "erasure": found,
            "stayed": [tell(sentence, **values) for sentence, values in found.stayed],
            "entry": erasure.entry_of(database, found),
            "staff": _colleagues(database),
            "checks": CHECKS,
            "until": found.at + erasure.BACKUPS,
            "may_search": may("console.search_erased"),
        }
        database.expunge_all()  # it is shown after this transaction
        return told


def _canonical(text: str) -> str:
    text = text.strip()
    try:
        return numbers.canonical(text)
    except numbers.BadNumber:
        return text[:100]


def _receipt(database: Session, number: int) -> Erasure:
    found = database.get(Erasure, number)
    if found is None:
        abort(404)
    return found


def _colleagues(database: Session) -> dict[int, str]:
    return {each.id: each.name for each in database.query(StaffMember)}
