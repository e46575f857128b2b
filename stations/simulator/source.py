"""A virtual DC source: gives the voltage that it was set to while its output is on, and limits the current.

Source: SCPI-1999, volume 2, chapters 15 (OUTPut) and 19 (SOURce).
"""

from __future__ import annotations

import re
from typing import Final

from stations.simulator.scpi import Signal, VirtualScpi

_SETTING: Final = re.compile(r"(?:SOUR:)?(VOLT|CURR) ([0-9]{1,6}(?:\.[0-9]{1,6})?)")
_OUTPUT: Final = re.compile(r"OUTP(?:UT)? (ON|OFF|1|0)")


class VirtualSource(VirtualScpi):
    """Off, and at zero, whenever it gets power. What draws current is the signal `MEAS:CURR?`."""

    on = False
    volts = 0.0
    amps = 0.0

    def reply(self, command: str) -> str | None:
        """Settings are silent, questions are answered as a source does."""
        header = command.upper()
        if found := _SETTING.fullmatch(header):
            if found[1] == "VOLT":
                self.volts = float(found[2])
            else:
                self.amps = float(found[2])
            return None
        if found := _OUTPUT.fullmatch(header):
            self.on = found[1] in ("ON", "1")
            return None
        match header:
            case "VOLT?" | "SOUR:VOLT?":
                return f"{self.volts:+.8E}"
            case "CURR?" | "SOUR:CURR?":
                return f"{self.amps:+.8E}"
            case "OUTP?":
                return str(int(self.on))
            case "MEAS:VOLT?" | "MEAS:VOLT:DC?":
                return self.written(Signal(self.volts if self.on else 0.0))
            case "MEAS:CURR?" | "MEAS:CURR:DC?":
                drawn = self.signals.get("MEAS:CURR?", Signal(0.0))
                return self.written(Signal(min(drawn.nominal, self.amps) if self.on else 0.0, drawn.spread))
            case "*RST":
                self._rest()
        return super().reply(command)

    def power_cycle(self) -> None:
        """Output off, everything at zero."""
        super().power_cycle()
        self._rest()

    def _rest(self) -> None:
        self.on, self.volts, self.amps = False, 0.0, 0.0
