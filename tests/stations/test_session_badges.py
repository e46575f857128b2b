"""Who may work at a bench: known and unknown badges, with and without network, and qualifications at each step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mes.domain.barcode import write
from tests.builders import (
    BADGE,
    KIT,
    LOOK_STEP,
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

ABLE, UNABLE, LAPSED = (
    a_worker("ABLE", work="2099-12-31"),
    a_worker("UNABLE"),
    a_worker("LAPSED", work="2026-11-22"),
)
FIT = a_step(qualification="work")
TEST = a_step("check", "test", tests=(a_test(),), qualification="work", begins="when-asked")
LOOK = LOOK_STEP.model_copy(update={"qualification": "work", "stations": ("bench-1",)})


def bench_of(step: object, *, link: str = "up", badge: str = "ABLE") -> Bench:
    """A bench of one step that asks for a qualification; the unit waits for it."""
    plan = a_plan(a_product(step, a_step("later")))  # type: ignore[arg-type]
    floor = a_floor(a_unit(step=step.id), plan=plan, workers=[ABLE, UNABLE, LAPSED])  # type: ignore[attr-defined]
    bench = a_bench(floor=floor, signed_in=False, link=link).badge(badge)
    return bench.server() if link == "up" else bench


# --- sign in ----------------------------------------------------------------------------------------------------------


def test_a_known_badge_signs_in_at_once_also_without_network() -> None:
    bench = a_bench(signed_in=False, link="down").badge()
    assert (bench.screen.operator, bench.shows, bench.draft("OperatorActivated").asks) == (
        BADGE,
        ("go", "welcome"),
        False,
    )


def test_an_unknown_badge_is_refused_at_once_without_network_and_nothing_is_kept() -> None:
    bench = a_bench(signed_in=False, link="down").badge("STRANGER")
    assert (bench.screen.operator, bench.shows, bench.kept) == (None, ("stop", "unknown_badge"), [])


def test_of_an_unknown_badge_the_server_is_asked() -> None:
    bench = a_bench(signed_in=False).badge("NEW")
    assert (bench.shows, bench.screen.operator) == (("wait", "asking"), None)
    assert bench.draft("OperatorActivated").asks
    bench.server()
    assert (bench.screen.operator, bench.shows) == (None, ("stop", "unknown_badge"))


def test_a_badge_that_was_issued_a_moment_ago_signs_in_by_the_servers_word() -> None:
    bench = a_bench(signed_in=False)
    assert bench.floor.workers is not None
    bench.floor.workers["NEW"] = a_worker("NEW")
    bench.badge("NEW").server()
    assert (bench.screen.operator, bench.shows) == ("NEW", ("go", "welcome"))
    assert [d.kind for d, _ in bench.kept] == ["OperatorActivated"]


def test_a_refused_badge_leaves_the_one_before_at_work() -> None:
    bench = a_bench().badge("STRANGER").server()
    assert (bench.screen.operator, bench.banner.reason) == (BADGE, "unknown_badge")
    assert "OperatorDeactivated" not in bench.kinds


def test_who_takes_over_by_the_servers_word_is_told_after_the_one_who_goes() -> None:
    bench = a_bench()
    assert bench.floor.workers is not None
    bench.floor.workers["NEW"] = a_worker("NEW")
    bench.badge("NEW").server()
    assert bench.screen.operator == "NEW"
    assert [(d.kind, d.operator) for d, _ in bench.kept[-2:]] == [
        ("OperatorDeactivated", BADGE),
        ("OperatorActivated", "NEW"),
    ]


def test_a_badge_that_the_server_has_ended_is_signed_out_when_it_says_so() -> None:
    bench = a_bench(signed_in=False).badge()
    assert bench.floor.workers is not None
    bench.floor.workers[BADGE] = replace(bench.floor.workers[BADGE], active=False)
    bench.server()
    assert (bench.screen.operator, bench.shows) == (None, ("stop", "badge_ended"))


def test_when_no_answer_comes_an_unknown_badge_is_sent_away_and_a_late_yes_signs_out_again() -> None:
    bench = a_bench(signed_in=False)
    assert bench.floor.workers is not None
    bench.floor.workers["NEW"] = a_worker("NEW")
    bench.badge("NEW").tick(2.5)
    assert (bench.screen.operator, bench.shows) == (None, ("stop", "unknown_badge"))
    bench.server()
    assert (bench.screen.operator, bench.kinds) == (None, ["OperatorDeactivated"])


def test_a_station_that_was_never_told_of_badges_lets_everybody_in() -> None:
    floor = a_floor()
    floor.workers = None
    bench = a_bench(floor=floor, signed_in=False, link="down").badge("ANY")
    assert bench.screen.operator == "ANY"


# --- what the person may do -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("badge", "reason"), [("UNABLE", "not_qualified"), ("LAPSED", "qualification_expired")])
def test_a_unit_is_refused_without_the_qualification_with_and_without_network(badge: str, reason: str) -> None:
    online = bench_of(FIT, badge=badge).scan(UNIT).server()
    assert (online.shows, online.screen.unit) == (("stop", reason), None)
    offline = bench_of(FIT, badge=badge, link="down").scan(UNIT)
    assert (offline.shows, offline.screen.unit, offline.kinds) == (("stop", reason), None, [])


def test_who_takes_over_at_a_test_bench_without_the_qualification_does_not_start_the_test() -> None:
    bench = bench_of(TEST).scan(UNIT).server().badge("UNABLE").server().command("YES")
    assert (bench.shows, bench.measuring) == (("stop", "not_qualified"), None)
    assert bench.scan(UNIT).shows == ("stop", "not_qualified")
    assert bench.badge("ABLE").command("YES").measuring is not None


def test_who_takes_over_without_the_qualification_does_not_pass_a_unit() -> None:
    bench = bench_of(LOOK).scan(UNIT).server().badge("UNABLE").server().command("PASS")
    assert (bench.shows, "UnitsInspected" in bench.kinds) == (("stop", "not_qualified"), False)


def test_anybody_may_report_a_defect() -> None:
    bench = bench_of(LOOK).scan(UNIT).server().badge("UNABLE").server().defect().server()
    assert bench.banner.reason == "defect_found"


def test_without_network_a_step_is_not_finished_without_the_qualification() -> None:
    bench = bench_of(FIT).scan(UNIT).server().link("down").badge("UNABLE").command("DONE")
    assert (bench.shows, "WorkCompleted" in bench.kinds) == (("stop", "not_qualified"), False)


def test_who_was_let_in_by_the_server_works_on_whatever_the_station_was_told() -> None:
    bench = bench_of(TEST, badge="UNABLE")
    assert bench.floor.workers is not None
    bench.floor.workers["UNABLE"] = a_worker("UNABLE", work="2099-12-31")  # granted a moment ago
    bench.scan(UNIT).server().command("YES")
    assert bench.measuring is not None


def test_counting_asks_for_the_qualification_before_the_first_piece() -> None:
    steps = (KIT.steps[0].model_copy(update={"qualification": "work"}), *KIT.steps[1:])
    plan = a_plan(a_product(), KIT.model_copy(update={"steps": steps}))
    floor = a_floor(plan=plan, workers=[ABLE, UNABLE])
    bench = a_bench("count-1", floor=floor, signed_in=False).badge("UNABLE").server()
    assert bench.scan(write("order", LOT_ORDER)).shows == ("stop", "not_qualified")
    assert bench.badge("ABLE").server().scan(write("order", LOT_ORDER)).banner.reason == "order_here"
