"""How the office says an order: its priority, what stands against closing it and where that is done. No rule here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import url_for
from flask_babel import lazy_gettext

from mes.domain.orders import Against
from mes.domain.reasons import sentence
from web.language import language

PRIORITIES: Final = {1: lazy_gettext("urgent"), 2: lazy_gettext("normal"), 3: lazy_gettext("can wait")}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason against closing, as a sentence with what to do, and where to do it."""

    said: str
    then: str
    url: str


_FILTER: Final = {"close_not_begun": "reserved", "close_in_work": "open", "close_missing": "scrapped"}


def obstacles(order: str, against: list[Against]) -> list[Obstacle]:
    """What stands against closing, for the page of the order."""
    out = []
    for each in against:
        if each.reason == "close_nc_open":
            url = url_for("quality.show", nc=each.args["nc"])
        elif each.reason == "close_not_released":
            url = url_for("release.show", order=order)
        else:
            url = url_for("orders.show", order=order, show=_FILTER.get(each.reason))
        out.append(Obstacle(*sentence(each.reason, each.args, language()), url))
    return out
