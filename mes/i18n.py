"""One catalogue for every text of the product, and how code outside Flask reads it.

Texts are written in English in the code and marked with `_`; French stands in translations/fr/LC_MESSAGES/messages.po.
Inside Flask the application sets BABEL_TRANSLATION_DIRECTORIES to `TRANSLATIONS_DIR` and uses flask_babel's functions:
there the language is the person's. Here it is given by name, or, for the command line, by the environment.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

TRANSLATIONS_DIR: Final = Path(__file__).resolve().parent / "translations"
DOMAIN: Final = "messages"
LANGUAGES: Final = ("fr", "en")
SOURCE_LANGUAGE: Final = "en"


def N_(text: str) -> str:
    """Mark a text for translation and return it as it is: it is translated later, when the reader is known."""
    return text


@cache
def translator(lang: str) -> NullTranslations:
    """Return the catalogue of a language; for English, and for one we do not have, the texts as they are written."""
    if lang == SOURCE_LANGUAGE:
        return NullTranslations()
    return Translations.load(TRANSLATIONS_DIR, [lang], DOMAIN)


def system_language(environ: Mapping[str, str] | None = None) -> str:
    """Return "fr" or "en": what the first of MES_LANG, LC_ALL and LANG that is set asks for."""
    env = os.environ if environ is None else environ
    wanted = next((env[name] for name in ("MES_LANG", "LC_ALL", "LANG") if env.get(name)), SOURCE_LANGUAGE)
    return "fr" if wanted.lower().startswith("fr") else SOURCE_LANGUAGE


def _(text: str, /, **values: object) -> str:
    """Translate a text of the command line into the language of the environment; `%(name)s` takes its values."""
    translated: str = translator(system_language()).gettext(text)
    return translated % values if values else translated


def ngettext(singular: str, plural: str, num: int, /, **values: object) -> str:
    """Translate a counted text of the command line; `%(num)s` is the count."""
    translated: str = translator(system_language()).ngettext(singular, plural, num)
    return translated % {"num": num, **values}


def compile_catalogues(directory: Path = TRANSLATIONS_DIR) -> list[Path]:
    """Compile each messages.po whose .mo is missing or differs; return the .mo files that were written."""
    written = []
    for po in sorted(directory.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        mo, content = po.with_suffix(".mo"), compiled(po)
        if not mo.is_file() or mo.read_bytes() != content:
            # Written aside and moved: a program that starts meanwhile never reads half a catalogue.
            with tempfile.NamedTemporaryFile(dir=mo.parent, suffix=".tmp", delete=False) as file:
                file.write(content)
            Path(file.name).chmod(0o644)
            Path(file.name).replace(mo)
            written.append(mo)
    return written


def compiled(po: Path) -> bytes:
    """Return the bytes of the .mo that belongs to a .po file; texts marked fuzzy are left out."""
    content = io.BytesIO()
    with po.open("rb") as source:
        write_mo(content, read_po(source, locale=po.parents[1].name))
    return content.getvalue()
