"""Forget me (AVG): nothing of somebody is left, their STOP holds, and nothing brings them back."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desks import Desk
from group_house import MONDAY, TUESDAY, be
from sqlalchemy import String, cast, delete, func, select, update

from bot import moments
from bot.db import Base
from bot.engine import work
from bot.messaging import forgetting, inbox, installation, outbox, restored, spool, voices
from bot.models.afspraken import Afspraak, Slot
from bot.models.ambassadeurs import Aanmelding, Ambassadeur, Link
from bot.models.broadcasts import Broadcast, Recipient
from bot.models.dialogues import Dialogue
from bot.models.erasures import Erasure
from bot.models.figures import Figure
from bot.models.messages import Attempt, InboxEvent, Message, Reply
from bot.models.people import Address, Inburgeraar, Merged, Note, PersonAddress
from bot.models.staff import StaffMember, StaffPhone
from bot.models.tasks import Task
from bot.models.voices import Recording, VoiceNote
from bot.models.voortrajecten import Deelname, Voortraject
from bot.outreach import ambassadeurs, premie
from bot.outreach.intake.reading import parse
from bot.outreach.intake.storing import store
from bot.privacy import audit, consent, erasure

NAME, NUMBER, CHAT, KENMERK = "Kanarieke", "+31697000777", "7009876543", "D-KANARIE-1"
TRACES = (b"anarie", b"697000777", CHAT.encode())
SID = "SM" + "7" * 32

SETTINGS = {
    "twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "the-token",
    "twilio_sms_from": "+3197000000000",
}  # fmt: skip


@pytest.fixture
def desk(database_url) -> Any:
    made = Desk(database_url, **SETTINGS)
    be(TUESDAY)
    yield made
    made.close()


def arrived(session, key: str, payload: dict[str, Any], **more: Any) -> InboxEvent:
    event = InboxEvent(
        **{
            "key": key, "source": "twilio", "lane": f"sms:{NUMBER}", "fingerprint": f"f{key}",
            "payload": payload, "state": "done", "not_before": moments.now(),
            "received_at": moments.now(), **more,
        }
    )  # fmt: skip
    session.add(event)
    session.flush()
    return event


def canary(desk: Desk) -> int:
    """Let there be somebody of whom every table and folder holds something; return their number."""
    number = desk.person(KENMERK, NAME, klantmanager="klantmanager", phone=NUMBER)
    now, house = moments.now(), desk.house
    with house.database.session() as session:
        person = session.get_one(Inburgeraar, number)
        person.short_name, person.household = "Kanarie", "H-kanarie"
        place = person.addresses[0].address
        chat = Address(channel="telegram", address=CHAT, state="open", created_at=now)
        session.add(PersonAddress(person=person, address=chat, rank=1))
        # A phone that somebody else reads too, with a list that names both.
        other = session.scalars(select(Inburgeraar).where(Inburgeraar.kenmerk == "P-2")).one()
        shared = other.addresses[0].address
        session.add(PersonAddress(person=person, address=shared, rank=2))
        session.flush()
        consent.record(session, person, given=True, channel=None, evidence=f"reply {NAME}")
        afspraak = Afspraak(
            kenmerk="A-1", person_id=number, begins=now + timedelta(days=2), place="Wijkcentrum",
            known_at=now,
        )  # fmt: skip
        group = Voortraject(
            kenmerk="V1", theme="t", place="p", days="mo", begins="09:00", ends="11:00",
            starts=MONDAY, weeks=26, seats=2, taken=1,
        )  # fmt: skip
        fatima = Ambassadeur(
            kenmerk="AMB", first_name="Fatima", phone="+31697000030", languages=["ar"],
            created_at=now,
        )  # fmt: skip
        themselves = Ambassadeur(
            kenmerk="AMB-2", first_name=NAME, phone=NUMBER, languages=["ti"], created_at=now
        )
        mass = Broadcast(
            name="b", key="voortraject.invitation", values={}, audience="alle", first=20,
            window_from=now, window_until=now, hold_minutes=1, most_failed=1, most_stopped=1,
            most_unknown=1, state="done", written_by="x", languages=[], unreviewed=[],
            expanded_to={}, history=[], created_at=now,
        )  # fmt: skip
        session.add_all([afspraak, group, fatima, themselves, mass])
        session.flush()
        link = Link(ambassadeur_id=fatima.id, code="K7Q2ABCD34", created_at=now)
        session.add(link)
        session.flush()
        session.add_all([
            Slot(kenmerk="S", begins=now + timedelta(days=2), ends=now + timedelta(days=2, hours=1),
                 afspraak_id=afspraak.id, instead_of=now),
            Deelname(voortraject_id=group.id, person_id=number, state="accepted", at=now),
            Aanmelding(link_id=link.id, person_id=number, counted=True, flags=[], at=now),
            Recipient(broadcast_id=mass.id, person_id=number, address_id=place.id, channel="sms",
                      language="ti"),
            Dialogue(address_id=place.id, flow="signup", step="x", data={"name": NAME},
                     changed_at=now),
        ])  # fmt: skip
        event = arrived(session, f"twilio:{SID}", {"Body": f"ik ben {NAME}", "From": NUMBER})
        arrived(session, "odd", {"From": NUMBER, "ProfileName": NAME}, state="kept")
        reply = Reply(
            event_id=event.id, person_id=number, address_id=place.id, channel="sms",
            text=f"{NAME} ziek", media=[{"kind": "voice", "ref": "r", "content_type": "audio/ogg"}],
            at=now,
        )  # fmt: skip
        session.add(reply)
        session.flush()
        session.add(Merged(kenmerk="D-KANARIE-OUD", person_id=number, by="x", at=now,
                           before={"person": {"first_name": NAME}}))  # fmt: skip
        session.add(Note(person_id=number, text=f"{NAME} belt liever", by="x", at=now))
        session.add(StaffPhone(staff_id=1, code="c", address_id=shared.id, created_at=now))
        file = voices.keep(house.settings, b"kanarie spreekt", ".ogg") + ".ogg"
        read = voices.keep(house.settings, b"kanarie leest", ".ogg")
        session.add_all([
            VoiceNote(reply_id=reply.id, state="kept", file=file, said_at=now),
            Recording(language="ti", piece="p", says="x", state="approved", file=read,
                      ambassadeur_id=themselves.id, reply_id=reply.id, made_at=now),
            Task(kind="vraag", subject="vraag:1", person_id=number, address_id=place.id,
                 note=f"Bel {NAME}", reply_id=reply.id, since=now),
        ])  # fmt: skip
        for occasion, state, whom, where in (
            ("one", "delivered", person, place), ("two", "planned", person, chat),
            ("three", "unknown", person, chat), ("four", "delivered", None, place),
            ("five", "delivered", other, shared),
        ):  # fmt: skip
            message = outbox.queue(
                session, house, occasion=occasion, key="afspraak.reminder", person=whom,
                address=where, expires_at=now + timedelta(days=1),
                values={"day": "x", "time": "y", "begins": afspraak.begins, "place": "z",
                        "address": "", "staff": NAME},
            )  # fmt: skip
            assert message is not None
            message.state, message.body = state, f"Dag {NAME}, tot ziens"
            session.flush()
            session.add(Attempt(message_id=message.id, number=1, epoch=1, form="text",
                                digest="d", outcome="accepted", provider_ref=SID,
                                started_at=now))  # fmt: skip
        one = session.scalars(select(Message).where(Message.occasion == "one")).one()
        arrived(session, "status:1", {"To": NUMBER}, lane=f"status:{one.id}")
        consent.stop(session, place, "reply 1")
    spooled = spool.Spool(house.settings.spool)
    spooled.write("half.arrival.damaged", f"... {NUMBER} ...".encode())
    return number


def erase(desk: Desk, **form: str) -> Any:
    return desk.as_("coordinator").post(
        f"/mensen/{KENMERK}/wissen", {"hoe": "paspoort", "kenmerk": KENMERK, **form}
    )


def receipt(desk: Desk) -> str:
    """Return where the proof of the erasure stands."""
    with desk.house.database.reading() as session:
        return f"/gewist/{erasure.receipts(session, 1)[0].id}"


def rows_with_traces(desk: Desk) -> dict[str, list[Any]]:
    """Read every value of every table, whatever its type."""
    found: dict[str, list[Any]] = {}
    with desk.house.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(*(cast(each, String) for each in table.c))):
                told = json.dumps(list(row), ensure_ascii=False).encode()
                if any(trace.lower() in told.lower() for trace in TRACES):
                    found.setdefault(table.name, []).append(row)
    return found


def files_with_traces(desk: Desk) -> list[str]:
    """Read the bytes of every file: also where SQLite holds no row any more."""
    settings, url = desk.house.settings, desk.house.database.url
    folders = [settings.spool, settings.voices]
    if url.get_backend_name() == "sqlite":
        folders.append(Path(str(url.database)).parent)
    return [
        path.name
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and any(trace in path.read_bytes() for trace in TRACES)
    ]


def test_every_table_that_may_know_somebody_is_filled_for_the_canary(desk):
    """A new one that nobody thought about is named here."""
    canary(desk)
    knows = {
        table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name in ("inburgeraar", "address", "reply", "message", "afspraak")
    }
    with desk.house.database.reading() as session:
        empty = {
            name
            for name in knows
            if not session.scalar(select(func.count()).select_from(Base.metadata.tables[name]))
        }

    assert set() == empty
    assert {"message", "reply", "inbox_event", "task", "dialogue"} <= set(rows_with_traces(desk))


def test_nothing_of_somebody_is_left_in_any_table_file_or_log(desk, logged):
    canary(desk)
    answer = erase(desk)
    assert 200 == answer.status_code, answer.text
    assert "Er is niets gevonden" in answer.text

    assert {} == rows_with_traces(desk)
    assert [] == files_with_traces(desk)
    assert not any(trace in logged().encode() for trace in TRACES)
    page = desk.as_("coordinator").get(receipt(desk)).text
    assert "Er is niets gevonden" in page
    assert not any(trace in page.encode() for trace in TRACES)
    for part in ("Berichten van ons", "Geluiden", "Back-ups, uiterlijk tot donderdag 31 december",
                 "STOP stuurde", "paspoort"):  # fmt: skip
        assert part in page
    with desk.house.database.reading() as session:
        key = desk.house.settings.signing_key
        assert [] == list(audit.broken(session, key))
        assert 2 == len(session.scalars(select(Inburgeraar).where(Inburgeraar.id <= 2)).all())


def test_what_others_have_a_share_in_stays_without_the_name(desk):
    canary(desk)
    erase(desk)

    with desk.house.database.reading() as session:
        link = session.scalars(select(Link)).one()
        fatima = session.get_one(Ambassadeur, link.ambassadeur_id)
        month = premie.month_of(TUESDAY)
        assert 1 == ambassadeurs.stand(session, [fatima]).signed_up
        assert (1, 0) == premie.standing(session, fatima, month)
        kinds = set(session.scalars(select(Figure.kind)))
        assert {"message", "reply", "afspraak", "deelname", "aanmelding", "person"} == kinds
        assert 0 == session.scalars(select(Voortraject.taken)).one()
        slot = session.scalars(select(Slot)).one()
        assert (None, None) == (slot.afspraak_id, slot.instead_of)
        other = session.scalars(select(Message)).one()
        assert ("five", "") == (other.occasion, other.body)
        themselves = session.scalars(select(Ambassadeur).where(Ambassadeur.kenmerk == "AMB-2"))
        assert [("gewist", None, "gestopt")] == [
            (one.first_name, one.phone, one.state) for one in themselves
        ]


def brings(desk: Desk, text: str) -> Any:
    with desk.house.database.session() as session:
        return store(session, desk.house, parse(text.encode(), "people", "people.csv"))


FILE = "kenmerk;voornaam;taal;telefoon;kanaal\n{};{};ti;{};{}\n"


def test_a_file_brings_nobody_back_and_the_stop_of_the_number_holds(desk):
    canary(desk)
    erase(desk)

    report = brings(desk, FILE.format(KENMERK, NAME, NUMBER, "sms"))
    assert "op eigen verzoek gewist" in str(report.refused[0][1][0].said)
    assert {} == rows_with_traces(desk)

    report = brings(desk, FILE.format("D-KANARIE-OUD", NAME, NUMBER, "sms"))
    assert "gewist" in str(report.refused[0][1][0].said), "the kenmerk of a double too"

    brings(desk, FILE.format("N-9", "Housemate", NUMBER, "whatsapp"))
    with desk.house.database.reading() as session:
        place = session.scalars(select(Address).where(Address.address == NUMBER)).one()
        assert place.stopped_at is not None, "on another channel of the same number too"


def test_a_colleague_may_write_somebody_down_again_who_wants_to_come_back(desk):
    canary(desk)
    erase(desk)
    form = {"kenmerk": KENMERK, "voornaam": NAME, "taal": "ti", "telefoon": "+31697000778"}

    assert 303 == desk.as_("frontlijn").post("/mensen/nieuw", form).status_code
    report = brings(desk, FILE.format(KENMERK, NAME, "+31697000778", "sms"))
    assert [] == report.refused


def hears(desk: Desk, key: str, body: str, **more: Any) -> None:
    with desk.house.database.session() as session:
        arrived(
            session, key,
            {"AccountSid": "AC" + "0" * 32, "MessageSid": key.partition(":")[2], "From": NUMBER,
             "To": "+3197000000000", "Body": body, "NumMedia": "0"},
            state="new", **more,
        )  # fmt: skip
    work.handle_inbox(desk.house, 10)


def test_what_comes_late_is_not_kept_and_what_comes_new_knows_nothing(desk):
    number = canary(desk)
    with desk.house.database.reading() as session:
        one = session.scalars(select(Message.id).where(Message.occasion == "one")).one()
    erase(desk)
    with desk.house.database.session() as session:
        arrived(
            session, f"status:{one}:1:{SID}:read",
            {"MessageSid": SID, "MessageStatus": "read", "To": NUMBER, "From": "+3197000000000",
             "AccountSid": "AC" + "0" * 32, "_message": one, "_attempt": 1},
            state="new", lane=f"status:{one}",
        )  # fmt: skip
    work.handle_reports(desk.house, 10)
    hears(desk, "twilio:SM" + "8" * 32, "Kanarie, STOP", received_at=TUESDAY - timedelta(hours=1))
    assert {} == rows_with_traces(desk), "a callback, and words that the provider told of late"

    be(TUESDAY + timedelta(hours=1))
    hears(desk, "twilio:SM" + "9" * 32, "hallo")
    with desk.house.database.reading() as session:
        place = session.scalars(select(Address).where(Address.address == NUMBER)).one()
        assert place.stopped_at is not None
        assert [] == place.people
        assert session.get(Inburgeraar, number) is None
        state = session.scalars(select(Message).where(Message.address_id == place.id)).all()
        assert set() == {each.state for each in state} - {"cancelled", "blocked", "planned"}
    hears(desk, "twilio:SM" + "6" * 32, "START")
    with desk.house.database.reading() as session:
        place = session.scalars(select(Address).where(Address.address == NUMBER)).one()
        assert place.stopped_at is None, "their own START, from that number, lifts it"


def test_a_webhook_that_is_repeated_is_known_and_its_signature_is_good_for_nothing_else(desk):
    canary(desk)
    with desk.house.database.session() as session:
        session.execute(
            update(InboxEvent).where(InboxEvent.key == f"twilio:{SID}").values(signature="s")
        )
    erase(desk)
    again = inbox.Arrival(
        key=f"twilio:{SID}", source="twilio", lane="l", payload={}, fingerprint="other",
        signature="s", at=moments.now(),
    )  # fmt: skip
    forged = inbox.Arrival(
        key="twilio:SM" + "5" * 32, source="twilio", lane="l", payload={}, fingerprint="x",
        signature="s", at=moments.now(),
    )  # fmt: skip

    with desk.house.database.session() as session:
        assert not inbox.store(session, again)
        assert not inbox.store(session, forged)


def test_nobody_is_erased_while_something_of_theirs_is_in_the_air(desk):
    number = canary(desk)
    with desk.house.database.session() as session:
        session.execute(update(Message).where(Message.occasion == "two").values(state="sending"))
    answer = erase(desk)

    assert 409 == answer.status_code
    assert "Er gaat nu net een bericht uit" in answer.text
    with desk.house.database.session() as session:
        assert session.get(Inburgeraar, number) is not None
        session.execute(update(Message).where(Message.occasion == "two").values(state="sent"))
        session.execute(update(InboxEvent).where(InboxEvent.key == "odd").values(state="new"))
    assert "Er komt nu net iets binnen" in erase(desk).text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"kenmerk": "D-KANARIE-2"}, "Typ het kenmerk precies over"),
        ({"hoe": "chat"}, "Zeg eerst hoe u weet"),
    ],
)
def test_a_slip_erases_nobody(make_desk, form, told):
    desk = make_desk(**SETTINGS)
    be(TUESDAY)
    number = canary(desk)
    answer = erase(desk, **form)

    assert 422 == answer.status_code
    assert told in answer.text
    with desk.house.database.reading() as session:
        assert session.get(Inburgeraar, number) is not None


def test_the_code_of_the_second_step_is_asked_for_and_good_once(make_desk):
    """Whoever finds a console open, or knows a password, erases nobody."""
    desk = make_desk(**SETTINGS)
    be(TUESDAY)
    number = canary(desk)
    browser = desk.as_("coordinator")
    factory = desk.app.extensions["security"].totp_factory
    secret = factory.generate_totp_secret()
    with desk.house.database.session() as session:
        session.execute(
            update(StaffMember)
            .where(StaffMember.name == "coordinator")
            .values(tf_totp_secret=secret, tf_primary_method="authenticator")
        )
    path, form = f"/mensen/{KENMERK}/wissen", {"hoe": "paspoort", "kenmerk": KENMERK}

    assert "Code uit uw app" in browser.get(path).text
    for code in ("", "000000"):
        answer = browser.post(path, {**form, "code": code})
        assert (422, True) == (answer.status_code, "De code klopt niet" in answer.text)
    with desk.house.database.reading() as session:
        assert session.get(Inburgeraar, number) is not None
        member = session.scalars(select(StaffMember).where(StaffMember.name == "coordinator"))
        assert 2 == member.one().failures
    token = factory._totp.from_source(secret).generate().token
    assert "Er is niets gevonden" in browser.post(path, {**form, "code": token}).text
    with desk.house.database.reading() as session:
        assert session.get(Inburgeraar, number) is None
        member = session.scalars(select(StaffMember).where(StaffMember.name == "coordinator"))
        assert member.one().totp_counter is not None


def test_the_page_says_what_is_under_way_before_it_is_pressed(make_desk):
    desk = make_desk(**SETTINGS)
    be(TUESDAY)
    canary(desk)
    page = desk.as_("klantmanager").get(f"/mensen/{KENMERK}/wissen").text

    for part in ("Afspraak op donderdag 3 december 2026", "wordt eerst ingetrokken",
                 "Open taken: 1", "voortraject V1 komt vrij", "ook ambassadeur AMB-2",
                 "Wissen doet een coördinator"):  # fmt: skip
        assert part in page
    assert "Wis voorgoed" not in page


def test_a_restored_backup_erases_once_more_before_anything_is_sent(desk):
    """The hashes lie beside the spool, not in the backup."""
    canary(desk)
    erase(desk)
    house = desk.house
    with house.database.session() as session:  # as it was before: without the receipt
        session.execute(delete(Erasure))
        installation.check_in(session, house, installation.Evidence())
    number = desk.person(KENMERK, NAME, klantmanager=None, phone=NUMBER)
    with house.database.session() as session:
        person = session.get_one(Inburgeraar, number)
        person.created_at = TUESDAY - timedelta(days=9)
        installation.restored(session, TUESDAY - timedelta(hours=1))
        assert any("opnieuw te wissen" in line for line in restored.in_the_way(session, house))

    work.doubt(house, 100)

    assert {} == rows_with_traces(desk)
    with house.database.reading() as session:
        assert not any("te wissen" in line for line in restored.in_the_way(session, house))
        assert {"restored"} == set(session.scalars(select(Erasure.how)))
    hears(desk, "twilio:SM" + "4" * 32, "hallo", received_at=TUESDAY - timedelta(minutes=5))
    assert {} == rows_with_traces(desk), "what the provider's list gives back of before"


def test_a_search_finds_what_is_still_there_and_keeps_nothing_of_what_was_typed(desk):
    canary(desk)
    erase(desk)
    path = receipt(desk)
    with desk.house.database.session() as session:
        place = session.scalars(select(Address).where(Address.address == "+31697000006")).one()
        session.add(Task(kind="vraag", subject="vraag:9", address_id=place.id,
                         note="Belde van 31697000777", since=moments.now()))  # fmt: skip
    browser = desk.as_("coordinator")
    page = browser.post(f"{path}/zoek", {"nummer": "06 97 00 07 77"}).text

    assert "Er is nog iets gevonden" in page
    assert "tabel task" in page
    with desk.house.database.session() as session:
        session.execute(update(Task).where(Task.subject == "vraag:9").values(note=None))
    page = browser.post(f"{path}/zoek", {"nummer": "06 97 00 07 77"}).text
    assert "Er is niets gevonden" in page
    assert {} == rows_with_traces(desk)


def test_in_rows_a_number_is_found_as_a_whole_alone(desk):
    with desk.house.database.session() as session:
        table = Base.metadata.tables["address"]
        part = forgetting.search(session, table, ["+3169700000"])
        whole = forgetting.search(session, table, ["+31697000001"])

    assert {} == part
    assert {"tabel address": 1} == whole


def test_the_page_says_how_far_the_search_is_and_one_broken_off_proves_nothing(desk):
    """At a million messages it takes a while; whoever closes the window has no proof."""
    canary(desk)
    answer = erase(desk)
    assert any(b"1 van" in part for part in answer.iter_encoded())
    answer.close()

    assert "Nog niet nagezocht" in desk.as_("coordinator").get(receipt(desk)).text
