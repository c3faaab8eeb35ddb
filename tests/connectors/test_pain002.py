"""The status report: all versions in use, any level, parsed strictly."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank.pain002 import NotAReport, StatusReportDocument, read_status_report
from connectors.bank.port import StatusCount, StatusStatement
from tests.support import reference, xsd

VERSIONS = ("03", "10", "11", "14")


def report(group: str = "", blocks: str = "", version: str = "10", message_id: str = "20260430034734-66580") -> bytes:
    return (
        f'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}">'
        "<CstmrPmtStsRpt><GrpHdr><MsgId>S1</MsgId><CreDtTm>2026-05-04T08:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}"
        f"</OrgnlGrpInfAndSts>{blocks}</CstmrPmtStsRpt></Document>"
    ).encode()


def block(status: str = "", lines: str = "") -> str:
    named = f"<PmtInfSts>{status}</PmtInfSts>" if status else ""
    return f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId>{named}{lines}</OrgnlPmtInfAndSts>"


def line(reference: str, status: str, reason: str = "", words: str = "") -> str:
    said = f"<AddtlInf>{words}</AddtlInf>" if words else ""
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn>{said}</StsRsnInf>" if reason or said else ""
    return f"<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>{status}</TxSts>{why}</TxInfAndSts>"


def lines_of(read: StatusReportDocument) -> list[StatusStatement]:
    return [one for one in read.statements if one.level == "line"]


@pytest.mark.parametrize("version", VERSIONS)
def test_it_reads_every_version(version: str):
    lines = line("E1", "ACSC") + line("E2", "RJCT", "AC04", "rekening opgeheven")
    raw = report("<GrpSts>PART</GrpSts>", block("PART", lines), version)
    assert xsd.errors(raw, f"pain.002.001.{version}") == []
    read = read_status_report(raw)
    assert read.version == f"pain.002.001.{version}"
    assert (read.original_message_id, read.statements[0].code) == ("20260430034734-66580", "PART")
    assert [(one.end_to_end_id, one.code, one.reasons) for one in lines_of(read)] == [
        ("E1", "ACSC", ()),
        ("E2", "RJCT", ("AC04",)),
    ]
    assert lines_of(read)[1].information == ("rekening opgeheven",)
    assert read.reasons == ("AC04",)


OVERALL = [
    (report("<GrpSts>ACCP</GrpSts>"), "ACCP"),
    (report("<GrpSts>ACSC</GrpSts>", block("RJCT")), "ACSC"),
    (report("", block("RJCT")), "RJCT"),
    (report("", block("ACSC") + block("ACSC")), "ACSC"),
    (report("", block("ACSC") + block("RJCT")), None),
    (report("", block("", line("E1", "RJCT"))), None),
    (report("", block("", line("E1", "RJCT") + line("E2", "RJCT"))), None),
    (report("", block("", line("E1", "ACSC") + line("E2", "RJCT"))), None),
    (report("", block("", line("E1", "ACSC") + line("E2", "ACCP"))), None),
    (report(), None),
    (report("<GrpSts>RVMC</GrpSts>"), "RVCM"),
    (report("", block("", line("E1", "RVNM") + line("E2", "RVNM"))), "RVCM"),
    (report("", block("", line("E1", "RCVC") + line("E2", "RVMC"))), "RVCM"),
    (report("<GrpSts>PART</GrpSts>", block("", line("E1", "RCVC") + line("E2", "RVMC"))), "RVCM"),
]


@pytest.mark.parametrize(("raw", "status"), OVERALL, ids=range(len(OVERALL)))
def test_the_status_of_the_order(raw: bytes, status: str | None):
    assert read_status_report(raw).overall == status


def test_the_groups_own_reason_comes_first():
    group = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf>"
    assert read_status_report(report(group, block("", line("E1", "RJCT", "AC01")))).reasons == ("AM04",)


def test_a_proprietary_reason_counts_if_it_is_a_code():
    own = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Prtry>{}</Prtry></Rsn></StsRsnInf>"
    assert read_status_report(report(own.format("DS0A"))).reasons == ("DS0A",)
    assert read_status_report(report(own.format("Jong, Wouter de"))).reasons == ()


def test_its_repr_contains_no_text_of_the_bank():
    raw = report("", block("", line("E1", "RVMC", "AC01", "W. de Jong")))
    assert "Jong" not in repr(read_status_report(raw))


# --- every statement at its own level -----------------------------------------------------------------
MSG = "20260430034734-66580"


def said(raw: bytes) -> list[tuple[str, str | None, str | None]]:
    return [(one.level, one.code, one.end_to_end_id) for one in read_status_report(raw).statements]


def test_a_report_has_its_own_time_and_id():
    found = read_status_report(report("<GrpSts>ACTC</GrpSts>"))
    assert (found.version, found.message_id, found.original_message_id) == ("pain.002.001.10", "S1", MSG)
    assert found.created_at == datetime(2026, 5, 4, 8, tzinfo=UTC)
    local = report("<GrpSts>ACTC</GrpSts>").replace(b"08:00:00Z", b"08:00:00.5")
    assert read_status_report(local).created_at == datetime(2026, 5, 4, 6, 0, 0, 500_000, tzinfo=UTC)
    none = report("<GrpSts>ACTC</GrpSts>").replace(b"2026-05-04T08:00:00Z", b"vandaag")
    assert read_status_report(none).created_at is None


LEVELS = [
    (report("<GrpSts>ACTC</GrpSts>", block("ACSC")), [("group", "ACTC", None), ("batch", "ACSC", None)]),
    (report("", block("", line("E2", "RJCT", "AC01"))), [("line", "RJCT", "E2")]),
    (report("", block("RJCT") + block("ACSC", line("E1", "ACSC"))),
     [("batch", "RJCT", None), ("batch", "ACSC", None), ("line", "ACSC", "E1")]),
    (report("<GrpSts>PART</GrpSts>", block("PART", line("E1", "RJCT", "AC04") + line("E2", "RJCT", "MD07"))),
     [("group", "PART", None), ("batch", "PART", None), ("line", "RJCT", "E1"), ("line", "RJCT", "E2")]),
    (report(), []),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "statements"), LEVELS, ids=range(len(LEVELS)))
def test_statements_keep_their_level_and_none_is_derived(raw: bytes, statements: list):
    assert said(raw) == statements


def test_a_statement_has_the_references_of_the_order():
    raw = report("<GrpSts>PART</GrpSts>", block("PART", line("E1", "RJCT", "AC04", "opgeheven")))
    group, batch, one = read_status_report(raw).statements
    assert group == StatusStatement("group", "PART", message_id=MSG)
    assert batch == StatusStatement("batch", "PART", message_id=MSG, payment_information_id="P1")
    assert one == StatusStatement("line", "RJCT", ("AC04",), MSG, "P1", "E1", information=("opgeheven",))


def test_every_reason_is_kept_with_its_own_line():
    more = "<StsRsnInf><Rsn><Cd>MS03</Cd></Rsn></StsRsnInf><StsRsnInf><Rsn><Prtry>Te laat</Prtry></Rsn></StsRsnInf>"
    lines = line("E1", "RJCT", "AC04").replace("</TxInf", f"{more}</TxInf") + line("E2", "RJCT", "MD07")
    first, second = read_status_report(report("", block("", lines))).statements
    assert (first.reasons, first.information) == (("AC04", "MS03"), ("Te laat",))
    assert (second.reasons, second.information) == (("MD07",), ())


def test_counts_and_amounts():
    per_status = "<NbOfTxsPerSts><DtldNbOfTxs>2</DtldNbOfTxs><DtldSts>RJCT</DtldSts><DtldCtrlSum>12.5</DtldCtrlSum>"
    counts = f"<OrgnlNbOfTxs>3</OrgnlNbOfTxs><OrgnlCtrlSum>35.50000</OrgnlCtrlSum>{per_status}</NbOfTxsPerSts>"
    amount = '<OrgnlTxRef><Amt><InstdAmt Ccy="{}">5.25</InstdAmt></Amt></OrgnlTxRef></TxInf'
    lines = line("E1", "RJCT").replace("</TxInf", amount.format("EUR"))
    lines += line("E2", "RJCT").replace("</TxInf", amount.format("USD"))
    group, first, second = read_status_report(report(counts, block("", lines))).statements
    assert (group.code, group.count, group.sum_cents) == (None, 3, 3550)
    assert group.status_counts == (StatusCount("RJCT", 2, 1250),)
    assert (first.amount_cents, second.amount_cents) == (525, None)


@pytest.mark.parametrize("reference", ["NOTPROVIDED", " 0 ", "000", "NONREF"])
def test_a_placeholder_is_no_reference(reference: str):
    (one,) = read_status_report(report("", block("", line(reference, "RJCT")))).statements
    assert one.end_to_end_id is None


def test_padding_of_references_is_removed():
    raw = report("<GrpSts>RJCT</GrpSts>", block("", line(" E1   ", "RJCT")), message_id=f"{MSG}      ")
    group, one = read_status_report(raw).statements
    assert (group.message_id, one.end_to_end_id) == (MSG, "E1")


def test_a_close_match_comes_with_its_name():
    (one,) = read_status_report(report("", block("", line("E1", "RVMC", words=" Jong,  W.")))).statements
    assert (one.code, one.vop_result, one.matched_name) == ("RVMC", "CMTC", "Jong, W.")
    (one,) = read_status_report(report("", block("", line("E1", "RVNM", words="Jong, W.")))).statements
    assert (one.vop_result, one.matched_name) == ("NMTC", None)


@pytest.mark.parametrize("wrong", [
    report("<GrpSts>ACSC</GrpSts><GrpSts>RJCT</GrpSts>"),
    report("<GrpSts>AC<x/>SC</GrpSts>"),
    report("", "<OrgnlGrpInfAndSts><OrgnlMsgId>2</OrgnlMsgId><GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>"),
    report("<OrgnlNbOfTxs>veel</OrgnlNbOfTxs>"),
    report("<OrgnlCtrlSum>1,00</OrgnlCtrlSum>"),
    report("", block("", line("E1", "RJCT").replace("<TxSts>", "<OrgnlEndToEndId>E2</OrgnlEndToEndId><TxSts>"))),
    report("").replace(b"CstmrPmtStsRpt", b"x").replace(b"OrgnlGrpInfAndSts", b"y"),
])  # fmt: skip
def test_repeated_or_invalid_fields_are_refused(wrong: bytes):
    with pytest.raises(NotAReport):
        read_status_report(wrong)


def test_statuses_in_supplementary_data_are_ignored():
    hidden = "<SplmtryData><Envlp><TxInfAndSts><TxSts>RJCT</TxSts></TxInfAndSts></Envlp></SplmtryData>"
    assert said(report("<GrpSts>ACSC</GrpSts>", hidden)) == [("group", "ACSC", None)]


@pytest.mark.parametrize("raw", [
    b"\r\n" + report("<GrpSts>ACSC</GrpSts>"),
    report("<GrpSts>ACSC</GrpSts>").replace(b'"1.0"?', b'"1.0" encoding="UTF-16"?'),
    report("<GrpSts>ACSC</GrpSts>").decode().encode("utf-16"),
])  # fmt: skip
def test_any_encoding_of_a_report(raw: bytes):
    assert said(raw) == [("group", "ACSC", None)]


SAMPLE_FILES = [
    ("pain.002.001.03_nordea_txn-reject-categorypurpose.xml", "RJCT", ("NARR",), 2),
    ("pain.002.001.10_apiome-sepa-status.xml", "PART", ("AC01",), 2),
    ("pain.002.001.10_vop_all-match_hypovereinsbank.xml", "RCVC", (), 0),
]


@pytest.mark.parametrize(("name", "status", "reasons", "count"), SAMPLE_FILES)
def test_it_reads_sample_reports_of_banks(name: str, status: str, reasons: tuple[str, ...], count: int):
    read = read_status_report(reference.sample(f"bank/{name}").read_bytes())
    assert (read.overall, read.reasons, len(lines_of(read))) == (status, reasons, count)


NO_REPORTS = [
    b"",
    b"salaris",
    b'{"transactionStatus": "ACSC"}',
    b"<Document/>",
    b"<html><body>503</body></html>",
    report("<GrpSts>ACSC</GrpSts>")[:-30],
    report("<GrpSts>ACSC</GrpSts>").replace(b"pain.002", b"pain.001"),
    report("<GrpSts>Jong, Wouter de</GrpSts>"),
    report("", block("", line("E1", "x" * 40))),
]


@pytest.mark.parametrize("raw", NO_REPORTS, ids=range(len(NO_REPORTS)))
def test_other_documents_are_refused(raw: bytes):
    with pytest.raises(NotAReport):
        read_status_report(raw)


def test_entities_are_never_resolved(tmp_path):
    (tmp_path / "secret").write_text("ACSC")
    for entity in (f'SYSTEM "{(tmp_path / "secret").as_uri()}"', '"ACSC"'):
        raw = report("<GrpSts>&a;</GrpSts>").replace(
            b"<Document", f"<!DOCTYPE Document [<!ENTITY a {entity}>]><Document".encode()
        )
        with pytest.raises(NotAReport):
            read_status_report(raw)


def test_entity_expansion_is_refused():
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    doctype = f'<!DOCTYPE Document [<!ENTITY a0 "AC04">{laughs}]><Document'.encode()
    raw = report("<GrpSts>&a11;</GrpSts>").replace(b"<Document", doctype)
    with pytest.raises(NotAReport):
        read_status_report(raw)


@given(st.binary(max_size=300))
def test_random_bytes_raise_only_not_a_report(raw: bytes):
    with pytest.raises(NotAReport):
        read_status_report(raw)
