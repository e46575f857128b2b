"""The texts of the source against the French catalogue: `make messages` updates it, test_translations.py reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from mes.i18n import DOMAIN, LANGUAGES, SOURCE_LANGUAGE, TRANSLATIONS_DIR, compile_catalogues

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("mes", "stations", "web")
NOT_OURS = {"vendor", "node_modules", "__pycache__"}
KEYWORDS = DEFAULT_KEYWORDS | {"lazy_gettext": None, "lazy_ngettext": (1, 2), "lazy_pgettext": ((1, "c"), 2)}

Message = str | tuple[str, ...]


def extracted(
    packages: tuple[Path, ...] = tuple(ROOT / name for name in PACKAGES),
) -> Iterator[tuple[str, Message, str]]:
    """Yield every text marked for translation: the file it stands in, the text (with its plural), and its context."""
    with (TRANSLATIONS_DIR / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    for package in packages:
        for file, _line, text, _comments, context in extract_from_dir(
            package, methods, options, KEYWORDS, directory_filter=lambda folder: Path(folder).name not in NOT_OURS
        ):
            yield f"{package.name}/{Path(file).as_posix()}", text, context


def po_file(lang: str) -> Path:
    """Return the path of a language's catalogue."""
    return TRANSLATIONS_DIR / lang / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(lang: str) -> Catalog:
    """Read a language's catalogue."""
    with po_file(lang).open("rb") as source:
        return read_po(source, locale=lang)


def update(lang: str) -> int:
    """Bring new texts into a catalogue and drop those that are gone; return how many still wait for a translation."""
    current = Catalog(project="atelier-mes", charset="utf-8")
    for file, text, context in extracted():
        current.add(text, locations=[(file, 0)], context=context)
    catalogue = read(lang)
    # No guesses from a text that only resembles: a wrong sentence on a bench is worse than a missing one.
    catalogue.update(current, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.creation_date = catalogue.revision_date  # else every run would change the file
    with po_file(lang).open("wb") as target:
        write_po(target, catalogue, width=120, include_lineno=False)
    return sum(1 for message in catalogue if message.id and not is_translated(message.string))


def is_translated(string: Message | None) -> bool:
    """Tell whether a translation is there, in each of its plural forms."""
    forms = string if isinstance(string, tuple | list) else (string,)
    return all(form and form.strip() for form in forms)


if __name__ == "__main__":
    for language in LANGUAGES:
        if language != SOURCE_LANGUAGE:
            print(f"{po_file(language).relative_to(ROOT)}: {update(language)} texts wait for a translation")
    compile_catalogues()
