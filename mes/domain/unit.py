"""The life of a unit on its route: `decide(case, body) -> Decision`, and the table of what may happen when.

Pure: values in, a frozen decision out; `mes.fold` applies it. A *request* (the operator waits for the verdict) can be
refused and then changes nothing. A *fact* has happened: it is recorded always, and where the rules would have refused
it, the unit is held for a person to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

from mes import wire
from mes.domain import gate
from mes.domain.burn_in import Burn, begun, sampled
from mes.domain.gate import Installed, Order, Unit
from mes.domain.lots import Standing
from mes.domain.measurement import overall
from mes.domain.route import Plan, Product, Step
from mes.domain.runs import judged, last_askings, said_of

NcCause = Literal["test_failed", "defect_found", "contradiction", "lot_held"]


@dataclass(frozen=True, slots=True)
class NcDraft:
    """A nonconformity to open: why, at which step, with what evidence."""

    cause: NcCause
    step: str
    defect: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepEnd:
    """A visit of a step ended: passed or failed."""

    step: str
    visit: int
    result: Literal["passed", "failed"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What an event means: the verdict, and every change that it makes.

    `unit` is the new state, None when nothing changes. `failure` counts one more failed attempt for the visit's
    statistics. `disputed` marks an installation that another unit contradicts. `sample` numbers the sample whose
    readings are to be kept.
    """

    verdict: wire.Verdict
    reason: str
    args: Mapping[str, Any] = field(default_factory=dict)
    unit: Unit | None = None
    nc: NcDraft | None = None
    closes: str | None = None
    arrived: bool = False
    failure: bool = False
    ended: StepEnd | None = None
    install: Installed | None = None
    disputed: bool = False
    uninstall: str | None = None
    sample: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a decision may look at.

    `at` is the event's own time, UTC text. `installed` is what is in the unit now; `used_in` the other unit that holds
    the component of this event; `present` how many other units are in work at the station; `stopped` the signal
    because of which nothing comes to the step; `permit` the concession under which the unit is to go on, `day` the
    site's own day. `competent` is what the gate
    says of the operator, None where the step asks for no qualification. `boot` and `mono_ms` are the station's
    monotonic clock.
    """

    event_id: str
    unit: Unit | None
    serial: str
    order: Order | None
    plan: Plan
    station: str
    operator: str | None
    asks: bool
    at: str
    installed: Sequence[Installed] = ()
    used_in: str | None = None
    lot_is: Standing = "good"
    present: int = 0
    stopped: str | None = None
    permit: gate.Permit | None = None
    day: str = ""
    competent: gate.Answer | None = None
    measured_by: gate.Answer | None = None
    boot: str = ""
    mono_ms: int = 0

    @property
    def product(self) -> Product:
        """The unit's product; a plan without it is a bug that quarantines the event."""
        assert self.unit is not None
        product = self.plan.product(self.unit.product)
        if product is None:
            raise LookupError(f"product {self.unit.product} is not in the order's plan")
        return product

    @property
    def step(self) -> Step:
        """The step that the unit is at."""
        assert self.unit is not None
        step = self.product.step(self.unit.step)
        if step is None:
            raise LookupError(f"step {self.unit.step} is not on the route of {self.unit.product}")
        return step


def refuse(answer: gate.Answer) -> Decision:
    """A request that may not be: nothing changes."""
    return Decision("refused", answer.reason, answer.args)


def held(case: Case, why: str, *, args: Mapping[str, Any] | None = None, changes: Decision | None = None) -> Decision:
    """A fact that the rules would have refused: recorded, and the unit is blocked until a person has looked.

    Args:
        why: the reason code that a request would have got.
        changes: what the fact changes all the same (a component is in the unit, allowed or not).
    """
    unit = case.unit
    if unit is None:
        return Decision("held", "unknown_unit", {"unit": case.serial})
    detail = {"why": why, **(args or {})}
    base = changes or Decision("held", why)
    if unit.nc is not None and why == "safety_first":  # that it is held already must not hide that it was energised
        return replace(base, verdict="held", reason=why, args=args or {})
    if unit.nc is not None:
        return replace(base, verdict="held", reason="unit_held", args={"unit": unit.serial, "nc": unit.nc})
    if unit.state in ("scrapped", "withdrawn"):
        return replace(base, verdict="held", reason=f"unit_{unit.state}", args={"unit": unit.serial})
    after = base.unit or unit
    return replace(
        base,
        verdict="held",
        reason="contradiction",
        args={"unit": unit.serial, "why": why},
        unit=_off_the_bench(after, case.at),
        nc=NcDraft("contradiction", unit.step, None, detail),
    )


def _off_the_bench(unit: Unit, at: str) -> Unit:
    return replace(unit, state="done" if unit.state == "done" else "waiting", station=None, place=None, since=at)


# --- one rule an event ------------------------------------------------------------------------------------------------


def arrive(case: Case, body: wire.UnitsArrived) -> Decision:
    """The unit comes to a bench: the gate decides."""
    answer = gate.enter(
        serial=case.serial,
        unit=case.unit,
        order=case.order,
        plan=case.plan,
        station=case.station,
        operator=case.operator,
        online=case.asks,
        present=case.present,
        stopped=case.stopped,
        permit=case.permit,
        day=case.day,
    )
    if not answer.go:
        return refuse(answer) if case.asks else held(case, answer.reason, args=answer.args)
    assert case.unit is not None
    if answer.reason == "unit_here":
        return Decision("accepted", "unit_here", answer.args)
    return Decision("accepted", "unit_arrived", answer.args, unit=begin(case, body.place), arrived=True)


def begin(case: Case, place: int | None) -> Unit:
    """The unit is in work at a station from now on; nothing has been tested or seen in this stay.

    Args:
        place: where it stands, in a rack.
    """
    assert case.unit is not None
    unit, station, at = case.unit, case.station, case.at
    return replace(
        unit,
        state="in_work",
        station=station,
        since=at,
        attempts=0,
        tested=None,
        inspected=None,
        results={step: said for step, said in unit.results.items() if step != unit.step},
        place=place,
        permit=None,
        burn=begun(unit.burn, boot=case.boot, mono_ms=case.mono_ms) if case.step.sample_s else None,
    )


def depart(case: Case, body: wire.UnitsDeparted) -> Decision:
    """The unit leaves the bench unfinished and waits for the same step."""
    assert case.unit is not None
    unit = _off_the_bench(case.unit, case.at)
    return Decision("accepted", "unit_left", {"unit": unit.serial}, unit=unit)


def already_gone(case: Case, body: wire.Frozen) -> Decision:
    """It had left already: nothing to do, nothing wrong."""
    return Decision("accepted", "noted")


def install(case: Case, body: wire.MaterialsInstalled) -> Decision:
    """A component goes in. As a fact it is in the unit whether allowed or not."""
    answer = gate.fit(
        step=case.step,
        installed=case.installed,
        part=body.part,
        serial=body.serial,
        lot=body.lot,
        quantity=body.quantity,
        used_in=case.used_in,
        lot_is=case.lot_is,
    )
    fitted = Installed(case.event_id, body.part, body.serial, body.lot, body.quantity, case.step.id)
    if answer.go:
        return Decision("accepted", "component_fitted", answer.args, install=fitted)
    if case.asks:
        return refuse(answer)
    changes = Decision("held", answer.reason, answer.args, install=fitted, disputed=case.used_in is not None)
    return held(case, answer.reason, args=answer.args, changes=changes)


def uninstall(case: Case, body: wire.MaterialsUninstalled) -> Decision:
    """A component comes out again."""
    item = next((i for i in case.installed if i.id == body.installation), None)
    if item is None:
        # Taken back before it was ever accepted: the installation was refused, so nothing is inside.
        return Decision("accepted", "nothing_installed")
    wanted = next((c for s in case.product.steps for c in s.components if c.part == item.part), None)
    name = wanted.name.model_dump() if wanted else item.part
    return Decision("accepted", "component_removed", {"part": name}, uninstall=item.id)


def test(case: Case, body: wire.UnitsTested) -> Decision:
    """A test run: judged again from the plan's limits; a run that contradicts itself says nothing of the unit."""
    assert case.unit is not None
    unit, step = case.unit, case.step
    run = judged(step, body)
    unfit = _unfit(case, run.outcome)
    outcome: wire.Outcome = "error" if unfit else run.outcome
    ran = replace(unit, tested=outcome, results={**unit.results, step.id: outcome})
    if (danger := gate.unsafe(case.plan, case.product, step, unit)) is not None:
        return held(case, danger.reason, args=danger.args, changes=Decision("held", danger.reason, unit=ran))
    if run.contradiction:
        args = said_of(run.about) if run.about else {"test": step.name.model_dump()}
        return Decision(
            "held",
            run.contradiction,
            {"unit": unit.serial, **args},
            unit=_off_the_bench(ran, case.at),
            nc=NcDraft("contradiction", step.id, None, {"why": run.contradiction, **args}),
        )
    if unfit is not None:
        return Decision("accepted", unfit.reason, unfit.args, unit=ran)
    if outcome not in ("passed", "failed"):
        return Decision("accepted", "test_stopped" if outcome == "aborted" else "bench_error", unit=ran)
    attempts = unit.attempts + 1
    tested = replace(ran, attempts=attempts)
    if run.outcome == "passed":
        if run.marginal is not None:
            return Decision("accepted", "test_marginal", said_of(run.marginal), unit=tested)
        return Decision("accepted", "test_passed", unit=tested)
    assert run.worst is not None
    left = step.retests + 1 - attempts
    args = said_of(run.worst)
    if left > 0:
        return Decision("accepted", "retest", {**args, "left": left}, unit=tested, failure=True)
    return Decision(
        "held",
        "test_failed",
        {"unit": unit.serial, **args},
        unit=_off_the_bench(tested, case.at),
        nc=NcDraft("test_failed", step.id, None, args),
        failure=True,
        ended=StepEnd(step.id, unit.visit, "failed"),
    )


def counted(case: Case, body: wire.UnitsTested | wire.ReadingsRecorded) -> str:
    """What a run counts as, wherever the unit was: its outcome, `error` by an unfit instrument, `sample` on the way."""
    if isinstance(body, wire.ReadingsRecorded):
        return "sample"
    if case.unit is None or case.unit.step != body.step:
        return body.outcome
    outcome = judged(case.step, body).outcome
    return "error" if _unfit(case, outcome) else outcome


def _unfit(case: Case, outcome: str) -> gate.Answer | None:
    """Why a run that would judge the unit does not: an instrument that was not fit that day."""
    said = case.measured_by
    return said if outcome in ("passed", "failed") and said is not None and not said.go else None


def sample(case: Case, body: wire.ReadingsRecorded) -> Decision:
    """A sample of a unit that runs: it counts its time; the second in a row beyond the limits ends the burn-in.

    A sample that contradicts itself judges nothing: there is another one soon, and at the end the test.
    """
    assert case.unit is not None
    unit, step = case.unit, case.step
    outcome = overall(m.outcome for m in last_askings(body.readings).values())
    run = judged(step, wire.UnitsTested(unit=body.unit, step=body.step, outcome=outcome, tests=body.readings))
    fit = "error" if _unfit(case, run.outcome) else run.outcome
    burn = sampled(unit.burn or Burn(), fit, sample_s=step.sample_s, boot=case.boot, mono_ms=case.mono_ms)
    after = replace(unit, burn=burn)
    if (danger := gate.unsafe(case.plan, case.product, step, unit)) is not None:
        changes = Decision("held", danger.reason, unit=after, sample=burn.samples)
        return held(case, danger.reason, args=danger.args, changes=changes)
    if run.worst is None or fit != "failed":
        return Decision("accepted", "sampled", unit=after, sample=burn.samples)
    args = {"unit": unit.serial, **said_of(run.worst)}
    if not burn.ended:
        return Decision("accepted", "sample_out", args, unit=after, failure=True, sample=burn.samples)
    tested = replace(after, tested="failed", results={**unit.results, step.id: "failed"})
    return Decision(
        "held",
        "test_failed",
        args,
        unit=_off_the_bench(tested, case.at),
        nc=NcDraft("test_failed", step.id, None, args),
        failure=True,
        ended=StepEnd(step.id, unit.visit, "failed"),
        sample=burn.samples,
    )


def late_sample(case: Case, body: wire.ReadingsRecorded) -> Decision:
    """The unit has gone meanwhile: the reading stands in the record and counts nothing."""
    return Decision("accepted", "noted")


def inspect(case: Case, body: wire.UnitsInspected) -> Decision:
    """A person looked. A named defect blocks the unit and opens a nonconformity."""
    assert case.unit is not None
    unit = case.unit
    if body.result == "passed":
        return Decision("accepted", "inspection_passed", unit=replace(unit, inspected="passed"))
    code = body.defects[0] if body.defects else None
    defect = case.plan.defect(code) if code else None
    name: Any = defect.name.model_dump() if defect else (code or "?")
    return Decision(
        "held",
        "defect_found",
        {"unit": unit.serial, "defect": name},
        unit=_off_the_bench(replace(unit, inspected="failed"), case.at),
        nc=NcDraft("defect_found", unit.step, code, {"defects": list(body.defects)}),
        failure=True,
        ended=StepEnd(unit.step, unit.visit, "failed"),
    )


def repair(case: Case, body: wire.UnitsRepaired) -> Decision:
    """What was repaired stands in the ledger; the route does not move by it."""
    return Decision("accepted", "repaired")


def complete(case: Case, body: wire.WorkCompleted) -> Decision:
    """The step is finished: on to the next one, or the unit is done."""
    assert case.unit is not None
    unit, step = case.unit, case.step
    answer = gate.finish(step=step, unit=unit, installed=case.installed, here_s=seconds_between(unit.since, case.at))
    answer = gate.unsafe(case.plan, case.product, step, unit) or answer
    if not answer.go:
        return refuse(answer) if case.asks else held(case, answer.reason, args=answer.args)
    following = case.product.after(step.id)
    closes = unit.treating if unit.reverify == step.id else None
    ended = StepEnd(step.id, unit.visit, "passed")
    moved = onward(replace(unit, treating=None, reverify=None) if closes else unit, following, case.at)
    if following is None:
        return Decision("accepted", "unit_finished", {"unit": unit.serial}, unit=moved, ended=ended, closes=closes)
    where = case.plan.station(following.stations[0])
    args = {"unit": unit.serial, "next": where.name.model_dump() if where else following.name.model_dump()}
    return Decision("accepted", "step_done", args, unit=moved, ended=ended, closes=closes)


def onward(unit: Unit, following: Step | None, at: str) -> Unit:
    """The unit leaves its step behind: it waits for the next one, or it is done.

    Args:
        following: the next step; None after the last one.
    """
    moved = replace(unit, station=None, place=None, burn=None, since=at, attempts=0, tested=None, inspected=None)
    if following is None:
        return replace(moved, state="done")
    visits = {**unit.visits, following.id: unit.visits.get(following.id, 0) + 1}
    return replace(moved, state="waiting", step=following.id, visits=visits)


def disqualify(case: Case, body: wire.UnitsDisqualified) -> Decision:
    """The unit is scrap, wherever it stands."""
    assert case.unit is not None
    unit = replace(case.unit, state="scrapped", station=None, place=None, permit=None, since=case.at)
    return Decision("accepted", "scrapped", {"unit": unit.serial}, unit=unit)


def stray(case: Case, body: wire.Frozen) -> Decision:
    """Work on a unit that is not there by what the server knows: a fact that contradicts the record."""
    assert case.unit is not None
    unit = case.unit
    answer = gate.enter(
        serial=unit.serial,
        unit=unit,
        order=case.order,
        plan=case.plan,
        station=case.station,
        operator=case.operator or "?",
    )
    if (danger := _energised(case, body)) is not None:
        answer = danger
    why = "not_arrived" if answer.go else answer.reason
    if case.asks:
        return refuse(answer if not answer.go else gate.Answer(False, why, {"unit": unit.serial}))
    changes = None
    if isinstance(body, wire.MaterialsInstalled):
        fitted = Installed(case.event_id, body.part, body.serial, body.lot, body.quantity, unit.step)
        changes = Decision("held", why, install=fitted, disputed=case.used_in is not None)
    elif isinstance(body, wire.MaterialsUninstalled):
        changes = uninstall(case, body)
    elif isinstance(body, wire.UnitsTested):
        changes = _disproved(case, body)
    return held(case, why, args=answer.args, changes=changes)


def _energised(case: Case, body: wire.Frozen) -> gate.Answer | None:
    """Was the unit tested, against the record, at a step before which it must not be energised?"""
    assert case.unit is not None
    step = case.product.step(body.step) if isinstance(body, wire.UnitsTested) else None
    return gate.unsafe(case.plan, case.product, step, case.unit) if step else None


def _disproved(case: Case, body: wire.UnitsTested) -> Decision | None:
    """A step that others stand on (`after`) was tested again, against the record, and not passed: that counts.

    A pass against the record proves nothing; a failure must not be lost, or the unit would be energised all the same.
    """
    assert case.unit is not None
    step = case.product.step(body.step)
    if step is None or not any(step.id in other.after for other in case.product.steps):
        return None
    outcome = judged(step, body).outcome
    if outcome == "passed":
        return None
    unit = replace(case.unit, results={**case.unit.results, step.id: outcome})
    return Decision("held", "not_arrived", unit=unit)


# --- the table: what may happen when ----------------------------------------------------------------------------------

Rule = Callable[[Case, Any], Decision]

# fmt: off
TRANSITIONS: Final[dict[str, dict[str, Rule]]] = {
    # event                   reserved     waiting      in_work     done         scrapped
    "UnitsArrived":         {"reserved": arrive, "waiting": arrive, "in_work": arrive, "done": arrive,
                             "scrapped": arrive, "withdrawn": arrive},
    "UnitsDeparted":        {"reserved": already_gone, "waiting": already_gone, "in_work": depart,
                             "done": already_gone, "scrapped": already_gone},
    "MaterialsInstalled":   {"in_work": install},
    "MaterialsUninstalled": {"in_work": uninstall},
    "UnitsTested":          {"in_work": test},
    "ReadingsRecorded":     {"reserved": late_sample, "waiting": late_sample, "in_work": sample,
                             "done": late_sample, "scrapped": late_sample},
    "UnitsInspected":       {"in_work": inspect},
    "UnitsRepaired":        {"reserved": repair, "waiting": repair, "in_work": repair, "done": repair},
    "WorkCompleted":        {"in_work": complete},
    "UnitsDisqualified":    {"reserved": disqualify, "waiting": disqualify, "in_work": disqualify,
                             "done": disqualify, "scrapped": already_gone},
}
# fmt: on
"""Event kind → state of the unit → rule. What stands in no cell is `stray`."""

_AT_THE_BENCH: Final = frozenset(
    {
        "MaterialsInstalled",
        "MaterialsUninstalled",
        "UnitsTested",
        "ReadingsRecorded",
        "UnitsInspected",
        "WorkCompleted",
        "UnitsDeparted",
    }
)


_NEEDS_COMPETENCE: Final = frozenset(
    {"UnitsArrived", "MaterialsInstalled", "UnitsTested", "UnitsInspected", "WorkCompleted"}
)
_DONE_ALL_THE_SAME: Final = frozenset({"MaterialsInstalled", "UnitsTested", "UnitsInspected"})
"""What somebody without the qualification has done is in the unit and its readings count; the step is not begun or
finished by it."""


def decide(case: Case, body: wire.Frozen) -> Decision:
    """Decide one event on one unit.

    Args:
        case: all that the decision may look at.
        body: the event's body, one of `wire.FLOOR_KINDS` that names a unit.
    """
    kind = type(body).__name__
    if case.unit is None:
        answer = gate.Answer(False, "unknown_unit", {"unit": case.serial})
        return refuse(answer) if case.asks else held(case, "unknown_unit")
    unit = case.unit
    elsewhere = unit.state == "in_work" and (unit.station != case.station or unit.step != getattr(body, "step", ""))
    if elsewhere and kind in _AT_THE_BENCH:
        return already_gone(case, body) if kind in ("UnitsDeparted", "ReadingsRecorded") else stray(case, body)
    decision = TRANSITIONS[kind].get(unit.state, stray)(case, body)
    return _by_whom(case, kind, decision) if kind in _NEEDS_COMPETENCE else decision


def _by_whom(case: Case, kind: str, decision: Decision) -> Decision:
    """What the rules say of who did it, once the thing itself is in order.

    A fact that blocks the unit anyway (a failed test, a defect that anybody may see) keeps its own reason.
    """
    answer = case.competent
    if answer is None or answer.go or decision.verdict != "accepted":
        return decision
    if case.asks:
        return refuse(answer)
    return held(case, answer.reason, args=answer.args, changes=decision if kind in _DONE_ALL_THE_SAME else None)


def before(product: Product, step: str, results: Mapping[str, str]) -> dict[str, str]:
    """What is still proven of a unit that goes back to a step: the results of the steps before it."""
    place = product.place(step)
    return {name: said for name, said in results.items() if product.place(name) < place}


def send_to(unit: Unit, step: str, at: str, *, nc: str, product: Product) -> Unit:
    """A person decided that the unit goes (back) to a step: a new visit; the nonconformity waits for a new pass.

    The step to pass again is the one where the unit stood when it was blocked; the caller sends it no further than
    that, and names the nonconformity that is being treated. What the tests of that step and of those after it said
    does not count any more.
    """
    return replace(
        unit,
        state="waiting",
        step=step,
        visits={**unit.visits, step: unit.visits.get(step, 0) + 1},
        attempts=0,
        tested=None,
        inspected=None,
        station=None,
        since=at,
        nc=None,
        treating=nc,
        reverify=unit.step,
        results=before(product, step, unit.results),
        place=None,
        burn=None,
        delivery=None,
        permit=None,
    )


def first_to_pass(product: Product, step: Step, results: Mapping[str, str]) -> str | None:
    """The step that has to be passed again before a unit may be sent (back) to `step`; None when it may go there."""
    return gate.unproven(step, before(product, step.id, results))


def seconds_between(start: str, end: str) -> float | None:
    """Seconds from one UTC text to another; None when the first is empty."""
    if not start:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
