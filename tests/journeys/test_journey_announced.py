"""A colleague answers while WhatsApp's window is shut: that waits until its reader opens it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from test_journey_colleague import say, take

from bot import moments
from bot.messaging import delivery
from bot.models.messages import Message
from bot.models.people import Inburgeraar
from bot.models.tasks import Task
from bot.models.templates import Template
from bot.outreach import replies, tasks
from bot.wording.catalogue import catalogue

RANIA = "+31697000006"
SETTLED = "colleague.settled"


def a_day_later(world, name: str = "Rania", language: str = "ar", address: str = RANIA) -> int:
    """Let Jansen have a conversation with somebody who wrote more than a day ago."""
    world.templates()
    world.person(name, language, "whatsapp", address)
    world.phone(name).say("🙏❓")
    number = take(world)
    world.pass_(hours=25)
    return number


def states(world, *keys: str) -> list[tuple[str, str, str | None]]:
    """Return key, state and cause of all that a colleague said, and of what announced it."""
    wanted = keys or (*replies.SAID_BY_COLLEAGUE, replies.ANNOUNCEMENT)
    return world.read(
        lambda s: [
            tuple(row)
            for row in s.execute(
                select(Message.key, Message.state, Message.cause)
                .where(Message.key.in_(wanted))
                .order_by(Message.id)
            )
        ]
    )


def notes(world, kind: str) -> list[str | None]:
    return world.read(
        lambda s: list(
            s.scalars(select(Task.note).where(Task.kind == kind, Task.done_at.is_(None)))
        )
    )


def close(world, number: int) -> None:
    with world.house.database.session() as session:
        assert tasks.close(session, number, "Jansen")


def text(key: str, language: str) -> str:
    """Return the last line of a text, which says what it is about."""
    return catalogue().text(key, language).body.splitlines()[-1]


def test_a_reply_after_the_window_shut_goes_out_when_the_person_taps(world):
    """The phone may be a shared one: only the tap brings what was said, and by whom."""
    number = a_day_later(world)
    phone = world.phone("Rania")
    say(world, number, SETTLED)

    assert phone.last.template is not None
    assert ("ar", "utility") == tuple(
        phone.last.template[each].lower() for each in ("language", "category")
    )
    assert text(replies.ANNOUNCEMENT, "ar") in phone.last.text
    for secret in ("Jansen", "Rania", text(SETTLED, "ar")):
        assert secret not in phone.last.text
    assert (SETTLED, "planned", "awaits_reader") in states(world)

    before = len(phone.received)
    phone.tap(phone.last.buttons[0].title)
    assert before + 1 == len(phone.received), "the answer, and nothing from the automaton"
    assert text(SETTLED, "ar") in phone.last.text
    assert phone.last.template is None

    phone.tap(next(b for b in reversed(phone.received) if b.template).buttons[0].title)
    world.pass_(days=8)
    assert before + 1 == len(phone.received), "once"
    assert [(SETTLED, "read", None), (replies.ANNOUNCEMENT, "read", None)] == states(world)
    assert all(x.valid for x in world.ground.log), [x.complaint for x in world.ground.log]


def test_two_replies_share_one_announcement_and_go_in_their_order_at_any_word(world):
    number = a_day_later(world)
    phone = world.phone("Rania")
    before = len(phone.received)
    say(world, number, SETTLED, once="a")
    say(world, number, replies.WORDS, "Neem je brief mee.", once="b")
    assert before + 1 == len(phone.received)

    phone.say("🙂")
    settled, words = phone.received[before + 1 :]
    assert text(SETTLED, "ar") in settled.text
    assert "Neem je brief mee." in words.text


def test_whose_language_whatsapp_lacks_gets_a_dutch_announcement_with_that_language_on_a_button(
    world,
):
    number = a_day_later(world, "Selam", "ti", "+31697000001")
    phone = world.phone("Selam")
    say(world, number, SETTLED)
    assert "Een collega heeft een bericht voor je." in phone.last.text
    assert ["Lees het bericht", "ትግርኛ"] == [button.title for button in phone.last.buttons]

    before = len(phone.received)
    phone.tap("ትግርኛ")
    assert before + 1 == len(phone.received), "what waited, and not that we write in it from now on"
    assert text(SETTLED, "ti") in phone.last.text


def test_who_never_wrote_is_asked_to_open_what_a_colleague_writes_first(world):
    world.templates()
    world.person("Rania", "ar", "whatsapp", RANIA)
    with world.house.database.session() as session:
        person = session.scalars(select(Inburgeraar)).one()
        number = tasks.write(session, person, "Jansen")
    say(world, number, "colleague.when_call")
    phone = world.phone("Rania")
    assert 1 == len(phone.received)
    phone.tap(phone.last.buttons[0].title)

    assert text("colleague.when_call", "ar") in phone.last.text


def test_stop_drops_what_waited_and_staff_read_that_it_did_not_go(world):
    number = a_day_later(world)
    say(world, number, SETTLED)
    phone = world.phone("Rania")
    phone.say("STOP")

    assert (SETTLED, "cancelled", "stopped") in states(world)
    assert text(SETTLED, "ar") not in phone.last.text
    (note,) = notes(world, tasks.STOPPED)
    assert "ging niet meer uit" in note


def test_what_is_withdrawn_does_not_go_and_who_taps_is_answered_by_a_person(world):
    number = a_day_later(world)
    phone = world.phone("Rania")
    say(world, number, SETTLED)
    with world.house.database.session() as session:
        message = session.scalars(select(Message.id).where(Message.key == SETTLED)).one()
        task = session.get_one(Task, number)
        with pytest.raises(replies.Refused, match="Neem het gesprek"):
            replies.withdraw(session, task, message, by="de Vries")
        replies.withdraw(session, task, message, by="Jansen")
    close(world, number)
    phone.tap(phone.last.buttons[0].title)

    assert (SETTLED, "cancelled", "withdrawn") in states(world)
    assert text("answer.human", "ar").split("{")[0] in phone.last.text
    assert ["vraag"] == world.tasks()


def test_an_answer_nobody_opens_lapses_after_a_week_and_staff_call(world):
    number = a_day_later(world)
    say(world, number, SETTLED)
    world.pass_(days=replies.IS_KEPT.days - 1)
    assert (SETTLED, "planned", "awaits_reader") in states(world)
    world.pass_(days=1)

    assert (SETTLED, "expired", "not_opened") in states(world)
    (note,) = notes(world, tasks.CALL_OR_WRITE)
    assert note.endswith("Bel.")


def test_a_new_answer_after_one_that_lapsed_is_announced_anew(world):
    number = a_day_later(world)
    phone = world.phone("Rania")
    say(world, number, SETTLED, once="a")
    world.pass_(days=replies.IS_KEPT.days)
    before = len(phone.received)
    say(world, number, SETTLED, once="b")

    assert before + 1 == len(phone.received)
    phone.tap(phone.last.buttons[0].title)
    assert ["expired", "read"] == [state for _, state, _ in states(world, SETTLED)]


def test_where_the_announcement_is_refused_staff_read_what_to_do_instead(world):
    number = a_day_later(world)
    world.ground.arm("63016")
    say(world, number, SETTLED)

    assert (SETTLED, "cancelled", "not_announced") in states(world)
    (note,) = notes(world, tasks.CALL_OR_WRITE)
    assert "een ander nummer" in note


def test_at_night_nobody_is_woken_and_who_writes_then_has_the_answer_at_once(world):
    number = a_day_later(world)
    phone = world.phone("Rania")
    world.at(moments.from_local(datetime(2026, 12, 2, 21, 0)))
    before = len(phone.received)
    say(world, number, SETTLED)
    assert before == len(phone.received)

    phone.say("🙂")
    assert text(SETTLED, "ar") in phone.last.text
    world.pass_(days=1)
    assert before + 1 == len(phone.received), "what was said needs no announcement any more"


def test_the_announcement_waits_for_the_morning(world):
    number = a_day_later(world)
    phone = world.phone("Rania")
    world.at(moments.from_local(datetime(2026, 12, 2, 21, 0)))
    say(world, number, SETTLED)
    world.at(moments.from_local(datetime(2026, 12, 3, 9, 0)))
    world.tick()

    assert text(replies.ANNOUNCEMENT, "ar") in phone.last.text


def approve(world, status: str) -> None:
    with world.house.database.session() as session:
        session.execute(
            update(Template).where(Template.key == replies.ANNOUNCEMENT).values(status=status)
        )


def test_an_announcement_that_lost_its_approval_overnight_waits_and_staff_are_told(world):
    number = a_day_later(world)
    world.at(moments.from_local(datetime(2026, 12, 2, 21, 0)))
    say(world, number, SETTLED)
    approve(world, "paused")
    world.at(moments.from_local(datetime(2026, 12, 3, 9, 0)))
    world.tick()
    (note,) = notes(world, tasks.CALL_OR_WRITE)
    assert "bel als dat niet kan wachten" in note

    approve(world, "approved")
    world.pass_(minutes=11)
    assert text(replies.ANNOUNCEMENT, "ar") in world.phone("Rania").last.text


def test_who_writes_before_the_announcement_could_go_does_not_get_it_after_all(world):
    number = a_day_later(world)
    phone = world.phone("Rania")
    approve(world, "paused")
    with pytest.raises(replies.Refused, match="keurde onze melding"):
        say(world, number, SETTLED)
    approve(world, "approved")
    world.at(moments.from_local(datetime(2026, 12, 2, 21, 0)))
    say(world, number, SETTLED)
    approve(world, "paused")
    world.at(moments.from_local(datetime(2026, 12, 3, 9, 0)))
    world.tick()
    phone.say("🙂")
    assert text(SETTLED, "ar") in phone.last.text

    before = len(phone.received)
    approve(world, "approved")
    world.pass_(minutes=11)
    assert before == len(phone.received)
    assert (replies.ANNOUNCEMENT, "cancelled", "no_need") in states(world)


def test_danger_told_in_answer_keeps_what_waited_until_staff_have_seen_to_it(world):
    """Who hurts somebody may read along: then nothing goes by itself."""
    number = a_day_later(world)
    phone = world.phone("Rania")
    say(world, number, SETTLED)
    phone.say("زوجي يضربني")
    assert text(SETTLED, "ar") not in "".join(bubble.text for bubble in phone.received)
    assert (SETTLED, "planned", "danger") in states(world)

    with world.house.database.session() as session:
        danger = session.scalars(select(Task).where(Task.kind == tasks.EMERGENCY)).one()
        assert tasks.close(session, danger.id, "Jansen")
    world.pass_(minutes=31)
    assert text(SETTLED, "ar") in phone.last.text


def test_a_yes_to_the_announcement_is_no_yes_to_an_older_question(world):
    """The colleague answered and closed the conversation; the yes is to their announcement."""
    number = a_day_later(world)
    world.afspraak("A1", "P-Rania", datetime(2026, 12, 9, 14, 30))
    world.at(moments.from_local(datetime(2026, 12, 3, 14, 30)))
    world.tick()
    say(world, number, SETTLED)
    close(world, number)
    phone = world.phone("Rania")
    phone.say("نعم")

    assert "none" == world.answer("A1")
    assert text(SETTLED, "ar") in phone.last.text
    assert ["vraag"] == world.tasks(), "a colleague reads what it was"


@pytest.mark.parametrize(("channel", "address"), [("sms", "+31697000020"), ("telegram", "1020")])
def test_by_sms_and_telegram_an_answer_goes_at_once_however_long_ago_they_wrote(
    world, channel, address
):
    world.person("Joost", "nl", channel, address)
    phone = world.phone("Joost")
    phone.say("ik heb een vraag")
    number = take(world)
    world.pass_(hours=25)
    say(world, number, SETTLED)

    assert "Het is geregeld." in phone.last.text
    assert [(SETTLED, "delivered" if channel == "sms" else "sent", None)] == states(world)


def test_what_the_provider_says_comes_too_late_for_free_text_waits_too(world):
    """Our clock said that the window was open; the provider's is the one that counts."""
    world.templates()
    world.person("Rania", "ar", "whatsapp", RANIA)
    phone = world.phone("Rania")
    phone.say("🙏❓")
    number = take(world)
    world.ground.arm("63016")
    say(world, number, SETTLED)

    phone.tap(phone.last.buttons[0].title)
    assert text(SETTLED, "ar") in phone.last.text


def test_what_was_said_in_time_and_could_not_go_in_time_waits_too(world):
    """WhatsApp rested for a day: by then nobody has just asked anything, and staff are told."""
    world.templates()
    world.person("Rania", "ar", "whatsapp", RANIA)
    world.phone("Rania").say("🙏❓")
    number = take(world)
    with world.house.database.session() as session:
        delivery.pause(session, "whatsapp", 3600, "rate")
    with world.house.database.session() as session:
        task = session.get_one(Task, number)
        replies.say(session, world.house, task, by="Jansen", key=SETTLED, words="", once="a")
    world.at(moments.now() + timedelta(hours=25))
    with world.house.database.session() as session:
        delivery.sender_of(session, "whatsapp").paused_until = None
    world.tick()
    assert text(replies.ANNOUNCEMENT, "ar") in world.phone("Rania").last.text

    world.pass_(days=3)
    assert [(SETTLED, "expired", "not_opened")] == states(world, SETTLED)
    assert 1 == len(notes(world, tasks.CALL_OR_WRITE))


def test_what_was_tried_before_the_window_shut_is_announced_as_any_other(world):
    """What comes back for another attempt holds up all behind it, and that may not be what
    announces it.
    """
    world.templates()
    world.person("Rania", "ar", "whatsapp", RANIA)
    phone = world.phone("Rania")
    phone.say("🙏❓")
    number = take(world)
    world.ground.arm("429")
    say(world, number, SETTLED)
    world.pass_(hours=25)
    assert text(replies.ANNOUNCEMENT, "ar") in phone.last.text

    before = len(phone.received)
    phone.tap(phone.last.buttons[0].title)
    assert before + 1 == len(phone.received)
    assert text(SETTLED, "ar") in phone.last.text
