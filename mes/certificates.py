"""Certificate files: what may be kept, by what it holds and not by its name, and whether it is still there unaltered.

A file is kept by its SHA-256 in a table of its own, outside the replayed state; the ledger row carries hash, name and
size. Nothing here reads what a file says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import wire
from mes.db.tables import Calibration, File
from mes.ledger import Finding

MAX_BYTES: Final = wire.MAX_FILE
Type = Literal["application/pdf", "image/png", "image/jpeg"]
ENDINGS: Final[dict[Type, str]] = {"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg"}
_TAIL: Final = 2_048  # bytes at the end of a PDF in which its end must stand: programs append a line or two
_MOST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Received:
    """A file that somebody has handed in, whole."""

    name: str
    content: bytes


def type_of(content: bytes) -> Type | None:
    """What a file is by its first and its last bytes; None for anything else, and for half of one.

    Source: ISO 32000-1, 7.5.2 and 7.5.5 (PDF: `%PDF-`, `%%EOF`); PNG specification, 5.2 and 11.2.5 (signature, IEND);
    ITU-T T.81, B.1.1.3 (JPEG: SOI, EOI).
    """
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-_TAIL:]:
        return "application/pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR") and content.endswith(b"IEND\xaeB`\x82"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff") and content.rstrip(b"\x00").endswith(b"\xff\xd9"):
        return "image/jpeg"
    return None


def fit_name(name: str, kind: Type) -> str:
    """A file's name as it is kept: the last part of its path, printable, with the ending of what it is."""
    last = re.split(r"[/\\]", name)[-1]
    kept = re.sub(r"[^\w .()+-]", "_", last).strip(" .")
    stem = kept.rpartition(".")[0] or kept
    return (stem[:_MOST_NAME].strip(" .") or "certificate") + ENDINGS[kind]


def described(received: Received) -> wire.CertificateFile | str:
    """A file as the ledger names it, or the reason why it cannot be kept."""
    if len(received.content) > MAX_BYTES:
        return "certificate_large"
    kind = type_of(received.content)
    if kind is None:
        return "certificate_form"
    return wire.CertificateFile(
        sha256=sha256(received.content).hexdigest(),
        name=fit_name(received.name, kind),
        size=len(received.content),
        type=kind,
    )


def keep(session: Session, file: wire.CertificateFile, content: bytes) -> None:
    """Put a file where its ledger row will find it; the same file a second time is the first one."""
    known = session.get(File, file.sha256)
    if known is None:
        session.add(File(sha256=file.sha256, content=content))
    elif known.content != content:  # what lies there was altered: the right one takes its place
        known.content = content
    session.flush()


def content_of(session: Session, digest: str) -> bytes | None:
    """A file that is there and is what its hash says; None otherwise."""
    content = session.scalar(select(File.content).where(File.sha256 == digest))
    return content if content is not None and sha256(content).hexdigest() == digest else None


def check(session: Session) -> Iterator[Finding]:
    """Every file that a calibration names: is it there, and what it was? One file in memory at a time."""
    named = select(Calibration.instrument, Calibration.number, Calibration.file_sha256).where(
        Calibration.file_sha256.is_not(None)
    )
    for instrument, number, digest in session.execute(named.order_by(Calibration.instrument, Calibration.number)).all():
        content = session.scalar(select(File.content).where(File.sha256 == digest))
        where = f"calibration {instrument}/{number}"
        if content is None:
            yield Finding(where, f"its certificate file {digest} is missing")
        elif sha256(content).hexdigest() != digest:
            yield Finding(where, f"its certificate file {digest} was altered")
