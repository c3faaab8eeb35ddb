"""What a token may do: each call that the product needs is tried, and a refusal names the right that is missing.

The user template of Nmbrs allows each API method separately, so a valid token may still fail at one of them
(docs/facts/nmbrs.md, section 2). A job tries them one by one; the screen shows the list as it fills.
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
from models import NmbrsCheck, NmbrsConnection, transaction

# The port's question, and whether there are no payments without it.
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
LEASE = 300


@dataclass(frozen=True)
class CheckView:
    """question: the port's; call: what the vendor calls it. result: waiting, ok, refused, unknown (there is no run
    to try it on yet) or trouble (no answer). code: of the refusal, e.g. "1002"."""

    question: str
    call: str
    needed: bool
    result: str
    code: str | None
    at: datetime | None


def schedule_permission_checks(connection: NmbrsConnection) -> None:
    """Put every check on "waiting"; a job does them. In the caller's transaction or its own."""
    for position, (question, needed) in enumerate(_checks(connection)):
        NmbrsCheck.insert(connection=connection.id, position=position, call=question, needed=needed).on_conflict(
            conflict_target=(NmbrsCheck.connection, NmbrsCheck.call),
            update={"result": "waiting", "code": None, "at": None},
        ).execute()
    NmbrsConnection.update(checks_due_at=utcnow()).where(NmbrsConnection.id == connection.id).execute()


def _checks(connection: NmbrsConnection) -> list[tuple[str, bool]]:
    return [check for check in CHECKS if connection.interface == "soap" or check[0] not in _SOAP_ONLY]


def due_permission_checks() -> list[int]:
    """Connections whose rights are to be tried now."""
    query = NmbrsConnection.select(NmbrsConnection.id).where(
        NmbrsConnection.checks_due_at <= utcnow(), NmbrsConnection.removed_at.is_null()
    )
    return [row.id for row in query.limit(50)]


def run_permission_checks(connection_id: int) -> None:
    """Try each call and write its result as it comes. Killed half-way, it is done again."""
    connection = NmbrsConnection.get_by_id(connection_id)
    if connection.checks_due_at is None or connection.removed_at is not None:
        return
    due_at = connection.checks_due_at
    trial = _Trial(connection)
    for question, _ in _checks(connection):
        result, code = trial.attempt(question)
        NmbrsCheck.update(result=result, code=code, at=utcnow()).where(
            NmbrsCheck.connection == connection.id, NmbrsCheck.call == question
        ).execute()
    NmbrsConnection.update(checks_due_at=None).where(
        NmbrsConnection.id == connection.id, NmbrsConnection.checks_due_at == due_at
    ).execute()


class _Trial:
    """Tries the calls in order; a later one uses what an earlier one found."""

    def __init__(self, connection: NmbrsConnection) -> None:
        self.connection, self.caller = connection, NmbrsClient(connection)
        self.debtors: list[port.Debtor] = []
        self.run: port.RunInfo | None = None

    def attempt(self, question: str) -> tuple[str, str | None]:
        """How it went: the result, and the code of a refusal."""
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
            return "unknown", None
        except port.PayrollError as error:
            refused = isinstance(error, port.BadCredentials | port.NotAllowed | port.NotVisible | port.Disabled)
            return ("refused" if refused else "trouble"), error.code or error_code(error).partition(":")[0]
        return "ok", None

    @property
    def _company(self) -> Any:
        """The one to try on: mapped before unmapped, the client's own before others."""
        rows = companies.probe_candidates(self.connection)
        if not rows:
            raise _NothingToTry
        return rows[0]

    def _debtors(self) -> None:
        self.debtors = self.caller.call(Payroll.debtors)

    def _companies(self) -> None:
        """The list is kept while we are at it. Without a right to the debtors, all companies at once."""
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
    """There is no company or no run yet to try this call on."""


def checks_of_connection(connection: NmbrsConnection) -> list[CheckView]:
    """In the order in which they are tried; empty when they never were."""
    # a connection that moved to the later interface keeps rows of what is not asked there
    asked = [question for question, _needed in _checks(connection)]
    of_it = (NmbrsCheck.connection == connection.id) & NmbrsCheck.call.in_(asked)
    rows = NmbrsCheck.select().where(of_it).order_by(NmbrsCheck.position)
    return [
        CheckView(row.call, name_of(connection, row.call), row.needed, row.result, row.code, row.at) for row in rows
    ]


def recheck_permissions(connection: NmbrsConnection) -> None:
    """Somebody wants it tried once more, also after a stop; what was disturbed gets its chance."""
    with transaction(connection.client_id):
        if connection.problem == "quota_used_up":
            NmbrsConnection.update(status="active", problem=None, disturbed_at=None).where(
                NmbrsConnection.id == connection.id
            ).execute()
        schedule_permission_checks(connection)
