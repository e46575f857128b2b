"""How other computers reach this server: over TLS of its own, through a proxy that does TLS, in the clear, or not.

It must not know pages and use cases.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 (named, not listened on)
Reach = Literal["loopback", "tls", "proxy", "plain"]


def choose(
    host: str, *, certificate: bool, behind_proxy: bool, plain_allowed: Callable[[], bool] = lambda: False
) -> Reach | None:
    """How to serve on this address; None where only plain HTTP would be left and the plan does not allow it.

    Args:
        host: the address to listen on.
        plain_allowed: asks the plan; called only when it decides.
    """
    if behind_proxy:
        return "proxy"
    if certificate:
        return "tls"
    if host in LOOPBACK:
        return "loopback"
    return "plain" if plain_allowed() else None


@cache
def tls_context(certificate: str) -> ssl.SSLContext:
    """TLS 1.2 and newer with a certificate and its key in one file, read once: a renewal counts from the next start."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    return context


def gunicorn_tls(certificate: str) -> dict[str, Any]:
    """The settings with which gunicorn serves HTTPS with that file."""
    return {
        "certfile": certificate,
        "keyfile": certificate,
        "ssl_context": lambda config, default: tls_context(certificate),
    }
