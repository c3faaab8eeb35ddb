"""Permission checks: every operation that we need is tried, so that a missing permission is named.

The user template in Nmbrs allows each API method separately, so a valid token may fail at one of them
(docs/facts/nmbrs.md, section 2). A job tries them one by one; the screen shows the results as they come.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.nmbrs import port
from connectors.nmbrs.port import Payroll
from core.clock import today_amsterdam, utcnow
from domain.payroll import companies
from domain.payroll.nmbrs_client import NmbrsClient, error_code, name_of
from models import NmbrsConnection, NmbrsPermissionCheck, transaction
from models.states import CheckResult, ConnectionStatus, NmbrsApi

# Method of the port, and whether payments are impossible without it.
CHECKS: tuple[tuple[str, bool], ...] = (
    ("environment", True),
    ("debtors", True),
    ("companies", True),
    ("runs", True),
    ("sepa_file", True),
    ("company_iban", False),
    ("employees_in_run", False),
    ("employees", False),
    ("wage_taxes", False),
    ("webhook_events", False),
)
_SOAP_ONLY = ("webhook_events",)


@dataclass(frozen=True)
class CheckView:
    """`question`: method of the port; `call`: the vendor's name of the operation.

    `result`: waiting, ok, refused, unknown (no run to try it on yet) or trouble (no answer). `code`: the error code,
    e.g. "1002".
    """

    question: str
    call: str
    needed: bool
    result: str
    code: str | None
    at: datetime | None


def schedule_permission_checks(connection: NmbrsConnection) -> None:
    """Reset all checks to "waiting"; a job runs them."""
    for position, (question, needed) in enumerate(_checks(connection)):
        NmbrsPermissionCheck.insert(
            connection=connection.id, position=position, operation=question, is_required=needed
        ).on_conflict(
            conflict_target=(NmbrsPermissionCheck.connection, NmbrsPermissionCheck.operation),
            update={"result": CheckResult.WAITING, "code": None, "checked_at": None},
        ).execute()
    NmbrsConnection.update(checks_due_at=utcnow()).where(NmbrsConnection.id == connection.id).execute()


def _checks(connection: NmbrsConnection) -> list[tuple[str, bool]]:
    return [check for check in CHECKS if connection.api == NmbrsApi.SOAP or check[0] not in _SOAP_ONLY]


def due_permission_checks() -> list[int]:
    """Return the ids of connections whose checks are due."""
    query = NmbrsConnection.select(NmbrsConnection.id).where(
        NmbrsConnection.checks_due_at <= utcnow(), NmbrsConnection.removed_at.is_null()
    )
    return [row.id for row in query.limit(50)]


def run_permission_checks(connection_id: int) -> None:
    """Run the checks and store each result at once. After a crash they run again."""
    connection = NmbrsConnection.get_by_id(connection_id)
    if connection.checks_due_at is None or connection.removed_at is not None:
        return
    due_at = connection.checks_due_at
    trial = _Trial(connection)
    for question, _ in _checks(connection):
        result, code = trial.attempt(question)
        NmbrsPermissionCheck.update(result=result, code=code, checked_at=utcnow()).where(
            NmbrsPermissionCheck.connection == connection.id, NmbrsPermissionCheck.operation == question
        ).execute()
    NmbrsConnection.update(checks_due_at=None).where(
        NmbrsConnection.id == connection.id, NmbrsConnection.checks_due_at == due_at
    ).execute()


class _Trial:
    """Runs the checks in order; a later one uses what an earlier one found."""

    def __init__(self, connection: NmbrsConnection) -> None:
        self.connection, self.caller = connection, NmbrsClient(connection)
        self.debtors: list[port.Debtor] = []
        self.run: port.RunInfo | None = None

    def attempt(self, question: str) -> tuple[str, str | None]:
        """Try the method of the port that `question` names. Return the result, and the error code of a refusal."""
        attempts: dict[str, Callable[[], Any]] = {
            "environment": lambda: self.caller.call(Payroll.environment), "debtors": self._debtors,
            "companies": self._companies, "runs": self._runs, "sepa_file": self._sepa_file,
            "company_iban": lambda: self.caller.call(Payroll.company_iban, self._company.nmbrs_id),
            "employees_in_run": lambda: self.caller.call(Payroll.employees_in_run, *self._one_run()),
            "employees": lambda: self.caller.call(Payroll.employees, self._company.nmbrs_id),
            "wage_taxes": lambda: self.caller.call(Payroll.wage_taxes, self._company.nmbrs_id, today_amsterdam().year),
            "webhook_events": lambda: self.caller.call(Payroll.webhook_events),
        }  # fmt: skip
        try:
            attempts[question]()
        except _NothingToTry:
            return CheckResult.UNKNOWN, None
        except port.PayrollError as error:
            refused = isinstance(error, port.BadCredentials | port.NotAllowed | port.NotVisible | port.Disabled)
            return (CheckResult.REFUSED if refused else CheckResult.ERROR), error.code or error_code(error).partition(
                ":"
            )[0]
        return CheckResult.OK, None

    @property
    def _company(self) -> Any:
        """The company to try on: mapped before unmapped, the client's own before others."""
        rows = companies.probe_candidates(self.connection)
        if not rows:
            raise _NothingToTry
        return rows[0]

    def _debtors(self) -> None:
        self.debtors = self.caller.call(Payroll.debtors)

    def _companies(self) -> None:
        """Fetch and store the list of companies; without permission for debtors, all companies in one call."""
        if self.debtors:
            companies.sync_companies(self.connection, self.caller, self.debtors)
            return
        companies.upsert_companies(self.connection, self.caller.call(Payroll.companies, None))

    def _runs(self) -> None:
        for company in companies.probe_candidates(self.connection)[:5]:
            found = self.caller.call(Payroll.runs, company.nmbrs_id, today_amsterdam().year)
            if found:
                self.run, self.company_of_run = found[-1], company
                return
        if not companies.probe_candidates(self.connection):
            raise _NothingToTry

    def _one_run(self) -> tuple[str, str, int]:
        if self.run is None:
            raise _NothingToTry
        return self.company_of_run.nmbrs_id, self.run.id, self.run.year

    def _sepa_file(self) -> None:
        self.caller.call(Payroll.sepa_file, *self._one_run(), today_amsterdam())


class _NothingToTry(Exception):
    """There is no company or run yet to try this operation on."""


def checks_of_connection(connection: NmbrsConnection) -> list[CheckView]:
    """Return the checks in order; empty if they never ran."""
    # a connection migrated to REST still has rows of operations that exist only in SOAP
    operations = [question for question, _needed in _checks(connection)]
    current = (NmbrsPermissionCheck.connection == connection.id) & NmbrsPermissionCheck.operation.in_(operations)
    rows = NmbrsPermissionCheck.select().where(current).order_by(NmbrsPermissionCheck.position)
    return [
        CheckView(
            row.operation, name_of(connection, row.operation), row.is_required, row.result, row.code, row.checked_at
        )
        for row in rows
    ]


def recheck_permissions(connection: NmbrsConnection) -> None:
    """Run the checks again at the user's request, even if the connection was suspended."""
    with transaction(connection.client_id):
        if connection.error_code == "quota_used_up":
            NmbrsConnection.update(status=ConnectionStatus.ACTIVE, error_code=None, failing_since=None).where(
                NmbrsConnection.id == connection.id
            ).execute()
        schedule_permission_checks(connection)
