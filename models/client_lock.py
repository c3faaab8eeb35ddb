"""Transactions. Whoever changes what belongs to a client holds that client first: nobody ever waits in a ring.

Why one lock for a client, and in which order: docs/decisions/0019-one-writer-per-client.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from models.base import database
from models.dialect import lock_rows, write_transaction
from models.people import Client

_held: ContextVar[frozenset[int] | None] = ContextVar("held", default=None)


class NestedTransaction(RuntimeError):
    """A transaction was begun inside another: it would be a savepoint, without its locks."""


class ClientNotLocked(RuntimeError):
    """Something of a client is changed by a transaction that does not hold this client."""


@contextmanager
def transaction(*client_ids: int) -> Iterator[None]:
    """One transaction that may read before it writes, alone with what belongs to these clients. Refuses to nest."""
    if database.in_transaction():
        raise NestedTransaction
    with write_transaction():
        _held.set(frozenset())
        try:
            if client_ids:
                lock_clients(*client_ids)
            yield
        finally:
            _held.set(None)


def lock_clients(*client_ids: int) -> None:
    """Nobody else changes what belongs to these until the transaction ends; all at once, hence in one order.

    For `transaction`, and for a client that was made in this very one.
    """
    before = locked_clients()
    if before is None or before:
        raise ClientNotLocked(f"{client_ids} after {before}: in a transaction, and all at once")
    lock_rows(Client.select(Client.id).where(Client.id.in_(client_ids)).order_by(Client.id))
    _held.set(frozenset(client_ids))


def locked_clients() -> frozenset[int] | None:
    """The clients that this thread's transaction holds; None without one."""
    return _held.get()


def require_client_lock(client_id: int) -> None:
    """For functions that change what belongs to a client, and write the log of it: together or not at all."""
    if client_id not in (locked_clients() or ()):
        raise ClientNotLocked(f"client {client_id}")
