"""The log of nonconformities: what a filter finds, what is late, and that each file holds what the filter shows."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from pathlib import Path

import pypdf
import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import nc_export, nc_log, nonconformities, revisions, wire
from mes.cli import main
from mes.db.session import reading
from mes.db.tables import Nonconformity
from mes.nc_log import Filter, Log
from tests.server.worlds import Workshop, released_order
from tests.web.pages import workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """Two of the office and one of the floor, whose reading is below its limit."""
    made = workshop(tmp_path)
    serial = released_order(made, quantity=1, order="OF-7")[0]
    made.bring(serial, "burn-in")
    made.fail(serial)
    for title, facts in (
        ("=1+1", wire.NcFacts(severity="major", supplier="Fuseline", requirement="No scratch")),
        ("Dent; deep", wire.NcFacts(severity="minor", customer="Armor-Lux")),
    ):
        item = wire.NcItem(kind="process", subject="Gluing")
        body = wire.NonconformityOpened(title=title, facts=facts, items=(item,))
        assert made.do(nonconformities.open_nc, body).done
    return made


def log_of(session: Session, shop: Workshop, days: int = 0) -> Log:
    return Log.of(revisions.latest_plan(session), shop.clock.now + timedelta(days=days))


def found(shop: Workshop, days: int = 0, **wanted: object) -> list[str]:
    with reading(shop.engine) as session:
        log, chosen = log_of(session, shop, days), Filter(**wanted)  # type: ignore[arg-type]
        rows = [line.row.id for line in nc_log.lines(session, log, chosen)]
        total = nc_log.count(session, log, chosen)
        assert total == len(rows)
        pages = [nc_log.page(session, log, chosen, n, total=total, size=1) for n in range(1, total + 2)]
        assert [[line.row.id for line in page] for page in pages] == [*([row] for row in rows), []]
        return rows


def written(shop: Workshop, kind: str, language: str = "en", **wanted: object) -> bytes:
    file = io.BytesIO()
    with reading(shop.engine) as session:
        log, plan = log_of(session, shop), revisions.latest_plan(session)
        words = nc_export.Words(plan, language, log)
        nc_export.write(session, kind, Filter(**wanted), words, file)  # type: ignore[arg-type]
        return file.getvalue()


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 3),
        ({"severity": "major"}, 1),
        ({"supplier": "fuse"}, 1),
        ({"customer": "armor"}, 1),
        ({"source": "reported"}, 2),
        ({"source": "test_failed", "order": "OF-7"}, 1),
        ({"state": "closed"}, 0),
        ({"state": "undecided"}, 3),
        ({"disposition": "scrap"}, 0),
        ({"overdue": True}, 0),
        ({"supplier": "%"}, 0),
        ({"text": "DENT;"}, 1),
        ({"text": "no  scrátch"}, 1),
        ({"text": "red shelf"}, 0),
        ({"text": "%"}, 0),
    ],
)
def test_a_filter_finds_what_fits_and_counts_the_same(shop: Workshop, wanted: dict[str, object], count: int) -> None:
    assert len(found(shop, **wanted)) == count


def test_the_days_of_a_filter_are_those_of_the_site(shop: Workshop) -> None:
    today = shop.clock.now.date()
    assert len(found(shop, first=today, last=today)) == 3
    assert found(shop, last=today - timedelta(days=1)) == found(shop, first=today + timedelta(days=1)) == []


def test_each_order_of_the_rows_has_them_all(shop: Workshop) -> None:
    newest = found(shop)
    assert found(shop, sort="oldest") == newest[::-1]
    assert all(sorted(found(shop, sort=name)) == sorted(newest) for name in nc_log.SORTS)


def test_what_waits_longer_than_the_plan_allows_is_overdue(shop: Workshop) -> None:
    assert found(shop, overdue=True) == []
    assert len(found(shop, days=2, overdue=True)) == 3  # nobody has said where they are set aside
    first = found(shop, sort="oldest")[0]
    assert shop.do(nonconformities.contain, first, "red shelf").done
    assert first not in found(shop, days=2, overdue=True)
    assert len(found(shop, days=4, overdue=True)) == 3  # set aside, but not decided
    with reading(shop.engine) as session:
        lines = list(nc_log.lines(session, log_of(session, shop, 4), Filter()))
    assert {(line.age, line.overdue) for line in lines} == {(4, True)}


def test_the_text_search_finds_what_was_said_later_and_no_longer_what_was_taken_back(shop: Workshop) -> None:
    nc = found(shop, text="dent")[0]
    assert shop.do(nonconformities.remark, nc, text="Décollement en cours").done
    assert shop.do(nonconformities.remark, nc, text="Vu par le client").done
    assert found(shop, text="decollement") == found(shop, text="CLIENT") == [nc]
    facts = wire.NcFacts(title="Dent; flat", requirement="", reference="RMA_77")
    assert shop.do(nonconformities.amend, nc, facts).done
    assert found(shop, text="rma 77") == found(shop, text="flat") == found(shop, text="décollement") == [nc]
    assert found(shop, text="dent; deep") == []


def test_an_address_is_read_and_what_cannot_be_is_named() -> None:
    wanted, wrong = nc_log.read({"first": "2026-13-01", "last": "2026-11-25", "sort": "x", "overdue": "1", "step": ""})
    assert (wanted, set(wrong)) == (Filter(last=date(2026, 11, 25), overdue=True), {"first", "sort"})
    assert nc_log.read(wanted.said()) == (wanted, ())


def test_the_csv_opens_by_a_double_click_and_runs_no_formula(shop: Workshop) -> None:
    content = written(shop, "csv", "fr")
    assert content.startswith("\ufeff".encode())
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert len(rows) == 4
    assert {len(row) for row in rows} == {len(nc_export.COLUMNS)}
    assert {row[2] for row in rows[1:]} >= {"'=1+1", "Dent; deep"}


def test_the_workbook_has_times_as_times_and_readings_as_numbers_and_no_formula(shop: Workshop) -> None:
    sheet = load_workbook(io.BytesIO(written(shop, "xlsx"))).worksheets[0]
    rows = list(sheet.iter_rows(min_row=2))
    assert len(rows) == 3
    assert all(isinstance(row[1].value, datetime) for row in rows)
    assert [cell.data_type for row in rows for cell in row if cell.value == "=1+1"] == ["s"]
    column = nc_export.COLUMNS.index("Reading")
    assert [row[column].data_type for row in rows if row[column].value is not None] == ["n"]


def test_a_reading_below_zero_is_a_number() -> None:
    detail = '{"value": {"en": "\u22121,234.5\u202fmV", "fr": "\u22121\u202f234,5\u202fmV"}}'
    assert nc_export._reading(detail) == (-1234.5, "mV")
    assert nc_export._reading("{}") == nc_export._reading('{"value": "\u2013"}') == (None, "")


@pytest.mark.parametrize(("language", "title"), [("fr", "Registre des non-conformités"), ("en", "Log of nonconf")])
def test_the_paper_is_tagged_and_says_its_filter(shop: Workshop, language: str, title: str) -> None:
    read = pypdf.PdfReader(io.BytesIO(written(shop, "pdf", language, source="reported")))
    text = read.pages[0].extract_text()
    assert title in text
    assert "Fuseline" in text
    assert "OF-7" not in text
    assert read.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert str(read.trailer["/Root"]["/Lang"]).startswith(language)


def test_the_command_writes_what_its_filter_says(shop: Workshop, tmp_path: Path) -> None:
    out, database = tmp_path / "log.csv", str(shop.engine.url)
    args = ["nc", "export", "--out", str(out), "--database", database, "--filter"]
    done = CliRunner().invoke(main, [*args, "severity=major", "--separator", ";"])
    assert done.exit_code == 0, done.output
    assert len(out.read_text("utf-8-sig").splitlines()) == 2
    refused = CliRunner().invoke(main, [*args, "colour=red"])
    assert refused.exit_code == 1
    assert "colour" in refused.output


def test_many_are_read_batch_by_batch_and_none_is_left_out(shop: Workshop) -> None:
    with Session(shop.engine) as session:
        first = session.scalars(select(Nonconformity)).first()
        assert first is not None
        values = {c.name: getattr(first, c.name) for c in Nonconformity.__table__.columns}
        many = [{**values, "id": f"NC-2025-{i:04}"} for i in range(2 * nc_log.BATCH + 7)]
        session.execute(Nonconformity.__table__.insert(), many)
        log = Log.of(None, shop.clock.now)
        assert len({line.row.id for line in nc_log.lines(session, log, Filter())}) == len(many) + 3
