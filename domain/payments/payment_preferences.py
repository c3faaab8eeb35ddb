"""A client's payment preferences: batch booking, and verification of payee for bulk payments.

They are shown with each payment and are part of what is approved (`digest`). A change therefore voids what was approved
and is not submitted yet; what is at the bank stays as it was approved.
"""

from dataclasses import dataclass

from domain.common import audit
from domain.common.errors import InsufficientRole
from domain.payments import digest
from domain.payments.amendments import void_approvals
from domain.payments.digest import Wishes
from models import Client, Membership, transaction
from models.states import Role


@dataclass(frozen=True)
class PreferencesUpdate:
    """Whether anything changed, and how many approved payments must be approved again."""

    changed: bool
    reopened: int = 0


def update_preferences(membership: Membership, batch_booking: bool, name_check: bool) -> PreferencesUpdate:
    """Set both preferences.

    `name_check` False opts out of verification of payee for bulk payments, which the law allows a company to do and
    undo at any time (Regulation (EU) 260/2012 art. 5c(6)).

    Raises:
    - InsufficientRole: only owners may.
    """
    if membership.role != Role.OWNER:
        raise InsufficientRole
    wanted = {"batch_booking": batch_booking, "vop_enabled": name_check}
    with transaction(membership.client_id):
        client, actor = Client.get_by_id(membership.client_id), audit.by_user(membership.user)
        reason = digest.wish_that_changed(digest.wishes_of(client), Wishes(batch_booking, name_check))
        if reason is None:
            return PreferencesUpdate(False)
        changed = {name: value for name, value in wanted.items() if getattr(client, name) != value}
        Client.update(**changed).where(Client.id == client.id).execute()
        audit.record_event(client.id, actor, "bank_wishes.changed", f"client:{client.id}", **changed)
        return PreferencesUpdate(True, void_approvals(Client.get_by_id(client.id), actor, reason))
