"""A simulated person packs: on real sessions, with the packing rules of the product as the server."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from mes import wire
from mes.domain import packing as rules
from mes.domain import sscc
from mes.domain.gate import Answer, Order, Unit
from mes.domain.packing import Carton
from stations.devices.readings import Reading
from stations.inputs import Measured, Taken
from stations.simulator.floor import Floor
from stations.simulator.operator import Mind
from stations.simulator.people import NOTHING_GOES_WRONG, Odds
from tests.builders import a_bench
from tests.stations.test_operator import Desk, Shop

NOMADS = [f"NMD-2648-{n:05}" for n in (1, 2)]


@dataclass
class Cartons:
    """The server's side: cartons by number, judged by the rules of the ledger."""

    desk: Desk
    orders: list[str]
    """What the devices were told."""
    pieces: int = 0
    cartons: dict[str, Carton] = field(default_factory=dict)
    inside: dict[str, list[str]] = field(default_factory=dict)
    answered: int = 0

    def answer(self) -> None:
        """Judge everything that the bench has kept, and let the scale answer, until nothing is under way."""
        bench = self.desk.bench
        while self.answered < len(bench.kept) or bench.sampling is not None:
            if bench.sampling is not None:
                asked, bench.sampling = bench.sampling, None
                reading = Reading(self.on_the_scale() / 1000, "kg", "measured", "")
                bench.give(Measured, run=asked.run, readings=(Taken(asked.test.id, reading),))
                continue
            draft, _id = bench.kept[self.answered]
            self.answered += 1
            body = wire.FLOOR_KINDS[draft.kind, draft.v].model_validate_json(draft.body)
            verdict = self.judge(body, draft.kind)
            if verdict is None:
                bench.sent = self.answered - 1
                bench.server()
                continue
            bench.says(draft.kind, "accepted" if verdict.go else "refused", verdict.reason, **verdict.args)

    def on_the_scale(self) -> float:
        """What the person has put there, in grams."""
        loads = [words for words in map(shlex.split, self.orders) if words[:2] == ["scale", "load"]]
        return float(loads[-1][2])

    def told(self, carton: Carton) -> dict[str, Any]:
        inside = self.inside.get(carton.sscc, [])
        return {"sscc": carton.sscc, "level": "carton", "state": "open", "have": carton.have, "inside": inside} | {
            "product": carton.product,
            "order": carton.order,
        }

    def judge(self, body: Any, kind: str) -> Answer | None:
        plan = self.desk.place.plan
        if isinstance(body, wire.CartonWanted):
            number = sscc.number("9521234", len(self.cartons) + 1) or ""
            made = self.cartons[number] = Carton(number, "carton", "open")
            return Answer(True, "carton_new", {"carton": number, "told": self.told(made)})
        carton = self.cartons.get(getattr(body, "carton", ""))
        if carton is None:
            return None
        here, who = self.desk.bench.station, "OP"
        match body:
            case wire.CartonOpened():
                answer = rules.may_open(carton, carton.sscc, operator=who)
                return replace(answer, args={**answer.args, "told": self.told(carton)})
            case wire.UnitsPacked() if body.unit:
                unit = Unit(body.unit, "OF-1", "NOMAD-1000", "done", "packing", {})
                answer = rules.pack_unit(
                    carton,
                    carton.sscc,
                    serial=body.unit,
                    unit=unit,
                    order=None,
                    customer=None,
                    plan=plan,
                    station=here,
                    operator=who,
                    packed_in=None,
                )
                product, count = "NOMAD-1000", 1
            case wire.UnitsPacked():
                answer = rules.pack_pieces(
                    carton,
                    carton.sscc,
                    order=Order(str(body.order), "KIT-B", 100, "released", 1),
                    order_id=str(body.order),
                    customer=None,
                    plan=plan,
                    station=here,
                    operator=who,
                    quantity=body.quantity,
                    available=self.pieces,
                )
                product, count = "KIT-B", body.quantity
                self.pieces -= count if answer.go else 0
            case wire.CartonWeighed():
                rule = rules.holding(plan, carton)
                assert rule is not None
                net = plan.product(carton.product or "").carton.net_g  # type: ignore[union-attr]
                limits = rules.weight([(carton.have, net)], rule)
                answer = rules.weighed(carton, body.reading.value, body.reading.unit, limits)
                self.cartons[carton.sscc] = replace(carton, weighed="passed" if answer.go else "failed")
                return replace(answer, go=True)
            case wire.CartonClosed():
                rule = rules.holding(plan, carton)
                answer = rules.close(carton, carton.sscc, rule=rule, partial=body.partial, operator=who)
                if answer.go:
                    self.cartons[carton.sscc] = replace(carton, state="closed")
                return answer
            case _:
                return None
        if answer.go:
            order = "OF-1" if body.unit else body.order
            self.cartons[carton.sscc] = replace(
                carton, have=carton.have + count, product=product, order=carton.order or order
            )
            self.inside.setdefault(carton.sscc, []).append(body.unit or body.order or "")
            told = {**self.told(self.cartons[carton.sscc]), "inside": []}
            return replace(answer, args={**answer.args, "told": told})
        return answer


def packing(station: str, odds: Odds = NOTHING_GOES_WRONG) -> Cartons:
    """A signed-in person at a station who has things to pack."""
    shop = Shop(odds, units=0)
    desk = shop.desks[station]
    floor = Floor(shop.plan, cartons=True)
    place = replace(desk.place, floor=floor)
    desk.place, desk.mind = place, Mind(place)
    return Cartons(desk, shop.orders)


def finish(c: Cartons, *units: str) -> None:
    for unit in units:
        floor, nomad = c.desk.place.floor, c.desk.place.plan.product("NOMAD-1000")
        assert nomad is not None
        floor.deliver(nomad, [{"serial": unit, "state": "waiting", "step": "packing", "nc": None}])
        floor.take("bench-8")
        floor.finish(unit)


def work(c: Cartons, until: str, limit: int = 30) -> list[str]:
    """Let the person work until the screen says this; what it said on the way."""
    said: list[str] = []
    for _ in range(limit):
        act = c.desk.mind.next(c.desk.seen, c.desk.at_s)
        c.desk.at_s += act.after_s if act else 0.5
        c.desk.bench.seconds = c.desk.at_s
        if act is not None:
            c.desk.bench.scan(act.scan, after_s=0.01)
        c.answer()
        c.desk.at_s = max(c.desk.bench.seconds, c.desk.at_s + 1.1)
        said.append(c.desk.bench.banner.reason)
        if said[-1] == until:
            return said
    raise AssertionError(f"never {until}: {said}")


def test_a_finished_unit_goes_into_a_carton_of_its_own_that_the_scale_lets_close() -> None:
    c = packing("bench-8")
    finish(c, *NOMADS)
    said = work(c, "carton_done")
    assert said[-3:] == ["carton_new", "packed_full", "carton_done"], said
    work(c, "carton_new")
    work(c, "carton_done")
    assert [x.state for x in c.cartons.values()] == ["closed", "closed"]
    assert list(c.inside.values()) == [[NOMADS[0]], [NOMADS[1]]]


def test_what_was_forgotten_makes_the_carton_too_light_and_is_put_in() -> None:
    c = packing("bench-8", replace(NOTHING_GOES_WRONG, bad_lead=1.0))
    finish(c, NOMADS[0])
    said = work(c, "carton_done")
    assert said.count("weight_light") == 1, said


def test_half_a_carton_is_put_aside_and_taken_up_again_with_more_pieces() -> None:
    c = packing("pack-2")
    pile = c.desk.place.floor
    kit = c.desk.place.plan.product("KIT-B")
    assert kit is not None
    pile.deliver_lot("OF-2", kit, 100)
    first = pile.pile_at("pack-1")
    assert first is not None
    pile.count(first[0], 100, 0)
    second = pile.pile_at("pack-2")
    assert second is not None
    c.pieces = 40
    pile.count(second[0], 10, 0)
    assert work(c, "unit_left")[-4:] == ["carton_new", "needs_quantity", "packed", "unit_left"]
    pile.count(second[0], 30, 0)
    said = work(c, "carton_done")
    assert said[:1] == ["carton_open"], said
    assert [x.have for x in c.cartons.values()] == [24]
    work(c, "unit_left")
    assert [(x.have, x.state) for x in c.cartons.values()] == [(24, "closed"), (16, "open")]


def test_after_the_agents_restart_the_open_carton_is_scanned_again_and_says_what_is_in_it() -> None:
    c = packing("bench-8")
    finish(c, NOMADS[0])
    work(c, "packed_full")
    fresh = a_bench("bench-8", floor=c.desk.bench.floor, plan=c.desk.place.plan, signed_in=False)
    c.desk.bench, c.answered = fresh, 0
    finish(c, NOMADS[1])
    said = work(c, "carton_open")
    assert c.desk.seen.needs[0].have == 1, said


@pytest.mark.parametrize("reason", ["no_gs1_prefix"])
def test_a_plan_without_numbers_is_asked_once(reason: str) -> None:
    c = packing("bench-8")
    finish(c, NOMADS[0])
    for _ in range(3):
        act = c.desk.mind.next(c.desk.seen, c.desk.at_s)
        assert act is not None
        c.desk.bench.scan(act.scan, after_s=1.2)
        if "CartonWanted" in c.desk.bench.kinds:
            break
        c.desk.bench.server()
    c.desk.bench.says("CartonWanted", "refused", reason)
    assert c.desk.mind.next(c.desk.seen, c.desk.at_s + 60) is None
