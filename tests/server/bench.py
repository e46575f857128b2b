"""A station as the server sees it: keeps its own stream, hashes its events, sends them. For tests and measurements."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mes import accounts, orders, releases, revisions, wire
from mes.commands_office import publish_plan
from mes.db.base import utc_text
from mes.db.session import engine_for, reading, writing
from mes.domain.route import Plan
from mes.ingest import Batch, Refusal, ingest
from tests.databases import migrated

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@dataclass
class Clock:
    """The time of a test: it moves only when told."""

    now: datetime = START

    def tick(self, seconds: float = 1.0) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


OPERATOR = "007"
PERSON = "P-TEST"


def give_badge(
    session: Session, badge: str = OPERATOR, person: str = PERSON, *, now: datetime, until: str = "2099-12-31"
) -> None:
    """A badge with a number that tests can read, for somebody who may do everything that the plan asks for."""
    body = wire.BadgeIssued(badge=badge, person=person, language="fr")
    assert orders.request(session, "BadgeIssued", body, now=now, actor=None).done
    plan = revisions.latest_plan(session)
    assert plan is not None
    for each in plan.plant.qualifications:
        granted = wire.QualificationGranted(person=person, qualification=each.id, valid_until=until)
        assert orders.request(session, "QualificationGranted", granted, now=now, actor=None).done


def uuid_from(number: int) -> str:
    return str(UUID(int=number, version=4))


@dataclass
class Bench:
    """One station's outbox, in memory."""

    station: str
    clock: Clock = field(default_factory=Clock)
    operator: str | None = OPERATOR
    stream_id: str = field(default_factory=lambda: str(uuid4()))
    seq: int = 0

    def event(
        self, kind: str, *, asks: bool = False, v: int = 1, event_id: str | None = None, **body: Any
    ) -> wire.Envelope:
        """The next event of this stream."""
        self.seq += 1
        return self.envelope(self.seq, kind, json.dumps(body), asks=asks, v=v, event_id=event_id)

    def envelope(
        self, seq: int, kind: str, body: str, *, asks: bool = False, v: int = 1, event_id: str | None = None
    ) -> wire.Envelope:
        fields: dict[str, Any] = {
            "event_id": event_id or str(uuid4()),
            "kind": kind,
            "v": v,
            "captured_at": utc_text(self.clock.tick()),
            "mono_ms": int(self.clock.now.timestamp() * 1000),
            "boot_id": "boot",
            "asks": asks,
            "body": body,
        }
        veil = wire.new_veil()
        sha256 = wire.digest(mark=wire.operator_mark(self.operator, veil), **fields)
        return wire.Envelope(seq=seq, sha256=sha256, operator=self.operator, veil=veil, **fields)

    def batch(self, *events: wire.Envelope) -> Batch:
        return Batch(self.station, wire.IngestRequest(stream_id=self.stream_id, events=events))

    # --- what a bench does with a unit ---

    def arrive(self, unit: str, step: str, *, asks: bool = True) -> wire.Envelope:
        return self.event("UnitsArrived", unit=unit, step=step, asks=asks)

    def fit(
        self, unit: str, part: str, *, serial: str | None = None, lot: str | None = None, asks: bool = True
    ) -> wire.Envelope:
        return self.event("MaterialsInstalled", unit=unit, step="fit", part=part, serial=serial, lot=lot, asks=asks)

    def test(
        self, unit: str, value: float, *, step: str = "test", low: float = 1.0, high: float = 5.0
    ) -> wire.Envelope:
        outcome = "passed" if low <= value <= high else "failed"
        reading = {"test": "volt", "outcome": outcome, "value": value, "unit": "V", "raw": str(value)}
        return self.event("UnitsTested", unit=unit, step=step, outcome=outcome, tests=[reading])

    def look(self, unit: str, *defects: str) -> wire.Envelope:
        result = "failed" if defects else "passed"
        return self.event("UnitsInspected", unit=unit, step="look", result=result, defects=list(defects))

    def done(self, unit: str, step: str, *, asks: bool = True) -> wire.Envelope:
        return self.event("WorkCompleted", unit=unit, step=step, asks=asks)


class Floor:
    """A server's database with a published plan, and benches that talk to it. Every batch is sent twice."""

    def __init__(self, url: str, plan: Plan, *, twice: bool = True) -> None:
        self.engine: Engine = engine_for(url)
        migrated(self.engine)
        self.clock = Clock()
        self.twice = twice
        self.benches: dict[str, Bench] = {}
        with writing(self.engine) as session:
            assert publish_plan(session, plan, now=self.clock.now).done
            give_badge(session, now=self.clock.now)

    def close(self) -> None:
        self.engine.dispose()

    def bench(self, station: str) -> Bench:
        return self.benches.setdefault(station, Bench(station, self.clock))

    def order(self, product: str, quantity: int, *, order: str = "OF-1", release: bool = True) -> str:
        """A released order."""
        self.do(orders.create, order, product, quantity)
        if release:
            self.do(orders.release, order)
        return order

    def do(self, verb: Any, *args: Any, **kwargs: Any) -> orders.Answer:
        with writing(self.engine) as session:
            answer: orders.Answer = verb(session, *args, now=self.clock.tick(), **kwargs)
            return answer

    def quality(self, *roles: wire.Role) -> str:
        """The pseudonym of an account with these roles; with the authority to release where none is said."""
        login = "-".join(roles) or "quality"
        with writing(self.engine) as session:
            found = accounts.find(session, login)
            if found is None:
                accounts.add(session, login.title(), login, roles or ("quality",), "x", now=self.clock.now)
                found = accounts.find(session, login)
            assert found is not None
            return found.person

    def let_go(self, order: str = "OF-1") -> orders.Answer:
        """Quality releases what an order has finished."""
        who = self.quality()
        with reading(self.engine) as session:
            found = releases.check(session, order, "finished")
        assert found is not None
        return self.do(releases.release, order, max(1, found.count), actor=who, scope="finished")

    def send(self, bench: Bench, *events: wire.Envelope) -> list[wire.IngestResult]:
        """Send events; send them again; the second answer must say the same of each."""
        first = self.send_once(bench, *events)
        if self.twice:
            again = self.send_once(bench, *events)
            for a, b in zip(first, again, strict=True):
                assert (a.verdict, a.reason, a.args) == (b.verdict, b.reason, b.args)
                assert b.status == ("quarantined" if a.status == "quarantined" else "duplicate")
        return first

    def send_once(self, bench: Bench, *events: wire.Envelope) -> list[wire.IngestResult]:
        (reply,) = self.ingest(bench.batch(*events))
        assert isinstance(reply, wire.IngestReply)
        return list(reply.results)

    def tell(self, station: str, kind: str, *, asks: bool = False, **body: Any) -> wire.IngestResult:
        """One event of a station, and what the server says to it."""
        bench = self.bench(station)
        (result,) = self.send(bench, bench.event(kind, asks=asks, **body))
        return result

    def ingest(self, *batches: Batch) -> list[wire.IngestReply | Refusal]:
        with writing(self.engine) as session:
            return ingest(session, batches, now=self.clock.tick())
