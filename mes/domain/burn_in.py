"""Burn-in by samples: how long a unit has been seen to run, and when what was read ends it.

Pure. Time counts only as far as samples prove it, by the station's monotonic clock: while its PC was without power
nobody knows what the unit did, and a clock that is put right must neither shorten nor lengthen a burn-in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from mes.wire import Outcome

MISSED: Final = 2
"""Between two samples that count there may be so many intervals: one sample may be missed."""
LATE_MS: Final = 5_000
"""How much later than that a sample may be, because an instrument took its time."""
ENDS_AFTER: Final = 2
"""So many samples beyond the limits, one after the other, end the burn-in: one may be a bad contact."""
CONFIRM_S: Final = 10
"""How soon a sample beyond the limits is taken again."""


@dataclass(frozen=True, slots=True)
class Burn:
    """How it stands with a unit.

    Attributes:
        samples: how many were taken in this visit of the step.
        ran_ms: how long it has been seen to run in this stay, milliseconds.
        boot, mono_ms: when it began or was last measured: the station's monotonic clock within one start of its PC.
        out: how many of the last samples, one after the other, lay beyond the limits.
    """

    samples: int = 0
    ran_ms: int = 0
    boot: str = ""
    mono_ms: int = 0
    out: int = 0

    @property
    def ended(self) -> bool:
        """Whether too many samples in a row lay beyond the limits."""
        return self.out >= ENDS_AFTER


def begun(before: Burn | None, *, boot: str, mono_ms: int) -> Burn:
    """A stay begins. Its time begins at nothing; samples of an earlier stay in the same visit keep their numbers."""
    return Burn(before.samples if before else 0, 0, boot, mono_ms)


def sampled(burn: Burn, outcome: Outcome, *, sample_s: int, boot: str, mono_ms: int) -> Burn:
    """A sample was taken.

    The time since the last one counts when this one is within the limits, both are of one start of the PC, and no more
    than one sample is missing in between. A sample that measured nothing (the bench's fault) says nothing: the time
    goes on from the one before it.

    Args:
        outcome: of all its readings.
        sample_s: the planned seconds between two samples.
    """
    if outcome not in ("passed", "failed"):
        return replace(burn, samples=burn.samples + 1)
    took_ms = mono_ms - burn.mono_ms
    proven = outcome == "passed" and boot == burn.boot and 0 < took_ms <= longest_ms(sample_s)
    return Burn(
        samples=burn.samples + 1,
        ran_ms=burn.ran_ms + (took_ms if proven else 0),
        boot=boot,
        mono_ms=mono_ms,
        out=0 if outcome == "passed" else burn.out + 1,
    )


def longest_ms(sample_s: int) -> int:
    """The longest time between two samples that still counts as running."""
    return MISSED * sample_s * 1000 + LATE_MS


def left_s(burn: Burn | None, min_s: int) -> int:
    """Seconds that the unit still has to be seen running; 0 when its time is over."""
    return max(0, ceil(min_s - (burn.ran_ms if burn else 0) / 1000))


def due_s(burn: Burn, sample_s: int) -> int:
    """Seconds from one sample to the next: soon again after one beyond the limits."""
    return min(CONFIRM_S, sample_s) if burn.out else sample_s
