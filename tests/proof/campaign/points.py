"""Where a process dies: functions are wrapped in the one that is to be killed, and only there."""

from __future__ import annotations

import os
import random
import signal
import threading
from asyncio import selector_events
from collections.abc import Callable
from typing import Any, NoReturn

import aiohttp
from httpcore._async import http11
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot.channels.telegram import Telegram
from bot.channels.twilio import TwilioChannel
from bot.conversation import converse
from bot.db import Database
from bot.house import House
from bot.messaging import delivery, inbox
from bot.messaging.spool import Spool
from proof.clocks import replace
from webhooks.keeper import Keeper

BY_PROVIDER = "taken by the provider, before the answer"

_calling = threading.local()


def die() -> None:
    """Be gone, with no time for anything."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str, house: House, then: Callable[[], None] = die) -> None:
    """Do *then* when this process comes to *point*, the first time."""
    {**POINTS, **DOORS}[point](house, then)


def _before(function: Any, then: Callable[[], None]) -> None:
    def wrapped(*given: Any, **more: Any) -> Any:
        then()
        return function(*given, **more)

    replace(function, wrapped)


def _after(function: Any, then: Callable[[], None], truthy: bool = True) -> None:
    def wrapped(*given: Any, **more: Any) -> Any:
        result = function(*given, **more)
        if result or not truthy:
            then()
        return result

    replace(function, wrapped)


def _once_committed(function: Any, then: Callable[[], None]) -> None:
    """Do *then* right after the commit of the transaction in which *function* found something."""

    def wrapped(session: Session, *given: Any, **more: Any) -> Any:
        result = function(session, *given, **more)
        if _found(result):
            event.listen(session, "after_commit", lambda _session: then(), once=True)
        return result

    replace(function, wrapped)


def _found(result: Any) -> bool:
    """Say whether *result* of a claim or of the gates has anything to hand over in it."""
    if isinstance(result, delivery.Taken):
        return bool(result.prepared)
    return bool(result[0]) if isinstance(result, tuple) else bool(result)


def _when_found(function: Any, then: Callable[[], None]) -> None:
    def wrapped(*given: Any, **more: Any) -> Any:
        result = function(*given, **more)
        if _found(result):
            then()
        return result

    replace(function, wrapped)


def _recorded(then: Callable[[Session], None]) -> None:
    """Do *then* in the transaction that records what a call came to."""
    real = delivery.settle_all

    def wrapped(session: Session, house: House, outcomes: Any) -> Any:
        failed = real(session, house, outcomes)
        if outcomes:
            then(session)
        return failed

    replace(real, wrapped)


def _record_committed(_house: House, then: Callable[[], None]) -> None:
    _recorded(lambda session: event.listen(session, "after_commit", lambda _: then(), once=True))


def _kept_instead(_house: House, then: Callable[[], None]) -> None:
    """The database is away when an outcome is to be recorded: it goes to the disk.

    What waits there from before is put in all the same: the pulse does that, before all else.
    """
    _recorded(lambda _session: None if _is_pulse() else _unavailable())
    _then_kept(then)


def _is_pulse() -> bool:
    return threading.current_thread().name == "pulse"


def _alone(arm_: Callable[[Callable[[], None]], None]) -> Callable[..., None]:
    """Let no batch succeed as a whole: each message of it is taken, and recorded, by itself."""

    def armed(_house: House, then: Callable[[], None]) -> None:
        real = delivery.settle_all

        def settle_all(session: Session, house: House, outcomes: Any) -> Any:
            if len(outcomes) > 1:
                raise ValueError("not all at once")
            return real(session, house, outcomes)

        def take(*_given: Any, **_more: Any) -> Any:
            raise ValueError("not all at once")

        replace(real, settle_all)
        replace(delivery.take, take)
        arm_(then)

    return armed


def _mark_calls() -> None:
    for channel in (TwilioChannel, Telegram):
        _mark(channel)


def _mark(channel: Any) -> None:
    real = channel.send

    async def send(self: Any, outgoing: Any) -> str:
        _calling.now = True
        try:
            return await real(self, outgoing)
        finally:
            _calling.now = False

    channel.send = send


def _mid_connect(_house: House, then: Callable[[], None]) -> None:
    _mark_calls()
    loop: Any = selector_events.BaseSelectorEventLoop
    real = loop._sock_connect

    def connect(self: Any, *given: Any) -> Any:
        result = real(self, *given)
        if getattr(_calling, "now", False):
            then()  # the greeting is under way, and nothing is said yet
        return result

    loop._sock_connect = connect


def _bytes_written(_house: House, then: Callable[[], None]) -> None:
    _mark_calls()
    theirs: Any = aiohttp.ClientRequest
    write_bytes = theirs.write_bytes

    async def written(self: Any, *given: Any, **more: Any) -> None:
        await write_bytes(self, *given, **more)
        if getattr(_calling, "now", False):
            then()

    theirs.write_bytes = written
    telegrams: Any = http11.AsyncHTTP11Connection
    send_body = telegrams._send_request_body

    async def sent(self: Any, *given: Any, **more: Any) -> None:
        await send_body(self, *given, **more)
        if getattr(_calling, "now", False):
            then()

    telegrams._send_request_body = sent


def _answer_read(_house: House, then: Callable[[], None]) -> None:
    for channel in (TwilioChannel, Telegram):
        _then_die(channel, then)


def _then_die(channel: Any, then: Callable[[], None]) -> None:
    real = channel.send

    async def send(self: Any, outgoing: Any) -> str:
        try:
            return await real(self, outgoing)
        finally:
            then()

    channel.send = send


POINTS: dict[str, Callable[[House, Callable[[], None]], None]] = {
    # On the way out, in order.
    "before the claim": lambda house, then: _before(delivery.take, then),
    "claimed, before the gates": lambda house, then: _before(delivery._prepare, then),
    "gates checked, before the commit": lambda house, then: _when_found(delivery.take, then),
    "after the commit of sending": lambda house, then: _once_committed(delivery.take, then),
    "mid-connect": _mid_connect,
    "after the request was written": _bytes_written,
    BY_PROVIDER: lambda house, then: None,  # the provider does it
    "answer read, before the record": _answer_read,
    "on the disk, in place of the record": _kept_instead,
    "recorded, before the commit": lambda house, then: _recorded(lambda _: then()),
    "after the record's commit": _record_committed,
    # The same where a batch failed as a whole and each message goes by itself.
    "alone: after the claim's commit": _alone(
        lambda then: _once_committed(delivery.claim, then),
    ),
    "alone: gates checked, before the commit": _alone(
        lambda then: _when_found(delivery.prepare, then),
    ),
    "alone: after the commit of sending": _alone(
        lambda then: _once_committed(delivery.prepare, then),
    ),
    "alone: recorded, before the commit": _alone(lambda then: _recorded(lambda _: then())),
}

STOPPABLE = (
    "alone: after the claim's commit",
    "after the commit of sending",
    "answer read, before the record",
)
"""Where a process may stand still without keeping a transaction open."""


def _arrived(then: Callable[[], None]) -> None:
    """Do *then* when a webhook is let in, before anything is done about it."""
    real = Keeper.keep

    def keep(self: Keeper, arrival: Any) -> None:
        then()
        real(self, arrival)

    Keeper.keep = keep  # type: ignore[method-assign]


def _some_moment(_house: House, then: Callable[[], None]) -> None:
    """Within the insert, its commit or the answer: as it comes."""
    _arrived(lambda: threading.Timer(random.uniform(0.0, 0.004), then).start())


def _in_a_transaction(_house: House, then: Callable[[], None]) -> None:
    replace(inbox.stands_alone, lambda _arrival: False)
    _after(inbox.store, then)


def _on_the_disk(_house: House, then: Callable[[], None]) -> None:
    Database.insert_alone = lambda *_given, **_more: _unavailable()  # type: ignore[method-assign]
    _then_kept(then)


def _then_kept(then: Callable[[], None]) -> None:
    keep = Spool.keep

    def kept(self: Spool, entry: Any) -> None:
        keep(self, entry)
        then()

    Spool.keep = kept  # type: ignore[method-assign]


def _unavailable() -> NoReturn:
    raise OperationalError("INSERT", {}, Exception("the database is away"))


BY_WAKE = "committed, before the answer"

DOORS: dict[str, Callable[[House, Callable[[], None]], None]] = {
    # Between a webhook's arrival and its answer, and after it.
    "arrived, before the insert": lambda house, then: _arrived(then),
    "inserted, before the commit": _in_a_transaction,
    "some moment of the insert": _some_moment,
    BY_WAKE: lambda house, then: None,  # the doors are given it as what wakes the worker
    "on the disk, before the answer": _on_the_disk,
    "acted on, before the commit": lambda house, then: _after(converse.handle, then, truthy=False),
}
