"""What the company wishes of its bank is part of what is shown and approved: a change of it is refused or voids it."""

import itertools

import pytest

import models
from domain.operations import integrity
from domain.orders import manual_submission, order_building, submission
from domain.payments import amendments, digest
from domain.payments.release import release
from models import Approval, BankOrder, Batch, Client, Membership, Release
from tests.support.factories import PIN, PSU, Demo, authorise, make_device, make_user
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, Site, WebClient
from tests.web.test_approval import delegated, pay, shown_to  # noqa: F401
from tests.web.test_payment_page import at

BOTH = {"batch_booking": "y", "name_check": "y"}
SAID = {"name_check": "De naamcontrole is uitgezet", "batch_booking": "De weergave op je afschrift is gewijzigd"}


def wish(owner: WebClient, demo: Demo, without: str = "") -> Page:
    """Save the wishes on the settings page: both, or one left out."""
    data = {name: value for name, value in BOTH.items() if name != without}
    return owner.post(f"/{demo.client.public_id}/instellingen/bank", data=data)


def stands(model: type) -> int:
    return model.select().where(model.voided_at.is_null()).count()


@pytest.fixture
def naomi(site: Site, demo: Demo) -> WebClient:
    """A second approver; every payment needs two."""
    user = make_user(name="Naomi")
    authorise(demo.client, user)
    Membership.create(user=user, client=demo.client, role="approver")
    Client.update(dual_approval_from_cents=0).execute()
    return site.person(user)


# --- between page and approval --------------------------------------------------------------------
@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize("name", SAID)
def test_a_wish_changed_since_the_page_was_shown_is_refused(owner: WebClient, demo: Demo, name: str, htmx: bool):
    batch = demo.batch()
    shown = shown_to(owner, demo, batch)
    wish(owner, demo, name)
    answer = pay(owner, demo, batch, htmx=htmx, shown=shown)
    told = answer.text if htmx else owner.open(at(demo, batch)).text
    assert SAID[name] in told
    assert (Release.select().count(), demo.view(batch).state) == (0, "open")
    wish(owner, demo)
    pay(owner, demo, batch, shown=shown)  # as it was shown again
    assert demo.view(batch).state == "approved"


def test_the_pin_of_a_page_with_other_wishes_approves_nothing(owner: WebClient, delegated: Demo):  # noqa: F811
    batch = delegated.batch()
    shown = shown_to(owner, delegated, batch)
    owner.open(at(delegated, batch, f"/pincode?shown={shown}"))
    wish(owner, delegated, "name_check")
    owner.post(at(delegated, batch, f"/pincode?shown={shown}"), shown=shown, pin=PIN)
    assert SAID["name_check"] in owner.open(at(delegated, batch)).text
    assert Release.select().count() == 0


def test_no_passkey_is_asked_for_a_page_with_other_wishes(owner: WebClient, delegated: Demo):  # noqa: F811
    batch = delegated.batch()
    shown = shown_to(owner, delegated, batch)
    assert owner.post(at(delegated, batch, "/passkey/vraag"), shown=shown).status_code == 200
    wish(owner, delegated, "name_check")
    assert owner.post(at(delegated, batch, "/passkey/vraag"), shown=shown).status_code == 409


# --- between two approvals ------------------------------------------------------------------------
@pytest.mark.parametrize("name", SAID)
def test_a_wish_changed_between_two_approvals_voids_the_first(
    owner: WebClient, naomi: WebClient, demo: Demo, name: str
):
    batch = demo.batch()
    pay(owner, demo, batch)
    seen_before = shown_to(naomi, demo, batch)
    assert "1 betaling moet opnieuw worden goedgekeurd" in owner.open(wish(owner, demo, name).location).text
    assert Approval.get().void_reason in ("name_check_off", "booking_changed")
    assert SAID[name] in naomi.open(at(demo, batch)).text
    assert SAID[name] in pay(naomi, demo, batch, htmx=True, shown=seen_before).text
    pay(naomi, demo, batch)  # looked again: the first approval of the payment as it is now
    assert (stands(Approval), Release.select().count()) == (1, 0)
    assert SAID[name] not in naomi.open(at(demo, batch)).text
    pay(owner, demo, batch)
    assert stands(Release) == 1
    assert list(integrity.find_inconsistencies()) == []


# --- between approval and sending -----------------------------------------------------------------
@pytest.mark.parametrize("name", SAID)
def test_a_wish_changed_after_approval_opens_the_payment_again(
    owner: WebClient, demo: Demo, sandbox: Sandbox, name: str
):
    batch = demo.batch()
    pay(owner, demo, batch)
    wish(owner, demo, name)
    assert SAID[name] in owner.open(at(demo, batch)).says("#payment .note.warn")
    submission.submit_order(batch.id)
    assert (sandbox.control("GET", "orders"), stands(Release), demo.view(batch).state) == ([], 0, "open")


def test_a_stored_order_with_other_wishes_is_not_sent(owner: WebClient, demo: Demo, sandbox: Sandbox):
    """The change comes between the storing of the order and its sending."""
    batch = demo.batch()
    pay(owner, demo, batch)
    order_building.build_order(Batch.get_by_id(batch.id))
    wish(owner, demo, "name_check")
    submission.submit_order(batch.id)
    assert (sandbox.control("GET", "orders"), demo.view(batch).state) == ([], "open")
    assert SAID["name_check"] in owner.open(at(demo, batch)).text


def test_an_order_that_the_bank_did_not_take_is_not_sent_with_other_wishes(
    owner: WebClient, demo: Demo, sandbox: Sandbox
):
    batch = demo.batch()
    pay(owner, demo, batch)
    order_building.build_order(Batch.get_by_id(batch.id))
    found = Batch.get_by_id(batch.id)
    Client.update(vop_enabled=False).execute()  # a change that no code of ours made
    assert submission._mark_called(found, BankOrder.get()) is None
    assert (sandbox.control("GET", "orders"), demo.view(batch).state) == ([], "open")


def test_what_is_at_the_bank_stays_as_it_was_approved(owner: WebClient, demo: Demo):
    batch = demo.batch()
    pay(owner, demo, batch)
    submission.submit_order(batch.id)
    before = shown_to(owner, demo, batch)
    wish(owner, demo, "batch_booking")
    assert (shown_to(owner, demo, batch), stands(Release)) == (before, 1)
    assert demo.view(batch).batch_booking is True


# --- digests of before there were wishes in them --------------------------------------------------
@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch):
    """Approve as the version before did; the value that is yielded ends that."""
    with monkeypatch.context() as patch:
        patch.setattr(digest, "payment_digest", lambda iban, day, lines, kind, wishes, answers: digest.first_digest(
            iban, day, lines
        ))  # fmt: skip
        yield patch.undo


def test_a_release_of_before_is_sent(owner: WebClient, demo: Demo, sandbox: Sandbox, before):
    batch = demo.batch()
    pay(owner, demo, batch)
    before()
    assert not digest.has_wishes(Release.get().digest)
    submission.submit_order(batch.id)
    assert (len(sandbox.control("GET", "orders")), demo.view(batch).state) == (1, "at_bank")
    assert owner.open(at(demo, batch)).says("#hero .badge") == "Wacht op ondertekening bij de bank"
    assert list(integrity.find_inconsistencies()) == []


def test_an_order_of_before_goes_on(owner: WebClient, demo: Demo, sandbox: Sandbox, before):
    batch = demo.batch()
    pay(owner, demo, batch)
    order_building.build_order(Batch.get_by_id(batch.id))
    before()
    submission.submit_order(batch.id)
    assert len(sandbox.control("GET", "orders")) == 1
    assert list(integrity.find_inconsistencies()) == []


def test_a_first_approval_of_before_counts(owner: WebClient, naomi: WebClient, demo: Demo, before):
    batch = demo.batch()
    pay(owner, demo, batch)
    before()
    assert list(integrity.find_inconsistencies()) == []
    pay(naomi, demo, batch)
    assert (stands(Approval), stands(Release), demo.view(batch).state) == (2, 1, "approved")
    assert list(integrity.find_inconsistencies()) == []


def test_a_first_approval_of_before_does_not_count_for_other_wishes(
    owner: WebClient, naomi: WebClient, demo: Demo, before
):
    batch = demo.batch()
    pay(owner, demo, batch)
    wish(owner, demo, "name_check")
    Approval.update(voided_at=None, void_reason=None).execute()  # the version before voided nothing
    before()
    pay(naomi, demo, batch)
    assert (stands(Approval), Release.select().count()) == (1, 0)


def test_a_page_of_before_is_refused(owner: WebClient, demo: Demo, before):
    batch = demo.batch()
    shown = shown_to(owner, demo, batch)
    before()
    assert "intussen gewijzigd" in pay(owner, demo, batch, htmx=True, shown=shown).text
    assert Release.select().count() == 0


# --- what somebody with access to the database changed --------------------------------------------
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("field", ["batch_booking", "vop_enabled"])
def test_the_books_find_a_wish_changed_behind_our_back(
    owner: WebClient, demo: Demo, before, version: int, field: str
):
    if version == 2:
        before()
    pay(owner, demo, demo.batch())
    before()
    assert list(integrity.find_inconsistencies()) == []
    for table in (Release, Client):
        with models.database.atomic() as change:
            models.database.execute_sql(f'update "{table._meta.table_name}" set {field} = not {field}')
            assert list(integrity.find_inconsistencies()) != [], table
            change.rollback()


def test_each_pair_of_wishes_has_its_own_digest(demo: Demo):
    day = demo.view(demo.batch()).execution_date
    all_wishes = [digest.Wishes(*pair) for pair in itertools.product((True, False), repeat=2)]
    said = {digest.payment_digest("NL", day, [], "salary", one, {}) for one in all_wishes}
    assert len(said) == 4
    assert digest.payment_digest("NL", day, [], "wage_tax", all_wishes[0], {}) not in said


def test_a_file_for_the_bank_is_not_made_with_other_wishes(owner: WebClient, delegated: Demo):  # noqa: F811
    account = manual_submission.add_account(delegated.client, delegated.user, "NL61KNAB0257398104", "Demo BV")
    batch = delegated.batch()
    amendments.change_date_and_account(delegated.client, delegated.user, batch.reference, None, account.id)
    device = make_device(delegated.user)
    release(delegated.membership, batch.reference, delegated.view(batch).digest, "pin", PSU, PIN, device)
    wish(owner, delegated, "batch_booking")
    owner.post(at(delegated, batch, "/bestand.xml"))
    assert (BankOrder.select().count(), delegated.view(batch).state) == (0, "open")
    assert SAID["batch_booking"] in owner.open(at(delegated, batch)).text
