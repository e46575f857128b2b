"""Who may do a step: the badge, the qualification, its last day; and what becomes of what was done all the same."""

from __future__ import annotations

import pytest

from mes import wire
from mes.domain import gate
from mes.domain import unit as rules
from mes.domain.days import day_at, months_after
from mes.domain.gate import Answer, Worker
from tests.builders import (
    ALL_FITTED,
    ORDER,
    QUALIFICATION,
    UNIT,
    a_case,
    a_plan,
    a_product,
    a_step,
    a_unit,
    a_unit_at_work,
    a_worker,
    an_order,
)

STEP = a_step(qualification="work")
TODAY = "2026-11-23"
NOT_QUALIFIED = Answer(False, "not_qualified", {"qualification": QUALIFICATION.name.model_dump()})


# fmt: off
WHO = [
    (None,                                            STEP,     "unknown_badge"),
    (a_worker(active=False),                          STEP,     "badge_ended"),
    (a_worker(active=False, work="2099-12-31"),       STEP,     "badge_ended"),
    (a_worker(),                                      STEP,     "not_qualified"),
    (a_worker(other="2099-12-31"),                    STEP,     "not_qualified"),
    (a_worker(work="2026-11-22"),                     STEP,     "qualification_expired"),
    (a_worker(work=TODAY),                            STEP,     "ok"),
    (a_worker(work="2026-11-24", other="2020-01-01"), STEP,     "ok"),
    (a_worker(),                                      a_step(), "welcome"),
    (None,                                            a_step(), "unknown_badge"),
]
# fmt: on


@pytest.mark.parametrize(("worker", "step", "reason"), WHO)
def test_who_may_do_a_step(worker: Worker | None, step: gate.Step, reason: str) -> None:
    answer = gate.competence(worker, step, TODAY, plan=a_plan())
    assert (answer.reason, answer.go) == (reason, reason in ("ok", "welcome"))


def test_a_refusal_names_the_qualification_and_its_last_day_in_each_language() -> None:
    answer = gate.competence(a_worker(work="2026-11-02"), STEP, TODAY, plan=a_plan())
    assert answer.args == {
        "qualification": {"fr": "Le métier", "en": "The trade"},
        "until": {"fr": "02/11/2026", "en": "2026-11-02"},
    }


def test_a_qualification_that_the_plan_does_not_name_is_said_by_its_id() -> None:
    step = a_step(qualification="old-work")
    assert gate.competence(a_worker(), step, TODAY, plan=a_plan()).args == {"qualification": "old-work"}


@pytest.mark.parametrize(
    ("at", "timezone", "day"),
    [
        ("2026-11-23T22:59:59.999Z", "Europe/Paris", "2026-11-23"),
        ("2026-11-23T23:00:00.000Z", "Europe/Paris", "2026-11-24"),
        ("2026-07-01T22:00:00Z", "Europe/Paris", "2026-07-02"),
        ("2026-11-23T02:00:00Z", "America/Montreal", "2026-11-22"),
    ],
)
def test_the_last_day_ends_at_midnight_of_the_site(at: str, timezone: str, day: str) -> None:
    assert day_at(at, timezone) == day


@pytest.mark.parametrize(
    ("day", "months", "last"),
    [("2026-11-25", 12, "2027-11-25"), ("2026-11-30", 3, "2027-02-28"), ("2026-12-31", 1, "2027-01-31")],
)
def test_months_are_counted_from_day_to_day(day: str, months: int, last: str) -> None:
    assert months_after(day, months) == last


# --- what becomes of what was done ------------------------------------------------------------------------------------

PLAN = a_plan(a_product(STEP, a_step("next")))
AT = {"unit": UNIT, "step": "battery"}
DONE = {
    "part": wire.MaterialsInstalled(**AT, part="FUSE", lot="L1"),
    "look": wire.UnitsInspected(**AT, result="passed"),
    "end": wire.WorkCompleted(**AT),
}


def the_case(**more: object) -> rules.Case:
    return a_case(**{"plan": PLAN, "competent": NOT_QUALIFIED, **more})


@pytest.mark.parametrize("body", [DONE["look"], DONE["end"]], ids=["look", "end"])
def test_what_is_asked_for_without_the_qualification_is_refused(body: wire.Frozen) -> None:
    decision = rules.decide(the_case(), body)
    assert (decision.verdict, decision.reason, decision.unit) == ("refused", "not_qualified", None)


@pytest.mark.parametrize("body", [DONE["look"], DONE["end"]], ids=["look", "end"])
def test_what_was_done_without_the_qualification_holds_the_unit(body: wire.Frozen) -> None:
    decision = rules.decide(the_case(asks=False), body)
    assert (decision.verdict, decision.reason) == ("held", "contradiction")
    assert decision.nc is not None
    assert decision.nc.detail["why"] == "not_qualified"


def test_a_step_is_not_finished_by_somebody_without_the_qualification() -> None:
    decision = rules.decide(the_case(asks=False), DONE["end"])
    assert decision.unit is not None
    assert (decision.unit.step, decision.unit.state, decision.ended) == ("battery", "waiting", None)


def test_a_part_that_went_in_is_in_whoever_put_it_there() -> None:
    plan = a_plan()
    decision = rules.decide(
        the_case(plan=plan, asks=False),
        wire.MaterialsInstalled(**AT, part="FUSE-30A", lot="L1"),
    )
    assert decision.verdict == "held"
    assert decision.install is not None
    assert decision.install.part == "FUSE-30A"


def test_a_unit_is_let_in_only_with_somebody_who_may_do_its_step() -> None:
    asked = wire.UnitsArrived(**AT)
    assert rules.decide(the_case(unit=a_unit(), order=an_order(ORDER)), asked).reason == "not_qualified"
    may = the_case(unit=a_unit(), order=an_order(ORDER), competent=Answer(True, "ok"))
    assert rules.decide(may, asked).reason == "unit_arrived"


def test_a_defect_counts_whoever_has_seen_it() -> None:
    seen = wire.UnitsInspected(**AT, result="failed", defects=("SCRATCH",))
    assert rules.decide(the_case(asks=False), seen).reason == "defect_found"


def test_what_is_missing_is_said_before_who_may_do_it() -> None:
    case = a_case(competent=NOT_QUALIFIED)
    assert rules.decide(case, DONE["end"]).reason == "needs_component"
    complete = a_case(a_unit_at_work(), competent=NOT_QUALIFIED, installed=ALL_FITTED)
    assert rules.decide(complete, DONE["end"]).reason == "not_qualified"
