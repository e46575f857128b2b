"""Cartons and pallets in the office: the list, one carton with what is in it and what happened to it, and what is done.

HTTP in, a use case, HTML out. What may be done when stands in `mes.domain.packing`; a refusal comes back on the same
page as one sentence, with what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy.orm import Session

from mes import carton_labels, carton_pages, deliveries, packing
from mes.carton_pages import GONE, STATES, shown
from mes.db.tables import CartonRow
from mes.domain.label import Label
from mes.domain.reasons import sentence, tone
from mes.domain.route import Product
from mes.domain.sscc import spaced
from mes.find import carton_number
from mes.labels import Sheet
from mes.orders import Answer
from mes.packing import Wanted
from mes.wire import MOST_NUMBERS
from web.auth import actor, role
from web.forms import ident, page_number, whole_number
from web.labels import printer_of, queued, sent
from web.language import language
from web.nc_detail import plan_of_order
from web.orders import plan_and_today
from web.site import site

blueprint = Blueprint("cartons", __name__, url_prefix="/cartons")
blueprint.add_app_template_filter(spaced, "sscc")

LEVELS: Final = {"carton": lazy_gettext("Carton"), "pallet": lazy_gettext("Pallet")}
MOST_PIECES: Final = 1_000_000
MOST_KG: Final = 10_000.0
FIELDS: Final = ("thing", "pieces", "why", "kg", "device", "partial")
TROUBLES: Final = {
    "unit_held": lazy_gettext("blocked"),
    "unit_unfinished": lazy_gettext("not finished"),
    "unit_scrapped": lazy_gettext("scrap"),
    "carton_held": lazy_gettext("blocked"),
    "carton_not_closed": lazy_gettext("not closed"),
}
FOR_A_BENCH: Final = frozenset(
    (
        *("packed", "packed_full", "packed_here", "packed_elsewhere", "needs_weighing", "weight_light", "weight_heavy"),
        *(
            "carton_open",
            "carton_full",
            "carton_closed",
            "carton_gone",
            "carton_held",
            "carton_has_held",
            "carton_empty",
        ),
        *("carton_not_full", "carton_not_closed", "carton_done", "pallet_takes_cartons", "carton_takes_no_carton"),
        *("unknown_unit", "unit_held"),
    )
)
"""Reasons whose advice is what to scan: an office has buttons for it."""


def said_of(answer: Answer) -> str:
    """What came of it, for who sits in the office."""
    first, then = sentence(answer.reason, answer.args, language())
    return first if answer.reason in FOR_A_BENCH else f"{first} {then}".strip()


# --- to see -----------------------------------------------------------------------------------------------------------


@blueprint.get("")
@role("planner", "supervisor", "quality", "admin")
def index() -> Any:
    """The cartons, what changed last first; a scanned label leads to its carton."""
    asked = {n: request.args.get(n, "").strip()[:200] for n in ("show", "level", "order", "q")}
    show = asked["show"] if asked["show"] in STATES else ""
    level = asked["level"] if asked["level"] in LEVELS else ""
    with site().reading() as session:
        if (number := carton_number(asked["q"])) and packing.find(session, number) is not None:
            return redirect(url_for("cartons.show", sscc=number))
        text = carton_pages.meant(session, asked["q"]) or asked["q"]
        wanted = Wanted(show, level, asked["order"], text)
        return render_template(
            "cartons.html",
            found=carton_pages.listed(session, wanted, page=page_number()),
            states=STATES,
            gone=GONE,
            shown=shown,
            levels=LEVELS,
            level=level,
            show=show,
            order=asked["order"],
            text=asked["q"],
            page=page_number(),
            most=MOST_NUMBERS,
            roll=carton_labels.ROLL,
        )


@blueprint.get("/<sscc>")
@role("planner", "supervisor", "quality", "admin")
def show(sscc: str) -> str:
    """One carton."""
    return _page(sscc)


def _page(sscc: str, said: str = "", values: Mapping[str, str] | None = None) -> str:
    """One carton: what is in it, its weight, its history, and what can be done; `said` is why something was refused."""
    here = site()
    with here.reading() as session:
        row = packing.find(session, sscc)
        if row is None:
            abort(404)
        _plan, _today, tz = plan_and_today(here, session)
        plan = (plan_of_order(session, row.order) if row.order else None) or _plan
        inside = packing.contents(session, sscc)
        rule = packing.rule_of(session, row)
        return render_template(
            "carton.html",
            row=row,
            state=shown(row),
            states=STATES,
            gone=GONE,
            levels=LEVELS,
            product=_name(plan.product(row.product) if plan and row.product else None, row),
            inside=inside,
            troubles=TROUBLES,
            holds=rule.holds if rule else 0,
            must_weigh=rule is not None and rule.tolerance_g is not None,
            expected=carton_pages.expected(session, row, inside),
            held=_held(row),
            history=[(e, sentence(e.reason, args, language())[0]) for e, args in packing.history(session, sscc)],
            scales=carton_pages.scales(session),
            rolls=carton_labels.ROLL,
            sent=deliveries.listed(session, carton=sscc),
            said=said,
            values=values or {},
            tz=tz,
        )


def _name(product: Product | None, row: CartonRow) -> str:
    return product.name.to(language()) if product else row.product or ""


def _held(row: CartonRow) -> str:
    """Why somebody has to look at it, as a sentence."""
    return said_of(Answer(False, row.held, packing.args_of(row))) if row.held else ""


# --- to do ------------------------------------------------------------------------------------------------------------


@blueprint.post("")
@role("planner", "supervisor", "quality")
def draw() -> Any:
    """New numbers: one leads to its page, several to the list."""
    who, order = actor(), ident("order").strip()
    level: Literal["carton", "pallet"] = "pallet" if request.form.get("level") == "pallet" else "carton"
    count = whole_number(request.form.get("count") or "1", MOST_NUMBERS)
    if count is None:
        flash(_("Give a whole number from 1 to %(most)s.", most=MOST_NUMBERS), "stop")
        return redirect(url_for("cartons.index", order=order or None))
    answer = site().do(
        lambda session, now: packing.number(session, count, level=level, order=order or None, now=now, actor=who)
    )
    if not answer.done:
        flash(said_of(answer), "stop")
        return redirect(url_for("cartons.index", order=order or None))
    drawn = answer.args["cartons"]
    flash(ngettext("%(num)s number is drawn.", "%(num)s numbers are drawn.", len(drawn)), "go")
    if len(drawn) == 1:
        return redirect(url_for("cartons.show", sscc=drawn[0]))
    return redirect(url_for("cartons.index", show="new", order=order or None))


def _done(sscc: str, use_case: Callable[[Session, datetime], Answer]) -> Any:
    """Do it and show the carton; where it may not be, the same page with the sentence and what was typed."""
    answer = site().do(use_case)
    if answer.done and tone(answer.reason) != "stop":
        flash(said_of(answer), "go")
        return redirect(url_for("cartons.show", sscc=sscc))
    return _again(sscc, said_of(answer))


def _again(sscc: str, said: str) -> Any:
    values = {name: request.form.get(name, "")[:512] for name in FIELDS}
    return _page(sscc, said, {**values, "form": (request.endpoint or "").rpartition(".")[2]}), 409


def _thing() -> str:
    """What was scanned or typed, as it is kept; empty when it is nothing that can be packed."""
    with site().reading() as session:
        return carton_pages.meant(session, request.form.get("thing", "")[:512])


def _unknown(sscc: str) -> Any:
    text = request.form.get("thing", "").strip()[:40]
    return _again(sscc, said_of(Answer(False, "unknown_code", {"text": text or "–"})))


def _pieces() -> int | None:
    return whole_number(request.form.get("pieces") or "1", MOST_PIECES)


@blueprint.post("/<sscc>/put-in")
@role("planner", "supervisor", "quality")
def put_in(sscc: str) -> Any:
    """A unit, pieces of an order, or a closed carton goes in."""
    who, thing, pieces = actor(), _thing(), _pieces()
    if not thing:
        return _unknown(sscc)
    if pieces is None:
        return _again(sscc, _("Give a whole number from 1 to %(most)s.", most=MOST_PIECES))
    return _done(sscc, lambda s, now: packing.put_in(s, sscc, thing, quantity=pieces, now=now, actor=who))


@blueprint.post("/<sscc>/take-out")
@role("planner", "supervisor", "quality")
def take_out(sscc: str) -> Any:
    """It comes out again, with the reason."""
    who, thing, pieces, why = actor(), _thing(), _pieces(), _why()
    if not thing:
        return _unknown(sscc)
    if not why or pieces is None:
        return _again(sscc, said_of(Answer(False, "why_needed", {})))
    return _done(sscc, lambda s, now: packing.take_out(s, sscc, thing, why=why, quantity=pieces, now=now, actor=who))


@blueprint.post("/<sscc>/weigh")
@role("planner", "supervisor", "quality")
def weigh(sscc: str) -> Any:
    """What a scale has said, typed by somebody."""
    who, device, kg = actor(), ident("device"), _kg(request.form.get("kg", ""))
    if kg is None:
        return _again(sscc, _("Give the weight in kg, such as 18.25."))
    return _done(sscc, lambda s, now: packing.weigh(s, sscc, kg, device=device, now=now, actor=who))


def _kg(text: str) -> float | None:
    """A weight in kg that somebody has typed, to the gram; None for anything else."""
    whole, _point, rest = text.strip().replace(",", ".").partition(".")
    if not (whole + rest).isascii() or not (whole + rest).isdecimal() or len(whole + rest) > 9 or len(rest) > 3:
        return None
    found = float(f"{whole or '0'}.{rest or '0'}")
    return found if 0 < found <= MOST_KG else None


@blueprint.post("/<sscc>/close")
@role("planner", "supervisor", "quality")
def close(sscc: str) -> Any:
    """Nothing goes in or out from here on."""
    who, partial = actor(), request.form.get("partial") == "1"
    return _done(sscc, lambda s, now: packing.close(s, sscc, partial=partial, now=now, actor=who))


def _why() -> str:
    return request.form.get("why", "").strip()[:500]


@blueprint.post("/<sscc>/reopen")
@role("planner", "supervisor", "quality")
def reopen(sscc: str) -> Any:
    """A closed one is open again, with the reason."""
    who, why = actor(), _why()
    if not why:
        return _again(sscc, said_of(Answer(False, "why_needed", {})))
    return _done(sscc, lambda s, now: packing.reopen(s, sscc, why=why, now=now, actor=who))


@blueprint.post("/<sscc>/release")
@role("supervisor", "quality")
def release(sscc: str) -> Any:
    """Somebody has looked at a held one."""
    who, why = actor(), _why()
    if not why:
        return _again(sscc, said_of(Answer(False, "why_needed", {})))
    return _done(sscc, lambda s, now: packing.release(s, sscc, why=why, now=now, actor=who))


@blueprint.post("/<sscc>/label")
@role("planner", "supervisor", "quality")
def label(sscc: str) -> Any:
    """Its label, on paper or from a printer; the second one says that it is a copy."""
    on, who, said = ident("paper"), actor(), language()
    back = url_for("cartons.show", sscc=sscc)
    with site().reading() as session:
        if packing.find(session, sscc) is None:
            abort(404)
    if (printer := printer_of(on)) is not None:
        return queued(
            lambda s: [carton_labels.label_of(s, s.get_one(CartonRow, sscc), language=said)],
            printer,
            back,
        )
    made = site().do(
        lambda s, now: carton_labels.printed(s, [sscc], now=now, on=on or carton_labels.ROLL, language=said, actor=who)
    )
    return sent(made, back)


@blueprint.post("/labels")
@role("planner", "supervisor", "quality")
def labels() -> Any:
    """The labels of all closed cartons of an order, or of a pallet: one file, or one queue."""
    order, pallet, on, who, said = ident("order"), ident("pallet"), ident("paper"), actor(), language()
    back = url_for("cartons.show", sscc=pallet) if pallet else url_for("cartons.index", order=order or None)

    def numbers(session: Session) -> list[str] | Answer:
        return carton_labels.closed_of(session, order=order, pallet=pallet)

    def queue(session: Session) -> list[Label] | Answer:
        chosen = numbers(session)
        return chosen if isinstance(chosen, Answer) else carton_labels.of_numbers(session, chosen, language=said)

    def file(session: Session, now: datetime) -> Sheet | Answer:
        chosen = numbers(session)
        if isinstance(chosen, Answer):
            return chosen
        paper = on or carton_labels.ROLL
        return carton_labels.printed(session, chosen, now=now, on=paper, language=said, actor=who)

    if (printer := printer_of(on)) is not None:
        return queued(queue, printer, back)
    return sent(site().do(file), back)
