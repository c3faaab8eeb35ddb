"""How each column is proved: what the program wrote in it is stated in the register of rows, unless this file says why
not. A new table or column is stated by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models import (
    audit,
    banking,
    evidence,
    name_checks,
    payees,
    payments,
    payroll,
    people,
    reconciliation,
    row_register,
)
from models.base import Table, WatchedDelete, WatchedInsert, WatchedUpdate
from models.row_register import Watch

# Tables that the register does not watch, and what proves them instead, or why nothing has to.
NOT_STATED: dict[type[Table], str] = {
    audit.AuditEvent: "a keyed chain of its own",
    row_register.RowStatement: "the keyed chain itself",
    row_register.RowRegister: "its head is keyed and compared with the chain",
    payments.BatchLine: "computed again: the log's hash of what a payment pays, totals, orders, outcomes",
    evidence.OrderLine: "computed again from the order's bytes and the evidence",
    payroll.Due: "computed again from the lines of the newest version and of payments",
    people.RateLimitBucket: "slows an attacker; grants nothing",
    banking.ConsentUsage: "counts our reads; the bank counts them too",
    payroll.NmbrsPermissionCheck: "the result of a trial, which is repeated; Nmbrs itself allows or refuses",
    payroll.NmbrsCall: "a history for support; decides nothing",
    payroll.WebhookDelivery: "a hint that makes us ask Nmbrs; proves nothing",
    name_checks.NameCheckTask: "when the names of a payment are checked; says nothing of them",
    audit.PushNotification: "a hint that makes a member look; without name or amount",
}
# Long tables, of which the sum of each group is stated: all rows with the same value of this column.
SUMMED: dict[type[Table], str] = {
    evidence.Evidence: "order",
    reconciliation.BankTransaction: "account",
    payroll.HeldLine: "run",
    payees.PayeeAnswer: "batch",
    name_checks.EarlyNameCheck: "client",
}
_NEXT_TIME = "when it is done next"
_SHOWN = "shown only"
_LEASE = "which worker has it"
_ASKED = "when it was asked last"
_SEEN = "when it was last used; decides nothing"
# Columns that are not stated, by table and name, and what proves them instead, or why nothing has to.
NOT_STATED_COLUMNS: dict[type[Table], dict[str, str]] = {
    people.User: {"muted_push_events": "which notifications are wished", "locale": "the language of screens and mails"},
    people.Device: {"last_seen_at": _SEEN, "install_offered_at": "when installing the app was offered",
                    "user_agent": _SHOWN},
    people.Passkey: {"last_used_at": _SEEN, "name": _SHOWN},
    people.LoginSession: {
        "data": "the form tokens of this browser", "last_seen_at": _SEEN, "expires_at": "extended at each visit",
        "elevated_until": "extended at each visit, never beyond an hour from authenticated_at, which is stated",
    },
    people.Client: {"log_head": "compared with the log"},
    people.Membership: {"last_used_at": _SEEN},
    banking.BankConsent: {"bank_name": _SHOWN, "status_checked_at": _ASKED, "balances_requested_at": _ASKED,
                          "due_at": _NEXT_TIME, "lease_until": _LEASE},
    banking.BankOauthGrant: {"lease_until": _LEASE},
    banking.BankAccount: {"balance_cents": "warns only; the bank decides", "balance_at": _ASKED,
                          "transactions_as_of": _ASKED, "transactions_requested_at": _ASKED},
    reconciliation.BankTransaction: {
        "order": "computed again from the booking", "line": "computed again from the booking",
        "match_type": "computed again from the booking", "imported_at": "when we heard it",
    },
    payroll.NmbrsConnection: {"status": "whether calls succeed now", "error_code": "whether calls succeed now",
                              "lease_until": _LEASE, "last_success_at": _ASKED, "failing_since": _ASKED,
                              "checks_due_at": _NEXT_TIME, "display_name": _SHOWN},
    payroll.NmbrsDebtor: {
        **dict.fromkeys(("webhook_status", "webhook_id", "webhook_problem", "webhook_checked_at"),
                        "how the last registration went; a webhook is a hint"),
        "webhook_due_at": _NEXT_TIME, "lease_until": _LEASE, "number": _SHOWN, "name": _SHOWN,
    },
    payroll.PayrollCompany: {"number": _SHOWN, "name": _SHOWN, "polled_at": _ASKED, "poll_due_at": _NEXT_TIME,
                             "poll_attempts": _NEXT_TIME, "webhook_received_at": "a hint that makes us ask Nmbrs",
                             "webhook_delivery_id": "a hint that makes us ask Nmbrs", "lease_until": _LEASE,
                             "payday_checked_on": _NEXT_TIME},
    payroll.PayrollRun: {"attempts": _NEXT_TIME, "due_at": _NEXT_TIME, "lease_until": _LEASE, "changed_at": _SHOWN,
                         "delivery_id": "a hint that makes us ask Nmbrs"},
    payroll.HeldLine: {"due": "computed again with the dues", "open_cents": "what is shown as left of it"},
    payments.Batch: {
        **dict.fromkeys(("state", "state_reason", "order_count"), "computed again from the log and the orders"),
        "state_changed_at": _SHOWN, "lines_version": "a counter; what rests on it is in totals_cache",
        "totals_cache": "computed again from the lines",
    },
    payments.BankOrder: {"bank_status": "the bank's last word as it was; the evidence decides",
                         "state": "computed again from the evidence", "status_checked_at": _ASKED,
                         "attempts": _NEXT_TIME, "due_at": _NEXT_TIME, "lease_until": _LEASE},
    payments.ScaSession: {"lease_until": _LEASE},
    audit.OutgoingMail: {"attempts": _NEXT_TIME, "due_at": _NEXT_TIME, "lease_until": _LEASE},
    audit.TokenRevocation: {"attempts": _NEXT_TIME, "due_at": _NEXT_TIME, "lease_until": _LEASE},
}  # fmt: skip


def _of_a_user(row: Mapping[str, Any]) -> bool:
    return row["user"] is not None


# Tables of which only some rows are stated: sessions and challenges of visitors who have not signed in grant nothing.
ONLY = {people.LoginSession: _of_a_user, people.WebauthnChallenge: _of_a_user}


def watches(tables: Iterable[type[Table]]) -> dict[type[Table], Watch]:
    """Return what is stated of each of these tables."""
    return {table: _watch(table) for table in tables if table not in NOT_STATED}


def _watch(table: type[Table]) -> Watch:
    key: Any = table._meta.primary_key
    left_out = {key.name, *NOT_STATED_COLUMNS.get(table, ())}
    columns = tuple(field.name for field in table._meta.sorted_fields if field.name not in left_out)
    return Watch(table, columns, SUMMED.get(table), ONLY.get(table))


def watch_all(tables: Iterable[type[Table]]) -> dict[type[Table], Watch]:
    """Have every change of these tables stated, and return what is stated of each."""
    found = watches(tables)
    for table, watch in found.items():
        table.watcher = Watcher(watch, _dependants(table, found))
    return found


def _dependants(table: type[Table], found: Mapping[type[Table], Watch]) -> tuple[Any, ...]:
    """Return the foreign keys through which a deletion in this table changes watched rows of others."""
    fields = (field for other in found for field in other._meta.sorted_fields)
    return tuple(
        field for field in fields
        if getattr(field, "rel_model", None) is table and getattr(field, "on_delete", None) in ("CASCADE", "SET NULL")
    )  # fmt: skip


@dataclass(frozen=True)
class Watcher:
    """States what the queries of one table change. `dependants`: foreign keys that the database clears by itself."""

    watch: Watch
    dependants: tuple[Any, ...]

    @property
    def read(self) -> list[Any]:
        return self.watch.read

    def concerns(self, query: Any) -> bool:
        if not row_register.is_on():
            return False
        return not isinstance(query, WatchedUpdate) or self.watch.concerns(query.changed)

    def before(self, query: Any) -> None:
        """Do first, with queries of their own, what the database would do by itself in other tables."""
        if not isinstance(query, WatchedDelete):
            return
        for field in self.dependants:
            doomed = self.watch.table.select(self.watch.table._meta.primary_key)
            mine = field.in_(doomed.where(query._where) if query._where is not None else doomed)
            if not field.model.select().where(mine).exists():
                continue
            if field.on_delete == "CASCADE":
                field.model.delete().where(mine).execute()
            else:
                field.model.update({field.name: None}).where(mine).execute()

    def after(self, query: Any, rows: list[tuple[Any, ...]]) -> None:
        """State what was changed; `rows`: primary key and watched columns of each row, as they are now."""
        if isinstance(query, WatchedUpdate):
            row_register.changed(self.watch, rows, query.changed)
        elif isinstance(query, WatchedDelete):
            row_register.gone(self.watch, rows)
        elif isinstance(query, WatchedInsert):
            sets = query.on_conflict_sets
            rows = rows if sets is None else [self._as_inserted(query, row, sets) for row in rows]
            row_register.made(self.watch, rows, sets)

    def _as_inserted(self, query: Any, row: tuple[Any, ...], sets: frozenset[str]) -> tuple[Any, ...]:
        """Return the row as it is if it was inserted: if it was there already, other columns may hold anything."""
        given = {key if isinstance(key, str) else key.name: value for key, value in query._insert.items()}
        values = list(row)
        for at, name in enumerate(self.watch.columns, 1):
            field = self.watch.table._meta.fields[name]
            if name in sets or (name not in given and callable(field.default)):
                continue
            value = given.get(name, field.default)
            values[at] = None if value is None else field.python_value(field.db_value(value))
        return tuple(values)
