"""Regular expressions that a plan gives for labels: checked before a bench has to read by them."""

from __future__ import annotations

import re

from mes.i18n import _
from mes.plan.errors import refusal
from mes.plan.patterns import MAX_OPEN, MAX_PATTERN, runs_away


def expression(pattern: str, allowed: str, *, group: str = "") -> str:
    """Check a regular expression.

    Args:
        allowed: an example, for the sentence.
        group: the named group that it must have; empty: none.

    Raises:
        PydanticCustomError: with a sentence, for the table that is being decoded.
    """
    try:
        groups = re.compile(pattern).groupindex
    except (re.error, OverflowError) as wrong:
        raise refusal(_("This is not a regular expression (%(why)s).", why=wrong), allowed) from None
    if group and group not in groups:
        raise refusal(_("The pattern has no group named %(group)s.", group=group), allowed)
    if runs_away(pattern):
        raise refusal(
            _("Some label could keep a bench busy with this pattern for ever."),
            _(
                "no repetition of a repetition, at most %(open)s open ones and %(most)s characters",
                open=MAX_OPEN,
                most=MAX_PATTERN,
            ),
        )
    return pattern
