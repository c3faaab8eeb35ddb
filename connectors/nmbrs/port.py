"""What we ask of a payroll program, whichever interface it speaks. Ids are text: SOAP numbers and REST GUIDs alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True)
class Credentials:
    """Of one Nmbrs user. `domain` is the sub-domain; None only before it is known."""

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
    """An "administratie"."""

    id: str
    number: str
    name: str
    kvk_number: str | None
    debtor_id: str | None


@dataclass(frozen=True)
class RunInfo:
    """One payroll run as listed; `run_at` in UTC."""

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
    """Something that Nmbrs can tell of; `active` in a webhook: that it does."""

    id: str
    name: str
    active: bool


@dataclass(frozen=True)
class Webhook:
    """A "webhook-instelling" at a debtor. Its endpoint bears a secret."""

    id: str
    name: str
    endpoint: str = field(repr=False)
    active: bool
    events: tuple[WebhookEvent, ...]


@dataclass(frozen=True)
class Employee:
    """A person as the payroll knows one, for finding who stands in no payment file. Never more than a name."""

    id: str
    first_name: str = field(repr=False)
    initials: str = field(repr=False)
    prefix: str = field(repr=False)
    last_name: str = field(repr=False)


@dataclass(frozen=True)
class WageTax:
    """A wage tax return ("loonaangifte") as listed. `total_cents` of all that is to be paid by it.

    `reference` is the sixteen digits of the payment reference, without points; `sent_at` in UTC.
    """

    id: str
    year: int
    period: int
    serial: int
    reference: str
    total_cents: int
    status: str
    sent_at: datetime | None


class PayrollError(Exception):
    """A call that did not give what was asked. `call` names it as Nmbrs does ("CompanyService.Run_GetList").

    Never carries a token."""

    def __init__(self, code: str | None, call: str, text: str) -> None:
        super().__init__(f"{call}: {code or '-'} {text}")
        self.code, self.call, self.text = code, call, text


class BadCredentials(PayrollError):
    """1001: e-mail, token or domain is not valid."""


class NotAllowed(PayrollError):
    """1002: the user's template does not allow this call."""


class NotVisible(PayrollError):
    """1003, 2003, 2004, 2009: this user does not see that company."""


class Disabled(PayrollError):
    """1004: the environment has no valid subscription."""


class TemporaryError(PayrollError):
    """1006, 9999, no connection, no answer in time, an answer that is no SOAP: later it may work."""


class RateLimited(TemporaryError):
    """42908: more calls than the plan allows at once; not before `seconds` have passed."""

    def __init__(self, code: str | None, call: str, text: str, seconds: int = 60) -> None:
        super().__init__(code, call, text)
        self.seconds = seconds


class QuotaUsedUp(PayrollError):
    """42909: the plan's calls are used up. Asking again only makes it worse: stop until a person has looked."""


class NotThere(PayrollError):
    """This interface has no such thing (REST has no webhooks)."""


class Unreadable(PayrollError):
    """An answer that lacks a field we need, or a refusal whose code has no word of its own here."""


class Payroll(Protocol):
    """Every call raises a PayrollError when it does not give what is promised."""

    def environment(self, credentials: Credentials) -> Environment: ...

    def debtors(self, credentials: Credentials) -> list[Debtor]: ...

    def companies(self, credentials: Credentials, debtor_id: str | None = None) -> list[Company]: ...

    def company_iban(self, credentials: Credentials, company_id: str) -> str | None: ...

    def runs(self, credentials: Credentials, company_id: str, year: int) -> list[RunInfo]: ...

    def employees_in_run(self, credentials: Credentials, company_id: str, run_id: str, year: int) -> list[str]: ...

    def sepa_file(
        self, credentials: Credentials, company_id: str, run_id: str, year: int, payment_date: date
    ) -> bytes | None:
        """The run's payment file; None when there is nothing to pay."""
        ...

    def employees(self, credentials: Credentials, company_id: str) -> list[Employee]: ...

    def employee_ibans(
        self, credentials: Credentials, company_id: str, employee_ids: Sequence[str]
    ) -> dict[str, list[str]]:
        """The valid IBANs of these people, by employee id; nobody is left out, some have none."""
        ...

    def wage_taxes(self, credentials: Credentials, company_id: str, year: int) -> list[WageTax]: ...

    def wage_tax_file(
        self, credentials: Credentials, company_id: str, run_id: str, wage_tax_id: str, year: int, payment_date: date
    ) -> bytes | None:
        """The payment file of one return; None when there is nothing to pay. `run_id`: a run of its period."""
        ...

    def guids(self, credentials: Credentials, company_id: str) -> dict[tuple[str, str], str]:
        """What the later interface calls the same things: ("Company"|"Debtor", id) to GUID, of this company.

        An interface that has GUIDs already answers none.
        """
        ...

    def webhook_events(self, credentials: Credentials) -> list[WebhookEvent]: ...

    def webhooks(self, credentials: Credentials, debtor_id: str) -> list[Webhook]: ...

    def insert_webhook(
        self, credentials: Credentials, debtor_id: str, name: str, endpoint: str, event_ids: Sequence[str]
    ) -> str:
        """The new webhook's id."""
        ...

    def delete_webhook(self, credentials: Credentials, debtor_id: str, webhook_id: str) -> bool: ...
