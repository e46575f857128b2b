"""What waits too long in quality, as the text of one mail: nonconformities and corrective actions.

It names what and since when, never who: a task belongs to a function.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from mes import corrective, nc_log
from mes.db.base import utc_text
from mes.domain.days import day_at
from mes.domain.route import Plan
from mes.i18n import N_, translator
from mes.nc_export import Words
from mes.nc_log import Filter, Log

MOST: Final = 30


@dataclass(frozen=True, slots=True)
class Digest:
    """One mail."""

    subject: str
    text: str


def digest(session: Session, plan: Plan, *, now: datetime, language: str) -> Digest | None:
    """What is overdue today; None when nothing is, for an empty mail teaches people not to look."""
    say = translator(language).gettext
    log = Log.of(plan, now)
    words, late = Words(plan, language, log), Filter(overdue=True, sort="oldest")
    total = nc_log.count(session, log, late)
    ncs = nc_log.page(session, log, late, 1, total=total, size=MOST)
    today = day_at(utc_text(now), plan.plant.timezone)
    actions = [w for w in corrective.waiting(session, today=today) if w.overdue]
    if not total and not actions:
        return None
    lines = []
    if total:
        lines.append(say(N_("Nonconformities that wait too long: %(count)s")) % {"count": total})
        for line in ncs:
            age = say(N_("%(days)s days")) % {"days": line.age}
            lines.append(f"  {line.row.id}  {words.about(line)}  ({words.state(line.row.state)}, {age})")
        lines += ["  …"] if total > len(ncs) else []
        undecided = nc_log.count(session, log, Filter(state="undecided"))
        lines += [say(N_("Still to decide in all: %(count)s")) % {"count": undecided}, ""]
    if actions:
        lines.append(say(N_("Corrective actions that wait too long: %(count)s")) % {"count": len(actions)})
        lines += [f"  {w.action.id}  {w.action.title}  ({w.due or '–'})" for w in actions[:MOST]]
        lines.append("")
    lines.append(say(N_("This mail comes once a day, and only when something waits too long.")))
    said = {"site": plan.plant.site, "count": total + len(actions)}
    return Digest(say(N_("%(site)s: %(count)s things wait too long")) % said, "\n".join(lines) + "\n")
