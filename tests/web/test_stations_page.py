"""The page of the stations: an invitation that is shown once, a PC that is shut out, an alarm that is seen to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import zxingcpp
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import select

from mes import codes, enrolment, keys, wire
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Ledger
from mes.domain.invitation import Invitation, fingerprint, read_invitation
from mes.tls import Files, make
from tests.server.bench import START
from tests.web.pages import FLAGS, Office, text_of
from tests.web.test_people_pages import pixels

STREAM = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def pin(office: Office, tmp_path: Path) -> str:
    """The office's server has certificates of its own; the fingerprint of its authority."""
    files = Files(tmp_path / "tls")
    make(files, ["atelier.lan"], now=START)
    office.site.authority = files.authority.read_text("ascii")
    office.site.do(lambda session, now: enrolment.note_address(session, "https://atelier.lan:8321"))
    return fingerprint(office.site.authority)


def invited(office: Office, station: str = "bench-1") -> Invitation:
    """The invitation that the page shows when one is asked for."""
    html = office.post("/stations", "/stations/invite", station=station).text
    found = re.search(r"mes station enroll [^<]*<b>([^<]+)</b>", html)
    assert found is not None
    read = read_invitation(unescape(found[1]))
    assert read is not None
    return read


def let_in(office: Office, code: str, machine: str = "pc-1") -> wire.EnrollReply | None:
    asked = wire.EnrollRequest(code=code, machine_id=machine, stream_id=STREAM)
    return office.site.do(lambda session, now: enrolment.enroll(session, asked, now=now))


def row_of(office: Office, station: str = "bench-1") -> str:
    """What the page says of a station."""
    rows = re.findall(r"<tr>.*?</tr>", office.get("/stations"), re.DOTALL)
    return text_of(next(row for row in rows if f">{station}<" in row))


def kinds(office: Office) -> list[tuple[str, str | None]]:
    """What happened to stations, and who did it."""
    with reading(office.shop.engine) as session:
        wanted = select(Ledger.kind, Ledger.operator).where(Ledger.kind.like("Station%")).order_by(Ledger.n)
        return [(kind, who) for kind, who in session.execute(wanted)]


def test_every_station_is_listed_in_the_order_of_its_line(office: Office) -> None:
    found = re.findall(r'<small class="nowrap">((?:bench|pack)-\d)</small>', office.get("/stations"))
    plan = office.shop.plan
    lines = [line.id for line in plan.plant.lines]
    assert found == [s.id for s in sorted(plan.stations, key=lambda s: (lines.index(s.line), s.place, s.id))]
    assert "none yet" in row_of(office)


def test_an_invitation_lets_one_pc_in_and_is_shown_once(office: Office) -> None:
    invitation = invited(office)
    assert invitation.url == ""
    assert "a code waits until" in row_of(office)
    assert invitation.code not in office.get("/stations")
    assert let_in(office, invitation.code) is not None
    assert let_in(office, invitation.code, "pc-2") is None
    assert "let in since 2026-" in row_of(office)


def test_with_certificates_the_invitation_says_whom_to_believe(office: Office, pin: str) -> None:
    invitation = invited(office)
    assert (invitation.url, invitation.fingerprint) == ("https://atelier.lan:8321", pin)
    assert let_in(office, invitation.code) is not None


def test_no_cookie_carries_the_code(office: Office) -> None:
    invitation = invited(office)
    assert invitation.code not in office.cookie()


@pytest.mark.parametrize("station", ["", "nowhere", "x" * 5_000, "é"])
def test_a_station_that_there_is_not_gets_no_code(office: Office, station: str) -> None:
    html = office.post("/stations", "/stations/invite", station=station).text
    assert "mes station enroll" not in html
    assert "unknown" in text_of(html)


def test_a_pc_that_is_shut_out_has_no_key_and_no_code(office: Office, tmp_path: Path) -> None:
    reply = let_in(office, invited(office).code)
    assert reply is not None
    waiting = invited(office).code
    for said in ("is shut out", "No computer was let in"):  # twice
        assert said in text_of(office.post("/stations", "/stations/revoke", station="bench-1").text)
    with reading(office.shop.engine) as session:
        assert keys.standing(session, keys.digest(reply.token)) is None
    assert let_in(office, waiting) is None
    assert "none yet" in row_of(office)
    told = kinds(office)
    assert [kind for kind, _ in told] == ["StationInvited", "StationEnrolled", "StationInvited", "StationRevoked"]
    assert all(who is not None for kind, who in told if kind != "StationEnrolled")
    assert verify_engine(office.shop.engine, tmp_path)[1] == []


def test_a_key_that_was_just_used_is_dead_at_once(office: Office) -> None:
    reply = let_in(office, invited(office).code)
    assert reply is not None
    headers = {"Authorization": f"Bearer {reply.token}"}
    assert office.anybody.get("/api/v1/plan", headers=headers).status_code == 200
    office.post("/stations", "/stations/revoke", station="bench-1")
    assert office.anybody.get("/api/v1/plan", headers=headers).status_code == 401


def test_an_alarm_stands_until_somebody_has_seen_to_it(office: Office, tmp_path: Path) -> None:
    with writing(office.shop.engine) as session:
        keys.raise_alarm(session, "bench-1", "machine", "pc-9", now=office.shop.clock.now)
    assert "key used by another computer" in row_of(office)
    for _twice in range(2):
        office.post("/stations", "/stations/alarm", station="bench-1")
    assert "key used" not in row_of(office)
    assert [kind for kind, _ in kinds(office)] == ["StationAlarm", "StationAlarmEnded"]
    assert verify_engine(office.shop.engine, tmp_path)[1] == []


def test_a_supervisor_sees_the_stations_and_lets_nobody_in(office: Office) -> None:
    office.client = office.signed_in("nadia", "supervisor")
    html = office.get("/stations")
    assert "/stations/invite" not in html
    assert "/stations/revoke" not in html
    assert "/stations" in re.findall(r'href="([^"]+)"', office.get("/orders"))


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One browser for the file."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield started
        started.close()


def window(browser: Browser, office: Office, address: str, lang: str, width: int) -> tuple[Page, list[str]]:
    """The page as the one in the office sees it, and what the browser complains of."""
    context = browser.new_context(locale=lang, viewport={"width": width, "height": 900})
    context.add_cookies([{"name": "atelier", "value": office.cookie(), "url": address}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/stations")
    return page, complaints


@pytest.mark.browser
@pytest.mark.parametrize(("lang", "width"), [("fr", 1280), ("en", 1280), ("fr", 390)])
def test_the_code_on_the_screen_can_be_scanned_and_the_way_out_asks_first(
    browser: Browser, office: Office, pin: str, lang: str, width: int
) -> None:
    with office.served() as address:
        page, complaints = window(browser, office, address, lang, width)
        page.locator("tr", has_text="bench-1").get_by_role("button").click()
        shown = page.locator(".invitation b").inner_text()
        assert scanned(page) == shown
        invitation = read_invitation(shown)
        assert invitation is not None
        assert let_in(office, invitation.code) is not None
        page.goto(f"{address}/stations")
        row = page.locator("tr", has_text="bench-1")
        out = row.locator("details button")
        expect(out).to_be_hidden()
        row.locator("summary").click()
        out.click()
        expect(page.locator(".said.go")).to_be_visible()
        page.wait_for_load_state()  # with its style sheets
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs out of the page"
        assert complaints == []
        page.context.close()


def scanned(page: Page) -> str:
    """What a scanner reads of the QR code on the page."""
    drawing = page.locator(".invitation .qr")
    width, height = map(int, str(drawing.get_attribute("viewBox")).split()[2:])
    shape = codes.Shape(width, height, str(drawing.locator("path").get_attribute("d")))
    [found] = zxingcpp.read_barcodes(pixels(shape, scale=4, high=4))
    return found.text
