"""Instruments behind VISA addresses, through PyVISA-py: on a real pseudo-terminal, and on a real socket."""

from __future__ import annotations

import contextlib
import importlib
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from stations.devices import FAMILIES, scpi
from stations.devices.readings import NoReply, Reading, Reply
from stations.frames import Frame
from stations.ports import NO_VISA, Port, PortEvent, PortLost, PortOpened, PortSettings
from stations.simulator.pty import Burst, VirtualPort
from stations.visa import SLICE_MS
from tests.waiting import wait_for


class Meter:
    """A virtual instrument on a TCP socket of this machine: answers each line as `answers` says."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.answers = {b"*IDN?": b"MAKER,DMM,42,1.0", b"READ?": b"+2.301E+02", b"SYST:ERR?": b'0,"No error"'}
        self.line: socket.socket | None = None
        self._closing = False
        self.heard: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, name="virtual meter", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"visa://TCPIP::127.0.0.1::{self.port}::SOCKET"

    def say(self, data: bytes) -> None:
        assert self.line is not None
        self.line.sendall(data)

    def hang_up(self) -> None:
        if self.line is not None:
            with contextlib.suppress(OSError):
                self.line.shutdown(socket.SHUT_RDWR)
            self.line = None

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self._thread.join(timeout=5)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
                self.line = line
                with line, line.makefile("rb") as lines:
                    for line in lines:
                        command = line.strip(b"\r\n")
                        self.heard.append(command)
                        if command in self.answers:
                            self.say(self.answers[command] + b"\n")
            except (OSError, AssertionError):
                if self._closing:
                    return


class MessageMeter:
    """A virtual instrument that answers in messages: HiSLIP on a socket of this machine, one client at a time.

    Source: IVI-6.1, HiSLIP 1.1: table 2 (header), 6.1 (initialisation), 6.3 (DataEnd).
    """

    HEADER = struct.Struct("!2sBBIQ")  # prologue, type, control code, parameter, length of the payload
    SAYS: Final = {0: (1, 0x0100_0001), 15: (16, 0), 17: (18, 0)}  # type that came: type and parameter of the answer

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.answers = {b"READ?": b"+2.301E+02", b"SYST:ERR?": b'0,"No error"'}
        self.after_s = 0.0
        self.heard: list[bytes] = []
        self._lines: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name="virtual message meter", daemon=True)]
        self._threads[0].start()

    @property
    def address(self) -> str:
        return f"visa://TCPIP::127.0.0.1::hislip0,{self.port}::INSTR"

    def hang_up(self) -> None:
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        for thread in self._threads:
            thread.join(timeout=5)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self._lines.append(line)
                self._threads.append(threading.Thread(target=self._serve, args=(line,), daemon=True))
                self._threads[-1].start()

    def _serve(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as came, contextlib.suppress(OSError):
            while head := came.read(self.HEADER.size):
                _, kind, _, parameter, length = self.HEADER.unpack(head)
                payload = came.read(length)
                if kind in self.SAYS:
                    answer, said = self.SAYS[kind]
                    limit = struct.pack("!Q", 1 << 20) if kind == 15 else b""
                    line.sendall(self.HEADER.pack(b"HS", answer, 0, said, len(limit)) + limit)
                elif kind == 7:
                    self._answer(line, parameter, payload.strip(b"\r\n"))

    def _answer(self, line: socket.socket, number: int, command: bytes) -> None:
        self.heard.append(command)
        if command in self.answers:
            text = self.answers[command]
            late = threading.Timer(
                self.after_s, line.sendall, [self.HEADER.pack(b"HS", 7, 0, number, len(text)) + text]
            )
            late.start()


class Bench:
    """A port and what it told."""

    def __init__(self, address: str) -> None:
        self.events: list[PortEvent] = []
        self.port = Port(PortSettings(address), scpi.FRAMING, self.events.append, retry_s=0.05)

    def opened(self) -> int:
        return sum(isinstance(e, PortOpened) for e in self.events)

    def losses(self) -> list[PortLost]:
        return [e for e in self.events if isinstance(e, PortLost)]

    def start(self) -> Bench:
        self.port.start()
        wait_for(self.opened, 10, "the instrument is open")
        return self


@pytest.fixture
def meter() -> Iterator[Meter]:
    made = Meter()
    yield made
    made.close()


@pytest.fixture
def messages() -> Iterator[MessageMeter]:
    made = MessageMeter()
    yield made
    made.close()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[VirtualPort]:
    with VirtualPort(tmp_path / "meter", lambda data: b"+2.301E+02\n" if b"READ?" in data else b"") as made:
        yield made


@pytest.fixture
def bench() -> Iterator[list[Bench]]:
    made: list[Bench] = []
    yield made
    for each in made:
        each.port.close()


def on(bench: list[Bench], address: str) -> Bench:
    bench.append(Bench(address))
    return bench[-1]


def on_pty(bench: list[Bench], device: VirtualPort) -> Bench:
    return on(bench, f"visa://ASRL{device.link.resolve()}::INSTR").start()


# --- a serial line


def test_a_number_comes_over_a_serial_line(bench: list[Bench], device: VirtualPort) -> None:
    port = on_pty(bench, device).port
    assert scpi.measure(port, "READ?", 5.0) == Reading(230.1, None, "measured", "+2.301E+02")


def test_an_answer_in_single_bytes_an_echo_and_a_late_answer_are_what_they_are_on_any_line(
    bench: list[Bench], device: VirtualPort
) -> None:
    port = on_pty(bench, device).port
    device.respond = lambda data: [Burst(b"%c" % byte, 0.002 * n) for n, byte in enumerate(b"+7\n")]
    assert port.ask(b"READ?\n", 5.0) == Reply(b"+7")
    device.respond = lambda data: data + b"+8\n"
    assert port.ask(b"READ?\n", 5.0) == Reply(b"+8", (b"READ?",))
    device.respond = lambda data: [Burst(b"OLD\n", 0.4)]
    assert port.ask(b"READ?\n", 0.1) == NoReply("timeout")
    device.respond = lambda data: b"NEW\n"
    answer = port.ask(b"READ?\n", 5.0)
    assert isinstance(answer, Reply)
    assert answer.raw == b"NEW"


def test_what_comes_unasked_is_told_as_a_frame(bench: list[Bench], device: VirtualPort) -> None:
    made = on_pty(bench, device)
    device.write(b"PRINT KEY\r\n")
    wait_for(lambda: Frame(b"PRINT KEY") in made.events, 5, "the line is told")


def test_an_unplugged_cable_is_a_loss_and_a_question_then_an_error(bench: list[Bench], device: VirtualPort) -> None:
    made = on_pty(bench, device)
    device.unplug()
    wait_for(made.losses, 10, "the loss is told")
    assert made.losses()[0].why in ("unplugged", "missing")
    assert scpi.measure(made.port, "READ?", 1.0).outcome == "error"


def test_a_second_program_on_the_same_line_is_refused(bench: list[Bench], device: VirtualPort) -> None:
    on_pty(bench, device)
    second = on(bench, f"visa://ASRL{device.link.resolve()}::INSTR")
    second.port.start()
    wait_for(second.losses, 10, "the second one is refused")
    assert second.opened() == 0


# --- a socket


def test_a_number_and_an_identity_come_over_the_network(bench: list[Bench], meter: Meter) -> None:
    port = on(bench, meter.address).start().port
    assert scpi.measure(port, "READ?", 5.0) == Reading(230.1, None, "measured", "+2.301E+02")
    who = scpi.identify(port)
    assert getattr(who, "model", "") == "DMM"
    assert meter.heard == [b"READ?", b"*IDN?"]


def test_silence_on_the_network_is_a_timeout_and_half_an_answer_an_error(bench: list[Bench], meter: Meter) -> None:
    made = on(bench, meter.address).start()
    meter.answers = {}
    assert made.port.ask(b"READ?\n", 0.3) == NoReply("timeout")
    assert scpi.measure(made.port, "READ?", 0.3).outcome == "timeout"


@pytest.mark.parametrize("row", [b for b in scpi.BROKEN if b.sent.endswith(b"\n")], ids=lambda row: row.what)
def test_broken_replies_are_over_the_network_what_they_are_on_a_line(
    bench: list[Bench], meter: Meter, row: scpi.Broken
) -> None:
    made = on(bench, meter.address).start()
    meter.answers[b"READ?"] = row.sent.removesuffix(b"\n")
    assert scpi.measure(made.port, "READ?", 5.0).outcome == row.outcome


def test_an_instrument_that_hangs_up_is_lost_and_opened_again_when_it_is_back(bench: list[Bench], meter: Meter) -> None:
    made = on(bench, meter.address).start()
    wait_for(lambda: meter.line, 5, "the connection stands")
    meter.hang_up()
    wait_for(made.losses, 10, "the loss is told")
    assert made.losses()[0].why == "unplugged"
    wait_for(lambda: made.opened() == 2, 10, "it is open again")
    assert scpi.measure(made.port, "READ?", 5.0).value == 230.1


def test_an_address_where_nothing_listens_is_a_loss_and_no_exception(bench: list[Bench]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
    made = on(bench, f"visa://TCPIP::127.0.0.1::{number}::SOCKET")
    made.port.start()
    wait_for(made.losses, 20, "the loss is told")
    assert (made.opened(), made.losses()[0].why) == (0, "missing")


@pytest.mark.parametrize("address", ["visa://TCPIP::::SOCKET", "visa://nonsense", "visa://ASRL/dev/no-such::INSTR"])
def test_an_address_that_cannot_be_opened_is_told_and_not_raised(bench: list[Bench], address: str) -> None:
    made = on(bench, address)
    made.port.start()
    wait_for(made.losses, 20, "the loss is told")
    assert made.port.ask(b"READ?\n", 1.0) == NoReply("lost")


# --- messages


def test_an_instrument_that_answers_in_messages_is_asked_and_only_then_read(
    bench: list[Bench], messages: MessageMeter
) -> None:
    port = on(bench, messages.address).start().port
    assert scpi.measure(port, "READ?", 5.0) == Reading(230.1, None, "measured", "+2.301E+02")
    assert port.write(b"OUTP ON\n")
    assert scpi.measure(port, "READ?", 5.0).value == 230.1
    assert messages.heard == [b"READ?", b"OUTP ON", b"READ?"]


def test_a_message_may_take_longer_than_one_read(bench: list[Bench], messages: MessageMeter) -> None:
    messages.after_s = 1.2 * SLICE_MS / 1000
    assert scpi.measure(on(bench, messages.address).start().port, "READ?", 10.0).value == 230.1


def test_a_silent_instrument_is_a_timeout_and_answers_the_next_question(
    bench: list[Bench], messages: MessageMeter
) -> None:
    port = on(bench, messages.address).start().port
    good = messages.answers
    messages.answers = {}
    assert port.ask(b"READ?\n", 0.2) == NoReply("timeout")
    messages.answers = good
    assert scpi.measure(port, "READ?", 5.0).value == 230.1


def test_a_message_instrument_that_hangs_up_is_lost_and_opened_again(
    bench: list[Bench], messages: MessageMeter
) -> None:
    made = on(bench, messages.address).start()
    messages.hang_up()
    assert scpi.measure(made.port, "READ?", 2.0).outcome == "error"
    wait_for(lambda: made.opened() == 2, 20, "it is open again")
    assert scpi.measure(made.port, "READ?", 5.0).value == 230.1


# --- without PyVISA


def test_without_pyvisa_one_sentence_says_what_to_install(
    bench: list[Bench], meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyvisa", None)
    monkeypatch.delitem(sys.modules, "stations.visa", raising=False)
    made = on(bench, meter.address)
    made.port.start()
    wait_for(made.losses, 10, "the loss is told")
    assert (made.losses()[0].why, made.losses()[0].text) == ("broken", NO_VISA)
    assert "pip install" in NO_VISA
    assert "visa" in NO_VISA


def test_a_station_without_such_an_address_never_imports_pyvisa() -> None:
    ports = importlib.import_module("stations.ports")
    assert not hasattr(ports, "pyvisa")
    assert FAMILIES["scpi"].measure is scpi.measure
