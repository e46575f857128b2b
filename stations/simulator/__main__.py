"""`python -m stations.simulator`: the same as `mes simulate`, for a program that starts many of them."""

from __future__ import annotations

from stations.simulator.command import simulate

if __name__ == "__main__":
    simulate(prog_name="mes simulate")
