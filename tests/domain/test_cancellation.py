"""Cancellation at the bank: a payment is cancelled only when the bank says so. Against the sandbox's bank."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.http_signatures import development_identity
from core.clock import today_amsterdam
from domain.common.errors import (
    BankUnavailable,
    CancellationOutcomeUnknown,
    CancellationRefused,
    InsufficientRole,
    NotOpen,
    PinWrong,
    ScaInProgress,
)
from domain.common.services import configure, services
from domain.orders import cancellation, sca, sca_state
from domain.orders.cancellation import CancellationStatus
from domain.payments import amendments
from domain.payroll import reopening
from models import AuditEvent, BankCall, BankOrder, Batch, BatchLine, Membership
from tests.support.bank import press
from tests.support.books import require_right_books
from tests.support.factories import PIN, PSU, Demo, here, make_user
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank, followed, in_the_app, reader, signing_by
from tests.support.tampering_proxy import closed_port


class Killed(BaseException):
    """Stands for the termination of the process."""


@pytest.fixture(autouse=True)
def no_inconsistencies(demo: Demo, request: pytest.FixtureRequest):
    yield
    require_right_books(request)


def ask(demo: Demo, batch: Batch) -> str:
    cancellation.request_cancellation(demo.membership, batch.reference, PIN, here(demo.membership), PSU)
    return Batch.get_by_id(batch.id).state


def shown(demo: Demo, batch: Batch) -> CancellationStatus | None:
    return cancellation.cancellation_status(demo.view(batch))


def signed(demo: Demo, ahead: int = 5) -> Batch:
    """Return a payment signed on the bank's page, with an execution date in the future."""
    batch = demo.batch()
    day = today_amsterdam() + timedelta(days=ahead)
    while day.weekday() > 4:
        day += timedelta(days=1)
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, day, demo.account.id)
    at_the_bank(demo, batch)
    press(sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or "", "ondertekenen")
    found = followed(batch)
    assert found.state == "signed"
    return found


def statuses(sandbox: Sandbox) -> list[str]:
    return [order["status"] for order in sandbox.control("GET", "orders")]


# --- the bank accepts -----------------------------------------------------------------------------
def test_an_unsigned_order_is_cancelled(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    assert shown(demo, batch) == CancellationStatus(offered=True, running=False, to_sign=False)
    assert ask(demo, batch) == "cancelled"
    assert (statuses(sandbox), BankOrder.get().state) == (["CANC"], "closed")
    event = AuditEvent.get(AuditEvent.kind == "batch.bank_cancelled")
    assert event.actor == f"user:{demo.user.id}"
    assert shown(demo, batch) is None
    assert followed(batch).state == "cancelled"


def test_a_signed_order_with_a_future_date_is_cancelled(demo: Demo, sandbox: Sandbox):
    batch = signed(demo)
    assert ask(demo, batch) == "cancelled"
    sandbox.control("POST", "clock", {"advance_days": 14})
    assert (followed(batch).state, statuses(sandbox)) == ("cancelled", ["CANC"])


def test_a_cancelled_payment_can_be_approved_as_a_new_order(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    before = {line.end_to_end_id for line in BatchLine.select()}
    ask(demo, batch)
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    assert not before & {line.end_to_end_id for line in BatchLine.select()}
    assert at_the_bank(demo, batch).state == "at_bank"
    assert sandbox.control("GET", "orders")[0]["msg_id"] == f"{batch.reference}-2"
    assert statuses(sandbox) == ["RCVD", "CANC"] or statuses(sandbox) == ["ACTC", "CANC"]


# --- the bank requires SCA ------------------------------------------------------------------------
def test_cancellation_with_redirect_sca(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancel_needs_sca=True)
    batch = signed(demo)
    assert ask(demo, batch) == "signed", "it is not cancelled until the bank says so"
    found = shown(demo, batch)
    assert found is not None and found.to_sign
    step = sca.start_sca(demo.client, demo.user, batch.reference, PSU)
    assert (step.how, step.cancels, step.may_give_up) == ("page", True, False)
    assert followed(batch).state == "signed"
    press(step.url or "", "ondertekenen")
    assert (followed(batch).state, statuses(sandbox)) == ("cancelled", ["CANC"])


def test_cancellation_with_embedded_sca(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    sandbox.fault(bank_cancel_needs_sca=True)
    batch = at_the_bank(demo)
    assert ask(demo, batch) == "at_bank"
    assert sca.start_sca(demo.client, demo.user, batch.reference, PSU).how == "method"
    step = sca.choose_method(demo.client, demo.user, batch.reference, PSU, "lezer")
    sca.submit_otp(demo.client, demo.user, batch.reference, PSU, reader(sandbox, step.challenge[0]))
    assert Batch.get_by_id(batch.id).state == "cancelled"


@pytest.mark.planted
def test_cancellation_with_decoupled_sca(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "decoupled")
    batch = at_the_bank(demo)
    in_the_app(sandbox)
    assert followed(batch).state == "signed"
    BankOrder.update(execution_date=today_amsterdam() + timedelta(days=3)).execute()
    sandbox.fault(bank_cancel_needs_sca=True)
    ask(demo, batch)
    assert sca.start_sca(demo.client, demo.user, batch.reference, PSU).how == "app"
    assert in_the_app(sandbox) == 1
    assert followed(batch).state == "cancelled"


def test_a_declined_cancellation_sca_leaves_the_order_unchanged(demo: Demo, sandbox: Sandbox):
    """The authorisation of the cancellation fails, not the one of the order."""
    signing_by(sandbox, "decoupled")
    sandbox.fault(bank_cancel_needs_sca=True)
    batch = at_the_bank(demo)
    ask(demo, batch)
    sca.start_sca(demo.client, demo.user, batch.reference, PSU)
    own = BankOrder.get().authorisation_id
    page = sca.step_of_payment(demo.view(batch))
    assert (page.how, page.cancels) == ("app", True)
    followed(batch)
    assert (Batch.get_by_id(batch.id).state, BankOrder.get().authorisation_id) == ("at_bank", own)


def test_a_cancellation_can_be_withdrawn(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancel_needs_sca=True)
    batch = at_the_bank(demo)
    before = sca.step_of_payment(demo.view(batch))
    ask(demo, batch)
    ask(demo, batch)
    cancellation.withdraw_cancellation(demo.client, demo.user, batch.reference)
    assert sca.step_of_payment(demo.view(batch)) == before
    with pytest.raises(NotOpen):
        cancellation.withdraw_cancellation(demo.client, demo.user, batch.reference)
    press(sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or "", "ondertekenen")
    assert followed(batch).state == "signed"


def test_polling_the_order_keeps_the_cancellation_links(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancel_needs_sca=True)
    batch = at_the_bank(demo)
    ask(demo, batch)
    links = sca_state.load_sca_document(BankOrder.get())["links"]
    followed(batch, 3)
    assert sca_state.load_sca_document(BankOrder.get())["links"] == links
    assert "cancellation-authorisations" in links["startAuthorisation"]


# --- the bank refuses, or does not answer ---------------------------------------------------------
def test_a_refused_cancellation_changes_nothing(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancels_nothing=True)
    batch = at_the_bank(demo)
    with pytest.raises(CancellationRefused) as refused:
        ask(demo, batch)
    assert refused.value.code == "CANCELLATION_INVALID"
    assert Batch.get_by_id(batch.id).state == "at_bank"
    assert shown(demo, batch) == CancellationStatus(offered=True, running=False, to_sign=False)


def test_a_lost_answer_is_found_in_the_status(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancel_lost_answer=True)
    batch = at_the_bank(demo)
    assert ask(demo, batch) == "cancelled"


def test_without_an_answer_the_cancellation_is_pending(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancel_lost_answer=True, bank_slow_status=True)
    batch = at_the_bank(demo)
    with pytest.raises(CancellationOutcomeUnknown):
        ask(demo, batch)
    assert Batch.get_by_id(batch.id).state == "at_bank"
    found = shown(demo, batch)
    assert found is not None and found.running
    sandbox.fault(bank_slow_status=False)
    assert followed(batch).state == "cancelled"


def test_an_unanswered_cancellation_can_be_repeated(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancel_not_taken=True)
    batch = at_the_bank(demo)
    with pytest.raises(CancellationOutcomeUnknown):
        ask(demo, batch)
    sandbox.fault(bank_cancel_not_taken=False)
    assert shown(demo, batch) == CancellationStatus(offered=True, running=True, to_sign=False)
    assert ask(demo, batch) == "cancelled"


def test_a_refusal_after_a_lost_acceptance_means_cancelled(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancel_lost_answer=True, bank_slow_status=True)
    batch = at_the_bank(demo)
    with pytest.raises(CancellationOutcomeUnknown):
        ask(demo, batch)
    sandbox.fault(bank_cancel_lost_answer=False, bank_slow_status=False)
    assert ask(demo, batch) == "cancelled"


def test_an_unreachable_bank(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    nowhere = f"http://127.0.0.1:{closed_port()}/bank/redirect"
    sandbox.control("PUT", "banks/redirect", {"line": {"base_url": nowhere}})
    with pytest.raises(BankUnavailable):
        ask(demo, batch)
    assert shown(demo, batch) == CancellationStatus(offered=True, running=False, to_sign=False)


def test_a_crash_during_the_request(demo: Demo, sandbox: Sandbox, keys: Path):
    """The bank cancelled the order but this was not recorded; the status shows it."""
    batch = at_the_bank(demo)

    def die(request, answer) -> None:
        if request.method == "DELETE" and answer is not None:
            raise Killed

    configure(replace(services(), bank=BerlinGroupBank(development_identity(keys), read_timeout=5, observe=die)))
    with pytest.raises(Killed):
        ask(demo, batch)
    found = shown(demo, batch)
    assert found == CancellationStatus(offered=False, running=True, to_sign=False)
    with pytest.raises(ScaInProgress):
        ask(demo, batch)
    assert followed(batch).state == "cancelled"


def test_parallel_cancellations_send_one_request(demo: Demo, sandbox: Sandbox, keys: Path):
    batch, met = at_the_bank(demo), []

    def other(request, answer) -> None:
        if request.method == "DELETE":
            with pytest.raises(ScaInProgress):
                ask(demo, batch)
            met.append(request.method)

    configure(replace(services(), bank=BerlinGroupBank(development_identity(keys), read_timeout=5, observe=other)))
    assert ask(demo, batch) == "cancelled"
    assert met == ["DELETE"]


# --- permission and time --------------------------------------------------------------------------
def test_a_pin_is_required(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    with pytest.raises(PinWrong):
        cancellation.request_cancellation(demo.membership, batch.reference, "000001", here(demo.membership), PSU)
    assert not BankCall.select().where(BankCall.operation == cancellation.CALL).exists()


def test_only_approvers_may_cancel(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    preparer = Membership.create(user=make_user(), client=demo.client, role="preparer")
    with pytest.raises(InsufficientRole):
        cancellation.request_cancellation(preparer, batch.reference, PIN, here(preparer), PSU)


@pytest.mark.planted
def test_a_signed_order_cannot_be_cancelled_on_its_execution_date(demo: Demo, sandbox: Sandbox):
    batch = signed(demo)
    BankOrder.update(execution_date=today_amsterdam()).execute()
    found = shown(demo, batch)
    assert found is not None and not found.offered
    with pytest.raises(NotOpen):
        ask(demo, batch)


def test_an_executed_payment_cannot_be_cancelled(demo: Demo, sandbox: Sandbox):
    batch = signed(demo)
    sandbox.control("POST", "clock", {"advance_days": 14})
    assert followed(batch).state == "executed"
    assert shown(demo, batch) is None
    with pytest.raises(NotOpen):
        ask(demo, batch)
