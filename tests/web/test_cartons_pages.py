"""Cartons in the office: the list and its search, one carton, what can be done with it, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import func, select

from mes import instruments
from mes.db.session import reading
from mes.db.tables import Label, Ledger
from mes.domain import barcode
from mes.domain.sscc import spaced
from tests.server.bench import Floor
from tests.server.test_packing import PackingFloor, packing_plan
from tests.server.worlds import Workshop
from tests.web.pages import Office, text_of


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[PackingFloor]:
    made = PackingFloor(f"sqlite:///{tmp_path}/mes.db", packing_plan())
    yield made
    made.close()


@pytest.fixture
def packers(floor: PackingFloor) -> Iterator[Office]:
    made = Office(cast(Workshop, floor))
    yield made
    made.close()


def say(office: Office, carton: str, verb: str, **form: str) -> tuple[int, str]:
    """Send a form of a carton's page; the status, and what the next page says."""
    answer = office.post(f"/cartons/{carton}", f"/cartons/{carton}/{verb}", **form)
    return answer.status_code, text_of(answer.text)


def rows(floor: Floor) -> int:
    with reading(floor.engine) as session:
        return session.scalar(select(func.count()).select_from(Ledger)) or 0


def test_an_empty_list_says_what_to_do_first(packers: Office) -> None:
    assert "There is no carton yet." in text_of(packers.get("/cartons"))


def test_one_new_number_leads_to_its_page_and_several_to_the_list_of_new_ones(
    packers: Office, floor: PackingFloor
) -> None:
    floor.finished(1)
    one = text_of(packers.post("/cartons", "/cartons", count="1", level="carton").text)
    assert "1 number is drawn." in one
    assert "Nothing is in it." in one
    several = text_of(packers.post("/cartons", "/cartons", count="3", level="pallet", order="OF-1").text)
    assert "3 numbers are drawn." in several
    assert several.count("number only") >= 3
    assert "OF-1" in several


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"count": "0"}, "Give a whole number from 1 to"),
        ({"count": "1", "order": "OF-9"}, "OF-9"),
    ],
)
def test_numbers_that_cannot_be_drawn_are_refused_with_one_sentence(
    packers: Office, form: dict[str, str], says: str
) -> None:
    page = packers.post("/cartons", "/cartons", **form)
    assert page.status_code == 200
    assert says in text_of(page.text)
    assert "There is no carton yet." in text_of(packers.get("/cartons"))


def test_a_carton_is_filled_weighed_and_closed_in_the_office(packers: Office, floor: PackingFloor) -> None:
    serials = floor.finished(2)
    (carton,) = floor.numbers()
    for serial in serials:
        assert say(packers, carton, "put-in", thing=serial)[0] == 200
    page = text_of(packers.get(f"/cartons/{carton}"))
    assert "units or pieces 2 / 2" in page
    assert "should weigh 2.05 – 2.15 kg" in page
    assert "It must be weighed before it is closed." in page
    assert "2.1 kg: the weight is right." in say(packers, carton, "weigh", kg="2,1")[1]
    status, page = say(packers, carton, "close")
    assert status == 200
    assert f"Carton {carton}: closed. Inside: 2." in page
    assert floor.carton(carton).state == "closed"
    assert "Pack it" not in page
    floor.agrees()


def test_what_is_refused_comes_back_with_its_sentence_and_what_was_typed(packers: Office, floor: PackingFloor) -> None:
    (serial,) = floor.finished(1)
    first, second = floor.numbers(2)
    assert say(packers, first, "put-in", thing=serial)[0] == 200
    before = rows(floor)
    status, page = say(packers, second, "put-in", thing=serial)
    assert status == 409
    assert f"{serial} is already in carton {first}." in page
    raw = packers.post(f"/cartons/{second}", f"/cartons/{second}/put-in", thing="GEN-NO")
    assert raw.status_code == 409
    assert 'value="GEN-NO"' in raw.text
    assert "The reason is missing." in say(packers, first, "take-out", thing=serial)[1]
    assert "Give the weight in kg" in say(packers, first, "weigh", kg="heavy")[1]
    assert "The carton is not full: 1 of 2." in say(packers, first, "close")[1]
    assert "is not closed." in say(packers, first, "reopen", why="x")[1]
    assert "I do not know this code" in say(packers, first, "put-in", thing=".X.Y.Z")[1]
    assert rows(floor) == before


def test_a_wrong_weight_is_kept_and_said_and_keeps_the_carton_open(packers: Office, floor: PackingFloor) -> None:
    (serial,) = floor.finished(1)
    (carton,) = floor.numbers()
    say(packers, carton, "put-in", thing=serial)
    status, page = say(packers, carton, "weigh", kg="0.9")
    assert status == 409
    assert "Too light: 0.9 kg." in page
    assert floor.carton(carton).weighed == "failed"
    assert "The carton is not weighed." in say(packers, carton, "close", partial="1")[1]
    floor.agrees()


def test_a_closed_carton_is_opened_again_with_a_reason_and_a_unit_is_taken_out_with_one(
    packers: Office, floor: PackingFloor
) -> None:
    serials = floor.finished(2)
    carton = floor.full(serials)
    assert "is closed." in say(packers, carton, "take-out", thing=serials[0], why="wrong label")[1]
    assert "The reason is missing." in say(packers, carton, "reopen", why=" ")[1]
    assert "open again." in say(packers, carton, "reopen", why="Label torn")[1]
    assert "is out of carton" in say(packers, carton, "take-out", thing=serials[0], why="Goes back")[1]
    page = text_of(packers.get(f"/cartons/{carton}"))
    assert "Label torn" in page
    assert "Goes back" in page
    assert floor.inside(carton) == serials[1:]
    floor.agrees()


def test_a_carton_on_a_pallet_names_it_and_is_not_opened_there(packers: Office, floor: PackingFloor) -> None:
    carton = floor.full(floor.finished(2))
    (pallet,) = floor.numbers(level="pallet")
    assert say(packers, pallet, "put-in", thing=spaced(carton))[0] == 200
    assert f"Stands on pallet: {spaced(pallet)}" in text_of(packers.get(f"/cartons/{carton}"))
    assert spaced(carton) in text_of(packers.get(f"/cartons/{pallet}"))
    assert f"is on pallet {pallet}." in say(packers, carton, "reopen", why="x")[1]


def test_pieces_of_a_counted_order_go_in_by_their_number(packers: Office, floor: PackingFloor) -> None:
    floor.order("KIT", 20, order="OF-5")
    for each in packing_plan().products[1].steps:
        floor.tell(each.stations[0], "WorkCompleted", order="OF-5", step=each.id, good=9, scrap=[])
    (carton,) = floor.numbers()
    page = say(packers, carton, "put-in", thing=barcode.write("order", "OF-5"), pieces="8")[1]
    assert "units or pieces 8 / 10" in page
    assert "so many pieces are not finished" in say(packers, carton, "put-in", thing="OF-5", pieces="2")[1]
    assert "Give a whole number" in say(packers, carton, "put-in", thing="OF-5", pieces="x")[1]


def test_a_held_carton_says_why_and_goes_on_when_somebody_has_looked(packers: Office, floor: PackingFloor) -> None:
    (serial,) = floor.finished(1)
    first, second = floor.numbers(2)
    floor.pack(first, serial)
    floor.pack(second, serial, asks=False)
    page = text_of(packers.get(f"/cartons/{second}"))
    assert "Blocked: somebody has to look at it." in page
    assert f"is already in carton {first}." in page
    assert second[:1] in text_of(packers.get("/cartons?show=held"))
    assert "no longer blocked" in say(packers, second, "release", why="Looked")[1]
    planner = packers.signed_in("plan", "planner")
    assert "Let it go on" not in planner.get(f"/cartons/{first}").text


def test_a_scan_of_a_carton_leads_to_it_and_of_what_is_inside_to_the_list(packers: Office, floor: PackingFloor) -> None:
    serials = floor.finished(3)
    carton, (other,) = floor.full(serials[:2]), floor.numbers()
    for text in (carton, spaced(carton), f"]C100{carton}", f"00{carton}"):
        for page in ("/cartons", "/find", "/orders"):
            answer = packers.client.get(page, query_string={"q": text})
            assert answer.headers.get("Location") == f"/cartons/{carton}", (page, text)
    page = text_of(packers.get(f"/cartons?q={serials[0]}"))
    assert spaced(carton) in page
    assert spaced(other) not in page
    assert "Nothing fits." in text_of(packers.get("/cartons?q=LOT-9"))


def test_the_lists_of_a_state_a_kind_and_an_order(packers: Office, floor: PackingFloor) -> None:
    carton, (new,) = floor.full(floor.finished(2)), floor.numbers(level="pallet")
    closed = text_of(packers.get("/cartons?show=closed"))
    assert spaced(carton) in closed
    assert spaced(new) not in closed
    assert spaced(new) in text_of(packers.get("/cartons?level=pallet"))
    assert spaced(carton) in text_of(packers.get("/cartons?order=OF-1"))
    assert "Nothing fits." in text_of(packers.get("/cartons?order=OF-2"))


def test_order_and_unit_lead_to_the_carton(packers: Office, floor: PackingFloor) -> None:
    serials = floor.finished(3)
    carton = floor.full(serials[:2])
    page = packers.get("/order/OF-1")
    assert 'href="/cartons?order=OF-1"' in page
    assert "sealed: 1 1 finished unit is in no carton." in text_of(page)
    assert f'href="/cartons/{carton}"' in packers.get(f"/unit/{serials[0]}")


def test_the_label_is_printed_and_the_second_one_is_a_copy(packers: Office, floor: PackingFloor) -> None:
    (carton,) = floor.numbers()
    for _ in range(2):
        answer = packers.post(f"/cartons/{carton}", f"/cartons/{carton}/label", paper="100x50")
        assert answer.mimetype == "application/pdf"
    assert packers.post(f"/cartons/{carton}", f"/cartons/{carton}/label", paper="10x5").status_code == 200
    with reading(floor.engine) as session:
        printed = session.scalars(select(Ledger.kind).where(Ledger.kind == "LabelPrinted")).all()
    assert len(printed) == 2


def test_who_may_look_may_not_pack_and_an_unknown_number_is_not_there(packers: Office, floor: PackingFloor) -> None:
    (carton,) = floor.numbers()
    admin = packers.signed_in("root", "admin")
    page = admin.get(f"/cartons/{carton}").text
    assert "Pack it" not in page
    assert "Draw numbers" not in admin.get("/cartons").text
    assert packers.client.get("/cartons/952123400000000012").status_code == 404
    token = {"thing": "x", "why": "x", "kg": "1"}
    for verb in ("put-in", "take-out", "weigh", "close", "reopen", "release", "label"):
        answer = packers.post("/cartons", "/cartons/952123400000000012/" + verb, **token)
        assert answer.status_code == 404, verb


def test_an_unfit_scale_records_no_weight(packers: Office, floor: PackingFloor) -> None:
    (carton,) = floor.numbers()
    say(packers, carton, "put-in", thing=floor.finished(1)[0])
    floor.do(instruments.add, "BAL-9", family="Balance", model="X", serial="7")
    status, page = say(packers, carton, "weigh", kg="1.1", device="BAL-9")
    assert status == 409
    assert "BAL-9" in page
    assert floor.carton(carton).weight_g is None
    assert say(packers, carton, "weigh", kg="1.1", device="BAL-8")[0] == 200  # no such scale: the weight alone
    assert floor.carton(carton).weight_g == 1100
    floor.agrees()


def test_all_closed_cartons_of_an_order_or_a_pallet_are_labelled_at_once(packers: Office, floor: PackingFloor) -> None:
    one, two, three = floor.finished()
    cartons = sorted((floor.full([one, two]), floor.full([three])))
    (pallet,) = floor.numbers(1, level="pallet")
    page = packers.get("/cartons?order=OF-1")
    assert "All closed cartons of OF-1." in text_of(page)
    assert re.search(r'<option value="100x50" selected>', page)
    made = packers.post("/cartons?order=OF-1", "/cartons/labels", order="OF-1", paper="100x50")
    assert made.data.startswith(b"%PDF")
    for carton in cartons:
        floor.tell("p2", "UnitsPacked", carton=pallet, inner=carton, asks=True)
    said = packers.post(f"/cartons/{pallet}", "/cartons/labels", pallet=pallet, paper="100x50")
    assert said.data.startswith(b"%PDF")
    refused = packers.post("/cartons?order=OF-1", "/cartons/labels", order="OF-1", paper="57x32")
    assert "is too long for this label" in text_of(refused.text)
    unknown = packers.post(f"/cartons/{pallet}", "/cartons/labels", pallet=pallet, paper="printer:none")
    assert "No printer is called none." in text_of(unknown.text)
    with reading(floor.engine) as session:
        copies = {r.subject: r.copies for r in session.scalars(select(Label).where(Label.template == "carton"))}
    assert copies == dict.fromkeys(cartons, 2)
    floor.agrees()
