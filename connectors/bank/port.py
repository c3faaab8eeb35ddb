"""What we ask of a bank. A bank is a line of configuration; amounts are cents, moments UTC."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal, Protocol

Signing = Literal["redirect", "decoupled", "embedded", "delegated"]
Adapter = Literal["berlin_group", "ponto"]  # which of our adapters speaks with the bank
OrderFormat = Literal["pain.001.001.09", "pain.001.001.03", "json", "ponto"]

# The standard's own lists (Berlin Group 1.3.11, with the name checks of 1.3.16). An answer with
# anything else in these places is one that we do not understand.
TRANSACTION_STATUSES = frozenset(
    {
        "RCVD", "RVNC", "RVCM", "RCVC", "ACTC", "PATC", "PDNG", "ACFC", "ACCP", "ACWC", "ACWP", "ACSP", "ACSC", "ACCC",
        "PART", "RJCT", "CANC",
    }
)  # fmt: skip
# How the bank of the payee knows the name: not so, almost so, or it cannot be asked. A match has no code.
NAME_MATCHES = frozenset({"NMTC", "CMTC", "NOAP"})
SCA_STATUSES = frozenset(
    {
        "received", "psuIdentified", "psuAuthenticated", "scaMethodSelected", "started", "unconfirmed", "finalised",
        "failed", "exempted",
    }
)  # fmt: skip
CONSENT_STATUSES = frozenset(
    {"received", "rejected", "valid", "revokedByPsu", "expired", "terminatedByTpp", "partiallyAuthorised"}
)
SCA_APPROACHES = frozenset({"REDIRECT", "DECOUPLED", "EMBEDDED"})


@dataclass(frozen=True)
class Psu:
    """The person at the other end, as the bank wants to know: address, browser, and the name at the bank."""

    ip: str
    user_agent: str | None = None
    bank_user_id: str | None = None


@dataclass(frozen=True)
class BankConfig:
    """One bank's line of configuration. `cut_off` is Amsterdam time.

    `redirect_hosts` are where a person may be sent to sign: "host" for any port, or "host:port".
    A line may name a key of its own (PEM text or a file's path); without one ours is used.
    `vop`: the bank checks the payees' names when it is asked to. `format` is what an order is written in,
    `most_lines` how many payments it may hold. `knows_salary`: the JSON form may say SALA (a file always
    does). `structured`: an order may carry a payment reference of its own kind, which wage tax needs.
    `signable_after`: for so many seconds after it took an order, the bank may not be ready to have it signed.
    `payments_version`: of the bank's address for orders, where that is another than its accounts'.
    `notifies`: the bank tells us at an address of ours that an order has changed.

    `access` is not of the configuration: the customer's own key, for adapters that speak in the customer's
    name (Ponto). It gives an access token when one is needed, and another when told which one was refused; or
    raises a BankError. Connectors know no table.
    """

    id: str
    name: str
    base_url: str
    product: str = "pain.001-sepa-credit-transfers"
    signing: Signing = "redirect"
    redirect_hosts: tuple[str, ...] = ()
    cut_off: time = time(15, 30)
    honours_request_id: bool = False
    vop: bool = False
    adapter: Adapter = "berlin_group"
    format: OrderFormat = "pain.001.001.09"
    most_lines: int = 20_000
    knows_salary: bool = False
    structured: bool = True
    signable_after: int = 0
    payments_version: str = "v1"
    notifies: bool = False
    key_id: str | None = None
    private_key: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    access: Callable[[str | None], str] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class PlacementOptions:
    """What is asked of the bank beside an order. `check_names` False: the bank is told not to check the payees' names,
    where it would. `notify_uri`: where it may post that the order has changed."""

    check_names: bool = True
    notify_uri: str | None = None


NO_WISHES = PlacementOptions()


@dataclass(frozen=True)
class ConsentStarted:
    consent_id: str
    status: str
    redirect_url: str


@dataclass(frozen=True)
class ConsentState:
    """`valid_until` is the bank's answer, its last day included."""

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
    """Euro cents, which of the standard's balances it is (`interimAvailable` …), and of when."""

    cents: int
    kind: str
    at: datetime


@dataclass(frozen=True)
class Transaction:
    """One booking, or (`booked` false) one that is expected. Cents with their sign: out is negative.

    Texts are empty where the bank says nothing. `booked_on` is there for each booking. Names of people
    are in no repr.
    """

    booked: bool
    booked_on: date | None
    value_on: date | None
    cents: int
    transaction_id: str = ""
    entry_reference: str = ""
    end_to_end_id: str = ""
    party_name: str = field(default="", repr=False)
    party_iban: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    is_batch: bool = False
    batch_count: int | None = None


@dataclass(frozen=True)
class OrderPlaced:
    """The bank has the order. `links` by their Berlin Group name, full addresses that were checked.

    No links is a normal answer: under delegated signing there is nothing left to sign.
    """

    payment_id: str
    transaction_status: str
    links: dict[str, str] = field(default_factory=dict)
    sca_approach: str | None = None
    psu_message: str | None = None
    raw: str = ""


@dataclass(frozen=True)
class Authorisation:
    """Where one signing stands. `methods` to choose from, `challenge` to show, each as the standard names its parts."""

    id: str | None
    sca_status: str
    redirect_url: str | None = None
    methods: tuple[dict, ...] = ()
    challenge: dict | None = None
    psu_message: str | None = None
    links: dict[str, str] = field(default_factory=dict)
    chosen_method: dict | None = None


@dataclass(frozen=True)
class TransactionStatusReport:
    """What the bank says of one payment of the order. `status` and `reason` are codes of ISO 20022.

    `name_match`: NMTC (another name), CMTC (almost; then `matched_name` is the holder's), NOAP (cannot be
    checked), or None when nothing was said of the name.
    """

    end_to_end_id: str
    status: str | None = None
    reason: str | None = None
    name_match: str | None = None
    matched_name: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class StatusReport:
    """`reason` is a code of the bank's or of ISO 20022 (AM04, …), never a text.

    `lines` are the payments that the bank says something of by themselves: banks list what went otherwise
    than the whole. `links` are where the order can go on, full addresses that were checked. `raw` may
    hold names.
    """

    transaction_status: str
    funds_available: bool | None = None
    reason: str | None = None
    raw: str = field(default="", repr=False)
    lines: tuple[TransactionStatusReport, ...] = ()
    links: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cancellation:
    """What the bank says to a cancellation. Not `done`: it wants that signed first, at these links, and the order
    stands until then."""

    done: bool
    links: dict[str, str] = field(default_factory=dict)


class BankError(Exception):
    """Any failure of a call to a bank. Its text holds no name, account or amount."""


class NotDelivered(BankError):
    """Surely nothing reached the bank: no connection was made."""


class OutcomeUnknown(BankError):
    """Sent, and no answer or a strange one: the bank may have it."""


class BankRefused(BankError):
    """The bank said no, in its own code and words. The words may name people: they are not in str()."""

    def __init__(self, http_status: int, code: str, text: str) -> None:
        super().__init__(f"{http_status} {code}")
        self.http_status, self.code, self.text = http_status, code, text


class Bank(Protocol):
    """Every call raises a BankError when it does not give what is promised. The caller draws each request id."""

    def start_consent(
        self, config: BankConfig, psu: Psu, redirect_uri: str, nok_redirect_uri: str, request_id: str
    ) -> ConsentStarted: ...

    def consent(self, config: BankConfig, consent_id: str, request_id: str) -> ConsentState: ...

    def accounts(self, config: BankConfig, consent_id: str, psu: Psu | None, request_id: str) -> list[Account]: ...

    def balance(
        self, config: BankConfig, consent_id: str, resource_id: str, psu: Psu | None, request_id: str
    ) -> Balance | None: ...

    def transactions(
        self, config: BankConfig, consent_id: str, resource_id: str, date_from: date, psu: Psu | None, request_id: str
    ) -> list[Transaction]: ...

    def place_order(
        self, config: BankConfig, body: bytes, request_id: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str,
        wishes: PlacementOptions = NO_WISHES,
    ) -> OrderPlaced: ...  # fmt: skip

    def start_authorisation(
        self, config: BankConfig, payment_id: str, link: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str,
        request_id: str, data: dict | None = None,
    ) -> Authorisation: ...  # fmt: skip

    def continue_authorisation(
        self, config: BankConfig, link: str, data: dict, psu: Psu, request_id: str
    ) -> Authorisation: ...

    def authorisation(
        self, config: BankConfig, payment_id: str, authorisation_id: str, request_id: str, of_cancelling: bool = False
    ) -> str:
        """The scaStatus."""
        ...

    def order_status(self, config: BankConfig, payment_id: str, request_id: str) -> StatusReport: ...

    def confirm_names(self, config: BankConfig, link: str, psu: Psu, request_id: str) -> dict[str, str]:
        """The links to go on with."""
        ...

    def cancel_order(self, config: BankConfig, payment_id: str, psu: Psu, request_id: str) -> Cancellation: ...
