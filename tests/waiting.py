"""Waiting for something to become true: the one place in the tests that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE: Final = 4
"""Limits are written for a machine that does nothing else; a busy one gets so many times as long, and nobody waits who
need not."""


def wait_for(condition: Callable[[], T], limit_s: float = 10, what: str = "", pause_s: float = 0.02) -> T:
    """Call `condition` until its answer is true, and return that answer.

    Fails with `what` (a sentence: what should have happened) and the last answer when `limit_s` seconds, and the
    patience for a busy machine, are over.
    """
    limit_s *= PATIENCE
    end = time.monotonic() + limit_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= end:
            expected = what or getattr(condition, "__name__", "the condition")
            raise AssertionError(f"not within {limit_s} s: {expected} (last answer: {answer!r})")
        time.sleep(pause_s)
