"""Reading payments: lists, the one payment as it is shown, its calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from peewee import JOIN, Case, fn

from core.clock import utcnow
from domain import cautions, days, digest, hand_line
from domain.bank_links import AccountView, account_view, accounts, known_line
from domain.cautions import Caution
from domain.errors import NotFound
from domain.states import SETTLED, WAITING
from models import (
    Approval,
    BankAccount,
    BankOrder,
    Batch,
    BatchLine,
    Client,
    Membership,
    PayrollCompany,
    Release,
    Run,
    User,
    require_transaction,
)

ASK_AGAIN_AFTER = timedelta(seconds=2)
NOT_PAID = ("refused", "rejected", "returned", "void")


def _counts(line_state: str, batch_state: str) -> bool:
    """Part of the total: what is to be paid, or what an order was that the bank refused as a whole."""
    return line_state not in NOT_PAID or line_state == batch_state == "rejected"


@dataclass(frozen=True)
class BatchRow:
    """Amounts in cents; the total is what would be paid."""

    reference: str
    company_name: str
    description: str
    total_cents: int
    lines_payable: int
    lines_all: int
    state: str
    state_at: datetime
    execution_date: date | None
    created_at: datetime
    by_hand: bool = False


@dataclass(frozen=True)
class LineView:
    id: int
    position: int
    name: str
    iban: str
    description: str
    amount_cents: int
    state: str
    name_sent: str
    description_sent: str
    paid_cents: int | None = None
    bank_reason: str | None = None

    @property
    def converted(self) -> bool:
        """What the bank gets is written otherwise than Nmbrs wrote it."""
        return (self.name, self.description) != (self.name_sent, self.description_sent)

    @property
    def payable(self) -> bool:
        return self.state not in NOT_PAID


@dataclass(frozen=True)
class OrderView:
    id: int
    msg_id: str
    state: str
    raw_status: str | None
    can_sign: bool
    placed_at: datetime | None


@dataclass(frozen=True)
class Payment:
    """One payment as it is shown; `digest` names exactly this."""

    id: int
    reference: str
    client_name: str
    company_name: str
    description: str
    state: str
    state_reason: str | None
    state_at: datetime
    created_at: datetime
    released_at: datetime | None
    account: AccountView
    execution_date: date
    date_fixed: bool
    total_cents: int
    lines: list[LineView]
    digest: str
    debtor_differs: bool
    signing: str
    order: OrderView | None
    kind: str = "salary"
    cautions: Sequence[Caution] = ()
    run_missing: bool = False
    overpaid: Sequence[tuple[str, str, int]] = ()
    missing_count: int | None = None
    missing_names: Sequence[str] | None = None
    newer_reference: str | None = None
    batch_booking: bool = True
    name_check: bool = True
    by_hand: bool = False
    hidden: tuple[int, int] | None = None  # the lines are not for this person: how many, how many are paid

    @property
    def unopened(self) -> bool:
        """Something has to be read before it can be approved."""
        return any(not one.opened for one in self.cautions)

    @property
    def lines_all(self) -> int:
        return self.hidden[0] if self.hidden else len(self.lines)

    @property
    def lines_payable(self) -> int:
        if self.hidden:
            return self.hidden[1]
        return sum(_counts(line.state, self.state) for line in self.lines)

    @property
    def needs_pin(self) -> bool:
        """The app's own proof is the signature."""
        return self.signing == "delegated"

    @property
    def settled(self) -> bool:
        return self.state in SETTLED


def batches(client: Client, limit: int = 50, states: Sequence[str] = ()) -> list[BatchRow]:
    """Newest first."""
    refused_whole = (Batch.state == "rejected") & (BatchLine.state == "rejected")
    payable = Case(None, [(BatchLine.state.not_in(NOT_PAID) | refused_whole, 1)], 0)
    query: Any = (
        Batch.select(
            Batch, PayrollCompany.name.alias("company_name"), BankAccount.bank.alias("bank"),
            fn.count(BatchLine.id).alias("lines_all"),
            fn.sum(payable).alias("lines_payable"), fn.sum(payable * BatchLine.amount_cents).alias("payable_cents"),
        )
        .join(PayrollCompany).switch(Batch).join(BankAccount).switch(Batch).join(BatchLine)
        .where(Batch.client == client.id, *([Batch.state.in_(states)] if states else []))
        .group_by(Batch.id, PayrollCompany.name, BankAccount.bank).order_by(Batch.id.desc()).limit(limit)
    )  # fmt: skip
    return [
        BatchRow(
            row.reference, row.company_name, row.description, int(row.payable_cents), int(row.lines_payable),
            row.lines_all, row.state, row.state_at, row.execution_date, row.created_at, hand_line.is_by_hand(row.bank),
        )
        for row in query.objects()
    ]  # fmt: skip


def count_waiting(client: Client, user: User) -> int:
    """At how many payments this person has something to do."""
    return Batch.select().where(Batch.client == client.id, waits_for(user)).count()


def waits_for(user: User) -> Any:
    """The condition of a payment that waits for this person: not what only waits for a second approval."""
    mine = Approval.select(Approval.batch).where(Approval.user == user.id, Approval.voided_at.is_null())
    return Batch.state.in_(WAITING) & ~((Batch.state == "open") & Batch.id.in_(mine))


def approved_by_me(client: Client, user: User) -> set[str]:
    """References of open payments that this person approved and another still has to."""
    query = Batch.select(Batch.reference).join(Approval).where(
        Batch.client == client.id, Batch.state == "open", Approval.user == user.id, Approval.voided_at.is_null()
    )
    return {row.reference for row in query}


def find(client: Client, reference: str) -> Batch:
    """The batch with its account, company and run. NotFound when it is not this client's."""
    query = (
        Batch.select(Batch, BankAccount, PayrollCompany, Run).join(BankAccount).switch(Batch).join(PayrollCompany)
        .switch(Batch).join(Run)
    )  # fmt: skip
    row = query.where(Batch.client == client.id, Batch.reference == reference).first()
    if row is None:
        raise NotFound
    return row


def hold(client: Client, reference: str) -> Batch:
    """The batch, kept from changing by another until this transaction ends."""
    require_transaction()
    mine = (Batch.client == client.id) & (Batch.reference == reference)
    Batch.update(orders_made=Batch.orders_made).where(mine).execute()
    return find(client, reference)


def lines_of(batch: Batch) -> list[BatchLine]:
    return list(BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position))


def execution_date(batch: Batch) -> date:
    """The chosen day, else the first bank day whose cut-off is open."""
    return batch.execution_date or days.proposed(known_line(batch.bank_account.bank).cut_off)


def view(client: Client, reference: str) -> Payment:
    """NotFound when it is not this client's."""
    batch = find(client, reference)
    rows = lines_of(batch)
    order, release = _newest_order(batch) if batch.state != "open" else (None, None)
    newer = cautions.newer(batch)
    day, account = execution_date(batch), batch.bank_account
    payable = [row for row in rows if _counts(row.state, batch.state)]
    signing = known_line(account.bank).signing
    return Payment(
        id=batch.id, reference=batch.reference, client_name=client.name, company_name=batch.company.name,
        description=batch.description, state=batch.state, state_reason=batch.state_reason, state_at=batch.state_at,
        created_at=batch.created_at, released_at=release.released_at if release else None,
        account=account_view(account), execution_date=day,
        date_fixed=batch.execution_date is not None, total_cents=sum(row.amount_cents for row in payable),
        lines=[_line_view(row) for row in rows], digest=digest.of_batch(account.iban, day, payable),
        debtor_differs=bool(batch.file_debtor_iban) and batch.file_debtor_iban != account.iban, signing=signing,
        order=_order_view(order, batch, signing), kind=batch.kind, cautions=cautions.of_batch(batch),
        run_missing=batch.run.missing_since is not None,
        overpaid=_overpaid(batch),
        missing_count=batch.missing_count, missing_names=batch.missing_names,
        newer_reference=newer.reference if newer else None,
        batch_booking=(release or client).batch_booking, name_check=(release or client).name_check,
        by_hand=order.by_hand if order else hand_line.is_by_hand(account.bank),
    )  # fmt: skip


def _overpaid(batch: Batch) -> list[tuple[str, str, int]]:
    """What went out and is no longer in the run: told at the payment that follows, and at the one that paid it."""
    concerned = batch.difference or batch.version.partition(":")[0] != batch.run.version
    return [(name, iban, cents) for name, iban, cents in batch.run.overpaid or []] if concerned else []


def _newest_order(batch: Batch) -> tuple[BankOrder | None, Release | None]:
    """The newest standing release, and the order made of it, in one query."""
    query = Release.select(Release, BankOrder).join(BankOrder, JOIN.LEFT_OUTER, attr="order")
    row = query.where(Release.batch == batch.id, Release.voided_at.is_null()).order_by(Release.id.desc()).first()
    if row is None:
        return None, None
    order = getattr(row, "order", None)
    return (order if order is not None and order.id else None), row


def _order_view(order: BankOrder | None, batch: Batch, signing: str) -> OrderView | None:
    if order is None:
        return None
    can_sign = batch.state == "at_bank" and signing != "delegated"
    return OrderView(order.id, order.msg_id, order.state, order.raw_status, can_sign, order.called_at)


def _line_view(row: BatchLine) -> LineView:
    return LineView(
        row.id, row.position, row.name_shown, row.iban, row.description_shown, row.amount_cents, row.state,
        row.name_sent, row.description_sent, row.paid_cents, row.bank_reason,
    )  # fmt: skip


def order_to_ask(payment: Payment) -> int | None:
    """The order whose status is worth asking again while somebody looks; at most once every two seconds."""
    if payment.order is None or payment.by_hand or payment.order.state not in ("at_bank", "signed"):
        return None
    now = utcnow()
    quiet = BankOrder.asked_at.is_null() | (BankOrder.asked_at < now - ASK_AGAIN_AFTER)
    asked = BankOrder.update(due_at=now).where(BankOrder.id == payment.order.id, quiet).execute()
    return payment.order.id if asked else None


def account_choices(client: Client) -> list[AccountView]:
    """The accounts that may pay, with their balances."""
    return accounts(client)


def client_of_reference(user: User, reference: str) -> Client:
    """Whose payment this is, for the link in a mail. NotFound when this user is no member there."""
    query = Batch.select(Batch, Client).join(Client).join(Membership)
    row = query.where(Batch.reference == reference, Membership.user == user.id).first()
    if row is None:
        raise NotFound
    return row.client


def calendar(payment: Payment, month: date) -> list[list[days.Day]]:
    """Weeks from Monday."""
    bank = BankAccount.get_by_id(payment.account.id).bank
    return days.month(month, known_line(bank).cut_off, payment.execution_date)
