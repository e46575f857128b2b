"""A weighed carton: which limits follow from what is in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mes.domain.route import Enclosed, Plan, Test, Text, Weigh
from mes.plan import read_plan
from mes.plan.weighing import Packed, limits

CONFIG = Path(__file__).parents[2] / "config"
CARTON = (Packed("UNIT", 1, 16_900.0), Packed("BOX", 1, 420.0), Packed("FOOT", 4, 12.5))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped plan, to be changed."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def weight_of(folder: Path) -> Test:
    plan = read_plan(folder)
    assert isinstance(plan, Plan), plan
    product = plan.product("NOMAD-1000")
    step = product.step("packing") if product else None
    assert step is not None
    return step.tests[0]


def test_the_limits_are_all_that_is_in_the_carton_and_the_tolerance_to_each_side() -> None:
    manual = Enclosed(name=Text(fr="Notice", en="Manual"), quantity=2, weight_g=15)
    assert limits(CARTON, Weigh(tolerance_g=10, enclosed=(manual,)), "g") == (17_390.0, 17_410.0)


def test_the_limits_are_in_the_unit_of_the_test_to_the_last_digit() -> None:
    assert limits((Packed("UNIT", 1, 0.3),), Weigh(tolerance_g=0.1), "kg") == (0.0002, 0.0004)


def test_the_shipped_carton_is_its_unit_box_charger_and_manual(folder: Path) -> None:
    test = weight_of(folder)
    assert (test.low, test.high, test.unit) == (18.1, 18.3, "kg")


def test_a_heavier_box_moves_the_limits(folder: Path) -> None:
    path = folder / "products" / "nomad.toml"
    path.write_text(path.read_text("utf-8").replace("weight_g = 420", "weight_g = 520"), "utf-8")
    assert (weight_of(folder).low, weight_of(folder).high) == (18.2, 18.4)


def test_what_an_earlier_pack_step_put_in_is_weighed_too(folder: Path) -> None:
    path = folder / "products" / "nomad.toml"
    text = path.read_text("utf-8").replace('id = "final"\nkind = "inspect"', 'id = "final"\nkind = "pack"')
    feet = """components = [
  { part = "FOOT", name = { fr = "Pied", en = "Foot" }, per = "lot", quantity = 4, weight_g = 150 },
]
qualification = "inspection"
"""
    path.write_text(text.replace('qualification = "inspection"\n', feet), "utf-8")
    assert (weight_of(folder).low, weight_of(folder).high) == (18.7, 18.9)
