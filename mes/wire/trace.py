"""What is given out: a unit's history, and the papers that go with goods."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Day, Frozen, Id, Sha256, UtcText


class DossierIssued(Frozen):
    """The dossier of a unit was made and given out; `sha256` is its file's, `facts_at` the time of its last fact."""

    unit: Id
    language: Literal["fr", "en"]
    facts_at: UtcText
    sha256: Sha256
    size: Annotated[int, Field(ge=1, lt=2**53)]


class PaperIssued(Frozen):
    """A paper that goes with a delivery, a carton or an order was made and given out; `sha256` is its file's."""

    paper: Literal["packing_list", "delivery_note", "certificate"]
    scope: Literal["delivery", "carton", "order"]
    subject: Id
    language: Literal["fr", "en"]
    facts_at: UtcText
    sha256: Sha256
    size: Annotated[int, Field(ge=1, lt=2**53)]


class AuditFileMade(Frozen):
    """An audit file of these days was given out; `sha256` is that of its manifest, `seed` drew its units."""

    first: Day
    last: Day
    sha256: Sha256
    size: Annotated[int, Field(ge=1, lt=2**53)]
    units: Annotated[int, Field(ge=0, lt=10**6)]
    seed: Annotated[int, Field(ge=0, lt=2**53)]
