"""`mes spc signals`: the signals of the charts that the plan has watched, as a list or as JSON with their evidence."""

from __future__ import annotations

import json

import click

from mes import revisions, signals
from mes.db.session import reading
from mes.db.tables import ControlSignal
from mes.domain.route import Plan
from mes.i18n import _, system_language
from mes.setup import database_option, open_database
from mes.signals import STATES
from mes.spc_words import RULE


@click.command("signals")
@click.option("--all", "everything", is_flag=True, help="Those that are over or closed, too; the latest first.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON, with the readings.")
@database_option
def spc_signals(everything: bool, as_json: bool, database: str) -> None:
    """List the signals of control charts that are open, the oldest first."""
    with reading(open_database(database)) as session:
        found = signals.listed(session, everything=everything)
        if as_json:
            click.echo(json.dumps([signals.as_data(s) for s in found], ensure_ascii=False, indent=2))
            return
        plan = revisions.latest_plan(session)
        for s in found:
            said = ", ".join(f"{rule} ({_(RULE[rule])})" for rule in dict.fromkeys(r for _c, r in signals.rules_of(s)))
            stops = f"  {_('stops the step')}" if signals.stopping(plan, s) else ""
            click.echo(f"{s.id}  {s.opened_at[:16]}  {_(STATES[s.state])}{stops}  {_named(plan, s)}  {said}")
        if not found:
            click.echo(_("No signal is open."))


def _named(plan: Plan | None, signal: ControlSignal) -> str:
    found = signals.place(plan, signal)
    names = [thing.name.to(system_language()) for thing in found] if found else [signal.step, signal.test]
    return " · ".join((signal.product, *names))
