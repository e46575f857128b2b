"""Badges as cards: every card's two codes read back from the page as its badge; the name only where it may stand."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from mes import badge_cards, badges, people, typeset
from mes.badge_cards import cards
from mes.cli import main
from mes.db.session import reading, writing
from mes.domain.barcode import Badge, read
from mes.labels import Sheet
from mes.letters import LETTERS
from mes.orders import Answer
from tests.server.bench import START, Floor
from tests.server.small_plan import small_plan
from tests.server.test_labels import read_page

NAMES = ("Maëlle Le Goff", "Bérengère-Marie de Kermadec-Quelen du Plessis", "#set page() *_\\", "Ö" * 120, "Al")


def staffed(folder: Path, count: int) -> tuple[Floor, list[str]]:
    """A floor with so many people, each with a badge of a seeded draw."""
    floor = Floor(f"sqlite:///{folder}/mes.db", small_plan())
    draw, made = random.Random(20261126), []
    with writing(floor.engine) as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(badges, "random_letters", lambda n: "".join(draw.choice(LETTERS) for _ in range(n)))
        for number in range(count):
            name = NAMES[number] if number < len(NAMES) else f"Person {number}"
            person = people.add(session, name, "fr", now=START, actor="P-CHIEF")
            made.append(str(badges.issue(session, person, now=START, actor="P-CHIEF").args["badge"]))
    return floor, made


def texts(made: Sheet | Answer) -> Counter[tuple[str, str]]:
    assert isinstance(made, Sheet), made
    return Counter(code for png in typeset.pictures("badges", made.data) for code in read_page(png))


def test_every_card_reads_back_twice_as_its_badge_on_sheets_and_alone(tmp_path: Path) -> None:
    floor, made = staffed(tmp_path, 53)
    with reading(floor.engine) as session:
        sheets = cards(session, made, skip=9)
        one = cards(session, made[:1], layout="card")
        ended = cards(session, [made[0], "NOBODY"])
        veiled = cards(session, made[:3], names=False)
    wanted = Counter((aim, badges.code_of(b)) for b in made for aim in ("]C0", "]Q1"))
    assert texts(sheets) == wanted
    assert all(read(text) == Badge(b) for b in made for text in (badges.code_of(b),))
    assert texts(one) == Counter((aim, badges.code_of(made[0])) for aim in ("]C0", "]Q1"))
    assert isinstance(ended, Answer)
    assert ended.reason == "badge_not_good"
    assert isinstance(veiled, Sheet)
    assert [c["called"][:2] for c in veiled.data["cards"]] == ["P-"] * 3
    floor.close()


def test_a_card_whose_code_would_not_read_back_is_refused_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    assert badge_cards.unfit("K7QM4XTP") is None
    assert badge_cards.unfit("K" * 48) == "code_wide"
    monkeypatch.setattr(badges, "code_of", lambda badge: badge)
    assert [badge_cards.unfit(b) for b in ("é", "", " A", "ABC")] == [
        "code_characters",
        "code_empty",
        "code_blanks",
        "code_other",
    ]


def test_the_command_prints_cards_or_says_why_not(tmp_path: Path) -> None:
    floor, made = staffed(tmp_path, 2)
    floor.close()
    file, run = tmp_path / "badges.pdf", CliRunner(env={"MES_LANG": "en"})
    asked = ["badge", "print", "-o", str(file), "--database", f"sqlite:///{tmp_path}/mes.db"]
    assert run.invoke(main, [*asked, made[0], "--card"]).exit_code == 0
    assert file.read_bytes().startswith(b"%PDF")
    refused = run.invoke(main, [*asked, "NOBODY"])
    assert (refused.exit_code, "Badge NOBODY does not exist" in refused.output) == (1, True)
