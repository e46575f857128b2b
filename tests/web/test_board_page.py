"""The board's page and its fragment, as they come from the server."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from mes.db.session import engine_for
from mes.writer import Writer
from tests.databases import migrated
from tests.server.worlds import Workshop, released_order
from tests.web.pages import Office, text_of
from web.app import create_app
from web.board_words import WORDS
from web.painter import columns
from web.site import Site

PART = re.compile(r'<(\w+) id="([^"]+)"[^>]* data-part')


def tile(html: str, station: str) -> str:
    found = re.search(rf'<li id="tile-{station}".*?</div></li>', html, re.DOTALL)
    assert found is not None
    return text_of(found[0])


def test_the_first_page_is_the_board(office: Office) -> None:
    assert "/board" in office.client.get("/").headers["Location"]


def test_without_a_plan_the_board_says_what_to_do(tmp_path: Path) -> None:
    engine = engine_for(f"sqlite:///{tmp_path / 'empty.db'}")
    migrated(engine)
    writer = Writer(engine)
    client = create_app(Site(engine=engine, writer=writer), secret_key="test").test_client()
    page = text_of(client.get("/board?lang=en").text)
    assert "No plan is published yet." in page
    assert "mes plan publish" in page
    writer.close()
    engine.dispose()


def test_without_an_order_the_board_says_what_to_do(office: Office) -> None:
    page = text_of(office.get("/board"))
    assert "No order is released. Office: Orders, New order, Release." in page


def test_each_state_of_a_station_stands_as_a_word_beside_its_shape(busy: Office) -> None:
    page = busy.get("/board")
    for station, state, said in [
        ("bench-2", "go", "2 · Chassis and battery In work NMD-2648-00017"),
        ("bench-3", "help", "3 · Inverter and wiring Call"),
        ("bench-4", "stop", "4 · Electrical safety Stop NMD-2648-00011 Test failed: Insulation, 500 V."),
        ("bench-6", "wait", "6 · Burn-in"),
        ("bench-7", "kept", "7 · Final inspection 7 kept NMD-2648-00009 Without network. Nothing is lost."),
        ("bench-8", "idle", "8 · Packing Free Scale: cable unplugged"),
        ("pack-1", "go", "Screw kit In work 342 good · 2 scrap"),
    ]:
        assert re.search(rf'id="tile-{station}" class="tile s-{state} .*?href="#m-{state}"', page, re.DOTALL), station
        assert tile(page, station).startswith(said)


def test_the_board_speaks_french_to_a_french_browser(busy: Office) -> None:
    page = busy.get("/board", lang="fr")
    assert '<html lang="fr">' in page
    assert tile(page, "bench-4").startswith("4 · Sécurité électrique Arrêt NMD-2648-00011 Essai raté : Isolement")
    assert tile(page, "bench-7").startswith("7 · Contrôle final 7 gardés")
    assert "en retard" in text_of(page) or "jour de retard" in text_of(page)


def test_a_small_lot_is_shown_as_a_count_and_never_as_a_percentage(busy: Office) -> None:
    page = text_of(busy.get("/board"))
    assert "Electrical safety test 7 of 8" in page
    assert "%" not in page


def test_durations_are_left_to_the_browser_so_that_a_minute_alone_changes_nothing(busy: Office) -> None:
    before = busy.get("/board/fragment")
    busy.shop.clock.tick(40)
    after = busy.get("/board/fragment")
    mark = re.compile(r'data-mark="([^"]+)"')
    found = mark.search(before), mark.search(after)
    assert found[0] is not None
    assert found[1] is not None
    assert found[0][1] == found[1][1]


def test_nothing_new_is_answered_without_a_body_and_with_the_cursor(busy: Office) -> None:
    page = busy.get("/board/fragment")
    mark = re.search(r'data-cursor="(\d+)" data-mark="([^"]+)"', page)
    assert mark is not None
    same = busy.client.get(f"/board/fragment?since={mark[2]}", headers={"Accept-Language": "en"})
    assert (same.status_code, same.data, same.headers["X-Board-Cursor"]) == (204, b"", mark[1])
    busy.shop.call("bench-1")
    assert busy.client.get(f"/board/fragment?since={mark[2]}", headers={"Accept-Language": "en"}).status_code == 200


def test_only_the_parts_that_say_something_new_are_new(busy: Office) -> None:
    def parts() -> dict[str, str]:
        page = busy.get("/board/fragment")
        starts = [(m.start(), m[2]) for m in PART.finditer(page)]
        ends = [start for start, _ in starts[1:]] + [len(page)]
        return {name: page[start:end] for (start, name), end in zip(starts, ends, strict=True)}

    before = parts()
    busy.shop.call("bench-5")
    after = parts()
    assert {name for name in after if before.get(name) != after[name]} == {"tile-bench-5", "attention"}


def test_what_needs_somebody_stands_at_the_top_calls_first(busy: Office) -> None:
    page = busy.get("/board")
    top = re.search(r'<ul id="attention".*?</ul>', page, re.DOTALL)
    assert top is not None
    said = text_of(top[0])
    assert said.index("Inverter and wiring") < said.index("Electrical safety") < said.index("Final inspection")


def test_an_order_shows_its_pieces_and_how_late_it_is(busy: Office) -> None:
    page = text_of(busy.get("/board"))
    assert "OF-2026-118 24 × NoMad 1000 generator due Friday 27 Nov 3 done 13 in work 1 held" in page
    busy.shop.clock.tick(5 * 24 * 3600)
    assert "1 day late · Friday 27 Nov" in text_of(busy.get("/board"))


def test_a_station_that_falls_silent_is_named_beside_the_broken_devices(busy: Office) -> None:
    page = busy.get("/board")
    panel = re.search(r'<section id="devices".*?</section>', page, re.DOTALL)
    assert panel is not None
    assert text_of(panel[0]).startswith("Devices and network Final inspection 7 kept Scale · Packing cable unplugged")


def test_the_page_holds_no_inline_script_and_no_inline_style(busy: Office) -> None:
    for path in ("/board", "/orders", "/order/OF-2026-118", "/orders/new", "/quality", "/quality/nc/NC-2026-0002"):
        page = busy.get(path)
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*\bsrc=)|\son\w+=|javascript:", page), path


def test_who_only_watches_gets_no_form_and_no_cookie(busy: Office) -> None:
    seen = busy.anybody.get("/board")
    assert seen.status_code == 200
    assert "csrf_token" not in seen.text
    assert 'class="wall"' in seen.text
    assert "Set-Cookie" not in seen.headers


def test_the_office_answers_a_call_from_the_board(busy: Office) -> None:
    page = busy.post("/board", "/quality/help", station="bench-3").text
    assert 'id="board"' in page
    assert "s-help" not in page


def test_names_from_the_plan_cannot_become_html(tmp_path: Path) -> None:
    from mes.domain.route import Text
    from tests.server.worlds import workshop_plan

    plan = workshop_plan()
    evil = tuple(
        s.model_copy(update={"name": Text(fr="<b>x</b>", en="<script>alert(1)</script>")}) for s in plan.stations
    )
    shop = Workshop(f"sqlite:///{tmp_path / 'evil.db'}", plan.model_copy(update={"stations": evil}))
    office = Office(shop)
    page = office.get("/board")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    office.close()
    shop.close()


def test_every_word_of_a_tile_has_a_text(office: Office) -> None:
    from typing import get_args

    from mes.board import Word

    assert set(get_args(Word)) == set(WORDS)


def test_a_few_stations_get_wide_tiles_and_twenty_get_narrow_ones(tmp_path: Path) -> None:
    from zoneinfo import ZoneInfo

    from mes.board import snapshot
    from mes.db.session import reading
    from tests.server.worlds import wide_plan

    def chosen(shop: Workshop) -> int:
        with reading(shop.engine) as session:
            board = snapshot(session, shop.plan, now=shop.clock.now, seen={}, tz=ZoneInfo("Europe/Paris"))
        shop.close()
        return columns(board.lines)

    assert chosen(Workshop(f"sqlite:///{tmp_path / 'ten.db'}")) == 4
    assert chosen(Workshop(f"sqlite:///{tmp_path / 'twenty.db'}", wide_plan(20))) == 6


def test_an_unknown_device_and_fault_are_shown_as_the_station_calls_them(office: Office) -> None:
    released_order(office.shop)
    office.shop.fault("bench-2", "torque-driver", "E42")
    assert "torque-driver: E42" in tile(office.get("/board"), "bench-2")


def test_a_fragment_at_another_time_zone_shows_the_plants_clock(busy: Office) -> None:
    since = re.search(r'<time data-since="([^"]+)"[^>]*>(\d\d:\d\d)</time>', busy.get("/board"))
    assert since is not None
    hours = int(since[2][:2]) - int(since[1][11:13])
    assert timedelta(hours=hours % 24) == timedelta(hours=1)  # Brittany in November
