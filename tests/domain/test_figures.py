"""Which figures by step may be shown."""

from __future__ import annotations

import pytest

from mes.domain.figures import LEAST_PEOPLE, may_be_shown


def test_what_tests_have_said_of_units_is_shown_whoever_did_them() -> None:
    assert may_be_shown("product")
    assert may_be_shown("product", people=1)


@pytest.mark.parametrize("people", range(10))
def test_a_figure_of_work_is_shown_for_five_people_and_more(people: int) -> None:
    assert may_be_shown("work", people) is (people >= 5)
    assert LEAST_PEOPLE == 5


def test_a_figure_of_work_of_who_knows_how_many_is_not_shown() -> None:
    assert not may_be_shown("work")
