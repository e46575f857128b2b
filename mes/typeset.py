"""Paper: a template and its data become a PDF that a screen reader can read, or pictures of its pages.

Templates are ours and stand in `mes/templates`; data travel as JSON, so that no text of a label is ever taken for
markup. Only the fonts that typst itself carries are used: a paper looks the same on every machine. Typst is imported
when something is printed. It must not know what is on the paper.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
Template = Literal[
    "units", "traveller", "control", "badges", "recall", "dossier", "eight_d", "supplier", "shipping", "nclog", "audit"
]


def pdf(template: Template, data: Mapping[str, Any], *, now: datetime, archive: bool = False) -> bytes:
    """The paper as a tagged PDF (PDF/UA-1, ISO 14289-1).

    Args:
        data: what the template reads; nothing but JSON.
        now: the time that the file says it was made at.
        archive: to be kept for years: PDF/A-2a (ISO 19005-2), too.
    """
    import typst  # 34 MB that most processes never need

    made = typst.compile(
        (TEMPLATES / f"{template}.typ").read_bytes(),
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=["ua-1", "a-2a"] if archive else ["ua-1"],
        sys_inputs={"data": json.dumps(data)},
        timestamp=int(now.timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def pictures(template: Template, data: Mapping[str, Any], *, dpi: float = 203.2) -> list[bytes]:
    """The same pages as PNG, by default with the dots of a label printer."""
    import typst

    made: Any = typst.compile(
        (TEMPLATES / f"{template}.typ").read_bytes(),
        ignore_system_fonts=True,
        format="png",
        ppi=dpi,
        sys_inputs={"data": json.dumps(data)},
    )
    return made if isinstance(made, list) else [made]  # one page comes without a list
