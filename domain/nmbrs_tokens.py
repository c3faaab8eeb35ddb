"""The keys of the later interface: an access token of an hour, and a refresh token that changes at every use.

A new pair is written before it is used; only one worker asks for it at a time, because the old refresh token
is worthless the moment it was used.
"""

import json
from datetime import datetime, timedelta

from connectors.nmbrs import consent, port
from core.clock import utcnow
from domain import leases
from domain.seals import seal, unseal
from domain.world import world
from models import NmbrsConnection

REFRESH_LEASE = 60
MARGIN = timedelta(minutes=3)
_CALL = "POST /connect/token"


def keep(connection: NmbrsConnection, tokens: consent.Tokens) -> None:
    """Write the pair, sealed for this connection."""
    text = json.dumps([tokens.access_token, tokens.refresh_token, tokens.expires_at.isoformat()])
    sealed = seal(text, "nmbrs_tokens", connection.client_id, connection.id)
    NmbrsConnection.update(tokens_sealed=sealed).where(NmbrsConnection.id == connection.id).execute()
    connection.tokens_sealed = sealed


def held(connection: NmbrsConnection) -> consent.Tokens | None:
    """The pair as written last; None when there is none."""
    sealed = NmbrsConnection.get_by_id(connection.id).tokens_sealed
    if not sealed:
        return None
    access, refresh, expires = json.loads(unseal(sealed, "nmbrs_tokens", connection.client_id, connection.id))
    return consent.Tokens(access, refresh, datetime.fromisoformat(expires))


def access_token(connection: NmbrsConnection) -> str:
    """A token that holds for some minutes yet. BadCredentials when consent has to be given again, TryAgain."""
    tokens = held(connection)
    if tokens is None:
        raise port.BadCredentials(None, _CALL, "no consent")
    if tokens.expires_at - MARGIN > utcnow():
        return tokens.access_token
    if leases.claim(NmbrsConnection, connection.id, REFRESH_LEASE) is None:
        raise port.TryAgain(None, _CALL, "being renewed")
    try:
        return _renewed(connection).access_token
    finally:
        leases.release(connection)


def _renewed(connection: NmbrsConnection) -> consent.Tokens:
    """The next pair, written before anybody uses it; another worker may have fetched it just now."""
    tokens = held(connection)
    if tokens is None:
        raise port.BadCredentials(None, _CALL, "no consent")
    if tokens.expires_at - MARGIN > utcnow():
        return tokens
    try:
        fresh = world().nmbrs_oauth.refresh(tokens.refresh_token)
    except consent.OAuthRefused as error:
        if error.code != "invalid_grant":  # a fault of ours, or of our registration: the consent itself may stand
            raise port.TryAgain(error.code, _CALL, "refused") from error
        raise port.BadCredentials(error.code, _CALL, "consent has ended") from error
    except consent.OAuthDown as error:
        raise port.TryAgain(None, _CALL, "no answer") from error
    keep(connection, fresh)
    return fresh
