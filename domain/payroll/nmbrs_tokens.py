"""The keys of the later interface: an access token of an hour, and a refresh token that changes at every use.

The tokens of a removed connection stay, encrypted, until Nmbrs has revoked them (RFC 7009): a job asks for it, and
the sweep tries again for as long as Nmbrs does not answer.
"""

import logging

from connectors import oauth
from connectors.nmbrs import port
from core.clock import utcnow
from domain.common import audit, leases, oauth_tokens
from domain.common.services import services
from models import NmbrsConnection, transaction

_CALL = "POST /connect/token"
_SHELF = oauth_tokens.TokenStore(NmbrsConnection, lambda row: ("nmbrs_tokens", row.client_id, row.id))
keep, held = _SHELF.save, _SHELF.load
# How long, in seconds, a revocation that failed waits before the next attempt.
REVOKE_AGAIN_AFTER = 600
_TO_REVOKE = NmbrsConnection.removed_at.is_null(False) & NmbrsConnection.tokens_sealed.is_null(False)
log = logging.getLogger(__name__)


def access_token(connection: NmbrsConnection) -> str:
    """A token that holds for some minutes yet. BadCredentials when consent has to be given again, TemporaryError.

    BadCredentials too for a connection that was removed: its tokens only wait to be revoked.
    """
    if NmbrsConnection.get_by_id(connection.id).removed_at is not None:
        raise port.BadCredentials(None, _CALL, "removed")
    try:
        return _SHELF.access_token(connection, services().nmbrs_oauth)
    except oauth_tokens.NotAuthorized as error:
        raise port.BadCredentials(None, _CALL, "no consent") from error
    except oauth_tokens.RefreshInProgress as error:
        raise port.TemporaryError(None, _CALL, "being renewed") from error
    except oauth.OAuthRefused as error:
        if error.code != "invalid_grant":  # a fault of ours, or of our registration: the consent itself may stand
            raise port.TemporaryError(error.code, _CALL, "refused") from error
        raise port.BadCredentials(error.code, _CALL, "consent has ended") from error
    except oauth.OAuthDown as error:
        raise port.TemporaryError(None, _CALL, "no answer") from error


def due_revocations() -> list[int]:
    """Return the removed connections whose tokens are still to be revoked and that no attempt holds."""
    free = NmbrsConnection.lease_until.is_null() | (NmbrsConnection.lease_until < utcnow())
    return [row.id for row in NmbrsConnection.select(NmbrsConnection.id).where(_TO_REVOKE, free)]


def revoke(connection_id: int) -> None:
    """Revoke the tokens of a removed connection at Nmbrs, then forget them.

    Without an answer the tokens stay and the lease runs on, so that the sweep tries again when it ends. A refusal
    means that the consent no longer stands. The audit log keeps what came of it.
    """
    connection = leases.claim_lease(NmbrsConnection, connection_id, REVOKE_AGAIN_AFTER, _TO_REVOKE)
    tokens = held(connection) if connection else None
    if connection is None or tokens is None:
        return
    result = "revoked"
    try:
        services().nmbrs_oauth.revoke(tokens.refresh_token)
    except oauth.OAuthDown:
        log.warning("connection %s: tokens not revoked, no answer", connection_id)
        return
    except oauth.OAuthRefused as error:
        result = error.code
    _forget_revoked(connection, result)


def _forget_revoked(connection: NmbrsConnection, result: str) -> None:
    """Forget the tokens, unless the customer has consented again meanwhile and the row holds new ones."""
    same = (NmbrsConnection.id == connection.id) & (NmbrsConnection.tokens_sealed == connection.tokens_sealed)
    with transaction(connection.client_id):
        if NmbrsConnection.update(tokens_sealed=None).where(same, _TO_REVOKE).execute():
            audit.record_event(
                connection.client_id, audit.WORKER, "nmbrs.tokens_revoked", f"connection:{connection.id}",
                result=result,
            )  # fmt: skip
        leases.release_lease(connection)
