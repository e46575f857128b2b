"""The board as HTML, part by part: what a push replaces. One painter a language, shared by pages and pushes.

A part is drawn again only when its value has changed, so a scan costs one tile and not the wall. It knows the board's
values and the templates; it opens no database and sends nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Flask, render_template
from flask_babel import force_locale, format_date, format_decimal, ngettext
from flask_babel import gettext as _

from mes.board import Board, Line, Tile
from web import board_words as words

STATIC: Final = Path(__file__).parent / "static"
WALL: Final = (1376, 770)  # pixels that the lines have on a 1920×1080 wall, and what a tile wants of them
WANTED: Final = (335, 200)
HEAD: Final = 58


@dataclass(frozen=True, slots=True)
class Painted:
    """The board in one language: part id → HTML; `mark` is the same for the same picture."""

    cursor: int
    now: str
    parts: dict[str, str]
    mark: str
    board: Board


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A line of the device panel."""

    what: str
    tone: str
    word: str


class Painter:
    """Draws the board in one language."""

    def __init__(self, app: Flask, language: str) -> None:
        self._app, self._language = app, language
        self._drawn: dict[str, tuple[Any, str]] = {}
        self._lock = Lock()
        self._macros: Any = None

    def paint(self, board: Board, tz: str) -> Painted:
        """Every part, drawn or remembered. Needs an application context."""
        with self._lock, force_locale(self._language):
            if self._macros is None:
                self._macros = self._app.jinja_env.get_template("board_parts.html").module
            parts = dict(self._parts(board, tz))
        digest = hashlib.blake2b("\0".join(parts.values()).encode(), digest_size=9).hexdigest()
        return Painted(board.cursor, board.now, parts, digest, board)

    def _parts(self, board: Board, tz: str) -> Sequence[tuple[str, str]]:
        if not board.planned:
            return []
        m, lang = self._macros, self._language
        said = {name: str(word) for name, word in words.WORDS.items()}
        calls = [t for t in map(board.tile, board.attention) if t is not None]
        devices = _devices(board, lang)
        several, shift = len({y.product for y in board.yields}) > 1, board.shift is not None
        # What is drawn depends on nothing but `value`: it decides whether a part is drawn again.
        out: list[tuple[str, Any, Callable[[], Any]]] = [
            ("head", (board.site, board.shift, board.finished_today), lambda: m.head(
                board.site, board.shift, board.finished_today, lang)),
            ("attention", [(t.station, t.state, t.word, t.name) for t in calls], lambda: m.attention(
                calls, lang, said, tz)),
            ("orders", board.orders, lambda: m.orders(board.orders, lang, words.order_parts)),
            ("ncs", (board.nonconformities, board.signals), lambda: m.ncs(
                board.nonconformities, board.signals, lang, words.nc_label, words.NC_STATES)),
            ("yields", (board.yields, several, shift), lambda: m.yields(board.yields, lang, several, shift)),
            ("devices", devices, lambda: m.devices(devices)),
        ]  # fmt: skip
        for line in board.lines:
            head = (line.name, len(line.tiles), line.in_work, line.held)
            out.append((f"line-{line.id}", head, lambda line=line: m.linehead(line, lang)))  # type: ignore[misc]
            numbered = len(line.tiles) > 2
            for tile in line.tiles:
                out.append((f"tile-{tile.station}", (tile, numbered), self._tile(tile, numbered, said, tz)))
        return [(part, self._draw(part, (value, tz), how)) for part, value, how in out]

    def _tile(self, tile: Tile, numbered: bool, said: dict[str, str], tz: str) -> Callable[[], Any]:
        m, lang = self._macros, self._language
        return lambda: m.tile(tile, lang, said, words.why(tile, lang), numbered, tz)

    def _draw(self, part: str, value: Any, how: Callable[[], Any]) -> str:
        held = self._drawn.get(part)
        if held is not None and held[0] == value:
            return held[1]
        html = str(how())
        self._drawn[part] = (value, html)
        return html


def _devices(board: Board, language: str) -> list[DeviceLine]:
    """What does not work: stations out of reach first, then devices."""
    out: list[DeviceLine] = []
    for tile in board.tiles:
        name = tile.name.to(language)
        if tile.link.alarm:
            out.append(DeviceLine(name, "stop", words.alarm(tile.link.alarm)))
        if tile.state == "kept":
            kept = ngettext("%(num)s kept", "%(num)s kept", tile.link.kept) if tile.link.kept else _("no network")
            out.append(DeviceLine(name, "kept", kept))
    out += [
        DeviceLine(f"{words.device(f.device)} · {tile.name.to(language)}", "stop", words.fault(f.fault))
        for tile in board.tiles
        for f in tile.faults
    ]
    return out


def columns(lines: Sequence[Line]) -> int:
    """How many columns of tiles fill a wall best: as near as can be to the wanted size, in both directions."""

    def score(count: int) -> float:
        rows, heads, left = 0, 0, 0
        for line in lines:
            span = min(len(line.tiles), count)
            if span > left:  # short lines stand side by side
                rows, heads, left = rows + -(-len(line.tiles) // count), heads + 1, count
            left -= span
        height = (WALL[1] - heads * HEAD) / max(1, rows) - 12
        return min(WALL[0] / count / WANTED[0], height / WANTED[1])

    return max(range(4, 9), key=score)


def fragment(painted: Painted) -> str:
    """The whole board, put together from its parts."""
    count = columns(painted.board.lines)
    lines = [
        {"id": line.id, "span": min(len(line.tiles), count), "tiles": [t.station for t in line.tiles]}
        for line in painted.board.lines
    ]
    return render_template(
        "board_fragment.html",
        planned=painted.board.planned,
        columns=count,
        lines=lines,
        parts=painted.parts,
        cursor=painted.cursor,
        mark=painted.mark,
        now=painted.now,
        build=build_mark(),
    )


@cache
def build_mark() -> str:
    """Changes with the page's own files: a wall that runs for weeks loads itself anew after an update."""
    digest = hashlib.blake2b(digest_size=6)
    for name in ("board.css", "tokens.css", "board.js", "board_fit.js"):
        digest.update((STATIC / name).read_bytes())
    return digest.hexdigest()


# --- filters ----------------------------------------------------------------------------------------------------------


def clock(at: str, tz: str) -> str:
    """UTC text as the wall clock of the plant shows it."""
    return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(tz)):%H:%M}"


def day(value: date) -> str:
    """A date as people say it: weekday, day, month."""
    text: str = format_date(value, "EEEE d MMM")
    return text


def number(value: int) -> str:
    """A count with the separators of the language."""
    text: str = format_decimal(value)
    return text


def moment(at: str, tz: str) -> str:
    """UTC text as date and time of the plant, to the second: as an auditor needs it."""
    return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(tz)):%Y-%m-%d %H:%M:%S}"


def when(at: str, tz: str) -> str:
    """UTC text as day, month and time of the plant."""
    local = datetime.fromisoformat(at).astimezone(ZoneInfo(tz))
    return f"{format_date(local.date(), 'd MMM')} {local:%H:%M}"
