"""Acceptance sampling: every cell of the master tables, and when inspection becomes harder or easier."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.sampling import (
    AQLS,
    LETTERS,
    LEVELS,
    Level,
    SamplingPlan,
    Series,
    Severity,
    after,
    code_letter,
    master_plan,
    plan_for,
    resumed,
)
from tests.domain.published import rows

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
SINGLE = master_plan("H", "1.0")  # 50, accepts 1
SEVERAL = master_plan("K", "1.0")  # 125, accepts 3; one step tighter, at 0.65, it would accept 2


@pytest.mark.parametrize("severity", SEVERITIES)
def test_every_cell_of_the_master_table_is_the_published_one(severity: Severity) -> None:
    wrong = []
    for row in (r for r in rows("iso_2859_1.csv") if r["severity"] == severity):
        for aql in AQLS:
            found = master_plan(row["letter"], aql, severity)
            if f"{found.size}/{found.accept}" != row[aql]:
                wrong.append((row["letter"], aql, found, row[aql]))
    assert wrong == []


@pytest.mark.parametrize(
    ("lot", "letters"),
    [(2, "AAAAAAB"), (8, "AAAAAAB"), (9, "AAAAABC"), (500, "BCDEFHJ"), (501, "CCEFGJK"), (10_000, "CDFGJLM"),
     (500_000, "DEGJMPQ"), (500_001, "DEHKNQR")],
)  # fmt: skip
def test_a_lot_has_the_letter_of_its_size_and_level(lot: int, letters: str) -> None:
    assert "".join(code_letter(lot, level) for level in LEVELS) == letters


def test_one_item_is_no_lot() -> None:
    with pytest.raises(ValueError, match="a lot of 1"):
        code_letter(1)


def test_a_lot_smaller_than_its_sample_is_looked_at_as_a_whole() -> None:
    assert plan_for(40, "0.15") == SamplingPlan("J", 40, 0, everything=True)
    assert plan_for(1_000, "1.0") == SamplingPlan("J", 80, 2)


def follow(series: Series, plan: SamplingPlan, found: list[int]) -> Series:
    for n in found:
        series = after(series, plan, "1.0", n)
    return series


def test_two_of_five_lots_not_accepted_make_inspection_tightened() -> None:
    assert follow(Series(), SINGLE, [2, 0, 0, 0, 2]).severity == "tightened"
    assert follow(Series(), SINGLE, [2, 2]).severity == "tightened"
    assert follow(Series(), SINGLE, [2, 0, 0, 0, 0, 2]).severity == "normal"


def test_five_accepted_lots_in_a_row_make_it_normal_again() -> None:
    tightened = Series("tightened")
    assert follow(tightened, SINGLE, [0, 0, 2, 0, 0, 0, 0]).severity == "tightened"
    assert follow(tightened, SINGLE, [0, 0, 2, 0, 0, 0, 0, 0]) == Series("normal")


def test_five_lots_not_accepted_under_tightened_inspection_stop_it_until_the_supplier_has_acted() -> None:
    stopped = follow(Series("tightened"), SINGLE, [2, 0, 2, 2, 0, 2, 2])
    assert stopped.stopped
    assert after(stopped, SINGLE, "1.0", 0) == stopped
    assert resumed(stopped) == Series("tightened")


def test_fifteen_good_lots_with_an_acceptance_number_of_one_make_inspection_reduced() -> None:
    assert follow(Series(), SINGLE, [0] * 14) == Series("normal", 28, (True,) * 5)
    assert follow(Series(), SINGLE, [0] * 15) == Series("reduced")


def test_with_larger_acceptance_numbers_only_lots_good_enough_for_the_next_tighter_aql_score() -> None:
    assert follow(Series(), SEVERAL, [2] * 9).score == 27
    assert follow(Series(), SEVERAL, [2] * 10).severity == "reduced"
    assert follow(Series(), SEVERAL, [2, 2, 3]).score == 0
    assert follow(Series(), SEVERAL, [2, 2, 4, 2]).score == 3


def test_unsteady_production_or_an_authority_that_does_not_want_it_keeps_inspection_normal() -> None:
    ready = follow(Series(), SINGLE, [0] * 14)
    assert after(ready, SINGLE, "1.0", 0, steady=False).severity == "normal"
    assert after(ready, SINGLE, "1.0", 0, wanted=False).severity == "normal"


def test_one_lot_not_accepted_or_unsteady_production_ends_reduced_inspection() -> None:
    reduced = Series("reduced")
    plan = master_plan("J", "1.0", "reduced")
    assert follow(reduced, plan, [0, 1, 0]).severity == "reduced"
    assert follow(reduced, plan, [plan.reject]) == Series("normal")
    assert after(reduced, plan, "1.0", 0, steady=False) == Series("normal")


CELLS = st.tuples(st.sampled_from(LETTERS[:-1]), st.sampled_from(AQLS), st.sampled_from(SEVERITIES))


@given(CELLS)
def test_a_looser_aql_never_accepts_less_of_the_same_sample(cell: tuple[str, str, Severity]) -> None:
    letter, aql, severity = cell
    found = master_plan(letter, aql, severity)
    for looser in AQLS[AQLS.index(aql) :]:
        other = master_plan(letter, looser, severity)
        assert other.size != found.size or other.accept >= found.accept
    assert found.reject == found.accept + 1


@given(CELLS, st.floats(0, 1), st.floats(0, 1))
def test_a_worse_lot_is_never_likelier_to_be_accepted(cell: tuple[str, str, Severity], a: float, b: float) -> None:
    found = master_plan(*cell)
    better, worse = sorted((a, b))
    assert found.chance(worse) <= found.chance(better) + 1e-9
    assert found.chance(0) == 1


@given(st.integers(2, 10**7), st.sampled_from(LEVELS), st.sampled_from(AQLS), st.sampled_from(SEVERITIES))
def test_no_more_items_are_looked_at_than_there_are(lot: int, level: Level, aql: str, severity: Severity) -> None:
    found = plan_for(lot, aql, level=level, severity=severity)
    assert found.size <= lot
    assert found.everything == (master_plan(code_letter(lot, level), aql, severity).size >= lot)
