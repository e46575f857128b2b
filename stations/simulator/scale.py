"""A virtual scale that speaks MT-SICS, KERN or Ohaus: comes to rest, drifts, is overloaded."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Literal

from stations.simulator.faults import LATE_S, Fault
from stations.simulator.instrument import VirtualInstrument

Dialect = Literal["mt-sics", "kern", "ohaus"]


class VirtualScale(VirtualInstrument):
    """A scale with a pan. Weights are in grams and shown in grams, or in kilograms on a KERN."""

    def __init__(
        self,
        *,
        rng: random.Random,
        dialect: Dialect = "mt-sics",
        capacity_g: float = 30_000,
        drift_g: float = 0.0,
        planned: Iterable[Fault | None] = (),
        late_s: float = LATE_S,
    ) -> None:
        """Make an empty scale.

        Args:
            rng: all chance comes from it.
            dialect: how it speaks.
            capacity_g: beyond this it is overloaded, in grams.
            drift_g: standard deviation of each answer, in grams.
            planned: faults of the next answers.
            late_s: how late a late answer comes, in seconds.
        """
        super().__init__(rng=rng, planned=planned, late_s=late_s)
        self.complaint = "Err 1.1" if dialect == "ohaus" else "ET"
        self.dialect, self.capacity_g, self.drift_g = dialect, capacity_g, drift_g
        self._load_g = self._zero_g = 0.0
        self._restless = 0

    def load(self, grams: float, *, settle: int = 0) -> None:
        """Put this on the pan instead of what was there; the next `settle` answers are not stable."""
        self._load_g, self._restless = grams, settle

    def commands(self, data: bytes) -> list[bytes]:
        """A KERN takes single letters as they come; the others take lines."""
        if self.dialect == "kern":
            return [bytes([byte]) for byte in data if byte not in b"\r\n"]
        return super().commands(data)

    def reply(self, command: str) -> str | None:
        """One answer in the scale's dialect."""
        if self.dialect == "kern":
            return self._kern(command)
        return self._mt_sics(command) if self.dialect == "mt-sics" else self._ohaus(command)

    def _shown(self) -> tuple[float, bool]:
        """Grams on the display, and whether it rests."""
        stable = self._restless <= 0
        self._restless = max(0, self._restless - 1)
        sway = self.drift_g if stable else max(self.drift_g, 1.0)
        shown_g = self._load_g * self.gain() - self._zero_g
        return shown_g + (self.rng.gauss(0, sway) if sway else 0.0), stable

    def _take_zero(self) -> float:
        """What lies there counts as nothing from now on; returns its weight, in grams."""
        tared_g = self._load_g * self.gain() - self._zero_g
        self._zero_g += tared_g
        return tared_g

    def beyond(self, answer: str) -> str:
        """Overload in its dialect; only a weight can be too much."""
        if answer[-1:] not in ("g", "G", "?"):
            return answer
        return {"mt-sics": "S +", "kern": "OL,GS,+          ", "ohaus": "Err 8.4"}[self.dialect]

    def power_cycle(self) -> None:
        """Zero and tare are forgotten."""
        super().power_cycle()
        self._zero_g = 0.0

    def _mt_sics(self, command: str) -> str | None:
        match command:
            case "I4" | "@":
                return 'I4 A "0123456789"'
            case "Z" | "ZI":
                self._take_zero()
                return f"{command} A"
            case "T" | "TI":
                tared_g = self._take_zero()
                return f"{command} S {tared_g:10.2f} g"
            case "S" | "SI":
                grams, stable = self._shown()
                if grams > self.capacity_g:
                    return "S +"
                if grams < -self.capacity_g / 10:
                    return "S -"
                if command == "S" and not stable:
                    return "S I"
                return f"S {'S' if stable else 'D'} {grams:10.2f} g"
        return "ES"

    def _kern(self, command: str) -> str | None:
        if command in ("Z", "T"):
            self._take_zero()
        if command not in ("S", "W"):
            return None
        grams, stable = self._shown()
        if grams > self.capacity_g:
            return "OL,GS,+          "
        if command == "S" and not stable:
            return None  # the real one answers as soon as it rests
        return f"{'ST' if stable else 'US'},GS{grams / 1000:8.3f}KG"

    def _ohaus(self, command: str) -> str | None:
        if command in ("Z", "T"):
            self._take_zero()
            return None
        if command not in ("P", "IP", "SP"):
            return "ES"
        grams, stable = self._shown()
        if grams > self.capacity_g:
            return "Err 8.4"
        if command == "SP" and not stable:
            return None
        return f"{grams:10.2f} g{'' if stable else ' ?'}"
