"""Services that check names before a payment: what is asked, what each answer means, and what is no answer."""

import json
import time
from collections.abc import Callable

import pytest

from connectors.names.mollie import Mollie
from connectors.names.port import NameCheckDown, NameChecker, NameCheckResult
from connectors.names.surepay import SurePay
from connectors.names.transport import MOST_BYTES, NameServiceSettings
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, closed_port, saying

SECRET = "sandbox-names-secret"
JOSE, NAOMI, ELSEWHERE = "NL27RABO0315273237", "NL52ABNA7650143244", "DE89370400440532013000"
CHECK, VERIFY, TOKEN = "/account/check/organisations", "/payee-verifications", "/accesstoken"


def surepay(url: str, secret: str = SECRET, timeout: float = 5) -> SurePay:
    return SurePay(NameServiceSettings(f"{url}/names/surepay", secret, "bizcuit-names", timeout))


def mollie(url: str, secret: str = SECRET, timeout: float = 5) -> Mollie:
    return Mollie(NameServiceSettings(f"{url}/names/mollie", secret, timeout=timeout))


services = pytest.mark.parametrize("service", [surepay, mollie])
Make = Callable[..., NameChecker]


@services
@pytest.mark.parametrize(
    ("iban", "name", "result"),
    [(JOSE, "Silva, Jose", NameCheckResult("MTCH")), (JOSE, "Silva, J.", NameCheckResult("CMTC", "Silva, Jose")),
     (JOSE, "Bakker, Jan", NameCheckResult("NMTC")), (ELSEWHERE, "Bakker, Jan", NameCheckResult("NOAP"))],
)  # fmt: skip
def test_each_result(sandbox: Sandbox, service: Make, iban: str, name: str, result: NameCheckResult):
    assert service(sandbox.url).check(iban, name) == result
    assert sandbox.control("GET", "names")[0] | {"asked_at": ""} == {"iban": iban, "name": name, "asked_at": ""}


@services
@pytest.mark.parametrize("fault", ["names_down", "names_busy", "names_garbage"])
def test_a_service_in_trouble_is_no_answer(sandbox: Sandbox, service: Make, fault: str):
    sandbox.fault(**{fault: True})
    with pytest.raises(NameCheckDown):
        service(sandbox.url).check(JOSE, "Silva, Jose")


@services
def test_a_slow_service_is_not_waited_for(sandbox: Sandbox, service: Make):
    sandbox.fault(names_slow=True)
    began = time.monotonic()
    with pytest.raises(NameCheckDown):
        service(sandbox.url, timeout=0.3).check(JOSE, "Silva, Jose")
    assert time.monotonic() - began < 3
    sandbox.fault(names_slow=False)


@services
def test_wrong_credentials_are_no_answer(sandbox: Sandbox, service: Make):
    with pytest.raises(NameCheckDown, match="401"):
        service(sandbox.url, "another").check(JOSE, "Silva, Jose")


@services
def test_an_account_that_it_does_not_take_cannot_be_checked(sandbox: Sandbox, service: Make):
    assert service(sandbox.url).check("nl00", "Silva, Jose") == NameCheckResult("NOAP")


@services
def test_nobody_there(service: Make):
    with pytest.raises(NameCheckDown):
        service(f"http://127.0.0.1:{closed_port()}").check(JOSE, "Silva, Jose")


@services
@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nnull", b"HTTP/1.1 200 OK\r\n\r\n{}",
     b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
     b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 3000,
     b'HTTP/1.1 200 OK\r\n\r\n{"a": "' + b"x" * MOST_BYTES + b'"}'],
)  # fmt: skip
def test_what_is_no_answer(service: Make, answer: bytes):
    with saying(answer) as port, pytest.raises(NameCheckDown):
        service(f"http://127.0.0.1:{port}", timeout=2).check(JOSE, "Silva, Jose")


@services
def test_an_error_tells_nothing_of_the_person(service: Make):
    with pytest.raises(NameCheckDown) as raised:
        service(f"http://127.0.0.1:{closed_port()}").check(JOSE, "Silva, Jose")
    assert raised.value.__cause__ is None and raised.value.__context__ is None
    assert JOSE not in str(raised.value) and "Silva" not in str(raised.value)


# --- the answers, one field at a time ---
@pytest.mark.parametrize(
    ("said", "result"),
    [("MATCHING", "MTCH"), ("MATCH", "MTCH"), ("NOT_MATCHING", "NMTC"), ("NO_MATCH", "NMTC"),
     ("COULD_NOT_MATCH", "NOAP"), ("NAME_TOO_SHORT", "NOAP")],
)  # fmt: skip
def test_both_spellings_of_surepay(between: Meddler, said: str, result: str):
    between.changes[CHECK] = lambda _: json.dumps({"nameMatchResult": said, "nameSuggestion": "Silva"}).encode()
    assert surepay(between.url).check(JOSE, "Silva, Jose") == NameCheckResult(result)


@pytest.mark.parametrize("said", ["PERHAPS", None, 1, ["MATCH"], {"MATCH": True}])
def test_an_unknown_result_is_no_answer(between: Meddler, said: object):
    between.changes[CHECK] = lambda _: json.dumps({"nameMatchResult": said}).encode()
    between.changes[VERIFY] = lambda _: json.dumps({"verificationResult": {"outcome": said}}).encode()
    for service in (surepay, mollie):
        with pytest.raises(NameCheckDown):
            service(between.url).check(JOSE, "Silva, Jose")


@pytest.mark.parametrize(
    ("told", "holder"),
    [(" Silva,\n Jose ", "Silva, Jose"), ("x" * 500, "x" * 140), ("", None), (None, None), (7, None), ("\u200b", None)],
)  # fmt: skip
def test_the_name_of_the_holder_is_text_on_one_line(between: Meddler, told: object, holder: str | None):
    between.changes[CHECK] = lambda _: json.dumps({"nameMatchResult": "CLOSE_MATCH", "nameSuggestion": told}).encode()
    assert surepay(between.url).check(JOSE, "Silva, J.") == NameCheckResult("CMTC", holder)


# --- the token of SurePay ---
def test_a_token_is_used_again(between: Meddler):
    service = surepay(between.url)
    for _ in range(3):
        service.check(JOSE, "Silva, Jose")
    assert (between.count(TOKEN), between.count(CHECK)) == (1, 3)
    asked = [headers for path, headers, _ in between.seen if path.endswith(CHECK)]
    assert len({headers["X-Correlation-Id"] for headers in asked}) == 3


def test_a_token_that_was_withdrawn_is_asked_anew_once(sandbox: Sandbox, between: Meddler):
    service = surepay(between.url)
    service.check(JOSE, "Silva, Jose")
    sandbox.control("DELETE", "names/tokens")
    assert service.check(NAOMI, "Bakker, Jan") == NameCheckResult("NMTC")
    assert between.count(TOKEN) == 2


@pytest.mark.parametrize("life", ["soon", None, -1, "9" * 40, True, 10**12])
def test_an_odd_life_of_a_token_ends_none_early_and_keeps_none_for_ever(between: Meddler, life: object):
    between.changes[TOKEN] = lambda body: json.dumps(json.loads(body) | {"expires_in": life}).encode()
    service = surepay(between.url)
    assert service.check(JOSE, "Silva, Jose").match == "MTCH"
    assert 0 < service._until - time.monotonic() <= 24 * 3600


@pytest.mark.parametrize("token", [None, 3, "with\nbreak", "é", ""])
def test_a_token_that_is_none(between: Meddler, token: object):
    between.changes[TOKEN] = lambda body: json.dumps(json.loads(body) | {"access_token": token}).encode()
    with pytest.raises(NameCheckDown):
        surepay(between.url).check(JOSE, "Silva, Jose")
