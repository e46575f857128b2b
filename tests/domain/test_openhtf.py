"""Reading a test record of OpenHTF: old and new keys, limits written as text, and every kind of nonsense."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.openhtf import MAX_BYTES, BadRecord, Measured, Record, read_record
from tests.htf_records import END_MS, OHM, VOLT, data, measurement, old, phase, record, volt


def read(made: dict[str, Any]) -> Record:
    found = read_record(data(made))
    assert isinstance(found, Record), found
    return found


def only(**said: Any) -> Measured:
    """The one measurement of a record, read back."""
    return read(record(phase("p", measurement("m", **said)))).measured[0]


def test_a_record_names_its_unit_its_time_and_how_it_ended() -> None:
    found = read(record(outcome="ABORTED", outcome_details=[{"code": "STOP", "description": "Ctrl-C"}]))
    assert (found.unit, found.end_ms, found.outcome, found.details) == ("GEN-1", END_MS, "ABORTED", ("STOP: Ctrl-C",))


def test_a_measurement_has_its_number_its_unit_and_its_limits() -> None:
    m = only(value=0.05, units=OHM, validators=["0.0 <= x <= Marginal:0.09 <= 0.1"])
    assert (m.value, m.unit, m.low, m.high, m.readable) == (0.05, "ohm", 0.0, 0.1, True)


def test_the_keys_of_2016_say_the_same_as_those_of_today() -> None:
    assert read(old(volt(3.0))) == read(volt(3.0))


def test_one_run_has_one_identity_whatever_the_spelling_of_its_file() -> None:
    made = volt(3.0)
    spelled = json.loads(json.dumps(made))
    spelled["phases"][0]["measurements"]["volt"]["measured_value"] = 3
    spelled["phases"][0]["attachments"]["trace.csv"]["data"] = "AAAA"
    spelled["log_records"] = [{"message": "a line"}]
    again = read_record(data(dict(reversed(spelled.items())), indent=2))
    assert isinstance(again, Record)
    assert again.sha256 == read(made).sha256


def test_another_value_or_another_time_is_another_run() -> None:
    assert len({read(m).sha256 for m in (volt(3.0), volt(3.1), volt(3.0) | {"end_time_millis": END_MS + 1})}) == 3


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.0 <= x <= 0.1", 0.0, 0.1),
        ("1 <= x", 1.0, None),
        ("x <= 1e-3", None, 1e-3),
        ("0 <= Marginal:1 <= x <= Marginal:9 <= 10", 0.0, 10.0),
        ("x == 5", 5.0, 5.0),
        ("'x' is within 10% of 230.", 207.0, 253.0),
        ("'x' is within 10% of -230. Marginal: 5% of -230", -253.0, -207.0),
        ("All values pass: -1.5 <= x <= 1.5", -1.5, 1.5),
        ("InRange(0, 1)", 0.0, 1.0),
        ("InRange(minimum=None, maximum=2.5)", None, 2.5),
    ],
)
def test_limits_are_read_from_the_texts_of_validators(text: str, low: float | None, high: float | None) -> None:
    m = only(value=1, validators=[text])
    assert (m.low, m.high, m.readable) == (low, high, True)


def test_several_validators_narrow_each_other() -> None:
    m = only(value=1, validators=["0 <= x <= 10", "2 <= x", "x <= 12"])
    assert (m.low, m.high) == (2.0, 10.0)


@pytest.mark.parametrize("text", ["'x' matches /^1$/", "x <= 1e999", "Once pass, rest must also pass: 0 <= x", "x", ""])
def test_a_validator_that_is_no_limit_makes_the_limits_unreadable(text: str) -> None:
    m = only(value=1, validators=[text])
    assert (m.low, m.high, m.readable) == (None, None, False)


@pytest.mark.parametrize(
    ("units", "name"),
    [
        (VOLT, "V"),
        ({"name": "volt DC", "code": "2H", "suffix": "V"}, "V"),
        ({"name": "megaohm", "code": "B75", "suffix": "M\u2126"}, "Mohm"),
        ({"name": "odd", "code": "ZZ", "suffix": "k\u2126"}, "kohm"),
        (["volt", "VLT", "V"], "V"),
        ("VLT", "V"),
        ("mA", "mA"),
        ({"name": "No dimension", "code": "NDL", "suffix": None}, ""),
        ({"name": "None", "code": None, "suffix": None}, ""),
        ({"name": "furlong", "code": "M50", "suffix": "fur"}, "fur"),
        (None, ""),
        (7, "7"),
    ],
)
def test_units_are_named_as_the_plan_names_them(units: Any, name: str) -> None:
    assert only(value=1, units=units).unit == name


@pytest.mark.parametrize("value", [True, "1.5", "nan", "inf", [1], {"a": 1}, 9.91e37])
def test_what_is_no_number_is_kept_as_text_and_never_repaired(value: Any) -> None:
    m = only(value=value)
    assert m.value is None
    assert m.text


def test_a_bare_nan_is_no_number() -> None:
    assert only(value=float("nan")).value is None


def test_a_measurement_that_was_not_made_has_neither_number_nor_text() -> None:
    m = only(outcome="UNSET")
    assert (m.value, m.text, m.outcome) == (None, "", "UNSET")


def test_a_multi_dimensional_measurement_has_the_last_of_each_row() -> None:
    m = only(value=[[0, 1.5], [1, 2.5], [2, "nan"]], dimensions=[{"code": "SEC"}])
    assert (m.value, m.values) == (None, (1.5, 2.5, None))


def test_an_outcome_is_read_also_where_it_was_written_as_an_enumeration() -> None:
    assert read(record(outcome="Outcome.FAIL")).outcome == "FAIL"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"", "not_json"),
        (b"\xff\x00", "not_json"),
        (data(volt(3.0))[:-9], "not_json"),
        (b"9" * 5_000, "not_json"),
        (b"[" * 100_000, "too_deep"),
        (b" " * (MAX_BYTES + 1), "too_long"),
        (b"[]", "not_a_record"),
        (data({"phases": []}), "not_a_record"),
        (data(record(unit="GEN-1", phases={})), "not_a_record"),
        (data(record(phase("p")) | {"phases": [1]}), "not_a_record"),
        (data(record({"name": "p", "measurements": 1})), "not_a_record"),
        (data(record({"name": "p", "measurements": {"m": 1}})), "not_a_record"),
        (data(record(unit=None)), "no_unit"),
        (data(record(unit="")), "no_unit"),
        (data(record(unit="GEN\n1")), "no_unit"),
        (data(record(unit="\ud800")), "no_unit"),
        (data(record(unit="G" * 65)), "no_unit"),
        (data(record(start_time_millis=None, end_time_millis=True)), "no_time"),
        (data(record(start_time_millis=-1, end_time_millis=1e300)), "no_time"),
        (data(record(outcome="MAYBE")), "no_outcome"),
        (data(record(*(phase("p", measurement("m", 1)) for _ in range(2_001)))), "too_many"),
    ],
    ids=str,
)
def test_what_is_no_record_says_why(bad: bytes, why: str) -> None:
    found = read_record(bad)
    assert isinstance(found, BadRecord)
    assert found.why == why
    assert found.detail.isprintable()


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_raise(junk: bytes) -> None:
    assert isinstance(read_record(junk), BadRecord)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TABLE = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("name", "outcome", "units", "validators", "measured_value", "dimensions"), JSON),
)
PHASE = st.fixed_dictionaries(
    {},
    optional={
        "name": JSON,
        "measurements": st.dictionaries(st.text(max_size=4), TABLE | JSON),
        "measured_values": JSON,
    },
)


@given(st.lists(PHASE | JSON, max_size=3), JSON)
def test_no_content_makes_the_reader_raise(phases: list[Any], details: Any) -> None:
    made = {**record(), "phases": phases, "outcome_details": details, "station_id": details}
    assert isinstance(read_record(data(made)), Record | BadRecord)


@pytest.mark.parametrize(
    ("metadata", "device"),
    [
        ({"instruments": {"volt": "DMM-03"}}, "DMM-03"),
        ({"instruments": "DMM-03"}, "DMM-03"),
        ({"instruments": {"other": "DMM-03"}}, ""),
        ({"instruments": {"volt": ["DMM-03"]}}, ""),
        ({"instruments": {"volt": "D\n" * 200}}, "D\\n" * 21 + "D"),
        ("none", ""),
    ],
)
def test_the_metadata_of_a_test_can_name_the_instruments(metadata: Any, device: str) -> None:
    assert read(volt(3.0) | {"metadata": metadata}).measured[0].device == device
