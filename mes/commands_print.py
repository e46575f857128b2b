"""The label printers' queue at the command line: `mes print list|came-out|again|cancel`."""

from __future__ import annotations

import click

from mes import printing
from mes.db.session import reading, writing
from mes.domain.reasons import sentence
from mes.i18n import _, system_language
from mes.printing import Decision
from mes.setup import CONSOLE, database_option, now, open_database, tell


@click.group("print")
def print_group() -> None:
    """Labels on their way to a printer: list them, say what became of them."""


@print_group.command("list")
@database_option
def listing(database: str) -> None:
    """What waits and what is unsure, one a line: number, printer, state, label, copy, why."""
    with reading(open_database(database)) as session:
        for job in printing.listed(session):
            why = sentence(job.why, {"text": job.subject}, system_language())[0] if job.why else ""
            click.echo(f"{job.id}\t{job.printer}\t{job.state}\t{job.template} {job.subject}\t{job.copy}\t{why}")


@print_group.command("came-out")
@click.argument("job", type=click.IntRange(1))
@database_option
def came_out(job: int, database: str) -> None:
    """Label JOB, which was unsure, lies there."""
    _decide(job, "came_out", database)


@print_group.command("again")
@click.argument("job", type=click.IntRange(1))
@database_option
def again(job: int, database: str) -> None:
    """Print label JOB, which was unsure, again: marked as a copy."""
    _decide(job, "again", database)


@print_group.command("cancel")
@click.argument("job", type=click.IntRange(1))
@database_option
def cancel(job: int, database: str) -> None:
    """Label JOB is not wanted any more."""
    _decide(job, "cancel", database)


def _decide(job: int, decision: Decision, database: str) -> None:
    with writing(open_database(database)) as session:
        answer = printing.decide(session, job, decision, now=now(), actor=CONSOLE)
    tell(answer, _("Label %(job)s: noted.", job=job))
