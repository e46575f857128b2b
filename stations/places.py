"""Where a unit stands in a rack, and how its instrument is asked for that place. Pure."""

from __future__ import annotations

from typing import Final

from mes.domain.route import Test
from stations.turn import Session

PLACE: Final = "{place}"
"""Stands in a test's `ask` for the place of the unit."""


def placed(test: Test, place: int | None) -> Test:
    """The test as it is asked of the unit at a place."""
    if PLACE not in test.ask:
        return test
    return test.model_copy(update={"ask": test.ask.replace(PLACE, str(place or 1))})


def free_place(s: Session, serial: str) -> int | None:
    """The first place where nothing stands; None at a bench that has but one, and where all are taken."""
    if s.places == 1:
        return None
    told = [u for n in s.recall.present(s.station) if (u := s.recall.unit(n)) is not None]
    taken = {u.place for u in (*told, *(w.unit for w in s.works)) if u.serial != serial}
    return next((n for n in range(1, s.places + 1) if n not in taken), None)
