"""docs/devices.md: every family stands in it, its table of broken replies is the code's, its example works."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from mes.plan.station import Port
from stations.devices import FAMILIES, Family, line_tester, safety_tester, scale, scpi
from stations.devices.readings import Broken, NoReply, Reading, Reply
from stations.frames import EMPTY, Frame, feed

DOCS = (Path(__file__).parents[2] / "docs" / "devices.md").read_text(encoding="utf-8")
TABLES = {
    "scpi": scpi.BROKEN,
    "safety-tester": safety_tester.BROKEN,
    "scale": scale.BROKEN["mt-sics"],
    "scale-kern": scale.BROKEN["kern"],
    "scale-ohaus": scale.BROKEN["ohaus"],
    "line-tester": line_tester.BROKEN,
}


def shown(sent: bytes) -> str:
    text = repr(sent)[2:-1].replace("|", "\\|")
    return f"`{text}`" if text else "–"


def table(name: str, rows: tuple[Broken, ...]) -> list[str]:
    return [
        f"| `{name}` | what came | taken for |",
        "|---|---|---|",
        *(f"| {row.what} | {shown(row.sent)} | {row.outcome} |" for row in rows),
    ]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


@pytest.fixture
def thermometer(tmp_path: Path) -> ModuleType:
    """The worked example, as it stands on the page."""
    code = next(b for b in blocks("python") if b.startswith("# stations/devices/thermometer.py\n"))
    file = tmp_path / "thermometer.py"
    file.write_text(code, encoding="utf-8")
    spec = spec_from_file_location("thermometer", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Answers:
    """A link with one answer."""

    def __init__(self, answer: Reply | NoReply) -> None:
        self.answer = answer
        self.sent: list[bytes] = []

    def ask(self, command: bytes, timeout_s: float) -> Reply | NoReply:
        self.sent.append(command)
        return self.answer

    def write(self, data: bytes) -> bool:
        return True


def test_every_family_has_its_row_and_its_broken_replies_stand_as_in_the_code() -> None:
    assert [name for name in FAMILIES if f"\n| `{name}` |" not in DOCS] == []
    for name, rows in TABLES.items():
        wanted = "\n".join(table(name, rows))
        assert wanted in DOCS, f"docs/devices.md lacks this table:\n{wanted}"


def test_each_example_of_a_port_is_one() -> None:
    ports = [Port.model_validate(p) for block in blocks("toml") for p in tomllib.loads(block).get("port", ())]
    assert {p.family for p in ports} >= {"scanner", "scale", "scpi", "safety-tester", "line-tester"}


def test_the_worked_example_is_a_family(thermometer: ModuleType) -> None:
    row = next(b for b in blocks("python") if b.startswith("# FAMILIES\n"))
    family = eval(row, {"Family": Family, "thermometer": thermometer})  # noqa: S307 - it is our own page
    assert family.measure is not None
    link = Answers(Reply(b"T=+23.5 degC"))
    assert family.measure(link, "T", 1.0) == Reading(23.5, "degC", "measured", "T=+23.5 degC")
    assert link.sent == [b"T\r\n"]


def test_the_worked_example_treats_its_broken_replies_as_it_says(thermometer: ModuleType) -> None:
    for broken in thermometer.BROKEN:
        _, frames = feed(thermometer.FRAMING, EMPTY, broken.sent, 0)
        whole = [f.raw for f in frames if isinstance(f, Frame)]
        torn = NoReply("torn", broken.sent) if broken.sent else NoReply("timeout")
        answer = Reply(whole[0]) if whole else torn
        assert thermometer.measure(Answers(answer), "T", 1.0).outcome == broken.outcome, broken.what


if __name__ == "__main__":  # python -m tests.stations.test_device_docs: the tables, to be put into the page
    sys.stdout.write("\n\n".join("\n".join(table(name, rows)) for name, rows in TABLES.items()) + "\n")
