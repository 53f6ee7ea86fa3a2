"""Which address, and in which form: free text, buttons, template or the Dutch opener."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from post_office import AFSPRAAK
from sqlalchemy import select, update

from bot import moments
from bot.messaging import route, templates
from bot.models.messages import Message
from bot.models.people import Address, Inburgeraar
from bot.models.templates import Template
from bot.wording.languages import languages, shipped


def approve(office, *keys):
    """Have everything that is wanted under *keys* made, and approved if it needs that."""
    with office.database.session() as session:
        for number, want in enumerate(templates.wanted(office.house)):
            if want.key in keys:
                templates.use(session, want, f"HX{number}")


def form_of(office, message):
    with office.database.session() as session:
        row = session.get_one(Message, message)
        return route.form(route.Templates(session, office.house), row, row.address)


def written(office, ago):
    with office.database.session() as session:
        session.execute(update(Address).values(last_inbound_at=moments.now() - ago))


@pytest.fixture
def selam(office):
    return office.person("Selam", "whatsapp", "+31697000001", language="ti")


@pytest.fixture
def priya(office):
    return office.person("Priya", "whatsapp", "+31697000004", language="en")


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (None, False),
        (timedelta(), True),
        (timedelta(hours=23, minutes=54), True),
        (timedelta(hours=23, minutes=55), False),
        (timedelta(hours=24), False),
        (timedelta(days=400), False),
    ],
)
def test_the_window_is_a_day_less_a_margin(ago, expected):
    """The provider's clock counts and not ours: the last five minutes are not tried."""
    now = datetime(2026, 12, 1, tzinfo=UTC)
    address = Address(last_inbound_at=None if ago is None else now - ago)

    assert expected == route.window_open(address, now)


def test_without_an_approved_template_nothing_goes_first(office, priya):
    assert form_of(office, office.queue(priya)) is None


def test_an_approved_template_goes_with_its_values(office, priya):
    approve(office, "afspraak.reminder")
    form = form_of(office, office.queue(priya))

    assert "template" == form.name
    assert ["yes", "other_day", "no"] == [button.id for button in form.buttons]
    assert {"03-12-2026", "14:30", "Wijkcentrum"} <= set(form.variables.values())
    assert "Priya" in form.body, "kept as the reader gets it"


@pytest.mark.parametrize("status", ["pending", "rejected", "paused", "disabled", "unsubmitted"])
def test_a_template_that_is_not_approved_is_no_template(office, priya, status):
    approve(office, "afspraak.reminder")
    with office.database.session() as session:
        session.execute(update(Template).values(status=status))

    assert form_of(office, office.queue(priya)) is None


def test_a_language_that_whatsapp_has_not_gets_the_dutch_opener(office, selam):
    """Short, in Dutch, with her own language on a button."""
    approve(office, "afspraak.reminder", "afspraak.opener")
    form = form_of(office, office.queue(selam))

    assert "opener" == form.name
    assert "Je hebt een afspraak" in form.body
    assert ("language:ti", "ትግርኛ") == (form.buttons[-1].id, form.buttons[-1].title)


def test_within_the_window_it_is_her_own_language_with_buttons(office, selam):
    approve(office, "afspraak.opener", "session:yes,other_day,no")
    written(office, timedelta(hours=1))
    form = form_of(office, office.queue(selam))

    assert ("session", 3) == (form.name, len(form.buttons))
    assert {"1": form.body} == form.variables


def test_within_the_window_and_without_content_for_buttons_they_are_numbers(office, selam):
    written(office, timedelta(hours=1))
    form = form_of(office, office.queue(selam))

    assert ("text", (), "") == (form.name, form.buttons, form.content_sid)
    assert "1 = " in form.body


def test_the_window_that_was_open_when_queued_may_be_shut_when_sent(office, priya):
    approve(office, "afspraak.reminder", "session:yes,other_day,no")
    written(office, timedelta(hours=23))
    message = office.queue(priya)
    assert "session" == form_of(office, message).name
    office.pass_(hours=1)

    assert "template" == form_of(office, message).name


def test_an_answer_has_no_template(office, priya):
    approve(office, "afspraak.reminder")
    message = office.queue(priya, key="answer.thanks")

    assert form_of(office, message) is None


@pytest.mark.parametrize("language", list(shipped()))
def test_an_opener_offers_the_readers_language_only_where_it_must(office, language):
    buttons = route.template_buttons(office.house.catalogue, "afspraak.opener", language)

    assert (language != "nl") == buttons[-1].id.startswith(route.LANGUAGE_BUTTON)
    assert all(len(button.title) <= 20 for button in buttons)
    assert language == "nl" or buttons[-1].title == languages()[language].name


@pytest.mark.parametrize("count", [*range(4, 19), 30])
def test_every_language_is_on_one_page_of_the_list(count):
    """WhatsApp shows ten rows of 24 characters; whoever reads none of the first taps the last."""
    some = [*languages().values(), *languages().values()][:count]
    spoken = [replace(each, code=f"{each.code}{at}") for at, each in enumerate(some)]
    seen, more = [], ""
    while True:
        rows = route.list_rows(route.language_buttons(spoken, more))
        assert 1 <= len(rows) <= 10
        assert all(1 <= len(row.title) <= 24 for row in rows)
        seen += [row.id for row in rows if not row.id.startswith(route.MORE_LANGUAGES)]
        if not rows[-1].id.startswith(route.MORE_LANGUAGES):
            break
        more = rows[-1].id

    assert [f"language:{each.code}" for each in spoken] == seen


def test_the_list_of_languages_is_content_with_nothing_but_variables(office, selam):
    """One content serves every reader, and Twilio puts its sample where a variable lacks."""
    written(office, timedelta())
    buttons = route.language_buttons(shipped().values())
    message = office.queue(selam, key="language.choose", values={}, buttons=buttons)
    assert f"{len(buttons)} = {buttons[-1].title}" in form_of(office, message).body

    rows = len(route.list_rows(buttons))
    with office.database.session() as session:
        wants = [w for w in templates.wanted(office.house) if w.listed]
        made = next(w for w in wants if w.key == route.list_key(rows))
        templates.use(session, made, "HX1")
    chosen = form_of(office, message)

    assert "session" == chosen.name
    assert set(made.samples) == set(chosen.variables)
    assert {"Taal / Language", "language:nl", "Nederlands"} <= set(chosen.variables.values())


@pytest.mark.parametrize("rank", [(0, 1), (1, 0)])
def test_the_address_of_the_lowest_rank_is_tried_first(office, rank):
    from bot.models.people import PersonAddress

    person = office.person()
    with office.database.session() as session:
        second = Address(channel="telegram", address="1004", state="open", created_at=moments.now())
        session.add(second)
        session.flush()
        session.execute(update(PersonAddress).values(rank=rank[0]))
        session.add(PersonAddress(person_id=person, address_id=second.id, rank=rank[1]))
    with office.database.session() as session:
        found = route.address_for(session, session.get_one(Inburgeraar, person), invitation=False)

    assert ("sms", "telegram")[rank[0]] == found.channel


values = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.one_of(
        st.text(max_size=20),
        st.integers(),
        st.datetimes(timezones=st.just(UTC)),
        st.lists(st.text(max_size=5), max_size=3),
    ),
    max_size=5,
)


@given(values)
def test_what_is_packed_into_a_row_comes_out_the_same(filled):
    """A moment stays a moment: the text is rendered again in another language or as template."""
    import json

    assert filled == route.unpack(json.loads(json.dumps(route.pack(filled))))


@given(st.lists(st.text(max_size=9), max_size=3), st.lists(st.text(max_size=9), max_size=3))
def test_two_wordings_have_one_digest_only_if_they_are_the_same(one, other):
    assert (one == other) == (route.digest("x", one) == route.digest("x", other)) or any(
        "\x1f" in title for title in [*one, *other]
    )


def test_a_form_is_chosen_for_the_afspraak_that_it_speaks_of(office, priya):
    """Another afspraak, another time in the same template."""
    approve(office, "afspraak.reminder")
    later = {**AFSPRAAK, "begins": AFSPRAAK["begins"] + timedelta(days=7)}
    first, second = office.queue(priya, "a"), office.queue(priya, "b", values=later)

    assert "03-12-2026" in form_of(office, first).variables.values()
    assert "10-12-2026" in form_of(office, second).variables.values()
    assert 1 == office.read(lambda s: len(s.scalars(select(Address)).all()))
