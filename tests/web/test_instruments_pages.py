"""The pages of the register: what they say, what can be done there, certificates, and the export."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from mes import certificates, instruments, measured
from mes.certificates import Received
from mes.commands_ledger import verify_engine
from mes.db.session import reading, writing
from mes.db.tables import Calibration, File, Instrument, Ledger
from mes.export import csv_lines
from tests.server.test_instruments import PDF, png
from tests.server.worlds import Workshop, released_order
from tests.web.pages import Office, text_of, token_of

SAF: dict[str, Any] = {"family": "safety tester", "model": "GPT", "serial": "S-1", "supplier": "Labo", "months": 12}


@pytest.fixture
def register(shop: Workshop) -> Iterator[Workshop]:
    """A workshop with a tester in order, and three units that it has measured, one of them failed."""
    assert shop.do(instruments.add, "SAF-01", **SAF).done
    good(shop, "2026-01-10", "2027-06-10")
    for serial in released_order(shop, quantity=3, order="OF-7"):
        shop.bring(serial, "safety")
        measure(shop, serial, failed=serial.endswith("3"))
        shop.tell("bench-4", "UnitsDeparted", unit=serial, step="safety")
    return shop


def good(shop: Workshop, done: str, due: str, **more: Any) -> None:
    days = {"done": date.fromisoformat(done), "due": date.fromisoformat(due)}
    assert shop.do(instruments.calibrate, "SAF-01", "good", **days, **more).done


def measure(shop: Workshop, serial: str, *, failed: bool = False, device: str = "SAF-01") -> None:
    step = shop.step_of(serial)
    readings = []
    for t in step.tests:
        value = t.low if t.low is not None else t.high or 0.0
        value = value * 2 if failed and t.high is not None else value
        outcome = "failed" if t.high is not None and value > t.high else "passed"
        known = {"device": device, "serial": "S-1", "calibration_due": "2099-01-01", "low": t.low, "high": t.high}
        readings.append({"test": t.id, "outcome": outcome, "value": value, "unit": t.unit, **known})
    outcome = "failed" if failed else "passed"
    shop.tell("bench-4", "UnitsTested", unit=serial, step=step.id, outcome=outcome, tests=readings)


def send(office: Office, page: str, action: str, *, lang: str = "en", **form: Any) -> TestResponse:
    return office.post(page, f"/instruments/{action}", lang=lang, **form)


def test_the_list_says_how_each_instrument_stands_in_both_languages(office: Office, register: Workshop) -> None:
    for number, due in (("A-1", "2026-12-24"), ("B-1", "2026-11-22")):
        assert register.do(instruments.add, number, **SAF).done
        days = {"done": date(2025, 12, 1), "due": date.fromisoformat(due)}
        assert register.do(instruments.calibrate, number, "good", **days).done
    for number in ("C-1", "D-1"):
        assert register.do(instruments.add, number, **SAF).done
    assert register.do(instruments.calibrate, "C-1", "unfit").done
    page = text_of(office.get("/instruments", lang="fr"))
    for word in ("Instruments de mesure", "en règle", "échéance proche", "hors délai", "trouvé non conforme",
                 "pas encore étalonné", "24/12/2026"):  # fmt: skip
        assert word in page
    page = text_of(office.get("/instruments"))
    for word in ("in order", "due soon", "overdue", "found unfit", "no calibration yet", "2026-12-24"):
        assert word in page
    assert "A-1" not in text_of(office.get("/instruments?show=overdue"))
    assert "B-1" in text_of(office.get("/instruments?show=due"))
    assert "Nothing fits." in office.get("/instruments?q=nothing-like-it")


def test_the_list_comes_in_pages(office: Office, shop: Workshop) -> None:
    for n in range(instruments.PAGE + 2):
        assert shop.do(instruments.add, f"I-{n:03}", **SAF).done
    assert "I-051" not in office.get("/instruments")
    assert "I-051" in office.get("/instruments?page=2")
    assert "I-000" not in office.get("/instruments?page=2")


def test_an_instrument_is_registered_calibrated_taken_out_and_put_back(office: Office, shop: Workshop) -> None:
    said = send(office, "/instruments", "add", instrument="DMM-01", **{**SAF, "months": "24"}).text
    assert "DMM-01 is in the register." in said
    page = "/instruments/DMM-01"
    assert "no calibration yet" in text_of(office.get(page))
    said = send(
        office, page, "calibrate", instrument="DMM-01", result="good", done="2026-11-20", certificate="C-9"
    ).text
    assert "in order until 2028-11-20" in text_of(said)
    assert "out of use since 2026-11-23" in text_of(
        send(office, page, "retire", instrument="DMM-01", why="dropped").text
    )
    assert "in use again" in send(office, page, "return", instrument="DMM-01").text
    changed = send(office, page, "change", instrument="DMM-01", **{**SAF, "model": "New", "months": "6"}).text
    assert "New · serial number S-1" in text_of(changed)
    with reading(shop.engine) as session:
        row = session.get_one(Instrument, "DMM-01")
        assert (row.model, row.months, row.due) == ("New", 6, "2028-11-20")
        actors = session.scalars(select(Ledger.operator).where(Ledger.kind.startswith("Instrument"))).all()
    assert set(actors) == {office.account("chief")}


@pytest.mark.parametrize(
    ("action", "form", "said"),
    [
        ("add", {"instrument": "SAF-01", **SAF}, "in the register already"),
        ("add", {"instrument": "no good", **SAF}, "not possible"),
        ("add", {"instrument": "X-1", **SAF, "months": "0"}, "from 1 to 120 months"),
        ("add", {"instrument": "X-1", **SAF, "serial": " "}, "Give kind, model, serial number"),
        ("change", {"instrument": "SAF-01", **SAF, "months": "x"}, "from 1 to 120 months"),
        ("calibrate", {"instrument": "SAF-01", "result": "good", "done": "2026-02-30"}, "Give a date"),
        ("calibrate", {"instrument": "SAF-01", "result": "fine"}, "found good or unfit"),
        ("calibrate", {"instrument": "SAF-01", "result": "good", "done": "2026-11-24"}, "after today"),
        ("calibrate", {"instrument": "SAF-01", "result": "good", "due": "2020-01-01"}, "come after"),
        ("retire", {"instrument": "SAF-01", "why": " "}, "Say why"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_beside_it_and_nothing_is_lost(
    office: Office, register: Workshop, action: str, form: dict[str, Any], said: str
) -> None:
    page = "/instruments" if action == "add" else "/instruments/SAF-01"
    answer = send(office, page, action, **{name: str(value) for name, value in form.items()})
    assert answer.status_code == 422
    alert = re.search(r'role="alert">(.*?)</p>', answer.text, re.DOTALL)
    assert alert is not None
    assert said in text_of(alert[1])
    if action == "add":
        assert 'value="safety tester"' in answer.text


@pytest.mark.parametrize("action", ["change", "calibrate", "retire", "return"])
def test_an_instrument_that_there_is_not_is_no_error(office: Office, register: Workshop, action: str) -> None:
    form = {"instrument": "X-9", "result": "good", "why": "x", **{k: str(v) for k, v in SAF.items()}}
    answer = send(office, "/instruments", action, **form)
    assert answer.status_code == 200
    assert "is not in the register" in answer.text
    assert office.client.get("/instruments/X-9").status_code == 404
    assert office.client.get("/instruments/X-9/units").status_code == 404


def test_an_instrument_of_the_floor_that_nobody_has_registered_is_shown_and_offered(
    office: Office, register: Workshop
) -> None:
    (serial,) = released_order(register, quantity=1, order="OF-8")
    register.bring(serial, "safety")
    measure(register, serial, device="NEW-07")
    page = office.get("/instruments")
    assert "Seen on the floor, not in the register NEW-07" not in text_of(page)
    assert "NEW-07" in text_of(page.partition("not in the register")[2])
    link = re.search(r'href="(/instruments\?instrument=NEW-07[^"]*)"', page)
    assert link is not None
    assert 'value="NEW-07"' in office.get(link[1].replace("&amp;", "&"))


def test_a_bench_that_names_another_serial_number_is_noticed(office: Office, register: Workshop) -> None:
    assert "another serial number" not in office.get("/instruments/SAF-01")
    assert register.do(instruments.change, "SAF-01", **{**SAF, "serial": "S-2"}).done
    assert "another serial number: S-1" in office.get("/instruments/SAF-01")


# --- certificates -----------------------------------------------------------------------------------------------------


def hand_in(office: Office, name: str, content: bytes) -> TestResponse:
    """Record a calibration with a file."""
    page = "/instruments/SAF-01"
    form = {"csrf_token": token_of(office.get(page)), "instrument": "SAF-01", "result": "good", "done": "2026-11-20"}
    return upload(office, page, "calibrate", **form, file=FileStorage(io.BytesIO(content), name))


def upload(office: Office, page: str, action: str, **form: Any) -> TestResponse:
    """Send a form with a file; the body is made here, in memory."""
    headers = {"Accept-Language": "en", "Referer": f"http://localhost{page}"}
    boundary, body = encode_multipart(form)
    kind = f"multipart/form-data; boundary={boundary}"
    path = f"/instruments/{action}"
    return office.client.post(path, data=body, headers=headers, content_type=kind, follow_redirects=True)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("c.html", PDF, "application/pdf"), ("c.exe", png(), "image/png"), ("c", b"\xff\xd8\xff!\xff\xd9", "image/jpeg")],
)
def test_a_certificate_is_taken_away_as_a_download_and_opened_by_no_page(
    office: Office, register: Workshop, tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    answer = hand_in(office, name, content)
    assert "The calibration is recorded." in answer.text
    link = re.search(r'href="(/instruments/SAF-01/certificate/\d+)"', answer.text)
    assert link is not None
    sent = office.client.get(link[1])
    assert sent.data == content
    assert sent.headers["Content-Disposition"] == f"attachment; filename=c{certificates.ENDINGS[kind]}"  # type: ignore[index]
    assert sent.headers["Content-Type"] == kind
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert verify_engine(register.engine, tmp_path)[1] == []


@pytest.mark.parametrize(
    "content", [b"<script>alert(1)</script>", b"<svg/>", b"", b"%PDF-1.7 cut off"], ids=["html", "svg", "empty", "half"]
)
def test_what_is_no_certificate_is_refused_whatever_it_is_called(
    office: Office, register: Workshop, content: bytes
) -> None:
    answer = hand_in(office, "certificate.pdf", content)
    assert answer.status_code == 422
    assert "neither a PDF" in answer.text
    with reading(register.engine) as session:
        assert session.scalars(select(File)).all() == []
        assert len(instruments.history(session, "SAF-01")) == 1


def test_a_certificate_of_ten_mebibytes_is_taken_and_no_larger_one(office: Office, register: Workshop) -> None:
    most = certificates.MAX_BYTES
    whole = PDF[:9] + b" " * (most - len(PDF)) + PDF[9:]
    assert "The calibration is recorded." in hand_in(office, "c.pdf", whole).text
    assert "at most" in hand_in(office, "c.pdf", whole[:9] + b" " + whole[9:]).text
    assert hand_in(office, "c.pdf", whole + b" " * 200_000).status_code == 413


def test_other_forms_take_nothing_so_large(office: Office, register: Workshop) -> None:
    page = "/instruments/SAF-01"
    file = FileStorage(io.BytesIO(b"x" * 2_000_000), "x")
    token = token_of(office.get(page))
    answer = upload(office, page, "retire", csrf_token=token, instrument="SAF-01", file=file)
    assert answer.status_code == 413


def test_a_certificate_that_was_altered_is_not_given_out(office: Office, register: Workshop) -> None:
    good(register, "2026-11-20", "2027-11-20", file=Received("c.pdf", PDF))
    with writing(register.engine) as session:
        session.execute(update(File).values(content=PDF + b"x"))
    page = office.get("/instruments/SAF-01/certificate/2")
    assert "is not what it was" in page


@pytest.mark.parametrize("number", ["0", "1", "99", "99999999999999999999"])
def test_a_certificate_that_there_is_not_is_not_found(office: Office, register: Workshop, number: str) -> None:
    assert office.client.get(f"/instruments/SAF-01/certificate/{number}").status_code == 404


# --- what has to be looked at ----------------------------------------------------------------------------------------


def test_an_unfit_finding_says_how_many_units_to_look_at_and_shows_them(office: Office, register: Workshop) -> None:
    page = text_of(send(office, "/instruments/SAF-01", "calibrate", instrument="SAF-01", result="unfit").text)
    assert "SAF-01 is unfit. Look at the 3 units that it has measured since it was last found good." in page
    assert "From 2026-01-10, when it was last found good, to 2026-11-23." in page
    assert page.count("OF-7") == 3
    detail = text_of(office.get("/instruments/SAF-01", lang="fr"))
    assert "trouvé non conforme le 23/11/2026" in detail
    assert "Revoyez les 3 appareils" in detail


def test_the_units_come_in_pages_and_name_nobody(office: Office, shop: Workshop) -> None:
    assert shop.do(instruments.add, "SAF-01", **SAF).done
    bench = shop.bench("bench-4")
    readings = [{"test": "pe", "outcome": "passed", "value": 0.05, "unit": "ohm", "device": "SAF-01"}]
    for n in range(measured.PAGE + 1):
        bench.operator = "BADGE-X"
        run = {"unit": f"U-{n:03}", "step": "safety", "n": 1, "readings": readings}
        shop.send(bench, bench.event("ReadingsRecorded", **run))
    first, second = (office.get(f"/instruments/SAF-01/units?page={n}") for n in (1, 2))
    assert first.count("U-0") >= measured.PAGE
    assert "U-000" not in first
    assert "U-000" in second
    assert str(bench.operator) not in first


def export(office: Office, lang: str = "en", **form: str) -> TestResponse:
    page = "/instruments/SAF-01/units"
    data = {"csrf_token": token_of(office.get(page)), "instrument": "SAF-01", **form}
    headers = {"Accept-Language": lang, "Referer": f"http://localhost{page}"}
    return office.client.post("/instruments/export", data=data, headers=headers)


@pytest.mark.parametrize(("lang", "mark", "point"), [("fr", ";", ","), ("en", ",", ".")])
def test_the_export_holds_every_reading_with_its_limits_and_nobody(
    office: Office, register: Workshop, tmp_path: Path, lang: str, mark: str, point: str
) -> None:
    answer = export(office, lang)
    assert answer.headers["Content-Disposition"] == "attachment; filename=SAF-01-2026-11-23.csv"
    assert answer.headers["Content-Type"].startswith("text/csv")
    text = answer.data.decode("utf-8")
    assert text.startswith("\ufeff")
    assert all(line.endswith("\r") for line in text.split("\n")[:-1])
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=mark))
    head, body = rows[0], rows[1:]
    assert {len(row) for row in rows} == {len(head)}
    tests = register.plan.product("NOMAD-1000").step("safety").tests  # type: ignore[union-attr]
    assert len(body) == 3 * len(tests)
    first = dict(zip(head, body[0], strict=True))
    names = {
        "en": ("Unit", "Order", "Value", "Counted as", "Serial number", "Product"),
        "fr": ("Appareil", "Ordre", "Valeur", "Compté comme", "Numéro de série", "Produit"),
    }
    unit, order, value, counted, serial, product = names[lang]
    assert (first[unit], first[order], first[serial], first[product]) == (body[0][1], "OF-7", "S-1", "NOMAD-1000")
    assert point in first[value]
    assert {row[head.index(counted)] for row in body} == {
        {"en": "passed", "fr": "réussi"}[lang],
        {"en": "failed", "fr": "raté"}[lang],
    }
    assert not {"007", "P-TEST"} & {cell for row in body for cell in row}
    with reading(register.engine) as session:
        row = session.scalars(select(Ledger).where(Ledger.kind == "MeasuredUnitsExported")).one()
        assert row.operator == office.account("chief")
        assert '"rows":3' in row.body
    assert "List of what instrument SAF-01 has measured" in text_of(office.get("/audit?subject=instruments"))
    assert verify_engine(register.engine, tmp_path)[1] == []


def test_the_export_of_a_calibration_ends_where_it_was_found_unfit(office: Office, register: Workshop) -> None:
    assert register.do(instruments.calibrate, "SAF-01", "unfit").done
    register.clock.tick(86_400)
    (serial,) = released_order(register, quantity=1, order="OF-8")
    register.bring(serial, "safety")
    measure(register, serial)
    office.client = office.signed_in("chief")
    assert "OF-8" not in export(office, calibration="2").text
    assert "OF-8" in export(office).text
    assert "unfit" in export(office).text


def test_the_export_goes_on_behind_each_piece(
    office: Office, register: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export(office).text
    monkeypatch.setattr(measured, "CHUNK", 1)
    assert export(office).text == whole


def test_only_quality_takes_the_export(office: Office, register: Workshop) -> None:
    for role, status in (("supervisor", 403), ("quality", 200)):
        client = office.signed_in(f"one-{role}", role)
        token = token_of(client.get("/account").text)
        data = {"csrf_token": token, "instrument": "SAF-01"}
        assert client.post("/instruments/export", data=data).status_code == status
    page = office.signed_in("one-supervisor", "supervisor").get(
        "/instruments/SAF-01/units", headers={"Accept-Language": "en"}
    )
    assert "as CSV" not in page.text
    assert (
        office.client.post(
            "/instruments/export", data={"csrf_token": token_of(office.get("/account")), "instrument": "X-9"}
        ).status_code
        == 404
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"), (" =1", "' =1"),
        ('a"b;c', 'a"b;c'), ("a\r\n=b", "a\r\n=b"), ("–", "–"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("french", [True, False])
def test_no_cell_runs_as_a_formula_and_each_is_read_back_as_one(text: str, kept: str, french: bool) -> None:
    lines = "".join(csv_lines(["a", "b"], [[text, -1.5]], french=french)).removeprefix("\ufeff")
    rows = list(csv.reader(io.StringIO(lines, newline=""), delimiter=";" if french else ","))
    assert rows == [["a", "b"], [kept, "-1,5" if french else "-1.5"]]


def test_a_day_that_is_near_is_the_sites_own(office: Office, register: Workshop) -> None:
    good(register, "2026-11-01", "2026-11-24")
    register.clock.now = datetime(2026, 11, 24, 22, 58, tzinfo=UTC)  # 23:58 at the site
    office.client = office.signed_in("chief")
    assert "due on 2026-11-24" in text_of(office.get("/instruments/SAF-01"))
    register.clock.now = datetime(2026, 11, 24, 23, 2, tzinfo=UTC)
    assert "overdue since 2026-11-24" in text_of(office.get("/instruments/SAF-01"))
    with reading(register.engine) as session:
        assert session.get(Calibration, ("SAF-01", 2)) is not None
