"""Labels for bags of a component lot: part, lot, pieces and day, with a code that a bench reads as that part and lot.

Bars are GS1-128 with (241) our part number and (10) the lot; a QR code is an ISO/IEC 15434 envelope, which says the
pieces, too. It must not know HTTP.

Source: GS1 General Specifications, 3.4 (AI 10) and 3.5 (AI 241); ECIA EIGP 114.2018 (P, 1T and Q in the envelope).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal

from babel.dates import format_date
from babel.numbers import format_decimal
from sqlalchemy.orm import Session

from mes import labels, revisions
from mes.db.tables import Lot
from mes.domain.label import Label
from mes.domain.supplier_label import EOT, GS, RS
from mes.i18n import N_, translator
from mes.labels import Sheet
from mes.orders import Answer

Symbology = Literal["code128", "qr"]
MOST_BAGS: Final = 500


def code_of(part: str, lot: str, pieces: int, symbology: Symbology) -> str:
    """What a scanner reads on a bag."""
    if symbology == "qr":
        return GS.join((f"[)>{RS}06", f"P{part}", f"1T{lot}", f"Q{pieces}")) + RS + EOT
    return f"241{part}{GS}10{lot}"


def bag_labels(
    session: Session,
    part: str,
    lot: str,
    *,
    pieces: int,
    count: int = 1,
    first: int = 1,
    symbology: Symbology = "code128",
    language: str = "en",
) -> list[Label] | Answer:
    """Labels for so many bags of a lot, numbered; nothing is recorded yet.

    Args:
        pieces: in each bag.
        first: the number of the first bag.

    Returns:
        The labels; or why there are none: `unknown_lot`, `too_many_labels`.
    """
    row = session.get(Lot, (part, lot))
    if row is None or not row.receipts:
        return Answer(False, "unknown_lot", {"part": part, "lot": lot})
    if count > MOST_BAGS:
        return Answer(False, "too_many_labels", {"count": count, "most": MOST_BAGS})
    say = translator(language).gettext
    plan = revisions.latest_plan(session)
    component = plan.components().get(part) if plan else None
    counted = say(N_("%(count)s pieces")) % {"count": format_decimal(pieces, locale=language)}
    days = [_day(row.received_on, language)]
    if row.expires:
        days.append(say(N_("use by %(day)s")) % {"day": _day(row.expires, language)})
    return [
        Label(
            "bag",
            f"{part}/{lot}/{number}"[-64:],
            code_of(part, lot, pieces, symbology),
            "qr" if symbology == "qr" else "gs1-128",
            head=component.name.to(language) if component else part,
            aside=counted,
            words=f"{part} · {lot}",
            lines=(" · ".join(d for d in days if d),),
            check=False,
        )
        for number in range(first, first + count)
    ]


def bags(
    session: Session,
    part: str,
    lot: str,
    *,
    now: datetime,
    on: str,
    pieces: int,
    count: int = 1,
    first: int = 1,
    symbology: Symbology = "code128",
    language: str = "en",
    actor: str | None = None,
) -> Sheet | Answer:
    """The labels of `bag_labels` as a file; the second label of one bag is marked as a copy.

    Args:
        on: a sheet of `SHEETS`, or the size of a roll's labels in mm (`57x32`).
    """
    made = bag_labels(
        session, part, lot, pieces=pieces, count=count, first=first, symbology=symbology, language=language
    )
    if isinstance(made, Answer):
        return made
    title = translator(language).gettext(N_("Bags of lot %(lot)s")) % {"lot": lot}
    return labels.printed(
        session, made, now=now, on=on, title=title, name=f"{part}-{lot}", language=language, actor=actor
    )


def _day(text: str | None, language: str) -> str:
    return str(format_date(date.fromisoformat(text), "short", locale=language)) if text else ""
