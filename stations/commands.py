"""`mes station run|enroll|recover`: the agent on the bench PC at the command line."""

from __future__ import annotations

import gc
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any, Final

import click

from mes import plan as plans
from mes.domain.invitation import Invitation, read_invitation
from mes.i18n import _
from mes.plan import StationFile
from mes.wire import Problem
from stations.agent import Agent
from stations.durable import read_token, write_token, write_whole
from stations.logs import quiet_logs
from stations.machine import boot_id, machine_id
from stations.outbox import Outbox, OutboxFailed
from stations.pin import fetch_authority, known_server, write_pin
from stations.screen.app import create_bench_app
from stations.screen.server import LoopbackServer
from stations.state import add_state
from stations.uplink import Server, enroll

DATA: Final = "~/.local/share/atelier"


@click.group()
def station() -> None:
    """The bench PC: run its agent, enrol it; at the server: let a station in, shut it out."""


def data_option(command: Any) -> Any:
    """`--data DIR` on a command."""
    return click.option(
        "--data",
        default=lambda: os.environ.get("MES_STATION_DATA", DATA),
        show_default=DATA,
        type=click.Path(file_okay=False, path_type=Path),
        help="Where the station keeps its events, its token and its plan.",
    )(command)


def _file(path: Path) -> StationFile:
    found = plans.read_station(path)
    if isinstance(found, list):
        for error in found:
            click.echo(str(error), err=True)
        raise click.ClickException(_("%(file)s has errors. Nothing was started.", file=path))
    return found


def _folder(data: Path, file: StationFile) -> Path:
    return data.expanduser() / file.station.id


@station.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@data_option
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write what was done as JSON at the end."
)
def run(files: tuple[Path, ...], data: Path, report: Path | None) -> None:
    """Run the agent of each station FILE until it is stopped. Without a server it keeps everything and goes on."""
    quiet_logs()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    running: list[tuple[Agent, LoopbackServer]] = []
    try:
        for path in files:
            running.append(_start(_file(path), data))
        gc.freeze()
        stop.wait()
    finally:
        for agent, page in running:
            page.close()
            agent.close_bench()
        if report is not None and running:
            write_whole(report, json.dumps([agent.report() for agent, _page in running]).encode())
        for agent, _page in running:
            agent.close()


def _start(file: StationFile, data: Path) -> tuple[Agent, LoopbackServer]:
    folder = _folder(data, file)
    token = read_token(folder / "token")
    try:
        agent = Agent(file, folder, token)
    except OutboxFailed as failed:
        raise click.ClickException(
            _("The station cannot keep anything on its disk (%(why)s). Free space or call for help.", why=failed)
        ) from failed
    closing = threading.Event()
    app = create_bench_app(agent.feed, closing=closing)
    add_state(app, agent.feed, agent.meters.as_json)
    try:
        page = LoopbackServer(app, port=file.screen.port, closing=closing).start()
    except OSError as error:
        agent.outbox.close()
        raise click.ClickException(
            _("Port %(port)s is taken. Does the agent run already?", port=file.screen.port)
        ) from error
    agent.start()
    click.echo(_("%(station)s: %(url)s", station=file.station.id, url=page.url))
    if token is None:
        click.echo(
            _("%(station)s is not enrolled yet: it keeps everything and sends nothing.", station=file.station.id),
            err=True,
        )
    return agent, page


@station.command("enroll")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("invitation", metavar="INVITATION")
@click.option("--server", "url", help="Another address of the server than the one in INVITATION, or in FILE.")
@data_option
def enroll_station(file: Path, invitation: str, url: str | None, data: Path) -> None:
    """Let this PC in at the server as the station of FILE. INVITATION is what `mes station add` printed, whole."""
    found = _file(file)
    invited = read_invitation(invitation)
    if invited is None:
        raise click.ClickException(_("This is no invitation. Give what `mes station add` printed, whole."))
    folder = _folder(data, found)
    folder.mkdir(parents=True, exist_ok=True)
    machine = machine_id(folder)
    outbox = Outbox.open(folder / "outbox.db", machine_id=machine, boot_id=boot_id())
    stream = outbox.stream_id
    outbox.close()
    server = _server(invited, folder, found, url.rstrip("/") if url else "")
    reply = enroll(server, code=invited.code, machine_id=machine, stream_id=stream)
    if isinstance(reply, Problem):
        raise click.ClickException(reply.message)
    if reply.station != found.station.id:
        raise click.ClickException(
            _(
                "This code is for %(other)s, and %(file)s is %(station)s. Make a new code for it.",
                other=reply.station,
                file=file,
                station=found.station.id,
            )
        )
    write_pin(folder, server)
    write_token(folder / "token", reply.token)
    click.echo(_("%(station)s is enrolled.", station=reply.station))


def _server(invitation: Invitation, folder: Path, file: StationFile, url: str) -> Server:
    """Where to enrol: at the server that the invitation names and proves, else the pinned one, else the file's."""
    if not invitation.fingerprint:
        return Server(url) if url else known_server(folder, file.server)
    server = fetch_authority(invitation, url)
    if isinstance(server, Problem):
        raise click.ClickException(server.message)
    return server


@station.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("bad", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def recover(file: Path, bad: Path, data: Path) -> None:
    """Take the events out of an outbox file BAD that was set aside; those that the server knows are not doubled."""
    folder = _folder(data, _file(file))
    outbox = Outbox.open(folder / "outbox.db", machine_id=machine_id(folder), boot_id=boot_id())
    found = outbox.recover(bad)
    outbox.close()
    click.echo(_("Taken up again: %(what)s", what=found))
