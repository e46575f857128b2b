"""The mail of what waits too long: only where a server is named, once a day, in the clear only to this machine."""

from __future__ import annotations

import email
import email.message
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mes import mail, nonconformities, wire
from mes.cli import main
from tests.server.worlds import Workshop
from tests.web.pages import Office, workshop
from web import nightly


class Postbox:
    """A mail server of RFC 5321, as far as a sender needs one: it keeps what comes."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _from = self._door.accept()
            except OSError:
                return
            with line, line.makefile("rwb") as talk:
                self._talk(talk)

    def _talk(self, talk: object) -> None:
        file: Any = talk
        file.write(b"220 here\r\n")
        file.flush()
        while said := file.readline():
            word = said[:4].upper()
            if word == b"DATA":
                file.write(b"354 go on\r\n")
                file.flush()
                lines = []
                while (part := file.readline()) != b".\r\n":
                    lines.append(part.removeprefix(b".") if part.startswith(b"..") else part)
                self.mails.append(email.message_from_bytes(b"".join(lines), policy=default))  # type: ignore[arg-type]
            file.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            file.flush()
            if word == b"QUIT":
                return

    def close(self) -> None:
        self._door.close()


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    made = Postbox()
    yield made
    made.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """One nonconformity of today."""
    made = workshop(tmp_path)
    item = wire.NcItem(kind="process", subject="Gluing")
    assert made.do(nonconformities.open_nc, wire.NonconformityOpened(title="Colle trop froide", items=(item,))).done
    yield made
    made.close()


def settings(postbox: Postbox) -> dict[str, str]:
    return {
        mail.URL: f"smtp://localhost:{postbox.port}",
        mail.SENDER: "atelier@example.org",
        mail.TO: "qualite@example.org, chef@example.org",
    }


def test_what_waits_too_long_is_mailed_once_a_day_and_names_nobody(shop: Workshop, postbox: Postbox) -> None:
    office = Office(shop)
    to = mail.server(settings(postbox))
    assert nightly.this_morning(office.site, to) is None, "nothing waits too long yet"
    shop.clock.now += timedelta(days=40)
    sent = nightly.this_morning(office.site, to)
    assert sent is not None
    assert nightly.this_morning(office.site, to) is None, "once a day"
    shop.clock.now += timedelta(days=1)
    assert nightly.this_morning(office.site, to) is not None
    first, _second = postbox.mails
    assert first["To"] == "qualite@example.org, chef@example.org"
    assert first["Auto-Submitted"] == "auto-generated"
    text = first.get_content()
    assert "NC-2026-0001  Colle trop froide" in text
    assert "Chief" not in text
    office.close()


def test_a_mail_that_cannot_leave_is_tried_again(shop: Workshop, postbox: Postbox) -> None:
    office = Office(shop)
    to = mail.server(settings(postbox))
    assert to is not None
    shop.clock.now += timedelta(days=40)
    with socket.socket() as nobody:  # bound, and nobody listens
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            nightly.this_morning(office.site, replace(to, host="127.0.0.1", port=nobody.getsockname()[1]))
    assert nightly.this_morning(office.site, to) is not None
    assert len(postbox.mails) == 1
    office.close()


def test_nothing_is_mailed_where_no_server_is_named(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(mail.URL, raising=False)
    office = Office(shop)
    shop.clock.now += timedelta(days=40)
    assert mail.server() is None
    assert nightly.this_morning(office.site) is None
    office.close()


GOOD = {mail.URL: "smtps://me:p%40ss@mail.example.org", mail.SENDER: "a@b.fr", mail.TO: "c@d.fr"}


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({mail.URL: "mail.example.org"}, "url"),
        ({mail.URL: "smtp://mail.example.org:x"}, "url"),
        ({mail.URL: "smtp://mail.example.org?tls=none"}, "url"),
        ({mail.URL: "http://mail.example.org"}, "url"),
        ({mail.SENDER: ""}, "sender"),
        ({mail.SENDER: "a@b.fr\r\nBcc: x@y.z"}, "sender"),
        ({mail.TO: " , "}, "to"),
        ({mail.TO: "c@d.fr, nobody"}, "to"),
    ],
)
def test_settings_that_cannot_be_are_named(more: dict[str, str], what: str) -> None:
    with pytest.raises(mail.CannotMail) as refused:
        mail.server({**GOOD, **more})
    assert refused.value.what == what


def test_a_password_goes_through_tls_and_may_have_any_character() -> None:
    found = mail.server(GOOD)
    assert found is not None
    assert (found.tls, found.port, found.user, found.password) == ("tls", 465, "me", "p@ss")
    other = mail.server({**GOOD, mail.URL: "smtp://mail.example.org"})
    assert other is not None
    assert (other.tls, other.port) == ("starttls", 587)


def test_the_command_shows_the_mail_and_sends_it_when_asked(
    shop: Workshop, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ["nc", "mail", "--database", str(shop.engine.url)]
    monkeypatch.setenv("MES_LANG", "en")
    monkeypatch.delenv(mail.URL, raising=False)
    monkeypatch.setattr("mes.commands_pareto.now", lambda: shop.clock.now)
    shown = CliRunner().invoke(main, at)
    assert (shown.exit_code, "Nothing waits too long" in shown.output) == (0, True)
    monkeypatch.setattr("mes.commands_pareto.now", lambda: shop.clock.now + timedelta(days=40))
    refused = CliRunner().invoke(main, [*at, "--send"])
    assert (refused.exit_code, "MES_SMTP_URL" in refused.stderr) == (1, True)
    for name, value in settings(postbox).items():
        monkeypatch.setenv(name, value)
    assert "NC-2026-0001" in CliRunner().invoke(main, at).output
    assert postbox.mails == []
    assert CliRunner().invoke(main, [*at, "--send"]).exit_code == 0
    assert len(postbox.mails) == 1
    monkeypatch.setenv(mail.TO, "")
    assert CliRunner().invoke(main, at).exit_code == 1
