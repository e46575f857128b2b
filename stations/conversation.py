"""The conversation of one station with its server, one exchange a step: ask the protocol, do what it says.

It joins the outbox, the pure rules of `stations.protocol` and something that exchanges bytes. It must not know threads
nor sockets, and never waits by itself: each step returns how long to wait. So a test can drive it event by event.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from mes.wire import PROTO, Envelope, FloorReply, HelloReply, HelloRequest, IngestResult
from stations import protocol
from stations.durable import write_whole
from stations.outbox import Outbox, utc_text
from stations.protocol import Answer, Course, LinkState, Silence, Step
from stations.transport import json_object

_log = logging.getLogger(__name__)

BUSY_FLOOR: Final = 2.0  # under load, the floor is fetched before the next batch once it is this many intervals old


class Exchange(Protocol):
    """Something that carries one request to the server."""

    def __call__(self, method: str, path: str, body: bytes | None = None) -> Answer | Silence: ...


class Keys(Protocol):
    """Something that holds the station's token; see `stations.keyring`."""

    def take(self, offered: str) -> None: ...

    def refused(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How it stands with the server. `offset_ms` is the server's clock minus ours, None before the first hello.

    `since` (UTC) is when this state began; `detail` is for a person who looks for the cause.
    """

    state: LinkState
    since: datetime
    detail: str = ""
    offset_ms: int | None = None
    round_trip_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told. Called from the uplink's thread; what they raise is logged and stops nothing.

    `on_results` comes after the settling is on the disk. After a restore or a fork it repeats results of old events.
    """

    on_results: Callable[[list[IngestResult]], None]
    on_link: Callable[[LinkStatus], None]
    on_plan: Callable[[dict[str, Any]], None]
    on_floor: Callable[[FloorReply], None]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, in seconds."""

    hello_s: float = 60.0
    floor_s: float = 5.0
    ask_again_s: float = protocol.ASK_AGAIN_S
    backoff_cap_s: float = protocol.BACKOFF_CAP_S


@dataclass(frozen=True, slots=True)
class Clocks:
    """What the conversation knows of time and chance: the date, monotonic seconds, a random number in [0, 1)."""

    now: Callable[[], datetime]
    mono_s: Callable[[], float]
    random: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Pause:
    """How long until the next step, seconds. With `idle`, it ends as soon as something is kept."""

    seconds: float
    idle: bool = False


@dataclass(frozen=True, slots=True)
class _Batch:
    path: str
    ids: tuple[str, ...]
    content: bytes


class Conversation:
    """The state between two steps, and the step."""

    def __init__(
        self,
        outbox: Outbox,
        exchange: Exchange,
        listeners: Listeners,
        *,
        agent: str,
        plan_file: Path,
        clocks: Clocks,
        rhythm: Rhythm = Rhythm(),
        keys: Keys | None = None,
    ) -> None:
        self.course = Course()
        self.status = LinkStatus("starting", clocks.now())
        self._told: LinkStatus | None = None
        self._outbox, self._exchange, self._listeners = outbox, exchange, listeners
        self._agent, self._plan_file, self._keys = agent, plan_file, keys
        self._clocks, self._rhythm = clocks, rhythm
        self._batch: _Batch | None = None  # what is on its way: sent again byte by byte until something is known of it
        self._hello_at = self._floor_at = clocks.mono_s()
        self._server_gen: str | None = None
        self._cursor = 0
        self._plan_hash: str | None = None
        self._wanted_plan: str | None = None

    def begin(self) -> None:
        """Tell the listeners that we start, and hand on the plan of last time: a bench also starts without a server."""
        self._tell("starting", "")
        try:
            cached = json.loads(self._plan_file.read_bytes())
            self._plan_hash, plan = str(cached["hash"]), dict(cached["plan"])
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError, OSError) as error:
            _log.warning("the cached plan %s cannot be read and is fetched again: %r", self._plan_file, error)
            return
        self._call(self._listeners.on_plan, plan)

    def step(self) -> Pause:
        """Do the one exchange that is due, and say when the next one is.

        Raises:
            OutboxFailed: the outbox could not be read or written; whatever was sent will be sent again.
        """
        now = self._clocks.mono_s()
        if not self.course.greeted or now >= self._hello_at:
            return self._hello()
        if self._wanted_plan is not None:
            return self._fetch_plan()
        floor_is_old = now >= self._floor_at + BUSY_FLOOR * self._rhythm.floor_s
        batch = None if floor_is_old else self._next_batch()
        if batch is not None:
            return self._send(batch)
        if now >= self._floor_at:
            return self._fetch_floor()
        return Pause(max(0.0, min(self._hello_at, self._floor_at) - now), idle=True)

    def stumble(self, why: str) -> Pause:
        """Something that nobody foresaw went wrong in a step: forget what was under way and greet again, later."""
        failures = self.course.unanswered + 1
        course = Course(unanswered=failures, strikes=self.course.strikes, limit=self.course.limit)
        return self._do(Step(course, "down", why, back_off=failures))

    # --- hello --------------------------------------------------------------------------------------------------------

    def _hello(self) -> Pause:
        standing = self._outbox.standing()
        sent_at, sent = self._clocks.now(), self._clocks.mono_s()
        request = HelloRequest(
            proto=PROTO,
            agent=self._agent,
            stream_id=standing.stream_id,
            next_seq=standing.next_seq,
            last=standing.last,
            acked=standing.acked,
            kept=standing.kept,
            boot_id=self._outbox.boot_id,
            machine_id=self._outbox.machine_id,
            now=utc_text(sent_at),
        )
        answer = self._exchange("POST", "/api/v1/hello", request.model_dump_json().encode())
        trip_s = self._clocks.mono_s() - sent
        reply = protocol.reply_of(answer, HelloReply)
        held = None if reply is None else self._outbox.event_id_at(reply.hwm.seq)
        step = protocol.after_hello(self.course, answer, reply, held=held, standing=standing)
        if self._keys is not None:
            if reply is not None and reply.next_token:
                self._keys.take(reply.next_token)
            elif isinstance(answer, Answer) and answer.status == 401:
                self._keys.refused()
        if reply is not None and step.course.greeted:
            self._hello_at = self._clocks.mono_s() + self._rhythm.hello_s
            self._measure(reply, sent_at, trip_s)
            self._outbox.note_server(reply.server_gen)
            self._outbox.forget(min(reply.safe_seq, reply.hwm.seq), self._clocks.now())
            if reply.server_gen != self._server_gen:
                self._server_gen, self._cursor = reply.server_gen, 0  # its ledger positions mean something else now
                self._floor_at = self._clocks.mono_s()
            if reply.plan is not None and reply.plan.hash != self._plan_hash:
                self._wanted_plan = reply.plan.hash
        return self._do(step)

    def _measure(self, reply: HelloReply, sent_at: datetime, trip_s: float) -> None:
        """Compare the clocks: the server's against the middle of the round trip, which the monotonic clock measured."""
        try:
            theirs = datetime.fromisoformat(reply.now)
        except ValueError:
            return
        offset = theirs - (sent_at + timedelta(seconds=trip_s / 2))
        offset_ms, trip_ms = round(offset.total_seconds() * 1000), round(trip_s * 1000)
        self.status = replace(self.status, offset_ms=offset_ms, round_trip_ms=trip_ms)

    # --- ingest -------------------------------------------------------------------------------------------------------

    def _next_batch(self) -> _Batch | None:
        if self._batch is not None:
            return self._batch
        course, stream_id = self.course, self._outbox.stream_id
        events = self._outbox.pending(1 if course.raw else course.limit, course.max_bytes - protocol.FRAME_BYTES)
        if events:
            self._batch = self._written(stream_id, events)
        return self._batch

    def _written(self, stream_id: str, events: list[Envelope]) -> _Batch:
        boot_id, offset_ms = self._outbox.boot_id, self.status.offset_ms
        ids = tuple(event.event_id for event in events)
        if self.course.raw:
            content = protocol.raw_bytes(stream_id, events[0], boot_id=boot_id, offset_ms=offset_ms)
            return _Batch("/api/v1/ingest/raw", ids, content)
        content = protocol.ingest_bytes(stream_id, events, boot_id=boot_id, offset_ms=offset_ms)
        return _Batch("/api/v1/ingest", ids, content)

    def _send(self, batch: _Batch) -> Pause:
        answer = self._exchange("POST", batch.path, batch.content)
        return self._do(protocol.after_ingest(self.course, answer, batch.ids))

    def _do(self, step: Step) -> Pause:
        """Do what the protocol decided. The settling is on the disk before anybody hears of a verdict."""
        if not step.same_bytes:
            self._batch = None
        if step.settle:
            self._outbox.settle(step.settle, now=self._clocks.now())
        if step.fork is not None:
            _log.warning("new stream: %s", step.fork)
            self._outbox.fork(step.fork)
        if step.rewind is not None:
            again = self._outbox.rewind(step.rewind)
            _log.warning("the server was restored: %d events are sent again", again)
        self.course = step.course
        if step.settle:
            self._call(self._listeners.on_results, list(step.settle))
        self._tell(step.state, step.detail)
        told = replace(step, wait_s=self._rhythm.ask_again_s) if step.state in protocol.SHUT_OUT else step
        return Pause(protocol.pause_s(told, self._clocks.random(), self._rhythm.backoff_cap_s))

    # --- plan and floor -----------------------------------------------------------------------------------------------

    def _fetch_plan(self) -> Pause:
        wanted, self._wanted_plan = self._wanted_plan, None  # asked for again at the next hello if this fails
        answer = self._exchange("GET", "/api/v1/plan")
        plan = json_object(answer)
        if plan is None:
            return self._without("the plan", answer)
        self._plan_hash = str(plan.get("hash") or wanted)
        try:
            write_whole(self._plan_file, json.dumps({"hash": self._plan_hash, "plan": plan}).encode())
        except OSError as error:
            _log.warning("the plan could not be cached: %r", error)  # it still counts for today
        self._call(self._listeners.on_plan, plan)
        return Pause(0.0)

    def _fetch_floor(self) -> Pause:
        self._floor_at = self._clocks.mono_s() + self._rhythm.floor_s
        answer = self._exchange("GET", f"/api/v1/floor?since={self._cursor}")
        floor = protocol.reply_of(answer, FloorReply)
        if floor is None:
            return self._without("the floor", answer)
        if floor.whole or floor.cursor != self._cursor:
            self._cursor = floor.cursor
            self._call(self._listeners.on_floor, floor)
        return Pause(0.0)

    def _without(self, what: str, answer: Answer | Silence) -> Pause:
        """It did not come. Silence and refusals concern the link, so a hello has to tell; the rest can wait."""
        if isinstance(answer, Silence) or answer.status in (401, 403, 426):
            self.course = replace(self.course, greeted=False)
        else:
            _log.warning("the server did not send %s: %d", what, answer.status)
        return Pause(0.0)

    # --- tell ---------------------------------------------------------------------------------------------------------

    def _tell(self, state: LinkState, detail: str | None) -> None:
        before = self.status
        since = before.since if before.state == state else self._clocks.now()
        self.status = replace(before, state=state, since=since, detail=before.detail if detail is None else detail)
        if state != before.state:
            _log.info("link %s %s", state, self.status.detail)
        if self.status != self._told:
            self._told = self.status
            self._call(self._listeners.on_link, self.status)

    @staticmethod
    def _call(listener: Callable[[Any], None], value: object) -> None:
        try:
            listener(value)
        except Exception:
            _log.exception("a listener failed")
