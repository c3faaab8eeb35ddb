"""Payments that go through verification of payee: submitted, polled and signed."""

import requests

from domain.orders import payee_verification, sca, status_polling, submission
from domain.payments.release import release
from models import BankOrder, Batch
from tests.support.bank import press
from tests.support.factories import PSU, Demo

SAME, CLOSE = ("Jong, Wouter de", "NL42INGB2268352412", 344808), ("Silva Jansen", "NL27RABO0315273237", 231250)
OTHER, ABROAD = ("Piet Onbekend", "NL52ABNA7650143244", 261100), ("Anna Schmidt", "DE89370400440532013000", 100)
ALL = (SAME, CLOSE, OTHER, ABROAD)


def send(demo: Demo, lines=ALL, batch: Batch | None = None) -> Batch:
    """Release, submit and poll a payment; each job runs twice."""
    batch = batch or demo.batch(lines)
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    for _ in range(2):
        submission.submit_order(batch.id)
    return follow(batch)


def follow(batch: Batch, times: int = 2) -> Batch:
    """Poll the status at the bank `times` times."""
    for _ in range(times):
        mine = (BankOrder.batch == batch.id) & (BankOrder.state != "closed")
        BankOrder.update(due_at=batch.created_at).where(mine).execute()
        for order_id in status_polling.due_orders():
            status_polling.poll_status(order_id)
            payee_verification.start_sca_after_verification(order_id)
    return Batch.get_by_id(batch.id)


def sign(demo: Demo, batch: Batch, choice: str = "ondertekenen") -> requests.Response:
    """Press a button on the bank's page."""
    return press(sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or "", choice)
