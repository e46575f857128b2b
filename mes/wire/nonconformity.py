"""Bodies: the life of a nonconformity, from its report to its end (`mes.domain.nonconformity`)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from mes.wire.envelope import Count, Day, Frozen, Id, OptionalId
from mes.wire.instruments import CertificateFile
from mes.wire.people import OneLine

MAX_ITEMS: Final = 200
Text = Annotated[str, Field(max_length=2_000)]
Said = Annotated[str, Field(min_length=1, max_length=2_000)]
Number = Annotated[int, Field(ge=1, lt=10**6)]
Cents = Annotated[int, Field(ge=0, lt=10**12)]
Severity = Literal["", "minor", "major", "critical"]
ItemKind = Literal["unit", "pieces", "lot", "delivery", "process", "complaint"]
Disposition = Literal["rework", "repair", "use_as_is", "regrade", "scrap", "return", "sort", "not_confirmed"]


class NcItem(Frozen):
    """One thing that does not conform, or may not: a unit by its serial, pieces of an order, a component lot (`part`
    and its number), a delivery, a process, a complaint.
    """

    kind: ItemKind
    subject: Id
    part: OptionalId = ""
    quantity: Annotated[int, Field(ge=1, lt=10**6)] = 1
    why: OneLine = ""


class NcFacts(Frozen):
    """What is known of a nonconformity, as the log must retain it; None: stays as it is."""

    title: OneLine | None = None
    requirement: Text | None = None
    severity: Severity | None = None
    customer: OneLine | None = None
    supplier: OneLine | None = None
    reference: OneLine | None = None
    customer_informed: Day | Literal[""] | None = None
    cost_material: Cents | None = None
    cost_work: Cents | None = None
    cost_other: Cents | None = None


class NonconformityOpened(Frozen):
    """Somebody reports what does not conform; `signal`: of a control chart, that it was opened from."""

    title: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
    facts: NcFacts = NcFacts()
    product: OptionalId = ""
    order: OptionalId = ""
    step: OptionalId = ""
    station: OptionalId = ""
    defect: OptionalId = ""
    signal: OptionalId = ""
    items: Annotated[tuple[NcItem, ...], Field(min_length=1, max_length=MAX_ITEMS)]


class NonconformityAmended(Frozen):
    """More, or something better, is known of it."""

    nc: Id
    facts: NcFacts


class NonconformityExtended(Frozen):
    """More things may be concerned: they are held as a precaution."""

    nc: Id
    items: Annotated[tuple[NcItem, ...], Field(min_length=1, max_length=MAX_ITEMS)]


class NonconformityContained(Frozen):
    """It is set aside: where it lies, and whether it carries the red label."""

    nc: Id
    place: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
    labelled: bool = False
    note: Text = ""


class NonconformityAnalysed(Frozen):
    """What was found to be the matter."""

    nc: Id
    cause: Said


class NonconformityDisposed(Frozen):
    """What becomes of items. Who decides is the entry's person, who has signed.

    `step` is where rework sends units; `concession` what `use_as_is` stands on. `by_piece`: a lot uses its concession
    with each piece that goes in, `at_gate`: a unit when the gate lets it on; without them, with the decision, as in
    ledgers of before.
    """

    nc: Id
    items: Annotated[tuple[Number, ...], Field(min_length=1, max_length=MAX_ITEMS)]
    disposition: Disposition
    step: OptionalId = ""
    concession: OptionalId = ""
    why: Text = ""
    by_piece: bool = False
    at_gate: bool = False


class ConcessionGranted(Frozen):
    """What does not conform may be used, within bounds: these serials or any unit, so many, until a day."""

    nc: Id
    product: OptionalId = ""
    step: OptionalId = ""
    serials: Annotated[tuple[Id, ...], Field(max_length=MAX_ITEMS)] = ()
    count: Annotated[int, Field(ge=1, lt=10**6)]
    expires: Day
    scope: Said
    authority: OneLine = ""
    reference: OneLine = ""


class NonconformityTreated(Frozen):
    """The treatment of an item is done; `bad` pieces were sorted out."""

    nc: Id
    item: Number
    bad: Count = 0
    note: Text = ""


class NonconformityReverified(Frozen):
    """An item was verified again after its treatment; `evidence` names the record."""

    nc: Id
    item: Number
    result: Literal["passed", "failed"]
    evidence: Said


class NonconformityRemarked(Frozen):
    """A comment, a file, or both."""

    nc: Id
    text: Text = ""
    file: CertificateFile | None = None


class NonconformityMerged(Frozen):
    """It is the same as another one, which goes on."""

    nc: Id
    into: Id


class NonconformityEnded(Frozen):
    """It is closed, cancelled or opened again, with a reason where one is due."""

    nc: Id
    why: Text = ""


class LogViewSaved(Frozen):
    """A filter of the log got a name, for everybody who reads the log; one of the same name is replaced."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    filter: Annotated[dict[str, Annotated[str, Field(max_length=120)]], Field(max_length=20)]


class LogViewRemoved(Frozen):
    """The name is gone."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
