"""A colleague takes a conversation: they speak, the automaton is silent, and STOP still counts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from bot import moments
from bot.models.tasks import Task
from bot.outreach import replies, tasks
from bot.wording.catalogue import catalogue


def take(world, who: str = "Jansen") -> int:
    """Let *who* take the one task that is open; return its number."""
    with world.house.database.session() as session:
        number = session.scalars(select(Task.id).where(Task.done_at.is_(None))).one()
        assert tasks.take(session, number, who)
    return number


def say(world, number: int, key: str, words: str = "", once: str = "a") -> bool:
    """Let Jansen say something; True if that was the first time for this press."""
    with world.house.database.session() as session:
        task = session.get_one(Task, number)
        said = replies.say(session, world.house, task, by="Jansen", key=key, words=words, once=once)
        made = said is not None
    world.engine.wake_senders()
    world.settle()
    return made


def test_who_has_a_conversation_answers_it_and_the_automaton_only_says_who_that_is(world):
    person = world.person("Rania", "ar", "whatsapp", "+31697000006")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    phone = world.phone("Rania")
    phone.say("عندي سؤال")
    assert ["vraag"] == world.tasks()
    number = take(world)

    before = len(phone.received)
    phone.say("هل تسمعونني؟")
    assert before + 1 == len(phone.received)
    assert "Jansen" in phone.last.text
    phone.say("هل تسمعونني؟")
    phone.voice()
    assert before + 1 == len(phone.received), "who answers is said once"
    assert ["vraag"] == world.tasks(), "it is all in the conversation that Jansen has"

    assert say(world, number, "colleague.interpreter")
    assert not say(world, number, "colleague.interpreter"), "the same press says it once"
    assert "Jansen" in phone.last.text
    assert catalogue().text("colleague.interpreter", "ar").body.splitlines()[-1] in phone.last.text
    phone.say("نعم")
    assert "none" == world.answer("A1"), "the yes was to Jansen, not to an older question"

    phone.say("STOP")
    with world.house.database.session() as session:
        address = session.get_one(Task, number).address
        assert address is not None
        assert address.stopped_at is not None


def test_own_words_go_as_dutch_and_say_so_in_the_language_of_the_reader(world):
    world.person("Selam", "ti", "telegram", "1001")
    phone = world.phone("Selam")
    phone.say("ሕቶ ኣሎኒ")
    number = take(world)

    say(world, number, replies.WORDS, "Je brief is binnen.\nNeem hem mee.")

    first, *rest = phone.last.text.splitlines()
    told = catalogue().text(replies.WORDS, "ti").body.splitlines()[0]
    assert told.split("}")[-1] in first
    assert ["Je brief is binnen.", "Neem hem mee."] == [
        line.strip("\u2066\u2068\u2069") for line in rest
    ]


def test_a_tap_on_an_older_question_counts_while_a_colleague_has_the_conversation(world):
    person = world.person("Mehmet", "tr", "telegram", "1008")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(moments.from_local(datetime(2026, 12, 2, 15, 0)))
    world.tick()
    phone = world.phone("Mehmet")
    asked = phone.last
    phone.say("Bir sorum var")
    number = take(world)
    say(world, number, "colleague.finding_out")
    phone.tap(asked.buttons[0].title if hasattr(asked.buttons[0], "title") else asked.buttons[0])

    assert "confirmed" == world.answer("A1")


def test_given_back_the_automaton_answers_again(world):
    world.person("Joost", "nl", "sms", "+31697000020")
    phone = world.phone("Joost")
    phone.say("ik heb een vraag")
    number = take(world)
    with world.house.database.session() as session:
        tasks.give_back(session, number, "Jansen")
    before = len(phone.received)
    phone.say("bedankt")

    assert before + 1 == len(phone.received)
