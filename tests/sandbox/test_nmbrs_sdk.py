"""The independent SDK `nmbrs` from PyPI, written for the real service, works unchanged."""

from typing import Any

import pytest
from nmbrs import Nmbrs
from nmbrs.data_classes.debtor import WebhookSetting
from nmbrs.exceptions import (
    AuthenticationException,
    AuthorizationException,
    InvalidEndpointException,
    InvalidNameException,
    NotFoundException,
    UnauthorizedCompanyException,
)
from nmbrs.service.service import Service

from tests.support.sandbox import Sandbox

DEBTOR = 21840


@pytest.fixture
def sdk(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Nmbrs:
    """The SDK with its base URL, a constant in its code, set to the sandbox."""
    made_as_usual = Service.__init__

    def at_the_sandbox(self: Service, *arguments: Any) -> None:
        made_as_usual(self, *arguments)
        self.base_uri = f"{sandbox.url}/soap/v3/"

    monkeypatch.setattr(Service, "__init__", at_the_sandbox)
    given = sandbox.credentials
    return Nmbrs(given["nmbrs_user"], given["nmbrs_token"])


def setting(**changed: Any) -> WebhookSetting:
    events = [{"EventId": 1, "Active": True}, {"EventId": 2, "Active": False}]
    data = {"Name": "Bizcuit", "Endpoint": "https://example.org/hook", "Active": True, "Event": events}
    return WebhookSetting(DEBTOR, data | changed)


def test_it_authenticates_with_a_token(sdk: Nmbrs):
    assert sdk.auth_manager.get_domain() == "demo"


def test_a_wrong_token_is_reported(sandbox: Sandbox, sdk: Nmbrs):
    with pytest.raises(AuthenticationException):
        Nmbrs(sandbox.credentials["nmbrs_user"], "wrong")


def test_it_lists_debtors_and_companies(sdk: Nmbrs):
    assert [debtor.name for debtor in sdk.debtor.get_all()] == ["Demo BV", "Duinrand Catering BV"]
    demo, period = sdk.debtor.get(DEBTOR), sdk.company.get_current_period(9969)
    account = sdk.company.bank_account.get_current(9969)
    assert demo and period and account
    assert (demo.number, period.type, account.iban) == ("1", "M", "NL95INGB0004921836")
    assert sdk.debtor.is_owner() is True
    assert [company.kvk_number for company in sdk.company.get_all()] == ["68750110", "57842019"]
    assert [company.id for company in sdk.company.get_by_debtor(DEBTOR)] == [9969]


def test_it_lists_runs_and_their_employees(sandbox: Sandbox, sdk: Nmbrs):
    assert sdk.company.run.get(9969, sandbox.credentials["year"]) == []
    made = sandbox.run_payroll(lines=8, description="april")
    (run,) = sdk.company.run.get(9969, made["year"])
    assert (run.id, run.number, run.period_start, run.locked) == (made["run"], 1, 4, True)
    people = sdk.company.run.get_all_employees_by_run(9969, made["year"], run.id)
    assert [person.number for person in people] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_it_lists_employees(sdk: Nmbrs):
    people = sdk.employee.get_by_company(9969, 1)
    assert people[1].name == "Naomi Donkersloot Meijer"
    assert sdk.employee.bank_account.get_current(people[1].id)[0].iban == "NL52ABNA7650143244"
    assert [info.last_name for info in sdk.employee.personal_info.get_all_by_company_without_bsn(9969)][:2] == [
        "Jong",
        "Donkersloot Meijer",
    ]
    assert len(sdk.employee.get_types()) == 2


def test_it_creates_reads_and_deletes_a_webhook(sdk: Nmbrs):
    names = [event.event_name for event in sdk.debtor.webhook.get_all_events()]
    assert names[:2] == ["Run Finish", "Journals Finish"]
    number = sdk.debtor.webhook.insert(DEBTOR, setting())
    (kept,) = sdk.debtor.webhook.get_all(DEBTOR)
    assert (kept.webhook_setting_id, kept.name, kept.endpoint, kept.active) == (
        number, "Bizcuit", "https://example.org/hook", True,
    )  # fmt: skip
    assert [event.event_name for event in kept.events if event.active] == ["Run Finish"]
    assert sdk.debtor.webhook.delete(DEBTOR, number) is True
    assert sdk.debtor.webhook.get_all(DEBTOR) == []


def test_an_invalid_webhook_is_reported(sdk: Nmbrs):
    with pytest.raises(InvalidEndpointException):
        sdk.debtor.webhook.insert(DEBTOR, setting(Endpoint="http://example.org/hook"))
    with pytest.raises(InvalidNameException):
        sdk.debtor.webhook.insert(DEBTOR, setting(Name=""))
    with pytest.raises(NotFoundException):
        sdk.debtor.webhook.delete(DEBTOR, 1)


def test_a_missing_permission_is_reported(sandbox: Sandbox, sdk: Nmbrs):
    with pytest.raises(UnauthorizedCompanyException):
        sdk.company.run.get(1, 2026)
    sandbox.fault(nmbrs_no_runs_right=True)
    with pytest.raises(AuthorizationException):
        sdk.company.run.get(9969, 2026)


def test_it_reads_wage_tax_and_guids(sandbox: Sandbox, sdk: Nmbrs):
    made = sandbox.run_payroll()
    (tax,) = sdk.company.wage_tax.get_all_wagetax(9969, made["year"])
    assert tax.total_general == 6932
    mappings = sdk.company.get_converter_mappings(9969, "Employee").mappings
    assert [mapping.id for mapping in mappings] == list(range(503301, 503309))
    assert len({mapping.guid for mapping in mappings}) == 8
