"""The screen as JSON, at `/state` on the bench page's own address.

For the simulator's operators, for a lamp or a screen of another make, and for who looks after the station. It only
reads, and only on loopback, like the page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Response, jsonify, request

from stations.screen.source import ScreenSource
from stations.view import Need, Screen

WAIT_S: Final = 10.0


def state_of(screen: Screen) -> dict[str, Any]:
    """What a person sees on the screen, without its words."""
    return {
        "station": screen.station.id,
        "phase": screen.phase,
        "operator": screen.operator,
        "unit": screen.unit,
        "order": screen.order,
        "step": screen.step.id if screen.step else None,
        "needs": [_need(n) for n in screen.needs],
        "banner": {
            "tone": screen.banner.tone,
            "reason": screen.banner.reason,
            "args": dict(screen.banner.args),
            "serial": screen.banner.serial,
        },
        "good": screen.good,
        "scrap": screen.scrap,
        "left": screen.left,
        "rack": [
            {
                "unit": r.unit,
                "ready_at": r.ready_at,
                "ready": r.ready,
                "place": r.place,
                "samples": r.samples,
                "last": r.last,
            }
            for r in screen.rack
        ],
        "rack_place": screen.rack_place,
        "devices": [{"name": d.name, "family": d.family, "ok": d.ok, "fault": d.fault} for d in screen.devices],
        "left_s": screen.left_s,
        "unsafe": list(screen.unsafe),
        "help_called": screen.help_called,
        "link": screen.link,
        "kept": screen.kept,
        "actions": list(screen.actions),
    }


def _need(n: Need) -> dict[str, Any]:
    return {
        "kind": n.kind,
        "state": n.state,
        "name": n.name.model_dump() if n.name else None,
        "part": n.part,
        "detail": n.detail,
        "have": n.have,
        "want": n.want,
        "value": n.value,
        "unit": n.unit,
        "low": n.low,
        "high": n.high,
    }


def add_state(app: Flask, source: ScreenSource, meters: Callable[[], dict[str, Any]]) -> None:
    """Give the bench page its `/state`; with `?after=VERSION` it waits up to ten seconds for a newer screen."""

    @app.get("/state")
    def state() -> Response:
        after = request.args.get("after", "")
        if after.isdecimal() and len(after) < 15:
            version, screen, language = source.wait(int(after), WAIT_S)
        else:
            version, screen, language = source.current()
        return jsonify(version=version, language=language, **state_of(screen), meters=meters())
