"""When reminders are sent: examples for people, rules for every other case."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from bot.gemeente import PlanStep, gemeente
from bot.moments import MARGIN, QuietHours, from_local, local
from bot.outreach.plan import TOGETHER, TOO_CLOSE, Step, steps

USUAL = (PlanStep("7d", days=7), PlanStep("1d", days=1), PlanStep("2h", hours=2))
QUIET = QuietHours.parse("20:00-09:00,sunday")
NEVER_QUIET = QuietHours()
LONG_BEFORE = "2026-09-01 10:00"


def at(text):
    """The UTC moment at which the clocks of Amsterdam show *text*."""
    return from_local(datetime.fromisoformat(text))


def told(reminders):
    """Reminders as staff would say them."""
    return [f"{step.label} {local(step.at):%a %d-%m %H:%M}" for step in reminders]


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        pytest.param(
            "2026-12-03 14:30",
            ["7d Thu 26-11 14:30", "1d Wed 02-12 14:30", "2h Thu 03-12 12:30"],
            id="an afternoon in the week",
        ),
        pytest.param(
            "2026-12-03 09:30",
            ["7d Thu 26-11 09:30", "1d Wed 02-12 09:30", "2h Wed 02-12 19:45"],
            id="two hours before would be at half past seven",
        ),
        pytest.param(
            "2026-12-03 11:00",
            ["7d Thu 26-11 11:00", "1d Wed 02-12 11:00", "2h Thu 03-12 09:00"],
            id="two hours before is the first minute after the night",
        ),
        pytest.param(
            "2026-12-07 14:30",
            ["7d Mon 30-11 14:30", "1d Sat 05-12 19:45", "2h Mon 07-12 12:30"],
            id="the day before is a Sunday",
        ),
        pytest.param(
            "2026-12-07 10:00",
            ["7d Mon 30-11 10:00", "2h Sat 05-12 19:45"],
            id="Sunday and the early Monday meet on Saturday, as one",
        ),
        pytest.param(
            "2026-12-03 20:30",
            ["7d Thu 26-11 19:45", "1d Wed 02-12 19:45", "2h Thu 03-12 18:30"],
            id="an evening",
        ),
        pytest.param(
            "2026-12-06 12:00",
            ["7d Sat 28-11 19:45", "1d Sat 05-12 12:00", "2h Sat 05-12 19:45"],
            id="a Sunday: the last word is on Saturday evening",
        ),
        pytest.param(
            "2026-12-04 08:30",
            ["7d Thu 26-11 19:45", "1d Wed 02-12 19:45", "2h Thu 03-12 19:45"],
            id="an early morning: every word is on the evening before its day",
        ),
        pytest.param(
            "2026-10-26 09:00",
            ["7d Mon 19-10 09:00", "2h Sat 24-10 19:45"],
            id="the Monday after the clocks go back",
        ),
        pytest.param(
            "2027-03-29 14:00",
            ["7d Mon 22-03 14:00", "1d Sat 27-03 19:45", "2h Mon 29-03 12:00"],
            id="the Monday after the clocks go forward",
        ),
        pytest.param(
            "2026-10-27 09:00",
            ["7d Tue 20-10 09:00", "1d Mon 26-10 09:00", "2h Mon 26-10 19:45"],
            id="nine o'clock stays nine o'clock over the change",
        ),
    ],
)
def test_reminders_of_an_afspraak_known_long_before(begins, expected):
    assert expected == told(steps(at(begins), at(LONG_BEFORE), USUAL, QUIET))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(
            "2026-11-26 14:29",
            ["7d Thu 26-11 14:30", "1d Wed 02-12 14:30", "2h Thu 03-12 12:30"],
            id="a minute before the first step",
        ),
        pytest.param(
            "2026-11-26 14:30",
            ["7d Thu 26-11 14:30", "1d Wed 02-12 14:30", "2h Thu 03-12 12:30"],
            id="on the minute",
        ),
        pytest.param(
            "2026-11-30 16:00",
            ["7d Mon 30-11 16:00", "1d Wed 02-12 14:30", "2h Thu 03-12 12:30"],
            id="three days before: at once",
        ),
        pytest.param(
            "2026-11-29 12:00",
            ["7d Mon 30-11 09:00", "1d Wed 02-12 14:30", "2h Thu 03-12 12:30"],
            id="on a Sunday: after the rest",
        ),
        pytest.param(
            "2026-12-02 11:29",
            ["7d Wed 02-12 11:29", "1d Wed 02-12 14:30", "2h Thu 03-12 12:30"],
            id="just over three hours before the next step",
        ),
        pytest.param(
            "2026-12-02 11:30",
            ["1d Wed 02-12 14:30", "2h Thu 03-12 12:30"],
            id="three hours before the next step: that one is enough",
        ),
        pytest.param(
            "2026-12-02 17:00",
            ["1d Wed 02-12 17:00", "2h Thu 03-12 12:30"],
            id="two steps past: only the latest",
        ),
        pytest.param(
            "2026-12-02 22:00",
            ["1d Thu 03-12 09:00", "2h Thu 03-12 12:30"],
            id="in the evening: in the morning, still over three hours before the next",
        ),
        pytest.param(
            "2026-12-03 10:00",
            ["2h Thu 03-12 12:30"],
            id="the same morning: the next step is near",
        ),
        pytest.param("2026-12-03 13:00", [], id="less than three hours before the start"),
        pytest.param("2026-12-03 14:30", [], id="as it starts"),
        pytest.param("2026-12-04 10:00", [], id="a day late"),
    ],
)
def test_an_afspraak_known_late_makes_up_for_the_latest_step(known, expected):
    """It is on Thursday 3 December at 14:30."""
    assert expected == told(steps(at("2026-12-03 14:30"), at(known), USUAL, QUIET))


def test_the_message_of_a_change_counts_as_the_step_made_up_for():
    """Who was just told the new day needs no reminder of it in the same minute."""
    begins, known = at("2026-12-03 14:30"), at("2026-11-30 16:00")

    assert ["1d Wed 02-12 14:30", "2h Thu 03-12 12:30"] == told(
        steps(begins, known, USUAL, QUIET, told=True)
    )


def test_a_start_over_three_hours_away_with_no_step_left_is_told_at_once():
    plan = (PlanStep("1d", days=1),)
    begins = at("2026-12-03 14:30")

    assert ["1d Thu 03-12 11:29"] == told(steps(begins, at("2026-12-03 11:29"), plan, QUIET))
    assert [] == told(steps(begins, at("2026-12-03 11:30"), plan, QUIET))


def test_steps_that_a_plan_puts_close_stay_close():
    """Quiet hours had no part in it, so it is what the gemeente wants."""
    plan = (PlanStep("4h", hours=4), PlanStep("2h", hours=2))

    assert ["4h Thu 03-12 11:00", "2h Thu 03-12 13:00"] == told(
        steps(at("2026-12-03 15:00"), at(LONG_BEFORE), plan, QUIET)
    )


def test_a_moved_step_six_hours_from_another_goes_with_it():
    """13:45 and 19:45 are six hours apart; 13:44 is a minute more."""
    plan = (PlanStep("19h", hours=19), PlanStep("2h", hours=2))

    assert ["2h Wed 02-12 19:45"] == told(
        steps(at("2026-12-03 08:45"), at(LONG_BEFORE), plan, QUIET)
    )
    assert ["19h Wed 02-12 13:44", "2h Wed 02-12 19:45"] == told(
        steps(at("2026-12-03 08:44"), at(LONG_BEFORE), plan, QUIET)
    )


def test_steps_at_the_same_moment_are_one():
    plan = (PlanStep("1d", days=1), PlanStep("24h", hours=24))

    assert 1 == len(steps(at("2026-12-03 15:00"), at(LONG_BEFORE), plan, NEVER_QUIET))


def test_a_day_and_24_hours_differ_by_the_hour_of_the_change():
    """One day before 09:00 is 09:00; 24 hours before is 10:00 in autumn and 08:00 in spring."""
    plan = (PlanStep("1d", days=1), PlanStep("24h", hours=24))

    assert ["1d Sat 24-10 09:00", "24h Sat 24-10 10:00"] == told(
        steps(at("2026-10-25 09:00"), at(LONG_BEFORE), plan, NEVER_QUIET)
    )
    assert ["24h Sat 27-03 08:00", "1d Sat 27-03 09:00"] == told(
        steps(at("2027-03-28 09:00"), at(LONG_BEFORE), plan, NEVER_QUIET)
    )


def test_the_order_of_a_plan_does_not_matter():
    begins, known = at("2026-12-03 14:30"), at(LONG_BEFORE)

    assert steps(begins, known, USUAL, QUIET) == steps(begins, known, USUAL[::-1], QUIET)


def test_the_shipped_plan_is_the_usual_one():
    assert USUAL == gemeente().plan()


def test_a_plan_without_steps_reminds_of_nothing():
    assert [] == steps(at("2026-12-03 14:30"), at("2026-12-01 10:00"), (), QUIET)


STARTS = st.one_of(
    st.datetimes(
        datetime.fromisoformat("2026-01-01"),
        datetime.fromisoformat("2028-01-01"),
        timezones=st.just(UTC),
    ),
    st.datetimes(
        datetime.fromisoformat("2026-10-24"),
        datetime.fromisoformat("2026-11-02"),
        timezones=st.just(UTC),
    ),
    st.datetimes(
        datetime.fromisoformat("2027-03-27"),
        datetime.fromisoformat("2027-04-05"),
        timezones=st.just(UTC),
    ),
)
"""Any start; often one in the week after the clocks change."""

EARLIER = st.timedeltas(timedelta(days=-1), timedelta(days=12))
RESTS = st.sampled_from(
    [
        QUIET,
        NEVER_QUIET,
        QuietHours.parse("21:30-08:00"),
        QuietHours.parse("01:30-02:30,18:00-07:15"),
        QuietHours.parse("12:00-13:00,20:00-09:00,vrijdag,zaterdag,zondag"),
        QuietHours.parse("09:10-09:00"),
    ]
)
PLANS = st.one_of(
    st.just(USUAL),
    st.lists(
        st.one_of(
            st.integers(1, 14).map(lambda days: PlanStep(f"{days}d", days=days)),
            st.integers(1, 48).map(lambda hours: PlanStep(f"{hours}h", hours=hours)),
        ),
        unique=True,
        max_size=5,
    ).map(tuple),
)


@given(STARTS, EARLIER, PLANS, RESTS, st.booleans())
@example(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), timedelta(days=1), USUAL, QUIET, False)
@example(datetime(2027, 3, 28, 1, 0, tzinfo=UTC), timedelta(days=1), USUAL, QUIET, False)
def test_whatever_is_planned_every_promise_holds(begins, earlier, plan, quiet, told):
    known = begins - earlier
    reminders = steps(begins, known, plan, quiet, told=told)
    due = {step.label: step.due(begins) for step in plan}
    made_up = [step for step in reminders if quiet.last_open(due[step.label]) <= known]
    event(f"made up for: {len(made_up)}, ahead: {min(3, len(reminders) - len(made_up))}")

    assert reminders == steps(begins, known, plan, quiet, told=told)
    assert all(step.at.tzinfo is UTC for step in reminders)
    assert [] == [step for step in reminders if quiet.is_quiet(step.at)]
    assert [] == [step for step in reminders if not known <= step.at < begins]
    assert len(reminders) == len({step.label for step in reminders})

    # a step is never later than the plan says, unless it is made up for; that is the first
    assert [] == [step for step in reminders if step.at > due[step.label] and step not in made_up]
    assert made_up == ([] if told else reminders[: len(made_up)])
    assert len(made_up) <= 1
    for step in made_up:
        assert quiet.next_open(known) == step.at
        assert begins - step.at > TOO_CLOSE

    for step, following in pairwise(reminders):
        apart = following.at - step.at
        if step in made_up:
            assert apart > TOO_CLOSE
        elif (due[step.label], due[following.label]) == (step.at, following.at):
            assert apart > timedelta()
        else:
            assert apart > TOGETHER


@given(STARTS, PLANS, RESTS)
def test_who_is_known_long_before_gets_the_last_step_of_the_plan(begins, plan, quiet):
    """Whatever is thinned, the word nearest the start remains."""
    reminders = steps(begins, begins - timedelta(days=60), plan, quiet)

    assert bool(plan) == bool(reminders)
    if plan:
        nearest = max(plan, key=lambda step: (step.due(begins), step.label))
        assert Step(nearest.label, quiet.last_open(nearest.due(begins))) == reminders[-1]


@given(STARTS, RESTS)
def test_a_reminder_leaves_in_time_to_arrive_before_the_rest(begins, quiet):
    """Unless the open hours themselves are shorter than the margin."""
    for step in steps(begins, begins - timedelta(days=60), USUAL, quiet):
        moved = step.at != {plan.label: plan.due(begins) for plan in USUAL}[step.label]
        opened = quiet.is_quiet(step.at - timedelta.resolution)
        if moved and not opened:
            assert not quiet.is_quiet(step.at + MARGIN - timedelta.resolution)
            assert quiet.is_quiet(step.at + MARGIN)
