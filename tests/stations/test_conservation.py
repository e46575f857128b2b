"""Whatever happens between station and server, every kept event is at the server once, in order, when the dust settles.

The real outbox and the real conversation talk to a reference server through a network that loses, repeats, delays and
tears; both sides crash, the server is restored from its backup, the station's disk from an old image. The mutants leave
out one rule each: if the machine did not fail on them, it would not be worth much.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mes.wire import FloorReply, HelloReply, IngestResult
from stations import protocol
from stations.conversation import Clocks, Conversation, Listeners
from stations.outbox import Draft, Outbox, utc_text
from stations.protocol import Answer, Course, Silence, Step
from tests.stations.reference_server import CRASHER, POISON, ReferenceServer, Rules

Fate = Literal["arrives", "request lost", "reply lost", "twice", "late", "dies before commit", "torn"]
FATES: tuple[Fate, ...] = ("arrives", "request lost", "reply lost", "twice", "late", "dies before commit", "torn")
NO_FLOOR = (
    FloorReply(cursor=0, whole=False, orders=(), units=(), components=(), held_lots=()).model_dump_json().encode()
)
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class NotConserved(AssertionError):
    """An event was lost, doubled, out of order, or acked without being there."""


@dataclass(frozen=True)
class System:
    """The protocol as it is, or with one rule left out."""

    rules: Rules = field(default_factory=Rules)
    outbox: type[Outbox] = Outbox
    after_hello: Callable[..., Step] = protocol.after_hello
    answers_before_commit: bool = False


class Crowd(RuleBasedStateMachine):
    """One station, one server, and everything that can come between them."""

    system = System()

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(protocol, "after_hello", self.system.after_hello)
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.path, self.image_path = self.folder / "outbox.db", self.folder / "image.db"
        self.server = ReferenceServer(rules=self.system.rules)
        self.now, self.mono = datetime(2026, 3, 2, tzinfo=UTC), 0.0
        self.fate: Fate = "arrives"
        self.fates_of_batches: list[Fate] = []
        self.delayed: list[tuple[str, bytes]] = []
        self.machine = 1
        self.order: dict[str, int] = {}  # event id -> when it was kept
        self.expected: set[str] = set()  # must be at the server in the end
        self.orphaned: set[str] = set()  # were on a disk that is no more
        self.image: set[str] | None = None

    @initialize(max_events=st.sampled_from([2, 3, 200]), has_an_image=st.booleans())
    def begin(self, max_events: int, has_an_image: bool) -> None:
        self.server.max_events = max_events
        self._switch_on()
        if has_an_image:
            self.an_image_of_the_disk_is_made()

    def teardown(self) -> None:
        try:
            if hasattr(self, "outbox"):
                self.drain()
        finally:
            self.patch.undo()
            if hasattr(self, "outbox"):
                self.outbox.close()
            self.server.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- the station --------------------------------------------------------------------------------------------------

    @rule(n=st.integers(1, 4), kind=st.sampled_from(["UnitsArrived"] * 8 + [POISON, CRASHER]))
    def keep(self, n: int, kind: str) -> None:
        drafts = [Draft(kind, "{}", None), *[Draft("UnitsArrived", "{}", None)] * (n - 1)]
        for event in self.outbox.keep(drafts, captured_at=utc_text(self.now), mono_ms=0):
            self.order[event.event_id] = len(self.order)
            self.expected.add(event.event_id)

    @rule(fate=st.sampled_from(("arrives", *FATES)))
    def step(self, fate: Fate) -> None:
        self.fate = fate
        self.conversation.step()
        self.fate = "arrives"

    @rule(n=st.integers(1, 3), fate=st.sampled_from(FATES), steps_after=st.integers(0, 4))
    def events_are_sent_and_meet(self, n: int, fate: Fate, steps_after: int) -> None:
        self.keep(n, "UnitsArrived")
        self.fates_of_batches = [fate]
        for _ in range(6):
            self.conversation.step()
            if not self.fates_of_batches:
                break
        self.fates_of_batches = []
        for _ in range(steps_after):
            self.conversation.step()

    @rule(days=st.sampled_from([0, 0, 8]))
    def a_while_passes(self, days: int) -> None:
        self.mono += 61
        self.now += timedelta(days=days)

    @rule()
    def the_station_crashes(self) -> None:
        self.outbox.close()
        self._switch_on()

    @rule()
    def an_image_of_the_disk_is_made(self) -> None:
        self.image = self._on_disk()
        self.image_path.unlink(missing_ok=True)
        source, target = sqlite3.connect(self.path), sqlite3.connect(self.image_path)
        source.backup(target)
        source.close()
        target.close()

    @precondition(lambda self: self.image is not None)
    @rule(other_machine=st.sampled_from([False, False, True]))
    def the_station_is_set_up_again_from_the_image(self, other_machine: bool) -> None:
        assert self.image is not None
        gone = self._on_disk() - self.image
        self.outbox.close()
        shutil.copy(self.image_path, self.path)
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        self.orphaned |= gone
        self._give_up_what_is_nowhere()
        self.machine += other_machine
        self._switch_on()

    # --- the server and the network -----------------------------------------------------------------------------------

    @rule()
    def the_server_is_backed_up(self) -> None:
        self.server.back_up()

    @rule()
    def the_server_is_restored(self) -> None:
        self.server.restore()
        self._give_up_what_is_nowhere()

    @precondition(lambda self: self.delayed)
    @rule(data=st.data())
    def an_old_request_arrives(self, data: st.DataObject) -> None:
        self.server.post(*data.draw(st.sampled_from(self.delayed)))

    # --- what must hold -----------------------------------------------------------------------------------------------

    @rule()
    def drain(self) -> None:
        self.mono += 61
        for _ in range(100 + 60 * len(self.order)):
            if self.conversation.step().idle:
                break
        else:
            raise NotConserved("it never comes to rest: something blocks the stream")
        missing = self.expected - set(self.server.ids())
        if missing or self.outbox.kept_count():
            raise NotConserved(f"{len(missing)} events are lost, {self.outbox.kept_count()} still wait")

    @invariant()
    def nothing_is_there_twice_or_out_of_nowhere(self) -> None:
        counted = Counter(self.server.ids())
        if any(count > 1 for count in counted.values()):
            raise NotConserved("an event is at the server twice")
        assert set(counted) <= set(self.order)

    @invariant()
    def each_stream_is_in_order(self) -> None:
        last: dict[str, tuple[int, int]] = {}
        for row in self.server.ledger():
            place = (row.seq, self.order[row.event_id])
            before = last.get(row.stream, (0, -1))
            if place[0] <= before[0] or place[1] <= before[1]:
                raise NotConserved("a stream is out of order")
            last[row.stream] = place

    @invariant()
    def what_is_acked_is_at_the_server_unless_it_was_restored_and_has_not_been_greeted_since(self) -> None:
        if not hasattr(self, "outbox") or self.outbox.standing().server_gen != self.server.server_gen:
            return
        acked = {kept.event.event_id for kept in self.outbox.newest(10_000) if kept.state != "new"}
        if not acked <= set(self.server.ids()):
            raise NotConserved("an event is acked that the server does not have")

    # --- within -------------------------------------------------------------------------------------------------------

    def _switch_on(self) -> None:
        self.outbox = self.system.outbox.open(
            self.path, machine_id=f"pc-{self.machine}", boot_id="b", clock=lambda: self.now
        )
        assert self.outbox.set_aside is None
        self.conversation = Conversation(
            self.outbox,
            self._exchange,
            Listeners(lambda _: None, lambda _: None, lambda _: None, lambda _: None),
            agent="test",
            plan_file=self.folder / "plan.json",
            clocks=Clocks(lambda: self.now, lambda: self.mono, lambda: 0.0),
        )

    def _exchange(self, method: str, path: str, body: bytes | None = None) -> Answer | Silence:
        if method == "GET":
            return Answer(200, NO_FLOOR)
        assert body is not None
        fate = self.fate
        if self.fates_of_batches and path != "/api/v1/hello":
            fate = self.fates_of_batches.pop()
        match fate:
            case "late":
                self.delayed.append((path, body))
                return Silence("lost, for now")
            case "request lost":
                return Silence("lost")
            case "dies before commit":
                answer = Answer(*self.server.post(path, body, commit=False))
                return answer if self.system.answers_before_commit else Silence("died")
            case "reply lost":
                self.server.post(path, body)
                return Silence("lost")
            case "twice":
                self.server.post(path, body)
                return Answer(*self.server.post(path, body))
            case "torn":
                status, content = self.server.post(path, body)
                return Answer(status, content[: len(content) // 2])
            case _:
                return Answer(*self.server.post(path, body))

    def _on_disk(self) -> set[str]:
        return {kept.event.event_id for kept in self.outbox.newest(10_000)}

    def _give_up_what_is_nowhere(self) -> None:
        """An event that was only on a disk which is no more, and not at the server, cannot be asked for."""
        self.expected -= self.orphaned - set(self.server.ids())


def bounded(examples: int, steps: int, *, seed_is_fixed: bool) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=seed_is_fixed,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate] if seed_is_fixed else [Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )


def test_every_kept_event_is_at_the_server_exactly_once_whatever_happens() -> None:
    # More with HYPOTHESIS_EXAMPLES=10000, over night.
    examples = int(os.environ.get("HYPOTHESIS_EXAMPLES", "150"))
    run_state_machine_as_test(Crowd, settings=bounded(examples, 40, seed_is_fixed=False))


# --- mutants ----------------------------------------------------------------------------------------------------------


class DeletesOnAck(Outbox):
    """Trusts that the server keeps what it has acked."""

    def settle(self, results: Sequence[IngestResult], *, now: datetime) -> int:
        settled = super().settle(results, now=now)
        self.forget(2**52, now + timedelta(days=8))
        return settled


class AcksUpToTheMark(Outbox):
    """Takes the server's high-water mark for an ack of everything below."""

    def event_id_at(self, seq: int) -> str | None:
        below = [event for event in self.pending(10_000, 10**9) if event.seq <= seq]
        self.settle([IngestResult(event_id=e.event_id, status="recorded") for e in below], now=datetime.now(UTC))
        return super().event_id_at(seq)


class NeverRewinds(Outbox):
    """Does not send again what a restored server has lost."""

    def rewind(self, hwm_seq: int) -> int:
        return 0


def compares_no_ids(
    course: Course, answer: Answer | Silence, reply: HelloReply | None, *, held: str | None, standing: Any
) -> Step:
    """The rule without the fork check: numbers alone."""
    return protocol_after_hello(
        course, answer, reply, held=None if reply is None else reply.hwm.event_id, standing=standing
    )


protocol_after_hello = protocol.after_hello

MUTANTS = {
    "no event-id dedupe": System(Rules(knows_event_ids=False)),
    "ack before commit": System(answers_before_commit=True),
    "delete on ack": System(outbox=DeletesOnAck),
    "bare cumulative ack": System(outbox=AcksUpToTheMark, after_hello=compares_no_ids),
    "no fork check": System(Rules(refuses_taken_numbers=False), after_hello=compares_no_ids),
    "no quarantine": System(Rules(quarantines=False)),
    "no contiguous prefix": System(Rules(refuses_gaps=False)),
    "no rewind": System(outbox=NeverRewinds),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_machine_fails_when_one_rule_is_left_out(name: str) -> None:
    mutant = type("Mutant", (Crowd,), {"system": MUTANTS[name]})
    with pytest.raises(NotConserved):
        run_state_machine_as_test(mutant, settings=bounded(400, 40, seed_is_fixed=True))
