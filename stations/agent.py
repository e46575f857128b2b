"""One station: where ports, session, outbox, uplink and bench page meet.

One thread handles all inputs in the order in which they came: it turns each into a session step, keeps the drafts, and
only then shows the screen. Ports, instruments, the page and the uplink have threads of their own and only put inputs
into its queue. No rule of the work stands here.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mes import plan as plans
from mes import wire
from mes.domain.barcode import escaped
from mes.domain.openhtf import Record
from mes.domain.printer_talk import PRINT_S
from mes.plan import Port as PortTable
from mes.plan import StationFile
from stations import records as bench_records
from stations import session as bench
from stations.bench_note import BenchNote
from stations.devices import FAMILIES
from stations.devices.line_tester import parse_line
from stations.durable import read_token
from stations.floor_file import FloorFile
from stations.frames import BadFrame, Frame
from stations.inputs import (
    BadScan,
    BenchUnsafe,
    DeviceBack,
    DeviceLost,
    FinishMeasuring,
    FloorCame,
    Input,
    Kept,
    KeptCount,
    LanguageChosen,
    LinkChanged,
    Measured,
    MeasureNow,
    NotKept,
    Offer,
    OverrideAsked,
    OverrideCame,
    PlanCame,
    RackCame,
    RecordCame,
    RunBroken,
    SampleNow,
    Scanned,
    StopMeasuring,
    Taken,
    Tick,
    ToldByTester,
    VerdictCame,
)
from stations.machine import boot_id, machine_id
from stations.measuring import Measuring, Wired
from stations.meters import Meters
from stations.outbox import Outbox, OutboxFailed, utc_text
from stations.pin import known_server
from stations.ports import Port, PortEvent, PortLost, PortOpened, PortSettings
from stations.printing import Post, StationPrinter
from stations.rack_note import RackNote
from stations.screen.source import ScreenFeed, Way
from stations.spool import Spool
from stations.supervisor import Supervisor
from stations.uplink import LinkStatus, Settings, Uplink
from stations.view import Device

log = logging.getLogger(__name__)

TICK_S: Final = 0.5
REOPEN_S: Final = 1.0
UNKNOWN_S: Final = 30.0  # how long a record of a unit that nobody knows waits for the server to tell of it
AGENT: Final = "atelier/0.1"
_CLOSE: Final = None


class Agent:
    """A running station.

    Args:
        file: the station's own file.
        folder: where outbox, token and plan are kept.
        token: lets the station in at the server; None keeps it capturing and says that it is not enrolled.
    """

    def __init__(self, file: StationFile, folder: Path, token: str | None) -> None:
        self._file = file
        folder.mkdir(parents=True, exist_ok=True)
        self.meters = Meters()
        self.outbox = Outbox.open(folder / "outbox.db", machine_id=machine_id(folder), boot_id=boot_id())
        if self.outbox.set_aside is not None:
            # A damaged file was put aside at opening: what can be read of it comes back before the first scan.
            log.warning("taken up again: %s", self.outbox.recover(self.outbox.set_aside))
        server = known_server(folder, file.server)
        self._plain_http = server.plain
        self._inputs: queue.SimpleQueue[tuple[Input, float] | None] = queue.SimpleQueue()
        devices = [Device(p.name, p.family, ok=False) for p in file.ports]
        self._session = bench.begin(
            file.station.id, devices=devices, instruments=file.named(), boot=self.outbox.boot_id
        )
        self.feed = ScreenFeed(
            self._screen(),
            self._session.language,
            on_input=self._pressed,
            on_language=self._chose_language,
            on_pin=self._typed_pin,
        )
        self._rack = RackNote(self.outbox)
        self._tokens: dict[str, int] = {}
        self._asked_at: dict[int, tuple[deque[float], float]] = {}
        self._lines = {p.name: self._wire(p) for p in file.ports}
        self._forms = {p.name: p.format.form for p in file.ports if p.format is not None}
        self._measuring = Measuring(
            file, self._lines, BenchNote(folder / "bench.json"), self._taken, on_unsafe=self._unsafe
        )
        self._floor = FloorFile(folder / "floor.json")
        self.records = Spool(folder / "records")
        settings = Settings(
            server=server,
            token=token or "",
            agent=AGENT,
            plan_file=folder / "plan.json",
            token_file=folder / "token",
        )
        held = lambda: read_token(folder / "token") or token or ""  # noqa: E731
        self._supervisor = Supervisor(settings.server, held, self._supervisor_answered)
        self._printers = {
            p.name: StationPrinter(p.name, self._lines[p.name].port, folder, Post(settings.server, held))
            for p in file.ports
            if FAMILIES[p.family].role == "print"
        }
        self._uplink = Uplink(
            self.outbox,
            settings,
            on_results=self._results,
            on_link=self._link,
            on_plan=self._plan,
            on_floor=self._told,
        )
        self._thread = threading.Thread(target=self._run, name="bench", daemon=True)

    def start(self) -> None:
        """Open the ports, begin to work: with what was known last, until the server tells more."""
        self._thread.start()
        self._measuring.start()
        broken = self._measuring.broken_off
        if broken is not None:
            self._put(
                RunBroken(
                    event_id=broken.event_id,
                    unit=broken.unit,
                    step=broken.step,
                    operator=broken.operator,
                    tests=broken.tests,
                    **_moment(),
                )
            )
        self._put(KeptCount(count=self._kept_count(), **_moment()))
        known = self._floor.read()
        if known is not None:
            self._put(FloorCame(reply=known, from_disk=True, **_moment()))
        self._put(RackCame(note=self._rack.read(), **_moment()))
        self._uplink.start()
        for line in self._lines.values():
            line.port.start()
        for printer in self._printers.values():
            printer.start()

    def close_bench(self) -> None:
        """Bring the instruments to rest, close the ports, let the bench finish what came."""
        self._measuring.close()
        for printer in self._printers.values():
            printer.stop()
        for line in self._lines.values():
            line.port.close()
        self._inputs.put(_CLOSE)
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def close(self) -> None:
        """End the uplink and close the outbox, after `close_bench`."""
        self._uplink.stop()
        self._floor.save(now=True)
        self.outbox.close()

    # --- what comes in, each from a thread of its own ---

    def _put(self, came: Input, at: float | None = None) -> None:
        self._inputs.put((came, time.perf_counter() if at is None else at))

    def _pressed(self, text: str, source: Way) -> None:
        if text:
            self._put(Scanned(raw=text, **_moment()))
        else:
            self._put(BadScan(raw="", why="torn", device=source, **_moment()))

    def _chose_language(self, language: str) -> None:
        self._put(LanguageChosen(language=language, **_moment()))

    def _typed_pin(self, pin: str) -> None:
        """A supervisor's PIN: to the server at once; the session only learns that it was typed."""
        offer = self._session.offer
        if offer is not None and offer.badge:
            self._put(OverrideAsked(offer=offer, **_moment()))
            self._supervisor.ask(offer, pin)

    def _supervisor_answered(self, offer: Offer, reply: wire.OverrideReply) -> None:
        self._put(OverrideCame(offer=offer, go=reply.go, reason=reply.reason, args=reply.args, **_moment()))

    def _wire(self, table: PortTable) -> Wired:
        family = FAMILIES[table.family]

        def heard(event: PortEvent) -> None:
            self._heard(table, event)

        patient = PRINT_S if family.role == "print" else 1.0  # a label printer takes no more while it prints
        xonxoff, rtscts = table.flow == "xonxoff", table.flow == "rtscts"
        settings = PortSettings(table.url, table.baud, xonxoff=xonxoff, rtscts=rtscts, write_s=patient)
        port = Port(settings, family.framing, heard)
        known = table.instrument
        if known is None:
            return Wired(table.name, table.family, table.name, port)
        said = f"{known.id} ({known.serial})"
        due = known.calibration_due.isoformat()
        return Wired(table.name, table.family, said, port, known.id, known.serial, due)

    def _heard(self, table: PortTable, event: PortEvent) -> None:
        moment = _moment()
        if (printer := self._printers.get(table.name)) is not None:
            printer.line.put(event)
        match event:
            case Frame(raw):
                match FAMILIES[table.family].role:
                    case "scan":
                        self._put(Scanned(raw=raw, **moment))
                    case "listen":
                        self._put(self._told_by(table.name, raw))
                    case "print":
                        pass
                    case _:
                        log.info("%s said %r without being asked", table.name, raw[:200])
            case BadFrame(why, raw):
                match FAMILIES[table.family].role:
                    case "scan":
                        self._put(BadScan(raw=raw, why=why, device=table.name, **moment))
                    case "listen":
                        self._put(ToldByTester(device=table.name, raw=escaped(raw), why=why, **moment))
            case PortOpened():
                if FAMILIES[table.family].role == "measure":
                    self._measuring.opened(table.name)
                self._put(DeviceBack(name=table.name, family=table.family, **moment))
            case PortLost(_address, why, text):
                self._put(DeviceLost(name=table.name, family=table.family, fault=why, text=text, **moment))

    def _told_by(self, port: str, raw: bytes) -> ToldByTester:
        """What a tester that talks by itself has sent, as far as it can be read."""
        line, form = self._lines[port], self._forms.get(port)
        result = parse_line(form, raw) if form else None
        if result is None:
            return ToldByTester(device=port, raw=escaped(raw), why="not_of_its_form", **_moment())
        readings = tuple(
            Taken(name, reading, line.instrument, 1, line.device, line.serial, line.calibration_due)
            for name, reading in result.readings
        )
        return ToldByTester(
            device=port, raw=result.raw, unit=result.serial, verdict=result.verdict, readings=readings, **_moment()
        )

    def _taken(self, run: int, readings: Sequence[Taken]) -> None:
        self._put(Measured(run=run, readings=tuple(readings), **_moment()))

    def _unsafe(self, devices: tuple[str, ...]) -> None:
        self._put(BenchUnsafe(devices=devices, **_moment()))

    def _link(self, status: LinkStatus) -> None:
        self._put(LinkChanged(state=status.state, **_moment()))

    def _plan(self, told: dict[str, Any]) -> None:
        for older in told.get("older", ()):
            self._put(PlanCame(plan=plans.from_content(older["content"]), revision=older["revision"], **_moment()))
        self._put(PlanCame(plan=plans.from_content(told["content"]), revision=told["revision"], **_moment()))

    def _told(self, reply: wire.FloorReply) -> None:
        self._floor.take(reply)
        self._put(FloorCame(reply=reply, **_moment()))

    def _results(self, results: list[wire.IngestResult]) -> None:
        for r in results:
            self._put(
                VerdictCame(
                    token=None,
                    event_id=r.event_id,
                    status=r.status,
                    verdict=r.verdict,
                    reason=r.reason,
                    args=r.args,
                    screen=r.screen,
                    **_moment(),
                )
            )
        self._put(KeptCount(count=self._kept_count(), **_moment()))

    # --- the bench's own thread ---

    def _run(self) -> None:
        due = time.monotonic() + TICK_S
        while True:
            try:
                next_input = self._inputs.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                due = time.monotonic() + TICK_S
                next_input = (Tick(**_moment()), time.perf_counter())
                self._look_after_outbox()
                self._floor.save()
                self.records.take(self._keep_record)
            if next_input is _CLOSE:
                return
            came, at = next_input
            try:
                self._handle(came, at)
            except Exception as error:
                if isinstance(came, RunBroken) and isinstance(error, sqlite3.IntegrityError):
                    self._measuring.reported()  # an earlier start kept it, and was broken off in its turn
                else:
                    # A bug in a rule must not stop the bench; the input is in the log, what was kept is kept.
                    log.exception("the session stumbled over %s", type(came).__name__)
            self.feed.show(self._screen(), self._session.language)

    def _handle(self, came: Input, at: float) -> bool:
        """One input, and the `Kept` of what it gave, until nothing follows; False when the disk did not take it."""
        todo: deque[tuple[Input, float]] = deque([(came, at)])
        while todo:
            each, when = todo.popleft()
            if isinstance(each, VerdictCame):
                each, when = self._verdict(each)
            turn = bench.advance(self._session, each)
            if turn.drafts:
                notes = self._rack.with_events(turn.session)
                try:
                    kept = self.outbox.keep(turn.drafts, captured_at=each.now, mono_ms=each.mono_ms, notes=notes)
                    self._rack.written(notes)
                except OutboxFailed as failed:
                    log.error("not kept: %s", failed)
                    self._session = bench.advance(self._session, NotKept(**_moment())).session
                    if failed.reopen:
                        self._reopen()
                    return False
                self.meters.captured += len(kept)
                for draft, event in zip(turn.drafts, kept, strict=True):
                    self._tokens[event.event_id] = draft.token
                    if isinstance(each, Scanned):
                        self._asked_at[draft.token] = self.meters.scan_to_verdict_ms, when
                    elif isinstance(each, Measured) and draft.kind == "UnitsTested":
                        self._asked_at[draft.token] = self.meters.reading_to_verdict_ms, when
                    if isinstance(each, RunBroken):
                        self._measuring.reported()
                    todo.append((Kept(token=draft.token, event_id=event.event_id, **_moment()), when))
                todo.append((KeptCount(count=self._kept_count(), **_moment()), when))
            self._session = turn.session
            self._rack.keep(self._session)
            for command in turn.commands:
                self._obey(command)
        return True

    def _keep_record(self, record: Record, waited_s: float) -> bool:
        """A tester's record as its event; not before its unit is known here, or known to be nobody's."""
        recall = self._session.recall
        nobodys = recall.cursor > 0 and self._session.online and waited_s > UNKNOWN_S
        if not nobodys and not bench_records.due(self._session, record.unit):
            return False
        try:
            return self._handle(RecordCame(record=record, **_moment()), time.perf_counter())
        except sqlite3.IntegrityError:  # its event id is in the outbox: it was kept before a crash, or came twice
            log.info("the record %s is kept already", record.sha256)
            return True

    def _obey(self, command: bench.AgentCommand) -> None:
        match command:
            case MeasureNow():
                self._measuring.begin(command)
            case SampleNow():
                self._measuring.sample(command)
            case FinishMeasuring(run):
                self._measuring.finish(run)
            case StopMeasuring(run):
                self._measuring.stop(run)
            case bench.Feedback():
                pass  # the page beeps and lights; a lamp needs an output that the station's file does not name yet

    def _verdict(self, came: VerdictCame) -> tuple[VerdictCame, float]:
        """Name the draft that a verdict is about, and count."""
        self.meters.heard(came)
        token = self._tokens.pop(came.event_id, None)
        began = self._asked_at.pop(token, None) if token is not None else None
        now = time.perf_counter()
        if began is not None:
            meter, at = began
            meter.append((now - at) * 1000)
        if token is None:
            return came, now
        return replace(came, token=token), now

    def _kept_count(self) -> int:
        """How many events wait; the last number when the outbox cannot be asked, which `_look_after_outbox` mends."""
        try:
            return self.outbox.kept_count()
        except OutboxFailed as failed:
            log.warning("the outbox cannot be counted: %s", failed)
            return self._session.kept

    def _look_after_outbox(self) -> None:
        """Without a scan nobody would notice that the file was deleted or its disk is gone."""
        if not self.outbox.usable:
            self._reopen()

    def _reopen(self) -> None:
        try:
            self.outbox.reopen()
        except OutboxFailed as failed:
            log.error("the outbox cannot be opened again: %s", failed)

    def _screen(self) -> Any:
        return replace(bench.screen(self._session), plain_http=self._plain_http)

    # --- for who looks on ---

    def report(self) -> dict[str, Any]:
        """What this start of the agent has done."""
        return {"station": self._file.station.id, **self.meters.as_json(), "kept": self._kept_count()}


def _moment() -> dict[str, Any]:
    return {"now": utc_text(datetime.now(UTC)), "mono_ms": time.monotonic_ns() // 1_000_000}
