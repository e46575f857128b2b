"""The thread that asks instruments, so that neither a port nor the bench ever waits for one.

It gets a run from the session, asks the devices in order, and answers with the readings; a device that is missing or
answers nothing is a reading that says so. It must not know limits: the session judges.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mes.domain.route import Test
from mes.plan import StationFile
from stations.devices import FAMILIES
from stations.devices.readings import Identity, Reading
from stations.inputs import MeasureNow, Taken
from stations.ports import Port

log = logging.getLogger(__name__)
_STOP: Final = None


@dataclass(frozen=True, slots=True)
class Wired:
    """A port of the station's file, with the open line."""

    name: str
    family: str
    instrument: str
    port: Port


class Measuring:
    """Runs tests on the station's instruments, one after another."""

    def __init__(
        self, file: StationFile, lines: Mapping[str, Wired], on_taken: Callable[[int, Sequence[Taken]], None]
    ) -> None:
        self._file, self._lines, self._on_taken = file, lines, on_taken
        self._runs: queue.SimpleQueue[MeasureNow | None] = queue.SimpleQueue()
        self._stopped: set[int] = set()
        self._identities: dict[str, str] = {}
        self._thread = threading.Thread(target=self._work, name="measuring", daemon=True)
        self._thread.start()

    def begin(self, run: MeasureNow) -> None:
        """Ask the instruments for these tests."""
        self._runs.put(run)

    def stop(self, run: int) -> None:
        """End a run now and bring every instrument to rest; its readings are not wanted any more."""
        self._stopped.add(run)
        self.make_safe()

    def make_safe(self) -> None:
        """Output off, wherever an instrument has one: when a run is stopped, and at the end."""
        for line in self._lines.values():
            rest = FAMILIES[line.family].stop
            if rest is not None:
                rest(line.port)

    def close(self) -> None:
        """Bring the instruments to rest and end."""
        self._runs.put(_STOP)
        self.make_safe()
        self._thread.join(timeout=3)

    def _work(self) -> None:
        while (run := self._runs.get()) is not _STOP:
            taken = []
            for test in run.tests:
                if run.run in self._stopped:
                    break
                taken.append(self._take(test))
            if run.run not in self._stopped:
                self._on_taken(run.run, taken)

    def _take(self, test: Test) -> Taken:
        port = self._file.port_for(test.instrument)
        line = self._lines.get(port.name) if port else None
        family = FAMILIES[line.family] if line else None
        if line is None or family is None or family.measure is None:
            return Taken(test.id, Reading(None, None, "error", f"no instrument {test.instrument} at this station"))
        try:
            who = self._who(line)
            return Taken(test.id, family.measure(line.port, test.ask, family.timeout_s), who)
        except Exception as error:  # an instrument's nonsense is a broken bench, never a dead station
            log.exception("measuring %s failed", test.id)
            return Taken(test.id, Reading(None, None, "error", f"{type(error).__name__}: {error}"), line.instrument)

    def _who(self, line: Wired) -> str:
        """What stands in the record for the instrument: its number in the plant, and what it says of itself."""
        if line.name not in self._identities:
            ask = FAMILIES[line.family].identify
            found = ask(line.port) if ask else None
            if not isinstance(found, Identity):
                return line.instrument
            self._identities[line.name] = f"{line.instrument} · {found.model} {found.serial}".strip()
        return self._identities[line.name]
