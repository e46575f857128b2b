"""`mes serve`: the server as it runs in the workshop: gunicorn, one worker, many threads.

One worker, because the writer's queue, the sockets and the presence of stations live in one process; a second one would
answer with half of it. gunicorn's gthread worker with Flask-SocketIO in threading mode is its maintainer's advice.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from typing import Any, Final

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from mes import accounts, enrolment, revisions
from mes.db.session import reading, writing
from mes.domain.invitation import PORT, address_of
from mes.i18n import _
from mes.setup import database_option, now, open_database, own_names, tls_folder
from mes.tls import Files, NoKey, ends, hosts_of, renew_when_due
from mes.writer import Writer
from web import live, nightly, print_worker
from web.app import create_app, secret_of
from web.reach import EVERYWHERE, Reach, choose, gunicorn_tls
from web.site import Site

THREADS: Final = 64  # a board holds one for its socket, a station one for its connection
CONNECTIONS: Final = 448  # that wait without a thread; with those that have one, far below the 1,024 files of a process
PR_SET_PDEATHSIG: Final = 1  # Source: Linux, include/uapi/linux/prctl.h


def build(
    database: str, *, hosts: frozenset[str] = frozenset(), reach: Reach = "loopback", authority: str = ""
) -> Flask:
    """The application on a database, migrated and checked; starts the writer's thread."""
    engine = open_database(database, create=True)
    with writing(engine) as session:
        secret = secret_of(session)
    writer = Writer(engine, after_commit=live.after_commit)
    site = Site(engine=engine, writer=writer, reach=reach, authority=authority)
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


def _plain_allowed(database: str) -> bool:
    """Whether the published plan says `plain_http = true`."""
    engine = open_database(database, create=True)
    try:
        with reading(engine) as session:
            plan = revisions.latest_plan(session)
    finally:
        engine.dispose()  # the worker is a fork and opens its own
    return plan is not None and plan.plant.plain_http


def _certificate(files: Files) -> str:
    """The authority's certificate (PEM), the server's own renewed if it is due."""
    try:
        renew_when_due(files, now=now())
    except NoKey as error:
        day = f"{ends(files):%Y-%m-%d}"
        said = _(
            "The certificate of this server ends on %(day)s, and the key to renew it is not at %(path)s.",
            day=day,
            path=error,
        )
        click.echo(said, err=True)
    return files.authority.read_text("ascii")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65_535))
@click.option("--allow-host", "allowed", multiple=True, help="A name by which browsers call this server.")
@click.option(
    "--behind-proxy", is_flag=True, help="One reverse proxy does TLS; what it says of its client is believed."
)
@click.option("--threads", default=THREADS, show_default=True, type=click.IntRange(4, 512))
@database_option
def serve(host: str, port: int, allowed: tuple[str, ...], behind_proxy: bool, threads: int, database: str) -> None:
    """Run the server: the board, the office pages, the stations' door. Over HTTPS once `mes tls init` was run."""
    files = Files(tls_folder(database))
    try:
        reach = choose(
            host,
            certificate=files.there,
            behind_proxy=behind_proxy,
            plain_allowed=lambda: _plain_allowed(database),
        )
        authority = _certificate(files) if reach == "tls" else ""
    except (OSError, ValueError) as error:
        raise click.ClickException(
            _("The certificates at %(path)s cannot be used: %(why)s", path=files.folder, why=error)
        ) from error
    if reach is None:
        raise click.ClickException(_("Other computers are served over TLS only. Make certificates first: mes tls init"))
    names = hosts_of(files) if reach == "tls" else ()
    called = next(iter(names), host) if host in EVERYWHERE else host
    hosts = frozenset({*allowed, *names, *own_names()}) | ({host} - EVERYWHERE)
    shown = "127.0.0.1" if called in EVERYWHERE else called
    address = address_of(shown, port, "https" if reach == "tls" else "http")

    def make() -> Flask:
        # What start-up has made stays; a fold makes a hundred small values an event, and looking through them all every
        # 700 allocations costs a third of the server's time.
        gc.freeze()
        gc.set_threshold(20_000, 50, 50)
        # The writer, a request and the board's painter take turns: none waits 5 ms (the default) for another's slice.
        sys.setswitchinterval(0.001)
        app = build(database, hosts=hosts, reach=reach, authority=authority)
        site: Site = app.extensions["atelier"]
        nightly.start(site)
        print_worker.start(site)
        site.do(lambda session, now: enrolment.note_address(session, address if reach == "tls" else ""))
        click.echo(_("Board:  %(url)s", url=f"{address}/board"))
        click.echo(_("Office: %(url)s", url=f"{address}/office"))
        code = site.do(lambda session, now: accounts.new_setup_code(session))
        if code is not None:
            click.echo(_("First administrator: %(url)s  Code: %(code)s", url=f"{address}/setup", code=code))
        return app

    options = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": 1,
        "worker_class": f"web.worker.{'ProxiedWorker' if reach == 'proxy' else 'LingeringWorker'}",
        "threads": threads,
        "worker_connections": threads + CONNECTIONS,
        "forwarder_headers": "",  # a client could say under which path it finds us
        "keepalive": 75,
        "timeout": 60,
        "graceful_timeout": 8,
        "accesslog": None,
        "loglevel": os.environ.get("MES_LOG", "warning"),
        "control_socket_disable": True,
        "forwarded_allow_ips": "",  # gunicorn believes such headers from this computer; here only `create_app` may
        "post_fork": _end_with_the_master,
        **(gunicorn_tls(str(files.server)) if reach == "tls" else {}),
    }
    _Server({k: v for k, v in options.items() if k in _known_settings()}, make).run()


def _known_settings() -> frozenset[str]:
    from gunicorn.config import make_settings

    return frozenset(make_settings())
