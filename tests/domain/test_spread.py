"""Durations in buckets: a quantile is as near as promised, and sums of distributions are distributions."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.spread import ERROR, LEAST_S, bucket, edges, quantile

durations = st.floats(LEAST_S, 3e7)


@given(durations)
def test_a_duration_lies_in_its_bucket(seconds: float) -> None:
    low, high = edges(bucket(seconds))
    assert low * (1 - 1e-9) <= seconds <= high * (1 + 1e-9)


@given(st.lists(durations, min_size=1, max_size=50), st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_a_quantile_is_within_its_error(taken: list[float], share: float) -> None:
    found = quantile(Counter(map(bucket, taken)), share)
    exact = next(s for i, s in enumerate(sorted(taken), 1) if i >= share * len(taken))
    assert found == pytest.approx(exact, rel=ERROR * 1.001 + 1e-9)


def test_nothing_counted_has_no_quantile_and_what_is_very_short_has_the_first_bucket() -> None:
    assert quantile({}, 0.5) is None
    assert bucket(0.0) == bucket(-3.0) == bucket(LEAST_S) == 0
