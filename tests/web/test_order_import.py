"""A sheet of orders on the page and at the command line: it is shown first, and all of it comes in or nothing."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from mes.commands_orders import order
from mes.db.session import reading
from mes.db.tables import WorkOrder
from tests.web.pages import Office, text_of, token_of

GOOD = "Ordre;Produit;Quantité;Échéance\nOF-7;NOMAD-1000;4;18/12/2026\n;KIT-B;1200;\n"
BAD = "Ordre;Produit;Quantité\nOF-7;NOMAD-1000;4\nOF-8;NOMAD-1000;many\n"


def there(office: Office) -> list[tuple[str, int, str | None]]:
    with reading(office.shop.engine) as session:
        rows = session.scalars(select(WorkOrder).order_by(WorkOrder.n))
        return [(r.id, r.quantity, r.due) for r in rows]


def send(office: Office, text: str, *, lang: str = "en") -> tuple[int, str]:
    data = {
        "csrf_token": token_of(office.get("/orders/import", lang=lang)),
        "file": (io.BytesIO(text.encode()), "orders.csv"),
    }
    headers = {"Accept-Language": lang, "Referer": "http://localhost/orders/import"}
    answer = office.client.post("/orders/import", data=data, headers=headers)
    return answer.status_code, answer.text


def test_a_good_sheet_is_shown_first_and_comes_in_when_it_is_confirmed(office: Office) -> None:
    status, page = send(office, GOOD)
    assert status == 200
    assert "2 orders are in the file. Nothing is imported yet." in text_of(page)
    assert there(office) == []
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen is not None
    answer = office.post("/orders/import", "/orders/import", seen=unescape(seen[1]))
    assert "2 orders are planned." in text_of(answer.text)
    assert there(office) == [("OF-7", 4, "2026-12-18"), ("OF-2026-002", 1200, None)]


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "3 Quantity “many” is no quantity. Give a whole number from 1 to 1,000,000."),
        ("fr", "3 Quantité « many » n’est pas une quantité. Donnez un nombre entier de 1 à 1 000 000."),
    ],
)
def test_a_bad_row_is_named_with_its_column_and_nothing_comes_in(office: Office, lang: str, said: str) -> None:
    status, page = send(office, BAD, lang=lang)
    assert status == 422
    assert said in text_of(page)
    assert there(office) == []


def test_what_was_shown_and_is_wrong_meanwhile_does_not_come_in(office: Office) -> None:
    office.post("/orders/import", "/orders/import", seen=GOOD)
    answer = office.post("/orders/import", "/orders/import", seen=GOOD)
    assert "Order OF-7 exists already." in text_of(answer.text)
    assert len(there(office)) == 2


def test_a_post_without_a_file_says_so(office: Office) -> None:
    assert "There is no order in the file." in text_of(office.post("/orders/import", "/orders/import").text)


def test_the_command_line_imports_all_or_nothing_and_answers_in_json(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    where = ["--database", str(office.shop.engine.url), "--json"]
    file.write_text(BAD, encoding="utf-8")
    answer = CliRunner().invoke(order, ["import", str(file), *where])
    assert answer.exit_code == 1
    assert [(p["line"], p["column"]) for p in json.loads(answer.stdout)["problems"]] == [(3, "quantity")]
    file.write_text(GOOD, encoding="utf-8-sig")
    answer = CliRunner().invoke(order, ["import", str(file), "--check", *where])
    assert (answer.exit_code, json.loads(answer.stdout)["rows"], there(office)) == (0, 2, [])
    answer = CliRunner().invoke(order, ["import", str(file), *where])
    assert json.loads(answer.stdout)["orders"] == ["OF-7", "OF-2026-002"]
    assert len(there(office)) == 2


def test_the_command_line_changes_splits_and_closes_with_json(office: Office) -> None:
    def run(*args: str) -> tuple[int, dict[str, object]]:
        answer = CliRunner().invoke(order, [*args, "--database", str(office.shop.engine.url), "--json"])
        return answer.exit_code, json.loads(answer.stdout)

    assert run("create", "NOMAD-1000", "5", "--id", "OF-7", "--release")[0] == 0
    code, said = run("change", "OF-7", "--quantity", "4", "--priority", "1", "--why", "less")
    assert (code, said["order"]["quantity"], said["order"]["priority"]) == (0, 4, 1)  # type: ignore[index]
    code, said = run("split", "OF-7", "3", "--to", "OF-8", "--why", "two dates")
    assert (code, said["order"]["split_from"]) == (0, "OF-7")  # type: ignore[index]
    code, said = run("close", "OF-7")
    assert (code, said["reason"]) == (1, "order_has_open_units")


def test_a_sheet_of_300_kilobytes_comes_in_whole(office: Office) -> None:
    note = "x" * 1_000
    rows = "".join(f"OF-{n};NOMAD-1000;1;{note}\n" for n in range(300))
    status, page = send(office, f"Ordre;Produit;Quantité;Note\n{rows}")
    assert status == 200
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen is not None
    assert "300 orders are planned." in text_of(
        office.post("/orders/import", "/orders/import", seen=unescape(seen[1])).text
    )
