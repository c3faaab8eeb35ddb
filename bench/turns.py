"""From webhooks to payments by two workers, with all that belongs to it: how many runs a second, and how long a client
with one run waits behind a client with many.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from redis import Redis
from rq import Queue, SimpleWorker

from bench import fixtures
from bench.measurement import Figure
from domain.payroll import webhook_keys
from models import Batch, Client, PayrollCompany, database
from tools.dev_stack import ROOT, Stack

RUNS, WORKERS, EMPTY_JOBS = 150, 2, 500
PATIENCE = 300.0
GOAL_PER_SECOND, GOAL_WAIT = 15.0, 5.0


def measure(home: Path) -> list[Figure]:
    """Announce all runs of one client, then one of another; start the workers; wait until all are payments."""
    environ = {**os.environ, **fixtures.database_named()}
    with Stack(home, environ=environ, without=("worker",)) as stack:
        fixtures.configure_services(home, stack.sandbox_url)
        bureau, baker = customers(stack)
        for client, runs in ((bureau, RUNS), (baker, 1)):
            announce(stack, client, runs)
        with workers(stack):
            wait_for_payments(RUNS + 1)
        made = list(Batch.select().order_by(Batch.created_at))
        empty = empty_jobs(stack.redis_url)
        database.close()
    seconds = (made[-1].created_at - made[0].created_at).total_seconds()
    waited = next(one.created_at for one in made if one.client_id == baker.id) - made[0].created_at
    per_second, wait = round(RUNS / seconds, 1), round(waited.total_seconds(), 1)
    return [
        Figure(
            "runs taken in by two workers", per_second, "runs/s", round(empty), "empty jobs of one plain worker",
            f"≥ {GOAL_PER_SECOND:g} runs/s", per_second >= GOAL_PER_SECOND, note="the sandbox on the same processors",
        ),
        Figure(
            f"wait of one run behind {RUNS} of another client", wait, "s", goal=f"≤ {GOAL_WAIT:g} s",
            good=wait <= GOAL_WAIT,
        ),
    ]  # fmt: skip


def control(stack: Stack, path: str, body: dict) -> dict:
    answer = requests.post(f"{stack.sandbox_url}/control/{path}", json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


def customers(stack: Stack) -> list[Client]:
    """Make two clients, each with a company of its own at the sandbox's Nmbrs."""
    made = control(stack, "nmbrs/companies", {"count": 2, "prefix": "Bakkerij", "staff": 3})
    found = []
    for number, (company, debtor) in enumerate(zip(made["companies"], made["debtors"], strict=True)):
        email = f"bench{number}@demobv.example"
        token = control(stack, "nmbrs/users", {"email": email, "debtors": [debtor]})["token"]
        found.append(fixtures.make_client(email, str(company), token))
    return found


def announce(stack: Stack, client: Client, runs: int) -> None:
    """Finish runs at Nmbrs, and call the client's webhook for each."""
    company = PayrollCompany.get(PayrollCompany.client == client.id).nmbrs_id
    url = f"{stack.base_url}{urlsplit(webhook_keys.webhook_url(client)).path}"
    with requests.Session() as session:
        for _ in range(runs):
            control(stack, "runs", {"company": company, "lines": 3, "webhook": "none"})
            session.post(url, json={"CompanyId": int(company)}, timeout=60).raise_for_status()


@contextmanager
def workers(stack: Stack) -> Iterator[None]:
    started = [
        subprocess.Popen([sys.executable, "worker.py"], cwd=ROOT, env=stack.environment, stderr=subprocess.DEVNULL)
        for _ in range(WORKERS)
    ]
    try:
        yield
    finally:
        for one in started:
            one.terminate()
        for one in started:
            one.wait()


def wait_for_payments(count: int) -> None:
    ends = time.monotonic() + PATIENCE
    while (found := Batch.select().count()) < count:
        if time.monotonic() > ends:
            raise SystemExit(f"{found} of {count} runs were taken in within {PATIENCE:g} s")
        time.sleep(0.2)


def nothing() -> None:
    """An empty job."""


def empty_jobs(url: str) -> float:
    """Return how many empty jobs a worker of RQ does in a second."""
    server = Redis.from_url(url)
    queue = Queue("bench", connection=server)
    for _ in range(EMPTY_JOBS):
        queue.enqueue(nothing, result_ttl=0)
    start = time.perf_counter()
    SimpleWorker([queue], connection=server).work(burst=True, logging_level="ERROR")
    return EMPTY_JOBS / (time.perf_counter() - start)
