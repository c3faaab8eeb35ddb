"""Read payments: lists, one payment as its page shows it, its calendar."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from peewee import JOIN, Case, fn

from core.clock import utcnow
from domain.banking import manual_bank
from domain.banking.bank_accounts import account_view
from domain.banking.bank_configs import bank_config_or_default
from domain.common.errors import DetailsRemoved, NotFound
from domain.payments import (
    coverage,
    early_names,
    excess,
    execution_dates,
    held_lines,
    holds,
    line_doubts,
    line_search,
    line_verdicts,
    paid_history,
    payee_checks,
    payment_search,
    shown_changes,
    totals,
    warnings,
)
from domain.payments.awaiting import awaits_action, is_settled_elsewhere
from domain.payments.digest import Wishes, wishes_of
from domain.payments.early_names import EarlyName
from domain.payments.held_lines import HeldLines
from domain.payments.line_search import LinePage, LineQuery
from domain.payments.pay_changes import NO_CHANGES, Changes
from domain.payments.payee_checks import PayeeCheck
from domain.payments.payment_views import BatchRow, LineView, OrderView, Payment
from domain.payments.proposed_dates import execution_date, payday_of
from domain.payments.totals import NOT_PAID, NOTHING_PAID, BatchTotals
from domain.payments.warnings import PaymentWarning
from models import (
    Approval,
    BankAccount,
    BankCall,
    BankConsent,
    BankOrder,
    BankTransaction,
    Batch,
    BatchLine,
    Client,
    LineDoubt,
    Membership,
    OrderLine,
    PayrollCompany,
    PayrollRun,
    Release,
    ScaSession,
    User,
    require_client_lock,
)
from models.doubts import HOLDING
from models.prepared import Prepared
from models.states import BatchState, LineState, MatchType, OrderState
from models.verdicts import LATER

ASK_AGAIN_AFTER = timedelta(seconds=2)


def list_batches(client: Client, limit: int = 50, states: Sequence[str] = ()) -> list[BatchRow]:
    """Return the client's payments, newest first: at most `limit`, and only in `states` if any are given."""
    return _batch_rows(limit, Batch.client == client.id, *([Batch.state.in_(states)] if states else []))


def search_batches(client: Client, text: str, limit: int = 50) -> list[BatchRow]:
    """Return the newest of the client's payments that a text is found in (`payment_search`); all for an empty one."""
    return _batch_rows(limit, Batch.client == client.id, text=text)


def list_waiting(client: Client, limit: int = 50) -> list[BatchRow]:
    """Return the newest of the client's payments that wait for somebody."""
    return _batch_rows(limit, Batch.client == client.id, awaits_action())


def _batch_rows(limit: int, *which: Any, text: str = "") -> list[BatchRow]:
    refused_whole = Batch.state.in_(NOTHING_PAID) & BatchLine.state.in_((LineState.REJECTED, LineState.RETURNED))
    payable = Case(None, [(BatchLine.state.not_in(NOT_PAID) | refused_whole, 1)], 0)
    total = fn.sum(payable * BatchLine.amount_cents)
    query: Any = (
        Batch.select(
            Batch, PayrollCompany.name.alias("company_name"), BankAccount.bank.alias("bank"), PayrollRun.pay_by,
            fn.count(BatchLine.id).alias("lines_all"),
            fn.sum(payable).alias("lines_payable"), total.alias("payable_cents"),
            fn.EXISTS(line_doubts.doubted_lines(Batch.id)).alias("doubted"),
            is_settled_elsewhere().alias("elsewhere"),
        )
        .join(PayrollCompany).switch(Batch).join(BankAccount).switch(Batch).join(PayrollRun).switch(Batch)
        .join(BatchLine)
        .where(*which)
        .group_by(Batch.id, PayrollCompany.name, BankAccount.bank, PayrollRun.pay_by)
        .having(payment_search.payment_says(text, total))
        .order_by(Batch.id.desc()).limit(limit)
    )  # fmt: skip
    return [
        BatchRow(
            row.reference, row.company_name, row.description, int(row.payable_cents), int(row.lines_payable),
            row.lines_all, row.state, row.state_changed_at, row.execution_date, row.created_at,
            row.run_number, manual_bank.is_manual(row.bank), _date(row.pay_by),
            row.state == BatchState.OPEN and bool(row.doubted), bool(row.elsewhere),
        )
        for row in query.objects()
    ]  # fmt: skip


def approved_by_me(client: Client, user: User) -> set[str]:
    """Return the references of open payments that this person approved and that wait for a second person."""
    query = Batch.select(Batch.reference).join(Approval).where(
        Batch.client == client.id, Batch.state == BatchState.OPEN, Approval.user == user.id,
        Approval.voided_at.is_null()
    )
    return {row.reference for row in query}


def get_batch(client: Client, reference: str) -> Batch:
    """Return the batch with its client, account, consent, company and run.

    Raises:
    - NotFound: there is none with this reference, or it is another client's.
    """
    rows = _batch_of(client.id, reference)
    if not rows:
        raise NotFound
    return rows[0]


@Prepared
def _batch_of(client: Any, reference: Any) -> Any:
    return _select_batch(client, reference)


def _select_batch(client: Any, reference: Any, *more: Any) -> Any:
    query = (
        Batch.select(Batch, BankAccount, BankConsent, PayrollCompany, PayrollRun, Client, *more)
        .join(BankAccount).join(BankConsent).switch(Batch).join(PayrollCompany).switch(Batch).join(PayrollRun)
        .switch(Batch).join(Client)
    )  # fmt: skip
    return query.where(Batch.client == client, Batch.reference == reference)


def get_batch_locked(client: Client, reference: str) -> Batch:
    """Return the batch, which nobody else can change until this transaction ends: it holds the client's lock."""
    require_client_lock(client.id)
    return get_batch(client, reference)


def require_details(run: PayrollRun) -> None:
    """Check that the run still has its details: whom it pays.

    Raises:
    - DetailsRemoved: they were removed after the years that are kept; nothing of it can be paid any more.
    """
    if run.redacted_at is not None:
        raise DetailsRemoved


def get_payment(client: Client, reference: str, look: LineQuery | None = None) -> Payment:
    """Return the payment with all its lines, or with the page of lines that `look` asks for.

    Of a long payment only the lines of that page are read; its totals are cached (see `totals`).

    Raises:
    - NotFound: there is none with this reference, or it is another client's.
    """
    batch, order, release = _read_whole(client, reference)
    day, wishes = execution_date(batch), wishes_of(release or batch.client)
    whole = _whole_list(batch, look)
    counted, rows, found = _lines(batch, day, look, wishes, whole)
    return _payment(batch, day, wishes, (order, release), counted, rows, found, whole)


def wishes_in_force(batch: Batch) -> Wishes:
    """Return the wishes of the valid release; without one, those that the client has now."""
    valid = Release.select().where(Release.batch == batch.id, Release.voided_at.is_null()).order_by(Release.id.desc())
    release = None if batch.state == BatchState.OPEN else valid.first()
    return wishes_of(release or batch.client)


def _whole_list(batch: Batch, look: LineQuery | None) -> list[BatchLine] | None:
    """Return all lines, each with the answers about its account; None if the list is long and only a part is shown."""
    if look is None or batch.line_count <= totals.CACHE_THRESHOLD:
        return payee_checks.lines_with_answers(batch)
    return None


def _lines(
    batch: Batch, day: date, look: LineQuery | None, wishes: Wishes, whole: list[BatchLine] | None
) -> tuple[BatchTotals, Sequence[BatchLine], LinePage | None]:
    """Return the totals over all lines, the lines to show, and the page that they are."""
    if whole is not None:
        counted = totals.compute_totals(batch, day, whole, wishes)
        if look is None:
            return counted, line_search.as_shown(whole), None
        if not look.filters:
            return counted, (found := line_search.all_on_one_page(batch, whole, look)).rows, found
    else:
        counted = totals.get_totals(batch, day, wishes)
    found = line_search.search_lines(batch, look or LineQuery(), counted.count)
    return counted, found.rows, found


def _payment(
    batch: Batch, day: date, wishes: Wishes, sent: tuple[BankOrder | None, Release | None], counted: BatchTotals,
    rows: Sequence[BatchLine], found: LinePage | None, whole: list[BatchLine] | None,
) -> Payment:  # fmt: skip
    order, release = sent
    newer = warnings.newer_batch(batch)
    beside = held_lines.held_lines_beside(batch)
    cautions = warnings.warnings_for(batch, beside)
    payees, changes, names = _judgement(batch, whole, beside, cautions)
    is_asked = getattr(batch, "doubted", False) and batch.state == BatchState.OPEN
    doubts = line_doubts.standing_doubts(batch.id) if is_asked else []
    account = batch.bank_account
    signing = bank_config_or_default(account.bank).signing
    return Payment(
        id=batch.id, reference=batch.reference, client_name=batch.client.name, company_name=batch.company.name,
        description=batch.description, state=batch.state, state_reason=batch.state_reason,
        state_changed_at=batch.state_changed_at,
        created_at=batch.created_at, released_at=release.released_at if release else None,
        account=account_view(account), execution_date=day,
        date_fixed=batch.execution_date is not None, total_cents=counted.cents, lines_all=counted.count,
        lines_payable=counted.payable, lines=[_line_view(row) for row in rows], digest=counted.digest,
        debtor_differs=bool(batch.file_debtor_iban) and batch.file_debtor_iban != account.iban, signing=signing,
        order=_order_view(order, batch, signing), kind=batch.kind, cautions=cautions,
        run_missing=batch.run.unlisted_since is not None,
        overpaid=_overpaid(batch),
        unpaid_employee_count=batch.unpaid_employee_count, unpaid_employee_names=batch.unpaid_employee_names,
        newer_reference=newer.reference if newer else None,
        batch_booking=wishes.batch_booking, name_check=wishes.name_check,
        is_manual=order.is_manual if order else manual_bank.is_manual(account.bank),
        found=found, spelt_count=counted.spelt_count, spelt=_converted_lines(counted, rows), reasons=counted.reasons,
        beside=beside, hold=getattr(batch, "hold_id", None), is_excess=excess.was_allowed(batch),
        run_cautions=_run_cautions(batch), payees=payees, asks_about_payees=any(one.waits for one in payees),
        shortfall=coverage.shortfall_of(batch, day, counted.cents, getattr(batch, "others_cents", None) or 0),
        changes=changes, early_names=names, approved_changes=release.changes if release else None,
        redacted_at=batch.run.redacted_at, is_payday=payday_of(batch) == day, pay_by=batch.run.pay_by,
        beside_excluded=[_line_view(row) for row in line_search.beside_excluded(batch, rows, whole)],
        tax_reference=batch.run.wage_tax_reference, doubts=doubts, is_doubted=bool(doubts),
    )  # fmt: skip


def _judgement(
    batch: Batch, whole: list[BatchLine] | None, beside: HeldLines, cautions: Sequence[PaymentWarning]
) -> tuple[list[PayeeCheck], Changes, list[EarlyName]]:  # fmt: skip
    """Return what is unusual about the accounts that this payment pays and about its amounts, with one reading of what
    was executed before; and what was said of the names.
    """
    if not payee_checks.is_judged(batch):
        return [], NO_CHANGES, []
    lines, executed = whole or payee_checks.lines_with_answers(batch), paid_history.executed_to(batch)
    changes = shown_changes.changes_of(batch, lines, executed, beside, cautions)
    paid = [one for one in lines if one.state not in NOT_PAID]
    return payee_checks.checks_of_lines(batch, lines, executed), changes, early_names.early_names_of(paid)


def _run_cautions(batch: Batch) -> list[tuple[str, Sequence[int]]]:
    """What is unusual in the file of the run, if it is the one that this payment was made of."""
    is_newest = batch.version.partition(":")[0] == batch.run.version
    return [(code, numbers) for code, numbers in batch.run.cautions or []] if is_newest else []


def _converted_lines(counted: BatchTotals, rows: Sequence[BatchLine]) -> list[LineView]:
    """Return the first lines whose text was converted for the bank; lines that are not in `rows` are read."""
    wanted, here = set(counted.spelt), {row.id: row for row in rows}
    if beyond := wanted - here.keys():
        here |= {row.id: row for row in BatchLine.select().where(BatchLine.id.in_(beyond))}
    return sorted((_line_view(here[one]) for one in wanted), key=lambda row: row.position)


def get_line(batch_id: int, line_id: int) -> LineView:
    """Return one line of a payment.

    Raises:
    - NotFound: the payment has no such line.
    """
    row = line_verdicts.lines_with_verdicts().where(BatchLine.id == line_id, BatchLine.batch == batch_id).first()
    if row is None:
        raise NotFound
    return _line_view(row)


def _overpaid(batch: Batch) -> list[tuple[str, str, int]]:
    """Return name, IBAN and cents of what was paid and is no longer owed, on the payments that concern it: the one that
    paid it and the supplementary one after it.
    """
    if batch.run.redacted_at is not None:
        return []
    concerned = batch.is_supplement or batch.version.partition(":")[0] != batch.run.version
    return [(name, iban, cents) for name, iban, cents in batch.run.overpaid or []] if concerned else []


def _read_whole(client: Client, reference: str) -> tuple[Batch, BankOrder | None, Release | None]:
    """Return the batch, the newest order with its SCA sessions, and the newest release that is not void, in one query;
    on the batch also what is asked of the order and of holds (`_beside_the_order`).
    """
    rows = _whole_batch_of(client.id, reference)
    if not rows:
        raise NotFound
    batch, release = rows[0], _there(rows[0], "valid_release")
    orders = [one.valid_release.order for one in rows if release and _there(one.valid_release, "order")]
    mine = [one for one in orders if one.release_id == (release and release.id)]
    if not mine:
        return batch, None, release
    mine[0].sca_sessions = [session for one in mine if (session := _there(one, "sca"))]
    return batch, mine[0], release


@Prepared
def _whole_batch_of(client: Any, reference: Any) -> Any:
    valid = (Release.batch == Batch.id) & Release.voided_at.is_null() & (Batch.state != BatchState.OPEN)
    query = _select_batch(client, reference, Release, BankOrder, ScaSession, *_beside_the_order())
    query = query.switch(Batch).join(Release, JOIN.LEFT_OUTER, on=valid, attr="valid_release")
    query = query.join(BankOrder, JOIN.LEFT_OUTER, on=(BankOrder.release == Release.id), attr="order")
    return query.join(ScaSession, JOIN.LEFT_OUTER, attr="sca").order_by(Release.id.desc(), ScaSession.id)


def _there(row: Any, name: str) -> Any:
    """Return what was joined under this name, or None."""
    found = getattr(row, name, None)
    return found if found is not None and found.id else None


def _beside_the_order() -> list[Any]:
    cancelled = BankCall.select(BankCall.id).where(BankCall.order == BankOrder.id, BankCall.operation == "cancel_order")
    paid = BankTransaction.match_type.in_((MatchType.BATCH, MatchType.LINE))
    booked = BankTransaction.select(BankTransaction.id).where(BankTransaction.order == BankOrder.id, paid)
    asked = LineDoubt.select(LineDoubt.id).where(LineDoubt.batch == Batch.id)
    until = OrderLine.select(fn.max(OrderLine.may_execute_until)).where(OrderLine.order == BankOrder.id)
    return [
        holds.first_hold_on(Batch.client, BankAccount.bank).alias("hold_id"),
        fn.EXISTS(cancelled).alias("cancel_asked"), fn.EXISTS(booked).alias("is_booked"), until.alias("until"),
        coverage.others_cents().alias("others_cents"), fn.EXISTS(asked).alias("doubted"),
    ]  # fmt: skip


def _order_view(order: BankOrder | None, batch: Batch, signing: str) -> OrderView | None:
    if order is None:
        return None
    can_sign = batch.state == BatchState.AT_BANK and signing != "delegated"
    if order.bank_account_id == batch.bank_account_id:
        order.bank_account = batch.bank_account
    order.batch = batch
    until = getattr(batch, "until", None)
    return OrderView(
        order.id, order.msg_id, order.state, order.bank_status, can_sign, order,
        bool(getattr(batch, "cancel_asked", False)), bool(getattr(batch, "is_booked", False)),
        _date(until),
    )  # fmt: skip


def _date(value: str | date | None) -> date | None:
    """Return a date that SQLite gave as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def _line_view(row: BatchLine) -> LineView:
    return LineView(
        row.id, row.position, row.creditor_name, row.creditor_iban, row.remittance, row.amount_cents, row.state,
        row.creditor_name_sepa, row.remittance_sepa, row.already_paid_cents, row.bank_reason_code,
        row.reference_type is not None, _verdict(row), row.paid_for, row.person_group or row.position,
        row.place or row.position,
        row.state == LineState.EXCLUDED and getattr(row, "step", None) in HOLDING, getattr(row, "doubted_cents", None),
    )  # fmt: skip


def _verdict(row: BatchLine) -> str | None:
    """Return why a line is left out; None of one that is not. Expects the line as lists and `get_line` read it."""
    return (getattr(row, "verdict", None) or LATER) if row.state == LineState.EXCLUDED else None


def order_due_for_poll(payment: Payment) -> int | None:
    """Mark the payment's order as due for a status request, and return its id; None if it was asked two seconds ago or
    less.
    """
    if payment.order is None or payment.is_manual or payment.order.state not in (OrderState.AT_BANK, OrderState.SIGNED):
        return None
    now = utcnow()
    quiet = BankOrder.status_checked_at.is_null() | (BankOrder.status_checked_at < now - ASK_AGAIN_AFTER)
    asked = BankOrder.update(due_at=now).where(BankOrder.id == payment.order.id, quiet).execute()
    return payment.order.id if asked else None


def client_of_reference(user: User, reference: str) -> Client:
    """Return the client of a payment, for the link in a mail.

    Raises:
    - NotFound: this user is not a member there.
    """
    query = Batch.select(Batch, Client).join(Client).join(Membership)
    row = query.where(Batch.reference == reference, Membership.user == user.id).first()
    if row is None:
        raise NotFound
    return row.client


def calendar(payment: Payment, monday: date) -> list[list[execution_dates.CalendarDay]]:
    """Return the weeks of the calendar page that begins with this Monday, with the days that can be chosen."""
    bank = BankAccount.get_by_id(payment.account.id).bank
    return execution_dates.calendar_weeks(monday, bank_config_or_default(bank).cut_off, payment.execution_date)
