"""Acceptance sampling by attributes, lot by lot: how many to look at, how many may be bad, and when to look harder.

Pure. Single sampling plans indexed by the acceptance quality limit (AQL), with the switching rules.

Source: ISO 2859-1:1999 (GB/T 2828.1-2012 is identical): table 1, tables 2-A, 2-B and 2-C, and clause 9.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb
from typing import Final, Literal

Level = Literal["S-1", "S-2", "S-3", "S-4", "I", "II", "III"]
Severity = Literal["normal", "tightened", "reduced"]

LEVELS: Final = ("S-1", "S-2", "S-3", "S-4", "I", "II", "III")
LETTERS: Final = "ABCDEFGHJKLMNPQRS"  # S: one plan of tightened inspection only
AQLS: Final = (
    "0.010", "0.015", "0.025", "0.040", "0.065", "0.10", "0.15", "0.25", "0.40", "0.65", "1.0", "1.5", "2.5", "4.0",
    "6.5", "10", "15", "25", "40", "65", "100", "150", "250", "400", "650", "1000",
)  # fmt: skip
"""Preferred values: up to 10 per cent nonconforming, or nonconformities in 100 items; above 10 only the latter."""

_LOTS: Final = (
    (8, "AAAAAAB"), (15, "AAAAABC"), (25, "AABBBCD"), (50, "ABBCCDE"), (90, "BBCCCEF"), (150, "BBCDDFG"),
    (280, "BCDEEGH"), (500, "BCDEFHJ"), (1_200, "CCEFGJK"), (3_200, "CDEGHKL"), (10_000, "CDFGJLM"),
    (35_000, "CDFHKMN"), (150_000, "DEGJLNP"), (500_000, "DEGJMPQ"), (10**12, "DEHKNQR"),
)  # fmt: skip
"""Table 1: up to which lot size, the letters of the levels in order."""
_SIZES: Final = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150)
_REDUCED_SIZES: Final = (2, 2, *_SIZES[:14])

# In the master tables a plan's acceptance number depends on letter + AQL alone, counted in steps: they run diagonally.
# Where the diagonal has no number, an arrow leads to the plan above or below in the same column.
_NUMBERS: Final[dict[Severity, dict[int, int]]] = {
    "normal": {14: 0, 17: 1, 18: 2, 19: 3, 20: 5, 21: 7, 22: 10, 23: 14, 24: 21, 25: 30, 26: 44},
    "tightened": {15: 0, 18: 1, 19: 2, 20: 3, 21: 5, 22: 8, 23: 12, 24: 18, 25: 27, 26: 41},
    "reduced": {14: 0, 18: 1, 19: 2, 20: 3, 21: 5, 22: 6, 23: 8, 24: 10, 25: 14, 26: 21},
}
_UP: Final[dict[Severity, frozenset[int]]] = {
    "normal": frozenset({15}), "tightened": frozenset(), "reduced": frozenset({15}),
}  # fmt: skip
_LARGE: Final = 25  # from this diagonal on only letters A to E have a plan
_TWO: Final = {17: 1, 18: 2, 19: 3, 20: 5, 21: 7, 22: 10, 23: 14, 24: 21, 25: 30}
"""Reduced plans of letters A and B, both of two items: AQL step → acceptance number."""

REDUCED_FROM: Final = 30
"""Switching score from which reduced inspection may begin (9.3.3.1)."""
IN_A_ROW: Final = 5
"""Lots that the rules look back on (9.3.1, 9.3.2); so many not accepted under tightened inspection end it (9.4)."""


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """How many items to look at (the whole lot where `everything`), and up to how many bad ones it is accepted."""

    letter: str
    size: int
    accept: int
    everything: bool = False

    @property
    def reject(self) -> int:
        """From how many on the lot is not accepted."""
        return self.accept + 1

    def accepts(self, found: int) -> bool:
        """Is the lot accepted with so many found?"""
        return found <= self.accept

    def chance(self, share: float) -> float:
        """How likely a lot is accepted of whose items that share is bad: the operating characteristic, binomial."""
        n = self.size
        return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(min(n, self.accept) + 1))


def code_letter(lot_size: int, level: Level = "II") -> str:
    """The code letter of a lot, from 2 items on. Source: table 1."""
    if lot_size < 2:
        raise ValueError(f"a lot of {lot_size}")
    letters = next(letters for most, letters in _LOTS if lot_size <= most)
    return letters[LEVELS.index(level)]


def plan_for(lot_size: int, aql: str, *, level: Level = "II", severity: Severity = "normal") -> SamplingPlan:
    """The plan for a lot; where it asks for as many items as there are, everything is looked at.

    A lot of one item has no letter in table 1: it is looked at, and has to be good.

    Args:
        aql: one of `AQLS`.
    """
    if lot_size == 1:
        return SamplingPlan(LETTERS[0], 1, 0, everything=True)
    found = master_plan(code_letter(lot_size, level), aql, severity)
    return replace(found, size=lot_size, everything=True) if found.size >= lot_size else found


def master_plan(letter: str, aql: str, severity: Severity = "normal") -> SamplingPlan:
    """The plan that a master table has for a letter, arrows followed: its own letter and size then count."""
    row, column = LETTERS.index(letter), AQLS.index(aql)
    step = row + column
    up = step in _UP[severity] or step > max(_NUMBERS[severity])
    ways = (range(row, -1, -1), range(row, len(LETTERS)))
    for way in ways if up else reversed(ways):
        for at in way:
            accept = _number(at, column, severity)
            if accept is not None:
                sizes = _REDUCED_SIZES if severity == "reduced" else _SIZES
                return SamplingPlan(LETTERS[at], sizes[at], accept)
    raise AssertionError("every column of the master tables has a plan")


def _number(row: int, column: int, severity: Severity) -> int | None:
    """The acceptance number that stands in a cell; None where an arrow does."""
    step = row + column
    if LETTERS[row] == "S":
        return 1 if severity == "tightened" and AQLS[column] == "0.025" else None
    if step >= _LARGE and row > LETTERS.index("E"):
        return None
    if severity == "reduced" and row < LETTERS.index("C") and column >= min(_TWO):
        return _TWO.get(column)
    return _NUMBERS[severity].get(step)


@dataclass(frozen=True, slots=True)
class Series:
    """Where a series of lots of one product stands: the severity for its next lot, and what the rules remember.

    Attributes:
        score: the switching score, under normal inspection.
        recent: of the lots under this severity, the last five: accepted or not.
        not_accepted: lots under this tightened inspection that were not accepted.
        stopped: five of them: no further lot is accepted by sampling until the supplier has acted.
    """

    severity: Severity = "normal"
    score: int = 0
    recent: tuple[bool, ...] = ()
    not_accepted: int = 0
    stopped: bool = False


def after(
    series: Series, plan: SamplingPlan, aql: str, found: int, *, steady: bool = True, wanted: bool = True
) -> Series:
    """Where a series stands after one more lot on original inspection; lots shown again do not count.

    Args:
        plan: by which the lot was judged.
        found: bad items, or nonconformities, in its sample.
        steady: production runs at a steady rate (9.3.3.1 b, 9.3.4 b).
        wanted: the responsible authority wants reduced inspection (9.3.3.1 c).
    """
    if series.stopped:
        return series
    accepted = plan.accepts(found)
    recent = (*series.recent, accepted)[-IN_A_ROW:]
    if series.severity == "reduced":
        return replace(series, recent=recent) if accepted and steady else Series("normal")
    if series.severity == "tightened":
        if len(recent) == IN_A_ROW and all(recent):
            return Series("normal")
        missed = series.not_accepted + (not accepted)
        return replace(series, recent=recent, not_accepted=missed, stopped=missed >= IN_A_ROW)
    if recent.count(False) >= 2:
        return Series("tightened")
    score = _score(series.score, plan, aql, found)
    if score >= REDUCED_FROM and steady and wanted:
        return Series("reduced")
    return replace(series, recent=recent, score=score)


def resumed(series: Series) -> Series:
    """The supplier has acted and the authority agrees: tightened inspection begins anew (9.4)."""
    return Series("tightened") if series.stopped else series


def restarted(series: Series) -> Series:
    """Another AQL or level from now on: the severity stays; score and lots looked back on were of another plan."""
    return replace(series, score=0, recent=())


def eased(series: Series) -> Series:
    """Back from reduced to normal inspection, because somebody has a reason (9.3.4 c and d)."""
    return Series("normal") if series.severity == "reduced" else series


def for_shown_again(severity: Severity) -> Severity:
    """The severity for a lot that was not accepted and is shown again: never reduced (7.4: normal or tightened)."""
    return "normal" if severity == "reduced" else severity


def _score(score: int, plan: SamplingPlan, aql: str, found: int) -> int:
    """The switching score after a lot under normal inspection (9.3.3.2, single sampling).

    With an acceptance number of 2 or more: 3 more where the lot would have been accepted, too, with the AQL one step
    tighter, else it begins at 0; with 0 or 1: 2 more where it was accepted, else it begins at 0.
    """
    if not plan.accepts(found):
        return 0
    if plan.accept < 2:
        return score + 2
    tighter = AQLS[AQLS.index(aql) - 1]
    return score + 3 if master_plan(plan.letter, tighter).accepts(found) else 0
