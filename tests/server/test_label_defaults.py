"""Where labels are printed when nobody says: by the order's line, by the site, and never on a label too small."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result
from sqlalchemy import select

from mes import label_defaults
from mes.cli import main
from mes.commands_office import publish_plan
from mes.db.session import reading, writing
from mes.db.tables import PrintJob
from mes.domain.printer import Printer
from mes.domain.route import LabelDefaults, Plan
from tests.server.bench import Floor
from tests.server.test_packing import PackingFloor, packing_plan

SITE = Printer(id="big", url="tcp://127.0.0.1:9", label="100x50")
LINE = Printer(id="small", url="tcp://127.0.0.1:9", label="57x32")


def with_printers(plan: Plan, *, line: str | None, site: str | None, sheet: str | None = None) -> Plan:
    first, *others = plan.plant.lines
    lines = (first.model_copy(update={"printer": line}), *others)
    labels = LabelDefaults(sheet=sheet, printer=site)
    plant = plan.plant.model_copy(update={"lines": lines, "labels": labels, "printers": (SITE, LINE)})
    return plan.model_copy(update={"plant": plant})


def publish(floor: Floor, **named: str | None) -> None:
    with writing(floor.engine) as session:
        assert publish_plan(session, with_printers(packing_plan(), **named), now=floor.clock.tick()).done  # type: ignore[arg-type]


def test_the_line_of_an_order_says_its_printer_then_the_site_and_a_command_takes_it(tmp_path: Path) -> None:
    floor = PackingFloor(f"sqlite:///{tmp_path}/mes.db", packing_plan())
    one, two, three = floor.finished()
    cartons = [floor.full([one, two]), floor.full([three])]
    floor.numbers(1, order="OF-1")  # a number alone is no closed carton

    def mes(*args: str) -> Result:
        return CliRunner(env={"MES_LANG": "en"}).invoke(main, [*args, "--database", f"sqlite:///{tmp_path}/mes.db"])

    def queued() -> list[tuple[str, str]]:
        with reading(floor.engine) as session:
            return [(j.printer, j.subject) for j in session.scalars(select(PrintJob).order_by(PrintJob.id))]

    assert mes("labels", "units", "OF-1").exit_code == 2  # the plan means nothing
    publish(floor, line="small", site="big", sheet="2x7")
    with reading(floor.engine) as session:
        found = [label_defaults.printer(session, order, least=x) for order in ("OF-1", "") for x in ("", "100x50")]
        assert [p.id if p else None for p in found] == ["small", None, "big", "big"]
        assert label_defaults.sheet(session) == "2x7"
    assert mes("labels", "units", "OF-1", "--unit", one).exit_code == 0
    assert mes("labels", "hold", one).exit_code == 2  # 57 x 32 is too small for it
    publish(floor, line=None, site="big")
    assert mes("cartons", "labels", "--order", "OF-1").exit_code == 0
    assert queued() == [("small", one), *(("big", c) for c in sorted(cartons))]

    (pallet,) = floor.numbers(1, level="pallet")
    assert "has no closed carton" in mes("cartons", "labels", "--pallet", pallet).output
    for carton in cartons:
        assert floor.tell("p2", "UnitsPacked", carton=pallet, inner=carton, asks=True).verdict == "accepted"
    assert mes("cartons", "labels", "--pallet", pallet, "-o", str(tmp_path / "p.pdf")).exit_code == 0
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")
    for wrong in (["--order", "OF-9"], ["--pallet", cartons[0]], [], ["--order", "OF-1", cartons[0]]):
        assert mes("cartons", "labels", *wrong, "-o", str(tmp_path / "x.pdf")).exit_code in (1, 2), wrong
    assert not (tmp_path / "x.pdf").exists()
    floor.agrees()
    floor.close()
