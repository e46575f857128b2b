"""Nonconformities: what they concern, what was decided, what was said and filed, and concessions."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mes.db.base import Base, Day, Hash, Id, Key, Long, Position, Utc, Word


class Nonconformity(Base):
    """A nonconformity, and what the log must retain of it (ISO 9001:2015, 8.7.2).

    `unit` is the first unit that is concerned, empty for one of anything else; what all is concerned stands in
    `nc_item`. `disposition`, `why` and `decided_at` are those of the last decision. Costs are in cents.
    """

    __tablename__ = "nonconformity"
    __table_args__ = (
        Index(None, "state"),
        Index(None, "unit"),
        Index(None, "opened_at"),
        Index(None, "order"),
        Index(None, "product"),
    )

    id: Mapped[Key]
    unit: Mapped[Id]
    order: Mapped[Id]
    product: Mapped[Id]
    step: Mapped[Id]
    station: Mapped[Id | None]
    cause: Mapped[Word]
    defect: Mapped[Id | None]
    detail: Mapped[Long]
    state: Mapped[Word]
    disposition: Mapped[Word | None]
    why: Mapped[Long]
    event_id: Mapped[Id]
    opened_at: Mapped[Utc]
    decided_at: Mapped[Utc | None]
    closed_at: Mapped[Utc | None]
    title: Mapped[str] = mapped_column(String(120))
    requirement: Mapped[Long]
    severity: Mapped[Word]
    customer: Mapped[str] = mapped_column(String(120))
    supplier: Mapped[str] = mapped_column(String(120))
    reference: Mapped[str] = mapped_column(String(120))
    customer_informed: Mapped[Day | None]
    cost_material: Mapped[Position]
    cost_work: Mapped[Position]
    cost_other: Mapped[Position]
    place: Mapped[str] = mapped_column(String(120))
    labelled: Mapped[bool]
    contained_at: Mapped[Utc | None]
    analysis: Mapped[Long]
    analysed_at: Mapped[Utc | None]
    merged_into: Mapped[Id | None]
    items: Mapped[int]
    remarks: Mapped[int]
    n: Mapped[Position]


class NcItem(Base):
    """One thing that a nonconformity concerns, and what was decided on it, by whom and when.

    `why` says why it is here, `precaution` that it only may be alike. `decided_by` is a person's pseudonym: the
    authority (8.7.2 d). `verified_at`: when it passed again after its treatment.
    """

    __tablename__ = "nc_item"
    __table_args__ = (Index(None, "subject"), Index(None, "state"))

    nc: Mapped[Key]
    item: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Word]
    subject: Mapped[Id]
    part: Mapped[Id]
    quantity: Mapped[int]
    why: Mapped[str] = mapped_column(String(120))
    precaution: Mapped[bool]
    state: Mapped[Word]
    disposition: Mapped[Word | None]
    step: Mapped[Id]
    concession: Mapped[Id | None]
    decided_by: Mapped[Id]
    decided_at: Mapped[Utc | None]
    verified_at: Mapped[Utc | None]
    note: Mapped[Long]
    n: Mapped[Position]


class NcText(Base):
    """What the search of the log looks at: the facts and the remarks of a nonconformity, by `mes.domain.plain`."""

    __tablename__ = "nc_text"

    nc: Mapped[Key]
    facts: Mapped[Long]
    remarks: Mapped[Long]
    n: Mapped[Position]


class NcRemark(Base):
    """A comment on a nonconformity, or a file, which lies in `file` by its hash."""

    __tablename__ = "nc_remark"

    nc: Mapped[Key]
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[Long]
    file_sha256: Mapped[Hash | None]
    file_name: Mapped[str] = mapped_column(String(120))
    file_size: Mapped[int]
    file_type: Mapped[Word]
    at: Mapped[Utc]
    n: Mapped[Position]


class Concession(Base):
    """The permission to use what does not conform, within bounds. `remaining` counts down; `serials` is JSON, empty
    for any unit of the product."""

    __tablename__ = "concession"
    __table_args__ = (
        Index(None, "nc"),
        CheckConstraint("remaining >= 0 and remaining <= count", name="remaining"),
    )

    id: Mapped[Key]
    nc: Mapped[Id]
    product: Mapped[Id]
    step: Mapped[Id]
    serials: Mapped[Long]
    count: Mapped[int]
    remaining: Mapped[int]
    expires: Mapped[Day]
    scope: Mapped[Long]
    authority: Mapped[str] = mapped_column(String(120))
    reference: Mapped[str] = mapped_column(String(120))
    granted_by: Mapped[Id]
    granted_at: Mapped[Utc]
    n: Mapped[Position]


class LogView(Base):
    """A filter of the log that has a name. `filter` is JSON, names and values as in the address; `gone`: taken away."""

    __tablename__ = "log_view"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    filter: Mapped[Long]
    gone: Mapped[bool]
    n: Mapped[Position]
