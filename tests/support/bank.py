"""A TPP that sends signed requests to a sandbox bank and checks each exchange against the contract.

    tpp = Tpp(sandbox.url, "redirect")
    answer = tpp.post("/consents", json=consent_request(), headers=FROM_BROWSER)
"""

import base64
import functools
import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import formatdate
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.support import contract, reference, xsd
from tests.support.sandbox import Sandbox

BACK, NOK = "http://localhost:8000/terug", "http://localhost:8000/terug?nee=1"
WITH_PSU = {"PSU-IP-Address": "192.0.2.10"}
FROM_BROWSER = WITH_PSU | {"TPP-Redirect-URI": BACK, "TPP-Nok-Redirect-URI": NOK}
EXPLICIT = FROM_BROWSER | {"TPP-Explicit-Authorisation-Preferred": "true"}
DEBTOR = "NL95INGB0004921836"
XML = "/bulk-payments/pain.001-sepa-credit-transfers"
JSON = "/bulk-payments/sepa-credit-transfers"


@dataclass(frozen=True)
class Identity:
    """A key with its self-signed certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def key_id(self) -> str:
        return f"SN={self.certificate.serial_number:x},CA={self.certificate.issuer.rfc4514_string()}"

    @property
    def encoded(self) -> str:
        return base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()


def new_identity(days: int = 30, key_bits: int = 2048) -> Identity:
    """Return a new identity, valid from yesterday for `days`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test TPP")])
    begins = datetime.now(UTC) - timedelta(days=1)
    ends = datetime.now(UTC) + timedelta(days=days) if days > 0 else begins + timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    return Identity(key, certificate)


@functools.cache
def identity() -> Identity:
    """Return the identity that the tests share."""
    return new_identity()


def signature_headers(
    who: Identity, body: bytes, headers: dict[str, str], cover: Iterable[str] = (), key_id: str | None = None
) -> dict[str, str]:
    """Return Digest, Date, Signature and certificate for a request with these headers."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    signed = headers | {"Digest": f"SHA-256={digest}", "Date": formatdate(usegmt=True)}
    names = list(cover) or ["Digest", "X-Request-ID", "Date"] + [n for n in ("TPP-Redirect-URI",) if n in headers]
    text = "\n".join(f"{name.lower()}: {signed[name]}" for name in names)
    value = base64.b64encode(who.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    signature = f'keyId="{key_id or who.key_id}",algorithm="rsa-sha256",headers="{" ".join(names)}",signature="{value}"'
    return {
        "Digest": signed["Digest"], "Date": signed["Date"], "Signature": signature,
        "TPP-Signature-Certificate": who.encoded,
    }  # fmt: skip


@dataclass
class Tpp:
    """Sends requests to one bank. `checked`: every exchange must conform to the contract."""

    sandbox_url: str
    bank: str = "redirect"
    who: Identity = field(default_factory=identity)
    checked: bool = True

    def __post_init__(self) -> None:
        if self.checked:
            reference.path(reference.BANK_CONTRACT)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None,
        media: str = "application/json", request_id: str | None = None, params: dict[str, str] | None = None,
    ) -> requests.Response:  # fmt: skip
        """Send a request. `path` is below /v1, or a full link from an answer."""
        url = path if path.startswith("http") else f"{self.sandbox_url}/bank/{self.bank}/v1{path}"
        sent = {"X-Request-ID": request_id or str(uuid.uuid4()), "Accept": "application/json"} | (headers or {})
        if body:
            sent["Content-Type"] = media
        sent |= signature_headers(self.who, body, sent)
        answer = requests.request(
            method, url, data=body or None, headers=sent, params=params, timeout=20, allow_redirects=False
        )
        if self.checked:
            contract.check(answer.request, answer)
        return answer

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, json_body: Any = None, **options: Any) -> requests.Response:
        return self.request("POST", path, json.dumps(json_body or {}).encode(), **options)

    def put(self, path: str, json_body: Any = None, **options: Any) -> requests.Response:
        return self.request("PUT", path, json.dumps(json_body or {}).encode(), **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.request("DELETE", path, **options)

    def place(self, body: bytes, headers: dict[str, str] | None = None, **options: Any) -> requests.Response:
        """Submit a pain.001, with explicit authorisation unless the headers say otherwise."""
        return self.request("POST", XML, body, EXPLICIT if headers is None else headers, "application/xml", **options)

    def placed(self, body: bytes, headers: dict[str, str] | None = None) -> "Order":
        """Submit a pain.001 that the bank must accept, and return the order."""
        answer = self.place(body, headers)
        assert answer.status_code == 201, answer.text
        version = "pain.001.001.03" if b"pain.001.001.03" in body[:200] else "pain.001.001.09"
        assert xsd.errors(body, version) == []
        return Order(self, answer.json())


@dataclass
class Order:
    """An order that the bank accepted, and its 201 answer."""

    tpp: Tpp
    said: dict[str, Any]
    product: str = XML

    @property
    def id(self) -> str:
        return self.said["paymentId"]

    @property
    def path(self) -> str:
        return f"{self.product}/{self.id}"

    @property
    def status(self) -> str:
        return self.tpp.get(f"{self.path}/status").json()["transactionStatus"]

    def link(self, name: str) -> str:
        return self.said["_links"][name]["href"]

    def start(self, headers: dict[str, str] | None = None) -> requests.Response:
        """POST to the link that starts the authorisation."""
        return self.tpp.post(self.link("startAuthorisation"), headers=headers or FROM_BROWSER)

    def sign(self, choice: str = "ondertekenen") -> requests.Response:
        """Start the authorisation and press a button on the bank's redirect page."""
        page = self.start().json()["_links"]["scaRedirect"]["href"]
        return press(page, choice)


def press(page: str, choice: str, **fields: Any) -> requests.Response:
    """Press a button on a page. The redirect is not followed."""
    return requests.post(page, data={"besluit": choice} | fields, timeout=10, allow_redirects=False)


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Return the HTTP status and message code of an error answer."""
    return answer.status_code, answer.json()["tppMessages"][0]["code"]


def bank_day(sandbox: Sandbox, ahead: int = 0) -> str:
    """Return the sandbox banks' day, or the day `ahead` days later."""
    today = date.fromisoformat(sandbox.control("GET", "clock")["bank_day"])
    return (today + timedelta(days=ahead)).isoformat()


def advance(sandbox: Sandbox, days: int = 1) -> None:
    """Advance the sandbox banks' day."""
    sandbox.control("POST", "clock", {"advance_days": days})


def consent_request(**changes: Any) -> dict[str, Any]:
    """Return the request of a consent to all accounts, for as long as the bank allows."""
    return {
        "access": {"accounts": [], "balances": [], "transactions": []},
        "recurringIndicator": True,
        "validUntil": "9999-12-31",
        "frequencyPerDay": 4,
        "combinedServiceIndicator": False,
    } | changes


def consent(tpp: Tpp, ibans: Iterable[str] | None = None, **changes: Any) -> str:
    """Have the customer grant a consent to these accounts (default all). Returns its id."""
    asked = tpp.post("/consents", consent_request(**changes), headers=FROM_BROWSER).json()
    page = asked["_links"]["scaRedirect"]["href"]
    known = [account["iban"] for account in known_accounts(tpp)]
    press(page, "toestaan", rekening=list(ibans if ibans is not None else known))
    return asked["consentId"]


def known_accounts(tpp: Tpp) -> list[dict[str, Any]]:
    return requests.get(f"{tpp.sandbox_url}/control/banks/{tpp.bank}", timeout=10).json()["accounts"]


# --- orders ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Pay:
    """One line of an order."""

    name: str = "Jong, Wouter de"
    iban: str = "NL42INGB2268352412"
    amount: str = "3448.08"
    end_to_end_id: str = ""
    remittance: str = "Salaris november 2026"


def pain001(
    day: str, pays: Iterable[Pay] = (Pay(),), msg_id: str | None = None, debtor: str = DEBTOR, batch: bool = True,
    version: str = "pain.001.001.09", **replaced: str,
) -> bytes:  # fmt: skip
    """Return a pain.001 as text, so that a test can break any part: `replaced` sets a value by its name."""
    rows = list(pays)
    total = f"{sum(round(float(row.amount) * 100) for row in rows) / 100:.2f}"
    values = {
        "count": str(len(rows)), "total": total, "count_block": str(len(rows)), "total_block": total,
        "msg_id": msg_id or f"T{uuid.uuid4().hex[:30]}", "day": day, "debtor": debtor, "currency": "EUR",
        "purpose": "SALA", "batch": "true" if batch else "false", "created": "2026-11-23T10:00:00Z",
    } | replaced  # fmt: skip
    older = version.endswith(".03")
    when = values["day"] if older else f"<Dt>{values['day']}</Dt>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}">'
        f"<CstmrCdtTrfInitn><GrpHdr><MsgId>{values['msg_id']}</MsgId><CreDtTm>{values['created']}</CreDtTm>"
        f"<NbOfTxs>{values['count']}</NbOfTxs><CtrlSum>{values['total']}</CtrlSum>"
        "<InitgPty><Nm>Demo BV</Nm></InitgPty></GrpHdr>"
        "<PmtInf><PmtInfId>P1</PmtInfId><PmtMtd>TRF</PmtMtd>"
        f"<BtchBookg>{values['batch']}</BtchBookg><NbOfTxs>{values['count_block']}</NbOfTxs>"
        f"<CtrlSum>{values['total_block']}</CtrlSum><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl>"
        f"<CtgyPurp><Cd>{values['purpose']}</Cd></CtgyPurp></PmtTpInf><ReqdExctnDt>{when}</ReqdExctnDt>"
        f"<Dbtr><Nm>Demo BV</Nm></Dbtr><DbtrAcct><Id><IBAN>{values['debtor']}</IBAN></Id></DbtrAcct>"
        "<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>"
        + "".join(line(row, number, values["currency"]) for number, row in enumerate(rows, 1))
        + "</PmtInf></CstmrCdtTrfInitn></Document>"
    ).encode()


def line(row: Pay, number: int, currency: str) -> str:
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>{row.end_to_end_id or f'E2E{number}'}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{currency}">{row.amount}</InstdAmt></Amt><Cdtr><Nm>{row.name}</Nm></Cdtr>'
        f"<CdtrAcct><Id><IBAN>{row.iban}</IBAN></Id></CdtrAcct>"
        f"<RmtInf><Ustrd>{row.remittance}</Ustrd></RmtInf></CdtTrfTxInf>"
    )


def bulk(day: str, pays: Iterable[Pay] = (Pay(),), **changes: Any) -> dict[str, Any]:
    """Return the same order as JSON."""
    payments = [
        {
            "endToEndIdentification": row.end_to_end_id or f"E2E{number}",
            "instructedAmount": {"currency": "EUR", "amount": row.amount},
            "creditorAccount": {"iban": row.iban},
            "creditorName": row.name,
            "remittanceInformationUnstructured": row.remittance,
        }
        for number, row in enumerate(pays, 1)
    ]
    return {
        "batchBookingPreferred": True, "debtorAccount": {"iban": DEBTOR}, "requestedExecutionDate": day,
        "categoryPurposeCode": "SALA", "payments": payments,
    } | changes  # fmt: skip
