"""The bench page without a browser: what stands on it, who may talk to it, how fast a change goes out."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from mes.domain.barcode import Command, DefectCode, read, write
from mes.domain.reasons import REASONS, sentence
from mes.domain.route import Plan
from mes.i18n import LANGUAGES
from mes.plan import read_plan
from stations.screen.app import MAX_STREAMS, create_bench_app
from stations.screen.gauge import WIDTH, gauge
from stations.screen.preview import create_preview
from stations.screen.samples import samples
from stations.screen.server import LoopbackServer, bench_server
from stations.screen.source import ScreenFeed, Way
from stations.signal import SIGNALS, Note, score, signal, signal_of
from stations.view import Banner, InRack, Screen
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def the_plan() -> Plan:
    plan = read_plan(ROOT / "config")
    assert isinstance(plan, Plan)
    return plan


SCREENS = dict(samples(the_plan(), NOW))


class Bench:
    """A page of one screen, and what came back from it."""

    def __init__(self, screen: Screen, language: str = "fr") -> None:
        self.sent: list[tuple[str, Way]] = []
        self.pins: list[str] = []
        self.feed = ScreenFeed(
            screen,
            language,
            on_input=lambda text, source: self.sent.append((text, source)),
            on_pin=self.pins.append,
        )
        self.client: FlaskClient = create_bench_app(self.feed, now=lambda: NOW).test_client()

    def html(self) -> str:
        answer = self.client.get("/", headers={"Host": "127.0.0.1:8470"})
        assert answer.status_code == 200
        return answer.text

    def post(self, way: str, body: object, **headers: str) -> int:
        token = re.search(r'data-token="([^"]+)"', self.html())
        assert token is not None
        own = {"Host": "127.0.0.1:8470", "Origin": "http://127.0.0.1:8470", "X-Bench-Token": token[1]}
        wanted = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(way, json=body, headers={**own, **wanted}).status_code


class Page(HTMLParser):
    """The tags of a page, with their attributes, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def plain(text: str) -> str:
    """A sentence as the parser of the page gives it back: the parts of a number stand apart, blanks are one."""
    return re.sub(r"\s+", "", text)


# --- what stands on it


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SCREENS)
def test_every_state_says_its_sentence_and_what_to_do_in_the_language_of_the_person(name: str, language: str) -> None:
    screen = SCREENS[name]
    page = Page(Bench(screen, language).html())
    said, todo = sentence(screen.banner.reason, screen.banner.args, language)
    if "device" not in screen.banner.args:
        assert plain(said) in plain(page.text)
        assert plain(todo) in plain(page.text)
    if screen.step and screen.phase != "paused":
        for line in screen.step.instruction.to(language):
            assert plain(line) in plain(page.text)


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_has_a_shape_a_word_and_a_colour_on_the_page(code: str) -> None:
    tone = REASONS[code].tone
    html = Bench(replace(SCREENS["arrived"], banner=Banner(tone, code))).html()
    light = "help" if code == "help_called" else tone
    assert f'<section id="verdict" class="{light}"' in html
    assert f'<use href="#m-{light}"/></svg><span class="word">' in html
    assert re.search(r'class="word">\w[\w ]*<', html)


def test_a_text_that_was_scanned_is_shown_as_text_and_never_as_html() -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}'
    screen = replace(
        SCREENS["arrived"], unit=evil, order=evil, operator=evil, banner=Banner("stop", "unknown_code", {"text": evil})
    )
    html = Bench(screen).html()
    page = Page(html)
    assert "49" not in re.sub(r"\d{3,}", "", page.text)
    assert not [tag for tag, attrs in page.tags if tag == "script" and "src" not in attrs]
    assert not [attrs for tag, attrs in page.tags if tag == "img" and attrs.get("src") == "x"]
    assert html.count("&lt;script&gt;") >= 4


@pytest.mark.parametrize("name", SCREENS)
def test_no_state_needs_inline_script_or_style(name: str) -> None:
    for tag, attrs in Page(Bench(SCREENS[name]).html()).tags:
        assert tag != "style"
        assert "style" not in attrs
        assert not [attr for attr in attrs if attr.startswith("on")]
        assert tag != "script" or attrs.get("src")


@pytest.mark.parametrize("name", SCREENS)
def test_every_state_has_one_title_a_main_part_and_no_id_twice(name: str) -> None:
    page = Page(Bench(SCREENS[name]).html())
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert sorted(ids, key=str) == sorted(set(ids), key=str)
    tags = [tag for tag, _ in page.tags]
    assert [tags.count(tag) for tag in ("h1", "main", "header", "nav")] == [1, 1, 1, 1]


@pytest.mark.parametrize("name", SCREENS)
def test_every_mark_that_the_page_uses_is_drawn(name: str) -> None:
    page = Page(Bench(SCREENS[name]).html())
    drawn = {attrs["id"] for tag, attrs in page.tags if tag == "symbol"}
    used = {(attrs["href"] or "").removeprefix("#") for tag, attrs in page.tags if tag == "use"}
    assert used <= drawn


def test_a_button_posts_the_own_code_of_its_command() -> None:
    page = Page(Bench(SCREENS["inspecting"]).html())
    codes = {
        attrs["id"]: attrs["data-code"]
        for tag, attrs in page.tags
        if tag == "button" and "data-code" in attrs and "id" in attrs
    }
    assert {read(code or "") for code in codes.values()} == {
        Command(c) for c in ("PASS", "DONE", "UNDO", "LEAVE", "PAUSE", "HELP")
    }


def test_each_defect_of_the_step_is_a_button_with_its_own_code() -> None:
    screen = SCREENS["inspecting"]
    page = Page(Bench(screen).html())
    codes = [read(attrs["data-code"] or "") for tag, attrs in page.tags if tag == "button" and "data-code" in attrs]
    assert [c.code for c in codes if isinstance(c, DefectCode)] == [code for code, _, _ in screen.defects]


def test_a_command_that_this_station_does_not_know_yet_gets_no_button() -> None:
    html = Bench(replace(SCREENS["idle"], actions=("HELP", "TELEPORT"))).html()
    assert "TELEPORT" not in html
    assert 'id="do-help"' in html


def test_two_buttons_never_share_a_function_key() -> None:
    screen = replace(SCREENS["arrived"], actions=("DONE", "YES", "NO", "FAIL", "PAUSE", "RESUME", "HELP", "HELPED"))
    keys = [attrs["data-key"] for _, attrs in Page(Bench(screen).html()).tags if "data-key" in attrs]
    assert len(keys) == len(set(keys))


def test_a_reading_stands_with_its_unit_and_its_limit_in_the_person_s_own_way_of_writing() -> None:
    assert "0,23\u202fΩ" in Bench(SCREENS["test-failed"], "fr").html()
    assert "0.23\u202fΩ" in Bench(SCREENS["test-failed"], "en").html()


def test_the_rack_counts_the_minutes_left_rounded_up() -> None:
    rack = (InRack("NMD-1", "2026-11-23T09:02:01Z", ready=False), InRack("NMD-2", "2026-11-23T08:00:00Z", ready=True))
    text = Page(Bench(replace(SCREENS["idle"], rack=rack), "en").html()).text
    assert re.search(r"NMD-2 ready .*NMD-1 3 min", text)


def test_a_long_checklist_folds_what_is_good_and_keeps_in_sight_what_is_not() -> None:
    screen = SCREENS["testing-long"]
    text = Page(Bench(screen, "en").html()).text
    assert ("4 are good" in text, "4 more later" in text) == (True, True)
    names = [n.name.en for n in screen.needs if n.name and n.state != "ok"]
    assert [name for name in names if name in text] == names[:2], "what is tested now, and what comes next"


def test_without_network_the_page_says_that_nothing_is_lost_and_how_much_is_kept() -> None:
    text = Page(Bench(SCREENS["offline"], "en").html()).text
    assert "No network. Nothing is lost." in text
    assert "23 kept" in text


def test_a_device_is_called_by_what_it_is_and_not_by_the_name_of_its_port() -> None:
    text = Page(Bench(SCREENS["device-lost"], "en").html()).text
    assert "The scanner is unplugged." in text
    assert "The weighing device does not answer." in text


def test_a_trouble_that_the_verdict_says_already_is_not_said_twice() -> None:
    assert Page(Bench(SCREENS["device-lost"], "en").html()).text.count("The scanner is unplugged.") == 1
    assert 'id="notice-help"' not in Bench(SCREENS["help-called"]).html()
    assert 'id="notice-help"' in Bench(replace(SCREENS["help-called"], banner=Banner("go", "noted"))).html()


def test_the_page_shows_the_badge_and_neither_a_name_nor_a_pace() -> None:
    html = Bench(SCREENS["arrived"], "en").html()
    assert "B-07" in html
    assert SCREENS["arrived"].step is not None
    assert str(SCREENS["arrived"].step.cycle_s) not in Page(html).text


def test_a_picture_of_the_plan_is_served_apart_and_can_run_nothing() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    bench = Bench(replace(SCREENS["arrived"], picture=svg))
    html = bench.html()
    assert "alert(1)" not in html
    source = re.search(r'src="(/picture/[0-9a-f]+\.svg)"', html)
    assert source is not None
    answer = bench.client.get(source[1], headers={"Host": "localhost:8470"})
    assert (answer.text, answer.mimetype) == (svg, "image/svg+xml")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert bench.client.get("/picture/0.svg", headers={"Host": "localhost"}).status_code == 404


# --- who may talk to it


@pytest.mark.parametrize("host", ["127.0.0.1:8470", "localhost", "[::1]:8470"])
def test_the_own_browser_may_load_the_page(host: str) -> None:
    assert Bench(SCREENS["idle"]).client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8470", "evil.example:127.0.0.1", "192.168.1.5", "[::2]"]
)
@pytest.mark.parametrize("way", ["/", "/events", "/static/bench.js", "/nothing"])
def test_a_name_that_only_leads_here_is_refused(host: str, way: str) -> None:
    assert Bench(SCREENS["idle"]).client.get(way, headers={"Host": host}).status_code == 421


def test_what_another_page_sends_is_refused_and_goes_nowhere() -> None:
    bench = Bench(SCREENS["arrived"])
    body = {"text": write("command", "DONE"), "source": "touch"}
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8470"):
        assert bench.post("/input", body, Origin=origin) == 403
    assert bench.post("/input", body, Sec_Fetch_Site="cross-site") == 403
    assert bench.post("/input", body, X_Bench_Token="guessed") == 403
    assert bench.post("/language", {"language": "en"}, X_Bench_Token="") == 403
    assert bench.sent == []
    assert bench.feed.current().language == "fr"
    assert bench.post("/input", body) == 204
    assert bench.sent == [(write("command", "DONE"), "touch")]


def test_a_pin_is_handed_on_and_what_is_none_is_refused() -> None:
    bench = Bench(SCREENS["override-pin"])
    assert bench.post("/pin", {"pin": "2407"}) == 204
    for body in ({"pin": "24a7"}, {"pin": ""}, {"pin": "1" * 13}, {"pin": 2407}, {}):
        assert bench.post("/pin", body) == 400
    assert bench.post("/pin", {"pin": "2407"}, X_Bench_Token="guessed") == 403
    assert (bench.pins, bench.sent) == (["2407"], [])


@pytest.mark.parametrize("way", ["/", "/static/bench.css", "/nothing", "/input"])
def test_every_answer_forbids_foreign_content_frames_and_guessing_of_types(way: str) -> None:
    with Bench(SCREENS["idle"]).client.get(way, headers={"Host": "127.0.0.1"}) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "body",
    [
        None, [], {}, {"text": "A"}, {"text": 1, "source": "wedge"}, {"text": "A", "source": "serial"},
        {"text": "é" * 257, "source": "wedge"}, {"quantity": -1}, {"quantity": 1_000_000}, {"quantity": 1.5},
        {"quantity": True}, {"quantity": "12"},
    ],
)  # fmt: skip
def test_what_is_no_scan_and_no_number_is_refused_with_a_plain_word(body: object) -> None:
    bench = Bench(SCREENS["counting"])
    assert bench.post("/input", body) == 400
    assert bench.sent == []


def test_a_body_that_is_too_long_is_refused_before_it_is_read() -> None:
    bench = Bench(SCREENS["counting"])
    assert bench.post("/input", {"text": "A", "source": "wedge", "x": "y" * 5000}) == 413


def test_a_scan_goes_on_as_it_came_also_a_torn_one_and_one_with_separators() -> None:
    bench = Bench(SCREENS["arrived"])
    for text in ("NMD-2648-00058", "", "]C101095011015300031\x1d10AB", "  x "):
        assert bench.post("/input", {"text": text, "source": "wedge"}) == 204
    assert [text for text, way in bench.sent if way == "wedge"] == [
        "NMD-2648-00058",
        "",
        "]C101095011015300031\x1d10AB",
        "  x ",
    ]


def test_a_typed_number_becomes_the_own_code_of_a_quantity() -> None:
    bench = Bench(SCREENS["counting"])
    assert bench.post("/input", {"quantity": 144}) == 204
    assert bench.sent == [(write("quantity", 144), "touch")]


def test_the_language_changes_at_once_and_only_to_one_that_we_have() -> None:
    bench = Bench(SCREENS["arrived"])
    assert bench.post("/language", {"language": "br"}) == 400
    assert bench.post("/language", {"language": "en"}) == 204
    assert "Fit the battery" in bench.html()


# --- how a change goes out


class Stream:
    """A browser's event stream, read by hand."""

    def __init__(self, port: int, way: str = "/events") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.connection.request("GET", way)
        self.answer = self.connection.getresponse()

    def next(self) -> tuple[str, str, str]:
        """The next message: event, id, data."""
        fields: dict[str, list[str]] = {"event": [], "id": [], "data": []}
        while line := self.answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name].append(value)
        return "".join(fields["event"]), "".join(fields["id"]), "\n".join(fields["data"])

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


@pytest.fixture
def served() -> Iterator[tuple[ScreenFeed, LoopbackServer]]:
    feed = ScreenFeed(SCREENS["arrived"])
    with bench_server(feed, port=0) as server:
        yield feed, server


def test_each_change_reaches_the_browser_and_bears_its_version(
    served: tuple[ScreenFeed, LoopbackServer],
) -> None:
    feed, server = served
    stream = Stream(server.port)
    assert [stream.next()[0], stream.next()[0]] == ["boot", "screen"]
    for kept in range(1, 41):
        version = feed.show(replace(SCREENS["arrived"], kept=kept))
        event, id_, html = stream.next()
        assert (event, id_) == ("screen", str(version))
        assert html.startswith('<div id="bench"')
    stream.close()


def test_the_same_screen_again_is_no_change(served: tuple[ScreenFeed, LoopbackServer]) -> None:
    feed, _ = served
    before = feed.current().version
    assert feed.show(replace(SCREENS["arrived"])) == before
    assert feed.show(SCREENS["part-wrong"]) == before + 1


def test_the_stream_gives_a_sign_of_life_while_nothing_changes(
    served: tuple[ScreenFeed, LoopbackServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stations.screen.app.BEAT_S", 0.2)
    monkeypatch.setattr("stations.screen.app.LOOK_S", 0.05)
    stream = Stream(served[1].port)
    assert [stream.next()[0] for _ in range(4)] == ["boot", "screen", "beat", "beat"]
    stream.close()


def test_too_many_pages_do_not_take_the_threads_that_scans_need(served: tuple[ScreenFeed, LoopbackServer]) -> None:
    _, server = served
    streams = [Stream(server.port) for _ in range(MAX_STREAMS)]
    assert [s.answer.status for s in streams] == [200] * MAX_STREAMS
    one_more = Stream(server.port)
    assert one_more.answer.status == 503
    page = Stream(server.port, "/")
    assert page.answer.status == 200
    for stream in (*streams, one_more, page):
        stream.close()


def test_a_page_that_was_closed_gives_its_place_back(served: tuple[ScreenFeed, LoopbackServer]) -> None:
    _, server = served
    for stream in [Stream(server.port) for _ in range(MAX_STREAMS)]:
        stream.next()
        stream.close()

    def there_is_a_place() -> bool:
        stream = Stream(server.port)
        stream.close()
        return stream.answer.status == 200

    wait_for(there_is_a_place, limit_s=10, what="a place for a new page", pause_s=0.2)


def test_the_page_stops_within_seconds_even_while_browsers_listen() -> None:
    server = bench_server(ScreenFeed(SCREENS["arrived"]), port=0).start()
    stream = Stream(server.port)
    stream.next()
    server.close()
    with pytest.raises(OSError):  # noqa: PT011 - refused, reset or closed: the system says
        http.client.HTTPConnection("127.0.0.1", server.port, timeout=2).request("GET", "/")
    stream.close()


def test_a_reader_that_waits_is_woken_by_a_change_and_else_gets_the_old_screen() -> None:
    feed = ScreenFeed(SCREENS["idle"])
    version = feed.current().version
    assert feed.wait(version, 0.01).version == version
    waiting = threading.Thread(target=lambda: got.append(feed.wait(version, 10).screen))
    got: list[Screen] = []
    waiting.start()
    feed.show(SCREENS["arrived"])
    waiting.join(5)
    assert got == [SCREENS["arrived"]]


def test_the_preview_lists_every_state_and_shows_each_as_the_real_page() -> None:
    closing = threading.Event()
    with LoopbackServer(create_preview(the_plan(), closing=closing), port=0, closing=closing) as server:

        def get(way: str) -> str:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
            connection.request("GET", way)
            answer = connection.getresponse()
            assert answer.status == 200, way
            text = answer.read().decode()
            connection.close()
            return text

        listed = re.findall(r'href="((?:fr|en)/[^"]+/)"', get("/"))
        assert len(listed) == len(SCREENS) * len(LANGUAGES)
        for way in listed:
            assert f'data-events="/{way}events"' in get(f"/{way}")


# --- pictures of readings, lamp and beep


@pytest.mark.parametrize(
    ("value", "low", "high", "inside"),
    [
        (0.06, None, 0.1, True), (0.1, None, 0.1, True), (0.23, None, 0.1, False), (120.0, 1.0, None, True),
        (0.2, 1.0, None, False), (230.0, 224.3, 235.7, True), (224.3, 224.3, 235.7, True), (240.0, 224.3, 235.7, False),
        (0.0, 0.0, 0.0, True), (-5.0, None, 0.0, True), (-1.0, -2.0, None, True), (9e99, 1.0, 2.0, False),
    ],
)  # fmt: skip
def test_the_marker_stands_in_the_allowed_part_exactly_when_the_reading_is_allowed(
    value: float, low: float | None, high: float | None, inside: bool
) -> None:
    drawn = gauge(value, low, high)
    assert drawn is not None
    assert drawn.marker is not None
    assert (drawn.ok_from <= drawn.marker <= drawn.ok_to) == inside
    assert 0 <= drawn.ok_from <= drawn.ok_to <= WIDTH
    assert 0 < drawn.marker < WIDTH


def test_no_limit_is_no_picture_and_no_reading_is_no_marker() -> None:
    assert gauge(1.0, None, None) is None
    for value in (None, float("nan"), float("inf")):
        drawn = gauge(value, 0.0, 1.0)
        assert drawn is not None
        assert drawn.marker is None


def test_go_is_high_and_short_stop_is_low_and_twice_kept_is_between_and_wait_is_silent() -> None:
    notes = {tone: [note for note in signal(tone).notes if note.hz] for tone in SIGNALS}
    assert [len(notes[tone]) for tone in ("go", "stop", "kept", "wait")] == [1, 2, 1, 0]
    assert notes["go"][0].hz > notes["kept"][0].hz > notes["stop"][0].hz
    assert max(note.ms for note in notes["go"] + notes["kept"]) < 150


def test_nothing_blinks_but_a_stop_and_a_call_for_help() -> None:
    assert {tone for tone in SIGNALS if signal(tone).blinks} == {"stop"}
    calling = signal_of(replace(SCREENS["arrived"], help_called=True))
    assert (calling.light, calling.blinks) == ("help", True)
    assert calling.notes == signal(SCREENS["arrived"].banner.tone).notes


def test_the_page_gets_the_same_notes_as_the_lamp_s_beep() -> None:
    assert score((Note(262, 220), Note(0, 90))) == "262:220 0:90"
    html = Bench(SCREENS["part-wrong"]).html()
    assert f'data-serial="1" data-sound="{score(signal("stop").notes)}"' in html


# --- what can be read


def contrast(one: str, other: str) -> float:
    """Source: WCAG 2.2, definitions of contrast ratio and relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_and_marks_stand_at_7_to_1_or_more_on_their_ground() -> None:
    css = (ROOT / "stations/screen/static/bench.css").read_text(encoding="utf-8")
    colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css))
    white = "#ffffff"
    pairs = [(colour[name], white) for name in ("go", "stop", "wait", "help", "idle", "ink", "ink-2")]
    pairs += [(colour["ink"], colour[ground]) for ground in ("paper", "amber", "idle-soft", "wait-soft")]
    pairs += [(colour["kept"], colour["kept-soft"]), (colour["stop"], colour["stop-soft"])]
    pairs += [(colour[name], colour["idle-soft"]) for name in ("go", "wait", "idle")]
    pairs += [
        (colour["ink-2"], colour["wait-soft"]),
        (colour["wait"], colour["wait-soft"]),
        (colour["ink-2"], colour["paper"]),
    ]
    assert [(pair, round(contrast(*pair), 2)) for pair in pairs if contrast(*pair) < 7] == []


def test_an_error_is_said_as_data_that_names_what_to_do() -> None:
    answer = Bench(SCREENS["idle"]).client.get("/", headers={"Host": "evil.example"})
    assert json.loads(answer.text)["message"] == "This page is for the station's own browser."


def test_a_server_ends_well_although_a_task_ends_at_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    server = bench_server(ScreenFeed(SCREENS["idle"], "fr"), port=0).start()
    trigger = server._server.trigger
    physical = trigger._physical_pull

    def late() -> None:
        physical()  # of the task: the loop wakes up and closes everything, the trigger as well
        wait_for(lambda: not server._thread.is_alive(), what="the loop has ended")
        physical()

    monkeypatch.setattr(trigger, "_physical_pull", late)
    server.close()
    assert not server._thread.is_alive()
