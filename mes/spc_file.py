"""A file of measurements or counts read into what a control chart is drawn from, or into what is wrong with it.

Bytes and names of columns in, numbers out: it knows no database and prints nothing. Each problem names its line, its
column and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal

from mes.domain.plain import plain
from mes.i18n import N_, _
from mes.sheet import cells

MOST_ROWS: Final = 100_000
VALUE: Final = frozenset(("value", "values", "valeur", "measure", "measurement", "mesure", "reading", "y", "x"))
GROUP: Final = frozenset(
    ("group", "subgroup", "sample", "batch", "groupe", "sous-groupe", "echantillon", "prelevement", "lot", "no", "n°")
)
SIZE: Final = frozenset(("size", "n", "inspected", "units", "taille", "effectif", "controles", "unites"))
COUNT: Final = frozenset(
    ("count", "found", "nonconforming", "nonconformities", "defects", "defectives", "d", "c", "x", "nombre", "defauts",
     "non conformes", "non-conformes", "non conformites", "non-conformites")
)  # fmt: skip

NO_NUMBER: Final = N_("“%(got)s” is no number. Correct it, or take the line out.")
EMPTY: Final = N_("The value is missing. Write it, or take the line out.")


class BadFile(Exception):
    """What is wrong with a file, as a sentence that says what to do; line 0: the whole file."""

    def __init__(self, text: str, line: int = 0, column: str = "") -> None:
        super().__init__(text)
        self.text, self.line, self.column = text, line, column

    def __str__(self) -> str:
        """The sentence, with its line and column."""
        if not self.line:
            return self.text
        where = _("line %(line)s, %(column)s", line=self.line, column=self.column or "–")
        return f"{where}: {self.text}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One plotted sample: how the file calls it, at which line it begins, and its values or its count."""

    label: str
    line: int
    values: tuple[float, ...]
    size: float | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    """Cells below headings; columns without a heading are called by their number."""

    headings: Sequence[str]
    rows: Sequence[tuple[int, Sequence[str]]]

    def column(self, name: str) -> int:
        """The place of a column that somebody asked for, by heading or number."""
        wanted = plain(name)
        for place, heading in enumerate(self.headings):
            if plain(heading) == wanted:
                return place
        if name.isdecimal() and 1 <= int(name) <= len(self.headings):
            return int(name) - 1
        known = ", ".join(self.headings)
        raise BadFile(_("There is no column “%(name)s”. There are: %(known)s.", name=name, known=known))

    def named(self, words: frozenset[str]) -> int | None:
        """The first column whose heading is one of these words."""
        return next((i for i, h in enumerate(self.headings) if plain(h) in words), None)

    def numeric(self, but: Sequence[int | None] = ()) -> list[int]:
        """Columns of which most cells are numbers, without those that have another part."""
        out = []
        for place in range(len(self.headings)):
            filled = [row[place] for _line, row in self.rows if row[place]]
            good = sum(number(text) is not None for text in filled)
            if filled and 2 * good > len(filled) and place not in but:
                out.append(place)
        return out

    def value(self, line: int, row: Sequence[str], place: int) -> float:
        """The number in a cell."""
        got = number(row[place])
        if got is None:
            text = _(NO_NUMBER, got=row[place][:40]) if row[place] else _(EMPTY)
            raise BadFile(text, line, self.headings[place])
        return got


def number(text: str) -> float | None:
    """A number with a decimal point or comma and blanks between thousands; None for anything else."""
    bare = text.replace("\u00a0", "").replace("\u202f", "").replace(" ", "")
    if bare.count(",") == 1 and "." not in bare:
        bare = bare.replace(",", ".")
    try:
        got = float(bare) if bare.isascii() and "_" not in bare else float("nan")
    except ValueError:
        return None
    return got if isfinite(got) else None


def single_values(content: bytes, *, value: str = "") -> list[Sample]:
    """Values in one column, for a chart of individuals."""
    table = _table(content)
    place = _value_column(table, value, VALUE)
    label = table.named(GROUP)
    return [_single(table, line, row, place, label if label != place else None) for line, row in table.rows]


def grouped(content: bytes, *, value: str = "", group: str = "", every: int = 0) -> list[Sample]:
    """Values in groups: a column that names the group, so many lines each, or a line with several values each.

    Args:
        every: so many values in a row make a group.
    """
    table = _table(content)
    label = table.column(group) if group else table.named(GROUP)
    if every:
        place = _value_column(table, value, VALUE)
        singles = [_single(table, line, row, place, None) for line, row in table.rows]
        starts = range(0, len(singles), every)
        return [_joined(singles[i : i + every], str(n)) for n, i in enumerate(starts, 1)]
    numbers = table.numeric(but=(label,))
    if label is None and len(numbers) < 2:
        raise BadFile(_("Nothing says which values make a group. Give --group COLUMN, or --every N."))
    if label is not None and (value or group or len(numbers) == 1):
        return _long(table, label, _value_column(table, value, VALUE, but=label))
    return _wide(table, label, numbers)


def counted(content: bytes, kind: Literal["p", "np", "c", "u"], *, value: str = "", size: str = "") -> list[Sample]:
    """Counts with the size of their sample.

    Args:
        size: a column, or one number for all samples; when not given, a column whose heading says so.
    """
    table = _table(content)
    fixed = number(size) if size and size not in table.headings else None
    sizes = None if fixed is not None else table.column(size) if size else table.named(SIZE)
    if fixed is None and sizes is None and kind != "c":
        raise BadFile(_("Nothing says how large the samples are. Give --size COLUMN, or --size NUMBER."))
    label = table.named(GROUP)
    place = _value_column(table, value, COUNT, but=sizes)
    out = []
    for line, row in table.rows:
        n = fixed if sizes is None else table.value(line, row, sizes)
        one = _single(table, line, row, place, label if label != place else None)
        out.append(Sample(one.label, line, one.values, n))
    return out


def _table(content: bytes) -> _Table:
    all_ = cells(content, most_rows=MOST_ROWS, least_rows=1)
    width = max(len(row) for row in all_)
    padded = [[*row, *[""] * (width - len(row))] for row in all_]
    headed = any(cell and number(cell) is None for cell in padded[0])
    headings = [h or str(i) for i, h in enumerate(padded[0], 1)] if headed else [str(i + 1) for i in range(width)]
    rows = [(line, row) for line, row in enumerate(padded, 1) if any(row) and not (headed and line == 1)]
    if not rows:
        raise BadFile(_("There is no line with values. The first line has the headings, the others the values."))
    return _Table(headings, rows)


def _value_column(table: _Table, asked: str, words: frozenset[str], but: int | None = None) -> int:
    """The column of values: the one asked for, the only one with numbers, or the only one with a usual heading."""
    if asked:
        return table.column(asked)
    numbers = table.numeric(but=(but,))
    usual = [i for i in numbers if plain(table.headings[i]) in words]
    plausible = [i for i in numbers if plain(table.headings[i]) not in GROUP]
    for some in (usual, plausible, numbers):
        if len(some) == 1:
            return some[0]
    if not numbers:
        raise BadFile(_("No column holds numbers."))
    names = ", ".join(table.headings[i] for i in numbers)
    raise BadFile(_("Several columns hold numbers: %(names)s. Say which with --value COLUMN.", names=names))


def _single(table: _Table, line: int, row: Sequence[str], place: int, label: int | None) -> Sample:
    said = row[label] if label is not None else ""
    return Sample(said or str(line), line, (table.value(line, row, place),))


def _joined(some: Sequence[Sample], label: str) -> Sample:
    return Sample(label, some[0].line, tuple(v for s in some for v in s.values))


def _long(table: _Table, label: int, place: int) -> list[Sample]:
    """One value a line; lines of one group need not stand together, groups keep the order of their first line."""
    groups: dict[str, list[Sample]] = {}
    for line, row in table.rows:
        if not row[label]:
            raise BadFile(_("The group is missing. Write it, or take the line out."), line, table.headings[label])
        groups.setdefault(row[label], []).append(_single(table, line, row, place, label))
    return [_joined(some, name) for name, some in groups.items()]


def _wide(table: _Table, label: int | None, numbers: Sequence[int]) -> list[Sample]:
    """One group a line; an empty cell is a value that was not taken."""
    out = []
    for line, row in table.rows:
        values = tuple(table.value(line, row, i) for i in numbers if row[i])
        if not values:
            raise BadFile(_(EMPTY), line, table.headings[numbers[0]])
        out.append(Sample((row[label] if label is not None else "") or str(line), line, values))
    return out
