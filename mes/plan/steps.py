"""The tables of a route: a product's steps, with their components and tests, and what a person can get wrong in them.

As in `mes.plan.tables`, every rule is a check of one field, so that one wrong field never hides another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from mes.domain.measurement import UNITS
from mes.domain.route import RECORD, Command, Component, Control, Lines, Sampling, Slug, Step, Test, Weigh
from mes.domain.sampling import AQLS
from mes.i18n import _
from mes.plan.errors import listed, refusal, unknown
from mes.plan.expressions import expression
from mes.plan.known import known_to
from mes.plan.tables import picture_exists
from mes.plan.weighing import inside, limits

SCALES: Final = ("scale", "scale-kern", "scale-ohaus")
TOLD: Final = {
    "scpi": "OUTP ON, SOUR:VOLT 230",
    "safety-tester": "MANU:ACW:VOLT 1.5",
    **dict.fromkeys(SCALES, "Z, T"),
}
"""Examples of what an instrument may be told without an answer, by family; scales know these two: zero and tare."""
LOOKS: Final = ("inspect", "count")  # steps after which lots may be accepted by sampling
MOST_AQL: Final = 10
"""Per cent nonconforming; above it an AQL means nonconformities in 100 items, which nobody counts here."""
LOT_KINDS: Final = ("kit", "count", "pack")  # steps that can be done on a quantity without serial numbers
ASKS: Final = {
    "safety-tester": (r"(ACW|DCW|IR|GB)(@[0-9]{1,3})?", "ACW, DCW, IR, GB, ACW@3"),
    **dict.fromkeys(SCALES, (r"SI?", "S, SI")),
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


def _told_by_its_tester(instrument: str, info: ValidationInfo) -> bool:
    """Whether the results come by themselves, at some station of the step: as a line, or in a record."""
    return instrument == RECORD or any(names.get(instrument) == "line-tester" for _station, names in _instruments(info))


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


def _was_tested_before(step: str, info: ValidationInfo) -> str:
    """An entry of `after`: an earlier step of the same route, and one that has a test to be passed."""
    known = known_to(info)
    tested = [name for name in known.earlier if known.route.get(name)]
    if step not in known.route:
        raise unknown(_("No step is called %(name)s.", name=step), step, tested)
    if step not in known.earlier:
        raise refusal(_("The step %(name)s does not come before this one.", name=step), listed(tested))
    if step not in tested:
        raise refusal(_("The step %(name)s has no test that could be passed.", name=step), listed(tested))
    return step


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
        return expression(pattern, allowed, group=group)


def _is_at_the_station_or_a_record(instrument: str, info: ValidationInfo) -> str:
    return instrument if instrument == RECORD else _is_at_the_station(instrument, info)


def _is_at_the_station(instrument: str, info: ValidationInfo) -> str:
    without = {station: names for station, names in _instruments(info) if instrument not in names}
    if without:
        said = _("No instrument %(name)s at: %(stations)s.", name=instrument, stations=", ".join(without))
        raise unknown(said, instrument, {name for names in without.values() for name in names})
    return instrument


class CommandTable(Command):
    """One of a step's `set_up` or `tear_down`."""

    _at_the_station = field_validator("instrument")(_is_at_the_station)

    @field_validator("send")
    @classmethod
    def _is_heard(cls, send: str, info: ValidationInfo) -> str:
        for _station, names in _instruments(info):
            family = names.get(info.data.get("instrument", ""), "")
            if family and family not in TOLD:
                raise refusal(_("An instrument of family %(family)s is told nothing.", family=family), ", ".join(TOLD))
            if family in SCALES and send not in ("Z", "T"):
                raise refusal(_("An instrument of family %(family)s is not told this.", family=family), TOLD[family])
        if "?" in send:
            raise refusal(_("This is a question: nobody would read its answer."), TOLD["scpi"])
        return send


class ControlTable(Control):
    """The `chart` of a test."""

    @field_validator("rules")
    @classmethod
    def _once_each(cls, rules: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(rules)) < len(rules):
            raise refusal(_("A rule stands twice."), "[1, 2, 5]")
        return rules


class SamplingTable(Sampling):
    """The `sampling` of a step."""

    @field_validator("aql")
    @classmethod
    def _is_in_the_tables(cls, aql: float) -> float:
        known = [a for a in AQLS if float(a) <= MOST_AQL]
        if aql not in map(float, known):
            raise refusal(_("The tables of ISO 2859-1 have no such AQL for nonconforming pieces."), ", ".join(known))
        return aql


class TestTable(Test):
    """One of a step's `tests`."""

    chart: ControlTable | None = None

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

    @field_validator("weigh")
    @classmethod
    def _finds_what_is_missing(cls, weigh: Weigh | None, info: ValidationInfo) -> Weigh | None:
        if weigh is None:
            return None
        if info.data.get("low") is not None or info.data.get("high") is not None:
            raise refusal(_("The limits of a weighing follow from what is in the carton."), _('no "low" and no "high"'))
        if "unit" in info.data and UNITS[info.data["unit"]].dimension != "mass":
            raise refusal(_("This is weighed in a unit of mass."), "g, kg")
        pieces = inside(known_to(info).packed, weigh)
        unknown_g = [p.name for p in pieces if p.weight_g is None]
        if unknown_g:
            said = _("No weight is known of: %(pieces)s.", pieces=", ".join(unknown_g))
            raise refusal(said, _("weight_g of the product and of each component that is packed"))
        lightest = min(pieces, key=lambda p: p.weight_g or 0, default=None)
        if lightest is not None and lightest.weight_g is not None and weigh.tolerance_g >= lightest.weight_g:
            grams = f"{lightest.weight_g:g}"
            said = _("A carton without %(piece)s (%(weight)s g) would still pass.", piece=lightest.name, weight=grams)
            raise refusal(said, _("less than %(most)s", most=grams))
        return weigh

    @field_validator("marginal")
    @classmethod
    def _leaves_a_middle(cls, marginal: float, info: ValidationInfo) -> float:
        low, high = info.data.get("low"), info.data.get("high")
        if info.data.get("weigh") is not None and "unit" in info.data:
            low, high = limits(known_to(info).packed, info.data["weigh"], info.data["unit"])
        if marginal and low is None and high is None:
            raise refusal(_("A marginal band needs a limit."), _("0, or a test with a limit"))
        if low is not None and high is not None and marginal and 2 * marginal >= high - low:
            width = (high - low) / 2
            raise refusal(
                _("The marginal bands leave nothing between them."), _("less than %(most)s", most=f"{width:g}")
            )
        return marginal

    @field_validator("chart")
    @classmethod
    def _of_a_process(cls, chart: Control | None, info: ValidationInfo) -> Control | None:
        if chart is None:
            return chart
        if info.data.get("weigh") is not None:
            raise refusal(_("What is in a carton is no process: it has no control chart."), _("no chart"))
        low, high = info.data.get("low"), info.data.get("high")
        if (low is not None and chart.centre < low) or (high is not None and chart.centre > high):
            least, most = ("…" if v is None else f"{v:g}" for v in (low, high))
            said = _(
                "The centre of the process %(centre)s lies beyond the limits of the product.",
                centre=f"{chart.centre:g}",
            )
            raise refusal(said, f"centre = {least} – {most}")
        return chart

    _at_the_station = field_validator("instrument")(_is_at_the_station_or_a_record)

    @field_validator("ask")
    @classmethod
    def _is_understood(cls, ask: str, info: ValidationInfo) -> str:
        instrument = info.data.get("instrument", "")
        for station, names in _instruments(info):
            measures = known_to(info).told.get(station, {}).get(instrument)
            if measures is not None and ask not in measures:
                said = _("The line tester at %(station)s does not measure %(name)s.", station=station, name=ask)
                raise unknown(said, ask, measures)
            family = names.get(instrument, "")
            pattern, words = ASKS.get(family, ("", ""))
            if pattern and not re.fullmatch(pattern, ask):
                raise refusal(_("An instrument of family %(family)s is not asked this.", family=family), words)
        return ask

    @field_validator("repeats")
    @classmethod
    def _can_be_asked_again(cls, repeats: int, info: ValidationInfo) -> int:
        if repeats and _told_by_its_tester(info.data.get("instrument", ""), info):
            raise refusal(_("A tester that sends its results by itself is not asked again."), "0")
        return repeats


class StepTable(Step):
    """`[[step]]`; one that is done at a single station may say `station = "…"`."""

    stations: Annotated[tuple[Annotated[Slug, AfterValidator(_station_exists)], ...], Field(min_length=1)]
    qualification: Annotated[Slug, AfterValidator(_qualification_exists)] | None = None
    components: tuple[ComponentTable, ...] = ()
    tests: Annotated[tuple[TestTable, ...], Field(validate_default=True)] = ()
    set_up: tuple[CommandTable, ...] = ()
    tear_down: Annotated[tuple[CommandTable, ...], Field(validate_default=True)] = ()
    after: tuple[Annotated[Slug, AfterValidator(_was_tested_before)], ...] = ()
    min_s: Annotated[int, Field(ge=0, le=1_000_000, validate_default=True)] = 0
    defects: tuple[Annotated[Slug, AfterValidator(_defect_exists)], ...] = ()
    sampling: SamplingTable | None = None

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
        if any(test.weigh for test in tests) and info.data.get("kind") != "pack":
            raise refusal(_("Only a carton that is packed is weighed."), _('"weigh" in a step of kind pack'))
        if len({t.instrument == RECORD for t in tests}) > 1:
            raise refusal(
                _("Some tests of the step come in a record, and some do not."),
                _('instrument = "record" in all or none'),
            )
        if tests and known_to(info).tracking == "lot":
            raise refusal(_("A test needs serial numbers, and the product is a lot."), _("no tests"))
        return tests

    @field_validator("tests")
    @classmethod
    def _in_their_order(cls, tests: tuple[Test, ...]) -> tuple[Test, ...]:
        before: list[str] = []
        for test in tests:
            for needed in test.needs:
                if needed not in before:
                    raise unknown(
                        _("%(test)s needs %(name)s, which is no test before it.", test=test.id, name=needed),
                        needed,
                        before,
                    )
            before.append(test.id)
        return tests

    @field_validator("set_up", "tear_down")
    @classmethod
    def _only_round_tests(cls, said: tuple[Command, ...], info: ValidationInfo) -> tuple[Command, ...]:
        if said and info.data.get("tests") == ():
            raise refusal(_("Without a test there is nothing to set up."), _("a step with tests"))
        return said

    @field_validator("tear_down")
    @classmethod
    def _undoes_what_was_set_up(cls, tear_down: tuple[Command, ...], info: ValidationInfo) -> tuple[Command, ...]:
        # Zero and tare leave nothing live behind.
        scales = {name for _station, names in _instruments(info) for name, family in names.items() if family in SCALES}
        on = {c.instrument for c in info.data.get("set_up", ())} - scales
        left = sorted(on - {c.instrument for c in tear_down})
        if left:
            said = _("Nothing brings back to rest what was set up: %(names)s.", names=", ".join(left))
            raise refusal(said, f'[{{ instrument = "{left[0]}", send = "OUTP OFF" }}]')
        return tear_down

    @field_validator("set_up")
    @classmethod
    def _before_a_question(cls, set_up: tuple[Command, ...], info: ValidationInfo) -> tuple[Command, ...]:
        tests = info.data.get("tests", ())
        if set_up and tests and _told_by_its_tester(tests[0].instrument, info):
            said = _("The first test comes by itself: nobody knows when the bench would have to be set up.")
            raise refusal(said, _("no set-up, or a test that is asked before it"))
        return set_up

    @field_validator("sample_s")
    @classmethod
    def _can_be_sampled(cls, sample_s: int, info: ValidationInfo) -> int:
        if sample_s and any(_told_by_its_tester(t.instrument, info) for t in info.data.get("tests", ())):
            raise refusal(_("A tester that sends its results by itself is not asked for samples."), "0")
        return sample_s

    @field_validator("retests")
    @classmethod
    def _only_with_tests(cls, retests: int, info: ValidationInfo) -> int:
        if retests and info.data.get("tests") == ():
            raise refusal(_("Without a test there is nothing to test again."), _("0, or a step with tests"))
        return retests

    @field_validator("sample_s")
    @classmethod
    def _samples_of_a_rack(cls, sample_s: int, info: ValidationInfo) -> int:
        tests: tuple[Test, ...] = info.data.get("tests", ())
        if not sample_s:
            return sample_s
        if info.data.get("kind") != "burn-in" or info.data.get("tests") == ():
            raise refusal(_("Only a burn-in with tests is sampled."), _("0, or a step of kind burn-in with tests"))
        families = {names.get(t.instrument) for _station, names in _instruments(info) for t in tests}
        if "line-tester" in families or any(t.instrument == RECORD for t in tests):
            raise refusal(_("What is not asked cannot be sampled."), _("an instrument that answers a question"))
        if info.data.get("set_up") or info.data.get("tear_down"):
            said = _("What is set up for one unit would be taken from the others that run here.")
            raise refusal(said, _("no set_up and no tear_down in a step with samples"))
        known = known_to(info)
        alike = [t.id for t in tests if "{place}" not in t.ask]
        if alike and any(known.places.get(station, 1) > 1 for station in known.here):
            said = _("Every place would get the same reading of: %(tests)s.", tests=", ".join(alike))
            raise refusal(said, 'ask = "MEAS:TEMP? (@{place})"')
        return sample_s

    @field_validator("sampling")
    @classmethod
    def _after_a_look(cls, sampling: Sampling | None, info: ValidationInfo) -> Sampling | None:
        if sampling is not None and info.data.get("kind", LOOKS[0]) not in LOOKS:
            said = _("Lots are accepted by sampling after an inspection or a count, and this step is neither.")
            raise refusal(said, _("no sampling, or a step of kind %(kinds)s", kinds=", ".join(LOOKS)))
        return sampling

    @field_validator("min_s")
    @classmethod
    def _has_a_sample(cls, min_s: int, info: ValidationInfo) -> int:
        if min_s and info.data.get("sample_s", 0) > min_s:
            raise refusal(_("The time is over before the first sample."), f"{info.data['sample_s']}")
        return min_s

    @field_validator("min_s")
    @classmethod
    def _burns_in_for_a_time(cls, min_s: int, info: ValidationInfo) -> int:
        if info.data.get("kind") == "burn-in" and min_s == 0:
            raise refusal(_("A burn-in step does not say how long it lasts."), _("seconds, 1 or more"))
        return min_s

    _picture_exists = field_validator("picture")(picture_exists)
