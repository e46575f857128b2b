"""The two values that go into the fold and come out of it, and the one exception that quarantines an event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from pydantic_core import to_json

from mes import wire
from mes.db.base import shifted
from mes.domain.gate import Answer

OFFICE: Final = "office"
_FUTURE_MS: Final = 60_000


@lru_cache(maxsize=64)  # one time of receipt serves a whole transaction
def _latest(received_at: str) -> str:
    return shifted(received_at, _FUTURE_MS)


class NotUnderstood(ValueError):
    """The event says nothing that this server understands; it is kept and the next one flows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event on its way into the ledger.

    `n` is its ledger position, `at` the time that state rows take: the station's clock put right by its offset, and
    never later than a minute after it was received (a clock that runs ahead must not make the future). `competence` is
    what the ledger says that the gate said of the operator then; None for what is judged the first time.
    """

    n: int
    source: str
    seq: int
    event_id: str
    kind: str
    v: int
    captured_at: str
    received_at: str
    mono_ms: int
    boot_id: str
    offset_ms: int | None
    operator: str | None
    veil: str
    operator_mark: str
    asks: bool
    station: str | None
    body: str
    sha256: str
    at: str = ""
    competence: str | None = None

    def digest(self) -> str:
        """The hash that the event must carry, from what it says."""
        return wire.digest(
            event_id=self.event_id,
            kind=self.kind,
            v=self.v,
            captured_at=self.captured_at,
            mono_ms=self.mono_ms,
            boot_id=self.boot_id,
            mark=self.operator_mark,
            asks=self.asks,
            body=self.body,
        )

    @staticmethod
    def occurred(captured_at: str, received_at: str, offset_ms: int | None) -> str:
        """When it happened, as well as can be known: see `at`."""
        try:
            at = shifted(captured_at, offset_ms or 0)
        except ValueError:  # a 31st of February passes the wire's pattern
            return received_at
        return at if at <= _latest(received_at) else received_at


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of an entry."""

    entry: Entry
    status: wire.Status
    verdict: wire.Verdict | None
    reason: str
    args: Mapping[str, Any] = field(default_factory=dict)
    screen: dict[str, Any] | None = None
    competence: str = ""


def yes(entry: Entry, **args: Any) -> Judged:
    """A request of the office is granted."""
    return Judged(entry, "recorded", "accepted", "noted", args)


def no(entry: Entry, reason: str, **args: Any) -> Judged:
    """A request of the office may not be: nothing changes."""
    return Judged(entry, "recorded", "refused", reason, args)


def spelled(answer: Answer | None) -> str:
    """What the gate said of the operator, as the ledger keeps it; empty when it was not asked.

    The reason, `!` before it when it was no, and the arguments behind it as JSON when there are any.
    """
    if answer is None:
        return ""
    args = f" {to_json(answer.args).decode()}" if answer.args else ""
    return f"{'' if answer.go else '!'}{answer.reason}{args}"


def answer_of(text: str) -> Answer | None:
    """The gate's answer of what `spelled` has written."""
    if not text:
        return None
    reason, _, args = text.partition(" ")
    return Answer(not reason.startswith("!"), reason.removeprefix("!"), json.loads(args) if args else {})
