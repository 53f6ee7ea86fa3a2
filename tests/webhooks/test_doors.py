"""The doors under attack: forged, replayed, cut up, too large, misspelled, and simply unlucky.

A door verifies, writes down, wakes and answers. Whatever knocks, it never answers 500, and what
it answered 2xx is there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from contextlib import suppress
from urllib.parse import unquote_to_bytes, urlencode

import pytest
import structlog
from click.testing import CliRunner
from knocking import (
    ACCOUNT,
    FIXTURES,
    OLD_TOKEN,
    REPLY,
    SECRET,
    STATUS,
    TELEGRAM,
    Doors,
    form,
    sid,
    signed,
    told,
    update,
)
from sqlalchemy import select

from bot import moments, web
from bot.__main__ import main
from bot.channels.twilio import callback_url
from bot.messaging import delivery
from bot.messaging.spool import ARRIVAL, Spool
from bot.models.messages import InboxEvent, Message, Reply
from bot.models.people import Address, Consent, Inburgeraar, PersonAddress

URLENCODED = ("Content-Type", "application/x-www-form-urlencoded")


class TestASignatureThatIsNotTwilios:
    @pytest.mark.parametrize(
        "spoiled",
        [
            lambda right: "",
            lambda right: "AAAA",
            lambda right: right[:-1],
            lambda right: right + "=",
            lambda right: right.swapcase(),
            lambda right: "x" * 10_000,
            lambda right: "é",
            lambda right: f"{right}, {right}",
        ],
        ids=["none", "wrong", "cut", "longer", "case", "10 kB", "not ascii", "twice"],
    )
    def test_is_refused_and_leaves_no_row(self, doors, spoiled):
        answer = doors.knock(form(), signature=spoiled(signed(form())))

        assert (403, b"", 0) == (answer.status_code, answer.data, doors.count())

    def test_ten_kilobytes_of_it_are_refused_by_the_real_server_too(self, wire):
        headers = [URLENCODED, ("X-Twilio-Signature", "x" * 10_000)]

        assert 403 == wire.ask(urlencode(form()).encode(), headers)
        assert 0 == wire.doors.count()

    @pytest.mark.parametrize(
        "changed",
        [
            lambda pairs: [(n, "2" if n == "Body" else v) for n, v in pairs],
            lambda pairs: [*pairs, ("Extra", "")],
            lambda pairs: pairs[1:],
            lambda pairs: [*pairs, ("Body", "2")],
            lambda pairs: [*pairs, ("Body", "1")],
            lambda pairs: [(n.lower(), v) for n, v in pairs],
        ],
        ids=["changed", "added", "removed", "said twice", "said twice alike", "other case"],
    )
    def test_a_right_one_does_not_vouch_for_other_fields(self, doors, changed):
        answer = doors.knock(changed(form()), signature=signed(form()))

        assert (403, 0) == (answer.status_code, doors.count())

    def test_the_order_of_the_fields_is_nobodys_business(self, doors):
        answer = doors.knock(form()[::-1], signature=signed(form()))

        assert (204, 1) == (answer.status_code, doors.count())

    def test_one_for_another_door_or_query_does_not_fit_here(self, doors):
        for path in (STATUS, REPLY + "?a=1", REPLY + "/"):
            assert 403 == doors.knock(form(), signature=signed(form(), path)).status_code
        assert 0 == doors.count()


class TestACapturedSignature:
    """Twilio's signature runs names and values together and holds no time."""

    def test_cannot_be_cut_up_into_somebody_elses_yes(self, doors):
        """Who sends a message with names of fields in it knows a string that Twilio signs."""
        words = "ja"
        trap = f"{words}Fromwhatsapp:+31697000002MessageSidSM{'f' * 32}N"
        captured = form("whatsapp_text", Body=trap)
        signature = signed(captured)
        at = dict(captured)
        swallowed = (
            f"{at['ChannelMetadata']}From{at['From']}MessageSid{at['MessageSid']}"
            f"MessageType{at['MessageType']}"
        )
        taken = ("Body", "ChannelMetadata", "From", "MessageSid", "MessageType")
        forged = [
            *((name, value) for name, value in captured if name not in taken),
            ("Body", words),
            ("From", "whatsapp:+31697000002"),
            ("MessageSid", f"SM{'f' * 32}"),
            ("NChannelMetadata", swallowed),
        ]
        assert signature == signed(forged), "the attack is real: both have this signature"
        assert 204 == doors.knock(captured).status_code

        with structlog.testing.capture_logs() as logs:
            answer = doors.knock(forged, signature=signature)

        assert 403 == answer.status_code
        assert ["a signature used before, for something else"] == [line["why"] for line in logs]
        assert [dict(captured)] == [event.payload for event in doors.events]

    def test_repeated_a_thousand_times_at_once_is_one_row_and_one_effect(self, wire):
        """Twilio repeats a webhook it got no answer to; the person spoke once."""
        answers: list[int] = []

        def replay() -> None:
            connection = wire.connect()
            answers.extend(
                wire.knock(form("whatsapp_text", Body="help"), over=connection) for _ in range(125)
            )
            connection.close()

        threads = [threading.Thread(target=replay) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [204] * 1000 == answers
        assert ["new"] == wire.doors.states
        assert 1 == wire.doors.work()
        assert (["help"], ["answer.help"]) == (
            [reply.text for reply in wire.doors.replies],
            [message.key for message in wire.doors.messages],
        )

    @pytest.mark.parametrize("later", [{"seconds": 1}, {"days": 1}, {"days": 366}])
    def test_repeated_later_changes_nothing(self, doors, later):
        doors.knock(form())
        doors.work()
        before = (len(doors.replies), [message.key for message in doors.messages])
        moments.set_practice_offset(moments.timedelta(**later))

        assert 204 == doors.knock(form()).status_code
        assert 0 == doors.work()
        assert before == (len(doors.replies), [message.key for message in doors.messages])

    def test_while_a_token_is_replaced_both_count_and_afterwards_only_the_new(self, database_url):
        old, new = form(MessageSid=sid(1)), form(MessageSid=sid(2))
        during = Doors(database_url)
        after = Doors(database_url, twilio_auth_token="new-token")

        assert 204 == during.knock(old, signature=signed(old, token=OLD_TOKEN)).status_code
        assert 204 == during.knock(new).status_code
        again = form(MessageSid=sid(3))
        assert 403 == after.knock(again, signature=signed(again, token=OLD_TOKEN)).status_code
        assert 204 == after.knock(again).status_code
        during.close()
        after.close()

    def test_a_repeat_that_was_signed_anew_is_still_a_repeat(self, doors):
        """Twilio retries across the change of a token; the SID says that it is the same."""
        assert 204 == doors.knock(form(), signature=signed(form(), token=OLD_TOKEN)).status_code
        assert 204 == doors.knock(form()).status_code
        assert 1 == doors.count()


class TestJsonAndForm:
    """Which of the two a door takes is ours to say, not the sender's."""

    def test_a_form_that_calls_itself_json_is_read_as_the_form_that_was_signed(self, doors):
        answer = doors.knock(form(), Content_Type="application/json")

        assert (204, dict(form())) == (answer.status_code, doors.events[0].payload)

    @pytest.mark.parametrize("upper", [False, True])
    @pytest.mark.parametrize("times", [0, 1, 2])
    def test_json_is_refused_with_and_without_its_hash(self, doors, upper, times):
        """The library takes any empty form for genuine where the address has a body's hash."""
        body = json.dumps(dict(form())).encode()
        digest = hashlib.sha256(body).hexdigest()
        query = "&".join([f"bodySHA256={digest.upper() if upper else digest}"] * times)
        path = f"{REPLY}?{query}"
        answer = doors.client.post(
            path,
            data=body,
            content_type="application/json",
            headers={"X-Twilio-Signature": signed([], path)},
        )

        assert (403, 0) == (answer.status_code, doors.count())

    @pytest.mark.parametrize("data", [b"", b"&&&", b"=", b"%", b"\x00", b"--x\r\n\r\n--x--"])
    def test_what_is_hardly_a_form_is_refused(self, doors, data):
        answer = doors.client.post(REPLY, data=data, headers={"X-Twilio-Signature": "AAAA"})

        assert (403, 0) == (answer.status_code, doors.count())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AccountSid", "AC" + "1" * 32),
        ("AccountSid", None),
        ("MessageSid", None),
        ("MessageSid", "SM1"),
        ("MessageSid", "SM" + "0F" * 16),
        ("MessageSid", "CA" + "0" * 32),
        ("MessageSid", "SM" + "0" * 32 + "\n"),
        ("From", "+31697000001\x00"),
        ("From", "whatsapp:+31 6 97000001"),
        ("To", None),
        ("To", "client:someone"),
        ("MessageStatus", "delivered\x00"),
        ("MessageStatus", "x" * 5000),
    ],
)
def test_another_account_or_shape_is_refused_even_if_signed(doors, name, value):
    """Nothing of another shape can be a key or a place in the queue."""
    answer = doors.knock(form(**{name: value}))

    assert (403, 0) == (answer.status_code, doors.count())


HOSTS = ["evil.example", "x:99999", "[::1", "[::1]:x", "", "a b", "é.example", None]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: str(host)[:12])
def test_the_host_header_decides_nothing(wire, host):
    """Signed is what Twilio called: our public address, not what a proxy makes of it."""
    forwarded = [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Prefix", "/elsewhere"),
        ("Forwarded", "host=evil.example;proto=x"),
    ]
    encoded = host.encode("utf-8").decode("latin-1") if host else host

    assert 204 == wire.knock(form(), host=encoded, headers=forwarded)
    assert 1 == wire.doors.count()


def test_behind_a_path_of_a_proxy_the_public_address_counts(database_url):
    doors = Doors(database_url, public_url="https://stap.example/bot/")
    right = signed(form(), "/bot" + REPLY)

    assert 403 == doors.knock(form()).status_code
    assert 204 == doors.knock(form(), signature=right).status_code
    doors.close()


class TestAStatusCallback:
    """Twice signed: by Twilio, and by us when we asked for it."""

    @pytest.fixture
    def sent(self, doors) -> Message:
        """A message that Twilio accepted as SM…77."""
        with doors.house.database.session() as session:
            now = moments.now()
            person = Inburgeraar(kenmerk="P-1", first_name="Selam", language="nl", created_at=now)
            address = Address(channel="sms", address="+31697000001", created_at=now)
            session.add_all([person, address])
            session.flush()
            session.add(PersonAddress(person_id=person.id, address_id=address.id))
        doors.knock(form(Body="help", MessageSid=sid(1)))
        doors.work()
        with doors.house.database.session() as session:
            message, epoch = delivery.claim(session, "sms", 1)[0]
            prepared, _ = delivery.prepare(session, doors.house, message, epoch)
            delivery.settle(session, doors.house, prepared, sid(0x77))
        return doors.messages[0]

    def path(self, doors, message: int, attempt: int) -> str:
        url = callback_url("", doors.house.settings.signing_key, message, attempt)
        return url.partition("#")[0]

    def report(self, status: str = "delivered", ref: str = sid(0x77)) -> list[tuple[str, str]]:
        return form("sms_status_delivered", MessageSid=ref, SmsSid=ref, MessageStatus=status)

    def test_moves_its_own_message_once(self, doors, sent):
        path = self.path(doors, sent.id, 1)
        answers = [doors.knock(self.report(), path).status_code for _ in range(3)]
        doors.work()

        assert ([204] * 3, ["delivered"]) == (answers, [m.state for m in doors.messages])
        assert 2 == doors.count()

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda path: path.replace("m=1", "m=2"),
            lambda path: path.replace("a=1", "a=2"),
            lambda path: path[:-1],
            lambda path: path[:-1] + ("0" if path[-1] != "0" else "1"),
            lambda path: path.replace("m=1", "m=01"),
            lambda path: path.replace("m=1", "m=%D9%A1"),
            lambda path: path.replace("m=1", "m=1%00"),
            lambda path: path.partition("&k=")[0],
            lambda path: STATUS,
            lambda path: STATUS + "?m=&a=&k=",
            lambda path: STATUS + "?m=1&a=1&k=%ED%A0%80",
        ],
    )
    def test_without_our_own_proof_is_refused_even_if_twilio_signed_it(self, doors, sent, spoil):
        answer = doors.knock(self.report(), spoil(self.path(doors, sent.id, 1)))

        assert (403, 1, "accepted") == (
            answer.status_code,
            doors.count(),
            doors.messages[0].state,
        )

    def test_for_a_message_we_do_not_have_changes_nothing(self, doors, sent):
        """A callback may outlive its message, which was erased on request."""
        assert 204 == doors.knock(self.report(), self.path(doors, 9999, 1)).status_code
        doors.work()

        assert (["done", "done"], ["accepted"]) == (
            doors.states,
            [m.state for m in doors.messages],
        )

    def test_with_another_messages_sid_changes_nothing(self, doors, sent):
        report = self.report(ref=sid(0x78))
        assert 204 == doors.knock(report, self.path(doors, sent.id, 1)).status_code
        doors.work()

        assert [("accepted", sid(0x77))] == [(m.state, m.provider_ref) for m in doors.messages]

    def test_at_the_door_for_replies_is_kept_and_changes_nothing(self, doors, sent):
        """That door has not asked for our own proof; numbers in the form are no proof."""
        fields = [*self.report(), ("_message", str(sent.id)), ("_attempt", "1")]
        assert 204 == doors.knock(fields).status_code
        doors.work()

        assert (["done", "kept"], ["accepted"]) == (
            doors.states,
            [m.state for m in doors.messages],
        )

    def test_a_reply_at_the_door_for_statuses_is_kept_and_not_acted_on(self, doors, sent):
        path = self.path(doors, sent.id, 1)
        assert 204 == doors.knock(form(Body="STOP", MessageSid=sid(9)), path).status_code
        doors.work()

        assert (["done", "kept"], 1) == (doors.states, len(doors.replies))


class TestSize:
    def test_a_byte_too_much_is_413_and_one_less_is_read(self, wire):
        room = 64 * 1024 - len(urlencode(form(Body="")))
        fits, large = form(Body="x" * room), form(Body="x" * (room + 1))

        assert [413, 204] == [wire.knock(large), wire.knock(fits)]
        assert 1 == wire.doors.count()

    @pytest.mark.parametrize("path", [REPLY, STATUS, TELEGRAM])
    def test_twenty_megabytes_are_refused_before_they_are_read(self, wire, path):
        """Only the header is sent: an answer shows that nobody waited for the rest."""
        assert 413 == wire.ask(b"", [URLENCODED], path=path, length=20_000_000)

    @pytest.mark.parametrize("path", [REPLY, TELEGRAM])
    def test_a_length_that_is_not_told_is_counted(self, wire, path):
        connection = wire.connect()
        chunks = [b"x" * 1024] * 65
        connection.request("POST", path, iter(chunks), {"Host": "x"}, encode_chunked=True)
        assert 413 == connection.getresponse().status
        connection.close()

    @pytest.mark.parametrize(
        "body", [b"a&" * 20_000, b"&".join(b"a%d=1" % n for n in range(5_000))]
    )
    def test_thousands_of_fields_are_refused(self, wire, body):
        headers = [URLENCODED, ("X-Twilio-Signature", signed([]))]

        assert wire.ask(body, headers) in (400, 413)
        assert 0 == wire.doors.count()


TEXTS = {
    # What a body says, as bytes on the wire -> what is stored, on either database.
    "invalid utf-8": (b"ja%FF%FEnee", "ja\ufffd\ufffdnee"),
    "raw latin-1": ("caf\xe9".encode("latin-1"), "caf\ufffd"),
    "nul": (b"ja%00nee", "ja\ufffdnee"),
    "lone surrogate": (b"ja%ED%A0%80nee", "ja\ufffd\ufffd\ufffdnee"),
    "right to left override": ("\u202eja".encode(), "\u202eja"),
    "emoji": ("🌻".encode() * 1600, "🌻" * 1600),
    "plus": (b"a+b%2Bc", "a b+c"),
    "line ends": (b"een%0D%0Atwee", "een\r\ntwee"),
    "tigrinya": ("እወ፡ ክመጽእ".encode(), "እወ፡ ክመጽእ"),
    "nothing": (b"", ""),
}


class TestSpelling:
    @pytest.mark.parametrize(("sent", "stored"), TEXTS.values(), ids=TEXTS)
    def test_a_text_is_stored_alike_on_both_databases(self, doors, sent, stored):
        """SQLite keeps NUL and lone surrogates, PostgreSQL refuses them."""
        body = urlencode(form(Body=None)).encode() + b"&Body=" + sent
        text = unquote_to_bytes(sent.replace(b"+", b" ")).decode("utf-8", "replace")
        answer = doors.client.post(
            REPLY,
            data=body,
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signed(form(Body=text))},
        )
        doors.work()

        assert (204, ["done"]) == (answer.status_code, doors.states)
        assert [stored] == [reply.text for reply in doors.replies]

    @pytest.mark.parametrize(
        ("text", "stored"),
        [
            ("ja\x00nee", "ja\ufffdnee"),
            ("ja\ud800nee", "ja\ufffdnee"),
            ("\u202eja", "\u202eja"),
            ("🌻" * 1600, "🌻" * 1600),
            ("x" * 60_000, "x" * 60_000),
        ],
        ids=["nul", "lone surrogate", "override", "emoji", "long"],
    )
    def test_telegrams_text_too(self, doors, text, stored):
        changed = update()
        changed["message"]["text"] = text
        answer = doors.told(changed)
        doors.work()

        assert (200, ["done"]) == (answer.status_code, doors.states)
        assert [stored] == [reply.text for reply in doors.replies]

    @pytest.mark.parametrize("sender", ["%2B31697000001", "+31697000001"])
    def test_a_plus_in_a_number_is_a_plus_only_where_it_was_signed_so(self, doors, sender):
        """A raw plus is a space: then it is not the number that Twilio signed."""
        body = urlencode(form(From=None)) + "&From=" + sender
        answer = doors.client.post(
            REPLY,
            data=body,
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signed(form())},
        )

        assert (204 if sender.startswith("%") else 403) == answer.status_code

    def test_every_kind_of_webhook_stored_among_the_fixtures_is_taken_and_handled(self, doors):
        for number, path in enumerate(sorted((FIXTURES / "twilio").glob("*.json")), 1):
            name = path.stem
            if "status" in name:
                continue
            assert 204 == doors.knock(form(name, MessageSid=sid(number))).status_code, name
        for path in sorted((FIXTURES / "telegram").glob("*.json")):
            assert 200 == doors.told(told(f"telegram/{path.stem}")).status_code, path.stem
        doors.work()

        assert {"done", "ignored"} == set(doors.states)


class TestMethods:
    @pytest.mark.parametrize("path", [REPLY, STATUS, TELEGRAM])
    def test_only_a_post_is_taken(self, wire, path):
        methods = ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"]

        assert [405] * 6 == [wire.ask(b"", [], path=path, method=each) for each in methods]

    @pytest.mark.parametrize("version", ["1.0", "1.1"])
    def test_a_length_told_twice_never_smuggles_a_second_request(self, wire, version):
        """The inner request is rightly signed: nothing but the body's end keeps it out."""
        inner = urlencode(form()).encode()
        smuggled = (
            f"0\r\n\r\nPOST {REPLY} HTTP/1.1\r\nHost: x\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"X-Twilio-Signature: {signed(form())}\r\nContent-Length: {len(inner)}\r\n\r\n"
        ).encode() + inner

        outer = (
            f"POST {REPLY} HTTP/{version}\r\nHost: x\r\nConnection: keep-alive\r\n"
            f"Content-Length: {len(smuggled)}\r\nTransfer-Encoding: chunked\r\n\r\n"
        ).encode() + smuggled
        with socket.create_connection(("127.0.0.1", wire.web.port), timeout=20) as connection:
            connection.sendall(outer)
            answer = b""
            while part := connection.recv(4096):
                answer += part

        assert [b"400"] == re.findall(rb"HTTP/1\.[01] (\d+)", answer)
        assert 0 == wire.doors.count()

    def test_an_answer_says_nothing(self, doors):
        """A reply in the answer would go out without any of the gates."""
        answers = [
            doors.knock(form()),
            doors.knock(form(), signature="AAAA"),
            doors.told(update()),
            doors.told(update(), "wrong"),
            doors.told(b"{"),
        ]

        assert [b""] * 5 == [answer.data for answer in answers]
        assert [204, 403, 200, 403, 400] == [answer.status_code for answer in answers]


class TestTelegramsSecret:
    @pytest.mark.parametrize(
        "secret",
        [None, "", "wrong", SECRET + "x", SECRET[:-1], SECRET.upper(), "é", "x" * 10_000],
        ids=["none", "empty", "wrong", "longer", "cut", "case", "not ascii", "10 kB"],
    )
    def test_another_is_refused_and_told_to_nobody(self, doors, secret, capfd):
        with structlog.testing.capture_logs() as logs:
            answer = doors.told(update(), secret)

        assert (403, 0) == (answer.status_code, doors.count())
        written = str(logs) + "".join(capfd.readouterr())
        assert SECRET not in written
        assert not secret or secret not in written

    def test_a_door_without_a_secret_lets_nobody_in(self, database_url):
        doors = Doors(database_url, telegram_webhook_secret="")

        assert [403, 403] == [doors.told(update(), s).status_code for s in (None, "")]
        doors.close()

    def test_a_door_without_a_bot_lets_nobody_in(self, database_url):
        doors = Doors(database_url, telegram_bot_token="")

        assert 403 == doors.told(update()).status_code
        doors.close()


class TestUpdates:
    def test_the_same_twice_is_one_and_an_earlier_number_is_still_new(self, doors):
        """After a week of silence Telegram picks a number at random, perhaps a lower one."""
        numbers = [700, 700, 699, 900_000_000, 700, 1, 0]
        answers = [doors.told(update(update_id=n)).status_code for n in numbers]

        assert [200] * len(numbers) == answers
        assert len(set(numbers)) == doors.count() == doors.work()

    @pytest.mark.parametrize(
        "number",
        [None, "1", 1.5, True, [], {}, 2**62, -(2**70), 10**4000],
        ids=lambda n: str(n)[:9],
    )
    def test_a_number_of_another_kind_is_no_update(self, doors, number):
        assert (400, 0) == (doors.told(update(update_id=number)).status_code, doors.count())

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"7",
            b"{",
            b"\xff\xfe",
            b"\x00",
            b'{"update_id":1,"message":NaN}',
            b'{"update_id":1,"message":-Infinity}',
            b'{"update_id":1,"message":1e999}',
            b'{"update_id":' + b"1" * 5000 + b"}",
            b"[" * 60_000,
            b'{"update_id":1,"message":' + b"[" * 900 + b"]" * 900 + b"}",
            b'{"update_id":1,"message":' + b'{"a":' * 100 + b"1" + b"}" * 101,
        ],
    )
    def test_what_no_database_or_worker_could_hold_is_refused(self, doors, body):
        """PostgreSQL takes no NaN; brackets too deep could never be read back."""
        assert (400, 0) == (doors.told(body).status_code, doors.count())

    @pytest.mark.parametrize(
        "event",
        [
            {},
            {"message": "hoi"},
            {"message": None, "edited_message": 7},
            {"message": {"chat": "x", "from": []}},
            {"message": {"chat": {"id": 10**4000, "type": "private"}, "from": {"id": 1006}}},
            {"message": {"chat": {"id": 0, "type": "private"}, "from": {"id": 1006}}},
            {"message": {"chat": {"id": "\x00", "type": "private"}, "from": {}}},
            {"message": {"chat": {"id": 1006, "type": "private"}, "from": {}, "date": 10**30}},
            {"callback_query": {"id": 1, "from": {"id": 1006}, "message": "x"}},
            {"callback_query": {"id": 1, "from": "x", "message": {"chat": []}}},
            {"my_chat_member": {"chat": {"id": 1006, "type": "private"}}},
            {"my_chat_member": {"chat": {"id": 1006, "type": "private"}, "from": {},
                                "new_chat_member": {"status": "geheim verhaal"}}},
        ],
        ids=lambda event: str(event)[:40],
    )  # fmt: skip
    def test_an_event_of_another_shape_is_kept_and_holds_up_nobody(self, doors, event):
        """It is there to be read after the fix; meanwhile the next one is acted on."""
        assert 200 == doors.told({"update_id": 5, **event}).status_code
        assert 200 == doors.told(update()).status_code
        doors.work()

        assert ["kept", "done"] == doors.states
        assert "geheim" not in (doors.events[0].error or "")
        assert ["እወ"] == [reply.text for reply in doors.replies]

    @pytest.mark.parametrize(
        "name", ["group_message", "channel_post", "added_to_a_group", "from_a_bot"]
    )
    def test_groups_channels_and_bots_are_written_down_and_never_answered(self, doors, name):
        """Nothing personal may be read by a group."""
        assert 200 == doors.told(told(f"telegram/{name}")).status_code
        doors.work()

        assert (["ignored"], [], []) == (doors.states, doors.replies, doors.messages)
        assert [] == doors.read(select(Address))

    @pytest.mark.parametrize(
        "kind",
        ["edited_channel_post", "poll", "message_reaction", "chat_join_request", "new_in_2030"],
    )
    def test_kinds_that_are_not_a_conversation_are_written_down_and_left(self, doors, kind):
        assert 200 == doors.told({"update_id": 5, kind: {"id": "7"}}).status_code
        doors.work()

        assert (["ignored"], []) == (doors.states, doors.messages)

    def test_an_edited_message_is_a_message_of_its_own(self, doors):
        doors.told(told("telegram/edited"))
        doors.work()

        assert (["done"], ["nee"]) == (doors.states, [reply.text for reply in doors.replies])

    def test_somebody_elses_contact_is_not_bound_to_the_sender(self, doors):
        """Anybody can share anybody's number."""
        doors.told(told("telegram/contact_of_someone_else"))
        doors.work()

        assert [("1006", None)] == [(a.address, a.phone) for a in doors.read(select(Address))]

    def test_ones_own_contact_is(self, doors):
        doors.told(told("telegram/own_contact"))
        doors.work()

        assert ["+31697000006"] == [a.phone for a in doors.read(select(Address))]

    @pytest.mark.parametrize(
        "payload",
        [
            "A" * 64,
            "A" * 5000,
            "'; DROP TABLE reply; --",
            "<script>alert(1)</script>",
            "🌻",
            "K7Q2K7Q2K7",
            "\u202e\u0000",
            "",
        ],
    )
    def test_whatever_follows_start_is_handled(self, doors, payload):
        changed = update()
        changed["message"]["text"] = f"/start {payload}"
        doors.told(changed)
        doors.work()

        assert ["done"] == doors.states
        assert all(payload not in message.body for message in doors.messages if payload)

    def test_a_file_that_lies_elsewhere_is_never_fetched(self, doors):
        """An address inside our own network must not be called because a text names it."""
        doors.knock(form("whatsapp_picture_elsewhere"))
        doors.knock(
            form("whatsapp_voice", MediaUrl0="http://127.0.0.1:9.evil.example/x", MessageSid=sid(4))
        )
        doors.work()

        assert [["image", ""], ["voice", ""]] == [
            [reply.media[0]["kind"], reply.media[0]["ref"]] for reply in doors.replies
        ]


class TestTheWorkerBehindTheDoor:
    CANARY = "kanariezin over ziekte"

    def poison(self, doors) -> None:
        """Make the oldest event fail each time: its reply seems to be there already."""
        event = doors.events[0]
        with doors.house.database.session() as session:
            address = Address(channel="sms", address="+31697000009", created_at=moments.now())
            session.add(address)
            session.flush()
            session.add(
                Reply(
                    event_id=event.id,
                    address_id=address.id,
                    channel="sms",
                    text="",
                    media=[],
                    at=moments.now(),
                )
            )

    def test_an_event_that_always_fails_is_put_off_kept_and_then_out_of_the_way(self, doors, capfd):
        """Its own lane waits half a minute at most, every other lane not at all."""
        for number, sender in enumerate(["+31697000001", "+31697000001", "+31697000002"], 1):
            doors.knock(form(Body=self.CANARY, MessageSid=sid(number), From=sender))
        self.poison(doors)
        states, tries = [], []

        with structlog.testing.capture_logs() as logs:
            for second in range(0, 60, 2):
                moments.set_practice_offset(moments.timedelta(seconds=second))
                tries.append(doors.work())
                states.append(tuple(doors.states))

        assert ("new", "new", "done") == states[0]
        assert ("kept", "done", "done") == states[-1]
        assert 5 + 2 == sum(tries), "five tries and two others: nothing turns in circles"
        assert states.index(("kept", "done", "done")) <= 16
        error = doors.events[0].error or ""
        assert error.startswith("IntegrityError at ")
        written = str(logs) + "".join(capfd.readouterr()) + error
        assert self.CANARY not in written
        assert "+316" not in written

    def test_the_doctor_names_what_was_not_understood_and_quotes_nobody(self, doors, capfd):
        broken = {"update_id": 5, "message": {"text": self.CANARY, "chat": {"id": self.CANARY}}}
        assert 200 == doors.told(broken).status_code
        doors.work()
        url = doors.house.database.url.render_as_string(hide_password=False)
        answer = CliRunner(env={"DATABASE_URL": url}).invoke(main, ["doctor"])

        assert 1 == answer.exit_code
        assert f"van telegram (nummer {doors.events[0].id}," in answer.output
        assert self.CANARY not in answer.output + "".join(capfd.readouterr())

    def test_nothing_that_was_said_is_logged_on_any_way_through(self, doors, capfd):
        """Names, numbers and texts have no business in a log, also where something fails."""
        with structlog.testing.capture_logs() as logs:
            doors.knock(form("whatsapp_text", Body=self.CANARY, ProfileName=self.CANARY))
            doors.knock(form(Body=self.CANARY), signature="AAAA")
            doors.knock(form(Body=self.CANARY, MessageSid=self.CANARY))
            doors.told(update(message={"text": self.CANARY, "from": self.CANARY}))
            doors.told(b'{"message": "' + self.CANARY.encode() + b'"')
            doors.told({"update_id": self.CANARY})
            doors.work()

        written = str(logs) + "".join(capfd.readouterr())
        assert self.CANARY not in written
        assert "+316" not in written
        assert [self.CANARY] == [reply.text for reply in doors.replies]


class TestBadLuck:
    def test_a_wake_that_fails_never_fails_the_door(self, database_url):
        def nobody() -> None:
            raise RuntimeError("nobody is there")

        doors = Doors(database_url, wake=nobody)
        assert (204, 200) == (
            doors.knock(form()).status_code,
            doors.told(update()).status_code,
        )
        assert 2 == doors.count()
        doors.close()

    def test_an_arrival_wakes_the_worker_after_it_is_there(self, database_url):
        seen: list[int] = []
        doors = Doors(database_url, wake=lambda: seen.append(doors.count()))
        doors.knock(form())
        doors.knock(form(), signature="AAAA")

        assert [1] == seen
        doors.close()

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql+psycopg://postgres@127.0.0.1:1/away?connect_timeout=2",
            "sqlite:///{path}",
            "sqlite:///{path}/empty.db",
        ],
        ids=["not there", "no file", "without tables"],
    )
    def test_without_a_database_what_came_waits_on_the_disk(self, url, tmp_path):
        """Its database comes up later, or its tables do: nobody need send anything again."""
        doors = Doors(url.format(path=tmp_path))

        with structlog.testing.capture_logs() as logs:
            answers = [doors.knock(form()), doors.told(update())]

        assert [204, 200] == [answer.status_code for answer in answers]
        assert {"the database is away"} == {line["event"] for line in logs}
        assert 2 == Spool(doors.house.settings.spool).count(ARRIVAL)
        doors.close()


def test_slow_connections_take_nobodys_place(wire):
    """Two hundred that send a byte now and then; everyone else is answered as ever."""
    slow = []
    for _ in range(200):
        connection = socket.create_connection(("127.0.0.1", wire.web.port), timeout=5)
        connection.sendall(f"POST {REPLY} HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n".encode())
        slow.append(connection)
    answers = []
    for number in range(1, 51):
        for connection in slow[number::50]:
            connection.sendall(b"X")
        answers.append(wire.knock(form(MessageSid=sid(number))))

    assert [204] * 50 == answers
    for connection in slow:
        connection.close()


def test_a_request_that_trickles_in_is_cut_and_a_connection_that_waits_is_not(wire, monkeypatch):
    """A byte now and then keeps the server's own patience from running out."""
    monkeypatch.setattr(web, "PATIENCE", 2)
    waiting = wire.connect()
    assert 204 == wire.knock(form(), over=waiting)
    slow = socket.create_connection(("127.0.0.1", wire.web.port), timeout=20)
    slow.sendall(f"POST {REPLY} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n".encode())

    def trickle() -> bytes:
        for _ in range(60):
            slow.sendall(b"x")
            slow.settimeout(0.2)
            try:
                return slow.recv(1)
            except TimeoutError:
                continue
        return b"still there"

    with suppress(ConnectionResetError, BrokenPipeError):  # cut while we wrote: as good
        assert b"" == trickle()
    assert 204 == wire.knock(form(), over=waiting)
    waiting.close()
    slow.close()


def test_the_signature_itself_is_not_kept(doors):
    """Whoever can read the table cannot replay what came in elsewhere."""
    doors.knock(form())

    right = signed(form())
    stored = doors.read(select(InboxEvent.signature))[0]
    assert hashlib.sha256(right.encode()).hexdigest() == stored
    assert base64.b64decode(right).hex() not in str(doors.events[0].payload)


def test_a_stop_works_however_the_other_doors_are_knocked_at(doors):
    """Rubbish before and after it must not keep a STOP from being obeyed."""
    doors.told({"update_id": 1, "message": {"chat": {"id": 1006}}})
    doors.knock(form(MessageSid=sid(1), Body="STOP\x00"))
    doors.knock(form(MessageSid=sid(2), Body="STOP"))
    doors.told({"update_id": 2, "message": []})
    doors.work()

    assert ["+31697000001"] == [
        a.address for a in doors.read(select(Address).where(Address.stopped_at.is_not(None)))
    ]
    assert ACCOUNT not in str(doors.read(select(Consent.evidence)))
