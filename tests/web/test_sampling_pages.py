"""Acceptance sampling in the office: the plan of a stated lot, its result, what is held, the series, the files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.server.test_sampling import SamplingFloor, sampled_plan
from tests.web.pages import PASSWORD, Office, text_of

PAGE = "/quality/sampling/order/KIT-1"
RESULT = "/quality/sampling/inspect"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    floor = SamplingFloor(f"sqlite:///{tmp_path}/mes.db", sampled_plan(), twice=False)
    floor.kits(1_000)
    made = Office(cast(Any, floor))
    yield made
    made.close()
    floor.agrees()
    floor.close()


def lot(**more: str) -> dict[str, str]:
    """The form of a lot of 300: H, 50, Ac 1."""
    return {"order": "KIT-1", "step": "bag", "quantity": "300", "size": "300", "severity": "normal", "sample": "50",
            "steady": "1", **more}  # fmt: skip


def test_a_lot_is_stated_judged_and_known_to_the_release(office: Office) -> None:
    assert "KIT-1" in text_of(office.get("/quality/sampling"))
    assert "/quality/sampling/order/KIT-1" in office.get("/order/KIT-1")
    assert "1000 pieces of KIT-1 are not inspected by sampling" in text_of(office.get("/release/KIT-1"))
    stated = text_of(office.get(f"{PAGE}?step=bag&quantity=300"))
    assert "Lot size 300 Code letter H level II, AQL 1.0 Sample size 50" in stated
    assert "with up to 1 nonconforming" in stated
    assert "Switching score 0; reduced from 30." in stated
    french = text_of(office.get(f"{PAGE}?step=bag&quantity=300", lang="fr"))
    assert "niveau II, NQA 1,0 Taille de l’échantillon 50" in french
    for found in ("", "x", "-1"):
        assert "Say how many pieces" in text_of(office.post(PAGE, RESULT, **lot(found=found)).text)
    assert "the sample has 50" in text_of(office.post(PAGE, RESULT, **lot(found="51")).text)
    strange = office.post(PAGE, RESULT, **lot(found="0", severity="mild"))
    assert "has signs that cannot be typed" in text_of(strange.text)
    assert "Look again, then give the result." in text_of(office.post(PAGE, RESULT, **lot(found="0", size="9")).text)
    assert "Lot LI-2026-0001 is accepted." in text_of(office.post(PAGE, RESULT, **lot(found="0")).text)
    release = text_of(office.get("/release/KIT-1"))
    assert "700 pieces of KIT-1 are not inspected by sampling" in release
    assert "Release 300 pieces" in release
    form = {"order": "KIT-1", "scope": "finished", "quantity": "300"}
    assert "Released: LIB-2026-0001." in text_of(office.post("/release/KIT-1", "/releases/give", **form).text)
    held = office.post(PAGE, RESULT, **lot(found="5", place="Red rack"))
    assert "Lot LI-2026-0002 is not accepted. It is held: NC-2026-0001." in text_of(held.text)
    assert "In the sample of lot LI-2026-0002, 5 of 50 do not conform." in text_of(held.text)
    assert "Lot LI-2026-0002 is not accepted" in text_of(office.get("/quality/log"))
    assert "Lot LI-2026-0002 is not accepted" in text_of(office.get("/board"))
    again = text_of(office.get(f"{PAGE}?step=bag&again=LI-2026-0002"))
    assert "Decide and treat nonconformity NC-2026-0001 first." in again
    assert "Lot of 300 of KIT-1 inspected by sampling: 5 nonconforming in 50." in text_of(office.get("/audit"))


def test_a_series_shows_its_switches_and_goes_on_by_a_signed_decision(office: Office) -> None:
    floor = cast(SamplingFloor, office.shop)
    for _ in range(7):
        floor.lot("KIT-1", 9, quantity=20)
    page = "/quality/sampling/series/KIT/bag"
    shown = text_of(office.get(page))
    assert "normal inspection → tightened inspection" in shown
    assert "tightened inspection → sampling stopped" in shown
    assert "Sampling has stopped: bag." in text_of(office.get(f"{PAGE}?step=bag"))
    form = {"product": "KIT", "step": "bag", "decision": "resume", "why": "The feeder is repaired"}
    decide = "/quality/sampling/decide"
    assert "Say why" in text_of(office.post(page, decide, **{**form, "why": ""}, password=PASSWORD).text)
    assert "password" in text_of(office.post(page, decide, **form, password="x").text).lower()
    done = text_of(office.post(page, decide, **form, password=PASSWORD).text)
    assert "The decision is written down." in done
    assert "Sampling goes on, tightened The feeder is repaired" in done
    assert "tightened inspection" in text_of(office.get(f"{PAGE}?step=bag&quantity=50"))
    table = office.get("/quality/sampling/inspections.csv?product=KIT&step=bag").splitlines()
    assert len(table) == 8
    assert table[0].startswith("\ufeffInspection,When,Order")
    assert office.client.get("/quality/sampling/inspections.xlsx").data[:2] == b"PK"
    assert office.client.get("/quality/sampling/series/KIT/box").status_code == 404
    assert office.client.get("/quality/sampling/order/OF-9").status_code == 404


def test_each_nonconforming_unit_is_named_and_its_lot_is_held(office: Office) -> None:
    floor = cast(SamplingFloor, office.shop)
    serials = floor.finished(3)
    page = "/quality/sampling/order/OF-1"
    assert serials[1] in text_of(office.get(f"{page}?step=look"))
    form = {"order": "OF-1", "step": "look", "size": "3", "severity": "normal", "sample": "3", "by_unit": "1"}
    strange = office.post(page, RESULT, **form, units="GEN-X")
    assert "GEN-X is not in this lot." in text_of(strange.text)
    held = text_of(office.post(page, RESULT, **form, units=f"{serials[1]}\n").text)
    assert "is not accepted. It is held: NC-2026-0001." in held
    assert all(serial in held for serial in serials)
