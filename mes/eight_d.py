"""A corrective action in words, for its page and its paper: the 8D report as a tagged PDF/A, and the fishbone.

D0 to D8 are the eight disciplines of the motor trade's problem solving report; a customer asks for them by these names.
No person's name stands on it: who does what is a function of the workshop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import corrective, revisions, typeset
from mes.corrective import Figures, Parts
from mes.db.base import utc_text
from mes.db.tables import ActionCause, CorrectiveAction, NcItem, Nonconformity
from mes.domain.corrective import BRANCH_NAMES, BRANCHES, FUNCTION_NAMES, NAMES, Count
from mes.domain.nonconformity import DISPOSITIONS
from mes.domain.nonconformity import NAMES as NC_NAMES
from mes.drawing import Bone, Drawing, fishbone
from mes.i18n import N_, translator

_ROOT: Final = "\u25c6 "


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is known of one action, read once. `ncs` has each nonconformity with its items."""

    action: CorrectiveAction
    parts: Parts
    figures: Figures
    ncs: Sequence[tuple[Nonconformity, Sequence[NcItem], str]]
    timezone: str


def known(session: Session, action: str, *, now: datetime) -> Known | None:
    """Read an action and all around it; None for one that there is not."""
    row = session.get(CorrectiveAction, action)
    if row is None:
        return None
    parts = corrective.parts_of(session, action)
    why = {each.nc: each.why for each in parts.ncs}
    ncs = session.scalars(select(Nonconformity).where(Nonconformity.id.in_(why)).order_by(Nonconformity.id)).all()
    items: dict[str, list[NcItem]] = {}
    for item in session.scalars(select(NcItem).where(NcItem.nc.in_(why)).order_by(NcItem.nc, NcItem.item)):
        items.setdefault(item.nc, []).append(item)
    return Known(
        row,
        parts,
        corrective.figures_of(session, row, now=now),
        [(nc, items.get(nc.id, []), why[nc.id]) for nc in ncs],
        revisions.timezone_of(session),
    )


def in_order(causes: Sequence[ActionCause]) -> list[tuple[int, ActionCause]]:
    """Every cause with how deep it lies, each below the one that it explains."""
    under: dict[int, list[ActionCause]] = {}
    for cause in causes:
        under.setdefault(cause.under, []).append(cause)
    out: list[tuple[int, ActionCause]] = []

    def walk(number: int, depth: int) -> None:
        for cause in under.get(number, []):
            out.append((depth, cause))
            walk(cause.number, depth + 1)

    walk(0, 1)
    return out


def bones(found: Known, language: str) -> Drawing:
    """The fishbone of an action."""
    say = translator(language).gettext
    of: dict[str, list[tuple[int, str, bool]]] = {branch: [] for branch in BRANCHES}
    for depth, cause in in_order(found.parts.causes):
        of[cause.branch].append((depth, cause.text, cause.root))
    drawn = [Bone(BRANCH_NAMES[branch][language], tuple(of[branch])) for branch in BRANCHES]
    return fishbone(found.action.title, drawn, alt=say(N_("Causes by family (Ishikawa diagram)")))


def report(found: Known, language: str, *, now: datetime) -> bytes:
    """The 8D report as a tagged PDF (PDF/A-2a, PDF/UA-1) that says what is known now."""
    return typeset.pdf("eight_d", _shown(found, language, now), now=now, archive=True)


def _shown(found: Known, language: str, now: datetime) -> dict[str, Any]:
    say, row = translator(language).gettext, found.action
    drawn, today = bones(found, language), when(utc_text(now), found.timezone)
    return {
        "title": say(N_("8D report %(action)s")) % {"action": row.id},
        "language": language,
        "name": row.title,
        "foot": say(N_("%(action)s · as of %(when)s")) % {"action": row.id, "when": today},
        "facts": facts(found, language),
        "sections": [_section(s) for s in _sections(found, language)],
        "bones_title": say(N_("Causes by family (Ishikawa diagram)")),
        "bones": {"svg": drawn.svg, "width": drawn.width, "height": drawn.height} if found.parts.causes else None,
    }


def when(at: str | None, timezone: str) -> str:
    """A time at the site, to the minute; a dash for none."""
    return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}" if at else "–"


def facts(found: Known, language: str) -> list[tuple[str, str]]:
    """What the head of a report says: state, what it is about, since when."""
    say, row = translator(language).gettext, found.action
    return [
        (say(N_("State")), NAMES[row.state][language]),  # type: ignore[index]
        (say(N_("Product")), row.product or say(N_("any"))),
        (say(N_("Step")), row.step or say(N_("any"))),
        (say(N_("Defect")), row.defect or say(N_("any"))),
        (say(N_("Opened")), when(row.opened_at, found.timezone)),
    ]


@dataclass(frozen=True, slots=True)
class Discipline:
    """One of D1 to D8: what it says in words, and its table where it has one."""

    title: str
    said: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def _section(d: Discipline) -> dict[str, Any]:
    return {"title": d.title, "said": d.said, "head": d.head, "rows": d.rows}


def _sections(found: Known, language: str) -> list[Discipline]:
    say, row, parts = translator(language).gettext, found.action, found.parts
    owners = dict.fromkeys(FUNCTION_NAMES[t.owner][language] for t in parts.tasks)  # type: ignore[index]
    nothing = say(N_("Nothing yet."))
    return [
        Discipline(say(N_("D1 Team")), ", ".join(owners) or nothing),
        Discipline(
            say(N_("D2 Problem")),
            row.problem or row.title,
            (say(N_("Nonconformity")), say(N_("What")), say(N_("State")), say(N_("Opened")), say(N_("Why here"))),
            tuple(_nc(found, nc, why, language) for nc, _items, why in found.ncs),
        ),
        Discipline(
            say(N_("D3 Containment")),
            "" if found.ncs else nothing,
            (say(N_("Nonconformity")), say(N_("Where it lies")), say(N_("Concerned")), say(N_("Decision"))),
            tuple(r for nc, items, _why in found.ncs for r in _contained(nc, items, language)),
        ),
        Discipline(say(N_("D4 Root cause")), "" if parts.causes else nothing, *_causes(parts, language)),
        Discipline(
            say(N_("D5 and D6 Actions")),
            "" if parts.tasks else nothing,
            _task_head(language),
            tuple(_task(found, t, language) for t in parts.tasks if not t.lasting),
        ),
        Discipline(
            say(N_("D7 So that it does not come again")),
            "" if any(t.lasting for t in parts.tasks) else nothing,
            _task_head(language),
            tuple(_task(found, t, language) for t in parts.tasks if t.lasting),
        ),
        Discipline(say(N_("D8 Effectiveness")), " · ".join(effect(found, language)) or nothing),
    ]


def _nc(found: Known, nc: Nonconformity, why: str, language: str) -> tuple[str, ...]:
    say = translator(language).gettext
    word = say(N_("came again")) if why == "again" else say(N_("its cause is asked for"))
    state = NC_NAMES[nc.state][language]
    return nc.id, nc.title or nc.defect or nc.step, state, when(nc.opened_at, found.timezone), word


def _contained(nc: Nonconformity, items: Sequence[NcItem], language: str) -> list[tuple[str, ...]]:
    say = translator(language).gettext
    place = nc.place + (f" ({say(N_('red label'))})" if nc.labelled else "") if nc.place else "–"
    return [
        (
            nc.id,
            place,
            f"{item.subject} × {item.quantity}" if item.quantity > 1 else item.subject,
            DISPOSITIONS[item.disposition][language] if item.disposition else "–",  # type: ignore[index]
        )
        for item in items
    ]


def _causes(parts: Parts, language: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    say = translator(language).gettext
    rows = [
        (
            "→ " * (depth - 1) + (_ROOT if cause.root else "") + cause.text,
            BRANCH_NAMES[cause.branch][language],  # type: ignore[index]
            say(N_("root cause")) if cause.root else "",
        )
        for depth, cause in in_order(parts.causes)
    ]
    return (say(N_("Why?")), say(N_("Family")), ""), tuple(rows)


def _task_head(language: str) -> tuple[str, ...]:
    say = translator(language).gettext
    return say(N_("To do")), say(N_("Who sees to it")), say(N_("Until")), say(N_("Done on")), say(N_("Evidence"))


def _task(found: Known, task: Any, language: str) -> tuple[str, ...]:
    owner = FUNCTION_NAMES[task.owner][language]
    return task.text, owner, task.due, when(task.done_at, found.timezone), task.evidence or "–"


def effect(found: Known, language: str) -> list[str]:
    """What is to be seen, the figures of now or of the check, and what was found: a sentence each."""
    say, row = translator(language).gettext, found.action
    out = []
    if row.criterion:
        out.append(say(N_("Criterion: %(criterion)s")) % {"criterion": row.criterion})
        days, units = N_("To be checked after %(count)s days."), N_("To be checked after %(count)s units.")
        out.append(say(days if row.check_by == "days" else units) % {"count": row.check_after})
    before, after = found.figures.before, found.figures.after
    if row.checked_at:
        before = Count(row.before_found, row.before_of)
        after = Count(row.after_found, row.after_of)
    counted = {"before": before.found, "before_of": before.of, "after": after.found, "after_of": after.of}
    if row.done_at or row.checked_at:
        said = N_("Before: %(before)s nonconformities on %(before_of)s units; since: %(after)s on %(after_of)s.")
        out.append(say(said) % counted)
    if row.checked_at:
        out.append(say(N_("Checked %(when)s.")) % {"when": when(row.checked_at, found.timezone)})
    if row.note:
        out.append(row.note)
    return out
