"""Berlin Group NextGenPSD2 1.3: consents, accounts, bulk payments, authorisations.

Each failure says whether the bank may have processed the request: `transport` decides that for the connection,
`response_parsing` for the answer. A POST or PUT is sent once; a GET without an answer is sent once more.
"""

import re
from collections.abc import Callable
from datetime import date
from json import dumps
from ssl import SSLContext
from uuid import UUID, uuid5

from connectors.bank import account_report as bookings
from connectors.bank import http_signatures, payment_status_report, response_links, response_parsing
from connectors.bank.berlin_group_requests import (
    header_value,
    order_path,
    path_segment,
    placement_headers,
    product_path,
    redirect_headers,
    request_headers,
    sca_preference_headers,
)
from connectors.bank.berlin_group_responses import (
    account_of,
    authorisation_of,
    balance_of,
    raw_text,
    status_from_xml,
)
from connectors.bank.order_formats import JSON, XML, content_type
from connectors.bank.port import (
    CONSENT_STATUSES,
    NO_WISHES,
    SCA_STATUSES,
    TRANSACTION_STATUSES,
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
from connectors.bank.transport import Answer, Request, TimedOut, send_request

# The number of calls a day that a bank must allow without the user present (PSD2 RTS art. 36(5)(b)).
READS_PER_DAY = 4
# The maximum value of validUntil requests the longest consent; the bank answers the actual date.
LONGEST_CONSENT = "9999-12-31"
# Maximum number of pages of transactions, for a bank whose pages never end.
MOST_PAGES = 100
# HTTP statuses of a bank without the extended-status resource, which reports no single payments.
NOT_THERE = frozenset({400, 404, 405, 406})
# Berlin Group defines no code for a duplicate order, so banks use different ones.
_DOUBLE = re.compile(r"\bDUPL|duplicat|already (exists|received|used)|X-Request-ID", re.IGNORECASE)


class DuplicateOrder(OutcomeUnknown):
    """The bank already has this order, from an earlier call whose answer is unknown."""


class BerlinGroupBank:
    """The adapter for every bank that follows the standard; the bank's configuration supplies the details.

    It keeps no connection and no state, so one object serves all threads and forked workers.
    `signer`: signs for banks that configure no key of their own.
    `connect_timeout`, `read_timeout`, `order_timeout`: seconds; the latter two limit sending plus the whole answer, of
    an order by default twice `read_timeout`.
    `observe`: called after each exchange with the request and the answer (None if there was none).
    `tls`: TLS context with our client certificate, for banks that require one (QWAC).
    """

    def __init__(
        self, signer: http_signatures.Signer | None, connect_timeout: float = 5, read_timeout: float = 30,
        order_timeout: float | None = None, observe: Callable[[Request, Answer | None], None] | None = None,
        tls: SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._signer, self._connect_timeout, self._read_timeout = signer, connect_timeout, read_timeout
        self._tls = tls
        self._order_timeout = order_timeout or 2 * read_timeout
        self._observe = observe or (lambda request, answer: None)

    # --- consent and accounts ---
    def start_consent(
        self, config: BankConfig, psu: Psu, redirect_uri: str, nok_redirect_uri: str, request_id: str
    ) -> ConsentStarted:
        """Request a recurring consent; the person chooses the accounts at `redirect_url`.

        If the bank wants a separate authorisation request, it is sent too, with an X-Request-ID derived from the given
        one.

        Raises:
        - NotDelivered
        - BankRefused
        - OutcomeUnknown: also when the answer has no redirect, or one to a host that is not the bank's.
        """
        wish = {
            "access": {"accounts": [], "balances": [], "transactions": []},
            "recurringIndicator": True,
            "validUntil": LONGEST_CONSENT,
            "frequencyPerDay": READS_PER_DAY,
            "combinedServiceIndicator": False,
        }
        headers = request_headers(request_id, psu) | redirect_headers(redirect_uri, nok_redirect_uri)
        headers["TPP-Redirect-Preferred"] = "true"  # the person chooses the accounts on the bank's page
        answer = self._send(config, "POST", "/v1/consents", headers, dumps(wish).encode(), JSON)
        found = response_parsing.parse_json_object(answer)
        known = response_links.read_links(config, found)
        consent_id = response_parsing.identifier(found, "consentId")
        status = response_parsing.one_of(found, "consentStatus", CONSENT_STATUSES)
        url = known.get("scaRedirect")
        if url is None and "startAuthorisation" in known:
            again = headers | {"X-Request-ID": str(uuid5(UUID(request_id), "authorisation"))}
            url = self._authorise(config, "POST", known["startAuthorisation"], again, {}).redirect_url
        if url is None:
            raise OutcomeUnknown("a consent without a redirect")
        return ConsentStarted(consent_id, status, url)

    def consent(self, config: BankConfig, consent_id: str, request_id: str) -> ConsentState:
        """Return the consent's status, and its last valid day as the bank answers it."""
        answer = self._read(config, f"/v1/consents/{path_segment(consent_id)}", request_headers(request_id))
        found = response_parsing.parse_json_object(answer)
        status = response_parsing.one_of(found, "consentStatus", CONSENT_STATUSES)
        return ConsentState(status, response_parsing.day_or_none(found, "validUntil"))

    def end_consent(self, config: BankConfig, consent_id: str, request_id: str) -> None:
        """End a consent at the bank (Berlin Group NextGenPSD2 1.3.11, 6.3.6: DELETE). Harmless if repeated.

        Raises:
        - BankRefused: it does not know the consent, or it has ended.
        - NotDelivered, OutcomeUnknown
        """
        self._send(config, "DELETE", f"/v1/consents/{path_segment(consent_id)}", request_headers(request_id))

    def accounts(self, config: BankConfig, consent_id: str, psu: Psu | None, request_id: str) -> list[Account]:
        """Return the accounts of this consent that have an IBAN.

        `psu` is the person who is present; without one the bank counts the call (four a day).
        """
        headers = request_headers(request_id, psu) | {"Consent-ID": header_value(consent_id)}
        found = response_parsing.parse_json_object(self._read(config, "/v1/accounts", headers))
        return [account_of(row) for row in response_parsing.rows_of(found, "accounts") if row.get("iban")]

    def balance(
        self, config: BankConfig, consent_id: str, resource_id: str, psu: Psu | None, request_id: str, iban: str = ""
    ) -> Balance | None:
        """Return the euro balance that best shows what can be spent, or None if there is none.

        Raises:
        - OutcomeUnknown: also if the answer names another account than `iban`.
        """
        headers = request_headers(request_id, psu) | {"Consent-ID": header_value(consent_id)}
        answer = self._read(config, f"/v1/accounts/{path_segment(resource_id)}/balances", headers)
        found = response_parsing.parse_json_object(answer)
        response_parsing.require_account(found, iban)
        return balance_of(response_parsing.rows_of(found, "balances"))

    def transactions(
        self, config: BankConfig, consent_id: str, resource_id: str, date_from: date, psu: Psu | None, request_id: str,
        iban: str = "",
    ) -> list[Transaction]:  # fmt: skip
        """Return all transactions booked since this day and all expected ones, in the bank's order, over all pages.

        Each further page gets an X-Request-ID derived from the given one.

        Raises:
        - OutcomeUnknown: the pages repeat or do not end, because an incomplete list is useless; or one names another
          account than `iban`.
        - UntrustedLink: a page leads to another host.
        """
        start = f"/v1/accounts/{path_segment(resource_id)}/transactions?{bookings.since(date_from)}"
        told: list[Transaction] = []
        following: str | None = response_links.api_address(config, start)
        seen: set[str] = set()
        while following is not None:
            if following in seen or len(seen) == MOST_PAGES:
                raise OutcomeUnknown("the pages have no end")
            asked = str(uuid5(UUID(request_id), f"page-{len(seen)}")) if seen else request_id
            seen.add(following)
            headers = request_headers(asked, psu) | {"Consent-ID": header_value(consent_id)}
            found = response_parsing.parse_json_object(self._read(config, following, headers))
            response_parsing.require_account(found, iban)
            rows, link = bookings.page(found)
            told += rows
            following = response_links.api_address(config, link) if link else None
        return told

    # --- orders ---
    def place_order(
        self, config: BankConfig, body: bytes, request_id: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str,
        wishes: PlacementOptions = NO_WISHES,
    ) -> OrderPlaced:  # fmt: skip
        """Submit the order, once. Asks for explicit authorisation, so that nothing executes before SCA.

        The bytes decide the payment product: a file or JSON. A conflict (409), and a refusal that mentions a duplicate,
        count as DuplicateOrder, because only an earlier submission of this order can conflict with it.

        Raises:
        - NotDelivered: the bank does not have it.
        - BankRefused: the bank says that it did not accept it.
        - OutcomeUnknown: the bank may have it.
        - DuplicateOrder: the bank says that it already has it.
        """
        headers = request_headers(request_id, psu) | redirect_headers(redirect_uri, nok_redirect_uri)
        headers |= sca_preference_headers(config) | placement_headers(config, wishes)
        kind = content_type(body)
        path = product_path(config, kind == JSON)
        try:
            answer = self._send(config, "POST", path, headers, body, kind, self._order_timeout)
        except BankRefused as error:
            if error.http_status == 409 or _DOUBLE.search(f"{error.code} {error.text}"):
                raise DuplicateOrder(f"HTTP {error.http_status} {error.code}: a double") from error
            raise
        found = response_parsing.parse_json_object(answer)
        return OrderPlaced(
            payment_id=response_parsing.identifier(found, "paymentId"),
            transaction_status=response_parsing.one_of(found, "transactionStatus", TRANSACTION_STATUSES),
            links=response_links.read_links(config, found),
            psu_message=response_parsing.text_or_none(found, "psuMessage"), raw=raw_text(answer),
        )  # fmt: skip

    def start_authorisation(
        self, config: BankConfig, payment_id: str, link: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str,
        request_id: str, data: dict | None = None,
    ) -> Authorisation:  # fmt: skip
        """Start the SCA of an order, at one of the bank's startAuthorisation… links.

        `data` is what the name of the link asks for (`psuData`, `authenticationMethodId`, `scaAuthenticationData`);
        none for the plain link.
        """
        headers = request_headers(request_id, psu) | redirect_headers(redirect_uri, nok_redirect_uri)
        headers |= sca_preference_headers(config)
        return self._authorise(config, "POST", link, headers, data or {})

    def continue_authorisation(
        self, config: BankConfig, link: str, data: dict, psu: Psu, request_id: str
    ) -> Authorisation:
        """Send the next step of an SCA, such as the chosen method or the code, to the link of the last answer.

        Raises:
        - BankRefused: a wrong code (SCA_INVALID, PSU_CREDENTIALS_INVALID).
        """
        return self._authorise(config, "PUT", link, request_headers(request_id, psu), data)

    def authorisation(
        self, config: BankConfig, payment_id: str, authorisation_id: str, request_id: str, of_cancelling: bool = False
    ) -> str:
        """Return the scaStatus of an authorisation, of the order or of its cancellation."""
        kind = "cancellation-authorisations" if of_cancelling else "authorisations"
        path = f"{order_path(config, payment_id)}/{kind}/{path_segment(authorisation_id)}"
        answer = response_parsing.parse_json_object(self._read(config, path, request_headers(request_id)))
        return response_parsing.one_of(answer, "scaStatus", SCA_STATUSES)

    def order_status(self, config: BankConfig, payment_id: str, request_id: str) -> StatusReport:
        """Return the status of the order, from JSON or a pain.002, with that of its single payments.

        The JSON status contains payee verification only. For a partially executed or rejected order the extended status
        (Berlin Group 1.3.16) is read too, with an X-Request-ID derived from the given one.
        """
        path, headers = order_path(config, payment_id), request_headers(request_id) | {"Accept": f"{JSON}, {XML};q=0.9"}
        answer = self._read(config, f"{path}/status", headers)
        if "xml" in answer.headers.get("content-type", "").lower():
            return status_from_xml(config, path, answer)
        found = response_parsing.parse_json_object(answer)
        status = response_parsing.one_of(found, "transactionStatus", TRANSACTION_STATUSES)
        statements = payment_status_report.of_status(found)
        if status in ("PART", "RJCT"):
            statements += self._extended_status(config, path, request_id)
        return StatusReport(
            transaction_status=status,
            reason=response_parsing.reason_of([*response_parsing.messages(found), {"text": found.get("psuMessage")}]),
            raw=raw_text(answer),
            lines=payment_status_report.line_reports(statements),
            links=response_links.read_links(config, found), statements=statements,
        )  # fmt: skip

    def _extended_status(self, config: BankConfig, path: str, request_id: str) -> tuple[StatusStatement, ...]:
        """Return what the extended status says of the order and its payments; nothing where the bank has none."""
        headers = request_headers(str(uuid5(UUID(request_id), "extended-status")))
        try:
            answer = self._read(config, f"{path}/extended-status", headers)
        except BankRefused as error:
            if error.http_status in NOT_THERE:
                return ()
            raise
        return payment_status_report.of_extended_status(response_parsing.parse_json_object(answer))

    def confirm_names(self, config: BankConfig, link: str, psu: Psu, request_id: str) -> dict[str, str]:
        """Confirm payee names that did not match (creditor-confirmation, Berlin Group 1.3.16); return the SCA links.

        `link` is the creditorNameConfirmation of the status.

        Raises:
        - BankRefused: there is nothing to confirm.
        """
        headers = request_headers(request_id, psu)
        answer = self._send(config, "PUT", link, headers, b"{}", JSON)
        return response_links.read_links(config, response_parsing.parse_json_object(answer))

    def cancel_order(self, config: BankConfig, payment_id: str, psu: Psu, request_id: str) -> Cancellation:
        """Cancel an order: done (204), or to be confirmed by SCA at the returned links (202).

        Raises:
        - BankRefused: it can no longer be cancelled (405 CANCELLATION_INVALID).
        - OutcomeUnknown: any other 2xx answer, which does not say what was done.
        """
        answer = self._send(config, "DELETE", order_path(config, payment_id), request_headers(request_id, psu))
        if answer.status == 204:
            return Cancellation(True)
        if answer.status != 202:
            raise OutcomeUnknown(f"HTTP {answer.status} to a cancellation")
        return Cancellation(False, response_links.read_links(config, response_parsing.parse_json_object(answer)))

    # --- requests ---
    def _authorise(
        self, config: BankConfig, method: str, link: str, headers: dict[str, str], data: dict
    ) -> Authorisation:
        answer = self._send(config, method, link, headers, dumps(data).encode(), JSON)
        return authorisation_of(config, response_parsing.parse_json_object(answer))

    def _read(self, config: BankConfig, path: str, headers: dict[str, str]) -> Answer:
        """Send a GET. It changes nothing at the bank, so a failed one is sent once more, unless it timed out."""
        try:
            return self._send(config, "GET", path, headers)
        except TimedOut:
            raise
        except (NotDelivered, OutcomeUnknown):
            return self._send(config, "GET", path, headers)

    def _send(
        self, config: BankConfig, method: str, link: str, headers: dict[str, str], body: bytes = b"",
        media: str | None = None, limit: float | None = None,
    ) -> Answer:  # fmt: skip
        """Send one signed request and return its successful answer."""
        url = response_links.api_address(config, link)
        if media:
            headers = headers | {"Content-Type": media}
        signer = self._signer_for(config)
        signed = headers | signer.headers(headers, body) if signer else headers
        request = Request(method, url, signed, body)
        try:
            answer = send_request(request, self._connect_timeout, limit or self._read_timeout, self._tls)
        except BankError:
            self._observe(request, None)
            raise
        self._observe(request, answer)
        return response_parsing.raise_for_status(request, answer)

    def _signer_for(self, config: BankConfig) -> http_signatures.Signer | None:
        if config.private_key is None or config.certificate is None:
            return self._signer
        try:
            return http_signatures.signer_for(config.key_id, config.private_key, config.certificate)
        except ValueError as error:
            raise NotDelivered(f"bank {config.id}: {error}") from error
