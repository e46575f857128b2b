"""Orders for programs (an ERP, a script): JSON in, a use case, JSON out. docs/api.md says it with examples.

Who asks is the program of the key. A key that is for one customer sees no other's orders: they are as if they were not
there. Every refusal is one sentence in the language that the request asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from math import ceil
from typing import Any, Final

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _
from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.orm import Session

from mes import api_keys, order_sheet, orders
from mes.api_keys import Program
from mes.board import progress
from mes.db.tables import Installation, Nonconformity, UnitRow, Visit, WorkOrder
from mes.domain.orders import LIVING
from mes.domain.reasons import sentence
from mes.orders import Answer, ImportRefused
from mes.sheet import MOST_BYTES, Problem
from web import rest_forms as forms
from web.api_talk import M, Rejected, answered, attach, fitted, parsed, raw, rejected
from web.auth import role
from web.forms import most_bytes
from web.language import language
from web.orders import plan_and_today
from web.site import site

blueprint = Blueprint("rest", __name__, url_prefix="/api/v1")
PAGE: Final = 50
UNITS: Final = 200
ONCE: Final = "Idempotency-Key"
TAKES: Final[dict[str, type[BaseModel]]] = {"rest.listed": forms.OrdersAsked, "rest.units": forms.UnitsAsked}
"""What the address of a view may carry."""

attach(blueprint, lambda: set(TAKES[e].model_fields) if (e := request.endpoint or "") in TAKES else set())


class Wrong(Exception):
    """The orders that were sent cannot be planned as they are."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.problems = problems


class No(Exception):
    """A rule says no. Raised in the writer's thread, which knows no request and no language."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


class Unknown(Exception):
    """There is no such thing, or not for this program."""

    def __init__(self, reason: str, args: Mapping[str, str]) -> None:
        super().__init__(reason)
        self.reason, self.said = reason, args


@blueprint.errorhandler(Wrong)
def _wrong(error: Wrong) -> Response:
    said = tuple(
        forms.RowProblem(row=p.line, field=p.column, reason=p.reason, message=_sentence(p.reason, p.args))
        for p in error.problems
    )
    told = forms.Refused(error="wrong_orders", message=_("Nothing was planned. Correct what is named."), problems=said)
    return rejected(Rejected(422, "wrong_orders", told.message, told=told))


@blueprint.errorhandler(No)
def _no(error: No) -> Response:
    told = forms.Refused(error="refused", message=error.answer.say(language()), reason=error.answer.reason)
    return rejected(Rejected(409, "refused", told.message, told=told))


@blueprint.errorhandler(Unknown)
def _unknown(error: Unknown) -> Response:
    return rejected(Rejected(404, "unknown", _sentence(error.reason, error.said)))


@blueprint.errorhandler(api_keys.Reused)
def _reused(error: api_keys.Reused) -> Response:
    return rejected(Rejected(409, "key_reused", _("This Idempotency-Key belongs to another request. Take a new one.")))


def _sentence(reason: str, args: Mapping[str, Any]) -> str:
    return " ".join(sentence(reason, args, language())).strip()


# --- plan -------------------------------------------------------------------------------------------------------------


@blueprint.post("/orders")
@role("planner-api")
@most_bytes(MOST_BYTES)
def create() -> Response:
    """Plan orders, all or none. The same request again, by its Idempotency-Key, plans nothing more."""
    body = raw(MOST_BYTES)
    asked, program, here = parsed(forms.NewOrders, data=body), _program(), site()

    def plan_them(session: Session, now: datetime) -> Sequence[str]:
        plan, today, _tz = plan_and_today(here, session)
        if plan is None:
            raise No(Answer(False, "no_plan", {}))
        texts = [o.texts() for o in asked.orders]
        for said in texts:
            product = plan.product(said["product"])
            said["customer"] = said["customer"] or program.customer or (product.customer if product else "")
        sheet = order_sheet.checked(texts, plan, taken=orders.taken(session))
        foreign = [
            Problem(n, "customer", "key_customer", {"customer": program.customer})
            for n, said in enumerate(texts, 1)
            if not program.sees(said["customer"])
        ]
        if sheet.problems or foreign:
            raise Wrong([*sheet.problems, *foreign])
        pattern = plan.plant.order_pattern
        try:
            return orders.create_all(session, sheet.rows, pattern, now=now, today=today, actor=program.id)
        except ImportRefused as error:
            raise Wrong([Problem(error.line, "", error.answer.reason, error.answer.args)]) from error

    return _once(plan_them, body.decode(), needed=True)


@blueprint.post("/orders/<order>/change")
@role("planner-api")
def change(order: str) -> Response:
    """Change what is given of an order; the rest stays."""
    body = raw()
    values = parsed(forms.Change, data=body).values()
    who, whose = _program().id, _program().customer
    if not _program().sees(values.get("customer", whose)):
        raise No(Answer(False, "key_customer", {"customer": whose}))
    return _act(order, lambda s, now: orders.amend(s, order, now=now, actor=who, **values), body.decode())


@blueprint.post("/orders/<order>/release")
@role("planner-api")
def release(order: str) -> Response:
    """Let the floor begin: serials are reserved."""
    who = _program().id
    return _act(order, lambda s, now: orders.release(s, order, now=now, actor=who))


@blueprint.post("/orders/<order>/serials")
@role("planner-api")
@most_bytes(MOST_BYTES)
def serials(order: str) -> Response:
    """Give a planned order the serials of its units."""
    body = raw(MOST_BYTES)
    given, who = parsed(forms.Serials, data=body).serials, _program().id
    return _act(order, lambda s, now: orders.give_serials(s, order, given, now=now, actor=who), body.decode())


@blueprint.post("/orders/<order>/hold")
@role("planner-api")
def hold(order: str) -> Response:
    """Stop new units from entering."""
    return _act_for_a_reason(order, orders.hold)


@blueprint.post("/orders/<order>/resume")
@role("planner-api")
def resume(order: str) -> Response:
    """Let units enter again."""
    who = _program().id
    return _act(order, lambda s, now: orders.resume(s, order, now=now, actor=who))


@blueprint.post("/orders/<order>/cancel")
@role("planner-api")
def cancel(order: str) -> Response:
    """Give up an order on which no work has begun."""
    return _act_for_a_reason(order, orders.cancel)


def _act_for_a_reason(order: str, verb: Callable[..., Answer]) -> Response:
    body = raw()
    why, who = parsed(forms.Why, data=body).why, _program().id
    return _act(order, lambda s, now: verb(s, order, now=now, why=why, actor=who), body.decode())


def _act(order: str, verb: Callable[[Session, datetime], Answer], body: str = "") -> Response:
    program = _program()

    def use_case(session: Session, now: datetime) -> Sequence[str]:
        _row(session, program, order)
        answer = verb(session, now)
        if not answer.done:
            raise No(answer)
        return (order,)

    return _once(use_case, body)


def _once(use_case: Callable[[Session, datetime], Sequence[str]], body: str, *, needed: bool = False) -> Response:
    """Do it, unless this request, by the number that the program gave it, was answered before."""
    said, program = request.headers.get(ONCE, ""), _program()
    if not re.fullmatch(r"[!-~]{0,64}", said) or (needed and not said):
        message = _("Send a header Idempotency-Key: 64 characters at most, no spaces, another one each time.")
        raise Rejected(400, "no_idempotency_key", message)
    asked = f"{request.path}\n{body}"
    made, repeated = site().do(
        lambda session, now: api_keys.once(session, program, said, asked, lambda: use_case(session, now), now=now)
    )
    return answered(forms.Made(orders=tuple(made), repeated=repeated))


# --- look -------------------------------------------------------------------------------------------------------------


@blueprint.get("/orders")
@role("planner-api", "reader-api")
def listed() -> Response:
    """Orders by state, product, customer, the customer's reference and lateness, the newest first, a page at a time."""
    here, asked = site(), _asked(forms.OrdersAsked)
    with here.reading() as session:
        plan, today, _tz = plan_and_today(here, session)
        where = and_(_whose(), _filter(asked, today))
        total = session.scalar(select(func.count()).select_from(WorkOrder).where(where)) or 0
        newest = (WorkOrder.created_at.desc(), WorkOrder.id.desc())
        page = int(asked.page)
        rows = session.scalars(
            select(WorkOrder).where(where).order_by(*newest).limit(PAGE).offset((page - 1) * PAGE)
        ).all()
        counted = progress(session, plan, [r.id for r in rows], today=today) if plan else {}
        found = tuple(forms.order_of(r, counted[r.id]) for r in rows)
    return answered(forms.Orders(orders=found, page=page, pages=max(1, ceil(total / PAGE)), total=total))


@blueprint.get("/orders/<order>")
@role("planner-api", "reader-api")
def one(order: str) -> Response:
    """One order with its progress."""
    here = site()
    with here.reading() as session:
        row = _row(session, _program(), order)
        plan, today, _tz = plan_and_today(here, session)
        assert plan is not None  # there is no order without a plan
        return answered(forms.order_of(row, progress(session, plan, [order], today=today)[order]))


@blueprint.get("/orders/<order>/units")
@role("planner-api", "reader-api")
def units(order: str) -> Response:
    """The units of an order with their states, by serial, a page at a time."""
    asked = _asked(forms.UnitsAsked)
    with site().reading() as session:
        _row(session, _program(), order)
        where = and_(UnitRow.order == order, _unit_state(asked.state))
        total = session.scalar(select(func.count()).select_from(UnitRow).where(where)) or 0
        page = int(asked.page)
        rows = session.scalars(
            select(UnitRow).where(where).order_by(UnitRow.serial).limit(UNITS).offset((page - 1) * UNITS)
        )
        found = tuple(forms.unit_of(r) for r in rows)
    return answered(forms.Units(units=found, page=page, pages=max(1, ceil(total / UNITS)), total=total))


@blueprint.get("/orders/<order>/nonconformities")
@role("planner-api", "reader-api")
def nonconformities(order: str) -> Response:
    """The nonconformities of an order, open and closed."""
    with site().reading() as session:
        _row(session, _program(), order)
        rows = session.scalars(
            select(Nonconformity).where(Nonconformity.order == order).order_by(Nonconformity.id)
        ).all()
        return answered(forms.Ncs(nonconformities=forms.ncs_of(rows)))


@blueprint.get("/units/<path:serial>")
@role("planner-api", "reader-api")
def unit(serial: str) -> Response:
    """One unit: its visits, its components, its nonconformities."""
    with site().reading() as session:
        row = session.get(UnitRow, serial)
        order = session.get(WorkOrder, row.order) if row else None
        if row is None or order is None or not _program().sees(order.customer):
            raise Unknown("unknown_unit", {"unit": serial[:64]})
        visits = session.scalars(select(Visit).where(Visit.unit == serial).order_by(Visit.started_at, Visit.visit))
        inside = session.scalars(
            select(Installation).where(Installation.unit == serial).order_by(Installation.installed_at, Installation.id)
        )
        ncs = session.scalars(select(Nonconformity).where(Nonconformity.unit == serial).order_by(Nonconformity.id))
        trace = forms.Trace(
            unit=forms.unit_of(row),
            visits=tuple(
                forms.Visit(step=v.step, visit=v.visit, started_at=v.started_at, ended_at=v.ended_at, result=v.result)
                for v in visits
            ),
            components=tuple(
                forms.Inside(
                    part=i.part,
                    serial=i.serial,
                    lot=i.lot,
                    quantity=i.quantity,
                    step=i.step,
                    installed_at=i.installed_at,
                    removed_at=i.removed_at,
                )
                for i in inside
            ),
            nonconformities=forms.ncs_of(ncs.all()),
        )
    return answered(trace)


def _program() -> Program:
    found: Program = g.program
    return found


def _row(session: Session, program: Program, order: str) -> WorkOrder:
    """The order, if the program may know of it."""
    row = session.get(WorkOrder, order)
    if row is None or not program.sees(row.customer):
        raise Unknown("unknown_order", {"order": order[:64]})
    return row


def _whose() -> ColumnElement[bool]:
    whose = _program().customer
    return WorkOrder.customer == whose if whose else true()


def _filter(asked: forms.OrdersAsked, today: date) -> ColumnElement[bool]:
    where: ColumnElement[bool] = true()
    for name in ("state", "product", "customer", "reference"):
        if (value := getattr(asked, name)) is not None:
            where = and_(where, getattr(WorkOrder, name) == value)
    if asked.late:
        where = and_(where, WorkOrder.state.in_(LIVING), WorkOrder.due < today.isoformat())
    return where


def _unit_state(state: str | None) -> ColumnElement[bool]:
    held = and_(UnitRow.nc.is_not(None), UnitRow.state != "scrapped")
    if state == "held":
        return held
    return and_(UnitRow.state == state, ~held) if state else true()


def _asked(model: type[M]) -> M:
    """The parameters of the address; 400 where they do not fit, or one stands twice."""
    if any(len(values) > 1 for _name, values in request.args.lists()):
        raise Rejected(400, "bad_request", _("Each parameter of the address stands once."))
    return fitted(lambda: model.model_validate(request.args.to_dict()))
