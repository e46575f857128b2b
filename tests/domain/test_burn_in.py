"""Burn-in by samples: which time counts, and when what was read ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from mes.domain.burn_in import Burn, begun, due_s, left_s, sampled
from mes.wire import Outcome

MINUTE = 60_000


def after(*samples: tuple[int, str], boot: str = "a") -> Burn:
    """A burn-in that began at minute 0 after these samples (minute, outcome), planned every 5 minutes."""
    burn = begun(None, boot=boot, mono_ms=0)
    for minute, outcome in samples:
        burn = sampled(burn, cast(Outcome, outcome), sample_s=300, boot="a", mono_ms=minute * MINUTE)
    return burn


def test_the_time_from_one_good_sample_to_the_next_counts() -> None:
    assert after((5, "passed"), (10, "passed")).ran_ms == 10 * MINUTE
    assert left_s(after((5, "passed"), (10, "passed")), 3600) == 3000


def test_time_that_no_sample_has_proved_yet_does_not_count() -> None:
    assert (after().ran_ms, left_s(after(), 3600), left_s(None, 3600)) == (0, 3600, 3600)


def test_one_missed_sample_is_bridged_and_two_are_not() -> None:
    assert after((5, "passed"), (15, "passed")).ran_ms == 15 * MINUTE
    assert after((5, "passed"), (20, "passed"), (25, "passed")).ran_ms == 10 * MINUTE


def test_a_sample_that_measured_nothing_says_nothing() -> None:
    assert after((5, "passed"), (10, "error"), (15, "passed")).ran_ms == 15 * MINUTE
    assert after((5, "passed"), (10, "error"), (15, "timeout"), (20, "passed")).ran_ms == 5 * MINUTE
    assert after((5, "error"), (10, "passed")).samples == 2


def test_time_across_a_power_cut_does_not_count_and_what_was_counted_stays() -> None:
    before = replace(after((5, "passed"), (10, "passed")), boot="before")
    again = sampled(before, "passed", sample_s=300, boot="a", mono_ms=2 * MINUTE)
    assert (again.ran_ms, again.samples, again.boot) == (10 * MINUTE, 3, "a")
    assert sampled(again, "passed", sample_s=300, boot="a", mono_ms=7 * MINUTE).ran_ms == 15 * MINUTE


def test_time_that_ends_with_a_sample_beyond_the_limits_does_not_count() -> None:
    assert after((5, "passed"), (10, "failed"), (11, "passed")).ran_ms == 6 * MINUTE


def test_one_sample_beyond_the_limits_is_taken_again_soon_and_two_in_a_row_end_it() -> None:
    once = after((5, "passed"), (10, "failed"))
    assert (once.ended, due_s(once, 300), due_s(once, 3)) == (False, 10, 3)
    assert after((5, "failed"), (6, "failed")).ended
    assert not after((5, "failed"), (6, "passed"), (11, "failed")).ended


def test_a_sample_that_measured_nothing_does_not_excuse_the_one_before() -> None:
    assert after((5, "failed"), (6, "error"), (7, "failed")).ended


@pytest.mark.parametrize("minute", [4, 5])
def test_a_clock_that_stands_still_or_runs_back_counts_nothing(minute: int) -> None:
    assert after((5, "passed"), (minute, "passed")).ran_ms == 5 * MINUTE


def test_a_new_stay_begins_at_nothing_and_numbers_its_samples_on() -> None:
    again = begun(after((5, "passed"), (10, "failed")), boot="b", mono_ms=7)
    assert again == Burn(samples=2, ran_ms=0, boot="b", mono_ms=7, out=0)
