"""What a station PC is told once, as one text that can be typed or scanned: code, server's address, whom to believe.

`https://atelier.lan:8321#ABCD-EFGH-JKLM-NPQR.` and the SHA-256 of the server's own authority; or the code alone, where
the server has no authority of its own. Behind the `#`, so that a browser which opens it sends neither on. Pure.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass
from typing import Final

PORT: Final = 8321
CODE: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_WHOLE: Final = re.compile(r"(?P<url>https://[^\s#?]{1,200})#(?P<code>[A-Za-z0-9-]{1,64})\.(?P<pin>[0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time code; with `url`, the server that gave it, and the SHA-256 of its authority (64 hex digits)."""

    code: str
    url: str = ""
    fingerprint: str = ""

    def __str__(self) -> str:
        return f"{self.url}#{self.code}.{self.fingerprint}" if self.url else self.code


def read_invitation(text: str) -> Invitation | None:
    """What was printed, typed or scanned; None when it is neither a code nor a whole invitation.

    With a fingerprint there is no other way than https.
    """
    text = text.strip()
    if CODE.fullmatch(text):
        return Invitation(text)
    found = _WHOLE.fullmatch(text)
    return Invitation(found["code"], found["url"].rstrip("/"), found["pin"].lower()) if found else None


def address_of(host: str, port: int = PORT, scheme: str = "https") -> str:
    """The address of a server by one of its names or addresses."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def fingerprint(pem: str) -> str:
    """The SHA-256 of a certificate, 64 hexadecimal digits.

    Raises:
        ValueError: it is none.
    """
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()


def believed(pem: str, pin: str) -> bool:
    """Whether this is one certificate, and the one with that fingerprint."""
    try:
        return pem.count("BEGIN CERTIFICATE") == 1 and fingerprint(pem) == pin.replace(":", "").lower()
    except ValueError:
        return False


def pairs(pin: str) -> str:
    """A fingerprint as people compare it: `AB:CD:…`."""
    return ":".join(pin[i : i + 2] for i in range(0, len(pin), 2)).upper()
