"""Per-client locking. A transaction locks its clients first and all at once, which rules out deadlocks.

Why one lock per client, and in which order: docs/decisions/0019-one-writer-per-client.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from models.base import database
from models.dialect import lock_rows, write_transaction
from models.people import Client
from models.row_register import stated_together

_locked: ContextVar[frozenset[int] | None] = ContextVar("locked_clients", default=None)


class NestedTransaction(RuntimeError):
    """A transaction was started inside another. It would be a savepoint, without locks of its own."""


class ClientNotLocked(RuntimeError):
    """The current transaction changes a client's data without holding the client's lock."""


@contextmanager
def transaction(*client_ids: int) -> Iterator[None]:
    """Run a transaction that may read before it writes, with these clients locked.

    Raises:
    - NestedTransaction
    """
    if database.in_transaction():
        raise NestedTransaction
    with write_transaction():
        _locked.set(frozenset())
        try:
            if client_ids:
                lock_clients(*client_ids)
            with stated_together():
                yield
        finally:
            _locked.set(None)


def lock_clients(*client_ids: int) -> None:
    """Lock these clients until the transaction ends. All at once, so that every transaction uses the same order.

    For `transaction`, and for a client created in the current transaction.

    Raises:
    - ClientNotLocked: outside a transaction, or a client is already locked.
    """
    before = locked_clients()
    if before is None or before:
        raise ClientNotLocked(f"{client_ids} after {before}: in a transaction, and all at once")
    lock_rows(Client.select(Client.id).where(Client.id.in_(client_ids)).order_by(Client.id))
    _locked.set(frozenset(client_ids))


def locked_clients() -> frozenset[int] | None:
    """Return the clients that the current transaction holds; None outside a transaction."""
    return _locked.get()


def require_client_lock(client_id: int) -> None:
    """Raise ClientNotLocked unless the current transaction holds this client's lock."""
    if client_id not in (locked_clients() or ()):
        raise ClientNotLocked(f"client {client_id}")
