"""The stations' hours: states over a day, OEE from them and from the sums; breaks cost nothing, silence does."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from openpyxl import load_workbook

from mes import revisions, station_times
from mes.db.base import utc_text
from mes.db.session import reading, writing
from mes.db.tables import Presence
from mes.domain.route import Break, Shift
from mes.station_spells import SPELLS, OneStation, by_line, by_spell
from mes.station_times import Day, Piece, runs, together
from mes.yielded.periods import Spell
from tests.server.bench import START, Floor
from tests.server.small_plan import small_plan, text
from tests.web.pages import Office, text_of


def serial(n: int) -> str:
    return f"GEN-2648-{n:05}"


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    """A shift from 9 to 13 h at the site, with a break of half an hour; two units at b1, one with a broken scanner."""
    plan = small_plan()
    pause = Break(start="11:00", end="11:30")
    shift = Shift(id="m", name=text("Matin"), start="09:00", end="13:00", days=("mon",), breaks=(pause,))
    plant = plan.plant.model_copy(update={"shifts": (shift,)})
    made = Floor(f"sqlite:///{tmp_path_factory.mktemp('times') / 'shop.db'}", plan.model_copy(update={"plant": plant}))
    made.order("GEN", 3)
    b1 = made.bench("b1")
    made.send(b1, b1.event("OperatorActivated"))
    for n in (1, 2):
        made.send(b1, b1.arrive(serial(n), "fit"), b1.fit(serial(n), "BAT", serial=str(n)))
        made.clock.tick(1_800)
        made.send(b1, *(b1.fit(serial(n), "FUSE", lot="7") for _ in range(2)), b1.done(serial(n), "fit"))
    made.send(b1, b1.event("FaultOccurred", device="scanner", fault="gone"))
    made.clock.tick(600)
    made.send(b1, b1.event("FaultCleared", device="scanner", fault="gone"))
    yield made
    made.close()


def heard(floor: Floor, station: str, at: datetime) -> None:
    """The station has said hello at this time."""
    with writing(floor.engine) as session:
        said = {"stream_id": "", "agent": "", "machine_id": "", "kept": 0, "offset_ms": 0, "alarm": ""}
        session.merge(Presence(station=station, seen_at=utc_text(at), **said))


def day(floor: Floor, **later: float) -> Day:
    with reading(floor.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        now = floor.clock.now + timedelta(**later)
        return station_times.read(session, plan, START.date(), START.date(), now=now)


def test_a_station_makes_waits_and_is_broken_and_its_planned_time_has_no_break(floor: Floor) -> None:
    heard(floor, "b1", floor.clock.now + timedelta(hours=9))
    (line,) = (x for x in day(floor, hours=9).lines if x.station.id == "b1")
    assert line.times.planned_busy == 3.5 * 3600
    assert 3_500 < line.times.production < 3_700
    assert 590 < line.times.down < 620
    assert line.times.unknown < 60
    assert line.times.idle == pytest.approx(3.5 * 3600 - line.times.production - line.times.down - line.times.unknown)
    assert line.oee.quality.said()["en"] == "2 of 2"
    assert line.oee.effectiveness.numerator == 2 * 60
    assert line.oee.index is not None


def test_what_has_not_come_yet_is_not_planned_yet_and_a_silent_station_is_unknown(floor: Floor) -> None:
    early = {x.station.id: x for x in day(floor).lines}
    assert early["b1"].times.planned_busy < 2 * 3600
    assert early["b2"].times.unknown == early["b2"].times.planned_busy > 0
    assert early["b2"].oee.index is None


def test_a_station_that_was_switched_off_is_not_known_and_does_not_wait(floor: Floor) -> None:
    heard(floor, "b1", floor.clock.now)
    (line,) = (x for x in day(floor, hours=9).lines if x.station.id == "b1")
    assert line.times.idle < 200
    assert line.times.unknown == pytest.approx(
        3.5 * 3600 - line.times.production - line.times.down - line.times.idle, abs=1
    )


def test_a_state_that_began_the_day_before_goes_on(floor: Floor) -> None:
    heard(floor, "b1", floor.clock.now + timedelta(days=2))
    with reading(floor.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        next_day = START.date() + timedelta(days=1)
        found = station_times.read(session, plan, next_day, next_day, now=floor.clock.now + timedelta(days=2))
    (line,) = (x for x in found.lines if x.station.id == "b1")
    assert [p.state for p in line.pieces] == ["SBY"]
    assert line.pieces[0].since == found.first


def test_the_page_draws_a_day_and_the_files_have_the_seconds(floor: Floor) -> None:
    heard(floor, "b1", floor.clock.now + timedelta(hours=9))
    office = Office(cast(Any, floor), clock=lambda: floor.clock.now + timedelta(hours=9))
    html = office.get("/times?from=2026-11-23&to=2026-11-23")
    page = text_of(html)
    assert html.count("<svg xmlns") == 1
    assert "3:30" in page
    assert "2 of 2" in page
    assert "Choose one day" in text_of(office.get("/times?from=2026-11-20&to=2026-11-23"))
    assert "Disponibilité" in text_of(office.get("/times", lang="fr"))
    for silly in ("from=x&to=y", "from=2026-11-24&to=2026-11-20", "from=2001-01-01&to=2099-01-01"):
        assert office.client.get(f"/times?{silly}").status_code == 200
    book = load_workbook(io.BytesIO(office.client.get("/times/table.xlsx?from=2026-11-23&to=2026-11-23").data))
    assert book.worksheets[0]["B2"].value == 3.5 * 3600
    assert office.client.get("/times/table.csv").status_code == 200
    office.close()


@pytest.mark.parametrize("by", SPELLS)
def test_shifts_days_and_weeks_are_the_sums_of_the_stations_cut_where_they_begin(floor: Floor, by: Spell) -> None:
    heard(floor, "b1", floor.clock.now + timedelta(hours=30))
    now, until = floor.clock.now + timedelta(hours=30), START.date() + timedelta(days=8)
    with reading(floor.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        whole = station_times.read(session, plan, START.date(), until, now=now)
        groups = by_spell(session, plan, by, START.date(), until, now=now)
        only = by_spell(session, plan, by, START.date(), until, now=now, line="gen")
    assert [g.key for g in groups] == {"shift": ["2026-11-23 m"], "day": ["2026-11-23"], "week": ["2026-W48"]}[by]
    spent, figures = together((g.times, g.oee) for g in groups)
    all_spent, all_figures = together((x.times, x.oee) for x in whole.lines)
    assert spent.planned_busy == all_spent.planned_busy == 5 * 3.5 * 3600
    assert (spent.production, spent.down) == pytest.approx((all_spent.production, all_spent.down))
    assert spent.planned_busy == pytest.approx(
        spent.production + spent.down + spent.idle + spent.unknown + spent.setup + spent.delay
    )
    assert figures == all_figures
    assert only[0].times.planned_busy == 3 * 3.5 * 3600
    assert only[0].oee.quality == figures.quality
    assert [(g.key, g.times.planned_busy) for g in by_line(plan, whole)] == [
        ("gen", 3 * 3.5 * 3600),
        ("pack", 2 * 3.5 * 3600),
    ]


def test_a_shift_of_one_bench_is_one_person_and_is_not_shown(floor: Floor) -> None:
    with reading(floor.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        alone = plan.model_copy(update={"stations": plan.stations[:1]})
        with pytest.raises(OneStation):
            by_spell(session, alone, "shift", START.date(), START.date(), now=floor.clock.now, line="gen")
        assert by_spell(session, alone, "day", START.date(), START.date(), now=floor.clock.now, line="gen")


def test_the_page_groups_by_line_shift_day_and_week_and_the_file_has_the_same_rows(floor: Floor) -> None:
    office = Office(cast(Any, floor), clock=lambda: floor.clock.now + timedelta(hours=9))
    days = "from=2026-11-16&to=2026-11-23"
    assert "Ligne" in text_of(office.get(f"/times?by=line&{days}", lang="fr"))
    for by, row in (("shift", "23/11/2026 · Matin"), ("day", "23/11/2026"), ("week", "semaine 48 / 2026")):
        html = office.get(f"/times?by={by}&{days}", lang="fr")
        assert row in text_of(html)
        assert html.count("<svg xmlns") == 1
        lines = office.client.get(f"/times/table.csv?by={by}&{days}", headers={"Accept-Language": "en"}).text
        assert len(lines.splitlines()) == 3  # the heads, and the two Mondays
    assert "No work was planned" in text_of(office.get("/times?by=day&from=2026-11-21&to=2026-11-22"))
    office.close()


def test_a_list_of_states_has_no_single_pieces_and_keeps_what_stops_a_station() -> None:
    def told(*states: tuple[str, int]) -> list[Piece]:
        at, out = START, []
        for state, minutes in states:
            out.append(Piece(state, at, at + timedelta(minutes=minutes)))
            at += timedelta(minutes=minutes)
        return out

    found = runs(told(("SBY", 5), ("PRD", 6), ("SBY", 2), ("PRD", 7), ("SBY", 14), ("PRD", 1), ("SBY", 15), ("PRD", 3),
                      ("USD", 4), ("SBY", 3), ("PRD", 9)))  # fmt: skip
    lasted = [(p.state, (p.until - p.since) // timedelta(minutes=1)) for p in found]
    assert lasted == [("SBY", 5), ("PRD", 30), ("SBY", 15), ("PRD", 3), ("USD", 4), ("SBY", 3), ("PRD", 9)]
    gap = [*told(("PRD", 5)), Piece("PRD", START + timedelta(hours=1), START + timedelta(hours=2))]
    assert runs(gap) == gap


def test_the_strips_of_a_day_stand_as_a_list_of_all_stations_or_of_one_and_as_a_file(floor: Floor) -> None:
    heard(floor, "b1", floor.clock.now + timedelta(hours=9))
    office = Office(cast(Any, floor), clock=lambda: floor.clock.now + timedelta(hours=9))
    html = office.get("/times/spans?day=2026-11-23&station=b1")
    assert html.count("<svg xmlns") == 1
    assert "nothing known" in html
    assert html.count("out of order") == 2  # its row, and the legend
    assert "Bench b2" not in text_of(html).partition("How long")[2]
    assert "rien de connu" in office.get("/times/spans?station=nonsense&day=x", lang="fr")
    assert "have said nothing" in text_of(office.get("/times/spans?day=2026-11-20"))
    lines = office.client.get("/times/spans/table.csv?day=2026-11-23&station=b1").text.splitlines()
    assert any("b1" in x and "USD" in x and x.endswith("10") for x in lines)
    book = load_workbook(io.BytesIO(office.client.get("/times/spans/table.xlsx?day=2026-11-23").data))
    assert book.worksheets[0].max_row == len(lines)
    assert "/times/spans?station=b1" in office.get("/stations")
    assert "times/spans?station=b1" in office.get("/board")
    office.close()
