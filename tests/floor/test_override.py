"""A real bench and a real server: somebody without the qualification is refused, and a supervisor agrees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest

from mes import accounts, badges, passwords, people
from mes.db.session import writing
from mes.domain.barcode import write
from tests.floor.rig import PASS, Bench, Rig, engine, get, template

PIN = "240719"
SUPERVISOR = write("command", "SUPERVISOR")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, template(tmp_path))
    yield made
    made.close()


def hired(rig: Rig) -> tuple[str, str]:
    """The badges of somebody new, and of a supervisor with a PIN."""
    now = datetime.now(UTC)
    with engine(rig.database) as opened, writing(opened) as session:
        newcomer = people.add(session, "New", "en", now=now)
        secret = passwords.hashed("a long password")
        assert accounts.add(session, "Chief", "chief", ("supervisor",), secret, must_change=False, now=now).done
        chief = accounts.find(session, "chief")
        assert chief is not None
        accounts.change_pin(session, chief.person, passwords.hashed(PIN), now=now)
        first, second = (badges.issue(session, p, now=now).args["badge"] for p in (newcomer, chief.person))
    return write("badge", first), write("badge", second)


def type_pin(bench: Bench, pin: str) -> None:
    """What the page sends when somebody has typed a PIN."""
    page = get(bench.page, "/")
    assert page is not None
    token = re.search(r'data-token="([^"]+)"', page[1].decode())
    assert token is not None
    connection = HTTPConnection("127.0.0.1", bench.page, timeout=5)
    try:
        headers = {"Content-Type": "application/json", "X-Bench-Token": token[1]}
        connection.request("POST", "/pin", json.dumps({"pin": pin}), headers)
        assert connection.getresponse().status == 204
    finally:
        connection.close()


def test_a_refused_unit_goes_on_when_a_supervisor_agrees_and_the_pin_is_nowhere(rig: Rig) -> None:
    newcomer, supervisor = hired(rig)
    rig.start_server()
    bench = rig.bench("b3").start().up()
    bench.hears(newcomer, "welcome")
    unit = rig.units("OF-2")[0]
    assert "SUPERVISOR" in bench.hears(unit, "not_qualified")["actions"]
    bench.hears(SUPERVISOR, "override_badge")
    bench.hears(supervisor, "override_pin")
    type_pin(bench, "1111")
    bench.shows(lambda s: s["banner"]["reason"] == "override_wrong", what="a wrong PIN is told")
    bench.hears(supervisor, "override_pin")
    type_pin(bench, PIN)
    bench.shows(lambda s: s["unit"] == unit, what="the unit comes in by itself")
    bench.hears(PASS, "inspection_passed")
    bench.hears(write("command", "DONE"), "unit_finished")
    rig.conserved()
    kept = [p.read_bytes() for p in rig.folder.rglob("*") if p.is_file()]
    assert kept
    assert not [1 for each in kept if PIN.encode() in each], "the PIN is in a file"
