"""A virtual electrical safety tester in the dialect of the GPT-9000: ramps, tests, judges, and keeps its last result.

Source: GW Instek GPT-9000/9000A user manual, remote control; standing values are typical of a small generator.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from stations.simulator.faults import LATE_S, Fault
from stations.simulator.instrument import VirtualInstrument


@dataclass(frozen=True, slots=True)
class _Test:
    """One function: test voltage or current, a good value and a bad one with their spread, and the unit."""

    level: float
    level_unit: str
    good: float
    bad: float
    spread: float
    unit: str


_TESTS: Final[dict[str, _Test]] = {
    "ACW": _Test(1.5, "kV", 0.4, 8.0, 0.05, "mA"),
    "DCW": _Test(2.1, "kV", 0.02, 6.0, 0.002, "mA"),
    "IR": _Test(0.5, "kV", 550.0, 0.3, 0.1, "M ohm"),
    "GB": _Test(25.0, "A", 55.0, 180.0, 5.0, "m ohm"),
}
_SETTING: Final = re.compile(r"MANU:(ACW|DCW|IR|GB):([A-Z]+) ([0-9.]+|OFF|ON)")


class VirtualSafetyTester(VirtualInstrument):
    """A tester with a unit connected to it."""

    end = b"\r\n"

    def __init__(
        self,
        *,
        rng: random.Random,
        fail_probability: float = 0.0,
        ramp_s: float = 0.1,
        test_s: float = 0.1,
        steps: dict[int, str] | None = None,
        now: Callable[[], float] = time.monotonic,
        planned: Iterable[Fault | None] = (),
        late_s: float = LATE_S,
    ) -> None:
        """Make a tester.

        Args:
            rng: all chance comes from it.
            fail_probability: chance that a test fails, 0 to 1; half of the failures break down during the ramp.
            ramp_s: ramp time, in seconds.
            test_s: test time, in seconds.
            steps: functions stored in the manual steps, by number.
            now: a monotonic clock, in seconds.
            planned: faults of the next answers.
            late_s: how late a late answer comes, in seconds.
        """
        super().__init__(rng=rng, planned=planned, late_s=late_s, now=now)
        self.fail_probability, self.ramp_s, self.test_s = fail_probability, ramp_s, test_s
        self.bad: frozenset[str] = frozenset()
        """Functions that the unit on the bench fails for certain."""
        self.interlock_open = False
        self.settings: dict[str, str] = {}
        self._steps = steps or {}
        self.serial = "GEO000000001"
        self._function = "ACW"
        self._result: str | None = None
        self._errors: list[str] = []
        self._ends_at: float | None = None
        self._outcome = ""

    @property
    def energised(self) -> bool:
        """True while the test voltage is applied."""
        return self._ends_at is not None and self._now() < self._ends_at

    def reply(self, command: str) -> str | None:
        """One answer; settings and unknown commands have none."""
        self._settle()
        header = command.upper()
        if header.startswith(("MANU:EDIT:MODE ", "MANU:STEP ")):
            self._select(header.rpartition(" ")[2])
            return None
        setting = _SETTING.fullmatch(header)
        if setting:
            self.settings[f"{setting[1]}:{setting[2]}"] = setting[3]
            return None
        match header:
            case "*IDN?":
                return f"GPT-9803,{self.serial},V1.00"
            case "SYST:ERR?":
                return self._errors.pop(0) if self._errors else '0,"No error"'
            case "FUNC:TEST ON":
                self._start()
            case "FUNC:TEST OFF":
                self._ends_at = None
            case "FUNC:TEST?":
                return "TEST ON" if self._ends_at is not None else "TEST OFF"
            case "MEAS?":
                return self._result or self._line("VIEW", 0.0, 0.0, "T=000.0S")
            case _:
                self._errors.append('-113,"Undefined header"')
        return None

    def _select(self, chosen: str) -> None:
        function = self._steps.get(int(chosen), "") if chosen.isdecimal() else chosen
        if function in _TESTS and self._ends_at is None:
            self._function = function
        else:
            self._errors.append('-222,"Data out of range"')

    def _start(self) -> None:
        if self.interlock_open or self._ends_at is not None:
            return  # it stays silent and shows INTERLOCK OPEN on its own display
        test = _TESTS[self._function]
        fails = self._function in self.bad or self.rng.random() < self.fail_probability
        breaks_down = fails and self.rng.random() < 0.5
        length_s = self.ramp_s * self.rng.uniform(0.2, 0.9) if breaks_down else self.ramp_s + self.test_s
        value = max(0.0, self.rng.gauss(test.good, test.spread)) if breaks_down or not fails else test.bad
        value *= self.gain()
        level = test.level * length_s / self.ramp_s if breaks_down else test.level
        at = f"R={length_s:05.1f}S" if breaks_down else f"T={self.test_s:05.1f}S"
        self._outcome = self._line("FAIL" if fails else "PASS", level, value, at)
        self._ends_at = self._now() + length_s

    def _settle(self) -> None:
        if self._ends_at is not None and self._now() >= self._ends_at:
            self._ends_at, self._result = None, self._outcome

    def beyond(self, answer: str) -> str:
        """The value beyond the range, as in `>50.0 G ohm`."""
        return re.sub(r",([0-9.]+ [A-Za-z])", r",>\1", answer)

    def power_cycle(self) -> None:
        """The voltage is off, and the last result is gone."""
        super().power_cycle()
        self._ends_at = self._result = None
        self._errors.clear()
        self.settings.clear()
        self._function = "ACW"

    def _line(self, judgement: str, level: float, value: float, at: str) -> str:
        test = _TESTS[self._function]
        return f">{self._function}, {judgement} , {level:.3f}{test.level_unit} ,{value:.3f} {test.unit} ,{at}"
