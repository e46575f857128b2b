"""The shelf of components: what the label of the next piece says, and now and then the label of a wrong one.

Pure data and an injected generator. It must not know benches nor what a scan does: it hands out texts, as suppliers
print them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from mes.domain.route import Component, Plan

GS, RS, EOT = "\x1d", "\x1e", "\x04"
LOT_SIZE: Final = 40
"""Pieces in a bag: after so many labels the next bag has another lot number."""

_DIGITS: Final = "0123456789"
_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_PIECE: Final = re.compile(r"\(\?P<\w+>|\(\?:|\\.|\[[^\]]+\]|\{(\d+)(?:,\d*)?\}|.")


def ecia_label(part: str, *, serial: str | None = None, lot: str | None = None, quantity: int = 1) -> str:
    """A supplier's label in an ISO/IEC 15434 envelope. Source: ECIA EIGP 114.2018 (P, Q, 1T, S)."""
    items = [f"P{part}", f"Q{quantity}"]
    items += [f"1T{lot}"] if lot else []
    items += [f"S{serial}"] if serial else []
    return f"[)>{RS}06{GS}{GS.join(items)}{RS}{EOT}"


def text_for(pattern: str, rng: random.Random) -> str | None:
    """A text that a simple pattern accepts (literals, classes, groups, counts); None where it is not that simple."""
    made: list[str] = []
    last = ""
    for found in _PIECE.finditer(pattern):
        piece = found[0]
        if found[1]:  # {n}: the last piece n times in all
            made += [_one(last, rng) for _ in range(int(found[1]) - 1)]
        elif piece == "+":
            made += [_one(last, rng) for _ in range(rng.randrange(3))]
        elif piece in ("^", "$", "(", ")", "?", "*") or piece.startswith("(?"):
            continue
        else:
            made.append(_one(piece, rng))
            last = piece
    text = "".join(made)
    return text if re.fullmatch(pattern, text) else None


def _one(piece: str, rng: random.Random) -> str:
    if piece == r"\d":
        return rng.choice(_DIGITS)
    if piece in (r"\w", "."):
        return rng.choice(_LETTERS + _DIGITS)
    if piece.startswith("["):
        return rng.choice(list(_members(piece[1:-1])) or ["?"])
    return piece[-1:]


def _members(inside: str) -> Iterator[str]:
    for found in re.finditer(r"(.)-(.)|\\d|(.)", inside):
        if found[0] == r"\d":
            yield from _DIGITS
        elif found[1]:
            yield from (chr(c) for c in range(ord(found[1]), ord(found[2]) + 1))
        else:
            yield found[3]


@dataclass(slots=True)
class _Bag:
    label: str
    left: int


class Stock:
    """Components in front of one bench. Serials are drawn at random: two benches hardly ever have the same."""

    def __init__(self, plan: Plan, rng: random.Random) -> None:
        self._rng = rng
        self._components = {c.part: c for p in plan.products for s in p.steps for c in s.components}
        self._bags: dict[str, _Bag] = {}
        self._bag_numbers = count(1)

    def take(self, part: str) -> str | None:
        """The label of the next piece of a part; None for a part that no step of the plan names."""
        component = self._components.get(part)
        if component is None:
            return None
        if component.per == "serial":
            return self._serial(component)
        bag = self._bags.get(part)
        if bag is None or bag.left <= 0:
            bag = self._bags[part] = _Bag(self._lot(component), LOT_SIZE)
        bag.left -= 1
        return bag.label

    def put_away(self, part: str) -> None:
        """The bag in use must not be used (its lot is blocked): the next label is of another one."""
        self._bags.pop(part, None)

    def wrong(self, wanted: Iterable[str]) -> str:
        """The label of a piece that is not among the wanted parts: of another part, or of nothing that is known."""
        avoid = set(wanted)
        others = [part for part in self._components if part not in avoid]
        if not others or self._rng.random() < 0.2:
            return f"XX-{self._rng.randrange(10_000):04}"
        return self.take(self._rng.choice(others)) or ""

    def _serial(self, component: Component) -> str:
        plain = text_for(component.pattern, self._rng) if component.pattern else None
        return plain or ecia_label(component.part, serial=f"{self._rng.randrange(10**8):08}")

    def _lot(self, component: Component) -> str:
        # Every other bag has the supplier's own plain label, where the plan knows one.
        number = next(self._bag_numbers)
        plain = text_for(component.pattern, self._rng) if component.pattern and number % 2 else None
        lot = f"{self._rng.randrange(20, 30)}-{self._rng.randrange(1000):03}"
        return plain or ecia_label(component.part, lot=lot, quantity=LOT_SIZE)
