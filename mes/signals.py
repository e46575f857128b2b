"""Signals of control charts in the office: what waits, one with its evidence, and its end. The caller commits.

When one opens stands in `mes.fold_signals`. Nobody stands in a signal: it is about a reading of a step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mes import wire
from mes.db.tables import ControlSignal
from mes.domain import spc_watch
from mes.domain.route import Plan, Step, Test
from mes.domain.spc import Chart
from mes.domain.spc_watch import Read
from mes.fold_signals import readings
from mes.i18n import N_
from mes.orders import Answer, request

LISTED: Final = 100
CAUSES: Final[Mapping[str, str]] = {
    "method": N_("Method"), "machine": N_("Machine"), "material": N_("Material"),
    "training": N_("Training and organisation"), "environment": N_("Environment"), "measurement": N_("Measurement"),
    "none": N_("No cause found"),
}  # fmt: skip
STATES: Final[Mapping[str, str]] = {
    "open": N_("open"), "over": N_("over by itself"), "closed": N_("signal closed"),
}  # fmt: skip


def close(
    session: Session, signal: str, cause: spc_watch.Cause, why: str, *, now: datetime, actor: str | None = None
) -> Answer:
    """Say what the cause was; a step that was stopped goes on."""
    body = wire.SignalClosed(signal=signal, cause=cause, why=why)
    return request(session, "SignalClosed", body, now=now, actor=actor)


# --- what is read -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """The readings of a signal with the charts that they make, and by index of a reading the rules broken there."""

    reads: Sequence[Read]
    charts: Sequence[Chart]
    marks: Sequence[Mapping[int, Sequence[int]]]


def count_open(session: Session) -> int:
    """How many are open."""
    return session.scalar(select(func.count()).select_from(ControlSignal).where(ControlSignal.state == "open")) or 0


def listed(session: Session, *, everything: bool = False) -> Sequence[ControlSignal]:
    """Those that are open, the oldest first; or the latest of all."""
    query = select(ControlSignal)
    if everything:
        query = query.order_by(ControlSignal.opened_at.desc(), ControlSignal.id.desc())
    else:
        query = query.where(ControlSignal.state == "open").order_by(ControlSignal.opened_at, ControlSignal.id)
    return session.scalars(query.limit(LISTED)).all()


def of_nc(session: Session, nc: str) -> Sequence[str]:
    """The signals that a nonconformity was opened from."""
    found = select(ControlSignal.id).where(ControlSignal.nc == nc).order_by(ControlSignal.id)
    return session.scalars(found).all()


def stops(session: Session, plan: Plan | None) -> list[ControlSignal]:
    """The open signals because of which no further unit comes to a step, by the plan in force."""
    return [s for s in listed(session) if stopping(plan, s)] if plan else []


def stopping(plan: Plan | None, signal: ControlSignal) -> bool:
    """Does a signal stop its step?"""
    found = place(plan, signal)
    return signal.state == "open" and found is not None and found[1].chart is not None and found[1].chart.when == "hold"


def place(plan: Plan | None, signal: ControlSignal) -> tuple[Step, Test] | None:
    """The step and the test of a signal; None where the plan does not have them any more."""
    product = plan.product(signal.product) if plan else None
    step = product.step(signal.step) if product else None
    test = next((t for t in step.tests if t.id == signal.test), None) if step else None
    return (step, test) if step and test else None


def rules_of(signal: ControlSignal) -> list[tuple[str, int]]:
    """The rules that were broken: chart and number, each once."""
    return list(dict.fromkeys((b["chart"], b["rule"]) for b in json.loads(signal.broken)))


def evidence(signal: ControlSignal) -> Evidence:
    """What a signal rests on."""
    reads = readings(signal.readings)
    study = spc_watch.drawn([r.value for r in reads], centre=signal.centre, sigma=signal.sigma)
    charts = (study.location, study.spread)
    index = {(r.unit, r.visit): i for i, r in enumerate(reads)}
    marks: list[dict[int, list[int]]] = [{}, {}]
    for b in json.loads(signal.broken):
        of = marks[0 if b["chart"] == "i" else 1]
        for unit, visit in b["at"]:
            if (i := index.get((unit, visit))) is not None and b["rule"] not in of.get(i, ()):
                of.setdefault(i, []).append(b["rule"])
    return Evidence(reads, charts, marks)


def as_data(signal: ControlSignal) -> dict[str, Any]:
    """One signal for programs, with its readings."""
    names = ("id", "product", "step", "test", "station", "state", "opened_at", "over_at", "closed_at", "cause", "why")
    found = evidence(signal)
    return {
        **{name: getattr(signal, name) for name in names},
        "nc": signal.nc,
        "centre": signal.centre,
        "sigma": signal.sigma,
        "unit_of_measure": signal.measure,
        "broken": json.loads(signal.broken),
        "readings": [
            {"unit": r.unit, "visit": r.visit, "at": r.at, "value": r.value, "rules": list(found.marks[0].get(i, ()))}
            for i, r in enumerate(found.reads)
        ],
    }
