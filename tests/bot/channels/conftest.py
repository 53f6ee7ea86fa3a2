"""Stored webhooks, as the providers send them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from channel_server import FIXTURES


@pytest.fixture(scope="session")
def told() -> Callable[[str], dict[str, Any]]:
    """Read a stored webhook: ``told("twilio/sms_reply")``."""

    def read(name: str) -> dict[str, Any]:
        return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))

    return read
