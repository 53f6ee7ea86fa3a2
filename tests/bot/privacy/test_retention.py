"""What is erased, what is left of it, and what must never go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from click.testing import CliRunner
from post_office import Office
from sqlalchemy import func, select, update

from bot import moments
from bot.__main__ import main
from bot.engine import work
from bot.inserts import insert_once
from bot.messaging import installation
from bot.models.afspraken import Afspraak
from bot.models.ambassadeurs import Aanmelding, Ambassadeur, Link
from bot.models.broadcasts import Broadcast
from bot.models.dialogues import Dialogue
from bot.models.figures import Figure
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Address, Consent, Inburgeraar
from bot.models.tasks import Task
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import ambassadeurs
from bot.outreach.figures import figures
from bot.privacy import audit

PHONE = "+31697000004"


@pytest.fixture
def office(sqlite_url, tmp_path) -> Iterator[Office]:
    made = Office(sqlite_url, spool_dir=str(tmp_path / "spool"))
    yield made
    made.close()


@pytest.fixture
def any_office(database_url, tmp_path) -> Iterator[Office]:
    made = Office(database_url, spool_dir=str(tmp_path / "spool"))
    yield made
    made.close()


def put(office: Office, *rows: object) -> list[int]:
    with office.database.session() as session:
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]  # type: ignore[attr-defined]


def address_id(office: Office, address: str = PHONE) -> int:
    return office.read(lambda s: s.scalars(select(Address.id).filter_by(address=address)).one())


def said(office: Office, words: str = "ik kom", person: int | None = None, **more: object) -> int:
    """Let somebody say *words*, understood and acted on; return the number of the reply."""
    [event] = put(
        office,
        InboxEvent(
            key=f"k-{words}", source="twilio", lane=f"sms:{PHONE}", fingerprint="f",
            payload={"Body": words, "From": PHONE}, state="done", not_before=moments.now(),
            received_at=moments.now(),
        ),
    )  # fmt: skip
    [reply] = put(
        office,
        Reply(
            **{
                "event_id": event, "person_id": person, "address_id": address_id(office),
                "channel": "sms", "text": words, "media": [], "intent": "confirm",
                "why": "a word", "at": moments.now(), **more,
            }
        ),
    )  # fmt: skip
    return reply


def sent(office: Office, person: int, occasion: str, **more: object) -> int:
    message = office.queue(person, occasion)
    with office.database.session() as session:
        session.execute(
            update(Message).where(Message.id == message).values(state="delivered", **more)
        )
    assert message is not None
    return message


def get(office: Office, table: type, number: int):
    with office.database.session() as session:
        return session.get(table, number)


def count(office: Office, table: type) -> int:
    return office.read(lambda s: s.scalar(select(func.count()).select_from(table)))


def left(office: Office) -> dict[tuple[str, str, str], int]:
    rows = office.read(
        lambda s: s.execute(select(Figure.kind, Figure.key, Figure.state, Figure.count)).all()
    )
    return {(kind, key, state): number for kind, key, state, number in rows}


# ------------------------------------------------------------------ what goes, and what is left


def test_words_go_after_half_a_year_and_that_they_were_said_stays(any_office):
    office = any_office
    person = office.person()
    message, reply = sent(office, person, "one"), said(office, "ja graag")
    event = get(office, Reply, reply).event_id

    office.pass_(days=29)
    assert [0] * 12 == work.erase(office.house)
    office.pass_(days=200)
    erased = work.erase(office.house)

    found = get(office, Message, message)
    assert ("", {}, []) == (found.body, found.values, found.buttons)
    assert ("delivered", "one", person) == (found.state, found.occasion, found.person_id)
    spoken = get(office, Reply, reply)
    assert ("", None, "confirm") == (spoken.text, spoken.why, spoken.intent)
    raw = get(office, InboxEvent, event)
    assert ({}, "", "k-ja graag") == (raw.payload, raw.lane, raw.key)
    assert 3 == sum(erased)
    assert 0 == sum(work.erase(office.house))


def test_after_a_year_bare_figures_are_left(any_office):
    office = any_office
    person = office.person()
    office.afspraak(person)
    first = sent(office, person, "one")
    sent(office, person, "two", repeats_id=first)
    said(office, "ja", person)
    put(office, Task(kind="vraag", subject="vraag:a", since=moments.now(), done_at=moments.now()))
    put(office, Dialogue(address_id=address_id(office), flow="signup", step="name",
                         data={"name": "Priya"}, changed_at=moments.now()))  # fmt: skip
    office.pass_(days=370)
    newest(office)

    work.erase(office.house)

    assert 1 == count(office, Message) == count(office, Afspraak) == count(office, Reply)
    assert 0 == count(office, Task) == count(office, Dialogue)
    assert {
        ("message", "afspraak.reminder", "delivered"): 2,
        ("reply", "confirm", ""): 1,
        ("afspraak", "", "none"): 1,
        ("person", "", ""): 1,
    } == left(office)
    assert {date(2026, 12, 1)} == office.read(lambda s: set(s.scalars(select(Figure.month))))
    assert office.read(lambda s: s.get(Inburgeraar, person)) is None
    assert 0 == office.read(
        lambda s: s.scalar(select(func.count()).where(Address.address == PHONE))
    )


def newest(office: Office) -> int:
    """Somebody who is there since today: nothing of theirs is too old."""
    person = office.person("Nieuw", address="+31697000099")
    office.afspraak(person, moments.now() + timedelta(days=3))
    sent(office, person, "new", expires_at=moments.now() + timedelta(days=3))
    with office.database.session() as session:
        session.execute(
            update(Inburgeraar).where(Inburgeraar.id == person).values(created_at=moments.now())
        )
    put(office, Reply(event_id=office.wrote("later", state="done").id, channel="sms", text="hoi",
                      address_id=address_id(office, "+31697000099"), media=[],
                      at=moments.now()))  # fmt: skip
    return person


def test_a_mass_message_adds_up_for_ever(office):
    person = office.person()
    now = moments.now()
    [number] = put(
        office,
        Broadcast(
            name="b", key="afspraak.reminder", values={}, audience="", window_from=now,
            window_until=now + timedelta(days=1), first=20, hold_minutes=0, most_failed=1,
            most_stopped=1, most_unknown=1, state="done", written_by="a", approved_count=3,
            languages=[], unreviewed=[], expanded_to={}, history=[], created_at=now,
        ),
    )  # fmt: skip
    sent(office, person, "one", broadcast_id=number)
    failed = sent(office, person, "two", broadcast_id=number)
    with office.database.session() as session:
        session.execute(
            update(Message).where(Message.id == failed).values(state="failed", cause="bad")
        )
    before = office.read(lambda s: figures(s, s.get_one(Broadcast, number)))
    office.pass_(days=400)
    newest(office)

    work.erase(office.house)

    after = office.read(lambda s: figures(s, s.get_one(Broadcast, number)))
    assert {"delivered": 1, "failed": 1, "held": 1} == after.counts == before.counts
    assert {"bad": 1} == after.causes == before.causes
    assert 1 == count(office, Message)


def test_what_an_ambassadeur_brought_in_counts_for_ever(office):
    person = office.person()
    now = moments.now()
    [number] = put(office, Ambassadeur(kenmerk="A", first_name="Tesfay", phone="+31697000050",
                                       languages=["ti"], created_at=now))  # fmt: skip
    [link] = put(office, Link(ambassadeur_id=number, code="K7Q2K7Q2K7", created_at=now))
    put(office, Aanmelding(link_id=link, person_id=person, counted=True, flags=[], at=now))
    office.pass_(days=400)
    newest(office)

    work.erase(office.house)

    assert office.read(lambda s: s.get(Inburgeraar, person)) is None
    assert 1 == office.read(
        lambda s: ambassadeurs.stand(s, [s.get_one(Ambassadeur, number)]).signed_up
    )


# ------------------------------------------------------------------ what stays


def test_a_phone_that_said_stop_stays_stopped_after_the_persons_data_went(any_office):
    """Who is brought in again with that number is not written to."""
    office = any_office
    person = office.person()
    sent(office, person, "one")
    said(office, "STOP", person)
    office.stop()
    office.pass_(days=800)
    newest(office)

    work.erase(office.house)
    work.erase(office.house)
    assert office.read(lambda s: s.get(Inburgeraar, person)) is None
    assert 1 == office.read(
        lambda s: s.scalar(select(func.count()).select_from(Consent).where(~Consent.given))
    )

    again = office.person("Priya")
    message = office.queue(again, "again", expires_at=moments.now() + timedelta(days=2))
    assert [] == office.claim()
    assert ("blocked", "no_address") == (office.state(message), office.cause(message))


def test_the_words_that_a_yes_or_a_stop_rests_on_stay(office):
    """Whoever is asked to show the consent shows the very words."""
    person = office.person()
    agreed, stopped, other = (said(office, words, person) for words in ("ja", "stop", "dank"))
    put(office, Consent(person_id=person, purpose="invitation", given=True, at=moments.now(),
                        evidence=f"reply {agreed}"))  # fmt: skip
    put(office, Consent(address_id=address_id(office), purpose="all", given=False,
                        evidence=f"provider keyword, reply {stopped}",
                        at=moments.now()))  # fmt: skip
    office.pass_(days=364)
    work.erase(office.house)

    texts = [get(office, Reply, each).text for each in (agreed, stopped, other)]
    assert ["ja", "stop", ""] == texts


@pytest.mark.parametrize(
    ("purpose", "given"), [("invitation", False), ("number", False), ("fewer", True)]
)
def test_what_somebody_refused_for_themselves_is_known_when_a_file_brings_them(
    office, purpose, given
):
    """No invitations, not this number, no more than one reminder a day."""
    person = office.person()
    put(office, Consent(person_id=person, purpose=purpose, given=given, at=moments.now(),
                        evidence="reply 1"))  # fmt: skip
    office.pass_(days=2000)
    newest(office)
    work.erase(office.house)

    assert office.read(lambda s: s.get(Inburgeraar, person)) is not None


def test_what_somebody_must_still_do_something_about_stays(office):
    person = office.person()
    planned = office.queue(person, "later", expires_at=moments.now() + timedelta(days=3000))
    unknown = sent(office, person, "unknown")
    reply = said(office, "wat is dit?", person, media=[{"kind": "voice", "url": "u"}])
    put(office, Task(kind="vraag", subject="vraag:a", since=moments.now(), reply_id=reply))
    kept = office.wrote("strange", state="kept", payload={"x": "y"}).id
    with office.database.session() as session:
        session.execute(update(Message).where(Message.id == unknown).values(state="unknown"))
    office.pass_(days=2000)

    work.erase(office.house)

    assert get(office, Message, planned).body
    assert get(office, Message, unknown).body
    assert "wat is dit?" == get(office, Reply, reply).text
    assert [{"kind": "voice", "url": "u"}] == get(office, Reply, reply).media
    assert {"x": "y"} == get(office, InboxEvent, kept).payload
    assert office.read(lambda s: s.get(Inburgeraar, person)) is not None


def test_who_takes_part_in_a_group_that_goes_on_stays(office):
    person = office.person()
    start = moments.local(moments.now()).date()
    [group] = put(office, Voortraject(kenmerk="V", theme="actief", place="Wijkcentrum", days="mo",
                                      begins="09:00", ends="12:00", starts=start, weeks=60,
                                      seats=10))  # fmt: skip
    put(office, Deelname(voortraject_id=group, person_id=person, state="accepted",
                         at=moments.now()))  # fmt: skip
    office.pass_(days=500)
    work.erase(office.house)
    assert office.read(lambda s: s.get(Inburgeraar, person)) is not None

    office.pass_(days=400)
    work.erase(office.house)
    assert office.read(lambda s: s.get(Inburgeraar, person)) is None
    assert 1 == left(office)["deelname", "", "accepted"]


def test_a_number_that_was_given_out_is_not_given_out_again(any_office):
    """A receipt that comes late, or what the log says of a person, would speak of another."""
    office = any_office
    person = office.person()
    afspraak = office.afspraak(person)
    message, reply = sent(office, person, "one"), said(office, "ja", person)
    place = address_id(office)
    office.pass_(days=2000)
    work.erase(office.house)
    for table in (Message, Afspraak, Reply, Inburgeraar, Address):
        assert 0 == count(office, table)

    again = office.person()
    assert again > person
    assert address_id(office) > place
    assert office.afspraak(again) > afspraak
    assert sent(office, again, "two") > message
    assert said(office, "nee", again) > reply


def test_a_repeated_webhook_is_known_again_after_its_words_went(office):
    office.person()
    said(office, "ja")
    office.pass_(days=60)
    work.erase(office.house)

    with office.database.session() as session:
        again = insert_once(session, InboxEvent, {
            "key": "k-ja", "source": "twilio", "lane": "l", "fingerprint": "f", "payload": {},
            "state": "new", "not_before": moments.now(), "received_at": moments.now(),
        })  # fmt: skip
    assert again is None


def test_voice_notes_go_after_two_weeks(office):
    office.person()
    reply = said(office, "", media=[{"kind": "voice", "url": "u"}])
    office.pass_(days=13)
    work.erase(office.house)
    assert 1 == len(get(office, Reply, reply).media)
    office.pass_(days=2)
    work.erase(office.house)
    assert [] == get(office, Reply, reply).media


def test_on_hold_nothing_is_erased(office):
    """A backup that was put back may need all it has to find out what was sent."""
    reply = said(office, "ja", office.person())
    with office.database.session() as session:
        installation.check_in(session, office.house, installation.Evidence())
        installation.ask(session, "oefening")
    office.pass_(days=400)
    work.purge(office.house, 1)

    assert "ja" == get(office, Reply, reply).text


# ------------------------------------------------------------------ by hand


def purge(office: Office, monkeypatch, *more: str):
    monkeypatch.setenv("DATABASE_URL", office.house.settings.database_url)
    return CliRunner().invoke(main, ["purge", *more], catch_exceptions=False)


def test_a_dry_run_counts_and_erases_nothing(office, monkeypatch):
    reply = said(office, "ja", office.person())
    long_ago = moments.from_local(datetime(2024, 1, 1, 12, 0))
    with office.database.session() as session:
        session.execute(update(Reply).values(at=long_ago))
        session.execute(update(InboxEvent).values(received_at=long_ago))

    told = purge(office, monkeypatch, "--dry-run")
    assert 0 == told.exit_code
    lines = {line.split("  ")[0]: line.split() for line in told.stdout.splitlines()}
    assert ["180", "dagen", "1"] == lines["wat mensen schreven"][3:6]
    assert ["30", "dagen", "1"] == lines["wat providers meldden"][3:6]
    assert "ja" == get(office, Reply, reply).text

    done = purge(office, monkeypatch)
    assert 0 == done.exit_code
    assert ["180", "dagen", "1"] == done.stdout.splitlines()[5].split()[3:6]
    assert get(office, Reply, reply) is None
    assert [] == office.read(lambda s: list(audit.broken(s, office.house.settings.signing_key)))


def test_a_purge_on_hold_is_refused(office, monkeypatch):
    with office.database.session() as session:
        installation.check_in(session, office.house, installation.Evidence())
        installation.ask(session, "oefening")

    told = purge(office, monkeypatch)
    assert (1, "") == (told.exit_code, told.stdout)
    assert "Er wordt nu niets gewist" in told.stderr
