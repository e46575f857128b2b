"""State tables that a new version has added or changed, filled from the ledger: once, right after the migration.

A migration names them in `meta` (`rebuild`); nothing is served before they are full. The ledger is replayed into an
empty database, as `mes ledger verify` does, and the named tables are taken over from there.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, delete, insert, select

from mes import ledger
from mes.db import migrate
from mes.db.session import engine_for, reading, writing
from mes.db.tables import REPLAYED, Meta

MARK: Final = "rebuild"
CHUNK: Final = 1_000  # rows of one insert


def waiting(engine: Engine) -> list[str]:
    """The names of the tables that have to be filled."""
    with reading(engine) as session:
        return (session.scalar(select(Meta.value).where(Meta.key == MARK)) or "").split()


def rebuild(engine: Engine) -> list[str]:
    """Fill the tables that a migration has marked; in one transaction, so that a power cut leaves the mark.

    Returns:
        The names of the tables that were filled.
    """
    names = waiting(engine)
    if not names:
        return []
    tables = [t for t in REPLAYED if t.__tablename__ in names]
    with tempfile.TemporaryDirectory(prefix="mes-rebuild-") as scratch:
        fresh = engine_for(f"sqlite:///{Path(scratch) / 'replay.db'}")
        migrate.scratch(fresh)
        with reading(engine) as source, writing(fresh) as target:
            for _found in ledger.replay(source, target):
                pass  # what disagrees is for `mes ledger verify` to say
        with reading(fresh) as source, writing(engine) as target:
            for table in tables:
                target.execute(delete(table))
                columns = list(table.__table__.columns)
                rows = source.execute(select(*columns).execution_options(yield_per=CHUNK))
                for piece in rows.mappings().partitions(CHUNK):
                    target.execute(insert(table), [dict(row) for row in piece])
            target.execute(delete(Meta).where(Meta.key == MARK))
        fresh.dispose()
    return [t.__tablename__ for t in tables]
