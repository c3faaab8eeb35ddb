# pyright: reportOptionalOperand=false
"""Migration from SOAP to REST: consent, rotating tokens, and no run imported twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import time_machine

import models
from connectors.nmbrs import port
from connectors.nmbrs.oauth import NmbrsOAuth, OAuthSettings
from connectors.oauth import OAuthRefused, Tokens
from core.clock import utcnow
from domain.common import token_revocations
from domain.common.errors import ConsentRefused, OAuthStateExpired, RestIdsMissing, WrongInterface
from domain.common.services import configure, services
from domain.payroll import (
    companies,
    connections,
    nmbrs_tokens,
    permission_check,
    rest_migration,
    run_discovery,
    wage_tax,
)
from models import AuditEvent, Batch, NmbrsConnection, NmbrsDebtor, PayrollCompany, PayrollRun, TokenRevocation
from tests.support import nmbrs_rest as side
from tests.support.factories import Demo, make_client, make_user
from tests.support.intake import lines, state, work
from tests.support.orders import put_at_bank
from tests.support.receiver import receiver
from tests.support.sandbox import Sandbox

COMPANY = side.guid("Company", 9969)


def row(demo: Demo) -> NmbrsConnection:
    return NmbrsConnection.get_by_id(demo.connection.id)


def at_nmbrs(url: str, *debtors: int, answer: str = "allow") -> dict[str, str]:
    """Press a button on the consent page of Nmbrs; return the redirect."""
    form = {"user": side.USER, "debtor": list(debtors or (side.DEBTOR,)), "answer": answer}
    came = requests.post(url, data=form, allow_redirects=False, timeout=10)
    assert came.status_code == 302, came.text
    return {name: values[0] for name, values in parse_qs(urlsplit(came.headers["Location"]).query).items()}


def move(demo: Demo, *debtors: int) -> NmbrsConnection:
    url = rest_migration.start_migration_oauth(demo.client, demo.user, row(demo))
    return rest_migration.complete_migration_oauth(demo.user, at_nmbrs(url, *debtors))


# --- moving ----------------------------------------------------------------------------------------
def test_a_migration_imports_no_run_twice(demo: Demo, sandbox: Sandbox):
    made = sandbox.run_payroll(lines=8, description="april", webhook="none")
    (old,) = work(demo)
    moved = move(demo)
    assert (moved.api, moved.status, moved.token_encrypted) == ("rest", "active", "")
    company = PayrollCompany.get_by_id(demo.company.id)
    assert (company.nmbrs_id, company.stable_key, company.guid) == (COMPANY, "9969", COMPANY)
    assert work(demo) == []
    assert (PayrollRun.select().count(), Batch.select().count(), state(old)[0]) == (1, 1, "open")
    assert PayrollRun.get().nmbrs_id == side.guid("Run", made["run"])


def test_after_a_migration_new_runs_keep_the_company_key(demo: Demo, sandbox: Sandbox):
    move(demo)
    sandbox.fault(nmbrs_wrong_token=True)  # SOAP is unavailable
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.total_cents, batch.company_key, batch.unpaid_employee_count) == (1_980_608, "9969", 0)


def test_a_run_recalculated_after_a_migration_replaces_its_payment(demo: Demo, sandbox: Sandbox):
    made = sandbox.run_payroll(lines=8, webhook="none")
    (old,) = work(demo)
    move(demo)
    work(demo)
    sandbox.control("PUT", "nmbrs/employees/503301", {"cents": 300_000})
    at = (utcnow() + timedelta(minutes=1)).isoformat()
    again = {"action": "again", "webhook": "none", "run_at": at}
    sandbox.control("POST", f"nmbrs/runs/{made['run']}", again)
    (new,) = work(demo)
    assert (state(old)[0], lines(new)[0][1]) == ("replaced", 300_000)


def test_wage_tax_is_imported_once_after_a_migration(demo: Demo, sandbox: Sandbox):
    wage_tax.set_wage_tax_enabled(demo.client, demo.user, demo.company.id, True)
    earlier = utcnow() - timedelta(minutes=1)
    PayrollCompany.update(wage_tax_from=earlier).where(PayrollCompany.id == demo.company.id).execute()
    sandbox.run_payroll(lines=8, webhook="none")
    assert sorted(batch.kind for batch in work(demo)) == ["salary", "wage_tax"]
    move(demo)
    assert work(demo) == []
    sandbox.run_payroll(lines=8, description="juli", webhook="none")
    assert sorted(batch.kind for batch in work(demo)) == ["salary", "wage_tax"]


def test_a_mapped_company_without_a_guid_stops_the_migration(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_converter_missing=True)
    with pytest.raises(RestIdsMissing):
        move(demo)
    assert (row(demo).api, PayrollCompany.get_by_id(demo.company.id).nmbrs_id) == ("soap", "9969")
    sandbox.run_payroll(lines=8, webhook="none")
    assert len(work(demo)) == 1


def test_a_consent_without_the_company_stops_the_migration(demo: Demo, sandbox: Sandbox):
    with pytest.raises(RestIdsMissing):
        move(demo, side.SECOND_DEBTOR)
    assert row(demo).api == "soap"


def test_a_refused_consent_changes_nothing(demo: Demo, sandbox: Sandbox):
    url = rest_migration.start_migration_oauth(demo.client, demo.user, row(demo))
    with pytest.raises(ConsentRefused):
        rest_migration.complete_migration_oauth(demo.user, at_nmbrs(url, answer="deny"))
    assert row(demo).api == "soap"


def test_the_redirect_works_once_and_for_its_own_user(demo: Demo, sandbox: Sandbox):
    url = rest_migration.start_migration_oauth(demo.client, demo.user, row(demo))
    back = at_nmbrs(url)
    other = make_client(make_user())
    for user, query in ((other.user, back), (demo.user, {**back, "state": "x"})):
        with pytest.raises(OAuthStateExpired):
            rest_migration.complete_migration_oauth(user, query)
    rest_migration.complete_migration_oauth(demo.user, back)
    with pytest.raises(OAuthStateExpired):
        rest_migration.complete_migration_oauth(demo.user, back)


def test_a_second_interface_to_the_same_environment_is_refused(demo: Demo, sandbox: Sandbox):
    with pytest.raises(WrongInterface):
        rest_migration.start_migration_oauth(demo.client, demo.user, None)


def test_a_first_connection_may_use_rest(demo: Demo, sandbox: Sandbox):
    connections.remove_connection(row(demo), demo.user)
    url = rest_migration.start_migration_oauth(demo.client, demo.user, None)
    made = rest_migration.complete_migration_oauth(demo.user, at_nmbrs(url))
    permission_check.run_permission_checks(made.id)
    results = {check.question: check.result for check in permission_check.checks_of_connection(made)}
    assert (results["environment"], results["companies"], "webhook_events" in results) == ("ok", "ok", False)
    assert connections.connection_view(made).name == "Demo BV"
    seen = PayrollCompany.select().where(PayrollCompany.connection == made.id)
    assert [company.nmbrs_id for company in seen] == [COMPANY]


def test_debtors_keep_their_rows(demo: Demo, sandbox: Sandbox):
    permission_check.schedule_permission_checks(row(demo))
    permission_check.run_permission_checks(demo.connection.id)
    before = NmbrsDebtor.select().count()
    moved = move(demo)
    permission_check.run_permission_checks(moved.id)
    assert NmbrsDebtor.select().count() == before
    assert side.guid("Debtor", side.DEBTOR) in {debtor.nmbrs_id for debtor in NmbrsDebtor.select()}


# --- revocation ------------------------------------------------------------------------------------
def removed(demo: Demo) -> Tokens:
    """Remove a REST connection; return the tokens that it had."""
    moved = move(demo)
    tokens = nmbrs_tokens.held(moved)
    assert tokens is not None
    connections.remove_connection(moved, demo.user)
    return tokens


def revocations() -> list[str]:
    events = AuditEvent.select().where(AuditEvent.kind == "nmbrs.tokens_revoked")
    return [event.details["result"] for event in events]


def revoke_due(times: int = 1) -> None:
    for revocation_id in token_revocations.due_revocations():
        for _ in range(times):
            token_revocations.revoke(revocation_id)


def refused_at_nmbrs(tokens: Tokens) -> bool:
    try:
        services().nmbrs_oauth.refresh(tokens.refresh_token)
    except OAuthRefused:
        return True
    return False


def test_tokens_of_a_removed_connection_are_revoked_at_nmbrs_once(demo: Demo, sandbox: Sandbox):
    tokens = removed(demo)
    assert tokens.refresh_token not in repr([row.__data__ for row in TokenRevocation.select()])
    revoke_due(times=2)
    assert (row(demo).tokens_encrypted, token_revocations.due_revocations()) == (None, [])
    assert (revocations(), TokenRevocation.select().count()) == (["revoked"], 0)
    assert refused_at_nmbrs(tokens)


def test_tokens_of_a_removed_connection_are_not_used(demo: Demo):
    removed(demo)
    with pytest.raises(port.BadCredentials):
        nmbrs_tokens.access_token(row(demo))


def test_a_revocation_without_an_answer_is_retried(demo: Demo, sandbox: Sandbox):
    tokens = removed(demo)
    working = services().nmbrs_oauth
    with receiver(status=503, body=b"") as down:
        configure(replace(services(), nmbrs_oauth=NmbrsOAuth(OAuthSettings(down.url, "c", "s", "scope"))))
        revoke_due()
    assert (revocations(), token_revocations.due_revocations()) == ([], [])
    configure(replace(services(), nmbrs_oauth=working))
    with time_machine.travel(TokenRevocation.get().due_at + timedelta(seconds=1)):
        revoke_due()
    assert (revocations(), TokenRevocation.select().count()) == (["revoked"], 0)
    assert refused_at_nmbrs(tokens)


def test_a_connection_that_is_kept_is_never_revoked(demo: Demo):
    moved = move(demo)
    assert token_revocations.due_revocations() == []
    assert nmbrs_tokens.access_token(moved)


def test_returning_to_soap_revokes_the_rest_tokens(demo: Demo, sandbox: Sandbox):
    moved = move(demo)
    tokens = nmbrs_tokens.held(moved)
    assert tokens is not None
    NmbrsConnection.update(status="failing").where(NmbrsConnection.id == moved.id).execute()
    keys = sandbox.credentials
    connections.connect(demo.client, demo.user, keys["nmbrs_user"], keys["nmbrs_token"])
    assert (row(demo).api, row(demo).tokens_encrypted) == ("soap", None)
    revoke_due()
    assert revocations() == ["revoked"]
    assert refused_at_nmbrs(tokens)


def test_a_consent_that_is_not_used_is_revoked(demo: Demo, sandbox: Sandbox):
    with pytest.raises(RestIdsMissing):
        move(demo, side.SECOND_DEBTOR)
    assert TokenRevocation.select().count() == 1
    revoke_due()
    assert revocations() == ["revoked"]


def test_tokens_renewed_during_the_removal_are_revoked_too(demo: Demo, sandbox: Sandbox):
    moved = move(demo)
    age(moved)
    service = services().nmbrs_oauth
    got: list[Tokens] = []

    class RemovedMeanwhile:
        def refresh(self, refresh_token: str) -> Tokens:
            got.append(service.refresh(refresh_token))
            connections.remove_connection(moved, demo.user)
            return got[0]

        def __getattr__(self, name: str) -> Any:
            return getattr(service, name)

    configure(replace(services(), nmbrs_oauth=RemovedMeanwhile()))  # type: ignore[arg-type]
    with pytest.raises(port.BadCredentials):
        nmbrs_tokens.access_token(moved)
    configure(replace(services(), nmbrs_oauth=service))
    assert row(demo).tokens_encrypted is None
    revoke_due()
    assert (revocations(), refused_at_nmbrs(got[0])) == (["revoked", "revoked"], True)


# --- tokens ----------------------------------------------------------------------------------------
def age(connection: NmbrsConnection) -> Tokens:
    """Let the access token be about to expire."""
    held = nmbrs_tokens.held(connection)
    assert held is not None
    old = replace(held, expires_at=utcnow() + timedelta(seconds=30))
    nmbrs_tokens.keep(connection, old)
    return old


def test_tokens_are_renewed_early_and_stored_before_use(demo: Demo, sandbox: Sandbox):
    moved = move(demo)
    old = age(moved)
    fresh = nmbrs_tokens.access_token(moved)
    held = nmbrs_tokens.held(moved)
    assert held is not None
    assert (held.access_token, held.refresh_token != old.refresh_token) == (fresh, True)
    assert row(demo).lease_until is None


def test_parallel_workers_use_a_refresh_token_once(demo: Demo, sandbox: Sandbox):
    moved = move(demo)
    age(moved)

    def one(_: int) -> str:
        with models.database.connection_context():
            try:
                return nmbrs_tokens.access_token(NmbrsConnection.get_by_id(moved.id))
            except port.TemporaryError:
                return "later"

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(one, range(6))) - {"later"}
    held = nmbrs_tokens.held(moved)
    assert held is not None
    assert found == {held.access_token}
    assert work(demo) == []
    assert row(demo).status == "active"


def test_an_ended_consent_is_reported_and_can_be_renewed(demo: Demo, sandbox: Sandbox):
    moved = move(demo)
    age(moved)
    sandbox.fault(nmbrs_oauth_invalid_grant=True)
    work(demo)
    assert (row(demo).status, row(demo).error_code) == ("failing", "bad_credentials")
    assert run_discovery.due_companies() == []
    sandbox.fault(nmbrs_oauth_invalid_grant=False)
    again = move(demo)
    assert (again.id, again.status) == (moved.id, "active")
    sandbox.run_payroll(lines=8, webhook="none")
    assert len(work(demo)) == 1


def test_an_unreachable_identity_service_is_retried(demo: Demo, sandbox: Sandbox):
    moved = move(demo)
    age(moved)
    sandbox.fault(nmbrs_oauth_down=True)
    work(demo)
    assert row(demo).status == "active"
    sandbox.fault(nmbrs_oauth_down=False)
    sandbox.run_payroll(lines=8, webhook="none")
    assert len(work(demo)) == 1


def test_a_lost_token_answer_asks_for_a_new_consent(demo: Demo, sandbox: Sandbox):
    moved = move(demo)
    age(moved)
    sandbox.fault(nmbrs_oauth_answer_lost=True)
    work(demo)
    sandbox.fault(nmbrs_oauth_answer_lost=False)
    work(demo)
    assert (row(demo).status, row(demo).error_code) == ("failing", "bad_credentials")


@pytest.mark.parametrize(
    ("fault", "status"),
    [("nmbrs_rest_42908", "active"), ("nmbrs_rest_42909", "failing"), ("nmbrs_rest_50001", "active"),
     ("nmbrs_rest_401", "failing"), ("nmbrs_rest_40304", "failing")],
)  # fmt: skip
def test_each_error_of_rest_has_its_meaning(demo: Demo, sandbox: Sandbox, fault: str, status: str):
    move(demo)
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(**{fault: True})
    assert work(demo) == []
    company = PayrollCompany.get_by_id(demo.company.id)
    assert row(demo).status == status
    if fault == "nmbrs_rest_42908":
        assert company.poll_due_at > utcnow() + timedelta(seconds=50)
    sandbox.fault(**{fault: False})
    permission_check.recheck_permissions(row(demo))
    if fault == "nmbrs_rest_401":
        move(demo)
    assert [batch.total_cents for batch in work(demo)] == [1_980_608]


def test_the_polling_interval_depends_on_the_interface(demo: Demo, sandbox: Sandbox):
    move(demo)
    work(demo)
    due = PayrollCompany.get_by_id(demo.company.id).poll_due_at
    assert due is not None
    assert due - utcnow() <= timedelta(hours=1)


def test_a_migration_calls_nothing_inside_a_transaction(demo: Demo, sandbox: Sandbox):
    """Every external call is made outside transactions."""
    seen: list[bool] = []
    real = services()

    class Watched:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Callable:
            def ask(*given: Any) -> Any:
                seen.append(models.database.in_transaction())
                return getattr(self._inner, name)(*given)

            return ask

    watched = replace(
        real, payroll=Watched(real.payroll), payroll_rest=Watched(real.payroll_rest),
        nmbrs_oauth=Watched(real.nmbrs_oauth),
    )  # fmt: skip
    configure(watched)
    try:
        moved = move(demo)
        age(moved)
        sandbox.run_payroll(lines=8, webhook="none")
        work(demo)
        permission_check.run_permission_checks(moved.id)
    finally:
        configure(real)
    assert len(seen) > 8
    assert not any(seen)


@pytest.mark.parametrize("before", [{}, {"name": "Demo Holding BV", "kvk_number": None}])
def test_a_run_that_was_paid_is_not_paid_again_over_a_new_connection(demo: Demo, sandbox: Sandbox, before: dict):
    """SOAP is removed and REST connected instead: the company has another id there, and is the same company, also if it
    has a new name and SOAP told no KvK number."""
    sandbox.run_payroll(lines=8, description="april", webhook="none")
    (paid,) = work(demo)
    put_at_bank(paid, "executed", "paid")
    if before:
        PayrollCompany.update(before).where(PayrollCompany.id == demo.company.id).execute()
    connections.remove_connection(row(demo), demo.user)
    url = rest_migration.start_migration_oauth(demo.client, demo.user, None)
    made = rest_migration.complete_migration_oauth(demo.user, at_nmbrs(url))
    permission_check.run_permission_checks(made.id)
    company = PayrollCompany.get(PayrollCompany.connection == made.id)
    assert (company.id, company.stable_key, company.guid) == (demo.company.id, "9969", COMPANY)
    companies.save_mapping(demo.client, demo.user, made, {company.id: demo.account.id}, confirmed=True)
    sandbox.run_payroll(lines=8, description="mei", webhook="none")
    assert [batch.description for batch in work(demo)] == ["mei"]


@pytest.mark.parametrize(("kvk_number", "is_same"), [("12345678", False), ("68750110", True), (None, True)])
def test_a_renamed_company_with_another_kvk_number_is_another(demo: Demo, kvk_number: str | None, is_same: bool):
    before = PayrollCompany.update(name="Oude naam BV", kvk_number="68750110")
    before.where(PayrollCompany.id == demo.company.id).execute()
    connections.remove_connection(row(demo), demo.user)
    made = NmbrsConnection.create(
        client=demo.client, email="a@b.example", environment="x", token_encrypted="", api="rest"
    )
    listed = port.Company(COMPANY, demo.company.number, "Nieuwe naam BV", kvk_number, None)
    companies.upsert_companies(made, [listed])
    (found,) = PayrollCompany.select().where(PayrollCompany.connection == made.id)
    assert (found.id == demo.company.id) is is_same
