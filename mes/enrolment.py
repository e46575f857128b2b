"""How a station PC is let in and shut out: a code for one use and 15 minutes, then a key of its own (`mes.keys`).

Codes and keys lie outside the ledger; each thing that happens to them is a row in it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mes import keys, wire
from mes.db.base import utc_text
from mes.db.tables import EnrolCode, Meta, Presence, StationRow, Token
from mes.domain.invitation import Invitation, fingerprint
from mes.keys import digest
from mes.letters import grouped_code
from mes.orders import Answer, request

CODE_LIFE: Final = timedelta(minutes=15)
_ADDRESS: Final = "address"


def new_code(session: Session, station: str, *, now: datetime, actor: str | None = None) -> Answer | str:
    """A one-time code that lets one PC in as `station`; refused for a station that no plan knows."""
    known = sorted(session.scalars(select(StationRow.id)))
    if station not in known:
        return Answer(False, "unknown_station", {"station": station, "known": ", ".join(known) or "–"})
    code = grouped_code()
    session.add(EnrolCode(sha256=digest(code), station=station, expires_at=utc_text(now + CODE_LIFE), used_at=None))
    request(session, "StationInvited", wire.StationNamed(station=station), now=now, actor=actor)
    return code


@dataclass(frozen=True, slots=True)
class Pc:
    """What lets a PC in as a station: since when there is a key, until when a code waits (UTC texts)."""

    station: str
    since: str | None
    code_until: str | None


def listed(session: Session, *, now: datetime) -> list[Pc]:
    """Every station that a plan has known, by id."""
    keys_of = select(Token.station, func.min(Token.created_at)).where(Token.revoked_at.is_(None))
    codes_of = select(EnrolCode.station, func.max(EnrolCode.expires_at)).where(
        EnrolCode.used_at.is_(None), EnrolCode.expires_at > utc_text(now)
    )
    since = dict(session.execute(keys_of.group_by(Token.station)).all())
    waiting = dict(session.execute(codes_of.group_by(EnrolCode.station)).all())
    stations = session.scalars(select(StationRow.id).order_by(StationRow.id))
    return [Pc(each, since.get(each), waiting.get(each)) for each in stations]


def note_address(session: Session, address: str) -> None:
    """Remember by which address stations come over TLS; empty for a server without a certificate of its own."""
    session.merge(Meta(key=_ADDRESS, value=address))
    session.flush()


def invite(session: Session, code: str, authority: str, *, otherwise: str) -> Invitation:
    """A code with all that a PC needs to know of the server; the code alone where the server has no certificate.

    Args:
        authority: the certificate of the server's authority (PEM); empty when there is none.
        otherwise: the address of a server that has not been started yet.
    """
    known = session.get(Meta, _ADDRESS)
    address = otherwise if known is None else known.value
    return Invitation(code, address, fingerprint(authority)) if authority and address else Invitation(code)


def enroll(session: Session, asked: wire.EnrollRequest, *, now: datetime) -> wire.EnrollReply | None:
    """Trade a code for a token; None when the code is unknown, used or too old.

    The code is claimed by one conditional update, so that of two PCs with one code exactly one gets in. Whoever comes
    in takes the place of the PC before it, whose keys end: a station is one PC.
    """
    code = digest(asked.code.strip().upper())
    claimed = session.execute(
        update(EnrolCode)
        .where(EnrolCode.sha256 == code, EnrolCode.used_at.is_(None), EnrolCode.expires_at > utc_text(now))
        .values(used_at=utc_text(now))
        .returning(EnrolCode.station)
    ).scalar_one_or_none()
    if claimed is None:
        _used_again(session, code, asked.machine_id, now=now)
        return None
    _end_keys(session, claimed, now=now)
    token = keys.new_token(session, claimed, asked.machine_id, now=now)
    session.execute(update(Presence).where(Presence.station == claimed).values(alarm=""))
    body = wire.StationEnrolled(station=claimed, machine_id=asked.machine_id)
    request(session, "StationEnrolled", body, now=now, actor=None)
    return wire.EnrollReply(station=claimed, token=token)


def _used_again(session: Session, code: str, machine: str, *, now: datetime) -> None:
    """A code that has let in one PC, from another one: somebody has read it. (The same PC may have lost its answer.)"""
    station = session.scalar(select(EnrolCode.station).where(EnrolCode.sha256 == code, EnrolCode.used_at.is_not(None)))
    if station is None:
        return
    machines = session.scalars(select(Token.machine_id).where(Token.station == station, Token.revoked_at.is_(None)))
    if machine not in set(machines):
        keys.raise_alarm(session, station, "code", machine, now=now)


def revoke(session: Session, station: str, *, now: datetime, actor: str | None = None) -> int:
    """End every key of a station, and every code that waits for it; returns how many keys there were."""
    ended = _end_keys(session, station, now=now)
    codes = update(EnrolCode).where(EnrolCode.station == station, EnrolCode.used_at.is_(None))
    session.execute(codes.values(expires_at=utc_text(now)))
    if ended:
        request(session, "StationRevoked", wire.StationNamed(station=station), now=now, actor=actor)
    return ended


def _end_keys(session: Session, station: str, *, now: datetime) -> int:
    done = session.execute(
        update(Token)
        .where(Token.station == station, Token.revoked_at.is_(None))
        .values(revoked_at=utc_text(now))
        .returning(Token.sha256)
    )
    return len(done.all())


# --- guessing ---------------------------------------------------------------------------------------------------------

WRONG_TRIES: Final = 5
WINDOW_S: Final = 900.0
_ADDRESSES: Final = 10_000  # remembered at once; the one that was quiet longest is forgotten first


class Tries:
    """Wrong codes by address: after five within 15 minutes the door stays shut for it until they are old.

    In the memory of the one server process, because a flood of wrong codes must not write. Times are seconds of any
    clock that does not jump.
    """

    def __init__(self, most: int = WRONG_TRIES, *, window_s: float = WINDOW_S) -> None:
        self._most = most
        self._window_s = window_s
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def shut_for_s(self, address: str, now_s: float) -> float:
        """How long the door is still shut for this address, seconds; 0 when it is open."""
        with self._lock:
            return self._shut_for_s(address, now_s)

    def _shut_for_s(self, address: str, now_s: float) -> float:
        tries = self._wrong.get(address)
        if tries is None or len(tries) < self._most:
            return 0.0
        return max(0.0, tries[0] + self._window_s - now_s)

    def wrong(self, address: str, now_s: float) -> None:
        """Count a wrong code."""
        with self._lock:
            self._count(address, now_s)

    def take(self, address: str, now_s: float) -> float:
        """Count a try before it is known to be wrong, so that a thousand at the same time are not all the first one.

        Returns:
            How long the door is still shut, seconds; 0: go on, and say `right` when it was.
        """
        with self._lock:
            shut = self._shut_for_s(address, now_s)
            if not shut:
                self._count(address, now_s)
            return shut

    def right(self, address: str) -> None:
        """It was right: the tries of this address are forgotten."""
        with self._lock:
            self._wrong.pop(address, None)

    def _count(self, address: str, now_s: float) -> None:
        self._wrong.setdefault(address, deque(maxlen=self._most)).append(now_s)
        self._wrong.move_to_end(address)
        while len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)
