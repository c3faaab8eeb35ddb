"""Invitations by mail: bound to the address they were sent to, valid once, for a week."""

from datetime import timedelta

from core.clock import utcnow
from core.ids import random_token
from domain.accounts import passwords
from domain.accounts.accounts import normalise_email
from domain.common import audit
from domain.common.encryption import blind_index
from domain.common.errors import InsufficientRole, InvitationRefused, LinkExpired, NotFound
from domain.outbox import mail
from models import Client, Invitation, Membership, User, require_client_lock, transaction
from models.states import Role

INVITATION_LIFE = timedelta(days=7)
MAX_PENDING = 20  # per client, so that an account cannot be used to send spam
ROLES = (Role.OWNER, Role.APPROVER, Role.PREPARER)


def invite_member(client: Client, user: User, email: str, role: str, to_sign: bool = False) -> Invitation:
    """Invite the owner of this address; an earlier invitation of this address ends.

    `to_sign`: the invited person must also identify, as a co-signer.

    Raises:
    - InsufficientRole: only owners may.
    - InvitationRefused: yourself, member, role or too_many.
    """
    email = normalise_email(email)
    if role not in ROLES or (to_sign and role == Role.PREPARER):
        raise InvitationRefused("role")
    if email == user.email:
        raise InvitationRefused("yourself")
    with transaction(client.id):
        require_owner(client, user)
        if Membership.select().join(User).where(Membership.client == client.id, User.email == email).exists():
            raise InvitationRefused("member")
        _revoke(client, Invitation.email == email)
        if len(pending_invitations(client)) >= MAX_PENDING:
            raise InvitationRefused("too_many")
        row = Invitation.create(
            client=client, invited_by=user, email=email, role=role, as_co_signer=to_sign,
            token_hash=blind_index(random_token()), expires_at=utcnow() + INVITATION_LIFE,
        )  # fmt: skip
        audit.record_event(
            client.id, audit.by_user(user), "invitation.sent", f"invitation:{row.id}", role=role, sign=to_sign
        )
        _mail_new_link(row, user)
    return row


def require_owner(client: Client, user: User) -> None:
    """Require that the user is an owner now. The client's lock must be held, so that no role changes meanwhile.

    Raises:
    - InsufficientRole
    """
    require_client_lock(client.id)
    mine = (Membership.client == client.id) & (Membership.user == user.id) & (Membership.role == Role.OWNER)
    if not Membership.select().where(mine).exists():
        raise InsufficientRole


def _mail_new_link(row: Invitation, by: User) -> None:
    """Mail a new link, which replaces the previous one. Only its hash is stored."""
    secret = random_token()
    Invitation.update(token_hash=blind_index(secret), expires_at=utcnow() + INVITATION_LIFE).where(
        Invitation.id == row.id
    ).execute()
    mail.enqueue_mail(
        by, "second_signer" if row.as_co_signer else "invitation", once=f"invitation:{blind_index(secret)}",
        client=row.client, path=f"/uitnodiging/{secret}", to=row.email, by=by.name, role=row.role,
    )  # fmt: skip


def _is_pending() -> tuple:
    return Invitation.accepted_at.is_null(), Invitation.revoked_at.is_null()


def _revoke(client: Client, *which) -> int:
    query = Invitation.update(revoked_at=utcnow()).where(Invitation.client == client.id, *_is_pending(), *which)
    return query.execute()


def revoke_invitations_by(client: Client, user: User) -> None:
    """Revoke the invitations sent by a user who may no longer invite. Call it inside the caller's transaction."""
    require_client_lock(client.id)
    _revoke(client, Invitation.invited_by == user.id)


def revoke_invitations(client: Client) -> None:
    """Revoke every invitation that was not accepted yet. Call it inside the caller's transaction."""
    require_client_lock(client.id)
    _revoke(client)


def pending_invitations(client: Client) -> list[Invitation]:
    """Return the invitations that are neither accepted nor revoked, including expired ones, which can be sent again."""
    query = Invitation.select().where(Invitation.client == client.id, *_is_pending())
    return list(query.order_by(Invitation.id))


def _get_pending(client: Client, invitation_id: int) -> Invitation:
    row = Invitation.get_or_none(Invitation.id == invitation_id, Invitation.client == client.id, *_is_pending())
    if row is None:
        raise NotFound
    return row


def revoke_invitation(client: Client, user: User, invitation_id: int) -> None:
    """Revoke a pending invitation.

    Raises:
    - NotFound: it is no longer pending.
    - InsufficientRole
    """
    with transaction(client.id):
        require_owner(client, user)
        row = _get_pending(client, invitation_id)
        _revoke(client, Invitation.id == row.id)
        audit.record_event(client.id, audit.by_user(user), "invitation.withdrawn", f"invitation:{row.id}")


def resend(client: Client, user: User, invitation_id: int) -> None:
    """Mail a new link, valid for another week.

    Raises:
    - NotFound
    - InsufficientRole
    """
    with transaction(client.id):
        require_owner(client, user)
        row = _get_pending(client, invitation_id)
        audit.record_event(client.id, audit.by_user(user), "invitation.sent_again", f"invitation:{row.id}")
        _mail_new_link(row, user)


# --- accepting ---
def find_valid_invitation(secret: str) -> Invitation | None:
    """Return the invitation of this link if it is valid, or None. Consumes nothing: mail scanners open links."""
    return Invitation.get_or_none(
        Invitation.token_hash == blind_index(secret), Invitation.expires_at > utcnow(), *_is_pending()
    )  # fmt: skip


def _require_valid(secret: str) -> Invitation:
    invitation = find_valid_invitation(secret)
    if invitation is None:
        raise LinkExpired
    return invitation


def has_account(invitation: Invitation) -> bool:
    return User.select().where(User.email == invitation.email).exists()


def mask_email(email: str) -> str:
    """Return a masked address, such as n…@d….nl, that its owner still recognises."""
    name, _, host = email.partition("@")
    first, _, end = host.rpartition(".")
    return f"{name[:1]}…@{first[:1]}….{end}"


def accept_invitation(secret: str, user: User) -> Membership:
    """Join with an existing account.

    Raises:
    - LinkExpired
    - InvitationRefused: other_address if the account has another address; unconfirmed if its address is not confirmed.
    """
    invitation = _require_valid(secret)
    with transaction(invitation.client_id):
        return _accept(secret, user)


def accept_with_new_account(secret: str, name: str, password: str, language: str | None = None) -> Membership:
    """Join with a new account. The link proves the address. `language`: nl or en.

    Raises:
    - LinkExpired
    - WeakPassword
    - InvitationRefused: account, if the address already has one.
    """
    invitation = _require_valid(secret)
    passwords.check_password(password, invitation.email, name)
    hashed = passwords.hash_password(password)
    with transaction(invitation.client_id):
        if has_account(invitation):
            raise InvitationRefused("account")
        user = User.create(
            email=invitation.email, name=name.strip(), password_hash=hashed, email_confirmed_at=utcnow(),
            locale=language,
        )  # fmt: skip
        return _accept(secret, user)


def _accept(secret: str, user: User) -> Membership:
    invitation = _require_valid(secret)
    if user.email != invitation.email:
        raise InvitationRefused("other_address")
    if User.get_by_id(user.id).email_confirmed_at is None:
        raise InvitationRefused("unconfirmed")
    used = Invitation.update(user=user, accepted_at=utcnow()).where(Invitation.id == invitation.id, *_is_pending())
    if not used.execute():  # accepted or revoked meanwhile
        raise LinkExpired
    client = invitation.client
    joined, _new = Membership.get_or_create(user=user, client=client, defaults={"role": invitation.role})
    audit.record_event(
        client.id, audit.by_user(user), "member.joined", f"user:{user.id}", role=joined.role, invitation=invitation.id
    )
    mail.notify_owners(client, "joined", user, user, joined.role)
    return joined
