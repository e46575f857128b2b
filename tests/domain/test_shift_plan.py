"""What a shift has to make: shares of orders by their last day, what fits, and the pace of the rest."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from mes.domain.route import Break, Shift, Text
from mes.domain.shift_plan import Need, Output, output, planned, together
from mes.domain.shifts import Worked, shift_at

PARIS = ZoneInfo("Europe/Paris")
WEEK = ("mon", "tue", "wed", "thu", "fri")
NAME = Text(fr="x", en="x")
DAY = Shift(id="day", name=NAME, start="08:00", end="16:30", days=WEEK, breaks=(Break(start="12:00", end="12:30"),))
NIGHT = Shift(id="night", name=NAME, start="22:00", end="06:00", days=WEEK)
MONDAY = date(2026, 11, 23)


def at(hour: int, minute: int = 0, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=PARIS).astimezone(UTC)


def working(shift: Shift = DAY, when: datetime | None = None) -> Worked:
    found = shift_at((shift,), PARIS, when or at(9))
    assert found is not None
    return found


def plan(
    *needs: tuple[int, date | None], fits: int = 1000, shift: Shift = DAY, when: datetime | None = None
) -> int | None:
    made = [Need(pieces, due) for pieces, due in needs]
    return planned(made, working(shift, when), (shift,), PARIS, fits)


@pytest.mark.parametrize(
    ("due", "wanted"),
    [
        (date(2026, 11, 20), 100),  # late already
        (MONDAY, 100),
        (date(2026, 11, 24), 50),
        (date(2026, 11, 27), 20),  # the fifth of five days
        (date(2026, 11, 29), 20),  # nobody works at the weekend
        (date(2026, 11, 30), 17),  # a sixth, rounded up: 16 would be late
    ],
)
def test_what_is_needed_is_shared_out_over_the_working_time_until_its_last_day(due: date, wanted: int) -> None:
    assert plan((100, due)) == wanted


def test_shares_of_orders_add_up_before_they_are_rounded_and_no_more_is_planned_than_fits() -> None:
    assert plan((1, date(2026, 11, 24)), (1, date(2026, 11, 24))) == 1
    assert plan((100, MONDAY), (10, date(2026, 11, 24))) == 105
    assert plan((100, MONDAY), fits=40) == 40


def test_an_order_without_a_last_day_plans_nothing() -> None:
    assert plan((100, None)) is None
    assert plan() is None
    assert plan((100, None), (10, MONDAY)) == 10


def test_a_night_shift_ends_after_midnight_and_is_a_part_of_what_is_due_the_next_day() -> None:
    night = at(23)
    assert plan((80, MONDAY), shift=NIGHT, when=night) == 80, "the part before midnight is all that is left of the day"
    assert plan((80, date(2026, 11, 24)), shift=NIGHT, when=night) == 64, "8 of the 10 hours until midnight"


def test_the_pace_is_what_the_rest_of_the_shift_needs_without_its_break() -> None:
    assert output(10, 50, working(), at(11, 30)) == Output(10, 50, 40 / 4.5)
    assert output(10, 50, working(), at(12, 15)) == Output(10, 50, 10.0)
    assert output(50, 50, working(), at(9)) == Output(50, 50, None)
    assert output(10, 50, working(), at(16, 30)) == Output(10, 50, None)
    assert output(10, None, working(), at(9)) == Output(10, None, None)


def test_products_side_by_side_add_up_and_one_does_not_make_up_for_the_other() -> None:
    assert together([]) is None
    ahead, behind, free = Output(30, 20), Output(5, 20, 3.0), Output(4)
    assert together([ahead, behind, free]) == Output(39, 40, 3.0)
    assert together([free]) == Output(4)
