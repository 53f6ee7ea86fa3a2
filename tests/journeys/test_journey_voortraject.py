"""People are asked for a group near home and answer as they like; a free place is passed on."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from bot import moments
from bot.__main__ import main
from bot.models.tasks import Task
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import tasks

HEADER = "kenmerk;thema;plaats;adres;dagen;begin;eind;start;weken;plekken;wachttijd"
GROUP = "V1;actief;Buurthuis De Brug;;ma, wo;09:00;11:30;14-12-2026;26;{seats};48"


def local(*parts: int) -> datetime:
    return moments.from_local(datetime(*parts))


@pytest.fixture
def stap(world, monkeypatch):
    """The command line, on the same database."""
    monkeypatch.setenv("DATABASE_URL", world.house.settings.database_url)
    monkeypatch.setenv("ENVIRONMENT", "practice")

    def run(*words: str) -> Result:
        done = CliRunner().invoke(main, list(words), catch_exceptions=False)
        world.tick()
        return done

    return run


@pytest.fixture
def group(stap, tmp_path):
    """Bring a voortraject with so many seats, as staff do."""

    def bring(seats: int) -> None:
        file = tmp_path / "voortrajecten.csv"
        file.write_text(f"{HEADER}\n{GROUP.format(seats=seats)}\n", encoding="utf-8")
        assert 0 == stap("intake", "voortrajecten", str(file)).exit_code

    return bring


@pytest.fixture
def people(world):
    """Three who said yes to invitations, each on a channel of their own."""
    world.person("Sanne", "nl", "sms", "+31697000021", invitations=True, wijk="Noord")
    world.person("Rania", "ar", "telegram", "1006", invitations=True, wijk="Noord")
    world.person("Mehmet", "tr", "telegram", "1008", invitations=True, wijk="Oost")
    return [world.phone(name) for name in ("Sanne", "Rania", "Mehmet")]


def states(stap) -> dict[str, str]:
    rows = json.loads(stap("list", "deelnames", "--json").stdout)
    return {row["person"].removeprefix("P-"): row["state"] for row in rows}


def notes(world) -> list[tuple[str, str]]:
    return world.read(
        lambda s: [
            tuple(row)
            for row in s.execute(
                select(Task.kind, Task.note).where(Task.done_at.is_(None)).order_by(Task.id)
            )
        ]
    )


def test_everyone_is_asked_in_their_own_language_and_yes_is_echoed(world, stap, group, people):
    group(12)
    sanne, rania, mehmet = people

    done = stap("invite", "V1", "--unreviewed", "ar,tr")

    assert 0 == done.exit_code
    assert "Uitgenodigd: 3" in done.stdout
    for part in ("Actief in de wijk", "Buurthuis De Brug", "Brugstraat 4", "STOP"):
        assert all(part in phone.last.text for phone in people), part
    assert "Wanneer: maandag en woensdag, 09:00-11:30" in sanne.last.text
    assert "Eerste keer: maandag 14 december, 14-12-2026" in sanne.last.text
    assert "1 = Ja\n2 = Later\n3 = Nee" in sanne.last.text
    assert "الاثنين والأربعاء\n\u206609:00-11:30\u2069" in rania.last.text
    assert "Pazartesi ve Çarşamba, 09:00-11:30" in mehmet.last.text

    sanne.say("1")
    rania.tap(rania.last.buttons[0].title)
    mehmet.say("evet")

    assert {"Sanne": "accepted", "Rania": "accepted", "Mehmet": "accepted"} == states(stap)
    assert "Fijn, je doet mee." in sanne.last.text
    assert "14-12-2026" in rania.last.text
    assert "14 Aralık Pazartesi, 14-12-2026" in mehmet.last.text
    sanne.say("ja")
    assert "Je doet al mee." in sanne.last.text


def test_inviting_again_asks_nobody_twice(world, stap, group, people):
    group(12)
    stap("invite", "V1", "--unreviewed", "alle")
    before = world.messages()

    again = stap("invite", "V1", "--unreviewed", "alle")

    assert before == world.messages()
    assert "Uitgenodigd: 0" in again.stdout
    assert "al uitgenodigd: 3" in again.stdout


def test_only_who_said_yes_to_invitations_is_asked(world, stap, group):
    """Reminders rest on the public task; an invitation needs a yes of one's own."""
    group(12)
    world.person("Never", "nl", "telegram", "1030")
    world.person("No", "nl", "telegram", "1031", invitations=False)
    world.person("Stopped", "nl", "telegram", "1032", invitations=True)
    world.phone("Stopped").say("STOP")

    done = stap("invite", "V1")

    assert "Uitgenodigd: 0" in done.stdout
    assert "geen toestemming: 2 (Nederlands 2)" in done.stdout
    assert "stuurde STOP: 1 (Nederlands 1)" in done.stdout
    assert ["consent.stopped"] == [key for key, _ in world.messages()]


def test_no_invitation_reaches_a_phone_from_which_danger_was_told(world, stap, group, people):
    """Who is beside her may see it: once a colleague has seen to her she is reminded, no more."""
    group(12)
    selam = world.person("Selam", "ti", "telegram", "1001", invitations=True)
    world.afspraak("A1", selam, datetime(2026, 12, 3, 10, 0))
    hand = world.phone("Selam")
    hand.say("ሰብኣየይ ይወቅዓኒ ኣሎ ፈሪሐ")

    assert ["noodgeval"] == world.tasks()
    assert all(part in hand.last.text for part in ("112", "0800-2000", "Veilig Thuis", "ገዛ"))
    assert "ፈሪሐ" not in hand.last.text, "nothing of what was written is repeated"

    done = stap("invite", "V1", "--unreviewed", "alle")
    assert "Uitgenodigd: 3" in done.stdout
    with world.house.database.session() as session:
        danger = select(Task.id).where(Task.kind == tasks.EMERGENCY)
        assert tasks.close(session, session.scalars(danger).one(), "Jansen")
    world.at(local(2026, 12, 2, 10, 0))
    world.tick()
    assert "03-12-2026" in hand.last.text
    assert not any("STOP" in bubble.text for bubble in hand.received), "no invitation"


def test_what_was_planned_before_the_danger_is_held(world, stap, group):
    """The invitation waits for the morning; at night she writes that she is not safe."""
    group(12)
    world.at(local(2026, 12, 1, 22, 0))
    world.person("Selam", "ti", "telegram", "1001", invitations=True)
    stap("invite", "V1", "--unreviewed", "alle")
    hand = world.phone("Selam")
    assert [] == hand.received
    hand.say("ሰብኣየይ ይወቅዓኒ ኣሎ ፈሪሐ")

    world.at(local(2026, 12, 2, 11, 0))
    world.tick()

    assert 1 == len(hand.received), "the safety answer, and nothing else"
    assert ("voortraject.invitation", "blocked") in world.messages()


def test_a_rule_chooses_and_check_sends_nothing(world, stap, group, people):
    group(12)

    shown = stap("invite", "V1", "--audience", "wijk=Noord", "--unreviewed", "ar", "--check")
    assert "Krijgen een uitnodiging: 2" in shown.stdout
    assert [] == world.messages()

    stap("invite", "V1", "--audience", "wijk=Noord niet taal=ar")
    assert {"Sanne": "invited"} == states(stap)


def test_a_text_that_nobody_reviewed_waits_for_a_yes(world, stap, group, people):
    group(12)

    done = stap("invite", "V1")

    assert {"Sanne": "invited"} == states(stap)
    assert "tekst in deze taal nog niet nagelezen: 2" in done.stdout
    assert "--unreviewed ar,tr" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["V9"], "Er is geen voortraject 'V9'. Wel: V1."),
        (["V1", "--audience", "wyk=Noord"], "'wyk' kennen wij niet"),
        (["V1", "--unreviewed", "eo"], "geen tekst in het Esperanto"),
        (["V1", "--unreviewed", "klingon"], "'klingon'"),
    ],
)
def test_what_cannot_be_done_is_refused_in_dutch(stap, group, new_language, words, says):
    group(12)

    done = stap("invite", *words)

    assert 1 == done.exit_code
    assert says in done.stderr
    assert "" == done.stdout


def test_a_group_that_has_begun_invites_nobody(world, stap, group, people):
    group(12)
    world.at(local(2026, 12, 14, 10, 0))

    done = stap("invite", "V1")

    assert (1, True) == (done.exit_code, "is al begonnen" in done.stderr)


def test_no_and_later_can_be_taken_back(world, stap, group, people):
    """A no is a free choice, and so is a yes after it."""
    group(12)
    sanne, rania, _ = people
    stap("invite", "V1", "--unreviewed", "alle")

    sanne.say("3")
    assert "Je doet niet mee. Dat is goed." in sanne.last.text
    rania.tap(rania.last.buttons[1].title)
    assert {"Sanne": "declined", "Rania": "later", "Mehmet": "invited"} == states(stap)

    sanne.say("1")
    rania.say("١")
    assert {"Sanne": "accepted", "Rania": "accepted", "Mehmet": "invited"} == states(stap)
    sanne.say("2")
    assert "later" == states(stap)["Sanne"]
    assert [1] == [
        row["taken"] for row in json.loads(stap("list", "voortrajecten", "--json").stdout)
    ]


def test_yes_if_there_is_childcare_is_a_need_and_not_a_no(world, stap, group, people):
    """Only how many children is kept, never their names."""
    group(12)
    sanne, _, mehmet = people
    stap("invite", "V1", "--unreviewed", "alle")

    sanne.say("ja, als er kinderopvang is")
    assert "Voor hoeveel kinderen?" in sanne.last.text
    assert "09:00-11:30" in sanne.last.text
    sanne.say("2 kinderen")
    assert "Kinderen: 2" in sanne.last.text
    mehmet.say("kreş")
    mehmet.say("üç")

    rows = json.loads(stap("list", "deelnames", "--json").stdout)
    assert [("accepted", True), ("invited", False), ("accepted", True)] == [
        (row["state"], row["childcare"]) for row in rows
    ]
    when = "Groep: Actief in de wijk, maandag en woensdag, 09:00-11:30."
    assert [
        ("kinderopvang", f"Doet mee als er opvang is. {when} Aantal kinderen: 2."),
        ("kinderopvang", f"Doet mee als er opvang is. {when} Aantal kinderen: 3."),
    ] == notes(world)


def test_s11_hodan_asks_for_childcare_in_somali(world, stap, group):
    """Nothing is written in Somali yet: she reads Dutch, and answers in her own words."""
    group(12)
    world.person("Hodan", "nl", "telegram", "1011", invitations=True)
    stap("invite", "V1")
    hodan = world.phone("Hodan")

    hodan.say("xannaano ma jirtaa?")

    assert {"Hodan": "accepted"} == states(stap)
    assert ["kinderopvang"] == world.tasks()
    hodan.say("Amina en Bilal")
    assert [("kinderopvang", True)] == [(kind, "Amina" not in note) for kind, note in notes(world)]


def test_a_number_after_a_no_is_an_answer_and_no_count_of_children(world, stap, group, people):
    group(12)
    rania = people[1]
    stap("invite", "V1", "--unreviewed", "alle")
    invited = rania.last
    rania.say("حضانة")
    rania.tap(invited.buttons[2].title)
    assert "declined" == states(stap)["Rania"]

    rania.say("1")

    assert "accepted" == states(stap)["Rania"]
    assert [] == world.tasks()


def test_a_question_goes_to_staff_and_leaves_the_invitation_open(world, stap, group, people):
    group(12)
    sanne = people[0]
    stap("invite", "V1")

    sanne.say("Is er ook koffie bij jullie?")

    assert "Dank je voor je vraag." in sanne.last.text
    assert [
        ("vraag", "Heeft een vraag over de groep. Lees het bericht. Groep: Actief in de wijk.")
    ] == (notes(world))
    sanne.say("1")
    assert "accepted" == states(stap)["Sanne"]


def test_a_full_group_waits_and_a_free_place_is_passed_on(world, stap, group, people):
    """One seat, three who want it: a number, an offer with a last hour, and then the next."""
    group(1)
    sanne, rania, mehmet = people
    stap("invite", "V1", "--unreviewed", "alle")
    sanne.say("1")
    rania.say("نعم")
    mehmet.say("1")
    assert {"Sanne": "accepted", "Rania": "waiting", "Mehmet": "waiting"} == states(stap)
    assert "\u20661\u2069" in rania.last.text
    assert mehmet.last.text.splitlines()[-2].endswith(" 2")

    sanne.say("3")
    world.tick()
    assert {"Sanne": "declined", "Rania": "offered", "Mehmet": "waiting"} == states(stap)
    assert "03-12-2026 10:0" in rania.last.text

    world.pass_(hours=49)
    assert {"Sanne": "declined", "Rania": "lapsed", "Mehmet": "offered"} == states(stap)
    rania.tap(rania.last.buttons[0].title)
    assert "lapsed" == states(stap)["Rania"]
    rania.say("نعم")
    assert "waiting" == states(stap)["Rania"]

    mehmet.tap(mehmet.last.buttons[0].title)
    assert {"Sanne": "declined", "Rania": "waiting", "Mehmet": "accepted"} == states(stap)
    assert "Pazartesi" in mehmet.last.text


def test_a_change_of_mind_gives_the_place_to_the_next_at_once(world, stap, group, people):
    group(1)
    sanne, rania, mehmet = people
    stap("invite", "V1", "--unreviewed", "alle")
    for phone in people:
        phone.say("1")

    sanne.say("nee")
    world.tick()
    rania.tap(rania.last.buttons[1].title)
    world.tick()

    assert {"Sanne": "declined", "Rania": "waiting", "Mehmet": "offered"} == states(stap)
    mehmet.say("1")
    row = json.loads(stap("list", "voortrajecten", "--json").stdout)[0]
    assert (1, 1, 1, 1, 1) == (
        row["seats"], row["taken"], row["accepted"], row["waiting"], row["declined"]
    )  # fmt: skip


def test_who_takes_part_is_reminded_and_can_still_give_the_place_back(world, stap, group, people):
    """Monday at nine; Sunday is quiet, so Saturday, before eight in the evening."""
    group(12)
    sanne, rania, _ = people
    stap("invite", "V1", "--unreviewed", "alle")
    sanne.say("1")
    rania.say("1")

    world.at(local(2026, 12, 12, 19, 46))
    world.tick()

    keys = [key for key, _ in world.messages()]
    assert 2 == keys.count("voortraject.first_meeting")
    assert "De groep gaat beginnen." in sanne.last.text
    assert "Datum: 14-12-2026" in sanne.last.text
    assert "Tijd: 09:00" in sanne.last.text
    sanne.say("nee")
    assert "declined" == states(stap)["Sanne"]


def test_an_answer_after_the_group_began_is_for_staff(world, stap, group, people):
    group(12)
    sanne = people[0]
    stap("invite", "V1")

    world.at(local(2026, 12, 15, 10, 0))
    sanne.say("1")

    assert "invited" == states(stap)["Sanne"]
    assert ["antwoord na de afspraak"] == world.tasks()
    assert "Een collega leest je bericht." in sanne.last.text


def test_two_who_do_not_make_sense_get_a_person(world, stap, group, people):
    group(12)
    sanne = people[0]
    stap("invite", "V1")

    sanne.say("qwxz blorp")
    assert "Het gaat over deze groep: Actief in de wijk" in sanne.last.text
    sanne.say("blorp qwxz")

    assert ["onduidelijk antwoord"] == world.tasks()


def test_by_whatsapp_a_tigrinya_reader_opens_the_invitation_in_her_language(world, stap, group):
    """Meta has no code for Tigrinya: a Dutch opener, then her own words."""
    world.templates()
    group(12)
    world.person("Selam", "ti", "whatsapp", "+31697000001", invitations=True)
    stap("invite", "V1", "--unreviewed", "ti")
    selam = world.phone("Selam")
    assert ["Ja", "Nee", "ትግርኛ"] == [button.title for button in selam.last.buttons]

    selam.tap("ትግርኛ")
    assert "ሰኑይን ረቡዕን, 09:00-11:30" in selam.last.text
    selam.tap(selam.last.buttons[0].title)

    assert {"Selam": "accepted"} == states(stap)
    assert "14-12-2026" in selam.last.text
    assert 1 == world.read(lambda s: s.scalars(select(Voortraject.taken)).one())
    assert 1 == world.read(lambda s: len(s.scalars(select(Deelname)).all()))
    assert all(x.valid for x in world.ground.log), [x.complaint for x in world.ground.log]
