"""Nmbrs over REST: the result of each call, the meaning of each error, and no exposure of tokens."""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.nmbrs import port
from connectors.nmbrs.payment_file import read_payment_file
from connectors.nmbrs.rest import RestPayroll, RestSettings
from tests.support import nmbrs_rest as side
from tests.support.receiver import receiver
from tests.support.sandbox import Sandbox

DAY = date(2026, 11, 25)
YEAR = datetime.now(UTC).year
COMPANY = side.guid("Company", 9969)


def payroll(sandbox: Sandbox, **changed: Any) -> RestPayroll:
    settings = {"read_timeout": 5, "document_pauses": (0.01,), "file_timeout": 3} | changed
    return RestPayroll(RestSettings(f"{sandbox.url}/nmbrs-rest", side.KEY, **settings))


@pytest.fixture
def keys(sandbox: Sandbox) -> port.Credentials:
    """Credentials with a consent for Demo BV."""
    return port.Credentials("", side.tokens(sandbox, side.DEBTOR)["access_token"])


@pytest.fixture
def both(sandbox: Sandbox) -> port.Credentials:
    """A consent for two debtors."""
    return port.Credentials("", side.tokens(sandbox, side.DEBTOR, side.SECOND_DEBTOR)["access_token"])


# --- results ---
def test_environment_debtors_and_companies(sandbox: Sandbox, keys: port.Credentials):
    rest = payroll(sandbox)
    assert rest.environment(keys) == port.Environment("Demo BV", side.guid("Debtor", side.DEBTOR))
    assert [(one.id, one.number, one.name) for one in rest.debtors(keys)] == [
        (side.guid("Debtor", side.DEBTOR), "1", "Demo BV")
    ]
    (company,) = rest.companies(keys)
    assert (company.id, company.number, company.name, company.kvk_number) == (COMPANY, "9969", "Demo BV", None)
    assert rest.companies(keys, side.guid("Debtor", side.DEBTOR)) == [company]
    assert rest.company_iban(keys, COMPANY) == "NL95INGB0004921836"


def test_a_consent_for_several_debtors_reads_each(sandbox: Sandbox, both: port.Credentials):
    assert sorted(one.number for one in payroll(sandbox).companies(both)) == ["4410", "9969"]


@pytest.mark.parametrize("fault", ["nmbrs_rest_small_pages", "nmbrs_rest_extra_field"])
def test_all_pages_are_read_and_new_fields_ignored(sandbox: Sandbox, keys: port.Credentials, fault: str):
    sandbox.fault(**{fault: True})
    made = [sandbox.run_payroll(lines=3, description=month, webhook="none") for month in ("mei", "juni", "juli")]
    found = payroll(sandbox).runs(keys, COMPANY, YEAR)
    assert [run.number for run in found] == [run["number"] for run in made]
    people = payroll(sandbox).employees(keys, COMPANY)
    assert len(people) == 8


def test_a_run_equals_that_of_soap(sandbox: Sandbox, keys: port.Credentials):
    sandbox.run_payroll(lines=8, description="april", webhook="none")
    (run,) = payroll(sandbox).runs(keys, COMPANY, YEAR)
    assert (run.number, run.year, run.period_start, run.period_end, run.description, run.locked) == (
        1, YEAR, 4, 4, "april", True,
    )  # fmt: skip
    assert run.run_at is not None
    assert abs((datetime.now(UTC) - run.run_at).total_seconds()) < 3600
    assert len(payroll(sandbox).employees_in_run(keys, COMPANY, run.id, YEAR)) == 8


def test_the_payment_file_is_awaited_and_equals_that_of_soap(sandbox: Sandbox, keys: port.Credentials):
    sandbox.fault(nmbrs_rest_slow_document=True)
    sandbox.run_payroll(lines=8, webhook="none")
    rest = payroll(sandbox)
    raw = rest.sepa_file(keys, COMPANY, rest.runs(keys, COMPANY, YEAR)[0].id, YEAR, DAY)
    assert raw is not None
    assert read_payment_file(raw, "x").total_cents == 1_980_608


@pytest.mark.parametrize("fault", ["nmbrs_sepa_empty", "nmbrs_sepa_nil"])
def test_a_run_without_payments_has_no_file(sandbox: Sandbox, keys: port.Credentials, fault: str):
    sandbox.fault(**{fault: True})
    sandbox.run_payroll(lines=8, webhook="none")
    rest = payroll(sandbox)
    assert rest.sepa_file(keys, COMPANY, rest.runs(keys, COMPANY, YEAR)[0].id, YEAR, DAY) is None


def test_a_document_that_is_never_ready_is_temporary(sandbox: Sandbox, keys: port.Credentials):
    sandbox.fault(nmbrs_rest_slow_document=True)
    sandbox.run_payroll(lines=8, webhook="none")
    rest = payroll(sandbox, file_timeout=0)
    with pytest.raises(port.TemporaryError):
        rest.sepa_file(keys, COMPANY, rest.runs(keys, COMPANY, YEAR)[0].id, YEAR, DAY)


def test_people_by_name_and_account(sandbox: Sandbox, keys: port.Credentials):
    rest = payroll(sandbox)
    people = {person.last_name: person for person in rest.employees(keys, COMPANY)}
    wouter = people["Jong"]
    assert (wouter.first_name, wouter.initials, wouter.prefix) == ("Wouter", "W.", "de")
    assert rest.employee_ibans(keys, COMPANY, [wouter.id, "nobody"]) == {
        wouter.id: ["NL42INGB2268352412"], "nobody": [],
    }  # fmt: skip


def test_wage_tax(sandbox: Sandbox, keys: port.Credentials):
    sandbox.run_payroll(lines=8, description="april", webhook="none")
    rest = payroll(sandbox)
    (tax,) = rest.wage_taxes(keys, COMPANY, YEAR)
    assert (tax.period, tax.year, tax.total_cents, len(tax.reference)) == (4, YEAR, 693_200, 16)
    assert tax.period_end == date(YEAR, 4, 30)
    raw = rest.wage_tax_file(keys, COMPANY, "0", tax.id, YEAR, DAY)
    assert raw is not None
    assert read_payment_file(raw, "x").total_cents == 693_200


def test_it_has_no_webhooks_and_no_guids_to_convert(sandbox: Sandbox, keys: port.Credentials):
    rest = payroll(sandbox)
    assert rest.guids(keys, COMPANY) == {}
    for ask in (
        lambda: rest.webhook_events(keys),
        lambda: rest.webhooks(keys, "1"),
        lambda: rest.insert_webhook(keys, "1", "n", "e", []),
        lambda: rest.delete_webhook(keys, "1", "2"),
    ):
        with pytest.raises(port.NotThere):
            ask()


# --- errors ---
FAULTS: dict[str, tuple[type[port.PayrollError], str]] = {
    "nmbrs_rest_401": (port.BadCredentials, "40102"),
    "nmbrs_rest_40303": (port.NotVisible, "40303"),
    "nmbrs_rest_40304": (port.Disabled, "40304"),
    "nmbrs_rest_42908": (port.RateLimited, "42908"),
    "nmbrs_rest_42909": (port.QuotaUsedUp, "42909"),
    "nmbrs_rest_50001": (port.TemporaryError, "50001"),
    "nmbrs_rest_50201": (port.TemporaryError, "50201"),
    "nmbrs_rest_503": (port.TemporaryError, "50301"),
}
ELSEWHERE = {"nmbrs_rest_40306", "nmbrs_rest_slow_document", "nmbrs_rest_document_lost", "nmbrs_rest_small_pages",
             "nmbrs_rest_extra_field"}  # fmt: skip
# Each operation of the port, by its path in the vendor's contract.
CALLS: dict[str, Callable[[RestPayroll, port.Credentials], Any]] = {
    "/api/user/info": lambda rest, keys: rest.environment(keys),
    "/api/debtors": lambda rest, keys: rest.debtors(keys),
    "/api/companies": lambda rest, keys: rest.companies(keys),
    "/api/debtors/{debtorId}/companies": lambda rest, keys: rest.companies(keys, COMPANY),
    "/api/companies/{companyId}/bankaccounts": lambda rest, keys: rest.company_iban(keys, COMPANY),
    "/api/companies/{companyId}/runs": lambda rest, keys: rest.runs(keys, COMPANY, YEAR),
    "/api/companies/{companyId}/runs/{payrollRunId}/employees": lambda rest, keys: rest.employees_in_run(
        keys, COMPANY, COMPANY, YEAR
    ),
    "/api/companies/{companyId}/runs/{payrollRunId}/sepa": lambda rest, keys: rest.sepa_file(
        keys, COMPANY, COMPANY, YEAR, DAY
    ),
    "/api/companies/{companyId}/employees/personalinfo": lambda rest, keys: rest.employees(keys, COMPANY),
    "/api/companies/{companyId}/employees/bankaccounts": lambda rest, keys: rest.employee_ibans(keys, COMPANY, []),
    "/api/companies/{companyId}/wagetaxes": lambda rest, keys: rest.wage_taxes(keys, COMPANY, YEAR),
    "/api/companies/{companyId}/wagetaxes/{wageTaxId}/sepa": lambda rest, keys: rest.wage_tax_file(
        keys, COMPANY, "1", COMPANY, YEAR, DAY
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_in_every_call(sandbox: Sandbox, keys: port.Credentials, fault: str):
    rest, (error, code) = payroll(sandbox), FAULTS[fault]
    sandbox.fault(**{fault: True})
    for path, ask in CALLS.items():
        with pytest.raises(error) as told:
            ask(rest, keys)
        assert (type(told.value), told.value.code, told.value.call) == (error, code, f"GET {path}")


def test_every_fault_is_covered(sandbox: Sandbox):
    switches = {name for name in sandbox.control("GET", "faults") if name.startswith("nmbrs_rest_")}
    assert switches == {*FAULTS, *ELSEWHERE}


def test_40306_reads_each_debtor(sandbox: Sandbox, keys: port.Credentials):
    sandbox.fault(nmbrs_rest_40306=True)
    assert [one.number for one in payroll(sandbox).companies(keys)] == ["9969"]


def test_a_lost_document_is_not_visible(sandbox: Sandbox, keys: port.Credentials):
    sandbox.run_payroll(lines=8, webhook="none")
    rest = payroll(sandbox)
    run_id = rest.runs(keys, COMPANY, YEAR)[0].id
    sandbox.fault(nmbrs_rest_document_lost=True)
    with pytest.raises(port.NotVisible):
        rest.sepa_file(keys, COMPANY, run_id, YEAR, DAY)


@pytest.mark.parametrize("company_id", ["9969", "", "../debtors", side.guid("Company", 1)])
def test_an_unknown_id_is_not_visible(sandbox: Sandbox, keys: port.Credentials, company_id: str):
    with pytest.raises(port.NotVisible):
        payroll(sandbox).runs(keys, company_id, YEAR)


def test_a_wrong_subscription_key_is_refused(sandbox: Sandbox, keys: port.Credentials):
    rest = RestPayroll(RestSettings(f"{sandbox.url}/nmbrs-rest", "wrong"))
    with pytest.raises(port.BadCredentials):
        rest.debtors(keys)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"<html>onderhoud</html>", port.TemporaryError),
        (200, b'{"data": "x"}', port.Unreadable),
        (200, b'{"data": [1]}', port.Unreadable),
        (200, b'{"data": [{"number": 1}]}', port.Unreadable),
        (302, b"", port.TemporaryError),
        (403, b"", port.TemporaryError),
        (401, b"", port.TemporaryError),
        (429, b"", port.RateLimited),
        (503, b"<html>", port.TemporaryError),
        (400, b'{"code": 40033, "title": "Parameter_Invalid"}', port.Unreadable),
    ],
)
def test_an_unexpected_media_type(status: int, body: bytes, error: type[port.PayrollError]):
    with receiver(status=status, body=body) as other:
        rest = RestPayroll(RestSettings(other.url, "k"))
        with pytest.raises(error) as told:
            rest.debtors(port.Credentials("", "secret-token"))
    assert type(told.value) is error


def test_an_unreachable_server_is_temporary():
    with pytest.raises(port.TemporaryError):
        RestPayroll(RestSettings("http://127.0.0.1:9", "k")).debtors(port.Credentials("", "t"))


def test_no_secret_is_exposed(sandbox: Sandbox, keys: port.Credentials, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    sandbox.fault(nmbrs_rest_401=True)
    settings = RestSettings(f"{sandbox.url}/nmbrs-rest", side.KEY)
    with pytest.raises(port.BadCredentials) as told:
        RestPayroll(settings).debtors(keys)
    shown = [str(told.value), repr(told.value), repr(settings), repr(keys), str(told.value.__dict__), caplog.text]
    assert not any(keys.token in text or side.KEY in text for text in shown)
