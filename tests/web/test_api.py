"""The stations' door over HTTP: every status that the protocol names, and nothing else, whatever comes in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from mes import enrolment, keys, wire
from mes.commands_office import publish_plan
from mes.db.session import reading, writing
from mes.db.tables import Ledger
from mes.writer import Writer
from tests.server.bench import Bench, Clock, Floor
from tests.server.small_plan import small_plan
from web.app import create_app
from web.site import Site


class Door:
    """A server in this process, and what a station sends to it."""

    def __init__(self, url: str) -> None:
        self.floor = Floor(url, small_plan())
        self.floor.order("GEN", 3)
        self.engine = self.floor.engine
        self.writer = Writer(self.engine)
        self.site = Site(engine=self.engine, writer=self.writer, write_limit_s=10)
        self.app = create_app(self.site, secret_key="test")
        self.client: FlaskClient = self.app.test_client()
        with writing(self.engine) as session:
            self.token = keys.new_token(session, "b1", "pc-1", now=Clock().now)
        self.bench = Bench("b1")

    def post(self, path: str, body: Any, *, token: str | None = "own", raw: bytes | None = None, **kwargs: Any) -> Any:  # noqa: S107
        headers = {"Authorization": f"Bearer {self.token if token == 'own' else token}"} if token else {}
        data = raw if raw is not None else json.dumps(body).encode()
        return self.client.post(
            f"/api/v1/{path}", data=data, headers=headers, content_type=kwargs.pop("content_type", "application/json")
        )

    def ingest(self, *events: wire.Envelope, stream_id: str | None = None) -> Any:
        body = {"stream_id": stream_id or self.bench.stream_id, "events": [e.model_dump() for e in events]}
        return self.post("ingest", body)

    def arrive(self) -> wire.Envelope:
        return self.bench.arrive("GEN-2648-00001", "fit")

    def hello(self, **changes: Any) -> dict[str, Any]:
        return {
            "proto": 1,
            "agent": "test",
            "stream_id": self.bench.stream_id,
            "next_seq": self.bench.seq + 1,
            "last": {"seq": 0, "event_id": None},
            "now": "2026-11-23T08:00:00Z",
            "machine_id": "pc-1",
            **changes,
        }

    def rows(self) -> int:
        with reading(self.engine) as session:
            return session.scalar(select(func.count()).select_from(Ledger)) or 0

    def close(self) -> None:
        self.writer.close()
        self.floor.close()


@pytest.fixture
def door(tmp_path: Any) -> Iterator[Door]:
    made = Door(f"sqlite:///{tmp_path / 'atelier.db'}")
    yield made
    made.close()


def test_an_event_is_answered_after_it_is_in_the_ledger(door: Door) -> None:
    answer = door.ingest(door.arrive())
    assert answer.status_code == 200
    (result,) = answer.json["results"]
    assert (result["status"], result["verdict"]) == ("recorded", "accepted")
    assert result["screen"]["unit"]["state"] == "in_work"


def test_hello_says_where_the_server_stands(door: Door) -> None:
    first = door.post("hello", door.hello()).json
    assert (first["hwm"]["seq"], first["plan"]["revision"], first["station"]) == (0, 1, "b1")
    event = door.arrive()
    door.ingest(event)
    again = door.post("hello", door.hello()).json
    assert again["hwm"] == {"seq": 1, "event_id": event.event_id}
    assert again["server_gen"] == first["server_gen"]


def test_an_old_agent_is_told_to_update(door: Door) -> None:
    assert door.post("hello", door.hello(proto=2)).status_code == 426


@pytest.mark.parametrize("path", ["hello", "ingest", "ingest/raw"])
@pytest.mark.parametrize("token", [None, "", "wrong", "mst_b1_", "x" * 10_000, "é"])
def test_without_its_token_a_station_gets_401_and_nothing_is_written(door: Door, path: str, token: str | None) -> None:
    before = door.rows()
    headers = {} if token is None else {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    answer = door.client.post(f"/api/v1/{path}", json={}, headers=headers)
    assert (answer.status_code, door.rows()) == (401, before)


def test_a_revoked_token_is_shut_out_at_once(door: Door) -> None:
    with writing(door.engine) as session:
        assert enrolment.revoke(session, "b1", now=Clock().now) == 1
    assert door.ingest(door.arrive()).status_code == 401


def test_a_token_in_the_address_does_not_count(door: Door) -> None:
    assert door.client.post(f"/api/v1/hello?token={door.token}", json=door.hello()).status_code == 401


def test_the_stream_of_another_station_is_refused(door: Door) -> None:
    door.ingest(door.arrive())
    with writing(door.engine) as session:
        other = keys.new_token(session, "b2", "pc-2", now=Clock().now)
    body = {"stream_id": door.bench.stream_id, "events": [door.arrive().model_dump()]}
    assert door.post("ingest", body, token=other).json["error"] == "foreign_stream"
    assert door.post("hello", door.hello(), token=other).status_code == 403


def test_a_used_number_with_another_event_is_409(door: Door) -> None:
    door.ingest(door.arrive())
    clone = Bench("b1", stream_id=door.bench.stream_id)
    assert door.ingest(clone.arrive("GEN-2648-00002", "fit")).status_code == 409


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"stream_id": 1}',
        b"[" * 10_000,
        b'{"stream_id":"\xff"}',
        b'{"stream_id":"\\ud800","events":[]}',
        b'{"stream_id":"00000000-0000-4000-8000-000000000000","events":[]}',
        b'{"stream_id":"00000000-0000-4000-8000-000000000000","events":[{"seq":1e400}]}',
        b'{"stream_id":"00000000-0000-4000-8000-000000000000","events":[{"seq":NaN}]}',
        b'{"stream_id":"00000000-0000-4000-8000-000000000000","events":[{"seq":-1}]}',
    ],
)
@pytest.mark.parametrize("path", ["ingest", "hello", "enroll", "ingest/raw"])
def test_rubbish_is_400_with_a_sentence(door: Door, path: str, raw: bytes) -> None:
    before = door.rows()
    answer = door.post(path, None, raw=raw)
    assert (answer.status_code, door.rows()) == (400, before)
    assert answer.json["message"]


def test_a_truncated_batch_is_400_and_sent_whole_it_counts(door: Door) -> None:
    event = door.arrive()
    whole = json.dumps({"stream_id": door.bench.stream_id, "events": [event.model_dump()]}).encode()
    assert door.post("ingest", None, raw=whole[:-20]).status_code == 400
    assert door.post("ingest", None, raw=whole).status_code == 200


def test_a_batch_out_of_order_is_refused_whole(door: Door) -> None:
    first, second = door.arrive(), door.arrive()
    before = door.rows()
    assert door.ingest(second, first).json["error"] == "not_contiguous"
    assert door.rows() == before


def test_too_large_is_413_and_other_forms_are_415(door: Door) -> None:
    assert door.post("ingest", None, raw=b" " * (wire.MAX_BYTES + 1)).status_code == 413
    assert door.post("ingest", None, raw=b"x" * 5_000_000).status_code == 413
    assert door.post("ingest", {}, content_type="text/plain").status_code == 415
    headers = {"Authorization": f"Bearer {door.token}", "Content-Encoding": "gzip"}
    assert door.client.post("/api/v1/ingest", json={}, headers=headers).status_code == 415


def test_more_events_than_a_batch_may_have_are_400(door: Door) -> None:
    event = door.arrive().model_dump()
    events = [{**event, "seq": i, "event_id": str(uuid4())} for i in range(1, 202)]
    assert door.post("ingest", {"stream_id": door.bench.stream_id, "events": events}).status_code == 400


def test_six_requests_with_one_batch_at_once_count_once(door: Door) -> None:
    event = door.arrive()
    before = door.rows()
    answers: list[Any] = []

    def send() -> None:
        client = door.app.test_client()
        body = {"stream_id": door.bench.stream_id, "events": [event.model_dump()]}
        headers = {"Authorization": f"Bearer {door.token}"}
        answers.append(client.post("/api/v1/ingest", json=body, headers=headers).json["results"][0]["status"])

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["duplicate"] * 5 + ["recorded"]
    assert door.rows() == before + 1


def test_a_database_that_is_locked_is_503_and_the_same_bytes_count_later(door: Door) -> None:
    event = door.arrive()
    with door.engine.connect().execution_options(writing=True) as blocker, blocker.begin():
        answer = door.ingest(event)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
    assert door.ingest(event).json["results"][0]["status"] == "recorded"


def test_an_event_that_the_server_fails_on_can_be_handed_in_unread(door: Door) -> None:
    event = {"seq": 1, "event_id": str(uuid4()), "anything": [1, {"x": None}]}
    answer = door.post("ingest/raw", {"stream_id": door.bench.stream_id, "event": event})
    assert answer.json["results"][0]["status"] == "quarantined"
    door.bench.seq = 1
    assert door.ingest(door.arrive()).json["results"][0]["verdict"] == "accepted"


@pytest.mark.parametrize(("operator", "kept"), [("007", "007"), ("~", None), ("x" * 65, None), ({"name": "Zoé"}, None)])
def test_the_operator_of_an_event_that_is_kept_unread_stands_where_it_can_be_forgotten(
    door: Door, operator: Any, kept: str | None
) -> None:
    event = {"seq": 1, "event_id": str(uuid4()), "operator": operator, "veil": "ab" * 16, "body": 7}
    for _twice in range(2):
        answer = door.post("ingest/raw", {"stream_id": door.bench.stream_id, "event": event})
        assert answer.json["results"][0]["status"] == "quarantined"
    with reading(door.engine) as session:
        (row,) = session.scalars(select(Ledger).where(Ledger.kind == "Raw"))
        assert (row.operator, row.veil) == (kept, "ab" * 16)
        assert json.loads(row.body) == {"seq": 1, "event_id": event["event_id"], "body": 7}


def test_a_code_lets_one_pc_in_once(door: Door) -> None:
    with writing(door.engine) as session:
        code = enrolment.new_code(session, "b2", now=door.site.clock())
    asked = {"code": code, "machine_id": "pc-2", "stream_id": str(uuid4())}
    first = door.post("enroll", asked, token=None)
    assert first.json["station"] == "b2"
    assert door.post("enroll", asked, token=None).status_code == 403
    assert (
        door.post("hello", door.hello(stream_id=str(uuid4()), machine_id="pc-2"), token=first.json["token"]).status_code
        == 200
    )


def test_a_code_that_is_too_old_or_made_up_lets_nobody_in(door: Door) -> None:
    with writing(door.engine) as session:
        code = enrolment.new_code(session, "b2", now=Clock().now)  # hours ago, by the server's clock
    for each in (code, "AAAA-BBBB-CCCC-DDDD"):
        asked = {"code": each, "machine_id": "pc-2", "stream_id": str(uuid4())}
        assert door.post("enroll", asked, token=None).json["error"] == "bad_code"


def test_one_code_used_by_two_at_once_lets_one_in(door: Door) -> None:
    with writing(door.engine) as session:
        code = enrolment.new_code(session, "b2", now=door.site.clock())
    got: list[int] = []

    def ask(n: int) -> None:
        asked = {"code": code, "machine_id": f"pc-{n}", "stream_id": str(uuid4())}
        got.append(door.app.test_client().post("/api/v1/enroll", json=asked).status_code)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [200, 403, 403, 403]


def test_a_station_gets_the_plan_and_the_older_ones_that_orders_are_pinned_to(door: Door) -> None:
    with writing(door.engine) as session:
        assert publish_plan(session, small_plan(high=9.0), now=Clock().now).done
    headers = {"Authorization": f"Bearer {door.token}"}
    told = door.client.get("/api/v1/plan", headers=headers).json
    assert (told["revision"], [o["revision"] for o in told["older"]]) == (2, [1])


def test_a_station_is_told_what_changed_on_the_floor_and_everything_at_first(door: Door) -> None:
    headers = {"Authorization": f"Bearer {door.token}"}
    whole = door.client.get("/api/v1/floor?since=0", headers=headers).json
    assert (whole["whole"], len(whole["units"])) == (True, 3)
    door.ingest(door.arrive())
    part = door.client.get(f"/api/v1/floor?since={whole['cursor']}", headers=headers).json
    assert (part["whole"], [u["serial"] for u in part["units"]]) == (False, ["GEN-2648-00001"])
    assert door.client.get("/api/v1/floor?since=-1", headers=headers).status_code == 400
    assert door.client.get("/api/v1/floor?since=99999", headers=headers).json["whole"] is True


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example", "localhost@evil"])
def test_another_host_name_is_refused_before_anything_else(door: Door, host: str) -> None:
    for path in ("/health", "/socket.io/?EIO=4&transport=polling", "/board"):
        assert door.client.get(path, headers={"Host": host}).status_code == 400


def test_an_unexpected_error_gives_a_number_and_no_trace(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.api.floor.changes", lambda *a: 1 / 0)
    answer = door.client.get("/api/v1/floor", headers={"Authorization": f"Bearer {door.token}"})
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.text
