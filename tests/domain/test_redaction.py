"""Who was paid by an old run is removed; sums, order, evidence and proofs stay, and a fake removal is found."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

import pytest
import time_machine
from peewee import DatabaseError

import models
from connectors.nmbrs.port import RunInfo
from core.clock import utcnow
from domain.common import audit
from domain.common.errors import DetailsRemoved, DomainError
from domain.operations import integrity, order_files, redacted_runs, redaction
from domain.orders.order_building import order_bytes
from domain.payroll import excess_payment, reopening, run_discovery, run_history, unpaid, unpaid_payment
from domain.privacy.employee_data import employee_data
from models import (
    AcceptedCreditorName,
    AuditEvent,
    BankOrder,
    BankTransaction,
    Batch,
    BatchLine,
    Due,
    Evidence,
    ExcessAllowance,
    HeldLine,
    OrderLine,
    PayrollRun,
)
from models.dialect import is_sqlite
from models.triggers import create_triggers
from tests.conftest import empty_database
from tests.domain.test_falsified import found_after, insert, write
from tests.support.factories import LINES, make_world
from tests.support.rich_books import Books, make_books, switch_triggers_off, switch_triggers_on
from tests.support.sandbox import Sandbox

LATER = date(2034, 1, 2)  # the books are of 2026
NAMES = [name for name, _iban, _cents in LINES]
IBANS = [iban for _name, iban, _cents in LINES]


@pytest.fixture(scope="module")
def before() -> dict[int, str]:
    """The hash of what each run told of people, before any was redacted."""
    return {}


@pytest.fixture(scope="module")
def books(
    migrated: str, running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, before: dict[int, str]
) -> Iterator[Books]:
    folder = tmp_path_factory.mktemp("redaction")
    running_sandbox.reset()
    with empty_database(migrated, folder / "books.db"):
        make_world(running_sandbox.url, running_sandbox.smtp_port, folder)
        made = make_books(running_sandbox)
        _settle_excess(made)
        line = BatchLine.get(BatchLine.batch == made.lump.id)
        AcceptedCreditorName.create(client=made.demo.client, iban="NL02ABNA0123456789", payroll_name="x", vop_name="X",
                                    user=made.demo.user)  # fmt: skip
        HeldLine.create(run=made.lump.run_id, version="old", number=7, reason="bad_iban", name=line.creditor_name,
                        iban="NL00", description="Bonus", amount_cents=5, currency="EUR", open_cents=0)  # fmt: skip
        BankTransaction.create(account=made.demo.account, dedupe_key="power", booking_date=date(2026, 3, 1),
                               amount_cents=-5, counterparty_name="J Jansen", counterparty_iban="NL64TRIO0379501686",
                               remittance_information="huur", end_to_end_id="huur")  # fmt: skip
        assert list(integrity.find_inconsistencies()) == []
        before |= {run.id: redacted_runs.removed_hash(run) for run in PayrollRun.select()}
        with time_machine.travel(LATER, tick=False):
            assert redaction.redactable_runs() == [made.lump.run_id]
            assert redaction.redact_old() > 1
            assert redaction.redact_old() == 0, "a second time there is nothing to do"
        yield made


def _settle_excess(books: Books) -> None:
    """What was allowed beyond what is owed is withdrawn: it would wait for its approval for ever."""
    for row in ExcessAllowance.select():
        excess_payment.withdraw(books.demo.membership, row.id)


# --- what is gone, and what stays ------------------------------------------------------------------
def test_nothing_tells_who_was_paid(books: Books):
    run = books.lump.run_id
    texts = [
        *BatchLine.select().where(BatchLine.batch.in_(redacted_runs.payments_of(run))).dicts(),
        *OrderLine.select().where(OrderLine.order.in_(redacted_runs.orders_of(run))).dicts(),
        *Due.select().where(Due.run == run).dicts(), *HeldLine.select().where(HeldLine.run == run).dicts(),
        *ExcessAllowance.select().dicts(), *Batch.select().where(Batch.run == run).dicts(),
        *BankTransaction.select().where(BankTransaction.order.in_(redacted_runs.orders_of(run))).dicts(),
        *BankTransaction.select().where(BankTransaction.dedupe_key == "power").dicts(),
    ]  # fmt: skip
    assert len(texts) > 15
    told = repr(texts)
    assert not [one for one in (*NAMES, *IBANS, "Jansen", "huur", "Bonus", "arrive", "Salaris") if one in told]
    assert {row.body_encrypted for row in BankOrder.select().where(BankOrder.batch == books.lump.id)} == {""}


def test_sums_order_and_ids_stay(books: Books):
    rows = BatchLine.select().where(BatchLine.batch == books.lump.id).order_by(BatchLine.position)
    assert [row.amount_cents for row in rows] == [cents for _, _, cents in LINES]
    assert all(row.end_to_end_id for row in rows) and all(row.state == "executed" for row in rows)
    order = BankOrder.get(BankOrder.batch == books.lump.id)
    sent = next(one for one in AuditEvent.select() if one.kind == "batch.send" and one.details["order"] == order.id)
    assert sent.details["sha256"] == order.body_sha256
    assert Evidence.select().where(Evidence.order == order.id).exists()


def test_the_books_and_the_log_hold(books: Books):
    assert list(integrity.find_inconsistencies()) == []
    assert audit.verify_chain(books.demo.client.id) == []
    (event,) = AuditEvent.select().where(AuditEvent.kind == "run.redacted")
    assert (event.subject, event.actor) == (f"run:{books.lump.run_id}", audit.WORKER)
    assert len(event.details["removed"]) == len(event.details["kept"]) == 64


def test_a_run_with_unfinished_payments_keeps_its_details(books: Books):
    """Of the others something is open, approved, returned or refused."""
    assert order_bytes(BankOrder.get(BankOrder.batch == books.by_line.id)).startswith(b"<?xml")
    for batch in (books.by_line, books.again, books.half, books.approved, books.open):
        assert PayrollRun.get_by_id(batch.run_id).redacted_at is None
        assert BatchLine.get(BatchLine.batch == batch.id).creditor_name in NAMES


def test_what_was_removed_can_be_proved_by_whoever_still_has_it(books: Books, before: dict[int, str]):
    run = PayrollRun.get_by_id(books.lump.run_id)
    (event,) = AuditEvent.select().where(AuditEvent.kind == "run.redacted")
    assert event.details["removed"] == before[run.id] != redacted_runs.removed_hash(run)
    assert event.details["kept"] == redacted_runs.kept_hash(run)


# --- nothing of it is paid any more ---------------------------------------------------------------
def test_nothing_of_it_can_be_paid_again(books: Books):
    demo, run = books.demo, PayrollRun.get_by_id(books.lump.run_id)
    with pytest.raises(DetailsRemoved):
        reopening.reopen_payment(demo.client, demo.user, books.lump.reference)
    line = BatchLine.get(BatchLine.batch == books.lump.id)
    with pytest.raises(DomainError):
        excess_payment.find_beside(demo.client, books.lump.reference, line.id)
    with models.database.atomic() as change:
        OrderLine.update(standing="returned").where(OrderLine.batch_line == line.id).execute()
        assert [one for one in unpaid.unpaid_lines(demo.client) if one.run.id == run.id] == []
        change.rollback()
    assert unpaid_payment.pay_unpaid(demo.client, demo.user, run.id, unpaid_payment.Choice.PAYABLE).batch is None
    assert not run_history.run_detail(demo.client, run.id).again


REFUSED: dict[str, Callable[[Books], Any]] = {
    "an order line": lambda books: OrderLine.create(
        order=BankOrder.get(BankOrder.batch == books.lump.id),
        batch_line=BatchLine.get(BatchLine.batch == books.lump.id), end_to_end_id="new",
        creditor_iban="NL64TRIO0379501686", amount_cents=1),
    "a payment": lambda books: Batch.insert(
        {**{k: v for k, v in Batch.get_by_id(books.lump.id).__data__.items() if k != "id"}, "reference": "new",
         "version": "new"}).execute(),
    "an open payment": lambda books: Batch.update(state="open").where(Batch.id == books.lump.id).execute(),
    "a reading": lambda books: PayrollRun.update(due_at=utcnow()).where(PayrollRun.id == books.lump.run_id).execute(),
    "another time": lambda books: PayrollRun.update(redacted_at=utcnow()).where(
        PayrollRun.id == books.lump.run_id).execute(),
    "a name again": lambda books: BatchLine.update(creditor_name="Mallory").where(
        BatchLine.batch == books.lump.id).execute(),
    "another amount": lambda books: BatchLine.update(amount_cents=1).where(BatchLine.batch == books.lump.id).execute(),
    "a bare line of another run": lambda books: BatchLine.update(
        creditor_name="-", creditor_name_sepa="-", remittance="-", remittance_sepa="-", creditor_iban="").where(
        BatchLine.batch == books.open.id).execute(),
    "a mark while something waits": lambda books: PayrollRun.update(redacted_at=utcnow()).where(
        PayrollRun.id == books.open.run_id).execute(),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_the_database_refuses(books: Books, what: str):
    with pytest.raises(DatabaseError), models.database.atomic():
        REFUSED[what](books)


def test_a_run_that_nmbrs_changes_is_not_read_again(books: Books):
    run = PayrollRun.get_by_id(books.lump.run_id)
    info = RunInfo(
        id=run.nmbrs_id + "9", number=run.number, year=run.year, description="again", run_at=utcnow(), locked=False,
        period_start=1, period_end=1,
    )  # fmt: skip
    assert run_discovery._upsert_run(books.demo.company, info) is None
    assert PayrollRun.get_by_id(run.id).description == run.description


# --- what people get ------------------------------------------------------------------------------
def test_copies_say_what_was_removed_and_when(books: Books):
    rows = employee_data(books.demo.membership, NAMES[0])
    gone = [row for row in rows if row.removed_on]
    assert {row.payment for row in gone} == {
        row.reference for row in Batch.select().where(Batch.run == books.lump.run_id)
    }
    assert {(row.name, row.iban, row.cents, row.removed_on) for row in gone} == {("", "", None, LATER.isoformat())}
    assert not [row for row in employee_data(books.demo.membership, "-") if not row.removed_on]
    with pytest.raises(order_files.NoOrderFile, match=f"was removed on {LATER}; its SHA-256 is [0-9a-f]{{64}}"):
        order_files.order_file(books.lump.reference)


# --- falsified ------------------------------------------------------------------------------------
@pytest.fixture
def without_triggers(books: Books) -> Iterator[None]:
    switch_triggers_off()
    yield
    switch_triggers_on()
    if is_sqlite():
        models.database.execute_sql("pragma ignore_check_constraints = off")
        create_triggers()


def _bare(books: Books, batch: Batch) -> None:
    """Remove the details as the program does, past it."""
    for line in BatchLine.select().where(BatchLine.batch == batch.id):
        write(BatchLine, line.id, creditor_name="-", creditor_name_sepa="-", remittance="-", remittance_sepa="-",
              creditor_iban="")  # fmt: skip


def _bare_and_marked(books: Books, batch: Batch) -> None:
    _bare(books, batch)
    write(PayrollRun, batch.run_id, redacted_at=utcnow())


def _bare_marked_and_logged(books: Books, batch: Batch) -> None:
    _bare_and_marked(books, batch)
    last = AuditEvent.select().order_by(AuditEvent.number.desc()).get()
    marked = str(PayrollRun.get_by_id(batch.run_id).redacted_at).replace(" ", "T")
    told = {"at": marked, "removed": "0" * 64, "kept": "0" * 64}
    insert(AuditEvent, {**{k: v for k, v in last.__data__.items() if k != "id"}, "number": last.number + 1,
                        "kind": "run.redacted", "subject": f"run:{batch.run_id}", "details": told})  # fmt: skip


def _another_amount(books: Books, batch: Batch) -> None:
    line = BatchLine.get(BatchLine.batch == books.lump.id)
    ordered = OrderLine.get(OrderLine.batch_line == line.id)
    write(BatchLine, line.id, amount_cents=line.amount_cents + 1)
    write(OrderLine, ordered.id, amount_cents=line.amount_cents + 1)


def _another_digest(books: Books, batch: Batch) -> None:
    write(BankOrder, BankOrder.get(BankOrder.batch == books.lump.id).id, body_sha256="0" * 64)


def _details_again(books: Books, batch: Batch) -> None:
    write(BatchLine, BatchLine.get(BatchLine.batch == books.lump.id).id, creditor_name="Mallory")


def _unmarked(books: Books, batch: Batch) -> None:
    write(PayrollRun, books.lump.run_id, redacted_at=None)


def _a_line_less(books: Books, batch: Batch) -> None:
    line = BatchLine.select().where(BatchLine.batch == books.lump.id).order_by(BatchLine.position.desc()).get()
    write(BatchLine, line.id, position=99)


def _another_person(books: Books, batch: Batch) -> None:
    due = Due.get(Due.run == books.lump.run_id)
    write(Due, due.id, name="Mallory")


FAKES = (_bare, _bare_and_marked, _bare_marked_and_logged, _another_amount, _another_digest, _details_again, _unmarked,
         _a_line_less, _another_person)  # fmt: skip


@pytest.mark.parametrize("fake", FAKES, ids=lambda one: one.__name__)
def test_a_fake_is_found_without_the_register(
    books: Books, without_triggers: None, fake: Callable[[Books, Batch], None]
):
    for batch in (books.by_line, books.open) if fake.__name__.startswith("_bare") else (books.lump,):
        assert found_after(partial(fake, books, batch), integrity.computed_faults)
