"""Real ports on pseudo-terminals: opening, losing, coming back, asking."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stations import exchange
from stations.devices.readings import NoReply, Reply
from stations.frames import BadFrame, Frame, Framing
from stations.ports import Port, PortEvent, PortLost, PortOpened, PortSettings
from stations.simulator.pty import Burst, VirtualPort
from tests.waiting import wait_for

SCANS = Framing()


class Desk:
    """A virtual device, a port on it, and what the port told."""

    def __init__(self, link: Path) -> None:
        self.device = VirtualPort(link)
        self.events: list[PortEvent] = []
        self.port = Port(PortSettings(str(link)), SCANS, self.events.append)

    def opened(self) -> int:
        return sum(isinstance(e, PortOpened) for e in self.events)

    def losses(self) -> list[str]:
        return [e.why for e in self.events if isinstance(e, PortLost)]

    def frames(self) -> list[Frame | BadFrame]:
        return [e for e in self.events if isinstance(e, Frame | BadFrame)]

    def start(self) -> Desk:
        self.device.plug()
        self.port.start()
        wait_for(self.opened, 5, "the port opens")
        return self

    def reads(self, *expected: Frame | BadFrame) -> None:
        wait_for(lambda: self.frames() == list(expected), 5, f"the port reads {expected}, got {self.frames()}")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "usb-Scanner_0042-if00")
    yield made
    made.port.close()
    made.device.unplug()


# --- reading


def test_a_scan_arrives_as_one_frame(desk: Desk) -> None:
    desk.start().device.write(b"NMD-1\r\n")
    desk.reads(Frame(b"NMD-1"))


def test_a_hundred_scans_in_one_burst_arrive_in_order_and_none_is_merged(desk: Desk) -> None:
    texts = [b"NMD-%03d" % n for n in range(100)]
    desk.start().device.write(b"".join(t + b"\r" for t in texts))
    desk.reads(*(Frame(t) for t in texts))


def test_a_frame_without_its_end_is_torn_after_300_ms_and_not_joined_to_the_next(desk: Desk) -> None:
    desk.start().device.write(b"PN12345")
    desk.reads(BadFrame("torn", b"PN12345"))
    desk.device.write(b"NMD-1\r")
    desk.reads(BadFrame("torn", b"PN12345"), Frame(b"NMD-1"))


def test_noise_of_a_wrong_baud_rate_is_reported_and_the_next_scan_is_read(desk: Desk) -> None:
    desk.start().device.write(b"\xff\x00\xfe\rNMD-1\r")
    desk.reads(BadFrame("bad_bytes", b"\xff\x00\xfe"), Frame(b"NMD-1"))


def test_a_megabyte_without_terminator_is_one_bad_frame(desk: Desk) -> None:
    sent = desk.start().device.write(b"\xff" * 1_000_000, limit_s=30)
    assert sent == 1_000_000
    desk.device.write(b"\rNMD-1\r")
    desk.reads(BadFrame("too_long", b"\xff" * 512), Frame(b"NMD-1"))


def test_what_was_sent_before_the_port_opened_is_lost_and_never_half_read(desk: Desk) -> None:
    desk.device.plug()
    desk.device.write(b"TOO-EARLY\r")
    desk.start().device.write(b"NMD-1\r")
    desk.reads(Frame(b"NMD-1"))
    assert isinstance(desk.events[0], PortOpened)


def test_a_listener_that_fails_does_not_stop_the_reading(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[PortEvent] = []

    def fail(event: PortEvent) -> None:
        seen.append(event)
        raise LookupError("a bug")

    with VirtualPort(tmp_path / "dev") as device, Port(PortSettings(str(device.link)), SCANS, fail):
        wait_for(lambda: seen, 5, "the port opens")
        device.write(b"NMD-1\r")
        wait_for(lambda: Frame(b"NMD-1") in seen, 5, "the scan is told")
    assert "a bug" in caplog.text


def test_a_port_may_be_a_pyserial_url() -> None:
    events: list[PortEvent] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with Port(PortSettings(url), SCANS, events.append):
            connection, _ = server.accept()
            with connection:
                wait_for(lambda: events, 5, "the port opens")
                connection.sendall(b"NMD-1\r")
                wait_for(lambda: Frame(b"NMD-1") in events, 5, "the scan is read")
            wait_for(lambda: any(isinstance(e, PortLost) for e in events), 5, "the closed connection is seen")


# --- losing and coming back


def test_a_missing_device_is_told_once_and_opened_when_it_comes(desk: Desk) -> None:
    desk.port.start()
    wait_for(desk.losses, 5, "the loss is told")
    begun = time.monotonic()
    wait_for(lambda: time.monotonic() - begun > 1.2, 5, "two more tries")
    assert desk.losses() == ["missing"]
    assert not desk.port.is_open
    desk.device.plug()
    wait_for(desk.opened, 5, "the port opens within 5 s")


def test_unplugging_in_mid_frame_tells_the_torn_frame_and_the_loss_and_a_replug_opens_it_again(desk: Desk) -> None:
    desk.start().device.write(b"NMD-1\rNMD-")
    desk.reads(Frame(b"NMD-1"))
    link = desk.device.link
    with VirtualPort(
        link.with_name("ttyUSB1")
    ) as again:  # the same device, under the other number it will come back as
        before = os.readlink(link)
        desk.device.unplug()
        wait_for(desk.losses, 5, "the loss is told")
        desk.reads(Frame(b"NMD-1"), BadFrame("torn", b"NMD-"))
        assert desk.losses() == ["unplugged"]
        assert not desk.port.is_open
        again.link.rename(link)
        assert os.readlink(link) != before
        wait_for(lambda: desk.opened() == 2, 5, "the port opens again within 5 s")
        again.write(b"NMD-2\r")
        desk.reads(Frame(b"NMD-1"), BadFrame("torn", b"NMD-"), Frame(b"NMD-2"))


def test_ten_replugs_leave_no_descriptor_and_no_thread_behind(desk: Desk) -> None:
    desk.start()
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    for n in range(2, 12):
        desk.device.unplug()
        wait_for(lambda: not desk.port.is_open, 5, "the loss is seen")
        desk.device.plug()
        wait_for(lambda n=n: desk.opened() == n, 5, "it opens again")  # type: ignore[misc]
    # Fewer is no leak: another test's file may have been closed by the garbage collection meanwhile.
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    assert threading.active_count() <= threads


def test_a_second_opener_is_refused_until_the_first_lets_go_and_steals_no_byte(desk: Desk) -> None:
    desk.start()
    others: list[PortEvent] = []
    with Port(PortSettings(str(desk.device.link)), SCANS, others.append):
        wait_for(lambda: others, 5, "the second opener is told")
        assert [e.why for e in others if isinstance(e, PortLost)] == ["busy"]
        desk.device.write(b"NMD-1\rNMD-2\r")
        desk.reads(Frame(b"NMD-1"), Frame(b"NMD-2"))
        desk.port.close()
        wait_for(lambda: any(isinstance(e, PortOpened) for e in others), 5, "the second opener has its turn")


def test_a_path_that_is_no_serial_port_is_told_and_not_raised(tmp_path: Path) -> None:
    plain = tmp_path / "file"
    plain.write_text("")
    events: list[PortEvent] = []
    with Port(PortSettings(str(plain)), SCANS, events.append):
        wait_for(lambda: events, 5, "the loss is told")
    assert isinstance(events[0], PortLost)
    assert events[0].why == "broken"
    assert events[0].text


def test_closing_frees_the_port_and_the_thread(desk: Desk) -> None:
    desk.start().port.close()
    assert not desk.port.is_open
    assert not any(t.name == f"port {desk.device.link}" for t in threading.enumerate())
    assert desk.port.write(b"x") is False
    assert desk.port.ask(b"X\n") == NoReply("closed")


# --- writing and asking


def test_bytes_written_reach_the_device(desk: Desk) -> None:
    assert desk.port.write(b"too early") is False
    desk.start()
    assert desk.port.write(b"\x1b[3q")
    wait_for(lambda: bytes(desk.device.received) == b"\x1b[3q", 5, "the feedback arrives")


def test_a_question_gets_its_answer(desk: Desk) -> None:
    desk.device.respond = lambda data: b"KERN,S-1\r\n"
    desk.start()
    assert desk.port.ask(b"*IDN?\n") == Reply(b"KERN,S-1")
    assert bytes(desk.device.received) == b"*IDN?\n"
    assert desk.frames() == []


def test_an_answer_in_single_bytes_is_one_answer(desk: Desk) -> None:
    desk.device.respond = lambda data: [Burst(bytes([b]), n * 0.002) for n, b in enumerate(b"S S 1.0 g\r\n")]
    assert desk.start().port.ask(b"S\r\n") == Reply(b"S S 1.0 g")


def test_an_echo_of_the_command_is_not_the_answer(desk: Desk) -> None:
    desk.device.respond = lambda data: data + b"+1.5\n"
    assert desk.start().port.ask(b"READ?\n") == Reply(b"+1.5", (b"READ?",))


def test_the_same_answer_twice_in_one_read_is_one_answer(desk: Desk) -> None:
    desk.device.respond = lambda data: b"1\n1\n"
    port = desk.start().port
    assert port.ask(b"READ?\n") == Reply(b"1", (b"1",))
    assert port.ask(b"READ?\n") == Reply(b"1", (b"1",))


def test_two_different_answers_are_no_answer_and_the_question_is_asked_again(desk: Desk) -> None:
    answers = iter([b"OLD\n1\n", b"2\n"])
    desk.device.respond = lambda data: next(answers)
    port = desk.start().port
    assert port.ask(b"READ?\n") == Reply(b"2", (b"OLD", b"1"))
    desk.device.respond = lambda data: b"3\n4\n"
    refused = port.ask(b"READ?\n")
    assert isinstance(refused, NoReply)
    assert (refused.why, refused.raw) == ("two_answers", b"3")


def test_a_line_half_sent_when_asking_is_waited_for_and_its_rest_is_not_the_answer(desk: Desk) -> None:
    desk.device.respond = lambda data: b"S S 5.0 g\r\n"
    desk.start().device.write(b"   12")
    desk.device.write_later(b".01 g\r\n", 0.1)
    answer = desk.port.ask(b"S\r\n")
    assert isinstance(answer, Reply)
    assert answer.raw == b"S S 5.0 g"
    assert b".01 g" not in answer.stale


def test_silence_is_a_timeout_in_its_time(desk: Desk) -> None:
    port = desk.start().port
    assert port.ask(b"READ?\n", 0.2) == NoReply("timeout")


def test_half_an_answer_is_torn_and_not_an_answer(desk: Desk) -> None:
    desk.device.respond = lambda data: b"+1.23"
    assert desk.start().port.ask(b"READ?\n", 2.0) == NoReply("torn", b"+1.23")


def test_half_an_answer_when_the_time_is_over_does_not_end_as_a_frame_later(desk: Desk) -> None:
    desk.device.respond = lambda data: [Burst(b"+1.23"), Burst(b"456\n", 0.25)]
    port = desk.start().port
    assert port.ask(b"READ?\n", 0.15) == NoReply("timeout", b"+1.23")
    desk.device.respond = lambda data: b"7\n"
    answer = port.ask(b"READ?\n", 2.0)
    assert isinstance(answer, Reply)
    assert answer.raw == b"7"
    assert Frame(b"456") not in desk.events


def test_noise_in_an_answer_is_not_an_answer(desk: Desk) -> None:
    desk.device.respond = lambda data: b"+1.\xff3\n"
    assert desk.start().port.ask(b"READ?\n") == NoReply("bad_bytes", b"+1.\xff3")


def test_the_late_answer_to_an_old_question_is_not_taken_for_the_new_one(desk: Desk) -> None:
    desk.device.respond = lambda data: [Burst(b"OLD\n", 0.3)]
    port = desk.start().port
    assert port.ask(b"A?\n", 0.1) == NoReply("timeout")
    desk.device.respond = lambda data: b"NEW\n"
    answer = port.ask(b"B?\n")
    assert isinstance(answer, Reply)
    assert (answer.raw, answer.stale[0]) == (b"NEW", b"OLD")


def test_after_a_question_without_answer_the_first_answer_may_be_the_late_one_and_is_let_go(desk: Desk) -> None:
    port = desk.start().port
    assert port.ask(b"A?\n", 0.1) == NoReply("timeout")
    answers = iter([b"OLD\n", b"NEW\n"])
    desk.device.respond = lambda data: next(answers)
    assert port.ask(b"B?\n") == Reply(b"NEW", (b"OLD",))


def test_a_question_without_answer_is_remembered_through_a_replug(desk: Desk) -> None:
    port = desk.start().port
    assert port.ask(b"A?\n", 0.1) == NoReply("timeout")
    desk.device.unplug()
    wait_for(lambda: not port.is_open, 5, "the loss is seen")
    answers = iter([b"OLD\n", b"NEW\n"])
    desk.device.respond = lambda data: next(answers)
    desk.device.plug()
    wait_for(lambda: port.is_open, 5, "it opens again")
    assert port.ask(b"B?\n") == Reply(b"NEW", (b"OLD",))


def test_a_minute_later_no_late_answer_is_expected_any_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LATEST_S", 0.1)
    port = desk.start().port
    assert port.ask(b"A?\n", 0.01) == NoReply("timeout")
    desk.device.respond = lambda data: b"NEW\n"
    wait_for(lambda: port.ask(b"B?\n") == Reply(b"NEW"), 5, "one question is enough")


def test_lines_that_come_unasked_are_told_as_frames(desk: Desk) -> None:
    desk.device.respond = lambda data: b"7\n"
    desk.start().device.write(b"PRINT KEY\r\n")
    desk.reads(Frame(b"PRINT KEY"))
    assert desk.port.ask(b"READ?\n") == Reply(b"7")


def test_asking_an_absent_device_is_answered_at_once(desk: Desk) -> None:
    desk.port.start()
    wait_for(desk.losses, 5, "the loss is told")
    assert desk.port.ask(b"READ?\n", 3_600.0) == NoReply("lost")  # an hour would run into the test's own limit


def test_unplugging_while_an_answer_is_awaited_ends_the_wait(desk: Desk) -> None:
    desk.start()
    answers: list[Reply | NoReply] = []
    asking = threading.Thread(target=lambda: answers.append(desk.port.ask(b"READ?\n", 30.0)))
    asking.start()
    wait_for(lambda: bytes(desk.device.received), 5, "the question arrives")
    desk.device.unplug()
    asking.join(timeout=5)
    assert answers == [NoReply("lost")]
    wait_for(lambda: desk.losses() == ["unplugged"], 5, "the loss is told too")


def test_closing_while_an_answer_is_awaited_ends_the_wait(desk: Desk) -> None:
    desk.start()
    answers: list[Reply | NoReply] = []
    asking = threading.Thread(target=lambda: answers.append(desk.port.ask(b"READ?\n", 30.0)))
    asking.start()
    wait_for(lambda: bytes(desk.device.received), 5, "the question arrives")
    desk.port.close()
    asking.join(timeout=5)
    assert answers == [NoReply("closed")]


def test_questions_of_several_threads_take_turns_and_each_gets_its_own_answer(desk: Desk) -> None:
    desk.device.respond = lambda data: [Burst(b"re " + data, 0.01)]
    port = desk.start().port
    answers: dict[int, Reply | NoReply] = {}

    def asks(n: int) -> None:
        answers[n] = port.ask(b"Q%d?\n" % n, 5.0)

    threads = [threading.Thread(target=asks, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert answers == {n: Reply(b"re Q%d?" % n) for n in range(8)}


def test_asking_from_the_listener_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def listen(event: PortEvent) -> None:
        try:
            port.ask(b"READ?\n")
        except RuntimeError as e:
            errors.append(e)

    with VirtualPort(tmp_path / "dev") as device:
        port = Port(PortSettings(str(device.link)), SCANS, listen)
        with port:
            wait_for(lambda: errors, 5, "the listener is refused")
