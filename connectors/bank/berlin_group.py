"""Berlin Group NextGenPSD2 1.3: consents, accounts, bulk payments, authorisations.

The one question that matters at each failure: can the bank have it? `transport` answers it for the
line, `reading` for the answer. A POST or PUT goes out once; a GET that got no answer goes out once
more.
"""

import re
import socket
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from email.utils import formatdate
from ipaddress import IPv6Address, ip_address
from json import dumps
from ssl import SSLContext
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

from connectors.bank import account_report as bookings
from connectors.bank import http_signatures, payment_status_report, response_links, response_parsing
from connectors.bank.order_formats import JSON, XML, content_type, product_for
from connectors.bank.pain002 import NotAReport, read_report
from connectors.bank.port import (
    CONSENT_STATUSES,
    NO_WISHES,
    SCA_APPROACHES,
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
    Transaction,
    TransactionStatusReport,
)
from connectors.bank.transport import Answer, Request, TimedOut, send_request
from core.clock import amsterdam_midnight, utcnow
from core.iban import normalise
from core.money import cents

# The first of these that a bank gives is shown: what can be spent now before what was booked.
BALANCE_ORDER = ("interimAvailable", "forwardAvailable", "expected", "interimBooked", "closingBooked", "openingBooked")
# At most what a bank must allow without the person present (RTS art. 36(5)(b)).
READS_PER_DAY = 4
# "As long as you allow" (contract, validUntil); the bank's answer says until when it is.
LONGEST_CONSENT = "9999-12-31"
LONGEST_RAW = 4000
_ANYWHERE, _NO_ADDRESS = ("192.0.2.1", 9), "192.0.0.8"
# Of a list of bookings. A bank that leads on for ever must not keep us busy for ever.
MOST_PAGES = 100
# How a bank says that it has no such resource: then it tells nothing of single payments.
NOT_THERE = frozenset({400, 404, 405, 406})
# The contract has no code for an order that the bank has already, so banks say it in other ones.
_DOUBLE = re.compile(r"\bDUPL|duplicat|already (exists|received|used)|X-Request-ID", re.IGNORECASE)
_METHOD_PARTS = ("authenticationMethodId", "authenticationType", "name", "explanation")
_CHALLENGE_PARTS = {
    "image": str, "data": list, "imageLink": str, "otpMaxLength": int, "otpFormat": str, "additionalInformation": str,
}  # fmt: skip


class DuplicateOrder(OutcomeUnknown):
    """The bank says that it has this order already: from an earlier call, whose answer we do not know."""


class BerlinGroupBank:
    """One adapter for every bank that speaks the standard; the bank's line says where and how.

    Keeps no connection and no state: one object serves every thread and every forked worker.
    `signer` signs for lines that name no key of their own. Time-outs in seconds; `read_timeout`
    bounds sending and the whole answer, `order_timeout` the same for an order (twice as long).
    `observe` is told of each exchange, with the answer or None: to count, to measure, to check.
    `tls` is for banks that want a certificate of ours on the line too (QWAC).
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
        """Ask for a lasting consent to the accounts that the person will choose at `redirect_url`.

        A bank that wants the authorisation started by itself gets that call too, under a request id
        that follows from the given one. NotDelivered, BankRefused, OutcomeUnknown (also for an answer
        that leads nowhere, or to a host that is not the bank's).
        """
        wish = {
            "access": {"accounts": [], "balances": [], "transactions": []},
            "recurringIndicator": True,
            "validUntil": LONGEST_CONSENT,
            "frequencyPerDay": READS_PER_DAY,
            "combinedServiceIndicator": False,
        }
        headers = _headers(request_id, psu) | _ways_back(redirect_uri, nok_redirect_uri)
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
            raise OutcomeUnknown("a consent without a page to give it on")
        return ConsentStarted(consent_id, status, url)

    def consent(self, config: BankConfig, consent_id: str, request_id: str) -> ConsentState:
        """How the consent stands, and until when: the bank's answer, not a constant."""
        answer = self._read(config, f"/v1/consents/{_segment(consent_id)}", _headers(request_id))
        found = response_parsing.parse_json_object(answer)
        status = response_parsing.one_of(found, "consentStatus", CONSENT_STATUSES)
        return ConsentState(status, response_parsing.day_or_none(found, "validUntil"))

    def accounts(self, config: BankConfig, consent_id: str, psu: Psu | None, request_id: str) -> list[Account]:
        """The accounts under this consent that have an IBAN.

        `psu` is the person when one is looking; without one the bank counts the call (four a day).
        """
        headers = _headers(request_id, psu) | {"Consent-ID": _plain(consent_id)}
        found = response_parsing.parse_json_object(self._read(config, "/v1/accounts", headers))
        return [_account(row) for row in response_parsing.rows_of(found, "accounts") if row.get("iban")]

    def balance(
        self, config: BankConfig, consent_id: str, resource_id: str, psu: Psu | None, request_id: str
    ) -> Balance | None:
        """The balance in euros that says best what can be spent, and which it is; None when there is none."""
        headers = _headers(request_id, psu) | {"Consent-ID": _plain(consent_id)}
        answer = self._read(config, f"/v1/accounts/{_segment(resource_id)}/balances", headers)
        rows = response_parsing.rows_of(response_parsing.parse_json_object(answer), "balances")
        kinds = {row.get("balanceType"): row for row in reversed(rows) if _amount(row).get("currency") == "EUR"}
        kind = next((kind for kind in BALANCE_ORDER if kind in kinds), None)
        return _balance(kind, kinds[kind]) if kind else None

    def transactions(
        self, config: BankConfig, consent_id: str, resource_id: str, date_from: date, psu: Psu | None, request_id: str
    ) -> list[Transaction]:
        """All that was booked since this day and all that is expected, page after page, as the bank orders it.

        A further page is asked under a request id that follows from the given one. OutcomeUnknown for a page that
        leads elsewhere (UntrustedLink), in a circle, or on for ever: half a list is none.
        """
        start = f"/v1/accounts/{_segment(resource_id)}/transactions?{bookings.since(date_from)}"
        told: list[Transaction] = []
        following: str | None = response_links.api_address(config, start)
        seen: set[str] = set()
        while following is not None:
            if following in seen or len(seen) == MOST_PAGES:
                raise OutcomeUnknown("the pages have no end")
            asked = str(uuid5(UUID(request_id), f"page-{len(seen)}")) if seen else request_id
            seen.add(following)
            headers = _headers(asked, psu) | {"Consent-ID": _plain(consent_id)}
            rows, link = bookings.page(response_parsing.parse_json_object(self._read(config, following, headers)))
            told += rows
            following = response_links.api_address(config, link) if link else None
        return told

    # --- orders ---
    def place_order(
        self, config: BankConfig, body: bytes, request_id: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str,
        wishes: PlacementOptions = NO_WISHES,
    ) -> OrderPlaced:  # fmt: skip
        """Give the order to the bank, once. An explicit authorisation is asked for: unsigned, it executes nothing.

        The bytes say where they go: a file and a JSON body have products of their own.
        NotDelivered: surely not there. BankRefused: the bank itself said that it did not take it.
        OutcomeUnknown: it may have it; DuplicateOrder, a kind of that: it says that it has it. So are a
        conflict (409) and each refusal that speaks of a double, because what they conflict with can
        only be this order, given before.
        """
        headers = _headers(request_id, psu) | _ways_back(redirect_uri, nok_redirect_uri) | _preferred(config)
        headers |= _wished(config, wishes)
        kind = content_type(body)
        path = _product_path(config, kind == JSON)
        try:
            answer = self._send(config, "POST", path, headers, body, kind, self._order_timeout)
        except BankRefused as error:
            if error.http_status == 409 or _DOUBLE.search(f"{error.code} {error.text}"):
                raise DuplicateOrder(f"HTTP {error.http_status} {error.code}: a double") from error
            raise
        found = response_parsing.parse_json_object(answer)
        approach = answer.headers.get("aspsp-sca-approach")
        return OrderPlaced(
            payment_id=response_parsing.identifier(found, "paymentId"),
            transaction_status=response_parsing.one_of(found, "transactionStatus", TRANSACTION_STATUSES),
            links=response_links.read_links(config, found),
            sca_approach=approach if approach in SCA_APPROACHES else None,
            psu_message=response_parsing.text_or_none(found, "psuMessage"), raw=_raw(answer),
        )  # fmt: skip

    def start_authorisation(
        self, config: BankConfig, payment_id: str, link: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str,
        request_id: str, data: dict | None = None,
    ) -> Authorisation:  # fmt: skip
        """Begin the signing of an order, at one of the bank's startAuthorisation… links.

        `data` is what the link's name asks for (`psuData`, `authenticationMethodId`,
        `scaAuthenticationData`); nothing for the plain one.
        """
        headers = _headers(request_id, psu) | _ways_back(redirect_uri, nok_redirect_uri) | _preferred(config)
        return self._authorise(config, "POST", link, headers, data or {})

    def continue_authorisation(
        self, config: BankConfig, link: str, data: dict, psu: Psu, request_id: str
    ) -> Authorisation:
        """The next step at the link that the last answer gave: a method, a code, as the contract names them.

        A wrong code is a BankRefused (SCA_INVALID, PSU_CREDENTIALS_INVALID).
        """
        return self._authorise(config, "PUT", link, _headers(request_id, psu), data)

    def authorisation(
        self, config: BankConfig, payment_id: str, authorisation_id: str, request_id: str, of_cancelling: bool = False
    ) -> str:
        """The scaStatus of a signing that was begun, of the order or of its cancellation."""
        kind = "cancellation-authorisations" if of_cancelling else "authorisations"
        path = f"{_order_path(config, payment_id)}/{kind}/{_segment(authorisation_id)}"
        answer = response_parsing.parse_json_object(self._read(config, path, _headers(request_id)))
        return response_parsing.one_of(answer, "scaStatus", SCA_STATUSES)

    def order_status(self, config: BankConfig, payment_id: str, request_id: str) -> StatusReport:
        """What the bank says of the order now, in JSON or as a pain.002, and of its payments one by one.

        The JSON status holds the name check only: of an order that was executed in part or rejected the
        extended status is asked too (BG 1.3.16), under a request id that follows from the given one.
        """
        path, headers = _order_path(config, payment_id), _headers(request_id) | {"Accept": f"{JSON}, {XML};q=0.9"}
        answer = self._read(config, f"{path}/status", headers)
        if "xml" in answer.headers.get("content-type", "").lower():
            return _status_in_xml(config, path, answer)
        found = response_parsing.parse_json_object(answer)
        funds = found.get("fundsAvailable")
        status = response_parsing.one_of(found, "transactionStatus", TRANSACTION_STATUSES)
        ended = status in ("PART", "RJCT")
        return StatusReport(
            transaction_status=status, funds_available=funds if isinstance(funds, bool) else None,
            reason=response_parsing.reason_of([*response_parsing.messages(found), {"text": found.get("psuMessage")}]),
            raw=_raw(answer),
            lines=self._lines(config, path, request_id) if ended else payment_status_report.of_names(found),
            links=response_links.read_links(config, found),
        )  # fmt: skip

    def _lines(self, config: BankConfig, path: str, request_id: str) -> tuple[TransactionStatusReport, ...]:
        """What the extended status says of single payments; nothing where the bank has no such resource."""
        headers = _headers(str(uuid5(UUID(request_id), "extended-status")))
        try:
            answer = self._read(config, f"{path}/extended-status", headers)
        except BankRefused as error:
            if error.http_status in NOT_THERE:
                return ()
            raise
        return payment_status_report.of_extended_status(response_parsing.parse_json_object(answer))

    def confirm_names(self, config: BankConfig, link: str, psu: Psu, request_id: str) -> dict[str, str]:
        """Let an order go on whose names differ (creditor-confirmation, BG 1.3.16); returns the links to sign it.

        `link` is the status's creditorNameConfirmation. BankRefused when there is nothing to confirm.
        """
        headers = _headers(request_id, psu)
        answer = self._send(config, "PUT", link, headers, b"{}", JSON)
        return response_links.read_links(config, response_parsing.parse_json_object(answer))

    def cancel_order(self, config: BankConfig, payment_id: str, psu: Psu, request_id: str) -> Cancellation:
        """Take an order back: done (204), or to be signed first at the links that the bank gives (202).

        BankRefused (405 CANCELLATION_INVALID) when it cannot be taken back any more; OutcomeUnknown for any
        other good answer than those two, which says nothing of what was done.
        """
        answer = self._send(config, "DELETE", _order_path(config, payment_id), _headers(request_id, psu))
        if answer.status == 204:
            return Cancellation(True)
        if answer.status != 202:
            raise OutcomeUnknown(f"HTTP {answer.status} to a cancellation")
        return Cancellation(False, response_links.read_links(config, response_parsing.parse_json_object(answer)))

    # --- how a call is made ---
    def _authorise(
        self, config: BankConfig, method: str, link: str, headers: dict[str, str], data: dict
    ) -> Authorisation:
        found = response_parsing.parse_json_object(
            self._send(config, method, link, headers, dumps(data).encode(), JSON)
        )
        known = response_links.read_links(config, found)
        methods = response_parsing.rows_of(found, "scaMethods") if found.get("scaMethods") else []
        chosen, challenge = found.get("chosenScaMethod"), found.get("challengeData")
        return Authorisation(
            id=response_parsing.identifier(found, "authorisationId") if "authorisationId" in found else None,
            sca_status=response_parsing.one_of(found, "scaStatus", SCA_STATUSES), redirect_url=known.get("scaRedirect"),
            methods=tuple(_method(row) for row in methods),
            challenge=_challenge(challenge) if isinstance(challenge, dict) else None,
            psu_message=response_parsing.text_or_none(found, "psuMessage"), links=known,
            chosen_method=_method(chosen) if isinstance(chosen, dict) else None,
        )  # fmt: skip

    def _read(self, config: BankConfig, path: str, headers: dict[str, str]) -> Answer:
        """A GET changes nothing at the bank: without a good answer it goes out once more, unless that took long."""
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
        """One signed request and its answer, judged."""
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


# --- what we send -------------------------------------------------------------------------------------
def _headers(request_id: str, psu: Psu | None = None) -> dict[str, str]:
    headers = {"X-Request-ID": request_id, "Date": formatdate(usegmt=True), "Accept": JSON}
    if psu is None:
        return headers
    headers["PSU-IP-Address"] = _address(psu.ip)
    if psu.user_agent and (agent := _plain(psu.user_agent)):
        headers["PSU-User-Agent"] = agent
    if psu.bank_user_id:
        headers["PSU-ID"] = _plain(psu.bank_user_id)
    return headers


def _ways_back(redirect_uri: str, nok_redirect_uri: str) -> dict[str, str]:
    return {"TPP-Redirect-URI": redirect_uri, "TPP-Nok-Redirect-URI": nok_redirect_uri}


def _preferred(config: BankConfig) -> dict[str, str]:
    """The way of signing that was agreed with this bank; under delegated signing there is none to prefer."""
    if config.signing == "delegated":
        return {}
    return {
        "TPP-Redirect-Preferred": str(config.signing == "redirect").lower(),
        "TPP-Decoupled-Preferred": str(config.signing == "decoupled").lower(),
    }


def _wished(config: BankConfig, wishes: PlacementOptions) -> dict[str, str]:
    """"false" says not to check names (contract, Client-VOP-Requested); a bank that does not check is not told."""
    headers = {"TPP-Explicit-Authorisation-Preferred": "true"}
    if config.vop:
        headers["Client-VOP-Requested"] = str(wishes.check_names).lower()
    if wishes.notify_uri:
        headers["TPP-Notification-URI"] = wishes.notify_uri
        headers["TPP-Notification-Content-Preferred"] = "status=SCA,PROCESS,LAST"
    return headers


def _address(ip: str) -> str:
    """The contract knows IPv4 only (PSU-IP-Address, format ipv4); one in IPv6 clothes is written as one.

    Of somebody who has none, the contract wants "the IP address used by the TPP" instead.
    """
    try:
        parsed = ip_address(ip)
    except ValueError:
        return _plain(ip)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or _own_address())


def _own_address() -> str:
    """From where this machine goes out by IPv4; nothing is sent to find it. Without a way out, RFC 7600's dummy."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError:
            return _NO_ADDRESS
        return str(probe.getsockname()[0])


def _plain(text: str) -> str:
    """What may stand in a header: a browser's own words must not end the line or begin another."""
    return re.sub(r"[^ -~]", "", text)[: response_parsing.LONGEST_ID].strip()


def _segment(identifier: str) -> str:
    return quote(identifier, safe="")


def _order_path(config: BankConfig, payment_id: str) -> str:
    return f"{_product_path(config, config.format == 'json')}/{_segment(payment_id)}"


def _product_path(config: BankConfig, is_json: bool) -> str:
    return f"/{config.payments_version}/bulk-payments/{product_for(config, is_json)}"


# --- what we read -------------------------------------------------------------------------------------
def _raw(answer: Answer) -> str:
    return answer.body[:LONGEST_RAW].decode("utf-8", "replace")


def _account(row: dict[str, Any]) -> Account:
    try:
        iban = normalise(str(row["iban"]))
    except ValueError as error:
        raise OutcomeUnknown("an account's IBAN is none") from error
    names = (response_parsing.text_or_none(row, key) for key in ("name", "displayName", "product"))
    name = next((text for text in names if text), None)
    currency = response_parsing.text_or_none(row, "currency", 3)
    if currency is None:
        raise OutcomeUnknown("an account without a currency")
    return Account(
        resource_id=response_parsing.identifier(row, "resourceId"), iban=iban, name=name,
        owner_name=response_parsing.text_or_none(row, "ownerName"), currency=currency,
    )  # fmt: skip


def _amount(row: Mapping[str, Any]) -> dict[str, Any]:
    amount = row.get("balanceAmount")
    if not isinstance(amount, dict):
        raise OutcomeUnknown("a balance without an amount")
    return amount


def _balance(kind: str, row: dict[str, Any]) -> Balance:
    text = _amount(row).get("amount")
    if not isinstance(text, str):
        raise OutcomeUnknown("a balance that is no amount")
    try:
        value = -cents(text[1:]) if text.startswith("-") else cents(text)
    except ValueError as error:
        raise OutcomeUnknown("a balance that is no amount") from error
    return Balance(value, kind, _as_of(kind, row))


def _as_of(kind: str, row: dict[str, Any]) -> datetime:
    """Of when the balance is. What can be spent is of now; a booked one is of its date's beginning or end.

    `lastChangeDateTime` is no answer to it: it says when something was last booked.
    """
    day = response_parsing.day_or_none(row, "referenceDate")
    now = utcnow()
    if day is None or kind not in ("closingBooked", "openingBooked"):
        return now
    return min(now, amsterdam_midnight(day if kind == "openingBooked" else day + timedelta(days=1)))


def _method(row: Mapping[str, Any]) -> dict[str, str]:
    """A way to sign, as the person can choose it."""
    return {name: row[name] for name in _METHOD_PARTS if isinstance(row.get(name), str)}


def _challenge(found: Mapping[str, Any]) -> dict[str, Any]:
    """What the bank asks the person: only the parts of the standard, each of its own kind."""
    parts = {name: found[name] for name, kind in _CHALLENGE_PARTS.items() if isinstance(found.get(name), kind)}
    if "data" in parts:
        parts["data"] = [str(item) for item in parts["data"]]
    return parts


def _status_in_xml(config: BankConfig, path: str, answer: Answer) -> StatusReport:
    try:
        report = read_report(answer.body)
    except NotAReport as error:
        raise OutcomeUnknown("the status is no pain.002") from error
    status = report.overall
    if status not in TRANSACTION_STATUSES:
        raise OutcomeUnknown("the pain.002 has no status that we know")
    reason = report.reasons[0] if report.reasons else None
    # A file has no place for links: this one stands where the standard says.
    confirm = {"creditorNameConfirmation": f"{path}/creditor-confirmation"} if status == "RVCM" else {}
    ways = {name: response_links.api_address(config, link) for name, link in confirm.items()}
    told = payment_status_report.parse_report_file(report.transactions)
    return StatusReport(status, None, f"bank:{reason}" if reason else None, _raw(answer), told, ways)
