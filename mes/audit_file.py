"""The audit file: one zip that an ISO 9001 auditor takes away, and that can be checked later without the server.

`write` puts it together from one reading transaction; `check` looks at such a file again. Every file in the zip has its
SHA-256 in `MANIFEST.sha256`; the ledger's rows of the period come with all that their hashes cover, so each can be
computed again. People are pseudonyms in it, and nobody's work is measured.

Source: ISO 9001:2015, 7.1.5, 7.2, 7.5, 8.5.2, 8.6, 8.7, 10.2.
"""

from __future__ import annotations

import hashlib
import json
import random
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic_core import to_json
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import audit_tables, certificates, dossier, eight_d, ledger, revisions, trace, typeset, wire
from mes.audit_tables import Period
from mes.db.base import utc_text
from mes.db.tables import Calibration, Chain, CorrectiveAction, Ledger, UnitRow
from mes.export import csv_lines
from mes.i18n import N_, translator
from mes.ledger import Finding
from mes.orders import Answer, request

MANIFEST: Final = "MANIFEST.sha256"
INDEX: Final = "00-INDEX.pdf"
HEADS: Final = "8-ledger/heads.json"
ROWS: Final = "8-ledger/rows.jsonl"
REPORT: Final = "8-ledger/verification.json"
_OLD: Final = (1980, 1, 1, 0, 0, 0)  # the same facts give the same bytes, whatever the clock says
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file is to hold: days at the site, how many units are drawn, by which seed, in which language."""

    first: str
    last: str
    units: int
    seed: int
    language: str


@dataclass(frozen=True, slots=True)
class Made:
    """What was written: the manifest's SHA-256 names the whole file."""

    sha256: str
    files: int
    size: int
    drawn: Sequence[str]


@dataclass(slots=True)
class _Zip:
    """A zip that is being written, and the sum of each file in it."""

    out: zipfile.ZipFile
    sums: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        digest, info = hashlib.sha256(), zipfile.ZipInfo(name, _OLD)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        with self.out.open(info, "w", force_zip64=True) as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        self.sums[name] = digest.hexdigest()

    def table(self, name: str, head: Sequence[str], rows: Iterable[Sequence[Any]], *, french: bool) -> None:
        count = 0

        def counted() -> Iterator[Sequence[Any]]:
            nonlocal count
            for row in rows:
                count += 1
                yield row

        self.add(name, (line.encode() for line in csv_lines(head, counted(), french=french)))
        self.counts[name] = count


def write(
    session: Session,
    path: Path,
    wanted: Wanted,
    *,
    now: datetime,
    findings: Sequence[Finding] | None,
    progress: Progress = lambda _said: None,
) -> Made:
    """Write the audit file.

    Args:
        session: a reading session: the file shows one moment.
        findings: what `mes ledger verify` has found just now; None: it was not run, and the file says so.
        progress: is told which part comes next.
    """
    period = Period.of(wanted.first, wanted.last, revisions.timezone_of(session))
    part = path.with_name(path.name + ".part")  # what is broken off never looks like a whole one
    with zipfile.ZipFile(part, "w") as out:
        made = _Zip(out)
        for table in audit_tables.TABLES:
            progress(table.name)
            head = [translator(wanted.language).gettext(word) for word in table.head]
            made.table(table.name, head, table.rows(session, period), french=wanted.language == "fr")
        _papers(session, made, period, wanted, now, progress)
        drawn = _dossiers(session, made, period, wanted, progress)
        progress(ROWS)
        _ledger(session, made, period, findings)
        made.add(INDEX, [_index(made, wanted, drawn, findings, now)])
        manifest = "".join(f"{digest}  {name}\n" for name, digest in sorted(made.sums.items())).encode()
        made.add(MANIFEST, [manifest])
    part.replace(path)
    return Made(hashlib.sha256(manifest).hexdigest(), len(made.sums), path.stat().st_size, drawn)


def record(session: Session, wanted: Wanted, made: Made, *, now: datetime, actor: str | None) -> Answer:
    """Note in the ledger that the file was given out: later it can be told from any other."""
    body = wire.AuditFileMade(
        first=wanted.first,
        last=wanted.last,
        sha256=made.sha256,
        size=made.size,
        units=len(made.drawn),
        seed=wanted.seed,
    )
    return request(session, "AuditFileMade", body, now=now, actor=actor)


def _papers(session: Session, made: _Zip, period: Period, wanted: Wanted, now: datetime, progress: Progress) -> None:
    actions = select(CorrectiveAction.id).where(period.holds(CorrectiveAction.opened_at)).order_by(CorrectiveAction.id)
    for action in session.scalars(actions).all():
        found = eight_d.known(session, action, now=now)
        if found is not None:
            progress(action)
            made.add(f"3-corrective-actions/8D-{action}.pdf", [eight_d.report(found, wanted.language, now=now)])
    named = select(Calibration.file_sha256, Calibration.file_name, Calibration.instrument, Calibration.number)
    query = named.where(Calibration.file_sha256.is_not(None), period.holds_day(Calibration.done))
    for digest, name, instrument, number in session.execute(query.order_by(Calibration.instrument, Calibration.number)):
        content = certificates.content_of(session, digest or "")
        if content is not None:  # `mes ledger verify` says that one is missing
            made.add(f"4-instruments/certificates/{instrument}-{number}-{name}", [content])


def _dossiers(session: Session, made: _Zip, period: Period, wanted: Wanted, progress: Progress) -> Sequence[str]:
    """Units finished in the period, drawn by the seed: anybody can draw the same ones again."""
    finished = select(UnitRow.serial).where(UnitRow.state == "done", period.holds(UnitRow.since))
    all_of_them = session.scalars(finished.order_by(UnitRow.serial)).all()
    drawn = sorted(random.Random(wanted.seed).sample(all_of_them, min(wanted.units, len(all_of_them))))  # noqa: S311
    for serial in drawn:
        found = trace.dossier(session, serial)
        if found is not None:
            progress(serial)
            made.add(f"7-units/{audit_tables.file_name(serial)}.pdf", [dossier.made(found, wanted.language).content])
    made.counts["7-units/"] = len(all_of_them)
    return drawn


def _ledger(session: Session, made: _Zip, period: Period, findings: Sequence[Finding] | None) -> None:
    heads = session.execute(select(Chain.source, Chain.seq, Chain.hash).order_by(Chain.source)).all()
    said = [{"source": source, "seq": seq, "hash": digest} for source, seq, digest in heads]
    made.add(HEADS, [json.dumps(said, indent=1).encode()])
    rows = select(Ledger).where(period.holds(Ledger.received_at)).order_by(Ledger.n).execution_options(yield_per=1_000)
    made.add(ROWS, (to_json(ledger.hashed(row)) + b"\n" for row in session.scalars(rows)))
    report: dict[str, Any] = {"ran": findings is not None}
    if findings is not None:
        report |= {"agrees": not findings, "findings": [{"where": f.where, "what": f.what} for f in findings]}
    made.add(REPORT, [json.dumps(report, ensure_ascii=False, indent=1).encode()])


def _index(
    made: _Zip, wanted: Wanted, drawn: Sequence[str], findings: Sequence[Finding] | None, now: datetime
) -> bytes:
    say = translator(wanted.language).gettext
    rows = [(t.clause, say(t.title), t.name, str(made.counts[t.name])) for t in audit_tables.TABLES]
    reports = sum(1 for name in made.sums if name.startswith("3-corrective-actions/8D-"))
    papers = sum(1 for name in made.sums if name.startswith("4-instruments/certificates/"))
    rows += [
        ("10.2", say(N_("8D reports of the corrective actions")), "3-corrective-actions/", str(reports)),
        ("7.1.5", say(N_("Certificates of calibration")), "4-instruments/certificates/", str(papers)),
        ("8.5.2", say(N_("Dossiers of the units that were drawn")), "7-units/", str(len(drawn))),
        ("7.5", say(N_("Rows of the ledger with their hashes, and the head of each chain")), "8-ledger/", ""),
    ]
    if findings is None:
        verified = N_("The ledger was not replayed for this file: “mes ledger verify” does it.")
    elif findings:
        verified = N_("The ledger was checked and replayed for this file: something does not agree (see 8-ledger).")
    else:
        verified = N_("The ledger was checked and replayed for this file: the chains hold and every state agrees.")
    draw = N_("Drawn at random: %(drawn)s of %(all)s units finished in this time (seed %(seed)s).")
    data = {
        "title": say(N_("Audit file")),
        "language": wanted.language,
        "said": say(N_("From %(first)s to %(last)s")) % {"first": wanted.first, "last": wanted.last},
        "texts": [
            say(N_("Open the tables with a spreadsheet, the papers with any PDF reader. People are pseudonyms here.")),
            say(draw) % {"drawn": len(drawn), "all": made.counts["7-units/"], "seed": wanted.seed},
            say(verified),
            say(N_("To check this file later, without the server: “mes ledger verify FILE.zip”.")),
        ],
        "head": [say(N_("Clause")), say(N_("What it is")), say(N_("File")), say(N_("Count"))],
        "rows": rows,
        "foot": say(N_("Made %(when)s UTC")) % {"when": utc_text(now)[:16].replace("T", " ")},
    }
    return typeset.pdf("audit", data, now=now, archive=True)


# --- to check it again ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at an audit file has found; `sha256` is what the ledger knows it by."""

    sha256: str
    files: int
    rows: int
    findings: Sequence[Finding]


def check(path: Path) -> Checked:
    """Look at an audit file again: every sum, every hash of the ledger's rows, and that each follows its forerunner.

    Raises:
        ValueError: this is no audit file; the text says what is missing.
    """
    try:
        with zipfile.ZipFile(path) as found:
            return _checked(found)
    except (zipfile.BadZipFile, KeyError, OSError, json.JSONDecodeError) as error:
        raise ValueError(str(error)) from error


def _checked(found: zipfile.ZipFile) -> Checked:
    manifest = found.read(MANIFEST)
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in manifest.decode().splitlines())}
    findings: list[Finding] = []
    present = set(found.namelist()) - {MANIFEST}
    findings += [Finding(name, "is missing") for name in sorted(sums.keys() - present)]
    findings += [Finding(name, "was added") for name in sorted(present - sums.keys())]
    for name in sorted(present & sums.keys()):
        digest = hashlib.sha256()
        with found.open(name) as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        if digest.hexdigest() != sums[name]:
            findings.append(Finding(name, "was changed"))
    rows, broken = _chained(found)
    return Checked(hashlib.sha256(manifest).hexdigest(), len(sums), rows, [*findings, *broken])


def _chained(found: zipfile.ZipFile) -> tuple[int, list[Finding]]:
    """Compute the ledger's hashes again; a chain begins anywhere, but it goes on without a gap, and up to no other
    row than its head."""
    heads = {head["source"]: head for head in json.loads(found.read(HEADS))}
    findings: list[Finding] = []
    last: dict[str, dict[str, Any]] = {}
    count = 0
    with found.open(ROWS) as lines:
        for line in lines:
            row = json.loads(line)
            count += 1
            where = f"ledger {row['n']}"
            if row["hash"] != ledger.row_hash(row["prev_hash"], row):
                findings.append(Finding(where, "was changed after it was written (hash)"))
            before = last.get(row["source"])
            if before is not None and (row["prev_hash"], row["seq"]) != (before["hash"], before["seq"] + 1):
                findings.append(Finding(where, f"does not follow the row before it of {row['source']}"))
            last[row["source"]] = row
    for source, row in last.items():
        head = heads.get(source)
        if head is None or row["seq"] > head["seq"] or (row["seq"] == head["seq"] and row["hash"] != head["hash"]):
            findings.append(Finding(f"ledger {row['n']}", f"is not on the chain of {source}"))
    return count, findings
