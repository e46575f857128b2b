"""Control charts of readings: the first of each visit, limits of phase I, signals, capability, files; days by share."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, cast

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect, sync_playwright

from mes import charted, revisions
from mes.db.session import reading
from mes.domain.spc import CannotChart
from tests.server.bench import START, Floor
from tests.server.small_plan import small_plan
from tests.web.pages import FLAGS, Office, text_of

VALUES = [3.0, 3.1, 2.9, 3.05, 2.95, 3.0, 3.1, 2.9, 3.0, 3.05, 2.95, 3.0, 4.6, 3.0]
WHAT = "what=GEN%2Ftest%2Fvolt&from=2026-11-23&to=2026-11-24"


def serial(n: int) -> str:
    return f"GEN-2648-{n:05}"


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    """Fourteen units that were tested; the second one had an error of the bench first, the third failed first."""
    made = Floor(f"sqlite:///{tmp_path_factory.mktemp('charts') / 'shop.db'}", small_plan(retests=3), twice=False)
    made.order("GEN", len(VALUES))
    for n, value in enumerate(VALUES, 1):
        b1, b2 = made.bench("b1"), made.bench("b2")
        made.send(b1, b1.arrive(serial(n), "fit"), b1.fit(serial(n), "BAT", serial=str(n)))
        made.send(b1, *(b1.fit(serial(n), "FUSE", lot="7") for _ in range(2)), b1.done(serial(n), "fit"))
        made.send(b2, b2.arrive(serial(n), "test"))
        if n == 2:
            broken: dict[str, Any] = {"test": "volt", "outcome": "error"}
            made.send(b2, b2.event("UnitsTested", unit=serial(n), step="test", outcome="error", tests=[broken]))
        if n == 3:
            made.send(b2, b2.test(serial(n), 0.5))
        made.send(b2, b2.test(serial(n), value), b2.done(serial(n), "test"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def office(floor: Floor) -> Iterator[Office]:
    made = Office(cast(Any, floor))
    yield made
    made.close()


def drawn(floor: Floor, **more: Any) -> charted.Made:
    with reading(floor.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        wanted = charted.Wanted("GEN", "test", "volt", START.date(), START.date(), **more)
        return charted.made(session, plan, wanted)


def test_a_visit_counts_with_its_first_reading_that_judged_the_unit(floor: Floor) -> None:
    made = drawn(floor)
    first = [s.reads[0].value for s in made.samples]
    assert first == [3.0, 3.1, 0.5, *VALUES[3:]], "no error of the bench, no retest"
    assert [s.reads[0].unit for s in made.samples] == [serial(n) for n in range(1, 15)]


def test_limits_come_from_phase_one_and_later_points_are_judged_by_them(floor: Floor) -> None:
    made = drawn(floor, base=12)
    assert made.base == frozenset(range(12))
    assert made.study is not None
    assert made.able is not None
    assert (12 in {i for s in made.found[0] if s.rule == 1 for i in s.marked}) is (
        VALUES[12] > made.charts[0].points[0].high
    )
    alone = drawn(floor)
    assert alone.charts[0].points[0].high != made.charts[0].points[0].high


def test_groups_are_whole_and_what_is_left_over_is_said(floor: Floor) -> None:
    made = drawn(floor, kind="xbar-s", size=4)
    assert (len(made.samples), made.left_over) == (3, 2)
    assert [c.kind for c in made.charts] == ["xbar", "s"]
    with pytest.raises(CannotChart):
        drawn(floor, kind="xbar-r", size=20)


def test_days_are_charted_by_the_share_that_failed_at_the_first_go(floor: Floor) -> None:
    made = drawn(floor, kind="p")
    assert [(s.failed, s.size) for s in made.samples] == [(1, 14)]


def test_the_page_draws_what_the_table_says_and_keeps_the_question_in_its_address(office: Office) -> None:
    html = office.get(f"/charts?{WHAT}&chart=i-mr&base=12")
    page = text_of(html)
    assert html.count("<svg xmlns") == 2
    assert "Cpk" in page
    assert "chart = { centre = " in page
    assert "These are few values" in page
    assert f'href="/unit/{serial(13)}"' in html
    assert "/charts/table.csv?what=GEN/test/volt&amp;chart=i-mr&amp;from=2026-11-23" in html
    assert "Cartes de contrôle" in text_of(office.get(f"/charts?{WHAT}", lang="fr"))


def test_charts_of_counts_name_their_estimator_and_lead_to_the_failures(office: Office) -> None:
    html = office.get("/charts?what=GEN/test&chart=u&from=2026-11-23&to=2026-11-24")
    page = text_of(html)
    assert "Centre (u) 0.0714" in page
    assert "√(u / n) (Poisson)" in page
    assert "1 / 14" in page
    assert "/yields/failures?product=GEN&amp;step=test&amp;from=2026-11-23" in html
    assert "√(n p (1 − p)) (loi binomiale)" in text_of(
        office.get("/charts?what=GEN/test&chart=np&by=units&size=5", lang="fr")
    )
    by_units = office.get("/charts?what=GEN/test&chart=c&by=units&size=5&from=2026-11-23&to=2026-11-24")
    assert "4 units more make no whole sample yet." in text_of(by_units)
    assert f'href="/unit/{serial(10)}"' in by_units
    assert "d2(2) = 1.128" in text_of(office.get(f"/charts?{WHAT}"))


def test_a_reading_of_a_unit_leads_to_its_control_chart(office: Office) -> None:
    html = office.get(f"/unit/{serial(13)}")
    assert "/charts?what=GEN/test/volt&amp;from=2026-08-25&amp;to=2026-11-23" in html
    assert f'href="/unit/{serial(13)}"' in office.get("/charts?what=GEN/test/volt&from=2026-08-25&to=2026-11-23")


def test_limits_from_chosen_days_are_kept_in_the_address_and_empty_ones_are_explained(office: Office) -> None:
    html = office.get(f"/charts?{WHAT}&chart=xbar-s&size=4&base_from=2026-11-23&base_to=2026-11-23")
    assert "base_from=2026-11-23&amp;base_to=2026-11-23" in html
    for days, why in (
        ("2020-01-01&base_to=2020-01-02", "Choose other days"),
        ("2026-11-24&base_to=2026-11-01", "of the two"),
    ):
        answer = office.client.get(f"/charts?{WHAT}&base_from={days}", headers={"Accept-Language": "en"})
        assert (answer.status_code, why in text_of(answer.text)) == (422, True)


def test_what_makes_no_chart_says_why(office: Office) -> None:
    address = "/charts?what=GEN%2Ftest%2Fvolt&from=2020-01-01&to=2020-01-02"
    answer = office.client.get(address, headers={"Accept-Language": "en"})
    assert (answer.status_code, "There are no values." in text_of(answer.text)) == (422, True)
    assert office.client.get("/charts?from=2026-11-24&to=2026-11-23").status_code == 422
    for silly in ("what=x&chart=pie&size=-1&base=zz&estimator=guess", "chart=xbar-r&size=99999999999"):
        assert office.client.get(f"/charts?from=2026-11-23&to=2026-11-24&{silly}").status_code == 200


@pytest.mark.parametrize("chart", ["i-mr", "p"])
def test_a_file_of_days_that_are_the_wrong_way_round_is_refused(office: Office, chart: str) -> None:
    for kind in ("csv", "xlsx"):
        address = f"/charts/table.{kind}?chart={chart}&from=2026-11-24&to=2026-11-23"
        assert office.client.get(address).status_code == 422


def test_the_files_hold_the_points_the_readings_and_the_indices(office: Office) -> None:
    csv = office.client.get(f"/charts/table.csv?{WHAT}").data.decode("utf-8-sig")
    assert len(csv.splitlines()) == 1 + 2 * len(VALUES)
    book = load_workbook(io.BytesIO(office.client.get(f"/charts/table.xlsx?{WHAT}").data))
    assert [s.max_row for s in book.worksheets][:2] == [1 + 2 * len(VALUES), 1 + len(VALUES)]
    assert "Cpk" in {row[0].value for row in book.worksheets[2].iter_rows()}


@pytest.mark.browser
def test_a_chart_is_looked_at_closer_and_a_point_leads_to_its_unit(office: Office, chromium_path: str) -> None:
    complaints: list[str] = []
    with office.served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
        context.add_cookies([{"name": "atelier", "value": office.cookie(), "url": url}])
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{url}/charts?{WHAT}&base=12")
        assert not page.evaluate("'echarts' in window"), "the library is for those who ask for it"
        first = page.locator("button.closer").first
        expect(first).to_have_text("Look closer", timeout=30_000)
        first.click()
        board = page.locator(".closer-board").first
        expect(board.locator("canvas")).to_be_visible(timeout=30_000)
        expect(first).to_have_text("Back to the drawing", timeout=30_000)
        x, y = page.evaluate(
            "() => echarts.getInstanceByDom(document.querySelector('.closer-board'))"
            ".convertToPixel({ seriesIndex: 0 }, [12, 4.6])"
        )
        board.click(position={"x": x, "y": y})
        page.wait_for_url(f"{url}/unit/{serial(13)}", timeout=30_000)
        page.go_back()
        page.locator("button.closer").first.click()
        page.locator("button.closer").first.click()
        expect(page.locator(".drawn svg").first).to_be_visible(timeout=30_000)
        browser.close()
    assert complaints == []
