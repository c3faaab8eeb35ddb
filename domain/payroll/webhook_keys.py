"""The secret in the webhook address: found by its HMAC, shown from its ciphertext."""

from datetime import datetime, timedelta

from core.clock import utcnow
from core.ids import random_token
from domain.common import audit
from domain.common.encryption import blind_index, decrypt, encrypt
from domain.common.services import services
from models import Client, User, WebhookKey, transaction


def create_key(client: Client) -> None:
    """A new key for the client; earlier ones stay as they are."""
    secret = random_token()
    WebhookKey.create(client=client, key_hmac=blind_index(secret), key_sealed=encrypt(secret, "webhook_key", client.id))


def webhook_url(client: Client) -> str:
    """The address that Nmbrs calls when a run has finished."""
    row = WebhookKey.select().where(WebhookKey.client == client.id, _valid()).order_by(WebhookKey.id.desc()).get()
    secret = decrypt(row.key_sealed, "webhook_key", client.id)
    return f"{services().hook_url}/client/{secret}/webhooks/paymentsbatch"


def rotate_key(client: Client, user: User, keep: timedelta) -> None:
    """A new address. The old ones go on working for so long, so that no run is announced to nobody meanwhile."""
    ends = utcnow() + keep
    with transaction(client.id):
        WebhookKey.update(expires_at=ends).where(
            WebhookKey.client == client.id, WebhookKey.expires_at.is_null() | (WebhookKey.expires_at > ends)
        ).execute()
        create_key(client)
        audit.record_event(
            client.id, audit.by_user(user), "webhook.key_renewed", f"client:{client.public_id}",
            old_ends=ends.isoformat(),
        )  # fmt: skip


def previous_key_expires_at(client: Client) -> datetime | None:
    """Until when an earlier address still works; None when only the newest does."""
    rows = WebhookKey.select().where(WebhookKey.client == client.id, WebhookKey.expires_at > utcnow())
    return max(filter(None, (row.expires_at for row in rows)), default=None)


def matches_client(client: Client, address_found: str) -> bool:
    """Whether this is, or was, an address of this client."""
    start, end = f"{services().hook_url}/client/", "/webhooks/paymentsbatch"
    if not (address_found.startswith(start) and address_found.endswith(end)):
        return False
    secret = address_found[len(start) : -len(end)]
    return (
        WebhookKey.select().where(WebhookKey.client == client.id, WebhookKey.key_hmac == blind_index(secret)).exists()
    )


def client_id_of(secret: str) -> int | None:
    """Whose key this is; None for one that is unknown or has ended."""
    row = WebhookKey.get_or_none(WebhookKey.key_hmac == blind_index(secret), _valid())
    return row.client_id if row else None


def _valid():
    return WebhookKey.expires_at.is_null() | (WebhookKey.expires_at > utcnow())
