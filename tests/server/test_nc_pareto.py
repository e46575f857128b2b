"""Nonconformities counted: each bar leads to exactly its rows of the log, and weeks are those of the site."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from mes import nc_log, nc_pareto, nonconformities, revisions, wire
from mes.cli import main
from mes.db.session import reading
from mes.nc_log import Filter, Log
from mes.nc_pareto import BY, By
from tests.server.worlds import Workshop, released_order
from tests.web.pages import workshop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """One from a test, four of the office: two of Fuseline, one of a supplier whose name has that one in it."""
    made = workshop(tmp_path_factory.mktemp("pareto"))
    serial = released_order(made, quantity=1, order="OF-7")[0]
    made.bring(serial, "burn-in")
    made.fail(serial)
    defects = [d.code for d in made.plan.defects]
    for supplier, customer, defect, cost in (
        ("Fuseline", "", defects[0], 500),
        ("Fuseline", "Armor-Lux", defects[0], 0),
        ("Fuseline 2", "", defects[1], 90_00),
        ("", "", "", 0),
    ):
        facts = wire.NcFacts(supplier=supplier, customer=customer, cost_work=cost)
        item = wire.NcItem(kind="process", subject="Gluing")
        body = wire.NonconformityOpened(title="x", facts=facts, defect=defect, items=(item,))
        assert made.do(nonconformities.open_nc, body).done
        made.clock.now += timedelta(days=16)
    yield made
    made.close()


def bars(shop: Workshop, by: By, *, cost: bool = False, **wanted: object) -> list[nc_pareto.Bar]:
    with reading(shop.engine) as session:
        log = Log.of(revisions.latest_plan(session), shop.clock.now)
        return nc_pareto.pareto(session, log, Filter(**wanted), by, cost=cost)  # type: ignore[arg-type]


@pytest.mark.parametrize("by", BY)
def test_each_bar_leads_to_exactly_its_rows_and_together_they_are_all(shop: Workshop, by: By) -> None:
    found = bars(shop, by)
    assert sum(b.count for b in found) == 5
    assert [b.share for b in found] == sorted(b.share for b in found)
    assert found[-1].share == 1
    with reading(shop.engine) as session:
        log = Log.of(revisions.latest_plan(session), shop.clock.now)
        for bar in found:
            wanted, wrong = nc_log.read(bar.filter)
            assert not wrong
            assert nc_log.count(session, log, wanted) == bar.count, bar


def test_the_most_frequent_is_first_and_the_most_expensive_when_cost_is_asked(shop: Workshop) -> None:
    frequent, dear = bars(shop, "supplier"), bars(shop, "supplier", cost=True)
    assert (frequent[0].count, frequent[0].cost) in {(2, 500), (2, 0)}
    assert (dear[0].key, dear[0].cost, round(dear[0].share, 3)) == ("Fuseline 2", 90_00, round(9000 / 9500, 3))
    assert [b.key for b in bars(shop, "defect", source="test_failed")] == [""]
    assert bars(shop, "defect", source="test_failed")[0].cause == "test_failed"


def test_the_filter_of_the_log_holds_here_too(shop: Workshop) -> None:
    assert [b.count for b in bars(shop, "supplier", customer="=Armor-Lux")] == [1]
    assert bars(shop, "supplier", text="nothing like it") == []


def test_weeks_are_those_of_the_site_and_empty_ones_stand_between(shop: Workshop) -> None:
    with reading(shop.engine) as session:
        log = Log.of(revisions.latest_plan(session), shop.clock.now)
        weeks = nc_pareto.weeks(session, log, Filter())
    assert sum(w.count for w in weeks) == 5
    assert all(w.monday.weekday() == 0 for w in weeks)
    assert {b.monday - a.monday for a, b in pairwise(weeks)} == {timedelta(days=7)}
    assert weeks[0].monday == date(2026, 11, 23)
    assert 0 in {w.count for w in weeks}
    with reading(shop.engine) as session:
        assert nc_pareto.weeks(session, log, Filter(), most=3) == weeks[-3:]


def test_the_command_line_counts_as_the_page_does(shop: Workshop, tmp_path: Path) -> None:
    at = ["--database", str(shop.engine.url), "--json"]
    said = CliRunner().invoke(main, ["nc", "pareto", "--by", "supplier", *at])
    assert [(r["supplier"], r["count"]) for r in json.loads(said.stdout)] == [
        (b.key, b.count) for b in bars(shop, "supplier")
    ]
    weeks = json.loads(CliRunner().invoke(main, ["nc", "pareto", "--by", "week", *at]).stdout)
    assert sum(w["count"] for w in weeks) == 5
    wrong = CliRunner().invoke(main, ["nc", "pareto", "--filter", "colour=red", *at])
    assert (wrong.exit_code, "colour" in wrong.stderr) == (1, True)
