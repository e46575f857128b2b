"""Packing list, delivery note and certificate of conformity in words of one language, and as a PDF.

It turns the frozen facts of `mes.papers` into the texts of a template; it reads no table, and knows neither HTTP nor
HTML. Papers are PDF/A-2a and PDF/UA-1 (ISO 19005-2, ISO 14289-1), the same bytes from the same facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from mes import typeset
from mes.domain.sscc import spaced
from mes.i18n import N_, translator
from mes.papers import Facts, Goods, Kind, Paper

TEMPLATE: Final = "shipping"  # of `mes/templates`
TITLES: Final[dict[Kind, str]] = {
    "packing_list": N_("Packing list"),
    "delivery_note": N_("Delivery note"),
    "certificate": N_("Certificate of conformity"),
}
_OF: Final = {"delivery": N_("Delivery"), "carton": N_("Carton or pallet"), "order": N_("Order")}


def made(found: Facts, kind: Kind, language: str) -> Paper:
    """Typeset a paper."""
    data = Sheet(found, language).data(kind)
    content = typeset.pdf(TEMPLATE, data, now=datetime.fromisoformat(found.facts_at), archive=True)
    return Paper(kind, found.scope, found.subject, language, found.facts_at, content)


class Sheet:
    """The facts in one language, at the site's own clock."""

    def __init__(self, found: Facts, language: str) -> None:
        self.f = found
        self.language = language
        self._say = translator(language).gettext
        self._zone = ZoneInfo(found.plan.plant.timezone if found.plan else "UTC")

    def day(self, at: str | None) -> str:
        """A day at the site; empty for none."""
        return f"{datetime.fromisoformat(at).astimezone(self._zone):%Y-%m-%d}" if at else ""

    def data(self, kind: Kind) -> dict[str, Any]:
        """What the template reads."""
        say, plant = self._say, self.f.plan.plant if self.f.plan else None
        title = f"{say(TITLES[kind])} – {self.subject}"
        sections = [s for s in self._sections(kind) if s["rows"]]
        return {
            "title": title,
            "language": self.language,
            "from_": say(N_("Sender")),
            "sender": [plant.site, *plant.address] if plant else [],
            "to": say(N_("Recipient")),
            "recipient": [self.f.customer, *self._address()] if self.f.customer else [],
            "facts": self._facts(),
            "sections": sections,
            "statement": self._statement() if kind == "certificate" else [],
            "sign": self._sign(kind),
            "foot": f"{title} · {self.day(self.f.facts_at)}",
        }

    @property
    def subject(self) -> str:
        """What it is about, for a person to read."""
        return spaced(self.f.subject) if self.f.scope == "carton" else self.f.subject

    def _address(self) -> Sequence[str]:
        customers = self.f.plan.plant.customers if self.f.plan else ()
        return next((c.address for c in customers if c.name == self.f.customer), ())

    def _facts(self) -> list[tuple[str, str]]:
        say, f = self._say, self.f
        references = ", ".join(dict.fromkeys(g.reference for g in f.goods if g.reference))
        cartons = {g.carton for g in f.goods if g.carton}
        pallets = {g.pallet for g in f.goods if g.pallet}
        facts = [
            (say(_OF[f.scope]), self.subject),
            (say(N_("Orders")), ", ".join(dict.fromkeys(g.order for g in f.goods))),
            (say(N_("Your reference")), references),
            (say(N_("Sent")), self.day(f.sent_at)),
            (say(N_("Carrier")), f.carrier),
            (say(N_("Quantity")), str(sum(g.quantity for g in f.goods))),
            (say(N_("Cartons")), str(len(cartons)) if cartons else ""),
            (say(N_("Pallets")), str(len(pallets)) if pallets else ""),
            (say(N_("Note")), f.note),
        ]
        return [(name, value) for name, value in facts if value]

    def _sections(self, kind: Kind) -> list[dict[str, Any]]:
        if kind == "packing_list":
            return [self._packed()]
        if kind == "delivery_note":
            return [self._delivered()]
        return [self._made(), self._released(), self._allowed()]

    def product(self, g: Goods) -> str:
        """A product by name and number."""
        return f"{g.product.name.to(self.language)} ({g.product_id})" if g.product else g.product_id

    def _packed(self) -> dict[str, Any]:
        say = self._say
        rows = [
            (
                spaced(g.pallet) if g.pallet else "–",
                spaced(g.carton) if g.carton else say(N_("in no carton")),
                self._kg(g.carton),
                self.product(g),
                str(g.quantity),
                ", ".join(g.serials),
            )
            for g in self.f.goods
        ]
        head = (
            say(N_("Pallet")),
            say(N_("Carton")),
            say(N_("Gross weight")),
            say(N_("Product")),
            say(N_("Quantity")),
            say(N_("Serial numbers")),
        )
        return {"title": say(N_("What is in it")), "head": head, "rows": rows, "wide": [1.5, 1.5, 0.8, 1.4, 0.8, 1.8]}

    def _kg(self, carton: str) -> str:
        weight = self.f.weights.get(carton)
        if weight is None:
            return "–"
        text = f"{weight / 1000:.1f} kg"
        return text.replace(".", ",") if self.language == "fr" else text

    def _delivered(self) -> dict[str, Any]:
        say = self._say
        grouped: dict[tuple[str, str, str], list[Goods]] = {}
        for g in self.f.goods:
            grouped.setdefault((g.order, g.reference, self.product(g)), []).append(g)
        rows = [
            (
                order,
                reference or "–",
                product,
                str(sum(g.quantity for g in some)),
                ", ".join(s for g in some for s in g.serials) or "–",
            )
            for (order, reference, product), some in grouped.items()
        ]
        head = (
            say(N_("Order")),
            say(N_("Your reference")),
            say(N_("Product")),
            say(N_("Quantity")),
            say(N_("Serial numbers")),
        )
        return {"title": say(N_("Delivered goods")), "head": head, "rows": rows, "wide": [1.1, 1.1, 1.6, 0.8, 2]}

    def _made(self) -> dict[str, Any]:
        say = self._say
        grouped: dict[tuple[str, ...], list[Goods]] = {}
        for g in self.f.goods:
            key = (g.order, g.reference or "–", self.product(g), str(g.revision), g.release or "–")
            grouped.setdefault(key, []).append(g)
        rows = [
            (*key[:4], str(sum(g.quantity for g in some)), ", ".join(s for g in some for s in g.serials) or "–", key[4])
            for key, some in grouped.items()
        ]
        head = (
            say(N_("Order")),
            say(N_("Your reference")),
            say(N_("Product")),
            say(N_("Plan revision")),
            say(N_("Quantity")),
            say(N_("Serial numbers")),
            say(N_("Release number")),
        )
        wide = [1.1, 1, 1.5, 0.8, 0.8, 1.8, 1.1]
        return {"title": say(N_("Goods")), "head": head, "rows": rows, "wide": wide}

    def _released(self) -> dict[str, Any]:
        say = self._say
        rows = [(r.id, str(r.quantity), r.by, self.day(r.at)) for r in self.f.releases]
        head = (say(N_("Release number")), say(N_("Quantity")), say(N_("Released by")), say(N_("Day")))
        return {"title": say(N_("Release (ISO 9001, 8.6)")), "head": head, "rows": rows, "wide": [1, 1, 1, 1]}

    def _allowed(self) -> dict[str, Any]:
        say = self._say
        rows = [(c.id, c.nc, c.scope, c.authority or "–", c.reference or "–") for c in self.f.concessions]
        head = (
            say(N_("Concession")),
            say(N_("Nonconformity")),
            say(N_("What is allowed")),
            say(N_("Allowed by")),
            say(N_("Reference")),
        )
        return {"title": say(N_("Concessions")), "head": head, "rows": rows, "wide": [1, 1, 2, 1, 1]}

    def _statement(self) -> list[str]:
        say = self._say
        first = N_(
            "We declare that the goods named here were made and verified by the plan revision named, that all planned "
            "tests and checks were passed, and that they were released for delivery."
        )
        with_them = N_("They conform to the order, with the concessions named here.")
        without = N_("They conform to the order. There is no concession.")
        return [say(first), say(with_them if self.f.concessions else without)]

    def _sign(self, kind: Kind) -> list[str]:
        say = self._say
        if kind == "delivery_note":
            return [say(N_("Handed over: day, signature")), say(N_("Received: day, name, signature"))]
        return [say(N_("Day, name, signature"))] if kind == "certificate" else []
