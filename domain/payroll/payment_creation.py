"""Create a payment of what is payable of a run: the batch with its lines, its audit event, and the mail to approvers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.clock import utcnow
from domain.common import audit
from domain.outbox import mail, push
from domain.payments import (
    creditor_names,
    doubt_answers,
    early_name_checks,
    excess,
    held_lines,
    line_verdicts,
    lost_orders,
    payee_answers,
)
from domain.payments.account_refusals import refused_accounts
from domain.payments.references import PaidLine, PaidRun, end_to_end_id, payment_identity, unused_reference
from domain.payroll.run_dues import Offer, OwedLine
from domain.payroll.run_employees import RunEmployees, payee_of
from domain.payroll.run_versions import PayableLine
from models import Batch, BatchLine, Client, Membership, PayrollRun, User, insert_rows
from models.states import LineState, Role

HELD = "held"  # the reason of a run whose lines are all held, or paid


def create_payment(
    run: PayrollRun, lines: Sequence[OwedLine], version: str, again: bool, debtor_iban: str | None,
    employees: RunEmployees | None, actor: str = audit.WORKER, attempt: str | None = None, **details: Any,
) -> Batch:  # fmt: skip
    """Create the payment of these lines, in a transaction that holds the client's lock.

    `again`: part of the run was paid before. `debtor_iban`: the account named in the file. `attempt`: the version with
    the attempt, if it is not simply the next one. `employees`: those of the run, as far as they are known.
    `details`: for the audit event.
    """
    told = employees or RunEmployees()
    company, total = run.company, sum(one.line.amount_cents for one in lines)
    paid = PaidRun(
        run.client.public_id, company.stable_key, run.kind, run.year, run.number, attempt or _unused(run, version),
        run.run_at,
    )
    identity = payment_identity(paid, [_paid_line(one.line) for one in lines])
    batch = Batch.create(
        client=run.client_id, run=run, company=company, company_key=company.stable_key, kind=run.kind, year=run.year,
        run_number=run.number, version=paid.version, reference=unused_reference(paid, identity),
        description=run.description, file_debtor_iban=debtor_iban, bank_account=company.bank_account_id,
        total_cents=total, line_count=len(lines), order_count=0, period_start=run.period_start,
        period_end=run.period_end, is_supplement=again, is_manually_imported=run.manually_selected_at is not None,
        unpaid_employee_count=told.unpaid, unpaid_employee_names=told.unpaid_names,
    )  # fmt: skip
    _insert_lines(batch, lines, refused_accounts(run.id), told)
    lost_orders.link_to_payment(batch)
    audit.record_event(
        run.client_id, actor, "batch.made", f"batch:{batch.reference}", run=run.id, version=version, total=total,
        count=len(lines), difference=again, account=batch.bank_account_id, identity=identity, **details,
    )  # fmt: skip
    payee_answers.carry_answers(batch)
    line_verdicts.carry_verdicts(batch)
    doubt_answers.carry_doubts(batch)
    early_name_checks.plan_name_check(batch)
    return batch


def person_groups(lines: Sequence[OwedLine], employees: RunEmployees) -> dict[int, int]:
    """Return by the position of each line (from 1) the position of the first line of the same person: of the same
    employee, where that is known, else of the same due.
    """
    first: dict[object, int] = {}
    return {
        position: first.setdefault(employees.employees.get(payee_of(one.line)) or one.due, position)
        for position, one in enumerate(lines, 1)
    }


def _paid_line(line: PayableLine) -> PaidLine:
    return (line.creditor_iban, line.amount_cents, line.creditor_name, line.remittance)


def _unused(run: PayrollRun, version: str) -> str:
    """Return the version with the number of the attempt, if it was paid before, so that each payment has its own key.
    """
    mine = Batch.select().where(Batch.run == run.id, Batch.version.startswith(version), ~excess.is_excess())
    earlier = mine.count()
    return f"{version}:{earlier + 1}" if earlier else version


def _insert_lines(
    batch: Batch, lines: Sequence[OwedLine], refused: Mapping[tuple[int | None, str], str], employees: RunEmployees
) -> None:  # fmt: skip
    groups = person_groups(lines, employees)
    places = {position: place for place, position in enumerate(sorted(groups, key=lambda one: (groups[one], one)), 1)}
    names = creditor_names.load_creditor_names(batch.client_id, [one.line for one in lines])
    insert_rows(
        BatchLine,
        [
            {
                "batch": batch.id, "due": one.due, "position": position,
                "end_to_end_id": end_to_end_id(batch.reference, position), "creditor_name": one.line.creditor_name,
                "creditor_name_sepa": names.name_for_bank(one.line.creditor_iban, one.line.creditor_name),
                "remittance": one.line.remittance, "remittance_sepa": one.line.remittance_sepa,
                "reference_type": one.line.reference_type, "reference_issuer": one.line.reference_issuer,
                "creditor_iban": one.line.creditor_iban, "amount_cents": one.line.amount_cents,
                "already_paid_cents": one.line.already_paid_cents,
                "state": LineState.EXCLUDED if one.excluded else LineState.OPEN,
                "bank_reason_code": refused.get((one.due, one.line.creditor_iban)),
                "person_group": groups[position], "place": places[position],
                "paid_for": employees.paid_for.get(payee_of(one.line)),
            }
            for position, one in enumerate(lines, 1)
        ],
    )  # fmt: skip


def notify_approvers(batch: Batch) -> None:
    """Enqueue a mail and a push to everyone who may release it, with total and count but nobody's pay."""
    query = User.select().join(Membership).where(Membership.client == batch.client_id)
    client, people = (
        Client.get_by_id(batch.client_id),
        list(query.where(Membership.role.in_((Role.OWNER, Role.APPROVER)))),
    )
    path = f"/betalingen/{batch.reference}"
    push.enqueue_push(client, "waits", f"waits:{batch.id}", path, people, batch)
    for user in people:
        mail.enqueue_mail(
            user, "batch_ready", once=f"batch_ready:{batch.id}:{user.id}", client=client,
            path=path, total_cents=batch.total_cents, count=batch.line_count,
            description=batch.description,
        )  # fmt: skip


def known_employees(batch: Batch) -> RunEmployees:
    """Return what is known of the employees of the run, as recorded with an earlier payment of this version."""
    grouped = BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.person_group.is_null(False))
    payees = {(line.creditor_name, line.creditor_iban): line for line in grouped}
    return RunEmployees(
        batch.unpaid_employee_count, batch.unpaid_employee_names,
        {payee: str(line.person_group) for payee, line in payees.items()},
        {payee: line.paid_for for payee, line in payees.items() if line.paid_for},
    )  # fmt: skip


def record_offer(run: PayrollRun, found: Offer) -> None:
    """Record with the run what was overpaid, and whether anything is left to pay."""
    told: Any = [list(part) for part in found.overpaid] or None
    PayrollRun.update(overpaid=told, reason=reason_of(run, found), changed_at=utcnow()).where(
        PayrollRun.id == run.id
    ).execute()


def reason_of(run: PayrollRun, found: Offer) -> str | None:
    """Return why a run gives no payment, or what is unusual about it; None for an ordinary payment."""
    if found.overpaid:
        return "overpaid"
    if found.pay:
        return None
    return HELD if held_lines.held_lines_of(run).held else "nothing_more"
