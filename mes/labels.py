"""Labels: which codes stand on them, what of them is recorded, and which copy each is.

A use case makes `Label`s and has them `printed`: that looks whether every code reads back, records what is printed, and
returns what the template shows; the caller commits and typesets then, so that the count of copies is never too low.
It must not know HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mes import codes, ledger, revisions, wire
from mes.db.tables import Nonconformity, PlanRevision, UnitRow, WorkOrder
from mes.domain.barcode import Plain, read
from mes.domain.label import Label, Symbology, Tone
from mes.domain.label_paper import SHEETS, Paper, paper
from mes.domain.route import Plan
from mes.i18n import N_, translator
from mes.orders import Answer, new_id
from mes.typeset import Template

MOST: Final = 1_000  # labels at once: one transaction, and about a second of typesetting
LEAST_HEIGHT: Final = 5.0  # mm of bars: lower ones are hard to hit. Source: ISO/IEC 15417, 4.7
_WORDS: Final = 9.0  # mm that the lines over and under the bars take
_BAND: Final = 2.2  # mm more: the line over the code as a band of colour
_LINE: Final = 3.2  # mm: one more line
_DIGIT: Final = 0.61  # width of a character of the fixed-width font, in its size


@dataclass(frozen=True, slots=True)
class Sheet:
    """A paper that may be made: its template, what the template shows, and its file's name."""

    template: Template
    data: dict[str, Any]
    name: str


def unit_labels(
    session: Session,
    order: str,
    *,
    symbology: Symbology = "code128",
    serials: Sequence[str] | None = None,
    first: int = 1,
    last: int | None = None,
    language: str = "en",
) -> list[Label] | Answer:
    """Labels for the units of an order; nothing is recorded yet.

    Args:
        serials: these units; None: all that are wanted, or from the `first` to the `last`, counted from 1 by serial.

    Returns:
        The labels; or why there are none: `unknown_order`, `unknown_unit`, `no_units` and the like.
    """
    row = session.get(WorkOrder, order)
    if row is None:
        return Answer(False, "unknown_order", {"order": order})
    wanted = select(UnitRow.serial).where(UnitRow.order == order)
    if serials is None:
        wanted = wanted.where(UnitRow.state != "withdrawn")
    else:
        wanted = wanted.where(UnitRow.serial.in_(list(serials)[: MOST + 1]))
    there = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    count = max(0, min(there, last or there) - first + 1)
    if count > MOST:
        return Answer(False, "too_many_labels", {"count": count, "most": MOST})
    chosen = list(session.scalars(wanted.order_by(UnitRow.serial).offset(first - 1).limit(count)))
    plan = plan_of(session, row)
    product = plan.product(row.product) if plan else None
    if serials is not None and (missing := next((s for s in serials if s not in set(chosen)), None)) is not None:
        return Answer(False, "unknown_unit", {"unit": missing})
    if there and not chosen:
        return Answer(False, "no_such_units", {"order": order, "count": there})
    if not chosen:
        lot = product is not None and product.tracking == "lot"
        return Answer(False, "no_units_lot" if lot else "no_units", {"order": order})
    name = product.name.to(language) if product else row.product
    return [Label("unit", s, s, symbology, head=name, aside=order, order=order, unit=s) for s in chosen]


def units(
    session: Session,
    order: str,
    *,
    now: datetime,
    on: str,
    symbology: Symbology = "code128",
    serials: Sequence[str] | None = None,
    first: int = 1,
    last: int | None = None,
    skip: int = 0,
    language: str = "en",
    actor: str | None = None,
) -> Sheet | Answer:
    """Labels for the units of an order as a file; see `unit_labels` and `printed`."""
    made = unit_labels(session, order, symbology=symbology, serials=serials, first=first, last=last, language=language)
    if isinstance(made, Answer):
        return made
    title = translator(language).gettext(N_("Labels of %(order)s")) % {"order": order}
    return printed(session, made, now=now, on=on, title=title, name=order, skip=skip, language=language, actor=actor)


def hold_label(session: Session, serial: str, *, language: str = "en") -> Label | Answer:
    """The label that says where a unit with a nonconformity stands, with the unit's own code.

    Red while it is held, blue while it goes back for rework, green when it is accepted.

    Source: ISO 9001:2015, 8.5.2 and 8.7.1 (identified, to prevent unintended use).

    Returns:
        The label; or `unknown_unit`, `no_nonconformity`.
    """
    unit = session.get(UnitRow, serial)
    if unit is None:
        return Answer(False, "unknown_unit", {"unit": serial})
    latest = select(Nonconformity.id).where(Nonconformity.unit == serial).order_by(Nonconformity.n.desc()).limit(1)
    nc = unit.nc or unit.treating or session.scalar(latest)
    if nc is None:
        return Answer(False, "no_nonconformity", {"unit": serial})
    state = "scrap" if unit.state == "scrapped" else "held" if unit.nc else "rework" if unit.treating else "accepted"
    order = session.get(WorkOrder, unit.order)
    plan = plan_of(session, order) if order else None
    product = plan.product(unit.product) if plan else None
    step = product.step(unit.step) if product else None
    name = product.name.to(language) if product else unit.product
    return Label(
        "hold",
        serial,
        serial,
        "code128",
        head=translator(language).gettext(BANDS[state][0]),
        aside=nc,
        lines=(name, step.name.to(language) if step else unit.step),
        tone=BANDS[state][1],
        order=unit.order,
        unit=serial,
    )


BANDS: Final[dict[str, tuple[str, Tone]]] = {
    "held": (N_("HELD"), "stop"),
    "rework": (N_("TO REWORK"), "kept"),
    "scrap": (N_("SCRAP"), "stop"),
    "accepted": (N_("ACCEPTED"), "go"),
}


def hold(
    session: Session, serial: str, *, now: datetime, on: str, language: str = "en", actor: str | None = None
) -> Sheet | Answer:
    """The label of `hold_label` as a file."""
    made = hold_label(session, serial, language=language)
    if isinstance(made, Answer):
        return made
    title = translator(language).gettext(N_("Label of %(unit)s")) % {"unit": serial}
    return printed(session, [made], now=now, on=on, title=title, name=serial, language=language, actor=actor)


# --- what every kind of label goes through ----------------------------------------------------------------------------


def printed(
    session: Session,
    labels: Sequence[Label],
    *,
    now: datetime,
    on: str,
    title: str,
    name: str,
    skip: int = 0,
    language: str = "en",
    actor: str | None = None,
) -> Sheet | Answer:
    """Labels as a file: each is looked at, recorded and marked when it is a copy.

    Args:
        on: a sheet of `SHEETS`, or the size of a roll's labels in mm (`57x32`).
        title: what the file calls itself.
        name: what its name has after `labels-`.
        skip: places of the first sheet that are used up already.

    Returns:
        The sheet, recorded; or why nothing was: `code_paper`, `code_wide`, `too_many_labels` and the like.
    """
    where = paper(on)
    if where is None:
        return Answer(False, "code_paper", {"text": on or "–", "known": ", ".join(SHEETS)})
    if (refused := unfit_of(labels, where)) is not None:
        return refused
    copies = record(session, [body_of(label, on) for label in labels], now=now, actor=actor)
    if isinstance(copies, Answer):
        return copies
    pairs = list(zip(labels, copies, strict=True))
    return sheet_of(pairs, where, title=title, name=name, skip=skip, language=language)


def body_of(label: Label, on: str) -> dict[str, Any]:
    """What the ledger keeps of a label on a paper."""
    subject = "" if label.subject == label.unit else label.subject
    own = {"order": label.order, "unit": label.unit, "subject": subject}
    return {"template": label.template, **own, "symbology": label.symbology, "paper": on}


def sheet_of(
    labels: Sequence[tuple[Label, int]], where: Paper, *, title: str, name: str, skip: int = 0, language: str = "en"
) -> Sheet:
    """Labels that `unfit` has nothing against, each with the number of its copy."""
    shown = {
        "title": title,
        "language": language,
        "paper": asdict(where),
        "skip": skip % where.places,
        "labels": [_drawn(label, copy, where, language) for label, copy in labels],
    }
    return Sheet("units", shown, file_name("labels", name))


def unfit_of(labels: Sequence[Label], where: Paper) -> Answer | None:
    """Why these labels are not printed: too many, or one that does not read back."""
    if len(labels) > MOST:
        return Answer(False, "too_many_labels", {"count": len(labels), "most": MOST})
    for label in labels:
        if (why := unfit(label, where)) is not None:
            return Answer(False, why, {"text": label.read_as})
    return None


def unfit(label: Label, where: Paper) -> codes.Unfit | Literal["code_other", "label_low"] | None:
    """Why a label's code cannot stand on this paper; None when it can."""
    width, height = room(label, where)
    across = min(width, height) if label.symbology == "qr" else width
    if (why := codes.readable(label.code, label.symbology, width=across)) is not None:
        return why
    if height < LEAST_HEIGHT:
        return "label_low"
    serial = label.check and label.symbology != "gs1-128"
    return None if not serial or read(label.code) == Plain(label.code) else "code_other"


def plan_of(session: Session, order: WorkOrder) -> Plan | None:
    """The plan that an order was released with; the latest one before its release."""
    digest = session.scalar(select(PlanRevision.hash).where(PlanRevision.revision == order.revision))
    return revisions.plan_of(session, order.revision, digest) if digest else revisions.latest_plan(session)


def record(
    session: Session, bodies: Sequence[dict[str, Any]], *, now: datetime, actor: str | None
) -> list[int] | Answer:
    """One event a label; which copy each is."""
    entries = [
        ledger.office_entry("LabelPrinted", wire.LabelPrinted(**b), event_id=new_id(), actor=actor, now=now)
        for b in bodies
    ]
    judged = ledger.record(session, entries, keep_refused=False)
    for each in judged:
        if each.status != "recorded":
            raise RuntimeError(f"LabelPrinted: {each.args.get('why', each.status)}")
        if each.verdict != "accepted":
            return Answer(False, each.reason, each.args)
    return [int(each.args["copy"]) for each in judged]


def room(label: Label, where: Paper) -> tuple[float, float]:
    """Width and height for the code on a label, in mm; see the template `units`."""
    width, height = where.width - 2 * where.inset, where.height - 2 * where.inset
    band = _BAND if label.tone else 0.0
    if label.symbology == "qr":
        return (min(height - (band + _LINE if band else 0.0), width / 2),) * 2
    return width, height - _WORDS - band - _LINE * len(label.lines)


def _drawn(label: Label, copy: int, where: Paper, language: str) -> dict[str, Any]:
    width, height = room(label, where)
    drawn = codes.draw(label.code, label.symbology, width=width, height=height)
    square = label.symbology == "qr"
    beside = where.width - 2 * where.inset - (drawn.width + 1.5 if square else 14 * (copy > 1))
    return {
        "square": square,
        "svg": drawn.svg,
        "code_width": drawn.width,
        "code_height": drawn.height,
        "alt": label.read_as,
        "text": label.read_as,
        "size": min(3.4, beside / (len(label.read_as) * _DIGIT)),
        "head": label.head,
        "aside": label.aside,
        "lines": label.lines,
        "tone": label.tone,
        "again": copy_mark(copy, language),
    }


def file_name(what: str, order: str) -> str:
    """A file's name for something of an order, a unit, a lot."""
    return f"{what}-{re.sub('[^A-Za-z0-9._-]', '_', order)}.pdf"


def printed_on(plan: Plan, now: datetime, language: str) -> str:
    """The plant's date, as a person writes it."""
    return str(format_date(now.astimezone(ZoneInfo(plan.plant.timezone)), "long", locale=language))


def copy_mark(copy: int, language: str) -> str:
    """What marks a copy; empty on the first one."""
    return translator(language).gettext(N_("copy %(number)s")) % {"number": copy} if copy > 1 else ""
