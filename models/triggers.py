"""Rules that the database enforces even against our own code: append-only tables, immutable facts, correct totals.

Rebuilding a SQLite table drops its triggers, so `migrate` creates them again after each migration.
"""

from models.dialect import is_distinct, refuse, update_after

_APPEND_ONLY = ("audit_event", "bank_call", "evidence", "order_download", "row_statement")
_LINE_FACTS = ("batch_id", "position", "creditor_name", "remittance", "remittance_sepa", "creditor_iban",
               "amount_cents", "already_paid_cents", "reference_type", "reference_issuer")  # fmt: skip
_ORDER_FACTS = ("batch_id", "release_id", "msg_id", "x_request_id", "body_sha256", "total_cents", "line_count",
                "is_manual")  # fmt: skip
_ORDER_LINE_FACTS = ("order_id", "batch_line_id", "end_to_end_id", "creditor_iban", "amount_cents")
_EXCESS_FACTS = ("client_id", "beside_id", "creditor_name", "creditor_iban", "remittance", "amount_cents", "reason",
                 "asked_by_id", "asked_at")  # fmt: skip
_EXCESS_STEPS = ("allowed_by_id", "allowed_at", "batch_id")
_EXCESS_END = ("withdrawn_by_id", "withdrawn_at", "withdrawn_reason")


def _counts(line: str, order: str) -> str:
    """An order line counts until it is proved unpaid or has come back, also while its order is about to go."""
    return (
        f"({line}.standing in ('possible', 'paid', 'disputed') or ({line}.standing = 'unsent' "
        f"and {order}.state <> 'closed'))"
    )


def _is_beyond(batch_id: str) -> str:
    """Whether a payment pays what two people allowed beyond what is owed: while the line that it is beside counts."""
    return (
        "exists (select 1 from excess_allowance a join order_line x on x.id = a.beside_id "  # noqa: S608 (no value in it)
        f"join bank_order b on b.id = x.order_id where a.batch_id = {batch_id} and a.withdrawn_at is null "
        f"and {_counts('x', 'b')})"
    )


_GIVEN = (
    "new.amount_cents + (select coalesce(sum(n.amount_cents), 0) from order_line n "  # noqa: S608 (no value in it)
    "join bank_order o on o.id = n.order_id join batch_line l on l.id = n.batch_line_id "
    f"where {_counts('n', 'o')} and "
)
# So does an order that the bank has and that this database, restored since, has no record of.
_LOST = (
    "(select coalesce(sum(p.amount_cents), 0) from batch_line p where p.batch_id in (select x.batch_id "
    "from lost_order x where x.order_id is null and x.ruled_out_at is null) and "
)
_ITS_BATCH = "(select batch_id from batch_line where id = new.batch_line_id)"
_BEYOND_LINE = _GIVEN + (  # noqa: S608 (no value in it)
    "l.id = new.batch_line_id) > (select amount_cents from batch_line where id = new.batch_line_id)"
)
_BEYOND_DUE = (
    f"not {_is_beyond(_ITS_BATCH)} and {_GIVEN} not {_is_beyond('l.batch_id')} and "  # noqa: S608 (no value in it)
    f"l.due_id = (select due_id from batch_line where id = new.batch_line_id)) + {_LOST}"
    "p.due_id = (select due_id from batch_line where id = new.batch_line_id)) > coalesce((select d.owed_cents "
    "from due d join batch_line m on m.due_id = d.id where m.id = new.batch_line_id and d.suspended_at is null), 0)"
)
# An allowance pays only the person, account and amount that two people allowed, and nothing once it is withdrawn.
_BEYOND_ALLOWANCE = (
    f"exists (select 1 from excess_allowance e join due d on d.id = e.due_id where e.batch_id = {_ITS_BATCH} and "  # noqa: S608
    "(e.withdrawn_at is not null or d.suspended_at is not null or e.creditor_iban <> new.creditor_iban "
    f"or {_GIVEN} l.batch_id = e.batch_id) > e.amount_cents "
    "or e.due_id <> (select due_id from batch_line where id = new.batch_line_id)))"
)
# The payment of an allowance is one line, of exactly what was asked.
_OTHER_PAYMENT = (
    "new.batch_id is not null and not exists (select 1 from batch_line l where l.batch_id = new.batch_id "
    "group by l.batch_id having count(*) = 1 and min(l.amount_cents) = new.amount_cents "
    "and min(l.creditor_iban) = new.creditor_iban and min(l.due_id) = new.due_id)"
)
_SUM_FAULT = "(select coalesce(sum(amount_cents), 0) from batch_line where batch_id = new.batch_id and state = 'open')"
_COUNT_FAULT = "(select count(*) from batch_line where batch_id = new.batch_id and state = 'open')"

_WRONG_SUM, _WRONG_COUNT = "the total is not the sum of its lines", "the count is not that of its lines"


def create_triggers() -> None:
    """Create or replace every trigger."""
    for table in _APPEND_ONLY:
        refuse(f"{table}_keep", table, "update", "true", "is append-only")
        refuse(f"{table}_stay", table, "delete", "true", "is append-only")
    refuse("batch_line_facts", "batch_line", "update", _changed(_LINE_FACTS), "the facts of a line never change")
    # an accepted name needs a new order: an end-to-end id never gets another name at the bank
    named = f"({_changed(('creditor_name_sepa',))}) and new.end_to_end_id = old.end_to_end_id"
    refuse("batch_line_name", "batch_line", "update", named, "another name needs an end-to-end id of its own")
    refuse("batch_line_stay", "batch_line", "delete", "true", "a line is never deleted")
    refuse("bank_order_facts", "bank_order", "update", _changed(_ORDER_FACTS), "the facts of an order never change")
    refuse("bank_order_stay", "bank_order", "delete", "true", "an order is never deleted")
    refuse("release_sum", "release", "insert", f"new.total_cents <> {_SUM_FAULT}", _WRONG_SUM)
    refuse("release_count", "release", "insert", f"new.line_count <> {_COUNT_FAULT}", _WRONG_COUNT)
    refuse("order_sum", "bank_order", "insert", f"new.total_cents <> {_SUM_FAULT}", _WRONG_SUM)
    refuse("order_line_facts", "order_line", "update", _changed(_ORDER_LINE_FACTS), "its facts never change")
    refuse("order_line_stay", "order_line", "delete", "true", "an order line is never deleted")
    refuse("order_line_payable", "order_line", "insert", _BEYOND_LINE, "more than is left to pay of this line")
    refuse("order_line_owed", "order_line", "insert", _BEYOND_DUE, "more than is owed to this person")
    refuse("order_line_allowed", "order_line", "insert", _BEYOND_ALLOWANCE, "not what two people allowed")
    _create_excess_triggers()
    for event in ("insert", "update"):
        update_after(
            f"batch_line_{event}_counted", "batch_line", event, "update batch set lines_version = lines_version + 1",
            of_row="id = new.batch_id", of_rows="id in (select batch_id from changed)",
        )  # fmt: skip


def _create_excess_triggers() -> None:
    table = "excess_allowance"
    begun = " or ".join(f"new.{column} is not null" for column in (*_EXCESS_STEPS, *_EXCESS_END))
    refuse("excess_asked_first", table, "insert", begun, "it is asked before it is allowed")
    refuse("excess_facts", table, "update", _changed(_EXCESS_FACTS), "what was asked never changes")
    refuse("excess_stay", table, "delete", "true", "an allowance is never deleted")
    again = f"old.allowed_at is not null and ({_changed(_EXCESS_STEPS)})"
    refuse("excess_allowed_once", table, "update", again, "it is allowed once")
    ended = f"old.withdrawn_at is not null and ({_changed((*_EXCESS_STEPS, *_EXCESS_END))})"
    refuse("excess_withdrawn_once", table, "update", ended, "it is withdrawn")
    refuse("excess_payment", table, "update", _OTHER_PAYMENT, "its payment is not what was asked")


def _changed(columns: tuple[str, ...]) -> str:
    return " or ".join(is_distinct(f"new.{column}", f"old.{column}") for column in columns)
