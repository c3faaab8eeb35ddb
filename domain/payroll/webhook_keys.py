"""The secret in the webhook URL: looked up by its HMAC, shown by decrypting it."""

from datetime import datetime, timedelta
from typing import Any

from core.clock import utcnow
from core.ids import random_token
from domain.common import audit
from domain.common.encryption import blind_index, decrypt, encrypt
from domain.common.services import services
from models import Client, User, WebhookKey, transaction
from models.prepared import Prepared


def create_key(client: Client) -> None:
    """Create a new key for the client; earlier ones remain valid."""
    secret = random_token()
    WebhookKey.create(
        client=client, key_hmac=blind_index(secret), key_encrypted=encrypt(secret, "webhook_key", client.id)
    )


def webhook_url(client: Client) -> str:
    """Return the URL that Nmbrs calls when a run has finished."""
    valid = WebhookKey.select().where(WebhookKey.client == client.id, _valid(utcnow()))
    row = valid.order_by(WebhookKey.id.desc()).get()
    secret = decrypt(row.key_encrypted, "webhook_key", client.id)
    return f"{services().hook_url}/client/{secret}/webhooks/paymentsbatch"


def rotate_key(client: Client, user: User, keep: timedelta) -> None:
    """Create a new URL. The old ones stay valid for the period `keep`, so that no webhook is lost."""
    expires_at = utcnow() + keep
    with transaction(client.id):
        WebhookKey.update(expires_at=expires_at).where(
            WebhookKey.client == client.id, WebhookKey.expires_at.is_null() | (WebhookKey.expires_at > expires_at)
        ).execute()
        create_key(client)
        audit.record_event(
            client.id, audit.by_user(user), "webhook.key_renewed", f"client:{client.public_id}",
            old_ends=expires_at.isoformat(),
        )  # fmt: skip


def previous_key_expires_at(client: Client) -> datetime | None:
    """Return until when an earlier URL works (UTC); None if only the newest works."""
    rows = WebhookKey.select().where(WebhookKey.client == client.id, WebhookKey.expires_at > utcnow())
    return max(filter(None, (row.expires_at for row in rows)), default=None)


def matches_client(client: Client, url: str) -> bool:
    """Return whether this is, or was, a webhook URL of this client."""
    start, end = f"{services().hook_url}/client/", "/webhooks/paymentsbatch"
    if not (url.startswith(start) and url.endswith(end)):
        return False
    secret = url[len(start) : -len(end)]
    return (
        WebhookKey.select().where(WebhookKey.client == client.id, WebhookKey.key_hmac == blind_index(secret)).exists()
    )


def client_id_of(secret: str) -> int | None:
    """Return the id of the client with this key; None if the key is unknown or expired."""
    found = _of_secret(blind_index(secret), utcnow())
    return found[0].client_id if found else None


@Prepared
def _of_secret(key_hmac, now):
    return WebhookKey.select(WebhookKey.client).where(WebhookKey.key_hmac == key_hmac, _valid(now))


def _valid(now: Any) -> Any:
    return WebhookKey.expires_at.is_null() | (WebhookKey.expires_at > now)
