"""A member changes the own name, an owner that of the company, as pages and mails show them.

No payment carries either: the name of the debtor comes from the bank and Nmbrs, what a person may sign from the
register, by the identification. But colleagues read who approved and who asked about an account, so that nobody may
look like another: whoever is identified keeps the surname that was proved, and no colleague's name is taken.
"""

from core.names import normalise_name
from domain.accounts import accounts
from domain.common import audit
from domain.common.errors import NameRefused
from domain.identity import identification, persons
from domain.identity.matching import bears_surname
from domain.outbox import mail
from domain.team import invitations
from models import Client, Membership, User, transaction


def rename_user(user: User, name: str) -> bool:
    """Change the user's own name. Returns whether anything changed.

    The log of each of their companies tells that it changed, without names; their owners are mailed both.

    Raises:
    - NameRefused: other_surname, unreadable (the identification cannot be decrypted) or colleague.
    """
    with transaction(*(row.client_id for row in accounts.memberships_of(user))):
        before = User.get_by_id(user.id).name
        if before == name:
            return False
        _require_own_name(user, name)
        User.update(name=name).where(User.id == user.id).execute()
        user.name = name
        for row in accounts.memberships_of(user):
            audit.record_event(row.client_id, audit.by_user(user), "user.renamed", f"user:{user.id}")
            _tell_owners(row.client, "user_renamed", user, before, name)
    return True


def _require_own_name(user: User, name: str) -> None:
    """Require the surname of the identification, if there is one, and no colleague's name."""
    proved = persons.latest_identity(user)
    if proved is None and identification.is_identified(user):
        raise NameRefused("unreadable")
    if proved is not None and not bears_surname(name, proved):
        raise NameRefused("other_surname")
    if normalise_name(name) in _names_of_colleagues(user):
        raise NameRefused("colleague")


def _names_of_colleagues(user: User) -> set[str]:
    mine = Membership.select(Membership.client).where(Membership.user == user.id)
    others = User.select(User.name).join(Membership).where(Membership.client.in_(mine), User.id != user.id)
    return {normalise_name(one.name) for one in others}


def rename_client(membership: Membership, name: str) -> bool:
    """Change the name under which this company stands on pages and in mails. Returns whether anything changed.

    Raises:
    - InsufficientRole: only owners may.
    """
    client, user = membership.client, membership.user
    with transaction(client.id):
        invitations.require_owner(client, user)
        before = Client.get_by_id(client.id).name
        if before == name:
            return False
        Client.update(name=name).where(Client.id == client.id).execute()
        client.name = name
        audit.record_event(client.id, audit.by_user(user), "client.renamed", f"client:{client.id}")
        _tell_owners(client, "client_renamed", user, before, name)
    return True


def _tell_owners(client: Client, kind: str, by: User, before: str, after: str) -> None:
    number = audit.last_event(client.id)
    for owner in mail.owners_of(client):
        mail.enqueue_mail(
            owner, kind, once=f"{kind}:{client.id}:{number.number if number else 0}:{owner.id}", client=client,
            path=f"/{client.public_id}/instellingen", before=before, after=after, by=by.name,
        )  # fmt: skip
