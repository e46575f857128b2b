"""Orders and quality in the office: what is shown, what can be done, and how a refusal reads."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from mes.db.session import reading
from mes.db.tables import Nonconformity, Quarantine, WorkOrder
from tests.server.worlds import released_order
from tests.web.pages import PASSWORD, Office, sign_in, text_of


def row(office: Office, order: str) -> WorkOrder:
    with reading(office.shop.engine) as session:
        found = session.get_one(WorkOrder, order)
        session.expunge(found)
        return found


def nc(office: Office, name: str) -> Nonconformity:
    with reading(office.shop.engine) as session:
        found = session.get_one(Nonconformity, name)
        session.expunge(found)
        return found


# --- the list ---------------------------------------------------------------------------------------------------------


def test_an_empty_list_says_what_to_do(office: Office) -> None:
    assert "There is no order yet. Create one." in text_of(office.get("/orders"))


def test_the_list_shows_progress_and_lateness_the_earliest_due_first(busy: Office) -> None:
    page = text_of(busy.get("/orders"))
    assert page.index("OF-2026-121") < page.index("OF-2026-118") < page.index("OF-2026-125") < page.index("OF-2026-130")
    assert "1,200 × Screw kit, customer B Client B 264 done · 78 in work · 2 scrap Sunday 22 Nov 1 day late" in page


def test_the_address_keeps_filter_and_search(busy: Office) -> None:
    page = text_of(busy.get("/orders?q=118"))
    assert "OF-2026-118" in page
    assert "OF-2026-121" not in page
    assert "No order is called “x%_y”." in text_of(busy.get("/orders?q=x%25_y"))


def test_the_list_is_cut_into_pages(office: Office) -> None:
    for i in range(53):
        released_order(office.shop, "KIT-B", 1, order=f"OF-{i:03}")
    assert "Page 1 of 2" in text_of(office.get("/orders"))
    second = text_of(office.get("/orders?page=2"))
    assert "OF-052" in second
    assert "OF-001" not in second
    assert "Page 1 of 2" in text_of(office.get("/orders?page=x9"))


# --- a new order ------------------------------------------------------------------------------------------------------


def test_the_form_suggests_the_next_number(office: Office) -> None:
    assert 'value="OF-2026-001"' in office.get("/orders/new")


def test_an_order_is_created_as_the_form_says(office: Office) -> None:
    page = office.post(
        "/orders/new", "/orders/new", order="OF-2026-001", product="NOMAD-1000", quantity="60", due="2026-11-27",
        customer="Energie Breizh", note="rouge\nurgent",
    )  # fmt: skip
    assert "Order OF-2026-001 is planned." in text_of(page.text)
    made = row(office, "OF-2026-001")
    assert (made.product, made.quantity, made.due, made.customer) == ("NOMAD-1000", 60, "2026-11-27", "Energie Breizh")
    assert made.state == "planned"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("order", "", "Give a number"),
        ("order", "OF 1/../2", "Give a number"),
        ("product", "NOPE", "Choose a product."),
        ("quantity", "0", "Give a whole number from 1 to 1000000."),
        ("quantity", "12.5", "Give a whole number"),
        ("quantity", "１２", "Give a whole number"),
        ("quantity", "10000000", "Give a whole number"),
        ("due", "27/11/2026", "Give a date"),
        ("due", "2026-02-31", "Give a date"),
        ("customer", "x" * 121, "At most 120 characters."),
    ],
)
def test_a_wrong_field_is_named_and_the_rest_stays(office: Office, field: str, value: str, said: str) -> None:
    form = {"order": "OF-77", "product": "NOMAD-1000", "quantity": "5", "due": "", "customer": "", "note": "keep me"}
    answer = office.post("/orders/new", "/orders/new", **{**form, field: value})
    assert answer.status_code == 422
    assert said in text_of(answer.text)
    assert "keep me" in answer.text or field == "note"
    with reading(office.shop.engine) as session:
        assert session.scalars(select(WorkOrder)).all() == []


def test_a_number_that_is_taken_is_refused_with_a_sentence(busy: Office) -> None:
    answer = busy.post("/orders/new", "/orders/new", order="OF-2026-118", product="NOMAD-1000", quantity="1")
    assert answer.status_code == 409
    assert "Order OF-2026-118 exists already. Choose another number." in text_of(answer.text)


# --- one order --------------------------------------------------------------------------------------------------------


def test_an_order_shows_each_unit_with_its_state_and_step(busy: Office) -> None:
    page = text_of(busy.get("/order/OF-2026-118"))
    assert "24 × NoMad 1000 generator" in page
    assert "NMD-2648-00001 finished" in page
    assert "NMD-2648-00011 held NC-2026-0002 Electrical safety test Electrical safety" in page
    assert "NMD-2648-00024 not begun Prepare the parts Preparation" in page


def test_the_units_can_be_filtered(busy: Office) -> None:
    page = text_of(busy.get("/order/OF-2026-118?show=held"))
    assert "NMD-2648-00011" in page
    assert "NMD-2648-00001" not in page


def test_an_unknown_order_is_not_found(office: Office) -> None:
    assert office.client.get("/order/OF-1").status_code == 404


def test_only_what_can_be_done_now_is_offered(busy: Office) -> None:
    def offered(order: str) -> set[str]:
        return set(re.findall(r'action="/orders/act/(\w+)"', busy.get(f"/order/{order}")))

    assert offered("OF-2026-130") == {"release", "cancel"}
    assert offered("OF-2026-125") == {"hold", "close", "cancel"}
    assert offered("OF-2026-118") == {"hold", "close"}


def test_release_hold_resume_and_cancel_do_what_they_say(busy: Office) -> None:
    def act(verb: str, **form: str) -> str:
        answer = busy.post("/order/OF-2026-130", f"/orders/act/{verb}", order="OF-2026-130", **form)
        return text_of(answer.text)

    assert "OF-2026-130: The floor may begin." in act("release")
    assert len(busy.shop.units("OF-2026-130")) == 10
    assert "OF-2026-130: No unit enters any more." in act("hold", why="no cables")
    assert (row(busy, "OF-2026-130").state, row(busy, "OF-2026-130").why) == ("on_hold", "no cables")
    assert "Units may enter again." in act("resume")
    said = text_of(busy.get("/order/OF-2026-130"))
    assert "Order OF-2026-130 held: no cables" in said


def test_a_hold_without_a_reason_is_not_done(busy: Office) -> None:
    answer = busy.post("/order/OF-2026-118", "/orders/act/hold", order="OF-2026-118", why="  ")
    assert "Say why, so that everybody understands." in text_of(answer.text)
    assert row(busy, "OF-2026-118").state == "in_work"


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "Order OF-2026-118 still has 21 open units. Finish or scrap them."),
        ("fr", "L’ordre OF-2026-118 a encore 21 appareils ouverts. Finissez-les ou mettez-les au rebut."),
    ],
)
def test_a_refusal_is_one_sentence_in_the_language_of_the_page(busy: Office, lang: str, said: str) -> None:
    answer = busy.post("/order/OF-2026-118", "/orders/act/close", lang=lang, order="OF-2026-118")
    assert said in text_of(answer.text)


def test_an_action_on_an_order_that_went_on_meanwhile_is_refused(busy: Office) -> None:
    answer = busy.post("/order/OF-2026-118", "/orders/act/release", order="OF-2026-118")
    assert "Order OF-2026-118 is in work. This is not possible now." in text_of(answer.text)


def test_a_form_without_the_pages_token_changes_nothing(busy: Office) -> None:
    answer = busy.client.post("/orders/act/hold", data={"order": "OF-2026-118", "why": "x"})
    assert answer.status_code == 403
    assert row(busy, "OF-2026-118").state == "in_work"


# --- nonconformities --------------------------------------------------------------------------------------------------


def test_what_waits_for_a_decision_stands_first_and_is_counted_in_the_menu(busy: Office) -> None:
    page = busy.get("/quality")
    said = text_of(page)
    assert said.index("NC-2026-0002") < said.index("NC-2026-0001")
    assert re.search(r'<i aria-label="1 to decide">1</i>', page)


def test_a_nonconformity_shows_readings_limits_and_the_way_of_the_unit(busy: Office) -> None:
    page = text_of(busy.get("/quality/nc/NC-2026-0002")).replace("\u202f", " ")
    assert "NC-2026-0002 · Insulation, 500 V" in page
    assert "Insulation, 500 V 0.6 MΩ 1 MΩ or more" in page
    assert re.search(r"Prepare the parts Preparation 23 Nov \d\d:\d\d passed", page)


def test_rework_may_go_back_to_any_step_up_to_the_one_that_failed(busy: Office) -> None:
    steps = re.search(r'<select id="step".*?</select>', busy.get("/quality/nc/NC-2026-0002"), re.DOTALL)
    assert steps is not None
    assert re.findall(r'value="([^"]+)"', steps[0]) == ["kitting", "battery", "inverter", "safety"]


def test_a_decision_for_rework_sends_the_unit_back_and_waits_for_a_new_pass(busy: Office) -> None:
    answer = busy.post(
        "/quality/nc/NC-2026-0002", "/quality/decide",
        nc="NC-2026-0002", disposition="rework", step="inverter", why="cable",
        password=PASSWORD,
    )  # fmt: skip
    assert "Decided: NC-2026-0002." in text_of(answer.text)
    assert (nc(busy, "NC-2026-0002").state, nc(busy, "NC-2026-0002").why) == ("in_treatment", "cable")
    unit = busy.shop.unit("NMD-2648-00011")
    assert (unit.step, unit.nc) == ("inverter", None)
    assert "It closes when the step is passed again." in text_of(answer.text)


def test_scrap_takes_a_reason(busy: Office) -> None:
    page = "/quality/nc/NC-2026-0002"
    answer = busy.post(page, "/quality/decide", nc="NC-2026-0002", disposition="scrap", why=" ")
    assert "Say why it is scrap." in text_of(answer.text)
    assert nc(busy, "NC-2026-0002").state == "open"
    busy.post(page, "/quality/decide", nc="NC-2026-0002", disposition="scrap", why="burnt", password=PASSWORD)
    assert (nc(busy, "NC-2026-0002").state, busy.shop.unit("NMD-2648-00011").state) == ("decided", "scrapped")


def test_a_second_decision_is_refused_with_a_sentence(busy: Office) -> None:
    page = "/quality/nc/NC-2026-0002"
    busy.post(page, "/quality/decide", nc="NC-2026-0002", disposition="not_confirmed", password=PASSWORD)
    answer = busy.post(
        "/orders/new", "/quality/decide", nc="NC-2026-0002", disposition="not_confirmed", password=PASSWORD
    )
    assert "Tick at least one line to decide on." in text_of(answer.text)


def test_a_step_further_on_is_refused(busy: Office) -> None:
    answer = busy.post(
        "/quality/nc/NC-2026-0002",
        "/quality/decide",
        nc="NC-2026-0002",
        disposition="rework",
        step="packing",
        password=PASSWORD,
    )
    assert "Step packing is not on the route." in text_of(answer.text)
    assert nc(busy, "NC-2026-0002").state == "open"


def test_an_unknown_nonconformity_is_not_found(busy: Office) -> None:
    assert busy.client.get("/quality/nc/NC-1").status_code == 404


def test_a_call_for_help_is_answered_from_the_quality_page(busy: Office) -> None:
    assert "Call: Inverter and wiring" in text_of(busy.get("/quality"))
    answer = busy.post("/quality", "/quality/help", **{"from": "quality", "station": "bench-3"})
    assert "Help is here." in text_of(answer.text)
    assert "Call: Inverter and wiring" not in text_of(busy.get("/quality"))


def test_an_unplanned_thing_is_told_in_words(busy: Office) -> None:
    serial = busy.shop.units("OF-2026-125")[0]
    busy.shop.tell("bench-8", "WorkCompleted", unit=serial, step="packing")
    page = text_of(busy.get("/quality/nc/NC-2026-0003"))
    assert "NC-2026-0003 · Not planned" in page
    assert "that its route does not foresee here: A step is missing: Prepare the parts." in page


def test_a_tester_that_contradicts_its_own_number_is_told_in_words_with_what_each_instrument_said(
    office: Office,
) -> None:
    shop = office.shop
    serial = released_order(shop)[0]
    shop.bring(serial, "safety")
    known = {"instrument": "SAF-01 (GPT-EX-0001) · GPT-9803", "device": "SAF-01", "calibration_due": "2027-03-31"}
    silent = {"test": "pe", "outcome": "timeout", "raw": "timeout", **known}
    good = {"test": "pe", "outcome": "passed", "value": 0.05, "unit": "ohm", "attempt": 2, **known}
    iso = {"test": "iso", "outcome": "passed", "value": 120.0, "unit": "Mohm"}
    said = ">ACW, FAIL , 0.024kV ,0.013 mA ,R=000.1S"
    broke = {
        "test": "hipot",
        "outcome": "error",
        "value": 0.013,
        "unit": "mA",
        "verdict": "failed",
        "raw": said,
        **known,
    }
    result = shop.tell(
        "bench-4", "UnitsTested", unit=serial, step="safety", outcome="error", tests=[silent, good, iso, broke]
    )
    assert (result.verdict, result.reason) == ("held", "tester_contradicts")
    page = text_of(office.get(f"/quality/nc/{result.args['nc']}")).replace("\u202f", " ")
    assert "Dielectric, 1500 V: the tester and its reading do not say the same." in page
    assert "PE continuity asking 2 0.05 Ω 0.1 Ω or less SAF-01 (GPT-EX-0001) · GPT-9803 Calibration good until" in page
    assert f"The tester itself said: failed. {said}" in page


# --- quarantine -------------------------------------------------------------------------------------------------------


def test_an_empty_quarantine_says_so(busy: Office) -> None:
    assert "Nothing is in quarantine." in text_of(busy.get("/quality/quarantine"))


def test_what_was_not_understood_is_listed_with_its_reason_and_can_be_tried_again(busy: Office) -> None:
    bench = busy.shop.bench("bench-1")
    busy.shop.send(bench, bench.event("Teleported", unit="<b>x</b>"))
    page = busy.get("/quality/quarantine")
    assert "unknown kind or version: Teleported v1" in text_of(page)
    assert "<b>x</b>" not in page
    with reading(busy.shop.engine) as session:
        event_id = session.scalars(select(Quarantine.event_id)).one()
    answer = busy.post("/quality/quarantine", "/quality/requeue", event_id=event_id)
    assert "Still not understood" in text_of(answer.text)


# --- errors and languages ---------------------------------------------------------------------------------------------


def test_an_error_page_says_what_to_do_in_the_language_of_the_browser(office: Office) -> None:
    french = office.client.get("/nowhere", headers={"Accept-Language": "fr"})
    english = office.client.get("/nowhere", headers={"Accept-Language": "en"})
    assert "There is no such page." in text_of(english.text)
    assert '<html lang="fr">' in french.text
    assert "To the board" in text_of(english.text)


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(busy: Office) -> None:
    led = busy.anybody.get("/orders?state=held", headers={"Accept-Language": "en"})
    assert led.headers["Location"] == "/login?next=/orders?state%3Dheld"
    page = busy.anybody.get(led.headers["Location"], headers={"Accept-Language": "en"}).text
    assert "Orders" not in text_of(page)
    assert 'value="/orders?state=held"' in page
    assert sign_in(busy.anybody, "chief", next="/orders?state=held").headers["Location"] == "/orders?state=held"


def test_a_page_that_is_somebody_elses_says_who_may_and_is_not_in_the_menu(busy: Office) -> None:
    operator = busy.signed_in("sam", "operator")
    seen = operator.get("/orders", headers={"Accept-Language": "en"})
    assert seen.status_code == 403
    assert "Quality" not in text_of(seen.text)


def test_the_language_switch_stays_and_comes_back_to_the_page(busy: Office) -> None:
    back = busy.client.get("/language/fr", headers={"Referer": "http://localhost/orders"})
    assert back.headers["Location"] == "/orders"
    assert '<html lang="fr">' in busy.client.get("/orders", headers={"Accept-Language": "en"}).text
