"""The schema of the payment file: what we write is valid, and it allows less than ISO 20022."""

from dataclasses import replace

import pytest
from lxml import etree

from connectors.bank.pain001 import parse_own_pain001, write_pain001
from connectors.bank.pain001_schema import schema_of
from connectors.bank.payment_order import VERSIONS, NotOurOrder, PaymentOrder
from tests.connectors.test_pain001 import LINE, ORDER
from tests.support import xsd

TAX = replace(ORDER, wage_tax=True, lines=[replace(LINE, remittance="1234567890123456")])


def valid(body: bytes, version: str = VERSIONS[0]) -> bool:
    return schema_of(version).validate(etree.fromstring(body))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("order", [ORDER, TAX], ids=["salary", "tax"])
def test_a_file_is_valid_in_its_own_version_only(order: PaymentOrder, version: str):
    body = write_pain001(replace(order, version=version))
    assert valid(body, version)
    (other,) = set(VERSIONS) - {version}
    assert not valid(body, other)


BODY = write_pain001(ORDER).decode()
# Allowed by ISO 20022, but never written by us.
WIDER = {
    "an urgent payment": ("<Cd>SEPA</Cd>", "<Cd>URGP</Cd>"),
    "another purpose": ("<Cd>SALA</Cd>", "<Cd>SUPP</Cd>"),
    "another way": ("<PmtMtd>TRF", "<PmtMtd>CHK"),
    "other charges": ("SLEV", "DEBT"),
    "dollars": ('Ccy="EUR">2611.00', 'Ccy="USD">2611.00'),
    "cents left out": (">2611.00<", ">2611<"),
    "a long name": ("Jong, Wouter de", "J" * 71),
    "an accent": ("Jong, Wouter de", "Jöng, Wouter de"),
    "an address": ("<Nm>Jong, Wouter de</Nm>", "<Nm>Jong, Wouter de</Nm><PstlAdr><Ctry>NL</Ctry></PstlAdr>"),
    "a purpose of its own": ("<RmtInf>", "<Purp><Cd>SALA</Cd></Purp><RmtInf>"),
    "an account by number": ("<IBAN>NL42INGB2268352412</IBAN>", "<Othr><Id>2268352412</Id></Othr>"),
}


@pytest.mark.parametrize(("ours", "theirs"), WIDER.values(), ids=WIDER)
def test_unused_parts_of_the_standard_are_refused(ours: str, theirs: str):
    changed = BODY.replace(ours, theirs, 1).encode()
    assert changed != BODY.encode()
    assert xsd.errors(changed, VERSIONS[0]) == []
    assert not valid(changed)
    with pytest.raises(NotOurOrder):
        parse_own_pain001(changed)


def test_a_second_block_of_payments_is_refused():
    start, end = BODY.index("<PmtInf>"), BODY.index("</PmtInf>") + len("</PmtInf>")
    assert not valid((BODY[:end] + BODY[start:end] + BODY[end:]).encode())


def test_parsing_validates_the_schema(monkeypatch: pytest.MonkeyPatch):
    """An order that parses and writes identically but violates the schema is refused."""
    nothing = etree.XMLSchema(etree.fromstring('<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'))
    monkeypatch.setattr("connectors.bank.pain001.schema_of", lambda version: nothing)
    with pytest.raises(NotOurOrder):
        parse_own_pain001(BODY.encode())
