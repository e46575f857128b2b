"""Codes whose content is known: each fault of a scanner is told from what comes, and no bytes make it raise."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.check_codes import CODES, GS, SAID, Fault, Finding, diagnose, recognise, shown

ONE, LETTERS, BARS, SQUARE = CODES
AZERTY = "AZQW?)azqw,)à&é\"'(-è_ç"  # what a French keyboard types for QWAZM-qwazm-0123456789 of an English one
QWERTY = "AZQW:6azqw;6)!@#$%^&*("  # and the other way round


def sent(text: str, aim: str = "]C0", end: str = "\r") -> bytes:
    return f"{aim}{text}{end}".encode()


def at_a_wrong_speed(data: bytes) -> bytes:
    """Bytes as a line that is twice as fast reads them: each bit counts twice, and stop bits are missed."""
    return bytes(((b & 3) * 0x55 | 0x80) & 0xFF for b in data for _ in range(2))


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("code", CODES, ids=lambda c: str(c.number))
def test_a_code_that_comes_as_it_should_is_good(code: object, end: str) -> None:
    assert isinstance(code, type(ONE))
    assert diagnose(code, sent(code.text, "]C1", end)) == Finding("ok", code.number)


@pytest.mark.parametrize(
    ("got", "finding"),
    [
        (b"", Finding("nothing", 1)),
        (sent(ONE.text, aim=""), Finding("no_aim", 1)),
        (sent(ONE.text, end=""), Finding("no_terminator", 1)),
        (sent(ONE.text, end="\t"), Finding("other_terminator", 1, "<TAB>")),
        (b"\x02ATELIER-CHECK-1\x03", Finding("other_terminator", 1, "<ETX>")),
        (at_a_wrong_speed(sent(ONE.text)), Finding("wrong_speed", 1)),
        (b"\x00\x00\x00", Finding("wrong_speed", 1)),
        (bytes(b | 0x80 if b.bit_count() % 2 else b for b in sent(ONE.text)), Finding("parity", 1)),
        (sent(ONE.text.lower()), Finding("caps", 1)),
        (sent("*" + ONE.text), Finding("before", 1, "*")),
        (sent(ONE.text + "$7"), Finding("after", 1, "$7")),
        (sent(ONE.text[:8]), Finding("cut", 1, "ATELIER-")),
        (sent(ONE.text + ONE.text), Finding("twice", 1)),
        (sent(ONE.text) + sent(ONE.text), Finding("twice", 1)),
        (sent(ONE.text, "") + sent(ONE.text, ""), Finding("twice", 1)),
        (sent(LETTERS.text), Finding("other_code", 1)),
        (sent("NMD-2648-00001"), Finding("unknown", 1)),
    ],
)
def test_what_comes_instead_of_the_first_code_tells_what_is_wrong(got: bytes, finding: Finding) -> None:
    assert diagnose(ONE, got) == finding


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        (AZERTY, "azerty"),
        (LETTERS.text.translate(str.maketrans("0123456789", "à&é\"'(-è_ç")), "azerty"),
        (QWERTY, "qwerty"),
        (LETTERS.text.swapcase(), "caps"),
        (LETTERS.text.upper(), "caps"),
    ],
)
def test_letters_and_digits_of_another_keyboard_are_told_apart(typed: str, fault: str) -> None:
    assert diagnose(LETTERS, sent(typed, aim="", end="\n")).fault == fault


@pytest.mark.parametrize("code", [BARS, SQUARE], ids=["bars", "square"])
@pytest.mark.parametrize(
    ("instead", "fault", "detail"), [("", "gs_lost", ""), ("^]", "gs_replaced", "^]"), ("\x1e", "gs_replaced", "<RS>")]
)
def test_a_separator_that_is_lost_or_replaced_is_named(code: object, instead: str, fault: str, detail: str) -> None:
    assert isinstance(code, type(ONE))
    assert diagnose(code, sent(code.text.replace(GS, instead))) == Finding(fault, code.number, detail)  # type: ignore[arg-type]


def test_a_keyboard_that_loses_the_separator_and_changes_letters_is_told_the_letters_first() -> None:
    typed = SQUARE.text.replace(GS, "").translate(str.maketrans("A-", "Q)", "4"))
    assert diagnose(SQUARE, sent("QTELIER)'GSEND", aim="", end="\n")).fault == "azerty", typed


@pytest.mark.parametrize("code", CODES, ids=lambda c: str(c.number))
def test_which_code_it_was_is_recognised_from_a_faulty_reading(code: object) -> None:
    assert isinstance(code, type(ONE))
    assert recognise(sent(code.text, end="")) == Finding("no_terminator", code.number)


def test_a_scan_of_something_else_is_no_fault() -> None:
    assert recognise(sent("NMD-2648-00001")).fault == "unknown"


def test_every_fault_has_its_words_and_each_that_is_one_has_a_cure() -> None:
    assert set(SAID) == set(get_args(Fault))
    assert [fault for fault, (_said, do) in SAID.items() if not do] == ["ok"]


def test_control_characters_are_shown_by_name_and_never_sent_to_a_terminal() -> None:
    assert shown(b"A\x1dB\x1b[31m\x80\r") == "A<GS>B<1B>[31m<80><CR>"


def test_no_code_begins_with_99_which_the_bars_lose() -> None:
    assert not [c for c in CODES if c.text.startswith("99")]


@given(st.binary(max_size=80), st.sampled_from(CODES))
def test_no_bytes_make_the_diagnosis_raise(got: bytes, code: object) -> None:
    assert isinstance(code, type(ONE))
    for finding in (diagnose(code, got), recognise(got)):
        assert finding.fault in SAID
        assert finding.detail.isprintable()


@given(st.sampled_from(CODES), st.data())
def test_a_code_with_a_few_bytes_changed_never_counts_as_read(code: object, data: st.DataObject) -> None:
    assert isinstance(code, type(ONE))
    good = bytearray(code.text.encode())
    at = data.draw(st.integers(0, len(good) - 1))
    good[at] ^= data.draw(st.integers(1, 255))
    assert not diagnose(code, bytes(good) + b"\r").good
