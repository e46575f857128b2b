"""What a person can get wrong in the plan's files, and what is said: each error, with what is allowed, all at once."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from mes.domain.route import Plan
from mes.plan import PlanError, read_plan, read_station

CONFIG = Path(__file__).parents[2] / "config"
NOMAD, KIT, PLANT, DEFECTS = "products/nomad.toml", "products/kit-b.toml", "plant.toml", "defects.toml"
BENCH_4, BENCH_7 = "stations/bench-4.toml", "stations/bench-7.toml"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MES_LANG", "en")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped plan, to be broken."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Replace a piece of text where it stands first in a file."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def errors_of(folder: Path) -> list[PlanError]:
    found = read_plan(folder)
    return [] if isinstance(found, Plan) else found


# fmt: off
WRONG = [
    # (what, file, old, new, table, key, sentence, allowed)
    ("unknown station", NOMAD, 'station = "bench-3"', 'station = "bench3"', "step inverter", "station",
     "No station is called bench3. Did you mean bench-3?", "bench-1, bench-2"),
    ("unknown station among several", NOMAD, 'station = "bench-3"', 'stations = ["bench-3", "x"]', "step inverter",
     "stations", "No station is called x.", "bench-1"),
    ("unknown line", BENCH_7, 'line = "nomad"', 'line = "nomade"', "station", "line",
     "No line is called nomade. Did you mean nomad?", "nomad, pack"),
    ("unknown picture of a step", NOMAD, '"step-kitting"', '"step-kiting"', "step kitting", "picture",
     "No picture is called step-kiting. Did you mean step-kitting?", "step-kitting"),
    ("unknown picture of a defect", DEFECTS, '"defect-dent"', '"defect-bent"', "defect DENT", "picture",
     "No picture is called defect-bent. Did you mean defect-dent?", "defect-dent"),
    ("unknown defect", KIT, '"PART-WRONG"', '"PART-WORNG"', "step count", "defects",
     "No defect has the code PART-WORNG. Did you mean PART-WRONG?", "PART-WRONG"),
    ("no such instrument", NOMAD, 'instrument = "safety-tester", ask = "IR"', 'instrument = "scpi", ask = "IR"',
     "step safety", "tests.iso.instrument", "No instrument scpi at: bench-4.", "safety, safety-tester"),
    ("instrument asked wrongly", NOMAD, 'ask = "IR"', 'ask = "MEAS:RES?"', "step safety", "tests.iso.ask",
     "An instrument of family safety-tester is not asked this.", "ACW, DCW, IR, GB"),
    ("a command is no query", NOMAD, 'ask = "MEAS:FREQ?"', 'ask = "MEAS:FREQ"', "step function", "tests.freq.ask",
     "An instrument of family scpi is not asked this.", "MEAS:VOLT?"),
    ("limits the wrong way round", NOMAD, "low = 49.5, high = 50.5", "low = 50.5, high = 49.5", "step function",
     "tests.freq.high", "The upper limit 49.5 is below the lower limit 50.5.", "50.5 or more"),
    ("unknown unit of measure", NOMAD, 'unit = "Mohm"', 'unit = "MOhm"', "step safety", "tests.iso.unit",
     "No unit of measure is called MOhm. Did you mean Mohm?", "kohm"),
    ("two steps of one id", NOMAD, 'id = "inverter"', 'id = "battery"', "step battery", "id",
     "Two steps are called battery.", "each one once"),
    ("two tests of one id", NOMAD, 'id = "iso"', 'id = "pe"', "step safety", "tests.id",
     "Two tests are called pe.", "each one once"),
    ("two components of one part", NOMAD, 'part = "FUSE-30A"', 'part = "BAT-48V"', "step battery", "components.part",
     "Two components are the same part: BAT-48V.", "each one once"),
    ("two stations of one id", BENCH_7, 'id = "bench-7"', 'id = "bench-8"', "station", "id",
     "Two stations are called bench-8: the other one is in stations/bench-7.toml.", "each one once"),
    ("two stations in one place", BENCH_7, "place = 7", "place = 8", "station", "place",
     "Two stations have this place on their line: the other one is in stations/bench-7.toml.", "each one once"),
    ("two products of one id", KIT, 'id = "KIT-B"', 'id = "NOMAD-1000"', "product", "id",
     "Two products are called NOMAD-1000: the other one is in products/kit-b.toml.", "each one once"),
    ("two defects of one code", DEFECTS, 'code = "DIRT"', 'code = "DENT"', "defect DENT", "code",
     "Two defects have the code DENT.", "each one once"),
    ("two ports of one name", BENCH_4, 'name = "safety"', 'name = "scanner"', "port scanner", "name",
     "Two ports are called scanner.", "each one once"),
    ("a missing translation", NOMAD, ', en = "NoMad 1000 generator"', "", "product", "name.en",
     "The English text is missing.", "fr = "),
    ("a text in no language", NOMAD, '{ fr = "Continuité de la terre", en = "PE continuity" }', '"PE"', "step safety",
     "tests.pe.name", "This is not a table.", "a table between { and }"),
    ("an empty instruction", KIT, '"Close the bag."', '" "', "step count", "instruction",
     "A sentence is missing or empty.", "1 to 8 short sentences in each language"),
    ("an unknown key", NOMAD, "cycle_s = 300", "cycles = 300", "step kitting", "cycles",
     "This key is not known here. Did you mean cycle_s?", "station, stations"),
    ("an unknown key of a test", NOMAD, 'unit = "ohm", high', 'unit = "ohm", hihg', "step safety", "tests.pe.hihg",
     "This key is not known here. Did you mean high?", "after_failure, ask, chart, high, id, instrument, low"),
    ("an unknown table", KIT, "[[step]]", "[[steps]]", "steps", "",
     "This table is not known in this file. Did you mean step?", "[[step]], [product]"),
    ("a missing key", NOMAD, "cycle_s = 300\n", "", "step kitting", "cycle_s",
     "This key is missing.", "a whole number"),
    ("a missing station", NOMAD, 'station = "bench-1"\n', "", "step kitting", "station",
     "This key is missing.", '"…"'),
    ("a missing table", BENCH_7, "[server]\nurl", "[screen.server]\nurl", "server", "",
     "This table is missing.", "[server]"),
    ("station and stations", NOMAD, 'station = "bench-1"', 'station = "bench-1"\nstations = ["bench-1"]',
     "step kitting", "station", "The step says both station and stations.", "one of them"),
    ("a number in quotation marks", NOMAD, "cycle_s = 300", 'cycle_s = "300"', "step kitting", "cycle_s",
     "This is not a whole number.", "a whole number without quotation marks"),
    ("a limit that is no number", NOMAD, "high = 0.1", "high = nan", "step safety", "tests.pe.high",
     "This is not a number.", "a number without quotation marks"),
    ("an unknown kind", NOMAD, 'kind = "kit"', 'kind = "kitt"', "step kitting", "kind",
     "This word is not known here.", "kit, assemble, test, burn-in, inspect, pack, count"),
    ("a name with an accent", NOMAD, 'id = "kitting"', 'id = "préparation"', "step préparation", "id",
     "This is not a valid name.", "letters without accents"),
    ("a serial without a counter", NOMAD, "-{n:05}", "", "product", "serial",
     "A number needs one counter, so that no two are the same.", "NMD-{yy}{ww}-{n:05}"),
    ("a serial that looks like an own code", NOMAD, '"NMD-', '".NMD-', "product", "serial",
     "A number must not begin with .: the workshop's own codes do.", "NMD-"),
    ("a serial with a blank", NOMAD, '"NMD-', '"NMD ', "product", "serial",
     "The label of this number cannot carry every character of NMD .", "NMD-"),
    ("a serial with an unknown field", NOMAD, "{ww}", "{n.__class__}", "product", "serial",
     "{n.__class__} is not known in this number.", "{yy} {yyyy} {ww}"),
    ("a serial with half a brace", NOMAD, "{ww}", "{ww", "product", "serial", "A brace is missing.", "NMD-"),
    ("no serial pattern", NOMAD, "serial = ", "# serial = ", "product", "serial",
     "A product with serial numbers needs their pattern.", "NMD-"),
    ("an order number by week", PLANT, "OF-{yyyy}", "OF-{ww}", "plant", "order_pattern",
     "{ww} is not known in this number.", "{yy} {yyyy}"),
    ("a pattern that is none", NOMAD, r"^CH(?P<serial>\d{6})$", "^CH(?P<serial>", "step kitting",
     "components.CHASSIS-1000.pattern", "This is not a regular expression", "(?P<serial>.+)"),
    ("a pattern without its group", NOMAD, r"^CH(?P<serial>\d{6})$", r"^CH(?P<lot>\d{6})$", "step kitting",
     "components.CHASSIS-1000.pattern", "The pattern has no group named serial.", "(?P<serial>.+)"),
    ("a lot with serial numbers", KIT, 'tracking = "lot"', 'tracking = "lot"\nserial = "K-{n}"', "product", "serial",
     "A lot has no serial numbers.", 'tracking = "serial"'),
    ("a lot that is inspected", KIT, 'kind = "count"', 'kind = "inspect"', "step count", "kind",
     "This kind of step needs serial numbers, and the product is a lot.", "kit, count, pack"),
    ("a lot with a part by serial", KIT, "cycle_s = 45",
     'cycle_s = 45\ncomponents = [{ part = "P", name = { fr = "p", en = "p" }, per = "serial" }]',
     "step count", "components.P.per", "No part goes into a lot by its serial number.", 'per = "lot"'),
    ("a lot with tests", KIT, "cycle_s = 45", 'cycle_s = 45\ntests = [{ id = "w", name = { fr = "p", en = "p" }, '
     'unit = "g", instrument = "scale", ask = "S" }]', "step count", "tests",
     "A test needs serial numbers, and the product is a lot.", "no tests"),
    ("units that are counted", NOMAD, 'kind = "kit"', 'kind = "count"', "step kitting", "kind",
     "Units with serial numbers are not counted.", 'tracking = "lot"'),
    ("a test step without tests", NOMAD, 'kind = "assemble"', 'kind = "test"', "step battery", "tests",
     "A test step has no test.", "one test or more"),
    ("retests without tests", NOMAD, "cycle_s = 300", "cycle_s = 300\nretests = 1", "step kitting", "retests",
     "Without a test there is nothing to test again.", "0, or a step with tests"),
    ("a burn-in without its time", NOMAD, "min_s = 7200", "", "step burn-in", "min_s",
     "A burn-in step does not say how long it lasts.", "seconds, 1 or more"),
    ("a break outside its shift", PLANT, '{ start = "09:30", end = "09:50" }', '{ start = "05:50", end = "06:10" }',
     "shift morning", "breaks", "The break from 05:50 to 06:10 is not inside the shift.", "from 06:00 to 13:30"),
    ("two breaks at a time", PLANT, '{ start = "09:30", end = "09:50" }',
     '{ start = "09:30", end = "09:50" }, { start = "09:40", end = "10:00" }', "shift morning", "breaks",
     "The break from 09:40 to 10:00 begins during another one.", "one after the other"),
    ("a shift without length", PLANT, 'end = "13:30"', 'end = "06:00"', "shift morning", "end",
     "The shift ends when it starts.", "a time after the start"),
    ("no time of day", PLANT, 'start = "06:00"', 'start = "6h"', "shift morning", "start",
     "This is not a time of day.", '"06:00"'),
    ("a time zone that does not exist", PLANT, "Europe/Paris", "Europe/Rennes", "plant", "timezone",
     "No time zone is called Europe/Rennes.", "Europe/Paris"),
    ("a language that is not ours", PLANT, '["fr", "en"]', '["fr", "br"]', "plant", "languages",
     "This word is not known here.", "fr, en"),
    ("a defect code in small letters", DEFECTS, 'code = "NOISE"', 'code = "noise"', "defect noise", "code",
     "The label of a defect cannot carry this code.", "capital letters"),
    ("a port that is none", BENCH_4, "/dev/serial/by-id/usb-Handheld_Scanner_BENCH4-if00", "COM3", "port scanner",
     "url", "This is not a serial port.", "/dev/serial/by-id/"),
    ("a VISA address that is none", BENCH_4, "/dev/serial/by-id/usb-Handheld_Scanner_BENCH4-if00", "visa://192.168.1.20",
     "port scanner", "url", "This is not a VISA address.", "visa://TCPIP::192.168.1.20::INSTR"),
    ("a speed that no line has", BENCH_4, "baud = 9600", "baud = 9601", "port scanner", "baud",
     "No serial line has this speed: 9601.", "9600, 19200"),
    ("an instrument without calibration", BENCH_4, ", calibration_due = 2027-03-31", "", "port safety",
     "instrument.calibration_due", "This key is missing.", "2027-03-01"),
    ("an instrument without identity", BENCH_4, "instrument = ", "# ", "port safety", "instrument",
     "A measuring instrument needs its number and its calibration.", "calibration_due"),
    ("a date that is none", BENCH_4, "2027-03-31", '"31/03/2027"', "port safety", "instrument.calibration_due",
     "This is not a date.", "2027-03-01"),
    ("a scanner that measures", BENCH_7, "baud = 9600",
     'instrument = { id = "A", serial = "1", calibration_due = 2027-03-31 }', "port scanner", "instrument",
     "A scanner measures nothing.", 'no key "instrument"'),
    ("a server that is none", BENCH_7, "https://", "ftp://", "server", "url",
     "This is not the address of a server.", "https://"),
    ("a fingerprint that is none", BENCH_7, "[server]", '[server]\nfingerprint = "ab:cd"', "server", "fingerprint",
     "This is not a SHA-256 fingerprint.", "64 hexadecimal digits"),
    ("a syntax error", KIT, "cycle_s = 45", "cycle_s = ", "", "", "Line 32 is not TOML: Invalid value.", "key = "),
    ("a pattern that runs away", NOMAD, r"^CH(?P<serial>\d{6})$", r"^CH(?P<serial>(\d+)+)$", "step kitting",
     "components.CHASSIS-1000.pattern", "Some label could keep a bench busy", "no repetition of a repetition"),
    ("an AQL that no table has", KIT, "aql = 1.0", "aql = 1.2", "step count", "sampling.aql",
     "The tables of ISO 2859-1 have no such AQL", "0.65, 1.0, 1.5"),
    ("an inspection level that there is not", KIT, 'level = "II"', 'level = "IV"', "step count", "sampling.level",
     "This word is not known here.", "II, III"),
    ("sampling where nobody looks", KIT, 'defects = ["COUNT-WRONG", "BOX-DAMAGED", "LABEL"]',
     "sampling = { aql = 1.0 }", "step carton", "sampling", "Lots are accepted by sampling after an inspection",
     "inspect, count"),
    ("a chart of a carton", NOMAD, 'unit = "kg"', 'unit = "kg", chart = { centre = 18.2, sigma = 0.1 }', "step packing",
     "tests.weight.chart", "What is in a carton is no process: it has no control chart.", "no chart"),
    ("a process beyond the limits", NOMAD, 'low = 20.0, marginal',
     'low = 20.0, chart = { centre = 19, sigma = 1 }, marginal', "step function", "tests.capacity.chart",
     "The centre of the process 19 lies beyond the limits of the product.", "centre = 20 – …"),
    ("a rule of a chart twice", NOMAD, 'low = 20.0, marginal',
     'low = 20.0, chart = { centre = 25, sigma = 1, rules = [1, 1] }, marginal', "step function",
     "tests.capacity.chart.rules", "A rule stands twice.", "[1, 2, 5]"),
    ("a chart without spread", NOMAD, 'low = 20.0, marginal',
     'low = 20.0, chart = { centre = 25, sigma = 0 }, marginal', "step function",
     "tests.capacity.chart.sigma", "This number is too small.", "more than 0"),
    ("a rule that there is not", NOMAD, 'low = 20.0, marginal',
     'low = 20.0, chart = { centre = 25, sigma = 1, rules = [9] }, marginal', "step function",
     "tests.capacity.chart.rules", "", "8"),
    ("a marginal band without a limit", NOMAD, 'low = 1.0, marginal = 0.2', 'marginal = 0.2', "step safety",
     "tests.iso.marginal", "A marginal band needs a limit.", "0, or a test with a limit"),
    ("marginal bands that meet", NOMAD, "high = 50.5, marginal = 0.05", "high = 50.5, marginal = 0.5",
     "step function", "tests.freq.marginal", "The marginal bands leave nothing between them.", "less than 0.5"),
    ("a test that needs a later one", NOMAD, 'ask = "GB"', 'ask = "GB", needs = ["iso"]', "step safety", "tests",
     "pe needs iso, which is no test before it.", ""),
    ("a set-up without its end", NOMAD, "after_failure = \"stop\"", 'set_up = [{ instrument = "safety", send = "X" }]',
     "step safety", "tear_down", "Nothing brings back to rest what was set up: safety.", 'send = "OUTP OFF"'),
    ("a set-up that asks", NOMAD, "after_failure = \"stop\"", 'tear_down = [{ instrument = "safety", send = "X?" }]',
     "step safety", "tear_down.1.send", "This is a question: nobody would read its answer.", "OUTP ON"),
    ("a set-up of a scale", NOMAD, "retests = 2 ", 'set_up = [{ instrument = "scale", send = "OFF" }]\nretests = 2 ',
     "step packing", "set_up.1.send", "An instrument of family scale is not told this.", "Z, T"),
    ("unknown step in after", NOMAD, 'after = ["safety"]', 'after = ["safty"]', "step function", "after",
     "No step is called safty.", "safety"),
    ("a later step in after", NOMAD, 'after = ["safety"]', 'after = ["packing"]', "step function", "after",
     "The step packing does not come before this one.", "safety"),
    ("the step itself in after", NOMAD, 'after = ["safety"]', 'after = ["function"]', "step function", "after",
     "The step function does not come before this one.", "safety"),
    ("a step without a test in after", NOMAD, 'after = ["safety"]', 'after = ["battery"]', "step function", "after",
     "The step battery has no test that could be passed.", "safety"),
    ("a piece whose weight nobody knows", NOMAD, ", weight_g = 420", "", "step packing", "tests.weight.weigh",
     "No weight is known of: BOX-1000.", "weight_g of the product"),
    ("a unit whose weight nobody knows", NOMAD, "weight_g = 16900", "", "step packing", "tests.weight.weigh",
     "No weight is known of: NOMAD-1000.", "weight_g of the product"),
    ("a tolerance that hides a missing piece", NOMAD, "tolerance_g = 100", "tolerance_g = 120", "step packing",
     "tests.weight.weigh", "A carton without Manual (120 g) would still pass.", "less than 120"),
    ("a weight in volts", NOMAD, 'unit = "kg"', 'unit = "V"', "step packing", "tests.weight.weigh",
     "This is weighed in a unit of mass.", "g, kg"),
    ("a weighing with limits of its own", NOMAD, 'unit = "kg"', 'unit = "kg", low = 18.0', "step packing",
     "tests.weight.weigh", "The limits of a weighing follow from what is in the carton.", 'no "low"'),
    ("a weighing where nothing is packed", NOMAD, 'id = "packing"\nkind = "pack"', 'id = "packing"\nkind = "assemble"',
     "step packing", "tests", "Only a carton that is packed is weighed.", "kind pack"),
    ("a marginal band as wide as the tolerance", NOMAD, 'unit = "kg"', 'unit = "kg", marginal = 0.1', "step packing",
     "tests.weight.marginal", "The marginal bands leave nothing between them.", "less than 0.1"),
    ("samples of a step that is no burn-in", NOMAD, "retests = 1", "retests = 1\nsample_s = 60", "step safety",
     "sample_s", "Only a burn-in with tests is sampled.", "kind burn-in"),
    ("samples with a set-up", NOMAD, "sample_s = 300",
     'sample_s = 300\ntear_down = [{ instrument = "scpi", send = "OUTP OFF" }]', "step burn-in",
     "sample_s", "What is set up for one unit would be taken from the others", "no set_up"),
    ("a sample that is the same at every place", NOMAD, "MEAS:TEMP? (@{place})", "MEAS:TEMP?", "step burn-in",
     "sample_s", "Every place would get the same reading of: temp.", "{place}"),
    ("a burn-in that ends before its first sample", NOMAD, "sample_s = 300", "sample_s = 7201", "step burn-in", "min_s",
     "The time is over before the first sample.", "7201"),
    ("a record for one test of several", NOMAD, 'instrument = "safety-tester", ask = "IR"',
     'instrument = "record", ask = "riso"', "step safety", "tests",
     "Some tests of the step come in a record, and some do not.", 'instrument = "record" in all or none'),
    ("printer without a place", PLANT, "[[shift]]", '[[printer]]\nid = "z"\nlabel = "57x32"\n\n[[shift]]', "printer z",
     "station", "A printer has either an address or a station that it stands at.", 'station = "pack-2"'),
    ("printer at no station", PLANT, "[[shift]]",
     '[[printer]]\nid = "zy"\nlabel = "57x32"\nstation = "pack2"\n\n[[shift]]', "printer zy",
     "station", "No station is called pack2. Did you mean pack-2?", "bench-1"),
    ("printer that a station has not", PLANT, "[[shift]]",
     '[[printer]]\nid = "zx"\nlabel = "57x32"\nstation = "pack-2"\n\n[[shift]]', "printer zx",
     "station", "The file of station pack-2 has no label printer called zx.", 'family = "label-printer"'),
]
# fmt: on


@pytest.mark.parametrize(
    ("file", "old", "new", "table", "key", "said", "allowed"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_an_error_names_its_file_its_table_and_its_key_and_says_what_is_allowed(
    folder: Path, file: str, old: str, new: str, table: str, key: str, said: str, allowed: str
) -> None:
    edit(folder, file, old, new)
    found = [e for e in errors_of(folder) if (e.table, e.key) == (table, key) and e.message.startswith(said)]
    assert found, "\n".join(map(str, errors_of(folder)))
    assert allowed in found[0].allowed
    # The second of two names is the one that is said, in whichever file it stands.
    assert found[0].file.partition("/")[0] == file.partition("/")[0]


def test_a_scale_is_set_to_zero_and_needs_no_tear_down(folder: Path) -> None:
    edit(folder, NOMAD, "retests = 2 ", 'set_up = [{ instrument = "scale", send = "Z" }]\nretests = 2 ')
    assert errors_of(folder) == []


def test_a_step_without_tests_sets_nothing_up(folder: Path) -> None:
    path = folder / NOMAD
    text = path.read_text(encoding="utf-8")
    burn_in = text[text.index('id = "burn-in"') : text.index('id = "final"')]
    without = re.sub(r"sample_s = \d+\n", "", burn_in)
    without = re.sub(
        r"tests = \[.*?\n\]\n", 'tear_down = [{ instrument = "scpi", send = "OUTP OFF" }]\n', without, flags=re.S
    )
    path.write_text(text.replace(burn_in, without), encoding="utf-8")
    said = "Without a test there is nothing to set up."
    assert [(e.table, e.key, e.message) for e in errors_of(folder)] == [("step burn-in", "tear_down", said)]


def test_all_errors_of_all_files_come_at_once(folder: Path) -> None:
    for _what, file, old, new, *_rest in (WRONG[0], WRONG[2], WRONG[9], WRONG[10], WRONG[43], WRONG[52]):
        edit(folder, file, old, new)
    edit(folder, KIT, '"COUNT-WRONG", "PART-WRONG"', '"ONE", "TWO"')
    (folder / "pictures" / "step-final.svg").unlink()
    assert {(e.file, e.table, e.key) for e in errors_of(folder)} == {
        (PLANT, "shift morning", "end"),
        (BENCH_7, "station", "line"),
        (KIT, "step count", "kind"),
        (KIT, "step count", "defects"),
        (NOMAD, "step inverter", "station"),
        (NOMAD, "step function", "tests.freq.high"),
        (NOMAD, "step safety", "tests.iso.unit"),
        (NOMAD, "step final", "picture"),
    }
    assert [e.message.split(".")[0] for e in errors_of(folder) if e.key == "defects"] == [
        "No defect has the code ONE",
        "No defect has the code TWO",
    ]


@pytest.mark.parametrize("file", [PLANT, DEFECTS, "stations/bench-3.toml", BENCH_4])
def test_a_broken_file_makes_no_false_errors_in_the_others(folder: Path, file: str) -> None:
    (folder / file).write_text("[station\n", encoding="utf-8")
    assert [e.file for e in errors_of(folder)] == [file]


def test_a_wrong_key_hides_no_other_error_of_its_step(folder: Path) -> None:
    edit(folder, NOMAD, "cycle_s = 300", "cycle_s = 0\nretests = 1\nmin_s = -1\nunknown = 1")
    edit(folder, NOMAD, 'picture = "step-kitting"', 'picture = "none"')
    assert [e.key for e in errors_of(folder)] == ["picture", "cycle_s", "retests", "min_s", "unknown"]


@pytest.mark.parametrize("file", [PLANT, DEFECTS, NOMAD, BENCH_4])
def test_a_value_of_any_other_type_is_an_error_and_never_a_crash(folder: Path, file: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    values = {found[1]: found for found in re.finditer(r"^([a-z_]+) = (.+?)$(?<![\[{])", text, re.MULTILINE)}
    for found in values.values():
        for odd in ("[]", "[1]", "{}", "[[{}]]", "true", "-1e400", "06:00:00", "9999999999999999999999", '"\\u0000"'):
            changed = f"{text[: found.start(2)]}{odd}{text[found.end(2) :]}"
            (folder / file).write_text(changed, encoding="utf-8")
            for error in errors_of(folder):
                assert error.message
                assert error.file


def test_a_missing_file_and_a_file_that_nothing_reads_are_said(folder: Path) -> None:
    (folder / DEFECTS).rename(folder / "defaults.toml")
    assert [(e.file, e.message) for e in errors_of(folder)] == [
        ("defaults.toml", "Nothing reads a file of this name here."),
        (DEFECTS, "The file is missing."),
    ]


def test_a_file_that_is_not_utf_8_is_said_and_the_mark_of_windows_editors_is_not_an_error(folder: Path) -> None:
    plant = (folder / PLANT).read_text(encoding="utf-8")
    (folder / PLANT).write_bytes(plant.encode("utf-8-sig"))
    assert errors_of(folder) == []
    (folder / PLANT).write_bytes(plant.encode("latin-1", errors="replace"))
    assert [e.message for e in errors_of(folder)] == ["The file is not UTF-8 text."]


def test_a_station_pc_hears_every_error_of_its_file(folder: Path) -> None:
    edit(folder, BENCH_4, "place = 4", "place = 0")
    edit(folder, BENCH_4, 'family = "scanner"', 'family = "scaner"')
    edit(folder, BENCH_4, "port = 8104", "port = 80")
    found = read_station(folder / BENCH_4)
    assert isinstance(found, list)
    assert [(e.file, e.table, e.key) for e in found] == [
        ("bench-4.toml", "station", "place"),
        ("bench-4.toml", "screen", "port"),
        ("bench-4.toml", "port scanner", "family"),
    ]


def test_errors_speak_french_to_those_who_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(folder, NOMAD, 'station = "bench-3"', 'station = "bench3"')
    monkeypatch.setenv("MES_LANG", "fr")
    said = str(errors_of(folder)[0])
    assert "Aucun poste ne s’appelle bench3. Vouliez-vous dire bench-3 ? Autorisé : bench-1" in said


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawing", "said"),
    [
        (SVG.format("<script>alert(1)</script>"), "The picture contains <script>."),
        (SVG.format("<foreignObject><p/></foreignObject>"), "The picture contains <foreignObject>."),
        (SVG.format('<h:script xmlns:h="http://www.w3.org/1999/xhtml">1</h:script>'), "The picture contains <script>."),
        (SVG.format('<image href="https://example.org/a.png"/>'), "The picture contains <image>."),
        (SVG.format("<style>@import 'x'</style>"), "The picture contains <style>."),
        (SVG.format('<g><animate attributeName="href"/></g>'), "The picture contains <animate>."),
        (SVG.format('<path onclick="alert(1)"/>'), "The picture contains a script: onclick."),
        (SVG.format('<use href="other.svg#a"/>'), "The picture refers to something outside itself: href=other.svg#a."),
        (SVG.format('<path fill="url(https://example.org/a)"/>'), "The picture refers to something outside itself"),
        (SVG.format("<path style=\"fill:url( '//example.org')\"/>"), "The picture refers to something outside itself"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("&a;"), "The picture declares a document type."),
        ('<svg xmlns="http://www.w3.org/2000/svg"/>', "This is not an SVG picture with a viewBox."),
        ("<svg", "This is not an SVG picture (unclosed token"),
        ("\x89PNG", "This is not an SVG picture"),
        (SVG.format(f'<path d="{"M0 0" * 20_000}"/>'), "The picture has "),
    ],
)
def test_a_picture_that_does_more_than_draw_is_refused(folder: Path, drawing: str, said: str) -> None:
    (folder / "pictures" / "step-final.svg").write_text(drawing, encoding="utf-8")
    found = errors_of(folder)
    assert [e.file for e in found] == ["pictures/step-final.svg"]
    assert found[0].message.startswith(said)
    assert found[0].allowed


def test_a_document_type_in_another_encoding_is_refused_too(folder: Path) -> None:
    drawing = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("&a;")
    (folder / "pictures" / "step-final.svg").write_bytes(drawing.encode("utf-16"))
    assert [e.file for e in errors_of(folder)] == ["pictures/step-final.svg"]


def test_what_a_drawing_program_notes_for_itself_is_left_out_and_its_colours_stay(folder: Path) -> None:
    (folder / "pictures" / "step-final.svg").write_text(
        '<?xml version="1.0"?><!-- made with a program -->'
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:i="http://www.inkscape.org/namespaces/inkscape" i:version="1"'
        ' viewBox="0 0 9 9" width="9mm"><i:grid/><metadata>me</metadata>'
        '<path i:label="x" style="stroke:#0f4c81;-inkscape-font:x" d="M0 0"/></svg>',
        encoding="utf-8",
    )
    plan = read_plan(folder)
    assert isinstance(plan, Plan)
    assert plan.pictures["step-final"] == (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path stroke="#0f4c81" d="M0 0" /></svg>'
    )


def test_a_picture_whose_name_no_step_can_write_is_said(folder: Path) -> None:
    (folder / "pictures" / "step-final.svg").rename(folder / "pictures" / "étape.svg")
    assert ("pictures/étape.svg", "No step can name this picture.") in [(e.file, e.message) for e in errors_of(folder)]


def test_a_step_whose_tests_come_in_a_record_needs_no_instrument_at_its_station(folder: Path) -> None:
    text = (CONFIG.parent / "docs" / "openhtf.md").read_text(encoding="utf-8")
    tests = text.split("```toml\n# in a product's step\n")[1].split("```")[0]
    path = folder / NOMAD
    before, _, after = path.read_text(encoding="utf-8").partition('id = "inverter"')
    path.write_text(before + 'id = "inverter"\n' + tests + after, encoding="utf-8")
    plan = read_plan(folder)
    assert isinstance(plan, Plan), "\n".join(map(str, plan))
    product = plan.product("NOMAD-1000")
    step = product.step("inverter") if product else None
    assert step is not None
    assert step.recorded


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ('set_up = [{ instrument = "record", send = "ON" }]', "No instrument record at: bench-3."),
        ("sample_s = 60", "A tester that sends its results by itself is not asked for samples."),
    ],
)
def test_nothing_is_told_to_a_record(folder: Path, extra: str, said: str) -> None:
    test = '{ id = "v", name = { fr = "V", en = "V" }, unit = "V", high = 5.0, instrument = "record", ask = "out" }'
    edit(folder, NOMAD, 'id = "inverter"', f'id = "inverter"\ntests = [{test}]\n{extra}')
    assert any(said in str(error) for error in errors_of(folder)), errors_of(folder)
