"""People of a file: stored once, reached where the file says, and never over their own word."""

import pytest
from intake_desk import PEOPLE, doubts, refusals
from sqlalchemy import select

from bot import house, settings
from bot.models.messages import Message
from bot.models.people import Address, Consent, Inburgeraar, PersonAddress
from bot.outreach import people
from bot.outreach.intake.reading import parse
from bot.outreach.intake.storing import store
from bot.privacy import consent

HEADER = "kenmerk;voornaam;taal;telefoon;kanaal;telegram;toestemming\n"


def test_people_are_stored_with_where_they_can_be_reached_and_what_they_allowed(desk):
    report = desk.bring("people", PEOPLE, "people.csv")

    assert report.summary() == "2 rijen gelezen: 2 nieuw, 0 gewijzigd, 0 ongewijzigd, 0 geweigerd."
    selam = desk.person("P-1")
    assert ("Selam", "ti", "Noord", "ochtend", "Anna") == (
        selam.first_name,
        selam.language,
        selam.wijk,
        selam.groep,
        selam.klantmanager,
    )
    assert desk.reached_at("P-1") == [("whatsapp", "+31697000001")]
    assert desk.reached_at("P-2") == [("sms", "+31697000002")]
    assert desk.words("P-1") == [(True, "whatsapp", "import people.csv")]
    assert desk.words("P-2") == [(False, "sms", "import people.csv")]
    assert [a.phone for a in desk.all(Address)] == ["+31697000001", "+31697000002"]


def test_the_same_file_again_changes_nothing(desk):
    """Many gemeenten send the whole list every night."""
    desk.bring("people", PEOPLE)
    before = [(a.id, a.rank) for a in desk.all(PersonAddress)]
    report = desk.bring("people", PEOPLE)

    assert report.summary() == "2 rijen gelezen: 0 nieuw, 0 gewijzigd, 2 ongewijzigd, 0 geweigerd."
    assert [(a.id, a.rank) for a in desk.all(PersonAddress)] == before
    assert len(desk.all(Consent)) == 2


@pytest.mark.postgres
def test_people_are_stored_on_postgresql_just_the_same(postgres_url, now):
    here = house.build(settings.load(None, database_url=postgres_url))
    told = []
    for _ in range(2):
        with here.database.session() as session:
            told.append(store(session, here, parse(PEOPLE.encode(), "people", "p.csv")).counts)
    with here.database.session() as session:
        people = session.scalars(select(Inburgeraar).order_by(Inburgeraar.kenmerk)).all()
        reached = [link.address.address for person in people for link in person.addresses]
    here.database.close()

    assert told == [{"new": 2}, {"unchanged": 2}]
    assert reached == ["+31697000001", "+31697000002"]


def test_a_good_row_is_stored_though_another_is_refused(desk):
    report = desk.bring("people", PEOPLE + "P-3;Ali;Klingon;12;post;;;;;misschien\n")

    assert report.summary() == "3 rijen gelezen: 2 nieuw, 0 gewijzigd, 0 ongewijzigd, 1 geweigerd."
    assert [(row, column) for row, column, _ in refusals(report)] == [
        ("rij 4", "telefoon"),
        ("rij 4", "taal"),
        ("rij 4", "kanaal"),
        ("rij 4", "toestemming"),
    ]
    assert [p.kenmerk for p in desk.all(Inburgeraar)] == ["P-1", "P-2"]


def test_an_empty_cell_leaves_what_is_known_and_a_dash_empties_it(desk):
    desk.bring("people", PEOPLE)
    report = desk.bring("people", "kenmerk;voornaam;groep;klantmanager\nP-1;;-;\n")

    assert report.counts == {"changed": 1}
    selam = desk.person("P-1")
    assert (selam.first_name, selam.groep, selam.klantmanager) == ("Selam", None, "Anna")
    assert desk.reached_at("P-1") == [("whatsapp", "+31697000001")]


def test_rows_absent_from_a_later_file_stay_as_they_are(desk):
    desk.bring("people", PEOPLE)
    desk.bring("people", HEADER + "P-1;Selam;ti;+31697000001;whatsapp;;ja\n")

    assert [p.kenmerk for p in desk.all(Inburgeraar)] == ["P-1", "P-2"]


def test_someone_new_needs_a_name_a_language_and_a_place_to_be_reached(desk):
    report = desk.bring("people", HEADER + "P-9;;;;;;\n")

    assert {column for _, column, _ in refusals(report)} == {"voornaam", "taal", "telefoon"}


@pytest.mark.parametrize(
    ("language", "code"),
    [("nl", "nl"), ("Dari", "prs"), ("ትግርኛ", "ti"), ("PERZISCH", "fa"), ("ar-SY", "ar")],
)
def test_a_language_goes_by_any_of_its_names(desk, language, code):
    desk.bring("people", HEADER + f"P-1;Selam;{language};+31697000001;sms;;\n")

    assert desk.person("P-1").language == code


def test_an_unknown_language_is_refused_with_a_hint(desk):
    report = desk.bring("people", HEADER + "P-1;Selam;Tigrynia;+31697000001;sms;;\n")

    [(row, column, said)] = refusals(report)
    assert (row, column) == ("rij 2", "taal")
    assert "Bedoelt u Tigrinya?" in said


def test_a_language_without_texts_is_taken_with_a_warning(desk, new_language):
    report = desk.bring("people", HEADER + "P-1;Ayan;Esperanto;+31697000001;sms;;\n")

    assert desk.person("P-1").language == new_language
    assert [(row, column) for row, column, _ in doubts(report)] == [("rij 2", "taal")]


def test_two_people_may_share_a_telephone(desk):
    """A couple often has one phone; the message names who it is for."""
    desk.bring(
        "people",
        HEADER + "P-1;Selam;ti;+31697000001;sms;;\nP-2;Hanna;ti;0697000001;sms;;\n",
    )

    assert desk.reached_at("P-1") == desk.reached_at("P-2") == [("sms", "+31697000001")]
    assert len(desk.all(Address)) == 1


def test_a_telegram_chat_needs_no_telephone_and_nothing_else_is_made_of_it(desk):
    """Nobody is put on a channel that they never agreed to, not even as a second choice."""
    desk.bring(
        "people",
        HEADER + "P-1;Yusuf;ar;;;1006;\nP-2;Elif;tr;+31697000002;telegram;1007;ja\n",
    )

    assert desk.reached_at("P-1") == [("telegram", "1006")]
    assert desk.reached_at("P-2") == [("telegram", "1007")]
    assert desk.address("telegram", "1007").phone == "+31697000002"
    assert desk.words("P-2") == [(True, "telegram", "import bestand.csv")]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ("+31697000001;telegram;", "telegram"),  # nobody started the bot
        (";whatsapp;1006", "telefoon"),
        (";;-1001006", "telegram"),  # a group, not a person
        (";;1,23E+11", "telegram"),
        ("+31201234567;sms;", "telefoon"),  # a landline
        ("020 123 4567;whatsapp;", "telefoon"),
        ("+31697000001;duif;", "kanaal"),
    ],
)
def test_a_place_nothing_can_be_sent_to_is_refused(desk, cells, column):
    report = desk.bring("people", HEADER + f"P-1;Selam;ti;{cells};\n")

    assert [(r, c) for r, c, _ in refusals(report)] == [("rij 2", column)]
    assert desk.all(Address) == []


@pytest.mark.parametrize(
    ("written", "warned"),
    [
        ("697000001", "de voorloopnul is aangevuld"),
        ("31697000001", "de + is aangevuld"),
        ("31697000001.0", "de + is aangevuld"),
        ("+31 (0)6 97 00 00 01", None),
        ("0031697000001", None),
        ("٠٦٩٧٠٠٠٠٠١", None),
        ("\u202a06-97000001\u202c", None),
    ],
)
def test_a_number_is_one_number_however_it_is_written(desk, written, warned):
    """Excel drops a leading zero; a number copied from a chat brings invisible marks along."""
    report = desk.bring("people", HEADER + f"P-1;Selam;ti;{written};sms;;\n")

    assert desk.reached_at("P-1") == [("sms", "+31697000001")]
    assert [said for _, _, said in doubts(report)] == ([warned] if warned else [])


def test_a_number_that_excel_rounded_is_refused_and_says_how_to_mend_it(desk):
    report = desk.bring("people", HEADER + "P-1;Selam;ti;3,16E+10;sms;;\n")

    [(_, column, said)] = refusals(report)
    assert column == "telefoon"
    assert "afgerond" in said
    assert "tekst" in said


@pytest.mark.parametrize(
    "name",
    [
        *("12-mrt", "3-12-2026", "mei 2026", "0697000001", "123", "#NAAM?", "x" * 90),
        *("https://evil.example", "www.evil.example", "JosÃ©", "????"),
    ],
)
def test_what_is_no_name_never_gets_into_a_message(desk, name):
    """Excel makes 12-mrt of a name, and a name with an address in it would be said to people."""
    report = desk.bring("people", HEADER + f"P-1;{name};ti;+31697000001;sms;;\n")

    assert [(r, c) for r, c, _ in refusals(report)] == [("rij 2", "voornaam")]


@pytest.mark.parametrize("name", ["Mei", "ʻAli", "Jean-Pierre", "سلام", "ሰላም", "O'Neil", "می‌نا"])
def test_a_name_may_be_any_name(desk, name):
    desk.bring("people", HEADER + f"P-1;{name};ti;+31697000001;sms;;\n")

    assert desk.person("P-1").first_name == name


@pytest.mark.parametrize("kenmerk", ["", "1,23E+11", "2E5"])
def test_a_kenmerk_that_is_lost_is_refused(desk, kenmerk):
    report = desk.bring("people", HEADER + f"{kenmerk};Selam;ti;+31697000001;sms;;\n")

    assert [(r, c) for r, c, _ in refusals(report)] == [("rij 2", "kenmerk")]


def test_a_wijk_goes_by_code_or_name_and_an_unknown_one_is_taken(desk):
    """A spreadsheet makes 2 of wijk 02."""
    report = desk.bring(
        "people",
        "kenmerk;voornaam;taal;telefoon;wijk\n"
        "P-1;A;nl;+31697000001;2\nP-2;B;nl;+31697000002;noord\nP-3;C;nl;+31697000003;Elders\n",
    )

    assert ["Noord", "Noord", "Elders"] == [p.wijk for p in desk.all(Inburgeraar)]
    assert [(row, column) for row, column, _ in doubts(report)] == [("rij 4", "wijk")]


# ------------------------------------------------------------------ a new number, another channel


def test_a_new_number_takes_the_place_of_the_old_one(desk):
    desk.bring("people", PEOPLE)
    report = desk.bring("people", HEADER + "P-1;Selam;ti;+31697000009;whatsapp;;\n")

    assert report.counts == {"changed": 1}
    assert desk.reached_at("P-1") == [("whatsapp", "+31697000009")]


def test_another_channel_takes_the_place_of_the_old_one_and_back(desk):
    desk.bring("people", PEOPLE)
    desk.bring("people", HEADER + "P-1;Selam;ti;+31697000001;sms;;\n")
    assert desk.reached_at("P-1") == [("sms", "+31697000001")]

    desk.bring("people", HEADER + "P-1;Selam;ti;+31697000001;whatsapp;;\n")
    assert desk.reached_at("P-1") == [("whatsapp", "+31697000001")]


def test_a_file_without_a_channel_moves_nobody(desk):
    """Another export lacks the column; that says nothing about how people want to be reached."""
    desk.bring("people", PEOPLE)
    report = desk.bring("people", "kenmerk;mobiel\nP-1;+31697000001\nP-2;+31697000008\n")

    assert report.counts == {"unchanged": 1, "changed": 1}
    assert desk.reached_at("P-1") == [("whatsapp", "+31697000001")]
    assert desk.reached_at("P-2") == [("sms", "+31697000008")]


def test_an_older_file_does_not_undo_the_channel_that_a_person_moved_to(desk):
    desk.bring("people", PEOPLE)
    selam = desk.person("P-1")
    chat = Address(channel="telegram", address="1006", state="open", created_at=selam.created_at)
    selam.addresses[0].rank = 1
    selam.addresses.insert(0, PersonAddress(address=chat, rank=0))
    desk.session.commit()
    desk.session.expire_all()

    report = desk.bring("people", PEOPLE)

    assert desk.reached_at("P-1") == [("telegram", "1006"), ("whatsapp", "+31697000001")]
    assert report.counts == {"unchanged": 2}
    assert [column for _, column, _ in doubts(report)] == ["kanaal"]


def test_many_numbers_that_moved_at_once_are_shouted_about(desk):
    """One column sorted without the others sends everybody's letter to somebody else."""
    rows = [(f"P-{i}", f"+3169700{i:04}") for i in range(20)]
    header = "kenmerk;voornaam;taal;telefoon\n"
    desk.bring("people", header + "".join(f"{k};Selam;ti;{t}\n" for k, t in rows))
    shuffled = zip((k for k, _ in rows), (t for _, t in rows[::-1]), strict=True)
    report = desk.bring("people", header + "".join(f"{k};Selam;ti;{t}\n" for k, t in shuffled))

    assert any("apart gesorteerd" in line for line in report.lines())
    assert report.counts == {"changed": 20}


# ------------------------------------------------------------------ the person's own word


def test_a_stop_outlives_every_file(desk):
    desk.bring("people", PEOPLE)
    consent.stop(desk.session, desk.address("whatsapp", "+31697000001"), "reply 1")
    desk.session.commit()

    report = desk.bring("people", PEOPLE)

    assert desk.address("whatsapp", "+31697000001").stopped_at is not None
    assert [(r, c) for r, c, _ in doubts(report)] == [("rij 2", "telefoon")]


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("P-1;Selam;ti;+31697000001;sms;;ja", ("sms", "+31697000001")),  # another channel
        ("P-1;Selam;ti;+31697000009;whatsapp;;ja", ("whatsapp", "+31697000009")),  # number
        ("P-1;Selam;ti;;telegram;1006;ja", ("telegram", "1006")),
        ("P-77;Selam;ti;0697000001;sms;;ja", ("sms", "+31697000001")),  # another kenmerk
    ],
)
def test_no_file_is_a_way_round_a_stop(desk, row, place):
    """Who said STOP said it to the gemeente, not to one number on one channel."""
    desk.bring("people", PEOPLE)
    consent.stop(desk.session, desk.address("whatsapp", "+31697000001"), "reply 1")
    desk.session.commit()

    report = desk.bring("people", HEADER + row + "\n")

    assert desk.address(*place).stopped_at is not None
    assert "STOP" in " ".join(said for _, _, said in doubts(report))


def test_a_stopped_person_is_not_moved_to_an_address_that_serves_somebody_else(desk):
    desk.bring("people", PEOPLE)
    consent.stop(desk.session, desk.address("whatsapp", "+31697000001"), "reply 1")
    desk.session.commit()
    report = desk.bring("people", HEADER + "P-1;Selam;ti;+31697000002;sms;;\n")

    assert desk.reached_at("P-1") == [("whatsapp", "+31697000001")]
    assert desk.address("sms", "+31697000002").stopped_at is None
    assert [column for _, column, _ in doubts(report)] == ["telefoon"]


@pytest.mark.parametrize("state", ["closed", "blocked", "bad"])
def test_an_address_that_is_shut_stays_shut(desk, state):
    desk.bring("people", PEOPLE)
    desk.address("whatsapp", "+31697000001").state = state
    desk.session.commit()
    report = desk.bring("people", PEOPLE)

    assert desk.address("whatsapp", "+31697000001").state == state
    assert [(r, c) for r, c, _ in doubts(report)] == [("rij 2", "telefoon")]


def test_a_yes_in_an_older_file_does_not_undo_a_persons_own_no(desk):
    desk.bring("people", PEOPLE)
    consent.record(
        desk.session, desk.person("P-1"), given=False, channel=None, evidence="reply 812"
    )
    desk.session.commit()
    report = desk.bring("people", PEOPLE)
    moved = desk.bring("people", HEADER + "P-1;Selam;ti;+31697000001;sms;;ja\n")

    assert [given for given, _, _ in desk.words("P-1")] == [True, False]
    assert [column for _, column, _ in doubts(report) + doubts(moved)] == ["toestemming"] * 2


def test_a_no_in_an_older_file_does_not_undo_a_persons_own_yes(desk):
    """They said yes after the list was made; the list of tonight is the same list."""
    desk.bring("people", PEOPLE)
    consent.record(desk.session, desk.person("P-2"), given=True, channel=None, evidence="reply 9")
    desk.session.commit()
    desk.bring("people", PEOPLE)

    assert [given for given, _, _ in desk.words("P-2")] == [False, True]


def test_a_changed_word_of_the_gemeente_is_written_behind_the_last(desk):
    desk.bring("people", PEOPLE, "maandag.csv")
    desk.bring("people", PEOPLE.replace("Anna;ja", "Anna;nee"), "dinsdag.csv")
    desk.bring("people", PEOPLE, "woensdag.csv")

    assert desk.words("P-1") == [
        (True, "whatsapp", "import maandag.csv"),
        (False, "whatsapp", "import dinsdag.csv"),
        (True, "whatsapp", "import woensdag.csv"),
    ]


def test_a_language_that_a_person_chose_stays(desk):
    desk.bring("people", PEOPLE)
    selam = desk.person("P-1")
    people.change_language(selam.addresses[0].address, selam, "en")
    desk.session.commit()
    report = desk.bring("people", PEOPLE)

    assert desk.person("P-1").language == "en"
    assert [(r, c) for r, c, _ in doubts(report)] == [("rij 2", "taal")]


def test_bringing_people_sends_nothing(desk):
    desk.bring("people", PEOPLE)

    assert desk.session.scalars(select(Message)).all() == []
