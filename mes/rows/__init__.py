"""The rows of the state tables as frozen values: what the working set holds and the fold writes.

One class a table, with the table's columns in its order; what the rules need of a row is its `rule`.
"""

from mes.rows.bookkeeping import ChainRow, CounterRow, PlanRow
from mes.rows.corrective import ActionCauseRow, ActionNcRow, ActionRow, ActionTaskRow
from mes.rows.floor import BadgeRow, FaultRow, OverrideRow, QualificationRow, QuarantineRow, StationState
from mes.rows.instruments import CalibrationRow, InstrumentRow, MeasuredWithRow
from mes.rows.labels import LabelRow
from mes.rows.materials import LoadedRow, LotRow, LotUseRow, ReceiptRow
from mes.rows.quality import ConcessionRow, LogViewRow, NcEventRow, NcItemRow, NcRemarkRow, NcRow, NcTextRow
from mes.rows.sampling import InspectedUnitRow, InspectionRow, SeriesRow
from mes.rows.shipping import (
    CartonEventRow,
    DeliveryItemRow,
    DeliveryRow,
    IssuedDossierRow,
    IssuedPaperRow,
    PackedRow,
    ReleasedUnitRow,
    ReleaseRow,
)
from mes.rows.signals import SignalRow, WatchRow
from mes.rows.sums import (
    FailureRow,
    SpreadRow,
    StationSpanRow,
    StepCounts,
    StepDefectRow,
    StepOrderRow,
    StepQuarterRow,
)
from mes.rows.units import (
    InstallationRow,
    OrderEventRow,
    OrderRow,
    PassageRow,
    ReadingRow,
    TallyRow,
    UnitEventRow,
    VisitRow,
)

__all__ = [
    "ActionCauseRow",
    "ActionNcRow",
    "ActionRow",
    "ActionTaskRow",
    "BadgeRow",
    "CalibrationRow",
    "CartonEventRow",
    "ChainRow",
    "ConcessionRow",
    "CounterRow",
    "DeliveryItemRow",
    "DeliveryRow",
    "FailureRow",
    "FaultRow",
    "InspectedUnitRow",
    "InspectionRow",
    "InstallationRow",
    "InstrumentRow",
    "IssuedDossierRow",
    "IssuedPaperRow",
    "LabelRow",
    "LoadedRow",
    "LogViewRow",
    "LotRow",
    "LotUseRow",
    "MeasuredWithRow",
    "NcEventRow",
    "NcItemRow",
    "NcRemarkRow",
    "NcRow",
    "NcTextRow",
    "OrderEventRow",
    "OrderRow",
    "OverrideRow",
    "PackedRow",
    "PassageRow",
    "PlanRow",
    "QualificationRow",
    "QuarantineRow",
    "ReadingRow",
    "ReceiptRow",
    "ReleaseRow",
    "ReleasedUnitRow",
    "SeriesRow",
    "SignalRow",
    "SpreadRow",
    "StationSpanRow",
    "StationState",
    "StepCounts",
    "StepDefectRow",
    "StepOrderRow",
    "StepQuarterRow",
    "TallyRow",
    "UnitEventRow",
    "VisitRow",
    "WatchRow",
]
