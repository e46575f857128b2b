"""The register of measuring instruments: the list, one instrument with its calibrations, and what it has measured.

HTTP in, a use case, HTML out. Certificates leave as downloads only. Nobody stands on these pages or in the export.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import certificates, export, instruments, measured
from mes.certificates import Received
from mes.db.tables import Calibration, Instrument, UnitRow
from mes.domain.route import Plan
from mes.instruments import STATE_WORDS, STATES, Result
from mes.measured import Measured, Window
from mes.orders import Answer
from web.auth import actor, role
from web.forms import ident, most_bytes, page_number, whole_number
from web.language import language, tell
from web.orders import plan_and_today
from web.site import Site, site

blueprint = Blueprint("instruments", __name__, url_prefix="/instruments")

TONES: Final = {"unfit": "stop", "overdue": "stop", "soon": "kept", "new": "wait", "good": "go", "retired": "idle"}
OUTCOMES: Final = {
    "passed": ("go", lazy_gettext("passed")),
    "failed": ("stop", lazy_gettext("failed")),
    "error": ("kept", lazy_gettext("error of the bench")),
    "timeout": ("kept", lazy_gettext("no answer")),
    "aborted": ("kept", lazy_gettext("broken off")),
    "sample": ("wait", lazy_gettext("sample")),
}
NOT_FIT: Final = {
    "instrument_overdue": lazy_gettext("overdue"),
    "instrument_unfit": lazy_gettext("unfit"),
    "instrument_retired": lazy_gettext("out of use"),
    "instrument_unknown": lazy_gettext("calibration unknown"),
}
FILTERS: Final = ("due", *STATES)
_FORM: Final = 100_000  # bytes of a form beside its file


# --- to see -----------------------------------------------------------------------------------------------------------


@blueprint.get("")
@role("quality", "supervisor", "admin")
def index() -> str:
    """The register: what has to be seen to first; the address keeps filter and page."""
    typed = {name: request.args.get(name, "")[:64] for name in ("instrument", "serial")}
    return _list(typed=typed)


def _list(wrong: str = "", typed: dict[str, str] | None = None) -> str:
    here = site()
    show = request.args.get("show", "")
    show = show if show in FILTERS else ""
    text, page = request.args.get("q", "").strip()[:120], page_number()
    with here.reading() as session:
        today = instruments.today_of(session, here.clock())
        found = instruments.listed(session, today, state=show, text=text, page=page)
        return render_template(
            "instruments.html",
            found=found,
            counts=instruments.counts(session, today),
            strangers=measured.strangers(session),
            words=STATE_WORDS,
            tones=TONES,
            show=show,
            text=text,
            page=page,
            wrong=wrong,
            typed=typed or {},
            tz=plan_and_today(here, session)[2],
        )


@blueprint.get("/<instrument>")
@role("quality", "supervisor", "admin")
def show(instrument: str) -> str:
    """One instrument, its calibrations, and what can be done with it."""
    return _one(instrument)


def _one(instrument: str, wrong: tuple[str, str] = ("", ""), typed: dict[str, str] | None = None) -> str:
    """The page of one instrument.

    Args:
        wrong: which of its forms could not be taken, and why.
        typed: what was in that form.
    """
    here = site()
    with here.reading() as session:
        row = _row(session, instrument)
        today = instruments.today_of(session, here.clock())
        doubt = measured.in_doubt(session, row.id)
        said = measured.floor_serial(session, row.id)
        return render_template(
            "instrument.html",
            row=row,
            state=instruments.state_of(row, today),
            words=STATE_WORDS,
            tones=TONES,
            history=instruments.history(session, row.id),
            doubt=doubt,
            units=measured.count_units(session, row.id, doubt),
            other_serial=said if said and said != row.serial else "",
            today=today,
            wrong=dict([wrong]),
            typed=typed or {},
            tz=plan_and_today(here, session)[2],
        )


def _row(session: Session, instrument: str) -> Instrument:
    row = session.get(Instrument, instrument)
    if row is None:
        abort(404)
    return row


@blueprint.get("/<instrument>/certificate/<int:number>")
@role("quality", "supervisor", "admin")
def certificate(instrument: str, number: int) -> Any:
    """The file of a calibration, as a download: no browser opens it here."""
    with site().reading() as session:
        row = session.get(Calibration, (instrument, number)) if number < 1_000_000 else None
        if row is None or row.file_sha256 is None:
            abort(404)
        content = certificates.content_of(session, row.file_sha256)
        if content is None:
            flash(_("The file is missing, or is not what it was. Run: mes ledger verify"), "stop")
            return redirect(url_for("instruments.show", instrument=instrument))
        response = Response(content, mimetype=row.file_type)
        response.headers.set("Content-Disposition", "attachment", filename=row.file_name)
        return response


@blueprint.get("/<instrument>/units")
@role("quality", "supervisor", "admin")
def units(instrument: str) -> str:
    """What it has measured since its last good calibration, or in the time that one calibration puts in doubt."""
    here, number, page = site(), _number(), page_number()
    with here.reading() as session:
        row = _row(session, instrument)
        window = measured.in_doubt(session, row.id, number)
        found = measured.units(session, row.id, window, page=page)
        plan, _today, tz = plan_and_today(here, session)
        today = instruments.today_of(session, here.clock())
        return render_template(
            "instrument_units.html",
            row=row,
            state=instruments.state_of(row, today),
            words=STATE_WORDS,
            tones=TONES,
            number=number,
            window=window,
            found=found,
            units=measured.count_units(session, row.id, window),
            page=page,
            outcomes=OUTCOMES,
            steps=_step_names(session, plan, found.rows),
            tz=tz,
        )


def _step_names(session: Session, plan: Plan | None, rows: Sequence[Measured]) -> dict[tuple[str, str], str]:
    """The step of each row in the reader's language; its id where the plan in force does not have it any more."""
    units = select(UnitRow.serial, UnitRow.product).where(UnitRow.serial.in_({r.unit for r in rows}))
    product_of = {serial: plan.product(product) if plan else None for serial, product in session.execute(units)}
    names = {}
    for r in rows:
        product = product_of.get(r.unit)
        step = product.step(r.step) if product else None
        names[r.unit, r.step] = step.name.to(language()) if step else r.step
    return names


def _number() -> int | None:
    return whole_number(request.values.get("calibration", ""), 999_999)


# --- to take away -----------------------------------------------------------------------------------------------------


@blueprint.post("/export")
@role("quality")
def take() -> Any:
    """Every reading of that time as CSV; the audit says who took it. Read piece by piece while it is sent."""
    here, number, instrument, who = site(), _number(), ident("instrument"), actor()
    with here.reading() as session:
        row = session.get(Instrument, instrument)
        window = measured.in_doubt(session, instrument, number)
        rows = measured.count_events(session, instrument, window)
        tz = plan_and_today(here, session)[2]
    if row is None:
        abort(404)
    answer = here.do(
        lambda session, now: instruments.note_export(session, instrument, window.first, rows, now=now, actor=who)
    )
    if not answer.done:
        tell(answer)
        return redirect(url_for("instruments.index"))
    french = language() == "fr"
    # In the reader's language now: while the rows are sent, nobody asks any more.
    words = {name: str(word) for name, (_tone, word) in OUTCOMES.items()}
    words |= {name: str(word) for name, word in NOT_FIT.items()}
    lines = export.csv_lines(_head(tz), _cells(here, instrument, window, ZoneInfo(tz), words), french=french)
    response = Response((text.encode() for text in lines), mimetype="text/csv")
    today = here.clock().astimezone(ZoneInfo(tz)).date().isoformat()
    response.headers.set("Content-Disposition", "attachment", filename=f"{instrument}-{today}.csv")
    return response


def _head(tz: str) -> list[str]:
    return [
        _("Time (%(zone)s)", zone=tz),
        _("Unit"),
        _("Product"),
        _("Order"),
        _("Step"),
        _("Station"),
        _("Test"),
        _("Attempt"),
        _("Outcome"),
        _("Value"),
        _("Unit of measure"),
        _("Low limit"),
        _("High limit"),
        _("Counted as"),
        _("Instrument"),
        _("Serial number"),
        _("Instrument not fit"),
    ]


def _cells(
    here: Site, instrument: str, window: Window, zone: ZoneInfo, words: Mapping[str, str]
) -> Iterator[list[export.Cell]]:
    """The rows of the export. Each piece is read by itself: a slow reader holds no transaction."""
    cursor: measured.Cursor | None = measured.BEGINNING
    while cursor is not None:
        with here.reading() as session:
            found, cursor = measured.readings(session, instrument, window, after=cursor)
        for r in found:
            at = datetime.fromisoformat(r.at).astimezone(zone)
            yield [
                f"{at:%Y-%m-%d %H:%M:%S}",
                r.unit,
                r.product,
                r.order,
                r.step,
                r.station,
                r.test,
                r.attempt,
                words.get(r.outcome, r.outcome),
                r.value,
                r.unit_of_measure,
                r.low,
                r.high,
                words.get(r.counted, r.counted),
                instrument,
                r.serial,
                words.get(r.fitness, r.fitness),
            ]


# --- to do ------------------------------------------------------------------------------------------------------------


def _typed(*names: str) -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in names}


@blueprint.post("/add")
@role("quality")
def add() -> Any:
    """Take an instrument into the register."""
    return _describe(_typed("instrument", "family", "model", "serial", "supplier", "months"), change=False)


@blueprint.post("/change")
@role("quality")
def change() -> Any:
    """Say anew what an instrument is, who calibrates it and how often."""
    return _describe(_typed("instrument", "family", "model", "serial", "supplier", "months"), change=True)


def _describe(typed: dict[str, str], *, change: bool) -> Any:
    who, number, months = actor(), typed["instrument"], whole_number(typed["months"] or "12", 120)
    verb = instruments.change if change else instruments.add
    if months is None or not (typed["family"] and typed["model"] and typed["serial"]):
        answer = Answer(False, "instrument_form", {})
        why = _("Give kind, model, serial number, and from 1 to 120 months.")
    else:
        answer = site().do(
            lambda session, now: verb(
                session,
                number,
                now=now,
                family=typed["family"],
                model=typed["model"],
                serial=typed["serial"],
                supplier=typed["supplier"],
                months=months,
                actor=who,
            )
        )
        why = answer.say(language())
    if not answer.done and change:
        return _back_with(number, "change", why, typed)
    if not answer.done:
        return _list(why, typed), 422
    flash(_("%(number)s is in the register.", number=number), "go")
    return redirect(url_for("instruments.show", instrument=number))


def _back_with(instrument: str, form: str, why: str, typed: dict[str, str]) -> Any:
    """The page of the instrument again, with what was typed; the list where there is no such instrument."""
    with site().reading() as session:
        known = session.get(Instrument, instrument) is not None
    if not known:
        flash(why, "stop")
        return redirect(url_for("instruments.index"))
    return _one(instrument, (form, why), typed), 422


@blueprint.post("/calibrate")
@role("quality")
@most_bytes(certificates.MAX_BYTES + _FORM)
def calibrate() -> Any:
    """Record a calibration, with its certificate."""
    who, number = actor(), ident("instrument")
    typed = _typed("result", "done", "due", "supplier", "certificate", "note")
    try:
        done, due = (date.fromisoformat(typed[name]) if typed[name] else None for name in ("done", "due"))
    except ValueError:
        return _back_with(number, "calibrate", _("Give a date, such as 2026-11-27."), typed)
    if typed["result"] not in ("good", "unfit"):
        return _back_with(number, "calibrate", _("Say whether the instrument was found good or unfit."), typed)
    received = _received()

    def use_case(session: Session, now: datetime) -> Answer:
        return instruments.calibrate(
            session,
            number,
            cast(Result, typed["result"]),
            now=now,
            done=done,
            due=due,
            supplier=typed["supplier"],
            certificate=typed["certificate"],
            file=received,
            note=typed["note"],
            actor=who,
        )

    answer = site().do(use_case)
    if not answer.done:
        return _back_with(number, "calibrate", answer.say(language()), typed)
    if typed["result"] == "good":
        flash(_("The calibration is recorded. The benches hear of it within seconds."), "go")
        return redirect(url_for("instruments.show", instrument=number))
    count = int(answer.args["units"])
    said = ngettext(
        "%(number)s is unfit. Look at the %(num)s unit that it has measured since it was last found good.",
        "%(number)s is unfit. Look at the %(num)s units that it has measured since it was last found good.",
        count,
        number=number,
    )
    flash(said, "stop")
    return redirect(url_for("instruments.units", instrument=number, calibration=answer.args["number"]))


def _received() -> Received | None:
    """The file of the form, as far as it may be kept and one byte more; None where none was chosen."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return None
    return Received(sent.filename, sent.stream.read(certificates.MAX_BYTES + 1))


@blueprint.post("/retire")
@role("quality")
def retire() -> Any:
    """Take an instrument out of use, with the reason."""
    who, number, why = actor(), ident("instrument"), request.form.get("why", "").strip()
    if not why:
        return _back_with(number, "retire", _("Say why, so that everybody understands."), {})
    answer = site().do(lambda session, now: instruments.retire(session, number, now=now, why=why, actor=who))
    tell(answer, _("%(number)s is out of use. The benches hear of it within seconds.", number=number))
    return _to(answer, number)


@blueprint.post("/return")
@role("quality")
def take_back() -> Any:
    """Put an instrument into use again."""
    who, number, why = actor(), ident("instrument"), request.form.get("why", "").strip()
    answer = site().do(lambda session, now: instruments.take_back(session, number, now=now, why=why, actor=who))
    tell(answer, _("%(number)s is in use again.", number=number))
    return _to(answer, number)


def _to(answer: Answer, number: str) -> Any:
    known = answer.done or answer.reason != "unknown_instrument"
    return redirect(url_for("instruments.show", instrument=number) if known else url_for("instruments.index"))
