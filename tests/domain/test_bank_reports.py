"""Bank files uploaded by a user.

A file is evidence about a manually submitted order, but only a hint about an order at a linked bank.

A file about anything else changes nothing.
"""

import pytest

from core.money import format_iso
from domain.accounts import passwords
from domain.common.errors import BankFileRefused, NotFound, NotOpen
from domain.operations import operators
from domain.orders import manual_submission, settlement, submission
from domain.payments import amendments
from domain.payments.release import release
from domain.payroll import reopening, supersession
from domain.reconciliation import bank_reports
from models import (
    BankCall,
    BankOrder,
    Batch,
    BatchLine,
    Client,
    Evidence,
    Membership,
    OrderLine,
    Pin,
    transaction,
)
from tests.connectors.test_pain002 import block, line, report
from tests.support.bank_files import hand_in
from tests.support.books import require_right_books
from tests.support.camt_builder import entry, statement
from tests.support.factories import DEMO_IBAN, PIN, PSU, Demo, authorise, here, make_client, make_user
from tests.support.sandbox import Sandbox

IBAN = "NL61KNAB0257398104"


@pytest.fixture(autouse=True)
def no_inconsistencies(demo: Demo, request: pytest.FixtureRequest):
    yield
    require_right_books(request)


@pytest.fixture
def sent(demo: Demo, sandbox: Sandbox) -> Batch:
    """A manually submitted payment whose file was downloaded."""
    account = manual_submission.add_account(demo.client, demo.user, IBAN, "Demo BV")
    batch = demo.batch()
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, account.id)
    release(demo.membership, batch.reference, demo.view(batch).digest, "pin", PSU, PIN, here(demo.membership))
    manual_submission.download_order_file(demo.membership, batch.reference)
    return Batch.get_by_id(batch.id)


@pytest.fixture
def linked(demo: Demo, sandbox: Sandbox) -> Batch:
    """A payment at a linked bank that waits for SCA."""
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    return Batch.get_by_id(batch.id)


def order_of(batch: Batch) -> BankOrder:
    return BankOrder.get(BankOrder.batch == batch.id)


def take(demo: Demo, batch: Batch, raw: bytes) -> str:
    raw = raw.replace(DEMO_IBAN.encode(), batch.bank_account.iban.encode())
    return hand_in(demo.membership, batch.reference, raw)


def lines(batch: Batch) -> list[str]:
    return [row.state for row in BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position)]


def ids(batch: Batch) -> list[str]:
    rows = BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position)
    return [row.end_to_end_id for row in rows]


def lump(batch: Batch, cents: int | None = None, count: int | None = None, msg_id: str = "") -> bytes:
    order = order_of(batch)
    inside = (
        f"<NtryDtls><Btch><MsgId>{msg_id or order.msg_id}</MsgId><NbOfTxs>{count or order.line_count}</NbOfTxs></Btch>"
        "</NtryDtls>"
    )
    return statement(entry(format_iso(order.total_cents if cents is None else cents), inside=inside))


# --- status reports --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "state", "line"),
    [("ACSP", "signed", "sent"), ("ACSC", "executed", "executed"), ("RJCT", "rejected", "rejected"),
     ("CANC", "cancelled", "rejected")],
)  # fmt: skip
def test_a_status_report_changes_the_state(demo: Demo, sent: Batch, status: str, state: str, line: str):
    raw = report(f"<GrpSts>{status}</GrpSts>", message_id=order_of(sent).msg_id)
    raw = raw.replace(b"</GrpSts>", b"</GrpSts><StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf>")
    assert take(demo, sent, raw) == state
    assert set(lines(sent)) == {line}
    kept = BankCall.select().where(BankCall.operation == "file").get()
    assert (kept.outcome, kept.bank_status) == ("pain.002", status)


@pytest.mark.parametrize("status", ["ACSP", "ACSC", "RJCT", "CANC"])
def test_a_report_about_a_linked_order_proves_nothing(demo: Demo, linked: Batch, status: str):
    raw = report(f"<GrpSts>{status}</GrpSts>", message_id=order_of(linked).msg_id)
    asked = BankCall.select().count()
    with pytest.raises(BankFileRefused, match="hint"):
        take(demo, linked, raw)
    assert (Batch.get_by_id(linked.id).state, set(lines(linked))) == ("at_bank", {"sent"})
    assert BankOrder.get().status_checked_at is not None, "the bank was asked"
    assert Evidence.select().where(Evidence.trust == "hint").count() == 1
    assert BankCall.select().count() > asked


def test_a_statement_about_a_linked_order_proves_nothing(demo: Demo, linked: Batch):
    with pytest.raises(BankFileRefused, match="hint"):
        take(demo, linked, lump(linked))
    assert Batch.get_by_id(linked.id).state == "at_bank"


def test_a_report_of_one_rejection_proves_nothing_about_other_lines(demo: Demo, sent: Batch):
    refused = block("", line(ids(sent)[1], "RJCT", "AC01"))
    raw = report("", refused, message_id=order_of(sent).msg_id)
    assert take(demo, sent, raw) not in ("rejected", "partly_executed", "executed")
    assert lines(sent) == ["sent", "rejected", "sent"]
    with pytest.raises(NotOpen):
        reopening.reopen_payment(demo.client, demo.user, sent.reference)
    rest = order_of(sent).total_cents - amounts(sent)[1]
    assert take(demo, sent, lump(sent, cents=rest)) == "partly_executed"
    assert lines(sent) == ["executed", "rejected", "executed"]


@pytest.mark.parametrize("reason", ["", "AM04"])
def test_a_rejection_for_lack_of_funds_stays_pending_for_three_bank_days(demo: Demo, sent: Batch, reason: str):
    inside = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
    raw = report(f"<GrpSts>RJCT</GrpSts>{inside}", message_id=order_of(sent).msg_id)
    assert take(demo, sent, raw) == "pending_rejection"
    with pytest.raises(NotOpen):
        reopening.reopen_payment(demo.client, demo.user, sent.reference)
    assert take(demo, sent, lump(sent)) == "executed"


def test_two_partial_batch_bookings_add_up(demo: Demo, sent: Batch):
    half = order_of(sent).total_cents // 2 + 1
    assert take(demo, sent, lump(sent, cents=half)) == "at_bank"
    assert take(demo, sent, lump(sent, cents=order_of(sent).total_cents - half)) == "executed"


def test_a_reversed_batch_booking_pays_nobody(demo: Demo, sent: Batch):
    take(demo, sent, lump(sent))
    assert take(demo, sent, lump(sent).replace(b"DBIT", b"CRDT")) == "returned"
    assert set(lines(sent)) == {"returned"}


def test_a_higher_amount_is_disputed(demo: Demo, sent: Batch):
    assert take(demo, sent, lump(sent, cents=order_of(sent).total_cents + 1)) == "disputed"
    assert set(lines(sent)) == {"disputed"}
    with pytest.raises(NotOpen):
        reopening.reopen_payment(demo.client, demo.user, sent.reference)


def amounts(batch: Batch) -> list[int]:
    rows = BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position)
    return [row.amount_cents for row in rows]


def test_a_partial_rejection_is_reported_per_line(demo: Demo, sent: Batch):
    first, second, third = ids(sent)
    told = block("PART", line(first, "ACSC") + line(second, "RJCT", "AC04") + line(third, "ACSC"))
    raw = report("<GrpSts>PART</GrpSts>", told, message_id=order_of(sent).msg_id)
    assert take(demo, sent, raw) == "partly_executed"
    assert lines(sent) == ["executed", "rejected", "executed"]


# --- statements ------------------------------------------------------------------------------------
def test_a_batch_booking_with_our_message_id_means_executed(demo: Demo, sent: Batch):
    assert take(demo, sent, lump(sent)) == "executed"
    assert set(lines(sent)) == {"executed"}
    assert order_of(sent).due_at is None


def test_bookings_of_all_lines_mean_executed(demo: Demo, sent: Batch):
    refs = "<NtryDtls><TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs></TxDtls></NtryDtls>"
    rows = [
        entry(format_iso(cents), inside=refs.format(one))
        for one, cents in zip(ids(sent), amounts(sent), strict=True)
    ]
    assert take(demo, sent, statement(*rows[:-1])) == "at_bank"
    assert take(demo, sent, statement(*rows)) == "executed"


def test_a_returned_payment(demo: Demo, sent: Batch):
    take(demo, sent, lump(sent))
    back = (
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{ids(sent)[1]}</EndToEndId></Refs><RtrInf><Rsn><Cd>AC04</Cd></Rsn>"
        "</RtrInf></TxDtls></NtryDtls>"
    )
    assert take(demo, sent, statement(entry("2611.00", "CRDT", inside=back))) == "partly_executed"
    assert lines(sent) == ["executed", "returned", "executed"]
    assert Batch.get_by_id(sent.id).state_reason == "bank:AC04"


def test_what_came_back_whole_and_was_set_up_again_leaves_the_books_right(demo: Demo, sent: Batch):
    """Its order is closed then, although it was executed; the books are checked after each test."""
    take(demo, sent, lump(sent))
    back = f"<NtryDtls><Btch><MsgId>{order_of(sent).msg_id}</MsgId></Btch></NtryDtls>"
    assert take(demo, sent, statement(entry(format_iso(order_of(sent).total_cents), "CRDT", inside=back))) == "returned"
    opened = reopening.reopen_payment(demo.client, demo.user, sent.reference)
    assert opened is not None and opened.id == sent.id
    assert order_of(sent).state == "closed"


def test_details_without_amounts_count_only_if_they_explain_their_entry(demo: Demo, sent: Batch):
    detail = "<TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs></TxDtls>"
    inside = f"<NtryDtls>{''.join(detail.format(one) for one in ids(sent)[:2])}</NtryDtls>"
    both = sum(amounts(sent)[:2])
    with pytest.raises(BankFileRefused, match="nothing_new"):
        take(demo, sent, statement(entry(format_iso(both - 1), inside=inside)))
    take(demo, sent, statement(entry(format_iso(both), inside=inside)))
    assert lines(sent) == ["executed", "executed", "sent"]


def test_a_statement_tells_of_every_order_of_the_payment(demo: Demo, sent: Batch):
    """The first order was rejected and a second one sent; then the bank booked the first."""
    first = order_of(sent)
    refused = b"<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf>"
    take(demo, sent, report("<GrpSts/>", message_id=first.msg_id).replace(b"<GrpSts/>", refused))
    reopening.reopen_payment(demo.client, demo.user, sent.reference)
    release(demo.membership, sent.reference, demo.view(sent).digest, "pin", PSU, PIN, here(demo.membership))
    manual_submission.download_order_file(demo.membership, sent.reference)
    second = BankOrder.select().order_by(BankOrder.id.desc()).get()
    assert second.id != first.id
    batch_id = "<NtryDtls><Btch><MsgId>{}</MsgId></Btch></NtryDtls>"
    total = format_iso(first.total_cents)
    both = statement(*(entry(total, inside=batch_id.format(one.msg_id)) for one in (first, second)))
    assert take(demo, sent, both) == "executed"
    standing = {row.order_id: row.standing for row in OrderLine.select()}
    assert standing == {first.id: "disputed", second.id: "paid"}


# --- files that change nothing ---------------------------------------------------------------------
def test_an_unrelated_file_changes_nothing(demo: Demo, sent: Batch):
    other = "NL64TRIO0379501686"
    order = order_of(sent)
    for raw, reason in (
        (report("<GrpSts>ACSC</GrpSts>", message_id="another"), "other_order"),
        (lump(sent).replace(DEMO_IBAN.encode(), other.encode()), "other_account"),
        (lump(sent, msg_id="another"), "nothing_new"),
        (statement(), "nothing_new"),
        (b"<html>", "unreadable"),
        (b"", "unreadable"),
        (report("", message_id=order.msg_id), "unreadable"),
    ):
        with pytest.raises(BankFileRefused) as told:
            take(demo, sent, raw)
        assert told.value.reason == reason
    assert (Batch.get_by_id(sent.id).state, set(lines(sent))) == ("sending", {"sent"})
    assert BankCall.select().where(BankCall.operation == "file").count() == 0


def test_the_same_file_twice_is_nothing_new(demo: Demo, sent: Batch):
    raw = lump(sent)
    take(demo, sent, raw)
    with pytest.raises(BankFileRefused):
        take(demo, sent, raw)


def test_an_unsent_payment_accepts_no_file(demo: Demo, sandbox: Sandbox):
    batch = demo.batch()
    with pytest.raises(BankFileRefused):
        take(demo, batch, report("<GrpSts>ACSC</GrpSts>"))


def test_another_client_cannot_upload_a_file(demo: Demo, sent: Batch):
    other = make_client(make_user())
    with pytest.raises(NotFound):
        bank_reports.receive_report(other.client, other.user, sent.reference, lump(sent))


def test_money_that_moves_for_a_replaced_payment_is_told_and_can_be_settled(demo: Demo, sent: Batch):
    reason = "<StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf>"
    take(demo, sent, report(f"<GrpSts>RJCT</GrpSts>{reason}", message_id=order_of(sent).msg_id))
    with transaction(demo.client.id):
        supersession.supersede_batches(sent.run, "run_again")
    assert (Batch.get_by_id(sent.id).state, set(lines(sent))) == ("replaced", {"superseded"})
    assert take(demo, sent, lump(sent)) == "disputed"
    assert set(lines(sent)) == {"disputed"}
    for who in ("anna", "bram"):
        operators.resolve_order(sent.reference, "paid", "asked the bank", who)
    assert (Batch.get_by_id(sent.id).state, set(lines(sent))) == ("executed", {"executed"})


def test_money_that_moves_for_a_payment_that_was_opened_again_is_that_of_its_order(demo: Demo, sent: Batch):
    """Also its day, account and ids, which were those of the next order by then."""
    order, reason = order_of(sent), "<StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf>"
    take(demo, sent, report(f"<GrpSts>RJCT</GrpSts>{reason}", message_id=order.msg_id))
    reopening.reopen_payment(demo.client, demo.user, sent.reference)
    amendments.change_date_and_account(demo.client, demo.user, sent.reference, None, demo.account.id)
    told = lump(sent).replace(DEMO_IBAN.encode(), IBAN.encode())
    assert hand_in(demo.membership, sent.reference, told) == "disputed"
    now = Batch.get_by_id(sent.id)
    assert (now.execution_date, now.bank_account_id) == (order.execution_date, order.bank_account_id)
    assert ids(sent) == [row.end_to_end_id for row in OrderLine.select().where(OrderLine.order == order.id)]


@pytest.mark.planted
def test_how_many_people_must_prove_it_does_not_change_with_the_setting(demo: Demo, sandbox: Sandbox):
    colleague = Membership.create(user=make_user(name="Naomi Meijer"), client=demo.client, role="approver")
    authorise(demo.client, colleague.user)
    Pin.create(user=colleague.user, pin_hash=passwords.hash_pin(colleague.user_id, PIN))
    Client.update(dual_approval_from_cents=0).execute()
    account = manual_submission.add_account(demo.client, demo.user, IBAN, "Demo BV")
    batch = demo.batch()
    Batch.update(bank_account=account.id).execute()
    for who in (Membership.get_by_id(demo.membership.id), Membership.get_by_id(colleague.id)):
        release(who, batch.reference, demo.view(batch).digest, "pin", PSU, PIN, here(who))
    manual_submission.download_order_file(demo.membership, batch.reference)
    said = (batch.reference, manual_submission.REFUSED, PIN)
    manual_submission.report_manual_outcome(demo.membership, *said, here(demo.membership))
    Client.update(dual_approval_from_cents=None).execute()
    with transaction(demo.client.id):
        settlement.settle(order_of(batch), "worker")
    assert set(lines(batch)) == {"sent"}, "one of the two who approved it is not enough"
    manual_submission.report_manual_outcome(colleague, *said, here(colleague))
    assert set(lines(batch)) == {"rejected"}
