"""Every call to a bank: headers, signature, idempotency, and the format of errors."""

import threading
import uuid

import pytest
import requests

from tests.support import contract
from tests.support.bank import (
    BACK,
    DEBTOR,
    EXPLICIT,
    FROM_BROWSER,
    WITH_PSU,
    XML,
    Identity,
    Tpp,
    advance,
    bank_day,
    consent,
    consent_request,
    identity,
    new_identity,
    pain001,
    refusal,
    signature_headers,
)
from tests.support.sandbox import Sandbox


@pytest.fixture
def tpp(sandbox: Sandbox) -> Tpp:
    return Tpp(sandbox.url)


@pytest.fixture
def unchecked(sandbox: Sandbox) -> Tpp:
    """Sends requests that violate the standard, unchecked."""
    return Tpp(sandbox.url, checked=False)


# --- headers ---
@pytest.mark.parametrize("request_id", ["", "1234", "not-a-uuid", "{99391c7e-ad88-49ec-a2ad-99ddcb1f7721}"])
def test_the_request_id_is_a_uuid(unchecked: Tpp, request_id: str):
    answer = unchecked.get("/consents/x/status", headers={"X-Request-ID": request_id})
    assert refusal(answer) == (400, "FORMAT_ERROR")
    assert answer.json()["tppMessages"][0]["path"] == "X-Request-ID"


def test_the_request_id_is_returned(tpp: Tpp):
    mine = str(uuid.uuid4())
    assert (
        tpp.post("/consents", consent_request(), headers=FROM_BROWSER, request_id=mine).headers["X-Request-ID"] == mine
    )
    assert tpp.get("/consents/unknown/status", request_id=mine).headers["X-Request-ID"] == mine


@pytest.mark.parametrize("address", [None, "::1", "localhost", "300.1.1.1"])
def test_psu_ip_address_is_required_at_the_start(sandbox: Sandbox, unchecked: Tpp, address: str | None):
    headers = {name: value for name, value in EXPLICIT.items() if name != "PSU-IP-Address"}
    headers |= {"PSU-IP-Address": address} if address else {}
    assert refusal(unchecked.post("/consents", consent_request(), headers=headers)) == (400, "FORMAT_ERROR")
    assert refusal(unchecked.place(pain001(bank_day(sandbox)), headers)) == (400, "FORMAT_ERROR")
    assert sandbox.control("GET", "orders") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TPP-Redirect-URI", "terug"),
        ("TPP-Redirect-URI", "javascript:alert(1)"),
        ("TPP-Nok-Redirect-URI", "ftp://x"),
        ("TPP-Explicit-Authorisation-Preferred", "yes"),
    ],
)
def test_a_malformed_header_is_refused(unchecked: Tpp, name: str, value: str):
    answer = unchecked.post("/consents", consent_request(), headers=FROM_BROWSER | {name: value})
    assert refusal(answer) == (400, "FORMAT_ERROR")
    assert answer.json()["tppMessages"][0]["path"] == name


def test_a_redirect_bank_requires_a_redirect_uri(sandbox: Sandbox, tpp: Tpp):
    assert refusal(tpp.post("/consents", consent_request(), headers=WITH_PSU)) == (400, "FORMAT_ERROR")
    assert refusal(tpp.place(pain001(bank_day(sandbox)), WITH_PSU)) == (400, "FORMAT_ERROR")


def test_an_unknown_bank_is_refused(sandbox: Sandbox):
    assert Tpp(sandbox.url, "geenbank", checked=False).get("/accounts").status_code == 404


# --- signature ---
def signed_get(
    sandbox: Sandbox, changed: dict[str, str | None], who: Identity | None = None, **options
) -> requests.Response:
    """Send a GET whose signature headers are changed after signing; None removes one."""
    headers = {"X-Request-ID": str(uuid.uuid4()), "PSU-ID": "klant-1"}
    options.setdefault("cover", ["Digest", "X-Request-ID", "PSU-ID", "Date"])
    headers |= signature_headers(who or identity(), b"", headers, **options)
    kept = {name: value for name, value in (headers | changed).items() if value is not None}
    return requests.get(f"{sandbox.url}/bank/redirect/v1/consents/unknown/status", headers=kept, timeout=10)


def test_a_valid_signature_is_accepted(sandbox: Sandbox):
    assert refusal(signed_get(sandbox, {})) == (403, "CONSENT_UNKNOWN")


TAMPERED = {
    "no signature": ({"Signature": None}, "SIGNATURE_MISSING"),
    "no certificate": ({"TPP-Signature-Certificate": None}, "CERTIFICATE_MISSING"),
    "a certificate that is none": ({"TPP-Signature-Certificate": "QUJD"}, "CERTIFICATE_INVALID"),
    "no digest": ({"Digest": None}, "SIGNATURE_INVALID"),
    "the digest of something else": ({"Digest": "SHA-256=QUJD"}, "SIGNATURE_INVALID"),
    "a digest nobody trusts": ({"Digest": "MD5=1B2M2Y8AsgTpgAmY7PhCfg=="}, "SIGNATURE_INVALID"),
    "another request id": ({"X-Request-ID": str(uuid.uuid4())}, "SIGNATURE_INVALID"),
    "another date": ({"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}, "SIGNATURE_INVALID"),
    "another customer": ({"PSU-ID": "klant-2"}, "SIGNATURE_INVALID"),
    "a way back that is not signed": ({"TPP-Redirect-URI": BACK}, "SIGNATURE_INVALID"),
    "half a signature": ({"Signature": 'keyId="x",algorithm="rsa-sha256"'}, "SIGNATURE_INVALID"),
}


@pytest.mark.parametrize(("changed", "expected"), TAMPERED.values(), ids=list(TAMPERED))
def test_a_tampered_request_is_refused(sandbox: Sandbox, changed: dict, expected: str):
    answer = signed_get(sandbox, changed)
    assert refusal(answer) == (401, expected)


def test_the_signature_must_cover_the_required_headers(sandbox: Sandbox):
    for cover in (
        ["Digest", "Date", "PSU-ID"],
        ["X-Request-ID", "Date", "PSU-ID"],
        ["Digest", "X-Request-ID", "PSU-ID"],
    ):
        assert refusal(signed_get(sandbox, {}, cover=cover)) == (401, "SIGNATURE_INVALID")


def test_the_digest_must_match_the_body(sandbox: Sandbox):
    headers = {"X-Request-ID": str(uuid.uuid4())} | EXPLICIT
    headers |= signature_headers(identity(), pain001(bank_day(sandbox)), headers) | {"Content-Type": "application/xml"}
    other = pain001(bank_day(sandbox))
    answer = requests.post(f"{sandbox.url}/bank/redirect/v1{XML}", data=other, headers=headers, timeout=10)
    assert refusal(answer) == (401, "SIGNATURE_INVALID")
    assert sandbox.control("GET", "orders") == []


def test_a_key_id_belongs_to_one_certificate(sandbox: Sandbox):
    first, second = new_identity(), new_identity()
    assert refusal(signed_get(sandbox, {}, first, key_id="tpp-1")) == (403, "CONSENT_UNKNOWN")
    assert refusal(signed_get(sandbox, {}, second, key_id="tpp-1")) == (401, "CERTIFICATE_INVALID")
    sandbox.reset()
    assert refusal(signed_get(sandbox, {}, second, key_id="tpp-1")) == (403, "CONSENT_UNKNOWN")


def test_the_key_id_must_have_the_certificate_serial(sandbox: Sandbox):
    who = identity()
    decimal = f"SN={who.certificate.serial_number},CA=CN=Test"
    assert refusal(signed_get(sandbox, {}, who, key_id=decimal)) == (403, "CONSENT_UNKNOWN")
    assert refusal(signed_get(sandbox, {}, who, key_id="SN=1234,CA=CN=Test")) == (401, "CERTIFICATE_INVALID")


def test_an_expired_certificate_and_a_short_key_are_refused(sandbox: Sandbox):
    assert refusal(signed_get(sandbox, {}, new_identity(days=0))) == (401, "CERTIFICATE_EXPIRED")
    assert refusal(signed_get(sandbox, {}, new_identity(key_bits=1024))) == (401, "SIGNATURE_INVALID")


def test_signatures_can_be_optional(sandbox: Sandbox):
    sandbox.fault(bank_unsigned_allowed=True)
    assert refusal(signed_get(sandbox, {"Signature": None})) == (403, "CONSENT_UNKNOWN")
    assert refusal(signed_get(sandbox, {"Digest": None})) == (401, "SIGNATURE_INVALID")


# --- idempotency ---
def test_the_same_request_twice_is_one_order(sandbox: Sandbox, tpp: Tpp):
    body, mine = pain001(bank_day(sandbox)), str(uuid.uuid4())
    answers = [tpp.place(body, request_id=mine) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.text for answer in answers}) == 1
    assert len(sandbox.control("GET", "orders")) == 1


def test_the_same_request_at_once_is_one_order(sandbox: Sandbox, tpp: Tpp):
    body, mine, found = pain001(bank_day(sandbox)), str(uuid.uuid4()), []
    threads = [threading.Thread(target=lambda: found.append(tpp.place(body, request_id=mine).text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found))) == (8, 1)
    assert len(sandbox.control("GET", "orders")) == 1


def test_the_same_message_at_once_is_one_order(sandbox: Sandbox, tpp: Tpp):
    sandbox.fault(bank_forgets_request_id=True)
    body, found = pain001(bank_day(sandbox)), []
    threads = [threading.Thread(target=lambda: found.append(tpp.place(body).status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [201] + [400] * 7


def test_a_used_request_id_is_refused_for_another_call(sandbox: Sandbox, tpp: Tpp):
    mine = str(uuid.uuid4())
    tpp.place(pain001(bank_day(sandbox)), request_id=mine)
    assert refusal(tpp.place(pain001(bank_day(sandbox)), request_id=mine)) == (400, "FORMAT_ERROR")
    assert len(sandbox.control("GET", "orders")) == 1


def test_a_refused_request_can_be_corrected(sandbox: Sandbox, tpp: Tpp):
    mine, yesterday = str(uuid.uuid4()), bank_day(sandbox, -1)
    assert tpp.place(pain001(yesterday), request_id=mine).status_code == 400
    assert tpp.place(pain001(bank_day(sandbox)), request_id=mine).status_code == 201


def test_after_a_day_the_request_id_is_forgotten(sandbox: Sandbox, tpp: Tpp):
    ahead = bank_day(sandbox, 5)
    mine = str(uuid.uuid4())
    tpp.place(pain001(ahead), request_id=mine)
    advance(sandbox, 2)
    assert tpp.place(pain001(ahead), request_id=mine).status_code == 201
    assert len(sandbox.control("GET", "orders")) == 2


@pytest.mark.parametrize("way", ["switch", "configuration"])
def test_idempotency_can_be_off(sandbox: Sandbox, tpp: Tpp, way: str):
    if way == "switch":
        sandbox.fault(bank_forgets_request_id=True)
    else:
        sandbox.control("PUT", "banks/redirect", {"honours_request_id": False})
    mine = str(uuid.uuid4())
    body = pain001(bank_day(sandbox))
    assert tpp.place(body, request_id=mine).status_code == 201
    assert refusal(tpp.place(body, request_id=mine)) == (400, "PAYMENT_FAILED")
    sandbox.fault(bank_accepts_duplicates=True)
    assert tpp.place(body, request_id=mine).status_code == 201
    assert len(sandbox.control("GET", "orders")) == 2


# --- format of answers ---
def test_errors_may_be_problem_json(sandbox: Sandbox, tpp: Tpp):
    sandbox.fault(bank_problem_json=True)
    answer = tpp.get("/accounts", headers={"Consent-ID": "unknown"})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (400, "CONSENT_UNKNOWN")


def test_links_may_be_relative(sandbox: Sandbox, tpp: Tpp):
    sandbox.fault(bank_relative_links=True)
    said = tpp.post("/consents", consent_request(), headers=FROM_BROWSER).json()["_links"]
    assert said["self"]["href"].startswith("/bank/redirect/v1/consents/")
    assert said["scaRedirect"]["href"].startswith("/bank/redirect/toestemming/")


def test_a_redirect_may_lead_to_another_host(sandbox: Sandbox, tpp: Tpp):
    sandbox.fault(bank_foreign_redirect=True)
    said = tpp.post("/consents", consent_request(), headers=FROM_BROWSER).json()["_links"]
    assert not said["scaRedirect"]["href"].startswith(sandbox.url)


def test_a_bank_that_is_down_answers_503(sandbox: Sandbox, tpp: Tpp):
    given = consent(tpp, [DEBTOR])
    sandbox.fault(bank_down=True)
    headers = WITH_PSU | {"Consent-ID": given}
    assert tpp.get("/accounts", headers=headers).status_code == 503
    assert tpp.place(pain001(bank_day(sandbox))).status_code == 503
    sandbox.fault(bank_down=False)
    assert tpp.get("/accounts", headers=headers).status_code == 200


def test_a_connection_may_be_cut(sandbox: Sandbox, unchecked: Tpp):
    sandbox.fault(bank_cut=True)
    with pytest.raises(requests.ConnectionError):
        unchecked.place(pain001(bank_day(sandbox)))
    assert sandbox.control("GET", "orders") == []


def test_a_hanging_bank_can_be_released(sandbox: Sandbox, tpp: Tpp):
    sandbox.fault(bank_hang=True)
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(tpp.get("/consents/unknown/status").status_code))
    waiting.start()
    waiting.join(0.5)
    assert found == []
    sandbox.fault(bank_hang=False)
    waiting.join(10)
    assert found == [403]


# --- lost answers ---
@pytest.mark.parametrize("fault", ["bank_lost_answer", "bank_order_504", "bank_strange_answer"])
def test_an_order_with_a_lost_answer_exists_and_can_be_repeated(sandbox: Sandbox, unchecked: Tpp, fault: str):
    body, mine = pain001(bank_day(sandbox), msg_id="LOST"), str(uuid.uuid4())
    sandbox.fault(**{fault: True})
    try:
        answer = unchecked.place(body, request_id=mine)
        assert (answer.status_code, answer.text[:6]) in ((504, "<html>"), (201, "{payme"))
    except requests.ConnectionError:
        assert fault == "bank_lost_answer"
    assert [order["msg_id"] for order in sandbox.control("GET", "orders")] == ["LOST"]
    again = unchecked.place(body, request_id=mine)
    assert again.status_code == 201
    contract.check(again.request, again)
    assert len(sandbox.control("GET", "orders")) == 1


def test_an_order_may_fail_before_it_is_accepted(sandbox: Sandbox, unchecked: Tpp):
    sandbox.fault(bank_order_not_taken=True)
    assert unchecked.place(pain001(bank_day(sandbox))).status_code == 504
    assert sandbox.control("GET", "orders") == []


def test_an_order_may_be_refused_without_reason(sandbox: Sandbox, tpp: Tpp):
    sandbox.fault(bank_order_refused=True)
    assert refusal(tpp.place(pain001(bank_day(sandbox)))) == (400, "PAYMENT_FAILED")
    assert sandbox.control("GET", "orders") == []
