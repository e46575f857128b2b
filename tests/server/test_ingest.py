"""What the server makes of what stations send: every event twice, and broken in every way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from mes import ledger, lots, orders, quality, wire
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Fault, Ledger, Nonconformity, Quarantine, StationRow, Tally, UnitRow, Visit, WorkOrder
from mes.floor import changes
from mes.ingest import Batch, Refusal
from tests.server.bench import Bench, Floor
from tests.server.small_plan import small_plan


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """A floor with an order of three generators; at the end the ledger must verify."""
    made = Floor(database_url, small_plan())
    made.order("GEN", 3)
    yield made
    count, findings = verify_engine(made.engine, tmp_path)
    assert count > 0
    assert findings == []
    made.close()


def serial(n: int) -> str:
    return f"GEN-2648-{n:05}"


def one(floor: Floor, bench: Bench, event: wire.Envelope) -> tuple[str | None, str]:
    (result,) = floor.send(bench, event)
    return result.verdict, result.reason


def unit(floor: Floor, n: int) -> UnitRow:
    with reading(floor.engine) as session:
        row = session.get_one(UnitRow, serial(n))
        session.expunge(row)
        return row


def fitted(floor: Floor, n: int) -> None:
    """Unit n is through its first step."""
    b = floor.bench("b1")
    results = floor.send(
        b,
        b.arrive(serial(n), "fit"),
        b.fit(serial(n), "BAT", serial=f"{n}"),
        b.fit(serial(n), "FUSE", lot="7"),
        b.fit(serial(n), "FUSE", lot="7"),
        b.done(serial(n), "fit"),
    )
    assert [r.verdict for r in results] == ["accepted"] * 5


def tested(floor: Floor, n: int) -> None:
    b = floor.bench("b2")
    floor.send(b, b.arrive(serial(n), "test"), b.test(serial(n), 3.0), b.done(serial(n), "test"))


def test_a_unit_goes_through_its_route_and_is_done(floor: Floor) -> None:
    fitted(floor, 1)
    tested(floor, 1)
    b = floor.bench("b3")
    results = floor.send(b, b.arrive(serial(1), "look"), b.look(serial(1)), b.done(serial(1), "look"))
    assert results[-1].reason == "unit_finished"
    assert unit(floor, 1).state == "done"


def test_the_last_unit_completes_the_order(floor: Floor) -> None:
    for n in (1, 2, 3):
        fitted(floor, n)
        tested(floor, n)
        b = floor.bench("b3")
        floor.send(b, b.arrive(serial(n), "look"), b.look(serial(n)), b.done(serial(n), "look"))
    with reading(floor.engine) as session:
        assert session.get_one(WorkOrder, "OF-1").state == "completed"


def test_an_accepted_arrival_tells_the_bench_what_the_unit_has(floor: Floor) -> None:
    b = floor.bench("b1")
    floor.send(b, b.arrive(serial(1), "fit"), b.fit(serial(1), "BAT", serial="1"))
    floor.send(b, b.event("UnitsDeparted", unit=serial(1), step="fit"))
    (result,) = floor.send(b, b.arrive(serial(1), "fit"))
    assert result.screen is not None
    assert [c["part"] for c in result.screen["installed"]] == ["BAT"]


def test_an_arrival_that_is_sent_again_is_told_again_what_the_unit_has(floor: Floor) -> None:
    b = floor.bench("b1")
    event = b.arrive(serial(1), "fit")
    floor.send(b, event)
    floor.send(b, b.fit(serial(1), "BAT", serial="1"))
    (again,) = floor.send_once(b, event)
    assert again.status == "duplicate"
    assert again.screen is not None
    assert [c["serial"] for c in again.screen["installed"]] == ["1"]


def test_what_is_begun_may_be_finished_while_its_order_is_on_hold(floor: Floor) -> None:
    b = floor.bench("b1")
    floor.send(b, b.arrive(serial(1), "fit"))
    floor.do(orders.hold, "OF-1", why="wait")
    assert one(floor, b, b.arrive(serial(1), "fit")) == ("accepted", "unit_here")


def test_a_station_is_told_of_components_that_were_taken_out_and_of_its_call_for_help(floor: Floor) -> None:
    b = floor.bench("b1")
    floor.send(b, b.arrive(serial(1), "fit"))
    fitted_in = b.fit(serial(1), "BAT", serial="1")
    floor.send(b, fitted_in, b.event("HelpRequested"))
    with reading(floor.engine) as session:
        before = changes(session, 0, "b1")
    out = b.event("MaterialsUninstalled", unit=serial(1), step="fit", installation=fitted_in.event_id)
    floor.send(b, out, b.event("HelpAnswered"))
    with reading(floor.engine) as session:
        after = changes(session, before.cursor, "b1")
    assert [(c.serial, c.unit) for c in before.components] == [("1", serial(1))]
    assert [(c.serial, c.unit) for c in after.components] == [("1", "")]
    assert (before.help_called, after.help_called) == (True, False)


def test_a_unit_at_the_wrong_station_is_refused_and_nothing_changes(floor: Floor) -> None:
    assert one(floor, floor.bench("b2"), floor.bench("b2").arrive(serial(1), "test")) == ("refused", "step_missing")
    assert unit(floor, 1).state == "reserved"


def test_an_unknown_unit_is_refused(floor: Floor) -> None:
    assert one(floor, floor.bench("b1"), floor.bench("b1").arrive("NOPE", "fit")) == ("refused", "unknown_unit")


def test_a_component_that_is_in_another_unit_is_refused(floor: Floor) -> None:
    fitted(floor, 1)
    b = floor.bench("b1")
    floor.send(b, b.arrive(serial(2), "fit"))
    assert one(floor, b, b.fit(serial(2), "BAT", serial="1")) == ("refused", "component_used")


def test_a_component_fitted_twice_without_network_holds_the_second_unit(floor: Floor) -> None:
    fitted(floor, 1)
    b = floor.bench("b1")
    floor.send(b, b.arrive(serial(2), "fit"))
    assert one(floor, b, b.fit(serial(2), "BAT", serial="1", asks=False)) == ("held", "contradiction")
    assert unit(floor, 2).nc == "NC-2026-0001"


def test_two_requests_for_one_component_in_one_transaction_fit_it_once(floor: Floor) -> None:
    a, b = floor.bench("b1"), Bench("b1", floor.clock)
    floor.send(a, a.arrive(serial(1), "fit"))
    floor.send(a, a.event("UnitsDeparted", unit=serial(1), step="fit"), a.arrive(serial(2), "fit"))
    one_, two = floor.ingest(a.batch(a.fit(serial(2), "BAT", serial="9")), b.batch(b.fit(serial(2), "BAT", serial="9")))
    assert isinstance(one_, wire.IngestReply)
    assert isinstance(two, wire.IngestReply)
    assert [one_.results[0].verdict, two.results[0].verdict] == ["accepted", "refused"]


def test_a_held_lot_is_refused_at_once_and_released_again(floor: Floor) -> None:
    floor.do(lots.hold, "FUSE", "7", why="cracked")
    b = floor.bench("b1")
    floor.send(b, b.arrive(serial(1), "fit"))
    assert one(floor, b, b.fit(serial(1), "FUSE", lot="7")) == ("refused", "lot_held")
    floor.do(lots.release, "FUSE", "7")
    assert one(floor, b, b.fit(serial(1), "FUSE", lot="7")) == ("accepted", "component_fitted")


def test_a_step_without_its_parts_cannot_be_finished(floor: Floor) -> None:
    b = floor.bench("b1")
    floor.send(b, b.arrive(serial(1), "fit"))
    assert one(floor, b, b.done(serial(1), "fit")) == ("refused", "needs_component")


def test_a_failed_test_may_be_repeated_as_often_as_the_plan_says_and_then_holds_the_unit(floor: Floor) -> None:
    fitted(floor, 1)
    b = floor.bench("b2")
    floor.send(b, b.arrive(serial(1), "test"))
    assert one(floor, b, b.test(serial(1), 9.0)) == ("accepted", "retest")
    assert one(floor, b, b.test(serial(1), 9.0)) == ("held", "test_failed")
    assert unit(floor, 1).nc == "NC-2026-0001"


def test_a_run_whose_numbers_contradict_its_outcome_is_an_error_and_a_person_looks(floor: Floor) -> None:
    fitted(floor, 1)
    b = floor.bench("b2")
    floor.send(b, b.arrive(serial(1), "test"))
    assert one(floor, b, b.test(serial(1), 9.0, high=99.0)) == ("held", "station_contradicts")
    assert (unit(floor, 1).attempts, unit(floor, 1).tested, unit(floor, 1).nc) == (0, "error", "NC-2026-0001")


def test_rework_goes_back_and_a_new_pass_closes_the_nonconformity(floor: Floor) -> None:
    fitted(floor, 1)
    b = floor.bench("b2")
    floor.send(b, b.arrive(serial(1), "test"), b.test(serial(1), 9.0), b.test(serial(1), 9.0))
    assert one(floor, b, b.arrive(serial(1), "test")) == ("refused", "unit_held")
    assert floor.do(quality.decide, "NC-2026-0001", "rework", step="fit", why="cable").done
    b1 = floor.bench("b1")
    assert [r.verdict for r in floor.send(b1, b1.arrive(serial(1), "fit"), b1.done(serial(1), "fit"))] == [
        "accepted",
        "accepted",
    ]
    tested(floor, 1)
    with reading(floor.engine) as session:
        assert session.get_one(Nonconformity, "NC-2026-0001").state == "closed"
        visits = session.execute(select(Visit.visit, Visit.result).where(Visit.step == "test").order_by(Visit.visit))
        assert [tuple(v) for v in visits] == [(1, "failed"), (2, "passed")]


def test_scrap_ends_the_unit_and_the_order_counts_it_out(floor: Floor) -> None:
    fitted(floor, 1)
    b = floor.bench("b2")
    floor.send(b, b.arrive(serial(1), "test"), b.test(serial(1), 9.0), b.test(serial(1), 9.0))
    assert floor.do(quality.decide, "NC-2026-0001", "scrap", why="burnt").done
    assert one(floor, b, b.arrive(serial(1), "test")) == ("refused", "unit_scrapped")
    with reading(floor.engine) as session:
        assert session.get_one(WorkOrder, "OF-1").open_units == 2


def test_a_defect_holds_the_unit(floor: Floor) -> None:
    fitted(floor, 1)
    tested(floor, 1)
    b = floor.bench("b3")
    floor.send(b, b.arrive(serial(1), "look"))
    assert one(floor, b, b.look(serial(1), "SCR")) == ("held", "defect_found")


def test_work_on_a_unit_that_never_arrived_is_kept_and_holds_it(floor: Floor) -> None:
    b = floor.bench("b2")
    assert one(floor, b, b.test(serial(1), 3.0)) == ("held", "contradiction")
    assert unit(floor, 1).nc is not None
    assert one(floor, b, b.done(serial(1), "test", asks=False)) == ("held", "unit_held")


def test_an_order_on_hold_lets_nothing_in(floor: Floor) -> None:
    floor.do(orders.hold, "OF-1", why="wait")
    assert one(floor, floor.bench("b1"), floor.bench("b1").arrive(serial(1), "fit")) == ("refused", "order_held")
    floor.do(orders.resume, "OF-1")
    assert one(floor, floor.bench("b1"), floor.bench("b1").arrive(serial(1), "fit"))[0] == "accepted"


def test_an_order_with_open_units_cannot_be_closed(floor: Floor) -> None:
    answer = floor.do(orders.close, "OF-1")
    assert (answer.done, answer.reason) == (False, "order_has_open_units")


def test_a_refused_request_of_the_office_leaves_no_row(floor: Floor) -> None:
    with reading(floor.engine) as session:
        before = ledger.last_position(session)
    assert not floor.do(orders.create, "OF-1", "GEN", 1).done
    with reading(floor.engine) as session:
        assert ledger.last_position(session) == before


def test_counted_work_adds_up_and_cannot_count_more_than_there_is(floor: Floor) -> None:
    floor.order("KIT", 100, order="OF-2")
    p1, p2 = floor.bench("p1"), floor.bench("p2")
    count = p1.event(
        "WorkCompleted", order="OF-2", step="bag", good=60, scrap=[{"defect": "BENT", "quantity": 2}], asks=True
    )
    (result,) = floor.send(p1, count)
    assert (result.verdict, result.reason, result.args["left"]) == ("accepted", "counted", 38)
    too_many = p2.event("WorkCompleted", order="OF-2", step="box", good=61, asks=True)
    assert one(floor, p2, too_many) == ("refused", "too_many")
    fine = p2.event("WorkCompleted", order="OF-2", step="box", good=60, asks=True)
    assert one(floor, p2, fine) == ("accepted", "counted")
    with reading(floor.engine) as session:
        assert session.scalar(select(func.sum(Tally.quantity)).where(Tally.step == "bag")) == 62


def test_a_call_for_help_stands_until_somebody_comes(floor: Floor) -> None:
    b = floor.bench("b1")
    floor.send(b, b.event("HelpRequested"))
    with reading(floor.engine) as session:
        assert session.get_one(StationRow, "b1").help_since is not None
    assert floor.do(quality.answer_help, "b1").done
    with reading(floor.engine) as session:
        assert session.get_one(StationRow, "b1").help_since is None


def test_a_fault_of_a_device_shows_until_it_is_cleared(floor: Floor) -> None:
    b = floor.bench("b1")
    floor.send(b, b.event("FaultOccurred", device="scanner", fault="unplugged"))
    floor.send(b, b.event("FaultCleared", device="scanner", fault="unplugged"))
    with reading(floor.engine) as session:
        assert session.scalars(select(Fault.cleared)).all() == [True]


# --- the protocol -----------------------------------------------------------------------------------------------------


def test_a_batch_sent_six_times_at_once_counts_once(floor: Floor) -> None:
    b = floor.bench("b1")
    batch = b.batch(b.arrive(serial(1), "fit"), b.fit(serial(1), "BAT", serial="1"))
    replies = floor.ingest(*[batch] * 6)
    statuses = [[r.status for r in reply.results] for reply in replies if isinstance(reply, wire.IngestReply)]
    assert statuses == [["recorded", "recorded"]] + [["duplicate", "duplicate"]] * 5


def test_a_gap_stops_the_batch_and_names_the_mark(floor: Floor) -> None:
    b = floor.bench("b1")
    first = b.arrive(serial(1), "fit")
    lost = b.fit(serial(1), "BAT", serial="1")
    later = b.fit(serial(1), "FUSE", lot="7")
    floor.send(b, first)
    (reply,) = floor.ingest(b.batch(later))
    assert isinstance(reply, wire.IngestReply)
    assert ([r.status for r in reply.results], reply.hwm.seq) == (["gap"], 1)
    assert [r.status for r in floor.send(b, lost, later)] == ["recorded", "recorded"]


def test_another_body_under_a_known_event_id_is_a_conflict_and_the_first_one_stays(floor: Floor) -> None:
    b = floor.bench("b1")
    first = b.arrive(serial(1), "fit")
    floor.send(b, first)
    forged = b.event("UnitsArrived", unit=serial(2), step="fit", asks=True, event_id=first.event_id)
    (result,) = floor.send_once(b, forged)
    assert result.status == "conflict"
    assert unit(floor, 2).state == "reserved"
    (following,) = floor.send(b, b.fit(serial(1), "BAT", serial="1"))
    assert following.status == "recorded"


def test_another_event_under_a_used_number_is_a_fork(floor: Floor) -> None:
    b = floor.bench("b1")
    floor.send(b, b.arrive(serial(1), "fit"))
    clone = Bench("b1", floor.clock, stream_id=b.stream_id)
    assert floor.ingest(clone.batch(clone.arrive(serial(2), "fit"))) == [Refusal("fork")]


def test_after_a_fork_the_same_event_ids_in_a_new_stream_are_duplicates(floor: Floor) -> None:
    b = floor.bench("b1")
    sent = [b.arrive(serial(1), "fit"), b.fit(serial(1), "BAT", serial="1")]
    floor.send(b, *sent)
    fresh = Bench("b1", floor.clock)
    again = [e.model_copy(update={"seq": i}) for i, e in enumerate(sent, 1)]
    fresh.seq = 2
    new = fresh.fit(serial(1), "FUSE", lot="7")
    (reply,) = floor.ingest(fresh.batch(*again, new))
    assert isinstance(reply, wire.IngestReply)
    assert [r.status for r in reply.results] == ["duplicate", "duplicate", "recorded"]
    assert reply.hwm.seq == 3


def test_a_stream_of_another_station_is_refused(floor: Floor) -> None:
    b = floor.bench("b1")
    floor.send(b, b.arrive(serial(1), "fit"))
    stolen = Batch("b2", wire.IngestRequest(stream_id=b.stream_id, events=(b.arrive(serial(2), "fit"),)))
    assert floor.ingest(stolen) == [Refusal("foreign_stream")]


@pytest.mark.parametrize(
    ("kind", "v", "body"),
    [
        ("Teleported", 1, "{}"),
        ("UnitsArrived", 9, '{"unit":"x","step":"fit"}'),
        ("UnitsArrived", 1, '{"unit":"x"}'),
        ("UnitsArrived", 1, "not json"),
        ("UnitsArrived", 1, '{"unit":"x","step":"fit","role":"admin"}'),
        ("UnitsArrived", 1, '{"unit":"a\\u0000b","step":"fit"}'),
        ("UnitsArrived", 1, "\x00"),
        (
            "UnitsTested",
            1,
            '{"unit":"x","step":"s","outcome":"passed","tests":[{"test":"t","outcome":"passed","value":1e999}]}',
        ),
        ("OrderReleased", 1, '{"order":"OF-1","revision":1}'),
        ("WorkCompleted", 1, '{"step":"fit"}'),
        ("UnitsArrived", 1, "[" * 5000),
    ],
)
def test_what_cannot_be_understood_is_quarantined_and_the_next_one_flows(
    floor: Floor, kind: str, v: int, body: str
) -> None:
    b = floor.bench("b1")
    b.seq += 1
    poison = b.envelope(b.seq, kind, body, v=v)
    results = floor.send(b, poison, b.arrive(serial(1), "fit"))
    assert [r.status for r in results] == ["quarantined", "recorded"]
    assert results[1].verdict == "accepted"


def test_an_event_whose_hash_is_not_its_own_is_quarantined(floor: Floor) -> None:
    b = floor.bench("b1")
    altered = b.arrive(serial(1), "fit").model_copy(update={"body": f'{{"unit":"{serial(2)}","step":"fit"}}'})
    (result,) = floor.send(b, altered)
    assert result.status == "quarantined"


def test_a_quarantined_event_can_be_tried_again_and_stays_when_it_is_still_not_understood(floor: Floor) -> None:
    b = floor.bench("b1")
    floor.send(b, b.event("Teleported", unit="x"))
    with writing(floor.engine) as session:
        ((_, answer),) = quality.requeue(session, now=floor.clock.tick())
    assert isinstance(answer, str)
    with reading(floor.engine) as session:
        assert session.scalars(select(Quarantine.requeued_n)).all() == [None]


def test_a_clock_in_2099_does_not_make_the_future(floor: Floor) -> None:
    b = floor.bench("b1")
    b.seq += 1
    fields = {
        "event_id": "00000000-0000-4000-8000-000000000001",
        "kind": "UnitsArrived",
        "v": 1,
        "captured_at": "2099-01-01T00:00:00Z",
        "mono_ms": 1,
        "boot_id": "",
        "asks": True,
        "body": f'{{"unit":"{serial(1)}","step":"fit"}}',
    }
    veil = wire.new_veil()
    sha256 = wire.digest(mark=wire.operator_mark(b.operator, veil), **fields)  # type: ignore[arg-type]
    event = wire.Envelope(seq=b.seq, sha256=sha256, operator=b.operator, veil=veil, **fields)  # type: ignore[arg-type]
    (result,) = floor.send(b, event)
    assert result.verdict == "accepted"
    assert unit(floor, 1).since.startswith("2026")


def test_the_ledger_cannot_be_changed_or_emptied(floor: Floor) -> None:
    for statement in ("UPDATE ledger SET reason = 'x'", "DELETE FROM ledger"):
        with pytest.raises(Exception, match="append-only"), writing(floor.engine) as session:
            session.execute(text(statement))


def test_serials_go_on_where_the_last_order_stopped(floor: Floor) -> None:
    floor.order("GEN", 2, order="OF-9")
    with reading(floor.engine) as session:
        assert session.scalars(
            select(UnitRow.serial).where(UnitRow.order == "OF-9").order_by(UnitRow.serial)
        ).all() == [
            serial(4),
            serial(5),
        ]


def test_ledger_positions_have_no_gap(floor: Floor) -> None:
    fitted(floor, 1)
    with reading(floor.engine) as session:
        count = session.scalar(select(func.count()).select_from(Ledger))
        assert ledger.last_position(session) == count
