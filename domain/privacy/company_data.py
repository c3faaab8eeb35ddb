"""A copy of the books of a client, for an owner: payments, their lines, who takes part, and the log.

It is made in one snapshot, so that sums and lines agree. A line whose details were removed says since when.
"""

from datetime import datetime
from typing import Any

from core.clock import amsterdam
from domain.common import audit
from domain.privacy import remarks
from models import (
    AuditEvent,
    BankAccount,
    Batch,
    BatchLine,
    Client,
    Membership,
    PayrollCompany,
    PayrollRun,
    User,
    read_snapshot,
    transaction,
)

Row = dict[str, Any]


def company_data(membership: Membership) -> dict[str, list[Row]]:
    """Return the tables by name, each a list of rows. Amounts are cents, times UTC. Copying is an event of the log."""
    client = membership.client
    with transaction(client.id):
        audit.record_event(client.id, audit.by_user(membership.user), "company_data.copied", f"client:{client.id}")
    with read_snapshot():
        return {
            "payments": _payments(client), "lines": _lines(client), "people": _people(client), "log": _log(client)
        }


def _payments(client: Client) -> list[Row]:
    query = (
        Batch.select(Batch, PayrollCompany, BankAccount)
        .join(PayrollCompany).switch(Batch).join(BankAccount)
        .where(Batch.client == client.id).order_by(Batch.id)
    )  # fmt: skip
    return [
        {"payment": row.reference, "company": row.company.name, "run": row.description, "year": row.year,
         "number": row.run_number, "kind": row.kind, "state": row.state, "created_at": row.created_at.isoformat(),
         "execution_date": row.execution_date.isoformat() if row.execution_date else "",
         "account": row.bank_account.iban, "total_cents": row.total_cents, "lines": row.line_count}
        for row in query
    ]  # fmt: skip


def _lines(client: Client) -> list[Row]:
    query: Any = (
        BatchLine.select(
            Batch.reference, BatchLine.position, BatchLine.creditor_name, BatchLine.creditor_iban,
            BatchLine.remittance, BatchLine.amount_cents, BatchLine.state, BatchLine.bank_reason_code,
            BatchLine.end_to_end_id, PayrollRun.redacted_at, BatchLine.id,
        )
        .join(Batch).join(PayrollRun).where(Batch.client == client.id).order_by(Batch.id, BatchLine.position)
        .tuples()
    )  # fmt: skip
    rows = list(query)
    said = remarks.words_about([line for *_values, line in rows])
    return [_line(said.get(line, ""), *values) for *values, line in rows]


def _line(
    remarks: str, payment: str, position: int, name: str, iban: str, description: str, cents: int, state: str,
    reason: str | None, end_to_end_id: str, removed_at: datetime | None,
) -> Row:  # fmt: skip
    details = {"name": name, "iban": iban, "description": description}
    told = dict.fromkeys(details, "") if removed_at else details
    day = amsterdam(removed_at).date().isoformat() if removed_at else ""
    return {"payment": payment, "position": position, **told, "amount_cents": cents, "state": state,
            "bank_reason": reason or "", "end_to_end_id": end_to_end_id, "removed_on": day,
            "remarks": "" if removed_at else remarks}  # fmt: skip


def _people(client: Client) -> list[Row]:
    query = Membership.select(Membership, User).join(User).where(Membership.client == client.id)
    return [
        {"log_name": audit.by_user(row.user), "name": row.user.name, "email": row.user.email, "role": row.role}
        for row in query.order_by(Membership.id)
    ]


def _log(client: Client) -> list[Row]:
    query = AuditEvent.select().where(AuditEvent.client == client.id).order_by(AuditEvent.number)
    return [
        {"number": row.number, "at": row.created_at.isoformat(), "by": row.actor, "what": row.kind,
         "about": row.subject, "details": audit.details_text(row), "hash": row.hash}
        for row in query
    ]  # fmt: skip
