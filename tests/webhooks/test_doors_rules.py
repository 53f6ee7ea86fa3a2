"""Whatever a provider could ever send is stored or refused, and never fails in the worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from knocking import REPLY, Doors, form, sid, update
from sqlalchemy import select

from bot.models.messages import InboxEvent

NAMES = st.sampled_from(
    [
        "id",
        "type",
        "chat",
        "from",
        "message",
        "text",
        "caption",
        "date",
        "contact",
        "user_id",
        "phone_number",
        "photo",
        "voice",
        "file_id",
        "reply_to_message",
        "message_id",
        "is_bot",
        "data",
        "new_chat_member",
        "status",
        "language_code",
        "first_name",
        "edit_date",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=20)
    | st.sampled_from([1006, "private", "group", "member", "kicked", "/start K7Q2", "1", "stop"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)
KINDS = ["message", "edited_message", "callback_query", "my_chat_member", "channel_post", "new"]


@pytest.fixture
def one(sqlite_url) -> Iterator[Doors]:
    """Doors that all examples of a rule share."""
    opened = Doors(sqlite_url)
    yield opened
    opened.close()


def handled(doors: Doors) -> bool:
    """Say whether every event was acted on or set aside, none by a fault of ours."""
    doors.work()
    left = doors.read(select(InboxEvent).where(InboxEvent.state == "new"))
    faults = doors.read(select(InboxEvent.error).where(InboxEvent.error.like("% at %.py:%")))
    return not left and not faults


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(kind=st.sampled_from(KINDS), event=ANYTHING, number=st.integers(-(2**63), 2**63))
def test_any_json_is_an_update_that_is_handled_or_none_at_all(one, kind, event, number):
    assert one.told({"update_id": number, kind: event}).status_code in (200, 400)
    assert handled(one)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.sampled_from(["text", "tap", "own_contact", "voice", "blocked"]), data=st.data())
def test_a_real_update_with_one_thing_replaced_is_handled(one, name, data):
    changed = update(name, update_id=data.draw(st.integers(1, 2**40)))
    inner = next(value for key, value in changed.items() if key != "update_id")
    place = data.draw(st.sampled_from(sorted(inner)))
    inner[place] = data.draw(ANYTHING)

    assert 200 == one.told(changed).status_code
    assert handled(one)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    number=st.integers(0, 2**100),
    name=st.sampled_from(["sms_reply", "whatsapp_text", "whatsapp_template_button"]),
    fields=st.dictionaries(
        st.sampled_from(
            [
                "Body",
                "ButtonPayload",
                "ProfileName",
                "NumMedia",
                "MediaUrl0",
                "MessageType",
                "WaId",
                "OptOutType",
                "OriginalRepliedMessageSid",
                "SmsStatus",
                "ListId",
            ]
        ),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
        | st.sampled_from(["1", "ja", "STOP", "START", "yes", "no", "language:ti", "received"]),
    ),
)
def test_any_fields_that_twilio_signed_are_handled(one, number, name, fields):
    assert 204 == one.knock(form(name, MessageSid=sid(number), **fields), REPLY).status_code
    assert handled(one)
