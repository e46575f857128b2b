"""The life of a corrective action: what must be known before what, and when it may be said to have worked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mes.domain import corrective as rules
from mes.domain.corrective import Against, Corrective, Count
from mes.domain.nonconformity import Refused

TODAY, LATER = "2026-11-26", "2026-12-24"


def ok(found: Corrective | Refused) -> Corrective:
    assert isinstance(found, Corrective), found
    return found


def refused(found: Corrective | Refused) -> str:
    assert isinstance(found, Refused), found
    return found.reason


def asked() -> Corrective:
    case = ok(rules.name_cause(Corrective(), "method", "The screw is set before the seal"))
    return ok(rules.name_cause(case, "training", "The picture shows it so", under=1, root=True))


def done(by: Any = "days", after: int = 30) -> Corrective:
    case = ok(rules.plan_task(asked(), LATER, today=TODAY))
    return ok(rules.finish_task(ok(rules.set_criterion(case, by, after)), 1))


def test_the_state_follows_from_what_was_done() -> None:
    case = ok(rules.name_cause(Corrective(), "method", "Why"))
    assert case.state == "open"
    case = ok(rules.mark_root(case, 1))
    assert case.state == "analysed"
    case = ok(rules.plan_task(case, LATER, today=TODAY))
    assert case.state == "planned"
    case = ok(rules.finish_task(case, 1))
    assert case.state == "planned"  # how it will be seen that it has worked is still open
    assert ok(rules.set_criterion(case, "units", 20)).state == "to_check"


def test_a_task_stands_against_a_root_cause_and_lies_ahead() -> None:
    assert refused(rules.plan_task(Corrective(), LATER, today=TODAY)) == "action_no_root"
    assert refused(rules.plan_task(asked(), "2026-11-25", today=TODAY)) == "action_due_past"
    assert ok(rules.plan_task(asked(), TODAY, today=TODAY)).tasks[0].due == TODAY


def test_causes_stand_below_one_another_to_a_depth() -> None:
    case = asked()
    assert [rules.depth_of(case.causes, n) for n in (0, 1, 2, 9)] == [None, 1, 2, None]
    assert refused(rules.name_cause(case, "method", "?", under=9)) == "action_no_cause"
    for number in range(2, rules.DEEPEST):
        case = ok(rules.name_cause(case, "method", "Why", under=number))
    assert refused(rules.name_cause(case, "method", "Why", under=rules.DEEPEST)) == "action_deep"
    assert refused(rules.mark_root(case, 99)) == "action_no_cause"


def test_a_task_is_done_once() -> None:
    assert refused(rules.finish_task(done(), 1)) == "action_task_done"
    assert refused(rules.finish_task(done(), 2)) == "action_no_task"


@pytest.mark.parametrize(("today", "worked"), [("2026-12-25", False), ("2026-12-26", True), ("2027-03-01", True)])
def test_after_days_it_may_be_said_that_it_has_worked(today: str, worked: bool) -> None:
    found = rules.check(done(), effective=True, since=TODAY, today=today, after=Count(0, 0))
    assert isinstance(found, Corrective) is worked
    assert refused(found) == "action_too_early" if isinstance(found, Refused) else found.state == "effective"


@pytest.mark.parametrize(("came", "worked"), [(0, False), (19, False), (20, True)])
def test_after_units_it_may_be_said_that_it_has_worked(came: int, worked: bool) -> None:
    found = rules.check(done("units", 20), effective=True, since=TODAY, today=TODAY, after=Count(0, came))
    assert isinstance(found, Corrective) is worked
    assert worked or refused(found) == "action_too_few"


def test_that_it_has_not_worked_may_be_said_at_once_and_asks_for_a_new_task() -> None:
    case = ok(rules.check(done(), effective=False, since=TODAY, today=TODAY, after=Count(3, 5)))
    assert (case.state, case.turn) == ("reopened", 2)
    again = ok(rules.name_cause(case, "machine", "The torque driver slips", root=True))
    assert again.state == "reopened"  # a new root without a new task does nothing
    again = ok(rules.plan_task(again, LATER, today=TODAY))
    assert (again.state, again.tasks[-1].turn) == ("planned", 2)
    assert ok(rules.finish_task(again, 2)).state == "to_check"


def test_nothing_is_checked_before_it_is_done_and_what_is_over_is_over() -> None:
    assert (
        refused(rules.check(asked(), effective=True, since=None, today=TODAY, after=Count(0, 9))) == "action_not_done"
    )
    over = ok(rules.cancel(asked()))
    for found in (
        rules.name_cause(over, "method", "Why"),
        rules.cancel(over),
        rules.reopen(over),
        rules.set_criterion(over, "days", 1),
        rules.check(over, effective=True, since=TODAY, today=TODAY, after=Count(0, 9)),
    ):
        assert refused(found) == "action_not_now"
    effective = replace(done(), state="effective")
    assert ok(rules.reopen(effective)).turn == 2
    assert refused(rules.cancel(effective)) == "action_not_now"


def test_what_comes_again_is_known_by_its_step_or_defect() -> None:
    assert Against("GEN", "test", "").same("GEN", "test", "D-9")
    assert Against("", "", "D-9").same("GEN", "test", "D-9")
    assert not Against("GEN", "test", "D-9").same("GEN", "test", "")
    assert not Against("GEN", "test", "").same("KIT", "test", "")
    assert not Against("GEN", "", "").same("GEN", "test", "D-9")  # a whole product is no kind of fault


def test_every_word_is_there_in_both_languages() -> None:
    for names, keys in (
        (rules.NAMES, rules.STATES),
        (rules.BRANCH_NAMES, rules.BRANCHES),
        (rules.FUNCTION_NAMES, rules.FUNCTIONS),
    ):
        assert set(names) == set(keys)
        assert all(set(said) == {"fr", "en"} and all(said.values()) for said in names.values())
