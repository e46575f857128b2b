"""One sample of every state that the bench page can show, built on a real plan.

For those who translate, train and draw: `stations.screen.preview` shows them. The work in them is made up; the
products, steps, parts, tests and defects are the plan's own. Nothing here is sent or stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from mes.domain import reasons
from mes.domain.measurement import show
from mes.domain.route import Plan, Product, Station, Step, Test, Text
from mes.domain.runs import limit_text
from stations.boxing import INSIDE
from stations.view import Banner, Device, InRack, Need, NeedState, Phase, Screen

WORK: Final = ("DONE", "FAIL", "UNDO", "LEAVE", "PAUSE", "HELP")
UNIT: Final = "NMD-2648-00058"
ORDER: Final = "OF-2026-118"
NC: Final = "NC-2026-014"
DEVICES: Final = (Device("scanner", "scanner", ok=True),)


def samples(plan: Plan, now: datetime) -> Mapping[str, Screen]:
    """Every sample by its name, in the order in which a unit and a shift go.

    Args:
        plan: must have a step with components, one with tests, one that is a look, one of a lot-tracked product, and
            one with a minimum time; the example plan has.
        now: the time from which the rack's minutes are counted.

    Raises:
        LookupError: if the plan lacks one of these.
    """
    return dict(
        [
            *_before(plan, now),
            *_fitting(plan),
            *_testing(plan),
            *_other_work(plan, now),
            *_packing(plan),
            *_trouble(plan),
        ]
    )


def _before(plan: Plan, now: datetime) -> Iterator[tuple[str, Screen]]:
    _, step = _find(plan, lambda _, s: bool(s.components))
    here = plan.station(step.stations[0]) or plan.stations[0]
    bare = Screen(here, "starting", _said("not_ready"), devices=(*DEVICES, Device("scale", "scale", ok=False)))
    yield "starting", bare
    bare = replace(bare, link="up", devices=DEVICES)
    yield "signed-out", replace(bare, phase="signed_out", banner=_said("goodbye"), actions=("HELP",))
    idle = replace(bare, phase="idle", operator="B-07", actions=("PAUSE", "HELP"))
    yield "idle", replace(idle, banner=_said("welcome"))
    taking = replace(idle, order=ORDER, product=plan.products[0].name, actions=("LEAVE", *idle.actions))
    here_for = {"order": ORDER, "product": plan.products[0].name.model_dump()}
    yield "serials-here", replace(taking, banner=_said("serials_here", **here_for))
    yield "serial-known", replace(taking, banner=_said("serial_known", serial="PF3A0B1C"))
    yield "asking", replace(idle, phase="asking", unit=UNIT, banner=_said("asking"))
    yield "unknown-unit", replace(idle, banner=_said("unknown_unit", unit="NMD-2648-99999"))
    elsewhere = {"unit": UNIT, "station": plan.stations[-1].name.model_dump()}
    yield "other-station", replace(idle, banner=_said("at_other_station", **elsewhere))
    lacking = replace(idle, actions=("SUPERVISOR", *idle.actions))
    wanted = {"qualification": plan.plant.qualifications[0].name.model_dump()} if plan.plant.qualifications else {}
    until = {"fr": "02/11/2026", "en": "2026-11-02"}
    yield "not-qualified", replace(lacking, banner=_said("not_qualified", **wanted))
    yield "qualification-expired", replace(lacking, banner=_said("qualification_expired", until=until, **wanted))
    yield "override-badge", replace(lacking, banner=_said("override_badge"))
    yield "override-pin", replace(lacking, banner=_said("override_pin"), pin_due=True)
    yield "override-wrong", replace(lacking, banner=_said("override_wrong"))
    yield "unreadable", replace(idle, banner=_said("unreadable"))
    yield "unknown-code", replace(idle, banner=_said("unknown_code", text="https://example.org/" + "0123456789" * 6))


def _fitting(plan: Plan) -> Iterator[tuple[str, Screen]]:
    product, step = _find(plan, lambda _, s: any(c.quantity > 1 for c in s.components))
    first, more = step.components[0], next(c for c in step.components if c.quantity > 1)
    at = _at(plan, product, step)
    arrived = _said("unit_arrived", unit=UNIT, step=step.name.model_dump())
    yield "arrived", replace(at, banner=arrived, needs=_parts(step, {}))
    fitted = {first.part: 1}
    part = {"part": first.name.model_dump()}
    yield "part-kept", replace(at, banner=_said("kept"), kept=1, needs=_parts(step, fitted, waits=True))
    yield "part-good", replace(at, banner=_said("component_fitted", **part), needs=_parts(step, fitted))
    wrong = _said("component_wrong", wanted=more.part, got="FUSE-15A 26-114")
    yield "part-wrong", replace(at, banner=wrong, needs=_parts(step, {**fitted, more.part: 1}))
    used = _said("component_used", serial="B4-77120", unit="NMD-2648-00031")
    yield "part-used", replace(at, banner=used, needs=_parts(step, {}))
    missing = _said("needs_component", part=more.name.model_dump(), left=1)
    yield "part-missing", replace(at, banner=missing, needs=_parts(step, {**fitted, more.part: 1}))
    after = product.after(step.id)
    done = _said("step_done", unit=UNIT, next=(after or step).name.model_dump())
    yield "step-done", replace(_cleared(at), banner=done)
    yield "paused", replace(at, phase="paused", banner=_said("paused"), actions=("RESUME", "HELP"), defects=())


def _testing(plan: Plan) -> Iterator[tuple[str, Screen]]:
    product, step = _find(plan, lambda _, s: len(s.tests) == 3)
    at = replace(_at(plan, product, step), devices=_with(step))
    failed, limit = step.tests[0], limit_text(step.tests[0])
    readings: dict[str, tuple[NeedState, float | None]] = {step.tests[0].id: ("ok", _inside(step.tests[0]))}
    stop = ("FAIL", "UNDO", "LEAVE", "HELP")
    running = replace(at, phase="testing", actions=stop, banner=_said("testing"), left_s=23)
    yield "testing", replace(running, needs=_tests(step, {**readings, step.tests[1].id: ("doing", None)}))
    told: dict[str, tuple[NeedState, float | None]] = {t.id: ("doing", None) for t in step.tests}
    waits = replace(running, banner=_said("waiting_tester"), left_s=None, tester="tester", needs=_tests(step, told))
    yield "waiting-tester", waits
    yield "tester-other-unit", replace(waits, banner=_said("tester_other_unit", unit=UNIT, other="NMD-2648-00018"))
    passed: dict[str, tuple[NeedState, float | None]] = {t.id: ("ok", _inside(t)) for t in step.tests}
    yield "test-passed", replace(at, banner=_said("test_passed"), needs=_tests(step, passed))
    near = _just_inside(failed)
    value = {language: show(near, failed.unit, language) for language in ("fr", "en")}
    edge = {"test": failed.name.model_dump(), "value": value, "limit": limit}
    just = {**passed, failed.id: ("ok", near)}
    yield "test-marginal", replace(at, banner=_said("test_marginal", **edge), needs=_tests(step, just))
    yield "tester-contradicts", replace(_cleared(at), banner=_said("tester_contradicts", nc=NC, **edge))
    yield "test-stopped", replace(at, banner=_said("test_stopped"), needs=_tests(step, readings))
    live = ("safety-tester",)
    yield (
        "bench-not-safe",
        replace(at, banner=_said("bench_not_safe", device="safety-tester"), needs=_tests(step, {}), unsafe=live),
    )
    yield (
        "bench-still-live",
        replace(at, banner=_said("kept"), needs=_tests(step, {}), unsafe=live),
    )
    outside = _outside(failed)
    bad: dict[str, tuple[NeedState, float | None]] = {failed.id: ("bad", outside[0])}
    said = {"test": failed.name.model_dump(), "value": outside[1], "limit": limit}
    yield "test-again", replace(at, banner=_said("retest", left=1, **said), needs=_tests(step, bad))
    blocked = replace(
        at, banner=_said("test_failed", nc=NC, **said), needs=_tests(step, bad), actions=("LEAVE", "HELP")
    )
    yield "test-failed", replace(blocked, defects=())
    silent = replace(_tests(step, {})[0], nothing=True)
    yield "bench-error", replace(at, banner=_said("bench_error"), needs=(silent, *_tests(step, {})[1:]))
    product, step = max(((p, s) for p in plan.products for s in p.steps), key=lambda found: len(found[1].tests))
    many: dict[str, tuple[NeedState, float | None]] = {t.id: ("ok", _inside(t)) for t in step.tests[:4]}
    many[step.tests[4].id] = ("doing", None)
    yield "testing-long", replace(_at(plan, product, step), phase="testing", actions=stop,
                                  banner=_said("testing"), needs=_tests(step, many), left_s=190)  # fmt: skip


def _other_work(plan: Plan, now: datetime) -> Iterator[tuple[str, Screen]]:
    product, step = _find(plan, lambda _, s: s.inspects)
    at = replace(_at(plan, product, step), actions=("PASS", *WORK))
    look = (Need("inspection", "todo"), Need("done", "todo"))
    yield "which-defect", replace(at, banner=_said("which_defect"), needs=look)
    yield "inspecting", replace(at, banner=_said("unit_here", unit=UNIT), needs=look)
    found = _said("defect_found", defect=plan.defects[0].name.model_dump(), nc=NC)
    yield (
        "defect-found",
        replace(at, banner=found, needs=(Need("inspection", "bad"), look[1]), actions=("LEAVE", "HELP")),
    )
    product, step = _find(plan, lambda p, _: p.tracking == "lot")
    at = replace(_at(plan, product, step), unit=None, order="OF-2026-121", good=480, scrap=6, left=714)
    counted = _said("counted", good=480, scrap=6, left=714)
    yield "counting", replace(at, banner=counted, needs=(Need("quantity", "todo"), Need("done", "todo")))
    yield from _of_lots(plan, at, step)
    yield "counted-too-many", replace(at, banner=_said("too_many", left=714, counted=1440),
                                      needs=(Need("quantity", "bad", have=1440), Need("done", "todo")))  # fmt: skip
    product, step = _find(plan, lambda _, s: s.min_s > 0)
    at = _at(plan, product, step)
    rack = tuple(
        InRack(
            f"NMD-2648-{n:05}", _text(now + timedelta(minutes=minutes)), minutes <= 0, place, step.min_s, count, last
        )
        for n, minutes, place, count, last in _RACK
    )
    waits = (Need("time", "doing", value=118, unit="min"), *_tests(step, {}))
    yield "burn-in", replace(at, banner=_said("unit_arrived", unit=UNIT, step=step.name.model_dump()), needs=waits)
    idle = replace(_cleared(at), rack=rack, banner=_said("needs_time", minutes=3))
    yield "burn-in-rack", idle
    yield "burn-in-place", replace(idle, banner=_said("rack_place", unit="NMD-2648-00052", place=8))
    hot = step.tests[0]
    outside = {"test": hot.name.model_dump(), "value": _outside(hot)[1], "limit": limit_text(hot)}
    yield "burn-in-out", replace(idle, banner=_said("sample_out", unit="NMD-2648-00047", **outside))
    yield "burn-in-front", replace(at, rack=rack, rack_place=8, banner=_said("unit_here", unit=UNIT), needs=waits)


def _of_lots(plan: Plan, at: Screen, step: Step) -> Iterator[tuple[str, Screen]]:
    """A count of pieces that are made of component lots."""
    parts = [c for p in plan.products for s in p.steps for c in s.components if c.per == "lot"]
    first, last = parts[0], parts[-1]
    missing = [Need("component", "todo", c.name, part=c.part) for c in (first, last)]
    there = [replace(need, state="ok", detail="24-0117", have=1) for need in missing]
    rest = (Need("quantity", "todo"), Need("done", "todo"))
    begun = (Need("quantity", "doing", have=486), Need("done", "doing"))
    said = {"lot": "24-0117", "part": first.name.model_dump()}
    here = _said("order_here_lot", order=at.order, step=step.name.model_dump(), part=said["part"])
    yield "counting-lot-missing", replace(at, banner=here, needs=(*missing, rest[0]), good=0, scrap=0)
    yield "counting-of-a-lot", replace(at, banner=_said("lot_loaded", **said), needs=(there[0], *rest))
    yield "counting-lot-held", replace(at, banner=_said("loaded_held", **said), needs=(*there, *begun))


def _packing(plan: Plan) -> Iterator[tuple[str, Screen]]:
    product, _step = _find(plan, lambda p, _: p.carton is not None and p.carton.tolerance_g is not None)
    rule = product.carton
    assert rule is not None
    holds, station = max(rule.holds, 4), plan.station(rule.stations[0]) or plan.stations[0]
    carton = (plan.plant.gs1_prefix or "9521234").join(("0", "0000000420"))[:18]
    at = Screen(station, "working", _said("carton_open", carton=carton, have=0), operator="B-07", unit=carton,
                devices=(*DEVICES, Device("scale", "scale", ok=True)), link="up",
                actions=("DONE", "UNDO", "LEAVE", "PAUSE", "HELP"))  # fmt: skip
    weight = Need("test", "todo", Text(fr="Poids", en="Weight"), unit="kg")

    def inside(have: int, of_weight: Need = weight) -> tuple[Need, ...]:
        full = have == holds
        count = Need("quantity", "ok" if full else "doing", INSIDE, have=have, want=holds)
        return (count, of_weight, Need("done", "doing" if full else "todo"))

    yield "packing", replace(at, needs=inside(0))
    yield "packed", replace(at, banner=_said("packed", unit=UNIT, have=2, holds=holds), needs=inside(2))
    other = _said("other_order", unit=UNIT, got="OF-2026-131", wanted=ORDER)
    yield "packed-not", replace(at, banner=other, needs=inside(2))
    full = replace(at, needs=inside(holds), banner=_said("packed_full", unit=UNIT, have=holds, holds=holds))
    yield "packed-full", full
    low, high = (f"{holds * (rule.net_g or 1) / 1000 + d:g}" for d in (-0.2, 0.2))
    light = _said("weight_light", carton=carton, value="54.1", low=low, high=high, have=holds)
    yield "packed-light", replace(full, needs=inside(holds, replace(weight, state="bad", value=54.1)), banner=light)


_RACK: Final[tuple[tuple[int, int, int, int, Literal["", "in", "out", "error"]], ...]] = (
    (41, -4, 1, 24, "in"), (42, 3, 2, 23, "in"), (44, 17, 3, 20, "in"), (47, 58, 4, 12, "out"),
    (48, 61, 5, 12, "error"), (51, 104, 6, 3, "in"), (52, 118, 7, 0, ""),
)  # fmt: skip


def _trouble(plan: Plan) -> Iterator[tuple[str, Screen]]:
    product, step = _find(plan, lambda _, s: bool(s.components))
    at = replace(_at(plan, product, step), needs=_parts(step, {}))
    yield "offline", replace(at, link="down", kept=23, banner=_said("offline_go"))
    yield "not-allowed", replace(at, link="not_allowed", kept=4, banner=_said("kept"))
    yield "not-trusted", replace(at, link="not_trusted", kept=4, banner=_said("kept"))
    yield "plain-http", replace(at, plain_http=True)
    yield "old-agent", replace(at, link="old_agent", kept=4, banner=_said("kept"))
    yield "not-kept", replace(at, banner=_said("not_kept"))
    lost = (
        Device("scanner", "scanner", ok=False, fault="unplugged"),
        Device("scale", "scale", ok=False, fault="silent"),
    )
    yield "device-lost", replace(at, devices=lost, banner=_said("device_lost", device="scanner"))
    yield (
        "help-called",
        replace(at, help_called=True, banner=_said("help_called"), actions=(*WORK[:-1], "HELPED")),
    )
    yield "all-at-once", replace(at, help_called=True, link="down", kept=1204, devices=lost, banner=_said("unreadable"),
                                 actions=(*WORK[:-1], "HELPED"))  # fmt: skip
    long = "NOMAD1000-RECONDITIONNE-2648-00000058-REV-C2"
    yield "long-numbers", replace(at, unit=long, order="OF-2026-118-COMPLEMENT-2", operator="BADGE-INTERIM-0117",
                                  banner=_said("contradiction", unit=long, nc=NC))  # fmt: skip


def _find(plan: Plan, fits: Any) -> tuple[Product, Step]:
    for product in plan.products:
        for step in product.steps:
            if fits(product, step):
                return product, step
    raise LookupError("the plan has no step for one of the samples")


def _at(plan: Plan, product: Product, step: Step) -> Screen:
    here: Station = plan.station(step.stations[0]) or plan.stations[0]
    phase: Phase = "working"
    return Screen(
        here,
        phase,
        _said("ok"),
        operator="B-07",
        unit=UNIT,
        order=ORDER,
        product=product.name,
        step=step,
        picture=plan.pictures.get(step.picture or ""),
        place=(product.place(step.id) + 1, len(product.steps)),
        devices=DEVICES,
        link="up",
        actions=WORK,
        defects=tuple(
            (d.code, d.name, plan.pictures.get(d.picture or "")) for d in plan.defects if d.code in step.defects
        ),
    )


def _cleared(screen: Screen) -> Screen:
    return Screen(
        screen.station, "idle", screen.banner, operator=screen.operator, devices=screen.devices, link=screen.link,
        actions=("PAUSE", "HELP"),
    )  # fmt: skip


def _said(code: str, **args: Any) -> Banner:
    return Banner(reasons.tone(code), code, args, serial=1)


def _with(step: Step) -> tuple[Device, ...]:
    return (*DEVICES, *(Device(name, name, ok=True) for name in dict.fromkeys(t.instrument for t in step.tests)))


def _parts(step: Step, fitted: Mapping[str, int], *, waits: bool = False) -> tuple[Need, ...]:
    rows = []
    for n, c in enumerate(step.components):
        have = fitted.get(c.part, 0)
        state: NeedState = "doing" if have and waits else "ok" if have >= c.quantity else "todo"
        number = ("B4-77120" if c.per == "serial" else f"26-11{n}") if have else ""
        rows.append(Need("component", state, c.name, part=c.part, detail=number, have=have, want=c.quantity))
    return (*rows, Need("done", "todo"))


def _tests(step: Step, seen: Mapping[str, tuple[NeedState, float | None]]) -> tuple[Need, ...]:
    rows = []
    for t in step.tests:
        state, value = seen.get(t.id, ("todo", None))
        rows.append(Need("test", state, t.name, value=value, unit=t.unit, low=t.low, high=t.high, marginal=t.marginal))
    return (*rows, Need("done", "doing" if all(n.state == "ok" for n in rows) else "todo"))


def _just_inside(test: Test) -> float:
    limit = test.high if test.high is not None else test.low or 0.0
    return limit - test.marginal / 2 if test.high is not None else limit + test.marginal / 2


def _inside(test: Test) -> float:
    if test.low is not None and test.high is not None:
        return round(test.low + 0.4 * (test.high - test.low), 3)
    return round(test.high * 0.6, 3) if test.high is not None else round((test.low or 1.0) * 120, 3)


def _outside(test: Test) -> tuple[float, Mapping[str, str]]:
    value = round(test.high * 2.3, 3) if test.high is not None else round((test.low or 1.0) * 0.2, 3)
    return value, {language: show(value, test.unit, language) for language in ("fr", "en")}


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
