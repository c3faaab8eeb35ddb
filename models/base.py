"""The base of every table: the database connection, and the three field types of our own."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Self, cast

from peewee import DatabaseProxy, DateTimeField, Field, Model, ModelSelect, TextField

database = DatabaseProxy()
ROWS_AT_ONCE = 1000  # SQLite takes 32,766 values in a statement


def insert_rows(table: type["Table"], rows: Sequence[dict[str, Any]]) -> None:
    """Insert many rows in a few plain statements, several times faster than Peewee.

    Every row must name all columns, in the same order: no default is filled in.
    """
    if not rows:
        return
    fields = [table._meta.fields[name] for name in rows[0]]
    columns, marks = ", ".join(map(_column, fields)), f"({', '.join([database.obj.param] * len(fields))})"
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = _values(fields, rows[start : start + ROWS_AT_ONCE])
        statement = f'insert into "{table._meta.table_name}" ({columns}) values {", ".join([marks] * len(part))}'  # noqa: S608 (no value in it)
        database.execute_sql(statement, [value for row in part for value in row])


def update_rows(table: type["Table"], rows: Sequence[dict[str, Any]]) -> None:
    """Update many rows by `id`, which must be the first column of each row, with one prepared statement.

    Every row must name the same columns, in the same order.
    """
    if not rows:
        return
    fields = [table._meta.fields[name] for name in rows[0]]
    mark = database.obj.param
    assigned = ", ".join(f"{_column(field)} = {mark}" for field in fields[1:])
    statement = f'update "{table._meta.table_name}" set {assigned} where id = {mark}'  # noqa: S608 (no value in it)
    database.cursor().executemany(statement, [[*values, key] for key, *values in _values(fields, rows)])


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

    def __iter__(self) -> Iterator[Any]:
        return iter(list(super().__iter__()))

    def __sql_selection__(self, ctx: Any, is_subquery: bool = False) -> Any:
        """Write the selected columns as Peewee does, but without its dozen calls for each column of a wide table."""
        selected: Sequence[Any] = getattr(self, "_returning")  # noqa: B009 (Peewee's stubs do not know it)
        if is_subquery or not all(isinstance(one, Field) for one in selected):
            return cast("Any", super()).__sql_selection__(ctx, is_subquery)
        models = dict.fromkeys(one.model for one in selected)
        alias = {model: ctx.alias_manager[model._meta.table] for model in models}
        return ctx.literal(", ".join(f'"{alias[one.model]}"."{one.column_name}"' for one in selected))


class Table(Model):
    id: Any

    class Meta:
        database = database
        legacy_table_names = False

    @classmethod
    def select(cls, *fields: Any) -> "ModelSelect[Self]":
        return cast("ModelSelect[Self]", FetchAllSelect(cls, fields or cls._meta.sorted_fields, is_default=not fields))
