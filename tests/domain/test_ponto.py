"""Payments through Ponto: linked with the customer's OAuth tokens, signed on its page, submitted once despite any
failure.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import requests

import models
from connectors.bank import port
from connectors.bank.ponto_oauth import PontoOAuth
from connectors.oauth import OAuthRefused, Tokens
from core.clock import today_amsterdam, utcnow
from domain.banking import account_sync, bank_accounts, bank_configs, linking, oauth_grants
from domain.common import token_revocations
from domain.common.errors import BankUnavailable, ConsentPending, ConsentRefused, NotFound
from domain.common.services import configure, services
from domain.operations import integrity, key_rotation
from domain.orders import evidence, sca, status_polling, submission
from domain.payments import queries
from domain.payments.release import release
from domain.payroll import reopening
from models import AuditEvent, BankCall, BankConsent, BankOauthGrant, BankOrder, Batch, BatchLine, TokenRevocation
from tests.support.factories import PSU, Demo, make_user
from tests.support.ponto import IBAN, SECOND_IBAN, linked, orders_at, pressed, sign
from tests.support.receiver import receiver
from tests.support.sandbox import Sandbox


@pytest.fixture(autouse=True)
def the_books_are_right(demo: Demo) -> Iterator[None]:
    yield
    assert list(integrity.find_inconsistencies()) == []


def released(demo: Demo) -> Batch:
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    return batch


def sent(batch: Batch, times: int = 2) -> Batch:
    """Submit the order, twice: every job may run twice."""
    for _ in range(times):
        BankOrder.update(due_at=batch.created_at).where(BankOrder.batch == batch.id).execute()
        submission.submit_order(batch.id)
    return Batch.get_by_id(batch.id)


def followed(batch: Batch) -> Batch:
    for _ in range(2):
        live = (BankOrder.batch == batch.id, BankOrder.state != "closed")
        BankOrder.update(due_at=batch.created_at).where(*live).execute()
        for order_id in status_polling.due_orders():
            status_polling.poll_status(order_id)
    return Batch.get_by_id(batch.id)


def page_of(demo: Demo, batch: Batch) -> str:
    step = sca.start_sca(demo.client, demo.user, batch.reference, PSU)
    assert step.how == "page"
    return step.url or ""


def grant_of(consent: BankConsent) -> BankOauthGrant:
    return BankOauthGrant.get(BankOauthGrant.consent == consent.id)


def age(consent: BankConsent) -> None:
    """Let the access token be about to expire."""
    grant = grant_of(consent)
    held = oauth_grants._TOKENS.load(grant)
    assert held is not None
    oauth_grants._TOKENS.save(grant, replace(held, expires_at=utcnow() + timedelta(seconds=30)))


# --- linking --------------------------------------------------------------------------------------
def test_linking_stores_accounts_holder_balance_and_end_date(demo: Demo, sandbox: Sandbox):
    consent = linked(demo, ibans=(IBAN, SECOND_IBAN))
    assert (consent.status, consent.holder_name) == ("valid", "Demo BV")
    assert grant_of(consent).pkce_verifier_encrypted is None
    assert consent.valid_until is not None
    assert timedelta(days=178) < consent.valid_until - utcnow().date() < timedelta(days=182)
    found = {view.iban: (view.name, view.balance_cents) for view in bank_accounts.accounts_of_consent(consent)}
    assert found == {IBAN: ("Rabo Zakelijk", 72_500_00), SECOND_IBAN: ("Spaarrekening", 15_000_00)}


def test_the_redirect_works_once_and_for_its_own_user(demo: Demo):
    back = pressed(linking.start_consent(demo.client, demo.user, "ponto", PSU, None))
    with pytest.raises(NotFound):
        oauth_grants.complete_authorization(make_user(), back["state"], back["code"])
    oauth_grants.complete_authorization(demo.user, back["state"], back["code"])
    tokens = BankOauthGrant.get().tokens_encrypted
    oauth_grants.complete_authorization(demo.user, back["state"], "another code")
    assert BankOauthGrant.get().tokens_encrypted == tokens
    assert linking.complete_consent(back["state"], demo.user, PSU).status == "valid"


def test_a_redirect_without_an_answer_leaves_linking_in_progress(demo: Demo):
    back = pressed(linking.start_consent(demo.client, demo.user, "ponto", PSU, None))
    with pytest.raises(ConsentPending):
        linking.complete_consent(back["state"], demo.user, PSU)


def test_after_a_refusal_linking_can_start_again(demo: Demo):
    back = pressed(linking.start_consent(demo.client, demo.user, "ponto", PSU, None), "weigeren")
    assert back["error"] == "access_denied"
    with pytest.raises(ConsentRefused):
        oauth_grants.complete_authorization(demo.user, back["state"], back.get("code"))
    with pytest.raises(ConsentRefused):
        linking.complete_consent(back["state"], demo.user, PSU)
    assert linked(demo).status == "valid"


def test_an_unknown_oauth_client_starts_no_linking(demo: Demo):
    configure(replace(services(), ponto=None))
    with pytest.raises(BankUnavailable):
        linking.start_consent(demo.client, demo.user, "ponto", PSU, None)
    assert BankOauthGrant.select().count() == 0


def test_an_invalid_code_gives_no_tokens(demo: Demo):
    mine = pressed(linking.start_consent(demo.client, demo.user, "ponto", PSU, None))
    other = pressed(linking.start_consent(demo.client, demo.user, "ponto", PSU, None))
    with pytest.raises(ConsentRefused):
        oauth_grants.complete_authorization(demo.user, mine["state"], other["code"])


def test_tokens_are_stored_encrypted(demo: Demo):
    consent = linked(demo)
    token = bank_configs.bank_config_for_account(demo.account).access
    assert token is not None
    secret = token(None)
    assert secret not in repr(bank_configs.bank_config_for_account(demo.account))
    assert secret not in str([dict(row.__data__) for row in (grant_of(consent), BankConsent.get_by_id(consent.id))])
    assert key_rotation.rotate_keys() == 0


# --- tokens ---------------------------------------------------------------------------------------
def test_parallel_workers_use_a_refresh_token_once(demo: Demo, sandbox: Sandbox):
    consent = linked(demo)
    age(consent)
    sandbox.fault(ponto_refresh_slow=True)

    def one(_: int) -> str:
        with models.database.connection_context():
            try:
                return bank_configs.bank_config_for_account(demo.account).access(None)  # type: ignore[misc]
            except port.NotDelivered:
                return "later"

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(one, range(4)))
    held = oauth_grants._TOKENS.load(grant_of(consent))
    assert held is not None
    assert set(found) - {"later"} == {held.access_token}
    assert grant_of(consent).lease_until is None
    assert services().bank.balance(
        bank_configs.bank_config_for_account(demo.account), "", demo.account.resource_id, None, ""
    )


def test_the_loser_of_a_race_uses_the_winners_tokens(demo: Demo, sandbox: Sandbox):
    """Our lease expires during the call; another worker uses the same refresh token and stores what it gets."""
    consent = linked(demo)
    age(consent)
    grant, service = grant_of(consent), services().ponto
    assert service is not None
    held = oauth_grants._TOKENS.load(grant)
    assert held is not None

    class Slow:
        host = service.host

        def refresh(self, refresh_token: str):
            oauth_grants._TOKENS.save(grant, service.refresh(refresh_token))  # another worker
            return service.refresh(refresh_token)

    token = oauth_grants._TOKENS.access_token(grant, Slow())  # type: ignore[arg-type]
    newer = oauth_grants._TOKENS.load(grant)
    assert newer is not None
    assert (token, newer.refresh_token != held.refresh_token) == (newer.access_token, True)


def test_a_withdrawn_consent_is_reported_and_can_be_renewed(demo: Demo, sandbox: Sandbox):
    consent = linked(demo)
    sandbox.fault(ponto_token_revoked=True)
    config = oauth_grants.with_access_token(bank_configs.bank_config_of("ponto"), consent)
    assert services().bank.consent(config, "", "").status == "expired"
    batch = sent(released(demo))
    assert (batch.state, orders_at(sandbox)) == ("rejected", [])
    sandbox.fault(ponto_token_revoked=False)
    linked(demo)
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    assert sent(_released_again(demo, batch)).state == "at_bank"
    assert len(orders_at(sandbox)) == 1


def _released_again(demo: Demo, batch: Batch) -> Batch:
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    return batch


def test_a_lost_refresh_does_not_affect_submitted_orders(demo: Demo, sandbox: Sandbox):
    consent = linked(demo)
    batch = released(demo)
    age(consent)
    sandbox.fault(ponto_refresh_lost=True)
    assert (sent(batch, times=1).state, orders_at(sandbox)) == ("approved", [])
    assert (sent(batch, times=1).state, orders_at(sandbox)) == ("rejected", [])
    assert Batch.get_by_id(batch.id).state_reason == "bank:CONSENT_EXPIRED"


# --- paying ---------------------------------------------------------------------------------------
def test_an_order_is_submitted_signed_and_executed(demo: Demo, sandbox: Sandbox):
    linked(demo)
    batch = sent(released(demo))
    assert batch.state == "at_bank"
    page = page_of(demo, batch)
    assert sign(page).endswith(sca.return_address(BankOrder.get()))
    assert followed(batch).state == "signed"
    sandbox.control("POST", "clock", {"advance_days": 5})
    assert followed(batch).state == "executed"
    assert {line.state for line in BatchLine.select()} == {"executed"}
    assert len(orders_at(sandbox)) == 1


def test_the_order_at_ponto_equals_what_was_approved(demo: Demo, sandbox: Sandbox):
    linked(demo)
    batch = released(demo)
    shown = demo.view(batch)
    sent(batch)
    [order] = orders_at(sandbox)
    attributes = json.loads(order["body"], parse_float=Decimal)["data"]["attributes"]
    fields = ("creditorName", "creditorAccountReference", "amount")
    rows = [[one[name] for name in fields] for one in attributes["payments"]]
    paid = [(name, iban, amount * 100) for name, iban, amount in rows]
    assert paid == [(line.creditor_name_sepa, line.iban, line.amount_cents) for line in shown.lines]
    assert (attributes["reference"], attributes["requestedExecutionDate"]) == (
        BankOrder.get().msg_id, shown.execution_date.isoformat(),
    )  # fmt: skip
    assert order["request_id"] == BankOrder.get().x_request_id


def test_after_a_refusal_at_the_bank_a_new_order_is_made(demo: Demo, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    linked(demo)
    batch = sent(released(demo))
    sign(page_of(demo, batch), "weigeren")
    assert followed(batch).state == "pending_rejection", "no reason was given: until the day is over"
    # The sandbox checks signatures by the real time, so only what the answer means is moved.
    monkeypatch.setattr(evidence, "utcnow", lambda: utcnow() + timedelta(days=20))
    monkeypatch.setattr(evidence, "today_amsterdam", lambda: today_amsterdam() + timedelta(days=20))
    assert followed(batch).state == "rejected"
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    assert sent(_released_again(demo, batch)).state == "at_bank"
    found = {order["msg_id"]: order["status"] for order in orders_at(sandbox)}
    assert found == {batch.reference: "RJCT", f"{batch.reference}-2": "RCVD"}


def test_a_signed_order_cannot_be_deleted(demo: Demo, sandbox: Sandbox):
    linked(demo)
    batch = sent(released(demo))
    config, payment_id = bank_configs.bank_config_for_account(demo.account), BankOrder.get().bank_payment_id or ""
    sign(page_of(demo, batch))
    with pytest.raises(port.BankRefused, match="paymentNotDeletable"):
        services().bank.cancel_order(config, payment_id, PSU, "")
    assert followed(batch).state == "signed"


def test_a_deleted_order_can_no_longer_be_signed(demo: Demo, sandbox: Sandbox):
    linked(demo)
    batch = sent(released(demo))
    config, payment_id, page = (
        bank_configs.bank_config_for_account(demo.account),
        BankOrder.get().bank_payment_id or "",
        page_of(demo, batch),
    )
    assert services().bank.cancel_order(config, payment_id, PSU, "").done
    assert "Niet gelukt" in requests.get(page, timeout=10).text
    requests.post(page, data={"besluit": "ondertekenen"}, allow_redirects=False, timeout=10)
    assert [order["status"] for order in orders_at(sandbox)] == ["CANC"]
    with pytest.raises(port.BankRefused, match="resourceNotFound"):
        services().bank.order_status(config, payment_id, "")


# The fault, the state after two attempts, and the number of orders at the bank.
FAULTS = {
    "ponto_down": ("approved", 0),
    "ponto_not_taken": ("sending", 0),
    "ponto_order_504": ("sending", 1),
    "ponto_lost_answer": ("sending", 1),
    "ponto_order_refused": ("rejected", 0),
    "ponto_forgets_key": ("at_bank", 1),
    "ponto_rejects_signed": ("at_bank", 1),
    "ponto_strange_status": ("sending", 1),
    "ponto_foreign_redirect": ("sending", 1),
    "ponto_token_revoked": ("rejected", 0),
    "ponto_refresh_lost": ("at_bank", 1),
    "ponto_refresh_slow": ("at_bank", 1),
}


def test_every_fault_of_the_sandbox_is_covered(sandbox: Sandbox):
    assert {name for name in sandbox.control("GET", "faults") if name.startswith("ponto_")} == {*FAULTS}


@pytest.mark.parametrize(("fault", "state", "count"), [(name, *found) for name, found in FAULTS.items()])
def test_each_way_it_can_fail_gives_one_order_at_most(demo: Demo, sandbox: Sandbox, fault: str, state: str, count: int):
    linked(demo)
    batch = released(demo)
    sandbox.fault(**{fault: True})
    assert (sent(batch).state, len(orders_at(sandbox))) == (state, count)
    assert len({order["request_id"] for order in orders_at(sandbox)}) == count


@pytest.mark.parametrize(
    "fault", ["ponto_not_taken", "ponto_order_504", "ponto_lost_answer", "ponto_strange_status",
              "ponto_foreign_redirect", "ponto_down"]
)  # fmt: skip
def test_after_a_failure_the_same_order_continues(demo: Demo, sandbox: Sandbox, fault: str):
    linked(demo)
    batch = released(demo)
    sandbox.fault(**{fault: True})
    sent(batch)
    sandbox.fault(**{fault: False})
    if fault in ("ponto_foreign_redirect", "ponto_strange_status"):
        # The repeated answer is as unusable as the first, so two people have to decide.
        assert sent(batch).state == "sending"
    else:
        assert sent(batch).state == "at_bank"
        sign(page_of(demo, batch))
        assert followed(batch).state == "signed"
    assert len(orders_at(sandbox)) == 1


def test_an_order_can_be_rejected_after_signing(demo: Demo, sandbox: Sandbox):
    linked(demo)
    sandbox.fault(ponto_rejects_signed=True)
    batch = sent(released(demo))
    sign(page_of(demo, batch))
    assert followed(batch).state == "pending_rejection"


def test_an_unknown_status_changes_nothing(demo: Demo, sandbox: Sandbox):
    linked(demo)
    batch = sent(released(demo))
    sandbox.fault(ponto_strange_status=True)
    assert followed(batch).state == "at_bank"
    assert BankCall.select().where(BankCall.outcome == "failed:OutcomeUnknown").count() == 2
    sandbox.fault(ponto_strange_status=False)
    assert followed(batch).state == "at_bank"


def test_a_link_without_tokens_is_never_called(demo: Demo, sandbox: Sandbox):
    linked(demo)
    batch = released(demo)
    BankOauthGrant.delete().execute()
    assert (sent(batch).state, orders_at(sandbox)) == ("approved", [])
    assert queries.get_batch(demo.client, batch.reference).state_reason == "bank_unreachable"


# --- revocation -----------------------------------------------------------------------------------
def held(consent: BankConsent) -> Tokens:
    found = oauth_grants._TOKENS.load(grant_of(consent))
    assert found is not None
    return found


def revoked() -> list[tuple[str, str]]:
    for revocation_id in token_revocations.due_revocations():
        token_revocations.revoke(revocation_id)
    events = AuditEvent.select().where(AuditEvent.kind == "bank.tokens_revoked").order_by(AuditEvent.id)
    return [(event.subject, event.details["result"]) for event in events]


def refused_at_ponto(tokens: Tokens) -> bool:
    service = services().ponto
    assert service is not None
    try:
        service.refresh(tokens.refresh_token)
    except OAuthRefused:
        return True
    return False


def test_the_tokens_of_a_replaced_link_are_revoked(demo: Demo, sandbox: Sandbox):
    old = linked(demo)
    tokens = held(old)
    new = linked(demo)
    assert (BankConsent.get_by_id(old.id).bank_consent_status, grant_of(old).tokens_encrypted) == ("replaced", None)
    assert revoked() == [(f"link:{old.id}", "revoked")]
    assert (refused_at_ponto(tokens), refused_at_ponto(held(new))) == (True, False)


def test_an_ended_link_is_revoked_when_its_accounts_are_linked_again(demo: Demo, sandbox: Sandbox):
    old = linked(demo)
    BankConsent.update(status="ended", bank_consent_status="expired").where(BankConsent.id == old.id).execute()
    assert (revoked(), grant_of(old).tokens_encrypted is not None) == ([], True), "its accounts may still pay"
    linked(demo)
    assert revoked() == [(f"link:{old.id}", "revoked")]


def test_a_link_that_still_has_an_account_keeps_its_tokens(demo: Demo, sandbox: Sandbox):
    old = linked(demo, ibans=(IBAN, SECOND_IBAN))
    linked(demo, ibans=(IBAN,))
    assert revoked() == []
    assert not refused_at_ponto(held(old))


def test_an_abandoned_link_is_revoked(demo: Demo, sandbox: Sandbox):
    back = pressed(linking.start_consent(demo.client, demo.user, "ponto", PSU, None))
    oauth_grants.complete_authorization(demo.user, back["state"], back["code"])
    consent = BankConsent.get(BankConsent.bank == "ponto")
    tokens = held(consent)
    BankConsent.update(created_at=utcnow() - linking.GIVE_UP_AFTER * 2, due_at=utcnow()).execute()
    account_sync.sync_consent(consent.id)
    assert (BankConsent.get_by_id(consent.id).status, revoked()) == ("declined", [(f"link:{consent.id}", "revoked")])
    assert refused_at_ponto(tokens)


def test_a_call_during_the_replacement_of_a_link_is_repeated(demo: Demo, sandbox: Sandbox):
    """Nothing has reached the bank: the new consent submits the order, once."""
    linked(demo)
    config = bank_configs.bank_config_for_account(demo.account)
    linked(demo)
    assert config.access is not None
    with pytest.raises(port.NotDelivered):
        config.access(None)
    assert sent(released(demo)).state == "at_bank"
    assert len(orders_at(sandbox)) == 1


def test_without_an_answer_or_without_ponto_the_revocation_waits(demo: Demo, sandbox: Sandbox):
    old = linked(demo)
    linked(demo)
    before = services()
    with receiver(status=503, body=b"") as down:
        settings = replace(before.ponto._settings)  # type: ignore[union-attr]
        configure(replace(before, ponto=PontoOAuth(settings, down.url)))
        assert revoked() == []
    configure(replace(before, ponto=None))
    TokenRevocation.update(due_at=utcnow()).execute()
    assert (revoked(), TokenRevocation.get().attempts) == ([], 2)
    configure(before)
    TokenRevocation.update(due_at=utcnow()).execute()
    assert revoked() == [(f"link:{old.id}", "revoked")]
