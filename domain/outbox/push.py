"""Notifications on phones: what happened, told to the browsers that asked for it; never a name, an IBAN or an amount.

A row is written in the transaction of what it tells; `notification_delivery` sends it. A browser that is gone is
forgotten.
"""

from collections.abc import Iterable

from models import Batch, Client, Membership, Notification, PushSubscription, User

# What one may want to hear of, and what belongs to it.
KINDS: dict[str, tuple[str, ...]] = {
    "waits": ("waits",), "asked": ("asked",), "executed": ("executed",), "refused": ("refused", "partly"),
    "consent": ("consent",),
}  # fmt: skip
# What a payment's new state is called here; of every other state nobody is told.
OF_STATE = {"executed": "executed", "partly_executed": "partly", "rejected": "refused"}
_KIND_OF = {what: kind for kind, whats in KINDS.items() for what in whats}


def enabled_kinds(user: User) -> set[str]:
    """The kinds that this person wants to hear of: all, until they say otherwise."""
    return set(KINDS) - set(user.unheard or ())


def set_enabled_kinds(user: User, kinds: Iterable[str]) -> None:
    """Hear of these kinds from now on, in every browser."""
    user.unheard = sorted(set(KINDS) - set(kinds))
    User.update(unheard=user.unheard).where(User.id == user.id).execute()


# --- what is told ---
def enqueue_push(
    client: Client, what: str, once: str, path: str, people: Iterable[User], batch: Batch | None = None
) -> None:
    """Tell these people that this happened, in each browser that wants it; the same `once` is told once."""
    wanting = [user.id for user in people if _KIND_OF[what] in enabled_kinds(user)]
    rows = [
        {"subscription": row.id, "client": client.id, "batch": batch.id if batch else None, "what": what,
         "path": path, "once": once}
        for row in PushSubscription.select(PushSubscription.id).where(PushSubscription.user.in_(wanting))
    ]  # fmt: skip
    if rows:
        Notification.insert_many(rows).on_conflict_ignore().execute()


def enqueue_for_state_change(batch: Batch) -> None:
    """The bank did something with a payment: whoever may pay hears how it ended. Inside the caller's transaction."""
    what = OF_STATE.get(batch.state)
    if what is None:
        return
    people = User.select().join(Membership).where(
        Membership.client == batch.client_id, Membership.role.in_(("owner", "approver"))
    )  # fmt: skip
    once = f"{what}:{batch.id}:{batch.state_at.isoformat()}"
    enqueue_push(Client.get_by_id(batch.client_id), what, once, f"/betalingen/{batch.reference}", people, batch)
