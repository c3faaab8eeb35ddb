"""A file or a word about an order counts only with the PIN on a confirmed device; where it takes two, with two people.

For an order that a person took to the bank one is enough, unless four eyes ask for two. A linked bank is asked; only
when it cannot be asked, two members who confirm the same file count as that bank.
"""

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO

import pytest

from core.clock import utcnow
from core.ids import uuid
from domain.accounts import passwords
from domain.orders import manual_submission, submission
from domain.payments import amendments
from domain.payments.release import release
from models import (
    BankCall,
    BankOrder,
    Batch,
    Client,
    Device,
    Evidence,
    Identification,
    LoginSession,
    Membership,
    OrderLine,
    Pin,
    User,
)
from tests.connectors.test_pain002 import report
from tests.support.factories import PIN, PSU, Demo, authorise, make_device, make_user
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, Site, WebClient

IBAN = "NL61KNAB0257398104"


@pytest.fixture
def demo(demo: Demo) -> Demo:
    give_pin(demo.user)
    return demo


def give_pin(user: User) -> None:
    Pin.delete().where(Pin.user == user.id).execute()
    Pin.create(user=user, pin_hash=passwords.hash_pin(user.id, PIN))


def colleague(demo: Demo, name: str, role: str = "approver") -> User:
    user = make_user(name=name)
    authorise(demo.client, user)
    Membership.create(user=user, client=demo.client, role=role)
    give_pin(user)
    return user


@pytest.fixture
def by_hand(demo: Demo) -> Batch:
    """Its file was downloaded, to be taken to the bank."""
    account = manual_submission.add_account(demo.client, demo.user, IBAN, "Demo BV")
    batch = demo.batch()
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, account.id)
    device = make_device(demo.user)
    release(demo.membership, batch.reference, demo.view(batch).digest, "pin", PSU, PIN, device)
    manual_submission.download_order_file(demo.membership, batch.reference)
    return Batch.get_by_id(batch.id)


@dataclass(frozen=True)
class ByTwo:
    """A payment that two people approved, and whose file was downloaded; the second person."""

    batch: Batch
    second: User


@pytest.fixture
def by_two(demo: Demo) -> ByTwo:
    second = colleague(demo, "Naomi Peters")
    account = manual_submission.add_account(demo.client, demo.user, IBAN, "Demo BV")
    batch = demo.batch()
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, account.id)
    Batch.update(last_edited_by=None).execute()  # who changed the account last may not approve
    Client.update(dual_approval_from_cents=1).execute()
    for membership in Membership.select().where(Membership.client == demo.client).order_by(Membership.id):
        shown = demo.view(batch).digest
        release(membership, batch.reference, shown, "pin", PSU, PIN, make_device(membership.user))
    manual_submission.download_order_file(demo.membership, batch.reference)
    return ByTwo(Batch.get_by_id(batch.id), second)


@pytest.fixture
def linked(demo: Demo) -> Batch:
    """It waits at a linked bank."""
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    return Batch.get_by_id(batch.id)


def at(demo: Demo, batch: Batch, tail: str = "") -> str:
    return f"/{demo.client.public_id}/betalingen/{batch.reference}{tail}"


def state(batch: Batch) -> str:
    return Batch.get_by_id(batch.id).state


def file_of(batch: Batch, code: str = "RJCT", reason: str = "AC01") -> bytes:
    order = BankOrder.get(BankOrder.batch == batch.id)
    told = f"<GrpSts>{code}</GrpSts><StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>"
    return report(told, message_id=order.msg_id)


def upload(who: WebClient, demo: Demo, batch: Batch, raw: bytes) -> Page:
    return who.post(at(demo, batch, "/bestand"), bestand=(BytesIO(raw), "status.xml"))


def offered(page: Page) -> list[str | None]:
    """Return the links in the notes of a payment's page."""
    return [one.get("href") for one in page.all("#opgemerkt .note a")]


def out_of_reach(sandbox: Sandbox, batch: Batch, hours: int = 25) -> None:
    """The bank has failed to answer for so many hours, and still does."""
    sandbox.fault(bank_down=True)
    BankCall.create(
        order=BankOrder.get(BankOrder.batch == batch.id).id, created_at=utcnow() - timedelta(hours=hours),
        operation="status",
        x_request_id=uuid(), outcome="failed:BankRefused:503:",
    )  # fmt: skip


# --- an order that a person took to the bank ------------------------------------------------------
def test_a_file_counts_after_the_pin_and_not_before(owner: WebClient, demo: Demo, by_hand: Batch):
    answer = upload(owner, demo, by_hand, file_of(by_hand))
    assert (answer.status_code, state(by_hand)) == (303, "sending")
    page = owner.open(answer.location)
    assert "Geweigerd, het rekeningnummer klopt niet" in page.text
    assert "nog 4 keer" in owner.open(owner.post(answer.location, pin="000001").location).says("#pin-error")
    assert state(by_hand) == "sending"
    assert owner.post(answer.location, pin=PIN).location == at(demo, by_hand)
    assert state(by_hand) == "rejected"


def test_the_file_is_kept_while_the_password_is_asked(owner: WebClient, demo: Demo, by_hand: Batch):
    owner.open(at(demo, by_hand))
    LoginSession.update(elevated_until=utcnow() - timedelta(seconds=1)).execute()
    answer = upload(owner, demo, by_hand, file_of(by_hand))
    asked = owner.get(answer.location)
    assert asked.location.startswith("/bewijs?verder=")
    assert owner.post(answer.location, pin=PIN).location.startswith("/bewijs?verder="), "the PIN alone is not enough"
    assert state(by_hand) == "sending"
    LoginSession.update(elevated_until=utcnow() + timedelta(minutes=5)).execute()
    assert owner.post(answer.location, pin=PIN).status_code == 303
    assert state(by_hand) == "rejected"


@pytest.mark.parametrize("path", ["file", "word"])
def test_an_unconfirmed_device_proves_nothing(owner: WebClient, demo: Demo, by_hand: Batch, path: str):
    location = at(demo, by_hand, "/gemeld/geweigerd")
    if path == "file":
        location = upload(owner, demo, by_hand, file_of(by_hand)).location
    Device.update(confirmed_at=None, confirmed_by=None).execute()
    assert owner.post(location, pin=PIN).location.startswith("/apparaat?verder=")
    assert state(by_hand) == "sending"


def test_the_same_file_again_says_nothing_new(owner: WebClient, demo: Demo, by_hand: Batch):
    raw = file_of(by_hand, "ACSP", "NARR")
    owner.post(upload(owner, demo, by_hand, raw).location, pin=PIN)
    assert state(by_hand) == "signed"
    again = upload(owner, demo, by_hand, raw)
    assert (again.status_code, "niets nieuws" in again.text) == (422, True)


@pytest.mark.parametrize("path", ["file", "word"])
def test_four_eyes_take_two_people(site: Site, owner: WebClient, demo: Demo, by_two: ByTwo, path: str):
    by_hand, naomi = by_two.batch, by_two.second
    location = at(demo, by_hand, "/gemeld/geweigerd")
    if path == "file":
        location = upload(owner, demo, by_hand, file_of(by_hand)).location
    for _ in range(2):  # the same person twice is one person
        owner.post(location, pin=PIN)
        assert state(by_hand) == "sending"
    told = owner.open(at(demo, by_hand))
    assert ("Wacht op een tweede persoon" in told.text, location in offered(told)) == (True, False)
    second = site.person(naomi)
    assert location in offered(second.open(at(demo, by_hand)))
    assert second.post(location, pin=PIN).status_code == 303
    assert state(by_hand) == "rejected"


def test_two_accounts_of_one_person_are_one(site: Site, owner: WebClient, demo: Demo, by_two: ByTwo):
    by_hand, again = by_two.batch, by_two.second
    Identification.update(subject=Identification.get(Identification.user == demo.user.id).subject).execute()
    location = at(demo, by_hand, "/gemeld/geweigerd")
    owner.post(location, pin=PIN)
    answer = site.person(again).post(location, pin=PIN)
    assert (answer.location, state(by_hand)) == (at(demo, by_hand), "sending")
    assert Evidence.select().where(Evidence.trust == "person").count() == 1


def test_a_file_and_another_word_do_not_add_up(site: Site, owner: WebClient, demo: Demo, by_two: ByTwo):
    by_hand, naomi = by_two.batch, by_two.second
    owner.post(upload(owner, demo, by_hand, file_of(by_hand)).location, pin=PIN)
    site.person(naomi).post(at(demo, by_hand, "/gemeld/betaald"), pin=PIN)
    assert state(by_hand) == "sending"


# --- an order at a linked bank --------------------------------------------------------------------
def test_a_linked_bank_that_answers_leaves_nothing_to_confirm(site: Site, owner: WebClient, demo: Demo, linked: Batch):
    colleague(demo, "Naomi Peters")
    answer = upload(owner, demo, linked, file_of(linked))
    assert (answer.status_code, "Je bank is gekoppeld" in answer.text) == (422, True)
    document = Evidence.get(Evidence.trust == "hint").document_sha256
    assert owner.post(at(demo, linked, f"/bestand/{document}"), pin=PIN).location == at(demo, linked)
    assert "Je bank is gekoppeld" in owner.open(at(demo, linked)).text
    assert (state(linked), Evidence.select().where(Evidence.trust == "member").count()) == ("at_bank", 0)


def test_two_members_count_as_a_linked_bank_that_cannot_be_asked(
    site: Site, owner: WebClient, demo: Demo, sandbox: Sandbox, linked: Batch
):
    naomi = colleague(demo, "Naomi Peters")
    out_of_reach(sandbox, linked)
    location = upload(owner, demo, linked, file_of(linked)).location
    assert "Je bank is nu niet bereikbaar" in owner.open(location).text
    for _ in range(2):
        owner.post(location, pin=PIN)
        assert state(linked) == "at_bank"
    second = site.person(naomi)
    assert location in second.open(at(demo, linked)).html
    second.post(location, pin=PIN)
    assert (state(linked), {row.standing for row in OrderLine.select()}) == ("rejected", {"unpaid"})


def test_two_members_hand_in_the_same_file_each(
    site: Site, owner: WebClient, demo: Demo, sandbox: Sandbox, linked: Batch
):
    second = site.person(colleague(demo, "Naomi Peters"))
    out_of_reach(sandbox, linked)
    for who, expected in ((owner, "at_bank"), (second, "executed")):
        who.post(upload(who, demo, linked, file_of(linked, "ACSC", "NARR")).location, pin=PIN)
        assert state(linked) == expected


@pytest.mark.parametrize("hours", [0, 23])
def test_a_bank_that_was_away_for_less_than_a_day_can_be_asked(
    owner: WebClient, demo: Demo, sandbox: Sandbox, linked: Batch, hours: int
):
    colleague(demo, "Naomi Peters")
    out_of_reach(sandbox, linked, hours)
    answer = upload(owner, demo, linked, file_of(linked))
    assert (answer.status_code, state(linked)) == (422, "at_bank")


def test_a_bank_that_comes_back_between_two_confirmations_decides(
    site: Site, owner: WebClient, demo: Demo, sandbox: Sandbox, linked: Batch
):
    second = site.person(colleague(demo, "Naomi Peters"))
    out_of_reach(sandbox, linked)
    location = upload(owner, demo, linked, file_of(linked)).location
    owner.post(location, pin=PIN)
    sandbox.fault(bank_down=False)
    second.post(location, pin=PIN)
    assert (state(linked), Evidence.select().where(Evidence.trust == "member").count()) == ("at_bank", 1)


@pytest.mark.parametrize("role", ["preparer", None])
def test_a_client_with_one_member_who_may_pay_cannot(
    owner: WebClient, demo: Demo, sandbox: Sandbox, linked: Batch, role: str | None
):
    if role:
        colleague(demo, "Lisanne Schuurman", role)
    out_of_reach(sandbox, linked)
    answer = upload(owner, demo, linked, file_of(linked))
    assert (answer.status_code, "niemand anders kan dit bestand" in answer.text) == (422, True)
    document = Evidence.get(Evidence.trust == "hint").document_sha256
    owner.post(at(demo, linked, f"/bestand/{document}"), pin=PIN)
    assert (state(linked), Evidence.select().where(Evidence.trust == "member").count()) == ("at_bank", 0)


def test_a_preparer_confirms_nothing(site: Site, demo: Demo, by_hand: Batch, owner: WebClient):
    location = upload(owner, demo, by_hand, file_of(by_hand)).location
    assert site.person(colleague(demo, "Lisanne Schuurman", "preparer")).post(location, pin=PIN).status_code == 403


def test_a_file_of_another_client_is_404(charlie: WebClient, owner: WebClient, demo: Demo, by_hand: Batch):
    location = upload(owner, demo, by_hand, file_of(by_hand)).location
    assert charlie.get(location).status_code == 404
    assert owner.get(at(demo, by_hand, "/bestand/" + "0" * 64)).status_code == 404
