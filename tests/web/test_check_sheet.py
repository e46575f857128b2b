"""The sheet of check codes: every code on it reads back as what the diagnosis expects."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import zxingcpp
from click.testing import CliRunner

from mes.codes import shape_of
from mes.commands_doctor import doctor
from mes.domain.check_codes import CODES, CheckCode, diagnose

AIM = {"code128": "]C0", "gs1-128": "]C1", "qr": "]Q1"}
SVG = "{http://www.w3.org/2000/svg}"


def pixels(path: str, wide: float, high: float, *, dots: int = 8) -> np.ndarray:
    """A path of the sheet as a printer with so many dots a millimetre draws it, with white around."""
    runs = [(int(x), int(y), int(w)) for x, y, w in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path)]
    right, bottom = max(x + w for x, _y, w in runs) + 10, max(y for _x, y, _w in runs) + 5
    image = np.full((round(bottom * high * dots), round(right * wide * dots)), 255, np.uint8)
    for x, y, w in runs:
        top, left = round(y * high * dots), round(x * wide * dots)
        image[top : round((y + 1) * high * dots), left : round((x + w) * wide * dots)] = 0
    return np.pad(image, 40, constant_values=255)


def sheet(folder: Path, name: str = "sheet.svg", lang: str = "en") -> str:
    path = folder / name
    result = CliRunner(env={"MES_LANG": lang}).invoke(doctor, ["--sheet", str(path)])
    assert result.exit_code == 0, result.output
    return path.read_text("utf-8")


@pytest.mark.parametrize("code", CODES, ids=lambda c: str(c.number))
def test_each_code_of_the_printed_sheet_reads_as_the_diagnosis_expects(code: CheckCode, tmp_path: Path) -> None:
    root = ElementTree.fromstring(sheet(tmp_path))
    path = root.findall(f"{SVG}path")[code.number - 1]
    m = re.search(r"scale\(([\d.]+) ([\d.]+)\)", path.attrib["transform"])
    assert m
    (found,) = zxingcpp.read_barcodes(pixels(path.attrib["d"], float(m[1]), float(m[2])))
    assert bytes(found.bytes) == code.text.encode()
    assert found.symbology_identifier == AIM[code.symbology]
    assert diagnose(code, (found.symbology_identifier + code.text + "\r").encode()).good


def test_every_code_fits_between_the_margins_of_the_page() -> None:
    assert all(shape_of(c.text, c.symbology).width * (0.75 if c.symbology == "qr" else 0.375) < 180 for c in CODES)


@pytest.mark.parametrize(("lang", "title"), [("en", "Does the scanner read well?"), ("fr", "Le lecteur lit-il bien ?")])
def test_the_page_speaks_the_language_of_who_prints_it(lang: str, title: str, tmp_path: Path) -> None:
    page = sheet(tmp_path, "sheet.html", lang)
    assert page.startswith("<!doctype html>")
    assert title in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(doctor, ["--sheet", str(tmp_path / "sheet.pdf")])
    assert "Name the sheet FILE.svg or FILE.html." in result.output
    assert result.exit_code == 1
