"""The payment file of a run: what is accepted, held and reported, and invariants of its totals."""

import base64
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.nmbrs.payment_file import (
    Caution,
    FileRefused,
    PaymentFile,
    StructuredReference,
    read_payment_file,
)
from tests.support.pain001_builder import EQUIVALENT, IBANS, PAIN_03, File, Line, Part, file_of, plain, with_line

ROOT = Path(__file__).resolve().parents[2]


def read(raw: bytes) -> PaymentFile:
    return read_payment_file(raw, "Salaris april")


def refused(raw: bytes) -> tuple[str, int | None]:
    with pytest.raises(FileRefused) as caught:
        read(raw)
    return caught.value.code, caught.value.line


# --- accepted ---
def test_it_reads_a_file():
    raw = file_of(Line(cents=344808, name="Jong, Wouter de", end_to_end_id="7-1"), Line(iban=IBANS[1])).raw()
    found = read(raw)
    assert (found.version, found.debtor_name, found.debtor_iban) == ("pain.001.001.03", "Demo BV", "NL95INGB0004921836")
    assert (found.count, found.total_cents) == (2, 605908)
    first, second = found.lines
    assert (first.name, first.iban, first.amount_cents) == ("Jong, Wouter de", IBANS[0], 344808)
    assert (first.description, first.end_to_end_id) == ("Salaris april", "7-1")
    assert (second.iban, second.end_to_end_id) == (IBANS[1], None)


@pytest.mark.parametrize("version", ["02", "03", "04", "05", "08", "09", "11"])
def test_any_version(version: str):
    name = "pain.001.001.02" if version == "02" else "CstmrCdtTrfInitn"
    file = replace(File(), namespace=PAIN_03[:-2] + version, initiation=name)
    assert read(file.raw()).version == f"pain.001.001.{version}"


@pytest.mark.parametrize("namespace", ["", "urn:nmbrs:own"])
def test_any_namespace(namespace: str):
    found = read(replace(File(), namespace=namespace).raw())
    assert (found.version, found.count) == ("", 1)


def test_any_namespace_prefix():
    raw = file_of(Line()).xml().replace("</", "</p:").replace("<", "<p:").replace("<p:/p:", "</p:")
    raw = raw.replace("<p:?xml", "<?xml").replace("xmlns=", "xmlns:p=")
    assert read(raw.encode()).total_cents == 261100


@pytest.mark.parametrize(
    "raw",
    [
        File().raw(),
        b"\xef\xbb\xbf" + File().raw(),
        b"\r\n  " + File().raw(),
        replace(File(), declaration="").raw(),
        replace(File(), declaration='<?xml version="1.0" encoding="utf-16"?>').raw(),
        replace(File(), declaration="<?xml version='1.0' encoding='UTF-16' standalone='yes'?>\n").raw(),
        File().xml().encode("utf-16"),
        replace(File(), declaration='<?xml version="1.0" encoding="utf-16"?>').xml().encode("utf-16-be"),
        base64.b64encode(File().raw()),
        base64.encodebytes(File().raw()),
        base64.b64encode(b"\xef\xbb\xbf" + File().raw()),
        base64.b64encode(replace(File(), declaration='<?xml version="1.0" encoding="utf-16"?>').xml().encode("utf-16")),
    ],
)
def test_raw_or_base64(raw: bytes):
    assert read(raw).total_cents == 261100


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_letters_in_every_encoding(encoding: str):
    xml = file_of(Line(name="Müller-Ångström, Zoë")).xml().replace("utf-8", encoding)
    assert read(base64.b64encode(xml.encode(encoding))).lines[0].name == "Müller-Ångström, Zoë"


def test_valid_utf8_overrides_the_declaration():
    raw = file_of(Line(name="Zoë")).xml().replace("utf-8", "iso-8859-1").encode()
    assert read(raw).lines[0].name == "Zoë"


def test_several_parts_with_their_own_totals():
    parts = (Part((Line(cents=100), Line(cents=250))), Part((Line(cents=1),), debtor=""))
    found = read(File(parts).raw())
    assert (found.count, found.total_cents, found.debtor_name) == (3, 351, "Demo BV")


def test_several_payments_for_one_person():
    assert read(file_of(Line(cents=1), Line(cents=2)).raw()).count == 2


def test_notprovided_may_repeat():
    assert [line.end_to_end_id for line in read(file_of(Line(), Line()).raw()).lines] == [None, None]


def test_headers_without_totals():
    silent = File((Part(count="", total=""),), count="", total="")
    assert read(silent.raw()).total_cents == 261100


@pytest.mark.parametrize("total", ["2611", "2611.0", "2611.00", "2611.00000"])
def test_a_control_sum_may_have_more_zeros(total: str):
    assert read(replace(File(), total=total).raw()).total_cents == 261100


def test_a_count_may_have_leading_zeros():
    assert read(replace(File(), count="0001").raw()).count == 1


@pytest.mark.parametrize(
    ("remittance", "more", "expected"),
    [
        ("Salaris mei", "", "Salaris mei"),
        ("Salaris\n   mei ", "", "Salaris mei"),
        ("deel 1", "<RmtInf><Ustrd>deel 2</Ustrd></RmtInf>", "deel 1 deel 2"),
        (None, "<RmtInf><Strd><CdtrRefInf><Ref>1111 2222</Ref></CdtrRefInf></Strd></RmtInf>", "1111 2222"),
        ("Tekst", "<RmtInf><Strd><CdtrRefInf><Ref>1111</Ref></CdtrRefInf></Strd></RmtInf>", "Tekst"),
        (None, "", "Salaris april"),
        ("  ", "", "Salaris april"),
    ],
)
def test_the_description_of_a_payment(remittance: str | None, more: str, expected: str):
    assert read(with_line(remittance=remittance, more=more)).lines[0].description == expected


def test_the_default_description():
    assert read_payment_file(with_line(remittance=None), "").lines[0].description == "Salaris"


def test_a_name_may_hold_markup_characters_and_comments():
    raw = with_line(name="Jansen & <Zn>").replace(b"Jansen", b"Jan<!-- c -->sen")
    assert read(raw).lines[0].name == "Jansen & <Zn>"


def test_an_iban_in_groups_of_four_or_small_letters():
    assert read(with_line(iban="nl42 ingb 2268 3524 12")).lines[0].iban == IBANS[0]


@pytest.mark.parametrize(("amount", "cents"), [("0.01", 1), ("12", 1200), ("5.5", 550), ("999999999.99", 99999999999)])
def test_amounts(amount: str, cents: int):
    assert read(with_line(cents=cents, amount=amount)).lines[0].amount_cents == cents


# --- held, left out or reported ---
HELD = [
    ({"iban": "NL43INGB2268352412"}, "bad_iban"),
    ({"iban": "NL42INGB226835241"}, "bad_iban"),
    ({"iban": "XX42INGB2268352412"}, "bad_iban"),
    ({"iban": "NL42INGB2268352412X"}, "bad_iban"),
    ({"iban": "TR330006100519786457841326"}, "outside_sepa"),
    ({"iban": "AE070331234567890123456"}, "outside_sepa"),
    ({"iban": "BR1800360305000010009795493C1"}, "outside_sepa"),
    ({"iban": None}, "no_iban"),
    ({"iban": " "}, "no_iban"),
    ({"name": None}, "no_name"),
    ({"name": " \n"}, "no_name"),
    ({"name": "..."}, "name_unusable"),
    ({"name": "محمد علي"}, "name_unusable"),
    ({"name": "王小明"}, "name_unusable"),
    ({"name": "Jans\ufffden, P."}, "name_unusable"),
    ({"currency": "USD"}, "other_currency"),
    ({"currency": ""}, "other_currency"),
    ({"currency": "eur"}, "other_currency"),
    ({"cents": 100_000_000_000}, "amount_too_large"),
    ({"cents": -100}, "bad_amount"),
]


@pytest.mark.parametrize(("change", "reason"), HELD, ids=[f"{reason}-{at}" for at, (_, reason) in enumerate(HELD)])
def test_a_line_that_cannot_be_paid_is_held_and_the_others_stay_payable(change: dict, reason: str):
    held = replace(Line(cents=12_345, end_to_end_id="held"), **change)
    found = read(file_of(Line(), held, Line(cents=5)).raw())
    assert [(line.number, line.amount_cents) for line in found.lines] == [(1, 261_100), (3, 5)]
    assert (found.count, found.total_cents) == (2, 261_105)
    (line,) = found.held
    assert (line.number, line.reason, line.amount_cents, line.currency) == (2, reason, held.cents, held.currency)
    assert (line.name, line.iban) == (" ".join((held.name or "").split()), (held.iban or "").strip())
    assert (line.description, line.end_to_end_id) == ("Salaris april", "held")
    assert (found.left_out, found.cautions) == ((), ())


@pytest.mark.parametrize("iban", ["AL47212110090000000235698741", "RS35260005601001611379", "GB82WEST12345698765432"])
def test_accounts_in_all_of_sepa_are_payable(iban: str):
    assert read(with_line(iban=iban)).held == ()


def test_a_file_may_hold_nothing_that_can_be_paid():
    found = read(with_line(name="محمد علي"))
    assert (found.count, found.total_cents, found.lines) == (0, 0, [])
    assert [line.reason for line in found.held] == ["name_unusable"]


def test_an_equivalent_amount_is_held():
    raw = with_line().replace(b'<InstdAmt Ccy="EUR">2611.00</InstdAmt>', EQUIVALENT.encode())
    (line,) = read(raw).held
    assert (line.reason, line.amount_cents, line.currency) == ("other_currency", 261_100, "EUR")


def test_the_control_sum_covers_all_currencies():
    """Amounts of currencies with smaller units than cents have no amount in cents."""
    file = File((Part((Line(), Line(currency="KWD", amount="1.234")), total="2612.234"),), total="2612.23400")
    (line,) = read(file.raw()).held
    assert (line.reason, line.amount_cents, line.currency) == ("other_currency", None, "KWD")
    assert refused(replace(file, total="2612.23").raw()) == ("wrong_sum", None)


def test_an_amount_with_a_part_of_a_cent_is_held_without_cents():
    lines = (Line(), Line(amount="1.005"))
    file = File((Part(lines, total="2612.005"),), total="2612.00500")
    (line,) = read(file.raw()).held
    assert (line.reason, line.amount_cents, line.currency) == ("bad_amount", None, "EUR")
    assert refused(replace(file, total="2612.01").raw()) == ("wrong_sum", None)


def test_decimals_that_are_zero_are_no_part_of_a_cent():
    assert read(with_line(cents=100, amount="1.000")).lines[0].amount_cents == 100


@pytest.mark.parametrize("amount", ["0.00", "0", "0.0", "-0.00"])
def test_a_line_of_zero_is_left_out_and_reported(amount: str):
    found = read(file_of(Line(), Line(cents=0, amount=amount), Line(cents=5)).raw())
    assert [line.number for line in found.lines] == [1, 3]
    assert [(line.number, line.reason, line.amount_cents) for line in found.left_out] == [(2, "zero_amount", 0)]
    assert found.held == ()


def test_a_duplicate_id_is_accepted_with_a_caution_that_names_the_lines():
    part = Part((Line(end_to_end_id="a"), Line(end_to_end_id="b"), Line(end_to_end_id="a")))
    found = read(File((part, Part((Line(end_to_end_id="a"),)))).raw())
    assert found.count == 4
    assert found.cautions == (Caution("doubled_id", (1, 3, 4)),)


@pytest.mark.parametrize("none", ["NOTPROVIDED", "0", "NONREF"])
def test_a_placeholder_is_no_id_and_may_repeat(none: str):
    found = read(file_of(Line(end_to_end_id=none), Line(end_to_end_id=none)).raw())
    assert ([line.end_to_end_id for line in found.lines], found.cautions) == ([None, None], ())


def reference(ref: str = "1234567890123456", issuer: str = "CUR", more: str = "") -> str:
    kind = f"<Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry><Issr>{issuer}</Issr></Tp>"
    return f"<RmtInf><Strd><CdtrRefInf>{kind}<Ref>{ref}</Ref></CdtrRefInf>{more}</Strd></RmtInf>"


@pytest.mark.parametrize("ref", ["1234567890123456", "RF18539007547034", "RF18 5390 0754 7034"])
def test_a_structured_reference_is_returned_as_it_came(ref: str):
    found = read(with_line(remittance=None, more=reference(ref)))
    assert found.lines[0].reference == StructuredReference(ref, "SCOR", "CUR")
    assert (found.lines[0].description, found.cautions) == (ref, ())


def test_text_beside_a_reference_is_kept_and_reported():
    found = read(with_line(remittance="Loonbeslag", more=reference(more="<AddtlRmtInf>april\n 2026</AddtlRmtInf>")))
    assert found.lines[0].reference == StructuredReference("1234567890123456", "SCOR", "CUR")
    assert found.lines[0].description == "Loonbeslag april 2026"
    assert found.cautions == (Caution("text_beside_reference", (1,)),)


@pytest.mark.parametrize(("more", "codes"), [
    (reference("RF19539007547034", "ISO"), ["bad_check_digits"]),
    ("<RmtInf><Strd><RfrdDocInf><Nb>7</Nb></RfrdDocInf></Strd></RmtInf>", ["remittance_not_carried"]),
])  # fmt: skip
def test_an_unusual_reference_is_reported(more: str, codes: list[str]):
    found = read(with_line(remittance=None, more=more))
    assert (found.count, [one.code for one in found.cautions]) == (1, codes)


@pytest.mark.parametrize("more", [
    reference("x" * 36), reference("Ünïcode"), reference("//1"), reference(issuer="€" * 3),
    reference("1") + reference("2"),
])  # fmt: skip
def test_a_reference_that_cannot_be_sent_as_it_came_holds_its_line(more: str):
    assert [line.reason for line in read(with_line(remittance=None, more=more)).held] == ["reference_unusable"]


DEBTOR = "<Dbtr><Nm>Demo BV</Nm></Dbtr><DbtrAcct><Id><IBAN>{}</IBAN></Id></DbtrAcct>"
ON = "<PmtMtd>TRF</PmtMtd><ReqdExctnDt>{}</ReqdExctnDt>"
OURS, OTHER = "NL95INGB0004921836", "NL64TRIO0379501686"


def test_each_debtor_account_is_a_payment_of_its_own():
    parts = (Part(debtor=DEBTOR.format(OURS)), Part((Line(cents=7),), debtor=DEBTOR.format(OTHER)), Part())
    found = read(File(parts).raw())
    assert [(one.debtor_iban, len(one.lines)) for one in found.payments] == [(OURS, 2), (OTHER, 1)]
    assert found.count == 3


@pytest.mark.parametrize(("first", "second", "days"), [
    ("2026-04-24", "2026-05-29", [date(2026, 4, 24), date(2026, 5, 29)]),
    ("2026-04-24", "<Dt>2026-05-29</Dt>", [date(2026, 4, 24), date(2026, 5, 29)]),
    ("2026-04-24", "<DtTm>2026-04-24T08:00:00</DtTm>", [date(2026, 4, 24)]),
    ("2026-04-24", "<DtTm>2026-04-23T22:00:00Z</DtTm>", [date(2026, 4, 24)]),
    ("2026-04-24+02:00", "2026-04-24T00:00:00", [date(2026, 4, 24)]),
])  # fmt: skip
def test_each_execution_date_is_a_payment_of_its_own(first: str, second: str, days: list[date]):
    found = read(File((Part(method=ON.format(first)), Part(method=ON.format(second)))).raw())
    assert [one.execution_date for one in found.payments] == days
    assert found.cautions == ()


def test_a_part_without_account_or_date_takes_those_of_the_others():
    nameless = Part(debtor="<Dbtr><Nm>Demo BV</Nm></Dbtr>")
    found = read(File((Part(method=ON.format("2026-04-24")), nameless)).raw())
    (only,) = found.payments
    assert (only.debtor_iban, only.execution_date, len(only.lines)) == (OURS, date(2026, 4, 24), 2)


def test_an_invalid_date_is_reported():
    found = read(File((Part(method=ON.format("vrijdag")),)).raw())
    assert (found.payments[0].execution_date, found.cautions) == (None, (Caution("bad_date"),))


# --- properties ---
names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)
lines = st.builds(
    Line, cents=st.integers(1, 10_000_000), name=names, iban=st.sampled_from(IBANS),
    remittance=st.none() | names,
)  # fmt: skip
files = st.builds(
    File, st.lists(st.builds(Part, st.lists(lines, min_size=1, max_size=5).map(tuple)), min_size=1, max_size=3)
    .map(tuple),
)  # fmt: skip


@given(files)
def test_the_total_is_the_sum_of_its_lines(file: File):
    found = read(file.raw())
    assert found.total_cents == sum(line.amount_cents for line in found.lines)
    assert found.count == len(found.lines)
    every = sorted([*found.lines, *found.held], key=lambda line: line.number)
    assert [(x.name, x.iban, x.amount_cents) for x in every] == [(x.name, x.iban, x.cents) for x in file.lines]
    assert {line.reason for line in found.held} <= {"name_unusable"}


@given(files, st.integers(0, 50), st.integers())
def test_a_wrong_count_is_refused(file: File, count: int, part: int):
    assert_wrong(file, part, "wrong_count", count=str(count if count != right_count(file, part) else count + 1))


@given(files, st.integers(0, 10**12), st.integers())
def test_a_wrong_control_sum_is_refused(file: File, total: int, part: int):
    assert_wrong(file, part, "wrong_sum", total=plain(total if total != right_total(file, part) else total + 1))


@given(files, st.data())
def test_a_changed_amount_is_refused(file: File, data: st.DataObject):
    """A changed digit of an amount always changes the totals."""
    xml = file.xml()
    starts = [i for i in range(len(xml)) if xml.startswith('"EUR">', i)]
    start = data.draw(st.sampled_from(starts)) + len('"EUR">')
    at = data.draw(st.sampled_from([i for i in range(start, xml.index("<", start)) if xml[i] != "."]))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != xml[at]]))
    assert refused((xml[:at] + digit + xml[at + 1 :]).encode())[0] in ("wrong_sum", "bad_amount")


@given(files, st.data())
def test_a_lost_line_is_detected(file: File, data: st.DataObject):
    gone = data.draw(st.sampled_from(file.lines)).xml()
    assert refused(file.xml().replace(gone, "", 1).encode())[0] in ("wrong_count", "wrong_sum", "no_lines")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_random_bytes_raise_only_file_refused(raw: bytes):
    assert refused(raw)[0] in ("empty", "not_xml", "not_pain", "no_lines")


@given(st.data())
def test_a_damaged_file_is_parsed_correctly_or_refused(data: st.DataObject):
    """Changed bytes anywhere are refused, or the totals still match."""
    raw = bytearray(file_of(Line(cents=12345), Line(cents=678, iban=IBANS[1])).raw())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read(bytes(raw))
    except FileRefused:
        return
    assert found.total_cents == sum(line.amount_cents for line in found.lines)
    assert found.count + len(found.held) + len(found.left_out) == 2


def right_count(file: File, part: int) -> int:
    index = part % (len(file.parts) + 1)
    return len(file.lines if index == len(file.parts) else file.parts[index].lines)


def right_total(file: File, part: int) -> int:
    index = part % (len(file.parts) + 1)
    return sum(x.cents for x in (file.lines if index == len(file.parts) else file.parts[index].lines))


def assert_wrong(file: File, part: int, code: str, **claim: str) -> None:
    """Check that a wrong total or count, of a part or of the whole, is refused."""
    index = part % (len(file.parts) + 1)
    parts = list(file.parts)
    if index < len(parts):
        parts[index] = replace(parts[index], **claim)
        claim = {}
    assert refused(File(tuple(parts), **claim).raw()) == (code, None)


# --- memory ---
GROWTH = """
import resource, sys
from connectors.nmbrs.payment_file import read_payment_file
raw = open(sys.argv[1], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert read_payment_file(raw, "").count == 4000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_stays_flat_while_reading(tmp_path: Path):
    """A whole XML tree takes more than the file; a stream takes little besides the lines."""
    more = f"<InstrForCdtrAgt><InstrInf>{'<x/>' * 1000}</InstrInf></InstrForCdtrAgt>"
    path = tmp_path / "file.xml"
    path.write_bytes(file_of(*(Line(cents=1, name=f"Persoon {i}", more=more) for i in range(4000))).raw())
    answer = subprocess.run(
        [sys.executable, "-c", GROWTH, str(path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    growth = int(answer.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert growth < path.stat().st_size
