"""The bank's status callback in the whole application: no session, and no information."""

import pytest

from domain.orders import status_callbacks, submission
from domain.payments.release import release
from models import BankOrder, LoginSession
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site


@pytest.fixture
def path(demo: Demo, sandbox: Sandbox) -> str:
    """The callback path of an order at a bank that is configured to use it."""
    sandbox.control("PUT", "banks/redirect", {"line": {"notifies": True}})
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    return f"/bank/seintje/{status_callbacks.callback_state(BankOrder.get().msg_id)}"


@pytest.mark.parametrize("site_header", [None, "cross-site", "same-site"])
def test_a_callback_needs_no_session_and_no_csrf_token(site: Site, path: str, site_header: str | None):
    headers = {"Origin": "https://bank.example"} | ({"Sec-Fetch-Site": site_header} if site_header else {})
    sessions = LoginSession.select().count()
    answer = site.app.test_client().post(path, json={"transactionStatus": "ACSC"}, headers=headers)
    assert (answer.status_code, answer.data) == (200, b"")
    assert "Set-Cookie" not in answer.headers
    assert LoginSession.select().count() == sessions


def test_an_unknown_state_is_404(site: Site, path: str):
    answer = site.app.test_client().post(path[:-1] + ("0" if path[-1] != "0" else "1"))
    assert (answer.status_code, answer.data) == (404, b"")
    assert "Set-Cookie" not in answer.headers


def test_a_get_has_no_effect(site: Site, path: str):
    BankOrder.update(due_at=None).execute()
    assert site.app.test_client().get(path).status_code in (404, 405)
    assert BankOrder.get().due_at is None
