"""What a table's names may refer to, gathered from all files before the first table is decoded. It reads no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationInfo

from mes.plan.weighing import Packed


@dataclass(frozen=True, slots=True)
class Known:
    """What a table's names may refer to. None: cannot be known (its file is broken), so nothing is said against it.

    `stations` holds for each station what a test may call its measuring instruments, with the family of each, and
    `told` what each of its line testers measures, by the same names; `here` the stations of the step that is being
    read; `tracking` that of its product; `route` the steps of its product, each with whether it has tests, and
    `earlier` those of them that come before it; `packed` what is in its carton there. `places` are those of
    each station, where it says more than one; `printers` the names of each station's label printers.
    """

    stations: Mapping[str, Mapping[str, str] | None] | None = None
    told: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    lines: frozenset[str] | None = None
    printer_ids: frozenset[str] | None = None
    pictures: frozenset[str] | None = None
    defects: frozenset[str] | None = None
    qualifications: frozenset[str] | None = None
    tracking: str | None = None
    places: Mapping[str, int] = field(default_factory=dict)
    printers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    here: tuple[str, ...] = ()
    route: Mapping[str, bool] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    packed: tuple[Packed, ...] = ()


def known_to(info: ValidationInfo) -> Known:
    """What the table that is being decoded may refer to."""
    return info.context if isinstance(info.context, Known) else Known()
