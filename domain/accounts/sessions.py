"""Sessions, stored in the database: the cookie holds a token, the row its hash. Deleting the row ends the session."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.clock import utcnow
from core.ids import random_token
from domain.accounts import devices
from domain.common.encryption import blind_index
from domain.common.security_log import DONE, record_security_event
from models import Device, LoginSession, PushSubscription, User, WebauthnChallenge, transaction

IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(days=14)
ANONYMOUS = timedelta(hours=2)
# PSD2 RTS art. 4(3)(d): at most five minutes of inactivity; after that, approving needs re-authentication.
AUTHENTICATION_IDLE = timedelta(minutes=5)
AUTHENTICATION_LIFE = timedelta(hours=1)
_ACTIVITY_INTERVAL = timedelta(seconds=30)


def load_session(secret: str, active: bool = True) -> LoginSession | None:
    """Return the session of this cookie if it is still valid, and note the activity.

    `active` is False for requests that a page makes by itself, which do not keep the session alive.
    """
    now = utcnow()
    row = LoginSession.get_or_none(LoginSession.token_hash == blind_index(secret), LoginSession.expires_at > now)
    if row is not None and active and now - row.last_seen_at > _ACTIVITY_INTERVAL:
        if row.authenticated_at is not None and row.elevated_until is not None and row.elevated_until > now:
            # counted from the last stored moment, so that inactivity never exceeds five minutes
            row.elevated_until = min(now + AUTHENTICATION_IDLE, row.authenticated_at + AUTHENTICATION_LIFE)
        LoginSession.update(
            last_seen_at=now, expires_at=_expires_at(row.user_id, row.created_at), elevated_until=row.elevated_until
        ).where(LoginSession.token_hash == row.token_hash).execute()
    return row


def _expires_at(user_id: int | None, created_at: datetime) -> datetime:
    now = utcnow()
    return min(now + IDLE, created_at + ABSOLUTE) if user_id else created_at + ANONYMOUS


def cookie_seconds(user_id: int | None) -> int:
    """Return how long a browser keeps the cookie: as long as the session can last, also when it closes the app.

    A session that ended earlier is refused here, whatever the cookie says.
    """
    return int((ABSOLUTE if user_id else ANONYMOUS).total_seconds())


def start_session(data: dict, user_id: int | None, device_id: int | None = None) -> str:
    """Create a session and return the secret for the cookie. Signing in counts as recent authentication."""
    secret, now = random_token(), utcnow()
    LoginSession.create(
        token_hash=blind_index(secret), user=user_id, data=data, created_at=now, last_seen_at=now, device=device_id,
        expires_at=_expires_at(user_id, now), authenticated_at=now if user_id else None,
        elevated_until=now + AUTHENTICATION_IDLE if user_id else None,
    )  # fmt: skip
    return secret


def save_session(secret: str, data: dict) -> None:
    LoginSession.update(data=data).where(LoginSession.token_hash == blind_index(secret)).execute()


def delete_session(secret: str) -> None:
    LoginSession.delete().where(LoginSession.token_hash == blind_index(secret)).execute()


def sign_out(secret: str) -> None:
    """End this session and delete the push subscription of its device."""
    sign_out_where(LoginSession.token_hash == blind_index(secret))


def sign_out_where(*conditions: Any) -> int:
    """End the matching sessions and delete their devices' push subscriptions. Returns the number of sessions."""
    rows = list(LoginSession.select().where(*conditions))
    for row in rows:
        if row.user_id and row.device_id:
            mine = PushSubscription.user == row.user_id
            PushSubscription.delete().where(mine, PushSubscription.device == row.device_id).execute()
        if row.user_id:
            record_security_event("sign_out", DONE, user=row.user_id, device=row.device_id)
    return LoginSession.delete().where(LoginSession.token_hash.in_([row.token_hash for row in rows])).execute()


def mark_reauthenticated(secret: str | None) -> str | None:
    """Record that the user has just re-authenticated, and return a new secret for the cookie (ASVS 7.2.4).

    The session goes on under it with its device and its end; the old secret opens nothing any more. None if there is
    no session of a user.
    """
    fresh, now = random_token(), utcnow()
    with transaction():
        signed_in = LoginSession.user.is_null(False) & (LoginSession.expires_at > now)
        row = LoginSession.get_or_none(LoginSession.token_hash == blind_index(secret or ""), signed_in)
        if row is None:
            return None
        LoginSession.create(
            token_hash=blind_index(fresh), user=row.user_id, data=row.data, created_at=row.created_at,
            last_seen_at=now, expires_at=_expires_at(row.user_id, row.created_at), device=row.device_id,
            authenticated_at=now, elevated_until=now + AUTHENTICATION_IDLE,
        )  # fmt: skip
        LoginSession.delete().where(LoginSession.token_hash == row.token_hash).execute()
    return fresh


def is_recently_authenticated(secret: str | None) -> bool:
    """Return whether the user authenticated recently and has been active since.

    At most five minutes of inactivity, and at most an hour since the authentication (ASVS 7.5.1).
    """
    row = LoginSession.get_or_none(
        LoginSession.token_hash == blind_index(secret or ""), LoginSession.user.is_null(False)
    )
    return row is not None and row.elevated_until is not None and row.elevated_until > utcnow()


def device_of(secret: str | None) -> Device | None:
    """Return the device of this session, or None."""
    row = LoginSession.get_or_none(LoginSession.token_hash == blind_index(secret or ""))
    return row.device if row and row.device_id else None


@dataclass(frozen=True)
class SessionView:
    """A session as shown on screen. Times are UTC.

    `here`: it is the session that asks. `key` identifies it to its own user and grants no access.
    """

    started_at: datetime
    seen_at: datetime
    here: bool
    key: str = ""
    words: str = ""
    confirmed: bool = False


def list_sessions(user: User, secret: str | None) -> list[SessionView]:
    """Return the user's active sessions: this one first, then by last activity (ASVS 7.5.2)."""
    own = blind_index(secret) if secret else ""
    rows = LoginSession.select().where(LoginSession.user == user.id, LoginSession.expires_at > utcnow())
    known = {device.id: device for device in Device.select().where(Device.user == user.id)}
    found = [_view(row, own, known.get(row.device_id)) for row in rows]
    return sorted(found, key=lambda one: (one.here, one.seen_at), reverse=True)


def _view(row: LoginSession, own: str, device: Device | None) -> SessionView:
    description = devices.describe_user_agent(device.user_agent) if device else ""
    confirmed = device is not None and device.confirmed_at is not None
    return SessionView(
        row.created_at, row.last_seen_at, row.token_hash == own, row.token_hash[:24], description, confirmed
    )


def revoke_session(user: User, key: str) -> bool:
    """End one of the user's sessions, by the key of its view. Returns whether it existed."""
    if len(key) != 24:
        return False
    return bool(sign_out_where(LoginSession.user == user.id, LoginSession.token_hash.startswith(key)))


def revoke_other_sessions(user: User, secret: str | None) -> int:
    """End all sessions of the user except this one. Returns their number."""
    own = blind_index(secret) if secret else ""
    return sign_out_where(LoginSession.user == user.id, LoginSession.token_hash != own)


def purge_expired_sessions() -> int:
    """Delete expired sessions and challenges. Returns the number of sessions."""
    WebauthnChallenge.delete().where(WebauthnChallenge.expires_at <= utcnow()).execute()
    return LoginSession.delete().where(LoginSession.expires_at <= utcnow()).execute()
