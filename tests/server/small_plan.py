"""A small plan for tests of the server: three steps with a part, a test and a look; and a counted product."""

from __future__ import annotations

from mes.domain.route import Component, Control, Defect, Line, Lines, Plan, Plant, Product, Station, Step, Test, Text


def text(fr: str, en: str | None = None) -> Text:
    return Text(fr=fr, en=en or fr)


_SAY = Lines(fr=("Faites.",), en=("Do it.",))


def small_plan(*, high: float = 5.0, retests: int = 1, chart: Control | None = None) -> Plan:
    """Stations b1 (fit), b2 (test), b3 (look); p1, p2 count; product GEN by serial, KIT by lot."""
    fit = Step(
        id="fit",
        kind="assemble",
        stations=("b1",),
        name=text("Monter", "Fit"),
        instruction=_SAY,
        cycle_s=60,
        components=(
            Component(part="BAT", name=text("Batterie", "Battery"), per="serial", pattern=r"B-(?P<serial>\d+)"),
            Component(part="FUSE", name=text("Fusible", "Fuse"), per="lot", quantity=2, pattern=r"F-(?P<lot>\d+)"),
        ),
    )
    test = Step(
        id="test",
        kind="test",
        stations=("b2",),
        name=text("Essai", "Test"),
        instruction=_SAY,
        cycle_s=60,
        tests=(
            Test(
                id="volt",
                name=text("Tension", "Voltage"),
                unit="V",
                low=1.0,
                high=high,
                instrument="dmm",
                ask="V?",
                chart=chart,
            ),
        ),
        retests=retests,
        offline="stop",
    )
    look = Step(
        id="look",
        kind="inspect",
        stations=("b3",),
        name=text("Contrôle", "Inspect"),
        instruction=_SAY,
        cycle_s=60,
        defects=("SCR",),
    )
    count = [
        Step(id=i, kind="count", stations=(s,), name=text(i), instruction=_SAY, cycle_s=10, defects=("BENT",))
        for i, s in (("bag", "p1"), ("box", "p2"))
    ]
    return Plan(
        plant=Plant(
            site="Test",
            timezone="Europe/Paris",
            languages=("fr", "en"),
            lines=(Line(id="gen", name=text("Ligne", "Line")), Line(id="pack", name=text("Kits"))),
        ),
        defects=(
            Defect(code="SCR", name=text("Rayure", "Scratch"), severity="minor"),
            Defect(code="BENT", name=text("Tordu", "Bent"), severity="major"),
        ),
        products=(
            Product(
                id="GEN",
                name=text("Générateur", "Generator"),
                customer="ACME",
                tracking="serial",
                serial="GEN-{yy}{ww}-{n:05}",
                steps=(fit, test, look),
            ),
            Product(id="KIT", name=text("Kit"), customer="B", tracking="lot", steps=tuple(count)),
        ),
        stations=tuple(
            Station(id=s, name=text(f"Poste {s}", f"Bench {s}"), line="gen" if s[0] == "b" else "pack", place=i)
            for i, s in enumerate(("b1", "b2", "b3", "p1", "p2"), 1)
        ),
    )
