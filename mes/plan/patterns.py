"""Whether a label's pattern could keep a bench busy for ever: a regular expression is a program, and a label its input.

Looks at the parsed expression only; what the groups mean is the plan's business.
"""

from __future__ import annotations

from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

MAX_PATTERN: Final = 200  # characters
MAX_OPEN: Final = (
    3  # of so many open repetitions each may try every place in a frame of 512 characters: 512³/6, a second
)
NARROW: Final = 15  # a repetition with fewer choices than that multiplies nothing
_REPEATS: Final = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)
_REFUSED: Final = (ops.GROUPREF, ops.GROUPREF_EXISTS, ops.ASSERT, ops.ASSERT_NOT)


def runs_away(pattern: str) -> bool:
    """Could some label take this pattern more than about a second?

    Args:
        pattern: a regular expression that compiles.

    Returns:
        True for what repeats something that can itself match in several ways, for more than `MAX_OPEN` open
        repetitions, for back-references and look-around, and for more than `MAX_PATTERN` characters.
    """
    if len(pattern) > MAX_PATTERN:
        return True
    return _open(parser.parse(pattern), repeated=False) > MAX_OPEN


def _open(parsed: Any, *, repeated: bool) -> int:
    """How many open repetitions there are, or one too many for what is refused altogether."""
    count = 0
    for op, value in parsed:
        if op in _REFUSED or (repeated and op is ops.BRANCH):
            return MAX_OPEN + 1
        if op in _REPEATS:
            least, most, what = value
            wide = most - least > NARROW
            if repeated and most > least:
                return MAX_OPEN + 1
            count += wide + _open(what, repeated=repeated or most > 1)
        elif op is ops.BRANCH:
            count += sum(_open(each, repeated=repeated) for each in value[1])
        elif op is ops.SUBPATTERN:
            count += _open(value[3], repeated=repeated)
        elif op is ops.ATOMIC_GROUP:
            count += _open(value, repeated=repeated)
    return count
