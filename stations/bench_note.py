"""What the bench is about to do to a unit, on the disk before it does it: so that a start after a crash makes it safe.

One small file beside the outbox: which unit's test run is open, what has been read, and what each instrument still has
to be told to be at rest. It must not know how instruments are told, nor what a reading means.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Self
from uuid import uuid4

from pydantic import Field, ValidationError

from mes import wire
from stations.durable import sync_directory, write_whole

log = logging.getLogger(__name__)


class Doing(wire.Frozen):
    """An open test run.

    `owed`: by name of the port, the commands that bring its instrument to rest; a port stays in it until they are
    taken. `open`: the run has not been recorded yet. `tests` is what has been read so far. `event_id` is for the event
    that says that the run was broken off: a start that is broken off in its turn records it no second time.
    """

    event_id: str = Field(default_factory=lambda: str(uuid4()))
    unit: str
    step: str
    operator: str | None = None
    owed: dict[str, tuple[str, ...]] = {}
    open: bool = True
    tests: tuple[wire.Measurement, ...] = ()

    def with_tests(self, *tests: wire.Measurement) -> Self:
        """More has been read."""
        return self.model_copy(update={"tests": (*self.tests, *tests)})

    def at_rest(self, port: str) -> Self:
        """The instrument on that port has been brought to rest."""
        return self.model_copy(update={"owed": {p: c for p, c in self.owed.items() if p != port}})

    def recorded(self) -> Self:
        """The run's event is kept, or the session will make it."""
        return self.model_copy(update={"open": False})


class BenchNote:
    """The file. Used from the measuring thread alone, after it was read at the start."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Doing | None:
        """What was going on when the station last stopped; None when the bench was at rest."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return Doing.model_validate_json(content)
        except ValidationError as error:
            # It is written whole or not at all, so somebody has had a hand in it: keep it for a person to look at.
            log.error("%s cannot be understood: %s", self._path, error)
            self._path.replace(self._path.with_suffix(".bad"))
            return None

    def write(self, doing: Doing) -> None:
        """Put it on the disk; an `OSError` when the disk does not take it."""
        write_whole(self._path, doing.model_dump_json().encode())

    def clear(self) -> None:
        """The bench is at rest, and the run is recorded."""
        self._path.unlink(missing_ok=True)
        sync_directory(self._path.parent)
