"""What is printed on the control barcodes, in each language; the bench says the same words. Texts only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mes.domain.barcode import CommandName

COMMANDS: Final[Mapping[CommandName, Mapping[str, str]]] = {
    "DONE": {"fr": "FINI", "en": "DONE"},
    "PASS": {"fr": "BON", "en": "PASS"},
    "FAIL": {"fr": "DÉFAUT", "en": "DEFECT"},
    "UNDO": {"fr": "ANNULER", "en": "UNDO"},
    "HELP": {"fr": "AIDE", "en": "HELP"},
    "PAUSE": {"fr": "PAUSE", "en": "BREAK"},
    "RESUME": {"fr": "REPRENDRE", "en": "RESUME"},
    "LEAVE": {"fr": "LAISSER", "en": "LEAVE"},
    "YES": {"fr": "OUI", "en": "YES"},
    "NO": {"fr": "NON", "en": "NO"},
    "HELPED": {"fr": "AIDE REÇUE", "en": "HELP IS HERE"},
    "SUPERVISOR": {"fr": "RESPONSABLE", "en": "SUPERVISOR"},
    "CARTON": {"fr": "NOUVEAU CARTON", "en": "NEW CARTON"},
    "PALLET": {"fr": "NOUVELLE PALETTE", "en": "NEW PALLET"},
}
