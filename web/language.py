"""The language of the page that is being answered, and how an answer is said in it."""

from __future__ import annotations

from typing import Final

from flask import flash, request
from flask_babel import get_locale

from mes.orders import Answer

LANGUAGE_WORDS: Final = {"fr": "Français", "en": "English"}
"""The languages, each by its own name."""


def language() -> str:
    """ "fr" or "en"; French, the shop's own, when nothing else is known."""
    return str(get_locale() or "fr")


def chosen() -> str:
    """The language that a form chooses for a person; that of the page when it chooses none."""
    found = request.form.get("language", "")
    return found if found in LANGUAGE_WORDS else language()


def tell(answer: Answer, done: str = "") -> None:
    """Say on the next page what came of it: `done`, or the answer's own sentence."""
    flash(done if done and answer.done else answer.say(language()), "go" if answer.done else "stop")
