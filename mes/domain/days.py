"""The calendar day of a moment, as the workshop's own clock says it: what an expiry date is compared with.

Pure. A date holds to the end of its day, and the day ends at midnight of the site, not of UTC.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


def day_at(at: str, timezone: str) -> str:
    """The day of a UTC text at a site.

    Args:
        at: UTC text, `2026-11-23T23:30:00.000Z`.
        timezone: a name of the IANA database.

    Returns:
        `YYYY-MM-DD`: days compare as their texts do.
    """
    return _day(at[:16], timezone)


@lru_cache(maxsize=256)  # one minute serves all events of that minute
def _day(minute: str, timezone: str) -> str:
    return datetime.fromisoformat(minute + "+00:00").astimezone(ZoneInfo(timezone)).date().isoformat()


def start_of(day: str, timezone: str) -> str:
    """When a day of a site begins, UTC text."""
    midnight = datetime.combine(date.fromisoformat(day), time.min, ZoneInfo(timezone))
    return midnight.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def after(day: str) -> str:
    """The next day."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def said(day: str) -> dict[str, str]:
    """A day as people write it, in each language."""
    year, month, date = day.split("-")
    return {"fr": f"{date}/{month}/{year}", "en": day}


def months_after(day: str, months: int) -> str:
    """The same day so many months later; the last day of that month where it is shorter.

    Args:
        day: `YYYY-MM-DD`.
        months: 0 or more.
    """
    first = date.fromisoformat(day)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return first.replace(year=year, month=month + 1, day=min(first.day, monthrange(year, month + 1)[1])).isoformat()


def quarter_at(at: str) -> str:
    """The quarter of an hour, UTC, that a moment lies in: `2026-11-23T10:15`."""
    return f"{at[:14]}{int(at[14:16]) // 15 * 15:02}"
