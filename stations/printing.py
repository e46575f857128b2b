"""A label printer at this station: its thread takes labels from the server, prints each once, says what became of it.

What leaves is noted on the disk before its first byte, and how it ended until the server has heard it. A crash after
that is a doubt that a person settles; nothing is printed again by itself. It must not know how a label looks.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from mes.domain.printer_talk import Clock, Limits, Outcome, deliver
from mes.wire import PrintNextReply, PrintNextRequest, PrintSaidReply, PrintSaidRequest, PrintTask
from stations import protocol
from stations.devices.label_printer import ETX, STX
from stations.frames import Frame
from stations.ports import Port, PortEvent, PortLost
from stations.print_note import Note, PrintNote
from stations.protocol import Answer, Silence
from stations.transport import Server, Transport

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0  # how soon a label that was queued is seen
REST_S: Final = 5.0  # before a printer or a server that did not answer is asked again
SHUT_S: Final = 60.0  # before a server that has refused the station, or does not know the printer, is asked again
POLL_S: Final = 0.02
CLOCK: Final = Clock(time.monotonic, time.sleep)
Ask = Callable[[str, bytes], Answer | Silence]
"""Posts a body to a path of the server."""


class PortLine:
    """A port of this station as the line to a printer."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._heard: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def put(self, event: PortEvent) -> None:
        """What the port tells, from its own thread."""
        if isinstance(event, Frame):
            self._heard.put(STX + event.raw + ETX)
        elif isinstance(event, PortLost):
            self._heard.put(None)

    def fresh(self) -> None:
        """A new label: what came before it, and that the port was away, is forgotten."""
        while not self._heard.empty():
            self._heard.get_nowait()

    def hush(self) -> None:
        """Forget what came unasked; but not that the port was away: the printer may have lost its memory."""
        while not self._heard.empty():
            if self._heard.get_nowait() is None:
                raise ConnectionResetError("the port was lost")
        if not self._port.is_open:
            raise ConnectionResetError("the port is not open")

    def send(self, data: bytes, within_s: float) -> None:
        """Send bytes."""
        if not self._port.write(data):
            raise ConnectionResetError("the port does not take it")

    def hear(self, within_s: float) -> bytes:
        """What comes next; empty when nothing came in time."""
        try:
            found = self._heard.get(timeout=within_s)
        except queue.Empty:
            return b""
        if found is None:
            raise ConnectionResetError("the port was lost")
        return found

    def end(self, within_s: float) -> None:
        """The port has sent everything."""
        end = time.monotonic() + within_s
        while (left := self._port.unsent()) != 0:
            if left is None or time.monotonic() > end:
                raise TimeoutError("the printer takes no more")
            time.sleep(POLL_S)


class Post:
    """Posts to the server, on a connection of its own, with the station's token of the moment."""

    def __init__(self, server: Server, token: Callable[[], str]) -> None:
        self._token = token
        self._transport = Transport(server)

    def __call__(self, path: str, body: bytes) -> Answer | Silence:
        """One exchange; silence as long as the station is not enrolled."""
        token = self._token()
        if not token:
            return Silence("not enrolled")
        self._transport.use(token)
        return self._transport.exchange("POST", path, body)


class StationPrinter:
    """One printer. Start it once, stop it once; a test may call `step` instead."""

    def __init__(self, name: str, port: Port, folder: Path, ask: Ask, limits: Limits = Limits()) -> None:  # noqa: B008
        """Prepare; nothing is asked yet.

        Args:
            name: the printer's in the plan, and the port's in the station's file.
            folder: where the label in hand is noted.
        """
        self._name, self._port, self._ask_server, self._limits = name, port, ask, limits
        self._note = PrintNote(folder / f"printing-{name}.json")
        self.line = PortLine(port)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"printer {name}", daemon=True)

    def start(self) -> None:
        """Begin to take labels."""
        self._thread.start()

    def stop(self) -> None:
        """End within moments; a label that is leaving then is in doubt when the agent starts again."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                pause = self.step()
            except Exception:
                log.exception("printer %s: it is tried again", self._name)
                pause = REST_S

    def step(self) -> float:
        """Say what is owed to the server, or print the next label; returns how long to wait, in seconds."""
        held = self._note.read()
        if held is not None:
            return self._settle(held)
        answer = self._post("next", PrintNextRequest(printer=self._name))
        reply = protocol.reply_of(answer, PrintNextReply)
        if reply is None:
            return _pause(answer)
        return self._print(reply.task) if reply.task is not None else LOOK_S

    def _print(self, task: PrintTask) -> float:
        if not self._port.is_open:
            outcome = Outcome("wait", "printer_away")
        else:
            self.line.fresh()
            outcome = deliver(
                self.line,
                task.data.encode("ascii"),
                lambda: self._begin(task),
                answers=task.answers,
                clock=CLOCK,
                limits=self._limits,
            )
        if outcome.state == "wait":
            if self._note.read() is None:
                self._say(Note(task.job, task.since, task.nth, "asked", outcome.why))
            return REST_S  # a note: the server has not answered; nothing has left, which it is told next
        note = Note(task.job, task.since, task.nth, outcome.state, outcome.why)
        self._note.write(note)
        return self._settle(note)

    def _begin(self, task: PrintTask) -> bool:
        """Whether the label may leave; then that it leaves is on this disk and on the server's."""
        self._note.write(Note(task.job, task.since, task.nth, "asked"))
        answer = self._post("said", self._said(Note(task.job, task.since, task.nth, "leaving")))
        reply = protocol.reply_of(answer, PrintSaidReply)
        if reply is None or self._stop.is_set():
            return False
        if not reply.go:
            self._note.drop()
            return False
        self._note.write(Note(task.job, task.since, task.nth, "leaving"))
        return True

    def _settle(self, note: Note) -> float:
        """Tell the server how it stands with the label in hand, until it has heard."""
        if note.stage == "leaving":  # an earlier start of this program ended in the middle of it
            note = Note(note.job, note.since, note.nth, "unsure", "printer_stopped")
        answer = self._say(note)
        if protocol.reply_of(answer, PrintSaidReply) is None:
            refused = isinstance(answer, Answer) and answer.status in (400, 404)
            if not refused:
                return _pause(answer)
            log.error("printer %s: the server does not take what became of label %d", self._name, note.job)
        self._note.drop()
        return 0.0 if note.stage == "printed" else REST_S

    def _say(self, note: Note) -> Answer | Silence:
        return self._post("said", self._said(note))

    def _said(self, note: Note) -> PrintSaidRequest:
        state = "wait" if note.stage == "asked" else note.stage
        said = {"job": note.job, "since": note.since, "nth": note.nth, "state": state, "why": note.why}
        return PrintSaidRequest.model_validate({"printer": self._name, **said})

    def _post(self, what: str, body: BaseModel) -> Answer | Silence:
        return self._ask_server(f"/api/v1/print/{what}", body.model_dump_json().encode())


def _pause(answer: Answer | Silence) -> float:
    shut = isinstance(answer, Answer) and answer.status in (401, 403, 404, 426)
    return SHUT_S if shut else REST_S
