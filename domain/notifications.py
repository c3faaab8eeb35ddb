"""Notifications on phones: what happened, told to the browsers that asked for it; never a name, an IBAN or an amount.

A row is written in the transaction of what it tells; `notification_delivery` sends it. A browser that is gone is
forgotten.
"""

import json
from collections.abc import Iterable

from connectors.push import Subscription, UnfitSubscription
from domain.devices import Visit
from domain.errors import PushUnfit
from domain.seals import lookup, seal
from domain.world import world
from models import Batch, Client, Device, Membership, Notification, PushSubscription, User, transaction

# What one may want to hear of, and what belongs to it.
KINDS: dict[str, tuple[str, ...]] = {
    "waits": ("waits",), "asked": ("asked",), "executed": ("executed",), "refused": ("refused", "partly"),
    "consent": ("consent",),
}  # fmt: skip
# What a payment's new state is called here; of every other state nobody is told.
OF_STATE = {"executed": "executed", "partly_executed": "partly", "rejected": "refused"}
_KIND_OF = {what: kind for kind, whats in KINDS.items() for what in whats}


# --- who wants them, where ---
def subscribe(user: User, device: Device, written: str) -> None:
    """Notifications of this person in this browser from now on; whoever had them there before has them no more.

    `written` is the browser's subscription as JSON. PushUnfit when it is none, or leads where we do not send.
    """
    known, content = _read(written)
    with transaction():
        PushSubscription.delete().where(
            (PushSubscription.endpoint_hash == known) | (PushSubscription.device == device.id)
        ).execute()
        sealed = seal(content, "push_subscription", user.id, known)
        PushSubscription.create(user=user, device=device, endpoint_hash=known, sealed=sealed)


def renew(visit: Visit, written: str) -> None:
    """This browser made its subscription anew by itself: who had notifications in it has them by the new one, also
    those that are on their way. Nobody gets any who had none. PushUnfit.
    """
    of_browser = PushSubscription.select().join(Device).where(Device.token_hash == lookup(visit.secret))
    row = of_browser.first()
    if row is None:
        return
    known, content = _read(written)
    with transaction():
        PushSubscription.delete().where(
            PushSubscription.endpoint_hash == known, PushSubscription.id != row.id
        ).execute()
        PushSubscription.update(
            endpoint_hash=known, sealed=seal(content, "push_subscription", row.user_id, known)
        ).where(PushSubscription.id == row.id).execute()


def _read(written: str) -> tuple[str, str]:
    """What a subscription is found by, and what is kept of it."""
    try:
        found = Subscription.read(written)
        world().pusher.check(found)
    except UnfitSubscription as error:
        raise PushUnfit from error
    kept = {"endpoint": found.endpoint, "p256dh": found.public_key, "auth": found.auth}
    return lookup(found.endpoint), json.dumps(kept)


def unsubscribe(user: User, device: Device) -> None:
    """No notifications in this browser any more."""
    PushSubscription.delete().where(PushSubscription.user == user.id, PushSubscription.device == device.id).execute()


def wanted_on(device: Device) -> bool:
    """Whether this browser gets notifications."""
    return PushSubscription.select().where(PushSubscription.device == device.id).exists()


def heard(user: User) -> set[str]:
    """The kinds that this person wants to hear of: all, until they say otherwise."""
    return set(KINDS) - set(user.unheard or ())


def choose(user: User, kinds: Iterable[str]) -> None:
    """Hear of these kinds from now on, in every browser."""
    user.unheard = sorted(set(KINDS) - set(kinds))
    User.update(unheard=user.unheard).where(User.id == user.id).execute()


# --- what is told ---
def queue(client: Client, what: str, once: str, path: str, people: Iterable[User], batch: Batch | None = None) -> None:
    """Tell these people that this happened, in each browser that wants it; the same `once` is told once."""
    wanting = [user.id for user in people if _KIND_OF[what] in heard(user)]
    rows = [
        {"subscription": row.id, "client": client.id, "batch": batch.id if batch else None, "what": what,
         "path": path, "once": once}
        for row in PushSubscription.select(PushSubscription.id).where(PushSubscription.user.in_(wanting))
    ]  # fmt: skip
    if rows:
        Notification.insert_many(rows).on_conflict_ignore().execute()


def payment_moved(batch: Batch) -> None:
    """The bank did something with a payment: whoever may pay hears how it ended. Inside the caller's transaction."""
    what = OF_STATE.get(batch.state)
    if what is None:
        return
    people = User.select().join(Membership).where(
        Membership.client == batch.client_id, Membership.role.in_(("owner", "approver"))
    )  # fmt: skip
    once = f"{what}:{batch.id}:{batch.state_at.isoformat()}"
    queue(Client.get_by_id(batch.client_id), what, once, f"/betalingen/{batch.reference}", people, batch)
