"""The floor board: the page for the wall, and the same as a fragment that heals a page that has missed something.

Reading only, for everybody on the network: there is no person in it. It knows no rule; `mes.board` says what is so.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request

from mes import revisions
from mes.board import Board, snapshot
from web import painter
from web.auth import may, role
from web.language import language
from web.painter import Painted, Painter
from web.site import Site, site

blueprint = Blueprint("board", __name__)
blueprint.add_app_template_filter(painter.clock)
blueprint.add_app_template_filter(painter.day)
blueprint.add_app_template_filter(painter.moment)
blueprint.add_app_template_filter(painter.number)
blueprint.add_app_template_filter(painter.when)


def read(here: Site) -> tuple[Board, str]:
    """The board as it is now, and the plant's time zone."""
    with here.reading() as session:
        plan = revisions.latest_plan(session)
        tz = plan.plant.timezone if plan else "UTC"
        return snapshot(session, plan, now=here.clock(), seen=here.seen.last(), tz=ZoneInfo(tz)), tz


def painter_of(app: Flask, language: str) -> Painter:
    """The application's painter for a language."""
    painters: dict[str, Painter] = app.extensions.setdefault("atelier_painters", {})
    return painters.setdefault(language, Painter(app, language))


@blueprint.get("/board")
@role("public")
def index() -> str:
    """The wall."""
    painted, tz = _painted()
    return render_template(
        "board.html",
        fragment=painter.fragment(painted),
        tz=tz,
        office=may("quality.answer_help"),
    )


@blueprint.get("/board/fragment")
@role("public")
def fragment() -> Response:
    """The board's HTML with its cursor. `since` is the mark of what the page shows: the same answers 204."""
    painted, _ = _painted()
    if request.args.get("since") == painted.mark:
        response = make_response("", 204)
        response.headers["X-Board-Cursor"] = str(painted.cursor)
        return response
    return make_response(painter.fragment(painted))


def _painted() -> tuple[Painted, str]:
    board, tz = read(site())
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return painter_of(app, language()).paint(board, tz), tz
