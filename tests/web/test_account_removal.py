"""A user removes the own account: what goes, what stays, and while what it is refused in words."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
import time_machine

from core.clock import utcnow
from domain.accounts import accounts, passwords
from domain.common import audit
from domain.common.errors import PinMissing, SignInRefused
from domain.operations import integrity, redaction
from domain.outbox import mail
from domain.privacy import retention
from domain.team import account_removal, client_closing
from domain.team.account_removal import Needed
from models import (
    Approval,
    AuditEvent,
    Client,
    Device,
    Identification,
    LoginSession,
    Membership,
    OutgoingMail,
    Passkey,
    Pin,
    PushSubscription,
    Release,
    User,
)
from tests.support.factories import PIN, Demo, authorise, here, make_client, make_user
from tests.support.orders import put_at_bank
from tests.support.web_client import Page, Site, WebClient


@dataclass
class Someone:
    user: User
    browser: WebClient

    def removes(self, demo: Demo, pin: str = PIN) -> Page:
        return self.browser.post(at(demo), {"pin": pin})


@pytest.fixture
def preparer(site: Site, demo: Demo) -> Someone:
    """A member who never approved anything."""
    user = make_user("prepares@demobv.example", "Pia Prepares")
    Membership.create(user=user, client=demo.client, role="preparer")
    return with_pin(site, user)


@pytest.fixture
def approver(site: Site, demo: Demo) -> Someone:
    user = make_user("approves@demobv.example", "Alek Approves")
    Membership.create(user=user, client=demo.client, role="approver")
    authorise(demo.client, user)
    return with_pin(site, user)


def with_pin(site: Site, user: User) -> Someone:
    Pin.create(user=user, pin_hash=passwords.hash_pin(user.id, PIN))
    return Someone(user, site.person(user))


def at(demo: Demo) -> str:
    return f"/{demo.client.public_id}/instellingen/account-verwijderen"


def left_of(user: User) -> dict[str, int]:
    tables = (Pin, Passkey, Device, PushSubscription, LoginSession, Membership)
    return {table.__name__: table.select().where(table.user == user.id).count() for table in tables}


def test_who_never_approved_is_gone_at_once(preparer: Someone, demo: Demo):
    user = preparer.user
    Passkey.create(user=user, credential_id="c", public_key="k", sign_count=0, name="phone")
    device = Device.get(Device.user == user.id)
    PushSubscription.create(user=user, device=device, endpoint_hash="e", endpoint_encrypted="v1:x")
    page = preparer.browser.open(at(demo))
    assert "Je naam en identificatie worden ook meteen verwijderd" in page.text
    assert preparer.removes(demo).location == "/inloggen"
    row = User.get_by_id(user.id)
    assert (row.name, row.password_hash, row.email_confirmed_at) == ("-", "-", None)
    assert row.email.endswith("@removed.invalid") and row.removed_at
    assert set(left_of(user).values()) == {0}
    with pytest.raises(SignInRefused):
        accounts.sign_in_with_password("prepares@demobv.example", "x")
    assert preparer.browser.get(f"/{demo.client.public_id}/overzicht").location.startswith("/inloggen")
    event = AuditEvent.select().order_by(AuditEvent.number.desc()).get()
    assert (event.kind, event.actor, event.subject) == ("member.account_removed", f"user:{user.id}", f"user:{user.id}")
    assert list(integrity.find_inconsistencies()) == [] and audit.verify_chain(demo.client.id) == []


def test_a_last_mail_goes_to_the_address_that_is_removed(preparer: Someone, demo: Demo, sandbox):
    preparer.removes(demo)
    kinds = [row.kind for row in OutgoingMail.select().where(OutgoingMail.payload_encrypted != "")]
    assert sorted(kinds)[:1] == ["account_removed"] and "member_changed" in kinds
    OutgoingMail.update(sent_at=utcnow(), due_at=None).execute()
    assert retention.remove_expired() == 1, "its contents go once it is sent"


def test_no_mail_follows_somebody_who_left(preparer: Someone, demo: Demo):
    preparer.removes(demo)
    before = OutgoingMail.select().count()
    mail.enqueue_mail(User.get_by_id(preparer.user.id), "excess_ended", once="later", client=demo.client)
    assert OutgoingMail.select().count() == before


def test_the_address_can_be_used_again_by_a_new_account(preparer: Someone, demo: Demo):
    preparer.removes(demo)
    again = make_user("prepares@demobv.example")
    assert again.id != preparer.user.id and accounts.memberships_of(again) == []


def test_approvals_that_are_not_sent_are_void_and_the_name_stays(approver: Someone, owner: WebClient, demo: Demo):
    spare = make_user(name="Third")
    Membership.create(user=spare, client=demo.client, role="owner")
    authorise(demo.client, spare)
    Client.update(dual_approval_from_cents=1).where(Client.id == demo.client.id).execute()
    batch, user = demo.batch(), approver.user
    pay = f"/{demo.client.public_id}/betalingen/{batch.reference}/betalen"
    approver.browser.post(pay, {"shown": demo.view(batch).digest})
    assert Approval.get(Approval.user == user.id).voided_at is None
    page = approver.browser.open(at(demo))
    assert "tot 7 jaar na afloop van dit jaar" in page.text
    assert approver.removes(demo).location == "/inloggen"
    assert Approval.get(Approval.user == user.id).void_reason == "member_removed"
    row = User.get_by_id(user.id)
    assert row.name == "Alek Approves" and not row.email.startswith("approves")
    assert Identification.select().where(Identification.user == user.id).exists()
    assert list(integrity.find_inconsistencies()) == []
    with time_machine.travel(date(2034, 1, 2), tick=False):
        assert redaction.forget_removed_users() == 1 and redaction.forget_removed_users() == 0
    assert User.get_by_id(user.id).name == "-"
    assert not Identification.select().where(Identification.user == user.id).exists()
    assert list(integrity.find_inconsistencies()) == []


# --- refused ---------------------------------------------------------------------------------------
def test_the_only_owner_stays(owner: WebClient, demo: Demo):
    Pin.update(pin_hash=passwords.hash_pin(demo.user.id, PIN)).where(Pin.user == demo.user.id).execute()
    page = owner.open(at(demo))
    assert "Je bent de enige eigenaar van Demo BV" in page.text and not page.all("[data-pinpad]")
    answer = owner.post(at(demo), {"pin": PIN})
    assert answer.status_code == 422 and "enige eigenaar" in answer.text
    assert User.get_by_id(demo.user.id).email == demo.user.email
    assert Membership.select().where(Membership.user == demo.user.id).exists()


# --- in no company -------------------------------------------------------------------------------
ALONE = "/account-verwijderen"


def taken_out(someone: Someone) -> None:
    Membership.delete().where(Membership.user == someone.user.id).execute()


def test_after_a_company_was_closed_for_good_its_owner_removes_the_own_account(site: Site, demo: Demo):
    Pin.delete().where(Pin.user == demo.user.id).execute()
    owner = with_pin(site, demo.user)
    with time_machine.travel(utcnow() - timedelta(days=40), tick=False):
        client_closing.close_client(demo.membership, PIN, here(demo.membership))
    client_closing.end_links(demo.client.id)
    assert not Membership.select().where(Membership.user == demo.user.id).exists()
    page = owner.browser.open("/overzicht")
    assert [link.get("href") for link in page.all(f"a[href='{ALONE}']")] == [ALONE]
    assert owner.browser.open(ALONE).all("[data-pinpad]")
    assert owner.browser.post(ALONE, {"pin": "111222"}).location == ALONE
    assert "nog 4 keer" in owner.browser.open(ALONE).says("#pin-error")
    assert User.get_by_id(demo.user.id).removed_at is None
    assert owner.browser.post(ALONE, {"pin": PIN}).location == "/inloggen"
    assert User.get_by_id(demo.user.id).removed_at and not Pin.select().where(Pin.user == demo.user.id).exists()
    assert list(integrity.find_inconsistencies()) == []


def test_who_never_set_a_pin_needs_none_in_no_company(preparer: Someone):
    taken_out(preparer)
    Pin.delete().where(Pin.user == preparer.user.id).execute()
    page = preparer.browser.open(ALONE)
    assert not page.all("[data-pinpad]") and page.all(f'form[action="{ALONE}"] button')
    assert preparer.browser.post(ALONE).location == "/inloggen"
    assert User.get_by_id(preparer.user.id).removed_at


def test_in_a_company_a_missing_pin_removes_nothing(preparer: Someone, demo: Demo):
    Pin.delete().where(Pin.user == preparer.user.id).execute()
    assert preparer.browser.post(ALONE).location == at(demo)
    with pytest.raises(PinMissing):
        account_removal.remove_account(preparer.user, "", Device.get(Device.user == preparer.user.id))
    assert User.get_by_id(preparer.user.id).removed_at is None


def test_five_wrong_pins_end_it_on_this_device(preparer: Someone):
    taken_out(preparer)
    answers = [preparer.browser.post(ALONE, {"pin": "111222"}) for _ in range(6)]
    assert [one.status_code for one in answers[:4]] == [303] * 4
    assert answers[-1].status_code == 422 and "geblokkeerd op dit apparaat" in answers[-1].text
    assert preparer.browser.post(ALONE, {"pin": PIN}).status_code == 422
    assert User.get_by_id(preparer.user.id).removed_at is None


@pytest.mark.parametrize("lacking", ["login", "device"])
def test_alone_it_asks_a_recent_login_and_a_confirmed_device(preparer: Someone, lacking: str):
    taken_out(preparer)
    if lacking == "login":
        LoginSession.update(elevated_until=utcnow() - timedelta(seconds=1)).execute()
    else:
        Device.update(confirmed_at=None, confirmed_by=None).where(Device.user == preparer.user.id).execute()
    leads = preparer.browser.post(ALONE, {"pin": PIN}).location
    assert leads.startswith("/bewijs" if lacking == "login" else "/apparaat")
    assert User.get_by_id(preparer.user.id).removed_at is None


def test_an_owner_elsewhere_stays(preparer: Someone, demo: Demo):
    make_client(preparer.user)
    assert account_removal.obstacles(preparer.user)[0].why is Needed.LAST_OWNER
    assert preparer.removes(demo).status_code == 422


def test_one_of_two_who_must_approve_stays(approver: Someone, demo: Demo):
    Client.update(dual_approval_from_cents=1).where(Client.id == demo.client.id).execute()
    assert [one.why for one in account_removal.obstacles(approver.user)] == [Needed.TOO_FEW]


@pytest.mark.parametrize(("state", "why"), [("at_bank", [Needed.WAITS]), ("signed", []), ("executed", [])])
def test_whose_payment_waits_at_the_bank_stays(approver: Someone, demo: Demo, state: str, why: list[Needed]):
    batch = demo.batch()
    put_at_bank(batch, state)
    Release.update(user=approver.user.id).where(Release.batch == batch.id).execute()
    assert [one.why for one in account_removal.obstacles(approver.user)] == why


def test_a_wrong_pin_removes_nothing(preparer: Someone, demo: Demo):
    answer = preparer.removes(demo, "111222")
    assert "nog 4 keer" in preparer.browser.open(answer.location).says("#pin-error")
    assert User.get_by_id(preparer.user.id).removed_at is None
    assert LoginSession.select().where(LoginSession.user == preparer.user.id).exists()


def test_without_a_recent_login_nothing_is_removed(preparer: Someone, demo: Demo):
    LoginSession.update(elevated_until=utcnow() - timedelta(seconds=1)).execute()
    assert preparer.removes(demo).location.startswith("/bewijs")
