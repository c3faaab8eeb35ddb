"""The customer's own key to a bank that wants one: given by OAuth on the way of linking, asked for at every call.

Connectors know no table: a bank's line goes to them with `access`, which reads, renews and keeps the pair of tokens
here, and says in the port's own errors why there is none (docs/decisions/0013-ponto.md).
"""

from dataclasses import replace

from connectors import oauth
from connectors.bank import port
from core.ids import random_token
from domain.common import oauth_tokens
from domain.common.encryption import blind_index, decrypt, encrypt
from domain.common.errors import BankUnavailable, ConsentRefused, NotFound
from domain.common.services import services
from models import BankGrant, BankLink, User, transaction

# What the adapter makes a consent's state of (connectors/bank/ponto.py).
PENDING, ENDED = "CONSENT_PENDING", "CONSENT_EXPIRED"
_SHELF = oauth_tokens.TokenStore(BankGrant, lambda row: ("bank_grant", row.link_id))


def requires_oauth(config: port.BankConfig) -> bool:
    """Whether this bank is spoken to with a key of the customer's."""
    return config.adapter == "ponto"


def bank_redirect_uri() -> str:
    """One address for everybody: it is registered with the other side. The state travels beside it."""
    return f"{services().base_url}/bank/terug"


def start_authorization(link: BankLink, state: str) -> str:
    """The address where the customer gives us the key, for a linking that has just begun. BankUnavailable."""
    service, verifier = _service(), random_token()
    with transaction(link.client_id):
        grant = BankGrant.create(link=link, verifier_sealed=encrypt(verifier, "bank_grant_verifier", link.id))
        BankLink.update(consent_id=f"grant-{grant.id}").where(BankLink.id == link.id).execute()
    return service.start(state, verifier, bank_redirect_uri())


def complete_authorization(user: User, state: str, code: str | None) -> None:
    """Take the answer of the other side, once, for the person who went there.

    NotFound for a state that is not this user's; ConsentRefused without a code or for one that is not taken;
    BankUnavailable without an answer. In each case this linking has ended, and another can begin.
    """
    link = BankLink.get_or_none(BankLink.state_hash == blind_index(state), BankLink.user == user.id)
    grant = BankGrant.get_or_none(BankGrant.link == link.id) if link else None
    if grant is None:
        raise NotFound
    sealed = grant.verifier_sealed
    mine = (BankGrant.id == grant.id) & (BankGrant.verifier_sealed == sealed)
    if sealed is None or BankGrant.update(verifier_sealed=None).where(mine).execute() != 1:
        return  # came back before: how it stands is asked of the bank
    if code is None:
        raise ConsentRefused
    try:
        tokens = _service().redeem(code, decrypt(sealed, "bank_grant_verifier", grant.link_id), bank_redirect_uri())
    except oauth.OAuthRefused as error:
        raise ConsentRefused from error
    except oauth.OAuthDown as error:
        raise BankUnavailable from error
    _SHELF.save(grant, tokens)


def _service() -> oauth.OAuthClient:
    """BankUnavailable where we are not known to the other side."""
    service = services().ponto
    if service is None:
        raise BankUnavailable
    return service


def with_access_token(config: port.BankConfig, link: BankLink) -> port.BankConfig:
    """The line, with the customer's key where the bank wants one."""
    return replace(config, access=lambda refused: _access(link.id, refused)) if requires_oauth(config) else config


def _access(link_id: int, refused: str | None) -> str:
    """An access token. In the port's errors: nothing has gone to the bank when one is raised."""
    grant, service = BankGrant.get_or_none(BankGrant.link == link_id), services().ponto
    if grant is None or service is None:
        raise port.NotDelivered("no key of the customer's")
    try:
        return _SHELF.access_token(grant, service, refused)
    except oauth_tokens.NotAuthorized:
        raise port.BankRefused(401, ENDED if grant.verifier_sealed is None else PENDING, "") from None
    except oauth.OAuthRefused as error:
        if error.code == "invalid_grant":
            raise port.BankRefused(401, ENDED, "") from error
        raise port.NotDelivered("the key was not renewed") from error
    except (oauth.OAuthDown, oauth_tokens.RefreshInProgress) as error:
        raise port.NotDelivered("the key could not be renewed now") from error
