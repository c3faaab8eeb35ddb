"""Members: listing, changing a role, removing; there is always an owner, and changes are mailed and audited."""

from datetime import timedelta

import pytest

from core.clock import utcnow
from domain.common import audit
from domain.common.errors import InsufficientRole, LastOwner, NotFound
from domain.team import invitations, members
from models import AuditEvent, Invitation, Membership, OutgoingMail
from tests.support.factories import Demo, authorise, make_client, make_user


@pytest.fixture
def naomi(demo: Demo) -> Membership:
    return Membership.create(user=make_user(name="Naomi"), client=demo.client, role="approver")


def told() -> list[int]:
    return sorted(row.user_id for row in OutgoingMail.select().where(OutgoingMail.kind == "member_changed"))


def test_members_are_listed_with_role_and_identification(demo: Demo, naomi: Membership):
    make_client(make_user(name="Charlie"))
    found = [(one.name, one.role, one.identified, one.sees_salaries) for one in members.members(demo.client)]
    assert found == [("Wouter de Jong", "owner", True, True), ("Naomi", "approver", False, True)]
    authorise(demo.client, naomi.user)
    assert [one.identified for one in members.members(demo.client)] == [True, True]


def test_activity_is_stored_once_a_minute(demo: Demo):
    long_ago = utcnow() - timedelta(days=2)
    Membership.update(last_used_at=long_ago).execute()
    members.touch_membership(Membership.get_by_id(demo.membership.id))
    now = Membership.get_by_id(demo.membership.id).last_used_at
    assert now > long_ago
    members.touch_membership(Membership.get_by_id(demo.membership.id))
    assert Membership.get_by_id(demo.membership.id).last_used_at == now


def test_a_new_role_is_audited_and_mailed(demo: Demo, naomi: Membership):
    assert members.change_role(demo.client, demo.user, naomi.id, "owner")
    assert not members.change_role(demo.client, demo.user, naomi.id, "owner")
    assert (Membership.get_by_id(naomi.id).role, told()) == ("owner", sorted([demo.user.id, naomi.user_id]))
    event = AuditEvent.select().order_by(AuditEvent.id.desc()).get()
    assert (event.kind, event.details) == ("member.role_changed", {"before": "approver", "after": "owner"})
    assert audit.verify_chain(demo.client.id) == []


def test_the_last_owner_cannot_be_removed(demo: Demo, naomi: Membership):
    mine = demo.membership.id
    with pytest.raises(LastOwner):
        members.remove_member(demo.client, demo.user, mine)
    with pytest.raises(LastOwner):
        members.change_role(demo.client, demo.user, mine, "approver")
    members.change_role(demo.client, demo.user, naomi.id, "owner")
    members.remove_member(demo.client, demo.user, mine)
    assert [row.user_id for row in Membership.select().where(Membership.client == demo.client.id)] == [naomi.user_id]


def test_removal_revokes_invitations_and_is_mailed(demo: Demo, naomi: Membership):
    members.change_role(demo.client, demo.user, naomi.id, "owner")
    OutgoingMail.delete().execute()
    invitations.invite_member(demo.client, naomi.user, "alek@demobv.example", "owner")
    members.remove_member(demo.client, demo.user, naomi.id)
    assert invitations.pending_invitations(demo.client) == []
    assert Invitation.get().revoked_at is not None
    assert told() == sorted([demo.user.id, naomi.user_id])


@pytest.mark.parametrize("role", ["approver", "preparer"])
def test_only_an_owner_changes_members(demo: Demo, naomi: Membership, role: str):
    Membership.update(role=role).where(Membership.id == naomi.id).execute()
    for act in (
        lambda: members.remove_member(demo.client, naomi.user, demo.membership.id),
        lambda: members.change_role(demo.client, naomi.user, naomi.id, "owner"),
        lambda: invitations.invite_member(demo.client, naomi.user, "alek@demobv.example", "owner"),
    ):
        with pytest.raises(InsufficientRole):
            act()
    assert Membership.get_by_id(naomi.id).role == role


def test_members_of_another_client_are_not_found(demo: Demo):
    other = make_client(make_user(name="Charlie"))
    with pytest.raises(NotFound):
        members.remove_member(demo.client, demo.user, other.id)
    assert Membership.select().count() == 2
