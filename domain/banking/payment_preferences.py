"""A client's payment preferences: batch booking, and verification of payee for bulk payments.

They apply from the next approval on: an approved payment stays as it was shown.
"""

from domain.common import audit
from domain.common.errors import InsufficientRole
from models import Client, Membership, transaction
from models.states import Role


def update_preferences(membership: Membership, batch_booking: bool, name_check: bool) -> bool:
    """Set both preferences. Returns whether anything changed.

    `name_check` False opts out of verification of payee for bulk payments, which the law allows a company to do and
    undo at any time (Regulation (EU) 260/2012 art. 5c(6)).

    Raises:
    - InsufficientRole: only owners may.
    """
    if membership.role != Role.OWNER:
        raise InsufficientRole
    wanted = {"batch_booking": batch_booking, "vop_enabled": name_check}
    with transaction(membership.client_id):
        client = Client.get_by_id(membership.client_id)
        changed = {name: value for name, value in wanted.items() if getattr(client, name) != value}
        if not changed:
            return False
        Client.update(**changed).where(Client.id == client.id).execute()
        audit.record_event(
            client.id, audit.by_user(membership.user), "bank_wishes.changed", f"client:{client.id}", **changed
        )
    return True
