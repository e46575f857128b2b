"""A study of `mes spc` as data for programs: every point with its limits, the signals, the indices.

It knows neither files nor texts. Samples are numbered from 1, as people number them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mes.domain.capability import Capability, Index
from mes.domain.spc import Chart, Study
from mes.domain.spc_rules import Signal
from mes.spc_file import Sample

INDICES: Final = (("both", "p"), ("lower", "pl"), ("upper", "pu"), ("worst", "pk"), ("target", "pm"))


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn from a file.

    Attributes:
        base: indices of the samples that made the limits.
        study: of measurements; None for counts.
        found: by chart, its signals.
        able: None where no limit of the product was given.
    """

    samples: Sequence[Sample]
    base: frozenset[int]
    study: Study | None
    charts: Sequence[Chart]
    found: Sequence[Sequence[Signal]]
    able: Capability | None


def marks_of(some: Iterable[Signal]) -> dict[int, list[int]]:
    """By index of a point, the rules that are broken there."""
    out: dict[int, list[int]] = {}
    for s in some:
        for i in s.marked:
            out.setdefault(i, []).append(s.rule)
    return out


def as_data(name: str, drawn: Drawn) -> dict[str, Any]:
    """Everything that was found, ready for JSON; what is undefined is None."""
    study, able = drawn.study, drawn.able
    sigma = None if study is None else _sigma(study)
    return {
        "chart": name,
        "mean": study.mean if study else None,
        "sigma": sigma,
        "charts": [_chart(drawn, chart, some) for chart, some in zip(drawn.charts, drawn.found, strict=True)],
        "capability": _able(able) if able else None,
    }


def _chart(drawn: Drawn, chart: Chart, some: Sequence[Signal]) -> dict[str, Any]:
    marks = marks_of(some)
    points = [
        {
            "sample": p.index + 1,
            "label": drawn.samples[p.index].label,
            "line": drawn.samples[p.index].line,
            "value": p.value,
            "size": p.size,
            "lcl": p.low if p.limited else None,
            "cl": p.center if p.limited else None,
            "ucl": p.high if p.limited else None,
            "baseline": p.index in drawn.base,
            "rules": marks.get(p.index, []),
        }
        for p in chart.points
    ]
    raised = [
        {"rule": s.rule, "side": s.side, "at": [i + 1 for i in s.marked], "evidence": [i + 1 for i in s.evidence]}
        for s in some
    ]
    return {"kind": chart.kind, "points": points, "signals": raised}


def _sigma(study: Study) -> dict[str, Any]:
    return {"value": study.sigma.value, "estimator": study.sigma.estimator, "degrees": study.sigma.degrees}


def _able(able: Capability) -> dict[str, Any]:
    indices = {}
    for head, of in (("C", able.within), ("P", able.overall)):
        for field, letters in INDICES:
            index: Index | None = getattr(of, field) if of else None
            indices[head + letters] = (
                None if index is None else {"value": index.value, "low": index.low, "high": index.high}
            )
    outside = {
        side: None if r is None else {"count": r.numerator, "of": r.denominator}
        for side, r in (("below", able.below), ("above", able.above))
    }
    return {"indices": indices, "outside": outside, "expected_outside": able.expected, "warnings": able.warnings}
