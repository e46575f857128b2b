"""What the server last told of the floor, on this station's disk: a restart without network does not forget it.

It merges answers as the session does and knows nothing of what they mean. A file that cannot be read is as good as
none: the station then waits for the server.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from mes.wire import (
    FloorBadge,
    FloorComponent,
    FloorInstrument,
    FloorLot,
    FloorLotDay,
    FloorOrder,
    FloorPermit,
    FloorReply,
    FloorStop,
    FloorUnit,
)
from stations.durable import write_whole

log = logging.getLogger(__name__)
SAVE_S: Final = 5.0  # at most so often: old disks have better things to do


class FloorFile:
    """The merged answers, and their file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cursor = 0
        self._orders: dict[str, FloorOrder] = {}
        self._units: dict[str, FloorUnit] = {}
        self._components: dict[tuple[str, str], FloorComponent] = {}
        self._held: tuple[FloorLot, ...] = ()
        self._stopped: tuple[FloorStop, ...] | None = None
        self._lot_days: dict[tuple[str, str], FloorLotDay] = {}
        self._permits: tuple[FloorPermit, ...] | None = None
        self._badges: tuple[FloorBadge, ...] | None = None
        self._instruments: tuple[FloorInstrument, ...] | None = None
        self._saved_at = -SAVE_S
        self._dirty = False
        self._lock = threading.Lock()  # the uplink's thread takes, the bench's saves

    def read(self) -> FloorReply | None:
        """What was saved, as one whole answer; None when there is nothing to be read."""
        try:
            told = FloorReply.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.warning("the floor that was kept in %s cannot be read: %r", self._path, error)
            return None
        self.take(told)
        self._dirty = False
        return told

    def take(self, reply: FloorReply) -> None:
        """Merge an answer."""
        with self._lock:
            if reply.whole:
                self._orders, self._units, self._components, self._lot_days = {}, {}, {}, {}
            self._cursor = reply.cursor
            self._orders.update((o.id, o) for o in reply.orders)
            self._units.update((u.serial, u) for u in reply.units)
            for c in reply.components:
                if c.unit:
                    self._components[c.part, c.serial] = c
                else:
                    self._components.pop((c.part, c.serial), None)
            self._held = reply.held_lots
            self._lot_days.update(((x.part, x.lot), x) for x in reply.lot_days or ())
            self._permits = self._permits if reply.permits is None else reply.permits
            self._stopped = self._stopped if reply.stopped is None else reply.stopped
            self._badges = self._badges if reply.badges is None else reply.badges
            self._instruments = self._instruments if reply.instruments is None else reply.instruments
            self._dirty = True

    def save(self, *, now: bool = False) -> None:
        """Write what has changed, when it is time or at once; a disk that refuses is not worth stopping for."""
        if not self._dirty or (not now and time.monotonic() - self._saved_at < SAVE_S):
            return
        with self._lock:
            whole = FloorReply(
                cursor=self._cursor,
                whole=True,
                orders=tuple(self._orders.values()),
                units=tuple(self._units.values()),
                components=tuple(self._components.values()),
                held_lots=self._held,
                stopped=self._stopped,
                lot_days=tuple(self._lot_days.values()),
                permits=self._permits,
                badges=self._badges,
                instruments=self._instruments,
            )
            self._dirty = False
        self._saved_at = time.monotonic()
        try:
            write_whole(self._path, whole.model_dump_json().encode())
        except OSError as error:
            log.warning("the floor could not be kept: %r", error)
            self._dirty = True
