"""The port to a bank: its operations, their data and their errors. Amounts are integer cents, moments are UTC."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal, Protocol

Signing = Literal["redirect", "decoupled", "embedded", "delegated"]
Adapter = Literal["berlin_group", "ponto"]  # which adapter speaks to the bank
OrderFormat = Literal["pain.001.001.09", "pain.001.001.03", "json", "ponto"]

# Code lists of Berlin Group NextGenPSD2 1.3.11, with the payee verification codes of 1.3.16. An answer with any other
# code in these fields is not understood (OutcomeUnknown).
TRANSACTION_STATUSES = frozenset(
    {
        "RCVD", "RVNC", "RVCM", "RCVC", "ACTC", "PATC", "PDNG", "ACFC", "ACCP", "ACWC", "ACWP", "ACSP", "ACSC", "ACCC",
        "PART", "RJCT", "CANC",
    }
)  # fmt: skip
# Results of payee verification: no match, close match, not available. A full match has no code.
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


@dataclass(frozen=True)
class Psu:
    """The payment service user, as sent in the PSU headers: IP address, browser and the user's id at the bank."""

    ip: str
    user_agent: str | None = None
    bank_user_id: str | None = None


@dataclass(frozen=True)
class BankConfig:
    """The configuration of one bank. `cut_off` is Amsterdam time.

    `redirect_hosts`: hosts that a person may be sent to for SCA, "host" for any port or "host:port".
    `private_key`, `certificate`: a signing key for this bank only (PEM text or a path); without one the common key is
    used.
    `vop`: the bank verifies payee names on request. `format`: the message format of an order.
    `most_lines`: the maximum number of transactions in an order.
    `knows_salary`: the JSON format accepts category purpose SALA (a file always does).
    `structured`: the bank accepts structured remittance information, which wage tax needs.
    `signable_after`: seconds after submission before which the bank may not be ready for SCA.
    `payments_version`: API version of the payments path, where it differs from that of the accounts path.
    `notifies`: the bank posts status changes to our callback URL.

    `access` is not read from the configuration. Adapters that act with the customer's OAuth token (Ponto) call it for
    an access token; called with a refused token it returns a new one, or raises a BankError. It is a callable because
    connectors do not know the database.
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
    retry_days: int = 3  # bank days in which the bank may still execute what it refused for lack of money
    payments_version: str = "v1"
    notifies: bool = False
    key_id: str | None = None
    private_key: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    access: Callable[[str | None], str] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class PlacementOptions:
    """Options of one submission.

    `check_names`: False asks a bank that verifies payee names not to. `notify_uri`: callback URL for status changes.
    """

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
    """The status of a consent. `valid_until` is the last valid day, as the bank answered it."""

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
    """A balance: euro cents, its Berlin Group type (`interimAvailable` …) and the moment (UTC) it applies to."""

    cents: int
    kind: str
    at: datetime


@dataclass(frozen=True)
class Transaction:
    """One transaction: booked, or expected when `booked` is false. Cents are signed: debits are negative.

    Texts are empty where the bank gives none. A booked transaction always has `booking_date`. The repr leaves out
    names,
    IBANs and texts.
    """

    booked: bool
    booking_date: date | None
    value_date: date | None
    cents: int
    transaction_id: str = ""
    entry_reference: str = ""
    end_to_end_id: str = ""
    counterparty_name: str = field(default="", repr=False)
    counterparty_iban: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    is_batch: bool = False
    batch_count: int | None = None


@dataclass(frozen=True)
class OrderPlaced:
    """A submitted order. `links` holds absolute, validated URLs by their Berlin Group name.

    It may be empty: under delegated SCA there is nothing left to sign.
    """

    payment_id: str
    transaction_status: str
    links: dict[str, str] = field(default_factory=dict)
    psu_message: str | None = None
    raw: str = ""


@dataclass(frozen=True)
class Authorisation:
    """One SCA authorisation: its status, the `methods` to choose from and the `challenge` to show (Berlin Group names).
    """

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
    """The bank's report on one transaction of an order. `status` and `reason` are ISO 20022 codes.

    `vop_result` is NMTC (no match), CMTC (close match; `matched_name` is then the account holder), NOAP (not
    available), or None when the bank reports no payee verification.
    """

    end_to_end_id: str
    status: str | None = None
    reason: str | None = None
    vop_result: str | None = None
    matched_name: str | None = field(default=None, repr=False)


StatementLevel = Literal["group", "batch", "line"]


@dataclass(frozen=True)
class StatusCount:
    """The number of transactions with a status, as the bank counts them (ISO 20022 NbOfTxsPerSts)."""

    code: str | None
    count: int | None
    sum_cents: int | None = None


@dataclass(frozen=True)
class StatusStatement:
    """One statement of a bank about an order, unchanged: no field is filled in or derived.

    `level`: the whole order (GrpSts, transactionStatus), a batch of it (PmtInfSts) or one line (TxSts). `code` is an
    ISO 20022 code; None where only a reason or a count is given. `message_id`, `payment_information_id`,
    `end_to_end_id` and `instruction_id` are the references of the original order. `count` and `sum_cents` are the
    bank's totals of the order or batch. `vop_result` and `matched_name` as in `TransactionStatusReport`.
    """

    level: StatementLevel
    code: str | None
    reasons: tuple[str, ...] = ()
    message_id: str | None = None
    payment_information_id: str | None = None
    end_to_end_id: str | None = None
    amount_cents: int | None = None
    count: int | None = None
    sum_cents: int | None = None
    status_counts: tuple[StatusCount, ...] = ()
    information: tuple[str, ...] = field(default=(), repr=False)
    instruction_id: str | None = None
    vop_result: str | None = None
    matched_name: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class StatusReport:
    """The status of an order. `reason` is a code of the bank or of ISO 20022 (AM04 …), never free text.

    `transaction_status` is empty where the answer gives a status for single payments only. `lines` holds only
    transactions whose outcome differs from the order's, since banks list no others. `links` holds absolute, validated
    URLs for the next step. `raw` may contain names. `statements` are all statements of the answers, each at its own
    level; `said_at` (UTC) is the bank's time of the report, if given.
    """

    transaction_status: str
    reason: str | None = None
    raw: str = field(default="", repr=False)
    lines: tuple[TransactionStatusReport, ...] = ()
    links: dict[str, str] = field(default_factory=dict)
    statements: tuple[StatusStatement, ...] = ()
    said_at: datetime | None = None


@dataclass(frozen=True)
class Cancellation:
    """The answer to a cancellation. If not `done`, the cancellation needs SCA at `links`, and the order stands until
    then.
    """

    done: bool
    links: dict[str, str] = field(default_factory=dict)


class BankError(Exception):
    """A failed call to a bank. Its message contains no name, account or amount."""


class NotDelivered(BankError):
    """Nothing reached the bank: no connection was made."""


class OutcomeUnknown(BankError):
    """The request was sent, but the answer is missing or not understood: the bank may have processed it."""


class BankRefused(BankError):
    """The bank refused the request, with its own code and text. The text may contain names, so str() leaves it out."""

    def __init__(self, http_status: int, code: str, text: str) -> None:
        super().__init__(f"{http_status} {code}")
        self.http_status, self.code, self.text = http_status, code, text


class Bank(Protocol):
    """The operations of a bank. Each raises a BankError on failure. The caller generates each X-Request-ID."""

    def start_consent(
        self, config: BankConfig, psu: Psu, redirect_uri: str, nok_redirect_uri: str, request_id: str
    ) -> ConsentStarted: ...

    def consent(self, config: BankConfig, consent_id: str, request_id: str) -> ConsentState: ...

    def end_consent(self, config: BankConfig, consent_id: str, request_id: str) -> None: ...

    def accounts(self, config: BankConfig, consent_id: str, psu: Psu | None, request_id: str) -> list[Account]: ...

    def balance(
        self, config: BankConfig, consent_id: str, resource_id: str, psu: Psu | None, request_id: str, iban: str = ""
    ) -> Balance | None: ...

    def transactions(
        self, config: BankConfig, consent_id: str, resource_id: str, date_from: date, psu: Psu | None, request_id: str,
        iban: str = "",
    ) -> list[Transaction]: ...  # fmt: skip

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
        """Return the scaStatus of an authorisation."""
        ...

    def order_status(self, config: BankConfig, payment_id: str, request_id: str) -> StatusReport: ...

    def confirm_names(self, config: BankConfig, link: str, psu: Psu, request_id: str) -> dict[str, str]:
        """Confirm payee names that did not match; return the links to continue with."""
        ...

    def cancel_order(self, config: BankConfig, payment_id: str, psu: Psu, request_id: str) -> Cancellation: ...
