"""Each migration: from empty to head and back, and with data in the tables; and the tables are what the code says."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from mes.db import migrate
from mes.db.base import Base
from mes.db.session import assert_durable, engine_for
from tests.server.bench import Floor
from tests.server.small_plan import small_plan


def test_each_migration_goes_from_empty_to_head_and_back(database_url: str) -> None:
    engine = engine_for(database_url)
    script = ScriptDirectory.from_config(migrate.config(engine))
    revisions = [r.revision for r in script.walk_revisions()][::-1]
    for revision in revisions:
        migrate.upgrade(engine, revision)
        assert migrate.current(engine) == revision
    for _ in revisions:
        migrate.downgrade(engine, "-1")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(engine)
    assert migrate.current(engine) == migrate.head(engine)
    engine.dispose()


def test_a_database_with_data_goes_back_and_forth(database_url: str) -> None:
    floor = Floor(database_url, small_plan())
    floor.order("GEN", 2)
    bench = floor.bench("b1")
    floor.send(bench, bench.arrive("GEN-2648-00001", "fit"))
    migrate.downgrade(floor.engine, "base")
    migrate.upgrade(floor.engine)
    floor.close()


def test_the_migrated_tables_are_those_of_the_code(database_url: str) -> None:
    engine = engine_for(database_url)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_a_database_keeps_its_generation_when_it_is_migrated_again(database_url: str) -> None:
    engine = engine_for(database_url)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        before = connection.exec_driver_sql("select value from meta where key = 'server_gen'").scalar()
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select value from meta where key = 'server_gen'").scalar() == before
    engine.dispose()


def test_sqlite_is_opened_so_that_a_commit_survives_a_power_cut(tmp_path) -> None:  # type: ignore[no-untyped-def]
    engine = engine_for(f"sqlite:///{tmp_path / 'x.db'}")
    assert_durable(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()
