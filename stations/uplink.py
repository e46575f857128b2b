"""The uplink: one thread that greets the server, sends what is kept, and settles what the server has answered.

It waits and is woken; what to do is decided in `stations.protocol` and done in `stations.conversation`. It must not
know the bench: events come from the outbox, verdicts go to the listeners. Nothing that a network, a server or a
listener does ends the thread.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from mes.wire import FloorReply, IngestResult
from stations.conversation import Clocks, Conversation, LinkStatus, Listeners, Pause, Rhythm
from stations.durable import read_token, write_token
from stations.keyring import Keyring
from stations.outbox import Outbox, OutboxFailed, utc_now
from stations.transport import Server, Transport, enroll

__all__ = ["LinkStatus", "Rhythm", "Server", "Settings", "Uplink", "enroll", "read_token", "write_token"]

_log = logging.getLogger(__name__)

STOP_S: Final = 2.0
FINISH_S: Final = 1.0  # of these two seconds, how long a running exchange may go on before it is cut


@dataclass(frozen=True, slots=True)
class Settings:
    """What an uplink has to be told. `plan_file` caches the last plan; `agent` names program and version.

    `token_file` is where a token that the server offers is kept; without it, none is taken.
    """

    server: Server
    token: str
    agent: str
    plan_file: Path
    rhythm: Rhythm = field(default_factory=Rhythm)
    token_file: Path | None = None


class Uplink:
    """Start it once, stop it once."""

    def __init__(
        self,
        outbox: Outbox,
        settings: Settings,
        *,
        on_results: Callable[[list[IngestResult]], None],
        on_link: Callable[[LinkStatus], None],
        on_plan: Callable[[dict[str, Any]], None],
        on_floor: Callable[[FloorReply], None],
        now: Callable[[], datetime] = utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._transport = Transport(settings.server, settings.token)
        self._conversation = Conversation(
            outbox,
            self._transport.exchange,
            Listeners(on_results, on_link, on_plan, on_floor),
            agent=settings.agent,
            plan_file=settings.plan_file,
            clocks=Clocks(now, time.monotonic, chance),
            rhythm=settings.rhythm,
            keys=Keyring(settings.token, settings.token_file, self._transport.use),
        )
        self._stopped = threading.Event()
        # A daemon: a program that ends without `stop` must not hang on a server that does not answer.
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    @property
    def status(self) -> LinkStatus:
        """How it stands with the server now."""
        return self._conversation.status

    def start(self) -> None:
        """Hand on the cached plan (in this thread, before returning), then begin to send."""
        self._conversation.begin()
        self._thread.start()

    def stop(self) -> bool:
        """End within two seconds; what was not answered is sent again next time.

        Returns:
            Whether the thread has ended. If not, it sits in a system call of the network, and will do nothing but end.
        """
        self._stopped.set()
        if self._thread.ident is None:
            return True
        self._outbox.kept.set()
        self._thread.join(FINISH_S)
        self._transport.cut()
        self._thread.join(STOP_S - FINISH_S)
        if not self._thread.is_alive():
            self._transport.close()
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.is_set():
            # Cleared before the step looks into the outbox: what is kept from here on is seen by it, or ends the wait.
            self._outbox.kept.clear()
            pause = self._step()
            if pause.seconds <= 0 or self._stopped.is_set():
                continue
            if pause.idle:
                self._outbox.kept.wait(pause.seconds)
            else:
                self._stopped.wait(pause.seconds)

    def _step(self) -> Pause:
        try:
            return self._conversation.step()
        except OutboxFailed as failed:
            _log.error("the uplink cannot use the outbox: %s", failed)
            return self._conversation.stumble(f"outbox: {failed.code}")
        except Exception as error:
            _log.exception("the uplink stumbled over %s and goes on", type(error).__name__)
            return self._conversation.stumble(type(error).__name__)
