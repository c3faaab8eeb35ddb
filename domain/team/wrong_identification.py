"""A person withdraws an identification with somebody else's card, before anything rests on it.

The first identification binds an account to a person for good (decision 0016). With a partner's card the rightful
signer would be locked out, so it can be withdrawn while nothing rests on it. Whatever the log holds of this user since
then counts as resting on it, unless it is named below: an act that is added later counts by itself.
"""

from typing import Any

from domain.accounts import accounts, removed_users
from domain.common import audit
from domain.common.errors import IdentificationInUse
from domain.identity import signing_authority
from domain.identity.signing_authority import AuthorityDecision
from domain.outbox import mail
from domain.team import account_removal
from models import (
    AuditEvent,
    Authority,
    Client,
    Device,
    DistinctPersons,
    Identification,
    IdentificationAttempt,
    Membership,
    Pin,
    User,
    transaction,
)
from models.states import AuthorityAnswer

WITHDRAWN = "identification_withdrawn"
# What the log may hold of somebody whose identification nothing rests on: none of it asks who they are.
_KINDS = ("user.identified", f"user.{WITHDRAWN}", "authority.asked", "client.registered", "client.renamed")
_RESTS_ON_NOTHING = (
    AuditEvent.kind.in_(_KINDS) | AuditEvent.kind.startswith("nmbrs.") | AuditEvent.kind.startswith("webhook.")
    | AuditEvent.kind.startswith("user.email_change_")
)


def can_withdraw(user: User) -> bool:
    """Return whether this user is identified and nothing rests on it: no act, no count of people, no decision."""
    first = Identification.select().where(Identification.user == user.id).order_by(Identification.id).first()
    return first is not None and not (
        account_removal.has_acted(user) or _in_the_log(user, first) or _replaced_pin(user, first)
        or _counts_for_four_eyes(user) or _operator_decided(user)
    )  # fmt: skip


def withdraw_identification(user: User, password: str) -> None:
    """Remove the identification of this user, so that they can identify as themselves; confirmed with the password.

    What the register answered counts no longer, and devices that the identification confirmed are unconfirmed.

    Raises:
    - SignInRefused, RateLimited: the password.
    - IdentificationInUse: something rests on it, or there is none.
    """
    accounts.reauthenticate_with_password(user, password)
    with transaction(*removed_users.clients_of(user.id)):
        if not can_withdraw(user):
            raise IdentificationInUse
        for row in accounts.memberships_of(user):
            _record(row.client, user)
        _forget(user)
        mail.enqueue_mail(user, WITHDRAWN, once=f"{WITHDRAWN}:{user.id}:{_times(user)}")


def _record(client: Client, user: User) -> None:
    """Write that the register allows nothing any more (if it was asked), and in the log what was withdrawn."""
    if signing_authority.latest_decision(client, user) is not None:
        decision = AuthorityDecision(AuthorityAnswer.NOT_AUTHORISED, WITHDRAWN)
        signing_authority.record_decision(client, user, decision, audit.by_user(user))
    audit.record_event(client.id, audit.by_user(user), f"user.{WITHDRAWN}", f"user:{user.id}")


def _forget(user: User) -> None:
    IdentificationAttempt.delete().where(IdentificationAttempt.user == user.id).execute()
    Identification.delete().where(Identification.user == user.id).execute()
    Device.update(confirmed_at=None, confirmed_by=None).where(
        Device.user == user.id, Device.confirmed_by == "identification"
    ).execute()


def _events_of(user: User) -> Any:
    return AuditEvent.select().where(AuditEvent.actor == audit.by_user(user))


def _times(user: User) -> int:
    return _events_of(user).where(AuditEvent.kind == f"user.{WITHDRAWN}").count()


# --- what rests on it -----------------------------------------------------------------------------
def _in_the_log(user: User, first: Identification) -> bool:
    return _events_of(user).where(AuditEvent.created_at >= first.created_at, ~_RESTS_ON_NOTHING).exists()


def _replaced_pin(user: User, first: Identification) -> bool:
    """Return whether a PIN was set since: an identification allows to replace it."""
    return Pin.select().where(Pin.user == user.id, Pin.set_at >= first.created_at).exists()


def _counts_for_four_eyes(user: User) -> bool:
    """Return whether two people must approve in a company where the register allows this user to sign."""
    asked = Client.select().join(Membership).where(
        Membership.user == user.id, Client.dual_approval_from_cents.is_null(False)
    )  # fmt: skip
    return any(user.id in signing_authority.authorised_users(client) for client in asked)


def _operator_decided(user: User) -> bool:
    """Return whether an operator decided whether this user may sign, or is another person than somebody."""
    decided = Authority.select().where(Authority.user == user.id, Authority.decided_by.is_null(False))
    apart = (DistinctPersons.first == user.id) | (DistinctPersons.second == user.id)
    return decided.exists() or DistinctPersons.select().where(apart).exists()
