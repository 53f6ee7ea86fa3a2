"""The pump of one sender: what is due goes out at its pace, and what came of it is recorded.

Commits must not bound the pace, so one transaction does what the protocol asks around a small
batch of calls: it records what the last ones came to, renews the lease, claims what is due and
checks its gates. The calls themselves are made one by one, each at its own turn and each within a
second of its gates.
"""

from __future__ import annotations

import asyncio
import bisect
import math
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import structlog
from sqlalchemy.orm import Session

from bot import logs
from bot.channels.base import LEFT, Cause, Certainty, Channel, SendError
from bot.db import AWAY
from bot.engine.pulse import Pulse
from bot.house import House
from bot.messaging import breaker, delivery, spool
from bot.messaging.delivery import Outcome, Prepared, Taken
from bot.messaging.pace import Pace, Place
from bot.outreach import aftermath, tasks

log = structlog.get_logger()

POLL = 1.0
"""Seconds after which the tables are looked at unasked."""

WAIT = 5.0
"""Seconds that a transaction waits for another writer; then what calls came to goes to the disk."""

BATCH = 0.1
"""Seconds of the pace that one transaction prepares."""

AHEAD = 0.06
"""Seconds of the pace that are still prepared when the next transaction begins."""

AHEAD_AT_MOST = 0.15
"""The same where transactions take long: the next one must be done before all is called."""

TICK = 0.004
"""Least seconds between two looks at the pace: turns that are nearer are taken together."""

RECORD = 0.1
"""Most seconds that what a call came to waits for the transaction that records it."""

ALIVE_FOR = 5.0
"""Seconds for which a provider's answer that it is there counts."""

NOTHING = Taken([], [], any=False)


class Pump:
    """Drains the sender of one channel for as long as it holds its lease. For one event loop."""

    def __init__(
        self,
        house: House,
        channel: Channel,
        owner: str,
        stopping: threading.Event,
        pulse: Pulse,
    ) -> None:
        self.pulse = pulse
        self.house, self.channel, self.owner = house, channel, owner
        self.pace = Pace(getattr(house.settings, f"pace_{channel.name}"))
        self.ready: list[Prepared] = []
        """In the order in which they are called."""
        self.under_way: set[asyncio.Task[None]] = set()
        self.outcomes: list[tuple[Prepared, Outcome]] = []
        self._stopping = stopping
        self._oldest = 0.0
        self._due = True
        """Whether anything may be due; what is planned by others is found by looking."""
        self._ill = 0
        """Calls in a row that failed, and of which the breaker does not know yet."""
        self._ailing = False
        """Whether the last calls failed: then each outcome counts for the breaker."""
        self._broken = False
        """Whether the breaker is open: then one message at a time is tried."""
        self._asks = False
        """Whether to ask the provider first."""
        self._opened_at = self._alive_at = -math.inf
        self._took: deque[float] = deque([0.0], maxlen=20)
        """Seconds of the last transactions."""
        self._changed = asyncio.Event()
        self._more = asyncio.Event()

    def wake(self) -> None:
        """Something may be due. For its own event loop."""
        self._due = True
        self._changed.set()

    async def run(self) -> None:
        """Send until told to stop; then let the calls under way end, and the sender go."""
        calling = asyncio.create_task(self._call_all())
        try:
            while not self._stopping.is_set():
                try:
                    # Loading a client takes longer than may pass between gates and call.
                    await self.channel.open()
                    await self._step()
                except AWAY:
                    await asyncio.sleep(POLL)
                    continue
                except Exception:
                    log.exception("sender stalled", channel=self.channel.name)
                    await asyncio.sleep(POLL)
                    continue
                await self._rest()
        finally:
            calling.cancel()
            with suppress(asyncio.CancelledError):
                await calling
            await self._end()

    async def _end(self) -> None:
        self.outcomes += [(prepared, None) for prepared in self.ready]
        self.ready = []
        if self.under_way:
            await asyncio.wait(self.under_way)
        try:
            await asyncio.to_thread(self._work, self.outcomes, 0, 0)
            await asyncio.to_thread(self._release)
        except AWAY:
            pass  # what calls came to is on the disk, and the lease runs out
        finally:
            await self.channel.close()

    # -------------------------------------------------------------- calls

    async def _call_all(self) -> None:
        """Call what is ready, in order, each at its turn."""
        while True:
            if not self.ready or self._held_up():
                self._more.clear()
                await self._more.wait()
                continue
            wait = self.pace.wait(self.ready[0].turns)
            if wait > 0:
                await asyncio.sleep(max(wait, TICK))
                continue  # an answer may have come before it
            while self.ready and not self._held_up() and self.pace.wait(self.ready[0].turns) <= 0:
                prepared = self.ready.pop(0)
                if not prepared.in_time:
                    self._came_to(prepared, None)
                    continue
                place = self.pace.take(prepared.turns)
                call = asyncio.create_task(self._call(prepared, place))
                self.under_way.add(call)
                call.add_done_callback(self._called)

    async def _call(self, prepared: Prepared, place: Place) -> None:
        outcome: Outcome = None
        LEFT.set(place.left)
        try:
            if prepared.in_time:
                outcome = await self.channel.send(prepared.outgoing)
        except SendError as error:
            outcome = error
            log.info(
                "not accepted",
                message=prepared.outgoing.message,
                certainty=error.certainty.value,
                cause=error.cause.value,
                code=error.code,
            )
        except Exception as error:
            # A fault of ours after the call may have begun: nobody can say it did not go.
            log.error(
                "send failed in a way nobody foresaw",
                message=prepared.outgoing.message,
                fault=logs.fault(error),
            )
            outcome = SendError(Certainty.UNKNOWN, Cause.OUR_FAULT, detail=type(error).__name__)
        finally:
            place.left()
        self._came_to(prepared, outcome)

    def _called(self, call: asyncio.Task[None]) -> None:
        was_full = self._free() <= 0
        self.under_way.discard(call)
        if was_full or not self.under_way:
            self._more.set()
            self._changed.set()

    def _came_to(self, prepared: Prepared, outcome: Outcome) -> None:
        if not self.outcomes:
            self._oldest = Pace.clock()
            self._changed.set()
        self.outcomes.append((prepared, outcome))
        if outcome is not None:
            self._ill = self._ill + 1 if isinstance(outcome, SendError) and outcome.ill else 0
        if self._ill >= breaker.RUN:
            self._oldest = -math.inf  # the breaker is to know at once
            self._changed.set()

    # -------------------------------------------------------------- transactions

    async def _step(self) -> None:
        """Record and prepare, in one transaction."""
        turns, outcomes, due = self._room(), self.outcomes, self._due
        limit = min(turns, self._free())
        self.outcomes, began = [], Pace.clock()
        if limit > 0:
            self._due = False
        try:
            taken = await asyncio.to_thread(self._work, outcomes, turns, limit)
        except BaseException:
            self.outcomes, self._due = outcomes + self.outcomes, due
            raise
        self._took.append(Pace.clock() - began)
        if not self.outcomes:
            self._ill = 0  # the breaker has them all
        if self._asks:
            await self._ask()
        self._due = self._due or taken.any
        for prepared in taken.prepared:
            bisect.insort(self.ready, prepared, key=lambda each: each.priority)
        if self.ready:
            self._more.set()

    async def _ask(self) -> None:
        """Ask a provider that failed whether it is there: no message need become unknown for it."""
        self._asks = False
        try:
            await self.channel.alive()
        except Exception as error:
            if not isinstance(error, SendError):
                log.error("nobody knows how the channel is", fault=logs.fault(error))
                error = SendError(Certainty.UNKNOWN, Cause.OUR_FAULT, detail=type(error).__name__)
            if error.ill:
                await asyncio.to_thread(self._feel_alone, error)
                return
        self._alive_at, self._due = Pace.clock(), True

    async def _rest(self) -> None:
        """Wait until there is something to record, or room for what may be due."""
        look = Pace.clock() + POLL
        while not self._stopping.is_set():
            until = look
            if self.outcomes:
                alone = not self.ready and not self.under_way
                until = min(until, self._oldest + (0 if alone else RECORD))
            if self._due and self._free() > 0:
                until = min(until, Pace.clock() + self._prepared_for() - self._ahead())
            wait = until - Pace.clock()
            if wait <= 0:
                break
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)
        if Pace.clock() >= look:
            self._due = True

    def _ahead(self) -> float:
        """Return how many seconds of the pace must be left when a transaction begins."""
        return min(AHEAD_AT_MOST, max(AHEAD, *self._took))

    def _prepared_for(self) -> float:
        """Return for how many seconds the pace has enough."""
        return self.pace.wait() + self.pace.gap * sum(each.turns for each in self.ready)

    def _held_up(self) -> bool:
        """Say whether nothing may be called now: too much is under way, or too much failed for
        more to be tried before the breaker knows.
        """
        return len(self.under_way) >= self.channel.at_once or self._ill >= breaker.RUN

    def _free(self) -> int:
        """Return how many more calls may be prepared.

        Where half of what the provider can be given is under way, or calls fail, it is slow: what
        is ready then must fit beside that, or it would wait until its gates have to be looked at
        again.
        """
        slow = len(self.under_way) > self.channel.at_once / 2 or self._ill > 0 or self._ailing
        return self.channel.at_once - len(self.under_way) - (len(self.ready) if slow else 0)

    def _room(self) -> int:
        """Return how many turns to prepare now: none while enough is left of the last ones."""
        lacking = self._ahead() + BATCH - self._prepared_for()
        if not self._due or lacking < BATCH / 2:
            return 0
        if self._broken:
            return int(not self.ready and not self.under_way)
        return max(1, int(lacking / self.pace.gap))

    # The rest runs in a thread, one at a time.

    def _work(self, outcomes: list[tuple[Prepared, Outcome]], turns: int, limit: int) -> Taken:
        """Record *outcomes*, and prepare up to *limit* messages that take up to *turns*."""
        database, channel = self.house.database, self.channel.name
        if limit <= 0 and not outcomes:
            return NOTHING
        if not outcomes:
            with database.reading() as session:
                if not delivery.may_hold(session, channel, self.owner):
                    return NOTHING
                if not delivery.anything_due(session, channel):
                    return NOTHING
        try:
            with database.session(wait=WAIT) as session:
                self._record(session, outcomes)
                limit = self._may_take(session, limit)
                if limit <= 0:
                    return NOTHING
                taken = delivery.take(session, self.house, channel, limit, turns)
                for message in taken.news:
                    aftermath.not_arrived(session, self.house, message)
            return taken
        except AWAY:
            self._keep(outcomes)
            raise
        except Exception as error:
            log.error("one by one", channel=channel, fault=logs.fault(error))
        for each in outcomes:
            self._record_alone(each)
        return self._take_alone(limit)

    def _keep(self, outcomes: list[tuple[Prepared, Outcome]]) -> None:
        """Keep on disk what calls came to: this process may end before the database is back."""
        for prepared, outcome in outcomes:
            sent, identity = prepared.outgoing, self.pulse.seen.identity
            try:
                self.pulse.spool.keep(
                    spool.outcome(identity, sent.message, sent.attempt, prepared.epoch, outcome)
                )
            except OSError as error:
                log.error("neither database nor disk", fault=logs.fault(error))
                return

    def _record(self, session: Session, outcomes: list[tuple[Prepared, Outcome]]) -> None:
        for failed in delivery.settle_all(session, self.house, outcomes):
            aftermath.not_arrived(session, self.house, failed)
        # Not what was under way when the breaker opened.
        came_to = [outcome for prepared, outcome in outcomes if prepared.checked > self._opened_at]
        if self._ailing or any(isinstance(each, SendError) and each.ill for each in came_to):
            self._feel(session, came_to)

    def _feel(self, session: Session, came_to: Sequence[Outcome]) -> None:
        """Let the breaker take in what calls came to, and tell staff if it turns."""
        channel = self.channel.name
        turn = breaker.feel(session, channel, came_to)
        if turn is breaker.Turn.OPENED:
            cause = delivery.sender_of(session, channel).pause_cause or ""
            waiting = delivery.waiting(session, channel)
            tasks.channel_down(session, channel, cause, waiting)
            self._opened_at = Pace.clock()
            log.error("channel down", channel=channel, cause=cause, waiting=waiting)
        elif turn is breaker.Turn.CLOSED:
            tasks.channel_up(session, channel)
            log.warning("channel up again", channel=channel)

    def _feel_alone(self, error: SendError) -> None:
        with self.house.database.session() as session:
            self._feel(session, [error])

    def _may_take(self, session: Session, limit: int) -> int:
        """Return how many of *limit* messages may be taken now."""
        if limit <= 0 or not self.pulse.may_send(session):
            return 0
        sender = delivery.held(session, self.channel.name, self.owner)
        if sender is None:
            return 0
        self._ailing, self._broken = sender.failures > 0, sender.broken_since is not None
        self._asks = self._broken and Pace.clock() - self._alive_at > ALIVE_FOR
        if self._asks:
            return 0
        return 1 if self._broken else limit

    def _record_alone(self, outcome: tuple[Prepared, Outcome]) -> None:
        """Record one outcome. If that cannot be done its lease runs out, and it is unknown."""
        try:
            with self.house.database.session() as session:
                self._record(session, [outcome])
        except AWAY:
            raise
        except Exception as error:
            message = outcome[0].outgoing.message
            log.error("outcome not recorded", message=message, fault=logs.fault(error))

    def _take_alone(self, limit: int) -> Taken:
        """Claim, and prepare each by itself: one that cannot be prepared takes no other down."""
        database, channel = self.house.database, self.channel.name
        with database.session() as session:
            limit = self._may_take(session, limit)
            if limit <= 0:
                return NOTHING
            claimed = delivery.claim(session, channel, limit)
        taken = Taken([], [], any=bool(claimed))
        for message, epoch in claimed:
            try:
                with database.session() as session:
                    prepared, held = delivery.prepare(session, self.house, message, epoch)
                    if held is not None:
                        aftermath.not_arrived(session, self.house, held)
            except AWAY:
                # What is claimed is free again when its lease ends; the others were checked.
                return taken
            except Exception as error:
                log.error("message set aside", message=message, fault=logs.fault(error))
                self._set_aside(message, epoch)
                continue
            if prepared is not None:
                taken.prepared.append(prepared)
        return taken

    def _set_aside(self, message: int, epoch: int) -> None:
        with self.house.database.session() as session:
            held = delivery.set_aside(session, message, epoch)
            if held is not None:
                tasks.not_delivered(session, held)

    def _release(self) -> None:
        with self.house.database.session() as session:
            delivery.release(session, self.channel.name, self.owner)
