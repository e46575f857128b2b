"""The life of a corrective action: causes, tasks, the criterion, and the check of whether it has worked.

A corrective action removes the cause, so that a nonconformity does not come again; it is not the correction of one
unit. Pure: values in, a new value or the reason against it out. The state follows from what was done (`state_of`);
nobody sets it. Source: ISO 9001:2015, 10.2.1 and 10.2.2; the eight steps of an 8D report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Literal

from mes.domain.nonconformity import Refused

State = Literal["open", "analysed", "planned", "to_check", "effective", "reopened", "cancelled"]
Branch = Literal["method", "machine", "material", "training", "environment", "measurement"]
Function = Literal["quality", "supervisor", "planner", "administrator"]
CheckBy = Literal["days", "units"]

STATES: Final[tuple[State, ...]] = ("open", "analysed", "planned", "to_check", "effective", "reopened", "cancelled")
LIVE: Final = frozenset({"open", "analysed", "planned", "to_check", "reopened"})
"""Somebody has still something to do."""
WATCHED: Final = frozenset({"to_check", "effective"})
"""What it is against should not come again: when it does, the question is put again."""
BRANCHES: Final[tuple[Branch, ...]] = ("method", "machine", "material", "training", "environment", "measurement")
"""The six families of causes of an Ishikawa diagram. The fourth is what people were taught and given, never who."""
FUNCTIONS: Final[tuple[Function, ...]] = ("quality", "supervisor", "planner", "administrator")
"""Who has to see to a task: a function of the workshop. A person's name never stands at a task."""
DEEPEST: Final = 7
"""Why, why, why: five are asked for, seven are enough."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One answer to "why?". `under` is the number of the cause that it explains, 0 for a first answer.

    `root`: this is what the tasks are against.
    """

    number: int
    branch: Branch
    text: str
    under: int = 0
    root: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do until a day; `turn` counts how often the question was put (1: the first time)."""

    number: int
    turn: int
    due: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class Corrective:
    """A corrective action as far as its rules look.

    `check_after` counts days or units (`check_by`); 0: nobody has said yet how it will be seen that it has worked.
    """

    state: State = "open"
    turn: int = 1
    causes: tuple[Cause, ...] = ()
    tasks: tuple[Task, ...] = ()
    check_by: CheckBy = "days"
    check_after: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """`found` of `of`: so many nonconformities on so many units begun."""

    found: int
    of: int


def state_of(case: Corrective) -> State:
    """Where a corrective action stands that was neither checked nor cancelled since it was last put to question."""
    mine = [task for task in case.tasks if task.turn == case.turn]
    if not any(cause.root for cause in case.causes):
        return "open" if case.turn == 1 else "reopened"
    if not mine:
        return "analysed" if case.turn == 1 else "reopened"
    return "to_check" if case.check_after and all(task.done for task in mine) else "planned"


def _may(case: Corrective) -> Refused | None:
    return None if case.state in LIVE else Refused("action_not_now", {"state": NAMES[case.state]})


def _moved(case: Corrective) -> Corrective:
    return replace(case, state=state_of(case))


def name_cause(
    case: Corrective, branch: Branch, text: str, *, under: int = 0, root: bool = False
) -> Corrective | Refused:
    """One more answer to "why?"."""
    if refused := _may(case):
        return refused
    depth = depth_of(case.causes, under)
    if under and depth is None:
        return Refused("action_no_cause", {"cause": under})
    if depth is not None and depth >= DEEPEST:
        return Refused("action_deep", {"deepest": DEEPEST})
    number = max((cause.number for cause in case.causes), default=0) + 1
    return _moved(replace(case, causes=(*case.causes, Cause(number, branch, text, under, root))))


def depth_of(causes: Sequence[Cause], number: int) -> int | None:
    """How many times "why?" was asked down to a cause: 1 for a first answer; None for one that there is not."""
    known = {cause.number: cause for cause in causes}
    depth, at = 0, number
    while at:
        if at not in known or depth > len(causes):
            return None
        depth, at = depth + 1, known[at].under
    return depth or None


def mark_root(case: Corrective, number: int) -> Corrective | Refused:
    """This is the cause that the tasks are against."""
    if refused := _may(case):
        return refused
    if all(cause.number != number for cause in case.causes):
        return Refused("action_no_cause", {"cause": number})
    causes = tuple(replace(c, root=True) if c.number == number else c for c in case.causes)
    return _moved(replace(case, causes=causes))


def plan_task(case: Corrective, due: str, *, today: str) -> Corrective | Refused:
    """One more thing to do; only when a root cause is known: else it would be a task against nothing.

    Args:
        due: `YYYY-MM-DD`, its last day; not before today.
    """
    if refused := _may(case):
        return refused
    if not any(cause.root for cause in case.causes):
        return Refused("action_no_root")
    if due < today:
        return Refused("action_due_past", {"due": due})
    number = max((task.number for task in case.tasks), default=0) + 1
    return _moved(replace(case, tasks=(*case.tasks, Task(number, case.turn, due))))


def finish_task(case: Corrective, number: int) -> Corrective | Refused:
    """A task is done."""
    if refused := _may(case):
        return refused
    found = next((task for task in case.tasks if task.number == number), None)
    if found is None:
        return Refused("action_no_task", {"task": number})
    if found.done:
        return Refused("action_task_done", {"task": number})
    tasks = tuple(replace(t, done=True) if t.number == number else t for t in case.tasks)
    return _moved(replace(case, tasks=tasks))


def set_criterion(case: Corrective, by: CheckBy, after: int) -> Corrective | Refused:
    """Say how, and after how many days or units, it will be seen whether it has worked."""
    return _may(case) or _moved(replace(case, check_by=by, check_after=after))


def check(case: Corrective, *, effective: bool, since: str | None, today: str, after: Count) -> Corrective | Refused:
    """It has worked, or it has not. That it has not may be said at once; that it has only when the time is over.

    Args:
        since: the day on which the last task was done.
        after: what came since then.
    """
    if case.state != "to_check" or since is None:
        return (
            Refused("action_not_done")
            if case.state in LIVE
            else Refused("action_not_now", {"state": NAMES[case.state]})
        )
    if not effective:
        return replace(case, state="reopened", turn=case.turn + 1)
    if case.check_by == "days" and today < (day := due_day(since, case.check_after)):
        return Refused("action_too_early", {"day": day})
    if case.check_by == "units" and after.of < case.check_after:
        return Refused("action_too_few", {"count": after.of, "wanted": case.check_after})
    return replace(case, state="effective")


def reopen(case: Corrective) -> Corrective | Refused:
    """The question is put again: by a person, or because what it was against has come again."""
    if case.state != "effective":
        return Refused("action_not_now", {"state": NAMES[case.state]})
    return replace(case, state="reopened", turn=case.turn + 1)


def cancel(case: Corrective) -> Corrective | Refused:
    """It will not be done; the reason stays on record."""
    return _may(case) or replace(case, state="cancelled")


def due_day(since: str, days: int) -> str:
    """The first day on which it may be said to have worked."""
    return (date.fromisoformat(since) + timedelta(days=days)).isoformat()


@dataclass(frozen=True, slots=True)
class Against:
    """What an action is against; an empty field is any. One without step and defect is against nothing that a machine
    could recognise: its recurrence is for people to see."""

    product: str
    step: str
    defect: str

    def same(self, product: str, step: str, defect: str) -> bool:
        """Is a new nonconformity of this kind?"""
        if not self.step and not self.defect:
            return False
        return all(not mine or mine == other for mine, other in zip(self.fields, (product, step, defect), strict=True))

    @property
    def fields(self) -> tuple[str, str, str]:
        """Product, step and defect."""
        return self.product, self.step, self.defect


# --- words ------------------------------------------------------------------------------------------------------------

NAMES: Final[dict[State, dict[str, str]]] = {
    "open": {"fr": "ouverte", "en": "open"},
    "analysed": {"fr": "analysée", "en": "analysed"},
    "planned": {"fr": "en cours", "en": "under way"},
    "to_check": {"fr": "efficacité à vérifier", "en": "effectiveness to check"},
    "effective": {"fr": "efficace", "en": "effective"},
    "reopened": {"fr": "à reprendre", "en": "to take up again"},
    "cancelled": {"fr": "annulée", "en": "cancelled"},
}
BRANCH_NAMES: Final[dict[Branch, dict[str, str]]] = {
    "method": {"fr": "Méthode", "en": "Method"},
    "machine": {"fr": "Matériel", "en": "Machine"},
    "material": {"fr": "Matière", "en": "Material"},
    "training": {"fr": "Formation et organisation", "en": "Training and organisation"},
    "environment": {"fr": "Milieu", "en": "Environment"},
    "measurement": {"fr": "Mesure", "en": "Measurement"},
}
FUNCTION_NAMES: Final[dict[Function, dict[str, str]]] = {
    "quality": {"fr": "Qualité", "en": "Quality"},
    "supervisor": {"fr": "Encadrement", "en": "Supervision"},
    "planner": {"fr": "Planification", "en": "Planning"},
    "administrator": {"fr": "Administration", "en": "Administration"},
}
