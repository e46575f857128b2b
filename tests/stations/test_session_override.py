"""A supervisor agrees at the bench: SUPERVISOR, the badge, the PIN; the offer ends with anything else."""

from __future__ import annotations

from typing import Any

from mes.domain.barcode import write
from stations.inputs import Offer, OverrideAsked, OverrideCame
from tests.builders import (
    KIT,
    LOT_ORDER,
    UNIT,
    Bench,
    a_bench,
    a_floor,
    a_plan,
    a_product,
    a_step,
    a_test,
    a_unit,
    a_worker,
)

FIT = a_step(qualification="work")
TEST = a_step("check", "test", tests=(a_test(),), qualification="work", begins="when-asked")
PEOPLE = (a_worker("UNABLE"), a_worker("ABLE", work="2099-12-31"), a_worker("BOSS"))


def refused(step: Any = FIT) -> Bench:
    """Somebody without the qualification has scanned a unit, and the server has refused it."""
    plan = a_plan(a_product(step, a_step("later")))
    floor = a_floor(a_unit(step=step.id), plan=plan, workers=PEOPLE)
    bench = a_bench(floor=floor, signed_in=False).badge("UNABLE").server().scan(UNIT).server()
    assert bench.banner.reason == "not_qualified"
    return bench


def pin(bench: Bench, go: bool, reason: str, **args: Any) -> Bench:
    """The PIN was typed, and the server has answered."""
    offer = bench.session.offer
    assert offer is not None
    bench.give(OverrideAsked, offer=offer)
    assert bench.banner.reason == "asking"
    return bench.give(OverrideCame, offer=offer, go=go, reason=reason, args=args)


def test_a_refusal_that_a_supervisor_may_let_pass_offers_it() -> None:
    bench = refused()
    assert bench.screen.actions[0] == "SUPERVISOR"
    assert bench.session.offer == Offer("UNABLE", UNIT, "battery")


def test_a_refusal_that_nobody_may_let_pass_offers_nothing() -> None:
    bench = a_bench(floor=a_floor(a_unit(nc="NC-1"))).scan(UNIT).server()
    assert (bench.banner.reason, bench.session.offer) == ("unit_held", None)
    assert "SUPERVISOR" not in bench.screen.actions


def test_the_supervisors_badge_signs_nobody_in_and_opens_the_number_keys() -> None:
    bench = refused().command("SUPERVISOR")
    assert bench.shows == ("wait", "override_badge")
    kept = len(bench.kept)
    bench.badge("BOSS")
    assert (bench.shows, bench.screen.pin_due) == (("wait", "override_pin"), True)
    assert (bench.screen.operator, len(bench.kept)) == ("UNABLE", kept)


def test_with_the_servers_yes_the_unit_comes_in_by_itself() -> None:
    bench = pin(refused().command("SUPERVISOR").badge("BOSS"), True, "overridden")
    assert bench.kinds[-1] == "UnitsArrived"
    assert bench.session.offer is None
    bench.floor.workers["UNABLE"] = a_worker("UNABLE", work="2099-12-31")  # type: ignore[index]  # the floor knows no override
    assert bench.server().screen.unit == UNIT


def test_what_the_station_itself_has_refused_goes_on_with_the_servers_yes() -> None:
    floor = a_floor(a_unit(step="check"), plan=a_plan(a_product(TEST, a_step("later"))), workers=PEOPLE)
    bench = a_bench(floor=floor, signed_in=False).badge("ABLE").server().scan(UNIT).server()
    bench.badge("UNABLE").server().command("YES")
    assert (bench.banner.reason, bench.measuring) == ("not_qualified", None)
    pin(bench.command("SUPERVISOR").badge("BOSS"), True, "overridden").command("YES")
    assert bench.measuring is not None


def test_a_wrong_pin_may_be_tried_again_with_the_badge() -> None:
    bench = pin(refused().command("SUPERVISOR").badge("BOSS"), False, "override_wrong")
    assert (bench.shows, bench.screen.pin_due) == (("stop", "override_wrong"), False)
    assert bench.badge("BOSS").shows == ("wait", "override_pin")


def test_too_many_tries_end_the_offer() -> None:
    bench = pin(refused().command("SUPERVISOR").badge("BOSS"), False, "override_wait", minutes=3)
    assert (bench.shows, bench.session.offer) == (("stop", "override_wait"), None)


def test_nobody_agrees_to_their_own_work() -> None:
    bench = refused().command("SUPERVISOR").badge("UNABLE")
    assert (bench.shows, bench.screen.pin_due) == (("stop", "override_self"), False)


def test_whatever_else_is_scanned_ends_the_offer_and_a_late_yes_changes_nothing() -> None:
    bench = refused().command("SUPERVISOR").badge("BOSS")
    offer = bench.session.offer
    assert offer is not None
    bench.command("PAUSE")
    assert bench.session.offer is None
    before = bench.session.let_in
    bench.give(OverrideCame, offer=offer, go=True, reason="overridden")
    assert (bench.session.let_in, bench.banner.reason) == (before, "paused")


def test_a_badge_without_supervisor_before_it_takes_over_as_ever() -> None:
    bench = refused().badge("BOSS")
    assert (bench.screen.operator, bench.session.offer) == ("BOSS", None)


def test_without_network_nobody_can_agree() -> None:
    bench = refused().link("down").command("SUPERVISOR")
    assert bench.shows == ("stop", "override_not_now")


def test_supervisor_without_a_refusal_is_answered_with_a_hint() -> None:
    assert a_bench().command("SUPERVISOR").shows == ("stop", "not_now")


def test_an_order_may_be_counted_with_the_servers_yes() -> None:
    steps = (KIT.steps[0].model_copy(update={"qualification": "work"}), *KIT.steps[1:])
    plan = a_plan(a_product(), KIT.model_copy(update={"steps": steps}))
    bench = a_bench("count-1", floor=a_floor(plan=plan, workers=PEOPLE), signed_in=False).badge("UNABLE").server()
    assert bench.scan(write("order", LOT_ORDER)).banner.reason == "not_qualified"
    pin(bench.command("SUPERVISOR").badge("BOSS"), True, "overridden")
    assert bench.banner.reason == "order_here"
    bench.quantity(5).command("DONE").server()
    assert (bench.banner.reason, bench.session.let_in) == ("counted", frozenset())
