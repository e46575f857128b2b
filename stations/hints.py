"""What `not_now` says: the name of what was scanned, and what to do instead, in each language. Texts only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Said = Mapping[str, str]
Hint = Literal["wait", "unit_first", "resume_first", "go_on", "scan_done", "test_runs", "scan_again", "done_first"]

HINTS: Final[Mapping[Hint, Said]] = {
    "wait": {"fr": "Attendez la réponse, puis scannez encore.", "en": "Wait for the answer, then scan again."},
    "unit_first": {"fr": "Scannez d’abord un appareil.", "en": "Scan a unit first."},
    "resume_first": {"fr": "Scannez d’abord REPRENDRE.", "en": "Scan RESUME first."},
    "go_on": {"fr": "Continuez.", "en": "Go on."},
    "scan_done": {"fr": "Faites ce qui manque, puis scannez FINI.", "en": "Do what is missing, then scan DONE."},
    "test_runs": {"fr": "L’essai est en cours. Attendez la fin.", "en": "The test is running. Wait for its end."},
    "scan_again": {"fr": "Scannez encore l’étiquette de l’appareil.", "en": "Scan the unit’s label again."},
    "done_first": {"fr": "Scannez d’abord FINI.", "en": "Scan DONE first."},
}

NC_TO_COME: Final[Said] = {"fr": "le numéro viendra", "en": "the number will follow"}
"""Stands for the number of a nonconformity that only the server can give."""

CODES: Final[Mapping[str, Said]] = {
    "Quantity": {"fr": "une quantité", "en": "a quantity"},
    "StepCode": {"fr": "une étape", "en": "a step"},
    "CartonCode": {"fr": "un carton", "en": "a carton"},
    "DefectCode": {"fr": "un défaut", "en": "a defect"},
    "ComponentLabel": {"fr": "une pièce", "en": "a part"},
    "Gs1": {"fr": "une pièce", "en": "a part"},
    "Plain": {"fr": "une pièce", "en": "a part"},
    "OrderCode": {"fr": "un ordre", "en": "an order"},
    "Badge": {"fr": "un badge", "en": "a badge"},
}
"""What the other kinds of code are called."""
