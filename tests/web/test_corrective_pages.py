"""Corrective actions in the office: from the question to the check, the report, and what is said of bad input."""

from __future__ import annotations

import io

from pypdf import PdfReader

from tests.server.worlds import released_order
from tests.web.pages import Office, text_of

AC = "AC-2026-0001"
PAGE = f"/quality/actions/{AC}"
FORMS = "/quality/actions"


def send(office: Office, form: str, **fields: str) -> str:
    return text_of(office.post(PAGE, f"{FORMS}/{form}", number=AC, **fields).text)


def asked(office: Office) -> None:
    released_order(office.shop)
    said = office.post(
        f"{FORMS}/new",
        f"{FORMS}/open",
        title="Cable pinched",
        problem="Three of twelve since Monday",
        product="NOMAD-1000",
        step="battery",
        defect="",
    )
    assert f"{AC} is open. Now ask why." in text_of(said.text)


def worked_on(office: Office) -> None:
    asked(office)
    assert "The cause is noted." in send(office, "cause", text="No room for the cable", branch="method", under="0")
    assert "The cause is noted." in send(office, "cause", text="<b>The jig hides it</b>", branch="machine", under="1")
    assert "The root cause is named." in send(office, "root", cause="2")
    said = send(office, "task", text="New jig", owner="supervisor", due="2027-01-15", lasting="1")
    assert "The task is planned." in said
    said = send(office, "criterion", criterion="None on the next ten", by="units", after="10")
    assert "The criterion is set." in said


def test_a_fault_is_followed_to_its_check_and_every_part_is_on_the_page(office: Office) -> None:
    worked_on(office)
    page = office.get(PAGE)
    assert "&lt;b&gt;The jig hides it" in page  # what was typed is text, in the list and in the drawing
    assert "<b>The jig hides it" not in page
    assert "<svg" in page
    assert "The task is done." in send(office, "done", task="1", evidence="Jig 7")
    assert "0 of 10 units have come since" in send(office, "check", effective="yes", note="Fine")
    assert "The check is noted." in send(office, "check", effective="no", note="It came again")
    assert "look for the cause once more" in text_of(office.get(PAGE))
    assert "The action is cancelled." in send(office, "cancel", why="No longer made")
    assert AC not in office.get("/quality/actions")
    assert AC in office.get("/quality/actions?show=all")


def test_what_is_missing_is_said_and_changes_nothing(office: Office) -> None:
    said = office.post(f"{FORMS}/new", f"{FORMS}/open", title=" ", problem="", product="", step="", defect="")
    assert "Say in a few words" in text_of(said.text)
    asked(office)
    assert "No root cause is named yet." in send(office, "task", text="Jig", owner="quality", due="2027-01-15")
    assert "Say why in a few words" in send(office, "cause", text=" ", branch="method", under="0")
    assert "choose the family" in send(office, "cause", text="Why", branch="who", under="0")
    assert "Choose a cause." in send(office, "root", cause="x")
    assert "until when" in send(office, "task", text="Jig", owner="quality", due="soon")
    assert "Say how it can be seen" in send(office, "done", task="1", evidence=" ")
    assert "how many days or units" in send(office, "criterion", criterion="None", by="days", after="0")
    assert "whether it has worked" in send(office, "check", effective="", note="")
    assert "Say why, so that everybody understands." in send(office, "cancel", why="")
    assert office.client.get("/quality/actions/AC-2026-0999").status_code == 404


def test_the_8d_report_is_a_tagged_archive_pdf_without_a_name(office: Office) -> None:
    worked_on(office)
    got = office.client.get(f"/quality/actions/report/{AC}.pdf", headers={"Accept-Language": "fr"})
    assert got.mimetype == "application/pdf"
    reader = PdfReader(io.BytesIO(got.data))
    text = "\n".join(page.extract_text() for page in reader.pages)
    for said in ("Rapport 8D", "D4 Cause racine", "Encadrement", "New jig", "None on the next ten"):
        assert said in text
    assert "Chief" not in text
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]


def test_a_planner_sees_it_and_changes_nothing_but_that_a_task_is_done(office: Office) -> None:
    worked_on(office)
    page = office.signed_in("plan", "planner").get(PAGE, headers={"Accept-Language": "en"}).text
    assert "Name a cause" not in page
    assert f"{FORMS}/done" in page
