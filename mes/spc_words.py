"""What charts, rules and warnings of the control charts are called, wherever they are drawn. English; translated when
they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mes.domain.spc import Study
from mes.domain.spc_constants import c4, d2, d3, d4
from mes.i18n import N_

NAMES: Final[Mapping[str, str]] = {
    "i": N_("individual values"), "mr": N_("moving ranges"), "xbar": N_("means"), "r": N_("ranges"),
    "s": N_("standard deviations"), "p": N_("share of nonconforming units"), "np": N_("nonconforming units"),
    "c": N_("nonconformities"), "u": N_("nonconformities by unit"),
}  # fmt: skip
RULE: Final[Mapping[int, str]] = {
    1: N_("beyond 3σ"), 2: N_("nine on one side"), 3: N_("six rising or falling"), 4: N_("fourteen up and down"),
    5: N_("two of three beyond 2σ"), 6: N_("four of five beyond 1σ"), 7: N_("fifteen within 1σ"),
    8: N_("eight beyond 1σ on both sides"),
}  # fmt: skip
WARNING: Final[Mapping[str, str]] = {
    "not_in_control": N_("The process is not in control: the indices say nothing of tomorrow. Find the causes first."),
    "few_values": N_("These are few values: look at the intervals, not at the indices."),
    "no_spread": N_("The values are all alike: no index is defined. Look whether the instrument reads finely enough."),
}
CANNOT: Final[Mapping[str, str]] = {
    "nothing": N_("There are no values."),
    "too_few": N_("These are too few values for limits. Two in a row, or one group of two, are the least."),
    "baseline_outside": N_("--baseline names samples that are not there."),
    "empty_group": N_("The group has no value."),
    "not_a_count": N_("A count is a whole number from 0."),
    "no_size": N_("The sample has no size. Write how many were looked at."),
    "more_than_all": N_("More are nonconforming than were looked at. Correct one of the two."),
    "sizes_differ": N_("The samples differ in size. Take --chart u."),
    "sizes_missing": N_("Nothing says how large the samples are. Give --size COLUMN, or --size NUMBER."),
}
BINOMIAL: Final = N_("binomial")
POISSON: Final = N_("Poisson")
COUNTED: Final[Mapping[str, tuple[str, str, str]]] = {
    "p": ("p", BINOMIAL, "√(p (1 − p) / n)"), "np": ("p", BINOMIAL, "√(n p (1 − p))"),
    "c": ("c", POISSON, "√c"), "u": ("u", POISSON, "√(u / n)"),
}  # fmt: skip
"""By chart of counts: the letter of its centre, the distribution that σ comes from, and σ."""


def constants(study: Study, size: int) -> list[tuple[str, float]]:
    """The constants by which the limits of a chart of measurements came from its values, with their arguments.

    Args:
        size: readings in a group; 1 for single ones.
    """
    n = max(2, size)
    how, spread = study.sigma.estimator, study.spread.kind
    found: dict[str, float] = {}
    if how in ("sd", "pooled"):
        many = round(study.sigma.degrees) + 1
        found[f"c4({many})"] = c4(many)
    if how == "median-mr":
        found["d4(2)"] = d4(2)
    if how in ("mr", "r") or spread in ("mr", "r"):
        found |= {f"d2({n})": d2(n), f"d3({n})": d3(n)}
    if how == "s" or spread == "s":
        found |= {f"c4({n})": c4(n)}
    return list(found.items())
