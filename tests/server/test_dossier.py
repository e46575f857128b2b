"""The dossier of a unit: a tagged PDF for the archive, the same bytes from the same facts, known by its hash."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from mes import dossier, trace
from mes.commands_ledger import verify_engine
from mes.db.session import reading
from tests.server.bench import OPERATOR, PERSON, Floor
from tests.server.small_plan import small_plan

ONE = "GEN-2648-00001"


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """A unit that failed its test once."""
    made = Floor(database_url, small_plan())
    made.order("GEN", 1)
    b1, b2 = made.bench("b1"), made.bench("b2")
    made.send(b1, b1.arrive(ONE, "fit"), b1.fit(ONE, "BAT", serial="11"))
    made.send(b1, b1.fit(ONE, "FUSE", lot="8"), b1.fit(ONE, "FUSE", lot="8"), b1.done(ONE, "fit"))
    made.send(b2, b2.arrive(ONE, "test"), b2.test(ONE, 9.0))
    made.send(b2, b2.test(ONE, 3.0), b2.done(ONE, "test"))
    yield made
    made.close()


def paper(floor: Floor, language: str = "en") -> dossier.Paper:
    with reading(floor.engine) as session:
        found = trace.dossier(session, ONE)
    assert found is not None
    return dossier.made(found, language)


@pytest.mark.parametrize(("language", "said"), [("en", "Dossier of"), ("fr", "Dossier de")])
def test_a_dossier_is_a_tagged_pdf_for_the_archive_in_its_language(floor: Floor, language: str, said: str) -> None:
    read = PdfReader(io.BytesIO(paper(floor, language).content))
    root = read.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert str(root["/Lang"]).startswith(language)
    xmp = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    text = "\n".join(page.extract_text() for page in read.pages)
    assert f"{said} {ONE}" in text
    assert OPERATOR not in text.split()
    assert PERSON not in text


def test_the_same_facts_give_the_same_bytes_and_another_fact_gives_others(floor: Floor) -> None:
    first = paper(floor)
    assert paper(floor).content == first.content
    b3 = floor.bench("b3")
    floor.send(b3, b3.arrive(ONE, "look"), b3.look(ONE))
    assert paper(floor).sha256 != first.sha256


def test_a_dossier_that_was_given_out_is_known_again_and_a_changed_one_is_not(floor: Floor, tmp_path: Path) -> None:
    given = paper(floor)
    for _ in range(2):
        assert floor.do(dossier.issue, given).done
    with reading(floor.engine) as session:
        known = dossier.issued(session, given.content)
        assert known is not None
        assert (known.unit, known.times) == (ONE, 2)
        assert dossier.issued(session, given.content + b"\n") is None
    assert paper(floor).content == given.content  # to give it out is no fact of the unit
    assert verify_engine(floor.engine, tmp_path)[1] == []
