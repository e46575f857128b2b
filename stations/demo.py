"""`mes demo`: a whole simulated workshop on this machine, with the real server, the real agents and virtual devices.

It drives the server's side by the commands that a user types, starts one agent a station, and puts a simulated operator
at each. It must not know the database, Flask or the rules: what it shows is what a visitor of a real floor would see.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import secrets
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import click

from mes.i18n import _
from stations.demo_setup import DEFAULT_PORT, HOST, Ports, lay_out, links_of

SPEED: Final = 60.0
NEEDED: Final = (
    "sqlalchemy",
    "argon2",
    "gunicorn",
    "flask_socketio",
    "simple_websocket",
    "serial",
    "waitress",
    "urllib3",
)


class Broken(click.ClickException):
    """The figures are not what they must be."""


@click.command()
@click.option("--seconds", type=click.FloatRange(1), help="Stop after so long; without it, at Ctrl-C.")
@click.option(
    "--speed", type=click.FloatRange(1, 1000), default=SPEED, show_default=True, help="How much faster than the plan."
)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures as JSON at the end.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The server's port; 0 takes a free one.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep everything here, and go on from what is there; without it, a scratch folder.",
)
@click.option("--seed", type=int, help="The same seed draws the same mishaps.")
@click.option("--server", "server_url", help="Use this running server; MES_DATABASE_URL names its database.")
@click.option("--stations", "count", type=click.IntRange(1), help="Man only the first so many stations.")
def demo(
    seconds: float | None,
    speed: float,
    report: Path | None,
    port: int,
    folder: Path | None,
    seed: int | None,
    server_url: str | None,
    count: int | None,
) -> None:
    """Run a simulated workshop: server, stations, operators, mishaps. Open the printed addresses and look."""
    began = time.monotonic()
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise click.ClickException(
            _(
                "The demo needs the server's and the station's packages (missing: %(missing)s). "
                "Install them: pip install 'atelier-mes[all]'",
                missing=", ".join(missing),
            )
        )
    if server_url is not None and not os.environ.get("MES_DATABASE_URL"):
        raise click.ClickException(
            _("With --server, MES_DATABASE_URL must name that server's database: orders are made there.")
        )
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    from stations.demo_processes import Refused
    from stations.demo_show import Show, Stopped  # needs the packages that were looked for above

    with ExitStack() as stack:
        ports = Ports(random.Random(secrets.randbits(64)))  # noqa: S311 - picks free ports, no secrets
        stack.callback(ports.release)
        if server_url is None and port == 0:
            port = ports.any()
        elif server_url is None and not ports.reserve(port):
            raise click.ClickException(
                _("Port %(port)s is taken. Stop what uses it, or choose another one with --port.", port=port)
            )
        where = stack.enter_context(_folder(folder))
        site = lay_out(
            where,
            speed=speed,
            server_url=(server_url or f"http://{HOST}:{port}").rstrip("/"),
            own_server=server_url is None,
            database=os.environ["MES_DATABASE_URL"] if server_url else f"sqlite:///{where / 'atelier.db'}",
            count=count,
            ports=ports,
        )
        stack.callback(shutil.rmtree, links_of(site), ignore_errors=True)
        stop = stack.enter_context(_stop_signals())
        show = Show(site, seed, stop)
        try:
            try:
                show.open(began)
                show.run(seconds)
            except Stopped:
                click.echo(_("Stopped before everything was up."), err=True)
            finally:
                found = show.close()
        except Refused as error:
            raise click.ClickException(str(error)) from error
        if found is None:
            return
        if report is not None:
            report.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        _conclude(found)


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    if wanted is not None:
        try:
            wanted.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise click.ClickException(
                _("The folder %(folder)s cannot be made: %(why)s.", folder=wanted, why=error.strerror)
            ) from error
        yield wanted.resolve()
        return
    scratch = Path(tempfile.mkdtemp(prefix="mes-demo-")).resolve()
    try:
        yield scratch
    except Broken:
        click.echo(_("Everything is kept in %(folder)s.", folder=scratch), err=True)
        raise
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C, a closed terminal or `kill` set."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_args: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _conclude(found: dict[str, Any]) -> None:
    """Say how it went, in one line; fail when an event is not where it must be."""
    events = found["events"]
    click.echo(
        _(
            "%(captured)s events captured, %(judged)s judged, %(lost)s lost, %(doubled)s doubled; finished: %(done)s.",
            captured=events["captured"],
            judged=events["judged"],
            lost=events["lost"],
            doubled=events["doubled"],
            done=", ".join(f"{n} × {product}" for product, n in sorted(found["done"].items())) or "0",
        )
    )
    labels = found["labels"]
    click.echo(_("Labels: %(printed)s printed, %(doubled)s doubled.", **labels))
    if events["lost"] or events["doubled"] or labels["doubled"]:
        raise Broken(_("Events or labels were lost or doubled. That must never happen: keep the folder and report it."))
    if events["undelivered"]:
        count = events["undelivered"]
        raise Broken(_("%(count)s events still wait on the stations' disks: the server did not answer.", count=count))
