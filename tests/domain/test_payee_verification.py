"""Verification of payee before SCA: on a mismatch nothing continues without the user. Against the sandbox."""

import pytest

from connectors.bank.port import StatusReport
from core.ids import uuid
from domain.banking.bank_configs import bank_config_of
from domain.common.errors import BankUnavailable, NotFound, NotOpen
from domain.common.services import services
from domain.operations import integrity
from domain.orders import evidence, payee_verification, sca_state, settlement, status_polling, submission
from domain.orders.conclusion import Trust
from domain.payments.release import release
from domain.payroll import reopening
from models import AcceptedCreditorName, BankCall, BankOrder, Batch, BatchLine, ScaSession, transaction
from tests.support.factories import PIN, PSU, Demo, make_batch, make_demo, make_device
from tests.support.names import ABROAD, CLOSE, OTHER, SAME, follow, send, sign
from tests.support.sandbox import Sandbox


@pytest.fixture(autouse=True)
def checking(demo: Demo, sandbox: Sandbox):
    """Switch on VoP at the bank, and check for inconsistencies afterwards."""
    sandbox.control("PUT", "banks/redirect", {"vop": True})
    yield
    assert list(integrity.find_inconsistencies()) == []


def state(batch: Batch) -> str:
    return Batch.get_by_id(batch.id).state


def check_of(demo: Demo, batch: Batch) -> payee_verification.VerificationStatus:
    found = payee_verification.verification_status(demo.view(batch))
    assert found is not None
    return found


def sent_name(batch: Batch) -> str:
    """Return the name as sent to the bank, for a batch of one line."""
    return BatchLine.get(BatchLine.batch == batch.id).creditor_name_sepa


def line_id(batch: Batch, name: str) -> int:
    return BatchLine.get(BatchLine.batch == batch.id, BatchLine.creditor_name == name).id


def orders(sandbox: Sandbox) -> list[dict]:
    return sandbox.control("GET", "orders")


# --- results --------------------------------------------------------------------------------------
def test_without_mismatches_it_continues_to_sca(demo: Demo):
    batch = send(demo, (SAME,))
    assert batch.state == "at_bank"
    assert BatchLine.get().vop_result is None
    sign(demo, batch)
    assert follow(batch).state == "signed"


def test_each_line_has_its_result(demo: Demo):
    batch = send(demo)
    assert batch.state == "name_check"
    check = check_of(demo, batch)
    assert not check.running
    assert [(one.name, one.match, one.vop_name) for one in check.lines] == [
        ("Silva Jansen", "CMTC", "Silva, Jose"), ("Piet Onbekend", "NMTC", None), ("Anna Schmidt", "NOAP", None),
    ]  # fmt: skip


@pytest.mark.parametrize("line", [CLOSE, OTHER, ABROAD], ids=["close", "other", "abroad"])
def test_a_single_line_with_a_mismatch_waits_for_the_user(demo: Demo, line: tuple[str, str, int]):
    batch = send(demo, (line,))
    assert batch.state == "name_check"
    assert [one.name for one in check_of(demo, batch).lines] == [line[0]]
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, line[0]), PSU)
    view = demo.view(batch)
    assert (view.state, view.lines_payable) == ("open", 0)


def test_an_unfinished_verification_stays_pending(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_vop_slow=True)
    batch = send(demo)
    assert follow(batch, 5).state == "name_check"
    assert check_of(demo, batch).running
    assert BankOrder.get().attempts >= 5
    with pytest.raises(NotOpen):
        payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    with pytest.raises(NotOpen):
        payee_verification.exclude_line_and_cancel(
            demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]), PSU
        )
    assert len(orders(sandbox)) == 1


def test_a_verification_past_the_execution_date_is_rejected(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_vop_slow=True)
    batch = send(demo)
    sandbox.control("POST", "clock", {"advance_days": 10})
    assert follow(batch).state == "rejected"


def test_contradictory_statuses_do_not_end_the_verification(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_vop_slow=True, bank_contradictory_status=True)
    batch = send(demo)
    assert [follow(batch, 1).state for _ in range(4)] == ["name_check"] * 4


def test_a_bank_without_vop_skips_the_verification(demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"vop": False})
    assert send(demo).state == "at_bank"


# --- confirming despite a mismatch ----------------------------------------------------------------
def test_a_confirmation_is_sent_before_sca(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    assert (state(batch), orders(sandbox)[0]["status"]) == ("at_bank", "ACTC")
    assert follow(batch).state == "at_bank"
    sign(demo, batch)
    assert follow(batch).state == "signed"
    sandbox.control("POST", "clock", {"advance_days": 5})
    assert follow(batch).state == "executed"


def test_a_second_confirmation_is_refused(demo: Demo):
    batch = send(demo)
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    with pytest.raises(NotOpen):
        payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    confirmed = BankCall.select().where(BankCall.operation == "confirm_names")
    assert [row.outcome for row in confirmed] == ["asked", "confirmed"]


def test_an_outdated_status_changes_nothing(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    sandbox.fault(bank_slow_status=True, bank_sign_not_ready=True)
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    assert follow(batch).state == "at_bank"
    assert BankOrder.get().bank_status == "RVCM"


def test_a_lost_answer_to_the_confirmation_is_no_refusal(demo: Demo, sandbox: Sandbox):
    """An order that may be confirmed is never replaced; the bank reports its status."""
    batch = send(demo)
    sandbox.fault(bank_cut=True)
    with pytest.raises(BankUnavailable):
        payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    sandbox.fault(bank_cut=False)
    assert state(batch) == "name_check"
    with pytest.raises(NotOpen):
        payee_verification.exclude_line_and_cancel(
            demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU
        )
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    assert state(batch) == "at_bank"


def test_no_exclusion_during_a_confirmation(demo: Demo):
    """While a confirmation is being sent, no line can be excluded."""
    batch = send(demo)
    order = BankOrder.get()
    BankCall.create(order=order.id, operation="confirm_names", x_request_id="r1", outcome="asked")
    for act in (payee_verification.exclude_line_and_cancel, payee_verification.accept_bank_name):
        with pytest.raises(NotOpen):
            more = (PSU,) if act is payee_verification.exclude_line_and_cancel else ()
            act(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]), *more)
    assert state(batch) == "name_check"


def test_without_a_link_no_confirmation_is_sent(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    ScaSession.delete().execute()
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    assert (state(batch), orders(sandbox)[0]["status"]) == ("at_bank", "RVCM")


# --- excluding a line -----------------------------------------------------------------------------
def test_excluding_a_line_closes_the_order_and_needs_approval(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    before = {line.end_to_end_id for line in BatchLine.select()}
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    view = demo.view(batch)
    assert (view.state, view.state_reason, view.lines_payable) == ("open", "changed", 3)
    assert [line.name for line in view.lines if not line.payable] == [OTHER[0]]
    assert not before & {line.end_to_end_id for line in BatchLine.select()}
    assert (BankOrder.get().state, orders(sandbox)[0]["status"]) == ("closed", "CANC")
    again = send(demo, batch=batch)
    assert again.state == "name_check"
    assert [one.name for one in check_of(demo, batch).lines] == [CLOSE[0], ABROAD[0]]
    assert [order["msg_id"] for order in orders(sandbox)] == [f"{batch.reference}-2", batch.reference]
    assert "Onbekend" not in orders(sandbox)[0]["body"]


def test_a_status_of_a_closed_order_changes_nothing(demo: Demo):
    """The status was in transit when the line was excluded; by then the bank may have another order of the payment."""
    batch = send(demo)
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    ended = BankOrder.get()
    send(demo, batch=batch)
    for status in ("CANC", "RCVC"):
        with transaction(demo.client.id):
            said = status_polling.statements_of(ended, StatusReport(status))
            evidence.add_evidence(ended, evidence.STATUS, Trust.BANK, said)
            settlement.settle(ended, "worker")
    assert state(batch) == "name_check"


def test_an_unconfirmed_order_closes_even_if_the_bank_does_not_cancel(demo: Demo, sandbox: Sandbox):
    """It cannot be signed without the confirmation, so the bank never executes it."""
    batch = send(demo)
    sandbox.fault(bank_cancels_nothing=True)
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    assert (state(batch), orders(sandbox)[0]["status"]) == ("open", "RVCM")


def test_an_order_confirmed_at_the_bank_stays_open(demo: Demo, sandbox: Sandbox):
    """The names were confirmed at the bank itself: an order that may be executed is never replaced."""
    batch = send(demo)
    link = sca_state.load_sca_document(BankOrder.get())["links"]["creditorNameConfirmation"]
    services().bank.confirm_names(bank_config_of("redirect"), link, PSU, uuid())
    sandbox.fault(bank_cancels_nothing=True)
    with pytest.raises(NotOpen):
        payee_verification.exclude_line_and_cancel(
            demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU
        )
    assert (state(batch), BankOrder.get().state) == ("name_check", "at_bank")
    assert follow(batch).state == "at_bank"


def test_an_outage_changes_nothing(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    sandbox.fault(bank_down=True)
    with pytest.raises(BankUnavailable):
        payee_verification.exclude_line_and_cancel(
            demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU
        )
    sandbox.fault(bank_down=False)
    assert (state(batch), {line.state for line in BatchLine.select()}) == ("name_check", {"sent"})
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    assert state(batch) == "open"


def test_a_matching_line_cannot_be_excluded_here(demo: Demo):
    batch = send(demo)
    with pytest.raises(NotFound):
        payee_verification.exclude_line_and_cancel(
            demo.client, demo.user, batch.reference, line_id(batch, SAME[0]), PSU
        )
    assert state(batch) == "name_check"


# --- the bank's name ------------------------------------------------------------------------------
def test_an_accepted_name_does_not_change_a_released_order(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    for _ in range(2):
        payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]))
    assert AcceptedCreditorName.select().count() == 1
    assert [one.taken_over for one in check_of(demo, batch).lines] == [True, False, False]
    assert (state(batch), BatchLine.get_by_id(line_id(batch, CLOSE[0])).creditor_name_sepa) == ("name_check", CLOSE[0])
    assert len(orders(sandbox)) == 1


def test_an_accepted_name_is_used_in_the_next_order(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]))
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    line = BatchLine.get_by_id(line_id(batch, CLOSE[0]))
    assert (line.creditor_name, line.creditor_name_sepa, line.vop_result) == (CLOSE[0], "Silva, Jose", None)
    send(demo, batch=batch)
    assert [one.name for one in check_of(demo, batch).lines] == [ABROAD[0]]
    assert "Silva, Jose" in orders(sandbox)[0]["body"]


def test_an_accepted_name_is_used_in_the_next_run(demo: Demo):
    batch = send(demo, (CLOSE,))
    payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]))
    other_name = ("Silva Pereira", CLOSE[1], 100)
    sent = [sent_name(make_batch(demo.company, (one,), number)) for number, one in ((2, CLOSE), (3, other_name))]
    assert sent == ["Silva, Jose", "Silva Pereira"]


def test_an_accepted_name_is_not_used_for_another_client(demo: Demo, sandbox: Sandbox):
    batch = send(demo, (CLOSE,))
    payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]))
    assert sent_name(make_demo(sandbox, pin=False).batch((CLOSE,))) == CLOSE[0]


@pytest.mark.parametrize("name", [SAME[0], OTHER[0], ABROAD[0]])
def test_only_a_close_match_has_a_name_to_accept(demo: Demo, name: str):
    batch = send(demo)
    with pytest.raises(NotFound):
        payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, name))


def test_another_client_cannot_confirm(demo: Demo, sandbox: Sandbox):
    batch, stranger = send(demo), make_demo(sandbox, pin=False)
    with pytest.raises(NotFound):
        payee_verification.confirm_despite_mismatch(stranger.client, stranger.user, batch.reference, PSU)
    assert state(batch) == "name_check"


# --- other SCA approaches -------------------------------------------------------------------------
def test_decoupled_sca_starts_after_the_verification(demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"signing": "decoupled"})
    batch = send(demo)
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    assert (state(batch), BankOrder.get().authorisation_id is not None) == ("at_bank", True)


def test_delegated_signing_needs_a_new_approval_after_an_exclusion(demo: Demo, sandbox: Sandbox):
    """The pin authenticated another order, and does not count for the next."""
    batch = send(demo)
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    release(demo.membership, batch.reference, demo.view(batch).digest, "pin", PSU, PIN, make_device(demo.user))
    submission.submit_order(batch.id)
    assert state(batch) == "signed"


def test_a_rejected_order_is_repeated_with_the_accepted_name(demo: Demo, sandbox: Sandbox):
    batch = send(demo, (CLOSE,))
    payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]))
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    sign(demo, batch, "weigeren")
    assert follow(batch).state == "rejected"
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    assert send(demo, batch=batch).state == "at_bank"
