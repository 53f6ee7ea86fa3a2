"""The default engine: a few threads in this process.

One thread acts on what came in. One asyncio loop sends: a task per sender, which holds that
sender's lease, so that a second process beside this one takes over only when this one dies.
A wake saves the wait; without it the tables are looked at anyway.
"""

from __future__ import annotations

import asyncio
import math
import os
import secrets
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from bot import logs
from bot.channels.base import TELEGRAM, NotUnderstood, SendError
from bot.channels.telegram import Telegram
from bot.channels.twilio import TwilioChannel
from bot.db import AWAY
from bot.engine import reconciling, work
from bot.engine.pulse import Pulse
from bot.engine.pump import POLL, Pump
from bot.house import House
from bot.messaging import delivery, inbox
from bot.messaging.pace import Pace

log = structlog.get_logger()

ASK_FOR_UPDATES = 5
"""Seconds that one question for updates waits; also the rest after a failure."""

REPORTS, REPORTS_EVERY = 100, 0.1
"""Status callbacks that are acted on together, and the seconds between two times."""

THREADS = 8
"""For the transactions around calls, one sender each, and for what is heard."""


class Engine:
    """Acts on the inbox and drains the outbox, in the background, until stopped."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self.stopping = threading.Event()
        self.arrived = threading.Event()
        self.loaded = threading.Event()
        """All that sending needs is in memory."""
        self._reported_at = -math.inf
        self.caught_up = threading.Event()
        self.inbox_thread = threading.Thread(target=self._inbox, name="inbox", daemon=True)
        self.sender_thread = threading.Thread(target=self._senders, name="senders", daemon=True)
        self.pulse = Pulse(house, self.stopping, self.arrived.set)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.pumps: dict[str, Pump] = {}

    def start(self) -> None:
        """Begin to work."""
        self.pulse.thread.start()
        self.inbox_thread.start()
        self.sender_thread.start()

    def stop(self) -> None:
        """Stop: nothing new is begun, calls under way are recorded, leases are let go."""
        self.stopping.set()
        self.wake()
        self.wake_senders()
        for thread in (self.inbox_thread, self.sender_thread, self.pulse.thread):
            if thread.ident is not None:
                thread.join(timeout=delivery.LEASE.total_seconds())

    def wake(self) -> None:
        """Something came in: look now. Called from any thread."""
        self.arrived.set()

    def wake_senders(self, channels: Collection[str] | None = None) -> None:
        """Something was queued for these *channels*, or for any: look now. From any thread."""
        if self.loop is not None and not self.loop.is_closed():
            for name, pump in list(self.pumps.items()):
                if channels is None or name in channels:
                    self.loop.call_soon_threadsafe(pump.wake)

    # -------------------------------------------------------------- what came in

    def _inbox(self) -> None:
        self.pulse.wait()
        while not self.stopping.is_set():
            self.arrived.wait(POLL)
            self.arrived.clear()
            try:
                work.follow_practice_clock(self.house)
                while not self.stopping.is_set() and self._act():
                    pass
            except AWAY:
                self.stopping.wait(POLL)  # said by the database itself
            except Exception:
                log.exception("inbox stalled")
                self.stopping.wait(POLL)

    def _act(self) -> int:
        """Act on some of what came in; return how much. What people do goes first, one by one.

        Looking costs no writer of SQLite its turn.
        """
        with self.house.database.reading() as session:
            people, reports = inbox.waiting(session)
        # What waits behind something else is no reason to leave the reports.
        if people and work.handle_inbox(
            self.house, 1, self._answer_tap, self.wake_senders, reports=False
        ):
            return 1
        if not reports:
            return 0
        # A moment later there are more, for the same commit.
        self.stopping.wait(max(0.0, self._reported_at + REPORTS_EVERY - Pace.clock()))
        self._reported_at = Pace.clock()
        return work.handle_reports(self.house, REPORTS)

    def _answer_tap(self, channel: str, tap: str) -> None:
        """Let the phone stop waiting for its tap. If this is lost, nothing is."""
        bot = self.house.channels.get(channel)
        if isinstance(bot, Telegram) and self.loop is not None and not self.loop.is_closed():
            asyncio.run_coroutine_threadsafe(bot.answer_tap(tap), self.loop)

    # -------------------------------------------------------------- what goes out

    def _senders(self) -> None:
        asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="send"))
        self.pumps = {
            name: Pump(self.house, channel, self.owner, self.stopping, self.pulse)
            for name, channel in self.house.channels.items()
        }
        caught_up = asyncio.create_task(self._catch_up())
        await asyncio.gather(
            self._load(),
            self._telegram_ear(),
            *(self._send(pump, caught_up) for pump in self.pumps.values()),
        )

    async def _load(self) -> None:
        """Load every client now. That takes longer than may pass between gates and call."""
        for channel in self.house.channels.values():
            try:
                await channel.open()
            except Exception as error:
                # Its sender tries it again, and says so.
                log.error("client not loaded", channel=channel.name, fault=logs.fault(error))
        self.loaded.set()

    async def _catch_up(self) -> None:
        """Let a STOP from while we were away count before the first message at Twilio goes."""
        await asyncio.to_thread(self.pulse.wait)
        await reconciling.before_first_send(self.house, self.stopping, self.arrived.set)
        self.caught_up.set()

    async def _telegram_ear(self) -> None:
        """Have Telegram call our door; where it cannot reach that, ask it for updates instead."""
        bot = self.house.channels.get(TELEGRAM)
        if not isinstance(bot, Telegram):
            return
        settings = self.house.settings
        reachable = settings.public_url.startswith("https://") or settings.providers_are_local
        calls_us = bool(settings.telegram_webhook_secret) and reachable
        ready, following = False, 0
        await asyncio.to_thread(self.pulse.wait)
        while not self.stopping.is_set():
            if self.pulse.copy:
                # Of a bot that another installation listens with, its ear is not ours to take.
                await asyncio.sleep(POLL)
                continue
            try:
                if not ready:
                    await self._agree_on_ear(bot, calls_us)
                    ready = True
                if calls_us:
                    return
                for update in await bot.updates(following, timeout=ASK_FOR_UPDATES):
                    await asyncio.to_thread(self._take_in, update)
                    following = int(update["update_id"]) + 1
            except SendError as error:
                log.warning("telegram does not listen", code=error.code, detail=error.detail)
                await asyncio.sleep(error.retry_after or ASK_FOR_UPDATES)
            except AWAY:
                await asyncio.sleep(ASK_FOR_UPDATES)  # said by the database itself
            except Exception as error:
                # What is not stored is asked for again; meanwhile the senders go on.
                log.error("an update could not be stored", fault=logs.fault(error))
                await asyncio.sleep(ASK_FOR_UPDATES)

    async def _agree_on_ear(self, bot: Telegram, calls_us: bool) -> None:
        settings = self.house.settings
        if calls_us:
            url = settings.public_url + "/webhooks/telegram"
            await bot.set_webhook(url, settings.telegram_webhook_secret)
        else:
            await bot.delete_webhook()

    def _take_in(self, update: Any) -> None:
        try:
            with self.house.database.session() as session:
                token = self.house.settings.telegram_bot_token
                inbox.store(session, inbox.from_update(update, token))
        except NotUnderstood as error:
            log.warning("not an event", why=str(error))
        self.arrived.set()

    async def _send(self, pump: Pump, caught_up: asyncio.Task[None]) -> None:
        if isinstance(pump.channel, TwilioChannel):
            await caught_up
        await pump.run()
