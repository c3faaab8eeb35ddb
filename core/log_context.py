"""What a log line belongs to: the web request that began it all, and the job that works on it.

The ids are ours and random. They go from a request to the jobs that it enqueues and the mails that it stores, so that
all lines of one act can be found together.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from structlog.contextvars import (
    bind_contextvars,
    clear_contextvars,
    get_contextvars,
    unbind_contextvars,
)

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,80}")


def begin_request() -> str:
    """Give the lines of this thread a new request id, until `end_request`, and return it."""
    made = uuid4().hex[:16]
    clear_contextvars()
    bind_contextvars(request=made)
    return made


def end_request() -> None:
    unbind_contextvars("request")


def current_request() -> str:
    """Return the id of the request that this work began with; empty if it began with none."""
    return str(get_contextvars().get("request", ""))


@contextmanager
def of_request(request: object) -> Iterator[None]:
    """Have the lines inside belong to the request of this id, as it was kept; to none if it is no id."""
    before = current_request()
    _set_request(request)
    try:
        yield
    finally:
        _set_request(before)


def _set_request(request: object) -> None:
    if is_id(request):
        bind_contextvars(request=request)
    else:
        unbind_contextvars("request")


@contextmanager
def of_job(task: str, job: object, request: object) -> Iterator[None]:
    """Have the lines inside belong to a job, and to the request that it was enqueued for, if these are ids."""
    ids = {"task": task, "job": job, "request": request}
    clear_contextvars()
    bind_contextvars(**{name: one for name, one in ids.items() if is_id(one)})
    try:
        yield
    finally:
        clear_contextvars()


def is_id(value: object) -> bool:
    """Return whether this can be an id of ours: who can write to the queue could send anything."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None
