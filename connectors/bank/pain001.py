"""The payment file for the bank: pain.001.001.09, or .03 where a bank wants that; streamed, and read back to prove
what it says.

One payment information block per account and date. Salaries carry category purpose SALA; wage tax carries none, and its
payment reference as structured remittance (docs/facts/bank.md, section 2). SEPA service level, shared charges, accounts
by IBAN only (DbtrAgt NOTPROVIDED, no CdtrAgt). No addresses: unstructured ones are refused since November 2026 (EPC
rulebooks 2025 v1.1), and none is required.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

from lxml import etree

from connectors.bank.pain001_schema import schema_of
from core.iban import normalise
from core.money import cents, format_iso
from core.sepa_text import NAME, REMITTANCE, is_reference, is_sepa

VERSIONS = ("pain.001.001.09", "pain.001.001.03")
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
MOST_CENTS = 999_999_999_99  # of one SEPA credit transfer (EPC rulebook, AT-04)
_SAFE: Any = {"resolve_entities": False, "no_network": True, "load_dtd": False}
_PAYMENT_REFERENCE = re.compile(r"[0-9]{16}")  # "betalingskenmerk"
_ROOT = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:(pain\.001\.001\.0[39])\}Document")


class OrderUnwritable(ValueError):
    """Something in the order may not stand in a file: conversion is done at intake, never silently here.

    Names the field and the line's number, never what stands there.
    """


class NotOurOrder(ValueError):
    """These bytes are not an order as `write_pain001` writes it, or say more than it."""


@dataclass(frozen=True)
class OrderLine:
    """One credit transfer; the amount in cents, text already in SEPA's characters. Remittance may be empty."""

    end_to_end_id: str
    amount_cents: int
    creditor_name: str
    creditor_iban: str
    remittance: str


@dataclass(frozen=True)
class PaymentOrder:
    """`created_at` is aware and part of the bytes (whole seconds, UTC): the same order gives the same bytes."""

    msg_id: str
    created_at: datetime
    initiating_party: str
    debtor_name: str
    debtor_iban: str
    execution_date: date
    batch_booking: bool
    lines: Sequence[OrderLine] = field(repr=False)
    wage_tax: bool = False
    version: str = VERSIONS[0]

    @property
    def namespace(self) -> str:
        return f"urn:iso:std:iso:20022:tech:xsd:{self.version}"

    @property
    def count(self) -> int:
        return len(self.lines)

    @property
    def total_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


# --- writing ------------------------------------------------------------------------------------------
def write_pain001(order: PaymentOrder) -> bytes:
    """The file's bytes. OrderUnwritable for what SEPA does not carry: characters, lengths, ids, amounts, accounts."""
    require_writable(order)
    out = BytesIO()
    with etree.xmlfile(out, encoding="UTF-8") as xml:
        xml.write_declaration()
        # Only the root carries the namespace: the elements inside are made without one and so fall under it,
        # which spares each of them a declaration of its own.
        root = f"{{{order.namespace}}}Document"
        with xml.element(root, nsmap={None: order.namespace}), xml.element("CstmrCdtTrfInitn"):
            xml.write(_group_header(order))
            with xml.element("PmtInf"):
                for element in _payment_information(order):
                    xml.write(element)
                for transaction in _transactions(order):
                    xml.write(transaction, with_tail=True)
    return out.getvalue()


def _element(name: str, *content: Any, **attributes: str) -> Any:
    """An element of the message, holding text or other elements."""
    made = etree.Element(name, attributes)
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
        _element("NbOfTxs", str(order.count)),
        _element("CtrlSum", format_iso(order.total_cents)),
        _element("InitgPty", _element("Nm", order.initiating_party)),
    )


def _payment_information(order: PaymentOrder) -> list[Any]:
    kind = _element("PmtTpInf", _element("SvcLvl", _element("Cd", "SEPA")))
    if not order.wage_tax:
        kind.append(_element("CtgyPurp", _element("Cd", "SALA")))
    agent = _element("DbtrAgt", _element("FinInstnId", _element("Othr", _element("Id", "NOTPROVIDED"))))
    return [
        _element("PmtInfId", order.msg_id),
        _element("PmtMtd", "TRF"),
        _element("BtchBookg", "true" if order.batch_booking else "false"),
        _element("NbOfTxs", str(order.count)),
        _element("CtrlSum", format_iso(order.total_cents)),
        kind,
        _execution_date(order),
        _element("Dbtr", _element("Nm", order.debtor_name)),
        _element("DbtrAcct", _element("Id", _element("IBAN", order.debtor_iban)), _element("Ccy", "EUR")),
        agent,
        _element("ChrgBr", "SLEV"),
    ]


def _execution_date(order: PaymentOrder) -> Any:
    """A plain date in the older version, a choice of date and moment in the newer."""
    day = order.execution_date.isoformat()
    return _element("ReqdExctnDt", day if order.version == VERSIONS[1] else _element("Dt", day))


def _remittance(wage_tax: bool) -> tuple[Any, Any]:
    """RmtInf, and the element in it that holds the text: free, or a payment reference as Dutch banks know it."""
    if not wage_tax:
        text = _element("Ustrd")
        return _element("RmtInf", text), text
    text = _element("Ref")
    kind = _element("Tp", _element("CdOrPrtry", _element("Cd", "SCOR")), _element("Issr", "CUR"))
    return _element("RmtInf", _element("Strd", _element("CdtrRefInf", kind, text))), text


def _transactions(order: PaymentOrder) -> Iterator[Any]:
    """Each line's element: one and the same, filled anew, because it is written before the next is asked for."""
    reference, amount, name, iban = (
        _element("EndToEndId"), _element("InstdAmt", Ccy="EUR"), _element("Nm"), _element("IBAN"),
    )  # fmt: skip
    information, remittance = _remittance(order.wage_tax)
    made = _element(
        "CdtTrfTxInf", _element("PmtId", reference), _element("Amt", amount), _element("Cdtr", name),
        _element("CdtrAcct", _element("Id", iban)),
    )  # fmt: skip
    made.tail = "\n"  # for who reads the file
    for line in order.lines:
        reference.text, amount.text = line.end_to_end_id, format_iso(line.amount_cents)
        name.text, iban.text, remittance.text = line.creditor_name, line.creditor_iban, line.remittance
        if line.remittance:
            made.append(information)
        elif information.getparent() is not None:
            made.remove(information)
        yield made


# --- what may be written --------------------------------------------------------------------------------
def require_writable(order: PaymentOrder) -> None:
    """OrderUnwritable unless SEPA carries every word of it: what holds for a file holds for any other form."""
    if wrong := _wrong_in_header(order):
        raise OrderUnwritable(wrong)
    require_lines(order)


def require_lines(order: PaymentOrder) -> None:
    """OrderUnwritable unless the lines, and the account that pays them, may stand in an order of any form."""
    if not order.lines:
        raise OrderUnwritable("an order without lines")
    if not _is_iban(order.debtor_iban):
        raise OrderUnwritable("debtor_iban")
    seen: set[str] = set()
    for number, line in enumerate(order.lines, 1):
        if wrong := _wrong_in_line(line):
            raise OrderUnwritable(f"line {number}: {wrong}")
        if order.wage_tax and not _PAYMENT_REFERENCE.fullmatch(line.remittance):
            raise OrderUnwritable(f"line {number}: no payment reference")
        if line.end_to_end_id in seen:
            raise OrderUnwritable(f"line {number}: end_to_end_id stands twice")
        seen.add(line.end_to_end_id)


def _wrong_in_header(order: PaymentOrder) -> str | None:
    if order.version not in VERSIONS:
        return "version"
    if order.created_at.tzinfo is None:
        return "created_at has no zone"
    if not is_reference(order.msg_id):
        return "msg_id"
    if not is_sepa(order.initiating_party, NAME):
        return "initiating_party"
    return None if is_sepa(order.debtor_name, NAME) else "debtor_name"


def _wrong_in_line(line: OrderLine) -> str | None:
    if not is_reference(line.end_to_end_id):
        return "end_to_end_id"
    if type(line.amount_cents) is not int or not 0 < line.amount_cents <= MOST_CENTS:
        return "amount_cents"
    if not is_sepa(line.creditor_name, NAME):
        return "creditor_name"
    if not _is_iban(line.creditor_iban):
        return "creditor_iban"
    return None if not line.remittance or is_sepa(line.remittance, REMITTANCE) else "remittance"


def _is_iban(text: str) -> bool:
    """Valid, and written as it stands in a file: capitals, no spaces."""
    try:
        return normalise(text) == text
    except ValueError:
        return False


# --- reading back ---------------------------------------------------------------------------------------
_HEADS = {
    "GrpHdr": ("MsgId", "CreDtTm", "InitgPty/Nm"),
    "PmtInf": ("Dbtr/Nm", "DbtrAcct/Id/IBAN", "BtchBookg"),
}


def parse_own_pain001(body: bytes) -> PaymentOrder:
    """What an XML reader finds in the bytes, to be compared with what was approved.

    NotOurOrder when they do not hold to the schema or are not ours: writing what was read must give
    these very bytes, so nothing can stand in them that is not read.
    """
    try:
        order = _order(body)
        same = write_pain001(order) == body
    except (etree.XMLSyntaxError, KeyError, ValueError) as error:
        raise NotOurOrder("these bytes are not an order of ours") from error
    if not same:
        raise NotOurOrder("these bytes say more than an order of ours")
    return order


def _order(body: bytes) -> PaymentOrder:
    """Line by line: each element is held against the schema, and let go once it is read."""
    version = _version(body)
    space = f"{{urn:iso:std:iso:20022:tech:xsd:{version}}}"
    lines: list[OrderLine] = []
    head: dict[str, str] = {}
    wage_tax, day = False, ""
    names = [f"{space}{name}" for name in ("CdtTrfTxInf", *_HEADS)]
    for _, element in etree.iterparse(BytesIO(body), tag=names, schema=schema_of(version), **_SAFE):
        name = str(element.tag).removeprefix(space)
        if name == "CdtTrfTxInf":
            lines.append(_read_line(element))
            element.clear()
            continue
        head |= {path: _find(element, space, path) for path in _HEADS[name]}
        if name == "PmtInf":
            wage_tax = element.find(f"{space}PmtTpInf/{space}CtgyPurp") is None
            day = _find(element, space, "ReqdExctnDt" if version == VERSIONS[1] else "ReqdExctnDt/Dt")
    return PaymentOrder(
        msg_id=head["MsgId"], created_at=datetime.fromisoformat(head["CreDtTm"]),
        initiating_party=head["InitgPty/Nm"], debtor_name=head["Dbtr/Nm"], debtor_iban=head["DbtrAcct/Id/IBAN"],
        execution_date=date.fromisoformat(day), batch_booking=head["BtchBookg"] == "true", lines=lines,
        wage_tax=wage_tax, version=version,
    )  # fmt: skip


def _version(body: bytes) -> str:
    """Of the root element; ValueError for another one."""
    events: Any = etree.iterparse(BytesIO(body), events=("start",), **_SAFE)
    for _, root in events:
        found = _ROOT.fullmatch(str(root.tag))
        if found:
            return found[1]
        break
    raise ValueError("another document")


def _read_line(element: Any) -> OrderLine:
    """By place: writing it again shows whether these were the places."""
    texts = [part.text or "" for part in element.iter()]
    if len(texts) not in (10, 12, 18):
        raise ValueError("other elements in a line")
    _, _, reference, _, amount, _, name, _, _, iban, *remittance = texts
    return OrderLine(reference, cents(amount), name, iban, remittance[-1] if remittance else "")


def _find(element: Any, space: str, path: str) -> str:
    found = element.findtext("/".join(f"{space}{name}" for name in path.split("/")))
    if found is None:
        raise KeyError(path)
    return found
