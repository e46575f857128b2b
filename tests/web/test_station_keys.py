"""A station's key over HTTP: replaced without locking anybody out, ended at once, good for one machine alone."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from werkzeug.serving import make_server

from mes import enrolment, keys
from mes.commands_ledger import verify_engine
from mes.commands_office import station_revoke, station_rotate
from mes.db.session import reading, writing
from mes.db.tables import Ledger, Presence
from stations.conversation import Clocks, Conversation, Listeners
from stations.durable import read_token, read_tokens, write_token
from stations.keyring import Keyring
from stations.outbox import Outbox, utc_now
from stations.protocol import Silence
from stations.transport import Server, Transport
from tests.server.bench import Clock
from tests.web.test_api import Door
from web import site as web_site


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(f"sqlite:///{tmp_path / 'atelier.db'}")
    yield made
    made.close()


def hello(door: Door, token: str | None = None, **changes: Any) -> Any:
    return door.post("hello", door.hello(**changes), token=token or door.token)


def rotate(door: Door, station: str = "b1") -> None:
    with writing(door.engine) as session:
        assert keys.ask_rotation(session, station, now=door.site.clock()) >= 1


def told(door: Door, kind: str) -> list[dict[str, Any]]:
    """The bodies of the ledger rows of a kind."""
    with reading(door.engine) as session:
        return [json.loads(b) for b in session.scalars(select(Ledger.body).where(Ledger.kind == kind))]


def alarm(door: Door, station: str = "b1") -> str:
    with reading(door.engine) as session:
        return session.scalar(select(Presence.alarm).where(Presence.station == station)) or ""


# --- replaced ---------------------------------------------------------------------------------------------------------


def test_a_young_key_is_not_replaced(door: Door) -> None:
    for _ in range(2):
        assert hello(door).json["next_token"] is None


def test_a_key_of_more_than_180_days_is_replaced_at_a_hello(door: Door) -> None:
    door.site.clock = lambda: Clock().now
    with writing(door.engine) as session:
        for days in (179, 181):
            token = keys.new_token(session, "b2", "pc-2", now=Clock().now - timedelta(days=days))
            offered = keys.next_token(session, token, now=Clock().now)
            assert (offered is not None) == (days == 181)


def test_both_keys_open_until_the_new_one_is_used_then_the_old_one_is_dead(door: Door) -> None:
    rotate(door)
    new = hello(door).json["next_token"]
    for _ in range(2):
        assert hello(door).status_code == 200
    assert told(door, "TokenRotated") == []
    for _ in range(2):
        assert hello(door, new).json["next_token"] is None
    assert hello(door).status_code == 401
    assert told(door, "TokenRotated") == [{"station": "b1", "machine_id": "pc-1"}]


def test_however_often_the_answer_is_lost_the_same_key_is_offered(door: Door) -> None:
    rotate(door)
    offers = {hello(door).json["next_token"] for _ in range(4)}
    rotate(door)
    offers.add(hello(door).json["next_token"])
    assert len(offers) == 1


def test_a_new_key_that_two_requests_use_at_once_is_taken_up_once(door: Door) -> None:
    rotate(door)
    new = hello(door).json["next_token"]
    got: list[int] = []

    def ask() -> None:
        headers = {"Authorization": f"Bearer {new}"}
        got.append(door.app.test_client().get("/api/v1/plan", headers=headers).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [200] * 4
    assert len(told(door, "TokenRotated")) == 1


def test_the_database_alone_does_not_tell_the_key_that_comes(door: Door) -> None:
    rotate(door)
    new = hello(door).json["next_token"]
    with door.engine.connect() as connection:
        rows = [str(r) for t in ("token", "meta", "ledger") for r in connection.exec_driver_sql(f"select * from {t}")]
    assert not [row for row in rows if new in row or door.token in row]


def test_the_command_line_asks_for_a_new_key_and_says_when_there_is_none(door: Door) -> None:
    url = str(door.engine.url)
    assert CliRunner().invoke(station_rotate, ["b1", "--database", url]).exit_code == 0
    assert hello(door).json["next_token"].startswith("mst_b1_")
    assert CliRunner().invoke(station_rotate, ["b2", "--database", url]).exit_code == 1


# --- ended ------------------------------------------------------------------------------------------------------------


def test_a_revocation_from_another_process_counts_within_the_two_seconds_that_a_key_is_remembered(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [100.0]
    monkeypatch.setattr(web_site, "monotonic", lambda: seconds[0])
    assert hello(door).status_code == 200
    assert CliRunner().invoke(station_revoke, ["b1", "--database", str(door.engine.url)]).exit_code == 0
    seconds[0] += web_site.TOKEN_S
    for path in ("hello", "ingest"):
        assert door.post(path, {}).status_code == 401
    assert told(door, "StationRevoked") == [{"station": "b1"}]


def test_unknown_cut_off_replaced_and_revoked_keys_get_the_same_answer(door: Door) -> None:
    rotate(door)
    new = hello(door).json["next_token"]
    hello(door, new)
    answers = [hello(door, t) for t in (door.token, door.token[:-1], "mst_b1_", "nonsense")]
    with writing(door.engine) as session:
        enrolment.revoke(session, "b1", now=door.site.clock())
    door.site.tokens.forget()
    answers.append(hello(door, new))
    assert {(a.status_code, a.data) for a in answers} == {(401, answers[0].data)}


def test_shutting_a_station_out_ends_its_codes_too(door: Door) -> None:
    with writing(door.engine) as session:
        code = enrolment.new_code(session, "b1", now=door.site.clock())
        enrolment.revoke(session, "b1", now=door.site.clock())
    asked = {"code": code, "machine_id": "pc-9", "stream_id": str(uuid4())}
    assert door.post("enroll", asked, token=None).status_code == 403


# --- one machine ------------------------------------------------------------------------------------------------------


def test_a_second_machine_with_the_key_is_refused_with_an_alarm_and_the_first_goes_on(door: Door) -> None:
    assert hello(door).status_code == 200
    copy = str(uuid4())
    for _ in range(2):
        answer = hello(door, machine_id="pc-2", stream_id=copy)
        assert (answer.status_code, answer.json["error"]) == (403, "second_machine")
        assert "mes station add" in answer.json["message"]
    assert door.ingest(door.arrive()).status_code == 200
    assert hello(door).status_code == 200
    assert alarm(door) == "machine"
    assert told(door, "StationAlarm") == [{"station": "b1", "alarm": "machine", "machine_id": "pc-2"}]


def test_a_second_machine_may_not_send_either(door: Door) -> None:
    hello(door)
    copy = str(uuid4())
    hello(door, machine_id="pc-2", stream_id=copy)
    before = door.rows()
    for _ in range(2):
        assert door.ingest(door.arrive(), stream_id=copy).status_code == 403
    assert door.rows() == before


def test_a_machine_that_starts_again_is_no_copy(door: Door) -> None:
    for boot in ("a", "b", "c", "c"):
        assert hello(door, boot_id=boot).status_code == 200
    assert alarm(door) == ""


def test_two_starts_in_turn_are_a_copy_the_later_one_is_refused_and_the_first_goes_on(door: Door) -> None:
    got = [hello(door, boot_id=boot).status_code for boot in ("a", "b", "a", "b", "a", "b")]
    assert got == [200, 200, 200, 403, 200, 403]
    assert alarm(door) == "boot"
    assert len(told(door, "StationAlarm")) == 1


def test_a_key_with_the_stream_of_another_station_is_refused_with_an_alarm(door: Door) -> None:
    with writing(door.engine) as session:
        other = keys.new_token(session, "b2", "pc-2", now=Clock().now)
    door.ingest(door.arrive())
    for _ in range(2):
        assert hello(door, other, machine_id="pc-2").status_code == 403
    assert alarm(door, "b2") == "stream"


def test_an_alarm_stays_until_somebody_has_seen_to_it_and_comes_back_with_its_cause(door: Door) -> None:
    hello(door)
    hello(door, machine_id="pc-2", stream_id=str(uuid4()))
    hello(door)
    assert alarm(door) == "machine"
    with writing(door.engine) as session:
        assert keys.end_alarm(session, "b1", now=door.site.clock())
        assert not keys.end_alarm(session, "b1", now=door.site.clock())
    assert alarm(door) == ""
    hello(door, machine_id="pc-2", stream_id=str(uuid4()))
    assert (alarm(door), len(told(door, "StationAlarm"))) == ("machine", 2)


# --- the code ---------------------------------------------------------------------------------------------------------


def enroll(door: Door, code: str, machine: str = "pc-2", address: str = "192.0.2.7") -> Any:
    asked = {"code": code, "machine_id": machine, "stream_id": str(uuid4())}
    return door.client.post("/api/v1/enroll", json=asked, environ_base={"REMOTE_ADDR": address})


def code_for(door: Door, station: str, age: timedelta = timedelta()) -> str:
    with writing(door.engine) as session:
        code = enrolment.new_code(session, station, now=door.site.clock() - age)
    assert isinstance(code, str)
    return code


def test_five_wrong_codes_shut_the_door_for_that_address_also_for_a_right_one(door: Door) -> None:
    code = code_for(door, "b2")
    assert [enroll(door, f"WRONG-{n}").status_code for n in range(5)] == [403] * 5
    shut = enroll(door, code)
    assert (shut.status_code, shut.json["error"]) == (429, "too_many_tries")
    assert 0 < int(shut.headers["Retry-After"]) <= enrolment.WINDOW_S
    assert enroll(door, code, address="192.0.2.8").status_code == 200


def test_the_door_opens_again_when_the_wrong_tries_are_old() -> None:
    tries = enrolment.Tries()
    for at in range(5):
        assert tries.shut_for_s("a", at) == 0
        tries.wrong("a", at)
    assert tries.shut_for_s("a", 5) == enrolment.WINDOW_S - 5
    assert tries.shut_for_s("b", 5) == 0
    assert tries.shut_for_s("a", enrolment.WINDOW_S) == 0
    tries.wrong("a", enrolment.WINDOW_S)
    assert tries.shut_for_s("a", enrolment.WINDOW_S) == 1


def test_unknown_used_and_old_codes_get_the_same_answer(door: Door) -> None:
    used = code_for(door, "b2")
    assert enroll(door, used).status_code == 200
    answers = [enroll(door, c) for c in (used, code_for(door, "b2", timedelta(minutes=16)), "AAAA-BBBB-CCCC-DDDD")]
    assert {(a.status_code, a.data) for a in answers} == {(403, answers[0].data)}


def test_a_used_code_from_another_machine_is_an_alarm_and_from_its_own_it_is_not(door: Door) -> None:
    used = code_for(door, "b2")
    enroll(door, used, "pc-2")
    enroll(door, used, "pc-2")
    assert alarm(door, "b2") == ""
    enroll(door, used, "pc-3")
    assert alarm(door, "b2") == "code"


def test_a_pc_that_is_enrolled_takes_the_place_of_the_one_before(door: Door) -> None:
    hello(door)
    hello(door, machine_id="pc-2", stream_id=str(uuid4()))
    new = enroll(door, code_for(door, "b1"), "pc-2").json["token"]
    assert hello(door).status_code == 401
    assert hello(door, new, machine_id="pc-2", stream_id=str(uuid4())).status_code == 200
    assert alarm(door) == ""


def test_what_happened_to_keys_replays(door: Door, tmp_path: Path) -> None:
    enroll(door, code_for(door, "b2"))
    rotate(door)
    new = hello(door).json["next_token"]
    hello(door, new)
    hello(door, new, machine_id="pc-9")
    with writing(door.engine) as session:
        keys.end_alarm(session, "b1", now=door.site.clock())
        enrolment.revoke(session, "b1", now=door.site.clock())
    with reading(door.engine) as session:
        kinds = set(session.scalars(select(Ledger.kind)))
    assert {
        "StationInvited",
        "StationEnrolled",
        "StationRevoked",
        "TokenRotated",
        "StationAlarm",
        "StationAlarmEnded",
    } <= kinds
    assert verify_engine(door.engine, tmp_path)[1] == []


# --- with the agent ---------------------------------------------------------------------------------------------------


class Agent:
    """A real outbox, conversation and key file against the served door; lost answers where `deaf` says so."""

    def __init__(self, url: str, folder: Path, token: str) -> None:
        self.url, self.path, self.deaf = url, folder / "token", False
        self.outbox = Outbox.open(folder / "outbox.db", machine_id="pc-1", boot_id="boot")
        write_token(self.path, token)
        self.start()

    def start(self) -> None:
        """As after a restart of the PC: what is known is what is on the disk."""
        token = read_token(self.path)
        assert token is not None
        self.transport = Transport(Server(self.url), token)
        self.conversation = Conversation(
            self.outbox,
            self.exchange,
            Listeners(*[lambda _: None] * 4),
            agent="test",
            plan_file=self.path.with_name("plan.json"),
            clocks=Clocks(utc_now, lambda: 0.0, lambda: 0.0),
            keys=Keyring(token, self.path, self.transport.use),
        )

    def exchange(self, method: str, path: str, body: bytes | None = None) -> Any:
        answer = self.transport.exchange(method, path, body)
        return Silence("lost on its way") if self.deaf else answer

    def step(self) -> str:
        self.conversation.step()
        return self.conversation.status.state

    def close(self) -> None:
        self.transport.close()
        self.outbox.close()


@pytest.fixture
def agent(door: Door, tmp_path: Path) -> Iterator[Agent]:
    server = make_server("127.0.0.1", 0, door.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Agent(f"http://127.0.0.1:{server.port}", tmp_path, door.token)
    yield made
    made.close()
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_the_agent_takes_the_new_key_keeps_it_and_ends_the_old_one_by_using_it(door: Door, agent: Agent) -> None:
    rotate(door)
    assert agent.step() == "up"
    new, before = read_tokens(agent.path)
    assert (new != door.token, before) == (True, door.token)
    assert stat.S_IMODE(agent.path.stat().st_mode) == 0o600
    agent.step()
    assert hello(door).status_code == 401
    assert len(told(door, "TokenRotated")) == 1


def test_lost_answers_and_a_crash_before_the_first_use_lock_no_station_out(door: Door, agent: Agent) -> None:
    rotate(door)
    agent.deaf = True
    for _ in range(3):
        assert agent.step() == "down"
    assert read_token(agent.path) == door.token
    agent.deaf = False
    assert agent.step() == "up"
    agent.start()
    assert agent.step() == "up"
    agent.deaf = True
    agent.step()
    agent.start()
    agent.deaf = False
    assert agent.step() == "up"
    assert hello(door).status_code == 401


def test_a_server_that_was_restored_from_before_the_new_key_gets_the_old_one_again(door: Door, agent: Agent) -> None:
    agent.step()
    with sqlite3.connect(str(door.engine.url.database)) as source, sqlite3.connect(":memory:") as backup:
        source.backup(backup)
        rotate(door)
        agent.start()
        agent.step()
        agent.step()
        assert hello(door).status_code == 401
        backup.backup(source)
    door.site.tokens.forget()
    agent.start()
    assert [agent.step() for _ in range(2)] == ["not_allowed", "up"]


def test_a_disk_that_takes_no_new_key_leaves_the_old_one_in_use(door: Door, agent: Agent) -> None:
    rotate(door)
    agent.path.with_name(".token.new").mkdir()  # where the new file is written first
    assert [agent.step() for _ in range(2)] == ["up", "up"]
    assert read_tokens(agent.path) == (door.token, None)
    assert hello(door).status_code == 200
