"""An output callback for OpenHTF: each test record is whole on this PC's disk before the test goes on.

It needs no OpenHTF itself, no server and no running agent: it writes into a folder from which `mes station run` takes
the records when it runs. It must not know what a record means, and nothing that it does changes a test's outcome.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mes.domain.openhtf import BadRecord, read_record
from stations.durable import write_whole

METADATA: Final = ("test_name", "test_version", "test_description", "instruments")
"""What is kept of a test's metadata."""


class NotARecord(ValueError):
    """What the callback was given is no record that anybody could use; nothing was written."""


class ToAtelier:
    """Give it to `test.add_output_callbacks`.

    Args:
        folder: the station's folder of records: `<data>/<station>/records` of `mes station run`.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder).expanduser()

    def __call__(self, record: Any) -> Path:
        """Write one record; called by OpenHTF when a test has ended.

        Returns:
            Its file. The same record again is the same file.

        Raises:
            NotARecord: it names no unit, no time or no outcome.
            OSError: the disk does not take it. OpenHTF logs it, and the test's own outcome stands.
        """
        content = json.dumps(_plain(record), default=_as_text, separators=(",", ":")).encode()
        found = read_record(content)
        if isinstance(found, BadRecord):
            raise NotARecord(f"{found.why} {found.detail}".strip())
        path = self._folder / f"{found.end_ms}-{found.sha256[:16]}.json"
        write_whole(path, content)
        return path


def _plain(record: Any) -> Any:
    """The record as tables and lists.

    Left out: the attachments' content, log and source, which may be of any size; metadata that we do not read, which
    may name people.
    """
    if isinstance(record, Mapping):
        made = dict(record)
    elif hasattr(record, "as_base_types"):  # OpenHTF 1.4 (2019) and newer
        made = dict(record.as_base_types())
    else:
        made = importlib.import_module("openhtf.util.data").convert_to_base_types(record)
    metadata = made.get("metadata")
    known = {key: metadata[key] for key in METADATA if key in metadata} if isinstance(metadata, Mapping) else {}
    return {key: value for key, value in made.items() if key not in ("log_records", "code_info")} | {"metadata": known}


def _as_text(thing: Any) -> str:
    return repr(thing)[:200]
