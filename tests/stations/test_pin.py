"""A station that was enrolled with an authority speaks to that authority's server and to nobody else.

The servers here are real ones on loopback, with certificates that `mes.tls` has made.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mes.domain.invitation import Invitation, fingerprint, read_invitation
from mes.plan import read_station
from mes.plan.station import StationFile
from mes.tls import SERVER_LIFE, Files, make
from stations.agent import Agent
from stations.commands import station
from stations.durable import read_token
from stations.pin import read_pin
from stations.transport import Server
from stations.uplink import Settings, Uplink
from tests.stations.test_uplink import CODE, QUICK, TOKEN, Bench
from tests.stations.wire_server import WireServer, serving
from tests.waiting import wait_for

NOW = datetime.now(UTC)


def authority(folder: Path, *hosts: str, now: datetime = NOW) -> Files:
    """An authority, and a server's certificate for these names."""
    files = Files(folder)
    make(files, hosts or ("127.0.0.1",), now=now)
    return files


@contextmanager
def secured(folder: Path, files: Files, *, shows: Files | None = None, port: int = 0) -> Iterator[WireServer]:
    """A server with that certificate; `shows`: whose authority it gives away."""
    folder.mkdir(exist_ok=True)
    with serving(folder, (files.server, files.server), port=port) as server:
        server.authority = (shows or files).authority.read_text("ascii")
        yield server


def pin(files: Files) -> str:
    return fingerprint(files.authority.read_text("ascii"))


STATION = """
[station]
id = "bench-1"
name = {{ fr = "Poste", en = "Bench" }}
line = "nomad"
place = 1

[server]
url = "{url}"

[[port]]
name = "scanner"
family = "scanner"
url = "/dev/no-scanner"

[screen]
port = 8101
"""


class Pc:
    """A bench PC: its file, its data, its commands."""

    def __init__(self, folder: Path, url: str = "http://127.0.0.1:9") -> None:
        self.file, self.data = folder / "bench-1.toml", folder / "data"
        self.folder = self.data / "bench-1"
        self.file.write_text(STATION.format(url=url))

    def enroll(self, invitation: object, *options: str) -> Result:
        arguments = ["enroll", str(self.file), str(invitation), "--data", str(self.data), *options]
        return CliRunner().invoke(station, arguments)


@pytest.fixture
def pc(tmp_path: Path) -> Pc:
    return Pc(tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return authority(tmp_path / "tls")


# --- the invitation ---------------------------------------------------------------------------------------------------


def test_an_invitation_is_read_as_it_was_printed() -> None:
    for invitation in (Invitation("ABCD-EFGH"), Invitation("ABCD-EFGH", "https://atelier.lan:8321", "0a" * 32)):
        assert read_invitation(f" {invitation}\n") == invitation


@pytest.mark.parametrize(
    "text",
    [
        "",
        "two words",
        "https://atelier.lan:8321",
        f"http://atelier.lan:8321#ABCD.{'0a' * 32}",
        f"https://atelier.lan:8321#ABCD.{'0a' * 31}",
        "https://atelier.lan:8321#ABCD",
        f"https://atelier.lan:8321#.{'0a' * 32}",
    ],
)
def test_what_is_no_whole_invitation_is_none(text: str) -> None:
    assert read_invitation(text) is None


# --- the enrolment ----------------------------------------------------------------------------------------------------


def test_the_enrolment_pins_the_authority_beside_the_token_for_its_owner_alone(
    tmp_path: Path, pc: Pc, files: Files
) -> None:
    with secured(tmp_path / "server", files) as server:
        done = pc.enroll(Invitation(CODE, server.url, pin(files)))
        assert done.exit_code == 0, done.output
        assert [(seen.method, seen.path) for seen in server.seen] == [("GET", "/ca.pem"), ("POST", "/api/v1/enroll")]
    assert read_token(pc.folder / "token") == TOKEN
    assert read_pin(pc.folder) == Server(server.url, ca=files.authority.read_text("ascii"))
    assert stat.S_IMODE((pc.folder / "server.json").stat().st_mode) == 0o600


def test_a_server_of_another_authority_is_not_told_the_code(tmp_path: Path, pc: Pc, files: Files) -> None:
    other = authority(tmp_path / "other")
    with secured(tmp_path / "server", other) as server:
        done = pc.enroll(Invitation(CODE, server.url, pin(files)))
        assert done.exit_code != 0
        assert "not the server that made the code" in done.output
        assert [(seen.path, seen.body) for seen in server.seen] == [("/ca.pem", b"")]
    assert not (pc.folder / "server.json").exists()
    assert read_token(pc.folder / "token") is None


def test_who_passes_the_true_certificate_on_is_not_told_the_code_either(tmp_path: Path, pc: Pc, files: Files) -> None:
    other = authority(tmp_path / "other")
    with secured(tmp_path / "server", other, shows=files) as server:
        done = pc.enroll(Invitation(CODE, server.url, pin(files)))
        assert done.exit_code != 0
        assert "did not answer" in done.output
        assert [seen.path for seen in server.seen] == ["/ca.pem"]
    assert read_token(pc.folder / "token") is None


def test_two_certificates_in_one_answer_are_not_believed(tmp_path: Path, pc: Pc, files: Files) -> None:
    other = authority(tmp_path / "other")
    with secured(tmp_path / "server", other) as server:
        server.authority = files.authority.read_text("ascii") + other.authority.read_text("ascii")
        assert pc.enroll(Invitation(CODE, server.url, pin(files))).exit_code != 0
        assert [seen.path for seen in server.seen] == ["/ca.pem"]


def test_an_invitation_with_a_fingerprint_is_not_taken_to_an_address_without_tls(
    tmp_path: Path, pc: Pc, files: Files
) -> None:
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as server:
        server.authority = files.authority.read_text("ascii")
        invitation = Invitation(CODE, server.url.replace("http:", "https:"), pin(files))
        assert pc.enroll(invitation, "--server", server.url).exit_code != 0
        assert pc.enroll(invitation).exit_code != 0
        assert server.seen == []


def test_a_code_alone_goes_to_the_pinned_server_and_not_to_the_address_in_the_file(
    tmp_path: Path, files: Files
) -> None:
    for folder in ("plain", "secure"):
        (tmp_path / folder).mkdir()
    with serving(tmp_path / "plain") as plain, secured(tmp_path / "secure", files) as server:
        pc = Pc(tmp_path, plain.url)
        assert pc.enroll(Invitation(CODE, server.url, pin(files))).exit_code == 0
        assert pc.enroll(CODE).exit_code == 0
        assert plain.seen == []
        assert len(server.requests("/api/v1/enroll")) == 2


def test_a_new_authority_is_pinned_by_a_new_invitation(tmp_path: Path, pc: Pc, files: Files) -> None:
    with secured(tmp_path / "server", files) as server:
        assert pc.enroll(Invitation(CODE, server.url, pin(files))).exit_code == 0
    make(files, ["127.0.0.1"], now=NOW, new_authority=True)
    with secured(tmp_path / "again", files) as server:
        assert pc.enroll(CODE, "--server", server.url).exit_code != 0
        assert pc.enroll(Invitation(CODE, server.url, pin(files))).exit_code == 0
    assert read_pin(pc.folder) == Server(server.url, ca=files.authority.read_text("ascii"))


# --- from then on -----------------------------------------------------------------------------------------------------


class Pinned(Bench):
    """A station whose uplink knows its server by an authority."""

    def __init__(self, folder: Path, server: WireServer, files: Files) -> None:
        super().__init__(folder, server)
        self.ca = files.authority.read_text("ascii")

    def speak(self) -> None:
        """Begin to speak to the pinned address."""
        self.uplink = Uplink(
            self.outbox,
            Settings(
                Server(self.server.url, ca=self.ca, connect_s=1.0, read_s=1.0),
                TOKEN,
                "atelier-test/1",
                self.folder / "plan.json",
                QUICK,
            ),
            on_results=self.results.extend,
            on_link=self.links.append,
            on_plan=self.plans.append,
            on_floor=self.floors.append,
        )
        self.uplink.start()


def test_the_name_by_which_the_server_is_called_does_not_matter(tmp_path: Path) -> None:
    files = authority(tmp_path / "tls", "atelier.lan")
    with secured(tmp_path / "server", files) as server:
        bench = Pinned(tmp_path, server, files)
        [event] = bench.keep()
        bench.speak()
        bench.settled()
        assert server.reference.ids() == [event.event_id]
        bench.close()


@pytest.mark.parametrize("impostor", ["another authority", "expired", "not yet valid", "plain HTTP"])
def test_nothing_is_said_to_an_impostor_and_nothing_is_lost(tmp_path: Path, files: Files, impostor: str) -> None:
    folder = tmp_path / "impostor"
    folder.mkdir()
    with secured(tmp_path / "first", files) as server:
        port = server.port
        bench = Pinned(tmp_path, server, files)
    if impostor == "plain HTTP":
        false = serving(folder, port=port)
    elif impostor == "another authority":
        false = secured(folder, authority(tmp_path / "other"), port=port)
    else:
        day = NOW - SERVER_LIFE - timedelta(days=9) if impostor == "expired" else NOW + timedelta(days=9)
        make(files, ["127.0.0.1"], now=day)
        false = secured(folder, files, port=port)
    [event] = bench.keep()
    with false as listener:
        bench.speak()
        bench.reached("not_trusted")
        assert listener.seen == []
        assert bench.outbox.kept_count() == 1
    make(files, ["127.0.0.1"], now=NOW)
    with secured(tmp_path / "back", files, port=port) as server:
        bench.settled()
        assert server.reference.ids() == [event.event_id]
        bench.close()


def test_a_certificate_that_was_renewed_is_taken_without_a_new_enrolment(tmp_path: Path, files: Files) -> None:
    with secured(tmp_path / "server", files) as server:
        port = server.port
        bench = Pinned(tmp_path, server, files)
        bench.speak()
        bench.up()
    [event] = bench.keep()
    make(files, ["127.0.0.1", "new.name.lan"], now=NOW)
    with secured(tmp_path / "renewed", files, port=port) as server:
        bench.settled()
        assert server.reference.ids() == [event.event_id]
        bench.close()


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", json.dumps({"url": "https://atelier.lan", "ca": "-----BEGIN CERTIFICATE-----"})]
)
@pytest.mark.parametrize("secure", [False, True])
def test_a_bench_whose_pin_cannot_be_read_goes_on_and_believes_no_server(
    tmp_path: Path, files: Files, content: str, secure: bool
) -> None:
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server", (files.server, files.server) if secure else None) as server:
        pc = Pc(tmp_path, server.url)
        found = read_station(pc.file)
        assert isinstance(found, StationFile)
        pc.folder.mkdir(parents=True)
        (pc.folder / "server.json").write_text(content)
        agent = Agent(found, pc.folder, TOKEN)
        agent.start()
        wait_for(lambda: agent.feed.current()[1].link == "not_trusted", what="the server is not believed")
        agent.close_bench()
        agent.close()
        assert server.seen == []
        assert pc.enroll(CODE).exit_code != 0
        assert server.seen == []


def test_a_pin_without_tls_is_none(pc: Pc, files: Files) -> None:
    pc.folder.mkdir(parents=True)
    ca = files.authority.read_text("ascii")
    (pc.folder / "server.json").write_text(json.dumps({"url": "http://atelier.lan:8321", "ca": ca}))
    with pytest.raises(ValueError, match="without TLS"):
        read_pin(pc.folder)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://127.0.0.1:8321", False),
        ("http://localhost:8321", False),
        ("http://[::1]:8321", False),
        ("http://atelier.lan:8321", True),
        ("https://atelier.lan:8321", False),
    ],
)
def test_a_bench_knows_when_its_network_is_in_the_clear(url: str, plain: bool) -> None:
    assert Server(url).plain is plain
