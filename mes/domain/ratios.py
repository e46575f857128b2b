"""A ratio that remembers what it is a ratio of: 7 of 8 is not 87.5 %, and nothing of nothing is not 0 %.

Pure. Ratios of groups are added as sums over sums; a mean of ratios would give a day with one piece the weight of a
day with a thousand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

FEW: Final = 30
"""Below so many a percentage says more than is known: the parts are said instead."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A numerator and a denominator, as they were counted or measured.

    Whole numbers are counts and have an interval; times and rates (floats) have none.
    """

    numerator: float
    denominator: float

    @property
    def value(self) -> float | None:
        """The quotient; None where there is nothing to divide by."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def counted(self) -> bool:
        """Is it so many of so many, each of which could have gone either way?"""
        whole = isinstance(self.numerator, int) and isinstance(self.denominator, int)
        return whole and 0 <= self.numerator <= self.denominator and self.denominator > 0

    @property
    def few(self) -> bool:
        """Is it so many of so few that the parts have to be said?"""
        return self.counted and self.denominator < FEW

    def __add__(self, other: Ratio) -> Ratio:
        """Sums over sums."""
        return Ratio(self.numerator + other.numerator, self.denominator + other.denominator)

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """Between what the true proportion lies, with that confidence; None for what was not counted."""
        return wilson(self.numerator, self.denominator, confidence) if self.counted else None

    def said(self) -> dict[str, str]:
        """The ratio as people read it, in each language: its parts where they are few, else the percentage, too."""
        if self.value is None:
            return {"fr": "–", "en": "–"}
        fr, en = (f"{_whole(self.numerator)} {of} {_whole(self.denominator)}" for of in ("sur", "of"))
        if not self.counted:
            return {"fr": f"{_percent(self.value)} %".replace(".", ","), "en": f"{_percent(self.value)} %"}
        if self.few:
            return {"fr": fr, "en": en}
        percent = _percent(self.value)
        return {"fr": f"{percent} % ({fr})".replace(".", ","), "en": f"{percent} % ({en})"}


def wilson(x: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Between what a proportion lies of which `x` of `n` were seen; they need not be whole.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927) 209-212;
    without correction for continuity. It stays inside 0 to 1 and is there for 0 of n and for n of n.
    """
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    middle = (x + z2 / 2) / (n + z2)
    half = sqrt(z2) / (n + z2) * sqrt(max(0.0, x * (n - x) / n) + z2 / 4)
    return (0.0 if x <= 0 else max(0.0, middle - half), 1.0 if x >= n else min(1.0, middle + half))


def total(ratios: Iterable[Ratio]) -> Ratio:
    """The ratio of all together: the sum of what is above over the sum of what is below."""
    out = Ratio(0, 0)
    for ratio in ratios:
        out += ratio
    return out


def _whole(number: float) -> str:
    return f"{number:.0f}"


def _percent(value: float) -> str:
    """One decimal; never rounded up to a hundred, nor down to nothing."""
    text = f"{100 * value:.1f}"
    if value < 1 and text == "100.0":
        return "99.9"
    return "0.1" if value > 0 and text == "0.0" else text
