"""A worker process that submits one payment and kills itself at a chosen point.

    run(database, sandbox, keys, batch.id, "after the answer")   # returns minus SIGKILL

The process is forked, with its own database connection and adapters. The bank is the real sandbox over sockets, and the
process ends with SIGKILL.
"""

import importlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import models
from domain.orders import submission
from tests.support.factories import make_world
from tests.support.sandbox import Sandbox

# Where it is killed: (module, function, whether after it returns), in order of execution.
POINTS = {
    "before the order is made": ("domain.orders.submission", "build_order", False),
    "before the order is stored": ("domain.orders.order_building", "_store", False),
    "after the order is stored": ("domain.orders.submission", "build_order", True),
    "before the claim": ("domain.common.leases", "claim_lease", False),
    "after the claim": ("domain.common.leases", "claim_lease", True),
    "after submitted_at is written": ("domain.orders.submission", "_mark_called", True),
    "after the answer": ("domain.orders.submission", "_placed", False),
    "after the answer is recorded": ("domain.orders.sca", "start_sca_in_background", False),
    "after all": ("domain.orders.sca", "start_sca_in_background", True),
}
# Points at which, according to the database, the bank may have been called.
UNSURE = ("after submitted_at is written", "after the answer")
FAILED = 1


@dataclass
class Worker:
    """A started process."""

    pid: int
    status: int | None = None

    def wait(self, options: int = 0) -> int | None:
        """Return the exit status: 0, or minus the signal. With os.WNOHANG: None while it runs."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, options)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status


def wait_for(count: int, workers: Sequence[Worker]) -> None:
    """Wait until so many of these workers have ended. Each ends by itself after a minute."""
    while sum(one.wait(os.WNOHANG) is not None for one in workers) < count:
        time.sleep(0.02)


def start(database: str, sandbox: Sandbox, keys: Path, batch_id: int, point: str = "") -> Worker:
    models.database.close()  # connections must not be shared across a fork
    child = os.fork()
    if child == 0:
        code = FAILED
        try:
            signal.alarm(60)
            _work(database, sandbox, keys, batch_id, point)
            code = 0
        finally:
            os._exit(code)  # never return into the test
    models.database.connect()
    return Worker(child)


def run(database: str, sandbox: Sandbox, keys: Path, batch_id: int, point: str = "") -> int | None:
    """Run a worker and return its exit status: 0, or minus the signal."""
    return start(database, sandbox, keys, batch_id, point).wait()


def _dying(real: Callable[..., Any], after: bool) -> Callable[..., Any]:
    def dies(*args: Any, **named: Any) -> None:
        if after:
            real(*args, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return dies


def _work(database: str, sandbox: Sandbox, keys: Path, batch_id: int, point: str) -> None:
    models.connect(database)
    make_world(sandbox.url, sandbox.smtp_port, keys)
    if point:
        name, function, after = POINTS[point]
        module = importlib.import_module(name)
        setattr(module, function, _dying(getattr(module, function), after))
    with models.database.connection_context():
        submission.submit_order(batch_id)
