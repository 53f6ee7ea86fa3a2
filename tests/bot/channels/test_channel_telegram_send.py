"""What a call to Telegram leaves us knowing, against servers that answer badly."""

import asyncio
import json
from dataclasses import replace

import pytest
from channel_server import Provider, WithoutTls, brief, http, make_settings, running

from bot.channels import telegram_client
from bot.channels.base import Button, Cause, Certainty, Outgoing, SendError
from bot.channels.telegram import Telegram

SENT = {
    "message_id": 41,
    "from": {"id": 1000, "is_bot": True, "first_name": "Stap Vooruit"},
    "chat": {"id": 1006, "first_name": "Selam", "type": "private"},
    "date": 1795509000,
    "text": "Kom je?",
}
TAKEN = http(200, json.dumps({"ok": True, "result": SENT}))
TEXT = Outgoing(
    message=12,
    attempt=1,
    address="1006",
    body="Kom je? Café België",
    language="nl",
    useful_for=3600,
    buttons=(Button("yes", "Ja"), Button("other_day", "Andere dag")),
)
NOT_SENT, REJECTED, UNKNOWN = Certainty.NOT_SENT, Certainty.REJECTED, Certainty.UNKNOWN


def using(provider, act, scheme="http"):
    """Let *act* use the bot once; return what it did, or the SendError it ended in."""

    async def once():
        async with running(provider):
            channel = Telegram(make_settings(provider.url.replace("http", scheme)))
            try:
                return await act(channel)
            except SendError as error:
                return error
            finally:
                await channel.close()

    return asyncio.run(once())


def send(provider, outgoing=TEXT, scheme="http"):
    return using(provider, lambda channel: channel.send(outgoing), scheme)


def classified(error):
    assert isinstance(error, SendError), error
    return error.certainty, error.cause


def no(status, description, **parameters):
    told = {"ok": False, "error_code": status, "description": description}
    return http(status, json.dumps({**told, **({"parameters": parameters} if parameters else {})}))


class TestWhatIsSent:
    def test_a_text_with_one_answer_on_a_line(self):
        provider = Provider(TAKEN)

        assert "1006:41" == send(provider)
        (call,) = provider.calls
        assert "POST /bot1000:fictional-token/sendMessage HTTP/1.1" == call.line
        assert {"chat_id", "text", "reply_markup"} == set(call.form)
        assert ["1006"] == call.form["chat_id"]
        assert ["Kom je? Café België"] == call.form["text"]
        assert {
            "inline_keyboard": [
                [{"text": "Ja", "callback_data": "yes"}],
                [{"text": "Andere dag", "callback_data": "other_day"}],
            ]
        } == json.loads(call.form["reply_markup"][0])

    def test_a_text_alone(self):
        provider = Provider(TAKEN)
        send(provider, replace(TEXT, buttons=()))

        assert {"chat_id", "text"} == set(provider.calls[0].form)

    def test_a_picture_carries_a_short_text(self):
        provider = Provider(TAKEN)
        send(provider, replace(TEXT, picture_url="https://stap.example/m/p.png"))

        assert "POST /bot1000:fictional-token/sendPhoto HTTP/1.1" == provider.calls[0].line
        assert ["https://stap.example/m/p.png"] == provider.calls[0].form["photo"]
        assert [TEXT.body] == provider.calls[0].form["caption"]

    def test_a_sound_goes_as_a_voice_note_by_itself(self):
        provider = Provider(TAKEN)
        url = "https://stap.example/m/s.ogg"
        assert "1006:41" == send(provider, replace(TEXT, body="", buttons=(), voice_url=url))

        assert "POST /bot1000:fictional-token/sendVoice HTTP/1.1" == provider.calls[0].line
        assert {"chat_id": ["1006"], "voice": [url]} == provider.calls[0].form

    def test_a_text_too_long_for_a_caption_still_goes_in_one_message(self):
        """A caption holds 1024 UTF-16 units, of which an emoji takes two."""
        provider = Provider(TAKEN)
        body = "🌻" * 513
        send(provider, replace(TEXT, body=body, picture_url="https://stap.example/m/p.png"))

        form = provider.calls[0].form
        assert [body] == form["text"]
        assert {"url": "https://stap.example/m/p.png", "show_above_text": True} == json.loads(
            form["link_preview_options"][0]
        )


class TestClassification:
    @pytest.mark.parametrize(
        ("answer", "certainty", "cause"),
        [
            (no(403, "Forbidden: bot was blocked by the user"), REJECTED, Cause.STOPPED),
            (no(403, "Forbidden: user is deactivated"), REJECTED, Cause.UNREACHABLE),
            (
                no(403, "Forbidden: bot can't initiate conversation with a user"),
                REJECTED,
                Cause.UNREACHABLE,
            ),
            (no(400, "Bad Request: chat not found"), REJECTED, Cause.BAD_NUMBER),
            (no(400, "Bad Request: PEER_ID_INVALID"), REJECTED, Cause.BAD_NUMBER),
            (no(400, "Bad Request: message is too long"), REJECTED, Cause.OUR_FAULT),
            (no(400, "moved", migrate_to_chat_id=-100123), REJECTED, Cause.BAD_NUMBER),
            (no(409, "Conflict: terminated by other getUpdates"), REJECTED, Cause.OUR_FAULT),
            (no(429, "Too Many Requests", retry_after=7), NOT_SENT, Cause.TOO_FAST),
            (no(429, "Too Many Requests: later"), NOT_SENT, Cause.TOO_FAST),
            (http(429, "<html>slow down</html>", kind="text/html"), NOT_SENT, Cause.TOO_FAST),
            (no(401, "Unauthorized"), NOT_SENT, Cause.OUR_FAULT),
            (no(404, "Not Found"), NOT_SENT, Cause.OUR_FAULT),
            (no(500, "Internal Server Error"), UNKNOWN, Cause.UNKNOWN),
            (http(502, "<html>Bad Gateway</html>", kind="text/html"), UNKNOWN, Cause.UNKNOWN),
            (http(503, ""), UNKNOWN, Cause.UNKNOWN),
            (http(302, "", "Location: /elsewhere"), UNKNOWN, Cause.UNKNOWN),
            (http(200, "<html>Welcome</html>", kind="text/html"), UNKNOWN, Cause.UNKNOWN),
            (http(200, '{"ok": true}'), UNKNOWN, Cause.UNKNOWN),
            (http(200, '{"ok": true, "result": {"text": "?"}}'), UNKNOWN, Cause.UNKNOWN),
            (http(200, b"\xff\xfe"), UNKNOWN, Cause.UNKNOWN),
            (TAKEN[:-10], UNKNOWN, Cause.UNKNOWN),
            (b"HTTP/1.1 200 O", UNKNOWN, Cause.UNKNOWN),
            (None, UNKNOWN, Cause.UNKNOWN),
        ],
        ids=brief,
    )
    def test_each_answer_leaves_us_knowing_what_it_says_and_no_more(self, answer, certainty, cause):
        provider = Provider(answer)

        assert (certainty, cause) == classified(send(provider))
        assert 1 == len(provider.calls), "one attempt is one call"

    def test_telegram_says_how_long_to_wait(self):
        assert 7.0 == send(Provider(no(429, "Too Many Requests", retry_after=7))).retry_after

    def test_a_wrong_token_holds_messages_up_and_fails_none(self):
        assert 60.0 == send(Provider(no(401, "Unauthorized"))).retry_after

    def test_a_reset_may_have_been_taken(self):
        assert (UNKNOWN, Cause.UNKNOWN) == classified(send(Provider(reset=True)))

    def test_an_answer_that_does_not_come_may_have_been_taken(self, monkeypatch):
        monkeypatch.setattr(telegram_client, "TIMEOUT", 0.3)

        assert (UNKNOWN, Cause.UNKNOWN) == classified(send(Provider(hang=True)))

    def test_an_answer_that_drips_in_for_ever_may_have_been_taken(self, monkeypatch):
        """A limit on the silence between two bytes would never end it."""
        monkeypatch.setattr(telegram_client, "TIMEOUT", 0.3)

        assert (UNKNOWN, Cause.UNKNOWN) == classified(send(Provider(drip=True)))

    @pytest.mark.parametrize("name", ["http://nowhere.invalid", "https://127.0.0.1:9"])
    def test_no_connection_carried_nothing(self, name):
        async def once():
            channel = Telegram(make_settings(name))
            try:
                await channel.send(TEXT)
            finally:
                await channel.close()

        with pytest.raises(SendError) as caught:
            asyncio.run(once())
        assert (NOT_SENT, Cause.OUR_FAULT) == classified(caught.value)

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", None], ids=brief)
    def test_a_failed_tls_handshake_carried_nothing(self, answer):
        assert (NOT_SENT, Cause.OUR_FAULT) == classified(send(WithoutTls(answer), scheme="https"))

    def test_a_handshake_that_never_ends_carried_nothing(self, monkeypatch):
        monkeypatch.setattr(telegram_client, "_CONNECT_TIMEOUT", 0.2)

        assert (NOT_SENT, Cause.OUR_FAULT) == classified(
            send(WithoutTls(hang=True), scheme="https")
        )

    def test_more_than_the_pool_holds_waits_and_then_was_not_sent(self, monkeypatch):
        monkeypatch.setattr(telegram_client, "_POOL_TIMEOUT", 0.2)
        monkeypatch.setattr(telegram_client, "TIMEOUT", 1.0)

        async def many(channel):
            return await asyncio.gather(
                *(channel.send(TEXT) for _ in range(17)), return_exceptions=True
            )

        outcomes = using(Provider(hang=True), many)
        assert [NOT_SENT] + [UNKNOWN] * 16 == sorted(error.certainty for error in outcomes)


def test_neither_token_nor_text_reaches_a_log(logged):
    """The library's own logs hold both, at INFO and DEBUG."""
    errors = [send(Provider(TAKEN)), send(Provider(no(401, "Unauthorized"))), send(Provider(None))]

    for secret in ("fictional-token", "Café", "Selam"):
        assert secret not in logged() + str(errors)
    assert "Calling Bot API endpoint" in logged()
    assert "HTTP Request" in logged()
    assert errors[1].__suppress_context__


def test_connections_can_be_let_go_and_made_again():
    async def again(channel):
        await channel.close()
        await channel.open()
        first = await channel.send(TEXT)
        await channel.close()
        return first, await channel.send(TEXT)

    assert ("1006:41", "1006:41") == using(Provider(TAKEN), again)


class TestTheBot:
    def test_a_tap_is_answered(self):
        provider = Provider(http(200, '{"ok": true, "result": true}'))
        using(provider, lambda channel: channel.answer_tap("4382"))

        assert ["4382"] == provider.calls[0].form["callback_query_id"]

    @pytest.mark.parametrize("answer", [no(400, "Bad Request: query is too old"), None])
    def test_a_tap_that_cannot_be_answered_any_more_harms_nobody(self, answer):
        assert using(Provider(answer), lambda channel: channel.answer_tap("4382")) is None

    def test_a_webhook_is_set_with_our_secret_and_what_we_read(self):
        provider = Provider(http(200, '{"ok": true, "result": true}'))
        using(provider, lambda channel: channel.set_webhook("https://stap.example/x", "s" * 32))

        form = provider.calls[0].form
        assert ["https://stap.example/x"] == form["url"]
        assert ["s" * 32] == form["secret_token"]
        assert ["message", "callback_query", "my_chat_member"] == json.loads(
            form["allowed_updates"][0]
        )

    def test_a_webhook_is_taken_away(self):
        provider = Provider(http(200, '{"ok": true, "result": true}'))
        using(provider, lambda channel: channel.delete_webhook())

        assert "POST /bot1000:fictional-token/deleteWebhook HTTP/1.1" == provider.calls[0].line

    def test_updates_come_as_they_are(self, told):
        """One that the library cannot read must not hold up the others."""
        updates = [told("telegram/text"), {"update_id": 1, "message": {"unreadable": True}}]
        provider = Provider(http(200, json.dumps({"ok": True, "result": updates})))

        assert updates == using(provider, lambda channel: channel.updates(7, 0))
        assert "offset=7&timeout=0" in provider.calls[0].line

    def test_the_bot_knows_who_it_is(self):
        me = {"id": 1000, "is_bot": True, "first_name": "Stap", "username": "StapVooruitOefenBot"}
        provider = Provider(http(200, json.dumps({"ok": True, "result": me})))

        assert "StapVooruitOefenBot" == using(provider, lambda channel: channel.me())["username"]

    @pytest.mark.parametrize(
        "act",
        [
            lambda channel: channel.me(),
            lambda channel: channel.updates(0, 0),
            lambda channel: channel.delete_webhook(),
            lambda channel: channel.set_webhook("https://stap.example/x", "s"),
        ],
        ids=["me", "updates", "delete_webhook", "set_webhook"],
    )
    def test_a_wrong_token_is_told_in_our_words(self, act):
        assert Cause.OUR_FAULT == using(Provider(no(401, "Unauthorized")), act).cause
