"""The payment file for the bank: pain.001.001.09, streamed, and read back to prove what it says.

One payment information block for one account and one date; salary by CtgyPurp SALA, SEPA service
level, shared charges, one booking; no addresses (EPC rulebook 2025: unstructured ones are refused).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

from lxml import etree

from core.money import cents, plain
from core.sepa_text import is_sepa

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_Q = f"{{{NAMESPACE}}}"


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
    """`created_at` in UTC; it is part of the bytes, so the same order gives the same bytes."""

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
    """The file's bytes. OrderUnwritable for text outside SEPA's characters or lengths, or no lines."""
    _require_writable(order)
    out = BytesIO()
    with etree.xmlfile(out, encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element(f"{_Q}Document", nsmap={None: NAMESPACE}), xml.element(f"{_Q}CstmrCdtTrfInitn"):
            xml.write(_group_header(order))
            with xml.element(f"{_Q}PmtInf"):
                for element in _payment_information(order):
                    xml.write(element)
                for line in order.lines:
                    xml.write(_transaction(line))
    return out.getvalue()


def _require_writable(order: PaymentOrder) -> None:
    if not order.lines:
        raise OrderUnwritable("an order without lines")
    texts = [(order.msg_id, 35), (order.initiating_party, 70), (order.debtor_name, 70)]
    for line in order.lines:
        texts += [(line.end_to_end_id, 35), (line.creditor_name, 70), (line.remittance, 140)]
        if line.amount_cents <= 0:
            raise OrderUnwritable("an amount that is not above zero")
    if not all(is_sepa(text, length) for text, length in texts):
        raise OrderUnwritable("text outside SEPA's characters or lengths")
    for reference in (order.msg_id, *(line.end_to_end_id for line in order.lines)):
        if reference.startswith("/") or reference.endswith("/") or "//" in reference:
            raise OrderUnwritable("a reference with a misplaced slash")


def _element(name: str, *content: Any, **attributes: str) -> Any:
    """An element of the message, holding text or other elements."""
    made = etree.Element(f"{_Q}{name}", attributes, nsmap={None: NAMESPACE})
    for part in content:
        if isinstance(part, str):
            made.text = part
        else:
            made.append(part)
    return made


def _group_header(order: PaymentOrder) -> Any:
    return _element(
        "GrpHdr",
        _element("MsgId", order.msg_id),
        _element("CreDtTm", order.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        _element("NbOfTxs", str(len(order.lines))),
        _element("CtrlSum", plain(order.total_cents)),
        _element("InitgPty", _element("Nm", order.initiating_party)),
    )


def _payment_information(order: PaymentOrder) -> list[Any]:
    kind = _element(
        "PmtTpInf", _element("SvcLvl", _element("Cd", "SEPA")), _element("CtgyPurp", _element("Cd", "SALA"))
    )
    # the debtor's BIC follows from the IBAN (IBAN only)
    agent = _element("DbtrAgt", _element("FinInstnId", _element("Othr", _element("Id", "NOTPROVIDED"))))
    return [
        _element("PmtInfId", order.msg_id),
        _element("PmtMtd", "TRF"),
        _element("BtchBookg", "true" if order.batch_booking else "false"),
        _element("NbOfTxs", str(len(order.lines))),
        _element("CtrlSum", plain(order.total_cents)),
        kind,
        _element("ReqdExctnDt", _element("Dt", order.execution_date.isoformat())),
        _element("Dbtr", _element("Nm", order.debtor_name)),
        _element("DbtrAcct", _element("Id", _element("IBAN", order.debtor_iban)), _element("Ccy", "EUR")),
        agent,
        _element("ChrgBr", "SLEV"),
    ]


def _transaction(line: OrderLine) -> Any:
    made = etree.Element(f"{_Q}CdtTrfTxInf", nsmap={None: NAMESPACE})
    sub = etree.SubElement
    sub(sub(made, f"{_Q}PmtId"), f"{_Q}EndToEndId").text = line.end_to_end_id
    sub(sub(made, f"{_Q}Amt"), f"{_Q}InstdAmt", Ccy="EUR").text = plain(line.amount_cents)
    sub(sub(made, f"{_Q}Cdtr"), f"{_Q}Nm").text = line.creditor_name
    sub(sub(sub(made, f"{_Q}CdtrAcct"), f"{_Q}Id"), f"{_Q}IBAN").text = line.creditor_iban
    sub(sub(made, f"{_Q}RmtInf"), f"{_Q}Ustrd").text = line.remittance
    return made


def read_back(body: bytes) -> PaymentOrder:
    """What the bytes say, to be compared with what was approved. OrderUnwritable when they are not ours."""
    lines: list[OrderLine] = []
    head: dict[str, str] = {}
    names = [f"{_Q}{name}" for name in ("GrpHdr", "CdtTrfTxInf", "PmtInf")]
    try:
        for _, element in etree.iterparse(
            BytesIO(body), tag=names, resolve_entities=False, no_network=True, load_dtd=False
        ):
            name = element.tag.removeprefix(_Q)
            if name == "CdtTrfTxInf":
                lines.append(_read_transaction(element))
                element.clear()
            else:
                _read_head(name, element, head)
        return _order(head, lines)
    except (etree.XMLSyntaxError, KeyError, ValueError, TypeError) as error:
        raise OrderUnwritable("these bytes are not an order of ours") from error


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


def _read_head(name: str, element: Any, head: dict[str, str]) -> None:
    if name == "GrpHdr":
        paths = ("MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty/Nm")
    else:
        if "Dbtr/Nm" in head:
            raise ValueError("more than one payment information block")
        paths = ("Dbtr/Nm", "DbtrAcct/Id/IBAN", "ReqdExctnDt/Dt", "BtchBookg")
    head.update({path: _find(element, path) for path in paths})


def _order(head: dict[str, str], lines: list[OrderLine]) -> PaymentOrder:
    order = PaymentOrder(
        msg_id=head["MsgId"], created_at=datetime.fromisoformat(head["CreDtTm"]),
        initiating_party=head["InitgPty/Nm"], debtor_name=head["Dbtr/Nm"], debtor_iban=head["DbtrAcct/Id/IBAN"],
        execution_date=date.fromisoformat(head["ReqdExctnDt/Dt"]), batch_booking=head["BtchBookg"] == "true",
        lines=lines,
    )  # fmt: skip
    if (head["NbOfTxs"], head["CtrlSum"]) != (str(len(lines)), plain(order.total_cents)):
        raise ValueError("count or sum is not that of the lines")
    return order
