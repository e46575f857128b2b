"""A sheet of orders (CSV or XLSX) read into rows of text, and each row into an order or into what is wrong with it.

Bytes and values in, values out: it knows no database. Each problem names its line, its column and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from mes import sheet
from mes.domain.plain import plain
from mes.domain.route import Plan
from mes.sheet import Problem

NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LENGTHS: Final = {"customer": 120, "reference": 64, "note": 2_000}

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "order": ("order", "order number", "number", "ordre", "numero d'ordre", "numero", "of"),
    "product": ("product", "item", "article", "produit", "reference produit"),
    "quantity": ("quantity", "qty", "quantite", "qte"),
    "due": ("due", "due date", "date", "echeance", "date d'echeance", "delai", "livraison"),
    "customer": ("customer", "client"),
    "reference": (
        "reference",
        "customer reference",
        "customer's reference",
        "po",
        "reference client",
        "commande client",
    ),
    "priority": ("priority", "priorite"),
    "note": ("note", "notes", "remarks", "remarque", "remarques", "commentaire"),
}
"""Column → how its heading may read, in small letters and without accents."""
NEEDED: Final = ("product", "quantity")
PRIORITIES: Final = {
    "": 2, "1": 1, "2": 2, "3": 3, "urgent": 1, "urgente": 1, "normal": 2, "normale": 2,
    "can wait": 3, "peut attendre": 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One order as the sheet says it; an empty `order` gets the next number."""

    line: int
    texts: Mapping[str, str]
    order: str = ""
    product: str = ""
    quantity: int = 0
    due: date | None = None
    customer: str = ""
    reference: str = ""
    priority: int = 2
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet, good or bad, and all that is wrong."""

    rows: Sequence[Row]
    problems: Sequence[Problem]

    def of(self, line: int) -> list[Problem]:
        """What is wrong in a line."""
        return [p for p in self.problems if p.line == line]


def read(content: bytes, plan: Plan, *, taken: Iterable[str] = ()) -> Sheet:
    """Read a sheet (see `mes.sheet.table`) and check each row against the plan.

    Args:
        taken: order numbers that are there already.
    """
    there, found = sheet.table(content, COLUMNS, NEEDED)
    rows: list[Row] = []
    seen: set[str] = set()
    numbers = set(taken)
    problems = list(found)
    for line, texts in there:
        made, wrong = _row(line, texts, plan, numbers, seen)
        rows.append(made)
        problems += wrong
    return Sheet(tuple(rows), problems)


def checked(texts: Sequence[Mapping[str, str]], plan: Plan, *, taken: Iterable[str] = ()) -> Sheet:
    """Look at orders that came in another way than as a file; a line is the place among them, from 1."""
    there, seen = set(taken), set[str]()
    made = [_row(line, said, plan, there, seen) for line, said in enumerate(texts, 1)]
    return Sheet([row for row, _ in made], [p for _, wrong in made for p in wrong])


def written(rows: Sequence[Row]) -> str:
    """Rows as a CSV that `read` reads alike: what a page hands back when its reader has looked at it."""
    return sheet.written(COLUMNS, (row.texts for row in rows))


def _row(line: int, texts: Mapping[str, str], plan: Plan, taken: set[str], seen: set[str]) -> tuple[Row, list[Problem]]:
    wrong: list[Problem] = []

    def bad(column: str, reason: str, **args: Any) -> None:
        wrong.append(Problem(line, column, reason, {"got": texts.get(column, "")[:60], **args}))

    order = texts.get("order", "")
    if order and not NUMBER.fullmatch(order):
        bad("order", "sheet_order_number")
    elif order in taken:
        bad("order", "order_exists", order=order)
    elif order in seen:
        bad("order", "sheet_order_twice", order=order)
    if order:
        seen.add(order)
    product = texts.get("product", "")
    if plan.product(product) is None:
        bad("product", "unknown_product", product=product[:60], known=", ".join(p.id for p in plan.products))
    if not (quantity := sheet.pieces(texts.get("quantity", ""), 1_000_000)):
        bad("quantity", "sheet_quantity")
    due = sheet.day(texts.get("due", ""))
    if isinstance(due, str):
        bad("due", "sheet_date")
        due = None
    priority = PRIORITIES.get(plain(texts.get("priority", "")))
    if priority is None:
        bad("priority", "sheet_priority")
    for column, most in LENGTHS.items():
        if len(texts.get(column, "")) > most:
            bad(column, "sheet_too_many_letters", most=most)
    free = {name: texts.get(name, "") for name in LENGTHS}
    return Row(line, texts, order, product, quantity, due, priority=priority or 2, **free), wrong
