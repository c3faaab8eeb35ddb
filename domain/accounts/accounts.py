"""Accounts of users: confirm the e-mail address, sign in, set a new password."""

from collections.abc import Callable
from datetime import timedelta

from core.clock import utcnow
from core.ids import public_id, random_token
from domain.accounts import devices, passwords, rate_limits, sessions
from domain.accounts.devices import DeviceCookie
from domain.common.encryption import blind_index
from domain.common.errors import EmailNotConfirmed, LinkExpired, SignInRefused
from domain.outbox import mail
from models import Client, EmailToken, LoginSession, Membership, User, database, transaction

CONFIRMATION_LIFE = timedelta(hours=24)
RESET_LIFE = timedelta(minutes=30)


def normalise_email(email: str) -> str:
    return email.strip().lower()


def resend_confirmation(email: str) -> None:
    """A new link, when this address waits for one. Silent otherwise."""
    _constant_time(email, lambda user: user.email_confirmed_at is None, mail_confirmation)


def request_password_reset(email: str) -> None:
    """Mail a link that sets a new password, when this address is known. Silent otherwise."""
    _constant_time(email, lambda user: user.email_confirmed_at is not None, _mail_reset)


def _constant_time(email: str, wanted: Callable[[User], bool], act: Callable[[User], None]) -> None:
    """Do it for the person of this address; for nobody do the same and undo it, which takes as long (ASVS 6.3.8)."""
    with transaction():
        user = User.get_or_none(User.email == normalise_email(email))
        with database.atomic() as done:
            nobody = User.create(email=f"{public_id()}@unknown.invalid", name="-", password_hash="-")
            if user is not None and wanted(user):
                act(user)
                nobody.delete_instance()
            else:
                act(nobody)
                done.rollback()


def mail_confirmation(user: User) -> None:
    _mail_link(user, "confirm", CONFIRMATION_LIFE, "confirm_email", "/bevestigen/")


def _mail_reset(user: User) -> None:
    _mail_link(user, "reset", RESET_LIFE, "reset_password", "/wachtwoord/")


def _mail_link(user: User, purpose: str, life: timedelta, kind: str, path: str) -> None:
    secret = random_token()
    EmailToken.create(token_hash=blind_index(secret), user=user, purpose=purpose, expires_at=utcnow() + life)
    mail.enqueue_mail(user, kind, once=f"{purpose}:{blind_index(secret)}", path=path + secret)


def _find_valid_token(secret: str, purpose: str) -> EmailToken | None:
    return EmailToken.get_or_none(
        EmailToken.token_hash == blind_index(secret), EmailToken.purpose == purpose, EmailToken.used_at.is_null(),
        EmailToken.expires_at > utcnow(),
    )  # fmt: skip


def is_link_valid(secret: str, purpose: str) -> bool:
    """Whether the link ("confirm" or "reset") would still work. Changes nothing: mail scanners open links."""
    return _find_valid_token(secret, purpose) is not None


def _use_link(secret: str, purpose: str) -> User:
    found = _find_valid_token(secret, purpose)
    if found is None:
        raise LinkExpired
    EmailToken.update(used_at=utcnow()).where(
        EmailToken.user == found.user_id, EmailToken.purpose == purpose, EmailToken.used_at.is_null()
    ).execute()
    return User.get_by_id(found.user_id)


def reset_password(secret: str, password: str) -> User:
    """A new password by the link of a mail. LinkExpired, WeakPassword.

    Every session ends. A mailbox is no proof of identity: nothing is paid until an identification that is newer
    (ASVS 6.3.6, 6.4.4; domain.payments.release holds it).
    """
    found = _find_valid_token(secret, "reset")
    if found is None:
        raise LinkExpired
    passwords.check_password(password, found.user.email, found.user.name)
    hashed = passwords.hash_password(password)
    with transaction():
        user = _use_link(secret, "reset")
        User.update(password_hash=hashed, reset_at=utcnow()).where(User.id == user.id).execute()
        sessions.sign_out_where(LoginSession.user == user.id)
        mail.enqueue_mail(user, "password_changed", once=f"password:{user.id}:{utcnow().isoformat()}")
    return user


def change_password(user: User, old: str, new: str, keep: str | None) -> None:
    """Another password, by somebody who knows the old one. SignInRefused, WeakPassword. Other sessions end."""
    if not passwords.verify_password(user.password_hash, old):
        raise SignInRefused
    passwords.check_password(new, user.email, user.name)
    hashed = passwords.hash_password(new)
    with transaction():
        User.update(password_hash=hashed).where(User.id == user.id).execute()
        sessions.revoke_other_sessions(user, keep)
        mail.enqueue_mail(user, "password_changed", once=f"password:{user.id}:{utcnow().isoformat()}")


def set_locale(user: User, language: str) -> None:
    """nl or en, for this person's screens and mails from now on."""
    User.update(language=language).where(User.id == user.id).execute()


def reauthenticate_with_password(user: User, password: str) -> None:
    """The password once more, of who is signed in. SignInRefused, RateLimited."""
    rate_limits.consume_attempt("prove.user", user.id)
    if not passwords.verify_password(user.password_hash, password):
        raise SignInRefused
    rate_limits.reset_attempts("prove.user", user.id)


def confirm_email(secret: str) -> User:
    """LinkExpired when the link is used, too old or not ours."""
    with transaction():
        user = _use_link(secret, "confirm")
        User.update(email_confirmed_at=utcnow()).where(User.id == user.id).execute()
        return User.get_by_id(user.id)


def sign_in_with_password(email: str, password: str, visit: DeviceCookie | None = None, ip: str = "") -> User:
    """SignInRefused for a wrong pair, in the same time and words for an unknown address. RateLimited.

    A device that this person signed in on before has a budget of its own, which no stranger can use up.
    EmailNotConfirmed after the right password; a new link has then been mailed.
    """
    address = normalise_email(email)
    known = devices.find_known_device(address, visit.secret) if visit else None
    budgets = [("sign_in.device", known.id)] if known else [
        ("sign_in.account", address), ("sign_in.address", rate_limits.client_subnet(ip)),
    ]  # fmt: skip
    for rule, who in budgets:
        rate_limits.consume_attempt(rule, who)
    user = _with_password(address, password)
    for rule, who in budgets:
        rate_limits.refund(rule, who)
    return user


def _with_password(address: str, password: str) -> User:
    user = User.get_or_none(User.email == address)
    fits = passwords.verify_password(user.password_hash if user else passwords.DUMMY_HASH, password)
    if user is None or not fits:
        raise SignInRefused
    if user.email_confirmed_at is None:
        resend_confirmation(user.email)
        raise EmailNotConfirmed
    return user


def user_by_id(user_id: int) -> User | None:
    return User.get_or_none(User.id == user_id)


def memberships_of(user: User) -> list[Membership]:
    """The client used last comes first."""
    query = Membership.select(Membership, Client).join(Client).where(Membership.user == user.id)
    return list(query.order_by(Membership.used_at.desc(), Membership.id))


def members_of(client: Client) -> list[Membership]:
    """Everyone who may do something in this client."""
    query = Membership.select(Membership, User).join(User).where(Membership.client == client.id)
    return list(query.order_by(Membership.id))


def first_membership(user: User) -> Membership | None:
    return next(iter(memberships_of(user)), None)


def find_membership(user: User, client_public_id: str) -> Membership | None:
    """What this user may do in this client; None when nothing."""
    query = Membership.select(Membership, Client).join(Client)
    found = query.where(Membership.user == user.id, Client.public_id == client_public_id).first()
    if found is not None:
        found.user = user  # so that `membership.user` is not read from the database once more
    return found
