"""What the domain is given: adapters of the outside, keys, addresses and amounts. Set once at start."""

from dataclasses import dataclass, field
from typing import Protocol

from connectors.bank.port import Bank, BankConfig
from connectors.bank.port import Psu as Psu
from connectors.identity.port import IdentityProvider
from connectors.nmbrs.port import Payroll
from connectors.oauth import OAuthClient
from connectors.register.port import BusinessRegister
from connectors.smtp import SmtpMailer
from connectors.web_push import WebPushClient
from core.encryption import Keyring


class Banks(Protocol):
    def lines(self) -> dict[str, BankConfig]: ...


@dataclass(frozen=True)
class Services:
    """Amounts are cents."""

    payroll: Payroll
    payroll_rest: Payroll
    nmbrs_oauth: OAuthClient
    bank: Bank
    banks: Banks
    identity: IdentityProvider
    register: BusinessRegister
    mailer: SmtpMailer
    pusher: WebPushClient
    keyring: Keyring
    lookup_key: bytes = field(repr=False)
    pin_pepper: bytes = field(repr=False)
    base_url: str
    hook_url: str
    support_email: str
    limit_payment_cents: int = 100_000_00
    limit_day_cents: int = 250_000_00
    poll_seconds: int = 3600
    rest_offered: bool = True
    ponto: OAuthClient | None = None  # where customers give us the key to their banks


_world: Services | None = None


def configure(world: Services) -> None:
    """Hand the adapters in; `app.py` and `worker.py` do this at start."""
    global _world
    _world = world


def services() -> Services:
    if _world is None:
        raise RuntimeError("the domain was not furnished")
    return _world
