"""A line tester in the plan's files: what can be got wrong in the form of its lines and in the tests that it makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mes.domain.route import Plan
from mes.plan import PlanError, StationFile, read_plan, read_station

CONFIG = Path(__file__).parents[2] / "config"
BENCH, NOMAD = "stations/bench-3.toml", "products/nomad.toml"
GOOD = (
    """{ separator = ";", columns = ["serial", "", "iso", "leak", "leak_unit", "verdict"], units = { iso = "Mohm" } }"""
)
TEST = 'id = "iso", name = { fr = "Isolement", en = "Insulation" }, unit = "Mohm", instrument = "line", ask = "iso"'
TESTS = f"\ntests = [\n  {{ {TEST} }},\n]\n"


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MES_LANG", "en")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped plan."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def with_tester(folder: Path, form: str = GOOD, family: str = "line-tester") -> Path:
    """Plug a line tester in at bench-3."""
    file = folder / BENCH
    port = f'[[port]]\nname = "line"\nfamily = "{family}"\nurl = "/dev/ttyX"\n'
    port += 'instrument = { id = "TST-01", serial = "1", calibration_due = 2027-03-31 }\n'
    port += f"format = {form}\n" if form else ""
    port += '[[port]]\nname = "psu"\nfamily = "scpi"\nurl = "/dev/ttyY"\n'
    port += 'instrument = { id = "PSU-01", serial = "1", calibration_due = 2027-03-31 }\n'
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{port}", encoding="utf-8")
    return file


def with_tests(folder: Path, tests: str = TESTS) -> None:
    """Let it test at the step of bench-3."""
    file = folder / NOMAD
    text = file.read_text(encoding="utf-8")
    assert 'station = "bench-3"\n' in text
    file.write_text(text.replace('station = "bench-3"\n', f'station = "bench-3"\n{tests}', 1), encoding="utf-8")


def errors_of(folder: Path) -> list[PlanError]:
    found = read_plan(folder)
    return [] if isinstance(found, Plan) else found


def test_a_tester_in_columns_or_in_an_expression_is_read_with_what_it_measures(folder: Path) -> None:
    with_tests(folder)
    file = with_tester(folder)
    assert errors_of(folder) == []
    station = read_station(file)
    assert isinstance(station, StationFile)
    port = station.port_for("line")
    assert port is not None
    assert port.format is not None
    assert port.format.measurements == ("iso", "leak")
    pattern = r"""{ pattern = '(?P<serial>[^;]*);(?P<iso>[0-9.]+)', units = { iso = "Mohm" } }"""
    file.write_text(file.read_text(encoding="utf-8").replace(GOOD, pattern), encoding="utf-8")
    assert errors_of(folder) == []


@pytest.mark.parametrize(
    ("form", "key", "said", "allowed"),
    [
        ("", "format", "Nothing says how the lines of this tester are read.", "separator"),
        ("{}", "format.pattern", "A line is described by a pattern or by columns.", "one of them"),
        (
            """{ separator = ";", columns = ["a"], pattern = '(?P<a>.)', units = { a = "V" } }""",
            "format.pattern",
            "A line is described by a pattern or by columns.",
            "one of them",
        ),
        ('{ columns = ["a"] }', "format.columns", "Columns need a separator", "separator ="),
        ('{ separator = ";" }', "format.columns", "Columns need a separator", "separator ="),
        ('{ separator = ".", columns = ["a"] }', "format.separator", "This cannot stand between two columns.", "TAB"),
        ('{ separator = ";", columns = ["a b"] }', "format.columns", "No column can be called a b.", "digits and _"),
        ('{ separator = ";", columns = ["a", "a"] }', "format.columns", "Two columns are called a.", "each one once"),
        ('{ separator = ";", columns = ["serial"] }', "format.columns", "No column is a measurement.", '"iso"'),
        (
            '{ separator = ";", columns = ["a", "b"] }',
            "format.units",
            "Nothing says the unit of measure of: a, b.",
            "units",
        ),
        (
            """{ separator = ";", columns = ["a"], units = { a = "MOhm" } }""",
            "format.units.a",
            "No unit of measure is called MOhm. Did you mean Mohm?",
            "kohm",
        ),
        (
            """{ separator = ";", columns = ["a"], units = { a = "V", b = "V" } }""",
            "format.units",
            "No measurement of the line is called b.",
            "a",
        ),
        (
            """{ separator = ";", columns = ["a"], units = { a = "V" }, tests = { b = "x" } }""",
            "format.tests",
            "No measurement of the line is called b.",
            "a",
        ),
        (
            """{ separator = ";", columns = ["a", "b"], units = { a = "V", b = "V" }, tests = { a = "b" } }""",
            "format.tests",
            "Two measurements are called b.",
            "each one once",
        ),
        (
            """{ separator = ";", columns = ["a"], units = { a = "V" }, passed = ["GOOD"] }""",
            "format.passed",
            "Nothing in the line is the verdict.",
            "called verdict",
        ),
        (
            """{ separator = ";", columns = ["a", "verdict"], units = { a = "V" }, failed = ["ok"] }""",
            "format.failed",
            "This word means passed and failed: OK.",
            "each one once",
        ),
        ("{ pattern = '(?P<a>' }", "format.pattern", "This is not a regular expression", "(?P<iso>[0-9.]+)"),
        ("{ pattern = '(?P<a>(?:x+)+)' }", "format.pattern", "This could run for ever", "no look-around"),
        ("{ pattern = '[0-9]+' }", "format.pattern", "The pattern names no measurement.", "(?P<iso>"),
        ("{ pattern = '" + "a" * 501 + "' }", "format.pattern", "This text is too long.", "500 characters"),
        ("{ patern = 'a' }", "format.patern", "This key is not known here. Did you mean pattern?", "columns"),
        ("[]", "format", "This is not a table.", "{ and }"),
    ],
)
def test_an_error_in_the_form_names_its_key_and_says_what_is_allowed(
    folder: Path, form: str, key: str, said: str, allowed: str
) -> None:
    with_tester(folder, form)
    found = [e for e in errors_of(folder) if (e.table, e.key) == ("port line", key)]
    assert found, "\n".join(map(str, errors_of(folder)))
    assert found[0].message.startswith(said)
    assert allowed in found[0].allowed
    assert found[0].file == BENCH


def test_every_error_of_a_form_comes_at_once(folder: Path) -> None:
    with_tester(
        folder,
        """{ separator = ";", columns = ["a", "b"], units = { a = "X", b = "Y" }, tests = { c = "d" }, x = 1 }""",
    )
    with_tests(folder, TESTS.replace("unit = ", "unt = "))
    assert {(e.file, e.key) for e in errors_of(folder)} == {
        (BENCH, "format.units.a"),
        (BENCH, "format.units.b"),
        (BENCH, "format.tests"),
        (BENCH, "format.x"),
        (NOMAD, "tests.iso.unit"),
        (NOMAD, "tests.iso.unt"),
    }


def test_only_a_line_tester_has_a_form_of_its_lines(folder: Path) -> None:
    with_tester(folder, GOOD, family="scpi")
    assert [(e.key, e.message) for e in errors_of(folder)] == [
        ("format", "Only a line tester has a form of its lines.")
    ]


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        (
            'ask = "iso"',
            'ask = "ios"',
            "tests.iso.ask",
            "The line tester at bench-3 does not measure ios. Did you mean iso?",
        ),
        (
            'ask = "iso"',
            'ask = "iso", repeats = 1',
            "tests.iso.repeats",
            "A tester that sends its results by itself is not",
        ),
        (
            "]\n",
            "]\nsample_s = 60\n",
            "sample_s",
            "A tester that sends its results by itself is not asked for samples.",
        ),
        (
            "]\n",
            ']\nset_up = [{ instrument = "psu", send = "GO" }]\ntear_down = [{ instrument = "psu", send = "X" }]\n',
            "set_up",
            "The first test comes by itself",
        ),
        (
            "]\n",
            ']\ntear_down = [{ instrument = "line", send = "X" }]\n',
            "tear_down.1.send",
            "An instrument of family line-tester is told nothing.",
        ),
    ],
)
def test_a_test_that_comes_by_itself_is_not_asked_in_any_way(
    folder: Path, old: str, new: str, key: str, said: str
) -> None:
    with_tester(folder)
    with_tests(folder, TESTS.replace(old, new))
    found = [e for e in errors_of(folder) if (e.table, e.key) == ("step inverter", key)]
    assert found, "\n".join(map(str, errors_of(folder)))
    assert found[0].message.startswith(said)


def test_a_wrong_form_makes_no_false_error_in_the_product(folder: Path) -> None:
    with_tester(folder, "{}")
    with_tests(folder, TESTS.replace('ask = "iso"', 'ask = "anything"'))
    assert [e.file for e in errors_of(folder)] == [BENCH]
