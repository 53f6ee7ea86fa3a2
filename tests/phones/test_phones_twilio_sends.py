"""The house sends by Twilio's official client; the practice ground holds it to the rules."""

import json
from datetime import timedelta

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

SMS_FROM = "+3197000000000"
WHATSAPP_FROM = "whatsapp:+3197000000001"


def statuses(heard):
    return [request.form["MessageStatus"] for request in heard]


def refusal(call):
    with pytest.raises(TwilioRestException) as refused:
        call()
    return refused.value.status, refused.value.code


@pytest.fixture
def callback(house):
    return f"{house.url}/webhooks/twilio/status?m=7&a=1&k=abc%2Bd"


def test_an_sms_shows_on_the_phone_and_tells_how_it_went(practice, twilio, mehmet, house, callback):
    """A message is queued, then sent, then delivered; no callback for the first status."""
    sent = twilio.messages.create(
        to=mehmet.address, from_=SMS_FROM, body="Merhaba", status_callback=callback
    )
    practice.settle()

    assert "queued" == sent.status
    assert ["sent", "delivered"] == statuses(house.heard)
    assert "delivered" == twilio.messages(sent.sid).fetch().status
    [bubble] = mehmet.bubbles
    assert ("Merhaba", False, "delivered", sent.sid) == (
        bubble.text,
        bubble.mine,
        bubble.state,
        bubble.ref,
    )
    assert 1 == bubble.segments["count"]


def test_a_callback_is_signed_as_twilio_signs(practice, twilio, mehmet, house, callback):
    """The house checks the signature over the address exactly as it gave it, query and all."""
    twilio.messages.create(
        to=mehmet.address, from_=SMS_FROM, body="één", status_callback=f"{callback}#rc=2"
    )
    practice.settle()

    validator = RequestValidator(practice.ground.accounts.twilio_token)
    for request in house.heard:
        signature = request.headers["x-twilio-signature"]
        assert callback == house.url + request.path
        assert validator.validate(callback, request.form, signature)
        assert not validator.validate(callback, request.form | {"To": "x"}, signature)


def test_whatsapp_is_read_in_the_end(practice, twilio, selam, house, callback):
    """Within 24 hours of the person's last message free text may be sent."""
    practice.do(f"/phones/{selam.id}/say", text="selam")
    practice.settle()
    house.heard.clear()

    twilio.messages.create(
        to="whatsapp:+31697000001", from_=WHATSAPP_FROM, body="Hoi", status_callback=callback
    )
    practice.settle()

    assert ["sent", "delivered", "read"] == statuses(house.heard)
    assert "+31697000001" == house.heard[0].form["ChannelToAddress"]
    assert "READ" == house.heard[2].form["EventType"]


def test_free_text_outside_the_window_fails_afterwards(practice, twilio, selam, house, callback):
    """Twilio takes it, then WhatsApp refuses: 63016 comes in the callback, not at create."""
    sent = twilio.messages.create(
        to="whatsapp:+31697000001", from_=WHATSAPP_FROM, body="Hoi", status_callback=callback
    )
    practice.settle()

    assert "queued" == sent.status
    [told] = house.heard
    assert ("failed", "63016") == (told.form["MessageStatus"], told.form["ErrorCode"])
    assert ("failed", 63016) == (selam.bubbles[0].state, selam.bubbles[0].error_code)


def test_the_window_closes_when_a_day_of_practice_time_has_passed(practice, twilio, selam):
    """The clock that is moved is the clock the window is measured by."""
    practice.do(f"/phones/{selam.id}/say", text="selam")
    practice.ground.set_clock(selam.window_until, None)

    sent = twilio.messages.create(to="whatsapp:+31697000001", from_=WHATSAPP_FROM, body="Hoi")
    practice.settle()

    assert 63016 == twilio.messages(sent.sid).fetch().error_code


def test_an_unknown_number_gets_a_phone(practice, twilio):
    """Whoever the house writes to is somewhere; here a phone appears by itself."""
    twilio.messages.create(to="+31697000099", from_=SMS_FROM, body="Hoi")

    [phone] = practice.ground.phones
    assert ("Onbekend", "sms", "+31697000099") == (phone.name, phone.channel, phone.address)


def test_a_messaging_service_picks_the_sender_afterwards(practice, twilio, mehmet, house, callback):
    """With a service the first status is `accepted` and the segments are not counted yet."""
    service = practice.ground.accounts.messaging_service
    sent = twilio.messages.create(
        to=mehmet.address, messaging_service_sid=service, body="Hoi", status_callback=callback
    )
    practice.settle()

    assert ("accepted", "0", None) == (sent.status, sent.num_segments, sent.from_)
    after = twilio.messages(sent.sid).fetch()
    assert ("1", SMS_FROM) == (after.num_segments, after.from_)
    assert {service} == {request.form["MessagingServiceSid"] for request in house.heard}


@pytest.mark.parametrize(
    ("code", "change"),
    [
        (21604, {"To": ""}),
        (21211, {"To": "0697000008"}),
        (21614, {"To": "+31201234567"}),
        (21603, {"From": ""}),
        (21606, {"From": "+31697000000"}),
        (21910, {"From": WHATSAPP_FROM}),
        (63007, {"To": "whatsapp:+31697000001", "From": "whatsapp:+31697000000"}),
        (21701, {"From": "", "MessagingServiceSid": "MG" + "1" * 32}),
        (21602, {"Body": ""}),
        (21617, {"Body": "a" * 1601}),
        (21654, {"ContentVariables": "{}"}),
        (21655, {"Body": "", "ContentSid": "HX" + "1" * 32}),
        (21609, {"StatusCallback": "ftp://127.0.0.1/"}),
        (21609, {"StatusCallback": "http://my_house.example/"}),
        (21620, {"MediaUrl": "file:///etc/hosts"}),
        (20001, {"ValidityPeriod": "36001"}),
        (20001, {"ValidityPeriod": "0"}),
        (20001, {"Vality": "10"}),
        (35118, {"ScheduleType": "fixed", "SendAt": "2030-01-01T00:00:00Z"}),
    ],
)
def test_what_breaks_a_published_rule_is_refused_with_its_code(practice, mehmet, code, change):
    """The same code as the real thing, so the house's error table is put to the test."""
    accounts = practice.ground.accounts
    form = {"To": mehmet.address, "From": SMS_FROM, "Body": "Hoi"} | change
    answer = requests.post(
        f"{practice.url}/2010-04-01/Accounts/{accounts.twilio_sid}/Messages.json",
        data={key: value for key, value in form.items() if value or key == "To"},
        auth=(accounts.twilio_key_sid, accounts.twilio_key_secret),
        timeout=10,
    )

    assert (400, code) == (answer.status_code, answer.json()["code"])
    entry = practice.ground.log[-1]
    assert not entry.valid
    assert entry.complaint.startswith(str(code))


def test_a_wrong_key_is_not_let_in(practice):
    """Twilio answers 401 with code 20003."""
    sid = practice.ground.accounts.twilio_sid
    answer = requests.get(
        f"{practice.url}/2010-04-01/Accounts/{sid}.json", auth=(sid, "wrong"), timeout=10
    )

    assert (401, 20003) == (answer.status_code, answer.json()["code"])


def test_the_account_can_be_looked_at(practice, twilio):
    """That is how the house sees whether its key works."""
    account = twilio.api.accounts(practice.ground.accounts.twilio_sid).fetch()

    assert "active" == account.status


def test_messages_are_listed_page_by_page_newest_first(practice, twilio, mehmet, selam):
    """After a crash the house finds out by this list what was taken."""
    for number in range(5):
        twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body=str(number))
    twilio.messages.create(to="whatsapp:+31697000001", from_=WHATSAPP_FROM, body="x")

    listed = twilio.messages.list(to=mehmet.address, page_size=2)

    assert ["4", "3", "2", "1", "0"] == [message.body for message in listed]


def test_a_filter_on_the_sending_date_finds_nothing_unsent(practice, twilio, mehmet):
    """DateSent is empty until a message is sent."""
    before = practice.ground.now().replace(microsecond=0)
    twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body="sent")
    practice.settle()
    service = practice.ground.accounts.messaging_service
    twilio.messages.create(
        to=mehmet.address,
        messaging_service_sid=service,
        body="later",
        schedule_type="fixed",
        send_at=before + timedelta(hours=1),
    )

    assert ["sent"] == [m.body for m in twilio.messages.list(date_sent_after=before)]


def test_a_person_who_opted_out_is_not_reached(practice, twilio, mehmet):
    """Twilio refuses with 21610 after STOP, and lets it through after START."""
    practice.do(f"/phones/{mehmet.id}/say", text=" stop ")

    def send():
        return twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body="Hoi")

    assert (400, 21610) == refusal(send)
    assert ("failed", 21610) == (mehmet.bubbles[-1].state, mehmet.bubbles[-1].error_code)
    practice.do(f"/phones/{mehmet.id}/say", text="START")
    assert "queued" == send().status


def test_a_blocked_sms_is_not_delivered(practice, twilio, mehmet, house, callback):
    practice.do(f"/phones/{mehmet.id}/block")
    twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body="Hoi", status_callback=callback)
    practice.settle()

    assert ["sent", "undelivered"] == statuses(house.heard)
    assert "30004" == house.heard[-1].form["ErrorCode"]


def test_whatsapp_tells_nobody_that_they_are_blocked(practice, twilio, selam, house, callback):
    """The message stays at `sent` for ever."""
    practice.do(f"/phones/{selam.id}/say", text="selam")
    practice.do(f"/phones/{selam.id}/block")
    practice.settle()
    house.heard.clear()
    twilio.messages.create(
        to="whatsapp:+31697000001", from_=WHATSAPP_FROM, body="Hoi", status_callback=callback
    )
    practice.settle()

    assert ["sent"] == statuses(house.heard)


def test_a_callback_that_finds_nobody_is_repeated_once(practice, twilio, mehmet, house):
    """By default Twilio repeats only after a failed connection; a refusal is final."""
    house.statuses = [500]
    twilio.messages.create(
        to=mehmet.address, from_=SMS_FROM, body="a", status_callback=f"{house.url}/status"
    )
    practice.settle()
    assert ["sent", "delivered"] == statuses(house.heard)

    twilio.messages.create(
        to=mehmet.address, from_=SMS_FROM, body="b", status_callback="http://127.0.0.1:9/status"
    )
    practice.settle()
    tried = [entry for entry in practice.ground.log if entry.direction == "out"][2:]
    assert [None] * 4 == [entry.status for entry in tried]


def test_the_address_of_a_callback_can_ask_for_more_retries(practice, twilio, mehmet, house):
    """`#rc=3&rp=5xx` is Twilio's connection override."""
    house.statuses = [500, 502]
    twilio.messages.create(
        to=mehmet.address,
        from_=SMS_FROM,
        body="a",
        status_callback=f"{house.url}/status#rc=3&rp=5xx",
    )
    practice.settle()

    assert ["sent", "sent", "sent", "delivered"] == statuses(house.heard)
    tokens = [request.headers["i-twilio-idempotency-token"] for request in house.heard]
    assert tokens[0] == tokens[1] == tokens[2] != tokens[3]


def test_a_message_can_be_scheduled_cancelled_emptied_and_deleted(practice, twilio, mehmet):
    service = practice.ground.accounts.messaging_service
    planned = [
        twilio.messages.create(
            to=mehmet.address,
            messaging_service_sid=service,
            body=body,
            schedule_type="fixed",
            send_at=practice.ground.now() + timedelta(hours=1),
        )
        for body in ("gaat", "gaat niet")
    ]
    assert ["scheduled", "scheduled"] == [message.status for message in planned]

    assert "canceled" == planned[1].update(status="canceled").status
    practice.ground.set_clock(practice.ground.now() + timedelta(hours=1), None)
    practice.server.providers.twilio.release()
    practice.settle()

    gone = twilio.messages(planned[0].sid)
    assert "delivered" == gone.fetch().status
    assert "" == gone.update(body="").body
    assert gone.delete()
    assert (404, 20404) == refusal(gone.fetch)


def test_a_picture_is_fetched_from_the_house(practice, twilio, selam, house, callback):
    """Providers download media; what cannot be had fails with 63019."""
    practice.do(f"/phones/{selam.id}/say", text="selam")
    practice.settle()
    house.heard.clear()
    house.files["/m/plaatje.png"] = ("image/png", b"\x89PNG")
    for name in ("plaatje.png", "weg.png"):
        twilio.messages.create(
            to="whatsapp:+31697000001",
            from_=WHATSAPP_FROM,
            body="Kijk",
            media_url=[f"{house.url}/m/{name}"],
            status_callback=callback,
        )
        practice.settle()

    assert ["sent", "delivered", "read", "failed"] == statuses(house.heard)
    assert "63019" == house.heard[-1].form["ErrorCode"]
    assert "image" == selam.bubbles[-1].kind


# -- faults --------------------------------------------------------------------------------


def test_429_hits_the_next_message_once(practice, twilio, mehmet):
    practice.do("/faults", kind="429")

    def send():
        return twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body="Hoi")

    assert (429, 20429) == refusal(send)
    assert "queued" == send().status


def test_a_block_on_sms_is_told_afterwards_and_once(practice, twilio, mehmet):
    """Twilio takes the message; the operator says no to it."""
    practice.do("/faults", kind="403", phone=mehmet.id)
    for _ in range(2):
        twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body="Hoi")
        practice.settle()

    assert [("undelivered", 30004), ("delivered", None)] == [
        (bubble.state, bubble.error_code) for bubble in mehmet.bubbles
    ]


def test_a_block_on_whatsapp_is_told_to_nobody(practice, twilio, selam):
    """The message stays on its way for ever."""
    practice.do("/phones/selam/say", text="selam")
    practice.do("/faults", kind="403", phone=selam.id)
    twilio.messages.create(to="whatsapp:" + selam.address, from_=WHATSAPP_FROM, body="Hoi")
    practice.settle()

    assert ("sent", None) == (selam.bubbles[-1].state, selam.bubbles[-1].error_code)


def test_a_stopped_person_refuses_the_next_message_once(practice, twilio, mehmet):
    practice.do("/faults", kind="21610", phone=mehmet.id)

    def send():
        return twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body="Hoi")

    assert (400, 21610) == refusal(send)
    assert "queued" == send().status


def test_a_fault_for_one_phone_spares_the_others(practice, twilio, mehmet):
    other = practice.ground.add("Ana", "es", "sms", "+31697000007")
    practice.do("/faults", kind="429", phone=other.id)

    twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body="Hoi")

    assert "429" == practice.ground.fault.kind


def test_63016_hits_a_message_inside_the_window_too(practice, twilio, selam, house, callback):
    practice.do(f"/phones/{selam.id}/say", text="selam")
    practice.settle()
    house.heard.clear()
    practice.do("/faults", kind="63016")
    twilio.messages.create(
        to="whatsapp:+31697000001", from_=WHATSAPP_FROM, body="Hoi", status_callback=callback
    )
    practice.settle()

    assert ["failed"] == statuses(house.heard)


def test_silence_is_a_message_that_was_sent_and_never_reported(
    practice, twilio, mehmet, house, callback
):
    """Nothing tells the house but Twilio's own list."""
    practice.do("/faults", kind="silent")
    with pytest.raises(requests.exceptions.ConnectionError):
        twilio.messages.create(
            to=mehmet.address, from_=SMS_FROM, body="Hoi", status_callback=callback
        )
    practice.settle()

    assert ["delivered"] == [bubble.state for bubble in mehmet.bubbles]
    assert [] == house.heard
    assert ["delivered"] == [row.status for row in twilio.messages.list(to=mehmet.address)]


def test_a_dropped_connection_is_a_message_that_was_never_taken(practice, twilio, mehmet):
    practice.do("/faults", kind="dropped")
    with pytest.raises(requests.exceptions.ConnectionError):
        twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body="Hoi")

    assert [] == mehmet.bubbles
    assert [] == twilio.messages.list(to=mehmet.address)


def test_a_lost_answer_is_a_message_that_was_sent(practice, twilio, mehmet, house, callback):
    """The worst case: Twilio took it, and the house never hears so."""
    practice.do("/faults", kind="lost")
    with pytest.raises(requests.exceptions.ConnectionError):
        twilio.messages.create(
            to=mehmet.address, from_=SMS_FROM, body="Hoi", status_callback=callback
        )
    practice.settle()

    assert ["Hoi"] == [message.body for message in twilio.messages.list(to=mehmet.address)]
    assert ["sent", "delivered"] == statuses(house.heard)
    lost = next(entry for entry in practice.ground.log if entry.method == "POST")
    assert None is lost.status


def test_double_tells_every_status_twice(practice, twilio, mehmet, house, callback):
    practice.do("/faults", kind="double")
    twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body="Hoi", status_callback=callback)
    practice.settle()

    assert ["sent", "sent", "delivered", "delivered"] == statuses(house.heard)


def test_shuffled_tells_the_end_first(practice, twilio, mehmet, house, callback):
    practice.do("/faults", kind="shuffled")
    sent = twilio.messages.create(
        to=mehmet.address, from_=SMS_FROM, body="Hoi", status_callback=callback
    )
    practice.settle()

    assert ["delivered", "sent"] == statuses(house.heard)
    assert "delivered" == twilio.messages(sent.sid).fetch().status


def test_late_waits_until_the_clock_is_moved(practice, twilio, mehmet, house, callback):
    practice.do("/faults", kind="late")
    twilio.messages.create(to=mehmet.address, from_=SMS_FROM, body="Hoi", status_callback=callback)
    assert not practice.server.settle(timeout=0.2)
    assert [] == house.heard

    practice.server.providers.courier.hurry()
    practice.settle()
    assert ["sent", "delivered"] == statuses(house.heard)


# -- content -------------------------------------------------------------------------------

REMINDER = {
    "friendly_name": "afspraak.reminder",
    "language": "nl",
    "variables": {"1": "Ana", "2": "09:30"},
    "types": {
        "twilio/quick-reply": {
            "body": "Beste {{1}}, je afspraak is om {{2}} uur. Kom je?",
            "actions": [
                {"type": "QUICK_REPLY", "title": "Ja", "id": "confirm"},
                {"type": "QUICK_REPLY", "title": "Nee", "id": "decline"},
            ],
        }
    },
}


@pytest.fixture
def content(practice):
    """The Content API as the house calls it: JSON with the API key."""
    accounts = practice.ground.accounts

    def call(method, path, body=None):
        return requests.request(
            method,
            f"{practice.url}/v1/{path}",
            json=body,
            auth=(accounts.twilio_key_sid, accounts.twilio_key_secret),
            timeout=10,
        )

    return call


@pytest.fixture
def template(content):
    """Make a content and ask approval; return its SID and what Meta said."""

    def make(change=None, name="afspraak_herinnering", category="UTILITY"):
        sid = content("POST", "Content", REMINDER | (change or {})).json()["sid"]
        asked = content(
            "POST",
            f"Content/{sid}/ApprovalRequests/whatsapp",
            {"name": name, "category": category},
        )
        assert 201 == asked.status_code, asked.text
        return sid, content("GET", f"Content/{sid}/ApprovalRequests").json()["whatsapp"]

    return make


def test_an_approved_template_goes_out_at_any_time(practice, twilio, selam, template):
    """Outside the window only a template is delivered; its buttons come along."""
    sid, approval = template()
    sent = twilio.messages.create(
        to="whatsapp:+31697000001",
        from_=WHATSAPP_FROM,
        content_sid=sid,
        content_variables=json.dumps({"1": "Selam", "2": "10:00"}),
    )
    practice.settle()

    assert "approved" == approval["status"]
    assert "read" == twilio.messages(sent.sid).fetch().status
    [bubble] = selam.bubbles
    assert "Beste Selam, je afspraak is om 10:00 uur. Kom je?" == bubble.text
    assert {
        "name": "afspraak_herinnering",
        "category": "UTILITY",
        "language": "nl",
    } == bubble.template
    assert [("confirm", "Ja"), ("decline", "Nee")] == bubble.buttons


def test_a_missing_variable_shows_the_sample_and_is_noted(practice, twilio, selam, template):
    """Twilio fills in the sample: somebody gets "Ana" who is not Ana."""
    sid, _ = template()
    twilio.messages.create(
        to="whatsapp:+31697000001",
        from_=WHATSAPP_FROM,
        content_sid=sid,
        content_variables='{"2": "10:00"}',
    )

    assert "Beste Ana" in selam.bubbles[0].text
    assert "variabele 1" in next(e for e in practice.ground.log[::-1] if e.complaint).complaint


@pytest.mark.parametrize("variables", ["[]", "{", '{"1": 5}', '{"1": ""}', '{"1": "a\\nb"}'])
def test_variables_must_be_words_by_name(twilio, selam, template, variables):
    sid, _ = template()

    assert (400, 21656) == refusal(
        lambda: twilio.messages.create(
            to="whatsapp:+31697000001",
            from_=WHATSAPP_FROM,
            content_sid=sid,
            content_variables=variables,
        )
    )


def test_content_without_approval_may_be_sent_inside_the_window(practice, twilio, selam, content):
    sid = content("POST", "Content", REMINDER).json()["sid"]

    def send():
        return twilio.messages.create(
            to="whatsapp:+31697000001", from_=WHATSAPP_FROM, content_sid=sid
        )

    outside = send()
    practice.settle()
    practice.do(f"/phones/{selam.id}/say", text="selam")
    inside = send()
    practice.settle()

    assert (63016, "read") == (
        twilio.messages(outside.sid).fetch().error_code,
        twilio.messages(inside.sid).fetch().status,
    )


def body(text):
    return {"types": {"twilio/text": {"body": text}}}


def quick_replies(*titles, body="x"):
    actions = [{"type": "QUICK_REPLY", "title": title, "id": title} for title in titles]
    return {"types": {"twilio/quick-reply": {"body": body, "actions": actions}}}


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("INVALID_LANGUAGE", {"language": "ti"}),
        ("INVALID_LANGUAGE", {"language": "ps"}),
        ("starts or ends", body("{{1}}, kom je?")),
        ("starts or ends", body("Kom je om {{2}}")),
        ("next to each other", body("Beste {{1}} {{2}}, kom je?")),
        ("no sample", body("Beste {{3}}, kom je?")),
        (
            "in session",
            {
                "types": {
                    "twilio/list-picker": {
                        "body": "Kies",
                        "button": "Taal",
                        "items": [{"id": "nl", "item": "Nederlands"}],
                    }
                }
            },
        ),
    ],
)
def test_meta_rejects_what_it_does_not_allow(template, reason, change):
    _, approval = template(change)

    assert "rejected" == approval["status"]
    assert reason in approval["rejection_reason"]


@pytest.mark.parametrize(
    "change",
    [
        {"types": {}},
        {"types": {"twilio/onbekend": {"body": "x"}}},
        {"types": {"twilio/text": {"body": "x" * 1601}}},
        quick_replies(),
        quick_replies("x" * 21),
        quick_replies("x", body="x" * 1025),
        quick_replies(*"abcdefghijk"),
        quick_replies("a", "a"),
        {"variables": {"1": 1}},
        {"language": ""},
        {"taal": "nl"},
    ],
)
def test_content_outside_the_limits_is_not_made(content, change):
    assert 400 == content("POST", "Content", REMINDER | change).status_code


@pytest.mark.parametrize(
    "request_body",
    [
        {"name": "Afspraak", "category": "UTILITY"},
        {"name": "afspraak", "category": "utility"},
        {"category": "UTILITY"},
        {"name": "afspraak", "category": "UTILITY", "extra": 1},
    ],
)
def test_a_malformed_request_for_approval_is_refused(content, request_body):
    sid = content("POST", "Content", REMINDER).json()["sid"]

    answer = content("POST", f"Content/{sid}/ApprovalRequests/whatsapp", request_body)

    assert 400 == answer.status_code


def test_a_template_name_is_used_once_per_language(content, template):
    template()
    sid = content("POST", "Content", REMINDER).json()["sid"]

    again = content(
        "POST",
        f"Content/{sid}/ApprovalRequests/whatsapp",
        {"name": "afspraak_herinnering", "category": "UTILITY"},
    )

    assert 400 == again.status_code


def test_content_is_listed_fetched_and_deleted_by_the_official_client(twilio, template):
    sid, _ = template()

    [listed] = twilio.content.v1.contents.list()
    approval = twilio.content.v1.contents(sid).approval_fetch().fetch()

    assert (sid, "nl") == (listed.sid, listed.language)
    assert ("approved", "UTILITY") == (approval.whatsapp["status"], approval.whatsapp["category"])
    assert twilio.content.v1.contents(sid).delete()
    assert [] == twilio.content.v1.contents.list()
