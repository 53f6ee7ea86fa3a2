"""What the page of the practice ground makes of phones, messages and requests."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from phones import page
from phones.app import Providers, create_app
from phones.keyboards import KEYBOARDS, keyboard_of
from phones.state import Bubble, Exchange, Ground, Phone

NOW = datetime(2026, 12, 2, 14, 32, tzinfo=page.AMSTERDAM)


def phone(channel="whatsapp", **rest) -> Phone:
    return Phone("selam", "Selam", "ti", channel, "+31697000001", "+3197000000001", **rest)


def bubble(text="hallo", **rest) -> Bubble:
    return Bubble("b1", rest.pop("mine", False), text, rest.pop("at", NOW), **rest)


@pytest.fixture
def ground() -> Ground:
    return Ground()


@pytest.fixture
def client(ground):
    providers = Providers(ground)
    yield create_app(providers).test_client()
    providers.close()


@pytest.mark.parametrize(
    ("shown", "address"),
    [
        ("+31 6 9700 0001", "+31697000001"),
        ("+31 97 0000 0000 1", "+3197000000001"),
        ("1006", "1006"),
        ("NL.ab12", "NL.ab12"),
        ("Voorbeeldstad", "Voorbeeldstad"),
    ],
)
def test_a_number_is_read_in_groups_and_anything_else_as_it_is(shown, address):
    assert shown == page.spaced(address)


@pytest.mark.parametrize(
    ("shown", "channel", "sender", "name"),
    [
        (("Gemeente", "Zakelijk account"), "whatsapp", "+3197000000001", "Gemeente"),
        (("+31 97 0000 0000 1", "Zakelijk account"), "whatsapp", "+3197000000001", ""),
        (("Gemeente", "+31 97 0000 0000 0"), "sms", "+3197000000000", "Gemeente"),
        (("+31 97 0000 0000 0", ""), "sms", "+3197000000000", ""),
        (("Voorbeeld", ""), "sms", "Voorbeeld", "Gemeente"),
        (("Gemeente", "bot"), "telegram", "StapBot", "Gemeente"),
        (("StapBot", "bot"), "telegram", "StapBot", ""),
    ],
)
def test_a_phone_shows_who_writes_as_its_channel_would(shown, channel, sender, name):
    """WhatsApp shows the business, Telegram the bot; an SMS sent from a name shows that name."""
    assert shown == page.sender_of(Phone("x", "X", "nl", channel, "1", sender), name)


@pytest.mark.parametrize(
    ("said", "hours"), [("20:32", 6), ("do 09:32", 19), ("ma 14:32", 120), ("12 dec 14:32", 240)]
)
def test_a_coming_moment_is_named_by_what_is_enough(said, hours):
    assert said == page.short_moment(NOW + timedelta(hours=hours), NOW)


@pytest.mark.parametrize(
    ("strong", "end", "share", "until"),
    [
        ("Venster open", "nog 23:59", 23.99 / 24, timedelta(hours=23, minutes=59, seconds=30)),
        ("Venster open", "nog 0:00", 0.0, timedelta(seconds=30)),
        ("Venster dicht", "sinds wo", 0, timedelta()),
        ("Venster dicht", "sinds di", 0, -timedelta(hours=20)),
        ("Venster dicht", "sinds 22 nov", 0, -timedelta(days=10)),
    ],
)
def test_the_window_is_open_until_the_very_moment_it_shuts(strong, end, share, until):
    """Meta counts 24 hours from the last message of the person, to the second."""
    meter = page.meter_of(phone(window_until=NOW + until), NOW)

    assert (strong, end) == (meter.strong, meter.end)
    assert share == pytest.approx(meter.share, abs=0.01)


def test_a_person_who_never_wrote_has_no_window():
    meter = page.meter_of(phone(), NOW)

    assert ("Venster dicht", "nooit open") == (meter.strong, meter.end)


def test_blocked_goes_before_everything_the_channel_counts():
    shown = page.meter_of(phone(blocked=True, window_until=NOW + timedelta(hours=1)), NOW)

    assert ("Geblokkeerd", True) == (shown.strong, shown.shut)


def test_an_sms_counts_only_what_the_house_pays():
    """What a person sends costs the house nothing in this sum."""
    cost = {"count": 2, "cost": 0.18}
    mine = bubble(mine=True, segments=cost)
    counted = page.meter_of(phone("sms", bubbles=[mine, bubble(segments=cost)]), NOW)

    assert "2 sms · € 0,18" == counted.strong


def test_a_day_is_named_once_in_the_language_of_the_person():
    lines = [bubble(at=NOW - timedelta(days=1)), bubble(), bubble()]
    days = [line.day for line in page.lines_of(lines, phone())]

    assert [True, True, False] == [day is not None for day in days]
    assert "ታሕሳስ" in (days[1] or "")


def test_late_in_the_evening_utc_is_already_tomorrow_in_amsterdam():
    """23:30 UTC on 2 December is half past midnight on the 3rd for who reads it."""
    late = bubble(at=datetime(2026, 12, 2, 23, 30, tzinfo=UTC))
    (line,) = page.lines_of([late], Phone("jan", "Jan", "nl", "sms", "+31697000002"))

    assert "donderdag 3 december" == line.day


def test_free_text_is_marked_where_it_begins_and_every_template_is():
    """A tester looks for the moment the conversation changed from template to free text."""
    template = {"name": "a", "category": "UTILITY", "language": "nl"}
    lines = [
        bubble(template=template),
        bubble(template=template),
        bubble("ja", mine=True),
        bubble(),
        bubble(),
    ]

    tags = [line.tag and line.tag[1] for line in page.lines_of(lines, phone())]

    assert ["Template", "Template", None, "Vrije tekst", None] == tags


@pytest.mark.parametrize(
    ("why", "state", "code"),
    [
        ("63016 · vrije tekst buiten 24 uur", "undelivered", 63016),
        ("30003 · telefoon onbereikbaar", "undelivered", 30003),
        ("99999 · mislukt", "failed", 99999),
        ("niet bezorgd", "undelivered", None),
        (None, "delivered", None),
        (None, "queued", None),
    ],
)
def test_what_never_arrived_says_why(why, state, code):
    assert why == page.why_lost(bubble(state=state, error_code=code))


@given(st.text(max_size=2000))
def test_folding_a_long_text_away_loses_no_letter(text):
    (line,) = page.lines_of([bubble(text)], phone())

    assert text == line.head + line.tail
    assert len(line.head) <= page.LONG_TEXT


@given(st.text(max_size=400))
def test_a_text_of_a_stranger_is_never_html(text):
    shown = page.phone_text(text + "<script>alert(1)</script>")

    assert "<script" not in shown


def test_a_link_can_be_touched_and_a_date_stays_whole():
    shown = page.phone_text("Kom (03-12-2026) https://stap.example/a/03-12-2026")

    assert '<span class="d">(03-12-2026)</span>' in shown
    assert 'href="https://stap.example/a/03-12-2026"' in shown


@pytest.mark.parametrize(
    ("letters", "text"),
    [("ş ı ğ", "başlıyor, değil"), ("ë", "België à côté é"[:6]), ("", "één café"), ("", "ሰላም")],
)
def test_only_the_latin_letters_that_cost_money_are_named(letters, text):
    """é and à are in the alphabet of SMS; ë is not, and no Tigrinya letter has a cheap one."""
    assert letters == page.dear_letters(text)


@pytest.mark.parametrize(
    ("gist", "params"),
    [
        ("template, 2 variabelen", {"ContentSid": "HX1", "ContentVariables": '{"1":"a","2":"b"}'}),
        ("template, 0 variabelen", {"ContentSid": "HX1", "ContentVariables": "kapot"}),
        ("«hallo wereld»", {"Body": "hallo\n wereld"}),
        ("«١»", {"message": {"text": "١"}}),
        ("spraakbericht", {"message": {"voice": {}}}),
        ("knop «1:ja»", {"callback_query": {"data": "1:ja"}}),
        (
            "knop «Ja»",
            {
                "callback_query": {
                    "data": "1:ja",
                    "message": {
                        "reply_markup": {
                            "inline_keyboard": [[{"text": "Ja", "callback_data": "1:ja"}]]
                        }
                    },
                }
            },
        ),
        (
            "blokkeert de bot",
            {"my_chat_member": {"new_chat_member": {"status": "kicked"}}},
        ),
        ("knop «Ja»", {"ButtonText": "Ja", "Body": "Ja"}),
        ("niet bezorgd · 63016", {"MessageStatus": "undelivered", "ErrorCode": "63016"}),
        ("", {}),
    ],
)
def test_a_request_is_told_in_a_few_words(gist, params):
    asked = Exchange(NOW, "out", "POST", "/x", params)

    assert gist == page.gist_of(asked)


@pytest.mark.parametrize(
    ("short", "path"),
    [
        ("…/Messages.json", "/2010-04-01/Accounts/AC0f/Messages.json"),
        ("/bot…/sendMessage", "/bot1000:secret/sendMessage"),
        ("/webhooks/twilio/status", "/webhooks/twilio/status?m=1&k=2"),
    ],
)
def test_a_path_is_shown_without_what_is_the_same_every_time(short, path):
    assert short == page.short_path(path)


@pytest.mark.parametrize(
    ("answer", "status", "response"),
    [
        ("201 · queued", 201, "queued"),
        ("204", 204, "204"),
        ("400 · {}", 400, "400 {}"),
        ("geen antwoord", None, ""),
        ("geen verbinding", None, "geen verbinding"),
    ],
)
def test_a_status_is_said_once(answer, status, response):
    assert answer == page.answer_of(Exchange(NOW, "in", "GET", "/", {}, status, response))


def test_a_language_without_dates_of_its_own_borrows_the_nearest():
    assert "fa_AF" == str(page.locale_of("prs"))
    assert "nl" == str(page.locale_of("xx-unknown"))


def test_every_keyboard_types_three_digits_yes_no_and_stop():
    for language, keyboard in KEYBOARDS.items():
        assert 6 == len(set(keyboard.keys)), language
        assert keyboard.direction in ("ltr", "rtl")
    assert KEYBOARDS["nl"] == keyboard_of("xx")
    assert KEYBOARDS["ar"] == keyboard_of("ar-SY")


def test_a_picture_is_fetched_only_if_a_message_carried_it(client: FlaskClient, ground):
    """The page must not become a door to whatever else this machine can reach."""
    ground.phones.append(phone(bubbles=[bubble(media_url="file:///etc/passwd")]))

    assert 404 == client.get("/media?u=http://127.0.0.1:1/a.png").status_code
    assert 404 == client.get("/media?u=file:///etc/passwd").status_code
    assert 404 == client.get("/media").status_code


def test_a_picture_that_cannot_be_had_is_the_fault_of_whoever_serves_it(
    client: FlaskClient, ground
):
    ground.phones.append(phone(bubbles=[bubble(media_url="http://127.0.0.1:1/a.png")]))

    assert 502 == client.get("/media?u=http://127.0.0.1:1/a.png").status_code


def test_a_crowd_is_shown_in_pages(client: FlaskClient, ground):
    """A broadcast to thousands of strangers must not become one page of thousands of phones."""
    for number in range(page.PHONES_SHOWN + 2):
        ground.add(f"Jan {number}", "nl", "sms", f"+3169700{number:04d}")

    first = client.get("/").text
    second = client.get(f"/?from={page.PHONES_SHOWN}").text

    assert first.count('class="unit"') == page.PHONES_SHOWN
    assert "2 meer" in first
    assert 2 == second.count('class="unit"')


def test_news_is_told_from_where_the_page_was(client: FlaskClient, ground):
    ground.add("Jan", "nl", "sms", "+31697000001")

    told = client.get("/events?seen=0", buffered=False).response
    assert "retry: 400\n\n" == _text(next(iter(told)))
    assert f"id: {ground.version}\ndata: {ground.version}\n\n" == _text(next(iter(told)))


def _text(piece: bytes | str) -> str:
    return piece.decode() if isinstance(piece, bytes) else piece
