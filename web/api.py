"""The stations' door: enroll, hello, ingest, plan, floor. HTTP in, a use case, HTTP out; every status has its reason.

docs/protocol.md says it in words. Socket.IO never carries a fact; everything that matters comes through here.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import datetime, timedelta
from math import ceil
from time import monotonic
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from flask import Blueprint, Response, g, request
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import enrolment, floor, keys, ledger, overrides, passwords, revisions, wire
from mes.db.base import utc_text
from mes.db.tables import Meta, Presence, Stream
from mes.ingest import Batch, Refusal
from web.api_talk import Rejected, answered, attach, parsed
from web.auth import role
from web.keys import bearer
from web.site import site

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
log = logging.getLogger(__name__)
MAX_RAW: Final = 1_048_576  # bytes of one event that is handed in unread


attach(blueprint, lambda: {"since"})


@blueprint.post("/enroll")
@role("door")
def enroll() -> Response:
    """A one-time code for a token. Whoever guesses waits, and is told the same of every code that opens nothing."""
    here, address = site(), request.remote_addr or ""
    shut_s = here.tries.shut_for_s(address, monotonic())
    if shut_s:
        said = "Too many wrong codes came from this address. Wait, then use a new code: mes station add."
        raise Rejected(429, "too_many_tries", said, ceil(shut_s))
    asked = parsed(wire.EnrollRequest)
    reply = here.do(lambda session, now: enrolment.enroll(session, asked, now=now))
    here.tokens.forget()
    if reply is None:
        here.tries.wrong(address, monotonic())
        log.warning("a wrong enrolment code from %s", address)
        raise Rejected(403, "bad_code", "This code is unknown, used or too old. Make a new one: mes station add.")
    return answered(reply)


@blueprint.post("/hello")
@role("station")
def hello() -> Response:
    """Where the station stands, where the server stands."""
    asked = parsed(wire.HelloRequest)
    if asked.proto != wire.PROTO:
        raise Rejected(426, "old_agent", f"This server speaks protocol {wire.PROTO}. Update the agent; keep capturing.")
    try:
        there = datetime.fromisoformat(asked.now)
    except ValueError as error:  # the 30th of February has the form of a day
        raise Rejected(400, "bad_request", "now: there is no such time.") from error
    here, station, token = site(), g.station, bearer()
    answer = here.do(lambda session, now: _hello(session, station, token, asked, now, now - there))
    if isinstance(answer, Refusal):
        raise _refused(answer, station, asked.stream_id)
    here.copies.discard(asked.stream_id)
    return answered(answer)


def _hello(
    session: Session, station: str, token: str, asked: wire.HelloRequest, now: datetime, ahead: timedelta
) -> wire.HelloReply | Refusal:
    stream = session.get(Stream, asked.stream_id)
    if stream is not None and stream.station != station:
        keys.raise_alarm(session, station, "stream", asked.machine_id, now=now)
        return Refusal("foreign_stream")
    key, machine, boot = keys.digest(token), asked.machine_id, asked.boot_id
    if not keys.check_machine(session, station, key, machine, boot, now=now):
        first = session.get(Presence, station)
        if first is None or first.stream_id != asked.stream_id:  # a copy that still has the first one's stream forks
            site().copies.add(asked.stream_id)
        return Refusal("second_machine")
    known = session.get(Presence, station)
    offset = round(ahead.total_seconds() * 1000)
    session.merge(
        Presence(
            station=station,
            stream_id=asked.stream_id,
            agent=asked.agent,
            machine_id=asked.machine_id,
            seen_at=utc_text(now),
            kept=asked.kept,
            offset_ms=max(-(2**53), min(2**53, offset)),
            alarm=known.alarm if known else "",
        )
    )
    plan = revisions.latest(session)
    return wire.HelloReply(
        server_gen=session.scalar(select(Meta.value).where(Meta.key == "server_gen")) or "",
        station=station,
        hwm=wire.Mark(seq=stream.hwm_seq if stream else 0, event_id=stream.hwm_event_id if stream else None),
        safe_seq=0,
        now=utc_text(now),
        max_events=wire.MAX_EVENTS,
        max_bytes=wire.MAX_BYTES,
        plan=wire.PlanMark(revision=plan.revision, hash=plan.hash) if plan else None,
        cursor=ledger.last_position(session),
        next_token=keys.next_token(session, token, now=now),
    )


@blueprint.post("/ingest")
@role("station")
def ingest() -> Response:
    """A batch of events; the answer comes after the commit."""
    asked = parsed(wire.IngestRequest)
    for before, after in zip(asked.events, asked.events[1:], strict=False):
        if after.seq != before.seq + 1:
            raise Rejected(400, "not_contiguous", f"Sequence {after.seq} follows {before.seq}. Send without gaps.")
    return _judged(Batch(g.station, asked))


@blueprint.post("/ingest/raw")
@role("station")
def ingest_raw() -> Response:
    """One event that the server has failed on again and again: kept as it is, unread, so that the next ones flow."""
    asked = parsed(wire.RawRequest, MAX_RAW)
    stream_id, event = asked.stream_id, asked.event.model_dump()
    operator, veil = event.pop("operator", None), event.pop("veil", None)
    try:
        text = json.dumps(event, ensure_ascii=True, allow_nan=False)
    except ValueError as error:
        raise Rejected(400, "bad_json", "A number must be finite.") from error
    try:
        event_id = str(UUID(event.get("event_id")))
    except (ValueError, TypeError, AttributeError):
        event_id = str(uuid5(NAMESPACE_OID, f"{stream_id} {asked.event.seq} {text}"))
    sha = event.get("sha256")
    envelope = wire.Envelope.model_construct(  # not validated: it is kept because it is not valid
        seq=asked.event.seq,
        event_id=event_id,
        kind="Raw",
        captured_at=utc_text(site().clock()),
        # In their own columns or nowhere: what stands in the body can never be forgotten.
        operator=operator if _fits(wire.OperatorId, operator) else None,
        veil=veil if _fits(wire.Veil, veil) else wire.new_veil(),
        body=text,
        sha256=sha if isinstance(sha, str) and re.fullmatch("[0-9a-f]{64}", sha) else "0" * 64,
    )
    return _judged(Batch(g.station, wire.IngestRequest.model_construct(stream_id=stream_id, events=(envelope,))))


def _fits(kind: Any, value: Any) -> bool:
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def _judged(batch: Batch) -> Response:
    here = site()
    if batch.request.stream_id in here.copies:
        raise _refused(Refusal("second_machine"), batch.station, batch.request.stream_id)
    answer = here.writer.ingest(batch).result(timeout=here.write_limit_s)
    if isinstance(answer, Refusal):
        if answer.error == "foreign_stream":
            here.do(lambda session, now: keys.raise_alarm(session, batch.station, "stream", "", now=now))
        raise _refused(answer, batch.station, batch.request.stream_id)
    return answered(answer)


@blueprint.post("/override")
@role("station")
def override() -> Response:
    """A supervisor's badge and PIN, for what the gate has refused. Tries are counted by station and by badge.

    An unknown badge, one of somebody else and a wrong PIN are the same answer after the same work.
    """
    here, station = site(), g.station
    asked = parsed(wire.OverrideRequest)
    places = (f"at {station}", f"badge {asked.badge}")
    shut_s = max([here.pins.take(place, monotonic()) for place in places])
    if shut_s:
        raise Rejected(429, "too_many_tries", "Too many tries at this bench, or with this badge. Wait.", ceil(shut_s))
    with here.reading() as session:
        by, kept = overrides.supervisor_of(session, asked.badge)
    pin = kept if passwords.matches(kept, asked.pin) else None
    answer = here.do(lambda session, now: overrides.decide(session, station, asked, by=by, pin=pin, now=now))
    if pin is not None:
        for place in places:
            here.pins.right(place)
    return answered(wire.OverrideReply(go=answer.done, reason=answer.reason, args=dict(answer.args)))


REFUSED: Final = {
    "foreign_stream": (403, "This stream belongs to another station."),
    "second_machine": (403, "Another PC holds this station's key. Keep capturing. Enrol this PC: mes station add."),
    "fork": (409, "Another event has this number. Begin a new stream; keep the event ids; send all."),
}


def _refused(refusal: Refusal, station: str, stream_id: str) -> Rejected:
    log.warning("station %s: %s on stream %s", station, refusal.error, stream_id)
    status, message = REFUSED[refusal.error]
    return Rejected(status, refusal.error, message)


@blueprint.get("/plan")
@role("station")
def plan() -> Response:
    """The latest plan, and the older ones that open orders are pinned to."""
    with site().reading() as session:
        found = floor.plans(session)
    if found is None:
        raise Rejected(404, "no_plan", "No plan is published yet. Run: mes plan publish.")
    return Response(json.dumps(found, ensure_ascii=False), mimetype="application/json")


@blueprint.get("/floor")
@role("station")
def changes() -> Response:
    """What has changed on the floor after a ledger position."""
    since = request.args.get("since", "0")
    if not re.fullmatch("[0-9]{1,15}", since):
        raise Rejected(400, "bad_request", "since is a whole number from 0.")
    with site().reading() as session:
        return answered(floor.changes(session, int(since), g.station))
