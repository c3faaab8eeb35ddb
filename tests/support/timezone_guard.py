"""Checks every SQL statement of every test: no moment may reach the database with a time zone (models.base.UtcField).

A column converts its own values. A value inside Case does not know its column and needs `field.to_value`; otherwise
PostgreSQL stores it in the time zone of its server.
"""

from datetime import datetime
from typing import Any

from peewee import QueryEvent


def watch(database: Any) -> None:
    """Make such a statement fail, in the thread that makes it."""

    def look(event: QueryEvent) -> None:
        for value in event.params or ():
            assert not (isinstance(value, datetime) and value.tzinfo), f"{value} has its zone in: {event.sql}"

    database.query_hooks.append(look)
