"""One process with SQLite: status callbacks come in at 100 a second while 80 messages go out."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import func, select

from bot.bench import meter, readers
from bot.bench.drain import busiest, wait, wait_until_idle
from bot.bench.figures import Measured, at, at_least, at_most, figure
from bot.bench.place import Place
from bot.bench.provider import provider
from bot.bench.sender import serving
from bot.house import House
from bot.models.messages import InboxEvent

CAP = 80
REPORTS = 100
"""Callbacks a second: that a message was sent, that it was delivered."""

SECONDS = 20
LATENCY = 0.1


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Drain for *size* seconds."""
    seconds = size or SECONDS
    pace = {"PACE_WHATSAPP": str(CAP)}
    with (
        place.fresh() as url,
        provider(LATENCY, reports=REPORTS) as other,
        serving(url, other, **pace) as house,
    ):
        readers.gather(house, CAP * seconds)
        time.sleep(3)
        with meter.meter() as pauses:
            readers.remind(house)
            wait_until_idle(house, other)
        taken, reports = [moment for moment, _, _ in other.taken()], other.reports()
        wait(lambda: not _waiting(house))
        behind = time.monotonic() - reports[-1].at
    during = [each for each in reports if taken[0] + 1 <= each.at <= taken[-1]]
    spent = during[-1].at - during[0].at
    yield at_least(
        "embedded.pace", len(taken) / (taken[-1] - taken[0]) / CAP, "of the cap", 0.98, place
    )
    yield at_most("embedded.most in a second", busiest(taken), "received", CAP, place)
    yield at_least("embedded.webhooks", len(during) / spent, "per second", 0.98 * REPORTS, place)
    yield at_most(
        "embedded.webhook p99", at(99, [1000 * each.took for each in during]), "ms", 250, place
    )
    yield at_most(
        "embedded.webhooks refused", sum(each.status != 204 for each in reports), "", 0, place
    )
    yield figure("embedded.inbox behind", behind, "s", place)
    yield figure("embedded.pause of the machine", 1000 * pauses.worst, "ms", place)


def _waiting(house: House) -> bool:
    """Say whether events are still to be acted on."""
    with house.database.reading() as session:
        new = select(func.count()).select_from(InboxEvent).where(InboxEvent.state == "new")
        return bool(session.scalars(new).one())
