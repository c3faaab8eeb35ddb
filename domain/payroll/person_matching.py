"""Who is who: matches the lines of a newer version of a run with the people that the run is known to owe.

By employee number if there is one, else by name, else by account. People who cannot be told apart are one person: owed
and paid amounts are summed over them, so that a doubt never pays anybody twice. Pure functions; amounts in cents.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.names import normalise_name
from domain.payroll.run_versions import PayableLine


@dataclass(frozen=True)
class KnownPerson:
    """A due of the run. `names` and `accounts`: from the newest version that held this person. `paid_names` and
    `paid_accounts`: from the order lines that count as paid.
    """

    due: int
    names: frozenset[str]
    accounts: frozenset[str]
    paid_names: frozenset[str] = frozenset()
    paid_accounts: frozenset[str] = frozenset()
    employee: str | None = None


@dataclass(frozen=True)
class Person:
    """The lines of one person, in file order. `dues`: the known dues of this person, oldest first.

    A new person has none. A person has several if they were told apart before, and no longer are.
    """

    lines: tuple[PayableLine, ...]
    dues: tuple[int, ...] = ()

    @property
    def owed_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


@dataclass(frozen=True)
class Matching:
    """The people of the newest version, and the known people that it no longer holds."""

    people: tuple[Person, ...]
    gone: tuple[KnownPerson, ...]


@dataclass
class _Group:
    """Lines and known people that belong to one person."""

    lines: list[PayableLine] = field(default_factory=list)
    known: list[KnownPerson] = field(default_factory=list)

    @property
    def members(self) -> list[PayableLine | KnownPerson]:
        return [*self.lines, *self.known]

    @property
    def accounts(self) -> set[str]:
        before = (one.accounts | one.paid_accounts for one in self.known)
        return {line.creditor_iban for line in self.lines}.union(*before)


class _Joined:
    """A union-find structure over lines and known people."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, one: int) -> int:
        while self._parent[one] != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one

    def join(self, members: Sequence[int]) -> None:
        first = self.find(members[0])
        for one in members[1:]:
            self._parent[self.find(one)] = first


def match_people(lines: Sequence[PayableLine], known: Sequence[KnownPerson]) -> Matching:
    """Match the lines of the newest version of a run with the known people of that run.

    The order of the lines affects only the order of the people.
    """
    if not known and not any(line.employee for line in lines):
        return Matching(tuple(Person(tuple(one)) for one in _by_name(lines)), ())
    everyone: list[PayableLine | KnownPerson] = [*lines, *known]
    joined = _Joined(len(everyone))
    _join_numbers(everyone, joined)
    _join_names(everyone, joined)
    _join_accounts(_groups(everyone, joined), joined)
    found = _groups(everyone, joined).values()
    people = [
        Person(tuple(one.lines), tuple(sorted(person.due for person in one.known)))
        for one in found
        if one.lines
    ]
    return Matching(tuple(people), tuple(person for one in found if not one.lines for person in one.known))


def _by_name(lines: Sequence[PayableLine]) -> Iterable[list[PayableLine]]:
    """Group lines by name: the first version of a run has nothing else to tell people apart."""
    found: dict[str, list[PayableLine]] = defaultdict(list)
    for line in lines:
        found[name_key(line)].append(line)
    return found.values()


def name_key(line: PayableLine) -> str:
    """Return the name by which people are told apart. A held line may have none; its account then stands in."""
    return normalise_name(line.creditor_name) or f"={line.creditor_iban}"


def _names(one: PayableLine | KnownPerson) -> frozenset[str]:
    return frozenset({name_key(one)}) if isinstance(one, PayableLine) else one.names | one.paid_names


def _by(
    everyone: Sequence[PayableLine | KnownPerson], keys: Callable[[PayableLine | KnownPerson], Iterable[str]]
) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(everyone):
        for key in keys(one):
            found[key].append(index)
    return found


def _join_numbers(everyone: Sequence[PayableLine | KnownPerson], joined: _Joined) -> None:
    for members in _by(everyone, lambda one: [one.employee] if one.employee else ()).values():
        joined.join(members)


def _join_names(everyone: Sequence[PayableLine | KnownPerson], joined: _Joined) -> None:
    """Join people of the same name, unless all of them have employee numbers."""
    for members in _by(everyone, _names).values():
        if not all(everyone[one].employee for one in members):
            joined.join(members)


def _join_accounts(groups: Mapping[int, _Group], joined: _Joined) -> None:
    """Join a person who is gone with a new person at the same account: the same person under another name."""
    gone: dict[str, list[int]] = defaultdict(list)
    new: dict[str, list[int]] = defaultdict(list)
    for index, group in groups.items():
        if not (group.lines and group.known):
            for iban in group.accounts:
                (new if group.lines else gone)[iban].append(index)
    for iban in gone.keys() & new.keys():
        for one in gone[iban]:
            joined.join([one, *(other for other in new[iban] if _may_be_one(groups[one], groups[other]))])


def _may_be_one(one: _Group, other: _Group) -> bool:
    """Return whether two groups may be one person. Different employee numbers mean two people, unless name and account
    agree: then the person got a new number.
    """
    mine, theirs = one.members, other.members
    if not all(member.employee for member in [*mine, *theirs]):
        return True
    return bool({name for each in mine for name in _names(each)} & {name for each in theirs for name in _names(each)})


def _groups(everyone: Sequence[PayableLine | KnownPerson], joined: _Joined) -> dict[int, _Group]:
    """Return the joined groups, in file order, by the index of their first member."""
    found: dict[int, _Group] = defaultdict(_Group)
    for index, one in enumerate(everyone):
        group = found[joined.find(index)]
        if isinstance(one, PayableLine):
            group.lines.append(one)
        else:
            group.known.append(one)
    return dict(found)
