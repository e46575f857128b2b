"""A PostgreSQL server of the tests' own: made in a temporary folder, reached through a socket in it, gone afterwards.

It runs with fsync off: a crash of this machine could damage it, which is nothing to a test and saves minutes. What must
survive a power cut is therefore not to be tested on it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

USER = "atelier"
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",  # the socket only: nothing on the network, and no port to fight over
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


def server_programs() -> Path | None:
    """Return the folder with `initdb` and `postgres`, the newest where Debian has several; None if there is none."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    folders = [*versions, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()), None)


def as_server_user() -> dict[str, Any]:
    """Return the arguments of Popen that give up root, as which PostgreSQL refuses to run; nothing for other users."""
    if os.geteuid() != 0:
        return {}
    names = {user.pw_name: user for user in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Cluster:
    """A running server in which each test gets a database of its own."""

    def __init__(self, socket_dir: Path) -> None:
        self._socket_dir = socket_dir
        self._count = 0

    def url(self, database: str) -> str:
        """Return the address of a database as SQLAlchemy writes it."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self._socket_dir}"

    def execute(self, statement: str) -> None:
        """Run one statement outside every test's database."""
        import psycopg

        with psycopg.connect(host=str(self._socket_dir), user=USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)  # built here, from a counter

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """Create a database, lend its address, and drop it with whoever is still connected.

        Args:
            template: what it is a copy of; an empty one when not given.
        """
        self._count += 1
        name = f"t{self._count}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def answers(self) -> bool:
        """Tell whether the server takes connections."""
        import psycopg

        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_cluster(programs: Path) -> Iterator[Cluster]:
    """Make a cluster, run it, and take it away again."""
    # Directly under /tmp: the path of a unix socket has 107 characters at most, and pytest's own folders are deep.
    home = Path(tempfile.mkdtemp(prefix="atelier-pg-"))
    try:
        identity = as_server_user()
        if identity:
            os.chown(home, identity["user"], identity["group"])
        data, log = home / "data", home / "log.txt"
        initialised = subprocess.run(
            [programs / "initdb", "-D", data, "-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True,
            text=True,
            check=False,
            cwd=home,
            **identity,
        )
        assert initialised.returncode == 0, initialised.stderr
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as output:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", home, *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=home,
                **identity,
            )
        try:
            cluster = Cluster(home)

            def up() -> bool:
                assert server.poll() is None, f"PostgreSQL did not start:\n{log.read_text(errors='replace')}"
                return cluster.answers()

            wait_for(up, limit_s=60, what="PostgreSQL takes connections")
            yield cluster
        finally:
            server.send_signal(signal.SIGINT)  # fast shutdown: does not wait for clients
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)
