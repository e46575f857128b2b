"""Requests and answers between a station and the server."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from mes.wire.envelope import (
    MAX_EVENTS,
    Count,
    Envelope,
    Frozen,
    Id,
    OptionalId,
    Seq,
    Status,
    UtcText,
    UuidText,
    Verdict,
)


class EnrollRequest(Frozen):
    """The one-time code from the server, and who asks."""

    code: Annotated[str, Field(min_length=1, max_length=64)]
    machine_id: Annotated[str, Field(min_length=1, max_length=128)]
    stream_id: UuidText


class EnrollReply(Frozen):
    """The station's id and its token, which the server will never show again."""

    station: str
    token: str


class Mark(Frozen):
    """A place in a stream."""

    seq: Annotated[int, Field(ge=0, lt=2**53)]
    event_id: UuidText | None = None


class HelloRequest(Frozen):
    """Where the station stands: its next number, its last event, its clock, what it holds unjudged."""

    proto: int
    agent: OptionalId
    stream_id: UuidText
    next_seq: Seq
    last: Mark
    acked: Annotated[int, Field(ge=0, lt=2**53)] = 0
    kept: Count = 0
    boot_id: OptionalId = ""
    machine_id: Annotated[str, Field(max_length=128)] = ""
    now: UtcText


class PlanMark(Frozen):
    """Which plan the floor works by."""

    revision: int
    hash: str


class HelloReply(Frozen):
    """Where the server stands.

    `hwm` is the last event of this stream that it has; `safe_seq` the last one inside a verified backup; `cursor` the
    ledger's last position, for a station that wants to know whether the floor has changed. `next_token`, when it is
    there, shall replace the station's token: keep it, then use it.
    """

    server_gen: str
    station: str
    hwm: Mark
    safe_seq: int
    now: UtcText
    max_events: int
    max_bytes: int
    plan: PlanMark | None
    cursor: int
    next_token: str | None = None


class IngestRequest(Frozen):
    """A contiguous piece of one stream."""

    stream_id: UuidText
    events: Annotated[tuple[Envelope, ...], Field(min_length=1, max_length=MAX_EVENTS)]


class RawEvent(Frozen):
    """An event that nobody could read: its number must be one, all else may be anything."""

    model_config = ConfigDict(frozen=True, extra="allow")

    seq: Seq


class RawRequest(Frozen):
    """One event that the server has failed on again and again."""

    stream_id: UuidText
    event: RawEvent


class IngestResult(Frozen):
    """What became of one event. `screen` tells the bench what it cannot know: what a unit already has."""

    event_id: str
    status: Status
    verdict: Verdict | None = None
    reason: str = ""
    args: dict[str, Any] = {}
    screen: dict[str, Any] | None = None


class IngestReply(Frozen):
    """The results, in the order of the batch, and the new marks. The station acks the listed event ids, no others."""

    results: tuple[IngestResult, ...]
    hwm: Mark
    safe_seq: int


class OlderPlan(Frozen):
    """A plan that an open order is pinned to."""

    revision: int
    content: dict[str, Any]


class PlanReply(Frozen):
    """The latest plan, and the older ones that open orders are pinned to."""

    revision: int
    hash: str
    content: dict[str, Any]
    older: tuple[OlderPlan, ...]


class OverrideRequest(Frozen):
    """A supervisor at the bench: the scanned badge and the typed PIN, and what for. Never kept, never logged."""

    badge: Id
    pin: Annotated[str, Field(pattern=r"^[0-9]{1,12}$", repr=False)]
    operator: Id
    unit: Id
    step: Id


class OverrideReply(Frozen):
    """Whether the operator may go on, and the sentence."""

    go: bool
    reason: str
    args: dict[str, Any] = {}


class FloorOrder(Frozen):
    """What a station must know of an order to decide alone."""

    id: str
    product: str
    state: str
    revision: int
    quantity: int


class FloorBurn(Frozen):
    """How long a unit has been seen to run; see `mes.domain.burn_in.Burn`."""

    samples: Annotated[int, Field(ge=0)] = 0
    ran_ms: Annotated[int, Field(ge=0)] = 0
    boot: OptionalId = ""
    mono_ms: Annotated[int, Field(ge=0)] = 0
    out: Annotated[int, Field(ge=0)] = 0


class FloorUnit(Frozen):
    """What a station must know of a unit to decide alone; `results`: what each step's last test run came to.

    In a rack, `place` is where it stands, and `burn` how far its burn-in is. `permit` is the concession that it is to
    go on under.
    """

    serial: str
    order: str
    product: str
    state: str
    step: str
    visit: int
    attempts: int
    tested: str | None
    inspected: str | None
    station: str | None
    nc: str | None
    since: str = ""
    results: dict[str, str] = {}
    place: int | None = None
    burn: FloorBurn | None = None
    permit: str | None = None


class FloorComponent(Frozen):
    """A serialised component that is in a unit; an empty `unit`: it has been taken out."""

    part: str
    serial: str
    unit: str


class FloorLot(Frozen):
    """A component lot that must not be used."""

    part: str
    lot: str


class FloorLotDay(Frozen):
    """The last day on which a component lot may be used, and the concession that its pieces use."""

    part: str
    lot: str
    until: str
    permit: str | None = None


class FloorPermit(Frozen):
    """A concession that units or lots use: its last day, and how many pieces it still permits."""

    id: str
    until: str
    left: int


class FloorCarton(Frozen):
    """What a packing bench must know of a carton to decide alone: see `mes.domain.packing.Carton`.

    `inside`: the serials of the units in it, the SSCCs on a pallet, or the orders whose pieces it holds.
    """

    sscc: str
    level: Literal["carton", "pallet"]
    state: str
    order: str | None = None
    product: str | None = None
    customer: str = ""
    bound: bool = False
    have: Annotated[int, Field(ge=0)] = 0
    weighed: str | None = None
    parent: str | None = None
    held: str = ""
    inside: tuple[str, ...] = ()


class FloorBadge(Frozen):
    """A badge that is good: the language of its screens, and the last day of each qualification. No name, no person."""

    id: str
    language: str
    until: dict[str, str]


class FloorInstrument(Frozen):
    """An instrument of the register, as a bench must know it: see `mes.domain.calibration.Instrument`."""

    id: str
    state: Literal["good", "unfit", "retired", "new"]
    since: str = ""
    until: str = ""


class FloorStop(Frozen):
    """A step to which no further unit comes, because of a signal of a control chart."""

    product: str
    step: str
    signal: str


class FloorReply(Frozen):
    """What has changed on the floor since a ledger position (0: everything that is open).

    `help_called` is about the station that asks: somebody may have answered its call from elsewhere. `badges` and
    `instruments` are always all of them, or the end of one could never be told; None: this server does not tell. So are
    `stopped`, the steps to which nothing comes, and `permits`, the concessions that something may still use.
    `lot_days`: the lots with a last day of use of which something was said since.
    """

    cursor: int
    whole: bool
    orders: tuple[FloorOrder, ...]
    units: tuple[FloorUnit, ...]
    components: tuple[FloorComponent, ...]
    held_lots: tuple[FloorLot, ...]
    help_called: bool | None = None
    badges: tuple[FloorBadge, ...] | None = None
    instruments: tuple[FloorInstrument, ...] | None = None
    lot_days: tuple[FloorLotDay, ...] | None = None
    stopped: tuple[FloorStop, ...] | None = None
    permits: tuple[FloorPermit, ...] | None = None


class Problem(Frozen):
    """An error that says what to do next."""

    error: str
    message: str
