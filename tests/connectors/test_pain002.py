"""The status report: all versions in use, any level, parsed strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank.pain002 import NotAReport, read_report
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


@pytest.mark.parametrize("version", VERSIONS)
def test_it_reads_every_version(version: str):
    lines = line("E1", "ACSC") + line("E2", "RJCT", "AC04", "rekening opgeheven")
    raw = report("<GrpSts>PART</GrpSts>", block("PART", lines), version)
    assert xsd.errors(raw, f"pain.002.001.{version}") == []
    read = read_report(raw)
    assert read.version == f"pain.002.001.{version}"
    assert (read.original_message_id, read.group_status) == ("20260430034734-66580", "PART")
    assert [(one.end_to_end_id, one.status, one.reasons) for one in read.transactions] == [
        ("E1", "ACSC", ()),
        ("E2", "RJCT", ("AC04",)),
    ]
    assert read.transactions[1].information == ("rekening opgeheven",)
    assert read.reasons == ("AC04",)


OVERALL = [
    (report("<GrpSts>ACCP</GrpSts>"), "ACCP"),
    (report("<GrpSts>ACSC</GrpSts>", block("RJCT")), "ACSC"),
    (report("", block("RJCT")), "RJCT"),
    (report("", block("ACSC") + block("ACSC")), "ACSC"),
    (report("", block("ACSC") + block("RJCT")), None),
    (report("", block("", line("E1", "RJCT") + line("E2", "RJCT"))), "RJCT"),
    (report("", block("", line("E1", "ACSC") + line("E2", "RJCT"))), "PART"),
    (report("", block("", line("E1", "ACSC") + line("E2", "ACCP"))), None),
    (report(), None),
    (report("<GrpSts>RVMC</GrpSts>"), "RVCM"),
    (report("", block("", line("E1", "RVNM") + line("E2", "RVNM"))), "RVCM"),
]


@pytest.mark.parametrize(("raw", "status"), OVERALL, ids=range(len(OVERALL)))
def test_the_status_of_the_order(raw: bytes, status: str | None):
    assert read_report(raw).overall == status


def test_the_groups_own_reason_comes_first():
    group = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf>"
    assert read_report(report(group, block("", line("E1", "RJCT", "AC01")))).reasons == ("AM04",)


def test_a_proprietary_reason_counts_if_it_is_a_code():
    own = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Prtry>{}</Prtry></Rsn></StsRsnInf>"
    assert read_report(report(own.format("DS0A"))).reasons == ("DS0A",)
    assert read_report(report(own.format("Jong, Wouter de"))).reasons == ()


def test_its_repr_contains_no_text_of_the_bank():
    raw = report("", block("", line("E1", "RVMC", "AC01", "W. de Jong")))
    assert "Jong" not in repr(read_report(raw))


SAMPLE_FILES = [
    ("pain.002.001.03_nordea_txn-reject-categorypurpose.xml", "RJCT", ("NARR",), 2),
    ("pain.002.001.10_apiome-sepa-status.xml", "PART", ("AC01",), 2),
    ("pain.002.001.10_vop_all-match_hypovereinsbank.xml", "RCVC", (), 0),
]


@pytest.mark.parametrize(("name", "status", "reasons", "count"), SAMPLE_FILES)
def test_it_reads_sample_reports_of_banks(name: str, status: str, reasons: tuple[str, ...], count: int):
    read = read_report(reference.sample(f"bank/{name}").read_bytes())
    assert (read.overall, read.reasons, len(read.transactions)) == (status, reasons, count)


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
        read_report(raw)


def test_entities_are_never_resolved(tmp_path):
    (tmp_path / "secret").write_text("ACSC")
    for entity in (f'SYSTEM "{(tmp_path / "secret").as_uri()}"', '"ACSC"'):
        raw = report("<GrpSts>&a;</GrpSts>").replace(
            b"<Document", f"<!DOCTYPE Document [<!ENTITY a {entity}>]><Document".encode()
        )
        with pytest.raises(NotAReport):
            read_report(raw)


def test_entity_expansion_is_refused():
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    doctype = f'<!DOCTYPE Document [<!ENTITY a0 "AC04">{laughs}]><Document'.encode()
    raw = report("<GrpSts>&a11;</GrpSts>").replace(b"<Document", doctype)
    with pytest.raises(NotAReport):
        read_report(raw)


@given(st.binary(max_size=300))
def test_random_bytes_raise_only_not_a_report(raw: bytes):
    with pytest.raises(NotAReport):
        read_report(raw)
