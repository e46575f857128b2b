"""One file a family of devices: what its frames mean and how it is asked. Opens no port.

`FAMILIES` is the list that `config/stations/*.toml` chooses from. A new device is a new file and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from stations.devices import label_printer, line_tester, safety_tester, scale, scanner, scpi
from stations.devices.readings import Identity, Link, NoReply, Reading
from stations.frames import Framing

Role = Literal["scan", "measure", "listen", "print"]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of devices that are spoken to alike.

    Attributes:
        id: its name in the station's file.
        role: `scan`: its frames are scans; `measure`: it is asked; `listen`: it sends results by itself; `print`: it is
            given labels.
        framing: how it marks its frames, unless the station's file says otherwise.
        timeout_s: longest time for one measurement, in seconds.
        measure: one measurement: link, the plan's `ask`, longest time in seconds. It blocks: never call it on the
            port's own thread.
        identify: who the instrument is, where it can tell.
        tell: sends commands that have no answer and makes sure that they were taken; returns what went wrong, if any.
        restarted: whether the instrument was switched on since this was last asked; None where it does not say.
        stop: ends a running measurement at once; safe from any thread, also while `measure` runs on another.
    """

    id: str
    role: Role
    framing: Framing
    timeout_s: float = 5.0
    measure: Callable[[Link, str, float], Reading] | None = None
    identify: Callable[[Link], Identity | NoReply | None] | None = None
    tell: Callable[[Link, Sequence[str]], str] | None = None
    restarted: Callable[[Link], bool | None] | None = None
    stop: Callable[[Link], None] | None = None


def _scale(name: str, dialect: str) -> Family:
    spoken = scale.DIALECTS[dialect]
    return Family(
        name, "measure", scale.FRAMING, 10.0, partial(scale.measure, spoken), tell=partial(scale.tell, spoken)
    )


FAMILIES: Final[dict[str, Family]] = {
    family.id: family
    for family in (
        Family("scanner", "scan", scanner.FRAMING),
        Family("scanner-stx", "scan", scanner.FRAMING_STX_ETX),
        _scale("scale", "mt-sics"),
        _scale("scale-kern", "kern"),
        _scale("scale-ohaus", "ohaus"),
        Family("scpi", "measure", scpi.FRAMING, 5.0, scpi.measure, scpi.identify, scpi.tell, scpi.restarted),
        Family(
            "safety-tester",
            "measure",
            safety_tester.FRAMING,
            120.0,
            safety_tester.measure,
            scpi.identify,
            partial(scpi.tell, ready_s=0),  # the GPT-9000 knows no *OPC?
            stop=safety_tester.stop,
        ),
        Family("line-tester", "listen", line_tester.FRAMING),
        Family("label-printer", "print", label_printer.FRAMING),
    )
}
