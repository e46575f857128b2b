"""The reasons: each is used, says the same in both languages, and never shows a hole for what is known."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from mes.domain.reasons import REASONS, Reason, sentence, tone

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "mes" / "domain" / "reasons.py"
SAYING = {"Answer", "Decision", "held", "say", "_no", "_noted"}
"""The functions that are given a reason code."""


@cache
def sources() -> tuple[ast.Module, ...]:
    files = (p for package in ("mes", "stations", "web") for p in (ROOT / package).rglob("*.py"))
    return tuple(ast.parse(p.read_bytes()) for p in files if p != TABLE and "node_modules" not in p.parts)


def texts() -> set[str]:
    """Every text constant of the product, the table itself left out."""
    return {
        node.value
        for tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def documented() -> str:
    return "".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs").rglob("*.md"))


def names(*said: str) -> set[str]:
    return {name for text in said for _, name, _, _ in Formatter().parse(text) if name}


def said_in_code() -> set[str]:
    """The codes that are written out where a reason is given."""
    found: set[str] = set()
    for tree in sources():
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name not in SAYING:
                continue
            # The first text among the arguments, after the verdict where there is one.
            given = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            found.update(t for t in given[:2] if t not in ("accepted", "refused", "held", "recorded"))
    return {t for t in found if t.isidentifier() and t not in ("fr", "en")}


def test_every_reason_is_used_or_documented() -> None:
    used, written = texts(), documented()
    idle = sorted(code for code in REASONS if code not in used and f"`{code}`" not in written)
    assert idle == []


def test_every_reason_that_the_code_gives_is_in_the_table() -> None:
    given = said_in_code()
    assert len(given) > 30, "the search has lost its way"
    assert sorted(given - set(REASONS)) == []


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
def test_both_languages_use_the_same_arguments(reason: Reason) -> None:
    assert names(reason.fr, reason.do_fr) == names(reason.en, reason.do_en)


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
def test_both_languages_say_what_to_do_or_neither(reason: Reason) -> None:
    assert bool(reason.do_fr) == bool(reason.do_en)
    assert reason.fr
    assert reason.en


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
def test_a_sentence_ends_like_a_sentence(reason: Reason) -> None:
    ends = (".", "?", "!", "}", "publish", "LEAVE")
    assert all(not text or text.endswith(ends) for text in (reason.fr, reason.en, reason.do_fr, reason.do_en))


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
def test_french_is_typeset_as_french(reason: Reason) -> None:
    assert "'" not in reason.fr + reason.do_fr + reason.en + reason.do_en, "the apostrophe is ’"


@pytest.mark.parametrize("code", [c for c, r in REASONS.items() if r.tone == "stop" and r.names == frozenset()])
def test_a_stop_without_details_says_more_than_its_code(code: str) -> None:
    assert len(sentence(code, {}, "fr")[0]) > len(code) / 2


def test_a_sentence_carries_its_arguments_in_the_language_of_the_reader() -> None:
    args = {"unit": "NMD-1", "step": {"fr": "Pose", "en": "Fit"}}
    assert sentence("unit_arrived", args, "fr") == ("NMD-1 est au bon poste.", "Faites l’étape : Pose.")
    assert sentence("unit_arrived", args, "en") == ("NMD-1 is at the right station.", "Do the step: Fit.")


def test_a_weight_has_the_decimal_mark_of_the_reader_and_the_number_of_a_carton_stays() -> None:
    said = {"carton": "1.5", "value": "54.1", "low": "50", "high": "52.25", "have": 3}
    assert "54,1 kg" in sentence("weight_heavy", said, "fr")[0]
    assert "50 à 52,25 kg" in sentence("weight_heavy", said, "fr")[1]
    assert "54.1 kg" in sentence("weight_heavy", said, "en")[0]


def test_an_argument_without_the_readers_language_is_said_in_french() -> None:
    assert sentence("unit_arrived", {"unit": "U", "step": {"fr": "Pose"}}, "en")[1] == "Do the step: Pose."


def test_a_missing_argument_is_a_question_mark_and_not_an_exception() -> None:
    assert sentence("unit_arrived", {}, "en")[0] == "? is at the right station."


def test_a_reason_of_a_newer_server_is_shown_as_it_is_and_stops() -> None:
    assert sentence("brand_new", {}, "fr") == ("brand_new", "")
    assert tone("brand_new") == "stop"


def test_braces_in_an_argument_are_text() -> None:
    assert sentence("unknown_code", {"text": "{0.__class__}"}, "en")[0] == "I do not know this code: {0.__class__}."


@pytest.mark.parametrize("code", REASONS)
def test_a_code_is_its_own_key(code: str) -> None:
    assert REASONS[code].code == code
