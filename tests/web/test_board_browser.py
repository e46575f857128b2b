"""The board in a real browser: what is painted, what moves without a reload, and what it says when it may be old."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mes import quality
from tests.server.busy_shop import busy_morning
from tests.server.worlds import Workshop, released_order, wide_plan
from tests.waiting import wait_for
from tests.web.pages import FLAGS, PASSWORD, Office, running_clock

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)  # for a busy machine; nobody waits who need not

ROOT = Path(__file__).resolve().parents[2]
WALL, DESK, PHONE = (1920, 1080), (1280, 800), (390, 844)
EARLY = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One browser for the file; every test has a window of its own."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A workshop after a busy morning."""
    shop = Workshop(f"sqlite:///{tmp_path_factory.mktemp('morning') / 'atelier.db'}", start=EARLY)
    busy_morning(shop)
    yield shop
    shop.close()


@pytest.fixture
def office(morning: Workshop, tmp_path: Path) -> Iterator[Office]:
    """A server with a busy workshop."""
    shop = morning.copied(tmp_path / "busy.db")
    made = Office(shop, clock=running_clock(shop.clock.now))
    yield made
    made.close()
    shop.close()


@pytest.fixture
def url(office: Office) -> Iterator[str]:
    """Its address."""
    with office.served() as address:
        yield address


class Complaints(list[str]):
    """What a page's console says that it should not: errors, and violations of the content policy."""

    def watch(self, page: Page) -> None:
        page.on("console", lambda m: self.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: self.append(str(e)))


@contextmanager
def window(
    browser: Browser, address: str, *, lang: str = "en", size: tuple[int, int] = WALL, office: Office | None = None
) -> Iterator[Page]:
    """A page in a window of its own; at the end its console must have been silent.

    Args:
        office: who is signed in there is signed in here; else nobody is.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale=lang,
        reduced_motion="reduce",
    )
    if office is not None:
        context.add_cookies([{"name": "atelier", "value": office.cookie(), "domain": "127.0.0.1", "path": "/"}])
    page = context.new_page()
    complaints = Complaints()
    complaints.watch(page)
    page.goto(address)
    yield page
    context.close()
    assert complaints == []


@contextmanager
def wall(browser: Browser, url: str, **more: object) -> Iterator[Page]:
    """The board."""
    with window(browser, f"{url}/board", **more) as page:  # type: ignore[arg-type]
        yield page


def connected(office: Office, lang: str = "en") -> None:
    """The page has its socket, and the server has looked once."""
    hub = office.app.extensions["atelier_live"]
    wait_for(lambda: hub.watching(lang) and hub.looked(lang), what="the board is connected")


def cut_off(page: Page) -> list[str]:
    """Parts of the wall that are cut: boxes whose text does not fit, and everything that leaves the screen."""
    found: list[str] = page.evaluate(CUT_OFF)
    return found


# --- what is painted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_wall_is_whole_in_each_language(browser: Browser, office: Office, url: str, lang: str) -> None:
    words = {
        "fr": [
            "En cours",
            "Appel · 2 min",
            "Arrêt",
            "7 gardés",
            "Libre",
            "encore 1 h",
            "7 sur 8",
            "de retard",
        ],
        "en": ["In work", "Call · 2 min", "Stop", "7 kept", "Free", "1 h", "7 of 8", "1 day late"],
    }
    with wall(browser, url, lang=lang) as page:
        connected(office, lang)
        for word in words[lang]:
            expect(page.locator("#board")).to_contain_text(re.compile(word))
        page.evaluate("document.fonts.ready")
        assert page.evaluate("document.fonts.check('16px \"Atkinson Hyperlegible\"')")
        assert cut_off(page) == []
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_who_only_watches_sees_the_wall_without_buttons(browser: Browser, office: Office, url: str) -> None:
    with wall(browser, url) as page:
        connected(office)
        expect(page.locator("#tile-bench-3")).to_have_class(re.compile("s-help"))
        expect(page.get_by_role("button")).to_have_count(0)
        assert cut_off(page) == []
        if os.environ.get("ATELIER_SHOTS") == "1":  # the picture in the README
            page.screenshot(path=ROOT / "docs" / "board.png")


def test_the_wall_is_the_same_picture_on_a_smaller_screen(browser: Browser, url: str) -> None:
    with wall(browser, url, size=DESK) as page:
        assert cut_off(page) == []
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_on_a_phone_everything_stands_below_each_other_and_nothing_is_wider_than_the_screen(
    browser: Browser, url: str
) -> None:
    with wall(browser, url, size=PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        expect(page.locator("#tile-pack-2")).to_be_visible()
        page.locator(".chip", has_text="Stop").click()
        expect(page.locator("#tile-bench-4")).to_be_in_viewport()


def test_a_wall_without_a_plan_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with server(tmp_path / "empty.db") as url, wall(browser, url) as page:
        expect(page.get_by_text("No plan is published yet.")).to_be_visible()
        expect(page.get_by_text("mes plan publish")).to_be_visible()


def test_what_does_not_fit_is_counted_and_never_cut_off(browser: Browser, tmp_path: Path) -> None:
    shop = Workshop(f"sqlite:///{tmp_path / 'wide.db'}", wide_plan(60), start=EARLY)
    for i in range(12):
        released_order(shop, quantity=2, order=f"OF-{i:02}")
    shop.sign_in("a-54")
    shop.call("a-54")
    office = Office(shop)
    with office.served() as url, wall(browser, url) as page:
        hidden = page.locator("#orders .order[hidden]").count()
        assert hidden > 0
        expect(page.locator("#orders .more")).to_have_text(f"+{hidden} more")
        gone = page.locator(".tile[hidden]").count()
        assert gone > 0
        assert sum(int(t[1:-5]) for t in page.locator(".gone").all_inner_texts()) == gone
        expect(page.locator("#tile-a-54")).to_be_visible()  # who calls for help does not give way
        assert cut_off(page) == []
    office.close()
    shop.close()


def test_no_sentence_of_a_stop_is_cut_off(browser: Browser, office: Office, url: str) -> None:
    serial = office.shop.units("OF-2026-125")[0]
    for station in ("bench-2", "bench-5", "bench-8"):
        office.shop.enter(serial, station)
    with wall(browser, url, lang="fr") as page:
        expect(page.locator("#tile-bench-8 .why")).to_have_text("Il manque une étape : Préparez les pièces.")
        assert cut_off(page) == []


# --- what moves -------------------------------------------------------------------------------------------------------


def test_a_change_is_painted_without_a_reload_and_marked(browser: Browser, office: Office, url: str) -> None:
    with wall(browser, url) as page:
        connected(office)
        page.evaluate("window.stayed = true; window.marked = []")
        page.evaluate(WATCH_MARKS)
        bench = office.shop.bench("bench-2")
        office.writer.ingest(bench.batch(bench.event("HelpRequested"))).result(10)
        expect(page.locator("#tile-bench-2")).to_have_class(re.compile("s-help"))
        expect(page.locator("#tile-bench-2 .state")).to_contain_text("Call · < 1 min")
        assert set(page.evaluate("window.marked")) == {"tile-bench-2"}
        assert page.evaluate("window.stayed")


def test_the_office_answers_a_call_and_the_tile_rests(browser: Browser, office: Office, url: str) -> None:
    with wall(browser, url, office=office) as page:
        page.get_by_role("button", name="Somebody went there").click()
        expect(page.locator("#tile-bench-3")).to_have_class(re.compile("s-go"))


def test_minutes_are_counted_by_the_page(browser: Browser, office: Office, url: str) -> None:
    with wall(browser, url) as page:
        connected(office)
        expect(page.locator("#tile-bench-3 .state")).to_contain_text("Call · 2 min")
        page.evaluate("const real = Date.now; Date.now = () => real() + 3_600_000")
        expect(page.locator("#tile-bench-3 .state")).to_contain_text("Call · 1 h 02")


def test_an_order_that_is_decided_elsewhere_moves_on_the_wall(browser: Browser, office: Office, url: str) -> None:
    with wall(browser, url) as page:
        connected(office)
        expect(page.locator("#ncs")).to_contain_text("to decide")
        office.site.do(lambda session, now: quality.decide(session, "NC-2026-0002", "scrap", now=now, why="burnt"))
        expect(page.locator("#ncs")).not_to_contain_text("to decide")
        expect(page.locator("#orders")).to_contain_text("1 scrap")
        expect(page.locator("#tile-bench-4")).not_to_have_class(re.compile("s-stop"))


def test_a_new_plan_changes_the_stations_of_a_wall_that_is_open(browser: Browser, office: Office, url: str) -> None:
    from mes.commands_office import publish_plan

    fewer = office.shop.plan.model_copy(update={"stations": office.shop.plan.stations[:-1]})
    with wall(browser, url) as page:
        connected(office)
        office.site.do(lambda session, now: publish_plan(session, fewer, now=now))
        expect(page.locator("#tile-pack-2")).to_have_count(0)
        expect(page.locator("#tile-pack-1")).to_be_visible()


# --- what heals -------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server(database: Path, port: int | None = None) -> Iterator[str]:
    """The server as it runs in the workshop, in a process of its own."""
    port = port or free_port()
    command = [
        sys.executable, "-c", "from web.serve import serve; serve()", "--port", str(port),
        "--database", f"sqlite:///{database}", "--threads", "16",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    url = f"http://127.0.0.1:{port}"

    def up() -> bool:
        assert process.poll() is None, "the server ended"
        try:
            with urlopen(f"{url}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        wait_for(up, limit_s=30, what="the server answers")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # a power cut: nothing on the wall may depend on a good-bye
        process.wait(10)


def test_after_an_outage_the_wall_is_whole_again_by_itself(browser: Browser, morning: Workshop, tmp_path: Path) -> None:
    shop = morning.copied(tmp_path / "busy.db")
    port = free_port()
    with server(tmp_path / "busy.db", port) as url:
        context = browser.new_context(locale="en")
        page = context.new_page()
        page.goto(f"{url}/board")
        expect(page.locator("#tile-bench-2 .unit")).to_be_visible()
        page.evaluate("window.stayed = true")
    shop.call("bench-2")  # while the server is gone
    with server(tmp_path / "busy.db", port):
        expect(page.locator("#tile-bench-2 .state")).to_contain_text("Call")
        assert page.evaluate("window.stayed")
        shop.call("bench-5")  # another process's commit, pushed over the new socket or fetched
        expect(page.locator("#tile-bench-5 .state")).to_contain_text("Call")
    context.close()
    shop.close()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_on_a_phone_the_board_is_not_wider_than_the_phone(
    browser: Browser, morning: Workshop, tmp_path: Path, language: str
) -> None:
    shop = morning.copied(tmp_path / "busy.db")
    with server(tmp_path / "busy.db") as url:
        context = browser.new_context(locale=language, viewport={"width": PHONE[0], "height": PHONE[1]})
        page = context.new_page()
        page.goto(f"{url}/board")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        context.close()
    shop.close()


def test_a_wall_whose_server_is_gone_says_since_when(browser: Browser, morning: Workshop, tmp_path: Path) -> None:
    shop = morning.copied(tmp_path / "busy.db")
    with server(tmp_path / "busy.db") as url:
        context = browser.new_context(locale="en", viewport={"width": WALL[0], "height": WALL[1]})
        page = context.new_page()
        page.goto(f"{url}/board")
        expect(page.locator("#fresh")).to_have_text("up to date")
    page.evaluate("const real = performance.now.bind(performance); performance.now = () => real() + 20_000")
    expect(page.locator("#fresh")).to_have_text(re.compile(r"stale since \d\d:\d\d"))
    expect(page.locator("body")).to_have_class(re.compile("stale"))
    assert cut_off(page) == []
    corner, head = page.locator(".corner").bounding_box(), page.locator("#attention").bounding_box()
    assert corner is not None
    assert head is not None
    assert head["x"] + head["width"] <= corner["x"]
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    shop.close()


def test_a_push_that_went_missing_is_noticed_at_the_next_one(browser: Browser, office: Office, url: str) -> None:
    with wall(browser, url) as page:
        connected(office)
        hub = office.app.extensions["atelier_live"]
        emit: Callable[..., None] = hub.socketio.emit
        hub.socketio.emit = lambda *_args, **_more: None
        bench = office.shop.bench("bench-2")
        office.writer.ingest(bench.batch(bench.event("HelpRequested"))).result(10)
        before = hub._sent["en"].cursor
        wait_for(lambda: hub._sent["en"].cursor >= before, what="the push is drawn, and lost")
        wait_for(lambda: "tile s-help" in hub._sent["en"].parts["tile-bench-2"], what="the push is drawn, and lost")
        hub.socketio.emit = emit
        office.writer.ingest(bench.batch(bench.event("HelpAnswered"))).result(10)
        other = office.shop.bench("bench-5")
        office.writer.ingest(other.batch(other.event("HelpRequested"))).result(10)
        expect(page.locator("#tile-bench-5 .state")).to_contain_text("Call")
        expect(page.locator("#tile-bench-2 .state")).to_contain_text("In work")


def test_a_wall_that_is_turned_away_lives_on_fetching(
    browser: Browser, office: Office, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office.app.extensions["atelier_live"], "_most", 0)
    with wall(browser, url) as page:
        office.shop.call("bench-2")
        expect(page.locator("#tile-bench-2 .state")).to_contain_text("Call")


# --- the office -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [WALL, DESK, PHONE], ids=["wall", "desk", "phone"])
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_no_office_page_is_wider_than_its_screen(
    browser: Browser, office: Office, url: str, lang: str, size: tuple[int, int]
) -> None:
    paths = (
        "/orders",
        "/orders/new",
        "/order/OF-2026-118",
        "/quality",
        "/quality/nc/NC-2026-0002",
        "/quality/quarantine",
        "/account",
        "/accounts",
        f"/accounts/{office.account('chief')}",
        "/audit",
    )
    for path in paths:
        with window(browser, f"{url}{path}", lang=lang, size=size, office=office) as page:
            assert page.url == f"{url}{path}"
            expect(page.locator("html")).to_have_attribute("lang", lang)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_an_order_goes_from_the_form_to_the_wall(browser: Browser, office: Office, url: str) -> None:
    with window(browser, f"{url}/orders/new", size=DESK, office=office) as page:
        page.get_by_label("Order number").fill("OF-2026-777")
        page.get_by_label("Product").select_option("NOMAD-1000")
        page.get_by_label("Quantity").fill("5")
        page.get_by_label("Due").fill((office.site.clock() + timedelta(days=1)).date().isoformat())
        page.get_by_role("button", name="Create the order").click()
        expect(page.get_by_role("status")).to_contain_text("Order OF-2026-777 is planned.")
        page.get_by_role("button", name="Release").click()
        expect(page.get_by_role("status")).to_contain_text("OF-2026-777: The floor may begin.")
        page.goto(f"{url}/board")
        expect(page.locator("#orders")).to_contain_text("OF-2026-777")


def test_somebody_signs_in_with_the_keyboard_alone_and_comes_back_to_the_page_that_was_asked_for(
    browser: Browser, office: Office, url: str
) -> None:
    office.account("lea", "planner")
    with window(browser, f"{url}/orders/new", size=DESK) as page:
        expect(page.get_by_label("User name")).to_be_focused()
        page.keyboard.type("lea")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_label("Order number")).to_be_visible()
        assert page.url == f"{url}/orders/new"


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_sign_in_page_fits_its_screen(browser: Browser, url: str, lang: str, size: tuple[int, int]) -> None:
    with window(browser, f"{url}/login", lang=lang, size=size) as page:
        expect(page.locator("html")).to_have_attribute("lang", lang)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_nonconformity_is_decided_with_the_keyboard_alone(browser: Browser, office: Office, url: str) -> None:
    with window(browser, f"{url}/quality/nc/NC-2026-0002", size=DESK, office=office) as page:
        page.get_by_label("Rework: back to this step").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        for _each in range(4):
            if not page.get_by_label("Scrap", exact=True).is_checked():
                page.keyboard.press("ArrowDown")
        expect(page.get_by_label("Scrap", exact=True)).to_be_checked()
        page.get_by_label("Reason (needed for scrap)").focus()
        page.keyboard.type("burnt")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Decided: NC-2026-0002.")


def test_contrast_of_every_text_on_the_wall_is_seven_to_one(browser: Browser, office: Office, url: str) -> None:
    with wall(browser, url) as page:
        weak: list[str] = page.evaluate(CONTRAST)
        assert weak == []


CUT_OFF = """() => {
  const boxes = '.tile .in, .tile .in > *, .panel li, .panel ul, .orders ul, .order, .attention, .lines';
  const cut = (el) => {
    const r = el.getBoundingClientRect();
    return el.scrollHeight > el.clientHeight + 2 || el.scrollWidth > el.clientWidth + 2
      || r.bottom > innerHeight || r.right > innerWidth;
  };
  return [...document.querySelectorAll(boxes)].filter((el) => !el.closest('[hidden]') && cut(el))
    .map((el) => `${(el.closest('[id]') || el).id} ${el.className}: ${el.textContent.trim().slice(0, 40)}`);
}"""

WATCH_MARKS = """() => { new MutationObserver((all) => {
  for (const m of all) if (m.target.classList.contains('changed')) window.marked.push(m.target.id);
}).observe(document.body, { subtree: true, attributeFilter: ['class'] }); }"""

CONTRAST = """() => {
  const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
  const part = (v) => (v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
  const ground = (el) => {
    for (; el; el = el.parentElement) {
      const c = rgb(getComputedStyle(el).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [0, 0, 0];
  };
  const weak = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const el = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || !el.getClientRects().length || el.closest('noscript, script')) continue;
    const pair = [light(rgb(getComputedStyle(el).color)), light(ground(el))];
    const ratio = (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
    if (ratio < 7) weak.push(ratio.toFixed(1) + ' ' + text);
  }
  return weak;
}"""
