"""Calls to external services, counted in Redis: web and workers are several processes, maybe on
several machines (decision 0055). Who empties the queue server starts the counts anew.
"""

import json
import logging
import time
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from connectors.calls import Call
from domain.common.queue_state import CallFigures, Counterpart

COUNTS, SECONDS = "bizcuit:call-counts", "bizcuit:call-seconds"
FAILING, FAILED, ANSWERED = "bizcuit:call-failing-since", "bizcuit:call-failed-at", "bizcuit:call-answered-at"
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds, as in the histogram; "sum" is the total
PAUSE = 30  # seconds without counting after the queue server failed, so that no call waits for it each time
log = logging.getLogger(__name__)


class RedisCallTally:
    """Counts calls; one round trip each. What cannot be counted is left out."""

    def __init__(self, connection: Callable[[], Redis]) -> None:
        self._connection, self._silent_until = connection, 0.0

    def add(self, call: Call) -> None:
        if time.monotonic() < self._silent_until:
            return
        try:
            self._add(self._connection(), call)
        except RedisError as error:
            self._silent_until = time.monotonic() + PAUSE
            log.warning("calls are not counted for %s s: %s", PAUSE, type(error).__name__)

    def _add(self, connection: Redis, call: Call) -> None:
        who, now = _key(call.counterpart, call.which), f"{time.time():.3f}"
        bound = bisect_left(BOUNDS, call.seconds)
        with connection.pipeline(transaction=False) as pipe:
            pipe.hincrby(COUNTS, _key(call.counterpart, call.which, call.operation, call.result), 1)
            pipe.hincrby(SECONDS, _key(call.counterpart, call.which, str(bound)), 1)
            pipe.hincrbyfloat(SECONDS, _key(call.counterpart, call.which, "sum"), call.seconds)
            if call.result == "failed":
                pipe.hsetnx(FAILING, who, now)
                pipe.hset(FAILED, who, now)
            else:  # also a refusal is an answer
                pipe.hdel(FAILING, who)
                pipe.hset(ANSWERED, who, now)
            pipe.execute()


def _key(*parts: str) -> str:
    return json.dumps(parts)


def read(connection: Redis) -> CallFigures:
    """Return what was counted. Raises RedisError."""
    with connection.pipeline(transaction=False) as pipe:
        for name in (COUNTS, SECONDS, FAILING, FAILED, ANSWERED):
            pipe.hgetall(name)
        counts, seconds, failing, failed, answered = (_decoded(one) for one in pipe.execute())
    spent: dict[Any, dict[str, float]] = {}
    for (*who, part), value in seconds.items():
        spent.setdefault(tuple(who), {})[part] = value
    return CallFigures(
        counts={names: int(value) for names, value in counts.items()}, bounds=BOUNDS,
        counterparts={
            who: Counterpart(
                within=tuple(int(parts.get(str(place), 0)) for place in range(len(BOUNDS) + 1)),
                seconds=parts.get("sum", 0.0), failing_since=failing.get(who), failed_at=failed.get(who),
                answered_at=answered.get(who),
            )
            for who, parts in spent.items()
        },
    )  # fmt: skip


def _decoded(found: dict[bytes, bytes]) -> dict[Any, float]:
    return {tuple(json.loads(name)): float(value) for name, value in found.items()}
