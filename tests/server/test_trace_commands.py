"""`mes trace` as it is typed: one unit, the recall list, the dossier; and errors that help, on stderr."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mes import dossier
from mes.cli import main
from mes.db.session import reading
from tests.server.bench import Floor
from tests.server.small_plan import small_plan

ONE, TWO = "GEN-2648-00001", "GEN-2648-00002"


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    """Two units; the first is a part of the second. The commands only read."""
    made = Floor(f"sqlite:///{tmp_path_factory.mktemp('trace')}/trace.db", small_plan())
    made.order("GEN", 2, order="OF-1")
    b1 = made.bench("b1")
    for unit, battery, lot in ((ONE, "11", "7"), (TWO, ONE, "8")):
        made.send(b1, b1.arrive(unit, "fit"), b1.fit(unit, "BAT", serial=battery))
        made.send(b1, b1.fit(unit, "FUSE", lot=lot), b1.fit(unit, "FUSE", lot="8"), b1.done(unit, "fit"))
    yield made
    made.close()


def run(floor: Floor, *arguments: str, lang: str = "en", code: int = 0) -> Result:
    url = floor.engine.url.render_as_string(hide_password=False)
    said = CliRunner().invoke(main, ["trace", *arguments, "--database", url], env={"MES_LANG": lang})
    assert said.exit_code == code, said.output
    return said


def test_a_unit_is_shown_in_words_and_for_a_program(floor: Floor) -> None:
    said = run(floor, "unit", TWO).stdout
    assert "Order: OF-1 (in work)" in said
    assert "What is in it" in said
    assert f"| {ONE} |" in said
    known = json.loads(run(floor, "unit", TWO, "--json").stdout)
    assert [p["serial"] for p in known["parts"]] == [ONE, None, None]


@pytest.mark.parametrize(("ending", "begins"), [("csv", b"\xef\xbb\xbfWhat"), ("xlsx", b"PK"), ("json", b"{")])
def test_a_unit_is_written_to_a_file_of_the_kind_that_its_name_says(
    floor: Floor, tmp_path: Path, ending: str, begins: bytes
) -> None:
    file = tmp_path / f"unit.{ending}"
    assert run(floor, "unit", TWO, "--output", str(file)).stdout == f"Written: {file}\n"
    assert file.read_bytes().startswith(begins)


def test_the_recall_list_goes_to_the_terminal_as_csv_with_one_mark_of_its_encoding(floor: Floor) -> None:
    said = run(floor, "component", "7").stdout
    assert said.count("\ufeff") == 1
    rows = list(csv.DictReader(io.StringIO(said.removeprefix("\ufeff"))))
    assert [(r["Unit"], r["Inside of"], r["Part"]) for r in rows] == [(ONE, "", "FUSE"), (TWO, ONE, "FUSE")]


def test_the_recall_list_is_read_by_a_program(floor: Floor) -> None:
    known = json.loads(run(floor, "component", "7", "--part", "FUSE", "--json").stdout)
    assert (known["number"], known["part"], known["units"], known["orders"]) == ("7", "FUSE", 2, 1)
    assert [u["unit"] for u in known["uses"]] == [ONE, TWO]


@pytest.mark.parametrize(
    ("ending", "begins"), [("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("pdf", b"%PDF"), ("json", b"{")]
)
def test_the_recall_list_is_written_to_a_file(floor: Floor, tmp_path: Path, ending: str, begins: bytes) -> None:
    file = tmp_path / f"recall.{ending}"
    assert "2 units, 1 orders" in run(floor, "component", "7", "--output", str(file)).stdout
    assert file.read_bytes().startswith(begins)
    known = json.loads(run(floor, "component", "7", "--output", str(file), "--json").stdout)
    assert known == {"file": str(file), "units": 2, "orders": 1, "pieces": 0}


def test_a_dossier_is_written_and_known_again_by_its_bytes(floor: Floor, tmp_path: Path) -> None:
    file = tmp_path / "dossier.pdf"
    known = json.loads(run(floor, "dossier", ONE, "--output", str(file), "--language", "fr", "--json").stdout)
    content = file.read_bytes()
    assert (known["unit"], known["sha256"]) == (ONE, hashlib.sha256(content).hexdigest())
    with reading(floor.engine) as session:
        issued = dossier.issued(session, content)
        assert issued is not None
        assert (issued.unit, issued.language) == (ONE, "fr")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("unit", "GEN-0"), "GEN-0"),
        (("unit", ONE, "--output", "unit.doc"), "in one of: .csv, .xlsx, .json"),
        (("component", "none"), "mes lot list"),
        (("component", "7", "--output", "list.doc"), "in one of: .csv, .xlsx, .pdf, .json"),
        (("dossier", "GEN-0", "--output", "dossier.pdf"), "GEN-0"),
        (("dossier", ONE, "--output", "/nowhere/dossier.pdf"), "/nowhere/dossier.pdf cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_on_stderr_and_nothing_on_stdout(
    floor: Floor, arguments: tuple[str, ...], said: str
) -> None:
    answer = run(floor, *arguments, code=1)
    assert said in answer.stderr
    assert answer.stdout == ""


def test_a_refusal_in_french_says_what_to_do(floor: Floor) -> None:
    assert "Vérifiez le numéro" in run(floor, "component", "none", lang="fr", code=1).stderr
