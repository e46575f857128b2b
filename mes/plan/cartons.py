"""The tables that say how things are packed: `[product.carton]` and `[plant.pallet]`, and the GS1 company prefix.

The vocabulary of `mes.domain.route` with what a person can get wrong in it. Nothing here reads a file.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import Field, ValidationInfo, field_validator

from mes.domain.route import CartonHolding, PalletHolding
from mes.domain.sscc import PREFIX, check_digit
from mes.i18n import _
from mes.plan.errors import refusal, unknown
from mes.plan.known import known_to

SCALE: Final = "scale"


def is_prefix(prefix: str | None) -> str | None:
    """Field check: a GS1 company prefix. Source: GS1 General Specifications, 1.4.4: 4 to 12 digits."""
    if prefix is not None and not re.fullmatch(PREFIX, prefix):
        raise refusal(_("This is not a GS1 company prefix."), _("4 to 12 digits, as GS1 has given them to the company"))
    return prefix


def _there(stations: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    known = known_to(info).stations
    wrong = [s for s in stations if known is not None and s not in known]
    if known is not None and wrong:
        raise unknown(_("No station is called %(name)s.", name=wrong[0]), wrong[0], known)
    return stations


def _has_a_scale(tolerance_g: float | None, info: ValidationInfo) -> float | None:
    """A weighing needs a scale wherever it is packed."""
    known = known_to(info).stations or {}
    for station in info.data.get("stations", ()) if tolerance_g is not None else ():
        found = known.get(station)
        if found is not None and SCALE not in found.values():
            said = _("There is no scale at: %(stations)s.", stations=station)
            raise refusal(said, _("no tolerance_g, or a station with an instrument of family scale"))
    return tolerance_g


class CartonTable(CartonHolding):
    """`[product.carton]`: how units or pieces of a product go into cartons."""

    net_g: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(default=None, validate_default=True)

    _there = field_validator("stations")(_there)
    _has_a_scale = field_validator("tolerance_g")(_has_a_scale)

    @field_validator("net_g")
    @classmethod
    def _is_found_missing(cls, net_g: float | None, info: ValidationInfo) -> float | None:
        tolerance_g = info.data.get("tolerance_g")
        if tolerance_g is None:
            return net_g
        if net_g is None:
            raise refusal(_("To weigh a carton, the weight of one piece must be known."), "net_g = 96")
        if tolerance_g >= net_g:
            said = _("A carton with one piece too few (%(weight)s g) would still pass.", weight=f"{net_g:g}")
            raise refusal(said, _("a tolerance_g of less than %(most)s", most=f"{net_g:g}"))
        return net_g

    @field_validator("gtin")
    @classmethod
    def _checks(cls, gtin: str | None) -> str | None:
        if gtin is not None and not (gtin.isdecimal() and len(gtin) == 14 and check_digit(gtin[:-1]) == gtin[-1]):
            raise refusal(_("This is not a GTIN: its check digit is wrong."), _("14 digits"))
        return gtin


class PalletTable(PalletHolding):
    """`[plant.pallet]`: how closed cartons go onto pallets."""

    _there = field_validator("stations")(_there)
    _has_a_scale = field_validator("tolerance_g")(_has_a_scale)
