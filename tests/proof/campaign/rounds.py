"""The rounds there are, and which part of the time each may take."""

from __future__ import annotations

from typing import NamedTuple

from proof.campaign import doors, faults, outward
from proof.campaign.turn import Round


class Kind(NamedTuple):
    """What is done, and its part of the time: without one, only where it is named."""

    play: Round
    share: float = 0.0


ROUNDS = {
    "kills": Kind(outward.kills, 0.4),
    "doors": Kind(doors.doors, 0.17),
    "flood": Kind(doors.flood, 0.07),
    "fuzz": Kind(doors.fuzz, 0.06),
    "stops": Kind(outward.stops, 0.05),
    "jumps": Kind(outward.jumps, 0.04),
    "rivals": Kind(outward.rivals, 0.05),
    "resumes": Kind(outward.resumes, 0.02),
    "schedulers": Kind(outward.schedulers, 0.02),
    "away": Kind(faults.away, 0.05),
    "answers": Kind(faults.answers, 0.05),
    "outage": Kind(faults.outage, 0.02),
    "nights": Kind(faults.nights, 0.02),
    "stands": Kind(outward.stands),
}
