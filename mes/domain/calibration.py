"""May this instrument measure today? The register of instruments as the gate sees it, and what it makes of a test run.

Pure, and the same on a bench without network as on the server. A calibration holds to the end of its last day. What an
unfit instrument has measured says nothing of the unit: the bench is at fault, and the unit may be tested again.

Source: ISO 9001:2015, 7.1.5.2 (measuring equipment is calibrated at specified intervals; where it is found unfit, the
validity of earlier results is looked at).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mes import wire
from mes.domain import days
from mes.domain.gate import Answer

Policy = Literal["stop", "warn", "off"]
State = Literal["good", "unfit", "retired", "new"]

SOON_DAYS: Final = 60
"""A calibration that ends within so many days is shown as due soon."""

FIT: Final = Answer(True, "ok")
UNFIT: Final = frozenset({"instrument_overdue", "instrument_unfit", "instrument_retired", "instrument_unknown"})
"""Why an instrument may not measure. With `_warn` behind it: it may, and it is said all the same."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """How an instrument of the register stands on a day.

    Args:
        state: `good` (until a day), found `unfit`, `retired`, or `new`: in the register, without a calibration yet.
        since: the day since when it is unfit or retired, `YYYY-MM-DD`.
        until: the last day of its calibration.
    """

    id: str
    state: State
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Calibration:
    """One comparison with a standard: the day, the result, the last day that it holds for. `number` counts from 1."""

    number: int
    done: str
    result: str
    due: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """An instrument as a bench names it: its number in the plant, and the last day that the bench's own file gives."""

    id: str
    serial: str = ""
    due: str = ""


def in_force(history: Iterable[Calibration], day: str) -> Calibration | None:
    """The calibration that counts on a day: the latest that was done by then; of one day's, what was recorded last."""
    return max((c for c in history if c.done <= day), key=lambda c: (c.done, c.number), default=None)


def standing(
    instrument: str,
    history: Iterable[Calibration],
    day: str,
    *,
    retired_on: str | None = None,
    returned_on: str | None = None,
) -> Instrument:
    """How an instrument stood on a day, by its history.

    Args:
        day: `YYYY-MM-DD`, the site's own.
        retired_on, returned_on: the last time that it was taken out of use, and back.
    """
    if retired_on is not None and retired_on <= day and (returned_on is None or day < returned_on):
        return Instrument(instrument, "retired", since=retired_on)
    last = in_force(history, day)
    if last is None:
        return Instrument(instrument, "new")
    if last.result == "unfit":
        return Instrument(instrument, "unfit", since=last.done)
    return Instrument(instrument, "good", until=last.due or "")


def fitness(named: Named, known: Instrument | None, day: str) -> Answer:
    """May this instrument measure on this day?

    Args:
        named: as the bench calls it. Its own file's last day counts as long as the register has no calibration.
        known: as the register has it; None when it is not in there.
        day: `YYYY-MM-DD`, the site's own.
    """
    said = {"instrument": named.id}
    if known is not None and known.state in ("retired", "unfit"):
        reason = "instrument_retired" if known.state == "retired" else "instrument_unfit"
        return Answer(False, reason, {**said, "since": days.said(known.since)})
    until = known.until if known is not None and known.state == "good" else named.due
    if not until:
        return Answer(False, "instrument_unknown", said)
    if until < day:
        return Answer(False, "instrument_overdue", {**said, "until": days.said(until)})
    return FIT


def by_policy(answer: Answer, policy: Policy) -> Answer:
    """What the plant makes of it: stop, only say it, or nothing."""
    if answer.go or policy == "stop":
        return answer
    return FIT if policy == "off" else Answer(True, f"{answer.reason}_warn", answer.args)


def together(answers: Iterable[Answer]) -> Answer:
    """One answer for several instruments: the first that stops, else the first that warns."""
    found = list(answers)
    stops = (a for a in found if not a.go)
    return next(stops, next((a for a in found if a.reason != FIT.reason), FIT))


def named_in(readings: Iterable[wire.Measurement]) -> dict[str, Named]:
    """The instruments that have taken these readings, by number, in order. A reading may name none."""
    found: dict[str, Named] = {}
    for m in readings:
        if m.device and m.device not in found:
            found[m.device] = Named(m.device, m.serial or "", m.calibration_due or "")
    return found


def measured_by(
    readings: Iterable[wire.Measurement], register: Mapping[str, Instrument], day: str, policy: Policy
) -> Answer:
    """What the register says of all instruments of a run: go on, or why the run says nothing of the unit.

    Args:
        register: the instruments that it knows, as they stood on that day.
    """
    named = named_in(readings).values()
    return together(by_policy(fitness(n, register.get(n.id), day), policy) for n in named)


def floor_args(instrument: Instrument) -> dict[str, Any]:
    """The instrument as the wire carries it to a bench."""
    return {"id": instrument.id, "state": instrument.state, "since": instrument.since, "until": instrument.until}
