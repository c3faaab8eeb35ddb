"""The base of every table: the database connection, and the three field types of our own."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Self, cast

from peewee import (
    ROW,
    DatabaseProxy,
    DateTimeField,
    Field,
    Model,
    ModelDelete,
    ModelInsert,
    ModelSelect,
    ModelUpdate,
    TextField,
)

database = DatabaseProxy()
ROWS_AT_ONCE = 1000  # SQLite takes 32,766 values in a statement


def insert_rows(table: type["Table"], rows: Sequence[dict[str, Any]]) -> None:
    """Insert many rows in a few plain statements, several times faster than Peewee. Only for tables without a watcher.

    Every row must name all columns, in the same order: no default is filled in.
    """
    _require_unwatched(table)
    if not rows:
        return
    fields = [table._meta.fields[name] for name in rows[0]]
    columns, marks = ", ".join(map(_column, fields)), f"({', '.join([database.obj.param] * len(fields))})"
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = _values(fields, rows[start : start + ROWS_AT_ONCE])
        statement = f'insert into "{table._meta.table_name}" ({columns}) values {", ".join([marks] * len(part))}'  # noqa: S608 (no value in it)
        database.execute_sql(statement, [value for row in part for value in row])


def update_rows(table: type["Table"], rows: Sequence[dict[str, Any]]) -> None:
    """Update many rows by `id`, which must be the first column of each row, with one prepared statement. Only for
    tables without a watcher.

    Every row must name the same columns, in the same order.
    """
    _require_unwatched(table)
    if not rows:
        return
    fields = [table._meta.fields[name] for name in rows[0]]
    mark = database.obj.param
    assigned = ", ".join(f"{_column(field)} = {mark}" for field in fields[1:])
    statement = f'update "{table._meta.table_name}" set {assigned} where id = {mark}'  # noqa: S608 (no value in it)
    database.cursor().executemany(statement, [[*values, key] for key, *values in _values(fields, rows)])


def _require_unwatched(table: type["Table"]) -> None:
    if table.watcher is not None:
        raise RuntimeError(f"{table.__name__} is watched: nobody would state these changes")


def _column(field: Any) -> str:
    return f'"{field.column_name}"'


def _values(fields: Sequence[Any], rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return the values of each row as the database stores them. Only JSON and times need conversion."""
    found = [list(row.values()) for row in rows]
    converted = [(at, field.db_value) for at, field in enumerate(fields) if isinstance(field, (JsonField, UtcField))]
    for values in found:
        for at, convert in converted:
            values[at] = convert(values[at])
    return found


class UtcField(DateTimeField):
    """A timezone-aware moment in UTC, stored without time zone so that both databases compare it alike."""

    def db_value(self, value: Any) -> Any:
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError("a moment without a zone")
            value = value.astimezone(UTC).replace(tzinfo=None)
        return super().db_value(value)

    def python_value(self, value: Any) -> Any:
        value = super().python_value(value)
        return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


class JsonField(TextField):
    """A small document, stored as canonical JSON."""

    def db_value(self, value: Any) -> Any:
        return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))

    def python_value(self, value: Any) -> Any:
        return None if value is None else json.loads(value)


class EncryptedField(TextField):
    """A ciphertext of `core.encryption.Keyring`, bound to its purpose and to what `of_row` returns of its row.

    Every column with a ciphertext is of this type: so the rotation of the keys finds it.
    """

    def __init__(self, purpose: str, of_row: Callable[[Any], tuple[object, ...]], **options: Any) -> None:
        super().__init__(**options)
        self.purpose, self.of_row = purpose, of_row

    def context(self, row: Any) -> str:
        """Return the associated data that binds the ciphertext to this row."""
        return "|".join(map(str, (self.purpose, *self.of_row(row))))


class FetchAllSelect(ModelSelect):
    """Select that fetches all rows before iteration, so that a loop may write.

    On SQLite a partly read query keeps its snapshot open. A write in the loop would then fail ("database is locked") if
    another connection has written meanwhile.
    """

    _statement: tuple[str, Sequence[Any]] | None = None

    def with_statement(self, text: str, values: Sequence[Any]) -> Self:
        """Return this query to be run with this SQL, which was written for it before (models.prepared)."""
        query = self.clone()
        query._statement = text, values
        return query

    def __sql__(self, ctx: Any) -> Any:
        if self._statement is None:
            return cast("Any", super()).__sql__(ctx)
        text, values = self._statement
        for value in values:
            ctx.value(value, converter=False, add_param=False)
        return ctx.literal(text)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(super().__iter__()))

    def __sql_selection__(self, ctx: Any, is_subquery: bool = False) -> Any:
        """Write the selected columns as Peewee does, but without its dozen calls for each column of a wide table."""
        selected: Sequence[Any] = getattr(self, "_returning")  # noqa: B009 (Peewee's stubs do not know it)
        if is_subquery:
            return cast("Any", super()).__sql_selection__(ctx, is_subquery)
        models = dict.fromkeys(one.model for one in selected if isinstance(one, Field))
        alias = {model: ctx.alias_manager[model._meta.table] for model in models}
        for number, one in enumerate(selected):
            between = ", " if number else ""
            if isinstance(one, Field):
                ctx.literal(f'{between}"{alias[one.model]}"."{one.column_name}"')
            else:
                ctx.literal(between).sql(one)
        return ctx


class _Watched:
    """A query that changes rows. The watcher of its table is told of every row that it changed, in its transaction."""

    model: Any
    _returning: Any
    _return_cursor: bool
    _row_type: Any

    def _execute(self, connected: Any) -> Any:
        watcher = self.model.watcher
        if watcher is None or not watcher.concerns(self):
            return super()._execute(connected)  # pyright: ignore[reportAttributeAccessIssue]
        if connected.in_transaction():
            return self._watched(connected, watcher)
        with connected.atomic():
            return self._watched(connected, watcher)

    def _watched(self, connected: Any, watcher: Any) -> Any:
        watcher.before(self)
        self._returning, self._return_cursor, self._row_type = watcher.read, True, ROW.TUPLE
        rows = list(super()._execute(connected))  # pyright: ignore[reportAttributeAccessIssue]
        watcher.after(self, rows)
        return self._result(rows)

    def _result(self, rows: list[tuple[Any, ...]]) -> Any:
        return len(rows)


class WatchedUpdate(_Watched, ModelUpdate):
    _update: Any

    @property
    def changed(self) -> set[str]:
        """The names of the fields that it sets."""
        return {field.name for field in self._update}


class WatchedDelete(_Watched, ModelDelete):
    """A deletion. Rows that it deletes in other tables (cascade) are deleted first by the watcher, to be told too."""

    _where: Any


class WatchedInsert(_Watched, ModelInsert):
    _on_conflict: Any
    _as_rowcount: bool

    @property
    def on_conflict_sets(self) -> frozenset[str] | None:
        """The names of the fields that it sets in a row that is there already; None if it sets none."""
        conflict = self._on_conflict
        if conflict is None or not (conflict._update or conflict._preserve):
            return None
        fields = [*(conflict._update or {}), *(conflict._preserve or ())]
        return frozenset(field if isinstance(field, str) else field.name for field in fields)

    def _result(self, rows: list[tuple[Any, ...]]) -> Any:
        return len(rows) if self._as_rowcount else rows[0][0] if rows else None


class Table(Model):
    id: Any
    watcher: ClassVar[Any] = None  # told of changes: see models/proof.py

    class Meta:
        database = database
        legacy_table_names = False

    @classmethod
    def update(cls, __data: Any = None, **update: Any) -> Any:
        return WatchedUpdate(cls, cast(Any, cls)._normalize_data(__data, update))

    @classmethod
    def insert(cls, __data: Any = None, **insert: Any) -> Any:
        return WatchedInsert(cls, cast(Any, cls)._normalize_data(__data, insert))

    @classmethod
    def insert_many(cls, rows: Any, fields: Any = None) -> Any:
        return WatchedInsert(cls, insert=rows, columns=fields)

    @classmethod
    def delete(cls) -> Any:
        return WatchedDelete(cls)

    @classmethod
    def select(cls, *fields: Any) -> "ModelSelect[Self]":
        return cast("ModelSelect[Self]", FetchAllSelect(cls, fields or cls._meta.sorted_fields, is_default=not fields))
