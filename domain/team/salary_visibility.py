"""Who may see what each person earns. The one place that decides it, for every page, fragment and file."""

from dataclasses import replace

from domain.common import audit
from domain.common.errors import InsufficientRole
from domain.payments.line_search import LineQuery
from domain.payments.queries import Payment
from domain.payroll.run_history import Detail
from models import Client, Membership, transaction


def can_see_lines(role: str, client: Client) -> bool:
    """Whether this role sees names, IBANs and amounts of lines; everybody else sees total and count."""
    return role != "preparer" or not client.lines_hidden


def redact_payment(membership: Membership, payment: Payment) -> Payment:
    """The payment as this person may see it.

    Hidden means that it is not there: no line, no name and no digest of them reaches a template.
    """
    if can_see_lines(membership.role, membership.client):
        return payment
    return replace(
        payment, lines=[], digest="", overpaid=(), missing_names=None, hidden=True, found=None, spelt_count=0, spelt=(),
        reasons=False,
    )  # fmt: skip


def restrict_query(membership: Membership, look: LineQuery) -> LineQuery:
    """What this person may look for: who sees no lines finds nothing by searching them either."""
    return look if can_see_lines(membership.role, membership.client) else LineQuery()


def redact_history(membership: Membership, detail: Detail) -> Detail:
    """A run's history as this person may see it: what came in and went out may say who gets what."""
    if can_see_lines(membership.role, membership.client):
        return detail
    received = replace(detail.received, body="") if detail.received else None
    exchanges = [replace(one, asked={}, answer={}) for one in detail.exchanges]
    return replace(detail, overpaid=[], received=received, exchanges=exchanges)


def hide_lines(membership: Membership, hidden: bool) -> bool:
    """Hide the lines from preparers, or show them again; whether that changed anything. InsufficientRole."""
    if membership.role != "owner":
        raise InsufficientRole
    client = membership.client
    with transaction(client.id):
        changed = Client.update(lines_hidden=hidden).where(Client.id == client.id, Client.lines_hidden != hidden)
        if not changed.execute():
            return False
        audit.record_event(
            client.id, audit.by_user(membership.user), "lines_hidden.changed", f"client:{client.id}", hidden=hidden
        )
    return True
