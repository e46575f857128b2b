"""Badges as cards on paper: ten on a sheet of A4 to be cut out, or one a page for a card printer.

A card carries the badge's code twice, as bars and as a QR code, each looked at like every other label. The name stands
on it only where who prints may see names: on the pages of people, and at the server's command line. Nothing is counted:
a lost badge is ended and not copied. It must not know HTTP.

Source: ISO/IEC 7810, 5.1: an ID-1 card is 85.60 × 53.98 mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import badges, codes, labels, revisions
from mes.db.tables import Badge, Person
from mes.domain.barcode import Badge as BadgeCode
from mes.domain.barcode import read
from mes.i18n import N_, translator
from mes.labels import Sheet
from mes.orders import Answer

Layout = Literal["sheet", "card"]
WIDE, HIGH = 85.6, 53.98  # mm
INSET: Final = 4.0  # mm that stay white: card printers do not print to the edge
BARS_HIGH: Final = 13.0  # mm
SQUARE: Final = 24.0  # mm
PLACES: Final = 10
"""Cards on a sheet: two beside each other, five below."""


def cards(
    session: Session,
    wanted: Sequence[str] = (),
    *,
    layout: Layout = "sheet",
    names: bool = True,
    skip: int = 0,
    language: str = "en",
) -> Sheet | Answer:
    """The cards of these badges as a file.

    Args:
        wanted: badges; none: every good one, by name.
        names: with the name; else the pseudonym alone.
        skip: places of the first sheet that are used up already.

    Returns:
        The sheet; or `badge_not_good`, `no_badges`, `too_many_labels`, `code_unread` and
        the like.
    """
    good = select(Badge, Person.name).join(Person, Person.id == Badge.person).where(Badge.state == "active")
    if wanted:
        good = good.where(Badge.id.in_(list(wanted)[: labels.MOST + 1]))
    found = [(badge, name) for badge, name in session.execute(good)]
    if len(found) > labels.MOST or len(wanted) > labels.MOST:
        return Answer(False, "too_many_labels", {"count": max(len(found), len(wanted)), "most": labels.MOST})
    there = {badge.id for badge, _name in found}
    if (missing := next((b for b in wanted if b not in there), None)) is not None:
        return Answer(False, "badge_not_good", {"badge": missing})
    if not found:
        return Answer(False, "no_badges", {})
    found.sort(key=lambda row: (row[1].casefold() if names else row[0].person, row[0].person, row[0].issued_at))
    for badge, _name in found:
        if (why := unfit(badge.id)) is not None:
            return Answer(False, why, {"text": badges.code_of(badge.id)})
    plan = revisions.latest_plan(session)
    shown = {
        "title": translator(language).gettext(N_("Badges")),
        "language": language,
        "site": plan.plant.site if plan is not None else "Atelier",
        "single": layout == "card",
        "skip": skip % PLACES if layout == "sheet" else 0,
        "size": {"wide": WIDE, "high": HIGH, "inset": INSET},
        "cards": [_drawn(badge.id, name if names else badge.person) for badge, name in found],
    }
    return Sheet("badges", shown, labels.file_name("badges", found[0][0].id if len(found) == 1 else layout))


def unfit(badge: str) -> codes.Unfit | Literal["code_other"] | None:
    """Why a badge's code cannot stand on a card; None when it can."""
    code = badges.code_of(badge)
    for symbology, width in (("code128", WIDE - 2 * INSET), ("qr", SQUARE)):
        if (why := codes.readable(code, symbology, width=width)) is not None:  # type: ignore[arg-type]
            return why
    return None if read(code) == BadgeCode(badge) else "code_other"


def _drawn(badge: str, called: str) -> dict[str, Any]:
    code = badges.code_of(badge)
    bars = codes.draw(code, "code128", width=WIDE - 2 * INSET, height=BARS_HIGH)
    square = codes.draw(code, "qr", width=SQUARE, height=SQUARE)
    return {
        "called": called,
        "code": code,
        "bars": {"svg": bars.svg, "wide": bars.width, "high": bars.height},
        "square": {"svg": square.svg, "wide": square.width, "high": square.height},
    }
