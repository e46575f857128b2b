"""Receipts, cartons, release and decisions of a unit in words: sections of its history, and lines of its facts.

Texts of one language out of `mes.trace_chain`; a part of `mes.trace_sheet`, which says times, parts and steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mes.domain.measurement import show
from mes.domain.nonconformity import DISPOSITIONS, NAMES
from mes.domain.sscc import spaced
from mes.export import Cell
from mes.i18n import N_, translator
from mes.trace_chain import Boxed, Decision, Deviation, Origin, Printed, Released

ITEM_STATES: Final = {
    "undecided": N_("to decide"),
    "in_treatment": N_("in treatment"),
    "to_reverify": N_("to verify again"),
    "settled": N_("settled"),
    "moved": N_("moved to another one"),
}
_CARTON_STATES: Final = {"new": N_("new"), "open": N_("open"), "closed": N_("shut")}
_LEVELS: Final = {"carton": N_("Carton"), "pallet": N_("Pallet")}
_MOMENTS: Final = {
    "CartonWeighed": N_("weighed"),
    "CartonClosed": N_("shut"),
    "CartonReopened": N_("opened again"),
    "CartonReleased": N_("no longer blocked"),
}
_SCOPES: Final = {
    "order": N_("the whole order"),
    "finished": N_("what was finished"),
    "units": N_("named units"),
    "carton": N_("a carton"),
}
_PRINTED: Final = {
    "unit": N_("Label of this unit"),
    "traveller": N_("Traveller"),
    "hold": N_("Identification label"),
    "carton": N_("Label of the carton"),
}


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the history: `key` names it in code, `rows` are texts."""

    key: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Chain:
    """The words of one language.

    Args:
        when: says a time at the site; empty for none.
        part: says a part by its number.
    """

    def __init__(self, language: str, when: Callable[[str | None], str], part: Callable[[str], str]) -> None:
        self.language = language
        self.when = when
        self.part = part
        self._say = translator(language).gettext

    def _word(self, words: dict[str, str], key: str) -> str:
        return self._say(words[key]) if key in words else key

    def nc_state(self, state: str) -> str:
        """How a nonconformity stands."""
        return NAMES[state][self.language] if state in NAMES else state

    def disposition(self, disposition: str) -> str:
        """What was decided."""
        return DISPOSITIONS[disposition][self.language] if disposition in DISPOSITIONS else disposition

    # --- sections ---

    def origins(self, found: Iterable[Origin]) -> Section:
        """Where the component lots come from."""
        say, unknown = self._say, self._say(N_("no receipt on record"))
        return Section(
            "origins",
            say(N_("Receipts of the component lots")),
            (say(N_("Part")), say(N_("Lot")), say(N_("Received")), say(N_("Quantity")), say(N_("Supplier")),
             say(N_("Supplier’s lot")), say(N_("Delivery note"))),
            tuple(
                (self.part(o.part), o.lot, o.received_on, str(o.quantity) if o.number else "",
                 o.supplier if o.number else unknown, o.supplier_lot, o.delivery)
                for o in found
            ),
        )  # fmt: skip

    def ncs(self, found: Iterable[Deviation], about: Callable[[Deviation], str], step: Callable[[str], str]) -> Section:
        """Its nonconformities, and when each came into each state."""
        say = self._say
        return Section(
            "deviations",
            say(N_("Nonconformities and rework")),
            (say(N_("Number")), say(N_("Step")), say(N_("About")), say(N_("State")), say(N_("Decision")),
             say(N_("Reason")), say(N_("When"))),
            tuple(
                (n.id, step(n.step), about(n), self.nc_state(n.state), self.disposition(n.disposition), n.why,
                 "; ".join(f"{said} {self.when(at)}" for said, at in self.nc_times(n)))
                for n in found
            ),
        )  # fmt: skip

    def nc_times(self, n: Deviation) -> Iterator[tuple[str, str]]:
        """The states that it came into, each with its time."""
        for said, at in (
            (N_("Opened"), n.opened_at), (N_("Contained"), n.contained_at), (N_("Analysed"), n.analysed_at),
            (N_("Decided"), n.decided_at), (N_("Closed"), n.closed_at),
        ):  # fmt: skip
            if at:
                yield self._say(said), at

    def decisions(self, found: Iterable[Decision]) -> Section:
        """The unit as an item of each nonconformity."""
        say = self._say
        return Section(
            "decisions",
            say(N_("What was decided on this unit")),
            (say(N_("Nonconformity")), say(N_("State")), say(N_("Decision")), say(N_("Decided by")),
             say(N_("Decided")), say(N_("Concession")), say(N_("Verified again")), say(N_("Text"))),
            tuple(
                (d.nc, self._item(d), self.disposition(d.disposition), d.by, self.when(d.decided_at),
                 _concession(d), self.when(d.verified_at), d.note)
                for d in found
            ),
        )  # fmt: skip

    def _item(self, d: Decision) -> str:
        state = self._word(ITEM_STATES, d.state)
        return f"{state} ({self._say(N_('as a precaution'))})" if d.precaution else state

    def boxed(self, found: Iterable[Boxed]) -> Section:
        """The cartons and pallets that it was in."""
        say = self._say
        return Section(
            "boxed",
            say(N_("Cartons and pallets")),
            (say(N_("What")), say(N_("Number (SSCC)")), say(N_("Packed")), say(N_("Taken out")), say(N_("State")),
             say(N_("Weight")), say(N_("What happened to it"))),
            tuple(
                (self._word(_LEVELS, b.level), spaced(b.sscc), self.when(b.packed_at), self._taken_out(b),
                 self._word(_CARTON_STATES, b.state),
                 show(b.weight_g / 1000, "kg", self.language) if b.weight_g is not None else "", self._moments(b))
                for b in found
            ),
        )  # fmt: skip

    def _taken_out(self, b: Boxed) -> str:
        disputed = self._say(N_("disputed")) if b.disputed else ""
        return " · ".join(filter(None, (self.when(b.removed_at), b.why, disputed)))

    def _moments(self, b: Boxed) -> str:
        told = (f"{self._word(_MOMENTS, m.kind)} {self.when(m.at)} {m.why}".strip() for m in b.moments)
        return "; ".join(told)

    def released(self, found: Released | None) -> Section:
        """Its release."""
        say = self._say
        head = (
            say(N_("Number")), say(N_("Released")), say(N_("Released by")), say(N_("What it covers")), say(N_("Note")),
            say(N_("Taken back")), say(N_("State")),
        )  # fmt: skip
        rows = []
        if found:
            back = " · ".join(filter(None, (self.when(found.back_at), found.why)))
            holds = say(N_("holds")) if found.holds else say(N_("holds no more"))
            scope = self._word(_SCOPES, found.scope)
            rows.append((found.id, self.when(found.released_at), found.by, scope, found.note, back, holds))
        return Section("released", say(N_("Release")), head, tuple(rows))

    def printed(self, found: Iterable[Printed]) -> Section:
        """Labels and papers, with how often each came out."""
        say = self._say
        return Section(
            "printed",
            say(N_("Labels and papers")),
            (say(N_("What")), say(N_("Number")), say(N_("Printings")), say(N_("Copies")), say(N_("The last time"))),
            tuple(
                (self._word(_PRINTED, p.template), spaced(p.subject) if p.template == "carton" else p.subject,
                 str(p.copies), str(max(0, p.copies - 1)), self.when(p.printed_at))
                for p in found
            ),
        )  # fmt: skip

    # --- lines of the table of facts ---

    def facts(
        self,
        origins: Sequence[Origin],
        decisions: Sequence[Decision],
        boxed: Sequence[Boxed],
        released: Released | None,
        printed: Sequence[Printed],
    ) -> Iterator[tuple[Cell, ...]]:
        """Each with: what, time, subject, number, value, result, text."""
        say = self._say
        for o in origins:
            if o.number:
                text = " · ".join(filter(None, (o.supplier, o.supplier_lot, o.delivery)))
                yield say(N_("Receipt")), o.received_on, o.part, o.lot, o.quantity, "", text
        for d in decisions:
            text = " · ".join(filter(None, (d.by, _concession(d), d.note)))
            if d.decided_at:
                yield (
                    say(N_("Decision")),
                    self.when(d.decided_at),
                    "",
                    d.nc,
                    None,
                    self.disposition(d.disposition),
                    text,
                )
            if d.verified_at:
                yield say(N_("Verified again")), self.when(d.verified_at), "", d.nc, None, "", ""
        for b in boxed:
            what = self._word(_LEVELS, b.level)
            yield say(N_("Packed")), self.when(b.packed_at), what, b.sscc, None, "", b.inside
            if b.removed_at:
                yield say(N_("Taken out")), self.when(b.removed_at), what, b.sscc, None, "", b.why
            for m in b.moments:
                yield what, self.when(m.at), what, b.sscc, None, self._word(_MOMENTS, m.kind), m.why
        if released:
            yield say(N_("Released")), self.when(released.released_at), "", released.id, None, "", released.by
            if released.back_at:
                yield say(N_("Taken back")), self.when(released.back_at), "", released.id, None, "", released.why
        for p in printed:
            yield (
                say(N_("Printed")),
                self.when(p.printed_at),
                self._word(_PRINTED, p.template),
                p.subject,
                p.copies,
                "",
                "",
            )


def _concession(d: Decision) -> str:
    return " · ".join(filter(None, (d.concession, d.authority, d.reference)))
