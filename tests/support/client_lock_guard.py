"""Checks every SQL statement of every test against the rule of one writer per client.

See docs/decisions/0019-one-writer-per-client.md. Inside a transaction, a change to a client's rows requires the
client's lock. A single statement outside a transaction locks one row at a time and cannot deadlock.
"""

import re
from typing import Any

from peewee import QueryEvent

import models
from models import Client, client_lock

_CHANGES = re.compile(r'\s*(?:insert into|update|delete from)\s+"?(\w+)', re.IGNORECASE)


def belonging() -> frozenset[str]:
    """Return the tables whose rows belong to a client, directly or through other tables."""
    found = {Client}
    while more := {table for table in models.TABLES if table not in found and _leads_to(table, found)}:
        found |= more
    return frozenset(table._meta.table_name for table in found - {Client})


def _leads_to(table: Any, found: set) -> bool:
    return any(field.rel_model in found and not field.null for field in table._meta.refs)


def watch(database: Any) -> None:
    """Make a change without the client's lock fail, in the thread that makes it."""
    tables = belonging()

    def look(event: QueryEvent) -> None:
        found = _CHANGES.match(event.sql)
        if found and found[1] in tables:
            assert client_lock.locked_clients() != frozenset(), (
                f"{found[1]} is changed by a transaction that has locked no client"
            )

    database.query_hooks.append(look)
