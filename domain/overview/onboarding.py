"""Onboarding: which steps of the manual a new customer has completed, and which comes next."""

from dataclasses import dataclass, replace

from connectors.register.port import Company, RegisterDown
from domain.accounts import pins
from domain.banking import bank_accounts
from domain.common.errors import RegisterUnavailable
from domain.common.services import services
from domain.identity import identification, signing_authority
from models import Client, Membership, NmbrsConnection, PayrollCompany, User, WebhookDelivery
from models.states import AuthorityAnswer, Role, RunKind

SEARCHED_FROM = 3  # letters


@dataclass(frozen=True)
class OnboardingStep:
    key: str
    done: bool
    current: bool = False
    detail: str | None = None


def search_companies(text: str) -> list[Company]:
    """Search the business register by name or number. Fewer than three letters find nothing.

    Raises:
    - RegisterUnavailable
    """
    query = " ".join(text.split())
    if len(query) < SEARCHED_FROM:
        return []
    try:
        return services().register.search(query[:100])
    except RegisterDown as error:
        raise RegisterUnavailable from error


APPROVER_STEPS = ("pin", "identification", "authority")


def steps(client: Client, user: User) -> list[OnboardingStep]:
    """Return the onboarding steps in order; the first that is not done is current.

    A preparer cannot approve, and therefore skips pin, identification and authority.
    """
    decision = signing_authority.latest_decision(client, user)
    mapped = PayrollCompany.select().where(PayrollCompany.client == client.id, PayrollCompany.mapped_at.is_null(False))
    all_steps = [
        OnboardingStep("email", user.email_confirmed_at is not None),
        OnboardingStep("pin", pins.has_pin(user)),
        OnboardingStep("identification", identification.is_identified(user)),
        OnboardingStep(
            "authority", bool(decision and decision.answer == AuthorityAnswer.AUTHORISED),
            detail=decision.answer if decision else None
        ),
        OnboardingStep("bank", bool(bank_accounts.accounts_for(client, RunKind.SALARY))),
        OnboardingStep("nmbrs", NmbrsConnection.select().where(NmbrsConnection.client == client.id).exists()),
        OnboardingStep("mapping", mapped.exists()),
        OnboardingStep("webhook", WebhookDelivery.select().where(WebhookDelivery.client == client.id).exists()),
    ]
    mine = Membership.get_or_none(Membership.client == client.id, Membership.user == user.id)
    if mine is not None and mine.role == Role.PREPARER:
        all_steps = [step for step in all_steps if step.key not in APPROVER_STEPS]
    current = next((step.key for step in all_steps if not step.done), None)
    return [replace(step, current=step.key == current) for step in all_steps]


def finished(client: Client, user: User) -> bool:
    """Return whether everything needed for a first payment is done. The webhook proves itself with the first run."""
    return all(step.done for step in steps(client, user) if step.key != "webhook")
