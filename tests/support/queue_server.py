"""A queue server of a test's own, started as by the launcher."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import embedded_valkey, process_supervisor
from tools.process_supervisor import ManagedProcess


@contextmanager
def running_queue(folder: Path) -> Iterator[tuple[ManagedProcess, Path]]:
    """Run a server that keeps its data in this folder; yield its process and its socket."""
    path = embedded_valkey.socket_path(folder)
    (folder / "queue").mkdir()
    child = ManagedProcess(
        "queue", embedded_valkey.command(folder / "queue", path), str(path), folder, dict(os.environ),
        folder / "queue.log", folder / "queue.pid",
    )  # fmt: skip
    child.start()
    wait_until(lambda: embedded_valkey.answers(path))
    yield child, path
    process_supervisor.stop_all([child])
    shutil.rmtree(path.parent)


def wait_until(ready: Callable[[], object], patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while not ready():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.02)
