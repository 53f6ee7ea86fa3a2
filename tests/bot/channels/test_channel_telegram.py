"""What Telegram tells us: updates with our secret, read as plain JSON."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from channel_server import FIXTURES, make_settings
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.base import Envelope, Forged, Heard, Ignored, Media, NotUnderstood
from bot.channels.telegram import Telegram

SECRET = "s" * 32
AT = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def telegram():
    return Telegram(make_settings())


def envelope(headers):
    return Envelope("https://stap.example/webhooks/telegram", headers, body=b"{}")


class TestVerify:
    def test_our_secret_is_believed(self, telegram):
        telegram.verify(envelope({"x-telegram-bot-api-secret-token": SECRET}))

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"x-telegram-bot-api-secret-token": ""},
            {"x-telegram-bot-api-secret-token": SECRET + "s"},
            {"x-telegram-bot-api-secret-token": SECRET[1:]},
            {"x-telegram-bot-api-secret-token": "é\ud800"},
        ],
    )
    def test_anything_else_is_not(self, telegram, headers):
        with pytest.raises(Forged):
            telegram.verify(envelope(headers))

    def test_without_a_secret_nothing_is_believed(self):
        """An empty secret would be proved by an empty header."""
        open_door = Telegram(make_settings(telegram_webhook_secret=""))
        with pytest.raises(Forged):
            open_door.verify(envelope({"x-telegram-bot-api-secret-token": ""}))


class TestHeard:
    def test_a_text(self, telegram, told):
        assert Heard(
            channel="telegram",
            address="1006",
            ref="700000011",
            at=AT,
            text="እወ",
            profile_name="Selam T.",
            language_hint="ti",
        ) == telegram.hear(told("telegram/text"))

    def test_start_brings_the_code_of_the_link(self, telegram, told):
        heard = telegram.hear(told("telegram/start_with_code"))

        assert ("/start K7Q2_x-9", "K7Q2_x-9") == (heard.text, heard.start)

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("/start", ""),
            ("/start@StapVooruitOefenBot K7Q2", "K7Q2"),
            ("/start " + "a" * 64, "a" * 64),
            ("/start " + "a" * 65, ""),
            ("/start '; DROP TABLE", ""),
            ("/start <b>🌻</b>", ""),
            ("start K7Q2", ""),
            ("/started K7Q2", ""),
        ],
    )
    def test_a_code_has_the_shape_of_one(self, telegram, told, text, code):
        update = told("telegram/text")
        update = {**update, "message": {**update["message"], "text": text}}

        assert code == telegram.hear(update).start

    def test_stop_is_a_text_like_any_other(self, telegram, told):
        """Whoever understands texts understands this one: it has many spellings."""
        assert "/stop" == telegram.hear(told("telegram/stop")).text

    def test_a_voice_note(self, telegram, told):
        heard = telegram.hear(told("telegram/voice"))

        assert (Media("voice", "AwACAgQAAxkBAAIB", "audio/ogg"),) == heard.media

    def test_ones_own_contact_proves_ones_number(self, telegram, told):
        """Telegram leaves out the +."""
        heard = telegram.hear(told("telegram/own_contact"))

        assert ("+31697000006", "1006:9") == (heard.phone, heard.quoted)

    def test_someone_elses_contact_proves_nothing(self, telegram, told):
        heard = telegram.hear(told("telegram/contact_of_someone_else"))

        assert ("", (Media("contact", ""),)) == (heard.phone, heard.media)

    def test_a_contact_without_a_user_proves_nothing(self, telegram, told):
        update = told("telegram/own_contact")
        contact = {"phone_number": "+31697000006", "first_name": "Selam"}
        update = {**update, "message": {**update["message"], "contact": contact}}

        assert "" == telegram.hear(update).phone

    def test_a_photo_is_its_largest_size_with_its_caption(self, telegram, told):
        heard = telegram.hear(told("telegram/photo"))

        assert ("is dit de brief?", (Media("image", "large", "image/jpeg"),)) == (
            heard.text,
            heard.media,
        )

    def test_a_document(self, telegram, told):
        heard = telegram.hear(told("telegram/document"))

        assert (Media("document", "BQACAgQAAxkBAAIC", "application/pdf"),) == heard.media

    def test_where_someone_is_is_not_kept(self, telegram, told):
        assert (Media("location", ""),) == telegram.hear(told("telegram/location")).media

    def test_an_edited_text_says_so(self, telegram, told):
        heard = telegram.hear(told("telegram/edited"))

        assert ("nee", True) == (heard.text, heard.edited)
        assert AT.replace(second=30) == heard.at

    def test_a_tap_names_the_message_it_was_on(self, telegram, told):
        heard = telegram.hear(told("telegram/tap"))

        assert ("yes", "1006:9", "4382bfdwdsb323b2d9") == (
            heard.button,
            heard.quoted,
            heard.callback,
        )

    def test_so_does_a_tap_on_a_message_that_telegram_forgot(self, telegram, told):
        heard = telegram.hear(told("telegram/tap_on_an_old_message"))

        assert ("no", "1006:3", None) == (heard.button, heard.quoted, heard.at)

    @pytest.mark.parametrize(("name", "reachable"), [("blocked", False), ("unblocked", True)])
    def test_who_blocks_us_is_heard(self, telegram, told, name, reachable):
        heard = telegram.hear(told(f"telegram/{name}"))

        assert ("1006", reachable, "") == (heard.address, heard.reachable, heard.text)

    def test_a_tap_outside_a_conversation_is_not_for_us(self, telegram, told):
        update = told("telegram/tap")
        tap = {k: v for k, v in update["callback_query"].items() if k != "message"}
        with pytest.raises(Ignored):
            telegram.hear({**update, "callback_query": tap})

    def test_a_membership_that_is_new_to_us_is_kept(self, telegram, told):
        update = told("telegram/blocked")
        change = {**update["my_chat_member"], "new_chat_member": {"status": "restricted"}}
        with pytest.raises(NotUnderstood):
            telegram.hear({**update, "my_chat_member": change})

    def test_a_moving_picture_is_no_document(self, telegram, told):
        update = told("telegram/document")
        message = {**update["message"], "animation": {"file_id": "gif", "mime_type": "video/mp4"}}

        assert (Media("video", "gif", "video/mp4"),) == telegram.hear(
            {**update, "message": message}
        ).media

    def test_a_number_that_cannot_be_called_is_none(self, telegram, told):
        update = told("telegram/own_contact")
        contact = {**update["message"]["contact"], "phone_number": "000"}

        assert (
            ""
            == telegram.hear({**update, "message": {**update["message"], "contact": contact}}).phone
        )

    @pytest.mark.parametrize(
        "name", ["group_message", "added_to_a_group", "channel_post", "from_a_bot"]
    )
    def test_groups_channels_and_bots_are_not_for_us(self, telegram, told, name):
        """A group must never get a personal text."""
        with pytest.raises(Ignored):
            telegram.hear(told(f"telegram/{name}"))

    def test_what_one_database_refuses_is_replaced(self, telegram, told):
        update = told("telegram/text")
        update = {**update, "message": {**update["message"], "text": "a\x00b\ud800c"}}

        assert "a\ufffdb\ufffdc" == telegram.hear(update).text


class TestAnyUpdate:
    @pytest.mark.parametrize(
        "update",
        [
            {},
            {"update_id": 1},
            {"update_id": "x", "message": {}},
            {"update_id": 1, "message": {"text": "hoi"}},
            {"update_id": 1, "message": "hoi"},
            {"update_id": 1, "callback_query": []},
        ],
    )
    def test_one_of_another_shape_is_kept(self, telegram, update):
        with pytest.raises(NotUnderstood):
            telegram.hear(update)

    @pytest.mark.parametrize("date", [67_768_036_191_676_800, 10**30, -(10**20)])
    def test_a_date_beyond_all_calendars_is_of_another_shape(self, telegram, date):
        """The platform's own conversion raises an error of its own for such a year."""
        update = json.loads((FIXTURES / "telegram" / "blocked.json").read_text())
        update["my_chat_member"]["date"] = date
        with pytest.raises(NotUnderstood):
            telegram.hear(update)

    @given(st.data())
    def test_nothing_but_not_understood_comes_out(self, data):
        """A genuine update with any member gone, or of another type, stops nothing."""
        names = sorted(file.stem for file in (FIXTURES / "telegram").glob("*.json"))
        name = data.draw(st.sampled_from(names))
        update = json.loads((FIXTURES / "telegram" / f"{name}.json").read_text())
        for _ in range(data.draw(st.integers(0, 3))):
            _spoil(update, data)
        with suppress(NotUnderstood):
            Telegram(make_settings()).hear(update)


def _spoil(part, data):
    while isinstance(part, dict) and part:
        name = data.draw(st.sampled_from(sorted(part)))
        if isinstance(part[name], dict) and data.draw(st.booleans()):
            part = part[name]
            continue
        if data.draw(st.booleans()):
            del part[name]
        else:
            part[name] = data.draw(
                st.none() | st.text(max_size=3) | st.integers() | st.just([]) | st.just({})
            )
        return
