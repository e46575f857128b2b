"""`mes people generalise`: after so many days nobody can say who did what, and everything else is as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import forgetting, orders, qualifications, quality, wire
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.commands_office import publish_plan
from mes.db.base import Base, utc_text
from mes.db.session import reading, writing
from mes.db.tables import Ledger
from mes.writer import Writer
from tests.server.bench import OPERATOR, PERSON, Bench, Floor
from tests.server.test_badges import skilled_plan
from tests.server.test_override import Shop as AgreedShop
from tests.server.test_override import fitting
from web import nightly
from web.site import Site

FIRST, SECOND = "GEN-2648-00001", "GEN-2648-00002"
DAY = 86_400.0


@pytest.fixture
def shop(database_url: str) -> Iterator[Floor]:
    """A floor whose first step asks for a qualification, which 007 has."""
    made = Floor(database_url, skilled_plan())
    made.order("GEN", 2)
    yield made
    made.close()


def generalise(shop: Floor, days: int = 90, **more: Any) -> int:
    def write(use_case: Callable[[Session, datetime], int]) -> int:
        with writing(shop.engine) as session:
            return use_case(session, shop.clock.tick())

    return forgetting.generalise(shop.engine, write, now=shop.clock.now, days=days, **more)


def work(shop: Floor, unit: str = FIRST) -> list[wire.Envelope]:
    """Somebody signs in, a unit comes, gets its parts and is finished."""
    b1 = shop.bench("b1")
    sent = [b1.event("OperatorActivated"), b1.arrive(unit, "fit"), b1.fit(unit, "BAT", serial=unit[-2:])]
    sent += [b1.fit(unit, "FUSE", lot="1"), b1.fit(unit, "FUSE", lot="1"), b1.done(unit, "fit")]
    shop.send(b1, *sent)
    return sent


def grant(shop: Floor, until: str) -> None:
    body = wire.QualificationGranted(person=PERSON, qualification="trade", valid_until=until)
    with writing(shop.engine) as session:
        assert orders.request(session, "QualificationGranted", body, now=shop.clock.tick(), actor=None).done


def rows(shop: Floor, *where: Any) -> list[Ledger]:
    with reading(shop.engine) as session:
        found = list(session.scalars(select(Ledger).where(*where).order_by(Ledger.n)))
        session.expunge_all()
        return found


def operators(shop: Floor) -> list[str | None]:
    return [r.operator for r in rows(shop, Ledger.source != "office")]


def agrees(shop: Floor, folder: Path) -> bool:
    count, findings = verify_engine(shop.engine, folder)
    (folder / "replay.db").unlink()
    assert findings == []
    return count > 0


def test_events_that_are_old_enough_say_no_more_who_did_them(shop: Floor, tmp_path: Path) -> None:
    work(shop)
    shop.clock.tick(60 * DAY)
    work(shop, SECOND)
    shop.clock.tick(31 * DAY)
    assert agrees(shop, tmp_path)
    assert generalise(shop) == 6
    assert operators(shop) == ["~"] * 6 + [OPERATOR] * 6
    assert agrees(shop, tmp_path)
    shop.clock.tick(60 * DAY)
    assert generalise(shop) == 6
    assert set(operators(shop)) == {"~"}
    assert agrees(shop, tmp_path)


def test_one_row_says_what_was_done_and_nothing_to_do_leaves_none(shop: Floor) -> None:
    work(shop)
    shop.clock.tick(100 * DAY)
    before = utc_text(shop.clock.now - timedelta(days=90))
    assert [generalise(shop), generalise(shop)] == [6, 0]
    (row,) = rows(shop, Ledger.kind == "OperatorsGeneralised")
    assert wire.OperatorsGeneralised.model_validate_json(row.body) == wire.OperatorsGeneralised(before=before, events=6)


def test_no_table_holds_the_badge_of_an_old_event(shop: Floor) -> None:
    work(shop)
    raw = Bench("b2", shop.clock, operator="RAWBADGE")
    shop.send(raw, raw.event("Teleported", nonsense=1))
    shop.send(raw, raw.event("HelpRequested"))
    shop.clock.tick(100 * DAY)
    generalise(shop)
    found = set()
    with reading(shop.engine) as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(table.select()).mappings():
                text = repr(dict(row))
                if f"'{OPERATOR}'" in text or f'"{OPERATOR}"' in text or "RAWBADGE" in text:
                    found.add((table.name, row.get("kind", row.get("state"))))
    # The badge itself, until it is forgotten with its person, and the office's row that gave it.
    assert found == {("badge", "active"), ("ledger", "BadgeIssued")}


def test_what_was_refused_or_held_then_comes_out_the_same_when_nobody_knows_who_it_was(
    shop: Floor, tmp_path: Path
) -> None:
    stranger = shop.bench("b1")
    stranger.operator = "XYZ"
    work(shop)
    stranger.operator = OPERATOR
    shop.do(qualifications.withdraw, PERSON, "trade")
    b1, unit = shop.bench("b1"), FIRST
    assert [r.reason for r in shop.send(b1, b1.arrive(unit, "fit"))] == ["not_qualified"]
    grant(shop, "2026-11-01")
    assert [r.reason for r in shop.send(b1, b1.arrive(unit, "fit"))] == ["qualification_expired"]
    grant(shop, "2030-01-01")
    assert [r.reason for r in shop.send(b1, b1.arrive(unit, "fit"))] == ["unit_arrived"]
    shop.do(qualifications.withdraw, PERSON, "trade")
    fact = b1.fit(unit, "BAT", serial="9", asks=False)
    assert [r.verdict for r in shop.send(b1, fact)] == ["held"]
    assert [r.competence.partition(" ")[0] for r in rows(shop, Ledger.kind == "UnitsArrived")] == [
        "!unknown_badge",
        "!not_qualified",
        "!qualification_expired",
        "ok",
    ]
    shop.clock.tick(100 * DAY)
    generalise(shop)
    assert agrees(shop, tmp_path)


def test_an_event_that_comes_months_late_is_forgotten_the_next_night(shop: Floor) -> None:
    b1 = shop.bench("b1")
    late = [b1.event("OperatorActivated"), b1.arrive(FIRST, "fit")]
    shop.clock.tick(100 * DAY)
    shop.send(b1, *late)
    assert generalise(shop) == 2
    assert set(operators(shop)) == {"~"}


def test_a_bench_whose_clock_stands_in_1970_keeps_its_operator_as_long_as_others(shop: Floor) -> None:
    b1 = shop.bench("b1")
    event = b1.event("OperatorActivated")
    past = "1970-01-01T00:00:00.000Z"
    fields = event.model_dump(exclude={"seq", "sha256", "operator", "offset_ms"}) | {"captured_at": past}
    veil = fields.pop("veil")
    sha256 = wire.digest(mark=wire.operator_mark(OPERATOR, veil), **fields)
    offset = round((shop.clock.now - datetime.fromisoformat(past)).total_seconds() * 1000)
    shop.send(
        b1,
        wire.Envelope(seq=event.seq, sha256=sha256, operator=OPERATOR, veil=veil, offset_ms=offset, **fields),
    )
    assert generalise(shop) == 0
    shop.clock.tick(91 * DAY)
    assert generalise(shop) == 1


def test_a_run_that_is_cut_off_is_finished_by_the_next_one_and_counted_whole(shop: Floor, tmp_path: Path) -> None:
    work(shop)
    shop.clock.tick(100 * DAY)
    writes = 0

    def cut_off(use_case: Callable[[Session, datetime], int]) -> int:
        nonlocal writes
        writes += 1
        with writing(shop.engine) as session:
            done = use_case(session, shop.clock.now)
            if writes == 3:
                raise KeyboardInterrupt
            return done

    with pytest.raises(KeyboardInterrupt):
        forgetting.generalise(shop.engine, cut_off, now=shop.clock.now, days=90, batch=2)
    assert operators(shop) == ["~"] * 4 + [OPERATOR] * 2
    assert rows(shop, Ledger.kind == "OperatorsGeneralised") == []
    assert agrees(shop, tmp_path)
    assert generalise(shop, batch=2) == 6
    assert set(operators(shop)) == {"~"}
    assert agrees(shop, tmp_path)


def test_a_run_begins_where_the_last_one_found_no_name_any_more(shop: Floor) -> None:
    work(shop)
    shop.clock.tick(100 * DAY)
    generalise(shop)
    end = rows(shop)[-1].n
    assert [page.last for page in forgetting.pages(shop.engine, forgetting.limit(shop.clock.now, 90))] == [end]
    work(shop, SECOND)
    first = rows(shop, Ledger.operator == OPERATOR)[0].n
    generalise(shop)
    (page,) = forgetting.pages(shop.engine, forgetting.limit(shop.clock.now, 90))
    assert page.stays == first


def test_a_quarantined_event_is_taken_up_again_though_nobody_knows_who_it_was(shop: Floor, tmp_path: Path) -> None:
    bench = Bench("b1", shop.clock)
    (result,) = shop.send(bench, bench.event("UnitsArrived", unit=FIRST, step="fit", asks=True, nonsense=1))
    assert result.status == "quarantined"
    shop.clock.tick(100 * DAY)
    assert generalise(shop) == 1
    with writing(shop.engine) as session:
        quality.requeue(session, now=shop.clock.tick())
    assert agrees(shop, tmp_path)


def test_what_people_did_in_the_office_keeps_its_actor(shop: Floor) -> None:
    shop.do(orders.hold, "OF-1", why="x", actor="P-SUPER")
    shop.clock.tick(1000 * DAY)
    assert generalise(shop) == 0
    assert [r.operator for r in rows(shop, Ledger.kind == "OrderHeld")] == ["P-SUPER"]


def test_a_station_that_sends_old_events_again_is_told_that_they_are_known(shop: Floor) -> None:
    sent = work(shop)
    shop.clock.tick(100 * DAY)
    generalise(shop)
    assert {r.status for r in shop.send_once(shop.bench("b1"), *sent)} == {"duplicate"}
    assert generalise(shop) == 0


def test_what_a_supervisor_agreed_to_comes_out_the_same_when_nobody_knows_who_did_it(
    database_url: str, tmp_path: Path
) -> None:
    made = AgreedShop(database_url, skilled_plan())
    bench = made.bench()
    assert made.does(bench, bench.arrive(FIRST, "fit")) == [("refused", "not_qualified")]
    assert made.says() == (True, "overridden")
    assert {v for v, _ in made.does(bench, bench.arrive(FIRST, "fit"), *fitting(bench))} == {"accepted"}
    assert made.does(bench, bench.arrive(SECOND, "fit")) == [("refused", "not_qualified")]
    made.floor.clock.tick(100 * DAY)
    assert generalise(made.floor) == 7
    assert agrees(made.floor, tmp_path)
    made.writer.close()
    made.floor.close()


# --- every night ------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(shop: Floor) -> Iterator[Site]:
    writer = Writer(shop.engine, clock=lambda: shop.clock.now)
    yield Site(engine=shop.engine, writer=writer, clock=lambda: shop.clock.now)
    writer.close()


def test_the_server_does_it_once_a_day(shop: Floor, site: Site) -> None:
    work(shop)
    assert nightly.tonight(site) == 0
    shop.clock.tick(100 * DAY)
    assert [nightly.tonight(site), nightly.tonight(site)] == [6, None]
    work(shop, SECOND)
    shop.clock.tick(100 * DAY)
    assert nightly.tonight(site) == 6


def test_a_plan_that_says_zero_days_keeps_the_operators(shop: Floor, site: Site) -> None:
    work(shop)
    plan = skilled_plan()
    never = plan.model_copy(update={"plant": plan.plant.model_copy(update={"generalise_days": 0})})
    with writing(shop.engine) as session:
        publish_plan(session, never, now=shop.clock.tick())
    shop.clock.tick(1000 * DAY)
    assert nightly.tonight(site) is None
    assert set(operators(shop)) == {OPERATOR}


# --- at the command line ----------------------------------------------------------------------------------------------


def test_the_command_counts_first_and_then_does_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'atelier.db'}"
    shop = Floor(url, skilled_plan())
    shop.order("GEN", 2)
    shop.clock.now = datetime(2020, 1, 1, tzinfo=UTC)  # long ago by any machine's clock
    work(shop)
    said = CliRunner().invoke(main, ["people", "generalise", "--days", "1", "--dry-run", "--database", url])
    assert (said.exit_code, "6" in said.output) == (0, True), said.output
    assert set(operators(shop)) == {OPERATOR}
    done = CliRunner().invoke(main, ["people", "generalise", "--days", "1", "--database", url])
    assert done.exit_code == 0, done.output
    assert set(operators(shop)) == {"~"}
    shop.close()
