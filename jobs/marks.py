"""Marks of how far the database has come, in the queue's server: every machine sees them."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError

from connectors.marks import RECENT, Mark, read_marks

NEWEST, ORDERS = "bizcuit:newest-mark", "bizcuit:order-marks"
MOST = 10_000  # orders that are remembered


class QueueMarks:
    """Marks in Redis. A failure of Redis is raised as OSError, as the port requires."""

    def __init__(self, connection: Callable[[], Redis]) -> None:
        self._connection = connection

    def keep(self, mark: Mark) -> None:
        line = json.dumps(asdict(mark), sort_keys=True)
        try:
            with self._connection().pipeline() as pipe:
                if mark.order:
                    pipe.lpush(ORDERS, line)
                    pipe.ltrim(ORDERS, 0, MOST - 1)
                pipe.set(NEWEST, line)
                pipe.execute()
        except RedisError as error:
            raise OSError("the queue server keeps no mark") from error

    def recent(self) -> list[Mark]:
        return self._read(RECENT, newest=True)

    def orders(self) -> list[Mark]:
        return self._read(MOST)

    def _read(self, count: int, newest: bool = False) -> list[Mark]:
        try:
            known: Any = self._connection().lrange(ORDERS, 0, count - 1)
            last: Any = self._connection().get(NEWEST) if newest else None
        except RedisError as error:
            raise OSError("the queue server tells no mark") from error
        lines = [*([last] if last else []), *reversed(cast("list[bytes]", known))]
        return read_marks("\n".join(line.decode() for line in lines))
