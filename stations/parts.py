"""Components: which one was scanned, whether it may go in, and how the last one comes out again.

Pure. The gate is asked here first: a wrong part is red at once and nothing of it is sent.
"""

from __future__ import annotations

from dataclasses import replace

from mes import wire
from mes.domain import gate
from mes.domain.gate import Installed
from stations import recall as floor
from stations import serials, signing, units
from stations.needs import Found
from stations.recall import Recall
from stations.turn import Turn
from stations.work import Work


def fit(turn: Turn, work: Work, found: Found, raw: str) -> Turn:
    """A component was scanned: put it in, or say why it must not go in."""
    s = turn.session
    quantity = work.times if found.serial is None else 1
    answer = gate.fit(
        step=work.step,
        installed=work.installed,
        part=found.part,
        serial=found.serial,
        lot=found.lot,
        quantity=quantity,
        # Where else a part is, and which lots are held, the station knows only as of its last talk with the server:
        # online the server says it, or a part that has just been freed would be refused here.
        used_in=None if s.online else s.recall.used_in(found.part, found.serial),
        lot_is="good" if s.online else s.recall.lot_is(found.part, found.lot, s.now, work.plan, quantity),
    )
    if not s.online:
        answer = signing.besides(answer, signing.may_work(s, work))
    if not answer.go:
        return turn.put_work(replace(work, times=1, finishing=False)).say(answer.reason, answer.args)
    body = wire.MaterialsInstalled(
        unit=work.serial,
        step=work.step.id,
        part=found.part,
        serial=found.serial,
        lot=found.lot,
        quantity=quantity,
        scan=raw,
    )
    turn, token = turn.keep(body, asks=s.online)
    item = Installed("", found.part, found.serial, found.lot, quantity)
    turn = turn.put_work(work.fit(token, item)).put(recall=floor.fitted(turn.session.recall, item, work.serial))
    return turn.say("kept", awaiting=token)


def uses_permit(recall: Recall, body: wire.MaterialsInstalled) -> Recall:
    """Pieces of a lot have gone in without the server; where the lot is under a concession, they use it."""
    return floor.used(recall, recall.lot_permits.get((body.part, body.lot or "")), body.quantity)


def undo(turn: Turn, work: Work) -> Turn:
    """Take back the last thing that was done to the unit; when nothing was, the unit itself goes off the bench."""
    last = work.deeds[-1] if work.deeds else None
    if last is None and turn.session.fresh == work.serial and serials.untouched(work):
        return serials.taken_back(turn, work)
    if last is None:
        return units.leave(turn, work, "undo")
    held = work.holds(last) if last != "judged" else None
    if held is None:
        return turn.say("nothing_to_undo")
    if not held.item.id:  # its draft has no event id yet: the disk is still writing
        return turn.not_now(held.item.part, "wait")
    body = wire.MaterialsUninstalled(unit=work.serial, step=work.step.id, installation=held.item.id, reason="undo")
    turn, token = turn.keep(body)
    out = floor.taken_out(turn.session.recall, held.item, work.serial)
    if not turn.session.online and held.item.lot:  # what went in without network is given back without it
        out = floor.used(out, out.lot_permits.get((held.item.part, held.item.lot)), -held.item.quantity)
    turn = turn.put_work(replace(work.drop(held.token), finishing=False)).put(recall=out)
    return turn.say("component_removed", {"part": _name(work, held.item.part)}, colour="kept", awaiting=token)


def name_args(work: Work, part: str) -> dict[str, object]:
    """What the sentence `component_fitted` says."""
    return {"part": _name(work, part)}


def _name(work: Work, part: str) -> object:
    component = next((c for c in work.step.components if c.part == part), None)
    return component.name.model_dump() if component else part
