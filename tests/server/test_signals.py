"""Signals of control charts: one for each excursion, warning or stopping the step, and the replay says the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mes import floor as told_floor
from mes import nonconformities, signals, wire
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.commands_office import publish_plan
from mes.db.session import reading, writing
from mes.db.tables import ControlSignal, Nonconformity, Watch
from mes.domain.route import Control
from tests.server.bench import Bench, Floor
from tests.server.small_plan import small_plan

UNITS = [f"GEN-2648-{n:05}" for n in range(1, 41)]
SI = "SI-2026-0001"
WARN = Control(centre=3.0, sigma=0.2, rules=(1, 2))
HOLD = Control(centre=3.0, sigma=0.2, rules=(1,), when="hold")


class Line:
    """A floor whose fit step is done for every unit: the test is what goes on."""

    def __init__(self, folder: Path, chart: Control | None) -> None:
        self.floor = Floor(f"sqlite:///{folder / 'atelier.db'}", small_plan(chart=chart), twice=False)
        self.floor.order("GEN", 40)
        self.next = iter(UNITS)

    def fitted(self) -> str:
        serial, b1 = next(self.next), self.floor.bench("b1")
        self.floor.send(b1, b1.arrive(serial, "fit"), b1.fit(serial, "BAT", serial=serial[-5:]))
        self.floor.send(b1, b1.fit(serial, "FUSE", lot="7"), b1.fit(serial, "FUSE", lot="7"), b1.done(serial, "fit"))
        return serial

    def measure(self, *values: float) -> list[wire.IngestResult]:
        """One unit a value; what the server said to each run."""
        out, b2 = [], self.floor.bench("b2")
        for value in values:
            serial = self.fitted()
            first, *_ = self.floor.send(b2, b2.arrive(serial, "test"))
            assert first.verdict == "accepted", first
            run, *_ = self.floor.send(b2, b2.test(serial, value), b2.done(serial, "test"))
            out.append(run)
        return out

    def signals(self) -> list[ControlSignal]:
        with reading(self.floor.engine) as session:
            found = list(signals.listed(session, everything=True))
            session.expunge_all()
            return found

    def publish(self, chart: Control | None) -> None:
        with writing(self.floor.engine) as session:
            assert publish_plan(session, small_plan(chart=chart), now=self.floor.clock.tick()).done

    def close(self, signal: str = SI, cause: str = "machine") -> bool:
        return self.floor.do(signals.close, signal, cause, "The clamp was worn").done


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path, WARN)
    yield made
    _, findings = verify_engine(made.floor.engine, tmp_path)
    assert findings == []
    made.floor.close()


def test_an_excursion_is_one_signal_with_its_evidence_and_ends_when_the_readings_are_back(line: Line) -> None:
    said = line.measure(3.0, 2.95, 3.65, 3.7)
    assert ["signal" in r.args for r in said] == [False, False, True, False], "said once"
    assert {r.reason for r in said} == {"test_passed"}, "the product is good; a bench of before understands the answer"
    (found,) = line.signals()
    assert (found.id, found.state, found.measure, found.station) == (SI, "open", "V", "b2")
    line.measure(3.1)
    (found,) = line.signals()
    assert found.state == "over", "one reading inside is what the first rule looks at"
    shown = signals.evidence(found)
    assert [r.value for r in shown.reads] == [3.0, 2.95, 3.65, 3.7, 3.1]
    assert shown.marks[0] == {2: [1], 3: [1]}
    assert {rule for _, rule in signals.rules_of(found)} == {1}
    line.measure(2.38)
    assert [s.state for s in line.signals()] == ["open", "over"], "a new excursion is a new signal"


def test_the_row_of_a_chart_stays_small_and_a_repeated_run_of_a_visit_is_no_reading(line: Line) -> None:
    line.measure(*[3.05, 2.95] * 9)
    b2, serial = line.floor.bench("b2"), line.fitted()
    line.floor.send(b2, b2.arrive(serial, "test"), b2.test(serial, 2.9), b2.test(serial, 3.9))
    with reading(line.floor.engine) as session:
        row = session.get(Watch, ("GEN", "test", "volt"))
        assert row is not None
        kept = json.loads(row.readings)
    assert len(kept) == 15
    assert kept[-1][3] == 2.9
    assert line.signals() == []


def test_other_limits_begin_the_chart_anew_and_no_chart_watches_nothing(line: Line) -> None:
    line.measure(*[3.1] * 8)
    line.publish(Control(centre=3.02, sigma=0.2, rules=(1, 2)))
    line.measure(3.1)
    assert line.signals() == [], "nine on one side, and not of one centre"
    line.publish(None)
    line.measure(4.5)
    assert line.signals() == []


def test_a_signal_is_closed_once_with_its_cause_and_the_chart_begins_anew(line: Line) -> None:
    line.measure(*[3.1] * 10)
    assert line.close()
    (found,) = line.signals()
    assert (found.state, found.cause, found.why) == ("closed", "machine", "The clamp was worn")
    again = line.floor.do(signals.close, SI, "none", "x")
    assert again.reason == "signal_closed"
    assert line.floor.do(signals.close, "SI-1", "none", "x").reason == "unknown_signal"
    line.measure(3.1)
    assert len(line.signals()) == 1, "what was before the cause was found is no evidence any more"


def test_quality_opens_a_nonconformity_from_a_signal(line: Line) -> None:
    line.measure(3.8)
    item = wire.NcItem(kind="process", subject="test")
    body = wire.NonconformityOpened(title="Voltage has moved", items=(item,), signal=SI)
    answer = line.floor.do(nonconformities.open_nc, body)
    (found,) = line.signals()
    assert found.nc == answer.args["nc"]
    with reading(line.floor.engine) as session:
        assert session.get(Nonconformity, found.nc) is not None
    strange = body.model_copy(update={"signal": "SI-1"})
    assert line.floor.do(nonconformities.open_nc, strange).reason == "unknown_signal"


def test_a_signal_that_holds_stops_the_step_until_somebody_closes_it(tmp_path: Path) -> None:
    line = Line(tmp_path, HOLD)
    floor, waiting, here = line.floor, line.fitted(), line.fitted()
    b2, other = floor.bench("b2"), Bench("b2", floor.clock)
    early = other.arrive(waiting, "test", asks=False)
    floor.send(b2, b2.arrive(here, "test"), b2.test(here, 3.9))
    with reading(floor.engine) as session:
        told = told_floor.changes(session, 0, "b2").stopped
    assert told == (wire.FloorStop(product="GEN", step="test", signal=SI),)
    next_one = line.fitted()
    refused, *_ = floor.send(b2, b2.arrive(next_one, "test"))
    assert (refused.verdict, refused.reason, refused.args["signal"]) == ("refused", "step_stopped", SI)
    done, *_ = floor.send(b2, b2.done(here, "test"))
    assert done.verdict == "accepted", "what is begun is ended"
    fact, *_ = floor.send(other, early)
    assert fact.args.get("why") == "needs_network", "it came before the signal, which says nothing of it"
    line.publish(WARN)
    with reading(floor.engine) as session:
        assert told_floor.changes(session, 0, "b2").stopped == (), "the plan in force says whether it stops"
    line.publish(HOLD.model_copy(update={"rules": (1, 3)}))
    assert line.close()
    arrived, *_ = floor.send(b2, b2.arrive(next_one, "test"))
    assert arrived.verdict == "accepted"
    with reading(floor.engine) as session:
        assert told_floor.changes(session, 0, "b2").stopped == ()
    _, findings = verify_engine(floor.engine, tmp_path)
    assert findings == []
    floor.close()


def test_the_command_lists_signals(line: Line, tmp_path: Path) -> None:
    line.measure(3.65, 3.0, 3.65)
    database = ["--database", f"sqlite:///{tmp_path / 'atelier.db'}"]
    shown = CliRunner().invoke(main, ["spc", "signals", "--all", "--json", *database], catch_exceptions=False)
    data = json.loads(shown.output)
    assert [(s["id"], s["state"]) for s in data] == [("SI-2026-0002", "open"), (SI, "over")]
    assert data[0]["readings"][-1]["rules"] == [1]
    text = CliRunner().invoke(main, ["spc", "signals", *database], catch_exceptions=False).output
    assert "SI-2026-0002" in text
    assert SI not in text
    files = CliRunner().invoke(main, ["spc", "--help"], catch_exceptions=False).output
    assert "--chart" in files
