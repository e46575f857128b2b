"""The life of a nonconformity: no item without a decision, no rework without a new pass, no concession below zero."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain import nonconformity as rules
from mes.domain.nonconformity import Case, Concession, Item, Refused

UNIT = Case(items=(Item(1, "unit", "A-1"),))
PIECES = Case(items=(Item(1, "pieces", "OF-1", 20),))


def went(answer: Case | Refused) -> Case:
    assert isinstance(answer, Case), answer
    return answer


def refused(answer: Any) -> str:
    assert isinstance(answer, Refused), answer
    return answer.reason


def test_every_state_and_every_disposition_has_a_word_in_both_languages() -> None:
    for words in (*rules.NAMES.values(), *rules.DISPOSITIONS.values()):
        assert set(words) == {"fr", "en"}
    assert set(rules.NAMES) == set(rules.STATES)
    assert set(rules.DISPOSITIONS) == set(rules.STAGES)


def test_the_state_follows_what_is_done_from_open_to_closed() -> None:
    case = PIECES
    states = [case.state]
    for step in (
        rules.contain,
        rules.analyse,
        lambda c: rules.decide(c, 1, "rework"),
        lambda c: rules.treat(c, 1),
        lambda c: rules.reverify(c, 1, passed=True),
        rules.close,
    ):
        case = went(step(case))
        states.append(case.state)
    assert states == ["open", "contained", "analysed", "in_treatment", "to_reverify", "decided", "closed"]


def test_one_undecided_item_keeps_the_whole_open() -> None:
    case = went(rules.add(UNIT, "unit", "A-2", precaution=True))
    case = went(rules.decide(case, 1, "scrap"))
    assert case.state == "open"
    assert refused(rules.close(case)) == "nc_item_undecided"


def test_a_unit_in_rework_is_settled_by_the_floor_and_by_no_word() -> None:
    case = went(rules.decide(UNIT, 1, "rework"))
    assert refused(rules.treat(case, 1)) == "nc_on_route"
    assert refused(rules.reverify(case, 1, passed=True)) == "nc_item_not_treated"
    assert rules.on_floor(case, "A-2", passed=True) == case
    assert went(rules.close(rules.on_floor(case, "A-1", passed=True))).state == "closed"


def test_rework_that_fails_again_waits_for_a_new_decision() -> None:
    case = rules.on_floor(went(rules.decide(UNIT, 1, "rework")), "A-1", passed=False)
    assert (case.state, case.items[0].state, case.items[0].disposition) == ("open", "undecided", None)


def test_a_unit_that_was_held_as_a_precaution_and_is_not_confirmed_is_free_at_once() -> None:
    case = Case(items=(Item(1, "unit", "A-1", precaution=True),))
    assert went(rules.decide(case, 1, "not_confirmed")).items[0].state == "settled"


def test_sorting_leaves_the_bad_pieces_without_a_decision() -> None:
    case = went(rules.treat(went(rules.decide(PIECES, 1, "sort")), 1, bad=3))
    assert [(i.quantity, i.state) for i in case.items] == [(17, "settled"), (3, "undecided")]
    assert refused(rules.treat(went(rules.decide(PIECES, 1, "sort")), 1, bad=21)) == "nc_sorted"


def test_use_as_is_needs_a_concession() -> None:
    assert refused(rules.decide(UNIT, 1, "use_as_is")) == "nc_needs_concession"
    assert went(rules.decide(UNIT, 1, "use_as_is", concession=True)).state == "decided"


@pytest.mark.parametrize(("kind", "disposition"), [("unit", "return"), ("process", "scrap"), ("complaint", "sort")])
def test_a_decision_must_fit_what_it_is_about(kind: Any, disposition: Any) -> None:
    assert refused(rules.decide(Case(items=(Item(1, kind, "X"),)), 1, disposition)) == "nc_not_for_this"


def test_a_decision_is_taken_once() -> None:
    assert refused(rules.decide(went(rules.decide(UNIT, 1, "scrap")), 1, "rework")) == "nc_item_decided"


def test_what_was_decided_is_closed_and_not_cancelled() -> None:
    assert went(rules.cancel(UNIT)).state == "cancelled"
    assert refused(rules.cancel(went(rules.decide(PIECES, 1, "sort")))) == "nc_cancel_decided"


def test_a_duplicate_gives_its_open_items_to_the_one_that_goes_on() -> None:
    other = Case(items=(Item(1, "unit", "A-1"), Item(2, "unit", "A-3")))
    merged = rules.merge(other, UNIT)
    assert not isinstance(merged, Refused)
    mine, theirs = merged
    assert (mine.state, [i.state for i in mine.items]) == ("closed", ["moved", "moved"])
    assert [i.subject for i in theirs.items] == ["A-1", "A-3"]


def test_a_duplicate_in_treatment_is_not_merged() -> None:
    assert refused(rules.merge(went(rules.decide(UNIT, 1, "rework")), PIECES)) == "nc_merge_treated"


def test_an_end_is_an_end_until_it_is_opened_again() -> None:
    closed = went(rules.close(went(rules.decide(UNIT, 1, "scrap"))))
    assert refused(rules.contain(closed)) == "nc_not_now"
    again = went(rules.reopen(closed))
    assert went(rules.add(again, "unit", "A-2")).state == "open"


# --- whatever is done -------------------------------------------------------------------------------------------------

NUMBERS = st.integers(1, 5)
ACTIONS = st.one_of(
    st.tuples(st.just("decide"), NUMBERS, st.sampled_from(sorted(rules.STAGES)), st.booleans()),
    st.tuples(st.just("treat"), NUMBERS, st.integers(0, 3)),
    st.tuples(st.just("reverify"), NUMBERS, st.booleans()),
    st.tuples(st.just("floor"), st.sampled_from(["A", "B"]), st.booleans()),
    st.tuples(st.just("add"), st.sampled_from(rules.KINDS), st.sampled_from(["A", "B"]), st.booleans()),
    st.tuples(st.sampled_from(["contain", "analyse", "close", "cancel", "reopen"])),
)


def act(case: Case, action: tuple[Any, ...]) -> Case:
    """What an action makes of a case; the same case where it is refused."""
    match action:
        case ("decide", n, disposition, concession):
            after: Case | Refused = rules.decide(case, n, disposition, concession=concession)
        case ("treat", n, bad):
            after = rules.treat(case, n, bad=bad)
        case ("reverify", n, passed):
            after = rules.reverify(case, n, passed=passed)
        case ("floor", unit, passed):
            after = rules.on_floor(case, unit, passed=passed)
        case ("add", kind, subject, precaution):
            after = rules.add(case, kind, subject, 5, precaution=precaution)
        case (name,):
            after = getattr(rules, name)(case)
    return case if isinstance(after, Refused) else after


@given(st.lists(ACTIONS, max_size=25), st.sampled_from([UNIT, PIECES]))
def test_nothing_closes_it_with_an_undecided_item_or_after_rework_without_a_new_pass(
    actions: list[tuple[Any, ...]], case: Case
) -> None:
    for action in actions:
        before, case = case, act(case, action)
        numbers = [item.number for item in case.items]
        assert numbers == list(range(1, len(numbers) + 1)), "an item is never lost"
        for item in case.items:
            if item.state == "settled" and (item.disposition in ("rework", "repair")):
                assert item.verified, f"{item} was settled without a new pass"
            assert (item.disposition is None) == (item.state == "undecided")
        if case.state == "closed":
            assert {item.state for item in case.items} <= {"settled", "moved"}
        if before.state == "closed" and action[0] != "reopen":
            assert case.state == "closed"


# --- concessions ------------------------------------------------------------------------------------------------------

GRANTED = Concession("CO-1", "GEN", "look", "2026-12-31", 2)


def test_a_concession_counts_down_and_expires_by_itself() -> None:
    item = Item(1, "unit", "A-1")
    once = GRANTED.take("GEN", "look", item, "2026-12-31")
    assert isinstance(once, Concession)
    assert once.left == 1
    assert refused(once.take("GEN", "look", item, "2027-01-01")) == "concession_expired"
    assert refused(once.take("KIT", "look", item, "2026-12-01")) == "concession_other"
    assert refused(once.take("GEN", "look", replace(item, quantity=2), "2026-12-01")) == "concession_used_up"


def test_a_concession_for_serials_covers_no_other_unit() -> None:
    only = replace(GRANTED, serials=frozenset({"A-1"}))
    assert refused(only.take("GEN", "look", Item(1, "unit", "A-2"), "2026-12-01")) == "concession_serial"


@given(st.lists(st.integers(1, 5), max_size=20), st.integers(1, 20))
def test_a_concession_never_covers_more_than_it_says(quantities: list[int], count: int) -> None:
    left, used = replace(GRANTED, left=count), 0
    for quantity in quantities:
        after = left.take("GEN", "look", Item(1, "pieces", "OF-1", quantity), "2026-12-01")
        if isinstance(after, Concession):
            left, used = after, used + quantity
    assert left.left >= 0
    assert left.left + used == count
