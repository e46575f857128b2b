"""The printed sheet of check codes: `mes doctor --sheet FILE.svg` or `.html`, one page A4.

What the codes hold, and what reading them tells, is `mes.domain.check_codes`; here they become a drawing. It must not
know ports.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final

from mes.codes import Shape, shape_of
from mes.domain.check_codes import CODES, CheckCode, shown
from mes.i18n import _, system_language

WIDTH: Final = 210  # mm, A4
HEIGHT: Final = 297
LEFT: Final = 20
MODULE: Final = 0.375  # mm: three dots at 203 dpi, wide enough for every hand-held scanner
BAR_HEIGHT: Final = 16
QR_MODULE: Final = 0.75

_STYLE: Final = (
    "text{font-family:'DejaVu Sans',Arial,sans-serif;fill:#000}"
    ".h{font-size:6.5px;font-weight:700}.n{font-size:5px;font-weight:700}.t{font-size:3.8px}.m{font-size:3.4px}"
)


def drawing() -> str:
    """The sheet as SVG, in the language of the environment; sizes in millimetres."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" lang="{system_language()}">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 26, "h", _("Does the scanner read well?")),
        *(_text(LEFT, 36 + 6 * i, "t", line) for i, line in enumerate(_steps())),
    ]
    y = 66.0
    for code in CODES:
        parts.append(_text(LEFT, y, "n", f"{code.number}  {_(code.finds)}"))
        parts.append(_drawn(shape_of(code.text, code.symbology), code, y + 4))
        high = BAR_HEIGHT if code.symbology != "qr" else QR_MODULE * shape_of(code.text, code.symbology).height
        parts.append(_text(LEFT, y + high + 9, "m", shown(code.text)))
        y += high + 26
    parts.append(_text(LEFT, HEIGHT - 14, "m", _("Print at 100 %, not “fit to page”, on white paper.")))
    return "\n".join([*parts, "</svg>\n"])


def write_sheet(path: Path) -> None:
    """Write the sheet: a drawing, or a page with it.

    Raises:
        ValueError: the name ends neither with `.svg` nor with `.html`.
        OSError: it cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in (".svg", ".html"):
        raise ValueError(_("Name the sheet FILE.svg or FILE.html."))
    content = drawing()
    if kind == ".html":
        content = (
            f'<!doctype html>\n<html lang="{system_language()}"><head><meta charset="utf-8">'
            f"<title>{escape(_('Does the scanner read well?'))}</title>"
            "<style>@page{size:A4;margin:0}body{margin:0}svg{display:block}</style></head>\n"
            f"<body>\n{content}</body></html>\n"
        )
    path.write_text(content, encoding="utf-8")


def _steps() -> tuple[str, ...]:
    return (
        _("1. At the station's PC, stop the agent: two programs cannot use one port."),
        _("2. Run: mes doctor --station FILE --watch"),
        _("3. Scan the codes from 1 to 4. The screen says what is wrong, and what to do."),
    )


def _drawn(shape: Shape, code: CheckCode, y: float) -> str:
    wide = MODULE if code.symbology != "qr" else QR_MODULE
    high = BAR_HEIGHT if code.symbology != "qr" else QR_MODULE
    move = f"translate({LEFT} {y:g}) scale({wide} {high})"
    return f'<path transform="{move}" d="{shape.path}" fill="#000" shape-rendering="crispEdges"/>'


def _text(x: float, y: float, style: str, text: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{style}">{escape(text)}</text>'
