"""Push notifications: rows in an outbox, one for each subscribed browser.

They never contain a name, an IBAN or an amount. A row is written in the same transaction as the event; `push_delivery`
sends it and deletes subscriptions that are gone.
"""

from collections.abc import Iterable

from models import Batch, Client, Membership, PushNotification, PushSubscription, User
from models.states import BatchState, Role

# Kinds that a user can switch on or off, and the events of each.
KINDS: dict[str, tuple[str, ...]] = {
    "waits": ("waits", "payday", "wage_tax_due"),
    "asked": ("asked", "names_asked", "attest_asked", "excess", "doubt_asked", "doubt_answered"),
    "executed": ("executed",), "refused": ("refused", "may_be_executed", "disputed", "returned", "partly"),
    "held": ("held", "run_refused", "run_late"), "consent": ("consent", "consent_ended"),
}  # fmt: skip
# States of a payment that lead to a notification, and its event.
OF_STATE: dict[str, str] = {
    BatchState.EXECUTED: "executed", BatchState.PARTLY_EXECUTED: "partly", BatchState.RETURNED: "returned",
    BatchState.REJECTED: "refused",
    BatchState.PENDING_REJECTION: "may_be_executed", BatchState.DISPUTED: "disputed",
}  # fmt: skip
_KIND_OF = {what: kind for kind, whats in KINDS.items() for what in whats}


def enabled_kinds(user: User) -> set[str]:
    """Return the kinds of notification that the user has switched on; all by default."""
    return set(KINDS) - set(user.muted_push_events or ())


def set_enabled_kinds(user: User, kinds: Iterable[str]) -> None:
    """Set the kinds of notification that the user receives, in every browser."""
    user.muted_push_events = sorted(set(KINDS) - set(kinds))
    User.update(muted_push_events=user.muted_push_events).where(User.id == user.id).execute()


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
        {"subscription": row.id, "client": client.id, "batch": batch.id if batch else None, "event": what,
         "line": line, "path": path, "dedupe_key": once}
        for row in PushSubscription.select(PushSubscription.id).where(PushSubscription.user.in_(user_ids))
    ]  # fmt: skip
    if rows:
        PushNotification.insert_many(rows).on_conflict_ignore().execute()


def enqueue_for_state_change(batch: Batch) -> None:
    """Notify owners and approvers if the payment's new state is a final one.

    Call it inside the caller's transaction.
    """
    what = OF_STATE.get(batch.state)
    if what is None:
        return
    people = User.select().join(Membership).where(
        Membership.client == batch.client_id, Membership.role.in_((Role.OWNER, Role.APPROVER))
    )  # fmt: skip
    once = f"{what}:{batch.id}:{batch.state_changed_at.isoformat()}"
    enqueue_push(Client.get_by_id(batch.client_id), what, once, f"/betalingen/{batch.reference}", people, batch)
