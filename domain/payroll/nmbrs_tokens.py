"""OAuth tokens for the REST API: an access token valid for an hour, and a refresh token valid for one use.

The tokens of a connection that is removed, or goes back to SOAP, are revoked (domain/common/token_revocations.py).
"""

from connectors import oauth
from connectors.nmbrs import port
from domain.common import oauth_tokens, token_revocations
from domain.common.services import services
from models import NmbrsConnection

_CALL = "POST /connect/token"
_SHELF = oauth_tokens.TokenStore(
    NmbrsConnection, token_revocations.NMBRS, lambda row: ("nmbrs_tokens", row.client_id, row.id),
    lambda row: (row.client_id, f"connection:{row.id}"),
)  # fmt: skip
keep, held, discard = _SHELF.save, _SHELF.load, _SHELF.discard


def access_token(connection: NmbrsConnection) -> str:
    """Return an access token that is valid for at least some minutes.

    Raises:
    - BadCredentials: the customer must give consent again.
    - TemporaryError
    """
    try:
        return _SHELF.access_token(connection, services().nmbrs_oauth)
    except oauth_tokens.NotAuthorized as error:
        raise port.BadCredentials(None, _CALL, "no consent") from error
    except oauth_tokens.RefreshInProgress as error:
        raise port.TemporaryError(None, _CALL, "being renewed") from error
    except oauth.OAuthRefused as error:
        if error.code != "invalid_grant":  # an error of ours or of our registration: the consent may still be valid
            raise port.TemporaryError(error.code, _CALL, "refused") from error
        raise port.BadCredentials(error.code, _CALL, "consent has ended") from error
    except oauth.OAuthDown as error:
        raise port.TemporaryError(None, _CALL, "no answer") from error
