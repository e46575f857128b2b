"""What devices answer, well and badly: tables of real replies, and what a station makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mes.domain.barcode import Plain, read
from mes.domain.measurement import UNITS
from mes.domain.spelling import SPELLINGS, unit_named
from mes.plan.lines import BadPattern, LineForm, LineTable, harmless
from mes.plan.station import Family as FamilyName
from stations.devices import FAMILIES, line_tester, safety_tester, scale, scanner, scpi
from stations.devices.line_tester import parse_line
from stations.devices.readings import Broken, Identity, NoReply, Reading, Reply, number
from stations.devices.scale import Done, NoWeight, Weight
from stations.devices.scpi import ScpiError
from stations.frames import EMPTY, BadFrame, Frame, Framing, feed


class Scripted:
    """A link that answers from a list; the last answer repeats."""

    def __init__(self, *answers: bytes | Reply | NoReply) -> None:
        self.answers = list(answers)
        self.sent: list[bytes] = []

    def ask(self, command: bytes, timeout_s: float) -> Reply | NoReply:
        self.sent.append(command)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Reply(answer) if isinstance(answer, bytes) else answer

    def write(self, data: bytes) -> bool:
        self.sent.append(data)
        return True


SILENCE = NoReply("timeout")
NONE = b'0,"No error"'


def on_the_line(framing: Framing, sent: bytes) -> bytes | NoReply:
    """What a link makes of these bytes, as `stations.exchange` does; a test on a real line is in test_ports.py."""
    buffer, frames = feed(framing, EMPTY, sent, 0)
    match frames[0] if frames else None:
        case Frame(raw):
            return raw
        case BadFrame(why, raw):
            return NoReply(why, raw)
    return NoReply("torn", buffer.held) if buffer.held else SILENCE


def rows(*tables: tuple[str, tuple[Broken, ...]]) -> list[object]:
    """A table of broken replies as cases."""
    return [pytest.param(name, row, id=f"{name}: {row.what}") for name, table in tables for row in table]


# --- units


def test_every_spelling_is_a_unit_that_a_plan_can_name() -> None:
    assert set(SPELLINGS.values()) <= set(UNITS)
    assert all(spelt.isascii() and " " not in spelt for spelt in SPELLINGS)
    assert all(unit_named(name) == name for name in UNITS), "the plan's own names are spellings"


@pytest.mark.parametrize(
    ("spelt", "unit"),
    [("kOhm", "kohm"), ("KOHM", "kohm"), ("kohms", "kohm"), ("KOhms", "kohm"), ("k ohm", "kohm"), ("Mohm", "Mohm"),
     ("MOHM", "Mohm"), ("M ohm", "Mohm"), ("megohms", "Mohm"), ("mohm", "mohm"), ("mOhm", "mohm"), ("m ohm", "mohm"),
     ("ohms", "ohm"), ("OHM", "ohm"), ("GOHM", "Gohm"), ("mA", "mA"), ("MA", "mA"), ("A", "A"), ("mADC", "mA"),
     ("A AC", "A"), ("uA", "uA"), ("VAC", "V"), ("V DC", "V"), ("Vrms", "V"), ("KV", "kV"), ("MV", "mV"), ("HZ", "Hz"),
     ("KHZ", "kHz"), ("MHZ", "MHz"), ("KG", "kg"), ("PCT", "%"), ("CEL", "degC"), ("SEC", "s"), ("kWh", "kWh")],
)  # fmt: skip
def test_a_unit_is_known_in_every_spelling_that_is_certain(spelt: str, unit: str) -> None:
    assert unit_named(spelt) == unit


@pytest.mark.parametrize(
    "spelt", ["", "k", "M", "MW", "mHz", "C", "F", "VV", "kk", "parsec", "Ω", "kΩ", "µA", "PF", "R"]
)
def test_a_unit_that_could_mean_two_things_or_nothing_is_not_guessed(spelt: str) -> None:
    assert unit_named(spelt) is None


# --- numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("-1.5", -1.5), ("+1.23E-3", 1.23e-3), ("1,5", 1.5), (" 7 ", 7.0), ("- 0.02", -0.02), (".5", 0.5),
     ("5.", 5.0), ("0001.500", 1.5), ("9.9E37", 9.9e37)],
)  # fmt: skip
def test_a_number_may_have_a_point_or_a_comma_and_a_sign_apart(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "-inf", "0x10", "1_000", "1,2,3", "1.2,3", "1 2", "1e", "--1", "1e9999", "٣"]
)
def test_what_is_not_one_decimal_number_is_none(text: str) -> None:
    assert number(text) is None


# --- scales


@pytest.mark.parametrize(
    ("dialect", "raw", "expected"),
    [("mt-sics", b"S S     100.00 g", (100.0, "g", True)),
     ("mt-sics", b"S D     100.01 g", (100.01, "g", False)),
     ("mt-sics", b"S S      -0.02 g", (-0.02, "g", True)),
     ("mt-sics", b"S S 1,234 kg", (1.234, "kg", True)),
     ("kern", b"ST,GS  1.000KG", (1.0, "kg", True)),
     ("kern", b"US,GS  1.342KG", (1.342, "kg", False)),
     ("kern", b"ST,NT,+0012.345 kg", (12.345, "kg", True)),
     ("kern", b"ST,GS,-  1.5  g", (-1.5, "g", True)),
     ("kern", b"ST,G, 12.5kg", (12.5, "kg", True)),
     ("ohaus", b"      0.01 g ?", (0.01, "g", False)),
     ("ohaus", b"    192.21 g", (192.21, "g", True)),
     ("ohaus", b"   -192.21 g  ", (-192.21, "g", True)),
     ("ohaus", b"    1.205 kg   N", (1.205, "kg", True))],
)  # fmt: skip
def test_a_scale_gives_a_weight_in_its_unit_and_says_whether_it_rests(
    dialect: str, raw: bytes, expected: tuple[float, str, bool]
) -> None:
    weight = scale.DIALECTS[dialect].parse(raw)
    assert isinstance(weight, Weight), weight
    assert (weight.value, weight.unit, weight.stable) == expected


@pytest.mark.parametrize(
    ("dialect", "raw", "why"),
    [("mt-sics", b"S I", "busy"), ("mt-sics", b"S +", "overload"), ("mt-sics", b"S -", "underload"),
     ("mt-sics", b"S L", "bad_command"), ("mt-sics", b"ES", "bad_command"), ("mt-sics", b"ET", "error"),
     ("mt-sics", b"EL", "bad_command"), ("mt-sics", b"S S 100.00", "bad_reply"), ("mt-sics", b"S S abc g", "bad_reply"),
     ("mt-sics", b"S S 100.00 stone", "bad_reply"), ("mt-sics", b"S", "bad_reply"), ("mt-sics", b"", "bad_reply"),
     ("mt-sics", b"T S 2.486 g", "bad_reply"), ("mt-sics", b"Z A", "bad_reply"),
     ("mt-sics", b'I4 A "0123"', "bad_reply"),
     ("mt-sics", b"S S 1.0 g S S 1.0 g", "bad_reply"), ("mt-sics", b"S S 1.2.3 g", "bad_reply"),
     ("kern", b"OL,GS,+          ", "overload"), ("kern", b"OL,GS,-          ", "underload"),
     ("kern", b"ST,TR,+  0.5 kg", "bad_reply"), ("kern", b"ST,GS", "bad_reply"), ("kern", b"10PCS", "bad_reply"),
     ("kern", b",GS 1.000KG", "bad_reply"), ("kern", b"000KG", "bad_reply"),
     ("ohaus", b"Err 8.4", "error"), ("ohaus", b"ES", "bad_command"), ("ohaus", b"  207.80 g TOTAL", "bad_reply"),
     ("ohaus", b"0.01", "bad_reply"), ("ohaus", b"? g", "bad_reply")],
)  # fmt: skip
def test_what_is_no_weight_says_why(dialect: str, raw: bytes, why: str) -> None:
    answer = scale.DIALECTS[dialect].parse(raw)
    assert isinstance(answer, NoWeight), answer
    assert answer.why == why


@pytest.mark.parametrize(
    ("raw", "reading"),
    [(b"S S 100.00 g", Reading(100.0, "g", "measured", "S S 100.00 g")),
     (b"S D 100.00 g", Reading(None, None, "error", "S D 100.00 g")),
     (b"S +", Reading(None, None, "overflow", "S +")),
     (b"S I", Reading(None, None, "error", "S I"))],
)  # fmt: skip
def test_only_a_weight_at_rest_is_measured(raw: bytes, reading: Reading) -> None:
    measure = FAMILIES["scale"].measure
    assert measure is not None
    link = Scripted(raw)
    assert measure(link, "S", 1.0) == reading
    assert link.sent == [b"S\r\n"]


@pytest.mark.parametrize(("dialect", "broken"), rows(*scale.BROKEN.items()))
def test_a_broken_weight_is_never_a_weight(dialect: str, broken: Broken) -> None:
    link = Scripted(on_the_line(scale.FRAMING, broken.sent))
    reading = scale.measure(scale.DIALECTS[dialect], link, "S", 0.1)
    assert reading.outcome == broken.outcome
    assert (reading.value is not None) == (broken.outcome == "measured")


@pytest.mark.parametrize(
    ("raw", "tared"),
    [(b"Z A", None), (b"ZI S", None), (b"ZI D", None), (b"T S      2.486 g", 2.486), (b"T A 2.486 g", 2.486),
     (b"TI D 2,5 kg", 2.5)],
)  # fmt: skip
def test_zero_and_tare_are_done_when_the_scale_says_so(raw: bytes, tared: float | None) -> None:
    done = scale.parse_mt_sics_done(raw)
    assert isinstance(done, Done), done
    assert (done.tared.value if done.tared else None) == tared


@pytest.mark.parametrize(
    ("raw", "why"),
    [(b"Z I", "busy"), (b"Z +", "overload"), (b"Z -", "underload"), (b"T I", "busy"), (b"T +", "overload"),
     (b"T -", "underload"), (b"T L", "bad_command"), (b"ES", "bad_command"), (b"ET", "error"),
     (b"S S 1.0 g", "bad_reply"),
     (b"T S 2.486", "bad_reply"), (b"T S x g", "bad_reply"), (b"Z", "bad_reply"), (b"", "bad_reply"),
     (b"I", "bad_reply")],
)  # fmt: skip
def test_zero_and_tare_that_were_not_done_say_why(raw: bytes, why: str) -> None:
    done = scale.parse_mt_sics_done(raw)
    assert isinstance(done, NoWeight), done
    assert done.why == why


def test_a_make_that_confirms_nothing_must_show_zero_after_zero_and_tare() -> None:
    kern, ohaus = scale.DIALECTS["kern"], scale.DIALECTS["ohaus"]
    link = Scripted(SILENCE, b"ST,GS  0.000KG")
    assert isinstance(scale.settle(link, kern, "Z"), Done)
    assert link.sent == [b"Z", b"S"]
    assert isinstance(scale.settle(Scripted(SILENCE, b"ST,NT  0.001KG"), kern, "T"), Done)
    assert isinstance(scale.settle(Scripted(b"OK!", b"      -0.01 g"), ohaus, "Z"), Done)
    for answers, why in (
        ((SILENCE, b"ST,GS  1.250KG"), "not_zero"),
        ((SILENCE, SILENCE), "no_reply"),
        ((SILENCE, b"OL,GS,+"), "overload"),
    ):
        left = scale.settle(Scripted(*answers), kern, "Z")
        assert isinstance(left, NoWeight)
        assert left.why == why
    assert scale.settle(Scripted(b"ES"), ohaus, "T") == NoWeight("bad_command", "ES")


def test_a_scale_is_told_zero_and_tare_and_nothing_else() -> None:
    sics = scale.DIALECTS["mt-sics"]
    link = Scripted(b"Z A", b"T S 1.0 g")
    assert scale.tell(sics, link, ["Z", "T"]) == ""
    assert link.sent == [b"Z\r\n", b"T\r\n"]
    assert scale.tell(sics, Scripted(b"Z I"), ["Z"]) == "Z: busy (Z I)"
    assert scale.tell(sics, Scripted(SILENCE), ["Z"]) == "Z: no_reply"
    untouched = Scripted(SILENCE)
    assert "not @" in scale.tell(sics, untouched, ["@"])
    assert untouched.sent == []


def test_a_scale_is_asked_in_its_own_words() -> None:
    for name, ask, command in (("scale", "SI", b"SI\r\n"), ("scale-kern", "S", b"S"), ("scale-ohaus", "S", b"SP\r\n")):
        link = Scripted(SILENCE)
        measure = FAMILIES[name].measure
        assert measure is not None
        assert measure(link, ask, 1.0).outcome == "timeout"
        assert link.sent == [command]


def test_a_silent_scale_gives_no_weight() -> None:
    assert scale.weigh(Scripted(SILENCE), scale.DIALECTS["kern"]) == NoWeight("no_reply", "")


# --- SCPI


@pytest.mark.parametrize(
    ("raw", "value", "unit"),
    [(b"+1.23456789E+00", 1.23456789, None), (b"230.1", 230.1, None), (b"230,1", 230.1, None), (b"-5", -5.0, None),
     (b"1.5E-03A", 1.5e-3, "A"), (b"1.5 mA", 1.5, "mA"), (b"49.98HZ", 49.98, "Hz"), (b"0.08 OHM", 0.08, "ohm"),
     (b"2.1 %", 2.1, "%"), (b" 12.0 VDC ", 12.0, "V"), (b"5.2 MOHM", 5.2, "Mohm"), (b"5.2 mohm", 5.2, "mohm")],
)  # fmt: skip
def test_an_instrument_gives_one_number_with_or_without_its_unit(raw: bytes, value: float, unit: str | None) -> None:
    assert scpi.parse_reading(raw) == Reading(value, unit, "measured", raw.decode())


@pytest.mark.parametrize(
    "raw", [b"9.9E37", b"+9.90000000E+37", b"-9.9E+37", b"9.9E37OHM", b"OL", b"-OVLD", b"1E38", b"Overload"]
)
def test_overload_is_an_overflow_and_not_a_number(raw: bytes) -> None:
    reading = scpi.parse_reading(raw)
    assert (reading.outcome, reading.value) == ("overflow", None)


@pytest.mark.parametrize(
    "raw",
    [b"", b"9.91E37", b"+9.910000E+37", b"nan", b"1.0,2.0", b"1,2,3", b'-113,"Undefined header"', b"ERROR",
     b"1.5 parsec", b"MEAS:VOLT:DC?", b"1.2.3", b"1e9999", b"0x1F", b"#15hello", b"LOCAL", b"1 V 2 V"],
)  # fmt: skip
def test_anything_else_is_an_error_of_the_bench(raw: bytes) -> None:
    reading = scpi.parse_reading(raw)
    assert (reading.outcome, reading.value) == ("error", None)
    assert reading.raw == raw.decode()


@pytest.mark.parametrize(("family", "broken"), rows(("scpi", scpi.BROKEN)))
def test_a_broken_number_is_never_a_number(family: str, broken: Broken) -> None:
    ok = b'0,"No error"'
    reading = scpi.measure(Scripted(on_the_line(scpi.FRAMING, broken.sent), ok), "READ?", 0.1)
    assert reading.outcome == broken.outcome
    assert (reading.value is not None) == (broken.outcome == "measured")


def test_an_error_that_came_where_a_late_answer_was_expected_is_not_forgotten() -> None:
    link = Scripted(Reply(b'0,"No error"', (b"230.1", b'-113,"Undefined header"')))
    assert scpi.drain_errors(link) == (ScpiError(-113, "Undefined header"),)


def test_a_late_number_in_the_place_of_an_error_is_read_away() -> None:
    link = Scripted(SILENCE, b"230.1", b'-410,"Query INTERRUPTED"', b'0,"No error"')
    assert scpi.measure(link, "MEAS:FREQ?", 1.0).raw == "timeout [-410 Query INTERRUPTED]"
    talks = Scripted(b"230.1")
    assert scpi.drain_errors(talks) == ()
    assert len(talks.sent) == 1 + scpi.MAX_STRAYS


@given(st.one_of(st.binary(max_size=300), st.from_regex(rb"[ -~]{0,80}", fullmatch=True)))
def test_no_reply_makes_a_parser_raise(raw: bytes) -> None:
    scale.parse_mt_sics_done(raw)
    scpi.parse_reading(raw)
    scpi.parse_identity(raw)
    scpi.parse_error(raw)
    safety_tester.parse_result(raw)
    for dialect in scale.DIALECTS.values():
        dialect.parse(raw)


def test_an_instrument_says_who_it_is_with_or_without_its_maker() -> None:
    keithley = b"KEITHLEY INSTRUMENTS INC., MODEL 2000, 1234567, A06/A02"
    assert scpi.parse_identity(keithley) == Identity(
        "KEITHLEY INSTRUMENTS INC.", "MODEL 2000", "1234567", "A06/A02", keithley.decode()
    )
    assert scpi.parse_identity(b"GPT-9803,GEO123456789,V1.00") == Identity(
        "", "GPT-9803", "GEO123456789", "V1.00", "GPT-9803,GEO123456789,V1.00"
    )
    commas = scpi.parse_identity(b"MAKER,PSU-1,0042,1.0,FPGA 2")
    assert commas is not None
    assert commas.firmware == "1.0, FPGA 2"
    assert scpi.parse_identity(b"hello") is None
    assert scpi.identify(Scripted(SILENCE)) == SILENCE


def test_the_error_queue_is_emptied_until_no_error() -> None:
    link = Scripted(b'-113,"Undefined header"', b'-222,"Data out of range"', b'0,"No error"')
    assert scpi.drain_errors(link) == (ScpiError(-113, "Undefined header"), ScpiError(-222, "Data out of range"))


def test_a_queue_that_never_ends_is_left_after_twenty_entries() -> None:
    link = Scripted(b'350,"Queue Overflow"')
    assert len(scpi.drain_errors(link)) == 20


def test_a_failed_query_carries_the_instruments_own_words() -> None:
    link = Scripted(b"???", b'-410,"Query INTERRUPTED"', b'+0,"No error"')
    assert scpi.measure(link, "MEAS:VOLT?", 1.0) == Reading(None, None, "error", "??? [-410 Query INTERRUPTED]")


@pytest.mark.parametrize(
    ("silence", "outcome"), [(SILENCE, "timeout"), (NoReply("lost"), "error"), (NoReply("torn", b"+1.2"), "error")]
)
def test_no_answer_is_a_timeout_and_half_an_answer_is_an_error(silence: NoReply, outcome: str) -> None:
    assert scpi.measure(Scripted(silence), "READ?", 1.0).outcome == outcome


@pytest.mark.parametrize("ask", ["", "READ?\n*RST", "MESURE É?"])
def test_a_query_that_is_not_one_line_is_never_sent(ask: str) -> None:
    link = Scripted(SILENCE)
    assert scpi.measure(link, ask, 1.0).outcome == "error"
    assert link.sent == []
    with pytest.raises(ValueError, match="one line"):
        scpi.set_up(link, [ask])


def test_a_setting_is_taken_when_the_instrument_has_nothing_against_it_and_is_ready() -> None:
    link = Scripted(NONE, NONE, b"1", NONE)
    assert scpi.tell(link, ["OUTP ON", "SOUR:VOLT 230"]) == ""
    assert link.sent == [b"SYST:ERR?\n", b"OUTP ON\n", b"SOUR:VOLT 230\n", b"SYST:ERR?\n", b"*OPC?\n", b"SYST:ERR?\n"]


@pytest.mark.parametrize(
    ("answers", "fault"),
    [((NONE, b'-222,"Data out of range"'), "-222 Data out of range"),
     ((NONE, SILENCE), "no answer (timeout)"),
     ((NONE, b"hello"), "not understood: hello"),
     ((NONE, NONE, SILENCE, NONE), "not ready: no answer to *OPC?"),
     ((NONE, NONE, b"0", NONE), "not ready: 0"),
     ((NONE, NONE, b"1", b'-200,"Execution error"'), "-200 Execution error"),
     ((NONE, NONE, SILENCE, b'-113,"Undefined header"', NONE), "")],
    ids=["refused", "silent", "garbage", "never ready", "strange", "refused when it was over", "knows no *OPC?"],
)  # fmt: skip
def test_a_setting_that_is_not_over_or_not_taken_says_so(answers: tuple[bytes | NoReply, ...], fault: str) -> None:
    assert scpi.tell(Scripted(*answers), ["OUTP ON"]) == fault


def test_an_instrument_without_opc_is_not_asked_for_it() -> None:
    link = Scripted(NONE)
    told = FAMILIES["safety-tester"].tell
    assert told is not None
    assert told(link, ["MANU:ACW:VOLT 1.5"]) == ""
    assert b"*OPC?\n" not in link.sent


# --- safety testers


def test_a_breakdown_during_the_ramp_is_rejected_although_its_current_is_small() -> None:
    result = safety_tester.parse_result(b">ACW, FAIL , 0.024kV ,0.013 mA ,R=000.1S")
    assert result is not None
    assert (result.function, result.judgement, result.voltage, result.complete) == ("ACW", "FAIL", (0.024, "kV"), False)
    assert result.time_s == 0.1
    assert result.reading() == Reading(0.013, "mA", "rejected", ">ACW, FAIL , 0.024kV ,0.013 mA ,R=000.1S")


@pytest.mark.parametrize(
    ("raw", "value", "unit"),
    [(b">ACW, PASS , 1.500kV ,0.213 mA ,T=001.0S", 0.213, "mA"),
     (b"IR,PASS ,0.500kV,  105 M ohm,T=001.0S", 105.0, "Mohm"),
     (b">IR , PASS , 0.500kV , 1.05 G ohm, T=001.0S", 1.05, "Gohm"),
     (b">GB , PASS , 25.00A , 052.3 m ohm , T=005.0S", 52.3, "mohm"),
     (b">DCW,PASS,1.414kV,12.0uA,T=1.0S", 12.0, "uA"),
     (b"DCW,PASS ,0.016kV,002.6004 mA ,T=000.4S", 2.6004, "mA")],
)  # fmt: skip
def test_a_passed_test_that_came_to_its_end_is_measured(raw: bytes, value: float, unit: str) -> None:
    result = safety_tester.parse_result(raw)
    assert result is not None
    assert result.reading() == Reading(value, unit, "measured", raw.decode(), passed=True)


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [(b">ACW, VIEW , 1.500kV ,0.213 mA ,T=001.0S", "error"), (b">ACW, PASS , 1.500kV ,0.213 mA ,R=000.5S", "error"),
     (b">ACW, ERROR , 0.000kV ,0.000 mA ,T=000.0S", "error"),
     (b">IR, PASS , 0.500kV ,>50.0 G ohm,T=001.0S", "overflow"),
     (b">ACW, FAIL , 1.500kV ,> 42.0 mA ,T=000.3S", "rejected"),
     (b">ACW, FAIL , 1.500kV ,4.9 mA ,T=001.0S", "rejected")],
)  # fmt: skip
def test_what_the_tester_did_not_pass_is_never_measured(raw: bytes, outcome: str) -> None:
    result = safety_tester.parse_result(raw)
    assert result is not None
    assert result.reading().outcome == outcome


@pytest.mark.parametrize(
    "raw",
    [b"", b">ACW, PASS , 1.500kV ,0.213 mA", b">XXX, PASS , 1.5kV ,0.2 mA ,T=001.0S", b"MEAS?", b'0,"No error"',
     b">ACW, PASS , 1.500kV ,0.213 parsec ,T=001.0S", b">IR, PASS, 0.5kV, 105, T=1S", b">ACW, PASS , kV ,0.2 mA ,T=1S"],
)  # fmt: skip
def test_a_reply_of_another_form_is_no_result(raw: bytes) -> None:
    assert safety_tester.parse_result(raw) is None


@pytest.mark.parametrize(("family", "broken"), rows(("safety-tester", safety_tester.BROKEN)))
def test_a_broken_result_is_never_a_passed_one(family: str, broken: Broken) -> None:
    answer = on_the_line(safety_tester.FRAMING, broken.sent)
    link = Scripted(OK, OK, b"", b"TEST ON", b"TEST OFF", answer)
    reading = safety_tester.measure(link, "ACW", 1.0, pause=lambda _: None)
    assert reading.outcome == broken.outcome
    assert (reading.value is not None) == (broken.outcome in ("measured", "rejected"))
    assert link.sent[-1] == b"FUNC:TEST OFF\n"


OK = b'0,"No error"'
BROKE_DOWN = b">ACW, FAIL , 0.024kV ,0.013 mA ,R=000.1S"
PASSED = b">ACW, PASS , 1.500kV ,0.213 mA ,T=001.0S"


def test_a_result_counts_only_after_the_tester_was_seen_testing() -> None:
    link = Scripted(OK, OK, b"", b"TEST OFF", b"TEST ON", b"TEST ON", b"TEST OFF", PASSED)
    waits: list[float] = []
    reading = safety_tester.measure(link, "ACW@3", 10.0, pause=waits.append)
    assert (reading.outcome, reading.value) == ("measured", 0.213)
    assert len(waits) == 3
    assert b"MANU:STEP 3\n" in link.sent
    assert link.sent[0] == link.sent[-1] == b"FUNC:TEST OFF\n"


def test_a_start_that_does_not_happen_never_gives_the_last_units_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety_tester, "START_S", 0.0)
    for last in (PASSED, BROKE_DOWN):
        link = Scripted(OK, OK, last, b"TEST OFF", last)
        reading = safety_tester.measure(link, "ACW", 10.0, pause=lambda _: None)
        assert (reading.outcome, reading.value, reading.raw) == ("error", None, "the test did not start")
        assert link.sent[-1] == b"FUNC:TEST OFF\n"


def test_a_breakdown_too_short_to_be_seen_running_is_rejected_and_a_pass_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(safety_tester, "START_S", 0.0)
    broke = Scripted(OK, OK, PASSED, b"TEST OFF", BROKE_DOWN)
    assert safety_tester.measure(broke, "ACW", 10.0, pause=lambda _: None).outcome == "rejected"
    passed = Scripted(OK, OK, BROKE_DOWN, b"TEST OFF", PASSED)
    assert safety_tester.measure(passed, "ACW", 10.0, pause=lambda _: None).outcome == "error"


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [((OK, b'-113,"Undefined header"', OK), "error"),
     ((OK, OK, SILENCE), "timeout"),
     ((OK, OK, b"", SILENCE), "timeout"),
     ((OK, OK, b"", NoReply("lost")), "error"),
     ((OK, OK, b"", b"BUSY"), "error"),
     ((OK, OK, b"", b"TEST ON"), "error"),
     ((OK, OK, b"", b"TEST ON", b"TEST OFF", SILENCE), "timeout"),
     ((OK, OK, b"", b"TEST ON", b"TEST OFF", b">DCW, PASS , 1.500kV ,0.213 mA ,T=001.0S"), "error"),
     ((OK, OK, b"", b"TEST ON", b"TEST OFF", b"?"), "error")],
    ids=["refused", "silent", "silent when started", "unplugged", "strange state",
         "never ends", "silent at the end", "other test", "garbage"],
)  # fmt: skip
def test_high_voltage_is_switched_off_whatever_happens(answers: tuple[bytes | NoReply, ...], outcome: str) -> None:
    link = Scripted(*answers)
    assert safety_tester.measure(link, "ACW", 0.2, pause=lambda _: None).outcome == outcome
    assert link.sent[-1] == b"FUNC:TEST OFF\n"


@pytest.mark.parametrize("ask", ["acw", "ACW;FUNC:TEST ON", "HV", "ACW@", "ACW@1000", ""])
def test_an_unknown_test_is_never_started(ask: str) -> None:
    link = Scripted(OK)
    assert safety_tester.measure(link, ask, 1.0).outcome == "error"
    assert link.sent == []


# --- testers that send lines

ICT = (
    r"(?P<serial>[A-Z0-9-]{1,30});V=(?P<v12>[0-9.]+)(?P<v12_unit>[a-zA-Z]+);"
    r"I=(?P<idle>[0-9.,]+);(?P<verdict>PASS|FAIL|[A-Z]+)"
)


def form(pattern: str = ICT) -> LineForm:
    return LineTable(pattern=pattern, units={"idle": "mA"}, tests={"idle": "idle-current"}).form


def test_a_line_gives_serial_verdict_and_readings_by_test_id() -> None:
    raw = b"NMD-1;V=12.05V;I=3,2;PASS"
    result = parse_line(form(), raw)
    assert result is not None
    assert (result.serial, result.verdict) == ("NMD-1", "passed")
    assert result.readings == (
        ("v12", Reading(12.05, "V", "measured", raw.decode(), passed=True)),
        ("idle-current", Reading(3.2, "mA", "measured", raw.decode(), passed=True)),
    )


@pytest.mark.parametrize(
    ("word", "verdict", "outcome"), [("FAIL", "failed", "rejected"), ("ABORT", "unknown", "error")]
)
def test_the_testers_own_verdict_is_never_overruled_by_its_values(word: str, verdict: str, outcome: str) -> None:
    result = parse_line(form(), f"NMD-1;V=12.05V;I=3.2;{word}".encode())
    assert result is not None
    assert result.verdict == verdict
    assert {reading.outcome for _, reading in result.readings} == {outcome}


def test_a_value_that_is_no_number_is_an_error() -> None:
    result = parse_line(form(), b"NMD-1;V=1.2.3V;I=3.2;PASS")
    assert result is not None
    assert [reading.outcome for _, reading in result.readings] == ["error", "measured"]


@pytest.mark.parametrize(("family", "broken"), rows(("line-tester", line_tester.BROKEN)))
def test_a_broken_line_is_never_a_good_one(family: str, broken: Broken) -> None:
    raw = on_the_line(line_tester.FRAMING, broken.sent)
    result = parse_line(line_tester.EXAMPLE.form, raw) if isinstance(raw, bytes) else None
    iso = dict(result.readings)["iso"] if result else None
    assert (iso.outcome if iso else "error") == broken.outcome
    assert iso is None or (iso.value is not None) == (broken.outcome in ("measured", "rejected"))


def test_a_line_in_columns_gives_the_same_as_one_in_an_expression() -> None:
    table = LineTable(
        separator="\t", columns=("", "serial", "v", "v_unit", "verdict"), passed=("GUT",), failed=("SCHLECHT",)
    )
    assert table.measurements == ("v",)
    result = parse_line(table.form, b"17\tNMD-1 \t 12,05\tV DC\tgut")
    assert result is not None
    assert (result.serial, result.verdict) == ("NMD-1", "passed")
    assert [(r.value, r.unit, r.outcome) for _, r in result.readings] == [(12.05, "V", "measured")]
    assert parse_line(table.form, b"17\tNMD-1\t12,05\tV DC\tgut\tmore") is None


def test_a_line_without_serial_or_verdict_says_none() -> None:
    result = parse_line(LineTable(separator=",", columns=("v",), units={"v": "V"}).form, b"12.05")
    assert result is not None
    assert (result.serial, result.verdict) == (None, None)


@given(st.binary(max_size=300))
def test_no_line_makes_the_reader_raise(raw: bytes) -> None:
    parse_line(form(), raw)
    parse_line(line_tester.EXAMPLE.form, raw)


@given(st.text(max_size=60))
def test_no_expression_makes_the_check_raise(pattern: str) -> None:
    made = harmless(pattern)
    if not isinstance(made, BadPattern):
        made.fullmatch("a1;" * 50)


@pytest.mark.parametrize(
    "raw", [b"", b"NMD-1", b"NMD-1;V=12.05V;I=3.2;", b"x" * 5000, b"NMD-1;V=12.05V;I=3.2;PASS;more"]
)
def test_a_line_of_another_form_is_no_result(raw: bytes) -> None:
    assert parse_line(form(), raw) is None


@pytest.mark.parametrize(
    ("pattern", "why"),
    [("(?P<v>(?:a+)+)b", "not_allowed"), ("(?P<v>a+)(?P=v)", "not_allowed"), (r"(?P<v>a)\1", "not_allowed"),
     ("(?=(?P<v>a))", "not_allowed"), ("(?i)(?P<v>a)", "not_allowed"), ("(?P<v>a*?)", "not_allowed"),
     ("(?P<v>a){2,}", "not_allowed"), ("(?P<v>a{1,4000000000})", "not_allowed"), ("(?P<v>a{,})", "not_allowed"),
     ("(?P<v>" + "a" * 500 + ")", "too_long"), ("(?P<v>a", "syntax"), ("[a-z", "syntax"), ("(?P<v>[[a]])", "syntax"),
     ("[0-9]+", "no_measurement"), ("(?P<serial>a)(?P<verdict>b)", "no_measurement"), ("", "no_measurement"),
     ("(?P<v>a)|*", "not_allowed"), ("+(?P<v>a)", "not_allowed")],
)  # fmt: skip
def test_a_pattern_that_could_run_away_or_says_nothing_is_refused(pattern: str, why: str) -> None:
    made = harmless(pattern)
    assert isinstance(made, BadPattern), made
    assert made.why == why
    assert made.text


@pytest.mark.parametrize(
    ("pattern", "line"),
    [("(?P<v>[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*)1", "a" * 900),
     ("(?P<v>.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*)=", "=" * 900),
     ("(?P<v>" + "(?:a|a)" * 60 + ")c", "a" * 900),
     ("(?P<v>(?:(?:(?:a?b?)?c?)?d?)?)" + "a?" * 100 + "a{100}", "a" * 900)],
    ids=["overlapping classes", "overlapping dots", "equal alternatives", "nested options"],
)  # fmt: skip
def test_no_line_makes_an_accepted_pattern_slow(pattern: str, line: str) -> None:
    made = LineTable(pattern=pattern, units={"v": "V"}).form
    parse_line(made, line.encode())  # a slow one would take years: the test's own limit ends it


# --- scanners and the list


def test_a_scanner_frame_is_what_the_barcode_reader_reads() -> None:
    _, frames = feed(scanner.FRAMING, EMPTY, b"NMD-1\r\n", 0)
    assert [read(f.raw) for f in frames if isinstance(f, Frame)] == [Plain("NMD-1")]


def test_no_feedback_table_sends_a_nak_which_would_make_a_scanner_send_again() -> None:
    assert all(b"\x15" not in f.good + f.bad for f in scanner.FEEDBACK.values())
    assert scanner.FEEDBACK["none"] == scanner.Feedback()


def test_a_stations_file_offers_every_family_and_no_other() -> None:
    assert set(FAMILIES) == set(get_args(FamilyName))


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_each_family_stands_under_its_own_name_and_can_be_asked_if_it_measures(name: str) -> None:
    family = FAMILIES[name]
    assert family.id == name
    assert (family.measure is not None) == (family.role == "measure")


def test_each_measuring_family_turns_silence_into_a_timeout_and_an_unplugged_cable_into_an_error() -> None:
    asks = {"scpi": "READ?", "safety-tester": "GB"}
    for name, family in FAMILIES.items():
        if family.measure is not None:
            measure: Callable[..., Reading] = family.measure
            assert measure(Scripted(SILENCE), asks.get(name, "S"), 0.1).outcome == "timeout"
            assert measure(Scripted(NoReply("lost")), asks.get(name, "S"), 0.1).outcome == "error"


def test_the_line_testers_frames_let_tabs_through() -> None:
    assert feed(line_tester.FRAMING, EMPTY, b"A\tB\n", 0)[1] == (Frame(b"A\tB"),)


def test_an_instrument_that_started_again_says_so_even_where_its_word_might_have_been_a_late_answer() -> None:
    assert scpi.restarted(Scripted(Reply(b"0"))) is False
    assert scpi.restarted(Scripted(Reply(b"128"))) is True
    assert scpi.restarted(Scripted(Reply(b"0", (b"+2.30E+02", b"160")))) is True
    assert scpi.restarted(Scripted(Reply(b"0", (b"+2.30E+02",)))) is False
    assert scpi.restarted(Scripted(SILENCE)) is None


def test_an_objection_to_a_command_counts_even_where_it_might_have_been_a_late_answer() -> None:
    none = b'0,"No error"'
    assert scpi.tell(Scripted(none), ["OUTP ON"], ready_s=0) == ""
    link = Scripted(none, Reply(none, (b'-113,"Undefined header"',)))
    assert scpi.tell(link, ["OUTP ON"], ready_s=0) == "-113 Undefined header"
