"""Reading Twilio's own list: page by page, as far back as asked, and what a bad answer means."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from channel_server import ACCOUNT, Provider, brief, http, make_settings, running

from bot.channels.base import Certainty, Media, NotUnderstood, SendError, StatusChange
from bot.channels.registry import channels
from bot.channels.twilio import Listed
from bot.channels.twilio_client import TwilioClient
from phones.app import serve
from phones.state import Accounts, Ground

OURS, PRIYA = "+3197000000000", "+31697000004"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
ROW = Listed(
    ref="SM" + "0f" * 16,
    direction="inbound",
    to=OURS,
    from_=PRIYA,
    service="",
    body="hoi",
    status="received",
    code="",
    created=LONG_AGO,
    segments=1,
    media=0,
)


@pytest.fixture
def ground():
    made = Ground(Accounts(delay=0, twilio_sid=ACCOUNT, twilio_token="new-token", house=""))
    server = serve(made)
    yield made, server
    server.close()


def read(url, **given):
    """Read the list at *url*; return what was found and whether that is all."""

    async def once():
        client = TwilioClient(make_settings(url))
        try:
            return await client.list_messages(**{"since": LONG_AGO, **given})
        finally:
            await client.close()

    return asyncio.run(once())


def write(ground, *texts):
    made, server = ground
    phone = made.add("Priya", "en", "sms", PRIYA, sender=OURS)
    for text in texts:
        server.providers.twilio.says(phone, text)


def test_all_pages_are_read_newest_first(ground):
    write(ground, *"abcde")

    found, whole = read(ground[1].url, to=OURS, page_size=2)

    assert (list("edcba"), True) == ([row.body for row in found], whole)
    assert {("inbound", PRIYA, OURS)} == {(r.direction, r.from_, r.to) for r in found}
    assert ["GET"] * 3 == [x.method for x in ground[0].log]


def test_only_so_many_pages_are_read_and_it_says_that_there_is_more(ground):
    write(ground, *"abcde")

    found, whole = read(ground[1].url, page_size=2, pages=2)

    assert (list("edcb"), False) == ([row.body for row in found], whole)


def test_it_stops_at_what_is_older_than_asked(ground):
    """A list goes back for years."""
    write(ground, *"abcde")
    for message in list(ground[1].providers.twilio.messages.values())[:3]:
        message.created -= timedelta(days=1)

    since = datetime.now(UTC) - timedelta(hours=1)
    found, whole = read(ground[1].url, since=since, page_size=2)

    assert (["e", "d"], True) == ([row.body for row in found], whole)
    assert 2 == len(ground[0].log)


def test_a_file_is_told_with_where_it_is(ground):
    write(ground)
    phone = ground[0].add("Selam", "ti", "whatsapp", "+31697000001")
    ground[1].providers.twilio.says(phone, "", voice=True)
    [row], _ = read(ground[1].url)

    async def once():
        client = TwilioClient(make_settings(ground[1].url))
        try:
            return await client.media(row.ref)
        finally:
            await client.close()

    [file] = asyncio.run(once())
    place = f"{ground[1].url}/2010-04-01/Accounts/{ACCOUNT}/Messages/{row.ref}/Media/"
    assert (1, "audio", "audio/ogg") == (row.media, file.kind, file.content_type)
    assert file.ref.startswith(place)
    assert not file.ref.endswith(".json")


@pytest.mark.parametrize(
    ("answer", "certainty"),
    [
        (http(500, "{}"), Certainty.UNKNOWN),
        (http(200, "<html>"), Certainty.UNKNOWN),
        (http(200, json.dumps({"messages": [{"sid": "SM1"}]})), Certainty.UNKNOWN),
        (http(429, json.dumps({"code": 20429})), Certainty.NOT_SENT),
        (http(401, json.dumps({"code": 20003})), Certainty.NOT_SENT),
        (http(400, json.dumps({"code": 21211})), Certainty.REJECTED),
    ],
    ids=brief,
)
def test_a_list_that_cannot_be_read_is_an_error_and_never_an_empty_list(answer, certainty):
    """An empty list would prove that nothing was sent."""

    async def once():
        async with running(Provider(answer)) as provider:
            client = TwilioClient(make_settings(provider.url))
            try:
                return await client.list_messages(LONG_AGO)
            finally:
                await client.close()

    with pytest.raises(SendError) as told:
        asyncio.run(once())

    assert certainty is told.value.certainty


def test_a_row_tells_what_a_callback_would_have():
    sent = Listed(**{**_fields(ROW), "direction": "outbound-api", "status": "undelivered"})

    assert StatusChange(ROW.ref, "undelivered", cause=sent.change().cause) == sent.change()
    with pytest.raises(NotUnderstood):
        Listed(**{**_fields(ROW), "status": "dreaming"}).change()


def test_a_row_reads_like_the_webhook_it_stands_for():
    sms = channels(make_settings())["sms"]
    file = Media("audio", "https://api.twilio.com/2010-04-01/file", "audio/ogg")

    heard = sms.hear(ROW.form(ACCOUNT, [file]))

    assert (PRIYA, "hoi", ROW.ref, (file,)) == (heard.address, heard.text, heard.ref, heard.media)


@pytest.mark.parametrize(
    ("channel", "settings", "row", "expected"),
    [
        ("sms", {}, {"from_": OURS}, True),
        ("sms", {}, {"from_": "+3197000000009"}, False),
        ("sms", {}, {"from_": OURS, "direction": "outbound-reply"}, False),
        ("sms", {"twilio_messaging_service_sid": "MG1"}, {"from_": "", "service": "MG1"}, True),
        ("sms", {"twilio_messaging_service_sid": "MG1"}, {"from_": "", "service": "MG2"}, False),
        ("sms", {}, {"from_": ""}, False),
        ("whatsapp", {}, {"from_": "whatsapp:+3197000000001"}, True),
        ("whatsapp", {}, {"from_": "+3197000000001"}, False),
    ],
)
def test_only_what_this_sender_sent_at_our_word_is_ours(channel, settings, row, expected):
    given = {**_fields(ROW), "direction": "outbound-api", **row}

    assert expected is channels(make_settings(**settings))[channel].sent_it(Listed(**given))


@pytest.mark.parametrize(
    ("settings", "number"),
    [
        ({}, OURS),
        ({"twilio_messaging_service_sid": "MG1"}, ""),
        ({"twilio_sms_from": "Gemeente"}, ""),
    ],
    ids=["a number", "a service with numbers of its own", "a name nobody can write to"],
)
def test_a_sender_is_heard_at_its_number(settings, number):
    assert number == channels(make_settings(**settings))["sms"].heard_at


def _fields(row):
    return {name: getattr(row, name) for name in Listed.__slots__}
