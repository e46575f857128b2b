"""Who works at a bench: badges, breaks, calls for help, and what a bench says before it is ready."""

from __future__ import annotations

from mes.domain.barcode import write
from stations import session
from stations.inputs import LanguageChosen
from tests.builders import BADGE, UNIT, Bench, a_bench, a_bench_at_work, a_floor, a_plan, a_worker


def test_a_bench_that_has_just_started_is_not_ready_and_takes_no_scan_for_granted() -> None:
    bench = Bench("bench-1", a_floor(), session.begin("bench-1"))
    assert (bench.screen.phase, bench.shows) == ("starting", ("wait", "not_ready"))
    assert bench.badge().shows == ("stop", "not_ready")
    assert bench.kept == []


def test_help_can_be_called_before_the_bench_is_ready() -> None:
    bench = Bench("bench-1", a_floor(), session.begin("bench-1")).command("HELP")
    assert bench.kinds == ["HelpRequested"]


def test_a_badge_signs_in() -> None:
    bench = a_bench(signed_in=False).badge()
    assert (bench.screen.operator, bench.screen.phase, bench.shows) == (BADGE, "idle", ("go", "welcome"))
    assert bench.draft("OperatorActivated").operator == BADGE


def test_the_same_badge_again_signs_out_when_the_bench_is_empty() -> None:
    bench = a_bench().badge()
    assert (bench.screen.operator, bench.screen.phase, bench.shows) == (None, "signed_out", ("wait", "goodbye"))
    assert bench.draft("OperatorDeactivated").operator == BADGE


def test_the_same_badge_again_does_not_sign_out_while_a_unit_is_on_the_bench() -> None:
    bench = a_bench_at_work().badge()
    assert (bench.screen.operator, bench.banner.reason) == (BADGE, "finish_first")


def test_another_badge_takes_over_and_the_unit_stays() -> None:
    bench = a_bench_at_work().badge("OP-08")
    assert (bench.screen.operator, bench.screen.unit) == ("OP-08", UNIT)
    assert [(d.kind, d.operator) for d, _ in bench.kept[-2:]] == [
        ("OperatorDeactivated", BADGE),
        ("OperatorActivated", "OP-08"),
    ]


def test_what_is_done_after_a_change_of_badge_is_the_new_persons_work() -> None:
    bench = a_bench_at_work("bench-2").badge("OP-08").command("LEAVE")
    assert {d.operator for d, _ in bench.kept[-1:]} == {"OP-08"}


def test_without_a_badge_every_scan_is_answered_with_the_question_who_works_here() -> None:
    bench = a_bench(signed_in=False)
    for code in (
        UNIT,
        write("command", "DONE"),
        write("order", "OF-1"),
        write("quantity", 5),
        write("defect", "CRACK"),
    ):
        assert bench.scan(code).shows == ("stop", "no_operator")
    assert bench.kept == []


def test_help_is_called_without_a_badge() -> None:
    bench = a_bench(signed_in=False).command("HELP")
    assert (bench.shows, bench.screen.help_called) == (("wait", "help_called"), True)
    assert bench.draft("HelpRequested").operator is None


def test_a_call_for_help_names_the_unit_and_the_step_on_the_bench() -> None:
    body = a_bench_at_work().command("HELP").body("HelpRequested")
    assert (body.unit, body.step) == (UNIT, "battery")


def test_when_help_is_there_the_call_ends() -> None:
    bench = a_bench().command("HELP", "HELPED")
    assert (bench.shows, bench.screen.help_called) == (("go", "help_came"), False)
    assert bench.kinds == ["HelpRequested", "HelpAnswered"]


def test_a_break_stops_the_clock_and_resuming_starts_it() -> None:
    bench = a_bench().command("PAUSE")
    assert (bench.screen.phase, bench.shows, bench.screen.actions) == (
        "paused",
        ("wait", "paused"),
        ("RESUME", "HELP"),
    )
    assert bench.body("StationStateChanged").model_dump() == {"state": "SBY", "reason": "pause"}
    bench.command("RESUME")
    assert (bench.screen.phase, bench.shows) == ("idle", ("go", "resumed"))
    assert bench.body("StationStateChanged").model_dump() == {"state": "PRD", "reason": ""}


def test_during_a_break_other_scans_are_refused_with_a_hint() -> None:
    bench = a_bench_at_work().command("PAUSE", "DONE")
    assert bench.shows == ("stop", "not_now")
    assert "RESUME" in bench.banner.args["hint"]["en"]
    assert bench.screen.phase == "paused"


def test_help_can_be_called_during_a_break() -> None:
    assert a_bench().command("PAUSE", "HELP").screen.help_called


def test_a_badge_ends_the_break() -> None:
    bench = a_bench().command("PAUSE").badge()
    assert (bench.screen.phase, bench.screen.operator, bench.shows) == ("idle", BADGE, ("go", "resumed"))


def test_resuming_without_a_break_is_answered_with_a_hint() -> None:
    assert a_bench().command("RESUME").shows == ("stop", "not_now")


def test_the_language_is_the_sites_first_until_the_person_chooses() -> None:
    bench = a_bench(plan=a_plan(languages=("en", "fr")))
    assert bench.session.language == "en"
    assert bench.give(LanguageChosen, language="fr").session.language == "fr"


def test_the_language_is_the_persons_own_where_the_site_speaks_it() -> None:
    people = [a_worker(language="en"), a_worker("OP-08", language="br")]
    bench = a_bench(workers=people)
    assert bench.session.language == "en"
    assert bench.badge("OP-08").session.language == "fr"


def test_the_next_person_starts_in_the_sites_language_again() -> None:
    bench = a_bench().give(LanguageChosen, language="en").badge("OP-08")
    assert bench.session.language == "fr"
