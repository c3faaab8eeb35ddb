"""Names that the bank checks before signing: nothing moves without a person when one differs. Against the sandbox."""

import pytest

from connectors.bank.port import StatusReport
from core.ids import uuid
from domain.banking.linking import bank_config_of
from domain.common.errors import BankUnavailable, NotFound, NotOpen
from domain.common.services import services
from domain.operations import integrity
from domain.orders import evidence, payee_verification, sca_state, settlement, status_polling, submission
from domain.orders.conclusion import Trust
from domain.payments import amendments
from domain.payments.release import release
from models import AcceptedName, BankExchange, BankOrder, Batch, BatchLine, ScaSession, transaction
from tests.support.factories import PIN, PSU, Demo, make_batch, make_demo, make_device
from tests.support.names import ABROAD, CLOSE, OTHER, SAME, follow, send, sign
from tests.support.sandbox import Sandbox


@pytest.fixture(autouse=True)
def checking(demo: Demo, sandbox: Sandbox):
    """The bank checks names, and afterwards the books are right."""
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
    """The name for the bank of a batch of one line."""
    return BatchLine.get(BatchLine.batch == batch.id).name_sent


def line_id(batch: Batch, name: str) -> int:
    return BatchLine.get(BatchLine.batch == batch.id, BatchLine.name_shown == name).id


def orders(sandbox: Sandbox) -> list[dict]:
    return sandbox.control("GET", "orders")


# --- what the check finds -------------------------------------------------------------------------
def test_when_all_match_it_goes_straight_on_and_is_signed(demo: Demo):
    batch = send(demo, (SAME,))
    assert batch.state == "at_bank"
    assert BatchLine.get().name_match is None
    sign(demo, batch)
    assert follow(batch).state == "signed"


def test_each_result_stands_at_its_line(demo: Demo):
    batch = send(demo)
    assert batch.state == "name_check"
    check = check_of(demo, batch)
    assert not check.running
    assert [(one.name, one.match, one.name_at_bank) for one in check.lines] == [
        ("Silva Jansen", "CMTC", "Silva, Jose"), ("Piet Onbekend", "NMTC", None), ("Anna Schmidt", "NOAP", None),
    ]  # fmt: skip


@pytest.mark.parametrize("line", [CLOSE, OTHER, ABROAD], ids=["close", "other", "abroad"])
def test_a_batch_of_one_line_waits_for_a_person_too(demo: Demo, line: tuple[str, str, int]):
    batch = send(demo, (line,))
    assert batch.state == "name_check"
    assert [one.name for one in check_of(demo, batch).lines] == [line[0]]
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, line[0]), PSU)
    view = demo.view(batch)
    assert (view.state, view.lines_payable) == ("open", 0)


def test_a_check_that_never_ends_stays_a_check(demo: Demo, sandbox: Sandbox):
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


def test_a_check_that_outlives_the_day_ends_as_the_bank_says(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_vop_slow=True)
    batch = send(demo)
    sandbox.control("POST", "clock", {"advance_days": 10})
    assert follow(batch).state == "rejected"


def test_a_bank_that_is_received_now_and_then_still_checks(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_vop_slow=True, bank_contradictory_status=True)
    batch = send(demo)
    assert [follow(batch, 1).state for _ in range(4)] == ["name_check"] * 4


def test_a_bank_that_does_not_check_is_not_asked(demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"vop": False})
    assert send(demo).state == "at_bank"


# --- going on knowingly ---------------------------------------------------------------------------
def test_going_on_is_told_to_the_bank_and_then_signed(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    assert (state(batch), orders(sandbox)[0]["status"]) == ("at_bank", "ACTC")
    assert follow(batch).state == "at_bank"
    sign(demo, batch)
    assert follow(batch).state == "signed"
    sandbox.control("POST", "clock", {"advance_days": 5})
    assert follow(batch).state == "executed"


def test_going_on_twice_is_going_on_once(demo: Demo):
    batch = send(demo)
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    with pytest.raises(NotOpen):
        payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    confirmed = BankExchange.select().where(BankExchange.call == "confirm_names")
    assert [row.outcome for row in confirmed] == ["asked", "confirmed"]


def test_a_status_that_is_behind_takes_nothing_back(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    sandbox.fault(bank_slow_status=True, bank_sign_not_ready=True)
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    assert follow(batch).state == "at_bank"
    assert BankOrder.get().raw_status == "RVCM"


def test_a_lost_answer_to_the_confirmation_is_never_taken_for_a_no(demo: Demo, sandbox: Sandbox):
    """What may be confirmed is never built anew; the bank says how it stands."""
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


def test_who_is_being_asked_for_is_not_asked_beside(demo: Demo):
    """Somebody's confirmation is on its way: nobody strikes a line meanwhile."""
    batch = send(demo)
    order = BankOrder.get()
    BankExchange.create(order=order.id, call="confirm_names", request_id="r1", outcome="asked")
    for act in (payee_verification.exclude_line_and_cancel, payee_verification.accept_bank_name):
        with pytest.raises(NotOpen):
            more = (PSU,) if act is payee_verification.exclude_line_and_cancel else ()
            act(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]), *more)
    assert state(batch) == "name_check"


def test_a_bank_that_gives_no_link_wants_no_confirmation(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    ScaSession.delete().execute()
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    assert (state(batch), orders(sandbox)[0]["status"]) == ("at_bank", "RVCM")


# --- striking a line ------------------------------------------------------------------------------
def test_striking_a_line_ends_the_order_and_asks_for_a_new_approval(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    before = {line.end_to_end_id for line in BatchLine.select()}
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    view = demo.view(batch)
    assert (view.state, view.state_reason, view.lines_payable) == ("open", "changed", 3)
    assert [line.name for line in view.lines if not line.payable] == [OTHER[0]]
    assert not before & {line.end_to_end_id for line in BatchLine.select()}
    assert (BankOrder.get().state, orders(sandbox)[0]["status"]) == ("ended", "CANC")
    again = send(demo, batch=batch)
    assert again.state == "name_check"
    assert [one.name for one in check_of(demo, batch).lines] == [CLOSE[0], ABROAD[0]]
    assert [order["msg_id"] for order in orders(sandbox)] == [f"{batch.reference}-2", batch.reference]
    assert "Onbekend" not in orders(sandbox)[0]["body"]


def test_what_is_still_said_of_an_ended_order_moves_nothing(demo: Demo):
    """The status was on its way when the line was struck; the payment may be under way as another order."""
    batch = send(demo)
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    ended = BankOrder.get()
    send(demo, batch=batch)
    for status in ("CANC", "RCVC"):
        with transaction(demo.client.id):
            said = status_polling.statements_of(StatusReport(status))
            evidence.add_evidence(ended, evidence.STATUS, Trust.BANK, said)
            settlement.settle(ended, "worker")
    assert state(batch) == "name_check"


def test_an_order_that_the_bank_does_not_cancel_ends_while_it_waits(demo: Demo, sandbox: Sandbox):
    """It cannot be signed before the confirmation, and without that the bank never executes it."""
    batch = send(demo)
    sandbox.fault(bank_cancels_nothing=True)
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    assert (state(batch), orders(sandbox)[0]["status"]) == ("open", "RVCM")


def test_an_order_that_went_on_by_another_way_does_not_end(demo: Demo, sandbox: Sandbox):
    """The names were confirmed in the bank's own screens: what may execute is never built anew."""
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


def test_a_bank_that_is_not_there_leaves_everything_as_it_was(demo: Demo, sandbox: Sandbox):
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


def test_what_matched_cannot_be_struck_here(demo: Demo):
    batch = send(demo)
    with pytest.raises(NotFound):
        payee_verification.exclude_line_and_cancel(
            demo.client, demo.user, batch.reference, line_id(batch, SAME[0]), PSU
        )
    assert state(batch) == "name_check"


# --- the bank's name ------------------------------------------------------------------------------
def test_a_name_that_is_taken_over_is_not_put_into_what_was_released(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    for _ in range(2):
        payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]))
    assert AcceptedName.select().count() == 1
    assert [one.taken_over for one in check_of(demo, batch).lines] == [True, False, False]
    assert (state(batch), BatchLine.get_by_id(line_id(batch, CLOSE[0])).name_sent) == ("name_check", CLOSE[0])
    assert len(orders(sandbox)) == 1


def test_it_counts_for_the_next_order(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]))
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    line = BatchLine.get_by_id(line_id(batch, CLOSE[0]))
    assert (line.name_shown, line.name_sent, line.name_match) == (CLOSE[0], "Silva, Jose", None)
    send(demo, batch=batch)
    assert [one.name for one in check_of(demo, batch).lines] == [ABROAD[0]]
    assert "Silva, Jose" in orders(sandbox)[0]["body"]


def test_it_counts_for_the_next_run_and_for_the_same_name_only(demo: Demo):
    batch = send(demo, (CLOSE,))
    payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]))
    other_name = ("Silva Pereira", CLOSE[1], 100)
    sent = [sent_name(make_batch(demo.company, (one,), number)) for number, one in ((2, CLOSE), (3, other_name))]
    assert sent == ["Silva, Jose", "Silva Pereira"]


def test_it_counts_for_nobody_else(demo: Demo, sandbox: Sandbox):
    batch = send(demo, (CLOSE,))
    payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]))
    assert sent_name(make_demo(sandbox, pin=False).batch((CLOSE,))) == CLOSE[0]


@pytest.mark.parametrize("name", [SAME[0], OTHER[0], ABROAD[0]])
def test_there_is_no_name_to_take_over_but_a_close_one(demo: Demo, name: str):
    batch = send(demo)
    with pytest.raises(NotFound):
        payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, name))


def test_another_client_finds_nothing_here(demo: Demo, sandbox: Sandbox):
    batch, stranger = send(demo), make_demo(sandbox, pin=False)
    with pytest.raises(NotFound):
        payee_verification.confirm_despite_mismatch(stranger.client, stranger.user, batch.reference, PSU)
    assert state(batch) == "name_check"


# --- the other ways to sign -----------------------------------------------------------------------
def test_after_the_check_a_bank_app_is_asked_to_sign(demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"signing": "decoupled"})
    batch = send(demo)
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    assert (state(batch), BankOrder.get().authorisation_id is not None) == ("at_bank", True)


def test_delegated_orders_are_approved_again_after_a_strike(demo: Demo, sandbox: Sandbox):
    """The pin's signature was under another order: it does not count for the next."""
    batch = send(demo)
    payee_verification.exclude_line_and_cancel(demo.client, demo.user, batch.reference, line_id(batch, OTHER[0]), PSU)
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    release(demo.membership, batch.reference, demo.view(batch).digest, "pin", PSU, PIN, make_device(demo.user))
    submission.submit_order(batch.id)
    assert state(batch) == "signed"


def test_a_refused_order_asks_with_the_name_that_was_taken_over(demo: Demo, sandbox: Sandbox):
    batch = send(demo, (CLOSE,))
    payee_verification.accept_bank_name(demo.client, demo.user, batch.reference, line_id(batch, CLOSE[0]))
    payee_verification.confirm_despite_mismatch(demo.client, demo.user, batch.reference, PSU)
    sign(demo, batch, "weigeren")
    assert follow(batch).state == "rejected"
    amendments.reopen(demo.client, demo.user, batch.reference)
    assert send(demo, batch=batch).state == "at_bank"
