"""The port to a payroll program, over any API. Ids are texts: numbers from SOAP, GUIDs from REST."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True)
class Credentials:
    """The credentials of one Nmbrs user. `domain` is the sub-domain; None until it is known."""

    email: str
    token: str = field(repr=False)
    domain: str | None = None


@dataclass(frozen=True)
class Environment:
    domain: str
    subdomain: str


@dataclass(frozen=True)
class Debtor:
    id: str
    number: str
    name: str


@dataclass(frozen=True)
class Company:
    """A company in payroll ("administratie")."""

    id: str
    number: str
    name: str
    kvk_number: str | None
    debtor_id: str | None


@dataclass(frozen=True)
class RunInfo:
    """A payroll run as listed. `run_at` is UTC."""

    id: str
    number: int
    year: int
    period_start: int
    period_end: int
    description: str
    run_at: datetime | None
    locked: bool


@dataclass(frozen=True)
class WebhookEvent:
    """An event that Nmbrs can report. In a webhook `active` tells whether it does."""

    id: str
    name: str
    active: bool


@dataclass(frozen=True)
class Webhook:
    """A webhook of a debtor ("webhook-instelling"). Its endpoint contains a secret."""

    id: str
    name: str
    endpoint: str = field(repr=False)
    active: bool
    events: tuple[WebhookEvent, ...]


@dataclass(frozen=True)
class Employee:
    """An employee's name, to find who is missing from a payment file. No other personal data."""

    id: str
    first_name: str = field(repr=False)
    initials: str = field(repr=False)
    prefix: str = field(repr=False)
    last_name: str = field(repr=False)


@dataclass(frozen=True)
class WageTax:
    """A wage tax return ("loonaangifte") as listed. `total_cents` is the total to pay.

    `reference` is the payment reference: sixteen digits, without dots. `sent_at` is UTC. `period_end`: the last day of
    the period that it is about; None if it is not told.
    """

    id: str
    year: int
    period: int
    serial: int
    reference: str
    total_cents: int
    status: str
    sent_at: datetime | None
    period_end: date | None = None


class PayrollError(Exception):
    """A failed call. `call` is its name at Nmbrs ("CompanyService.Run_GetList"). The message never contains a token."""

    def __init__(self, code: str | None, call: str, text: str) -> None:
        super().__init__(f"{call}: {code or '-'} {text}")
        self.code, self.call, self.text = code, call, text


class BadCredentials(PayrollError):
    """1001: e-mail address, token or domain is invalid."""


class NotAllowed(PayrollError):
    """1002: the user's authorization template does not allow this call."""


class NotVisible(PayrollError):
    """1003, 2003, 2004, 2009: this user cannot see that company."""


class Disabled(PayrollError):
    """1004: the environment has no valid subscription."""


class TemporaryError(PayrollError):
    """A temporary failure: 1006, 9999, no connection, a timeout, or an answer that is not SOAP or JSON."""


class RateLimited(TemporaryError):
    """42908: more calls in a short time than the plan allows. Wait `seconds` before the next call."""

    def __init__(self, code: str | None, call: str, text: str, seconds: int = 60) -> None:
        super().__init__(code, call, text)
        self.seconds = seconds


class QuotaUsedUp(PayrollError):
    """42909: the plan's quota is used up. Further calls make it worse, so polling stops until a person resumes it."""


class NotThere(PayrollError):
    """This API has no such operation (REST has no webhooks)."""


class Unreadable(PayrollError):
    """The answer lacks a required field, or has an unknown error code."""


class Payroll(Protocol):
    """The operations of a payroll program. Each raises a PayrollError on failure."""

    most_account_owners: int  # employees whose accounts `employee_ibans` gives without burdening the other side

    def environment(self, credentials: Credentials) -> Environment: ...

    def debtors(self, credentials: Credentials) -> list[Debtor]: ...

    def companies(self, credentials: Credentials, debtor_id: str | None = None) -> list[Company]: ...

    def company_iban(self, credentials: Credentials, company_id: str) -> str | None: ...

    def runs(self, credentials: Credentials, company_id: str, year: int) -> list[RunInfo]: ...

    def employees_in_run(self, credentials: Credentials, company_id: str, run_id: str, year: int) -> list[str]: ...

    def sepa_file(
        self, credentials: Credentials, company_id: str, run_id: str, year: int, payment_date: date
    ) -> bytes | None:
        """Return the payment file of a run, or None if there is nothing to pay."""
        ...

    def employees(self, credentials: Credentials, company_id: str) -> list[Employee]: ...

    def employee_ibans(
        self, credentials: Credentials, company_id: str, employee_ids: Sequence[str]
    ) -> dict[str, list[str]]:
        """Return the valid IBANs of these employees, by employee id. Each has an entry; the list may be empty."""
        ...

    def wage_taxes(self, credentials: Credentials, company_id: str, year: int) -> list[WageTax]: ...

    def wage_tax_file(
        self, credentials: Credentials, company_id: str, run_id: str, wage_tax_id: str, year: int, payment_date: date
    ) -> bytes | None:
        """Return the payment file of a wage tax return, or None if there is nothing to pay. `run_id` is a run of its
        period.
        """
        ...

    def guids(self, credentials: Credentials, company_id: str) -> dict[tuple[str, str], str]:
        """Return the REST ids of this company: ("Company" | "Debtor", id) to GUID.

        An API whose ids are GUIDs returns none.
        """
        ...

    def webhook_events(self, credentials: Credentials) -> list[WebhookEvent]: ...

    def webhooks(self, credentials: Credentials, debtor_id: str) -> list[Webhook]: ...

    def insert_webhook(
        self, credentials: Credentials, debtor_id: str, name: str, endpoint: str, event_ids: Sequence[str]
    ) -> str:
        """Return the id of the new webhook."""
        ...

    def delete_webhook(self, credentials: Credentials, debtor_id: str, webhook_id: str) -> bool: ...
