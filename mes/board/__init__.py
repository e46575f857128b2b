"""The floor board's read model: one consistent look at the database becomes frozen values that a page can draw.

It knows rows, the plan and the time that it is told. It knows no language, no HTML and no person: what it says is about
stations, units and orders, and there is nothing in it by which people could be compared.
"""

from __future__ import annotations

from mes.board.model import (
    Board,
    DeviceFault,
    Line,
    Link,
    Nonconformity,
    OrderProgress,
    Signal,
    State,
    StepYield,
    Tile,
    Word,
)
from mes.board.network import OFFLINE_AFTER
from mes.board.orders import progress
from mes.board.snapshot import snapshot

__all__ = [
    "OFFLINE_AFTER",
    "Board",
    "DeviceFault",
    "Line",
    "Link",
    "Nonconformity",
    "OrderProgress",
    "Signal",
    "State",
    "StepYield",
    "Tile",
    "Word",
    "progress",
    "snapshot",
]
