"""Windows of a browser, each with a visitor of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page


class Windows:
    """What was opened, and what its pages complained about."""

    def __init__(self, chromium: Browser, **always: Any) -> None:
        self.chromium, self.always = chromium, always
        self.opened: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, **context: Any) -> Page:
        """Return an empty page that shares nothing with another."""
        self.opened.append(self.chromium.new_context(**self.always, **context))
        page: Page = self.opened[-1].new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        return page


@contextmanager
def windows(chromium: Browser, **always: Any) -> Iterator[Windows]:
    """Give windows that are closed afterwards; what a page complained about fails the test."""
    found = Windows(chromium, **always)
    yield found
    for each in found.opened:
        each.close()
    assert [] == found.complaints


def log_in(page: Page, console: str, name: str, password: str) -> None:
    page.goto(f"{console}/inloggen")
    page.fill("[name=email]", f"{name}@voorbeeldstad.example")
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
