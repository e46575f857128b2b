"""Counters, chains and published plans."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CounterRow:
    """`counter`."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class ChainRow:
    """`chain`; its `n` is the ledger position of the head."""

    source: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class PlanRow:
    """`plan_revision`."""

    revision: int
    hash: str
    content: str
    published_at: str
