"""Structured logs without personal data, on standard error: one event, one line.

Ids, states, counts and codes are logged; names, numbers and texts never are. Our own lines are
written so. What a library logs is not ours to write: of its line only the words that stand in
its own code are kept, never what it fills them with. Of an error only its kind and the places it
passed are kept: its message may quote what a person wrote. Behind that stands a sieve for what
looks like a number, a token or one of our own secrets, should all else fail.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog

Level = Literal["debug", "info", "warning", "error"]

LONGEST = 1000
"""Characters of one value in a line."""

LARGEST_COUNT = 10**9
"""A whole number from here on is rather a phone number or a chat than a count of anything."""

LEAST_SECRET = 6
"""Characters; a shorter setting is a word like any other, and taking it out would blind the log."""

HELD = {
    # It warns of every tick that was still busy when the next was due, which costs nothing.
    "apscheduler": logging.ERROR,
    # It warns of every request that waits for one of its threads, as most do under load.
    "waitress.queue": logging.ERROR,
    # It sets this itself, and then hears of no other level.
    "sqlalchemy": logging.WARNING,
}
"""Libraries with a level of their own, unless all must be told."""

OURS = ("timestamp", "level", "fault", "trace", "at")
"""Keys whose values are made here, of names of files and kinds."""

CALLERS = 4
"""Functions of a library that its words may pass on their way to the log."""

_HOUSE = str(Path(__file__).resolve().parent)

_NUMBER = re.compile(
    # Seven digits or more of any script, with whatever people put among them.
    r"(?:%2[Bb]|[+(])?\d(?:(?:[\s.()/_%\-\u2010-\u2015\u200b-\u200f\u202a-\u202f\u2066-\u2069]|%20){0,4}\d){6,}"
)
_TOKEN = re.compile(r"\b\d{4,12}:[A-Za-z0-9_-]{20,}")
_LINK = re.compile(r"(/a/)[^/?#\s\"']+")
_FILLED_IN = re.compile(r"%(?:\(\w*\))?[-#0 +]*[\d*]*(?:\.[\d*]+)?[a-zA-Z]|\{[^{}]*\}")

_secrets: tuple[str, ...] = ()
_writing = threading.Lock()


class _Out:
    """Writes finished lines; a standard error that is gone stops nobody."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream

    def msg(self, line: str) -> None:
        """Write one line, whole: other threads wait for it."""
        stream = self.stream or sys.stderr
        with _writing:
            try:
                stream.write(line + "\n")
                stream.flush()
            except (OSError, ValueError):
                return

    debug = info = warning = error = critical = exception = fatal = msg


class Library(logging.Handler):
    """Takes the lines of libraries in: their own words stay, what they filled in does not."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record* as one of our lines."""
        try:
            error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
            structlog.get_logger().log(
                min(max(record.levelno, logging.DEBUG), logging.CRITICAL) // 10 * 10,
                own_words(record) or "words left out",
                logger=record.name,
                at=f"{record.module}:{record.lineno}",
                **(_of(error) if error is not None else {}),
            )
        except Exception:  # a log must not be what stops the work
            return


def configure(level: Level = "info", secrets: Iterable[str] = ()) -> None:
    """Send every log line to standard error; never anything of *secrets*, whoever logs it.

    Libraries speak from a warning on; at ``debug`` all of them say all they do.
    """
    global _secrets
    own = {secret for secret in secrets if len(secret) >= LEAST_SECRET}
    _secrets = tuple(sorted(own, key=len, reverse=True))
    number: int = getattr(logging, level.upper())
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, Library)]:
        root.removeHandler(handler)
    root.addHandler(Library())
    debug = number <= logging.DEBUG
    root.setLevel(logging.DEBUG if debug else max(number, logging.WARNING))
    for name, least in HELD.items():
        logging.getLogger(name).setLevel(logging.NOTSET if debug else least)
    logging.raiseExceptions = False  # else a line that cannot be formatted is printed raw
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _places,
            hide,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Out(),
    )


def watch() -> None:
    """Let what nobody caught end up in the log, instead of in a traceback with its words.

    For a process of ours from its start; a test runner has hooks of its own.
    """
    log = structlog.get_logger()

    def uncaught(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt | SystemExit):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("nobody caught this", **_of(error))

    def in_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
            log.critical("nobody caught this in a thread", **_of(told.exc_value))

    def unraisable(told: sys.UnraisableHookArgs) -> None:
        if told.exc_value is not None:
            log.error("nobody could be told of this", **_of(told.exc_value))

    def warned(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        log.warning("warned", kind=category.__name__, at=f"{Path(filename).name}:{lineno}")

    sys.excepthook = uncaught
    sys.unraisablehook = unraisable
    threading.excepthook = in_thread
    warnings.showwarning = warned


def fault(error: BaseException) -> str:
    """Name the kind of *error* and the line of ours it came from, never its own text.

    That may quote what a person wrote: ``int("ik ben ziek")`` says so in its message. A
    database's own code for it, which is one of a list, is added.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_HOUSE)] or frames
    said = type(error).__name__
    if ours:
        said += f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}"
    raised = getattr(error, "orig", None)
    code = getattr(raised, "sqlstate", None) or getattr(raised, "sqlite_errorname", None)
    return f"{said} ({code})" if code else said


def own_words(record: logging.LogRecord) -> str:
    """Return the words of *record* that stand in the code that logs it; empty if none do.

    A library may fill a text in by ``%s``, or before it logs it: then it is nowhere in its code.
    It may log by way of a function of its own, so those that called it are looked at too.
    """
    said, frame = record.msg, sys._getframe()
    if not isinstance(said, str):
        return ""
    while frame.f_code.co_filename != record.pathname or frame.f_lineno != record.lineno:
        if frame.f_back is None:
            return ""
        frame = frame.f_back
    for _ in range(CALLERS):
        if said in frame.f_code.co_consts or any(said is v for v in frame.f_globals.values()):
            return _FILLED_IN.sub("…", said)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""


def _places(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put the places of an error where its traceback would have been."""
    told = event.pop("exc_info", None)
    if told:
        error = told if isinstance(told, BaseException) else sys.exc_info()[1]
        if isinstance(told, tuple):
            error = told[1]
        if error is not None:
            event.update(_of(error))
    return event


def _of(error: BaseException) -> dict[str, str]:
    """Return what may be said of *error*: its kind, what it came of, and the way it went."""
    kinds: list[str] = []
    following = error.__cause__ or error.__context__
    while following is not None and len(kinds) < 5:
        kinds.append(type(following).__name__)
        following = following.__cause__ or following.__context__
    places = [
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    told = {"fault": fault(error), "trace": " > ".join(places[-30:])}
    return {**told, "cause": " < ".join(kinds)} if kinds else told


def hide(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Make every value of a line safe: no number, token or secret, and no second line."""
    for key, value in event.items():
        if key in OURS or value is None or isinstance(value, bool | float):
            continue
        if isinstance(value, int):
            event[key] = value if abs(value) < LARGEST_COUNT else "<number>"
        elif isinstance(value, BaseException):
            event[key] = fault(value)
        else:
            event[key] = tame(str(value))
    return event


def tame(text: str) -> str:
    """Return *text* on one line, without what looks like a secret or a number.

    What steers a terminal or turns the direction of reading is written out.
    """
    for secret in _secrets:
        text = text.replace(secret, "<secret>")
    text = _LINK.sub(r"\1<code>", _TOKEN.sub("<token>", text))
    text = _NUMBER.sub("<number>", text)
    if not text.isprintable():
        text = "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
        )
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
