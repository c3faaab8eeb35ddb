"""The keys of the later interface: an access token of an hour, and a refresh token that changes at every use."""

from connectors import consent
from connectors.nmbrs import port
from domain import token_pairs
from domain.world import world
from models import NmbrsConnection

_CALL = "POST /connect/token"
_SHELF = token_pairs.Shelf(NmbrsConnection, lambda row: ("nmbrs_tokens", row.client_id, row.id))
keep, held = _SHELF.keep, _SHELF.held


def access_token(connection: NmbrsConnection) -> str:
    """A token that holds for some minutes yet. BadCredentials when consent has to be given again, TryAgain."""
    try:
        return _SHELF.access_token(connection, world().nmbrs_oauth)
    except token_pairs.NoPair as error:
        raise port.BadCredentials(None, _CALL, "no consent") from error
    except token_pairs.BeingRenewed as error:
        raise port.TryAgain(None, _CALL, "being renewed") from error
    except consent.OAuthRefused as error:
        if error.code != "invalid_grant":  # a fault of ours, or of our registration: the consent itself may stand
            raise port.TryAgain(error.code, _CALL, "refused") from error
        raise port.BadCredentials(error.code, _CALL, "consent has ended") from error
    except consent.OAuthDown as error:
        raise port.TryAgain(None, _CALL, "no answer") from error
