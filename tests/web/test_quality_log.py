"""The page of the log: its filter stands in the address, and its files hold the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from mes.commands_ledger import verify_engine
from tests.server.worlds import Workshop
from tests.web.pages import Office, text_of

SOME = "/quality/log/file.csv?source=test_failed"


def test_the_page_lists_what_its_filter_finds_and_its_files_hold_the_same(busy: Office) -> None:
    page = text_of(busy.get("/quality/log"))
    assert "Log of nonconformities" in page
    assert "NC-2026-0001" in page
    with busy.client.get("/quality/log/file.csv") as every, busy.client.get(SOME) as some:
        assert 0 < some.text.count("NC-2026-") < every.text.count("NC-2026-")


def test_the_filter_stays_in_the_form_and_on_the_way_to_the_files(busy: Office) -> None:
    page = busy.get("/quality/log?source=test_failed&first=2026-01-01")
    assert '<option value="test_failed" selected>' in page
    assert 'value="2026-01-01"' in page
    assert "/quality/log/file.csv?first=2026-01-01&amp;source=test_failed" in page


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_each_file_is_one_to_save(busy: Office, kind: str) -> None:
    answer = busy.client.get(f"/quality/log/file.{kind}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    answer.close()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_that_tells_how_far_it_is_ends_in_the_same_file(busy: Office, kind: str) -> None:
    with busy.client.get(f"/quality/log/file.{kind}?source=test_failed") as plain:
        wanted = plain.data
    with busy.client.get(f"/quality/log/file.{kind}?source=test_failed&told=1") as told:
        *steps, last = told.data[: -len(wanted)].decode().splitlines()
        assert told.data.endswith(wanted)
    assert last == f"{len(wanted)} non-conformités-2026-11-23.{kind}"
    assert all(step.isdigit() for step in steps)
    assert "/static/told.js" in busy.get("/quality/log")


def test_a_day_that_cannot_be_is_said_and_makes_no_file(office: Office) -> None:
    assert "Give a date" in text_of(office.get("/quality/log?first=yesterday"))
    assert office.client.get("/quality/log/file.csv?first=yesterday").status_code == 400
    assert "Nothing fits." in text_of(office.get("/quality/log?page=99&state=closed"))


def test_a_filter_gets_a_name_and_stands_over_the_log_until_it_is_taken_away(office: Office, tmp_path: Path) -> None:
    seen = "/quality/log?severity=major&text=gl%C3%BCe"
    said = office.post(seen, "/quality/log/view", name="  Major  <b> ", severity="major", text="glüe").text
    assert "View “Major <b>” is saved." in text_of(said)
    for page in (office.get("/quality/log"), said):
        assert "Major &lt;b&gt;" in page
        assert "/quality/log?severity=major&amp;text=gl%C3%BCe" in page
    assert 'aria-current="true">Major' in office.get(seen)
    assert "Give the view a name." in text_of(office.post(seen, "/quality/log/view", name="  ", severity="major").text)
    office.post(seen, "/quality/log/view", name="Major <b>", severity="minor")
    assert "/quality/log?severity=minor" in office.get("/quality/log")
    gone = office.post("/quality/log?severity=minor", "/quality/log/view-away", name="Major <b>").text
    assert "View “Major <b>” is gone." in text_of(gone)
    assert "/quality/log?severity=minor" not in office.get("/quality/log")
    assert "There is no view" in text_of(office.post(seen, "/quality/log/view-away", name="Major <b>").text)
    assert verify_engine(office.shop.engine, tmp_path)[1] == []


def test_the_pareto_is_of_a_year_where_nobody_names_days_and_of_all_days_from_the_log(
    morning: Workshop, tmp_path: Path
) -> None:
    shop = morning.copied(tmp_path / "years.db")
    busy = Office(shop)
    assert "/quality/pareto?first=" in busy.get("/quality/log")
    assert "Nothing fits." not in text_of(busy.get("/quality/pareto"))
    busy.close()
    shop.clock.tick(400 * 86_400)
    busy = Office(shop)
    assert "Nothing fits." in text_of(busy.get("/quality/pareto"))
    of_all = busy.get("/quality/pareto?first=&by=step")
    assert "Nothing fits." not in text_of(of_all)
    assert "first=&amp;by=product" in of_all
    busy.close()
    shop.close()
