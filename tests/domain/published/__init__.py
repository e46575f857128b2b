"""Published data sets, read into numbers: what they are and where they are from stands in README.md beside them."""

from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).parent

# NIST/SEMATECH e-Handbook of Statistical Methods: 6.3.2.2 flow rates of ten batches, 6.3.3.1 defects on 25 wafers.
FLOW_RATES = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
WAFER_DEFECTS = [16, 14, 28, 16, 12, 20, 10, 12, 10, 17, 19, 17, 14, 16, 15, 13, 14, 16, 11, 20, 11, 19, 16, 31, 13]


def rows(name: str) -> list[dict[str, str]]:
    """The lines of one file."""
    with (HERE / name).open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def piston_rings() -> list[list[float]]:
    """Forty groups of five diameters; the first twenty-five are phase I."""
    grouped = groupby(rows("piston_rings.csv"), key=lambda r: r["group"])
    return [[float(r["diameter_mm"]) for r in group] for _, group in grouped]


def column(name: str, heading: str) -> list[float]:
    """One column of a file."""
    return [float(r[heading]) for r in rows(name)]
