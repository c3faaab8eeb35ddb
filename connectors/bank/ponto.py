"""Ponto Connect: banks through one licensed provider, on behalf of a customer that authorised us by OAuth.

Ponto's statuses are mapped to ISO 20022 codes here; an unknown status is an answer that is not understood. An order is
a bulk payment under an account, and its payment id combines both ids. It is signed at `links.redirect`, once: after a
failed SCA a new order is needed. Ponto has no payee verification in advance and no embedded SCA (docs/ponto.md).
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import quote

from connectors.bank import ponto_order, ponto_subjects, response_links, response_parsing
from connectors.bank.ponto_transport import PontoSettings, PontoWire
from connectors.bank.port import (
    NO_WISHES,
    Account,
    Authorisation,
    Balance,
    BankConfig,
    BankError,
    BankRefused,
    Cancellation,
    ConsentStarted,
    ConsentState,
    NotDelivered,
    OrderPlaced,
    OutcomeUnknown,
    PlacementOptions,
    Psu,
    StatusReport,
    StatusStatement,
    Transaction,
)
from connectors.bank.transport import Answer, Request
from connectors.iso20022 import reference_of
from core.clock import AMSTERDAM, utcnow
from core.iban import normalise

# Only "unsigned" was observed. The others are the ISO 20022 names of these codes, as spelled by Ibanity's other
# product. An unlisted status changes nothing.
STATUSES = {
    "unsigned": "RCVD", "received": "RCVD", "accepted-technical-validation": "ACTC", "partially-accepted": "PART",
    "partially-accepted-technical-correct": "PATC", "pending": "PDNG", "accepted-fund-checked": "ACFC",
    "accepted-customer-profile": "ACCP", "accepted-with-change": "ACWC", "accepted-without-posting": "ACWP",
    "accepted-settlement-in-process": "ACSP", "accepted-settlement-completed": "ACSC",
    "accepted-creditor-settlement-completed": "ACCC", "rejected": "RJCT", "cancelled": "CANC",
}  # fmt: skip
MOST_PAGES = 20
LONGEST_RAW = 4000
# Error code that `access` raises before there is a token (docs/decisions/0013-ponto.md).
PENDING = "CONSENT_PENDING"
_SEPARATOR = ":"
MOST_EUROS = 10**13
Observe = Callable[[Request, Answer | None], None]


class PontoBank:
    """The adapter for Ponto, without connection or state. Every configuration it gets must have `access`."""

    def __init__(self, settings: PontoSettings, observe: Observe | None = None) -> None:
        self._wire = PontoWire(settings, observe)

    # --- consent and accounts ---
    def start_consent(
        self, config: BankConfig, psu: Psu, redirect_uri: str, nok_redirect_uri: str, request_id: str
    ) -> ConsentStarted:
        """Not available: the customer authorises us by OAuth, before there is a token (ponto_oauth.PontoOAuth).

        Raises:
        - NotDelivered
        """
        _not_at_ponto("a consent of its own")

    def end_consent(self, config: BankConfig, consent_id: str, request_id: str) -> None:
        """Not available: the consent ends with its token, which is revoked (`connectors.bank.ponto_oauth`).

        Raises:
        - NotDelivered
        """
        _not_at_ponto("a consent of its own")

    def consent(self, config: BankConfig, consent_id: str, request_id: str) -> ConsentState:
        """Return the status of the token: "received" before it was granted, "expired" when Ponto refuses it.

        It is valid until the first account has to be authorised at its bank again, as Ponto expects it.
        """
        try:
            rows = self._accounts(config)
        except BankRefused as error:
            if error.code == PENDING:
                return ConsentState("received", None)
            if error.http_status in (401, 403):
                return ConsentState("expired", None)
            raise
        ends = [end for row in rows if (end := _expected_end(row)) is not None]
        return ConsentState("valid", min(ends) if ends else None)

    def accounts(self, config: BankConfig, consent_id: str, psu: Psu | None, request_id: str) -> list[Account]:
        """Return the accounts with an IBAN that the customer's organisation lets us see."""
        return [_account(row) for row in self._accounts(config) if _attributes(row).get("referenceType") == "IBAN"]

    def balance(
        self, config: BankConfig, consent_id: str, resource_id: str, psu: Psu | None, request_id: str, iban: str = ""
    ) -> Balance | None:
        """Return the available balance in euros, else the booked one, as of Ponto's last synchronisation with the bank.

        Raises:
        - OutcomeUnknown: also if the answer is about another account.
        """
        row = _resource(self._wire.read(config, f"accounts/{_segment(resource_id)}"))
        ponto_subjects.require_account_resource(row, resource_id, iban)
        return _balance(row) if _attributes(row).get("currency") == "EUR" else None

    def transactions(
        self, config: BankConfig, consent_id: str, resource_id: str, date_from: date, psu: Psu | None, request_id: str,
        iban: str = "",
    ) -> list[Transaction]:  # fmt: skip
        """Return the transactions booked since this day, newest first. Ponto reports no batches and no expected ones.

        Ponto cannot filter by date, so pages are read until one reaches an earlier day.

        Raises:
        - OutcomeUnknown: also if a page is about another account.
        """
        told: list[Transaction] = []
        for found, rows in self._pages(config, f"accounts/{_segment(resource_id)}/transactions?page%5Blimit%5D=100"):
            ponto_subjects.require_transactions_of(found, rows, resource_id)
            page = [_transaction(row) for row in rows if _attributes(row).get("currency") == "EUR"]
            told += [one for one in page if one.booking_date is not None and one.booking_date >= date_from]
            if any(one.booking_date is not None and one.booking_date < date_from for one in page):
                break
        return told

    def _accounts(self, config: BankConfig) -> list[dict[str, Any]]:
        return [row for _, rows in self._pages(config, "accounts?page%5Blimit%5D=100") for row in rows]

    def _pages(self, config: BankConfig, first: str) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Yield the pages of a list, each with its rows.

        Raises:
        - OutcomeUnknown: the list does not end, or leads to another one.
        """
        link = first
        for _ in range(MOST_PAGES):
            found = _document(self._wire.read(config, link))
            yield found, response_parsing.rows_of(found, "data")
            following = found.get("links", {}).get("next") if isinstance(found.get("links"), dict) else None
            if not isinstance(following, str):
                return
            ponto_subjects.require_same_list(config, first, following)
            link = following
        raise OutcomeUnknown("a list without an end")

    # --- orders ---
    def place_order(
        self, config: BankConfig, body: bytes, request_id: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str,
        wishes: PlacementOptions = NO_WISHES,
    ) -> OrderPlaced:  # fmt: skip
        """Create the bulk payment, once; unsigned, it executes nothing. The request id is the idempotency key.

        Ponto has no placement options: payees are verified on the bank's page, and there is no callback. The account is
        looked up by the order's debtor IBAN before anything of the order is sent.

        Raises:
        - NotDelivered
        - BankRefused
        - OutcomeUnknown: also for a conflict (409).
        """
        iban, request = ponto_order.request_body(body, redirect_uri)
        account_id = self._account_id(config, iban)
        path = f"accounts/{_segment(account_id)}/bulk-payments"
        answer = self._wire.ask(config, "POST", path, request, request_id)
        row = _resource(answer)
        way = _redirect(config, row)
        return OrderPlaced(
            payment_id=f"{account_id}{_SEPARATOR}{response_parsing.identifier(row, 'id')}",
            transaction_status=_status(row),
            links={"scaRedirect": way} if way else {}, raw=_raw(answer),
        )  # fmt: skip

    def _account_id(self, config: BankConfig, iban: str) -> str:
        try:
            found = [one.resource_id for one in self.accounts(config, "", None, "") if one.iban == iban]
        except BankRefused:
            raise
        except BankError as error:
            raise NotDelivered("the account could not be looked up") from error
        if not found:
            raise BankRefused(404, "RESOURCE_UNKNOWN", "")
        return found[0]

    def order_status(self, config: BankConfig, payment_id: str, request_id: str) -> StatusReport:
        """Return the status of the order. Ponto does not report single payments.

        Raises:
        - OutcomeUnknown: also if the answer is about another order.
        """
        answer = self._wire.read(config, _order_path(payment_id))
        row = _resource(answer)
        ponto_subjects.require_order_resource(row, payment_id.partition(_SEPARATOR)[2])
        status = _status(row)
        return StatusReport(status, raw=_raw(answer), statements=(StatusStatement("group", status),))

    def cancel_order(self, config: BankConfig, payment_id: str, psu: Psu, request_id: str) -> Cancellation:
        """Delete an order that nobody has signed.

        Raises:
        - BankRefused: it can no longer be deleted.
        """
        self._wire.ask(config, "DELETE", _order_path(payment_id))
        return Cancellation(True)

    # --- not available at Ponto ---
    def start_authorisation(
        self, config: BankConfig, payment_id: str, link: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str,
        request_id: str, data: dict | None = None,
    ) -> Authorisation:  # fmt: skip
        """Not available: the SCA link comes with the order.

        Raises:
        - NotDelivered
        """
        _not_at_ponto("an authorisation to start")

    def continue_authorisation(
        self, config: BankConfig, link: str, data: dict, psu: Psu, request_id: str
    ) -> Authorisation:
        """Not available.

        Raises:
        - NotDelivered
        """
        _not_at_ponto("an authorisation to continue")

    def authorisation(
        self, config: BankConfig, payment_id: str, authorisation_id: str, request_id: str, of_cancelling: bool = False
    ) -> str:
        """Not available.

        Raises:
        - NotDelivered
        """
        _not_at_ponto("an authorisation to ask about")

    def confirm_names(self, config: BankConfig, link: str, psu: Psu, request_id: str) -> dict[str, str]:
        """Not available: payees are verified on the bank's page.

        Raises:
        - NotDelivered
        """
        _not_at_ponto("names to confirm")


def _not_at_ponto(what: str) -> NoReturn:
    raise NotDelivered(f"Ponto has not {what}")


# --- response fields ---
def _document(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of an answer. Amounts are JSON numbers, parsed as Decimal, never as float."""
    return response_parsing.parse_json_object(answer, Decimal)


def _resource(answer: Answer) -> dict[str, Any]:
    row = _document(answer).get("data")
    if not isinstance(row, dict):
        raise OutcomeUnknown("the answer holds no resource")
    return row


def _attributes(row: dict[str, Any]) -> dict[str, Any]:
    found = row.get("attributes")
    if not isinstance(found, dict):
        raise OutcomeUnknown("a resource without attributes")
    return found


def _status(row: dict[str, Any]) -> str:
    return STATUSES[response_parsing.one_of(_attributes(row), "status", frozenset(STATUSES))]


def _redirect(config: BankConfig, row: dict[str, Any]) -> str | None:
    """Return where the order is signed. Ponto already has the order, so an untrusted link raises OutcomeUnknown."""
    found = row.get("links")
    way = found.get("redirect") if isinstance(found, dict) else None
    return response_links.sign_address(config, way) if isinstance(way, str) else None


def _account(row: dict[str, Any]) -> Account:
    attributes = _attributes(row)
    try:
        iban = normalise(str(attributes.get("reference")))
    except ValueError as error:
        raise OutcomeUnknown("an account's IBAN is none") from error
    currency = response_parsing.text_or_none(attributes, "currency", 3)
    if currency is None:
        raise OutcomeUnknown("an account without a currency")
    names = (response_parsing.text_or_none(attributes, name) for name in ("description", "product"))
    return Account(
        resource_id=response_parsing.identifier(row, "id"), iban=iban,
        name=next((name for name in names if name), None),
        owner_name=response_parsing.text_or_none(attributes, "holderName"), currency=currency,
    )  # fmt: skip


def _transaction(row: dict[str, Any]) -> Transaction:
    """Return a transaction. `executionDate` is the booking date, according to Ibanity's API reference (docs/ponto.md).
    """
    attributes = _attributes(row)
    booked, value = (response_parsing.moment_or_none(attributes, name) for name in ("executionDate", "valueDate"))
    if booked is None:
        raise OutcomeUnknown("a transaction without a date")
    try:
        iban = normalise(str(attributes.get("counterpartReference")))
    except ValueError:
        iban = ""  # cards and foreign accounts come in other forms, and the IBAN is display only
    texts = ("endToEndId", "counterpartName", "remittanceInformation")
    end_to_end_id, name, text = (response_parsing.text_or_none(attributes, part) or "" for part in texts)
    return Transaction(
        booked=True, booking_date=_day(booked), value_date=_day(value) if value else None,
        cents=_cents(attributes.get("amount")), transaction_id=response_parsing.identifier(row, "id"),
        end_to_end_id=reference_of(end_to_end_id) or "", counterparty_name=name, counterparty_iban=iban, text=text,
    )  # fmt: skip


def _day(moment: datetime) -> date:
    """Return the date of a moment; Ponto writes a date as midnight UTC."""
    return moment.astimezone(UTC).date()


def _balance(row: dict[str, Any]) -> Balance | None:
    attributes = _attributes(row)
    for name, kind in (("availableBalance", "interimAvailable"), ("currentBalance", "interimBooked")):
        if attributes.get(name) is not None:
            meta = row.get("meta")
            at = response_parsing.moment_or_none(meta if isinstance(meta, dict) else {}, "synchronizedAt")
            return Balance(_cents(attributes[name]), kind, min(at, utcnow()) if at else utcnow())
    return None


def _cents(value: Any) -> int:
    """Convert a JSON number in euros to cents; at most two significant decimals."""
    number = Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else Decimal("NaN")
    if not number.is_finite() or abs(number) >= MOST_EUROS or (found := number * 100) != int(found):
        raise OutcomeUnknown("an amount that is none")
    return int(found)


def _expected_end(row: dict[str, Any]) -> date | None:
    """Return the day (Amsterdam) on which the bank is expected to want the account authorised again."""
    end = response_parsing.moment_or_none(_attributes(row), "authorizationExpirationExpectedAt")
    return end.astimezone(AMSTERDAM).date() if isinstance(end, datetime) else None


def _raw(answer: Answer) -> str:
    return answer.body[:LONGEST_RAW].decode("utf-8", "replace")


def _segment(identifier: str) -> str:
    return quote(identifier, safe="")


def _order_path(payment_id: str) -> str:
    account_id, separator, order_id = payment_id.partition(_SEPARATOR)
    if not separator:
        raise NotDelivered("this is no order at Ponto")
    return f"accounts/{_segment(account_id)}/bulk-payments/{_segment(order_id)}"
