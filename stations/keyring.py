"""The station's token, and the one before it: how one is replaced without ever being left with none that opens.

A new token is on the disk before it is used. The one before stays beside it: a server that was restored from an older
backup knows only that one. It must not know the network; `stations.uplink` hands the token in use to the transport.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from stations.durable import read_tokens, write_token

_log = logging.getLogger(__name__)


class Keyring:
    """Used from the uplink's thread alone.

    Args:
        token: what is used at first.
        path: the token's file; without one nothing is kept and no new token is taken.
        use: told which token to use from now on.
    """

    def __init__(self, token: str, path: Path | None, use: Callable[[str], None]) -> None:
        self._path, self._use = path, use
        self._token = token
        self._before = read_tokens(path)[1] if path is not None else None

    def take(self, offered: str) -> None:
        """The server offers a new token: keep it, then use it. If the disk does not take it, the old one goes on."""
        if self._path is None or offered == self._token:
            return
        try:
            write_token(self._path, offered, self._token)
        except OSError as error:
            _log.warning("the new token could not be kept, the old one goes on: %r", error)
            return
        self._token, self._before = offered, self._token
        self._use(offered)

    def refused(self) -> None:
        """The server does not know the token (401): try the other one next time, if there is one."""
        if self._before is None:
            return
        self._token, self._before = self._before, self._token
        self._use(self._token)
