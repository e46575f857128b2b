"""The plan: what is shipped is right, what is wrong is said all at once, what is published is data with a hash."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.commands_plan import plan as plan_command
from mes.db.session import engine_for, reading
from mes.db.tables import PlanRevision
from mes.domain.route import Plan
from mes.plan import PlanError, StationFile, content, content_hash, from_content, read_plan, read_station

CONFIG = Path(__file__).parents[2] / "config"

Edit = Callable[[str, str, str], None]


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MES_LANG", "en")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped plan, to be broken."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Replace a piece of text that stands once in a file."""

    def replace(file: str, old: str, new: str) -> None:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace


def right(folder: Path) -> Plan:
    plan = read_plan(folder)
    assert isinstance(plan, Plan), "\n".join(map(str, plan))
    return plan


def wrong(folder: Path) -> list[PlanError]:
    errors = read_plan(folder)
    assert isinstance(errors, list)
    return errors


# --- what is shipped --------------------------------------------------------------------------------------------------


def test_the_shipped_plan_is_right() -> None:
    plan = right(CONFIG)
    assert [p.id for p in plan.products] == ["KIT-B", "NOMAD-1000"]
    assert [s.id for s in plan.stations] == [*(f"bench-{n}" for n in range(1, 9)), "pack-1", "pack-2"]


def test_every_step_and_every_defect_has_its_picture() -> None:
    plan = right(CONFIG)
    named = {step.picture for product in plan.products for step in product.steps} | {d.picture for d in plan.defects}
    assert None not in named
    assert named == set(plan.pictures)


def test_every_instruction_ends_with_the_scan_that_ends_the_step() -> None:
    for product in right(CONFIG).products:
        for step in product.steps:
            assert (step.instruction.fr[-1], step.instruction.en[-1]) == ("Scannez FINI.", "Scan DONE.")
            assert len(step.instruction.fr) == len(step.instruction.en)
            assert all(len(line) <= 80 for line in step.instruction.fr + step.instruction.en)


def test_a_unit_that_failed_safety_is_not_tested_on_and_the_test_needs_the_server() -> None:
    product = right(CONFIG).product("NOMAD-1000")
    assert product is not None
    safety = product.step("safety")
    assert safety is not None
    assert (safety.after_failure, safety.offline) == ("stop", "stop")
    live = [place for place, step in enumerate(product.steps) if step.kind in ("test", "burn-in") and step != safety]
    assert all(product.place("safety") < place for place in live)


def test_a_station_pc_reads_its_own_file_alone(tmp_path: Path) -> None:
    alone = tmp_path / "station.toml"
    shutil.copy(CONFIG / "stations" / "bench-4.toml", alone)
    station = read_station(alone)
    assert isinstance(station, StationFile)
    assert station.station.id == "bench-4"
    assert [port.family for port in station.ports] == ["scanner", "safety-tester"]
    tester = station.port_for("safety-tester")
    assert tester is not None
    assert tester.instrument is not None
    assert tester.instrument.calibration_due.isoformat() == "2027-03-31"


def test_a_test_finds_its_instrument_by_the_name_of_the_port_or_by_its_family() -> None:
    station = read_station(CONFIG / "stations" / "bench-5.toml")
    assert isinstance(station, StationFile)
    assert station.port_for("power") == station.port_for("scpi") is not None
    assert station.port_for("scanner") is None
    assert station.port_for("scale") is None


# --- content and hash -------------------------------------------------------------------------------------------------


def test_a_published_plan_is_read_back_as_it_was() -> None:
    plan = right(CONFIG)
    stored = json.dumps(content(plan))
    assert from_content(json.loads(stored)) == plan


def test_the_same_content_is_decoded_once() -> None:
    said = content(right(CONFIG))
    assert from_content(said) is from_content(json.loads(json.dumps(said)))


def test_a_comment_or_the_names_of_the_files_change_no_hash(folder: Path) -> None:
    before = content_hash(content(right(folder)))
    nomad = folder / "products" / "nomad.toml"
    nomad.write_text("# a comment\n\n" + nomad.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "products" / "kit-b.toml").rename(folder / "products" / "zz.toml")
    (folder / "stations" / "pack-2.toml").rename(folder / "stations" / "aa.toml")
    picture = folder / "pictures" / "step-final.svg"
    picture.write_text("<!-- drawn by hand -->\n" + picture.read_text(encoding="utf-8"), encoding="utf-8")
    assert content_hash(content(right(folder))) == before


def test_another_port_of_a_station_changes_no_hash(folder: Path, edit: Edit) -> None:
    before = content_hash(content(right(folder)))
    edit("stations/bench-7.toml", "baud = 9600", "baud = 115200")
    assert content_hash(content(right(folder))) == before


def test_another_limit_or_picture_changes_the_hash(folder: Path, edit: Edit) -> None:
    hashes = {content_hash(content(right(folder)))}
    edit("products/nomad.toml", 'unit = "mA", high = 5.0', 'unit = "mA", high = 4.0')
    hashes.add(content_hash(content(right(folder))))
    edit("pictures/step-final.svg", 'r="20"', 'r="21"')
    hashes.add(content_hash(content(right(folder))))
    assert len(hashes) == 3


def test_a_limit_written_without_its_point_is_the_same_limit(folder: Path, edit: Edit) -> None:
    before = content_hash(content(right(folder)))
    edit("products/nomad.toml", 'unit = "mA", high = 5.0', 'unit = "mA", high = 5')
    assert content_hash(content(right(folder))) == before


# --- languages --------------------------------------------------------------------------------------------------------


def test_a_site_of_one_language_writes_no_other(folder: Path, edit: Edit) -> None:
    edit("plant.toml", 'languages = ["fr", "en"]', 'languages = ["fr"]')
    edit("stations/bench-1.toml", '{ fr = "Préparation", en = "Preparation" }', '{ fr = "Préparation" }')
    station = right(folder).station("bench-1")
    assert station is not None
    assert (station.name.fr, station.name.en) == ("Préparation", "Préparation")


def test_a_station_file_with_one_language_is_enough_for_its_pc(folder: Path, edit: Edit) -> None:
    edit("stations/bench-1.toml", '{ fr = "Préparation", en = "Preparation" }', '{ fr = "Préparation" }')
    assert isinstance(read_station(folder / "stations" / "bench-1.toml"), StationFile)
    assert [(e.key, e.message) for e in wrong(folder)] == [("name.en", "The English text is missing.")]


# --- the command ------------------------------------------------------------------------------------------------------


def test_check_says_in_one_line_how_much_a_good_plan_holds() -> None:
    done = CliRunner().invoke(plan_command, ["check", str(CONFIG)])
    assert done.exit_code == 0
    assert done.stdout == f"{CONFIG} is all right: 2 products, 10 steps, 10 stations, 18 defects.\n"


def test_check_says_each_error_on_a_line_of_its_own_and_fails(folder: Path, edit: Edit) -> None:
    edit("stations/bench-1.toml", "place = 1", "place = 0")
    edit("products/nomad.toml", 'station = "bench-2"', 'station = "bench-22"')
    done = CliRunner().invoke(plan_command, ["check", str(folder)])
    assert (done.exit_code, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "stations/bench-1.toml [station] place: This number is too small. Allowed: 1 or more."
    assert lines[1].startswith(
        "products/nomad.toml [step battery] station: No station is called bench-22. Did you mean bench-2? Allowed: "
    )
    assert lines[2] == f"2 errors in {folder}."


def test_check_tells_a_program_the_same(folder: Path, edit: Edit) -> None:
    good = json.loads(CliRunner().invoke(plan_command, ["check", str(folder), "--json"]).stdout)
    assert (good["ok"], good["steps"], good["hash"]) == (True, 10, content_hash(content(right(folder))))
    edit("stations/bench-1.toml", "place = 1", "place = 0")
    done = CliRunner().invoke(plan_command, ["check", str(folder), "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["errors"] == [
        {
            "file": "stations/bench-1.toml",
            "table": "station",
            "key": "place",
            "message": "This number is too small.",
            "allowed": "1 or more",
        }
    ]


def test_check_reads_the_folder_that_the_environment_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MES_CONFIG", str(folder))
    assert CliRunner().invoke(plan_command, ["check"]).stdout.startswith(str(folder))


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(plan_command, ["check", str(tmp_path / "none")])
    assert done.exit_code == 1
    assert "This folder does not exist." in done.stderr


def test_a_folder_where_a_file_should_be_is_said(folder: Path) -> None:
    (folder / "plant.toml").unlink()
    (folder / "plant.toml").mkdir()
    assert [(e.file, e.message.partition(" (")[0]) for e in wrong(folder)] == [
        ("plant.toml", "The file cannot be read")
    ]


def test_the_plan_of_before_can_be_published_again(tmp_path: Path, edit: Edit, folder: Path) -> None:
    """After a plan that turned out wrong: the old content becomes the next revision."""
    database = f"sqlite:///{tmp_path / 'again.db'}"

    def publish() -> str:
        done = CliRunner().invoke(main, ["plan", "publish", str(folder), "--database", database])
        assert done.exit_code == 0, done.output
        return done.output

    publish()
    kept = (folder / "plant.toml").read_text(encoding="utf-8")
    edit("plant.toml", 'timezone = "Europe/Paris"', 'timezone = "Europe/Madrid"')
    assert "2" in publish()
    (folder / "plant.toml").write_text(kept, encoding="utf-8")
    assert "3" in publish()
    engine = engine_for(database)
    with reading(engine) as session:
        one, _two, three = session.scalars(select(PlanRevision).order_by(PlanRevision.revision)).all()
        assert (three.revision, three.content, three.hash) == (3, one.content, one.hash)
    assert verify_engine(engine, tmp_path)[1] == []
    engine.dispose()
