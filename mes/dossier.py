"""The dossier of a unit on paper: PDF/A-2a and PDF/UA-1, the same bytes from the same facts, its hash in the ledger.

`made` typesets what `mes.trace` has read; `issue` records that it was given out; `issued` says of a file that somebody
brings whether it is one of ours, unchanged. It must not know HTTP.

Source: ISO 19005-2 (PDF/A-2, level A), ISO 14289-1 (PDF/UA-1).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy.orm import Session

from mes import typeset, wire
from mes.db.tables import IssuedDossier
from mes.drawing import Drawing
from mes.i18n import N_, translator
from mes.orders import Answer, request
from mes.trace import Dossier
from mes.trace_sheet import Sheet


@dataclass(frozen=True, slots=True)
class Paper:
    """A dossier as a file."""

    unit: str
    language: str
    facts_at: str
    content: bytes

    @property
    def sha256(self) -> str:
        """What the ledger knows it by."""
        return hashlib.sha256(self.content).hexdigest()


def made(found: Dossier, language: str) -> Paper:
    """Typeset a dossier. The time that it bears is that of the unit's last fact, so that it can be made again."""
    content = typeset.pdf(
        "dossier", _shown(Sheet(found, language)), now=datetime.fromisoformat(found.facts_at), archive=True
    )
    return Paper(found.serial, language, found.facts_at, content)


def _shown(sheet: Sheet) -> dict[str, Any]:
    say, drawings = translator(sheet.language).gettext, {"way": sheet.way_drawing(), "parts": sheet.parts_drawing()}
    return {
        "title": say(N_("Dossier of %(unit)s")) % {"unit": sheet.d.serial},
        "language": sheet.language,
        "product": sheet.product,
        "facts": sheet.facts(),
        "sections": [
            {"title": s.title, "head": s.head, "rows": s.rows, "drawing": _drawing(drawings.get(s.key), s.title)}
            for s in sheet.sections()
        ],
        "over_time": say(N_("Readings over time")),
        "curves": [_drawing(one, title) for title, one in sheet.curves()],
        "foot": say(N_("%(unit)s · last event %(when)s"))
        % {"unit": sheet.d.serial, "when": sheet.when(sheet.d.facts_at)},
    }


def _drawing(drawn: Drawing | None, alt: str) -> dict[str, Any] | None:
    return {"svg": drawn.svg, "width": drawn.width, "height": drawn.height, "alt": alt} if drawn else None


def issue(session: Session, paper: Paper, *, now: datetime, actor: str | None = None) -> Answer:
    """Record that a dossier is given out."""
    body = wire.DossierIssued(
        unit=paper.unit,
        language=cast(Literal["fr", "en"], paper.language),
        facts_at=paper.facts_at,
        sha256=paper.sha256,
        size=len(paper.content),
    )
    return request(session, "DossierIssued", body, now=now, actor=actor)


def issued(session: Session, content: bytes) -> IssuedDossier | None:
    """The dossier that a file is, to the last byte; None when no such one was ever given out."""
    return session.get(IssuedDossier, hashlib.sha256(content).hexdigest())
