"""Allowances to pay somebody more than is owed: one person asks, another natural person allows, either may withdraw.

What an allowance changes in the reckoning is in `excess`; its payment is made in `domain.payroll.excess_payment`.
"""

import json
from typing import Any

from peewee import JOIN

from core.clock import utcnow
from domain.common import audit
from domain.common.encryption import blind_index
from domain.common.errors import NoPendingRequest, NotFound, SamePerson, TooFewApprovers
from domain.identity import signing_authority
from domain.identity.persons import same_person
from domain.outbox import mail, push
from domain.payments import four_eyes
from domain.payments.excess import allowance_of
from domain.payments.release import MAY_RELEASE, require_still_may
from models import Batch, Client, ExcessAllowance, Membership, User, require_client_lock
from models.states import BatchState

# States of its payment after which more can be allowed beside the same line.
_FINISHED = (
    BatchState.EXECUTED, BatchState.PARTLY_EXECUTED, BatchState.DISPUTED, BatchState.DISCARDED, BatchState.REPLACED,
)  # fmt: skip


# --- who may --------------------------------------------------------------------------------------
def others_who_may(client: Client, *beside: User) -> list[User]:
    """Return one account of each other person who may allow it, by role and by the register's last answer."""
    return four_eyes.signers(client, *beside)


def require_other_person(allowance: ExcessAllowance, user: User) -> None:
    """Check that this user is another natural person than who asked, who may still sign.

    Raises:
    - NoPendingRequest: who asked may no longer sign.
    - SamePerson
    """
    asked_by = allowance.asked_by
    member = Membership.get_or_none(Membership.client == allowance.client_id, Membership.user == asked_by.id)
    if same_person(asked_by, user):
        raise SamePerson
    if member is None or member.role not in MAY_RELEASE:
        raise NoPendingRequest
    if asked_by.id not in signing_authority.authorised_users(allowance.client):
        raise NoPendingRequest


# --- the rows -------------------------------------------------------------------------------------
def get_allowance(client: Client, allowance_id: int) -> ExcessAllowance:
    """Return an allowance with the person who asked.

    Raises:
    - NotFound: it is another client's, or none.
    """
    query = ExcessAllowance.select(ExcessAllowance, User).join(User, on=(User.id == ExcessAllowance.asked_by))
    row = query.where(ExcessAllowance.id == allowance_id, ExcessAllowance.client == client.id).first()
    if row is None:
        raise NotFound
    return row


def waiting_allowances(client: Client) -> list[ExcessAllowance]:
    """Return what one person asked and a second one has not allowed yet, oldest first."""
    query = ExcessAllowance.select(ExcessAllowance, User).join(User, on=(User.id == ExcessAllowance.asked_by))
    waits = ExcessAllowance.allowed_at.is_null() & ExcessAllowance.withdrawn_at.is_null()
    return list(query.where(ExcessAllowance.client == client.id, waits).order_by(ExcessAllowance.id))


def unfinished_beside(line_id: int) -> ExcessAllowance | None:
    """Return the allowance beside this order line that waits, or whose payment may still pay it; None if there is none.
    """
    live = ExcessAllowance.select().join(Batch, JOIN.LEFT_OUTER).where(
        ExcessAllowance.beside == line_id, ExcessAllowance.withdrawn_at.is_null(),
        ExcessAllowance.batch.is_null() | Batch.state.not_in(_FINISHED),
    )  # fmt: skip
    return live.first()


def store_request(membership: Membership, **facts: Any) -> ExcessAllowance:
    """Store what was asked and tell whoever may allow it, in a transaction that holds the client's lock.

    Raises:
    - InsufficientRole: the role was taken away a moment ago.
    - TooFewApprovers: nobody else may allow it.
    """
    client, user = membership.client, membership.user
    require_client_lock(client.id)
    require_still_may(membership)
    others = others_who_may(client, user)
    if not others:
        raise TooFewApprovers
    row = ExcessAllowance.create(client=client.id, asked_by=user.id, **facts)
    _record(row, audit.by_user(user), "asked", due=row.due_id, beside=row.beside_id, cents=row.amount_cents,
            about=asked_hash(row))  # fmt: skip
    path = _path(row)
    push.enqueue_push(client, "excess", f"excess:{row.id}", path, others)
    for other in others:
        mail.enqueue_mail(
            other, "excess_asked", once=f"excess:{row.id}:{other.id}", client=client, path=path, by=user.name
        )
    return row


def store_allowed(allowance: ExcessAllowance, user: User, batch: Batch) -> None:
    """Store who allowed it and the payment that was made of it, in the caller's transaction.

    Raises:
    - NoPendingRequest: it was allowed or ended already.
    """
    require_client_lock(allowance.client_id)
    waits = ExcessAllowance.allowed_at.is_null() & ExcessAllowance.withdrawn_at.is_null()
    changed = ExcessAllowance.update(allowed_by=user.id, allowed_at=utcnow(), batch=batch.id)
    if changed.where(ExcessAllowance.id == allowance.id, waits).execute() != 1:
        raise NoPendingRequest
    _record(allowance, audit.by_user(user), "allowed", cents=allowance.amount_cents, payment=batch.reference)


def end_allowance(allowance: ExcessAllowance, reason: str, user: User | None = None) -> None:
    """End an allowance, which then pays nothing, and tell the others. `user`: who withdrew it; None: by itself.

    The caller ends its payment, in the same transaction.
    """
    require_client_lock(allowance.client_id)
    ended = ExcessAllowance.update(
        withdrawn_at=utcnow(), withdrawn_by=user.id if user else None, withdrawn_reason=reason
    ).where(ExcessAllowance.id == allowance.id, ExcessAllowance.withdrawn_at.is_null()).execute()  # fmt: skip
    if not ended:
        return
    _record(allowance, audit.by_user(user) if user else audit.WORKER, "withdrawn" if user else "ended", reason=reason)
    client = Client.get_by_id(allowance.client_id)
    concerned = {allowance.asked_by_id, allowance.allowed_by_id} - {None, user.id if user else None}
    for other in User.select().where(User.id.in_(concerned)):
        mail.enqueue_mail(
            other, "excess_ended", once=f"excess-ended:{allowance.id}:{other.id}", client=client,
            path=_path(allowance), by=user.name if user else None,
        )  # fmt: skip


def end_of_payment(batch: Batch, reason: str, user: User | None = None) -> None:
    """End the allowance of a payment that is given up, if it was made of one."""
    allowance = allowance_of(batch)
    if allowance is not None:
        end_allowance(allowance, reason, user)


def asked_hash(row: ExcessAllowance) -> str:
    """Return the keyed hash of whom it pays and why, for the log."""
    facts = [row.creditor_name, row.creditor_iban, row.remittance, row.reason]
    return blind_index(f"excess:{json.dumps(facts)}")


def _path(row: ExcessAllowance) -> str:
    return f"/{Client.get_by_id(row.client_id).public_id}/betalingen/extra/{row.id}"


def _record(row: ExcessAllowance, actor: str, what: str, **details: Any) -> None:
    audit.record_event(row.client_id, actor, f"excess.{what}", f"excess:{row.id}", **details)
