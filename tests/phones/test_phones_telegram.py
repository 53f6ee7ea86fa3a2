"""The official python-telegram-bot talks to the practice ground as it would to Telegram."""

import asyncio
import io
import threading
from datetime import UTC, datetime

import pytest
import requests
import telegram
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, KeyboardButton
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter

from phones.app import serve
from phones.state import Accounts, Ground

SECRET = "practice_secret-1"


@pytest.fixture
def ask(practice):
    """Run calls of one bot, in one event loop, as the house's worker does."""
    loop = asyncio.new_event_loop()
    bot = telegram.Bot(
        practice.ground.accounts.telegram_token,
        base_url=f"{practice.url}/bot",
        base_file_url=f"{practice.url}/file/bot",
    )
    loop.run_until_complete(bot.initialize())

    def ask(method, *args, **kwargs):
        return loop.run_until_complete(getattr(bot, method)(*args, **kwargs))

    yield ask
    loop.run_until_complete(bot.shutdown())
    loop.close()


@pytest.fixture
def webhook(ask, house):
    house.answer = ("text/plain", b"ok")
    ask("set_webhook", f"{house.url}/webhooks/telegram", secret_token=SECRET)


def keyboard(*buttons):
    return InlineKeyboardMarkup([[InlineKeyboardButton(t, callback_data=d)] for d, t in buttons])


def told(house, practice):
    """Return the updates the house got, as the official library reads them."""
    practice.settle()
    updates = [telegram.Update.de_json(request.json, None) for request in house.heard]
    house.heard.clear()
    return updates


# -- the bot writes ------------------------------------------------------------------------


def test_a_text_with_buttons_shows_on_the_phone(ask, rania):
    sent = ask(
        "send_message", 1006, "مرحبا", reply_markup=keyboard(("confirm:42", "نعم"), ("d:42", "لا"))
    )

    [bubble] = rania.bubbles
    assert (str(sent.message_id), "مرحبا", "delivered") == (bubble.ref, bubble.text, bubble.state)
    assert [("confirm:42", "نعم"), ("d:42", "لا")] == bubble.buttons
    assert (1006, "private", "Rania") == (sent.chat.id, sent.chat.type, sent.chat.first_name)
    assert "confirm:42" == sent.reply_markup.inline_keyboard[0][0].callback_data
    assert abs((sent.date - datetime.now(UTC)).total_seconds()) < 5


def test_a_bot_knows_itself(ask, practice):
    me = ask("get_me")

    assert (1000, True, practice.ground.accounts.telegram_name) == (me.id, me.is_bot, me.username)


def test_an_unknown_person_gets_a_phone_but_a_chat_that_cannot_be_does_not(ask, practice):
    ask("send_message", 1099, "hoi")
    assert ["1099"] == [phone.address for phone in practice.ground.phones]

    for chat in (-100, "@niemand"):
        with pytest.raises(BadRequest, match="Chat not found"):
            ask("send_message", chat, "hoi")


def test_a_phone_that_was_taken_away_is_a_chat_not_found(ask, practice, rania):
    assert 204 == requests.delete(f"{practice.url}/phones/rania", timeout=10).status_code

    with pytest.raises(BadRequest, match="Chat not found"):
        ask("send_message", 1006, "hoi")


def test_a_wrong_token_and_an_unknown_method_are_told_apart(practice):
    def answer(path):
        return requests.post(f"{practice.url}/{path}", timeout=10)

    wrong = answer("bot1000:wrong/getMe")
    assert (401, "Unauthorized") == (wrong.status_code, wrong.json()["description"])
    unknown = answer(f"bot{practice.ground.accounts.telegram_token}/sendPigeon")
    assert (404, False, 404) == (
        unknown.status_code,
        unknown.json()["ok"],
        unknown.json()["error_code"],
    )


def test_the_official_library_sees_a_wrong_token_as_one(practice):
    async def start():
        async with telegram.Bot("1000:wrong", base_url=f"{practice.url}/bot"):
            """Never gets this far."""

    with pytest.raises(InvalidToken):
        asyncio.run(start())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (" ", "Message text is empty"),
        ("a" * 4097, "Message is too long"),
        ("😀" * 2049, "Message is too long"),
    ],
)
def test_a_text_has_4096_utf_16_units_at_most(ask, rania, text, complaint):
    with pytest.raises(BadRequest, match=complaint):
        ask("send_message", 1006, text)
    ask("send_message", 1006, "😀" * 2048)


@pytest.mark.parametrize("data", ["x" * 65, "ሰ" * 22])
def test_the_data_of_a_button_is_64_bytes_at_most(ask, rania, data):
    with pytest.raises(BadRequest, match=r"(?i)button_data_invalid"):
        ask("send_message", 1006, "x", reply_markup=keyboard((data, "Ja")))


def test_html_is_shown_as_a_reader_sees_it(ask, rania):
    ask("send_message", 1006, "<b>Vandaag</b> &amp; morgen", parse_mode="HTML")

    assert "Vandaag & morgen" == rania.bubbles[0].text
    for broken in ("<b>x", "<h1>x</h1>", "x</b>"):
        with pytest.raises(BadRequest, match=r"(?i)can't parse entities"):
            ask("send_message", 1006, broken, parse_mode="HTML")


def test_a_person_who_blocked_the_bot_is_not_reached(ask, practice, rania):
    practice.do("/phones/rania/block")
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        ask("send_message", 1006, "hoi")
    assert ("failed", 403) == (rania.bubbles[-1].state, rania.bubbles[-1].error_code)

    practice.do("/phones/rania/unblock")
    ask("send_message", 1006, "hoi")


def test_a_bot_never_writes_first(ask, practice):
    """Until the person presses Start."""
    practice.do(
        "/phones", name="Samira", language="fa", channel="telegram", address="1007", started=False
    )
    with pytest.raises(Forbidden, match="can't initiate conversation"):
        ask("send_message", 1007, "hoi")

    practice.do("/phones/samira/say", text="/start K7Q2M9TX4F")
    ask("send_message", 1007, "hoi")


def test_a_voice_note_is_uploaded_sent_again_and_fetched(ask, rania, practice):
    first = ask("send_voice", 1006, io.BytesIO(b"OggS-uploaded"), caption="luister")
    again = ask("send_voice", 1006, first.voice.file_id)

    assert ["voice", "voice"] == [bubble.kind for bubble in rania.bubbles]
    assert "luister" == rania.bubbles[0].text
    file = ask("get_file", again.voice.file_id)
    got = requests.get(file.file_path, timeout=10)
    assert (b"OggS-uploaded", "voice/file_0.oga") == (got.content, file.file_path[-16:])
    assert b"OggS-uploaded" == requests.get(rania.bubbles[0].media_url, timeout=10).content


def test_a_picture_is_fetched_from_the_house(ask, rania, house):
    house.files["/m/plaatje.png"] = ("image/png", b"\x89PNG")
    ask("send_photo", 1006, f"{house.url}/m/plaatje.png", caption="Kijk")

    assert ("image", "Kijk") == (rania.bubbles[0].kind, rania.bubbles[0].text)
    assert b"\x89PNG" == requests.get(rania.bubbles[0].media_url, timeout=10).content
    with pytest.raises(BadRequest, match=r"(?i)failed to get http url content"):
        ask("send_photo", 1006, f"{house.url}/m/weg.png")
    with pytest.raises(BadRequest, match=r"(?i)wrong file identifier"):
        ask("send_photo", 1006, "geen-bestand")
    with pytest.raises(BadRequest, match=r"(?i)caption is too long"):
        ask("send_photo", 1006, f"{house.url}/m/plaatje.png", caption="x" * 1025)


def test_a_message_can_be_changed_by_the_bot(ask, rania):
    sent = ask("send_message", 1006, "Kom je?", reply_markup=keyboard(("c", "Ja")))
    ask("edit_message_reply_markup", 1006, sent.message_id)
    assert [] == rania.bubbles[0].buttons

    ask("edit_message_text", "Genoteerd.", 1006, sent.message_id)
    assert ("Genoteerd.", True) == (rania.bubbles[0].text, rania.bubbles[0].edited)

    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        ask("edit_message_text", "Genoteerd.", 1006, sent.message_id)
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        ask("edit_message_text", "x", 1006, 1)


def test_a_keyboard_can_ask_for_a_number(ask, rania):
    keys = telegram.ReplyKeyboardMarkup([[KeyboardButton("Deel", request_contact=True)]])
    ask("send_message", 1006, "Mag ik je nummer?", reply_markup=keys)

    assert rania.bubbles[0].asks_contact


def test_an_answer_names_what_it_answers(ask, practice, rania):
    practice.do("/phones/rania/say", text="Waar?")
    number = int(rania.bubbles[0].ref)
    sent = ask("send_message", 1006, "Hier.", reply_parameters={"message_id": number})

    assert number == sent.reply_to_message.message_id
    assert rania.bubbles[0].id == rania.bubbles[1].quoted


def test_commands_are_kept_per_language(ask):
    ask("set_my_commands", [("start", "Begin"), ("stop", "Stop")], language_code="nl")

    assert ["start", "stop"] == [c.command for c in ask("get_my_commands", language_code="nl")]
    assert () == ask("get_my_commands")
    with pytest.raises(BadRequest, match=r"(?i)command_invalid"):
        ask("set_my_commands", [("Stop!", "x")])


# -- faults --------------------------------------------------------------------------------


def test_429_says_when_to_come_back(ask, practice, rania, monkeypatch):
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    practice.do("/faults", kind="429")
    with pytest.raises(RetryAfter) as too_fast:
        ask("send_message", 1006, "hoi")

    assert 3 == too_fast.value.retry_after.total_seconds()
    ask("send_message", 1006, "hoi")


def test_403_hits_once(ask, practice, rania):
    practice.do("/faults", kind="403", phone="rania")
    with pytest.raises(Forbidden):
        ask("send_message", 1006, "hoi")

    assert not rania.blocked
    ask("send_message", 1006, "hoi")


def test_a_lost_answer_is_a_message_that_was_sent(ask, practice, rania):
    practice.do("/faults", kind="lost")
    with pytest.raises(NetworkError):
        ask("send_message", 1006, "hoi")

    assert ["hoi"] == [bubble.text for bubble in rania.bubbles]


def test_a_dropped_connection_is_a_message_that_was_never_taken(ask, practice, rania):
    practice.do("/faults", kind="dropped")
    with pytest.raises(NetworkError):
        ask("send_message", 1006, "hoi")

    assert [] == rania.bubbles


def test_a_fault_of_whatsapp_does_not_hit_telegram(ask, practice, rania):
    practice.do("/faults", kind="63016")
    ask("send_message", 1006, "hoi")

    assert "63016" == practice.ground.fault.kind


# -- the person acts -----------------------------------------------------------------------


def test_a_text_reaches_the_webhook_with_the_secret(practice, rania, house, webhook):
    practice.do("/phones/rania/say", text="نعم")
    practice.settle()

    assert SECRET == house.heard[0].headers["x-telegram-bot-api-secret-token"]
    assert "/webhooks/telegram" == house.heard[0].path
    [update] = told(house, practice)
    assert ("نعم", 1006, "Rania", "ar", "private") == (
        update.message.text,
        update.message.from_user.id,
        update.message.from_user.first_name,
        update.message.from_user.language_code,
        update.message.chat.type,
    )


def test_the_start_of_a_link_carries_its_code(practice, rania, house, webhook):
    practice.do("/phones/rania/say", text="/start K7Q2M9TX4F")
    [update] = told(house, practice)

    assert "/start K7Q2M9TX4F" == update.message.text
    [entity] = update.message.entities
    assert ("bot_command", 0, 6) == (entity.type, entity.offset, entity.length)


def test_a_tap_is_told_and_answered(ask, practice, rania, house, webhook):
    sent = ask("send_message", 1006, "Kom je?", reply_markup=keyboard(("confirm:42", "Ja")))
    practice.do("/phones/rania/tap", bubble=rania.bubbles[0].id, button="confirm:42")
    [update] = told(house, practice)

    query = update.callback_query
    assert ("confirm:42", sent.message_id, 1006) == (
        query.data,
        query.message.message_id,
        query.from_user.id,
    )
    assert "confirm:42" == rania.bubbles[0].tapped
    assert ask("answer_callback_query", query.id)
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        ask("answer_callback_query", "1")


def test_a_button_that_was_taken_away_cannot_be_tapped(ask, practice, rania):
    ask("send_message", 1006, "Kom je?", reply_markup=keyboard(("confirm:42", "Ja")))

    answer = practice.post("/phones/rania/tap", bubble=rania.bubbles[0].id, button="confirm:43")

    assert 409 == answer.status_code


def test_a_voice_note_can_be_fetched_by_its_file_id(ask, practice, rania, house, webhook):
    practice.do("/phones/rania/voice")
    [update] = told(house, practice)

    assert "audio/ogg" == update.message.voice.mime_type
    file = ask("get_file", update.message.voice.file_id)
    assert b"OggS" == requests.get(file.file_path, timeout=10).content[:4]


@pytest.mark.parametrize(("whose", "user_id"), [("own", 1006), ("other", None)])
def test_a_shared_number_says_whose_it_is(practice, rania, house, webhook, whose, user_id):
    """Only a contact with the sender's own id proves a number."""
    practice.do("/phones/rania/contact", whose=whose)
    [update] = told(house, practice)

    assert user_id == update.message.contact.user_id
    assert update.message.contact.phone_number.startswith("3169700")


def test_an_edit_is_its_own_kind_of_update(practice, rania, house, webhook):
    practice.do("/phones/rania/say", text="ja")
    practice.do("/phones/rania/edit", bubble=rania.bubbles[0].id, text="nee")
    said, edited = told(house, practice)

    assert said.message.message_id == edited.edited_message.message_id
    assert ("nee", True) == (edited.edited_message.text, rania.bubbles[0].edited)


def test_blocking_is_told_at_once(practice, rania, house, webhook):
    practice.do("/phones/rania/block")
    practice.do("/phones/rania/block")
    practice.do("/phones/rania/unblock")
    left, back = told(house, practice)

    assert ("member", "kicked") == (
        left.my_chat_member.old_chat_member.status,
        left.my_chat_member.new_chat_member.status,
    )
    assert "member" == back.my_chat_member.new_chat_member.status
    assert "private" == left.my_chat_member.chat.type


def test_a_group_is_another_chat(practice, rania, house, webhook):
    practice.do("/phones/rania/group", text="hallo allemaal")
    [update] = told(house, practice)

    assert ("supergroup", 1006) == (update.message.chat.type, update.message.from_user.id)
    assert [] == rania.bubbles


def test_only_the_wanted_updates_come(ask, practice, rania, house):
    house.answer = ("text/plain", b"ok")
    ask(
        "set_webhook",
        f"{house.url}/webhooks/telegram",
        allowed_updates=["message", "callback_query", "my_chat_member"],
    )
    practice.do("/phones/rania/say", text="ja")
    practice.do("/phones/rania/edit", bubble=rania.bubbles[0].id, text="nee")

    assert ["ja"] == [update.message.text for update in told(house, practice)]


def test_an_update_is_repeated_until_the_house_takes_it(ask, practice, rania, house, webhook):
    """In order: the second message waits for the first."""
    house.statuses = [500, 403, 500]
    practice.do("/phones/rania/say", text="1")
    practice.do("/phones/rania/say", text="2")
    updates = told(house, practice)

    assert ["1", "1", "1", "1", "2"] == [update.message.text for update in updates]
    assert 1 == len({update.update_id for update in updates[:4]})
    info = ask("get_webhook_info")
    assert 0 == info.pending_update_count
    assert "500" in info.last_error_message


def test_a_tap_overtakes_a_text_that_is_stuck(ask, practice, rania, house, webhook):
    """Taps have a queue of their own."""
    ask("send_message", 1006, "Kom je?", reply_markup=keyboard(("c", "Ja")))
    house.refuses = lambda request: "callback_query" not in request.json
    practice.do("/phones/rania/say", text="1")
    practice.do("/phones/rania/tap", bubble=rania.bubbles[0].id, button="c")
    practice.until(lambda: any("callback_query" in request.json for request in house.heard))
    house.refuses = None
    updates = told(house, practice)

    assert 1 == sum(update.callback_query is not None for update in updates)
    assert "1" == updates[-1].message.text


def test_double_is_the_same_update_twice(practice, rania, house, webhook):
    practice.do("/faults", kind="double")
    practice.do("/phones/rania/say", text="1")
    first, again = told(house, practice)

    assert first.update_id == again.update_id


def test_late_comes_when_the_clock_is_moved(practice, rania, house, webhook):
    practice.do("/faults", kind="late")
    practice.do("/phones/rania/say", text="1")
    assert not practice.server.settle(0.2)

    practice.server.providers.courier.hurry()
    assert ["1"] == [update.message.text for update in told(house, practice)]


def test_updates_can_be_asked_for_instead(ask, practice, rania):
    practice.do("/phones/rania/say", text="1")
    practice.do("/phones/rania/say", text="2")
    first, second = ask("get_updates")
    assert ("1", "2") == (first.message.text, second.message.text)

    assert [second.update_id] == [u.update_id for u in ask("get_updates", offset=-1)]
    assert () == ask("get_updates", offset=second.update_id + 1)


def test_a_long_poll_ends_when_somebody_speaks(ask, practice, rania):
    timer = threading.Timer(0.2, practice.do, ("/phones/rania/say",), {"text": "1"})
    timer.start()
    updates = ask("get_updates", timeout=10)
    timer.join()

    assert ["1"] == [update.message.text for update in updates]


def test_a_webhook_and_a_poll_do_not_go_together(ask, practice, rania, webhook):
    with pytest.raises(Conflict, match="webhook is active"):
        ask("get_updates")

    ask("delete_webhook")
    assert () == ask("get_updates")


def test_only_one_may_ask_for_updates(ask, practice, rania):
    """The newest wins; the one that waited is told."""
    url = f"{practice.url}/bot{practice.ground.accounts.telegram_token}/getUpdates"
    answers = []
    first = threading.Thread(
        target=lambda: answers.append(requests.get(url, {"timeout": 10}, timeout=15))
    )
    first.start()
    practice.until(lambda: practice.server.providers.telegram.polls == 1)
    ask("get_updates")
    first.join()

    assert 409 == answers[0].status_code


def test_what_waited_goes_to_a_webhook_that_is_set_later(ask, practice, rania, house):
    practice.do("/phones/rania/say", text="1")
    house.answer = ("text/plain", b"ok")
    ask("set_webhook", f"{house.url}/webhooks/telegram")

    assert ["1"] == [update.message.text for update in told(house, practice)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://huis.example/webhooks/telegram"},
        {"url": "https://huis.example/", "secret_token": "spatie mag niet"},
        {"url": "https://huis.example/", "max_connections": 101},
    ],
)
def test_a_webhook_keeps_the_rules(ask, wrong):
    """Plain http is for loopback only, as with a Bot API server of one's own."""
    with pytest.raises(BadRequest):
        ask("set_webhook", **wrong)


def test_a_ground_can_start_with_its_webhook_set(house):
    """For a house that does not call setWebhook itself in practice."""
    ground = Ground(Accounts(house=house.url, telegram_secret=SECRET, delay=0.0))
    server = serve(ground)
    try:
        ground.add("Rania", "ar", "telegram", "1006")
        requests.post(f"{server.url}/phones/rania/say", json={"text": "1"}, timeout=10)
        assert server.settle()
    finally:
        server.close()

    assert [SECRET] == [r.headers["x-telegram-bot-api-secret-token"] for r in house.heard]


def test_a_field_that_telegram_does_not_know_is_noted(practice, rania):
    """The real one ignores it in silence; here the log says so."""
    token = practice.ground.accounts.telegram_token
    requests.post(
        f"{practice.url}/bot{token}/sendMessage",
        json={"chat_id": 1006, "text": "hoi", "tekst": "x"},
        timeout=10,
    )

    assert "tekst" in practice.ground.log[-1].complaint
    assert practice.ground.log[-1].valid
