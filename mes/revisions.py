"""Published plans as the database keeps them: which is the latest, and what a revision says."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes.db.tables import PlanRevision
from mes.domain.route import Plan
from mes.world import PLANS


class Mark(NamedTuple):
    """Which plan, and the hash of its content."""

    revision: int
    hash: str


def latest(session: Session) -> Mark | None:
    """The last one that was published, None before the first."""
    newest = select(PlanRevision.revision, PlanRevision.hash).order_by(PlanRevision.revision.desc()).limit(1)
    row = session.execute(newest).first()
    return Mark(row.revision, row.hash) if row else None


def plan_of(session: Session, revision: int, content_hash: str) -> Plan:
    """The plan of a revision."""
    content = select(PlanRevision.content).where(PlanRevision.revision == revision)
    return PLANS.plan(revision, content_hash, lambda: session.scalars(content).one())


def latest_plan(session: Session) -> Plan | None:
    """The plan that is in force, None before the first."""
    found = latest(session)
    return plan_of(session, found.revision, found.hash) if found else None


def timezone_of(session: Session) -> str:
    """The site's time zone, as the IANA database names it; UTC before the first plan."""
    plan = latest_plan(session)
    return plan.plant.timezone if plan else "UTC"
