"""The supervisor's question on its way: what each answer of the server means at the bench, and that silence is a no."""

from __future__ import annotations

import threading

import pytest

from mes.wire import OverrideReply
from stations.inputs import Offer
from stations.protocol import Answer, Silence
from stations.supervisor import Supervisor, reply_of
from stations.transport import Server
from tests.waiting import wait_for

OFFER = Offer("OP-07", "NMD-1", "fit", open=True, badge="BOSS")


@pytest.mark.parametrize(
    ("answer", "go", "reason", "args"),
    [
        (Answer(200, b'{"go":true,"reason":"overridden"}'), True, "overridden", {}),
        (Answer(200, b'{"go":false,"reason":"override_wrong","args":{}}'), False, "override_wrong", {}),
        (Answer(200, b'{"go":true,"reason":"overridden","of_a_newer_server":1}'), True, "overridden", {}),
        (Answer(200, b'{"reason":"overridden"}'), False, "override_not_now", {}),
        (Answer(200, b"<html>"), False, "override_not_now", {}),
        (Answer(429, b"{}", 130.0), False, "override_wait", {"minutes": 3}),
        (Answer(429, b"{}"), False, "override_wait", {"minutes": 1}),
        (Answer(401, b"{}"), False, "override_not_now", {}),
        (Answer(503, b"{}", 2.0), False, "override_not_now", {}),
        (Silence("refused"), False, "override_not_now", {}),
    ],
)
def test_what_an_answer_means(answer: Answer | Silence, go: bool, reason: str, args: dict[str, int]) -> None:
    assert reply_of(answer) == OverrideReply(go=go, reason=reason, args=args)


def test_where_no_server_answers_nobody_has_agreed() -> None:
    got: list[tuple[Offer, OverrideReply]] = []
    asked = Supervisor(Server("http://127.0.0.1:1"), lambda: "token", lambda *said: got.append(said))
    asked.ask(OFFER, "2407")
    wait_for(lambda: bool(got), what="the question is answered")
    assert (got[0][0], got[0][1].go, got[0][1].reason) == (OFFER, False, "override_not_now")


def test_what_is_no_pin_is_not_sent() -> None:
    got: list[str] = []
    asked = Supervisor(Server("http://127.0.0.1:1"), lambda: "token", lambda _offer, reply: got.append(reply.reason))
    asked.ask(OFFER, "24a7")
    assert got == ["override_wrong"]


def test_a_second_question_while_one_is_under_way_is_dropped() -> None:
    at_the_token, go_on, got = threading.Event(), threading.Event(), list[str]()

    def token() -> str:
        at_the_token.set()
        go_on.wait(10)
        return "token"

    asked = Supervisor(Server("http://127.0.0.1:1"), token, lambda _offer, reply: got.append(reply.reason))
    asked.ask(OFFER, "2407")
    assert at_the_token.wait(10)
    asked.ask(OFFER, "2408")
    go_on.set()
    wait_for(lambda: bool(got), what="the first question is answered")
    assert got == ["override_not_now"]
