"""What can go wrong with an answer on its way: as data, so that tests and the demo break the line on purpose.

It must not know dialects: it spoils bytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Literal

from stations.simulator.pty import Burst

Fault = Literal["silence", "half", "late", "split", "echo", "noise", "twice"]

LATE_S = 0.4
"""How late a late answer comes, in seconds, unless the virtual device says otherwise."""


def spoil(
    command: bytes, answer: bytes, fault: Fault | None, rng: random.Random, late_s: float = LATE_S
) -> list[Burst]:
    """Send an answer in a broken way.

    Args:
        command: the question, for an echo.
        answer: the whole and correct answer, with its terminator.
        fault: what happens to it: nothing comes; the first half comes and then nothing; it comes late; byte by byte;
            after an echo of the command; with bytes of a wrong baud rate inside; twice in one go. None: it comes well.
        rng: where the noise strikes.
        late_s: how late, in seconds.

    Returns:
        What leaves the device, and when.
    """
    match fault:
        case None:
            return [Burst(answer)]
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


def faults(planned: Iterable[Fault | None]) -> Iterator[Fault | None]:
    """One fault an answer, in the order given; after the last of them every answer is good."""
    return chain(planned, repeat(None))
