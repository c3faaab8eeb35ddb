"""Invitations are bound to an address, valid once and for a week, and can be revoked and sent again."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

import models
from core.clock import utcnow
from domain.common.encryption import decrypt
from domain.common.errors import InvitationRefused, LinkExpired, NotFound, WeakPassword
from domain.team import invitations
from models import Invitation, Membership, OutgoingMail, User
from tests.support.factories import Demo, make_client, make_user

NAOMI = "naomi@demobv.example"


def links() -> list[str]:
    """Return the secrets of the links in the mails, newest last."""
    rows = OutgoingMail.select().where(OutgoingMail.kind.in_(("invitation", "second_signer"))).order_by(OutgoingMail.id)
    told = [json.loads(decrypt(row.payload_encrypted, "outgoing_mail", row.user_id, row.dedupe_key)) for row in rows]
    return [one["path"].rpartition("/")[2] for one in told]


def invite(demo: Demo, email: str = NAOMI, role: str = "approver") -> str:
    invitations.invite_member(demo.client, demo.user, email, role)
    return links()[-1]


def test_the_invited_address_joins_once_with_the_offered_role(demo: Demo):
    secret, naomi = invite(demo, role="preparer"), make_user(NAOMI)
    assert invitations.accept_invitation(secret, naomi).role == "preparer"
    with pytest.raises(LinkExpired):
        invitations.accept_invitation(secret, naomi)
    assert Membership.select().where(Membership.user == naomi.id).count() == 1


def test_the_secret_is_not_stored(demo: Demo):
    secret = invite(demo)
    assert secret not in json.dumps(list(Invitation.select().dicts()), default=str)
    assert secret not in OutgoingMail.get().payload_encrypted


def test_other_and_unconfirmed_addresses_are_refused(demo: Demo):
    secret = invite(demo)
    for user, reason in ((make_user("else@demobv.example"), "other_address"), (_unconfirmed(), "unconfirmed")):
        with pytest.raises(InvitationRefused, match=reason):
            invitations.accept_invitation(secret, user)
    assert Membership.select().count() == 1
    assert invitations.find_valid_invitation(secret) is not None


def _unconfirmed() -> User:
    return User.create(email=NAOMI, name="Naomi", password_hash="-")


def test_a_new_account_has_a_confirmed_address(demo: Demo):
    secret = invite(demo)
    with pytest.raises(WeakPassword):
        invitations.accept_with_new_account(secret, "Naomi", "12345678")
    joined = invitations.accept_with_new_account(secret, "Naomi", "een zin die niemand raadt")
    assert (joined.user.email, joined.user.email_confirmed_at is not None) == (NAOMI, True)


def test_revoked_expired_and_replaced_links_do_not_work(demo: Demo):
    naomi = make_user(NAOMI)
    first = invite(demo)
    second = invite(demo)
    (row,) = invitations.pending_invitations(demo.client)
    invitations.resend(demo.client, demo.user, row.id)
    third = links()[-1]
    assert len({first, second, third}) == 3
    for dead in (first, second):
        with pytest.raises(LinkExpired):
            invitations.accept_invitation(dead, naomi)
    Invitation.update(expires_at=utcnow() - timedelta(seconds=1)).where(Invitation.id == row.id).execute()
    with pytest.raises(LinkExpired):
        invitations.accept_invitation(third, naomi)
    invitations.resend(demo.client, demo.user, row.id)
    invitations.revoke_invitation(demo.client, demo.user, row.id)
    with pytest.raises(LinkExpired):
        invitations.accept_invitation(links()[-1], naomi)
    with pytest.raises(NotFound):
        invitations.revoke_invitation(demo.client, demo.user, row.id)
    assert Membership.select().count() == 1


@pytest.mark.parametrize(
    ("email", "role", "reason"),
    [(None, "owner", "yourself"), ("member@demobv.example", "owner", "member"), (NAOMI, "king", "role")],
)
def test_invalid_invitations(demo: Demo, email: str | None, role: str, reason: str):
    Membership.create(user=make_user("member@demobv.example"), client=demo.client, role="preparer")
    with pytest.raises(InvitationRefused, match=reason):
        invitations.invite_member(demo.client, demo.user, email or demo.user.email, role)
    assert Invitation.select().count() == 0


def test_a_client_has_a_maximum_of_pending_invitations(demo: Demo):
    for number in range(invitations.MAX_PENDING):
        invite(demo, f"person-{number}@demobv.example")
    with pytest.raises(InvitationRefused, match="too_many"):
        invite(demo)


def test_parallel_acceptances_join_once(demo: Demo):
    secret, naomi = invite(demo), make_user(NAOMI)

    def click(_) -> bool:
        with models.database.connection_context():
            try:
                return bool(invitations.accept_invitation(secret, naomi))
            except LinkExpired:
                return False

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(click, range(4))) == [False, False, False, True]
    assert Membership.select().where(Membership.user == naomi.id).count() == 1


def test_an_invitation_of_another_client_is_not_found(demo: Demo):
    invite(demo)
    other = make_client(make_user(name="Charlie"))
    with pytest.raises(NotFound):
        invitations.revoke_invitation(other.client, other.user, Invitation.get().id)


def test_an_address_is_masked():
    assert invitations.mask_email("naomi@demobv.example") == "n…@d….example"
