"""Answers to a group message as they come in: no figure is about fewer than ten people."""

from __future__ import annotations

from typing import Any

import pytest
from group_house import TUESDAY, house_at, voortraject
from group_house import person as known
from sqlalchemy.orm import Session

from bot.house import House
from bot.models.broadcasts import Broadcast
from bot.models.messages import InboxEvent, Message, Reply
from bot.outreach import broadcasts
from bot.outreach.responses import COARSER, Responses, responses


@pytest.fixture
def house(database_url):
    built = house_at(database_url)
    yield built
    built.database.close()


class Town:
    """People of a wijk and a language who have the group message, and what they said to it."""

    def __init__(self, session: Session, house: House) -> None:
        self.session, self.house, self.n = session, house, 0
        voortraject(session, seats=40)
        self.broadcast: Broadcast = broadcasts.draft(
            session, house, by="An", name="Koffie", key="voortraject.invitation",
            voortraject_id=1, window_until=None,
        )  # fmt: skip

    def people(self, wijk: str, language: str, *said: str | None, state: str = "sent") -> None:
        """Let one person be here for each of *said*; None said nothing."""
        for intent in said:
            self.n += 1
            person = known(self.session, f"P{self.n}", language, wijk=wijk)
            place = person.addresses[0].address_id
            message = Message(
                occasion=f"o:{self.n}", person_id=person.id, address_id=place, channel="telegram",
                purpose="invitation", key="voortraject.invitation", language=language, values={},
                body="", buttons=[], asks="voortraject", priority=2, state=state,
                broadcast_id=self.broadcast.id, not_before=TUESDAY, expires_at=TUESDAY,
                created_at=TUESDAY, changed_at=TUESDAY,
            )  # fmt: skip
            self.session.add(message)
            self.session.flush()
            if intent is not None:
                self.reply(message, place, "unclear")  # what counts is the last word
                self.reply(message, place, intent)

    def reply(self, message: Message, place: int, intent: str) -> None:
        event = InboxEvent(
            key=f"e:{message.id}:{intent}:{self.n}", source="telegram", lane="x", fingerprint="x",
            payload={}, state="done", not_before=TUESDAY, received_at=TUESDAY,
        )  # fmt: skip
        self.session.add(event)
        self.session.flush()
        self.session.add(
            Reply(
                event_id=event.id,
                person_id=message.person_id,
                address_id=place,
                text="x",
                channel="telegram",
                media=[],
                message_id=message.id,
                intent=intent,
                at=TUESDAY,
            )
        )
        self.n += 1
        self.session.flush()

    def told(self) -> Responses:
        return responses(self.session, self.house, self.broadcast)


@pytest.fixture
def town(house):
    with house.database.session() as session:
        yield Town(session, house)


def cells(rows: Any) -> dict[tuple[str, ...], list[int]]:
    return {names: [cell.value for cell in cells] for names, cells in rows}


def test_answers_are_told_by_wijk_and_language_and_add_up(town):
    town.people("Noord", "ar", *["confirm"] * 12, *["decline"] * 10, *["help"] * 10, *[None] * 20)
    town.people("Zuid", "ti", *["confirm"] * 11, *["decline"] * 10, *["human"] * 10, *[None] * 30)
    told = town.told()

    assert "Doe je mee?" in told.question
    assert (113, 63) == (told.reached, told.answered)
    assert COARSER[0] == told.columns
    assert {("Noord",): [12, 10, 10, 20], ("Zuid",): [11, 10, 10, 30]} == cells(told.wijken)
    assert {("ar",): [12, 10, 10, 20], ("ti",): [11, 10, 10, 30]} == cells(told.languages)
    assert 63 == sum(row[0] for row in cells(told.intents).values())


def test_who_is_few_stands_with_others_and_nothing_can_be_taken_off(town):
    """One no in Oost would be somebody: it stands with another wijk, and never alone."""
    town.people("Noord", "ar", *["confirm"] * 30, *["decline"] * 12, *[None] * 30)
    town.people("Oost", "ar", *["confirm"] * 2, "decline", *[None] * 12)
    told = town.told()

    shown = cells(told.wijken)
    assert all(0 == n or n >= 10 for row in shown.values() for n in row)
    assert 87 == sum(sum(row) for row in shown.values())
    assert {("Noord", "Oost")} == set(shown)


@pytest.mark.parametrize("count", [1, 9])
def test_as_long_as_fewer_than_ten_answered_nothing_is_told(town, count):
    town.people("Noord", "ar", *["confirm"] * count, *[None] * 40)
    told = town.told()

    assert (None, [], [], []) == (told.answered, told.intents, told.wijken, told.languages)


def test_when_all_but_a_few_answered_that_is_not_told_either(town):
    town.people("Noord", "ar", *["confirm"] * 40, *[None] * 3)
    told = town.told()

    assert (None, [], [], []) == (told.answered, told.intents, told.wijken, told.languages)


def test_who_has_not_got_it_is_no_silent_reader(town):
    town.people("Noord", "ar", *["confirm"] * 15, *[None] * 15)
    town.people("Noord", "ar", *[None] * 50, state="failed")

    assert {("Noord",): [15, 0, 0, 15]} == cells(town.told().wijken)


def test_nobody_answered_yet_is_said(town):
    town.people("Noord", "ar", *[None] * 30)
    told = town.told()

    assert (30, 0, []) == (told.reached, told.answered, told.intents)
