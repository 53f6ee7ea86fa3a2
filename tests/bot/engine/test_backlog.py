"""The clock stood still for hours or days: what is late goes at the pace, what is stale not."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from channel_server import running
from post_office import TUESDAY
from sqlalchemy import String, cast, select
from test_pump import Script, at_rest, make_office, pumping, until

from bot import moments
from bot.engine import work
from bot.models.afspraken import Afspraak
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.outreach import afspraken

__all__ = ["make_office"]

PACE = 20
MEASURED = 0.02
"""Seconds that the receiver may see two messages closer than they were sent."""


@dataclass
class Watch(Script):
    """Notes when each message came."""

    came: list[float] = field(default_factory=list)

    async def end(self, writer: asyncio.StreamWriter) -> None:
        if not self.calls[-1].line.startswith("GET"):
            self.came.append(time.monotonic())
        await super().end(writer)


def town(office) -> None:
    """Sixty people: one afspraak each, from this afternoon until ten days on."""
    for number in range(60):
        person = office.person(f"N{number}", address=f"+316970001{number:02}")
        begins = TUESDAY + timedelta(hours=4 * (number + 1))
        with office.database.session() as session:
            afspraken.record(
                session, office.house, kenmerk=f"A{number}",
                person=session.get_one(Inburgeraar, person), begins=begins, minutes=60, soort=None,
                place="Wijkcentrum", address=None, staff=None, status="gepland",
            )  # fmt: skip


@pytest.mark.parametrize("off", [timedelta(hours=6), timedelta(days=3)], ids=["6 hours", "3 days"])
def test_after_the_clock_stood_still_nothing_stale_goes_and_nothing_faster_than_the_pace(
    make_office, off
):
    provider = Watch()

    async def play():
        async with running(provider):
            office = make_office(
                twilio_api_url=provider.url, twilio_content_url=provider.url, pace_sms=PACE
            )
            await asyncio.to_thread(town, office)
            before = await asyncio.to_thread(work.remind, office.house, 200)
            office.pass_(seconds=off.total_seconds())
            late = await asyncio.to_thread(work.remind, office.house, 200)
            assert late > 0
            async with pumping(office):
                await until(lambda: at_rest(office, None))
            return office, before

    office, _ = asyncio.run(play())
    back = moments.now()
    rows = office.read(
        lambda s: s.execute(
            select(
                Message.id, Message.state, Message.occasion, Afspraak.begins, Message.person_id
            ).join(Afspraak, Message.about == "afspraak:" + cast(Afspraak.id, String))
        ).all()
    )
    went = [row for row in rows if row.state == "accepted"]

    assert sorted(provider.sent) == sorted(row.id for row in went)
    assert len(went) > PACE, "that is more than a second of the pace"
    assert all(row.begins > back - timedelta(minutes=1) for row in went), "nothing once it began"
    assert {row.state for row in rows} <= {"accepted", "expired", "cancelled"}
    people = [row.person_id for row in went]
    assert len(set(people)) == len(people), "and nobody hears two things at once"
    came = provider.came
    for first, after in zip(came, came[PACE:], strict=False):
        assert after - first >= 1 - MEASURED


def test_who_comes_back_at_night_writes_to_nobody_before_the_morning(make_office):
    """The backlog of a day waits for nine o'clock, and what is of no use by then is let go of."""
    office = make_office(quiet_hours="20:00-09:00")
    town(office)
    office.at(moments.from_local(datetime(2026, 12, 2, 23, 0)))
    work.remind(office.house, 200)

    for message, epoch in office.claim(limit=100):
        assert office.prepare(message, epoch) is None
    waits = office.read(
        lambda s: s.execute(select(Message.not_before, Message.state, Message.expires_at)).all()
    )
    assert {"planned", "blocked", "expired"} >= {state for _, state, _ in waits}
    morning = moments.from_local(datetime(2026, 12, 3, 9, 0))
    assert all(at >= morning for at, state, _ in waits if state == "planned")
    assert any(state == "planned" for _, state, _ in waits)
