"""JSON that lies: deep, doubled, endless, of the wrong kind, with more in it than it may have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mes import wire
from mes.db.base import utc_text
from tests.web.test_api import Door

STREAM = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A server, and what a station sends to it."""
    made = Door(f"sqlite:///{tmp_path / 'atelier.db'}")
    yield made
    made.close()


def batch(door: Door, **changes: Any) -> dict[str, Any]:
    """One good event, with something changed in its envelope."""
    return {"stream_id": door.bench.stream_id, "events": [{**door.arrive().model_dump(), **changes}]}


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": -1}, {"seq": 0}, {"seq": 2**53}, {"seq": 2**63}, {"seq": 10**400}, {"seq": 1.0}, {"seq": "1"},
        {"seq": True},
        {"seq": None}, {"seq": [1]}, {"event_id": "1"}, {"event_id": ""}, {"event_id": STREAM.upper() + "A"},
        {"event_id": "{" + STREAM + "}"}, {"event_id": "urn:uuid:" + STREAM}, {"event_id": STREAM + "\n"},
        {"event_id": STREAM.replace("0", "٠")}, {"kind": ""}, {"kind": "x" * 41}, {"kind": "__class__"},
        {"kind": "Unitsé"},
        {"v": 0}, {"v": 1000}, {"mono_ms": -1}, {"boot_id": "a\nb"}, {"boot_id": "x" * 65},
        {"body": {"unit": 1}}, {"body": None},
        {"body": "x" * 65_537}, {"sha256": "0"}, {"asks": "perhaps"}, {"captured_at": "now"},
        {"captured_at": "2026-11-23"},
        {"captured_at": "2026-11-23T08:00:00+02:00"}, {"offset_ms": 1e308}, {"acked": True}, {"role": "admin"},
        {"station": "b2"},
        {"verdict": "accepted"}, {"__proto__": {}},
    ],
    ids=lambda changes: json.dumps(changes)[:60],
)  # fmt: skip
def test_an_envelope_of_another_form_is_refused_whole(door: Door, changes: dict[str, Any]) -> None:
    before = door.rows()
    answer = door.post("ingest", batch(door, **changes))
    assert (answer.status_code, door.rows()) == (400, before), answer.text


@pytest.mark.parametrize(
    "body",
    [
        "[" * 10_000, '{"a":' * 10_000, '{"x":1e400}', '{"x":NaN}', '{"x":-Infinity}', '{"x":"\\ud800"}',
        "{}}", "", "null", "[]",
        "1", '"x"', '{"unit":"GEN-2648-00001","unit":"GEN-2648-00002","step":"fit","acked":true}', '{"unit":1}',
        '{"' + "k" * 60_000 + '":1}', '!!python/object/apply:os.system ["id"]', "cos\nsystem\n(S'id'\ntR.",
        "<!DOCTYPE x>",
        "9" * 5_000, '{"unit":"\x00","step":"fit"}', '{"unit":"\\u0000","step":"fit"}',
    ],
    ids=lambda body: body[:30],
)  # fmt: skip
def test_a_body_that_says_nothing_is_kept_in_quarantine_and_the_next_event_flows(door: Door, body: str) -> None:
    event = door.bench.envelope(1, "UnitsArrived", body)
    door.bench.seq = 1
    before = door.rows()
    for _ in range(2):
        answer = door.ingest(event)
        assert answer.status_code == 200, answer.text
        assert (answer.json["results"][0]["status"], door.rows()) == ("quarantined", before + 1)
    assert door.ingest(door.arrive()).json["results"][0]["verdict"] == "accepted"


@pytest.mark.parametrize("path", ["ingest", "ingest/raw", "hello", "enroll"])
def test_json_that_would_break_a_parser_is_refused_with_a_sentence(door: Door, path: str) -> None:
    before = door.rows()
    key = "k" * 200_000
    for raw in (
        b'{"stream_id":' * 10_000,
        b'{"event":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"' + key.encode() + b'":1}',
        b'{"stream_id":"\\ud800\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'{"a":1}{"a":2}',
        b"9" * 200_000,
        json.dumps({"stream_id": STREAM, "event": {"seq": 1, "x": float("inf")}}).encode(),
        json.dumps({"stream_id": STREAM, "event": {"seq": 1e3}}).encode(),
    ):
        answer = door.post(path, None, raw=raw)
        assert (answer.status_code, door.rows()) == (400, before), (raw[:40], answer.text)
        assert answer.json["message"]
        assert key not in answer.text


def test_of_a_key_that_stands_twice_one_reader_takes_one_value_and_the_hash_is_over_it(door: Door) -> None:
    event = door.arrive()
    text = json.dumps({"stream_id": door.bench.stream_id, "events": [event.model_dump()]})
    answer = door.post("ingest", None, raw=text.replace('"kind":', '"kind": "Nonsense", "kind":').encode())
    assert answer.json["results"][0]["verdict"] == "accepted"
    other = door.arrive()
    text = json.dumps({"stream_id": door.bench.stream_id, "events": [other.model_dump()]})
    answer = door.post("ingest", None, raw=text.replace('"asks": true', '"asks": true, "asks": false').encode())
    assert answer.json["results"][0]["status"] == "quarantined"


@pytest.mark.parametrize("now", ["2026-02-30T00:00:00Z", "0000-00-00T00:00:00Z", "2026-11-23T24:61:61Z"])
def test_a_time_that_no_clock_shows_is_refused_at_a_hello(door: Door, now: str) -> None:
    assert door.post("hello", door.hello(now=now)).status_code == 400


@pytest.mark.parametrize(
    "at", ["1970-01-01T00:00:00Z", "2099-12-31T23:59:59Z", "0000-00-00T99:99:99Z", "9999-12-31T23:59:59.999999Z"]
)
def test_an_event_of_any_time_is_a_fact_and_takes_its_place_by_its_number(door: Door, at: str) -> None:
    first = door.bench.event("FaultCleared", device="scanner", fault="torn")
    fields = {name: getattr(first, name) for name in ("event_id", "kind", "v", "mono_ms", "boot_id", "asks", "body")}
    mark = wire.operator_mark(first.operator, first.veil)
    odd = first.model_copy(update={"captured_at": at, "sha256": wire.digest(mark=mark, captured_at=at, **fields)})
    answer = door.ingest(odd, door.arrive())
    assert [each["status"] for each in answer.json["results"]] == ["recorded", "recorded"]


def test_who_asks_decides_nothing_by_a_field_of_the_request(door: Door) -> None:
    asked = {"code": "AAAA-BBBB-CCCC-DDDD", "machine_id": "pc-2", "stream_id": str(uuid4()), "station": "b1"}
    assert door.post("enroll", asked, token=None).status_code == 400
    assert door.post("hello", door.hello(station="b2")).status_code == 400
    assert door.post("hello", door.hello(now=utc_text(door.site.clock()))).json["station"] == "b1"
