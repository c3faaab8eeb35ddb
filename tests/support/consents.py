"""Takes a customer to a sandbox bank and back.

    walk = begin(demo.client, demo.user, "redirect")
    consent = walk.allow()
"""

from dataclasses import dataclass, replace

from connectors.bank.directory import HttpDirectory
from domain.banking import linking
from domain.common.services import Services, configure
from models import BankConsent, Client, User
from tests.support.bank import press
from tests.support.factories import DEMO_IBAN, OTHER_IBAN, PSU
from tests.support.sandbox import free_port

BOTH = (DEMO_IBAN, OTHER_IBAN)


@dataclass
class Walk:
    """A customer on the bank's page."""

    user: User
    page: str

    def decide(self, choice: str, *ibans: str) -> str:
        """Press a button at the bank. Returns the state of the redirect back."""
        way_back = press(self.page, choice, rekening=list(ibans)).headers["Location"]
        return way_back.partition("?")[0].rpartition("/")[2]

    def allow(self, *ibans: str) -> BankConsent:
        """Grant these accounts (default both) and return to the app."""
        return linking.complete_consent(self.decide("toestaan", *(ibans or BOTH)), self.user, PSU)


def begin(client: Client, user: User, bank: str = "redirect") -> Walk:
    return Walk(user, linking.start_consent(client, user, bank, PSU, None))


def linked(client: Client, user: User, bank: str = "redirect", *ibans: str) -> BankConsent:
    """Return a granted consent whose holder the customer confirmed."""
    consent = begin(client, user, bank).allow(*ibans)
    return linking.confirm_holder(client, user, consent.id)


def without_directory(world: Services) -> Services:
    """Return the same services with an unreachable bank directory and nothing cached."""
    gone = replace(world, banks=HttpDirectory(f"http://127.0.0.1:{free_port()}/banks", ttl_seconds=0))
    configure(gone)
    return gone
