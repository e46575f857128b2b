"""How the station's programs log: one line each, and no barcode forges one."""

from __future__ import annotations

import logging
import os


def quiet_logs() -> None:
    """Log to stderr, one line each, with control characters escaped: a barcode must not forge a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Escaping("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=os.environ.get("MES_LOG", "WARNING").upper(), handlers=[handler])


class _Escaping(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.exc_info:
            return text
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
