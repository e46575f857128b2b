"""Is a file one that was given out? The ledger knows each dossier and each paper by its SHA-256."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from mes import dossier, papers


@dataclass(frozen=True, slots=True)
class GivenOut:
    """A file that left the shop as it is: `kind` is `dossier` or a kind of paper, `scope` what `subject` is."""

    kind: str
    scope: str
    subject: str
    language: str
    issued_at: str
    times: int


def known(session: Session, content: bytes) -> GivenOut | None:
    """What a file is, to the last byte; None when no such one was ever given out, or when it was changed since."""
    if (unit := dossier.issued(session, content)) is not None:
        return GivenOut("dossier", "unit", unit.unit, unit.language, unit.issued_at, unit.times)
    if (paper := papers.issued(session, content)) is not None:
        return GivenOut(paper.paper, paper.scope, paper.subject, paper.language, paper.issued_at, paper.times)
    return None
