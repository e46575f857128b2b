"""How an instrument stands on a day, and what that makes of a run: pure decisions."""

from __future__ import annotations

import pytest

from mes import wire
from mes.domain.calibration import (
    FIT,
    Calibration,
    Instrument,
    Named,
    by_policy,
    fitness,
    measured_by,
    standing,
    together,
)
from mes.domain.days import after, start_of
from mes.domain.gate import Answer

HISTORY = (
    Calibration(1, "2025-01-10", "good", "2026-01-10"),
    Calibration(2, "2026-02-01", "unfit", None),
    Calibration(3, "2026-02-05", "good", "2027-02-05"),
    Calibration(4, "2026-02-05", "good", "2026-08-05"),  # the second of a day corrects the first
)


@pytest.mark.parametrize(
    ("day", "state", "since", "until"),
    [
        ("2025-01-09", "new", "", ""),
        ("2025-01-10", "good", "", "2026-01-10"),
        ("2026-01-31", "good", "", "2026-01-10"),
        ("2026-02-01", "unfit", "2026-02-01", ""),
        ("2026-02-04", "unfit", "2026-02-01", ""),
        ("2026-02-05", "good", "", "2026-08-05"),
    ],
)
def test_the_latest_calibration_by_that_day_counts(day: str, state: str, since: str, until: str) -> None:
    found = standing("X", HISTORY, day)
    assert (found.state, found.since, found.until) == (state, since, until)


@pytest.mark.parametrize(
    ("day", "state"),
    [("2026-03-01", "good"), ("2026-03-02", "retired"), ("2026-03-04", "retired"), ("2026-03-05", "good")],
)
def test_it_is_out_of_use_from_the_day_it_was_taken_out_to_the_day_before_it_came_back(day: str, state: str) -> None:
    assert standing("X", HISTORY, day, retired_on="2026-03-02", returned_on="2026-03-05").state == state


@pytest.mark.parametrize(
    ("known", "own", "reason"),
    [
        (Instrument("X", "good", until="2026-03-01"), "", "ok"),
        (Instrument("X", "good", until="2026-02-28"), "2099-01-01", "instrument_overdue"),
        (Instrument("X", "unfit", since="2026-02-28"), "2099-01-01", "instrument_unfit"),
        (Instrument("X", "retired", since="2026-02-28"), "2099-01-01", "instrument_retired"),
        (Instrument("X", "new"), "2026-03-01", "ok"),
        (Instrument("X", "new"), "2026-02-28", "instrument_overdue"),
        (None, "2026-03-01", "ok"),
        (None, "2026-02-28", "instrument_overdue"),
        (None, "", "instrument_unknown"),
    ],
)
def test_the_register_is_asked_first_and_the_stations_file_where_it_says_nothing(
    known: Instrument | None, own: str, reason: str
) -> None:
    answer = fitness(Named("X", "S", own), known, "2026-03-01")
    assert (answer.go, answer.reason) == (reason == "ok", reason)


def test_the_plant_decides_what_an_unfit_instrument_does() -> None:
    unfit = Answer(False, "instrument_unfit", {"instrument": "X"})
    assert by_policy(unfit, "stop") == unfit
    assert by_policy(unfit, "warn") == Answer(True, "instrument_unfit_warn", {"instrument": "X"})
    assert by_policy(unfit, "off") == FIT
    assert by_policy(FIT, "warn") == FIT


def test_of_several_instruments_one_that_stops_is_named_before_one_that_warns() -> None:
    warns, stops = Answer(True, "instrument_unfit_warn"), Answer(False, "instrument_overdue")
    assert together([FIT, warns, stops]) == stops
    assert together([FIT, warns]) == warns
    assert together([]) == FIT


def test_a_reading_without_a_number_says_nothing_of_an_instrument() -> None:
    reading = wire.Measurement(test="a", outcome="passed", value=1.0)
    assert measured_by([reading], {}, "2026-03-01", "stop") == FIT


def test_a_day_of_the_site_begins_at_its_own_midnight() -> None:
    assert start_of("2026-07-01", "Europe/Paris") == "2026-06-30T22:00:00.000Z"
    assert start_of("2026-12-01", "Europe/Paris") == "2026-11-30T23:00:00.000Z"
    assert after("2026-12-31") == "2027-01-01"
