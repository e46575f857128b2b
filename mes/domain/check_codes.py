"""Codes whose content is known, and what is wrong with a scanner that reads them otherwise.

Pure: what should come and what came, a `Finding` out; no bytes make it raise. It must not know ports, files or makers.
The sheet with the codes is printed by `mes doctor --sheet`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from mes.i18n import N_

GS: Final = "\x1d"  # Source: GS1 General Specifications, 7.8.4: FNC1 as a separator is sent as ASCII 29

Symbology = Literal["code128", "gs1-128", "qr"]
Fault = Literal[
    "ok", "no_aim", "nothing", "wrong_speed", "parity", "no_terminator", "other_terminator", "keyboard", "azerty",
    "qwerty", "caps", "gs_lost", "gs_replaced", "before", "after", "cut", "twice", "other_code", "unknown",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CheckCode:
    """One code of the sheet: its number there, what it holds, how it is printed, and what it finds."""

    number: int
    text: str
    symbology: Symbology
    finds: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What reading a check code has shown. `detail` is the characters that are too many, or stand for others."""

    fault: Fault
    number: int
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether a bench can work with it."""
        return self.fault in ("ok", "no_aim")


CODES: Final = (
    CheckCode(1, "ATELIER-CHECK-1", "code128", N_("Does it read, at the right speed, with an end?")),
    CheckCode(2, "QWAZM-qwazm-0123456789", "code128", N_("Does a keyboard layout change letters or digits?")),
    # The GTIN is GS1's own example. Source: GS1 General Specifications, 3.2
    CheckCode(3, f"010950600013435210LOT7{GS}21S42", "gs1-128", N_("Does the separator GS arrive (bars)?")),
    CheckCode(4, f"ATELIER-4{GS}GS{GS}END", "qr", N_("Does the separator GS arrive (square)?")),
)

SAID: Final[Mapping[Fault, tuple[str, str]]] = MappingProxyType(
    {
        "ok": (N_("Read as it should be."), ""),
        "no_aim": (
            N_("Read as it should be, but the scanner does not say which kind of code it was."),
            N_("Scan the setting “transmit AIM ID” (also: “AIM code ID”, “symbology identifier”) of its manual."),
        ),
        "nothing": (N_("Nothing came."), N_("Is the scanner plugged in, is the port the right one, did it beep?")),
        "wrong_speed": (
            N_("What comes is noise, as from a line at the wrong speed."),
            N_("Make both speeds equal: `baud` in the station's file, and the setting “baud rate” of the scanner. "
               "`mes doctor --station FILE --speeds PORT` tries all."),
        ),
        "parity": (
            N_("The right characters come with another parity."),
            N_("Scan the settings “8 data bits”, “no parity”, “1 stop bit” of the scanner's manual."),
        ),
        "no_terminator": (
            N_("The code comes without an end."),
            N_("Scan the setting “suffix CR” (also: “add carriage return”, “terminator CR”, “Enter”) of its manual."),
        ),
        "other_terminator": (
            N_("The code ends with %(detail)s and not with CR."),
            N_("Scan the setting “suffix CR” (also: “add carriage return”, “terminator CR”, “Enter”) of its manual."),
        ),
        "keyboard": (
            N_("The scanner types like a keyboard; it is not in serial mode."),
            N_("Scan the setting for a serial port over USB: “USB-COM”, “USB serial”, “CDC” or “virtual COM port”, "
               "as its maker calls it. Then unplug it and plug it in again."),
        ),
        "azerty": (
            N_("The scanner types for an English keyboard (QWERTY), this PC has a French one (AZERTY)."),
            N_("Best: serial mode, which has no keyboard. Else scan the setting “keyboard country: France”."),
        ),
        "qwerty": (
            N_("The scanner types for a French keyboard (AZERTY), this PC has an English one (QWERTY)."),
            N_("Best: serial mode, which has no keyboard. Else scan the setting “keyboard country: USA”."),
        ),
        "caps": (
            N_("Capital and small letters are exchanged."),
            N_("Caps Lock is on: press it. At the scanner: the setting “do not change case”."),
        ),
        "gs_lost": (
            N_("The separator GS is lost: fields of GS1 codes run into each other."),
            N_("Scan the setting “transmit GS (FNC1) as ASCII 29”. In keyboard mode GS is often lost: "
               "use serial mode."),
        ),
        "gs_replaced": (
            N_("The separator GS comes as %(detail)s."),
            N_("Scan the setting “transmit GS (FNC1) as ASCII 29”, and end its replacement by other characters."),
        ),
        "before": (
            N_("%(detail)s comes before the code."),
            N_("Scan the setting “no prefix” (also: “clear all prefixes”) of its manual."),
        ),
        "after": (
            N_("%(detail)s comes after the code."),
            N_("Scan the setting “no suffix but CR” (also: “clear all suffixes”, then “add CR”) of its manual."),
        ),
        "cut": (
            N_("Only the beginning comes: %(detail)s"),
            N_("Is the setting “maximum length” of the scanner too small, or does another program read the same port?"),
        ),
        "twice": (
            N_("The code comes twice."),
            N_("Scan the setting “same code again: after a delay” (also: “double read timeout”) of its manual."),
        ),
        "other_code": (N_("This is another code of the sheet."), N_("Scan the code that is asked for.")),
        "unknown": (N_("This is no code of the sheet."), N_("Scan the codes of `mes doctor --sheet`.")),
    }
)  # fmt: skip
"""What was found, and the cure; translated where it is shown."""

# What is printed on the keys of a US and of a French keyboard, key by key, without and with Shift.
# Source: the layouts `us` and `fr` of xkeyboard-config; ² stands for a key that the codes do not use.
_US: Final = "1234567890-=qwertyuiop[]asdfghjkl;'zxcvbnm,./" + '!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>?'
_FR: Final = "&é\"'(-è_çà)=azertyuiop^$qsdfghjklmùwxcvbn,;:!" + "1234567890°+AZERTYUIOP¨£QSDFGHJKLM%WXCVBN?./§"
_US_ON_FR: Final = str.maketrans(_US, _FR)
_FR_ON_US: Final = str.maketrans(_FR, _US)
_DIGITS_ON_FR: Final = str.maketrans(_US[:10], _FR[:10])
_AIM: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")  # Source: ISO/IEC 15424
_END: Final = re.compile(r"\r\n|\r|\n")
_OTHER_END: Final = re.compile(r"[\t\x03\x04\x17 ]+\Z")
NOISE: Final = 0.2
"""The share of bytes that no label holds above which a reading is noise."""


def diagnose(expected: CheckCode, got: bytes) -> Finding:
    """What is wrong with a scanner that should have sent `expected`.

    Args:
        got: everything that came for one scan, with its end; typed text as UTF-8.
    """
    n = expected.number
    if not got.strip(b"\x00"):
        return Finding("wrong_speed" if got else "nothing", n)
    body, end = _ended(got.decode("utf-8", "surrogateescape"))
    plain = _bare(body)
    found = _content(expected, plain)
    if found.fault == "unknown":
        found = _line(expected, got, found)
    if found.fault != "ok":
        return found
    if end is None:
        return Finding("no_terminator", n)
    if end:
        return Finding("other_terminator", n, shown(end))
    return found if plain != body else Finding("no_aim", n)


def recognise(got: bytes) -> Finding:
    """The same when it is not said which code was scanned: the likeliest."""
    found = [diagnose(code, got) for code in CODES]
    known = [f for f in found if f.fault not in ("unknown", "other_code")]
    whole = [f for f in known if f.fault not in ("cut", "wrong_speed", "before", "after")]
    return next(iter([f for f in known if f.good] or whole or known), found[0])


def shown(text: str | bytes) -> str:
    """Characters for people: control characters by name or number, everything else as it is."""
    said = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
    return "".join(_NAMES.get(c) or (c if c.isprintable() else _number(c)) for c in said)


_NAMES: Final = {
    "\r": "<CR>", "\n": "<LF>", "\t": "<TAB>", "\x02": "<STX>", "\x03": "<ETX>", "\x04": "<EOT>", "\x1d": "<GS>",
    "\x1e": "<RS>", "\x00": "<NUL>", " ": "␠",
}  # fmt: skip


def _number(c: str) -> str:
    return f"<{ord(c) - 0xDC00 if 0xDC80 <= ord(c) <= 0xDCFF else ord(c):02X}>"


def _ended(text: str) -> tuple[str, str | None]:
    """The code and its end: empty for CR, LF or both, None when there is none."""
    if m := _END.search(text):
        if m.end() == len(text):
            return text[: m.start()], ""
        again = text[m.end() :].rstrip("\r\n")
        if again == text[: m.start()]:
            return again + _bare(again), ""  # the same code twice, each with its end
    if m := _OTHER_END.search(text):
        return text[: m.start()].removeprefix("\x02"), m[0]
    return text, None


def _bare(body: str) -> str:
    """The code without the identifier of its kind."""
    aim = _AIM.match(body)
    return body[aim.end() :] if aim else body


def _content(expected: CheckCode, plain: str) -> Finding:
    """What has become of the characters."""
    want, n = expected.text, expected.number
    if plain == want:
        return Finding("ok", n)
    if any(plain == code.text for code in CODES):
        return Finding("other_code", n)
    if GS in want:
        if plain == want.replace(GS, ""):
            return Finding("gs_lost", n)
        m = re.fullmatch("(.{1,8})".join(map(re.escape, want.split(GS))), plain, re.DOTALL)
        if m and len(set(m.groups())) == 1:
            return Finding("gs_replaced", n, shown(m[1]))
    for fault, typed in _typed(want):
        if plain == typed:
            return Finding(fault, n)
    if plain == want + want:
        return Finding("twice", n)
    if want in plain:
        before, _, after = plain.partition(want)
        return Finding("before", n, shown(before[:40])) if before else Finding("after", n, shown(after[:40]))
    if len(plain) >= 4 and want.startswith(plain):
        return Finding("cut", n, shown(plain))
    return Finding("unknown", n)


def _typed(want: str) -> Iterator[tuple[Fault, str]]:
    """What keyboards make of a code; GS is often lost on the way."""
    for text in dict.fromkeys((want, want.replace(GS, ""))):
        for case in (text, text.swapcase()):
            yield "azerty", case.translate(_US_ON_FR)
            yield "azerty", case.translate(_DIGITS_ON_FR)
            yield "qwerty", case.translate(_FR_ON_US)
        yield "caps", text.swapcase()
        yield "caps", text.upper()
        yield "caps", text.lower()


def _line(expected: CheckCode, got: bytes, otherwise: Finding) -> Finding:
    """What the line has done to the bytes."""
    stripped = bytes(b & 0x7F for b in got)
    if stripped != got and _content(expected, _bare(_ended(stripped.decode("ascii"))[0])).fault == "ok":
        return Finding("parity", expected.number)
    odd = sum(1 for b in got if not (0x20 <= b < 0x7F or b in b"\r\n\t\x02\x03\x1d\x1e\x04"))
    typed = "\ufffd" not in got.decode("utf-8", "replace")  # é and à of a keyboard are no noise
    if odd > NOISE * len(got) and not typed:
        return Finding("wrong_speed", expected.number)
    return otherwise
