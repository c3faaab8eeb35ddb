"""Consents: granted, declined, never returned, polled in the background at most four times a day, ended, renewed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

import models
from connectors.smtp import Message
from core.ids import uuid
from domain.accounts import push_subscriptions
from domain.banking import account_sync, bank_accounts, bank_configs, consents, linking
from domain.common import audit
from domain.common.errors import (
    BankUnavailable,
    ConsentEnded,
    ConsentPending,
    ConsentQuotaExceeded,
    ConsentRefused,
    NotFound,
)
from domain.common.services import Services
from domain.orders import submission
from domain.outbox import mail as mails
from domain.outbox.mail import MailMessage
from domain.payments.release import release
from models import (
    AuditEvent,
    BankAccount,
    BankConsent,
    Batch,
    ConsentUsage,
    Membership,
    OutgoingMail,
    PayrollCompany,
    PushNotification,
)
from tests.support.bank import advance
from tests.support.consents import BOTH, begin, linked, without_directory
from tests.support.factories import (
    DEMO_IBAN,
    OTHER_IBAN,
    PSU,
    authorise,
    make_client,
    make_demo,
    make_device,
    make_user,
)
from tests.support.push import Receiver
from tests.support.sandbox import Sandbox


@pytest.fixture
def owner(world: Services) -> Membership:
    """A user who may link a bank and has none yet."""
    user = make_user()
    membership = make_client(user)
    authorise(membership.client, user)
    return membership


def fresh(consent: BankConsent) -> BankConsent:
    return BankConsent.get_by_id(consent.id)


def due(consent: BankConsent) -> None:
    BankConsent.update(due_at=datetime.now(UTC) - timedelta(seconds=1)).where(BankConsent.id == consent.id).execute()


def look(consent: BankConsent) -> BankConsent:
    """Run the sync job now."""
    due(consent)
    assert account_sync.sync_consent(consent.id)
    return fresh(consent)


def used(consent: BankConsent) -> dict[str, int]:
    return {row.resource: row.read_count for row in ConsentUsage.select().where(ConsentUsage.consent == consent.id)}


# --- granting -------------------------------------------------------------------------------------
def test_the_last_day_comes_from_the_bank(owner: Membership, sandbox: Sandbox):
    sandbox.fault(bank_consent_short=True)
    consent = linked(owner.client, owner.user)
    assert (consent.status, consent.bank_consent_status, consent.bank_name) == (
        "valid",
        "valid",
        bank_configs.bank_config_of("redirect").name,
    )
    told = date.fromisoformat(sandbox.control("GET", "clock")["bank_day"]) + timedelta(days=5)
    assert consent.valid_until == told


def test_a_repeated_redirect_changes_nothing(owner: Membership):
    walk = begin(owner.client, owner.user)
    state = walk.decide("toestaan", *BOTH)
    first = linking.complete_consent(state, owner.user, PSU)
    events = AuditEvent.select().count()
    assert linking.complete_consent(state, owner.user, PSU).id == first.id
    assert AuditEvent.select().count() == events
    assert BankAccount.select().count() == 2


def test_another_user_cannot_complete_the_consent(owner: Membership):
    state = begin(owner.client, owner.user).decide("toestaan", *BOTH)
    with pytest.raises(NotFound):
        linking.complete_consent(state, make_user(), PSU)


def test_an_undecided_consent_stays_pending(owner: Membership):
    begin(owner.client, owner.user)
    consent = BankConsent.get()
    with pytest.raises(ConsentPending):
        linking.import_accounts(consent, PSU)
    assert fresh(consent).status == "started"


def test_a_declined_consent_links_nothing(owner: Membership):
    state = begin(owner.client, owner.user).decide("weigeren")
    with pytest.raises(ConsentRefused):
        linking.complete_consent(state, owner.user, PSU)
    assert (BankConsent.get().status, BankConsent.get().bank_consent_status) == ("declined", "rejected")
    assert BankAccount.select().count() == 0


def test_completion_can_be_repeated_after_an_outage(owner: Membership, sandbox: Sandbox):
    state = begin(owner.client, owner.user).decide("toestaan", *BOTH)
    sandbox.fault(bank_down=True)
    with pytest.raises(BankUnavailable):
        linking.complete_consent(state, owner.user, PSU)
    sandbox.fault(bank_down=False)
    assert linking.complete_consent(state, owner.user, PSU).status == "valid"


def test_accounts_are_imported_if_the_redirect_never_returns(owner: Membership):
    begin(owner.client, owner.user).decide("toestaan", *BOTH)
    consent = look(BankConsent.get())
    assert consent.status == "valid"
    assert [row.iban for row in BankAccount.select().order_by(BankAccount.id)] == list(BOTH)
    assert bank_accounts.payable_accounts(owner.client) == []
    assert [row.id for row in linking.awaiting_holder_confirmation(owner.client)] == [consent.id]


def test_an_undecided_consent_is_polled_for_a_day(owner: Membership):
    begin(owner.client, owner.user)
    consent = look(BankConsent.get())
    assert consent.status == "started"
    assert consent.due_at is not None
    assert consent.due_at > datetime.now(UTC)
    BankConsent.update(created_at=datetime.now(UTC) - timedelta(hours=25)).execute()
    consent = look(consent)
    assert (consent.status, consent.due_at) == ("declined", None)


# --- status ---------------------------------------------------------------------------------------
def test_the_job_detects_an_expired_consent(owner: Membership, sandbox: Sandbox):
    sandbox.fault(bank_consent_short=True)
    consent = linked(owner.client, owner.user)
    advance(sandbox, 6)
    consent = look(consent)
    assert (consent.status, consent.bank_consent_status, consent.due_at) == ("ended", "expired", None)
    assert consents.consent_view(consent).word == "expired"
    assert audit.verify_chain(owner.client_id) == []


def test_the_job_detects_a_revoked_consent(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    sandbox.post(f"/bank/redirect/toestemmingen/{consent.consent_id}/intrekken")
    assert consents.consent_view(look(consent)).word == "revokedByPsu"


def test_a_consent_unknown_to_the_bank_has_ended(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    sandbox.fault(bank_forgets_consent=True)
    assert (look(consent).status, fresh(consent).bank_consent_status) == ("ended", "unknown")


def test_an_account_call_can_reveal_that_the_consent_has_ended(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    row, config = BankAccount.get(), bank_configs.bank_config_of("redirect")
    sandbox.fault(bank_consent_expired=True)
    with pytest.raises(ConsentEnded):
        arguments = (linking.services().bank.balance, config, consent.consent_id, row.resource_id, PSU, uuid())
        consents.call_with_quota(consent, "x", PSU, *arguments)
    assert (fresh(consent).status, fresh(consent).bank_consent_status) == ("ended", "expired")


def test_an_ended_consent_keeps_its_accounts_and_balances(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    sandbox.fault(bank_consent_expired=True)
    look(consent)
    found = bank_accounts.payable_accounts(owner.client)
    assert [account.iban for account in found] == list(BOTH)
    assert all(account.balance_cents is not None and account.balance_at for account in found)


def test_payments_work_after_the_consent_has_ended(world: Services, sandbox: Sandbox):
    demo = make_demo(sandbox, pin=False)
    consents.terminate_consent(linked(demo.client, demo.user), "expired")
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU, None)
    submission.submit_order(batch.id)
    assert Batch.get_by_id(batch.id).state == "at_bank"


def test_after_its_last_day_it_is_expired_even_if_the_bank_is_down(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    BankConsent.update(valid_until=consents.today_amsterdam() - timedelta(days=1)).execute()
    sandbox.fault(bank_down=True)
    assert consents.consent_view(look(consent)).word == "expired"


def test_an_outage_does_not_end_a_consent(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    sandbox.fault(bank_down=True)
    consent = look(consent)
    assert (consent.status, consent.lease_until) == ("valid", None)
    assert consent.due_at is not None
    assert consent.due_at > datetime.now(UTC)


def test_a_missing_directory_does_not_end_a_consent(owner: Membership, world: Services):
    consent = linked(owner.client, owner.user)
    without_directory(world)
    consent = look(consent)
    assert (consent.status, consent.lease_until) == ("valid", None)


def test_one_worker_syncs_at_a_time(owner: Membership):
    consent = linked(owner.client, owner.user)
    due(consent)
    assert account_sync.due_consents() == [consent.id]
    BankConsent.update(lease_until=datetime.now(UTC) + timedelta(minutes=1)).execute()
    assert account_sync.due_consents() == []
    assert not account_sync.sync_consent(consent.id)


# --- quota ----------------------------------------------------------------------------------------
def test_the_job_reads_balances_at_most_four_times_a_day(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    for _ in range(4):
        look(consent)
    ids = [row.id for row in BankAccount.select()]
    assert used(consent) == {"consent": 4} | {f"balances:{one}": 4 for one in ids}
    set_balance(sandbox, DEMO_IBAN, "12.34")
    look(consent)
    assert BankAccount.get(BankAccount.iban == DEMO_IBAN).balance_cents != 1234, "the bank was not asked"
    assert used(consent) == {"consent": 4} | {f"balances:{one}": 4 for one in ids}


def test_parallel_reads_do_not_exceed_the_quota(owner: Membership):
    consent = linked(owner.client, owner.user)
    for _ in range(3):
        consents.count_access(consent, "balances:1", None)

    def claim(_: int) -> bool:
        with models.database.connection_context():
            try:
                consents.count_access(consent, "balances:1", None)
            except ConsentQuotaExceeded:
                return False
            return True

    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(claim, range(8))) == 1
    assert used(consent) == {"balances:1": 4}


def test_the_quota_is_per_resource_day_and_consent(owner: Membership, monkeypatch):
    consent = linked(owner.client, owner.user)
    for _ in range(4):
        consents.count_access(consent, "balances:1", None)
    consents.count_access(consent, "balances:2", None)
    with pytest.raises(ConsentQuotaExceeded):
        consents.count_access(consent, "balances:1", None)
    tomorrow = consents.today_amsterdam() + timedelta(days=1)
    monkeypatch.setattr(consents, "today_amsterdam", lambda: tomorrow)
    consents.count_access(consent, "balances:1", None)


def test_reads_with_the_customer_present_are_not_counted(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    for _ in range(6):
        BankConsent.update(balances_requested_at=None).execute()
        account_sync.refresh_balances(owner.client, PSU)
    assert used(consent) == {}


def test_access_exceeded_stops_reads_for_the_day(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    sandbox.fault(bank_access_exceeded=True)
    look(consent)
    ids = [row.id for row in BankAccount.select()]
    assert used(consent) == {"consent": 1} | {f"balances:{one}": 4 for one in ids}
    assert fresh(consent).status == "valid"


# --- balances -------------------------------------------------------------------------------------
def set_balance(sandbox: Sandbox, iban: str, amount: str) -> None:
    sandbox.control("PUT", "banks/redirect", {
        "accounts": [{"iban": iban, "name": "Zakelijk", "balance": amount},
                     {"iban": OTHER_IBAN, "name": "Spaar", "balance": "1.00"}],
    })  # fmt: skip


def test_balances_are_refreshed_at_most_once_a_minute(
    owner: Membership, sandbox: Sandbox
):
    linked(owner.client, owner.user)
    assert account_sync.needs_refresh(owner.client)
    set_balance(sandbox, DEMO_IBAN, "12.34")
    account_sync.refresh_balances(owner.client, PSU)
    assert BankAccount.get(BankAccount.iban == DEMO_IBAN).balance_cents == 1234
    assert not account_sync.needs_refresh(owner.client)
    set_balance(sandbox, DEMO_IBAN, "56.78")
    account_sync.refresh_balances(owner.client, PSU)
    assert BankAccount.get(BankAccount.iban == DEMO_IBAN).balance_cents == 1234


def test_the_job_refreshes_balances(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    set_balance(sandbox, DEMO_IBAN, "99.00")
    look(consent)
    assert BankAccount.get(BankAccount.iban == DEMO_IBAN).balance_cents == 9900


def test_a_failed_refresh_keeps_the_last_balance(owner: Membership, sandbox: Sandbox):
    linked(owner.client, owner.user)
    before = BankAccount.get(BankAccount.iban == DEMO_IBAN)
    sandbox.fault(bank_balance_down=True)
    with pytest.raises(BankUnavailable):
        account_sync.refresh_balances(owner.client, PSU)
    after = BankAccount.get(BankAccount.iban == DEMO_IBAN)
    assert (after.balance_cents, after.balance_at) == (before.balance_cents, before.balance_at)


# --- end and renewal ------------------------------------------------------------------------------
def test_each_owner_gets_one_mail_seven_days_before_the_end(owner: Membership, sandbox: Sandbox):
    sandbox.fault(bank_consent_short=True)
    consent = linked(owner.client, owner.user)
    Membership.create(user=make_user(), client=owner.client, role="preparer")
    for _ in range(3):
        look(consent)
    (mail,) = OutgoingMail.select()
    assert (mail.kind, mail.user_id) == ("consent_ends", owner.user_id)
    assert [one.word for one in consents.consents_needing_renewal(owner.client)] == ["ends"]


def test_the_reminder_names_the_bank_and_the_last_day(owner: Membership, sandbox: Sandbox):
    sandbox.fault(bank_consent_short=True)
    consent = look(linked(owner.client, owner.user))
    told: list[MailMessage] = []

    def write(letter: MailMessage) -> Message:
        told.append(letter)
        return Message(to=letter.user.email, subject="x", text="x", html="x")

    assert [mails.deliver_mail(mail_id, write) for mail_id in mails.due_mails()] == [True]
    assert consent.valid_until is not None
    assert told[0].facts == {"bank": consent.bank_name, "last_day": consent.valid_until.isoformat()}
    assert told[0].path == f"/{owner.client.public_id}/saldo"


@pytest.mark.parametrize("how", ["bank_consent_expired", "bank_forgets_consent", "revoked"])
def test_each_owner_is_told_once_that_the_bank_ended_a_consent_early(owner: Membership, sandbox: Sandbox, how: str):
    consent = linked(owner.client, owner.user)
    Membership.create(user=make_user(), client=owner.client, role="preparer")
    phone = Receiver(sandbox)
    push_subscriptions.subscribe(owner.user, make_device(owner.user), phone.written)
    if how == "revoked":
        sandbox.post(f"/bank/redirect/toestemmingen/{consent.consent_id}/intrekken")
    else:
        sandbox.fault(**{how: True})
    look(consent)
    assert not consents.terminate_consent(fresh(consent), "expired")  # seen a second time by another call
    assert [(mail.kind, mail.user_id) for mail in OutgoingMail.select()] == [("consent_ended", owner.user_id)]
    (told,) = PushNotification.select()
    assert (told.event, told.path) == ("consent_ended", f"/{owner.client.public_id}/saldo")


def test_nobody_is_told_of_a_consent_that_ended_on_its_day_or_was_replaced(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    BankConsent.update(valid_until=consents.today_amsterdam() - timedelta(days=1)).execute()
    consents.terminate_consent(fresh(consent), "expired")
    BankConsent.update(status="valid", valid_until=consents.today_amsterdam()).execute()
    consents.terminate_consent(fresh(consent), consents.REPLACED)
    assert OutgoingMail.select().count() == 0


def test_nobody_is_told_of_a_consent_without_an_account(owner: Membership, sandbox: Sandbox):
    consent = linked(owner.client, owner.user)
    BankConsent.update(holder_confirmed_at=None).execute()
    consents.terminate_consent(fresh(consent), "revokedByPsu")
    assert OutgoingMail.select().count() == 0


@pytest.mark.parametrize(("days", "word"), [(8, "valid"), (7, "ends"), (0, "ends"), (-1, "expired")])
def test_the_last_week_includes_the_last_day(owner: Membership, days: int, word: str):
    consent = linked(owner.client, owner.user)
    consent.valid_until = consents.today_amsterdam() + timedelta(days=days)
    assert consents.consent_view(consent).word == word


def test_a_consent_without_an_end_needs_no_renewal(owner: Membership):
    consent = linked(owner.client, owner.user)
    consent.valid_until = None
    assert (consents.consent_view(consent).word, consents.consent_view(consent).days_left) == ("valid", None)


def test_a_renewal_keeps_the_accounts_and_ends_the_older_consent(owner: Membership, sandbox: Sandbox):
    older = linked(owner.client, owner.user)
    rows = {row.iban: row.id for row in BankAccount.select()}
    newer = begin(owner.client, owner.user).allow()
    assert {row.iban: row.id for row in BankAccount.select()} == rows
    assert {row.consent_id for row in BankAccount.select()} == {newer.id}
    assert (fresh(older).status, fresh(older).bank_consent_status, fresh(older).due_at) == ("ended", "replaced", None)
    assert newer.holder_confirmed_at, "the same name was confirmed before"
    assert consents.consents_needing_renewal(owner.client) == []


def test_a_renewal_keeps_the_mapping(world: Services, sandbox: Sandbox):
    demo = make_demo(sandbox, pin=False)
    newer = begin(demo.client, demo.user).allow()
    assert PayrollCompany.get().bank_account_id == demo.account.id
    assert [account.id for account in bank_accounts.payable_accounts(demo.client)] == [demo.account.id, demo.other.id]
    assert BankAccount.get_by_id(demo.account.id).consent_id == newer.id


def test_a_partial_renewal_keeps_the_older_consent(owner: Membership):
    older = linked(owner.client, owner.user)
    newer = begin(owner.client, owner.user).allow(DEMO_IBAN)
    assert fresh(older).status == "valid"
    assert {row.iban: row.consent_id for row in BankAccount.select()} == {DEMO_IBAN: newer.id, OTHER_IBAN: older.id}


def test_a_renewal_with_another_holder_needs_confirmation(owner: Membership, sandbox: Sandbox):
    linked(owner.client, owner.user)
    sandbox.control("PUT", "banks/redirect", {
        "accounts": [{"iban": DEMO_IBAN, "name": "Zakelijk", "balance": "1.00", "owner": "Duinrand Catering BV"}],
    })  # fmt: skip
    newer = begin(owner.client, owner.user).allow(DEMO_IBAN)
    assert newer.holder_confirmed_at is None
    assert DEMO_IBAN not in [account.iban for account in bank_accounts.payable_accounts(owner.client)]


def test_an_older_redirect_does_not_take_accounts_from_a_newer_consent(owner: Membership):
    walk = begin(owner.client, owner.user)
    state = walk.decide("toestaan", *BOTH)
    linking.complete_consent(state, owner.user, PSU)
    newer = begin(owner.client, owner.user).allow()
    linking.complete_consent(state, owner.user, PSU)
    assert {row.consent_id for row in BankAccount.select()} == {newer.id}
