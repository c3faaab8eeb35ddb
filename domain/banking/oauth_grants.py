"""OAuth access to a bank in the customer's name: granted while linking, needed for every call.

Connectors know no tables. So a bank's configuration carries `access`, a function that reads, refreshes and stores the
tokens here, and raises the port's own errors (docs/decisions/0013-ponto.md).
"""

from dataclasses import replace

from connectors import oauth
from connectors.bank import port
from core.ids import random_token
from domain.common import oauth_tokens, token_revocations
from domain.common.encryption import blind_index, decrypt, encrypt
from domain.common.errors import BankUnavailable, ConsentRefused, NotFound
from domain.common.services import services
from models import BankAccount, BankConsent, BankOauthGrant, User, transaction
from models.states import ConsentStatus

# Codes from which the adapter derives the consent's status (connectors/bank/ponto.py).
PENDING, ENDED = "CONSENT_PENDING", "CONSENT_EXPIRED"
_TOKENS = oauth_tokens.TokenStore(
    BankOauthGrant, token_revocations.PONTO, lambda row: ("bank_grant", row.consent_id),
    lambda row: (row.consent.client_id, f"link:{row.consent_id}"),
)  # fmt: skip


def requires_oauth(config: port.BankConfig) -> bool:
    """Return whether calls to this bank need the customer's access token."""
    return config.adapter == "ponto"


def bank_redirect_uri() -> str:
    """Return the redirect URI, the same for everyone because it is registered at the service."""
    return f"{services().base_url}/bank/terug"


def start_authorization(consent: BankConsent, state: str) -> str:
    """Store a grant for a consent that has just been started; return the URL where the customer authorises us.

    Raises:
    - BankUnavailable
    """
    service, verifier = _service(), random_token()
    with transaction(consent.client_id):
        grant = BankOauthGrant.create(
            consent=consent, pkce_verifier_encrypted=encrypt(verifier, "bank_grant_verifier", consent.id)
        )
        BankConsent.update(consent_id=f"grant-{grant.id}").where(BankConsent.id == consent.id).execute()
    return service.start(state, verifier, bank_redirect_uri())


def complete_authorization(user: User, state: str, code: str | None) -> None:
    """Exchange the authorisation code for tokens, once, for the user who started it.

    Whatever it raises, this consent has ended and another can be started.

    Raises:
    - NotFound: the state is unknown or another user's.
    - ConsentRefused: there is no code, or the service rejects it.
    - BankUnavailable
    """
    consent = BankConsent.get_or_none(BankConsent.state_hash == blind_index(state), BankConsent.user == user.id)
    grant = BankOauthGrant.get_or_none(BankOauthGrant.consent == consent.id) if consent else None
    if grant is None:
        raise NotFound
    sealed = grant.pkce_verifier_encrypted
    mine = (BankOauthGrant.id == grant.id) & (BankOauthGrant.pkce_verifier_encrypted == sealed)
    if sealed is None or BankOauthGrant.update(pkce_verifier_encrypted=None).where(mine).execute() != 1:
        return  # already redeemed: the consent's status comes from the bank
    if code is None:
        raise ConsentRefused
    try:
        tokens = _service().redeem(code, decrypt(sealed, "bank_grant_verifier", grant.consent_id), bank_redirect_uri())
    except oauth.OAuthRefused as error:
        raise ConsentRefused from error
    except oauth.OAuthDown as error:
        raise BankUnavailable from error
    _TOKENS.save(grant, tokens)


def discard_tokens(consent: BankConsent) -> None:
    """Have the tokens of a consent that nothing uses any more revoked, in the caller's transaction."""
    grant = BankOauthGrant.get_or_none(BankOauthGrant.consent == consent.id)
    if grant is not None:
        _TOKENS.discard(grant)


def _service() -> oauth.OAuthClient:
    """Return the OAuth client.

    Raises:
    - BankUnavailable: this installation has no credentials for the service.
    """
    service = services().ponto
    if service is None:
        raise BankUnavailable
    return service


def with_access_token(config: port.BankConfig, consent: BankConsent) -> port.BankConfig:
    """Return the configuration, with access to the customer's token if the bank needs one."""
    if not requires_oauth(config):
        return config
    return replace(config, access=lambda refused: _access_token(consent.id, refused))


def _access_token(consent_id: int, refused: str | None) -> str:
    """Return an access token. Raises the port's errors; nothing has been sent to the bank then."""
    grant, service = BankOauthGrant.get_or_none(BankOauthGrant.consent == consent_id), services().ponto
    if grant is None or service is None:
        raise port.NotDelivered("no access token of the customer")
    try:
        return _TOKENS.access_token(grant, service, refused)
    except oauth_tokens.NotAuthorized:
        if _is_replaced(consent_id):  # who read the account before asks again, by its new consent
            raise port.NotDelivered("the accounts are under another consent now") from None
        raise port.BankRefused(401, ENDED if grant.pkce_verifier_encrypted is None else PENDING, "") from None
    except oauth.OAuthRefused as error:
        if error.code == "invalid_grant":
            raise port.BankRefused(401, ENDED, "") from error
        raise port.NotDelivered("the token refresh was refused") from error
    except (oauth.OAuthDown, oauth_tokens.RefreshInProgress) as error:
        raise port.NotDelivered("the token cannot be refreshed now") from error


def _is_replaced(consent_id: int) -> bool:
    over = BankConsent.select().where(BankConsent.id == consent_id, BankConsent.status == ConsentStatus.ENDED).exists()
    return over and not BankAccount.select().where(BankAccount.consent == consent_id).exists()
