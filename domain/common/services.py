"""The services that the domain uses: adapters, keys, addresses and limits. Set once at start."""

from dataclasses import dataclass, field
from typing import Protocol

from connectors.anchors import AnchorStore
from connectors.bank.port import Bank, BankConfig
from connectors.bank.port import Psu as Psu
from connectors.identity.port import IdentityProvider
from connectors.marks import MarkStore
from connectors.names.port import NameChecker
from connectors.nmbrs.port import Payroll
from connectors.oauth import OAuthClient
from connectors.register.port import BusinessRegister
from connectors.smtp import SmtpMailer
from connectors.web_push import WebPushClient
from core.encryption import Keyring
from domain.common.queue_state import QueueWatch
from models import row_register


class Banks(Protocol):
    """The configured banks by id."""

    def configs(self) -> dict[str, BankConfig]: ...


@dataclass(frozen=True)
class Services:
    """Adapters and settings of the domain. Amounts are integer cents; `poll_seconds` is seconds."""

    payroll: Payroll
    payroll_rest: Payroll
    nmbrs_oauth: OAuthClient
    bank: Bank
    banks: Banks
    identity: IdentityProvider
    register: BusinessRegister
    mailer: SmtpMailer
    pusher: WebPushClient
    anchors: AnchorStore
    keyring: Keyring
    lookup_key: bytes = field(repr=False)
    pin_pepper: bytes = field(repr=False)
    base_url: str
    hook_url: str
    support_email: str
    limit_payment_cents: int = 100_000_00
    limit_day_cents: int = 250_000_00
    poll_seconds: int = 3600
    kept_years: int = 7  # after the year of a run, until who was paid is removed from it
    rest_offered: bool = True
    operators_sign_in: bool = False  # also while no operator is registered: in production
    marks: tuple[MarkStore, ...] = ()  # none: a restore is not noticed by itself
    queue: QueueWatch | None = None  # None: no figures of the queue
    names: NameChecker | None = None  # None: no name is checked before a payment
    ponto: OAuthClient | None = None  # None: no banks through Ponto


_services: Services | None = None


def configure(value: Services) -> None:
    """Set the services; `app.py` and `worker.py` do this at start."""
    global _services
    _services = value
    row_register.use_key(value.lookup_key)


def services() -> Services:
    if _services is None:
        raise RuntimeError("the services of the domain are not configured")
    return _services
