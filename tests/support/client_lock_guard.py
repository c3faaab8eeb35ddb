"""Every statement of every test, held against the rule of one writer a client (decision 0019).

Inside a transaction, whoever changes a row that belongs to a client holds that client. A statement that stands
alone holds one row at a time and waits for nobody while it does.
"""

import re
from typing import Any

from peewee import QueryEvent

import models
from models import Client, client_lock

_CHANGES = re.compile(r'\s*(?:insert into|update|delete from)\s+"?(\w+)', re.IGNORECASE)


def belonging() -> frozenset[str]:
    """Tables of which each row belongs to a client, by reference, in however many steps."""
    found = {Client}
    while more := {table for table in models.TABLES if table not in found and _leads_to(table, found)}:
        found |= more
    return frozenset(table._meta.table_name for table in found - {Client})


def _leads_to(table: Any, found: set) -> bool:
    return any(field.rel_model in found and not field.null for field in table._meta.refs)


def watch(database: Any) -> None:
    """From now on an unheld change fails in the thread that makes it."""
    tables = belonging()

    def look(event: QueryEvent) -> None:
        found = _CHANGES.match(event.sql)
        if found and found[1] in tables:
            assert client_lock.locked_clients() != frozenset(), (
                f"{found[1]} is changed by a transaction that holds no client"
            )

    database.query_hooks.append(look)
