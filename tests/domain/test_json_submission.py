"""A bank that accepts JSON only: the same payment, submitted once and executed."""

import json

import pytest
import requests

from domain.operations import integrity
from domain.orders import sca, submission
from models import BankOrder, Batch, BatchLine
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank, followed


@pytest.fixture(autouse=True)
def json_bank(demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"format": "json"})
    yield
    assert list(integrity.find_inconsistencies()) == []


def _sign(demo: Demo, batch: Batch) -> None:
    page = sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or ""
    requests.post(page, data={"besluit": "ondertekenen"}, timeout=10, allow_redirects=False)


def test_it_is_submitted_signed_and_executed(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    (order,) = sandbox.control("GET", "orders")
    body = json.loads(order["body"])
    assert (body["categoryPurposeCode"], body["batchBookingPreferred"]) == ("SALA", True)
    assert [(row["creditorName"], row["instructedAmount"]["amount"]) for row in body["payments"]] == [
        ("Jong, Wouter de", "3448.08"), ("Donkersloot Meijer, Naomi", "2611.00"), ("Schuurman, Lisanne", "2500.08"),
    ]  # fmt: skip
    _sign(demo, batch)
    assert followed(batch).state == "signed"
    sandbox.control("POST", "clock", {"advance_days": 5})
    assert followed(batch).state == "executed"


def test_a_lost_answer_is_recovered_by_the_request_id(demo: Demo, sandbox: Sandbox):
    """JSON has no MsgId: only the X-Request-ID identifies the order."""
    sandbox.fault(bank_lost_answer=True)
    assert at_the_bank(demo).state == "sending"
    sandbox.fault(bank_lost_answer=False)
    BankOrder.update(due_at=BankOrder.created_at, lease_until=None).execute()
    submission.submit_order(Batch.get().id)
    assert Batch.get().state == "at_bank"
    assert len(sandbox.control("GET", "orders")) == 1


def test_the_status_of_each_line_is_read(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    _sign(demo, batch)
    sandbox.fault(bank_partial_execution=True)
    sandbox.control("POST", "clock", {"advance_days": 5})
    assert followed(batch).state == "partly_executed"
    rows = [(row.state, row.bank_reason_code) for row in BatchLine.select().order_by(BatchLine.position)]
    assert rows == [("rejected", "AC06"), ("executed", None), ("executed", None)]


@pytest.mark.parametrize(("then", "now"), [("json", "pain.001.001.09"), ("pain.001.001.09", "json")])
def test_an_order_is_polled_in_its_own_format(demo: Demo, sandbox: Sandbox, then: str, now: str):
    """If the bank's configuration changes to another format, earlier orders keep their URL."""
    sandbox.control("PUT", "banks/redirect", {"format": then})
    batch = at_the_bank(demo)
    sandbox.control("PUT", "banks/redirect", {"format": now})
    _sign(demo, batch)
    assert followed(batch).state == "signed"


def test_stored_orders_are_submitted_in_their_own_format(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cut=True)
    batch = at_the_bank(demo)
    sandbox.fault(bank_cut=False)
    sandbox.control("PUT", "banks/redirect", {"format": "pain.001.001.09"})
    BankOrder.update(due_at=BankOrder.created_at, lease_until=None).execute()
    submission.submit_order(batch.id)
    assert Batch.get().state == "at_bank"
    assert [json.loads(order["body"])["payments"] for order in sandbox.control("GET", "orders")]


