"""The shape of the code: who imports whom, what each file must have, and what no file may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("mes", "stations", "web")

TOP_LEVEL = {
    "mes", "stations", "web", "config", "tests", "docs", ".ci",
    "pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "DECISIONS.md", "LICENSE",
    "Makefile", "Dockerfile", "docker-compose.yml", ".gitignore", ".gitattributes", ".dockerignore", ".editorconfig",
}  # fmt: skip

# Hosts that packages, fonts and scripts come from. The project names packages; the machine knows where to get them.
# Spelled in two halves, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    "".join(parts)
    for parts in (
        ("pypi", ".org"), ("python", "hosted.org"), ("registry.", "npmjs"), ("npm", "js.com"), ("npm", "js.org"),
        ("yarn", "pkg.com"), ("unpkg", ".com"), ("js", "delivr.net"), ("cdn", "js.com"), ("esm", ".sh"),
        ("fonts.", "googleapis"), ("fonts.", "gstatic"), ("deb.", "debian.org"), ("security.", "debian.org"),
        ("docker", ".io"), ("ghcr", ".io"), ("quay", ".io"), ("crates", ".io"), ("proxy.", "golang"),
    )
]  # fmt: skip
THIRD_PARTY = re.compile(r"\.(woff2?|ttf|otf|eot|whl|so|dll|exe|jar|map)$|\.min\.(js|css)$|(^|/)(vendor|node_modules)/")


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return tuple(path for name in sorted(set(listed.split("\0"))) if name and (path := ROOT / name).is_file())


def python_files() -> list[Path]:
    return [path for path in project_files() if path.suffix == ".py"]


def files_of_tests() -> list[Path]:
    return [path for path in python_files() if (ROOT / "tests") in path.parents]


def named(paths: list[Path]) -> str:
    return "\n".join(str(path.relative_to(ROOT)) for path in paths)


def test_every_import_goes_down_the_layers_of_the_drawing() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in python_files() if not ast.get_docstring(ast.parse(path.read_bytes()))]
    assert not silent, named(silent)


def names_of_tests(scope: ast.Module | ast.ClassDef) -> list[str]:
    functions = (node for node in scope.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [function.name for function in functions if function.name.startswith("test_")]


def test_every_test_file_is_collected() -> None:
    missed = [
        path
        for path in files_of_tests()
        if names_of_tests(ast.parse(path.read_bytes())) and not path.name.startswith("test_")
    ]
    assert not missed, f"pytest collects files named test_*.py only:\n{named(missed)}"


def test_no_test_name_stands_twice_in_a_file() -> None:
    twice = []
    for path in files_of_tests():
        tree = ast.parse(path.read_bytes())
        for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
            twice += [
                f"{path.relative_to(ROOT)}: {name}"
                for name, count in Counter(names_of_tests(scope)).items()
                if count > 1
            ]
    assert not twice, "the first of two is never run:\n" + "\n".join(twice)


def sleeps(node: ast.AST) -> bool:
    """Whether a node is `time.sleep`, or imports it."""
    if isinstance(node, ast.Attribute):
        return node.attr == "sleep" and isinstance(node.value, ast.Name) and node.value.id == "time"
    return (
        isinstance(node, ast.ImportFrom) and node.module == "time" and any(name.name == "sleep" for name in node.names)
    )


def test_no_test_sleeps_where_it_could_wait_for_what_it_expects() -> None:
    asleep = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files_of_tests()
        if path != ROOT / "tests" / "waiting.py"
        for node in ast.walk(ast.parse(path.read_bytes()))
        if sleeps(node)
    ]
    assert not asleep, "use tests.waiting.wait_for:\n" + "\n".join(asleep)


def test_no_file_names_a_host_that_packages_come_from() -> None:
    pattern = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)).encode(), re.IGNORECASE)
    naming = [path for path in project_files() if pattern.search(path.read_bytes())]
    assert not naming, named(naming)


def test_the_lock_of_the_front_end_packages_names_no_address_and_checks_every_file() -> None:
    lock = (ROOT / "web" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock, "npm config set omit-lockfile-registry-resolved true"
    assert lock.count('"integrity"') == lock.count('"node_modules/')


def test_the_pinned_versions_are_names_and_versions_only() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []


def test_no_third_party_file_is_committed() -> None:
    foreign = [path for path in project_files() if THIRD_PARTY.search(path.relative_to(ROOT).as_posix())]
    assert not foreign, f"front-end packages come with the build hook (web/package.json):\n{named(foreign)}"


def test_the_top_level_holds_what_the_drawing_names_and_customary_files() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in project_files()} <= TOP_LEVEL


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_modules_is_a_package(package: str) -> None:
    folders = {path.parent for path in python_files() if (ROOT / package) in path.parents}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]
