"""The demo's processes: started, watched, started again when they die (as systemd would), and ended in good order.

It knows command lines and log files, and not what the programs do. Every child has a session of its own: Ctrl-C in the
terminal reaches the demo alone, which then ends them one after the other.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import click
import urllib3

from mes.i18n import _

MES: Final = (sys.executable, "-P", "-m", "mes.cli")  # -P: a file called mes.py in this folder is not ours
"""What `mes` is for this very Python."""
DEVICES: Final = (sys.executable, "-P", "-m", "stations.simulator")
"""The same for `mes simulate`, without finding the other commands first: there is one for each bench."""
LOOK_S: Final = 0.2
CALM_S: Final = 10.0
"""Who has lived so long is started again at once; who dies at once again and again waits, up to `LONGEST_S`."""
LONGEST_S: Final = 5.0
END_S: Final = 12.0


class Child:
    """One program that is to run until it is told to stop."""

    program: Sequence[str] = MES
    takes_orders = False

    def __init__(self, name: str, arguments: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.restarts = 0
        self._command = [*self.program, *arguments]
        self._log, self._env = log, dict(env)
        self._process: subprocess.Popen[bytes] | None = None
        self._born = 0.0
        self._again_at: float | None = None
        self._pause_s = 0.0
        self._stopping = False
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Its process, None before the start."""
        process = self._process
        return process.pid if process is not None else None

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        process = self._process
        return process is not None and process.poll() is None

    def start(self) -> None:
        """Start it; its words go to the end of its log."""
        with self._lock, self._log.open("ab") as out:
            if not self._stopping:
                self._process = _start(self._command, out, self._env, takes_orders=self.takes_orders)
                self._born = time.monotonic()

    def look(self, now: float) -> int | None:
        """Start it again when it has died and its pause is over.

        Returns:
            The exit code when it was found dead just now, else None.
        """
        if self._stopping or self._process is None or self.alive:
            return None
        if self._again_at is None:
            calm = now - self._born >= CALM_S
            self._pause_s = 0.0 if calm else min(LONGEST_S, max(0.25, self._pause_s * 2))
            self._again_at = now + self._pause_s
            return self._process.returncode
        if now >= self._again_at:
            self._again_at = None
            self.restarts += 1
            self.start()
        return None

    def terminate(self) -> None:
        """Ask it to end."""
        with self._lock:
            self._stopping = True
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()

    def wait(self, limit_s: float = END_S) -> None:
        """Wait until it has ended; kill it when it does not."""
        process = self._process
        if process is None:
            return
        try:
            process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def last_words(self, limit: int = 1_500) -> str:
        """The end of its log."""
        try:
            return self._log.read_text("utf-8", "replace")[-limit:].strip()
        except OSError:
            return ""


class Cabled(Child):
    """The devices of one bench: a program that takes orders, and whose devices are links."""

    program = DEVICES
    takes_orders = True

    def __init__(
        self, name: str, arguments: Sequence[str], log: Path, env: Mapping[str, str], *, links: Iterable[Path]
    ) -> None:
        super().__init__(name, arguments, log, env)
        self._links = tuple(links)
        self._said = threading.Lock()
        self.on_start: Callable[[], None] = lambda: None
        """Called after each start: what the devices have to know is said again."""

    def start(self) -> None:
        """Start it and tell it what is connected."""
        # The terminals of a program that was killed are gone, and their numbers may be another device's by now.
        for link in self._links:
            link.unlink(missing_ok=True)
        self._hang_up()
        super().start()
        self.on_start()

    def say(self, order: str) -> None:
        """Give an order; what has died does not hear it, and is told again after its start."""
        process = self._process
        if process is None or process.stdin is None:
            return
        with self._said, contextlib.suppress(OSError, ValueError):
            process.stdin.write(order.encode() + b"\n")
            process.stdin.flush()

    def wait(self, limit_s: float = END_S) -> None:
        """Wait until it has ended."""
        super().wait(limit_s)
        self._hang_up()

    def _hang_up(self) -> None:
        process = self._process
        if process is not None and process.stdin is not None:
            with self._said, contextlib.suppress(OSError):
                process.stdin.close()


def _start(
    command: Sequence[str], out: IO[bytes], env: Mapping[str, str], *, takes_orders: bool
) -> subprocess.Popen[bytes]:
    stdin = subprocess.PIPE if takes_orders else subprocess.DEVNULL
    return subprocess.Popen(
        command, stdin=stdin, stdout=out, stderr=subprocess.STDOUT, env=dict(env), start_new_session=True
    )


class Processes:
    """All children, and the thread that looks after them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.children: list[Child] = []
        self._say = say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="processes", daemon=True)

    def add(self, child: Child) -> Child:
        """Start a child and look after it."""
        child.start()
        self.children.append(child)
        if self._thread.ident is None:
            self._thread.start()
        return child

    def rest(self) -> None:
        """Start nobody again from here on."""
        self._stop.set()

    def end(self, children: Sequence[Child]) -> None:
        """Ask some to end, all at the same time, and wait for them."""
        for child in children:
            child.terminate()
        for child in children:
            child.wait()

    def close(self) -> None:
        """End whatever is left."""
        self.rest()
        if self._thread.ident is not None:
            self._thread.join(timeout=2)
        self.end(self.children)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            for child in list(self.children):
                code = child.look(time.monotonic())
                if code is not None:
                    said = _("signal %(number)s", number=-code) if code < 0 else _("exit code %(code)s", code=code)
                    self._say(_("%(name)s has ended (%(why)s) and is started again.", name=child.name, why=said))


class Refused(Exception):
    """A command has failed; the text is what it wrote to stderr."""


class CommandLine:
    """`mes …` as a person types it, on the demo's database. At low priority: the floor comes first."""

    def __init__(self, env: Mapping[str, str], *, limit_s: float = 120.0) -> None:
        # English, because an order's number is read out of the answer.
        self._env = {**env, "MES_LANG": "en"}
        self._limit_s = limit_s

    def __call__(self, *arguments: str, gently: bool = True) -> str:
        """Run a command and return what it wrote to stdout.

        Raises:
            Refused: it failed.
        """
        process = subprocess.Popen(
            [*MES, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._env,
            start_new_session=True,
            text=True,
        )
        if gently:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, 10)
        try:
            out, err = process.communicate(timeout=self._limit_s)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            raise Refused(err.strip() or out.strip() or " ".join(arguments))
        return out


def failed(what: str, child: Child) -> click.ClickException:
    """A child did not come up: what to tell the person."""
    return click.ClickException(_("%(what)s did not start: %(log)s", what=what, log=child.last_words() or "?"))


def healthy(url: str) -> bool:
    """Whether a server answers there."""
    try:
        return urllib3.request("GET", f"{url}/health", timeout=2.0, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
