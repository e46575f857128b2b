"""A chart that is watched: the same signals as on the whole chart, one reading after another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mes.domain.spc_rules import RULES, signals
from mes.domain.spc_watch import KEPT, broken, drawn, onward, over

STEPS = st.lists(st.sampled_from([-3.5, -2.2, -1.2, -0.3, 0.3, 1.2, 2.2, 3.5]), min_size=1, max_size=60)


@given(STEPS)
def test_the_last_readings_say_of_the_newest_one_what_the_whole_chart_says(values: list[float]) -> None:
    whole = signals(drawn(values, centre=0.0, sigma=1.0).location)
    for end in range(len(values)):
        kept = values[max(0, end + 1 - KEPT) : end + 1]
        found = {(b.rule, b.side) for b in broken(kept, RULES, centre=0.0, sigma=1.0) if b.chart == "i"}
        assert found == {(s.rule, s.side) for s in whole if end in s.marked}


def test_a_jump_between_two_readings_inside_the_limits_is_seen_by_the_moving_range() -> None:
    (jump,) = broken([0.1, -2.9, 2.9], [1], centre=0.0, sigma=1.0)
    assert (jump.name, jump.evidence) == ("mr1", (1, 2))
    assert broken([], [1], centre=0.0, sigma=1.0) == []


def test_an_excursion_is_over_when_each_of_its_rules_was_kept_for_its_own_length() -> None:
    (beyond,) = (b for b in broken([3.5], [1], centre=0.0, sigma=1.0) if b.chart == "i")
    since = onward({}, [beyond])
    assert not over(since)
    assert over(onward(since, []))
    run = broken([0.5] * 9, [2], centre=0.0, sigma=1.0)
    since = onward(onward({}, [beyond]), run)
    for _ in range(8):
        since = onward(since, [])
        assert not over(since), "nine in a row are asked, and the shift may go on"
    assert over(onward(since, []))
