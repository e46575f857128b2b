"""One busy morning, the one of the drawing: every state of a tile at once. For pictures and for tests of the pages."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from mes import orders, quality
from tests.server.worlds import Workshop, released_order

START_DAY = date(2026, 11, 23)
ALL = ("bench-1", "bench-2", "bench-3", "bench-4", "bench-5", "bench-6", "bench-7", "bench-8", "pack-1", "pack-2")


def busy_morning(shop: Workshop) -> datetime:
    """Fill a workshop that has just begun; returns the moment at which the board is to be looked at."""
    clock = shop.clock
    shop.sign_in(*ALL[:7], "pack-1")
    day = START_DAY
    units = released_order(shop, quantity=24, order="OF-2026-118", due=day + timedelta(days=4))
    released_order(shop, "KIT-B", 1200, order="OF-2026-121", due=day - timedelta(days=1))
    released_order(shop, quantity=6, order="OF-2026-125", due=date(2026, 12, 2))
    for serial in units[:3]:
        shop.bring(serial, None)
    scratched = units[3]
    shop.bring(scratched, "final")
    first = shop.reject(scratched, "SCRATCH")
    shop.do(quality.decide, first, "rework", step="inverter", why="Capot à changer")
    for serial in units[4:8]:
        shop.bring(serial, "burn-in", enter=False)
    shop.bring(units[8], "final", enter=False)
    shop.bring(units[9], "function", enter=False)
    for serial in units[10:13]:
        shop.bring(serial, "safety", enter=False)
    clock.tick(600)
    for serial in units[4:8]:
        shop.enter(serial)
    shop.count("pack-1", "OF-2026-121", "count", 318, {"COUNT-WRONG": 2})
    shop.count("pack-2", "OF-2026-121", "carton", 264)
    clock.tick(1500)
    shop.enter(units[8])
    shop.enter(units[9])
    clock.tick(200)
    shop.bring(units[14], "safety", enter=False)
    shop.fail(units[10])
    shop.bring(units[15], "inverter")
    shop.bring(units[16], "battery")
    clock.tick(240)
    shop.enter(units[17])
    shop.call("bench-3")
    shop.fault("bench-8", "scale")
    away = clock.now
    clock.tick(130)
    for station in ALL:
        shop.hello(station)
    shop.hello("bench-7", kept=7, at=away)
    shop.count("pack-1", "OF-2026-121", "count", 24)
    shop.do(orders.create, "OF-2026-130", "NOMAD-1000", 10)
    return clock.tick(20)
