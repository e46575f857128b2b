"""Bodies: work orders, and the labels that are printed for them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Frozen, Id, OptionalId

Priority = Annotated[int, Field(ge=1, le=3)]

"""1 urgent, 2 normal, 3 can wait."""


class OrderCreated(Frozen):
    """A quantity of one product to make."""

    order: Id
    product: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    due: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    customer: Annotated[str, Field(max_length=120)] = ""
    note: Annotated[str, Field(max_length=2_000)] = ""
    reference: Annotated[str, Field(max_length=64)] = ""
    priority: Priority = 2


class OrderAmended(Frozen):
    """What is different from now on; None: as before. An empty `due` takes the date away."""

    order: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    due: Annotated[str, Field(pattern=r"^(\d{4}-\d\d-\d\d)?$")] | None = None
    customer: Annotated[str, Field(max_length=120)] | None = None
    reference: Annotated[str, Field(max_length=64)] | None = None
    priority: Priority | None = None
    note: Annotated[str, Field(max_length=2_000)] | None = None
    why: Annotated[str, Field(max_length=500)] = ""


class OrderSplit(Frozen):
    """So many pieces that have not begun go into a new order; their serials go along."""

    order: Id
    to: Id
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    due: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    why: Annotated[str, Field(max_length=500)] = ""


MOST_SERIALS = 5_000
"""Serials that an order can be given."""


class SerialsGiven(Frozen):
    """The serials of an order's units, as the customer wants them; they take the place of a list given before."""

    order: Id
    serials: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_SERIALS)]


class OrderReleased(Frozen):
    """The floor may begin; the order is pinned to a plan revision, and its serials are reserved."""

    order: Id
    revision: Annotated[int, Field(ge=1)]


class OrderChanged(Frozen):
    """Hold, resume or cancel, with the reason."""

    order: Id
    why: Annotated[str, Field(max_length=500)] = ""


class OrderClosed(OrderChanged):
    """The order is over; `despite` names what stood against it and was let pass, with the reason."""

    despite: tuple[Id, ...] = ()


class LabelPrinted(Frozen):
    """A label, or the traveller of an order, was printed; the ledger's answer says which copy it is.

    `subject`: what the copies of a carton's or a bag's label are counted of. `paper`: the sheet (`3x8`) or the size of
    the roll's labels in mm (`57x32`); empty for a traveller. `printer`: the label printer that it came out of; empty
    for a file, which counts when it is made.
    """

    template: Literal["unit", "traveller", "carton", "bag", "hold"]
    order: OptionalId = ""
    unit: OptionalId = ""
    subject: OptionalId = ""
    symbology: Literal["code128", "gs1-128", "qr"]
    paper: Annotated[str, Field(max_length=20, pattern=r"^[0-9x.]*$")] = ""
    printer: OptionalId = ""

    @property
    def counted(self) -> str:
        """What its copies are counted of: a unit whose order is split keeps its count."""
        return self.subject or self.unit or self.order


class LabelDecided(Frozen):
    """Somebody said what became of a label in a printer's queue; one that came out has a `LabelPrinted`, too.

    `subject`: what it is a label of. `decision`: it came out, is printed again as a copy, or is not wanted.
    """

    job: Annotated[int, Field(ge=1)]
    template: Literal["unit", "traveller", "carton", "bag", "hold"]
    subject: Id
    printer: Id
    decision: Literal["came_out", "again", "cancel"]
