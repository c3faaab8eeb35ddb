"""Capabilities in a bank's configuration: maximum number of lines, payment references, delayed SCA, batch booking, VoP.
"""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.http_signatures import development_identity
from domain.common.errors import InsufficientRole, UnsupportedByBank
from domain.common.services import Services, configure
from domain.orders import payee_verification, sca, submission
from domain.payments import payment_preferences
from domain.payments.release import release
from models import AuditEvent, BankOrder, Batch, BatchLine, Client, Release
from tests.support.books import require_right_books
from tests.support.exchanges import Watch
from tests.support.factories import LINES, PSU, Demo, make_client, make_user
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank, followed


@pytest.fixture(autouse=True)
def no_inconsistencies(demo: Demo, request: pytest.FixtureRequest):
    yield
    require_right_books(request)


@pytest.fixture
def watch(world: Services, keys: Path) -> Watch:
    """Record the requests to the bank."""
    seen = Watch()
    configure(replace(world, bank=BerlinGroupBank(development_identity(keys), read_timeout=5, observe=seen)))
    return seen


def _line(sandbox: Sandbox, **says: object) -> None:
    sandbox.control("PUT", "banks/redirect", {"line": says})


def _release(demo: Demo, batch: Batch) -> Release:
    made = release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert isinstance(made, Release)
    return made


def _placed(watch: Watch) -> dict[str, str]:
    (sent,) = [one for one, _ in watch.seen if one.method == "POST" and one.url.endswith("credit-transfers")]
    return dict(sent.headers)


# --- number of lines ---
def test_too_many_lines_are_not_approved(demo: Demo, sandbox: Sandbox):
    _line(sandbox, most_lines=2)
    batch = demo.batch()
    with pytest.raises(UnsupportedByBank) as refused:
        _release(demo, batch)
    assert (refused.value.reason, refused.value.most) == ("too_many_lines", 2)
    assert (Batch.get().state, Release.select().count()) == ("open", 0)


def test_the_maximum_number_of_lines_is_one_order(demo: Demo, sandbox: Sandbox):
    _line(sandbox, most_lines=3)
    assert at_the_bank(demo).state == "at_bank"
    assert len(sandbox.control("GET", "orders")) == 1


def test_a_lowered_maximum_reopens_an_approved_payment(demo: Demo, sandbox: Sandbox):
    """An approved order is never split: it is submitted whole or not at all."""
    batch = demo.batch()
    _release(demo, batch)
    _line(sandbox, most_lines=2)
    submission.submit_order(batch.id)
    batch = Batch.get()
    assert (batch.state, batch.state_reason, BankOrder.select().count()) == ("open", "too_many_lines", 0)
    assert sandbox.control("GET", "orders") == []


@pytest.mark.planted
def test_wage_tax_needs_a_bank_with_structured_references(demo: Demo, sandbox: Sandbox):
    batch = demo.batch()
    Batch.update(kind="wage_tax").execute()
    _line(sandbox, structured=False)
    with pytest.raises(UnsupportedByBank, match="no_tax_reference"):
        _release(demo, batch)


# --- batch booking ---
def test_the_clients_batch_booking_preference_is_sent(demo: Demo, sandbox: Sandbox):
    assert payment_preferences.update_preferences(demo.membership, batch_booking=False, name_check=True).changed
    at_the_bank(demo)
    (order,) = sandbox.control("GET", "orders")
    assert "<BtchBookg>false</BtchBookg>" in order["body"]


def test_the_batch_booking_preference_in_json(demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"format": "json"})
    payment_preferences.update_preferences(demo.membership, batch_booking=False, name_check=True)
    at_the_bank(demo)
    assert json.loads(sandbox.control("GET", "orders")[0]["body"])["batchBookingPreferred"] is False


def test_a_later_preference_does_not_change_a_payment_at_the_bank(demo: Demo, sandbox: Sandbox):
    batch = demo.batch()
    digest = demo.view(batch).digest
    _release(demo, batch)
    submission.submit_order(batch.id)
    payment_preferences.update_preferences(demo.membership, batch_booking=False, name_check=False)
    assert "<BtchBookg>true</BtchBookg>" in sandbox.control("GET", "orders")[0]["body"]
    assert (demo.view(Batch.get()).batch_booking, demo.view(Batch.get()).digest) == (True, digest)


# --- verification of payee ---
@pytest.mark.parametrize(("wanted", "said"), [(True, "true"), (False, "false")])
def test_the_vop_preference_is_sent(demo: Demo, sandbox: Sandbox, watch: Watch, wanted: bool, said: str):
    sandbox.control("PUT", "banks/redirect", {"vop": True})
    payment_preferences.update_preferences(demo.membership, batch_booking=True, name_check=wanted)
    batch = at_the_bank(demo)
    assert _placed(watch)["Client-VOP-Requested"] == said
    assert batch.state == ("name_check" if wanted else "at_bank")


def test_vop_applies_always_to_a_single_line(demo: Demo, sandbox: Sandbox, watch: Watch):
    sandbox.control("PUT", "banks/redirect", {"vop": True})
    payment_preferences.update_preferences(demo.membership, batch_booking=True, name_check=False)
    assert at_the_bank(demo, demo.batch(LINES[:1])).state == "name_check"
    assert _placed(watch)["Client-VOP-Requested"] == "true"


def test_excluded_lines_do_not_make_a_bulk_payment(demo: Demo, sandbox: Sandbox, watch: Watch):
    """Excluded lines do not count."""
    sandbox.control("PUT", "banks/redirect", {"vop": True})
    payment_preferences.update_preferences(demo.membership, batch_booking=True, name_check=False)
    batch = demo.batch()
    BatchLine.update(state="excluded").where(BatchLine.position > 1).execute()
    at_the_bank(demo, batch)
    assert _placed(watch)["Client-VOP-Requested"] == "true"


def test_no_vop_header_for_a_bank_without_vop(demo: Demo, watch: Watch):
    payment_preferences.update_preferences(demo.membership, batch_booking=True, name_check=False)
    at_the_bank(demo)
    assert "Client-VOP-Requested" not in _placed(watch)


# --- permission ---
def test_only_an_owner_changes_preferences_which_is_audited(demo: Demo):
    for role in ("approver", "preparer"):
        other = make_client(make_user(), role)
        with pytest.raises(InsufficientRole):
            payment_preferences.update_preferences(other, batch_booking=False, name_check=False)
    assert payment_preferences.update_preferences(demo.membership, batch_booking=True, name_check=False).changed
    assert not payment_preferences.update_preferences(demo.membership, batch_booking=True, name_check=False).changed
    (event,) = AuditEvent.select().where(AuditEvent.kind == "bank_wishes.changed")
    assert event.details == {"vop_enabled": False}
    client = Client.get_by_id(demo.client.id)
    assert (client.batch_booking, client.vop_enabled) == (True, False)


# --- delayed SCA ---
def test_sca_is_retried_while_the_bank_is_not_ready(demo: Demo, sandbox: Sandbox):
    _line(sandbox, signable_after=90)
    sandbox.fault(bank_sign_not_ready=True)
    batch = at_the_bank(demo)
    assert sca.step_of_payment(demo.view(batch)).how == "soon"
    followed(batch)
    payee_verification.start_sca_after_verification(BankOrder.get().id)
    assert sca.step_of_payment(demo.view(batch)).how == "soon"
    sandbox.fault(bank_sign_not_ready=False)
    payee_verification.start_sca_after_verification(BankOrder.get().id)
    step = sca.step_of_payment(demo.view(batch))
    assert step.how == "page"
    requests.post(step.url or "", data={"besluit": "ondertekenen"}, timeout=10, allow_redirects=False)
    assert followed(batch).state == "signed"


def test_after_the_delay_the_user_starts_sca(demo: Demo, sandbox: Sandbox):
    _line(sandbox, signable_after=90)
    sandbox.fault(bank_sign_not_ready=True)
    batch = at_the_bank(demo)
    BankOrder.update(submitted_at=batch.created_at - timedelta(seconds=90)).execute()
    assert sca.step_of_payment(demo.view(batch)).how == "begin"


def test_sca_is_not_retried_without_a_configured_delay(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_sign_not_ready=True)
    batch = at_the_bank(demo)
    sandbox.fault(bank_sign_not_ready=False)
    payee_verification.start_sca_after_verification(BankOrder.get().id)
    assert sca.step_of_payment(demo.view(batch)).how == "begin"
