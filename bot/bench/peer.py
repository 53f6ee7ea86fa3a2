"""The same work as GOV.UK Notify does, beside what that was measured to do elsewhere.

Its figures were taken at two workers on another machine of this size; ours are those of one
process here, with what it checks and what it writes. They say which is ahead, not by how much.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from bot import house as houses
from bot import moments
from bot.bench import readers
from bot.bench.drain import wait_until_idle
from bot.bench.figures import Measured, at_least, figure
from bot.bench.knocking import knock, letters, receipts
from bot.bench.place import Place
from bot.bench.provider import provider
from bot.bench.sender import environment, house_of, workers
from bot.bench.served import served, settings
from bot.outreach.intake.reading import read
from bot.outreach.intake.report import Report
from bot.outreach.intake.storing import store

NOTIFY = {"requests": 218, "receipts": 1072, "rows": 213, "sends": 104}
"""A second, as measured elsewhere: requests accepted, receipts without a look at their signature,
rows of a CSV file saved, messages sent."""

REQUESTS = 4_000
ROWS = 3_000
CAP = 400
SECONDS = 6


def measure(place: Place, size: int | None = None) -> Iterator[Measured]:
    """Take in *size* requests and as many receipts, save a file, and send."""
    count = size or REQUESTS
    with place.fresh() as url, served("ours", url) as port:
        knock(port, letters(0, 300))
        requests = knock(port, letters(300, count))
        reports = knock(port, receipts(url, 0, count))
    taken = {
        "requests": requests.rate,
        "receipts": reports.rate,
        "rows": _rows_saved(place),
        "sends": _sent(place),
    }
    for what, ours in taken.items():
        unit = f"1/s (Notify, elsewhere: {NOTIFY[what]})"
        yield at_least(f"peer.{what}", ours, unit, NOTIFY[what], place)
    yield figure("peer.requests p99", requests.p99, "ms (Notify, elsewhere: 149)", place)
    yield figure("peer.receipts p99", reports.p99, "ms (Notify, elsewhere: 35)", place)


def _rows_saved(place: Place) -> float:
    """Return how many rows of a file of people with afspraken are saved in a second."""
    begins = moments.local(moments.now() + timedelta(days=20))
    people = ["kenmerk,voornaam,taal,telefoon,kanaal"]
    people += [f"P{n},Priya,ti,+316970{n:05d},sms" for n in range(ROWS)]
    visits = ["kenmerk,persoon,begin,duur,plaats"]
    visits += [f"A{n},P{n},{begins:%Y-%m-%d} 14:30,60,Wijkcentrum" for n in range(ROWS)]
    with place.fresh() as url, tempfile.TemporaryDirectory() as folder:
        house = houses.build(settings(url))
        began = time.perf_counter()
        try:
            for kind, lines in (("people", people), ("afspraken", visits)):
                file = Path(folder) / f"{kind}.csv"
                file.write_text("\n".join(lines), encoding="utf-8")
                sheet = read(file, kind)
                report = Report(unit=sheet.unit, header=sheet.header)
                for batch in sheet.batches():
                    with house.database.session() as session:
                        report += store(session, house, batch)
                if report.refused:
                    raise RuntimeError(f"{len(report.refused)} rows of {kind} were refused")
        finally:
            house.database.close()
        return 2 * ROWS / (time.perf_counter() - began)


def _sent(place: Place) -> float:
    """Return how many messages one worker sends in a second to a provider that takes 100 ms."""
    with place.fresh() as url, provider(0.1) as at:
        given = environment(url, at, PACE_WHATSAPP=str(CAP))
        house = house_of(given)
        try:
            readers.gather(house, CAP * SECONDS)
            with tempfile.TemporaryDirectory() as folder, workers(1, given, Path(folder)):
                time.sleep(2)
                readers.remind(house)
                wait_until_idle(house, at)
        finally:
            house.database.close()
        arrived = [moment for moment, _, _ in at.taken()]
    return (len(arrived) - 1) / (arrived[-1] - arrived[0])
