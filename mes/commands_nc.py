"""Nonconformities at the command line: `mes nc …`, one command a verb of `mes.nonconformities`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from mes import nc_export, nc_log, quality, revisions, wire
from mes import nonconformities as verbs
from mes.certificates import Received
from mes.commands_table import DAY, columns_of
from mes.db.session import reading, writing
from mes.db.tables import Concession, NcItem, NcRemark, Nonconformity
from mes.domain.nonconformity import DISPOSITIONS, NAMES
from mes.i18n import _, system_language
from mes.orders import Answer
from mes.setup import CONSOLE, database_option, now, open_database, tell


@click.group()
def nc() -> None:
    """Nonconformities, from their report to their end."""


@nc.command("list")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--json", "as_json", is_flag=True)
@database_option
def nc_list(everything: bool, as_json: bool, database: str) -> None:
    """List the open nonconformities."""
    engine = open_database(database)
    with reading(engine) as session:
        wanted = select(Nonconformity).order_by(Nonconformity.id)
        if not everything:
            wanted = wanted.where(Nonconformity.state.not_in(("closed", "cancelled")))
        rows = session.scalars(wanted).all()
        if as_json:
            names = ("id", "unit", "order", "step", "station", "cause", "defect", "state", "disposition", "opened_at")
            click.echo(json.dumps([{n: getattr(r, n) for n in names} for r in rows], ensure_ascii=False))
            return
        for r in rows:
            click.echo(f"{r.id}  {r.unit:20} {r.step:14} {r.cause:14} {r.state:14} {r.disposition or r.title}")
        if not rows:
            click.echo(_("No nonconformity is open."))


@nc.command("show")
@click.argument("nc_id", metavar="NC")
@click.option("--json", "as_json", is_flag=True)
@database_option
def nc_show(nc_id: str, as_json: bool, database: str) -> None:
    """Show NC: what it concerns, what was decided, and which units may be alike."""
    engine = open_database(database)
    with reading(engine) as session:
        row = session.get(Nonconformity, nc_id)
        if row is None:
            raise click.ClickException(Answer(False, "unknown_nc", {"nc": nc_id}).say(system_language()))
        items = session.scalars(select(NcItem).where(NcItem.nc == nc_id).order_by(NcItem.item)).all()
        remarks = session.scalars(select(NcRemark).where(NcRemark.nc == nc_id).order_by(NcRemark.number)).all()
        granted = session.scalars(select(Concession).where(Concession.nc == nc_id).order_by(Concession.id)).all()
        alike = verbs.alike(session, nc_id)
        if as_json:
            said = {
                **columns_of(row),
                "items": [columns_of(i) for i in items],
                "remarks": [columns_of(r) for r in remarks],
                "concessions": [columns_of(c) for c in granted],
                "alike": [asdict(a) for a in alike],
            }
            click.echo(json.dumps(said, ensure_ascii=False, indent=2))
            return
        language = system_language()
        click.echo(f"{row.id}  {NAMES[row.state][language]}  {row.title or row.defect or row.cause}")
        for i in items:
            what = DISPOSITIONS[i.disposition][language] if i.disposition else "–"  # type: ignore[index]
            click.echo(f"  {i.item}  {i.kind:10} {i.subject:20} x{i.quantity}  {i.state:14} {what}")
        for c in granted:
            click.echo(f"  {c.id}  {c.remaining}/{c.count}  {c.expires}  {c.scope}")
        for a in alike:
            click.echo(_("  may be alike: %(unit)s (%(why)s: %(what)s)", unit=a.unit, why=a.why, what=a.what))


def _run(database: str, verb: Callable[[Session, datetime], Answer], done: Callable[[Answer], str]) -> None:
    engine = open_database(database)
    with writing(engine) as session:
        answer = verb(session, now())
    tell(answer, done(answer))


def _done(nc_id: str) -> Callable[[Answer], str]:
    return lambda _answer: _("%(nc)s: done.", nc=nc_id)


@nc.command("open")
@click.argument("title")
@click.option("--unit", "units", multiple=True, help="A unit that is concerned; may be given again.")
@click.option("--pieces", nargs=2, type=(str, int), multiple=True, help="Order and how many pieces.")
@click.option("--lot", nargs=2, multiple=True, help="Part and number of a component lot.")
@click.option("--other", nargs=2, type=(click.Choice(["delivery", "process", "complaint"]), str), multiple=True)
@click.option("--requirement", default="", help="The requirement that is not met.")
@click.option("--severity", type=click.Choice(["minor", "major", "critical"]), default=None)
@click.option("--supplier", default=None)
@click.option("--customer", default=None)
@click.option("--defect", default="", help="The plan's code of the defect.")
@database_option
def nc_open(
    title: str,
    units: tuple[str, ...],
    pieces: tuple[tuple[str, int], ...],
    lot: tuple[tuple[str, str], ...],
    other: tuple[tuple[Any, str], ...],
    requirement: str,
    severity: Any,
    supplier: str | None,
    customer: str | None,
    defect: str,
    database: str,
) -> None:
    """Report what does not conform; units and lots are held at once."""
    items = [
        *(wire.NcItem(kind="unit", subject=u) for u in units),
        *(wire.NcItem(kind="pieces", subject=o, quantity=q) for o, q in pieces),
        *(wire.NcItem(kind="lot", part=p, subject=n) for p, n in lot),
        *(wire.NcItem(kind=k, subject=s) for k, s in other),
    ]
    if not items:
        raise click.ClickException(_("Say what is concerned: --unit, --pieces, --lot or --other."))
    facts = wire.NcFacts(requirement=requirement, severity=severity, supplier=supplier, customer=customer)
    body = wire.NonconformityOpened(title=title, facts=facts, defect=defect, items=tuple(items))
    _run(
        database,
        lambda session, at: verbs.open_nc(session, body, now=at, actor=CONSOLE),
        lambda answer: _("%(nc)s is open.", nc=answer.args.get("nc")),
    )


@nc.command("contain")
@click.argument("nc_id", metavar="NC")
@click.argument("place")
@click.option("--labelled", is_flag=True, help="It carries the red label.")
@click.option("--alike", is_flag=True, help="Hold the units that may be alike, too.")
@database_option
def nc_contain(nc_id: str, place: str, labelled: bool, alike: bool, database: str) -> None:
    """Say that NC lies at PLACE, set aside."""

    def verb(session: Session, at: datetime) -> Answer:
        answer = verbs.contain(session, nc_id, place, now=at, labelled=labelled, actor=CONSOLE)
        found = verbs.alike(session, nc_id) if alike and answer.done else []
        if not found:
            return answer
        items = [wire.NcItem(kind="unit", subject=a.unit, why=f"{a.why}: {a.what}"[:120]) for a in found]
        return verbs.extend(session, nc_id, items, now=at, actor=CONSOLE)

    _run(database, verb, _done(nc_id))


@nc.command("analyse")
@click.argument("nc_id", metavar="NC")
@click.argument("cause")
@database_option
def nc_analyse(nc_id: str, cause: str, database: str) -> None:
    """Say what the matter was."""
    _run(database, lambda s, at: verbs.analyse(s, nc_id, cause, now=at, actor=CONSOLE), _done(nc_id))


@nc.command("decide")
@click.argument("nc_id", metavar="NC")
@click.argument("disposition", type=click.Choice(get_args(wire.Disposition)))
@click.option("--item", "items", type=int, multiple=True, help="Number of an item; the only one when not given.")
@click.option("--step", help="For rework: the step to go back to; the failed one when not given.")
@click.option("--concession", default="", help="For use_as_is: the concession that covers it.")
@click.option("--why", default="", help="The reason, in a few words.")
@database_option
def nc_decide(
    nc_id: str, disposition: Any, items: tuple[int, ...], step: str | None, concession: str, why: str, database: str
) -> None:
    """Decide what becomes of what NC holds."""

    def verb(session: Session, at: datetime) -> Answer:
        row = session.get(Nonconformity, nc_id)
        short = row is not None and row.state == "open" and row.items == 1 and row.unit
        if short and not items and disposition in ("rework", "not_confirmed", "scrap"):
            return quality.decide(session, nc_id, disposition, now=at, step=step, why=why, actor=CONSOLE)
        return verbs.dispose(
            session,
            nc_id,
            items or (1,),
            disposition,
            now=at,
            step=step or "",
            concession=concession,
            why=why,
            actor=CONSOLE,
        )

    _run(database, verb, lambda _answer: _("%(nc)s is decided: %(what)s.", nc=nc_id, what=disposition))


@nc.command("concede")
@click.argument("nc_id", metavar="NC")
@click.option("--scope", required=True, help="What is accepted, in words.")
@click.option("--count", type=click.IntRange(1), required=True, help="How many at most.")
@click.option("--until", type=DAY, required=True, help="The last day.")
@click.option("--serial", "serials", multiple=True, help="Only these units.")
@click.option("--authority", default="", help="Who permits it: the customer, for instance.")
@click.option("--reference", default="", help="The number of their letter.")
@database_option
def nc_concede(
    nc_id: str,
    scope: str,
    count: int,
    until: datetime,
    serials: tuple[str, ...],
    authority: str,
    reference: str,
    database: str,
) -> None:
    """Grant a concession: counted and dated."""

    def verb(session: Session, at: datetime) -> Answer:
        row = session.get(Nonconformity, nc_id)
        body = wire.ConcessionGranted(
            nc=nc_id,
            product=row.product if row else "",
            step=row.step if row else "",
            serials=serials,
            count=count,
            expires=until.date().isoformat(),
            scope=scope,
            authority=authority,
            reference=reference,
        )
        return verbs.grant(session, body, now=at, actor=CONSOLE)

    _run(database, verb, lambda a: _("Concession %(concession)s is granted.", concession=a.args.get("concession")))


@nc.command("treat")
@click.argument("nc_id", metavar="NC")
@click.argument("item", type=int)
@click.option("--bad", type=click.IntRange(0), default=0, help="After sorting: pieces that do not conform.")
@click.option("--note", default="")
@database_option
def nc_treat(nc_id: str, item: int, bad: int, note: str, database: str) -> None:
    """Say that the treatment of ITEM is done."""
    _run(database, lambda s, at: verbs.treat(s, nc_id, item, now=at, bad=bad, note=note, actor=CONSOLE), _done(nc_id))


@nc.command("verify")
@click.argument("nc_id", metavar="NC")
@click.argument("item", type=int)
@click.argument("result", type=click.Choice(["passed", "failed"]))
@click.option("--evidence", required=True, help="The record of the new test.")
@database_option
def nc_verify(nc_id: str, item: int, result: str, evidence: str, database: str) -> None:
    """Say how ITEM came through its new test."""
    passed = result == "passed"
    _run(
        database,
        lambda s, at: verbs.reverify(s, nc_id, item, passed=passed, evidence=evidence, now=at, actor=CONSOLE),
        _done(nc_id),
    )


@nc.command("remark")
@click.argument("nc_id", metavar="NC")
@click.option("--text", default="")
@click.option("--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@database_option
def nc_remark(nc_id: str, text: str, path: Path | None, database: str) -> None:
    """Comment on NC, or file a picture or a PDF with it."""
    received = Received(path.name, path.read_bytes()) if path else None
    _run(
        database,
        lambda s, at: verbs.remark(s, nc_id, now=at, text=text, received=received, actor=CONSOLE),
        _done(nc_id),
    )


@nc.command("merge")
@click.argument("nc_id", metavar="NC")
@click.argument("into")
@database_option
def nc_merge(nc_id: str, into: str, database: str) -> None:
    """NC is the same as INTO, which goes on."""
    _run(database, lambda s, at: verbs.merge(s, nc_id, into, now=at, actor=CONSOLE), _done(nc_id))


def _ended(name: str, verb: Callable[..., Answer], what: str, *, needs_why: bool) -> None:
    def command(nc_id: str, why: str, database: str) -> None:
        _run(database, lambda s, at: verb(s, nc_id, now=at, why=why, actor=CONSOLE), _done(nc_id))

    command.__doc__ = what
    made = click.argument("nc_id", metavar="NC")(database_option(command))
    nc.command(name)(click.option("--why", default="", required=needs_why, help="The reason, in a few words.")(made))


_ended("close", verbs.close, "NC is over: all is decided, treated and verified.", needs_why=False)
_ended("cancel", verbs.cancel, "NC was opened by mistake; what it holds goes free.", needs_why=True)
_ended("reopen", verbs.reopen, "NC was not over.", needs_why=True)


def filter_of(chosen: Iterable[str], first: datetime | None, last: datetime | None) -> nc_log.Filter:
    """A filter of the log out of options.

    Args:
        chosen: `name=value`, as in the address of the log's page.

    Raises:
        click.ClickException: a name or a value that there is not.
    """
    given = dict(each.partition("=")[::2] for each in chosen)
    given |= {name: day.date().isoformat() for name, day in (("first", first), ("last", last)) if day}
    wanted, wrong = nc_log.read(given)
    if unknown := [*wrong, *sorted(given.keys() - set(nc_log.NAMES))]:
        known = ", ".join(nc_log.NAMES)
        raise click.ClickException(_("I cannot filter by %(name)s. Names: %(known)s.", name=unknown[0], known=known))
    return wanted


@nc.command("export")
@click.option("--format", "kind", type=click.Choice(nc_export.KINDS), default="csv", show_default=True)
@click.option("--from", "first", type=DAY, help="First day of opening, YYYY-MM-DD.")
@click.option("--to", "last", type=DAY, help="Last day of opening, YYYY-MM-DD.")
@click.option("--filter", "chosen", multiple=True, metavar="NAME=VALUE", help="As in the address of the log's page.")
@click.option("--separator", type=click.Choice([";", ","]), help="Of a CSV; that of the language when left out.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
@database_option
def nc_export_log(
    kind: str,
    first: datetime | None,
    last: datetime | None,
    chosen: tuple[str, ...],
    separator: str | None,
    out: Path,
    database: str,
) -> None:
    """Write the log of nonconformities to a file: all that ISO 9001, 8.7.2 asks for."""
    wanted = filter_of(chosen, first, last)
    with reading(open_database(database)) as session:
        plan = revisions.latest_plan(session)
        log = nc_log.Log.of(plan, now())
        total = nc_log.count(session, log, wanted)
        if kind == "pdf" and total > nc_export.MOST_ON_PAPER:
            most = nc_export.MOST_ON_PAPER
            raise click.ClickException(_("A PDF holds %(most)s rows. Choose fewer days, or take the table.", most=most))

        def watched(lines: Iterable[nc_log.Line]) -> Iterator[nc_log.Line]:
            with click.progressbar(lines, length=total, file=sys.stderr) as bar:
                yield from bar

        words = nc_export.Words(plan, system_language(), log)
        with out.open("wb") as file:
            nc_export.write(session, kind, wanted, words, file, separator=separator, watched=watched)
    click.echo(_("%(file)s: %(count)s nonconformities.", file=out, count=total))
