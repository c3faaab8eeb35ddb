"""Dual approval: two different people approve exactly the same payment, and nobody approves their own last change."""

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

import models
from core.bank_days import next_bank_day
from core.clock import today_amsterdam
from domain.common import audit
from domain.common.encryption import encrypt
from domain.common.errors import (
    AuthorityRefused,
    BatchChanged,
    DomainError,
    InsufficientRole,
    LastEditorCannotApprove,
    LimitExceeded,
    NoPendingRequest,
    NotIdentified,
    NotOpen,
    SamePerson,
    TooFewApprovers,
)
from domain.identity import persons
from domain.operations import integrity
from domain.overview import worklist
from domain.payments import amendments, four_eyes, limits
from domain.payments.release import release
from domain.payroll import supersession
from domain.team import members
from models import (
    Approval,
    ApprovalThresholdChange,
    Authority,
    Batch,
    Client,
    Identification,
    Membership,
    OutgoingMail,
    Release,
    User,
)
from tests.support.factories import PSU, WOUTER, Demo, authorise, make_user
from tests.support.register import register_directors
from tests.support.sandbox import Sandbox

TOTAL = 855916
NAOMI = {"voornamen": "Naomi", "geslachtsnaam": "Naomi", "geboortedatum": "19850203"}  # as `authorise` makes her


@pytest.fixture
def naomi(demo: Demo) -> Membership:
    """A second approver. Two approvals are required from ten euros on."""
    made = colleague(demo, "Naomi")
    Client.update(dual_approval_from_cents=10_00).execute()
    demo.membership = Membership.get_by_id(demo.membership.id)
    return Membership.get_by_id(made.id)


def colleague(demo: Demo, name: str, role: str = "approver") -> Membership:
    user = make_user(name=name)
    authorise(demo.client, user)
    return Membership.create(user=user, client=demo.client, role=role)


def press(demo: Demo, who: Membership, batch: Batch, **changes) -> Release | Approval:
    given = {"shown": demo.view(batch).digest, "proof": "session", "psu": PSU} | changes
    return release(Membership.get_by_id(who.id), batch.reference, **given)


def told(kind: str) -> list[int]:
    return sorted(row.user_id for row in OutgoingMail.select().where(OutgoingMail.kind == kind))


def test_the_second_approval_releases_the_same_digest(demo: Demo, naomi: Membership):
    batch = demo.batch()
    first = press(demo, demo.membership, batch)
    assert isinstance(first, Approval)
    assert (demo.view(batch).state, Release.select().count()) == ("open", 0)
    second = press(demo, naomi, batch)
    assert isinstance(second, Release)
    assert (second.digest, second.total_cents, demo.view(batch).state) == (first.digest, TOTAL, "approved")
    assert {row.user_id for row in Approval.select()} == {demo.user.id, naomi.user_id}
    assert audit.verify_chain(demo.client.id) == []


def test_one_person_twice_counts_once(demo: Demo, naomi: Membership):
    batch = demo.batch()
    first, again = press(demo, demo.membership, batch), press(demo, demo.membership, batch)
    assert (again.id, demo.view(batch).state, Approval.select().count()) == (first.id, "open", 1)


def test_two_approvals_are_needed_from_the_threshold_on(demo: Demo, naomi: Membership):
    one, two = demo.batch(number=1), demo.batch(number=2)
    Client.update(dual_approval_from_cents=TOTAL + 1).execute()
    assert isinstance(press(demo, demo.membership, one), Release)
    Client.update(dual_approval_from_cents=TOTAL).execute()
    assert isinstance(press(demo, demo.membership, two), Approval)


@pytest.mark.parametrize("what", ["line", "date", "account", "run"])
def test_any_change_voids_the_first_approval(demo: Demo, naomi: Membership, what: str):
    batch = demo.batch()
    press(demo, demo.membership, batch)
    seen, later = demo.view(batch), next_bank_day(today_amsterdam() + timedelta(days=7))
    helper = colleague(demo, "Lisanne", "preparer").user

    def run_is_gone() -> None:
        with models.transaction(demo.client.id):
            supersession.revoke_approval(batch.run, "run_missing")

    {
        "line": lambda: amendments.exclude_line(demo.client, helper, batch.reference, seen.lines[0].id),
        "date": lambda: amendments.change_date_and_account(
            demo.client, helper, batch.reference, later, demo.account.id
        ),
        "account": lambda: amendments.change_date_and_account(
            demo.client, helper, batch.reference, None, demo.other.id
        ),
        "run": run_is_gone,
    }[what]()
    assert Approval.get().voided_at is not None
    if what != "run":
        with pytest.raises(BatchChanged):
            press(demo, naomi, batch, shown=seen.digest)
    assert isinstance(press(demo, naomi, batch), Approval)
    assert isinstance(press(demo, demo.membership, batch), Release)


def test_an_automatic_date_is_kept_until_a_change(demo: Demo, naomi: Membership):
    batch = demo.batch()
    press(demo, demo.membership, batch)
    assert Batch.get_by_id(batch.id).execution_date is not None
    line = demo.view(batch).lines[0].id
    amendments.exclude_line(demo.client, naomi.user, batch.reference, line)
    assert Batch.get_by_id(batch.id).execution_date is None


def test_the_last_editor_cannot_approve(demo: Demo, naomi: Membership):
    batch, third = demo.batch(), colleague(demo, "Jose")
    line = demo.view(batch).lines[0].id
    amendments.exclude_line(demo.client, demo.user, batch.reference, line)
    with pytest.raises(LastEditorCannotApprove):
        press(demo, demo.membership, batch)
    assert Approval.select().count() == 0
    press(demo, naomi, batch)
    assert isinstance(press(demo, third, batch), Release)


def test_an_undone_change_has_no_editor(demo: Demo, naomi: Membership):
    batch = demo.batch()
    line = demo.view(batch).lines[0].id
    amendments.exclude_line(demo.client, demo.user, batch.reference, line)
    amendments.include_line(demo.client, demo.user, batch.reference, line)
    assert isinstance(press(demo, demo.membership, batch), Approval)
    amendments.change_date_and_account(demo.client, naomi.user, batch.reference, None, demo.other.id)
    with pytest.raises(LastEditorCannotApprove):
        press(demo, naomi, batch)


def test_two_accounts_of_one_person_count_once(demo: Demo, naomi: Membership):
    first = Identification.get(Identification.user == demo.user.id)
    Identification.update(provider=first.provider, subject=first.subject).execute()
    batch = demo.batch()
    press(demo, demo.membership, batch)
    with pytest.raises(SamePerson):
        press(demo, naomi, batch)
    assert (demo.view(batch).state, Approval.select().count()) == ("open", 1)


def identify_as(user: User, **person: str | None) -> None:
    """Give this user the same identification as the owner's, with these differences, under another subject."""
    row = Identification.get(Identification.user == user.id)
    told = json.dumps(json.loads(WOUTER) | person)
    Identification.update(
        provider="another broker", person_encrypted=encrypt(told, "identification", user.id)
    ).where(Identification.id == row.id).execute()  # fmt: skip


@pytest.mark.parametrize(
    "person",
    [{}, {"initials": "W.J."}, {"initials": None}, {"last_name": "de Jong", "prefix": None}, {"birth_date": None},
     {"last_name": "Jong-Bakker"}, {"last_name": "JONG"}, {"last_name": "Bakker-de Jong"}],
)  # fmt: skip
def test_a_second_identification_of_one_person_counts_once(demo: Demo, naomi: Membership, person: dict):
    identify_as(naomi.user, **person)
    batch = demo.batch()
    press(demo, demo.membership, batch)
    with pytest.raises(SamePerson):
        press(demo, naomi, batch)
    view = four_eyes.dual_approval_status(Client.get(), demo.user, batch.id, "open", TOTAL)
    assert view is not None
    assert view.stuck, "nobody else can approve"


@pytest.mark.parametrize("person", [{"birth_date": "1981-04-12"}, {"initials": "N"}, {"last_name": "Bakker"}])
def test_two_people_who_share_a_name_or_a_birthday_are_two(demo: Demo, naomi: Membership, person: dict):
    identify_as(naomi.user, **person)
    batch = demo.batch()
    press(demo, demo.membership, batch)
    assert isinstance(press(demo, naomi, batch), Release)


def test_an_operator_decides_that_two_equal_identifications_are_two_people(demo: Demo, naomi: Membership):
    identify_as(naomi.user)
    batch = demo.batch()
    press(demo, demo.membership, batch)
    persons.decide_distinct(demo.client, naomi.user, demo.user, "saw both passports", "anna")
    assert isinstance(press(demo, naomi, batch), Release)
    assert audit.verify_chain(demo.client.id) == []


def test_an_approval_without_authority_does_not_count(demo: Demo, naomi: Membership):
    batch = demo.batch()
    press(demo, demo.membership, batch)
    Authority.create(client=demo.client, user=demo.user, answer="not_authorised", reason="not_in_register")
    assert isinstance(press(demo, naomi, batch), Approval)
    assert {row.user_id for row in Approval.select().where(Approval.voided_at.is_null())} == {naomi.user_id}


@pytest.mark.parametrize("state", ["open", "approved"])
def test_removing_or_demoting_an_approver_voids_their_approvals(demo: Demo, naomi: Membership, state: str):
    third = colleague(demo, "Jose")
    batch = demo.batch()
    press(demo, naomi, batch)
    if state == "approved":
        press(demo, demo.membership, batch)
    members.change_role(demo.client, demo.user, naomi.id, "preparer")
    assert demo.view(batch).state == "open"
    assert not Release.select().where(Release.voided_at.is_null()).exists()
    with pytest.raises(InsufficientRole):
        press(demo, naomi, batch)
    press(demo, third, batch)
    members.change_role(demo.client, demo.user, naomi.id, "approver")
    members.remove_member(demo.client, demo.user, third.id)
    assert not Approval.select().where(Approval.voided_at.is_null()).exists()
    assert demo.view(batch).state == "open"


def test_the_limit_is_checked_twice_and_consumed_once(demo: Demo, naomi: Membership):
    batch = demo.batch()
    press(demo, demo.membership, batch)
    assert limits.released_today(demo.account) == 0
    press(demo, naomi, batch)
    assert limits.released_today(demo.account) == TOTAL
    models.BankAccount.update(limit_payment_cents=TOTAL - 1).execute()
    with pytest.raises(LimitExceeded):
        press(demo, demo.membership, demo.batch(number=2))
    assert Approval.select().count() == 2


def at_once(acts: list) -> list:
    """Run all actions at the same time, each on its own connection."""

    def one(act):
        with models.database.connection_context(), contextlib.suppress(DomainError):
            return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def test_parallel_approvals_give_one_release(demo: Demo, naomi: Membership):
    people = [demo.membership, naomi, colleague(demo, "Jose"), colleague(demo, "Alek")]
    batch = demo.batch()
    shown = demo.view(batch).digest
    acts = [lambda who=who: press(demo, who, batch, shown=shown) for who in people for _ in range(2)]
    at_once(acts)
    assert (Release.select().count(), demo.view(batch).state) == (1, "approved")
    assert Approval.select().where(Approval.voided_at.is_null()).count() == 2
    with pytest.raises(NotOpen):
        press(demo, people[-1], batch, shown=shown)


def test_parallel_removal_and_approval_leave_no_release(demo: Demo, naomi: Membership):
    colleague(demo, "Jose")
    batch = demo.batch()
    press(demo, demo.membership, batch)
    shown, there = demo.view(batch).digest, Membership.get_by_id(naomi.id)
    at_once(
        [
            lambda: release(there, batch.reference, shown, "session", PSU),
            lambda: members.remove_member(demo.client, demo.user, naomi.id),
        ]
    )
    valid = Release.select().where(Release.voided_at.is_null(), Release.user == naomi.user_id)
    assert not valid.exists()
    assert demo.view(batch).state == "open"


def test_the_other_approvers_get_one_mail(demo: Demo, naomi: Membership):
    colleague(demo, "Lisanne", "preparer")
    batch = demo.batch()
    press(demo, demo.membership, batch)
    press(demo, demo.membership, batch)
    assert told("approval_asked") == [naomi.user_id]


def test_it_no_longer_waits_for_the_first_approver(demo: Demo, naomi: Membership):
    batch = demo.batch()
    press(demo, demo.membership, batch)
    assert worklist.load_navigation(demo.membership)[1] == 0
    assert worklist.load_navigation(naomi)[1] == 1
    status = four_eyes.dual_approval_status(naomi.client, naomi.user, batch.id, "open", TOTAL)
    assert status is not None
    assert (status.approved_by, status.eligible, status.approved_by_me, status.stuck) == (
        (demo.user.name,),
        ("Naomi",),
        False,
        False,
    )


def test_without_a_threshold_one_approval_is_enough(demo: Demo):
    colleague(demo, "Naomi")
    batch = demo.batch()
    assert four_eyes.dual_approval_status(Client.get(), demo.user, batch.id, "open", TOTAL) is None
    assert isinstance(press(demo, demo.membership, batch), Release)
    assert (Approval.select().count(), told("approval_asked")) == (0, [])


# --- the threshold ---
def test_who_releases_alone_voids_an_approval_from_when_two_had_to(demo: Demo, naomi: Membership):
    batch = demo.batch()
    assert isinstance(press(demo, demo.membership, batch), Approval)
    Client.update(dual_approval_from_cents=None).execute()
    released = press(demo, naomi, batch)
    assert isinstance(released, Release) and four_eyes.people_behind(released) == 1
    assert Approval.get().void_reason == "one_suffices"
    assert Batch.get().execution_date == released.execution_date
    assert list(integrity.find_inconsistencies()) == []


def test_a_stricter_threshold_applies_at_once(demo: Demo):
    colleague(demo, "Naomi")
    assert four_eyes.set_threshold(demo.membership, 50_000_00) == "changed"
    assert four_eyes.set_threshold(demo.membership, 10_000_00) == "changed"
    assert four_eyes.set_threshold(demo.membership, 10_000_00) == "same"
    assert Client.get().dual_approval_from_cents == 10_000_00


@pytest.mark.parametrize("wanted", [None, 20_000_00])
def test_a_weaker_threshold_needs_confirmation(demo: Demo, sandbox: Sandbox, wanted: int | None):
    register_directors(sandbox.control, NAOMI)
    naomi, helper = colleague(demo, "Naomi"), colleague(demo, "Lisanne", "preparer")
    four_eyes.set_threshold(demo.membership, 10_000_00)
    assert four_eyes.set_threshold(demo.membership, wanted) == "asked"
    asked = ApprovalThresholdChange.get()
    for who, error in ((demo.membership, SamePerson), (helper, InsufficientRole)):
        with pytest.raises(error):
            four_eyes.confirm_threshold_change(who, asked.key)
    assert (Client.get().dual_approval_from_cents, told("four_eyes_asked")) == (10_000_00, [naomi.user_id])
    four_eyes.confirm_threshold_change(naomi, asked.key)
    assert (Client.get().dual_approval_from_cents, ApprovalThresholdChange.select().count()) == (wanted, 0)
    with pytest.raises(NoPendingRequest):
        four_eyes.confirm_threshold_change(naomi, asked.key)


@pytest.mark.parametrize("accomplice", ["unidentified", "refused by the register"])
def test_who_may_not_sign_cannot_confirm_a_weaker_threshold(demo: Demo, accomplice: str):
    naomi, other = colleague(demo, "Naomi"), colleague_without_authority(demo, "Lisanne")
    if accomplice != "unidentified":
        authorise(demo.client, other.user, "not_authorised")
    four_eyes.set_threshold(demo.membership, 0)
    four_eyes.set_threshold(demo.membership, None)
    with pytest.raises(NotIdentified if accomplice == "unidentified" else AuthorityRefused):
        four_eyes.confirm_threshold_change(other, ApprovalThresholdChange.get().key)
    assert (Client.get().dual_approval_from_cents, told("four_eyes_asked")) == (0, [naomi.user_id])


def test_the_register_is_asked_again_before_a_weaker_threshold_counts(demo: Demo, sandbox: Sandbox):
    """Naomi could sign when she was asked, and has left the board since."""
    naomi = colleague(demo, "Naomi")
    four_eyes.set_threshold(demo.membership, 0)
    four_eyes.set_threshold(demo.membership, None)
    with pytest.raises(AuthorityRefused):
        four_eyes.confirm_threshold_change(naomi, ApprovalThresholdChange.get().key)
    assert Client.get().dual_approval_from_cents == 0


def test_an_owner_who_may_not_sign_cannot_weaken_the_threshold(demo: Demo, sandbox: Sandbox):
    register_directors(sandbox.control, NAOMI)
    naomi, owner = colleague(demo, "Naomi"), colleague(demo, "Jose", "owner")
    four_eyes.set_threshold(demo.membership, 10_00)
    for weaker in (None, 20_00):
        with pytest.raises(AuthorityRefused):
            four_eyes.set_threshold(Membership.get_by_id(owner.id), weaker)
    assert ApprovalThresholdChange.select().count() == 0
    four_eyes.set_threshold(demo.membership, None)
    Authority.create(client=demo.client, user=demo.user, answer="not_authorised", reason="not_in_register")
    with pytest.raises(NoPendingRequest):
        four_eyes.confirm_threshold_change(naomi, ApprovalThresholdChange.get().key)
    assert Client.get().dual_approval_from_cents == 10_00


def test_members_who_may_not_sign_do_not_count_as_two(demo: Demo):
    authorise(demo.client, colleague_without_authority(demo, "Lisanne").user, "undetermined")
    colleague_without_authority(demo, "Jose")
    with pytest.raises(TooFewApprovers):
        four_eyes.set_threshold(demo.membership, 0)


def colleague_without_authority(demo: Demo, name: str) -> Membership:
    return Membership.create(user=make_user(name=name), client=demo.client, role="approver")


def test_an_outdated_request_cannot_be_confirmed(demo: Demo, sandbox: Sandbox):
    register_directors(sandbox.control, NAOMI)
    naomi = colleague(demo, "Naomi")
    four_eyes.set_threshold(demo.membership, 10_00)
    four_eyes.set_threshold(demo.membership, 20_00)
    old = ApprovalThresholdChange.get().key
    four_eyes.decline_threshold_change(naomi, old)
    four_eyes.set_threshold(demo.membership, None)
    with pytest.raises(NoPendingRequest):
        four_eyes.confirm_threshold_change(naomi, old)
    assert Client.get().dual_approval_from_cents == 10_00


def test_two_approvers_are_required(demo: Demo):
    with pytest.raises(TooFewApprovers):
        four_eyes.set_threshold(demo.membership, 0)
    naomi = colleague(demo, "Naomi")
    with pytest.raises(InsufficientRole):
        four_eyes.set_threshold(naomi, 0)
    four_eyes.set_threshold(demo.membership, 0)
    for act in (lambda: members.remove_member(demo.client, demo.user, naomi.id),
                lambda: members.change_role(demo.client, demo.user, naomi.id, "preparer")):  # fmt: skip
        with pytest.raises(TooFewApprovers):
            act()
    assert Membership.get_by_id(naomi.id).role == "approver"
