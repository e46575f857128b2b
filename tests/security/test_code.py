"""What the program does not hold, so that nobody can use it: read from its source, module by module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
MODULES: Final = sorted(path for package in ("mes", "stations", "web") for path in (ROOT / package).rglob("*.py"))
TEMPLATES: Final = sorted(
    path for package in ("stations", "web") for path in (ROOT / package).rglob("templates/*.html")
)

# Reads more than data out of data.
READERS: Final = {"pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle", "xmlrpc", "code", "pty"}
# What a template has drawn (and escaped) already; and a tag whose places are escaped when they are filled.
DRAWN: Final = re.compile(
    r"""(\bfragment|\bparts(\.\w+|\[[^\]]+\]))\|safe\b|'<time [^'>]*>%s</time>'\|safe\|format\b"""
)
# Speaks to an address. The server and its pages have none to speak to: no webhook, no picture from elsewhere, no proxy.
SPEAKERS: Final = {
    "urllib.request",
    "urllib3",
    "http.client",
    "requests",
    "httpx",
    "aiohttp",
    "ftplib",
    "smtplib",
    "telnetlib",
}
MAY_SPEAK: Final = {
    "mes/load.py": "the load test asks the server that it has started",
    "mes/commands_doctor.py": "asks the address that the person at the console has typed",
    "mes/mail.py": "hands a mail to the server that the environment of this computer names, and to no other",
}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def calls(path: Path) -> Iterator[tuple[int, str, ast.Call]]:
    """Every call in a file: line, name of what is called, the call."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func), node


def named(path: Path) -> str:
    """A path as it stands in the repository."""
    return path.relative_to(ROOT).as_posix()


def test_nothing_reads_programs_out_of_data() -> None:
    found = [(named(path), name) for path in MODULES for name in imports(path) if name.partition(".")[0] in READERS]
    assert found == []


def test_the_server_speaks_to_no_address_that_anybody_could_choose() -> None:
    found = {
        named(path)
        for path in MODULES
        if path.parts[len(ROOT.parts)] in ("mes", "web")
        for name in imports(path)
        if name in SPEAKERS or name.rpartition(".")[0] in SPEAKERS
    }
    assert found <= set(MAY_SPEAK)


def test_no_text_is_run_as_a_program_or_a_shell_line() -> None:
    bad = {
        "eval",
        "exec",
        "compile",
        "__import__",
        "os.system",
        "os.popen",
        "render_template_string",
        "Template",
        "Markup",
    }
    found = [
        (named(path), line, name)
        for path in MODULES
        for line, name, call in calls(path)
        if name in bad or any(word.arg == "shell" for word in call.keywords)
    ]
    # The bench's sentence is escaped, and then keeps together what must not part.
    assert [each for each in found if (each[0], each[2]) != ("stations/screen/app.py", "Markup")] == []


def test_no_query_is_put_together_from_text() -> None:
    found = [
        (named(path), line)
        for path in MODULES
        if "/migrations/" not in named(path) and path.name != "session.py"  # which asks for settings by constant names
        for line, name, call in calls(path)
        if name.rpartition(".")[2] in ("text", "exec_driver_sql", "execute") and call.args
        if isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
        if not all(isinstance(part, ast.Constant) or is_constant(part) for part in pieces(call.args[0]))
    ]
    assert found == []


def pieces(node: ast.expr) -> list[ast.expr]:
    """What a text is put together from."""
    if isinstance(node, ast.JoinedStr):
        return [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
    return [each for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute)]


def is_constant(node: ast.expr) -> bool:
    """A name in capital letters: a constant of the module."""
    return isinstance(node, ast.Name) and node.id.isupper()


def test_no_key_stands_in_the_source() -> None:
    pattern = re.compile(r"""(secret_key|SECRET_KEY|password|token|api_key)\s*=\s*["'][^"'{}<]{6,}["']""")
    found = [
        (named(path), match[0]) for path in MODULES for match in pattern.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_a_template_escapes_what_it_shows_and_runs_nothing_inline(path: Path) -> None:
    text = DRAWN.sub("", path.read_text(encoding="utf-8"))
    assert not re.search(
        r"\|\s*safe\b|autoescape\s+false|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=|\sstyle\s*=|<style|javascript:", text
    )
