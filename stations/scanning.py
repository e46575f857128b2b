"""What a scan means now: from the text that was read to the function that acts on it.

Pure. The order of the questions is the order in which a person would want to hear the answer: is the station ready, who
works here, is it a break, is an answer due; then what the code says, and what is on the bench.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from mes import wire
from mes.domain import barcode
from mes.domain.barcode import Badge, Code, Command, DefectCode, OrderCode, Plain, Quantity, StepCode
from mes.domain.command_words import COMMANDS
from stations import loading, lots, needs, overriding, packing, parts, serials, signing, testing, units
from stations.hints import CODES, HINTS
from stations.inputs import BadScan, Scanned
from stations.turn import LastScan, Session, Turn

REPEAT_MS: Final = 1_000
"""The same unit, order, badge or command again within this time is one scan that the scanner read twice."""
MAX_RAW: Final = 1_000  # characters of what was read that an event carries
MAX_SHOWN: Final = 40  # of these, what fits into a sentence
MAX_DEFECTS: Final = 50  # kinds of defect in one booking

_BADGE: Final = re.compile(r"(\.B\.)[A-Z0-9-]*(\.[A-Z0-9])?")  # an own code that says badge, torn or whole
_WORD: Final = re.compile(r"[A-Z0-9-]+")

Component = barcode.ComponentLabel | barcode.Gs1 | Plain


def scanned(turn: Turn, came: Scanned) -> Turn:
    """A text was scanned, typed or touched."""
    code, last = barcode.read(came.raw), turn.session.last
    turn = overriding.unless_for_it(turn, code)
    now = LastScan(code, came.mono_ms)
    twice = code == last.code and 0 <= came.mono_ms - last.mono_ms < REPEAT_MS
    if twice and not _counts(turn.session, code):
        return turn.put(last=now)  # the banner of the first stands
    if turn.session.asked is not None:
        return _act(turn, code, _text(came.raw))  # refused or aside: the same scan in a moment is not its double
    return _act(turn.put(last=now), code, _text(came.raw))


def bad_scan(turn: Turn, came: BadScan) -> Turn:
    """Something came from a scanner that is no text."""
    raw = _without_badge(turn.session, _text(came.raw))
    body = wire.IdentifiersNotRead(raw=raw, why=came.why[:64] or "?", device=came.device[:64])
    # "Scan it once more": the same label in a moment is that, and not a double of the one before.
    return turn.put(last=LastScan()).note(body).say("unreadable")


def _text(raw: bytes | str) -> str:
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    return barcode.escaped(data.strip(b" \t\r\n"), MAX_RAW)


def _without_badge(s: Session, raw: str) -> str:
    """What was read, without the number of a badge: from there it could never be forgotten."""
    known = s.recall.workers or {}
    return _WORD.sub(lambda word: "…" if word[0] in known else word[0], _BADGE.sub(r"\1…", raw))


def _counts(s: Session, code: Code) -> bool:
    """Whether the same code again is a second piece: two fuses of one lot, two boxes of twenty."""
    front = s.at_front
    if s.lot is not None and isinstance(code, Quantity | DefectCode):
        return True
    if front is None or not isinstance(code, Component):
        return False
    found = needs.component_of(front, code)
    return found is not None and found.serial is None and _unit_of(s, code) is None


def _act(turn: Turn, code: Code, raw: str) -> Turn:
    s = turn.session
    if isinstance(code, Command) and code.name in ("HELP", "HELPED"):
        return _help(turn, came=code.name == "HELPED")
    if isinstance(code, barcode.Unreadable):
        return turn.note(wire.IdentifiersNotRead(raw=_without_badge(s, code.raw), why=code.why)).say("unreadable")
    if s.recall.plan is None:
        return turn.say("not_ready")
    if s.asked is not None:
        return _wait(turn, code)
    if code == Command("SUPERVISOR"):
        return overriding.begin(turn)
    if isinstance(code, Badge):
        offer = s.offer
        return overriding.badge(turn, offer, code.id) if offer and offer.open else signing.badge(turn, code.id)
    if s.operator is None:
        return turn.say("no_operator")
    if s.paused and code != Command("RESUME"):
        return turn.not_now(_called(code), "resume_first")
    if isinstance(code, barcode.Gs1) and code.sscc is not None and not _wanted_here(s, code):
        return packing.label(turn, code.sscc, raw)
    match code:
        case Command():
            return _command(turn, code)
        case OrderCode() if s.box is not None:
            return packing.order(turn, s.box, code.id)
        case OrderCode():
            return lots.take(turn, code.id)
        case DefectCode():
            return _defect(turn, code.code)
        case Quantity():
            return _quantity(turn, code)
        case StepCode():
            return lots.choose_step(turn, code.id)
        case barcode.CartonCode():
            return turn.not_now(_called(code), "go_on")
        case _:
            return _unit_or_part(turn, code, raw)


def _called(code: Code) -> object:
    return COMMANDS[code.name] if isinstance(code, Command) else CODES[type(code).__name__]


def _wait(turn: Turn, code: Code) -> Turn:
    """A verdict that everything hangs on is due within two seconds: not even a badge comes between."""
    return turn.say("not_now", {"text": _called(code), "hint": HINTS["wait"]}, aside=True)


# --- help -----------------------------------------------------------------------------------------------------------


def _help(turn: Turn, *, came: bool) -> Turn:
    s, front = turn.session, turn.session.at_front
    if came:
        return turn.note(wire.HelpAnswered()).put(help_called=False).say("help_came", aside=True)
    unit, step = (front.serial, front.step.id) if front else (None, None)
    if s.lot is not None:
        step = s.lot.step.id
    turn = turn.note(wire.HelpRequested(unit=unit, step=step))
    return turn.put(help_called=True).say("help_called", aside=True)


# --- commands ---------------------------------------------------------------------------------------------------------


def _command(turn: Turn, command: Command) -> Turn:
    s = turn.session
    front = s.at_front
    match command.name:
        case "PAUSE" if any(w.run for w in s.works):
            return turn.not_now(_called(command), "test_runs")
        case "PAUSE":
            return turn.note(wire.StationStateChanged(state="SBY", reason="pause")).put(paused=True).say("paused")
        case "RESUME":
            return signing.resume(turn) if s.paused else turn.not_now(_called(command), "go_on")
        case "CARTON" | "PALLET":
            return _new_carton(turn, command)
        case "DONE" | "YES" | "UNDO" | "LEAVE" | "PASS" | "FAIL" if s.box is not None:
            return packing.obey(turn, s.box, command)
        case "DONE" | "UNDO" | "LEAVE" | "FAIL" if s.lot is not None:
            return lots.obey(turn, s.lot, command)
        case "DONE" if front is not None:
            return units.finish(turn, front)
        case "UNDO" if front is not None and front.run is not None:
            return testing.undone(turn, front)
        case "UNDO":
            return parts.undo(turn, front) if front is not None else turn.say("nothing_to_undo")
        case "LEAVE" if front is not None:
            return units.leave(turn, front, "left")
        case "LEAVE" if s.taking_in is not None:
            return turn.put(taking_in=None).say("unit_left", {"unit": s.taking_in})
        case "PASS" if front is not None:
            return units.passed(turn, front)
        case "YES" if front is not None and front.step.tests:
            return units.again(turn, front)
        case "FAIL" if front is not None:
            return turn.say("which_defect")
        case _:
            return turn.not_now(_called(command), "unit_first" if front is None and s.lot is None else "go_on")


def _new_carton(turn: Turn, command: Command) -> Turn:
    """The bench wants a number of its own."""
    s = turn.session
    busy = s.box.sscc if s.box else s.at_front.serial if s.at_front and s.places == 1 else s.lot and s.lot.order.id
    if busy:
        return turn.say("finish_first", {"unit": busy})
    return packing.wanted(turn, "pallet" if command.name == "PALLET" else "carton")


def _wanted_here(s: Session, code: barcode.Gs1) -> bool:
    """Whether the unit on the bench wants a part that carries such a label."""
    return s.at_front is not None and needs.wanted_of(s.at_front, code.text) is not None


def _defect(turn: Turn, code: str) -> Turn:
    s, front = turn.session, turn.session.at_front
    plan = s.lot.plan if s.lot else front.plan if front else s.recall.plan
    if plan is None or plan.defect(code) is None:
        return turn.say("unknown_defect", {"text": code})
    if s.shut is not None and s.box is None:
        return packing.reopen(turn, s.shut, code)
    if s.lot is not None:
        if code not in s.lot.defects and len(s.lot.defects) >= MAX_DEFECTS:
            return turn.not_now(CODES["DefectCode"], "done_first")
        return lots.count(turn, s.lot, s.lot.spoil(code))
    if front is None:
        return turn.not_now(CODES["DefectCode"], "unit_first")
    return units.spoiled(turn, front, code)


def _quantity(turn: Turn, code: Quantity) -> Turn:
    s, front = turn.session, turn.session.at_front
    if s.box is not None:
        return packing.pieces(turn, s.box, code.value)
    if code.value < 1:
        return turn.say("needs_quantity") if s.lot else turn.not_now(CODES["Quantity"], "go_on")
    if s.lot is not None:
        return lots.count(turn, s.lot, s.lot.add(code.value))
    if front is None:
        return turn.not_now(CODES["Quantity"], "unit_first")
    if not any(c.per == "lot" for c, _ in front.needed):
        return turn.not_now(CODES["Quantity"], "scan_done")
    return turn.put_work(replace(front, times=code.value)).say("next_lot", {"count": code.value})


# --- units and parts --------------------------------------------------------------------------------------------------


def _unit_of(s: Session, code: Component) -> str | None:
    """The unit whose label this is; None when it is no unit's, or a part that the unit on the bench wants."""
    text, here = code.text, s.at_front or s.lot
    if s.work(text) is not None:
        return text
    if isinstance(code, barcode.ComponentLabel) or not s.recall.looks_like_a_unit(text):
        return None
    # A subassembly is a unit of another product, and here a part.
    return None if here is not None and needs.wanted_of(here, text) is not None else text


def _unit_or_part(turn: Turn, code: Code, raw: str) -> Turn:
    s = turn.session
    assert isinstance(code, Component)
    serial = _unit_of(s, code)
    if serial is not None and s.box is not None:
        return packing.unit(turn, s.box, serial, raw)
    front = s.at_front
    if s.lot is None and serials.is_new(s, code.text) and (front is None or serial is not None):
        return serials.scan(turn, code.text, raw)
    if serial is not None:
        return units.label(turn, serial, raw)
    if s.lot is not None and (bag := needs.component_of(s.lot, code)) is not None:
        return loading.scan(turn, s.lot, bag, raw)
    if front is None:
        return _part_too_early(turn, code, raw)
    found = needs.component_of(front, code)
    return parts.fit(turn, front, found, raw) if found is not None else _unknown(turn, code, raw)


def _part_too_early(turn: Turn, code: Component, raw: str) -> Turn:
    if isinstance(code, Plain) and not needs.known_part(turn.session.recall.plan, code.text):
        return _unknown(turn, code, raw)
    return turn.not_now(CODES[type(code).__name__], "unit_first" if turn.session.lot is None else "done_first")


def _unknown(turn: Turn, code: Component, raw: str) -> Turn:
    turn = turn.note(wire.IdentifiersNotRead(raw=_without_badge(turn.session, raw), why="unknown_code"))
    shown = raw if len(raw) <= MAX_SHOWN else raw[: MAX_SHOWN - 1] + "…"
    return turn.say("unknown_code", {"text": shown})
