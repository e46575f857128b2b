"""What most tests of pages begin with; a file that needs another workshop has fixtures of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.worlds import Workshop
from tests.web.pages import Office, workshop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop that has just begun."""
    made = workshop(tmp_path)
    yield made
    made.close()


@pytest.fixture
def office(shop: Workshop) -> Iterator[Office]:
    """An office over it."""
    made = Office(shop)
    yield made
    made.close()
