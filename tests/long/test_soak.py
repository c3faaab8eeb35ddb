"""A busy month in a quarter of an hour: 200 customers, 2,000 runs, hints doubled and lost, Nmbrs that falters, a worker
that is killed ten times, a queue that is emptied. Every run becomes one payment and one mail, and the sandbox's own
books say how many there should be.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import Redis

import app as application
import config
import models
from domain.common.encryption import encrypt
from domain.operations import integrity
from domain.payroll import run_discovery, webhook_keys
from models import (
    Batch,
    BatchLine,
    Client,
    NmbrsConnection,
    OutgoingMail,
    PayrollCompany,
    PayrollRun,
    WebhookDelivery,
)
from tests.support.factories import make_account, make_client, make_consent, make_user
from tools.dev_stack import Stack

pytestmark = pytest.mark.slow

CUSTOMERS, RUNS_EACH, KILLS = 200, 10, 10
LINES = 3
PATIENCE = 1500.0  # seconds for everything to be taken in, on a slow and shared machine


@pytest.fixture
def busy(tmp_path: Path, house_environ) -> Iterator[Stack]:
    with Stack(tmp_path / "home", environ=house_environ(), notice=print) as stack:
        application.configure_services(config.load(stack.environment))
        models.database.connect(reuse_if_open=True)
        yield stack
        models.database.close()


def control(stack: Stack, method: str, path: str, body: Any = None) -> Any:
    answer = requests.request(method, f"{stack.sandbox_url}/control/{path}", json=body, timeout=60)
    assert answer.ok, answer.text
    return answer.json()


def make_customer(stack: Stack, number: int, company: int, debtor: int) -> Client:
    """Somebody with one company, mapped, and the webhook set in Nmbrs."""
    membership = make_client(make_user(f"soak{number}@demobv.example"))
    client = membership.client
    account = make_account(make_consent(client, membership.user, "redirect"), "NL95INGB0004921836")
    known = control(stack, "POST", "nmbrs/users", {"email": f"soak{number}@demobv.example", "debtors": [debtor]})
    connection = NmbrsConnection.create(
        client=client, email=known["email"], environment="demo",
        token_encrypted=encrypt(known["token"], "nmbrs_connection", client.id, known["email"]),
    )  # fmt: skip
    PayrollCompany.create(
        connection=connection, client=client, nmbrs_id=str(company), stable_key=str(company), number=str(company),
        name=f"Bakkerij {company}", bank_account=account, mapped_at=connection.created_at,
    )  # fmt: skip
    form = {"naam": "Bizcuit", "endpoint": webhook_keys.webhook_url(client), "actief": "actief", "event_1": "actief"}
    answer = requests.post(f"{stack.sandbox_url}/nmbrs/debiteur/{debtor}/webhooks/nieuw", data=form, timeout=10)
    assert answer.ok, answer.text
    return client


def announcements(seed: int) -> list[str]:
    """How each of the runs is announced: 10 % twice, 5 % never, in every shape a body may have."""
    total = CUSTOMERS * RUNS_EACH
    told = ["duplicate"] * (total // 10) + ["none"] * (total // 20)
    shapes = ("json", "form", "xml", "empty", "rubbish")
    told += [shapes[n % len(shapes)] for n in range(total - len(told))]
    random.Random(seed).shuffle(told)
    return told


def kill(stack: Stack) -> None:
    """The worker dies as by a power cut, in the middle of its work: it has made payments since it was started."""
    before = Batch.select().count()
    assert wait_until(lambda: stack.child("worker").alive and Batch.select().count() > before, 120, pause=0.2)
    process = stack.child("worker").process
    assert process is not None
    os.killpg(process.pid, signal.SIGKILL)


def run_everything(stack: Stack, companies: list[int]) -> None:
    """All the payrolls, from four sides at once, while the worker is killed again and again, and the queue emptied."""
    wishes = [{"company": str(companies[n % CUSTOMERS]), "lines": LINES, "webhook": told}
              for n, told in enumerate(announcements(2026))]  # fmt: skip
    with ThreadPoolExecutor(4) as pool:
        part = len(wishes) // KILLS
        for start in range(0, len(wishes), part):
            list(pool.map(lambda wish: control(stack, "POST", "runs", wish), wishes[start : start + part]))
            kill(stack)
            if start == part * (KILLS // 2):
                Redis.from_url(stack.redis_url).flushdb()


def mails_sent() -> int:
    return OutgoingMail.select().where(OutgoingMail.sent_at.is_null(False)).count()


def require_one_mail_each(stack: Stack) -> None:
    """A mail that was sent when its worker died may come twice, with the same Message-ID."""
    mails = OutgoingMail.select().where(OutgoingMail.kind == "batch_ready")
    assert wait_until(lambda: mails.where(OutgoingMail.sent_at.is_null()).count() == 0, PATIENCE)
    came, sent = Counter(mail["message_id"] for mail in control(stack, "GET", "inbox")), mails_sent()
    assert len(came) == sent >= CUSTOMERS * RUNS_EACH
    assert sum(came.values()) - len(came) <= KILLS


def wait_until(found: Any, seconds: float, pause: float = 2) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found():
            return True
        time.sleep(pause)
    return False


def kept(stack: Stack) -> set[tuple[str, int, int]]:
    """What the sandbox's own books hold: company, year, number."""
    return {(str(row["company"]), row["year"], row["number"]) for row in control(stack, "GET", "nmbrs/runs")}


def test_every_run_becomes_one_payment(busy: Stack):
    made = control(busy, "POST", "nmbrs/companies", {"count": CUSTOMERS, "prefix": "Bakkerij", "staff": LINES})
    for number, company in enumerate(made["companies"]):
        make_customer(busy, number, company, made["debtors"][number])
    control(busy, "POST", "faults", {"nmbrs_2_percent_9999": True})
    run_everything(busy, made["companies"])
    wanted = kept(busy)
    assert len(wanted) == CUSTOMERS * RUNS_EACH

    hinted = len(wanted) - len(wanted) // 20
    assert wait_until(lambda: Batch.select().count() >= hinted, PATIENCE), f"{Batch.select().count()} of {hinted}"
    run_discovery.mark_all_due()  # what the clock does within the hour
    assert wait_until(lambda: Batch.select().count() >= len(wanted), PATIENCE), missing(wanted)

    found = Counter((row.company_key, row.year, row.run_number) for row in Batch.select())
    assert set(found) == wanted
    assert set(found.values()) == {1}
    assert BatchLine.select().count() == len(wanted) * LINES
    assert PayrollRun.select().where(PayrollRun.state != "imported").count() == 0
    assert WebhookDelivery.select().count() >= len(wanted) * 105 // 100 - len(wanted) // 100
    require_one_mail_each(busy)
    assert list(integrity.find_inconsistencies()) == []


def missing(wanted: set[tuple[str, int, int]]) -> str:
    """What is not there yet, and how those runs stand."""
    lacking = wanted - {(row.company_key, row.year, row.run_number) for row in Batch.select()}
    states = Counter(run.state for run in PayrollRun.select())
    return f"{len(lacking)} lack, such as {sorted(lacking)[:5]}; runs: {dict(states)}"
