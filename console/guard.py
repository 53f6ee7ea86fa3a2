"""Who may open which page: one table, asked before every page, and every form proven ours.

A page that is not in the table is refused to everybody; a house test names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from flask import (
    Flask,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user
from flask_security.utils import check_and_update_authn_fresh
from flask_wtf.csrf import CSRFError

from bot.models.staff import ROLES
from console.login import FRESH

EVERYBODY = frozenset(ROLES)
CASEWORK = frozenset({"klantmanager", "coordinator"})
PEOPLE = CASEWORK | {"frontlijn"}
COORDINATION = frozenset({"coordinator"})
INTAKE = frozenset({"frontlijn", "coordinator", "beheerder"})
WRITERS = frozenset({"communicatie", "coordinator"})
APPROVERS = frozenset({"goedkeurder"})
GROUPS = WRITERS | APPROVERS
SIGN = COORDINATION | {"goedkeurder"}
BEHEER = frozenset({"beheerder"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may come: `None` is anybody, logged in or not. *fresh*: only who just proved it."""

    roles: frozenset[str] | None
    fresh: bool = False


ANYBODY = Rule(None)
"""The pages that lead to being logged in. Flask-Security guards its own where it must."""

RULES: dict[str, Rule] = {
    # Endpoint -> who. The pages of logging in:
    "console.static": ANYBODY,
    "console.language_of_console": ANYBODY,
    "security.static": ANYBODY,
    "security.login": ANYBODY,
    "security.verify": Rule(EVERYBODY),
    "security.logout": ANYBODY,
    "security.forgot_password": ANYBODY,
    "security.reset_password": ANYBODY,
    "security.change_password": Rule(EVERYBODY, fresh=True),
    "security.two_factor_setup": ANYBODY,
    "security.two_factor_setup_validate": Rule(EVERYBODY),
    "security.two_factor_token_validation": ANYBODY,
    "security.two_factor_rescue": ANYBODY,
    "security.tf_select": ANYBODY,
    "security.mf_recovery": ANYBODY,
    "security.mf_recovery_codes": Rule(EVERYBODY, fresh=True),
    "security.wan_register": Rule(EVERYBODY, fresh=True),
    "security.wan_register_response": Rule(EVERYBODY),
    "security.wan_signin": ANYBODY,
    "security.wan_signin_response": ANYBODY,
    "security.wan_delete": Rule(EVERYBODY, fresh=True),
    "security.wan_verify": Rule(EVERYBODY),
    "security.wan_verify_response": Rule(EVERYBODY),
    # The pages of the work:
    "console.today": Rule(EVERYBODY),
    "console.inbox": Rule(CASEWORK),
    "console.conversation": Rule(CASEWORK),
    "console.take": Rule(CASEWORK),
    "console.write": Rule(CASEWORK),
    "console.give_back": Rule(CASEWORK),
    "console.close": Rule(CASEWORK),
    "console.say": Rule(CASEWORK),
    "console.withdraw": Rule(CASEWORK),
    "console.snooze": Rule(CASEWORK),
    "console.people": Rule(PEOPLE),
    "console.person": Rule(PEOPLE),
    "console.show_number": Rule(PEOPLE),
    "console.voice_note": Rule(PEOPLE),
    "console.voortrajecten": Rule(CASEWORK),
    "console.one_voortraject": Rule(CASEWORK),
    "console.answer_for": Rule(COORDINATION),
    "console.ask_rights": Rule(CASEWORK),
    "console.show_rights": Rule(CASEWORK, fresh=True),
    "console.ask_erase": Rule(CASEWORK, fresh=True),
    "console.erase": Rule(COORDINATION, fresh=True),
    "console.erasures": Rule(COORDINATION | BEHEER),
    "console.erased": Rule(COORDINATION | BEHEER),
    "console.search_erased": Rule(COORDINATION, fresh=True),
    "console.ask_merge": Rule(COORDINATION),
    "console.merge": Rule(COORDINATION),
    "console.unmerge": Rule(COORDINATION),
    "console.new_person": Rule(PEOPLE),
    "console.add_person": Rule(PEOPLE),
    "console.edit_person": Rule(PEOPLE),
    "console.change_person": Rule(PEOPLE),
    "console.say_consent": Rule(CASEWORK),
    "console.pause_person": Rule(CASEWORK),
    "console.write_note": Rule(CASEWORK),
    "console.drop_note": Rule(CASEWORK),
    "console.invite_again": Rule(CASEWORK),
    "console.edit_afspraak": Rule(CASEWORK),
    "console.change_afspraak": Rule(CASEWORK),
    "console.intake": Rule(INTAKE),
    "console.check_intake": Rule(INTAKE),
    "console.store_intake": Rule(INTAKE),
    "console.refused_intake": Rule(INTAKE),
    "console.intake_template": Rule(INTAKE),
    "console.broadcasts": Rule(GROUPS),
    "console.new_broadcast": Rule(WRITERS),
    "console.write_broadcast": Rule(WRITERS),
    "console.edit_broadcast": Rule(WRITERS),
    "console.change_broadcast": Rule(WRITERS),
    "console.preview_broadcast": Rule(GROUPS),
    "console.test_broadcast": Rule(GROUPS),
    "console.tie_phone": Rule(GROUPS),
    "console.untie_phone": Rule(GROUPS),
    "console.agree_broadcast": Rule(GROUPS),
    "console.approve_broadcast": Rule(APPROVERS, fresh=True),
    "console.broadcast": Rule(GROUPS),
    "console.start_broadcast": Rule(GROUPS),
    "console.stop_broadcast": Rule(GROUPS),
    "console.resume_broadcast": Rule(GROUPS),
    "console.correct_broadcast": Rule(WRITERS),
    "console.ambassadeurs": Rule(COORDINATION),
    "console.one_ambassadeur": Rule(COORDINATION),
    "console.show_ambassadeur_number": Rule(COORDINATION),
    "console.ambassadeur_state": Rule(COORDINATION),
    "console.change_ambassadeur": Rule(COORDINATION),
    "console.make_link": Rule(COORDINATION),
    "console.end_link": Rule(COORDINATION),
    "console.decide": Rule(COORDINATION),
    "console.premies": Rule(SIGN),
    "console.premie_file": Rule(SIGN, fresh=True),
    "console.draw_up": Rule(COORDINATION),
    "console.approve_premie": Rule(SIGN),
    "console.calendar": Rule(CASEWORK),
    "console.presence": Rule(CASEWORK),
    "console.reports": Rule(EVERYBODY - {"frontlijn"}),
    "console.remake_report": Rule(EVERYBODY - {"frontlijn"}),
    "console.report_file": Rule(EVERYBODY - {"frontlijn"}, fresh=True),
}

REFUSALS: dict[int, tuple[str, str]] = {
    400: ("Dat formulier klopt niet meer", "Ga terug, ververs de pagina en probeer het nog eens."),
    403: ("Dat mag u niet zien", "Uw rol geeft geen toegang tot deze pagina. Vraag uw beheerder."),
    404: ("Die pagina is er niet", "Misschien is de persoon gewist of klopt het adres niet."),
    405: ("Dat kan hier niet", "Ga terug en gebruik de knoppen op de pagina."),
    413: ("Dat bestand is te groot", "Stuur een bestand van hoogstens 20 MB."),
    429: ("Dat ging te vaak", "Wacht even en probeer het dan nog eens."),
    500: ("Er ging iets mis bij ons", "Het is vastgelegd. Probeer het straks nog eens."),
}


def install(app: Flask) -> None:
    """Ask the table before every page of the console."""
    app.before_request(_ask)
    for code, (title, told) in REFUSALS.items():
        app.register_error_handler(code, partial(_refused, code, title, told))


def _refused(code: int, title: str, told: str, _error: Exception) -> ResponseReturnValue:
    return render_template("console/error.html", title=gettext(title), told=gettext(told)), code


def _ask() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None  # there is no such page
    rule = RULES.get(request.endpoint)
    if rule is None:
        abort(403)
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        _is_ours()
    if rule.roles is None:
        return None
    if not current_user.is_authenticated:
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("security.login", next=back))
    if not rule.roles & {role.name for role in current_user.roles}:
        abort(403)
    if rule.fresh and not check_and_update_authn_fresh(FRESH, timedelta(0), "session"):
        return redirect(url_for("security.verify", next=_way_back()))
    return None


def _way_back() -> str:
    """Return where somebody goes on who had to prove once more who they are: to their form."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc == request.host and came_from.path.startswith("/console/"):
        return f"{came_from.path}?{came_from.query}".rstrip("?")
    return url_for("console.today")


def _is_ours() -> None:
    """Refuse a form that did not come from a page of ours: wrong token, or a foreign site's."""
    house = current_app.extensions["house"]
    origin = request.headers.get("Origin")
    ours = {request.host_url.rstrip("/"), house.settings.public_url}
    if (origin is not None and origin not in ours) or (
        request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    ):
        abort(403)
    try:
        current_app.extensions["csrf"].protect()
    except CSRFError:
        abort(400)
