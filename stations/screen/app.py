"""The bench page as a Flask application: the whole page, a stream of its changes, and the way back for what is pressed.

The server renders all HTML; the browser only swaps it. Nothing about the work is decided here, and nothing is stored: a
`ScreenSource` says what to show and takes what was scanned or pressed. `stations.screen.server` serves it on loopback.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flask import Flask, Response, abort, jsonify, render_template, request, send_from_directory, stream_with_context
from flask_babel import Babel, force_locale
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from mes.domain.barcode import MAX_BYTES, MAX_VALUE, write
from mes.i18n import LANGUAGES, TRANSLATIONS_DIR
from stations.screen import guard, words
from stations.screen.paint import paint, picture_key
from stations.screen.source import ScreenSource, Shown
from stations.signal import score, signal

VENDOR: Final = Path(__file__).resolve().parents[2] / "web" / "static" / "vendor"
"""Where the build hook puts the font and the script that swaps HTML."""

BEAT_S: Final = 5.0  # a sign of life for the page, and the moment to count the rack's minutes again
LOOK_S: Final = 1.0  # how soon a stream sees that its browser has gone, and ends
MAX_STREAMS: Final = 8  # each holds a thread; a bench has one page, a trainer perhaps three
MAX_PICTURES: Final = 200
MAX_QUANTITY: Final = 999_999


def utc_now() -> datetime:
    """The station's clock."""
    return datetime.now(UTC)


def create_bench_app(
    source: ScreenSource,
    *,
    now: Callable[[], datetime] = utc_now,
    vendor: Path | None = None,
    closing: threading.Event | None = None,
) -> Flask:
    """Make the application for one bench.

    Args:
        source: says what to show, and takes what was scanned or pressed.
        now: the clock for the rack's minutes.
        vendor: the folder with fonts.css and idiomorph.min.js, when it is not `VENDOR`.
        closing: when set, the streams end; the page then waits for the station to come back.
    """
    app = Flask(__name__)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS_DIR)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["unbroken"] = unbroken
    Babel(app, default_locale="en")
    token = guard.new_token()
    guard.protect(app, token)
    started = guard.new_token()[:16]  # a page that was loaded before the agent's restart loads itself again
    pictures: dict[str, str] = {}
    streams = threading.BoundedSemaphore(MAX_STREAMS)
    ended = closing or threading.Event()

    def keep(svg: str) -> str:
        key = picture_key(svg)
        while key not in pictures and len(pictures) >= MAX_PICTURES:
            pictures.pop(next(iter(pictures)), None)
        pictures[key] = svg
        return key

    def render(template: str, shown: Shown) -> str:
        language = shown.language if shown.language in LANGUAGES else LANGUAGES[0]
        with force_locale(language):
            page = paint(shown.screen, language, now=now(), keep=keep)
            return render_template(
                template,
                page=page,
                screen=shown.screen,
                languages=LANGUAGES,
                listen_key=words.LISTEN_KEY,
                language_key=words.LANGUAGE_KEY,
                lost_sound=score(signal("stop").notes),
                token=token,
                started=started,
            )

    @app.get("/")
    def page() -> Response:
        return _fresh(Response(render("bench.html", Shown(*source.current())), mimetype="text/html"))

    @app.get("/events")
    def events() -> Response:
        if not streams.acquire(blocking=False):
            abort(503, "Too many pages are open.")
        gone = request.environ.get("waitress.client_disconnected", lambda: False)

        def stream() -> Iterator[str]:
            yield message("boot", started)
            shown, sent, version, beat = Shown(*source.current()), "", -1, 0.0
            while not (ended.is_set() or gone()):
                due = time.monotonic() - beat >= BEAT_S
                if due or shown.version != version:
                    html = render("main.html", shown)
                    yield message("beat", "-") if html == sent else message("screen", html, id=shown.version)
                    sent, version, beat = html, shown.version, time.monotonic()
                shown = Shown(*source.wait(version, LOOK_S))

        response = _fresh(Response(stream_with_context(stream()), mimetype="text/event-stream"))
        response.call_on_close(streams.release)
        return response

    @app.post("/input")
    def take() -> tuple[str, int]:
        match request.get_json(silent=True):
            case {"text": str(text), "source": "wedge" | "touch" as way} if len(text.encode()) <= MAX_BYTES:
                source.submit(text, way)
            case {"quantity": int(number)} if 0 <= number <= MAX_QUANTITY and not isinstance(number, bool):
                source.submit(write("quantity", number), "touch")
            case _:
                abort(400, "Send {text, source} or {quantity}.")
        return "", 204

    @app.post("/pin")
    def pin() -> tuple[str, int]:
        match request.get_json(silent=True):
            case {"pin": str(typed)} if re.fullmatch(r"[0-9]{1,12}", typed):
                source.submit_pin(typed)
            case _:
                abort(400, "Send {pin}.")
        return "", 204

    @app.post("/language")
    def speak() -> tuple[str, int]:
        match request.get_json(silent=True):
            case {"language": str(language)} if language in LANGUAGES:
                source.set_language(language)
            case _:
                abort(400, "Send {language}.")
        return "", 204

    @app.get("/picture/<key>.svg")
    def picture(key: str) -> Response:
        svg = pictures.get(key)
        if svg is None:
            abort(404)
        response = Response(svg, mimetype="image/svg+xml")
        response.headers["Content-Security-Policy"] = guard.PICTURE_POLICY
        response.headers["Cache-Control"] = "max-age=86400, immutable"
        return response

    @app.get("/vendor/<path:name>")
    def vendor_file(name: str) -> Response:
        return send_from_directory(vendor or VENDOR, name)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        code = error.code or 500
        return jsonify(error=error.name, message=error.description), code

    return app


def unbroken(text: str) -> Markup:
    """Keep together what must not part at the end of a line: FUSE-30A, and a French colon with the word before it."""
    safe = re.sub(r" ([:;?!»])", "\u00a0\\1", str(escape(text)))
    return Markup(re.sub(r"[\w./]+-[\w./-]*\w", _code, safe))  # noqa: S704 - escaped above


def _code(found: re.Match[str]) -> str:
    plain = found[0]
    return f'<span class="code">{plain}</span>' if len(plain) <= MAX_VALUE and re.search(r"\d", plain) else plain


def message(event: str, data: str, *, id: int | None = None) -> str:
    """One message of the stream.

    Source: WHATWG HTML, 9.2.5 (parsing an event stream): each line of the data needs its own `data:`.
    """
    lines = [f"event: {event}"]
    if id is not None:
        lines.append(f"id: {id}")
    lines += [f"data: {line}" for line in re.split(r"\r\n|\r|\n", data)]
    return "\n".join(lines) + "\n\n"


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
