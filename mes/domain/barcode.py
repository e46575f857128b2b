"""What a scanned text says: the scan grammar, from bytes to one frozen value.

In this order: the AIM symbology identifier `]cm`, if the scanner sends one; GS1 element strings; ISO/IEC 15434
component labels; our own typed codes `.T.VALUE.C`; everything else is `Plain` and is matched by the session against
what the step expects. Bad input is a value with its reason, never an exception and never a repaired number.

It must not know ports, sessions, plans or which code is wanted now: the same bytes always say the same thing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from mes.domain.supplier_label import EOT, GS, RS, ComponentLabel, Gs1, read_element_strings, read_envelope, read_gtin

__all__ = [
    "COMMANDS",
    "MAX_BYTES",
    "MAX_VALUE",
    "Badge",
    "CartonCode",
    "Code",
    "Command",
    "CommandName",
    "ComponentLabel",
    "DefectCode",
    "Gs1",
    "Kind",
    "OrderCode",
    "Plain",
    "Quantity",
    "StepCode",
    "Unreadable",
    "Why",
    "check_character",
    "escaped",
    "read",
    "write",
]

Kind = Literal["badge", "command", "defect", "quantity", "step", "carton", "order"]
CommandName = Literal[
    "DONE",
    "PASS",
    "FAIL",
    "UNDO",
    "HELP",
    "PAUSE",
    "RESUME",
    "LEAVE",
    "YES",
    "NO",
    "HELPED",
    "SUPERVISOR",
    "CARTON",
    "PALLET",
]
Why = Literal["empty", "too_long", "bad_characters", "bad_check", "bad_gs1", "bad_label", "unknown_code"]

COMMANDS: Final[tuple[CommandName, ...]] = get_args(CommandName)
MAX_BYTES: Final = 512
"""Longest text that is looked at, in bytes: the longest frame of a scanner."""
MAX_VALUE: Final = 48
"""Longest VALUE of an own code, in characters: the longest id of the plan."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS: Final[dict[str, Kind]] = {
    "B": "badge", "C": "command", "D": "defect", "Q": "quantity", "S": "step", "K": "carton", "O": "order",
}  # fmt: skip
_TYPES: Final[dict[Kind, str]] = {kind: letter for letter, kind in _LETTERS.items()}
_OWN: Final = re.compile(rf"\.([A-Z0-9])\.([A-Z0-9-]{{1,{MAX_VALUE}}})\.([A-Z0-9])")
_AIM: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_AIM_GS1: Final = ("]C1", "]d2", "]Q3", "]e0", "]J1")
_AIM_GTIN: Final[dict[str, tuple[int, ...]]] = {"]E0": (12, 13), "]E4": (8,), "]I1": (14,)}
_FORBIDDEN: Final = re.compile(rb"[^\x20-\x7e\x1d\x1e\x04]")
_ESCAPES: Final = {n: f"\\x{n:02x}" for n in (*range(0x20), *range(0x7F, 0x100))} | {ord("\\"): "\\\\"}


@dataclass(frozen=True, slots=True)
class Badge:
    """An operator's badge: the pseudonymous id."""

    id: str


@dataclass(frozen=True, slots=True)
class Command:
    """A control barcode of the bench. `LEAVE`: the unit goes off the bench unfinished; `HELPED`: help has come;
    `SUPERVISOR`: a supervisor agrees to what the gate has just refused; `CARTON`, `PALLET`: the bench wants a new one,
    with a number of its own."""

    name: CommandName


@dataclass(frozen=True, slots=True)
class DefectCode:
    """A way of being wrong, from the defect sheet."""

    code: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A count of pieces, from the quantity sheet."""

    value: int


@dataclass(frozen=True, slots=True)
class StepCode:
    """A step of a route."""

    id: str


@dataclass(frozen=True, slots=True)
class CartonCode:
    """A carton without SSCC."""

    id: str


@dataclass(frozen=True, slots=True)
class OrderCode:
    """A work order."""

    id: str


@dataclass(frozen=True, slots=True)
class Plain:
    """Any other text: a serial, a lot, a part number. Never empty, printable ASCII only."""

    text: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something was read that says nothing: `raw` escaped (see `escaped`), `why` a code."""

    raw: str
    why: Why


Code = (
    Badge
    | Command
    | DefectCode
    | Quantity
    | StepCode
    | CartonCode
    | OrderCode
    | Gs1
    | ComponentLabel
    | Plain
    | Unreadable
)


def read(raw: bytes | str) -> Code:
    """Say what a scan says.

    Args:
        raw: one frame without its terminator, at most `MAX_BYTES`. Blanks and line ends around it go, GS stays.

    Returns:
        One value. `Unreadable` when the text is empty, too long, holds characters that no label has, or claims to be an
        own code, GS1 data or a component label and is not.
    """
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    # On bytes and with the characters spelled out: str.strip() and str.splitlines() eat GS, RS and their like.
    data = data.strip(b" \t\r\n")
    if not data:
        return Unreadable("", "empty")
    if len(data) > MAX_BYTES:
        return Unreadable(escaped(data), "too_long")
    if _FORBIDDEN.search(data):
        return Unreadable(escaped(data), "bad_characters")
    text = data.decode("ascii")
    found = _AIM.match(text)
    aim, body = (found.group(), text[found.end() :]) if found else (None, text)
    said = _say(aim, body)
    return said if not isinstance(said, str) else Unreadable(escaped(data), said)


def write(kind: Kind, value: str | int) -> str:
    """Make an own code, ready to be printed.

    Args:
        kind: what it is.
        value: 1 to 48 characters of A-Z, 0-9 and hyphen; a command of `COMMANDS`; a whole number from 0 to 999999 for a
            quantity.

    Returns:
        `.T.VALUE.C`, which `read` turns into the value again.

    Raises:
        ValueError: if `read` would not understand it. Lower case is refused, not folded: two ids that differ in case
            alone would get one label.
    """
    letter, text = _TYPES[kind], str(value)
    made = f".{letter}.{text}.{check_character(letter + text) if re.fullmatch('[A-Z0-9-]+', text) else '?'}"
    if isinstance(read(made), Unreadable) or (kind == "quantity" and text != str(int(text))):
        raise ValueError(f"a {kind} code cannot say {text!r}: only A-Z, 0-9 and hyphen, at most {MAX_VALUE} characters")
    return made


def check_character(text: str) -> str:
    """Check character over letters and digits, which catches each single wrong character and nearly all swaps.

    Args:
        text: A-Z, 0-9 and hyphens. Hyphens are skipped, so that a code typed without them still checks; a letter taken
            for a hyphen is the one slip that can stay unseen (1 in 36).

    Returns:
        One of 0-9, A-Z.

    Raises:
        ValueError: for any other character.

    Source: ISO/IEC 7064:2003, hybrid system MOD 37,36 (recursive method).
    """
    product = 36
    for character in text.replace("-", ""):
        product = ((product + _ALPHABET.index(character)) % 36 or 36) * 2 % 37
    return _ALPHABET[(1 - product) % 36]


def escaped(raw: bytes, limit: int = 1000) -> str:
    """Bytes as one printable ASCII line for records and logs: what is not printable becomes `\\xNN`.

    A scanned line feed or ANSI escape could otherwise forge a log line.

    Args:
        raw: any bytes.
        limit: longest result, in characters; a longer one is cut and ends in three dots.
    """
    text = raw[: limit + 1].decode("latin-1").translate(_ESCAPES)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _say(aim: str | None, text: str) -> Code | Why:
    if not text:
        return "empty"
    if aim in _AIM_GS1:
        return read_element_strings(text) or "bad_gs1"
    if aim in _AIM_GTIN and len(text) in _AIM_GTIN[aim]:
        return read_gtin(text) or "bad_gs1"
    if text.startswith(("[)>", ">[)>")):
        return read_envelope(text) or "bad_label"
    if text.startswith("."):  # reserved: a torn own code must not become somebody's serial number
        return _own(text)
    # Without an identifier only two things are taken for GS1: a separator, and a checked SSCC or GTIN in front.
    if aim is None and (GS in text or text.startswith(("00", "01"))):
        found = read_element_strings(text)
        if found:
            return found
    return "bad_gs1" if any(c in text for c in (GS, RS, EOT)) else Plain(text)


def _own(text: str) -> Code | Why:
    found = _OWN.fullmatch(text)
    if found is None or check_character(found[1] + found[2]) != found[3]:
        return "bad_check"
    value = found[2]
    match _LETTERS.get(found[1]):
        case "badge":
            return Badge(value)
        case "command":
            return Command(cast(CommandName, value)) if value in COMMANDS else "unknown_code"
        case "defect":
            return DefectCode(value)
        case "quantity":
            return Quantity(int(value)) if re.fullmatch("[0-9]{1,6}", value) else "unknown_code"
        case "step":
            return StepCode(value)
        case "carton":
            return CartonCode(value)
        case "order":
            return OrderCode(value)
        case None:
            return "unknown_code"
