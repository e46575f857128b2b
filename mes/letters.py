"""Random texts that people read aloud and type by hand: pseudonyms, badges, one-time codes, first passwords."""

from __future__ import annotations

import secrets
from typing import Final

LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U, 0, 1
_GROUPED: Final = 16  # 78 bits


def random_letters(count: int) -> str:
    """So many of them; each is worth 4.9 bits."""
    return "".join(secrets.choice(LETTERS) for _ in range(count))


def grouped_code() -> str:
    """A secret to be typed once, in groups: `XXXX-XXXX-XXXX-XXXX`."""
    letters = random_letters(_GROUPED)
    return "-".join(letters[i : i + 4] for i in range(0, _GROUPED, 4))
