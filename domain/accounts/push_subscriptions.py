"""Push subscriptions: which browser of a person receives notifications. A browser that is gone is forgotten."""

import json

from connectors.web_push import Subscription, UnfitSubscription
from domain.accounts.devices import DeviceCookie
from domain.common.encryption import blind_index, encrypt
from domain.common.errors import InvalidSubscription
from domain.common.services import services
from models import Device, PushSubscription, User, transaction


def subscribe(user: User, device: Device, written: str) -> None:
    """Notifications of this person in this browser from now on; whoever had them there before has them no more.

    `written` is the browser's subscription as JSON. InvalidSubscription when it is none, or leads where we do not send.
    """
    known, content = _read(written)
    with transaction():
        PushSubscription.delete().where(
            (PushSubscription.endpoint_hash == known) | (PushSubscription.device == device.id)
        ).execute()
        sealed = encrypt(content, "push_subscription", user.id, known)
        PushSubscription.create(user=user, device=device, endpoint_hash=known, sealed=sealed)


def renew_subscription(visit: DeviceCookie, written: str) -> None:
    """This browser made its subscription anew by itself: who had notifications in it has them by the new one, also
    those that are on their way. Nobody gets any who had none. InvalidSubscription.
    """
    of_browser = PushSubscription.select().join(Device).where(Device.token_hash == blind_index(visit.secret))
    row = of_browser.first()
    if row is None:
        return
    known, content = _read(written)
    with transaction():
        PushSubscription.delete().where(
            PushSubscription.endpoint_hash == known, PushSubscription.id != row.id
        ).execute()
        PushSubscription.update(
            endpoint_hash=known, sealed=encrypt(content, "push_subscription", row.user_id, known)
        ).where(PushSubscription.id == row.id).execute()


def _read(written: str) -> tuple[str, str]:
    """What a subscription is found by, and what is kept of it."""
    try:
        found = Subscription.read(written)
        services().pusher.check(found)
    except UnfitSubscription as error:
        raise InvalidSubscription from error
    kept = {"endpoint": found.endpoint, "p256dh": found.public_key, "auth": found.auth}
    return blind_index(found.endpoint), json.dumps(kept)


def unsubscribe(user: User, device: Device) -> None:
    """No notifications in this browser any more."""
    PushSubscription.delete().where(PushSubscription.user == user.id, PushSubscription.device == device.id).execute()


def wanted_on(device: Device) -> bool:
    """Whether this browser gets notifications."""
    return PushSubscription.select().where(PushSubscription.device == device.id).exists()
