"""When an order will be finished: what a step takes, which step decides, and which hours are worked."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from mes.domain.forecast import StepTime, step_time, work_left_s, working_end
from mes.domain.route import Break, Shift
from tests.server.small_plan import small_plan, text

PARIS = ZoneInfo("Europe/Paris")
WEEK = ("mon", "tue", "wed", "thu", "fri")
DAY = Shift(
    id="day", name=text("Jour"), start="08:00", end="16:00", days=WEEK, breaks=(Break(start="12:00", end="13:00"),)
)
NIGHT = Shift(id="night", name=text("Nuit"), start="22:00", end="06:00", days=WEEK)
H = 3600.0
GEN = small_plan().products[0]
TIMES = {"fit": StepTime(60, True), "test": StepTime(600, True), "look": StepTime(30, False)}


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=PARIS)


def test_five_finished_visits_are_enough_for_a_median_and_four_are_not() -> None:
    assert step_time([50, 60, 70, 80, 9_000], 600) == StepTime(70, True)
    assert step_time([50, 60, 70, 80], 600) == StepTime(600, False)


def test_the_slowest_step_decides_and_the_last_piece_still_has_to_pass_the_others() -> None:
    left = {"fit": 10, "test": 10, "look": 10}
    assert work_left_s(GEN, left, TIMES, {"fit": 1, "test": 1, "look": 1}) == 10 * 600 + 60 + 30


def test_more_places_share_the_pieces_but_one_piece_needs_one_place() -> None:
    assert work_left_s(GEN, {"test": 10}, TIMES, {"test": 5}) == 2 * 600
    assert work_left_s(GEN, {"test": 1}, TIMES, {"test": 5}) == 600


def test_nothing_left_takes_no_time() -> None:
    assert work_left_s(GEN, {"fit": 0, "test": 0, "look": 0}, TIMES, {}) == 0


def test_work_stops_at_the_end_of_the_shift_and_in_its_breaks() -> None:
    assert working_end(at(23, 9), 2 * H, [DAY], PARIS) == at(23, 11)
    assert working_end(at(23, 11), 2 * H, [DAY], PARIS) == at(23, 14)
    assert working_end(at(23, 15), 2 * H, [DAY], PARIS) == at(24, 9)


def test_a_weekend_is_passed_over() -> None:
    assert working_end(at(27, 15), 2 * H, [DAY], PARIS) == at(30, 9)


def test_a_night_shift_ends_on_the_next_day() -> None:
    assert working_end(at(24, 3), 4 * H, [NIGHT], PARIS) == at(24, 23)


def test_without_shifts_every_hour_counts_and_what_is_too_far_away_has_no_date() -> None:
    assert working_end(at(23, 9), 2 * H, [], PARIS) == at(23, 11)
    assert working_end(at(23, 9), 1e9, [DAY], PARIS) is None
    assert working_end(at(23, 9), 1e9, [], PARIS) is None


def test_the_night_in_which_the_clock_goes_back_has_an_hour_more_to_work_in() -> None:
    start = datetime(2026, 10, 24, 22, tzinfo=PARIS)  # a Saturday
    all_week = NIGHT.model_copy(update={"days": (*WEEK, "sat", "sun")})
    assert working_end(start, 9 * H, [all_week], PARIS) == datetime(2026, 10, 25, 6, tzinfo=PARIS)
