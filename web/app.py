"""The Flask application: parts, guards, headers, languages. What the pages say is in one blueprint a subject."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, jsonify, redirect, render_template, request, url_for
from flask.sessions import SecureCookieSessionInterface
from flask_babel import Babel, get_locale
from flask_babel import gettext as _
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from mes.db.tables import Meta
from mes.i18n import TRANSLATIONS_DIR
from mes.passwords import TooMany
from mes.wire import MAX_BYTES
from mes.writer import Busy
from web import (
    account,
    accounts,
    api,
    api_keys,
    api_print,  # noqa: F401  # its routes are those of `api`
    audit,
    auth,
    board,
    cartons,
    charts,
    corrective,
    deliveries,
    failures,
    find,
    flow,
    forms,
    held,
    instruments,
    labels,
    live,
    lots,
    nc_acts,  # noqa: F401  # its routes are those of `quality`
    nc_new,  # noqa: F401
    openapi,
    order_edit,  # noqa: F401  # its routes are those of `orders`
    order_import,  # noqa: F401
    order_serials,  # noqa: F401
    orders,
    people,
    printers,
    quality,
    quality_log,
    quality_pareto,
    release,
    rest,
    sampling,
    signals,
    stations,
    times,
    times_spans,
    trace,
    units,
    yields,
)
from web.gate import Gate, host_of
from web.keys import Crowd
from web.reach import LOOPBACK
from web.site import Site, site

LANGUAGES: Final = ("fr", "en")
CSP: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
MAX_REQUEST: Final = 5 * MAX_BYTES  # the API refuses earlier, with its own words


class _Cookies(SecureCookieSessionInterface):
    """The session's cookie: over TLS it is never sent back without."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def create_app(here: Site, *, secret_key: str, hosts: frozenset[str] = frozenset()) -> Flask:
    """Build the application around a running site.

    Args:
        secret_key: signs the session cookie; unique to this installation.
        hosts: host names (without port) that the server answers to, beside the loopback names.
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="atelier",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=MAX_REQUEST,
        MAX_FORM_MEMORY_SIZE=100_000,
        BABEL_DEFAULT_LOCALE="fr",
        BABEL_TRANSLATION_DIRECTORIES=str(TRANSLATIONS_DIR),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,
    )
    app.session_interface = _Cookies()
    app.extensions["atelier"] = here
    allowed = LOOPBACK | hosts
    auth.guard(app)
    forms.sizes(app)
    csrf = CSRFProtect(app)

    @app.before_request
    def _csrf() -> None:
        # Stations and programs carry a bearer token, which no browser sends by itself; all else that changes needs
        # the form's token.
        view = app.view_functions.get(request.endpoint or "")
        if not auth.declared(view) & {"station", "door", *auth.PROGRAMS}:
            csrf.protect()

    forms.guard(app)
    Babel(app, locale_selector=_language)
    app.jinja_env.globals.update(
        languages=LANGUAGES,
        locale=lambda: str(get_locale() or "fr"),
        signed_in=auth.signed_in,
        may=auth.may,
        in_the_clear=_in_the_clear,
    )
    for subject in (
        account,
        accounts,
        api,
        api_keys,
        audit,
        board,
        cartons,
        charts,
        corrective,
        failures,
        flow,
        find,
        held,
        instruments,
        labels,
        lots,
        printers,
        openapi,
        orders,
        people,
        quality,
        quality_log,
        quality_pareto,
        rest,
        release,
        deliveries,
        sampling,
        signals,
        stations,
        times,
        times_spans,
        trace,
        units,
        yields,
    ):
        app.register_blueprint(subject.blueprint)
    _own_pages(app)
    _headers(app)
    _errors(app)
    live.attach(app, here, hosts=allowed)
    app.wsgi_app = Gate(app.wsgi_app, allowed)  # type: ignore[method-assign]  # last: in front of the sockets, too
    if here.reach == "proxy":
        # What one proxy says of its client is believed, and only where there is one: anybody can send these headers.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app


def secret_of(db: Session) -> str:
    """The installation's cookie key, made at the first call. `db`: a writing session."""
    value = db.scalar(select(Meta.value).where(Meta.key == "secret_key"))
    if value is None:
        value = secrets.token_urlsafe(32)
        db.add(Meta(key="secret_key", value=value))
        db.flush()
    return value


def _language() -> str:
    """The language of the page: asked for in the address, remembered in a cookie, else the browser's, else French."""
    for wanted in (request.args.get("lang"), request.cookies.get("lang")):
        if wanted in LANGUAGES:
            return wanted
    return request.accept_languages.best_match(LANGUAGES) or "fr"


def _in_the_clear() -> bool:
    """Whether what this page shows crosses a network without TLS: every page then says so."""
    reach = site().reach
    return reach == "plain" or (reach == "proxy" and not request.is_secure and host_of(request.host) not in LOOPBACK)


def _own_pages(app: Flask) -> None:
    @app.get("/")
    @auth.role("public")
    def home() -> Any:
        return redirect(url_for("board.index"))

    @app.get("/language/<code>")
    @auth.role("public")
    def language(code: str) -> Any:
        """Remember a language and go back; only to a page of this server."""
        back = urlsplit(request.referrer or "")
        to = back.path if back.netloc == request.host and back.path.startswith("/") else url_for("home")
        response = redirect(to if not to.startswith("//") else url_for("home"))
        if code in LANGUAGES:
            response.set_cookie(
                "lang", code, max_age=31_536_000, samesite="Lax", httponly=True, secure=request.is_secure
            )
        return response

    @app.get("/health")
    @auth.role("public")
    def health() -> Any:
        """For `mes doctor` and the container's health check: the database answers."""
        with site().reading() as db:
            gen = db.scalar(select(Meta.value).where(Meta.key == "server_gen"))
        return jsonify(ok=gen is not None)

    @app.get("/ca.pem")
    @auth.role("public")
    def authority() -> Any:
        """By what a station or a browser knows this server. Who fetches it here must compare its fingerprint."""
        if not site().authority:
            abort(404)
        return Response(site().authority, mimetype="application/x-x509-ca-cert")


def _headers(app: Flask) -> None:
    @app.after_request
    def _add(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Frame-Options"] = "DENY"
        if not request.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"  # also for a file that Flask would let a browser keep
        return response


def _errors(app: Flask) -> None:
    def answer(status: int, error: str, message: str, retry_s: int | None = None) -> Any:
        if request.path.startswith("/api/"):
            response = jsonify(error=error, message=message)
        else:
            response = app.make_response(render_template("error.html", status=status, message=message))
        response.status_code = status
        if retry_s is not None:
            response.headers["Retry-After"] = str(retry_s)
        return response

    @app.errorhandler(CSRFError)
    def _csrf(error: CSRFError) -> Any:
        return answer(403, "csrf", _("This page was open for too long. Go back, reload it, and try again."))

    @app.errorhandler(Busy)
    def _busy(error: Busy) -> Any:
        return answer(503, "busy", _("The database is busy. Nothing is lost. Try again in a moment."), retry_s=2)

    @app.errorhandler(TooMany)
    def _crowd(error: TooMany) -> Any:
        return answer(503, "busy", _("Too many people sign in at this moment. Try again."), retry_s=2)

    @app.errorhandler(Crowd)
    def _often(error: Crowd) -> Any:
        return answer(429, "too_many_tries", _("Too many requests. Wait, then send the same again."), error.wait_s)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Any:
        status = error.code or 500
        api = request.path.startswith("/api/")
        program = bool(auth.roles_of(app, request.endpoint or "") & auth.PROGRAMS)
        said = {
            400: _("This request is not understood."),
            401: _("This key is unknown, withdrawn or too old. Ask an administrator for another one: mes key add.")
            if program
            else _("This station is not known here. Enrol it again: mes station add.")
            if api
            else _("You are not signed in any more. Sign in, then do it again."),
            403: _("This key may not do this. Ask an administrator for one with another role: mes key add.")
            if program
            else _("Your account may not do this. Ask an administrator for the role."),
            404: _("There is no such page."),
            405: _("This address does not do that."),
            413: _("This is too large."),
            415: _("This address takes JSON."),
        }
        return answer(status, (error.name or "error").lower().replace(" ", "_"), said.get(status, error.name or ""))

    @app.errorhandler(Exception)
    def _bug(error: Exception) -> Any:
        number = secrets.token_hex(4)
        app.logger.exception("error %s", number)
        g.pop("station", None)
        message = _("Something is broken. Tell the supervisor this number: %(number)s", number=number)
        return answer(500, "error", message)


STATIC: Final = Path(__file__).parent / "static"
