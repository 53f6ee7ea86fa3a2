"""What Twilio tells us: believed only if signed, and read for what it says."""

import base64
import hashlib
import hmac

import pytest
from channel_server import ACCOUNT, FIXTURES, make_settings
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import registry, twilio
from bot.channels.base import (
    Cause,
    Envelope,
    Forged,
    Heard,
    Ignored,
    Media,
    NotUnderstood,
    StatusChange,
    storable,
)
from bot.channels.sms import Sms
from bot.channels.whatsapp import WhatsApp

URL = "https://stap.example/webhooks/twilio/reply"
KEY = b"k" * 32


def signed(token: str, url: str, pairs: list[tuple[str, str]]) -> str:
    """Sign as Twilio does, without its library: url, then names and values, sorted."""
    text = url + "".join(name + value for name, value in sorted(pairs))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def envelope(pairs, *, token="new-token", url=URL, signature=None, as_sent=None):
    sign = signed(token, url, pairs) if signature is None else signature
    return Envelope(url, {"x-twilio-signature": sign}, tuple(as_sent or pairs))


@pytest.fixture(scope="module")
def sms():
    return Sms(make_settings())


@pytest.fixture(scope="module")
def whatsapp():
    return WhatsApp(make_settings())


@pytest.fixture
def reply(told):
    return list(told("twilio/sms_reply").items())


class TestVerify:
    @pytest.mark.parametrize("token", ["new-token", "old-token"])
    def test_what_twilio_signed_is_believed_with_each_of_our_tokens(self, sms, reply, token):
        """While a token is being replaced Twilio signs with either."""
        sms.verify(envelope(reply, token=token))

    def test_every_stored_webhook_is_believed(self, sms, told):
        for file in sorted((FIXTURES / "twilio").glob("*.json")):
            sms.verify(envelope(list(told(f"twilio/{file.stem}").items())))

    def test_the_order_of_the_fields_does_not_matter(self, sms, reply):
        sms.verify(envelope(reply, as_sent=reply[::-1]))

    def test_the_query_is_part_of_what_is_signed(self, sms, reply):
        url = twilio.callback_url("https://stap.example", KEY, 7, 1).partition("#")[0]
        sms.verify(envelope(reply, url=url))

        with pytest.raises(Forged):
            sms.verify(envelope(reply, url=url + "1", signature=signed("new-token", url, reply)))

    @pytest.mark.parametrize("signature", ["", "AAAA", "x" * 10_000, "é\ud800"])
    def test_another_signature_is_not(self, sms, reply, signature):
        with pytest.raises(Forged):
            sms.verify(envelope(reply, signature=signature))

    def test_no_signature_is_not(self, sms, reply):
        with pytest.raises(Forged):
            sms.verify(Envelope(URL, {}, tuple(reply)))

    def test_a_token_that_is_not_ours_is_not(self, sms, reply):
        with pytest.raises(Forged):
            sms.verify(envelope(reply, token="staging-token"))

    @pytest.mark.parametrize(
        "change",
        [
            lambda pairs: [*pairs, ("Body", "2")],
            lambda pairs: [*pairs, ("Body", "1")],
            lambda pairs: [*pairs, ("Extra", "")],
            lambda pairs: pairs[1:],
            lambda pairs: [(n, "2" if n == "Body" else v) for n, v in pairs],
            lambda pairs: [],
        ],
        ids=["said twice", "said twice alike", "added", "removed", "changed", "empty"],
    )
    def test_what_was_changed_on_the_way_is_not(self, sms, reply, change):
        changed = change(reply)
        with pytest.raises(Forged):
            sms.verify(
                Envelope(
                    URL, {"x-twilio-signature": signed("new-token", URL, reply)}, tuple(changed)
                )
            )

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("AccountSid", "AC" + "1" * 32),
            ("MessageSid", "SM" + "0F" * 16),
            ("MessageSid", "CA" + "0" * 32),
            ("MessageSid", "SM" + "0" * 32 + "\n"),
            ("From", "+31697000001\n"),
            ("From", "+31697000001FromCity"),
            ("From", "whatsapp:31697000001"),
            ("From", "whatsapp:nl.abc"),
            ("From", "+٣١٦٩٧٠٠٠٠٠١"),
            ("From", ""),
            ("To", "client:someone"),
        ],
    )
    def test_fields_of_another_shape_are_refused_even_if_signed(self, sms, reply, name, value):
        """The signature has no separators: names and values of a captured one can be re-cut."""
        with pytest.raises(Forged):
            sms.verify(envelope([(n, value if n == name else v) for n, v in reply]))

    def test_a_field_that_says_who_wrote_is_said_once(self, sms, reply):
        with pytest.raises(Forged):
            sms.verify(envelope([*reply, ("From", "+31697000002")]))

    def test_other_repeated_fields_count_if_they_were_signed(self, sms, reply):
        sms.verify(envelope([*reply, ("Referral", "a"), ("Referral", "b")]))

    def test_a_url_signed_for_json_does_not_vouch_for_an_empty_form(self, sms):
        """The library skips the body where the query has its hash."""
        url = URL + "?bodySHA256=" + hashlib.sha256(b"{}").hexdigest()
        with pytest.raises(Forged):
            sms.verify(envelope([], url=url))

    @pytest.mark.parametrize("url", ["https://x:99999/", "https://[::1", "", "\ud800"])
    def test_an_address_that_crashes_the_library_is_refused(self, sms, reply, url):
        with pytest.raises(Forged):
            sms.verify(envelope(reply, url=url, signature="AAAA"))

    @given(
        url=st.text(max_size=40),
        headers=st.dictionaries(st.just("x-twilio-signature"), st.text(max_size=40)),
        form=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=6),
    )
    def test_nothing_but_forged_comes_out(self, url, headers, form):
        with pytest.raises(Forged):
            Sms(make_settings()).verify(Envelope(url, headers, tuple(form)))

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
    def test_any_text_can_be_signed(self, text):
        pairs = [
            ("AccountSid", ACCOUNT),
            ("Body", text),
            ("From", "whatsapp:NL.1a2B3c"),
            ("MessageSid", "SM" + "0f" * 16),
            ("To", "whatsapp:+3197000000001"),
        ]
        Sms(make_settings()).verify(envelope(pairs))


class TestSmsHeard:
    def test_a_reply(self, sms, told):
        assert Heard(
            channel="sms",
            address="+31697000001",
            ref="SM" + "0" * 31 + "1",
            text="1",
            phone="+31697000001",
        ) == sms.hear(told("twilio/sms_reply"))

    def test_stop_is_kept_as_received_and_was_already_obeyed(self, sms, told):
        """Without rules of its own Twilio blocks the number and says so."""
        heard = sms.hear(told("twilio/sms_stop"))

        assert (" Stop\n", "stop", True) == (
            heard.text,
            heard.provider_stop,
            heard.provider_answered,
        )

    @pytest.mark.parametrize(
        "word",
        ["STOP", "stopall", "Unsubscribe", "CANCEL", "end", "quit", "revoke", "OPTOUT"],
    )
    def test_every_default_keyword_stops(self, sms, told, word):
        """Who answers END to an appointment is blocked by Twilio, meant or not."""
        assert "stop" == sms.hear({**told("twilio/sms_reply"), "Body": word}).provider_stop

    @pytest.mark.parametrize("text", ["Stop please", "bus stop", "stop.", "nee", "HELP", ""])
    def test_anything_more_is_left_to_us(self, sms, told, text):
        heard = sms.hear({**told("twilio/sms_reply"), "Body": text})

        assert ("", False) == (heard.provider_stop, heard.provider_answered)

    @pytest.mark.parametrize("word", ["START", "unstop"])
    def test_start_opens_again(self, sms, told, word):
        heard = sms.hear({**told("twilio/sms_reply"), "Body": word})

        assert ("start", True) == (heard.provider_stop, heard.provider_answered)

    def test_a_messaging_service_knows_more_languages(self, sms, told):
        heard = sms.hear(told("twilio/sms_stop_advanced"))

        assert ("توقف", "stop", True) == (
            heard.text,
            heard.provider_stop,
            heard.provider_answered,
        )

    def test_help_that_twilio_answered_stops_nothing(self, sms, told):
        heard = sms.hear({**told("twilio/sms_reply"), "OptOutType": "HELP"})

        assert ("", True) == (heard.provider_stop, heard.provider_answered)

    def test_a_short_code_is_nobody_to_answer(self, sms, told):
        with pytest.raises(Ignored):
            sms.hear(told("twilio/sms_from_a_short_code"))

    def test_a_picture_by_sms_is_media(self, sms, told):
        form = told("twilio/sms_reply")
        url = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM/Media/ME1"
        heard = sms.hear(
            {**form, "NumMedia": "1", "MediaUrl0": url, "MediaContentType0": "text/vcard"}
        )

        assert (Media("contact", url, "text/vcard"),) == heard.media

    @pytest.mark.parametrize(
        ("content_type", "kind"),
        [
            ("IMAGE/JPEG; charset=x", "image"),
            ("audio/amr", "audio"),
            ("video/mp4", "video"),
            ("application/pdf", "document"),
            ("text/plain", "document"),
            ("model/stl", "other"),
            ("", "other"),
        ],
    )
    def test_a_file_is_of_a_kind(self, sms, told, content_type, kind):
        form = {**told("twilio/sms_reply"), "MediaUrl0": "x", "MediaContentType0": content_type}

        assert [kind] == [file.kind for file in sms.hear(form).media]

    def test_only_the_ten_files_that_twilio_allows_are_looked_at(self, sms, told):
        form = told("twilio/sms_reply") | {f"MediaUrl{n}": "x" for n in range(50)}

        assert 10 == len(sms.hear(form).media)


class TestWhatsAppHeard:
    def test_a_text(self, whatsapp, told):
        assert Heard(
            channel="whatsapp",
            address="+31697000001",
            ref="SM" + "0" * 30 + "28",
            text="نعم ،سأحضر",
            phone="+31697000001",
            profile_name="Selam 🌻",
        ) == whatsapp.hear(told("twilio/whatsapp_text"))

    def test_someone_who_hides_their_number_has_none(self, whatsapp, told):
        heard = whatsapp.hear(told("twilio/whatsapp_hidden_number"))

        assert ("NL.1a2B3c", "") == (heard.address, heard.phone)

    @pytest.mark.parametrize(
        ("name", "button", "text"),
        [
            ("whatsapp_template_button", "yes", "Ja, ik kom"),
            ("whatsapp_session_button", "other_day", "Andere dag"),
            ("whatsapp_list_choice", "language:ti", "ትግርኛ"),
        ],
    )
    def test_a_tap_tells_the_button_and_the_message_it_was_on(
        self, whatsapp, told, name, button, text
    ):
        heard = whatsapp.hear(told(f"twilio/{name}"))

        assert (button, text, "SM" + "0" * 30 + "18") == (heard.button, heard.text, heard.quoted)

    def test_a_tap_without_text_is_read_by_its_title(self, whatsapp, told):
        form = {**told("twilio/whatsapp_template_button"), "Body": ""}

        assert "Ja, ik kom" == whatsapp.hear(form).text

    def test_a_voice_note(self, whatsapp, told):
        form = told("twilio/whatsapp_voice")

        assert (Media("voice", form["MediaUrl0"], "audio/ogg"),) == whatsapp.hear(form).media

    def test_where_someone_is_is_not_kept(self, whatsapp, told):
        assert (Media("location", ""),) == whatsapp.hear(told("twilio/whatsapp_location")).media

    def test_a_file_that_is_not_at_twilio_cannot_be_fetched(self, whatsapp, told):
        """An address in a webhook may point into our own network."""
        assert (Media("image", "", "image/jpeg"),) == whatsapp.hear(
            told("twilio/whatsapp_picture_elsewhere")
        ).media

    def test_an_opt_out_was_answered_by_the_service(self, whatsapp, told):
        heard = whatsapp.hear(told("twilio/whatsapp_opt_out"))

        assert ("stop", True) == (heard.provider_stop, heard.provider_answered)

    def test_stop_without_a_service_is_ours_to_obey(self, whatsapp, told):
        """Twilio's default words work for SMS only."""
        heard = whatsapp.hear({**told("twilio/whatsapp_text"), "Body": "STOP"})

        assert ("", False) == (heard.provider_stop, heard.provider_answered)

    def test_an_sms_is_not_for_whatsapp(self, whatsapp, told):
        with pytest.raises(Ignored):
            whatsapp.hear(told("twilio/sms_reply"))


class TestStatusHeard:
    def test_delivered(self, sms, told):
        assert StatusChange("SM" + "0" * 30 + "14", "delivered") == sms.hear(
            told("twilio/sms_status_delivered")
        )

    def test_undelivered_has_a_cause(self, sms, told):
        assert StatusChange("SM" + "0" * 30 + "15", "undelivered", "30005", Cause.BAD_NUMBER) == (
            sms.hear(told("twilio/sms_status_undelivered"))
        )

    def test_failed_outside_the_window(self, whatsapp, told):
        assert StatusChange("SM" + "0" * 30 + "17", "failed", "63016", Cause.WINDOW_CLOSED) == (
            whatsapp.hear(told("twilio/whatsapp_status_failed"))
        )

    def test_read(self, whatsapp, told):
        assert "read" == whatsapp.hear(told("twilio/whatsapp_status_read")).status

    @pytest.mark.parametrize(
        ("theirs", "ours", "cause"),
        [
            ("scheduled", "accepted", None),
            ("accepted", "accepted", None),
            ("queued", "queued", None),
            ("sending", "sending", None),
            ("sent", "sent", None),
            ("partially_delivered", "sent", None),
            ("failed", "failed", Cause.UNKNOWN),
            ("canceled", "canceled", Cause.OUR_FAULT),
        ],
    )
    def test_every_status_that_twilio_knows(self, sms, told, theirs, ours, cause):
        form = {**told("twilio/sms_status_delivered"), "MessageStatus": theirs}
        change = sms.hear(form)

        assert (ours, cause) == (change.status, change.cause)

    def test_a_new_status_is_kept_for_later(self, sms, told):
        with pytest.raises(NotUnderstood):
            sms.hear({**told("twilio/sms_status_delivered"), "MessageStatus": "teleported"})


class TestAnyForm:
    @pytest.mark.parametrize("form", [{}, {"MessageSid": "SM1"}, {"Body": "1"}])
    def test_a_form_of_another_shape_is_kept(self, sms, form):
        with pytest.raises(NotUnderstood):
            sms.hear(form)

    @given(
        st.dictionaries(
            st.sampled_from(
                [
                    "MessageSid",
                    "MessageStatus",
                    "SmsStatus",
                    "Body",
                    "From",
                    "WaId",
                    "NumMedia",
                    "MediaUrl0",
                    "MessageType",
                    "MediaContentType0",
                    "OptOutType",
                    "ButtonPayload",
                ]
            ),
            st.text(max_size=20),
        )
    )
    def test_nothing_but_not_understood_comes_out(self, form):
        for channel in registry.channels(make_settings()).values():
            if channel.name == "telegram":
                continue
            try:
                channel.hear(form)
            except NotUnderstood:
                continue

    def test_what_one_database_refuses_is_replaced(self, sms, told):
        """PostgreSQL takes neither NUL nor half a surrogate pair; SQLite takes both."""
        heard = sms.hear({**told("twilio/sms_reply"), "Body": "a\x00b\ud800c"})

        assert "a\ufffdb\ufffdc" == heard.text

    @given(st.text(st.characters(), max_size=50))
    def test_what_can_be_stored_is_left_alone(self, text):
        kept = storable(text)

        assert kept == storable(kept)
        assert kept.encode().decode() == kept
        assert len(text) == len(kept)


PROVIDER_CODES = [
    "21211",
    "21614",
    "21612",
    "21408",
    "21610",
    "21212",
    "21603",
    "21606",
    "21602",
    "21604",
    "21617",
    "21656",
    "21910",
    "21611",
    "20003",
    "20429",
    "35118",
    "35111",
    "35114",
    "35115",
    "30001",
    "30002",
    "30003",
    "30004",
    "30005",
    "30006",
    "30007",
    "30008",
    "30034",
    "63003",
    "63024",
    "63007",
    "63013",
    "63016",
    "63018",
    "63032",
    "63049",
    "63051",
]


@pytest.mark.parametrize("code", PROVIDER_CODES)
def test_every_code_that_is_known_to_happen_has_a_meaning(code):
    assert code in twilio.CAUSES
    assert twilio.CAUSES[code] is twilio.cause_of(int(code))


@pytest.mark.parametrize("code", ["99999", "", None, "x"])
def test_a_code_that_nobody_told_us_about_is_unknown(code):
    assert Cause.UNKNOWN is twilio.cause_of(code)


class TestCallback:
    def test_it_names_the_attempt_and_asks_to_be_called_again(self):
        proof = twilio.callback_signature(KEY, 12, 2)

        assert 32 == len(proof)
        assert (
            f"https://stap.example/webhooks/twilio/status?m=12&a=2&k={proof}#rc=5&rp=all"
            == twilio.callback_url("https://stap.example", KEY, 12, 2)
        )

    @given(st.integers(1), st.integers(1))
    def test_ours_is_known(self, message, attempt):
        proof = twilio.callback_signature(KEY, message, attempt)

        assert twilio.check_callback(KEY, str(message), str(attempt), proof)

    @pytest.mark.parametrize(
        ("m", "a"),
        [("13", "2"), ("12", "1"), ("012", "2"), (" 12", "2"), ("1", "2:2"), ("١٢", "2")],
    )
    def test_one_that_was_changed_is_not(self, m, a):
        assert not twilio.check_callback(KEY, m, a, twilio.callback_signature(KEY, 12, 2))

    @pytest.mark.parametrize("k", ["", "0" * 32, "é" * 32, "\ud800"])
    def test_neither_is_one_with_another_proof(self, k):
        assert not twilio.check_callback(KEY, "12", "2", k)

    def test_nor_one_of_another_installation(self):
        assert not twilio.check_callback(
            b"other" * 8, "12", "2", twilio.callback_signature(KEY, 12, 2)
        )


def test_the_prefix_decides_the_channel():
    assert "whatsapp" == registry.channel_of("whatsapp:+31697000001")
    assert "whatsapp" == registry.channel_of("whatsapp:NL.1a2B3c")
    assert "sms" == registry.channel_of("+31697000001")


def test_a_channel_without_its_settings_is_off():
    none = make_settings(
        twilio_sms_from="",
        twilio_whatsapp_from="",
        telegram_bot_token="",
        telegram_webhook_secret="",
    )
    service = make_settings(twilio_sms_from="", twilio_messaging_service_sid="MG" + "0f" * 16)

    assert {} == registry.channels(none)
    assert {"whatsapp", "sms", "telegram"} == set(registry.channels(service))
    assert {"telegram"} == set(
        registry.channels(make_settings(twilio_auth_token=(), twilio_account_sid=""))
    )
