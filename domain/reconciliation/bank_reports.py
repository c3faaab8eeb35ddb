"""A file of the bank, handed in by a person: a status report (pain.002) or a statement (camt.053) about one payment.

It counts as the bank's answer only where it is surely about this payment: the report by the message id of its order,
the statement by the account, and by message id, count and total, or by the end-to-end ids of its lines. What it says
moves the payment along the same table as an answer over the line; a file that fits nothing changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from connectors.bank.camt053 import Entry, NotAStatement, Statement, read_statements
from connectors.bank.pain002 import NotAReport, Report, read_report
from core.ids import uuid
from domain.banking.linking import bank_config_of
from domain.common import audit
from domain.common.errors import BankFileRefused
from domain.orders.line_statuses import NO_CODE, UNSUCCESSFUL, next_poll_at
from domain.orders.status_codes import ORDER_STATE, event_for_status
from domain.payments import state_machine
from domain.payments.queries import get_batch, get_batch_locked
from models import BankExchange, BankOrder, Batch, BatchLine, Client, User, require_client_lock, transaction

MOST_BYTES = 16 * 1024 * 1024
BOOKING = "booking"  # read in the account's own bookings (domain.reconciliation.matching)
_DONE, _REFUSED = ("ACSC", "ACCC"), ("RJCT", "CANC")


@dataclass
class ReportOutcome:
    """What a file says of one order: an event, and per end-to-end id what became of the line."""

    event: str | None
    status: str
    reason: str | None = None
    lines: dict[str, str] = field(default_factory=dict)


def import_report(client: Client, user: User, reference: str, raw: bytes) -> str:
    """Read a file of the bank about this payment; returns the state it is in now.

    BankFileRefused: "unreadable", "other_order", "other_account", "differs" or "nothing_new". NotFound.
    """
    batch = get_batch(client, reference)
    order = BankOrder.select().where(BankOrder.batch == batch.id).order_by(BankOrder.id.desc()).first()
    if order is None:
        raise BankFileRefused("other_order")
    kind, finding = _read(batch, order, raw)
    with transaction(client.id):
        batch = get_batch_locked(client, reference)
        if not apply_outcome(batch, order, audit.by_user(user), kind, finding):
            raise BankFileRefused("nothing_new")
        return batch.state


def _read(batch: Batch, order: BankOrder, raw: bytes) -> tuple[str, ReportOutcome]:
    if len(raw) > MOST_BYTES:
        raise BankFileRefused("unreadable")
    try:
        return "pain.002", _of_report(batch, order, read_report(raw))
    except NotAReport:
        pass
    try:
        return "camt.053", _of_statements(batch, order, read_statements(raw))
    except NotAStatement as error:
        raise BankFileRefused("unreadable") from error


# --- a status report -------------------------------------------------------------------------------
def _of_report(batch: Batch, order: BankOrder, report: Report) -> ReportOutcome:
    if report.original_message_id != order.msg_id:
        raise BankFileRefused("other_order")
    status = report.overall
    event = event_for_status(status, _signing_of(order)) if status else None
    if status is None or event is None:
        raise BankFileRefused("unreadable")
    lines = {}
    for one in report.transactions:
        if one.end_to_end_id and one.status in (*_DONE, *_REFUSED):
            lines[one.end_to_end_id] = "executed" if one.status in _DONE else "rejected"
    return ReportOutcome(event, status, f"bank:{report.reasons[0]}" if report.reasons else None, lines)


def _signing_of(order: BankOrder) -> str:
    """A file that a person brought to the bank is signed there, whatever proved its release here."""
    return "redirect" if order.by_hand else bank_config_of(order.bank_account.bank).signing


# --- a statement -----------------------------------------------------------------------------------
def _of_statements(batch: Batch, order: BankOrder, statements: list[Statement]) -> ReportOutcome:
    mine = [one for one in statements if one.iban == batch.bank_account.iban]
    if not mine:
        raise BankFileRefused("other_account")
    entries = [entry for one in mine for entry in one.entries]
    rows = BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state.not_in(("refused", "void", "open")))
    ids = {row.end_to_end_id: row.amount_cents for row in rows}
    returned = _returned(entries, ids)
    paid = _paid(entries, order, ids)
    if returned:
        lines = {**dict.fromkeys(ids, "executed"), **dict.fromkeys(returned, "returned")}
        return ReportOutcome("bank_returned", "BOOK", f"bank:{next(iter(returned.values()))}", lines)
    if not paid:
        raise BankFileRefused("nothing_new")
    return ReportOutcome("bank_executed", "BOOK", None, dict.fromkeys(ids, "executed"))


def _returned(entries: Iterable[Entry], ids: dict[str, int]) -> dict[str, str]:
    """Lines that came back: money in, for one of our end-to-end ids, with the bank's reason."""
    return {
        detail.end_to_end_id: detail.return_reason or "MS03"
        for entry in entries if entry.cents > 0
        for detail in entry.details
        if detail.end_to_end_id in ids and detail.cents in (None, ids[detail.end_to_end_id])
    }  # fmt: skip


def _paid(entries: Iterable[Entry], order: BankOrder, ids: dict[str, int]) -> bool:
    """Whether the whole order was booked: as a lump under its message id, or line by line. "differs" when a lump
    bears our message id and another sum or count."""
    out = [entry for entry in entries if entry.cents < 0]
    lumps = [entry for entry in out if order.msg_id in entry.message_ids]
    if lumps:
        sums = -sum(entry.cents for entry in lumps)
        counts = [entry.count for entry in lumps if entry.count is not None]
        if sums != order.total_cents or (counts and sum(counts) != order.line_count):
            raise BankFileRefused("differs")
        return True
    booked = {detail.end_to_end_id for entry in out for detail in entry.details}
    return bool(ids) and set(ids) <= booked


# --- what comes of it ------------------------------------------------------------------------------
def apply_outcome(batch: Batch, order: BankOrder, actor: str, kind: str, finding: ReportOutcome) -> bool:
    """Batch, order and lines as the finding says, in the caller's transaction; False when it leads nowhere from here,
    and then nothing has changed. `kind` is where it was read: pain.002, camt.053 or booking."""
    require_client_lock(batch.client_id)
    steps = _event_path(batch.state, finding.event)
    if not steps:
        return False
    BankExchange.create(
        order=order.id, call=BOOKING if kind == BOOKING else "file", request_id=uuid(), outcome=kind,
        raw_status=finding.status, final=finding.event in ("bank_executed", "bank_rejected", "bank_cancelled"),
    )  # fmt: skip
    for event in steps:
        state_machine.transition(batch, event, actor, finding.reason, order=order.id, file=kind)
    state = ORDER_STATE[steps[-1]]
    BankOrder.update(state=state, raw_status=finding.status, lease_until=None).where(BankOrder.id == order.id).execute()
    if state in ("executed", "ended"):
        due_at = next_poll_at(order, 0, state) if kind == BOOKING else None  # who hands in files is not asked after
        BankOrder.update(due_at=due_at).where(BankOrder.id == order.id).execute()
    if steps[-1] == "bank_returned" and "bank_executed" in steps:
        apply_line_outcomes(batch, "bank_executed", ReportOutcome(None, finding.status))
    apply_line_outcomes(batch, steps[-1], finding)
    return True


def _event_path(state: str, event: str | None) -> list[str]:
    """The event, with what must have come before it: a bank that executed has had the order, and returns what it
    executed. Nothing when it leads nowhere from here."""
    if event is None:
        return []
    for way in ([event], ["bank_has_it", event], ["bank_executed", event], ["bank_has_it", "bank_executed", event]):
        here: str | None = state
        for step in way:
            here = state_machine.TRANSITIONS.get((here or "", step))
        if here is not None:
            return way
    return []


def apply_line_outcomes(batch: Batch, event: str, finding: ReportOutcome) -> None:
    """Each line as the file says it; where it says nothing of lines, all follow the whole."""
    whole = {"bank_executed": "executed", "bank_rejected": "rejected", "bank_cancelled": "rejected"}.get(event)
    going = BatchLine.state.in_(("sent", "executed"))
    if whole:
        BatchLine.update(state=whole).where(BatchLine.batch == batch.id, BatchLine.state == "sent").execute()
    for end_to_end_id, state in finding.lines.items():
        named = (BatchLine.batch == batch.id) & (BatchLine.end_to_end_id == end_to_end_id)
        code = (finding.reason or NO_CODE).removeprefix("bank:") if state in UNSUCCESSFUL else None
        BatchLine.update(state=state, bank_reason=code).where(named, going).execute()
