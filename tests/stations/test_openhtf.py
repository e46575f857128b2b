"""The callback for OpenHTF: whole on the disk, named by its content, whatever version of OpenHTF calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mes.domain.openhtf import Record, read_record
from stations.openhtf import NotARecord, ToAtelier
from tests.htf_records import END_MS, data, volt


class Current:
    """A test record as OpenHTF hands it over today: it makes base types of itself."""

    def __init__(self, made: dict[str, Any]) -> None:
        self._made = made

    def as_base_types(self) -> dict[str, Any]:
        return self._made


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_record_is_a_whole_file_named_by_its_time_and_content(tmp_path: Path) -> None:
    path = ToAtelier(tmp_path / "records")(Current(volt(3.0)))
    found = read_record(path.read_bytes())
    assert found == read_record(data(volt(3.0)))
    assert isinstance(found, Record)
    assert files(tmp_path / "records") == [f"{END_MS}-{found.sha256[:16]}.json"]


def test_the_same_record_again_is_the_same_file(tmp_path: Path) -> None:
    callback = ToAtelier(tmp_path)
    assert callback(volt(3.0)) == callback(Current(volt(3.0)))
    assert len(files(tmp_path)) == 1


def test_log_lines_and_source_code_are_left_out(tmp_path: Path) -> None:
    path = ToAtelier(tmp_path)(volt(3.0) | {"log_records": ["x" * 10_000]})
    assert not {"log_records", "code_info"} & set(json.loads(path.read_bytes()))


def test_what_json_does_not_know_is_written_as_text(tmp_path: Path) -> None:
    path = ToAtelier(tmp_path)(volt(3.0) | {"metadata": {"test_name": Path("/tmp")}})
    assert "Path" in json.loads(path.read_bytes())["metadata"]["test_name"]


def test_metadata_that_may_name_a_person_stays_with_the_tester(tmp_path: Path) -> None:
    metadata = {"test_name": "end of line", "operator_name": "A. Nonyme", "instruments": "DMM-03", "config": {"x": 1}}
    path = ToAtelier(tmp_path)(volt(3.0) | {"metadata": metadata})
    assert json.loads(path.read_bytes())["metadata"] == {"test_name": "end of line", "instruments": "DMM-03"}


def test_a_record_without_a_unit_is_said_at_once_and_not_written(tmp_path: Path) -> None:
    with pytest.raises(NotARecord, match="no_unit"):
        ToAtelier(tmp_path)(volt(3.0) | {"dut_id": None})
    assert files(tmp_path) == []


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenHTF before 2019, where a module makes base types."""
    module: Any = ModuleType("openhtf.util.data")
    module.convert_to_base_types = lambda record: record.made
    for name in ("openhtf", "openhtf.util"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "openhtf.util.data", module)


def test_an_older_openhtf_makes_the_tables_by_its_own_module(tmp_path: Path, older: None) -> None:
    class Old:
        made = volt(3.0)

    assert ToAtelier(tmp_path)(Old()).exists()


def test_the_callback_needs_neither_openhtf_nor_anything_of_a_station_or_server() -> None:
    code = (
        "import sys, stations.openhtf\n"
        "heavy = {'openhtf', 'serial', 'flask', 'sqlalchemy', 'pandas'}\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"
