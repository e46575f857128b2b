"""Nelson's rules: where each is broken, and one signal for each excursion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.spc import Chart, Point, groups, individuals
from mes.domain.spc_attributes import counts
from mes.domain.spc_rules import SPANS, Signal, signals
from tests.domain.published import column, piston_rings


def chart(zs: list[float | None]) -> Chart:
    points = tuple(Point(i, z, 1, 0.0, 1.0, -3.0, 3.0) for i, z in enumerate(zs))
    return Chart("i", points, frozenset(range(len(zs))))


def marked(rule: int, zs: list[float | None]) -> list[int]:
    """Numbers from 1 of the points at which a rule is broken."""
    return [i + 1 for s in signals(chart(zs), [rule]) for i in s.marked]


@pytest.mark.parametrize(
    ("rule", "zs", "at"),
    # The same sequences and points as in qcc's own tests (luca-scr/qcc, tests/testthat/test-rules.R).
    [
        (1, [0, 3.2, -3.4, 3], [2, 3]),
        (2, [0.5] * 10 + [-0.5] * 10, [9, 10, 19, 20]),
        (3, [1, 2, 3, 4, 5, 6, 7, 7, 6, 5, 4, 3, 2, 1], [6, 7, 13, 14]),
        (4, [1, 3, 2, 4, 3, 5, 4, 6, 5, 7, 6, 8, 7, 9, 8], [14, 15]),
        (5, [0, 2.3, 0.4, 2.2, -2.4, -0.2, -2.5], [4, 7]),
        (6, [1.2, 1.3, 0.2, 1.4, 1.5, -1.2, -1.3, -0.1, -1.4, -1.5], [5, 10]),
        (7, [0.3] * 16 + [1.2], [15, 16]),
        (8, [1.2, -1.3, 1.1, -1.4, 1.5, -1.2, 1.3, -1.1, 0.2], [8]),
        (8, [1.2] * 8, []),
    ],
)
def test_each_rule_is_broken_where_it_was_published(rule: int, zs: list[float | None], at: list[int]) -> None:
    assert marked(rule, zs) == at


def test_a_point_on_the_limit_or_on_the_centre_breaks_nothing() -> None:
    assert marked(1, [3.0, -3.0]) == []
    assert marked(2, [0.5] * 8 + [0.0] + [0.5] * 8) == []


def test_five_rising_points_are_not_six_and_two_beyond_two_sigma_at_the_start_are_not_two_of_three() -> None:
    assert marked(3, [1, 2, 3, 4, 5, 5]) == []
    assert marked(5, [2.5, 2.5]) == []


def test_a_point_without_a_value_breaks_the_row() -> None:
    assert marked(2, [0.5] * 5 + [None] + [0.5] * 5) == []


def test_an_excursion_is_one_signal_with_its_evidence() -> None:
    assert signals(chart([0.0, 3.5, 3.6, 0.0, 3.5]), [1]) == [
        Signal(1, 1, (1, 2), (1, 2)),
        Signal(1, 1, (4,), (4,)),
    ]
    assert signals(chart([0.5] * 12), [2]) == [Signal(2, 1, (8, 9, 10, 11), tuple(range(12)))]


def test_above_and_below_are_two_excursions_even_side_by_side() -> None:
    assert [(s.side, s.marked) for s in signals(chart([3.5, -3.5]), [1])] == [(1, (0,)), (-1, (1,))]


def test_counts_and_ranges_are_asked_the_first_four_rules_only() -> None:
    found = counts("c", [16, 14] * 15 + [40])
    assert {s.rule for s in signals(found)} <= {1, 2, 3, 4}
    assert signals(groups([[1.0, 2.0]] * 20).spread, [7]) == []


def test_piston_rings_go_up_from_group_thirty_five_on() -> None:
    found = signals(groups(piston_rings(), baseline=range(25)).location)
    assert [(s.rule, s.side, tuple(i + 1 for i in s.marked)) for s in found] == [
        (5, 1, (35, 37, 38, 39, 40)),
        (6, 1, (35, 38, 39, 40)),
        (1, 1, (37, 38, 39)),
    ]


def test_viscosity_without_its_odd_batch_shifts_up_later() -> None:
    values = column("viscosity.csv", "viscosity")
    found = signals(individuals(values[:3] + values[4:], baseline=range(19)).location)
    assert {s.rule for s in found} == {1, 2, 6, 8}


WALKS = st.lists(st.one_of(st.none(), st.integers(-400, 400).map(lambda v: v / 100)), max_size=60)


@given(WALKS)
def test_a_chart_upside_down_has_the_same_signals_on_the_other_side(zs: list[float | None]) -> None:
    up = signals(chart(zs))
    down = signals(chart([None if z is None else -z for z in zs]))
    assert sorted((s.rule, -s.side, s.marked, s.evidence) for s in down) == sorted(
        (s.rule, s.side, s.marked, s.evidence) for s in up
    )


@given(WALKS)
def test_marked_points_are_evidence_and_no_point_is_in_two_excursions_of_one_rule_and_side(
    zs: list[float | None],
) -> None:
    seen: set[tuple[int, int, int]] = set()
    for s in signals(chart(zs)):
        assert set(s.marked) <= set(s.evidence)
        assert s.evidence[-1] - s.evidence[0] < SPANS[s.rule] * max(1, len(s.marked)) + len(zs)
        assert not {(s.rule, s.side, i) for i in s.marked} & seen
        seen |= {(s.rule, s.side, i) for i in s.marked}
        assert all(zs[i] is not None for i in range(s.marked[0] - SPANS[s.rule] + 1, s.marked[0] + 1))
