"""The files of deploy/ with their paths replaced, so that what they say runs in a test's own folder."""

import contextlib
import http.client
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from connectors.bank import http_signatures
from tests.support.production_settings import BANK
from tests.support.queue_server import wait_until

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
# Where each set of settings expects its files.
ELSEWHERE = ("/etc/bizcuit/secrets/", "/etc/bizcuit/", "/run/secrets/bizcuit/", "/run/secrets/")
ISSUED = {"oidc-client-secret": "kT9-between-us", "kvk-key": "l7xx1f2691f2520d", "smtp-password": "wQ7hd82Lpz"}


# --- settings -------------------------------------------------------------------------------------
def env_file(path: Path) -> dict[str, str]:
    """Return the settings of an environment file, as systemd, compose and a shell read them alike."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(re.fullmatch(r"(\w+)='?([^']*)'?", line).groups() for line in lines)  # type: ignore[union-attr]


def make_secrets(folder: Path) -> None:
    """Draw the secrets as operators do, and add what others would have issued."""
    script = ["sh", str(DEPLOY / "new-secrets.sh"), str(folder)]
    subprocess.run(script, check=True, capture_output=True)
    for name, value in ISSUED.items():
        (folder / name).write_text(value + "\n")
    (folder / "banks.json").write_text(json.dumps([BANK]))
    http_signatures.development_identity(folder)
    pem = (folder / "bank-identity.pem").read_text()
    (folder / "bank.key").write_text(pem)
    (folder / "bank.crt").write_text(pem)
    (folder / "database-url").write_text("postgresql://bizcuit:Qx7vRt2kL9@db.example/bizcuit?sslmode=verify-full\n")
    (folder / "redis-url").write_text("rediss://:Zq8wBn4mX1@queue.example:6379/0\n")


def filled_in(settings: dict[str, str], secrets: Path) -> dict[str, str]:
    """Return these settings with the files in the folder of secrets."""
    found = dict(settings)
    for name, value in settings.items():
        for prefix in ELSEWHERE:
            if value.startswith(prefix):
                found[name] = str(secrets / value.removeprefix(prefix))
                break
    return found


# --- commands -------------------------------------------------------------------------------------
def entries(unit: str) -> list[tuple[str, str]]:
    """Return the settings of a unit in order, with lines that were broken put together."""
    text = re.sub(r"\\\n\s*", "", (UNITS / unit).read_text())
    return [tuple(line.split("=", 1)) for line in text.splitlines() if re.match(r"\w+=", line)]  # type: ignore[misc]


def commands(unit: str, run: Path) -> list[list[str]]:
    """Return what a unit executes, from this checkout and with its socket in `run`."""
    return [local(shlex.split(value), run) for name, value in entries(unit) if name == "ExecStart"]


def local(command: list[str], run: Path | None = None) -> list[str]:
    """Return a command with the Python of this test, and its socket in `run`."""
    first, *others = command
    names = {"/opt/bizcuit/.venv/bin/python": [sys.executable], "python": [sys.executable],
             "flask": [sys.executable, "-m", "flask"]}  # fmt: skip
    return [*names[first], *(part.replace("/run/bizcuit", str(run)) if run else part for part in others)]


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str], at: Path = ROOT) -> Iterator["Running"]:
    """Run a program; at the end ask it to stop, and require that it does so regularly."""
    bare = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=at, env=bare | environment, stdout=log, stderr=subprocess.STDOUT)
        started = Running(process, log)
        try:
            yield started
            process.terminate()
            assert process.wait(20) == 0, started.said()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


class Running(NamedTuple):
    """A program that runs, and what it prints."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def said(self) -> str:
        return os.pread(self.log.fileno(), 10_000_000, 0).decode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return held.getsockname()[1]


# --- requests -------------------------------------------------------------------------------------
class SocketConnection(http.client.HTTPConnection):
    """A connection over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("app.example.nl", timeout=10)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


def ask(connection: http.client.HTTPConnection, path: str) -> tuple[int, str]:
    """Return status and body."""
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def wait_for_answer(started: Running, make: Callable[..., http.client.HTTPConnection], *arguments: object) -> None:
    """Wait until a server takes connections."""

    def answers() -> bool:
        assert started.process.poll() is None, started.said()
        try:
            return ask(make(*arguments), "/healthz") == (200, "ok\n")
        except OSError:
            return False

    wait_until(answers, patience=30)
