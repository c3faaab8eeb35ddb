"""User accounts: confirm the e-mail address, sign in, reset or change the password."""

from collections.abc import Callable
from datetime import timedelta

from core.clock import utcnow
from core.ids import public_id, random_token
from domain.accounts import devices, passwords, rate_limits, sessions
from domain.accounts.devices import DeviceCookie
from domain.common.encryption import blind_index
from domain.common.errors import EmailNotConfirmed, LinkExpired, SignInRefused
from domain.common.security_log import by_account, security_logged
from domain.outbox import mail
from models import Client, EmailChange, EmailToken, LoginSession, Membership, User, savepoint, transaction

CONFIRMATION_LIFE = timedelta(hours=24)
RESET_LIFE = timedelta(minutes=30)


def normalise_email(email: str) -> str:
    """Return the form of an e-mail address in which it is stored and compared."""
    return email.strip().lower()


def resend_confirmation(email: str) -> None:
    """Mail a new confirmation link if this address still has to be confirmed; otherwise do nothing."""
    _constant_time(email, lambda user: user.email_confirmed_at is None, mail_confirmation)


@security_logged("password_reset_asked", by_account)
def request_password_reset(email: str) -> None:
    """Mail a link to reset the password if the account exists; otherwise do nothing."""
    _constant_time(email, lambda user: user.email_confirmed_at is not None, _mail_reset)


def _constant_time(email: str, wanted: Callable[[User], bool], act: Callable[[User], None]) -> None:
    """Run `act` for the user with this address.

    For an unknown address run it on a dummy user and roll back, so that timing reveals nothing (ASVS 6.3.8).
    """
    with transaction():
        user = User.get_or_none(User.email == normalise_email(email))
        with savepoint() as tried:
            dummy = User.create(email=f"{public_id()}@unknown.invalid", name="-", password_hash="-")
            if user is not None and wanted(user):
                act(user)
                dummy.delete_instance()
            else:
                act(dummy)
                tried.rollback()


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
    """Return whether the link would still work. Consumes nothing: mail scanners open links.

    `purpose`: "confirm" or "reset".
    """
    return _find_valid_token(secret, purpose) is not None


def _consume_link(secret: str, purpose: str) -> User:
    found = _find_valid_token(secret, purpose)
    if found is None:
        raise LinkExpired
    EmailToken.update(used_at=utcnow()).where(
        EmailToken.user == found.user_id, EmailToken.purpose == purpose, EmailToken.used_at.is_null()
    ).execute()
    return User.get_by_id(found.user_id)


@security_logged("password_reset")
def reset_password(secret: str, password: str) -> User:
    """Set a new password with the link from the mail, and end all sessions.

    Access to a mailbox does not prove identity: payments are blocked until a newer identification (ASVS 6.3.6, 6.4.4;
    enforced in domain.payments.release).

    Raises:
    - LinkExpired
    - WeakPassword
    """
    found = _find_valid_token(secret, "reset")
    if found is None:
        raise LinkExpired
    passwords.check_password(password, found.user.email, found.user.name)
    hashed = passwords.hash_password(password)
    with transaction():
        user = _consume_link(secret, "reset")
        User.update(password_hash=hashed, password_reset_at=utcnow()).where(User.id == user.id).execute()
        sessions.sign_out_where(LoginSession.user == user.id)
        _end_email_change(user)
        mail.enqueue_mail(user, "password_changed", once=f"password:{user.id}:{utcnow().isoformat()}")
    return user


@security_logged("password_change")
def change_password(user: User, old: str, new: str, keep: str | None) -> None:
    """Change the password of a user who knows the old one, and end the other sessions.

    Raises:
    - SignInRefused: the old password is wrong.
    - WeakPassword
    """
    if not passwords.verify_password(user.password_hash, old):
        raise SignInRefused
    passwords.check_password(new, user.email, user.name)
    hashed = passwords.hash_password(new)
    with transaction():
        User.update(password_hash=hashed).where(User.id == user.id).execute()
        sessions.revoke_other_sessions(user, keep)
        _end_email_change(user)
        mail.enqueue_mail(user, "password_changed", once=f"password:{user.id}:{utcnow().isoformat()}")


def _end_email_change(user: User) -> None:
    """End a change of address that waits: it was asked with the password of before."""
    EmailChange.delete().where(EmailChange.user == user.id).execute()


def set_locale(user: User, language: str) -> None:
    """Set the language of the user's screens and mails: nl or en."""
    User.update(locale=language).where(User.id == user.id).execute()


@security_logged("reauthentication", how="password")
def reauthenticate_with_password(user: User, password: str) -> None:
    """Verify the password again for a user who is signed in.

    Raises:
    - SignInRefused
    - RateLimited
    """
    rate_limits.consume_attempt("prove.user", user.id)
    if not passwords.verify_password(user.password_hash, password):
        raise SignInRefused
    rate_limits.reset_attempts("prove.user", user.id)


@security_logged("email_confirmation")
def confirm_email(secret: str) -> User:
    """Confirm the e-mail address with the link from the mail.

    Raises:
    - LinkExpired
    """
    with transaction():
        user = _consume_link(secret, "confirm")
        User.update(email_confirmed_at=utcnow()).where(User.id == user.id).execute()
        return User.get_by_id(user.id)


@security_logged("sign_in", by_account, how="password")
def sign_in_with_password(email: str, password: str, visit: DeviceCookie | None = None, ip: str = "") -> User:
    """Return the user with this e-mail address and password.

    An unknown address takes as long as a wrong password. A device on which this user signed in before has its own rate
    limit, so that others cannot exhaust it.

    Raises:
    - SignInRefused
    - EmailNotConfirmed: the password is right; a new link has been mailed.
    - RateLimited
    """
    address = normalise_email(email)
    known = devices.find_known_device(address, visit.secret) if visit else None
    budgets = [("sign_in.device", known.id)] if known else [
        ("sign_in.account", address), ("sign_in.address", rate_limits.client_subnet(ip)),
    ]  # fmt: skip
    for rule, target in budgets:
        rate_limits.consume_attempt(rule, target)
    user = _with_password(address, password)
    for rule, target in budgets:
        rate_limits.refund(rule, target)
    return user


def _with_password(address: str, password: str) -> User:
    user = User.get_or_none(User.email == address)
    fits = passwords.verify_password(user.password_hash if user else passwords.DUMMY_HASH, password)
    if user is None or not fits:
        raise SignInRefused
    if passwords.is_outdated(user.password_hash):
        User.update(password_hash=passwords.hash_password(password)).where(User.id == user.id).execute()
    if user.email_confirmed_at is None:
        resend_confirmation(user.email)
        raise EmailNotConfirmed
    return user


def user_by_id(user_id: int) -> User | None:
    return User.get_or_none(User.id == user_id)


def memberships_of(user: User) -> list[Membership]:
    """Return the user's memberships; the client used last comes first."""
    query = Membership.select(Membership, Client).join(Client).where(Membership.user == user.id)
    return list(query.order_by(Membership.last_used_at.desc(), Membership.id))


def members_of(client: Client) -> list[Membership]:
    """Return all members of this client."""
    query = Membership.select(Membership, User).join(User).where(Membership.client == client.id)
    return list(query.order_by(Membership.id))


def first_membership(user: User) -> Membership | None:
    return next(iter(memberships_of(user)), None)


def find_membership(user: User, client_public_id: str) -> Membership | None:
    """Return the user's membership of this client, or None."""
    query = Membership.select(Membership, Client).join(Client)
    found = query.where(Membership.user == user.id, Client.public_id == client_public_id).first()
    if found is not None:
        found.user = user  # saves a query when `membership.user` is read
    return found
