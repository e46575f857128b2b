"""The label that a printer of this station has in hand, on the disk: written before its first byte leaves.

One small file a printer, whole or not there. It must not know printers, nor the server.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from stations.durable import sync_directory, write_whole

Stage = Literal["asked", "leaving", "printed", "unsure"]
"""`asked`: the server was asked whether it may leave, nothing of it has left. `leaving`: bytes may have left. The other
two: how it ended; the server has not heard of it yet."""


@dataclass(frozen=True, slots=True)
class Note:
    """Which label it is, and how far it is."""

    job: int
    since: str
    nth: int
    stage: Stage
    why: str = ""


class PrintNote:
    """The file of one printer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Note | None:
        """What is in hand; None: nothing.

        Raises:
            OSError: the disk does not say.
        """
        try:
            return Note(**json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            # It was written whole, so this is a disk that has lost its content: the server puts the label in doubt.
            self._path.replace(self._path.with_suffix(".bad"))
            return None

    def write(self, note: Note) -> None:
        """Keep it; on the disk when this returns.

        Raises:
            OSError: the disk does not take it.
        """
        write_whole(self._path, json.dumps(asdict(note)).encode())

    def drop(self) -> None:
        """The server has heard of it."""
        self._path.unlink(missing_ok=True)
        sync_directory(self._path.parent)
