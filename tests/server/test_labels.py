"""Labels: each printed code is read again from the page; copies are counted; what cannot be read is refused."""

from __future__ import annotations

import io
import json
import random
import re
import string
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from click.testing import CliRunner
from PIL import Image
from sqlalchemy import select

from mes import codes, labels, orders, typeset
from mes.bag_labels import code_of
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.control_sheet import QUANTITIES, control
from mes.db.session import reading, writing
from mes.db.tables import Label as LabelCount
from mes.db.tables import Ledger
from mes.domain.barcode import COMMANDS, MAX_VALUE, read, write
from mes.domain.label import Label, Symbology
from mes.domain.label_paper import ROLLS, SHEETS, Paper, paper
from mes.domain.route import Defect, Text
from mes.domain.sscc import check_digit
from mes.orders import Answer
from mes.traveller import step_codes, traveller
from tests.server.bench import START, Floor
from tests.server.small_plan import small_plan
from tests.server.worlds import workshop_plan

EDGES = (
    "99", "99000123", "9901", "990", "99A", "A99", "9", "a", "AbCdEf-012", "x" * MAX_VALUE, "0" * MAX_VALUE,
    "9" * MAX_VALUE, "9" * 47, 'q"\\{}#$[]<&>', "%s%n", "{{7*7}}", "#set page()", "A B", "~", "Z-99-z",
)  # fmt: skip
WIDE = Paper("160x40", 160, 40, 160, 40)


@pytest.fixture
def shop(database_url: str) -> Iterator[Floor]:
    """A floor with an order of three units."""
    made = Floor(database_url, small_plan())
    made.order("GEN", 3)
    yield made
    made.close()


def serials(count: int) -> list[str]:
    """Random serials of 1 to 48 characters, digits and capitals more often than the rest, as on real labels."""
    draw = random.Random(20261125)
    signs = string.digits * 4 + string.ascii_letters + "-._/+:#%$&*()"
    return ["".join(draw.choice(signs) for _ in range(draw.randint(1, MAX_VALUE))) for _ in range(count)]


def read_page(png: bytes, formats: zxingcpp.BarcodeFormat | None = None) -> list[tuple[str, str]]:
    """Identifier and text of each code on a printed page, from the top left."""
    page = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    found = zxingcpp.read_barcodes(page, formats=formats) if formats else zxingcpp.read_barcodes(page)
    by_row = sorted(found, key=lambda f: (round(f.position.top_left.y / 40), f.position.top_left.x))
    return [(f.symbology_identifier, bytes(f.bytes).decode()) for f in by_row]


def label_of(text: str, symbology: Symbology = "code128") -> Label:
    return Label("unit", text, text, symbology, head="Générateur", aside="OF-1", order="OF-1", unit=text)


def printed(texts: Sequence[str], where: Paper, symbology: Symbology) -> list[str]:
    """The texts that a scanner reads from labels, page by page, at the dots of a label printer."""
    made = [(label_of(t, symbology), 1) for t in texts]
    sheet = labels.sheet_of(made, where, title="OF-1", name="OF-1")
    kind = zxingcpp.BarcodeFormat.QRCode if symbology == "qr" else zxingcpp.BarcodeFormat.Code128
    return [text for png in typeset.pictures("units", sheet.data) for _id, text in read_page(png, kind)]


# --- what is printed reads back ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("symbology", ["code128", "qr"])
def test_five_hundred_random_serials_read_back_from_the_printed_labels(symbology: Symbology) -> None:
    texts = serials(500)
    assert [codes.readable(t, symbology, width=156) for t in texts] == [None] * 500
    assert printed(texts, WIDE, symbology) == texts


@pytest.mark.parametrize("symbology", ["code128", "qr"])
@pytest.mark.parametrize("text", EDGES)
def test_a_serial_at_the_edge_reads_back_from_the_printed_label(text: str, symbology: Symbology) -> None:
    assert printed([text], WIDE, symbology) == [text]


@pytest.mark.parametrize("name", [*SHEETS, *ROLLS])
@pytest.mark.parametrize("symbology", ["code128", "qr"])
def test_every_label_of_every_paper_reads_back(name: str, symbology: Symbology) -> None:
    where = paper(name)
    assert where
    texts = [f"NMD-2648-{n:05}" for n in range(1, where.places + 3)]
    assert sorted(printed(texts, where, symbology)) == texts


@pytest.mark.parametrize(
    "text", ["0109506000134352", "010950600013435210ABC99\x1d2199", "00376104250021234569", "99INTERNAL\x1d21X"]
)
def test_gs1_data_reads_back_with_its_separators_and_its_identifier(text: str) -> None:
    shape = codes.shape_of(text, "gs1-128")
    row = np.full(shape.width * 3, 255, np.uint8)
    for piece in shape.path.split("z")[:-1]:
        x, width = int(piece[1:].split()[0]), int(piece.split("h")[1].split("v")[0])
        row[x * 3 : (x + width) * 3] = 0
    (found,) = zxingcpp.read_barcodes(np.tile(row, (60, 1)))
    assert (found.symbology_identifier, bytes(found.bytes).decode()) == ("]C1", text)
    assert codes.readable(text, "gs1-128") is None


def test_the_skipped_places_of_a_sheet_stay_white() -> None:
    sheet = labels.sheet_of([(label_of("A-1"), 1)], SHEETS["3x8"], title="O", name="O", skip=4)
    (png,) = typeset.pictures("units", sheet.data)
    page = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    dark = np.argwhere(page < 128)
    assert (dark.min(axis=0) >= (37.5 * 8, 70 * 8)).all()
    assert (dark.max(axis=0) <= (74.5 * 8, 140 * 8)).all()


# --- what does not read back is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "symbology", "width", "why"),
    [
        ("", "code128", None, "code_empty"),
        ("Gén-1", "code128", None, "code_characters"),
        ("Gén-1", "qr", None, "code_characters"),
        ("A\x1dB", "code128", None, "code_characters"),
        ("A\x1dB", "qr", None, "code_characters"),
        ("A\n", "code128", None, "code_characters"),
        (" A", "code128", None, "code_blanks"),
        ("A ", "qr", None, "code_blanks"),
        ("HELLO", "gs1-128", None, "code_gs1"),
        ("x" * 20, "code128", 64, "code_wide"),
        ("x" * 48, "qr", 10, "code_wide"),
        ("x" * 5000, "qr", None, "code_wide"),
    ],
)
def test_what_cannot_be_read_from_paper_is_refused_with_a_reason(
    text: str, symbology: codes.Symbology, width: float | None, why: str
) -> None:
    assert codes.readable(text, symbology, width=width) == why


def test_a_code_whose_bars_say_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(codes._Code128, "_try_to_optimize")  # the library as it comes loses a "99" in front
    assert codes.readable("99000123", "code128") == "code_unread"
    assert codes.readable("00990123", "code128") is None


def test_a_code_that_was_refused_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="code_wide"):
        codes.draw("x" * 20, "code128", width=64, height=20)


@pytest.mark.parametrize("name", ["", "57", "57x", "10x10", "900x900", "4x8", "x", "57x32x2"])
def test_a_paper_that_no_printer_takes_is_none(name: str) -> None:
    assert paper(name) is None


@pytest.mark.parametrize("text", [".B.X", "]C1ABC", "[)>\x1e06"])
def test_a_serial_that_a_bench_reads_as_something_else_is_no_label(text: str) -> None:
    assert labels.unfit(label_of(text), WIDE) in ("code_other", "code_characters")


# --- what is recorded -------------------------------------------------------------------------------------------------


def of_order(shop: Floor, **more: object) -> labels.Sheet | Answer:
    with writing(shop.engine) as session:
        return labels.units(session, shop_order(shop), now=START, **{"on": "57x32", **more})  # type: ignore[arg-type]


def shop_order(shop: Floor) -> str:
    with reading(shop.engine) as session:
        body = session.scalar(select(Ledger.body).where(Ledger.kind == "OrderCreated"))
    return str(json.loads(str(body))["order"])


def marks(sheet: labels.Sheet | Answer) -> list[tuple[str, str]]:
    assert isinstance(sheet, labels.Sheet), sheet
    return [(label["text"], label["again"]) for label in sheet.data["labels"]]


def replayed(shop: Floor, tmp_path: Path) -> bool:
    count, findings = verify_engine(shop.engine, tmp_path)
    assert findings == []
    return count > 0


def test_the_second_label_of_a_unit_is_marked_as_a_copy_and_the_replay_agrees(shop: Floor, tmp_path: Path) -> None:
    units = [f"GEN-2648-{n:05}" for n in (1, 2, 3)]
    assert marks(of_order(shop)) == [(u, "") for u in units]
    assert marks(of_order(shop, serials=[units[1]])) == [(units[1], "copy 2")]
    assert marks(of_order(shop, language="fr")) == list(zip(units, ["copie 2", "copie 3", "copie 2"], strict=True))
    with reading(shop.engine) as session:
        assert {r.subject: r.copies for r in session.scalars(select(LabelCount))} == dict(
            zip(units, (2, 3, 2), strict=True)
        )
        said = session.scalars(select(Ledger.args).where(Ledger.kind == "LabelPrinted").order_by(Ledger.n)).all()
    assert [json.loads(a)["copy"] for a in said] == [1, 1, 1, 2, 2, 3, 2]
    assert replayed(shop, tmp_path)


def test_a_unit_that_went_into_another_order_keeps_the_count_of_its_labels(shop: Floor, tmp_path: Path) -> None:
    assert len(marks(of_order(shop))) == 3
    assert shop.do(orders.split, shop_order(shop), "OF-NEW", 1).done
    with writing(shop.engine) as session:
        moved = labels.units(session, "OF-NEW", now=START, on="57x32")
    assert [again for _, again in marks(moved)] == ["copy 2"]
    assert len(marks(of_order(shop))) == 2
    assert replayed(shop, tmp_path)


def test_a_unit_that_was_withdrawn_from_its_order_gets_no_label(shop: Floor) -> None:
    assert shop.do(orders.amend, shop_order(shop), quantity=2).done
    assert [text for text, _ in marks(of_order(shop))] == ["GEN-2648-00001", "GEN-2648-00002"]


def test_a_part_of_an_order_is_printed_from_one_unit_to_another(shop: Floor) -> None:
    assert [text for text, _ in marks(of_order(shop, first=2, last=2))] == ["GEN-2648-00002"]
    assert [text for text, _ in marks(of_order(shop, first=3, last=99))] == ["GEN-2648-00003"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"first": 4}, "no_such_units"),
        ({"serials": ["GEN-2648-00009"]}, "unknown_unit"),
        ({"on": "30x20"}, "code_wide"),
        ({"on": "nothing"}, "code_paper"),
    ],
)
def test_labels_that_cannot_be_are_refused_and_nothing_is_recorded(
    shop: Floor, more: dict[str, object], why: str
) -> None:
    answer = of_order(shop, **more)
    assert isinstance(answer, Answer)
    assert answer.reason == why
    assert "?" not in answer.say("en")
    with reading(shop.engine) as session:
        assert session.scalars(select(LabelCount)).all() == []


def test_an_order_that_does_not_exist_has_neither_labels_nor_a_traveller(shop: Floor) -> None:
    with writing(shop.engine) as session:
        refused = [labels.units(session, "OF-9", now=START, on="3x8"), traveller(session, "OF-9", now=START)]
    assert [a.reason for a in refused if isinstance(a, Answer)] == ["unknown_order"] * 2


def test_a_traveller_shows_the_route_and_its_two_codes_say_the_order(shop: Floor, tmp_path: Path) -> None:
    order = shop_order(shop)
    with writing(shop.engine) as session:
        sheet = traveller(session, order, now=START)
        again = traveller(session, order, now=START, language="fr")
    assert isinstance(sheet, labels.Sheet)
    assert isinstance(again, labels.Sheet)
    product = small_plan().product("GEN")
    assert product
    assert [s["id"] for s in sheet.data["steps"]] == [s.id for s in product.steps]
    assert (sheet.data["again"], again.data["again"]) == ("", "copie 2")
    (png,) = typeset.pictures("traveller", again.data)
    assert sorted(read_page(png)) == [("]C0", write("order", order)), ("]Q1", write("order", order))]
    assert replayed(shop, tmp_path)


def test_each_step_of_a_counted_order_has_its_code_on_the_traveller_and_a_bench_reads_it() -> None:
    counted = workshop_plan().product("KIT-B")
    assert counted
    assert step_codes(counted) == {"count": write("step", "COUNT"), "carton": write("step", "CARTON")}
    made = workshop_plan().product("NOMAD-1000")
    assert made
    assert step_codes(made) == {}  # a serial knows its step
    alike = tuple(s.model_copy(update={"id": i}) for s, i in zip(counted.steps, ("carton", "Carton"), strict=True))
    assert step_codes(counted.model_copy(update={"steps": alike})) == {}
    dotted = counted.steps[0].model_copy(update={"id": "a.b"})
    assert step_codes(counted.model_copy(update={"steps": (dotted,)})) == {}


def test_the_codes_of_steps_read_back_from_the_printed_traveller(tmp_path: Path) -> None:
    shop = Floor(f"sqlite:///{tmp_path / 'shop.db'}", workshop_plan())
    order = shop.order("KIT-B", 3)
    with writing(shop.engine) as session:
        sheet = traveller(session, order, now=START)
    shop.close()
    assert isinstance(sheet, labels.Sheet)
    (png,) = typeset.pictures("traveller", sheet.data)
    found = {text for _id, text in read_page(png)}
    assert found == {write("order", order), write("step", "COUNT"), write("step", "CARTON")}


# --- other kinds of labels --------------------------------------------------------------------------------------------

SSCC = "00376104250021234569"
CARTON = Label("carton", SSCC, SSCC, "gs1-128", head="Générateur", aside="OF-1", words="(00) 3 7610425002123456 9")
BAG = Label("bag", "B-17", "1P-55/7", "qr", head="Fuse 30 A", lines=("Lot 24-117", "40"), check=False)
HELD = Label("hold", "A-1", "A-1", "code128", head="HELD", aside="NC-7", lines=("P", "Final"), tone="stop", unit="A-1")


@pytest.mark.parametrize("name", ["3x8", "2x7", "70x37", "100x50"])
@pytest.mark.parametrize(
    ("label", "aim"), [(CARTON, "]C1"), (BAG, "]Q1"), (HELD, "]C0")], ids=["carton", "bag", "hold"]
)
def test_every_kind_of_label_reads_back_from_paper(label: Label, aim: str, name: str) -> None:
    where = paper(name)
    assert where
    assert labels.unfit(label, where) is None
    (png,) = typeset.pictures("units", labels.sheet_of([(label, 2)], where, title="T", name="T").data)
    assert read_page(png) == [(aim, label.code)]


def drawn_kinds(count: int) -> list[Label]:
    """Cartons, bags in both kinds of code, and held units, so many of each, of random numbers."""
    draw, made = random.Random(20261126), list[Label]()

    def digits(n: int) -> str:
        text = "".join(draw.choice(string.digits) for _ in range(n - 1))
        return text + check_digit(text)

    for n, serial in enumerate(s for s in serials(5 * count) if 1 < len(s) <= 20):
        if n == count:
            break
        sscc, gtin, more = digits(18), digits(14), draw.randrange(3)
        inside = (f"3303{draw.randrange(10**6):06}" if more else "") + (
            f"02{gtin}37{draw.randint(1, 999)}" if more > 1 else ""
        )
        made.append(
            Label("carton", sscc, f"00{sscc}{inside}", "gs1-128", head="Carton", words=f"(00) {sscc}", check=False)
        )
        made.append(Label("hold", serial, serial, "qr", head="HELD", tone="stop", unit=serial, check=False))
        for symbology in ("code128", "qr"):
            part, lot, kind = f"BAT-{n}", re.sub("[#$]", "-", serial[:12]), "qr" if symbology == "qr" else "gs1-128"
            code = code_of(part, lot, draw.randint(1, 5000), symbology)  # type: ignore[arg-type]
            made.append(Label("bag", f"{part}/{n}", code, kind, head="Bag", words=part, check=False))  # type: ignore[arg-type]
    return made


def test_random_labels_of_every_kind_read_back_from_paper_as_their_records() -> None:
    made, where = drawn_kinds(25), Paper("160x50", 160, 50, 160, 50)
    assert [labels.unfit(label, where) for label in made] == [None] * len(made)
    sheet = labels.sheet_of([(label, 1) for label in made], where, title="T", name="T")
    aims = {"gs1-128": "]C1", "code128": "]C0", "qr": "]Q1"}
    for label, png in zip(made, typeset.pictures("units", sheet.data), strict=True):
        assert read_page(png) == [(aims[label.symbology], label.code)]


def test_a_label_with_more_lines_than_the_paper_is_high_is_refused() -> None:
    many = replace(HELD, lines=("x",) * 8)
    assert labels.unfit(many, SHEETS["3x8"]) == "label_low"


def test_a_carton_is_counted_by_its_own_number_and_a_label_of_nothing_is_not_recorded(
    shop: Floor, tmp_path: Path
) -> None:
    for copy in ("", "copy 2"):
        with writing(shop.engine) as session:
            sheet = labels.printed(session, [CARTON, BAG], now=START, on="100x50", title="T", name="T")
        assert marks(sheet) == [(CARTON.words, copy), (BAG.code, copy)]
    with reading(shop.engine) as session:
        counted = {(r.template, r.subject): r.copies for r in session.scalars(select(LabelCount))}
    assert counted == {("carton", SSCC): 2, ("bag", "B-17"): 2}
    nothing = replace(BAG, subject="")
    with writing(shop.engine) as session, pytest.raises(RuntimeError, match="of nothing"):
        labels.printed(session, [nothing], now=START, on="100x50", title="T", name="T")
    assert replayed(shop, tmp_path)


# --- the control sheet and the PDF ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_code_of_the_control_sheet_reads_as_what_is_written_beside_it(language: str) -> None:
    plan = workshop_plan()
    sheet = control(plan, now=START, language=language)
    found = [text for png in typeset.pictures("control", sheet.data) for _id, text in read_page(png)]
    wanted = [write("command", c) for c in COMMANDS]
    wanted += [write("quantity", n) for n in QUANTITIES]
    wanted += [write("defect", d.code) for d in plan.defects]
    assert sorted(found) == sorted(wanted)
    assert all(type(read(text)).__name__ in ("Command", "Quantity", "DefectCode") for text in found)


def test_a_defect_that_no_code_can_say_is_named_on_the_control_sheet() -> None:
    plan = workshop_plan()
    odd = Defect(code="odd_one", name=Text(fr="Drôle", en="Odd"), severity="minor")
    sheet = control(plan.model_copy(update={"defects": (*plan.defects, odd)}), now=START)
    assert sheet.data["left_out"].endswith("odd_one")


def test_a_paper_is_a_tagged_pdf_that_names_its_language_and_loads_no_font_of_the_machine() -> None:
    sheet = control(workshop_plan(), now=START, language="fr")
    made = typeset.pdf("control", sheet.data, now=START)
    assert made.startswith(b"%PDF-1.7")
    assert b"/MarkInfo" in made
    assert b"/Lang(fr)" in made.replace(b"/Lang (", b"/Lang(")
    assert made == typeset.pdf("control", sheet.data, now=START)


def test_typst_is_not_imported_until_something_is_printed() -> None:
    code = "import sys, mes.commands_labels, web.labels; sys.exit('typst' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["units", "traveller", "control"])
def test_the_command_line_writes_a_pdf_or_says_in_one_sentence_why_not(what: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    shop = Floor(url, small_plan())
    shop.order("GEN", 3)
    name = tmp_path / "paper.pdf"
    of = [shop_order(shop)] if what != "control" else []
    run = CliRunner(env={"MES_LANG": "en"})
    done = run.invoke(main, ["labels", what, *of, "-o", str(name), "--database", url])
    assert done.exit_code == 0, done.output
    assert name.read_bytes().startswith(b"%PDF")
    if of:
        refused = run.invoke(main, ["labels", what, "OF-9", "-o", str(name), "--database", url])
        assert refused.exit_code == 1
        assert "OF-9" in refused.output
    nowhere = run.invoke(main, ["labels", what, *of, "-o", str(tmp_path / "no" / "x.pdf"), "--database", url])
    assert nowhere.exit_code == 1
    shop.close()
