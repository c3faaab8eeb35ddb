"""`make run`: one command starts the stack, prints the URLs, keeps it running and stops it."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tools import launch, memory, process_supervisor
from tools.dev_stack import ROOT, Ports, StackFailed, answers_http
from tools.http_browser import HttpBrowser

PATIENCE = 60.0


class Launcher:
    """`python -m tools.launch` as a person runs it, with its output."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self.home, self.ports = home, ports
        self.process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []

    def start(self) -> "Launcher":
        """Start it, where new files are open to everybody; return once it has printed the URLs or ended."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("BIZCUIT_")}
        environ |= {
            "BIZCUIT_HOME": str(self.home),
            "BIZCUIT_PORT": str(self.ports.web),
            "BIZCUIT_SANDBOX_PORT": str(self.ports.sandbox),
            "BIZCUIT_SMTP_PORT": str(self.ports.smtp),
        }
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.launch"], cwd=ROOT, env=environ, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, umask=0,
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()
        wait_until(lambda: "Stoppen: Ctrl-C." in self.said or self.ended)
        return self

    @property
    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def _listen(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        with self.process.stdout as stdout:
            self.lines.extend(iter(stdout.readline, ""))

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def signal(self, sign: int) -> int:
        """Send a signal; return the exit status."""
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(PATIENCE)

    def pids(self) -> dict[str, int]:
        """Return the process ids that the launcher has recorded; none of one that it is writing."""
        texts = {path.stem: path.read_text().split() for path in (self.home / "run").glob("*.pid")}
        return {name: int(words[0]) for name, words in texts.items() if words}

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGTERM)


def wait_until(ready: Callable[[], object], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not ready():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """A stack started for the first time in an empty home folder."""
    launcher = Launcher(tmp_path_factory.mktemp("home"), Ports.free()).start()
    yield launcher
    launcher.close()


def payment_of(launcher: Launcher) -> str:
    found = re.search(r"Betaling\s+(\S+)", launcher.said)
    assert found, launcher.said
    return found.group(1)


def test_it_prints_the_urls(running: Launcher):
    assert f"http://localhost:{running.ports.web}" in running.said
    assert f"http://127.0.0.1:{running.ports.sandbox}/mail/" in running.said
    for name in ("Inloggen", "Wachtwoord", "Pincode", "Betaling"):
        assert re.search(rf"^  {name} +\S+", running.said, flags=re.MULTILINE), running.said


def test_the_printed_login_opens_the_payment(running: Launcher, visitor: HttpBrowser):
    shown = dict(re.findall(r"^  (\w+) +(\S+)", running.said, flags=re.MULTILINE))
    page = visitor.open(shown["Betaling"])
    page = page.form().fill(email=shown["Inloggen"], password=shown["Wachtwoord"]).submit()
    page.expect_text("19.806,08", "Goedkeuring vereist", "Jong, Wouter de")


def test_a_second_launcher_in_the_same_folder_is_refused(running: Launcher):
    second = Launcher(running.home, Ports.free()).start()
    assert second.process is not None
    assert second.process.wait(PATIENCE) == 1
    assert f"In {running.home} draait al een Bizcuit (proces {running.pid})" in second.said
    assert answers_http(running.ports.web)


def test_a_busy_port_is_named_with_its_variable(running: Launcher, tmp_path: Path):
    ports = Ports.free()
    with socket.create_server(("127.0.0.1", ports.sandbox)):
        launcher = Launcher(tmp_path, ports).start()
    assert launcher.process is not None
    assert launcher.process.wait(PATIENCE) == 1
    assert f"Poort {ports.sandbox}" in launcher.said
    assert "BIZCUIT_SANDBOX_PORT" in launcher.said
    assert not list((tmp_path / "run").glob("*.pid"))


@pytest.mark.parametrize("name", ["worker", "queue", "web"])
def test_a_process_that_dies_is_restarted(running: Launcher, name: str):
    before = running.pids()[name]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: running.pids().get(name, before) != before)
    assert f"{name} is gestopt" in running.said
    wait_until(lambda: answers_http(running.ports.web))


def open_to_others(home: Path) -> list[str]:
    return [f"{path} {path.stat().st_mode:o}" for path in (home, *home.rglob("*")) if path.stat().st_mode & 0o077]


def test_all_that_is_written_is_private(running: Launcher):
    """The journal of the database is there while a connection is open, which a page that was just read leaves."""
    wait_until(lambda: answers_http(running.ports.web))  # the test before may have restarted it
    with urlopen(f"http://localhost:{running.ports.web}/inloggen") as page:
        assert page.status == 200
    assert open_to_others(running.home) == []
    names = {path.name for path in running.home.rglob("*") if path.is_file()}
    logs = {"web.log", "worker.log", "queue.log", "sandbox.log"}
    assert {"bizcuit.db", "bizcuit.db-wal", "bizcuit.db-shm", "secrets.json", "bank-identity.pem", *logs} <= names
    assert any(name.endswith(".aof") for name in names) and "sandbox.sqlite3-wal" in names


def test_ctrl_c_stops_everything_without_data_loss(running: Launcher):
    payment = payment_of(running)
    pids = running.pids()
    assert set(pids) == {"queue", "sandbox", "web", "worker"}
    assert running.signal(signal.SIGINT) == 0
    assert [pid for pid in pids.values() if process_supervisor.command_line(pid)] == []
    assert running.pids() == {}
    for path in (running.home, *running.home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    running.start()
    assert open_to_others(running.home) == []
    assert "others could read what is now private: " in running.said
    assert payment_of(running) == payment


@pytest.mark.skipif(sys.platform != "linux", reason="the tie is Linux's own")
def test_a_killed_launcher_leaves_no_processes_and_can_restart(running: Launcher):
    payment = payment_of(running)
    pids = [pid for root in running.pids().values() for pid in memory.tree(root)]
    running.signal(signal.SIGKILL)
    running.start()
    assert payment_of(running) == payment
    wait_until(lambda: not any(process_supervisor.command_line(pid) for pid in pids))


def test_logs_contain_no_secrets(running: Launcher):
    """Neither what the demo's person typed nor URLs with a key are in any log."""
    shown = dict(re.findall(r"^  (\w+) +(\S+)", running.said, flags=re.MULTILINE))
    logs = "".join(path.read_text(errors="replace") for path in (running.home / "logs").glob("*.log"))
    assert logs
    assert shown["Wachtwoord"] not in logs
    assert not re.search(r"/client/[A-Za-z0-9_-]{16,}/webhooks", logs)


def test_an_invalid_port_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BIZCUIT_PORT", "eighty")
    with pytest.raises(StackFailed, match="BIZCUIT_PORT"):
        launch.ports()


def test_the_mail_port_follows_the_sandbox_port(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("BIZCUIT_SMTP_PORT", raising=False)
    monkeypatch.setenv("BIZCUIT_SANDBOX_PORT", "9101")
    assert launch.ports().smtp == 9102
