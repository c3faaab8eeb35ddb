"""Whatever another side answers, each call of each adapter ends with a result or an error of its port.

Adapters are found among those that the domain is given, calls by their methods: a new one fails here until it is fed.
The answers are real ones, mutated, over real sockets.
"""

import inspect
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from pathlib import Path
from time import monotonic
from types import NoneType
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.anchors import FileAnchors
from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.directory import DirectoryError, HttpDirectory
from connectors.bank.ponto import PontoBank
from connectors.bank.ponto_oauth import PontoOAuth
from connectors.bank.ponto_transport import PontoSettings, PontoSigner
from connectors.bank.port import BankConfig, BankError, PlacementOptions, Psu
from connectors.bank.router import BanksByAdapter
from connectors.identity.oidc import OidcProvider, OidcSettings
from connectors.identity.port import AuthRequest, IdentityError
from connectors.names.mollie import Mollie
from connectors.names.port import NameCheckDown
from connectors.names.surepay import SurePay
from connectors.names.transport import NameServiceSettings
from connectors.nmbrs.oauth import NmbrsOAuth, OAuthSettings
from connectors.nmbrs.port import Credentials, PayrollError
from connectors.nmbrs.rest import RestPayroll, RestSettings
from connectors.nmbrs.soap import SoapPayroll
from connectors.oauth import OAuthDown, OAuthRefused
from connectors.register.kvk import KvkRegister
from connectors.register.port import RegisterDown, UnknownCompany
from connectors.smtp import MailNotSent, Message, SmtpMailer
from connectors.web_push import PushError, PushMessage, Subscription, WebPushClient
from tests.conftest import LONG
from tests.connectors.test_ponto import ACCOUNT, BODY, KEY
from tests.support import figures
from tests.support.bank import DEBTOR
from tests.support.bank_responses import BACK, ID, NOK, ORDER, SCA, error
from tests.support.extracts import document
from tests.support.factories import make_world
from tests.support.fuzzing import MOST_GROWTH, Mutator, broken, dumped, feed, memory
from tests.support.nmbrs_soap import CALLS, payroll_at
from tests.support.push import encoded
from tests.support.raw_socket_bank import RawRequest, raw_bank
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import meddler

Allowed = tuple[type[BaseException], ...]
INPUTS = 1_200 if LONG else 3  # of each call
SEARCH = {"pagina": 1, "totaal": 1, "resultaten": [{"kvkNummer": "68750110", "naam": "Demo BV"}]}
BANKS = [{"id": "zand", "name": "Zandbank", "base_url": "https://b.example", "redirect_hosts": ["b.example"]}]
RECEIVER = ec.derive_private_key(7, ec.SECP256R1()).public_key()
POINT = encoded(RECEIVER.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
KEYS = Credentials("a@b.example", "token")
BALANCE = {"balanceAmount": {"currency": "EUR", "amount": "12.30"}, "balanceType": "expected"}
BOOKED = {
    "entryReference": "7",
    "transactionAmount": {"currency": "EUR", "amount": "-8.30"},
    "bookingDate": "2026-11-24",
    "creditorName": "Jan",
    "creditorAccount": {"iban": DEBTOR},
    "remittanceInformationUnstructured": "salaris",
}
BANK = dumped(
    ORDER,
    SCA,
    error(),
    {"transactionStatus": "ACSC"},
    {"balances": [BALANCE]},
    {"accounts": [{"resourceId": "r1", "iban": DEBTOR, "currency": "EUR", "name": "Zakelijk", "balances": [BALANCE]}]},
    {"account": {"iban": DEBTOR}, "transactions": {"booked": [BOOKED], "_links": {"account": {"href": "/v1/x"}}}},
    {"consentStatus": "valid", "consentId": "c1", "_links": {"scaRedirect": {"href": "https://127.0.0.1/x"}}},
)
TOKENS = {"access_token": "a", "refresh_token": "r", "expires_in": 1800, "token_type": "Bearer", "scope": "x"}
PONTO = dumped(
    {"data": ACCOUNT},
    {"data": [ACCOUNT], "links": {}, "meta": {"paging": {"limit": 10}}},
    TOKENS,
    {
        "data": {
            "type": "bulkPayment",
            "id": "b-1",
            "attributes": {"status": "unsigned", "reference": "x"},
            "links": {"redirect": "https://127.0.0.1/y"},
        }
    },
    {"errors": [{"code": "x", "detail": "y"}]},
)
BROKER = dumped(
    {
        "issuer": "URL",
        "authorization_endpoint": "URL/a",
        "token_endpoint": "URL/t",
        "jwks_uri": "URL/j",
        "userinfo_endpoint": "URL/u",
    },
    {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "k", "alg": "RS256"}]},
    {**TOKENS, "id_token": "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AA"},
    {"sub": "s", "birthdate": "1980-04-12"},
)
REST = dumped(
    {"taskId": GUID, "data": [], "pagination": {"totalPages": 1}},
    {"code": 40102, "message": "x"},
    {"data": [{"companyId": GUID, "number": 1, "name": "x", "debtorId": GUID}], "pagination": {"totalPages": 1}},
    {"data": [{"payrollRunId": GUID, "number": 1, "year": 2026, "createdAt": "2026-04-24T10:00:00Z", "locked": True}]},
)
SUREPAY = dumped(
    {"access_token": "a", "expires_in": "1799"}, {"nameMatchResult": "CLOSE_MATCH", "nameSuggestion": "J. de Vries"}
)
MOLLIE = dumped({"verificationResult": {"outcome": "close-match", "accountHolderName": "J. de Vries"}})
MAIL = (b"220 x\r\n250-x\r\n250 SIZE 1000\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n221 bye\r\n",)
REGISTER = dumped(document(), SEARCH, {"fout": [{"code": "IPD5200", "omschrijving": "x"}]})
STATES = (200, 200, 200, 200, 201, 202, 204, 302, 304, 400, 401, 403, 404, 409, 429, 500, 503, 299, 999)
NOT_ASKED = {"check"}  # looks at what was given, and asks nobody


@dataclass(frozen=True)
class Adapter:
    """How an adapter is made for an address, the answers of its other side, and the errors of its port."""

    make: Callable[[str], Any]
    samples: tuple[bytes, ...]
    errors: Allowed


def ponto(url: str) -> PontoSettings:
    return PontoSettings(url, "id", "secret", PontoSigner(KEY, "c"), read_timeout=1, order_timeout=1)


def rest(url: str) -> RestPayroll:
    return RestPayroll(RestSettings(url, "key", file_timeout=0.05, document_pauses=(0.001,)))


def name_service(url: str) -> NameServiceSettings:
    return NameServiceSettings(url, "secret", "id", timeout=1)


OAUTH: Allowed = (OAuthDown, OAuthRefused)
ADAPTERS: dict[type, Adapter] = {
    BerlinGroupBank: Adapter(lambda url: BerlinGroupBank(None, read_timeout=1, order_timeout=1), BANK, (BankError,)),
    PontoBank: Adapter(lambda url: PontoBank(ponto(url)), PONTO, (BankError,)),
    PontoOAuth: Adapter(lambda url: PontoOAuth(ponto(url), url), PONTO, OAUTH),
    NmbrsOAuth: Adapter(
        lambda url: NmbrsOAuth(OAuthSettings(authority=url, client_id="id", client_secret="s", scopes="x")),
        BROKER,
        OAUTH,
    ),
    OidcProvider: Adapter(lambda url: OidcProvider(OidcSettings(url, "id", "secret")), BROKER, (IdentityError,)),
    KvkRegister: Adapter(
        lambda url: KvkRegister(url, "key", pauses=(0.001,)), REGISTER, (RegisterDown, UnknownCompany)
    ),
    RestPayroll: Adapter(rest, REST, (PayrollError,)),
    SoapPayroll: Adapter(payroll_at, (), (PayrollError,)),
    WebPushClient: Adapter(lambda url: WebPushClient("A" * 42 + "E", "a@b.example", local=url), (b"{}",), (PushError,)),
    SmtpMailer: Adapter(
        lambda url: SmtpMailer("127.0.0.1", urlsplit(url).port or 0, "a@b.example"), MAIL, (MailNotSent,)
    ),
    SurePay: Adapter(lambda url: SurePay(name_service(url)), SUREPAY, (NameCheckDown,)),
    Mollie: Adapter(lambda url: Mollie(name_service(url)), MOLLIE, (NameCheckDown,)),
    HttpDirectory: Adapter(lambda url: HttpDirectory(url, ttl_seconds=0), dumped(BANKS), (DirectoryError,)),
}


def soap_answers(sandbox: Sandbox) -> list[bytes]:
    """Return what the sandbox's Nmbrs answers to each call."""
    found: list[bytes] = []
    given = sandbox.credentials
    run = sandbox.run_payroll(lines=2, webhook="none")
    keys = Credentials(given["nmbrs_user"], given["nmbrs_token"], "demo")
    with meddler(sandbox.url) as between:
        between.changes[""] = lambda content: found.append(content) or content
        payroll = payroll_at(between.url)
        for ask in CALLS.values():
            with suppress(PayrollError):
                ask(payroll, keys)
        payroll.sepa_file(keys, "9969", str(run["run"]), run["year"], date(2026, 11, 25))
    assert len(found) > len(CALLS)
    return found


def arguments(method: Callable[..., Any], url: str) -> dict[str, Any]:
    """Return an argument for each parameter, by its name: a new name fails here."""
    host = url.partition("//")[2]
    number = "9969" if method.__qualname__.startswith("Soap") else GUID
    known = {
        "config": BankConfig(
            "zand", "Zandbank", url, redirect_hosts=(host, "127.0.0.1"), access=lambda refused: "token"
        ),
        "psu": Psu("192.0.2.1", "x"),
        "redirect_uri": BACK,
        "nok_redirect_uri": NOK,
        "request_id": ID,
        "consent_id": "c1",
        "resource_id": "r1",
        "payment_id": "p1",
        "authorisation_id": "a1",
        "link": f"{url}/v1/x",
        "data": {},
        "date_from": date(2026, 11, 1),
        "body": BODY,
        "wishes": PlacementOptions(),
        "of_cancelling": False,
        "code": "c",
        "verifier": "v" * 43,
        "refresh_token": "r",
        "state": "s",
        "kvk_number": "68750110",
        "text": "demo",
        "iban": DEBTOR,
        "attempt": AuthRequest("s", "n", "v" * 43),
        "query": {"code": "c", "state": "s", "iss": url},
        "credentials": KEYS,
        "debtor_id": number,
        "company_id": number,
        "run_id": number,
        "wage_tax_id": number,
        "year": 2026,
        "payment_date": date(2026, 11, 25),
        "employee_ids": [number],
        "name": "x",
        "endpoint": "https://x.example",
        "event_ids": ["1"],
        "webhook_id": "1",
        "subscription": Subscription(f"{url}/x", POINT, "A" * 22),
        "message": Message("a@b.example", "x", "x", "<p>x</p>")
        if "Smtp" in method.__qualname__
        else PushMessage(b"{}", 60, "t"),
    }
    return {name: known[name] for name in inspect.signature(method).parameters if name != "self"}


def test_no_adapter_is_forgotten(tmp_path: Path):
    """Every adapter that the domain is given is fed, each of its calls."""
    world = make_world("http://127.0.0.1:9", 9, tmp_path)
    given = {type(getattr(world, one.name)) for one in fields(world)}
    found = {kind for kind in given if kind.__module__.startswith("connectors.")} - {
        BanksByAdapter,
        FileAnchors,
        NoneType,
    }
    found |= {type(one) for one in world.bank._adapters.values()} | {HttpDirectory, SurePay, Mollie}  # type: ignore[attr-defined]
    assert found == ADAPTERS.keys()


class OtherSide:
    """Makes answers for whatever is asked: mutated bodies, now and then in mutated HTTP."""

    def __init__(self, kind: type, samples: Sequence[bytes]) -> None:
        self.mutator, self.is_mail = Mutator(2026, samples), kind is SmtpMailer
        self.media = "text/xml; charset=utf-8" if kind is SoapPayroll else "application/json"
        self.url = ""

    def next(self) -> bytes:
        """Return the bytes of an answer."""
        pick, made = self.mutator.random, self.mutator.next()
        if pick.random() < 0.2:
            made = self.mutator.last = pick.choice(self.mutator.kept)  # whole, but perhaps not to this question
        if self.is_mail:
            return made
        body = made.replace(b"URL", self.url.encode())
        head = f"HTTP/1.1 {pick.choice(STATES)} X\r\nContent-Type: {self.media}\r\nX-Request-ID: {ID}\r\n"
        head += f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        return (broken(head.encode(), pick) if pick.random() < 0.2 else head.encode()) + body

    def script(self, line: socket.socket, _request: RawRequest) -> None:
        line.sendall(self.next())


@pytest.mark.parametrize("kind", ADAPTERS, ids=lambda kind: kind.__name__)
def test_every_answer(kind: type, running_sandbox: Sandbox):
    adapter = ADAPTERS[kind]
    side = OtherSide(kind, adapter.samples or soap_answers(running_sandbox))
    calls = [name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")]
    calls = [name for name in calls if name not in NOT_ASKED]
    count, before, wrong = INPUTS * (1 if len(calls) > 4 else 4), memory(), dict[str, str]()
    with raw_bank(side.script, reads=kind is not SmtpMailer) as bank:
        side.url = bank.url
        for name in calls:
            call = partial(getattr(adapter.make(bank.url), name), **arguments(getattr(kind, name), bank.url))
            found, _ = feed(side.mutator, count, call, adapter.errors, monotonic)
            wrong |= {f"{name}: {key}": text for key, text in found.items()}
        asked = bank.connections
    figures.add(inputs=asked)
    kept, grown = len(side.mutator.kept), memory() - before
    print(f"{kind.__name__}: {len(calls)} calls, {asked} answers, {kept} kept, {grown:.0f} MB")
    assert wrong == {}
    assert grown < MOST_GROWTH
