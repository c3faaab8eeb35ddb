"""What we ask of a bank. A bank is a line of configuration; amounts are cents, moments UTC."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal, Protocol

Signing = Literal["redirect", "decoupled", "embedded", "delegated"]


@dataclass(frozen=True)
class Psu:
    """The person at the other end, as the bank wants to know (PSU-IP-Address, PSU-User-Agent)."""

    ip: str
    user_agent: str | None = None


@dataclass(frozen=True)
class BankLine:
    """One bank's line of configuration. `cut_off` is Amsterdam time."""

    id: str
    name: str
    base_url: str
    product: str = "pain.001-sepa-credit-transfers"
    signing: Signing = "redirect"
    redirect_hosts: tuple[str, ...] = ()
    cut_off: time = time(15, 30)
    honours_request_id: bool = False


@dataclass(frozen=True)
class ConsentStarted:
    consent_id: str
    status: str
    redirect_url: str


@dataclass(frozen=True)
class ConsentState:
    status: str
    valid_until: date | None


@dataclass(frozen=True)
class Account:
    resource_id: str
    iban: str
    name: str | None
    owner_name: str | None
    currency: str


@dataclass(frozen=True)
class Balance:
    cents: int
    kind: str
    at: datetime


@dataclass(frozen=True)
class OrderPlaced:
    """The bank has the order. `links` by their Berlin Group name, full addresses."""

    payment_id: str
    transaction_status: str
    links: dict[str, str] = field(default_factory=dict)
    sca_approach: str | None = None
    psu_message: str | None = None
    raw: str = ""


@dataclass(frozen=True)
class Authorisation:
    id: str | None
    sca_status: str
    redirect_url: str | None = None
    methods: tuple[dict, ...] = ()
    challenge: dict | None = None
    psu_message: str | None = None
    links: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StatusReport:
    transaction_status: str
    funds_available: bool | None = None
    reason: str | None = None
    raw: str = ""


class BankError(Exception):
    """Any failure of a call to a bank."""


class NotDelivered(BankError):
    """Surely nothing reached the bank: no connection was made."""


class AnswerUnknown(BankError):
    """Sent, and no answer or a strange one: the bank may have it."""


class BankRefused(BankError):
    """The bank said no, in its own code and words."""

    def __init__(self, http_status: int, code: str, text: str) -> None:
        super().__init__(f"{http_status} {code}: {text}")
        self.http_status, self.code, self.text = http_status, code, text


class Bank(Protocol):
    """Every call raises a BankError when it does not give what is promised. The caller draws each request id."""

    def start_consent(
        self, line: BankLine, psu: Psu, redirect_uri: str, nok_redirect_uri: str, request_id: str
    ) -> ConsentStarted: ...

    def consent(self, line: BankLine, consent_id: str, request_id: str) -> ConsentState: ...

    def accounts(self, line: BankLine, consent_id: str, psu: Psu | None, request_id: str) -> list[Account]: ...

    def balance(
        self, line: BankLine, consent_id: str, resource_id: str, psu: Psu | None, request_id: str
    ) -> Balance | None: ...

    def place_order(
        self, line: BankLine, body: bytes, request_id: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str
    ) -> OrderPlaced: ...

    def start_authorisation(
        self, line: BankLine, payment_id: str, link: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str,
        request_id: str,
    ) -> Authorisation: ...  # fmt: skip

    def continue_authorisation(
        self, line: BankLine, link: str, data: dict, psu: Psu, request_id: str
    ) -> Authorisation: ...

    def authorisation(self, line: BankLine, payment_id: str, authorisation_id: str, request_id: str) -> str:
        """The scaStatus."""
        ...

    def order_status(self, line: BankLine, payment_id: str, request_id: str) -> StatusReport: ...
