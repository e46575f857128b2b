"""The envelope: one event on its way, how it is hashed, and the small types that all bodies share.

Both sides import this: a change here is a change of protocol.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Final, Literal

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
