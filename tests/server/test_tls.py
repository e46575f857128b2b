"""The server's own authority: made once, kept private, its certificates renewed in time; and the invitations to it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from mes import enrolment
from mes.commands_office import station_add
from mes.commands_tls import tls
from mes.db.session import writing
from mes.domain.invitation import Invitation, fingerprint, pairs, read_invitation
from mes.tls import RENEW_BEFORE, SERVER_LIFE, Files, NoKey, ends, hosts_of, make, renew_when_due
from tests.server.worlds import START, Workshop

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
HOSTS = ("atelier.lan", "192.168.1.20", "::1")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path / "tls")
    make(made, HOSTS, now=NOW)
    return made


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop that has just begun."""
    made = Workshop(f"sqlite:///{tmp_path / 'atelier.db'}", start=START)
    yield made
    made.close()


def run(folder: Path, *arguments: str) -> Result:
    """`mes tls …` on the database of a folder."""
    return CliRunner().invoke(tls, [*arguments, "--database", f"sqlite:///{folder / 'atelier.db'}"])


def authority_of(files: Files) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.authority.read_bytes())


# --- the certificates -------------------------------------------------------------------------------------------------


def test_the_certificate_is_for_the_names_and_addresses_that_were_asked(files: Files) -> None:
    assert hosts_of(files) == HOSTS


def test_the_authority_signs_servers_and_no_other_authority(files: Files) -> None:
    limits = authority_of(files).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (limits.ca, limits.path_length) == (True, 0)
    served = x509.load_pem_x509_certificate(files.server.read_bytes())
    served.verify_directly_issued_by(authority_of(files))
    assert not served.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_its_files_are_for_their_owner_alone(files: Files) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files.folder.iterdir()}
    assert modes == {"ca.pem": 0o600, "ca-key.pem": 0o600, "server.pem": 0o600}
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700


def test_a_second_certificate_comes_from_the_same_authority(files: Files) -> None:
    before = files.authority.read_bytes()
    make(files, ["other.lan"], now=NOW)
    assert (files.authority.read_bytes(), hosts_of(files)) == (before, ("other.lan",))


def test_a_new_authority_is_made_only_when_it_is_asked_for(files: Files) -> None:
    before = files.authority.read_bytes()
    make(files, HOSTS, now=NOW, new_authority=True)
    assert files.authority.read_bytes() != before


def test_without_its_key_the_authority_is_not_replaced_in_silence(files: Files) -> None:
    before = files.authority.read_bytes()
    files.authority_key.unlink()
    with pytest.raises(NoKey):
        make(files, HOSTS, now=NOW)
    assert files.authority.read_bytes() == before


def test_a_key_of_another_authority_signs_nothing(files: Files, tmp_path: Path) -> None:
    other = Files(tmp_path / "other")
    make(other, HOSTS, now=NOW)
    files.authority_key.write_bytes(other.authority_key.read_bytes())
    before = files.server.read_bytes()
    with pytest.raises(NoKey):
        make(files, HOSTS, now=NOW)
    assert files.server.read_bytes() == before


def test_the_certificate_is_renewed_90_days_before_its_end_and_not_before(files: Files) -> None:
    due = ends(files) - RENEW_BEFORE
    assert not renew_when_due(files, now=due - timedelta(seconds=1))
    for _twice in range(2):
        renewed = renew_when_due(files, now=due)
    assert not renewed
    assert ends(files) == due + SERVER_LIFE
    assert hosts_of(files) == HOSTS


def test_no_certificate_outlives_its_authority(files: Files) -> None:
    end = authority_of(files).not_valid_after_utc
    assert renew_when_due(files, now=end - timedelta(days=30))
    assert ends(files) == end


def test_a_fingerprint_is_the_one_that_every_other_program_shows(files: Files) -> None:
    pem = files.authority.read_text("ascii")
    assert fingerprint(pem) == authority_of(files).fingerprint(SHA256()).hex()
    assert pairs("0a1b") == "0A:1B"


# --- the command ------------------------------------------------------------------------------------------------------


def test_init_makes_a_certificate_and_show_says_the_same(tmp_path: Path) -> None:
    made = run(tmp_path, "init", "--host", "atelier.lan", "--host", "192.168.1.20")
    assert made.exit_code == 0, made.output
    files = Files(tmp_path / "tls")
    shown = run(tmp_path, "show")
    assert shown.output == "".join(made.output.splitlines(keepends=True)[:-1])
    assert pairs(fingerprint(files.authority.read_text("ascii"))) in shown.output
    assert hosts_of(files) == ("atelier.lan", "192.168.1.20", "localhost", "127.0.0.1", "::1")
    assert f"{ends(files):%Y-%m-%d}" in shown.output


def test_init_without_names_takes_the_computers_own_and_keeps_those_of_before(tmp_path: Path) -> None:
    assert run(tmp_path, "init").exit_code == 0
    files = Files(tmp_path / "tls")
    assert "127.0.0.1" in hosts_of(files)
    assert run(tmp_path, "init", "--host", "atelier.lan").exit_code == 0
    assert run(tmp_path, "init").exit_code == 0
    assert hosts_of(files)[0] == "atelier.lan"


@pytest.mark.parametrize("name", ["", "two words", "https://atelier.lan", "-", "a" * 300, "né.lan"])
def test_what_is_no_name_of_a_computer_is_refused(tmp_path: Path, name: str) -> None:
    assert run(tmp_path, "init", "--host", name).exit_code != 0
    assert not (tmp_path / "tls").exists()


def test_show_before_init_says_what_to_do(tmp_path: Path) -> None:
    shown = run(tmp_path, "show")
    assert shown.exit_code != 0
    assert "mes tls init" in shown.output


def test_init_without_the_authoritys_key_says_what_to_do(tmp_path: Path) -> None:
    run(tmp_path, "init")
    (tmp_path / "tls" / "ca-key.pem").unlink()
    refused = run(tmp_path, "init")
    assert refused.exit_code != 0
    assert "--new-authority" in refused.output
    assert run(tmp_path, "init", "--new-authority").exit_code == 0


def test_another_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MES_TLS", str(tmp_path / "elsewhere"))
    assert run(tmp_path, "init").exit_code == 0
    assert Files(tmp_path / "elsewhere").there


# --- the invitation ---------------------------------------------------------------------------------------------------


def invited(folder: Path, *stations: str) -> list[Invitation]:
    """What `mes station add` prints, read again."""
    url = f"sqlite:///{folder / 'atelier.db'}"
    done = CliRunner().invoke(station_add, [*stations, "--database", url])
    assert done.exit_code == 0, done.output
    read = [read_invitation(line) for line in done.stdout.splitlines()]
    return [each for each in read if each is not None]


def test_without_certificates_an_invitation_is_the_code_alone(tmp_path: Path, shop: Workshop) -> None:
    assert [(each.url, each.fingerprint) for each in invited(tmp_path, "bench-1", "bench-2")] == [("", "")] * 2


def test_with_certificates_an_invitation_names_server_and_authority(tmp_path: Path, shop: Workshop) -> None:
    run(tmp_path, "init", "--host", "atelier.lan")
    pin = fingerprint((tmp_path / "tls" / "ca.pem").read_text("ascii"))
    [first] = invited(tmp_path, "bench-1")
    assert (first.url, first.fingerprint) == ("https://atelier.lan:8321", pin)
    with writing(shop.engine) as session:
        enrolment.note_address(session, "https://192.168.1.20:4433")
    [second] = invited(tmp_path, "bench-1")
    assert (second.url, second.fingerprint) == ("https://192.168.1.20:4433", pin)


def test_behind_a_proxy_an_invitation_is_the_code_alone(tmp_path: Path, shop: Workshop) -> None:
    run(tmp_path, "init", "--host", "atelier.lan")
    with writing(shop.engine) as session:
        for address in ("https://atelier.lan:8321", ""):
            enrolment.note_address(session, address)
    [invitation] = invited(tmp_path, "bench-1")
    assert invitation.url == ""
