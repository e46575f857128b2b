"""What travels between a station and the server about the label printers that stand at the station.

No event: a label on its way is no fact yet. What became of it is: `LabelPrinted`, which the server writes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mes.wire.envelope import Frozen, UtcText

PrinterId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,47}$")]
JobNumber = Annotated[int, Field(ge=1, le=2**53)]
Nth = Annotated[int, Field(ge=1, le=2**31 - 1)]
PrintWhy = Literal[
    "", "printer_away", "printer_silent", "printer_paper", "printer_head", "printer_ribbon", "printer_paused",
    "printer_hot", "printer_busy", "printer_lost", "printer_late", "printer_stopped",
]  # fmt: skip
"""Why a label waits, or why nobody knows: codes of `mes.domain.reasons`."""


class PrintNextRequest(Frozen):
    """The station holds no label of this printer, and asks for the next one."""

    printer: PrinterId


class PrintTask(Frozen):
    """A label that may leave. `job`, `since` and `nth` together name it; `data` is one ZPL format, ASCII.

    `answers`: the printer says how it is on its line.
    """

    job: JobNumber
    since: UtcText
    nth: Nth
    data: str
    answers: bool


class PrintNextReply(Frozen):
    """The first label that waits; none, or none before a doubt is settled."""

    task: PrintTask | None


class PrintSaidRequest(Frozen):
    """What the station says of a label: it leaves now (the first byte waits for the answer), nothing of it has left, it
    came out, or nobody knows. Saying it twice changes nothing."""

    printer: PrinterId
    job: JobNumber
    since: UtcText
    nth: Nth
    state: Literal["leaving", "wait", "printed", "unsure"]
    why: PrintWhy = ""


class PrintSaidReply(Frozen):
    """`go`: of one that wants to leave, whether it may."""

    go: bool
