"""Half requests, too many of them, two meanings in one, odd methods and paths: against a real server, byte by byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import psutil
import pytest

from tests.security.lines import HOST, LAST, ask, frame, is_well, line, said, server, status, web_socket

CROWD = 150  # more than twice the threads of the server
SENDS_JSON = b"Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One server for all: each test leaves it well."""
    folder: Path = tmp_path_factory.mktemp("server")
    with server(folder) as chosen:
        yield chosen


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /health HT",
        b"GET /health HTTP/1.1\r\n" + HOST + b"X-Dawdles: ",
        b"POST /api/v1/enroll HTTP/1.1\r\n" + HOST + SENDS_JSON + b"Content-Length: 1000\r\n\r\n{",
    ],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
def test_however_many_requests_never_end_the_others_are_served(port: int, half: bytes) -> None:
    with ExitStack() as lines:
        for _ in range(CROWD):
            lines.enter_context(closing(line(port, half)))
        assert is_well(port)


def test_whoever_does_not_read_or_close_keeps_nobody_waiting(port: int) -> None:
    with ExitStack() as lines:
        for _ in range(CROWD):
            lines.enter_context(closing(line(port, b"GET /health HTTP/1.1\r\n" + LAST + b"\r\n")))
        assert is_well(port)


def test_sockets_that_never_say_who_they_are_leave_threads_for_everybody_else(port: int) -> None:
    with ExitStack() as boards:
        opened = [boards.enter_context(closing(web_socket(port))) for _ in range(80)]
        answers = Counter(status(board.recv(12) + b" ") for board in opened)
        assert answers == {101: 50, 503: 30}
        assert is_well(port)


def test_a_message_that_unpacks_to_a_hundred_megabytes_is_cut_off_before_it_is_unpacked(port: int) -> None:
    (worker,) = (each for each in psutil.process_iter(["cmdline"]) if listens(each, port) and not each.children())
    before = peak(worker)
    with closing(web_socket(port, packed=True)) as board:
        assert b"101" in board.recv(4_096)
        with suppress(OSError):  # it may be cut off while it is sent: that early
            board.sendall(frame(b"4" + bytes(1 << 27), packed=True))
        said(board)
    assert is_well(port)
    assert peak(worker) - before < 50_000_000


def peak(process: psutil.Process) -> int:
    """The most memory that it has ever held, bytes. Source: proc(5), VmHWM."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def listens(process: psutil.Process, port: int) -> bool:
    """Is this the server on that port, or its worker?"""
    command = process.info["cmdline"] or []
    return "serve" in command and str(port) in command


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 100000000",
        b"Content-Length: 99999999999999999999",
        b"Content-Length: -1",
        b"Content-Length: +5",
        b"Content-Length: 0\r\nContent-Length: 5",
        b"Content-Length: 6\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding: identity, chunked",
        b"X: a\r\n Transfer-Encoding: chunked",
        b"X: a\nTransfer-Encoding: chunked",
        b"Host: evil.example",
        b"X: " + b"a" * 20_000,
        b"\r\n".join(b"X-%d: a" % i for i in range(500)),
    ],
    ids=lambda head: head[:50].decode(errors="replace"),
)
def test_a_request_that_is_too_large_or_has_two_meanings_is_refused_and_its_rest_is_no_request(
    port: int, head: bytes
) -> None:
    second = b"GET /health HTTP/1.1\r\n" + LAST + b"\r\n"
    for address in (b"/api/v1/enroll", b"/login"):
        answer = ask(
            port, b"POST " + address + b" HTTP/1.1\r\n" + LAST + SENDS_JSON + head + b"\r\n\r\n0\r\n\r\n" + second
        )
        assert answer.count(b"HTTP/1.1 ") == 1
        assert 400 <= status(answer) < 500 or status(answer) == 501
    assert is_well(port)


@pytest.mark.parametrize(
    "method", ["TRACE", "PUT", "DELETE", "PATCH", "CONNECT", "PROPFIND", "OPTIONS", "HEAD", "post"]
)
def test_no_method_opens_a_door_that_get_and_post_do_not(port: int, method: str) -> None:
    for path in ("/orders", "/orders/new", "/api/v1/plan", "/api/v1/ingest", "/account", "/nowhere"):
        answer = ask(port, f"{method} {path} HTTP/1.1\r\n".encode() + LAST + b"X-HTTP-Method-Override: GET\r\n\r\n")
        assert status(answer) in (302, 400, 401, 403, 404, 405), (path, answer)


@pytest.mark.parametrize(
    "path",
    [
        "//orders", "/./orders", "/x/../orders", "/%2e%2e/orders", "/orders%2f", "/orders;x", "/ORDERS", "/orders%20",
        "/orders%00", "/order/%00", "/order/%ff%fe", "/order/..%2f..%2fetc", "/%", "/%zz", "/static/../app.py",
        "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/..%5capp.py", "/static//etc/passwd", "/static/%00",
        "/static/vendor/../../app.py", "/language/%0d%0aSet-Cookie:x=1", "http://evil.example/orders", "*",
        "/x" * 5_000,
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_leads_past_the_door_or_out_of_the_folder(port: int, path: str) -> None:
    answer = ask(port, f"GET {path} HTTP/1.1\r\n".encode() + LAST + b"\r\n")
    head = answer.partition(b"\r\n\r\n")[0]
    assert status(answer) in (302, 308, 400, 404, 414), answer
    assert b"Location: //" not in head
    assert b"evil" not in head
    assert b"\nSet-Cookie: x=1" not in head
    assert b"import" not in answer


@pytest.mark.parametrize(
    "forged",
    [
        "SCRIPT_NAME: /orders", "SCRIPT-NAME: /orders", "PATH_INFO: /board", "REMOTE_USER: admin", "REMOTE-ADDR: ::1",
        "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: //evil.example",
        "Forwarded: for=127.0.0.1;host=evil.example", "X-Original-URL: /board", "X-Rewrite-URL: /board",
    ],
)  # fmt: skip
def test_no_header_says_who_or_where_one_is(port: int, forged: str) -> None:
    answer = ask(port, b"GET /orders HTTP/1.1\r\n" + LAST + forged.encode() + b"\r\n\r\n")
    assert status(answer) == 302
    assert b"Location: /login?next=/orders\r\n" in answer


def test_messages_whose_second_half_never_comes_fill_no_memory(port: int) -> None:
    (worker,) = (each for each in psutil.process_iter(["cmdline"]) if listens(each, port) and not each.children())
    before = peak(worker)
    with closing(web_socket(port)) as board:
        assert b"101" in board.recv(4_096)
        with suppress(OSError):  # it may be sent away
            board.sendall(frame(b"40") + frame(b'451-["x",{"_placeholder":true,"num":0}]') * 10_000)
        assert is_well(port)
    assert peak(worker) - before < 50_000_000


def test_what_is_sent_forges_no_line_of_the_log_and_no_colour_of_the_console(tmp_path: Path) -> None:
    forged = b"\x1b[2J%0a2026-11-25 ERROR forged\xff"
    with server(tmp_path) as alone:
        for request in (
            b"GET /" + forged + b" HTTP/1.1\r\n" + LAST + b"\r\n",
            b"GET /%1b%5b2J%0aforged HTTP/1.1\r\n" + LAST + b"\r\n",
            forged + b"\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: " + forged + b"\r\n\r\n",
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
            + LAST
            + b"Origin: http://"
            + forged
            + b"\r\n\r\n",
            b"GET /api/v1/floor HTTP/1.1\r\n" + LAST + b"Authorization: Bearer " + forged + b"\r\n\r\n",
            b"POST /login HTTP/1.1\r\n" + LAST + b"Content-Length: 5\r\nX: " + forged + b"\r\n\r\na=%0a",
        ):
            ask(alone, request)
        assert is_well(alone)
    log = (tmp_path / "server.log").read_bytes()
    assert log
    assert not [line for line in log.splitlines() if line.startswith((b"forged", b"2026-11-25 ERROR forged"))]
    assert not set(log) & (set(range(32)) - {10}), log
