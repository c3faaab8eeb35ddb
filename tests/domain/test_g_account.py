"""A G-account pays wage tax, never salaries: nobody can choose it, approve with it, or have it sent."""

import pytest

from core.iban import is_g_account, normalise
from domain.banking import bank_accounts
from domain.common.errors import GAccountPaysTaxOnly
from domain.orders import obstacles
from domain.orders.order_preview import preview_order
from domain.overview import onboarding
from domain.payments import amendments
from domain.payments.release import release
from domain.payroll import companies
from models import BankAccount, Batch, PayrollCompany, Release
from models.states import RunKind
from tests.support.factories import DEMO_IBAN, OTHER_IBAN, PSU, Demo, make_account

G_IBAN = "NL82INGB0991234560"


@pytest.fixture
def g_account(demo: Demo) -> BankAccount:
    return make_account(demo.account.consent, G_IBAN)


@pytest.mark.parametrize(
    ("iban", "expected"),
    [
        (G_IBAN, True), ("NL57RABO0991234560", True), (DEMO_IBAN, False), (OTHER_IBAN, False),
        ("NL86INGB0002445588", False),  # of the tax authority
        ("BE68539007547034", False), ("DE89370400440532013000", False),
    ],
)  # fmt: skip
def test_an_account_number_that_begins_with_099_is_a_g_account(iban: str, expected: bool):
    assert is_g_account(normalise(iban)) is expected


def test_only_a_dutch_account_number_is_one():
    assert not is_g_account("BE00INGB0991234560")
    assert not is_g_account("NL00INGB0099123456")


def test_it_is_offered_for_wage_tax_and_never_for_salaries(demo: Demo, g_account: BankAccount):
    salaries = bank_accounts.accounts_for(demo.client, RunKind.SALARY)
    assert [one.iban for one in salaries] == [DEMO_IBAN, OTHER_IBAN]
    assert G_IBAN in [one.iban for one in bank_accounts.accounts_for(demo.client, RunKind.WAGE_TAX)]


def test_no_administratie_is_mapped_to_it(demo: Demo, g_account: BankAccount):
    connection = demo.company.connection
    with pytest.raises(GAccountPaysTaxOnly):
        companies.save_mapping(demo.client, demo.user, connection, {demo.company.id: g_account.id}, confirmed=True)
    assert PayrollCompany.get_by_id(demo.company.id).bank_account_id == demo.account.id


def test_a_salary_payment_is_not_moved_to_it(demo: Demo, g_account: BankAccount):
    batch = demo.batch()
    with pytest.raises(GAccountPaysTaxOnly):
        amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, g_account.id)
    assert Batch.get_by_id(batch.id).bank_account_id == demo.account.id


def test_a_wage_tax_payment_is_moved_to_it_and_approved(demo: Demo, g_account: BankAccount):
    batch = demo.batch()
    Batch.update(kind=RunKind.WAGE_TAX).where(Batch.id == batch.id).execute()
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, g_account.id)
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert Release.get(Release.batch == batch.id).debtor_iban == G_IBAN


def test_a_salary_payment_that_stands_on_it_is_not_approved(demo: Demo, g_account: BankAccount):
    batch = demo.batch()
    Batch.update(bank_account=g_account.id).where(Batch.id == batch.id).execute()
    with pytest.raises(GAccountPaysTaxOnly):
        release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert not Release.select().exists()
    with pytest.raises(GAccountPaysTaxOnly):
        preview_order(Batch.get_by_id(batch.id))


def test_an_approved_salary_payment_on_it_is_opened_again_before_it_is_sent(demo: Demo, g_account: BankAccount):
    batch = demo.batch()
    approved = release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert isinstance(approved, Release)
    assert obstacles.obstacle(Batch.get_by_id(batch.id), approved) is None
    Batch.update(bank_account=g_account.id).where(Batch.id == batch.id).execute()
    obstacles.reopen_if_too_late(Batch.get_by_id(batch.id))
    now = Batch.get_by_id(batch.id)
    assert (now.state, now.state_reason) == ("open", "g_account")


def test_it_does_not_complete_the_linking_of_a_bank(demo: Demo, g_account: BankAccount):
    BankAccount.update(iban="NL55INGB0991234561").where(BankAccount.id == demo.account.id).execute()
    BankAccount.update(iban="NL28INGB0991234562").where(BankAccount.id == demo.other.id).execute()
    done = {step.key: step.done for step in onboarding.steps(demo.client, demo.user)}
    assert not done["bank"]


