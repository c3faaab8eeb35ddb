"""The co-signer: where the register says "together with others", a second person is invited to identify.

The invitation is bound to its e-mail address, works once, and gives the role of approver. Whether the two may sign is
then decided by an operator (docs/decisions/0015-signing-authority-checks.md).
"""

from dataclasses import dataclass

from core.clock import utcnow
from domain.common.errors import InvitationRefused
from domain.identity import signing_authority
from domain.identity.persons import same_person
from domain.team import invitations
from models import Client, Invitation, Membership, User
from models.states import AuthorityAnswer, Role


@dataclass(frozen=True)
class CoSignerStatus:
    """`state`: not_needed, needed, invited, joined (has an account, not yet identified) or identified."""

    state: str
    email: str | None = None


def co_signer_status(client: Client, user: User) -> CoSignerStatus:
    """Return the status of the co-signer that this user needs."""
    mine = signing_authority.latest_decision(client, user)
    if mine is None or mine.reason != "together":
        return CoSignerStatus("not_needed")
    for other in User.select().join(Membership).where(Membership.client == client.id, User.id != user.id):
        found = signing_authority.latest_decision(client, other)
        if (
            found
            and (found.answer == AuthorityAnswer.AUTHORISED or found.reason == "together")
            and not same_person(user, other)
        ):
            return CoSignerStatus("identified", other.email)
    invited = _latest_invitation(client)
    if invited is None or (invited.accepted_at is None and invited.expires_at < utcnow()):
        return CoSignerStatus("needed")
    return CoSignerStatus("joined" if invited.accepted_at else "invited", invited.email)


def _latest_invitation(client: Client) -> Invitation | None:
    asked = Invitation.select().where(
        Invitation.client == client.id, Invitation.as_co_signer, Invitation.revoked_at.is_null()
    )
    return asked.order_by(Invitation.id.desc()).first()


def invite_co_signer(client: Client, user: User, email: str) -> None:
    """Invite a co-signer by mail; an earlier invitation of this address ends.

    Raises:
    - InvitationRefused: not_needed, or a reason of `invitations.invite_member`.
    """
    if co_signer_status(client, user).state not in ("needed", "invited"):
        raise InvitationRefused("not_needed")
    invitations.invite_member(client, user, email, Role.APPROVER, to_sign=True)
