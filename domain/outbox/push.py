"""Push notifications: rows in an outbox, one for each subscribed browser.

They never contain a name, an IBAN or an amount. A row is written in the same transaction as the event; `push_delivery`
sends it and deletes subscriptions that are gone.
"""

from collections.abc import Iterable

from models import Batch, Client, Membership, Notification, PushSubscription, User

# Kinds that a user can switch on or off, and the events of each.
KINDS: dict[str, tuple[str, ...]] = {
    "waits": ("waits",), "asked": ("asked",), "executed": ("executed",), "refused": ("refused", "partly"),
    "held": ("held", "run_refused"), "consent": ("consent", "consent_ended"),
}  # fmt: skip
# States of a payment that lead to a notification, and its event.
OF_STATE = {
    "executed": "executed", "partly_executed": "partly", "returned": "partly", "rejected": "refused",
    "pending_rejection": "refused", "disputed": "refused",
}  # fmt: skip
_KIND_OF = {what: kind for kind, whats in KINDS.items() for what in whats}


def enabled_kinds(user: User) -> set[str]:
    """Return the kinds of notification that the user has switched on; all by default."""
    return set(KINDS) - set(user.unheard or ())


def set_enabled_kinds(user: User, kinds: Iterable[str]) -> None:
    """Set the kinds of notification that the user receives, in every browser."""
    user.unheard = sorted(set(KINDS) - set(kinds))
    User.update(unheard=user.unheard).where(User.id == user.id).execute()


# --- enqueueing ---
def enqueue_push(
    client: Client, what: str, once: str, path: str, people: Iterable[User], batch: Batch | None = None,
    line: int | None = None,
) -> None:  # fmt: skip
    """Enqueue a notification for each subscribed browser of these users.

    A second call with the same `once` does nothing. `line`: the number of the one line that it is about.
    """
    user_ids = [user.id for user in people if _KIND_OF[what] in enabled_kinds(user)]
    rows = [
        {"subscription": row.id, "client": client.id, "batch": batch.id if batch else None, "what": what,
         "line": line, "path": path, "once": once}
        for row in PushSubscription.select(PushSubscription.id).where(PushSubscription.user.in_(user_ids))
    ]  # fmt: skip
    if rows:
        Notification.insert_many(rows).on_conflict_ignore().execute()


def enqueue_for_state_change(batch: Batch) -> None:
    """Notify owners and approvers if the payment's new state is a final one.

    Call it inside the caller's transaction.
    """
    what = OF_STATE.get(batch.state)
    if what is None:
        return
    people = User.select().join(Membership).where(
        Membership.client == batch.client_id, Membership.role.in_(("owner", "approver"))
    )  # fmt: skip
    once = f"{what}:{batch.id}:{batch.state_at.isoformat()}"
    enqueue_push(Client.get_by_id(batch.client_id), what, once, f"/betalingen/{batch.reference}", people, batch)
