"""Begin the register of rows: state the rows of a database that had no register yet, and later each new column.

From then on every row is proved. It happens once, when the database is migrated: a register that was emptied is not
begun again, because the audit logs and the heads kept outside the database know that there was one.
"""

from peewee import chunked

from connectors.anchors import REGISTER
from domain.common import audit
from domain.common.services import services
from domain.operations.integrity.rows import read_register
from models import WATCHED, AuditEvent, Client, RowStatement, row_register, transaction

BEGUN = "rows.registered"
AT_ONCE = 500


def bring_up_to_date(proved: bool = False) -> int:
    """State what a migration left unstated: all rows of a database without a register, else new columns.

    `proved`: the rows are those of a backup, whose seal shows that nobody changed them.
    """
    return begin_register(proved) if is_register_due() else state_new_columns()


def is_register_due() -> bool:
    """Return whether the register is empty although watched rows exist."""
    return not RowStatement.select().exists() and any(watch.table.select().exists() for watch in WATCHED.values())


def begin_register(proved: bool = False) -> int:
    """State all watched rows, if the register was never begun; return their number.

    Each client's log says that it happened. Does nothing if there was a register before, unless the rows are `proved`:
    then `check-books` says what is missing.
    """
    if not is_register_due() or (was_begun() and not proved):
        return 0
    clients = [row.id for row in Client.select(Client.id).order_by(Client.id)]
    count = 0
    with transaction(*clients):
        for watch in WATCHED.values():
            for part in chunked(watch.rows(), AT_ONCE):
                row_register.made(watch, part)
                count += len(part)
        for client_id in clients:
            audit.record_event(client_id, audit.WORKER, BEGUN, f"client:{client_id}", count=count)
    return count


def was_begun() -> bool:
    """Return whether the audit logs, or the heads kept outside the database, show an earlier register."""
    if any(one.client == REGISTER for one in services().anchors.read()):
        return True
    told = AuditEvent.select(AuditEvent.kind, AuditEvent.details).where(
        AuditEvent.kind.in_((BEGUN, "client.registered"))
    )
    return any(event.kind == BEGUN or event.details.get("in_register") for event in told)


def state_new_columns() -> int:
    """State the columns that no statement names yet, of rows that are known; return the number of rows.

    A migration adds them. A row that is not known stays unknown.
    """
    told, count = read_register(), 0
    for watch in WATCHED.values():
        known = told.rows[watch.name]
        new = set(watch.columns).difference(*known.values()) if known else set()
        if not new:
            continue
        rows = [row for row in watch.rows() if row[0] in known]
        with transaction():
            row_register.changed(watch, rows, new)
        count += len(rows)
    return count

