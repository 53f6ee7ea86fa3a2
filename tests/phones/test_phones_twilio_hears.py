"""What a person does on a practice phone reaches the house as Twilio's signed webhook."""

import pytest
import requests
from twilio.request_validator import RequestValidator

from phones.twilio import sign


def only(house, practice):
    practice.settle()
    [heard] = house.heard
    house.heard.clear()
    return heard


def test_a_whatsapp_message_is_told_with_the_fields_twilio_sends(practice, selam, house):
    """Who, from where, and what kind; the signature is over exactly those fields."""
    practice.do(f"/phones/{selam.id}/say", text="፩ እወ")
    heard = only(house, practice)

    assert "/webhooks/twilio/reply" == heard.path
    assert {
        "AccountSid": practice.ground.accounts.twilio_sid,
        "ApiVersion": "2010-04-01",
        "Body": "፩ እወ",
        "From": "whatsapp:+31697000001",
        "To": "whatsapp:+3197000000001",
        "MessageType": "text",
        "NumMedia": "0",
        "ProfileName": "Selam",
        "WaId": "31697000001",
        "SmsStatus": "received",
    }.items() <= heard.form.items()
    validator = RequestValidator(practice.ground.accounts.twilio_token)
    assert validator.validate(
        house.url + heard.path, heard.form, heard.headers["x-twilio-signature"]
    )
    assert 24 * 3600 == pytest.approx(
        (selam.window_until - practice.ground.now()).total_seconds(), abs=5
    )


def test_an_sms_has_no_whatsapp_fields(practice, mehmet, house):
    practice.do(f"/phones/{mehmet.id}/say", text="evet")
    form = only(house, practice).form

    assert ("+31697000008", "+3197000000000") == (form["From"], form["To"])
    assert not {"WaId", "ProfileName", "MessageType"} & set(form)


def test_a_person_with_a_hidden_number_is_told_by_their_user_id(practice, house):
    """WhatsApp users may hide their number; then there is no WaId."""
    phone = practice.ground.add("Samira", "ar", "whatsapp", "NL.ab12CD")
    practice.do(f"/phones/{phone.id}/say", text="1")
    form = only(house, practice).form

    assert "whatsapp:NL.ab12CD" == form["From"]
    assert "WaId" not in form


def test_a_voice_note_is_fetched_with_the_key(practice, twilio, selam, house):
    """The webhook carries an address; without Basic auth it gives nothing."""
    practice.do(f"/phones/{selam.id}/voice")
    form = only(house, practice).form
    assert ("1", "audio/ogg", "audio") == (
        form["NumMedia"],
        form["MediaContentType0"],
        form["MessageType"],
    )

    accounts = practice.ground.accounts
    key = (accounts.twilio_key_sid, accounts.twilio_key_secret)
    assert 401 == requests.get(form["MediaUrl0"], timeout=10).status_code
    got = requests.get(form["MediaUrl0"], auth=key, timeout=10)
    assert ("audio/ogg", b"OggS") == (got.headers["Content-Type"], got.content[:4])
    assert b"OpusHead" in got.content[:64]

    message = twilio.messages(form["MessageSid"])
    [media] = message.media.list()
    assert message.media(media.sid).delete()
    assert 404 == requests.get(form["MediaUrl0"], auth=key, timeout=10).status_code


def test_an_sms_carries_no_voice(practice, mehmet):
    answer = practice.post(f"/phones/{mehmet.id}/voice")

    assert (409, "spraakbericht" in answer.json()["error"]) == (answer.status_code, True)


def test_nobody_can_answer_a_name(practice, house):
    """An alphanumeric sender is one-way."""
    phone = practice.ground.add("Ana", "es", "sms", "+31697000007", sender="Gemeente")

    assert 409 == practice.post(f"/phones/{phone.id}/say", text="si").status_code


def buttons(twilio, practice, kind="twilio/quick-reply"):
    types = {
        "twilio/quick-reply": {
            "body": "Kom je?",
            "actions": [{"type": "QUICK_REPLY", "title": "Ja", "id": "confirm:42"}],
        },
        "twilio/list-picker": {
            "body": "Welke taal?",
            "button": "Kies",
            "items": [{"id": "language:ti", "item": "ትግርኛ"}],
        },
    }
    accounts = practice.ground.accounts
    made = requests.post(
        f"{practice.url}/v1/Content",
        json={"friendly_name": "x", "language": "nl", "types": {kind: types[kind]}},
        auth=(accounts.twilio_sid, accounts.twilio_token),
        timeout=10,
    ).json()
    return twilio.messages.create(
        to="whatsapp:+31697000001", from_="whatsapp:+3197000000001", content_sid=made["sid"]
    ), made["sid"]


def test_a_tap_names_the_button_and_the_message_it_stood_under(practice, twilio, selam, house):
    practice.do(f"/phones/{selam.id}/say", text="selam")
    practice.settle()
    house.heard.clear()
    sent, _ = buttons(twilio, practice)
    bubble = selam.bubbles[-1]

    practice.do(f"/phones/{selam.id}/tap", bubble=bubble.id, button="confirm:42")
    form = only(house, practice).form

    assert ("Ja", "Ja", "confirm:42", "interactive", sent.sid) == (
        form["Body"],
        form["ButtonText"],
        form["ButtonPayload"],
        form["MessageType"],
        form["OriginalRepliedMessageSid"],
    )
    assert "confirm:42" == bubble.tapped


def test_a_button_of_a_template_is_told_as_one(practice, twilio, selam, house):
    """In session it is `interactive`, under an approved template `button`."""
    _, content = buttons(twilio, practice)
    accounts = practice.ground.accounts
    requests.post(
        f"{practice.url}/v1/Content/{content}/ApprovalRequests/whatsapp",
        json={"name": "kom_je", "category": "UTILITY"},
        auth=(accounts.twilio_sid, accounts.twilio_token),
        timeout=10,
    )
    twilio.messages.create(
        to="whatsapp:+31697000001", from_="whatsapp:+3197000000001", content_sid=content
    )
    bubble = selam.bubbles[-1]
    practice.do(f"/phones/{selam.id}/tap", bubble=bubble.id, button="confirm:42")

    assert "button" == only(house, practice).form["MessageType"]


def test_a_row_of_a_list_is_told_by_its_own_fields(practice, twilio, selam, house):
    practice.do(f"/phones/{selam.id}/say", text="selam")
    practice.settle()
    house.heard.clear()
    buttons(twilio, practice, "twilio/list-picker")
    practice.do(f"/phones/{selam.id}/tap", bubble=selam.bubbles[-1].id, button="language:ti")
    form = only(house, practice).form

    assert ("language:ti", "ትግርኛ") == (form["ListId"], form["ListTitle"])
    assert "ButtonPayload" not in form


def test_a_button_that_is_not_there_cannot_be_tapped(practice, twilio, selam):
    buttons(twilio, practice)

    answer = practice.post(
        f"/phones/{selam.id}/tap", bubble=selam.bubbles[-1].id, button="confirm:43"
    )

    assert 409 == answer.status_code


def test_a_quoted_message_is_named(practice, twilio, selam, house):
    sent, _ = buttons(twilio, practice)
    practice.do(f"/phones/{selam.id}/say", text="ja", quoted=selam.bubbles[0].id)

    assert sent.sid == only(house, practice).form["OriginalRepliedMessageSid"]


def test_stop_reaches_the_house_and_twilio_answers_itself(practice, mehmet, house):
    """A plain number says nothing of the kind: there is no OptOutType."""
    practice.do(f"/phones/{mehmet.id}/say", text="Stop")
    form = only(house, practice).form

    assert ("Stop", False) == (form["Body"], "OptOutType" in form)
    assert {"+3197000000000"} == mehmet.opted_out
    assert "unsubscribed" in mehmet.bubbles[-1].text


def test_stop_please_is_no_keyword(practice, mehmet):
    """Only the whole message counts."""
    practice.do(f"/phones/{mehmet.id}/say", text="Stop please")

    assert (set(), 1) == (mehmet.opted_out, len(mehmet.bubbles))


@pytest.mark.parametrize("options", [{"advanced_opt_out": True}])
def test_advanced_opt_out_says_what_it_did(practice, twilio, selam, house):
    """With it the messaging service answers, on WhatsApp too, and says so to the house."""
    practice.do(f"/phones/{selam.id}/say", text="STOP")
    form = only(house, practice).form

    assert "STOP" == form["OptOutType"]
    assert practice.ground.accounts.messaging_service == form["MessagingServiceSid"]


def test_a_house_that_refuses_is_not_asked_again(practice, mehmet, house):
    house.statuses = [403]
    practice.do(f"/phones/{mehmet.id}/say", text="1")
    only(house, practice)

    entry = practice.ground.log[-1]
    assert (403, False) == (entry.status, entry.valid)


def test_a_json_answer_is_no_answer_for_twilio(practice, mehmet, house):
    """Twilio's debugger logs 12300."""
    house.answer = ("application/json", b"{}")
    practice.do(f"/phones/{mehmet.id}/say", text="1")
    only(house, practice)

    assert practice.ground.log[-1].complaint.startswith("12300")


def test_messages_of_one_person_keep_their_order(practice, mehmet, house):
    for number in range(20):
        practice.do(f"/phones/{mehmet.id}/say", text=str(number))
    practice.settle()

    assert [str(n) for n in range(20)] == [request.form["Body"] for request in house.heard]


def test_a_message_told_twice_is_the_same_message(practice, mehmet, house):
    practice.do("/faults", kind="double")
    practice.do(f"/phones/{mehmet.id}/say", text="1")
    practice.settle()

    first, again = house.heard
    assert first.form == again.form
    assert None is practice.ground.fault


def test_who_blocked_the_house_cannot_write_to_it(practice, selam):
    practice.do(f"/phones/{selam.id}/block")
    assert 409 == practice.post(f"/phones/{selam.id}/say", text="1").status_code

    practice.do(f"/phones/{selam.id}/unblock")
    assert practice.post(f"/phones/{selam.id}/say", text="1").ok


def test_the_signature_of_a_known_request_is_known():
    """Worked out by hand with HMAC-SHA1, so the code cannot agree with itself alone."""
    url = "https://example.org/webhooks/twilio/reply?x=1"
    form = {"To": "+31697000001", "Body": "één", "From": "+3197000000000"}

    assert RequestValidator("secret").compute_signature(url, form) == sign(url, form, "secret")
