"""The base of every table: the database connection, and the two field types of our own."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Self, cast

from peewee import DatabaseProxy, DateTimeField, Model, ModelSelect, TextField

database = DatabaseProxy()


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


class FetchAllSelect(ModelSelect):
    """Select that fetches all rows before iteration, so that a loop may write.

    On SQLite a partly read query keeps its snapshot open. A write in the loop would then fail ("database is locked") if
    another connection has written meanwhile.
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
