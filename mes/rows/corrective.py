"""Corrective actions, their causes, tasks, and the nonconformities around them."""

from __future__ import annotations

from dataclasses import dataclass

from mes.domain.corrective import Against, Branch, Cause, CheckBy, State, Task


@dataclass(frozen=True, slots=True)
class ActionRow:
    """`corrective_action`."""

    id: str
    title: str
    problem: str
    product: str
    step: str
    defect: str
    state: State
    turn: int
    criterion: str
    check_by: CheckBy
    check_after: int
    opened_at: str
    done_at: str | None
    checked_at: str | None
    ended_at: str | None
    checked_by: str
    note: str
    before_found: int
    before_of: int
    after_found: int
    after_of: int

    @property
    def against(self) -> Against:
        """What would be the same thing coming again."""
        return Against(self.product, self.step, self.defect)


@dataclass(frozen=True, slots=True)
class ActionCauseRow:
    """`action_cause`."""

    action: str
    number: int
    branch: Branch
    text: str
    under: int
    root: bool

    @property
    def rule(self) -> Cause:
        """What the rules need of it."""
        return Cause(self.number, self.branch, self.text, self.under, self.root)


@dataclass(frozen=True, slots=True)
class ActionTaskRow:
    """`action_task`."""

    action: str
    number: int
    turn: int
    text: str
    owner: str
    due: str
    lasting: bool
    done_at: str | None
    evidence: str

    @property
    def rule(self) -> Task:
        """What the rules need of it."""
        return Task(self.number, self.turn, self.due, self.done_at is not None)


@dataclass(frozen=True, slots=True)
class ActionNcRow:
    """`action_nc`: why the question was put (`cause`), or what has come again since (`again`)."""

    action: str
    nc: str
    why: str
    at: str
