"""Who staff are and how they prove it: Flask-Security over our own tables.

A password (argon2id) and outside practice a second factor: a code or a passkey. Passwords and
codes are throttled by account, so that guessing costs days; a passkey still opens the door.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

from flask import Flask, Response, current_app, g, has_app_context, request, session, url_for
from flask_security import (
    MailUtil,
    MfRecoveryCodesUtil,
    Security,
    SQLAlchemySessionUserDatastore,
    UserMixin,
    WebauthnUtil,
    current_user,
)
from flask_security.recoverable import generate_reset_password_token
from flask_security.signals import (
    password_changed,
    password_reset,
    tf_profile_changed,
    user_authenticated,
)
from flask_security.totp import Totp
from flask_wtf import CSRFProtect
from passlib.totp import TotpMatch
from sqlalchemy import func, select, update
from sqlalchemy.orm import scoped_session, selectinload, sessionmaker
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    UserVerificationRequirement,
)

from bot import moments
from bot.db import Database
from bot.house import House
from bot.models.staff import Passkey, Role, StaffMember
from bot.privacy import audit
from console import PREFIX, login_words, sessions, texts

FREE_TRIES = 5
"""Wrong answers in a row that cost nothing: fingers slip."""

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
"""Each wrong answer after FREE_TRIES doubles the wait. So 10**6 guesses take over a century."""

FRESH = timedelta(minutes=5)
"""How lately somebody must have proved who they are, to do what cannot be undone."""

LEAST_PASSWORD = 12
"""Characters. Length is what counts; which signs are in it is not asked (NIST SP 800-63B)."""


class Member(StaffMember, UserMixin):  # type: ignore[misc]  # Flask-Security's own types are loose
    """A member of staff as Flask-Security sees one: the same row."""

    def get_security_payload(self) -> dict[str, Any]:
        """Tell no more than a name."""
        return {"name": self.name}

    def calc_username(self) -> str:
        """Return what an authenticator app shows beside the code."""
        return self.email

    def verify_and_update_password(self, password: str) -> bool:
        """Check a password; while locked none is right, and it takes as long."""
        right: bool = super().verify_and_update_password(password)
        return right and not self.waits

    @property
    def waits(self) -> bool:
        """True while wrong answers make this account wait."""
        return self.locked_until is not None and self.locked_until > moments.now()

    def track_failed_authn(self, auth_type: str, tfa: bool = False) -> None:
        """Count a wrong password or code; a passkey cannot be guessed."""
        super().track_failed_authn(auth_type, tfa)
        if auth_type == "passkey":
            return
        with _database().session() as database:
            tries = database.scalars(
                update(StaffMember)
                .where(StaffMember.id == self.id)
                .values(failures=StaffMember.failures + 1)
                .returning(StaffMember.failures)
            ).one()
            if tries > FREE_TRIES:
                wait = min(FIRST_WAIT * 2 ** min(tries - FREE_TRIES - 1, 20), LONGEST_WAIT)
                database.execute(
                    update(StaffMember)
                    .where(StaffMember.id == self.id)
                    .values(locked_until=moments.now() + wait)
                )
            audit.record(
                database, _house().settings.signing_key, self.id, "login.failed",
                f"staff:{self.id}", how=auth_type,
            )  # fmt: skip


class Staff(SQLAlchemySessionUserDatastore):
    """Reads without locking, and writes in a transaction that `commit` ends."""

    def __init__(self, database: Database) -> None:
        self.database = database
        maker = sessionmaker(database.engine, expire_on_commit=False)
        # Its mixins are for what we do not use of a role and a passkey.
        nouns: Any = (Member, Role, Passkey)
        super().__init__(scoped_session(maker, scopefunc=_scope), *nouns)

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> Member | None:
        """Return the one member whose attribute is as given."""
        name, value = kwargs.popitem()
        column = getattr(Member, name)
        is_it = func.lower(column) == str(value).lower() if case_insensitive else column == value
        with self.database.reading() as reading:
            found = reading.scalars(
                select(Member)
                .where(is_it)
                .options(selectinload(Member.roles), selectinload(Member.webauthn))
            ).one_or_none()
            # It outlives this transaction, and `put` takes it into the one that writes.
            reading.expunge_all()
            return found

    def find_webauthn(self, credential_id: bytes) -> Any:
        """Return the passkey of this id. Read apart: a transaction that is open while somebody
        logs in would hold up the rows that logging in writes."""
        with self.database.reading() as reading:
            found = reading.scalars(
                select(Passkey).where(Passkey.credential_id == credential_id)
            ).one_or_none()
            reading.expunge_all()
            return found

    def forget(self, _error: object = None) -> None:
        """Let go of what this request did not commit."""
        self.db.session.remove()


class CodesOnce(Totp):
    """Codes of an authenticator app, each good for one log-in (RFC 6238 section 5.2)."""

    def verify_totp(self, token: str, totp_secret: str, user: Any, window: int = 0) -> bool:
        """Check a code; while locked none is right."""
        return not user.waits and super().verify_totp(token, totp_secret, user, window)

    def get_last_counter(self, user: Any) -> int | None:
        """Return the step of the last code that was used."""
        last: int | None = user.totp_counter
        return last

    def set_last_counter(self, user: Any, tmatch: TotpMatch) -> None:
        """Keep the step of the code that was used now."""
        with _database().session() as database:
            database.execute(
                update(StaffMember)
                .where(StaffMember.id == user.id)
                .values(totp_counter=tmatch.counter)
            )


class GuardedCodes(MfRecoveryCodesUtil):
    """Recovery codes, throttled like the passwords and codes that they stand in for."""

    def check_recovery_code(self, user: Any, code: str) -> bool:
        """Check a code; while locked none is right."""
        right = not user.waits and super().check_recovery_code(user, code)
        if not right:
            user.track_failed_authn("recovery code", True)
        return right


class Passkeys(WebauthnUtil):
    """Which passkeys are asked for: any that proves who holds it when it is to open the door alone.

    Of a telephone or computer, or on a key: Flask-Security itself would take keys alone.
    """

    def authenticator_selection(self, user: Any, usage: str) -> AuthenticatorSelectionCriteria:
        """Return what a new passkey must be able to."""
        selection = super().authenticator_selection(user, usage)
        if usage == "first":
            selection.authenticator_attachment = None
            selection.user_verification = UserVerificationRequirement.REQUIRED
        return selection

    def user_verification(self, user: Any, usage: list[str]) -> UserVerificationRequirement:
        """Ask for finger, face or code where the passkey is all that is asked for."""
        if usage == ["first"]:
            return UserVerificationRequirement.REQUIRED
        return super().user_verification(user, usage)


class NoMail(MailUtil):
    """This house sends no e-mail: a new link comes from a beheerder, by hand."""

    def send_mail(self, *_: Any, **__: Any) -> None:
        """Send nothing."""


def _scope() -> int:
    return id(g._get_current_object()) if has_app_context() else 0


def _house() -> House:
    house: House = current_app.extensions["house"]
    return house


def _database() -> Database:
    return _house().database


def install(app: Flask, house: House) -> None:
    """Put log-in, sessions and protection against forged forms on *app*."""
    settings = house.settings
    secure = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=_derived(settings.signing_key, "cookies"),
        SECURITY_PASSWORD_SALT=_derived(settings.signing_key, "passwords"),
        SECURITY_TOTP_SECRETS={"1": _derived(settings.signing_key, "totp")},
        SECURITY_TOTP_ISSUER=f"Stap Vooruit {house.gemeente.name}",
        SECURITY_URL_PREFIX=PREFIX,
        SECURITY_LOGIN_URL="/inloggen",
        SECURITY_LOGOUT_URL="/uitloggen",
        SECURITY_RESET_URL="/wachtwoord",
        SECURITY_CHANGE_URL="/wachtwoord-wijzigen",
        SECURITY_VERIFY_URL="/nog-even-u",
        SECURITY_TWO_FACTOR_SETUP_URL="/tweede-stap",
        SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL="/code",  # noqa: S106 - an address
        SECURITY_TWO_FACTOR_RESCUE_URL="/code-kwijt",
        SECURITY_TWO_FACTOR_SELECT_URL="/kies-tweede-stap",
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL="/herstelcodes",
        SECURITY_MULTI_FACTOR_RECOVERY_URL="/herstelcode",
        SECURITY_WAN_REGISTER_URL="/toegangssleutels",
        SECURITY_WAN_SIGNIN_URL="/toegangssleutel",
        SECURITY_WAN_DELETE_URL="/toegangssleutel-weg",
        SECURITY_WAN_VERIFY_URL="/toegangssleutel-nogmaals",
        SECURITY_POST_LOGIN_VIEW="/console/",
        SECURITY_POST_LOGOUT_VIEW="/console/inloggen",
        SECURITY_POST_RESET_VIEW="/console/inloggen",
        SECURITY_POST_CHANGE_VIEW="/console/",
        SECURITY_RECOVERABLE=True,
        SECURITY_RESET_PASSWORD_WITHIN=timedelta(days=3),
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_SEND_PASSWORD_RESET_EMAIL=False,
        SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL=False,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH=["argon2"],
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        SECURITY_PASSWORD_LENGTH_MIN=LEAST_PASSWORD,
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_REQUIRED=not settings.practice,
        SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
        SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=True,
        SECURITY_TWO_FACTOR_RESCUE_EMAIL=False,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES=True,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_N=8,
        SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS=[_fernet(settings.signing_key)],
        SECURITY_WEBAUTHN=True,
        SECURITY_WAN_RP_NAME=f"Stap Vooruit {house.gemeente.name}",
        SECURITY_WAN_ALLOW_USER_HINTS=False,
        SECURITY_FRESHNESS=FRESH,
        SECURITY_FRESHNESS_GRACE_PERIOD=timedelta(0),
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_DATETIME_FACTORY=moments.now,
        WTF_CSRF_TIME_LIMIT=None,  # it lives as long as the session does
        WTF_CSRF_CHECK_DEFAULT=False,  # the doors have no forms; `guard` checks every page
        BABEL_DEFAULT_LOCALE="nl",
        BABEL_DEFAULT_TIMEZONE="Europe/Amsterdam",
        **login_words.settings(),
    )
    app.session_interface = sessions.StaffSessions(house.database, secure=secure)
    texts.Texts(app, locale_selector=texts.language)
    CSRFProtect(app)
    staff = Staff(house.database)
    security = Security(
        app, staff, mail_util_cls=NoMail, totp_cls=CodesOnce, webauthn_util_cls=Passkeys,
        mf_recovery_codes_util_cls=GuardedCodes, register_blueprint=True,
    )  # fmt: skip
    security.i18n_domain = texts.login_words(app)
    app.extensions["staff"] = staff
    app.extensions["console_security"] = security
    app.teardown_appcontext(staff.forget)
    for signal in (password_changed, password_reset, tf_profile_changed):
        signal.connect(_proof_changed, app)
    app.after_request(_then_codes)
    user_authenticated.connect(_logged_in, app)


def _derived(key: bytes, purpose: str) -> str:
    """Return a key for *purpose* alone, so that one that leaks tells nothing of the others."""
    return hashlib.blake2b(purpose.encode(), key=key[:64], digest_size=32).hexdigest()


def _fernet(key: bytes) -> bytes:
    return base64.urlsafe_b64encode(bytes.fromhex(_derived(key, "recovery codes")))


def _proof_changed(_app: Flask, user: Member, **_: Any) -> None:
    """Whoever was logged in with what was good before is logged in no more."""
    token = getattr(session, "token", None)
    with _database().session() as database:
        sessions.end_all(database, user.id, but=token)
        audit.record(
            database, _house().settings.signing_key, user.id, "login.proof_changed",
            f"staff:{user.id}",
        )  # fmt: skip


def _then_codes(response: Response) -> Response:
    """Bring who has just set up a second step to the page of recovery codes."""
    came_in = request.endpoint == "security.two_factor_token_validation"
    if came_in and response.status_code == 302 and current_user.is_authenticated:
        member = current_user
        if member.tf_primary_method == "authenticator" and not member.mf_recovery_codes:
            response.location = url_for("security.mf_recovery_codes")
    return response


def _logged_in(_app: Flask, user: Member, authn_via: list[str] | None = None, **_: Any) -> None:
    session["ui"] = user.ui or texts.language()  # who never chose: as the page was they came by
    with _database().session() as database:
        database.execute(
            update(StaffMember)
            .where(StaffMember.id == user.id)
            .values(failures=0, locked_until=None, ui=session["ui"])
        )
        audit.record(
            database, _house().settings.signing_key, user.id, "login",
            f"staff:{user.id}", how=list(authn_via or ()), page=request.path,
        )  # fmt: skip


def first_link(app: Flask, email: str) -> str:
    """Return the address where the member with this *email* chooses a password, once.

    For the application context of *app*. A new link, and the password itself, end older links.
    """
    staff: Staff = app.extensions["staff"]
    member = staff.find_user(email=email)
    if member is None:
        raise LookupError(email)
    staff.set_uniquifier(member)
    staff.commit()  # type: ignore[no-untyped-call]
    token = generate_reset_password_token(member)  # type: ignore[no-untyped-call]
    # Not url_for: there is no request here whose host could be the right one.
    public: str = app.extensions["house"].settings.public_url
    return f"{public}{PREFIX}{app.config['SECURITY_RESET_URL']}/{token}"
