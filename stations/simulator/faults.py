"""What can go wrong with an answer on its way: as data, so that tests and the demo break the line on purpose.

Each fault is a row of one table, strikes at a rate, and is drawn from a seed. It must not know dialects: it spoils
bytes, and numbers wherever they stand.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import chain
from typing import Final, Literal

from stations.simulator.pty import Burst

Fault = Literal[
    "silence", "half", "late", "split", "echo", "noise", "twice", "stale", "text", "comma", "unit", "over", "local",
    "power",
]  # fmt: skip

LATE_S: Final = 0.4
"""How late a late answer comes, in seconds, unless the virtual device says otherwise."""
LOCAL_S: Final = 3.0
"""How long somebody works at the instrument's own keys, in seconds."""
POWER_S: Final = 1.5
"""How long an instrument without power is away from the line, in seconds."""

FAULTS: Final[Mapping[Fault, str]] = {
    "silence": "no answer comes",
    "half": "the first half of the answer comes, and then nothing",
    "late": "the answer comes after the time-out, and holds up those behind it",
    "split": "the answer comes byte by byte",
    "echo": "the command comes back before the answer",
    "noise": "bytes of a wrong baud rate stand in the answer",
    "twice": "the answer comes twice in one go",
    "stale": "the answer before comes once more in front of this one",
    "text": "an error text comes instead of a number",
    "comma": "numbers have a decimal comma",
    "unit": "the value comes in another unit: mA for A, kg for g",
    "over": "the value is beyond the range: 9.9E37, or the dialect's own sign",
    "local": f"somebody uses the instrument's own keys: it hears nothing for {LOCAL_S:g} s",
    "power": f"the instrument loses power before it answers: the line is gone for {POWER_S:g} s, its settings for good",
}
"""Every fault, and what it does: on the line, to the number, or to the whole instrument."""

# From a unit to its neighbour, and by how many digits the point moves.
_NEIGHBOURS: Final[Mapping[str, tuple[str, int]]] = {
    "V": ("mV", 3), "kV": ("V", 3), "A": ("mA", 3), "mA": ("uA", 3), "W": ("kW", -3),
    "HZ": ("kHz", -3), "Hz": ("kHz", -3), "OHM": ("kohm", -3), "ohm": ("kohm", -3), "m ohm": ("ohm", -3),
    "M ohm": ("k ohm", 3), "g": ("kg", -3), "KG": ("G", 3), "kg": ("g", 3),
}  # fmt: skip
_QUANTITY: Final = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)(E[+-][0-9]+)?( *)([A-Za-z]+(?: ohm)?)(?![A-Za-z])")


def spoil(
    command: bytes, answer: bytes, fault: Fault | None, rng: random.Random, late_s: float = LATE_S, stale: bytes = b""
) -> list[Burst]:
    """Send an answer in a broken way.

    Args:
        command: the question, for an echo.
        answer: the whole and correct answer, with its terminator.
        fault: what happens to it on the line. None, and a fault that is not the line's: it comes as it is.
        rng: where the noise strikes.
        late_s: how late, in seconds.
        stale: the answer before, with its terminator.

    Returns:
        What leaves the device, and when.
    """
    match fault:
        case "silence":
            return []
        case "half":
            return [Burst(answer[: max(1, len(answer) // 2)])]
        case "late":
            return [Burst(answer, late_s)]
        case "split":
            return [Burst(answer[i : i + 1], i * 0.001) for i in range(len(answer))]
        case "echo":
            return [Burst(command + answer)]
        case "noise":
            at = rng.randrange(1, max(2, len(answer) - 2))
            return [Burst(answer[:at] + bytes(rng.randrange(0x80, 0x100) for _ in range(3)) + answer[at:])]
        case "twice":
            return [Burst(answer + answer)]
        case "stale":
            return [Burst(stale + answer)]
        case _:
            return [Burst(answer)]


def with_comma(answer: str) -> str:
    """Each number with a decimal comma."""
    return re.sub(r"(?<=[0-9])\.(?=[0-9])", ",", answer)


def in_other_units(answer: str) -> str:
    """The same quantities in neighbouring units; a number without a unit, or with one that has no neighbour, stays."""

    def neighbour(found: re.Match[str]) -> str:
        number, exponent, blanks, unit = found.groups()
        if unit not in _NEIGHBOURS:
            return found[0]
        other, digits = _NEIGHBOURS[unit]
        moved = Decimal(number + (exponent or "")).scaleb(digits)
        return f"{moved:+.8E}{blanks}{other}" if exponent else f"{moved:f}{blanks}{other}"

    return _QUANTITY.sub(neighbour, answer)


def faults(planned: Iterable[Fault | None], drawn: Iterable[Fault | None] = ()) -> Iterator[Fault | None]:
    """One fault an answer: those that are planned in their order, then those that are drawn; afterwards none."""
    yield from chain(planned, drawn)
    while True:
        yield None


def draw(rates: Mapping[Fault, float], rng: random.Random) -> Iterator[Fault | None]:
    """Faults by their rates, for ever: the same seed and the same rates strike the same answers.

    Args:
        rates: how often each strikes, as a share of all answers; together at most 1.
    """
    names = sorted(rates)
    weights = [rates[name] for name in names]
    while True:
        yield rng.choices([*names, None], [*weights, max(0.0, 1 - sum(weights))])[0]
