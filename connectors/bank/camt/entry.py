"""Read one entry of a statement (Ntry), with its transactions."""

from datetime import date
from typing import Any

from connectors import iso20022
from connectors.bank.camt.content import AccountEntry, BatchReference, Direction, TransactionDetail
from connectors.bank.camt.fields import party_iban, party_name, shown
from connectors.iso20022 import UnreadableField, cents_of, count_of, day_of, plain, reference_of
from connectors.xml_document import child, children, local_name, text_at, text_of, texts

LONGEST_TEXT, LONGEST_CODE = 1000, 60
_DIRECTIONS: dict[str, Direction] = {"CRDT": "credit", "DBIT": "debit"}
_REVERSAL = {"true": True, "1": True, "false": False, "0": False}


def read_entry(element: Any) -> AccountEntry | None:
    """Return the entry without its account, its text content as key; None when it is not in euros.

    Raises:
    - UnreadableField
    - XmlRefused: an element that may occur once occurs twice.
    """
    amount = child(element, "Amt")
    if amount is not None and amount.get("Ccy") != "EUR":
        return None
    found = children(element, "NtryDtls")
    return AccountEntry(
        key=_content(element), account_iban=None, amount_cents=cents_of(text_of(amount), "Amt"),
        direction=_direction(text_at(element, "CdtDbtInd")), reversal=_reversal(text_at(element, "RvslInd")),
        status=_status(child(element, "Sts")), booking_date=_day(element, "BookgDt"), value_date=_day(element, "ValDt"),
        entry_reference=reference_of(shown(element, "NtryRef")),
        account_servicer_reference=reference_of(shown(element, "AcctSvcrRef")),
        bank_transaction_code=_transaction_code(element),
        batches=tuple(_batch(part) for one in found for part in children(one, "Btch")),
        details=tuple(_detail(part) for one in found for part in children(one, "TxDtls")),
        text=plain(shown(element, "AddtlNtryInf"), LONGEST_TEXT),
    )  # fmt: skip


def _content(element: Any) -> str:
    """Return all text of the entry except NtryRef: its number in the statement, which differs between documents."""
    parts = (part.itertext() for part in element if local_name(part) != "NtryRef")
    return "\x1f".join(word for texts_of in parts for text in texts_of if (word := " ".join(text.split())))


def _direction(text: str | None) -> Direction:
    direction = _DIRECTIONS.get(text or "")
    if direction is None:
        raise UnreadableField("CdtDbtInd is neither CRDT nor DBIT")
    return direction


def _reversal(text: str | None) -> bool:
    reversal = _REVERSAL.get((text or "false").lower())
    if reversal is None:
        raise UnreadableField("RvslInd is neither true nor false")
    return reversal


def _status(element: Any) -> str:
    """Return the status: text in version .02, a code in later ones; "" when there is none."""
    if element is None:
        return ""
    return (text_at(element, "Cd") or text_at(element, "Prtry") or "") if len(element) else text_of(element) or ""


def _day(element: Any, name: str) -> date | None:
    found = child(element, name)
    return None if found is None else day_of(text_at(found, "Dt") or text_at(found, "DtTm"), name)


def _transaction_code(element: Any) -> str | None:
    """Return domain, family and sub-family (PMNT/ICDT/SALA), or the bank's own code."""
    found = next(element.iterchildren("{*}BkTxCd"), None)
    if found is None:
        return None
    domain = [shown(found, "Domn", *path) or "" for path in (("Cd",), ("Fmly", "Cd"), ("Fmly", "SubFmlyCd"))]
    return plain("/".join(domain) if any(domain) else shown(found, "Prtry", "Cd"), LONGEST_CODE)


def _batch(element: Any) -> BatchReference:
    direction, total = text_at(element, "CdtDbtInd"), child(element, "TtlAmt")
    return BatchReference(
        reference_of(text_at(element, "MsgId")), reference_of(text_at(element, "PmtInfId")),
        count_of(text_at(element, "NbOfTxs"), "NbOfTxs"), _cents(total, "TtlAmt", unmarked=True),
        _direction(direction) if direction else None,
    )  # fmt: skip


def _detail(element: Any) -> TransactionDetail:
    references, parties, returned = (child(element, name) for name in ("Refs", "RltdPties", "RtrInf"))
    amounts, amount, direction = child(element, "AmtDtls"), child(element, "Amt"), text_at(element, "CdtDbtInd")
    if amount is None and amounts is not None:  # version .02 has it one level deeper
        amount = child(amounts, "TxAmt", "Amt")
    return TransactionDetail(
        *_references(references), amount_cents=_cents(amount, "TxAmt"),
        instructed_cents=None if amounts is None else _cents(child(amounts, "InstdAmt", "Amt"), "InstdAmt"),
        direction=_direction(direction) if direction else None, is_return=returned is not None,
        return_reason=None if returned is None else iso20022.reason_of(child(returned, "Rsn")),
        bank_transaction_code=_transaction_code(element), purpose=plain(shown(element, "Purp", "Cd"), LONGEST_CODE),
        account_servicer_reference=None if references is None else reference_of(shown(references, "AcctSvcrRef")),
        debtor_name=party_name(parties, "Dbtr"), debtor_iban=party_iban(parties, "DbtrAcct"),
        creditor_name=party_name(parties, "Cdtr"), creditor_iban=party_iban(parties, "CdtrAcct"),
        remittance=_remittance(element),
    )  # fmt: skip


def _references(element: Any) -> list[str | None]:
    names = ("EndToEndId", "MsgId", "PmtInfId", "InstrId")
    return [None if element is None else reference_of(text_at(element, name)) for name in names]


def _cents(amount: Any, name: str, unmarked: bool = False) -> int | None:
    """Return an amount in euros; None if absent or in another currency. `unmarked`: the currency may be absent."""
    if amount is None or amount.get("Ccy") not in ("EUR", None if unmarked else "EUR"):
        return None
    return cents_of(text_of(amount), name)


def _remittance(element: Any) -> str | None:
    """Return the payer's text, the references and the bank's text."""
    found: list[str] = []
    for one in element.iterchildren("{*}RmtInf"):
        found += texts(children(one, "Ustrd"))
        found += (shown(part, "CdtrRefInf", "Ref") or "" for part in children(one, "Strd"))
    found.append(shown(element, "AddtlTxInf") or "")
    return plain(" ".join(found), LONGEST_TEXT)
