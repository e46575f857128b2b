"""What most tests of pages begin with; a file that needs another workshop has fixtures of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.busy_shop import busy_morning
from tests.server.worlds import Workshop
from tests.web.pages import Office, workshop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop that has just begun."""
    made = workshop(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A workshop after a busy morning, every state of a tile at once; who changes something takes a copy."""
    made = workshop(tmp_path_factory.mktemp("morning"))
    busy_morning(made)
    yield made
    made.close()


@pytest.fixture
def busy(morning: Workshop, tmp_path: Path) -> Iterator[Office]:
    """An office over a busy workshop of its own."""
    made = Office(morning.copied(tmp_path / "busy.db"))
    yield made
    made.close()
    made.shop.close()


@pytest.fixture
def office(shop: Workshop) -> Iterator[Office]:
    """An office over it."""
    made = Office(shop)
    yield made
    made.close()
