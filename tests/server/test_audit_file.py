"""The audit file: what is in it, that its draw can be repeated, and that a changed byte is found without the server."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from mes import audit_file, corrective, wire
from mes.cli import main
from mes.db.session import reading
from mes.db.tables import Ledger
from tests.server.bench import Floor
from tests.server.small_plan import small_plan

DAYS = ["--from", "2026-11-01", "--to", "2026-11-30"]


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    made = Floor(f"sqlite:///{tmp_path / 'atelier.db'}", small_plan(retests=0))
    made.order("GEN", 3)
    yield made
    made.close()


def worked(floor: Floor) -> None:
    b1, b2, b3 = (floor.bench(name) for name in ("b1", "b2", "b3"))
    for number, value in ((1, 3.0), (2, 3.0), (3, 9.0)):
        unit = f"GEN-2648-{number:05}"
        floor.send(b1, b1.arrive(unit, "fit"), b1.fit(unit, "BAT", serial=unit[-5:]))
        floor.send(b1, b1.fit(unit, "FUSE", lot="7"), b1.fit(unit, "FUSE", lot="7"), b1.done(unit, "fit"))
        floor.send(b2, b2.arrive(unit, "test"), b2.test(unit, value))
        if value < 5.0:
            floor.send(b2, b2.done(unit, "test"))
            floor.send(b3, b3.arrive(unit, "look"), b3.look(unit), b3.done(unit, "look"))
    assert floor.do(corrective.open_action, wire.ActionOpened(title="=Insulation", ncs=("NC-2026-0001",))).done


def run(*words: str, ok: bool = True) -> str:
    done = CliRunner().invoke(main, list(words), env={"LANG": "en_GB.UTF-8"})
    assert (done.exit_code == 0) is ok, done.output
    return done.output


def export(floor: Floor, path: Path, *more: str) -> dict[str, object]:
    url = floor.engine.url.render_as_string(hide_password=False)
    said = run("audit", "export", *DAYS, "--output", str(path), "--json", "--database", url, *more)
    found: dict[str, object] = json.loads(said[said.index("{") :])
    return found


def rows(path: Path, name: str) -> list[list[str]]:
    with zipfile.ZipFile(path) as found:
        return list(csv.reader(io.StringIO(found.read(name).decode("utf-8-sig")), delimiter=";"))


def text_of(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as found:
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(found.read(name))).pages)


def test_the_file_holds_every_record_of_the_days_and_an_index_to_read_first(floor: Floor, tmp_path: Path) -> None:
    worked(floor)
    path = tmp_path / "audit.zip"
    said = export(floor, path, "--units", "1", "--seed", "4")
    log = rows(path, "1-nonconformities/log.csv")
    assert [row[0] for row in log[1:]] == ["NC-2026-0001"]
    assert rows(path, "3-corrective-actions/actions.csv")[1][3] == "'=Insulation"  # no cell runs as a formula
    (drawn,) = said["units"]  # type: ignore[misc]
    index = text_of(path, audit_file.INDEX)
    for words in ("Dossier d’audit", "8.7.2", "1 sur 2", "graine 4", "les chaînes tiennent"):
        assert words in index
    assert drawn in text_of(path, f"7-units/{drawn}.pdf")
    with zipfile.ZipFile(path) as found:
        assert json.loads(found.read(audit_file.REPORT)) == {"ran": True, "agrees": True, "findings": []}
        lines = found.read(audit_file.ROWS).splitlines()
    assert lines
    assert not any({"operator", "veil"} & json.loads(line).keys() for line in lines)  # nobody, and no way back to them


def test_the_same_seed_draws_the_same_units_and_the_ledger_knows_the_file(floor: Floor, tmp_path: Path) -> None:
    worked(floor)
    first = export(floor, tmp_path / "one.zip", "--units", "1", "--seed", "4", "--no-verify")
    again = export(floor, tmp_path / "two.zip", "--units", "1", "--seed", "4", "--no-verify")
    assert first["units"] == again["units"]
    assert "not replayed" in text_of_english(floor, tmp_path)
    with reading(floor.engine) as session:
        made = [json.loads(row.body)["sha256"] for row in session.query(Ledger).filter(Ledger.kind == "AuditFileMade")]
    assert first["sha256"] in made
    said = run("ledger", "verify", str(tmp_path / "one.zip"))
    assert str(first["sha256"]) in said


def text_of_english(floor: Floor, tmp_path: Path) -> str:
    export(floor, tmp_path / "en.zip", "--units", "0", "--no-verify", "--language", "en")
    return text_of(tmp_path / "en.zip", audit_file.INDEX)


@pytest.mark.parametrize("name", ["1-nonconformities/log.csv", audit_file.ROWS, audit_file.HEADS])
def test_a_changed_byte_is_found_without_the_server(floor: Floor, tmp_path: Path, name: str) -> None:
    worked(floor)
    path, forged = tmp_path / "audit.zip", tmp_path / "forged.zip"
    export(floor, path, "--units", "0", "--no-verify")
    with zipfile.ZipFile(path) as found, zipfile.ZipFile(forged, "w") as out:
        for each in found.namelist():
            content = found.read(each)
            change = (b"hash", b"haSh") if name == audit_file.HEADS else (b"NC-", b"CN-")
            out.writestr(each, content.replace(*change) if each == name else content)
    said = (
        json.loads(run("ledger", "verify", str(forged), "--json", ok=False) or "{}")
        if name != audit_file.HEADS
        else None
    )
    if said is not None:
        assert name in [finding["where"] for finding in said["findings"]]
    else:
        run("ledger", "verify", str(forged), ok=False)


def test_a_row_of_the_ledger_that_was_forged_with_its_sum_does_not_fit_its_hash(floor: Floor, tmp_path: Path) -> None:
    worked(floor)
    path, forged = tmp_path / "audit.zip", tmp_path / "forged.zip"
    export(floor, path, "--units", "0", "--no-verify")
    with zipfile.ZipFile(path) as found:
        contents = {name: found.read(name) for name in found.namelist()}
    forged_rows = contents[audit_file.ROWS].replace(b'\\"title\\":\\"=Insulation', b'\\"title\\":\\"Nothing')
    assert forged_rows != contents[audit_file.ROWS]
    contents[audit_file.ROWS] = forged_rows
    digest = audit_file.hashlib.sha256(contents[audit_file.ROWS]).hexdigest()
    manifest = contents[audit_file.MANIFEST].decode().splitlines()
    fixed = [f"{digest}  {audit_file.ROWS}" if line.endswith(audit_file.ROWS) else line for line in manifest]
    contents[audit_file.MANIFEST] = "".join(f"{line}\n" for line in fixed).encode()
    with zipfile.ZipFile(forged, "w") as out:
        for name, content in contents.items():
            out.writestr(name, content)
    found_out = [finding.what for finding in audit_file.check(forged).findings]
    assert found_out == ["was changed after it was written (hash)"]


def test_what_is_no_audit_file_and_what_cannot_be_written_is_said(floor: Floor, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    other.write_bytes(b"no zip")
    assert "is no audit file" in run("ledger", "verify", str(other), ok=False)
    with zipfile.ZipFile(other, "w") as out:
        out.writestr("x", "y")
    assert "is no audit file" in run("ledger", "verify", str(other), ok=False)
    assert "turn them round" in run("audit", "export", "--from", "2026-11-30", "--to", "2026-11-01", ok=False)
    missing = str(tmp_path / "nowhere" / "a.zip")
    assert "make it first" in run("audit", "export", *DAYS, "--output", missing, ok=False)
    path = tmp_path / "empty.zip"
    export(floor, path, "--no-verify")
    assert len(rows(path, "1-nonconformities/log.csv")) == 1
    assert "agree" in run("ledger", "verify", str(path))
