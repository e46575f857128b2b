"""What a step still wants of a unit or of a lot, as rows for the screen; and which component a scan is.

Pure: work and plan in, values out. It decides nothing: whether a component may go in is `mes.domain.gate`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from mes.domain import burn_in
from mes.domain.barcode import ComponentLabel, Gs1, Plain
from mes.domain.route import Component, Plan, Step, Test
from mes.wire import Measurement
from stations.view import Need, NeedState
from stations.work import Work

MAX_ID: Final = 64  # characters of a part, serial or lot number that an event can carry


@dataclass(frozen=True, slots=True)
class Found:
    """The component that a scan says: its part and, as far as they could be read, its numbers."""

    part: str
    serial: str | None = None
    lot: str | None = None


class Wanting(Protocol):
    """A unit's work, or an order that is counted: at which step, and what it still needs there."""

    @property
    def plan(self) -> Plan: ...
    @property
    def step(self) -> Step: ...
    @property
    def needed(self) -> Sequence[tuple[Component, int]]: ...


# --- which component is it --------------------------------------------------------------------------------------------


def component_of(work: Wanting, code: ComponentLabel | Gs1 | Plain) -> Found | None:
    """The component that a scan names, wanted at this step or not; None when it names none that the plan knows."""
    match code:
        case ComponentLabel():
            return _labelled(work, code)
        case Gs1():
            return _by_gs1(work, code)
        case Plain():
            return _by_pattern(work, code.text)


def wanted_of(work: Wanting, text: str) -> Found | None:
    """The component of this very step that a plain text names, None when it names none."""
    return _matching(_in_need_first(work), text)


def known_part(plan: Plan | None, text: str) -> bool:
    """Whether a plain text is a part of any step."""
    return plan is not None and _matching(_of_plan(plan), text) is not None


def _labelled(work: Wanting, label: ComponentLabel) -> Found | None:
    parts = [p for p in (label.part, label.maker_part) if p]
    wanted = next((c for p in parts for c in _in_need_first(work) if c.part == p), None)
    if wanted is None and not parts:
        wanted = _only_candidate(work, serial=label.serial, lot=label.lot)
    if wanted is not None:
        return _numbered(wanted, label.serial, label.lot)
    return Found(parts[0][:MAX_ID], _id(label.serial), _id(label.lot)) if parts else None


def _by_gs1(work: Wanting, code: Gs1) -> Found | None:
    wanted = next((c for c in _in_need_first(work) if code.customer_part and c.part == code.customer_part), None)
    wanted = wanted or _matching_component(work, code.text) or _only_candidate(work, serial=code.serial, lot=code.lot)
    if wanted is not None:
        return _numbered(wanted, code.serial, code.lot)
    named = code.customer_part or code.gtin
    return Found(named[:MAX_ID], _id(code.serial), _id(code.lot)) if named else None


def _matching_component(work: Wanting, text: str) -> Component | None:
    found = wanted_of(work, text)
    return next((c for c in work.step.components if found and c.part == found.part), None)


def _by_pattern(work: Wanting, text: str) -> Found | None:
    return wanted_of(work, text) or _matching(_of_plan(work.plan), text)


def _matching(components: Iterable[Component], text: str) -> Found | None:
    for component in components:
        if component.part == text:
            return Found(component.part)
        if component.pattern and (m := _compiled(component.pattern).fullmatch(text)) is not None:
            said = m.groupdict()
            return _numbered(component, said.get("serial"), said.get("lot"))
    return None


def _only_candidate(work: Wanting, *, serial: str | None, lot: str | None) -> Component | None:
    """The one component that a label without a part number can mean; None when there are several, or none."""
    # A label with a serial speaks of a serialised part where the step has one: its lot must not make it a fuse.
    per = "serial" if serial and any(c.per == "serial" for c in work.step.components) else "lot" if lot else ""
    fitting = [c for c in work.step.components if c.per == per]
    needed = [c for c, _ in work.needed if c in fitting]
    if len(needed) == 1:
        return needed[0]
    return fitting[0] if len(fitting) == 1 and not needed else None


def _numbered(component: Component, serial: str | None, lot: str | None) -> Found:
    # The bag of a lot-tracked part often has a serial of its own: taken for the part's, a second piece of the same bag
    # would be refused as already used.
    return Found(component.part, _id(serial) if component.per == "serial" else None, _id(lot))


def _id(text: str | None) -> str | None:
    return text if text and len(text) <= MAX_ID else None


def _in_need_first(work: Wanting) -> list[Component]:
    needed = [c for c, _ in work.needed]
    return needed + [c for c in work.step.components if c not in needed]


def _of_plan(plan: Plan) -> Iterator[Component]:
    return (c for p in plan.products for s in p.steps for c in s.components)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error:  # a plan that was published by another program; nothing matches, and the scan is unknown
        return re.compile(r"(?!)")


# --- what is shown ----------------------------------------------------------------------------------------------------


def rows(work: Work, now: str, *, inspecting: bool) -> tuple[Need, ...]:
    """Everything that the step wants, in the order in which it is done; DONE is the last.

    Args:
        inspecting: PASS was scanned and its verdict has not come.
    """
    found = [*_components(work), *_time(work, now), *_tests(work), *_look(work, inspecting)]
    ready = all(n.state == "ok" for n in found)
    return (*found, Need("done", "doing" if ready or work.finishing else "todo"))


def _components(work: Work) -> Iterator[Need]:
    for component in work.step.components:
        mine = [f for f in work.fitted if f.item.part == component.part]
        have = sum(f.item.quantity for f in mine)
        waits = any(not f.settled for f in mine)
        state: NeedState = "doing" if waits else "ok" if have >= component.quantity else "todo"
        numbers = dict.fromkeys(f.item.serial or f.item.lot or "" for f in mine)
        yield Need(
            "component",
            state,
            component.name,
            part=component.part,
            detail=", ".join(n for n in numbers if n),
            have=have,
            want=component.quantity,
        )


def _time(work: Work, now: str) -> Iterator[Need]:
    if not work.step.min_s:
        return
    here_s = work.here_s(now)
    if work.step.sample_s:
        left_s = float(burn_in.left_s(work.unit.burn, work.step.min_s))
    else:
        left_s = max(0.0, work.step.min_s - here_s) if here_s is not None else 0.0
    yield Need("time", "doing" if left_s else "ok", value=float(-(-left_s // 60)), unit="min")


def _tests(work: Work) -> Iterator[Need]:
    run = work.run
    done = {m.test: m for m in (run.done if run else work.readings)}
    asked = {t.id for t in run.asked} if run else set()
    for test in work.step.tests:
        yield _test(test, done.get(test.id), asked=test.id in asked, passed=work.unit.tested == "passed")


def _test(test: Test, reading: Measurement | None, *, asked: bool, passed: bool) -> Need:
    state: NeedState = "todo"
    if reading is not None and reading.outcome in ("passed", "failed"):
        state = "ok" if reading.outcome == "passed" else "bad"
    elif asked:
        state = "doing"
    elif passed:  # in an earlier run, whose readings this station does not have
        state = "ok"
    nothing = reading is not None and state == "todo"  # the bench is at fault, and not the unit
    value = reading.value if reading is not None and not nothing else None
    unit = (reading.unit if reading is not None else None) or test.unit
    return Need(
        "test",
        state,
        test.name,
        value=value,
        unit=unit,
        low=test.low,
        high=test.high,
        marginal=test.marginal,
        nothing=nothing,
    )


def _look(work: Work, inspecting: bool) -> Iterator[Need]:
    if work.step.inspects:
        yield Need("inspection", "ok" if work.unit.inspected == "passed" else "doing" if inspecting else "todo")
