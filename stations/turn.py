"""The state of a bench session, and the three things that an input can make of it: say, keep, ask.

A `Turn` carries the session through the functions that handle one input and collects the drafts and commands on the
way. Everything is frozen. No rule of the work stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from mes import wire
from mes.domain.barcode import Code
from mes.domain.calibration import Named
from mes.domain.gate import Unit
from mes.domain.reasons import REASONS, Tone, tone
from mes.domain.route import Test
from stations import recall as floor
from stations.boxing import Box
from stations.counting import Lot
from stations.hints import HINTS, NC_TO_COME, Hint
from stations.inputs import AgentCommand, Offer, VerdictCame
from stations.outbox_rows import Draft
from stations.recall import Recall
from stations.view import Banner, Device, Link
from stations.work import Work

LINE_TESTER: Final = "line-tester"
ANSWER_MS: Final = 2_000
"""How long an operator waits for the server before the station decides alone, milliseconds."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An event whose verdict has not come.

    `before` is the unit as it was then, `operator` who did it. `went` is what the station's own rules said when it did
    not wait any longer: the reason, and whether they let it go on; None while it waits.
    """

    token: int
    body: wire.Frozen
    asks: bool
    at_ms: int
    event_id: str = ""
    before: Unit | None = None
    operator: str | None = None
    went: tuple[bool, str] | None = None

    @property
    def unit(self) -> str | None:
        """The unit that it is about."""
        return getattr(self.body, "unit", None)


@dataclass(frozen=True, slots=True)
class LastScan:
    """What was scanned last, and when: the same again within a second is one scan that the scanner read twice."""

    code: Code | None = None
    mono_ms: int = -(10**9)


@dataclass(frozen=True, slots=True)
class LastLine:
    """The last line of a tester that talks by itself, and when it came: some send each one twice."""

    device: str = ""
    raw: str = ""
    mono_ms: int = -(10**9)


@dataclass(frozen=True, slots=True)
class Session:
    """One bench.

    `works` are the units in work here and `front` the one on the bench: at a station with one place they are the
    same, in a rack the front can be none of them. `asked` is the event that the whole bench waits for; `awaited` the
    one whose verdict the banner is about. `taking_in` is the order that units with a serial of their own are taken
    into by scan, `fresh` the unit that came last so. `loaded` says for an order and a step which lot of each part is
    used here. `box` is the carton that is being packed, `shut` a closed one that was just scanned. `let_in`: with
    which badge the server has let which unit (or order) be worked on. `instruments` are those of the station's file,
    by what a test may call them. `waiting` are events that the station waits for, `late` those that it has gone on
    without. `took` is how long each test of each step took with the last unit, milliseconds; `unsafe` the devices
    that could not be brought to rest; `told` the last line that a tester has sent by itself. `boot` is this start of
    the PC; `rack_known`: what the disk says of the rack has come, and `to_take_up` is what of it still waits for its
    plan.
    """

    station: str
    recall: Recall = field(default_factory=Recall)
    language: str = "fr"
    operator: str | None = None
    paused: bool = False
    works: tuple[Work, ...] = ()
    front: str | None = None
    lot: Lot | None = None
    taking_in: str | None = None
    fresh: str | None = None
    box: Box | None = None
    shut: str | None = None
    asked: int | None = None
    awaited: int | None = None
    waiting: Mapping[int, Pending] = field(default_factory=dict)
    late: Mapping[int, Pending] = field(default_factory=dict)
    next_token: int = 1
    next_run: int = 1
    took: Mapping[tuple[str, str], int] = field(default_factory=dict)
    unsafe: tuple[str, ...] = ()
    told: LastLine = field(default_factory=LastLine)
    lots_left: Mapping[tuple[str, str], int] = field(default_factory=dict)
    loaded: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    banner: Banner = field(default_factory=lambda: Banner("wait", "not_ready"))
    link: Link = "starting"
    kept: int = 0
    help_called: bool = False
    devices: tuple[Device, ...] = ()
    instruments: Mapping[str, Named] = field(default_factory=dict)
    boot: str = ""
    rack_known: bool = False
    to_take_up: tuple[Any, ...] = ()
    last: LastScan = field(default_factory=LastScan)
    offer: Offer | None = None
    let_in: frozenset[tuple[str, str]] = frozenset()
    now: str = "1970-01-01T00:00:00Z"
    mono_ms: int = 0

    @property
    def online(self) -> bool:
        """Whether the server can be asked."""
        return self.link == "up"

    @property
    def places(self) -> int:
        """How many units can be in work here at a time."""
        here = self.recall.plan.station(self.station) if self.recall.plan else None
        return here.places if here else 1

    @property
    def at_front(self) -> Work | None:
        """The unit on the bench."""
        return self.work(self.front) if self.front else None

    def work(self, serial: str | None) -> Work | None:
        """The unit of that serial, if it is in work here."""
        return next((w for w in self.works if w.serial == serial), None)

    def tester_of(self, test: Test) -> str:
        """The line tester that sends the result of this test by itself; empty where an instrument is asked."""
        named = [d for d in self.devices if d.name == test.instrument]
        meant = next(iter(named or [d for d in self.devices if d.family == test.instrument]), None)
        return meant.name if meant is not None and meant.family == LINE_TESTER else ""

    def waits_for(self, serial: str) -> bool:
        """Whether a verdict on this unit may still come in time."""
        return any(p.unit == serial for p in self.waiting.values())


@dataclass(frozen=True, slots=True)
class Turn:
    """What one input makes of a session: the session after it, events to keep, and things for the agent to do."""

    session: Session
    drafts: tuple[Draft, ...] = ()
    commands: tuple[AgentCommand, ...] = ()

    def put(self, **changes: Any) -> Turn:
        """Change the session."""
        return replace(self, session=replace(self.session, **changes))

    def ask(self, command: AgentCommand) -> Turn:
        """Ask the agent for something."""
        return replace(self, commands=(*self.commands, command))

    # --- say ---

    def say(
        self,
        reason: str,
        args: Mapping[str, Any] | None = None,
        *,
        colour: Tone | None = None,
        awaiting: int | None = None,
        aside: bool = False,
    ) -> Turn:
        """Put up a banner.

        Args:
            colour: another tone than the reason's own: `kept` for what the server has not judged.
            awaiting: the event whose verdict will replace it.
            aside: it is not an answer to the operator: a verdict that is still awaited will replace it.
        """
        s = self.session
        banner = Banner(colour or tone(reason), reason, whole(reason, args or {}), s.banner.serial + 1)
        return self.put(banner=banner, awaited=s.awaited if aside else awaiting)

    def not_now(self, what: object, hint: Hint) -> Turn:
        """Say that something does not fit now, and what to do instead."""
        return self.say("not_now", {"text": what, "hint": HINTS[hint]})

    def decided(self, pending: Pending, reason: str, args: Mapping[str, Any]) -> Turn:
        """Say what the station has decided alone: amber where it goes on, red where it does not."""
        in_passing = isinstance(pending.body, wire.MaterialsInstalled) or reason == "inspection_passed"
        if in_passing and self.session.awaited != pending.token:
            return self  # the operator has scanned on, and the banner is about that
        colour = "kept" if tone(reason) == "go" else tone(reason)
        return self.say(reason, args, colour=colour, awaiting=pending.token)

    # --- keep ---

    def keep(
        self,
        body: wire.Frozen,
        *,
        asks: bool = False,
        operator: str | None = None,
        by_itself: bool = False,
        kind: str = "",
    ) -> tuple[Turn, int]:
        """Make a draft of an event and remember that its verdict is due. Returns its token too.

        Args:
            asks: the operator waits for the verdict, and the server may refuse.
            operator: who, when it is not the one who is signed in.
            by_itself: nobody did it.
            kind: where it is not called as its body is.
        """
        s = self.session
        token = s.next_token
        operator = None if by_itself else operator or s.operator
        draft = Draft(
            kind=kind or type(body).__name__,
            body=body.model_dump_json(),
            operator=operator,
            asks=asks,
            token=token,
        )
        work = s.work(getattr(body, "unit", None))
        pending = Pending(token, body, asks, s.mono_ms, before=work.unit if work else None, operator=operator)
        turn = self.put(next_token=token + 1, waiting={**s.waiting, token: pending})
        return replace(turn, drafts=(*self.drafts, draft)), token

    def note(self, body: wire.Frozen, *, operator: str | None = None, by_itself: bool = False) -> Turn:
        """Keep a fact that nobody waits for: its verdict is only heard when it is bad."""
        turn, token = self.keep(body, operator=operator, by_itself=by_itself)
        return turn.overdue(token, (True, ""))

    def overdue(self, token: int, went: tuple[bool, str]) -> Turn:
        """Wait for this verdict no longer."""
        s = self.session
        pending = replace(s.waiting[token], went=went)
        waiting = {t: p for t, p in s.waiting.items() if t != token}
        turn = self.put(waiting=waiting, late={**s.late, token: pending})
        return turn.put(asked=None) if s.asked == token else turn

    def judged(self, pending: Pending) -> Turn:
        """The verdict of this event has come. When it was the unit's last open one, the unit is as the server says."""
        s = self.session
        turn = self.put(
            waiting={t: p for t, p in s.waiting.items() if t != pending.token},
            late={t: p for t, p in s.late.items() if t != pending.token},
            asked=None if s.asked == pending.token else s.asked,
        )
        s, unit = turn.session, pending.unit
        if unit is None or any(p.unit == unit for p in (*s.waiting.values(), *s.late.values())):
            return turn
        return turn.put(recall=floor.settled(s.recall, unit))

    # --- units ---

    def put_work(self, work: Work) -> Turn:
        """A unit's work has changed, or begins."""
        s = self.session
        if s.work(work.serial) is None:
            return self.put(works=(*s.works, work))
        return self.put(works=tuple(work if w.serial == work.serial else w for w in s.works))

    def free(self, serial: str) -> Turn:
        """A unit leaves the station."""
        s, work = self.session, self.session.work(serial)
        return self.put(
            works=tuple(w for w in s.works if w.serial != serial),
            front=None if s.front == serial else s.front,
            recall=floor.left(s.recall, serial, work.installed) if work else s.recall,
            let_in=frozenset(pair for pair in s.let_in if pair[1] != serial),
        )

    def forget(self, serial: str) -> Turn:
        """A unit that was made here is none after all."""
        return self.put(recall=floor.forgotten(self.session.recall, serial))

    def did(self, unit: Unit) -> Turn:
        """Remember what the station itself made of a unit."""
        return self.put(recall=floor.did(self.session.recall, unit))


def whole(reason: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with something in every place that the sentence has: a hole would show as a question mark."""
    known = REASONS.get(reason)
    names = known.names if known else frozenset()
    holes = {name: cast(Any, NC_TO_COME if name == "nc" else "–") for name in names if args.get(name) is None}
    return {**args, **holes}


def bad(verdict: VerdictCame) -> bool:
    """Whether the server said no, or holds the unit."""
    return verdict.verdict in ("refused", "held")
