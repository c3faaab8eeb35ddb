"""Webhooks are registered, checked, repaired and renewed; there are never two of ours."""

from datetime import timedelta

import pytest

from domain.payroll import permission_check, webhook_keys, webhook_registration
from models import AuditEvent, NmbrsConnection, NmbrsDebtor
from tests.support.factories import Demo
from tests.support.sandbox import Sandbox

DEBTOR = 21840


@pytest.fixture
def listed(demo: Demo) -> Demo:
    """A connection whose debtors and companies are known."""
    permission_check.schedule_permission_checks(NmbrsConnection.get_by_id(demo.connection.id))
    permission_check.run_permission_checks(demo.connection.id)
    return demo


def connection(demo: Demo) -> NmbrsConnection:
    return NmbrsConnection.get_by_id(demo.connection.id)


def settings(sandbox: Sandbox) -> list[tuple[str, bool, list[int]]]:
    rows = sandbox.control("GET", "nmbrs/webhooks")
    return [(one["endpoint"], one["active"], one["events"]) for row in rows for one in row["settings"]]


def install(demo: Demo) -> list[str]:
    for debtor_id in webhook_registration.request_webhooks(demo.client, demo.user, connection(demo)):
        webhook_registration.reconcile_webhook(debtor_id)
    return [view.state for view in webhook_registration.webhooks_of_connection(connection(demo))]


def check(demo: Demo) -> list[str]:
    NmbrsDebtor.update(webhook_checked_at=None).execute()
    for debtor_id in webhook_registration.schedule_webhook_check(connection(demo)):
        webhook_registration.reconcile_webhook(debtor_id)
    return [view.state for view in webhook_registration.webhooks_of_connection(connection(demo))]


def pages(sandbox: Sandbox, path: str, **form: str) -> None:
    answer = sandbox.post(f"/nmbrs/debiteur/{DEBTOR}/webhooks/{path}", data=form, allow_redirects=False)
    assert answer.status_code in (302, 303), answer.text


def test_one_tap_registers_it_for_finished_runs_only(listed: Demo, sandbox: Sandbox):
    assert install(listed) == ["installed"]
    assert settings(sandbox) == [(webhook_keys.webhook_url(listed.client), True, [1])]


def test_a_repeated_registration_changes_nothing(listed: Demo, sandbox: Sandbox):
    install(listed)
    install(listed)
    assert len(settings(sandbox)) == 1


def test_nothing_is_registered_without_a_request(listed: Demo, sandbox: Sandbox):
    assert (webhook_registration.schedule_webhook_check(connection(listed)), settings(sandbox)) == ([], [])


@pytest.mark.parametrize("harm", ["removed", "not active", "too many events", "another name"])
def test_a_visit_repairs_the_webhook(listed: Demo, sandbox: Sandbox, harm: str):
    install(listed)
    address = webhook_keys.webhook_url(listed.client)
    number = NmbrsDebtor.get(NmbrsDebtor.nmbrs_id == str(DEBTOR)).webhook_id or ""
    form = {"naam": "Bizcuit koppeling", "endpoint": address, "actief": "actief", "event_1": "actief",
            "event_2": "niet"}  # fmt: skip
    if harm == "removed":
        pages(sandbox, f"{number}/verwijderen")
    elif harm == "not active":
        pages(sandbox, number, **{key: value for key, value in form.items() if key != "actief"})
    elif harm == "too many events":
        pages(sandbox, number, **form | {"event_2": "actief"})
    else:
        pages(sandbox, number, **form | {"naam": "Iets anders"})
    assert check(listed) == ["installed"]
    assert settings(sandbox) == [(address, True, [1])]


def test_a_webhook_of_another_party_is_left_alone(listed: Demo, sandbox: Sandbox):
    form = {"naam": "Ander", "endpoint": "https://ander.example/hook", "actief": "actief", "event_1": "actief"}
    pages(sandbox, "nieuw", **form)
    install(listed)
    assert [row[0] for row in settings(sandbox)] == [
        "https://ander.example/hook", webhook_keys.webhook_url(listed.client),
    ]  # fmt: skip


def test_without_permission_the_customer_gets_the_steps(listed: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_no_webhook_right=True)
    assert install(listed) == ["not_allowed"]
    (view,) = webhook_registration.webhooks_of_connection(connection(listed))
    assert (view.problem or "").startswith("not_allowed:DebtorService.WebhookSettings")
    sandbox.fault(nmbrs_no_webhook_right=False)
    assert check(listed) == ["installed"]


def test_a_temporary_error_is_retried(listed: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_9999=True)
    assert install(listed) == ["failed"]
    NmbrsDebtor.update(webhook_due_at=NmbrsDebtor.webhook_checked_at).execute()
    sandbox.fault(nmbrs_9999=False)
    for debtor_id in webhook_registration.due_webhook_debtors():
        webhook_registration.reconcile_webhook(debtor_id)
    assert len(settings(sandbox)) == 1


def test_only_debtors_with_mapped_companies_get_a_webhook(listed: Demo, sandbox: Sandbox):
    install(listed)
    assert [row["debtor"] for row in sandbox.control("GET", "nmbrs/webhooks") if row["settings"]] == [DEBTOR]


# --- the key in the address ------------------------------------------------------------------------
def test_a_new_url_leaves_the_old_one_valid_for_the_chosen_time(listed: Demo, sandbox: Sandbox):
    install(listed)
    old = webhook_keys.webhook_url(listed.client)
    webhook_keys.rotate_key(listed.client, listed.user, timedelta(days=1))
    new = webhook_keys.webhook_url(listed.client)
    assert old != new
    for debtor_id in webhook_registration.reschedule_all_webhooks(listed.client):
        webhook_registration.reconcile_webhook(debtor_id)
    assert settings(sandbox) == [(new, True, [1])]
    for address in (old, new):
        assert webhook_keys.client_id_of(address.split("/")[-3]) == listed.client.id
    assert webhook_keys.previous_key_expires_at(listed.client) is not None


def test_an_old_url_can_end_at_once(demo: Demo):
    old = webhook_keys.webhook_url(demo.client)
    webhook_keys.rotate_key(demo.client, demo.user, timedelta(0))
    assert webhook_keys.client_id_of(old.split("/")[-3]) is None
    assert webhook_keys.previous_key_expires_at(demo.client) is None


def test_a_second_renewal_never_extends_the_first_key(demo: Demo):
    first = webhook_keys.webhook_url(demo.client)
    webhook_keys.rotate_key(demo.client, demo.user, timedelta(0))
    webhook_keys.rotate_key(demo.client, demo.user, timedelta(days=30))
    assert webhook_keys.client_id_of(first.split("/")[-3]) is None


def test_the_secret_is_not_logged(demo: Demo):
    webhook_keys.rotate_key(demo.client, demo.user, timedelta(0))
    secret = webhook_keys.webhook_url(demo.client).split("/")[-3]
    assert not any(secret in str(event.details) + event.subject for event in AuditEvent.select())
