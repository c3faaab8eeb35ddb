"""Rules that hold even against our own code: the database refuses to forget or to miscount.

Rebuilding a SQLite table drops its triggers, so `migrate` creates them again after each migration.
"""

from models.base import database, is_sqlite

_APPEND_ONLY = ("audit_event", "bank_exchange", "order_download")
_LINE_FACTS = ("batch_id", "position", "name_shown", "description_shown", "description_sent", "iban",
               "amount_cents", "paid_cents")  # fmt: skip
_ORDER_FACTS = ("batch_id", "release_id", "msg_id", "request_id", "body_sha256", "total_cents", "line_count",
                "by_hand")  # fmt: skip
_SUM_FAULT = "(select coalesce(sum(amount_cents), 0) from batch_line where batch_id = new.batch_id and state = 'open')"
_COUNT_FAULT = "(select count(*) from batch_line where batch_id = new.batch_id and state = 'open')"

_MOVE_ONE = "begin update batch set lines_version = lines_version + 1 where id = new.batch_id; end"
_MOVE_ALL = (
    "begin update batch set lines_version = lines_version + 1 where id in (select batch_id from changed); "
    "return null; end"
)

_WRONG_SUM, _WRONG_COUNT = "the total is not the sum of its lines", "the count is not that of its lines"


def create_triggers() -> None:
    """Create or replace every trigger."""
    for table in _APPEND_ONLY:
        _refuse(f"{table}_keep", table, "update", "true", "is append-only")
        _refuse(f"{table}_stay", table, "delete", "true", "is append-only")
    _refuse("batch_line_facts", "batch_line", "update", _changed(_LINE_FACTS), "the facts of a line never change")
    # a name that was taken over counts for the next order: what an id named to a bank, it names for ever
    named = f"({_changed(('name_sent',))}) and new.end_to_end_id = old.end_to_end_id"
    _refuse("batch_line_name", "batch_line", "update", named, "another name needs an end-to-end id of its own")
    _refuse("batch_line_stay", "batch_line", "delete", "true", "a line is never deleted")
    _refuse("bank_order_facts", "bank_order", "update", _changed(_ORDER_FACTS), "the facts of an order never change")
    _refuse("bank_order_stay", "bank_order", "delete", "true", "an order is never deleted")
    _refuse("release_sum", "release", "insert", f"new.total_cents <> {_SUM_FAULT}", _WRONG_SUM)
    _refuse("release_count", "release", "insert", f"new.line_count <> {_COUNT_FAULT}", _WRONG_COUNT)
    _refuse("order_sum", "bank_order", "insert", f"new.total_cents <> {_SUM_FAULT}", _WRONG_SUM)
    for event in ("insert", "update"):
        _count_on(f"batch_line_{event}_counted", event)


def _changed(columns: tuple[str, ...]) -> str:
    different = "is not" if is_sqlite() else "is distinct from"
    return " or ".join(f"new.{column} {different} old.{column}" for column in columns)


def _refuse(name: str, table: str, event: str, condition: str, words: str) -> None:
    """Before this event on this table: when the condition holds, refuse it in these words."""
    if is_sqlite():
        database.execute_sql(f"drop trigger if exists {name}")
        database.execute_sql(
            f"create trigger {name} before {event} on {table} when {condition} "
            f"begin select raise(abort, '{table}: {words}'); end"
        )
        return
    back = "old" if event == "delete" else "new"
    database.execute_sql(
        f"create or replace function {name}() returns trigger as $$ begin "
        f"if {condition} then raise exception '{table}: {words}'; end if; return {back}; end $$ language plpgsql"
    )
    database.execute_sql(f"drop trigger if exists {name} on {table}")
    database.execute_sql(f"create trigger {name} before {event} on {table} for each row execute function {name}()")


def _count_on(name: str, event: str) -> None:
    """After this event on lines, their batch has another version of them: in the same transaction, whoever did it."""
    if is_sqlite():
        database.execute_sql(f"drop trigger if exists {name}")
        database.execute_sql(f"create trigger {name} after {event} on batch_line {_MOVE_ONE}")
        return
    database.execute_sql(f"create or replace function {name}() returns trigger as $$ {_MOVE_ALL} $$ language plpgsql")
    database.execute_sql(f"drop trigger if exists {name} on batch_line")
    database.execute_sql(
        f"create trigger {name} after {event} on batch_line referencing new table as changed "
        f"for each statement execute function {name}()"
    )
