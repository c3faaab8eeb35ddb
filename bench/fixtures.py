"""A client that can pay, in a new home folder, created without the pages."""

import os
import secrets
from dataclasses import replace
from pathlib import Path

import app
import config
import models
from bench.files import DEBTOR_IBAN
from core.clock import utcnow
from core.ids import public_id
from domain.accounts import accounts
from domain.common import services
from domain.common.encryption import encrypt
from domain.payroll import intake, webhook_keys
from models import (
    BankAccount,
    BankConsent,
    Batch,
    Client,
    Membership,
    NmbrsConnection,
    PayrollCompany,
    PayrollRun,
    User,
)

EMAIL, PASSWORD = "bench@demobv.example", "Negen-Kleine-Kikkers-71"


def settings(home: Path, sandbox_url: str) -> config.Config:
    """Return development settings for this folder, ignoring the other environment variables."""
    return config.load({
        "BIZCUIT_ENV": "development", "BIZCUIT_HOME": str(home), "BIZCUIT_SANDBOX_URL": sandbox_url,
        **database_named(),
    })  # fmt: skip


def database_named() -> dict[str, str]:
    """Return BIZCUIT_DATABASE_URL if set: the benchmarks can run on a server instead of SQLite."""
    url = os.environ.get("BIZCUIT_DATABASE_URL")
    return {"BIZCUIT_DATABASE_URL": url} if url else {}


def configure_services(home: Path, sandbox_url: str = "http://127.0.0.1:9") -> config.Config:
    """Configure the program on a migrated database. Without `sandbox_url` no external system is reachable."""
    here = settings(home, sandbox_url)
    app.configure_services(here)
    models.migrate()
    models.database.connect(reuse_if_open=True)
    return here


class OneFile:
    """A payroll that returns one payment file at once, so that Nmbrs's time is not measured."""

    most_account_owners = 0

    def __init__(self, file: bytes) -> None:
        self.file = file

    def sepa_file(self, *asked: object) -> bytes:
        return self.file

    def employees_in_run(self, *asked: object) -> list[str]:
        return []

    def employees(self, *asked: object) -> list[object]:
        return []


def hand_out(file: bytes) -> None:
    """Make the payroll return this file."""
    services.configure(replace(services.services(), payroll=OneFile(file)))  # type: ignore[arg-type]


def make_client(email: str = EMAIL, company: str = "9969", token: str = "token") -> Client:
    """Create a client with an owner who can log in, a bank account and a mapped company.

    `token`: of this e-mail address at Nmbrs, if runs are to be fetched there.
    """
    user = User.create(
        email=email, name="Bench", password_hash=accounts.passwords.hash_password(PASSWORD), email_confirmed_at=utcnow()
    )
    client = Client.create(public_id=public_id(), name="Demo BV", kvk_number="68750110")
    Membership.create(user=user, client=client, role="owner")
    webhook_keys.create_key(client)
    consent = BankConsent.create(
        client=client, user=user, bank="redirect", status="valid", state_hash=secrets.token_hex(16),
        holder_name="Demo BV", holder_confirmed_at=utcnow(),
    )  # fmt: skip
    account = BankAccount.create(
        client=client, consent=consent, bank="redirect", iban=DEBTOR_IBAN, name="Zakelijk", holder_name="Demo BV",
        resource_id="1", balance_cents=10**10, balance_at=utcnow(), limit_payment_cents=10**12, limit_day_cents=10**12,
    )  # fmt: skip
    connection = NmbrsConnection.create(
        client=client, email=email, environment="demo",
        token_encrypted=encrypt(token, "nmbrs_connection", client.id, email),
    )  # fmt: skip
    PayrollCompany.create(
        connection=connection, client=client, nmbrs_id=company, stable_key=company, number=company, name="Demo BV",
        kvk_number="68750110", bank_account=account, mapped_at=utcnow(),
    )  # fmt: skip
    return client


def take_in(client: Client, number: int) -> Batch | None:
    """Import one more run of the client's company, as the worker does."""
    company = PayrollCompany.get(PayrollCompany.client == client.id)
    run = PayrollRun.create(
        client=client, company=company, nmbrs_id=str(number), number=number, year=2026, description="november",
        run_at=utcnow(),
    )  # fmt: skip
    return intake.import_run(run.id)
