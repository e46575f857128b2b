"""What a row of yields says: its ratios from its counts, the text of each, and what each figure means.

Pure. Ratios of several rows are those of the added counts. The formulas and their sources are in `mes.domain.yields`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from mes.domain import yields
from mes.domain.ratios import FEW, Ratio
from mes.domain.yields import Rolled
from mes.i18n import N_, _
from mes.rows import StepCounts

Cell = str | int | float | None
COUNTS: Final = tuple(f.name for f in fields(StepCounts))


@dataclass(frozen=True, slots=True)
class Yield:
    """The counts of one group, and the ratios that they make.

    Attributes:
        key: product, order, line, step (with its product), or stretch of time.
        product: where all of it is one product, else "".
        step: where it is one step, else "".
        through: rolled throughput yield with its interval; None for one step, several products, counted pieces, and
            while a step has nothing.
    """

    key: str
    product: str
    step: str
    counts: StepCounts
    through: Rolled | None = None

    @property
    def rolled(self) -> float | None:
        """The rolled throughput yield alone."""
        return self.through.value if self.through else None

    @property
    def ended(self) -> int:
        """Units and pieces of which it is known what became of them: those of a step, or those of a whole route."""
        c = self.counts
        return c.passed + c.failed + c.good + c.scrap if self.step else c.finished + c.scrapped

    @property
    def first_pass(self) -> Ratio:
        """Good at the first go, of all units that were judged for the first time; counted pieces have none."""
        return Ratio(self.counts.first_passed, self.counts.first)

    @property
    def final(self) -> Ratio:
        """Finished good, of all that finished or were lost; undefined for one step."""
        return yields.final_yield(0, 0) if self.step else yields.final_yield(self.counts.finished, self.ended)

    @property
    def scrap(self) -> Ratio:
        """Lost, of all that ended."""
        return yields.scrap_ratio(self.counts.scrapped, self.ended)

    @property
    def rework(self) -> Ratio:
        """Sent back to be mended, of all that ended: a unit that goes back twice counts twice."""
        return yields.rework_ratio(self.counts.reworked, self.ended)

    @property
    def defects(self) -> Ratio:
        """DPU: nonconformities and scrapped pieces, by unit that ended."""
        return Ratio(self.counts.defects + self.counts.scrap, self.ended)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: its heading and its definition, both to be translated."""

    name: str
    means: str


FIGURES: Final[Mapping[str, Figure]] = {
    "first_pass": Figure(
        N_("First-pass yield"),
        N_("Units that passed a step at the first go, of all units that were judged there for the first time."),
    ),
    "rolled": Figure(
        N_("Rolled yield"),
        N_("First-pass yields of all steps of one product, multiplied: the chance to get through without a failure."),
    ),
    "final": Figure(N_("Final yield"), N_("Units and pieces finished good, of all that were finished or scrapped.")),
    "scrap": Figure(N_("Scrap"), N_("Units and pieces scrapped, of all that ended.")),
    "rework": Figure(
        N_("Rework"), N_("Decisions to rework, for all that ended. A unit that goes back twice counts twice.")
    ),
    "defects": Figure(
        N_("Defects per unit"), N_("Nonconformities and scrapped pieces, divided by the units and pieces that ended.")
    ),
}
COLUMNS: Final = ("first_pass", "rolled", "final", "scrap", "rework", "defects")
PROGRAM: Final = dict(
    zip(
        COLUMNS,
        ("first_pass_yield", "rolled_yield", "final_yield", "scrap_ratio", "rework_ratio", "defects_per_unit"),
        strict=True,
    )
)
"""Names for programs: `scrap` and `defects` are counts."""


def said(row: Yield, figure: str, language: str) -> str:
    """A figure as people read it: parts where they are few, a dash where it is undefined."""
    if figure == "rolled":
        return _percent(row.rolled, language)
    ratio: Ratio = getattr(row, figure)
    if figure == "defects":
        return "–" if ratio.value is None else _number(f"{ratio.value:.2f}", language)
    if ratio.value is not None and ratio.numerator > ratio.denominator:
        # More than all of it is a fact, too: units that went back twice, or ended before the first day that was asked.
        return f"{_number(f'{ratio.numerator:.0f}', language)} / {ratio.denominator:.0f}"
    return ratio.said()[language]


def interval(row: Yield, figure: str, language: str) -> str:
    """The Wilson interval of a counted ratio as text; "" where there is none. Of a rolled yield that stands on few, how
    many units its least step has judged."""
    bounds = between(row, figure)
    if bounds is None:
        return ""
    low, high = (_number(f"{100 * b:.0f}", language) for b in bounds)
    least = f" · n ≥ {row.through.least}" if figure == "rolled" and row.through and row.through.least < FEW else ""
    return f"{low}–{high} %{least}"


def between(row: Yield, figure: str) -> tuple[float, float] | None:
    """Between what the true share lies, 95 times of 100; None for what is no share, and for nothing of nothing."""
    if figure == "rolled":
        return (row.through.low, row.through.high) if row.through else None
    ratio: Ratio = getattr(row, figure)
    return None if figure == "defects" else ratio.interval()


def _percent(value: float | None, language: str) -> str:
    return "–" if value is None else f"{_number(f'{100 * value:.1f}', language)} %"


def _number(text: str, language: str) -> str:
    return text.replace(".", ",") if language == "fr" else text


def heads() -> list[str]:
    """The heads of an export, in the language of the command or page that runs: a program reads `keys`."""
    names = [_("group"), _("product"), _("step")]
    for figure in COLUMNS:
        name = _(FIGURES[figure].name)
        names.append(name)
        if figure != "defects":
            names += [_("%(name)s: from", name=name), _("%(name)s: to", name=name)]
    return [*names, _("ended"), *COUNTS]


def keys() -> list[str]:
    """The same columns, as a program names them."""
    names = ["key", "product", "step"]
    for figure, name in PROGRAM.items():
        names += [name] if figure == "defects" else [name, f"{name}_low", f"{name}_high"]
    return [*names, "ended", *COUNTS]


def cells(row: Yield) -> Sequence[Cell]:
    """The values of a row in the order of `heads`: ratios from 0 to 1, None where undefined."""
    out: list[Cell] = [row.key, row.product, row.step]
    for figure in COLUMNS:
        out.append(row.rolled if figure == "rolled" else getattr(row, figure).value)
        if figure != "defects":
            out += between(row, figure) or (None, None)
    return [*out, row.ended, *(getattr(row.counts, name) for name in COUNTS)]
