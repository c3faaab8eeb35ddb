"""Checks that a prepared query (models.prepared) is the one that its function makes now: its first calls in a process,
and then ever fewer of them.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from models.prepared import Prepared, Statement

_calls: Counter[Prepared] = Counter()
_statement = Prepared.statement


def watch() -> None:
    """Make a call fail whose statement differs."""
    Prepared.statement = _compared  # type: ignore[method-assign]


@contextmanager
def unwatched() -> Iterator[None]:
    """Run without the check."""
    watched, Prepared.statement = Prepared.statement, _statement  # type: ignore[method-assign]
    try:
        yield
    finally:
        Prepared.statement = watched  # type: ignore[method-assign]


def _compared(query: Prepared, /, *given: Any) -> Statement:
    """Return the statement. Compare the 1st, 2nd, 4th, 8th … with what the function makes now."""
    statement = _statement(query, *given)
    _calls[query] += 1
    if _calls[query] & (_calls[query] - 1) == 0:
        assert statement == query.write(*given), f"{query} reads what it is not given"
    return statement
