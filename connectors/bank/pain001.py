"""Write the payment file (ISO 20022 pain.001.001.09, or .03 where a bank needs it) as a stream, and parse it to verify
it.

One payment information block per account and date. Salaries carry category purpose SALA; wage tax has none and carries
its payment reference as structured remittance information (docs/facts/bank.md, section 2). Service level SEPA, shared
charges, accounts by IBAN only (DbtrAgt NOTPROVIDED, no CdtrAgt). No addresses: unstructured ones are refused since
November 2026 (EPC rulebooks 2025 v1.1), and none is required.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

from lxml import etree

from connectors.bank.pain001_schema import schema_of
from connectors.bank.payment_order import (
    VERSIONS,
    NotOurOrder,
    OrderLine,
    PaymentOrder,
    reference_of_line,
    require_writable,
)
from core.money import cents, format_iso

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_SAFE: Any = {"resolve_entities": False, "no_network": True, "load_dtd": False}
_ROOT = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:(pain\.001\.001\.0[39])\}Document")


# --- writing ---
def write_pain001(order: PaymentOrder) -> bytes:
    """Return the bytes of the file.

    Raises:
    - OrderUnwritable: a character set, length, id, amount or account that SEPA does not allow.
    """
    require_writable(order)
    out = BytesIO()
    with etree.xmlfile(out, encoding="UTF-8") as xml:
        xml.write_declaration()
        # Only the root declares the namespace. Elements created without one inherit it, which saves a declaration each.
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
    """Create an element with texts or child elements."""
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
    """Return the execution date: a plain date in version .03, a Dt element in .09."""
    day = order.execution_date.isoformat()
    return _element("ReqdExctnDt", day if order.version == VERSIONS[1] else _element("Dt", day))


def _remittance(reference: tuple[str, str] | None) -> tuple[Any, Any]:
    """Return RmtInf and its element for the text: unstructured, or a reference with its type and issuer."""
    if reference is None:
        text = _element("Ustrd")
        return _element("RmtInf", text), text
    text, kind = _element("Ref"), _element("Tp", _element("CdOrPrtry", _element("Cd", reference[0])))
    if reference[1]:
        kind.append(_element("Issr", reference[1]))
    return _element("RmtInf", _element("Strd", _element("CdtrRefInf", kind, text))), text


_PARTS_WITHOUT_REMITTANCE = 4  # PmtId, Amt, Cdtr, CdtrAcct


def _transactions(order: PaymentOrder) -> Iterator[Any]:
    """Yield the element of each transaction. It is one element, refilled, because it is written before the next is
    requested.
    """
    reference, amount, name, iban = (
        _element("EndToEndId"), _element("InstdAmt", Ccy="EUR"), _element("Nm"), _element("IBAN"),
    )  # fmt: skip
    remittances: dict[tuple[str, str] | None, tuple[Any, Any]] = {}
    made = _element(
        "CdtTrfTxInf", _element("PmtId", reference), _element("Amt", amount), _element("Cdtr", name),
        _element("CdtrAcct", _element("Id", iban)),
    )  # fmt: skip
    made.tail = "\n"  # readable for people
    for line in order.lines:
        reference.text, amount.text = line.end_to_end_id, format_iso(line.amount_cents)
        name.text, iban.text = line.creditor_name, line.creditor_iban
        reference_type = reference_of_line(line, order.wage_tax)
        if reference_type not in remittances:
            remittances[reference_type] = _remittance(reference_type)
        information, text = remittances[reference_type]
        text.text = line.remittance
        if len(made) > _PARTS_WITHOUT_REMITTANCE:
            made.remove(made[-1])
        if line.remittance:
            made.append(information)
        yield made


# --- reading ---
_HEADS = {
    "GrpHdr": ("MsgId", "CreDtTm", "InitgPty/Nm"),
    "PmtInf": ("Dbtr/Nm", "DbtrAcct/Id/IBAN", "BtchBookg"),
}


def parse_own_pain001(body: bytes) -> PaymentOrder:
    """Parse an order that `write_pain001` wrote, to compare it with what was approved.

    Writing the parsed order must give exactly these bytes, so they contain nothing that was not parsed.

    Raises:
    - NotOurOrder: the bytes do not match the schema, or are not ours.
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
    """Parse the order as a stream: each element is validated against the schema and released once it is read."""
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
    if wage_tax:
        lines = [replace(line, reference_type="", reference_issuer="") for line in lines]
    return PaymentOrder(
        msg_id=head["MsgId"], created_at=datetime.fromisoformat(head["CreDtTm"]),
        initiating_party=head["InitgPty/Nm"], debtor_name=head["Dbtr/Nm"], debtor_iban=head["DbtrAcct/Id/IBAN"],
        execution_date=date.fromisoformat(day), batch_booking=head["BtchBookg"] == "true", lines=lines,
        wage_tax=wage_tax, version=version,
    )  # fmt: skip


def _version(body: bytes) -> str:
    """Return the version that the root element names.

    Raises:
    - ValueError: it is another document.
    """
    events: Any = etree.iterparse(BytesIO(body), events=("start",), **_SAFE)
    for _, root in events:
        found = _ROOT.fullmatch(str(root.tag))
        if found:
            return found[1]
        break
    raise ValueError("another document")


def _read_line(element: Any) -> OrderLine:
    """Parse a transaction by the position of its elements; writing it again proves that the positions were right."""
    texts = [part.text or "" for part in element.iter()]
    if len(texts) not in (10, 12, 17, 18):
        raise ValueError("other elements in a line")
    _, _, reference, _, amount, _, name, _, _, iban, *remittance = texts
    kind, issuer = remittance[5:-1] + [""] * (18 - len(texts)) if len(texts) > 12 else ("", "")
    return OrderLine(reference, cents(amount), name, iban, remittance[-1] if remittance else "", kind, issuer)


def _find(element: Any, space: str, path: str) -> str:
    found = element.findtext("/".join(f"{space}{name}" for name in path.split("/")))
    if found is None:
        raise KeyError(path)
    return found
