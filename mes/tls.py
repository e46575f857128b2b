"""The server's own certificate authority, made once, and the certificate that it gives to this server.

A workshop has no authority that browsers know. This one signs for this server alone; stations pin it at their enrolment
(docs/stations.md), people install `ca.pem` in their browser. It must not know who listens.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE: Final = timedelta(days=3650)
# Longer ones are refused by Apple's devices, also below an authority that the user has installed.
# Source: Apple support article 103769, "Requirements for trusted certificates in iOS 13 and macOS 10.15".
SERVER_LIFE: Final = timedelta(days=820)
RENEW_BEFORE: Final = timedelta(days=90)
SKEW: Final = timedelta(days=2)  # a bench PC's clock may be behind
MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Files:
    """Where the three files lie."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate: the one that stations and browsers are given."""
        return self.folder / "ca.pem"

    @property
    def authority_key(self) -> Path:
        """Who reads it can pass for this server."""
        return self.folder / "ca-key.pem"

    @property
    def server(self) -> Path:
        """The server's certificate with its key: in one file, so that a renewal is never half done."""
        return self.folder / "server.pem"

    @property
    def there(self) -> bool:
        """Whether a server can serve with them."""
        return self.authority.exists() and self.server.exists()


class NoKey(ValueError):
    """There is an authority, and its key is not beside it: nothing can be signed."""


def make(files: Files, hosts: Sequence[str], *, now: datetime, new_authority: bool = False) -> None:
    """Give the server a certificate for `hosts` (names and addresses); make the authority when there is none.

    Args:
        new_authority: also when there is one; then every station must be enrolled again.

    Raises:
        NoKey: the authority is there without its key. A new one in silence would shut every station out.
    """
    if new_authority or not files.authority.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        files.authority.unlink(missing_ok=True)  # a power cut between the two must not leave a pair that does not fit
        _write(files.authority_key, _key_pem(key))
        _write(files.authority, _pem(_authority(key, now)))
    _sign(files, hosts, now)


def renew_when_due(files: Files, *, now: datetime) -> bool:
    """Sign a new certificate for the same hosts when the server's ends within 90 days; True when it did.

    Raises:
        NoKey: it is due, and cannot be signed.
    """
    if ends(files) - now > RENEW_BEFORE:
        return False
    _sign(files, hosts_of(files), now)
    return True


def hosts_of(files: Files) -> tuple[str, ...]:
    """The names and addresses that the server's certificate is for."""
    names = _read(files.server).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(str(n.value) for n in names)


def ends(files: Files) -> datetime:
    """When the server's certificate ends."""
    return _read(files.server).not_valid_after_utc


def _read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Atelier {now:%Y-%m-%d}")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return made.sign(key, hashes.SHA256())


def _sign(files: Files, hosts: Iterable[str], now: datetime) -> None:
    authority, signer = _read(files.authority), _signer(files)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [_name(h) for h in dict.fromkeys(hosts)]
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Atelier server")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(min(now + SERVER_LIFE, authority.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    certificate = made.sign(signer, hashes.SHA256())
    _write(files.server, _pem(certificate) + _key_pem(key))


def _signer(files: Files) -> ec.EllipticCurvePrivateKey:
    try:
        signer = serialization.load_pem_private_key(files.authority_key.read_bytes(), None)
    except FileNotFoundError as error:
        raise NoKey(str(files.authority_key)) from error
    if not isinstance(signer, ec.EllipticCurvePrivateKey) or signer.public_key() != _read(files.authority).public_key():
        raise NoKey(str(files.authority_key))
    return signer


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _write(path: Path, content: bytes) -> None:
    """A whole file that only its owner reads, from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    with open(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)
    os.replace(beside, path)
