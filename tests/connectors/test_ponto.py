"""Ponto: the requests, their signatures, and the interpretation of every answer."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from connectors.bank.ponto import STATUSES, PontoBank
from connectors.bank.ponto_oauth import PontoOAuth
from connectors.bank.ponto_order import write_ponto
from connectors.bank.ponto_transport import PontoSettings, PontoSigner, signer_of
from connectors.bank.port import (
    TRANSACTION_STATUSES,
    BankConfig,
    BankRefused,
    NotDelivered,
    OutcomeUnknown,
    Psu,
    StatusReport,
    Transaction,
)
from connectors.bank.router import BanksByAdapter
from connectors.oauth import OAuthDown, OAuthRefused
from tests.connectors.test_ponto_order import ORDER
from tests.support.ponto import IBAN, pressed
from tests.support.raw_socket_bank import RawBank, hangs_up, raw_bank, says
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import closed_port

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SIGNER = PontoSigner(KEY, "certificate-1")
PSU, BACK = Psu("192.0.2.1"), "http://localhost:8000/bank/ondertekend/s"
VERIFIER, WAY_BACK = "v" * 43, "http://localhost:8000/bank/terug"
ACCOUNT = {
    "type": "account", "id": "a-1", "meta": {"synchronizedAt": "2026-11-20T08:00:00.000Z"},
    "attributes": {
        "referenceType": "IBAN", "reference": "NL95INGB0004921836", "currency": "EUR", "holderName": "Demo BV",
        "description": "Zakelijk", "currentBalance": 10, "availableBalance": 6386.04,
        "authorizationExpirationExpectedAt": "2027-02-01T23:30:00.000Z",
    },
}  # fmt: skip
BODY = write_ponto(ORDER)


def settings(**changes: Any) -> PontoSettings:
    known = PontoSettings("https://ponto.example", "id", "s/e:cret", SIGNER, read_timeout=5, order_timeout=5)
    return replace(known, **changes)


def line_of(bank: RawBank, access: Callable[[str | None], str] | None = lambda refused: "token-1") -> BankConfig:
    hosts = (urlsplit(bank.url).netloc,)
    return BankConfig(
        "ponto", "Ponto", f"{bank.url}/ponto-connect", adapter="ponto", format="ponto", redirect_hosts=hosts,
        access=access,
    )  # fmt: skip


def account(**changes: Any) -> dict[str, Any]:
    return ACCOUNT | {"attributes": ACCOUNT["attributes"] | changes}


def bulk(status: str = "unsigned", **more: Any) -> dict[str, Any]:
    return {"data": {"type": "bulkPayment", "id": "b-1", "attributes": {"status": status}} | more}


def place(bank: RawBank, config: BankConfig | None = None):
    return PontoBank(settings()).place_order(config or line_of(bank), BODY, "key-1", PSU, BACK, f"{BACK}?nee=1")


ACCOUNTS = says(200, {"data": [ACCOUNT]})


# --- requests ---
def test_an_order_is_posted_signed_with_its_idempotency_key():
    with raw_bank(ACCOUNTS, says(201, bulk())) as bank:
        placed = place(bank)
        asked = bank.requests[1]
    assert (placed.payment_id, placed.transaction_status, placed.links) == ("a-1:b-1", "RCVD", {})
    assert (asked.method, asked.target) == ("POST", "/ponto-connect/accounts/a-1/bulk-payments")
    assert asked.headers["ibanity-idempotency-key"] == "key-1"
    assert asked.headers["authorization"] == "Bearer token-1"
    assert json.loads(asked.body)["data"]["attributes"]["redirectUri"] == BACK
    check_signature(asked, urlsplit(bank.url).netloc)


def check_signature(asked: Any, host: str) -> None:
    found = re.fullmatch(
        r'keyId="certificate-1",created=(\d+),algorithm="hs2019",headers="([^"]+)",signature="([^"]+)"',
        asked.headers["signature"],
    )
    assert found, asked.headers["signature"]
    created, names, signature = found.groups()
    assert names == "(request-target) host digest (created) authorization ibanity-idempotency-key"
    digest = base64.b64encode(hashlib.sha512(asked.body).digest()).decode()
    assert asked.headers["digest"] == f"SHA-512={digest}"
    text = "\n".join(
        [
            f"(request-target): post {asked.target}", f"host: {host}", f"digest: SHA-512={digest}",
            f"(created): {created}", "authorization: Bearer token-1", "ibanity-idempotency-key: key-1",
        ]
    )  # fmt: skip
    how = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
    KEY.public_key().verify(base64.b64decode(signature), text.encode(), how, hashes.SHA256())


def test_a_repeated_order_has_the_same_bytes():
    with raw_bank(ACCOUNTS, says(201, bulk()), ACCOUNTS, says(201, bulk())) as bank:
        place(bank)
        place(bank)
        assert bank.requests[1].body == bank.requests[3].body


def test_the_signing_key_is_read_from_a_file(tmp_path: Path):
    how = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(KEY.private_bytes(*how))
    assert signer_of(str(tmp_path / "key.pem"), "c").key.private_numbers() == KEY.private_numbers()
    assert "key" not in repr(signer_of(str(tmp_path / "key.pem"), "c")).replace("key_id", "")


def test_no_secret_in_a_repr():
    assert "cret" not in repr(settings())
    assert "token" not in repr(BankConfig("p", "P", "https://x.example", access=lambda refused: "token"))


# --- outcomes ---
@pytest.mark.parametrize(
    "script", [says(500, {}), says(404, b"<html>", "text/html"), hangs_up, says(200, b"[]"), says(200, {"data": 1})]
)
def test_a_failed_account_lookup_is_not_delivered(script: Any):
    with raw_bank(script) as bank:
        with pytest.raises(NotDelivered):
            place(bank)
        assert all(asked.method == "GET" for asked in bank.requests)


def test_an_unknown_account_is_refused():
    elsewhere = says(200, {"data": [account(reference="NL42INGB2268352412")]})
    with raw_bank(elsewhere) as bank, pytest.raises(BankRefused, match="404 RESOURCE_UNKNOWN"):
        place(bank)


UNKNOWN = [
    says(500, {"errors": [{"code": "internalServerError"}]}), says(504, b"<html>", "text/html"), hangs_up,
    says(409, {"errors": [{"code": "conflict"}]}), says(408, {"errors": [{"code": "timeout"}]}),
    says(400, b"<html>", "text/html"), says(400, {"errors": []}), says(400, {"errors": [{"code": "a b"}]}),
    says(201, b"{"), says(201, {"data": None}), says(201, bulk("accepted-by-nobody")),
    says(201, bulk(id="a b")), says(201, bulk(attributes=None)),
    says(201, bulk(links={"redirect": "https://thief.example/sign"})),
    says(201, bulk(links={"redirect": "javascript:alert(1)"})), says(302, None, Location="/"),
]  # fmt: skip


@pytest.mark.parametrize("answer", UNKNOWN)
def test_an_unclear_answer_is_an_unknown_outcome(answer: Any):
    with raw_bank(ACCOUNTS, answer) as bank:
        with pytest.raises(OutcomeUnknown):
            place(bank)
        assert sum(asked.method == "POST" for asked in bank.requests) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 422, 429])
def test_a_refusal_by_ponto(status: int):
    errors = {"errors": [{"code": "validationError", "detail": "Jong, Wouter de"}]}
    with raw_bank(ACCOUNTS, says(status, errors)) as bank, pytest.raises(BankRefused) as told:
        place(bank)
    assert (told.value.http_status, told.value.code, str(told.value)) == (
        status, "validationError", f"{status} validationError",
    )  # fmt: skip


def test_a_refused_token_is_replaced_once():
    asked_for: list[str | None] = []

    def access(refused: str | None) -> str:
        asked_for.append(refused)
        return f"token-{len(asked_for)}"

    refused = says(401, {"errors": [{"code": "unauthorized"}]})
    with raw_bank(ACCOUNTS, refused, says(201, bulk())) as bank:
        assert place(bank, line_of(bank, access)).payment_id == "a-1:b-1"
        used = [one.headers["authorization"] for one in bank.requests]
    assert used == ["Bearer token-1", "Bearer token-2", "Bearer token-3"]
    assert asked_for == [None, None, "token-2"]
    with raw_bank(refused) as bank:
        with pytest.raises(BankRefused, match="401 unauthorized"):
            place(bank)
        assert bank.connections == 2


def test_without_token_nothing_is_sent():
    with raw_bank(ACCOUNTS) as bank:
        with pytest.raises(NotDelivered):
            place(bank, line_of(bank, None))
        assert bank.connections == 0
    with pytest.raises(NotDelivered):
        place(RawBank(f"http://127.0.0.1:{closed_port()}"))


# --- answers ---
def status(answer: Any) -> StatusReport:
    with raw_bank(answer) as bank:
        return PontoBank(settings()).order_status(line_of(bank), "a-1:b-1", "r")


@pytest.mark.parametrize(("word", "code"), STATUSES.items())
def test_each_status_maps_to_an_iso_code(word: str, code: str):
    assert status(says(200, bulk(word))).transaction_status == code
    assert code in TRANSACTION_STATUSES


@pytest.mark.parametrize("word", ["", "UNSIGNED", "signed", "error", None, 1, ["unsigned"]])
def test_an_unknown_status_is_refused(word: Any):
    with pytest.raises(OutcomeUnknown):
        status(says(200, bulk(word)))


def test_a_failed_status_call_is_retried_once():
    with raw_bank(hangs_up, says(200, bulk())) as bank:
        report = PontoBank(settings()).order_status(line_of(bank), "a-1:b-1", "r")
        assert (report.transaction_status, bank.connections) == ("RCVD", 2)
        assert bank.requests[0].target == "/ponto-connect/accounts/a-1/bulk-payments/b-1"


def test_accounts_are_paged_and_filtered_by_iban():
    second = {"data": [account(referenceType="BBAN", reference="1"), account(reference="NL42INGB2268352412")]}
    with raw_bank(says(200, {"data": [ACCOUNT], "links": {"next": "accounts?page%5Bafter%5D=a-1"}}),
                  says(200, second)) as bank:  # fmt: skip
        found = PontoBank(settings()).accounts(line_of(bank), "", None, "")
        assert [one.iban for one in found] == ["NL95INGB0004921836", "NL42INGB2268352412"]
        assert (found[0].resource_id, found[0].name, found[0].owner_name) == ("a-1", "Zakelijk", "Demo BV")
        assert bank.requests[1].target == "/ponto-connect/accounts?page%5Bafter%5D=a-1"


def test_a_next_link_to_another_host_is_not_followed():
    leads_away = says(200, {"data": [], "links": {"next": "https://thief.example/accounts"}})
    with raw_bank(leads_away) as bank, pytest.raises(OutcomeUnknown):
        PontoBank(settings()).accounts(line_of(bank), "", None, "")


def test_endless_pages_are_refused():
    with raw_bank(says(200, {"data": [], "links": {"next": "accounts"}})) as bank, pytest.raises(OutcomeUnknown):
        PontoBank(settings()).accounts(line_of(bank), "", None, "")


@pytest.mark.parametrize(
    ("changes", "cents", "kind"),
    [
        ({}, 638604, "interimAvailable"), ({"availableBalance": -0.07}, -7, "interimAvailable"),
        ({"availableBalance": None}, 1000, "interimBooked"), ({"availableBalance": 0.1}, 10, "interimAvailable"),
        ({"availableBalance": 1e3}, 100_000, "interimAvailable"),
        ({"availableBalance": 1.10000}, 110, "interimAvailable"),
    ],
)  # fmt: skip
def test_balances_are_cents(changes: dict[str, Any], cents: int, kind: str):
    with raw_bank(says(200, {"data": account(**changes)})) as bank:
        found = PontoBank(settings()).balance(line_of(bank), "", "a-1", None, "")
    assert found is not None
    assert (found.cents, found.kind, found.at) == (cents, kind, datetime(2026, 11, 20, 8, tzinfo=UTC))


@pytest.mark.parametrize("amount", ["1.00", 0.001, True, [1], 1e30])
def test_an_invalid_balance_is_refused(amount: Any):
    with raw_bank(says(200, {"data": account(availableBalance=amount)})) as bank, pytest.raises(OutcomeUnknown):
        PontoBank(settings()).balance(line_of(bank), "", "a-1", None, "")


def booking(number: int, amount: Any, day: str, **more: Any) -> dict[str, Any]:
    told = {"amount": amount, "currency": "EUR", "executionDate": f"{day}T00:00:00.000Z"}
    return {"type": "transaction", "id": f"t-{number}", "attributes": told | more}


def booked(*rows: dict[str, Any]) -> list[Transaction]:
    with raw_bank(says(200, {"data": list(rows)})) as bank:
        return PontoBank(settings()).transactions(line_of(bank), "", "a-1", date(2026, 9, 1), None, "")


def test_transactions_have_cents_and_dates():
    about = {"counterpartName": "Gemeente", "counterpartReference": "NL42INGB2268352412", "endToEndId": "E-1"}
    (found,) = booked(booking(1, -19806.08, "2026-11-20", remittanceInformation="Salaris", **about))
    assert found == Transaction(
        True, date(2026, 11, 20), None, -19806_08, transaction_id="t-1", end_to_end_id="E-1",
        counterparty_name="Gemeente",
        counterparty_iban="NL42INGB2268352412", text="Salaris",
    )  # fmt: skip


def test_earlier_transactions_are_left_out():
    assert [one.transaction_id for one in booked(booking(1, 1, "2026-09-01"), booking(2, 1, "2026-08-31"))] == ["t-1"]


@pytest.mark.parametrize("wrong", [{"executionDate": None}, {"executionDate": "gisteren"}, {"amount": 0.001}])
def test_an_invalid_transaction_refuses_the_list(wrong: dict[str, Any]):
    with pytest.raises(OutcomeUnknown):
        booked(booking(1, 1, "2026-11-20") | {"attributes": booking(1, 1, "2026-11-20")["attributes"] | wrong})


OTHER = "NL64TRIO0379501686"


@pytest.mark.parametrize("wrong", [{"id": "a-2"}, account(reference=OTHER), {"id": None}])
def test_a_balance_of_another_account_is_refused(wrong: dict[str, Any]):
    answer = says(200, {"data": ACCOUNT | wrong})
    with raw_bank(answer) as bank, pytest.raises(OutcomeUnknown):
        PontoBank(settings()).balance(line_of(bank), "", "a-1", None, "", ACCOUNT["attributes"]["reference"])


def of_account(identifier: Any) -> dict[str, Any]:
    return {"relationships": {"account": {"data": {"type": "account", "id": identifier}}}}


def synchronised(identifier: str) -> dict[str, Any]:
    return {"latestSynchronization": {"attributes": {"resourceType": "account", "resourceId": identifier}}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"data": [booking(1, 1, "2026-11-20"), booking(2, 1, "2026-11-19") | of_account("a-2")]},
        {"data": [], "meta": synchronised("a-2")},
        {"data": [], "links": {"next": "accounts/a-2/transactions?page%5Bafter%5D=t-1"}},
        {"data": [], "links": {"next": "accounts/a-1/transactions/../../a-2/transactions"}},
    ],
)  # fmt: skip
def test_transactions_of_another_account_are_refused(wrong: dict[str, Any]):
    last = says(200, {"data": []})
    with raw_bank(says(200, wrong), last) as bank, pytest.raises(OutcomeUnknown, match="another account"):
        PontoBank(settings()).transactions(line_of(bank), "", "a-1", date(2026, 9, 1), None, "")


def test_transactions_that_name_our_account_are_read_over_all_pages():
    first = {
        "data": [booking(2, 1, "2026-11-20") | of_account("a-1")],
        "links": {"next": "accounts/a-1/transactions?page%5Bafter%5D=t-2"},
        "meta": synchronised("a-1"),
    }
    with raw_bank(says(200, first), says(200, {"data": [booking(1, 1, "2026-11-19")]})) as bank:
        found = PontoBank(settings()).transactions(line_of(bank), "", "a-1", date(2026, 9, 1), None, "")
    assert [one.transaction_id for one in found] == ["t-2", "t-1"]


def test_the_status_of_another_order_is_refused():
    with raw_bank(says(200, bulk("rejected", id="b-2"))) as bank, pytest.raises(OutcomeUnknown, match="another order"):
        PontoBank(settings()).order_status(line_of(bank), "a-1:b-1", "r")


def test_an_account_in_another_currency_has_no_balance():
    with raw_bank(says(200, {"data": account(currency="USD")})) as bank:
        assert PontoBank(settings()).balance(line_of(bank), "", "a-1", None, "") is None


def test_the_consent_ends_with_the_first_account():
    rows = [ACCOUNT, account(authorizationExpirationExpectedAt="2027-01-05T12:00:00Z")]
    with raw_bank(says(200, {"data": rows})) as bank:
        found = PontoBank(settings()).consent(line_of(bank), "", "")
    assert (found.status, found.valid_until) == ("valid", date(2027, 1, 5))
    with raw_bank(ACCOUNTS) as bank:
        # half past midnight in Amsterdam
        assert PontoBank(settings()).consent(line_of(bank), "", "").valid_until == date(2027, 2, 2)


@pytest.mark.parametrize(("code", "state"), [("CONSENT_PENDING", "received"), ("CONSENT_EXPIRED", "expired")])
def test_a_missing_token_gives_the_consent_status(code: str, state: str):
    def access(refused: str | None) -> str:
        raise BankRefused(401, code, "")

    with raw_bank(ACCOUNTS) as bank:
        assert PontoBank(settings()).consent(line_of(bank, access), "", "").status == state


def test_an_unsigned_order_is_deleted():
    with raw_bank(says(200, bulk())) as bank:
        assert PontoBank(settings()).cancel_order(line_of(bank), "a-1:b/1", PSU, "r")
        assert (bank.requests[0].method, bank.requests[0].target) == (
            "DELETE", "/ponto-connect/accounts/a-1/bulk-payments/b%2F1",
        )  # fmt: skip


def test_unsupported_operations_send_nothing():
    with raw_bank(ACCOUNTS) as bank:
        line, ponto = line_of(bank), BanksByAdapter({"ponto": PontoBank(settings())})
        calls = (
            lambda: ponto.start_consent(line, PSU, BACK, BACK, "r"),
            lambda: ponto.start_authorisation(line, "a:b", "x", PSU, BACK, BACK, "r", data=None),
            lambda: ponto.continue_authorisation(line, "x", {}, PSU, "r"),
            lambda: ponto.authorisation(line, "a:b", "c", "r"), lambda: ponto.confirm_names(line, "x", PSU, "r"),
            lambda: ponto.order_status(line, "no-account", "r"),
        )  # fmt: skip
        for call in calls:
            with pytest.raises(NotDelivered):
                call()
        assert bank.connections == 0


def test_a_bank_uses_its_own_adapter():
    with raw_bank(says(200, bulk())) as bank:
        banks = BanksByAdapter({"ponto": PontoBank(settings())})
        assert banks.order_status(line_of(bank), "a-1:b-1", "r").transaction_status == "RCVD"
        with pytest.raises(NotDelivered):
            banks.order_status(replace(line_of(bank), adapter="berlin_group"), "a-1:b-1", "r")


# --- OAuth ---
def oauth(sandbox: Sandbox, secret: str = "sandbox-ponto-secret") -> PontoOAuth:
    known = settings(authority=f"{sandbox.url}/ponto", client_id="bizcuit-ponto", client_secret=secret)
    return PontoOAuth(known, f"{sandbox.url}/ponto/api")


def code_at(sandbox: Sandbox) -> str:
    back = pressed(oauth(sandbox).start("a state", VERIFIER, WAY_BACK), ibans=(IBAN,))
    assert back["state"] == "a state"
    return back["code"]


def test_the_whole_flow_with_rotating_tokens(sandbox: Sandbox):
    first = oauth(sandbox).redeem(code_at(sandbox), VERIFIER, WAY_BACK)
    second = oauth(sandbox).refresh(first.refresh_token)
    assert second.access_token != first.access_token
    with pytest.raises(OAuthRefused, match="invalid_grant"):
        oauth(sandbox).refresh(first.refresh_token)
    oauth(sandbox).revoke(second.refresh_token)
    with pytest.raises(OAuthRefused):
        oauth(sandbox).refresh(second.refresh_token)


def test_the_authorization_url_has_pkce_and_scopes(sandbox: Sandbox):
    query = parse_qs(urlsplit(oauth(sandbox).start("s", VERIFIER, WAY_BACK)).query)
    assert (query["scope"], query["code_challenge_method"]) == (["offline_access ai pi"], ["S256"])
    assert VERIFIER not in str(query)


def test_a_code_works_once_with_its_verifier(sandbox: Sandbox):
    code = code_at(sandbox)
    with pytest.raises(OAuthRefused):
        oauth(sandbox).redeem(code, "w" * 43, WAY_BACK)
    code = code_at(sandbox)
    oauth(sandbox).redeem(code, VERIFIER, WAY_BACK)
    with pytest.raises(OAuthRefused):
        oauth(sandbox).redeem(code, VERIFIER, WAY_BACK)


def test_a_wrong_client_secret_does_not_end_the_consent(sandbox: Sandbox):
    with pytest.raises(OAuthDown):
        oauth(sandbox, "wrong").refresh("x")


@pytest.mark.parametrize(
    "answer", [hangs_up, says(503, {}), says(429, {"error": "invalid_grant"}), says(400, b"<html>", "text/html"),
               says(302, None, Location="/"), says(200, b"[]"), says(200, {"access_token": "a"}),
               says(400, {"error": "server_error"}), says(400, {"error": {"x": 1}})]
)  # fmt: skip
def test_an_unclear_answer_does_not_end_the_consent(answer: Any):
    with raw_bank(answer) as bank:
        with pytest.raises(OAuthDown) as told:
            PontoOAuth(settings(), bank.url).refresh("r-secret")
        assert bank.connections == 1
    seen = repr([told.value, told.value.__cause__, told.value.__context__])
    assert "r-secret" not in seen
    assert "cret" not in seen
