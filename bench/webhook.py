"""Webhook intake: calls stored and answered per second, compared with a minimal Flask view."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import models
from bench import fixtures
from bench.measurement import Figure
from domain.payroll import webhook_keys
from tools.dev_stack import LOOPBACK, ROOT, WEB_OPTIONS, Ports, Stack, answers_http

CALLS, CALLERS = 3000, 16
BODY = json.dumps({"event": "Run Einde", "company": 9969, "run": 1234}).encode()


def measure(home: Path) -> list[Figure]:
    """Measure both servers with the same options and load, one after the other; the better of two runs counts."""
    fixtures.configure_services(home)
    path = urlsplit(webhook_keys.webhook_url(fixtures.make_client())).path
    models.database.close()
    environ = {**os.environ, **fixtures.database_named()}
    with Stack(home, environ=environ, without=("worker", "sandbox")) as stack:
        ours = best(f"{LOOPBACK}:{stack.ports.web}", path)
    with bare_server(home) as port:
        bare = best(f"{LOOPBACK}:{port}", "/")
    return [
        Figure(
            "webhook intake", round(ours["per_second"]), "calls/s", round(bare["per_second"]),
            "bare Flask view with one durable insert, same server", note=f"{CALLERS} callers at once, {CALLS} calls",
        ),
        Figure("webhook, slowest of a hundred", round(ours["p99_ms"], 1), "ms", round(bare["p99_ms"], 1), "the same"),
    ]  # fmt: skip


def best(host: str, path: str) -> dict[str, float]:
    """Return the better of two runs, each from its own process."""
    command = [sys.executable, "-m", "bench.webhook", host, path]
    return max(
        (json.loads(subprocess.check_output(command, cwd=ROOT, text=True)) for _ in range(2)),
        key=lambda result: result["per_second"],
    )


@contextmanager
def bare_server(home: Path) -> Iterator[int]:
    """Serve the baseline on a free port."""
    port = Ports.free().web
    command = f"-m gunicorn --bind {LOOPBACK}:{port} {WEB_OPTIONS} bench.baseline:application".split()
    environ = {**os.environ, "BENCH_DATABASE": str(home / "bare.db")}
    server = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        while not answers_http(port):
            if server.poll() is not None:
                raise RuntimeError("the bare server did not start")
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


def load(host: str, path: str) -> dict[str, float]:
    """Send CALLS posts from CALLERS threads over persistent connections. Every answer must be 200."""
    waiting, taken = deque(range(CALLS)), deque[float]()
    callers = [threading.Thread(target=call, args=(host, path, waiting, taken)) for _ in range(CALLERS)]
    start = time.perf_counter()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    seconds = time.perf_counter() - start
    if len(taken) != CALLS:
        raise SystemExit(f"{CALLS - len(taken)} calls were not answered by 200")
    return {"per_second": CALLS / seconds, "p99_ms": sorted(taken)[int(CALLS * 0.99)] * 1000}


def call(host: str, path: str, waiting: deque[int], taken: deque[float]) -> None:
    """Send calls until none are left."""
    connection = HTTPConnection(host, timeout=30)
    while waiting:
        try:
            waiting.popleft()
        except IndexError:
            break
        start = time.perf_counter()
        connection.request("POST", path, BODY, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            taken.append(time.perf_counter() - start)
    connection.close()


if __name__ == "__main__":
    print(json.dumps(load(sys.argv[1], sys.argv[2])))
