"""One unit in the office: where it stands, what its samples say, and nobody's name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mes import packing
from mes.domain.sscc import spaced
from tests.server.bench import OPERATOR, PERSON
from tests.server.worlds import released_order
from tests.web.pages import Office, text_of, workshop


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office over a workshop where one unit is in burn-in and has been read twice."""
    shop = workshop(tmp_path)
    (serial, *_rest) = released_order(shop)
    shop.bring(serial, "burn-in", enter=False)
    shop.tell("bench-6", "UnitsArrived", unit=serial, step="burn-in", place=4, asks=True)
    for n, heat in enumerate((41.5, 44.0), 1):
        shop.clock.tick(300)
        readings = [
            {"test": "temp", "outcome": "passed", "value": heat, "unit": "degC", "raw": ""},
            {"test": "volt", "outcome": "passed", "value": 230.0, "unit": "V", "raw": ""},
        ]
        shop.tell("bench-6", "ReadingsRecorded", unit=serial, step="burn-in", n=n, readings=readings)
    made = Office(shop)
    yield made
    made.close()
    shop.close()


def unit(office: Office) -> str:
    return office.shop.units("OF-2026-118")[0]


def test_a_packed_unit_names_its_carton(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    packed, other, _ = released_order(shop)
    shop.bring(packed, None)
    (carton,) = shop.do(packing.number, 1).args["cartons"]
    said = shop.tell("bench-8", "UnitsPacked", carton=carton, unit=packed, asks=True)
    assert said.reason == "packed_full", said
    office = Office(shop)
    assert f"Carton {spaced(carton)}" in text_of(office.get(f"/unit/{packed}"))
    assert spaced(carton) not in text_of(office.get(f"/unit/{other}"))
    office.close()
    shop.close()


def test_a_unit_in_burn_in_says_its_place_and_what_its_samples_read(office: Office) -> None:
    page = text_of(office.get(f"/unit/{unit(office)}"))
    assert "Place 4" in page
    assert "Temperature 2 41.5 °C 44 °C between 10 °C and 65 °C" in page
    assert "within limits" in page


def test_the_page_of_a_unit_names_nobody(office: Office) -> None:
    page = office.get(f"/unit/{unit(office)}")
    assert OPERATOR not in text_of(page)
    assert PERSON not in page


def test_the_order_leads_to_its_units(office: Office) -> None:
    assert f'href="/unit/{unit(office)}"' in office.get("/order/OF-2026-118")


def test_a_unit_that_was_not_sampled_has_no_samples(office: Office) -> None:
    assert "Samples" not in text_of(office.get(f"/unit/{office.shop.units('OF-2026-118')[1]}"))


def test_an_unknown_unit_is_not_found(office: Office) -> None:
    assert office.client.get("/unit/NMD-1").status_code == 404
