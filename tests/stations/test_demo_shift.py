"""The demo's plan has a shift whenever the demo is started."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mes.domain.shifts import shift_at
from mes.plan.tables import ShiftTable
from stations.demo_setup import shift_toml
from tests.server.worlds import workshop_plan


def test_outside_of_all_shifts_the_demo_has_one_of_its_own_around_now() -> None:
    plant = workshop_plan().plant
    assert shift_toml(plant, datetime(2026, 11, 23, 8, tzinfo=UTC)) == ""
    for night in (datetime(2026, 11, 28, 23, 30, tzinfo=UTC), datetime(2026, 11, 29, 12, 0, tzinfo=UTC)):
        row = tomllib.loads(shift_toml(plant, night))["shift"][0]
        found = shift_at((ShiftTable(**row),), ZoneInfo(plant.timezone), night)
        assert found is not None
        assert found.shift.id == "demo"
