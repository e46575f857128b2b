"""What an installation gets: the wheel, its extras, its commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import EntryPoint, entry_points, metadata, requires
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))
ICONS = PACKAGE["vendor"]["icons"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as it would be released. The installation before the tests filled vendor/, so npm is not needed."""
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", out],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_the_front_end_packages_with_their_licences(wheel: zipfile.ZipFile) -> None:
    vendor = "web/static/vendor/"
    names = {name.removeprefix(vendor) for name in wheel.namelist() if name.startswith(vendor)}
    assert {*PACKAGE["vendor"]["files"], "fonts.css", "icons.svg"} <= names
    assert {name for name in names if name.endswith(".woff2")} == {
        f"fonts/atkinson-hyperlegible-{subset}-{weight}-normal.woff2"
        for subset in ("latin", "latin-ext")
        for weight in (400, 700)
    }
    for package in PACKAGE["dependencies"]:
        assert f"licences/{package.removeprefix('@').replace('/', '-')}-LICENSE.txt" in names
    assert wheel.read("web/static/vendor/echarts.min.js")


def test_each_font_file_that_the_style_sheet_names_is_there(wheel: zipfile.ZipFile) -> None:
    css = wheel.read("web/static/vendor/fonts.css").decode()
    named = re.findall(r'url\("([^"]+)"\)', css)
    assert len(named) == 4
    assert all(wheel.getinfo(f"web/static/vendor/{name}").file_size > 1000 for name in named)


def test_the_icon_sheet_has_a_drawing_for_each_of_our_words(wheel: zipfile.ZipFile) -> None:
    sheet = wheel.read("web/static/vendor/icons.svg").decode()
    symbols = dict(re.findall(r'<symbol id="([^"]+)"[^>]*>(.*?)</symbol>', sheet))
    assert symbols.keys() == ICONS.keys()
    assert all(re.search(r"<(path|rect|circle|line|polyline)\b", drawing) for drawing in symbols.values())


def test_no_script_of_the_front_end_fetches_anything_from_elsewhere(wheel: zipfile.ZipFile) -> None:
    for name in PACKAGE["vendor"]["files"]:
        assert b"sourceMappingURL" not in wheel.read(f"web/static/vendor/{name}")


def test_the_wheel_holds_the_example_plan_and_the_french_catalogue(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert "mes/_config/plant.toml" in names
    assert "mes/translations/fr/LC_MESSAGES/messages.mo" in names


def test_every_template_and_style_sheet_of_the_source_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "mes", "stations", "web"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    left_out = {"web/build_hook.py", "web/package.json", "web/package-lock.json", "mes/translations/babel.cfg"}
    wanted = {name for name in listed.split("\0") if name and (ROOT / name).is_file()} - left_out
    assert wanted - set(wheel.namelist()) == set()


def test_nothing_of_the_build_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    stray = re.compile(r"node_modules|build_hook|package(-lock)?\.json$|^tests/|__pycache__|\.tmp$")
    assert [name for name in wheel.namelist() if stray.search(name)] == []


def extra(name: str) -> set[str]:
    """The names of the packages that one extra asks for."""
    asked = [line for line in requires("atelier-mes") or [] if re.search(rf"extra == ['\"]{name}['\"]", line)]
    return {re.match(r"[A-Za-z0-9._-]+", line)[0].lower() for line in asked}


def test_each_extra_has_what_its_part_needs() -> None:
    assert {"flask", "flask-socketio", "sqlalchemy", "python-barcode", "pandas"} <= extra("server")
    assert "pyserial" in extra("station")
    assert "pytest" in extra("test")


def test_a_bench_pc_installs_neither_sqlalchemy_nor_pandas() -> None:
    assert extra("station") & {"sqlalchemy", "alembic", "pandas", "numpy", "flask-socketio", "gunicorn"} == set()


def test_the_installed_package_is_the_one_of_the_source() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata("atelier-mes")["Version"] == declared["version"]
    commands = {entry.name: entry.value for entry in entry_points(group="mes.commands")}
    assert commands == declared["entry-points"]["mes.commands"]


@pytest.mark.parametrize("entry", sorted(entry_points(group="mes.commands")), ids=lambda entry: entry.name)
def test_each_command_that_the_package_announces_is_there(entry: EntryPoint) -> None:
    assert isinstance(entry.load(), click.Command)
