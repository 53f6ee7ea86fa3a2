"""`stap purge`: what is kept for how long, and erasing what is older."""

from __future__ import annotations

import click

from bot import moments
from bot.commands.shared import print_table, refuse, the_house
from bot.engine import work
from bot.house import House
from bot.messaging import installation
from bot.privacy import audit, retention


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Zeg alleen wat er gewist zou worden.")
def purge(dry_run: bool) -> None:
    """Wis wat ouder is dan het bewaard mag worden. De klok doet dit ook, elk uur.

    Met --dry-run telt wat nu te oud is; wat daardoor pas vrijkomt, telt een volgende keer.
    """
    with the_house() as house:
        with house.database.reading() as session:
            held = installation.told(installation.found(session), house.settings.environment)
        if held is not None and not dry_run:
            refuse(f"{held} Er wordt nu niets gewist: het kan nog nodig zijn. Zie stap hold status")
        counts = _counts(house) if dry_run else work.erase(house)
        if any(counts) and not dry_run:
            _note(house, sum(counts))
    verb = "te oud" if dry_run else "gewist"
    rows = [
        {
            "wat": kind.dutch,
            "bewaard": f"{getattr(house.gemeente.retention, kind.name)} dagen",
            verb: number,
            "wat blijft": retention.LEFT[kind.name],
        }
        for kind, number in zip(retention.KINDS, counts, strict=True)
    ]
    print_table(rows, ["wat", "bewaard", verb, "wat blijft"])


def _counts(house: House) -> list[int]:
    now, kept = moments.now(), house.gemeente.retention
    with house.database.reading() as session:
        return [
            retention.count(session, kind, retention.before(kept, kind, now))
            for kind in retention.KINDS
        ]


def _note(house: House, rows: int) -> None:
    with house.database.session() as session:
        audit.record(session, house.settings.signing_key, None, "purge", rows=rows)
