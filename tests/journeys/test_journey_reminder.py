"""A reminder goes out and its answer comes back: SMS, WhatsApp and Telegram."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from bot import moments
from bot.models.messages import Attempt, Message, Reply
from bot.models.people import Address


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


def test_a_reminder_by_sms_is_answered_with_one_digit(world):
    """The whole house in one line: a reminder, a digit, an echo, an answer in the database."""
    person = world.person("Mehmet", "tr", "sms", "+31697000008")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))

    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Mehmet")
    assert "3 Aralik Persembe" in phone.last.text, "spelled plainly, which halves its cost"
    assert "1 = " in phone.last.text
    phone.say("1")

    assert "confirmed" == world.answer("A1")
    assert "03-12-2026" in phone.last.text
    assert [("afspraak.reminder", "delivered"), ("afspraak.confirmed", "delivered")] == (
        world.messages()
    )


def test_s01_two_taps_confirm_in_tigrinya_by_whatsapp(world):
    """Meta has no code for Tigrinya and the window is closed: a Dutch opener comes first."""
    world.templates()
    person = world.person("Selam", "ti", "whatsapp", "+31697000001")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))

    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Selam")
    assert phone.last.template is not None
    assert "nl" == phone.last.template["language"]
    assert "utility" == phone.last.template["category"].lower()
    assert ["Ja", "Nee", "ትግርኛ"] == [b.title for b in phone.last.buttons]

    phone.tap("ትግርኛ")
    assert phone.last.template is None, "inside the window it is free text, in her own language"
    assert "ሓሙስ 3 ታሕሳስ" in phone.last.text
    yes = phone.last.buttons[0].title
    phone.tap(yes)

    assert "confirmed" == world.answer("A1")
    assert "ሓሙስ" in phone.last.text
    assert "03-12-2026" in phone.last.text
    assert "14:30" in phone.last.text
    assert "Voorbeeldstraat 12" in phone.last.text
    assert not any(word in b.text for b in phone.received for word in ("2:30", "8:30"))
    assert all(x.valid for x in world.ground.log), [x.complaint for x in world.ground.log]


def test_an_arabic_reader_answers_on_telegram_with_a_button(world):
    person = world.person("Rania", "ar", "telegram", "1006")
    world.afspraak("A6", person, datetime(2026, 12, 3, 11, 30))

    world.at(local(2026, 12, 2, 11, 30))
    world.tick()
    phone = world.phone("Rania")
    assert "الخميس 3 كانون الأول" in phone.last.text
    phone.tap(phone.last.buttons[0].title)

    assert "confirmed" == world.answer("A6")
    assert [("afspraak.reminder", "sent"), ("afspraak.confirmed", "sent")] == world.messages()
    taps = [x for x in world.ground.log if x.path.endswith("/answerCallbackQuery")]
    assert 1 == len(taps), "a tap is answered, or the phone keeps its hourglass"


def test_s04_ok_thx_confirms_and_folded_hands_change_nothing(world):
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A4", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Priya")

    phone.say("ok thx")
    assert "confirmed" == world.answer("A4")
    assert "Thursday 3 December" in phone.last.text
    assert "14:30" in phone.last.text

    phone.say("🙏")
    phone.say("🙏")
    assert "confirmed" == world.answer("A4")
    assert 1 == sum(key == "answer.thanks" for key, _ in world.messages())


def test_s06_stop_in_arabic_works_at_night_and_start_brings_only_what_comes_later(world):
    world.templates()
    person = world.person("Rania", "ar", "whatsapp", "+31697000006")
    world.at(local(2026, 12, 2, 18, 0))
    world.afspraak("A6", person, datetime(2026, 12, 4, 11, 0))
    world.tick()
    phone = world.phone("Rania")
    before = len(phone.received)

    world.at(local(2026, 12, 2, 23, 40))
    phone.say("إيقاف")
    assert before + 1 == len(phone.received), "one confirmation, at once"
    assert "START" in phone.last.text
    assert "geen berichten, bel of brief" in world.tasks()

    world.at(local(2026, 12, 3, 11, 0))
    world.tick()
    assert before + 1 == len(phone.received), "no reminder after stop"
    blocked = [m for m in world.messages() if m[1] == "blocked"]
    assert 1 == len(blocked), "and what was not sent is there to be seen"

    world.at(local(2026, 12, 5, 12, 0))
    world.tick()
    phone.say("ابدأ")
    assert before + 2 == len(phone.received), "welcome back, and no backlog"
    assert "geen berichten, bel of brief" not in world.tasks()
    world.afspraak("A7", person, datetime(2026, 12, 10, 11, 0))
    world.at(local(2026, 12, 9, 11, 0))
    world.tick()
    assert "10-12-2026" in phone.last.text


def test_s08_a_reply_after_the_afspraak_is_never_stored_as_a_yes(world):
    person = world.person("Mehmet", "tr", "telegram", "1008")
    world.afspraak("A8", person, datetime(2026, 12, 3, 9, 0))
    world.at(local(2026, 12, 2, 9, 0))
    world.tick()

    world.at(local(2026, 12, 4, 10, 0))
    phone = world.phone("Mehmet")
    phone.say("evet")
    assert "none" == world.answer("A8")
    assert 3 == len(phone.last.buttons)
    assert "antwoord na de afspraak" in world.tasks()

    phone.tap(phone.last.buttons[1].title)
    assert "none" == world.answer("A8")
    assert "aanwezigheid controleren" in world.tasks()


def test_s15_a_blocked_bot_is_a_stop_for_that_channel_and_nothing_moves_elsewhere(world):
    person = world.person("Dilan", "ar", "telegram", "1015")
    world.afspraak("A15", person, datetime(2026, 12, 3, 9, 30))
    phone = world.phone("Dilan")
    phone.block()
    world.settle()

    world.at(local(2026, 12, 2, 9, 30))
    world.tick()
    assert [] == phone.received
    assert "bel of brief" in world.tasks()
    sends = [x for x in world.ground.log if x.path.endswith("/sendMessage")]
    assert [] == sends

    phone.unblock()
    world.settle()
    world.tick()
    assert [] == phone.received, "no backlog is dumped"
    phone.say("/start")
    assert "open" == world.read(lambda s: s.scalars(select(Address.state)).one())


def test_a_403_without_warning_marks_the_address_and_is_not_tried_again(world):
    """They blocked the bot and the update about it was lost."""
    person = world.person("Dilan", "ar", "telegram", "1015")
    world.afspraak("A15", person, datetime(2026, 12, 3, 9, 30))
    world.ground.arm("403")
    world.at(local(2026, 12, 2, 9, 30))
    world.tick()
    world.tick()

    assert [("afspraak.reminder", "failed")] == world.messages()
    assert "blocked" == world.read(lambda s: s.scalars(select(Address.state)).one())
    assert ["niet bezorgd"] == world.tasks()


def test_two_open_questions_are_told_apart_before_anything_is_stored(world):
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 9, 30))
    world.afspraak("A2", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Priya")

    phone.say("yes")
    assert ["none", "none"] == [world.answer("A1"), world.answer("A2")]
    lines = phone.last.text.splitlines()
    wanted = next(line for line in lines if "14:30" in line)
    phone.say(wanted.split(" ")[0])

    assert ["none", "confirmed"] == [world.answer("A1"), world.answer("A2")]
    assert "14:30" in phone.last.text


def test_a_wrong_number_is_closed_at_once_and_told_nothing(world):
    person = world.person("Mehmet", "tr", "sms", "+31697000008")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Mehmet")

    phone.say("yanlış numara")
    assert "Mehmet" not in phone.last.text
    assert "2026" not in phone.last.text
    assert ["nummer controleren"] == world.tasks()
    world.at(local(2026, 12, 3, 12, 30))
    world.tick()
    assert "closed" == world.read(lambda s: s.scalars(select(Address.state)).one())
    assert 2 == len(phone.received)


def test_a_moved_afspraak_makes_the_old_answer_void_and_says_so_once(world):
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Priya")
    phone.say("yes")

    assert "changed" == world.afspraak("A1", person, datetime(2026, 12, 4, 10, 0))
    assert "unchanged" == world.afspraak("A1", person, datetime(2026, 12, 4, 10, 0))
    world.tick()
    assert "none" == world.answer("A1")
    assert "04-12-2026" in phone.last.text
    assert 1 == sum(key == "afspraak.changed" for key, _ in world.messages())

    phone.say("1")
    assert "confirmed" == world.answer("A1")


def test_an_answer_to_the_old_time_asks_again(world):
    """It moved at night: the message about that waits, and they say yes to the time before."""
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    world.at(local(2026, 12, 2, 22, 0))
    world.afspraak("A1", person, datetime(2026, 12, 4, 10, 0))
    phone = world.phone("Priya")

    phone.say("yes")
    assert "none" == world.answer("A1")
    assert "04-12-2026" in phone.last.text
    phone.say("yes")
    assert "confirmed" == world.answer("A1")


def test_a_cancelled_afspraak_is_told_once_and_only_to_who_heard_of_it(world):
    told = world.person("Priya", "en", "sms", "+31697000004")
    untold = world.person("Mehmet", "tr", "sms", "+31697000008")
    world.afspraak("A1", told, datetime(2026, 12, 3, 14, 30))
    world.afspraak("A2", untold, datetime(2026, 12, 30, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()

    world.afspraak("A1", told, datetime(2026, 12, 3, 14, 30), status="afgezegd")
    world.afspraak("A2", untold, datetime(2026, 12, 30, 14, 30), status="afgezegd")
    world.tick()
    assert "03-12-2026" in world.phone("Priya").last.text
    assert [] == world.phone("Mehmet").received
    world.at(local(2026, 12, 30, 12, 30))
    world.tick()
    assert [] == world.phone("Mehmet").received


def test_decline_and_another_day_become_tasks_and_can_be_taken_back(world):
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Priya")

    phone.say("2")
    assert "reschedule" == world.answer("A1")
    assert ["andere dag"] == world.tasks()
    phone.say("Tuesday morning please")
    assert "reschedule" == world.answer("A1")
    noted = world.read(lambda s: s.scalars(select(Reply.text).order_by(Reply.id)).all())
    assert "Tuesday morning please" == noted[-1]

    phone.say("3")
    assert "declined" == world.answer("A1")
    assert ["komt niet"] == world.tasks()
    phone.say("1")
    assert "confirmed" == world.answer("A1")
    assert [] == world.tasks()


def test_a_voice_note_is_kept_for_staff_and_decides_nothing(world):
    world.templates()
    person = world.person("Maryam", "fa", "whatsapp", "+31697000003")
    world.afspraak("A3", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Maryam")

    phone.voice()
    assert "none" == world.answer("A3")
    assert ["spraakbericht"] == world.tasks()
    assert phone.last.buttons
    phone.say("👍🏾")
    assert "confirmed" == world.answer("A3")


def test_twilios_own_stopword_is_mirrored_and_not_answered_twice(world):
    """CANCEL in answer to an afspraak: Twilio itself blocks the number before we see it."""
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Priya")
    before = len(world.messages())

    phone.say("CANCEL")
    assert before == len(world.messages()), "Twilio answered; we do not"
    assert ["geen berichten, bel of brief"] == world.tasks()
    assert world.read(lambda s: s.scalars(select(Address.stopped_at)).one()) is not None
    assert "none" == world.answer("A1")


def test_outside_production_nobody_off_the_allow_list_is_reached(make_world):
    world = make_world(allowed_recipients="+31697000004")
    listed = world.person("Priya", "en", "sms", "+31697000004")
    other = world.person("Mehmet", "tr", "sms", "+31697000008")
    for kenmerk, person in (("A1", listed), ("A2", other)):
        world.afspraak(kenmerk, person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()

    assert 1 == len(world.phone("Priya").received)
    assert [] == world.phone("Mehmet").received
    assert "not_allowed" == world.read(
        lambda s: s.scalars(select(Message.cause).where(Message.state == "blocked")).one()
    )


@pytest.mark.parametrize("fault", ["double", "shuffled", "late"])
def test_receipts_that_come_twice_late_or_shuffled_only_move_a_message_up(world, fault):
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.ground.arm(fault)
    world.tick(reports=fault != "late")
    world.at(local(2026, 12, 2, 14, 40))
    world.settle()

    assert [("afspraak.reminder", "delivered")] == world.messages()


def test_a_lost_answer_is_unknown_until_the_receipt_proves_the_send(world):
    """Twilio took it and the line went dead: never sent again, and adopted by its callback."""
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.ground.arm("lost")
    world.tick()
    world.tick()

    assert 1 == len(world.phone("Priya").received)
    assert [("afspraak.reminder", "delivered")] == world.messages()
    assert ["accepted"] == world.read(lambda s: list(s.scalars(select(Attempt.outcome))))


def test_too_fast_pauses_the_sender_and_the_message_goes_later(world):
    person = world.person("Priya", "en", "telegram", "1004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.ground.arm("429")
    world.tick()

    world.pass_(seconds=10)
    assert 1 == len(world.phone("Priya").received)
    assert ["not_sent", "accepted"] == world.read(
        lambda s: list(s.scalars(select(Attempt.outcome).order_by(Attempt.id)))
    )


def test_a_new_question_takes_the_place_of_a_dialogue_that_was_left_open(world):
    """They never said which day suits; a week later "1" answers the reminder of that day."""
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    phone = world.phone("Priya")
    phone.say("2")
    world.afspraak("A2", person, datetime(2026, 12, 4, 14, 30))
    world.at(local(2026, 12, 3, 14, 40))
    world.tick()

    phone.say("1")

    assert ["reschedule", "confirmed"] == [world.answer("A1"), world.answer("A2")]


@pytest.mark.parametrize(
    ("whose", "kept"), [("own", "+31697001006"), ("other", None)], ids=["own", "another's"]
)
def test_only_ones_own_number_is_taken_from_a_shared_contact(world, whose, kept):
    """Anybody can share anybody's contact card."""
    world.person("Rania", "ar", "telegram", "1006")
    phone = world.phone("Rania")
    phone.share_contact(whose)

    assert kept == world.read(lambda s: s.scalars(select(Address.phone)).one())


def test_an_answer_that_is_refused_is_a_task_for_staff(world):
    """They said STOP to the provider and we never heard: now they wait for an answer in vain."""
    person = world.person("Priya", "en", "sms", "+31697000004")
    world.afspraak("A1", person, datetime(2026, 12, 3, 14, 30))
    world.at(local(2026, 12, 2, 14, 30))
    world.tick()
    world.ground.arm("21610")
    world.phone("Priya").say("1")

    assert [("afspraak.reminder", "delivered"), ("afspraak.confirmed", "failed")] == (
        world.messages()
    )
    assert ["niet bezorgd"] == world.tasks()
    assert world.read(lambda s: s.scalars(select(Address.stopped_at)).one()) is not None
