"""The control sheet: the codes that lie at every bench, with their words in both languages and a drawing for commands.

Nothing of it is recorded: it names no unit and no order. It must not know the database.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from mes import codes
from mes.domain.barcode import COMMANDS, CommandName, write
from mes.domain.command_words import COMMANDS as WORDS
from mes.domain.route import Plan
from mes.i18n import N_, translator
from mes.labels import Sheet, printed_on

QUANTITIES: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 50, 100, 500)

_DRAWINGS: Final[dict[CommandName, str]] = {
    "DONE": "M4 5V20M4 5H18L14 9L18 13H4",
    "PASS": "M4 13L10 19L20 6",
    "FAIL": "M12 3L22 21H2ZM12 9V15M12 18V18.2",
    "UNDO": "M8 5L3 10L8 15M3 10H15A5 5 0 0 1 15 20H9",
    "HELP": "M8 8A4 4 0 1 1 12 13V15M12 19V19.2",
    "PAUSE": "M8 5V19M16 5V19",
    "RESUME": "M7 4L20 12L7 20Z",
    "LEAVE": "M10 4H4V20H10M9 12H21M16 7L21 12L16 17",
    "YES": "M2 12A10 10 0 1 1 22 12A10 10 0 1 1 2 12M7 12L11 16L17 9",
    "NO": "M2 12A10 10 0 1 1 22 12A10 10 0 1 1 2 12M8 8L16 16M16 8L8 16",
    "HELPED": "M6 7A3 3 0 1 1 12 7A3 3 0 1 1 6 7M3 20V17A4 4 0 0 1 7 13H11A4 4 0 0 1 15 17V20M16 9L18 11L22 6",
    "CARTON": "M3 8L12 4L21 8V17L12 21L3 17ZM3 8L12 12L21 8M12 12V21",
    "PALLET": "M5 5H19V14H5ZM12 5V14M3 17H21M5 17V20M12 17V20M19 17V20",
    "SUPERVISOR": "M3 15A4 4 0 1 1 11 15A4 4 0 1 1 3 15M10 12L20 4M16 7L19 10",
}
"""Lines in a square of 24, for who reads neither language well."""


def control(plan: Plan, *, now: datetime, language: str = "en") -> Sheet:
    """The sheet for a plan: its commands, quantities and defects. Defects that no code can say are named at its end."""
    say = translator(language).gettext
    other = "en" if language == "fr" else "fr"
    commands = [
        _cell(write("command", name), WORDS[name][language], WORDS[name][other], other, _DRAWINGS[name])
        for name in COMMANDS
    ]
    numbers = [_cell(write("quantity", n), str(n), "", other, None, width=40) for n in QUANTITIES]
    defects, left_out = [], []
    for defect in plan.defects:
        try:
            code = write("defect", defect.code)
        except ValueError:
            left_out.append(defect.code)
            continue
        if codes.readable(code, "code128", width=88) is not None:
            left_out.append(defect.code)
            continue
        defects.append(_cell(code, defect.name.to(language), defect.name.to(other), other, None, width=88))
    title, foot = say(N_("Control codes")), say(N_("%(site)s · printed on %(day)s"))
    without = say(N_("Without a code, because of other characters than A-Z, 0-9 and dashes, or too long: %(codes)s"))
    data = {
        "title": title,
        "language": language,
        "parts": [
            {"title": say(N_("Commands")), "columns": 3, "codes": commands},
            {"title": say(N_("Quantities")), "columns": 4, "codes": numbers},
            {"title": say(N_("Defects")), "columns": 2, "codes": defects},
        ],
        "left_out": without % {"codes": ", ".join(left_out)} if left_out else "",
        "foot": foot % {"site": plan.plant.site, "day": printed_on(plan, now, language)},
    }
    return Sheet("control", data, "control-codes.pdf")


def _cell(
    code: str, word: str, other: str, other_language: str, drawing: str | None, *, width: float = 56
) -> dict[str, Any]:
    drawn = codes.draw(code, "code128", width=width, height=12)
    lines = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="#000" '
        f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="{drawing}"/></svg>'
    )
    return {
        "word": word,
        "other": other if other != word else "",
        "other_language": other_language,
        "text": code,
        "svg": drawn.svg,
        "width": drawn.width,
        "height": drawn.height,
        "alt": code,
        "drawing": lines if drawing else None,
    }
