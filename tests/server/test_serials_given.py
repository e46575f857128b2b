"""Serials of the customer: all or none, each once for ever, and the units are those of the list."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from mes import labels, orders
from mes.commands_ledger import verify_engine
from mes.commands_orders import order as command
from mes.db.session import reading, writing
from mes.db.tables import UnitRow
from mes.orders import Answer
from tests.server.bench import Floor
from tests.server.small_plan import small_plan

LIST = ("DL-7F01", "DL-7F02", "DL-7F03")


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    made = Floor(f"sqlite:///{tmp_path / 'atelier.db'}", small_plan())
    planned(made, "OF-1", 3)
    yield made
    _, findings = verify_engine(made.engine, tmp_path)
    made.close()
    assert findings == []


def planned(floor: Floor, order: str, quantity: int, product: str = "GEN") -> None:
    assert floor.do(orders.create, order, product, quantity).done


def give(floor: Floor, *serials: str, order: str = "OF-1") -> Answer:
    answer: Answer = floor.do(orders.give_serials, order, serials)
    return answer


def units(floor: Floor, order: str = "OF-1") -> dict[str, str]:
    with reading(floor.engine) as session:
        rows = session.scalars(select(UnitRow).where(UnitRow.order == order).order_by(UnitRow.serial))
        return {row.serial: row.state for row in rows}


def test_the_units_of_a_released_order_are_those_of_its_list(floor: Floor) -> None:
    assert give(floor, *LIST).done
    bench = floor.bench("b1")
    assert floor.send(bench, bench.arrive("DL-7F01", "fit", asks=True))[0].reason == "order_not_released"
    assert floor.do(orders.release, "OF-1").done
    assert units(floor) == dict.fromkeys(LIST, "reserved")
    assert floor.send(bench, bench.arrive("DL-7F01", "fit", asks=True))[0].verdict == "accepted"
    stranger = floor.send(bench, bench.arrive("DL-9999", "fit", asks=True))[0]
    assert (stranger.verdict, stranger.reason) == ("refused", "unknown_unit")


@pytest.mark.parametrize(
    ("serials", "reason"),
    [
        (LIST[:2], "serials_count"),
        ((*LIST, "DL-7F04"), "serials_count"),
        ((), "serials_count"),
        ((LIST[0], LIST[1], LIST[0]), "serial_twice"),
        ((*LIST[:2], ".B.7.X"), "serial_form"),
        ((*LIST[:2], "DL é"), "serial_form"),
        ((*LIST[:2], " DL-1"), "serial_form"),
        ((*LIST[:2], "GEN-2648-00001"), "serial_taken"),
    ],
)
def test_one_wrong_serial_takes_the_list_back(floor: Floor, serials: tuple[str, ...], reason: str) -> None:
    planned(floor, "OF-2", 1)
    assert floor.do(orders.release, "OF-2").done
    assert give(floor, *serials).reason == reason
    assert units(floor) == {}


def test_a_serial_of_another_list_is_taken_until_that_order_is_given_up(floor: Floor) -> None:
    planned(floor, "OF-2", 3)
    assert give(floor, *LIST).done
    assert give(floor, *LIST, order="OF-2").reason == "serial_taken"
    assert floor.do(orders.cancel, "OF-1", why="x").done
    assert give(floor, *LIST, order="OF-2").done
    assert units(floor, "OF-2") == dict.fromkeys(LIST, "reserved")


def test_a_new_list_frees_the_serials_of_the_one_before(floor: Floor) -> None:
    planned(floor, "OF-2", 1)
    assert give(floor, *LIST).done
    assert give(floor, "DL-8001", "DL-8002", LIST[0]).done
    assert units(floor) == {
        "DL-8001": "reserved",
        "DL-8002": "reserved",
        **dict(zip(LIST, ["reserved", *["withdrawn"] * 2], strict=True)),
    }
    assert give(floor, LIST[1], order="OF-2").done


def test_a_serial_that_is_on_a_label_is_never_given_again(floor: Floor) -> None:
    planned(floor, "OF-2", 1)
    assert give(floor, *LIST).done
    assert floor.do(orders.release, "OF-1").done
    with writing(floor.engine) as session:
        made = labels.units(session, "OF-1", now=floor.clock.tick(), on="57x32", serials=[LIST[2]])
    assert not isinstance(made, Answer)
    assert floor.do(orders.amend, "OF-1", quantity=1, why="fewer").done
    assert units(floor)[LIST[2]] == units(floor)[LIST[1]] == "withdrawn"
    assert give(floor, LIST[2], order="OF-2").reason == "serial_taken"
    assert give(floor, LIST[1], order="OF-2").done


def test_an_order_whose_quantity_has_changed_waits_for_a_list_that_fits(floor: Floor) -> None:
    assert give(floor, *LIST).done
    assert floor.do(orders.amend, "OF-1", quantity=2, why="fewer").done
    assert floor.do(orders.release, "OF-1").reason == "serials_count"
    assert give(floor, *LIST[:2]).done
    assert floor.do(orders.release, "OF-1").done
    assert floor.do(orders.amend, "OF-1", quantity=4, why="more").reason == "serials_by_list"
    assert give(floor, *LIST).reason == "order_state"


def test_a_counted_order_has_no_serials(floor: Floor) -> None:
    planned(floor, "OF-2", 1, "KIT")
    assert give(floor, LIST[0], order="OF-2").reason == "serials_counted"
    assert give(floor, LIST[0], order="OF-9").reason == "unknown_order"


def test_of_two_who_give_one_list_to_two_orders_at_once_one_is_refused(database_url: str) -> None:
    floor = Floor(database_url, small_plan())
    names = [f"OF-{n}" for n in range(1, 5)]
    for name in names:
        planned(floor, name, 3)
    said: list[bool] = []

    def send(name: str) -> None:
        with writing(floor.engine) as session:
            at = floor.clock.now
            done = orders.give_serials(session, name, LIST, now=at).done and orders.release(session, name, now=at).done
        said.append(done)

    threads = [threading.Thread(target=send, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with reading(floor.engine) as session:
        there = session.execute(select(UnitRow.serial, UnitRow.order)).all()
    floor.close()
    assert sorted(said) == [False, False, False, True]
    assert sorted(serial for serial, _ in there) == sorted(LIST)
    assert len({order for _, order in there}) == 1


@pytest.mark.parametrize(
    "text", ["DL-7F01\nDL-7F02\n\nDL-7F03\n", "Numéro de série;Note\nDL-7F01;a\nDL-7F02;\nDL-7F03;b\n"]
)
def test_a_list_comes_from_a_file_at_the_command_line(floor: Floor, tmp_path: Path, text: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text, encoding="utf-8")
    url = str(floor.engine.url)
    done = CliRunner().invoke(command, ["serials", "OF-1", str(file), "--database", url])
    assert done.exit_code == 0, done.output
    assert units(floor) == dict.fromkeys(LIST, "reserved")
    again = CliRunner().invoke(command, ["serials", "OF-9", str(file), "--database", url])
    assert again.exit_code == 1


def test_a_list_that_is_taken_back_frees_its_serials_and_a_released_one_stays(floor: Floor) -> None:
    assert give(floor, *LIST).done
    assert floor.do(orders.take_serials_back, "OF-1").done
    assert floor.do(orders.take_serials_back, "OF-1").reason == "serials_none"
    assert units(floor) == dict.fromkeys(LIST, "withdrawn")
    assert give(floor, *LIST).done
    assert floor.do(orders.release, "OF-1").done
    assert floor.do(orders.take_serials_back, "OF-1").reason == "order_state"
    assert floor.do(orders.take_serials_back, "OF-404").reason == "unknown_order"
