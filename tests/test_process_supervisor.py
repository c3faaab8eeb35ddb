"""Processes are kept running, and none is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import process_supervisor
from tools.process_supervisor import ManagedProcess, Supervisor

SLEEPER = "import time; print('up', flush=True); time.sleep(300)"


@pytest.fixture
def make_child(tmp_path: Path):
    """Processes of this test, stopped at its end."""
    made: list[ManagedProcess] = []

    def make(code: str = SLEEPER, name: str = "sleeper") -> ManagedProcess:
        command = [sys.executable, "-c", code]
        child = ManagedProcess(
            name,
            command,
            "-c",
            tmp_path,
            dict(os.environ),
            tmp_path / f"{name}.log",
            tmp_path / f"{name}.pid",
        )
        made.append(child)
        return child

    yield make
    process_supervisor.stop_all(made, grace=1)


def wait_until(ready: Callable[[], object], patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while not ready():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.02)


def test_a_dead_process_is_restarted(make_child):
    notices: list[str] = []
    supervisor = Supervisor(notices.append)
    child = make_child()
    child.start()
    supervisor.watch([child])
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: child.alive and child.process.pid != first)
    supervisor.hold()
    process_supervisor.stop_all([child])
    supervisor.stop()
    assert len(notices) == 1
    assert "sleeper is gestopt (-9)" in notices[0]


def test_the_pause_grows_with_repeated_deaths(make_child):
    notices: list[str] = []
    supervisor = Supervisor(notices.append)
    child = make_child("raise SystemExit(3)")
    now = time.monotonic()
    child.start()
    child.process.wait()
    for _ in range(9):
        supervisor._tend(child, now)
        now = child.due
        supervisor._tend(child, now)
        child.process.wait()
        child.started_at = now
    pauses = [notice.split(" over ")[1].split(" s")[0] for notice in notices]
    assert pauses == ["0.5", "1", "2", "4", "8", "16", "30", "30", "30"]


def test_an_ignored_stop_ends_in_a_kill(make_child):
    child = make_child(
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"
    )
    child.start()
    wait_until(lambda: "up" in child.last_words())
    pid = child.process.pid
    process_supervisor.stop_all([child], grace=0.3)
    assert not process_supervisor.command_line(pid)
    assert not child.pid_file.exists()


def test_subprocesses_end_with_their_process(make_child):
    child = make_child(
        "import subprocess, time\nprint(subprocess.Popen(['sleep', '300']).pid, flush=True)\ntime.sleep(300)"
    )
    child.start()
    wait_until(lambda: child.last_words().strip())
    grandchild = int(child.last_words())
    process_supervisor.stop_all([child], grace=1)
    wait_until(lambda: not process_supervisor.command_line(grandchild))


def test_leftovers_of_a_killed_launcher_are_stopped(make_child):
    child = make_child()
    child.start()
    wait_until(lambda: "up" in child.last_words())
    process_supervisor.end_leftovers(child.pid_file.parent)
    wait_until(lambda: not child.alive)
    assert not child.pid_file.exists()


def test_a_process_with_a_reused_pid_is_not_stopped(make_child):
    child = make_child()
    child.start()
    wait_until(lambda: "up" in child.last_words())
    child.pid_file.write_text(f"{child.process.pid} another-program")
    process_supervisor.end_leftovers(child.pid_file.parent)
    assert child.alive


@pytest.mark.skipif(sys.platform != "linux", reason="the tie is Linux's own")
def test_processes_end_with_a_killed_launcher(tmp_path: Path):
    code = f"""
import os, sys, time
from pathlib import Path
from tools.process_supervisor import ManagedProcess
there = Path({str(tmp_path)!r})
command = [sys.executable, "-c", {SLEEPER!r}]
child = ManagedProcess("sleeper", command, "-c", there, dict(os.environ), there / "l", there / "p")
child.start()
print(child.process.pid, flush=True)
time.sleep(300)
"""
    launcher = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    pid = int(launcher.stdout.readline())
    wait_until(lambda: "up" in (tmp_path / "l").read_text())
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    wait_until(lambda: not process_supervisor.command_line(pid))
