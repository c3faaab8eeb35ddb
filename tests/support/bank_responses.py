"""One answer of a bank, chosen by the test: the adapter, its configuration, and answers that follow the standard."""

from collections.abc import Callable
from typing import Any

from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.port import BankConfig, Psu, Signing
from tests.support.raw_socket_bank import RawBank, Script, says

BACK, NOK = "https://app.example/terug", "https://app.example/terug?geweigerd=1"
PSU = Psu("192.0.2.10", "Mozilla/5.0")
ID = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"
OTHER_ID = "11111111-2222-4333-8444-555555555555"
BODY = b"<Document/>"
ORDER = {"transactionStatus": "RCVD", "paymentId": "1234-wertiq-983", "_links": {"self": {"href": "/v1/x"}}}
SCA = {"scaStatus": "received", "authorisationId": "123auth456", "_links": {"scaStatus": {"href": "/v1/x"}}}


def line_of(bank: RawBank, signing: Signing = "redirect") -> BankConfig:
    host = bank.url.partition("//")[2]
    return BankConfig("zand", "Zandbank", f"{bank.url}/psd2", signing=signing, redirect_hosts=(host,))


def adapter(observe: Callable[..., None] | None = None) -> BerlinGroupBank:
    return BerlinGroupBank(None, connect_timeout=2, read_timeout=2, order_timeout=0.4, observe=observe)


def proper(status: int, body: Any, **headers: str) -> Script:
    """Answer with the request's own X-Request-ID, as the standard requires."""
    return lambda connection, request: says(status, body, X_Request_ID=request.headers["x-request-id"], **headers)(
        connection, request
    )


def place(bank: RawBank, signing: Signing = "redirect", psu: Psu = PSU, observe: Any = None) -> Any:
    return adapter(observe).place_order(line_of(bank, signing), BODY, ID, psu, BACK, NOK)


def error(code: str = "FORMAT_ERROR", text: str = "x", **more: Any) -> dict[str, Any]:
    return {"tppMessages": [{"category": "ERROR", "code": code, "text": text} | more]}


METHOD, CODE = {"authenticationMethodId": "901"}, {"scaAuthenticationData": "123456"}
