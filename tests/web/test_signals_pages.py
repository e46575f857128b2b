"""Signals in the office: the list, the evidence drawn, the nonconformity, and the end, which is signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.server.test_signals import HOLD, SI, Line
from tests.web.pages import PASSWORD, Office, text_of


@pytest.fixture
def office(tmp_path: Any) -> Iterator[Office]:
    line = Line(tmp_path, HOLD)
    line.measure(3.0, 3.1, 3.7)
    made = Office(cast(Any, line.floor))
    yield made
    made.close()
    line.floor.close()


def test_a_signal_is_seen_where_quality_and_the_board_look_until_it_is_closed_with_its_cause(office: Office) -> None:
    assert "Signals · 1" in text_of(office.get("/quality"))
    board = text_of(office.get("/board"))
    assert f"{SI} · Voltage step stopped" in board
    listed = text_of(office.get("/quality/signals"))
    assert "individual values: rule 1 (beyond 3σ)" in listed
    assert "stops the step" in listed
    page = f"/quality/signals/{SI}"
    html = office.get(page)
    assert html.count("<svg xmlns") == 2
    assert 'href="/unit/GEN-2648-00003"' in html
    assert "2,4 V … 3,6 V" in text_of(office.get(page, lang="fr")).replace("\xa0", " ").replace("\u202f", " ")
    form = {"signal": SI, "cause": "machine", "why": "The clamp was worn"}
    assert "password" in text_of(office.post(page, "/quality/signals/close", **form, password="x").text).lower()
    missing = office.post(page, "/quality/signals/close", signal=SI, cause="", why="", password=PASSWORD)
    assert "Choose the family of the cause" in text_of(missing.text)
    done = text_of(office.post(page, "/quality/signals/close", **form, password=PASSWORD).text)
    assert f"Signal {SI} is closed." in done
    assert "The clamp was worn" in done
    assert "No signal is open." in text_of(office.get("/quality/signals"))
    assert SI in text_of(office.get("/quality/signals?show=all"))
    assert f"Signal {SI} closed, cause: Machine." in text_of(office.get("/audit?subject=quality"))
    assert office.client.get("/quality/signals/SI-1").status_code == 404


def test_a_nonconformity_is_reported_from_a_signal_and_each_leads_to_the_other(office: Office) -> None:
    html = office.get(f"/quality/signals/{SI}")
    assert f"/quality/new?title=Voltage+is+not+as+usual&amp;process=test&amp;signal={SI}" in html
    form = f"/quality/new?title=Voltage+is+not+as+usual&process=test&signal={SI}"
    assert f'name="signal" value="{SI}"' in office.get(form)
    answer = office.post(form, "/quality/new", title="Voltage is not as usual", process="test", signal=SI)
    assert answer.status_code == 200
    assert "/quality/nc/NC-2026-0001" in office.get(f"/quality/signals/{SI}")
    assert f"/quality/signals/{SI}" in office.get("/quality/nc/NC-2026-0001")
