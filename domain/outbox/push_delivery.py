"""Sends push notifications: once to each browser, with growing pauses while its push service is down."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.web_push import PushError, PushGone, PushLater, PushMessage, Subscription
from core.clock import utcnow
from domain.common import leases
from domain.common.encryption import blind_index, decrypt
from domain.common.services import services
from domain.outbox.failures import note_failure
from models import Membership, PushNotification, PushSubscription, User
from models.prepared import Prepared
from models.states import BatchState

_WAITS = (
    BatchState.OPEN, BatchState.NAME_CHECK, BatchState.AT_BANK, BatchState.REJECTED, BatchState.FAILED,
    BatchState.CANCELLED,
)  # fmt: skip
STILL = {
    "waits": (BatchState.OPEN,),
    "asked": (BatchState.OPEN,), "doubt_asked": (BatchState.OPEN,),
    "names_asked": (BatchState.NAME_CHECK,),
    "attest_asked": (BatchState.SENDING, BatchState.AT_BANK, BatchState.SIGNED, BatchState.PENDING_REJECTION,
                     BatchState.NAME_CHECK, BatchState.DISPUTED),
    # what was said of a payment since is another notification
    "refused": (BatchState.REJECTED,), "may_be_executed": (BatchState.PENDING_REJECTION,),
    "disputed": (BatchState.DISPUTED,), "returned": (BatchState.RETURNED,),
    "payday": _WAITS, "wage_tax_due": _WAITS,
}  # sent only while the payment is in one of these states
_URGENT = ("waits", "asked", "excess", "doubt_asked", "payday", "refused", "may_be_executed", "disputed")
MAX_ATTEMPTS, KEPT_SECONDS = 12, 2 * 24 * 3600


@dataclass(frozen=True)
class PushContent:
    """What a notification says: the event, the client's name, the path it opens and how many payments wait now.

    `line`: the number of the one line that it is about.
    """

    what: str
    client: str
    path: str
    waiting: int
    language: str
    line: int | None = None


# Returns the title and text of a notification, in its language.
Writer = Callable[[PushContent], tuple[str, str]]
BadgeCount = Callable[[User], int]


def due_pushes(limit: int = 200) -> list[int]:
    """Return the ids of at most `limit` notifications that are due."""
    return [row.id for row in _due(utcnow(), limit)]


@Prepared
def _due(now, limit):
    query = PushNotification.select(PushNotification.id).where(
        PushNotification.due_at <= now, PushNotification.sent_at.is_null(), leases.is_free(PushNotification, now)
    )
    return query.order_by(PushNotification.id).limit(limit)


def deliver_push(notification_id: int, write: Writer, badge_count: BadgeCount) -> bool:
    """Send one notification. Returns True if it was sent; otherwise it is retried later, or dropped.

    `badge_count` returns the number of payments that wait for a user, shown on the app's icon.
    """
    row = leases.claim_lease(
        PushNotification, notification_id, 60, PushNotification.sent_at.is_null(), PushNotification.due_at <= utcnow()
    )
    if row is None:
        return False
    if _is_obsolete(row):
        leases.release_lease(row, due_at=None)
        return False
    try:
        services().pusher.send(_subscription(row.subscription), _message(row, write, badge_count))
    except PushGone:
        gone = PushSubscription.endpoint_hash == row.subscription.endpoint_hash  # not if it was renewed meanwhile
        PushSubscription.delete().where(PushSubscription.id == row.subscription_id, gone).execute()
        return False
    except PushError as error:
        due_at = _next_attempt_at(row, error)
        note_failure(f"notification {row.id} ({row.event})", row.attempts + 1, type(error).__name__, due_at is None)
        leases.release_lease(row, attempts=row.attempts + 1, due_at=due_at)
        return False
    leases.release_lease(row, sent_at=utcnow(), due_at=None, attempts=row.attempts + 1)
    return True


def _is_obsolete(row: Any) -> bool:
    """Return whether the payment no longer waits, or the user is no longer a member of the client."""
    user = row.subscription.user_id
    member = Membership.select().where(Membership.client == row.client_id, Membership.user == user).exists()
    return not member or (row.event in STILL and row.batch is not None and row.batch.state not in STILL[row.event])


def _next_attempt_at(row: Any, error: PushError) -> datetime | None:
    """Return when to try again, or None for never."""
    if not isinstance(error, PushLater) or row.attempts + 1 >= MAX_ATTEMPTS:
        return None
    requested = utcnow() + timedelta(seconds=error.seconds or 0)
    return max(requested, leases.backoff(row.attempts))


def _subscription(row: PushSubscription) -> Subscription:
    fields = json.loads(decrypt(row.endpoint_encrypted, "push_subscription", row.user_id, row.endpoint_hash))
    return Subscription(fields["endpoint"], fields["p256dh"], fields["auth"])


def _message(row: Any, write: Writer, badge_count: BadgeCount) -> PushMessage:
    """Render the title and text now, so that the number on the icon is current."""
    user = row.subscription.user
    notice = PushContent(row.event, row.client.name, row.path, badge_count(user), user.locale or "nl", row.line)
    title, text = write(notice)
    topic = blind_index(f"{row.client_id}:{row.path}")[:32]  # a newer message replaces the older one (RFC 8030, 5.4)
    content = {"title": title, "text": text, "path": row.path, "tag": topic, "waiting": notice.waiting}
    urgency = "high" if row.event in _URGENT else "normal"
    return PushMessage(json.dumps(content).encode(), KEPT_SECONDS, topic, urgency)
