"""Nonconformities, folded: the floor opens and settles them, the office does the rest by `mes.domain.nonconformity`.

The same contract as `mes.fold`: values from the entry only; a request that may not be changes nothing. A unit that is
concerned is held (`unit.nc`) from the moment that it is an item until its item is settled or sent back on the route.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import select

from mes import fold_corrective, fold_rollups, wire
from mes.db.tables import Ledger, UnitRow
from mes.domain import gate
from mes.domain import nonconformity as rules
from mes.domain import unit as unit_rules
from mes.domain.gate import Unit
from mes.domain.nonconformity import Case, Refused
from mes.domain.route import Plan, Product
from mes.domain.unit import NcDraft
from mes.fold_deliveries import came_back
from mes.fold_nc_text import told
from mes.fold_orders import move_order
from mes.rows import ConcessionRow, LogViewRow, LotRow, NcItemRow, NcRemarkRow, NcRow, OrderRow
from mes.verdicts import Entry, Judged, NotUnderstood, no, yes
from mes.world import World

_BLOCKABLE: Final = ("reserved", "waiting", "in_work", "done")


def case_of(world: World, row: NcRow) -> Case:
    """A nonconformity and its items, as far as the rules look."""
    items = tuple(item.rule for item in world.items_of(row))
    return Case(row.state, row.contained_at is not None, row.analysed_at is not None, items)  # type: ignore[arg-type]


def _put(world: World, entry: Entry, row: NcRow, case: Case, details: dict[int, dict[str, Any]] | None = None) -> NcRow:
    """Write what the rules have made of a nonconformity.

    Args:
        details: for an item by its number, what the rules do not look at.
    """
    known = {item.item: item for item in world.items_of(row)}
    for item in case.items:
        before = known.get(item.number)
        was = before or NcItemRow(row.id, item.number, item.kind, item.subject, precaution=item.precaution)
        if item.state == "undecided" and was.state != "undecided":  # its treatment has failed
            was = replace(was, decided_by="", decided_at=None, step="", concession=None)
        after = replace(
            was,
            quantity=item.quantity,
            state=item.state,
            disposition=item.disposition,
            verified_at=(was.verified_at or entry.at) if item.verified else None,
            **((details or {}).get(item.number, {})),
        )
        if after != before:
            world.nc_items.put(after)
    ended = entry.at if case.state in ("closed", "cancelled") else None
    count = max((item.number for item in case.items), default=0)
    after_row = replace(row, state=case.state, items=count, closed_at=ended)
    world.ncs.put(after_row)
    return after_row


def _no(entry: Entry, refused: Refused, row: NcRow) -> Judged:
    return no(entry, refused.reason, **{"nc": row.id, **refused.args})


# --- what the floor does ----------------------------------------------------------------------------------------------


def number(world: World, entry: Entry, counter: str, prefix: str) -> str:
    """The next number of a kind of record: per year and gapless."""
    year = entry.received_at[:4]
    return f"{prefix}-{year}-{world.next_number(f'{counter}-{year}'):04}"


def open_nc(world: World, entry: Entry, unit: Unit, draft: NcDraft) -> str:
    """The floor has found something: open a nonconformity of this unit. Returns its number."""
    nc = number(world, entry, "nc", "NC")
    if unit.treating:  # The rework did not cure it: the old one goes back to its decision and the new one says so.
        _verified(world, entry, unit.treating, unit.serial, passed=False)
    detail = json.dumps({**draft.detail, **({"after": unit.treating} if unit.treating else {})}, ensure_ascii=False)
    row = NcRow(
        id=nc,
        unit=unit.serial,
        order=unit.order,
        product=unit.product,
        step=draft.step,
        station=entry.station,
        cause=draft.cause,
        defect=draft.defect,
        detail=detail,
        state="open",
        disposition=None,
        why="",
        event_id=entry.event_id,
        opened_at=entry.at,
        decided_at=None,
        closed_at=None,
        items=1,
    )
    world.ncs.put(row)
    world.nc_items.put(NcItemRow(nc, 1, "unit", unit.serial))
    told(world, entry, nc)
    fold_corrective.came_again(world, entry, row)
    return nc


def passed_again(world: World, entry: Entry, nc: str, unit: str) -> None:
    """A unit has passed the step at which it was blocked: its item is settled, and the last one closes the whole."""
    _verified(world, entry, nc, unit, passed=True)


def _verified(world: World, entry: Entry, nc: str, unit: str, *, passed: bool) -> None:
    row = world.ncs.get(nc)
    before = case_of(world, row) if row else Case()
    case = rules.on_floor(before, unit, passed=passed)
    if row is None or case == before:
        return
    closed = rules.close(case)
    _put(world, entry, row, case if isinstance(closed, Refused) else closed)


# --- what people do: report, contain, analyse -------------------------------------------------------------------------


def _hold(world: World, entry: Entry, nc: str, items: Iterable[wire.NcItem]) -> Judged | None:
    """Block what can be blocked; the reason when a unit is not there, or cannot be."""
    for item in items:
        if item.kind == "unit":
            unit = world.units.get(item.subject)
            if unit is None:
                return no(entry, "unknown_unit", unit=item.subject)
            if unit.nc is not None and unit.nc != nc:
                return no(entry, "unit_held", unit=unit.serial, nc=unit.nc)
            if unit.state not in _BLOCKABLE:
                return no(entry, f"unit_{unit.state}", unit=unit.serial)
            state = "waiting" if unit.state == "in_work" else unit.state
            world.put_unit(replace(unit, nc=nc, state=state, station=None, place=None, since=entry.at))
        elif item.kind == "pieces" and world.orders.get(item.subject) is None:
            return no(entry, "unknown_order", order=item.subject)
        elif item.kind == "lot":
            _lot(world, item.part, item.subject, "held", nc)
    return None


def _lot(
    world: World,
    part: str,
    lot: str,
    state: str,
    why: str,
    *,
    under: ConcessionRow | None = None,
    by_piece: bool = False,
) -> None:
    """How a lot stands; `under`: the concession that lets it be used, whatever its own last day is. The gate refuses it
    after the concession's day, at the benches without network, too; `by_piece`: and when the count is used up."""
    row = world.lots.get(part, lot) or LotRow(part, lot)
    last = min((day for day in (row.expires, under.expires if under else "") if day), default=None)
    counted = under.id if under and by_piece else row.concession
    world.lots.put(replace(row, state=state, why=why, expires=last, concession=counted))


def _opened(world: World, entry: Entry, body: wire.NonconformityOpened) -> Judged:
    signal = world.signals.get(body.signal) if body.signal else None
    if body.signal and signal is None:
        return no(entry, "unknown_signal", signal=body.signal)
    nc = number(world, entry, "nc", "NC")
    if (wrong := _hold(world, entry, nc, body.items)) is not None:
        return wrong
    case = Case()
    for item in body.items:
        added = rules.add(case, item.kind, item.subject, item.quantity)
        if isinstance(added, Refused):
            return no(entry, added.reason, nc=nc, **added.args)
        case = added
    first = next((world.units.get(i.subject) for i in body.items if i.kind == "unit"), None)
    order = body.order or (first.order if first else "")
    order = order or next((i.subject for i in body.items if i.kind == "pieces"), "")
    known = world.orders.get(order) if order else None
    facts = _facts(body.facts)
    facts["customer"] = facts.get("customer") or (known.customer if known else "")
    facts["title"] = body.title
    row = NcRow(
        id=nc,
        unit=first.serial if first else "",
        order=order,
        product=body.product or (known.product if known else ""),
        step=body.step or (first.step if first else ""),
        station=body.station or None,
        cause="reported",
        defect=body.defect or None,
        detail="{}",
        state="open",
        disposition=None,
        why="",
        event_id=entry.event_id,
        opened_at=entry.at,
        decided_at=None,
        closed_at=None,
        **facts,
    )
    more = {n: {"part": i.part, "why": i.why} for n, i in enumerate(body.items, 1)}
    if signal is not None:
        world.signals.put(replace(signal, nc=nc))
    row = _put(world, entry, row, case, more)
    told(world, entry, nc)
    fold_corrective.came_again(world, entry, row)
    return yes(entry, nc=nc)


def open_of_sample(
    world: World,
    entry: Entry,
    order: OrderRow,
    step: str,
    items: Sequence[wire.NcItem],
    *,
    spared: Collection[str],
    place: str,
    detail: Mapping[str, Any],
) -> str:
    """A sample has shown what does not conform: hold it, set aside already where `place` says so. Returns its number.

    Args:
        items: units that may be held, or pieces of the order.
        spared: the units of them on which nothing was found; they are held with their lot.
    """
    nc = number(world, entry, "nc", "NC")
    case = Case(contained=bool(place))
    for item in items:
        added = rules.add(case, item.kind, item.subject, item.quantity, precaution=item.subject in spared)
        assert not isinstance(added, Refused)
        case = added
    wrong = _hold(world, entry, nc, items)
    assert wrong is None, wrong
    row = NcRow(
        id=nc,
        unit=next((i.subject for i in items if i.kind == "unit"), ""),
        order=order.id,
        product=order.product,
        step=step,
        station=None,
        cause="sample",
        defect=None,
        detail=json.dumps(detail, sort_keys=True),
        state="open",
        disposition=None,
        why="",
        event_id=entry.event_id,
        opened_at=entry.at,
        decided_at=None,
        closed_at=None,
        customer=order.customer,
        place=place,
        contained_at=entry.at if place else None,
    )
    after = _put(world, entry, row, case)
    told(world, entry, nc)
    fold_corrective.came_again(world, entry, after)
    return nc


def _facts(given: wire.NcFacts) -> dict[str, Any]:
    """The columns that are given; a customer that is not informed after all has no day."""
    out = given.model_dump(exclude_none=True)
    if "customer_informed" in out:
        out["customer_informed"] = out["customer_informed"] or None
    return out


Rule = Callable[[World, Entry, Any], Judged]


def _on(rule: Callable[[World, Entry, Any, NcRow], Judged]) -> Rule:
    """A rule about a nonconformity that must be there."""

    def judge(world: World, entry: Entry, body: Any) -> Judged:
        row = world.ncs.get(body.nc)
        judged = rule(world, entry, body, row) if row else no(entry, "unknown_nc", nc=body.nc)
        if judged.verdict == "accepted":
            remark = body.text if isinstance(body, wire.NonconformityRemarked) else ""
            for nc in filter(None, (body.nc, getattr(body, "into", None))):
                told(world, entry, nc, remark=remark)
        return judged

    return judge


def _amended(world: World, entry: Entry, body: wire.NonconformityAmended, row: NcRow) -> Judged:
    if refused := rules.may("amend", case_of(world, row)):
        return _no(entry, refused, row)
    world.ncs.put(replace(row, **_facts(body.facts)))
    return yes(entry, nc=row.id)


def _extended(world: World, entry: Entry, body: wire.NonconformityExtended, row: NcRow) -> Judged:
    case = case_of(world, row)
    first = len(case.items) + 1
    for item in body.items:
        added = rules.add(case, item.kind, item.subject, item.quantity, precaution=True)
        if isinstance(added, Refused):
            return _no(entry, added, row)
        case = added
    if (wrong := _hold(world, entry, row.id, body.items)) is not None:
        return wrong
    _put(world, entry, row, case, {n: {"part": i.part, "why": i.why} for n, i in enumerate(body.items, first)})
    return yes(entry, nc=row.id, items=len(body.items))


def _contained(world: World, entry: Entry, body: wire.NonconformityContained, row: NcRow) -> Judged:
    case = rules.contain(case_of(world, row))
    if isinstance(case, Refused):
        return _no(entry, case, row)
    since = row.contained_at or entry.at
    _put(world, entry, replace(row, place=body.place, labelled=body.labelled, contained_at=since), case)
    return yes(entry, nc=row.id, place=body.place)


def _analysed(world: World, entry: Entry, body: wire.NonconformityAnalysed, row: NcRow) -> Judged:
    case = rules.analyse(case_of(world, row))
    if isinstance(case, Refused):
        return _no(entry, case, row)
    _put(world, entry, replace(row, analysis=body.cause, analysed_at=row.analysed_at or entry.at), case)
    return yes(entry, nc=row.id)


# --- decide -----------------------------------------------------------------------------------------------------------


def _decided(world: World, entry: Entry, body: wire.NonconformityDecided, row: NcRow) -> Judged:
    """The short way of one unit: decided without containment and analysis, closed by what the floor does then."""
    unit = world.units.get(row.unit)
    if row.state != "open" or unit is None or unit.nc != row.id:
        return no(entry, "nc_state", nc=body.nc)
    step = body.step if body.disposition == "rework" else None
    answer = _dispose(world, entry, row, (1,), body.disposition, step or "", "", body.why)
    if answer.verdict == "accepted" and body.disposition == "scrap":
        after = world.ncs.get(row.id)
        assert after is not None
        case = rules.close(case_of(world, after))
        if not isinstance(case, Refused):
            _put(world, entry, after, case)
    return answer


def _disposed(world: World, entry: Entry, body: wire.NonconformityDisposed, row: NcRow) -> Judged:
    if _own_work(world, entry, row):
        return no(entry, "nc_own_work", nc=row.id)
    return _dispose(
        world,
        entry,
        row,
        body.items,
        body.disposition,
        body.step,
        body.concession,
        body.why,
        by_piece=body.by_piece,
        at_gate=body.at_gate,
    )


def _own_work(world: World, entry: Entry, row: NcRow) -> bool:
    """Was it found at a bench by the very person who decides? Where the badge is forgotten, nobody can say so."""
    found = world.session.execute(select(Ledger.operator, Ledger.station).where(Ledger.event_id == row.event_id))
    first = found.first()
    if first is None or not first.station or not first.operator or not entry.operator:
        return False
    badge = world.badges.get(first.operator)
    return badge is not None and badge.person == entry.operator


def _dispose(
    world: World,
    entry: Entry,
    row: NcRow,
    numbers: Sequence[int],
    disposition: rules.Disposition,
    step: str,
    concession: str,
    why: str,
    *,
    by_piece: bool = False,
    at_gate: bool = False,
) -> Judged:
    """Decide on items; all of them or none. The answer names the first unit and where it goes.

    Args:
        by_piece: a lot takes nothing from its concession now, but each of its pieces when it goes in.
        at_gate: a unit takes nothing from it now, but when the gate lets it on; one that is finished takes it now.
    """
    said: dict[str, Any] = {"nc": row.id}
    case, details = case_of(world, row), {}
    today = world.day(entry.at)
    for n in numbers:
        item = case.item(n)
        if disposition == "use_as_is" and item is not None and item.state == "undecided":
            later = (by_piece and item.kind == "lot") or (at_gate and item.kind == "unit")
            taken = _take(world, row, concession, item, today, later=later)
            if isinstance(taken, Refused):
                return _no(entry, taken, row)
        decided = rules.decide(case, n, disposition, concession=bool(concession))
        if isinstance(decided, Refused):
            return _no(entry, decided, row)
        case = decided
        changed = case.item(n)
        assert changed is not None
        details[n] = {
            "decided_by": entry.operator or "",
            "decided_at": entry.at,
            "note": why,
            "concession": concession if disposition == "use_as_is" else None,
        }
        if changed.kind == "lot" and disposition in ("use_as_is", "not_confirmed", "regrade"):
            lot = next(i for i in world.items_of(row) if i.item == n)
            granted = world.concessions.get(concession) if disposition == "use_as_is" else None
            _lot(world, lot.part, lot.subject, "released", row.id, under=granted, by_piece=by_piece)
        if changed.kind != "unit":
            continue
        went = _send(world, entry, row, changed, step)
        if isinstance(went, Refused):
            return _no(entry, went, row)
        if at_gate and disposition == "use_as_is":
            _wait_for_the_gate(world, changed.subject, concession)
        details[n]["step"] = went
        said = {"unit": changed.subject, **({"step": went} if went else {}), **said}
    row = replace(row, disposition=disposition, why=why, decided_at=entry.at)
    _put(world, entry, row, case, details)
    return yes(entry, **said)


def _take(world: World, row: NcRow, concession: str, item: rules.Item, today: str, *, later: bool) -> Refused | None:
    """Use a concession for an item; `later`: it must permit one piece at least, and is used piece by piece."""
    granted = world.concessions.get(concession) if concession else None
    if granted is None:
        return Refused("nc_needs_concession")
    asked = (
        replace(item, quantity=1 + len(_waiting(world, concession)) if item.kind == "unit" else 1) if later else item
    )
    after = granted.rule.take(row.product, row.step, asked, today)
    if isinstance(after, Refused):
        return after
    if later:
        return None
    world.concessions.put(replace(granted, remaining=after.left))
    return None


def _waiting(world: World, concession: str) -> list[Unit]:
    """The units that are to go on under a concession, and have not been let on yet."""
    world.units.load_where(UnitRow.permit == concession)
    return [held[0] for held in world.units.rows.values() if held and held[0].permit == concession]


def _wait_for_the_gate(world: World, serial: str, concession: str) -> None:
    """A unit is to go on under a concession: the gate takes it; no gate comes after the last step."""
    unit = world.units.get(serial)
    assert unit is not None
    if unit.state == "done":
        use_permit(world, concession)
    else:
        world.put_unit(replace(unit, permit=concession))


def permit_of(world: World, unit: Unit) -> gate.Permit | None:
    """The concession that a unit is to go on under, as it stands."""
    granted = world.concessions.get(unit.permit) if unit.permit else None
    return gate.Permit(granted.id, granted.expires, granted.remaining) if granted else None


def use_permit(world: World, concession: str) -> None:
    """A unit goes on under a concession: it counts down, once for each unit."""
    granted = world.concessions.get(concession)
    assert granted is not None
    world.concessions.put(replace(granted, remaining=granted.remaining - 1))


def _send(world: World, entry: Entry, row: NcRow, item: rules.Item, to: str) -> str | Refused:
    """What a decision does to a unit: on its route, or out of it.

    Returns:
        The step that it goes to, empty where it goes nowhere.
    """
    unit = world.units.get(item.subject)
    if unit is None or unit.nc != row.id:
        return Refused("nc_held_by", {"unit": item.subject, "other": unit.nc if unit and unit.nc else "–"})
    if item.disposition == "scrap":
        scrapped = replace(unit, state="scrapped", station=None, place=None, permit=None, since=entry.at)
        world.put_unit(scrapped)
        move_order(world, entry, unit, scrapped)
        fold_rollups.decided(world, entry, unit, scrapped)
        return ""
    order = world.orders.get(unit.order)
    plan = world.plan(order.revision or world.latest_revision()) if order else None
    product = plan.product(unit.product) if plan else None
    if plan is None or product is None:
        raise NotUnderstood(f"the plan of order {unit.order} does not know {unit.product}")
    if not item.on_route:
        return _let_go(world, entry, row, item, unit, product)
    return _back(world, entry, row, item, unit, product, plan, to)


def _let_go(world: World, entry: Entry, row: NcRow, item: rules.Item, unit: Unit, product: Product) -> str | Refused:
    """Free without treatment: where it stands; or, under a concession, past the step that it did not pass."""
    free = replace(unit, nc=None, since=entry.at)
    stays = item.precaution or row.cause not in ("test_failed", "defect_found") or unit.step != row.step
    if stays or unit.state == "done":
        world.put_unit(free)
        return ""
    failed = product.step(row.step)
    if failed is not None and gate.proves_safety(product, failed):
        return Refused("nc_safety", {"step": gate.name_of_step(product, row.step)})
    on = unit_rules.onward(free, product.after(row.step), entry.at)
    world.put_unit(on)
    move_order(world, entry, unit, on)
    fold_rollups.decided(world, entry, unit, on)
    return on.step


def _back(
    world: World,
    entry: Entry,
    row: NcRow,
    item: rules.Item,
    unit: Unit,
    product: Product,
    plan: Plan,
    to: str,
) -> str | Refused:
    """Back to a step: the one that was chosen, or the one that failed; never past a test of safety."""
    chosen = "" if item.disposition == "not_confirmed" else to
    failed = row.step if product.step(row.step) and not item.precaution else unit.step
    step = product.step(chosen or failed)
    if step is None or product.place(step.id) > product.place(unit.step):
        known = ", ".join(s.id for s in product.steps[: product.place(unit.step) + 1])
        return Refused("unknown_step", {"step": chosen or failed, "known": known})
    if (missing := unit_rules.first_to_pass(product, step, unit.results)) is not None:
        # No person's word takes the place of a safety test: the unit goes to where it can pass it.
        if chosen:
            danger = gate.unsafe(plan, product, step, unit)
            return Refused("safety_first", danger.args if danger else {"unit": unit.serial, "step": missing})
        step = product.step(missing) or step
    back = unit_rules.send_to(unit, step.id, entry.at, nc=row.id, product=product)
    world.put_unit(back)
    came_back(world, entry, unit, row.id)
    move_order(world, entry, unit, back)
    fold_rollups.decided(world, entry, unit, back, rework=item.disposition != "not_confirmed")
    return step.id


def _granted(world: World, entry: Entry, body: wire.ConcessionGranted, row: NcRow) -> Judged:
    if refused := rules.may("decide", case_of(world, row)):
        return _no(entry, refused, row)
    if _own_work(world, entry, row):
        return no(entry, "nc_own_work", nc=row.id)
    if body.expires < world.day(entry.at):
        return no(entry, "concession_past", expires=body.expires)
    made = number(world, entry, "co", "CO")
    world.concessions.put(
        ConcessionRow(
            id=made,
            nc=row.id,
            product=body.product,
            step=body.step,
            serials=json.dumps(list(body.serials)),
            count=body.count,
            remaining=body.count,
            expires=body.expires,
            scope=body.scope,
            authority=body.authority,
            reference=body.reference,
            granted_by=entry.operator or "",
            granted_at=entry.at,
        )
    )
    return yes(entry, nc=row.id, concession=made)


# --- treat, verify, end -----------------------------------------------------------------------------------------------


def _treated(world: World, entry: Entry, body: wire.NonconformityTreated, row: NcRow) -> Judged:
    case = rules.treat(case_of(world, row), body.item, bad=body.bad)
    if isinstance(case, Refused):
        return _no(entry, case, row)
    source = next(i for i in world.items_of(row) if i.item == body.item)
    details: dict[int, dict[str, Any]] = {body.item: {"note": body.note or source.note}}
    if body.bad:
        details[case.items[-1].number] = {"part": source.part, "why": source.why}
    _put(world, entry, row, case, details)
    return yes(entry, nc=row.id, item=body.item)


def _reverified(world: World, entry: Entry, body: wire.NonconformityReverified, row: NcRow) -> Judged:
    case = rules.reverify(case_of(world, row), body.item, passed=body.result == "passed")
    if isinstance(case, Refused):
        return _no(entry, case, row)
    _put(world, entry, row, case, {body.item: {"note": body.evidence}})
    return yes(entry, nc=row.id, item=body.item)


def _remarked(world: World, entry: Entry, body: wire.NonconformityRemarked, row: NcRow) -> Judged:
    if not body.text and body.file is None:
        return no(entry, "nc_says_nothing", nc=row.id)
    n, file = row.remarks + 1, body.file
    world.nc_remarks.put(
        NcRemarkRow(
            nc=row.id,
            number=n,
            text=body.text,
            file_sha256=file.sha256 if file else None,
            file_name=file.name if file else "",
            file_size=file.size if file else 0,
            file_type=file.type if file else "",
            at=entry.at,
        )
    )
    world.ncs.put(replace(row, remarks=n))
    return yes(entry, nc=row.id, number=n)


def _merged(world: World, entry: Entry, body: wire.NonconformityMerged, row: NcRow) -> Judged:
    into = world.ncs.get(body.into)
    if into is None or into.id == row.id:
        return no(entry, "unknown_nc", nc=body.into)
    merged = rules.merge(case_of(world, row), case_of(world, into))
    if isinstance(merged, Refused):
        return _no(entry, merged, row)
    mine, theirs = merged
    moving = [i for i in world.items_of(row) if i.state == "undecided"]
    new = theirs.items[into.items :]
    details: dict[int, dict[str, Any]] = {}
    for item in new:
        source = next(i for i in moving if (i.kind, i.subject) == (item.kind, item.subject))
        moving.remove(source)
        details[item.number] = {"part": source.part, "why": row.id}
        if source.kind == "unit" and (unit := world.units.get(source.subject)) is not None and unit.nc == row.id:
            world.put_unit(replace(unit, nc=into.id))
    _put(world, entry, into, theirs, details)
    _put(world, entry, replace(row, merged_into=into.id), mine)
    return yes(entry, nc=row.id, into=into.id)


def _closed(world: World, entry: Entry, body: wire.NonconformityEnded, row: NcRow) -> Judged:
    case = rules.close(case_of(world, row))
    if isinstance(case, Refused):
        return _no(entry, case, row)
    _put(world, entry, row, case)
    return yes(entry, nc=row.id)


def _cancelled(world: World, entry: Entry, body: wire.NonconformityEnded, row: NcRow) -> Judged:
    if not body.why:
        return no(entry, "nc_why", nc=row.id)
    case = rules.cancel(case_of(world, row))
    if isinstance(case, Refused):
        return _no(entry, case, row)
    for item in world.items_of(row):
        unit = world.units.get(item.subject) if item.kind == "unit" else None
        if unit is not None and unit.nc == row.id:
            world.put_unit(replace(unit, nc=None, since=entry.at))
        if item.kind == "lot":
            _lot(world, item.part, item.subject, "released", row.id)
    _put(world, entry, replace(row, why=body.why), case)
    return yes(entry, nc=row.id)


def _reopened(world: World, entry: Entry, body: wire.NonconformityEnded, row: NcRow) -> Judged:
    if not body.why:
        return no(entry, "nc_why", nc=row.id)
    case = rules.reopen(case_of(world, row))
    if isinstance(case, Refused):
        return _no(entry, case, row)
    _put(world, entry, row, case)
    return yes(entry, nc=row.id)


# --- views of the log -------------------------------------------------------------------------------------------------


def _view_saved(world: World, entry: Entry, body: wire.LogViewSaved) -> Judged:
    kept = json.dumps(body.filter, sort_keys=True, ensure_ascii=False)
    world.log_views.put(LogViewRow(body.name, kept))
    return yes(entry, name=body.name)


def _view_removed(world: World, entry: Entry, body: wire.LogViewRemoved) -> Judged:
    row = world.log_views.get(body.name)
    if row is None or row.gone:
        return no(entry, "unknown_view", name=body.name)
    world.log_views.put(replace(row, gone=True))
    return yes(entry, name=body.name)


NC_RULES: Final[dict[str, Rule]] = {
    "NonconformityOpened": _opened,
    "NonconformityAmended": _on(_amended),
    "NonconformityExtended": _on(_extended),
    "NonconformityContained": _on(_contained),
    "NonconformityAnalysed": _on(_analysed),
    "NonconformityDecided": _on(_decided),
    "NonconformityDisposed": _on(_disposed),
    "NonconformityTreated": _on(_treated),
    "NonconformityReverified": _on(_reverified),
    "NonconformityRemarked": _on(_remarked),
    "NonconformityMerged": _on(_merged),
    "NonconformityClosed": _on(_closed),
    "NonconformityCancelled": _on(_cancelled),
    "NonconformityReopened": _on(_reopened),
    "ConcessionGranted": _on(_granted),
    "LogViewSaved": _view_saved,
    "LogViewRemoved": _view_removed,
}
