"""Bodies: signals of control charts."""

from __future__ import annotations

from typing import Literal

from mes.wire.envelope import Frozen, Id
from mes.wire.nonconformity import Said


class SignalClosed(Frozen):
    """Somebody has found out why the readings left their usual range, or has looked and found nothing (`none`)."""

    signal: Id
    cause: Literal["method", "machine", "material", "training", "environment", "measurement", "none"]
    why: Said
