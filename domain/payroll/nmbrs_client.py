"""Asking Nmbrs for a connection: over which interface, with which keys, and what an answer means for the connection.

Every call of the domain goes through a `NmbrsClient`. It remembers what was asked and answered, so that the
history can show it, and moves the connection between "active" and "disturbed".
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
from models import Client, Membership, NmbrsConnection, NmbrsExchange, PayrollCompany, Run, User, transaction

# What each question is called at Nmbrs: over SOAP, over REST, and the names of what is asked with it.
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
# Without these there is no payment at all: a refusal disturbs the whole connection.
REQUIRED_OPERATIONS = ("runs", "sepa_file")
# Asking on would be of no use, or do harm, until a person has done something.
SUSPENDING_ERRORS = ("bad_credentials", "quota_used_up")
_NOTE_AFTER = timedelta(minutes=1)
Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class NmbrsClient:
    """One conversation with Nmbrs about a connection, a company of it, or a run."""

    def __init__(
        self, connection: NmbrsConnection, company: PayrollCompany | None = None, run: Run | None = None
    ) -> None:
        self.connection, self.company, self.run = connection, company, run
        self._payroll = payroll_of(connection)
        self._kept: list[dict[str, Any]] = []

    def call(
        self, call: Callable[Concatenate[Any, port.Credentials, Asked], Answer], *given: Asked.args,
        **named: Asked.kwargs,
    ) -> Answer:  # fmt: skip
        """Return the answer to a method of the port, as in `ask(Payroll.runs, company_id, year)`.

        Raises:
            PayrollError: what the port raised, after the connection has taken note of it.
        """
        question = call.__name__
        try:
            found = getattr(self._payroll, question)(credentials(self.connection), *given, **named)
        except port.PayrollError as error:
            self._remember(question, given, error_code(error), {"text": error.text})
            _suffer(self.connection, question, error)
            raise
        self._remember(question, given, "ok", summary(found))
        _answered(self.connection, question)
        return found

    def save_exchanges(self) -> None:
        """Write what was asked and answered into the history."""
        rows, self._kept = self._kept, []
        for row in rows:
            NmbrsExchange.create(
                connection=self.connection.id, company=self.company and self.company.id, run=self.run and self.run.id,
                **row,
            )  # fmt: skip

    def _remember(self, question: str, given: tuple, outcome: str, answer: dict[str, Any]) -> None:
        names = OPERATIONS[question][2]
        asked = {name: str(value) for name, value in zip(names, given, strict=False) if not isinstance(value, list)}
        call = name_of(self.connection, question)
        self._kept.append({"at": utcnow(), "call": call, "asked": asked, "outcome": outcome, "answer": answer})


def payroll_of(connection: NmbrsConnection) -> port.Payroll:
    return services().payroll_rest if connection.interface == "rest" else services().payroll


def name_of(connection: NmbrsConnection, question: str) -> str:
    """What the vendor calls this question."""
    soap, rest, _ = OPERATIONS[question]
    return rest if connection.interface == "rest" else soap


def summary(found: Any) -> dict[str, Any]:
    """An answer without anybody's pay: how many, how large, which."""
    if found is None:
        return {"empty": True}
    if isinstance(found, bytes):
        return {"bytes": len(found), "sha256": digest_sha256(found)}
    if isinstance(found, list):
        runs = [row.number for row in found if isinstance(row, port.RunInfo)]
        return {"count": len(found), **({"numbers": runs[-50:]} if runs else {})}
    return {}


def credentials(connection: NmbrsConnection) -> port.Credentials:
    """The keys of a connection; those of the later interface are fresh. BadCredentials, TemporaryError."""
    if connection.interface == "rest":
        return port.Credentials(connection.email, nmbrs_tokens.access_token(connection), connection.environment)
    token = decrypt(connection.token_sealed, "nmbrs_connection", connection.client_id, connection.email)
    return port.Credentials(connection.email, token, connection.environment)


def error_code(error: port.PayrollError) -> str:
    """A code for the history: the screens have words for it."""
    if isinstance(error, port.NotAllowed):
        return f"not_allowed:{error.call}"
    names: dict[type, str] = {
        port.BadCredentials: "bad_credentials", port.NotVisible: "out_of_sight", port.Disabled: "disabled",
        port.Unreadable: "unreadable", port.QuotaUsedUp: "quota_used_up",
    }  # fmt: skip
    return names.get(type(error), "try_again")


def is_callable() -> Any:
    """The condition on connections that may be asked: kept, and not stopped by a refusal."""
    stopped = (NmbrsConnection.status == "disturbed") & NmbrsConnection.problem.in_(SUSPENDING_ERRORS)
    return NmbrsConnection.removed_at.is_null() & ~stopped


def is_suspended(connection: NmbrsConnection) -> bool:
    """The same of one connection: it was removed, or asking on waits for a person."""
    return connection.removed_at is not None or (
        connection.status == "disturbed" and connection.problem in SUSPENDING_ERRORS
    )


# --- what an answer means for the connection ---
def _answered(connection: NmbrsConnection, question: str) -> None:
    """Nmbrs works for us: noted at most once a minute. A disturbance ends when what failed works again."""
    now, changes = utcnow(), {}
    if connection.asked_at is None or now - connection.asked_at > _NOTE_AFTER:
        changes["asked_at"] = now
    kind, _, call = (connection.problem or "").partition(":")
    if connection.status == "disturbed" and (kind != "not_allowed" or call == name_of(connection, question)):
        changes |= {"status": "active", "problem": None, "disturbed_at": None}
    if changes:
        NmbrsConnection.update(**changes).where(NmbrsConnection.id == connection.id).execute()
        for name, value in changes.items():
            setattr(connection, name, value)


def _suffer(connection: NmbrsConnection, question: str, error: port.PayrollError) -> None:
    ends_all = isinstance(error, port.BadCredentials | port.Disabled | port.QuotaUsedUp)
    if ends_all or (isinstance(error, port.NotAllowed) and question in REQUIRED_OPERATIONS):
        mark_failing(connection, error_code(error))


def mark_failing(connection: NmbrsConnection, problem: str) -> None:
    """The connection is "gestoord": said on screen, and once by mail to the owner."""
    now = utcnow()
    with transaction(connection.client_id):
        disturbed = (
            NmbrsConnection.update(status="disturbed", problem=problem, disturbed_at=now)
            .where(NmbrsConnection.id == connection.id, NmbrsConnection.status == "active")
            .execute()
        )
        if disturbed:
            _tell_owners(connection, problem)
    connection.status, connection.problem = "disturbed", problem


def _tell_owners(connection: NmbrsConnection, problem: str) -> None:
    client = Client.get_by_id(connection.client_id)
    audit.record_event(client.id, audit.WORKER, "nmbrs.disturbed", f"connection:{connection.id}", problem=problem)
    owners = User.select().join(Membership).where(Membership.client == client.id, Membership.role == "owner")
    for user in owners:
        mail.enqueue_mail(
            user, "nmbrs_disturbed", once=f"nmbrs_disturbed:{connection.id}:{problem}:{utcnow():%Y%m%d}:{user.id}",
            client=client, path=f"/{client.public_id}/apps/nmbrs", account=connection.title or connection.environment,
            problem=problem,
        )  # fmt: skip
