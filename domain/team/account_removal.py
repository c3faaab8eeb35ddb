"""A user removes the own account: what goes at once, what stays as proof, and while what it is refused.

The rights of the user end everywhere, and so does every means to sign in. Logs keep `user:<id>`. Name, identification
and signing authority of somebody who approved or attested something stay, as proof of who did, for as long as it is
kept who was paid (`domain.operations.redaction`). Of anybody else they go at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domain.accounts import accounts, devices, pins, removed_users
from domain.common import audit
from domain.common.errors import AccountNeeded
from domain.outbox import mail
from domain.payments import amendments, four_eyes
from domain.team import members
from models import (
    Approval,
    BankConsent,
    BankOrder,
    Batch,
    Client,
    Device,
    Evidence,
    ExcessAllowance,
    Membership,
    NameConfirmation,
    OrderDownload,
    Release,
    User,
    transaction,
)
from models.states import BatchState, ClientState, OrderState, Role

# States of a payment whose order waits for the person who approved it, or is in that person's hands.
_IN_HAND = (BatchState.SENDING, BatchState.NAME_CHECK, BatchState.AT_BANK)


class Needed(StrEnum):
    """What an account is still needed for."""

    LAST_OWNER = "last_owner"  # nobody else could look after this client
    TOO_FEW = "too_few"  # two people must approve, and one would be left
    WAITS = "waits"  # something waits for this person


@dataclass(frozen=True)
class Obstacle:
    """Why the account is still needed, and for which company."""

    why: Needed
    company: str


def obstacles(user: User) -> list[Obstacle]:
    """Return why this user cannot leave now; nothing if they can."""
    found = []
    for row in accounts.memberships_of(user):
        found += [Obstacle(why, row.client.name) for why in _needed(row)]
    return found


def _needed(member: Membership) -> Iterator[Needed]:
    client, user = member.client, member.user
    if client.state != ClientState.OPEN:
        return  # nobody has to look after it any more, and nothing of it is at a bank
    others = Membership.select().where(Membership.client == client.id, Membership.id != member.id)
    if member.role == Role.OWNER and not others.where(Membership.role == Role.OWNER).exists():
        yield Needed.LAST_OWNER
    elif client.dual_approval_from_cents is not None:
        signers = [one.id for one in four_eyes.signers(client)]
        if user.id in signers and len(signers) < 3:
            yield Needed.TOO_FEW
    if _waits(client, user):
        yield Needed.WAITS


def _waits(client: Client, user: User) -> bool:
    """Return whether an order of this person is on its way, or something they asked or attested is unfinished."""
    released = Release.select(Release.batch).where(Release.user == user.id, Release.voided_at.is_null())
    approved = Approval.select(Approval.batch).where(Approval.user == user.id, Approval.voided_at.is_null())
    mine = Batch.id.in_(released) | Batch.id.in_(approved)
    in_hand = Batch.select().where(Batch.client == client.id, Batch.state.in_(_IN_HAND), mine)
    asked = ExcessAllowance.select().where(
        ExcessAllowance.client == client.id, ExcessAllowance.asked_by == user.id, ExcessAllowance.allowed_at.is_null(),
        ExcessAllowance.withdrawn_at.is_null(),
    )  # fmt: skip
    unfinished = BankOrder.state.not_in((OrderState.EXECUTED, OrderState.CLOSED))
    said = Evidence.select().join(BankOrder).join(Batch).where(
        Batch.client == client.id, unfinished, Evidence.said_by == audit.by_user(user)
    )  # fmt: skip
    confirmed = NameConfirmation.select().join(BankOrder).join(Batch).where(
        Batch.client == client.id, unfinished, NameConfirmation.user == user.id
    )  # fmt: skip
    return any(query.exists() for query in (in_hand, asked, said, confirmed))


def remove_account(user: User, pin: str, device: Device | None) -> None:
    """Remove this user's account, on a confirmed device and with the PIN.

    Approvals of payments that are not sent yet are void; what is at a bank goes on. Somebody in no company who never
    set a PIN needs none: it can be set in a company only.

    Raises:
    - PinWrong, PinLocked, PinMissing, DeviceUnconfirmed
    - AccountNeeded: a company still needs this person.
    """
    if pins.has_pin(user) or accounts.first_membership(user) is not None:
        pins.check_pin(user, pin, device)
    else:
        devices.require_confirmed(user, device.id if device else None)
    with transaction(*removed_users.clients_of(user.id)):
        found = obstacles(user)
        if found:
            raise AccountNeeded(found[0].why, found[0].company)
        for row in accounts.memberships_of(user):
            _leave(row)
        acted = has_acted(user)
        removed_users.remove_credentials(user)
        if not acted:
            removed_users.forget_person(user.id)
        mail.enqueue_mail(
            user, "account_removed", once=f"removed:{user.id}", to=user.email, name=user.name, acted=acted
        )


def _leave(member: Membership) -> None:
    client, user = member.client, member.user
    Membership.delete().where(Membership.id == member.id).execute()
    members.revoke_owner_rights(client, user)
    amendments.void_approvals(client, audit.by_user(user), "member_removed", by=user)
    audit.record_event(client.id, audit.by_user(user), "member.account_removed", f"user:{user.id}", role=member.role)
    mail.notify_owners(client, "left", user, user, member.role)


def has_acted(user: User) -> bool:
    """Return whether this user approved, attested, asked or linked something: then who it was is part of the books."""
    tables: Any = (Release, Approval, NameConfirmation, OrderDownload, BankConsent)
    if any(table.select().where(table.user == user.id).exists() for table in tables):
        return True
    allowed = (ExcessAllowance.asked_by == user.id) | (ExcessAllowance.allowed_by == user.id)
    beyond = ExcessAllowance.select().where(allowed | (ExcessAllowance.withdrawn_by == user.id))
    return beyond.exists() or Evidence.select().where(Evidence.said_by == audit.by_user(user)).exists()
