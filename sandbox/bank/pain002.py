"""Write the status of an order as pain.002.001.10: the group status, and each payment that differs."""

from lxml import etree

from sandbox import clock
from sandbox.bank import orders
from sandbox.bank.sepa import amount
from sandbox.store import Document

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
BLOCK_STATUS = {"executed": "ACSC", "rejected": "RJCT"}


def write(order: Document, status: str) -> str:
    """Return the report of an order, with `status` as group status."""
    root = etree.Element("Document", nsmap={None: NAMESPACE})
    report = add(root, "CstmrPmtStsRpt")
    header = add(report, "GrpHdr")
    add(header, "MsgId", f"STS{clock.bank_now():%Y%m%d%H%M%S}{order['id'][:8]}")
    add(header, "CreDtTm", clock.bank_now().isoformat())
    group = add(report, "OrgnlGrpInfAndSts")
    add(group, "OrgnlMsgId", order["msg_id"])
    add(group, "OrgnlMsgNmId", order["message"])
    add(group, "OrgnlNbOfTxs", str(order["count"]))
    add(group, "OrgnlCtrlSum", amount(order["cents"]))
    add(group, "GrpSts", status)
    add_reason(group, order["reason"])
    for number, block in enumerate(order["blocks"]):
        add_block(report, order, number, block)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8").decode()


def add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, name)
    element.text = text
    return element


def add_reason(parent: etree._Element, code: str | None, text: str = "") -> None:
    if code is None:
        return
    information = add(parent, "StsRsnInf")
    add(add(information, "Rsn"), "Cd", code)
    if text:
        add(information, "AddtlInf", text)


def add_block(report: etree._Element, order: Document, number: int, block: Document) -> None:
    """The payment information; of a part each line with what became of it."""
    payment = add(report, "OrgnlPmtInfAndSts")
    add(payment, "OrgnlPmtInfId", block["id"])
    add(payment, "OrgnlNbOfTxs", str(block["count"]))
    add(payment, "OrgnlCtrlSum", amount(block["cents"]))
    said = orders.said_of_lines(order) if order["lines"] else {}
    own = [line for line in orders.content(order["id"])["lines"][number] if line[0] in said]
    status = "PART" if own else BLOCK_STATUS.get(block["state"])
    if status:
        add(payment, "PmtInfSts", status)
    for line in own:
        add_line(payment, line[0], said[line[0]])


def add_line(payment: etree._Element, end_to_end_id: str, said: Document) -> None:
    transaction = add(payment, "TxInfAndSts")
    add(transaction, "OrgnlEndToEndId", end_to_end_id)
    add(transaction, "TxSts", said["status"])
    add_reason(transaction, said["reason"], said["text"])
