"""The register of rows: a keyed chain of statements that say what the program last wrote in which row.

Every table has a `Watch` (`models/proof.py` says of which columns), and every statement of Peewee that changes such a
column is stated in the same transaction: a keyed fingerprint of each value, never the value itself. What changes a row
in another way, past the program, is then found (`domain/operations/integrity/rows.py`).

The key is derived from one outside the database. Without it (`use_key` was never called) nothing is stated.
"""

import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import IntegerField, TextField

from core.clock import utcnow
from core.encryption import keyed_digest
from models.base import Table, UtcField, database, insert_rows, update_rows
from models.dialect import locking

MADE, MADE_OR_CHANGED, CHANGED, GONE, SUMMED = "made", "made_or_changed", "changed", "gone", "summed"
GENESIS = "0" * 64
MODULUS = 1 << 128
_ONLY = 1
_DIGITS = 12  # of a fingerprint, in hexadecimal: 48 bits, of which nobody without the key can compute one

_key = b""
# What the current transaction changed, to be stated at its end; None outside of `models.transaction`.
_pending: ContextVar[list[list[Any]] | None] = ContextVar("row_changes", default=None)


class RowStatement(Table):
    """What one transaction changed in watched rows. Append-only; each contains the hash of the one before."""

    number = IntegerField(unique=True)
    stated_at = UtcField(default=utcnow)
    changes = TextField()  # JSON, see `Change`
    previous = TextField()
    hash = TextField()


class RowRegister(Table):
    """The one row (id 1) that knows the last statement, and what the last check of the books found."""

    number = IntegerField(default=0)
    head = TextField(null=True)  # keyed number and hash of the last statement; null: nothing was stated yet
    last_hash = TextField(default=GENESIS)
    checked_at = UtcField(null=True)
    fault_count = IntegerField(null=True)


@dataclass(frozen=True)
class Watch:
    """What is stated of a table's rows.

    `columns`: the names of the fields; `group`: only the sum of all rows with the same value of this field is stated,
    for long tables; `only`: states only rows for which it holds.
    """

    table: type[Table]
    columns: tuple[str, ...]
    group: str | None = None
    only: Callable[[Mapping[str, Any]], bool] | None = None

    @property
    def name(self) -> str:
        return self.table._meta.table_name

    @property
    def read(self) -> list[Any]:
        """The primary key and the watched fields, in the order in which the other functions expect their values."""
        return [self.table._meta.primary_key, *(self.table._meta.fields[name] for name in self.columns)]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the primary key and the watched values of every row, in the order of the keys.

        With SQL of our own: Peewee takes far longer to write the query than the database to answer it.
        """
        names = ", ".join(f'"{field.column_name}"' for field in self.read)
        query = f'select {names} from "{self.name}" order by "{self.read[0].column_name}"'  # noqa: S608 (no value in it)
        converters = [field.python_value for field in self.read]
        for row in database.execute_sql(query).fetchall():
            yield tuple(convert(value) for convert, value in zip(converters, row, strict=True))

    def concerns(self, changed: Iterable[str]) -> bool:
        return not set(self.columns).isdisjoint(changed)

    def states(self, values: tuple[Any, ...]) -> bool:
        return self.only is None or self.only(dict(zip(self.columns, values[1:], strict=True)))


# --- fingerprints ---------------------------------------------------------------------------------
def use_key(lookup_key: bytes) -> None:
    """Derive the key of the register from `lookup_key`, which is kept outside the database."""
    global _key
    _key = bytes.fromhex(keyed_digest(lookup_key, "row register"))


def fingerprint(table: str, row_id: object, column: str, value: object) -> str:
    """Return the keyed fingerprint of this value, which differs for each row and column."""
    text = f"{table}\t{row_id}\t{column}\t{_plain(value)}"
    return hmac.digest(_key, text.encode(), "sha256").hex()[:_DIGITS]


def fingerprints(watch: Watch, values: tuple[Any, ...], columns: Iterable[str] | None = None) -> dict[str, str]:
    """Return the fingerprints of a row, of these columns only if they are named."""
    wanted = None if columns is None else set(columns)
    return {
        name: fingerprint(watch.name, values[0], name, value)
        for name, value in zip(watch.columns, values[1:], strict=True)
        if wanted is None or name in wanted
    }


def row_sum(watch: Watch, values: tuple[Any, ...]) -> int:
    """Return what this row adds to the sum of its group (a keyed multiset hash: the order of rows is of no matter)."""
    text = "\t".join([watch.name, *map(_plain, values)])
    return int.from_bytes(hmac.digest(_key, text.encode(), "sha256")[:16], "big")


def _plain(value: object) -> str:
    """Return a text that is equal for equal values only, on both databases."""
    if isinstance(value, memoryview | bytearray):
        value = bytes(value)
    if isinstance(value, str):
        return f"s{len(value)}:{value}"
    if isinstance(value, dict | list):
        return f"j{json.dumps(value, sort_keys=True, separators=(',', ':'))}"
    return value.isoformat() if isinstance(value, datetime) else repr(value)


# --- stating --------------------------------------------------------------------------------------
@contextmanager
def stated_together() -> Iterator[None]:
    """State at the end, with one statement, what changes within; nothing if it fails."""
    _pending.set([])
    try:
        yield
        _append(_pending.get() or [])
    finally:
        _pending.set(None)


@contextmanager
def savepoint() -> Iterator[Any]:
    """Open a savepoint in a transaction. What is rolled back with `rollback` is not stated."""
    with database.atomic() as opened:
        before = len(_pending.get() or [])
        yield _Savepoint(opened, before)


@dataclass(frozen=True)
class _Savepoint:
    opened: Any
    before: int

    def rollback(self) -> None:
        self.opened.rollback()
        del (_pending.get() or [])[self.before :]


def state(changes: list[list[Any]]) -> None:
    """Append these changes to the register: at the end of the current transaction, or at once without one."""
    pending = _pending.get()
    if pending is None:
        _append(changes)
    else:
        pending.extend(changes)


def is_on() -> bool:
    return bool(_key)


def made(watch: Watch, rows: Iterable[tuple[Any, ...]], on_conflict: frozenset[str] | None = None) -> None:
    """State that rows were inserted. `on_conflict`: or, if they were there already, that these columns were changed."""
    stated = [row for row in rows if watch.states(row)]
    if watch.group is not None:
        state([_summed(watch, row, 1) for row in stated])
    elif on_conflict is None:
        state([[MADE, watch.name, row[0], fingerprints(watch, row)] for row in stated])
    else:
        columns = sorted(on_conflict)
        state([[MADE_OR_CHANGED, watch.name, row[0], fingerprints(watch, row), columns] for row in stated])


def changed(watch: Watch, rows: Iterable[tuple[Any, ...]], columns: Iterable[str]) -> None:
    """State that these columns of rows were set."""
    names = set(columns)
    if watch.group is not None:
        raise RuntimeError(f"{watch.name} is summed: {sorted(names)} cannot be changed")
    state([[CHANGED, watch.name, row[0], fingerprints(watch, row, names)] for row in rows if watch.states(row)])


def gone(watch: Watch, rows: Iterable[tuple[Any, ...]]) -> None:
    """State that rows were deleted."""
    stated = [row for row in rows if watch.states(row)]
    if watch.group is not None:
        state([_summed(watch, row, -1) for row in stated])
    else:
        state([[GONE, watch.name, row[0]] for row in stated])


def _summed(watch: Watch, row: tuple[Any, ...], sign: int) -> list[Any]:
    group = row[1 + watch.columns.index(str(watch.group))]
    return [SUMMED, watch.name, group, sign, sign * row_sum(watch, row)]


def _append(changes: list[list[Any]]) -> None:
    """Append one statement. The lock on the register is the last one that a transaction takes.

    With SQL of our own: every transaction that writes comes by here.
    """
    if not changes:
        return
    number, last_hash = _locked_register()
    text = json.dumps(_with_sums_added(changes), separators=(",", ":"))
    statement = RowStatement(number=number + 1, stated_at=utcnow(), changes=text, previous=last_hash)
    statement.hash = statement_hash(statement)
    names = ("number", "stated_at", "changes", "previous", "hash")
    insert_rows(RowStatement, [{name: getattr(statement, name) for name in names}])
    head = {"number": statement.number, "head": head_of(statement), "last_hash": statement.hash}
    update_rows(RowRegister, [{"id": _ONLY, **head}])


def _locked_register() -> tuple[int, str]:
    """Return number and hash of the last statement. Nobody else can append one until the transaction ends."""
    query = locking(f'select number, last_hash from "row_register" where id = {_ONLY}')  # noqa: S608 (a constant)
    row = database.execute_sql(query).fetchone()
    if row is None:
        RowRegister.insert(id=_ONLY).on_conflict_ignore().execute()
        row = database.execute_sql(query).fetchone()
    return row


def _with_sums_added(changes: list[list[Any]]) -> list[list[Any]]:
    sums: dict[tuple[str, Any], list[int]] = {}
    for _, name, group, count, value in (one for one in changes if one[0] == SUMMED):
        total = sums.setdefault((name, group), [0, 0])
        total[0], total[1] = total[0] + count, (total[1] + value) % MODULUS
    summed = [[SUMMED, name, group, count, f"{value:x}"] for (name, group), (count, value) in sums.items()]
    return [*(one for one in changes if one[0] != SUMMED), *summed]


def statement_hash(statement: RowStatement) -> str:
    """Return the keyed hash of a statement and of all before it."""
    fields = [statement.number, statement.stated_at.isoformat(), statement.changes, statement.previous]
    return keyed_digest(_key, json.dumps(fields, separators=(",", ":")))


def head_of(statement: RowStatement) -> str:
    return keyed_digest(_key, f"{statement.number}:{statement.hash}")
