"""Whatever happens, in whatever order: the session never raises, and always says something whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mes import wire
from mes.domain.barcode import COMMANDS, write
from mes.domain.openhtf import Record, read_record
from mes.domain.reasons import REASONS
from stations.devices.readings import Reading
from stations.inputs import (
    BadScan,
    DeviceBack,
    FloorCame,
    KeptCount,
    LanguageChosen,
    Measured,
    PlanCame,
    RecordCame,
    Taken,
    ToldByTester,
    VerdictCame,
)
from tests.builders import (
    BATTERY,
    LOT_ORDER,
    ORDER,
    OTHER,
    UNIT,
    Bench,
    a_bench,
    a_floor,
    a_plan,
    a_unit,
    args_of,
    holes,
)
from tests.htf_records import data, measurement, phase, record

Act = Callable[[Bench], object]

CODES = [
    UNIT,
    OTHER,
    "NMD-2647-99999",
    BATTERY,
    "B4-00001",
    "FUSE-30A/L1",
    "FUSE-30A",
    "[)>\x1e06\x1dPFUSE-30A\x1d1TL7\x1e\x04",
    "[)>\x1e06\x1dPOTHER\x1e\x04",
    "]C1010950110153000310L-26\x1d21S1",
    "nonsense",
    *(write("command", name) for name in COMMANDS),
    *(write("badge", badge) for badge in ("OP-07", "OP-08")),
    *(write("defect", code) for code in ("SCRATCH", "NOSUCH")),
    *(write("quantity", n) for n in (0, 1, 60)),
    *(write("order", order) for order in (ORDER, LOT_ORDER, "OF-9")),
    write("step", "FILL"),
    write("carton", "K-1"),
]
VERDICTS: list[Any] = ["accepted", "refused", "held", None]
STATUSES: list[Any] = ["recorded", "duplicate", "quarantined", "gap", "conflict"]
OUTCOMES: list[Any] = ["measured", "overflow", "rejected", "error", "timeout"]
GOOD = {"pe": 0.05, "iso": 50.0, "hipot": 1.0, "power": 1000.0}
NUMBERS = st.one_of(st.none(), st.floats(), st.sampled_from([0.05, 1.2, 50.0, 1000.0, 9.9e37]))


def scans(code: str | bytes, after_s: float) -> Act:
    return lambda bench: bench.scan(code, after_s=after_s)


def verdict(back: int, verdict: Any, status: Any, reason: str, with_args: bool, with_screen: bool) -> Act:
    """A verdict on one of the last events, sensible or not."""

    def act(bench: Bench) -> object:
        if not bench.kept:
            return None
        draft, event_id = bench.kept[-1 - back % len(bench.kept)]
        return bench.give(
            VerdictCame,
            token=draft.token if back % 2 else None,
            event_id=event_id,
            status=status,
            verdict=verdict,
            reason=reason,
            args=args_of(reason) if with_args else {},
            screen=bench.floor.screen(UNIT) if with_screen and UNIT in bench.floor.inside else None,
        )

    return act


def reads(run: int, test: str, value: float | None, unit: str | None, outcome: Any) -> Act:
    taken = Taken(test, Reading(value, unit, outcome, "raw \x1b"), "I")
    return lambda bench: bench.give(Measured, run=run, readings=(taken,))


def tells(unit: str | None, test: str, value: float | None, verdict: str | None, outcome: Any) -> Act:
    """A tester that talks by itself says something, readable or not."""
    readings = (Taken(test, Reading(value, "Mohm", outcome, "raw"), "I"),) if test else None
    return lambda bench: bench.give(
        ToldByTester, device="tester", raw=f"{unit};{value}", unit=unit, verdict=verdict, readings=readings, why="x"
    )


def leaves(unit: str, name: str, value: Any, outcome: str) -> Act:
    """A tester's program leaves a record."""
    made = record(phase("p", measurement(name, value, units="ohm")), unit=unit, outcome=outcome)
    found = read_record(data(made))
    assert isinstance(found, Record)
    return lambda bench: bench.give(RecordCame, record=found)


def goes_on(bench: Bench) -> object:
    """What a sensible operator does next: without this, chance alone hardly ever gets a unit onto the bench."""
    screen = bench.screen
    match screen.phase:
        case "signed_out":
            return bench.badge()
        case "paused":
            return bench.command("RESUME")
        case "testing":
            return bench.measure(GOOD[bench.measuring.tests[0].id]) if bench.measuring else bench.tick(3)
        case "asking":
            return bench.server().tick(3)
        case "idle":
            return bench.scan(UNIT if bench.station != "count-1" else write("order", LOT_ORDER))
    wanted = next((n for n in screen.needs if n.state == "todo"), None)
    match wanted.kind if wanted else "":
        case "component":
            return bench.scan(BATTERY if wanted and wanted.part == "BAT-48V" else "FUSE-30A/L1")
        case "inspection":
            return bench.command("PASS")
        case "quantity":
            return bench.quantity(7)
        case "test":
            return bench.scan(UNIT)
    return bench.command("DONE")


def toggles_the_disk(bench: Bench) -> None:
    bench.disk_full = not bench.disk_full


ACTS = st.one_of(
    st.just(goes_on),
    st.just(goes_on),
    st.just(goes_on),
    st.builds(scans, st.sampled_from(CODES), st.sampled_from([0.1, 1.5, 4000.0])),
    st.builds(scans, st.sampled_from(CODES), st.sampled_from([0.1, 1.5, 4000.0])),
    st.builds(scans, st.one_of(st.text(max_size=80), st.binary(max_size=80)), st.just(1.5)),
    st.builds(
        verdict,
        st.integers(0, 8),
        st.sampled_from(VERDICTS),
        st.sampled_from(STATUSES),
        st.sampled_from(sorted(REASONS)),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(
        reads,
        st.integers(1, 4),
        st.sampled_from(["pe", "iso", "hipot", "power", "other"]),
        NUMBERS,
        st.sampled_from([None, "ohm", "mohm", "Mohm", "mA", "W", "furlong"]),
        st.sampled_from(OUTCOMES),
    ),
    st.builds(
        tells,
        st.sampled_from([None, UNIT, OTHER, "NMD-9"]),
        st.sampled_from(["", "PE", "ISO", "OTHER"]),
        NUMBERS,
        st.sampled_from([None, "passed", "failed", "unknown"]),
        st.sampled_from(OUTCOMES),
    ),
    st.builds(
        leaves,
        st.sampled_from([UNIT, OTHER, "NMD-9"]),
        st.sampled_from(["pe", "iso", "other"]),
        NUMBERS,
        st.sampled_from(["PASS", "FAIL", "ERROR", "TIMEOUT", "ABORTED"]),
    ),
    st.sampled_from(
        [
            lambda bench: bench.give(DeviceBack, name="tester", family="line-tester"),
            lambda bench: bench.server(),
            lambda bench: bench.server(),
            lambda bench: bench.tick(0.5),
            lambda bench: bench.tick(3),
            lambda bench: bench.link("up"),
            lambda bench: bench.link("down"),
            lambda bench: bench.link("not_allowed"),
            lambda bench: bench.lose(),
            lambda bench: bench.find(),
            lambda bench: bench.measure(0.05) if bench.measuring else None,
            lambda bench: bench.give(KeptCount, count=3),
            lambda bench: bench.give(FloorCame, reply=bench.floor.reply(whole=False)),
            lambda bench: bench.give(FloorCame, reply=bench.floor.reply()),
            lambda bench: bench.give(LanguageChosen, language="en"),
            lambda bench: bench.give(BadScan, raw=b"\xff", why="torn", device=""),
            lambda bench: bench.give(PlanCame, plan=bench.floor.plan, revision=1),
            toggles_the_disk,
        ]
    ),
)


def anywhere(station: str) -> Bench:
    """A bench of the station, with units that are due there."""
    steps = {"bench-1": "battery", "bench-2": "look", "bench-3": "safety", "rack-1": "burn-in"}
    step = steps.get(station, "battery")
    return a_bench(station, floor=a_floor(a_unit(step=step), a_unit(OTHER, step)))


@pytest.mark.parametrize("station", ["bench-1", "bench-2", "bench-3", "rack-1", "count-1", "not in the plan"])
@settings(max_examples=60, deadline=None)
@given(acts=st.lists(ACTS, min_size=20, max_size=60))
def test_no_sequence_of_inputs_raises_and_each_leaves_a_whole_sentence(station: str, acts: list[Act]) -> None:
    bench = anywhere(station)
    for act in acts:
        act(bench)
        screen = bench.screen
        assert holes(screen.banner) == []
        assert screen.banner.tone in ("go", "stop", "wait", "kept")
        assert bench.session.front is None or bench.session.at_front is not None
        assert bench.session.asked is None or bench.session.asked in bench.session.waiting
    tokens = [draft.token for draft, _ in bench.kept]
    assert tokens == sorted(set(tokens))
    for draft, _ in bench.kept:
        wire.FLOOR_KINDS[draft.kind, draft.v].model_validate_json(draft.body)


@settings(max_examples=60, deadline=None)
@given(acts=st.lists(ACTS, min_size=20, max_size=60))
def test_without_network_nothing_is_green_that_the_server_has_to_judge(acts: list[Act]) -> None:
    bench = a_bench("bench-1", link="down")
    alone = ["welcome", "resumed", "help_came", "device_back", "unit_here", "inspection_passed"]
    for act in acts:
        before = bench.banner.serial  # a record that comes aside leaves what was said before
        act(bench)
        if bench.session.link == "up":
            return
        heard = bench.banner.serial != before and bench.banner.tone == "go" and bench.banner.reason not in alone
        assert not heard or bench.last is None or not bench.last.drafts


@settings(max_examples=60, deadline=None)
@given(acts=st.lists(ACTS, min_size=10, max_size=30))
def test_the_same_inputs_always_make_the_same_session(acts: list[Act]) -> None:
    first, second = anywhere("bench-1"), anywhere("bench-1")
    for act in acts:
        act(first)
        act(second)
    assert (first.session, [d for d, _ in first.kept]) == (second.session, [d for d, _ in second.kept])


@pytest.mark.parametrize("station", ["bench-1", "bench-2", "bench-3", "rack-1", "count-1"])
@pytest.mark.parametrize("link", ["up", "down"])
def test_a_sensible_operator_finishes_the_step_at_every_kind_of_station(station: str, link: str) -> None:
    bench = anywhere(station)
    for _ in range(2):
        goes_on(bench)
    if station != "bench-3":  # its step needs the network to begin
        bench.link(link)
    for _ in range(40):
        goes_on(bench)
        bench.tick(400)
    assert "WorkCompleted" in bench.kinds


def test_a_plan_with_another_number_of_places_does_not_lose_the_units_that_are_here() -> None:
    bench = a_bench("rack-1", a_unit(step="burn-in")).scan(UNIT).server()
    stations = tuple(s.model_copy(update={"places": 1}) for s in a_plan().stations)
    bench.give(PlanCame, plan=a_plan().model_copy(update={"stations": stations}), revision=2)
    assert bench.scan(UNIT).screen.unit == UNIT


WEATHER = st.one_of(
    st.just(goes_on),
    st.just(goes_on),
    st.sampled_from(
        [
            lambda bench: bench.server(),
            lambda bench: bench.link("up").server(),
            lambda bench: bench.link("up"),
            lambda bench: bench.link("down"),
            lambda bench: bench.tick(3),
            lambda bench: bench.command("UNDO"),
            lambda bench: bench.command("LEAVE"),
            lambda bench: bench.scan(UNIT),
        ]
    ),
)


@pytest.mark.parametrize("station", ["bench-1", "bench-2", "bench-3", "rack-1"])
@settings(max_examples=60, deadline=None)
@given(acts=st.lists(WEATHER, min_size=20, max_size=60))
def test_an_honest_operator_is_never_contradicted_whatever_the_network_does(station: str, acts: list[Act]) -> None:
    bench = anywhere(station)
    for act in acts:
        act(bench)
    bench.link("up").server().tick(3).server()
    assert [u.nc for u in bench.floor.units.values()] == [None, None]
    here = [w.serial for w in bench.session.works]
    assert [s for s, u in bench.floor.units.items() if u.state == "in_work"] == here
