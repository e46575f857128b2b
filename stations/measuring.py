"""The thread that asks instruments, so that neither a port nor the bench ever waits for one.

It gets a run from the session, sets the bench up, asks the devices in order, answers with the readings, and brings
everything to rest whatever happens: what is owed to the instruments is on the disk before the first of them is told
anything. A device that is missing or answers nothing is a reading that says so. What a reading means is the session's
business (`stations.testing`): here it is only noted, for a run that a crash breaks off.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mes.domain.route import Test
from mes.plan import StationFile
from stations.bench_note import BenchNote, Doing
from stations.devices import FAMILIES
from stations.devices.readings import Identity, Link, NoReply, Reading, Reply
from stations.inputs import MeasureNow, SampleNow, Taken
from stations.ports import Port
from stations.testing import reading_of

log = logging.getLogger(__name__)

SLICE_S: Final = 0.05
"""How soon a run that is stopped is noticed while an instrument settles, in seconds."""
LINE_LOST: Final = "a line was lost, or an instrument started again, during the run"
NOTHING_USABLE: Final = frozenset({"timeout", "error", "overflow"})
"""What is asked for again, where the plan says so."""


@dataclass(frozen=True, slots=True)
class Wired:
    """A port of the station's file, with the open line; what the record says of its instrument."""

    name: str
    family: str
    instrument: str
    port: Port
    device: str = ""
    serial: str = ""
    calibration_due: str | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """The run is over: bring the bench to rest."""

    run: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A port is open, for the first time or again."""

    port: str


@dataclass(frozen=True, slots=True)
class _Stoppable:
    """A link whose questions end without an answer once the run is stopped."""

    link: Port
    stopped: Callable[[], bool]

    def ask(self, command: bytes, timeout_s: float) -> Reply | NoReply:
        return self.link.ask(command, timeout_s, stopped=self.stopped)

    def write(self, data: bytes) -> bool:
        return self.link.write(data)


class Measuring:
    """Runs tests on the station's instruments, one after another.

    Args:
        file: which instruments there are.
        lines: their open lines, by the port's name.
        note: where an open run is kept.
        on_taken: told of readings.
        on_unsafe: told which instruments (names of ports) could not be brought to rest; of none when all are.
    """

    def __init__(
        self,
        file: StationFile,
        lines: Mapping[str, Wired],
        note: BenchNote,
        on_taken: Callable[[int, Sequence[Taken]], None],
        on_unsafe: Callable[[tuple[str, ...]], None],
    ) -> None:
        self._file, self._lines, self._note = file, lines, note
        self._on_taken, self._on_unsafe = on_taken, on_unsafe
        self._todo: queue.SimpleQueue[MeasureNow | SampleNow | Rest | Opened | None] = queue.SimpleQueue()
        self._stopped: set[int] = set()
        self._spoilt: set[int] = set()  # runs in which a line was lost: what was set up may be so no longer
        self._closing = threading.Event()
        self._identities: dict[str, str] = {}
        self._watched: dict[str, bool] = {}  # by port, in this run: does the instrument say when it was switched on?
        self._run = 0
        self._doing = note.read()
        self._said: tuple[str, ...] = ()
        self._thread = threading.Thread(target=self._work, name="measuring", daemon=True)

    @property
    def broken_off(self) -> Doing | None:
        """The run that was open when the station last stopped, to be recorded; call it before `start`."""
        return self._doing if self._doing is not None and self._doing.open else None

    def start(self) -> None:
        """Begin to work; before the ports are opened, so that what is owed is known."""
        self._tell_unsafe()
        self._thread.start()

    def begin(self, run: MeasureNow) -> None:
        """Ask the instruments for these tests."""
        self._todo.put(run)

    def sample(self, sample: SampleNow) -> None:
        """Ask for one test of a unit in the rack; what is set up for the unit at the front stays as it is."""
        self._todo.put(sample)

    def finish(self, run: int) -> None:
        """The run is over and recorded: bring the bench to rest."""
        self._todo.put(Rest(run))

    def stop(self, run: int) -> None:
        """End a run now and bring every instrument to rest; its readings are not wanted any more."""
        self._stopped.add(run)
        self.make_safe()
        self._todo.put(Rest(run))

    def opened(self, port: str) -> None:
        """A port is open: nobody knows what its instrument is doing, so it is brought to rest before anything else."""
        if self._doing is not None and self._doing.open:
            self._spoilt.add(self._run)
        self._stop_line(self._lines[port])
        self._todo.put(Opened(port))

    def make_safe(self) -> None:
        """Output off at once, wherever an instrument has one."""
        for line in self._lines.values():
            self._stop_line(line)

    def close(self) -> None:
        """Bring the instruments to rest and end."""
        self._closing.set()
        self._todo.put(None)
        self.make_safe()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    @staticmethod
    def _stop_line(line: Wired) -> None:
        rest = FAMILIES[line.family].stop
        if rest is not None:
            rest(line.port)

    # --- the thread --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (what := self._todo.get()) is not None:
            try:
                match what:
                    case MeasureNow():
                        self._measure(what)
                    case SampleNow(number, test):
                        self._sample(number, test)
                    case Rest(run):
                        self._rest(run)
                    case Opened(port):
                        self._made_safe(port)
            except Exception:  # a bug here must not leave the bench without the thread that brings it to rest
                log.exception("the measuring thread stumbled")
        self._bring_to_rest()

    def _measure(self, run: MeasureNow) -> None:
        trouble = self._set_up(run) if run.run != self._run else ""
        taken: list[Taken] = []
        for test in run.tests:
            if self._ends(run.run):
                return
            found = [self._nothing(test, trouble)] if trouble else self._take(test, run.run)
            taken += found
        if run.run in self._spoilt:
            taken = [replace(t, reading=Reading(None, None, "error", f"{LINE_LOST}: {t.reading.raw}")) for t in taken]
        if not self._ends(run.run):
            self._remember(run.tests, taken)
            self._on_taken(run.run, taken)

    def _sample(self, number: int, test: Test) -> None:
        taken: list[Taken] = []
        try:
            taken = self._take(test, number)
        finally:  # whatever happens: the session waits for this answer before it takes another sample
            if not self._closing.is_set():
                self._on_taken(number, taken)

    def _ends(self, run: int) -> bool:
        return run in self._stopped or self._closing.is_set()

    def _set_up(self, run: MeasureNow) -> str:
        """Make the bench ready for a run that begins. Returns what went wrong, or nothing."""
        self._run = run.run
        self._watched.clear()
        self._bring_to_rest()
        if self._doing is not None and self._doing.owed:
            return "the bench is not at rest"
        try:
            self._remember_run(run)
        except OSError as error:
            return f"the run could not be noted: {error}"
        for command in run.set_up:
            line = self._line(command.instrument)
            if line is not None:
                self._watch(line, line.port)
            fault = self._tell(line, [command.send]) if line else f"no instrument {command.instrument} at this station"
            if fault:
                return f"{command.instrument}, {command.send}: {fault}"
        return ""

    def _remember_run(self, run: MeasureNow) -> None:
        owed: dict[str, tuple[str, ...]] = {}
        for command in run.tear_down:
            line = self._line(command.instrument)
            if line is not None:
                owed[line.name] = (*owed.get(line.name, ()), command.send)
        doing = Doing(unit=run.unit, step=run.step, operator=run.operator, owed=owed)
        self._note.write(doing)
        self._doing = doing

    def _remember(self, tests: Iterable[Test], taken: Sequence[Taken]) -> None:
        if self._doing is None:
            return
        planned = {t.id: t for t in tests}
        self._doing = self._doing.with_tests(*(reading_of(planned[t.test], t) for t in taken))
        try:
            self._note.write(self._doing)
        except OSError as error:
            log.error("a reading could not be noted: %s", error)

    # --- to rest -----------------------------------------------------------------------------------------------------

    def _rest(self, run: int) -> None:
        if run == self._run:
            self._bring_to_rest(recorded=True)

    def _made_safe(self, port: str) -> None:
        if self._doing is not None and port in self._doing.owed:
            self._bring_to_rest()

    def _bring_to_rest(self, *, recorded: bool = False) -> None:
        """Tell every instrument what it is owed; what one does not take is owed until it does."""
        doing = self._doing
        if doing is None:
            return
        before = doing
        for port, commands in doing.owed.items():
            fault = self._tell(self._lines[port], commands) if port in self._lines else ""
            if fault:
                log.warning("%s was not brought to rest: %s", port, fault)
            else:
                doing = doing.at_rest(port)
        doing = doing.recorded() if recorded else doing
        if not doing.owed and not doing.open:
            self._doing = None
            self._note.clear()
        elif doing != before:
            self._doing = doing
            self._note.write(doing)
        self._tell_unsafe()

    def reported(self) -> None:
        """The run that a crash had broken off is recorded now."""
        self._todo.put(Rest(self._run))

    def _tell_unsafe(self) -> None:
        # While a run is open its instruments are in use, not in doubt; before the first run of this start they are.
        in_use = self._doing is not None and self._doing.open and self._run
        owed = () if self._doing is None or in_use else tuple(self._doing.owed)
        if owed != self._said:
            self._said = owed
            self._on_unsafe(owed)

    # --- to ask ------------------------------------------------------------------------------------------------------

    def _take(self, test: Test, run: int) -> list[Taken]:
        """Every asking of one test: one, unless nothing usable comes and the plan says to ask again."""
        until = time.monotonic() + test.settle_s
        while (left := until - time.monotonic()) > 0 and not self._ends(run):
            self._closing.wait(min(SLICE_S, left))
        askings: list[Taken] = []
        while not self._ends(run) and len(askings) <= test.repeats:
            askings.append(replace(self._ask(test, run), attempt=len(askings) + 1))
            if askings[-1].reading.outcome not in NOTHING_USABLE:
                break
        return askings

    def _ask(self, test: Test, run: int) -> Taken:
        line = self._line(test.instrument)
        family = FAMILIES[line.family] if line else None
        if line is None or family is None or family.measure is None:
            return self._nothing(test, f"no instrument {test.instrument} at this station")
        link = _Stoppable(line.port, lambda: self._ends(run))
        try:
            who = self._who(line, link)
            self._watch(line, link)
            reading = family.measure(link, test.ask, test.timeout_s or family.timeout_s)
            if reading.value is not None and self._watched[line.name] and self._restarted(line, link):
                self._spoilt.add(run)
        except Exception as error:  # an instrument's nonsense is a broken bench, never a dead station
            log.exception("measuring %s failed", test.id)
            who, reading = line.instrument, Reading(None, None, "error", f"{type(error).__name__}: {error}")
        return Taken(
            test.id, reading, who, device=line.device, serial=line.serial, calibration_due=line.calibration_due
        )

    def _watch(self, line: Wired, link: Link) -> None:
        """From now on, in this run, the instrument must not start again: what it was told would be forgotten."""
        if line.name not in self._watched:
            self._watched[line.name] = self._restarted(line, link) is not None

    @staticmethod
    def _restarted(line: Wired, link: Link) -> bool | None:
        ask = FAMILIES[line.family].restarted
        return ask(link) if ask else None

    @staticmethod
    def _nothing(test: Test, why: str) -> Taken:
        return Taken(test.id, Reading(None, None, "error", why))

    def _line(self, instrument: str) -> Wired | None:
        port = self._file.port_for(instrument)
        return self._lines.get(port.name) if port else None

    def _tell(self, line: Wired, commands: Sequence[str]) -> str:
        tell = FAMILIES[line.family].tell
        if tell is None:
            return f"an instrument of family {line.family} is told nothing"
        try:
            return tell(line.port, commands)
        except Exception as error:
            log.exception("telling %s failed", line.name)
            return f"{type(error).__name__}: {error}"

    def _who(self, line: Wired, link: Link) -> str:
        """What stands in the record for the instrument: its number in the plant, and what it says of itself."""
        if line.name not in self._identities:
            ask = FAMILIES[line.family].identify
            found = ask(link) if ask else None
            if not isinstance(found, Identity):
                return line.instrument
            self._identities[line.name] = f"{line.instrument} · {found.model} {found.serial}".strip()
        return self._identities[line.name]
