"""Two operators accept a row that `check-books` names: one that was repaired by hand, past the program.

The register is not rewritten: a statement is added that says what the row is now, as for any change. The first
operator says so in the audit logs of the clients concerned, with a code that stands for this fault of this row as it
is; a second one who gives the same code settles it. A row that changed meanwhile has another code.
What is computed again (`domain.operations.integrity`) is not accepted by this: a sum that is wrong stays a fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from domain.accounts import removed_users
from domain.common import audit
from domain.common.errors import NotFound, StateConflict
from domain.operations import operator_access
from domain.operations.integrity.rows import RegisterState, read_register, table_faults
from models import WATCHED, AuditEvent, BankOrder, Batch, Client, row_register, transaction
from models.row_register import CHANGED, GONE, MADE, MODULUS, SUMMED, Watch

ASKED, ACCEPTED = "rows.accept_asked", "rows.accepted"


@dataclass(frozen=True)
class UnprovedRow:
    """A row, or a group of a long table, that is not as the program left it.

    `changes`: what the register would have to state; `values`: the row as it is, empty if it is gone; `code`: stands
    for all of it.
    """

    table: str
    key: Any
    changes: list[list[Any]]
    values: dict[str, Any]

    @property
    def code(self) -> str:
        return row_register.fingerprint(self.table, self.key, "to accept", self.changes)


def unproved_row(table: str, key: str) -> UnprovedRow:
    """Return this row of a watched table; `key` is its primary key, or of a long table that of the group.

    Raises:
    - NotFound: there is no such table in the register, or the row is as the program left it.
    - StateConflict: the register itself is not intact, so that it proves nothing.
    """
    watch, told = next((one for one in WATCHED.values() if one.name == table), None), read_register()
    if told.faults:
        raise StateConflict(f"{told.faults[0]}: nothing can be accepted")
    found = next(_unproved(watch, told, key), None) if watch else None
    if found is None:
        raise NotFound
    return found


def faults_of(table: str, key: str) -> list[str]:
    """Return what `check-books` says of this table and names this key."""
    watch = next(one for one in WATCHED.values() if one.name == table)
    return [fault for fault in table_faults(watch, read_register()) if f" {key} " in f"{fault} "]


def _unproved(watch: Watch, told: RegisterState, key: str) -> Iterator[UnprovedRow]:
    if watch.group is not None:
        yield from _unproved_group(watch, told, key)
        return
    stated = {str(one): (one, columns) for one, columns in told.rows[watch.name].items()}
    row = next((row for row in watch.rows() if str(row[0]) == key and watch.states(row)), None)
    if row is None:
        if key in stated:
            yield UnprovedRow(watch.name, stated[key][0], [[GONE, watch.name, stated[key][0]]], {})
        return
    now, values = row_register.fingerprints(watch, row), dict(zip(watch.columns, row[1:], strict=True))
    if key not in stated:
        yield UnprovedRow(watch.name, row[0], [[MADE, watch.name, row[0], now]], values)
    elif different := {name: mark for name, mark in now.items() if stated[key][1].get(name) != mark}:
        yield UnprovedRow(watch.name, row[0], [[CHANGED, watch.name, row[0], different]], values)


def _unproved_group(watch: Watch, told: RegisterState, key: str) -> Iterator[UnprovedRow]:
    name = str(watch.group)
    place = 1 + watch.columns.index(name)
    rows = [row for row in watch.rows() if str(row[place]) == key]
    then = next((told for group, told in told.sums[watch.name].items() if str(group) == key), (0, 0))
    count = len(rows) - then[0]
    value = (sum(row_register.row_sum(watch, row) for row in rows) - then[1]) % MODULUS
    if count or value:
        group = rows[0][place] if rows else next(one for one in told.sums[watch.name] if str(one) == key)
        yield UnprovedRow(watch.name, group, [[SUMMED, watch.name, group, count, value]], {name: group})


# --- accepting ------------------------------------------------------------------------------------
def accept_row(table: str, key: str, code: str, reason: str, by: str, token: str | None = None) -> str:
    """Say that a row is right as it is; two different operators who say the same settle it. Return what became of it.

    Raises:
    - OperatorRefused: nobody signed in.
    - NotFound: the row is as the program left it.
    - StateConflict: the code is of another row, or it changed since; or the register is not intact.
    """
    who = operator_access.sign_in(by, token)
    clients = _clients_of(unproved_row(table, key))
    with transaction(*clients):
        row = unproved_row(table, key)
        if row.code != code:
            raise StateConflict(f"the code of this row is {row.code} now: look at it again")
        second = _asked_by_another(row, who)
        if second:
            row_register.state(row.changes)
        for client in clients:
            audit.record_event(
                client, audit.OPERATOR, ACCEPTED if second else ASKED, f"{row.table}:{row.key}", by=who,
                reason=reason, code=code, signed_in=operator_access.requires_sign_in(),
            )  # fmt: skip
    return "accepted" if second else "kept; a second operator must give the same code"


def _asked_by_another(row: UnprovedRow, who: str) -> bool:
    asked = AuditEvent.select().where(AuditEvent.kind == ASKED, AuditEvent.subject == f"{row.table}:{row.key}")
    return any(one.details["code"] == row.code and one.details["by"] != who for one in asked)


def _clients_of(row: UnprovedRow) -> list[int]:
    """Return the clients in whose logs it is written: those of the row, else all."""
    values, batch = row.values, None
    if row.table == Client._meta.table_name and values:
        return [int(row.key)]
    if values.get("client") is not None:
        return [int(values["client"])]
    if values.get("order") is not None:
        batch = Batch.select().join(BankOrder).where(BankOrder.id == values["order"]).first()
    if values.get("batch") is not None:
        batch = Batch.get_or_none(Batch.id == values["batch"])
    if batch is not None:
        return [batch.client_id]
    of_user = removed_users.clients_of(values["user"]) if values.get("user") is not None else []
    return of_user or [one.id for one in Client.select(Client.id).order_by(Client.id)]
