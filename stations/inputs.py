"""What can happen to a bench session, and what it asks the agent to do: frozen values, no behaviour.

Every input carries the station's clock (`now`, UTC text) and its monotonic clock (`mono_ms`): the session has none of
its own. It must not know who made an input: a port, the bench page, the uplink, or a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mes import wire
from mes.domain.openhtf import Record
from mes.domain.reasons import Tone
from mes.domain.route import Command, Plan, Test
from stations.devices.readings import Reading
from stations.view import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When it happened."""

    now: str
    mono_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned(Moment):
    """A text was scanned, typed by a keyboard wedge, or touched: all the same."""

    raw: bytes | str


@dataclass(frozen=True, slots=True, kw_only=True)
class BadScan(Moment):
    """A frame that is no text: torn, too long, with bytes that no label has."""

    raw: bytes | str
    why: str
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Moment):
    """A draft is on the disk: it has its event id now."""

    token: int
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotKept(Moment):
    """The outbox failed. Given to the session as it was *before* the input whose drafts were lost.

    That session knows nothing of the lost drafts, so nothing has to be taken back.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCame(Moment):
    """The server has judged an event, named by its token, or by its event id alone (an event of an earlier start)."""

    token: int | None = None
    event_id: str = ""
    status: wire.Status = "recorded"
    verdict: wire.Verdict | None = None
    reason: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    screen: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """One reading of a test run: for which test of the plan, and by which instrument.

    `instrument` is the instrument in words; `device` its number in the plant, `serial` its own, and `calibration_due`
    the last day of its calibration, `YYYY-MM-DD`. `attempt` counts the askings of the test in this run.
    """

    test: str
    reading: Reading
    instrument: str = ""
    attempt: int = 1
    device: str = ""
    serial: str = ""
    calibration_due: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Moment):
    """The answer to `MeasureNow`. A test that was asked for and has no reading here counts as an error of the bench."""

    run: int
    readings: tuple[Taken, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCame(Moment):
    """A tester's program has left a test record."""

    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldByTester(Moment):
    """A tester that talks by itself has sent a line.

    Attributes:
        device: the port's name.
        raw: the line as it came, escaped.
        unit: whose it is, where the line says so.
        verdict: the tester's own word on the whole line.
        readings: what it says, under what a plan's test asks for; None when the line could not be read.
        why: why not.
    """

    device: str
    raw: str
    unit: str | None = None
    verdict: str | None = None
    readings: tuple[Taken, ...] | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBroken(Moment):
    """The station has started again, and a test run was open when it stopped: what had been read until then."""

    event_id: str
    unit: str
    step: str
    operator: str | None
    tests: tuple[wire.Measurement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchUnsafe(Moment):
    """These devices could not be brought to rest: they may still be live. None: all of them are at rest."""

    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLost(Moment):
    """A device of the station does not work."""

    name: str
    family: str
    fault: str = "unplugged"
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceBack(Moment):
    """It works again."""

    name: str
    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanged(Moment):
    """The way to the server."""

    state: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCame(Moment):
    """A published plan. The newest is used for new things, an older one for the orders that are pinned to it."""

    plan: Plan
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorCame(Moment):
    """What the server says of the floor, for a bench that has to decide alone; `from_disk`: what it said last time."""

    reply: wire.FloorReply
    from_disk: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RackCame(Moment):
    """What the station's own disk says of its rack, at the start; see `stations.rack.Note`."""

    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCount(Moment):
    """How many events wait in the outbox."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageChosen(Moment):
    """The person at the bench wants this language, until somebody else signs in."""

    language: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What the gate has just refused and a supervisor may let pass: for whom, which unit (or order), at which step.

    `open`: SUPERVISOR was scanned, and the next badge is the supervisor's; `badge` is that badge, and its PIN is due.
    """

    operator: str
    unit: str
    step: str
    open: bool = False
    badge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideAsked(Moment):
    """The supervisor's PIN was typed and is on its way to the server. It is not in here, nor anywhere in a session."""

    offer: Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideCame(Moment):
    """What the server says to it; `override_not_now` when no answer came."""

    offer: Offer
    go: bool
    reason: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Moment):
    """Time has passed. Twice a second is enough."""


Input = (
    Scanned
    | BadScan
    | Kept
    | NotKept
    | VerdictCame
    | Measured
    | RecordCame
    | ToldByTester
    | RunBroken
    | BenchUnsafe
    | DeviceLost
    | DeviceBack
    | LinkChanged
    | PlanCame
    | FloorCame
    | RackCame
    | KeptCount
    | LanguageChosen
    | OverrideAsked
    | OverrideCame
    | Tick
)


# --- what the session asks for ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MeasureNow:
    """Ask the devices for these tests, in this order, and answer with one `Measured` of the same `run`.

    The first of a run sets the bench up; `tear_down` is owed from then on, until `FinishMeasuring` or `StopMeasuring`.
    """

    run: int
    unit: str
    step: str
    tests: tuple[Test, ...]
    set_up: tuple[Command, ...] = ()
    tear_down: tuple[Command, ...] = ()
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class FinishMeasuring:
    """The run is over and its event is kept: bring the bench to rest."""

    run: int


@dataclass(frozen=True, slots=True)
class SampleNow:
    """Ask for this test of a unit in the rack, and answer with a `Measured` of this `run`. Nothing is set up for it."""

    run: int
    test: Test


@dataclass(frozen=True, slots=True)
class Feedback:
    """A new banner is up: beep and light in its tone, once the drafts are on the disk."""

    tone: Tone


@dataclass(frozen=True, slots=True)
class StopMeasuring:
    """Stop this run now and bring the instrument to rest: the unit leaves the bench, or the operator saw a defect."""

    run: int


AgentCommand = MeasureNow | SampleNow | FinishMeasuring | StopMeasuring | Feedback
