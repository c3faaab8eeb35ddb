"""Invitations by mail: they bind to the address they were sent to, work once, and for a week."""

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

INVITATION_LIFE = timedelta(days=7)
MOST_WAITING = 20  # of one client: an account is no way to mail the world
ROLES = ("owner", "approver", "preparer")


def invite_member(client: Client, user: User, email: str, role: str, to_sign: bool = False) -> Invitation:
    """Ask the person behind this address to help; an earlier invitation of that address ends.

    `to_sign`: this person is asked to identify for the company too. InsufficientRole for who is no owner;
    InvitationRefused: yourself, member, role or too_many.
    """
    email = normalise_email(email)
    if role not in ROLES or (to_sign and role == "preparer"):
        raise InvitationRefused("role")
    if email == user.email:
        raise InvitationRefused("yourself")
    with transaction(client.id):
        require_owner(client, user)
        if Membership.select().join(User).where(Membership.client == client.id, User.email == email).exists():
            raise InvitationRefused("member")
        _end(client, Invitation.email == email)
        if len(pending_invitations(client)) >= MOST_WAITING:
            raise InvitationRefused("too_many")
        row = Invitation.create(
            client=client, invited_by=user, email=email, role=role, to_sign=to_sign,
            token_hash=blind_index(random_token()), expires_at=utcnow() + INVITATION_LIFE,
        )  # fmt: skip
        audit.record_event(
            client.id, audit.by_user(user), "invitation.sent", f"invitation:{row.id}", role=role, sign=to_sign
        )
        _mail(row, user)
    return row


def require_owner(client: Client, user: User) -> None:
    """InsufficientRole, also for who was an owner a moment ago: in a transaction in which nobody's role changes."""
    require_client_lock(client.id)
    mine = (Membership.client == client.id) & (Membership.user == user.id) & (Membership.role == "owner")
    if not Membership.select().where(mine).exists():
        raise InsufficientRole


def _mail(row: Invitation, by: User) -> None:
    """A link of its own for every mail: the one before it ends. Only its digest is kept."""
    secret = random_token()
    Invitation.update(token_hash=blind_index(secret), expires_at=utcnow() + INVITATION_LIFE).where(
        Invitation.id == row.id
    ).execute()
    mail.enqueue_mail(
        by, "second_signer" if row.to_sign else "invitation", once=f"invitation:{blind_index(secret)}",
        client=row.client, path=f"/uitnodiging/{secret}", to=row.email, by=by.name, role=row.role,
    )  # fmt: skip


def _open() -> tuple:
    return Invitation.accepted_at.is_null(), Invitation.withdrawn_at.is_null()


def _end(client: Client, *which) -> int:
    return Invitation.update(withdrawn_at=utcnow()).where(Invitation.client == client.id, *_open(), *which).execute()


def revoke_invitations_by(client: Client, user: User) -> None:
    """Whoever may no longer invite has invited nobody: in the caller's transaction."""
    require_client_lock(client.id)
    _end(client, Invitation.invited_by == user.id)


def pending_invitations(client: Client) -> list[Invitation]:
    """Those that were neither used nor withdrawn, old ones too: they can be sent again."""
    query = Invitation.select().where(Invitation.client == client.id, *_open())
    return list(query.order_by(Invitation.id))


def _mine(client: Client, invitation_id: int) -> Invitation:
    row = Invitation.get_or_none(Invitation.id == invitation_id, Invitation.client == client.id, *_open())
    if row is None:
        raise NotFound
    return row


def revoke_invitation(client: Client, user: User, invitation_id: int) -> None:
    """The link works no more. NotFound when it waits no longer, InsufficientRole."""
    with transaction(client.id):
        require_owner(client, user)
        row = _mine(client, invitation_id)
        _end(client, Invitation.id == row.id)
        audit.record_event(client.id, audit.by_user(user), "invitation.withdrawn", f"invitation:{row.id}")


def resend(client: Client, user: User, invitation_id: int) -> None:
    """A new mail with a new link, for another week. NotFound, InsufficientRole."""
    with transaction(client.id):
        require_owner(client, user)
        row = _mine(client, invitation_id)
        audit.record_event(client.id, audit.by_user(user), "invitation.sent_again", f"invitation:{row.id}")
        _mail(row, user)


# --- the other end of the link ---
def find_valid_invitation(secret: str) -> Invitation | None:
    """The invitation behind this link while it works. Changes nothing: mail scanners open links."""
    return Invitation.get_or_none(
        Invitation.token_hash == blind_index(secret), Invitation.expires_at > utcnow(), *_open()
    )  # fmt: skip


def _standing(secret: str) -> Invitation:
    invitation = find_valid_invitation(secret)
    if invitation is None:
        raise LinkExpired
    return invitation


def has_account(invitation: Invitation) -> bool:
    return User.select().where(User.email == invitation.email).exists()


def mask_email(email: str) -> str:
    """Enough of an address to recognise it by whoever knows it: n…@d….nl."""
    name, _, host = email.partition("@")
    first, _, end = host.rpartition(".")
    return f"{name[:1]}…@{first[:1]}….{end}"


def accept_invitation(secret: str, user: User) -> Membership:
    """Join with one's own account.

    LinkExpired; InvitationRefused: other_address for another than was invited, unconfirmed when nobody has
    shown yet that the address of this account is theirs.
    """
    invitation = _standing(secret)
    with transaction(invitation.client_id):
        return _accept(secret, user)


def accept_with_new_account(secret: str, name: str, password: str, language: str | None = None) -> Membership:
    """Join with a new account: the link proves the address. LinkExpired, WeakPassword, InvitationRefused (account).

    `language`: of this person's screens and mails, nl or en.
    """
    invitation = _standing(secret)
    passwords.check_password(password, invitation.email, name)
    hashed = passwords.hash_password(password)
    with transaction(invitation.client_id):
        if has_account(invitation):
            raise InvitationRefused("account")
        user = User.create(
            email=invitation.email, name=name.strip(), password_hash=hashed, email_confirmed_at=utcnow(),
            language=language,
        )  # fmt: skip
        return _accept(secret, user)


def _accept(secret: str, user: User) -> Membership:
    invitation = _standing(secret)
    if user.email != invitation.email:
        raise InvitationRefused("other_address")
    if User.get_by_id(user.id).email_confirmed_at is None:
        raise InvitationRefused("unconfirmed")
    used = Invitation.update(user=user, accepted_at=utcnow()).where(Invitation.id == invitation.id, *_open())
    if not used.execute():  # used or withdrawn at this very moment
        raise LinkExpired
    client = invitation.client
    joined, _new = Membership.get_or_create(user=user, client=client, defaults={"role": invitation.role})
    audit.record_event(
        client.id, audit.by_user(user), "member.joined", f"user:{user.id}", role=joined.role, invitation=invitation.id
    )
    mail.notify_owners(client, "joined", user, user, joined.role)
    return joined
