"""The pages of a nonconformity: reported, set aside, analysed, decided with a signature, verified, closed."""

from __future__ import annotations

import io
import re

import pypdf
import pytest
from werkzeug.test import TestResponse

from mes.db.session import reading
from mes.db.tables import Concession, NcItem, Nonconformity
from tests.server.worlds import released_order
from tests.web.pages import PASSWORD, Office, text_of, token_of

NC = "NC-2026-0001"
PAGE = f"/quality/nc/{NC}"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 20 + b"IEND\xaeB`\x82"


def row(office: Office, nc: str = NC) -> Nonconformity:
    with reading(office.shop.engine) as session:
        found = session.get_one(Nonconformity, nc)
        session.expunge(found)
        return found


def item(office: Office, number: int = 1, nc: str = NC) -> NcItem:
    with reading(office.shop.engine) as session:
        found = session.get_one(NcItem, (nc, number))
        session.expunge(found)
        return found


def report(office: Office, **form: str) -> TestResponse:
    return office.post("/quality/new", "/quality/new", **{"title": "Scratched cover", **form})


def act(office: Office, verb: str, **form: str) -> str:
    return text_of(office.post(PAGE, f"/quality/{verb}", nc=NC, **form).text)


def signed(office: Office, verb: str, **form: str) -> str:
    return act(office, verb, password=PASSWORD, **form)


def upload(office: Office, name: str, content: bytes) -> str:
    data = {"csrf_token": token_of(office.get(PAGE)), "nc": NC, "text": "", "file": (io.BytesIO(content), name)}
    headers = {"Accept-Language": "en", "Referer": "http://localhost/quality"}
    answer = office.client.post("/quality/remark", data=data, headers=headers, follow_redirects=True)
    return text_of(answer.text)


def test_a_person_reports_units_pieces_a_lot_a_delivery_a_process_and_a_complaint_at_once(office: Office) -> None:
    units = released_order(office.shop)[:2]
    said = report(
        office, units="\n".join(units), order="OF-2026-118", pieces="2", part="FUSE-30A", lot="26-098",
        delivery="BL 77", process="soldering", complaint="RMA 12", severity="major", description="All of box 3",
    )  # fmt: skip
    page = text_of(said.text)
    assert f"{NC} is open. What it names is held." in page
    assert [office.shop.unit(u).nc for u in units] == [NC, NC]
    for what in (*units, "× 2", "FUSE-30A 26-098", "BL 77", "soldering", "RMA 12", "major", "All of box 3"):
        assert what in page, what


def test_what_is_missing_in_a_report_is_said_in_a_sentence_and_the_form_keeps_what_was_typed(office: Office) -> None:
    for form, said in (
        ({}, "Say what is concerned"),
        ({"title": " ", "process": "x"}, "Say in a few words"),
        ({"order": "OF-1"}, "Give the order and how many of its pieces"),
        ({"part": "FUSE-30A"}, "Give the part and the number of the lot"),
        ({"units": "NO-SUCH"}, "NO-SUCH"),
    ):
        answer = report(office, **{"requirement": "No scratch", **form})
        assert answer.status_code in (409, 422), form
        assert said in text_of(answer.text)
        assert "No scratch" in answer.text


def test_it_is_set_aside_analysed_decided_closed_and_opened_again(office: Office) -> None:
    report(office, process="soldering")
    assert "Say where it lies." in act(office, "contain", place=" ")
    page = act(office, "contain", place="red shelf 2", labelled="yes")
    assert "red shelf 2 · carries the red label" in page
    assert "Cause: cold joint" in act(office, "analyse", cause="cold joint")
    assert "soldering is not decided." in text_of(office.get(PAGE))
    page = signed(office, "decide", disposition="rework", why="again")
    assert "rework Chief" in page
    act(office, "treat", item="1", note="done")
    assert "Say by which record" in act(office, "verify", item="1", result="passed", evidence=" ")
    assert "Nothing stands against it." in act(office, "verify", item="1", result="passed", evidence="test 7")
    assert "Closed: NC-2026-0001." in signed(office, "close")
    assert "Open again" in act(office, "reopen", why="came back")
    assert row(office).state == "decided"


def test_a_decision_a_concession_an_end_count_only_with_the_own_password(office: Office) -> None:
    report(office, process="soldering")
    bounds = {"scope": "up to 1 cm", "count": "1", "until": "2027-01-31"}
    for verb, form in (
        ("decide", {"disposition": "not_confirmed"}),
        ("concede", bounds),
        ("cancel", {"why": "by mistake"}),
        ("close", {}),
    ):
        for password in ("", "wrong words here"):
            assert "password" in act(office, verb, password=password, **form), verb
    assert (row(office).state, item(office).disposition) == ("open", None)


def test_one_decision_on_several_lines_or_a_decision_for_each(office: Office) -> None:
    first, second = released_order(office.shop)[:2]
    report(office, units=f"{first}, {second}")
    assert "Tick at least one line" in signed(office, "decide", disposition="scrap", why="burnt")
    assert "Say why it is scrap." in signed(office, "decide", disposition="scrap", item="1")
    signed(office, "decide", disposition="scrap", item="1", why="burnt")
    signed(office, "decide", disposition="rework", item="2")
    assert [item(office, n).disposition for n in (1, 2)] == ["scrap", "rework"]
    assert (office.shop.unit(first).state, office.shop.unit(second).nc) == ("scrapped", None)
    assert "is in treatment" in text_of(office.get(PAGE))


def test_use_as_is_stands_on_a_concession_with_scope_count_and_last_day(office: Office) -> None:
    released_order(office.shop)
    report(office, order="OF-2026-118", pieces="3")
    assert "Use as is needs a concession." in signed(office, "decide", disposition="use_as_is")
    assert "Give a date" in signed(office, "concede", scope="x", count="3", until="soon")
    assert "is past" in signed(office, "concede", scope="x", count="3", until="2020-01-01")
    page = signed(office, "concede", scope="scratch below 1 cm", count="3", until="2027-01-31", authority="NOMAD")
    assert "CO-2026-0001 scratch below 1 cm 3 of 3 left" in page
    signed(office, "decide", disposition="use_as_is", concession="CO-2026-0001")
    with reading(office.shop.engine) as session:
        assert session.get_one(Concession, "CO-2026-0001").remaining == 0
    assert item(office).concession == "CO-2026-0001"


def test_a_picture_is_kept_and_comes_as_a_download_and_what_is_no_picture_is_refused(office: Office) -> None:
    report(office, process="soldering")
    assert "crack.png" in upload(office, "../crack.png", PNG)
    answer = office.client.get(f"/quality/file/{NC}/1")
    assert (answer.data, answer.mimetype) == (PNG, "image/png")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    upload(office, "page.png", b"<script>alert(1)</script>")
    upload(office, "nothing.png", b"")
    assert row(office).remarks == 1
    assert office.client.get(f"/quality/file/{NC}/2").status_code == 404


def test_it_is_cancelled_with_a_reason_and_lets_its_unit_go(office: Office) -> None:
    unit = released_order(office.shop)[0]
    report(office, units=unit)
    assert "A reason is needed." in signed(office, "cancel", why=" ")
    assert f"Cancelled: {NC}." in signed(office, "cancel", why="the wrong unit")
    assert office.shop.unit(unit).nc is None


def test_a_duplicate_goes_on_in_the_other_one(office: Office) -> None:
    report(office, process="soldering")
    report(office, process="soldering")
    assert "NC-2026-0099" in act(office, "merge", into="NC-2026-0099")
    assert "goes on in NC-2026-0002" in act(office, "merge", into="NC-2026-0002")
    assert "Goes on in NC-2026-0002" in text_of(office.get(PAGE))


def test_units_that_may_be_alike_are_counted_and_held_by_one_click(office: Office) -> None:
    first, second, third = released_order(office.shop)
    for each in (first, second, third):
        office.shop.bring(each, "battery")
        office.shop.tell(
            "bench-2", "MaterialsInstalled", unit=each, step="battery", part="FUSE-30A", lot="26-098", quantity=2
        )
        office.shop.tell("bench-2", "UnitsDeparted", unit=each, step="battery")
    report(office, units=first)
    page = text_of(office.get(PAGE))
    assert "Others may be alike same component lot" in page
    assert "Hold 2 units" in page
    said = act(office, "alike", why="lot")
    assert "2 units are held." in said
    assert "held as a precaution (same component lot" in said
    assert [office.shop.unit(u).nc for u in (second, third)] == [NC, NC]
    assert f"No other unit is like those of {NC}." in act(office, "alike", why="lot")


def test_scrap_offers_one_more_unit_on_the_order_once(office: Office) -> None:
    unit = released_order(office.shop)[0]
    report(office, units=unit)
    signed(office, "decide", disposition="scrap", why="burnt")
    assert "The order is one unit short." in text_of(office.get(PAGE))
    assert f"One more unit is on the order, in place of {unit}." in act(office, "replace", unit=unit)
    assert len(office.shop.units("OF-2026-118")) == 4
    assert "one unit short" not in text_of(office.get(PAGE))
    assert "is replaced already" in act(office, "replace", unit=unit)
    assert len(office.shop.units("OF-2026-118")) == 4


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_report_for_the_supplier_is_a_tagged_pdf_that_names_no_person(office: Office, lang: str) -> None:
    report(office, part="FUSE-30A", lot="26-098", lot_pieces="100", supplier="Fuses Ltd", requirement="No crack")
    signed(office, "decide", disposition="return", why="cracked")
    answer = office.client.get(f"/quality/supplier/{NC}", headers={"Accept-Language": lang})
    assert answer.headers["Content-Disposition"].startswith("attachment")
    paper = pypdf.PdfReader(io.BytesIO(answer.data))
    said = " ".join(page.extract_text() for page in paper.pages)
    for what in (NC, "Fuses Ltd", "FUSE-30A", "26-098", "100", "No crack", "retour" if lang == "fr" else "return"):
        assert what in said, what
    assert "Chief" not in said
    root = paper.root_object
    assert (root["/Lang"], bool(root["/MarkInfo"]["/Marked"])) == (lang, True)
    report(office, process="soldering")
    assert office.client.get("/quality/supplier/NC-2026-0002").status_code == 404


def test_use_as_is_is_not_offered_for_a_test_of_safety(busy: Office) -> None:
    page = busy.get("/quality/nc/NC-2026-0002")
    assert "No concession lets a unit off a safety test." in text_of(page)
    assert re.search(r'value="use_as_is" disabled', page)


def test_each_role_is_offered_only_what_it_may_do_in_this_state(office: Office) -> None:
    report(office, process="soldering")
    views = {who: office.signed_in(who, who).get(PAGE).text for who in ("planner", "supervisor", "quality", "admin")}
    for verb, who in (
        ("decide", {"supervisor", "quality"}),
        ("contain", {"supervisor", "quality"}),
        ("concede", {"quality"}),
        ("cancel", {"quality"}),
        ("remark", {"planner", "supervisor", "quality"}),
        ("close", set()),
        ("reopen", set()),
    ):
        assert {name for name, page in views.items() if f'action="/quality/{verb}"' in page} == who, verb


def test_the_inbox_knows_what_waits_for_me_and_what_is_overdue(office: Office) -> None:
    report(office, process="soldering")
    assert "Waits for me · 1" in text_of(office.get("/quality"))
    assert NC not in office.get("/quality?show=late")
    office.shop.clock.tick(2 * 86_400)
    office.client = office.signed_in("chief", "quality")
    assert "Overdue · 1" in text_of(office.get("/quality"))
    assert NC in office.get("/quality?show=late")
    signed(office, "contain", place="red shelf")
    assert "Overdue · 0" in text_of(office.get("/quality"))
    planner = office.signed_in("planner", "planner").get("/quality", headers={"Accept-Language": "en"})
    assert "Waits for me · 0" in text_of(planner.text)
