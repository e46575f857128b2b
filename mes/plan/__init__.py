"""The plan: config/ decoded once into frozen typed values, or every error of every file at once.

`read_plan` reads the folder on the server, `read_station` the one file that a station PC has. `content`,
`content_hash` and `from_content` are for publishing: a published plan is data with a hash and never changes. Nothing
here knows a database, a web server or an open port; what the values mean stands in `mes.domain.route`.
"""

from __future__ import annotations

from mes.domain.route import Plan
from mes.plan.content import content, content_hash, from_content
from mes.plan.errors import PlanError
from mes.plan.folder import read_plan
from mes.plan.station import Instrument, Port, Screen, Server, StationFile, read_station

__all__ = [
    "Instrument",
    "Plan",
    "PlanError",
    "Port",
    "Screen",
    "Server",
    "StationFile",
    "content",
    "content_hash",
    "from_content",
    "read_plan",
    "read_station",
]
