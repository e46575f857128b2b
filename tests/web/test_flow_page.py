"""The page of the flow: what stands where, the drawings with their tables, files, and senseless questions."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, cast

import pytest
from openpyxl import load_workbook

from tests.server.bench import Floor
from tests.server.test_passages import floor as floor
from tests.web.pages import Office, text_of

DAYS = "from=2026-11-23&to=2026-11-24"


@pytest.fixture
def office(floor: Floor) -> Iterator[Office]:
    made = Office(cast(Any, floor))
    yield made
    made.close()


def test_the_page_says_where_units_stand_how_many_end_and_how_long_they_take(office: Office) -> None:
    html = office.get(f"/flow?{DAYS}")
    page = text_of(html)
    assert "Test GEN 0 1 1 2" in page
    assert html.count("<svg xmlns") == 2  # throughput, and one histogram
    assert "2 units were finished in these days." in page
    assert "1 h 10" in page
    assert "Ended in a day × mean cycle time" in page
    french = text_of(office.get(f"/flow?by=order&{DAYS}&order=OF-1", lang="fr"))
    assert "Temps de cycle : médiane" in french
    assert "2 appareils ont été finis" in french


def test_files_have_the_same_rows_and_senseless_questions_are_answered(office: Office) -> None:
    book = load_workbook(io.BytesIO(office.client.get(f"/flow/table.xlsx?{DAYS}").data))
    assert book.sheetnames == ["ways", "days", "standing", "little", "histogram"]
    assert book["ways"].max_row == 2
    lines = office.client.get(f"/flow/table.csv?by=order&{DAYS}", headers={"Accept-Language": "en"}).text.splitlines()
    assert lines[1].startswith("OF-1,GEN,2,1,")
    for silly in (
        "from=x&to=9999-99-99&by=%20",
        "from=2026-11-24&to=2026-11-01",
        "product=NO&order=NO&from=2001-01-01",
    ):
        assert office.client.get(f"/flow?{silly}").status_code == 200
    assert "No unit was finished" in text_of(office.get("/flow?from=2020-01-01&to=2020-01-02"))
    assert office.anybody.get("/flow").status_code in (302, 401)
