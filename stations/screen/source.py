"""Where the bench page gets its screen from, and where it brings what was pressed or typed.

`ScreenSource` is what the page needs; `ScreenFeed` is the one that the agent and the preview use: a place that holds
the newest screen and wakes those who wait for it. It knows neither HTTP nor the session.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from stations.view import Screen

Way = Literal["wedge", "touch"]
"""How a text came: typed by a scanner that acts as a keyboard, or by a hand (a button, the keyboard)."""


class Shown(NamedTuple):
    """A screen with the language of the person who reads it. A new version means: paint again."""

    version: int
    screen: Screen
    language: str


class ScreenSource(Protocol):
    """What the page needs of the agent. All five are called from the page's own threads."""

    def current(self) -> tuple[int, Screen, str]:
        """The newest version, its screen, and the language."""

    def wait(self, version: int, timeout_s: float) -> tuple[int, Screen, str]:
        """The newest screen, at once when its version differs from `version`, else after a change or `timeout_s`."""

    def submit(self, text: str, source: Way) -> None:
        """A scanned text or the own code of a button; empty when a scan was torn. Must not block."""

    def set_language(self, language: str) -> None:
        """The person wants the other language."""

    def submit_pin(self, pin: str) -> None:
        """A supervisor's PIN. Must not be kept, shown or logged."""


class ScreenFeed:
    """Holds the newest screen for any number of readers; the newest wins, none is queued."""

    def __init__(
        self,
        screen: Screen,
        language: str = "fr",
        *,
        on_input: Callable[[str, Way], None] = lambda text, source: None,
        on_language: Callable[[str], None] = lambda language: None,
        on_pin: Callable[[str], None] = lambda pin: None,
    ) -> None:
        self._changed = threading.Condition()
        self._shown = Shown(1, screen, language)
        self._on_input = on_input
        self._on_language = on_language
        self._on_pin = on_pin

    def show(self, screen: Screen, language: str | None = None) -> int:
        """Take a new screen (and language), wake the readers, return the version. The same again is no change."""
        with self._changed:
            old = self._shown
            new = Shown(old.version + 1, screen, language or old.language)
            if (new.screen, new.language) != (old.screen, old.language):
                self._shown = new
                self._changed.notify_all()
            return self._shown.version

    def current(self) -> Shown:
        """The newest version, its screen, and the language."""
        with self._changed:
            return self._shown

    def wait(self, version: int, timeout_s: float) -> Shown:
        """The newest screen: at once, after a change, or unchanged after `timeout_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._shown.version != version, timeout_s)
            return self._shown

    def submit(self, text: str, source: Way) -> None:
        """Hand on what was scanned or pressed."""
        self._on_input(text, source)

    def set_language(self, language: str) -> None:
        """Change the language now, and tell who wants to remember it."""
        self.show(self.current().screen, language)
        self._on_language(language)

    def submit_pin(self, pin: str) -> None:
        """Hand a PIN on, and forget it."""
        self._on_pin(pin)
