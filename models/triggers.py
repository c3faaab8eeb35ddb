"""Rules that the database enforces even against our own code: append-only tables, immutable facts, correct totals.

Rebuilding a SQLite table drops its triggers, so `migrate` creates them again after each migration.
"""

from models.dialect import is_distinct, refuse, update_after
from models.redaction import REMOVED, REMOVED_IBAN
from models.states import BatchState, one_of

_APPEND_ONLY = ("audit_event", "bank_call", "evidence", "order_download", "row_statement",
                "payee_answer", "line_verdict")
_LINE_FACTS = ("batch_id", "position", "creditor_name", "remittance", "remittance_sepa", "creditor_iban",
               "amount_cents", "already_paid_cents", "reference_type", "reference_issuer")  # fmt: skip
_ORDER_FACTS = ("batch_id", "release_id", "msg_id", "x_request_id", "body_sha256", "total_cents", "line_count",
                "is_manual", "retry_days", "signing")  # fmt: skip
_ORDER_LINE_FACTS = ("order_id", "batch_line_id", "end_to_end_id", "creditor_iban", "amount_cents")
_EXCESS_FACTS = ("client_id", "beside_id", "creditor_name", "creditor_iban", "remittance", "amount_cents", "reason",
                 "asked_by_id", "asked_at")  # fmt: skip
# What is removed of a person when its time is over, and the facts beside it that stay.
_REMOVABLE = {
    "batch_line": (
        (*_LINE_FACTS, "end_to_end_id", "due_id", "state", "bank_reason_code", "vop_result"),
        {"creditor_name": REMOVED, "creditor_name_sepa": REMOVED, "remittance": REMOVED, "remittance_sepa": REMOVED,
         "creditor_iban": REMOVED_IBAN},
    ),
    "order_line": ((*_ORDER_LINE_FACTS, "standing", "reason", "may_execute_until"), {"creditor_iban": REMOVED_IBAN}),
    "excess_allowance": (
        (*_EXCESS_FACTS, "due_id"),
        {"creditor_name": REMOVED, "creditor_iban": REMOVED_IBAN, "remittance": REMOVED, "reason": REMOVED},
    ),
    "line_doubt": (("batch_id", "line_id", "step", "user_id", "taken_at", "earlier_id"), {"words": REMOVED}),
}  # fmt: skip
_RUN_OF_LINE = "select b.run_id from batch b join batch_line l on l.batch_id = b.id where l.id = "
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
# States of a payment that is over: the details of whom it paid may be removed when their time is.
_OVER = tuple(state for state in BatchState if state not in (
    BatchState.OPEN, BatchState.APPROVED, BatchState.SENDING, BatchState.NAME_CHECK, BatchState.AT_BANK,
    BatchState.SIGNED, BatchState.PENDING_REJECTION, BatchState.DISPUTED,
))  # fmt: skip
_ORDERED = "select 1 from order_line o where o.end_to_end_id = old.end_to_end_id"
_ACCEPTED = (
    "select 1 from accepted_creditor_name a join batch b on b.client_id = a.client_id "
    "where b.id = new.batch_id and a.iban = new.creditor_iban and a.payroll_name = new.creditor_name"
)
_SUM_FAULT = "(select coalesce(sum(amount_cents), 0) from batch_line where batch_id = new.batch_id and state = 'open')"
_COUNT_FAULT = "(select count(*) from batch_line where batch_id = new.batch_id and state = 'open')"

_WRONG_SUM, _WRONG_COUNT = "the total is not the sum of its lines", "the count is not that of its lines"


def create_triggers() -> None:
    """Create or replace every trigger."""
    for table in _APPEND_ONLY:
        refuse(f"{table}_keep", table, "update", "true", "is append-only")
        refuse(f"{table}_stay", table, "delete", "true", "is append-only")
    refuse("early_name_check_keep", "early_name_check", "update", "true", "what a service said never changes")
    removed = _is_removal("batch_line", "select b.run_id from batch b where b.id = old.batch_id")
    facts = f"({_changed(_LINE_FACTS)}) and not {removed}"
    refuse("batch_line_facts", "batch_line", "update", facts, "the facts of a line never change")
    # an end-to-end id never gets another name at the bank: before any order has borne it, an accepted name may change
    named = (
        f"({_changed(('creditor_name_sepa',))}) and new.end_to_end_id = old.end_to_end_id and not {removed} "
        f"and (exists ({_ORDERED}) or not exists ({_ACCEPTED}))"
    )
    refuse("batch_line_name", "batch_line", "update", named, "another name needs an end-to-end id of its own")
    refuse("batch_line_stay", "batch_line", "delete", "true", "a line is never deleted")
    refuse("bank_order_facts", "bank_order", "update", _changed(_ORDER_FACTS), "the facts of an order never change")
    refuse("bank_order_stay", "bank_order", "delete", "true", "an order is never deleted")
    refuse("release_sum", "release", "insert", f"new.total_cents <> {_SUM_FAULT}", _WRONG_SUM)
    refuse("release_count", "release", "insert", f"new.line_count <> {_COUNT_FAULT}", _WRONG_COUNT)
    refuse("order_sum", "bank_order", "insert", f"new.total_cents <> {_SUM_FAULT}", _WRONG_SUM)
    removed = _is_removal("order_line", f"{_RUN_OF_LINE}old.batch_line_id")
    facts = f"({_changed(_ORDER_LINE_FACTS)}) and not {removed}"
    refuse("order_line_facts", "order_line", "update", facts, "its facts never change")
    refuse("order_line_stay", "order_line", "delete", "true", "an order line is never deleted")
    refuse("order_line_payable", "order_line", "insert", _BEYOND_LINE, "more than is left to pay of this line")
    refuse("order_line_owed", "order_line", "insert", _BEYOND_DUE, "more than is owed to this person")
    refuse("order_line_allowed", "order_line", "insert", _BEYOND_ALLOWANCE, "not what two people allowed")
    other = "new.batch_id <> (select l.batch_id from batch_line l where l.id = new.line_id)"
    for table in ("payee_answer", "line_verdict", "line_doubt"):
        refuse(f"{table}_line", table, "insert", other, "the line is of another payment")
    removed = _is_removal("line_doubt", "select b.run_id from batch b where b.id = old.batch_id")
    facts = f"({_changed((*_REMOVABLE['line_doubt'][0], 'words'))}) and not {removed}"
    refuse("line_doubt_facts", "line_doubt", "update", facts, "a step of a doubt never changes")
    refuse("line_doubt_stay", "line_doubt", "delete", "true", "a step of a doubt is never deleted")
    _create_excess_triggers()
    _create_redaction_triggers()
    for event in ("insert", "update"):
        update_after(
            f"batch_line_{event}_counted", "batch_line", event, "update batch set lines_version = lines_version + 1",
            of_row="id = new.batch_id", of_rows="id in (select batch_id from changed)",
        )  # fmt: skip
    for table in ("payee_answer", "line_doubt"):
        update_after(
            f"{table}_counted", table, "insert", "update batch set lines_version = lines_version + 1",
            of_row="id = new.batch_id", of_rows="id in (select batch_id from changed)",
        )  # fmt: skip


def _create_excess_triggers() -> None:
    table = "excess_allowance"
    begun = " or ".join(f"new.{column} is not null" for column in (*_EXCESS_STEPS, *_EXCESS_END))
    refuse("excess_asked_first", table, "insert", begun, "it is asked before it is allowed")
    removed = _is_removal(table, "select d.run_id from due d where d.id = old.due_id")
    facts = f"({_changed(_EXCESS_FACTS)}) and not {removed}"
    refuse("excess_facts", table, "update", facts, "what was asked never changes")
    refuse("excess_stay", table, "delete", "true", "an allowance is never deleted")
    again = f"old.allowed_at is not null and ({_changed(_EXCESS_STEPS)})"
    refuse("excess_allowed_once", table, "update", again, "it is allowed once")
    ended = f"old.withdrawn_at is not null and ({_changed((*_EXCESS_STEPS, *_EXCESS_END))})"
    refuse("excess_withdrawn_once", table, "update", ended, "it is withdrawn")
    refuse("excess_payment", table, "update", _OTHER_PAYMENT, "its payment is not what was asked")


def _is_removal(table: str, run: str) -> str:
    """Whether an update removes the details of a person, and changes nothing else, in a run that is redacted."""
    facts, removed = _REMOVABLE[table]
    same = [f"not ({is_distinct(f'new.{one}', f'old.{one}')})" for one in facts if one not in removed]
    blank = [f"new.{column} = '{value}'" for column, value in removed.items()]
    redacted = f"exists (select 1 from payroll_run r where r.id = ({run}) and r.redacted_at is not null)"  # noqa: S608
    return f"({' and '.join([*same, *blank, redacted])})"


def _create_redaction_triggers() -> None:
    """A run is redacted once, when nothing of it can be paid any more; and nothing of it is paid after that."""
    live_payment = f"select 1 from batch b where b.run_id = new.id and not {one_of('b.state', _OVER)}"  # noqa: S608
    live_line = (
        "select 1 from order_line x join batch_line l on l.id = x.batch_line_id join batch b on b.id = l.batch_id "
        "join bank_order o on o.id = x.order_id where b.run_id = new.id and "
        "(x.standing in ('possible', 'disputed') or (x.standing = 'unsent' and o.state <> 'closed'))"
    )
    begins = "old.redacted_at is null and new.redacted_at is not null"
    live = f"{begins} and (new.due_at is not null or exists ({live_payment}) or exists ({live_line}))"
    refuse("run_redacted_when_over", "payroll_run", "update", live, "something of it may still be paid")
    again = f"old.redacted_at is not null and ({_changed(('redacted_at',))} or new.due_at is not null)"
    refuse("run_redacted_once", "payroll_run", "update", again, "its details are removed")
    redacted = "exists (select 1 from payroll_run r where r.redacted_at is not null and r.id = "
    no_more = "nobody is paid of a run whose details are removed"
    refuse("batch_not_redacted", "batch", "insert", f"{redacted}new.run_id)", no_more)
    opened = f"new.state in ('open', 'approved', 'sending') and new.state <> old.state and {redacted}new.run_id)"
    refuse("batch_redacted_over", "batch", "update", opened, no_more)
    refuse("order_line_not_redacted", "order_line", "insert", f"{redacted}({_RUN_OF_LINE}new.batch_line_id))", no_more)


def _changed(columns: tuple[str, ...]) -> str:
    return " or ".join(is_distinct(f"new.{column}", f"old.{column}") for column in columns)
