"""Scenarios of residents as they were written down beforehand, each played to its end."""

from __future__ import annotations

from datetime import datetime

import pytest
import world as worlds
from click.testing import CliRunner
from sqlalchemy import select

from bot import moments
from bot.__main__ import main
from bot.models.messages import Message, Reply
from bot.models.people import Address, Inburgeraar
from bot.models.tasks import Task
from bot.outreach import tasks
from bot.privacy import consent

GROUP = (
    "kenmerk;thema;plaats;adres;dagen;begin;eind;start;weken;plekken;wachttijd\n"
    "V1;actief;Buurthuis De Brug;;ma, wo;09:00;11:30;14-12-2026;26;12;48\n"
)


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


@pytest.fixture
def spoken(monkeypatch, world):
    """WhatsApp's templates in these languages alone, approved: making them all takes long."""

    def push(*languages: str) -> None:
        monkeypatch.setattr(worlds, "SPOKEN", ("nl", *languages))
        world.templates()

    return push


@pytest.fixture
def stap(world, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", world.house.settings.database_url)
    monkeypatch.setenv("ENVIRONMENT", "practice")

    def run(*words: str) -> str:
        done = CliRunner().invoke(main, list(words), catch_exceptions=False)
        assert 0 == done.exit_code, done.output
        world.tick()
        return done.stdout

    return run


def remind(world, name, language, channel, address):
    person = world.person(name, language, channel, address)
    world.afspraak("A1", person, datetime(2026, 12, 3, 10, 0))
    world.at(local(2026, 12, 2, 10, 0))
    world.tick()
    return world.phone(name)


def titles(bubble) -> list[str]:
    return [button.title for button in bubble.buttons]


def notes(world) -> list[tuple[str, str | None]]:
    return world.read(
        lambda s: [
            tuple(row)
            for row in s.execute(
                select(Task.kind, Task.note).where(Task.done_at.is_(None)).order_by(Task.id)
            )
        ]
    )


def no_complaints(world) -> None:
    assert all(x.valid for x in world.ground.log), [x.complaint for x in world.ground.log]


def test_s02_hamid_answers_in_dutch_and_hears_dari_until_he_asks_for_dutch(world, spoken):
    spoken("prs")
    phone = remind(world, "Hamid", "prs", "whatsapp", "+31697000002")
    assert "پنجشنبه" in phone.last.text, "in Dari, as a template"

    phone.say("ja ik kom")
    assert "confirmed" == world.answer("A1")
    assert "تشکر" in phone.last.text
    assert "donderdag" not in phone.last.text

    phone.say("nederlands")
    assert "nl" == world.read(lambda s: s.scalars(select(Inburgeraar.language)).one())
    assert ["confirm", "language"] == world.intents(), "what was asked for is on record"
    assert "donderdag 3 december" in phone.last.text
    assert "Je zei ja" in phone.last.text, "what is known is not asked again"
    assert ["دری"] == titles(phone.last), "one tap leads back"
    phone.tap("دری")
    assert "prs" == world.read(lambda s: s.scalars(select(Inburgeraar.language)).one())
    assert "پنجشنبه" in phone.last.text
    assert "confirmed" == world.answer("A1"), "language alone changes no answer"
    no_complaints(world)


def test_s03_fadumo_speaks_and_a_colleague_listens_while_the_question_stays_open(world, spoken):
    """She cannot read. Nothing is decided by her voice, and no voice leaves the house."""
    spoken("so")
    phone = remind(world, "Fadumo", "so", "whatsapp", "+31697000003")
    phone.say("Salaan")  # Meta has no Somali: her own words open it

    phone.voice()
    assert "none" == world.answer("A1")
    assert "spraakbericht" in world.tasks()
    assert "fariintaada codka" in phone.last.text, "we heard you"
    assert 3 == len(titles(phone.last)), "she can tap her answer meanwhile"
    assert "human" == world.intents()[-1]

    phone.say("👍🏾")
    assert "confirmed" == world.answer("A1")
    assert "03-12-2026" in phone.last.text
    no_complaints(world)


def test_s11_hodan_comes_if_there_is_childcare_and_is_asked_how_many_in_somali(
    world, spoken, stap, tmp_path
):
    spoken("so")
    file = tmp_path / "groepen.csv"
    file.write_text(GROUP, encoding="utf-8")
    stap("intake", "voortrajecten", str(file))
    world.person("Hodan", "so", "whatsapp", "+31697000011", invitations=True)
    stap("invite", "V1", "--unreviewed", "so")
    hodan = world.phone("Hodan")
    assert "Soomaali" in titles(hodan.last)[-1]
    hodan.tap(titles(hodan.last)[-1])

    hodan.say("xannaano ma jirtaa?")
    assert "accepted" in stap("list", "deelnames", "--json")
    assert '"childcare": true' in stap("list", "deelnames", "--json")
    assert "09:00-11:30" in hodan.last.text, "lesson hours beside school hours"

    hodan.say("2")
    [(kind, note)] = notes(world)
    assert ("kinderopvang", True) == (kind, "Aantal kinderen: 2" in (note or ""))
    assert "declined" not in stap("list", "deelnames", "--json")
    no_complaints(world)


def test_s12_oleksandr_is_angry_and_gets_fewer_messages_after_an_apology(
    world, spoken, stap, tmp_path
):
    """Three messages this week; what can wait waits until a colleague has seen to him."""
    spoken("uk")
    file = tmp_path / "groepen.csv"
    file.write_text(GROUP, encoding="utf-8")
    stap("intake", "voortrajecten", str(file))
    phone = remind(world, "Oleksandr", "uk", "whatsapp", "+31697000012")
    with world.house.database.session() as session:
        person = session.scalars(select(Inburgeraar)).one()
        consent.record(session, person, given=True, channel=None, evidence="test")

    phone.say("Хватит мне писать каждый день!!! 🤬")
    assert "none" == world.answer("A1"), "neither a no nor a stop"
    assert 3 == len(titles(phone.last))
    no_more, fewer, call_me = titles(phone.last)
    assert ("Більше не пишіть", "Зателефонуйте мені") == (no_more, call_me)
    [(kind, note)] = notes(world)
    assert ("boos bericht", True) == (kind, "laatste 7 dagen: 1" in (note or ""))

    stap("invite", "V1", "--unreviewed", "uk")
    assert ("planned", "upset") == world.read(
        lambda s: tuple(
            s.execute(
                select(Message.state, Message.cause).where(Message.key == "voortraject.invitation")
            ).one()
        )
    )

    phone.tap(fewer)
    assert "запрош" in phone.last.text
    heard = len(phone.received)
    with world.house.database.session() as session:
        for task in session.scalars(select(Task)):
            assert tasks.close(session, task.id, "Jansen")
    world.pass_(minutes=31)
    assert heard == len(phone.received), "no invitation any more: that is what he asked for"

    world.afspraak("A2", "P-Oleksandr", datetime(2026, 12, 11, 10, 0))
    world.afspraak("A3", "P-Oleksandr", datetime(2026, 12, 11, 16, 0))
    world.at(local(2026, 12, 10, 16, 0))
    world.tick()
    assert heard + 1 == len(phone.received), "one reminder a day"
    kind, note = notes(world)[-1]
    assert ("bel of brief", True) == (kind, "hoogstens een herinnering" in (note or ""))
    no_complaints(world)


def test_s13_danger_is_answered_in_persian_by_whatsapp_and_nothing_is_sent_there_in_bulk(
    world, stap, tmp_path
):
    """Nobody we know, at night: the fixed words, an alert, and no text of theirs for all to see."""
    world.at(local(2026, 12, 1, 23, 0))
    world.ground.add("Onbekend", "fa", "whatsapp", "+31697000013")
    phone = world.phone("Onbekend")
    said = "کمک! شوهرم من را می‌زند"

    answer = phone.say(said)
    assert answer is not None
    assert [] == [part for part in ("112", "0800-2000") if part not in answer.text]
    assert said not in answer.text
    [(kind, note)] = notes(world)
    assert "noodgeval" == kind
    assert "شوهرم" not in (note or "")
    assert world.read(lambda s: s.scalars(select(Address.bulk_locked_at)).one()) is not None
    assert [said] == world.read(lambda s: s.scalars(select(Reply.text)).all()), "kept as it was"
    shown = stap("list", "tasks")
    assert "شوهرم" not in shown
    no_complaints(world)


def test_s13_who_told_of_danger_is_not_reminded_until_a_colleague_has_seen_to_it(world):
    """Who hurts them may hold the phone: answers alone go there, and a colleague phones."""
    phone = remind(world, "Azadeh", "fa", "sms", "+31697000013")
    world.afspraak("A2", "P-Azadeh", datetime(2026, 12, 7, 10, 0))
    world.afspraak("A3", "P-Azadeh", datetime(2026, 12, 16, 10, 0))
    phone.say("کمک! شوهرم من را می‌زند")
    heard = len(phone.received)

    world.at(local(2026, 12, 4, 10, 0))
    world.tick()
    assert heard == len(phone.received), "the reminder of three days before waits"
    assert "danger" in world.read(lambda s: s.scalars(select(Message.cause)).all())
    phone.say("سلام")
    assert heard + 1 == len(phone.received), "who writes is answered"

    for day in (6, 7):
        world.at(local(2026, 12, day, 9, 30))
        world.tick()
    assert heard + 1 == len(phone.received)
    assert "bel of brief" in world.tasks(), "what was never said is said by a person"

    with world.house.database.session() as session:
        for task in session.scalars(select(Task).where(Task.done_at.is_(None))):
            assert tasks.close(session, task.id, "Jansen")
    world.at(local(2026, 12, 15, 10, 0))
    world.tick()
    assert heard + 2 == len(phone.received)
    no_complaints(world)


def test_s14_ali_asks_about_money_and_a_colleague_phones(world):
    """No amounts, no account number, and no word of it on the lock screen."""
    phone = remind(world, "Ali", "ar", "sms", "+31697000014")
    before = world.answer("A1")

    answer = phone.say("وين المصاري؟ ما وصلت")
    assert answer is not None
    assert world.house.gemeente.phone in answer.text.replace("\N{NO-BREAK SPACE}", " ")
    assert [] == [word for word in ("IBAN", "BSN", "€", "مصاري", "المال") if word in answer.text]
    [(kind, note)] = notes(world)
    assert "vraag geld" == kind
    assert not any(map(str.isdigit, note or ""))
    assert before == world.answer("A1")
    phone.say("نعم")
    assert "confirmed" == world.answer("A1"), "the question about his afspraak is still open"
    no_complaints(world)


def test_the_number_before_no_more_messages_is_a_stop(world):
    """By SMS the three ways out of an apology are numbers."""
    phone = remind(world, "Oleksandr", "uk", "sms", "+31697000012")
    answer = phone.say("😡")
    assert answer is not None
    assert 3 == sum(line[:4] in ("1 = ", "2 = ", "3 = ") for line in answer.text.splitlines())

    phone.say("1")
    assert ["boos bericht", "geen berichten, bel of brief"] == world.tasks()
    assert world.read(lambda s: s.scalars(select(Address.stopped_at)).one()) is not None
