"""*Zelfde als vorige keer*: whether a payment is like the one before, so that one tap on the overview approves it.

An owner decides by how many percent the total may differ; without that, nothing is approved from there. A payment of
which anything is unusual is opened first. Signing stays with a person at the bank, or takes the PIN.
"""

from enum import StrEnum

from domain.common import audit
from domain.common.errors import InsufficientRole
from domain.payments.payment_views import Payment
from models import Client, Membership, transaction
from models.states import BatchState, Role, RunKind

SPANS = (1, 2, 5, 10)  # percent


class Unusual(StrEnum):
    """Why a payment is opened first."""

    OTHER_KIND = "other_kind"  # wage tax, a supplement, or something extra: like no other payment
    FIRST = "first"  # nothing was executed that it can be held against
    PEOPLE = "people"  # who is paid, or how much somebody gets, is unusual
    ACCOUNTS = "accounts"  # an account is new or changed, or a payment to it came back
    NAMES = "names"  # a name is not that of the account, as a name-check service says
    LINES = "lines"  # a line is excluded or held
    DOUBTS = "doubts"  # somebody asked whether the run has a mistake
    WARNINGS = "warnings"  # something about the run must be read
    TOTAL = "total"  # it differs by more than is allowed


def find_unusual_about(payment: Payment, span_percent: int) -> list[Unusual]:
    """Return everything for which this open payment is opened first; empty if it is like the one before.

    Expects all lines, and what changed (`Payment.changes`).
    """
    if payment.kind != RunKind.SALARY or payment.is_excess:
        return [Unusual.OTHER_KIND]
    found = {
        Unusual.FIRST: payment.changes.against is None,
        Unusual.PEOPLE: payment.changes.tells,
        Unusual.ACCOUNTS: bool(payment.payees),
        Unusual.NAMES: any(one.differs for one in payment.early_names),
        Unusual.LINES: payment.lines_payable != payment.lines_all or bool(payment.beside.held),
        Unusual.DOUBTS: payment.is_doubted,
        Unusual.WARNINGS: bool(
            payment.cautions or payment.run_cautions or payment.overpaid or payment.debtor_differs
            or payment.newer_reference or payment.hold or payment.run_missing
        ),
        Unusual.TOTAL: payment.changes.against is not None and not _is_within(payment, span_percent),
    }  # fmt: skip
    return [one for one, applies in found.items() if applies]


def _is_within(payment: Payment, span_percent: int) -> bool:
    now, before = payment.total_cents, payment.changes.before_cents
    return abs(now - before) * 100 <= before * span_percent


def is_approved_from_overview(client: Client, payment: Payment) -> bool:
    """Return whether such a payment may be approved from the overview, if nothing about it is unusual."""
    return client.usual_span_percent is not None and payment.state == BatchState.OPEN


def set_usual_span(membership: Membership, percent: int | None) -> bool:
    """Set by how many percent the total may differ; None: every payment is opened first. Return whether it changed.

    Raises:
    - InsufficientRole: only owners may.
    - ValueError: not one of `SPANS`.
    """
    if membership.role != Role.OWNER:
        raise InsufficientRole
    if percent is not None and percent not in SPANS:
        raise ValueError(percent)
    with transaction(membership.client_id):
        client = Client.get_by_id(membership.client_id)
        if client.usual_span_percent == percent:
            return False
        Client.update(usual_span_percent=percent).where(Client.id == client.id).execute()
        audit.record_event(
            client.id, audit.by_user(membership.user), "usual_span.changed", f"client:{client.id}",
            percent=percent,
        )  # fmt: skip
    return True
