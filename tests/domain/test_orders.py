"""The life of a work order: what may follow what, what the floor does to it, and what stands against closing it."""

from __future__ import annotations

import pytest

from mes.domain.orders import ORDER_LIFE, ORDER_STATES, Standing, after, on_floor, preflight


def test_every_state_that_follows_has_a_name_in_both_languages() -> None:
    for event, steps in ORDER_LIFE.items():
        for state in (*steps, *steps.values()):
            assert {"fr", "en"} <= ORDER_STATES[state].keys(), event


@pytest.mark.parametrize("event", list(ORDER_LIFE))
@pytest.mark.parametrize("state", ["closed", "cancelled"])
def test_nothing_follows_the_end_of_an_order(event: str, state: str) -> None:
    assert after(event, state) is None


def test_a_hold_gives_back_the_state_that_it_has_interrupted() -> None:
    assert after("OrderResumed", "on_hold", held_from="released") == "released"
    assert after("OrderResumed", "on_hold", held_from="in_work") == "in_work"


def test_a_resumed_order_of_which_the_last_unit_was_finished_meanwhile_is_completed() -> None:
    assert after("OrderResumed", "on_hold", held_from="in_work", left=0) == "completed"


def test_a_hold_of_an_older_version_resumes_to_work_as_it_did_then() -> None:
    assert after("OrderResumed", "on_hold", held_from="", left=0) == "in_work"


def test_a_held_order_can_be_cancelled_only_where_nothing_has_begun() -> None:
    assert after("OrderCancelled", "on_hold", held_from="released") == "cancelled"
    assert after("OrderCancelled", "on_hold", held_from="in_work") is None
    assert after("OrderCancelled", "on_hold") is None
    assert after("OrderCancelled", "in_work") is None


def test_the_first_arrival_puts_an_order_in_work_and_the_last_piece_completes_it() -> None:
    assert on_floor("released", "", begun=True, left=3) == ("in_work", "")
    assert on_floor("in_work", "", begun=False, left=0) == ("completed", "")
    assert on_floor("released", "", begun=True, left=0) == ("completed", "")


def test_what_happens_while_an_order_is_held_is_known_when_it_is_resumed() -> None:
    assert on_floor("on_hold", "released", begun=True, left=1) == ("on_hold", "in_work")
    assert on_floor("on_hold", "in_work", begun=False, left=0) == ("on_hold", "in_work")


def test_a_finished_unit_that_goes_back_puts_its_order_in_work_again() -> None:
    assert on_floor("completed", "", begun=False, left=1) == ("in_work", "")
    assert on_floor("on_hold", "completed", begun=False, left=1) == ("on_hold", "in_work")
    assert on_floor("closed", "", begun=False, left=1) == ("closed", "")


def test_nothing_stands_against_closing_an_order_that_is_whole() -> None:
    assert preflight(Standing("OF-1", quantity=4, good=4)) == []


def test_each_reason_against_closing_is_said_and_what_is_open_cannot_be_waived() -> None:
    found = preflight(Standing("OF-1", quantity=9, good=4, not_begun=2, in_work=3, ncs=("NC-1", "NC-2")))
    assert [a.reason for a in found] == ["close_not_begun", "close_in_work", "close_nc_open", "close_nc_open"]
    assert not any(a.waivable for a in found)


def test_pieces_that_will_never_come_can_be_waived_once_nothing_is_open() -> None:
    (only,) = preflight(Standing("OF-1", quantity=5, good=4))
    assert (only.reason, only.waivable, only.args["count"]) == ("close_missing", True, 1)
    assert [a.reason for a in preflight(Standing("OF-1", quantity=5, good=4, to_count=1))] == ["close_to_count"]
