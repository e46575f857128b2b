"""The folder in which testers' programs leave their records for the agent: whole files, taken one by one, none deleted.

A record that is kept goes to `done`, one that is none to `bad` with the reason beside it. It must not know what a
record means.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mes.domain.openhtf import MAX_BYTES, BadRecord, Record, read_record
from stations.durable import sync_directory, write_whole

log = logging.getLogger(__name__)

AT_ONCE: Final = 20  # records taken in one go: between two of them an operator may scan
DONE: Final = "done"
BAD: Final = "bad"


class Spool:
    """One folder; it is made by the first record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def waiting(self) -> list[Path]:
        """The records that wait, the oldest first. Files that are still being written begin with a dot."""
        try:
            found = [e.name for e in os.scandir(self.folder) if e.name.endswith(".json") and e.name[0] != "."]
        except OSError:
            return []
        return [self.folder / name for name in sorted(found)]

    def count(self, which: str) -> int:
        """How many records lie in `done` or `bad`."""
        folder = self.folder / which
        return sum(1 for e in os.scandir(folder) if e.name.endswith(".json")) if folder.is_dir() else 0

    def read(self, path: Path) -> Record | BadRecord | None:
        """A waiting record; None when the disk does not give it now."""
        try:
            with path.open("rb") as file:
                return read_record(file.read(MAX_BYTES + 1))
        except OSError:
            return None

    def age_s(self, path: Path) -> float:
        """How long a record has waited, seconds."""
        try:
            return time.time() - path.stat().st_mtime
        except OSError:
            return 0.0

    def take(self, keep: Callable[[Record, float], bool]) -> None:
        """Hand over the records that wait, a few at a time; one that is kept, and only then, is moved away.

        Args:
            keep: told of a record and how long it has waited, in seconds; says whether it is kept now.
        """
        for path in self.waiting()[:AT_ONCE]:
            found = self.read(path)
            try:
                if isinstance(found, BadRecord):
                    log.error("%s is no record (%s %s): it lies in %s now", path.name, found.why, found.detail, BAD)
                    self.set_aside(path, found)
                elif found is not None and keep(found, self.age_s(path)):
                    self.done(path)
            except OSError as error:
                log.error("%s cannot be moved: %s", path.name, error)

    def done(self, path: Path) -> None:
        """The record is kept in the outbox."""
        self._move(path, DONE)

    def set_aside(self, path: Path, bad: BadRecord) -> None:
        """The file is no record: out of the way, with the reason beside it."""
        write_whole(self.folder / BAD / f"{path.name}.txt", f"{bad.why} {bad.detail}\n".encode())
        self._move(path, BAD)

    def _move(self, path: Path, where: str) -> None:
        folder = self.folder / where
        folder.mkdir(parents=True, exist_ok=True)
        os.replace(path, folder / path.name)
        sync_directory(folder)
        sync_directory(self.folder)
