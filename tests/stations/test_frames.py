"""Frames from bytes: what is whole, what is broken, and that chunk borders never matter."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.frames import EMPTY, BadFrame, Buffer, Frame, Framing, feed, idle

ANY_LINE_END = Framing()
CRLF_ONLY = Framing(terminator=(b"\r\n",))
WRAPPED = Framing(terminator=(b"\x03",), prefix=b"\x02")
SHORT = Framing(max_bytes=8)
SHORT_CRLF = Framing(terminator=(b"\r\n",), max_bytes=8)
Got = tuple[Frame | BadFrame, ...]


def fed(framing: Framing, chunks: Iterable[bytes]) -> tuple[Buffer, Got]:
    buffer = EMPTY
    got: list[Frame | BadFrame] = []
    for chunk in chunks:
        buffer, frames = feed(framing, buffer, chunk, 0)
        got += frames
    return buffer, tuple(got)


def one_by_one(raw: bytes) -> list[bytes]:
    return [raw[i : i + 1] for i in range(len(raw))]


def good(*texts: bytes) -> Got:
    return tuple(Frame(t) for t in texts)


TABLE: list[tuple[str, Framing, bytes, Got]] = [
    ("one frame", ANY_LINE_END, b"NMD-1\r", good(b"NMD-1")),
    ("cr lf ends one frame", ANY_LINE_END, b"NMD-1\r\nNMD-2\r\n", good(b"NMD-1", b"NMD-2")),
    ("lf ends a frame", ANY_LINE_END, b"A\nB\n", good(b"A", b"B")),
    ("empty frames are skipped", ANY_LINE_END, b"\r\n\r\n\n\rA\r\r", good(b"A")),
    ("three frames in one read", ANY_LINE_END, b"A\rB\rC\r", good(b"A", b"B", b"C")),
    ("gs at the end stays", ANY_LINE_END, b"]C110L\x1d\r", good(b"]C110L\x1d")),
    ("an iso 15434 envelope", ANY_LINE_END, b"[)>\x1e06\x1dPA\x1e\x04\r", good(b"[)>\x1e06\x1dPA\x1e\x04")),
    ("blanks are part of a frame", ANY_LINE_END, b" A \r", good(b" A ")),
    ("a nul", ANY_LINE_END, b"A\x00B\rC\r", (BadFrame("bad_bytes", b"A\x00B"), Frame(b"C"))),
    ("nuls alone", ANY_LINE_END, b"\x00\x00\r", (BadFrame("bad_bytes", b"\x00\x00"),)),
    ("wrong baud rate", ANY_LINE_END, b"\xff\xfe\x80\rA\r", (BadFrame("bad_bytes", b"\xff\xfe\x80"), Frame(b"A"))),
    ("a control key", ANY_LINE_END, b"\x0f\r", (BadFrame("bad_bytes", b"\x0f"),)),
    ("an escape sequence", ANY_LINE_END, b"\x1b[31m\r", (BadFrame("bad_bytes", b"\x1b[31m"),)),
    ("a tab", ANY_LINE_END, b"A\tB\r", (BadFrame("bad_bytes", b"A\tB"),)),
    ("utf-8", ANY_LINE_END, "É\r".encode(), (BadFrame("bad_bytes", b"\xc3\x89"),)),
    ("a lone cr where cr lf ends", CRLF_ONLY, b"A\rB\r\nC\r\n", (BadFrame("bad_bytes", b"A\rB"), Frame(b"C"))),
    ("a lone lf where cr lf ends", CRLF_ONLY, b"A\nB\r\n", (BadFrame("bad_bytes", b"A\nB"),)),
    ("cr cr lf where cr lf ends", CRLF_ONLY, b"A\r\r\n", (BadFrame("bad_bytes", b"A\r"),)),
    ("stx and etx", WRAPPED, b"\x02A\x03\x02B\x03", good(b"A", b"B")),
    ("stx is missing", WRAPPED, b"A\x03\x02B\x03", (BadFrame("bad_prefix", b"A"), Frame(b"B"))),
    ("bytes before stx", WRAPPED, b"x\x02A\x03", (BadFrame("bad_prefix", b"x\x02A"),)),
    ("stx twice", WRAPPED, b"\x02A\x02B\x03", (BadFrame("bad_bytes", b"\x02A\x02B"),)),
    ("nothing between stx and etx", WRAPPED, b"\x02\x03", ()),
    ("the longest frame", SHORT, b"12345678\r", good(b"12345678")),
    ("one byte more", SHORT, b"123456789\rA\r", (BadFrame("too_long", b"12345678"), Frame(b"A"))),
    ("much more", SHORT, b"x" * 100 + b"\rA\r", (BadFrame("too_long", b"x" * 8), Frame(b"A"))),
    ("much more, with noise", SHORT, b"\xff" * 100 + b"\r\nA\r", (BadFrame("too_long", b"\xff" * 8), Frame(b"A"))),
    ("the longest frame before cr lf", SHORT_CRLF, b"12345678\r\n", good(b"12345678")),
    ("one byte more before cr lf", SHORT_CRLF, b"123456789\r\nA\r\n", (BadFrame("too_long", b"12345678"), Frame(b"A"))),
    ("too long with lone crs", SHORT_CRLF, b"\r" * 40 + b"\nA\r\n", (BadFrame("too_long", b"\r" * 8), Frame(b"A"))),
    ("two too long ones", SHORT, b"x" * 20 + b"\r" + b"y" * 20 + b"\r",
     (BadFrame("too_long", b"x" * 8), BadFrame("too_long", b"y" * 8))),
    ("no terminator yet", ANY_LINE_END, b"A\rNMD-", good(b"A")),
]  # fmt: skip


@pytest.mark.parametrize(("framing", "raw", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_broken_input_gives_the_same_frames_whole_in_halves_and_byte_by_byte(
    framing: Framing, raw: bytes, expected: Got
) -> None:
    whole = fed(framing, [raw])
    assert whole[1] == expected
    assert fed(framing, one_by_one(raw)) == whole
    for cut in range(len(raw) + 1):
        assert fed(framing, [raw[:cut], raw[cut:]]) == whole


@given(
    st.lists(
        st.sampled_from([b"A", b"12345678", b"\r", b"\n", b"\r\n", b"\xff", b"\x02", b"\x03", b"\x00"]), max_size=30
    ),
    st.lists(st.integers(0, 200), max_size=6),
    st.sampled_from([ANY_LINE_END, CRLF_ONLY, WRAPPED, SHORT, SHORT_CRLF]),
)
def test_no_chunking_of_any_bytes_changes_what_is_read(parts: list[bytes], cuts: list[int], framing: Framing) -> None:
    raw = b"".join(parts)
    edges = sorted({0, len(raw), *(c for c in cuts if c < len(raw))})
    chunks = [raw[a:b] for a, b in pairwise(edges)]
    assert fed(framing, chunks) == fed(framing, [raw]) == fed(framing, one_by_one(raw))


@given(st.lists(st.binary(max_size=700), max_size=8))
def test_memory_stays_within_one_frame_and_a_terminator(chunks: list[bytes]) -> None:
    buffer, frames = fed(ANY_LINE_END, chunks)
    assert len(buffer.held) <= 512 + 1
    assert all(len(f.raw) <= 512 for f in frames)


@pytest.mark.parametrize("noise", [b"\xff", b"\x00", b"A"])
@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_a_flood_without_terminator_is_reported_once_and_held_in_bounds(noise: bytes, size: int) -> None:
    for chunks in ([noise * size], [noise * 4096] * (size // 4096)):
        buffer, got = fed(ANY_LINE_END, chunks)
        assert got == (BadFrame("too_long", noise * 512),)
        assert len(buffer.held) <= 1
        after, frames = feed(ANY_LINE_END, buffer, b"rest\rNMD-1\r", 0)
        assert frames == good(b"NMD-1")
        assert after == EMPTY


def test_cr_and_lf_in_two_reads_give_one_frame_even_after_a_pause() -> None:
    buffer, first = feed(ANY_LINE_END, EMPTY, b"NMD-1\r", 0)
    buffer, torn = idle(ANY_LINE_END, buffer, 1000)
    buffer, second = feed(ANY_LINE_END, buffer, b"\n", 1001)
    assert (first, torn, second) == (good(b"NMD-1"), None, ())


def test_a_partial_frame_is_torn_after_300_ms_of_silence_and_never_joined_to_the_next() -> None:
    buffer, _ = feed(ANY_LINE_END, EMPTY, b"PN12345", 1000)
    assert idle(ANY_LINE_END, buffer, 1299) == (buffer, None)
    buffer, torn = idle(ANY_LINE_END, buffer, 1300)
    assert torn == BadFrame("torn", b"PN12345")
    assert feed(ANY_LINE_END, buffer, b"NMD-1\r", 1400)[1] == good(b"NMD-1")


def test_each_byte_starts_the_silence_anew() -> None:
    buffer, _ = feed(ANY_LINE_END, EMPTY, b"PN", 1000)
    buffer, _ = feed(ANY_LINE_END, buffer, b"123", 1250)
    assert idle(ANY_LINE_END, buffer, 1500)[1] is None


def test_silence_alone_is_no_torn_frame() -> None:
    assert idle(ANY_LINE_END, EMPTY, 10_000) == (EMPTY, None)


def test_silence_after_a_flood_is_not_reported_twice_and_the_next_scan_is_read() -> None:
    buffer, got = feed(ANY_LINE_END, EMPTY, b"\xff" * 5000, 0)
    assert len(got) == 1
    buffer, torn = idle(ANY_LINE_END, buffer, 400)
    assert torn is None
    assert feed(ANY_LINE_END, buffer, b"NMD-1\r", 500)[1] == good(b"NMD-1")


@pytest.mark.parametrize(
    "terminators", [(), (b"",), (b"\r", b"\r\n"), (b"A", b"BAC")], ids=["none", "empty", "cr of cr lf", "inside"]
)
def test_terminators_that_would_leave_a_piece_behind_are_refused(terminators: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="terminator"):
        Framing(terminator=terminators)
