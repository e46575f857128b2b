"""What scanned texts say, and what they must never be taken for."""

from __future__ import annotations

import string
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.barcode import (
    COMMANDS,
    MAX_BYTES,
    Badge,
    CartonCode,
    Code,
    Command,
    ComponentLabel,
    DefectCode,
    Gs1,
    Kind,
    OrderCode,
    Plain,
    Quantity,
    StepCode,
    Unreadable,
    check_character,
    escaped,
    read,
    write,
)

GTIN = "07032069804988"
SSCC = "376104250021234569"
OWN = (Badge, Command, DefectCode, Quantity, StepCode, CartonCode, OrderCode)
LETTERS_AND_DIGITS = string.digits + string.ascii_uppercase
ids = st.text(LETTERS_AND_DIGITS + "-", min_size=1, max_size=48)
own_codes = st.one_of(
    st.builds(lambda kind, value: (kind, value), st.sampled_from(["badge", "defect", "step", "carton", "order"]), ids),
    st.tuples(st.just("command"), st.sampled_from(COMMANDS)),
    st.tuples(st.just("quantity"), st.integers(0, 999_999)),
)


def value_of(code: Code) -> object:
    match code:
        case Badge(value) | StepCode(value) | CartonCode(value) | OrderCode(value):
            return value
        case Command(name):
            return name
        case DefectCode(text):
            return text
        case Quantity(number):
            return number
    return None


# --- own codes


@given(own_codes)
def test_what_is_written_reads_back_as_the_same_kind_and_value(coded: tuple[Kind, str | int]) -> None:
    kind, value = coded
    classes = dict(zip(get_args(Kind), OWN, strict=True))
    code = read(write(kind, value))
    assert type(code) is classes[kind]
    assert value_of(code) == value


@given(own_codes, st.data())
def test_one_wrong_letter_or_digit_never_makes_another_own_code(
    coded: tuple[Kind, str | int], data: st.DataObject
) -> None:
    printed = write(*coded)
    at = data.draw(st.sampled_from([i for i, c in enumerate(printed) if c in LETTERS_AND_DIGITS]))
    wrong = data.draw(st.sampled_from(sorted(set(string.printable) - {printed[at], "-"})))
    assert not isinstance(read(printed[:at] + wrong + printed[at + 1 :]), OWN)


@given(own_codes, st.data())
def test_one_wrong_dot_never_makes_another_own_code(coded: tuple[Kind, str | int], data: st.DataObject) -> None:
    printed = write(*coded)
    at = data.draw(st.sampled_from([i for i, c in enumerate(printed) if c == "."]))
    wrong = data.draw(st.sampled_from(sorted(set(string.printable) - {"."})))
    assert not isinstance(read(printed[:at] + wrong + printed[at + 1 :]), OWN)


@given(own_codes, st.data())
def test_a_torn_own_code_is_unreadable_and_never_a_serial_number(
    coded: tuple[Kind, str | int], data: st.DataObject
) -> None:
    printed = write(*coded)
    torn = printed[: data.draw(st.integers(1, len(printed) - 1))]
    assert read(torn) == Unreadable(torn, "bad_check")


@given(own_codes, own_codes)
def test_two_codes_run_together_are_unreadable(one: tuple[Kind, str | int], two: tuple[Kind, str | int]) -> None:
    assert isinstance(read(write(*one) + write(*two)), Unreadable)


def test_the_commands_are_printed_and_read() -> None:
    assert COMMANDS == (
        "DONE", "PASS", "FAIL", "UNDO", "HELP", "PAUSE", "RESUME", "LEAVE", "YES", "NO", "HELPED", "SUPERVISOR",
        "CARTON", "PALLET",
    )  # fmt: skip
    assert [read(write("command", name)) for name in COMMANDS] == [Command(name) for name in COMMANDS]


@pytest.mark.parametrize(
    ("text", "check"),
    [("A12425GABC1234002", "M"), ("A1-2425G-ABC1234002", "M"), ("0000000189470000", "8"),
     ("000000018947000000000000", "D"), ("0000-0000-3A8D-0000", "Z"), ("0000-0000-3A8D-0000-0000-0000", "6")],
)  # fmt: skip
def test_the_check_character_follows_iso_7064_mod_37_36(text: str, check: str) -> None:
    """Source: the published examples GRid A1-2425G-ABC1234002-M, ISAN 0000-0001-8947-0000-8-0000-0000-D and
    ISAN 0000-0000-3A8D-0000-Z-0000-0000-6, which use the same check."""
    assert check_character(text) == check


@pytest.mark.parametrize(
    "raw", [".c.done.1", ".C.done.1", ".C.DONE.2", ".C.DONE.", ".C.DO", ".", "..", ".5K", ".C.DO NE.1"]
)
def test_a_code_that_starts_like_an_own_code_and_does_not_check_is_bad_check(raw: str) -> None:
    assert read(raw) == Unreadable(raw, "bad_check")


def own(letter: str, value: str) -> str:
    return f".{letter}.{value}.{check_character(letter + value)}"


@pytest.mark.parametrize("raw", [own("C", "DANCE"), own("Z", "1"), own("Q", "1-2"), own("Q", "1234567"), own("7", "A")])
def test_a_checked_code_that_this_version_does_not_know_is_unknown_code(raw: str) -> None:
    assert read(raw) == Unreadable(raw, "unknown_code")


@pytest.mark.parametrize(
    ("kind", "value"),
    [("badge", ""), ("badge", "b7"), ("badge", "B 7"), ("badge", "É"), ("badge", "A" * 49), ("command", "DANCE"),
     ("quantity", -1), ("quantity", 1_000_000), ("quantity", "007"), ("step", "fit.battery"), ("order", "1\n")],
)  # fmt: skip
def test_a_code_that_could_not_be_read_back_is_not_written(kind: Kind, value: str | int) -> None:
    with pytest.raises(ValueError, match="cannot say"):
        write(kind, value)


def test_an_own_code_reads_with_its_symbology_identifier_and_line_end() -> None:
    assert read(b"]C0" + write("badge", "B-0007").encode() + b"\r\n") == Badge("B-0007")


# --- GS1


def gs1(raw: bytes | str) -> Gs1:
    code = read(raw)
    assert isinstance(code, Gs1), code
    return code


def test_a_gs1_code_gives_product_serial_lot_dates_and_counts() -> None:
    code = gs1(f"]d201{GTIN}17280200\x1d21NMD-7\x1d10L/4\x1d3012\x1d400OF-9")
    assert (code.gtin, code.serial, code.lot, code.quantity, code.order) == (GTIN, "NMD-7", "L/4", 12, "OF-9")
    assert code.expires == "2028-02-29"
    assert code.elements[-1] == ("400", "OF-9")


@pytest.mark.parametrize("end", [b"", b"\x1d", b"\x1d\r\n", b" \x1d", b"\x1d\x1d"])
def test_a_gs_at_the_end_or_between_ends_an_element_and_is_not_trimmed_into_the_next(end: bytes) -> None:
    raw = b"]C101" + GTIN.encode() + b"10LOT7\x1d21S1" + end
    if b" " in end:
        assert read(raw) == Unreadable(escaped(raw), "bad_gs1")
    else:
        assert (gs1(raw).lot, gs1(raw).serial) == ("LOT7", "S1")


def test_an_sscc_is_read_with_and_without_identifier() -> None:
    assert gs1(f"]C100{SSCC}").sscc == SSCC
    assert gs1(f"00{SSCC}").sscc == SSCC
    assert gs1(f"\x1d00{SSCC}").sscc == SSCC


@pytest.mark.parametrize(
    "raw",
    [f"]C100{SSCC[:-1]}0", f"]C101{GTIN[:-1]}9", f"]d201{GTIN}21A B", f"]d201{GTIN}21A\x1d21B", "]C1ABC", "]Q3\x1d",
     f"]d201{GTIN}17281399", "ABC\x1dDEF", "\x1d", "]E07032069804987", "]C0ABC\x1dDEF"],
)  # fmt: skip
def test_data_that_claims_to_be_gs1_and_is_not_is_unreadable(raw: str) -> None:
    assert read(raw) == Unreadable(escaped(raw.encode()), "bad_gs1")


@pytest.mark.parametrize("raw", [f"]E0{GTIN[1:]}", f"]I1{GTIN}"])
def test_an_article_number_is_a_gtin_of_14_digits(raw: str) -> None:
    assert gs1(raw).gtin == GTIN


@pytest.mark.parametrize(
    "text", [f"00{SSCC[:-1]}0", f"01{GTIN[:-1]}9", "0100", "10ABC", "21NMD-7", GTIN, SSCC, "99000123"]
)
def test_without_identifier_or_separator_a_text_is_not_guessed_to_be_gs1(text: str) -> None:
    assert read(text) == Plain(text)


def test_a_scanner_that_says_plain_code_128_is_believed() -> None:
    assert read(f"]C000{SSCC}") == Plain(f"00{SSCC}")


def test_what_was_read_as_gs1_is_kept_as_text_too() -> None:
    assert gs1(f"]C101{GTIN}").text == f"01{GTIN}"


# --- component labels


FULL = "[)>\x1e06\x1dPC-100\x1d1PGRM188\x1dQ4000\x1d1TL77\x1dKPO-5\x1d9D2419\x1e\x04"


@pytest.mark.parametrize(
    "raw",
    [FULL, FULL.replace("[)>", ">[)>"), FULL.removesuffix("\x1e\x04"), FULL.removesuffix("\x04"), FULL + "\r\n",
     FULL.replace("\x1e", ""), FULL.replace("\x1e06\x1d", "06"), FULL.lower().upper(), "]d1" + FULL],
    ids=["full", "leading >", "no ends", "no EOT", "line end", "no RS", "bare header", "upper", "identifier"],
)  # fmt: skip
def test_a_component_label_is_read_with_or_without_its_ends(raw: str) -> None:
    label = read(raw)
    assert isinstance(label, ComponentLabel)
    assert (label.part, label.maker_part, label.quantity) == ("C-100", "GRM188", 4000)
    assert (label.lot, label.order, label.date_code) == ("L77", "PO-5", "2419")


def test_a_distributors_label_with_a_lower_case_identifier_is_read() -> None:
    label = read("[)>\x1e06\x1dpSAM14954CT-ND\x1d1PLSHM-120\x1dQ3\x1d11ZPICK")
    assert isinstance(label, ComponentLabel)
    assert (label.part, label.maker_part, label.quantity) == ("SAM14954CT-ND", "LSHM-120", 3)
    assert label.elements[-1] == ("11Z", "PICK")


def test_an_envelope_around_gs1_data_is_gs1() -> None:
    assert gs1(f"[)>\x1e05\x1d01{GTIN}\x1d21S9\x1e\x04").serial == "S9"


def test_a_quantity_that_is_no_count_is_left_out_and_kept_among_the_elements() -> None:
    label = read("[)>\x1e06\x1dPA\x1dQ2.5M")
    assert isinstance(label, ComponentLabel)
    assert label.quantity is None
    assert ("Q", "2.5M") in label.elements


@pytest.mark.parametrize(
    "raw", ["[)>", "[)>\x1e", "[)>\x1e06\x1d\x1e\x04", "[)>\x1e12\x1dPA", "[)>\x1e06\x1d123", ">[)>06"]
)
def test_an_envelope_without_an_element_is_a_bad_label(raw: str) -> None:
    assert read(raw) == Unreadable(escaped(raw.encode()), "bad_label")


# --- everything else


@pytest.mark.parametrize(
    "text", ["NMD-2640-00012", "a1b2", "]", "]C", "'; --", "{{7*7}}", "<script>", "x.C.DONE.1", "A B"]
)
def test_any_other_printable_text_is_plain_and_kept_as_it_is(text: str) -> None:
    assert read(text) == Plain(text)


def test_blanks_and_line_ends_around_a_text_are_dropped() -> None:
    assert read(b" \tNMD-1 \r\n") == Plain("NMD-1")


@pytest.mark.parametrize("raw", ["", b"", b"\r\n", "  ", "]C1", "]C0\r"])
def test_nothing_is_empty(raw: bytes | str) -> None:
    code = read(raw)
    assert isinstance(code, Unreadable)
    assert code.why == "empty"


@pytest.mark.parametrize(
    "raw",
    [
        "É",
        "NMD-1é",
        "\ud800",
        "A\x00B",
        b"\xff\xfe",
        "A\x1b[31mB",
        "A\nB",
        "\x1f",
        "\u00a0",
        "１",
        "A\x7f",
        b"\x0f",
        "\u202eA",
    ],
)
def test_characters_that_no_label_has_are_bad_characters(raw: bytes | str) -> None:
    code = read(raw)
    assert isinstance(code, Unreadable)
    assert code.why == "bad_characters"
    assert code.raw.isprintable()
    assert code.raw.isascii()


def test_a_text_above_the_longest_frame_is_too_long() -> None:
    assert read("A" * MAX_BYTES) == Plain("A" * MAX_BYTES)
    code = read("A" * (MAX_BYTES + 1))
    assert isinstance(code, Unreadable)
    assert code.why == "too_long"
    assert isinstance(read(b"\xff" * 1_000_000), Unreadable)


@given(st.one_of(st.binary(max_size=600), st.text(max_size=200)))
def test_no_input_raises_and_nothing_unprintable_passes(raw: bytes | str) -> None:
    code = read(raw)
    if isinstance(code, Plain):
        assert code.text
        assert code.text.isascii()
        assert code.text.isprintable()


@given(
    st.sampled_from(["]C1", "]d2", "]E0", "]I1", "[)>\x1e06\x1d", "[)>\x1e05\x1d", "\x1d", "01", "00", ""]),
    st.text(string.digits + "ABP\x1d\x1e\x04 ", max_size=60),
)
def test_no_identifier_with_any_digits_behind_it_raises(start: str, rest: str) -> None:
    assert read(start + rest) == read((start + rest).encode())


@given(st.binary(max_size=2000), st.integers(10, 50))
def test_escaped_bytes_are_one_printable_line_of_bounded_length(raw: bytes, limit: int) -> None:
    text = escaped(raw, limit)
    assert text.isprintable()
    assert text.isascii()
    assert len(text) <= limit


def test_escaped_bytes_can_be_told_apart() -> None:
    assert escaped(b"A\x1d\\x1d\n") == "A\\x1d\\\\x1d\\x0a"
