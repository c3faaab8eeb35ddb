"""Four eyes: from a set total, two different people approve a payment, and never the person who changed it last.

The first approval changes no state. It holds for exactly the digest that was shown, until something changes. The second
approval creates the release (docs/decisions/0016-four-eyes.md).
"""

from dataclasses import dataclass
from typing import Any

from core.clock import utcnow
from domain.common import audit
from domain.common.errors import (
    InsufficientRole,
    LastEditorCannotApprove,
    NoPendingRequest,
    SamePerson,
    TooFewApprovers,
)
from domain.identity import identification, signing_authority
from domain.identity.persons import People, same_person
from domain.outbox import mail, push
from domain.payments import shown_changes
from models import (
    Approval,
    ApprovalThresholdChange,
    AuditEvent,
    Batch,
    Client,
    Membership,
    Release,
    User,
    require_client_lock,
    transaction,
)
from models.states import AuthorityAnswer, BatchState, Role

MAY_APPROVE = (Role.OWNER, Role.APPROVER)
# Why approvals were voided: a wish of the company changed (domain.payments.digest).
WISH_REASONS = ("name_check_off", "name_check_on", "booking_changed")


@dataclass(frozen=True)
class DualApprovalStatus:
    """Who approved a payment that needs two people, and who may still be asked (names).

    `voided`: which wish changed, so that the approvals that were given do not count.
    """

    approved_by: tuple[str, ...]
    eligible: tuple[str, ...]
    approved_by_me: bool
    changed_by_me: bool
    open: bool
    asks_me: bool = False
    voided: str | None = None

    @property
    def waits(self) -> bool:
        """Return whether one person has approved, and a second is needed."""
        return self.open and bool(self.approved_by)

    @property
    def stuck(self) -> bool:
        """Return whether there are too few people to approve it."""
        return self.open and len(self.approved_by) + len(self.eligible) < 2


def is_required(client: Client, total_cents: int) -> bool:
    """Return whether a payment of this total (cents) needs two people."""
    return client.dual_approval_from_cents is not None and total_cents >= client.dual_approval_from_cents


def signers(client: Client, *beside: User) -> list[User]:
    """Return one account of each person who may approve, by role and by the register's last answer.

    The persons of the accounts in `beside` are left out.
    """
    query = User.select().join(Membership)
    members = query.where(Membership.client == client.id, Membership.role.in_(MAY_APPROVE)).order_by(User.id)
    authorised = signing_authority.authorised_users(client)
    may_sign = [user for user in members if user.id in authorised]
    people = People({user.id: user for user in [*beside, *may_sign]}.values())
    return [user for user in people.distinct() if user.id not in {one.id for one in beside}]


def _last_editor(batch: Batch) -> list[User]:
    return [batch.last_edited_by] if batch.last_edited_by else []


def valid_approvals(batch_id: int) -> list[Approval]:
    """Return the approvals of a payment that are not void, oldest first."""
    return [one for one in _approvals_of(batch_id) if one.voided_at is None]


def _approvals_of(batch_id: int) -> list[Approval]:
    query = Approval.select(Approval, User).join(User)
    return list(query.where(Approval.batch == batch_id).order_by(Approval.id))


def dual_approval_status(
    client: Client, user: User, batch_id: int, state: str, total_cents: int
) -> DualApprovalStatus | None:
    """Return the status for this user; None if one person suffices, or if the payment is released without approvals."""
    if client.dual_approval_from_cents is None:
        return None
    every = _approvals_of(batch_id)
    given = [one for one in every if one.voided_at is None]
    if state != BatchState.OPEN:
        return DualApprovalStatus(tuple(one.user.name for one in given), (), False, False, False) if given else None
    if not is_required(client, total_cents):
        return None
    batch, done = Batch.get_by_id(batch_id), {one.user_id for one in given}
    last_edited_by = batch.last_edited_by_id
    asked = signers(client, *(one.user for one in given), *_last_editor(batch))
    names, others = tuple(one.user.name for one in given), tuple(one.name for one in asked)
    return DualApprovalStatus(
        names, others, user.id in done, last_edited_by == user.id, True, user.id in {one.id for one in asked},
        every[-1].void_reason if every and not given and every[-1].void_reason in WISH_REASONS else None,
    )  # fmt: skip


def people_behind(release: Release) -> int:
    """Return how many people approved exactly what this release holds, at least 1. Later settings do not change it."""
    same = (Approval.batch == release.batch_id) & (Approval.digest == release.digest)
    return max(1, Approval.select(Approval.user).where(same).distinct().count())


# --- approving ------------------------------------------------------------------------------------
def approve(
    batch: Batch, user: User, shown: str, total_cents: int, proof: str, ip: str, date_was_automatic: bool,
    changes: Any = None,
) -> Approval | None:  # fmt: skip
    """Record this person's approval, in the transaction of the release. Return None if it was the last one needed.

    A second approval by the same person changes nothing. `changes`: what this person was told (`shown_changes.kept`).

    Raises:
    - LastEditorCannotApprove
    - SamePerson: another account of the same person approved it.
    """
    require_client_lock(batch.client_id)
    if batch.last_edited_by_id == user.id:
        raise LastEditorCannotApprove
    given = _counting(batch, shown)
    mine = next((one for one in given if one.user_id == user.id), None)
    if mine is not None:
        return mine
    if any(same_person(one.user, user) for one in given):
        raise SamePerson
    row = Approval.create(
        batch=batch.id, user=user, digest=shown, total_cents=total_cents, authentication_method=proof, ip=ip,
        date_was_automatic=date_was_automatic, changes=changes,
    )  # fmt: skip
    audit.record_event(
        batch.client_id, audit.by_user(user), "batch.approved_by_one", f"batch:{batch.reference}", digest=shown,
        total=total_cents, proof=proof, approval=row.id, **shown_changes.for_log(changes),
    )  # fmt: skip
    if given:
        return None
    _ask_next(batch, row)
    return row


def digest_in_force(batch: Batch, shown: str, first_version: str) -> str:
    """Return the digest to approve: `first_version` if an approval of that version stands, else `shown`.

    Both are of the payment as it is now. An approval given before digests had wishes counts as long as no wish changed.
    """
    if not any(one.digest == first_version for one in valid_approvals(batch.id)):
        return shown
    changed = AuditEvent.select().where(AuditEvent.client == batch.client_id, AuditEvent.kind == "bank_wishes.changed")
    given = min(one.approved_at for one in valid_approvals(batch.id))
    return shown if changed.where(AuditEvent.created_at >= given).exists() else first_version


def _counting(batch: Batch, shown: str) -> list[Approval]:
    """Return the valid approvals of this digest by people who still have authority, and void the others."""
    counting = []
    for one in valid_approvals(batch.id):
        answer = signing_authority.latest_decision(batch.client, one.user)
        if one.digest == shown and answer is not None and answer.answer == AuthorityAnswer.AUTHORISED:
            counting.append(one)
        else:
            _void((Approval.id == one.id), "changed" if one.digest != shown else "authority")
    return counting


def _ask_next(batch: Batch, row: Approval) -> None:
    client, path = Client.get_by_id(batch.client_id), f"/betalingen/{batch.reference}"
    others = signers(client, row.user, *_last_editor(batch))
    push.enqueue_push(client, "asked", f"asked:{row.id}", path, others, batch)
    for other in others:
        mail.enqueue_mail(
            other, "approval_asked", once=f"approval:{row.id}:{other.id}", client=client, path=path,
            by=row.user.name, total_cents=row.total_cents,
        )  # fmt: skip


def void_approvals_of(batch: Batch, reason: str) -> int:
    """Void all approvals of this payment; return how many there were. A date that nobody chose is free again."""
    require_client_lock(batch.client_id)
    given = valid_approvals(batch.id)
    if any(one.date_was_automatic for one in given):
        Batch.update(execution_date=None).where(Batch.id == batch.id).execute()
    return _void(Approval.batch == batch.id, reason) if given else 0


def void_unneeded_approvals(batch: Batch) -> None:
    """Void what was approved while two had to: since then one suffices, and that one releases alone. The date stays."""
    require_client_lock(batch.client_id)
    _void(Approval.batch == batch.id, "one_suffices")


def _void(which, reason: str) -> int:
    return (
        Approval.update(voided_at=utcnow(), void_reason=reason).where(which, Approval.voided_at.is_null()).execute()
    )


# --- the setting ----------------------------------------------------------------------------------
def set_threshold(membership: Membership, from_cents: int | None) -> str:
    """Set the total in cents from which two must approve; None: one suffices. Return "changed", "same" or "asked".

    A stricter setting counts at once. A weaker one may be set only by who may sign by the register now, and waits
    until another signer agrees, if there is one.

    Raises:
    - InsufficientRole: the user is no owner.
    - TooFewApprovers: fewer than two persons may sign.
    - NotIdentified, AuthorityPending, AuthorityRefused, RegisterUnavailable, UnknownCompany: may not sign now.
    """
    if membership.role != Role.OWNER:
        raise InsufficientRole
    client, user = membership.client, membership.user
    if _weaker(Client.get_by_id(client.id).dual_approval_from_cents, from_cents):
        identification.require_fresh_authority(client, user)
    with transaction(client.id):
        now = _held(client)
        if now.dual_approval_from_cents == from_cents:
            ApprovalThresholdChange.delete().where(ApprovalThresholdChange.client == client.id).execute()
            return "same"
        if from_cents is not None and len(signers(client)) < 2:
            raise TooFewApprovers
        others = signers(client, user)
        if _weaker(now.dual_approval_from_cents, from_cents) and others:
            _ask(client, user, from_cents, others)
            return "asked"
        _set(client, user, from_cents)
    return "changed"


def _held(client: Client) -> Client:
    require_client_lock(client.id)
    return Client.get_by_id(client.id)


def _weaker(before: int | None, after: int | None) -> bool:
    return before is not None and (after is None or after > before)


def _ask(client: Client, user: User, from_cents: int | None, others: list[User]) -> None:
    ApprovalThresholdChange.delete().where(ApprovalThresholdChange.client == client.id).execute()
    row = ApprovalThresholdChange.create(client=client, user=user, threshold_cents=from_cents)
    audit.record_event(client.id, audit.by_user(user), "four_eyes.asked", f"client:{client.id}", from_cents=from_cents)
    for other in others:
        mail.enqueue_mail(
            other, "four_eyes_asked", once=f"four-eyes:{row.id}:{row.requested_at.isoformat()}:{other.id}",
            client=client,
            path=f"/{client.public_id}/mensen", by=user.name, from_cents=from_cents,
        )  # fmt: skip


def _set(client: Client, user: User, from_cents: int | None, **more: int) -> None:
    Client.update(dual_approval_from_cents=from_cents).where(Client.id == client.id).execute()
    ApprovalThresholdChange.delete().where(ApprovalThresholdChange.client == client.id).execute()
    audit.record_event(
        client.id, audit.by_user(user), "four_eyes.changed", f"client:{client.id}", from_cents=from_cents, **more
    )


def pending_threshold_change(client: Client) -> ApprovalThresholdChange | None:
    """Return the weaker setting that waits for another person's agreement, if any."""
    query = ApprovalThresholdChange.select(ApprovalThresholdChange, User).join(User)
    return query.where(ApprovalThresholdChange.client == client.id).first()


def confirm_threshold_change(membership: Membership, key: str) -> None:
    """Agree, as a second person, to a weaker setting; it then counts.

    Raises:
    - NoPendingRequest: also when whoever asked may no longer sign.
    - InsufficientRole
    - SamePerson: the user asked for it, with this account or another.
    - NotIdentified, AuthorityPending, AuthorityRefused, RegisterUnavailable, UnknownCompany: may not sign now.
    """
    client, user = membership.client, membership.user
    if membership.role not in MAY_APPROVE:
        raise InsufficientRole
    identification.require_fresh_authority(client, user)
    with transaction(client.id):
        row = _answerable(membership, key)
        if row.user_id not in signing_authority.authorised_users(client):
            raise NoPendingRequest
        if same_person(row.user, user):
            raise SamePerson
        _set(client, user, row.threshold_cents, asked_by=row.user_id)


def decline_threshold_change(membership: Membership, key: str) -> None:
    """Decline the weaker setting. Any approver may, also the person who asked for it.

    Raises:
    - NoPendingRequest
    - InsufficientRole
    """
    with transaction(membership.client_id):
        row = _answerable(membership, key)
        ApprovalThresholdChange.delete().where(ApprovalThresholdChange.id == row.id).execute()
        client = membership.client
        audit.record_event(client.id, audit.by_user(membership.user), "four_eyes.declined", f"client:{client.id}")


def _answerable(membership: Membership, key: str) -> ApprovalThresholdChange:
    if membership.role not in MAY_APPROVE:
        raise InsufficientRole
    _held(membership.client)
    row = pending_threshold_change(membership.client)
    if row is None or row.key != key:
        raise NoPendingRequest
    return row
