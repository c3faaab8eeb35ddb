"""The database behind every table: connection, transactions, and the two fields of our own."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Self, cast

from peewee import DatabaseProxy, DateTimeField, Model, ModelSelect, PostgresqlDatabase, SqliteDatabase, TextField
from playhouse.db_url import connect as connect_url

database = DatabaseProxy()

# synchronous 2 is FULL: what was committed survives a power cut.
PRAGMAS = {"journal_mode": "wal", "busy_timeout": 5000, "foreign_keys": 1, "synchronous": 2}


def connect(url: str) -> None:
    """Point every table at this database. Opens nothing yet: each thread opens its own."""
    if url.startswith("sqlite"):
        real = connect_url(url, pragmas=PRAGMAS, timeout=5)
    else:
        scheme, rest = url.split("://", 1)
        real = connect_url(f"psycopg3+pool://{rest}" if scheme.startswith("postgres") else url, max_connections=16)
    database.initialize(real)


def is_sqlite() -> bool:
    return isinstance(database.obj, SqliteDatabase)


def is_postgres() -> bool:
    return isinstance(database.obj, PostgresqlDatabase)


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
