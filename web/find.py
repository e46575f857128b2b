"""One search box: what was scanned or typed leads to its page, or to a list where it may be several things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from mes.find import MOST, Hit, find, only
from web.auth import may, role
from web.site import site

blueprint = Blueprint("find", __name__)


@blueprint.get("/find")
@role("planner", "supervisor", "quality", "admin")
def index() -> Any:
    """The one thing that has this number, or all that may be meant."""
    text = request.args.get("q", "").strip()[:200]
    with site().reading() as session:
        hits = find(session, text) if text else []
    one = only(hits)
    if one is not None and (url := address(one)):
        return redirect(url)
    if (went := where_it_went(hits)) is not None:
        return redirect(went)
    return render_template("find.html", text=text, hits=hits, address=address, most=MOST)


def address(hit: Hit) -> str:
    """The page of what was found; empty where who asks may not see it."""
    if hit.kind == "order":
        return url_for("orders.show", order=hit.id) if may("orders.show") else ""
    if hit.kind == "nc":
        return url_for("quality.show", nc=hit.id) if may("quality.show") else ""
    if hit.kind == "carton":
        return url_for("cartons.show", sscc=hit.id) if may("cartons.show") else ""
    return url_for("units.show", serial=hit.id) if may("units.show") else ""


def where_it_went(hits: Sequence[Hit]) -> str | None:
    """The list of all units with a component, where the text is the number of one and of nothing else."""
    numbers = {h.number for h in hits}
    if len(numbers) != 1 or any(h.kind != "inside" for h in hits) or not may("trace.used"):
        return None
    return url_for("trace.used", number=numbers.pop())
