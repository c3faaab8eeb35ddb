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


class OutOfSight(PayrollError):
    """1003, 2003, 2004, 2009: this user does not see that company."""


class Disabled(PayrollError):
    """1004: the environment has no valid subscription."""


class TryAgain(PayrollError):
    """1006, 9999, no connection, no answer in time, an answer that is no SOAP: later it may work."""


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

    def webhook_events(self, credentials: Credentials) -> list[WebhookEvent]: ...

    def webhooks(self, credentials: Credentials, debtor_id: str) -> list[Webhook]: ...

    def insert_webhook(
        self, credentials: Credentials, debtor_id: str, name: str, endpoint: str, event_ids: Sequence[str]
    ) -> str:
        """The new webhook's id."""
        ...

    def delete_webhook(self, credentials: Credentials, debtor_id: str, webhook_id: str) -> bool: ...
