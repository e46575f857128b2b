"""The pages and files of traceability: of one unit, and of where a component went."""

from __future__ import annotations

import io
import json

import pytest
from sqlalchemy import select

from mes.db.session import reading
from mes.db.tables import Installation
from tests.server.bench import OPERATOR, PERSON
from tests.web.pages import Office, text_of, token_of

DONE = "NMD-2648-00001"


def lot_in(office: Office, unit: str) -> str:
    with reading(office.shop.engine) as session:
        lot = session.scalar(select(Installation.lot).where(Installation.unit == unit, Installation.lot.is_not(None)))
    assert lot
    return lot


def test_the_page_of_a_unit_says_draws_and_links_what_it_went_through(busy: Office) -> None:
    page = busy.get(f"/unit/{DONE}")
    said = text_of(page)
    assert "What is in it" in said
    assert 'aria-label="The way of NMD-2648-00001 through the stations"' in page
    assert f'href="/trace?part=SCREW-M6&amp;number={lot_in(busy, DONE)}"' in page
    assert "Insulation, 500 V 1 MΩ 1 MΩ or more passed" in said
    assert " style=" not in page
    assert OPERATOR not in said.split()
    assert PERSON not in page


def test_a_scanned_lot_leads_to_its_units_and_the_page_to_the_recall_list(busy: Office) -> None:
    lot = lot_in(busy, DONE)
    page = busy.get(f"/trace?number={lot}")
    assert f'href="/unit/{DONE}"' in page
    assert "Customers 1" in text_of(page)
    for kind, begins in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("pdf", b"%PDF")):
        answer = busy.client.get(f"/trace/list/{kind}?number={lot}")
        assert answer.status_code == 200
        assert answer.data.startswith(begins)
        assert "attachment" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("path", ["/trace/list/csv?number=none", "/trace/unit/exe/" + DONE, "/trace/unit/csv/none"])
def test_a_file_of_nothing_is_not_found(busy: Office, path: str) -> None:
    assert busy.client.get(path).status_code == 404


def test_a_number_that_is_nowhere_says_so(busy: Office) -> None:
    assert "No unit contains “<b>”." in text_of(busy.get("/trace?number=%3Cb%3E"))


def test_a_unit_is_taken_away_as_a_table_a_workbook_and_for_a_program(busy: Office) -> None:
    answers = {kind: busy.client.get(f"/trace/unit/{kind}/{DONE}") for kind in ("csv", "xlsx", "json")}
    assert {a.status_code for a in answers.values()} == {200}
    assert json.loads(answers["json"].data)["serial"] == DONE
    assert OPERATOR not in answers["json"].text.split('"')
    assert PERSON not in answers["json"].text + answers["csv"].text


def test_a_dossier_is_given_out_and_known_again_when_somebody_brings_it(busy: Office) -> None:
    given = busy.post(f"/unit/{DONE}", "/trace/dossier", unit=DONE)
    assert given.data.startswith(b"%PDF")
    page = busy.get("/trace")
    for content, said in ((given.data, "the file is unchanged"), (given.data + b" ", "or it was changed")):
        answer = busy.client.post(
            "/trace/check",
            data={"csrf_token": token_of(page), "file": (io.BytesIO(content), "brought.pdf")},
            headers={"Accept-Language": "en", "Referer": "http://localhost/trace"},
            follow_redirects=True,
        )
        assert said in text_of(answer.text)
