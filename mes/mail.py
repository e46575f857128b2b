"""Mail, where a server for it is named: otherwise nothing leaves this house. One message, plain text, no file.

It must not know what is written in it. Source: RFC 8314 (TLS for submission), RFC 3834 (mail that no person sends).
"""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from mes.i18n import N_

URL: Final = "MES_SMTP_URL"
SENDER: Final = "MES_MAIL_FROM"
TO: Final = "MES_MAIL_TO"
LANGUAGE: Final = "MES_MAIL_LANG"
TIMEOUT_S: Final = 20
WRONG: Final = {
    "url": N_(
        "MES_SMTP_URL is no address of a mail server. Write smtps://user:password@mail.example.org:465, or smtp://…:587."
    ),
    "sender": N_("MES_MAIL_FROM is missing. Give the address that mails come from."),
    "to": N_("MES_MAIL_TO is missing. Give one address, or several with commas."),
}


class CannotMail(Exception):
    """The settings cannot be; `what` is a key of `WRONG`."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail goes. `tls`: `tls` from the first byte, `starttls`, or `none` (only on this machine)."""

    host: str
    port: int
    tls: str
    user: str
    password: str
    sender: str
    to: tuple[str, ...]
    language: str = "fr"


def server(environ: Mapping[str, str] = os.environ) -> Server | None:
    """The mail server that the environment names; None: nothing is mailed.

    Raises:
        CannotMail: it is named, and something about it cannot be.
    """
    if not (text := environ.get(URL, "").strip()):
        return None
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise CannotMail("url") from None
    if url.scheme not in ("smtp", "smtps") or not url.hostname:
        raise CannotMail("url")
    here = url.hostname in ("localhost", "127.0.0.1", "::1")
    tls = "tls" if url.scheme == "smtps" else parse_qs(url.query).get("tls", ["none" if here else "starttls"])[0]
    if tls not in ("tls", "starttls", "none") or (tls == "none" and not here):
        raise CannotMail("url")  # a password and a list of faults do not travel in the clear
    sender, to = environ.get(SENDER, "").strip(), tuple(a for a in map(str.strip, environ.get(TO, "").split(",")) if a)
    if not _is_address(sender):
        raise CannotMail("sender")
    if not to or not all(map(_is_address, to)):
        raise CannotMail("to")
    return Server(
        host=url.hostname,
        port=port or {"tls": 465, "starttls": 587, "none": 25}[tls],
        tls=tls,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        sender=sender,
        to=to,
        language="en" if environ.get(LANGUAGE, "fr") == "en" else "fr",
    )


def _is_address(text: str) -> bool:
    name, _at, host = text.rpartition("@")
    return bool(name and host) and text.isprintable() and not set(text) & set(' \t<>,;"')


def send(to: Server, subject: str, text: str) -> None:
    """Hand one message over.

    Raises:
        OSError: the server cannot be reached, or refuses (`smtplib.SMTPException` is one).
    """
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, to.sender, ", ".join(to.to)
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=to.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    context = ssl.create_default_context()
    if to.tls == "tls":
        with smtplib.SMTP_SSL(to.host, to.port, timeout=TIMEOUT_S, context=context) as line:
            _hand_over(line, to, message)
        return
    with smtplib.SMTP(to.host, to.port, timeout=TIMEOUT_S) as line:
        if to.tls == "starttls":
            line.starttls(context=context)
        _hand_over(line, to, message)


def _hand_over(line: smtplib.SMTP, to: Server, message: EmailMessage) -> None:
    if to.user:
        line.login(to.user, to.password)
    line.send_message(message)
