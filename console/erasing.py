"""Wissen (AVG): what would go and what stays, the pressing itself, and the proof on paper."""

from __future__ import annotations

from flask import abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from sqlalchemy.orm import Session

from bot.channels import numbers
from bot.messaging import forgetting
from bot.models.erasures import Erasure
from bot.models.staff import StaffMember
from bot.privacy import erasure
from bot.told import tell
from console.desk import desk, house, looked, may, page
from console.people import CHECKS, somebody
from console.texts import said

LISTED = 200


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
    _look_through(done.erasure.id, done.sure)
    with house().database.reading() as database:
        called = sum(forgetting.named(database, done.names).values())
    if called:
        flash(
            gettext(
                "De voornaam komt nog %(n)s keer voor: anderen heten ook zo, of het is een woord. "
                "Zoek de naam op onder Mensen als u twijfelt.", n=called,
            ),
            "info",
        )  # fmt: skip
    return redirect(url_for("console.erased", number=done.erasure.id), 303)


@desk.get("/gewist")
def erasures() -> str:
    """List who was erased: when and by whom, and nobody's name."""
    with house().database.reading() as database:
        found = erasure.receipts(database, LISTED)
        return page("erasures.html", erasures=found, staff=_colleagues(database))


@desk.get("/gewist/<int:number>")
def erased(number: int) -> str:
    """Show the receipt of one erasure, to print or keep."""
    with house().database.reading() as database:
        found = _receipt(database, number)
        entry = erasure.entry_of(database, found)
        return page(
            "erased.html",
            erasure=found,
            stayed=[tell(sentence, **values) for sentence, values in found.stayed],
            entry=entry,
            staff=_colleagues(database),
            checks=CHECKS,
            until=found.at + erasure.BACKUPS,
            may_search=may("console.search_erased"),
        )


@desk.post("/gewist/<int:number>/zoek")
def search_erased(number: int) -> ResponseReturnValue:
    """Look through everything once more, for a number that somebody brings; it is not kept."""
    with house().database.reading() as database:
        _receipt(database, number)
    sure = [_canonical(request.form.get(name, "")) for name in ("nummer", "kenmerk")]
    if not any(sure):
        flash(gettext("Vul een nummer of een kenmerk in."), "error")
    else:
        _look_through(number, [each for each in sure if each])
        with house().database.session() as database:
            looked(database, "erasure.searched", f"erasure:{number}")
    return redirect(url_for("console.erased", number=number), 303)


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


def _look_through(number: int, sure: list[str]) -> None:
    """Search all there is for *sure*, and write down what was found.

    Bytes that no row holds any more go when the file of the database is written anew.
    """
    found = _found(sure)
    if any(where.startswith("bestand") for where in found):
        house().database.scrub(whole=True)
        found = _found(sure)
    with house().database.session() as database:
        erasure.searched(database, number, found)


def _found(sure: list[str]) -> dict[str, int]:
    with house().database.reading() as database:
        return forgetting.search(database, house(), sure)


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
