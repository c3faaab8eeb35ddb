"""Start, watch, restart and stop processes."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.private_files import private_opener

DIE_WITH_PARENT = str(Path(__file__).with_name("die_with_parent.py"))
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between an exit and the restart
STEADY = 30.0  # seconds alive after which the pause is reset
LARGEST_LOG = 5_000_000  # bytes; a larger log is rotated at the start


@dataclass
class ManagedProcess:
    """A command with its log and process file. `mark` is a word in its command line."""

    name: str
    command: list[str]
    mark: str
    cwd: Path
    environment: Mapping[str, str]
    log: Path
    pid_file: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started_at: float = 0.0
    pause: float = FIRST_PAUSE
    due: float | None = None

    def start(self) -> None:
        """Start it in its own process group, so that Ctrl-C in the terminal reaches only the launcher."""
        command = [sys.executable, "-S", "-E", DIE_WITH_PARENT, str(os.getpid()), *self.command]
        with open(self.log, "ab", opener=private_opener) as log:
            self.process = subprocess.Popen(
                command, cwd=self.cwd, env=dict(self.environment), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        with open(self.pid_file, "w", opener=private_opener) as file:
            file.write(f"{self.process.pid} {self.mark}")
        self.started_at, self.due = time.monotonic(), None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.process is not None and self.alive:
            self.process.terminate()

    def end(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic seconds), then kill what is left of its group."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        self.pid_file.unlink(missing_ok=True)

    def last_words(self, lines: int = 12) -> str:
        """Return the end of its log."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


class Supervisor:
    """Watches processes from a thread and restarts those that exit."""

    def __init__(self, notice: Callable[[str], None]) -> None:
        self._notice = notice
        self._children: list[ManagedProcess] = []
        self._holding = False
        self._quit = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def watch(self, children: list[ManagedProcess]) -> None:
        self._children = children
        self._thread.start()

    def hold(self) -> None:
        """Stop restarting. The thread lives on, because its end would end the processes it started."""
        with self._lock:
            self._holding = True

    def stop(self) -> None:
        """Stop the thread, after all processes have stopped."""
        self._quit.set()
        if self._thread.is_alive():
            self._thread.join()

    def restart(self, child: ManagedProcess, grace: float = 10.0) -> None:
        """Restart one process, without counting it as a failure."""
        with self._lock:
            child.ask_to_stop()
            child.end(time.monotonic() + grace)
            child.start()

    def _watch(self) -> None:
        while not self._quit.wait(0.25):
            for child in self._children:
                with self._lock:
                    if not self._holding:
                        self._tend(child, time.monotonic())

    def _tend(self, child: ManagedProcess, now: float) -> None:
        if child.alive:
            return
        if child.due is None:
            if now - child.started_at > STEADY:
                child.pause = FIRST_PAUSE
            child.due = now + child.pause
            code = child.process.returncode if child.process else None
            self._notice(
                f"{child.name} is gestopt ({code}); start opnieuw over {child.pause:g} s, zie {child.log}"
            )
            child.pause = min(child.pause * 2, LONGEST_PAUSE)
        elif now >= child.due:
            child.start()


def stop_all(children: list[ManagedProcess], grace: float = 10.0) -> None:
    """Terminate all, wait up to `grace` seconds in total, then kill the rest."""
    deadline = time.monotonic() + grace
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.end(deadline)


def end_leftovers(folder: Path, grace: float = 10.0) -> None:
    """Stop processes of an earlier launcher that was killed."""
    deadline = time.monotonic() + grace
    for pid_file in folder.glob("*.pid"):
        pid, _, mark = pid_file.read_text().partition(" ")
        while pid.isdigit() and mark and mark in command_line(int(pid)):
            late = time.monotonic() - deadline
            if late > 2:
                break  # not our process; the busy port will be reported
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL if late > 0 else signal.SIGTERM)
            time.sleep(0.1)
        pid_file.unlink(missing_ok=True)


def command_line(pid: int) -> str:
    """Return the command line of a process; empty if it does not exist."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    if not Path("/proc/self").exists():
        found = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return found.stdout
    return ""


def rotate_log(log: Path) -> None:
    """Keep one old log once this one is large."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
