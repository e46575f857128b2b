"""The page of yields: figures, filters in the address, the units behind a step, files, and senseless questions."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from openpyxl import load_workbook

from tests.server.test_yielded import small_run
from tests.server.worlds import released_order
from tests.web.pages import Office, text_of

LATER = "from=2026-11-23&to=2026-11-25"
DAYS = "from=2026-11-23&to=2026-11-24"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    shop = small_run(f"sqlite:///{tmp_path_factory.mktemp('yields') / 'shop.db'}")
    shop.clock.now += timedelta(days=2)
    shop.bring(released_order(shop, quantity=1, order="OF-2026-130")[0], None)
    office = Office(shop)
    yield office
    office.close()
    shop.close()


def test_the_page_says_parts_where_they_are_few_with_their_interval_and_the_meaning(made: Office) -> None:
    page = text_of(made.get(f"/yields?{DAYS}"))
    assert "3 of 4 30–95 %" in page
    assert "93.0 % (40 of 43)" in page
    assert "Units that passed a step at the first go" in page
    french = text_of(made.get(f"/yields?{DAYS}", lang="fr"))
    assert "3 sur 4" in french
    assert "93,0 % (40 sur 43)" in french


def test_a_product_leads_to_its_steps_and_a_step_to_the_units_that_failed(made: Office) -> None:
    html = made.get(f"/yields?{DAYS}")
    assert "by=step&amp;from=2026-11-23&amp;to=2026-11-24&amp;product=NOMAD-1000" in html
    page = text_of(made.get(f"/yields?by=day&{DAYS}&product=NOMAD-1000&step=safety"))
    assert "Units that failed here" in page
    html = made.get(f"/yields?by=day&{DAYS}&product=NOMAD-1000&step=safety")
    assert "/quality/log?first=2026-11-23&amp;last=2026-11-24&amp;product=NOMAD-1000&amp;step=safety" in html
    assert "/charts?what=NOMAD-1000/safety/" in html
    serial = made.shop.units("OF-2026-118")[1]
    assert f"{serial} OF-2026-118" in page
    of_order = text_of(made.get("/yields?by=step&order=OF-2026-118&step=final&from=2020-01-01&to=2020-01-02"))
    assert all(unit in of_order for unit in made.shop.units("OF-2026-118")[2:])


def test_what_is_seen_is_what_is_in_the_files(made: Office) -> None:
    book = load_workbook(io.BytesIO(made.client.get(f"/yields/table.xlsx?by=step&{DAYS}").data))
    sheet = book.active
    assert sheet is not None
    assert sheet.max_row == 1 + made.get(f"/yields?by=step&{DAYS}").count('<th scope="row">') - 1
    answer = made.client.get(f"/yields/table.csv?by=step&{DAYS}", headers={"Accept-Language": "fr"})
    assert "NOMAD-1000 safety;NOMAD-1000;safety;0,75" in answer.text
    assert "yields-step-2026-11-23-2026-11-24.csv" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("by", ["product", "order", "line", "step", "shift", "day", "week", "nonsense", ""])
def test_every_grouping_has_a_page(made: Office, by: str) -> None:
    assert "Together" in text_of(made.get(f"/yields?by={by}&{DAYS}"))


def test_a_trend_is_drawn_where_there_are_two_stretches(made: Office) -> None:
    assert "First-pass yield over time. The table" not in made.get(f"/yields?by=week&{DAYS}")
    trends = [text_of(each) for each in made.get(f"/yields?by=day&{LATER}&product=NOMAD-1000").split("<svg ")[1:]]
    first, rolled = (t for t in trends if "over time, with its interval" in t)
    assert "23/11 25/11" in first
    assert "37.5 % 100.0 %" in rolled
    html = made.get(f"/yields?by=day&{LATER}&product=NOMAD-1000&step=safety")
    assert ">3 of 4</text>" in html
    assert ">1 of 1</text>" in html
    assert "Rolled yield over time" not in html
    assert "37.5 % 11–75 % · n ≥ 3" in text_of(made.get(f"/yields?{DAYS}"))
    assert made.client.get("/yields?by=day&from=x&to=9999-99-99&step=%20&page=").status_code == 200


def test_a_senseless_question_is_explained_and_gives_no_file(made: Office) -> None:
    answer = made.client.get("/yields?by=day&order=OF-2026-118", headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert "Choose step, product or order." in text_of(answer.text)
    assert made.client.get("/yields/table.csv?by=day&order=OF-2026-118").status_code == 422
    assert made.client.get("/yields?from=2026-11-24&to=2026-11-01").status_code == 422
    assert made.client.get("/yields?by=shift&from=2001-01-01&to=2098-01-01").status_code == 422
    assert made.client.get("/yields?by=product&from=2001-01-01&to=2098-01-01").status_code == 200
    assert made.anybody.get("/yields").status_code in (302, 401)
