"""What a call to Twilio leaves us knowing, against servers that answer badly."""

import asyncio
import base64
import json
import logging
from dataclasses import replace

import pytest
from channel_server import ACCOUNT, Provider, WithoutTls, brief, http, make_settings, running

from bot.channels import twilio_client
from bot.channels.base import Cause, Certainty, Outgoing, SendError
from bot.channels.sms import Sms
from bot.channels.twilio_client import Approval, ContentApi, NotFetched, Transport, fetch_media
from bot.channels.whatsapp import WhatsApp

SID = "SM" + "0f" * 16
TAKEN = http(201, json.dumps({"sid": SID, "status": "queued", "num_segments": "1"}))
TEXT = Outgoing(
    message=12,
    attempt=1,
    address="+31697000001",
    body="Beste Selam, kom je? Café België",
    language="nl",
    useful_for=3600,
    callback_url="https://stap.example/webhooks/twilio/status?m=12&a=1&k=00#rc=5&rp=all",
)


def send(channel_type, provider, outgoing=TEXT, *, scheme="http", **settings):
    """Send once to *provider*; return the id, or the SendError it ended in."""

    async def once():
        async with running(provider):
            url = provider.url.replace("http", scheme)
            channel = channel_type(make_settings(url, **settings))
            try:
                return await channel.send(outgoing)
            except SendError as error:
                return error
            finally:
                await channel.close()

    return asyncio.run(once())


def classified(error):
    assert isinstance(error, SendError), error
    return error.certainty, error.cause


class TestWhatIsSent:
    def test_an_sms(self):
        provider = Provider(TAKEN)

        assert SID == send(Sms, provider)
        (call,) = provider.calls
        assert f"POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1" == call.line
        assert {
            "To": ["+31697000001"],
            "From": ["+3197000000000"],
            "Body": ["Beste Selam, kom je? Café België"],
            "ValidityPeriod": ["3600"],
            "StatusCallback": [TEXT.callback_url],
        } == call.form

    @pytest.mark.parametrize(
        "body",
        [
            "a+b c&d=e;f%g#h?i/j:k@l!m$n'o(p)q*r,s~t\\u|v^w`x{y}z<>[]\"",
            "regel\r\nregel\n\ttab\x00\x7f",
            "café ኣሰላም عليكم 👋🏽 e\u0301 \u202e\ufeff",
            "%41 %zz + %2B",
        ],
    )
    def test_every_letter_arrives_as_it_was_written(self, body):
        provider = Provider(TAKEN)
        send(Sms, provider, replace(TEXT, body=body))

        assert [body] == provider.calls[0].form["Body"]

    def test_a_messaging_service_picks_the_sender(self):
        provider = Provider(TAKEN)
        send(Sms, provider, twilio_messaging_service_sid="MG" + "0f" * 16)

        assert ["MG" + "0f" * 16] == provider.calls[0].form["MessagingServiceSid"]
        assert "From" not in provider.calls[0].form

    def test_whatsapp_text_with_a_picture(self):
        provider = Provider(TAKEN)
        send(WhatsApp, provider, _with(picture_url="https://stap.example/m/place.png"))

        assert {
            "To": ["whatsapp:+31697000001"],
            "From": ["whatsapp:+3197000000001"],
            "Body": [TEXT.body],
            "MediaUrl": ["https://stap.example/m/place.png"],
            "ValidityPeriod": ["3600"],
            "StatusCallback": [TEXT.callback_url],
        } == provider.calls[0].form

    def test_a_sound_goes_by_itself(self):
        """WhatsApp shows no text below a sound."""
        provider = Provider(TAKEN)
        send(WhatsApp, provider, _with(voice_url="https://stap.example/m/s.ogg"))

        assert ["https://stap.example/m/s.ogg"] == provider.calls[0].form["MediaUrl"]
        assert "Body" not in provider.calls[0].form

    def test_a_template_goes_with_all_its_variables_and_without_text(self):
        """A variable that is left out becomes the template's sample: someone gets "Jan"."""
        provider = Provider(TAKEN)
        sid = "HX" + "0f" * 16
        send(WhatsApp, provider, _with(content_sid=sid, variables={"1": "Selam", "2": "10:00"}))

        form = provider.calls[0].form
        assert [sid] == form["ContentSid"]
        assert {"1": "Selam", "2": "10:00"} == json.loads(form["ContentVariables"][0])
        assert "Body" not in form

    def test_a_template_without_variables_has_none(self):
        provider = Provider(TAKEN)
        send(WhatsApp, provider, _with(content_sid="HX" + "0f" * 16))

        assert "ContentVariables" not in provider.calls[0].form

    def test_nobody_is_told_to_report_where_we_cannot_listen(self):
        provider = Provider(TAKEN)
        send(Sms, provider, _with(callback_url=""))

        assert "StatusCallback" not in provider.calls[0].form

    def test_someone_who_hides_their_number_is_reached_by_their_id(self):
        provider = Provider(TAKEN)
        send(WhatsApp, provider, _with(address="NL.1a2B3c"))

        assert ["whatsapp:NL.1a2B3c"] == provider.calls[0].form["To"]

    @pytest.mark.parametrize(
        ("useful_for", "seconds"), [(1, "1"), (36_000, "36000"), (10**6, "36000")]
    )
    def test_nothing_arrives_after_it_is_of_use(self, useful_for, seconds):
        provider = Provider(TAKEN)
        send(Sms, provider, _with(useful_for=useful_for))

        assert [seconds] == provider.calls[0].form["ValidityPeriod"]

    def test_what_is_of_no_use_any_more_does_not_leave(self):
        provider = Provider(TAKEN)
        error = send(Sms, provider, _with(useful_for=0))

        assert Certainty.NOT_SENT == error.certainty
        assert [] == provider.calls

    @pytest.mark.parametrize(
        ("settings", "credentials"),
        [
            ({}, f"{ACCOUNT}:new-token"),
            ({"twilio_api_key_sid": "SK1", "twilio_api_key_secret": "secret"}, "SK1:secret"),
        ],
    )
    def test_the_key_signs_if_there_is_one(self, settings, credentials):
        provider = Provider(TAKEN)
        send(Sms, provider, **settings)

        basic = "Basic " + base64.b64encode(credentials.encode()).decode()
        assert basic == provider.calls[0].headers["authorization"]


def _with(**changes):
    return replace(TEXT, **changes)


def _refusal(status, code, *headers, message="No."):
    return http(status, json.dumps({"code": code, "message": message, "status": status}), *headers)


NOT_SENT, REJECTED, UNKNOWN = Certainty.NOT_SENT, Certainty.REJECTED, Certainty.UNKNOWN


class TestClassification:
    @pytest.mark.parametrize(
        ("answer", "certainty", "cause"),
        [
            (_refusal(400, 21211), REJECTED, Cause.BAD_NUMBER),
            (_refusal(400, 21610), REJECTED, Cause.STOPPED),
            (_refusal(400, 21606), REJECTED, Cause.OUR_FAULT),
            (_refusal(400, 99999), REJECTED, Cause.OUR_FAULT),
            (_refusal(403, 20403), NOT_SENT, Cause.OUR_FAULT),
            (http(404, "<html>no</html>", kind="text/html"), REJECTED, Cause.OUR_FAULT),
            (http(400, "[]"), REJECTED, Cause.OUR_FAULT),
            (_refusal(400, 21611), NOT_SENT, Cause.TOO_FAST),
            (_refusal(429, 20429), NOT_SENT, Cause.TOO_FAST),
            (http(429, ""), NOT_SENT, Cause.TOO_FAST),
            (_refusal(401, 20003), NOT_SENT, Cause.OUR_FAULT),
            (http(408, ""), UNKNOWN, Cause.UNKNOWN),
            (http(500, "oops"), UNKNOWN, Cause.UNKNOWN),
            (_refusal(502, 21211), UNKNOWN, Cause.UNKNOWN),
            (http(503, "", "Retry-After: 1"), UNKNOWN, Cause.UNKNOWN),
            (http(504, ""), UNKNOWN, Cause.UNKNOWN),
            (http(302, "", "Location: /elsewhere"), UNKNOWN, Cause.UNKNOWN),
            (http(200, "<html>Welcome</html>", kind="text/html"), UNKNOWN, Cause.UNKNOWN),
            (http(201, ""), UNKNOWN, Cause.UNKNOWN),
            (http(201, "{}"), UNKNOWN, Cause.UNKNOWN),
            (http(201, '["sid"]'), UNKNOWN, Cause.UNKNOWN),
            (http(201, '{"sid": 7}'), UNKNOWN, Cause.UNKNOWN),
            (http(201, b'{"sid": "\xff'), UNKNOWN, Cause.UNKNOWN),
            (TAKEN[:-10], UNKNOWN, Cause.UNKNOWN),
            (b"HTTP/1.1 201 Cre", UNKNOWN, Cause.UNKNOWN),
            (b"SSH-2.0-OpenSSH_9\r\n", UNKNOWN, Cause.UNKNOWN),
            (None, UNKNOWN, Cause.UNKNOWN),
        ],
        ids=brief,
    )
    def test_each_answer_leaves_us_knowing_what_it_says_and_no_more(self, answer, certainty, cause):
        provider = Provider(answer)

        assert (certainty, cause) == classified(send(Sms, provider))
        assert 1 == len(provider.calls), "one attempt is one call"

    def test_a_reset_may_have_been_taken(self):
        assert (UNKNOWN, Cause.UNKNOWN) == classified(send(Sms, Provider(reset=True)))

    def test_an_answer_that_does_not_come_may_have_been_taken(self, monkeypatch):
        """The library's own timeout never ends a call."""
        monkeypatch.setattr(twilio_client, "TIMEOUT", 0.2)

        assert (UNKNOWN, Cause.UNKNOWN) == classified(send(Sms, Provider(hang=True)))

    def test_an_answer_that_drips_in_for_ever_may_have_been_taken(self, monkeypatch):
        """A limit on the silence between two bytes would never end it."""
        monkeypatch.setattr(twilio_client, "TIMEOUT", 0.3)

        assert (UNKNOWN, Cause.UNKNOWN) == classified(send(Sms, Provider(drip=True)))

    def test_a_refused_connection_carried_nothing(self):
        async def once():
            async with running(Provider()) as gone:
                pass
            channel = Sms(make_settings(gone.url))
            try:
                await channel.send(TEXT)
            finally:
                await channel.close()

        with pytest.raises(SendError) as caught:
            asyncio.run(once())
        assert (NOT_SENT, Cause.OUR_FAULT) == classified(caught.value)

    def test_a_name_that_does_not_exist_carried_nothing(self):
        async def once():
            channel = Sms(make_settings("http://nowhere.invalid"))
            try:
                await channel.send(TEXT)
            finally:
                await channel.close()

        with pytest.raises(SendError) as caught:
            asyncio.run(once())
        assert (NOT_SENT, Cause.OUR_FAULT) == classified(caught.value)

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", None], ids=brief)
    def test_a_failed_tls_handshake_carried_nothing(self, answer):
        """No TLS, no message: the body leaves only after the handshake."""
        assert (NOT_SENT, Cause.OUR_FAULT) == classified(
            send(Sms, WithoutTls(answer), scheme="https")
        )

    def test_a_handshake_that_never_ends_carried_nothing(self, monkeypatch):
        monkeypatch.setattr(twilio_client, "_CONNECT_TIMEOUT", 0.2)

        assert (NOT_SENT, Cause.OUR_FAULT) == classified(
            send(Sms, WithoutTls(hang=True), scheme="https")
        )

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("Retry-After: 17", 17.0),
            ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", 5.0),
            ("X: y", 5.0),
        ],
    )
    def test_a_provider_that_asks_to_wait_is_left_alone(self, header, seconds):
        assert seconds == send(Sms, Provider(_refusal(429, 20429, header))).retry_after

    def test_a_wrong_key_holds_messages_up_and_fails_none(self):
        """Else one wrong setting would end thousands of reminders for good."""
        error = send(Sms, Provider(_refusal(401, 20003)))

        assert (NOT_SENT, 60.0) == (error.certainty, error.retry_after)

    def test_a_text_that_cannot_be_written_down_is_not_tried_again(self):
        provider = Provider(TAKEN)
        error = send(Sms, provider, _with(body="half a pair: \ud83c"))

        assert (REJECTED, Cause.OUR_FAULT) == classified(error)
        assert [] == provider.calls

    def test_a_newer_kind_of_error_is_read_too(self):
        """RFC 9457, which is no TwilioRestException."""
        problem = {"type": "about:blank", "title": "No", "status": 400, "code": 21610}
        error = send(Sms, Provider(http(400, json.dumps(problem))))

        assert (REJECTED, Cause.STOPPED) == classified(error)


def test_neither_number_nor_text_nor_key_reaches_a_log(caplog):
    """Also Twilio's own explanation repeats the number."""
    caplog.set_level(logging.DEBUG)
    said = "The 'To' number +31697000001 is not a valid phone number."
    error = send(Sms, Provider(_refusal(400, 21211, message=said)))

    assert "is not a valid phone number" in error.detail
    assert error.__suppress_context__
    for secret in ("97000001", "Selam", "new-token"):
        assert secret not in caplog.text + str(error)


def test_connections_can_be_let_go_and_made_again():
    async def twice():
        async with running(Provider(TAKEN)) as provider:
            channel = Sms(make_settings(provider.url))
            await channel.close()
            await channel.open()
            assert [] == provider.calls
            first = await channel.send(TEXT)
            await channel.close()
            second = await channel.send(TEXT)
            await channel.close()
            return first, second

    assert (SID, SID) == asyncio.run(twice())


def test_the_client_calls_nobody_but_the_configured_origins():
    async def stray():
        transport = Transport(make_settings())
        try:
            await transport.request("GET", "https://api.twilio.com.evil.example/")
        finally:
            await transport.close()

    with pytest.raises(ValueError, match="not an address"):
        asyncio.run(stray())


class TestTemplates:
    def _ask(self, provider, question):
        async def once():
            async with running(provider), ContentApi(make_settings(provider.url)) as content:
                return await question(content)

        return asyncio.run(once())

    def test_one_is_made(self):
        sid = "HX" + "0f" * 16
        provider = Provider(http(201, json.dumps({"sid": sid})))
        types = {"twilio/text": {"body": "Beste {{1}}, kom je?"}}

        made = self._ask(
            provider, lambda content: content.create("afspraak", "nl", {"1": "Jan"}, types)
        )
        assert sid == made
        (call,) = provider.calls
        assert "POST /v1/Content HTTP/1.1" == call.line
        assert {
            "friendly_name": "afspraak",
            "language": "nl",
            "variables": {"1": "Jan"},
            "types": types,
        } == call.json

    def test_approval_is_asked(self):
        provider = Provider(http(201, '{"status": "received", "category": "UTILITY"}'))

        asked = self._ask(provider, lambda content: content.approve("HX1", "afspraak", "utility"))
        assert Approval("received", "UTILITY") == asked
        assert "POST /v1/Content/HX1/ApprovalRequests/whatsapp HTTP/1.1" == provider.calls[0].line
        assert {"name": "afspraak", "category": "UTILITY"} == provider.calls[0].json

    def test_approval_may_come_with_another_category(self):
        """WhatsApp turns utility into marketing by itself."""
        known = {
            "whatsapp": {"status": "approved", "category": "MARKETING", "rejection_reason": ""}
        }
        provider = Provider(http(200, json.dumps({"sid": "HX1", **known})))

        found = self._ask(provider, lambda content: content.approval("HX1"))
        assert Approval("approved", "MARKETING") == found
        assert "GET /v1/Content/HX1/ApprovalRequests HTTP/1.1" == provider.calls[0].line

    def test_one_that_was_never_submitted_is_not_approved(self):
        found = self._ask(Provider(http(200, "{}")), lambda content: content.approval("HX1"))

        assert Approval("unsubmitted", "") == found

    def test_a_refusal_says_why(self):
        refused = _refusal(400, 20001, message="Template language is not supported")
        with pytest.raises(SendError, match="Template language is not supported"):
            self._ask(Provider(refused), lambda content: content.approval("HX1"))

    def test_an_answer_that_cannot_be_read_is_unknown(self):
        with pytest.raises(SendError, match="unknown"):
            self._ask(Provider(http(200, "[]")), lambda content: content.approval("HX1"))


class TestMedia:
    def _fetch(self, provider, path="/2010-04-01/Accounts/AC/Messages/MM/Media/ME"):
        async def once():
            async with running(provider):
                return await fetch_media(make_settings(provider.url), provider.url + path)

        return asyncio.run(once())

    def test_a_voice_note(self):
        provider = Provider(http(200, b"OggS" * 10, kind="audio/ogg"))
        file = self._fetch(provider)

        assert (b"OggS" * 10, "audio/ogg") == (file.content, file.content_type)
        basic = "Basic " + base64.b64encode(f"{ACCOUNT}:new-token".encode()).decode()
        assert basic == provider.calls[0].headers["authorization"]

    @pytest.mark.parametrize(
        "answer",
        [
            http(200, b"MZ", kind="application/x-msdownload"),
            http(200, b"<html>", kind="text/html"),
            http(404, b"", kind="audio/ogg"),
            http(307, "", "Location: http://169.254.169.254/latest"),
            http(307, "", "Location: https://twiliocdn.com.evil.example/x"),
            http(307, "", "Location: http://media.twiliocdn.com/x"),
            http(307, ""),
            http(200, b"x" * 100, kind="audio/ogg")[:-50],
            http(200, b"x" * (twilio_client.FILE_LIMIT + 1), kind="audio/ogg"),
            None,
        ],
        ids=[
            "program", "page", "gone", "sent inside", "look-alike", "in the clear", "to nowhere",
            "cut off", "too large", "nothing",
        ],
    )  # fmt: skip
    def test_what_is_no_small_sound_or_picture_of_twilios_is_left(self, answer):
        with pytest.raises(NotFetched):
            self._fetch(Provider(answer))

    @pytest.mark.parametrize(
        "url",
        [
            "http://169.254.169.254/",
            "file:///etc/passwd",
            "",
            "https://api.twilio.com.evil.example/",
        ],
    )
    def test_an_address_elsewhere_is_not_called(self, url):
        with pytest.raises(NotFetched):
            asyncio.run(fetch_media(make_settings(), url))
