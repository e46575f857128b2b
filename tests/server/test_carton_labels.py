"""Carton labels: the SSCC and what is inside read back from the page, copies are counted; and the commands."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from click.testing import CliRunner, Result
from PIL import Image

from mes import carton_labels, typeset
from mes.cli import main
from mes.domain import barcode
from mes.domain.route import CartonHolding, Plan
from mes.domain.supplier_label import Gs1
from mes.labels import Sheet
from mes.orders import Answer
from tests.server.test_packing import PackingFloor, packing_plan

GTIN = "09506000134352"


def plan_with_gtin() -> Plan:
    plan = packing_plan()
    gen, kit = plan.products
    assert isinstance(gen.carton, CartonHolding)
    gen = gen.model_copy(update={"carton": gen.carton.model_copy(update={"gtin": GTIN})})
    return plan.model_copy(update={"products": (gen, kit)})


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[PackingFloor]:
    made = PackingFloor(f"sqlite:///{tmp_path}/mes.db", plan_with_gtin())
    yield made
    made.close()


def print_label(floor: PackingFloor, *numbers: str) -> Sheet:
    made = floor.do(carton_labels.printed, numbers)
    assert isinstance(made, Sheet), made
    return made


def read_back(sheet: Sheet) -> list[Gs1]:
    found = []
    for png in typeset.pictures("units", sheet.data):
        page = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
        for code in zxingcpp.read_barcodes(page):
            said = barcode.read(code.symbology_identifier + bytes(code.bytes).decode())
            assert isinstance(said, Gs1), said
            found.append(said)
    return found


def test_an_empty_cartons_label_reads_back_as_its_number_and_a_demonstration_prefix_is_marked(
    floor: PackingFloor,
) -> None:
    numbers = floor.numbers(2)
    sheet = print_label(floor, *numbers)
    assert [said.sscc for said in read_back(sheet)] == numbers
    assert any("952" in line for label in sheet.data["labels"] for line in label["lines"])


def test_a_closed_cartons_label_says_what_is_inside_and_what_it_weighs(floor: PackingFloor) -> None:
    one, two, _ = floor.finished()
    carton = floor.full([one, two])
    (said,) = read_back(print_label(floor, carton))
    assert (said.sscc, said.content, said.quantity) == (carton, GTIN, 2)
    assert ("3303", "002100") in said.elements


def test_the_second_label_of_a_carton_says_that_it_is_a_copy(floor: PackingFloor) -> None:
    numbers = floor.numbers(1)
    assert print_label(floor, *numbers).data["labels"][0]["again"] == ""
    assert "2" in print_label(floor, *numbers).data["labels"][0]["again"]
    floor.agrees()


def test_no_label_is_made_for_a_carton_that_nobody_has_numbered(floor: PackingFloor) -> None:
    answer = floor.do(carton_labels.printed, ["000000000000000000"])
    assert isinstance(answer, Answer)
    assert answer.reason == "unknown_carton"


def test_the_commands_number_label_list_show_and_put_right(floor: PackingFloor, tmp_path: Path) -> None:
    database = ["--database", f"sqlite:///{tmp_path}/mes.db"]

    def mes(*args: str) -> Result:
        return CliRunner(env={"MES_LANG": "en"}).invoke(main, ["cartons", *args, *database])

    (first,) = json.loads(mes("number", "1", "--json").output)
    (second,) = mes("number", "1").output.split()
    one, *_ = floor.finished(1)
    floor.pack(first, one)
    assert mes("labels", first, "-o", str(tmp_path / "l.pdf")).exit_code == 0
    assert (tmp_path / "l.pdf").read_bytes().startswith(b"%PDF")
    assert {r["sscc"] for r in json.loads(mes("list", "--json").output)} == {first, second}
    assert json.loads(mes("show", first, "--json").output)["inside"][0]["thing"] == one
    assert mes("move", first, one, "--to", second, "--why", "Wrong pile").exit_code == 0
    assert one in mes("show", second).output
    assert mes("take-out", second, one, "--why", "Damaged").exit_code == 0
    refused = mes("reopen", second, "--why", "x")
    assert refused.exit_code == 1
    assert "is not closed" in refused.output
    assert mes("release", second, "--why", "x").exit_code == 1
