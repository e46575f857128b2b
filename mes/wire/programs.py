"""Bodies: the keys of programs that plan orders and read."""

from __future__ import annotations

from typing import Literal

from mes.wire.envelope import Day, Frozen, Id
from mes.wire.people import OneLine

KeyRole = Literal["planner-api", "reader-api"]
"""What a program may do: plan orders and read, or only read."""


class ApiKeyAdded(Frozen):
    """A program got a key; an empty `customer`: for the orders of all customers."""

    key: Id
    name: OneLine
    role: KeyRole
    customer: OneLine = ""
    ends_on: Day


class ApiKeyNamed(Frozen):
    """A program's key was withdrawn."""

    key: Id
