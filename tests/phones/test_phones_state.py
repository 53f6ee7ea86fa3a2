"""The state that the page and both stand-ins share."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from phones.segments import meter, segments
from phones.state import LOG_KEEPS, Exchange, Fault, Ground, read_people


def test_a_phone_has_a_readable_id_of_its_own():
    ground = Ground()
    ids = [
        ground.add(name, "nl", "sms", f"+3169700000{n}").id
        for n, name in enumerate(["Selam", "Selam", "ሰላም"])
    ]

    assert ["selam", "selam-2", "telefoon"] == ids


def test_one_address_is_one_phone():
    ground = Ground()
    first = ground.add("Selam", "ti", "whatsapp", "whatsapp:+31 697000001")

    assert first is ground.add("Iemand", "nl", "whatsapp", "+31697000001")
    assert first is ground.phone_at("whatsapp", "+31697000001")
    assert None is ground.phone_at("sms", "+31697000001")


def test_an_unknown_channel_is_named_in_the_error():
    with pytest.raises(ValueError, match="duif"):
        Ground().add("Selam", "ti", "duif", "1")


def test_a_telegram_phone_has_a_chat_id_and_no_number():
    with pytest.raises(ValueError, match="chat id"):
        Ground().add("Rania", "ar", "telegram", "+31697000006")


def test_every_change_raises_the_version_and_wakes_who_waits():
    ground = Ground()
    seen = ground.version
    woken = []
    waiter = threading.Thread(target=lambda: woken.append(ground.wait(seen, 5)))
    waiter.start()
    ground.add("Selam", "ti", "whatsapp", "+31697000001")
    waiter.join()

    assert woken[0] > seen
    assert ground.version == ground.wait(ground.version, 0.01)


def test_a_fault_hits_once_and_only_whom_it_is_for():
    ground = Ground()
    selam = ground.add("Selam", "ti", "whatsapp", "+31697000001")
    mehmet = ground.add("Mehmet", "tr", "sms", "+31697000008")
    ground.arm("429", mehmet.id)

    assert None is ground.strike(selam, "429")
    assert None is ground.strike(mehmet, "403")
    assert "429" == ground.strike(mehmet, "403", "429")
    assert None is ground.strike(mehmet, "429")


def test_one_fault_is_armed_at_a_time():
    ground = Ground()
    ground.arm("late")
    ground.arm("lost")

    assert Fault("lost") == ground.fault
    ground.disarm()
    assert None is ground.fault
    with pytest.raises(ValueError, match="regen"):
        ground.arm("regen")
    with pytest.raises(ValueError, match="niemand"):
        ground.arm("late", "niemand")


def test_the_clock_runs_on_from_where_the_house_set_it():
    ground = Ground()
    morning = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)

    assert ground.set_clock(morning, morning + timedelta(hours=1))
    assert timedelta(0) <= ground.now() - morning < timedelta(seconds=2)
    assert not ground.set_clock(ground.now(), ground.next_moment)


def test_a_people_file_is_a_list(tmp_path):
    people = tmp_path / "people.json"
    people.write_text(
        '[{"name": "Selam", "language": "ti", "channel": "whatsapp", "address": "+31697000001",'
        ' "sender": "whatsapp:+3197000000009"}]',
        encoding="utf-8",
    )
    [phone] = Ground().bring(read_people(people))

    assert ("selam", "+3197000000009") == (phone.id, phone.sender)
    people.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="not a JSON list"):
        read_people(people)


def test_the_log_forgets_the_oldest():
    ground = Ground()
    for number in range(LOG_KEEPS + 1):
        ground.note(Exchange(ground.now(), "in", "GET", f"/{number}", {}))

    assert len(ground.log) <= LOG_KEEPS
    assert f"/{LOG_KEEPS}" == ground.log[-1].path


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, ""),
        (1, "a" * 160),
        (2, "a" * 161),
        (2, "a" * 306),
        (3, "a" * 307),
        (1, "€" * 80),
        (2, "€" * 81),
        (1, "ሰ" * 70),
        (2, "ሰ" * 71),
        (3, "ሰ" * 135),
        (2, "a" * 153 + "€" + "b" * 151),
        (3, "a" * 152 + "€" + "b" * 152),  # the same length, but the escape is never parted
    ],
)
def test_an_sms_is_billed_in_parts(count, text):
    """160 septets or 70 units in one; 153 or 67 in each of several."""
    assert count == segments(text)


def test_accents_that_make_an_sms_dearer_are_counted():
    """One ş turns a Turkish text of 155 characters into three parts."""
    told = meter("ş" + "a" * 154)

    assert ("UCS-2", 155, 3, 0.27, 1) == (
        told["coding"],
        told["length"],
        told["count"],
        told["cost"],
        told["folded"],
    )
    assert None is meter("geen accent")["folded"]
