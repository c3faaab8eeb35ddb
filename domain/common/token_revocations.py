"""Refresh tokens that are no longer used, kept until the service that issued them has revoked them (RFC 7009).

An outbox: the token is stored in the transaction that removes or replaces the link. A job revokes it and retries as
long as the service does not answer.
"""

import logging

from connectors import oauth
from core.clock import utcnow
from domain.common import audit, leases
from domain.common.encryption import decrypt, encrypt
from domain.common.services import services
from models import TokenRevocation, transaction

NMBRS, PONTO = "nmbrs", "ponto"
LEASE_SECONDS = 120
_EVENTS = {NMBRS: "nmbrs.tokens_revoked", PONTO: "bank.tokens_revoked"}
log = logging.getLogger(__name__)


def schedule_revocation(service: str, client_id: int, subject: str, refresh_token: str) -> None:
    """Store a refresh token to be revoked. Call it inside a transaction. `subject`: that of its audit events."""
    sealed = encrypt(refresh_token, "token_revocation", client_id, subject)
    TokenRevocation.create(client=client_id, service=service, subject=subject, token_encrypted=sealed)


def due_revocations() -> list[int]:
    """Return the ids of the tokens to revoke now."""
    free = TokenRevocation.lease_until.is_null() | (TokenRevocation.lease_until < utcnow())
    query = TokenRevocation.select(TokenRevocation.id).where(TokenRevocation.due_at <= utcnow(), free)
    return [row.id for row in query.order_by(TokenRevocation.due_at).limit(200)]


def revoke(revocation_id: int) -> None:
    """Revoke one token at the service, then delete it. Harmless if done twice: an unknown token counts as revoked.

    A refusal means that the consent has already ended. The outcome goes into the audit log.
    """
    row = leases.claim_lease(TokenRevocation, revocation_id, LEASE_SECONDS, TokenRevocation.due_at <= utcnow())
    if row is None:
        return
    result = _revoked(row)
    if result is None:
        log.warning("%s: tokens not revoked, no answer of %s", row.subject, row.service)
        leases.release_lease(row, attempts=row.attempts + 1, due_at=leases.backoff(row.attempts))
        return
    with transaction(row.client_id):
        if TokenRevocation.delete().where(TokenRevocation.id == row.id).execute():
            audit.record_event(row.client_id, audit.WORKER, _EVENTS[row.service], row.subject, result=result)


def _revoked(row: TokenRevocation) -> str | None:
    """Return "revoked" or the service's error code; None if it does not answer or is not configured."""
    service = _service(row.service)
    if service is None:
        return None
    try:
        service.revoke(decrypt(row.token_encrypted, "token_revocation", row.client_id, row.subject))
    except oauth.OAuthDown:
        return None
    except oauth.OAuthRefused as error:
        return error.code
    return "revoked"


def _service(name: str) -> oauth.OAuthClient | None:
    return services().nmbrs_oauth if name == NMBRS else services().ponto
