"""How instruments and their files spell units of measure: every spelling that is certain, and no guess.

Pure: a text in, a name of `mes.domain.measurement.UNITS` out, or nothing. A spelling that could mean two things is left
out: an unknown unit is an error of the bench that a person sees, a wrong one is a value that is wrong a thousandfold.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

# Case counts: m ohm and M ohm are a billion apart. An instrument that only knows capitals writes M for milli, but MOHM
# and MHZ for mega. Source: IEEE 488.2, 7.7.3 (suffixes and their multipliers); SCPI-1999, volume 1, 7.1.
# Volt and ampere have that capital milli here; MW and MF do not stand here: not every maker means what SCPI means.
_BASES: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    # name in UNITS without its prefix, how it is spelt, and for each prefix of UNITS how that is spelt
    ("ohm", "ohm ohms Ohm Ohms OHM OHMS", {"": "", "u": "u", "m": "m", "k": "k K", "M": "M", "G": "G"}),
    (
        "V",
        "V VDC VAC Vdc Vac Vrms VRMS volt volts Volt Volts VOLT VOLTS",
        {"": "", "u": "u U", "m": "m M", "k": "k K"},
    ),
    (
        "A",
        "A ADC AAC Adc Aac Arms ARMS amp amps Amp Amps AMP AMPS",
        {"": "", "n": "n N", "u": "u U", "m": "m M"},
    ),
    ("W", "W watt watts Watt Watts WATT WATTS", {"": "", "m": "m", "k": "k K"}),
    ("VA", "VA", {"": "", "k": "k K"}),
    ("Wh", "Wh WH", {"": "", "k": "k K"}),
    ("Ah", "Ah AH", {"": "", "m": "m"}),
    ("Hz", "Hz HZ hz", {"": "", "k": "k K", "M": "M"}),
    ("F", "F", {"p": "p", "n": "n", "u": "u U"}),
    ("H", "H", {"u": "u U", "m": "m"}),
    ("s", "s S sec SEC Sec", {"": "", "m": "m", "u": "u U"}),
    ("g", "g G", {"": "", "m": "m", "k": "k K"}),
    ("m", "m", {"": "", "m": "m", "c": "c"}),
    ("Pa", "Pa PA", {"": "", "k": "k K"}),
)
_OTHERS: Final = {
    "J": "J", "mAH": "mAh", "MAH": "mAh", "UOHM": "uohm", "UOHMS": "uohm", "milliohm": "mohm", "milliohms": "mohm",
    "MILLIOHM": "mohm", "MILLIOHMS": "mohm", "kilohm": "kohm", "kilohms": "kohm", "KILOHM": "kohm", "KILOHMS": "kohm",
    "megohm": "Mohm", "megohms": "Mohm", "Megohm": "Mohm", "Megohms": "Mohm", "MEGOHM": "Mohm", "MEGOHMS": "Mohm",
    "gigohm": "Gohm", "gigohms": "Gohm", "GIGOHM": "Gohm", "GIGOHMS": "Gohm", "MSEC": "ms", "min": "min", "MIN": "min",
    "h": "h", "bar": "bar", "BAR": "bar", "Nm": "Nm", "NM": "Nm", "N": "N", "%": "%", "PCT": "%", "pct": "%",
    "percent": "%", "dB": "dB", "DB": "dB", "K": "K", "degC": "degC", "DegC": "degC", "DEGC": "degC", "Cel": "degC",
    "CEL": "degC",
}  # fmt: skip

SPELLINGS: Final = MappingProxyType(
    {
        wrote + word: prefix + name
        for name, words, prefixes in _BASES
        for prefix, spelt in prefixes.items()
        for wrote in (spelt.split() or [""])
        for word in words.split()
    }
    | _OTHERS
)
"""Name in `UNITS`, by spelling without blanks."""


def unit_named(text: str) -> str | None:
    """The unit of measure that an instrument means; blanks may stand anywhere in it (`105 M ohm`).

    Returns:
        A name of `UNITS`; None for every spelling that is not in the table. Letters beyond ASCII are not: a link lets
        none through, so a kΩ arrives as noise and is an error.
    """
    return SPELLINGS.get(text.replace(" ", ""))
