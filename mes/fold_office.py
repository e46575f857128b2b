"""What people do away from the bench, folded into the same state: plans, decisions, second tries.

The same contract as `mes.fold`: values from the entry only; a request that may not be changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from mes import wire
from mes.domain.gate import OVERRIDABLE
from mes.fold_corrective import ACTION_RULES
from mes.fold_nonconformity import NC_RULES
from mes.fold_orders import ORDER_RULES
from mes.rows import BadgeRow, LabelRow, OverrideRow, PlanRow, QualificationRow, StationState
from mes.verdicts import Entry, Judged, NotUnderstood
from mes.verdicts import no as _no
from mes.verdicts import yes as _yes
from mes.world import World


def _plan(world: World, entry: Entry, body: wire.PlanPublished) -> Judged:
    if body.revision != world.latest_revision() + 1:
        return _no(entry, "plan_current")
    content = json.dumps(body.content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    world.plan_rows.put(PlanRow(body.revision, body.hash, content, entry.at))
    plan = world.plan(body.revision)  # a content that does not decode quarantines the event here
    assert plan is not None
    for station in plan.stations:
        if world.stations.get(station.id) is None:
            world.stations.put(StationState(station.id, since=entry.at))
    return _yes(entry, revision=body.revision)


def _station_key(
    world: World, entry: Entry, body: wire.StationEnrolled | wire.StationNamed | wire.TokenRotated | wire.StationAlarm
) -> Judged:
    """Keys lie outside the state: the row says that it happened."""
    return _yes(entry, station=body.station)


def _label(world: World, entry: Entry, body: wire.LabelPrinted) -> Judged:
    bound = body.template in ("unit", "traveller", "hold")
    order = world.orders.get(body.order)
    if order is None and (bound or body.order):
        return _no(entry, "unknown_order", order=body.order)
    if body.template in ("unit", "hold") or body.unit:
        unit = world.units.get(body.unit)
        if unit is None or unit.order != body.order:
            return _no(entry, "unknown_unit", unit=body.unit)
    if not body.counted:
        raise NotUnderstood("a label of nothing")
    before = world.labels.get(body.template, body.counted)
    copy = (before.copies if before else 0) + 1
    world.labels.put(LabelRow(body.template, body.counted, copy, entry.at))
    said = {"unit": body.unit} if body.unit or bound else {"subject": body.counted}
    return _yes(entry, order=body.order, **said, copy=copy)


def _label_decided(world: World, entry: Entry, body: wire.LabelDecided) -> Judged:
    """The queue lies outside the state: the row says who decided what."""
    return _yes(entry, subject=body.subject, printer=body.printer)


def _person(world: World, entry: Entry, body: wire.PersonChanged) -> Judged:
    return _yes(entry, person=body.person)


def _generalised(world: World, entry: Entry, body: wire.OperatorsGeneralised) -> Judged:
    return _yes(entry, events=body.events)


def _badge_issued(world: World, entry: Entry, body: wire.BadgeIssued) -> Judged:
    if world.badges.get(body.badge) is not None:
        return _no(entry, "badge_taken", badge=body.badge)
    world.badges.put(BadgeRow(body.badge, body.person, body.language, "active", entry.at, None))
    return _yes(entry, badge=body.badge, person=body.person)


def _badge_ended(world: World, entry: Entry, body: wire.BadgeEnded) -> Judged:
    badge = world.badges.get(body.badge)
    if badge is None or badge.state != "active":
        return _no(entry, "badge_ended" if badge else "unknown_badge")
    world.badges.put(replace(badge, state="ended", ended_at=entry.at))
    return _yes(entry, badge=badge.id)


def _granted(world: World, entry: Entry, body: wire.QualificationGranted) -> Judged:
    plan = world.plan(world.latest_revision())
    if plan is None:
        return _no(entry, "no_plan")
    if plan.qualification(body.qualification) is None:
        known = ", ".join(q.id for q in plan.plant.qualifications) or "–"
        return _no(entry, "unknown_qualification", qualification=body.qualification, known=known)
    row = QualificationRow(body.person, body.qualification, body.valid_until, "granted", entry.at)
    world.qualifications.put(row)
    return _yes(entry, person=body.person, qualification=body.qualification, until=body.valid_until)


def _withdrawn(world: World, entry: Entry, body: wire.QualificationWithdrawn) -> Judged:
    held = world.qualifications.get(body.person, body.qualification)
    if held is None or held.state != "granted":
        return _no(entry, "qualification_not_held", person=body.person, qualification=body.qualification)
    world.qualifications.put(replace(held, state="withdrawn", since=entry.at))
    return _yes(entry, person=body.person, qualification=body.qualification)


def _account(world: World, entry: Entry, body: wire.AccountNamed | wire.AccountRoles) -> Judged:
    """Accounts lie outside the state: the row says that it happened."""
    return _yes(entry, person=body.person)


def _api_key(world: World, entry: Entry, body: wire.ApiKeyAdded | wire.ApiKeyNamed) -> Judged:
    """Programs' keys lie outside the state, too."""
    return _yes(entry, key=body.key)


def _noted(world: World, entry: Entry, body: wire.Frozen) -> Judged:
    """Somebody was turned away: the row says that it happened."""
    return _yes(entry)


def _override(world: World, entry: Entry, body: wire.OverrideGranted) -> Judged:
    wrong = [r for r in body.reasons if r not in OVERRIDABLE]
    if wrong:
        return _no(entry, "override_never")
    reasons = " ".join(body.reasons)
    world.overrides.put(
        OverrideRow(
            body.unit, body.step, body.visit, body.operator, body.station, body.by, reasons, "granted", entry.at
        )
    )
    return Judged(entry, "recorded", "accepted", "overridden", {"unit": body.unit, "step": body.step})


def _override_refused(world: World, entry: Entry, body: wire.OverrideRefused) -> Judged:
    return _yes(entry, unit=body.unit, step=body.step)


OFFICE_RULES: Final[dict[str, Callable[[World, Entry, Any], Judged]]] = {
    "PlanPublished": _plan,
    "StationInvited": _station_key,
    "StationEnrolled": _station_key,
    "StationRevoked": _station_key,
    "TokenRotated": _station_key,
    "StationAlarm": _station_key,
    "StationAlarmEnded": _station_key,
    **ORDER_RULES,
    **NC_RULES,
    **ACTION_RULES,
    "LabelPrinted": _label,
    "LabelDecided": _label_decided,
    "PersonAdded": _person,
    "PersonErased": _person,
    "PersonalDataPrinted": _person,
    "OperatorsGeneralised": _generalised,
    "BadgeIssued": _badge_issued,
    "BadgeEnded": _badge_ended,
    "QualificationGranted": _granted,
    "QualificationWithdrawn": _withdrawn,
    "AccountAdded": _account,
    "RolesChanged": _account,
    "AccountDisabled": _account,
    "AccountEnabled": _account,
    "AccountReset": _account,
    "PasswordChanged": _account,
    "PinChanged": _account,
    "SetUpDone": _account,
    "ApiKeyAdded": _api_key,
    "ApiKeyEnded": _api_key,
    "SignedIn": _account,
    "SignedOut": _account,
    "SignInRefused": _noted,
    "AccessRefused": _noted,
    "OverrideGranted": _override,
    "OverrideRefused": _override_refused,
}
