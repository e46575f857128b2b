"""From a `Screen` to what the page's templates lay out: words in the person's language, marks, codes, geometry.

Pure but for the translation, which is the current Flask context's. It decides nothing about the work: what may be
pressed, what is missing and what the verdict is, the session has already said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from math import ceil
from typing import Any, Final

from mes.domain import reasons
from mes.domain.barcode import COMMANDS, write
from mes.domain.measurement import is_marginal, show
from stations.screen import words
from stations.screen.gauge import gauge
from stations.screen.page import Action, DefectTile, Kept, Notice, Page, Row, Size, Verdict
from stations.signal import Light, score, signal
from stations.view import InRack, Need, Screen

# What a text takes of the middle column at each size, at 1280×800: letters on a line and the height of a line of the
# title, the same for a sentence, and the gap after it, in pixels (see bench.css). A text that would not fit is set
# smaller before it is ever cut; the smallest still scrolls.
SETTINGS: Final[tuple[tuple[Size, int, int, int, int, int], ...]] = (
    ("large", 19, 48, 29, 37, 13),
    ("medium", 23, 40, 33, 33, 9),
    ("small", 28, 34, 39, 27, 6),
)
ROOM: Final = 320  # pixels, without the button that reads aloud
PROGRESS_PX: Final = 72  # the bar of a test that runs, with its words
NOTICE_PX: Final = 60  # a row of notices; two stand beside each other
ROWS_SHOWN: Final = 5  # needs that fit into the card; more of them fold those that are done into one line
RACK_IN_WORDS: Final = 4  # with more units in the rack, only the place, the bar and what is wrong are shown
_BAD: Final = ("out", "error")
UNPLUGGED: Final = frozenset({"", "unplugged", "lost", "gone", "device_lost"})


def paint(screen: Screen, language: str, *, now: datetime, keep: Callable[[str], str]) -> Page:
    """Say everything that the page shows.

    Args:
        screen: what the session says.
        language: of the person.
        now: for the minutes left in the rack, with a time zone.
        keep: takes an SVG text and returns the key under which the page can load it.
    """
    title, lines = _middle(screen, language)
    notices = _notices(screen, language)
    counts = screen.left is not None or screen.good > 0 or screen.scrap > 0
    room = ROWS_SHOWN - (2 if notices or counts else 0)
    rows, folded, later = _fold(tuple(_row(n, language) for n in screen.needs), room)
    link_mark, link_word = words.link(screen.link)
    at, of = screen.place
    return Page(
        screen=screen,
        language=language,
        phase=screen.phase,
        verdict=_verdict(screen, language),
        notices=notices,
        actions=_actions(screen),
        title=title,
        lines=lines,
        numbered=screen.phase not in ("starting", "paused") and len(lines) > 1,
        size=_size(title, lines, len(notices), tests=screen.phase == "testing"),
        picture=keep(screen.picture) if screen.picture and screen.phase != "paused" else None,
        drawing=_drawing(screen),
        rows=rows,
        folded=folded,
        later=later,
        counts=counts,
        progress=_progress(screen),
        left=_left(screen),
        devices=tuple((words.device(d.family, d.name), d.ok) for d in screen.devices)
        if screen.phase == "starting"
        else (),
        rack=_rack(screen, now),
        rack_summary=_summary(screen),
        rack_place=words.rack_place(screen.rack_place) if screen.rack_place else "",
        defects=tuple(
            DefectTile(_code_of_defect(code), name.to(language), keep(svg) if svg else None)
            for code, name, svg in screen.defects
        ),
        number=any(row.counts for row in rows),
        link_mark=link_mark,
        link_word=link_word,
        kept_word=words.kept(screen.kept),
        product=screen.product.to(language) if screen.product else "",
        place_word=words.place(at, of) if of else "",
        say=" ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in (title, *lines)),
    )


def picture_key(svg: str) -> str:
    """The name under which a picture is served: the same drawing has the same name."""
    return hashlib.sha256(svg.encode()).hexdigest()[:32]


def _verdict(screen: Screen, language: str) -> Verdict:
    banner = screen.banner
    sentence, todo = reasons.sentence(banner.reason, _args(screen), language)
    light: Light = "help" if banner.reason == "help_called" else banner.tone
    length = len(sentence) + len(todo) // 2
    return Verdict(
        light=light,
        word=words.light(light),
        sentence=sentence,
        todo=todo,
        serial=banner.serial,
        sound=score(signal(banner.tone).notes),
        size="large" if length <= 62 else "medium" if length <= 130 else "small",
        opens=_opens(screen),
    )


def _opens(screen: Screen) -> str:
    """The panel that answers the banner's question."""
    if screen.banner.reason == "which_defect" and screen.defects:
        return "defects"
    return "pin" if screen.banner.reason == "override_pin" and screen.pin_due else ""


def _args(screen: Screen) -> Mapping[str, Any]:
    """The arguments of the reason; a device is called by what it is, not by the name of its port."""
    args = screen.banner.args
    named = next((d for d in screen.devices if d.name == args.get("device")), None)
    return {**args, "device": words.device(named.family, named.name)} if named else args


def _notices(screen: Screen, language: str) -> tuple[Notice, ...]:
    """What lasts longer than a verdict; not said twice when the verdict is just that."""
    said = screen.banner
    notices = []
    if screen.help_called and said.reason != "help_called":
        notices.append(Notice("help", "help", "help", *reasons.sentence("help_called", {}, language)))
    if screen.unsafe and said.reason != "bench_not_safe":
        named = next((d for d in screen.devices if d.name in screen.unsafe), None)
        name = words.device(named.family, named.name) if named else screen.unsafe[0]
        notices.append(
            Notice("unsafe", "stop", "stop", *reasons.sentence("bench_not_safe", {"device": name}, language))
        )
    for n, device in enumerate(screen.devices):
        if device.ok or screen.phase == "starting":
            continue
        if said.reason == "device_lost" and said.args.get("device") == device.name:
            continue
        name = words.device(device.family, device.name)
        if device.fault in UNPLUGGED:
            text = reasons.sentence("device_lost", {"device": name}, language)
        else:
            text = words.device_trouble(name)
        notices.append(Notice(f"device-{n}", "stop", "cable", *text))
    trouble = words.trouble(screen.link)
    if trouble:
        light: Light = "stop" if trouble[0] == "stop" else "kept"
        notices.append(Notice("link", light, "bad" if light == "stop" else "unlinked", trouble[1], trouble[2]))
    if screen.plain_http:
        notices.append(Notice("plain", "kept", "unlinked", *words.plain_http()))
    return tuple(notices)


def _actions(screen: Screen) -> tuple[Action, ...]:
    actions, keys = [], set[str]()
    for name in (c for c in words.BUTTONS if c in screen.actions and c in COMMANDS):
        look = words.BUTTONS[name]
        panel = name == "FAIL" and bool(screen.defects)
        actions.append(
            Action(
                id=f"do-{name.lower()}",
                label=words.command(name),
                mark=look.mark,
                look=look.look,
                key="" if look.key in keys else look.key,
                code="" if panel else write("command", name),
                opens="defects" if panel else "",
            )
        )
        keys.add(look.key)
    return tuple(actions)


def _middle(screen: Screen, language: str) -> tuple[str, tuple[str, ...]]:
    if screen.phase == "starting":
        return words.starting()
    if screen.phase == "paused":
        return words.paused()
    if screen.step is not None:
        return screen.step.name.to(language), screen.step.instruction.to(language)
    if screen.unit is not None:  # a carton is no unit of a step
        full = any(n.kind == "quantity" and n.state == "ok" for n in screen.needs)
        weighs = any(n.kind == "test" for n in screen.needs)
        return words.packed_full(weighs=weighs) if full else words.packing()
    if screen.phase == "signed_out":
        return words.signed_out()
    if screen.phase == "asking":
        return words.asking()
    return words.taking_in() if screen.order is not None else words.idle()


def _drawing(screen: Screen) -> str:
    if screen.phase in ("starting", "paused", "signed_out"):
        return f"p-{screen.phase}"
    if screen.step is not None:
        return words.kind_picture(screen.step.kind)
    if screen.unit is not None:
        return words.kind_picture("pack")
    return "p-starting" if screen.phase == "asking" else "p-idle"


def _size(title: str, lines: tuple[str, ...], notices: int, *, tests: bool) -> Size:
    room = ROOM - NOTICE_PX * ceil(notices / 2) - (PROGRESS_PX if tests else 0)
    for size, title_letters, title_px, letters, px, gap in SETTINGS:
        height = ceil(len(title) / title_letters) * title_px
        if height + sum(ceil(len(line) / letters) * px + gap for line in lines) <= room:
            return size
    return "small"


def _row(need: Need, language: str) -> Row:
    note = " · ".join(part for part in (need.part if need.name else "", need.detail) if part)
    just = words.just_good() if _is_just_good(need) else ""
    if need.nothing:
        note = words.nothing()
    elif just:
        note = ""  # the picture says where, and the answer says the limits
    elif need.low is not None or need.high is not None:
        note = words.limits(need.low, need.high, need.unit, language)
    return Row(
        state=need.state,
        state_word=words.state(need.state),
        title=words.need(need, language),
        note=note,
        value=_value(need, language),
        gauge=gauge(need.value, need.low, need.high, need.marginal)
        if need.kind == "test" and not need.nothing
        else None,
        nothing=need.nothing,
        just=just,
        counts=need.kind == "quantity" and need.name is None and need.state in ("todo", "doing"),
    )


def _is_just_good(need: Need) -> bool:
    known = need.state == "ok" and need.value is not None
    return known and is_marginal(need.value or 0.0, need.low, need.high, need.marginal)


def _value(need: Need, language: str) -> str:
    if need.kind == "quantity":
        return str(need.have) if need.have and need.name is None else ""  # its own name says how many of how many
    over = need.kind == "time" and need.state == "ok"
    return "" if need.value is None or over else show(need.value, need.unit, language)


def _fold(rows: tuple[Row, ...], room: int) -> tuple[tuple[Row, ...], int, int]:
    """Keep in sight what is being done: in a long list what is good, and then tests far ahead, stand as a number.

    Returns:
        The rows that are shown, how many good ones and how many later ones are not.
    """
    spare = len(rows) - room
    good = [n for n, row in enumerate(rows) if row.state == "ok"][: spare + 1] if spare > 0 else []
    good = good if len(good) > 1 else []
    spare -= max(0, len(good) - 1)
    ahead = [n for n, row in enumerate(rows) if row.state == "todo" and row.gauge is not None][1:]
    later = ahead[-(spare + 1) :] if spare > 0 else []
    later = later if len(later) > 1 else []
    hidden = {*good, *later}
    return tuple(row for n, row in enumerate(rows) if n not in hidden), len(good), len(later)


def _left(screen: Screen) -> str:
    if screen.tester:
        return words.waiting_tester()
    return words.left(screen.left_s) if screen.left_s is not None else ""


def _progress(screen: Screen) -> tuple[int, int] | None:
    if screen.phase != "testing":
        return None
    tests = [n for n in screen.needs if n.kind == "test"]
    return sum(1 for n in tests if n.state in ("ok", "bad")), len(tests)


def _rack(screen: Screen, now: datetime) -> tuple[Kept, ...]:
    """The units in the rack, what wants a person first; while one is at the front, that one has the room."""
    if screen.unit:
        return ()
    shown = [_in_rack(item, now) for item in sorted(screen.rack, key=_urgency)]
    few = len(shown) <= RACK_IN_WORDS
    return tuple(shown if few else (item if item.bad or not item.place else replace(item, note="") for item in shown))


def _summary(screen: Screen) -> str:
    if not screen.unit or not screen.rack:
        return ""
    ready = sum(item.ready for item in screen.rack)
    return words.rack_summary(len(screen.rack), ready, sum(item.last in _BAD for item in screen.rack))


def _urgency(item: InRack) -> tuple[bool, str, int]:
    """What wants a person first: a sample that is not good, then what is ready, then what will be ready next."""
    return item.last not in _BAD, item.ready_at, item.place or 0


def _in_rack(item: InRack, now: datetime) -> Kept:
    left = (datetime.fromisoformat(item.ready_at) - now).total_seconds()
    return Kept(
        item.unit,
        item.ready,
        words.ready() if item.ready else words.minutes(max(1, ceil(left / 60))),
        place=words.rack_place(item.place) if item.place else "",
        share=1.0 if item.ready else max(0.0, min(1.0, 1 - left / item.min_s)) if item.min_s else None,
        note=words.last_sample(item.last),
        bad=item.last in _BAD,
    )


def _code_of_defect(code: str) -> str:
    try:
        return write("defect", code)
    except ValueError:  # a code that no label can say: the session answers with the reason, the tile is not hidden
        return code
