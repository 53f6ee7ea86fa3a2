"""What a page costs follows what it shows: years of messages stand behind a few lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

import console
from bot import house as houses
from bot.bench import console as bench
from bot.bench.served import settings
from bot.engine import work
from bot.house import House

PEOPLE, MESSAGES = 4_100, 150_000
MOST_READ = 2_000
"""Rows of a table that grows with every message, for a page of at most a hundred lines."""

COUNTED = {"broadcasts": PEOPLE, "broadcast_live": PEOPLE}
"""Pages that count the messages of the group messages they show, of each by itself."""

GROWING = ("message", "attempt", "reply", "inbox_event", "click")


@pytest.fixture
def city(database_url) -> Iterator[House]:
    bench.fill(database_url, MESSAGES, PEOPLE)
    practice = settings(database_url, environment="practice", public_url="http://localhost")
    house = houses.build(practice)
    bench.hire(house)
    work.report(house, 1)
    yield house
    house.database.close()


def read(plan: dict[str, Any]) -> int:
    """Return how many rows of the growing tables *plan* read, those thrown away too."""
    own = 0
    if plan.get("Relation Name") in GROWING:
        gone = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        own = int((plan["Actual Rows"] + gone) * plan["Actual Loops"])
    return own + sum(read(each) for each in plan.get("Plans", ()))


def explained(house: House, statement: str, bound: Any) -> Any:
    """Return how the database finds it: lines of SQLite, a tree of PostgreSQL."""
    sqlite = house.database.engine.dialect.name == "sqlite"
    how = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN (ANALYZE, FORMAT JSON)"
    connection = house.database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"{how} {statement}", bound)
        rows = cursor.fetchall()
    finally:
        connection.rollback()
        connection.close()
    if sqlite:
        return [row[3] for row in rows]
    plan = json.loads(rows[0][0]) if isinstance(rows[0][0], str) else rows[0][0]
    return plan[0]["Plan"]


def too_much(house: House, statement: str, bound: Any, most: int) -> list[str]:
    plan = explained(house, statement, bound)
    if isinstance(plan, list):
        return [line for line in plan if line in {f"SCAN {name}" for name in GROWING}]
    return [str(plan)] if read(plan) > most else []


def counts_in_the_index(house: House, statement: str, bound: Any) -> bool:
    plan = str(explained(house, statement, bound))
    return "USING COVERING INDEX ix_message_broadcast" in plan or "'Index Only Scan'" in plan


def asked(house: House, browser: FlaskClient, path: str) -> list[tuple[str, Any]]:
    """Open a page; return what it asked the database, with what was bound."""
    seen: list[tuple[str, Any]] = []

    def hear(_connection, _cursor, statement, bound, _context, _many):
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append((statement, bound))

    event.listen(house.database.engine, "before_cursor_execute", hear)
    answer = browser.get(f"/console{path}")
    event.remove(house.database.engine, "before_cursor_execute", hear)
    assert 200 == answer.status_code, path
    return seen


def test_no_page_reads_all_that_was_ever_written(city: House):
    browser = bench.log_in(console.make(city).test_client())
    told = {name: asked(city, browser, path) for name, path in bench.PAGES.items()}

    assert all(told.values())
    assert [] == [
        (name, statement)
        for name, statements in told.items()
        for statement, bound in statements
        if too_much(city, statement, bound, MOST_READ + COUNTED.get(name, 0))
    ]


def test_how_a_group_message_stands_is_counted_without_a_look_at_its_messages(city: House):
    """Ten of them, of twenty thousand messages each, stand on one page."""
    browser = bench.log_in(console.make(city).test_client())
    counted = [
        (statement, bound)
        for name in ("broadcasts", "broadcast_live")
        for statement, bound in asked(city, browser, bench.PAGES[name])
        if "GROUP BY message.state" in statement
    ]

    assert 10 < len(counted)
    assert all(counts_in_the_index(city, statement, bound) for statement, bound in counted)
