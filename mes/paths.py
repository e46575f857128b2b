"""Where the files that ship with the package, or lie beside it, are found. Knows places, never what is in them."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def default_config_dir() -> Path:
    """Return the folder that holds the plan (`plant.toml`) when none is named on the command line.

    The first of: the environment variable MES_CONFIG, taken as it is, so that a wrong one is reported and not passed
    over; `./config` if it holds a plan; the example plan inside an installed package; the one of the source tree.
    """
    named = os.environ.get("MES_CONFIG")
    if named:
        return Path(named)
    here = Path("config")
    if (here / "plant.toml").is_file():
        return here
    packaged = _PACKAGE / "_config"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "config"
