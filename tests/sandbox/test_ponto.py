"""The sandbox's Ponto: strict validation, and one payment per idempotency key."""

import base64
import hashlib
import json
import time
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.support.ponto import IBAN, SECOND_IBAN, orders_at, pressed
from tests.support.sandbox import Sandbox

BACK, VERIFIER = "http://localhost:8000/bank/terug", "v" * 43
CLIENT = ("bizcuit-ponto", "sandbox-ponto-secret")
PAYMENT = {
    "currency": "EUR", "amount": 3448.08, "creditorName": "Jong, Wouter de",
    "creditorAccountReference": "NL42INGB2268352412", "creditorAccountReferenceType": "IBAN",
    "remittanceInformation": "Salaris", "remittanceInformationType": "unstructured",
}  # fmt: skip
BULK = {"reference": "R-1", "redirectUri": BACK, "batchBookingPreferred": True, "payments": [PAYMENT]}


def asked(**changes: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    known = {
        "response_type": "code", "client_id": CLIENT[0], "redirect_uri": BACK, "scope": "offline_access ai pi",
        "state": "s", "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return urlencode(known | changes)


class Customer:
    """A client that a customer has authorised."""

    def __init__(self, sandbox: Sandbox, ibans: tuple[str, ...] = (IBAN,)) -> None:
        self.sandbox, self.api = sandbox, f"{sandbox.url}/ponto/api"
        code = pressed(f"{sandbox.url}/ponto/oauth2/auth?{asked()}", ibans=ibans)["code"]
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
        self.tokens = requests.post(f"{self.api}/oauth2/token", data=given, auth=CLIENT, timeout=10).json()

    def call(self, method: str, path: str, body: Any = None, key: str = "", **headers: str) -> requests.Response:
        raw = b"" if body is None else json.dumps(body).encode()
        digest = base64.b64encode(hashlib.sha512(raw).digest()).decode()
        names = "(request-target) host digest (created) authorization ibanity-idempotency-key"
        sent = {
            "Authorization": f"Bearer {self.tokens['access_token']}", "Digest": f"SHA-512={digest}",
            "Signature": f'keyId="k",created={int(time.time())},algorithm="hs2019",headers="{names}",signature="eA=="',
            **({"Ibanity-Idempotency-Key": key} if key else {}),
        }  # fmt: skip
        return requests.request(method, self.api + path, data=raw, headers=sent | headers, timeout=10)

    @property
    def account_id(self) -> str:
        return self.call("GET", "/accounts").json()["data"][0]["id"]

    def bulk(self, key: str = "", headers: dict[str, str] | None = None, **changes: Any) -> requests.Response:
        document = {"data": {"type": "bulkPayment", "attributes": BULK | changes}}
        return self.call(
            "POST", f"/accounts/{self.account_id}/bulk-payments", document, key or str(uuid.uuid4()), **headers or {}
        )


@pytest.fixture
def customer(sandbox: Sandbox) -> Customer:
    return Customer(sandbox)


def code_of(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


# --- OAuth ---
@pytest.mark.parametrize(
    ("name", "value"),
    [("client_id", "other"), ("redirect_uri", "https://thief.example/"), ("response_type", "token"), ("scope", "ai"),
     ("scope", "ai pi name"), ("code_challenge", ""), ("code_challenge_method", "plain")],
)  # fmt: skip
def test_an_invalid_request_is_shown_and_not_redirected(sandbox: Sandbox, name: str, value: str):
    answer = sandbox.get(f"/ponto/oauth2/auth?{asked(**{name: value})}", allow_redirects=False)
    assert (answer.status_code, f"<code>{name}</code>" in answer.text) == (400, True)


def test_choosing_no_account_shows_an_error(sandbox: Sandbox):
    answer = sandbox.post(f"/ponto/oauth2/auth?{asked()}", data={"besluit": "toestaan"}, allow_redirects=False)
    assert (answer.status_code, "Kies minstens één rekening" in answer.text) == (400, True)


def test_only_authorised_accounts_are_visible(sandbox: Sandbox, customer: Customer):
    other = Customer(sandbox, (SECOND_IBAN,))
    assert customer.account_id != other.account_id
    assert code_of(customer.call("GET", f"/accounts/{other.account_id}")) == (404, "resourceNotFound")
    assert customer.call("GET", "/userinfo").json()["name"] == "Demo BV"


def test_a_refreshed_token_ends_the_previous_one(customer: Customer):
    given = {"grant_type": "refresh_token", "refresh_token": customer.tokens["refresh_token"]}
    fresh = requests.post(f"{customer.api}/oauth2/token", data=given, auth=CLIENT, timeout=10).json()
    assert code_of(customer.call("GET", "/accounts")) == (401, "unauthorized")
    customer.tokens = fresh
    assert customer.call("GET", "/accounts").ok


def test_accounts_and_transactions(sandbox: Sandbox):
    customer = Customer(sandbox, (IBAN, SECOND_IBAN))
    first = customer.call("GET", "/accounts?page%5Blimit%5D=1").json()
    rest = requests.get(
        first["links"]["next"], headers={"Authorization": f"Bearer {customer.tokens['access_token']}"}, timeout=10
    ).json()
    assert [row["attributes"]["reference"] for row in first["data"] + rest["data"]] == [IBAN, SECOND_IBAN]
    assert "next" not in rest["links"]
    rows = customer.call("GET", f"/accounts/{customer.account_id}/transactions").json()["data"]
    assert [row["attributes"]["amount"] for row in rows] == [4820]


# --- bulk payments ---
def test_one_key_is_one_payment_and_a_different_body_conflicts(sandbox: Sandbox, customer: Customer):
    first, again = customer.bulk("k-1"), customer.bulk("k-1")
    assert (first.status_code, again.json()) == (201, first.json())
    assert code_of(customer.bulk("k-1", reference="R-2")) == (409, "idempotencyKeyReused")
    assert [order["request_id"] for order in orders_at(sandbox)] == ["k-1"]
    assert customer.bulk("k-2").json()["data"]["id"] != first.json()["data"]["id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"payments": []}, {"reference": ""}, {"reference": "x" * 36}, {"extra": 1}, {"batchBookingPreferred": "true"},
        {"requestedExecutionDate": "2020-01-01"}, {"requestedExecutionDate": "soon"},
        {"payments": [PAYMENT | {"amount": "3448.08"}]}, {"payments": [PAYMENT | {"amount": 0.001}]},
        {"payments": [PAYMENT | {"amount": 0}]}, {"payments": [PAYMENT | {"currency": "USD"}]},
        {"payments": [PAYMENT | {"creditorAccountReference": "NL42INGB2268352413"}]},
        {"payments": [PAYMENT | {"creditorName": "Zoë"}]}, {"payments": [PAYMENT | {"endToEndId": "E-1"}]},
        {"payments": [PAYMENT | {"remittanceInformationType": "structured"}]}, {"payments": ["x"]},
    ],
)  # fmt: skip
def test_an_invalid_attribute_refuses_the_payment(sandbox: Sandbox, customer: Customer, changes: dict[str, Any]):
    assert code_of(customer.bulk(**changes)) == (400, "validationError")
    assert orders_at(sandbox) == []


@pytest.mark.parametrize(
    "headers",
    [{"Digest": "SHA-512=eA=="}, {"Signature": ""},
     {"Signature": 'keyId="k",created=1,algorithm="hs2019",headers="(request-target) host digest (created) '
                   'authorization ibanity-idempotency-key",signature="eA=="'},
     {"Signature": f'keyId="k",created={int(time.time())},algorithm="hs2019",headers="digest",signature="eA=="'}],
)  # fmt: skip
def test_an_unsigned_request_is_refused(sandbox: Sandbox, customer: Customer, headers: dict[str, str]):
    assert code_of(customer.bulk(headers=headers)) == (401, "invalidSignature")
    assert orders_at(sandbox) == []


def test_without_redirect_uri_there_is_no_signing_page(customer: Customer):
    document = {"data": {"type": "bulkPayment", "attributes": {"reference": "R", "payments": [PAYMENT]}}}
    answer = customer.call("POST", f"/accounts/{customer.account_id}/bulk-payments", document, "k")
    assert (answer.status_code, "links" in answer.json()["data"]) == (201, False)


def test_a_failed_payment_cannot_be_signed_again(sandbox: Sandbox, customer: Customer):
    data = customer.bulk().json()["data"]
    page = data["links"]["redirect"]
    for decision in ("weigeren", "ondertekenen"):
        answer = requests.post(page, data={"besluit": decision}, allow_redirects=False, timeout=10)
        assert (answer.status_code, answer.headers["Location"]) == (303, BACK)
    assert "maak haar opnieuw" in requests.get(page, timeout=10).text
    path = f"/accounts/{customer.account_id}/bulk-payments/{data['id']}"
    assert customer.call("GET", path).json()["data"]["attributes"]["status"] == "rejected"


def test_a_signed_payment_is_booked_on_its_date(sandbox: Sandbox, customer: Customer):
    data = customer.bulk().json()["data"]
    requests.post(data["links"]["redirect"], data={"besluit": "ondertekenen"}, allow_redirects=False, timeout=10)
    sandbox.control("POST", "clock", {"advance_days": 1})
    customer = Customer(sandbox)
    path = f"/accounts/{customer.account_id}"
    found = customer.call("GET", f"{path}/bulk-payments/{data['id']}").json()["data"]["attributes"]["status"]
    assert found == "accepted-settlement-completed"
    assert customer.call("GET", path).json()["data"]["attributes"]["currentBalance"] == 72_500 - 3448.08


def test_the_front_page_links_to_the_bank(sandbox: Sandbox):
    assert "/bank/ponto/" in sandbox.get("/").text
    assert "Rabo Zakelijk" in sandbox.get("/ponto/").text
