"""A pattern of the plan is a program that every label is fed to: none may run for ever."""

from __future__ import annotations

import pytest

from mes.plan.patterns import runs_away


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+", "(a*)*b", "(?:a|aa)+", "(a|b|ab)*c", "(.*)*", "(?P<serial>(x+x+)+y)", r"(\d+)*-", "((ab?)+)+",
        "(a{1,40}){2}",
        ".*.*.*.*x", r"(.+)\1+", "(?=a+)a+", "(?!b)a*", "a" * 201, "(?:(?:a?){30})(?:a{30})", "(?:a+?)+?b",
    ],
)  # fmt: skip
def test_what_could_try_a_label_in_endless_ways_is_refused(pattern: str) -> None:
    assert runs_away(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^CH(?P<serial>\d{6})$", r"^SCREW-M6/(?P<lot>\d\d-\d{3})$", "(?P<lot>.+);.*;Q=[0-9]+",
        "(?:[0-9]{4}-){2}(?P<serial>[0-9]{4})",
        "(A|B)?(?P<serial>[A-Z0-9]+)", r"P=.+;(?P<lot>[^;]{1,12})", "",
    ],
)  # fmt: skip
def test_what_suppliers_labels_look_like_is_taken(pattern: str) -> None:
    assert not runs_away(pattern)
