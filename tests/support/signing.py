"""Brings a payment to the point of SCA, and performs the user's steps at the sandbox's bank.

    signing_by(sandbox, "embedded")
    batch = at_the_bank(demo)
    sca.submit_otp(demo.client, demo.user, batch.reference, PSU, reader(sandbox, challenge))
"""

import re

import requests

from domain.orders import status_polling, submission
from domain.payments.release import release
from models import BankOrder, Batch
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox

BANK = "redirect"  # the id of the demo's bank, for every SCA approach


def signing_by(sandbox: Sandbox, way: str) -> None:
    sandbox.control("PUT", f"banks/{BANK}", {"signing": way})


def at_the_bank(demo: Demo, batch: Batch | None = None) -> Batch:
    """Release and submit a payment, which then waits for SCA."""
    batch = batch or demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    return Batch.get_by_id(batch.id)


def followed(batch: Batch, times: int = 2) -> Batch:
    """Poll the status as the worker does; every job may run twice."""
    for _ in range(times):
        live = (BankOrder.batch == batch.id, BankOrder.state != "closed")
        BankOrder.update(due_at=batch.created_at).where(*live).execute()
        for order_id in status_polling.due_orders():
            status_polling.poll_status(order_id)
    return Batch.get_by_id(batch.id)


def reader(sandbox: Sandbox, challenge: str) -> str:
    """Return the code that the bank's card reader shows for this challenge."""
    page = requests.get(f"{sandbox.url}/bank/{BANK}/reader", params={"uitdaging": challenge}, timeout=10).text
    return _code(page, exclude=challenge)


def text_message(sandbox: Sandbox) -> str:
    """Return the code in the last text message."""
    return _code(requests.get(f"{sandbox.url}/bank/{BANK}/reader", timeout=10).text)


def _code(page: str, exclude: str = "") -> str:
    return next(found for found in re.findall(r"(?<![\d-])\d{6}(?![\d-])", page) if found != exclude)


def in_the_app(sandbox: Sandbox, decision: str = "goedkeuren") -> int:
    """Decide on everything that waits in the bank's app. Returns how many that were."""
    page = requests.get(f"{sandbox.url}/bank/{BANK}/app", timeout=10).text
    waiting = re.findall(rf'action="(/bank/{BANK}/app/[0-9a-f-]+)"', page)
    for path in waiting:
        requests.post(f"{sandbox.url}{path}", data={"besluit": decision}, timeout=10)
    return len(waiting)


def second_signs(sandbox: Sandbox, payment_id: str) -> None:
    """Give the second signature that the bank requires."""
    requests.post(f"{sandbox.url}/bank/{BANK}/tweede/{payment_id}", timeout=10)
