"""The note of the rack on the disk: written with the events that change it, and by itself where only a verdict did.

It knows the outbox and when a note is new; what stands in a note is `stations.rack`'s business.
"""

from __future__ import annotations

import logging
from typing import Final

from stations.outbox import Outbox, OutboxFailed
from stations.rack import note_of
from stations.turn import Session

log = logging.getLogger(__name__)

RACK: Final = "rack"  # what the outbox calls it


class RackNote:
    """What the disk says of the rack, and what it should say."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._on_disk = ""
        self._made: tuple[object, object, str] = (None, None, "")

    def read(self) -> str:
        """What an earlier start has left."""
        self._on_disk = self._outbox.notes().get(RACK, "")
        return self._on_disk

    def with_events(self, session: Session) -> dict[str, str]:
        """What goes into the commit of the events that make this session: nothing, where the disk says it already."""
        note = self._of(session)
        return {RACK: note} if note != self._on_disk else {}

    def written(self, notes: dict[str, str]) -> None:
        """That commit is on the disk."""
        self._on_disk = notes.get(RACK, self._on_disk)

    def keep(self, session: Session) -> None:
        """Write the note where it has changed without an event of ours; it is tried again with the next input."""
        notes = self.with_events(session)
        if not notes:
            return
        try:
            self._outbox.note(RACK, notes[RACK])
            self.written(notes)
        except OutboxFailed as failed:
            log.warning("the rack could not be kept: %s", failed)

    def _of(self, session: Session) -> str:
        """The note of a session; made again only where its units have changed."""
        if session.works is self._made[0] and session.to_take_up is self._made[1]:
            return self._made[2]
        note = note_of(session)
        if note is None:
            return self._on_disk
        self._made = (session.works, session.to_take_up, note)
        return note
