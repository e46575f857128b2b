"""Passwords and PINs: hashed with argon2id, compared two at a time, refused when they are too easy.

It knows no account: whose secret it is, and what becomes of a wrong one, is decided by the caller.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# Source: OWASP Password Storage Cheat Sheet, "Argon2id": m = 19 MiB, t = 2, p = 1 at least.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
AT_ONCE: Final = 2  # one hash takes a processor for 20-30 ms: scans keep the others
WAITING: Final = 8  # more than these are sent away, so that a flood of sign-ins does not hold the server's threads
SHORTEST: Final = 10
LONGEST: Final = 128
PIN_DIGITS: Final = (4, 8)

_places = threading.BoundedSemaphore(AT_ONCE + WAITING)
_turns = threading.BoundedSemaphore(AT_ONCE)


class TooMany(RuntimeError):
    """Too many want a password checked at this moment. Try again; nothing was checked."""


@contextmanager
def _turn() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise TooMany
    try:
        with _turns:
            yield
    finally:
        _places.release()


def hashed(secret: str) -> str:
    """What the database keeps of a password or a PIN.

    Raises:
        TooMany: the machine has enough of them to do.
    """
    with _turn():
        return _HASHER.hash(_plain(secret))


def matches(kept: str | None, typed: str) -> bool:
    """Is this the secret behind the hash? Without a hash the answer is no, after the same work.

    Raises:
        TooMany: the machine has enough of them to do.
    """
    nobodys = _nobodys()
    with _turn():
        try:
            _HASHER.verify(kept or nobodys, _plain(typed))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def weakness(password: str, login: str) -> str | None:
    """The reason code why a password is too easy, None when it may be used."""
    folded = password.casefold()
    if len(password) < SHORTEST:
        return "password_short"
    if len(password) > LONGEST:
        return "password_long"
    if len(set(folded)) < 5 or (login and login.casefold() in folded):
        return "password_easy"
    return None


def is_pin(text: str) -> bool:
    """4 to 8 digits, not all the same."""
    low, high = PIN_DIGITS
    return text.isascii() and text.isdigit() and low <= len(text) <= high and len(set(text)) > 1


def _plain(secret: str) -> str:
    """One spelling for one text: keyboards send é as one character or as two. A lone surrogate is no text at all."""
    return unicodedata.normalize("NFC", secret[: LONGEST + 1]).encode("utf-8", "replace").decode()


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_urlsafe())
