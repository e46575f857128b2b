"""What the lamp and the beep say: one pattern for each tone, the same on the page, on a lamp and in a scanner.

Pure: a tone or a `Screen` in, a `Signal` out. The light is a *word* (go, stop, kept, wait, help), not a colour or a
byte: which output of which lamp that is belongs to the station's own file. It knows no port and no browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from mes.domain.reasons import Tone
from stations.view import Screen

Light = Literal["go", "stop", "kept", "wait", "help"]


@dataclass(frozen=True, slots=True)
class Note:
    """One sound: `hz` 0 is a rest."""

    hz: int
    ms: int


@dataclass(frozen=True, slots=True)
class Signal:
    """What a person sees and hears from afar: the light, whether it blinks, and the notes to play once."""

    light: Light
    blinks: bool = False
    notes: tuple[Note, ...] = ()


# High and short is good, low and twice is not: told apart by pitch, by number and by length, so also by half-deaf ears
# and through ear protectors. Nothing blinks but a stop and a call for help.
SIGNALS: Final[Mapping[Tone, Signal]] = MappingProxyType(
    {
        "go": Signal("go", notes=(Note(1760, 90),)),
        "stop": Signal("stop", blinks=True, notes=(Note(262, 220), Note(0, 90), Note(262, 320))),
        "kept": Signal("kept", notes=(Note(784, 90),)),
        "wait": Signal("wait"),
    }
)


def signal(tone: Tone) -> Signal:
    """The pattern of a verdict's tone."""
    return SIGNALS[tone]


def signal_of(screen: Screen) -> Signal:
    """The pattern of a whole screen: a call for help that nobody has answered takes the light; the notes stay."""
    said = signal(screen.banner.tone)
    return Signal("help", blinks=True, notes=said.notes) if screen.help_called else said


def score(notes: tuple[Note, ...]) -> str:
    """The notes as text for the page, `262:220 0:90 262:320`: pitch in Hz, length in ms."""
    return " ".join(f"{note.hz}:{note.ms}" for note in notes)
