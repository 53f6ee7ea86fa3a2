"""Sessions of the console are rows in the database, so that they can be ended from this side.

The browser holds a random name and nothing else. A row ends with log-out, with a change of role
or password, after half an hour without a click, and after twelve hours whatever happens.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import CallbackDict

from bot.db import Database, clock
from bot.models.staff import StaffMember, StaffSession
from bot.privacy import staff

SEEN_EVERY = timedelta(minutes=1)
"""A click within this of the last one is not written down."""


class ConsoleSession(CallbackDict[str, Any], SessionMixin):
    """What Flask sees of a row. *token* is what the browser holds; None for a new one."""

    def __init__(
        self, data: Mapping[str, Any], token: str | None, seen_at: datetime | None
    ) -> None:
        def changed(_: object) -> None:
            self.modified = True

        super().__init__(data, changed)
        self.token = token
        self.seen_at = seen_at
        self.modified = False
        self.new = token is None


class StaffSessions(SessionInterface):
    """Keeps the sessions of the console."""

    def __init__(self, database: Database, *, secure: bool) -> None:
        self.database = database
        # A browser takes a cookie of this name only from https, for this host and all its paths.
        self.cookie = "__Host-stap" if secure else "stap"
        self.secure = secure

    def open_session(self, app: Flask, request: Request) -> ConsoleSession:
        """Return the session that the browser names, if it lives; else a new one."""
        token = request.cookies.get(self.cookie, "")
        if token:
            with self.database.reading() as session:
                now = clock(session)
                row = session.get(StaffSession, named(token))
                if row is not None and staff.lives(row, now):
                    return ConsoleSession(row.data, token, row.seen_at)
        return ConsoleSession({}, None, None)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the row if there is news, and give the browser its name."""
        if not isinstance(session, ConsoleSession):
            return
        if not session:
            if session.token is not None:
                with self.database.session() as database:
                    database.execute(
                        delete(StaffSession).where(StaffSession.id == named(session.token))
                    )
                response.delete_cookie(
                    self.cookie, path="/", secure=self.secure, httponly=True, samesite="Lax"
                )
            return
        response.headers.add("Vary", "Cookie")
        with self.database.reading() as database:
            now = clock(database)
        stale = session.seen_at is None or now - session.seen_at >= SEEN_EVERY
        if not (session.modified or stale):
            return
        token = self._write(session, now)
        if token != session.token:
            response.set_cookie(
                self.cookie, token, path="/", secure=self.secure, httponly=True, samesite="Lax",
                max_age=None,
            )  # fmt: skip

    def _write(self, session: ConsoleSession, now: datetime) -> str:
        with self.database.session() as database:
            staff_id = _whose(database, session)
            if session.token is not None:
                row = database.get(StaffSession, named(session.token))
                if row is None:
                    return session.token  # ended while this page was made: it stays ended
                if row.staff_id == staff_id:
                    row.data, row.seen_at = dict(session), now
                    return session.token
                # Somebody logged in or out: a name that was known before is not theirs.
                database.delete(row)
            token = secrets.token_urlsafe(32)
            database.add(
                StaffSession(
                    id=named(token), staff_id=staff_id, data=dict(session), created_at=now,
                    seen_at=now,
                )
            )  # fmt: skip
            return token


def named(token: str) -> str:
    """Return the name of a row, from what the browser holds."""
    return hashlib.sha256(token.encode()).hexdigest()


def end_all(session: Session, staff_id: int, but: str | None = None) -> None:
    """End every session of a member, except the one that the browser names *but*."""
    ended = delete(StaffSession).where(StaffSession.staff_id == staff_id)
    if but is not None:
        ended = ended.where(StaffSession.id != named(but))
    session.execute(ended)


def _whose(session: Session, kept: Mapping[str, Any]) -> int | None:
    """Return the id of the member whose `fs_uniquifier` Flask-Login put in *kept*."""
    known = kept.get("_user_id")
    if known is None:
        return None
    return session.scalars(
        select(StaffMember.id).where(StaffMember.fs_uniquifier == known)
    ).one_or_none()
