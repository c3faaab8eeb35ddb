"""Migration from SOAP to REST ("Overstappen"): authorise access over OAuth and move a connection.

Companies keep the key by which their runs are known; only the ids used in calls change. Year and number of a run are
the same in both APIs, so nothing is imported twice.
"""

import logging
from datetime import timedelta

from connectors import oauth
from connectors.nmbrs import port
from connectors.nmbrs.port import Payroll
from core.clock import utcnow
from core.ids import random_token
from domain.common import audit, token_revocations
from domain.common.encryption import blind_index, decrypt, encrypt
from domain.common.errors import ConsentRefused, NmbrsUnavailable, OAuthStateExpired, RestIdsMissing, WrongInterface
from domain.common.services import services
from domain.payroll import connections, nmbrs_tokens
from domain.payroll.nmbrs_client import NmbrsClient
from models import Client, NmbrsConnection, NmbrsDebtor, NmbrsOauthRequest, PayrollCompany, User, transaction
from models.states import NmbrsApi, WebhookStatus

CONSENT_LIFE = timedelta(minutes=15)
# At most so many unmapped companies are converted; the others get their ids when they are listed again.
MAX_UNMAPPED = 200
log = logging.getLogger(__name__)


def start_migration_oauth(client: Client, user: User, connection: NmbrsConnection | None) -> str:
    """Store a request for REST access, of a connection or a first one; return the URL at Nmbrs to authorise it.

    Raises:
    - WrongInterface: there is a SOAP connection, which must be migrated first.
    """
    if connection is None and any(one.api == NmbrsApi.SOAP for one in connections.connections(client)):
        raise WrongInterface
    state, verifier = random_token(), random_token()
    NmbrsOauthRequest.create(
        state_hash=blind_index(state), client=client, user=user, connection=connection,
        pkce_verifier_encrypted=encrypt(verifier, "nmbrs_consent", blind_index(state)),
        expires_at=utcnow() + CONSENT_LIFE,
    )  # fmt: skip
    return services().nmbrs_oauth.start(state, verifier, nmbrs_redirect_uri())


def nmbrs_redirect_uri() -> str:
    return f"{services().base_url}/nmbrs/terug"


def complete_migration_oauth(user: User, query: dict[str, str]) -> NmbrsConnection:
    """Exchange the authorisation code, once, for the user who started it. The connection uses REST from then on.

    Nothing has changed when it raises.

    Raises:
    - OAuthStateExpired
    - ConsentRefused
    - RestIdsMissing
    - NmbrsBadCredentials, NmbrsNotAllowed, NmbrsNoCompanyVisible, NmbrsDisabled, NmbrsRateLimited, NmbrsUnavailable
    """
    request, verifier = _consume_state(user, query.get("state", ""))
    if "code" not in query:
        raise ConsentRefused
    try:
        tokens = services().nmbrs_oauth.redeem(query["code"], verifier, nmbrs_redirect_uri())
    except oauth.OAuthRefused as error:
        raise ConsentRefused from error
    except oauth.OAuthDown as error:
        raise NmbrsUnavailable from error
    client = Client.get_by_id(request.client_id)
    try:
        return _connected(client, user, request, tokens)
    except (port.PayrollError, RestIdsMissing, WrongInterface) as error:
        _revoke_unused(client, request, tokens)
        if isinstance(error, port.PayrollError):
            raise connections.to_domain_error(error) from error
        raise


def _connected(client: Client, user: User, asked: NmbrsOauthRequest, tokens: oauth.Tokens) -> NmbrsConnection:
    if asked.connection_id is None:
        return _connect_with_rest(client, user, tokens)
    return _renew_or_migrate(user, NmbrsConnection.get_by_id(asked.connection_id), tokens)


def _revoke_unused(client: Client, asked: NmbrsOauthRequest, tokens: oauth.Tokens) -> None:
    """Nothing came of this consent: its tokens are revoked."""
    with transaction(client.id):
        token_revocations.schedule_revocation(
            token_revocations.NMBRS, client.id, f"consent:{asked.id}", tokens.refresh_token
        )


def _consume_state(user: User, state: str) -> tuple[NmbrsOauthRequest, str]:
    key = blind_index(state)
    mine = (NmbrsOauthRequest.state_hash == key) & (NmbrsOauthRequest.user == user.id)
    fresh = NmbrsOauthRequest.used_at.is_null() & (NmbrsOauthRequest.expires_at >= utcnow())
    if not NmbrsOauthRequest.update(used_at=utcnow()).where(mine, fresh).execute():
        raise OAuthStateExpired
    row = NmbrsOauthRequest.get(mine)
    return row, decrypt(row.pkce_verifier_encrypted, "nmbrs_consent", key)


def client_of_oauth_state(state: str) -> Client | None:
    """Return the client for which this OAuth request was started, or None. Used for redirects, also after a failure."""
    row = NmbrsOauthRequest.get_or_none(NmbrsOauthRequest.state_hash == blind_index(state))
    return Client.get_by_id(row.client_id) if row else None


def _connect_with_rest(client: Client, user: User, tokens: oauth.Tokens) -> NmbrsConnection:
    """Create a connection that never used SOAP, or give new tokens to an existing one."""
    environment = services().payroll_rest.environment(port.Credentials(user.email, tokens.access_token))
    with transaction(client.id):
        connection, _made = NmbrsConnection.get_or_create(
            client=client.id, email=user.email, environment=environment.subdomain,
            defaults={"token_encrypted": "", "api": NmbrsApi.REST},
        )  # fmt: skip
        NmbrsConnection.update(display_name=environment.domain).where(NmbrsConnection.id == connection.id).execute()
        if connection.api != NmbrsApi.REST:
            raise WrongInterface
        if connection.removed_at is not None:
            NmbrsConnection.update(removed_at=None, created_at=utcnow()).where(
                NmbrsConnection.id == connection.id
            ).execute()
        nmbrs_tokens.keep(connection, tokens)
        connections.resume_connection(connection)
        audit.record_event(client.id, audit.by_user(user), "nmbrs.consented", f"connection:{connection.id}")
    return NmbrsConnection.get_by_id(connection.id)


def _renew_or_migrate(user: User, connection: NmbrsConnection, tokens: oauth.Tokens) -> NmbrsConnection:
    if connection.api == NmbrsApi.REST:
        with transaction(connection.client_id):
            nmbrs_tokens.keep(connection, tokens)
            connections.resume_connection(connection)
            audit.record_event(
                connection.client_id, audit.by_user(user), "nmbrs.consented", f"connection:{connection.id}"
            )
        return NmbrsConnection.get_by_id(connection.id)
    guids = _map_ids_to_guids(connection)
    _require_visible(connection, guids, tokens)
    with transaction(connection.client_id):
        nmbrs_tokens.keep(connection, tokens)
        _store_guids(connection, guids)
        NmbrsConnection.update(api=NmbrsApi.REST, token_encrypted="").where(
            NmbrsConnection.id == connection.id
        ).execute()
        connection.api = NmbrsApi.REST
        connections.resume_connection(connection)
        audit.record_event(
            connection.client_id, audit.by_user(user), "nmbrs.moved", f"connection:{connection.id}",
            companies=len(guids),
        )  # fmt: skip
    return NmbrsConnection.get_by_id(connection.id)


def _map_ids_to_guids(connection: NmbrsConnection) -> dict[tuple[str, str], str]:
    """Return the REST id (GUID) of each debtor and company by ("Company" or "Debtor", SOAP id).

    Raises:
    - RestIdsMissing: a mapped company has none.
    """
    caller, guids = NmbrsClient(connection), {}
    rows = PayrollCompany.select().where(PayrollCompany.connection == connection.id)
    ordered = sorted(rows, key=lambda row: row.mapped_at is None)
    paying = [row for row in ordered if row.mapped_at is not None]
    for row in ordered[: len(paying) + MAX_UNMAPPED]:
        try:
            guids |= caller.call(Payroll.guids, row.nmbrs_id)
        except port.PayrollError as error:
            if row.mapped_at is not None:
                raise RestIdsMissing from error
            log.info("company %s: not converted: %s", row.id, error.code)
    if any(("Company", row.nmbrs_id) not in guids for row in paying):
        raise RestIdsMissing
    return guids


def _require_visible(connection: NmbrsConnection, guids: dict[tuple[str, str], str], tokens: oauth.Tokens) -> None:
    """Require that the new consent covers every mapped company.

    Raises:
    - RestIdsMissing
    - PayrollError
    """
    keys = port.Credentials(connection.email, tokens.access_token, connection.environment)
    visible = {company.id for company in services().payroll_rest.companies(keys)}
    paying = PayrollCompany.select().where(
        PayrollCompany.connection == connection.id, PayrollCompany.mapped_at.is_null(False)
    )
    if any(guids[("Company", row.nmbrs_id)] not in visible for row in paying):
        raise RestIdsMissing


def _store_guids(connection: NmbrsConnection, guids: dict[tuple[str, str], str]) -> None:
    for row in PayrollCompany.select().where(PayrollCompany.connection == connection.id):
        guid = guids.get(("Company", row.nmbrs_id))
        if guid is not None:
            PayrollCompany.update(nmbrs_id=guid, guid=guid).where(PayrollCompany.id == row.id).execute()
    for row in NmbrsDebtor.select().where(NmbrsDebtor.connection == connection.id):
        guid = guids.get(("Debtor", row.nmbrs_id))
        changes = {"nmbrs_id": guid} if guid else {}
        NmbrsDebtor.update(webhook_status=WebhookStatus.OFF, webhook_id=None, webhook_due_at=None, **changes).where(
            NmbrsDebtor.id == row.id
        ).execute()
