"""A copy of what is kept of one employee, for the owner whom that employee asks for it (GDPR art. 15).

A run whose details were removed no longer shows whom it paid. Its payments are listed with the day of the removal, so
that nobody takes the copy for complete.
"""

from dataclasses import asdict, dataclass
from typing import Any

from core.clock import amsterdam
from core.names import normalise_name
from domain.common import audit
from domain.privacy import remarks
from models import Batch, BatchLine, Client, EarlyNameCheck, HeldLine, Membership, PayrollRun, transaction


@dataclass(frozen=True)
class EmployeeRow:
    """One line of a payment, or one of a run that cannot be paid (`payment` is then empty). `cents` of `currency`.

    Or what was said of a name and an account before a payment: `state` is then name_check and the result, and
    `description` the account holder's name, if it was given.
    """

    payment: str
    run: str
    name: str
    iban: str
    description: str
    cents: int | None
    currency: str
    state: str
    end_to_end_id: str
    removed_on: str = ""
    remarks: str = ""  # what people wrote about it

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def employee_data(membership: Membership, asked: str) -> list[EmployeeRow]:
    """Return every line with this name, however it is written, of this employee's pay, or to this account. Copying is
    an event of the log.

    `asked`: a name or an IBAN, as typed. The log gets how many lines were copied, never whose.
    """
    client = membership.client
    rows = [*_payment_lines(client, asked), *_held_lines(client, asked), *_name_checks(client, asked)]
    with transaction(client.id):
        audit.record_event(
            client.id, audit.by_user(membership.user), "employee_data.copied", f"client:{client.id}", count=len(rows)
        )
    return rows + _removed(client)


def _removed(client: Client) -> list[EmployeeRow]:
    """Return a row for each payment whose details were removed."""
    found = Batch.select(Batch, PayrollRun).join(PayrollRun)
    found = found.where(Batch.client == client.id, PayrollRun.redacted_at.is_null(False)).order_by(Batch.id)
    return [
        EmployeeRow(batch.reference, batch.description, "", "", "", None, "", "removed", "",
                    amsterdam(batch.run.redacted_at).date().isoformat())
        for batch in found if batch.run.redacted_at
    ]  # fmt: skip


def _payment_lines(client: Client, asked: str) -> list[EmployeeRow]:
    mine = BatchLine.select(BatchLine, Batch).join(Batch).join(PayrollRun)
    mine = mine.where(Batch.client == client.id, PayrollRun.redacted_at.is_null())
    names: Any = mine.select(BatchLine.creditor_name, BatchLine.paid_for).distinct().tuples()
    wanted = _same_names({name for pair in names for name in pair}, asked)
    named = BatchLine.creditor_name.in_(wanted) | BatchLine.paid_for.in_(wanted)
    found = mine.where(named | (BatchLine.creditor_iban == _account(asked)))
    said = remarks.words_about([line.id for line in found])
    return [
        EmployeeRow(
            line.batch.reference, line.batch.description, line.creditor_name, line.creditor_iban, line.remittance,
            line.amount_cents, "EUR", line.state, line.end_to_end_id, remarks=said.get(line.id, ""),
        )
        for line in found.order_by(BatchLine.id)
    ]  # fmt: skip


def _held_lines(client: Client, asked: str) -> list[EmployeeRow]:
    mine = HeldLine.select(HeldLine, PayrollRun).join(PayrollRun)
    mine = mine.where(PayrollRun.client == client.id, PayrollRun.redacted_at.is_null())
    names: Any = mine.select(HeldLine.name).distinct().tuples()
    wanted = _same_names((name for (name,) in names), asked)
    found = mine.where(HeldLine.name.in_(wanted) | (HeldLine.iban == _account(asked)))
    return [
        EmployeeRow("", line.run.description, line.name, line.iban, line.description, line.amount_cents, line.currency,
                    line.reason, "")
        for line in found.order_by(HeldLine.id)
    ]  # fmt: skip


def _name_checks(client: Client, asked: str) -> list[EmployeeRow]:
    mine = EarlyNameCheck.select().where(EarlyNameCheck.client == client.id)
    wanted = _same_names({name for row in mine for name in (row.name, row.holder)}, asked)
    named = EarlyNameCheck.name.in_(wanted) | EarlyNameCheck.holder.in_(wanted)
    return [
        EmployeeRow("", "", row.name, row.iban, row.holder or "", None, "", f"name_check {row.result}", "")
        for row in mine.where(named | (EarlyNameCheck.iban == _account(asked))).order_by(EarlyNameCheck.id)
    ]


def _same_names(names: Any, asked: str) -> list[str]:
    key = normalise_name(asked)
    return [name for name in names if name and normalise_name(name) == key]


def _account(asked: str) -> str:
    """Return what was typed as accounts are stored; that of a held line need not be a valid IBAN."""
    return "".join(asked.split()).upper()
