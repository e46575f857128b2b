"""The operator of an event is forgotten in time; the unit's record, every hash and every answer stay as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from mes import wire
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Ledger
from mes.fold import entry_of
from tests.server.bench import OPERATOR, Floor
from tests.server.small_plan import small_plan

SERIAL = "GEN-2648-00001"
FORGET = {"operator": wire.SOMEBODY, "veil": ""}


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    made = Floor(database_url, small_plan())
    made.order("GEN", 3)
    yield made
    made.close()


def rows(floor: Floor, *, office: bool = False) -> list[Ledger]:
    """The floor's ledger rows (or the office's), detached."""
    with reading(floor.engine) as session:
        wanted = select(Ledger).where((Ledger.source == "office") == office).order_by(Ledger.n)
        found = list(session.scalars(wanted))
        session.expunge_all()
        return found


def forget(floor: Floor) -> None:
    """Forget the operators of all floor events, by hand."""
    with writing(floor.engine) as session:
        session.execute(update(Ledger).where(Ledger.source != "office", Ledger.operator.is_not(None)).values(FORGET))


def worked(floor: Floor) -> list[wire.Envelope]:
    """A unit has come and has got a part; what the bench has sent."""
    b1 = floor.bench("b1")
    sent = [b1.event("OperatorActivated"), b1.arrive(SERIAL, "fit"), b1.fit(SERIAL, "BAT", serial="77")]
    assert {r.verdict for r in floor.send(b1, *sent)} == {"accepted"}
    return sent


def agrees(floor: Floor, folder: Path) -> bool:
    _, findings = verify_engine(floor.engine, folder)
    assert findings == []
    (folder / "replay.db").unlink()
    return True


# --- the mark ---------------------------------------------------------------------------------------------------------


def test_the_hash_of_an_event_holds_after_its_operator_is_forgotten(floor: Floor) -> None:
    worked(floor)
    forget(floor)
    assert [(r.operator, r.veil) for r in rows(floor)] == [("~", "")] * 3
    assert all(entry_of(r).digest() == r.sha256 for r in rows(floor))


def test_two_events_of_one_operator_have_different_marks() -> None:
    marks = {wire.operator_mark(OPERATOR, wire.new_veil()) for _ in range(100)}
    assert len(marks) == 100


def test_an_event_without_an_operator_has_no_mark() -> None:
    assert wire.operator_mark(None, wire.new_veil()) == ""


def test_no_row_can_be_led_back_to_a_badge_by_trying_them_all(floor: Floor) -> None:
    worked(floor)
    forget(floor)
    badges = [OPERATOR, *(f"{n:03}" for n in range(1000))]
    for row in rows(floor):
        known = {c: getattr(row, c) for c in Ledger.__table__.columns.keys()}  # noqa: SIM118
        assert known["operator_mark"] not in {wire.operator_mark(b, row.veil) for b in badges}
        assert OPERATOR not in {v for v in known.values() if isinstance(v, str)}


@pytest.mark.parametrize("operator", ["~", "~007"])
def test_a_station_cannot_send_the_mark_of_forgetting_as_an_operator(floor: Floor, operator: str) -> None:
    event = floor.bench("b1").event("OperatorActivated")
    with pytest.raises(ValueError, match="operator"):
        wire.Envelope.model_validate({**event.model_dump(), "operator": operator})


# --- forgetting -------------------------------------------------------------------------------------------------------


def test_the_replay_agrees_before_and_after_the_operators_are_forgotten(floor: Floor, tmp_path: Path) -> None:
    worked(floor)
    floor.send(floor.bench("b2"), floor.bench("b2").arrive(SERIAL, "test"))
    assert agrees(floor, tmp_path)
    forget(floor)
    assert agrees(floor, tmp_path)


def test_who_could_not_do_a_step_then_is_still_refused_at_the_replay(floor: Floor, tmp_path: Path) -> None:
    stranger = floor.bench("b1")
    stranger.operator = "XYZ"
    asked, done = stranger.event("OperatorActivated", asks=True), stranger.event("OperatorActivated")
    assert [r.verdict for r in floor.send(stranger, asked, done)] == ["refused", "held"]
    forget(floor)
    assert agrees(floor, tmp_path)


def test_an_event_that_is_sent_again_after_forgetting_is_a_duplicate(floor: Floor) -> None:
    sent = worked(floor)
    first = [(r.verdict, r.reason, r.args) for r in floor.send_once(floor.bench("b1"), *sent)]
    forget(floor)
    again = floor.send_once(floor.bench("b1"), *sent)
    assert [r.status for r in again] == ["duplicate"] * 3
    assert [(r.verdict, r.reason, r.args) for r in again] == first
    assert {r.operator for r in rows(floor)} == {"~"}


def test_the_same_event_by_somebody_else_is_a_conflict_after_forgetting(floor: Floor) -> None:
    sent = worked(floor)
    forget(floor)
    mine = floor.bench("b1")
    mine.seq += 1
    fields = sent[1].model_dump(exclude={"seq", "sha256", "operator", "offset_ms"})
    veil = fields.pop("veil")
    sha256 = wire.digest(mark=wire.operator_mark("008", veil), **fields)
    other = wire.Envelope(seq=mine.seq, sha256=sha256, operator="008", veil=veil, **fields)
    (result,) = floor.send_once(mine, other)
    assert result.status == "conflict"


# --- the ledger's guard -----------------------------------------------------------------------------------------------


def refused(floor: Floor, statement: str) -> None:
    with pytest.raises(Exception, match="append-only"), writing(floor.engine) as session:
        session.execute(text(statement))


def test_no_column_of_the_ledger_can_be_changed(floor: Floor) -> None:
    worked(floor)
    columns = [c for c in Ledger.__table__.columns if c.name not in FORGET]
    assert len(columns) > 20
    for column in columns:
        value = {int: "987654", bool: "NOT asks", str: "'x'"}[column.type.python_type]
        for also in ("", ", operator = '~', veil = ''"):
            refused(floor, f"UPDATE ledger SET {column.name} = {value}{also} WHERE source <> 'office'")
        refused(floor, f"UPDATE ledger SET {column.name} = {value} WHERE source = 'office'")


def test_an_operator_is_forgotten_whole_or_not_at_all(floor: Floor) -> None:
    worked(floor)
    for change in (
        "operator = '~'",
        "veil = ''",
        "operator = NULL, veil = ''",
        "operator = '008', veil = ''",
        "operator = '~', veil = 'x'",
        "operator = '~', veil = '', station = NULL",
    ):
        refused(floor, f"UPDATE ledger SET {change} WHERE source <> 'office'")


def test_an_operator_is_not_put_back_and_not_forgotten_twice(floor: Floor) -> None:
    sent = worked(floor)
    forget(floor)
    where = "WHERE source <> 'office'"
    refused(floor, f"UPDATE ledger SET operator = '{OPERATOR}', veil = '{sent[0].veil}' {where}")
    refused(floor, f"UPDATE ledger SET operator = '~', veil = '' {where}")


def test_an_event_that_nobody_did_cannot_be_given_somebody(floor: Floor) -> None:
    bench = floor.bench("b1")
    bench.operator = None
    floor.send(bench, bench.event("FaultOccurred", device="scanner", fault="unplugged"))
    refused(floor, "UPDATE ledger SET operator = '~', veil = '' WHERE kind = 'FaultOccurred'")


def test_what_the_office_did_is_not_forgotten(floor: Floor) -> None:
    from mes import orders

    floor.do(orders.hold, "OF-1", why="x", actor="P-SUPER")
    refused(floor, "UPDATE ledger SET operator = '~', veil = '' WHERE kind = 'OrderHeld'")


def test_no_row_is_deleted_before_or_after_forgetting(floor: Floor) -> None:
    worked(floor)
    refused(floor, "DELETE FROM ledger")
    forget(floor)
    refused(floor, "DELETE FROM ledger")
    if floor.engine.dialect.name == "postgresql":
        refused(floor, "TRUNCATE ledger")


def test_no_row_is_replaced_by_another(floor: Floor) -> None:
    worked(floor)
    names = [c.name for c in Ledger.__table__.columns]
    listed = ", ".join(names)
    for own in ("n", "event_id", "seq"):  # the one that is the same; the others are new
        others = {"n": "n + 900", "event_id": "event_id || 'x'", "seq": "seq + 900", "reason": "'x'"}
        values = ", ".join(name if name == own else others.get(name, name) for name in names)
        row = f"SELECT {values} FROM ledger WHERE kind = 'UnitsArrived'"
        if floor.engine.dialect.name == "sqlite":
            refused(floor, f"INSERT OR REPLACE INTO ledger ({listed}) {row}")
        else:
            key = "source, seq" if own == "seq" else own
            taken = f"ON CONFLICT ({key}) DO UPDATE SET reason = excluded.reason"
            refused(floor, f"INSERT INTO ledger ({listed}) {row} {taken}")


def test_verify_finds_an_operator_who_was_put_in_anothers_place(floor: Floor, tmp_path: Path) -> None:
    worked(floor)
    with floor.engine.connect().execution_options(writing=True) as db, db.begin():
        db.execute(text("DROP TRIGGER ledger_no_update" + ("" if db.dialect.name == "sqlite" else " ON ledger")))
        db.execute(text("UPDATE ledger SET operator = '008' WHERE kind = 'UnitsArrived'"))
    _, findings = verify_engine(floor.engine, tmp_path)
    assert "names another operator than the one that was hashed" in {f.what for f in findings}


# --- what is kept unread ----------------------------------------------------------------------------------------------


def test_the_body_of_an_event_holds_no_operator(floor: Floor) -> None:
    worked(floor)
    assert all(not ({"operator", "veil"} & set(json.loads(r.body))) for r in rows(floor))
