"""What a station was told of the floor survives its restart."""

from __future__ import annotations

from pathlib import Path

from mes.wire import (
    FloorComponent,
    FloorInstrument,
    FloorLot,
    FloorLotDay,
    FloorOrder,
    FloorPermit,
    FloorReply,
    FloorUnit,
)
from stations.floor_file import FloorFile

DAY = FloorLotDay(part="FUSE", lot="8", until="2026-12-31", permit="CO-2026-0001")
PERMIT = FloorPermit(id="CO-2026-0001", until="2026-12-31", left=3)


def unit(serial: str, step: str = "fit") -> FloorUnit:
    return FloorUnit(
        serial=serial, order="OF-1", product="GEN", state="waiting", step=step, visit=1, attempts=0, tested=None,
        inspected=None, station=None, nc=None,
    )  # fmt: skip


def told(cursor: int, *units: FloorUnit, whole: bool = False, inside: str = "A") -> FloorReply:
    return FloorReply(
        cursor=cursor,
        whole=whole,
        orders=(FloorOrder(id="OF-1", product="GEN", state="in_work", revision=1, quantity=2),),
        units=units,
        components=(FloorComponent(part="BAT", serial="1", unit=inside),),
        held_lots=(FloorLot(part="FUSE", lot="7"),),
        instruments=(FloorInstrument(id="SAF-01", state="good", until="2026-12-31"),) if whole else None,
        lot_days=(DAY,) if whole else None,
        permits=(PERMIT,) if whole else None,
    )


def test_what_was_told_is_read_again_as_one_whole_answer(tmp_path: Path) -> None:
    first = FloorFile(tmp_path / "floor.json")
    first.take(told(5, unit("A"), unit("B"), whole=True))
    first.take(told(7, unit("A", "test")))
    first.save(now=True)
    again = FloorFile(tmp_path / "floor.json").read()
    assert again is not None
    assert (again.cursor, again.whole) == (7, True)
    assert {u.serial: u.step for u in again.units} == {"A": "test", "B": "fit"}
    assert [(c.serial, c.unit) for c in again.components] == [("1", "A")]
    assert again.held_lots == (FloorLot(part="FUSE", lot="7"),)
    assert (again.lot_days, again.permits) == ((DAY,), (PERMIT,))
    assert again.instruments == (FloorInstrument(id="SAF-01", state="good", until="2026-12-31"),)


def test_a_component_that_was_taken_out_is_not_there_any_more(tmp_path: Path) -> None:
    kept = FloorFile(tmp_path / "floor.json")
    kept.take(told(5, unit("A"), whole=True))
    kept.take(told(6, inside=""))
    kept.save(now=True)
    again = FloorFile(tmp_path / "floor.json").read()
    assert again is not None
    assert again.components == ()


def test_a_file_that_is_not_there_or_cannot_be_read_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "floor.json"
    assert FloorFile(path).read() is None
    path.write_bytes(b'{"cursor": 5, "whole')
    assert FloorFile(path).read() is None


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    kept = FloorFile(tmp_path / "taken" / "floor.json")
    kept.take(told(5, unit("A")))
    kept.save(now=True)
