"""The tables: the ledger, the state that is folded from it, and what lies outside it (tokens, presence, accounts).

`REPLAYED` names the state tables that `mes ledger verify` builds anew from the ledger and compares, row by row.
"""

from __future__ import annotations

from typing import Final

from mes.db.base import Base
from mes.db.tables.corrective import ActionCause, ActionNc, ActionTask, CorrectiveAction
from mes.db.tables.instruments import Calibration, File, Instrument, MeasuredWith
from mes.db.tables.lots import Loaded, Lot, LotUse, Receipt
from mes.db.tables.orders import Label, Tally, WorkOrder
from mes.db.tables.packing import CartonEvent, CartonRow, Packed
from mes.db.tables.people import Account, AccountRole, Badge, Override, Person, Qualification, WebSession
from mes.db.tables.printing import PrintJob
from mes.db.tables.programs import ApiAnswer, ApiKey
from mes.db.tables.quality import Concession, LogView, NcItem, NcRemark, NcText, Nonconformity
from mes.db.tables.rollups import Failure, Spread, StationSpan, StepDefect, StepOrder, StepQuarter
from mes.db.tables.sampling import InspectedUnit, LotInspection, SamplingSeries
from mes.db.tables.shipping import Delivery, DeliveryItem, Release, ReleasedUnit
from mes.db.tables.signals import ControlSignal, Watch
from mes.db.tables.spine import Chain, Counter, Ledger, Meta, PlanRevision, Quarantine
from mes.db.tables.stations import EnrolCode, Fault, Presence, StationRow, Stream, Token
from mes.db.tables.trace import IssuedDossier, IssuedPaper, NcEvent, OrderEvent, UnitEvent
from mes.db.tables.units import Installation, Passage, Reading, UnitRow, Visit

__all__ = [
    "REPLAYED",
    "Account",
    "AccountRole",
    "ActionCause",
    "ActionNc",
    "ActionTask",
    "ApiAnswer",
    "ApiKey",
    "Badge",
    "Calibration",
    "CartonEvent",
    "CartonRow",
    "Chain",
    "Concession",
    "ControlSignal",
    "CorrectiveAction",
    "Counter",
    "Delivery",
    "DeliveryItem",
    "EnrolCode",
    "Failure",
    "Fault",
    "File",
    "InspectedUnit",
    "Installation",
    "Instrument",
    "IssuedDossier",
    "IssuedPaper",
    "Label",
    "Ledger",
    "Loaded",
    "LogView",
    "Lot",
    "LotInspection",
    "LotUse",
    "MeasuredWith",
    "Meta",
    "NcEvent",
    "NcItem",
    "NcRemark",
    "NcText",
    "Nonconformity",
    "OrderEvent",
    "Override",
    "Packed",
    "Passage",
    "Person",
    "PlanRevision",
    "Presence",
    "PrintJob",
    "Qualification",
    "Quarantine",
    "Reading",
    "Receipt",
    "Release",
    "ReleasedUnit",
    "SamplingSeries",
    "Spread",
    "StationRow",
    "StationSpan",
    "StepDefect",
    "StepOrder",
    "StepQuarter",
    "Stream",
    "Tally",
    "Token",
    "UnitEvent",
    "UnitRow",
    "Visit",
    "Watch",
    "WebSession",
    "WorkOrder",
]

REPLAYED: Final[tuple[type[Base], ...]] = (
    Chain,
    PlanRevision,
    WorkOrder,
    UnitRow,
    Visit,
    Passage,
    Reading,
    Installation,
    Tally,
    Lot,
    Receipt,
    Loaded,
    LotUse,
    Label,
    Nonconformity,
    NcItem,
    NcRemark,
    NcText,
    Concession,
    StationRow,
    Fault,
    Quarantine,
    Badge,
    Qualification,
    Override,
    Instrument,
    Calibration,
    MeasuredWith,
    CartonRow,
    Packed,
    CartonEvent,
    UnitEvent,
    OrderEvent,
    NcEvent,
    LogView,
    IssuedDossier,
    IssuedPaper,
    Release,
    ReleasedUnit,
    CorrectiveAction,
    ActionCause,
    ActionTask,
    ActionNc,
    Delivery,
    DeliveryItem,
    Counter,
    StepQuarter,
    StepOrder,
    StepDefect,
    Failure,
    Spread,
    StationSpan,
    Watch,
    ControlSignal,
    LotInspection,
    InspectedUnit,
    SamplingSeries,
)
