"""What the grid does not show: several messages, other nights, two who meet at one row."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, NoReturn

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from twilio.request_validator import RequestValidator

from app import create_app
from bot import moments
from bot.engine.pulse import Pulse
from bot.engine.pump import Pump
from bot.messaging import breaker, spool
from bot.messaging.pace import Pace
from bot.models.people import Address
from bot.privacy import consent
from bot.settings import Settings
from proof.play import Broken, Play
from proof.provider import CLASSES

NewPlay = Callable[..., Play]
"""Gives a run on empty tables: ``shelf``, ``sqlite`` or ``postgres``, beginning at a moment."""

CLOCK_CHANGES = (datetime(2026, 10, 24, 16, tzinfo=UTC), datetime(2027, 3, 27, 16, tzinfo=UTC))
"""The evenings before the clocks go back, and before they go forward."""


def nights_when_the_clock_changes(new: NewPlay) -> None:
    """A message of every quarter of an hour goes at once, or not before people are up."""
    for evening in CLOCK_CHANGES:
        for quarter in range(4 * 40):
            play = new("shelf", evening + timedelta(minutes=15 * quarter))
            message = play.desk.first("reminder", "sms")
            list(play.batch("sms"))
            if not play.calls and not play._rests(play.clocks.wall):
                raise Broken("I19", f"{message} waits though nobody rests: {play.clocks.wall}")
            play.rest()


def two_for_one_address(new: NewPlay) -> None:
    """The first is under way, fails and comes back; the second waits for it."""
    play = new("sqlite")
    first = play.desk.create("reminder", 5, "sms", 0, 26 * 3600)
    play.mode = CLASSES["never left"][0]
    worker = play.batch("sms")
    next(worker)
    second = play.desk.create("reminder", 5, "sms", 0, 26 * 3600)
    list(play.batch("sms"))
    list(worker)
    play.mode = CLASSES["ok"][0]
    for seconds in (1, 3, 2, 1):
        play.clocks.advance(seconds)
        # The sender rests for as long as the message; what somebody else sends is on no sender.
        play.desk.awake()
        while list(play.batch("sms")):
            play.check()
    play.rest()
    order = [call.message for call in play.calls]
    if order != [first, second]:
        raise Broken("I20", f"they went as {order}")


def the_same_words_twice(new: NewPlay) -> None:
    """Nobody knows of two of the same text, and the list holds one: it may be either."""
    play = new("sqlite")
    for mode in ("never arrived", "answer lost"):
        play.desk.create("reminder", 5, "sms", 0, 26 * 3600)
        play.mode = CLASSES[mode][0]
        list(play.batch("sms"))
    play.clocks.advance(180)
    play.look()
    play.check()


def the_clock_is_set_between_the_same_words(new: NewPlay) -> None:
    """By the machine's clock the second went hours later; by the provider's right after it."""
    play = new("sqlite")
    for mode in ("never arrived", "answer lost"):
        play.desk.create("answer", 5, "sms", 0, 26 * 3600)
        play.mode = CLASSES[mode][0]
        list(play.batch("sms"))
        play.clocks.jump(3 * 3600)
    play.clocks.jump(-3 * 3600)
    play.clocks.advance(180)
    play.look()
    play.check()


def stop_comes_first(new: NewPlay) -> None:
    """Who is being written down at this moment may be saying STOP: they are left for later."""
    play = new("postgres")
    message = play.desk.first("reminder", "sms")
    with play.desk.database.session() as session:
        address = session.scalars(
            select(Address)
            .where(Address.id == play.desk.sent(message).address)
            .with_for_update(key_share=True)
        ).one()
        if play.desk.take("sms", "a"):
            raise Broken("I4", "the gates were passed while STOP was being written down")
        consent.stop(session, address, "test")
    play.rest()


def one_batch_and_several_outcomes(new: NewPlay) -> None:
    """Of three that go together one is taken, one refused, and of one nobody knows."""
    play = new("sqlite")
    messages = [play.desk.create("reminder", number, "sms", 0, 26 * 3600) for number in (5, 6, 7)]
    play.coming = [CLASSES[name][0] for name in ("ok", "refused", "answer lost")]
    list(play.batch("sms"))
    play.check()
    states = play.desk.states()
    if [states[message].state for message in messages] != ["accepted", "failed", "unknown"]:
        raise Broken("I2", f"{states}")


def a_channel_that_is_ill(new: NewPlay) -> None:
    """Nobody answers: after a run of failures nothing more is tried, until somebody does."""
    play = new("sqlite")
    for number in range(20, 60):
        play.desk.create("reminder", number, "sms", 0, 26 * 3600)
    house, stopping = play.desk.house, Event()
    pulse = Pulse(house, stopping, lambda: None)
    ahead = moments.practice_offset()
    pulse.beat()  # which takes the time from a row that is not there
    moments.set_practice_offset(ahead)
    pump = Pump(house, house.channels["sms"], "a", stopping, pulse)
    down = CLASSES["never left"][0].outcome("sms")
    outcomes: list[Any] = []
    tried = 0
    for _ in range(20):
        taken = pump._work(outcomes, 20, 2)
        outcomes = [(prepared, down) for prepared in taken.prepared]
        tried += len(outcomes)
        play.clocks.advance(6)
    if tried > breaker.RUN + 2:
        raise Broken("I21", f"{tried} were tried, and nobody answered")


def a_loop_that_stood_still(new: NewPlay) -> None:
    """Whatever the machine does meanwhile, no second has more than the cap."""
    for cap in (7, 30, 80):
        play, chance = new("shelf"), random.Random(cap)
        pace, given = Pace(cap), []
        for _ in range(cap * 6):
            while (wait := pace.wait()) > 0:
                play.clocks.advance(wait + chance.choice((0, 0, 0.001)))
            place = pace.take()
            play.clocks.advance(chance.choice((0, 0, 0, 0.002)))
            place.left()
            given.append(play.clocks.seconds)
            play.clocks.advance(chance.choice((0,) * 30 + (0.1, 0.2, 0.4)))
        for first, last in pairwise_apart(given, cap):
            if last - first < 1:
                raise Broken("I11", f"{cap + 1} within {last - first:.3f} s")


def pairwise_apart(moments: list[float], count: int) -> list[tuple[float, float]]:
    """Return each of *moments* with the one that comes *count* after it."""
    return list(zip(moments, moments[count:], strict=False))


def the_first_of_a_broadcast(new: NewPlay) -> None:
    """Two of five go first; the others wait until it is known how those went."""
    play = new("sqlite")
    play.desk.crowd(5, 2)
    for minutes, most in ((0, 2), (0, 2), (5, 2), (6, 5), (1, 5)):
        play.clocks.advance(60 * minutes)
        for _ in range(3):
            play.desk.tick()
            list(play.batch("sms"))
        if len(play.calls) > most:
            raise Broken("I11", f"{len(play.calls)} went out, of which {most} may")
    if len(play.calls) != 5:
        raise Broken("I19", f"only {len(play.calls)} of 5 went out")


def more_than_one_person_can_bear(new: NewPlay) -> None:
    """Of four invitations two go today, whether they come together or one after the other."""
    for together in (True, False):
        play = new("sqlite")
        for _ in range(4):
            message = play.desk.create("invitation", 5, "sms", 0, 26 * 3600)
            play.say(message, yes=True)
            if not together:
                list(play.batch("sms"))
        while list(play.batch("sms")):
            pass
        most = play.desk.house.gemeente.caps.mass_per_day
        if len(play.calls) != most:
            raise Broken("I11", f"{len(play.calls)} went out today, and {most} may")


def a_door_while_the_database_is_away(new: NewPlay) -> None:
    """Whoever was answered 2xx is in the database once that is back."""
    play = new("sqlite")
    house = play.desk.house
    door = create_app(house)
    keeper = door.extensions["keeper"]
    away = play.desk.tables.read_only
    # In memory there is but one connection, and one that fails here is closed.
    house.database.insert_alone = _refused  # type: ignore[method-assign]
    try:
        away(True)
        sid = "SM" + "7" * 32
        form = {
            "MessageSid": sid,
            "AccountSid": house.settings.twilio_account_sid,
            "From": "+31697000001",
            "To": house.settings.twilio_sms_from,
            "Body": "STOP",
            "NumMedia": "0",
        }
        told = door.test_client().post(
            "/webhooks/twilio/reply",
            data=form,
            headers={"X-Twilio-Signature": twilio_signature(house.settings, form)},
        )
        keeper.close()
        away(False)
        waiting = [path for some in keeper.spool.arrivals() for path in some]
        with house.database.session() as session:
            keeper.spool.forget(spool.put_in(session, keeper.spool, waiting))
        found = play.desk.tables.events()
        if told.status_code == 204 and found != [f"twilio:{sid}"]:
            raise Broken("I13", f"answered {told.status_code}, and there is {found}")
    finally:
        away(False)
        del house.database.insert_alone
        keeper.close()
        keeper.spool.forget([path for some in keeper.spool.arrivals() for path in some])


def _refused(*_given: Any, **_more: Any) -> NoReturn:
    raise OperationalError("INSERT", {}, Exception("attempt to write a readonly database"))


def twilio_signature(settings: Settings, form: dict[str, str]) -> str:
    """Return how Twilio would sign *form* for the door of replies."""
    url = settings.public_url + "/webhooks/twilio/reply"
    return RequestValidator(settings.twilio_auth_token[0]).compute_signature(url, form)


SCENES: dict[str, Callable[[NewPlay], None]] = {
    scene.__name__.replace("_", " "): scene
    for scene in (
        nights_when_the_clock_changes,
        two_for_one_address,
        the_same_words_twice,
        the_clock_is_set_between_the_same_words,
        stop_comes_first,
        one_batch_and_several_outcomes,
        a_channel_that_is_ill,
        a_loop_that_stood_still,
        the_first_of_a_broadcast,
        more_than_one_person_can_bear,
        a_door_while_the_database_is_away,
    )
}
