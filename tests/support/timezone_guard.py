"""Every statement of every test, held against the rule of `models.base.UtcField`: no moment reaches a database with
its zone. A column does so by itself; a value inside a case does not know its column (`field.to_value` tells it), and
PostgreSQL then keeps the moment in the zone of its own server.
"""

from datetime import datetime
from typing import Any

from peewee import QueryEvent


def watch(database: Any) -> None:
    """From now on such a statement fails in the thread that makes it."""

    def look(event: QueryEvent) -> None:
        for value in event.params or ():
            assert not (isinstance(value, datetime) and value.tzinfo), f"{value} has its zone in: {event.sql}"

    database.query_hooks.append(look)
