"""One unit at this station: what the rules need of it, what was fitted, how its test run stands, what can be undone.

Frozen values and their small changes; no rule of the route and no event is made here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from mes.domain.burn_in import left_s
from mes.domain.gate import Installed, Order, Unit, still_needed
from mes.domain.route import Component, Plan, Product, Step, Test
from mes.domain.unit import seconds_between
from mes.wire import Measurement
from stations.recall import place_of

Deed = int | Literal["judged"]
"""What UNDO looks at: the token of a fitted component, or a test or look, which cannot be taken back."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A component in the unit. `settled`: the server has said yes, or the station has gone on without it."""

    token: int
    item: Installed
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """A test run that goes on: its number, what has been read, and what the devices are being asked for, since when.

    `tester` is the line tester whose line is awaited: it is not asked.
    """

    number: int
    asked: tuple[Test, ...]
    done: tuple[Measurement, ...] = ()
    asked_ms: int = 0
    tester: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """A sample that is being read: its number among the runs, the test that is asked for, and what has been read."""

    number: int
    asked: Test
    done: tuple[Measurement, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """A unit in work here.

    `times` is how many pieces the next lot scan stands for; `arrived` the token of the arrival that began this stay.
    Where samples are taken: `sampling` is the one that goes on, `tried_ms` when the last one was begun (monotonic),
    `last` its readings, `marked_at` until when the unit's running time is counted (UTC text).
    """

    unit: Unit
    order: Order
    plan: Plan
    product: Product
    step: Step
    fitted: tuple[Fitted, ...] = ()
    readings: tuple[Measurement, ...] = ()
    run: Run | None = None
    times: int = 1
    finishing: bool = False
    deeds: tuple[Deed, ...] = ()
    arrived: int = 0
    sampling: Sampling | None = None
    tried_ms: int | None = None
    last: tuple[Measurement, ...] = ()
    marked_at: str = ""

    @property
    def serial(self) -> str:
        """The unit's serial."""
        return self.unit.serial

    @property
    def installed(self) -> tuple[Installed, ...]:
        """What is in the unit, as the rules see it."""
        return tuple(f.item for f in self.fitted)

    @property
    def needed(self) -> list[tuple[Component, int]]:
        """The components that are still missing."""
        return still_needed(self.step, self.installed)

    def here_s(self, now: str) -> float | None:
        """Seconds since the unit arrived; None when that is not known."""
        return seconds_between(self.unit.since, now)

    def too_early(self, now: str) -> bool:
        """Whether the step's minimum time is not over yet."""
        if self.step.sample_s:
            return left_s(self.unit.burn, self.step.min_s) > 0
        here_s = self.here_s(now)
        return bool(self.step.min_s) and here_s is not None and here_s < self.step.min_s

    def ready_at(self, now: str) -> str:
        """When the step's minimum time is over, UTC text: as it looks now, where samples count it."""
        if self.step.sample_s:
            start, seconds = self.marked_at or self.unit.since or now, left_s(self.unit.burn, self.step.min_s)
        else:
            start, seconds = self.unit.since or now, self.step.min_s
        return (
            (datetime.fromisoformat(start) + timedelta(seconds=seconds)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        )

    def fit(self, token: int, item: Installed) -> Work:
        """A component goes in."""
        fitted = (*self.fitted, Fitted(token, item, settled=False))
        return replace(self, fitted=fitted, times=1, deeds=(*self.deeds, token))

    def settle(self, token: int) -> Work:
        """A component's verdict is there."""
        return replace(self, fitted=tuple(replace(f, settled=True) if f.token == token else f for f in self.fitted))

    def name(self, token: int, event_id: str) -> Work:
        """A component's installation has its id now."""
        named = (replace(f, item=replace(f.item, id=event_id)) if f.token == token else f for f in self.fitted)
        return replace(self, fitted=tuple(named))

    def drop(self, token: int) -> Work:
        """A component is not in the unit any more, or never was."""
        fitted = tuple(f for f in self.fitted if f.token != token)
        return replace(self, fitted=fitted, deeds=tuple(d for d in self.deeds if d != token))

    def without(self, installation: str) -> Work:
        """A component that was fitted in an earlier stay is not in the unit after all."""
        found = next((f for f in self.fitted if f.item.id == installation), None)
        return self.drop(found.token) if found else self

    def holds(self, token: int) -> Fitted | None:
        """The component of that token."""
        return next((f for f in self.fitted if f.token == token), None)


def work_on(unit: Unit, order: Order, plan: Plan | None, installed: Iterable[Installed] = ()) -> Work | None:
    """A unit with what it already has; None when the plan does not know its product or step."""
    found = place_of(plan, unit)
    if plan is None or found is None:
        return None
    product, step = found
    # Told components have no draft of this start: negative numbers keep them apart from tokens.
    fitted = tuple(Fitted(-n, item) for n, item in enumerate(installed, 1))
    own = {c.part for c in step.components}
    deeds: tuple[Deed, ...] = tuple(f.token for f in fitted if f.item.part in own and f.item.id)
    return Work(unit, order, plan, product, step, fitted, deeds=deeds)
