"""Sessions in the database: the cookie holds a token, the row its hash; ended here, they are over everywhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.clock import utcnow
from core.ids import random_token
from domain.accounts import devices
from domain.common.encryption import blind_index
from models import Challenge, Device, LoginSession, PushSubscription, User

IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(days=14)
ANONYMOUS = timedelta(hours=2)
# RTS art. 4(3)(d): at most five minutes of inactivity before something can be approved.
PROOF_IDLE = timedelta(minutes=5)
PROOF_LONGEST = timedelta(hours=1)
_NOTED_EVERY = timedelta(seconds=30)


def load_session(secret: str, active: bool = True) -> LoginSession | None:
    """The session of this cookie, while it lasts. A page that looks by itself is not `active`."""
    now = utcnow()
    row = LoginSession.get_or_none(LoginSession.token_hash == blind_index(secret), LoginSession.expires_at > now)
    if row is not None and active and now - row.seen_at > _NOTED_EVERY:
        if row.proved_at is not None and row.proved_until is not None and row.proved_until > now:
            # counted from the last moment that was noted, so never longer than five minutes of silence
            row.proved_until = min(now + PROOF_IDLE, row.proved_at + PROOF_LONGEST)
        LoginSession.update(
            seen_at=now, expires_at=_ends(row.user_id, row.created_at), proved_until=row.proved_until
        ).where(LoginSession.token_hash == row.token_hash).execute()
    return row


def _ends(user_id: int | None, created_at: datetime) -> datetime:
    now = utcnow()
    return min(now + IDLE, created_at + ABSOLUTE) if user_id else created_at + ANONYMOUS


def start_session(data: dict, user_id: int | None, device_id: int | None = None) -> str:
    """A new session; returns the secret for the cookie. Signing in is a proof (see is_recently_authenticated)."""
    secret, now = random_token(), utcnow()
    LoginSession.create(
        token_hash=blind_index(secret), user=user_id, data=data, created_at=now, seen_at=now, device=device_id,
        expires_at=_ends(user_id, now), proved_at=now if user_id else None,
        proved_until=now + PROOF_IDLE if user_id else None,
    )  # fmt: skip
    return secret


def save_session(secret: str, data: dict) -> None:
    LoginSession.update(data=data).where(LoginSession.token_hash == blind_index(secret)).execute()


def delete_session(secret: str) -> None:
    LoginSession.delete().where(LoginSession.token_hash == blind_index(secret)).execute()


def sign_out(secret: str) -> None:
    """The person ends this session: nothing of theirs comes to this device any more."""
    sign_out_where(LoginSession.token_hash == blind_index(secret))


def sign_out_where(*conditions: Any) -> int:
    """End these sessions, and notifications in the browsers where they were; answers how many sessions."""
    rows = list(LoginSession.select().where(*conditions))
    for row in rows:
        if row.user_id and row.device_id:
            mine = PushSubscription.user == row.user_id
            PushSubscription.delete().where(mine, PushSubscription.device == row.device_id).execute()
    return LoginSession.delete().where(LoginSession.token_hash.in_([row.token_hash for row in rows])).execute()


def mark_reauthenticated(secret: str | None) -> None:
    """The person has just shown again who they are, in this session."""
    now = utcnow()
    LoginSession.update(proved_at=now, proved_until=now + PROOF_IDLE).where(
        LoginSession.token_hash == blind_index(secret or ""), LoginSession.user.is_null(False)
    ).execute()


def is_recently_authenticated(secret: str | None) -> bool:
    """Whether who is here has shown who they are, and has not been away for five minutes since.

    At most an hour after the password, passkey or identification, however active (ASVS 7.5.1).
    """
    row = LoginSession.get_or_none(
        LoginSession.token_hash == blind_index(secret or ""), LoginSession.user.is_null(False)
    )
    return row is not None and row.proved_until is not None and row.proved_until > utcnow()


def device_of(secret: str | None) -> Device | None:
    """The device on which this session was begun."""
    row = LoginSession.get_or_none(LoginSession.token_hash == blind_index(secret or ""))
    return row.device if row and row.device_id else None


@dataclass(frozen=True)
class SessionView:
    """Moments in UTC; `here` is the session that looks; `key` names it to its own person and opens nothing."""

    started_at: datetime
    seen_at: datetime
    here: bool
    key: str = ""
    words: str = ""
    confirmed: bool = False


def list_sessions(user: User, secret: str | None) -> list[SessionView]:
    """Where this user is signed in now: here first, then the one seen last (ASVS 7.5.2)."""
    own = blind_index(secret) if secret else ""
    rows = LoginSession.select().where(LoginSession.user == user.id, LoginSession.expires_at > utcnow())
    known = {device.id: device for device in Device.select().where(Device.user == user.id)}
    found = [_view(row, own, known.get(row.device_id)) for row in rows]
    return sorted(found, key=lambda one: (one.here, one.seen_at), reverse=True)


def _view(row: LoginSession, own: str, device: Device | None) -> SessionView:
    told = devices.describe_user_agent(device.agent) if device else ""
    confirmed = device is not None and device.confirmed_at is not None
    return SessionView(row.created_at, row.seen_at, row.token_hash == own, row.token_hash[:24], told, confirmed)


def revoke_session(user: User, key: str) -> bool:
    """Sign this user out of one of their own sessions, by the key of its view. Whether there was one."""
    if len(key) != 24:
        return False
    return bool(sign_out_where(LoginSession.user == user.id, LoginSession.token_hash.startswith(key)))


def revoke_other_sessions(user: User, secret: str | None) -> int:
    """Sign this user out everywhere but here; answers how many sessions that were."""
    own = blind_index(secret) if secret else ""
    return sign_out_where(LoginSession.user == user.id, LoginSession.token_hash != own)


def purge_expired_sessions() -> int:
    """Remove what is over."""
    Challenge.delete().where(Challenge.expires_at <= utcnow()).execute()
    return LoginSession.delete().where(LoginSession.expires_at <= utcnow()).execute()
