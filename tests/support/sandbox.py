"""A running sandbox for tests: the real program in its own process, with its own ports and folder."""

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
START_SECONDS = 20
# How often a test has changed each sandbox (CachedDirectory of tests/support/factories.py).
changes: Counter[str] = Counter()


class Sandbox:
    """A sandbox that answers at `url`, receives mail at `smtp_port` and writes only in `home`."""

    def __init__(self, url: str, smtp_port: int, home: Path):
        self.url = url
        self.smtp_port = smtp_port
        self.home = home
        self._session = requests.Session()

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=10, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return requests.post(self.url + path, timeout=10, **options)

    def control(self, method: str, path: str, json: Any = None) -> Any:
        """Call the control API and return its JSON. An error answer fails the test."""
        answer = self._session.request(method, f"{self.url}/control/{path}", json=json, timeout=10)
        if method != "GET":
            changes[self.url] += 1
        assert answer.ok, f"{method} /control/{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def reset(self) -> None:
        self.control("POST", "reset")

    def fault(self, **states: bool) -> None:
        """Switch faults on or off: `sandbox.fault(nmbrs_9999=True)`."""
        self.control("POST", "faults", states)

    @property
    def credentials(self) -> dict[str, Any]:
        return self.control("GET", "credentials")

    def run_payroll(self, **asked: Any) -> dict[str, Any]:
        """Run a payroll of Demo BV. Returns {"run", "number", "year"}."""
        return self.control("POST", "runs", {"company": "9969"} | asked)

    def wait_for(self, found: Any, seconds: float = 10) -> Any:
        """Return the first non-empty result of `found()`; fail the test if there is none in time."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if result := found():
                return result
            time.sleep(0.02)
        raise AssertionError(f"nothing came of {found} in {seconds} seconds")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.ConnectionError:
        return False


@contextmanager
def sandbox_process(home: Path, web_url: str = "http://localhost:8000") -> Iterator[Sandbox]:
    """Start a sandbox, wait until it answers, and stop it with SIGTERM; its exit code must be 0."""
    port, smtp_port = free_port(), free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--smtp-port", str(smtp_port)]
    command += ["--home", str(home), "--web-url", web_url]
    log = home.parent / f"{home.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    sandbox = Sandbox(f"http://{LOOPBACK}:{port}", smtp_port, home)
    try:
        ends = time.monotonic() + START_SECONDS
        while not answers(sandbox.url):
            assert process.poll() is None, f"the sandbox stopped at once:\n{log.read_text()}"
            assert time.monotonic() < ends, f"the sandbox does not answer:\n{log.read_text()}"
            time.sleep(0.05)
        yield sandbox
    finally:
        process.terminate()
        try:
            exit_code = process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert exit_code == 0, f"the sandbox ended with {exit_code}:\n{log.read_text()}"
