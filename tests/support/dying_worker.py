"""A worker in a process of its own that sends one payment, and is killed on the way when that is asked.

run(database, sandbox, keys, batch.id, "after the answer")   # -> the process, ended by SIGKILL

Nothing of the bank's side is played: the calls go over real sockets, and the end is the system's own kill.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
# Where it dies: (module, function, whether after it). In the order of the way.
POINTS = {
    "before the order is made": ("domain.sending", "prepare", False),
    "before the order is stored": ("domain.sending", "_store", False),
    "after the order is stored": ("domain.sending", "prepare", True),
    "before the claim": ("domain.leases", "claim", False),
    "after the claim": ("domain.leases", "claim", True),
    "after called_at is written": ("domain.sending", "_mark_called", True),
    "after the answer": ("domain.sending", "_placed", False),
    "after the answer is recorded": ("domain.signing", "prepare_signing", False),
    "after all": ("domain.signing", "prepare_signing", True),
}
# From here on the bank may have been called, as far as the database knows.
UNSURE = ("after called_at is written", "after the answer")


def start(database: str, sandbox: Sandbox, keys: Path, batch_id: int, point: str = "") -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.support.dying_worker"]
    return subprocess.Popen(
        [*command, database, sandbox.url, str(sandbox.smtp_port), str(keys), str(batch_id), point], cwd=ROOT
    )


def run(database: str, sandbox: Sandbox, keys: Path, batch_id: int, point: str = "") -> int:
    """The way it ended: 0, or minus the signal."""
    return start(database, sandbox, keys, batch_id, point).wait(60)


def _dying(real: Callable[..., Any], after: bool) -> Callable[..., Any]:
    def dies(*args: Any, **named: Any) -> None:
        if after:
            real(*args, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return dies


def _main(database: str, sandbox_url: str, smtp_port: str, keys: str, batch_id: str, point: str) -> None:
    import importlib

    import models
    from domain import sending
    from tests.support.world import make_world

    models.connect(database)
    make_world(sandbox_url, int(smtp_port), Path(keys))
    if point:
        name, function, after = POINTS[point]
        module = importlib.import_module(name)
        setattr(module, function, _dying(getattr(module, function), after))
    with models.database.connection_context():
        sending.send(int(batch_id))


if __name__ == "__main__":
    _main(*sys.argv[1:])
