"""Bodies: people, badges, qualifications, accounts, and a supervisor's agreement."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Count, Day, Frozen, Id, OptionalId, UtcText


class PersonChanged(Frozen):
    """A person came to the shop, the name behind a pseudonym was erased, or somebody had all that is held on a person
    printed. The name itself is never here."""

    person: Id


OneLine = Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]


InstrumentId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,47}$")]


class BadgeIssued(Frozen):
    """A badge for a person: its id is random and says nothing of who carries it."""

    badge: Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,48}$")]
    person: Id
    language: Literal["fr", "en"]


class BadgeEnded(Frozen):
    """A badge is good no longer: lost, or its person has left."""

    badge: Id
    why: Annotated[str, Field(max_length=500)] = ""


class QualificationGranted(Frozen):
    """A person may do the steps that ask for this, to the end of a day; a second grant sets another day."""

    person: Id
    qualification: Id
    valid_until: Day


class QualificationWithdrawn(Frozen):
    """A person may not do these steps any more."""

    person: Id
    qualification: Id
    why: Annotated[str, Field(max_length=500)] = ""


Role = Literal["operator", "supervisor", "quality", "planner", "admin"]

"""What somebody may do at the web pages; an account has one or more of them."""


SignInWhy = Literal["name", "password", "disabled"]


class AccountNamed(Frozen):
    """Something happened to an account, or somebody came or went."""

    person: Id


class AccountRoles(Frozen):
    """An account came to be, or has other roles now: these and no others."""

    person: Id
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]


class SignInRefused(Frozen):
    """Somebody could not sign in: at this account, or (empty) with a name that no account has. Never what was typed."""

    person: OptionalId = ""
    why: SignInWhy


class AccessRefused(Frozen):
    """Somebody who is signed in asked for a page that only these roles may see or use."""

    path: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
    roles: tuple[Role, ...]


class OperatorsGeneralised(Frozen):
    """The operators of floor events from before a moment were forgotten."""

    before: UtcText
    events: Count


class OverrideGranted(Frozen):
    """A supervisor lets one operator do one visit of a unit to a step (one booking of an order) without what it takes.

    `by` is the supervisor's pseudonym, `operator` the badge of who works. The PIN is nowhere.
    """

    unit: Id
    step: Id
    visit: Count = 0
    operator: Id
    station: Id
    reasons: Annotated[tuple[Id, ...], Field(min_length=1, max_length=8)]
    by: Id


class OverrideRefused(Frozen):
    """Somebody tried, with a badge or a PIN that was not right (`by` is empty where the badge is nobody's)."""

    unit: Id
    step: Id
    operator: Id
    station: Id
    by: OptionalId = ""
    why: Literal["wrong", "self", "never"]
