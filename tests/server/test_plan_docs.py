"""docs/plan.md: its examples are read as they stand, and every key of the plan's files is in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from pydantic import BaseModel

from mes.domain.route import Break, Customer, Enclosed, Plan, Qualification, Weigh
from mes.plan import Instrument, Port, Screen, Server, read_plan
from mes.plan.cartons import CartonTable, PalletTable
from mes.plan.lines import LineTable
from mes.plan.steps import CommandTable, ComponentTable, ControlTable, StepTable, TestTable
from mes.plan.tables import (
    DefectTable,
    FloorLineTable,
    LabelsTable,
    PlantTable,
    PrinterTable,
    ProductTable,
    ShiftTable,
    StationTable,
)

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")

TABLES: tuple[type[BaseModel], ...] = (
    Break, CartonTable, CommandTable, ComponentTable, ControlTable, Customer, DefectTable, Enclosed,
    FloorLineTable, Instrument, LabelsTable, LineTable,
    PalletTable, PlantTable, Port, PrinterTable,
    ProductTable, Qualification, Screen, Server, ShiftTable, StationTable, StepTable, TestTable, Weigh,
)  # fmt: skip


def test_the_examples_can_be_added_to_the_shipped_plan(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
    examples = re.findall(r"```toml\n# (\S+)\n(.*?)```", DOCS, re.DOTALL)
    assert len(examples) == 3
    for file, text in examples:
        with (folder / file).open("a", encoding="utf-8") as target:
            target.write("\n" + text)
    plan = read_plan(folder)
    assert isinstance(plan, Plan), "\n".join(map(str, plan))
    assert plan.product("LAMP-12")
    assert plan.station("bench-9")
    assert plan.defect("RUST")


def test_every_key_of_the_plan_is_documented() -> None:
    missing = [
        f"{table.__name__}.{key}"
        for table in TABLES
        for key in table.model_fields
        if not re.search(rf"\b{key}\b", DOCS)
    ]
    assert not missing
