"""What became of an order of 10,000 lines: the conclusion, beside reading the file in which the bank said it."""

from datetime import UTC, date, datetime
from pathlib import Path

from bench import files
from bench.measurement import Figure, median_seconds
from connectors.bank.camt import read_account_report
from connectors.bank.pain002 import read_status_report
from domain.orders.conclusion import BOOKED, Evidence, Level, OrderFacts, OrderLineFacts, conclude

LINES = 10_000
AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
TODAY = date(2026, 12, 1)
MSG_ID = "20261123101500-12345"
CENTS = 150_000


def measure(home: Path) -> list[Figure]:
    """Measure a status report and a statement of account; both speak of every line."""
    return [
        _figure("a status report", _status_report(), read_status_report, _statuses()),
        _figure("a statement", _statement(), read_account_report, _bookings()),
    ]


def _figure(name: str, raw: bytes, read, said: list[Evidence]) -> Figure:
    order = OrderFacts(
        tuple(OrderLineFacts(number, CENTS) for number in range(1, LINES + 1)), execution_date=AT.date()
    )
    seconds, floor = median_seconds(lambda: conclude(order, said, TODAY)), median_seconds(lambda: read(raw))
    return Figure(
        f"conclusion from {name} of {LINES:,} lines", round(seconds, 3), "s", round(floor, 3), "reading that file",
        "less than reading it", seconds < floor, f"{seconds / floor:.2f} of reading it, {len(raw) / 1e6:.1f} MB",
    )  # fmt: skip


def _id(number: int) -> str:
    return f"{MSG_ID}-{number:05d}"


def _statuses() -> list[Evidence]:
    """Every hundredth line is refused, the others are paid; the batch is executed in part."""
    lines = [
        Evidence(Level.LINE, "RJCT" if number % 100 == 0 else "ACSC", AT, line=number,
                 reason="AC04" if number % 100 == 0 else None)
        for number in range(1, LINES + 1)
    ]  # fmt: skip
    return [Evidence(Level.GROUP, "PART", AT), Evidence(Level.BATCH, "PART", AT), *lines]


def _status_report() -> bytes:
    reason = "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>"
    lines = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{_id(number)}</OrgnlEndToEndId>"
        + (f"<TxSts>RJCT</TxSts>{reason}" if number % 100 == 0 else "<TxSts>ACSC</TxSts>")
        + "</TxInfAndSts>"
        for number in range(1, LINES + 1)
    )
    return (
        '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>S1</MsgId><CreDtTm>2026-11-24T10:00:00Z</CreDtTm></GrpHdr><OrgnlGrpInfAndSts>"
        f"<OrgnlMsgId>{MSG_ID}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>PART</GrpSts>"
        f"</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>{MSG_ID}</OrgnlPmtInfId><PmtInfSts>PART</PmtInfSts>"
        f"{lines}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()


def _bookings() -> list[Evidence]:
    return [
        Evidence(Level.LINE, BOOKED, AT, line=number, cents=-CENTS, key=f"{AT.date()}:1")
        for number in range(1, LINES + 1)
    ]


def _statement() -> bytes:
    entries = "".join(
        f'<Ntry><Amt Ccy="EUR">{CENTS / 100:.2f}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{AT.date()}</Dt></BookgDt><NtryDtls><TxDtls><Refs><EndToEndId>{_id(number)}</EndToEndId></Refs>"
        "</TxDtls></NtryDtls></Ntry>"
        for number in range(1, LINES + 1)
    )
    return (
        '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr/>'
        f"<Stmt><Id>1</Id><Acct><Id><IBAN>{files.DEBTOR_IBAN}</IBAN></Id></Acct>{entries}</Stmt></BkToCstmrStmt>"
        "</Document>"
    ).encode()
