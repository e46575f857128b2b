"""The page of failures: bars that lead to their units and to a chart, what is kept apart, files, filters."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook

from tests.server.test_failures import bad_morning
from tests.web.pages import Office, text_of

DAYS = "from=2026-11-23&to=2026-11-23"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    shop = bad_morning(f"sqlite:///{tmp_path_factory.mktemp('failures') / 'shop.db'}")
    office = Office(shop)  # type: ignore[arg-type]  # a floor has what an office needs
    yield office
    office.close()
    shop.close()


def test_bars_lead_to_their_units_and_a_test_to_its_control_chart(made: Office) -> None:
    html = made.get(f"/yields/failures?{DAYS}")
    page = text_of(html)
    assert "Test or defect Count Share up to here" in page
    assert "of=test&amp;cause=volt#units" in html or "cause=volt&amp;product=GEN&amp;step=test" in html
    assert "/charts?what=GEN/test/volt&amp;from=2026-11-23&amp;to=2026-11-23" in html
    assert "3 of 10 first judgements at a step failed." in page
    behind = text_of(made.get(f"/yields/failures?{DAYS}&of=test&cause=volt&product=GEN&step=test"))
    assert ("GEN-2648-00003" in behind, "GEN-2648-00004" in behind) == (True, False)
    assert "Only: " in behind
    steps = made.get(f"/yields/failures?{DAYS}&by=step")
    assert "/charts?what=GEN/test&amp;chart=p" in steps
    yields = made.get(f"/yields?by=step&{DAYS}")
    assert "/yields/failures?by=step&amp;from=2026-11-23" in yields
    assert "/charts?what=GEN/test&amp;chart=p" in yields
    pareto = made.get("/quality/pareto?by=step&first=2026-11-23")
    assert "/charts?what=GEN/look&amp;chart=p&amp;from=2026-11-23" in pareto


def test_each_kind_has_its_page_and_scrap_counts_units_and_pieces(made: Office) -> None:
    scrap = text_of(made.get(f"/yields/failures?{DAYS}&go=scrap"))
    assert "Bent 3 50 %" in scrap
    assert "declared scrap at the bench 1" in scrap
    assert "3 pieces" in scrap
    assert "6 units, runs or pieces in all." in scrap
    assert "run broken off" in text_of(made.get(f"/yields/failures?{DAYS}&go=bench"))
    french = text_of(made.get(f"/yields/failures?{DAYS}&go=again&by=line", lang="fr"))
    assert "Ligne 3 100 %" in french
    assert "Nothing of this kind" in text_of(made.get("/yields/failures?from=2020-01-01&to=2020-01-02"))
    assert "over its whole life" in text_of(made.get("/yields/failures?order=OF-2&go=scrap&by=order&from=2020-01-01"))


def test_files_hold_the_bars_and_the_units_and_senseless_questions_are_explained(made: Office) -> None:
    book = load_workbook(io.BytesIO(made.client.get(f"/yields/failures/table.xlsx?{DAYS}&go=scrap").data))
    assert [sheet.max_row for sheet in book] == [5, 5]
    answer = made.client.get(f"/yields/failures/table.csv?{DAYS}&go=scrap", headers={"Accept-Language": "fr"})
    assert "Tordu;BENT;;;3;0,5" in answer.text
    wrong = made.client.get("/yields/failures?from=2026-11-24&to=2026-11-01", headers={"Accept-Language": "en"})
    assert wrong.status_code == 422
    assert "Change one of the two" in text_of(wrong.text)
    assert made.client.get("/yields/failures/table.csv?from=2026-11-24&to=2026-11-01").status_code == 422
    assert made.client.get("/yields/failures?go=x&by=y&of=z&from=q&station=-&line=-").status_code == 200
    assert made.anybody.get("/yields/failures").status_code in (302, 401)
