"""What one start of the agent has done, in numbers: events, verdicts, and how long they took. No person is in it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from stations.inputs import VerdictCame

SAMPLES: Final = 2_000  # latencies remembered: about a shift of scans


@dataclass(slots=True)
class Meters:
    """For the report, and for who looks after the station."""

    captured: int = 0
    judged: int = 0
    duplicate: int = 0
    quarantined: int = 0
    conflict: int = 0
    scan_to_verdict_ms: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    reading_to_verdict_ms: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    def heard(self, came: VerdictCame) -> None:
        """A verdict has come."""
        self.judged += 1
        self.duplicate += came.status == "duplicate"
        self.quarantined += came.status == "quarantined"
        self.conflict += came.status == "conflict"

    def as_json(self) -> dict[str, Any]:
        """For `/state` and the report."""
        return {
            "captured": self.captured,
            "judged": self.judged,
            "duplicate": self.duplicate,
            "quarantined": self.quarantined,
            "conflict": self.conflict,
            "scan_to_verdict_ms": [round(ms, 2) for ms in self.scan_to_verdict_ms],
            "reading_to_verdict_ms": [round(ms, 2) for ms in self.reading_to_verdict_ms],
        }
