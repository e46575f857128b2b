"""What programs send and get at the REST interface: orders, units, nonconformities, and refusals that can be acted on.

Frozen models and how rows become them; no rule, no route. Fields are only added, never taken away (docs/api.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from mes.board.model import OrderProgress
from mes.db.tables import Nonconformity, UnitRow, WorkOrder
from mes.wire import MOST_SERIALS, Day, Frozen, Id, Priority

MOST_ORDERS: Final = 500
"""Orders in one request."""
MOST: Final = 1_000_000

Number = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Short = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
Note = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Pieces = Annotated[int, Field(ge=1, le=MOST, strict=True)]
OrderState = Literal["planned", "released", "in_work", "on_hold", "completed", "closed", "cancelled"]


# --- sent -------------------------------------------------------------------------------------------------------------


class NewOrder(Frozen):
    """An order to plan. Without a number it gets the next of the plant's pattern."""

    order: Number | None = None
    product: Id
    quantity: Pieces
    due: Day | None = None
    customer: Name = ""
    reference: Short = ""
    priority: Priority = 2
    note: Note = ""

    def texts(self) -> dict[str, str]:
        """As a row of a sheet says it, so that the same rules look at both."""
        said = self.model_dump(exclude_none=True)
        return {name: str(value) for name, value in said.items()}


class NewOrders(Frozen):
    """Orders to plan: all of them, or none."""

    orders: Annotated[tuple[NewOrder, ...], Field(min_length=1, max_length=MOST_ORDERS)]


class Change(Frozen):
    """What is different from now on; what is not given stays. An empty `due` takes the date away."""

    why: Annotated[Reason, Field(min_length=1)]
    quantity: Pieces | None = None
    due: Day | Literal[""] | None = None
    customer: Name | None = None
    reference: Short | None = None
    priority: Priority | None = None
    note: Note | None = None

    def values(self) -> dict[str, Any]:
        """What the use case takes."""
        said = self.model_dump(exclude_none=True)
        return {**said, "due": date.fromisoformat(self.due)} if self.due else said


class Serials(Frozen):
    """The serials of an order's units: as many as it has pieces. They take the place of a list given before."""

    serials: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_SERIALS)]


class Why(Frozen):
    """The reason, in a few words."""

    why: Annotated[Reason, Field(min_length=1)]


Page = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}$")]
UnitState = Literal["reserved", "waiting", "in_work", "held", "done", "scrapped", "withdrawn"]


class OrdersAsked(Frozen):
    """What the address of a list of orders says: each narrows it."""

    state: OrderState | None = None
    product: Annotated[str, Field(max_length=120)] | None = None
    customer: Annotated[str, Field(max_length=120)] | None = None
    reference: Annotated[str, Field(max_length=120)] | None = None
    late: Literal["1"] | None = None
    page: Page = "1"


class UnitsAsked(Frozen):
    """The same of a list of units."""

    state: UnitState | None = None
    page: Page = "1"


# --- given ------------------------------------------------------------------------------------------------------------


class Made(Frozen):
    """The numbers of the orders; `repeated`: this very request had been answered before, and nothing was done again."""

    orders: tuple[str, ...]
    repeated: bool = False


class Progress(Frozen):
    """Where the pieces are; together they are the quantity."""

    to_start: int
    in_work: int
    waiting: int
    held: int
    scrap: int
    done: int


class Order(Frozen):
    """One order as it stands now."""

    order: str
    product: str
    quantity: int
    state: OrderState
    customer: str
    reference: str
    priority: int
    note: str
    due: str | None
    late_days: int
    plan: int
    created_at: str
    released_at: str | None
    ended_at: str | None
    why: str
    split_from: str | None
    progress: Progress


class Orders(Frozen):
    """A page of orders."""

    orders: tuple[Order, ...]
    page: int
    pages: int
    total: int


class Unit(Frozen):
    """One unit: what it is doing (`held` when a nonconformity blocks it), and at which step."""

    serial: str
    order: str
    product: str
    state: str
    step: str
    station: str | None
    nonconformity: str | None
    since: str


class Units(Frozen):
    """A page of an order's units, by serial."""

    units: tuple[Unit, ...]
    page: int
    pages: int
    total: int


class Nc(Frozen):
    """One nonconformity."""

    nonconformity: str
    unit: str
    order: str
    step: str
    cause: str
    defect: str | None
    state: str
    opened_at: str
    closed_at: str | None


class Ncs(Frozen):
    """The nonconformities of an order, the oldest first."""

    nonconformities: tuple[Nc, ...]


class Visit(Frozen):
    """One visit of a unit at a step; who did it is nobody's business here."""

    step: str
    visit: int
    started_at: str
    ended_at: str | None
    result: str | None


class Inside(Frozen):
    """A component that is, or was, in a unit."""

    part: str
    serial: str | None
    lot: str | None
    quantity: int
    step: str
    installed_at: str
    removed_at: str | None


class Trace(Frozen):
    """One unit with all that went into it and what was found."""

    unit: Unit
    visits: tuple[Visit, ...]
    components: tuple[Inside, ...]
    nonconformities: tuple[Nc, ...]


# --- refused ----------------------------------------------------------------------------------------------------------


class RowProblem(Frozen):
    """What is wrong with one of the orders that were sent: its place from 1, the field, a code, a sentence."""

    row: int
    field: str
    reason: str
    message: str


class Refused(Frozen):
    """An error: `error` for programs, `message` for people, `reason` the code of a rule that says no."""

    error: str
    message: str
    reason: str = ""
    problems: tuple[RowProblem, ...] = ()


# --- from rows --------------------------------------------------------------------------------------------------------


def order_of(row: WorkOrder, p: OrderProgress) -> Order:
    """An order with its progress."""
    return Order(
        order=row.id,
        product=row.product,
        quantity=row.quantity,
        state=row.state,  # type: ignore[arg-type]
        customer=row.customer,
        reference=row.reference,
        priority=row.priority,
        note=row.note,
        due=row.due,
        late_days=p.late_days,
        plan=row.revision,
        created_at=row.created_at,
        released_at=row.released_at,
        ended_at=row.ended_at,
        why=row.why,
        split_from=row.split_from,
        progress=Progress(
            to_start=p.to_start, in_work=p.in_work, waiting=p.between, held=p.held, scrap=p.scrapped, done=p.done
        ),
    )


def unit_of(row: UnitRow) -> Unit:
    """A unit."""
    return Unit(
        serial=row.serial,
        order=row.order,
        product=row.product,
        state="held" if row.nc and row.state != "scrapped" else row.state,
        step=row.step,
        station=row.station,
        nonconformity=row.nc,
        since=row.since,
    )


def ncs_of(rows: Sequence[Nonconformity]) -> tuple[Nc, ...]:
    """Nonconformities."""
    return tuple(
        Nc(
            nonconformity=r.id,
            unit=r.unit,
            order=r.order,
            step=r.step,
            cause=r.cause,
            defect=r.defect,
            state=r.state,
            opened_at=r.opened_at,
            closed_at=r.closed_at,
        )
        for r in rows
    )
