"""Once a day: forget who did what on the floor, after as many days as the plan says; mail what waits too long, where a
mail server is named.

A thread looks every hour, so a server that is off at night does it in the morning. Which day was the last is kept in
the database. It must not know how it is done: that is `mes.forgetting`.
"""

from __future__ import annotations

import logging
import threading
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from mes import digest, forgetting, mail, revisions
from mes.db.base import utc_text
from mes.db.tables import Meta
from mes.domain.days import day_at
from web.site import Site

log = logging.getLogger(__name__)
FIRST_S: Final = 60.0  # after the start: what waits at the benches comes first
EVERY_S: Final = 3600.0
NOT_BEFORE: Final = 6  # o'clock at the site: a mail of the morning
_LAST_DAY: Final = "generalised_on"
_LAST_MAIL: Final = "mailed_on"


def start(site: Site) -> threading.Event:
    """Start the thread; setting the event that is returned ends it."""
    stop = threading.Event()
    threading.Thread(target=_run, args=(site, stop), name="nightly", daemon=True).start()
    return stop


def _run(site: Site, stop: threading.Event) -> None:
    wait_s = FIRST_S
    while not stop.wait(wait_s):
        wait_s = EVERY_S
        try:
            tonight(site)
        except Exception:  # a locked database, a full disk: the next hour tries again
            log.exception("the operators of old events were not generalised; it is tried again in an hour")
        try:
            this_morning(site)
        except Exception:  # no mail server, no network: the next hour tries again
            log.exception("the mail of what waits too long was not sent; it is tried again in an hour")


def tonight(site: Site) -> int | None:
    """Generalise what is due, if it has not been done today.

    Returns:
        The number of events; None when there was nothing to do today.
    """
    now = site.clock()
    with site.reading() as session:
        plan = revisions.latest_plan(session)
        done = session.scalar(select(Meta.value).where(Meta.key == _LAST_DAY))
    if plan is None or not plan.plant.generalise_days:
        return None
    today = day_at(utc_text(now), plan.plant.timezone)
    if done == today:
        return None
    count = forgetting.generalise(site.engine, site.do, now=now, days=plan.plant.generalise_days)
    site.do(lambda session, at: session.merge(Meta(key=_LAST_DAY, value=today)))
    if count:
        log.info("%s events say no more who did them", count)
    return count


def this_morning(site: Site, to: mail.Server | None = None) -> digest.Digest | None:
    """Mail what waits too long, once a day, where a mail server is named.

    Args:
        to: where to; what the environment names when it is None.

    Returns:
        The mail that was sent; None when there was none to send today.
    """
    to, now = to or mail.server(), site.clock()
    if to is None:
        return None
    with site.reading() as session:
        plan = revisions.latest_plan(session)
        if plan is None:
            return None
        today, hour = day_at(utc_text(now), plan.plant.timezone), now.astimezone(ZoneInfo(plan.plant.timezone)).hour
        if hour < NOT_BEFORE or session.scalar(select(Meta.value).where(Meta.key == _LAST_MAIL)) == today:
            return None
        found = digest.digest(session, plan, now=now, language=to.language)
    if found is not None:
        mail.send(to, found.subject, found.text)
    site.do(lambda session, at: session.merge(Meta(key=_LAST_MAIL, value=today)))
    return found
