"""What the audit calls things: a sentence for each kind of row. Texts only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import lazy_gettext

from web.board_words import ALARMS

SUBJECT_WORDS: Final[dict[str, Any]] = {
    "sign_in": lazy_gettext("Sign-ins"),
    "refused": lazy_gettext("Refusals"),
    "accounts": lazy_gettext("Accounts and roles"),
    "people": lazy_gettext("People, badges, qualifications"),
    "stations": lazy_gettext("Stations"),
    "orders": lazy_gettext("Orders"),
    "shipping": lazy_gettext("Packing, release and shipping"),
    "quality": lazy_gettext("Quality"),
    "instruments": lazy_gettext("Instruments"),
    "plan": lazy_gettext("Plan"),
}
KEY_WORDS: Final = {"planner-api": lazy_gettext("plans orders"), "reader-api": lazy_gettext("only reads")}
"""What a program's key lets it do."""
WORDS: Final[dict[tuple[str, str], Mapping[str, Any]]] = {
    ("SignInRefused", "why"): {
        "name": lazy_gettext("a user name that nobody has"),
        "password": lazy_gettext("wrong password"),
        "disabled": lazy_gettext("the account is shut"),
    },
    ("OverrideRefused", "why"): {
        "wrong": lazy_gettext("badge or PIN not right"),
        "self": lazy_gettext("for the own work"),
        "never": lazy_gettext("nobody may agree to it"),
    },
    ("StationAlarm", "alarm"): ALARMS,
    ("ApiKeyAdded", "role"): KEY_WORDS,
    ("NonconformityDecided", "disposition"): {
        "rework": lazy_gettext("rework"),
        "not_confirmed": lazy_gettext("not confirmed"),
        "scrap": lazy_gettext("scrap"),
    },
    ("LabelPrinted", "template"): {
        "unit": lazy_gettext("label of"),
        "traveller": lazy_gettext("traveller"),
        "carton": lazy_gettext("carton label of"),
        "bag": lazy_gettext("bag label of"),
        "hold": lazy_gettext("identification label of"),
    },
    ("InstrumentCalibrated", "result"): {"good": lazy_gettext("good"), "unfit": lazy_gettext("unfit")},
}
"""Words for the values of a field: (kind, field) → value → word."""
SENTENCES: Final[dict[str, Any]] = {
    "SignedIn": lazy_gettext("Signed in."),
    "SignedOut": lazy_gettext("Signed out."),
    "PasswordChanged": lazy_gettext("Changed the own password."),
    "PinChanged": lazy_gettext("Changed the own PIN."),
    "SignInRefused": lazy_gettext("Sign-in refused at %(person)s: %(why)s."),
    "AccessRefused": lazy_gettext("Turned away from %(path)s, which is for: %(roles)s."),
    "SetUpDone": lazy_gettext("The set-up is closed: %(person)s is the first administrator."),
    "AccountAdded": lazy_gettext("Account for %(person)s: %(roles)s."),
    "RolesChanged": lazy_gettext("Roles of %(person)s are now: %(roles)s."),
    "AccountDisabled": lazy_gettext("Account of %(person)s shut."),
    "AccountEnabled": lazy_gettext("Account of %(person)s opened again."),
    "AccountReset": lazy_gettext("New password for %(person)s."),
    "ApiKeyAdded": lazy_gettext("Key %(key)s for the program %(name)s (%(role)s), good to the end of %(ends_on)s."),
    "ApiKeyEnded": lazy_gettext("Key %(key)s withdrawn."),
    "PersonAdded": lazy_gettext("%(person)s was taken in."),
    "PersonErased": lazy_gettext("The name of %(person)s was erased."),
    "BadgeIssued": lazy_gettext("A badge for %(person)s."),
    "BadgeEnded": lazy_gettext("A badge was ended. %(why)s"),
    "QualificationGranted": lazy_gettext("%(person)s may do %(qualification)s until %(valid_until)s."),
    "QualificationWithdrawn": lazy_gettext("%(person)s may not do %(qualification)s any more. %(why)s"),
    "OperatorsGeneralised": lazy_gettext("%(events)s events say no more who did them."),
    "PersonalDataPrinted": lazy_gettext("All that is held on %(person)s was printed."),
    "OverrideGranted": lazy_gettext("Agreed at %(station)s: %(unit)s, %(step)s, without the qualification."),
    "OverrideRefused": lazy_gettext("No agreement at %(station)s for %(unit)s, %(step)s: %(why)s."),
    "StationInvited": lazy_gettext("A code for a computer of %(station)s."),
    "StationEnrolled": lazy_gettext("Station %(station)s enrolled."),
    "StationRevoked": lazy_gettext("Station %(station)s shut out."),
    "TokenRotated": lazy_gettext("Station %(station)s uses a new key."),
    "StationAlarm": lazy_gettext("Alarm at station %(station)s: %(alarm)s."),
    "StationAlarmEnded": lazy_gettext("Alarm of %(station)s ended."),
    "OrderCreated": lazy_gettext("Order %(order)s created: %(quantity)s × %(product)s."),
    "OrderReleased": lazy_gettext("Order %(order)s released, plan %(revision)s."),
    "OrderHeld": lazy_gettext("Order %(order)s held: %(why)s"),
    "OrderResumed": lazy_gettext("Order %(order)s resumed."),
    "OrderClosed": lazy_gettext("Order %(order)s closed."),
    "OrderAmended": lazy_gettext("Order %(order)s changed. %(why)s"),
    "OrderSplit": lazy_gettext("%(quantity)s pieces of order %(order)s went into order %(to)s. %(why)s"),
    "SerialsGiven": lazy_gettext("Order %(order)s got the serial numbers of its customer."),
    "OrderCancelled": lazy_gettext("Order %(order)s cancelled: %(why)s"),
    "LabelPrinted": lazy_gettext("Printed: %(template)s %(of)s."),
    "CartonsNumbered": lazy_gettext("%(count)s numbers for cartons or pallets."),
    "UnitsPacked": lazy_gettext("Carton %(carton)s: something was put in."),
    "UnitsUnpacked": lazy_gettext("Carton %(carton)s: something was taken out."),
    "CartonReopened": lazy_gettext("Carton %(carton)s opened again: %(why)s"),
    "CartonReleased": lazy_gettext("Carton %(carton)s is no longer held: %(why)s"),
    "UnitsReleased": lazy_gettext("Order %(order)s: %(quantity)s units or pieces may leave. %(note)s"),
    "ReleaseTakenBack": lazy_gettext("Release %(release)s taken back: %(why)s"),
    "NonconformityDecided": lazy_gettext("%(nc)s decided: %(disposition)s. %(why)s"),
    "LotReceived": lazy_gettext("Lot %(lot)s of %(part)s: %(quantity)s pieces received."),
    "UnitHeld": lazy_gettext("%(unit)s held because of lot %(lot)s of %(part)s: %(why)s"),
    "LotHeld": lazy_gettext("Lot %(lot)s of %(part)s held: %(why)s"),
    "LotReleased": lazy_gettext("Lot %(lot)s of %(part)s released."),
    "HelpAnswered": lazy_gettext("Call of %(station)s answered."),
    "InstrumentRegistered": lazy_gettext("Instrument %(instrument)s registered: %(family)s, %(model)s %(serial)s."),
    "InstrumentChanged": lazy_gettext("Instrument %(instrument)s is now: %(family)s, %(model)s %(serial)s."),
    "InstrumentCalibrated": lazy_gettext(
        "Instrument %(instrument)s calibrated on %(done)s: %(result)s. Due date: %(due)s."
    ),
    "InstrumentRetired": lazy_gettext("Instrument %(instrument)s taken out of use: %(why)s"),
    "InstrumentReturned": lazy_gettext("Instrument %(instrument)s in use again. %(why)s"),
    "MeasuredUnitsExported": lazy_gettext("List of what instrument %(instrument)s has measured, %(rows)s rows."),
    "EventRequeued": lazy_gettext("Quarantined event %(event_id)s tried again."),
    "DossierIssued": lazy_gettext("Dossier of unit %(unit)s given out."),
    "PlanPublished": lazy_gettext("Plan %(revision)s published."),
}
