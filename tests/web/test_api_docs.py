"""What docs/api.md shows is what happens: its examples run against a server, as a reader would run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import select

from mes.db.session import reading
from mes.db.tables import WorkOrder
from tests.web.pages import Office

DOCS: Final = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
RUN: Final = {"python": [sys.executable, "-"], "sh": ["sh", "-e"]}


def example(kind: str) -> str:
    """The example of a kind."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize("kind", list(RUN))
def test_the_examples_plan_one_order_however_often_they_are_run(office: Office, kind: str) -> None:
    if kind == "sh" and not shutil.which("curl"):
        pytest.skip("curl is not installed")
    with office.served() as url:
        environment = {**os.environ, "ATELIER": url, "KEY": office.key()}
        for _ in range(2):
            done = subprocess.run(
                RUN[kind], input=example(kind), env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, done.stderr
    with reading(office.shop.engine) as session:
        orders = [(o.quantity, o.due, o.state) for o in session.scalars(select(WorkOrder))]
    assert orders == [(20, "2026-12-18", "planned" if kind == "sh" else "released")]
    assert "2026" in done.stdout


def test_every_address_and_every_error_of_the_interface_is_named(office: Office) -> None:
    document = office.anybody.get("/api/v1/openapi.json").json
    for path, methods in document["paths"].items():
        for operation in methods.values():
            if operation["security"] != [{"program": []}]:
                continue
            verb = path.replace("{order}", "ORDER").replace("{serial}", "SERIAL")
            assert verb in DOCS or "…/" + verb.rpartition("/")[2] in DOCS, path
            for status, answer in operation["responses"].items():
                if status not in ("200", "500"):
                    for error in answer["content"]["application/json"]["schema"]["properties"]["error"]["enum"]:
                        assert f"`{error}`" in DOCS or error == "not_found", (path, error)
