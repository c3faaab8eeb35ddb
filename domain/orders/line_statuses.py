"""What the bank says of single payments: kept at each line, and what it means for the whole.

A line that the bank refused was never paid ("rejected"); one that was paid and came back is "returned".
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.bank import port
from core.clock import today_amsterdam, utcnow
from domain.common import leases
from domain.orders import sca_state
from domain.orders.status_codes import EXECUTED
from domain.payments.totals import lines_of
from models import BankExchange, BankOrder, Batch, BatchLine, require_client_lock

REFUSED = frozenset({"RJCT", "CANC"})
UNSUCCESSFUL = ("rejected", "returned")
# ISO 20022's code for "see the bank's words": it did not give one of its own.
NO_CODE = "NARR"
# A payment may come back for three bank days, and be asked back for ten (EPC SCT rulebook, R-transactions).
RETURNS_FOR = timedelta(days=21)
LOOK_BACK_EVERY = timedelta(days=1)


def apply_status_report(batch: Batch, order: BankOrder, report: port.StatusReport, event: str | None) -> str | None:
    """Keep what is said of lines, and where the order can go on; returns the event that it all means together.

    In the caller's transaction, before the batch moves. Lines that nothing is said of follow the whole.
    """
    require_client_lock(batch.client_id)
    if BankOrder.get_by_id(order.id).state == "ended":
        return None  # a person ended it while the bank was answering; the payment is another order's now
    merge_links(order, report.links)
    if report.transaction_status == "RVCM":
        _keep_names(batch, report.lines)
    elif report.lines:
        _keep_fates(batch, report.lines, event == "bank_executed_partly")
    return _meaning(batch, order, report, event)


def _meaning(batch: Batch, order: BankOrder, report: port.StatusReport, event: str | None) -> str | None:
    if event == "bank_checks_names" and names_confirmed(order):
        return None  # a status that is behind
    if batch.state == "name_check" and report.transaction_status == "RCVD":
        return None  # received is no result: the check goes on
    if event not in ("bank_executed", "bank_executed_partly"):
        return event
    unpaid = BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state.in_(UNSUCCESSFUL)).exists()
    if event == "bank_executed" and not unpaid:
        return event
    return "bank_returned" if batch.state == "executed" else "bank_executed_partly"


def names_confirmed(order: BankOrder) -> bool:
    """The bank has taken the word that the order may go on with its names."""
    said = BankExchange.select().where(BankExchange.order == order.id, BankExchange.call == "confirm_names")
    return said.where(BankExchange.outcome == "confirmed").exists()


def merge_links(order: BankOrder, links: dict[str, str]) -> None:
    """Later links come beside the earlier ones: an order whose names are checked can only be signed after it."""
    if not links:
        return
    document = sca_state.load_sca_document(order)
    if links.items() <= document["links"].items() or sca_state.is_cancellation(document):
        return
    sca_state.save_links(order, document, document["links"] | links)


def _keep_names(batch: Batch, said: Sequence[port.TransactionStatusReport]) -> None:
    for one in said:
        if one.name_match is not None:
            BatchLine.update(name_match=one.name_match, name_at_bank=one.matched_name).where(
                BatchLine.batch == batch.id, BatchLine.end_to_end_id == one.end_to_end_id, BatchLine.state == "sent"
            ).execute()


def _keep_fates(batch: Batch, said: Sequence[port.TransactionStatusReport], partly: bool) -> None:
    """Each line's own state. Where the bank lists what it refused, it paid the rest of a part."""
    told = {one.end_to_end_id: one for one in said}
    rest_is_paid = partly and any(one.status in REFUSED for one in said)
    for line in lines_of(batch):
        one = told.get(line.end_to_end_id)
        state = _fate(line.state, one, rest_is_paid)
        if state == line.state:
            continue
        reason = (one.reason if one else None) or NO_CODE if state in UNSUCCESSFUL else None
        BatchLine.update(state=state, bank_reason=reason).where(
            BatchLine.id == line.id, BatchLine.state == line.state
        ).execute()


def _fate(state: str, said: port.TransactionStatusReport | None, rest_is_paid: bool) -> str:
    if said is not None and said.status in REFUSED:
        return {"sent": "rejected", "executed": "returned"}.get(state, state)
    paid = rest_is_paid if said is None else said.status in EXECUTED
    return "executed" if paid and state == "sent" else state


# --- when to ask again ---
def next_poll_at(order: BankOrder, attempts: int, state: str | None = None) -> datetime | None:
    """When to ask about an order next (`state`: what it has just become).

    What was executed may come back: it is looked at each day for three weeks, and then no more.
    """
    now_is = state or order.state
    if now_is == "ended":
        return None
    if now_is != "executed":
        return leases.backoff(attempts)
    return utcnow() + LOOK_BACK_EVERY if today_amsterdam() <= order.execution_date + RETURNS_FOR else None
