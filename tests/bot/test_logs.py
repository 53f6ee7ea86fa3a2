"""What stands in a log: where, what kind and how many; never who, or what a person wrote."""

import logging
import re
import sys

import pytest
import structlog
from sqlalchemy import insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from bot import logs, moments
from bot.channels import numbers
from bot.db import Database
from bot.messaging import inbox
from bot.models.people import Address

WORDS = "kanariezin over ziekte"


def test_a_fault_names_the_line_of_ours_and_quotes_nobody():
    """`int("ik ben ziek")` says so in its message."""
    try:
        numbers.canonical(WORDS)
    except numbers.BadNumber as error:
        said = logs.fault(error)

    assert said.startswith("BadNumber at numbers.py:")
    assert WORDS not in said


def test_a_fault_deep_in_a_library_names_the_line_of_ours_that_led_there(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/without-tables.db")
    try:
        with database.session() as session:
            inbox.next_event(session)
    except SQLAlchemyError as error:
        said = logs.fault(error)
    database.close()

    assert said.startswith("OperationalError at inbox.py:")


def test_a_fault_that_was_never_raised_has_only_a_kind():
    assert "ValueError" == logs.fault(ValueError(WORDS))


def test_the_databases_own_errors_hide_what_was_to_be_stored(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/nothing.db")
    try:
        with database.session() as session:
            session.execute(text("INSERT INTO nowhere VALUES (:words)"), {"words": WORDS})
    except SQLAlchemyError as error:
        said = str(error)
    database.close()

    assert "nowhere" in said
    assert WORDS not in said


# ------------------------------------------------------------------ what a line holds

NUMBERS = (
    "+31697000001",
    "0031697000001",
    "0697000001",
    "06-97000001",
    "06 97 00 00 01",
    "+31 (0)6 97 00 00 01",
    "(06) 97.00.00.01",
    "whatsapp:+31697000001",
    "tel:+31697000001",
    "%2B31697000001",
    "+31%20697%20000%20001",
    "٠٦٩٧٠٠٠٠٠١",
    "۰۶۹۷۰۰۰۰۰۱",
    "\u202a+31 6 9700 0001\u202c",
    "06\u00a097\u00a000\u00a000\u00a001",
    "31697000001",
    "nummer31697000001",
)


@pytest.mark.parametrize("spelt", NUMBERS)
def test_a_number_is_taken_out_however_it_is_spelt(logged, spelt):
    structlog.get_logger().info("something", value=f"van {spelt} naar ons", whole=31697000001)

    value = logged().partition("value=")[2].partition(" whole=")[0]
    assert "<number>" in value
    assert not any(each.isdigit() for each in re.sub(r"\\u202[ac]", "", value))
    assert "whole=<number>" in logged()


def test_ids_and_counts_stay(logged):
    """A log from which all figures are gone helps nobody."""
    structlog.get_logger().info("something", message=1234567, code="30003", seconds=0.25)

    assert "message=1234567 code=30003 seconds=0.25" in logged()


def test_a_secret_of_ours_is_taken_out_whoever_logs_it(logged):
    logs.configure("debug", ["s3cret/word", "s3cret%2Fword"])

    structlog.get_logger().info("one", value="s3cret/word")
    structlog.get_logger().info("two", value={"in": ["s3cret%2Fword"]})
    structlog.get_logger().info("three", value="1000:fictional-token-of-nobody")
    structlog.get_logger().info("four", value="GET /a/K7Q2ABCD34?lang=ti")

    assert 2 == logged().count("<secret>")
    assert "<token>" in logged()
    assert "/a/<code>?lang=ti" in logged()
    assert "s3cret" not in logged()


def test_one_event_is_one_line_whatever_is_in_it(logged):
    """Or whoever writes to us writes our log: a forged line, or a terminal that is steered."""
    structlog.get_logger().info("x", value='a\r\nlevel=info event="niets aan de hand"\x1b[2J\u202e')
    logging.getLogger("library").warning("b\r\nc\x1b[31m")

    lines = logged().splitlines()
    assert 2 == len(lines)
    assert not any(each in logged() for each in ("\r", "\x1b", "\u202e"))
    assert "\\\\r\\\\n" in lines[0]


def test_a_library_keeps_its_own_words_and_nothing_that_it_fills_in(logged):
    library, name = logging.getLogger("a.library"), "Kanarie"
    library.warning("could not write to %s of %d", name, 31697000001)
    library.warning(f"could not write to {name}")
    library.debug(f"to {name} of {1}")
    log_through_a_helper(library, "by way of %s", name)

    lines = logged().splitlines()
    assert "Kanarie" not in logged()
    assert 'event="could not write to … of …"' in lines[0]
    assert [True, True] == ['event="words left out"' in line for line in lines[1:3]]
    assert 'event="by way of …"' in lines[3]
    assert all("logger=a.library at=test_logs:" in line for line in lines)


def log_through_a_helper(library, words, *given):
    library.warning(words, *given)


def test_an_error_is_told_by_its_kind_and_its_places(logged):
    """Its own words may be a person's, also those of the error that it came of."""
    log = structlog.get_logger()
    try:
        try:
            int(WORDS)
        except ValueError as error:
            raise RuntimeError(f"cannot read {WORDS}") from error
    except RuntimeError:
        log.exception("ours")
        logging.getLogger("a.library").exception("theirs")
        log.info("given", error=ValueError(WORDS))

    ours, theirs, given = logged().splitlines()
    assert WORDS not in logged()
    for line in (ours, theirs):
        assert 'fault="RuntimeError at test_logs.py:' in line
        assert "cause=ValueError" in line
    assert given.endswith("error=ValueError")


@pytest.mark.postgres
def test_what_the_database_refuses_is_not_repeated(logged, postgres_url):
    """PostgreSQL says of a double key which key that is."""
    database = Database(postgres_url)
    row = {"channel": "sms", "address": WORDS, "state": "open", "created_at": moments.now()}
    try:
        with database.session() as session:
            session.execute(insert(Address), [row])
            session.execute(insert(Address), [row])
    except SQLAlchemyError:
        structlog.get_logger().exception("refused")
    with database.session() as session:
        session.execute(insert(Address), [row])
        session.scalars(select(Address)).all()
    database.close()

    assert WORDS not in logged()
    assert "(23505)" in logged()
    assert "INSERT INTO" not in logged()
    assert "logger=sqlalchemy.engine.Engine" in logged()


def test_a_standard_error_that_is_gone_stops_nobody(logged, monkeypatch):
    class Gone:
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    structlog.get_logger().info("x")
    logging.getLogger("a.library").warning("y %s", "z")
