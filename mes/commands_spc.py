"""`mes spc FILE`: a control chart of a file's values, its signals and the capability, as a table or as JSON.

It reads a file and prints; it knows no database. The calculations are in `mes.domain.spc` and its neighbours; what
`mes spc signals` lists is read by `mes.commands_signals`.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from mes import spc_file
from mes.domain.capability import Capability, Index, Limits, capability
from mes.domain.reasons import sentence
from mes.domain.spc import GROUPED, INDIVIDUAL, CannotChart, Chart, Point, Study, groups, individuals
from mes.domain.spc_attributes import counts
from mes.domain.spc_rules import RULES, Signal, signals
from mes.i18n import _, system_language
from mes.sheet import MOST_BYTES, Unreadable
from mes.spc_data import INDICES, Drawn, as_data, marks_of
from mes.spc_file import BadFile, Sample
from mes.spc_words import CANNOT, NAMES, RULE, WARNING

CHARTS: Final = ("i-mr", "xbar-r", "xbar-s", "p", "np", "c", "u")


def _number(_ctx: click.Context, _param: click.Parameter, text: str | None) -> float | None:
    """A number of an option, with a decimal point or comma."""
    got = None if text is None else spc_file.number(text)
    if text is not None and got is None:
        raise click.BadParameter(_("“%(got)s” is no number.", got=text))
    return got


class _OrSignals(click.Command):
    """`mes spc signals` asks the database, whose packages a bench PC does not have: it is imported when it is used."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] == ["signals"] and not Path("signals").exists():
            listing: click.Command = importlib.import_module("mes.commands_signals").spc_signals
            return listing.make_context(f"{info_name} signals", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command("spc", cls=_OrSignals)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--chart", type=click.Choice(CHARTS), required=True, help="Which chart; docs/spc.md says which for what.")
@click.option("--value", metavar="COLUMN", default="", help="Column of the values or counts: its heading or number.")
@click.option("--group", metavar="COLUMN", default="", help="Column that names the group of each value.")
@click.option("--every", type=click.IntRange(2, 500), help="So many values in a row make a group.")
@click.option("--size", metavar="COLUMN|NUMBER", default="", help="Sizes of the samples of counts.")
@click.option("--lsl", metavar="NUMBER", callback=_number, help="Lower limit of the product.")
@click.option("--usl", metavar="NUMBER", callback=_number, help="Upper limit of the product.")
@click.option("--target", metavar="NUMBER", callback=_number, help="Target; the middle of both limits when not given.")
@click.option("--baseline", metavar="LIST", default="", help="Samples that make the limits (phase I), such as 1-25.")
@click.option("--without", metavar="LIST", default="", help="Samples that do not make the limits, such as 15,23.")
@click.option("--estimator", type=click.Choice((*INDIVIDUAL, *GROUPED)), help="How σ is estimated.")
@click.option("--rules", metavar="LIST", default="1-8", help="Nelson's rules to ask, such as 1-4.", show_default=True)
@click.option("--all", "every_point", is_flag=True, help="Print every sample, not only those with a signal.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def spc(file: Path, chart: str, as_json: bool, every_point: bool, **options: Any) -> None:
    """Draw a control chart from FILE (CSV or XLSX): limits, signals, and capability where limits are given.

    `mes spc signals` lists the signals of the charts that the plan has watched.
    """
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    try:
        samples = _samples(content, chart, options)
        base = _base(options["baseline"], options["without"], len(samples))
        study, charts = _charts(chart, samples, base, options["estimator"])
    except Unreadable as error:
        raise click.ClickException(
            " ".join(sentence(error.problem.reason, error.problem.args, system_language()))
        ) from error
    except BadFile as error:
        raise click.ClickException(str(error)) from error
    except CannotChart as error:
        where = f"{_('line %(line)s', line=samples[error.at].line)}: " if error.at is not None else ""
        raise click.ClickException(where + _(CANNOT[error.reason])) from error
    asked = _numbers(options["rules"], "--rules")
    if not set(asked) <= set(RULES):
        raise click.UsageError(_("--rules: there are the rules 1 to 8."))
    found = [signals(c, asked) for c in charts]
    able = _capability(study, samples, base, found, options)
    drawn = Drawn(samples, base, study, charts, found, able)
    if as_json:
        click.echo(json.dumps(as_data(chart, drawn), ensure_ascii=False, indent=2))
    else:
        _print(drawn, every_point)


def _samples(content: bytes, chart: str, options: Mapping[str, Any]) -> list[Sample]:
    if chart == "i-mr":
        return spc_file.single_values(content, value=options["value"])
    if chart in ("xbar-r", "xbar-s"):
        return spc_file.grouped(content, value=options["value"], group=options["group"], every=options["every"] or 0)
    kind: Any = chart
    return spc_file.counted(content, kind, value=options["value"], size=options["size"])


def _charts(
    chart: str, samples: Sequence[Sample], base: Collection[int], estimator: str | None
) -> tuple[Study | None, list[Chart]]:
    if chart in ("p", "np", "c", "u"):
        if estimator:
            raise click.UsageError(_("--estimator is for charts of measurements."))
        sizes = None if samples[0].size is None else [s.size or 0.0 for s in samples]
        kind: Any = chart
        return None, [counts(kind, [s.values[0] for s in samples], sizes, baseline=base)]
    fitting = INDIVIDUAL if chart == "i-mr" else GROUPED
    if estimator and estimator not in fitting:
        known = ", ".join(fitting)
        raise click.UsageError(_("--estimator: this chart has %(known)s.", known=known))
    how: Any = estimator
    if chart == "i-mr":
        study = individuals([s.values[0] for s in samples], baseline=base, estimator=how or "mr")
    else:
        spread: Any = chart.removeprefix("xbar-")
        study = groups([s.values for s in samples], spread=spread, baseline=base, estimator=how)
    return study, [study.location, study.spread]


def _capability(
    study: Study | None,
    samples: Sequence[Sample],
    base: frozenset[int],
    found: Sequence[Sequence[Signal]],
    options: Mapping[str, Any],
) -> Capability | None:
    """Of the samples that made the limits; signals among them count against it, later ones do not."""
    lsl, usl = options["lsl"], options["usl"]
    if lsl is None and usl is None:
        return None
    if study is None:
        raise click.UsageError(_("--lsl and --usl are for charts of measurements."))
    if lsl is not None and usl is not None and lsl >= usl:
        raise click.UsageError(_("--lsl lies below --usl."))
    values = [v for i in sorted(base) for v in samples[i].values]
    against = [s for some in found for s in some if base.intersection(s.marked)]
    return capability(values, Limits(lsl, usl, options["target"]), study.sigma, signals=against)


def _numbers(text: str, option: str) -> list[int]:
    """`1-25,30` as numbers."""
    out: list[int] = []
    for part in filter(None, re.split(r"[,;\s]+", text)):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
        if match is None:
            raise click.UsageError(_("%(option)s: write numbers and spans, such as 1-25,30.", option=option))
        out += range(int(match[1]), int(match[2] or match[1]) + 1)
    return out


def _base(baseline: str, without: str, count: int) -> frozenset[int]:
    """Indices of the samples that make the limits; people count them from 1."""
    base = {n - 1 for n in _numbers(baseline, "--baseline")} if baseline else set(range(count))
    return frozenset(base - {n - 1 for n in _numbers(without, "--without")})


def _print(drawn: Drawn, every_point: bool) -> None:
    study = drawn.study
    said = _("%(count)s samples, %(base)s of them make the limits.", count=len(drawn.samples), base=len(drawn.base))
    click.echo(said)
    if study is not None:
        mean, sigma = _said(study.mean), _said(study.sigma.value)
        click.echo(_("mean %(mean)s, σ %(sigma)s (%(how)s)", mean=mean, sigma=sigma, how=study.sigma.estimator))
    for chart, some in zip(drawn.charts, drawn.found, strict=True):
        _print_chart(chart, some, drawn.samples, every_point)
    if drawn.able is not None:
        _print_capability(drawn.able)


def _print_chart(chart: Chart, some: Sequence[Signal], samples: Sequence[Sample], every_point: bool) -> None:
    click.echo()
    limits = {(p.low, p.center, p.high) for p in chart.points if p.limited}
    name = _(NAMES[chart.kind])
    if len(limits) == 1:
        low, center, high = map(_said, limits.pop())
        click.echo(
            _("%(name)s: LCL %(low)s, CL %(center)s, UCL %(high)s", name=name, low=low, center=center, high=high)
        )
    else:
        click.echo(_("%(name)s: each sample has limits of its own", name=name))
    marks = marks_of(some)
    shown = [p for p in chart.points if every_point or p.index in marks]
    if shown:
        heads = (_("no."), _("label"), _("value"), _("LCL"), _("CL"), _("UCL"), _("rules"))
        lines = [_row(p, samples[p.index].label, marks.get(p.index, ())) for p in shown]
        _table([heads, *lines])
    for s in some:
        places = _span([i + 1 for i in s.marked])
        side = {1: "↑", -1: "↓"}.get(s.side, "↕")
        click.echo(_("Signal %(side)s rule %(rule)s (%(what)s) at %(places)s, from the samples %(evidence)s",
                     side=side, rule=s.rule, what=_(RULE[s.rule]), places=places,
                     evidence=_span([i + 1 for i in s.evidence])))  # fmt: skip
    if not some:
        click.echo(_("No signal."))


def _print_capability(able: Capability) -> None:
    click.echo()
    for head, of in (("C", able.within), ("P", able.overall)):
        for field, letters in INDICES if of else ():
            index: Index | None = getattr(of, field)
            if index is not None:
                click.echo(f"{head}{letters:3} {_said(index.value, 3):>8}  {_between(index)}")
    for name, ratio in ((_("below the lower limit"), able.below), (_("above the upper limit"), able.above)):
        if ratio is not None:
            click.echo(_("%(name)s: %(value)s", name=name, value=ratio.said()[system_language()]))
    for warning in able.warnings:
        click.echo(_(WARNING[warning]))


def _between(index: Index) -> str:
    return "" if index.low is None or index.high is None else f"[{_said(index.low, 3)} – {_said(index.high, 3)}]"


def _row(p: Point, label: str, rules: Iterable[int]) -> tuple[str, ...]:
    value = "–" if p.value is None else _said(p.value)
    limits = [_said(limit) if p.limited else "–" for limit in (p.low, p.center, p.high)]
    return (str(p.index + 1), label, value, *limits, ",".join(map(str, rules)))


def _table(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        click.echo("  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)).rstrip())


def _span(numbers: Sequence[int]) -> str:
    """Numbers in order, neighbours as spans: 1-3, 7."""
    out: list[list[int]] = []
    for n in numbers:
        if out and n == out[-1][-1] + 1:
            out[-1] = [out[-1][0], n]
        else:
            out.append([n])
    return ", ".join("-".join(map(str, part)) for part in out)


def _said(value: float, decimals: int | None = None) -> str:
    """A number as the language writes it; seven digits where no number of decimals is asked for."""
    text = f"{value:.7g}" if decimals is None else f"{value:.{decimals}f}"
    return text.replace(".", ",") if system_language() == "fr" else text
