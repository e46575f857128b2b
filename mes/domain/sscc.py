"""The number of a carton or pallet: 18 digits that no other logistic unit in the world has.

Pure: digits in, digits out. Which number is next is the ledger's business.

Source: GS1 General Specifications, 3.2 (AI 00), 7.9.1 (check digit); weights 3, 1, 3, 1 from the right.
"""

from __future__ import annotations

import re
from typing import Final

LENGTH: Final = 18
DEMONSTRATION: Final = "952"
"""What GS1 keeps for examples: such a number identifies nothing, and a label that carries it says so."""
PREFIX: Final = r"^[0-9]{4,12}$"
_DIGITS: Final = re.compile(r"[0-9]{18}")


def check_digit(digits: str) -> str:
    """The GS1 check digit over a row of digits without it."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def valid(text: str) -> bool:
    """Whether this is an SSCC: 18 digits, the last of them right."""
    return _DIGITS.fullmatch(text) is not None and check_digit(text[:-1]) == text[-1]


def capacity(prefix: str) -> int:
    """How many numbers a company prefix gives: ten extension digits, and a serial that fills 16 digits with it."""
    return int(10 ** (LENGTH - 1 - len(prefix)))


def number(prefix: str, n: int) -> str | None:
    """The `n`-th SSCC of a company prefix, from 0.

    The serial takes what the prefix leaves of 16 digits; when it is used up, the extension digit in front counts on.

    Returns:
        18 digits, or None when the prefix has no number left.
    """
    if not 0 <= n < capacity(prefix):
        return None
    width = LENGTH - 2 - len(prefix)
    extension, serial = divmod(n, 10**width)
    body = f"{extension}{prefix}{serial:0{width}}"
    return body + check_digit(body)


def spaced(sscc: str) -> str:
    """As a person reads it: in groups."""
    return " ".join((sscc[:1], sscc[1:5], sscc[5:9], sscc[9:13], sscc[13:17], sscc[17:]))
