"""Bank statements: batches, single payments and returns in several versions; invalid files are refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank.camt053 import NotAStatement, read_statements
from tests.support import reference

IBAN = "NL95INGB0004921836"
MSG = "20261123034734-66580"


def entry(
    amount: str = "19806.08", way: str = "DBIT", status: str = "<Sts><Cd>BOOK</Cd></Sts>", inside: str = ""
) -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>2026-11-24</Dt></BookgDt>{inside}</Ntry>"
    )


def statement(*entries: str, version: str = "camt.053.001.08", account: str = f"<IBAN>{IBAN}</IBAN>") -> bytes:
    kind = ("BkToCstmrStmt", "Stmt") if version.startswith("camt.053") else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><{kind[0]}><GrpHdr/><{kind[1]}><Id>1</Id>'
        f"<Acct><Id>{account}</Id></Acct>{''.join(entries)}</{kind[1]}></{kind[0]}></Document>"
    ).encode()


LUMP = f"<NtryDtls><Btch><MsgId>{MSG}</MsgId><NbOfTxs>8</NbOfTxs><TtlAmt>19806.08</TtlAmt></Btch></NtryDtls>"
RETURN = (
    "<NtryDtls><TxDtls><Refs><EndToEndId>E2E-3</EndToEndId></Refs><Amt Ccy='EUR'>2500.08</Amt>"
    "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls>"
)


@pytest.mark.parametrize("version", ["camt.053.001.02", "camt.053.001.08", "camt.054.001.08"])
def test_a_batch_has_message_id_count_and_total(version: str):
    (found,) = read_statements(statement(entry(inside=LUMP), version=version))
    (one,) = found.entries
    assert (found.iban, found.version) == (IBAN, version)
    assert (one.cents, one.booked_on, one.message_ids, one.count) == (-1_980_608, date(2026, 11, 24), (MSG,), 8)


def test_a_return_has_end_to_end_id_and_reason():
    (found,) = read_statements(statement(entry("2500.08", "CRDT", inside=RETURN)))
    (detail,) = found.entries[0].details
    assert (found.entries[0].cents, detail.end_to_end_id, detail.cents, detail.return_reason) == (
        250_008, "E2E-3", 250_008, "AC04",
    )  # fmt: skip


def test_the_amount_of_version_02_is_nested_deeper():
    inside = (
        f"<NtryDtls><TxDtls><Refs><MsgId>{MSG}</MsgId><EndToEndId>E1</EndToEndId></Refs><AmtDtls><TxAmt>"
        "<Amt Ccy='EUR'>10</Amt></TxAmt></AmtDtls></TxDtls></NtryDtls>"
    )
    line = entry("10", status="<Sts>BOOK</Sts>", inside=inside)
    (found,) = read_statements(statement(line, version="camt.053.001.02"))
    (one,) = found.entries
    assert (one.cents, one.message_ids, one.details[0].cents) == (-1000, (MSG,), 1000)


@pytest.mark.parametrize("status", ["<Sts><Cd>PDNG</Cd></Sts>", "<Sts>INFO</Sts>", ""])
def test_pending_entries_are_ignored(status: str):
    assert read_statements(statement(entry(status=status)))[0].entries == ()


def test_an_account_without_iban():
    (found,) = read_statements(statement(entry(), account="<Othr><Id>123</Id></Othr>"))
    assert found.iban is None


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"x", b"<a/>", b"<Document/>", statement(entry("1.234")), statement(entry("1,00")),
        statement(entry(way="")), statement(entry(), account="<IBAN>NL00X</IBAN>"),
        statement().replace(b"camt.053", b"pain.002"), statement(entry())[:-20],
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + statement(entry()),
        statement(entry().replace("2026-11-24", "24-11-2026")),
    ],
)  # fmt: skip
def test_invalid_files_are_refused(raw: bytes):
    with pytest.raises(NotAStatement):
        read_statements(raw)


@given(st.binary())
def test_random_bytes_raise_only_not_a_statement(raw: bytes):
    with pytest.raises(NotAStatement):
        read_statements(raw)


@pytest.mark.parametrize(("name", "count", "total"), [
    ("camt.053.001.02_ing-nl.xml", 9, None), ("camt.053.001.08_genkgo.xml", 1, 885),
])  # fmt: skip
def test_statements_of_real_banks(name: str, count: int, total: int | None):
    (found,) = read_statements(reference.sample(f"bank/{name}").read_bytes())
    assert len(found.entries) == count
    if total is not None:
        assert sum(one.cents for one in found.entries) == total
