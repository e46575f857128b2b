"""Electrical safety testers in the dialect of the GW Instek GPT-9000: PE continuity, insulation, dielectric.

The instrument judges for itself, and its FAIL is never overruled: such a reading is `rejected`. High voltage is
switched off whatever happens. It must not know the plan's limits, nor which unit is connected.

Source: GW Instek GPT-9000/9000A user manual, remote control: MEASure, FUNCtion:TEST, MANU:EDIT:MODE, MANU:STEP.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, cast

from mes.domain.barcode import escaped
from mes.domain.spelling import unit_named
from stations.devices.readings import Broken, Link, NoReply, Reading, no_reading, number, text_of
from stations.devices.scpi import drain_errors
from stations.frames import PRINTABLE, Framing

FRAMING: Final = Framing(max_bytes=200, allowed=PRINTABLE)
END: Final = b"\n"

Function = Literal["ACW", "DCW", "IR", "GB"]
POLL_S: Final = 0.05
START_S: Final = 2.0
"""How long the tester may take to report that it is testing, in seconds; after that the start did not happen."""

_NOT_STARTED: Final = Reading(None, None, "error", "the test did not start")
_ASK: Final = re.compile(r"(ACW|DCW|IR|GB)(?:@([0-9]{1,3}))?")
_RESULT: Final = re.compile(
    r">?\s{0,4}(ACW|DCW|IR|GB)\s{0,4},\s{0,4}([A-Z]{1,10})\s{0,4},([^,]{1,24}),([^,]{1,24}),\s{0,4}([TR])\s{0,4}="
    r"\s{0,4}([0-9.]{1,8})\s{0,4}S?\s{0,4}"
)
_QUANTITY: Final = re.compile(r"\s{0,4}([<>]?)\s{0,4}([0-9.,]{1,12})\s{0,4}([A-Za-z][A-Za-z ]{0,7})")

BROKEN: Final = (
    Broken("silence", b"", "timeout"),
    Broken("half a result, then silence", b">ACW, PASS , 1.500kV ,0.2", "error"),
    Broken("bytes of a wrong baud rate", b">ACW, PASS , 1.5\xff\xfe00kV ,0.213 mA ,T=001.0S\r\n", "error"),
    Broken("an error instead of a result", b'-113,"Undefined header"\r\n', "error"),
    Broken("another function than was asked", b">DCW, PASS , 1.500kV ,0.213 mA ,T=001.0S\r\n", "error"),
    Broken("no test was run", b">ACW, VIEW , 1.500kV ,0.213 mA ,T=001.0S\r\n", "error"),
    Broken("passed, but it ended during the ramp", b">ACW, PASS , 1.500kV ,0.213 mA ,R=000.5S\r\n", "error"),
    Broken("an unknown judgement", b">ACW, ABORT , 1.500kV ,0.213 mA ,T=001.0S\r\n", "error"),
    Broken("no unit", b">ACW, PASS , 1.500kV ,0.213 ,T=001.0S\r\n", "error"),
    Broken("an unknown unit", b">ACW, PASS , 1.500kV ,0.213 parsec ,T=001.0S\r\n", "error"),
    Broken("no number", b">ACW, PASS , 1.500kV ,-.- mA ,T=001.0S\r\n", "error"),
    Broken("beyond the range", b">ACW, PASS , 1.500kV ,>42.0 mA ,T=001.0S\r\n", "overflow"),
    Broken("a breakdown during the ramp", b">ACW, FAIL , 0.024kV ,0.013 mA ,R=000.1S\r\n", "rejected"),
    Broken("FAIL with a small current", b">ACW, FAIL , 1.500kV ,0.213 mA ,T=001.0S\r\n", "rejected"),
    Broken("blanks elsewhere", b"ACW,PASS,1.500 kV, 0.213m A,T=1.0S\r\n", "measured"),
    Broken("the result twice", b">ACW, PASS , 1.500kV ,0.213 mA ,T=001.0S\r\n" * 2, "measured"),
)
"""What `MEAS?` answers instead of a plain result, when ACW was asked for."""


@dataclass(frozen=True, slots=True)
class Result:
    """What `MEAS?` says of the last test.

    Attributes:
        function: what was tested.
        judgement: PASS, FAIL, VIEW (no test was run) or another word of the instrument.
        voltage: the voltage reached, with its unit.
        value: current or resistance; None when it is beyond the range.
        unit: unit of `value`.
        complete: the test time was reached (`T=`); otherwise it ended during the ramp (`R=`).
        time_s: that time, in seconds.
    """

    function: Function
    judgement: str
    voltage: tuple[float, str]
    value: float | None
    unit: str
    complete: bool
    time_s: float
    raw: str

    def reading(self) -> Reading:
        """The result as a reading: `measured` only when the test came to its end and the tester passed it."""
        if self.judgement == "FAIL":
            return Reading(self.value, self.unit, "rejected", self.raw)
        if self.judgement != "PASS" or not self.complete:
            return Reading(None, None, "error", self.raw)
        if self.value is None:
            return Reading(None, self.unit, "overflow", self.raw)
        return Reading(self.value, self.unit, "measured", self.raw, passed=True)


def parse_result(raw: bytes) -> Result | None:
    """Read the reply to `MEAS?`, such as `>ACW, FAIL , 0.024kV ,0.013 mA ,R=000.1S`; None for anything else.

    Units are glued to their numbers and blanks stand anywhere.
    """
    found = _RESULT.fullmatch(text_of(raw))
    if found is None:
        return None
    voltage, value, time_s = _quantity(found[3]), _quantity(found[4]), number(found[6])
    # On GB the third field is the test current; whichever it is, it carries its unit.
    if voltage is None or voltage[0] is None or value is None or time_s is None:
        return None
    return Result(
        function=cast(Function, found[1]),
        judgement=found[2],
        voltage=(voltage[0], voltage[1]),
        value=value[0],
        unit=value[1],
        complete=found[5] == "T",
        time_s=time_s,
        raw=escaped(raw),
    )


def measure(link: Link, ask: str, timeout_s: float, *, pause: Callable[[float], None] = time.sleep) -> Reading:
    """Run one test and read its result. This applies the test voltage: the unit must be closed in and connected.

    The tester keeps its last result, so a result counts only after the tester has been seen testing: otherwise a start
    that did not happen (interlock open, local mode) would hand the previous unit's result to this one. A unit that
    breaks down at once is over before it is seen: a FAIL that was not there before the start counts too, a PASS never.

    Args:
        link: the tester.
        ask: `ACW`, `DCW`, `IR` or `GB`; with `@3`, the manual step 3 that holds its settings is selected first.
        timeout_s: longest test, ramp included, in seconds.
        pause: waits between two polls.

    Returns:
        Current or resistance. `rejected` when the tester judged FAIL, `error` when the test did not start or did not
        end in its time, `timeout` when the tester is silent.
    """
    asked = _ASK.fullmatch(ask)
    if asked is None:
        return Reading(None, None, "error", f"a safety tester is asked ACW, DCW, IR or GB, not {ask}")
    try:
        stop(link)
        drain_errors(link)  # old ones say nothing of this test
        if asked[2]:
            link.write(b"MANU:STEP " + asked[2].encode() + END)
        else:
            link.write(b"MANU:EDIT:MODE " + asked[1].encode() + END)
        if drain_errors(link):
            return Reading(None, None, "error", f"the tester refuses {ask}")
        before = link.ask(b"MEAS?" + END, 2.0)
        if isinstance(before, NoReply):
            return no_reading(before)
        link.write(b"FUNC:TEST ON" + END)
        ended = _await_end(link, timeout_s, pause)
        if ended is not None and ended is not _NOT_STARTED:
            return ended
        answer = link.ask(b"MEAS?" + END, 2.0)
        if isinstance(answer, NoReply):
            return no_reading(answer)
        result = parse_result(answer.raw)
        if ended is _NOT_STARTED and (result is None or result.judgement != "FAIL" or answer.raw == before.raw):
            return _NOT_STARTED
        if result is None or result.function != asked[1]:
            return Reading(None, None, "error", escaped(answer.raw))
        return result.reading()
    finally:
        stop(link)


def stop(link: Link) -> None:
    """Switch the test voltage off. A measurement that runs then ends without a value."""
    link.write(b"FUNC:TEST OFF" + END)


def _await_end(link: Link, timeout_s: float, pause: Callable[[float], None]) -> Reading | None:
    """None once a test has been seen running and then ended; otherwise the reading that says why there is none."""
    begun = time.monotonic()
    running = False
    while True:
        answer = link.ask(b"FUNC:TEST?" + END, 2.0)
        if isinstance(answer, NoReply):
            return no_reading(answer)
        words = text_of(answer.raw).upper().split()
        if not words or words[-1] not in ("ON", "OFF"):
            return Reading(None, None, "error", escaped(answer.raw))
        if running and words[-1] == "OFF":
            return None
        running = running or words[-1] == "ON"
        waited = time.monotonic() - begun
        if not running and waited > START_S:
            return _NOT_STARTED
        if waited > timeout_s:
            return Reading(None, None, "error", f"the test did not end within {timeout_s:g} s")
        pause(POLL_S)


def _quantity(text: str) -> tuple[float | None, str] | None:
    """A number glued to its unit; beyond the range (`>`) the number is None."""
    found = _QUANTITY.fullmatch(text)
    value = number(found[2]) if found else None
    unit = unit_named(found[3]) if found else None
    if found is None or value is None or unit is None:
        return None
    return (None if found[1] == ">" else value), unit
