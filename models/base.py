"""The database behind every table: connection, transactions, and the two fields of our own."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Self, cast

from peewee import DatabaseProxy, DateTimeField, Model, ModelSelect, TextField

database = DatabaseProxy()


class UtcField(DateTimeField):
    """An aware moment in UTC; kept without zone, so both databases compare it the same."""

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
    """A small document, kept as canonical JSON text."""

    def db_value(self, value: Any) -> Any:
        return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))

    def python_value(self, value: Any) -> Any:
        return None if value is None else json.loads(value)


class FetchAllSelect(ModelSelect):
    """A query of which every row is read before the first is looked at.

    A half-read query keeps SQLite's view of that moment open: a write in the loop then fails at once ("database is
    locked") when anybody else wrote meanwhile, a bank's answer in between being time enough.
    """

    def __iter__(self) -> Iterator[Any]:
        return iter(list(super().__iter__()))


class Table(Model):
    id: Any

    class Meta:
        database = database
        legacy_table_names = False

    @classmethod
    def select(cls, *fields: Any) -> "ModelSelect[Self]":
        return cast("ModelSelect[Self]", FetchAllSelect(cls, fields or cls._meta.sorted_fields, is_default=not fields))
