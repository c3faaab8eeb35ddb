"""Where the register says "together with others": somebody is asked by mail to identify for the company too.

The invitation binds to the address it was sent to, works once, and gives the right to approve; whether the
two may sign is then decided by a person (docs/decisions/0020-when-the-register-is-asked.md).
"""

from dataclasses import dataclass
from datetime import timedelta

from core.clock import utcnow
from core.ids import token
from domain import audit, authority, mails, passwords
from domain.accounts import normal_email
from domain.errors import InvitationRefused, LinkExpired
from domain.seals import lookup
from models import Client, Identification, Membership, SecondSigner, User, transaction

INVITATION_LIFE = timedelta(days=7)


@dataclass(frozen=True)
class Standing:
    """state: not_needed, needed, invited, joined (an account, not yet identified) or identified."""

    state: str
    email: str | None = None


def standing(client: Client, user: User) -> Standing:
    """How far the second signer is whom this user needs."""
    mine = authority.standing(client, user)
    if mine is None or mine.reason != "together":
        return Standing("not_needed")
    for other in User.select().join(Membership).where(Membership.client == client.id, User.id != user.id):
        found = authority.standing(client, other)
        if found and (found.answer == "yes" or found.reason == "together") and not _same_person(user, other):
            return Standing("identified", other.email)
    invited = SecondSigner.select().where(SecondSigner.client == client.id).order_by(SecondSigner.id.desc()).first()
    if invited is None or (invited.accepted_at is None and invited.expires_at < utcnow()):
        return Standing("needed")
    return Standing("joined" if invited.accepted_at else "invited", invited.email)


def _same_person(one: User, other: User) -> bool:
    """Two accounts of one person are one signature."""
    known = [
        {(row.provider, row.subject) for row in Identification.select().where(Identification.user == user.id)}
        for user in (one, other)
    ]
    return bool(known[0] & known[1])


def invite(client: Client, user: User, email: str) -> None:
    """Ask the person behind this address; an earlier invitation that waits ends.

    InvitationRefused: not_needed, yourself or member.
    """
    email, secret = normal_email(email), token()
    if standing(client, user).state not in ("needed", "invited"):
        raise InvitationRefused("not_needed")
    if email == user.email:
        raise InvitationRefused("yourself")
    known = Membership.select().join(User).where(Membership.client == client.id, User.email == email)
    if known.exists():
        raise InvitationRefused("member")
    with transaction():
        waiting = (SecondSigner.client == client.id) & SecondSigner.accepted_at.is_null()
        SecondSigner.update(expires_at=utcnow()).where(waiting).execute()
        row = SecondSigner.create(
            client=client, invited_by=user, email=email, token_hash=lookup(secret),
            expires_at=utcnow() + INVITATION_LIFE,
        )  # fmt: skip
        audit.note(client.id, audit.by_user(user), "second_signer.invited", f"second_signer:{row.id}")
        mails.queue(
            user, "second_signer", once=f"second-signer:{row.id}", client=client, path=f"/samen-tekenen/{secret}",
            to=email, by=user.name,
        )  # fmt: skip


def peek(secret: str) -> SecondSigner | None:
    """The invitation behind this link while it works. Changes nothing: mail scanners open links."""
    return SecondSigner.get_or_none(
        SecondSigner.token_hash == lookup(secret), SecondSigner.accepted_at.is_null(),
        SecondSigner.expires_at > utcnow(),
    )  # fmt: skip


def has_account(invitation: SecondSigner) -> bool:
    return User.select().where(User.email == invitation.email).exists()


def accept(secret: str, user: User) -> Client:
    """Join with one's own account. LinkExpired; InvitationRefused (other_address) for another than was invited."""
    with transaction():
        return _accept(secret, user)


def accept_new(secret: str, name: str, password: str) -> Client:
    """Join with a new account: the link proves the address. LinkExpired, WeakPassword, InvitationRefused (account)."""
    invitation = peek(secret)
    if invitation is None:
        raise LinkExpired
    passwords.check_password(password, invitation.email, name)
    hashed = passwords.hash_password(password)
    with transaction():
        if has_account(invitation):
            raise InvitationRefused("account")
        user = User.create(
            email=invitation.email, name=name.strip(), password_hash=hashed, email_confirmed_at=utcnow()
        )  # fmt: skip
        return _accept(secret, user)


def _accept(secret: str, user: User) -> Client:
    invitation = peek(secret)
    if invitation is None:
        raise LinkExpired
    if user.email != invitation.email:
        raise InvitationRefused("other_address")
    SecondSigner.update(user=user, accepted_at=utcnow()).where(SecondSigner.id == invitation.id).execute()
    Membership.get_or_create(user=user, client=invitation.client_id, defaults={"role": "approver"})
    audit.note(
        invitation.client_id, audit.by_user(user), "second_signer.joined", f"second_signer:{invitation.id}"
    )  # fmt: skip
    return invitation.client
