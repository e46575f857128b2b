"""The nonconformity log as files: CSV and XLSX with all that 8.7.2 asks for, row by row; PDF with what fits on paper.

Words are those of one language; decided by is a pseudonym, the authority of the decision. It knows no HTTP.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import IO, Any, Final

from babel.dates import format_date
from sqlalchemy.orm import Session

from mes import export, nc_log, typeset
from mes.domain.measurement import MINUS, NARROW_SPACE
from mes.domain.nonconformity import DISPOSITIONS, NAMES
from mes.domain.route import Plan
from mes.export import Cell
from mes.i18n import N_, translator
from mes.nc_log import SAMPLES, SEVERITIES, SOURCES, Filter, Line, Log

KINDS: Final = ("csv", "xlsx", "pdf")
_NUMBER: Final = re.compile(rf"({MINUS}?[0-9,]+(?:\.[0-9]+)?)(?:{NARROW_SPACE}(.*))?")
MOST_ON_PAPER: Final = 2_000
"""Rows of a PDF: it is typeset in one piece."""

COLUMNS: Final = (
    N_("Number"), N_("Opened"), N_("What is wrong"), N_("Requirement"), N_("Reading"),
    N_("Unit of measure"), N_("Severity"), N_("Source"),
    N_("State"), N_("Product"), N_("Order"), N_("Concerned"), N_("Pieces"), N_("Step"), N_("Station"), N_("Defect"),
    N_("Customer"), N_("Customer informed"), N_("Supplier"), N_("Reference"), N_("Place"), N_("Red label"),
    N_("Contained"), N_("Analysis"), N_("Decision"), N_("Reason"), N_("Concessions"), N_("Decided by"), N_("Decided"),
    N_("Verified again"), N_("Closed"), N_("Same as"), N_("Age in days"), N_("Overdue"), N_("Cost"),
)  # fmt: skip
WIDE: Final = {"What is wrong", "Requirement", "Analysis", "Reason", "Concerned", "Concessions"}
ON_PAPER: Final = (
    N_("Number"), N_("What is wrong"), N_("Concerned"), N_("Step"), N_("Origin"), N_("State"),
    N_("Decision and authority"), N_("Days"),
)  # fmt: skip
WORDS_OF: Final = {
    "first": N_("From"), "last": N_("To"), "product": N_("Product"), "customer": N_("Customer"), "order": N_("Order"),
    "supplier": N_("Supplier"), "station": N_("Station"), "step": N_("Step"), "defect": N_("Defect"),
    "severity": N_("Severity"), "source": N_("Source"), "state": N_("State"), "disposition": N_("Decision"),
    "overdue": N_("Overdue"), "text": N_("Text"), "sort": N_("Sorted by"),
}  # fmt: skip
SORT_WORDS: Final = {
    "newest": N_("newest first"),
    "oldest": N_("oldest first"),
    "customer": N_("customer"),
    "product": N_("product"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """How a row is said in a language."""

    plan: Plan | None
    language: str
    log: Log

    def say(self, text: str) -> str:
        """A text of the catalogue."""
        return str(translator(self.language).gettext(text)) if text else ""

    def about(self, line: Line) -> str:
        """What it is about."""
        row = line.row
        if row.title or row.defect:
            return row.title or self.defect(row.defect)
        detail = json.loads(row.detail)
        if row.cause == "lot_held":
            return self.say(N_("Lot %(lot)s of %(part)s")) % {"lot": detail.get("lot"), "part": detail.get("part")}
        if row.cause == "sample":
            return str(self.say(SAMPLES[detail["accepted"]]) % detail)
        test = detail.get("test")
        if isinstance(test, dict):
            return str(test.get(self.language) or test.get("fr"))
        return self.say(N_("Not planned"))

    def defect(self, code: str | None) -> str:
        """A defect by name."""
        found = self.plan.defect(code) if self.plan and code else None
        return found.name.to(self.language) if found else code or ""

    def product(self, name: str) -> str:
        """A product by name."""
        found = self.plan.product(name) if self.plan else None
        return found.name.to(self.language) if found else name

    def step(self, product: str, name: str) -> str:
        """A step by name."""
        found = self.plan.product(product) if self.plan else None
        step = found.step(name) if found else None
        return step.name.to(self.language) if step else name

    def station(self, name: str | None) -> str:
        """A station by name."""
        found = self.plan.station(name) if self.plan and name else None
        return found.name.to(self.language) if found else name or ""

    def state(self, name: str) -> str:
        """A state; also the two that a filter knows."""
        more = {"live": N_("not over"), "undecided": N_("to decide")}
        return self.say(more[name]) if name in more else NAMES.get(name, {}).get(self.language, name)

    def severity(self, name: str) -> str:
        """A severity."""
        return self.say(SEVERITIES.get(name, name))

    def source(self, name: str) -> str:
        """Where it comes from."""
        return self.say(SOURCES.get(name, name))

    def disposition(self, name: str | None) -> str:
        """A decision."""
        known: dict[str, dict[str, str]] = dict(DISPOSITIONS)  # type: ignore[arg-type]
        return known.get(name, {}).get(self.language, name) if name else ""

    def decisions(self, line: Line) -> str:
        """What was decided on its items, each once."""
        said = [i.disposition for i in line.items if i.disposition] or [line.row.disposition or ""]
        return ", ".join(dict.fromkeys(filter(None, map(self.disposition, said))))

    def filter(self, wanted: Filter) -> str:
        """A filter in words, to stand over what it shows."""
        named: dict[str, Callable[[str], str]] = {
            "product": self.product, "station": self.station, "defect": self.defect, "severity": self.severity,
            "source": self.source, "state": self.state, "disposition": self.disposition,
            "sort": lambda name: self.say(SORT_WORDS[name]), "overdue": lambda _: self.say(N_("yes")),
        }  # fmt: skip
        pair = self.say(N_("%(name)s: %(value)s"))
        said = [
            pair % {"name": self.say(WORDS_OF[name]), "value": named.get(name, str)(text)}
            for name, text in wanted.said().items()
        ]
        return " · ".join(said) or self.say(N_("All nonconformities"))


def _joined(values: Iterable[str | None]) -> str:
    return ", ".join(dict.fromkeys(filter(None, values)))


def concerned(line: Line) -> str:
    """What all it concerns: serials, lots, orders with pieces."""
    said = [
        " ".join(filter(None, (i.part, i.subject))) + (f" × {i.quantity}" if i.quantity > 1 else "") for i in line.items
    ]
    return _joined(said) or line.row.unit


def _reading(detail: str) -> tuple[float | None, str]:
    """The reading that failed, as a number and its unit; its six digits, as they were said."""
    value = json.loads(detail).get("value")
    found = _NUMBER.fullmatch(str(value.get("en", ""))) if isinstance(value, dict) else None
    if found is None:
        return None, ""
    return float(found[1].replace(MINUS, "-").replace(",", "")), found[2] or ""


def cells(line: Line, words: Words) -> tuple[Cell, ...]:
    """A row in the order of `COLUMNS`: days as days, times as times, numbers as numbers."""
    row, local = line.row, words.log.local
    reading, measure = _reading(row.detail)
    verified = max((i.verified_at for i in line.items if i.verified_at), default=None)
    cost = row.cost_material + row.cost_work + row.cost_other
    return (
        row.id, local(row.opened_at), words.about(line), row.requirement,
        reading, measure, words.severity(row.severity), words.source(row.cause),
        words.state(row.state), words.product(row.product), row.order, concerned(line),
        sum(i.quantity for i in line.items), words.step(row.product, row.step), words.station(row.station),
        words.defect(row.defect), line.customer,
        date.fromisoformat(row.customer_informed) if row.customer_informed else None, row.supplier, row.reference,
        row.place, words.say(N_("yes")) if row.labelled else "", local(row.contained_at), row.analysis,
        words.decisions(line), row.why, "; ".join(_permit(c) for c in line.concessions),
        _joined(i.decided_by for i in line.items), local(row.decided_at), local(verified), local(row.closed_at),
        row.merged_into, line.age, words.say(N_("yes")) if line.overdue else "", cost / 100 if cost else None,
    )  # fmt: skip


def _permit(c: Any) -> str:
    bounds = f"{c.scope} ({c.count - c.remaining}/{c.count}, {c.expires})"
    return f"{c.id}: {bounds} {_joined((c.authority, c.reference, c.granted_by))}"


Watch = Callable[[Iterable[Line]], Iterable[Line]]


def write(
    session: Session,
    kind: str,
    wanted: Filter,
    words: Words,
    file: IO[bytes],
    *,
    separator: str | None = None,
    watched: Watch = iter,
) -> None:
    """Write what a filter shows into a file; a PDF takes `MOST_ON_PAPER` rows, who calls has asked before.

    Args:
        kind: one of `KINDS`.
        separator: of a CSV: `;` or `,`; that of the language when None.
        watched: is given the rows and gives them on: to tell how far it is.
    """
    if kind == "pdf":
        first = nc_log.page(session, words.log, wanted, 1, total=MOST_ON_PAPER, size=MOST_ON_PAPER)
        found = list(watched(first))
        file.write(typeset.pdf("nclog", paper(found, wanted, words), now=words.log.now))
        return
    lines = watched(nc_log.lines(session, words.log, wanted))
    deque(_table(lines, kind, words, file, separator), maxlen=0)


def table(
    session: Session, kind: str, wanted: Filter, words: Words, file: IO[bytes], *, separator: str | None = None
) -> Iterator[int]:
    """Write a CSV or XLSX as `write` does, step by step; it is whole when all is yielded.

    Yields:
        How many rows are written.
    """
    return _table(nc_log.lines(session, words.log, wanted), kind, words, file, separator)


def _table(found: Iterable[Line], kind: str, words: Words, file: IO[bytes], separator: str | None) -> Iterator[int]:
    head = [words.say(name) for name in COLUMNS]
    rows: Iterator[tuple[Cell, ...]] = (cells(line, words) for line in found)
    if kind == "xlsx":
        widths = [40 if name in WIDE else 18 for name in COLUMNS]
        title = words.say(N_("Nonconformities"))
        yield from export.xlsx_rows(file, title, head, rows, widths=widths, made_at=words.log.now)
        return
    french = separator == ";" if separator else words.language == "fr"
    for number, text in enumerate(export.csv_lines(head, rows, french=french)):
        file.write(text.encode())
        yield number


def paper(found: list[Line], wanted: Filter, words: Words) -> dict[str, Any]:
    """What the template of the paper reads."""
    local = words.log.local(words.log.now.isoformat())
    day = format_date(local, "long", locale=words.language) if local else ""
    return {
        "language": words.language,
        "title": words.say(N_("Log of nonconformities")),
        "said": words.filter(wanted),
        "count": words.say(N_("Rows: %(count)s")) % {"count": len(found)},
        "foot": f"{words.say(N_('Log of nonconformities'))} · {day}",
        "head": [words.say(name) for name in ON_PAPER],
        "rows": [_on_paper(line, words) for line in found],
        "none": words.say(N_("Nothing fits.")),
    }


def _on_paper(line: Line, words: Words) -> list[str]:
    row = line.row

    def day(at: str | None) -> str:
        local = words.log.local(at)
        return format_date(local, "short", locale=words.language) if local else ""

    def lines(*texts: str) -> str:
        return "\n".join(filter(None, texts))

    closed = f"{words.say(N_('Closed'))} {day(row.closed_at)}" if row.closed_at else ""
    decided = _joined(i.decided_by for i in line.items)
    return [
        lines(row.id, day(row.opened_at)),
        lines(words.about(line), row.requirement, words.severity(row.severity)),
        lines(concerned(line), words.product(row.product), row.order),
        lines(words.step(row.product, row.step), words.station(row.station)),
        lines(words.source(row.cause), line.customer, row.supplier),
        lines(words.state(row.state), closed),
        lines(words.decisions(line), row.why, *(_permit(c) for c in line.concessions), decided, day(row.decided_at)),
        lines(str(line.age), words.say(N_("overdue")) if line.overdue else ""),
    ]
