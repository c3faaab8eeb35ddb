"""A copy of what is kept of a user, for that user (GDPR art. 15 and 20). It holds no secret and nobody else's data."""

import json
from datetime import datetime
from typing import Any

from core.clock import utcnow
from core.encryption import DecryptionFailed
from domain.accounts.devices import describe_user_agent
from domain.common import audit
from domain.common.encryption import decrypt
from models import (
    AuditEvent,
    Authority,
    Client,
    Device,
    EmailChange,
    Identification,
    LineDoubt,
    LoginSession,
    Membership,
    OutgoingMail,
    Passkey,
    PushSubscription,
    User,
)


def own_data(user: User) -> dict[str, Any]:
    """Return everything that is kept of this user, ready for JSON. Times are UTC."""
    return {
        "made_at": _at(utcnow()),
        "account": _account(user),
        "memberships": [
            {"client": row.client.name, "kvk_number": row.client.kvk_number, "role": row.role,
             "last_used_at": _at(row.last_used_at)}
            for row in Membership.select(Membership, Client).join(Client).where(Membership.user == user.id)
        ],
        "identifications": [_identification(row) for row in _of(Identification, user)],
        "signing_authority": [
            {"client": row.client.name, "answer": row.answer, "reason": row.reason, "checked_at": _at(row.checked_at)}
            for row in Authority.select(Authority, Client).join(Client).where(Authority.user == user.id)
        ],
        "devices": [
            {"browser": describe_user_agent(row.user_agent), "user_agent": row.user_agent,
             "created_at": _at(row.created_at), "last_seen_at": _at(row.last_seen_at),
             "confirmed_at": _at(row.confirmed_at)}
            for row in _of(Device, user)
        ],
        "sessions": [
            {"created_at": _at(row.created_at), "last_seen_at": _at(row.last_seen_at),
             "expires_at": _at(row.expires_at)}
            for row in LoginSession.select().where(LoginSession.user == user.id).order_by(LoginSession.created_at)
        ],
        "passkeys": [
            {"name": row.name, "created_at": _at(row.created_at), "last_used_at": _at(row.last_used_at)}
            for row in _of(Passkey, user)
        ],
        "notifications": [{"switched_on_at": _at(row.created_at)} for row in _of(PushSubscription, user)],
        "mails": [
            {"kind": row.kind, "created_at": _at(row.created_at), "sent_at": _at(row.sent_at)}
            for row in _of(OutgoingMail, user)
        ],
        "questions": [{"step": row.step, "words": row.words, "at": _at(row.taken_at)} for row in _of(LineDoubt, user)],
        "log": _log(user),
    }  # fmt: skip


def _of(table: Any, user: User) -> Any:
    return table.select().where(table.user == user.id).order_by(table.id)


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _account(user: User) -> dict[str, Any]:
    waiting = EmailChange.get_or_none(EmailChange.user == user.id)
    return {
        "email": user.email, "new_email": waiting.email if waiting else None,
        "name": user.name, "language": user.locale, "created_at": _at(user.created_at),
        "email_confirmed_at": _at(user.email_confirmed_at), "password_reset_at": _at(user.password_reset_at),
        "muted_notifications": user.muted_push_events or [],
    }  # fmt: skip


def _identification(row: Identification) -> dict[str, Any]:
    try:
        person = json.loads(decrypt(row.person_encrypted, "identification", row.user_id))
    except DecryptionFailed:
        person = None
    return {"provider": row.provider, "subject": row.subject, "level": row.level, "person": person,
            "authenticated_at": _at(row.authenticated_at)}  # fmt: skip


def _log(user: User) -> list[dict[str, Any]]:
    """What the audit logs say that this user did, and what was done about them; without totals of payments."""
    me = audit.by_user(user)
    query = AuditEvent.select(AuditEvent, Client).join(Client)
    query = query.where((AuditEvent.actor == me) | (AuditEvent.subject == me)).order_by(AuditEvent.id)
    return [
        {"client": row.client.name, "number": row.number, "at": _at(row.created_at), "by_you": row.actor == me,
         "kind": row.kind, "subject": row.subject}
        for row in query
    ]  # fmt: skip
