"""The audit on a page: what people did away from the benches, filtered by subject and day, as it can be printed.

HTTP in, a read, HTML out. People stand in it by pseudonym; whose it is, the page of accounts says to administrators.
"""

from __future__ import annotations

import logging
import secrets
import tempfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    stream_with_context,
    url_for,
)
from flask_babel import gettext as _

from mes import audit, audit_file
from mes.db.base import utc_text
from mes.setup import CONSOLE
from web.audit_say import sentence
from web.audit_words import SUBJECT_WORDS
from web.auth import actor, role
from web.files import told_file
from web.forms import whole_number
from web.language import language
from web.orders import plan_and_today
from web.replay import Busy, Failed, Replay
from web.site import site

blueprint = Blueprint("audit", __name__)
log = logging.getLogger(__name__)

ROWS: Final = (audit.PAGE, 500)
MOST_DRAWN: Final = 500


@blueprint.get("/audit")
@role("admin", "quality")
def index() -> str:
    """The newest first; the address keeps the filter."""
    here, asked = site(), request.args
    subject = asked.get("subject", "")
    subjects = (subject,) if subject in audit.SUBJECTS else ()
    rows = next((n for n in ROWS if asked.get("rows") == str(n)), ROWS[0])
    first, last = _day(asked.get("first", "")), _day(asked.get("last", ""))
    before = asked.get("before", "")
    with here.reading() as session:
        _plan, _today, tz = plan_and_today(here, session)
        page = audit.page(
            session,
            subjects=subjects,
            since=_midnight(first, tz),
            until=_midnight(last + timedelta(days=1) if last else None, tz),
            before=int(before) if before.isdecimal() and len(before) < 16 else None,
            most=rows,
        )
    chosen = {
        "subject": subject if subjects else None,
        "first": first.isoformat() if first else None,
        "last": last.isoformat() if last else None,
        "rows": rows if rows != ROWS[0] else None,
    }
    return render_template(
        "audit.html",
        page=page,
        chosen=chosen,
        subjects=SUBJECT_WORDS,
        rows=ROWS,
        say=sentence,
        tz=tz,
        console=CONSOLE,
        now=utc_text(here.clock()),
    )


@blueprint.post("/audit/file")
@role("admin", "quality")
def file() -> Any:
    """The audit file of some days, as a download; the ledger notes that it was given out."""
    first, last = _day(request.form.get("first", "")), _day(request.form.get("last", ""))
    units = whole_number(request.form.get("units", ""), MOST_DRAWN) or 0
    if first is None or last is None or last < first:
        flash(_("Choose the first and the last day, in this order."), "stop")
        return redirect(url_for("audit.index"))
    here = site()
    wanted = audit_file.Wanted(first.isoformat(), last.isoformat(), units, secrets.randbelow(10**6), language())
    replay = Replay(here.engine) if request.form.get("replay") else None
    made = _made(wanted, replay)
    if request.form.get("told"):
        return Response(stream_with_context(_told(made)), mimetype="application/octet-stream")
    try:
        for said in made:
            if isinstance(said, Path):
                kept = said.open("rb")  # the folder goes, the open file stays until it is sent
    except (Busy, Failed) as error:
        log.warning("no audit file: the replay did not come to its end: %s", error)
        flash(_("The ledger could not be replayed now. Try again later, or take the file without."), "stop")
        return redirect(url_for("audit.index"))
    return send_file(kept, mimetype="application/zip", as_attachment=True, download_name=_name(wanted))


def _name(wanted: audit_file.Wanted) -> str:
    return f"audit-{wanted.first}-{wanted.last}.zip"


def _made(wanted: audit_file.Wanted, replay: Replay | None) -> Iterator[tuple[int, int] | Path]:
    """Make the file: how far the replay is, and at the end where the file lies until the next step."""
    here, who = site(), actor()
    yield from replay or ()
    with tempfile.TemporaryDirectory(prefix="mes-audit-") as folder:
        path = Path(folder) / _name(wanted)
        with here.reading() as session:
            findings = replay.findings if replay else None
            made = audit_file.write(session, path, wanted, now=here.clock(), findings=findings)
        here.do(lambda session, now: audit_file.record(session, wanted, made, now=now, actor=who))
        yield path


def _told(made: Iterator[tuple[int, int] | Path]) -> Iterator[bytes]:
    """The file, and before it how far it is: lines with the rows that are replayed, a line with its size and name."""
    try:
        for said in made:
            if not isinstance(said, Path):
                yield f"{said[0]}/{said[1]}\n".encode()
                continue
            with said.open("rb") as file:
                yield from told_file(file, said.name)
    except (Busy, Failed) as error:  # what has no line with a name is known to be broken off
        log.warning("no audit file: the replay did not come to its end: %s", error)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 9000 else None  # the ends of the calendar have no day after or before them


def _midnight(day: date | None, tz: str) -> datetime | None:
    return datetime.combine(day, datetime.min.time(), ZoneInfo(tz)) if day else None
