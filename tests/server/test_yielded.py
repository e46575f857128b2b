"""Yields from the kept sums: numbers counted by hand, stretches of time without a gap, and the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas
import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from sqlalchemy import event, insert

from mes import quality
from mes.commands_period import report
from mes.commands_reports import yield_
from mes.db.session import reading, writing
from mes.db.tables import StepQuarter
from mes.domain.days import quarter_at, start_of
from mes.domain.route import Shift, Text
from mes.rows import StepCounts
from mes.yielded import BY, CannotAsk, Question, Yield, asked, periods, total
from mes.yielded.figures import COUNTS, said
from tests.server.busy_shop import busy_morning
from tests.server.test_board import MORNING
from tests.server.worlds import Workshop, released_order

DAY = date(2026, 11, 23)
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def shop(database_url: str) -> Iterator[Workshop]:
    """The same on both databases, for tests that ask the database for more than a sum."""
    made = small_run(database_url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """The same once, for tests that only read."""
    made = small_run(f"sqlite:///{tmp_path_factory.mktemp('yields') / 'shop.db'}")
    yield made
    made.close()


def small_run(url: str) -> Workshop:
    """Four units: one good at the first go, one after a second run, one after rework, one scrapped; and a kit."""
    made = Workshop(url, start=MORNING)
    units = released_order(made, quantity=4)
    made.bring(units[0], None)
    made.bring(units[1], "safety")
    step = made.step_of(units[1])
    made.test(units[1], *_values(step, bad=True))
    made.bring(units[1], None)
    made.bring(units[2], "final")
    made.do(quality.decide, made.reject(units[2], "SCRATCH"), "rework", step="final")
    made.bring(units[2], None)
    made.bring(units[3], "final")
    made.do(quality.decide, made.reject(units[3], "SCRATCH"), "scrap")
    released_order(made, "KIT-B", 100, order="OF-2026-121")
    made.count("pack-1", "OF-2026-121", "count", 57, {"COUNT-WRONG": 3})
    made.count("pack-2", "OF-2026-121", "carton", 40)
    return made


def _values(step: Any, *, bad: bool) -> list[float]:
    good = [t.low if t.low is not None else t.high or 0.0 for t in step.tests]
    index = next(i for i, t in enumerate(step.tests) if t.id == "iso")
    good[index] = 0.6 if bad else good[index]
    return good


def ask(shop: Workshop, by: str, **more: Any) -> dict[str, Yield]:
    which: Any = by
    question = Question(by=which, **{"since": DAY, "until": DAY + timedelta(days=1), **more})
    with reading(shop.engine) as session:
        return {row.key: row for row in asked(session, shop.plan, question)}


def words(row: Yield) -> dict[str, str]:
    return {figure: said(row, figure, "en") for figure in ("first_pass", "final", "scrap", "rework", "defects")}


def test_every_figure_of_a_product_is_what_was_counted_by_hand(read: Workshop) -> None:
    found = ask(read, "product")
    nomad, kit = found["NOMAD-1000"], found["KIT-B"]
    steps = len(read.plan.products[[p.id for p in read.plan.products].index("NOMAD-1000")].steps)
    firsts = 4 * steps - 1  # the scrapped one never came to the last step
    assert nomad.counts.first == firsts
    assert nomad.counts.first_passed == firsts - 3
    assert (nomad.counts.finished, nomad.counts.scrapped) == (3, 1)
    assert (words(nomad)["final"], words(nomad)["scrap"]) == ("3 of 4", "1 of 4")
    assert (words(nomad)["rework"], words(nomad)["defects"]) == ("1 of 4", "0.50")
    assert nomad.rolled == pytest.approx((3 / 4) * (2 / 4))
    assert words(kit) == {
        "first_pass": "–",
        "final": "93.0 % (40 of 43)",
        "scrap": "7.0 % (3 of 43)",
        "rework": "0.0 % (0 of 43)",
        "defects": "0.07",
    }
    assert kit.rolled is None


def test_a_step_says_its_own_first_pass_and_no_final_yield(read: Workshop) -> None:
    found = ask(read, "step", product="NOMAD-1000")
    assert list(found) == [f"NOMAD-1000 {s.id}" for s in read.plan.product("NOMAD-1000").steps]  # type: ignore[union-attr]
    assert words(found["NOMAD-1000 safety"])["first_pass"] == "3 of 4"
    assert words(found["NOMAD-1000 final"]) == {
        "first_pass": "2 of 4",
        "final": "–",
        "scrap": "1 of 5",
        "rework": "1 of 5",
        "defects": "0.40",
    }


def test_an_order_is_taken_whole_and_says_the_same_as_its_hours(read: Workshop) -> None:
    by_product, by_order = ask(read, "product"), ask(read, "order")
    assert by_order["OF-2026-118"].counts == by_product["NOMAD-1000"].counts
    assert by_order["OF-2026-118"].rolled == by_product["NOMAD-1000"].rolled
    one = ask(read, "step", order="OF-2026-118", since=DAY - timedelta(days=90), until=DAY - timedelta(days=80))
    assert {k: r.counts for k, r in one.items()} == {
        k: r.counts for k, r in ask(read, "step", product="NOMAD-1000").items()
    }
    assert not ask(read, "order", since=DAY - timedelta(days=2), until=DAY - timedelta(days=1))


def test_groups_of_every_kind_add_up_to_the_same(shop: Workshop) -> None:
    sums = set()
    for by in BY:
        question = Question(by=by, since=DAY, until=DAY + timedelta(days=1))
        with reading(shop.engine) as session:
            sums.add(total(shop.plan, question, asked(session, shop.plan, question)).counts)
    assert len(sums) == 1


def test_a_line_has_what_was_decided_in_the_office_too(read: Workshop) -> None:
    found = ask(read, "line")
    assert set(found) == {"nomad", "pack"}
    assert found["nomad"].counts.scrapped == 1
    assert ask(read, "product", line="nomad")["NOMAD-1000"].counts == found["nomad"].counts
    assert not ask(read, "product", line="nomad", product="KIT-B")


def test_days_of_the_site_are_not_days_of_utc(shop: Workshop) -> None:
    with writing(shop.engine) as session:
        session.execute(insert(StepQuarter), [_quarter("2026-12-24T22:45", 1), _quarter("2026-12-24T23:00", 2)])
    found = ask(shop, "day", since=date(2026, 12, 20), until=date(2026, 12, 31))
    assert {k: r.counts.finished for k, r in found.items()} == {"2026-12-24": 1, "2026-12-25": 2}
    weeks = ask(shop, "week", since=date(2026, 12, 20), until=date(2026, 12, 31))
    assert {k: r.counts.finished for k, r in weeks.items()} == {"2026-W52": 3}


def _quarter(quarter: str, finished: int) -> dict[str, Any]:
    counts = {**dict.fromkeys(COUNTS, 0), "finished": finished}
    return {"quarter": quarter, "product": "NOMAD-1000", "step": "final", "station": "bench-7", "n": 0, **counts}


def test_a_year_by_shift_comes_back_as_groups_and_not_as_hours(shop: Workshop) -> None:
    asked_for: list[int] = []
    with writing(shop.engine) as session:
        hours = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=h) for h in range(24 * 365)]
        session.execute(insert(StepQuarter), [_quarter(h.strftime("%Y-%m-%dT%H:%M"), 1) for h in hours])

    def count(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        asked_for.append(1)

    event.listen(shop.engine, "after_cursor_execute", count)
    found = ask(shop, "shift", since=date(2025, 1, 1), until=date(2025, 12, 31))
    event.remove(shop.engine, "after_cursor_execute", count)
    assert len(asked_for) <= 2
    assert len([k for k in found if k.endswith("morning")]) == 261  # 261 days from Monday to Friday
    assert sum(r.counts.finished for r in found.values()) == 24 * 365 - 1  # the first hour of UTC's 2026 is not asked
    weeks = ask(shop, "week", since=date(2025, 1, 1), until=date(2025, 12, 31))
    assert len(weeks) == 53


SHIFTS = (
    Shift(id="early", name=Text(fr="a", en="a"), start="06:00", end="14:00", days=("mon",)),
    Shift(id="night", name=Text(fr="n", en="n"), start="22:00", end="06:00", days=("mon",)),
)


@pytest.mark.parametrize("by", ["shift", "day", "week"])
@pytest.mark.parametrize("last", [date(2026, 3, 31), date(2026, 10, 27)])
def test_stretches_cover_their_days_without_a_gap_or_an_overlap(by: Any, last: date) -> None:
    first = last - timedelta(days=10)
    found = periods(by, first, last, SHIFTS, PARIS)
    assert found[0].since == start_of(first.isoformat(), "Europe/Paris")[:16]
    assert found[-1].until == start_of((last + timedelta(days=1)).isoformat(), "Europe/Paris")[:16]
    assert [p.until for p in found[:-1]] == [p.since for p in found[1:]]
    assert len({p.key for p in found}) == len(found) or by == "shift"


def test_a_shift_that_begins_at_a_quarter_has_what_happened_since_then_and_nothing_before() -> None:
    early = Shift(id="early", name=Text(fr="a", en="a"), start="05:30", end="13:30", days=("mon",))
    late = Shift(id="late", name=Text(fr="b", en="b"), start="13:30", end="21:15", days=("mon",))
    monday = date(2026, 11, 23)
    found = [(p.key, p.since) for p in periods("shift", monday, monday, (early, late), PARIS)]
    assert found == [
        ("2026-11-23 -", "2026-11-22T23:00"),
        ("2026-11-23 early", "2026-11-23T04:30"),
        ("2026-11-23 late", "2026-11-23T12:30"),
        ("2026-11-23 -", "2026-11-23T20:15"),
    ]
    assert quarter_at("2026-11-23T12:29:59.999999Z") == "2026-11-23T12:15" < found[2][1]
    assert quarter_at("2026-11-23T12:30:00.000000Z") == found[2][1]


def test_a_night_shift_belongs_to_the_evening_on_which_it_began() -> None:
    found = periods("shift", DAY, DAY + timedelta(days=1), SHIFTS, PARIS)
    night = next(p for p in found if p.key == "2026-11-23 night")
    assert (night.since, night.until) == ("2026-11-23T21:00", "2026-11-24T05:00")


def test_what_the_sums_cannot_say_is_refused(read: Workshop) -> None:
    with pytest.raises(CannotAsk, match="order_has_no_time"):
        ask(read, "day", order="OF-2026-118")
    with pytest.raises(CannotAsk, match="wrong_way_round"):
        ask(read, "day", until=DAY - timedelta(days=1))


def test_nothing_of_nothing_is_undefined() -> None:
    row = Yield("x", "", "", StepCounts())
    assert {said(row, f, "fr") for f in ("first_pass", "rolled", "final", "scrap", "rework", "defects")} == {"–"}


# --- the command ------------------------------------------------------------------------------------------------------


def run(shop: Workshop, *more: str, lang: str = "en", code: int = 0) -> str:
    url = shop.engine.url.render_as_string(hide_password=False)
    arguments = ["--from", "2026-11-23", "--to", "2026-11-24", "--database", url, *more]
    done = CliRunner().invoke(yield_, arguments, env={"MES_LANG": lang})
    assert done.exit_code == code, done.output
    return done.output


def test_the_table_says_few_as_what_they_are_in_both_languages(read: Workshop) -> None:
    lines = run(read, "--by", "product").splitlines()
    assert lines[0].split("  ")[-1] == "Defects per unit"
    assert lines[2].startswith("NOMAD-1000")
    assert "3 of 4" in lines[2]
    assert lines[3].startswith("together")
    assert "3 sur 4" in run(read, "--by", "product", lang="fr")


def test_json_and_csv_and_xlsx_say_the_same(read: Workshop, tmp_path: Path) -> None:
    data = json.loads(run(read, "--by", "step", "--format", "json"))
    safety = next(r for r in data["rows"] if r["step"] == "safety")
    assert (safety["first_pass_yield"], safety["final_yield"], safety["first"]) == (0.75, None, 4)
    assert safety["first_pass_yield_low"] == pytest.approx(0.3006, abs=1e-4)
    assert data["total"]["finished"] == 43
    lines = run(read, "--by", "step", "--format", "csv").splitlines()
    assert any("NOMAD-1000 safety,NOMAD-1000,safety,0.75" in line for line in lines)
    path = tmp_path / "yields.xlsx"
    assert "rows are in" in run(read, "--by", "step", "--format", "xlsx", "--output", str(path))
    sheet = load_workbook(path).active
    assert sheet is not None
    assert sheet.max_row == len(data["rows"]) + 1


def test_a_file_format_without_a_file_and_a_senseless_question_are_explained(read: Workshop) -> None:
    assert "--output" in run(read, "--format", "xlsx", code=2)
    assert "--by step" in run(read, "--by", "day", "--order", "OF-2026-118", code=1)


def test_a_parquet_file_says_the_same(read: Workshop, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "yields.parquet"
    run(read, "--by", "product", "--format", "parquet", "--output", str(path))
    found = pandas.read_parquet(path)
    assert found.set_index("key").loc["NOMAD-1000", "finished"] == 3


def test_a_busy_morning_by_shift_lies_in_the_morning_and_the_afternoon(database_url: str) -> None:
    made = Workshop(database_url, start=MORNING)
    busy_morning(made)
    found = ask(made, "shift")
    assert set(found) <= {"2026-11-23 morning", "2026-11-23 afternoon", "2026-11-23 -"}
    assert sum(r.counts.finished for r in found.values()) == 3 + 264
    made.close()


@pytest.mark.parametrize("kind", ["xlsx", "csv", "parquet"])
def test_a_report_of_some_days_has_its_tables_with_typed_columns(tmp_path: Path, kind: str) -> None:
    shop = small_run(f"sqlite:///{tmp_path / 'shop.db'}")
    where = tmp_path / ("r.xlsx" if kind == "xlsx" else "r")
    asked_for = ["--from", "2026-11-23", "--to", "2026-11-24", "--format", kind, "--output", str(where)]
    done = CliRunner().invoke(report, [*asked_for, "--database", str(shop.engine.url)])
    shop.close()
    assert done.exit_code == 0, done.output
    if kind == "xlsx":
        book = load_workbook(where)
        found = {s.title: [[c.value for c in row] for row in s.iter_rows()] for s in book.worksheets}
    elif kind == "csv":
        found = {f.stem: [line.split(",") for line in f.read_text("utf-8-sig").splitlines()] for f in where.iterdir()}
    else:
        frames = {f.stem: pandas.read_parquet(f) for f in where.iterdir()}
        assert str(frames["yield_by_step"]["first"].dtype) == "Int64"
        found = {name: [list(f.columns), *f.astype(object).values.tolist()] for name, f in frames.items()}
    assert {"yield_by_step", "yield_by_shift", "stations", "defects", "nonconformities_by_defect", "orders"} <= set(
        found
    )
    planned = {sum(float(row[i]) for row in found[name][1:]) for name, i in (("stations", 2), ("oee_by_day", 1))}
    assert len(planned) == 1
    assert {"oee_by_line", "oee_by_shift", "oee_by_week", "flow_ways", "flow_days"} <= set(found)
    assert [str(v) for v in found["flow_ways"][1][:4]] == ["NOMAD-1000", "NOMAD-1000", "3", "1"]
    (order,) = (row for row in found["orders"] if row[0] == "OF-2026-118")
    assert [str(v) for v in order[2:5]] == ["4", "completed", "3"]
    assert any(row[:3] == ["NOMAD-1000", "final", "SCRATCH"] and str(row[3]) == "2" for row in found["defects"])
