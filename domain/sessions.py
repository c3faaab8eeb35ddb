"""Sessions in the database: the cookie holds a token, the row its hash; ended here, they are over everywhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import utcnow
from core.ids import token
from domain.seals import lookup
from models import LoginSession, User

IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(days=14)
ANONYMOUS = timedelta(hours=2)


def load(secret: str) -> LoginSession | None:
    """The session of this cookie, while it lasts."""
    now = utcnow()
    row = LoginSession.get_or_none(LoginSession.token_hash == lookup(secret), LoginSession.expires_at > now)
    if row is not None and now - row.seen_at > timedelta(minutes=1):
        LoginSession.update(seen_at=now, expires_at=_ends(row.user_id, row.created_at)).where(
            LoginSession.token_hash == row.token_hash
        ).execute()
    return row


def _ends(user_id: int | None, created_at) -> object:
    now = utcnow()
    return min(now + IDLE, created_at + ABSOLUTE) if user_id else created_at + ANONYMOUS


def start(data: dict, user_id: int | None) -> str:
    """A new session; returns the secret for the cookie."""
    secret, now = token(), utcnow()
    LoginSession.create(
        token_hash=lookup(secret), user=user_id, data=data, created_at=now, seen_at=now, expires_at=_ends(user_id, now)
    )
    return secret


def keep(secret: str, data: dict) -> None:
    LoginSession.update(data=data).where(LoginSession.token_hash == lookup(secret)).execute()


def end(secret: str) -> None:
    LoginSession.delete().where(LoginSession.token_hash == lookup(secret)).execute()


@dataclass(frozen=True)
class SessionView:
    """Moments in UTC; `here` is the session that looks."""

    started_at: datetime
    seen_at: datetime
    here: bool


def standing(user: User, secret: str | None) -> list[SessionView]:
    """Where this user is signed in now: here first, then the one seen last (ASVS 7.5.2)."""
    own = lookup(secret) if secret else ""
    rows = LoginSession.select().where(LoginSession.user == user.id, LoginSession.expires_at > utcnow())
    found = [SessionView(row.created_at, row.seen_at, row.token_hash == own) for row in rows]
    return sorted(found, key=lambda one: (one.here, one.seen_at), reverse=True)


def end_others(user: User, secret: str | None) -> int:
    """Sign this user out everywhere but here; answers how many sessions that were."""
    own = lookup(secret) if secret else ""
    return LoginSession.delete().where(LoginSession.user == user.id, LoginSession.token_hash != own).execute()


def sweep() -> int:
    """Remove what is over."""
    return LoginSession.delete().where(LoginSession.expires_at <= utcnow()).execute()
