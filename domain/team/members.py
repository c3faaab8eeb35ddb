"""Members of a client and their roles. Only owners can change or remove them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from core.clock import utcnow
from domain.common import audit
from domain.common.errors import LastOwner, NotFound, TooFewApprovers
from domain.outbox import mail
from domain.payments import amendments, four_eyes
from domain.team import invitations
from domain.team.salary_visibility import can_see_lines
from models import ApprovalThresholdChange, Client, Identification, Membership, User, require_client_lock, transaction
from models.states import Role

ACTIVITY_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True)
class MemberView:
    """A member as shown on screen. `seen_at`: last activity in this client, UTC.

    `sees_salaries`: may see names, IBANs and amounts of payment lines.
    """

    id: int
    user_id: int
    name: str
    email: str
    role: str
    identified: bool
    seen_at: datetime
    sees_salaries: bool


def members(client: Client) -> list[MemberView]:
    """Return all members of this client, in order of joining."""
    identifications = Identification.select(fn.count(Identification.id)).where(Identification.user == User.id)
    query: Any = (
        Membership.select(Membership, User, identifications.alias("known")).join(User)
        .where(Membership.client == client.id).order_by(Membership.id)
    )  # fmt: skip
    return [
        MemberView(
            row.id, row.user_id, row.user.name, row.user.email, row.role, row.known > 0, row.last_used_at,
            can_see_lines(row.role, client),
        )
        for row in query
    ]  # fmt: skip


def touch_membership(membership: Membership) -> None:
    """Record that the member is active in this client, at most once a minute."""
    now = utcnow()
    if now - membership.last_used_at > ACTIVITY_INTERVAL:
        Membership.update(last_used_at=now).where(Membership.id == membership.id).execute()


def get_member(client: Client, membership_id: int) -> Membership:
    """Return a member of this client.

    Raises:
    - NotFound
    """
    query = Membership.select(Membership, User).join(User)
    row = query.where(Membership.id == membership_id, Membership.client == client.id).first()
    if row is None:
        raise NotFound
    return row


def change_role(client: Client, by: User, membership_id: int, role: str) -> bool:
    """Change a member's role, from the next request on. Returns whether anything changed.

    If the new role may not approve, the member's approvals of payments that are not yet submitted are void.

    Raises:
    - InsufficientRole
    - NotFound
    - LastOwner
    - TooFewApprovers
    """
    if role not in invitations.ROLES:
        raise NotFound
    with transaction(client.id):
        row = _get_for_change(client, by, membership_id)
        if row.role == role:
            return False
        before = row.role
        _require_allowed(client, row, role)
        Membership.update(role=role).where(Membership.id == row.id).execute()
        if role != Role.OWNER:
            revoke_owner_rights(client, row.user)
        if role not in four_eyes.MAY_APPROVE:
            amendments.void_approvals(client, audit.by_user(by), "role_changed", by=row.user)
        audit.record_event(
            client.id, audit.by_user(by), "member.role_changed", f"user:{row.user_id}", before=before, after=role
        )
        mail.notify_owners(client, "role", row.user, by, role, *([row.user] if before == Role.OWNER else []))
    return True


def remove_member(client: Client, by: User, membership_id: int) -> None:
    """Remove a member, from the next request on.

    The member's approvals of payments that are not yet submitted are void, and the invitations they sent are revoked.

    Raises:
    - InsufficientRole
    - NotFound
    - LastOwner
    - TooFewApprovers
    """
    with transaction(client.id):
        row = _get_for_change(client, by, membership_id)
        _require_allowed(client, row, None)
        Membership.delete().where(Membership.id == row.id).execute()
        revoke_owner_rights(client, row.user)
        amendments.void_approvals(client, audit.by_user(by), "member_removed", by=row.user)
        audit.record_event(client.id, audit.by_user(by), "member.removed", f"user:{row.user_id}", role=row.role)
        mail.notify_owners(client, "removed", row.user, by, row.role, *([row.user] if row.role == Role.OWNER else []))


def _get_for_change(client: Client, by: User, membership_id: int) -> Membership:
    """Return the member. The client's lock must be held, so that no other request changes members."""
    require_client_lock(client.id)
    invitations.require_owner(client, by)
    return get_member(client, membership_id)


def _require_allowed(client: Client, row: Membership, role: str | None) -> None:
    """Require that an owner remains, and under dual approval two persons who may sign."""
    others = Membership.select().where(Membership.client == client.id, Membership.id != row.id)
    if row.role == Role.OWNER and role != Role.OWNER and not others.where(Membership.role == Role.OWNER).exists():
        raise LastOwner
    if row.role in four_eyes.MAY_APPROVE and role not in four_eyes.MAY_APPROVE:
        signers = [user.id for user in four_eyes.signers(client)]
        too_few = row.user_id in signers and len(signers) < 3
        if Client.get_by_id(client.id).dual_approval_from_cents is not None and too_few:
            raise TooFewApprovers


def revoke_owner_rights(client: Client, user: User) -> None:
    """Revoke pending invitations and threshold changes, which only an owner may request."""
    invitations.revoke_invitations_by(client, user)
    ApprovalThresholdChange.delete().where(
        ApprovalThresholdChange.client == client.id, ApprovalThresholdChange.user == user.id
    ).execute()
