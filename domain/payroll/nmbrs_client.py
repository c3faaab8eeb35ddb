"""Calls to Nmbrs for one connection: which API, which credentials, and what an error means for the connection.

All calls of the domain go through an `NmbrsClient`. It records requests and responses for the run history, and sets the
connection to "active" or "failing".
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from connectors.nmbrs import port
from core.clock import utcnow
from core.encryption import digest_sha256
from domain.common import audit
from domain.common.encryption import decrypt
from domain.common.services import services
from domain.outbox import mail
from domain.payroll import nmbrs_tokens
from models import Client, Membership, NmbrsCall, NmbrsConnection, PayrollCompany, PayrollRun, User, transaction
from models.states import ConnectionStatus, NmbrsApi, Role

# Each method of the port: its SOAP operation, its REST operation, and the names of its parameters.
OPERATIONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "environment": ("DebtorService.Environment_Get", "GET /api/user/info", ()),
    "debtors": ("DebtorService.List_GetAll", "GET /api/debtors", ()),
    "companies": ("CompanyService.List_GetByDebtor", "GET /api/debtors/{debtorId}/companies", ("DebtorId",)),
    "company_iban": ("CompanyService.BankAccount_GetCurrent", "GET /api/companies/{companyId}/bankaccounts",
                     ("CompanyId",)),
    "runs": ("CompanyService.Run_GetList", "GET /api/companies/{companyId}/runs", ("CompanyId", "Year")),
    "employees_in_run": ("CompanyService.Run_GetEmployeesByRunCompany",
                         "GET /api/companies/{companyId}/runs/{payrollRunId}/employees",
                         ("CompanyId", "RunId", "Year")),
    "sepa_file": ("CompanyService.SalaryDocuments_GetSEPA", "GET /api/companies/{companyId}/runs/{payrollRunId}/sepa",
                  ("CompanyId", "RunID", "Year", "paymentDate")),
    "employees": ("EmployeeService.PersonalInfoWithoutBSN_Get_GetAllEmployeesByCompany",
                  "GET /api/companies/{companyId}/employees/personalinfo", ("CompanyID",)),
    "employee_ibans": ("EmployeeService.BankAccount_GetListCurrent",
                       "GET /api/companies/{companyId}/employees/bankaccounts", ("CompanyId", "EmployeeId")),
    "wage_taxes": ("CompanyService.WageTax_GetList", "GET /api/companies/{companyId}/wagetaxes",
                   ("CompanyId", "intYear")),
    "wage_tax_file": ("CompanyService.SalaryDocuments_GetSEPA_Tax",
                      "GET /api/companies/{companyId}/wagetaxes/{wageTaxId}/sepa",
                      ("CompanyId", "RunID", "WageTaxID", "Year", "paymentDate")),
    "guids": ("CompanyService.Converter_GetByCompany_IntToGuid", "-", ("CompanyId",)),
    "webhook_events": ("DebtorService.WebhookSettings_GetEvents", "-", ()),
    "webhooks": ("DebtorService.WebhookSettings_Get", "-", ("DebtorId",)),
    "insert_webhook": ("DebtorService.WebhookSettings_Insert", "-", ("DebtorId", "Name")),
    "delete_webhook": ("DebtorService.WebhookSettings_Delete", "-", ("DebtorId", "WebhookSettingId")),
}  # fmt: skip
# Required for any payment: if one is refused, the whole connection fails.
REQUIRED_OPERATIONS = ("runs", "sepa_file")
# Errors after which further calls are useless or harmful until the user has acted.
SUSPENDING_ERRORS = ("bad_credentials", "quota_used_up")
_SUCCESS_INTERVAL = timedelta(minutes=1)
Params = ParamSpec("Params")
Result = TypeVar("Result")


class NmbrsClient:
    """A series of calls to Nmbrs for a connection, one of its companies, or a run."""

    def __init__(
        self, connection: NmbrsConnection, company: PayrollCompany | None = None, run: PayrollRun | None = None
    ) -> None:
        self.connection, self.company, self.run = connection, company, run
        self._payroll = payroll_of(connection)
        self._kept: list[dict[str, Any]] = []

    def call(
        self, call: Callable[Concatenate[Any, port.Credentials, Params], Result], *given: Params.args,
        **named: Params.kwargs,
    ) -> Result:  # fmt: skip
        """Call a method of the port and return its answer, as in `call(Payroll.runs, company_id, year)`.

        Raises:
        - PayrollError: raised by the port, after the connection's status has been updated.
        """
        operation = call.__name__
        try:
            answer = getattr(self._payroll, operation)(credentials(self.connection), *given, **named)
        except port.PayrollError as error:
            self._remember(operation, given, error_code(error), {"text": error.text})
            _record_failure(self.connection, operation, error)
            raise
        self._remember(operation, given, "ok", summary(answer))
        _record_success(self.connection, operation)
        return answer

    @property
    def most_account_owners(self) -> int:
        """Return of how many employees the accounts may be asked (see `Payroll`)."""
        return self._payroll.most_account_owners

    def save_exchanges(self) -> None:
        """Store the recorded requests and responses in the run history."""
        rows, self._kept = self._kept, []
        about = {"connection": self.connection.id, "company": self.company and self.company.id}
        about["run"] = self.run and self.run.id
        if rows:
            NmbrsCall.insert_many([about | row for row in rows]).execute()

    def _remember(self, operation: str, given: tuple, outcome: str, answer: dict[str, Any]) -> None:
        names = OPERATIONS[operation][2]
        asked = {name: str(value) for name, value in zip(names, given, strict=False) if not isinstance(value, list)}
        call = name_of(self.connection, operation)
        self._kept.append(
            {"created_at": utcnow(), "operation": call, "request": asked, "outcome": outcome, "response": answer}
        )


def payroll_of(connection: NmbrsConnection) -> port.Payroll:
    return services().payroll_rest if connection.api == NmbrsApi.REST else services().payroll


def name_of(connection: NmbrsConnection, operation: str) -> str:
    """Return the vendor's name of this operation."""
    soap, rest, _ = OPERATIONS[operation]
    return rest if connection.api == NmbrsApi.REST else soap


def summary(answer: Any) -> dict[str, Any]:
    """Return a summary of an answer that contains no wages: count, size, hash, run numbers."""
    if answer is None:
        return {"empty": True}
    if isinstance(answer, bytes):
        return {"bytes": len(answer), "sha256": digest_sha256(answer)}
    if isinstance(answer, list):
        runs = [row.number for row in answer if isinstance(row, port.RunInfo)]
        return {"count": len(answer), **({"numbers": runs[-50:]} if runs else {})}
    return {}


def credentials(connection: NmbrsConnection) -> port.Credentials:
    """Return the connection's credentials, with a fresh access token for REST.

    Raises:
    - BadCredentials
    - TemporaryError
    """
    if connection.api == NmbrsApi.REST:
        return port.Credentials(connection.email, nmbrs_tokens.access_token(connection), connection.environment)
    token = decrypt(connection.token_encrypted, "nmbrs_connection", connection.client_id, connection.email)
    return port.Credentials(connection.email, token, connection.environment)


def error_code(error: port.PayrollError) -> str:
    """Return the error as a code; the screens have a text for each."""
    if isinstance(error, port.NotAllowed):
        return f"not_allowed:{error.call}"
    names: dict[type, str] = {
        port.BadCredentials: "bad_credentials", port.NotVisible: "out_of_sight", port.Disabled: "disabled",
        port.Unreadable: "unreadable", port.QuotaUsedUp: "quota_used_up",
    }  # fmt: skip
    return names.get(type(error), "try_again")


def is_callable() -> Any:
    """Return the condition for connections that may be called: not removed and not suspended."""
    suspended = (NmbrsConnection.status == ConnectionStatus.FAILING) & NmbrsConnection.error_code.in_(SUSPENDING_ERRORS)
    return NmbrsConnection.removed_at.is_null() & ~suspended


def is_suspended(connection: NmbrsConnection) -> bool:
    """Return whether the connection may not be called: removed, or waiting for the user after an error."""
    return connection.removed_at is not None or (
        connection.status == ConnectionStatus.FAILING and connection.error_code in SUSPENDING_ERRORS
    )


# --- status of the connection ---
def _record_success(connection: NmbrsConnection, operation: str) -> None:
    """Record that a call succeeded, at most once a minute.

    A failure ends when the operation that failed works again.
    """
    now, changes = utcnow(), {}
    if connection.last_success_at is None or now - connection.last_success_at > _SUCCESS_INTERVAL:
        changes["last_success_at"] = now
    kind, _, call = (connection.error_code or "").partition(":")
    if connection.status == ConnectionStatus.FAILING and (
        kind != "not_allowed" or call == name_of(connection, operation)
    ):
        changes |= {"status": ConnectionStatus.ACTIVE, "error_code": None, "failing_since": None}
    if changes:
        NmbrsConnection.update(**changes).where(NmbrsConnection.id == connection.id).execute()
        for name, value in changes.items():
            setattr(connection, name, value)


def _record_failure(connection: NmbrsConnection, operation: str, error: port.PayrollError) -> None:
    always = isinstance(error, port.BadCredentials | port.Disabled | port.QuotaUsedUp)
    if always or (isinstance(error, port.NotAllowed) and operation in REQUIRED_OPERATIONS):
        mark_failing(connection, error_code(error))


def mark_failing(connection: NmbrsConnection, problem: str) -> None:
    """Set the connection to failing ("gestoord"), shown on screen, and mail the owners once."""
    now = utcnow()
    with transaction(connection.client_id):
        changed = (
            NmbrsConnection.update(status=ConnectionStatus.FAILING, error_code=problem, failing_since=now)
            .where(NmbrsConnection.id == connection.id, NmbrsConnection.status == ConnectionStatus.ACTIVE)
            .execute()
        )
        if changed:
            _notify_owners(connection, problem)
    connection.status, connection.error_code = ConnectionStatus.FAILING, problem


def _notify_owners(connection: NmbrsConnection, problem: str) -> None:
    client = Client.get_by_id(connection.client_id)
    audit.record_event(client.id, audit.WORKER, "nmbrs.disturbed", f"connection:{connection.id}", problem=problem)
    owners = User.select().join(Membership).where(Membership.client == client.id, Membership.role == Role.OWNER)
    for user in owners:
        mail.enqueue_mail(
            user, "nmbrs_disturbed", once=f"nmbrs_disturbed:{connection.id}:{problem}:{utcnow():%Y%m%d}:{user.id}",
            client=client, path=f"/{client.public_id}/apps/nmbrs",
            account=connection.display_name or connection.environment,
            problem=problem,
        )  # fmt: skip
