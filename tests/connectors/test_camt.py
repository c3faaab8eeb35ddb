"""Account reports of banks (camt.053, .054, .052): every entry as reported, and problems beside readable entries."""

from dataclasses import astuple
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank.camt import (
    AccountEntry,
    AccountReportDocument,
    BatchReference,
    NotAnAccountReport,
    TransactionDetail,
    read_account_report,
)
from tests.support import reference
from tests.support.camt_builder import BATCH, IBAN, MSG, RETURN, entry, statement

OTHER = "NL42INGB2268352412"


def read(*entries: str, version: str = "camt.053.001.08") -> AccountReportDocument:
    return read_account_report(statement(*entries, version=version))


def only(*entries: str, version: str = "camt.053.001.08") -> AccountEntry:
    (found,) = read(*entries, version=version).entries
    return found


def keys(*raws: bytes) -> list[str]:
    return [one.key for raw in raws for one in read_account_report(raw).entries]


def detail(references: str = "", more: str = "") -> str:
    return f"<NtryDtls><TxDtls><Refs>{references}</Refs>{more}</TxDtls></NtryDtls>"


# --- entries ---
@pytest.mark.parametrize(("version", "kind"), [
    ("camt.053.001.02", "statement"), ("camt.053.001.08", "statement"), ("camt.053.001.12", "statement"),
    ("camt.054.001.08", "notification"),
])  # fmt: skip
def test_every_version_is_read(version: str, kind: str):
    document = read(entry(inside=BATCH), version=version)
    (found,) = document.statements
    assert (document.version, found.kind, found.id, found.iban) == (version, kind, "1", IBAN)
    assert document.problems == ()
    (one,) = found.entries
    assert (one.signed_cents, one.booking_date) == (-1_980_608, date(2026, 11, 24))
    assert one.batches == (BatchReference(MSG, None, 8, 1_980_608),)


def test_an_intraday_report_is_read():
    raw = statement(entry(inside=BATCH)).replace(b"camt.053", b"camt.052")
    raw = raw.replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt").replace(b"Stmt>", b"Rpt>")
    (found,) = read_account_report(raw).statements
    assert (found.kind, len(found.entries)) == ("report", 1)


def test_a_document_and_its_statements_each_have_a_time():
    raw = statement(entry()).replace(b"<GrpHdr/>", b"<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-24T18:00:00</CreDtTm>"
                                     b"</GrpHdr>").replace(b"</Id><Acct>", b"</Id><CreDtTm>2026-11-24T19:00:00Z"
                                                           b"</CreDtTm><Acct>")  # fmt: skip
    document = read_account_report(raw)
    assert (document.message_id, document.created_at) == ("M1", datetime(2026, 11, 24, 17, tzinfo=UTC))
    assert document.statements[0].created_at == datetime(2026, 11, 24, 19, tzinfo=UTC)


def test_an_entry_has_amount_direction_days_and_references():
    inside = (
        "<ValDt><Dt>2026-11-25</Dt></ValDt><AcctSvcrRef>R1 </AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd>"
        "<SubFmlyCd>SALA</SubFmlyCd></Fmly></Domn></BkTxCd><AddtlNtryInf>/PREF/X1 \n/NRTX/2</AddtlNtryInf>"
    )
    one = only(entry("12.5", inside=inside).replace("<Ntry>", "<Ntry><NtryRef>7</NtryRef>"))
    assert (one.amount_cents, one.direction, one.reversal, one.signed_cents) == (1250, "debit", False, -1250)
    assert (one.booking_date, one.value_date) == (date(2026, 11, 24), date(2026, 11, 25))
    assert (one.entry_reference, one.account_servicer_reference) == ("7", "R1")
    assert (one.bank_transaction_code, one.text, one.account_iban) == ("PMNT/ICDT/SALA", "/PREF/X1 /NRTX/2", IBAN)


@pytest.mark.parametrize(("mark", "reversal"), [("", False), ("true", True), ("1", True), ("false", False)])
@pytest.mark.parametrize(("way", "direction", "cents"), [("DBIT", "debit", -1), ("CRDT", "credit", 1)])
def test_a_reversal_keeps_its_direction(
    mark: str, reversal: bool, way: str, direction: str, cents: int
):
    marked = entry("0.01", way).replace("<Sts>", f"<RvslInd>{mark}</RvslInd><Sts>" if mark else "<Sts>")
    one = only(marked)
    assert (one.direction, one.reversal, one.signed_cents) == (direction, reversal, cents)


@pytest.mark.parametrize(("status", "found", "booked"), [
    ("<Sts>BOOK</Sts>", "BOOK", True), ("<Sts><Cd>PDNG</Cd></Sts>", "PDNG", False), ("", "", False),
    ("<Sts><Prtry>OWN</Prtry></Sts>", "OWN", False), ("<Sts>INFO</Sts>", "INFO", False),
])  # fmt: skip
def test_an_expected_entry_is_not_booked(status: str, found: str, booked: bool):
    one = only(entry(status=status))
    assert (one.status, one.is_booked) == (found, booked)


def test_a_batch_entry_has_its_references_and_total():
    assert only(entry(inside=BATCH)).batches == (BatchReference(MSG, None, 8, 1_980_608),)
    batch = (
        f"<NtryDtls><Btch><PmtInfId>{MSG}      </PmtInfId><TtlAmt Ccy='EUR'>1</TtlAmt><CdtDbtInd>DBIT</CdtDbtInd>"
        "</Btch></NtryDtls>"
    )
    assert only(entry(inside=batch)).batches == (BatchReference(None, MSG, None, 100, "debit"),)


def test_each_transaction_has_its_own_return_reason():
    more = RETURN.replace("E2E-3", "E2E-4").replace("AC04", "MD07").replace("2500.08", "1")
    one = only(entry("99999.99", "CRDT", inside=RETURN + more))
    assert one.signed_cents == 9_999_999
    assert [(part.end_to_end_id, part.amount_cents, part.return_reason, part.is_return) for part in one.details] == [
        ("E2E-3", 250_008, "AC04", True), ("E2E-4", 100, "MD07", True),
    ]  # fmt: skip


@pytest.mark.parametrize("none", ["0", "0000", "NOTPROVIDED", " NOTPROVIDED   ", "notprovided", "NONREF", "-", " "])
def test_a_placeholder_is_no_reference(none: str):
    references = "".join(f"<{name}>{none}</{name}>" for name in ("MsgId", "AcctSvcrRef", "EndToEndId"))
    one = only(entry(inside=f"<AcctSvcrRef>{none}</AcctSvcrRef>{detail(references)}"))
    assert one.account_servicer_reference is None
    assert one.details == (TransactionDetail(),)


def test_the_instructed_amount_is_before_charges():
    amounts = (
        "<AmtDtls><InstdAmt><Amt Ccy='EUR'>10.00</Amt></InstdAmt><TxAmt><Amt Ccy='EUR'>9.50</Amt></TxAmt></AmtDtls>"
    )
    (part,) = only(entry("9.50", "CRDT", inside=detail("<EndToEndId>E1</EndToEndId>", amounts))).details
    assert (part.amount_cents, part.instructed_cents) == (950, 1000)


def test_the_amount_of_version_02_is_nested_deeper():
    references = f"<MsgId>{MSG}</MsgId><EndToEndId>E1</EndToEndId>"
    inside = detail(references, "<AmtDtls><TxAmt><Amt Ccy='EUR'>10</Amt></TxAmt></AmtDtls>")
    one = only(entry("10", status="<Sts>BOOK</Sts>", inside=inside), version="camt.053.001.02")
    assert (one.signed_cents, one.is_booked) == (-1000, True)
    assert [(part.message_id, part.end_to_end_id, part.amount_cents) for part in one.details] == [(MSG, "E1", 1000)]


def test_an_amount_in_another_currency_is_none():
    (part,) = only(entry(inside=detail("", "<Amt Ccy='USD'>9.50</Amt>"))).details
    assert part.amount_cents is None


PARTIES = [
    "<RltdPties><Dbtr><Nm>Jansen</Nm></Dbtr><DbtrAcct><Id><IBAN>{}</IBAN></Id></DbtrAcct><Cdtr><Nm>Bakker</Nm></Cdtr>"
    "<CdtrAcct><Id><IBAN>{}</IBAN></Id></CdtrAcct></RltdPties>",
    "<RltdPties><Dbtr><Pty><Nm>Jansen</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{}</IBAN></Id></DbtrAcct>"
    "<Cdtr><Pty><Nm>Bakker</Nm></Pty></Cdtr><CdtrAcct><Id><IBAN>{}</IBAN></Id></CdtrAcct></RltdPties>",
]


@pytest.mark.parametrize("parties", PARTIES)
@pytest.mark.parametrize(("way", "debtor", "creditor", "found"), [
    ("DBIT", IBAN, OTHER, ("Bakker", OTHER)), ("CRDT", OTHER, IBAN, ("Jansen", OTHER)),
    ("CRDT", IBAN, OTHER, ("Bakker", OTHER)), ("DBIT", "", "", ("Bakker", None)), ("CRDT", "x", "y", ("Jansen", None)),
])  # fmt: skip
def test_the_counterparty_is_not_the_account_holder(
    parties: str, way: str, debtor: str, creditor: str, found: tuple[str, str | None]
):
    one = only(entry(way=way, inside=detail("", parties.format(debtor, creditor))))
    assert one.counterparty(one.details[0]) == found
    assert "Jansen" not in repr(one) + repr(one.details) + repr(read(entry()))


def test_remittance_joins_the_texts_of_payer_and_bank():
    text = (
        "<RmtInf><Ustrd>Salaris</Ustrd><Ustrd>april</Ustrd><Strd><CdtrRefInf><Ref>RF1</Ref></CdtrRefInf></Strd></RmtInf>"
        "<AddtlTxInf>rekening\nopgeheven</AddtlTxInf>"
    )
    assert only(entry(inside=detail("", text))).details[0].remittance == "Salaris april RF1 rekening opgeheven"


# --- problems ---
BAD = [
    (entry("1,00"), "bad_entry"), (entry("1.234"), "bad_entry"), (entry("-1.00"), "bad_entry"),
    (entry(way=""), "bad_entry"), (entry().replace("2026-11-24", "24-11-2026"), "bad_entry"),
    (entry().replace("<Sts>", "<RvslInd>misschien</RvslInd><Sts>"), "bad_entry"),
    (entry(inside="<CdtDbtInd>CRDT</CdtDbtInd>"), "bad_entry"), (entry("1<x/>0.00"), "bad_entry"),
    (entry(inside=detail("<EndToEndId>A</EndToEndId><EndToEndId>B</EndToEndId>")), "bad_entry"),
    (entry(inside=detail("", "<Amt Ccy='EUR'>veel</Amt>")), "bad_entry"),
    (entry(inside="<NtryDtls><Btch><NbOfTxs>acht</NbOfTxs></Btch></NtryDtls>"), "bad_entry"),
    (entry().replace("EUR", "USD"), "other_currency"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "code"), BAD, ids=range(len(BAD)))
def test_only_the_unreadable_entry_is_left_out(bad: str, code: str):
    document = read(entry("1.00"), bad, entry("2.00"))
    assert [one.amount_cents for one in document.entries] == [100, 200]
    (problem,) = document.problems
    assert (problem.code, problem.statement, problem.entry) == (code, 1, 2)


@pytest.mark.parametrize("account", ["NL00TEST0000000000", "NL95INGB0004921836</IBAN><IBAN>NL42INGB2268352412"])
def test_only_the_statement_of_an_unreadable_account_is_left_out(account: str):
    bad = f"<Stmt><Id>2</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>{entry()}</Stmt>".encode()
    good = statement(entry("1.00"))
    for raw in (good.replace(b"<GrpHdr/>", b"<GrpHdr/>" + bad), good.replace(b"</BkTo", bad + b"</BkTo")):
        document = read_account_report(raw)
        assert [one.amount_cents for one in document.entries] == [100]
        assert [(one.code, one.entry) for one in document.problems] == [("bad_account", None)]


def test_without_a_readable_account_only_the_problem_is_left():
    document = read_account_report(statement(entry(), account="<IBAN>NL00X</IBAN>"))
    assert (document.statements, [one.code for one in document.problems]) == ((), ["bad_account"])


def test_a_problem_never_contains_the_value():
    document = read(entry("987654,32"), entry(inside=detail("", "<Amt Ccy='EUR'>Geheim</Amt>")))
    assert not any(secret in repr(document) for secret in ("987654", "Geheim"))


def test_an_account_may_be_identified_otherwise():
    for other, iban in (("123", None), (IBAN, IBAN)):
        (found,) = read_account_report(statement(account=f"<Othr><Id>{other}</Id></Othr>")).statements
        assert found.iban == iban


def test_entries_in_supplementary_data_are_ignored():
    hidden = f"<SplmtryData><Envlp>{entry()}</Envlp></SplmtryData>"
    assert [one.amount_cents for one in read(entry("1.00"), hidden).entries] == [100]


@pytest.mark.parametrize("raw", [
    b"", b"x", b"<a/>", b"<Document/>", statement(entry())[:-20], statement().replace(b"camt.053", b"pain.002"),
    b'<!DOCTYPE x [<!ENTITY a "b">]>' + statement(entry()), statement().replace(b"Stmt", b"Other"),
])  # fmt: skip
def test_other_documents_are_refused(raw: bytes):
    with pytest.raises(NotAnAccountReport):
        read_account_report(raw)


@given(st.binary())
def test_random_bytes_raise_only_not_an_account_report(raw: bytes):
    with pytest.raises(NotAnAccountReport):
        read_account_report(raw)


@pytest.mark.parametrize("encode", [
    lambda raw: b"\n" + raw, lambda raw: b"\xef\xbb\xbf\r\n" + raw, lambda raw: raw.decode().encode("utf-16"),
    lambda raw: b'<?xml version="1.0" encoding="UTF-16"?>' + raw, lambda raw: raw + b"\x00" * 9,
    lambda raw: raw.replace(b"<GrpHdr/>", b"<GrpHdr><Nm>\xff</Nm></GrpHdr>"),
])  # fmt: skip
def test_any_encoding_of_a_document(encode):
    (one,) = read_account_report(encode(statement(entry(inside=BATCH)))).entries
    assert one.batches[0].message_id == MSG


# --- the key of an entry ---
def test_equal_entries_have_different_stable_keys():
    again = keys(statement(entry("1.00"), entry("2.00"), entry("1.00")))
    assert len(set(again)) == 3
    assert keys(statement(entry("2.00"), entry("1.00"), entry("1.00"))) == [again[1], again[0], again[2]]


def test_the_same_entry_has_the_same_key_in_another_document():
    numbered = entry(inside=BATCH).replace("<Ntry>", "<Ntry><NtryRef>9</NtryRef>").replace("><", ">\n  <")
    other = statement(numbered).replace(b"<Id>1</Id>", b"<Id>2</Id>")
    other = other.replace(b"<GrpHdr/>", b"<GrpHdr><MsgId>9</MsgId></GrpHdr>")
    assert keys(other) == keys(statement(entry(inside=BATCH)))


@pytest.mark.parametrize("change", [
    ("19806.08", "19806.09"), ("DBIT", "CRDT"), ("2026-11-24", "2026-11-25"), (MSG, "OTHER"), (IBAN, OTHER),
    ("BOOK", "PDNG"),
])  # fmt: skip
def test_whatever_differs_makes_another_key(change: tuple[str, str]):
    raw, (old, new) = statement(entry(inside=BATCH)), change
    assert keys(raw.replace(old.encode(), new.encode())) != keys(raw)


def test_a_repeated_statement_has_the_same_keys():
    raw = statement(entry("1.00"), entry("1.00"))
    start, end = raw.index(b"<Stmt>"), raw.index(b"</Stmt>") + len(b"</Stmt>")
    twice = keys(raw[:end] + raw[start:end] + raw[end:])
    assert twice == keys(raw) * 2
    other = raw[start:end].replace(b"<Id>1</Id>", b"<Id>2</Id>")
    assert len(set(keys(raw[:end] + other + raw[end:]))) == 4


def test_an_intraday_report_may_repeat_the_previous_one():
    raw = statement(entry("1.00")).replace(b"camt.053", b"camt.052").replace(b"Stmt>", b"Rpt>")
    start, end = raw.index(b"<Rpt>"), raw.index(b"</Rpt>") + len(b"</Rpt>")
    later = raw[start:end].replace(b"<Id>1</Id>", b"<Id>2</Id>").replace(b"</Rpt>", entry("2.00").encode() + b"</Rpt>")
    found = keys(raw[:end] + later + raw[end:])
    assert (len(found), len(set(found))) == (3, 2)


@given(st.lists(st.sampled_from(["1.00", "2.00"]), max_size=8))
def test_keys_are_unique_and_stable_in_a_longer_document(amounts: list[str]):
    entries = [entry(amount) for amount in amounts]
    found = keys(statement(*entries))
    assert len(set(found)) == len(amounts)
    assert keys(statement(*entries, entry("3.00")))[: len(amounts)] == found


# --- real banks ---
@pytest.mark.parametrize(("name", "count", "total"), [
    ("camt.053.001.02_ing-nl.xml", 9, None), ("camt.053.001.08_genkgo.xml", 1, 885),
])  # fmt: skip
def test_documents_of_real_banks(name: str, count: int, total: int | None):
    document = read_account_report(reference.sample(f"bank/{name}").read_bytes())
    assert document.problems == ()
    assert any(any(astuple(part)) for one in document.entries for part in one.details)
    booked = [one for one in document.entries if one.is_booked]
    assert (len(document.statements), len(booked)) == (1, count)
    assert total in (None, sum(one.signed_cents for one in booked))
