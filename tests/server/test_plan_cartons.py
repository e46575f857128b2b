"""What can be wrong in the tables of cartons and pallets, and the sentence that says it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mes.plan import read_plan

ROOT = Path(__file__).parents[2]
CARTON = '[product.carton]\nstations = ["{station}"]\nholds = 4\n{more}\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(ROOT / "config", tmp_path_factory.mktemp("plan") / "config"))


@pytest.mark.parametrize(
    ("station", "more", "key", "said"),
    [
        ("pack-9", "", "carton.stations", "No station is called pack-9"),
        ("pack-1", "tolerance_g = 5", "carton.net_g", "the weight of one piece must be known"),
        ("pack-1", "tolerance_g = 5\nnet_g = 5", "carton.net_g", "A carton with one piece too few (5 g)"),
        ("bench-1", "tolerance_g = 5\nnet_g = 6", "carton.tolerance_g", "There is no scale at: bench-1"),
        ("pack-1", 'gtin = "09506000134353"', "carton.gtin", "its check digit is wrong"),
        ("pack-1", "", "", ""),
        ("pack-1", 'tolerance_g = 5\nnet_g = 6\ngtin = "09506000134352"', "", ""),
    ],
)
def test_a_carton_that_could_not_be_packed_or_weighed_is_refused(
    folder: Path, station: str, more: str, key: str, said: str
) -> None:
    file = folder / "products" / "kit-b.toml"
    before = (ROOT / "config" / "products" / "kit-b.toml").read_text(encoding="utf-8")
    head, step, rest = before.partition("[[step]]")
    head = head.partition("[product.carton]")[0]
    file.write_text(head + CARTON.format(station=station, more=more) + step + rest, encoding="utf-8")
    found = read_plan(folder)
    errors = found if isinstance(found, list) else []
    assert [(e.key, said in e.message) for e in errors] == ([(key, True)] if key else [])


@pytest.mark.parametrize("prefix", ["123", "1234567890123", "95X1234"])
def test_a_prefix_that_gs1_does_not_give_is_refused(tmp_path: Path, prefix: str) -> None:
    folder = Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
    file = folder / "plant.toml"
    lines = [x for x in file.read_text(encoding="utf-8").splitlines() if not x.startswith("gs1_prefix")]
    text = "\n".join(lines).replace("[plant]\n", f'[plant]\ngs1_prefix = "{prefix}"\n', 1)
    file.write_text(text, encoding="utf-8")
    found = read_plan(folder)
    assert isinstance(found, list)
    assert [e.message for e in found] == ["This is not a GS1 company prefix."]
