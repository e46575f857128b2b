"""What a station does after each answer of the server: pure decisions, one value in, one value out.

Every rule here has been shown to lose or double events when it is left out (`tests/stations/test_conservation.py`
leaves each out in turn). It must not know sockets, files, clocks or threads: `stations.conversation` executes a `Step`.
Source for the rules and the codes: design.md 7; for the time-outs and the back-off: reliability.md 2.3.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeVar

from pydantic import ValidationError

from mes.wire import MAX_BYTES, MAX_EVENTS, Envelope, Frozen, HelloReply, IngestReply, IngestRequest, IngestResult
from stations.outbox_rows import Standing

LinkState = Literal["starting", "up", "down", "not_allowed", "not_trusted", "old_agent"]

SHUT_OUT: Final[frozenset[LinkState]] = frozenset({"not_allowed", "not_trusted", "old_agent"})
ASK_AGAIN_S: Final = 60.0  # a station that is shut out greets again this often
BACKOFF_CAP_S: Final = 60.0
LONGEST_TOLD_S: Final = 300.0  # a Retry-After beyond this is a mistake of somebody's clock
STRIKES_NARROW: Final = 2  # times that a batch breaks the server before its events are sent one by one
STRIKES_RAW: Final = 5  # times that a single event breaks it before it is handed over unread
FRAME_BYTES: Final = 128  # a request's JSON around its events

Reply = TypeVar("Reply", bound=Frozen)


@dataclass(frozen=True, slots=True)
class Answer:
    """The server said something."""

    status: int
    body: bytes
    retry_after_s: float | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """It said nothing that can be used: no connection, a time-out, half a reply. It may have done what was asked.

    `untrusted`: somebody answered who is not the server, by its certificate. Nothing was said to him.
    """

    why: str
    untrusted: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """Where the conversation stands between two exchanges.

    `greeted`: a hello was answered, and nothing has happened since that asks for another. `limit` is the size of the
    next batch, `ceiling` what it may grow to again. `unanswered` and `unsettled` count failures in a row, of the hello
    and of sending; `strikes` how often the batch in hand broke the server. With `raw`, the oldest event goes alone.
    """

    greeted: bool = False
    limit: int = MAX_EVENTS
    ceiling: int = MAX_EVENTS
    max_bytes: int = MAX_BYTES
    unanswered: int = 0
    unsettled: int = 0
    strikes: int = 0
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now, in this order: settle, rewind or fork, tell the state, wait, and go on with `course`.

    `back_off` is the number of the failure in a row that has to be waited out (0: none), `wait_s` a told time.
    `detail` None leaves the one that was told. `same_bytes`: the batch in hand is sent again as it is, for the server
    may have it already.
    """

    course: Course
    state: LinkState
    detail: str | None = ""
    settle: tuple[IngestResult, ...] = ()
    rewind: int | None = None
    fork: str | None = None
    same_bytes: bool = False
    back_off: int = 0
    wait_s: float = 0.0


def pause_s(step: Step, jitter: float, cap_s: float = BACKOFF_CAP_S) -> float:
    """How long to wait before the next exchange, seconds.

    Args:
        jitter: a random number in [0, 1). Full jitter, so that 50 stations do not return as one after a power cut.
        cap_s: the longest back-off; it begins at 1 s and doubles.
    """
    if step.back_off:
        return jitter * min(cap_s, 2.0 ** min(step.back_off - 1, 30))
    return step.wait_s * (1 + 0.1 * jitter)


def reply_of(answer: Answer | Silence, kind: type[Reply]) -> Reply | None:
    """Read a 200; None for anything else, and for a reply that is torn or says something else.

    A field that this agent does not know yet is passed over: the server is upgraded first.
    """
    if isinstance(answer, Silence) or answer.status != 200:
        return None
    try:
        return kind.model_validate_json(answer.body, extra="ignore")
    except ValidationError:
        return None


def ingest_bytes(stream_id: str, events: Sequence[Envelope], *, boot_id: str, offset_ms: int | None) -> bytes:
    """A batch as it travels. The clock offset known now is put on the events of this boot; of another we know none."""
    request = IngestRequest(stream_id=stream_id, events=tuple(_stamped(e, boot_id, offset_ms) for e in events))
    return request.model_dump_json().encode()


def raw_bytes(stream_id: str, event: Envelope, *, boot_id: str, offset_ms: int | None) -> bytes:
    """One event for POST /api/v1/ingest/raw, which stores it without reading it."""
    sent = _stamped(event, boot_id, offset_ms).model_dump(mode="json")
    return json.dumps({"stream_id": stream_id, "event": sent}).encode()


def after_hello(
    course: Course, answer: Answer | Silence, reply: HelloReply | None, *, held: str | None, standing: Standing
) -> Step:
    """Decide after a hello.

    Args:
        reply: the answer, read; None if it could not be.
        held: the event id that this station has at the server's high-water mark, None if it has none there.
        standing: where the outbox stood when the hello was written.
    """
    if reply is None or (reply.hwm.seq > 0 and reply.hwm.event_id is None):
        return _no_use(replace(course, greeted=False, unanswered=course.unanswered + 1), answer, course.unanswered + 1)
    hwm = reply.hwm.seq
    if hwm < standing.floor:
        # What lies between was in no backup, though the server said so. Here it would wait for it forever.
        return _fork(course, f"the server lost the events {hwm + 1} to {standing.floor}, which it had called safe")
    if hwm > 0 and held != reply.hwm.event_id:
        # This disk is a copy, or an older state, of one that went on: its numbers are taken.
        return _fork(course, f"the server has another event at {hwm} than this station")
    ceiling = max(1, min(reply.max_events, MAX_EVENTS))
    greeted = replace(
        course,
        greeted=True,
        unanswered=0,
        unsettled=course.unsettled if standing.kept else 0,
        ceiling=ceiling,
        limit=min(course.limit, ceiling),
        max_bytes=min(reply.max_bytes, MAX_BYTES),
    )
    # While it does not take what waits, a server that greets is no link that is up: the banner would flicker.
    state: LinkState = "down" if greeted.unsettled else "up"
    if hwm < standing.acked:
        return Step(greeted, state, f"server restored: from {hwm + 1} again", rewind=hwm)
    return Step(greeted, state, None if greeted.unsettled else "", same_bytes=True)


def after_ingest(course: Course, answer: Answer | Silence, sent: Sequence[str]) -> Step:
    """Decide after a batch, or after a single event that went raw. `sent`: its event ids, in order."""
    reply = reply_of(answer, IngestReply)
    failed = course.unsettled + 1
    if reply is not None:
        return _after_results(course, reply, sent)
    match answer:
        case Answer(status=409):
            return _fork(course, "the server has another event under a number of this stream")
        case Answer(status=413) if len(sent) > 1:
            half = max(1, len(sent) // 2)
            return Step(replace(course, limit=half, ceiling=half, strikes=0), "up", "413: the batch is halved")
        case Answer(status=status) if status == 413 or _is_a_strike(status):
            return _after_strike(replace(course, unsettled=failed), status, len(sent))
        case _:
            return _no_use(replace(course, unsettled=failed), answer, failed)


def _after_results(course: Course, reply: IngestReply, sent: Sequence[str]) -> Step:
    asked = frozenset(sent)
    settle = tuple(r for r in reply.results if r.status != "gap" and r.event_id in asked)
    gap = any(r.status == "gap" for r in reply.results)
    if not settle:
        # A gap is no answer for good: greet, and learn where the server stands. Counted, or it would be a tight loop.
        failed = replace(course, greeted=not gap and course.greeted, unsettled=course.unsettled + 1)
        detail = "gap" if gap else "a reply without results"
        return Step(failed, "up" if gap else "down", detail, same_bytes=not gap, back_off=failed.unsettled)
    onward = replace(
        course,
        greeted=course.greeted and not gap,
        limit=min(course.limit * 2, course.ceiling),
        unsettled=0,
        strikes=0,
        raw=False,
    )
    return Step(onward, "up", "gap" if gap else "", settle=settle)


def _after_strike(course: Course, status: int, size: int) -> Step:
    """The server broke on what it got. It must greet before the next try: only then is it the event's fault."""
    strikes = 0 if course.raw else STRIKES_RAW if status == 413 else course.strikes + 1
    again = replace(course, greeted=False, strikes=strikes, raw=False)
    if size > 1 and strikes >= STRIKES_NARROW:
        narrow = replace(again, limit=1, strikes=0)
        return Step(narrow, "down", f"{status}: one by one", back_off=course.unsettled)
    if size == 1 and strikes >= STRIKES_RAW:
        return Step(replace(again, strikes=0, raw=True), "down", f"{status}: goes raw", back_off=course.unsettled)
    return Step(again, "down", str(status), same_bytes=not course.raw, back_off=course.unsettled)


def _no_use(course: Course, answer: Answer | Silence, failures: int) -> Step:
    """An answer that says nothing about the events: the same bytes again, later."""
    if isinstance(answer, Silence) and answer.untrusted:
        away = replace(course, greeted=False)
        return Step(away, "not_trusted", answer.why, same_bytes=True, wait_s=ASK_AGAIN_S)
    if isinstance(answer, Silence):
        return Step(replace(course, greeted=False), "down", answer.why, same_bytes=True, back_off=failures)
    away = replace(course, greeted=False)
    match answer.status:
        case 401 | 403:
            return Step(away, "not_allowed", str(answer.status), same_bytes=True, wait_s=ASK_AGAIN_S)
        case 426:
            return Step(away, "old_agent", "426", same_bytes=True, wait_s=ASK_AGAIN_S)
        case 429 | 503 if answer.retry_after_s is not None:
            told = min(max(answer.retry_after_s, 0.0), LONGEST_TOLD_S)
            return Step(course, "down", f"{answer.status}: in {told:g} s", same_bytes=True, wait_s=told)
        case 429 | 503:
            return Step(course, "down", str(answer.status), same_bytes=True, back_off=failures)
        case 200:
            return Step(away, "down", "a reply that cannot be read", same_bytes=True, back_off=failures)
        case status:
            return Step(away, "down", str(status), same_bytes=True, back_off=failures)


def _is_a_strike(status: int) -> bool:
    """Whether an answer may be the fault of the events: not a gateway's 502 and 504, a 503, a redirect or a refusal."""
    return status >= 400 and status not in (401, 403, 409, 413, 426, 429, 502, 503, 504)


def _fork(course: Course, why: str) -> Step:
    """New stream. Counted as a failure until something settles, so that a server that always says 409 is no loop."""
    begun = Course(max_bytes=course.max_bytes, unsettled=course.unsettled + 1)
    return Step(begun, "up", "fork", fork=why, back_off=course.unsettled)


def _stamped(event: Envelope, boot_id: str, offset_ms: int | None) -> Envelope:
    if offset_ms is None or event.boot_id != boot_id:
        return event
    return event.model_copy(update={"offset_ms": offset_ms})
