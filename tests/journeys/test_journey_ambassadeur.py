"""A personal link goes round, and people sign up by it: over HTTP, in their own language."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select

from bot import moments
from bot.models.ambassadeurs import Aanmelding, Ambassadeur, Click, Link
from bot.models.dialogues import Dialogue
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Address, Consent, Inburgeraar, PersonAddress
from bot.outreach import ambassadeurs
from bot.wording.languages import shipped

FATUMA = "+31697000050"


def an_ambassadeur(world, kenmerk="AMB1", phone=FATUMA, **more):
    """Let someone share a link; return its code."""
    with world.house.database.session() as session:
        one = Ambassadeur(
            kenmerk=kenmerk,
            first_name=f"Naam van {kenmerk}",
            phone=phone,
            languages=["ar", "nl"],
            created_at=moments.now(),
            **more,
        )
        session.add(one)
        session.flush()
        return ambassadeurs.link_for(session, one).code


def a_phone(world, name, channel, address, language="nl"):
    world.ground.add(name, language, channel, address)
    return world.phone(name)


def sign_up(phone, code, *answers):
    """Send START with *code* and answer until the end: language, leave, year, name, two lists."""
    for said in (f"START {code}", *(answers or ("1", "ja", "1990", phone.phone.name, "2", "1"))):
        phone.say(said)


def aanmeldingen(world):
    """Return the first name, link, and flags of everybody who was brought in, in order."""
    return world.read(
        lambda s: [
            tuple(row)
            for row in s.execute(
                select(Inburgeraar.first_name, Link.code, Aanmelding.counted, Aanmelding.flags)
                .join(Aanmelding, Aanmelding.person_id == Inburgeraar.id)
                .join(Link, Link.id == Aanmelding.link_id)
                .order_by(Aanmelding.id)
            )
        ]
    )


def test_somebody_signs_up_by_sms_and_is_asked_one_thing_at_a_time(world):
    """Language first, then what we send and how to stop, and only then anything about them."""
    code = an_ambassadeur(world)
    phone = a_phone(world, "Samira", "sms", "+31697000051")

    assert "1 = Nederlands" in phone.say(f"START {code}").text
    assert "Mogen we je berichten sturen?" in phone.say("1").text
    assert "geboortejaar" in phone.say("1").text
    assert "Hoe heet je?" in phone.say("1990").text
    assert "2 = Noord" in phone.say("Samira").text
    assert "1 = Actief in de wijk" in phone.say("2").text
    assert "Je bent aangemeld" in phone.say("1").text

    assert [("Samira", code, True, [])] == aanmeldingen(world)
    assert ("Noord", "Actief in de wijk", "nl", True) == world.read(
        lambda s: (
            *s.execute(select(Inburgeraar.wijk, Inburgeraar.interest, Inburgeraar.language)).one(),
            s.scalars(select(Consent.given)).one(),
        )
    )
    assert [] == world.read(lambda s: s.scalars(select(Dialogue)).all())


def test_consent_names_the_very_reply_that_gave_it(world):
    """Whoever asks why we write to her is shown what she said, and when."""
    phone = a_phone(world, "Samira", "whatsapp", "+31697000051")
    sign_up(phone, an_ambassadeur(world))

    evidence, channel = world.read(
        lambda s: tuple(s.execute(select(Consent.evidence, Consent.channel)).one())
    )
    said = world.read(
        lambda s: s.scalars(
            select(Reply.text).where(Reply.id == int(evidence.removeprefix("reply ")))
        ).one()
    )
    assert ("ja", "whatsapp") == (said, channel)


def test_a_language_is_chosen_by_its_name_and_the_rest_is_in_it(world):
    """Who cannot read Dutch can still write the name of their own language."""
    phone = a_phone(world, "Rania", "telegram", "1006", "ar")

    phone.say(f"/start {an_ambassadeur(world)}")
    answer = phone.say("العربية")

    assert {"نعم", "لا"} == {button.title for button in answer.buttons}
    assert "ar" == world.read(lambda s: s.scalars(select(Address.language)).one())


def language_of(world, address):
    return world.read(
        lambda s: s.scalars(select(Address.language).where(Address.address == address)).one()
    )


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
def test_the_last_language_of_the_menu_is_reached_by_its_number_and_by_its_name(world, channel):
    """However many there are; the menu is never longer than its numbers reach."""
    *_, before, last = shipped().values()
    address = "3001" if channel == "telegram" else "+31697003001"
    phone = a_phone(world, "Samira", channel, address)

    phone.say("START")
    phone.say(str(len(shipped())))
    assert last.code == language_of(world, address)

    phone.say(before.name)
    assert before.code == language_of(world, address)


def test_every_language_has_a_button_on_telegram(world):
    *_, last = shipped().values()
    phone = a_phone(world, "Samira", "telegram", "1006")

    menu = phone.say("/start")
    assert [each.name for each in shipped().values()] == [key.title for key in menu.buttons]

    phone.tap(last.name)
    assert last.code == language_of(world, "1006")


def test_the_last_language_is_reached_by_taps_on_whatsapp(world):
    """Its list holds ten: the last row names the languages that follow, and leads to them."""
    world.templates()
    *_, last = shipped().values()
    phone = a_phone(world, "Samira", "whatsapp", "+31697000051")

    menu, seen = phone.say("START"), []
    while last.name not in [row.title for row in menu.buttons]:
        assert 10 == len(menu.buttons)
        seen += [row.title for row in menu.buttons[:-1]]
        menu = phone.tap(menu.buttons[-1].title)
    seen += [row.title for row in menu.buttons]
    phone.tap(last.name)

    assert [each.name for each in shipped().values()] == seen
    assert last.code == language_of(world, "+31697000051")


def test_what_is_no_language_is_asked_once_more_and_then_a_person_helps(world):
    phone = a_phone(world, "Samira", "sms", "+31697000051")
    menu = phone.say("START").text

    assert menu == phone.say("99").text
    assert "Een collega helpt je" in phone.say("hmm").text


def test_a_minor_is_answered_kindly_and_nothing_is_kept(world):
    """S10: Bilal is sixteen. Where young people are helped, a count, and not a word of his."""
    code = an_ambassadeur(world)
    phone = a_phone(world, "Bilal", "telegram", "1010", "ar")
    phone.say(f"/start {code}")
    phone.say("3")
    phone.tap("نعم")

    answer = phone.say("2010")

    assert "14 0000" in answer.text
    assert "Jongerenpunt" in answer.text
    assert 1 == world.read(lambda s: s.scalars(select(Link.minors)).one())
    assert [] == world.read(
        lambda s: [*s.scalars(select(Inburgeraar)), *s.scalars(select(Dialogue))]
    )
    assert [] == aanmeldingen(world)
    kept = world.read(
        lambda s: [
            *s.execute(select(Reply.text, Reply.button, Reply.why)),
            *s.scalars(select(InboxEvent.payload)),
            *(str(values) for values in s.scalars(select(Message.values))),
            *s.scalars(select(Consent.evidence)),
        ]
    )
    assert not re.search("2010|Bilal", str(kept))
    world.pass_(days=3)
    assert answer.id == phone.last.id


@pytest.mark.parametrize("said", ["ik ben 16", "١٥", "17 jaar"])
def test_a_minor_who_tells_an_age_is_met_as_kindly_and_nothing_is_kept(world, said):
    """Asked for a year, many say how old they are."""
    code = an_ambassadeur(world)
    phone = a_phone(world, "Bilal", "telegram", "1010", "nl")
    sign_up(phone, code, "1", "ja", said)

    assert "Jongerenpunt" in phone.last.text
    assert [] == world.read(
        lambda s: [*s.scalars(select(Inburgeraar)), *s.scalars(select(Dialogue))]
    )
    kept = world.read(lambda s: [*s.scalars(select(Reply.text))])
    assert said not in kept


def test_whoever_turns_eighteen_this_year_may_still_be_a_minor(world):
    """We ask for the year alone; at the edge nothing is kept rather than something of a child."""
    phone = a_phone(world, "Noor", "sms", "+31697000052")
    sign_up(phone, an_ambassadeur(world), "1", "ja", "2008")
    assert 1 == world.read(lambda s: s.scalars(select(Link.minors)).one())

    sign_up(phone, "K7Q2M9TX4F", "1", "ja", "2007")
    assert "Hoe heet je?" in phone.last.text


def test_five_people_come_in_by_one_shared_link(world):
    """A link is forwarded in a group: each of the five counts once, on whatever channel."""
    code = an_ambassadeur(world)
    for at, channel in enumerate(("sms", "whatsapp", "telegram", "sms", "whatsapp")):
        address = f"200{at}" if channel == "telegram" else f"+3169700006{at}"
        sign_up(a_phone(world, f"Naam{'abcde'[at]}", channel, address), code)

    assert [(True, [])] * 5 == [row[2:] for row in aanmeldingen(world)]

    fatuma = a_phone(world, "Fatuma", "sms", FATUMA, "ar")
    told = fatuma.say("Stand").text
    assert ["5", "5"] == re.findall(r"\d+", told)
    assert "Naam" not in told
    assert [] == world.tasks()


def test_only_the_ambassadeur_hears_how_it_stands(world):
    """The same word from anybody else is a word we do not know."""
    an_ambassadeur(world)
    phone = a_phone(world, "Piet", "sms", "+31697000053")

    phone.say("stand")

    assert ["answer.unclear_plain"] == [key for key, _ in world.messages()]


def test_the_first_link_wins(world):
    """Two neighbours share with the same person: who came first counts, and only once."""
    first, second = an_ambassadeur(world), an_ambassadeur(world, "AMB2", "+31697000059")
    phone = a_phone(world, "Samira", "sms", "+31697000051")

    phone.say(f"START {first}")
    assert "1 = Nederlands" in phone.say(f"START {second}").text
    for said in ("1", "ja", "1990", "Samira", "2", "1"):
        phone.say(said)
    assert "al aangemeld" in phone.say(f"START {second}").text

    assert [("Samira", first, True, [])] == aanmeldingen(world)


def test_start_without_a_code_counts_for_nobody(world):
    """A poster in the library has no ambassadeur; people are welcome all the same."""
    phone = a_phone(world, "Samira", "sms", "+31697000051")
    for said in ("START", "1", "ja", "1990", "Samira", "2", "1"):
        phone.say(said)

    assert "Je bent aangemeld" in phone.last.text
    assert [] == aanmeldingen(world)


def test_an_unknown_code_is_answered_like_a_known_one(world):
    """Otherwise codes could be tried out in the chat."""
    code = an_ambassadeur(world)
    known = a_phone(world, "A", "sms", "+31697000054").say(f"START {code}")
    unknown = a_phone(world, "B", "sms", "+31697000055").say("START K7Q2M9TX4F")

    assert known.text == unknown.text


def test_ones_own_number_earns_nothing(world):
    """Written 06 in the file, and tried on WhatsApp: it is the same number."""
    code = an_ambassadeur(world, phone="06-97000050")
    sign_up(a_phone(world, "Fatuma", "whatsapp", FATUMA), code)

    assert [("Fatuma", code, False, ["own_number"])] == aanmeldingen(world)
    fatuma = world.phone("Fatuma")
    assert "Naam" in fatuma.received[-1].text


def test_ones_own_household_earns_nothing(world):
    """By the gemeente's key of the household; staff can still decide otherwise."""
    code = an_ambassadeur(world, household="H7")
    world.person("Omar", "nl", "sms", "+31697000056", invitations=True, household="H7")

    assert "al aangemeld" in world.phone("Omar").say(f"START {code}").text

    assert [("Omar", code, False, ["known_person", "own_household"])] == aanmeldingen(world)


def test_somebody_we_knew_is_asked_before_they_are_invited(world):
    """Appointments need no leave, invitations do; a link is no yes."""
    code = an_ambassadeur(world)
    kenmerk = world.person("Omar", "nl", "sms", "+31697000056")
    phone = world.phone("Omar")

    assert "Mogen we je uitnodigen?" in phone.say(f"START {code}").text
    assert "We sturen je uitnodigingen" in phone.say("1").text

    assert (kenmerk, True) == world.read(
        lambda s: tuple(
            s.execute(
                select(Inburgeraar.kenmerk, Consent.given).join(
                    Consent, Consent.person_id == Inburgeraar.id
                )
            ).one()
        )
    )
    assert [("Omar", code, False, ["known_person"])] == aanmeldingen(world)


def test_the_same_number_on_another_channel_is_the_same_person(world):
    """WhatsApp and SMS prove the same number: no second person, no second count."""
    code = an_ambassadeur(world)
    sign_up(a_phone(world, "Samira", "whatsapp", "+31697000051"), code)
    a_phone(world, "Samira-sms", "sms", "+31697000051").say(f"START {code}")

    assert [("Samira", code, True, [])] == aanmeldingen(world)
    assert ["whatsapp", "sms"] == world.read(
        lambda s: s.scalars(
            select(Address.channel).join(PersonAddress).order_by(PersonAddress.rank)
        ).all()
    )


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
@pytest.mark.parametrize("so_far", range(6))
def test_stop_ends_it_at_any_moment(world, so_far, channel):
    """Whatever was asked, STOP is no answer to it; what was said is gone.

    By SMS it is Twilio that answers, and we hear of it.
    """
    phone = a_phone(world, "Samira", channel, "+31697000051")
    code = an_ambassadeur(world)
    for said in (f"START {code}", "1", "ja", "1990", "Samira", "2")[: so_far + 1]:
        phone.say(said)

    phone.say("STOP")
    before = len(phone.received)
    phone.say("1")

    assert [] == world.read(
        lambda s: [*s.scalars(select(Inburgeraar)), *s.scalars(select(Dialogue))]
    )
    assert before == len(phone.received)


def test_no_is_a_good_answer(world):
    """Who may not be written to is nobody to us."""
    phone = a_phone(world, "Samira", "sms", "+31697000051")
    sign_up(phone, an_ambassadeur(world), "1", "2")

    assert "Je krijgt geen berichten" in phone.last.text
    assert [] == world.read(
        lambda s: [*s.scalars(select(Inburgeraar)), *s.scalars(select(Dialogue))]
    )


def test_another_language_halfway_goes_on_where_it_was(world):
    """The question comes again in the new language, and nothing said is lost.

    Frans is a language too, but here it is his name.
    """
    phone = a_phone(world, "Samira", "sms", "+31697000051")
    code = an_ambassadeur(world)
    sign_up(phone, code, "1", "ja", "1990")

    phone.say("taal")
    assert "name" in phone.say("2").text
    for said in ("Frans", "2", "1"):
        phone.say(said)

    assert [("Frans", code, True, [])] == aanmeldingen(world)
    assert "en" == world.read(lambda s: s.scalars(select(Inburgeraar.language)).one())


def test_a_sign_up_left_alone_is_forgotten(world):
    """A week later a digit means nothing any more, and no half person is kept."""
    phone = a_phone(world, "Samira", "sms", "+31697000051")
    sign_up(phone, an_ambassadeur(world), "1", "ja", "1990", "Samira")

    world.at(moments.now() + timedelta(days=8))
    phone.say("2")

    assert [] == world.read(
        lambda s: [*s.scalars(select(Inburgeraar)), *s.scalars(select(Dialogue))]
    )


def test_what_is_no_year_name_or_wijk_is_asked_once_more(world):
    """A web address is no name, 90 is no year; a wijk outside the list is left open."""
    phone = a_phone(world, "Samira", "sms", "+31697000051")
    sign_up(phone, an_ambassadeur(world), "1", "ja", "90")
    assert "4 cijfers" in phone.last.text
    assert "Hoe heet je?" in phone.say("geboren in ١٩٩٠").text
    assert "Hoe heet je?" in phone.say("https://evil.example").text
    assert "2 = Noord" in phone.say("  Samira   Amal ").text
    assert "2 = Noord" in phone.say("99").text
    assert "1 = Actief" in phone.say("Atlantis").text
    phone.say("lezen en schrijven in de wijk")

    assert ("Samira Amal", None, "Lezen en schrijven in de wijk") == world.read(
        lambda s: tuple(
            s.execute(select(Inburgeraar.first_name, Inburgeraar.wijk, Inburgeraar.interest)).one()
        )
    )


def test_the_tap_on_the_page_leads_into_the_chat(world):
    """From page to person over HTTP: the tap is counted, the code arrives, the person counts."""
    code = an_ambassadeur(world)
    address = f"{world.house.settings.public_url}/a/{code}"
    assert 200 == requests.get(address, timeout=10).status_code
    tapped = requests.post(f"{address}/sms", allow_redirects=False, timeout=10)
    text = re.search("body=(.*)", tapped.headers["Location"])[1].replace("%20", " ")

    sign_up(a_phone(world, "Samira", "sms", "+31697000051"), text.removeprefix("START "))

    assert [("Samira", code, True, [])] == aanmeldingen(world)
    assert [("chat", 1), ("sms", 1)] == world.read(
        lambda s: [
            tuple(row) for row in s.execute(select(Click.channel, Click.count).order_by("channel"))
        ]
    )
