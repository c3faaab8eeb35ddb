"""All processes of the application in one home folder: queue, sandbox, web, worker.

`make run`, `make demo`, the benchmarks and the tests start them in the same way:

    with Stack(home) as stack:          # free ports
        requests.get(stack.base_url)

Start it from a thread that outlives it: on Linux the processes end with the thread that started them.
"""

import fcntl
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from core.private_files import keep_private, make_private_folder, private_opener
from tools import embedded_valkey, process_supervisor
from tools.process_supervisor import ManagedProcess, Supervisor

ROOT = Path(__file__).parent.parent
LOOPBACK = "127.0.0.1"
# Preloaded, so that both workers share the imported code. No access log, because webhook URLs contain a key.
WEB_OPTIONS = "--worker-class gthread --workers 2 --threads 4 --preload --graceful-timeout 5 --no-control-socket"
PATIENCE = 60.0  # seconds that a process may take to start


class StackFailed(Exception):
    """The stack did not start; the message says why, for people."""


@dataclass(frozen=True)
class Ports:
    """The loopback ports of the processes."""

    web: int
    sandbox: int
    smtp: int

    @classmethod
    def free(cls) -> "Ports":
        """Return three ports that are free now."""
        held = [socket.create_server((LOOPBACK, 0)) for _ in range(3)]
        ports = cls(*(server.getsockname()[1] for server in held))
        for server in held:
            server.close()
        return ports


PORT_VARIABLES = {"web": "BIZCUIT_PORT", "sandbox": "BIZCUIT_SANDBOX_PORT", "smtp": "BIZCUIT_SMTP_PORT"}


class Stack:
    """All processes of one home folder. `environ` is their environment; settings in it take precedence.

    `without` names processes to leave out. `notice` is called with a line when a process dies.
    """

    def __init__(
        self,
        home: Path | str,
        ports: Ports | None = None,
        environ: Mapping[str, str] | None = None,
        notice: Callable[[str], None] = lambda text: None,
        without: tuple[str, ...] = (),
    ) -> None:
        self.home = Path(home).resolve()
        self.ports = ports or Ports.free()
        self.logs, self.run = self.home / "logs", self.home / "run"
        self._given = dict(os.environ if environ is None else environ)
        self._without = without
        self._supervisor = Supervisor(notice)
        self._children: list[ManagedProcess] = []
        self._lock: IO[str] | None = None

    # --- addresses ---
    @property
    def base_url(self) -> str:
        return self._given.get("BIZCUIT_BASE_URL") or f"http://localhost:{self.ports.web}"

    @property
    def sandbox_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.sandbox}"

    @property
    def database_url(self) -> str:
        return self._given.get("BIZCUIT_DATABASE_URL") or f"sqlite:///{self.home / 'bizcuit.db'}"

    @property
    def redis_url(self) -> str:
        return self._given.get("BIZCUIT_REDIS_URL") or f"unix://{embedded_valkey.socket_path(self.home)}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of every process."""
        return {
            **self._given,
            "BIZCUIT_ENV": self._given.get("BIZCUIT_ENV") or "development",
            "BIZCUIT_HOME": str(self.home),
            "BIZCUIT_PORT": str(self.ports.web),
            "BIZCUIT_SANDBOX_PORT": str(self.ports.sandbox),
            "BIZCUIT_SMTP_PORT": str(self.ports.smtp),
            "BIZCUIT_DATABASE_URL": self.database_url,
            "BIZCUIT_REDIS_URL": self.redis_url,
            "BIZCUIT_BASE_URL": self.base_url,
            "BIZCUIT_HOOK_URL": self._given.get("BIZCUIT_HOOK_URL") or f"http://{LOOPBACK}:{self.ports.web}",
            "BIZCUIT_SANDBOX_URL": self.sandbox_url,
            "PYTHONUNBUFFERED": "1",
        }

    def child(self, name: str) -> ManagedProcess:
        """Return a process by name: queue, sandbox, web or worker."""
        return next(child for child in self._children if child.name == name)

    def restart(self, name: str) -> None:
        """Restart one process and wait until it is ready."""
        self._supervisor.restart(self.child(name))
        self._wait_for(self.child(name))

    # --- start and stop ---
    def start(self) -> None:
        """Start all processes; return when web and sandbox respond.

        Raises:
        - StackFailed
        """
        self._take_home()
        try:
            process_supervisor.end_leftovers(self.run)
            self._refuse_busy_ports()
            self._start_children()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all processes: first the users of the queue, then the queue."""
        self._supervisor.hold()
        users = [child for child in self._children if child.name != "queue"]
        process_supervisor.stop_all(users)
        process_supervisor.stop_all([child for child in self._children if child.name == "queue"])
        self._supervisor.stop()
        self._children = []
        if not self._given.get("BIZCUIT_REDIS_URL"):
            shutil.rmtree(embedded_valkey.socket_path(self.home).parent, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _take_home(self) -> None:
        """Lock the home folder for this launcher. The lock ends with this process, however it ends."""
        for folder in (self.home, self.logs, self.run, self.home / "queue"):
            make_private_folder(folder)
        keep_private(self.home)
        lock = open(self.run / "launcher.lock", "a+", opener=private_opener)  # noqa: SIM115  (held as long as the stack runs)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise StackFailed(
                f"In {self.home} draait al een Bizcuit (proces {holder or 'onbekend'}). "
                "Stop die eerst, of kies een andere map met BIZCUIT_HOME."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _refuse_busy_ports(self) -> None:
        for name, variable in PORT_VARIABLES.items():
            port = getattr(self.ports, name)
            try:
                socket.create_server((LOOPBACK, port)).close()
            except OSError as error:
                raise StackFailed(
                    f"Poort {port} op {LOOPBACK} is niet vrij ({error.strerror}). "
                    f"Kies een andere met {variable}, bijvoorbeeld: {variable}={port + 100} make run"
                ) from None

    def _start_children(self) -> None:
        self._children = [child for child in self._plan() if child.name not in self._without]
        early = [child for child in self._children if child.name in ("queue", "sandbox")]
        with open(self.run / "redis-url", "w", opener=private_opener) as file:  # for commands in another terminal
            file.write(self.redis_url)
        for child in early:
            child.start()
        self._migrate()
        for child in early:
            self._wait_for(child)
        late = [child for child in self._children if child not in early]
        for child in late:
            child.start()
        for child in late:
            self._wait_for(child)
        self._supervisor.watch(self._children)

    def _plan(self) -> list[ManagedProcess]:
        """Return all processes, starting with the queue if it is embedded."""
        python, ports = sys.executable, self.ports
        sandbox = f"-m sandbox --port {ports.sandbox} --smtp-port {ports.smtp}".split()
        sandbox += ["--home", str(self.home / "sandbox"), "--web-url", self.base_url]
        web = f"-m gunicorn --bind {LOOPBACK}:{ports.web} {WEB_OPTIONS}".split()
        plan = [
            self._child("sandbox", "sandbox", [python, *sandbox]),
            self._child("web", "gunicorn", [python, *web, "app:create_app()"]),
            self._child("worker", "worker.py", [python, "worker.py"]),
        ]
        if self._given.get("BIZCUIT_REDIS_URL"):
            return plan
        path = embedded_valkey.socket_path(self.home)
        return [self._child("queue", str(path), embedded_valkey.command(self.home / "queue", path)), *plan]

    def _child(self, name: str, mark: str, command: list[str]) -> ManagedProcess:
        log = self.logs / f"{name}.log"
        process_supervisor.rotate_log(log)
        return ManagedProcess(name, command, mark, ROOT, self.environment, log, self.run / f"{name}.pid")

    def _migrate(self) -> None:
        """Migrate the database in a separate process, which keeps the launcher's memory small."""
        command = [sys.executable, "-m", "tools.migrate"]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise StackFailed(f"De database kon niet worden bijgewerkt:\n{said}")

    def _wait_for(self, child: ManagedProcess) -> None:
        """Wait until the process is ready.

        Raises:
        - StackFailed: it died or took too long.
        """
        ready = self._probe(child.name)
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if not child.alive:
                raise StackFailed(f"{child.name} is niet gestart. Het einde van {child.log}:\n{child.last_words()}")
            if time.monotonic() > deadline:
                raise StackFailed(f"{child.name} antwoordt niet binnen {PATIENCE:g} s; zie {child.log}")
            time.sleep(0.03)

    def _probe(self, name: str) -> Callable[[], bool]:
        if name == "queue":
            return lambda: embedded_valkey.answers(embedded_valkey.socket_path(self.home))
        if name in ("web", "sandbox"):
            port = self.ports.web if name == "web" else self.ports.sandbox
            return lambda: answers_http(port)
        return lambda: True


def answers_http(port: int) -> bool:
    """Return whether /healthz on this loopback port returns 200."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
