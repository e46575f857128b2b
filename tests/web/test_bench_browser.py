"""The bench page in a real browser: what a scan, a touch and a key do, what a pushed change paints, and what fits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from mes.domain.barcode import write
from mes.domain.reasons import sentence
from mes.domain.route import Plan
from mes.i18n import LANGUAGES
from mes.plan import read_plan
from stations.screen.preview import create_preview
from stations.screen.samples import samples
from stations.screen.server import LoopbackServer, bench_server
from stations.screen.source import ScreenFeed, Way
from stations.signal import score, signal
from stations.view import Banner
from tests.waiting import wait_for

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)  # for a busy machine; nobody waits who need not

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
DONE = write("command", "DONE")

# Stand in for the loudspeaker and the voice of a PC, which a test machine lacks; the page's own code runs unchanged.
EARS = """
window.heard = []; window.spoken = [];
window.AudioContext = class {
  state = "running"; currentTime = 0; destination = {};
  resume() {}
  createOscillator() {
    const tone = { frequency: {}, connect: (next) => next, stop() {} };
    tone.start = () => window.heard.push(tone.frequency.value);
    return tone;
  }
  createGain() {
    return { gain: { setValueAtTime() {}, linearRampToValueAtTime() {} }, connect: (next) => next };
  }
};
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
Object.defineProperty(window, "speechSynthesis", { value: {
  getVoices: () => [{ lang: "fr-FR" }, { lang: "en-GB" }], addEventListener() {}, cancel() {},
  speak: (said) => window.spoken.push([said.text, said.lang, said.voice.lang]),
} });
"""


def the_plan() -> Plan:
    plan = read_plan(ROOT / "config")
    assert isinstance(plan, Plan)
    return plan


SCREENS = dict(samples(the_plan(), datetime.now(UTC)))


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of the bench's size. Whatever it complains of fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    opened = context.new_page()
    opened.add_init_script(EARS)
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "ERR_CONNECTION" not in message.text:
            complaints.append(message.text)

    opened.on("console", note)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


class Bench:
    """A served bench page, and what came back from it."""

    def __init__(self, name: str, language: str = "en", port: int = 0) -> None:
        self.sent: list[tuple[str, Way]] = []
        self.pins: list[str] = []
        self.feed = ScreenFeed(
            SCREENS[name],
            language,
            on_input=lambda text, source: self.sent.append((text, source)),
            on_pin=self.pins.append,
        )
        self.server = bench_server(self.feed, port=port).start()

    def open(self, page: Page) -> None:
        page.goto(self.server.url)
        # The stream is up once a push arrives: only then do scans and pushes of a test count.
        shown = self.feed.current().screen
        self.feed.show(replace(shown, kept=shown.kept + 1))
        expect(page.locator("#kept")).to_contain_text(str(shown.kept + 1))

    def got(self, count: int = 1) -> list[tuple[str, Way]]:
        wait_for(lambda: len(self.sent) >= count, what=f"{count} inputs came back, not {self.sent}")
        return self.sent


@pytest.fixture
def bench(page: Page) -> Iterator[Bench]:
    opened = Bench("arrived")
    opened.open(page)
    yield opened
    page.close()  # or what it asks for at this moment ends without an answer, and it complains
    opened.server.close()


# --- the scanner that acts as a keyboard

KEY_S = 0.004


def scan(page: Page, text: str, *, end: str = "Enter") -> None:
    """Type as a scanner does, a few milliseconds a character: by the events' own clock, however slow the machine is."""
    browser = page.context.new_cdp_session(page)
    now = time.time()
    for n, key in enumerate([*text, *([end] if end else [])]):
        code = {"Enter": 13, " ": 32}.get(key, 0)
        what = {"key": key, "text": "\r" if key == "Enter" else key, "timestamp": now + n * KEY_S}
        browser.send("Input.dispatchKeyEvent", {"type": "keyDown", "windowsVirtualKeyCode": code, **what})
        browser.send("Input.dispatchKeyEvent", {"type": "keyUp", "windowsVirtualKeyCode": code, **what})
    browser.detach()


def test_a_scan_is_sent_whole_wherever_the_focus_is(page: Page, bench: Bench) -> None:
    scan(page, "NMD-2648-00058")
    assert bench.got() == [("NMD-2648-00058", "wedge")]
    page.locator("#do-help").focus()
    scan(page, DONE)
    assert bench.got(2)[1:] == [(DONE, "wedge")]


def test_the_enter_of_a_scan_never_presses_the_button_that_has_the_focus(page: Page, bench: Bench) -> None:
    page.locator("#do-done").focus()
    scan(page, "B4 77120")  # the blank would press it too
    assert bench.got() == [("B4 77120", "wedge")]
    scan(page, "B4-77121")
    assert bench.got(2) == [("B4 77120", "wedge"), ("B4-77121", "wedge")]


def test_a_hand_that_types_slowly_is_no_scanner(page: Page, bench: Bench) -> None:
    page.keyboard.type("abcdef", delay=180)
    page.keyboard.press("Enter")
    scan(page, "AFTER-1")
    assert bench.got() == [("AFTER-1", "wedge")]


def test_a_scan_without_its_end_is_told_to_be_torn(page: Page, bench: Bench) -> None:
    scan(page, "NMD-2648-0", end="")
    assert bench.got() == [("", "wedge")]


def test_the_separator_of_gs1_and_capital_letters_survive(page: Page, bench: Bench) -> None:
    page.evaluate(
        """() => {
          const press = (key, more) => dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true, ...more }));
          press("]"); press("Shift"); press("C", { shiftKey: true }); press("1");
          press("Control", { ctrlKey: true }); press("]", { ctrlKey: true });
          press("A"); press("Enter");
        }"""
    )
    assert bench.got() == [("]C1\x1dA", "wedge")]


def test_a_shortcut_of_the_browser_is_no_scan(page: Page, bench: Bench) -> None:
    for key in ("Control+a", "Control+c", "Alt+b", "Control+d"):
        page.keyboard.press(key)
    scan(page, "AFTER-2")
    assert bench.got() == [("AFTER-2", "wedge")]


# --- the hand


def test_a_touched_button_sends_its_own_code_and_a_trembling_second_touch_sends_nothing(
    page: Page, bench: Bench
) -> None:
    page.locator("#do-done").dblclick()
    page.locator("#do-undo").click()
    assert bench.got(2) == [(DONE, "touch"), (write("command", "UNDO"), "touch")]


def test_a_defect_is_chosen_by_its_picture_while_the_answer_stays_in_sight(page: Page, bench: Bench) -> None:
    page.locator("#do-fail").click()
    panel = page.get_by_role("dialog", name="What is wrong?")
    expect(panel).to_be_visible()
    expect(page.locator("#answer")).to_be_in_viewport()
    code, name, _ = SCREENS["arrived"].defects[1]
    panel.get_by_role("button", name=name.en).click()
    assert bench.got() == [(write("defect", code), "touch")]
    expect(panel).to_be_hidden()


def test_the_question_which_defect_shows_the_defects_until_it_is_answered(page: Page, bench: Bench) -> None:
    panel = page.locator("#defects")
    bench.feed.show(replace(SCREENS["which-defect"], banner=Banner("wait", "which_defect", serial=2)))
    expect(panel).to_be_visible()
    scan(page, write("defect", SCREENS["which-defect"].defects[0][0]))
    assert bench.got()[0][1] == "wedge"
    bench.feed.show(replace(SCREENS["inspecting"], banner=Banner("kept", "kept", serial=3)))
    expect(panel).to_be_hidden()


def test_an_open_panel_stays_open_when_something_is_pushed_and_escape_closes_it(page: Page, bench: Bench) -> None:
    page.locator("#do-fail").click()
    bench.feed.show(replace(SCREENS["arrived"], kept=77))
    expect(page.locator("#kept")).to_contain_text("77")
    expect(page.locator("#defects")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#defects")).to_be_hidden()
    expect(page.locator("#title")).to_be_visible()


def test_a_number_is_typed_with_the_finger_and_stays_typed_when_something_is_pushed(page: Page, bench: Bench) -> None:
    bench.feed.show(SCREENS["counting"])
    page.get_by_role("button", name="Type a number").click()
    panel = page.get_by_role("dialog", name="How many?")
    for digit in "1449":
        panel.get_by_role("button", name=digit, exact=True).click()
    bench.feed.show(replace(SCREENS["counting"], kept=78))
    expect(page.locator("#kept")).to_contain_text("78")
    panel.get_by_role("button", name="Erase").click()
    expect(panel.get_by_role("textbox")).to_have_value("144")
    panel.get_by_role("button", name="Send").click()
    assert bench.got() == [(write("quantity", 144), "touch")]


def test_a_supervisor_types_the_pin_with_the_finger_or_the_keyboard_and_it_is_no_scan(page: Page, bench: Bench) -> None:
    due = SCREENS["override-pin"]
    for serial, type_it in ((901, _by_finger), (902, lambda page: page.keyboard.type("2407", delay=60))):
        bench.feed.show(replace(due, banner=replace(due.banner, serial=serial)))
        expect(page.locator("#pin-typed")).to_be_focused()
        expect(page.locator("#pin-typed")).to_have_attribute("type", "password")
        type_it(page)
        page.locator("#pin").get_by_role("button", name="Send").click()
        wait_for(lambda: bench.pins == ["2407"], what=f"the PIN comes back once, not {bench.pins}")
        expect(page.locator("#pin")).to_be_hidden()
        expect(page.locator("#pin-typed")).to_have_value("")
        bench.pins.clear()
    assert bench.sent == []


def _by_finger(page: Page) -> None:
    for digit in "2407":
        page.locator("#pin").get_by_role("button", name=digit, exact=True).click()


def test_the_number_of_a_damaged_label_can_be_typed(page: Page, bench: Bench) -> None:
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("The label cannot be scanned? Type its number.").fill("NMD-2648-00058")
    page.keyboard.press("Enter")
    assert bench.got() == [("NMD-2648-00058", "touch")]


def test_every_button_has_a_function_key_and_a_question_mark_lists_them(page: Page, bench: Bench) -> None:
    page.keyboard.press("F2")
    page.keyboard.press("F1")
    assert bench.got(2) == [(DONE, "touch"), (write("command", "HELP"), "touch")]
    page.keyboard.press("?")
    panel = page.get_by_role("dialog", name="Keys")
    expect(panel).to_be_visible()
    for button in page.locator("#actions button").all():
        expect(panel).to_contain_text(button.get_attribute("data-key") or "no key")
        expect(panel).to_contain_text(button.inner_text())


def test_a_question_mark_inside_a_scan_lists_no_keys(page: Page, bench: Bench) -> None:
    scan(page, "https://x.example/?a=1")
    bench.got()
    expect(page.locator("#keys")).to_be_hidden()


def test_the_language_is_changed_by_a_touch_and_by_a_key(page: Page, bench: Bench) -> None:
    step = SCREENS["arrived"].step
    assert step is not None
    page.get_by_role("button", name="Français").click()
    expect(page.locator("h1")).to_have_text(step.name.fr)
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.keyboard.press("F10")
    expect(page.locator("h1")).to_have_text(step.name.en)


# --- what is pushed


def test_a_new_answer_is_painted_announced_and_sounds_once(page: Page, bench: Bench) -> None:
    page.evaluate(
        """() => {
          window.announced = [];
          new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) =>
            node.textContent.trim() && window.announced.push(node.textContent.replace(/\\s+/g, " ").trim())
          ))).observe(document.getElementById("answer"), { childList: true });
        }"""
    )
    wrong = SCREENS["part-wrong"]
    bench.feed.show(replace(wrong, banner=replace(wrong.banner, serial=5)))
    alert = page.get_by_role("alert").filter(visible=True)
    expect(alert).to_contain_text(sentence(wrong.banner.reason, wrong.banner.args, "en")[0])
    expect(alert).to_have_attribute("aria-live", "assertive")
    expect(page.locator("#verdict")).to_have_class("stop")
    assert [note for note in page.evaluate("heard") if note] == [n.hz for n in signal("stop").notes if n.hz]
    bench.feed.show(replace(wrong, banner=replace(wrong.banner, serial=5), kept=3))
    expect(page.locator("#kept")).to_contain_text("3 kept")
    assert len(page.evaluate("heard")) == 2, "a change that is no new answer makes no sound"
    bench.feed.show(replace(wrong, banner=replace(wrong.banner, serial=6), kept=3))
    wait_for(lambda: len(page.evaluate("heard")) == 4, what="the same answer again sounds again")
    assert len(page.evaluate("announced")) == 2, "and is announced again"


def test_the_answer_that_was_there_before_the_page_makes_no_sound(page: Page, bench: Bench) -> None:
    page.reload()
    bench.feed.show(replace(SCREENS["arrived"], kept=9))
    expect(page.locator("#kept")).to_contain_text("9 kept")
    assert page.evaluate("heard") == []


def test_a_change_is_on_the_screen_within_100_ms(page: Page, bench: Bench) -> None:
    page.evaluate(
        """() => { window.painted = {}; new MutationObserver(() => {
             const serial = document.querySelector("[data-serial]").dataset.serial;
             requestAnimationFrame(() => { window.painted[serial] ??= Date.now(); });
           }).observe(document.getElementById("answer"), { childList: true, subtree: true, characterData: true }); }"""
    )
    delays = []
    for serial in range(10, 30):
        begun = datetime.now(UTC).timestamp() * 1000
        name = "part-wrong" if serial % 2 else "part-good"
        bench.feed.show(replace(SCREENS[name], banner=replace(SCREENS[name].banner, serial=serial)))
        delays.append(wait_for(lambda n=serial: page.evaluate(f"window.painted[{n}]")) - begun)  # type: ignore[misc]
    assert sorted(delays)[len(delays) // 2] < 100, delays


def test_the_focus_stays_on_its_button_when_the_page_changes(page: Page, bench: Bench) -> None:
    page.locator("#do-help").focus()
    bench.feed.show(SCREENS["part-wrong"])
    expect(page.locator("#verdict")).to_have_class("stop")
    expect(page.locator("#do-help")).to_be_focused()


def test_the_step_and_the_answer_are_read_aloud_in_the_person_s_language(page: Page, bench: Bench) -> None:
    step = SCREENS["arrived"].step
    assert step is not None
    page.get_by_role("button", name="Listen", exact=True).click()
    page.get_by_role("button", name="Listen to the answer").click()
    (said, language, voice), (answer, _, _) = page.evaluate("spoken")
    assert all(line in said for line in step.instruction.en)
    assert (language, voice) == ("en", "en-GB")
    assert sentence("unit_arrived", SCREENS["arrived"].banner.args, "en")[0] in answer


def test_a_computer_without_a_voice_offers_none(page: Page, bench: Bench) -> None:
    page.add_init_script("speechSynthesis.getVoices = () => []")
    page.reload()
    expect(page.locator("#say-step")).to_be_hidden()


def test_a_lost_station_covers_the_page_and_says_so_and_its_return_loads_the_page_again(page: Page) -> None:
    first = Bench("arrived")
    first.open(page)
    port = first.server.port
    first.server.close()
    lost = page.locator("#lost")
    expect(lost).to_be_visible()
    expect(lost).to_contain_text("Connection to the station lost.")
    assert page.evaluate("heard.length") == 2
    again = Bench("part-wrong", port=port)
    expect(page.locator("#verdict")).to_have_class("stop")
    expect(lost).to_be_hidden()
    page.locator("#do-done").click()
    assert again.got() == [(DONE, "touch")], "the page has the new station's token"
    again.server.close()


# --- what fits, and who can use it

FITS = """() => {
  const wrong = [], root = document.documentElement, wide = innerWidth, high = innerHeight, phone = wide < 700;
  if (root.scrollWidth > wide) wrong.push(`the page is ${root.scrollWidth} wide`);
  if (!phone && root.scrollHeight > high) wrong.push(`the page is ${root.scrollHeight} high`);
  for (const e of document.querySelectorAll("#bench *")) {
    if (e.closest("dialog, svg, .sr, [hidden]")) continue;
    const box = e.getBoundingClientRect(), name = `${e.tagName}#${e.id}.${e.className}`;
    if (!box.width) continue;
    if (box.left < -1 || box.right > wide + 1) wrong.push(`${name} leaves the page`);
    const block = getComputedStyle(e).display !== "inline" && e.tagName !== "IMG";
    if (block && e.scrollWidth > e.clientWidth + 1) wrong.push(`${name} is cut`);
    const whole = !phone && e.matches(".step, #card, #verdict, #top");
    if (whole && e.scrollHeight > e.clientHeight + 1) wrong.push(`${name} has to be scrolled`);
  }
  return wrong;
}"""

USABLE = """() => {
  const wrong = [], all = (what) => [...document.querySelectorAll(what)];
  const text = (id) => document.getElementById(id)?.textContent.trim();
  for (const e of all("button")) {
    const name = (e.getAttribute("aria-label") ?? e.textContent).trim(), box = e.getBoundingClientRect();
    if (!name) wrong.push(`a button without a name: ${e.outerHTML.slice(0, 80)}`);
    if (box.width && (box.width < 44 || box.height < 44)) wrong.push(`${name}: ${box.width}×${box.height} to touch`);
  }
  for (const e of all("input")) if (!e.labels.length) wrong.push(`an input without a label: ${e.id}`);
  for (const e of all("img:not([alt])")) wrong.push(`a picture without a text: ${e.src}`);
  for (const e of all("svg:not([aria-hidden=true])")) wrong.push(`a mark that is read out: ${e.outerHTML}`);
  for (const e of all("[aria-labelledby]"))
    if (!text(e.getAttribute("aria-labelledby"))) wrong.push(`labelled by nothing: ${e.id}`);
  for (const e of all("dialog:not([aria-labelledby])")) wrong.push(`a panel without a name: ${e.id}`);
  if (all("h1").length !== 1) wrong.push("the page has not one title");
  return wrong;
}"""


@pytest.fixture(scope="module")
def preview() -> Iterator[str]:
    closing = threading.Event()
    with LoopbackServer(create_preview(the_plan(), closing=closing), port=0, closing=closing) as server:
        yield server.url


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1024, 768), (390, 844)])
def test_every_state_fits_and_can_be_used(page: Page, preview: str, width: int, height: int, language: str) -> None:
    page.set_viewport_size({"width": width, "height": height})
    wrong = {}
    for name in SCREENS:
        page.goto(f"{preview}{language}/{name}/")
        page.evaluate("document.fonts.ready.then(() => true)")
        found = [*page.evaluate(FITS), *page.evaluate(USABLE)]
        if name == "all-at-once":  # four troubles together take the height of the work: there it may be scrolled
            found = [what for what in found if "has to be scrolled" not in what]
        if found:
            wrong[name] = found
    assert wrong == {}


def test_the_focus_can_be_seen_on_every_button_that_tab_reaches(page: Page, bench: Bench) -> None:
    seen = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
              const e = document.activeElement;
              return [e.id || e.tagName, getComputedStyle(e).outlineWidth];
            }"""
        )
        if name in seen or name == "BODY":
            break
        seen.add(name)
        assert outline == "4px", name
    assert {"language-fr", "open-keys", "say-step", "say-verdict", "do-done", "do-help"} <= seen


def test_nothing_moves_but_a_stop_and_a_call_for_help(browser: Browser, preview: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    for name, screen in SCREENS.items():
        page.goto(f"{preview}en/{name}/")
        moving = page.evaluate(
            "document.getAnimations().map((a) => a.animationName + ' ' + a.effect.getTiming().iterations)"
        )
        expected = screen.banner.tone == "stop" or screen.help_called
        assert (moving != []) == expected, (name, moving)
    context.close()


def test_the_notes_are_in_the_page_and_not_in_the_script(page: Page, bench: Bench) -> None:
    bench.feed.show(replace(SCREENS["arrived"], banner=Banner("kept", "kept", serial=40)))
    expect(page.locator("[data-serial='40']")).to_have_attribute("data-sound", score(signal("kept").notes))
    wait_for(lambda: page.evaluate("heard") == [n.hz for n in signal("kept").notes], what="the note of kept")
