"""Test records as OpenHTF writes them, made by ourselves: in today's keys, and in those of 2016."""

from __future__ import annotations

import json
from typing import Any

END_MS = 1_795_600_000_000  # 2026-11-25, 09:46:40 UTC
OHM = {"name": "ohm", "code": "OHM", "suffix": "\u2126"}
VOLT = {"name": "volt", "code": "VLT", "suffix": "V"}
MILLIVOLT = {"name": "millivolt", "code": "2Z", "suffix": "mV"}


def measurement(
    name: str, value: Any = None, *, outcome: str = "PASS", units: Any = None, validators: Any = (), **more: Any
) -> dict[str, Any]:
    """One measurement, as `Measurement.as_base_types` writes it."""
    made: dict[str, Any] = {"name": name, "outcome": outcome, **more}
    if validators:
        made["validators"] = list(validators)
    if units is not None:
        made["units"] = units
    if value is not None:
        made["measured_value"] = value
    return made


def phase(name: str, *measurements: dict[str, Any], outcome: str = "PASS") -> dict[str, Any]:
    """One phase of a run."""
    return {
        "measurements": {m["name"]: m for m in measurements},
        "options": {"name": None, "timeout_s": None, "repeat_limit": None},
        "start_time_millis": END_MS - 900,
        "end_time_millis": END_MS - 100,
        "attachments": {"trace.csv": {"mimetype": "text/csv", "sha1": "00"}},
        "result": {"phase_result": "CONTINUE"},
        "outcome": outcome,
        "descriptor_id": 1,
        "name": name,
        "codeinfo": {"name": name, "docstring": None, "sourcecode": ""},
    }


def record(*phases: dict[str, Any], unit: Any = "GEN-1", outcome: str = "PASS", **more: Any) -> dict[str, Any]:
    """A whole record."""
    return {
        "dut_id": unit,
        "start_time_millis": END_MS - 1_000,
        "end_time_millis": END_MS,
        "outcome": outcome,
        "outcome_details": [],
        "marginal": False,
        "metadata": {"test_name": "end of line", "config": {}},
        "phases": list(phases),
        "subtests": [],
        "diagnosers": [],
        "log_records": [],
        "station_id": "tester-7",
        "code_info": {"name": "test.py", "docstring": None, "sourcecode": ""},
        **more,
    }


def old(new: dict[str, Any]) -> dict[str, Any]:
    """The same record in the keys of 2016: the values of a phase in a table of their own, no `marginal`."""
    made = json.loads(json.dumps({k: v for k, v in new.items() if k not in ("marginal", "subtests", "diagnosers")}))
    for each in made["phases"]:
        values = {n: m.pop("measured_value") for n, m in each["measurements"].items() if "measured_value" in m}
        each["measured_values"] = values
        for gone in ("outcome", "options"):
            each.pop(gone, None)
    return dict(made)


def volt(value: Any, *, outcome: str = "PASS", units: Any = VOLT, high: float = 5.0) -> dict[str, Any]:
    """A run that measured the one test of the small plan."""
    reading = measurement("volt", value, outcome=outcome, units=units, validators=[f"1.0 <= x <= {high}"])
    return record(phase("measure", reading), outcome=outcome)


def data(made: dict[str, Any], **how: Any) -> bytes:
    """The bytes of its file."""
    return json.dumps(made, **how).encode()
