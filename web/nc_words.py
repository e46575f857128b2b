"""What the pages of a nonconformity call things, and its history as sentences. Texts only; no rule, no HTML."""

from __future__ import annotations

import json
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from mes.db.tables import Ledger
from web.board_words import DISPOSITIONS

KINDS: Final = {
    "unit": lazy_gettext("Unit"),
    "pieces": lazy_gettext("Pieces of an order"),
    "lot": lazy_gettext("Component lot"),
    "delivery": lazy_gettext("Supplier’s delivery"),
    "process": lazy_gettext("Process"),
    "complaint": lazy_gettext("Customer’s complaint"),
}
SEVERITIES: Final = {
    "minor": lazy_gettext("minor"),
    "major": lazy_gettext("major"),
    "critical": lazy_gettext("critical"),
}
SOURCES: Final = {
    "reported": lazy_gettext("reported by a person"),
    "test_failed": lazy_gettext("failed test"),
    "defect_found": lazy_gettext("defect seen at a station"),
    "lot_held": lazy_gettext("held component lot"),
    "sample": lazy_gettext("sample of a lot"),
    "contradiction": lazy_gettext("not foreseen by the route"),
}
ITEM_STATES: Final = {
    "undecided": ("stop", lazy_gettext("to decide")),
    "in_treatment": ("wait", lazy_gettext("in treatment")),
    "to_reverify": ("wait", lazy_gettext("to verify again")),
    "settled": ("go", lazy_gettext("settled")),
    "moved": ("idle", lazy_gettext("moved to another one")),
}
CHAIN: Final = (
    (lazy_gettext("Opened"), lazy_gettext("Opened")),
    (lazy_gettext("To contain"), lazy_gettext("Contained")),
    (lazy_gettext("To analyse"), lazy_gettext("Analysed")),
    (lazy_gettext("To decide"), lazy_gettext("Decided")),
    (lazy_gettext("In treatment"), lazy_gettext("Treated")),
    (lazy_gettext("To verify again"), lazy_gettext("Verified")),
    (lazy_gettext("To close"), lazy_gettext("Closed")),
)
"""Each link of the chain of states: while it is next, and when it is done."""
ALIKE: Final = {
    "lot": lazy_gettext("same component lot"),
    "instrument": lazy_gettext("same instrument"),
    "hour": lazy_gettext("same station, same hour"),
}


def alike_said(why: str) -> str:
    """Why something is held as a precaution: the kinship in words, and what is shared."""
    kind, _colon, what = why.partition(": ")
    return f"{ALIKE[kind]}{what and ' ' + what}" if kind in ALIKE else why


def happened(entry: Ledger) -> str:
    """One row of the history of a nonconformity as a sentence."""
    body: dict[str, Any] = json.loads(entry.body)
    say = _SAYS.get(entry.kind)
    return say(body) if say else str(_("Opened."))


def _disposed(body: dict[str, Any]) -> str:
    what = str(DISPOSITIONS.get(body["disposition"], body["disposition"]))
    items = ", ".join(str(n) for n in body.get("items", (1,)))
    said = str(_("Decided for %(items)s: %(what)s.", items=items, what=what))
    return f"{said} {body.get('why') or ''}".strip()


def _contained(body: dict[str, Any]) -> str:
    said = str(_("Set aside: %(place)s.", place=body["place"]))
    label = str(_("Red label on it."))
    return f"{said} {label}" if body.get("labelled") else said


def _reverified(body: dict[str, Any]) -> str:
    passed = _("Verified again, passed: %(item)s.", item=body["item"])
    failed = _("Verified again, failed: %(item)s.", item=body["item"])
    return f"{passed if body['result'] == 'passed' else failed} {body['evidence']}"


def _remarked(body: dict[str, Any]) -> str:
    file = body.get("file")
    return str(_("File: %(name)s.", name=file["name"])) if file else str(_("Comment."))


def _with_why(said: str, body: dict[str, Any]) -> str:
    return f"{said} {body.get('why') or ''}".strip()


_SAYS: Final[dict[str, Any]] = {
    "NonconformityOpened": lambda b: str(_("Opened.")),
    "NonconformityAmended": lambda b: str(_("Facts added.")),
    "NonconformityExtended": lambda b: str(
        _("Held as a precaution: %(items)s.", items=", ".join(i["subject"] for i in b["items"]))
    ),
    "NonconformityContained": _contained,
    "NonconformityAnalysed": lambda b: str(_("Cause: %(cause)s", cause=b["cause"])),
    "NonconformityDecided": _disposed,
    "NonconformityDisposed": _disposed,
    "NonconformityTreated": lambda b: str(_("Treated: %(item)s.", item=b["item"])),
    "NonconformityReverified": _reverified,
    "NonconformityRemarked": _remarked,
    "NonconformityMerged": lambda b: str(_("Merged: %(nc)s goes into %(into)s.", nc=b["nc"], into=b["into"])),
    "NonconformityClosed": lambda b: _with_why(str(_("Closed.")), b),
    "NonconformityCancelled": lambda b: _with_why(str(_("Cancelled.")), b),
    "NonconformityReopened": lambda b: _with_why(str(_("Opened again.")), b),
    "ConcessionGranted": lambda b: str(
        _("Concession granted until %(day)s: %(scope)s", day=b["expires"], scope=b["scope"])
    ),
}
