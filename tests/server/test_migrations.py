"""Each migration: from empty to head and back, and with data in the tables; and the tables are what the code says."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from mes.commands_ledger import verify_engine
from mes.db import migrate
from mes.db.base import Base
from mes.db.session import assert_durable, engine_for
from mes.rebuild import rebuild
from tests.server.bench import Floor
from tests.server.small_plan import small_plan


def test_each_migration_goes_from_empty_to_head_and_back(empty_database_url: str) -> None:
    engine = engine_for(empty_database_url)
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


def test_units_that_were_there_before_get_what_a_replay_would_give_them(database_url: str, tmp_path: Path) -> None:
    floor = Floor(database_url, small_plan(retests=0))
    floor.order("GEN", 5)
    one, two, three, four = (f"GEN-2648-{n:05}" for n in range(1, 5))
    b1, b2, b3 = (floor.bench(b) for b in ("b1", "b2", "b3"))
    for n, unit in enumerate((one, two, three, four)):
        floor.send(b1, b1.arrive(unit, "fit"), b1.fit(unit, "BAT", serial=f"{n}"))
        floor.send(b1, b1.fit(unit, "FUSE", lot="7"), b1.fit(unit, "FUSE", lot="7"), b1.done(unit, "fit"))
    floor.send(b2, b2.arrive(one, "test"), b2.test(one, 3.0), b2.done(one, "test"))
    floor.send(b3, b3.arrive(one, "look"), b3.look(one), b3.done(one, "look"))
    floor.send(b2, b2.arrive(two, "test"), b2.test(two, 3.0), b2.done(two, "test"))
    floor.send(b3, b3.arrive(two, "look"), b3.look(two, "SCR"))
    floor.send(b2, b2.arrive(three, "test"), b2.test(three, 9.0))
    floor.send(b2, b2.arrive(four, "test"), b2.test(four, 3.0))
    migrate.downgrade(floor.engine, "0006")
    migrate.upgrade(floor.engine)
    assert set(rebuild(floor.engine)) >= {"step_quarter", "station"}
    assert rebuild(floor.engine) == []
    assert verify_engine(floor.engine, tmp_path)[1] == []
    floor.close()


def test_the_migrated_tables_are_those_of_the_code(empty_database_url: str) -> None:
    engine = engine_for(empty_database_url)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_a_database_keeps_its_generation_when_it_is_migrated_again(empty_database_url: str) -> None:
    engine = engine_for(empty_database_url)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        before = connection.exec_driver_sql("select value from meta where key = 'server_gen'").scalar()
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select value from meta where key = 'server_gen'").scalar() == before
    engine.dispose()


def test_sqlite_is_opened_so_that_a_commit_survives_a_power_cut(tmp_path: Path) -> None:
    engine = engine_for(f"sqlite:///{tmp_path / 'x.db'}")
    assert_durable(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()
