"""Payments and their lines: sums, ids, the run that they pay, and what the log says of how they were made."""

from collections.abc import Iterator
from datetime import date

from core.sepa_text import to_sepa
from domain.operations.integrity.records import PaymentRecord
from domain.payments import totals
from domain.payments.digest import Wishes, wishes_of
from domain.payments.references import PaidRun, end_to_end_id, message_id, payment_identity
from models import AcceptedCreditorName, Due
from models.states import BatchState, LineState, OrderState

# What the lines of a payment may be while no order of it is live.
_LINES_WITHOUT_ORDER: dict[str, set[LineState]] = {
    BatchState.OPEN: {LineState.OPEN, LineState.EXCLUDED, LineState.SUPERSEDED, LineState.EXECUTED},
    BatchState.APPROVED: {LineState.OPEN, LineState.EXCLUDED, LineState.SUPERSEDED, LineState.EXECUTED},
    BatchState.DISCARDED: {LineState.EXCLUDED, LineState.SUPERSEDED},
    BatchState.REPLACED: {LineState.SUPERSEDED},
}


def payment_faults(record: PaymentRecord) -> Iterator[str]:
    """Yield what is wrong with the payment and its lines as rows."""
    for check in (_sums, _run, _made, _account, _orders, _ids, _texts, _due_texts, _state, _line_states, _kept_totals):
        for fault in check(record):
            yield f"{record.name}: {fault}"


def _sums(record: PaymentRecord) -> Iterator[str]:
    batch, total = record.batch, sum(line.amount_cents for line in record.lines)
    if (batch.total_cents, batch.line_count) != (total, len(record.lines)):
        yield "total or count is not that of its lines"


def _run(record: PaymentRecord) -> Iterator[str]:
    batch, run = record.batch, record.batch.run
    mine = (batch.client_id, batch.company_id, batch.kind, batch.year, batch.run_number, batch.company_key)
    if mine != (run.client_id, run.company_id, run.kind, run.year, run.number, batch.company.stable_key):
        yield "client, company, kind, year or number is not that of its run"


def _made(record: PaymentRecord) -> Iterator[str]:
    """Compare the payment with the log. The hash of what it pays covers every line as Nmbrs gave it."""
    batch, made = record.batch, record.event_of("batch.made")
    if made is None:
        yield "the log does not say that it was made"
        return
    told = (made.details.get("run"), made.details.get("version"), made.details.get("total"), made.details.get("count"))
    if told != (batch.run_id, batch.version.partition(":")[0], batch.total_cents, batch.line_count):
        yield "run, version, total or count is not what the log says"
    if made.details.get("difference") != batch.is_supplement:
        yield "whether it pays a difference is not what the log says"
    identity = made.details.get("identity")
    if identity is not None and not record.is_redacted and identity != _identity(record):
        yield "what it pays is not what the log says: version, or account, amount, name or description of a line"


def _identity(record: PaymentRecord) -> str:
    batch = record.batch
    paid = PaidRun(
        record.client.public_id, batch.company_key, batch.kind, batch.year, batch.run_number, batch.version
    )
    return payment_identity(
        paid, [(line.creditor_iban, line.amount_cents, line.creditor_name, line.remittance) for line in record.lines]
    )


def _account(record: PaymentRecord) -> Iterator[str]:
    told = [event.details["account"] for event in record.events if "account" in event.details]
    if told and told[-1] != record.batch.bank_account_id:
        yield "its account is not the one that the log says"
    if record.batch.bank_account.client_id != record.batch.client_id:
        yield "its account is another client's"


def _orders(record: PaymentRecord) -> Iterator[str]:
    if record.batch.order_count != len(record.orders):
        yield f"it has {len(record.orders)} orders, and counts {record.batch.order_count}"
    if sum(order.state != OrderState.CLOSED for order in record.orders) > 1:
        yield "it has more than one order that may be executed"


def _ids(record: PaymentRecord) -> Iterator[str]:
    """An end-to-end id is that of an order of this payment, or of the next one where nothing was ordered yet."""
    batch, made = record.batch, len(record.orders)
    following = batch.state == BatchState.OPEN or (batch.state == BatchState.APPROVED and record.live_order is None)
    for line in record.lines:
        first = made + 1 if following and line.state in (LineState.OPEN, LineState.EXCLUDED) else 1
        known = (message_id(batch.reference, number) for number in range(first, made + 2))
        if line.end_to_end_id not in {end_to_end_id(msg_id, line.position) for msg_id in known}:
            yield f"line {line.position}: its end-to-end id is not that of its payment and position"


def _texts(record: PaymentRecord) -> Iterator[str]:
    """A name that goes to a bank is the one of Nmbrs, or one that a person accepted."""
    other = [line for line in record.lines if line.creditor_name_sepa != to_sepa(line.creditor_name, 70)]
    if not other:
        return
    accepted = {
        row.iban for row in AcceptedCreditorName.select().where(AcceptedCreditorName.client == record.batch.client_id)
    }
    for line in other:
        if line.creditor_iban not in accepted:
            yield f"line {line.position}: the name for the bank is not the name that is shown"


def _due_texts(record: PaymentRecord) -> Iterator[str]:
    """While its version is the newest one, each line is one of its due: the amount may be less, no text may differ."""
    batch = record.batch
    ids = {line.due_id for line in record.lines}
    dues = {row.id: row for row in Due.select().where(Due.run == batch.run_id) if row.id in ids}
    told: dict[int, set[tuple]] = {}
    for line in record.lines:
        due = dues.get(line.due_id or 0)
        if due is None or due.version != batch.version.partition(":")[0]:
            continue
        if due.id not in told:
            told[due.id] = {tuple(values[1:6]) for values in due.lines}
        # name as shown and as sent, description as shown and as sent, account
        texts = [one for one in told[due.id] if (one[0], one[2:]) == (
            line.creditor_name, (line.remittance, line.remittance_sepa, line.creditor_iban))]  # fmt: skip
        if not texts:
            yield f"line {line.position}: name, account or description is not that of whom it is owed to"


def _state(record: PaymentRecord) -> Iterator[str]:
    moves = [event.details for event in record.events if "after" in event.details]
    told = (moves[-1]["after"], moves[-1].get("reason")) if moves else (BatchState.OPEN, None)
    if told != (record.batch.state, record.batch.state_reason):
        yield f"it is {record.batch.state}, and the log says {told[0]} or gives another reason"


def _line_states(record: PaymentRecord) -> Iterator[str]:
    allowed = _LINES_WITHOUT_ORDER.get(record.batch.state)
    if allowed is None or record.live_order is not None:
        return
    for line in record.lines:
        if line.state not in allowed:
            yield f"line {line.position}: it is {line.state} in a payment that is {record.batch.state}"


def _kept_totals(record: PaymentRecord) -> Iterator[str]:
    """The totals that the page of a long payment shows."""
    batch, kept = record.batch, record.batch.totals_cache
    if kept and not totals.is_right(batch, date.fromisoformat(kept["of"][3]), record.lines, _wishes(record)):
        yield "the totals that its page shows are not those of its lines"


def _wishes(record: PaymentRecord) -> Wishes:
    """Return the wishes of the release that stands, else those of the client."""
    standing = [one for one in record.releases if one.voided_at is None]
    return wishes_of(standing[-1] if standing and record.batch.state != BatchState.OPEN else record.client)
