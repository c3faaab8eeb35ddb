"""The bank's status callback: it makes us poll, only if its URL is the order's own, and does nothing else."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from flask import Flask, request
from werkzeug.serving import make_server

from blueprints.webhooks import blueprint
from domain.common.services import Services, configure
from domain.orders import sca, status_callbacks, status_polling, submission
from domain.payments.release import release
from models import BankOrder, Batch, WebhookDelivery, database
from tests.support.bank import EXPLICIT, Tpp, bank_day, pain001
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank

HEARD: list[str] = []


@pytest.fixture
def hooks(world: Services, sandbox: Sandbox) -> Iterator[str]:
    """Serve the callback endpoint on a socket in this process. The bank supports callbacks; the test makes them."""
    HEARD.clear()
    app = Flask("hooks")
    app.register_blueprint(blueprint)
    app.teardown_request(lambda _: HEARD.append(request.path))

    @app.before_request
    def connect() -> None:
        database.connect(reuse_if_open=True)

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    configure(replace(world, hook_url=url))
    sandbox.control("PUT", "banks/redirect", {"line": {"notifies": True}})
    yield url
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


def _later() -> BankOrder:
    """Return the order with no poll due for a year."""
    far = BankOrder.get().created_at.replace(year=BankOrder.get().created_at.year + 1)
    BankOrder.update(due_at=far).execute()
    return BankOrder.get()


def _address(order: BankOrder) -> str:
    found = status_callbacks.callback_url(order)
    assert found is not None
    return found


def test_a_callback_polls_the_bank(demo: Demo, hooks: str, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"notifies": True})
    batch = at_the_bank(demo)
    page = sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or ""
    sandbox.wait_for(lambda: HEARD)  # that it is ready to be signed
    _later()
    assert status_polling.due_orders() == []
    requests.post(page, data={"besluit": "ondertekenen"}, timeout=10, allow_redirects=False)
    (order_id,) = sandbox.wait_for(lambda: status_polling.due_orders())
    status_polling.poll_status(order_id)
    assert Batch.get().state == "signed"


def test_the_content_of_a_callback_is_not_believed(demo: Demo, hooks: str):
    at_the_bank(demo)
    order = _later()
    lie = {"paymentId": order.bank_payment_id, "transactionStatus": "ACSC"}
    assert requests.post(_address(order), json=lie, timeout=10).status_code == 200
    assert (Batch.get().state, BankOrder.get().bank_status) == ("at_bank", order.bank_status)
    assert status_polling.due_orders() == [order.id]
    status_polling.poll_status(order.id)
    assert Batch.get().state == "at_bank"


@pytest.mark.parametrize("body", [b"", b"{", b"<xml/>", b"\xff" * 1000])
def test_any_content_counts_as_a_callback_and_is_not_stored(demo: Demo, hooks: str, body: bytes):
    at_the_bank(demo)
    order = _later()
    answer = requests.post(_address(order), data=body, headers={"Content-Type": "text/plain"}, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")
    assert WebhookDelivery.select().count() == 0
    assert status_polling.due_orders() == [order.id]


def test_a_long_body_is_not_read(demo: Demo, hooks: str):
    at_the_bank(demo)
    order = _later()
    assert requests.post(_address(order), data=b"x" * 65_537, timeout=10).status_code == 413
    assert status_polling.due_orders() == []


@pytest.mark.parametrize("known", ["return", "nothing"])
def test_an_unknown_state_is_refused(demo: Demo, hooks: str, known: str):
    """Also the state of the redirect, which a browser has seen."""
    at_the_bank(demo)
    order = _later()
    state = sca.return_state(order.msg_id) if known == "return" else "0" * 64
    assert requests.post(f"{hooks}/bank/seintje/{state}", timeout=10).status_code == 404
    assert status_polling.due_orders() == []


def test_a_callback_only_polls(demo: Demo, hooks: str):
    at_the_bank(demo)
    order = _later()
    assert requests.get(_address(order), timeout=10).status_code == 405
    before = BankOrder.get().__data__
    for _ in range(3):
        requests.post(_address(order), timeout=10)
    after = BankOrder.get().__data__
    assert {name for name in after if after[name] != before[name]} == {"due_at"}


def test_a_closed_order_is_not_polled(demo: Demo, hooks: str):
    at_the_bank(demo)
    order = _later()
    BankOrder.update(state="closed", due_at=None).execute()
    assert requests.post(_address(order), timeout=10).status_code == 200
    assert BankOrder.get().due_at is None


def test_a_bank_without_callbacks_gets_no_url(demo: Demo, sandbox: Sandbox):
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    assert status_callbacks.callback_url(BankOrder.get()) is None
    assert status_callbacks.handle_callback(status_callbacks.callback_state(BankOrder.get().msg_id)) is False


@pytest.mark.parametrize(
    ("address", "support"),
    [
        ("http://127.0.0.1:9/a", "true"), ("http://localhost:9/a", "true"), ("https://elsewhere.example/a", "false"),
        ("http://192.0.2.1/a", "false"), ("http://127.0.0.1.elsewhere.example/a", "false"), (None, None),
    ],
)  # fmt: skip
def test_the_sandbox_calls_only_this_machine(sandbox: Sandbox, address: str | None, support: str | None):
    sandbox.control("PUT", "banks/redirect", {"notifies": True})
    headers = EXPLICIT | ({"TPP-Notification-URI": address} if address else {})
    answer = Tpp(sandbox.url).place(pain001(bank_day(sandbox)), headers)
    assert (answer.status_code, answer.headers.get("ASPSP-Notification-Support")) == (201, support)
