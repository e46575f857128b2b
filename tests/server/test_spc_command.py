"""`mes spc FILE` as it is typed: limits, signals and indices as a table and as JSON, and errors that help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mes.commands_spc import spc
from tests.domain.published import HERE

RINGS = str(HERE / "piston_rings.csv")
JUICE = str(HERE / "orange_juice.csv")


def run(*arguments: str, lang: str = "en", code: int = 0) -> str:
    done = CliRunner().invoke(spc, list(arguments), env={"MES_LANG": lang})
    assert done.exit_code == code, done.output
    return done.output


def data(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return found


def test_a_table_has_the_limits_the_points_the_rules_and_the_indices() -> None:
    said = run(RINGS, "--chart", "xbar-s", "--baseline", "1-25", "--lsl", "73.95", "--usl", "74.05")
    for line in (
        "40 samples, 25 of them make the limits.",
        "means: LCL 73.98799, CL 74.00118, UCL 74.01436",
        "standard deviations: LCL 0, CL 0.009240037, UCL 0.01930242",
        "Signal ↑ rule 1 (beyond 3σ) at 37-39, from the samples 37-39",
        "Cpk     1.656  [1.413 – 1.898]",
    ):
        assert line in said


def test_french_has_decimal_commas_and_french_words() -> None:
    said = run(RINGS, "--chart", "xbar-r", "--baseline", "1-25", lang="fr")
    assert "moyennes : LIC 73,98805, LC 74,00118, LSC 74,0143" in said
    assert "règle 1" in said


def test_limits_of_the_product_are_typed_with_a_point_or_a_comma() -> None:
    arguments = (RINGS, "--chart", "xbar-s", "--baseline", "1-25", "--usl")
    assert data(*arguments, "74,05") == data(*arguments, "74.05")


def test_json_has_every_point_with_its_rules() -> None:
    found = data(RINGS, "--chart", "xbar-s", "--baseline", "1-25")
    assert [p["sample"] for p in found["charts"][0]["points"] if 1 in p["rules"]] == [37, 38, 39]
    assert len(found["charts"][0]["points"]) == 40
    assert (found["sigma"]["estimator"], found["capability"]) == ("s", None)


def test_later_signals_do_not_speak_against_the_capability_of_the_baseline() -> None:
    arguments = (RINGS, "--chart", "xbar-s", "--lsl", "73.95", "--usl", "74.05")
    assert data(*arguments, "--baseline", "1-25")["capability"]["warnings"] == []
    assert data(*arguments)["capability"]["warnings"] == ["not_in_control"]
    assert "The process is not in control" in run(*arguments)


def test_samples_left_out_make_no_limits_and_are_still_judged() -> None:
    found = data(JUICE, "--chart", "p", "--baseline", "1-30", "--without", "15,23")
    assert found["charts"][0]["points"][0]["cl"] == 0.215
    assert [p["sample"] for p in found["charts"][0]["points"] if 1 in p["rules"]] == [15, 21, 23, 41]


def test_a_group_of_one_has_no_limits_on_the_chart_of_spread(tmp_path: Path) -> None:
    file = tmp_path / "values.csv"
    file.write_text("groupe;a;b\n1;2,5;2,7\n2;2,4;\n3;2,9;2,1\n", encoding="utf-8")
    lone = data(str(file), "--chart", "xbar-r")["charts"][1]["points"][1]
    assert (lone["value"], lone["lcl"], lone["cl"], lone["ucl"]) == (None, None, None, None)
    assert " 2      2      –    –    –         –" in run(str(file), "--chart", "xbar-r", "--all")


def test_only_the_rules_that_are_asked_for_are_asked() -> None:
    found = data(JUICE, "--chart", "np", "--baseline", "1-30", "--rules", "1")
    assert {s["rule"] for s in found["charts"][0]["signals"]} == {1}


def test_an_estimator_is_chosen_and_named() -> None:
    viscosity = str(HERE / "viscosity.csv")
    found = data(viscosity, "--chart", "i-mr", "--baseline", "1-20", "--estimator", "sd")
    assert (found["sigma"]["estimator"], round(found["sigma"]["value"], 7)) == ("sd", 0.5769854)


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        ("value\n1\nx\n2\n", ("--chart", "i-mr"), "line 3, value: “x” is no number"),
        ("found,size\n1,5\n7,5\n", ("--chart", "p"), "line 3: More are nonconforming"),
        ("value\n1\n", ("--chart", "i-mr"), "too few values"),
        ("value\n1\n2\n", ("--chart", "i-mr", "--baseline", "1-9"), "--baseline names samples"),
    ],
)
def test_a_wrong_file_is_said_with_its_line(
    tmp_path: Path, content: str, arguments: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "values.csv"
    file.write_text(content, encoding="utf-8")
    assert said in run(str(file), *arguments, code=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--chart", "p", "--estimator", "r"), "--estimator is for charts of measurements"),
        (("--chart", "p", "--usl", "1"), "are for charts of measurements"),
        (("--chart", "xbar-s", "--estimator", "mr"), "this chart has pooled, s, r"),
        (("--chart", "xbar-s", "--lsl", "2", "--usl", "1"), "--lsl lies below --usl"),
        (("--chart", "xbar-s", "--lsl", "x"), "“x” is no number"),
        (("--chart", "xbar-s", "--rules", "9"), "rules 1 to 8"),
        (("--chart", "xbar-s", "--baseline", "a"), "numbers and spans"),
    ],
)
def test_options_that_do_not_fit_are_refused_with_what_fits(arguments: tuple[str, ...], said: str) -> None:
    assert said in run(JUICE if "p" in arguments else RINGS, *arguments, code=2)


def test_a_file_that_is_no_sheet_says_how_to_save_it(tmp_path: Path) -> None:
    file = tmp_path / "values.csv"
    file.write_bytes("valeur\n1\n".encode("utf-16"))
    assert "CSV UTF-8" in run(str(file), "--chart", "i-mr", code=1)
