"""The shift calendar: planned time without breaks, nights over midnight, and the two nights when the clock moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.route import Break, Shift
from mes.domain.shifts import planned_busy_s, planned_output, planned_stretches, shift_at, worked
from tests.server.small_plan import text

PARIS = ZoneInfo("Europe/Paris")
H = 3600.0
WEEK = ("mon", "tue", "wed", "thu", "fri")
ALL = (*WEEK, "sat", "sun")
MORNING = Shift(
    id="morning", name=text("Matin"), start="06:00", end="13:30", days=WEEK, breaks=(Break(start="09:30", end="09:50"),)
)
AFTERNOON = Shift(id="afternoon", name=text("Après-midi"), start="13:30", end="21:00", days=WEEK)
NIGHT = Shift(
    id="night", name=text("Nuit"), start="22:00", end="06:00", days=ALL, breaks=(Break(start="01:30", end="02:00"),)
)
TWO = (MORNING, AFTERNOON)


def at(month: int, day: int, hour: int, minute: int = 0, *, year: int = 2026, fold: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=PARIS, fold=fold)


def test_a_break_is_outside_the_planned_time() -> None:
    assert planned_busy_s(TWO, PARIS, at(11, 25, 0), at(11, 26, 0)) == 15 * H - 20 * 60
    assert planned_busy_s(TWO, PARIS, at(11, 25, 9), at(11, 25, 10)) == 40 * 60
    assert planned_busy_s(TWO, PARIS, at(11, 25, 9, 30), at(11, 25, 9, 50)) == 0


def test_a_weekend_and_a_plant_without_shifts_have_no_planned_time() -> None:
    assert planned_busy_s(TWO, PARIS, at(11, 28, 0), at(11, 30, 0)) == 0
    assert planned_busy_s((), PARIS, at(11, 25, 0), at(11, 26, 0)) == 0


def test_a_moment_belongs_to_the_shift_that_has_begun() -> None:
    def name(moment: datetime) -> str | None:
        found = shift_at(TWO, PARIS, moment)
        return found.shift.id if found else None

    assert [name(at(11, 25, h, m)) for h, m in ((5, 59), (6, 0), (9, 40), (13, 29), (13, 30), (20, 59), (21, 0))] == [
        None, "morning", "morning", "morning", "afternoon", "afternoon", None,
    ]  # fmt: skip


def test_where_shifts_overlap_the_later_one_is_at_work_and_the_hour_is_planned_once() -> None:
    late = AFTERNOON.model_copy(update={"start": "13:00"})
    found = shift_at((MORNING, late), PARIS, at(11, 25, 13, 15))
    assert found is not None
    assert found.shift.id == "afternoon"
    assert planned_busy_s((MORNING, late), PARIS, at(11, 25, 12), at(11, 25, 15)) == 3 * H


def test_a_night_shift_belongs_to_the_day_on_which_it_began() -> None:
    found = shift_at((NIGHT,), PARIS, at(11, 25, 3))
    assert found is not None
    assert (found.day, found.planned_s) == (date(2026, 11, 24), 7.5 * H)
    assert planned_busy_s((NIGHT,), PARIS, at(11, 25, 1), at(11, 25, 3)) == 1.5 * H


def test_the_night_in_which_the_clock_goes_forward_is_an_hour_shorter() -> None:
    # 29 March 2026: 02:00 becomes 03:00.
    night = worked((NIGHT,), PARIS, at(3, 29, 0), at(3, 29, 1))[0]
    assert ((night.end - night.start).total_seconds(), night.planned_s) == (7 * H, 6.5 * H)
    assert planned_busy_s((NIGHT,), PARIS, at(3, 29, 1), at(3, 29, 4)) == 1.5 * H


def test_the_night_in_which_the_clock_goes_back_is_an_hour_longer() -> None:
    # 25 October 2026: 03:00 becomes 02:00; the hour from two to three is there twice, and worked twice.
    night = worked((NIGHT,), PARIS, at(10, 25, 0), at(10, 25, 1))[0]
    assert ((night.end - night.start).total_seconds(), night.planned_s) == (9 * H, 8.5 * H)
    for fold in (0, 1):
        found = shift_at((NIGHT,), PARIS, at(10, 25, 2, 30, fold=fold))
        assert found is not None
        assert found.day == date(2026, 10, 24)
    assert planned_busy_s((NIGHT,), PARIS, at(10, 25, 2), at(10, 25, 3)) == 2 * H


def test_a_break_that_the_clock_leaves_out_costs_nothing() -> None:
    pause = NIGHT.model_copy(update={"breaks": (Break(start="02:00", end="03:00"),)})
    night = worked((pause,), PARIS, at(3, 29, 0), at(3, 29, 1))[0]
    assert night.planned_s == 7 * H


def test_a_day_of_the_plant_has_23_24_or_25_planned_hours_when_work_never_stops() -> None:
    always = Shift(id="always", name=text("Toujours"), start="00:00", end="00:00", days=ALL)
    days = [(3, 29), (10, 25), (11, 25)]
    hours = [planned_busy_s((always,), PARIS, at(m, d, 0), at(m, d + 1, 0)) / H for m, d in days]
    assert hours == [23, 25, 24]


def test_planned_output_is_whole_pieces_at_each_place() -> None:
    assert planned_output(7.5 * H, 600) == 45
    assert planned_output(7.5 * H, 599, places=2) == 90
    assert planned_output(0, 600) == 0


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda d: d.replace(tzinfo=UTC))  # noqa: DTZ001


@given(MOMENTS, st.integers(0, 5_000), st.integers(0, 5_000))
def test_planned_time_adds_up_wherever_an_interval_is_cut(start: datetime, first: int, then: int) -> None:
    shifts = (MORNING, AFTERNOON, NIGHT)
    middle, end = start + timedelta(minutes=first), start + timedelta(minutes=first + then)
    whole = planned_busy_s(shifts, PARIS, start, end)
    parts = planned_busy_s(shifts, PARIS, start, middle) + planned_busy_s(shifts, PARIS, middle, end)
    assert whole == pytest.approx(parts)
    assert 0 <= whole <= (end - start).total_seconds()


@given(MOMENTS)
def test_planned_time_lies_within_a_shift(moment: datetime) -> None:
    shifts = (MORNING, AFTERNOON, NIGHT)
    for start, end in planned_stretches(shifts, PARIS, moment, moment + timedelta(days=2)):
        assert start < end
        assert shift_at(shifts, PARIS, start) is not None
        assert shift_at(shifts, PARIS, end - timedelta(seconds=1)) is not None
