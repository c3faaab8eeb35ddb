"""The secret in the webhook address: found by its HMAC, shown from its ciphertext."""

from core.clock import utcnow
from core.ids import token
from domain.seals import lookup, seal, unseal
from domain.world import world
from models import Client, WebhookKey


def make_key(client: Client) -> None:
    """A new key for the client; earlier ones stay as they are."""
    secret = token()
    WebhookKey.create(client=client, key_hmac=lookup(secret), key_sealed=seal(secret, "webhook_key", client.id))


def address(client: Client) -> str:
    """The address that Nmbrs calls when a run has finished."""
    row = WebhookKey.select().where(WebhookKey.client == client.id, _valid()).order_by(WebhookKey.id.desc()).get()
    secret = unseal(row.key_sealed, "webhook_key", client.id)
    return f"{world().hook_url}/client/{secret}/webhooks/paymentsbatch"


def client_id_of(secret: str) -> int | None:
    """Whose key this is; None for one that is unknown or has ended."""
    row = WebhookKey.get_or_none(WebhookKey.key_hmac == lookup(secret), _valid())
    return row.client_id if row else None


def _valid():
    return WebhookKey.expires_at.is_null() | (WebhookKey.expires_at > utcnow())
