"""Labels in ZPL: what a printer would draw reads back, and no text of a label becomes a command."""

from __future__ import annotations

from dataclasses import replace

import pytest
import zxingcpp

from mes import labels
from mes.codes import Symbology
from mes.domain.label import Label
from mes.domain.label_paper import Paper, paper
from mes.domain.printer import PER_MM
from mes.zpl import label_zpl
from tests.server.test_labels import BAG, CARTON, EDGES, HELD, WIDE, drawn_kinds, label_of, serials
from tests.server.zpl_reader import read_zpl

EVIL = ("^XZ^XA", "~JR", "a_5Eb", "^FD^FS", ">;>0", "\\&", "é€^~", "_", "x" * 200)


def codes_of(label: Label, where: Paper, per_mm: int = 8) -> list[tuple[str, str]]:
    """What a scanner reads from the label that a printer would draw; upright and sharp, so without turning."""
    (read,) = read_zpl(label_zpl(label, "copy 2", where, per_mm))
    found = zxingcpp.read_barcodes(read.picture(), try_rotate=False, try_downscale=False, try_invert=False)
    return [(f.symbology_identifier, bytes(f.bytes).decode()) for f in found]


@pytest.mark.slow
@pytest.mark.parametrize(("symbology", "aim"), [("code128", "]C0"), ("qr", "]Q1")])
def test_five_hundred_random_serials_read_back_from_what_a_printer_would_draw(symbology: Symbology, aim: str) -> None:
    for text in serials(500):
        assert codes_of(label_of(text, symbology), WIDE) == [(aim, text)]


@pytest.mark.parametrize(("symbology", "aim"), [("code128", "]C0"), ("qr", "]Q1")])
@pytest.mark.parametrize("text", EDGES)
def test_a_serial_at_the_edge_reads_back_from_what_a_printer_would_draw(
    text: str, symbology: Symbology, aim: str
) -> None:
    assert codes_of(label_of(text, symbology), WIDE) == [(aim, text)]


@pytest.mark.parametrize("per_mm", sorted(PER_MM.values()))
@pytest.mark.parametrize("size", ["70x37", "100x50"])
@pytest.mark.parametrize(("label", "aim"), [(CARTON, "]C1"), (BAG, "]Q1"), (HELD, "]C0")])
def test_every_kind_of_label_reads_back_at_every_resolution(label: Label, aim: str, size: str, per_mm: int) -> None:
    where = paper(size)
    assert where
    assert codes_of(label, where, per_mm) == [(aim, label.code)]


def test_random_labels_of_every_kind_read_back_from_what_a_printer_would_draw_as_their_records() -> None:
    where = Paper("160x50", 160, 50, 160, 50)
    for label in drawn_kinds(50):
        (found,) = codes_of(label, where)
        assert found == ({"gs1-128": "]C1", "qr": "]Q1"}[label.symbology], label.code)


@pytest.mark.parametrize(
    "text", ["0109506000134352", "010950600013435210ABC99\x1d2199", "00376104250021234569", "99INTERNAL\x1d21X"]
)
def test_gs1_data_keeps_its_separators_in_zpl(text: str) -> None:
    assert codes_of(replace(CARTON, code=text), WIDE) == [("]C1", text)]


@pytest.mark.parametrize("text", EVIL)
def test_no_text_of_a_label_becomes_a_command(text: str) -> None:
    label = replace(label_of("A-1"), head=text, aside=text, lines=(text,), words=text)
    (read,) = read_zpl(label_zpl(label, text, WIDE, 8))
    said = [f.data for f in read.fields if f.kind == "text"]
    assert len(said) == 5
    assert all(text.startswith(s.removesuffix("…")) for s in said)
    (bars,) = [f for f in read.fields if f.kind == "bars"]
    assert bars.data.startswith(">")


def test_a_text_that_is_too_long_is_made_smaller_then_cut_and_the_words_under_the_code_are_whole() -> None:
    where = paper("57x32")
    assert where
    long = "Générateur à très longue désignation, révision C"
    label = replace(label_of("A-1"), head=long, words="9" * 48)
    (read,) = read_zpl(label_zpl(label, "", where, 8))
    head, _aside, words = [f for f in read.fields if f.kind == "text"]
    assert head.data.endswith("…")
    assert words.data == "9" * 48
    assert words.size[0] < words.size[1]


def test_what_is_refused_on_paper_is_refused_for_a_printer_too() -> None:
    where = paper("30x20")
    assert where
    assert labels.unfit(CARTON, where) == "code_wide"
