"""The one module that emits: after a commit it tells the boards what has changed, drawn once for all of them.

A push says "from this ledger position to that one, these parts now look so". It carries no fact: a board that misses
one fetches the whole, and does so every 15 seconds anyway. Boards speak to nobody: there is a door (`connect`) and no
other event. A socket that came with somebody's session ends with it.

Commits of other processes are noticed within a second by the ledger's last position, or at once when they
share a Redis; what goes through Redis is "look again" and nothing else, so it could not paint a board if it tried.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import uuid4
from weakref import WeakSet

from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI
from flask import Flask, request
from flask_socketio import SocketIO, join_room

from mes import sessions
from mes.ledger import last_position
from web import auth, board, gate
from web.painter import Painted
from web.site import Site

log = logging.getLogger(__name__)

PAUSE_S: Final = 0.025  # between two pushes while commits keep coming
SHARE: Final = 4  # a push that took t is followed by a rest of 3 t at least: scans come before screens
POLL_S: Final = 1.0  # how soon another process's commit is noticed
REFRESH_S: Final = 5.0  # how soon what changes without a commit is noticed: a station that falls silent
MOST_BOARDS: Final = 50  # a socket holds a server thread: more boards fetch, so that stations always get theirs
MOST_SAID: Final = 4_096  # bytes of a message from a board, which has nothing to say
CHANNEL: Final = "atelier:look-again"
LANGUAGES: Final = ("fr", "en")

_HUBS: WeakSet[Hub] = WeakSet()


def after_commit() -> None:
    """For the writer, after each commit: sets an event and returns. Never raises."""
    for hub in tuple(_HUBS):
        hub.committed()


def attach(app: Flask, site: Site, *, hosts: frozenset[str], most: int = MOST_BOARDS) -> Hub:
    """Give an application its live boards.

    Args:
        hosts: the names that this server answers to; a page of another origin gets no socket.
        most: boards that are pushed to at a time.
    """
    hub = Hub(app, site, hosts, most)
    app.extensions["atelier_live"] = hub
    _HUBS.add(hub)
    return hub


def rest_s(took_s: float) -> float:
    """How long to rest after a push that took so long."""
    return max(PAUSE_S - took_s, (SHARE - 1) * took_s)


class Hub:
    """The boards of one application, and the thread that draws for them."""

    def __init__(self, app: Flask, site: Site, hosts: frozenset[str], most: int) -> None:
        self._app, self._site, self._most = app, site, most
        self._hosts = hosts
        self._again = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._sent: dict[str, Painted] = {}
        self._looked_at, self._cursor = 0.0, -1
        self._signed_in: dict[str, str] = {}
        """Socket → the digest of the session that it came with."""
        self._checked_at = 0.0
        self._me, self._untold = str(uuid4()), False
        self._redis: Any = None
        self.listening = threading.Event()
        """Set while other processes can be heard."""
        self._closed = threading.Event()
        self.handlers: dict[str, frozenset[str]] = {}
        """Every event that a board may send, with its roles."""
        self.socketio = SocketIO(
            app,
            async_mode="threading",
            cors_allowed_origins=lambda origin: gate.own_origin(origin, hosts),
            cors_credentials=False,
            transports=["websocket"],  # a long poll would hold a thread as well, and answer later
            allow_upgrades=False,
            ping_interval=10,  # bounds what is queued for a board that has gone without a word
            ping_timeout=8,
            max_http_buffer_size=MOST_SAID,
            manage_session=False,
        )
        # The library looks at a message's size when it is whole, and unpacks what is compressed: look earlier.
        eio = self.socketio.server.eio
        eio._async = {**eio._async, "websocket": partial(SimpleWebSocketWSGI, max_message_size=MOST_SAID)}
        app.wsgi_app = gate.Places(app.wsgi_app, most)  # type: ignore[method-assign]
        self._on("connect", self._connect)
        self._redis_url = os.environ.get("MES_REDIS_URL", "")
        if self._redis_url:
            self._start()  # also without boards of its own: others may have some

    # --- the door ---

    def _on(self, event: str, handler: Callable[..., Any]) -> None:
        wanted = auth.declared(handler)
        if not wanted:
            raise TypeError(f"the socket event {event} declares no role")
        self.handlers[event] = wanted
        self.socketio.on_event(event, handler)

    @auth.role("public")
    def _connect(self, said: Any = None) -> bool:
        """A board comes. False turns it away; it then lives on fetching."""
        language = request.args.get("lang")
        # Every browser names its origin on a web socket; the library lets in who names none.
        if language not in LANGUAGES or not gate.own_origin(request.headers.get("Origin"), self._hosts):
            return False
        if sum(map(self.watching, LANGUAGES)) >= self._most:
            return False
        join_room(language)
        who = auth.signed_in()
        if who is not None:
            self._signed_in[request.sid] = who.session  # type: ignore[attr-defined]
        self._start()
        self.poke()
        return True

    def watching(self, language: str) -> int:
        """How many boards are connected in a language."""
        rooms = self.socketio.server.manager.rooms.get("/", {})
        return len(rooms.get(language) or ())

    def looked(self, language: str) -> bool:
        """Has the board been drawn for a language, so that the next change will be pushed?"""
        return language in self._sent

    def close(self) -> None:
        """Let the threads end; boards stay connected and fetch."""
        self._closed.set()
        self._again.set()

    # --- the drawing thread ---

    def committed(self) -> None:
        """This process has changed something: look soon, and tell the others. Returns at once."""
        self._untold = True
        self._again.set()

    def poke(self) -> None:
        """Something may have changed: look soon. Returns at once."""
        self._again.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live", daemon=True)
                self._thread.start()
                if self._redis_url:
                    threading.Thread(target=self._listen, name="live-redis", daemon=True).start()

    def _run(self) -> None:
        while not self._closed.is_set():
            poked = self._again.wait(POLL_S)
            self._again.clear()
            began = time.monotonic()
            try:
                self._turn_out(began)
                if poked or self._due(began):
                    self._look(began)
                    self._tell_others()
            except Exception:
                log.exception("the boards could not be drawn; they fetch what they miss")
                self._again.set()  # soon again, after a rest
                self._closed.wait(POLL_S)
            time.sleep(rest_s(time.monotonic() - began))

    def _turn_out(self, now: float) -> None:
        """Close the sockets whose session has ended; once a second is soon enough, and one query for all."""
        if not self._signed_in or now - self._checked_at < POLL_S:
            return
        self._checked_at = now
        came_with = dict(self._signed_in)
        with self._site.reading() as session:
            alive = sessions.alive(session, came_with.values(), now=self._site.clock())
        server = self.socketio.server
        for sid, key in came_with.items():
            if server.manager.is_pre_connected(sid, "/"):
                continue  # it stands at the door: the next look is soon enough
            if not server.manager.is_connected(sid, "/"):
                self._signed_in.pop(sid, None)
            elif key not in alive:
                self._signed_in.pop(sid, None)
                server.disconnect(sid)

    def _due(self, now: float) -> bool:
        if not any(map(self.watching, LANGUAGES)):
            return False
        if now - self._looked_at >= REFRESH_S:
            return True
        with self._site.reading() as session:
            return last_position(session) != self._cursor

    def _look(self, now: float) -> None:
        wanted = [language for language in LANGUAGES if self.watching(language)]
        for language in [x for x in self._sent if x not in wanted]:
            del self._sent[language]
        if not wanted:
            return
        self._looked_at = now
        with self._app.app_context():
            now_on_it, tz = board.read(self._site)
            for language in wanted:
                self._push(language, board.painter_of(self._app, language).paint(now_on_it, tz))
        self._cursor = now_on_it.cursor

    def _push(self, language: str, painted: Painted) -> None:
        before = self._sent.get(language)
        if before is not None and painted.mark == before.mark:
            return  # nothing to see: the boards stay at the position of the last push, and the next one starts there
        self._sent[language] = painted
        if before is None:
            return  # the first look: each board has fetched, or finds a gap at the next push
        message: dict[str, Any] = {"from": before.cursor, "to": painted.cursor, "mark": painted.mark}
        if painted.parts.keys() == before.parts.keys():
            message["parts"] = {k: v for k, v in painted.parts.items() if before.parts[k] != v}
        else:
            message |= {"parts": {}, "whole": True}  # stations came or went: fetch the whole
        self.socketio.emit("board", message, to=language)

    # --- other processes ---

    def _tell_others(self) -> None:
        if self._redis is None or not self._untold:
            return
        self._untold = False
        try:
            self._redis.publish(CHANNEL, self._me)
        except Exception as error:  # a Redis that is down costs a second, and no scan
            log.info("redis: %s", error)

    def _listen(self) -> None:
        import redis

        while not self._closed.is_set():
            try:
                self._redis = redis.Redis.from_url(self._redis_url, socket_connect_timeout=2, health_check_interval=30)
                with self._redis.pubsub(ignore_subscribe_messages=True) as heard:
                    heard.subscribe(CHANNEL)
                    while not self._closed.is_set():
                        message = heard.get_message(timeout=1)
                        self.listening.set()
                        if message and message["data"] != self._me.encode():
                            self.poke()
            except redis.RedisError as error:
                self.listening.clear()
                log.warning("redis does not answer (%s); boards notice other processes within a second", error)
                self._closed.wait(5)
