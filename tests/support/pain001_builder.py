"""Payment files for tests: valid ones built from parts, so that a test changes only the part it is about."""

from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape

PAIN_03 = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"

# IBANs of the demo's employees, and the German example of the IBAN registry.
# A wage of 2611.00 as an equivalent amount, in dollars.
EQUIVALENT = '<EqvtAmt><Amt Ccy="EUR">2611.00</Amt><CcyOfTrf>USD</CcyOfTrf></EqvtAmt>'
IBANS = ("NL42INGB2268352412", "NL52ABNA7650143244", "NL27RABO0315273237", "DE89370400440532013000")


def plain(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


@dataclass(frozen=True)
class Line:
    """One payment line. `more` is added to the end of the element; None omits a field."""

    cents: int = 261100
    name: str | None = "Nowak, Alek"
    iban: str | None = IBANS[0]
    end_to_end_id: str | None = "NOTPROVIDED"
    remittance: str | None = "Salaris april"
    amount: str | None = None
    currency: str = "EUR"
    more: str = ""

    def xml(self) -> str:
        amount = plain(self.cents) if self.amount is None else self.amount
        parts = [
            f"<PmtId><EndToEndId>{escape(self.end_to_end_id)}</EndToEndId></PmtId>" if self.end_to_end_id else "",
            f'<Amt><InstdAmt Ccy="{self.currency}">{amount}</InstdAmt></Amt>',
            "<CdtrAgt><FinInstnId><BIC>INGBNL2A</BIC></FinInstnId></CdtrAgt>",
            f"<Cdtr><Nm>{escape(self.name)}</Nm></Cdtr>" if self.name is not None else "",
            f"<CdtrAcct><Id><IBAN>{self.iban}</IBAN></Id></CdtrAcct>" if self.iban is not None else "",
            f"<RmtInf><Ustrd>{escape(self.remittance)}</Ustrd></RmtInf>" if self.remittance is not None else "",
        ]
        return f"<CdtTrfTxInf>{''.join(parts)}{self.more}</CdtTrfTxInf>"


@dataclass(frozen=True)
class Part:
    """One PmtInf. `count` and `total` are the stated values: None states the correct one, "" omits it."""

    lines: tuple[Line, ...] = (Line(),)
    count: str | None = None
    total: str | None = None
    debtor: str = "<Dbtr><Nm>Demo BV</Nm></Dbtr><DbtrAcct><Id><IBAN>NL95INGB0004921836</IBAN></Id></DbtrAcct>"
    method: str = "<PmtMtd>TRF</PmtMtd>"

    def xml(self) -> str:
        head = f"<PmtInfId>SAL-1</PmtInfId>{self.method}{claims(self.lines, self.count, self.total)}{self.debtor}"
        return f"<PmtInf>{head}{''.join(line.xml() for line in self.lines)}</PmtInf>"


@dataclass(frozen=True)
class File:
    """A whole pain.001, valid unless a part says otherwise."""

    parts: tuple[Part, ...] = (Part(),)
    count: str | None = None
    total: str | None = None
    namespace: str = PAIN_03
    declaration: str = '<?xml version="1.0" encoding="utf-8"?>'
    initiation: str = "CstmrCdtTrfInitn"
    lines: tuple[Line, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", tuple(line for part in self.parts for line in part.lines))

    def xml(self) -> str:
        namespace = f' xmlns="{self.namespace}"' if self.namespace else ""
        head = f"<GrpHdr><MsgId>SAL-1</MsgId>{claims(self.lines, self.count, self.total)}</GrpHdr>"
        body = f"<{self.initiation}>{head}{''.join(part.xml() for part in self.parts)}</{self.initiation}>"
        return f"{self.declaration}<Document{namespace}>{body}</Document>"

    def raw(self) -> bytes:
        return self.xml().encode()


def claims(lines: tuple[Line, ...], count: str | None, total: str | None) -> str:
    count = str(len(lines)) if count is None else count
    total = plain(sum(line.cents for line in lines)) if total is None else total
    return (f"<NbOfTxs>{count}</NbOfTxs>" if count else "") + (f"<CtrlSum>{total}</CtrlSum>" if total else "")


def file_of(*lines: Line, **changes: object) -> File:
    """Return a file with one part that contains these lines."""
    return replace(File((Part(lines),)), **changes) if changes else File((Part(lines),))


def with_line(**changes: object) -> bytes:
    """Return a file with one line that has these changes."""
    return file_of(replace(Line(), **changes)).raw()
