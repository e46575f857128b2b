"""What the board calls things: states, devices, faults, nonconformities. Texts only; no rule, no HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_babel import lazy_gettext

from mes.board import Nonconformity, OrderProgress, Tile
from mes.domain.reasons import sentence

WORDS: Final = {
    "in_work": lazy_gettext("In work"),
    "stop": lazy_gettext("Stop"),
    "down": lazy_gettext("Broken down"),
    "call": lazy_gettext("Call"),
    "break": lazy_gettext("Break"),
    "burn_in": lazy_gettext("Burn-in"),
    "ready": lazy_gettext("Ready"),
    "kept": lazy_gettext("Kept"),
    "offline": lazy_gettext("No network"),
    "free": lazy_gettext("Free"),
    "waiting": lazy_gettext("Waiting"),
    "off": lazy_gettext("Off"),
}
DEVICES: Final = {
    "scanner": lazy_gettext("Scanner"),
    "scanner-stx": lazy_gettext("Scanner"),
    "scale": lazy_gettext("Scale"),
    "scale-kern": lazy_gettext("Scale"),
    "scale-ohaus": lazy_gettext("Scale"),
    "printer": lazy_gettext("Printer"),
    "label-printer": lazy_gettext("Label printer"),
    "lamp": lazy_gettext("Lamp"),
    "scpi": lazy_gettext("Test instrument"),
    "safety": lazy_gettext("Safety tester"),
    "safety-tester": lazy_gettext("Safety tester"),
    "line-tester": lazy_gettext("Line tester"),
    "disk": lazy_gettext("Disk"),
    "clock": lazy_gettext("Clock"),
}
FAULTS: Final = {
    "unplugged": lazy_gettext("cable unplugged"),
    "missing": lazy_gettext("not found"),
    "busy": lazy_gettext("used by another program"),
    "denied": lazy_gettext("access refused"),
    "broken": lazy_gettext("broken down"),
    "silent": lazy_gettext("no answer"),
    "timeout": lazy_gettext("no answer"),
    "torn": lazy_gettext("bad reading"),
    "noise": lazy_gettext("bad reading"),
    "full": lazy_gettext("full"),
    "wrong": lazy_gettext("wrong"),
}
NC_STATES: Final = {
    "open": ("stop", lazy_gettext("to decide")),
    "contained": ("stop", lazy_gettext("to decide")),
    "analysed": ("stop", lazy_gettext("to decide")),
    "decided": ("wait", lazy_gettext("to close")),
    "in_treatment": ("wait", lazy_gettext("in rework")),
    "to_reverify": ("wait", lazy_gettext("to verify again")),
    "closed": ("go", lazy_gettext("closed")),
    "cancelled": ("idle", lazy_gettext("cancelled")),
}
DISPOSITIONS: Final = {
    "rework": lazy_gettext("rework"),
    "repair": lazy_gettext("repair"),
    "use_as_is": lazy_gettext("use as is"),
    "regrade": lazy_gettext("regrade"),
    "scrap": lazy_gettext("scrap"),
    "return": lazy_gettext("return to supplier"),
    "sort": lazy_gettext("sort"),
    "not_confirmed": lazy_gettext("not confirmed"),
}

ALARMS: Final = {
    "machine": lazy_gettext("key used by another computer"),
    "boot": lazy_gettext("key used by a copy of the computer"),
    "stream": lazy_gettext("sends under another station’s name"),
    "code": lazy_gettext("enrolment code used twice"),
}


def alarm(code: str) -> str:
    """What is wrong with a station's key, for people."""
    return str(ALARMS.get(code, code))


def device(name: str) -> str:
    """A device's name for people; one that we have no word for is shown as the station calls it."""
    return str(DEVICES.get(name, name))


def fault(code: str) -> str:
    """What is wrong with a device, for people."""
    return str(FAULTS.get(code, code))


def nc_label(nc: Nonconformity | Mapping[str, str] | None, language: str) -> str:
    """What a nonconformity is about: the test or the defect; something unplanned has no name of its own."""
    label = nc.label if isinstance(nc, Nonconformity) else nc
    if label is None:
        return str(lazy_gettext("Not planned"))
    return label.get(language) or label.get("fr") or "?"


def why(tile: Tile, language: str) -> str:
    """The one sentence of a tile; empty where the word says it all."""
    if tile.state == "stop" and tile.reason:
        return sentence(tile.reason, tile.args, language)[0]
    if tile.word == "call":
        return str(lazy_gettext("Help is asked for."))
    if tile.link.offline_since is not None and tile.state == "kept":
        return str(lazy_gettext("Without network. Nothing is lost."))
    if tile.faults:
        first = tile.faults[0]
        return (
            f"{device(first.device)} : {fault(first.fault)}"
            if language == "fr"
            else (f"{device(first.device)}: {fault(first.fault)}")
        )
    return ""


def order_parts(order: OrderProgress) -> list[tuple[str, int]]:
    """The stretches of an order's bar: class and pieces."""
    return [
        ("done", order.done),
        ("work", order.in_work + order.between),
        ("held", order.held),
        ("scrap", order.scrapped),
    ]
