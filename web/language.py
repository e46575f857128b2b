"""The language of the page that is being answered."""

from __future__ import annotations

from flask_babel import get_locale


def language() -> str:
    """ "fr" or "en"; French, the shop's own, when nothing else is known."""
    return str(get_locale() or "fr")
