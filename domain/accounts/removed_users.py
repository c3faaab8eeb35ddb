"""What is left of a user who removed the own account. Their rights end in `domain.team.account_removal`."""

from typing import Any

from core.clock import utcnow
from core.ids import public_id
from domain.accounts import sessions
from models import (
    Authority,
    Device,
    EmailChange,
    EmailToken,
    Identification,
    IdentificationAttempt,
    Invitation,
    LoginSession,
    Membership,
    NmbrsOauthRequest,
    OutgoingMail,
    Passkey,
    Pin,
    User,
    WebauthnChallenge,
)
from models.redaction import REMOVED

NO_PASSWORD = "-"  # the hash of no password
_CREDENTIALS: tuple[Any, ...] = (
    Passkey, Pin, Device, EmailToken, EmailChange, WebauthnChallenge, IdentificationAttempt, NmbrsOauthRequest,
    Invitation,
)  # fmt: skip


def remove_credentials(user: User) -> None:
    """Remove the e-mail address and every means to sign in or to prove who it is, in the caller's transaction.

    Notifications and wrong attempts go with their device, the contents of mails with their address.
    """
    sessions.sign_out_where(LoginSession.user == user.id)
    for table in _CREDENTIALS:
        _delete_of(table, user.id)
    OutgoingMail.update(payload_encrypted="", due_at=None).where(OutgoingMail.user == user.id).execute()
    User.update(
        email=f"{public_id()}@removed.invalid".lower(), password_hash=NO_PASSWORD, email_confirmed_at=None,
        password_reset_at=None, muted_push_events=None, removed_at=utcnow(),
    ).where(User.id == user.id).execute()  # fmt: skip


def clients_of(user_id: int) -> list[int]:
    """Return the clients whose lock the removal of this user takes: where they are or were anything."""
    tables: Any = (Membership, Authority, IdentificationAttempt, NmbrsOauthRequest, Invitation)
    found = [table.select(table.client).where(table.user == user_id) for table in tables]
    return sorted({row.client_id for query in found for row in query})


def forget_person(user_id: int) -> None:
    """Remove name, identification and signing authority of a user whose account is removed."""
    _delete_of(Identification, user_id)
    _delete_of(Authority, user_id)
    User.update(name=REMOVED).where(User.id == user_id, User.removed_at.is_null(False)).execute()


def _delete_of(table: Any, user_id: int) -> None:
    """Delete this user's rows. Where there are none nothing is written: of somebody in no company no client is locked.
    """
    mine = table.user == user_id
    if table.select().where(mine).exists():
        table.delete().where(mine).execute()
