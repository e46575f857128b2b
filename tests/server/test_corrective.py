"""Corrective actions on the server: figures before and after, what comes again, and that the ledger says the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mes import corrective as verbs
from mes import wire
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from mes.db.tables import CorrectiveAction
from mes.domain.corrective import Count
from tests.server.bench import Floor
from tests.server.small_plan import small_plan

UNITS = [f"GEN-2648-{n:05}" for n in range(1, 9)]
AC = "AC-2026-0001"


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    made = Floor(f"sqlite:///{tmp_path / 'atelier.db'}", small_plan(retests=0))
    made.order("GEN", 8)
    yield made
    _, findings = verify_engine(made.engine, tmp_path)
    assert findings == []
    made.close()


def tested(floor: Floor, serial: str, value: float) -> None:
    b1, b2 = floor.bench("b1"), floor.bench("b2")
    floor.send(b1, b1.arrive(serial, "fit"), b1.fit(serial, "BAT", serial=serial[-5:]))
    floor.send(b1, b1.fit(serial, "FUSE", lot="7"), b1.fit(serial, "FUSE", lot="7"), b1.done(serial, "fit"))
    floor.send(b2, b2.arrive(serial, "test"), b2.test(serial, value))
    if value < 5.0:
        floor.send(b2, b2.done(serial, "test"))


def opened(floor: Floor, **more: Any) -> str:
    answer = floor.do(verbs.open_action, wire.ActionOpened(title="Insulation too low", **more))
    assert answer.done, answer
    return str(answer.args["action"])


def worked_on(floor: Floor, action: str, *, days: int | None = None, units: int | None = None) -> None:
    cause = wire.ActionCauseNamed(action=action, branch="method", text="Cable under the cover", root=True)
    due = (floor.clock.now + timedelta(days=10)).date().isoformat()
    task = wire.ActionTaskPlanned(action=action, text="Clip for the cable", owner="planner", due=due, lasting=True)
    criterion = wire.ActionCriterionSet(
        action=action, criterion="None on the next ones", by="days" if days else "units", after=days or units or 1
    )
    number = 1
    assert floor.do(verbs.name_cause, cause).done
    assert floor.do(verbs.plan_task, task).done
    assert floor.do(verbs.set_criterion, criterion).done
    assert floor.do(verbs.finish_task, action, number, "Plan revision 2").done


def row(floor: Floor, action: str = AC) -> CorrectiveAction:
    with reading(floor.engine) as session:
        found = session.get_one(CorrectiveAction, action)
        session.expunge(found)
        return found


def figures(floor: Floor) -> verbs.Figures:
    with reading(floor.engine) as session:
        return verbs.figures_of(session, session.get_one(CorrectiveAction, AC), now=floor.clock.now)


def test_an_action_takes_over_what_its_nonconformity_is_about_and_counts_before_and_after(floor: Floor) -> None:
    for serial, value in zip(UNITS[:4], (9.0, 3.0, 9.0, 3.0), strict=True):
        tested(floor, serial, value)
    opened(floor, ncs=("NC-2026-0001",))
    assert (row(floor).product, row(floor).step) == ("GEN", "test")
    assert figures(floor) == verbs.Figures(Count(2, 4), Count(0, 0), None, None)
    floor.clock.tick(3600)
    worked_on(floor, AC, units=3)
    for serial in UNITS[4:6]:
        tested(floor, serial, 3.0)
    assert floor.do(verbs.check, AC, "Looks good", effective=True).reason == "action_too_few"
    tested(floor, UNITS[6], 3.0)
    answer = floor.do(verbs.check, AC, "None of three", effective=True, actor="P-QUALITY")
    assert answer.done, answer
    after = row(floor)
    assert (after.state, after.before_found, after.before_of) == ("effective", 2, 4)
    assert (after.after_found, after.after_of, after.checked_by) == (0, 3, "P-QUALITY")


def test_what_comes_again_puts_the_question_again_by_itself(floor: Floor) -> None:
    tested(floor, UNITS[0], 9.0)
    opened(floor, ncs=("NC-2026-0001",))
    worked_on(floor, AC, days=1)
    floor.clock.tick(2 * 86_400)
    assert floor.do(verbs.check, AC, "Two quiet days", effective=True).done
    tested(floor, UNITS[1], 9.0)
    after = row(floor)
    assert (after.state, after.turn) == ("reopened", 2)
    with reading(floor.engine) as session:
        assert [(n.nc, n.why) for n in verbs.parts_of(session, AC).ncs] == [
            ("NC-2026-0001", "cause"),
            ("NC-2026-0002", "again"),
        ]
        assert [a.id for a in verbs.of_nc(session, "NC-2026-0002")] == [AC]


def test_another_fault_leaves_an_effective_action_alone(floor: Floor) -> None:
    opened(floor, product="GEN", step="fit")
    worked_on(floor, AC, days=1)
    floor.clock.tick(2 * 86_400)
    assert floor.do(verbs.check, AC, "Two quiet days", effective=True).done
    tested(floor, UNITS[0], 9.0)
    assert row(floor).state == "effective"


def test_the_list_says_what_is_overdue(floor: Floor) -> None:
    opened(floor, step="test")
    opened(floor, step="fit")
    cause = wire.ActionCauseNamed(action=AC, branch="method", text="Cable", root=True)
    day = floor.clock.now.date().isoformat()
    floor.do(verbs.name_cause, cause)
    floor.do(verbs.plan_task, wire.ActionTaskPlanned(action=AC, text="Clip", owner="planner", due=day))
    with reading(floor.engine) as session:
        found = verbs.waiting(session, today=day)
        assert [(w.action.id, w.due, w.overdue) for w in found] == [(AC, day, False), ("AC-2026-0002", None, False)]
        assert verbs.waiting(session, today="2027-01-01")[0].overdue
    floor.do(verbs.cancel, "AC-2026-0002", "Twice")
    with reading(floor.engine) as session:
        assert [w.action.id for w in verbs.waiting(session, today=day)] == [AC]
        assert len(verbs.waiting(session, today=day, everything=True)) == 2


def test_what_may_not_be_says_so_and_changes_nothing(floor: Floor) -> None:
    unknown_nc = floor.do(verbs.open_action, wire.ActionOpened(title="Why", ncs=("NC-2026-0999",)))
    assert unknown_nc.reason == "unknown_nc"
    assert floor.do(verbs.cancel, AC, "No").reason == "unknown_action"
    assert floor.do(verbs.check, AC, "No", effective=True).reason == "unknown_action"
    opened(floor)
    task = wire.ActionTaskPlanned(action=AC, text="Clip", owner="planner", due="2027-01-01")
    assert floor.do(verbs.plan_task, task).reason == "action_no_root"
    assert opened(floor) == "AC-2026-0002"  # no number is lost


def test_the_whole_life_at_the_command_line(floor: Floor) -> None:
    url = floor.engine.url.render_as_string(hide_password=False)

    def run(*words: str, ok: bool = True) -> str:
        done = CliRunner().invoke(main, ["action", *words, "--database", url], env={"LANG": "en_GB.UTF-8"})
        assert (done.exit_code == 0) is ok, done.output
        return done.output

    year = str(run("open", "Cable pinched", "--step", "test", "--defect", "D-CABLE").split(":")[0]).split("-")[1]
    name = f"AC-{year}-0001"
    assert "no root cause" in run("task", name, "Clip", "--owner", "planner", "--due", "2999-01-01", ok=False).lower()
    run("cause", name, "method", "No place for the cable")
    run("cause", name, "machine", "The jig hides it", "--under", "1")
    run("root", name, "2")
    run("task", name, "New jig", "--owner", "supervisor", "--due", "2999-01-01", "--lasting")
    assert "--days or --units" in run("criterion", name, "None in ten", ok=False)
    run("criterion", name, "None in ten", "--units", "10")
    run("done", name, "1", "Jig 7")
    assert "too few" in run("check", name, "effective", "Fine", ok=False)
    run("check", name, "not-effective", "It came again")
    shown = json.loads(run("show", name, "--json"))
    assert (shown["state"], shown["turn"], len(shown["causes"])) == ("reopened", 2, 2)
    assert "The jig hides it *" in run("show", name)
    assert [r["id"] for r in json.loads(run("list", "--json"))] == [name]
    run("cancel", name, "Product is no longer made")
    assert "waits for" in run("list")
