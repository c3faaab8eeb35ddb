"""Who may see individual wages. The only place that decides it, for every page, fragment and file."""

from collections.abc import Sequence
from dataclasses import replace

from domain.common import audit
from domain.common.errors import InsufficientRole
from domain.payments.held_lines import NONE_HELD
from domain.payments.line_search import LineQuery
from domain.payments.pay_changes import NO_CHANGES
from domain.payments.payment_views import Payment
from domain.payroll.run_history import Detail
from domain.payroll.unpaid import UnpaidLine
from models import Client, Membership, transaction
from models.states import Role


def can_see_lines(role: str, client: Client) -> bool:
    """Return whether this role sees names, IBANs and amounts of payment lines; others see total and count."""
    return role != Role.PREPARER or not client.hide_lines_from_preparers


def redact_payment(membership: Membership, payment: Payment) -> Payment:
    """Return the payment as this member may see it.

    What is hidden is removed: no line, name or digest reaches a template.
    """
    if can_see_lines(membership.role, membership.client):
        return payment
    return replace(
        payment, lines=[], digest="", overpaid=(), unpaid_employee_names=None, hidden=True, found=None, spelt_count=0,
        spelt=(), doubts=(),
        reasons=False, beside=NONE_HELD, run_cautions=(), payees=(), early_names=(), beside_excluded=(),
        changes=NO_CHANGES, approved_changes=None,
    )  # fmt: skip


def restrict_query(membership: Membership, query: LineQuery) -> LineQuery:
    """Return the search as this member may use it: a member who sees no lines cannot find any by searching."""
    return query if can_see_lines(membership.role, membership.client) else LineQuery()


def redact_unpaid(membership: Membership, lines: Sequence[UnpaidLine]) -> list[UnpaidLine]:
    """Return what was not paid as this member may see it: without names, accounts and amounts, only how many."""
    if can_see_lines(membership.role, membership.client):
        return list(lines)
    return [replace(one, name="", iban="", amount_cents=0, owed=None, said=None) for one in lines]


def redact_history(membership: Membership, detail: Detail) -> Detail:
    """Return the run's history as this member may see it: received and sent data may contain individual wages."""
    if can_see_lines(membership.role, membership.client):
        return detail
    received = replace(detail.received, body="") if detail.received else None
    exchanges = [replace(call, asked={}, answer={}) for call in detail.exchanges]
    return replace(detail, overpaid=[], beside=NONE_HELD, received=received, exchanges=exchanges)


def hide_lines(membership: Membership, hidden: bool) -> bool:
    """Hide payment lines from preparers, or show them. Returns whether anything changed.

    Raises:
    - InsufficientRole: only owners may.
    """
    if membership.role != Role.OWNER:
        raise InsufficientRole
    client = membership.client
    with transaction(client.id):
        changed = Client.update(hide_lines_from_preparers=hidden).where(
            Client.id == client.id, Client.hide_lines_from_preparers != hidden
        )
        if not changed.execute():
            return False
        audit.record_event(
            client.id, audit.by_user(membership.user), "hide_lines_from_preparers.changed", f"client:{client.id}",
            hidden=hidden
        )
    return True
