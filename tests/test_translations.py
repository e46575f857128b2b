"""Every text that a person may read is there in French, and is the one that the program shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mes.i18n import LANGUAGES, SOURCE_LANGUAGE, compiled, system_language, translator
from tests import catalogue

TRANSLATED = [lang for lang in LANGUAGES if lang != SOURCE_LANGUAGE]
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%[sd]")


@pytest.mark.parametrize("lang", TRANSLATED)
def test_every_text_of_the_source_has_a_translation(lang: str) -> None:
    found = catalogue.read(lang)
    missing = []
    for file, text, context in catalogue.extracted():
        entry = found.get(text if isinstance(text, str) else text[0], context)
        if entry is None or entry.fuzzy or not catalogue.is_translated(entry.string):
            missing.append(f"{file}: {text!r}" + (" (fuzzy)" if entry is not None and entry.fuzzy else ""))
    assert not missing, f"run `make messages`, then translate in {catalogue.po_file(lang)}:\n" + "\n".join(missing)


@pytest.mark.parametrize("lang", TRANSLATED)
def test_a_translation_has_the_placeholders_of_its_text(lang: str) -> None:
    wrong = []
    for entry in catalogue.read(lang):
        ids = entry.id if isinstance(entry.id, tuple | list) else (entry.id,)
        forms = entry.string if isinstance(entry.string, tuple | list) else (entry.string,)
        # A plural form may leave out what another has ("one unit", "%(num)s units"), but never ask for more.
        allowed = {found[0] for text in ids for found in PLACEHOLDER.finditer(text)}
        needed = allowed if len(ids) == 1 else set()
        for form in forms:
            used = {found[0] for found in PLACEHOLDER.finditer(form)}
            if form and entry.id and not needed <= used <= allowed:
                wrong.append(f"{entry.id!r}: {form!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("lang", TRANSLATED)
def test_the_compiled_catalogue_is_the_one_in_the_source(lang: str) -> None:
    po = catalogue.po_file(lang)
    assert po.with_suffix(".mo").read_bytes() == compiled(po), "compile it: make messages"


def test_a_text_without_translation_is_named_with_its_file(tmp_path: Path) -> None:
    package = tmp_path / "web"
    (package / "templates" / "bench").mkdir(parents=True)
    (package / "view.py").write_text('title = _("A title")\ncount = ngettext("%(num)s unit", "%(num)s units", n)\n')
    (package / "templates" / "bench" / "page.html").write_text("<p>{{ _('Scan the badge.') }}</p>")
    assert {(file, text) for file, text, _context in catalogue.extracted((package,))} == {
        ("web/view.py", "A title"),
        ("web/view.py", ("%(num)s unit", "%(num)s units")),
        ("web/templates/bench/page.html", "Scan the badge."),
    }


@pytest.mark.parametrize(
    ("environ", "lang"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "", "MES_LANG": "fr"}, "fr"),
        ({"LANG": "br_FR.UTF-8"}, "en"),
    ],
)
def test_the_command_line_speaks_the_language_of_the_environment(environ: dict[str, str], lang: str) -> None:
    assert system_language(environ) == lang


def test_a_language_without_a_catalogue_shows_the_texts_as_they_are_written() -> None:
    assert translator("br").gettext("Scan the badge.") == "Scan the badge."
