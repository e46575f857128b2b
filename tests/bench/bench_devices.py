"""What twenty devices on one station cost: share of one processor and memory, as JSON.

python -m tests.bench.bench_devices [--seconds 20]

The devices run in one process of their own (`mes simulate`), and what they take is not the station's. `quiet`: a real
`mes station run` with all of them open, nobody works. `asked`: each instrument is asked once a second through its
family, by a process with the agent's ports and nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import urllib3

from stations.demo_report import memory_mib, percentiles
from stations.devices import FAMILIES
from stations.ports import Port, PortSettings
from tests.floor.rig import own_environment, port_number
from tests.waiting import wait_for

DEVICES = {
    "scanner": "scanner",
    "safety": "safety-tester",
    "scale": "scale",
    "kern": "scale-kern",
    **{f"dmm{n}": "scpi" for n in range(16)},
}
ASKS = {"safety-tester": "GB", "scale": "S", "scale-kern": "S", "scpi": "READ?"}


def station_file(folder: Path, page: int) -> Path:
    """A station with all the devices."""
    tables = ""
    for name, family in DEVICES.items():
        tables += f'[[port]]\nname = "{name}"\nfamily = "{family}"\nurl = "alt://{folder / name}?class=Serial"\n'
        if family != "scanner":
            tables += f'instrument = {{ id = "{name}-01", serial = "S-{name}", calibration_due = 2099-12-31 }}\n'
    file = folder / "bench.toml"
    file.write_text(
        '[station]\nid = "b1"\nname = { fr = "Poste", en = "Bench" }\nline = "gen"\nplace = 1\n'
        f'{tables}[screen]\nport = {page}\n[server]\nurl = "http://127.0.0.1:9"\n'
    )
    return file


def share(pid: int, seconds: float) -> float:
    """Processor time over real time of a process."""

    def used() -> float:
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)

    began, before = time.monotonic(), used()
    threading.Event().wait(seconds)
    return round((used() - before) / (time.monotonic() - began), 4)


def ask_all(folder: Path, seconds: float) -> None:
    """Ask each instrument once a second, and print how long the answers took."""
    took: dict[str, list[float]] = {}
    end = time.monotonic() + seconds
    with ExitStack() as stack:
        threads = []
        for name, family in DEVICES.items():
            port = stack.enter_context(
                Port(PortSettings(f"alt://{folder / name}?class=Serial"), FAMILIES[family].framing, lambda _: None)
            )
            if family in ASKS:
                args = (port, family, took.setdefault(family, []), end)
                threads.append(threading.Thread(target=_ask, args=args))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(json.dumps({family: percentiles(times) for family, times in took.items()}))


def _ask(port: Port, family: str, took: list[float], end: float) -> None:
    measure, due = FAMILIES[family].measure, time.monotonic()
    assert measure is not None
    wait_for(lambda: port.is_open, 10, "the port opens")
    while time.monotonic() < end:
        began = time.monotonic()
        reading = measure(port, ASKS[family], 5.0)
        assert reading.outcome == "measured", reading
        took.append((time.monotonic() - began) * 1000)
        due += 1.0
        threading.Event().wait(max(0.0, due - time.monotonic()))


def run(seconds: float) -> dict[str, Any]:
    """Measure both; returns what is printed."""
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder, page = Path(scratch), port_number()
        file = station_file(folder, page)

        def start(*command: str, out: int | None = None) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], stdin=subprocess.DEVNULL, stdout=out, env=own_environment()
            )
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
            return process

        devices = start("stations.simulator", str(file), "--test-s", "1", out=subprocess.DEVNULL)
        wait_for(lambda: (folder / "dmm15").exists(), 20, "the devices are there")
        agent = start("mes.cli", "station", "run", str(file), "--data", str(folder / "data"), out=subprocess.DEVNULL)

        def all_open() -> bool:
            try:
                shown = json.loads(urllib3.request("GET", f"http://127.0.0.1:{page}/state", retries=False).data)
            except urllib3.exceptions.HTTPError:
                return False
            return len(shown["devices"]) == 20 and all(d["ok"] for d in shown["devices"])

        wait_for(all_open, 40, "the station has all its devices")
        quiet = {"cpu": share(agent.pid, seconds), "mib": memory_mib(agent.pid)}
        agent.terminate()
        agent.wait(20)
        asking = start("tests.bench.bench_devices", "--ask", str(folder), str(seconds + 2), out=subprocess.PIPE)
        threading.Event().wait(2)
        asked = {"cpu": share(asking.pid, seconds - 2)}
        said, _ = asking.communicate(timeout=60)
        return {
            "devices": len(DEVICES),
            "quiet": quiet,
            "asked": {**asked, "answer_ms": json.loads(said)},
            "simulator_mib": memory_mib(devices.pid),
            "of": "one processor",
        }


def main() -> None:
    """Read the arguments; who asks is this file, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--ask", nargs=2, metavar=("FOLDER", "SECONDS"))
    given = parser.parse_args()
    if given.ask:
        ask_all(Path(given.ask[0]), float(given.ask[1]))
    else:
        print(json.dumps(run(given.seconds), indent=1))


if __name__ == "__main__":
    main()
