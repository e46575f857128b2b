"""What the demo's office takes in: the instruments of the station files, one due soon, and a lot of each part.

It makes tables and reads files; the office hands them to `mes instrument import` and `mes lot import`.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from mes import plan as plans
from mes.domain.route import Plan
from mes.i18n import N_, _
from mes.plan import Instrument, StationFile

WORDS: Final = {
    "safety-tester": N_("electrical safety tester"),
    "scpi": N_("measuring instrument"),
    "line-tester": N_("line tester"),
    "scale": N_("scale"),
}
SUPPLIER: Final = "Composants du Ponant"
SOON_DAYS: Final = 30
YEAR_DAYS: Final = 365


def instruments_of(config: Path) -> dict[str, tuple[str, Instrument]]:
    """The family of each instrument that a station file names, and what the file says of it, by number."""
    files = (plans.read_station(path) for path in sorted((config / "stations").glob("*.toml")))
    ports = [port for file in files if isinstance(file, StationFile) for port in file.ports]
    found = {p.instrument.id: (p.family, p.instrument) for p in ports if p.instrument is not None}
    return dict(sorted(found.items()))


def write_register(config: Path, file: Path, *, today: date) -> int:
    """Write the table: the first instrument is due within 60 days, the others later. Returns how many there are."""
    known = instruments_of(config)
    with file.open("w", encoding="utf-8", newline="") as target:
        table = csv.writer(target)
        table.writerow(("instrument", "family", "model", "serial", "supplier", "months", "done", "due", "certificate"))
        for i, (number, (family, it)) in enumerate(known.items()):
            due = today + timedelta(days=SOON_DAYS if i == 0 else 100 + 40 * (i % 6))
            done = due - timedelta(days=YEAR_DAYS)
            model, certificate = it.serial.split("-")[0], f"C-{done.year}-{i + 1:03}"
            laboratory = _("Calibration laboratory")
            what = (number, _(WORDS.get(family, family)), model, it.serial, laboratory, 12)
            table.writerow((*what, done.isoformat(), due.isoformat(), certificate))
    return len(known)


def write_receipts(plan: Plan, file: Path, *, today: date) -> int:
    """Write the table of the lots that have come in: one of each part that goes in by its lot. Returns how many."""
    parts = [c for c in plan.components().values() if c.per == "lot"]
    with file.open("w", encoding="utf-8", newline="") as opened:
        lines = csv.writer(opened)
        lines.writerow(("part", "lot", "quantity", "received", "supplier", "delivery"))
        for n, part in enumerate(parts, 1):
            day = (today - timedelta(days=3 * n)).isoformat()
            lines.writerow((part.part, f"{24 + n % 3}-{100 + 7 * n}", 500, day, SUPPLIER, f"BL-{770 + n}"))
    return len(parts)
