"""Mapping companies to accounts: the proposal, searching hundreds, confirmation, and wage tax."""

import html5lib
import pytest

from domain.payroll import permission_check
from models import AuditEvent, BankAccount, NmbrsConnection, NmbrsDebtor, PayrollCompany
from tests.support.factories import Demo
from tests.support.sandbox import Sandbox
from tests.support.web_client import WebClient

CONFIRM = "Ja, deze administratie wil ik vanaf deze rekening betalen"


@pytest.fixture
def path(demo: Demo) -> str:
    return f"/{demo.client.public_id}/apps/nmbrs/{demo.connection.id}/instellingen"


def make_company(demo: Demo, number: str, name: str, kvk: str | None = None, debtor: NmbrsDebtor | None = None):
    return PayrollCompany.create(
        connection=demo.connection, client=demo.client, nmbrs_id=number, stable_key=number, number=number, name=name,
        kvk_number=kvk, debtor=debtor,
    )  # fmt: skip


def unmap(demo: Demo) -> None:
    PayrollCompany.update(bank_account=None, mapped_at=None).where(PayrollCompany.id == demo.company.id).execute()


def chosen(page: str) -> dict[str, str]:
    """Return the selected account of each company on the page, in order."""
    root = html5lib.parse(page, treebuilder="lxml", namespaceHTMLElements=False)
    found = {}
    for select in root.iter("select"):
        options = [option for option in select.iter("option") if option.get("selected") is not None]
        found[select.get("name")] = options[0].get("value") if options else ""
    return found


def account_of(company: PayrollCompany) -> int | None:
    return PayrollCompany.get_by_id(company.id).bank_account_id


# --- the list ---
def test_the_own_company_is_first_with_the_only_account_proposed(owner: WebClient, demo: Demo, path: str):
    unmap(demo)
    BankAccount.delete().where(BankAccount.id == demo.other.id).execute()
    other = make_company(demo, "1000", "Aannemer BV", "57842019")
    page = owner.get(path).html
    assert list(chosen(page).items()) == [
        (f"company-{demo.company.id}", str(demo.account.id)), (f"company-{other.id}", ""),
    ]  # fmt: skip
    assert page.count("jouw KvK-nummer") == 1
    assert account_of(demo.company) is None


def test_with_two_accounts_none_is_proposed(owner: WebClient, demo: Demo, path: str):
    unmap(demo)
    assert chosen(owner.get(path).html) == {f"company-{demo.company.id}": ""}


def test_the_debtor_is_shown_if_there_are_several(owner: WebClient, demo: Demo, path: str):
    one, two = (
        NmbrsDebtor.create(connection=demo.connection, nmbrs_id=str(n), number=str(n), name=f"Debiteur-{n}")
        for n in (1, 2)
    )
    make_company(demo, "1000", "Bakker", debtor=one)
    assert "Debiteur-1" not in owner.get(path).html
    make_company(demo, "1001", "Slager", debtor=two)
    page = owner.open(path).text
    assert "Debiteur 1 Debiteur-1" in page
    assert "Debiteur 2 Debiteur-2" in page


def test_one_account_may_pay_several_companies(owner: WebClient, demo: Demo, path: str):
    second = make_company(demo, "1000", "Demo Holding BV", "68750110")
    answer = owner.post(path, {f"company-{one.id}": str(demo.other.id) for one in (demo.company, second)})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/{demo.client.public_id}/apps/nmbrs")
    assert (account_of(demo.company), account_of(second)) == (demo.other.id, demo.other.id)


@pytest.mark.parametrize("value", ["999999", "x", "-1", "99999999999999999999999"])
def test_an_unknown_account_changes_nothing(owner: WebClient, demo: Demo, path: str, value: str):
    assert owner.post(path, {f"company-{demo.company.id}": value}).headers["Location"] == path
    assert "Kies een rekening die is gekoppeld" in owner.get(path).html
    assert account_of(demo.company) == demo.account.id


def test_a_field_for_another_clients_company_is_ignored(owner: WebClient, demo: Demo, path: str):
    owner.post(path, {"company-999999": str(demo.account.id), "company-": "1", "company-x": "1"})
    assert PayrollCompany.select().count() == 1


# --- another KvK number ---
def test_another_kvk_number_needs_confirmation(owner: WebClient, demo: Demo, path: str):
    other = make_company(demo, "4410", "Duinrand Catering BV", "57842019")
    fields = {f"company-{demo.company.id}": str(demo.other.id), f"company-{other.id}": str(demo.account.id)}
    before = AuditEvent.select().count()
    asked = owner.post(path, fields)
    page = asked.html
    assert asked.status_code == 200
    for text in ("Duinrand Catering BV", "57842019", "68750110", "NL95 INGB 0004 9218 36", CONFIRM):
        assert text in page
    assert (account_of(demo.company), account_of(other)) == (demo.account.id, None)
    again = owner.post(path, fields | {"asked": "1"})
    assert (again.status_code, "Vink het vakje aan" in again.html) == (422, True)
    assert AuditEvent.select().count() == before
    assert owner.post(path, fields | {"asked": "1", "confirmed": "y"}).status_code == 303
    assert (account_of(demo.company), account_of(other)) == (demo.other.id, demo.account.id)


def test_the_confirmation_page_repeats_the_choices(owner: WebClient, demo: Demo, path: str):
    other = make_company(demo, "4410", "Duinrand Catering BV", None)
    page = owner.post(
        path, {f"company-{other.id}": str(demo.account.id), f"company-{demo.company.id}": "", "daarna": "seintje",
               f"loonheffing-getoond-{demo.company.id}": "1", f"loonheffing-{demo.company.id}": "1"}
    ).html  # fmt: skip
    root = html5lib.parse(page, treebuilder="lxml", namespaceHTMLElements=False)
    sent = {field.get("name"): field.get("value") for field in root.iter("input") if field.get("type") == "hidden"}
    assert "niet ingevuld" in page
    assert sent.pop("csrf_token")
    assert sent == {
        "asked": "1", "daarna": "seintje", f"company-{other.id}": str(demo.account.id),
        f"company-{demo.company.id}": "", f"loonheffing-getoond-{demo.company.id}": "1",
        f"loonheffing-{demo.company.id}": "1",
    }  # fmt: skip


# --- hundreds of companies ---
@pytest.fixture
def bureau(demo: Demo, sandbox: Sandbox) -> NmbrsConnection:
    """A bureau's token that sees 300 more companies."""
    sandbox.control("POST", "nmbrs/companies", {"count": 300, "debtor": "Bureau", "prefix": "Bakkerij", "staff": 0})
    connection = NmbrsConnection.get_by_id(demo.connection.id)
    permission_check.schedule_permission_checks(connection)
    permission_check.run_permission_checks(connection.id)
    assert PayrollCompany.select().count() > 300
    return connection


def test_hundreds_of_companies_can_be_searched(owner: WebClient, bureau: NmbrsConnection, path: str):
    page = owner.get(path).html
    assert len(chosen(page)) == 25
    assert f"25 van de {PayrollCompany.select().count()}." in page
    wanted = PayrollCompany.select().where(PayrollCompany.name.startswith("Bakkerij")).order_by(PayrollCompany.id)[217]
    part = owner.get(
        f"{path}?zoek={wanted.number}", headers={"HX-Request": "true", "HX-Target": "administraties"}
    ).html  # fmt: skip
    assert list(chosen(part)) == [f"company-{wanted.id}"]
    assert "<h1" not in part
    whole = owner.get(f"{path}?zoek=bakkerij {wanted.number}").html
    assert list(chosen(whole)) == [f"company-{wanted.id}"]
    assert "<h1" in whole


def test_unsaved_choices_survive_a_search(owner: WebClient, demo: Demo, bureau: NmbrsConnection, path: str):
    rows = PayrollCompany.select().where(PayrollCompany.name.startswith("Bakkerij")).order_by(PayrollCompany.id)
    first, later = rows[0], rows[250]
    fields = {
        f"company-{first.id}": str(demo.account.id), f"company-{demo.company.id}": str(demo.account.id),
        "zoek": later.number,
    }  # fmt: skip
    kept = [(f"company-{first.id}", str(demo.account.id)), (f"company-{later.id}", "")]
    query = "&".join(f"{name}={value}" for name, value in fields.items())
    part = owner.get(f"{path}?{query}", headers={"HX-Request": "true", "HX-Target": "administraties"})
    assert list(chosen(part.html).items()) == kept
    plain = owner.post(path, fields | {"daarna": "zoek"})
    assert list(chosen(plain.html).items()) == kept
    assert account_of(first) is None
    owner.post(path, dict(kept) | {"confirmed": "y"})
    assert account_of(first) == demo.account.id


def test_no_results_are_reported(owner: WebClient, bureau: NmbrsConnection, path: str):
    page = owner.get(f"{path}?zoek=<zzz>").html
    assert "Geen administratie met “&lt;zzz&gt;”." in page
    assert chosen(page) == {}


def test_any_search_text_is_accepted(owner: WebClient, demo: Demo, path: str):
    for text in ("%00", "%25_", "x" * 3000, "%F0%9F%8D%9E", "' or 1=1 --", "9969%0a"):
        assert owner.get(f"{path}?zoek={text}").status_code == 200


def test_a_too_large_id_is_404(owner: WebClient, path: str, demo: Demo):
    assert owner.get(path.replace(f"/{demo.connection.id}/", f"/{10**30}/")).status_code == 404
    assert owner.get(f"/{demo.client.public_id}/apps/nmbrs/historie/{10**30}").status_code == 404


# --- wage tax ---
def test_wage_tax_is_enabled_per_company(owner: WebClient, demo: Demo, path: str):
    fields = {f"company-{demo.company.id}": str(demo.account.id), f"loonheffing-getoond-{demo.company.id}": "1"}
    assert "Ook loonheffing klaarzetten" in owner.get(path).html
    owner.post(path, fields | {f"loonheffing-{demo.company.id}": "1"})
    assert PayrollCompany.get_by_id(demo.company.id).wage_tax_from is not None
    box = f'name="loonheffing-{demo.company.id}" value="1" checked'
    assert box in owner.get(path).html
    owner.post(path, {f"company-{demo.company.id}": str(demo.account.id)})
    assert PayrollCompany.get_by_id(demo.company.id).wage_tax_from is not None
    owner.post(path, fields)
    assert PayrollCompany.get_by_id(demo.company.id).wage_tax_from is None


def test_without_an_account_there_is_no_wage_tax(owner: WebClient, demo: Demo, path: str):
    mark = f"loonheffing-{demo.company.id}"
    shown = f"loonheffing-getoond-{demo.company.id}"
    owner.post(path, {f"company-{demo.company.id}": "", shown: "1", mark: "1"})
    row = PayrollCompany.get_by_id(demo.company.id)
    assert (row.bank_account_id, row.wage_tax_from) == (None, None)
    assert "Ook loonheffing klaarzetten" not in owner.get(path).html
