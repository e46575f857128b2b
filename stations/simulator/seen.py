"""What a simulated person sees: the bench's screen as a frozen value, and the way to look at it over loopback.

It reads `/state` of the agent and nothing else; a screen that does not answer is dark, never an exception.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

LOOK_S: Final = 15.0  # the agent answers after ten seconds at the latest


@dataclass(frozen=True, slots=True)
class Want:
    """One row of what the step still needs."""

    kind: str
    state: str
    part: str = ""
    have: int = 0
    want: int = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the screen."""

    version: int = 0
    phase: str = "starting"
    operator: str | None = None
    unit: str | None = None
    order: str | None = None
    step: str | None = None
    needs: tuple[Want, ...] = ()
    tone: str = "wait"
    reason: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    serial: int = 0
    rack: Mapping[str, bool] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    link: str = "starting"
    kept: int = 0
    help_called: bool = False
    good: int = 0
    scrap: int = 0
    left: int | None = None

    @property
    def carton(self) -> str | None:
        """The carton that is open here; it is no unit of a step."""
        return self.unit if self.step is None and self.phase in ("working", "asking") else None

    @property
    def taking_in(self) -> str | None:
        """The order that takes units in by their serials; it is not counted."""
        return self.order if self.unit is None and self.step is None else None

    @property
    def settled(self) -> bool:
        """Whether the screen shows an answer, and not that one is on its way."""
        on_its_way = self.reason in ("asking", "weighing") or (self.reason == "kept" and self.link == "up")
        return self.phase not in ("asking", "testing", "starting") and not on_its_way

    def same_as(self, other: Seen) -> bool:
        """Whether nothing has happened for who looks: neither a new banner nor another thing on the bench."""
        return (self.serial, self.phase, self.unit, self.order) == (other.serial, other.phase, other.unit, other.order)


def seen_of(state: Mapping[str, Any]) -> Seen:
    """Read what `/state` says."""
    banner = state["banner"]
    places = {r["unit"]: r["place"] for r in state["rack"] if r["place"]}
    if state["unit"] and state["rack_place"]:
        places[state["unit"]] = state["rack_place"]
    return Seen(
        version=state["version"],
        phase=state["phase"],
        operator=state["operator"],
        unit=state["unit"],
        order=state["order"],
        step=state["step"],
        needs=tuple(Want(n["kind"], n["state"], n["part"], n["have"], n["want"]) for n in state["needs"]),
        tone=banner["tone"],
        reason=banner["reason"],
        args=banner["args"],
        serial=banner["serial"],
        rack={r["unit"]: r["ready"] for r in state["rack"]},
        places=places,
        link=state["link"],
        kept=state["kept"],
        help_called=state["help_called"],
        good=state["good"],
        scrap=state["scrap"],
        left=state["left"],
    )


class Tally:
    """What an agent has counted, over its restarts: it begins again at nothing each time."""

    COUNTS: Final = ("captured", "judged", "duplicate", "quarantined", "conflict")
    TIMES: Final = ("scan_to_verdict_ms", "reading_to_verdict_ms")

    def __init__(self) -> None:
        self._before = dict.fromkeys(self.COUNTS, 0)
        self._now = dict.fromkeys(self.COUNTS, 0)
        self._times_before: dict[str, list[float]] = {name: [] for name in self.TIMES}
        self._times: dict[str, list[float]] = {name: [] for name in self.TIMES}
        self._lock = threading.Lock()

    def take(self, meters: Mapping[str, Any]) -> None:
        """Note the agent's present counts."""
        with self._lock:
            if meters["captured"] < self._now["captured"] or meters["judged"] < self._now["judged"]:
                self._before = {name: self._before[name] + self._now[name] for name in self.COUNTS}
                self._times_before = {name: self._times_before[name] + self._times[name] for name in self.TIMES}
            self._now = {name: int(meters[name]) for name in self.COUNTS}
            self._times = {name: list(meters[name]) for name in self.TIMES}

    def count(self, name: str) -> int:
        """One of `COUNTS`, in all."""
        with self._lock:
            return self._before[name] + self._now[name]

    def times_ms(self, name: str) -> list[float]:
        """One of `TIMES`: milliseconds from each scan, or from the last reading of each test run, to its verdict."""
        with self._lock:
            return self._times_before[name] + self._times[name]


class Window:
    """The bench page's address, looked at by one person. `close` from any thread ends a look that waits."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: HTTPConnection | None = None
        self.tally = Tally()

    def look(self, after: int | None = None) -> Seen | None:
        """What the screen shows; None when it is dark.

        Args:
            after: wait for another version than this one, ten seconds at most; None looks at once.
        """
        try:
            if self._connection is None:
                self._connection = HTTPConnection("127.0.0.1", self._port, timeout=LOOK_S)
            self._connection.request("GET", "/state" if after is None else f"/state?after={after}")
            response = self._connection.getresponse()
            body = response.read()
            if response.status != 200:
                return None
            state = json.loads(body)
        except (OSError, HTTPException, ValueError):
            self._drop()
            return None
        self.tally.take(state["meters"])
        return seen_of(state)

    def close(self) -> None:
        """Look no more."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
