"""Connections to Nmbrs: working, failing, with a new token, removed; each has its own status."""

from datetime import timedelta

import pytest

from core.clock import utcnow
from domain.common import encryption
from domain.common.errors import (
    AccountInvalid,
    AlreadyConnected,
    DifferentKvkNumber,
    NmbrsBadCredentials,
    NmbrsDisabled,
    NmbrsUnavailable,
    NotFound,
)
from domain.payroll import companies, connections, intake, permission_check, run_discovery
from models import AuditEvent, Batch, Membership, NmbrsConnection, OutgoingMail, PayrollCompany, PayrollRun
from tests.support.factories import Demo, make_user
from tests.support.intake import now_due, work
from tests.support.sandbox import Sandbox


def row(demo: Demo) -> NmbrsConnection:
    return NmbrsConnection.get_by_id(demo.connection.id)


def mails() -> list[tuple[str, int]]:
    return [(mail.kind, mail.user_id) for mail in OutgoingMail.select() if mail.kind == "nmbrs_disturbed"]


# --- an invalid token ------------------------------------------------------------------------------
def test_an_invalid_token_is_mailed_to_the_owner_once(demo: Demo, sandbox: Sandbox):
    approver = make_user()
    Membership.create(user=approver, client=demo.client, role="approver")
    sandbox.fault(nmbrs_wrong_token=True)
    work(demo)
    assert (row(demo).status, row(demo).error_code) == ("failing", "bad_credentials")
    for _ in range(3):
        NmbrsConnection.update(status="active").execute()
        work(demo)
    assert mails() == [("nmbrs_disturbed", demo.user.id)]


def test_an_invalid_token_is_not_used(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    now_due(demo)
    (run_id,) = run_discovery.discover_runs(demo.company.id)
    sandbox.fault(nmbrs_wrong_token=True)
    intake.import_run(run_id)
    assert PayrollRun.get_by_id(run_id).state == "retrying"
    sandbox.fault(nmbrs_wrong_token=False)
    now_due(demo)
    assert (run_discovery.due_companies(), intake.due_runs(), run_discovery.mark_all_due()) == ([], [], 0)
    assert (run_discovery.discover_runs(demo.company.id), intake.import_run(run_id)) == ([], None)
    assert (row(demo).status, Batch.select().count()) == ("failing", 0)


def test_a_new_token_resumes_pending_work(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(nmbrs_wrong_token=True)
    work(demo)
    with pytest.raises(NmbrsBadCredentials):
        connections.renew_token(row(demo), demo.user, "wrong")
    assert row(demo).status == "failing"
    sandbox.fault(nmbrs_wrong_token=False)
    connections.renew_token(row(demo), demo.user, sandbox.credentials["nmbrs_token"])
    assert (row(demo).status, row(demo).error_code, run_discovery.due_companies()) == (
        "active",
        None,
        [demo.company.id],
    )
    assert [batch.total_cents for batch in work(demo)] == [1_980_608]


def test_a_missing_required_permission_fails_the_connection(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(nmbrs_no_sepa_right=True)
    work(demo)
    assert row(demo).error_code == "not_allowed:CompanyService.SalaryDocuments_GetSEPA"
    now_due(demo)
    run_discovery.discover_runs(demo.company.id)
    assert row(demo).status == "failing"  # listing runs works, but fetching the file still fails
    sandbox.fault(nmbrs_no_sepa_right=False)
    assert len(work(demo)) == 1
    assert (row(demo).status, row(demo).error_code, len(mails())) == ("active", None, 1)


def test_a_missing_optional_permission_does_not(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(nmbrs_no_run_employees_right=True, nmbrs_no_employee_right=True)
    (batch,) = work(demo)
    assert (batch.total_cents, batch.unpaid_employee_count, row(demo).status) == (1_980_608, None, "active")


def test_a_failing_connection_does_not_affect_others(demo: Demo, sandbox: Sandbox):
    known = sandbox.control("POST", "nmbrs/users", {"email": "two@demobv.example", "debtors": None})
    second = connections.connect(demo.client, demo.user, known["email"], known["token"])
    connections.NmbrsConnection.update(status="failing", error_code="bad_credentials").where(
        NmbrsConnection.id == second.id
    ).execute()
    sandbox.run_payroll(lines=8, webhook="none")
    assert len(work(demo)) == 1
    assert [one.status for one in connections.connections(demo.client)] == ["active", "failing"]


# --- connecting ------------------------------------------------------------------------------------
def test_the_same_account_cannot_be_connected_twice(demo: Demo, sandbox: Sandbox):
    known = sandbox.credentials
    with pytest.raises(AlreadyConnected):
        connections.connect(demo.client, demo.user, known["nmbrs_user"], known["nmbrs_token"])


@pytest.mark.parametrize(
    ("fault", "error"),
    [("nmbrs_wrong_token", NmbrsBadCredentials), ("nmbrs_disabled", NmbrsDisabled), ("nmbrs_9999", NmbrsUnavailable),
     ("nmbrs_html_503", NmbrsUnavailable), ("nmbrs_not_xml", NmbrsUnavailable)],
)  # fmt: skip
def test_refused_credentials_are_not_stored(demo: Demo, sandbox: Sandbox, fault: str, error: type[Exception]):
    known = sandbox.control("POST", "nmbrs/users", {"email": "two@demobv.example", "debtors": None})
    sandbox.fault(**{fault: True})
    with pytest.raises(error):
        connections.connect(demo.client, demo.user, known["email"], known["token"])
    assert NmbrsConnection.select().count() == 1


def test_error_1006_is_retried(demo: Demo, sandbox: Sandbox):
    known = sandbox.control("POST", "nmbrs/users", {"email": "two@demobv.example", "debtors": None})
    sandbox.fault(nmbrs_1006_once=True)
    assert connections.connect(demo.client, demo.user, known["email"], known["token"]).environment == "demo"


def test_removal_deletes_the_credentials_and_keeps_payments(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    connections.remove_connection(row(demo), demo.user)
    gone = row(demo)
    assert (gone.token_encrypted, connections.connections(demo.client), run_discovery.due_companies()) == ("", [], [])
    assert Batch.get_by_id(batch.id).state == "open"
    with pytest.raises(NotFound):
        connections.connection_of(demo.client, gone.id)


def test_a_removed_account_can_be_connected_again(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    work(demo)
    connections.remove_connection(row(demo), demo.user)
    known = sandbox.credentials
    back = connections.connect(demo.client, demo.user, known["nmbrs_user"], known["nmbrs_token"])
    assert back.id == demo.connection.id
    companies.save_mapping(demo.client, demo.user, back, {demo.company.id: demo.account.id})
    work(demo)
    assert Batch.select().count() == 1


def test_a_company_seen_by_two_accounts_pays_once(demo: Demo, sandbox: Sandbox):
    known = sandbox.control("POST", "nmbrs/users", {"email": "two@demobv.example", "debtors": None})
    second = connections.connect(demo.client, demo.user, known["email"], known["token"])
    permission_check.run_permission_checks(second.id)
    seen = PayrollCompany.select().where(PayrollCompany.client == demo.client.id)
    assert sorted(company.number for company in seen) == ["4410", "9969"]
    assert PayrollCompany.get_by_id(demo.company.id).connection_id == demo.connection.id


def test_the_token_is_encrypted(demo: Demo, sandbox: Sandbox):
    token = sandbox.credentials["nmbrs_token"]
    assert token not in row(demo).token_encrypted
    assert encryption.decrypt(row(demo).token_encrypted, "nmbrs_connection", demo.client.id, row(demo).email) == token
    events = [str(event.details) for event in AuditEvent.select()]
    assert not any(token in text for text in events)


# --- mapping ---------------------------------------------------------------------------------------
@pytest.fixture
def bureau(demo: Demo, sandbox: Sandbox) -> NmbrsConnection:
    """The demo's connection, which sees thirty more companies."""
    sandbox.control("POST", "nmbrs/companies", {"count": 30, "prefix": "Bakkerij", "kvk": None, "staff": 0})
    permission_check.schedule_permission_checks(row(demo))
    permission_check.run_permission_checks(demo.connection.id)
    return row(demo)


def test_companies_are_sorted_and_searchable(demo: Demo, bureau: NmbrsConnection):
    views, total = companies.search_payroll_companies(bureau)
    assert (views[0].number, views[0].same_kvk, len(views), total) == ("9969", True, 25, 32)
    last = PayrollCompany.select().order_by(PayrollCompany.id.desc()).first()
    found, count = companies.search_payroll_companies(bureau, f"bakk {last.number}")
    assert ([view.id for view in found], count) == ([last.id], 1)
    assert companies.search_payroll_companies(bureau, "100% nergens") == ([], 0)


def test_another_kvk_number_needs_confirmation(demo: Demo, bureau: NmbrsConnection):
    other = PayrollCompany.get(PayrollCompany.number == "4410")
    with pytest.raises(DifferentKvkNumber) as told:
        companies.save_mapping(demo.client, demo.user, bureau, {other.id: demo.account.id})
    assert told.value.names == ["Duinrand Catering BV"]
    assert PayrollCompany.get_by_id(other.id).mapped_at is None
    choice: dict[int, int | None] = {other.id: demo.account.id}
    companies.save_mapping(demo.client, demo.user, bureau, choice, confirmed=True)
    assert PayrollCompany.get_by_id(other.id).mapped_at is not None
    # a confirmed company needs no second confirmation
    companies.save_mapping(demo.client, demo.user, bureau, {other.id: demo.other.id})
    assert PayrollCompany.get_by_id(other.id).bank_account_id == demo.other.id


def test_an_invalid_mapping_changes_nothing(demo: Demo, bureau: NmbrsConnection):
    before = [(company.id, company.bank_account_id) for company in PayrollCompany.select()]
    wrong: list[dict[int, int | None]] = [{demo.company.id: 999}, {999: demo.account.id}]
    for choice in wrong:
        with pytest.raises((AccountInvalid, NotFound)):
            companies.save_mapping(demo.client, demo.user, bureau, choice)
    assert [(company.id, company.bank_account_id) for company in PayrollCompany.select()] == before


def test_saving_the_same_mapping_imports_nothing_again(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    work(demo)
    since = PayrollCompany.get_by_id(demo.company.id).mapped_at
    companies.save_mapping(demo.client, demo.user, row(demo), {demo.company.id: demo.account.id})
    assert PayrollCompany.get_by_id(demo.company.id).mapped_at == since
    assert (work(demo), Batch.select().count()) == ([], 1)


def test_companies_that_are_no_longer_visible_are_kept(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_debtor_filtered=True)
    permission_check.schedule_permission_checks(row(demo))
    permission_check.run_permission_checks(demo.connection.id)
    assert PayrollCompany.get_by_id(demo.company.id).bank_account_id == demo.account.id
    assert row(demo).created_at < utcnow() + timedelta(seconds=1)
