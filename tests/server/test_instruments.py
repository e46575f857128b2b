"""The register of instruments at the server: what is recorded, what an unfit instrument makes of a test, the replay."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, func, inspect, select, update

from mes import certificates, floor, instruments, measured, wire
from mes.certificates import Received
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.commands_office import publish_plan
from mes.db import migrate
from mes.db.session import reading, writing
from mes.db.tables import Calibration, File, Instrument, Ledger, MeasuredWith, UnitRow
from mes.domain.route import Plan
from tests.server.bench import Bench, Floor
from tests.server.small_plan import small_plan

UNIT = "GEN-2648-00001"
DMM: dict[str, Any] = {"family": "multimeter", "model": "DM-1", "serial": "S-1", "supplier": "Labo", "months": 12}
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
TODAY = "2026-11-23"


def png() -> bytes:
    """A picture of one dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    head = chunk(b"IHDR", (1).to_bytes(4) + (1).to_bytes(4) + bytes([8, 0, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def policy(plan: Plan, calibration: str) -> Plan:
    return plan.model_copy(update={"plant": plan.plant.model_copy(update={"calibration": calibration})})


@pytest.fixture
def shop(database_url: str) -> Iterator[Floor]:
    """A floor with two units, both ready to be tested."""
    made = Floor(database_url, small_plan())
    made.order("GEN", 2)
    bench = made.bench("b1")
    for n in (1, 2):
        unit = f"GEN-2648-{n:05}"
        made.send(
            bench,
            bench.arrive(unit, "fit"),
            bench.fit(unit, "BAT", serial=str(n)),
            bench.fit(unit, "FUSE", lot="1"),
            bench.fit(unit, "FUSE", lot="1"),
            bench.done(unit, "fit"),
        )
    yield made
    made.close()


def agrees(shop: Floor, tmp_path: Path) -> bool:
    count, findings = verify_engine(shop.engine, tmp_path)
    (tmp_path / "replay.db").unlink()
    assert findings == []
    return count > 0


def reading_of(
    value: float = 3.0, device: str | None = "DMM-01", due: str | None = None, **more: Any
) -> dict[str, Any]:
    outcome = "passed" if 1.0 <= value <= 5.0 else "failed"
    known = {"device": device, "serial": "S-1", "calibration_due": due}
    return {"test": "volt", "outcome": outcome, "value": value, "unit": "V", "low": 1.0, "high": 5.0, **known, **more}


def run(bench: Bench, unit: str = UNIT, value: float = 3.0, **more: Any) -> wire.Envelope:
    """A test run with one instrument."""
    taken = reading_of(value, **more)
    return bench.event("UnitsTested", unit=unit, step="test", outcome=taken["outcome"], tests=[taken])


def measure(shop: Floor, unit: str = UNIT, value: float = 3.0, **more: Any) -> wire.IngestResult:
    """The unit comes to the test bench, whose unit leaves, and is tested."""
    bench = shop.bench("b2")
    with reading(shop.engine) as session:
        here = session.scalars(select(UnitRow.serial).where(UnitRow.station == "b2")).first()
    events = [bench.event("UnitsDeparted", unit=here, step="test")] if here not in (None, unit) else []
    if here != unit:
        events.append(bench.arrive(unit, "test"))
    return shop.send(bench, *events, run(bench, unit, value, **more))[-1]


def register(shop: Floor, number: str = "DMM-01") -> None:
    assert shop.do(instruments.add, number, **DMM).done


def good(shop: Floor, done: str = "2026-01-10", due: str = "2027-01-10", **more: Any) -> None:
    answer = shop.do(
        instruments.calibrate,
        "DMM-01",
        "good",
        done=date.fromisoformat(done),
        due=date.fromisoformat(due),
        **more,
    )
    assert answer.done, answer


# --- the office -------------------------------------------------------------------------------------------------------


def test_an_instrument_is_registered_once_and_can_be_described_anew(shop: Floor, tmp_path: Path) -> None:
    register(shop)
    assert shop.do(instruments.add, "DMM-01", **DMM).reason == "instrument_exists"
    assert shop.do(instruments.add, "no good", **DMM).reason == "instrument_form"
    assert shop.do(instruments.change, "DMM-01", **{**DMM, "supplier": "Other"}).done
    assert shop.do(instruments.change, "DMM-09", **DMM).reason == "unknown_instrument"
    with reading(shop.engine) as session:
        row = session.get_one(Instrument, "DMM-01")
        assert (row.supplier, row.months, row.state, row.result) == ("Other", 12, "in_use", None)
    assert agrees(shop, tmp_path)


def test_a_calibration_holds_for_the_instruments_months_or_to_a_given_day(shop: Floor, tmp_path: Path) -> None:
    register(shop)
    assert shop.do(instruments.calibrate, "DMM-01", "good", certificate="C-1").args["due"] == "2027-11-23"
    good(shop, TODAY, "2026-12-31", supplier="Elsewhere")
    with reading(shop.engine) as session:
        row = session.get_one(Instrument, "DMM-01")
        assert (row.done, row.due, row.calibrations) == (TODAY, "2026-12-31", 2)
        assert [(c.certificate, c.supplier) for c in instruments.history(session, "DMM-01")] == [
            ("", "Elsewhere"),
            ("C-1", "Labo"),
        ]
    assert agrees(shop, tmp_path)


@pytest.mark.parametrize(
    ("done", "due", "reason"),
    [("2026-11-24", "2027-11-24", "calibration_future"), ("2026-11-20", "2026-11-20", "calibration_due")],
)
def test_a_calibration_of_tomorrow_or_one_that_ends_before_it_begins_is_refused(
    shop: Floor, done: str, due: str, reason: str
) -> None:
    register(shop)
    days = {"done": date.fromisoformat(done), "due": date.fromisoformat(due)}
    assert shop.do(instruments.calibrate, "DMM-01", "good", **days).reason == reason
    assert shop.do(instruments.calibrate, "DMM-09", "good").reason == "unknown_instrument"


def test_an_older_certificate_that_is_entered_late_does_not_replace_the_newer_one(shop: Floor, tmp_path: Path) -> None:
    register(shop)
    good(shop, "2026-06-01", "2027-06-01")
    good(shop, "2025-06-01", "2026-06-01")
    with reading(shop.engine) as session:
        assert session.get_one(Instrument, "DMM-01").due == "2027-06-01"
    assert agrees(shop, tmp_path)


def test_an_instrument_is_taken_out_of_use_and_put_back(shop: Floor, tmp_path: Path) -> None:
    register(shop)
    assert shop.do(instruments.take_back, "DMM-01").reason == "instrument_in"
    assert shop.do(instruments.retire, "DMM-01", why="dropped").done
    assert shop.do(instruments.retire, "DMM-01", why="again").reason == "instrument_out"
    assert shop.do(instruments.retire, "DMM-09", why="x").reason == "unknown_instrument"
    with reading(shop.engine) as session:
        (listed,) = instruments.listed(session, TODAY).rows
        assert (listed.state, listed.row.why, listed.row.retired_on) == ("retired", "dropped", TODAY)
    assert shop.do(instruments.take_back, "DMM-01").done
    assert agrees(shop, tmp_path)


def test_the_register_shows_first_what_has_to_be_seen_to(shop: Floor) -> None:
    wanted = {"A-1": "2027-12-01", "B-1": "2026-12-24", "C-1": "2026-11-22"}
    for number, due in wanted.items():
        register(shop, number)
        done = date(2025, 12, 1)
        assert shop.do(instruments.calibrate, number, "good", done=done, due=date.fromisoformat(due)).done
    register(shop, "D-1")
    register(shop, "E-1")
    assert shop.do(instruments.calibrate, "E-1", "unfit").done
    register(shop, "F-1")
    assert shop.do(instruments.retire, "F-1", why="x").done
    with reading(shop.engine) as session:
        found = instruments.listed(session, TODAY)
        assert [(x.row.id, x.state) for x in found.rows] == [
            ("E-1", "unfit"), ("C-1", "overdue"), ("B-1", "soon"), ("A-1", "good"), ("D-1", "new"), ("F-1", "retired"),
        ]  # fmt: skip
        assert instruments.counts(session, TODAY) == dict.fromkeys(instruments.STATES, 1)
        for state in instruments.STATES:
            assert [x.state for x in instruments.listed(session, TODAY, state=state).rows] == [state]
        assert [x.row.id for x in instruments.listed(session, TODAY, state="due").rows] == ["C-1", "B-1"]
        assert [x.row.id for x in instruments.listed(session, TODAY, text="b-1").rows] == ["B-1"]
        second = instruments.listed(session, TODAY, page=2, size=4)
        assert ([x.row.id for x in second.rows], second.total, second.pages(4)) == (["D-1", "F-1"], 6, 2)


# --- certificates -----------------------------------------------------------------------------------------------------


def test_a_certificate_is_kept_by_its_hash_and_the_ledger_row_names_it(shop: Floor, tmp_path: Path) -> None:
    register(shop)
    good(shop, file=Received("C:\\certs\\my <cert>.exe", PDF), certificate="C-1")
    good(shop, file=Received("again", PDF))
    digest = sha256(PDF).hexdigest()
    with reading(shop.engine) as session:
        rows = session.scalars(select(Calibration).order_by(Calibration.number)).all()
        assert [(c.file_sha256, c.file_name, c.file_size, c.file_type) for c in rows] == [
            (digest, "my _cert_.pdf", len(PDF), "application/pdf"),
            (digest, "again.pdf", len(PDF), "application/pdf"),
        ]
        assert certificates.content_of(session, digest) == PDF
        assert session.scalar(select(func.count()).select_from(File)) == 1
        bodies = session.scalars(select(Ledger.body).where(Ledger.kind == "InstrumentCalibrated")).all()
        assert all(json.loads(body)["file"]["sha256"] == digest for body in bodies)
    assert agrees(shop, tmp_path)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "application/pdf"),
        (png(), "image/png"),
        (b"\xff\xd8\xff\xe0 picture \xff\xd9", "image/jpeg"),
        (PDF[:20], None),
        (png()[:-1], None),
        (b"\xff\xd8\xff\xe0 pict", None),
        (b"<html><script>alert(1)</script></html>", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"MZ\x90\x00", None),
        (b"", None),
        (b" " + PDF, None),
    ],
)
def test_a_file_is_what_it_holds_and_not_what_it_is_called(content: bytes, kind: str | None) -> None:
    assert certificates.type_of(content) == kind


@pytest.mark.parametrize("name", ["", "..", "/", "a/b", "x\x00y", "é" * 300, "..\\..\\etc", ".pdf", "a\nb"])
def test_any_name_becomes_one_that_can_be_kept(name: str) -> None:
    described = certificates.described(Received(name, PDF))
    assert isinstance(described, wire.CertificateFile)
    assert described.name.endswith(".pdf")
    assert not set(described.name) & set("/\\\x00\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"#!/bin/sh", "certificate_form"), (PDF + b" " * certificates.MAX_BYTES + b"%%EOF", "certificate_large")],
    ids=["script", "large"],
)
def test_a_file_that_cannot_be_kept_leaves_no_calibration(shop: Floor, content: bytes, reason: str) -> None:
    register(shop)
    assert shop.do(instruments.calibrate, "DMM-01", "good", file=Received("a.pdf", content)).reason == reason
    with reading(shop.engine) as session:
        assert instruments.history(session, "DMM-01") == []


def test_the_verification_names_a_certificate_that_is_missing_or_altered(shop: Floor, tmp_path: Path) -> None:
    register(shop)
    good(shop, file=Received("a.pdf", PDF))
    with writing(shop.engine) as session:
        session.execute(update(File).values(content=PDF + b"x"))
    _count, findings = verify_engine(shop.engine, tmp_path)
    assert [(f.where, "altered" in f.what) for f in findings] == [("calibration DMM-01/1", True)]
    with reading(shop.engine) as session:
        assert certificates.content_of(session, sha256(PDF).hexdigest()) is None
    (tmp_path / "replay.db").unlink()
    with writing(shop.engine) as session:
        session.execute(delete(File))
    _count, findings = verify_engine(shop.engine, tmp_path)
    assert [(f.where, "missing" in f.what) for f in findings] == [("calibration DMM-01/1", True)]


# --- what an unfit instrument makes of a test ------------------------------------------------------------------------


def test_a_run_with_an_instrument_in_calibration_judges_the_unit(shop: Floor, tmp_path: Path) -> None:
    register(shop)
    good(shop, due=TODAY)  # a calibration holds to the end of its last day
    assert measure(shop).reason == "test_passed"
    assert measure(shop, "GEN-2648-00002", 9.0).reason == "retest"
    assert agrees(shop, tmp_path)


@pytest.mark.parametrize("value", [3.0, 9.0], ids=["passed", "failed"])
@pytest.mark.parametrize("why", ["overdue", "unfit", "retired"])
def test_a_run_with_an_unfit_instrument_is_recorded_and_says_nothing_of_the_unit(
    shop: Floor, tmp_path: Path, why: str, value: float
) -> None:
    register(shop)
    good(shop, due="2026-11-22" if why == "overdue" else "2027-01-10")
    if why == "unfit":
        assert shop.do(instruments.calibrate, "DMM-01", "unfit").done
    if why == "retired":
        assert shop.do(instruments.retire, "DMM-01", why="dropped").done
    result = measure(shop, value=value)
    assert (result.status, result.verdict, result.reason) == ("recorded", "accepted", f"instrument_{why}")
    assert result.args["instrument"] == "DMM-01"
    with reading(shop.engine) as session:
        row = session.get_one(UnitRow, UNIT)
        assert (row.state, row.tested, row.attempts, row.nc) == ("in_work", "error", 0, None)
        (seen,) = session.scalars(select(MeasuredWith)).all()
        assert (seen.unit, seen.order, seen.step, seen.station) == (UNIT, "OF-1", "test", "b2")
        assert (seen.outcome, seen.fitness, seen.serial) == ("error", f"instrument_{why}", "S-1")
    (refused,) = shop.send(shop.bench("b2"), shop.bench("b2").done(UNIT, "test"))
    assert refused.reason == "needs_test"
    assert agrees(shop, tmp_path)


def test_the_unit_is_tested_again_with_a_good_instrument(shop: Floor, tmp_path: Path) -> None:
    register(shop)
    good(shop, due="2026-11-22")
    register(shop, "DMM-02")
    assert shop.do(instruments.calibrate, "DMM-02", "good").done
    assert measure(shop, value=9.0).reason == "instrument_overdue"
    assert measure(shop, device="DMM-02").reason == "test_passed"
    (done,) = shop.send(shop.bench("b2"), shop.bench("b2").done(UNIT, "test"))
    assert done.reason == "step_done"
    assert agrees(shop, tmp_path)


def test_an_instrument_counts_as_it_was_on_the_day_of_the_test_however_late_the_test_is_told(
    shop: Floor, tmp_path: Path
) -> None:
    register(shop)
    good(shop, due="2027-01-10")
    bench = shop.bench("b2")
    arrived = bench.arrive(UNIT, "test")
    early = run(bench)
    assert shop.do(instruments.calibrate, "DMM-01", "unfit", done=None).done
    shop.clock.tick(2 * 86_400)
    good(shop, "2026-11-25", "2027-11-25")
    kept = [arrived, early, run(bench)]  # the last one two days later
    assert [r.reason for r in shop.send(bench, *kept)] == ["unit_arrived", "instrument_unfit", "test_passed"]
    assert agrees(shop, tmp_path)


def test_an_instrument_that_is_not_in_the_register_counts_by_the_stations_own_file(shop: Floor, tmp_path: Path) -> None:
    assert measure(shop, due="2026-11-22").reason == "instrument_overdue"
    assert measure(shop, due=None).reason == "instrument_unknown"
    register(shop)  # and so does one without a calibration yet
    assert measure(shop, due="2026-11-22").reason == "instrument_overdue"
    assert measure(shop, due=TODAY).reason == "test_passed"
    good(shop, due="2026-11-01")  # from here on the register decides
    assert measure(shop, "GEN-2648-00002", due="2099-12-31").reason == "instrument_overdue"
    assert agrees(shop, tmp_path)


def test_a_run_that_names_no_instrument_is_judged_as_before(shop: Floor) -> None:
    assert measure(shop, device=None).reason == "test_passed"
    with reading(shop.engine) as session:
        assert session.scalar(select(func.count()).select_from(MeasuredWith)) == 0


@pytest.mark.parametrize("what", ["warn", "off"])
def test_a_plant_may_only_be_told(shop: Floor, tmp_path: Path, what: str) -> None:
    register(shop)
    good(shop, due="2026-11-22")
    with writing(shop.engine) as session:
        assert publish_plan(session, policy(small_plan(), what), now=shop.clock.tick()).done
    assert measure(shop).reason == "test_passed"  # the plan in force counts, not the older one of the order
    with reading(shop.engine) as session:
        (seen,) = session.scalars(select(MeasuredWith)).all()
        assert (seen.outcome, seen.fitness) == ("passed", "instrument_overdue")
    assert agrees(shop, tmp_path)


def test_a_run_that_was_no_judgement_anyway_keeps_its_own_reason(shop: Floor) -> None:
    register(shop)
    good(shop, due="2026-11-22")
    bench = shop.bench("b2")
    taken = {**reading_of(), "outcome": "timeout", "value": None}
    arrived = bench.arrive(UNIT, "test")
    event = bench.event("UnitsTested", unit=UNIT, step="test", outcome="timeout", tests=[taken])
    assert [r.reason for r in shop.send(bench, arrived, event)] == ["unit_arrived", "bench_error"]


def test_one_unfit_instrument_among_several_is_enough(shop: Floor) -> None:
    register(shop)
    good(shop)
    bench = shop.bench("b2")
    silent = {**reading_of(), "outcome": "timeout", "value": None}
    readings = [silent, reading_of(device="OLD-01", due="2020-01-01", attempt=2)]
    arrived = bench.arrive(UNIT, "test")
    event = bench.event("UnitsTested", unit=UNIT, step="test", outcome="passed", tests=readings)
    result = shop.send(bench, arrived, event)[1]
    assert (result.reason, result.args["instrument"]) == ("instrument_overdue", "OLD-01")
    with reading(shop.engine) as session:
        rows = session.execute(select(MeasuredWith.device, MeasuredWith.fitness).order_by(MeasuredWith.device)).all()
    assert [tuple(r) for r in rows] == [("DMM-01", ""), ("OLD-01", "instrument_overdue")]


def test_a_sample_on_the_way_is_remembered_with_its_instrument(shop: Floor, tmp_path: Path) -> None:
    register(shop)
    good(shop)
    bench = shop.bench("b2")
    arrived = bench.arrive(UNIT, "test")
    samples = [bench.event("ReadingsRecorded", unit=UNIT, step="test", n=n, readings=[reading_of()]) for n in (1, 2)]
    shop.send(bench, arrived, *samples)
    with reading(shop.engine) as session:
        assert session.scalars(select(MeasuredWith.outcome)).all() == ["sample", "sample"]
    assert agrees(shop, tmp_path)


def test_a_run_of_a_unit_that_nobody_knows_is_remembered_too(shop: Floor, tmp_path: Path) -> None:
    bench = shop.bench("b2")
    (result,) = shop.send(bench, run(bench, "STRANGER", due="2027-01-01"))
    assert result.verdict == "held"
    with reading(shop.engine) as session:
        (seen,) = session.scalars(select(MeasuredWith)).all()
        assert (seen.unit, seen.order, seen.outcome) == ("STRANGER", "", "passed")
        (stranger,) = measured.strangers(session)
        assert (stranger.device, stranger.serial) == ("DMM-01", "S-1")
    register(shop)
    with reading(shop.engine) as session:
        assert measured.strangers(session) == []
        assert measured.floor_serial(session, "DMM-01") == "S-1"
    assert agrees(shop, tmp_path)


def test_a_station_is_told_how_each_instrument_stands(shop: Floor) -> None:
    for number in ("DMM-01", "DMM-02", "DMM-03", "DMM-04"):
        register(shop, number)
    good(shop, due="2027-01-10")
    assert shop.do(instruments.calibrate, "DMM-02", "unfit").done
    assert shop.do(instruments.retire, "DMM-03", why="x").done
    with reading(shop.engine) as session:
        told = floor.changes(session, 0, "b2").instruments
    assert told is not None
    assert [(i.id, i.state, i.since, i.until) for i in told] == [
        ("DMM-01", "good", "", "2027-01-10"),
        ("DMM-02", "unfit", TODAY, ""),
        ("DMM-03", "retired", TODAY, ""),
        ("DMM-04", "new", "", ""),
    ]


# --- what has to be looked at ----------------------------------------------------------------------------------------


def test_an_unfit_finding_counts_the_units_since_the_last_good_calibration(shop: Floor, tmp_path: Path) -> None:
    register(shop)
    good(shop, "2026-01-10", "2027-01-10")
    for _ in range(3):
        measure(shop, value=0.5 if _ < 1 else 3.0)
    shop.clock.tick(86_400)
    measure(shop, "GEN-2648-00002")
    answer = shop.do(instruments.calibrate, "DMM-01", "unfit")
    assert (answer.done, answer.args["units"]) == (True, 2)
    shop.clock.tick(86_400)
    good(shop, "2026-11-25", "2027-11-25")
    with reading(shop.engine) as session:
        doubt = measured.in_doubt(session, "DMM-01", 2)
        assert doubt == measured.Window("2026-01-10", "2026-11-24")
        assert measured.count_units(session, "DMM-01", doubt) == 2
        assert measured.count_events(session, "DMM-01", doubt) == 4
        page = measured.units(session, "DMM-01", doubt)
        assert [(r.unit, r.count, r.outcome) for r in page.rows] == [
            ("GEN-2648-00002", 1, "passed"),
            (UNIT, 3, "passed"),
        ]
        now = measured.in_doubt(session, "DMM-01")
        assert now == measured.Window("2026-11-25", "")
        assert measured.count_units(session, "DMM-01", now) == 0
        assert measured.count_units(session, "DMM-01", measured.Window("2026-11-24")) == 1
        assert measured.count_units(session, "DMM-01", measured.Window()) == 2
    assert agrees(shop, tmp_path)


def test_the_migration_goes_back_and_forth_with_a_filled_register(shop: Floor) -> None:
    register(shop)
    good(shop, file=Received("a.pdf", PDF))
    assert measure(shop).reason == "test_passed"
    migrate.downgrade(shop.engine, "0007")
    assert not {"instrument", "calibration", "tested_with", "file"} & set(inspect(shop.engine).get_table_names())
    migrate.upgrade(shop.engine)
    with reading(shop.engine) as session:
        assert instruments.listed(session, TODAY).total == 0
    assert shop.do(instruments.add, "DMM-01", **DMM).done


# --- the command line -------------------------------------------------------------------------------------------------


ENV = {"MES_LANG": "en"}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[tuple[Floor, str]]:
    """A floor on a SQLite file, and its address for commands."""
    url = f"sqlite:///{tmp_path / 'atelier.db'}"
    made = Floor(url, small_plan())
    yield made, url
    made.close()


def mes(url: str, *arguments: str, fails: bool = False) -> str:
    done = CliRunner().invoke(main, ["instrument", *arguments, "--database", url], env=ENV)
    assert (done.exit_code != 0) == fails, done.output
    return done.stderr if fails else done.stdout


def test_the_register_by_command(console: tuple[Floor, str], tmp_path: Path) -> None:
    shop, url = console
    what = ("--family", "multimeter", "--model", "DM-1", "--serial", "S-1", "--months", "6")
    assert "DMM-01 is in the register" in mes(url, "add", "DMM-01", *what)
    assert "in the register already" in mes(url, "add", "DMM-01", *what, fails=True)
    assert json.loads(mes(url, "add", "DMM-01", *what, "--change", "--json")) == {"instrument": "DMM-01"}
    file = tmp_path / "certificate.pdf"
    file.write_bytes(PDF)
    said = mes(url, "calibrate", "DMM-01", "good", "--done", "2026-01-10", "--certificate", "C-1", "--file", str(file))
    assert "good until 2026-07-10" in said
    (row,) = json.loads(mes(url, "list", "--json"))
    assert (row["id"], row["due"], row["serial"]) == ("DMM-01", "2026-07-10", "S-1")
    assert "DMM-01" in mes(url, "list")
    assert "Look at 0 units" in mes(url, "calibrate", "DMM-01", "unfit")
    assert json.loads(mes(url, "list", "--state", "unfit", "--json"))
    assert json.loads(mes(url, "units", "DMM-01", "--json")) == {
        "instrument": "DMM-01", "since": "2026-01-10", "units": [],
    }  # fmt: skip
    assert "0 lines" in mes(url, "units", "DMM-01", "--since", "2026-01-01")
    mes(url, "retire", "DMM-01", "--why", "broken")
    mes(url, "return", "DMM-01", "--json")
    assert "neither a PDF" in mes(url, "calibrate", "DMM-01", "good", "--file", __file__, fails=True)
    assert "not in the register" in mes(url, "retire", "X", "--why", "y", fails=True)
    assert agrees(shop, tmp_path)


@pytest.mark.parametrize("mark", [",", ";"])
def test_a_list_of_instruments_is_taken_in_as_a_whole_or_not_at_all(
    console: tuple[Floor, str], tmp_path: Path, mark: str
) -> None:
    _shop, url = console
    file = tmp_path / "register.csv"
    lines = [
        "instrument,family,model,serial,months,done,due",
        "A-1,scale,SC,1,12,2026-01-10,2027-01-09",
        "B-1,scale,SC,2,,,",
    ]
    file.write_text("\ufeff" + "\n".join(lines).replace(",", mark) + "\n", "utf-8")
    assert json.loads(mes(url, "import", str(file), "--json")) == ["A-1", "B-1"]
    assert "0 instruments are new" in mes(url, "import", str(file))
    file.write_text("\n".join([*lines, "C-1,scale,SC,3,12,2026-01-10,2025-01-01"]).replace("B-1", "D-1"), "utf-8")
    assert "Line 4: The due date must come after" in mes(url, "import", str(file), fails=True)
    assert {row["id"] for row in json.loads(mes(url, "list", "--json"))} == {"A-1", "B-1"}


@pytest.mark.parametrize(
    "text", ["instrument,family\nA,b\n", "a;b;c\n1;2;3\n", "instrument,family,model,serial\n\udcff"]
)
def test_a_file_that_is_no_register_is_refused_with_a_sentence(
    console: tuple[Floor, str], tmp_path: Path, text: str
) -> None:
    _shop, url = console
    file = tmp_path / "register.csv"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "Error: The" in mes(url, "import", str(file), fails=True)
