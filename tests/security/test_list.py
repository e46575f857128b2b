"""The list of attacks in docs/security.md is whole, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
ROW: Final = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS: Final = [
    (int(row[1]), row[3], re.findall(r"`(tests/[^`]+)`", row[4]))
    for row in ROW.finditer((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
]


@cache
def tests_of(file: str) -> frozenset[str]:
    """The names of a file's tests."""
    tree = ast.parse((ROOT / file).read_bytes())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_all_attacks_are_in_the_list_and_in_order() -> None:
    assert [number for number, _, _ in ROWS] == list(range(1, 57))


@pytest.mark.parametrize(("number", "stops", "tests"), ROWS, ids=[str(number) for number, _, _ in ROWS])
def test_each_attack_is_tried_by_tests_that_exist_or_has_no_way_in(number: int, stops: str, tests: list[str]) -> None:
    assert tests or stops.startswith("No such way in"), number
    missing = [test for test in tests if test.partition("::")[2] not in tests_of(test.partition("::")[0])]
    assert missing == []


def test_every_file_of_attacks_is_in_the_list() -> None:
    named = {test.partition("::")[0] for _, _, tests in ROWS for test in tests}
    files = {f"tests/security/{path.name}" for path in Path(__file__).parent.glob("test_*.py")} - {
        "tests/security/test_list.py"
    }
    assert files <= named
