"""Shows every state of the bench page, on the plan in config/, without a station: `python -m stations.screen.preview`.

For those who translate, train and draw. Each state is the real page with its real stream; pressing and typing answers
"recorded" and does nothing else. Not for the floor: it keeps nothing.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from flask import Flask, render_template
from flask_babel import Babel, force_locale

from mes.domain.reasons import tone
from mes.domain.route import Plan
from mes.i18n import LANGUAGES, TRANSLATIONS_DIR, compile_catalogues
from mes.paths import default_config_dir
from mes.plan import read_plan
from stations.screen import guard
from stations.screen.app import create_bench_app, utc_now
from stations.screen.samples import samples
from stations.screen.server import LoopbackServer
from stations.screen.source import ScreenFeed, Way
from stations.view import Banner, Screen

PORT: Final = 8471

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]


def create_preview(plan: Plan, *, closing: threading.Event | None = None, vendor: Path | None = None) -> Wsgi:
    """All samples as one WSGI application: `/` lists them, `/fr/<name>/` is the page of one."""
    screens = samples(plan, utc_now())
    index = _index(tuple(screens))
    apps: dict[str, Wsgi] = {}
    making = threading.Lock()

    def route(environ: Environ, start_response: Any) -> Iterable[bytes]:
        language, _, rest = environ.get("PATH_INFO", "").lstrip("/").partition("/")
        name, slash, _ = rest.partition("/")
        if language not in LANGUAGES or name not in screens or not slash:
            return index(environ, start_response)
        prefix = f"/{language}/{name}"
        with making:
            if prefix not in apps:
                apps[prefix] = _page(screens[name], language, closing, vendor)
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
        environ["PATH_INFO"] = environ["PATH_INFO"][len(prefix) :]
        return apps[prefix](environ, start_response)

    return route


def _page(screen: Screen, language: str, closing: threading.Event | None, vendor: Path | None) -> Wsgi:
    def answer(text: str, source: Way) -> None:
        shown = feed.current().screen
        feed.show(replace(shown, banner=Banner(tone("noted"), "noted", {}, shown.banner.serial + 1)))

    feed = ScreenFeed(screen, language, on_input=answer)
    return create_bench_app(feed, vendor=vendor, closing=closing)


def _index(names: tuple[str, ...]) -> Flask:
    app = Flask(__name__)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS_DIR)
    Babel(app, default_locale="en")
    guard.protect(app, guard.new_token())

    @app.get("/")
    def contents() -> str:
        with force_locale(LANGUAGES[0]):
            return render_template("preview.html", names=names, languages=LANGUAGES)

    return app


def main(arguments: list[str] | None = None) -> int:
    """Serve the preview until Ctrl+C."""
    parser = argparse.ArgumentParser(prog="python -m stations.screen.preview", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help="port on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--config", type=Path, default=None, help="folder of the plan (default: config/)")
    wanted = parser.parse_args(arguments)
    plan = read_plan(wanted.config or default_config_dir())
    if isinstance(plan, list):
        print("\n".join(str(error) for error in plan), file=sys.stderr)
        return 1
    compile_catalogues()
    closing = threading.Event()
    with LoopbackServer(create_preview(plan, closing=closing), port=wanted.port, closing=closing) as server:
        print(f"Every state of the bench page: {server.url}  (Ctrl+C ends)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
