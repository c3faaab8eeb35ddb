"""Remove what is past its time. Each step is one statement that may run again, and may be stopped at any point.

Payments, their lines, orders, evidence and the audit log are not touched: they are the books of the client.
"""

from datetime import datetime, timedelta

from core.clock import utcnow
from models import (
    EarlyNameCheck,
    EmailChange,
    EmailToken,
    IdentificationAttempt,
    Invitation,
    NmbrsOauthRequest,
    OutgoingMail,
    User,
    transaction,
)

MESSAGES = timedelta(days=90)  # contents of mails that were sent; addresses of people who never joined
NAMES = timedelta(days=366)  # what was said of accounts and names; it is used for a year (`payments.early_names`)
REQUESTS = timedelta(days=30)  # one-time links, and identifications that were never finished


def remove_expired() -> int:
    """Remove the contents of old mails, old links and requests, old invitations, and old answers about names. Returns
    how many rows changed.

    A mail's row stays, without its contents: it prevents that the same mail is sent again.
    """
    messages, requests = utcnow() - MESSAGES, utcnow() - REQUESTS
    left = User.select(User.id).where(User.removed_at.is_null(False))
    old = (OutgoingMail.created_at < messages) | OutgoingMail.user.in_(left)
    over = OutgoingMail.due_at.is_null() & old
    done = OutgoingMail.update(payload_encrypted="").where(over, OutgoingMail.payload_encrypted != "").execute()
    done += EmailToken.delete().where(EmailToken.expires_at < requests).execute()
    done += EmailChange.delete().where(EmailChange.expires_at < utcnow()).execute()
    done += IdentificationAttempt.delete().where(IdentificationAttempt.started_at < requests).execute()
    done += NmbrsOauthRequest.delete().where(NmbrsOauthRequest.expires_at < requests).execute()
    return done + _remove_unused_invitations(messages) + _remove_old_answers(utcnow() - NAMES)


def _remove_unused_invitations(before: datetime) -> int:
    unused = (Invitation.expires_at < before) & Invitation.accepted_at.is_null()
    clients = {row.client_id for row in Invitation.select(Invitation.client).where(unused).distinct()}
    removed = 0
    for client_id in sorted(clients):
        with transaction(client_id):
            removed += Invitation.delete().where(unused, Invitation.client == client_id).execute()
    return removed


def _remove_old_answers(before: datetime) -> int:
    old, removed = EarlyNameCheck.checked_at < before, 0
    clients = {row.client_id for row in EarlyNameCheck.select(EarlyNameCheck.client).where(old).distinct()}
    for client_id in sorted(clients):
        with transaction(client_id):
            removed += EarlyNameCheck.delete().where(old, EarlyNameCheck.client == client_id).execute()
    return removed
