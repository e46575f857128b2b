"""`mes …`: finds the command, imports only what it needs, and turns errors into a sentence that says what to do next.

Commands of the server are named here by module, so that a bench PC without SQLAlchemy still runs `mes station`;
commands of `web` and `stations` come from entry points, because this package knows neither.
"""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import entry_points
from typing import Any, Final

import click

from mes.i18n import N_, _

BUILT_IN: Final[dict[str, str]] = {
    "plan": "mes.commands_plan:plan",
    "order": "mes.commands_orders:order",
    "badge": "mes.commands_badges:badge",
    "qualification": "mes.commands_badges:qualification",
    "people": "mes.commands_people:people",
    "instrument": "mes.commands_instruments:instrument",
    "sampling": "mes.commands_sampling:sampling",
    "nc": "mes.commands_pareto:nc",  # with what mes.commands_nc has
    "action": "mes.commands_action:action",
    "audit": "mes.commands_audit:audit",
    "lot": "mes.commands_lots:lot",
    "cartons": "mes.commands_cartons:cartons",
    "trace": "mes.commands_trace:trace_group",
    "labels": "mes.commands_labels:labels_group",
    "release": "mes.commands_shipping:release",
    "delivery": "mes.commands_delivery:delivery",
    "certificate": "mes.commands_delivery:certificate",
    "print": "mes.commands_print:print_group",
    "ledger": "mes.commands_ledger:ledger_group",
    "requeue": "mes.commands_ledger:requeue",
    "db": "mes.commands_ledger:db",
    "doctor": "mes.commands_doctor:doctor",
    "tls": "mes.commands_tls:tls",
    "load": "mes.load:load",
    "test": "mes.commands_test:test_group",
    "user": "mes.commands_users:user",
    "spc": "mes.commands_spc:spc",
    "key": "mes.commands_keys:key",
    "yield": "mes.commands_reports:yield_",
    "failures": "mes.commands_failures:failures_",
    "report": "mes.commands_period:report",
    "flow": "mes.commands_flow:flow",
}
MORE: Final[dict[str, dict[str, str]]] = {
    # Sub-commands that a group gains when the server's packages are there.
    "plan": {"publish": "mes.commands_office:publish"},
    "station": {
        "add": "mes.commands_office:station_add",
        "rotate": "mes.commands_office:station_rotate",
        "revoke": "mes.commands_office:station_revoke",
    },
}
EXTRAS: Final[dict[str, str]] = {
    "sqlalchemy": "server",
    "alembic": "server",
    "argon2": "server",
    "gunicorn": "server",
    "cryptography": "server",
    "flask_socketio": "server",
    "barcode": "server",
    "openpyxl": "server",
    "segno": "server",
    "typst": "server",
    "serial": "station",
    "waitress": "station",
    "urllib3": "station",
}
SUMMARIES: Final[dict[str, str]] = {
    # Written here, so that `mes --help` need not import everything.
    "plan": N_("The plan: check it, publish it."),
    "order": N_("Work orders: create, release, hold, resume, close, cancel."),
    "audit": N_("The audit file for ISO 9001: export it."),
    "action": N_("Corrective actions: causes, tasks, whether it has worked, the 8D report."),
    "nc": N_("Nonconformities: report, contain, decide, close."),
    "lot": N_("Component lots: receive, import, list, hold, release."),
    "badge": N_("Badges: issue, end, list."),
    "qualification": N_("Who may do what until when: grant, withdraw, list."),
    "people": N_("What is held on people, and how long."),
    "instrument": N_("Measuring instruments: list, add, calibrate, retire."),
    "trace": N_("Traceability: one unit, where a component went, dossiers."),
    "labels": N_("Labels of units, travellers of orders, control codes: to PDF."),
    "release": N_("Release of finished goods: check it, give it, take it back."),
    "delivery": N_("Deliveries: prepare, send, cancel, list, show, papers."),
    "certificate": N_("Certificate of conformity of an order, carton or delivery: to PDF."),
    "print": N_("Labels on their way to a printer: list, came out, again, cancel."),
    "ledger": N_("The ledger: verify it, list it."),
    "requeue": N_("Try quarantined events again."),
    "db": N_("The database: make it, migrate it."),
    "doctor": N_("Does the server answer, is the database sound?"),
    "tls": N_("Certificates of this server: make them, show them."),
    "load": N_("Measure a server on this machine."),
    "test": N_("Testers' records: bring them into the ledger."),
    "spc": N_("A control chart of a file: limits, signals, capability."),
    "report": N_("The figures of some days as a workbook or as files."),
    "yield": N_("Yields by product, order, line, step, shift, day or week."),
    "user": N_("Accounts: add, list, roles, disable, enable, reset."),
    "key": N_("Keys of programs for the REST interface: add, list, end."),
    "station": N_("A bench PC: run it, enrol it, shut it out."),
    "serve": N_("Run the server."),
    "simulate": N_("Virtual instruments and scanners, to try a bench without any."),
    "demo": N_("A server, simulated benches and the board."),
}
NO_EXTRA: Final = N_(
    "This command needs packages that are not installed (%(missing)s). "
    "Install them: pip install 'atelier-mes[%(extra)s]'"
)


class Commands(click.Group):
    """The top of `mes`: commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name."""
        return sorted({*BUILT_IN, *MORE, *(e.name for e in entry_points(group="mes.commands"))})

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing one of them."""
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(SUMMARIES.get(name, ""))) for name in self.list_commands(ctx)])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if name not in self.list_commands(ctx):
            return None
        try:
            return _load(name)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in EXTRAS:
                raise
            text = _(NO_EXTRA, missing=missing, extra=EXTRAS[missing])
            return click.Command(name, callback=lambda *a, **k: _fail(text), help=text, context_settings=_ANYTHING)


class Wider(click.Group):
    """A group with sub-commands of another module, imported when they are used: a bench PC is spared the server's."""

    def __init__(self, group: click.Group, more: dict[str, str]) -> None:
        super().__init__(group.name, commands=group.commands, help=group.help, callback=group.callback)
        self._more = more

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The group's own, and the others that can be imported here."""
        return sorted({*self.commands, *self._more})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The group's own command, or the other one, imported now; None where its packages are missing."""
        if name in self.commands or name not in self._more:
            return self.commands.get(name)
        try:
            found: click.Command = _imported(self._more[name])
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in EXTRAS:
                raise
            return None
        return found


_ANYTHING: Final[dict[str, Any]] = {"ignore_unknown_options": True, "allow_extra_args": True}


def _fail(text: str) -> None:
    raise click.ClickException(text)


def _load(name: str) -> click.Command:
    found = next((e for e in entry_points(group="mes.commands") if e.name == name), None)
    command: click.Command
    if name in BUILT_IN:
        command = _imported(BUILT_IN[name])
    elif found is not None:
        command = found.load()
    else:
        command = click.Group(name)
    return Wider(command, MORE[name]) if name in MORE and isinstance(command, click.Group) else command


def _imported(where: str) -> Any:
    module, _sep, attribute = where.partition(":")
    return getattr(importlib.import_module(module), attribute)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="atelier-mes", prog_name="mes")
def main() -> None:
    """Atelier: the manufacturing execution system of a small workshop."""


def run() -> None:
    """For `python -m mes.cli`: the same as the `mes` command."""
    sys.exit(main())


if __name__ == "__main__":
    run()
