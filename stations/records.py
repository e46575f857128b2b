"""A tester's record at the bench: the test of the unit that is in work here, or a fact about another one.

Pure. The plan of the unit's order judges, as it does for the station's own instruments. It must not know the folder
that a record came from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mes.domain.records import Run, run_of
from mes.domain.unit import seconds_between
from stations.inputs import RecordCame
from stations.turn import LastScan, Session, Turn

LATE_S: Final = 60.0
"""How old a record may be to be the work of who is signed in, seconds."""


def due(s: Session, unit: str) -> bool:
    """Whether the bench knows enough to say what a record of this unit means: its order, and the order's plan."""
    known = s.recall.unit(unit)
    order = s.recall.order(known.order) if known else None
    return order is not None and (order.revision in s.recall.plans or order.revision == s.recall.revision)


def came(turn: Turn, told: RecordCame) -> Turn:
    """Keep the record as its event; where the unit is in work here at that step, it is the unit's test."""
    s, serial = turn.session, told.record.unit
    unit = s.recall.unit(serial)
    order = s.recall.order(unit.order) if unit else None
    plan = s.recall.plan_of(order) if order else None
    product = plan.product(unit.product) if plan and unit else None
    run = run_of(told.record, product, station=s.station)
    work = s.work(serial)
    if work is None or work.run is not None or work.step.id != run.body.step:
        return _as_itself(turn.note(run.body), run, s)
    turn, token = turn.keep(run.body)
    turn = _as_itself(turn, run, s)
    turn = turn.put_work(replace(work, readings=run.body.tests, deeds=(*work.deeds, "judged")))
    if s.front != serial or s.asked is not None:
        return turn  # the operator is busy with something else; the verdict is heard all the same
    return turn.put(asked=token, last=LastScan()).say("kept", awaiting=token)


def _as_itself(turn: Turn, run: Run, s: Session) -> Turn:
    """Give the draft that was just made the record's own id and time.

    Who is signed in now is who tested only when it was just now: nobody is named for a record that has lain here.
    """
    age_s = seconds_between(run.captured_at, s.now)
    draft = replace(turn.drafts[-1], event_id=run.event_id, captured_at=run.captured_at)
    if age_s is None or age_s > LATE_S:
        draft = replace(draft, operator=None)
    return replace(turn, drafts=(*turn.drafts[:-1], draft))
