"""A console to sit down at: a house with fictional staff and people, and browsers in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

import console
from bot import house as houses
from bot import moments
from bot.house import House
from bot.models.people import Address, Inburgeraar, PersonAddress
from bot.models.staff import ROLES
from bot.privacy import staff
from bot.settings import load

PASSWORD = "a long and fictional sentence"
HASHED = PasswordHasher().hash(PASSWORD)


class Desk:
    """A console, its staff (one for every role, named after it), and three people."""

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.house: House = houses.build(load(None, database_url=database_url, **settings))
        self.app: Flask = console.make(self.house)
        for role in ROLES:
            self.hire(role, [role])
        self.person("P-1", "Selam", klantmanager="klantmanager", phone="+31697000001")
        self.person("P-2", "Rania", klantmanager="somebody else", phone="+31697000006")
        self.person("P-3", "Mehmet", klantmanager=None, phone="+31697000008")

    def close(self) -> None:
        self.house.database.close()

    def hire(self, name: str, roles: Iterable[str]) -> int:
        """Let *name* work here in *roles*; return their number."""
        with self.house.database.session() as session:
            member = staff.put(session, f"{name}@voorbeeldstad.example", name, list(roles))
            member.password = HASHED
        return member.id

    def person(
        self, kenmerk: str, name: str, *, klantmanager: str | None, phone: str, language: str = "ti"
    ) -> int:
        at = moments.now()
        with self.house.database.session() as session:
            person = Inburgeraar(
                kenmerk=kenmerk, first_name=name, language=language, klantmanager=klantmanager,
                created_at=at,
            )  # fmt: skip
            place = Address(channel="sms", address=phone, phone=phone, state="open", created_at=at)
            session.add(PersonAddress(person=person, address=place, rank=0))
        return person.id

    def browser(self) -> Browser:
        return Browser(self.app.test_client())

    def as_(self, name: str) -> Browser:
        """Return a browser in which *name* is logged in."""
        browser = self.browser()
        answer = browser.log_in(name)
        assert answer.status_code == 302, answer.text
        return browser


class Browser:
    """A client that sends forms the way a page of ours does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self._token = ""

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(f"/console{path}", **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
        """Send a form that carries the token of this session."""
        given = {"csrf_token": self.token(), **(data or {})}
        return self.client.post(f"/console{path}", data=given, **more)

    def token(self) -> str:
        """Return the token that the forms of this session carry; it lives as long as that does."""
        if not self._token:
            page = self.get("/inloggen").text
            found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
            assert found, page
            self._token = found.group(1)
        return self._token

    def log_in(self, name: str, password: str = PASSWORD, **more: Any) -> Any:
        email = f"{name}@voorbeeldstad.example"
        return self.post("/inloggen", {"email": email, "password": password}, **more)
