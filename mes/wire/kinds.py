"""Which kinds of events there are, by name and version, and who may report them."""

from __future__ import annotations

from typing import Final

from mes.wire.envelope import Frozen
from mes.wire.floor import (
    FaultCleared,
    FaultOccurred,
    HelpAnswered,
    HelpRequested,
    IdentifiersNotRead,
    MaterialsInstalled,
    MaterialsUninstalled,
    OperatorActivated,
    OperatorDeactivated,
    ReadingsRecorded,
    StationStateChanged,
    UnitsArrived,
    UnitsDeparted,
    UnitsDisqualified,
    UnitsInspected,
    UnitsRepaired,
    UnitsTested,
    WorkCompleted,
)
from mes.wire.instruments import InstrumentCalibrated, InstrumentDescribed, InstrumentMoved, MeasuredUnitsExported
from mes.wire.lots import LotChanged, LotReceived, UnitHeld
from mes.wire.orders import (
    LabelPrinted,
    OrderAmended,
    OrderChanged,
    OrderClosed,
    OrderCreated,
    OrderReleased,
    OrderSplit,
    SerialsGiven,
)
from mes.wire.packing import (
    CartonChanged,
    CartonClosed,
    CartonOpened,
    CartonsNumbered,
    CartonWanted,
    CartonWeighed,
    UnitsPacked,
    UnitsUnpacked,
)
from mes.wire.people import (
    AccessRefused,
    AccountNamed,
    AccountRoles,
    BadgeEnded,
    BadgeIssued,
    OperatorsGeneralised,
    OverrideGranted,
    OverrideRefused,
    PersonChanged,
    QualificationGranted,
    QualificationWithdrawn,
    SignInRefused,
)
from mes.wire.programs import ApiKeyAdded, ApiKeyNamed
from mes.wire.quality import NonconformityDecided
from mes.wire.shipping import ReleaseTakenBack, UnitsReleased
from mes.wire.stations import EventRequeued, PlanPublished, StationAlarm, StationEnrolled, StationNamed, TokenRotated
from mes.wire.trace import DossierIssued

FLOOR_KINDS: Final[dict[tuple[str, int], type[Frozen]]] = {
    (model.__name__, 1): model
    for model in (
        OperatorActivated,
        OperatorDeactivated,
        UnitsArrived,
        UnitsDeparted,
        MaterialsInstalled,
        MaterialsUninstalled,
        UnitsTested,
        ReadingsRecorded,
        UnitsInspected,
        UnitsRepaired,
        WorkCompleted,
        UnitsDisqualified,
        StationStateChanged,
        FaultOccurred,
        FaultCleared,
        IdentifiersNotRead,
        HelpRequested,
        HelpAnswered,
        CartonWanted,
        CartonOpened,
        UnitsPacked,
        UnitsUnpacked,
        CartonWeighed,
        CartonClosed,
    )
} | {("CartonReopened", 1): CartonChanged}

"""What a station may report, by kind and version."""


OFFICE_KINDS: Final[dict[tuple[str, int], type[Frozen]]] = {
    ("PlanPublished", 1): PlanPublished,
    ("StationInvited", 1): StationNamed,
    ("StationEnrolled", 1): StationEnrolled,
    ("StationRevoked", 1): StationNamed,
    ("TokenRotated", 1): TokenRotated,
    ("StationAlarm", 1): StationAlarm,
    ("StationAlarmEnded", 1): StationNamed,
    ("OrderCreated", 1): OrderCreated,
    ("OrderReleased", 1): OrderReleased,
    ("OrderHeld", 1): OrderChanged,
    ("OrderHeld", 2): OrderChanged,
    ("OrderResumed", 1): OrderChanged,
    ("OrderClosed", 1): OrderClosed,
    ("OrderCancelled", 1): OrderChanged,
    ("OrderAmended", 1): OrderAmended,
    ("OrderSplit", 1): OrderSplit,
    ("SerialsGiven", 1): SerialsGiven,
    ("LabelPrinted", 1): LabelPrinted,
    ("NonconformityDecided", 1): NonconformityDecided,
    ("LotReceived", 1): LotReceived,
    ("LotHeld", 1): LotChanged,
    ("LotReleased", 1): LotChanged,
    ("UnitHeld", 1): UnitHeld,
    ("HelpAnswered", 1): HelpAnswered,
    ("PersonAdded", 1): PersonChanged,
    ("PersonErased", 1): PersonChanged,
    ("BadgeIssued", 1): BadgeIssued,
    ("BadgeEnded", 1): BadgeEnded,
    ("QualificationGranted", 1): QualificationGranted,
    ("QualificationWithdrawn", 1): QualificationWithdrawn,
    ("AccountAdded", 1): AccountRoles,
    ("RolesChanged", 1): AccountRoles,
    ("AccountDisabled", 1): AccountNamed,
    ("AccountEnabled", 1): AccountNamed,
    ("AccountReset", 1): AccountNamed,
    ("PasswordChanged", 1): AccountNamed,
    ("PinChanged", 1): AccountNamed,
    ("SetUpDone", 1): AccountNamed,
    ("ApiKeyAdded", 1): ApiKeyAdded,
    ("ApiKeyEnded", 1): ApiKeyNamed,
    ("SignedIn", 1): AccountNamed,
    ("SignedOut", 1): AccountNamed,
    ("SignInRefused", 1): SignInRefused,
    ("AccessRefused", 1): AccessRefused,
    ("OperatorsGeneralised", 1): OperatorsGeneralised,
    ("PersonalDataPrinted", 1): PersonChanged,
    ("OverrideGranted", 1): OverrideGranted,
    ("OverrideRefused", 1): OverrideRefused,
    ("InstrumentRegistered", 1): InstrumentDescribed,
    ("InstrumentChanged", 1): InstrumentDescribed,
    ("InstrumentCalibrated", 1): InstrumentCalibrated,
    ("InstrumentRetired", 1): InstrumentMoved,
    ("InstrumentReturned", 1): InstrumentMoved,
    ("MeasuredUnitsExported", 1): MeasuredUnitsExported,
    ("CartonsNumbered", 1): CartonsNumbered,
    ("UnitsPacked", 1): UnitsPacked,
    ("UnitsUnpacked", 1): UnitsUnpacked,
    ("CartonReopened", 1): CartonChanged,
    ("CartonReleased", 1): CartonChanged,
    ("DossierIssued", 1): DossierIssued,
    ("UnitsReleased", 1): UnitsReleased,
    ("ReleaseTakenBack", 1): ReleaseTakenBack,
    ("EventRequeued", 1): EventRequeued,
}

"""What a person does away from the bench; never accepted from a station's stream."""
