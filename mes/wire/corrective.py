"""Bodies: corrective actions, from the question to the proof that it has worked (`mes.domain.corrective`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Day, Frozen, Id, OptionalId
from mes.wire.nonconformity import Number, Said, Text

Title = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Branch = Literal["method", "machine", "material", "training", "environment", "measurement"]
Function = Literal["quality", "supervisor", "planner", "administrator"]
Ncs = Annotated[tuple[Id, ...], Field(max_length=50)]


class ActionOpened(Frozen):
    """Somebody asks why something does not conform, so that it does not come again.

    `product`, `step` and `defect` say what would be the same thing coming again; empty: any.
    """

    title: Title
    problem: Text = ""
    ncs: Ncs = ()
    product: OptionalId = ""
    step: OptionalId = ""
    defect: OptionalId = ""


class ActionCauseNamed(Frozen):
    """One answer to "why?"; `under` is the cause that it explains, 0 for a first answer."""

    action: Id
    branch: Branch
    text: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
    under: Annotated[int, Field(ge=0, lt=10**6)] = 0
    root: bool = False


class ActionRootMarked(Frozen):
    """This cause is what the tasks are against."""

    action: Id
    cause: Number


class ActionTaskPlanned(Frozen):
    """One thing to do until a day, by a function of the workshop; `lasting` changes a way of working (8D, D7)."""

    action: Id
    text: Said
    owner: Function
    due: Day
    lasting: bool = False


class ActionTaskDone(Frozen):
    """A task is done; `evidence` names the record."""

    action: Id
    task: Number
    evidence: Said


class ActionCriterionSet(Frozen):
    """How it will be seen that it has worked, and after how many days or units begun."""

    action: Id
    criterion: Said
    by: Literal["days", "units"]
    after: Annotated[int, Field(ge=1, le=100_000)]


class FoundOf(Frozen):
    """Nonconformities `found` on units begun (`of`)."""

    found: Annotated[int, Field(ge=0)]
    of: Annotated[int, Field(ge=0)]


class ActionChecked(Frozen):
    """It has worked, or not; the figures are those that the person has seen."""

    action: Id
    effective: bool
    note: Said
    before: FoundOf
    after: FoundOf


class ActionEnded(Frozen):
    """Taken up again, or cancelled."""

    action: Id
    why: Said
