"""How the server is reached: over TLS of its own, behind one proxy, in the clear where the plan says so, or not."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import websocket
from click.testing import CliRunner

from mes.commands_doctor import doctor
from mes.commands_office import publish_plan, station_add
from mes.db.session import writing
from mes.setup import open_database
from mes.tls import Files, make
from stations.commands import station
from stations.pin import read_pin
from tests.floor.rig import own_environment, port_number
from tests.server.worlds import START, Workshop, workshop_plan
from tests.stations.test_pin import Pc
from tests.waiting import wait_for
from tests.web.pages import Office, text_of, workshop
from web.app import create_app
from web.reach import Reach, choose
from web.serve import serve

PLAIN = "Plain HTTP: what travels here can be read and changed on the way."


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop that has just begun."""
    made = workshop(tmp_path)
    yield made
    made.close()


def pages(shop: Workshop, reach: Reach, *, hosts: frozenset[str] = frozenset()) -> Office:
    """An office that is reached in this way."""
    made = Office(shop)
    made.site.reach = reach
    made.app = create_app(made.site, secret_key="test", hosts=hosts)
    made.client = made.app.test_client()
    return made


# --- the choice -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "certificate", "proxy", "plain", "reach"),
    [
        ("127.0.0.1", False, False, False, "loopback"),
        ("localhost", False, False, True, "loopback"),
        ("127.0.0.1", True, False, False, "tls"),
        ("0.0.0.0", True, False, True, "tls"),
        ("192.168.1.20", True, False, False, "tls"),
        ("0.0.0.0", False, False, False, None),
        ("192.168.1.20", False, False, False, None),
        ("::", False, False, False, None),
        ("0.0.0.0", False, False, True, "plain"),
        ("0.0.0.0", False, True, False, "proxy"),
        ("127.0.0.1", True, True, True, "proxy"),
    ],
)
def test_plain_http_stays_on_this_computer_unless_the_plan_says_otherwise(
    host: str, certificate: bool, proxy: bool, plain: bool, reach: Reach | None
) -> None:
    assert choose(host, certificate=certificate, behind_proxy=proxy, plain_allowed=lambda: plain) == reach


@pytest.mark.parametrize("published", [True, False])
def test_without_certificates_other_computers_are_not_served_and_it_says_what_to_do(
    tmp_path: Path, published: bool
) -> None:
    url = f"sqlite:///{tmp_path / 'atelier.db'}"
    if published:
        Workshop(url, start=START).close()
    refused = CliRunner().invoke(serve, ["--host", "0.0.0.0", "--database", url])
    assert refused.exit_code != 0
    assert refused.output.strip().count("\n") == 0
    assert "mes tls init" in refused.output


# --- what the pages say and keep --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/board", "/nowhere"])
def test_in_the_clear_every_page_says_so(shop: Workshop, path: str) -> None:
    for reach, said in (("plain", True), ("loopback", False), ("tls", False)):
        office = pages(shop, reach)
        html = office.client.get(path, headers={"Accept-Language": "en"}).text
        assert (PLAIN in text_of(html)) is said, reach
        office.close()


def test_behind_a_proxy_a_page_says_so_only_where_it_comes_without_tls(shop: Workshop) -> None:
    office = pages(shop, "proxy", hosts=frozenset({"atelier.lan"}))

    def said(host: str, **forwarded: str) -> bool:
        headers = {"Host": host, "Accept-Language": "en", **{f"X-Forwarded-{k}": v for k, v in forwarded.items()}}
        return PLAIN in text_of(office.client.get("/board", headers=headers).text)

    assert said("atelier.lan", Proto="http")
    assert said("atelier.lan")
    assert not said("atelier.lan", Proto="https")
    assert not said("server:8321", Proto="https", Host="atelier.lan")
    assert not said("localhost:8321")
    office.close()


def secure(office: Office, **forwarded: str) -> bool:
    """Whether a cookie that the server sets now is for TLS only."""
    headers = {f"X-Forwarded-{k}": v for k, v in forwarded.items()}
    return "Secure" in office.client.get("/language/fr", headers=headers).headers["Set-Cookie"]


def test_what_a_proxy_says_is_believed_only_where_there_is_one(shop: Workshop) -> None:
    for reach, believed in (("proxy", True), ("loopback", False), ("plain", False), ("tls", False)):
        office = pages(shop, reach)
        assert secure(office, Proto="https") is believed, reach
        assert not secure(office)
        answer = office.client.get("/health", headers={"X-Forwarded-Host": "evil.example"})
        assert answer.status_code == (400 if believed else 200)
        office.close()


def test_of_two_proxies_only_the_last_one_is_believed(shop: Workshop) -> None:
    office = pages(shop, "proxy")
    assert not secure(office, Proto="https, http")
    assert secure(office, Proto="http, https")
    office.close()


def test_over_tls_the_sessions_cookie_is_never_sent_without(shop: Workshop) -> None:
    office = pages(shop, "tls")
    for scheme in ("https", "http"):
        with office.app.test_request_context("/", base_url=f"{scheme}://localhost"):
            assert office.app.session_interface.get_cookie_secure(office.app) is (scheme == "https")
    office.close()


def test_the_authoritys_certificate_is_given_to_everybody_and_only_where_there_is_one(shop: Workshop) -> None:
    office = pages(shop, "loopback")
    assert office.client.get("/ca.pem").status_code == 404
    office.site.authority = "-----BEGIN CERTIFICATE-----"
    answer = office.client.get("/ca.pem")
    assert (answer.text, answer.mimetype) == ("-----BEGIN CERTIFICATE-----", "application/x-x509-ca-cert")
    office.close()


# --- the real server --------------------------------------------------------------------------------------------------


class Served:
    """`mes serve` as a process."""

    def __init__(self, folder: Path, *options: str, host: str = "127.0.0.1") -> None:
        self.url = f"sqlite:///{folder / 'atelier.db'}"
        self.files, self.port, self.host = Files(folder / "tls"), port_number(), host
        self.log = folder / "serve.log"
        with self.log.open("wb") as out:
            address = ["--host", host, "--port", str(self.port), "--database", self.url]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mes.cli", "serve", *address, *options],
                stdout=out,
                stderr=out,
                env=own_environment(),
                cwd=folder,
            )
        wait_for(lambda: self.process.poll() is not None or self._answers(), limit_s=30, what="the server answers")
        assert self.process.poll() is None, self.log.read_text()

    @property
    def trust(self) -> ssl.SSLContext:
        """What a browser does that has the authority's certificate."""
        return ssl.create_default_context(cafile=str(self.files.authority))

    def connection(self) -> http.client.HTTPConnection:
        """A connection; over TLS where the server has a certificate."""
        if self.files.there:
            return http.client.HTTPSConnection(self.host, self.port, timeout=10, context=self.trust)
        return http.client.HTTPConnection(self.host, self.port, timeout=10)

    def get(self, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
        with contextlib.closing(self.connection()) as line:
            line.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/health")[0] == 200
        return False

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with certificates for itself and for `atelier.lan`."""
    folder = tmp_path_factory.mktemp("served")
    Workshop(f"sqlite:///{folder / 'atelier.db'}", start=START).close()
    make(Files(folder / "tls"), ["127.0.0.1", "atelier.lan"], now=datetime.now(UTC))
    served = Served(folder)
    yield served
    served.close()


def test_with_certificates_the_server_serves_https_and_nothing_else(tls_server: Served) -> None:
    assert tls_server.get("/health")[0] == 200
    assert f"https://127.0.0.1:{tls_server.port}/board" in tls_server.log.read_text()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", tls_server.port, timeout=10)) as line:
        line.request("GET", "/health")
        with pytest.raises((OSError, http.client.HTTPException)):
            line.getresponse()


def test_nothing_older_than_tls_1_2_is_spoken(tls_server: Served) -> None:
    versions = []
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = tls_server.trust
        context.maximum_version = context.minimum_version = version
        with (
            socket.create_connection(("127.0.0.1", tls_server.port), 10) as line,
            context.wrap_socket(line, server_hostname="127.0.0.1") as secured,
        ):
            versions.append(secured.version())
    assert versions == ["TLSv1.2", "TLSv1.3"]
    # This computer's own library may refuse to offer TLS 1.1, so the hello is sent as it would be.
    hello = bytes.fromhex("16030100330100002f0302") + b"r" * 32 + bytes.fromhex("000008002f0035000a00ff0100")
    with socket.create_connection(("127.0.0.1", tls_server.port), 10) as line:
        line.sendall(hello)
        assert line.recv(7) in (bytes.fromhex("15030100020246"), bytes.fromhex("15030200020246"), b"")


def test_a_name_of_the_certificate_is_one_of_the_servers_names(tls_server: Served) -> None:
    assert tls_server.get("/health", Host="atelier.lan:8321")[0] == 200
    assert tls_server.get("/health", Host="evil.example")[0] == 400


def test_cookies_over_tls_are_for_tls_only_and_no_browser_is_bound_to_it_for_ever(tls_server: Served) -> None:
    _, headers, _ = tls_server.get("/language/en")
    assert "; Secure" in headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in headers


def test_the_board_is_live_over_tls(tls_server: Served) -> None:
    origin = f"https://127.0.0.1:{tls_server.port}"
    address = f"wss://127.0.0.1:{tls_server.port}/socket.io/?EIO=4&transport=websocket&lang=fr"
    line = websocket.create_connection(
        address, origin=origin, timeout=10, sslopt={"ca_certs": str(tls_server.files.authority)}
    )
    assert str(line.recv()).startswith("0{")
    line.send("40")
    assert str(line.recv()).startswith("40{")
    line.close()


def test_a_pc_is_let_in_by_what_station_add_prints(tls_server: Served, tmp_path: Path) -> None:
    added = CliRunner().invoke(station_add, ["bench-1", "--database", tls_server.url])
    assert added.exit_code == 0, (added.output, added.exception)
    invitation = added.stdout.strip()
    assert invitation.startswith(f"https://127.0.0.1:{tls_server.port}#"), added.output
    pc = Pc(tmp_path)
    done = CliRunner().invoke(station, ["enroll", str(pc.file), invitation, "--data", str(pc.data)])
    assert done.exit_code == 0, done.output
    pinned = read_pin(pc.data / "bench-1")
    assert pinned is not None
    assert pinned.ca == tls_server.files.authority.read_text("ascii") == tls_server.get("/ca.pem")[2]


def test_the_doctor_believes_the_authority_that_it_is_given(tls_server: Served) -> None:
    url = f"https://127.0.0.1:{tls_server.port}"
    assert CliRunner().invoke(doctor, ["--url", url]).exit_code != 0
    done = CliRunner().invoke(doctor, ["--url", url, "--ca", str(tls_server.files.authority)])
    assert done.exit_code == 0, done.output


def test_a_client_that_begins_a_handshake_and_says_no_more_keeps_nobody_from_the_server(tls_server: Served) -> None:
    lines = [socket.create_connection(("127.0.0.1", tls_server.port), 10) for _ in range(80)]
    for line in lines:
        line.sendall(b"\x16\x03\x01")  # more of them than threads
    assert tls_server.get("/health")[0] == 200
    for line in lines:
        line.close()


def test_a_certificate_that_is_due_is_renewed_at_the_start(tmp_path: Path) -> None:
    Workshop(f"sqlite:///{tmp_path / 'atelier.db'}", start=START).close()
    files = Files(tmp_path / "tls")
    make(files, ["127.0.0.1"], now=START.replace(year=START.year - 3))
    before = files.server.read_bytes()
    served = Served(tmp_path)
    try:
        assert served.get("/health")[0] == 200
        assert files.server.read_bytes() != before
    finally:
        served.close()


def test_with_plain_http_in_the_plan_other_computers_are_served_in_the_clear_and_told_so(tmp_path: Path) -> None:
    plan = workshop_plan()
    plain = plan.model_copy(update={"plant": plan.plant.model_copy(update={"plain_http": True})})
    engine = open_database(f"sqlite:///{tmp_path / 'atelier.db'}", create=True)
    with writing(engine) as session:
        assert publish_plan(session, plain, now=START).done
    engine.dispose()
    # An address of this computer that is not its usual one stands for the network.
    served = Served(tmp_path, host="127.0.0.2")
    try:
        assert PLAIN in text_of(served.get("/board", Accept_Language="en")[2])
        assert "Secure" not in served.get("/language/fr", X_Forwarded_Proto="https")[1]["Set-Cookie"]
    finally:
        served.close()


def test_behind_a_proxy_certificates_of_its_own_are_left_aside(tmp_path: Path) -> None:
    Workshop(f"sqlite:///{tmp_path / 'atelier.db'}", start=START).close()
    served = Served(tmp_path, "--behind-proxy")
    try:
        assert "Secure" in served.get("/language/fr", X_Forwarded_Proto="https")[1]["Set-Cookie"]
        assert served.get("/ca.pem")[0] == 404
    finally:
        served.close()
