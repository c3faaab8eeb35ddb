"""The payment file of a run: what is refused, and at which line."""

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.nmbrs.payment_file import (
    MOST_LINES,
    FileRefused,
    PaymentFile,
    read_payment_file,
)
from tests.support.pain001_builder import EQUIVALENT, IBANS, File, Line, Part, file_of, with_line

ROOT = Path(__file__).resolve().parents[2]


def read(raw: bytes) -> PaymentFile:
    return read_payment_file(raw, "Salaris april")


def refused(raw: bytes) -> tuple[str, int | None]:
    with pytest.raises(FileRefused) as caught:
        read(raw)
    return caught.value.code, caught.value.line


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"geen xml", "not_xml"),
        (b"<Document", "not_xml"),
        (b"{}", "not_xml"),
        (b"R2VlbiB4bWw=", "not_xml"),
        (b"\xff\xfe\x00", "not_xml"),
        (b"\xff\xfe<\x00", "not_xml"),
        (File().raw()[:-20], "not_xml"),
        (File().raw() + b"<x/>", "not_xml"),
        (file_of(Line(name="Zoë")).xml().encode("latin-1"), "not_xml"),
        (replace(File(), declaration='<?xml version="1.0" encoding="nonsense"?>').xml().replace("Alek", "Zoë")
         .encode("latin-1"), "not_xml"),
        (b"<html><body><p>503</p></body></html>", "not_pain"),
        (b"<Document/>", "not_pain"),
        (b"<Document><CstmrDrctDbtInitn/></Document>", "not_pain"),
        (replace(File(), initiation="CstmrDrctDbtInitn").raw(), "not_pain"),
        (File((Part(method="<PmtMtd>CHK</PmtMtd>"),)).raw(), "not_pain"),
        (b"<Document><CstmrCdtTrfInitn/></Document>", "no_lines"),
        (File((Part(()),)).raw(), "no_lines"),
        (b" " * (50 * 1024 * 1024 + 1), "too_large"),
    ],
)  # fmt: skip
def test_other_documents_are_refused(raw: bytes, code: str):
    assert refused(raw) == (code, None)


ENTITY = '<!DOCTYPE Document [<!ENTITY a "Nowak"><!ENTITY b SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("name", ["&a;", "&b;", "Nowak"])
@pytest.mark.parametrize("before", ["", "<!-- " + "x" * 9000 + " -->"])
def test_document_types_and_entities_are_refused(name: str, before: str):
    raw = file_of(Line(name="NAME")).xml().replace("?>", "?>" + before + ENTITY, 1).replace("NAME", name)
    assert refused(raw.encode()) == ("not_xml", None)


def test_an_unknown_entity_is_refused():
    assert refused(with_line(name="NAME").replace(b"NAME", b"&other;")) == ("not_xml", None)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": "1,00"}, "bad_amount"),
        ({"amount": "1e3"}, "bad_amount"),
        ({"amount": "NaN"}, "bad_amount"),
        ({"amount": ""}, "bad_amount"),
        ({"amount": "\u0661.00"}, "bad_amount"),
        ({"more": "<Cdtr><Nm>Ander</Nm></Cdtr>"}, "missing_field"),
        ({"more": f"<CdtrAcct><Id><IBAN>{IBANS[1]}</IBAN></Id></CdtrAcct>"}, "missing_field"),
        ({"more": '<Amt><InstdAmt Ccy="EUR">1.00</InstdAmt></Amt>'}, "missing_field"),
        ({"more": f"<Amt>{EQUIVALENT}</Amt>"}, "missing_field"),
    ],
)
def test_one_unreadable_line_refuses_the_file_by_number(change: dict, code: str):
    lines = (Line(end_to_end_id="first"), replace(Line(), **change), Line())
    assert refused(file_of(*lines).raw()) == (code, 2)


def test_a_wrong_debtor_iban_is_refused():
    raw = File().raw().replace(b"NL95INGB0004921836", b"NL96INGB0004921836")
    assert refused(raw) == ("bad_iban", None)


def test_the_debtor_account_is_optional():
    nameless = "<Dbtr><Nm>Demo BV</Nm></Dbtr>"
    assert read(File((Part(debtor=nameless),)).raw()).debtor_iban is None
    assert read(File((Part(debtor=nameless), Part())).raw()).debtor_iban == "NL95INGB0004921836"


@pytest.mark.parametrize("field", ["EndToEndId", "InstdAmt", "Nm", "IBAN", "Ustrd"])
def test_a_value_with_child_elements_is_refused(field: str):
    """Text after an inner element would be ignored: 26<x/>11.00 would pay 26."""
    start = with_line().rindex(f"<{field}".encode())
    inside = with_line().index(b">", start) + 3
    raw = with_line()[:inside] + b"<x/>" + with_line()[inside:]
    assert refused(raw) == ("missing_field", 1)


def test_a_second_header_is_refused():
    raw = replace(File(), total="1.00").raw().replace(b"</PmtInf>", b"</PmtInf><GrpHdr/>")
    assert refused(raw) == ("not_pain", None)


@pytest.mark.parametrize(("claim", "code"), [("NbOfTxs>1<", "wrong_count"), ("CtrlSum>2611.00<", "wrong_sum")])
def test_a_repeated_total_is_refused(claim: str, code: str):
    name = claim.partition(">")[0]
    doubled = f"<{claim}/{name}><{name}>9</{name}>".encode()
    assert refused(File().raw().replace(f"<{claim}/{name}>".encode(), doubled, 1)) == (code, None)


def test_the_totals_of_each_part_are_checked():
    right, wrong = Part((Line(cents=5),)), Part((Line(cents=7),), total="0.05")
    assert refused(File((right, wrong)).raw()) == ("wrong_sum", None)
    assert refused(File((right, replace(wrong, total=None, count="2"))).raw()) == ("wrong_count", None)


@pytest.mark.parametrize("total", ["2611.001", "2611.01", "-2611.00", "2.611,00", "veel", "2611.00 2611.00"])
def test_an_invalid_control_sum_is_refused(total: str):
    assert refused(replace(File(), total=total).raw()) == ("wrong_sum", None)


def test_twenty_thousand_lines_are_the_maximum():
    lines = (Line(cents=1),) * MOST_LINES
    assert read(file_of(*lines).raw()).total_cents == MOST_LINES
    assert refused(file_of(*lines, Line(cents=1)).raw()) == ("too_many_lines", None)


def test_a_refusal_contains_no_name_or_amount():
    with pytest.raises(FileRefused) as caught:
        read(with_line(name="Geheim, Gerda", iban="NL43INGB2268352412", cents=987654, amount="9876.545"))
    chain, told = caught.value, ""
    while chain:
        told, chain = told + str(chain) + repr(chain), chain.__cause__ or chain.__context__
    assert not any(secret in told for secret in ("Geheim", "2268352412", "9876.54", "987654"))


def test_its_repr_contains_no_names():
    found = read(file_of(Line(), Line(iban=None), Line(cents=0)).raw())
    assert "Nowak" not in repr(found) + repr(found.held) + repr(found.left_out) + repr(found.payments)
