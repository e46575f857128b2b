"""The words of the bench page: what a button, a mark, a link state or a kind of work is called.

Every text is written in English here and translated when the page is painted; reasons are not here, they are the
domain's. It decides nothing about the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from flask_babel import gettext, ngettext, pgettext

from mes.domain.measurement import show
from mes.domain.route import StepKind
from stations.signal import Light
from stations.view import Link, Need, NeedState

Look = Literal["go", "stop", "wait", "help", "idle"]


@dataclass(frozen=True, slots=True)
class Button:
    """How a command looks, and its function key. F5, F11 and F12 belong to the browser."""

    mark: str
    look: Look
    key: str


# The order of the buttons: what goes on first, the calls for help always last, so that a hand finds them again.
BUTTONS: Final[Mapping[str, Button]] = MappingProxyType(
    {
        "DONE": Button("ok", "go", "F2"),
        "PASS": Button("look", "go", "F3"),
        "YES": Button("ok", "go", "F2"),
        "FAIL": Button("defect", "stop", "F4"),
        "NO": Button("bad", "stop", "F4"),
        "RESUME": Button("resume", "go", "F8"),
        "UNDO": Button("undo", "idle", "F6"),
        "LEAVE": Button("leave", "idle", "F7"),
        "PAUSE": Button("pause", "wait", "F8"),
        "SUPERVISOR": Button("person", "wait", ""),
        "HELPED": Button("person", "help", "F1"),
        "HELP": Button("help", "help", "F1"),
    }
)
LISTEN_KEY: Final = "F9"
LANGUAGE_KEY: Final = "F10"


def _(text: str, **values: object) -> str:
    return str(gettext(text, **values))


def command(name: str) -> str:
    """What stands on the button; the very word that the step's sentences and the reasons use."""
    return str(
        {
            "DONE": pgettext("command", "Done"),
            "PASS": pgettext("command", "Pass"),
            "FAIL": pgettext("command", "Defect"),
            "UNDO": pgettext("command", "Undo"),
            "HELP": pgettext("command", "Help"),
            "PAUSE": pgettext("command", "Break"),
            "RESUME": pgettext("command", "Resume"),
            "LEAVE": pgettext("command", "Leave"),
            "YES": pgettext("command", "Yes"),
            "NO": pgettext("command", "No"),
            "HELPED": pgettext("command", "Help is here"),
            "SUPERVISOR": pgettext("command", "Supervisor"),
        }[name]
    )


def light(name: Light) -> str:
    """The word under the shape of a verdict."""
    return str(
        {
            "go": pgettext("verdict", "OK"),
            "stop": pgettext("verdict", "Stop"),
            "kept": pgettext("verdict", "Kept"),
            "wait": pgettext("verdict", "Waiting"),
            "help": pgettext("verdict", "Help"),
        }[name]
    )


def link(name: Link) -> tuple[str, str]:
    """The mark and the word for the way to the server."""
    return {
        "starting": ("wait", _("connecting")),
        "up": ("link", _("network")),
        "down": ("unlinked", _("no network")),
        "not_allowed": ("bad", _("not allowed")),
        "not_trusted": ("bad", _("not trusted")),
        "old_agent": ("bad", _("old program")),
    }[name]


def trouble(name: Link) -> tuple[str, str, str] | None:
    """What to say across the page when the way to the server is not there: tone, sentence, what to do."""
    if name == "down":
        return "kept", _("No network. Nothing is lost."), _("You can go on. The station keeps everything.")
    if name == "not_allowed":
        return "stop", _("The server refuses this station. Nothing is lost."), _("Tell the supervisor.")
    if name == "not_trusted":
        return "stop", _("What answers cannot prove that it is the server. Nothing is lost."), _("Tell the supervisor.")
    if name == "old_agent":
        return "stop", _("The program of this station is too old. Nothing is lost."), _("Tell the supervisor.")
    return None


def plain_http() -> tuple[str, str]:
    """What to say across the page where the network is not protected, and what to do."""
    return _("Plain HTTP: what travels here can be read and changed on the way."), ""


def device(family: str, name: str) -> str:
    """What a device is called at the bench, at the start of a sentence; its own name when the family is not known."""
    return {
        "scanner": _("The scanner"),
        "scanner-stx": _("The scanner"),
        "scale": _("The weighing device"),
        "scale-kern": _("The weighing device"),
        "scale-ohaus": _("The weighing device"),
        "scpi": _("The measuring device"),
        "safety-tester": _("The safety tester"),
        "line-tester": _("The test bench"),
        "label-printer": _("The label printer"),
    }.get(family, name)


def device_trouble(device: str) -> tuple[str, str]:
    """What to say of a device that is plugged in and does not work."""
    return _("%(device)s does not answer.", device=device), _("Switch it off and on again, or call for help.")


def kept(count: int) -> str:
    """How many events wait on the station's disk."""
    return str(ngettext("%(num)s kept", "%(num)s kept", count))


def state(name: NeedState) -> str:
    """A need's state, for those who hear the page."""
    return str(
        {
            "todo": pgettext("need", "to do"),
            "doing": pgettext("need", "now"),
            "ok": pgettext("need", "good"),
            "bad": pgettext("need", "not good"),
        }[name]
    )


def need(item: Need, language: str) -> str:
    """What a need is called; the plan's own name where it has one."""
    own = {
        "component": item.part or _("Part"),
        "test": _("Test"),
        "inspection": _("Look at the unit"),
        "quantity": _("Quantity"),
        "time": _("Waiting time"),
        "done": _("DONE"),
    }[item.kind]
    name = item.name.to(language) if item.name else own
    if item.want > 1:
        return _("%(name)s, %(have)s of %(want)s", name=name, have=item.have, want=item.want)
    return name


def limits(low: float | None, high: float | None, unit: str, language: str) -> str:
    """The limits in words; empty when there is none."""
    if low is not None and high is not None:
        return _("%(low)s to %(high)s", low=show(low, unit, language), high=show(high, unit, language))
    if low is not None:
        return _("%(limit)s or more", limit=show(low, unit, language))
    if high is not None:
        return _("%(limit)s or less", limit=show(high, unit, language))
    return ""


def place(at: int, of: int) -> str:
    """Where the step stands on the route."""
    return _("step %(at)s of %(of)s", at=at, of=of)


def just_good() -> str:
    """A reading that passes and lies near its limit."""
    return _("just good")


def nothing() -> str:
    """A test of which nothing usable came: the bench is at fault."""
    return _("no reading: the bench did not answer well")


def left(seconds: int) -> str:
    """How long a test still takes, about."""
    if seconds < 60:
        return _("about %(count)s s left", count=seconds)
    return _("about %(count)s min left", count=round(seconds / 60))


def waiting_tester() -> str:
    """What stands in place of the time left while a tester that talks by itself is awaited."""
    return _("waiting for the tester")


def minutes(count: int) -> str:
    """How long a unit still stays in the rack."""
    return _("%(num)s min", num=count)


def ready() -> str:
    """A unit in the rack that may be taken."""
    return _("ready")


def rack_place(number: int) -> str:
    """Where in the rack a unit stands."""
    return _("Place %(number)s", number=number)


def rack_summary(count: int, ready: int, bad: int) -> str:
    """How many units are in the rack, while another one has the room of the screen."""
    said = [_("In the rack: %(count)s", count=count), _("ready: %(count)s", count=ready)]
    return " · ".join([*said, _("to look at: %(count)s", count=bad)] if bad else said)


def last_sample(last: Literal["", "in", "out", "error"]) -> str:
    """What the last sample said; empty before the first."""
    if not last:
        return ""
    return {
        "in": _("within limits"),
        "out": _("out of limits"),
        "error": _("no answer"),
    }[last]


def kind_picture(kind: StepKind) -> str:
    """The drawing for a step whose plan has none."""
    return f"p-{kind}"


def starting() -> tuple[str, tuple[str, ...]]:
    """Title and sentences before the station is ready."""
    return _("Not ready"), (_("The station is starting."), _("Wait. Do not scan yet."))


def signed_out() -> tuple[str, tuple[str, ...]]:
    """Title and sentences while nobody is signed in."""
    return _("Scan your badge"), (_("Take the scanner."), _("Aim at the bars of your badge."), _("Wait for the sound."))


def idle() -> tuple[str, tuple[str, ...]]:
    """Title and sentences while no unit is on the bench."""
    return _("Scan a unit"), (_("Take the next unit."), _("Scan its label."), _("Wait for the green colour."))


def taking_in() -> tuple[str, tuple[str, ...]]:
    """The same while an order takes in units that bear a serial already."""
    return _("Scan a serial number"), (
        _("Take the next unit."),
        _("Scan the serial number on the unit."),
        _("Wait for the green colour."),
    )


def packing() -> tuple[str, tuple[str, ...]]:
    """Title and sentences while a carton is packed."""
    return _("Pack the carton"), (
        _("Put one in the carton."),
        _("Scan its label."),
        _("When the carton is full, scan DONE."),
    )


def packed_full(*, weighs: bool) -> tuple[str, tuple[str, ...]]:
    """The same when nothing more goes in."""
    on_the_scale = (_("Put it on the scale."),) if weighs else ()
    return _("Close the carton"), (_("The carton is full."), *on_the_scale, _("Scan DONE."))


def asking() -> tuple[str, tuple[str, ...]]:
    """Title and sentences while the server is asked and no step is shown yet."""
    return _("One moment"), (_("The station asks the server."),)


def paused() -> tuple[str, tuple[str, ...]]:
    """Title and sentences during a break."""
    return _("Break"), (_("The clock has stopped."), _("Scan RESUME to go on."))
