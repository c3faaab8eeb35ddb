"""The register of rows: every watched row is there and is what the program wrote last, and no other row is."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from models import WATCHED, RowRegister, RowStatement, row_register
from models.row_register import CHANGED, GENESIS, GONE, MADE, MADE_OR_CHANGED, MODULUS, SUMMED, Watch

Columns = dict[str, str]


@dataclass
class RegisterState:
    """What the register says of all rows that should be there.

    `rows`: the fingerprint of each column, by table and primary key; `sums`: count and sum of each group of a long
    table; `faults`: what cannot have been.
    """

    rows: dict[str, dict[Any, Columns]] = field(default_factory=lambda: defaultdict(dict))
    sums: dict[str, dict[Any, tuple[int, int]]] = field(default_factory=lambda: defaultdict(dict))
    faults: list[str] = field(default_factory=list)


def row_faults() -> Iterator[str]:
    """Yield a sentence for each row that is not as the program left it, and for each fault of the register itself."""
    told = read_register()
    yield from told.faults
    for watch in WATCHED.values():
        yield from table_faults(watch, told)


def read_register() -> RegisterState:
    """Read all statements, from the first to the last."""
    told, register = RegisterState(), RowRegister.get_or_none()
    number, previous, last = 0, GENESIS, None
    for last in RowStatement.select().order_by(RowStatement.number).iterator():
        number += 1
        holds = last.hash == row_register.statement_hash(last) and last.previous == previous
        if last.number != number or not holds:
            told.faults.append(f"the register of rows is not intact at statement {number}")
            number = last.number
        previous = last.hash
        _apply(last, told)
    known = (register.number, register.head, register.last_hash) if register else (0, None, GENESIS)
    if known != ((last.number, row_register.head_of(last), last.hash) if last else (0, None, GENESIS)):
        told.faults.append(f"the register of rows is not intact after statement {number}")
    return told


def _apply(statement: RowStatement, told: RegisterState) -> None:
    for kind, name, key, *more in json.loads(statement.changes):
        _HOW[kind](told, name, key, statement.number, *more)


def _made(told: RegisterState, table: str, key: Any, number: int, values: Columns) -> None:
    if key in told.rows[table]:
        told.faults.append(f"{_words(table)} {key} was made again by statement {number}, and had not been removed")
    told.rows[table][key] = values


def _made_or_changed(
    told: RegisterState, table: str, key: Any, number: int, values: Columns, columns: list[str]
) -> None:
    if key in told.rows[table]:
        told.rows[table][key].update({name: values[name] for name in columns if name in values})
    else:
        _made(told, table, key, number, values)


def _changed(told: RegisterState, table: str, key: Any, number: int, values: Columns) -> None:
    if key not in told.rows[table]:
        told.faults.append(f"{_words(table)} {key} was changed by statement {number}, and the program had not made it")
    else:
        told.rows[table][key].update(values)


def _gone(told: RegisterState, table: str, key: Any, number: int) -> None:
    if told.rows[table].pop(key, None) is None:
        told.faults.append(f"{_words(table)} {key} was removed by statement {number}, and the program had not made it")


def _summed(told: RegisterState, table: str, group: Any, _: int, count: int, value: str) -> None:
    before = told.sums[table].get(group, (0, 0))
    told.sums[table][group] = before[0] + count, (before[1] + int(value, 16)) % MODULUS


_HOW: dict[str, Callable[..., None]] = {
    MADE: _made, MADE_OR_CHANGED: _made_or_changed, CHANGED: _changed, GONE: _gone, SUMMED: _summed,
}  # fmt: skip


# --- the rows as they are -------------------------------------------------------------------------
def table_faults(watch: Watch, told: RegisterState) -> Iterator[str]:
    """Yield a sentence for each row of this table that is not as the program left it."""
    if watch.group is not None:
        yield from _sum_faults(watch, told.sums[watch.name])
        return
    stated, seen = told.rows[watch.name], set()
    for row in watch.rows():
        if watch.states(row):
            seen.add(row[0])
            yield from _row_faults(watch, row, stated.get(row[0]))
    for key in sorted(stated.keys() - seen):
        yield f"{_words(watch.name)} {key} is gone, and the program did not remove it"


def _row_faults(watch: Watch, row: tuple[Any, ...], stated: Columns | None) -> Iterator[str]:
    if stated is None:
        yield f"{_described(watch, row)} is there, and the program did not make it"
        return
    found = row_register.fingerprints(watch, row)
    if found != stated and (columns := [name for name in watch.columns if found[name] != stated.get(name)]):
        yield f"{_described(watch, row)} was changed past the program: {', '.join(columns)}"


def _sum_faults(watch: Watch, stated: dict[Any, tuple[int, int]]) -> Iterator[str]:
    place = 1 + watch.columns.index(str(watch.group))
    found: dict[Any, tuple[int, int]] = {}
    for row in watch.rows():
        before = found.get(row[place], (0, 0))
        found[row[place]] = before[0] + 1, (before[1] + row_register.row_sum(watch, row)) % MODULUS
    for key in sorted(found.keys() | stated.keys(), key=str):
        now, then = found.get(key, (0, 0)), stated.get(key, (0, 0))
        if now != then:
            how = "changed" if now[0] == then[0] else f"there are {now[0]}, and the program made {then[0]}"
            yield f"rows {_words(watch.name)} of {watch.group} {key} were changed past the program: {how}"


def _words(table: str) -> str:
    return table.replace("_", " ")


def _described(watch: Watch, row: tuple[Any, ...]) -> str:
    """Return which row it is, and of which client or user."""
    values = dict(zip(watch.columns, row[1:], strict=True))
    owner = [f"{name} {values[name]}" for name in ("client", "user", "batch", "order") if values.get(name) is not None]
    return f"{_words(watch.name)} {row[0]}" + (f" of {' and '.join(owner)}" if owner else "")
