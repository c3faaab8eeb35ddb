"""Push notifications: who gets them, once, never about what is obsolete; subscriptions that are gone are deleted."""

import json
from datetime import timedelta
from typing import Any

import pytest

from core.clock import utcnow
from domain.accounts import accounts, passwords, push_subscriptions, sessions
from domain.accounts.devices import DeviceCookie
from domain.common.encryption import blind_index
from domain.common.errors import InvalidSubscription
from domain.outbox import push, push_delivery
from domain.outbox.push_delivery import PushContent
from domain.overview import worklist
from domain.payments import four_eyes, state_machine
from models import (
    Approval,
    Batch,
    BatchLine,
    Client,
    Device,
    EmailToken,
    LoginSession,
    Membership,
    PushNotification,
    PushSubscription,
    User,
    transaction,
)
from tests.support.factories import PSU, Demo, authorise, make_device, make_user
from tests.support.push import Receiver
from tests.support.sandbox import Sandbox


def write(notice: PushContent) -> tuple[str, str]:
    return notice.what, f"{notice.client} {notice.language}"


@pytest.fixture
def phone(demo: Demo, sandbox: Sandbox) -> Receiver:
    """The owner's subscribed phone."""
    return on_a_phone(demo.user, sandbox)


def on_a_phone(user: User, sandbox: Sandbox) -> Receiver:
    made = Receiver(sandbox)
    push_subscriptions.subscribe(user, make_device(user), made.written)
    return made


def send() -> list[bool]:
    return [push_delivery.deliver_push(row_id, write, worklist.pending_count) for row_id in push_delivery.due_pushes()]


def move(batch: Batch, *events: str) -> Batch:
    """Apply these events, as polling would."""
    for event in events:
        with transaction(batch.client_id):
            batch = Batch.get_by_id(batch.id)
            state_machine.transition(batch, event, "worker")
    return batch


# --- events ---
def test_a_waiting_payment_is_notified_once(demo: Demo, phone: Receiver):
    batch = demo.batch()
    assert send() == [True]
    assert send() == []
    (told,) = phone.told()
    assert (told["title"], told["text"], told["path"]) == ("waits", "Demo BV nl", f"/betalingen/{batch.reference}")
    assert told["waiting"] == 1
    assert phone.messages()[0]["topic"] == told["tag"]


@pytest.mark.parametrize(
    ("events", "what"),
    [
        (("bank_has_it", "bank_signed", "bank_executed"), "executed"),
        (("bank_has_it", "bank_signed", "bank_executed_partly"), "partly"),
        (("bank_has_it", "bank_rejected"), "refused"),
        (("bank_has_it", "bank_may_still_execute"), "may_be_executed"),
        (("bank_has_it", "bank_contradicts"), "disputed"),
        (("bank_has_it", "bank_signed", "bank_executed", "bank_returned_all"), "returned"),
        (("bank_has_it", "bank_signed", "bank_executed", "bank_executed_partly"), "partly"),
        (("bank_has_it", "bank_signed"), None),
    ],
)
def test_the_outcome_is_notified(demo: Demo, phone: Receiver, events: tuple[str, ...], what: str | None):
    batch = demo.batch()
    send()
    move(batch, "release", "send", *events)
    send()
    assert [told["title"] for told in phone.told()][::-1][1:] in ([what] if what else [], ["executed", what])


def test_what_a_bank_said_before_is_not_told_any_more(demo: Demo, phone: Receiver):
    """It refused, could still execute, and did: who reads the first of these would pay in another way."""
    batch = demo.batch()
    send()
    move(batch, "release", "send", "bank_has_it", "bank_may_still_execute", "bank_signed", "bank_executed")
    send()
    assert [told["title"] for told in phone.told()][::-1] == ["waits", "executed"]


def test_the_second_approver_is_notified(demo: Demo, sandbox: Sandbox, phone: Receiver):
    other = make_user(name="Naomi")
    authorise(demo.client, other)
    Membership.create(user=other, client=demo.client, role="approver")
    Client.update(dual_approval_from_cents=10_00).execute()
    batch, second = demo.batch(), on_a_phone(other, sandbox)
    PushNotification.delete().execute()
    with transaction(demo.client.id):
        four_eyes.approve(Batch.get_by_id(batch.id), demo.user, "x", 1000, "session", PSU.ip, False)
    assert Approval.select().count() == 1
    send()
    assert [told["title"] for told in second.told()] == ["asked"]
    assert phone.told() == []


def test_preparers_and_other_clients_are_not_notified(demo: Demo, sandbox: Sandbox):
    preparer, stranger = make_user(name="Piet"), make_user(name="Charlie")
    Membership.create(user=preparer, client=demo.client, role="preparer")
    phones = [on_a_phone(user, sandbox) for user in (preparer, stranger)]
    move(demo.batch(), "release", "send", "bank_executed")
    send()
    assert [one.messages() for one in phones] == [[], []]


def test_only_enabled_kinds_are_sent(demo: Demo, phone: Receiver):
    assert push.enabled_kinds(demo.user) == set(push.KINDS)
    push.set_enabled_kinds(demo.user, {"refused", "no-such-kind"})
    assert push.enabled_kinds(User.get_by_id(demo.user.id)) == {"refused"}
    first = demo.batch()
    move(first, "release", "send", "bank_rejected")
    send()
    assert [told["title"] for told in phone.told()] == ["refused"]


def test_every_browser_of_a_user_is_notified(demo: Demo, sandbox: Sandbox, phone: Receiver):
    tablet = on_a_phone(demo.user, sandbox)
    demo.batch()
    send()
    assert (len(phone.told()), len(tablet.told())) == (1, 1)


def test_the_language_is_the_users(demo: Demo, phone: Receiver):
    User.update(locale="en").execute()
    demo.batch()
    send()
    assert phone.told()[0]["text"] == "Demo BV en"


# --- obsolete notifications ---
def test_a_discarded_payment_is_not_notified(demo: Demo, phone: Receiver):
    batch = demo.batch()
    move(batch, "discard")
    assert send() == [False]
    assert send() == []
    assert phone.messages() == []


def test_former_members_are_not_notified(demo: Demo, phone: Receiver):
    demo.batch()
    Membership.delete().execute()
    assert send() == [False]
    assert phone.messages() == []


# --- push services ---
def test_a_gone_subscription_is_deleted(demo: Demo, sandbox: Sandbox, phone: Receiver):
    sandbox.fault(push_gone=True)
    demo.batch()
    assert send() == [False]
    assert (PushSubscription.select().count(), PushNotification.select().count()) == (0, 0)


@pytest.mark.parametrize(("fault", "least"), [("push_busy", 120), ("push_down", 5)])
def test_a_busy_push_service_is_retried_later(demo: Demo, sandbox: Sandbox, phone: Receiver, fault: str, least: int):
    sandbox.fault(**{fault: True})
    demo.batch()
    before = utcnow()
    assert send() == [False]
    row = PushNotification.get()
    assert row.due_at is not None
    assert row.due_at >= before + timedelta(seconds=least - 1)
    assert (row.attempts, row.sent_at, row.lease_until) == (1, None, None)
    sandbox.fault(**{fault: False})
    PushNotification.update(due_at=utcnow()).execute()
    assert send() == [True]
    assert len(phone.told()) == 1


def test_delivery_ends_after_the_last_attempt_or_a_refusal(demo: Demo, sandbox: Sandbox, phone: Receiver):
    demo.batch()
    PushNotification.update(attempts=push_delivery.MAX_ATTEMPTS - 1).execute()
    sandbox.fault(push_down=True)
    assert send() == [False]
    assert PushNotification.get().due_at is None
    sandbox.fault(push_down=False, push_elsewhere=True)
    PushNotification.update(attempts=0, due_at=utcnow()).execute()
    assert send() == [False]
    assert PushNotification.get().due_at is None
    assert phone.messages() == []


# --- switching on and off ---
@pytest.mark.parametrize(
    "written",
    ["", "{}", "[]", "null", '{"endpoint": 1}', json.dumps({"endpoint": "https://x.example", "keys": {}}), "\0"],
)
def test_an_invalid_subscription_is_refused(demo: Demo, written: str):
    with pytest.raises(InvalidSubscription):
        push_subscriptions.subscribe(demo.user, make_device(demo.user), written)
    assert PushSubscription.select().count() == 0


@pytest.mark.parametrize(
    "address",
    ["http://push.example/a", "https://127.0.0.1/a", "https://10.0.0.8/a", "https://[::1]/a", "https://x.example:8443/a"],
)
def test_internal_endpoints_are_refused(demo: Demo, phone: Receiver, address: str):
    told = json.loads(phone.written) | {"endpoint": address}
    with pytest.raises(InvalidSubscription):
        push_subscriptions.subscribe(demo.user, make_device(demo.user), json.dumps(told))
    assert PushSubscription.select().count() == 1


def test_one_user_per_browser_and_one_subscription_per_device(demo: Demo, sandbox: Sandbox):
    phone, device, other = Receiver(sandbox), make_device(demo.user), make_user(name="Piet")
    push_subscriptions.subscribe(demo.user, device, phone.written)
    push_subscriptions.subscribe(demo.user, device, phone.written)
    push_subscriptions.subscribe(demo.user, device, Receiver(sandbox).written)
    assert PushSubscription.select().count() == 1
    push_subscriptions.subscribe(other, make_device(other), PushSubscription and phone.written)
    push_subscriptions.subscribe(demo.user, make_device(demo.user), phone.written)
    assert [row.user_id for row in PushSubscription.select().order_by(PushSubscription.id)] == [demo.user.id] * 2


def test_a_renewed_subscription_is_not_deleted(demo: Demo, sandbox: Sandbox, phone: Receiver):
    """The browser renews its subscription while a message to the old one is being delivered."""
    later, visit = Receiver(sandbox), DeviceCookie("secret", "")
    Device.update(token_hash=blind_index(visit.secret)).where(Device.user == demo.user.id).execute()
    sandbox.fault(push_gone=True)
    demo.batch()

    def renewed_while_it_is_written(notice: PushContent) -> tuple[str, str]:
        push_subscriptions.renew_subscription(visit, later.written)
        return write(notice)

    (notice_id,) = push_delivery.due_pushes()
    assert not push_delivery.deliver_push(notice_id, renewed_while_it_is_written, worklist.pending_count)
    assert PushSubscription.get().endpoint_hash == blind_index(later.endpoint)


def test_subscriptions_are_encrypted(demo: Demo, phone: Receiver):
    row = PushSubscription.get()
    assert phone.endpoint not in json.dumps([row.endpoint_encrypted, row.endpoint_hash])


def signed_in(user: User, sandbox: Sandbox) -> tuple[str, int]:
    """Create a session on its own device with a subscription. Returns the session's secret and the device."""
    device = make_device(user)
    push_subscriptions.subscribe(user, device, Receiver(sandbox).written)
    return sessions.start_session({}, user.id, device.id), device.id


def left() -> set[int]:
    return {row.device_id for row in PushSubscription.select()}


def test_signing_out_ends_the_devices_notifications(demo: Demo, sandbox: Sandbox):
    (here, one), (_, two) = signed_in(demo.user, sandbox), signed_in(demo.user, sandbox)
    sessions.sign_out(here)
    assert left() == {two} != {one}


def test_revoking_a_session_ends_its_devices_notifications(demo: Demo, sandbox: Sandbox):
    (here, one), _other, (third, _) = (signed_in(demo.user, sandbox) for _ in range(3))
    key = next(view.key for view in sessions.list_sessions(demo.user, here) if not view.here)
    assert sessions.revoke_session(demo.user, key)
    assert len(left()) == 2
    assert sessions.revoke_other_sessions(demo.user, here) == 1
    assert left() == {one}
    assert sessions.load_session(third) is None


def test_a_password_reset_ends_all_notifications(demo: Demo, sandbox: Sandbox, monkeypatch: Any):
    signed_in(demo.user, sandbox)
    monkeypatch.setattr(passwords, "hash_password", lambda _text: "-")
    (link,) = [accounts.blind_index("a")]
    EmailToken.create(token_hash=link, user=demo.user, purpose="reset", expires_at=utcnow() + timedelta(hours=1))
    accounts.reset_password("a", "een zin die niemand raadt")
    assert (left(), LoginSession.select().count()) == (set(), 0)


def test_an_expired_session_keeps_notifications(demo: Demo, sandbox: Sandbox):
    """An installed app receives notifications even if it has not been opened for a week."""
    signed_in(demo.user, sandbox)
    LoginSession.update(expires_at=utcnow() - timedelta(days=1)).execute()
    sessions.purge_expired_sessions()
    assert len(left()) == 1


def test_stored_notifications_contain_no_payment_data(demo: Demo, phone: Receiver):
    batch = demo.batch()
    row = json.dumps([PushNotification.get().path, PushNotification.get().dedupe_key, PushNotification.get().event])
    secrets = [line.creditor_iban for line in BatchLine.select()] + [line.creditor_name for line in BatchLine.select()]
    assert not any(one in row for one in [*secrets, str(batch.total_cents)])
