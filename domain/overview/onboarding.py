"""Where a new customer stands: the steps of the manual, and which comes next."""

from dataclasses import dataclass, replace

from connectors.register.port import Company, RegisterDown
from domain.accounts import pins
from domain.banking import linking
from domain.common.errors import RegisterUnavailable
from domain.common.services import services
from domain.identity import identification, signing_authority
from models import Client, Delivery, Membership, NmbrsConnection, PayrollCompany, User

SEARCHED_FROM = 3  # letters


@dataclass(frozen=True)
class OnboardingStep:
    key: str
    done: bool
    current: bool = False
    detail: str | None = None


def search_companies(text: str) -> list[Company]:
    """Companies of this name or number in the register, to choose from at registering. RegisterUnavailable."""
    wanted = " ".join(text.split())
    if len(wanted) < SEARCHED_FROM:
        return []
    try:
        return services().register.search(wanted[:100])
    except RegisterDown as error:
        raise RegisterUnavailable from error


APPROVER_STEPS = ("pin", "identification", "authority")


def steps(client: Client, user: User) -> list[OnboardingStep]:
    """In order; the first that is not done is the current one. Who only prepares proves nothing before a payment."""
    standing = signing_authority.latest_decision(client, user)
    mapped = PayrollCompany.select().where(PayrollCompany.client == client.id, PayrollCompany.mapped_at.is_null(False))
    found = [
        OnboardingStep("email", user.email_confirmed_at is not None),
        OnboardingStep("pin", pins.has_pin(user)),
        OnboardingStep("identification", identification.is_identified(user)),
        OnboardingStep(
            "authority", bool(standing and standing.answer == "yes"), detail=standing.answer if standing else None
        ),
        OnboardingStep("bank", bool(linking.payable_accounts(client))),
        OnboardingStep("nmbrs", NmbrsConnection.select().where(NmbrsConnection.client == client.id).exists()),
        OnboardingStep("mapping", mapped.exists()),
        OnboardingStep("webhook", Delivery.select().where(Delivery.client == client.id).exists()),
    ]
    mine = Membership.get_or_none(Membership.client == client.id, Membership.user == user.id)
    if mine is not None and mine.role == "preparer":
        found = [step for step in found if step.key not in APPROVER_STEPS]
    current = next((step.key for step in found if not step.done), None)
    return [replace(step, current=step.key == current) for step in found]


def finished(client: Client, user: User) -> bool:
    """Everything that a first payment needs; the webhook shows itself with the first run."""
    return all(step.done for step in steps(client, user) if step.key != "webhook")
