"""`mes serve`: the server as it runs in the workshop: gunicorn, one worker, many threads.

One worker, because the writer's queue, the sockets and the presence of stations live in one process; a second one would
answer with half of it. gunicorn's gthread worker with Flask-SocketIO in threading mode is its maintainer's advice.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys
from typing import Any, Final

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from mes import accounts
from mes.db.session import writing
from mes.i18n import _
from mes.setup import database_option, open_database
from mes.writer import Writer
from web import live, nightly
from web.app import create_app, secret_of
from web.site import Site

THREADS: Final = 64  # a board holds one for its socket, a station one for its connection
CONNECTIONS: Final = 448  # that wait without a thread; with those that have one, far below the 1,024 files of a process
PR_SET_PDEATHSIG: Final = 1  # Source: Linux, include/uapi/linux/prctl.h
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def build(database: str, *, hosts: frozenset[str] = frozenset(), insecure_lan: bool = False) -> Flask:
    """The application on a database, migrated and checked; starts the writer's thread."""
    engine = open_database(database, create=True)
    with writing(engine) as session:
        secret = secret_of(session)
    writer = Writer(engine, after_commit=live.after_commit)
    site = Site(engine=engine, writer=writer, insecure_lan=insecure_lan)
    return create_app(site, secret_key=secret, hosts=hosts)


class _Server(BaseApplication):
    def __init__(self, options: dict[str, Any], make: Any) -> None:
        self._options, self._make = options, make
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        made: Flask = self._make()
        return made


def _end_with_the_master(master: Any, worker: Any) -> None:
    """After the fork: when the master is killed, so is the worker.

    An orphan would keep the port, and go on to write, for as long as stations talk to it: a server that is started
    again at once would find its address taken. Killing is safe at any moment: what is not committed is not answered.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != master.pid:  # killed between the fork and the line above
            os._exit(1)


def _names() -> frozenset[str]:
    name = socket.gethostname()
    return frozenset({name, name.partition(".")[0], f"{name.partition('.')[0]}.local"})


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8321, show_default=True, type=click.IntRange(0, 65_535))
@click.option("--allow-host", "allowed", multiple=True, help="A name by which browsers call this server.")
@click.option("--insecure-lan", is_flag=True, help="Plain HTTP beyond this computer; every page then says so.")
@click.option("--threads", default=THREADS, show_default=True, type=click.IntRange(4, 512))
@database_option
def serve(host: str, port: int, allowed: tuple[str, ...], insecure_lan: bool, threads: int, database: str) -> None:
    """Run the server: the board, the office pages, the stations' door."""
    if host not in LOOPBACK and not insecure_lan:
        raise click.ClickException(
            _(
                "Plain HTTP beyond this computer can be read and changed on the way. "
                "Put TLS in front and listen on 127.0.0.1, or accept the risk with --insecure-lan."
            )
        )
    hosts = frozenset(allowed) | _names() | ({host} if host not in ("0.0.0.0", "::") else frozenset())  # noqa: S104

    def make() -> Flask:
        # What start-up has made stays; a fold makes a hundred small values an event, and looking through them all every
        # 700 allocations costs a third of the server's time.
        gc.freeze()
        gc.set_threshold(20_000, 50, 50)
        # The writer, a request and the board's painter take turns: none waits 5 ms (the default) for another's slice.
        sys.setswitchinterval(0.001)
        app = build(database, hosts=hosts, insecure_lan=insecure_lan and host not in LOOPBACK)
        site: Site = app.extensions["atelier"]
        nightly.start(site)
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
        click.echo(_("Board:  http://%(host)s:%(port)s/board", host=shown, port=port))
        click.echo(_("Office: http://%(host)s:%(port)s/office", host=shown, port=port))
        code = site.do(lambda session, now: accounts.new_setup_code(session))
        if code is not None:
            click.echo(
                _(
                    "First administrator: http://%(host)s:%(port)s/setup  Code: %(code)s",
                    host=shown,
                    port=port,
                    code=code,
                )
            )
        return app

    options = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": 1,
        "worker_class": "web.worker.LingeringWorker",
        "threads": threads,
        "worker_connections": threads + CONNECTIONS,
        "forwarder_headers": "",  # a client could say under which path it finds us
        "keepalive": 75,
        "timeout": 60,
        "graceful_timeout": 8,
        "accesslog": None,
        "loglevel": os.environ.get("MES_LOG", "warning"),
        "control_socket_disable": True,
        "post_fork": _end_with_the_master,
    }
    _Server({k: v for k, v in options.items() if k in _known_settings()}, make).run()


def _known_settings() -> frozenset[str]:
    from gunicorn.config import make_settings

    return frozenset(make_settings())
