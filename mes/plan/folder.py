"""Reading a plan's folder: plant.toml, defects.toml, products/, stations/, pictures/ become one `Plan`, or every error.

First all files are read and their names gathered, then each table is judged against those names: so an error in one
file hides no error in another, and a broken file makes no false errors elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from mes.domain.route import Customer, Plan, Qualification
from mes.i18n import LANGUAGES, _
from mes.plan.content import from_content
from mes.plan.errors import Findings, PlanError, Raw, label, rows, single, texts
from mes.plan.files import read_toml, translated
from mes.plan.known import Known
from mes.plan.pictures import Refused, read_picture
from mes.plan.station import StationFile, decode_station, instruments, label_printers, told_by
from mes.plan.steps import StepTable
from mes.plan.tables import DefectTable, FloorLineTable, PlantTable, PrinterTable, ProductTable, ShiftTable
from mes.plan.weighing import packed, with_limits

PLANT: Final = "plant.toml"
DEFECTS: Final = "defects.toml"
PICTURE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,47}")


def read_plan(folder: Path) -> Plan | list[PlanError]:
    """Read a plan.

    Args:
        folder: holds plant.toml and the other files.

    Returns:
        The plan, or all errors of all files, in the order of the files.
    """
    if not folder.is_dir():
        return [PlanError(str(folder), "", "", _("This folder does not exist."), _("a folder with plant.toml"))]
    return _Reading(folder).plan()


class _Reading:
    """One reading of a folder: the raw files, the names that they define, the errors."""

    def __init__(self, folder: Path) -> None:
        self.findings = Findings()
        for path in sorted(folder.glob("*.toml")):
            if path.name not in (PLANT, DEFECTS):
                allowed = f"{PLANT}, {DEFECTS}, products/{path.name}, stations/{path.name}"
                self.findings.add(path.name, "", "", _("Nothing reads a file of this name here."), allowed)
        self.plant = read_toml(self.findings, folder / PLANT, PLANT)
        self.defects = read_toml(self.findings, folder / DEFECTS, DEFECTS)
        self.stations = self._files(folder, "stations")
        self.products = self._files(folder, "products")
        self.drawings = {path.stem: path for path in sorted((folder / "pictures").glob("*.svg"))}
        self.languages = self._languages()
        self.known = self._known()

    def _files(self, folder: Path, kind: str) -> dict[str, Raw | None]:
        paths = sorted((folder / kind).glob("*.toml"))
        return {f"{kind}/{p.name}": read_toml(self.findings, p, f"{kind}/{p.name}") for p in paths}

    def _languages(self) -> tuple[str, ...]:
        plant = single(self.plant or {}, "plant") or {}
        said = plant.get("languages")
        spoken = tuple(x for x in LANGUAGES if x in said) if isinstance(said, list) else ()
        return spoken or LANGUAGES

    def _known(self) -> Known:
        stations: dict[str, dict[str, str] | None] = {}
        told: dict[str, dict[str, tuple[str, ...]]] = {}
        printers: dict[str, tuple[str, ...]] = {}
        for file, document in self.stations.items():
            if document is None:  # its id cannot be read: that it is called like its file is the best guess
                stations[Path(file).stem] = None
            else:
                for name in texts([single(document, "station") or {}], "id"):
                    stations[name], told[name] = instruments(document), told_by(document)
                    printers[name] = label_printers(document)
        tables = [single(document, "station") or {} for document in self.stations.values() if document is not None]
        places = {
            t["id"]: t["places"] for t in tables if isinstance(t.get("id"), str) and isinstance(t.get("places"), int)
        }
        return Known(
            stations=stations,
            told=told,
            printers=printers,
            places=places,
            lines=None if self.plant is None else frozenset(texts(rows(self.plant, "line"), "id")),
            printer_ids=None if self.plant is None else frozenset(texts(rows(self.plant, "printer"), "id")),
            pictures=frozenset(self.drawings),
            qualifications=None if self.plant is None else frozenset(texts(rows(self.plant, "qualification"), "id")),
            defects=None if self.defects is None else frozenset(texts(rows(self.defects, "defect"), "code")),
        )

    def plan(self) -> Plan | list[PlanError]:
        plant = self._plant()
        defects = self._defects()
        stations = self._stations()
        products = self._products()
        pictures = self._pictures()
        if self.findings.errors:
            return self.findings.errors
        order = [line["id"] for line in plant["lines"]]
        stations.sort(key=lambda s: (order.index(s["line"]), s["place"]))
        products.sort(key=lambda p: str(p["id"]))
        return from_content(
            {"plant": plant, "defects": defects, "stations": stations, "products": products, "pictures": pictures}
        )

    def _many(
        self, document: Raw, name: str, model: type[BaseModel], file: str, twice: str, *, key: str = "id"
    ) -> list[dict[str, Any]]:
        """Decode the tables `[[name]]` of a file as data; `twice` is said of two with the same `key`."""
        found = rows(document, name)
        said = [(row, f"{name} {label(row, i)}") for i, row in enumerate(found, 1)]
        decoded = [
            self.findings.decode(model, translated(row, self.languages), file=file, table=table, known=self.known)
            for row, table in said
        ]
        names = [(file, table, row[key]) for row, table in said if isinstance(row.get(key), str)]
        self.findings.twice(names, twice, key=key)
        return [d.model_dump(mode="json") for d in decoded if d is not None]

    def _plant(self) -> dict[str, Any]:
        if self.plant is None:
            return {}
        self.findings.tables(
            self.plant, PLANT, one=("plant",), many=("line", "shift", "qualification", "printer", "customer")
        )
        raw = single(self.plant, "plant")
        table = (
            self.findings.decode(PlantTable, raw, file=PLANT, table="plant", known=self.known)
            if raw is not None
            else None
        )
        lines = self._many(self.plant, "line", FloorLineTable, PLANT, _("Two lines are called %(value)s."))
        if "line" not in self.plant:
            self.findings.add(PLANT, "line", "", _("This table is missing."), "[[line]]")
        shifts = self._many(self.plant, "shift", ShiftTable, PLANT, _("Two shifts are called %(value)s."))
        qualifications = self._many(
            self.plant, "qualification", Qualification, PLANT, _("Two qualifications are called %(value)s.")
        )
        printers = self._many(self.plant, "printer", PrinterTable, PLANT, _("Two printers are called %(value)s."))
        site = table.model_dump(mode="json") if table else {}
        return {
            **site,
            "lines": lines,
            "shifts": shifts,
            "qualifications": qualifications,
            "printers": printers,
            "customers": self._many(
                self.plant, "customer", Customer, PLANT, _("Two customers are called %(value)s."), key="name"
            ),
        }

    def _defects(self) -> list[dict[str, Any]]:
        if self.defects is None:
            return []
        self.findings.tables(self.defects, DEFECTS, many=("defect",))
        twice = _("Two defects have the code %(value)s.")
        return self._many(self.defects, "defect", DefectTable, DEFECTS, twice, key="code")

    def _stations(self) -> list[dict[str, Any]]:
        found: list[tuple[str, StationFile]] = []
        for file, document in self.stations.items():
            if document is not None:
                station = decode_station(self.findings, document, file, languages=self.languages, known=self.known)
                found += [(file, station)] if station is not None else []
        raw = [(file, single(document or {}, "station") or {}) for file, document in self.stations.items()]
        ids = [(file, "station", table["id"]) for file, table in raw if isinstance(table.get("id"), str)]
        self.findings.twice(ids, _("Two stations are called %(value)s: the other one is in %(first)s."))
        places = [(file, "station", (s.station.line, s.station.place)) for file, s in found]
        self.findings.twice(
            places, _("Two stations have this place on their line: the other one is in %(first)s."), key="place"
        )
        return [s.station.model_dump(mode="json") for _file, s in found]

    def _products(self) -> list[dict[str, Any]]:
        products = [self._product(d, file) for file, d in self.products.items() if d is not None]
        raw = [(file, single(document or {}, "product") or {}) for file, document in self.products.items()]
        ids = [(file, "product", table["id"]) for file, table in raw if isinstance(table.get("id"), str)]
        self.findings.twice(ids, _("Two products are called %(value)s: the other one is in %(first)s."))
        return products

    def _product(self, document: Raw, file: str) -> dict[str, Any]:
        self.findings.tables(document, file, one=("product",), many=("step",))
        raw = single(document, "product")
        tracking = (raw or {}).get("tracking")
        product = raw and self.findings.decode(
            ProductTable, translated(raw, self.languages), file=file, table="product", known=self.known
        )
        steps = rows(document, "step")
        if "step" not in document:
            self.findings.add(file, "step", "", _("This table is missing."), "[[step]]")
        names = [(file, f"step {label(s, i)}", s["id"]) for i, s in enumerate(steps, 1) if isinstance(s.get("id"), str)]
        self.findings.twice(names, _("Two steps are called %(value)s."))
        route = {s["id"]: bool(rows(s, "tests")) for s in steps if isinstance(s.get("id"), str)}
        known = replace(self.known, tracking=tracking if tracking in ("serial", "lot") else None, route=route)
        decoded = []
        for i, step in enumerate(steps, 1):
            so_far = replace(known, earlier=tuple(texts(steps[: i - 1], "id")), packed=packed(raw, steps[:i]))
            decoded.append(self._step(step, file, f"step {label(step, i)}", so_far))
        return {**(product.model_dump(mode="json") if product else {}), "steps": decoded}

    def _step(self, raw: Raw, file: str, table: str, known: Known) -> dict[str, Any]:
        aliases = {"stations": "station"} if "stations" not in raw else {}
        if "station" in raw:
            if "stations" in raw:
                self.findings.add(
                    file, table, "station", _("The step says both station and stations."), _("one of them")
                )
            raw = {"stations": [raw["station"]], **{k: v for k, v in raw.items() if k != "station"}}
        stations = raw.get("stations")
        here = tuple(s for s in stations if isinstance(s, str)) if isinstance(stations, list) else ()
        step = self.findings.decode(
            StepTable,
            translated(raw, self.languages),
            file=file,
            table=table,
            known=replace(known, here=here),
            aliases=aliases,
        )
        self._twice_in_a_step(raw, file, table, "tests", "id", _("Two tests are called %(value)s."))
        self._twice_in_a_step(raw, file, table, "components", "part", _("Two components are the same part: %(value)s."))
        return with_limits(step, known.packed).model_dump(mode="json") if step else {}

    def _twice_in_a_step(self, raw: Raw, file: str, table: str, inside: str, key: str, message: str) -> None:
        values = [(file, table, value) for value in texts(rows(raw, inside), key)]
        self.findings.twice(values, message, key=f"{inside}.{key}")

    def _pictures(self) -> dict[str, str]:
        pictures: dict[str, str] = {}
        for name, path in self.drawings.items():
            file = f"pictures/{path.name}"
            if not PICTURE_NAME.fullmatch(name):
                said = _("No step can name this picture.")
                self.findings.add(file, "", "", said, _("letters without accents, digits, and . _ -; at most 48"))
            drawing = read_picture(path.read_bytes())
            if isinstance(drawing, Refused):
                self.findings.add(file, "", "", drawing.message, drawing.allowed)
            else:
                pictures[name] = drawing
        return pictures
