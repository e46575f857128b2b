"""The one question that does not go through the outbox: a supervisor's badge and PIN, to the server and nowhere else.

A PIN is not kept, not logged and not sent twice: each question has a thread and a connection of its own, and silence is
a no. What the answer means is the session’s business.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from math import ceil
from typing import Final

from pydantic import ValidationError

from mes.wire import OverrideReply, OverrideRequest
from stations import protocol
from stations.inputs import Offer
from stations.protocol import Answer, Silence
from stations.transport import Server, Transport

log = logging.getLogger(__name__)
PATH: Final = "/api/v1/override"
NO_ANSWER: Final = OverrideReply(go=False, reason="override_not_now")


class Supervisor:
    """Asks the server, one question at a time.

    Args:
        server: where to.
        token: gives the station's token of this moment.
        answered: called from another thread with what was asked and the answer.
    """

    def __init__(
        self, server: Server, token: Callable[[], str], answered: Callable[[Offer, OverrideReply], None]
    ) -> None:
        self._server, self._token, self._answered = server, token, answered
        self._asking = threading.Lock()

    def ask(self, offer: Offer, pin: str) -> None:
        """Ask, and return at once; a second question while one is under way is dropped."""
        if not self._asking.acquire(blocking=False):
            return
        try:
            asked = OverrideRequest(
                badge=offer.badge, pin=pin, operator=offer.operator, unit=offer.unit, step=offer.step
            )
        except ValidationError:
            self._asking.release()
            self._answered(offer, OverrideReply(go=False, reason="override_wrong"))
            return
        threading.Thread(target=self._run, args=(offer, asked), name="supervisor", daemon=True).start()

    def _run(self, offer: Offer, asked: OverrideRequest) -> None:
        reply = NO_ANSWER
        try:
            transport = Transport(self._server, self._token())
            try:
                reply = reply_of(transport.exchange("POST", PATH, asked.model_dump_json().encode()))
            finally:
                transport.close()
        except Exception as error:  # its text could say what was sent
            log.error("the supervisor's question failed: %s", type(error).__name__)
        finally:
            self._asking.release()
        self._answered(offer, reply)


def reply_of(answer: Answer | Silence) -> OverrideReply:
    """What the server said; anything that is no answer to the question is a no for now."""
    if isinstance(answer, Answer) and answer.status == 429:
        minutes = max(1, ceil((answer.retry_after_s or 60.0) / 60))
        return OverrideReply(go=False, reason="override_wait", args={"minutes": minutes})
    return protocol.reply_of(answer, OverrideReply) or NO_ANSWER
