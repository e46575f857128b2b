"""Texts as they are compared: somebody types `serigraphie` and means `Sérigraphie`. Pure."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """A text in small letters, without accents, with plain apostrophes and single blanks."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.replace("’", "'").replace("_", " ").lower().split())
