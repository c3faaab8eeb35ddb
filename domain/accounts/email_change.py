"""A user changes the e-mail address: asked with the password, confirmed from the new mailbox, told to the old one.

Whoever has the mailbox can reset the password. So the link to the new address works only for its own user, signed in: a
stranger who gets it because of a typing error has nothing. The old address is told at once, with a link that stops the
change and signs out everywhere. An address that is somebody else's looks the same to who asks (ASVS 6.3.8).
"""

from datetime import timedelta
from typing import Any

from peewee import IntegrityError

from core.clock import utcnow
from core.ids import random_token
from domain.accounts import accounts, sessions
from domain.common import audit
from domain.common.encryption import blind_index
from domain.common.errors import LinkExpired
from domain.common.security_log import security_logged
from domain.outbox import mail
from models import EmailChange, EmailToken, LoginSession, User, transaction

LINK_LIFE = timedelta(hours=24)


@security_logged("email_change_asked")
def request_change(user: User, email: str, password: str) -> bool:
    """Mail a link to the new address, and tell the old one; an earlier request ends. Returns False for the own address.

    If the address is another user's, that user is told instead, and no link exists.

    Raises:
    - SignInRefused, RateLimited: the password.
    """
    accounts.reauthenticate_with_password(user, password)
    address, old = accounts.normalise_email(email), User.get_by_id(user.id).email
    if address == old:
        return False
    confirm, stop = random_token(), random_token()
    with transaction(*_clients(user)):
        _end(user)
        EmailChange.create(
            user=user, email=address, confirm_hash=blind_index(confirm), stop_hash=blind_index(stop),
            expires_at=utcnow() + LINK_LIFE,
        )  # fmt: skip
        _record(user, "asked")
        _mail_new_address(user, address, confirm)
        mail.enqueue_mail(
            user, "email_change_asked", once=f"email-stop:{blind_index(stop)}", path=f"/e-mailadres/stoppen/{stop}",
            to=old,
        )  # fmt: skip
    return True


def _mail_new_address(user: User, address: str, secret: str) -> None:
    other, once = User.get_or_none(User.email == address), f"email-confirm:{blind_index(secret)}"
    if other is not None:
        mail.enqueue_mail(other, "email_taken", once=once, to=address)
    else:
        mail.enqueue_mail(user, "confirm_new_email", once=once, path=f"/e-mailadres/{secret}", to=address)


def pending_change(user: User) -> EmailChange | None:
    """Return the change that waits for its confirmation, or None."""
    return EmailChange.get_or_none(EmailChange.user == user.id, _valid())


def is_stoppable(secret: str) -> bool:
    """Return whether this link would still stop a change. Consumes nothing: mail scanners open links."""
    return EmailChange.select().where(EmailChange.stop_hash == blind_index(secret), _valid()).exists()


def is_confirmable(user: User, secret: str) -> bool:
    """Return whether this link would still confirm a change of this user."""
    return EmailChange.select().where(_of_link(user, secret)).exists()


@security_logged("email_change_confirmed")
def confirm_change(user: User, secret: str, keep: str | None) -> None:
    """Change the address with the link from the new mailbox. `keep`: the secret of the session that goes on.

    All other sessions end, and every link that was mailed to the old address.

    Raises:
    - LinkExpired: also for another user's link, and for an address that became somebody's meanwhile.
    """
    try:
        with transaction(*_clients(user)):
            row = EmailChange.get_or_none(_of_link(user, secret))
            if row is None:
                raise LinkExpired
            _end(user)
            _take_over(user, row.email, keep)
    except IntegrityError as error:  # the address is taken
        raise LinkExpired from error


def _take_over(user: User, address: str, keep: str | None) -> None:
    old = User.get_by_id(user.id).email
    User.update(email=address, email_confirmed_at=utcnow()).where(User.id == user.id).execute()
    EmailToken.update(used_at=utcnow()).where(EmailToken.user == user.id, EmailToken.used_at.is_null()).execute()
    sessions.revoke_other_sessions(user, keep)
    _record(user, "confirmed")
    mail.enqueue_mail(user, "email_changed", once=f"email-changed:{user.id}:{utcnow().isoformat()}", to=old)


@security_logged("email_change_stopped")
def stop_change(secret: str) -> User:
    """Stop the change with the link from the old mailbox, and end all sessions: somebody knows the password.

    Raises:
    - LinkExpired: also when the change was confirmed or ended.
    """
    row = EmailChange.get_or_none(EmailChange.stop_hash == blind_index(secret), _valid())
    if row is None:
        raise LinkExpired
    with transaction(*_clients(row.user)):
        if not EmailChange.delete().where(EmailChange.id == row.id, EmailChange.stop_hash == row.stop_hash).execute():
            raise LinkExpired
        sessions.sign_out_where(LoginSession.user == row.user_id)
        _record(row.user, "stopped")
    return row.user


def withdraw_change(user: User) -> bool:
    """End the user's own request. Returns whether there was one."""
    with transaction(*_clients(user)):
        ended = _end(user)
        if ended:
            _record(user, "withdrawn")
    return ended


def _end(user: User) -> bool:
    return bool(EmailChange.delete().where(EmailChange.user == user.id).execute())


def _valid() -> Any:
    return EmailChange.expires_at > utcnow()


def _of_link(user: User, secret: str) -> Any:
    return (EmailChange.confirm_hash == blind_index(secret)) & (EmailChange.user == user.id) & _valid()


def _clients(user: User) -> list[int]:
    return [row.client_id for row in accounts.memberships_of(user)]


def _record(user: User, what: str) -> None:
    """Write in the log of each company of the user what happened, without an address."""
    for client_id in _clients(user):
        audit.record_event(client_id, audit.by_user(user), f"user.email_change_{what}", f"user:{user.id}")
