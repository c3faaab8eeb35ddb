"""Push subscriptions: the browsers of a user that receive notifications."""

import json

from connectors.web_push import Subscription, UnfitSubscription
from domain.accounts.devices import DeviceCookie
from domain.common.encryption import blind_index, encrypt
from domain.common.errors import InvalidSubscription
from domain.common.services import services
from models import Device, PushSubscription, User, transaction


def subscribe(user: User, device: Device, written: str) -> None:
    """Send this user's notifications to this browser from now on, instead of anyone else's.

    `written` is the browser's PushSubscription as JSON.

    Raises:
    - InvalidSubscription
    """
    endpoint_hash, content = _read(written)
    with transaction():
        PushSubscription.delete().where(
            (PushSubscription.endpoint_hash == endpoint_hash) | (PushSubscription.device == device.id)
        ).execute()
        sealed = encrypt(content, "push_subscription", user.id, endpoint_hash)
        PushSubscription.create(user=user, device=device, endpoint_hash=endpoint_hash, endpoint_encrypted=sealed)


def renew_subscription(visit: DeviceCookie, written: str) -> None:
    """Replace this browser's subscription after the browser renewed it by itself (pushsubscriptionchange).

    Pending notifications go to the new one. Does nothing if the browser had no subscription.

    Raises:
    - InvalidSubscription
    """
    of_browser = PushSubscription.select().join(Device).where(Device.token_hash == blind_index(visit.secret))
    row = of_browser.first()
    if row is None:
        return
    endpoint_hash, content = _read(written)
    with transaction():
        PushSubscription.delete().where(
            PushSubscription.endpoint_hash == endpoint_hash, PushSubscription.id != row.id
        ).execute()
        PushSubscription.update(
            endpoint_hash=endpoint_hash,
            endpoint_encrypted=encrypt(content, "push_subscription", row.user_id, endpoint_hash)
        ).where(PushSubscription.id == row.id).execute()


def _read(written: str) -> tuple[str, str]:
    """Return the hash by which a subscription is found, and the JSON that is stored."""
    try:
        subscription = Subscription.read(written)
        services().pusher.check(subscription)
    except UnfitSubscription as error:
        raise InvalidSubscription from error
    stored = {"endpoint": subscription.endpoint, "p256dh": subscription.public_key, "auth": subscription.auth}
    return blind_index(subscription.endpoint), json.dumps(stored)


def unsubscribe(user: User, device: Device) -> None:
    """Send no more notifications to this browser."""
    PushSubscription.delete().where(PushSubscription.user == user.id, PushSubscription.device == device.id).execute()


def is_subscribed(device: Device) -> bool:
    """Return whether this browser receives notifications."""
    return PushSubscription.select().where(PushSubscription.device == device.id).exists()
