"""Whom the station believes: the server's address and the certificate of its authority, kept beside the token.

Fetched once, at the enrolment, and believed because its fingerprint came on another way: on paper, from the office.
From then on only a chain of that authority is the server, whatever its name or address is today.
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Final

from urllib3.exceptions import InsecureRequestWarning

from mes.domain.invitation import Invitation, believed, fingerprint
from mes.plan import Server as ServerTable
from mes.wire import Problem
from stations.durable import TOKEN_MODE, write_whole
from stations.protocol import Silence
from stations.transport import Server, Transport

log = logging.getLogger(__name__)

FILE: Final = "server.json"
NOBODY: Final = "0" * 64  # the fingerprint of no certificate


def known_server(folder: Path, named: ServerTable) -> Server:
    """The server that this station was enrolled at, or the one that its file names.

    Where the pin cannot be read, no server is believed until the station is enrolled again: the file's address is no
    way out, it may be an unprotected one. The bench goes on and keeps everything.
    """
    try:
        return read_pin(folder) or Server(named.url, named.fingerprint)
    except (OSError, ValueError) as error:
        log.error("no server is believed until this station is enrolled again: %s", error)
        return Server(named.url.replace("http://", "https://", 1), fingerprint=NOBODY)


def read_pin(folder: Path) -> Server | None:
    """The pinned server; None when this station was enrolled without an authority."""
    try:
        kept = json.loads((folder / FILE).read_text("utf-8"))
        url, ca = str(kept["url"]), str(kept["ca"])
        fingerprint(ca)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / FILE} cannot be read") from error
    if not url.startswith("https://"):
        raise ValueError(f"{folder / FILE} names an address without TLS")
    return Server(url, ca=ca)


def write_pin(folder: Path, server: Server) -> None:
    """Keep a pinned server; one without an authority ends the pin."""
    path = folder / FILE
    if server.ca is None:
        path.unlink(missing_ok=True)
        return
    write_whole(path, json.dumps({"url": server.url, "ca": server.ca}, indent=1).encode(), mode=TOKEN_MODE)


def fetch_authority(invitation: Invitation, url: str = "") -> Server | Problem:
    """Ask the server of an invitation for its authority's certificate, and believe it only by the fingerprint.

    Args:
        url: another address of the same server.

    Nothing secret is sent on this unproven way.
    """
    server = Server(url or invitation.url)
    if not server.url.startswith("https://"):
        return Problem(error="not_trusted", message="This invitation is for an https address and for nothing else.")
    transport = Transport(server, prove=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InsecureRequestWarning)  # what comes is proved below
            answer = transport.exchange("GET", "/ca.pem")
    finally:
        transport.close()
    if isinstance(answer, Silence):
        text = f"The server did not answer ({answer.why}). Check its address and the network."
        return Problem(error="no_answer", message=text)
    pem = answer.body.decode("ascii", "replace")
    if answer.status != 200 or not believed(pem, invitation.fingerprint):
        text = "This is not the server that made the code: its fingerprint is another one. Tell the supervisor."
        return Problem(error="not_trusted", message=text)
    return Server(server.url, ca=pem)
