"""Matching bookings with orders: batch booking, reference only, total and date, line by line, returned."""

from datetime import date

import pytest

from core.bank_days import next_bank_day
from core.money import format_iso
from domain.common.errors import BankFileRefused, BankUnavailable
from domain.operations import integrity
from domain.orders import submission
from domain.payments.release import release
from domain.reconciliation import matching, transactions
from models import AuditEvent, BankAccount, BankOrder, BankTransaction, Batch, BatchLine, ConsentUsage, transaction
from tests.support import bank_files
from tests.support.bank import bank_day
from tests.support.bookings import allow, executed, look, of_orders
from tests.support.camt_builder import entry, statement
from tests.support.factories import DEMO_IBAN, LINES, PSU, Demo
from tests.support.names import follow, sign
from tests.support.sandbox import Sandbox

TOTAL = sum(cents for _, _, cents in LINES)


@pytest.fixture
def account(demo: Demo, sandbox: Sandbox) -> BankAccount:
    return allow(demo, sandbox)


@pytest.fixture(autouse=True)
def no_inconsistencies(demo: Demo):
    yield
    assert list(integrity.find_inconsistencies()) == []


def signed(demo: Demo, number: int = 1, on: date | None = None) -> Batch:
    batch = demo.batch(number=number)
    Batch.update(execution_date=on).where(Batch.id == batch.id).execute()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    sign(demo, batch)
    return follow(batch)


def written(account: BankAccount, **facts) -> BankTransaction:
    """Store a booking as another bank could report it; by default on the order's execution date."""
    order = BankOrder.select().order_by(BankOrder.id).first()
    told = {
        "account": account.id, "dedupe_key": f"k{BankTransaction.select().count()}", "amount_cents": -TOTAL,
        "counterparty_name": "",
        "counterparty_iban": "", "remittance_information": "", "end_to_end_id": "",
        "booking_date": order.execution_date,
    }  # fmt: skip
    return BankTransaction.create(**told | facts)


def recognise(account: BankAccount) -> None:
    with transaction(account.client_id):
        matching.match_transactions(account)


def state(batch: Batch) -> str:
    return Batch.get_by_id(batch.id).state


def test_a_batch_booking_by_reference_count_and_total(demo: Demo, sandbox: Sandbox, account: BankAccount):
    batch = signed(demo)
    executed(sandbox, batch)
    assert look(account)
    assert of_orders() == [(-TOTAL, "batch")]
    order, row = BankOrder.get(), BankTransaction.get(BankTransaction.match_type == "batch")
    mark = matching.booking_of_order(order.id)
    assert mark == matching.BookingReference(row.booking_date, account.id, row.id)
    found = transactions.statement(demo.client, account.id)
    linked = [one for _, rows in found.days for one in rows if one.reference]
    assert [(one.reference, one.match_type, one.batch_count) for one in linked] == [(batch.reference, "batch", 3)]


def test_a_batch_booking_read_twice_is_stored_once(demo: Demo, sandbox: Sandbox, account: BankAccount):
    batch = signed(demo)
    executed(sandbox, batch)
    look(account)
    before = BankTransaction.select().count()
    look(account)
    assert (BankTransaction.select().count(), of_orders()) == (before, [(-TOTAL, "batch")])


def test_a_booking_proves_execution_before_the_status_does(demo: Demo, sandbox: Sandbox, account: BankAccount):
    batch = signed(demo)
    executed(sandbox)  # the order is not polled
    look(account)
    order = BankOrder.get()
    assert (state(batch), order.state) == ("executed", "executed")
    assert order.due_at is not None  # it may still be returned
    assert {row.state for row in BatchLine.select()} == {"executed"}


def test_a_batch_booking_by_reference_alone(demo: Demo, account: BankAccount):
    batch = signed(demo)
    order = BankOrder.get()
    written(account, remittance_information=f"Salarissen {order.msg_id} verwerkt")
    recognise(account)
    assert (of_orders(), state(batch)) == ([(-TOTAL, "batch")], "executed")


@pytest.mark.parametrize(
    "facts",
    [
        {"remittance_information": "/PREF/{}-2/NRTX/3"},
        {"remittance_information": "/PREF/20260101000000-99999/NRTX/3"},
    ],
    ids=["a later order", "another reference"],
)
def test_a_different_booking_is_not_matched(demo: Demo, account: BankAccount, facts: dict):
    batch = signed(demo)
    written(
        account, **facts | {"remittance_information": facts["remittance_information"].format(BankOrder.get().msg_id)}
    )
    recognise(account)
    assert (of_orders(), state(batch)) == ([], "signed")


@pytest.mark.parametrize(
    ("cents", "then"), [(-TOTAL - 1, "disputed"), (-TOTAL + 1, "signed"), (TOTAL, "returned")],
    ids=["more", "less", "money in"],
)
def test_our_reference_with_another_sum(demo: Demo, account: BankAccount, cents: int, then: str):
    batch = signed(demo)
    written(account, remittance_information=f"/PREF/{BankOrder.get().msg_id}/NRTX/3", amount_cents=cents)
    recognise(account)
    assert (of_orders(), state(batch)) == ([(cents, "batch")], then)


def test_a_batch_booking_by_total_and_date(demo: Demo, sandbox: Sandbox, account: BankAccount):
    sandbox.fault(bank_bare_lump=True)
    today = date.fromisoformat(bank_day(sandbox))
    batch = signed(demo, on=next_bank_day(today))
    executed(sandbox, batch, days=(next_bank_day(today) - today).days)
    look(account)
    row = BankTransaction.get(BankTransaction.match_type == "batch")
    assert (row.amount_cents, row.remittance_information, row.is_batch) == (-TOTAL, "", False)


def test_total_and_date_do_not_prove_execution(demo: Demo, account: BankAccount):
    batch = signed(demo)
    written(account)
    recognise(account)
    assert (of_orders(), state(batch)) == ([(-TOTAL, "batch")], "signed")  # execution is reported by the bank's status


def test_another_date_is_not_matched(demo: Demo, account: BankAccount):
    signed(demo)
    order = BankOrder.get()
    written(account, booking_date=order.execution_date.replace(year=order.execution_date.year - 1))
    recognise(account)
    assert of_orders() == []


def test_an_ambiguous_batch_booking_is_not_matched(demo: Demo, account: BankAccount):
    first, second = signed(demo), signed(demo, 2)
    written(account)
    recognise(account)
    written(account)
    recognise(account)
    assert of_orders() == []
    assert {state(first), state(second)} == {"signed"}


def test_equal_orders_are_matched_by_reference(
    demo: Demo, sandbox: Sandbox, account: BankAccount
):
    batches = signed(demo), signed(demo, 2)
    executed(sandbox, *batches)
    look(account)
    rows = list(BankTransaction.select().where(BankTransaction.match_type == "batch"))
    assert {row.order.msg_id for row in rows if row.order} == {order.msg_id for order in BankOrder.select()}
    assert all(row.order and row.order.msg_id in row.remittance_information for row in rows)


def test_bookings_per_line(demo: Demo, sandbox: Sandbox, account: BankAccount):
    sandbox.fault(bank_books_lines=True)
    batch = signed(demo)
    executed(sandbox)
    look(account)
    assert sorted(of_orders()) == sorted((-cents, "line") for _, _, cents in LINES)
    assert state(batch) == "executed"
    assert matching.booking_of_order(BankOrder.get().id) is not None


def test_bookings_of_some_lines_do_not_prove_execution(demo: Demo, account: BankAccount):
    batch = signed(demo)
    line = BatchLine.select().order_by(BatchLine.position).first()
    written(account, end_to_end_id=line.end_to_end_id, amount_cents=-line.amount_cents)
    recognise(account)
    assert (of_orders(), state(batch)) == ([(-line.amount_cents, "line")], "signed")
    assert matching.booking_of_order(BankOrder.get().id) is None


def test_a_returned_line_is_marked_once(demo: Demo, sandbox: Sandbox, account: BankAccount):
    batch = signed(demo)
    executed(sandbox, batch)
    sandbox.fault(bank_returns_line=True)
    executed(sandbox, days=1)
    look(account)
    assert of_orders()[-1] == (LINES[0][2], "return")
    assert state(batch) == "partly_executed"
    executed(sandbox, batch, days=0)  # then the bank's status says the same
    look(account)
    rows = [(row.state, row.bank_reason_code) for row in BatchLine.select().order_by(BatchLine.position)]
    assert rows == [("returned", "MS03"), ("executed", None), ("executed", None)]


# --- reading transactions ------------------------------------------------------------------------
def test_transactions_are_read_at_most_four_times_a_day_unattended(demo: Demo, account: BankAccount):
    assert [look(account, None) for _ in range(5)] == [True, True, True, True, False]
    assert ConsentUsage.get(ConsentUsage.resource == f"transactions:{account.id}").read_count == 4
    assert look(account)  # with the customer present


def test_transactions_are_read_at_most_once_a_minute(account: BankAccount):
    assert [transactions.refresh_transactions(account.id, PSU) for _ in range(2)] == [True, False]
    assert transactions.due_accounts() == [row.id for row in BankAccount.select() if row.id != account.id]


def test_an_execution_makes_transactions_due(demo: Demo, sandbox: Sandbox, account: BankAccount):
    """An executed order must not wait a minute, or six hours, for its booking."""
    batch = signed(demo)
    look(account)
    assert of_orders() == []
    executed(sandbox, batch)
    assert account.id in transactions.due_accounts()
    assert transactions.refresh_transactions(account.id, PSU)
    assert [role for _, role in of_orders()] == ["batch"]


def test_transactions_need_a_verified_holder(demo: Demo, account: BankAccount):
    BankAccount.update(holder_check=None).execute()
    assert (look(account), transactions.due_accounts()) == (False, [])
    found = transactions.statement(demo.client, account.id)
    assert (found.why_not, found.days) == ("waiting", [])


def test_an_outage_keeps_the_stored_transactions(demo: Demo, sandbox: Sandbox, account: BankAccount):
    look(account)
    before = BankAccount.get_by_id(account.id).transactions_as_of
    sandbox.fault(bank_down=True)
    with pytest.raises(BankUnavailable):
        look(account)
    assert BankAccount.get_by_id(account.id).transactions_as_of == before
    assert len(transactions.statement(demo.client, account.id).days) > 0


# --- together with a bank file ---------------------------------------------------------------------
def lump_file(order: BankOrder) -> bytes:
    inside = f"<NtryDtls><Btch><MsgId>{order.msg_id}</MsgId><NbOfTxs>3</NbOfTxs></Btch></NtryDtls>"
    return statement(entry(format_iso(order.total_cents), inside=inside), account=f"<IBAN>{DEMO_IBAN}</IBAN>")


def moves() -> int:
    return AuditEvent.select().where(AuditEvent.kind == "batch.bank_executed").count()


def test_a_statement_after_the_booking_changes_nothing(demo: Demo, account: BankAccount):
    batch = signed(demo)
    order = BankOrder.get()
    written(account, remittance_information=f"/PREF/{order.msg_id}/NRTX/3")
    recognise(account)
    with pytest.raises(BankFileRefused, match="hint"):
        bank_files.hand_in(demo.membership, batch.reference, lump_file(order))
    assert (state(batch), moves()) == ("executed", 1)


def test_a_booking_after_the_statement_is_matched_only(demo: Demo, account: BankAccount):
    batch = signed(demo)
    order = BankOrder.get()
    with pytest.raises(BankFileRefused, match="hint"):
        bank_files.hand_in(demo.membership, batch.reference, lump_file(order))
    assert state(batch) == "signed"
    written(account, remittance_information=f"/PREF/{order.msg_id}/NRTX/3")
    recognise(account)
    assert (of_orders(), state(batch), moves()) == ([(-TOTAL, "batch")], "executed", 1)
