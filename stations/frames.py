"""Bytes become frames: pure functions over a buffer that is a value.

A frame ends at its terminator and nowhere else; what is torn, too long or not printable is a `BadFrame` with its bytes,
never a repaired text. The same bytes give the same frames whether they come whole, in halves or one by one. It must not
know ports, clocks, devices or what a frame says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

PRINTABLE: Final = bytes(range(0x20, 0x7F))
SEPARATORS: Final = b"\x1d\x1e\x04"
"""GS of GS1 data, RS and EOT of ISO/IEC 15434: the only control characters that a label legitimately holds."""

FrameFault = Literal["torn", "too_long", "bad_bytes", "bad_prefix"]


@dataclass(frozen=True, slots=True)
class Framing:
    """How a device marks its frames.

    Attributes:
        terminator: what ends a frame; any of several. Of two that begin alike, the longer one must be the shorter one
            followed by terminators (CR LF beside CR and LF).
        prefix: what each frame begins with; it is taken off. A frame without it is bad.
        max_bytes: longest frame, without prefix and terminator.
        allowed: bytes that may stand in a frame.
        idle_ms: silence after which an unfinished frame counts as torn, in milliseconds.
    """

    terminator: tuple[bytes, ...] = (b"\r\n", b"\r", b"\n")
    prefix: bytes = b""
    max_bytes: int = 512
    allowed: bytes = PRINTABLE + SEPARATORS
    idle_ms: int = 300

    def __post_init__(self) -> None:
        if not self.terminator or not all(self.terminator):
            raise ValueError("a framing needs at least one terminator, and none may be empty")
        if self.max_bytes < 1 or self.idle_ms < 1:
            raise ValueError("max_bytes and idle_ms are at least 1")
        for long in self.terminator:
            for short in self.terminator:
                at = long.find(short, 0, -1)
                if at > 0 or (at == 0 and long[len(short) :] not in self.terminator):
                    raise ValueError(f"terminator {short!r} ends before {long!r} does: the rest would open a frame")

    @property
    def longest(self) -> int:
        """Most bytes that a good frame takes up, its terminator left out."""
        return len(self.prefix) + self.max_bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame, without prefix and terminator; never empty, allowed bytes only."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class BadFrame:
    """Bytes that are no frame, as they came; of a frame that is too long only the beginning."""

    why: FrameFault
    raw: bytes


@dataclass(frozen=True, slots=True)
class Buffer:
    """What has come since the last terminator: at most one frame and one terminator, whatever the device sends.

    `at_ms` is when the last byte came; `dropping` says that the frame has already been reported as too long.
    """

    held: bytes = b""
    at_ms: int = 0
    dropping: bool = False


EMPTY: Final = Buffer()


def feed(framing: Framing, buffer: Buffer, chunk: bytes, now_ms: int) -> tuple[Buffer, tuple[Frame | BadFrame, ...]]:
    """Add what was read, and take out what is complete.

    Time is only noted, not judged: after a stall of the machine a whole frame may lie in the kernel in two pieces, and
    it is not torn. `idle` judges.

    Args:
        framing: how the device marks its frames.
        buffer: what is left from before.
        chunk: bytes as read, of any length.
        now_ms: a monotonic time, in milliseconds.

    Returns:
        The new buffer, and the frames in their order. Empty frames are skipped, so CR LF ends one frame and not two.
    """
    if not chunk:
        return buffer, ()
    done: list[Frame | BadFrame] = []
    data, start, dropping = buffer.held + chunk, 0, buffer.dropping
    for end in _ends(framing.terminator).finditer(data):
        if not dropping:
            done += _closed(framing, data[start : end.start()])
        start, dropping = end.end(), False
    held = data[start:]
    # One byte less than the longest terminator may be the terminator's beginning and not the frame's end.
    tail = max(map(len, framing.terminator)) - 1
    if not dropping and len(held) > framing.longest + tail:
        done.append(BadFrame("too_long", held[: framing.longest]))
        dropping = True
    if dropping:
        held = held[len(held) - tail :] if tail else b""
    return Buffer(held, now_ms, dropping), tuple(done)


def idle(framing: Framing, buffer: Buffer, now_ms: int) -> tuple[Buffer, BadFrame | None]:
    """Judge silence: an unfinished frame that has not grown for `idle_ms` is torn, and the next byte begins anew.

    Args:
        framing: how the device marks its frames.
        buffer: what is left from before.
        now_ms: the time up to which nothing more had come. Take it before the read that returned nothing: then a stall
            between reading and judging tears no frame.

    Returns:
        The buffer, emptied when its content is torn, and the torn frame. A frame already reported as too long ends here
        without a second report.
    """
    if not (buffer.held or buffer.dropping) or now_ms - buffer.at_ms < framing.idle_ms:
        return buffer, None
    return Buffer(at_ms=now_ms), abandon(buffer)


def abandon(buffer: Buffer) -> BadFrame | None:
    """What an unfinished frame amounts to when no more can come: torn, or nothing."""
    return BadFrame("torn", buffer.held) if buffer.held and not buffer.dropping else None


def _closed(framing: Framing, piece: bytes) -> tuple[Frame | BadFrame, ...]:
    if not piece:
        return ()
    if len(piece) > framing.longest:
        return (BadFrame("too_long", piece[: framing.longest]),)
    body = piece.removeprefix(framing.prefix)
    if framing.prefix and len(body) == len(piece):
        return (BadFrame("bad_prefix", piece),)
    if body.translate(None, framing.allowed):
        return (BadFrame("bad_bytes", piece),)
    return (Frame(body),) if body else ()


@lru_cache(maxsize=64)
def _ends(terminators: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """The first terminator that is complete: shorter ones first, or the chunks' borders would decide."""
    return re.compile(b"|".join(map(re.escape, sorted(terminators, key=len))))
