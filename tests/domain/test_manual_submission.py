"""Payment without a bank link: the account, the downloaded file, and who may report the outcome."""

import threading
from datetime import timedelta

import pytest
import time_machine

from connectors.bank.pain001 import parse_own_pain001
from core.clock import utcnow
from domain.banking import bank_accounts
from domain.common.errors import (
    AccountExists,
    HolderNameMissing,
    IbanInvalid,
    InsufficientRole,
    NotFound,
    NotIdentified,
    NotOpen,
    PinWrong,
    WrongAuthenticationMethod,
)
from domain.operations import integrity
from domain.operations.order_files import order_file
from domain.orders import manual_submission, status_polling, submission
from domain.overview import onboarding
from domain.payments import amendments, queries
from domain.payments.release import release
from domain.payroll import reopening
from models import (
    AuditEvent,
    BankAccount,
    BankCall,
    BankConsent,
    BankOrder,
    Batch,
    BatchLine,
    Membership,
    OrderDownload,
)
from tests.connectors.test_pain002 import report
from tests.support.bank_files import hand_in
from tests.support.factories import DEMO_IBAN, PIN, PSU, Demo, here, make_client, make_demo, make_user
from tests.support.sandbox import Sandbox

IBAN = "NL61KNAB0257398104"


@pytest.fixture(autouse=True)
def no_inconsistencies(demo: Demo):
    yield
    assert list(integrity.find_inconsistencies()) == []


@pytest.fixture
def account(demo: Demo) -> BankAccount:
    return manual_submission.add_account(demo.client, demo.user, "nl61 knab 0257 3981 04", " Demo  BV ")


@pytest.fixture
def approved(demo: Demo, account: BankAccount) -> Batch:
    return approve(demo, demo.batch(), account)


def approve(demo: Demo, batch: Batch, account: BankAccount) -> Batch:
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, account.id)
    release(demo.membership, batch.reference, demo.view(batch).digest, "pin", PSU, PIN, here(demo.membership))
    return work(batch)


def work(batch: Batch) -> Batch:
    """Run all of the worker's jobs, twice."""
    for _ in range(2):
        for batch_id in submission.due_batches():
            submission.submit_order(batch_id)
        submission.submit_order(batch.id)  # enqueued by the button
        for order_id in status_polling.due_orders():
            status_polling.poll_status(order_id)
    return Batch.get_by_id(batch.id)


def take(demo: Demo, batch: Batch) -> bytes:
    return manual_submission.download_order_file(demo.membership, batch.reference)[1]


def order_of(batch: Batch) -> BankOrder:
    return BankOrder.select().where(BankOrder.batch == batch.id).order_by(BankOrder.id.desc()).get()


def lines(batch: Batch) -> set[str]:
    return {row.state for row in BatchLine.select().where(BatchLine.batch == batch.id)}


# --- the account ----------------------------------------------------------------------------------
def test_a_manual_account_can_pay(demo: Demo, account: BankAccount):
    assert (account.iban, account.holder_name) == (IBAN, "Demo BV")
    assert account.id in {one.id for one in bank_accounts.payable_accounts(demo.client)}
    assert AuditEvent.select().where(AuditEvent.kind == "account.added_by_hand").count() == 1


def test_a_manual_account_completes_the_bank_step(world, sandbox: Sandbox):
    demo = make_demo(sandbox)
    BankConsent.update(holder_confirmed_at=None).execute()

    def bank_done() -> bool:
        return next(step.done for step in onboarding.steps(demo.client, demo.user) if step.key == "bank")

    assert not bank_done()
    manual_submission.add_account(demo.client, demo.user, IBAN, "Demo BV")
    assert bank_done()


@pytest.mark.parametrize(
    ("iban", "name", "error"),
    [("NL61KNAB0257398105", "Demo BV", IbanInvalid), ("", "Demo BV", IbanInvalid), (IBAN, "  ", HolderNameMissing),
     (DEMO_IBAN, "Demo BV", AccountExists)],
)  # fmt: skip
def test_invalid_accounts(demo: Demo, iban: str, name: str, error: type[Exception]):
    before = (BankAccount.select().count(), BankConsent.select().count())
    with pytest.raises(error):
        manual_submission.add_account(demo.client, demo.user, iban, name)
    assert (BankAccount.select().count(), BankConsent.select().count()) == before


def test_an_identification_is_required(world, sandbox: Sandbox):
    stranger = make_client(make_user())
    with pytest.raises(NotIdentified):
        manual_submission.add_account(stranger.client, stranger.user, IBAN, "Demo BV")


# --- the file -------------------------------------------------------------------------------------
def test_an_approved_payment_waits_for_the_download(demo: Demo, approved: Batch, sandbox: Sandbox):
    assert approved.state == "approved"
    assert not BankOrder.select().where(BankOrder.batch == approved.id).exists()
    assert sandbox.control("GET", "orders") == []


def test_the_release_requires_a_pin(demo: Demo, account: BankAccount):
    batch = demo.batch()
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, account.id)
    with pytest.raises(WrongAuthenticationMethod):
        release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    with pytest.raises(PinWrong):
        release(demo.membership, batch.reference, demo.view(batch).digest, "pin", PSU, "000001", here(demo.membership))


def test_the_file_equals_what_was_approved(demo: Demo, approved: Batch, sandbox: Sandbox):
    body = take(demo, approved)
    order = parse_own_pain001(body)
    assert (order.msg_id, order.debtor_iban) == (approved.reference, IBAN)
    assert sum(line.amount_cents for line in order.lines) == demo.view(approved).total_cents
    assert body == order_file(approved.reference).body
    assert work(approved).state == "sending"
    assert sandbox.control("GET", "orders") == []


def test_a_second_download_is_the_same_file_and_lists_both_users(demo: Demo, approved: Batch):
    colleague = Membership.create(user=make_user(name="Naomi"), client=demo.client, role="approver")
    first = take(demo, approved)
    assert manual_submission.download_order_file(colleague, approved.reference)[1] == first
    found = manual_submission.submission_view(demo.view(approved))
    assert found is not None and [one.by for one in found.taken] == ["Naomi", "Wouter de Jong"]
    kept = AuditEvent.select().where(AuditEvent.kind == "order.downloaded").order_by(AuditEvent.number)
    assert [event.details["again"] for event in kept] == [False, True]
    assert BankOrder.select().where(BankOrder.batch == approved.id).count() == 1


def test_parallel_downloads_create_one_order(demo: Demo, approved: Batch):
    got, start = [], threading.Barrier(2)

    def press() -> None:
        start.wait()
        got.append(take(demo, approved))

    people = [threading.Thread(target=press) for _ in range(2)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert len(got) == 2 and got[0] == got[1]
    assert BankOrder.select().where(BankOrder.batch == approved.id).count() == 1
    assert OrderDownload.select().count() == 2


def test_only_approvers_may_download_and_report(demo: Demo, approved: Batch):
    preparer = Membership.create(user=make_user(), client=demo.client, role="preparer")
    with pytest.raises(InsufficientRole):
        manual_submission.download_order_file(preparer, approved.reference)
    with pytest.raises(InsufficientRole):
        manual_submission.report_manual_outcome(
            preparer, approved.reference, manual_submission.PAID, PIN, here(preparer)
        )
    with pytest.raises(NotFound):
        manual_submission.download_order_file(make_client(make_user()), approved.reference)
    assert Batch.get_by_id(approved.id).state == "approved"


def test_before_the_download_it_can_be_changed(demo: Demo, approved: Batch):
    first = BatchLine.select().where(BatchLine.batch == approved.id).get()
    amendments.exclude_line(demo.client, demo.user, approved.reference, first.id)
    assert Batch.get_by_id(approved.id).state == "open"
    with pytest.raises(NotOpen):
        take(demo, approved)


def test_after_the_download_it_cannot_be_changed(demo: Demo, approved: Batch):
    take(demo, approved)
    first = BatchLine.select().where(BatchLine.batch == approved.id).get()
    with pytest.raises(NotOpen):
        amendments.exclude_line(demo.client, demo.user, approved.reference, first.id)
    with pytest.raises(NotOpen):
        reopening.reopen_payment(demo.client, demo.user, approved.reference)
    assert BankOrder.select().where(BankOrder.batch == approved.id).count() == 1


def test_a_download_after_the_execution_date_reopens_the_payment(demo: Demo, approved: Batch):
    with time_machine.travel(utcnow() + timedelta(days=6)):
        with pytest.raises(NotOpen):
            take(demo, approved)
        found = Batch.get_by_id(approved.id)
    assert (found.state, found.state_reason) == ("open", "past")
    assert not OrderDownload.select().exists()


def test_the_worker_reopens_it_after_the_execution_date(demo: Demo, approved: Batch):
    with time_machine.travel(utcnow() + timedelta(days=6)):
        found = work(approved)
    assert (found.state, found.state_reason) == ("open", "past")


def test_after_the_download_the_execution_date_does_not_matter(demo: Demo, approved: Batch):
    take(demo, approved)
    with time_machine.travel(utcnow() + timedelta(days=40)):
        assert work(approved).state == "sending"


def test_a_later_bank_link_does_not_submit_a_downloaded_order(demo: Demo, approved: Batch, sandbox: Sandbox):
    """The account is later linked at an idempotent bank, which may already have the file."""
    take(demo, approved)
    linked = {"bank": "redirect", "consent": demo.consent, "resource_id": IBAN}
    BankAccount.update(**linked).where(BankAccount.iban == IBAN).execute()
    assert work(approved).state == "sending"
    assert sandbox.control("GET", "orders") == []
    assert not BankCall.select().exists(), "no bank was called"


# --- outcome --------------------------------------------------------------------------------------
def test_a_user_reports_the_payment_as_paid(demo: Demo, approved: Batch):
    take(demo, approved)
    with pytest.raises(PinWrong):
        wrong = "000001"
        manual_submission.report_manual_outcome(
            demo.membership, approved.reference, manual_submission.PAID, wrong, here(demo.membership)
        )
    assert Batch.get_by_id(approved.id).state == "sending"
    manual_submission.report_manual_outcome(
        demo.membership, approved.reference, manual_submission.PAID, PIN, here(demo.membership)
    )
    found = work(approved)
    assert (found.state, found.state_reason, lines(approved)) == ("executed", "said_paid", {"executed"})
    event = AuditEvent.get(AuditEvent.kind == "order.said_paid")
    assert event.actor == f"user:{demo.user.id}"
    with pytest.raises(NotOpen):
        refused = manual_submission.REFUSED
        manual_submission.report_manual_outcome(
            demo.membership, approved.reference, refused, PIN, here(demo.membership)
        )


def test_after_a_rejection_it_gets_new_ids(demo: Demo, account: BankAccount, approved: Batch):
    first = parse_own_pain001(take(demo, approved))
    manual_submission.report_manual_outcome(
        demo.membership, approved.reference, manual_submission.REFUSED, PIN, here(demo.membership)
    )
    assert (Batch.get_by_id(approved.id).state, order_of(approved).state) == ("rejected", "closed")
    reopening.reopen_payment(demo.client, demo.user, approved.reference)
    approve(demo, approved, account)
    second = parse_own_pain001(take(demo, approved))
    assert second.msg_id == f"{approved.reference}-2"
    assert not {row.end_to_end_id for row in first.lines} & {row.end_to_end_id for row in second.lines}


@pytest.mark.parametrize("verdict", [manual_submission.PAID, manual_submission.REFUSED])
def test_no_outcome_before_the_download(demo: Demo, approved: Batch, verdict: str):
    with pytest.raises(NotOpen):
        manual_submission.report_manual_outcome(
            demo.membership, approved.reference, verdict, PIN, here(demo.membership)
        )


@pytest.mark.parametrize("verdict", [manual_submission.PAID, manual_submission.REFUSED])
def test_no_manual_outcome_for_a_linked_bank(demo: Demo, sandbox: Sandbox, verdict: str):
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    with pytest.raises(NotOpen):
        manual_submission.report_manual_outcome(demo.membership, batch.reference, verdict, PIN, here(demo.membership))
    with pytest.raises(NotOpen):
        manual_submission.download_order_file(demo.membership, batch.reference)


@pytest.mark.parametrize(
    ("code", "state"), [("ACTC", "at_bank"), ("ACSP", "signed"), ("ACSC", "executed"), ("CANC", "cancelled")]
)
def test_a_status_report_changes_the_state(demo: Demo, approved: Batch, code: str, state: str):
    """ACTC does not mean signed: SCA happens at the bank, after the upload."""
    take(demo, approved)
    raw = report(f"<GrpSts>{code}</GrpSts>", message_id=approved.reference)
    assert hand_in(demo.membership, approved.reference, raw) == state
    assert work(approved).state == state
    assert queries.order_due_for_poll(demo.view(approved)) is None
    if state in ("at_bank", "signed"):
        manual_submission.report_manual_outcome(
            demo.membership, approved.reference, manual_submission.PAID, PIN, here(demo.membership)
        )
        assert Batch.get_by_id(approved.id).state == "executed"
