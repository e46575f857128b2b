"""Units of measure, limits, and the outcome of a test run; and how a value is shown to people.

Pure: numbers and names in, values out. It knows no instrument, no plan file and no screen. What the bench could not
measure is an *error* of the bench and never a failure of the unit: NaN, infinity and the overload number of SCPI judge
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, cast, get_args

from mes.wire import Outcome

OVERLOAD: Final = 9.9e37
"""What an instrument answers when it cannot measure: 9.9E37 is infinity, 9.91E37 not a number.

Source: the SCPI numbers as the manuals of HP 54620A (page 57, "infinity representation"; also "when a measurement
cannot be made") and Rohde & Schwarz NGE100B (6.3.2.3, INF, NINF and NAN) give them.
"""

NARROW_SPACE: Final = "\u202f"  # narrow no-break space: a value and its unit never part at the end of a line
MINUS: Final = "\u2212"
SHOWN_DIGITS: Final = 6  # significant; more than a bench meter has, fewer than a float's noise


@dataclass(frozen=True, slots=True)
class UnitOfMeasure:
    """One unit of measure: value in SI = value · `factor` + `offset`.

    `name` is how the plan and the wire write it (ASCII), `symbol` how people do. Only units of one `dimension` convert
    into each other.
    """

    name: str
    symbol: str
    dimension: str
    factor: float
    offset: float = 0.0


def _units(*rows: tuple[str, str, str, float]) -> dict[str, UnitOfMeasure]:
    return {row[0]: UnitOfMeasure(*row) for row in rows}


# Source: BIPM, The International System of Units (SI), 9th edition (2019): table 4 (units with special names), table 7
# (prefixes), table 8 (units accepted for use with the SI: minute, hour, decibel), section 2.3.1 (t/°C = T/K - 273.15).
# Apparent power (VA) has the dimension of power, but a limit in W must never be met by a reading in VA: IEC 80000-6
# names them apart, and so does this table. A decibel is a ratio without a common reference: it only equals itself.
# fmt: off
UNITS: Final = MappingProxyType({
    **_units(
        ("uohm", "µΩ", "resistance", 1e-6), ("mohm", "mΩ", "resistance", 1e-3), ("ohm", "Ω", "resistance", 1.0),
        ("kohm", "kΩ", "resistance", 1e3), ("Mohm", "MΩ", "resistance", 1e6), ("Gohm", "GΩ", "resistance", 1e9),
        ("uV", "µV", "voltage", 1e-6), ("mV", "mV", "voltage", 1e-3), ("V", "V", "voltage", 1.0),
        ("kV", "kV", "voltage", 1e3),
        ("nA", "nA", "current", 1e-9), ("uA", "µA", "current", 1e-6), ("mA", "mA", "current", 1e-3),
        ("A", "A", "current", 1.0),
        ("mW", "mW", "power", 1e-3), ("W", "W", "power", 1.0), ("kW", "kW", "power", 1e3),
        ("VA", "VA", "apparent power", 1.0), ("kVA", "kVA", "apparent power", 1e3),
        ("Wh", "Wh", "energy", 3600.0), ("kWh", "kWh", "energy", 3.6e6), ("J", "J", "energy", 1.0),
        ("mAh", "mAh", "charge", 3.6), ("Ah", "Ah", "charge", 3600.0),
        ("Hz", "Hz", "frequency", 1.0), ("kHz", "kHz", "frequency", 1e3), ("MHz", "MHz", "frequency", 1e6),
        ("pF", "pF", "capacitance", 1e-12), ("nF", "nF", "capacitance", 1e-9), ("uF", "µF", "capacitance", 1e-6),
        ("uH", "µH", "inductance", 1e-6), ("mH", "mH", "inductance", 1e-3),
        ("mg", "mg", "mass", 1e-6), ("g", "g", "mass", 1e-3), ("kg", "kg", "mass", 1.0),
        ("mm", "mm", "length", 1e-3), ("cm", "cm", "length", 1e-2), ("m", "m", "length", 1.0),
        ("us", "µs", "time", 1e-6), ("ms", "ms", "time", 1e-3), ("s", "s", "time", 1.0),
        ("min", "min", "time", 60.0), ("h", "h", "time", 3600.0),
        ("Pa", "Pa", "pressure", 1.0), ("kPa", "kPa", "pressure", 1e3), ("bar", "bar", "pressure", 1e5),
        ("Nm", "N·m", "torque", 1.0), ("N", "N", "force", 1.0),
        ("%", "%", "ratio", 0.01), ("dB", "dB", "level", 1.0), ("K", "K", "temperature", 1.0),
    ),
    "degC": UnitOfMeasure("degC", "°C", "temperature", 1.0, 273.15),
})
# fmt: on
"""Every unit of measure that a plan may name, by name."""


def is_measurement(value: float) -> bool:
    """Tell whether a number is a reading at all: finite, and below the overload number in size."""
    return math.isfinite(value) and abs(value) < OVERLOAD


def convert(value: float, from_unit: str, to_unit: str) -> float | None:
    """Express a reading in another unit of measure.

    Args:
        value: the reading, in `from_unit`.
        from_unit, to_unit: names in `UNITS`.

    Returns:
        The value in `to_unit`; the very same number when both are the same. None when a unit is unknown, when the two
        measure different things, or when the number is no reading: scaling an overload would make it look like one.
    """
    source, target = UNITS.get(from_unit), UNITS.get(to_unit)
    if source is None or target is None or source.dimension != target.dimension or not is_measurement(value):
        return None
    if source.name == target.name:
        return value
    if source.offset == target.offset:
        # One factor, exact in decimal: 100 mohm must be the very 0.1 ohm that a limit says, or it would fail by 1e-17.
        return float(Decimal(repr(value)) * Decimal(repr(source.factor)) / Decimal(repr(target.factor)))
    kelvin = Decimal(repr(value)) * Decimal(repr(source.factor)) + Decimal(repr(source.offset))
    return float((kelvin - Decimal(repr(target.offset))) / Decimal(repr(target.factor)))


def judge(value: float, low: float | None, high: float | None) -> Outcome:
    """Judge one reading against its limits, all in the same unit of measure.

    Args:
        value: the reading.
        low, high: the limits, both inclusive; None where there is none.

    Returns:
        "passed" or "failed"; "error" when the number is no reading (NaN, infinity, overload).
    """
    if not is_measurement(value):
        return "error"
    if (low is not None and value < low) or (high is not None and value > high):
        return "failed"
    return "passed"


def is_marginal(value: float, low: float | None, high: float | None, band: float) -> bool:
    """Tell whether a reading that passes lies less than `band` inside one of its limits; all in one unit of measure."""
    if judge(value, low, high) != "passed":
        return False
    return (low is not None and value - low < band) or (high is not None and high - value < band)


def overall(outcomes: Iterable[str]) -> Outcome:
    """The outcome of a run from the outcomes of its tests.

    A unit that failed one test has failed, whatever else the bench could not do. Without a failure, the first error,
    time-out or abort is the run's outcome: a broken bench is not a broken unit, and it is not a pass either. A word
    that is no outcome counts as an error, and so does a run without any test: neither says anything of the unit.
    """
    seen = [cast(Outcome, o) if o in get_args(Outcome) else "error" for o in outcomes]
    if not seen:
        return "error"
    if "failed" in seen:
        return "failed"
    return next((o for o in seen if o != "passed"), "passed")


def show(value: float, unit: str, language: str) -> str:
    """Write a value with its unit for people: `0,6 MΩ` in French, `0.6 MΩ` in English.

    Six significant digits at most, no exponent; a narrow no-break space before the symbol, between thousands in French
    (a comma in English). An unknown unit is shown as it is named. A number that is no reading is said in words.

    Source: SI brochure, 9th edition, 5.4.3 (a space between number and unit, °C and % too) and 5.4.4 (decimal marker).
    """
    if not is_measurement(value):
        return "out of range" if language == "en" else "hors plage"
    known = UNITS.get(unit)
    symbol = known.symbol if known else unit
    number = f"{Decimal(f'{value:.{SHOWN_DIGITS}g}'):,f}"
    whole, _, fraction = number.partition(".")
    fraction = fraction.rstrip("0")
    if language == "en":
        text = whole + (f".{fraction}" if fraction else "")
    else:
        text = whole.replace(",", NARROW_SPACE) + (f",{fraction}" if fraction else "")
    text = "0" if text == "-0" else text.replace("-", MINUS)
    return f"{text}{NARROW_SPACE}{symbol}" if symbol else text
