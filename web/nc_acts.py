"""What is done with one nonconformity from its page: one view a verb. Its routes are those of `quality`.

HTTP in, a use case, a redirect out. What may follow what stands in `mes.domain.nonconformity`. Decisions are signed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, cast, get_args

from flask import Response, abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import certificates, typeset, wire
from mes import nonconformities as verbs
from mes.certificates import Received
from mes.db.tables import NcItem, NcRemark, Nonconformity
from mes.domain.nonconformity import Disposition
from mes.orders import Answer
from mes.supplier_report import supplier_report
from web.auth import actor, role
from web.forms import ident, most_bytes, whole_number
from web.language import language, tell
from web.quality import blueprint
from web.signing import signed
from web.site import site

MOST: Final = 999_999
FORM: Final = 16 * 1024  # bytes of the form around a file
DISPOSITIONS: Final = get_args(Disposition)
UNSIGNED: Final = Answer(False, "password_wrong", {})
Verb = Callable[[Session, datetime], Answer]


def line(name: str, most: int = 120) -> str:
    """A line of a form: printable, at most so many characters."""
    return "".join(c for c in request.form.get(name, "") if c.isprintable()).strip()[:most]


def text(name: str) -> str:
    """A longer text of a form."""
    return request.form.get(name, "").strip()[:2_000]


def named() -> str:
    """The number of the nonconformity that the form is about."""
    return ident("nc") or cast(str, abort(404))


def back(nc: str) -> Any:
    """To its page."""
    return redirect(url_for("quality.show", nc=nc))


def say(nc: str, sentence: str) -> Any:
    """To its page, with what is missing."""
    flash(sentence, "stop")
    return back(nc)


def did(nc: str, verb: Verb, done: str) -> Any:
    """Do it, say what came of it, go to its page."""
    answer = site().do(verb)
    if answer.reason == "unknown_nc":
        abort(404)
    tell(answer, done)
    return back(nc)


# --- before the decision ----------------------------------------------------------------------------------------------


@blueprint.post("/quality/contain")
@role("quality", "supervisor")
def contain() -> Any:
    """Where it lies, and whether it carries the red label."""
    nc, who, place = named(), actor(), line("place")
    labelled = bool(request.form.get("labelled"))
    if not place:
        return say(nc, _("Say where it lies."))
    return did(
        nc,
        lambda s, now: verbs.contain(s, nc, place, now=now, labelled=labelled, actor=who),
        _("Set aside: %(place)s.", place=place),
    )


@blueprint.post("/quality/analyse")
@role("quality", "supervisor")
def analyse() -> Any:
    """What was the matter."""
    nc, who, cause = named(), actor(), text("cause")
    if not cause:
        return say(nc, _("Say what was the matter."))
    return did(nc, lambda s, now: verbs.analyse(s, nc, cause, now=now, actor=who), _("The cause is written down."))


@blueprint.post("/quality/alike")
@role("quality", "supervisor")
def alike() -> Any:
    """Hold the units that may be alike; each keeps why."""
    nc, who = named(), actor()
    why = ident("why")
    held: list[str] = []

    def use_case(session: Session, now: datetime) -> Answer:
        found = [a for a in verbs.alike(session, nc) if not why or a.why == why]
        if not found:
            return Answer(False, "nc_none_alike", {"nc": nc})
        held.extend(a.unit for a in found)
        items = [wire.NcItem(kind="unit", subject=a.unit, why=f"{a.why}: {a.what}"[:120]) for a in found]
        return verbs.extend(session, nc, items, now=now, actor=who)

    answer = site().do(use_case)
    count = len(set(held))
    tell(answer, ngettext("%(num)s unit is held.", "%(num)s units are held.", count))
    return back(nc)


# --- the decision, signed ---------------------------------------------------------------------------------------------


def _chosen(nc: str) -> list[int]:
    """The items that the form names; the only one that waits where it names none."""
    given = [n for n in (whole_number(t, MOST) for t in request.form.getlist("item")) if n is not None]
    if given:
        return given
    with site().reading() as session:
        waiting = session.scalars(select(NcItem.item).where(NcItem.nc == nc, NcItem.state == "undecided")).all()
    return list(waiting) if len(waiting) == 1 else []


@blueprint.post("/quality/decide")
@role("quality", "supervisor")
def decide() -> Any:
    """What becomes of items: signed with the password. Scrap is for ever: it takes a reason."""
    nc, who = named(), actor()
    disposition, why, step, concession = request.form.get("disposition", ""), text("why"), ident("step"), ""
    if disposition not in DISPOSITIONS:
        return say(nc, _("Choose what becomes of it."))
    if disposition == "scrap" and not why:
        return say(nc, _("Say why it is scrap."))
    items = _chosen(nc)
    if not items:
        return say(nc, _("Tick at least one line to decide on."))
    if disposition == "use_as_is":
        concession = ident("concession")
    if not signed():
        tell(UNSIGNED)
        return back(nc)
    to = step if disposition in ("rework", "repair") else ""
    chosen = cast(Disposition, disposition)
    return did(
        nc,
        lambda s, now: verbs.dispose(s, nc, items, chosen, now=now, step=to, concession=concession, why=why, actor=who),
        _("Decided: %(nc)s.", nc=nc),
    )


@blueprint.post("/quality/concede")
@role("quality")
def concede() -> Any:
    """Grant a concession: scope, count, last day; signed."""
    nc, who, scope = named(), actor(), text("scope")
    count = whole_number(request.form.get("count", ""), MOST)
    serials = tuple(u[:64] for u in text("serials").split())[:200]
    try:
        until = date.fromisoformat(request.form.get("until", "")).isoformat()
    except ValueError:
        return say(nc, _("Give a date, such as 2026-11-27."))
    if not scope:
        return say(nc, _("Say what is accepted, and within which bounds."))
    if count is None:
        return say(nc, _("Give a whole number from 1 to %(most)s.", most=MOST))
    if not signed():
        tell(UNSIGNED)
        return back(nc)
    more = {"authority": line("authority"), "reference": line("reference")}

    def use_case(session: Session, now: datetime) -> Answer:
        row = session.get(Nonconformity, nc)
        product, step = (row.product, row.step) if row else ("", "")
        try:
            body = wire.ConcessionGranted(
                nc=nc, product=product, step=step, serials=serials, count=count, expires=until, scope=scope, **more
            )
        except ValidationError:
            return Answer(False, "concession_form", {})
        return verbs.grant(session, body, now=now, actor=who)

    return did(nc, use_case, _("The concession is granted."))


@blueprint.post("/quality/replace")
@role("planner", "supervisor")
def replace() -> Any:
    """One more unit on the order, for one that is scrap."""
    nc, unit, who = named(), ident("unit"), actor()
    return did(
        nc,
        lambda s, now: verbs.replacement(s, nc, unit, now=now, actor=who),
        _("One more unit is on the order, in place of %(unit)s.", unit=unit),
    )


@blueprint.get("/quality/supplier/<nc>")
@role("quality", "supervisor")
def supplier(nc: str) -> Any:
    """The report for the supplier, as a PDF in the language of the page."""
    here = site()
    with here.reading() as session:
        made = supplier_report(session, nc, now=here.clock(), language=language())
    if made is None:
        abort(404)
    response = Response(typeset.pdf(made.template, made.data, now=here.clock()), mimetype="application/pdf")
    response.headers.set("Content-Disposition", "attachment", filename=made.name)
    return response


# --- after the decision -----------------------------------------------------------------------------------------------


@blueprint.post("/quality/treat")
@role("quality", "supervisor")
def treat() -> Any:
    """The treatment of an item is done; after sorting, so many pieces are bad."""
    nc, who, note = named(), actor(), text("note")
    item = whole_number(request.form.get("item", ""), MOST)
    typed = request.form.get("bad", "").strip() or "0"
    bad = 0 if typed == "0" else whole_number(typed, MOST)
    if item is None or bad is None:
        return say(nc, _("Give a whole number from 0 to %(most)s.", most=MOST))
    return did(
        nc,
        lambda s, now: verbs.treat(s, nc, item, now=now, bad=bad, note=note, actor=who),
        _("The treatment is written down."),
    )


@blueprint.post("/quality/verify")
@role("quality")
def verify() -> Any:
    """An item was verified again, with the record of it."""
    nc, who, evidence = named(), actor(), text("evidence")
    item, result = whole_number(request.form.get("item", ""), MOST), request.form.get("result", "")
    if item is None or result not in ("passed", "failed"):
        return say(nc, _("Say whether it has passed."))
    if not evidence:
        return say(nc, _("Say by which record it was verified."))
    passed = result == "passed"
    return did(
        nc,
        lambda s, now: verbs.reverify(s, nc, item, passed=passed, evidence=evidence, now=now, actor=who),
        _("The verification is written down."),
    )


@blueprint.post("/quality/close")
@role("quality")
def close() -> Any:
    """It is over; signed."""
    nc, who = named(), actor()
    if not signed():
        tell(UNSIGNED)
        return back(nc)
    return did(nc, lambda s, now: verbs.close(s, nc, now=now, actor=who), _("Closed: %(nc)s.", nc=nc))


@blueprint.post("/quality/cancel")
@role("quality")
def cancel() -> Any:
    """It was opened by mistake: what it holds goes free. With the reason, and signed."""
    nc, who, why = named(), actor(), text("why")
    if why and not signed():
        tell(UNSIGNED)
        return back(nc)
    return did(nc, lambda s, now: verbs.cancel(s, nc, now=now, why=why, actor=who), _("Cancelled: %(nc)s.", nc=nc))


@blueprint.post("/quality/reopen")
@role("quality")
def reopen() -> Any:
    """It was not over, with the reason."""
    nc, who, why = named(), actor(), text("why")
    return did(nc, lambda s, now: verbs.reopen(s, nc, now=now, why=why, actor=who), _("Open again: %(nc)s.", nc=nc))


@blueprint.post("/quality/merge")
@role("quality", "supervisor")
def merge() -> Any:
    """It is the same as another one, which goes on."""
    nc, who = named(), actor()
    into = ident("into").strip()
    if not into:
        return say(nc, _("Give the number of the one that goes on."))
    with site().reading() as session:
        if session.get(Nonconformity, into) is None:
            return say(nc, Answer(False, "unknown_nc", {"nc": into}).say(language()))
    return did(
        nc,
        lambda s, now: verbs.merge(s, nc, into, now=now, actor=who),
        _("%(nc)s goes on in %(into)s.", nc=nc, into=into),
    )


# --- comments and files -----------------------------------------------------------------------------------------------


@blueprint.post("/quality/remark")
@role("quality", "supervisor", "planner")
@most_bytes(certificates.MAX_BYTES + FORM)
def remark() -> Any:
    """A comment, a picture or a paper."""
    nc, who, said = named(), actor(), text("text")
    sent = request.files.get("file")
    received = Received(sent.filename, sent.stream.read(certificates.MAX_BYTES + 1)) if sent and sent.filename else None
    return did(
        nc,
        lambda s, now: verbs.remark(s, nc, now=now, text=said, received=received, actor=who),
        _("Added to %(nc)s.", nc=nc),
    )


@blueprint.get("/quality/file/<nc>/<int:number>")
@role("quality", "supervisor", "planner", "admin")
def file(nc: str, number: int) -> Any:
    """A file of a nonconformity, as a download: no browser opens it here."""
    with site().reading() as session:
        row = session.get(NcRemark, (nc, number)) if number < MOST else None
        if row is None or row.file_sha256 is None:
            abort(404)
        content = certificates.content_of(session, row.file_sha256)
        if content is None:
            flash(_("The file is missing, or is not what it was. Run: mes ledger verify"), "stop")
            return back(nc)
        response = Response(content, mimetype=row.file_type)
        response.headers.set("Content-Disposition", "attachment", filename=row.file_name)
        return response
