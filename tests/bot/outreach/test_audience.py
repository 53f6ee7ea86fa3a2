"""Rules that staff type, and whom they reach."""

from __future__ import annotations

import contextlib
from collections import Counter
from datetime import datetime, timedelta

import pytest
from group_house import TUESDAY, house_at, person
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot import moments
from bot.models.afspraken import Afspraak
from bot.models.broadcasts import Broadcast
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Inburgeraar
from bot.outreach import audience
from bot.outreach.audience import EVERYONE, Clause, Rule, RuleError, parse

KEY = "voortraject.invitation"
EVERY_LANGUAGE = frozenset({"ti", "ar", "fa", "en", "tr"})


@pytest.fixture
def house(sqlite_url):
    house = house_at(sqlite_url)
    yield house
    house.database.close()


@pytest.fixture
def session(house):
    with house.database.session() as session:
        yield session


def names(session, house, rule: str, **more) -> list[str]:
    found = audience.reach(
        session, house, parse(rule), key=KEY, **{"unreviewed": EVERY_LANGUAGE, **more}
    )
    return [session.get_one(Inburgeraar, number).first_name for number in found.people]


# ---------------------------------------------------------------- rules


def test_spaces_mean_and_commas_mean_or():
    rule = parse("wijk=Noord,Oost taal=ti,ar groep=startgroep")

    assert (
        Clause("wijk", ("Noord", "Oost")),
        Clause("taal", ("ti", "ar")),
        Clause("groep", ("startgroep",)),
    ) == rule.clauses


@pytest.mark.parametrize("typed", ["niet wijk=Noord", "!wijk=Noord", "NIET WIJK=Noord"])
def test_a_part_is_turned_around(typed):
    assert (Clause("wijk", ("Noord",), excluded=True),) == parse(typed).clauses


@pytest.mark.parametrize("typed", ["", "   "])
def test_no_rule_means_everyone(typed):
    assert EVERYONE == Rule("", parse(typed).clauses)


def test_a_language_may_be_named_as_staff_call_it():
    assert (Clause("taal", ("ti", "ar", "prs")),) == parse("taal=Tigrinya,arabisch,dari").clauses


def test_a_value_with_a_space_stands_between_quotes():
    """Apostrophes are letters here: 't Zand is a wijk."""
    assert (Clause("wijk", ("Oud Oost", "'t Zand")),) == parse('wijk="Oud Oost","\'t Zand"').clauses


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("Noord", "'Noord'"),
        ("wijk", "'wijk'"),
        ("=Noord", "'=Noord'"),
        ("wijk=", "'wijk='"),
        ("wijk=,", "'wijk=,'"),
        ("wyk=Noord", "'wyk'"),
        ("taal=klingon", "'klingon'"),
        ("wijk=Noord wijk=Oost", "wijk=a,b"),
        ("wijk=Noord niet", "'niet'"),
        ('wijk="Noord', "aanhalingsteken"),
    ],
)
def test_a_rule_that_cannot_be_read_says_which_word(typed, names):
    with pytest.raises(RuleError) as refused:
        parse(typed)
    assert names in str(refused.value)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_rule_or_a_refusal(typed):
    """A clerk sees a sentence, never a traceback."""
    with contextlib.suppress(RuleError):
        parse(typed)


# ---------------------------------------------------------------- people


def test_a_wijk_is_found_by_name_and_by_code(house, session):
    """Lists of the gemeente have codes, people type names."""
    person(session, "Selam", wijk="Noord")
    person(session, "Ahmad", wijk="02")
    person(session, "Leyla", wijk="Oost")
    person(session, "Sara")

    assert ["Selam", "Ahmad"] == names(session, house, "wijk=noord")
    assert ["Selam", "Ahmad"] == names(session, house, "wijk=02")
    assert ["Selam", "Ahmad", "Leyla"] == names(session, house, "wijk=Noord,OOST")
    assert ["Leyla", "Sara"] == names(session, house, "niet wijk=Noord")


def test_a_theme_is_what_they_said_they_would_like(house, session):
    person(session, "Selam", interest="Actief in de wijk")
    person(session, "Ahmad", interest="leiderschap")

    assert ["Selam"] == names(session, house, "thema=actief")
    assert ["Ahmad"] == names(session, house, 'thema="Persoonlijk leiderschap"')


def test_all_parts_must_hold(house, session):
    person(session, "Selam", "ti", wijk="Noord", groep="startgroep")
    person(session, "Ahmad", "ar", wijk="Noord")
    person(session, "Kidane", "ti", wijk="Zuid", groep="startgroep")

    assert ["Selam"] == names(session, house, "wijk=Noord taal=ti groep=Startgroep")
    assert ["Kidane"] == names(session, house, "taal=ti !wijk=Noord")


def test_a_word_that_fits_nobody_is_told(house, session):
    """Mostly a typing error, and then the wrong people would be counted."""
    person(session, "Selam", wijk="Noord")

    found = audience.reach(session, house, parse("wijk=Noord,Nord niet groep=x"), key=KEY)

    assert ("wijk=Nord", "groep=x") == found.unknown
    assert {("nl", "telegram"): 1} == found.counts


def test_who_is_left_out_is_counted_with_the_reason(house, session, new_language):
    person(session, "Asked")
    person(session, "Before", "en")
    person(session, "Never", yes=None)
    person(session, "No", "ar", yes=False)
    person(session, "Stopped", stopped=True)
    person(session, "Nowhere", channel=None)
    person(session, "Danger", locked=True)
    person(session, "Zamenhof", new_language)
    person(session, "Eritrean", "ti")
    before = session.scalars(select(Inburgeraar.id).where(Inburgeraar.first_name == "Before"))

    found = audience.reach(session, house, EVERYONE, key=KEY, already={before.one()})

    assert {("nl", "telegram"): 1} == found.counts
    assert (
        Counter(
            {
                (audience.ALREADY, "en"): 1,
                (audience.NO_CONSENT, "nl"): 1,
                (audience.NO_CONSENT, "ar"): 1,
                (audience.STOPPED, "nl"): 1,
                (audience.NO_ADDRESS, "nl"): 1,
                (audience.LOCKED, "nl"): 1,
                (audience.NO_TEXT, "eo"): 1,
                (audience.UNREVIEWED, "ti"): 1,
            }
        )
        == found.left_out
    )


def test_a_text_nobody_reviewed_goes_out_where_the_approver_said_so(house, session):
    person(session, "Selam", "ti")
    person(session, "Ahmad", "ar")

    assert ["Selam"] == names(session, house, "", unreviewed={"ti"})


# ------------------------------------------------------------------ between two days, and before


@pytest.mark.parametrize(
    ("rule", "who"),
    [
        ("ingeschreven=1-11-2026..30-11-2026", {"Nov"}),
        ("ingeschreven=1-12-2026..", {"Dec", "Answered", "Silent"}),
        ("niet ingeschreven=..30-11-2026", {"Dec", "Answered", "Silent"}),
        ("contact=2-12-2026..2-12-2026", {"Dec"}),
        ("afspraak=10-12-2026..10-12-2026", {"Nov"}),
        ("afspraak=11-12-2026..", set()),
        ("groepsbericht=7", {"Answered", "Silent"}),
        ("groepsbericht=7 niet beantwoord=7", {"Silent"}),
        ("beantwoord=7", {"Answered"}),
    ],
)
def test_a_period_and_an_earlier_message_choose_who_they_mean(house, session, rule, who):
    """The last day counts whole, on the clock here: 23:30 in winter is 22:30 UTC."""
    november = moments.from_local(datetime(2026, 11, 30, 23, 30))
    people = {name: person(session, name) for name in ("Nov", "Dec", "Answered", "Silent")}
    for name, each in people.items():
        each.created_at = november if name == "Nov" else TUESDAY
    people["Dec"].addresses[0].address.last_inbound_at = TUESDAY + timedelta(days=1)
    afspraak = Afspraak(
        kenmerk="A1", person_id=people["Nov"].id, minutes=30, status="gepland", version=1,
        begins=moments.from_local(datetime(2026, 12, 10, 23, 0)), known_at=TUESDAY, answer="none",
        place="Wijkcentrum",
    )  # fmt: skip
    session.add(afspraak)
    _had(session, 7, [people["Answered"], people["Silent"]], answered=people["Answered"])

    found = audience.reach(session, house, parse(rule), key="voortraject.invitation")

    names = {each.id: name for name, each in people.items()}
    assert who == {names[number] for number in found.people}
    assert bool(who) == (not found.unknown)


def _had(session, number, readers, *, answered):
    """Let broadcast *number* have reached *readers*, and one of them have answered it."""
    broadcast = Broadcast(
        id=number, name="B", key="broadcast.own", values={}, audience="", window_from=TUESDAY,
        window_until=TUESDAY, first=1, hold_minutes=0, most_failed=1, most_stopped=1,
        most_unknown=1, state="done", written_by="An", languages=[], unreviewed=[],
        expanded_to={}, history=[], created_at=TUESDAY,
    )  # fmt: skip
    session.add(broadcast)
    session.flush()
    for each in readers:
        message = Message(
            occasion=f"o:{each.id}", person_id=each.id, address_id=each.addresses[0].address_id,
            channel="telegram", purpose="invitation", key="broadcast.own", language="nl",
            values={}, body="", buttons=[], priority=2, state="sent", broadcast_id=number,
            not_before=TUESDAY, expires_at=TUESDAY, created_at=TUESDAY, changed_at=TUESDAY,
        )  # fmt: skip
        event = InboxEvent(
            key=f"e:{each.id}", source="telegram", lane="x", fingerprint="x", payload={},
            state="done", not_before=TUESDAY, received_at=TUESDAY,
        )  # fmt: skip
        session.add_all([message, event])
        session.flush()
        if each is answered:
            reply = Reply(
                event_id=event.id, address_id=message.address_id, channel="telegram", text="ja",
                media=[], message_id=message.id, at=TUESDAY,
            )  # fmt: skip
            session.add(reply)
    session.flush()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("afspraak=morgen", "schrijf twee dagen"),
        ("afspraak=..", "schrijf twee dagen"),
        ("contact=31-11-2026..", "31"),
        ("contact=2-12-2026..1-12-2026", "de laatste dag is voor de eerste"),
        ("beantwoord=zeven", "het nummer van een groepsbericht"),
    ],
)
def test_a_period_that_cannot_be_is_refused_in_dutch(typed, told):
    with pytest.raises(RuleError, match=told):
        parse(typed)
