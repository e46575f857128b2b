"""Reading one TOML file of the plan: text, syntax, and the languages that a site does not speak. Knows no table."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from mes.i18n import LANGUAGES, _
from mes.plan.errors import Findings, Raw

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read_toml(findings: Findings, path: Path, file: str) -> Raw | None:
    """Read one file; note why and return None when it is not there, not UTF-8 or not TOML.

    Args:
        file: what the file is called in an error.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows editors put a mark before the first character
        return tomllib.loads(text)
    except FileNotFoundError:
        findings.add(file, "", "", _("The file is missing."), file)
    except UnicodeDecodeError:
        findings.add(file, "", "", _("The file is not UTF-8 text."), _("a text file saved as UTF-8"))
    except OSError as wrong:
        findings.add(file, "", "", _("The file cannot be read (%(why)s).", why=wrong.strerror), "")
    except tomllib.TOMLDecodeError as wrong:
        place = _PLACE.search(str(wrong))
        why = _PLACE.sub("", str(wrong))
        line = place[1] if place and place[1] else str(text.count("\n") + 1)
        said = _("Line %(line)s is not TOML: %(why)s.", line=line, why=why)
        findings.add(file, "", "", said, 'key = "text", key = 12, key = [1, 2], [table], [[table]]')
    return None


def translated(raw: Any, languages: Collection[str]) -> Any:
    """Fill the texts of languages that the site does not speak with one that it does.

    Every text has every language afterwards, or lacks one of `languages`, which is then an error. With no `languages`
    given, one language is enough.
    """
    if isinstance(raw, list):
        return [translated(item, languages) for item in raw]
    if not isinstance(raw, dict):
        return raw
    if raw and set(raw) <= set(LANGUAGES):
        first = next(raw[lang] for lang in (*languages, *LANGUAGES) if lang in raw)
        return {**{lang: first for lang in LANGUAGES if lang not in languages}, **raw}
    return {key: translated(value, languages) for key, value in raw.items()}
