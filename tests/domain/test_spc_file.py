"""Files of measurements: the forms in which people have them, and what is said of a line that is wrong."""

from __future__ import annotations

import io

import pytest
from openpyxl import Workbook

from mes.spc_file import BadFile, Sample, counted, grouped, number, single_values

LONG = "groupe;diamètre\n1;74,030\n1;74,002\n2;73,995\n2;73,992\n"
WIDE = "sample,a,b,c\nA,1.0,2.0,3.0\nB,2.0,,4.0\n"


def values(samples: list[Sample]) -> list[tuple[float, ...]]:
    return [s.values for s in samples]


@pytest.mark.parametrize(
    ("text", "value"),
    [("12.5", 12.5), ("12,5", 12.5), ("1 250,75", 1250.75), ("1\u202f250", 1250.0), ("-3e-2", -0.03),
     ("1,250.75", None), ("nan", None), ("inf", None), ("1_000", None), ("٣", None), ("", None), ("abc", None)],
)  # fmt: skip
def test_a_number_has_a_point_or_a_comma_and_is_finite(text: str, value: float | None) -> None:
    assert number(text) == value


def test_one_column_of_values_needs_no_heading_and_no_option() -> None:
    assert values(single_values("12,5\n13,5\n".replace(",", ".").encode())) == [(12.5,), (13.5,)]
    assert values(single_values(b"valeur\n12,5\n\n13,5\n")) == [(12.5,), (13.5,)]


def test_a_line_of_its_own_for_each_value_with_its_group() -> None:
    found = grouped(LONG.encode())
    assert [(s.label, s.line, s.values) for s in found] == [("1", 2, (74.03, 74.002)), ("2", 4, (73.995, 73.992))]
    assert grouped(LONG.encode(), group="Groupe", value="2") == found


def test_groups_keep_their_order_and_need_not_stand_together() -> None:
    assert [s.label for s in grouped(b"group,value\nb,1\na,2\nb,3\na,4\n")] == ["b", "a"]


def test_a_line_with_several_values_is_a_group_and_an_empty_cell_was_not_taken() -> None:
    assert [(s.label, s.values) for s in grouped(WIDE.encode())] == [("A", (1.0, 2.0, 3.0)), ("B", (2.0, 4.0))]
    assert values(grouped(b"1;2\n3;4\n")) == [(1.0, 2.0), (3.0, 4.0)]


def test_every_so_many_values_make_a_group() -> None:
    assert values(grouped(b"value\n1\n2\n3\n4\n5\n", every=2)) == [(1.0, 2.0), (3.0, 4.0), (5.0,)]


def test_a_workbook_reads_like_a_csv() -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in (["groupe", "mesure"], ["a", 1.5], ["a", 2], ["b", 2.5], ["b", 3]):
        page.append(row)
    kept = io.BytesIO()
    book.save(kept)
    assert values(grouped(kept.getvalue())) == [(1.5, 2.0), (2.5, 3.0)]


def test_counts_take_their_sizes_from_a_column_or_from_one_number() -> None:
    text = b"sample,defects,size\n1,3,50\n2,4,60\n"
    assert [(s.values, s.size) for s in counted(text, "p")] == [((3.0,), 50), ((4.0,), 60)]
    assert [s.size for s in counted(b"found\n3\n4\n", "np", size="50")] == [50, 50]
    assert [s.size for s in counted(b"found\n3\n4\n", "c")] == [None, None]


@pytest.mark.parametrize(
    ("content", "line", "column", "said"),
    [
        (b"group,value\n1,2.5\n1,abc\n2,3\n2,4\n", 3, "value", "“abc” is no number"),
        (b"group,value\n1,2.5\n,3\n", 3, "group", "The group is missing"),
        (b"group,value\n1,2.5\n2,\n", 3, "value", "The value is missing"),
        (b"group,a,b\n1,2,3\n2,,\n", 3, "a", "The value is missing"),
        (b"value\n1\n2\n", 0, "", "--group COLUMN, or --every N"),
        (b"group,value\n", 0, "", "no line with values"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_its_column_and_what_to_do(
    content: bytes, line: int, column: str, said: str
) -> None:
    with pytest.raises(BadFile, match=said) as caught:
        grouped(content)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_column_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(BadFile, match="There are: a, b"):
        single_values(b"a,b\n1,2\n", value="c")
    with pytest.raises(BadFile, match="Several columns hold numbers: a, b"):
        single_values(b"a,b\n1,2\n")
    with pytest.raises(BadFile, match="No column holds numbers"):
        single_values(b"a,b\nx,y\n")


def test_shares_without_sizes_are_refused_with_the_option_to_give() -> None:
    with pytest.raises(BadFile, match="--size"):
        counted(b"found\n3\n", "p")
