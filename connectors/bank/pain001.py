"""The payment file for the bank: pain.001.001.09, and read back to prove what it says.

One payment information block for one account and one date; salary by CtgyPurp SALA, SEPA service
level, shared charges, one booking; no addresses (EPC rulebook 2025: unstructured ones are refused).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

from lxml import etree

from core.iban import valid
from core.money import cents, plain
from core.sepa_text import is_sepa

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
MOST_CENTS = 999_999_999_99  # of one SEPA credit transfer (EPC rulebook, AT-T002)
_Q = f"{{{NAMESPACE}}}"
_START = f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn>'
_END = "</PmtInf></CstmrCdtTrfInitn></Document>\n"


class OrderUnwritable(ValueError):
    """Something in the order may not stand in a file: conversion is done at intake, never silently here."""


@dataclass(frozen=True)
class OrderLine:
    """One credit transfer; the amount in cents."""

    end_to_end_id: str
    amount_cents: int
    creditor_name: str
    creditor_iban: str
    remittance: str


@dataclass(frozen=True)
class PaymentOrder:
    """`created_at` in UTC, whole seconds; it is part of the bytes, so the same order gives the same bytes."""

    msg_id: str
    created_at: datetime
    initiating_party: str
    debtor_name: str
    debtor_iban: str
    execution_date: date
    batch_booking: bool
    lines: Sequence[OrderLine] = field(repr=False)

    @property
    def total_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


def write_pain001(order: PaymentOrder) -> bytes:
    """The file's bytes. OrderUnwritable for what no bank would take: see `_require_writable`.

    Written as text: what may stand in an order has no sign that XML would want escaped.
    """
    _require_writable(order)
    parts = [_START, _group_header(order), _payment_information(order), *map(_transaction, order.lines), _END]
    return "".join(parts).encode("ascii")


def _require_writable(order: PaymentOrder) -> None:
    """Lines; SEPA's characters and lengths; ids that no bank refuses, none twice; right IBANs and amounts."""
    if not order.lines:
        raise OrderUnwritable("an order without lines")
    if order.created_at.tzinfo is None:
        raise OrderUnwritable("a moment without a zone")
    references = [order.msg_id, *(line.end_to_end_id for line in order.lines)]
    if len(set(references[1:])) != len(order.lines):
        raise OrderUnwritable("an end-to-end id stands there twice")
    if not all(map(_is_reference, references)):
        raise OrderUnwritable("a reference outside SEPA's characters or length, or with a misplaced slash")
    if not (is_sepa(order.initiating_party, 70) and is_sepa(order.debtor_name, 70) and valid(order.debtor_iban)):
        raise OrderUnwritable("a debtor that may not stand there so")
    for number, line in enumerate(order.lines, 1):
        _require_writable_line(number, line)


def _require_writable_line(number: int, line: OrderLine) -> None:
    if not (is_sepa(line.creditor_name, 70) and is_sepa(line.remittance, 140)):
        raise OrderUnwritable(f"line {number}: text outside SEPA's characters or lengths")
    if not valid(line.creditor_iban):
        raise OrderUnwritable(f"line {number}: the IBAN is not valid")
    if not 0 < line.amount_cents <= MOST_CENTS:
        raise OrderUnwritable(f"line {number}: an amount that cannot be transferred")


def _is_reference(text: str) -> bool:
    """Banks refuse references with a slash first or last, or two together."""
    return is_sepa(text, 35) and text.strip("/ ") == text and "//" not in text


def _group_header(order: PaymentOrder) -> str:
    created = order.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"<GrpHdr><MsgId>{order.msg_id}</MsgId><CreDtTm>{created}</CreDtTm>{_claims(order)}"
        f"<InitgPty><Nm>{order.initiating_party}</Nm></InitgPty></GrpHdr>\n"
    )


def _claims(order: PaymentOrder) -> str:
    return f"<NbOfTxs>{len(order.lines)}</NbOfTxs><CtrlSum>{plain(order.total_cents)}</CtrlSum>"


def _payment_information(order: PaymentOrder) -> str:
    booking = "true" if order.batch_booking else "false"
    # the debtor's BIC follows from the IBAN (IBAN only)
    return (
        f"<PmtInf><PmtInfId>{order.msg_id}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>{booking}</BtchBookg>"
        f"{_claims(order)}<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><CtgyPurp><Cd>SALA</Cd></CtgyPurp></PmtTpInf>"
        f"<ReqdExctnDt><Dt>{order.execution_date.isoformat()}</Dt></ReqdExctnDt>"
        f"<Dbtr><Nm>{order.debtor_name}</Nm></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{order.debtor_iban}</IBAN></Id><Ccy>EUR</Ccy></DbtrAcct>"
        "<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>\n"
    )


def _transaction(line: OrderLine) -> str:
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>{line.end_to_end_id}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="EUR">{plain(line.amount_cents)}</InstdAmt></Amt>'
        f"<Cdtr><Nm>{line.creditor_name}</Nm></Cdtr>"
        f"<CdtrAcct><Id><IBAN>{line.creditor_iban}</IBAN></Id></CdtrAcct>"
        f"<RmtInf><Ustrd>{line.remittance}</Ustrd></RmtInf></CdtTrfTxInf>\n"
    )


# --- back ---
def read_back(body: bytes) -> PaymentOrder:
    """What an XML reader finds in the bytes, to be compared with what was approved.

    OrderUnwritable when they are not ours: writing what was read must give these very bytes, so nothing
    can stand in them that is not read.
    """
    lines: list[OrderLine] = []
    head: dict[str, str] = {}
    try:
        for element in _elements(body):
            name = element.tag.removeprefix(_Q)
            if name == "CdtTrfTxInf":
                lines.append(_read_transaction(element))
                element.clear()
            else:
                head |= {path: _find(element, path) for path in _HEADS[name]}
        order = _order(head, lines)
        same = write_pain001(order) == body
    except (etree.XMLSyntaxError, KeyError, ValueError) as error:
        raise OrderUnwritable("these bytes are not an order of ours") from error
    if not same:
        raise OrderUnwritable("these bytes say more than an order of ours")
    return order


_HEADS = {
    "GrpHdr": ("MsgId", "CreDtTm", "InitgPty/Nm"),
    "PmtInf": ("Dbtr/Nm", "DbtrAcct/Id/IBAN", "ReqdExctnDt/Dt", "BtchBookg"),
}


def _elements(body: bytes) -> Any:
    names = [f"{_Q}{name}" for name in ("CdtTrfTxInf", *_HEADS)]
    found = etree.iterparse(BytesIO(body), tag=names, resolve_entities=False, no_network=True, load_dtd=False)
    return (element for _, element in found)


def _find(element: Any, path: str) -> str:
    found = element.findtext("/".join(f"{_Q}{name}" for name in path.split("/")))
    if found is None:
        raise KeyError(path)
    return found


def _read_transaction(element: Any) -> OrderLine:
    return OrderLine(
        _find(element, "PmtId/EndToEndId"), cents(_find(element, "Amt/InstdAmt")), _find(element, "Cdtr/Nm"),
        _find(element, "CdtrAcct/Id/IBAN"), _find(element, "RmtInf/Ustrd"),
    )  # fmt: skip


def _order(head: dict[str, str], lines: list[OrderLine]) -> PaymentOrder:
    return PaymentOrder(
        msg_id=head["MsgId"], created_at=datetime.fromisoformat(head["CreDtTm"]),
        initiating_party=head["InitgPty/Nm"], debtor_name=head["Dbtr/Nm"], debtor_iban=head["DbtrAcct/Id/IBAN"],
        execution_date=date.fromisoformat(head["ReqdExctnDt/Dt"]), batch_booking=head["BtchBookg"] == "true",
        lines=lines,
    )  # fmt: skip
