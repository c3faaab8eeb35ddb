"""Checks that a prepared query (models.prepared) is the one that its function makes now: its first calls in a process,
and then ever fewer of them.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from models.prepared import Prepared, Statement

_calls: Counter[Prepared] = Counter()


def watch() -> None:
    """Make a call fail whose statement differs."""
    Prepared.on_call = compare


def compare(query: Prepared, statement: Statement, given: Sequence[Any]) -> None:
    """Compare the 1st, 2nd, 4th, 8th … call with what the function makes now."""
    _calls[query] += 1
    if _calls[query] & (_calls[query] - 1) == 0:
        assert statement == query.write(*given), f"{query} reads what it is not given"
