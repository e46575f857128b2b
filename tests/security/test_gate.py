"""Names, origins and bodies that the gate in front of everything turns away, also in front of the sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from web.gate import Gate, Places, own_origin

HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "mes.local"})


def open_door(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """An application that lets everybody in."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"in"]


def asked(app: Callable[..., Iterable[bytes]], path: str = "/", method: str = "GET", **headers: str) -> int:
    """The status that a request gets; no client has tidied its headers."""
    got: list[str] = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": "localhost", **headers}
    list(app(environ, lambda status, headers: got.append(status)))
    return int(got[0].partition(" ")[0])


GATE = Gate(open_door, HOSTS)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8321", "127.0.0.1", "[::1]:8321", "mes.local", "mes.local.", "Mes.Local.:443"],
)
def test_our_own_names_are_answered_to(host: str) -> None:
    assert asked(GATE, HTTP_HOST=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "", " ", "evil.example", "evil.example:8321", "localhost.evil.example", "evil-localhost",
        "localhost@evil.example",
        "evil.example@localhost", "localhost/evil", "localhost?evil", "localhost#evil", "localhost\\evil",
        "localhost:abc",
        "localhost:8321:1", "localhost,evil.example", "localhost evil.example", "[::1", "::1", "[::1]evil", "[v1.x]",
        "ｌocalhost", "localhost\u2100x", "localhost%00", "127.1", "2130706433", "0x7f.1", "mes.local..",
    ],
)  # fmt: skip
def test_no_other_name_is_answered_to_however_it_is_spelled(host: str) -> None:
    assert [asked(GATE, path, HTTP_HOST=host) for path in ("/", "/socket.io/")] == [400, 400]


@pytest.mark.parametrize("origin", ["http://localhost:8321", "https://mes.local", "http://127.0.0.1:1", None])
def test_our_own_pages_and_programs_without_an_origin_may_change_something(origin: str | None) -> None:
    assert asked(GATE, method="POST", **({"HTTP_ORIGIN": origin} if origin else {})) == 200


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "http://evil.example", "http://localhost.evil.example", "http://evil.example#localhost", "file://",
        "http://localhost@evil.example", "http://evil.example@localhost", "ftp://localhost", "localhost", "http://",
        "http://localhost,http://evil.example", "javascript:localhost",
    ],
)  # fmt: skip
def test_a_page_of_another_origin_changes_nothing_and_gets_no_socket(origin: str) -> None:
    assert not own_origin(origin, HOSTS)
    for method in ("POST", "PUT", "PATCH", "DELETE", "ANYTHING"):
        assert asked(GATE, method=method, HTTP_ORIGIN=origin) == 403, method
    assert asked(GATE, "/socket.io/", HTTP_ORIGIN=origin) == 403


def test_a_body_that_does_not_say_how_long_it_is_stays_outside() -> None:
    for coding in ("chunked", "gzip, chunked", "identity", "x"):
        assert asked(GATE, method="POST", HTTP_TRANSFER_ENCODING=coding) == 411


def test_a_place_is_given_back_also_when_the_one_who_had_it_failed() -> None:
    def fails(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        raise RuntimeError("gone")

    places = Places(fails, most=1)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="gone"):
            asked(places, "/socket.io/")


def test_places_are_counted_for_sockets_only() -> None:
    full = Places(open_door, most=0)
    assert [asked(full, path) for path in ("/socket.io/", "/board")] == [503, 200]
