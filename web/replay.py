"""The check and replay of the ledger in a process of its own, which gives way to all others.

The server has benches to answer while it runs; what it says is what `mes ledger verify` says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Engine

from mes.ledger import Finding

_ONE: Final = threading.Lock()  # it takes a processor for minutes: one at a time


class Busy(Exception):
    """Another replay is under way."""


class Failed(Exception):
    """The replay has not come to its end; the text is what it said last."""


class Replay:
    """One check of the ledger. Iterate over it to the end, then ask for what it has found.

    Raises:
        Busy: from the first step, when another one is under way.
        Failed: from a later one.
    """

    def __init__(self, engine: Engine) -> None:
        self._url = engine.url.render_as_string(hide_password=False)
        self.findings: list[Finding] | None = None

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """How far it is: rows that are replayed, and of how many."""
        if not _ONE.acquire(blocking=False):
            raise Busy
        try:
            yield from self._run()
        finally:
            _ONE.release()

    def _run(self) -> Iterator[tuple[int, int]]:
        command = [sys.executable, "-P", "-m", "mes.cli", "ledger", "verify", "--json", "--background"]
        # The address goes by the environment: in a list of processes everybody reads its password.
        env = {**os.environ, "MES_DATABASE_URL": self._url}
        pipe = subprocess.PIPE
        said = b""
        with subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT
        ) as child:
            try:
                for said in child.stdout or ():
                    done, slash, total = said.strip().partition(b"/")
                    if slash and done.isdigit() and total.isdigit():
                        yield int(done), int(total)
            except GeneratorExit:  # who asked has gone away
                child.kill()
                raise
        try:
            self.findings = [Finding(f["where"], f["what"]) for f in json.loads(said)["findings"]]
        except (ValueError, KeyError, TypeError) as error:
            raise Failed(said.decode(errors="replace").strip()[-500:]) from error
