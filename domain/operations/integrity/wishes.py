"""What a company wishes of its bank: as the log says that it was set last."""

from collections.abc import Iterator

from models import AuditEvent, Client

# The names of a wish in the log, and its column: the check of names was called otherwise at first.
_COLUMNS = {"batch_booking": "batch_booking", "name_check": "vop_enabled", "vop_enabled": "vop_enabled"}


def wish_faults(client: Client) -> Iterator[str]:
    """Yield the wishes that are not what the log says. Nobody changed them: both are on."""
    said = {"batch_booking": True, "vop_enabled": True}
    events = AuditEvent.select().where(AuditEvent.client == client.id, AuditEvent.kind == "bank_wishes.changed")
    for event in events.order_by(AuditEvent.number):
        said |= {_COLUMNS[name]: value for name, value in event.details.items() if name in _COLUMNS}
    for name, value in said.items():
        if getattr(client, name) != value:
            yield f"client {client.public_id}: the wish {name} is not what the log says"
