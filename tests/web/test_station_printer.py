"""A label printer at a station: the agent takes its labels from the server; each comes out once, whatever breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mes import keys, labels, printing, station_printing
from mes.commands_office import publish_plan
from mes.db.session import reading, writing
from mes.db.tables import Label as LabelCount
from mes.db.tables import PrintJob
from mes.domain.printer import Printer
from mes.domain.printer_talk import Limits
from stations.devices.label_printer import FRAMING
from stations.ports import Port, PortSettings
from stations.printing import LOOK_S, SHUT_S, StationPrinter
from stations.protocol import Answer, Silence
from stations.simulator.label_printer import SerialLabelPrinter
from tests.server.bench import Clock
from tests.server.small_plan import small_plan
from tests.server.test_labels import replayed
from tests.server.zpl_reader import read_zpl
from tests.waiting import wait_for
from tests.web.test_api import Door

QUICK = Limits(connect_s=1.0, answer_s=1.0, print_s=0.3, ask_s=0.01)
UNITS = [f"GEN-2648-{n:05}" for n in (1, 2, 3)]
NEXT, SAID = "/api/v1/print/next", "/api/v1/print/said"


class Crash(BaseException):
    """The agent ends here: the power is gone."""


class Bench:
    """A station with a printer on a cable, its program, and a network that can break."""

    def __init__(self, door: Door, folder: Path) -> None:
        self.door, self.folder = door, folder
        self.token = door.token
        plan = small_plan()
        printer = Printer(id="zebra", station="b1", label="57x32")
        plan = plan.model_copy(update={"plant": plan.plant.model_copy(update={"printers": (printer,)})})
        with writing(door.engine) as session:
            assert publish_plan(session, plan, now=door.site.clock()).done
        self.device = SerialLabelPrinter(folder / "cable").__enter__()
        self.broken: Callable[[str, bytes], str] = lambda path, body: ""
        """`before`: the request does not arrive; `after`: its answer does not."""
        self.port = Port(PortSettings(str(folder / "cable")), FRAMING, lambda event: self.agent.line.put(event))
        self.start()
        self.port.start()
        wait_for(lambda: self.port.is_open)

    def start(self) -> None:
        """Start the program, or start it again: nothing is left of it but its disk."""
        self.agent = StationPrinter("zebra", self.port, self.folder, self.ask, QUICK)

    def ask(self, path: str, body: bytes) -> Answer | Silence:
        how = self.broken(path, body)
        if how == "before":
            return Silence("no network")
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.door.client.post(path, data=body, headers=headers, content_type="application/json")
        if how == "after":
            return Silence("no network")
        return Answer(answer.status_code, answer.data, None, None)

    def queue(self, *serials: str) -> None:
        with writing(self.door.engine) as session:
            made = labels.unit_labels(session, "OF-1", serials=serials or None)
            assert isinstance(made, list)
            assert printing.queue(session, made, "zebra", now=self.door.site.clock()).done

    def jobs(self) -> list[tuple[str, str]]:
        with reading(self.door.engine) as session:
            return [(j.state, j.why) for j in session.scalars(select(PrintJob).order_by(PrintJob.id))]

    def decide(self, job: int, decision: printing.Decision) -> None:
        self.door.site.do(lambda session, now: printing.decide(session, job, decision, now=now))

    def counted(self) -> dict[str, int]:
        with reading(self.door.engine) as session:
            return {row.subject: row.copies for row in session.scalars(select(LabelCount))}

    def out(self) -> list[str]:
        return [" ".join(f.data for f in read_zpl(data)[0].fields[3:]) for data in self.device.printed]

    def close(self) -> None:
        self.port.close()
        self.device.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    door = Door(f"sqlite:///{tmp_path / 'atelier.db'}")
    made = Bench(door, tmp_path)
    yield made
    made.close()
    door.close()


def on(path: str, how: str, said: bytes = b"") -> Callable[[str, bytes], str]:
    return lambda asked, body: how if asked == path and said in body else ""


def test_a_label_at_a_station_comes_out_once_through_lost_answers_and_a_program_that_ends(
    bench: Bench, tmp_path: Path
) -> None:
    bench.queue()
    assert bench.agent.step() == 0.0
    assert bench.out() == UNITS[:1]

    bench.broken = on(SAID, "after", b"leaving")  # the server has heard it, the station does not know
    assert bench.agent.step() > 0
    assert bench.jobs()[1] == ("sending", "")
    bench.start()  # and its program ends: nothing had left
    bench.broken = on(SAID, "")
    assert bench.agent.step() > 0
    assert bench.jobs()[1] == ("waiting", "")

    bench.broken = on(SAID, "before", b"printed")  # it comes out, and the network is gone
    assert bench.agent.step() > 0
    assert bench.out() == UNITS[:2]
    bench.start()
    assert bench.agent.step() > 0
    assert bench.out() == UNITS[:2]
    assert bench.jobs()[1] == ("sending", "")
    later = bench.door.site.clock() + station_printing.SILENT + timedelta(seconds=1)
    with writing(bench.door.engine) as session:
        assert printing.recover(session, now=later) == 0  # a server that starts says nothing of what stations hold
        assert station_printing.silent(session, printing.printers(session), now=later)
        station_printing.give_up(session, now=later)
    assert bench.jobs()[1] == ("unsure", "printer_no_word")
    bench.broken = on(SAID, "after", b"printed")
    assert bench.agent.step() > 0
    bench.broken = on(SAID, "")
    assert bench.agent.step() == 0.0  # said twice, counted once
    assert [bench.agent.step(), bench.agent.step()] == [0.0, LOOK_S]
    assert [state for state, _ in bench.jobs()] == ["printed"] * 3
    assert (bench.out(), bench.counted()) == (UNITS, dict.fromkeys(UNITS, 1))
    assert replayed(bench.door.floor, tmp_path)


def test_a_label_of_which_a_station_does_not_know_is_in_doubt_and_not_printed_again_by_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(data: bytes, within_s: float) -> None:
        sent(data, within_s)
        if data.startswith(b"^XA"):
            raise Crash

    bench.queue(UNITS[0])
    sent = bench.agent.line.send
    monkeypatch.setattr(bench.agent.line, "send", power_cut)
    with pytest.raises(Crash):
        bench.agent.step()
    wait_for(lambda: len(bench.out()) == 1)
    bench.start()
    assert bench.agent.step() > 0
    assert bench.jobs()[-1] == ("unsure", "printer_stopped")
    assert bench.agent.step() == LOOK_S
    bench.decide(1, "again")
    assert bench.agent.step() == 0.0
    assert bench.out() == [UNITS[0], f"{UNITS[0]} copy 2"]

    bench.queue(UNITS[1])
    sent = bench.agent.line.send
    monkeypatch.setattr(bench.agent.line, "send", power_cut)
    with pytest.raises(Crash):
        bench.agent.step()
    (bench.folder / "printing-zebra.json").unlink()  # its disk is lost, too
    bench.start()
    assert bench.agent.step() == LOOK_S
    assert bench.jobs()[-1] == ("unsure", "printer_stopped")
    bench.decide(2, "came_out")

    bench.device.fault = "after"  # the plug is pulled
    bench.queue(UNITS[2])
    assert bench.agent.step() > 0
    assert bench.jobs()[-1] == ("unsure", "printer_lost")
    bench.decide(3, "cancel")
    bench.device.settled()
    wait_for(lambda: bench.port.is_open)
    bench.device.fault = "paper"
    bench.queue(UNITS[2])
    assert bench.agent.step() > 0
    assert bench.jobs()[-1] == ("waiting", "printer_paper")
    assert len(bench.out()) == 4


def test_after_a_restore_a_label_that_came_out_is_not_printed_again(bench: Bench) -> None:
    bench.queue(UNITS[0])
    bench.broken = on(SAID, "before", b"printed")
    assert bench.agent.step() > 0
    with writing(bench.door.engine) as session:  # yesterday's backup: nothing had left
        job = session.get_one(PrintJob, 1)
        job.state = "waiting"
    bench.broken = on(SAID, "")
    assert [bench.agent.step(), bench.agent.step()] == [0.0, LOOK_S]
    assert (bench.jobs(), bench.out()) == ([("printed", "")], UNITS[:1])


def test_a_station_prints_on_its_own_printers_only_and_says_nothing_of_others_labels(bench: Bench) -> None:
    bench.queue(UNITS[0])
    with writing(bench.door.engine) as session:
        bench.token = keys.new_token(session, "b2", "pc-2", now=Clock().now)
    assert bench.agent.step() == SHUT_S
    said: dict[str, Any] = {"printer": "zebra", "job": 1, "since": "2026-11-23T08:00:00Z", "nth": 1, "state": "printed"}
    assert bench.door.post("print/said", said, token=bench.token).status_code == 404
    answer = bench.door.post("print/said", said)  # its own station, but another label of that number
    assert (answer.status_code, answer.json["go"]) == (200, False)
    assert bench.door.post("print/said", {**said, "why": "no_such_reason"}).status_code == 400
    assert bench.jobs() == [("waiting", "")]
