"""The log of nonconformities in the office: its filter stands in the address, and a file holds what the page shows.

HTTP in, a read, HTML or a file out. Nobody who works at a bench stands in it; who decided does, as the log must say.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any, Final

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    stream_with_context,
    url_for,
)
from flask_babel import gettext as _

from mes import nc_export, nc_log, nc_views
from mes.domain.nonconformity import DISPOSITIONS, NAMES
from mes.domain.route import Plan
from mes.nc_export import MOST_ON_PAPER, SORT_WORDS, WORDS_OF, Words
from mes.nc_log import BATCH, SEVERITIES, SOURCES, Filter, Log
from web.auth import actor, role
from web.board_words import NC_STATES
from web.files import told_file
from web.forms import page_number
from web.language import language, tell
from web.orders import plan_and_today
from web.site import site

blueprint = Blueprint("quality_log", __name__, url_prefix="/quality/log")

PAGE: Final = 50
TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
IN_MEMORY: Final = 4_000_000  # bytes of a file; a longer one is written to the disk


@blueprint.get("")
@role("quality", "supervisor", "planner", "admin")
def index() -> str:
    """A page of the log."""
    here, page = site(), page_number()
    wanted, wrong = nc_log.read(request.args)
    with here.reading() as session:
        plan, _today, tz = plan_and_today(here, session)
        log = Log.of(plan, here.clock())
        words = Words(plan, language(), log)
        total = nc_log.count(session, log, wanted)
        return render_template(
            "quality_log.html",
            rows=nc_log.page(session, log, wanted, page, total=total, size=PAGE),
            total=total,
            page=page,
            pages=max(1, -(-total // PAGE)),
            wanted=wanted,
            views=nc_views.views(session),
            said=wanted.said(),
            wrong=[words.say(WORDS_OF[name]) for name in wrong],
            words=words,
            concerned=nc_export.concerned,
            choices=_choices(plan, words),
            names=WORDS_OF,
            tones={state: tone for state, (tone, _word) in NC_STATES.items()},
            limits=log.limits,
            tz=tz,
        )


def _choices(plan: Plan | None, words: Words) -> dict[str, dict[str, str]]:
    """What can be chosen of each field, with its words."""
    steps = {s.id: words.step(p.id, s.id) for p in plan.products for s in p.steps} if plan else {}
    return {
        "state": {name: words.state(name) for name in ("live", "undecided", *NAMES)},
        "source": {name: words.source(name) for name in SOURCES},
        "severity": {name: words.severity(name) for name in SEVERITIES},
        "disposition": {name: words.disposition(name) for name in DISPOSITIONS},
        "product": {p.id: words.product(p.id) for p in plan.products} if plan else {},
        "step": steps,
        "station": {s.id: words.station(s.id) for s in plan.stations} if plan else {},
        "defect": {d.code: words.defect(d.code) for d in plan.defects} if plan else {},
        "sort": {name: words.say(said) for name, said in SORT_WORDS.items()},
    }


@blueprint.post("/view")
@role("quality", "supervisor")
def save_view() -> Any:
    """Give what the page shows a name."""
    who, name = actor(), " ".join(request.form.get("name", "").split())[:60]
    wanted, _wrong = nc_log.read(request.form)
    if not name or not name.isprintable():
        flash(_("Give the view a name."), "stop")
    else:
        answer = site().do(lambda session, now: nc_views.save(session, name, wanted, now=now, actor=who))
        tell(answer, _("View “%(name)s” is saved.", name=name))
    said: dict[str, Any] = {**wanted.said()}
    return redirect(url_for("quality_log.index", **said))


@blueprint.post("/view-away")
@role("quality", "supervisor")
def remove_view() -> Any:
    """Take a view away; no nonconformity changes."""
    who, name = actor(), request.form.get("name", "").strip()[:60]
    if not name or not name.isprintable():
        abort(404)
    answer = site().do(lambda session, now: nc_views.remove(session, name, now=now, actor=who))
    tell(answer, _("View “%(name)s” is gone.", name=name))
    return redirect(url_for("quality_log.index"))


@blueprint.get("/file.<any(csv,xlsx,pdf):kind>")
@role("quality", "supervisor", "planner", "admin")
def take(kind: str) -> Any:
    """Exactly what the filter shows, all pages of it, as a file."""
    here = site()
    wanted, wrong = nc_log.read(request.args)
    said: dict[str, Any] = {**wanted.said()}
    if wrong:
        abort(400)
    separator = {"semicolon": ";", "comma": ","}.get(request.args.get("separator", ""))
    with here.reading() as session:
        plan, today, _tz = plan_and_today(here, session)
        log = Log.of(plan, here.clock())
        if kind == "pdf" and nc_log.count(session, log, wanted) > MOST_ON_PAPER:
            most = MOST_ON_PAPER
            flash(_("A PDF holds %(most)s rows. Choose fewer days, or take the table.", most=most), "stop")
            return redirect(url_for("quality_log.index", **said))
        words, name = Words(plan, language(), log), f"{_('nonconformities')}-{today.isoformat()}.{kind}"
        if kind != "pdf" and request.args.get("told"):
            return Response(
                stream_with_context(_told(kind, wanted, words, name, separator)), mimetype="application/octet-stream"
            )
        file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  the answer closes it
        nc_export.write(session, kind, wanted, words, file, separator=separator)
    file.seek(0)
    return send_file(file, mimetype=TYPES[kind], as_attachment=True, download_name=name)


def _told(kind: str, wanted: Filter, words: Words, name: str, separator: str | None) -> Iterator[bytes]:
    """A table, and before it how far it is: lines with the rows that are written, a line with its name, the file.

    A file whose making breaks off has no line with a name.
    """
    with site().reading() as session, tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        for number in nc_export.table(session, kind, wanted, words, file, separator=separator):
            if number % BATCH == 0:
                yield f"{number}\n".encode()
        yield from told_file(file, name)
