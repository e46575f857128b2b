"""What every test may ask for: a database of each kind, a browser; and the rule that CI skips nothing.

A test that asks for `database_url` runs twice: on a SQLite file and on PostgreSQL. The PostgreSQL server is the tests'
own (see `tests/postgres.py`; it runs with fsync off), one for each worker of pytest-xdist.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mes.i18n import compile_catalogues

if TYPE_CHECKING:
    from tests.postgres import Cluster

# Set in CI, where everything is installed: a skipped test then is a hole in the check, and fails.
NO_SKIP = os.environ.get("ATELIER_NO_SKIP", "") not in ("", "0")


def pytest_configure(config: pytest.Config) -> None:
    """Compile the catalogues once, before any worker starts: texts are shown as they stand in the source tree."""
    if not hasattr(config, "workerinput"):
        compile_catalogues()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where nothing may be skipped. An expected failure (xfail) is no skip."""
    report = yield
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"skipped, but ATELIER_NO_SKIP is set: {report.longreprtext}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself."""
    report = yield
    if NO_SKIP and report.skipped:
        report.outcome, report.longrepr = "failed", f"skipped, but ATELIER_NO_SKIP is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A PostgreSQL server that lives as long as the test run."""
    from tests.postgres import running_cluster, server_programs

    programs = server_programs()
    if programs is None:
        pytest.skip("needs a PostgreSQL server: apt-get install postgresql")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("needs psycopg: pip install -e '.[all,test]'")
    with running_cluster(programs) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: Cluster) -> Iterator[str]:
    """The name of a migrated database, to copy."""
    from tests.databases import make_template

    with postgres_cluster.database() as url:
        make_template(url)
        yield url.split("/")[3].split("?")[0]


KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without rows: a SQLite file that is not there yet, then PostgreSQL, migrated."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'atelier.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    with cluster.database(request.getfixturevalue("postgres_template")) as url:
        yield url


@pytest.fixture(params=KINDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'atelier.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    with cluster.database() as url:
        yield url


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser of the system: Playwright drives it (`executable_path=`), and downloads none of its own."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs a browser: apt-get install chromium")
    return found
