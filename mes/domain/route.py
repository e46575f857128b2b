"""The vocabulary of the plan: products, routes, steps, needs, tests, stations.

Frozen values that the rules read. How they are written in TOML and checked against each other is `mes.plan`'s business;
nothing here knows a file.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from mes.domain.printer import Printer
from mes.domain.sampling import AQLS, Level
from mes.wire import Frozen

Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,47}$")]
Language = Literal["fr", "en"]
StepKind = Literal["kit", "assemble", "test", "burn-in", "inspect", "pack", "count"]


class Text(Frozen):
    """One short text in each language of the site."""

    fr: Annotated[str, Field(min_length=1, max_length=200)]
    en: Annotated[str, Field(min_length=1, max_length=200)]

    def to(self, language: str) -> str:
        """The text in `language`; French, the shop's own, for any other."""
        return self.en if language == "en" else self.fr


class Lines(Frozen):
    """A few short sentences in each language: what to do at a step."""

    fr: Annotated[tuple[str, ...], Field(max_length=8)]
    en: Annotated[tuple[str, ...], Field(max_length=8)]

    def to(self, language: str) -> tuple[str, ...]:
        """The sentences in `language`; French for any other."""
        return self.en if language == "en" else self.fr


class Component(Frozen):
    """A part that a step puts into a unit, by serial or by lot.

    `pattern` is a regular expression for a supplier's plain label; its group `serial` or `lot` is the number.
    """

    part: Slug
    name: Text
    per: Literal["serial", "lot"]
    quantity: Annotated[int, Field(ge=1, le=1000)] = 1
    pattern: Annotated[str, Field(max_length=200)] | None = None
    weight_g: Annotated[float, Field(gt=0, le=1_000_000)] | None = None


class Enclosed(Frozen):
    """A piece that goes into the carton without a scan: a manual, a charger."""

    name: Text
    quantity: Annotated[int, Field(ge=1, le=1000)] = 1
    weight_g: Annotated[float, Field(gt=0, le=1_000_000)]


class Weigh(Frozen):
    """A test that weighs the carton: its limits are the weight of all that is in it, `tolerance_g` to each side."""

    tolerance_g: Annotated[float, Field(gt=0, le=1_000_000)]
    enclosed: Annotated[tuple[Enclosed, ...], Field(max_length=50)] = ()


class Control(Frozen):
    """The control chart of a reading, watched while it is measured: centre and σ of the process as they were published
    (the limits lie three σ to both sides), and Nelson's rules that are asked.

    `when`: what a broken rule does: it is said (`warn`), or no further unit comes to the step until somebody has found
    out why (`hold`).
    """

    centre: float
    sigma: Annotated[float, Field(gt=0)]
    rules: Annotated[tuple[Annotated[int, Field(ge=1, le=8)], ...], Field(min_length=1)] = (1, 2)
    when: Literal["warn", "hold"] = "warn"


class Sampling(Frozen):
    """Acceptance sampling of lots that have passed a step (`mes.domain.sampling`): the inspection level, and the AQL in
    per cent nonconforming. `reduced`: the responsible authority wants reduced inspection after a good series.
    """

    level: Level = "II"
    aql: float
    reduced: bool = False

    @property
    def column(self) -> str:
        """The AQL as the tables of the standard spell it."""
        return next(a for a in AQLS if float(a) == self.aql)


AfterFailure = Literal["stop", "go-on"]

RECORD: Final = "record"
"""The instrument of a test that no device of a station is asked for: its reading comes in a tester's record, where it
is called as the test's `ask`."""


class Test(Frozen):
    """One measurement with its limits (both inclusive), in the unit of measure `unit`.

    `weigh`: the limits were made from the weights of what is in the carton when the plan was read. `marginal` is the
    width of the band inside a limit where a reading still passes and is shown as just good, in the same unit.
    `settle_s` passes before the instrument is asked, `timeout_s` is the longest wait for its answer (the
    family's own when None). `repeats`: how often it is asked again when nothing usable came; never after a number, so
    that nothing is measured until it passes. `needs` are tests of this step that must have passed before.
    `after_failure`: what happens to the tests after this one; None: as the step says. `chart`: how its readings are
    watched; None: they are not.
    """

    __test__ = False  # not a test case, whatever pytest makes of the name

    id: Slug
    name: Text
    unit: str
    low: float | None = None
    high: float | None = None
    weigh: Weigh | None = None
    marginal: Annotated[float, Field(ge=0)] = 0
    instrument: Slug
    ask: Annotated[str, Field(min_length=1, max_length=120)]
    settle_s: Annotated[float, Field(ge=0, le=3600)] = 0
    timeout_s: Annotated[float, Field(ge=0.1, le=86_400)] | None = None
    repeats: Annotated[int, Field(ge=0, le=9)] = 0
    needs: tuple[Slug, ...] = ()
    after_failure: AfterFailure | None = None
    chart: Control | None = None


class Command(Frozen):
    """What an instrument is told without being asked for a value: output on, relay open."""

    instrument: Slug
    send: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[ -~]+$")]


class Step(Frozen):
    """One step of a route: where, what is to be done, what it needs, how it is judged.

    `begins` says when its tests begin: when the operator says so (a test bench may energise the unit, and clips have to
    be connected and a cover closed first), or by themselves when the unit arrives and lacks no part.

    `set_up` is said to the instruments before the first test, `tear_down` after the last one and whenever a run ends in
    another way. `after` are earlier steps whose tests must have been passed: before, the unit is never energised
    (`gate.unsafe`). `sample_s`: every so many seconds the tests of a unit that stays here are read as a sample; 0:
    never. `sampling`: how lots of what has passed are accepted before they may be released; None: they are not sampled.
    """

    id: Slug
    kind: StepKind
    stations: Annotated[tuple[Slug, ...], Field(min_length=1)]
    name: Text
    instruction: Lines
    picture: Slug | None = None
    cycle_s: Annotated[int, Field(ge=1, le=1_000_000)]
    qualification: Slug | None = None
    components: tuple[Component, ...] = ()
    tests: tuple[Test, ...] = ()
    retests: Annotated[int, Field(ge=0, le=9)] = 0
    begins: Literal["when-asked", "by-itself"] = "when-asked"
    after_failure: AfterFailure = "stop"
    set_up: tuple[Command, ...] = ()
    tear_down: tuple[Command, ...] = ()
    after: tuple[Slug, ...] = ()
    sample_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    offline: Literal["allow", "stop"] = "allow"
    min_s: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    defects: tuple[Slug, ...] = ()
    sampling: Sampling | None = None

    @property
    def recorded(self) -> bool:
        """True when a tester's record brings the readings, and no instrument of the station is asked."""
        return any(t.instrument == RECORD for t in self.tests)

    @property
    def watched(self) -> tuple[Test, ...]:
        """The tests whose readings have a control chart."""
        return tuple(t for t in self.tests if t.chart is not None)

    @property
    def inspects(self) -> bool:
        """True when a person must say PASS before the step can be finished."""
        return self.kind == "inspect"

    @property
    def judges(self) -> bool:
        """True when a test or a look says here whether the unit is good."""
        return bool(self.tests) or self.inspects


class Holding(Frozen):
    """What goes together into one carton or onto one pallet: where it is packed, how many, what may lie side by side.

    `same`: all of one order, of one product, or of one customer. `tare_g` is the empty packaging; with `tolerance_g`
    the whole is weighed before it is closed, by asking `instrument` what `ask` says.
    """

    stations: Annotated[tuple[Slug, ...], Field(min_length=1)]
    holds: Annotated[int, Field(ge=1, le=1_000)]
    same: Literal["order", "product", "customer"]
    tare_g: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    tolerance_g: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    instrument: Slug = "scale"
    ask: Annotated[str, Field(min_length=1, max_length=120)] = "S"


class CartonHolding(Holding):
    """How units or pieces of a product go into cartons. `net_g` is one of them, as it goes in; `gtin` its number."""

    same: Literal["order", "product", "customer"] = "order"
    net_g: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    gtin: Annotated[str, Field(pattern=r"^[0-9]{14}$")] | None = None


class PalletHolding(Holding):
    """How closed cartons go onto pallets."""

    same: Literal["order", "product", "customer"] = "customer"


class Product(Frozen):
    """What is made, and the way it takes. The order of `steps` is the route.

    `serial` is the pattern from which serials are made at the release; `serial_scan` a regular expression for those
    that stand on the unit already and are taken in by scan.
    """

    id: Slug
    name: Text
    customer: Annotated[str, Field(max_length=120)]
    tracking: Literal["serial", "lot"]
    serial: str | None = None
    serial_scan: str | None = None
    weight_g: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    carton: CartonHolding | None = None
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    def step(self, step_id: str) -> Step | None:
        """The step of that id, or None."""
        return next((s for s in self.steps if s.id == step_id), None)

    @property
    def sampled(self) -> tuple[Step, ...]:
        """The steps after which lots are accepted by sampling."""
        return tuple(s for s in self.steps if s.sampling is not None)

    def place(self, step_id: str) -> int:
        """Position on the route, 0 for the first; -1 for a step that is not on it."""
        return next((i for i, s in enumerate(self.steps) if s.id == step_id), -1)

    def after(self, step_id: str) -> Step | None:
        """The step that follows, or None after the last."""
        i = self.place(step_id)
        return self.steps[i + 1] if 0 <= i < len(self.steps) - 1 else None


class Defect(Frozen):
    """A way of being wrong that an operator can scan."""

    code: Slug
    name: Text
    severity: Literal["minor", "major", "critical"]
    picture: Slug | None = None


class Line(Frozen):
    """A line of the floor: its stations stand in the order of the flow. `printer`: where its labels come out."""

    id: Slug
    name: Text
    printer: Slug | None = None


class LabelDefaults(Frozen):
    """`[plant.labels]`: what labels are printed on when nobody says: a sheet of A4, and the site's label printer."""

    sheet: str | None = None
    printer: Slug | None = None


class Station(Frozen):
    """A place of work: what the plan, and so everybody, knows of it."""

    id: Slug
    name: Text
    line: Slug
    place: Annotated[int, Field(ge=1, le=999)]
    places: Annotated[int, Field(ge=1, le=999)] = 1


class Break(Frozen):
    """A pause inside a shift, local times `HH:MM`."""

    start: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    end: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Shift(Frozen):
    """A stretch of the working day, local times; breaks are outside the planned busy time (ISO 22400-2)."""

    id: Slug
    name: Text
    start: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    end: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    days: Annotated[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Field(min_length=1)]
    breaks: tuple[Break, ...] = ()


class Qualification(Frozen):
    """What a person must have shown to be able to do; granted for so many months, where the plan says so.

    `override`: may a supervisor let somebody without it do one unit (never where the law asks for an authorisation)?
    """

    id: Slug
    name: Text
    months: Annotated[int, Field(ge=1, le=120)] | None = None
    override: Literal["supervisor", "never"] = "supervisor"


AddressLines = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=120)], ...], Field(max_length=6)]


class Customer(Frozen):
    """Somebody who gets goods, named as the orders name them, and the lines of the address."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    address: AddressLines = ()


class NcLimits(Frozen):
    """After how many days a nonconformity is overdue: not set aside, not decided on, or not over.

    The house's own rule (ISO 9001:2015, 8.7 names no days).
    """

    contain_days: Annotated[int, Field(ge=1, le=365)] = 1
    decide_days: Annotated[int, Field(ge=1, le=365)] = 3
    close_days: Annotated[int, Field(ge=1, le=3650)] = 30


class Plant(Frozen):
    """The site: its name, its clock, its languages, its lines, shifts and qualifications.

    `generalise_days`: after so many days floor events say no more who did them; 0: never.
    `plain_http`: the server may be reached without TLS from other computers; every screen then says so.
    `calibration`: what an instrument that is not fit does to a test: it stops it, it is only said, or nothing.
    `lots`: which component lots may be used: any that nothing speaks against, or only those whose receipt is on record.
    `address`: the lines below the site's name on papers; `customers`: the addresses of those who get goods.
    `gs1_prefix`: the company prefix that SSCCs begin with (after the extension digit); None: there are none.
    `nonconformity`: when one is overdue; None: as `NcLimits` says.
    """

    site: Annotated[str, Field(min_length=1, max_length=80)]
    address: AddressLines = ()
    timezone: str
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    order_pattern: str = "OF-{yyyy}-{n:03}"
    generalise_days: int = 90
    plain_http: bool = False
    calibration: Literal["stop", "warn", "off"] = "stop"
    lots: Literal["any", "known"] = "any"
    gs1_prefix: Annotated[str, Field(pattern=r"^[0-9]{4,12}$")] | None = None
    pallet: PalletHolding | None = None
    nonconformity: NcLimits | None = None
    lines: Annotated[tuple[Line, ...], Field(min_length=1)]
    shifts: tuple[Shift, ...] = ()
    qualifications: tuple[Qualification, ...] = ()
    printers: tuple[Printer, ...] = ()
    customers: tuple[Customer, ...] = ()
    labels: LabelDefaults | None = None

    def line(self, line_id: str) -> Line | None:
        """The line of that id, or None."""
        return next((each for each in self.lines if each.id == line_id), None)


class Plan(Frozen):
    """Everything that is published together. `pictures` maps a name to its SVG text."""

    plant: Plant
    defects: tuple[Defect, ...]
    products: tuple[Product, ...]
    stations: tuple[Station, ...]
    pictures: dict[str, str] = {}

    def components(self) -> dict[str, Component]:
        """Each part that a step puts into something, as the first step that does says it."""
        found: dict[str, Component] = {}
        for component in (c for p in self.products for s in p.steps for c in s.components):
            found.setdefault(component.part, component)
        return found

    def lot_tracked(self, part: str) -> bool:
        """Whether a part goes in by its lot."""
        return any(c.part == part and c.per == "lot" for p in self.products for s in p.steps for c in s.components)

    def product(self, product_id: str) -> Product | None:
        """The product of that id, or None."""
        return next((p for p in self.products if p.id == product_id), None)

    def station(self, station_id: str) -> Station | None:
        """The station of that id, or None."""
        return next((s for s in self.stations if s.id == station_id), None)

    def qualification(self, qualification_id: str) -> Qualification | None:
        """The qualification of that id, or None."""
        return next((q for q in self.plant.qualifications if q.id == qualification_id), None)

    def defect(self, code: str) -> Defect | None:
        """The defect of that code, or None."""
        return next((d for d in self.defects if d.code == code), None)
