"""Every call to an external service leaves one line in the log and is counted, however it ends, and names nobody."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connectors import calls
from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.directory import HttpDirectory
from connectors.bank.http_signatures import development_identity
from connectors.bank.ponto_oauth import PontoOAuth
from connectors.bank.ponto_transport import PontoSettings
from connectors.bank.port import BankConfig, BankRefused, NotDelivered
from connectors.bank.router import BanksByAdapter
from connectors.calls import Call
from connectors.identity.oidc import OidcProvider, OidcSettings
from connectors.identity.port import AuthRequest, ProviderDown
from connectors.names.mollie import Mollie
from connectors.names.port import NameCheckDown
from connectors.names.surepay import SurePay
from connectors.names.transport import NameServiceSettings
from connectors.nmbrs import port
from connectors.nmbrs.call_report import reported
from connectors.nmbrs.oauth import NmbrsOAuth, OAuthSettings
from connectors.nmbrs.rest import RestPayroll, RestSettings
from connectors.nmbrs.soap import SoapPayroll
from connectors.oauth import OAuthDown
from connectors.register.kvk import KvkRegister
from connectors.register.port import RegisterDown, UnknownCompany
from connectors.smtp import MailNotSent, Message, SmtpMailer
from connectors.web_push import PushGone, PushLater, PushMessage, Subscription, WebPushClient
from core.ids import uuid
from tests.support.push import Receiver
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import closed_port

IBAN, ADDRESS, SECRET, PERSON = "NL42INGB2268352412", "wouter@demobv.example", "s3cret-of-ours", "Schuurman"
KEYS = port.Credentials(ADDRESS, SECRET, "demo")


@dataclass
class Counted:
    """A tally that remembers."""

    calls: list[Call] = field(default_factory=list)

    def add(self, call: Call) -> None:
        self.calls.append(call)


@pytest.fixture
def tally() -> Iterator[Counted]:
    made = Counted()
    calls.use_tally(made)
    yield made
    calls.use_tally(None)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[logging.LogRecord]]:
    caplog.set_level(logging.INFO)
    return lambda: [one for one in caplog.records if one.name == "connectors.calls"]


def told(record: logging.LogRecord) -> dict[str, object]:
    return record.fields  # type: ignore[attr-defined]


# --- a counterpart that is away: every adapter ---
def bank(folder: Path) -> BanksByAdapter:
    return BanksByAdapter({"berlin_group": BerlinGroupBank(development_identity(folder))})


def ponto(url: str) -> PontoOAuth:
    return PontoOAuth(PontoSettings(url, "us", SECRET), url)


def oauth(url: str) -> NmbrsOAuth:
    return NmbrsOAuth(OAuthSettings(url, "us", SECRET, "scope"))


def broker(url: str) -> OidcProvider:
    return OidcProvider(OidcSettings(url, "us", SECRET))


def names(url: str) -> NameServiceSettings:
    return NameServiceSettings(url, SECRET, "us")


def mail(port_number: int) -> None:
    SmtpMailer("127.0.0.1", port_number, f"Bizcuit <{ADDRESS}>").send(Message(ADDRESS, "x", PERSON, PERSON))


def push(url: str) -> None:
    key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    place = Subscription(f"{url}/push/secret-endpoint", key, "BTBZMqHH6r4Tts7J_aSIgg")
    WebPushClient("A" * 42 + "E", ADDRESS, local=url).send(place, PushMessage(b"{}", 60, "topic"))


DOWN = (NotDelivered, OAuthDown, port.TemporaryError, RegisterDown, ProviderDown, NameCheckDown, MailNotSent, PushLater)
AWAY: dict[str, Callable[[str, int, Path], object]] = {
    "bank/giro/order_status": lambda url, port, folder: bank(folder).order_status(
        BankConfig("giro", "Giro", url), "p-1", uuid()
    ),
    "bank/ponto/oauth_refresh": lambda url, port, folder: ponto(url).refresh(SECRET),
    "bank/ponto/oauth_redeem": lambda url, port, folder: ponto(url).redeem(SECRET, SECRET, url),
    "bank/ponto/oauth_revoke": lambda url, port, folder: ponto(url).revoke(SECRET),
    "nmbrs/soap/CompanyService.Run_GetList": lambda url, port, folder: SoapPayroll(url).runs(KEYS, "9969", 2026),
    "nmbrs/rest/GET /api/companies/{companyId}/runs": lambda url, port, folder: RestPayroll(
        RestSettings(url, SECRET)
    ).runs(KEYS, "0a0b0c0d-0000-4000-8000-000000000000", 2026),
    "nmbrs/rest/oauth_refresh": lambda url, port, folder: oauth(url).refresh(SECRET),
    "nmbrs/rest/oauth_redeem": lambda url, port, folder: oauth(url).redeem(SECRET, SECRET, url),
    "nmbrs/rest/oauth_revoke": lambda url, port, folder: oauth(url).revoke(SECRET),
    "register//basisprofielen": lambda url, port, folder: KvkRegister(url, SECRET, pauses=()).company("68750110"),
    "register//functionarissen": lambda url, port, folder: KvkRegister(url, SECRET, pauses=()).extract("68750110"),
    "identity//metadata": lambda url, port, folder: broker(url).start(AuthRequest(SECRET, SECRET, SECRET), url),
    "names/mollie/payee-verifications": lambda url, port, folder: Mollie(names(url)).check(IBAN, PERSON),
    "names/surepay/accesstoken": lambda url, port, folder: SurePay(names(url)).check(IBAN, PERSON),
    "mail//send": lambda url, port, folder: mail(port),
    "push//send": lambda url, port, folder: push(url),
}


@pytest.mark.parametrize("name", AWAY)
def test_a_service_that_is_away_is_one_line_and_one_count(name: str, tally: Counted, lines, tmp_path: Path):
    number = closed_port()
    with pytest.raises(DOWN):
        AWAY[name](f"http://127.0.0.1:{number}", number, tmp_path)
    counterpart, which, operation = name.split("/", 2)
    (call,) = tally.calls
    assert (call.counterpart, call.which, call.operation, call.result) == (counterpart, which, operation, "failed")
    (line,) = lines()
    assert line.levelno == logging.WARNING and told(line)["why"]
    said = " ".join(filter(None, (counterpart, which, operation)))
    assert line.getMessage().startswith(f"call {said}: failed after ")
    assert names_nobody(line)


def names_nobody(line: logging.LogRecord) -> bool:
    text = f"{line.getMessage()} {told(line)}"
    return not any(one in text for one in (IBAN, ADDRESS, SECRET, PERSON, "secret-endpoint", "68750110"))


# --- answers ---
def test_a_call_that_succeeds_is_told_too(sandbox: Sandbox, tally: Counted, lines):
    KvkRegister(f"{sandbox.url}/kvk/api", "key").company("68750110")
    assert {(call.counterpart, call.result) for call in tally.calls} == {("register", "ok")}
    assert [line.levelno for line in lines()] == [logging.INFO] * len(tally.calls)
    assert all(call.seconds > 0 for call in tally.calls)


def test_each_attempt_of_a_call_that_is_tried_again_is_counted(sandbox: Sandbox, tally: Counted, keys):
    sandbox.fault(nmbrs_9999=True)
    with pytest.raises(port.TemporaryError):
        SoapPayroll(sandbox.url, pauses=(0.01, 0.01)).runs(keys, "9969", 2026)
    assert [call.result for call in tally.calls] == ["failed"] * 3


def test_nmbrs_that_refuses_a_token_answered(sandbox: Sandbox, tally: Counted, lines):
    with pytest.raises(port.BadCredentials):
        SoapPayroll(sandbox.url).runs(KEYS, "9969", 2026)
    assert [call.result for call in tally.calls] == ["refused"]
    assert told(lines()[0])["why"] == "BadCredentials 1001" and names_nobody(lines()[0])


def test_words_of_nmbrs_are_not_in_the_log(sandbox: Sandbox, lines):
    for error in (port.TemporaryError(None, "x", PERSON), port.Unreadable("5000", "x", f"{PERSON} {IBAN}")):
        with pytest.raises(port.PayrollError), reported("X.Y", "soap"):
            raise error
    assert [told(line)["why"] for line in lines()] == ["TemporaryError", "Unreadable 5000"]


def test_a_bank_that_refuses_answered(sandbox: Sandbox, tally: Counted, lines, tmp_path: Path):
    config = HttpDirectory(f"{sandbox.url}/banks").configs()["redirect"]
    with pytest.raises(BankRefused):
        bank(tmp_path).order_status(config, "unknown-payment", uuid())
    (call,) = tally.calls
    assert (call.which, call.operation, call.result) == ("redirect", "order_status", "refused")
    assert lines()[0].levelno == logging.WARNING


def test_an_unknown_company_is_an_answer_of_the_register(sandbox: Sandbox, tally: Counted):
    with pytest.raises(UnknownCompany):
        KvkRegister(f"{sandbox.url}/kvk/api", "key").company("00000000")
    assert [call.result for call in tally.calls] == ["refused"]


@pytest.mark.parametrize(("fault", "result"), [("mail_later", "failed"), ("mail_refused", "refused")])
def test_a_mail_is_failed_or_refused(sandbox: Sandbox, tally: Counted, lines, fault: str, result: str):
    sandbox.fault(**{fault: True})
    with pytest.raises(MailNotSent):
        mail(sandbox.smtp_port)
    assert [call.result for call in tally.calls] == [result] and names_nobody(lines()[0])


def test_a_push_service_that_is_down_failed_and_a_browser_that_left_is_an_answer(sandbox: Sandbox, tally: Counted):
    phone = Receiver(sandbox)
    client = WebPushClient("A" * 42 + "E", ADDRESS, local=sandbox.url)
    client.send(phone.subscription, PushMessage(b"{}", 60, "topic"))
    sandbox.fault(push_down=True)
    with pytest.raises(PushLater):
        client.send(phone.subscription, PushMessage(b"{}", 60, "topic"))
    sandbox.fault(push_down=False, push_gone=True)
    with pytest.raises(PushGone):
        client.send(phone.subscription, PushMessage(b"{}", 60, "topic"))
    assert [call.result for call in tally.calls] == ["ok", "failed", "refused"]


def test_a_fault_of_our_own_is_not_swallowed(tally: Counted, lines):
    with pytest.raises(ZeroDivisionError), calls.reported("bank", "x", which="giro"):
        _ = 1 / 0
    assert [call.result for call in tally.calls] == ["failed"]
    assert lines()[0].getMessage().endswith("ZeroDivisionError division by zero")


def test_the_ids_in_a_path_are_no_part_of_its_name(tally: Counted):
    guid = "0a0b0c0d-0000-4000-8000-000000000000"
    with pytest.raises(port.TemporaryError):
        RestPayroll(RestSettings(f"http://127.0.0.1:{closed_port()}", SECRET)).runs(KEYS, guid, 2026)
    with pytest.raises(RegisterDown):
        KvkRegister(f"http://127.0.0.1:{closed_port()}", SECRET, pauses=()).extract("68750110")
    assert not [call for call in tally.calls if guid in call.operation or "68750110" in call.operation]
    assert len(tally.calls) == 2
