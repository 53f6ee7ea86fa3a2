"""What the database could not take is put in as soon as it can: before a claim, before the reaper.

It belongs to the engine because every entry is a transaction of its own.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from bot import logs
from bot.channels.base import Outgoing
from bot.db import AWAY
from bot.house import House
from bot.messaging import delivery, installation, spool
from bot.messaging.delivery import Prepared
from bot.messaging.spool import ARRIVAL, OUTCOME, Damaged, Outcome, Spool
from bot.outreach import aftermath

log = structlog.get_logger()


def put_in(house: House) -> bool:
    """Put in all that waits on this disk; say whether anything arrived by it.

    Raises one of `db.AWAY` while the database is.
    """
    kept = Spool(house.settings.spool)
    if kept.waits(OUTCOME):
        for path in kept.outcomes():
            _settle(house, kept, path)
        kept.sweep()
    if not kept.waits(ARRIVAL):
        return False
    for some in kept.arrivals():
        with house.database.session() as session:
            stored = spool.put_in(session, kept, some)
        kept.forget(stored)
    kept.sweep()
    return True


def _settle(house: House, kept: Spool, path: Path) -> None:
    """Record one outcome late; fenced as it would have been in time."""
    try:
        entry = kept.read(path)
    except Damaged:
        kept.set_aside(path, "damaged")
        return
    if not isinstance(entry, Outcome):
        return
    try:
        _record(house, entry)
    except AWAY:
        raise
    except Exception as error:  # whatever it is, it would be the same the next time
        kept.set_aside(path, logs.fault(error))
        return
    kept.forget([path])


def _record(house: House, entry: Outcome) -> None:
    prepared = Prepared(
        Outgoing(entry.message, entry.attempt, address="", body="", language="", useful_for=0),
        entry.epoch,
        checked=0,
        priority=0,
        turns=0,
    )
    with house.database.session() as session:
        found = installation.found(session)
        if found is None or found.identity != entry.identity:
            log.error("an outcome of another database", message=entry.message)
            return
        for failed in delivery.settle_all(session, house, [(prepared, entry.told)]):
            aftermath.not_arrived(session, house, failed)
    log.warning("an outcome was recorded late", message=entry.message)
