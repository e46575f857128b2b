"""The container files as they stand: what they name is there, and each of their commands is one that `mes` knows.

No container engine is needed: the commands are started here, as they are written, with this installation's `mes`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[1]
MES = Path(sys.executable).with_name("mes")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("image") == "atelier-mes"}


def in_dockerfile(instruction: str) -> list[str]:
    """The arguments of an instruction in its JSON form, the last one if there are several."""
    return json.loads(re.findall(rf"{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)[-1])


def commands() -> dict[str, list[str]]:
    """Every command line that the two files hand to `mes`, by where it stands."""
    lines = {f"compose: {name}": service["command"] for name, service in OURS.items()}
    for name, service in OURS.items():
        test = service.get("healthcheck", {}).get("test", [])
        if test:
            assert test[:2] == ["CMD", "mes"]
            lines[f"compose: health of {name}"] = test[2:]
    assert in_dockerfile("ENTRYPOINT") == ["mes"]
    lines["Dockerfile: CMD"] = in_dockerfile("^CMD")
    lines["Dockerfile: HEALTHCHECK"] = in_dockerfile(r"^ +CMD")[1:]
    return lines


@pytest.mark.parametrize("where", sorted(commands()))
def test_each_command_line_is_one_that_mes_understands(where: str, tmp_path: Path) -> None:
    # With --help the options are parsed, and a name that is not known is refused, but nothing is done.
    done = subprocess.run(
        [MES, *commands()[where], "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_image_and_the_service_run_and_check_the_server_alike() -> None:
    server = COMPOSE["services"]["server"]
    assert in_dockerfile("^CMD") == server["command"]
    assert in_dockerfile(r"^ +CMD") == server["healthcheck"]["test"][1:]
    port = server["command"][server["command"].index("--port") + 1]
    assert server["ports"] == [f"127.0.0.1:{port}:{port}"]  # plain HTTP stays on the machine
    assert f"EXPOSE {port}" in DOCKERFILE
    assert f"http://server:{port}" in COMPOSE["services"]["benches"]["command"]


def test_the_addresses_in_the_environment_are_those_of_the_services() -> None:
    environment = COMPOSE["x-atelier"]["environment"]
    postgres = COMPOSE["services"]["postgres"]["environment"]
    assert environment["MES_DATABASE_URL"] == (
        f"postgresql+psycopg://{postgres['POSTGRES_USER']}:{postgres['POSTGRES_PASSWORD']}"
        f"@postgres:5432/{postgres['POSTGRES_DB']}"
    )
    assert environment["MES_REDIS_URL"] == "redis://redis:6379/0"
    assert all(service["environment"] == environment for service in OURS.values())


def test_each_service_waits_for_one_that_can_say_that_it_is_ready() -> None:
    for service in COMPOSE["services"].values():
        for name, wanted in service.get("depends_on", {}).items():
            other = COMPOSE["services"][name]
            if wanted["condition"] == "service_healthy":
                assert other["healthcheck"].get("test"), f"{name} has no health check to wait for"
            else:
                assert wanted["condition"] == "service_completed_successfully"


def test_only_the_server_can_be_reached_from_outside() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["server"]


def test_what_must_last_is_in_a_named_volume() -> None:
    used = {mount.partition(":")[0] for service in COMPOSE["services"].values() for mount in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])
    assert COMPOSE["services"]["postgres"]["volumes"]


def test_what_runs_is_not_root_and_holds_no_build_tool() -> None:
    runtime = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER atelier$", runtime, re.MULTILINE)
    assert "pip" not in runtime
    assert "npm" not in runtime


@contextmanager
def started(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the file, running; ended at the end of the block."""
    with (folder / f"{command[0]}.log").open("wb") as log:
        running = subprocess.Popen([MES, *command], env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            yield running
        finally:
            running.terminate()
            running.wait(timeout=30)


def ended(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command of the file, run to its end; who takes too long is asked to end, so that the demo ends its benches."""
    running = subprocess.Popen(
        [MES, *command], env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        out, err = running.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        running.terminate()
        out, err = running.communicate(timeout=60)
        err += "\nit took too long"
    return subprocess.CompletedProcess(command, running.returncode, out, err)


def test_the_services_run_one_after_the_other_as_the_file_says(empty_database_url: str, tmp_path: Path) -> None:
    services = COMPOSE["services"]
    environment = {**os.environ, "MES_DATABASE_URL": empty_database_url, "MES_ALLOW_UNSAFE_POSTGRES": "1"}
    environment.pop("MES_REDIS_URL", None)

    def done(command: list[str]) -> subprocess.CompletedProcess[str]:
        return ended(command, environment, tmp_path)

    for name in ("upgrade", "publish"):
        result = done(services[name]["command"])
        assert result.returncode == 0, result.stderr
    health = services["server"]["healthcheck"]["test"][2:]
    assert done(health).returncode != 0
    with started(services["server"]["command"], environment, tmp_path) as server:
        wait_for(lambda: server.poll() is not None or done(health).returncode == 0, limit_s=30, what="a healthy server")
        assert server.poll() is None, (tmp_path / "serve.log").read_text()
        # The name of the service is one of the container network; here the server is on this machine.
        benches = [word.replace("//server:", "//127.0.0.1:") for word in services["benches"]["command"]]
        result = done([*benches, "--seconds", "8", "--stations", "1", "--folder", str(tmp_path / "benches")])
        assert result.returncode == 0, result.stderr
    assert done(["ledger", "verify"]).returncode == 0
