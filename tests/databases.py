"""A migrated database for each test, copied and not made: the migrations themselves are tested in `test_migrations`."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from mes.db import migrate
from mes.db.session import engine_for


def make_template(url: str) -> None:
    """Migrate an empty database, without the generation that each database gets of its own."""
    engine = engine_for(url)
    migrate.upgrade(engine, migrate.head(engine) or "head")
    engine.dispose()


@cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="atelier-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_template(f"sqlite:///{folder / 'template.db'}")
    return folder / "template.db"


def migrated(engine: Engine) -> None:
    """Bring the database of an engine that nobody has used yet to this version's schema."""
    path = Path(engine.url.database or "")
    if engine.dialect.name == "sqlite" and not path.exists():
        shutil.copyfile(_sqlite_template(), path)
    migrate.upgrade(engine)
