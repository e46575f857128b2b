"""The life of a nonconformity: what may be done in which state, what each disposition asks for, what stands against
closing.

Pure: values in, a new value or the reason against it out. It knows no table, no clock and no person. The state of the
nonconformity follows from its items (`state_of`); nobody sets it. Source: ISO 9001:2015, 8.7 and 10.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from mes.domain.gate import Answer
from mes.domain.route import NcLimits

State = Literal["open", "contained", "analysed", "decided", "in_treatment", "to_reverify", "closed", "cancelled"]
ItemState = Literal["undecided", "in_treatment", "to_reverify", "settled", "moved"]
ItemKind = Literal["unit", "pieces", "lot", "delivery", "process", "complaint"]
Disposition = Literal["rework", "repair", "use_as_is", "regrade", "scrap", "return", "sort", "not_confirmed"]
Action = Literal[
    "amend", "add", "contain", "analyse", "decide", "treat", "reverify", "remark", "merge", "close", "cancel", "reopen"
]

STATES: Final[tuple[State, ...]] = (
    "open",
    "contained",
    "analysed",
    "decided",
    "in_treatment",
    "to_reverify",
    "closed",
    "cancelled",
)
LIVE: Final = STATES[:6]
"""Everything but what is over."""
UNDECIDED: Final = STATES[:3]
"""Somebody has still to decide on an item."""
KINDS: Final[tuple[ItemKind, ...]] = ("unit", "pieces", "lot", "delivery", "process", "complaint")

# fmt: off
MAY: Final[dict[Action, frozenset[State]]] = {
    "amend":    frozenset(LIVE),
    "add":      frozenset(LIVE),
    "contain":  frozenset(LIVE),
    "analyse":  frozenset(LIVE),
    "decide":   frozenset(LIVE),
    "treat":    frozenset({*UNDECIDED, "in_treatment"}),
    "reverify": frozenset({*UNDECIDED, "in_treatment", "to_reverify"}),
    "remark":   frozenset(STATES),       # a comment or a file: evidence may come when it is over
    "merge":    frozenset(LIVE),
    "close":    frozenset({"decided"}),
    "cancel":   frozenset(UNDECIDED),    # what was decided is closed, not cancelled
    "reopen":   frozenset({"closed"}),
}
"""Action → states in which it is possible."""

STAGES: Final[dict[Disposition, tuple[ItemState, ...]]] = {
    "rework":        ("in_treatment", "to_reverify", "settled"),
    "repair":        ("in_treatment", "to_reverify", "settled"),
    "use_as_is":     ("settled",),
    "regrade":       ("in_treatment", "settled"),
    "scrap":         ("settled",),
    "return":        ("in_treatment", "settled"),
    "sort":          ("in_treatment", "settled"),
    "not_confirmed": ("settled",),
}
"""Disposition → what an item goes through after the decision. A correction is verified again (8.7.1)."""

FOR_KIND: Final[dict[ItemKind, frozenset[Disposition]]] = {
    "unit":      frozenset({"rework", "repair", "use_as_is", "scrap", "not_confirmed"}),
    "pieces":    frozenset({"rework", "repair", "use_as_is", "regrade", "scrap", "sort", "not_confirmed"}),
    "lot":       frozenset({"rework", "use_as_is", "regrade", "scrap", "return", "sort", "not_confirmed"}),
    "delivery":  frozenset({"rework", "use_as_is", "regrade", "scrap", "return", "sort", "not_confirmed"}),
    "process":   frozenset({"rework", "use_as_is", "not_confirmed"}),
    "complaint": frozenset({"rework", "repair", "use_as_is", "scrap", "not_confirmed"}),
}
"""What may become of what: a process is not scrapped, and a unit does not go back to a supplier: its component does."""
# fmt: on

ON_ROUTE: Final[frozenset[Disposition]] = frozenset({"rework", "repair", "not_confirmed"})
"""A unit goes back on its route for these, and only passing the step where it was blocked settles it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that does not conform; `quantity` counts pieces of it, 1 for a unit.

    `precaution`: it is held because it may be alike; nothing was found on it. `verified`: it has passed since the last
    decision; rework is settled by nothing else.
    """

    number: int
    kind: ItemKind
    subject: str = ""
    quantity: int = 1
    disposition: Disposition | None = None
    state: ItemState = "undecided"
    precaution: bool = False
    verified: bool = False

    @property
    def on_route(self) -> bool:
        """Is it a unit that works its way back through the steps?"""
        free = self.disposition == "not_confirmed" and self.precaution
        return self.kind == "unit" and self.disposition in ON_ROUTE and not free


@dataclass(frozen=True, slots=True)
class Case:
    """A nonconformity as far as its rules look."""

    state: State = "open"
    contained: bool = False
    analysed: bool = False
    items: tuple[Item, ...] = ()

    def item(self, number: int) -> Item | None:
        """An item by its number."""
        return next((item for item in self.items if item.number == number), None)


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not be: a code of `mes.domain.reasons` and what its sentence needs."""

    reason: str
    args: Mapping[str, Any] = field(default_factory=dict)


def may(action: Action, case: Case) -> Refused | None:
    """Why an action is not possible now; None where it is."""
    return None if case.state in MAY[action] else Refused("nc_not_now", {"state": NAMES[case.state]})


def state_of(*, contained: bool, analysed: bool, items: Iterable[Item]) -> State:
    """Where a nonconformity that is not over stands."""
    states = {item.state for item in items}
    if "undecided" in states or not states:
        return "analysed" if analysed else "contained" if contained else "open"
    if "in_treatment" in states:
        return "in_treatment"
    return "to_reverify" if "to_reverify" in states else "decided"


def _with(case: Case, *changed: Item) -> Case:
    new = {item.number: item for item in changed}
    items = tuple(new.pop(item.number, item) for item in case.items) + tuple(new.values())
    return replace(case, items=items, state=state_of(contained=case.contained, analysed=case.analysed, items=items))


def add(case: Case, kind: ItemKind, subject: str, quantity: int = 1, *, precaution: bool = False) -> Case | Refused:
    """One more thing that may be concerned; it waits for its decision."""
    if refused := may("add", case):
        return refused
    if any((i.kind, i.subject) == ("unit", subject) and i.state not in ("moved", "settled") for i in case.items):
        return Refused("nc_item_known", {"subject": subject})
    number = max((item.number for item in case.items), default=0) + 1
    return _with(case, Item(number, kind, subject, quantity, precaution=precaution))


def contain(case: Case) -> Case | Refused:
    """It is set aside, and labelled."""
    return may("contain", case) or _with(replace(case, contained=True))


def analyse(case: Case) -> Case | Refused:
    """It is understood."""
    return may("analyse", case) or _with(replace(case, analysed=True))


def decide(case: Case, number: int, disposition: Disposition, *, concession: bool = False) -> Case | Refused:
    """Decide what becomes of an item; what was decided is decided once (treatment that fails opens it again).

    Args:
        concession: whether there is one that covers it.
    """
    if refused := may("decide", case):
        return refused
    item = case.item(number)
    if item is None:
        return Refused("nc_no_item", {"item": number})
    if item.state != "undecided":
        return Refused("nc_item_decided", {"item": number, "subject": item.subject})
    if disposition not in FOR_KIND[item.kind]:
        return Refused("nc_not_for_this", {"disposition": DISPOSITIONS[disposition]})
    if disposition == "use_as_is" and not concession:
        return Refused("nc_needs_concession")
    decided = replace(item, disposition=disposition, verified=False)
    return _with(case, replace(decided, state="in_treatment" if decided.on_route else STAGES[disposition][0]))


def treat(case: Case, number: int, *, bad: int = 0) -> Case | Refused:
    """The treatment of an item is done; a unit on its route is not treated by word but by its steps.

    Args:
        bad: after sorting, the pieces that do not conform: a new item, which waits for its own decision.
    """
    if refused := may("treat", case):
        return refused
    item = case.item(number)
    if item is None:
        return Refused("nc_no_item", {"item": number})
    if item.state != "in_treatment" or item.disposition is None:
        return Refused("nc_item_not_in_treatment", {"item": number, "subject": item.subject})
    if item.on_route:
        return Refused("nc_on_route", {"unit": item.subject})
    if bad and (item.disposition != "sort" or bad > item.quantity):
        return Refused("nc_sorted", {"quantity": item.quantity})
    following = STAGES[item.disposition][1]
    after = _with(case, replace(item, state=following, quantity=item.quantity - bad))
    if not bad:
        return after
    return _with(after, Item(max(i.number for i in after.items) + 1, item.kind, item.subject, bad))


def reverify(case: Case, number: int, *, passed: bool) -> Case | Refused:
    """An item was verified again after its treatment: it is settled, or it waits for a new decision."""
    if refused := may("reverify", case):
        return refused
    item = case.item(number)
    if item is None:
        return Refused("nc_no_item", {"item": number})
    if item.state != "to_reverify":
        return Refused("nc_item_not_treated", {"item": number, "subject": item.subject})
    return _verified(case, item, passed=passed)


def on_floor(case: Case, unit: str, *, passed: bool) -> Case:
    """The floor has passed, or failed, the step at which a unit was blocked. A fact: it is never refused."""
    found = [i for i in case.items if i.on_route and i.subject == unit and i.state == "in_treatment"]
    for item in found:
        case = _verified(case, item, passed=passed)
    return case


def _verified(case: Case, item: Item, *, passed: bool) -> Case:
    if passed:
        return _with(case, replace(item, state="settled", verified=True))
    return _with(case, replace(item, state="undecided", disposition=None, verified=False))


def against_closing(case: Case) -> Sequence[Refused]:
    """Everything that stands against closing, item by item."""
    found = []
    for item in case.items:
        args = {"item": item.number, "subject": item.subject}
        if item.state == "undecided":
            found.append(Refused("nc_item_undecided", args))
        elif item.state == "in_treatment":
            found.append(Refused("nc_item_in_treatment", args))
        elif item.state == "to_reverify":
            found.append(Refused("nc_item_to_reverify", args))
    return found or ([] if case.items else [Refused("nc_no_items")])


def close(case: Case) -> Case | Refused:
    """It is over: every item is decided, treated and verified."""
    if against := against_closing(case):
        return against[0]
    return may("close", case) or replace(case, state="closed")


def cancel(case: Case) -> Case | Refused:
    """It was opened by mistake; what it holds goes free. Only before anything was decided."""
    if any(item.disposition is not None for item in case.items):
        return Refused("nc_cancel_decided")
    return may("cancel", case) or replace(case, state="cancelled")


def reopen(case: Case) -> Case | Refused:
    """It was not over: what was decided stays decided, and new items may come."""
    return may("reopen", case) or _with(case)


def merge(case: Case, into: Case) -> tuple[Case, Case] | Refused:
    """A duplicate goes into another one: its open items move there, its decided ones stay where they were decided.

    Returns:
        The duplicate, closed, and the one that goes on.
    """
    if refused := may("merge", case) or may("add", into):
        return refused
    if any(i.state in ("in_treatment", "to_reverify") for i in case.items):
        return Refused("nc_merge_treated")
    moving = [i for i in case.items if i.state == "undecided"]
    known = {i.subject for i in into.items if i.kind == "unit" and i.state == "undecided"}
    items = tuple(replace(i, state="moved") if i in moving else i for i in case.items)
    for item in moving:
        if item.kind == "unit" and item.subject in known:
            continue
        number = max((i.number for i in into.items), default=0) + 1
        into = _with(into, Item(number, item.kind, item.subject, item.quantity, precaution=item.precaution))
    return replace(case, state="closed", items=items), into


# --- concessions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Concession:
    """The permission to use what does not conform, within bounds: which things, how many, until when.

    `serials` empty: any unit of `product`. `expires` is the last day on which it holds. Source: ISO 9000:2015, 3.12.5.
    """

    id: str
    product: str
    step: str
    expires: str
    left: int
    serials: frozenset[str] = frozenset()

    def covers(self, product: str, step: str, item: Item, today: str) -> Answer:
        """May this item be used under it today?

        Args:
            today: `YYYY-MM-DD`, the site's own day.
        """
        said = {"concession": self.id, "left": self.left, "expires": self.expires, "subject": item.subject}
        if today > self.expires:
            return Answer(False, "concession_expired", said)
        if (self.product and product != self.product) or (self.step and step != self.step):
            return Answer(False, "concession_other", said)
        if self.serials and item.subject not in self.serials:
            return Answer(False, "concession_serial", said)
        if item.quantity > self.left:
            return Answer(False, "concession_used_up", said)
        return Answer(True, "conceded", said)

    def take(self, product: str, step: str, item: Item, today: str) -> Concession | Refused:
        """Use it for an item: it counts down, and never below zero."""
        answer = self.covers(product, step, item, today)
        return replace(self, left=self.left - item.quantity) if answer.go else Refused(answer.reason, answer.args)


# --- what is late -----------------------------------------------------------------------------------------------------


def due(limits: NcLimits) -> tuple[tuple[tuple[State, ...], int], ...]:
    """States → days after which a nonconformity that still stands in one of them is overdue."""
    return (("open",), limits.contain_days), (UNDECIDED, limits.decide_days), (LIVE, limits.close_days)


def late(state: State, age_days: float, limits: NcLimits) -> bool:
    """Should it be further on by now?"""
    return any(state in states and age_days > days for states, days in due(limits))


# --- words ------------------------------------------------------------------------------------------------------------

NAMES: Final[dict[str, dict[str, str]]] = {
    "open": {"fr": "ouverte", "en": "open"},
    "contained": {"fr": "isolée", "en": "contained"},
    "analysed": {"fr": "analysée", "en": "analysed"},
    "decided": {"fr": "décidée", "en": "decided"},
    "in_treatment": {"fr": "en traitement", "en": "in treatment"},
    "to_reverify": {"fr": "à revérifier", "en": "to verify again"},
    "closed": {"fr": "soldée", "en": "closed"},
    "cancelled": {"fr": "annulée", "en": "cancelled"},
}
DISPOSITIONS: Final[dict[Disposition, dict[str, str]]] = {
    "rework": {"fr": "reprise", "en": "rework"},
    "repair": {"fr": "réparation", "en": "repair"},
    "use_as_is": {"fr": "dérogation", "en": "use as is"},
    "regrade": {"fr": "reclassement", "en": "regrade"},
    "scrap": {"fr": "rebut", "en": "scrap"},
    "return": {"fr": "retour fournisseur", "en": "return to supplier"},
    "sort": {"fr": "tri", "en": "sort"},
    "not_confirmed": {"fr": "non confirmé", "en": "not confirmed"},
}
