"""Papers that go with goods: tagged PDFs for the archive, the same bytes from the same facts, known by their hash."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from mes import accounts, nonconformities, orders, paper_sheet, papers, passwords, wire
from mes.cli import main
from mes.commands_ledger import verify_engine
from mes.commands_office import publish_plan
from mes.db.session import reading, writing
from mes.domain.route import Customer
from mes.domain.sscc import spaced
from tests.server.bench import OPERATOR, PERSON
from tests.server.small_plan import small_plan
from tests.server.test_deliveries import CUSTOMER, ORDER, Yard
from tests.server.test_packing import packing_plan

ADDRESS = ("4 quai du Commerce", "44000 Nantes")


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """A plant and a customer with addresses."""
    plan = packing_plan()
    plant = plan.plant.model_copy(
        update={"address": ("12 rue des Forges",), "customers": (Customer(name=CUSTOMER, address=ADDRESS),)}
    )
    made = Yard(f"sqlite:///{tmp_path}/mes.db", plan.model_copy(update={"plant": plant}))
    yield made
    assert verify_engine(made.engine, tmp_path)[1] == []
    made.close()


def facts(yard: Yard, subject: str) -> papers.Facts:
    with reading(yard.engine) as session:
        found = papers.facts(session, subject)
    assert found is not None
    return found


def paper(yard: Yard, subject: str, kind: papers.Kind, language: str = "en") -> papers.Paper:
    return paper_sheet.made(facts(yard, subject), kind, language)


def text_of(made: papers.Paper) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(made.content)).pages).split())


@pytest.mark.parametrize(
    ("kind", "language", "said"),
    [
        ("packing_list", "en", "Packing list"),
        ("packing_list", "fr", "Liste de colisage"),
        ("delivery_note", "en", "Delivery note"),
        ("delivery_note", "fr", "Bon de livraison"),
        ("certificate", "en", "Certificate of conformity"),
        ("certificate", "fr", "Certificat de conformité"),
    ],
)
def test_each_paper_is_a_tagged_pdf_for_the_archive_in_its_language(
    yard: Yard, kind: papers.Kind, language: str, said: str
) -> None:
    one, two, three = yard.made()
    carton = yard.full([one, two])
    number = yard.sent(cartons=[carton], units=[three])
    made = paper(yard, number, kind, language)
    root = PdfReader(io.BytesIO(made.content)).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]).startswith(language)
    xmp = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    text = text_of(made)
    assert f"{said} – {number}" in text
    assert all(serial in text for serial in (one, two, three))
    assert all(line in text for line in (CUSTOMER, *ADDRESS, "12 rue des Forges"))
    assert OPERATOR not in text.split()
    assert PERSON not in text


def test_a_packing_list_says_what_is_in_which_carton_and_what_it_weighs(yard: Yard) -> None:
    one, two, _three = yard.made()
    carton = yard.full([one, two])
    text = text_of(paper(yard, carton, "packing_list"))
    assert spaced(carton) in text
    assert "2.1 kg" in text
    assert f"{one}, {two}" in text


def test_a_certificate_names_revision_reference_release_and_its_authority(yard: Yard) -> None:
    yard.do(orders.create, ORDER, "GEN", 3, customer=CUSTOMER, reference="PO-77")
    yard.made()
    text = text_of(paper(yard, ORDER, "certificate"))
    assert all(word in text for word in ("PO-77", "LIB-2026-0001", "quality", "2026-11-23", "There is no concession."))


def test_what_is_not_released_gets_no_certificate_and_the_reason_names_it(yard: Yard) -> None:
    one, two, _three = yard.made(let_go=False)
    carton = yard.full([one, two])
    answer = papers.refused(facts(yard, carton), "certificate")
    assert answer is not None
    assert (answer.reason, answer.args) == ("delivery_not_released", {"unit": one})
    assert papers.refused(facts(yard, carton), "packing_list") is None
    nothing = papers.refused(facts(yard, ORDER), "certificate")
    assert nothing is not None
    assert nothing.reason == "delivery_nothing"


def test_a_concession_that_concerns_the_goods_stands_on_their_certificate(yard: Yard) -> None:
    one, *_ = yard.made(let_go=False)
    nc, who = yard.complain(one), yard.quality()
    yard.do(nonconformities.contain, nc, "shelf", labelled=True, actor=who)
    yard.do(nonconformities.analyse, nc, "scratch", actor=who)
    body = wire.ConcessionGranted(
        nc=nc, serials=(one,), count=1, expires="2026-12-31", scope="scratch on the lid", authority="P. Buyer"
    )
    concession = str(yard.do(nonconformities.grant, body, actor=who).args["concession"])
    done = yard.do(nonconformities.dispose, nc, [1], "use_as_is", concession=concession, why="agreed", actor=who)
    assert done.done, done
    yard.do(nonconformities.close, nc, actor=who)
    assert yard.let_go(ORDER).done
    text = text_of(paper(yard, ORDER, "certificate"))
    assert all(word in text for word in (concession, nc, "scratch on the lid", "P. Buyer", "with the concessions"))


def test_a_certificate_names_the_concession_of_a_component_lot_inside(yard: Yard) -> None:
    plan = packing_plan()
    (gen, *rest), fuse = plan.products, small_plan().products[0].steps[0].components[1:]
    look = gen.steps[0].model_copy(update={"components": fuse})
    products = (gen.model_copy(update={"steps": (look,)}), *rest)
    assert yard.do(publish_plan, plan.model_copy(update={"products": products})).done
    item = wire.NcItem(kind="lot", part="FUSE", subject="7", quantity=500)
    opened = wire.NonconformityOpened(title="Wrong colour", items=(item,))
    nc = str(yard.do(nonconformities.open_nc, opened).args["nc"])
    body = wire.ConcessionGranted(nc=nc, count=100, expires="2026-12-31", scope="blue instead of red")
    concession = str(yard.do(nonconformities.grant, body).args["concession"])
    assert yard.do(nonconformities.dispose, nc, [1], "use_as_is", concession=concession).done
    yard.do(orders.create, ORDER, "GEN", 1, customer=CUSTOMER)
    yard.order("GEN", 1)
    unit, b3 = "GEN-2648-00001", yard.bench("b3")
    fuses = {"unit": unit, "step": "look", "part": "FUSE", "lot": "7", "quantity": 2}
    arrived, fitted = b3.arrive(unit, "look"), b3.event("MaterialsInstalled", **fuses)
    made = yard.send(b3, arrived, fitted, b3.look(unit), b3.done(unit, "look"))
    assert {r.verdict for r in made} == {"accepted"}, made
    assert yard.let_go(ORDER).done
    text = text_of(paper(yard, ORDER, "certificate"))
    assert all(word in text for word in (concession, nc, "blue instead of red", "with the concessions"))


def test_the_same_facts_give_the_same_bytes_and_a_paper_given_out_is_known_again(yard: Yard) -> None:
    one, *_ = yard.made()
    number = str(yard.prepare(units=[one]).args["delivery"])
    made = paper(yard, number, "delivery_note")
    assert paper(yard, number, "delivery_note").content == made.content
    for _ in range(2):
        assert yard.do(papers.issue, made).done
    with reading(yard.engine) as session:
        known = papers.issued(session, made.content)
        assert known is not None
        assert (known.paper, known.subject, known.times) == ("delivery_note", number, 2)
        assert papers.issued(session, made.content + b"\n") is None
        assert [p.sha256 for p in papers.of_subject(session, number)] == [made.sha256]


def test_the_command_line_writes_papers_and_says_their_hash(yard: Yard, tmp_path: Path) -> None:
    one, *_ = yard.made()
    number = yard.sent(units=[one])
    at = ["--database", f"sqlite:///{tmp_path}/mes.db", "--json", "--language", "fr", "-o", f"{tmp_path}/x.pdf"]
    for command in (["delivery", "paper", number], ["certificate", number], ["certificate", ORDER]):
        said = CliRunner().invoke(main, [*command, *at])
        assert said.exit_code == 0, said.output
        with reading(yard.engine) as session:
            known = papers.issued(session, (tmp_path / "x.pdf").read_bytes())
            assert known is not None
            assert known.sha256 == json.loads(said.stdout)["sha256"]
            paper = known.paper
        check = ["trace", "check", f"{tmp_path}/x.pdf", *at[:3]]
        found = json.loads(CliRunner().invoke(main, check).stdout)
        assert (found["kind"], found["subject"]) == (paper, command[-1])
    (tmp_path / "x.pdf").write_bytes(b"%PDF of somebody else")
    assert CliRunner().invoke(main, check).exit_code == 1
    assert CliRunner().invoke(main, ["certificate", "OF-0", *at]).exit_code == 1


def test_a_release_at_the_command_line_is_signed_with_the_password_of_its_account(yard: Yard, tmp_path: Path) -> None:
    yard.made(let_go=False)
    with writing(yard.engine) as session:
        kept = passwords.hashed("a long secret")
        accounts.add(session, "Claire", "claire", ("quality",), kept, now=yard.clock.now)
    give = [
        "release",
        "give",
        ORDER,
        "--by",
        "claire",
        "--password-stdin",
        "--database",
        f"sqlite:///{tmp_path}/mes.db",
    ]
    wrong = CliRunner().invoke(main, give, input="another secret\n")
    assert wrong.exit_code == 1
    right = CliRunner().invoke(main, give, input="a long secret\n")
    assert right.exit_code == 0, right.output
    assert "LIB-2026-0001" in right.stdout
