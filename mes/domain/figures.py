"""Which figures by step may be shown: none that speaks of one person.

Pure. A step is often one person's for the whole day, so a figure of the work at a step (how many, how long) is a figure
of that person. What a test or a look has said of units is a figure of the product.
"""

from __future__ import annotations

from typing import Final, Literal

LEAST_PEOPLE: Final = 5
"""A figure of work stands for a group of so many people, or is not shown."""


LEAST_STATIONS: Final = 2
"""A time of a whole way stands for a way over so many stations, or is not shown."""


def way_may_be_shown(stations: int) -> bool:
    """May it be shown how long units take from their first bench to their end?

    Args:
        stations: over how many the way leads. A way at one bench is the pace of whoever stands there; a way over
            several is made of waiting between them, and of the work of all of them.
    """
    return stations >= LEAST_STATIONS


def may_be_shown(figure: Literal["product", "work"], people: int = 0) -> bool:
    """May a figure by step be shown?

    Args:
        figure: `product`: what tests and looks have said of units; `work`: counts, times, pace, waiting at a step.
        people: how many different people the figure is of; 0 where that is not known.
    """
    return figure == "product" or people >= LEAST_PEOPLE
