"""No page, no interface and no export says who worked at a bench, or how much, how fast, how well somebody works."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from mes import badges, keys, people, qualifications, revisions
from mes.cli import main
from mes.control_sheet import control
from mes.db.session import reading, writing
from mes.db.tables import Nonconformity
from tests.server.busy_shop import ALL, busy_morning
from tests.server.worlds import Workshop, workshop_plan
from tests.web.pages import Office, workshop

NAMES: Final = ("Maëlle Le Goff", "Zoé Kerbrat", "Yann Quéré")
NAMED: Final = ("/people", "/accounts", "/account", "/audit")
"""Pages that name people because they are about them: lists by name, what is held on one, the office's own audit."""
GROUPING: Final = re.compile(
    r"(per|by|par) (person|operator|badge|personne|opérateur)|rank|pace|idle time|rythme|cadence|\bclassement", re.I
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    made = workshop(tmp_path)
    yield made
    made.close()


def staffed(shop: Workshop) -> list[str]:
    """A morning on which each bench is one known person's all the time; returns their badges and pseudonyms."""
    who: list[str] = []
    numbers = []
    with writing(shop.engine) as session:
        plan = revisions.latest_plan(session)
        assert plan is not None
        for name in NAMES:
            person = people.add(session, name, "fr", now=shop.clock.now)
            for each in plan.plant.qualifications:
                qualifications.grant(
                    session, person, each.id, now=shop.clock.now, until=shop.clock.now.date().replace(2099)
                )
            numbers.append(str(badges.issue(session, person, now=shop.clock.now).args["badge"]))
            who.append(person)
    for i, station in enumerate(ALL):
        shop.bench(station).operator = numbers[i % len(numbers)]
    busy_morning(shop)
    return who + numbers


def addresses(office: Office) -> list[str]:
    """Every page and every answer that can be asked for, with things that are there in the places of the rules."""
    with reading(office.shop.engine) as session:
        nc = session.scalars(select(Nonconformity.id)).first()
    places = {"<path:order>": "OF-2026-118", "<path:nc>": str(nc), "<code>": "en"}
    found = []
    for rule in office.app.url_map.iter_rules():
        if "GET" not in (rule.methods or set()) or rule.rule.startswith(("/static", "/language", *NAMED)):
            continue
        address = rule.rule
        for name, value in places.items():
            address = address.replace(name, value)
        if "<" not in address:
            found.append(address)
    assert {"/board", "/board/fragment", "/orders", "/order/OF-2026-118", "/quality", "/api/v1/floor"} <= set(found)
    return sorted(found)


def test_no_page_and_no_interface_says_who_did_something_at_a_bench(shop: Workshop) -> None:
    who = staffed(shop)
    office = Office(shop)
    with writing(shop.engine) as session:
        token = keys.new_token(session, "bench-1", "pc", now=shop.clock.now)
    for address in addresses(office):
        for lang in ("fr", "en"):
            headers = {"Accept-Language": lang}
            if address.startswith("/api/"):
                headers["Authorization"] = f"Bearer {token}"
            answer = office.client.get(address, headers=headers, follow_redirects=True)
            if answer.mimetype == "application/pdf":  # its text is packed: what it was made of is read
                assert address == "/labels/control"
                text = json.dumps(control(workshop_plan(), now=shop.clock.now, language=lang).data, ensure_ascii=False)
            else:
                text = answer.text
            if address == "/api/v1/floor":
                # A bench lets people in without network: it knows the good badges, and nothing that anybody did.
                told = json.loads(text)
                assert {key for badge in told.pop("badges") for key in badge} == {"id", "language", "until"}
                text = json.dumps(told, ensure_ascii=False)
            assert not {x for x in (*who, *NAMES) if x in text}, address
            if address != "/api/v1/openapi.json":  # it speaks of how one signs in
                assert not GROUPING.search(re.sub(r"<[^>]*>", " ", text)), (address, GROUPING.search(text))
    office.close()


def test_no_export_says_who_did_something_at_a_bench(shop: Workshop) -> None:
    who = staffed(shop)
    url = str(shop.engine.url)
    for command in (["order", "list"], ["order", "units", "OF-2026-118"], ["nc", "list", "--all"], ["ledger", "list"]):
        said = CliRunner().invoke(main, [*command, "--json", "--database", url])
        assert said.exit_code == 0, said.output
        assert not {x for x in (*who, *NAMES) if x in said.output}, command
