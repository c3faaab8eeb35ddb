"""Berlin Group NextGenPSD2 1.3: consents, accounts, bulk payments, authorisations (contract: facts "bank").

The one question that matters at each failure: can the bank have it? Only a connection that was
never made is `NotDelivered`; whatever comes after the first byte may have left is `AnswerUnknown`,
unless the bank itself said no.
"""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from connectors.bank.port import (
    Account,
    AnswerUnknown,
    Authorisation,
    Balance,
    BankError,
    BankLine,
    BankRefused,
    ConsentStarted,
    ConsentState,
    NotDelivered,
    OrderPlaced,
    Psu,
    StatusReport,
)
from connectors.bank.signing import Signer
from core.iban import normalise
from core.money import cents

MOST_BYTES = 20 * 1024 * 1024
# The first of these that a bank gives is shown: what can be spent now before what was booked.
BALANCE_ORDER = ("interimAvailable", "forwardAvailable", "expected", "closingBooked", "interimBooked", "openingBooked")
CONSENT_STATES = frozenset(
    {"received", "rejected", "valid", "revokedByPsu", "expired", "terminatedByTpp", "partiallyAuthorised"}
)
SCA_STATES = frozenset(
    {"received", "psuIdentified", "psuAuthenticated", "scaMethodSelected", "started", "unconfirmed", "finalised",
     "failed", "exempted"}
)  # fmt: skip


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    text: str = field(repr=False)
    base: str

    def json(self) -> dict[str, Any]:
        """The document; AnswerUnknown when it is none."""
        try:
            found = json.loads(self.text)
        except ValueError as error:
            raise AnswerUnknown("the answer is no JSON") from error
        if not isinstance(found, dict):
            raise AnswerUnknown("the answer is no document")
        return found

    def links(self) -> dict[str, str]:
        """The links by name, relative ones made full."""
        links = self.json().get("_links") or {}
        return {
            name: urljoin(self.base, link["href"])
            for name, link in links.items()
            if isinstance(link, dict) and isinstance(link.get("href"), str)
        }


class BerlinGroupBank:
    """One adapter for every bank that speaks the standard; the bank's line says where and how."""

    def __init__(self, signer: Signer, connect_timeout: float = 5, read_timeout: float = 30) -> None:
        self._signer, self._timeout = signer, (connect_timeout, read_timeout)

    # --- consent and accounts ---
    def start_consent(
        self, line: BankLine, psu: Psu, redirect_uri: str, nok_redirect_uri: str, request_id: str
    ) -> ConsentStarted:
        """Ask for a lasting consent on all accounts; the person goes on at `redirect_url`."""
        wish = {
            "access": {"accounts": [], "balances": [], "transactions": []},
            "recurringIndicator": True,
            "validUntil": "9999-12-31",  # the bank answers with what it gives
            "frequencyPerDay": 4,
            "combinedServiceIndicator": False,
        }
        headers = self._headers(line, request_id, psu, redirect_uri, nok_redirect_uri)
        answer = self._call("POST", line, "/v1/consents", headers, json.dumps(wish).encode(), "application/json")
        found, links = answer.json(), answer.links()
        if "scaRedirect" not in links:
            raise AnswerUnknown("a consent without a redirect")
        url = _own_host(line, links["scaRedirect"])
        return ConsentStarted(_text(found, "consentId"), _one_of(found, "consentStatus", CONSENT_STATES), url)

    def consent(self, line: BankLine, consent_id: str, request_id: str) -> ConsentState:
        """How the consent stands, and until when: the bank's answer, not a constant."""
        answer = self._call("GET", line, f"/v1/consents/{consent_id}", self._headers(line, request_id))
        found = answer.json()
        until = found.get("validUntil")
        try:
            day = date.fromisoformat(until) if until else None
        except (TypeError, ValueError) as error:
            raise AnswerUnknown("validUntil is no date") from error
        return ConsentState(_one_of(found, "consentStatus", CONSENT_STATES), day)

    def accounts(self, line: BankLine, consent_id: str, psu: Psu | None, request_id: str) -> list[Account]:
        headers = {**self._headers(line, request_id, psu), "Consent-ID": consent_id}
        rows = self._call("GET", line, "/v1/accounts", headers).json().get("accounts")
        if not isinstance(rows, list):
            raise AnswerUnknown("no list of accounts")
        return [_account(row) for row in rows if isinstance(row, dict) and row.get("iban")]

    def balance(
        self, line: BankLine, consent_id: str, resource_id: str, psu: Psu | None, request_id: str
    ) -> Balance | None:
        """The balance that says best what can be spent; None when the bank gives none."""
        headers = {**self._headers(line, request_id, psu), "Consent-ID": consent_id}
        rows = self._call("GET", line, f"/v1/accounts/{resource_id}/balances", headers).json().get("balances") or []
        kinds = {row.get("balanceType"): row for row in rows if isinstance(row, dict)}
        kind = next((kind for kind in BALANCE_ORDER if kind in kinds), None)
        return _balance(kind, kinds[kind]) if kind else None

    # --- orders ---
    def place_order(
        self, line: BankLine, body: bytes, request_id: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str
    ) -> OrderPlaced:
        """Give the file to the bank. An explicit authorisation is asked for: unsigned, it executes nothing.

        NotDelivered: surely not there. BankRefused: the bank said no. AnswerUnknown: it may have it.
        """
        headers = self._headers(line, request_id, psu, redirect_uri, nok_redirect_uri)
        headers["TPP-Explicit-Authorisation-Preferred"] = "true"
        answer = self._call("POST", line, f"/v1/bulk-payments/{line.product}", headers, body, "application/xml")
        found = answer.json()
        return OrderPlaced(
            payment_id=_text(found, "paymentId"), transaction_status=_text(found, "transactionStatus"),
            links=_checked(line, answer.links()), sca_approach=answer.headers.get("ASPSP-SCA-Approach"),
            psu_message=found.get("psuMessage"), raw=answer.text[:4000],
        )  # fmt: skip

    def start_authorisation(
        self, line: BankLine, payment_id: str, link: str, psu: Psu, redirect_uri: str, nok_redirect_uri: str,
        request_id: str,
    ) -> Authorisation:  # fmt: skip
        """Begin the signing of an order, at the link that the bank gave."""
        headers = self._headers(line, request_id, psu, redirect_uri, nok_redirect_uri)
        return self._authorise("POST", line, link, headers, {})

    def continue_authorisation(
        self, line: BankLine, link: str, data: dict, psu: Psu, request_id: str
    ) -> Authorisation:
        """Choose a method, or give the code: `data` as the contract names it."""
        return self._authorise("PUT", line, link, self._headers(line, request_id, psu), data)

    def _authorise(self, method: str, line: BankLine, link: str, headers: dict, data: dict) -> Authorisation:
        answer = self._call(method, line, link, headers, json.dumps(data).encode(), "application/json")
        found, links = answer.json(), _checked(line, answer.links())
        methods = found.get("scaMethods") or ()
        return Authorisation(
            id=found.get("authorisationId"), sca_status=_one_of(found, "scaStatus", SCA_STATES),
            redirect_url=links.get("scaRedirect"), methods=tuple(methods), challenge=found.get("challengeData"),
            psu_message=found.get("psuMessage"), links=links,
        )  # fmt: skip

    def authorisation(self, line: BankLine, payment_id: str, authorisation_id: str, request_id: str) -> str:
        """The scaStatus of a signing that was begun."""
        path = f"/v1/bulk-payments/{line.product}/{payment_id}/authorisations/{authorisation_id}"
        return _one_of(self._call("GET", line, path, self._headers(line, request_id)).json(), "scaStatus", SCA_STATES)

    def order_status(self, line: BankLine, payment_id: str, request_id: str) -> StatusReport:
        """What the bank says of the order now."""
        path = f"/v1/bulk-payments/{line.product}/{payment_id}/status"
        answer = self._call("GET", line, path, self._headers(line, request_id))
        found = answer.json()
        return StatusReport(
            _text(found, "transactionStatus"), found.get("fundsAvailable"), _reason(found), answer.text[:4000]
        )

    # --- how a call is made ---
    def _headers(
        self, line: BankLine, request_id: str, psu: Psu | None = None, redirect: str | None = None,
        nok_redirect: str | None = None,
    ) -> dict[str, str]:  # fmt: skip
        headers = {"X-Request-ID": request_id, "Date": formatdate(usegmt=True), "Accept": "application/json"}
        if psu is not None:
            headers["PSU-IP-Address"] = psu.ip
            if psu.user_agent:
                headers["PSU-User-Agent"] = psu.user_agent
        if redirect and nok_redirect:
            headers |= {"TPP-Redirect-URI": redirect, "TPP-Nok-Redirect-URI": nok_redirect}
            headers["TPP-Redirect-Preferred"] = "true" if line.signing == "redirect" else "false"
            if line.signing == "decoupled":
                headers["TPP-Decoupled-Preferred"] = "true"
        return headers

    def _call(
        self, method: str, line: BankLine, where: str, headers: dict[str, str], body: bytes = b"",
        content_type: str | None = None,
    ) -> _Answer:  # fmt: skip
        url = where if where.startswith(("http://", "https://")) else f"{line.base_url}{where}"
        if urlsplit(url).netloc != urlsplit(line.base_url).netloc:
            raise AnswerUnknown("a link to another host")
        if content_type:
            headers = {**headers, "Content-Type": content_type}
        signed = {**headers, **self._signer.headers(headers, body)}
        try:
            answer = requests.request(
                method, url, data=body or None, headers=signed, timeout=self._timeout, allow_redirects=False, stream=True
            )
            with closing(answer):
                text = answer.raw.read(MOST_BYTES + 1, decode_content=True)
        except requests.RequestException as error:
            raise _unreached(error) from error
        except OSError as error:
            raise AnswerUnknown(type(error).__name__) from error
        if len(text) > MOST_BYTES:
            raise AnswerUnknown("the answer is too large")
        return _judged(_Answer(answer.status_code, answer.headers, text.decode("utf-8", "replace"), url))


def _unreached(error: requests.RequestException) -> BankError:
    """NotDelivered only when no connection was made; a cut or silent one may have carried it."""
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    never = (NewConnectionError, ConnectTimeoutError, NameResolutionError)
    if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ConnectTimeout) or isinstance(cause, never):
        return NotDelivered(type(error).__name__)
    return AnswerUnknown(type(error).__name__)


def _judged(answer: _Answer) -> _Answer:
    """A 4xx is the bank's no; anything but a 2xx besides that tells us nothing."""
    if 200 <= answer.status < 300:
        return answer
    if 400 <= answer.status < 500 and answer.status != 408:
        raise BankRefused(answer.status, *_words(answer))
    raise AnswerUnknown(f"HTTP {answer.status}")


def _words(answer: _Answer) -> tuple[str, str]:
    """Code and text of a refusal: tppMessages, or problem+json; "UNKNOWN" when it is neither."""
    try:
        found = answer.json()
    except AnswerUnknown:
        return "UNKNOWN", ""
    messages = [m for m in found.get("tppMessages") or () if isinstance(m, dict)]
    first = next((m for m in messages if m.get("category") == "ERROR"), messages[0] if messages else {})
    code = first.get("code") or found.get("code") or "UNKNOWN"
    text = first.get("text") or found.get("detail") or found.get("title") or ""
    return str(code)[:60], str(text)[:500]


def _reason(found: dict[str, Any]) -> str | None:
    messages = [m for m in found.get("tppMessages") or () if isinstance(m, dict) and m.get("code")]
    return f"bank:{str(messages[0]['code'])[:60]}" if messages else None


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise AnswerUnknown(f"{name} is missing")
    return value


def _one_of(found: dict[str, Any], name: str, known: frozenset[str]) -> str:
    value = _text(found, name)
    if value not in known:
        raise AnswerUnknown(f"{name} is not one we know")
    return value


def _own_host(line: BankLine, url: str) -> str:
    """Where a person is sent must be on this bank's configured hosts."""
    parts = urlsplit(url)
    if parts.netloc not in line.redirect_hosts or parts.scheme not in ("http", "https"):
        raise AnswerUnknown("a redirect to a strange host")
    return url


def _checked(line: BankLine, links: dict[str, str]) -> dict[str, str]:
    if "scaRedirect" in links:
        _own_host(line, links["scaRedirect"])
    return links


def _account(row: dict[str, Any]) -> Account:
    try:
        iban = normalise(_text(row, "iban"))
    except ValueError as error:
        raise AnswerUnknown("an account with an invalid IBAN") from error
    return Account(
        resource_id=_text(row, "resourceId"), iban=iban, name=row.get("name") or row.get("product"),
        owner_name=row.get("ownerName"), currency=row.get("currency", "EUR"),
    )  # fmt: skip


def _balance(kind: str, row: dict[str, Any]) -> Balance:
    amount = row.get("balanceAmount") or {}
    text = str(amount.get("amount", ""))
    try:
        value = -cents(text[1:]) if text.startswith("-") else cents(text)
    except ValueError as error:
        raise AnswerUnknown("a balance that is no amount") from error
    return Balance(value, kind, _moment(row.get("lastChangeDateTime") or row.get("referenceDateTime")))


def _moment(text: str | None) -> datetime:
    try:
        found = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError:
        found = datetime.now(UTC)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
