"""What travels between a station and the server: the envelope, the event kinds, the answers.

Frozen pydantic models and one hash; no rule, no I/O. Both sides import this file, so a change here is a change of
protocol: add fields with defaults, never take one away, and raise a kind's version when its meaning changes.

The body of an event travels as *text* (a JSON object written by the station), not as a nested object: the hash is over
those very characters, so no two JSON writers have to agree on how a number is spelled.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

PROTO: Final = 1
MAX_EVENTS: Final = 200  # events in a batch
MAX_BYTES: Final = 262_144  # bytes of a batch's JSON
MAX_BODY: Final = 65_536  # characters of one event's body

Verdict = Literal["accepted", "refused", "held"]
Status = Literal["recorded", "duplicate", "conflict", "gap", "quarantined"]
Outcome = Literal["passed", "failed", "error", "timeout", "aborted"]

UuidText = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
UtcText = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")]
# No control characters: PostgreSQL cannot keep a NUL in text, and an id with a line feed forges a log line.
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
OptionalId = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
# Not `~` at its head: that is what stands where an operator has been generalised.
OperatorId = Annotated[str, Field(max_length=64, pattern=r"^([^\x00-\x1f\x7f~][^\x00-\x1f\x7f]*)?$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Veil = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Day = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
Seq = Annotated[int, Field(ge=1, lt=2**53, strict=True)]
Count = Annotated[int, Field(ge=0, lt=10**9)]


class Frozen(BaseModel):
    """A value: no key beyond the named ones, no change after it is made, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# --- the envelope ----------------------------------------------------------------------------------------------------


class Envelope(Frozen):
    """One event on its way.

    `seq` has no gaps within a stream. `captured_at` is the station's clock (UTC), `offset_ms` what the station believes
    must be added to it, `mono_ms` its monotonic clock within `boot_id`. `asks` says that the operator waits for the
    verdict: only then can the event be *refused*; without it, it is a fact, which is recorded always. `veil` is random,
    made with the event: see `operator_mark`.
    """

    seq: Seq
    event_id: UuidText
    kind: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z]+$")]
    v: Annotated[int, Field(ge=1, le=999)] = 1
    captured_at: UtcText
    mono_ms: Annotated[int, Field(ge=0, lt=2**53)] = 0
    boot_id: OptionalId = ""
    offset_ms: Annotated[int, Field(gt=-(2**53), lt=2**53)] | None = None
    operator: OperatorId | None = None
    veil: Veil
    asks: bool = False
    body: Annotated[str, Field(max_length=MAX_BODY)]
    sha256: Sha256


SOMEBODY: Final = "~"
"""Stands in the ledger in the place of an operator who has been generalised: somebody was there."""


def new_veil() -> str:
    """The random veil of a new event."""
    return secrets.token_hex(16)


def operator_mark(operator: str | None, veil: str) -> str:
    """What stands for the operator in every hash.

    Badges are few: without the veil somebody could hash each of them and see which one it was. Once operator and veil
    are forgotten the mark tells nobody, and every hash over it still holds.

    Returns:
        64 lower-case hexadecimal digits: SHA-256 over the veil, a line feed and the operator, UTF-8; empty without an
        operator.
    """
    return hashlib.sha256(f"{veil}\n{operator}".encode()).hexdigest() if operator else ""


def digest(
    *,
    event_id: str,
    kind: str,
    v: int,
    captured_at: str,
    mono_ms: int,
    boot_id: str,
    mark: str,
    asks: bool,
    body: str,
) -> str:
    """Hash what must never change about an event; `seq` and `offset_ms` may, when a stream is renumbered.

    Args:
        mark: the `operator_mark`.

    Returns:
        64 lower-case hexadecimal digits: SHA-256 over the nine fields, one a line, UTF-8 (`asks` as 0 or 1).
    """
    text = f"{event_id}\n{kind}\n{v}\n{captured_at}\n{mono_ms}\n{boot_id}\n{mark}\n{1 if asks else 0}\n{body}"
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(e: Envelope) -> str:
    """`digest` of an envelope's own fields, to compare with the `sha256` it carries."""
    return digest(
        event_id=e.event_id,
        kind=e.kind,
        v=e.v,
        captured_at=e.captured_at,
        mono_ms=e.mono_ms,
        boot_id=e.boot_id,
        mark=operator_mark(e.operator, e.veil),
        asks=e.asks,
        body=e.body,
    )


# --- bodies: facts from the floor (IPC-CFX names where CFX has one) ---------------------------------------------------


class OperatorActivated(Frozen):
    """A person signed in at the station; who it is stands in the envelope."""


class OperatorDeactivated(Frozen):
    """The person signed out, or another one took over."""


class UnitsArrived(Frozen):
    """A unit came to the bench for a step. With `asks` it is a request that the gate may refuse."""

    unit: Id
    step: Id
    scan: str = ""
    place: Annotated[int, Field(ge=1, le=999)] | None = None


class UnitsDeparted(Frozen):
    """A unit left the bench with its step unfinished (taken back, end of shift)."""

    unit: Id
    step: Id
    reason: str = ""


class MaterialsInstalled(Frozen):
    """A component went into a unit. The event id is the installation's id."""

    unit: Id
    step: Id
    part: Id
    serial: OptionalId | None = None
    lot: OptionalId | None = None
    quantity: Annotated[int, Field(ge=1, le=100_000)] = 1
    scan: str = ""


class MaterialsUninstalled(Frozen):
    """A component came out again, by UNDO or by repair."""

    unit: Id
    step: Id
    installation: UuidText
    reason: str = ""


class Measurement(Frozen):
    """One reading against its limits, as the station saw it. `raw` is the instrument's own text.

    `attempt` counts the askings of one test in one run: only the last one judges, the others are kept. `verdict` is
    what the tester says of itself. `device` and `serial` name the instrument as the plant knows it, `calibration_due`
    is the last day of its calibration (ISO 9001:2015, 7.1.5); `instrument` is the same in words, with its own answer.
    """

    test: Id
    outcome: Outcome
    value: float | None = None
    unit: Annotated[str, Field(max_length=16)] | None = None
    low: float | None = None
    high: float | None = None
    instrument: Annotated[str, Field(max_length=120)] | None = None
    raw: Annotated[str, Field(max_length=2_000)] = ""
    attempt: Annotated[int, Field(ge=1, le=99)] = 1
    verdict: Literal["passed", "failed"] | None = None
    device: OptionalId | None = None
    serial: OptionalId | None = None
    calibration_due: Day | None = None


class UnitsTested(Frozen):
    """One test run. `error`, `timeout` and `aborted` speak of the bench, `failed` of the unit."""

    unit: Id
    step: Id
    outcome: Outcome
    tests: Annotated[tuple[Measurement, ...], Field(max_length=500)]


class ReadingsRecorded(Frozen):
    """One sample of a unit that is in work, such as in burn-in: number `n` of its visit, from 1."""

    unit: Id
    step: Id
    n: Annotated[int, Field(ge=1, le=10_000_000)]
    readings: Annotated[tuple[Measurement, ...], Field(min_length=1, max_length=100)]


class UnitsInspected(Frozen):
    """A person looked, and passed the unit or named its defects."""

    unit: Id
    step: Id
    result: Literal["passed", "failed"]
    defects: Annotated[tuple[Id, ...], Field(max_length=50)] = ()


class UnitsRepaired(Frozen):
    """What a repair did, in words."""

    unit: Id
    step: Id
    text: Annotated[str, Field(max_length=2_000)] = ""


class Scrapped(Frozen):
    """Pieces of a lot that are no good, and why."""

    defect: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class WorkCompleted(Frozen):
    """A step is finished: of a `unit`, or `good` and `scrap` pieces of a lot-tracked `order`."""

    step: Id
    unit: Id | None = None
    order: Id | None = None
    good: Count = 0
    scrap: Annotated[tuple[Scrapped, ...], Field(max_length=50)] = ()


class UnitsDisqualified(Frozen):
    """A unit is scrap."""

    unit: Id
    step: Id
    reason: str = ""


class StationStateChanged(Frozen):
    """The station's resource state (SEMI E10 words as in IPC-CFX: PRD, SBY, ENG, SDT, USD, NST) and why."""

    state: Literal["PRD", "SBY", "ENG", "SDT", "USD", "NST"]
    reason: Annotated[str, Field(max_length=40)] = ""


class FaultOccurred(Frozen):
    """A device of the station does not work (unplugged, torn frames, no answer)."""

    device: Id
    fault: Id
    text: Annotated[str, Field(max_length=500)] = ""


class FaultCleared(Frozen):
    """It works again."""

    device: Id
    fault: Id


class IdentifiersNotRead(Frozen):
    """Something was read that says nothing: kept as it came, control characters escaped."""

    raw: Annotated[str, Field(max_length=2_000)]
    why: Id
    device: OptionalId = ""


class HelpRequested(Frozen):
    """The operator calls for help."""

    unit: OptionalId | None = None
    step: OptionalId | None = None


class HelpAnswered(Frozen):
    """Somebody came. `station` is set when it is answered from elsewhere than the station itself."""

    station: OptionalId | None = None


# --- bodies: human actions on the web and at the command line ---------------------------------------------------------


class PlanPublished(Frozen):
    """A plan revision with all that it says."""

    revision: Annotated[int, Field(ge=1)]
    hash: Sha256
    content: dict[str, Any]


class StationEnrolled(Frozen):
    """A station PC was let in."""

    station: Id
    machine_id: Annotated[str, Field(max_length=128)]


class StationNamed(Frozen):
    """A station was shut out, or somebody has seen to its alarm."""

    station: Id


class TokenRotated(Frozen):
    """A station used its new key for the first time: the one before it is dead."""

    station: Id
    machine_id: Annotated[str, Field(max_length=128)]


class StationAlarm(Frozen):
    """Something is wrong with a station's key: a second machine, a copy of it, a foreign stream, a used code."""

    station: Id
    alarm: Literal["machine", "boot", "stream", "code"]
    machine_id: Annotated[str, Field(max_length=128)] = ""


Priority = Annotated[int, Field(ge=1, le=3)]
"""1 urgent, 2 normal, 3 can wait."""


class OrderCreated(Frozen):
    """A quantity of one product to make."""

    order: Id
    product: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    due: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    customer: Annotated[str, Field(max_length=120)] = ""
    note: Annotated[str, Field(max_length=2_000)] = ""
    reference: Annotated[str, Field(max_length=64)] = ""
    priority: Priority = 2


class OrderAmended(Frozen):
    """What is different from now on; None: as before. An empty `due` takes the date away."""

    order: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    due: Annotated[str, Field(pattern=r"^(\d{4}-\d\d-\d\d)?$")] | None = None
    customer: Annotated[str, Field(max_length=120)] | None = None
    reference: Annotated[str, Field(max_length=64)] | None = None
    priority: Priority | None = None
    note: Annotated[str, Field(max_length=2_000)] | None = None
    why: Annotated[str, Field(max_length=500)] = ""


class OrderSplit(Frozen):
    """So many pieces that have not begun go into a new order; their serials go along."""

    order: Id
    to: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    due: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    why: Annotated[str, Field(max_length=500)] = ""


class OrderReleased(Frozen):
    """The floor may begin; the order is pinned to a plan revision, and its serials are reserved."""

    order: Id
    revision: Annotated[int, Field(ge=1)]


class OrderChanged(Frozen):
    """Hold, resume or cancel, with the reason."""

    order: Id
    why: Annotated[str, Field(max_length=500)] = ""


class OrderClosed(OrderChanged):
    """The order is over; `despite` names what stood against it and was let pass, with the reason."""

    despite: tuple[Id, ...] = ()


class LabelPrinted(Frozen):
    """A label of a unit, or the traveller of an order, was made to be printed; the ledger's answer says which copy.

    `paper`: the sheet (`3x8`) or the size of the roll's labels in mm (`57x32`); empty for a traveller.
    """

    template: Literal["unit", "traveller"]
    order: Id
    unit: OptionalId = ""
    symbology: Literal["code128", "qr"]
    paper: Annotated[str, Field(max_length=20, pattern=r"^[0-9x.]*$")] = ""


class NonconformityDecided(Frozen):
    """What becomes of the held unit: back to a step, on as it was (not confirmed), or scrap."""

    nc: Id
    disposition: Literal["rework", "not_confirmed", "scrap"]
    step: OptionalId | None = None
    why: Annotated[str, Field(max_length=2_000)] = ""


class LotChanged(Frozen):
    """A component lot is held or released again."""

    part: Id
    lot: Id
    why: Annotated[str, Field(max_length=500)] = ""


class PersonChanged(Frozen):
    """A person came to the shop, the name behind a pseudonym was erased, or somebody had all that is held on a person
    printed. The name itself is never here."""

    person: Id


OneLine = Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
InstrumentId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,47}$")]
MAX_FILE: Final = 10 * 1024 * 1024  # bytes of a certificate


class InstrumentDescribed(Frozen):
    """A measuring instrument of the plant: its number, what it is, who calibrates it and how often.

    The second time it says what has changed of it.
    """

    instrument: InstrumentId
    family: OneLine
    model: OneLine
    serial: OneLine
    supplier: OneLine = ""
    months: Annotated[int, Field(ge=1, le=120)] = 12


class CertificateFile(Frozen):
    """A file that is kept by its own hash; what it holds stands elsewhere."""

    sha256: Sha256
    name: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
    size: Annotated[int, Field(ge=1, le=MAX_FILE)]
    type: Literal["application/pdf", "image/png", "image/jpeg"]


class InstrumentCalibrated(Frozen):
    """An instrument was compared with its standard: found good until a day, or unfit (then no day)."""

    instrument: InstrumentId
    done: Day
    result: Literal["good", "unfit"]
    due: Day | None = None
    supplier: OneLine = ""
    certificate: OneLine = ""
    file: CertificateFile | None = None
    note: Annotated[str, Field(max_length=2_000)] = ""


class InstrumentMoved(Frozen):
    """An instrument was taken out of use, or back into it, from a day on."""

    instrument: InstrumentId
    why: Annotated[str, Field(max_length=500)] = ""


class MeasuredUnitsExported(Frozen):
    """Somebody took a list of the units that an instrument has measured since a moment."""

    instrument: InstrumentId
    since: Annotated[str, Field(max_length=27)]
    rows: Count


class BadgeIssued(Frozen):
    """A badge for a person: its id is random and says nothing of who carries it."""

    badge: Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,48}$")]
    person: Id
    language: Literal["fr", "en"]


class BadgeEnded(Frozen):
    """A badge is good no longer: lost, or its person has left."""

    badge: Id
    why: Annotated[str, Field(max_length=500)] = ""


class QualificationGranted(Frozen):
    """A person may do the steps that ask for this, to the end of a day; a second grant sets another day."""

    person: Id
    qualification: Id
    valid_until: Day


class QualificationWithdrawn(Frozen):
    """A person may not do these steps any more."""

    person: Id
    qualification: Id
    why: Annotated[str, Field(max_length=500)] = ""


Role = Literal["operator", "supervisor", "quality", "planner", "admin"]
"""What somebody may do at the web pages; an account has one or more of them."""
SignInWhy = Literal["name", "password", "disabled"]


class AccountNamed(Frozen):
    """Something happened to an account, or somebody came or went."""

    person: Id


class AccountRoles(Frozen):
    """An account came to be, or has other roles now: these and no others."""

    person: Id
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]


class SignInRefused(Frozen):
    """Somebody could not sign in: at this account, or (empty) with a name that no account has. Never what was typed."""

    person: OptionalId = ""
    why: SignInWhy


class AccessRefused(Frozen):
    """Somebody who is signed in asked for a page that only these roles may see or use."""

    path: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
    roles: tuple[Role, ...]


class OperatorsGeneralised(Frozen):
    """The operators of floor events from before a moment were forgotten."""

    before: UtcText
    events: Count


class OverrideGranted(Frozen):
    """A supervisor lets one operator do one visit of a unit to a step (one booking of an order) without what it takes.

    `by` is the supervisor's pseudonym, `operator` the badge of who works. The PIN is nowhere.
    """

    unit: Id
    step: Id
    visit: Count = 0
    operator: Id
    station: Id
    reasons: Annotated[tuple[Id, ...], Field(min_length=1, max_length=8)]
    by: Id


class OverrideRefused(Frozen):
    """Somebody tried, with a badge or a PIN that was not right (`by` is empty where the badge is nobody's)."""

    unit: Id
    step: Id
    operator: Id
    station: Id
    by: OptionalId = ""
    why: Literal["wrong", "self", "never"]


class EventRequeued(Frozen):
    """A quarantined event is tried again by a server that may understand it now."""

    event_id: UuidText


FLOOR_KINDS: Final[dict[tuple[str, int], type[Frozen]]] = {
    (model.__name__, 1): model
    for model in (
        OperatorActivated,
        OperatorDeactivated,
        UnitsArrived,
        UnitsDeparted,
        MaterialsInstalled,
        MaterialsUninstalled,
        UnitsTested,
        ReadingsRecorded,
        UnitsInspected,
        UnitsRepaired,
        WorkCompleted,
        UnitsDisqualified,
        StationStateChanged,
        FaultOccurred,
        FaultCleared,
        IdentifiersNotRead,
        HelpRequested,
        HelpAnswered,
    )
}
"""What a station may report, by kind and version."""

OFFICE_KINDS: Final[dict[tuple[str, int], type[Frozen]]] = {
    ("PlanPublished", 1): PlanPublished,
    ("StationInvited", 1): StationNamed,
    ("StationEnrolled", 1): StationEnrolled,
    ("StationRevoked", 1): StationNamed,
    ("TokenRotated", 1): TokenRotated,
    ("StationAlarm", 1): StationAlarm,
    ("StationAlarmEnded", 1): StationNamed,
    ("OrderCreated", 1): OrderCreated,
    ("OrderReleased", 1): OrderReleased,
    ("OrderHeld", 1): OrderChanged,
    ("OrderHeld", 2): OrderChanged,
    ("OrderResumed", 1): OrderChanged,
    ("OrderClosed", 1): OrderClosed,
    ("OrderCancelled", 1): OrderChanged,
    ("OrderAmended", 1): OrderAmended,
    ("OrderSplit", 1): OrderSplit,
    ("LabelPrinted", 1): LabelPrinted,
    ("NonconformityDecided", 1): NonconformityDecided,
    ("LotHeld", 1): LotChanged,
    ("LotReleased", 1): LotChanged,
    ("HelpAnswered", 1): HelpAnswered,
    ("PersonAdded", 1): PersonChanged,
    ("PersonErased", 1): PersonChanged,
    ("BadgeIssued", 1): BadgeIssued,
    ("BadgeEnded", 1): BadgeEnded,
    ("QualificationGranted", 1): QualificationGranted,
    ("QualificationWithdrawn", 1): QualificationWithdrawn,
    ("AccountAdded", 1): AccountRoles,
    ("RolesChanged", 1): AccountRoles,
    ("AccountDisabled", 1): AccountNamed,
    ("AccountEnabled", 1): AccountNamed,
    ("AccountReset", 1): AccountNamed,
    ("PasswordChanged", 1): AccountNamed,
    ("PinChanged", 1): AccountNamed,
    ("SetUpDone", 1): AccountNamed,
    ("SignedIn", 1): AccountNamed,
    ("SignedOut", 1): AccountNamed,
    ("SignInRefused", 1): SignInRefused,
    ("AccessRefused", 1): AccessRefused,
    ("OperatorsGeneralised", 1): OperatorsGeneralised,
    ("PersonalDataPrinted", 1): PersonChanged,
    ("OverrideGranted", 1): OverrideGranted,
    ("OverrideRefused", 1): OverrideRefused,
    ("InstrumentRegistered", 1): InstrumentDescribed,
    ("InstrumentChanged", 1): InstrumentDescribed,
    ("InstrumentCalibrated", 1): InstrumentCalibrated,
    ("InstrumentRetired", 1): InstrumentMoved,
    ("InstrumentReturned", 1): InstrumentMoved,
    ("MeasuredUnitsExported", 1): MeasuredUnitsExported,
    ("EventRequeued", 1): EventRequeued,
}
"""What a person does away from the bench; never accepted from a station's stream."""


# --- requests and answers ---------------------------------------------------------------------------------------------


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

    In a rack, `place` is where it stands, and `burn` how far its burn-in is.
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


class FloorComponent(Frozen):
    """A serialised component that is in a unit; an empty `unit`: it has been taken out."""

    part: str
    serial: str
    unit: str


class FloorLot(Frozen):
    """A component lot that must not be used."""

    part: str
    lot: str


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


class FloorReply(Frozen):
    """What has changed on the floor since a ledger position (0: everything that is open).

    `help_called` is about the station that asks: somebody may have answered its call from elsewhere. `badges` and
    `instruments` are always all of them, or the end of one could never be told; None: this server does not tell.
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


class Problem(Frozen):
    """An error that says what to do next."""

    error: str
    message: str
