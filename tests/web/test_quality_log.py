"""The page of the log: its filter stands in the address, and its files hold the same rows."""

from __future__ import annotations

import pytest

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


def test_a_day_that_cannot_be_is_said_and_makes_no_file(office: Office) -> None:
    assert "Give a date" in text_of(office.get("/quality/log?first=yesterday"))
    assert office.client.get("/quality/log/file.csv?first=yesterday").status_code == 400
    assert "Nothing fits." in text_of(office.get("/quality/log?page=99&state=closed"))
