"""Which accounts belong to one natural person: whoever counts people counts these, never accounts.

Two accounts are one person if the broker says so (the same subject), or if surname, initials and birth date agree: the
same person can identify through a second bank or broker under another subject. Where the difference cannot be seen,
they count as one, until an operator who checked it decides that they are two (`decide_distinct`).
"""

import json
from collections.abc import Iterable
from datetime import date

from connectors.identity.port import Identity
from connectors.register.port import Person
from core.clock import utcnow
from core.encryption import DecryptionFailed
from domain.common import audit
from domain.common.encryption import decrypt
from domain.identity.matching import may_be_same_person
from models import Client, DistinctPersons, Identification, User, transaction


class People:
    """Some accounts, to tell their persons apart; reads them all at once."""

    def __init__(self, users: Iterable[User]) -> None:
        self.users = list(users)
        ids = [user.id for user in self.users]
        self._identities: dict[int, list[Identity]] = {user_id: [] for user_id in ids}
        for row in Identification.select().where(Identification.user.in_(ids)):
            self._identities[row.user_id].append(_identity(row))
        decided = DistinctPersons.select().where(DistinctPersons.first.in_(ids), DistinctPersons.second.in_(ids))
        self._distinct = {frozenset((row.first_id, row.second_id)) for row in decided}

    def same(self, one: User, other: User) -> bool:
        """Return whether two of these accounts count as one person."""
        if one.id == other.id:
            return True
        if frozenset((one.id, other.id)) in self._distinct:
            return False
        mine, theirs = self._identities[one.id], self._identities[other.id]
        if {(each.provider, each.subject) for each in mine} & {(each.provider, each.subject) for each in theirs}:
            return True
        return any(may_be_same_person(_as_person(a), b) for a in mine for b in theirs)

    def distinct(self) -> list[User]:
        """Return one account per person: the first of each."""
        found: list[User] = []
        for user in self.users:
            if not any(self.same(user, other) for other in found):
                found.append(user)
        return found


def same_person(one: User, other: User) -> bool:
    """Return whether two accounts count as one person."""
    return People([one, other]).same(one, other)


def decide_distinct(client: Client, one: User, other: User, reason: str, decided_by: str) -> None:
    """Record that an operator has checked that these two members are two persons."""
    first, second = sorted((one, other), key=lambda user: user.id)
    with transaction(client.id):
        DistinctPersons.insert(
            first=first.id, second=second.id, decided_by=decided_by, decided_at=utcnow()
        ).on_conflict_ignore().execute()
        audit.record_event(
            client.id, audit.OPERATOR, "persons.distinct", f"user:{first.id}", other=second.id, by=decided_by,
            reason=reason,
        )  # fmt: skip


def _identity(row: Identification) -> Identity:
    try:
        person = json.loads(decrypt(row.person_encrypted, "identification", row.user_id))
    except DecryptionFailed:
        person = {"initials": None, "last_name": "", "prefix": None, "birth_date": None}
    born = person["birth_date"]
    return Identity(
        provider=row.provider, subject=row.subject, initials=person["initials"], last_name=person["last_name"],
        prefix=person["prefix"], birth_date=date.fromisoformat(born) if born else None, level=row.level,
        authenticated_at=row.authenticated_at, raw_hash=row.evidence,
    )  # fmt: skip


def latest_identity(user: User) -> Identity | None:
    """Return the newest identification, decrypted; None if there is none or it cannot be decrypted."""
    row = Identification.select().where(Identification.user == user.id).order_by(Identification.id.desc()).first()
    found = _identity(row) if row else None
    return found if found and found.last_name else None


def _as_person(identity: Identity) -> Person:
    return Person(None, identity.initials, identity.prefix, identity.last_name, identity.birth_date)
