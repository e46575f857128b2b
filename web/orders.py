"""Work orders in the office: the list with its progress, a new one, one order's page and what can be done with it.

HTTP in, a use case, HTML out. What may be done when stands in `mes.fold_office`; a refusal comes back as one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from mes import carton_pages, counts, deliveries, lot_pages, order_history, revisions
from mes import orders as verbs
from mes.board import progress
from mes.counts import Counted
from mes.db.tables import PlanRevision, UnitRow, WorkOrder
from mes.domain import orders as life
from mes.domain.orders import ORDER_STATES
from mes.domain.route import Plan
from mes.find import find, only
from mes.forecast import forecast
from mes.order_history import Told
from mes.orders import Answer
from mes.setup import CONSOLE
from web.audit_say import sentence
from web.auth import actor, role
from web.board_words import order_parts
from web.find import address
from web.forms import ident, page_number, whole_number
from web.language import language, tell
from web.order_words import PRIORITIES, obstacles
from web.site import Site, site

blueprint = Blueprint("orders", __name__)

PAGE: Final = 50
UNITS: Final = 200
NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # can be printed as a code and stands in an address
MOST: Final = 1_000_000
FIELDS: Final = ("quantity", "due", "customer", "reference", "priority", "note")
OPEN: Final = ("planned", "released", "in_work", "on_hold")
_DUE: Final = (WorkOrder.due.is_(None), WorkOrder.due, WorkOrder.id)
SORTS: Final[dict[str, tuple[tuple[Any, ...], Any]]] = {
    "due": (_DUE, lazy_gettext("Due date")),
    "priority": ((WorkOrder.priority, *_DUE), lazy_gettext("Priority")),
    "newest": ((WorkOrder.created_at.desc(), WorkOrder.id.desc()), lazy_gettext("Newest first")),
    "customer": ((WorkOrder.customer, *_DUE), lazy_gettext("Customer")),
}
TONES: Final = {
    "planned": "idle", "released": "go", "in_work": "go", "on_hold": "kept",
    "completed": "go", "closed": "idle", "cancelled": "idle",
}  # fmt: skip
UNIT_WORDS: Final = {
    "reserved": ("idle", lazy_gettext("not begun")),
    "waiting": ("wait", lazy_gettext("waiting")),
    "in_work": ("go", lazy_gettext("in work")),
    "held": ("stop", lazy_gettext("held")),
    "done": ("go", lazy_gettext("finished")),
    "scrapped": ("idle", lazy_gettext("scrap")),
    "withdrawn": ("idle", lazy_gettext("taken out")),
}


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done with an order: its event decides when, `reason` whether one must be given."""

    event: str
    word: Any
    does: Any
    use_case: Callable[..., Answer]
    reason: bool = False


ACTIONS: Final = {
    "release": Action("OrderReleased", lazy_gettext("Release"), lazy_gettext("The floor may begin."), verbs.release),
    "resume": Action("OrderResumed", lazy_gettext("Resume"), lazy_gettext("Units may enter again."), verbs.resume),
    "hold": Action(
        "OrderHeld", lazy_gettext("Hold"), lazy_gettext("No unit enters any more."), verbs.hold, reason=True
    ),
    "close": Action("OrderClosed", lazy_gettext("Close"), lazy_gettext("The order is over."), verbs.close),
    "cancel": Action(
        "OrderCancelled", lazy_gettext("Cancel"), lazy_gettext("The order is given up."), verbs.cancel, reason=True
    ),
}


def plan_and_today(here: Site, session: Session) -> tuple[Plan | None, date, str]:
    """The latest plan, the plant's date, its time zone."""
    plan = revisions.latest_plan(session)
    tz = plan.plant.timezone if plan else "UTC"
    return plan, here.clock().astimezone(ZoneInfo(tz)).date(), tz


@blueprint.get("/orders")
@role("planner", "supervisor", "quality", "admin")
def index() -> Any:
    """The orders, the earliest due first; the address keeps the filter."""
    here = site()
    show = request.args.get("show", "open")
    page = page_number()
    with here.reading() as session:
        plan, today, _tz = plan_and_today(here, session)
        where: ColumnElement[bool] = WorkOrder.state.in_(OPEN) if show != "all" else WorkOrder.id.is_not(None)
        text = request.args.get("q", "").strip()[:200]
        if text and (hits := find(session, text)):  # its own number, whole: a scan, mostly
            one = only(hits)
            return redirect((one and address(one)) or url_for("find.index", q=text))
        if text:
            where = and_(where, WorkOrder.id.contains(text, autoescape=True))
        asked = {n: request.args.get(n, "")[:120] for n in ("state", "product", "customer", "late", "sort")}
        where = _filtered(where, asked, today)
        total = session.scalar(select(func.count()).select_from(WorkOrder).where(where)) or 0
        sort = asked["sort"] if asked["sort"] in SORTS else "newest" if show == "all" else "due"
        query = select(WorkOrder).where(where).order_by(*SORTS[sort][0]).limit(PAGE).offset((page - 1) * PAGE)
        rows = session.scalars(query).all()
        counted = progress(session, plan, [row.id for row in rows], today=today) if plan else {}
        return render_template(
            "orders.html",
            rows=rows,
            progress=counted,
            parts_of=order_parts,
            states=ORDER_STATES,
            tones=TONES,
            show=show,
            text=text,
            page=page,
            pages=max(1, -(-total // PAGE)),
            total=total,
            planned=plan is not None,
            asked={n: v for n, v in asked.items() if v},
            sort=sort,
            sorts={n: word for n, (_by, word) in SORTS.items()},
            products=session.scalars(select(WorkOrder.product).distinct().order_by(WorkOrder.product)).all(),
            customers=session.scalars(select(WorkOrder.customer).distinct().order_by(WorkOrder.customer)).all(),
            priorities=PRIORITIES,
        )


def _filtered(where: ColumnElement[bool], asked: Mapping[str, str], today: date) -> ColumnElement[bool]:
    """What the address asks for, beyond open or all."""
    if asked["state"] in ORDER_STATES:
        where = and_(where, WorkOrder.state == asked["state"])
    if asked["product"]:
        where = and_(where, WorkOrder.product == asked["product"])
    if asked["customer"]:
        where = and_(where, WorkOrder.customer == asked["customer"])
    if asked["late"]:
        where = and_(where, WorkOrder.state.in_(OPEN), WorkOrder.due < today.isoformat())
    return where


# --- a new order ------------------------------------------------------------------------------------------------------


@blueprint.get("/orders/new")
@role("planner", "supervisor")
def new() -> Any:
    """The empty form, with the next free number."""
    here = site()
    with here.reading() as session:
        plan, today, _tz = plan_and_today(here, session)
        if plan is None:
            flash(_("No plan is published yet. Run: mes plan publish"), "stop")
            return redirect(url_for("orders.index"))
        number = verbs.next_order_id(session, plan.plant.order_pattern, today=today)
    return _form(plan, {"order": number, "quantity": "1", "priority": "2"}, {}, today)


@blueprint.post("/orders/new")
@role("planner", "supervisor")
def create() -> Any:
    """Create what the form says, or show the form again with what is missing."""
    here = site()
    with here.reading() as session:
        plan, today, _tz = plan_and_today(here, session)
    if plan is None:
        abort(409)
    values = values_of(("order", "product", *FIELDS))
    wrong = _wrong(values, plan)
    if wrong:
        return _form(plan, values, wrong, today), 422

    def use_case(session: Session, now: datetime) -> Answer:
        return verbs.create(
            session,
            values["order"],
            values["product"],
            int(values["quantity"]),
            now=now,
            due=date.fromisoformat(values["due"]) if values["due"] else None,
            customer=values["customer"],
            note=values["note"],
            reference=values["reference"],
            priority=int(values["priority"]),
            actor=who,
        )

    who = actor()
    answer = here.do(use_case)
    if not answer.done:
        return _form(plan, values, {"order": answer.say(language())}, today), 409
    flash(_("Order %(order)s is planned. Release it when the floor may begin.", order=values["order"]), "go")
    return redirect(url_for("orders.show", order=values["order"]))


def _form(plan: Plan, values: Mapping[str, str], wrong: Mapping[str, str], today: date) -> str:
    return render_template(
        "order_new.html",
        plan=plan,
        values=values,
        wrong=wrong,
        today=today.isoformat(),
        most=MOST,
        priorities=PRIORITIES,
    )


def values_of(names: Sequence[str]) -> dict[str, str]:
    """What a form says of an order; a priority that it does not say is the normal one."""
    values = {name: request.form.get(name, "").strip() for name in names}
    return {**values, "priority": values.get("priority") or "2"}


def _wrong(values: Mapping[str, str], plan: Plan) -> dict[str, str]:
    """Field → what is wrong with it, as a sentence."""
    wrong: dict[str, str] = {}
    if not NUMBER.fullmatch(values["order"]):
        wrong["order"] = _("Give a number: letters, digits, dots and dashes, without spaces.")
    if plan.product(values["product"]) is None:
        wrong["product"] = _("Choose a product.")
    return wrong | wrong_values(values)


def wrong_values(values: Mapping[str, str]) -> dict[str, str]:
    """The same for what may still be changed later."""
    wrong: dict[str, str] = {}
    if whole_number(values["quantity"], MOST) is None:
        wrong["quantity"] = _("Give a whole number from 1 to %(most)s.", most=MOST)
    if values["due"]:
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", values["due"]):
                raise ValueError
            date.fromisoformat(values["due"])
        except ValueError:
            wrong["due"] = _("Give a date, such as 2026-11-27.")
    if values["priority"] not in ("1", "2", "3"):
        wrong["priority"] = _("Choose a priority.")
    for name, most in (("customer", 120), ("reference", 64), ("note", 2_000)):
        if len(values[name]) > most:
            wrong[name] = _("At most %(most)s characters.", most=most)
    return wrong


# --- one order --------------------------------------------------------------------------------------------------------


@blueprint.get("/order/<path:order>")
@role("planner", "supervisor", "quality", "admin")
def show(order: str) -> str:
    """One order: where its pieces are, its units, and what can be done now."""
    here = site()
    wanted = request.args.get("show", "all")
    page = page_number()
    with here.reading() as session:
        row = session.get(WorkOrder, order)
        plan, today, tz = plan_and_today(here, session)
        if row is None or plan is None:
            abort(404)
        pinned = _pinned(session, row.revision) or plan
        where = _units_where(order, wanted)
        total = session.scalar(select(func.count()).select_from(UnitRow).where(where)) or 0
        units = session.scalars(
            select(UnitRow).where(where).order_by(UnitRow.serial).limit(UNITS).offset((page - 1) * UNITS)
        ).all()
        return render_template(
            "order.html",
            row=row,
            product=pinned.product(row.product),
            plan=pinned,
            progress=progress(session, plan, [order], today=today)[order],
            parts_of=order_parts,
            states=ORDER_STATES,
            tones=TONES,
            units=units,
            unit_words=UNIT_WORDS,
            actions={name: a for name, a in ACTIONS.items() if life.after(a.event, row.state, held_from=row.held_from)},
            show=wanted,
            page=page,
            pages=max(1, -(-total // UNITS)),
            total=total,
            tz=tz,
            counts=_counts(session, row, pinned),
            lots=_lots(session, row, pinned),
            history=_history(session, order),
            **_around(session, row),
            forecast=forecast(session, row, pinned, here.clock().astimezone(ZoneInfo(tz))),
        )


def _history(session: Session, order: str) -> list[tuple[Told, str]]:
    """What happened to the order, each with its sentence; the floor's rows say what state they brought."""
    by_floor = {"in_work": _("Work has begun."), "completed": _("The last piece is done."), "released": ""}
    told = order_history.of_order(session, order)
    return [(t, by_floor.get(t.state, "") if t.floor else sentence(t.kind, t.said)) for t in told]


def _counts(session: Session, row: WorkOrder, plan: Plan) -> list[tuple[Counted, list[tuple[str, int]]]]:
    """What was counted at each step, each with its defects by name; nothing for an order of units."""
    product = plan.product(row.product)
    if product is None or product.tracking != "lot" or not row.revision:
        return []
    found = counts.by_step(session, row.id, row.quantity, product)
    return [(c, [(counts.defect_name(plan, code, language()), n) for code, n in c.scrap]) for c in found]


def _lots(session: Session, row: WorkOrder, plan: Plan) -> list[tuple[lot_pages.Counted, str, str]]:
    """The component lots that a counted order was made of, each with the names of its step and its part."""
    product, parts, tongue = plan.product(row.product), plan.components(), language()
    steps = {s.id: s.name.to(tongue) for s in product.steps} if product else {}
    names = {part: found.name.to(tongue) for part, found in parts.items()}
    return [(u, steps.get(u.step, u.step), names.get(u.part, u.part)) for u in lot_pages.lots_of(session, row.id)]


def _around(session: Session, row: WorkOrder) -> dict[str, Any]:
    """What the page says beside the order: its priority, its kin, what stands against closing, what may be changed."""
    kin = select(WorkOrder.id, WorkOrder.quantity).where(WorkOrder.split_from == row.id).order_by(WorkOrder.id)
    may_close = life.after("OrderClosed", row.state) is not None
    against = verbs.against_closing(session, row.id) if may_close else []
    return {
        "priority": PRIORITIES[row.priority] if row.priority != 2 else "",
        "split_into": session.execute(kin).all(),
        "obstacles": obstacles(row.id, against),
        "may_be_short": bool(against) and all(a.waivable for a in against),
        "may_change": life.after("OrderAmended", row.state) is not None,
        "withdrawn": session.scalar(
            select(func.count()).select_from(UnitRow).where(UnitRow.order == row.id, UnitRow.state == "withdrawn")
        ),
        "most": MOST,
        "console": CONSOLE,
        "sent": deliveries.listed(session, order=row.id),
        "packing": carton_pages.of_order(session, row.id) if row.revision else None,
        "carton_states": carton_pages.STATES,
        "sampled": _sampled(session, row),
        "released_goods": verbs.released_goods(session, row.id),
    }


def _sampled(session: Session, row: WorkOrder) -> bool:
    """Does the plan of an order ask for lots of it to be sampled?"""
    plan = _pinned(session, row.revision) if row.revision else None
    product = plan.product(row.product) if plan else None
    return product is not None and bool(product.sampled)


def _pinned(session: Session, revision: int) -> Plan | None:
    """The plan that an order was released with, None before its release."""
    digest = session.scalar(select(PlanRevision.hash).where(PlanRevision.revision == revision))
    return revisions.plan_of(session, revision, digest) if digest else None


def _units_where(order: str, show: str) -> ColumnElement[bool]:
    mine = UnitRow.order == order
    if show == "held":
        return and_(mine, UnitRow.nc.is_not(None), UnitRow.state != "scrapped")
    if show == "open":
        return and_(mine, UnitRow.state.in_(("waiting", "in_work")))
    if show in ("done", "scrapped", "reserved", "withdrawn"):
        return and_(mine, UnitRow.state == show)
    return and_(mine, UnitRow.state != "withdrawn")


@blueprint.post("/orders/act/<verb>")
@role("planner", "supervisor")
def act(verb: str) -> Any:
    """Release, hold, resume, close or cancel."""
    action = ACTIONS.get(verb)
    if action is None:
        abort(404)
    order = ident("order")
    why = request.form.get("why", "").strip()[:500]
    if action.reason and not why:
        flash(_("Say why, so that everybody understands."), "stop")
    else:
        more = {} if verb == "release" else {"why": why}
        who = actor()
        answer = site().do(lambda session, now: action.use_case(session, order, now=now, actor=who, **more))
        tell(answer, f"{order}: {action.does}")
    return redirect(url_for("orders.show", order=order) if order else url_for("orders.index"))
