"""The bench session: a pure state machine, one per bench, that turns scans and readings into events and a screen.

`advance(session, input)` gives the session after it, the drafts to keep and the commands for the agent;
`screen(session)` says what to show. It has no clock, no randomness and does no I/O; it must not know ports, files, HTTP
or HTML.

The agent keeps the drafts of a turn first, and only then takes its session, shows its screen and obeys its commands.
When the outbox fails it drops the whole turn and gives `NotKept` to the session that it had before: so nothing is ever
green that is not on a disk, and nothing has to be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from mes import wire
from mes.domain.calibration import Named
from stations import answers, overriding, packing, rack, recall, records, sampling, scanning, telling, testing, units
from stations.inputs import (
    AgentCommand,
    BadScan,
    BenchUnsafe,
    DeviceBack,
    DeviceLost,
    Feedback,
    FinishMeasuring,
    FloorCame,
    Input,
    Kept,
    KeptCount,
    LanguageChosen,
    LinkChanged,
    Measured,
    MeasureNow,
    NotKept,
    OverrideAsked,
    OverrideCame,
    PlanCame,
    RackCame,
    RecordCame,
    RunBroken,
    Scanned,
    StopMeasuring,
    Taken,
    Tick,
    ToldByTester,
    VerdictCame,
)
from stations.shown import screen
from stations.turn import Session, Turn
from stations.view import Device

__all__ = [
    "AgentCommand",
    "BadScan",
    "BenchUnsafe",
    "DeviceBack",
    "DeviceLost",
    "Feedback",
    "FinishMeasuring",
    "FloorCame",
    "Input",
    "Kept",
    "KeptCount",
    "LanguageChosen",
    "LinkChanged",
    "MeasureNow",
    "Measured",
    "NotKept",
    "PlanCame",
    "RecordCame",
    "RunBroken",
    "Scanned",
    "Session",
    "StopMeasuring",
    "Taken",
    "Tick",
    "ToldByTester",
    "Turn",
    "VerdictCame",
    "advance",
    "begin",
    "screen",
]


def begin(
    station: str,
    *,
    language: str = "fr",
    devices: Iterable[Device] = (),
    instruments: Mapping[str, Named] | None = None,
    boot: str = "",
) -> Session:
    """A bench that has just started: nobody is signed in, no plan is known, the link is not up yet.

    A unit that was on the bench before the start comes back by scanning its label; those in a rack come by themselves.

    Args:
        station: id of the station.
        language: until a plan says what the site speaks.
        devices: what the station's file names.
        instruments: its measuring instruments, by what a test may call them.
        boot: this start of the PC; the monotonic clock counts within it.
    """
    return Session(station, language=language, devices=tuple(devices), instruments=instruments or {}, boot=boot)


def advance(session: Session, came: Input) -> Turn:
    """Handle one input.

    Returns:
        The session after it, the drafts to keep (all or none), and the commands to obey once they are kept.
    """
    turn = _handle(Turn(replace(session, now=came.now, mono_ms=came.mono_ms)), came)
    # What is decided alone may let a waiting DONE go through, and without network that is decided alone in its turn.
    before = None
    while before is not turn.session:
        before = turn.session
        turn = units.carry_on(answers.sweep(turn))
    if turn.session.banner.serial != session.banner.serial:
        turn = turn.ask(Feedback(turn.session.banner.tone))
    return turn


def _handle(turn: Turn, came: Input) -> Turn:
    s = turn.session
    match came:
        case Scanned():
            return scanning.scanned(turn, came)
        case BadScan():
            return scanning.bad_scan(turn, came)
        case Kept():
            return answers.kept(turn, came)
        case NotKept():
            return turn.say("not_kept")
        case VerdictCame():
            return answers.came(turn, came)
        case Measured():
            return packing.measured(sampling.measured(testing.measured(turn, came), came), came)
        case RecordCame():
            return records.came(turn, came)
        case ToldByTester():
            return telling.told(turn, came)
        case RackCame():
            return rack.came(turn, came)
        case RunBroken():
            return testing.broken(turn, came)
        case BenchUnsafe():
            return testing.unsafe(turn, came)
        case DeviceLost() | DeviceBack():
            return _device(turn, came)
        case LinkChanged():
            return turn.put(link=came.state)
        case PlanCame():
            return _plan(turn, came)
        case FloorCame():
            turn = turn.put(recall=recall.told(s.recall, came.reply))
            # While events of ours wait, the server's answer may be older than the call.
            heard = came.reply.help_called is not None and s.kept == 0
            return rack.told(turn.put(help_called=came.reply.help_called) if heard else turn, came)
        case KeptCount():
            return turn.put(kept=came.count)
        case LanguageChosen():
            return turn.put(language=came.language)
        case OverrideAsked():
            return overriding.asked(turn, came)
        case OverrideCame():
            return overriding.answered(turn, came)
        case Tick():
            return sampling.carry_on(telling.overdue(turn))
        case _:
            assert_never(came)


def _plan(turn: Turn, came: PlanCame) -> Turn:
    s = turn.session
    first = s.recall.plan is None
    turn = rack.take_up(turn.put(recall=recall.with_plan(s.recall, came.plan, came.revision)))
    if not first:
        return turn
    return turn.put(language=came.plan.plant.languages[0]).say("goodbye" if s.operator is None else "welcome")


def _device(turn: Turn, came: DeviceLost | DeviceBack) -> Turn:
    """A device came or went: a fact once, and a banner that does not take the place of an awaited verdict."""
    known = next((d for d in turn.session.devices if d.name == came.name), None)
    fault = came.fault if isinstance(came, DeviceLost) else ""
    device = Device(came.name, came.family, ok=isinstance(came, DeviceBack), fault=fault)
    if device == known or (known is None and device.ok):
        return turn if known else turn.put(devices=(*turn.session.devices, device))
    others = turn.session.devices
    listed = tuple(device if d.name == came.name else d for d in others) if known else (*others, device)
    turn = turn.put(devices=listed)
    if isinstance(came, DeviceLost):
        body = wire.FaultOccurred(device=came.name[:64], fault=came.fault[:64] or "fault", text=came.text[:500])
        return turn.note(body).say("device_lost", {"device": came.name}, aside=True)
    if known is None or known.ok or not known.fault:
        return turn  # it was never said to be lost: the station has just started
    cleared = wire.FaultCleared(device=came.name[:64], fault=known.fault[:64])
    return turn.note(cleared).say("device_back", {"device": came.name}, aside=True)
