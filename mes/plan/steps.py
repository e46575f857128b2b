"""The tables of a route: a product's steps, with their components and tests, and what a person can get wrong in them.

As in `mes.plan.tables`, every rule is a check of one field, so that one wrong field never hides another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from mes.domain.measurement import UNITS
from mes.domain.route import Component, Lines, Slug, Step, Test
from mes.i18n import _
from mes.plan.errors import refusal, unknown
from mes.plan.patterns import MAX_OPEN, MAX_PATTERN, runs_away
from mes.plan.tables import known_to, picture_exists

LOT_KINDS: Final = ("kit", "count", "pack")  # steps that can be done on a quantity without serial numbers
ASKS: Final = {
    "safety-tester": (r"(ACW|DCW|IR|GB)(@[0-9]{1,3})?", "ACW, DCW, IR, GB, ACW@3"),
    "scale": (r"SI?", "S, SI"),
    "scpi": (r"[ -~]*\?[ -~]*", "MEAS:VOLT?"),
}
"""What a test may ask an instrument, by family: a pattern, and examples for people.

Source: GW Instek GPT-9000 manual (functions; @n is a stored manual step); MT-SICS (S stable, SI immediate);
IEEE 488.2, 6 (only a query, with its question mark, is answered).
"""


def _instruments(info: ValidationInfo) -> list[tuple[str, Mapping[str, str]]]:
    """The instruments of each station where the step is done, as far as they are known."""
    known = known_to(info)
    found = [(station, (known.stations or {}).get(station)) for station in known.here]
    return [(station, names) for station, names in found if names is not None]


def _station_exists(station: str, info: ValidationInfo) -> str:
    known = known_to(info).stations
    if known is not None and station not in known:
        raise unknown(_("No station is called %(name)s.", name=station), station, known)
    return station


def _defect_exists(code: str, info: ValidationInfo) -> str:
    defects = known_to(info).defects
    if defects is not None and code not in defects:
        raise unknown(_("No defect has the code %(name)s.", name=code), code, defects)
    return code


def _qualification_exists(name: str, info: ValidationInfo) -> str:
    known = known_to(info).qualifications
    if known is not None and name not in known:
        raise unknown(_("No qualification is called %(name)s.", name=name), name, known)
    return name


class ComponentTable(Component):
    """One of a step's `components`."""

    @field_validator("per")
    @classmethod
    def _fits_the_tracking(cls, per: str, info: ValidationInfo) -> str:
        if per == "serial" and known_to(info).tracking == "lot":
            raise refusal(_("No part goes into a lot by its serial number."), 'per = "lot"')
        return per

    @field_validator("pattern")
    @classmethod
    def _finds_the_number(cls, pattern: str | None, info: ValidationInfo) -> str | None:
        if pattern is None:
            return None
        group = info.data.get("per")
        if group is None:
            return pattern  # neither serial nor lot, which is an error already
        allowed = _("a regular expression with a group such as (?P<%(group)s>.+)", group=group)
        try:
            groups = re.compile(pattern).groupindex
        except (re.error, OverflowError) as wrong:
            raise refusal(_("This is not a regular expression (%(why)s).", why=wrong), allowed) from None
        if group not in groups:
            raise refusal(_("The pattern has no group named %(group)s.", group=group), allowed)
        if runs_away(pattern):
            raise refusal(
                _("Some label could keep a bench busy with this pattern for ever."),
                _(
                    "no repetition of a repetition, at most %(open)s open ones and %(most)s characters",
                    open=MAX_OPEN,
                    most=MAX_PATTERN,
                ),
            )
        return pattern


class TestTable(Test):
    """One of a step's `tests`."""

    @field_validator("unit")
    @classmethod
    def _exists(cls, unit: str) -> str:
        if unit not in UNITS:
            raise unknown(_("No unit of measure is called %(name)s.", name=unit), unit, UNITS)
        return unit

    @field_validator("high")
    @classmethod
    def _above_low(cls, high: float | None, info: ValidationInfo) -> float | None:
        low = info.data.get("low")
        if low is not None and high is not None and high < low:
            raise refusal(
                _("The upper limit %(high)s is below the lower limit %(low)s.", high=f"{high:g}", low=f"{low:g}"),
                _("%(low)s or more", low=f"{low:g}"),
            )
        return high

    @field_validator("instrument")
    @classmethod
    def _is_at_the_station(cls, instrument: str, info: ValidationInfo) -> str:
        without = {station: names for station, names in _instruments(info) if instrument not in names}
        if without:
            said = _("No instrument %(name)s at: %(stations)s.", name=instrument, stations=", ".join(without))
            raise unknown(said, instrument, {name for names in without.values() for name in names})
        return instrument

    @field_validator("ask")
    @classmethod
    def _is_understood(cls, ask: str, info: ValidationInfo) -> str:
        for _station, names in _instruments(info):
            family = names.get(info.data.get("instrument", ""), "")
            pattern, words = ASKS.get(family, ("", ""))
            if pattern and not re.fullmatch(pattern, ask):
                raise refusal(_("An instrument of family %(family)s is not asked this.", family=family), words)
        return ask


class StepTable(Step):
    """`[[step]]`; one that is done at a single station may say `station = "…"`."""

    stations: Annotated[tuple[Annotated[Slug, AfterValidator(_station_exists)], ...], Field(min_length=1)]
    qualification: Annotated[Slug, AfterValidator(_qualification_exists)] | None = None
    components: tuple[ComponentTable, ...] = ()
    tests: Annotated[tuple[TestTable, ...], Field(validate_default=True)] = ()
    min_s: Annotated[int, Field(ge=0, le=1_000_000, validate_default=True)] = 0
    defects: tuple[Annotated[Slug, AfterValidator(_defect_exists)], ...] = ()

    @field_validator("kind")
    @classmethod
    def _fits_the_tracking(cls, kind: str, info: ValidationInfo) -> str:
        tracking = known_to(info).tracking
        if tracking == "lot" and kind not in LOT_KINDS:
            raise refusal(_("This kind of step needs serial numbers, and the product is a lot."), ", ".join(LOT_KINDS))
        if tracking == "serial" and kind == "count":
            raise refusal(_("Units with serial numbers are not counted."), _('any other kind, or tracking = "lot"'))
        return kind

    @field_validator("instruction")
    @classmethod
    def _says_something(cls, instruction: Lines) -> Lines:
        if any(not line.strip() for line in instruction.fr + instruction.en) or not (instruction.fr and instruction.en):
            raise refusal(_("A sentence is missing or empty."), _("1 to 8 short sentences in each language"))
        return instruction

    @field_validator("tests")
    @classmethod
    def _where_tests_belong(cls, tests: tuple[Test, ...], info: ValidationInfo) -> tuple[Test, ...]:
        if info.data.get("kind") == "test" and not tests:
            raise refusal(_("A test step has no test."), _("one test or more"))
        if tests and known_to(info).tracking == "lot":
            raise refusal(_("A test needs serial numbers, and the product is a lot."), _("no tests"))
        return tests

    @field_validator("retests")
    @classmethod
    def _only_with_tests(cls, retests: int, info: ValidationInfo) -> int:
        if retests and info.data.get("tests") == ():
            raise refusal(_("Without a test there is nothing to test again."), _("0, or a step with tests"))
        return retests

    @field_validator("min_s")
    @classmethod
    def _burns_in_for_a_time(cls, min_s: int, info: ValidationInfo) -> int:
        if info.data.get("kind") == "burn-in" and min_s == 0:
            raise refusal(_("A burn-in step does not say how long it lasts."), _("seconds, 1 or more"))
        return min_s

    _picture_exists = field_validator("picture")(picture_exists)
