"""What an open and silent port, and an absent device, cost: share of one processor, as JSON.

python -m tests.bench.bench_idle_port
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path

from stations.devices.scanner import FRAMING
from stations.ports import Port, PortSettings
from stations.simulator.pty import VirtualPort

SECONDS = 5.0


def share() -> float:
    """Processor time over real time while this process does nothing but keep its port."""
    began, used = time.monotonic(), time.process_time()
    threading.Event().wait(SECONDS)
    return round((time.process_time() - used) / (time.monotonic() - began), 4)


def main() -> None:
    """Measure both and print."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "scanner"
        with VirtualPort(link) as device, Port(PortSettings(str(link)), FRAMING, lambda event: None):
            silent = share()
            device.unplug()
            absent = share()
    print(json.dumps({"open_and_silent": silent, "absent": absent, "of": "one processor"}))


if __name__ == "__main__":
    main()
