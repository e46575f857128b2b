"""Small files that are whole or not there: written beside, put on the disk, then renamed into place.

For what the agent keeps outside the outbox: its token and the last plan. It must not know what the bytes mean.
"""

from __future__ import annotations

import os
from pathlib import Path

TOKEN_MODE = 0o600  # the owner alone: who reads the token can report events in the name of this station


def sync_directory(directory: Path) -> None:
    """Put a directory's entries on the disk. A file that is synced is still lost at a power cut if its name is not."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace the file at `path` by `content`; a crash at any moment leaves the old file or the new one.

    Args:
        mode: permissions, set before the first byte is written, so that nobody reads a token in between.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(handle, "wb") as file:
        os.fchmod(handle, mode)  # the umask may have taken bits away
        file.write(content)
        file.flush()
        os.fsync(handle)
    os.replace(beside, path)
    sync_directory(path.parent)


def write_token(path: Path, token: str, before: str | None = None) -> None:
    """Keep the station's token, and on a second line the one that it replaces; only the owner may read them."""
    write_whole(path, "".join(f"{line}\n" for line in (token, before) if line).encode(), mode=TOKEN_MODE)


def read_tokens(path: Path) -> tuple[str | None, str | None]:
    """The token and the one before it; None where there is none (without the first, the station must be enrolled)."""
    try:
        lines = path.read_text("utf-8").split()
    except FileNotFoundError:
        lines = []
    token, before, *_ = [*lines, None, None]
    return token, before


def read_token(path: Path) -> str | None:
    """Return the token, or None when this station has none yet (it has to be enrolled)."""
    return read_tokens(path)[0]
