"""Services for tests, with real adapters to a running sandbox, and factories with defaults."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from config import NMBRS_SCOPES
from connectors.anchors import FileAnchors
from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.directory import HttpDirectory
from connectors.bank.http_signatures import development_identity
from connectors.bank.ponto import PontoBank
from connectors.bank.ponto_oauth import PontoOAuth
from connectors.bank.ponto_transport import PontoSettings, PontoSigner
from connectors.bank.port import BankConfig
from connectors.bank.router import BanksByAdapter
from connectors.identity.oidc import OidcProvider, OidcSettings
from connectors.nmbrs.oauth import NmbrsOAuth, OAuthSettings
from connectors.nmbrs.payment_file import PaymentFile, PaymentLine
from connectors.nmbrs.rest import RestPayroll, RestSettings
from connectors.nmbrs.soap import SoapPayroll
from connectors.register.kvk import KvkRegister
from connectors.smtp import SmtpMailer
from connectors.web_push import WebPushClient
from core.encryption import Keyring
from domain.accounts import passwords
from domain.common.encryption import blind_index, encrypt
from domain.common.services import Psu, Services, configure
from domain.payments import queries
from domain.payments.payment_views import Payment
from domain.payroll import intake
from domain.payroll.webhook_keys import create_key
from models import (
    Authority,
    BankAccount,
    BankConsent,
    Batch,
    Client,
    Device,
    Identification,
    Membership,
    NmbrsConnection,
    PayrollCompany,
    PayrollRun,
    Pin,
    User,
)
from tests.support.sandbox import Sandbox, changes

PIN = "274916"
PSU = Psu("127.0.0.1", "tests")
DEMO_IBAN, OTHER_IBAN = "NL95INGB0004921836", "NL64TRIO0379501686"
LINES = (
    ("Jong, Wouter de", "NL42INGB2268352412", 344808),
    ("Donkersloot Meijer, Naomi", "NL52ABNA7650143244", 261100),
    ("Schuurman, Lisanne", "NL57ABNA7134384551", 250008),
)
WOUTER = '{"initials": "W", "last_name": "Jong", "prefix": "de", "birth_date": "1980-04-12"}'  # identity at the broker
_numbers = count(1)


class CachedDirectory:
    """The sandbox's directory of banks, read again when the test has changed something at the sandbox."""

    def __init__(self, sandbox_url: str):
        self._url, self._seen = sandbox_url, -1
        self._directory = HttpDirectory(f"{sandbox_url}/banks", ttl_seconds=0)
        self._known: dict[str, BankConfig] = {}

    def configs(self) -> dict[str, BankConfig]:
        now = changes[self._url]
        if now != self._seen:
            self._known, self._seen = self._directory.configs(), now
        return self._known


def make_world(
    sandbox_url: str, smtp_port: int, folder: Path, base_url: str = "http://localhost:8000", patience: float = 5
) -> Services:
    """Configure the domain with the production adapters, pointed at this sandbox; they wait `patience` seconds."""
    ponto = PontoSettings(
        f"{sandbox_url}/ponto", "bizcuit-ponto", "sandbox-ponto-secret", read_timeout=5, order_timeout=5,
        signer=PontoSigner(development_identity(folder).key, "tests"),
    )  # fmt: skip
    world = Services(
        payroll=SoapPayroll(sandbox_url, read_timeout=patience, file_timeout=patience, pauses=(0.01,)),
        payroll_rest=RestPayroll(RestSettings(f"{sandbox_url}/nmbrs-rest", "sandbox-subscription-key")),
        nmbrs_oauth=NmbrsOAuth(
            OAuthSettings(
                authority=f"{sandbox_url}/nmbrs-identity/connect", client_id="bizcuit-nmbrs",
                client_secret="sandbox-nmbrs-secret", scopes=NMBRS_SCOPES,
            )
        ),
        bank=BanksByAdapter(
            {
                "berlin_group": BerlinGroupBank(development_identity(folder), read_timeout=patience),
                "ponto": PontoBank(ponto),
            }
        ),
        ponto=PontoOAuth(ponto, f"{sandbox_url}/ponto/api"),
        banks=CachedDirectory(sandbox_url),
        identity=OidcProvider(OidcSettings(f"{sandbox_url}/broker", "bizcuit", "sandbox-secret")),
        register=KvkRegister(f"{sandbox_url}/kvk/api", "tests", pauses=(0.01,)),
        mailer=SmtpMailer("127.0.0.1", smtp_port, "Bizcuit <noreply@bizcuit.nl>"),
        pusher=WebPushClient("A" * 42 + "E", "support@bizcuit.nl", local=sandbox_url),
        anchors=FileAnchors(folder / f"anchors-{next(_numbers)}.jsonl"),
        keyring=Keyring({"k1": b"1" * 32}, "k1"), lookup_key=b"lookup" * 8, pin_pepper=b"pepper" * 8,
        base_url=base_url, hook_url=base_url, support_email="support@bizcuit.nl",
    )  # fmt: skip
    configure(world)
    return world


@dataclass
class Demo:
    """A customer who has completed onboarding, created directly in the database."""

    user: User
    client: Client
    membership: Membership
    consent: BankConsent
    account: BankAccount
    other: BankAccount
    connection: NmbrsConnection
    company: PayrollCompany

    def batch(self, lines: Sequence[tuple[str, str, int]] = LINES, number: int = 1) -> Batch:
        """Return a batch with these lines, created by the import."""
        return make_batch(self.company, lines, number)

    def view(self, batch: Batch) -> Payment:
        return queries.get_payment(self.client, batch.reference)


def make_user(email: str | None = None, name: str = "Wouter de Jong") -> User:
    return User.create(
        email=email or f"person{next(_numbers)}@demobv.example", name=name, password_hash="-",
        email_confirmed_at=datetime.now(UTC),
    )  # fmt: skip


def make_device(user: User) -> Device:
    """Return a device that the user has confirmed."""
    now = datetime.now(UTC)
    return Device.create(
        user=user, token_hash=blind_index(f"d{next(_numbers)}"), user_agent="", confirmed_at=now, confirmed_by="mail"
    )


def here(membership: Membership) -> Device:
    """Return the user's confirmed device, always the same one."""
    return Device.get_or_none(Device.user == membership.user_id) or make_device(membership.user)


def make_client(user: User, role: str = "owner") -> Membership:
    number = next(_numbers)
    client = Client.create(public_id=f"client{number:06d}", name="Demo BV", kvk_number="68750110")
    create_key(client)
    return Membership.create(user=user, client=client, role=role)


def make_demo(sandbox: Sandbox | None = None, bank: str = "redirect", pin: bool = True) -> Demo:
    """Create user, client, authority, two accounts and a mapped company.

    The Nmbrs credentials are the sandbox's if it is given.
    """
    user = make_user()
    membership = make_client(user)
    client = membership.client
    if pin:
        Pin.create(user=user, pin_hash=passwords.hash_pin(user.id, PIN))
    authorise(client, user)
    consent = make_consent(client, user, bank)
    account, other = make_account(consent, DEMO_IBAN), make_account(consent, OTHER_IBAN)
    known = sandbox.credentials if sandbox else {"nmbrs_user": "a@b.example", "nmbrs_token": "t"}
    email = known["nmbrs_user"]
    connection = NmbrsConnection.create(
        client=client, email=email, environment="demo",
        token_encrypted=encrypt(known["nmbrs_token"], "nmbrs_connection", client.id, email),
    )  # fmt: skip
    company = PayrollCompany.create(
        connection=connection, client=client, nmbrs_id="9969", stable_key="9969", number="9969", name="Demo BV",
        kvk_number="68750110", bank_account=account, mapped_at=datetime.now(UTC),
    )  # fmt: skip
    return Demo(user, client, membership, consent, account, other, connection, company)


def authorise(client: Client, user: User, answer: str = "authorised", ago: timedelta = timedelta(days=1)) -> None:
    first, *last = user.name.split()
    named = {"initials": first[0], "last_name": " ".join(last) or first, "prefix": None, "birth_date": "1985-02-03"}
    person = WOUTER if user.name == "Wouter de Jong" else json.dumps(named)
    Identification.create(
        user=user, provider="broker", subject=f"s{user.id}",
        person_encrypted=encrypt(person, "identification", user.id),
        authenticated_at=datetime.now(UTC), evidence="-", created_at=datetime.now(UTC) - ago,
    )  # fmt: skip
    Authority.create(client=client, user=user, answer=answer, reason="alone")


def make_consent(client: Client, user: User, bank: str) -> BankConsent:
    return BankConsent.create(
        client=client, user=user, bank=bank, consent_id="c", status="valid",
        state_hash=blind_index(f"l{next(_numbers)}"), holder_confirmed_at=datetime.now(UTC),
    )  # fmt: skip


def make_account(consent: BankConsent, iban: str) -> BankAccount:
    return BankAccount.create(
        client=consent.client_id, consent=consent, bank=consent.bank, iban=iban, name="ING Zakelijk",
        holder_name="Demo BV", resource_id=iban, balance_cents=84_210_55, balance_at=datetime.now(UTC),
        limit_payment_cents=100_000_00, limit_day_cents=250_000_00,
    )  # fmt: skip


def make_file(lines: Sequence[tuple[str, str, int]] = LINES, debtor: str | None = DEMO_IBAN) -> PaymentFile:
    found = [PaymentLine(name, iban, amount, "Salaris April 2026", None) for name, iban, amount in lines]
    return PaymentFile("pain.001.001.03", "Demo BV", debtor, len(found), sum(x.amount_cents for x in found), found)


def make_run(company: PayrollCompany, number: int = 1) -> PayrollRun:
    return PayrollRun.create(
        client=company.client_id, company=company, nmbrs_id=str(700000 + number), number=number, year=2026,
        description="april",
    )  # fmt: skip


def make_batch(company: PayrollCompany, lines: Sequence[tuple[str, str, int]] = LINES, number: int = 1) -> Batch:
    file = make_file(lines)
    batch = intake.create_batch_version(
        make_run(company, number), file, [intake.to_payable_line(line) for line in file.lines]
    )
    assert batch is not None
    return batch


def with_limits(world: Services, payment: int, day: int) -> Services:
    changed = replace(world, limit_payment_cents=payment, limit_day_cents=day)
    configure(changed)
    return changed
